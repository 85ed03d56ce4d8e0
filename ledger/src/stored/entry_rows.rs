//! Rows of entries: read, and made with their leaves.

use super::log::{Appending, Marked};
use super::row::{StoredRow, unreadable};
use super::tables::{LogTables, Names};
use crate::evidence::TreeHash;
use crate::records::Result;
use crate::{Content, Entry, HoldId, LedgerError, LedgerErrorKind, Links, Particulars, Ran};
use model::{EndState, JobId, PartitionName, RunKey, SchedulerJobId, TariffId, Timestamp};

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
    let end_state = EndState::from_word(&word);
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
pub(crate) struct NewEntries<'a> {
    pub(crate) log: &'a mut Appending,
}

/// What the row of a new entry holds.
pub(crate) struct NewEntry<'a> {
    pub(crate) entry: &'a Entry,
    pub(crate) number: i64,
    pub(crate) hold: Option<String>,
    pub(crate) job: Option<i64>,
    pub(crate) reverses: Option<i64>,
    pub(crate) numbers: Numbers,
    pub(crate) marked: &'a Marked,
    /// As JSON.
    pub(crate) particulars: Option<String>,
    pub(crate) hash: TreeHash,
}

impl NewEntry<'_> {
    /// The keyed digest of what was read, of the entry of a run.
    pub(crate) fn content(&self) -> Option<&[u8]> {
        self.entry.links.run.as_ref()?;
        self.entry.content.as_ref().map(|content| content.0.as_slice())
    }

    /// When the run started.
    pub(crate) fn started(&self) -> Option<i64> {
        self.entry.links.run.as_ref()?;
        self.entry.ran.as_ref().map(|ran| ran.started_at.epoch_seconds())
    }
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
    /// What has no number gets one.
    pub(crate) fn of(entry: &Entry, names: &impl Names) -> Result<Self> {
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

impl NewEntries<'_> {
    /// Appends the leaves, whose hashes come in the order of the entries, as the numbers of their names do, and hands each
    /// row to `put`.
    pub(crate) fn append(
        &mut self,
        entries: &[Entry],
        marked: &[Marked],
        mut numbers: impl Iterator<Item = Result<Numbers>>,
        mut hashes: impl Iterator<Item = Result<TreeHash>>,
        mut put: impl FnMut(&NewEntry<'_>) -> Result<()>,
    ) -> Result<()> {
        let gone = || LedgerError::never(LedgerErrorKind::Bug, "an entry has no hash, or no names");
        for (entry, marked) in entries.iter().zip(marked) {
            let hash = hashes.next().ok_or_else(gone)??;
            self.log.append(entry.number, hash)?;
            put(&NewEntry {
                entry,
                number: signed(entry.number)?,
                hold: entry.links.hold.map(|hold| hold.to_string()),
                job: entry.links.run.as_ref().map(|run| signed(run.scheduler_job.raw())).transpose()?,
                reverses: entry.links.reverses.map(signed).transpose()?,
                numbers: numbers.next().ok_or_else(gone)??,
                marked,
                particulars: written_particulars(entry)?,
                hash,
            })?;
        }
        Ok(())
    }
}

fn written_particulars(entry: &Entry) -> Result<Option<String>> {
    let bug = |error| LedgerError::never(LedgerErrorKind::Bug, "a value cannot be written").with_fact("json", &error);
    match &entry.particulars {
        Particulars::None => Ok(None),
        particulars => serde_json::to_string(particulars).map(Some).map_err(bug),
    }
}

/// A number that is never negative, as databases have them.
pub(super) fn signed(number: u64) -> Result<i64> {
    let bug = |_| LedgerError::never(LedgerErrorKind::Bug, format!("{number} does not fit in a column"));
    i64::try_from(number).map_err(bug)
}
