//! Erasing a person: name, salt and raw rows go; pseudonym, commitment and the keyed digests of what was read stay, so that
//! every proof and total stands and a row that is read again is the same.

use super::queries::{self, all};
use super::raw_rows;
use super::rows::{from_json, number, to_json};
use super::tables::Tables;
use crate::records::Result;
use crate::words::replace_word;
use crate::{BindingRecord, ImportBatch, LedgerError, LedgerErrorKind, has_word};
use model::{DirectoryPrefix, Pattern, Principal, SiteName, Timestamp};
use rusqlite::{Connection, OptionalExtension, Row, params};
use std::collections::BTreeSet;

/// The tables that say who did something, by their columns for user and site.
const ACTORS: [(&str, &str, &str); 9] = [
    ("posts", "actor_user", "actor_site"),
    ("holds", "opened_by_user", "opened_by_site"),
    ("bindings", "actor_user", "actor_site"),
    ("unbindings", "actor_user", "actor_site"),
    ("enforcements", "actor_user", "actor_site"),
    ("policies", "actor_user", "actor_site"),
    ("imports", "actor_user", "actor_site"),
    ("site_figures", "actor_user", "actor_site"),
    ("bundles", "actor_user", "actor_site"),
];

/// The columns that hold numbers of names, of which one may have the same text as a person.
const NAMED: [(&str, &str); 20] = [
    ("entries", "unit"),
    ("entries", "debit"),
    ("entries", "credit"),
    ("entries", "project"),
    ("entries", "run_place"),
    ("entries", "tariff"),
    ("entries", "partition"),
    ("entries", "end_state"),
    ("runs", "place"),
    ("runs", "user"),
    ("runs", "account"),
    ("runs", "partition"),
    ("runs", "qos"),
    ("runs", "state"),
    ("runs", "allocated"),
    ("runs", "evidence"),
    ("runs", "price"),
    ("runs", "project"),
    ("runs", "unit"),
    ("usage_places", "place"),
];

/// Erases a person; how many runs are theirs. None where the ledger does not know them.
pub(super) fn erase(tables: &Tables<'_>, who: &Principal, now: Timestamp) -> Result<Option<u64>> {
    let connection = tables.connection;
    let (user, site) = (who.user.as_str(), who.site.as_ref().map(SiteName::as_str));
    let select = "SELECT number, lower(hex(pseudonym)) FROM persons WHERE user = ?1 AND site IS ?2";
    let found = connection.query_row(select, params![user, site], |row| Ok((row.get(0)?, row.get(1)?)));
    let Some((number, pseudonym)): Option<(i64, String)> = found.optional()? else { return Ok(None) };
    refuse_if_needed(connection, who)?;
    // What is overwritten is not left in the free parts of the file.
    connection.pragma_update(None, "secure_delete", "ON")?;
    let runs = erase_runs(tables, user, site, &pseudonym)?;
    connection.execute(
        "UPDATE persons SET user = NULL, salt = NULL, erased_at = ?2 WHERE number = ?1",
        params![number, now.epoch_seconds()],
    )?;
    for (table, user_column, site_column) in ACTORS {
        let update = format!("UPDATE {table} SET {user_column} = ?3 WHERE {user_column} = ?1 AND {site_column} IS ?2");
        connection.execute(&update, params![user, site, pseudonym])?;
    }
    let whose = match site {
        Some(site) => format!("\"proposed_by\":{{\"user\":\"{user}\",\"site\":\"{site}\"}}"),
        None => format!("\"proposed_by\":{{\"user\":\"{user}\",\"site\":null}}"),
    };
    connection.execute("DELETE FROM proposals WHERE instr(proposal, ?1) > 0", [whose])?;
    redact_texts(connection, who, &pseudonym)?;
    for table in ["bindings", "bundles"] {
        let update = format!("UPDATE {table} SET user = ?3 WHERE user = ?1 AND (?2 IS NULL OR site = ?2)");
        connection.execute(&update, params![user, site, pseudonym])?;
    }
    for table in ["observations", "observed_jobs", "coverage", "cursors"] {
        let theirs = "scope IN ('user:' || ?1, 'all:' || ?1, 'site:' || ?1) AND (?2 IS NULL OR site = ?2)";
        connection.execute(&format!("DELETE FROM {table} WHERE {theirs}"), params![user, site])?;
    }
    // In what others saw.
    let delete =
        "DELETE FROM observed_jobs WHERE instr(content, '\"user\":\"' || ?1 || '\"') > 0 AND (?2 IS NULL OR site = ?2)";
    connection.execute(delete, params![user, site])?;
    forget_name(connection, user)?;
    Ok(Some(runs))
}

/// Puts the pseudonym where the name stands in commands of imports and in rules that are over. Notes and reasons of entries
/// are part of what is proven, and stay.
fn redact_texts(connection: &Connection, who: &Principal, pseudonym: &str) -> Result<()> {
    let word = who.user.as_str();
    let select = "SELECT number, header FROM imports WHERE instr(header, ?1) > 0";
    let read = |row: &Row<'_>| Ok((row.get::<_, i64>(0)?, from_json::<ImportBatch>(row, 1)?));
    for (import, mut batch) in all(connection, select, [word], read)? {
        batch.command = replace_word(&batch.command, word, pseudonym);
        let update = "UPDATE imports SET header = ?2 WHERE number = ?1";
        connection.execute(update, params![import, to_json(&batch)?])?;
    }
    for rule in rules_with(connection, who)? {
        let directory = rule.terms.work_directory.map(|text| replace_word(text.as_str(), word, pseudonym));
        let name = rule.terms.name.map(|text| replace_word(text.as_str(), word, pseudonym));
        // What a person's name was in may be too long with a pseudonym.
        let directory = directory.map(|text| text.parse().map_or_else(|_| format!("/{pseudonym}"), own));
        let name = name.map(|text| text.parse::<Pattern>().map_or_else(|_| pseudonym.to_owned(), String::from));
        let update = "UPDATE bindings SET work_directory = ?2, name = ?3 WHERE number = ?1";
        connection.execute(update, params![number(rule.number)?, directory, name])?;
    }
    Ok(())
}

fn own(directory: DirectoryPrefix) -> String {
    directory.into()
}

/// The rules at the person's site in which the name stands as a word.
fn rules_with(connection: &Connection, who: &Principal) -> Result<Vec<BindingRecord>> {
    let mut rules = queries::bindings(connection)?;
    let names = |text: Option<&str>| text.is_some_and(|text| has_word(text, who.user.as_str()));
    rules.retain(|BindingRecord { terms, .. }| {
        let (directory, name) = (terms.work_directory.as_ref(), terms.name.as_ref());
        who.site.as_ref().is_none_or(|site| *site == terms.site)
            && (names(directory.map(DirectoryPrefix::as_str)) || names(name.map(Pattern::as_str)))
    });
    Ok(rules)
}

/// An open hold, or a binding that stands, is about a person who works here still.
fn refuse_if_needed(connection: &Connection, who: &Principal) -> Result<()> {
    let (user, site) = (who.user.as_str(), who.site.as_ref().map(SiteName::as_str));
    let count = |sql: &str| connection.query_row(sql, params![user, site], |row| row.get::<_, i64>(0));
    let holds =
        count("SELECT count(*) FROM holds WHERE closed_at IS NULL AND opened_by_user = ?1 AND opened_by_site IS ?2")?;
    let bindings = count(
        "SELECT count(*) FROM bindings WHERE user = ?1 AND (?2 IS NULL OR site = ?2)
         AND number NOT IN (SELECT binding FROM unbindings)",
    )?;
    let rules = rules_with(connection, who)?.iter().filter(|rule| rule.terms.to.is_none()).count();
    if holds + bindings == 0 && rules == 0 {
        return Ok(());
    }
    let why = format!(
        "{holds} open holds, {bindings} bindings and {rules} rules are about `{user}`: close and end these first"
    );
    Err(LedgerError::never(LedgerErrorKind::Conflict, why))
}

fn erase_runs(tables: &Tables<'_>, user: &str, site: Option<&str>, pseudonym: &str) -> Result<u64> {
    let connection = tables.connection;
    let Some(name) = tables.names.find(user)? else { return Ok(0) };
    let theirs = "user = ?1 AND place IN (SELECT number FROM names WHERE ?2 IS NULL OR text LIKE ?2 || '/%')";
    let select = format!("SELECT raw_chunk, raw_row FROM runs WHERE raw_chunk IS NOT NULL AND {theirs}");
    let place = |row: &Row<'_>| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?));
    let mut places: BTreeSet<(i64, i64)> = all(connection, &select, params![name, site], place)?.into_iter().collect();
    // Earlier readings of their runs, which no run names any more.
    let mut nameless = raw_rows::with_word(connection, user)?;
    let mut named = connection.prepare("SELECT raw_chunk, raw_row FROM runs WHERE raw_chunk IS NOT NULL")?;
    let mut rows = named.query([])?;
    while let Some(row) = rows.next()? {
        nameless.remove(&place(row)?);
    }
    places.append(&mut nameless);
    let places: Vec<(i64, i64)> = places.into_iter().collect();
    for chunk in places.chunk_by(|one, other| one.0 == other.0) {
        let rows: Vec<i64> = chunk.iter().map(|(_, row)| *row).collect();
        raw_rows::blank(connection, chunk[0].0, &rows)?;
    }
    let masked = tables.names.number(pseudonym)?;
    let update =
        format!("UPDATE runs SET user = ?3, name = '', work_directory = substr(work_directory, 1, 0) WHERE {theirs}");
    let changed = connection.execute(&update, params![name, site, masked])?;
    Ok(u64::try_from(changed).unwrap_or(u64::MAX))
}

/// Takes the text out of the names, unless it is that of something else too.
fn forget_name(connection: &Connection, user: &str) -> Result<()> {
    let select = "SELECT number FROM names WHERE text = ?1";
    let Some(number): Option<i64> = connection.query_row(select, [user], |row| row.get(0)).optional()? else {
        return Ok(());
    };
    for (table, column) in NAMED {
        let select = format!("SELECT EXISTS (SELECT 1 FROM {table} WHERE {column} = ?1)");
        if connection.query_row(&select, [number], |row| row.get(0))? {
            return Ok(());
        }
    }
    connection.execute("DELETE FROM names WHERE number = ?1", [number])?;
    Ok(())
}
