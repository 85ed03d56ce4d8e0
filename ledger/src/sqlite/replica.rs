//! An empty ledger filled with entries of another one, to check them.

use super::joined_posts::close_post;
use super::tables::Tables;
use crate::random::Random;
use crate::records::{Records as _, Result};
use crate::rules::Replay;
use crate::store::Store as _;
use crate::workbench::Workbench;
use crate::{Entry, LedgerError, LedgerErrorKind};
use rusqlite::{Connection, TransactionBehavior};

/// Enters them in order, into a ledger that has none of its own.
pub(super) fn replay(connection: &mut Connection, random: &Random, entries: &[Entry]) -> Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let tables = Tables::to_write(&transaction, random);
    if tables.last_number()? != 0 {
        return Err(LedgerError::never(LedgerErrorKind::Conflict, "the ledger has entries of its own"));
    }
    transaction.execute("INSERT OR REPLACE INTO meta (name, value) VALUES ('replica', 'yes')", [])?;
    let workbench = Workbench::new(&tables, &[])?;
    let mut state = Replay::default();
    for entry in entries {
        workbench.append(entry.clone())?;
        state.apply(entry)?;
    }
    for hold in state.holds() {
        workbench.put_hold(hold)?;
    }
    workbench.clear()?;
    if let Some(last) = entries.last() {
        close_post(&transaction, &last.actor, (last.recorded_at, last.recorded_at), 0)?;
    }
    transaction.commit()?;
    Ok(())
}
