//! The embedded store: one SQLite file, one owning thread, any number of processes.
//!
//! `mount` decides from the mount table how far file locks reach, `open` checks and prepares the file, `read_only` opens one that
//! cannot be written, `thread` has what the owning thread works with, `tables` is what the procedures need, `queries` is
//! what only reads, `overwriting` ends an erasure, `book` is the contract. `stored_rows` is what evidence needs, `side_reader` who else reads for a
//! verification.

mod backup;
mod balance_queries;
mod book;
mod bundle_table;
mod entry_tables;
mod failure;
mod figure_tables;
mod header;
mod hold_tables;
mod import_table;
mod inserts;
mod joined_posts;
mod mount;
mod moving;
mod names;
mod new_key;
mod observation_tables;
mod open;
mod overwriting;
mod queries;
mod raw_rows;
mod read_only;
mod replica;
mod rows;
mod run_tables;
mod schema;
mod side_reader;
mod spending_tables;
mod stored_rows;
mod tables;
mod thread;

pub use book::SqliteBook;
pub use open::{OpenMode, StopPoint, Surroundings};
#[cfg(test)]
pub(crate) use schema::MIGRATIONS;
