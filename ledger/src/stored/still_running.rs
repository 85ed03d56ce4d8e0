//! What was under way when it was last read.

use super::balances::{BalanceTables, holds};
use crate::records::Result;
use crate::{ImportRecord, StillRunning, rules};
use model::Timestamp;

/// Of observations, which have no run that was settled meanwhile, and of batches.
pub(crate) fn still_running(
    tables: &impl BalanceTables,
    imports: Vec<ImportRecord>,
    now: Timestamp,
) -> Result<Vec<StillRunning>> {
    let bindings: Vec<_> = tables.bindings()?.into_iter().map(|record| record.terms).collect();
    Ok(rules::still_running(&tables.observations()?, &holds(tables, None)?, &bindings, imports, now))
}
