//! `pakt settle`: what ran becomes entries, what runs an observation, what is over gives its hold back.
//!
//! One look at accounting per month and one at the queue. `window` says since when, `read` takes the runs into the books
//! chunk by chunk while they are read, `reprice` those that had no price before; `observe` tells what runs and waits,
//! `amend` which holds follow a job that was changed, `close` which are over, `lost` whose
//! job nobody knows any more; `run` puts them in order, and its last post moves the cursor. Whatever stops it, the next one reads again from
//! the same cursor, and a run that is in the books already changes nothing.

mod adopted;
mod amend;
mod clock;
mod close;
mod counts;
mod desk;
mod lost;
mod observe;
mod price;
mod provisional;
pub(crate) mod raw;
mod read;
mod reading;
mod report;
mod reprice;
mod rights;
mod run;
mod unsent;
mod window;

pub use amend::AmendedHold;
pub use counts::{CorrectedAmount, Counts, SettledAmount};
pub use lost::LostJob;
pub use report::{NotPriced, SettleOptions, SettleReport};
pub use run::settle;

pub(crate) use adopted::Adopted;
pub(crate) use close::{ended_as_seen, has_run};
pub(crate) use counts::NotTaken;
pub(crate) use lost::kept_until;
pub(crate) use observe::{NO_NUMBER, Seen, Viewpoint, goes_on_after_its_limit, look, priced, said_limit};
pub(crate) use price::{Pricer, price_of};
pub(crate) use reading::Reading;
pub(crate) use report::{named, printable};
pub(crate) use reprice::{Repriced, reprice};
pub(crate) use rights::rights;
pub(crate) use window::{Known, months, start};
