//! `pakt settle`: what ran becomes entries, what runs an observation, what is over gives its hold back.
//!
//! One look at accounting and one at the queue per cluster; `window` says since when, `observe` what runs and waits,
//! `close` which holds are over, `run` puts it into one transaction whose last command moves the cursor.

mod close;
mod observe;
mod provisional;
mod run;
mod window;

pub use run::{NotPriced, SettleOptions, SettleReport, settle};
