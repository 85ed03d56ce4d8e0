//! PostgreSQL's rows, names and persons as every store has them.

use super::rows::{get, number};
use super::session::{Session, Values};
use super::tables::Tables;
use crate::evidence::{Pseudonym, TreeHash};
use crate::records::Result;
use crate::rules::Stored;
use crate::stored::{
    Known, LogRow, LogTables, Names, NewPerson, OvernightRow, PERSON, PersonTable, Persons, StoredRow, UsageRow, Value,
    add_overnight_rows, add_usage_rows, select_leaves,
};
use crate::{Account, EntryPage};
use model::{RunKey, Unit};
use postgres::Row;
use postgres::types::ToSql;
use std::ops::Range;
use std::sync::Arc;

/// So many rows are in memory at once.
const READ_AT_ONCE: u32 = 20_000;

impl StoredRow for Row {
    fn number(&self, column: usize) -> Result<i64> {
        get(self, column)
    }

    fn number_option(&self, column: usize) -> Result<Option<i64>> {
        get(self, column)
    }

    fn name(&self, column: usize) -> Result<i64> {
        get::<i32>(self, column).map(i64::from)
    }

    fn name_option(&self, column: usize) -> Result<Option<i64>> {
        Ok(get::<Option<i32>>(self, column)?.map(i64::from))
    }

    fn text_option(&self, column: usize) -> Result<Option<&str>> {
        get(self, column)
    }

    fn bytes_option(&self, column: usize) -> Result<Option<&[u8]>> {
        get(self, column)
    }

    fn flag(&self, column: usize) -> Result<bool> {
        get(self, column)
    }
}

impl Names for Session {
    type Text = Arc<str>;

    fn number_of(&self, text: &str) -> Result<i64> {
        self.number(text).map(i64::from)
    }

    fn number_of_unit(&self, unit: &Unit) -> Result<i64> {
        self.unit(unit).map(i64::from)
    }

    fn number_of_account(&self, account: &Account) -> Result<i64> {
        self.account(account).map(i64::from)
    }

    fn number_of_place(&self, run: &RunKey) -> Result<i64> {
        self.place(run).map(i64::from)
    }

    fn forget_all(&self) {
        self.names.clear();
    }

    fn text_of(&self, number: i64) -> Result<Arc<str>> {
        self.text(i32::try_from(number).map_err(super::rows::unreadable)?)
    }
}

impl Session {
    fn person(&self, condition: &str, values: Values<'_>) -> Result<Option<Known>> {
        let found = self.row(&format!("SELECT {PERSON} FROM persons WHERE {condition}"), values)?;
        found.map(|row| Known::read(&row)).transpose()
    }
}

impl PersonTable for Session {
    fn named(&self, site: Option<&str>, user: &str) -> Result<Option<Known>> {
        self.person(r#""user" = $1 AND site IS NOT DISTINCT FROM $2"#, &[&user, &site])
    }

    fn erased(&self, pseudonym: &Pseudonym) -> Result<Option<Known>> {
        self.person(r#"pseudonym = $1 AND "user" IS NULL"#, &[&pseudonym.as_bytes().as_slice()])
    }

    fn numbered(&self, number: i64) -> Result<Option<Known>> {
        self.person("number = $1", &[&number])
    }

    fn add(&self, person: &NewPerson<'_>) -> Result<i64> {
        // Numbers without gaps, as SQLite gives them: writers are alone.
        let insert = r#"INSERT INTO persons (number, pseudonym, commitment, site, "user", salt)
            SELECT coalesce(max(number), 0) + 1, $1, $2, $3, $4, $5 FROM persons RETURNING number"#;
        let (pseudonym, commitment) = (person.mark.pseudonym.as_bytes(), person.mark.commitment.as_bytes());
        let values: Values<'_> = &[
            &pseudonym.as_slice(),
            &commitment.as_slice(),
            &person.site,
            &person.user,
            &person.salt.as_bytes().as_slice(),
        ];
        get(&self.one(insert, values)?, 0)
    }
}

/// The statement with each `?` as PostgreSQL writes it, with its type.
fn numbered(statement: &str, values: &[Value]) -> String {
    let mut parts = statement.split('?');
    let mut text = parts.next().unwrap_or_default().to_owned();
    for (position, (part, value)) in parts.zip(values).enumerate() {
        let sort = match value {
            Value::Number(_) => "bigint",
            Value::Text(_) | Value::TextOption(_) => "text",
            Value::Bytes(_) => "bytea",
        };
        text.push_str(&format!("${}::{sort}{part}", position + 1));
    }
    text
}

fn as_values(values: &[Value]) -> Vec<&(dyn ToSql + Sync)> {
    let mut borrowed = Vec::<&(dyn ToSql + Sync)>::with_capacity(values.len());
    for value in values {
        match value {
            Value::Number(number) => borrowed.push(number),
            Value::Text(text) => borrowed.push(text),
            Value::TextOption(text) => borrowed.push(text),
            Value::Bytes(bytes) => borrowed.push(bytes),
        }
    }
    borrowed
}

fn hashes(rows: &[Row]) -> Result<Vec<TreeHash>> {
    rows.iter().map(|row| row.fixed(0).map(TreeHash::from_bytes)).collect()
}

/// Reads the row of the log.
pub(super) fn log_row(row: &Row, first: usize) -> Result<LogRow> {
    let frontier = get(row, first)?;
    Ok(LogRow { frontier, key: get(row, first + 1)?, checkpoint: get(row, first + 2)? })
}

impl LogTables for Tables<'_> {
    type Row<'row> = Row;
    type Names = Session;

    fn names(&self) -> &Session {
        self.session
    }

    fn persons(&self) -> &Persons<'_> {
        &self.persons
    }

    fn log_row(&self) -> Result<LogRow> {
        log_row(&self.session.one("SELECT frontier, key, checkpoint FROM log", &[])?, 0)
    }

    fn put_checkpoint(&self, checkpoint: &str) -> Result<()> {
        self.session.execute("UPDATE log SET checkpoint = $1", &[&checkpoint]).map(drop)
    }

    fn leaves(&self, leaves: Range<u64>) -> Result<Vec<TreeHash>> {
        let select = "SELECT leaf FROM entries WHERE number > $1 AND number <= $2 ORDER BY number";
        hashes(&self.session.rows(select, &[&number(leaves.start)?, &number(leaves.end)?])?)
    }

    fn roots(&self, height: u32, subtrees: Range<u64>) -> Result<Vec<TreeHash>> {
        let select =
            "SELECT root FROM subtree_roots WHERE height = $1 AND number >= $2 AND number < $3 ORDER BY number";
        let (start, end) = (number(subtrees.start)?, number(subtrees.end)?);
        hashes(&self.session.rows(select, &[&i64::from(height), &start, &end])?)
    }

    fn each_entry(&self, page: EntryPage, mut each: impl FnMut(&Row) -> Result<()>) -> Result<()> {
        let select = select_leaves("WHERE number > $1 ORDER BY number LIMIT $2");
        let (mut after, mut left) = (number(page.after)?, page.limit);
        while left > 0 {
            let limit = left.min(READ_AT_ONCE);
            let rows = self.session.rows(&select, &[&after, &i64::from(limit)])?;
            rows.iter().try_for_each(&mut each)?;
            match rows.last() {
                Some(last) if rows.len() as u64 == u64::from(limit) => after = last.number(0)?,
                _ => break,
            }
            left -= limit;
        }
        Ok(())
    }

    fn each_charge(&self, mut each: impl FnMut(&Row) -> Result<()>) -> Result<()> {
        let select = "SELECT place, job, submitted, amount FROM runs WHERE (place, job, submitted) > ($1, $2, $3)
            ORDER BY place, job, submitted LIMIT $4";
        let mut after = (0_i32, 0_i64, i64::MIN);
        loop {
            let rows = self.session.rows(select, &[&after.0, &after.1, &after.2, &i64::from(READ_AT_ONCE)])?;
            let Some(last) = rows.last() else { return Ok(()) };
            after = (get(last, 0)?, get(last, 1)?, get(last, 2)?);
            rows.iter().try_for_each(&mut each)?;
        }
    }

    fn number_known(&self, text: &str) -> Result<Option<i64>> {
        Ok(self.session.find(text)?.map(i64::from))
    }

    fn each_row(&self, select: &str, values: &[Value], each: impl FnMut(&Row) -> Result<()>) -> Result<()> {
        self.session.rows(&numbered(select, values), &as_values(values))?.iter().try_for_each(each)
    }

    fn change(&self, statement: &str, values: &[Value]) -> Result<u64> {
        self.session.execute(&numbered(statement, values), &as_values(values))
    }

    fn add_usage_rows(&self, table: [&str; 2], rows: &[UsageRow]) -> Result<()> {
        if rows.is_empty() {
            return Ok(());
        }
        // One statement for all: each costs a way to the server and back.
        let given = "SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[],
            $6::bigint[], $7::bigint[], $8::bigint[])";
        let columns: [Vec<i64>; 8] = std::array::from_fn(|column| rows.iter().map(|row| row[column]).collect());
        let values = columns.each_ref().map(|column| -> &(dyn ToSql + Sync) { column });
        self.session.execute(&add_usage_rows(table, given), &values).map(drop)
    }

    fn add_overnight_rows(&self, rows: &[OvernightRow]) -> Result<()> {
        if rows.is_empty() {
            return Ok(());
        }
        let given = "SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[])";
        let columns: [Vec<i64>; 5] = std::array::from_fn(|column| rows.iter().map(|row| row[column]).collect());
        let values = columns.each_ref().map(|column| -> &(dyn ToSql + Sync) { column });
        self.session.execute(&add_overnight_rows(given), &values).map(drop)
    }

    fn stored(&self) -> Result<Stored> {
        super::queries::stored(self.session)
    }

    fn stored_with_runs(&self) -> Result<Stored> {
        super::queries::stored_with_runs(self.session)
    }

    fn all_persons(&self) -> Result<Vec<Known>> {
        let select = format!("SELECT {PERSON} FROM persons ORDER BY number");
        self.session.rows(&select, &[])?.iter().map(Known::read).collect()
    }

    fn is_replica(&self) -> Result<bool> {
        // Only a file is filled by a replay.
        Ok(false)
    }
}
