//! Many new rows of one table.

use crate::records::Result;
use rusqlite::{CachedStatement, Connection, ToSql};

/// So many rows go into one statement: SQLite opens the table and its indexes once for all of them.
pub(super) const TOGETHER: usize = 16;
/// The same of a table with a number as its key or a function among its checks. SQLite keeps a journal of the statement
/// for it, with every page that it changes, and writes that into a file where it grows beyond 64 KiB: more rows at once
/// cost more than they save.
pub(super) const TOGETHER_WITH_JOURNAL: usize = 4;

/// The statements that put rows into one table, in words that are made once.
pub(super) struct Into {
    one: String,
    many: String,
    columns: usize,
    together: usize,
}

impl Into {
    /// Of a table, such as `runs (place, job)`, with so many columns, so many rows in the statement of many.
    pub(super) fn new(table: &str, columns: usize, together: usize) -> Self {
        let values = |row: usize| {
            let places: Vec<String> = (1..=columns).map(|column| format!("?{}", row * columns + column)).collect();
            format!("({})", places.join(", "))
        };
        // A statement of many rows that may be undone alone keeps a journal of its own; this one fails, and its caller gives
        // the transaction up.
        let insert = |rows: usize| {
            format!("INSERT OR FAIL INTO {table} VALUES {}", (0..rows).map(values).collect::<Vec<_>>().join(", "))
        };
        Self { one: insert(1), many: insert(together), columns, together }
    }
}

/// Writes rows, most of them many at once.
pub(super) struct Inserts<'a> {
    /// Where there are enough rows for it.
    many: Option<CachedStatement<'a>>,
    one: CachedStatement<'a>,
    into: &'a Into,
    /// How many rows still go into statements of many; the rest comes one by one.
    left: usize,
    /// How many rows the statement of many has by now.
    bound: usize,
}

impl<'a> Inserts<'a> {
    /// For so many rows. Every one of them has to be put.
    pub(super) fn new(connection: &'a Connection, into: &'a Into, rows: usize) -> Result<Self> {
        let left = rows - rows % into.together;
        let many = (left > 0).then(|| connection.prepare_cached(&into.many)).transpose()?;
        Ok(Self { many, one: connection.prepare_cached(&into.one)?, into, left, bound: 0 })
    }

    /// Puts the next row.
    pub(super) fn put(&mut self, values: &[&dyn ToSql]) -> Result<()> {
        let Some(many) = self.many.as_mut().filter(|_| self.left > 0) else {
            self.one.execute(values)?;
            return Ok(());
        };
        for (place, value) in values.iter().enumerate() {
            many.raw_bind_parameter(self.bound * self.into.columns + place + 1, value)?;
        }
        (self.bound, self.left) = (self.bound + 1, self.left - 1);
        if self.bound == self.into.together {
            many.raw_execute()?;
            self.bound = 0;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rusqlite::params;

    #[test]
    fn every_row_is_there_however_many_there_are() {
        for rows in [0, 1, TOGETHER - 1, TOGETHER, TOGETHER + 1, 3 * TOGETHER + 5] {
            let connection = Connection::open_in_memory().expect("opened");
            connection.execute_batch("CREATE TABLE squares (root INTEGER PRIMARY KEY, square TEXT)").expect("made");
            let squares = Into::new("squares (root, square)", 2, TOGETHER);
            let mut inserts = Inserts::new(&connection, &squares, rows).expect("prepared");
            let numbers = 0..i64::try_from(rows).expect("few");
            for root in numbers.clone() {
                inserts.put(params![root, (root > 0).then(|| (root * root).to_string())]).expect("put");
            }
            drop(inserts);
            let mut statement = connection.prepare("SELECT root, square FROM squares ORDER BY root").expect("prepared");
            let read = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).expect("read");
            let read: Vec<(i64, Option<String>)> = read.collect::<rusqlite::Result<_>>().expect("read");
            let expected: Vec<_> = numbers.map(|root| (root, (root > 0).then(|| (root * root).to_string()))).collect();
            assert_eq!(read, expected, "{rows} rows");
        }
    }

    #[test]
    fn a_row_that_does_not_fit_is_an_error() {
        let connection = Connection::open_in_memory().expect("opened");
        connection.execute_batch("CREATE TABLE roots (root INTEGER PRIMARY KEY)").expect("made");
        let roots = Into::new("roots (root)", 1, TOGETHER);
        let mut inserts = Inserts::new(&connection, &roots, TOGETHER).expect("prepared");
        let put: Result<()> = (0..TOGETHER).try_for_each(|_| inserts.put(params![1]));
        assert!(put.is_err());
    }
}
