//! Rows of decisions: which tables have them, and what of a row is in its digest.

use super::entry_rows::signed;
use super::row::StoredRow;
use super::tables::{LogTables, Value as Stored};
use crate::evidence::{DecidedDigest, PersonMark, person};
use crate::records::{DecidedRow, Result};
use crate::{DecidedKind, DecidedRecord, LedgerError, LedgerErrorKind};
use model::{Principal, ProjectName, SiteName, Unit};
use serde_json::{Map, Value, json};

/// What a column holds, and how it stands in the content.
#[derive(Clone, Copy)]
enum Sort {
    Number,
    Flag,
    Text,
    Json,
    /// The header of an import, as JSON; its command is somebody's own words.
    Header,
    /// The name of a person at the site of the row.
    User,
    /// The name of a person and, in the next column, their site.
    Actor,
    /// `user:ada`, at the site of the row.
    Scope,
    /// Somebody's own words: in no content, and in a commitment.
    Written,
}

/// A table of decisions.
pub(super) struct DecidedTable {
    pub(super) kind: DecidedKind,
    pub(super) name: &'static str,
    /// What stands in statements, what it is called in the content, and what it holds.
    columns: &'static [(&'static str, &'static str, Sort)],
    /// The order of rows. Where it is that of their numbers, later rows count before earlier ones.
    pub(super) order: &'static str,
}

const RECORDED: (&str, &str, Sort) = ("recorded_at", "recorded_at", Sort::Number);
const BY: (&str, &str, Sort) = ("actor_user, actor_site", "by", Sort::Actor);
const PROJECT: (&str, &str, Sort) = ("project", "project", Sort::Text);
const UNIT: (&str, &str, Sort) = ("unit", "unit", Sort::Text);
const SITE: (&str, &str, Sort) = ("site", "site", Sort::Text);
const NUMBER: (&str, &str, Sort) = ("number", "number", Sort::Number);

const TABLES: [DecidedTable; 9] = [
    DecidedTable {
        kind: DecidedKind::Binding,
        name: "bindings",
        columns: &[
            NUMBER,
            SITE,
            ("account", "account", Sort::Text),
            ("partition", "partition", Sort::Text),
            ("\"user\"", "user", Sort::User),
            UNIT,
            PROJECT,
            ("from_at", "from", Sort::Number),
            ("to_at", "to", Sort::Number),
            RECORDED,
            BY,
            ("work_directory", "work_directory", Sort::Written),
            ("name", "name", Sort::Written),
        ],
        order: "number",
    },
    DecidedTable {
        kind: DecidedKind::Unbinding,
        name: "unbindings",
        columns: &[
            ("binding", "binding", Sort::Number),
            ("(SELECT ended.project FROM bindings AS ended WHERE ended.number = binding)", "project", Sort::Text),
            ("(SELECT ended.unit FROM bindings AS ended WHERE ended.number = binding)", "unit", Sort::Text),
            ("to_at", "to", Sort::Number),
            RECORDED,
            BY,
        ],
        order: "number",
    },
    DecidedTable {
        kind: DecidedKind::Enforcement,
        name: "enforcements",
        columns: &[PROJECT, UNIT, ("is_enforced", "is_enforced", Sort::Flag), RECORDED, BY],
        order: "number",
    },
    DecidedTable {
        kind: DecidedKind::Policy,
        name: "policies",
        columns: &[PROJECT, UNIT, ("policy", "policy", Sort::Json), ("zone", "zone", Sort::Text), RECORDED, BY],
        order: "number",
    },
    DecidedTable {
        kind: DecidedKind::Zone,
        name: "zone_changes",
        columns: &[SITE, ("zone", "zone", Sort::Text), RECORDED],
        order: "number",
    },
    DecidedTable {
        kind: DecidedKind::SiteFigure,
        name: "site_figures",
        columns: &[
            NUMBER,
            PROJECT,
            UNIT,
            ("granted", "granted", Sort::Number),
            ("used", "used", Sort::Number),
            ("since_at", "since", Sort::Number),
            ("as_of", "as_of", Sort::Number),
            ("digest", "digest", Sort::Text),
            RECORDED,
            BY,
            ("source", "source", Sort::Written),
        ],
        order: "number",
    },
    DecidedTable {
        kind: DecidedKind::Import,
        name: "imports",
        columns: &[NUMBER, ("digest", "digest", Sort::Text), RECORDED, BY, ("header", "batch", Sort::Header)],
        order: "number",
    },
    DecidedTable {
        kind: DecidedKind::Bundle,
        name: "bundles",
        columns: &[
            ("chain", "chain", Sort::Text),
            SITE,
            ("\"user\"", "user", Sort::User),
            ("key", "key", Sort::Text),
            ("trust", "trust", Sort::Text),
            NUMBER,
            ("last", "last", Sort::Text),
            RECORDED,
            BY,
        ],
        order: "chain",
    },
    DecidedTable {
        kind: DecidedKind::Coverage,
        name: "coverage",
        columns: &[
            SITE,
            ("cluster", "cluster", Sort::Text),
            ("scope", "scope", Sort::Scope),
            ("rights", "rights", Sort::Text),
            ("whole_accounts", "whole_accounts", Sort::Json),
            ("hidden_accounts", "hidden_accounts", Sort::Json),
            ("from_at", "from", Sort::Number),
            ("to_at", "to", Sort::Number),
            ("observed_at", "observed_at", Sort::Number),
        ],
        order: "site, cluster, scope, from_at, to_at, observed_at, coalesce(rights, ''), whole_accounts, hidden_accounts",
    },
];

/// The tables, in the order of [`DecidedKind::ALL`].
pub(super) const fn all() -> &'static [DecidedTable; 9] {
    const { &TABLES }
}

/// The table of a kind.
pub(super) fn table(kind: DecidedKind) -> Result<&'static DecidedTable> {
    let none = || LedgerError::never(LedgerErrorKind::Bug, format!("there is no table for a {kind}"));
    all().iter().find(|table| table.kind == kind).ok_or_else(none)
}

impl DecidedTable {
    /// Calls `each` with the rows of a condition, in their order.
    pub(super) fn each<T: LogTables>(
        &self,
        tables: &T,
        condition: &str,
        values: &[Stored],
        mut each: impl FnMut(DecidedRecord) -> Result<()>,
    ) -> Result<()> {
        let columns: Vec<&str> = self.columns.iter().map(|(column, ..)| *column).collect();
        let (columns, name, order) = (columns.join(", "), self.name, self.order);
        let select = format!("SELECT entry, {columns} FROM {name} {condition} ORDER BY {order}");
        tables.each_row(&select, values, |row| each(self.read(row)?))
    }

    fn read(&self, row: &impl StoredRow) -> Result<DecidedRecord> {
        let (mut content, mut written) = (Map::new(), Vec::new());
        let mut at = 1;
        for (_, name, sort) in self.columns {
            let value = match sort {
                Sort::Number => row.number_option(at)?.map(Value::from),
                Sort::Flag => Some(Value::from(row.flag(at)?)),
                Sort::Text => row.text_option(at)?.map(Value::from),
                Sort::Json => row.text_option(at)?.map(parsed),
                Sort::Header => row.text_option(at)?.map(|text| header(text, &mut written)),
                Sort::User => row.text_option(at)?.map(|user| person(user, site_in(&content))),
                Sort::Scope => row.text_option(at)?.map(|text| scope(text, site_in(&content))),
                Sort::Actor => {
                    at += 1;
                    row.text_option(at - 1)?
                        .map(|user| row.text_option(at).map(|site| person(user, site)))
                        .transpose()?
                }
                Sort::Written => {
                    written.push(row.text_option(at)?.map(str::to_owned));
                    None
                }
            };
            content.extend(value.map(|value| ((*name).to_owned(), value)));
            at += 1;
        }
        let entry = row.number_option(0)?.map(|_| row.count(0)).transpose()?;
        let written = (!written.is_empty()).then_some(written);
        Ok(DecidedRecord { entry, kind: self.kind, content: Value::Object(content), written })
    }
}

fn site_in(content: &Map<String, Value>) -> Option<&str> {
    content.get("site").and_then(Value::as_str)
}

/// A JSON text; one that is none is itself, and no release wrote it.
fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| Value::from(text))
}

fn header(text: &str, written: &mut Vec<Option<String>>) -> Value {
    let mut header = parsed(text);
    let command = header.as_object_mut().and_then(|fields| fields.remove("command"));
    written.push(command.map(|command| command.as_str().map_or_else(|| command.to_string(), str::to_owned)));
    header
}

fn scope(text: &str, site: Option<&str>) -> Value {
    match text.split_once(':') {
        Some((of, user)) => json!({ "of": of, "whose": person(user, site) }),
        None => Value::from(text),
    }
}

/// The row of an entry that is being made, with what the entry says of it. Persons whom nobody has met before are made.
pub(crate) fn decided<T: LogTables>(tables: &T, kind: DecidedKind, entry: u64) -> Result<DecidedRow> {
    let number = signed(entry)?;
    let mut found = None;
    table(kind)?.each(tables, "WHERE entry = ?", &[Stored::Number(number)], |record| {
        found = Some(record);
        Ok(())
    })?;
    let bug = |what| LedgerError::never(LedgerErrorKind::Bug, format!("entry {entry} would be of a {kind} {what}"));
    let record = found.ok_or_else(|| bug("that is not there"))?;
    let mut met = |who: &Principal| tables.persons().of(who.site.as_ref(), &who.user).map(|known| Some(known.mark));
    let digest = DecidedDigest::of(kind, &record.content, &mut met)?.ok_or_else(|| bug("that has no digest"))?;
    let (project, unit) = place(&record.content).ok_or_else(|| bug("of no project and no site"))?;
    Ok(DecidedRow { project, unit, digest, record })
}

/// The digest of a row that is there; none where it is about somebody whom the ledger does not know.
pub(super) fn digest<T: LogTables>(tables: &T, record: &DecidedRecord) -> Result<Option<DecidedDigest>> {
    let mut known = |who: &Principal| -> Result<Option<PersonMark>> {
        Ok(tables.persons().known(who.site.as_ref(), &who.user)?.map(|known| known.mark))
    };
    DecidedDigest::of(record.kind, &record.content, &mut known)
}

/// Under which project and unit a decision is entered: its own; of one about a site, the site's name, and a unit in which nothing is
/// counted.
fn place(content: &Value) -> Option<(ProjectName, Unit)> {
    let text = |of: &Value, name| of.get(name).and_then(Value::as_str).map(str::to_owned);
    if let (Some(project), Some(unit)) = (text(content, "project"), text(content, "unit")) {
        return Some((project.parse().ok()?, unit.parse().ok()?));
    }
    let site = text(content, "site").or_else(|| content.get("batch").and_then(|batch| text(batch, "site")))?;
    let site = site.parse::<SiteName>().ok()?;
    Some((site.as_str().parse().ok()?, format!("{site}:decision").parse().ok()?))
}

/// Gives a row the number of another entry.
pub(crate) fn decide_again(tables: &impl LogTables, kind: DecidedKind, before: u64, after: u64) -> Result<()> {
    let update = format!("UPDATE {} SET entry = ? WHERE entry = ?", table(kind)?.name);
    tables.change(&update, &[signed(after)?, signed(before)?].map(Stored::Number)).map(drop)
}

/// All decisions that stand, in the order of their entries.
pub(crate) fn all_decided<T: LogTables>(tables: &T) -> Result<Vec<DecidedRecord>> {
    let mut found = Vec::new();
    for table in all() {
        table.each(tables, "", &[], |record| {
            found.push(record);
            Ok(())
        })?;
    }
    found.sort_by_key(|record| record.entry);
    Ok(found)
}
