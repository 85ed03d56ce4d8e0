//! What evidence needs of a store, inside one transaction.

use super::log::LogRow;
use super::overnight::OvernightRow;
use super::persons::{Known, Persons};
use super::row::{StoredRow, unreadable};
use super::usage_tables::UsageRow;
use crate::evidence::{LeafHashes, TreeHash};
use crate::records::Result;
use crate::rules::Stored;
use crate::{Account, EntryPage};
use model::{RunKey, Unit};
use std::fmt::Display;
use std::ops::{Deref, Range};
use std::str::FromStr;

/// The names that rows hold numbers of. What has no number gets one.
pub(crate) trait Names {
    type Text: Deref<Target = str>;

    fn number_of(&self, text: &str) -> Result<i64>;
    fn number_of_unit(&self, unit: &Unit) -> Result<i64>;
    fn number_of_account(&self, account: &Account) -> Result<i64>;
    fn number_of_place(&self, run: &RunKey) -> Result<i64>;
    /// Has all of them read anew: a text may have gone.
    fn forget_all(&self);
    /// The text behind a number.
    fn text_of(&self, number: i64) -> Result<Self::Text>;

    /// The same by its type's own reading.
    fn parsed_of<T: FromStr<Err: Display>>(&self, number: i64) -> Result<T> {
        self.text_of(number)?.parse().map_err(unreadable)
    }
}

/// A value of a statement.
#[derive(Clone, Debug)]
pub(crate) enum Value {
    Number(i64),
    Text(String),
    TextOption(Option<String>),
    Bytes(Vec<u8>),
}

/// The tables of a ledger, as those see them who check it.
pub(crate) trait LogTables {
    type Row<'row>: StoredRow;
    type Names: Names;

    fn names(&self) -> &Self::Names;
    fn persons(&self) -> &Persons<'_>;

    fn log_row(&self) -> Result<LogRow>;
    fn put_checkpoint(&self, checkpoint: &str) -> Result<()>;
    /// The hashes of these leaves, which begin at 0.
    fn leaves(&self, leaves: Range<u64>) -> Result<Vec<TreeHash>>;
    /// The roots of these subtrees of height 1 or 2.
    fn roots(&self, height: u32, subtrees: Range<u64>) -> Result<Vec<TreeHash>>;

    /// Calls `each` with the rows of a page of [`select_leaves`](super::select_leaves), in their order.
    fn each_entry(&self, page: EntryPage, each: impl FnMut(&Self::Row<'_>) -> Result<()>) -> Result<()>;
    /// Calls `each` with place, job, submit time and amount of every run.
    fn each_charge(&self, each: impl FnMut(&Self::Row<'_>) -> Result<()>) -> Result<()>;
    /// The number of a name, where it has one.
    fn number_known(&self, text: &str) -> Result<Option<i64>>;
    /// Calls `each` with every row of a query, in which `?` stands for the values, one after the other.
    fn each_row(&self, select: &str, values: &[Value], each: impl FnMut(&Self::Row<'_>) -> Result<()>) -> Result<()>;
    /// Carries a statement out, written in the same way. How many rows it changed.
    fn change(&self, statement: &str, values: &[Value]) -> Result<u64>;
    /// Adds rows, each of other dimensions, to the sums in a table, whose first column is named. The table need not have them.
    fn add_usage_rows(&self, table: [&str; 2], rows: &[UsageRow]) -> Result<()>;
    /// Adds rows, each of another place and midnight, to what runs had taken by then. The table need not have them.
    fn add_overnight_rows(&self, rows: &[OvernightRow]) -> Result<()>;

    /// What is stored beside the entries, without the runs, which are many.
    fn stored(&self) -> Result<Stored>;
    /// The same with what each run is charged.
    fn stored_with_runs(&self) -> Result<Stored>;
    /// All persons, in the order in which they were met.
    fn all_persons(&self) -> Result<Vec<Known>>;
    /// Whether the ledger was made by a replay.
    fn is_replica(&self) -> Result<bool>;
}

/// The tree as it lies in the tables.
pub(super) struct StoredTree<'a, T>(pub(super) &'a T);

impl<T: LogTables> LeafHashes for StoredTree<'_, T> {
    fn leaf_hashes(&self, leaves: Range<u64>) -> Result<Vec<TreeHash>> {
        self.0.leaves(leaves)
    }

    fn subtree_roots(&self, height: u32, subtrees: Range<u64>) -> Result<Option<Vec<TreeHash>>> {
        if height > 2 { Ok(None) } else { self.0.roots(height, subtrees).map(Some) }
    }
}
