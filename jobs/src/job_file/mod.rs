//! The job file: YAML a person writes, read into a [`model::JobSpec`] with every mistake found at once.
//!
//! `documents` parts a file of several jobs, `document` keeps where each value stands, `fields` reads one mapping and collects mistakes, the other files read one
//! part of a job each, `paths` says what a path means, `mistake` ties a finding to its place in the file, `secret` hides
//! what is not to be shown of it, `reference` says what each field means.

mod chain;
mod code;
mod document;
mod documents;
mod evaluate;
mod evaluate_reference;
mod fields;
mod follow;
mod matching;
mod mistake;
mod on_failure;
mod paths;
mod read;
pub mod reference;
mod resources;
mod scheduler;
mod secret;
mod surroundings;
mod sweep;
mod sweep_file;

pub(crate) use chain::MOST_LINKS as MOST_CHAIN_LINKS;
pub use document::{Document, Place};
pub use documents::documents;
pub use mistake::Mistake;
pub use read::{JobFile, SourceFile};
pub(crate) use sweep::MOST_LINKS as MOST_SWEEP_LINKS;
