//! The table of entries.

use super::log_tables::{Appending, marks};
use super::names::Names;
use super::rows::{amount, count, from_json, instant, kind, number, parsed_option, to_json, unreadable};
use super::tables::Tables;
use crate::evidence::{Domain, EntryLeaf, FieldWriter, RanLeaf, RunLeaf, TreeHash};
use crate::records::Result;
use crate::{Content, Entry, HoldId, Links, Particulars, Ran};
use model::{BaseState, JobId, PartitionName, RunKey, SchedulerJobId, TariffId, Timestamp};
use rusqlite::{Params, Row, params};

/// The columns of an entry, in the order of [`entry`].
pub(super) const ENTRY: &str = "number, kind, unit, amount, debit, credit, project, effective_at, recorded_at, \
     actor, key, hold, run_place, run_job, run_submitted, grant_key, reverses, note, tariff, particulars, person, content, \
     started, partition, end_state";

/// All entries of a condition, in their order.
pub(super) fn entries_where<P: Params>(tables: &Tables<'_>, condition: &str, parameters: P) -> Result<Vec<Entry>> {
    let mut statement = tables.connection.prepare_cached(&format!("SELECT {ENTRY} FROM entries WHERE {condition}"))?;
    let found = statement.query_map(parameters, |row| entry(row, tables))?.collect::<rusqlite::Result<Vec<_>>>()?;
    Ok(found)
}

/// Reads the columns of [`ENTRY`].
pub(super) fn entry(row: &Row<'_>, tables: &Tables<'_>) -> rusqlite::Result<Entry> {
    let names = &tables.names;
    let reverses: Option<i64> = row.get(16)?;
    let run = match row.get::<_, Option<i64>>(12)? {
        Some(place) => Some(run_key(names, place, count(row, 13)?, row.get(14)?)?),
        None => None,
    };
    let person = row.get::<_, Option<i64>>(20)?.map(|number| tables.persons.with_number(number)).transpose()?;
    Ok(Entry {
        number: count(row, 0)?,
        kind: kind(row, 1)?,
        unit: names.parsed(row.get(2)?)?,
        amount: amount(row, 3)?,
        debit: names.parsed(row.get(4)?)?,
        credit: names.parsed(row.get(5)?)?,
        project: names.parsed(row.get(6)?)?,
        effective_at: instant(row, 7)?,
        recorded_at: instant(row, 8)?,
        actor: tables.persons.with_number(row.get(9)?)?.principal.clone(),
        key: row.get(10)?,
        links: Links {
            hold: parsed_option::<JobId>(row, 11)?.map(HoldId),
            run,
            grant: row.get(15)?,
            reverses: reverses.map(|found| u64::try_from(found).map_err(|error| unreadable(16, error))).transpose()?,
        },
        note: row.get(17)?,
        tariff: row.get::<_, Option<i64>>(18)?.map(|found| names.text(found)).transpose()?.as_deref().map(tariff),
        particulars: match row.get_ref(19)? {
            rusqlite::types::ValueRef::Null => Particulars::None,
            _ => from_json(row, 19)?,
        },
        ran_by: person.map(|person| person.principal.user.clone()),
        ran: ran(row, names)?,
        content: row.get::<_, Option<[u8; 16]>>(21)?.map(Content),
    })
}

fn ran(row: &Row<'_>, names: &Names<'_>) -> rusqlite::Result<Option<Ran>> {
    let Some(started) = row.get(22)? else { return Ok(None) };
    let word = names.text(row.get(24)?)?;
    let end_state = BaseState::from_word(&word);
    let end_state = end_state.ok_or_else(|| unreadable(24, format!("`{word}` is no state of a job")))?;
    let partition = names.parsed_option(row.get(23)?)?;
    Ok(Some(Ran { started_at: Timestamp::from_epoch_seconds(started), partition, end_state }))
}

fn tariff(text: &str) -> TariffId {
    TariffId(text.to_owned())
}

/// The name of a cluster at a site, for the numbers of names. A site's name has no `/`.
pub(super) fn place(key: &RunKey) -> String {
    format!("{}/{}", key.site, key.cluster)
}

/// The key of a run, by the number of its place.
pub(super) fn run_key(names: &Names<'_>, place: i64, job: u64, submitted: i64) -> rusqlite::Result<RunKey> {
    let text = names.text(place)?;
    let read = || {
        let (site, cluster) = text.split_once('/')?;
        Some(RunKey {
            site: site.parse().ok()?,
            cluster: cluster.parse().ok()?,
            scheduler_job: SchedulerJobId::new(job),
            submitted_at: Timestamp::from_epoch_seconds(submitted),
        })
    };
    read().ok_or_else(|| unreadable(0, format!("`{text}` is not a cluster at a site")))
}

/// Adds entries, each with its leaf in the log.
pub(super) fn append(tables: &Tables<'_>, entries: &[Entry]) -> Result<()> {
    if entries.is_empty() {
        return Ok(());
    }
    let insert = format!(
        "INSERT INTO entries ({ENTRY}, written, leaf) VALUES
         (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23, ?24,
          ?25, ?26, ?27)"
    );
    let mut statement = tables.connection.prepare_cached(&insert)?;
    let mut log = Appending::begin(tables.connection)?;
    let mut writer = FieldWriter::new(Domain::Entry);
    for entry in entries {
        add(tables, &mut statement, &mut log, &mut writer, entry)?;
    }
    log.finish()
}

fn add(
    tables: &Tables<'_>,
    statement: &mut rusqlite::Statement<'_>,
    log: &mut Appending<'_>,
    writer: &mut FieldWriter,
    entry: &Entry,
) -> Result<()> {
    let Tables { names, persons, .. } = tables;
    let (marks, actor, person) = marks(persons, entry)?;
    let numbers = Numbers::of(entry, names)?;
    let hold = entry.links.hold.map(|hold| hold.to_string());
    let (unit, debit, credit) = (names.text(numbers.unit)?, names.text(numbers.debit)?, names.text(numbers.credit)?);
    let place = numbers.place.map(|place| names.text(place)).transpose()?;
    let leaf = EntryLeaf {
        number: number(entry.number)?,
        kind: entry.kind.as_str(),
        unit: &unit,
        amount: entry.amount.milli(),
        debit: &debit,
        credit: &credit,
        project: entry.project.as_str(),
        effective_at: entry.effective_at.epoch_seconds(),
        recorded_at: entry.recorded_at.epoch_seconds(),
        key: entry.key.as_deref(),
        hold: hold.as_deref(),
        run: run_leaf(entry, place.as_deref())?,
        grant: entry.links.grant.as_deref(),
        reverses: entry.links.reverses.map(number).transpose()?,
        tariff: entry.tariff.as_ref().map(|tariff| tariff.0.as_str()),
        particulars: &entry.particulars,
        marks,
    };
    leaf.write(writer);
    let hash = writer.leaf_hash();
    log.append(entry.number, hash)?;
    insert(statement, entry, &leaf, &numbers, (actor, person), &hash)
}

/// The numbers of an entry's names.
struct Numbers {
    unit: i64,
    debit: i64,
    credit: i64,
    project: i64,
    place: Option<i64>,
    tariff: Option<i64>,
    partition: Option<i64>,
    state: Option<i64>,
}

impl Numbers {
    fn of(entry: &Entry, names: &Names<'_>) -> Result<Self> {
        let ran = entry.ran.as_ref();
        Ok(Self {
            unit: names.unit(&entry.unit)?,
            debit: names.account(&entry.debit)?,
            credit: names.account(&entry.credit)?,
            project: names.number(entry.project.as_str())?,
            place: entry.links.run.as_ref().map(|run| names.place(run)).transpose()?,
            tariff: names.optional(entry.tariff.as_ref().map(|tariff| tariff.0.as_str()))?,
            partition: names.optional(ran.and_then(|ran| ran.partition.as_ref()).map(PartitionName::as_str))?,
            state: names.optional(ran.map(|ran| ran.end_state.as_str()))?,
        })
    }
}

fn insert(
    statement: &mut rusqlite::Statement<'_>,
    entry: &Entry,
    leaf: &EntryLeaf<'_>,
    numbers: &Numbers,
    (actor, person): (i64, Option<i64>),
    hash: &TreeHash,
) -> Result<()> {
    let particulars = match &entry.particulars {
        Particulars::None => None,
        particulars => Some(to_json(particulars)?),
    };
    statement.execute(params![
        leaf.number,
        leaf.kind,
        numbers.unit,
        leaf.amount,
        numbers.debit,
        numbers.credit,
        numbers.project,
        leaf.effective_at,
        leaf.recorded_at,
        actor,
        leaf.key,
        leaf.hold,
        numbers.place,
        leaf.run.map(|run| run.job),
        leaf.run.map(|run| run.submitted),
        leaf.grant,
        leaf.reverses,
        entry.note,
        numbers.tariff,
        particulars,
        person,
        entry.content.as_ref().map(|content| content.0.as_slice()),
        entry.ran.as_ref().map(|ran| ran.started_at.epoch_seconds()),
        numbers.partition,
        numbers.state,
        leaf.marks.note.as_ref().map(|note| note.as_bytes().as_slice()),
        hash.as_bytes(),
    ])?;
    Ok(())
}

fn run_leaf<'a>(entry: &'a Entry, place: Option<&'a str>) -> Result<Option<RunLeaf<'a>>> {
    let Some((run, place)) = entry.links.run.as_ref().zip(place) else { return Ok(None) };
    Ok(Some(RunLeaf {
        place,
        job: number(run.scheduler_job.raw())?,
        submitted: run.submitted_at.epoch_seconds(),
        ran: RanLeaf::of(entry),
        content: entry.content.as_ref().map(|content| content.0.as_slice()),
    }))
}
