//! Exports: a ledger as JSON lines, and what can be checked of them without it.
//!
//! The first line is the log, then comes everybody, then every entry, then every decision that stands. An auditor's export has names and salts, so that
//! names can be checked as well; a public one has pseudonyms and commitments, and the same root.

mod audit;
mod record;
mod spilled_runs;

pub use audit::ExportAudit;
pub use record::{EntryRecord, ExportLine, LogRecord, Masks, PersonRecord};
