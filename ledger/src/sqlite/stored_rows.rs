//! SQLite's rows, names and persons as every store has them.

use super::names::Names;
use super::tables::Tables;
use crate::evidence::{Pseudonym, TreeHash};
use crate::records::Result;
use crate::rules::Stored;
use crate::stored::{
    Known, LogRow, LogTables, Names as StoredNames, NewPerson, OvernightRow, PERSON, PersonTable, Persons, StoredRow,
    UsageRow, Value, add_overnight_rows, add_usage_rows, select_leaves, unreadable,
};
use crate::{Account, EntryPage};
use model::{RunKey, Unit};
use rusqlite::types::{ToSql, ToSqlOutput};
use rusqlite::{Connection, Params, Row, params, params_from_iter};
use std::ops::Range;
use std::rc::Rc;

impl StoredRow for Row<'_> {
    fn number(&self, column: usize) -> Result<i64> {
        Ok(self.get(column)?)
    }

    fn number_option(&self, column: usize) -> Result<Option<i64>> {
        Ok(self.get(column)?)
    }

    fn name(&self, column: usize) -> Result<i64> {
        self.number(column)
    }

    fn name_option(&self, column: usize) -> Result<Option<i64>> {
        self.number_option(column)
    }

    fn text_option(&self, column: usize) -> Result<Option<&str>> {
        self.get_ref(column)?.as_str_or_null().map_err(unreadable)
    }

    fn bytes_option(&self, column: usize) -> Result<Option<&[u8]>> {
        self.get_ref(column)?.as_blob_or_null().map_err(unreadable)
    }

    fn flag(&self, column: usize) -> Result<bool> {
        Ok(self.get(column)?)
    }
}

impl ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        match self {
            Self::Number(number) => number.to_sql(),
            Self::Text(text) => text.to_sql(),
            Self::TextOption(text) => text.to_sql(),
            Self::Bytes(bytes) => bytes.to_sql(),
        }
    }
}

impl StoredNames for Names<'_> {
    type Text = Rc<str>;

    fn number_of(&self, text: &str) -> Result<i64> {
        self.number(text)
    }

    fn number_of_unit(&self, unit: &Unit) -> Result<i64> {
        self.unit(unit)
    }

    fn number_of_account(&self, account: &Account) -> Result<i64> {
        self.account(account)
    }

    fn number_of_place(&self, run: &RunKey) -> Result<i64> {
        self.place(run)
    }

    fn forget_all(&self) {
        self.clear();
    }

    fn text_of(&self, number: i64) -> Result<Rc<str>> {
        Ok(self.text(number)?)
    }
}

/// Calls `each` with every row of a query.
pub(super) fn each<P: Params>(
    connection: &Connection,
    sql: &str,
    parameters: P,
    mut each: impl FnMut(&Row<'_>) -> Result<()>,
) -> Result<()> {
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(parameters)?;
    while let Some(row) = rows.next()? {
        each(row)?;
    }
    Ok(())
}

fn person(connection: &Connection, condition: &str, parameters: impl Params) -> Result<Option<Known>> {
    let mut found = None;
    each(connection, &format!("SELECT {PERSON} FROM persons WHERE {condition}"), parameters, |row| {
        found = Some(Known::read(row)?);
        Ok(())
    })?;
    Ok(found)
}

impl PersonTable for Connection {
    fn named(&self, site: Option<&str>, user: &str) -> Result<Option<Known>> {
        person(self, "user = ?1 AND site IS ?2", params![user, site])
    }

    fn erased(&self, pseudonym: &Pseudonym) -> Result<Option<Known>> {
        person(self, "pseudonym = ?1 AND user IS NULL", [pseudonym.as_bytes()])
    }

    fn numbered(&self, number: i64) -> Result<Option<Known>> {
        person(self, "number = ?1", [number])
    }

    fn add(&self, person: &NewPerson<'_>) -> Result<i64> {
        let insert = "INSERT INTO persons (pseudonym, commitment, site, user, salt) VALUES (?1, ?2, ?3, ?4, ?5)";
        self.prepare_cached(insert)?.execute(params![
            person.mark.pseudonym.as_bytes(),
            person.mark.commitment.as_bytes(),
            person.site,
            person.user,
            person.salt.as_bytes(),
        ])?;
        Ok(self.last_insert_rowid())
    }
}

impl Tables<'_> {
    fn hashes(&self, select: &str, parameters: impl Params) -> Result<Vec<TreeHash>> {
        super::queries::all(self.connection, select, parameters, |row| row.get(0).map(TreeHash::from_bytes))
    }
}

impl<'a> LogTables for Tables<'a> {
    type Row<'row> = Row<'row>;
    type Names = Names<'a>;

    fn names(&self) -> &Names<'a> {
        &self.names
    }

    fn persons(&self) -> &Persons<'_> {
        &self.persons
    }

    fn log_row(&self) -> Result<LogRow> {
        let select = "SELECT frontier, key, checkpoint FROM log WHERE one = 1";
        let row = self
            .connection
            .prepare_cached(select)?
            .query_row([], |row| Ok(LogRow { frontier: row.get(0)?, key: row.get(1)?, checkpoint: row.get(2)? }));
        Ok(row?)
    }

    fn put_checkpoint(&self, checkpoint: &str) -> Result<()> {
        self.connection.prepare_cached("UPDATE log SET checkpoint = ?1")?.execute([checkpoint])?;
        Ok(())
    }

    fn leaves(&self, leaves: Range<u64>) -> Result<Vec<TreeHash>> {
        let select = "SELECT leaf FROM entries WHERE number > ?1 AND number <= ?2 ORDER BY number";
        self.hashes(select, params![super::rows::number(leaves.start)?, super::rows::number(leaves.end)?])
    }

    fn roots(&self, height: u32, subtrees: Range<u64>) -> Result<Vec<TreeHash>> {
        let select =
            "SELECT root FROM subtree_roots WHERE height = ?1 AND number >= ?2 AND number < ?3 ORDER BY number";
        let (start, end) = (super::rows::number(subtrees.start)?, super::rows::number(subtrees.end)?);
        self.hashes(select, params![height, start, end])
    }

    fn each_entry(&self, page: EntryPage, each_row: impl FnMut(&Row<'_>) -> Result<()>) -> Result<()> {
        let select = select_leaves("WHERE number > ?1 ORDER BY number LIMIT ?2");
        each(self.connection, &select, params![super::rows::number(page.after)?, page.limit], each_row)
    }

    fn each_charge(&self, each_row: impl FnMut(&Row<'_>) -> Result<()>) -> Result<()> {
        each(self.connection, "SELECT place, job, submitted, amount FROM runs", [], each_row)
    }

    fn number_known(&self, text: &str) -> Result<Option<i64>> {
        self.names.find(text)
    }

    fn each_row(&self, select: &str, values: &[Value], each_row: impl FnMut(&Row<'_>) -> Result<()>) -> Result<()> {
        each(self.connection, select, params_from_iter(values), each_row)
    }

    fn change(&self, statement: &str, values: &[Value]) -> Result<u64> {
        Ok(self.connection.prepare_cached(statement)?.execute(params_from_iter(values))? as u64)
    }

    fn add_usage_rows(&self, table: [&str; 2], rows: &[UsageRow]) -> Result<()> {
        let insert = add_usage_rows(table, "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)");
        let mut statement = self.connection.prepare_cached(&insert)?;
        rows.iter().try_for_each(|row| Ok(statement.execute(params_from_iter(row)).map(drop)?))
    }

    fn add_overnight_rows(&self, rows: &[OvernightRow]) -> Result<()> {
        let mut statement = self.connection.prepare_cached(&add_overnight_rows("VALUES (?1, ?2, ?3, ?4, ?5)"))?;
        rows.iter().try_for_each(|row| Ok(statement.execute(params_from_iter(row)).map(drop)?))
    }

    fn stored(&self) -> Result<Stored> {
        super::queries::stored(self)
    }

    fn stored_with_runs(&self) -> Result<Stored> {
        super::queries::stored_with_runs(self)
    }

    fn all_persons(&self) -> Result<Vec<Known>> {
        let mut persons = Vec::new();
        each(self.connection, &format!("SELECT {PERSON} FROM persons ORDER BY number"), [], |row| {
            persons.push(Known::read(row)?);
            Ok(())
        })?;
        Ok(persons)
    }

    fn is_replica(&self) -> Result<bool> {
        super::queries::is_replica(self.connection)
    }
}
