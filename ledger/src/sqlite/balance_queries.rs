//! What balances are made of, as SQLite reads it.

use super::tables::Tables;
use super::{figure_tables, observation_tables, queries, rows, spending_tables};
use crate::records::{NotedFigure, Result, Spent};
use crate::rules::Terms;
use crate::stored::{BalanceTables, LogTables as _, Value};
use crate::{Grant, Hold, Observation, SetPolicy};
use model::{ProjectName, Timestamp};

impl BalanceTables for Tables<'_> {
    fn grants_of(&self, project: Option<&ProjectName>) -> Result<Vec<Grant>> {
        queries::grants(self, project)
    }

    fn policies_of(&self, project: Option<&ProjectName>) -> Result<Vec<SetPolicy>> {
        queries::policies(self.connection, project)
    }

    fn spent(&self, terms: &[Terms], now: Timestamp) -> Result<Vec<Spent>> {
        spending_tables::spent(self.connection, &self.names, terms, now)
    }

    fn holds(&self, select: impl Fn(&str) -> String, values: &[Value]) -> Result<Vec<Hold>> {
        let mut holds = Vec::new();
        self.each_row(&select(rows::HOLD), values, |row| {
            holds.push(rows::hold(row)?);
            Ok(())
        })?;
        Ok(holds)
    }

    fn observations(&self) -> Result<Vec<Observation>> {
        observation_tables::observations(self.connection)
    }

    fn latest_figures(&self, project: Option<&ProjectName>) -> Result<Vec<NotedFigure>> {
        figure_tables::latest(self.connection, &self.names, project)
    }
}
