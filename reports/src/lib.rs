//! Statements and balances as documents: text for people, CSV for tables. Queries nothing; rounds only what it shows.

mod csv;
mod text;

pub use csv::{statements_csv, table_csv, yes_or_no};
pub use text::{ReportError, statement_text};
