//! `site: any`: to which of the sites that are reached from here a job goes, and why.
//!
//! `consider` looks at one of them, `rank` puts them in order, `record` keeps the choice on this machine before anything is
//! begun at a site, and `run` walks through it: a request that was begun anywhere stays there until it is over
//! (docs/decisions/0043).

mod consider;
mod rank;
mod record;
mod run;

pub use consider::{Considered, Fit, Pays, Start, Verdict};
pub use record::Choices;
pub use run::{Chosen, Surveyed, choose, nowhere, survey};
