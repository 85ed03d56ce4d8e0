//! `pakt submit`: the route from a job file to one scheduler job, with one hold, whatever is killed on the way.
//!
//! `ready` prepares the job of a file, `request` finds or makes the job of a request, `begun` begins it, `sheet` writes its
//! batch script, `hold` takes its GPU-hours, `send` calls the scheduler exactly once, `sender` waits for whoever began that
//! before, `read_back` sees what the scheduler made of it, `route` puts them in order for one file; `many` does so for many
//! files of one call, `alike` finds those that become tasks of arrays, `array` sends one, `together` begins those, `set` says which jobs that call means, `payments` what budgets say to them together.

mod alike;
mod array;
mod begun;
mod hold;
mod links;
mod many;
mod payments;
mod read_back;
mod ready;
mod request;
mod route;
mod send;
mod sender;
mod set;
mod sheet;
mod together;
mod whole;

pub(crate) use hold::{in_words, is_away, take_hold};
pub(crate) use links::{SentLinks, send_links};
pub(crate) use read_back::{Kept, Seen, read_back};
pub(crate) use ready::frozen;
pub(crate) use request::{
    Opened, RequestState, digest_of, is_over_with_links, open_request, request_state, write_intent,
};
pub(crate) use send::{NotSent, found_each, look_up, note, send};
pub(crate) use sender::{await_all, await_link_arrays, sending};

pub use alike::Arrays;
pub use many::{MOST_FILES, ManyAnswer, ManySubmission, Member, MemberOutcome, submit_many};
pub use route::{Submission, SubmitAnswer, SubmitOutcome, SubmittedSweep, submit};
pub use set::Over;
pub use sheet::Sheet;
pub(crate) use sheet::write_sheet;
