//! What the desk of holds asks of a file: each question for itself, as none has to travel.

use super::tables::Tables;
use crate::HoldId;
use crate::records::Result;
use crate::store::Store as _;
use crate::stored::{HoldTables, KnownHolds};
use rustc_hash::FxHashSet;

impl HoldTables for Tables<'_> {
    fn known_holds(&self, ids: &FxHashSet<HoldId>) -> Result<KnownHolds> {
        let mut known = KnownHolds {
            last_number: self.last_number()?,
            holds: Vec::with_capacity(ids.len()),
            jobs_with_runs: FxHashSet::default(),
        };
        let select = "SELECT EXISTS (SELECT 1 FROM runs WHERE stamp_job = ?1)";
        let mut has_runs = self.connection.prepare_cached(select)?;
        for id in ids {
            known.holds.extend(self.hold(*id)?);
            if has_runs.query_row([id.0.to_string()], |row| row.get(0))? {
                known.jobs_with_runs.insert(id.0);
            }
        }
        Ok(known)
    }
}
