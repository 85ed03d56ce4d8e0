//! Who takes the rows of `sacct` as they are read, and the way there from what it prints.

use crate::{
    AdapterError, RejectedRow, RunTaker,
    slurm::{
        accounting::read, accounting_row::AccountingRow, call::Tool, columns::AccountingFields, rows::TableReader,
    },
};
use async_trait::async_trait;
use model::{ClusterName, SiteName, Timestamp, UserName};
use reach::PieceTaker;

/// Takes rows one by one; nothing more is read until one is taken.
#[async_trait]
pub(super) trait RowTaker: Send {
    /// Learns which columns the rows have.
    fn learn_fields(&mut self, fields: &AccountingFields);

    /// Whether it matters to it how a run ended.
    fn wants_exit_codes(&self) -> bool {
        false
    }

    async fn take(&mut self, row: AccountingRow);
    fn reject(&mut self, row: RejectedRow);
}

/// Gives each row to a function, and keeps those that cannot be read: one that is about tasks of ours, and not about which, too.
pub(super) struct Each<Take> {
    pub(super) take: Take,
    pub(super) rejected: Vec<RejectedRow>,
}

#[async_trait]
impl<Take: FnMut(AccountingRow) + Send> RowTaker for Each<Take> {
    fn learn_fields(&mut self, _: &AccountingFields) {}

    async fn take(&mut self, row: AccountingRow) {
        match row.unclear() {
            None => (self.take)(row),
            Some(reason) => {
                self.rejected.push(RejectedRow { raw: row.into_raw(), reason, stamp: None, is_cut: false });
            }
        }
    }

    fn reject(&mut self, row: RejectedRow) {
        self.rejected.push(row);
    }
}

/// Makes runs of rows.
pub(super) struct Runs<'a> {
    pub(super) site: &'a SiteName,
    pub(super) reader: &'a UserName,
    pub(super) observed_at: Timestamp,
    pub(super) taker: &'a mut dyn RunTaker,
    /// Of the first row.
    pub(super) cluster: Option<ClusterName>,
}

#[async_trait]
impl RowTaker for Runs<'_> {
    fn learn_fields(&mut self, fields: &AccountingFields) {
        let names: Vec<String> = fields.titles.iter().map(|field| (*field).to_owned()).collect();
        self.taker.learn_fields(&names);
    }

    fn wants_exit_codes(&self) -> bool {
        true
    }

    async fn take(&mut self, row: AccountingRow) {
        self.cluster.get_or_insert_with(|| row.cluster().clone());
        // An end that came to accounting before the start is told without the task for a moment: it is of no foreign run.
        if row.latest_time().is_some()
            && let Some(reason) = row.unclear()
        {
            return self.taker.reject(RejectedRow { raw: row.into_raw(), reason, stamp: None, is_cut: false });
        }
        if let Some(run) = row.run(self.site, self.reader, self.observed_at) {
            self.taker.take(run).await;
        }
    }

    fn reject(&mut self, row: RejectedRow) {
        self.taker.reject(row);
    }
}

/// Takes what `sacct` prints apart and hands its rows on: those of one piece are in memory at once, never all.
pub(super) struct Rows<'a> {
    table: TableReader,
    fields: &'a AccountingFields,
    taker: &'a mut dyn RowTaker,
}

impl<'a> Rows<'a> {
    pub(super) fn new(table: TableReader, fields: &'a AccountingFields, taker: &'a mut dyn RowTaker) -> Self {
        taker.learn_fields(fields);
        Self { table, fields, taker }
    }

    /// Hands on what is left. After `Ok` the answer was one.
    pub(super) async fn finish(self) -> Result<(), AdapterError> {
        let mut rows = Vec::new();
        let ended = self.table.finish(Tool::Sacct.doing(), &mut |found| rows.push(read(&found, self.fields)));
        hand_on(rows, self.taker).await;
        ended
    }
}

#[async_trait]
impl PieceTaker for Rows<'_> {
    async fn take(&mut self, piece: &[u8]) {
        let mut rows = Vec::new();
        self.table.read(piece, &mut |found| rows.push(read(&found, self.fields)));
        hand_on(rows, self.taker).await;
    }
}

async fn hand_on(rows: Vec<Result<AccountingRow, RejectedRow>>, taker: &mut dyn RowTaker) {
    for row in rows {
        match row {
            Ok(row) => taker.take(row).await,
            Err(row) => taker.reject(row),
        }
    }
}
