//! A whole ledger on its way from another store: table by table, row by row, with its numbers, leaves and proofs.

use super::copy_rows::CopyRows;
use super::keeper::Keeper;
use super::open::{open, open_empty};
use super::place::PostgresPlace;
use super::rows::{get, unreadable};
use super::session::Session;
use super::side_reader::SideReader;
use super::tables::Tables;
use crate::evidence::SignerKey;
use crate::records::Result;
use crate::stored::{LogRow, LogTables as _, audit};
use crate::{LedgerError, LedgerErrorKind, OpenMode, Outside, Verification};
use std::path::Path;

/// A column of a table.
#[derive(Clone, Debug)]
pub(crate) struct Column {
    pub(crate) name: String,
    pub(crate) sort: ColumnSort,
}

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ColumnSort {
    Number,
    /// The number of a name, or another small one.
    Integer,
    Small,
    Flag,
    Text,
    Bytes,
}

/// A value that moves.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Value<'a> {
    Absent,
    Number(i64),
    Text(&'a str),
    Bytes(&'a [u8]),
}

/// So many bytes are handed over at once.
const PIECE: usize = 1 << 20;

/// A database that is being filled, in one transaction: dropped before [`Self::finish`] it is as it was.
pub(crate) struct Arriving {
    session: Session,
    keeper: Keeper,
}

impl Arriving {
    /// Makes the tables; a database that has a ledger with posts in it is refused.
    pub(crate) fn begin(place: &PostgresPlace, keys: &Path) -> Result<Self> {
        let keeper = Keeper { folder: keys.to_owned(), random: crate::Random::of_the_system() };
        Ok(Self { session: open_empty(place, &keeper)?, keeper })
    }

    /// Looks for a ledger that arrived before whoever moved it could note that: what is verified there, where its log is the
    /// same as this one.
    pub(crate) fn find(place: &PostgresPlace, keys: &Path, log: &LogRow) -> Result<Option<Verification>> {
        let keeper = Keeper { folder: keys.to_owned(), random: crate::Random::of_the_system() };
        let session = open(place, OpenMode::Existing, &keeper)?;
        session.begin_reading()?;
        let tables = Tables::new(&session);
        let there = tables.log_row()?;
        let is_same = there.frontier == log.frontier && there.key == log.key;
        if is_same { audit(&tables, Vec::<SideReader>::new(), &Outside::default()).map(Some) } else { Ok(None) }
    }

    /// The tables in the order in which they can be filled: what is checked against others comes after them.
    pub(crate) fn tables(&self) -> Result<Vec<String>> {
        let select = "SELECT relname::text FROM pg_class
            WHERE relnamespace = 'pakt'::regnamespace AND relkind = 'r' AND relname <> 'meta'
            ORDER BY relname IN ('posts', 'unbindings'), relname COLLATE \"C\"";
        self.session.rows(select, &[])?.iter().map(|row| get(row, 0)).collect()
    }

    pub(crate) fn columns(&self, table: &str) -> Result<Vec<Column>> {
        let select = "SELECT column_name::text, data_type::text FROM information_schema.columns
            WHERE table_schema = 'pakt' AND table_name = $1 ORDER BY ordinal_position";
        let column = |row| Ok(Column { name: get(row, 0)?, sort: sort_of(get(row, 1)?)? });
        self.session.rows(select, &[&table])?.iter().map(column).collect()
    }

    /// Fills a table. `next` gives a row into the hands of the closure that it is called with, or says that there is none.
    pub(crate) fn fill(
        &self,
        table: &str,
        columns: &[Column],
        mut next: impl FnMut(&mut dyn FnMut(usize, Value<'_>) -> Result<()>) -> Result<bool>,
    ) -> Result<()> {
        let names: Vec<String> = columns.iter().map(|column| format!("\"{}\"", column.name)).collect();
        let copy = format!("COPY {table} ({}) FROM STDIN (FORMAT binary)", names.join(", "));
        let count = i16::try_from(columns.len()).map_err(unreadable)?;
        let mut rows = CopyRows::new(count, 0);
        let mut is_over = false;
        self.session.copy_pieces(&copy, || {
            while !is_over && rows.len() < PIECE {
                let mut row = rows.begun();
                let is_there = next(&mut |column, value| put(&mut row, columns[column].sort, value))?;
                if is_there {
                    rows.add(&row);
                }
                is_over = !is_there;
            }
            Ok((rows.take(is_over), is_over))
        })
    }

    /// Sets what the database keeps for itself: the ledger's secret, and the numbers that come next.
    pub(crate) fn put_secret(&self, secret: &str) -> Result<()> {
        self.session.execute("UPDATE meta SET value = $1 WHERE name = 'secret'", &[&secret])?;
        for table in ["names", "posts", "enforcements", "unbindings", "raw_rows", "policies"] {
            let number = if table == "raw_rows" { "chunk" } else { "number" };
            self.session.batch(&format!(
                "SELECT setval(pg_get_serial_sequence('{table}', '{number}'), coalesce(max({number}), 1),
                 max({number}) IS NOT NULL) FROM {table}"
            ))?;
        }
        Ok(())
    }

    /// Sets under which keys the log was before.
    pub(crate) fn put_key_changes(&self, changes: &str) -> Result<()> {
        let insert = "INSERT INTO meta (name, value) VALUES ('key_changes', $1)";
        self.session.execute(insert, &[&changes]).map(drop)
    }

    /// Verifies all of it before it counts, keeps the key, and commits.
    pub(crate) fn finish(&self, key: Option<&SignerKey>) -> Result<Verification> {
        let verification = audit(&Tables::new(&self.session), Vec::<SideReader>::new(), &Outside::default())?;
        if let Some(finding) = verification.findings.first() {
            let why = format!("what arrived is not sound, so nothing was moved: {finding}");
            return Err(LedgerError::never(LedgerErrorKind::Corrupt, why));
        }
        if let Some(key) = key {
            self.keeper.keep(key)?;
        }
        self.session.commit()?;
        Ok(verification)
    }
}

fn sort_of(text: &str) -> Result<ColumnSort> {
    match text {
        "bigint" => Ok(ColumnSort::Number),
        "integer" => Ok(ColumnSort::Integer),
        "smallint" => Ok(ColumnSort::Small),
        "boolean" => Ok(ColumnSort::Flag),
        "text" => Ok(ColumnSort::Text),
        "bytea" => Ok(ColumnSort::Bytes),
        other => Err(LedgerError::never(LedgerErrorKind::Bug, format!("no column is a `{other}`"))),
    }
}

fn put(row: &mut CopyRows, sort: ColumnSort, value: Value<'_>) -> Result<()> {
    match (sort, value) {
        (_, Value::Absent) => row.absent(),
        (ColumnSort::Number, Value::Number(number)) => row.number(number),
        (ColumnSort::Integer, Value::Number(number)) => row.numbered(number)?,
        (ColumnSort::Small, Value::Number(number)) => row.small(i16::try_from(number).map_err(unreadable)?),
        (ColumnSort::Flag, Value::Number(number)) => row.flag(number != 0),
        (ColumnSort::Text, Value::Text(text)) => row.text(text),
        (ColumnSort::Bytes, Value::Bytes(bytes)) => row.field(bytes),
        (sort, value) => return Err(unreadable(format!("{value:?} stands in a column of {sort:?}"))),
    }
    Ok(())
}
