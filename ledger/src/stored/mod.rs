//! What every store does the same way with what lies in its tables, so that the same commands give the same bytes: leaves
//! of entries, the log, persons, proofs, audits, sums by the hour, and posts that wait together. A store brings rows,
//! names and statements.

mod as_of;
mod audit;
mod audit_joined;
mod audit_part;
mod audit_readers;
mod audit_sums;
mod balances;
mod beside;
mod charges;
mod coverage;
mod covered;
mod decided_rows;
mod decision_audit;
mod desk_store;
mod earlier_decisions;
mod entry_rows;
mod erased_decisions;
mod erasure;
mod hold_desk;
mod key_changes;
mod key_file;
mod knowledge;
mod leaf_rows;
mod listed;
mod log;
mod lot_audit;
mod new_leaves;
mod overnight;
mod past;
mod persons;
mod post_queue;
mod proofs;
mod raw_rows;
mod reversal_audit;
mod row;
mod seen_at;
mod site_charges;
mod spending;
mod still_running;
mod tables;
mod unpriced;
mod usage_audit;
mod usage_queries;
mod usage_tables;

#[cfg(test)]
pub(crate) use audit::audit_by_parts;
pub(crate) use audit::{PART, audit};
pub(crate) use audit_readers::{Reader, other_readers};
#[cfg(test)]
pub(crate) use balances::RECENT;
pub(crate) use balances::{BalanceTables, balance_parts, balances, budgets, openings};
pub(crate) use beside::beside;
pub(crate) use coverage::{coverage, has_run_of_others, put_coverage, readings};
pub(crate) use covered::covered_sums;
pub(crate) use decided_rows::{all_decided, decide_again, decided};
pub(crate) use earlier_decisions::enter_earlier;
pub(crate) use entry_rows::{ENTRY, NewEntries, NewEntry, Numbers, entry, place, run_key};
pub(crate) use erasure::erase;
pub(crate) use hold_desk::{Carried, HoldDesk, HoldTables, KnownHolds};
pub(crate) use key_changes::change_key;
pub(crate) use key_file::{
    find as find_key, generate as generate_key, generate_next as generate_next_key, read as read_key,
    write as write_key,
};
pub(crate) use knowledge::bound_and_read;
pub(crate) use leaf_rows::select as select_leaves;
pub(crate) use listed::Listed;
pub(crate) use log::{Appending, Log, LogRow, Marked};
pub(crate) use overnight::{LONG, OvernightRow, add_overnight_rows, sum_nights};
pub(crate) use persons::{Known, NewPerson, PERSON, PersonTable, Persons};
pub(crate) use post_queue::{Owner, Posts};
pub(crate) use proofs::{prove, record_of_log, records};
pub(crate) use raw_rows::{PackedRows, raw_row};
pub(crate) use row::{StoredRow, unreadable};
pub(crate) use seen_at::seen_at;
pub(crate) use site_charges::site_charges;
pub(crate) use spending::{consumption, hours, spent};
pub(crate) use still_running::still_running;
pub(crate) use tables::{LogTables, Names, Value};
pub(crate) use unpriced::unpriced_runs;
pub(crate) use usage_queries::{usage, zones};
pub(crate) use usage_tables::{UsageRow, add as add_usage, add_usage_rows, set_zone, zone};
