//! Answers that all processes of one person share, so that many of them ask a site no more often than one.
//!
//! An answer lies in a file of its own with the time at which it was asked for. Who finds it old enough asks, and of several
//! at once one does; after a question that was not answered nobody asks for a while. All of it can be thrown away: where the
//! folder cannot be used, each process asks for itself. What may be answered this way, and what never, is decision 0044.

mod cost;
mod flight;
mod folder;
mod pace;
mod wait;

pub use cost::Cost;
pub(crate) use cost::{Asking, Tally};
pub(crate) use flight::{Question, Shared, Turn};
pub(crate) use folder::Answer;
pub use pace::{Freshness, Pace, Sharing};
pub(crate) use wait::Wait;
