//! Rows of entries: read, and made with their leaves.

use super::log::{Appending, marks};
use super::persons::Persons;
use super::row::{StoredRow, unreadable};
use super::tables::{LogTables, Names};
use crate::evidence::{Domain, EntryLeaf, FieldWriter, RanLeaf, RunLeaf, TreeHash};
use crate::records::Result;
use crate::{Content, Entry, HoldId, LedgerError, LedgerErrorKind, Links, Particulars, Ran};
use model::{BaseState, JobId, PartitionName, RunKey, SchedulerJobId, TariffId, Timestamp};

/// The columns of an entry, in the order of [`entry`].
pub(crate) const ENTRY: &str = "number, kind, unit, amount, debit, credit, project, effective_at, recorded_at, \
     actor, key, hold, run_place, run_job, run_submitted, grant_key, reverses, note, tariff, particulars, person, content, \
     started, partition, end_state";

/// Reads the columns of [`ENTRY`].
pub(crate) fn entry<T: LogTables>(row: &T::Row<'_>, tables: &T) -> Result<Entry> {
    let (names, persons) = (tables.names(), tables.persons());
    let run = match row.name_option(12)? {
        Some(place) => Some(run_key(&names.text_of(place)?, row.count(13)?, row.number(14)?)?),
        None => None,
    };
    let person = row.number_option(20)?.map(|number| persons.with_number(number)).transpose()?;
    let particulars = row.text_option(19)?.map(|text| serde_json::from_str(text).map_err(unreadable)).transpose()?;
    Ok(Entry {
        number: row.count(0)?,
        kind: row.kind(1)?,
        unit: names.parsed_of(row.name(2)?)?,
        amount: row.amount(3)?,
        debit: names.parsed_of(row.name(4)?)?,
        credit: names.parsed_of(row.name(5)?)?,
        project: names.parsed_of(row.name(6)?)?,
        effective_at: row.instant(7)?,
        recorded_at: row.instant(8)?,
        actor: persons.with_number(row.number(9)?)?.principal.clone(),
        key: row.text_option(10)?.map(str::to_owned),
        links: Links {
            hold: row.parsed_option::<JobId>(11)?.map(HoldId),
            run,
            grant: row.text_option(15)?.map(str::to_owned),
            reverses: row.number_option(16)?.map(|_| row.count(16)).transpose()?,
        },
        note: row.text(17)?.to_owned(),
        tariff: row.name_option(18)?.map(|found| names.text_of(found)).transpose()?.map(|text| tariff(&text)),
        particulars: particulars.unwrap_or(Particulars::None),
        ran: ran(row, names)?,
        ran_by: person.map(|person| person.principal.user.clone()),
        content: row.fixed_option(21)?.map(Content),
    })
}

fn ran(row: &impl StoredRow, names: &impl Names) -> Result<Option<Ran>> {
    let Some(started) = row.number_option(22)? else { return Ok(None) };
    let word = names.text_of(row.name(24)?)?;
    let end_state = BaseState::from_word(&word);
    let end_state = end_state.ok_or_else(|| unreadable(format!("`{}` is no state of a job", &*word)))?;
    let partition = row.name_option(23)?.map(|number| names.parsed_of(number)).transpose()?;
    Ok(Some(Ran { started_at: Timestamp::from_epoch_seconds(started), partition, end_state }))
}

fn tariff(text: &str) -> TariffId {
    TariffId(text.to_owned())
}

/// The name of a cluster at a site, for the numbers of names. A site's name has no `/`.
pub(crate) fn place(key: &RunKey) -> String {
    format!("{}/{}", key.site, key.cluster)
}

/// The key of a run, by the name of its place.
pub(crate) fn run_key(place: &str, job: u64, submitted: i64) -> Result<RunKey> {
    let read = || {
        let (site, cluster) = place.split_once('/')?;
        Some(RunKey {
            site: site.parse().ok()?,
            cluster: cluster.parse().ok()?,
            scheduler_job: SchedulerJobId::new(job),
            submitted_at: Timestamp::from_epoch_seconds(submitted),
        })
    };
    read().ok_or_else(|| unreadable(format!("`{place}` is not a cluster at a site")))
}

/// Entries on their way into a table, each with its leaf in the log.
pub(crate) struct NewEntries<'a, N> {
    pub(crate) names: &'a N,
    pub(crate) persons: &'a Persons<'a>,
    pub(crate) log: &'a mut Appending,
}

/// What the row of a new entry holds.
pub(crate) struct NewEntry<'a> {
    pub(crate) leaf: EntryLeaf<'a>,
    pub(crate) numbers: Numbers,
    pub(crate) actor: i64,
    pub(crate) person: Option<i64>,
    pub(crate) note: &'a str,
    /// As JSON.
    pub(crate) particulars: Option<String>,
    pub(crate) hash: TreeHash,
}

/// The numbers of an entry's names.
pub(crate) struct Numbers {
    pub(crate) unit: i64,
    pub(crate) debit: i64,
    pub(crate) credit: i64,
    pub(crate) project: i64,
    pub(crate) place: Option<i64>,
    pub(crate) tariff: Option<i64>,
    pub(crate) partition: Option<i64>,
    pub(crate) state: Option<i64>,
}

impl Numbers {
    fn of(entry: &Entry, names: &impl Names) -> Result<Self> {
        let number = |text: Option<&str>| text.map(|text| names.number_of(text)).transpose();
        let ran = entry.ran.as_ref();
        Ok(Self {
            unit: names.number_of_unit(&entry.unit)?,
            debit: names.number_of_account(&entry.debit)?,
            credit: names.number_of_account(&entry.credit)?,
            project: names.number_of(entry.project.as_str())?,
            place: entry.links.run.as_ref().map(|run| names.number_of_place(run)).transpose()?,
            tariff: number(entry.tariff.as_ref().map(|tariff| tariff.0.as_str()))?,
            partition: number(ran.and_then(|ran| ran.partition.as_ref()).map(PartitionName::as_str))?,
            state: number(ran.map(|ran| ran.end_state.as_str()))?,
        })
    }
}

impl<N: Names> NewEntries<'_, N> {
    /// Appends the leaves, and hands each row to `put`.
    pub(crate) fn append(&mut self, entries: &[Entry], mut put: impl FnMut(&NewEntry<'_>) -> Result<()>) -> Result<()> {
        let mut writer = FieldWriter::new(Domain::Entry);
        entries.iter().try_for_each(|entry| self.add(&mut writer, entry, &mut put))
    }

    fn add(
        &mut self,
        writer: &mut FieldWriter,
        entry: &Entry,
        put: &mut impl FnMut(&NewEntry<'_>) -> Result<()>,
    ) -> Result<()> {
        let names = self.names;
        let (marks, actor, person) = marks(self.persons, entry)?;
        let numbers = Numbers::of(entry, names)?;
        let hold = entry.links.hold.map(|hold| hold.to_string());
        let [unit, debit] = [names.text_of(numbers.unit)?, names.text_of(numbers.debit)?];
        let credit = names.text_of(numbers.credit)?;
        let place = numbers.place.map(|place| names.text_of(place)).transpose()?;
        let leaf = EntryLeaf {
            number: signed(entry.number)?,
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
            reverses: entry.links.reverses.map(signed).transpose()?,
            tariff: entry.tariff.as_ref().map(|tariff| tariff.0.as_str()),
            particulars: &entry.particulars,
            marks,
        };
        leaf.write(writer);
        let hash = writer.leaf_hash();
        self.log.append(entry.number, hash)?;
        let particulars = written_particulars(entry)?;
        put(&NewEntry { leaf, numbers, actor, person, note: &entry.note, particulars, hash })
    }
}

fn run_leaf<'a>(entry: &'a Entry, place: Option<&'a str>) -> Result<Option<RunLeaf<'a>>> {
    let Some((run, place)) = entry.links.run.as_ref().zip(place) else { return Ok(None) };
    let content = entry.content.as_ref().map(|content| content.0.as_slice());
    let job = signed(run.scheduler_job.raw())?;
    let submitted = run.submitted_at.epoch_seconds();
    Ok(Some(RunLeaf { place, job, submitted, ran: RanLeaf::of(entry), content }))
}

fn written_particulars(entry: &Entry) -> Result<Option<String>> {
    let bug = |error| LedgerError::never(LedgerErrorKind::Bug, "a value cannot be written").with_fact("json", &error);
    match &entry.particulars {
        Particulars::None => Ok(None),
        particulars => serde_json::to_string(particulars).map(Some).map_err(bug),
    }
}

/// A number that is never negative, as databases have them.
fn signed(number: u64) -> Result<i64> {
    let bug = |_| LedgerError::never(LedgerErrorKind::Bug, format!("{number} does not fit in a column"));
    i64::try_from(number).map_err(bug)
}
