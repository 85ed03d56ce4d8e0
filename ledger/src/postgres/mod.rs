//! The shared store: a schema of a PostgreSQL database, one owning thread, any number of processes.
//!
//! `place` says where it is and refuses what would cross a network in plain text, `open` checks and prepares the tables,
//! `session` is the connection, `thread` keeps it for the owning thread, to which posts come that waited together
//! (`joined_posts`, `hold_tables`), `tables` is what the procedures need, `queries` is what only reads, `book` is the contract.
//! Writers take a lock one after the other, so that the numbers of entries have no gaps. Many rows go by COPY (`copy_rows`,
//! `run_rows`), made while the server works on those before them. `stored_rows` is what evidence needs, `side_reader` who else
//! reads for a verification, `open_log` the log while entries are added, `keeper` the keys of logs.

mod balance_queries;
mod book;
mod bundle_table;
mod copy_rows;
mod entry_tables;
mod failure;
mod figure_tables;
mod hold_tables;
mod import_table;
mod joined_posts;
mod keeper;
mod moving;
mod names;
mod new_key;
mod observation_tables;
mod open;
mod open_log;
mod passfile;
mod place;
mod queries;
mod raw_rows;
mod rows;
mod run_rows;
mod run_tables;
mod schema;
mod session;
mod side_reader;
mod spending_tables;
mod stored_rows;
mod tables;
mod thread;
mod tls;

pub use book::PostgresBook;
pub(crate) use moving::{Arriving, Column, Value};
pub use place::PostgresPlace;
