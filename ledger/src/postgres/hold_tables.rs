//! What the desk of holds asks of PostgreSQL: two questions for all posts of a transaction, and the log in the same breath.

use super::rows;
use super::stored_rows::log_row;
use super::tables::Tables;
use crate::HoldId;
use crate::records::Result;
use crate::stored::{HoldTables, KnownHolds};
use rustc_hash::FxHashSet;

impl HoldTables for Tables<'_> {
    fn known_holds(&self, ids: &FxHashSet<HoldId>) -> Result<KnownHolds> {
        let texts: Vec<String> = ids.iter().map(ToString::to_string).collect();
        let select = "SELECT coalesce((SELECT max(number) FROM entries), 0),
            ARRAY(SELECT DISTINCT stamp_job FROM runs WHERE stamp_job = ANY($1)), frontier, key, checkpoint FROM log";
        let row = self.session.one(select, &[&texts])?;
        self.open_log(log_row(&row, 2)?)?;
        let jobs = rows::get::<Vec<&str>>(&row, 1)?.into_iter();
        let jobs_with_runs = jobs.map(|job| job.parse().map_err(rows::unreadable)).collect::<Result<_>>()?;
        let select = format!("SELECT {} FROM holds WHERE id = ANY($1)", rows::HOLD);
        let holds = self.session.rows(&select, &[&texts])?.iter().map(rows::hold).collect::<Result<_>>()?;
        Ok(KnownHolds { last_number: rows::count(&row, 0)?, holds, jobs_with_runs })
    }
}
