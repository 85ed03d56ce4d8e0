//! The ledger on its way to a server. The file stays as it is, and takes no more posts.

use super::open::key_file_of;
use super::queries::{all, check_writable};
use super::tables::Tables;
use crate::postgres::{Arriving, Column, PostgresPlace, Value};
use crate::records::Result;
use crate::stored::{LogTables as _, read_key};
use crate::{LedgerError, LedgerErrorKind, Verification};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, TransactionBehavior, params};
use std::path::Path;

/// Copies everything, verifies what arrived, and notes in the file where it went. Nobody posts meanwhile.
pub(super) fn move_to(
    connection: &mut Connection,
    ledger: &Path,
    place: &PostgresPlace,
    keys: &Path,
) -> Result<Verification> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    check_writable(&transaction)?;
    let insert = "INSERT OR REPLACE INTO meta (name, value) VALUES ('moved', ?1)";
    transaction.execute(insert, params![place.to_string()])?;
    let verification = match Arriving::begin(place, keys) {
        Ok(arriving) => {
            send(&transaction, &arriving)?.finish(read_key(&key_file_of(ledger)).ok().flatten().as_ref())?
        }
        // Killed after it had arrived and before the file said so, it goes on here.
        Err(error) if error.kind == LedgerErrorKind::Conflict => {
            Arriving::find(place, keys, &Tables::new(&transaction).log_row()?)?.ok_or(error)?
        }
        Err(error) => return Err(error),
    };
    transaction.commit()?;
    Ok(verification)
}

fn send<'a>(connection: &Connection, arriving: &'a Arriving) -> Result<&'a Arriving> {
    let tables = arriving.tables()?;
    let select = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name <> 'meta'";
    for table in all(connection, select, [], |row| row.get::<_, String>(0))? {
        if !tables.contains(&table) {
            return Err(LedgerError::never(LedgerErrorKind::Bug, format!("the server has no table `{table}`")));
        }
    }
    for table in &tables {
        copy(connection, arriving, table)?;
    }
    let select = "SELECT value FROM meta WHERE name = 'secret'";
    arriving.put_secret(&connection.query_row(select, [], |row| row.get::<_, String>(0))?)?;
    let select = "SELECT value FROM meta WHERE name = 'key_changes'";
    for changes in all(connection, select, [], |row| row.get::<_, String>(0))? {
        arriving.put_key_changes(&changes)?;
    }
    Ok(arriving)
}

fn copy(connection: &Connection, arriving: &Arriving, table: &str) -> Result<()> {
    let columns: Vec<Column> = arriving.columns(table)?;
    let names: Vec<String> = columns.iter().map(|column| format!("\"{}\"", column.name)).collect();
    let mut statement = connection.prepare(&format!("SELECT {} FROM \"{table}\"", names.join(", ")))?;
    let mut rows = statement.query([])?;
    arriving.fill(table, &columns, |put| {
        let Some(row) = rows.next()? else { return Ok(false) };
        for column in 0..columns.len() {
            put(column, value(row.get_ref(column)?)?)?;
        }
        Ok(true)
    })
}

fn value(value: ValueRef<'_>) -> Result<Value<'_>> {
    Ok(match value {
        ValueRef::Null => Value::Absent,
        ValueRef::Integer(number) => Value::Number(number),
        ValueRef::Text(text) => Value::Text(std::str::from_utf8(text).map_err(crate::stored::unreadable)?),
        ValueRef::Blob(bytes) => Value::Bytes(bytes),
        ValueRef::Real(_) => return Err(crate::stored::unreadable("a column holds a fraction")),
    })
}
