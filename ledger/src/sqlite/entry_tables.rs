//! The table of entries.

use super::names::Names;
use super::rows::{amount, count, from_json, instant, kind, number, parsed_option, to_json, unreadable};
use crate::records::Result;
use crate::{Entry, HoldId, Links, Particulars};
use model::{JobId, Principal, RunKey, SchedulerJobId, TariffId, Timestamp};
use rusqlite::{Connection, Params, Row, params};

/// The columns of an entry, in the order of [`entry`].
pub(super) const ENTRY: &str = "number, kind, unit, amount, debit, credit, project, effective_at, recorded_at, \
     actor_user, actor_site, key, hold, run_place, run_job, run_submitted, grant_key, reverses, note, tariff, \
     particulars";

/// All entries of a condition, in their order.
pub(super) fn entries_where<P: Params>(
    connection: &Connection,
    names: &Names<'_>,
    condition: &str,
    parameters: P,
) -> Result<Vec<Entry>> {
    let mut statement = connection.prepare_cached(&format!("SELECT {ENTRY} FROM entries WHERE {condition}"))?;
    let found = statement.query_map(parameters, |row| entry(row, names))?.collect::<rusqlite::Result<Vec<_>>>()?;
    Ok(found)
}

/// Reads the columns of [`ENTRY`].
pub(super) fn entry(row: &Row<'_>, names: &Names<'_>) -> rusqlite::Result<Entry> {
    let reverses: Option<i64> = row.get(17)?;
    let run = match row.get::<_, Option<i64>>(13)? {
        Some(place) => Some(run_key(names, place, count(row, 14)?, row.get(15)?)?),
        None => None,
    };
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
        actor: Principal { user: names.parsed(row.get(9)?)?, site: names.parsed_option(row.get(10)?)? },
        key: row.get(11)?,
        links: Links {
            hold: parsed_option::<JobId>(row, 12)?.map(HoldId),
            run,
            grant: row.get(16)?,
            reverses: reverses.map(|found| u64::try_from(found).map_err(|error| unreadable(17, error))).transpose()?,
        },
        note: row.get(18)?,
        tariff: row
            .get::<_, Option<i64>>(19)?
            .map(|found| names.text(found))
            .transpose()?
            .map(|text| TariffId(text.as_ref().to_owned())),
        particulars: match row.get_ref(20)? {
            rusqlite::types::ValueRef::Null => Particulars::None,
            _ => from_json(row, 20)?,
        },
    })
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

/// Adds entries.
pub(super) fn append(connection: &Connection, names: &Names<'_>, entries: &[Entry]) -> Result<()> {
    let insert = format!(
        "INSERT INTO entries ({ENTRY}) VALUES
         (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21)"
    );
    let mut statement = connection.prepare_cached(&insert)?;
    for entry in entries {
        let Entry { links, actor, .. } = entry;
        let run = links.run.as_ref();
        let particulars = match &entry.particulars {
            Particulars::None => None,
            particulars => Some(to_json(particulars)?),
        };
        statement.execute(params![
            number(entry.number)?,
            entry.kind.as_str(),
            names.unit(&entry.unit)?,
            entry.amount.milli(),
            names.account(&entry.debit)?,
            names.account(&entry.credit)?,
            names.number(entry.project.as_str())?,
            entry.effective_at.epoch_seconds(),
            entry.recorded_at.epoch_seconds(),
            names.number(actor.user.as_str())?,
            names.optional(actor.site.as_ref().map(model::SiteName::as_str))?,
            entry.key,
            links.hold.map(|hold| hold.to_string()),
            run.map(|run| names.place(run)).transpose()?,
            run.map(|run| number(run.scheduler_job.raw())).transpose()?,
            run.map(|run| run.submitted_at.epoch_seconds()),
            links.grant,
            links.reverses.map(number).transpose()?,
            entry.note,
            names.optional(entry.tariff.as_ref().map(|tariff| tariff.0.as_str()))?,
            particulars,
        ])?;
    }
    Ok(())
}
