//! `pakt submit`: the route from a job file to one scheduler job, with one hold, whatever is killed on the way.
//!
//! `request` finds or makes the job of a request, `sheet` writes its batch script, `hold` takes its GPU-hours, `send`
//! calls the scheduler exactly once, `sender` waits for whoever began that before, `read_back` sees what the scheduler made of it, `route` puts them in order.

mod hold;
mod read_back;
mod request;
mod route;
mod send;
mod sender;
mod sheet;

pub(crate) use hold::take_hold;
pub(crate) use request::{Opened, digest_of, open_request, write_intent};
pub(crate) use send::{NotSent, found, look_up, note, send};
pub(crate) use sender::{await_calls, sending};

pub use route::{Submission, SubmitAnswer, SubmitOutcome, submit};
pub use sheet::Sheet;
pub(crate) use sheet::write_sheet;
