//! Erasing a person: name, salt and raw rows go; pseudonym, commitment and the keyed digests of what was read stay, so that
//! every proof and total stands and a row that is read again is the same.

use super::erased_decisions::Decisions;
use super::persons::{Known, PERSON};
use super::raw_rows;
use super::row::{StoredRow as _, unreadable};
use super::tables::{LogTables, Names as _, Value};
use crate::records::{Erased, Result};
use crate::store::Store;
use crate::words::replace_word;
use crate::{BindingRecord, ImportBatch, LedgerError, LedgerErrorKind, has_word};
use model::{DirectoryPrefix, Pattern, Principal, SiteName, Timestamp};
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
    ("runs", "\"user\""),
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

/// So many runs are in memory at once.
const RUNS_AT_ONCE: i64 = 20_000;

/// Erases a person. None where the ledger does not know them.
pub(crate) fn erase<T: LogTables + Store>(tables: &T, who: &Principal, now: Timestamp) -> Result<Option<Erased>> {
    let whose = Whose { user: who.user.as_str(), site: who.site.as_ref().map(SiteName::as_str) };
    let Some(person) = find(tables, &whose)? else { return Ok(None) };
    refuse_if_needed(tables, who, &whose)?;
    let before = Decisions::read(tables)?;
    let pseudonym = person.mark.pseudonym.to_string();
    let runs = erase_runs(tables, &whose, &pseudonym)?;
    let update = r#"UPDATE persons SET "user" = NULL, salt = NULL, erased_at = ? WHERE number = ?"#;
    tables.change(update, &[now.epoch_seconds(), person.number].map(Value::Number))?;
    erase_deeds(tables, &whose, &pseudonym)?;
    redact_texts(tables, who, &pseudonym)?;
    erase_sightings(tables, &whose)?;
    forget_name(tables, whose.user)?;
    // Whoever goes on in this transaction must not go by what it knew of the name.
    tables.names().forget_all();
    tables.persons().forget_all();
    let (changed, gone) = before.compare(tables)?;
    Ok(Some(Erased { runs, changed, gone }))
}

/// A person by name, as conditions of statements ask for them.
struct Whose<'a> {
    user: &'a str,
    site: Option<&'a str>,
}

impl Whose<'_> {
    /// Where columns name exactly this person.
    fn is(&self, user: &str, site: &str) -> (String, Vec<Value>) {
        let mut values = vec![text(self.user)];
        let of_site = match self.site {
            Some(name) => {
                values.push(text(name));
                "= ?"
            }
            None => "IS NULL",
        };
        (format!("{user} = ? AND {site} {of_site}"), values)
    }

    /// The same where a person without a site is meant at each.
    fn at(&self, (condition, mut values): (&str, Vec<Value>)) -> (String, Vec<Value>) {
        let Some(site) = self.site else { return (condition.to_owned(), values) };
        values.push(text(site));
        (format!("{condition} AND site = ?"), values)
    }
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

fn find(tables: &impl LogTables, whose: &Whose<'_>) -> Result<Option<Known>> {
    let (condition, values) = whose.is("\"user\"", "site");
    let mut found = None;
    tables.each_row(&format!("SELECT {PERSON} FROM persons WHERE {condition}"), &values, |row| {
        found = Some(Known::read(row)?);
        Ok(())
    })?;
    Ok(found)
}

/// Puts the pseudonym where tables say who did something, and takes away what they proposed.
fn erase_deeds(tables: &impl LogTables, whose: &Whose<'_>, pseudonym: &str) -> Result<()> {
    let masked = |values: Vec<Value>| std::iter::once(text(pseudonym)).chain(values).collect::<Vec<_>>();
    for (table, user, site) in ACTORS {
        let (condition, values) = whose.is(user, site);
        tables.change(&format!("UPDATE {table} SET {user} = ? WHERE {condition}"), &masked(values))?;
    }
    for table in ["bindings", "bundles"] {
        let (condition, values) = whose.at(("\"user\" = ?", vec![text(whose.user)]));
        tables.change(&format!("UPDATE {table} SET \"user\" = ? WHERE {condition}"), &masked(values))?;
    }
    let Whose { user, site } = whose;
    let site = site.map_or_else(|| "null".to_owned(), |site| format!("\"{site}\""));
    let proposed = format!("\"proposed_by\":{{\"user\":\"{user}\",\"site\":{site}}}");
    tables.change("DELETE FROM proposals WHERE replace(proposal, ?, '') <> proposal", &[text(&proposed)]).map(drop)
}

/// Takes away what they saw, and where others saw them.
fn erase_sightings(tables: &impl LogTables, whose: &Whose<'_>) -> Result<()> {
    let scopes = ["user", "all", "site"].map(|sort| text(&format!("{sort}:{}", whose.user)));
    for table in ["observations", "observed_jobs", "coverage", "cursors"] {
        let (condition, values) = whose.at(("scope IN (?, ?, ?)", scopes.to_vec()));
        tables.change(&format!("DELETE FROM {table} WHERE {condition}"), &values)?;
    }
    let theirs = format!("\"user\":\"{}\"", whose.user);
    let (condition, values) = whose.at(("replace(content, ?, '') <> content", vec![text(&theirs)]));
    tables.change(&format!("DELETE FROM observed_jobs WHERE {condition}"), &values).map(drop)
}

/// Puts the pseudonym where the name stands in commands of imports and in rules that are over. Notes and reasons of entries
/// are part of what is proven, and stay.
fn redact_texts<T: LogTables + Store>(tables: &T, who: &Principal, pseudonym: &str) -> Result<()> {
    let word = who.user.as_str();
    let mut batches = Vec::new();
    let select = "SELECT number, header FROM imports WHERE replace(header, ?, '') <> header";
    tables.each_row(select, &[text(word)], |row| {
        batches.push((row.number(0)?, serde_json::from_str::<ImportBatch>(row.text(1)?).map_err(unreadable)?));
        Ok(())
    })?;
    for (import, mut batch) in batches {
        batch.command = replace_word(&batch.command, word, pseudonym);
        let bug =
            |error| LedgerError::never(LedgerErrorKind::Bug, "a value cannot be written").with_fact("json", &error);
        let header = serde_json::to_string(&batch).map_err(bug)?;
        tables
            .change("UPDATE imports SET header = ? WHERE number = ?", &[Value::Text(header), Value::Number(import)])?;
    }
    for rule in rules_with(tables, who)? {
        let directory = rule.terms.work_directory.map(|text| replace_word(text.as_str(), word, pseudonym));
        let name = rule.terms.name.map(|text| replace_word(text.as_str(), word, pseudonym));
        // What a person's name was in may be too long with a pseudonym.
        let directory = directory.map(|text| text.parse().map_or_else(|_| format!("/{pseudonym}"), own));
        let name = name.map(|text| text.parse::<Pattern>().map_or_else(|_| pseudonym.to_owned(), String::from));
        let number = i64::try_from(rule.number).map_err(unreadable)?;
        for (column, value) in [("work_directory", directory), ("name", name)] {
            let Some(value) = value else { continue };
            let update = format!("UPDATE bindings SET {column} = ? WHERE number = ?");
            tables.change(&update, &[Value::Text(value), Value::Number(number)])?;
        }
    }
    Ok(())
}

fn own(directory: DirectoryPrefix) -> String {
    directory.into()
}

/// The rules at the person's site in which the name stands as a word.
fn rules_with(tables: &impl Store, who: &Principal) -> Result<Vec<BindingRecord>> {
    let mut rules = tables.bindings()?;
    let names = |text: Option<&str>| text.is_some_and(|text| has_word(text, who.user.as_str()));
    rules.retain(|BindingRecord { terms, .. }| {
        let (directory, name) = (terms.work_directory.as_ref(), terms.name.as_ref());
        who.site.as_ref().is_none_or(|site| *site == terms.site)
            && (names(directory.map(DirectoryPrefix::as_str)) || names(name.map(Pattern::as_str)))
    });
    Ok(rules)
}

/// An open hold, or a binding that stands, is about a person who works here still.
fn refuse_if_needed<T: LogTables + Store>(tables: &T, who: &Principal, whose: &Whose<'_>) -> Result<()> {
    let count = |table: &str, (condition, values): (String, Vec<Value>)| {
        let mut count = 0;
        tables.each_row(&format!("SELECT count(*) FROM {table} WHERE {condition}"), &values, |row| {
            count = row.number(0)?;
            Ok(())
        })?;
        Result::Ok(count)
    };
    let (condition, values) = whose.is("opened_by_user", "opened_by_site");
    let holds = count("holds", (format!("closed_at IS NULL AND {condition}"), values))?;
    let standing = "\"user\" = ? AND number NOT IN (SELECT binding FROM unbindings)";
    let bindings = count("bindings", whose.at((standing, vec![text(whose.user)])))?;
    let rules = rules_with(tables, who)?.iter().filter(|rule| rule.terms.to.is_none()).count();
    if holds + bindings == 0 && rules == 0 {
        return Ok(());
    }
    let why = format!(
        "{holds} open holds, {bindings} bindings and {rules} rules are about `{}`: close and end these first",
        whose.user
    );
    Err(LedgerError::never(LedgerErrorKind::Conflict, why))
}

fn erase_runs(tables: &impl LogTables, whose: &Whose<'_>, pseudonym: &str) -> Result<u64> {
    let Some(name) = tables.number_known(whose.user)? else { return Ok(0) };
    let (mut theirs, mut values) = ("\"user\" = ?".to_owned(), vec![Value::Number(name)]);
    if let Some(site) = whose.site {
        // A site's name has no `/`, and `0` comes behind it.
        theirs.push_str(" AND place IN (SELECT number FROM names WHERE text > ? AND text < ?)");
        values.extend([text(&format!("{site}/")), text(&format!("{site}0"))]);
    }
    let mut places = nameless(tables, whose.user)?;
    let select = format!("SELECT raw_chunk, raw_row FROM runs WHERE raw_chunk IS NOT NULL AND {theirs}");
    tables.each_row(&select, &values, |row| {
        places.insert((row.number(0)?, row.number(1)?));
        Ok(())
    })?;
    let places: Vec<(i64, i64)> = places.into_iter().collect();
    for chunk in places.chunk_by(|one, other| one.0 == other.0) {
        let rows: Vec<i64> = chunk.iter().map(|(_, row)| *row).collect();
        raw_rows::blank(tables, chunk[0].0, &rows)?;
    }
    values.insert(0, Value::Number(tables.names().number_of(pseudonym)?));
    let kept = "name = '', work_directory = substr(work_directory, 1, 0)";
    tables.change(&format!("UPDATE runs SET \"user\" = ?, {kept} WHERE {theirs}"), &values)
}

/// The places of earlier readings of their runs, which no run names any more.
fn nameless(tables: &impl LogTables, user: &str) -> Result<BTreeSet<(i64, i64)>> {
    let mut found = raw_rows::with_word(tables, user)?;
    let mut after = [0, 0, i64::MIN];
    while !found.is_empty() {
        let before = after;
        let select =
            "SELECT place, job, submitted, raw_chunk, raw_row FROM runs WHERE (place, job, submitted) > (?, ?, ?)
            ORDER BY place, job, submitted LIMIT ?";
        let [place, job, submitted] = after;
        tables.each_row(select, &[place, job, submitted, RUNS_AT_ONCE].map(Value::Number), |row| {
            after = [row.name(0)?, row.number(1)?, row.number(2)?];
            if let (Some(chunk), Some(place)) = (row.number_option(3)?, row.number_option(4)?) {
                found.remove(&(chunk, place));
            }
            Ok(())
        })?;
        if after == before {
            break;
        }
    }
    Ok(found)
}

/// Takes the text out of the names, unless it is that of something else too.
fn forget_name(tables: &impl LogTables, user: &str) -> Result<()> {
    let Some(number) = tables.number_known(user)? else { return Ok(()) };
    let number = [Value::Number(number)];
    for (table, column) in NAMED {
        let mut is_used = false;
        tables.each_row(&format!("SELECT 1 FROM {table} WHERE {column} = ? LIMIT 1"), &number, |_| {
            is_used = true;
            Ok(())
        })?;
        if is_used {
            return Ok(());
        }
    }
    tables.change("DELETE FROM names WHERE number = ?", &number).map(drop)
}
