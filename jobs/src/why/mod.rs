//! `pakt why`: why a job waits, in plain words, with what to do and what would start sooner.
//!
//! `subject` finds what a person means, `causes` puts the scheduler's reason together with `limits`, `partitions`,
//! `maintenance` and `dependency`, `sooner` asks what another time, partition or site would bring, and `run` is the verb.

mod causes;
mod dependency;
mod limits;
mod maintenance;
mod partitions;
mod probe;
mod run;
mod sooner;
mod subject;

pub use causes::Cause;
pub use run::{Standing, Waits, Why, why};
pub use scheduler_adapters::QueuePlace;
pub use sooner::{Change, MOST_QUESTIONS, Offer, SOONER_BY_SECONDS, Sooner};
pub use subject::Subject;
