//! The table of runs, and that of their raw rows.

use super::inserts::{Inserts, Into, TOGETHER};
use super::names::{Names, Recent};
use super::raw_rows;
use super::rows::{amount, count, from_json, instant, number, parsed_option, to_json, unreadable};
use super::tables::Tables;
use crate::price_shape::PriceShape;
use crate::records::{BookedCharge, BookedRun, RawPlace, Result, RunDigest, Standing};
use crate::rules::Content;
use crate::store::SeenAgain;
use crate::stored::{Listed, PackedRows, place, run_key};
use crate::{ChargedRun, CoveredRun, HoldId, SettledRun};
use model::{
    Charge, ClusterName, EvidenceClass, ExitCode, JobId, JobState, LinkNumber, Price, Run, RunKey, SchedulerJobId,
    SiteName, Stamp, Timestamp, Tres, WallTime,
};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension, Params, Row, ToSql, params};
use rustc_hash::FxHashMap;
use std::sync::{Arc, LazyLock};

/// The columns of a run, in the order of [`read_run`].
const RUN: &str = "place, job, submitted, sluid, shown_id, user, account, partition, qos, name, stamp_job, stamp_link, \
     state, restarts, started, ended, elapsed, time_limit, allocated, exit_code, exit_signal, evidence, observed_at, \
     raw_chunk, raw_row, content, revision, price, gpu, node, site_charge, project, unit, amount, hold, effective_at, \
     entry, entries, unattributed, is_priced, work_directory, priced_at, covered";

const COLUMNS: usize = 43;

static RUNS: LazyLock<Into> = LazyLock::new(|| Into::new(&format!("runs ({RUN})"), COLUMNS, TOGETHER));

/// What the runs of one writing have in common.
pub(super) struct RunWriter {
    tres: Recent<Tres>,
    states: Recent<JobState>,
    prices: Recent<PriceShape>,
}

impl RunWriter {
    pub(super) const fn new() -> Self {
        Self { tres: Recent::new(), states: Recent::new(), prices: Recent::new() }
    }

    /// Writes runs. Those that are there are replaced, which costs SQLite a journal of the statement.
    pub(super) fn write(
        &self,
        connection: &Connection,
        names: &Names<'_>,
        runs: &[BookedRun],
        raw: PackedRows,
    ) -> Result<()> {
        let raw = raw_rows::add(connection, raw)?;
        let values = (1..=COLUMNS).map(|column| format!("?{column}")).collect::<Vec<_>>().join(", ");
        let new = runs.iter().filter(|run| run.is_new).count();
        let mut add = Inserts::new(connection, &RUNS, new)?;
        let mut replace =
            connection.prepare_cached(&format!("INSERT OR REPLACE INTO runs ({RUN}) VALUES ({values})"))?;
        for (booked, new_raw) in runs.iter().zip(raw) {
            let raw = new_raw.or(booked.raw);
            if booked.is_new {
                self.put(&mut |row| add.put(row), names, booked, raw)?;
            } else {
                self.put(&mut |row| Ok(replace.execute(row).map(drop)?), names, booked, raw)?;
            }
        }
        Ok(())
    }

    fn put(
        &self,
        put: &mut dyn FnMut(&[&dyn ToSql]) -> Result<()>,
        names: &Names<'_>,
        booked: &BookedRun,
        raw: Option<RawPlace>,
    ) -> Result<()> {
        let run = &booked.settled.run;
        let price = &booked.settled.price;
        let charged = |part: fn(&Price) -> &Option<Charge>| {
            price.known().and_then(|price| part(price).as_ref()).map(|charge| charge.amount.milli())
        };
        let (charge, reason) = match &booked.standing {
            Standing::Charged(charge) | Standing::Covered(charge) => (Some(charge), None),
            Standing::Unattributed(reason) => (None, Some(to_json(reason)?)),
        };
        let is_covered = matches!(booked.standing, Standing::Covered(_));
        put(params![
            names.place(&booked.key)?,
            number(booked.key.scheduler_job.raw())?,
            booked.key.submitted_at.epoch_seconds(),
            run.sluid,
            run.shown_id,
            names.number(run.user.as_str())?,
            names.optional(run.account.as_ref().map(model::AccountName::as_str))?,
            names.optional(run.partition.as_ref().map(model::PartitionName::as_str))?,
            names.optional(run.qos.as_ref().map(model::QosName::as_str))?,
            run.name,
            run.stamp.map(|stamp| stamp.job.to_string()),
            run.stamp.map(|stamp| stamp.link.get()),
            self.states.number(names, |known| *known == run.state, || run.state.clone())?,
            run.restarts,
            run.started_at.epoch_seconds(),
            run.ended_at.map(Timestamp::epoch_seconds),
            number(run.elapsed.seconds())?,
            run.time_limit.map(|limit| number(limit.seconds())).transpose()?,
            self.tres.number(names, |known| *known == run.allocated, || run.allocated.clone())?,
            run.exit.code,
            run.exit.signal,
            evidence_number(run.evidence),
            booked.observed_at.epoch_seconds(),
            raw.map(|raw| raw.chunk),
            raw.map(|raw| raw.row),
            booked.content.0,
            booked.revision,
            self.prices.number(names, |known| known.is_of(price), || PriceShape::of(price))?,
            charged(|price| &price.gpu),
            charged(|price| &price.node),
            charged(|price| &price.site),
            charge.map(|charge| names.number(charge.project.as_str())).transpose()?,
            charge.map(|charge| names.unit(&charge.unit)).transpose()?,
            charge.map(|charge| if is_covered { 0 } else { charge.amount.milli() }),
            charge.and_then(|charge| charge.hold).map(|hold| hold.to_string()),
            charge.map(|charge| charge.effective_at.epoch_seconds()),
            charge.and_then(|charge| charge.entries.first()).map(|first| number(*first)).transpose()?,
            charge.map(|charge| number(charge.entries.len() as u64)).transpose()?,
            reason,
            booked.settled.price.known().is_some(),
            booked.kept_directory(),
            booked.priced_at.map(Timestamp::epoch_seconds),
            charge.filter(|_| is_covered).map(|charge| charge.amount.milli()),
        ])
    }
}

/// Writes at which instant runs were seen last, and nothing else of them.
pub(super) fn see_again(connection: &Connection, names: &Names<'_>, seen: &[SeenAgain]) -> Result<()> {
    let update = "UPDATE runs SET observed_at = ?4 WHERE place = ?1 AND job = ?2 AND submitted = ?3";
    let mut statement = connection.prepare_cached(update)?;
    for SeenAgain { key, at } in seen {
        let (job, submitted) = (raw_id(key.scheduler_job)?, key.submitted_at.epoch_seconds());
        statement.execute(params![names.place(key)?, job, submitted, at.epoch_seconds()])?;
    }
    Ok(())
}

const fn evidence_number(evidence: EvidenceClass) -> i64 {
    match evidence {
        EvidenceClass::SelfRead => 0,
        EvidenceClass::CoordinatorRead => 1,
        EvidenceClass::SiteSigned => 2,
    }
}

fn evidence(row: &Row<'_>, column: usize) -> rusqlite::Result<EvidenceClass> {
    match row.get(column)? {
        0 => Ok(EvidenceClass::SelfRead),
        1 => Ok(EvidenceClass::CoordinatorRead),
        2 => Ok(EvidenceClass::SiteSigned),
        other => Err(rusqlite::Error::IntegralValueOutOfRange(column, other)),
    }
}

/// Reads place, job and submit time.
pub(super) fn key_of(row: &Row<'_>, names: &Names<'_>) -> rusqlite::Result<RunKey> {
    run_key(&names.text(row.get(0)?)?, count(row, 1)?, row.get(2)?).map_err(|error| unreadable(0, error))
}

fn read_run(row: &Row<'_>, names: &Names<'_>) -> rusqlite::Result<BookedRun> {
    let standing = standing(row, names)?;
    let is_paid = !matches!(standing, Standing::Unattributed(_));
    let raw = match (row.get(23)?, row.get(24)?) {
        (Some(chunk), Some(row)) => Some(RawPlace { chunk, row }),
        _ => None,
    };
    let key = key_of(row, names)?;
    Ok(BookedRun {
        settled: Arc::new(SettledRun {
            run: run_of(row, names, key.clone())?,
            price: names.json_of::<PriceShape>(row.get(27)?)?.price([row.get(28)?, row.get(29)?, row.get(30)?]),
        }),
        key,
        content: Content(row.get(25)?),
        observed_at: instant(row, 22)?,
        priced_at: row.get::<_, Option<i64>>(41)?.map(Timestamp::from_epoch_seconds),
        revision: row.get(26)?,
        raw,
        is_new: false,
        is_by_rule: is_paid && row.get_ref(40)? != ValueRef::Null,
        standing,
    })
}

/// Where it stands in the books. What is covered is in a column of its own: the other one has what is charged, by entries.
fn standing(row: &Row<'_>, names: &Names<'_>) -> rusqlite::Result<Standing> {
    let Some(project) = row.get::<_, Option<i64>>(31)? else {
        return Ok(Standing::Unattributed(from_json(row, 38)?));
    };
    let charge = BookedCharge {
        project: names.parsed(project)?,
        unit: names.parsed(row.get(32)?)?,
        amount: amount(row, 33)?,
        hold: parsed_option::<JobId>(row, 34)?.map(HoldId),
        effective_at: instant(row, 35)?,
        entries: match row.get::<_, Option<i64>>(36)? {
            Some(_) => (count(row, 36)?..).take(row.get::<_, u8>(37)?.into()).collect(),
            None => Vec::new(),
        },
    };
    Ok(match row.get::<_, Option<i64>>(42)? {
        Some(_) => Standing::Covered(BookedCharge { amount: amount(row, 42)?, ..charge }),
        None => Standing::Charged(charge),
    })
}

fn run_of(row: &Row<'_>, names: &Names<'_>, key: RunKey) -> rusqlite::Result<Run> {
    let stamp = match (parsed_option(row, 10)?, row.get::<_, Option<u32>>(11)?) {
        (Some(job), Some(link)) => LinkNumber::new(link).map(|link| Stamp { job, link }),
        _ => None,
    };
    let seconds = |column: usize| row.get::<_, Option<i64>>(column);
    Ok(Run {
        key,
        sluid: row.get(3)?,
        shown_id: row.get(4)?,
        user: names.parsed(row.get(5)?)?,
        account: names.parsed_option(row.get(6)?)?,
        partition: names.parsed_option(row.get(7)?)?,
        qos: names.parsed_option(row.get(8)?)?,
        name: row.get(9)?,
        work_directory: row.get::<_, Option<String>>(40)?.filter(|text| !text.is_empty()),
        stamp,
        state: names.json_of(row.get(12)?)?,
        restarts: row.get(13)?,
        started_at: instant(row, 14)?,
        ended_at: seconds(15)?.map(Timestamp::from_epoch_seconds),
        elapsed: WallTime::from_seconds(count(row, 16)?),
        time_limit: seconds(17)?.map(|_| count(row, 17)).transpose()?.map(WallTime::from_seconds),
        allocated: names.json_of(row.get(18)?)?,
        exit: ExitCode { code: row.get(19)?, signal: row.get(20)? },
        evidence: evidence(row, 21)?,
        observed_at: instant(row, 22)?,
        raw: String::new(),
    })
}

fn runs_where<P: Params>(
    connection: &Connection,
    names: &Names<'_>,
    condition: &str,
    parameters: P,
) -> Result<Vec<BookedRun>> {
    let mut statement = connection.prepare_cached(&format!("SELECT {RUN} FROM runs WHERE {condition}"))?;
    let runs = statement.query_map(parameters, |row| read_run(row, names))?;
    Ok(runs.collect::<rusqlite::Result<Vec<_>>>()?)
}

/// The scheduler's id as SQLite has numbers.
pub(super) fn raw_id(job: SchedulerJobId) -> rusqlite::Result<i64> {
    number(job.raw())
}

pub(super) fn run(connection: &Connection, names: &Names<'_>, key: &RunKey) -> Result<Option<BookedRun>> {
    let Some(place) = names.find(&place(key))? else { return Ok(None) };
    let parameters = params![place, raw_id(key.scheduler_job)?, key.submitted_at.epoch_seconds()];
    Ok(runs_where(connection, names, "place = ?1 AND job = ?2 AND submitted = ?3", parameters)?.pop())
}

pub(super) fn run_with_sluid(
    connection: &Connection,
    names: &Names<'_>,
    site: &SiteName,
    cluster: &ClusterName,
    sluid: &str,
) -> Result<Option<BookedRun>> {
    let Some(place) = names.find(&format!("{site}/{cluster}"))? else { return Ok(None) };
    Ok(runs_where(connection, names, "place = ?1 AND sluid = ?2", params![place, sluid])?.pop())
}

pub(super) fn runs_of_job(connection: &Connection, names: &Names<'_>, job: JobId) -> Result<Vec<BookedRun>> {
    let mut runs = runs_where(connection, names, "stamp_job = ?1", [job.to_string()])?;
    runs.sort_by(|one, other| one.key.cmp(&other.key));
    Ok(runs)
}

/// The runs with this id of the scheduler at a site that somebody pays for, the latest first.
pub(super) fn charged(tables: &Tables<'_>, site: &SiteName, id: SchedulerJobId) -> Result<Vec<ChargedRun>> {
    let condition = "job = ?1 AND place IN (SELECT place FROM usage_places WHERE site = ?2)";
    let runs = runs_where(tables.connection, &tables.names, condition, params![raw_id(id)?, site.as_str()])?;
    let mut found: Vec<ChargedRun> = runs.into_iter().filter_map(BookedRun::charged).collect();
    found.sort_by_key(|charged| std::cmp::Reverse(charged.run.submitted_at));
    Ok(found)
}

/// With their raw rows, which whoever looks at such a run wants to see.
pub(super) fn unattributed_runs(connection: &Connection, names: &Names<'_>) -> Result<Vec<BookedRun>> {
    let mut runs = runs_where(connection, names, "unattributed IS NOT NULL", [])?;
    runs.sort_by(|one, other| one.key.cmp(&other.key));
    for run in &mut runs {
        if let Some(place) = run.raw {
            Arc::make_mut(&mut run.settled).run.raw = raw_rows::read(connection, place)?;
        }
    }
    Ok(runs)
}

/// The runs that openings have, in the order of their keys.
pub(super) fn covered(tables: &Tables<'_>) -> Result<Vec<CoveredRun>> {
    let mut runs = runs_where(tables.connection, &tables.names, "covered IS NOT NULL", [])?;
    runs.sort_by(|one, other| one.key.cmp(&other.key));
    Ok(runs.into_iter().filter_map(BookedRun::covered).collect())
}

pub(super) fn unattributed_count(connection: &Connection) -> Result<u64> {
    let select = "SELECT count(*) FROM runs WHERE unattributed IS NOT NULL";
    Ok(connection.query_row(select, [], |row| count(row, 0))?)
}

/// The runs of a list at a site behind a key, at most `limit`, in an order that stays.
pub(super) fn page(
    connection: &Connection,
    names: &Names<'_>,
    listed: Listed,
    site: &SiteName,
    after: Option<&RunKey>,
    limit: u32,
) -> Result<Vec<BookedRun>> {
    let condition = listed.condition();
    let condition = format!(
        "{condition} AND place IN (SELECT number FROM names WHERE text >= ?1 || '/' AND text < ?1 || '0')
         AND (place, job, submitted) > (?2, ?3, ?4) ORDER BY place, job, submitted LIMIT ?5"
    );
    let behind = match after {
        None => (0, 0, i64::MIN),
        Some(key) => {
            let place = names.find(&place(key))?.unwrap_or_default();
            (place, raw_id(key.scheduler_job)?, key.submitted_at.epoch_seconds())
        }
    };
    runs_where(connection, names, &condition, params![site.as_str(), behind.0, behind.1, behind.2, limit])
}

/// How many stored rows beside those that are asked for a scan may meet, for each one that is asked for.
const MOST_OTHERS: usize = 8;

/// The digest of each of these runs, where it is in the books: by one scan where the ids lie close together, as those of a
/// month do, else one by one. No run is asked for twice.
pub(super) fn digests(connection: &Connection, names: &Names<'_>, keys: &[&RunKey]) -> Result<Vec<Option<RunDigest>>> {
    let mut found = vec![None; keys.len()];
    let mut by_place = FxHashMap::<(&SiteName, &ClusterName), Wanted>::default();
    for (position, key) in keys.iter().enumerate() {
        let id = (raw_id(key.scheduler_job)?, key.submitted_at.epoch_seconds());
        let wanted = by_place.entry((&key.site, &key.cluster)).or_default();
        if wanted.is_empty() {
            // Those of a post are mostly of one cluster.
            wanted.reserve(keys.len());
        }
        wanted.insert(id, position);
    }
    for ((site, cluster), wanted) in by_place {
        let Some(place) = names.find(&format!("{site}/{cluster}"))? else { continue };
        if !scan(connection, place, &wanted, &mut found)? {
            one_by_one(connection, place, &wanted, &mut found)?;
        }
    }
    Ok(found)
}

/// The position in the question of each id and submit time.
type Wanted = FxHashMap<(i64, i64), usize>;

/// Reads all rows between the least and the greatest id. Whether that was done; it is given up where too many others lie
/// between.
fn scan(connection: &Connection, place: i64, wanted: &Wanted, found: &mut [Option<RunDigest>]) -> Result<bool> {
    let jobs = wanted.keys().map(|(job, _)| *job);
    let Some((least, greatest)) = jobs.clone().min().zip(jobs.max()) else { return Ok(true) };
    let select = "SELECT job, submitted, content, observed_at, priced_at IS NOT NULL, evidence, sluid FROM runs
        WHERE place = ?1 AND job BETWEEN ?2 AND ?3";
    let mut statement = connection.prepare_cached(select)?;
    let mut rows = statement.query(params![place, least, greatest])?;
    let mut others = 0;
    while let Some(row) = rows.next()? {
        match wanted.get(&(row.get(0)?, row.get(1)?)) {
            Some(position) => found[*position] = Some(digest(row)?),
            None => others += 1,
        }
        if others > MOST_OTHERS * wanted.len() {
            return Ok(false);
        }
    }
    Ok(true)
}

fn one_by_one(connection: &Connection, place: i64, wanted: &Wanted, found: &mut [Option<RunDigest>]) -> Result<()> {
    let select = "SELECT job, submitted, content, observed_at, priced_at IS NOT NULL, evidence, sluid FROM runs
        WHERE place = ?1 AND job = ?2 AND submitted = ?3";
    let mut statement = connection.prepare_cached(select)?;
    for ((job, submitted), position) in wanted {
        found[*position] = statement.query_row(params![place, job, submitted], digest).optional()?;
    }
    Ok(())
}

fn digest(row: &Row<'_>) -> rusqlite::Result<RunDigest> {
    let (content, observed_at) = (Content(row.get(2)?), instant(row, 3)?);
    let (is_priced_apart, evidence) = (row.get(4)?, evidence(row, 5)?);
    Ok(RunDigest { content, observed_at, is_priced_apart, evidence, sluid: row.get(6)? })
}
