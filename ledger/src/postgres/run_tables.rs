//! The table of runs.

use super::copy_rows::{CopyRows, PIECE_ROWS};
use super::names::place_of;
use super::raw_rows;
use super::rows::{amount, count, count_option, from_json, get, instant, number, parsed_option, unreadable};
use super::run_rows::{RunNames, put_run, put_standing};
use super::session::{Session, Values};
use crate::price_shape::PriceShape;
use crate::records::{BookedCharge, BookedRun, RawPlace, Result, RunDigest, Standing};
use crate::rules::Content;
use crate::store::SeenAgain;
use crate::stored::{Listed, PackedRows, place, run_key};
use crate::{ChargedRun, CoveredRun, HoldId, SettledRun};
use model::{
    ClusterName, EvidenceClass, ExitCode, JobId, LinkNumber, Run, RunKey, SchedulerJobId, SiteName, Stamp, Timestamp,
    WallTime,
};
use postgres::Row;
use rustc_hash::FxHashMap;
use std::sync::Arc;

/// The columns of a run, in the order of [`read_run`].
const RUN: &str = r#"place, job, submitted, sluid, shown_id, "user", account, partition, qos, name, stamp_job, stamp_link,
     state, restarts, started, ended, elapsed, time_limit, allocated, exit_code, exit_signal, evidence, observed_at,
     raw_chunk, raw_row, content, revision, price, gpu, node, site_charge, project, unit, amount, hold, effective_at,
     entry, entries, unattributed, is_priced, work_directory, priced_at, covered"#;

const COLUMNS: i16 = 43;

/// Writes runs, with their raw rows. Those that are there are replaced. The server works on one piece while the next is
/// made; it answers nothing else meanwhile, so that names come first.
pub(super) fn write(session: &Session, runs: &[BookedRun], raw: PackedRows) -> Result<()> {
    if runs.is_empty() {
        return Ok(());
    }
    let raw = raw_rows::add(session, raw)?;
    remove(session, runs.iter().filter(|run| !run.is_new))?;
    let names = runs.iter().map(|run| RunNames::of(session, run)).collect::<Result<Vec<_>>>()?;
    let mut left = runs.iter().zip(&names).zip(raw).peekable();
    let mut rows = CopyRows::new(COLUMNS, PIECE_ROWS);
    session.copy_pieces(&format!("COPY runs ({RUN}) FROM STDIN (FORMAT binary)"), || {
        for ((booked, names), new_raw) in left.by_ref().take(PIECE_ROWS) {
            rows.row();
            put_run(&mut rows, booked, names)?;
            put_standing(&mut rows, booked, names, new_raw.or(booked.raw))?;
        }
        let is_last = left.peek().is_none();
        Ok((rows.take(is_last), is_last))
    })
}

/// Writes at which instant runs were seen last, and nothing else of them.
pub(super) fn see_again(session: &Session, seen: &[SeenAgain]) -> Result<()> {
    if seen.is_empty() {
        return Ok(());
    }
    let (mut places, mut jobs, mut submitted, mut instants) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for SeenAgain { key, at } in seen {
        places.push(session.place(key)?);
        jobs.push(raw_id(key.scheduler_job)?);
        submitted.push(key.submitted_at.epoch_seconds());
        instants.push(at.epoch_seconds());
    }
    let update = "UPDATE runs SET observed_at = seen.instant
        FROM unnest($1::integer[], $2::bigint[], $3::bigint[], $4::bigint[]) AS seen (place, job, submitted, instant)
        WHERE runs.place = seen.place AND runs.job = seen.job AND runs.submitted = seen.submitted";
    session.execute(update, &[&places, &jobs, &submitted, &instants])?;
    Ok(())
}

fn remove<'a>(session: &Session, runs: impl Iterator<Item = &'a BookedRun>) -> Result<()> {
    let (mut places, mut jobs, mut submitted) = (Vec::new(), Vec::new(), Vec::new());
    for BookedRun { key, .. } in runs {
        places.push(session.place(key)?);
        jobs.push(raw_id(key.scheduler_job)?);
        submitted.push(key.submitted_at.epoch_seconds());
    }
    if places.is_empty() {
        return Ok(());
    }
    let delete =
        "DELETE FROM runs USING unnest($1::integer[], $2::bigint[], $3::bigint[]) AS old (place, job, submitted)
        WHERE runs.place = old.place AND runs.job = old.job AND runs.submitted = old.submitted";
    session.execute(delete, &[&places, &jobs, &submitted])?;
    Ok(())
}

fn evidence(row: &Row, column: usize) -> Result<EvidenceClass> {
    match get::<i16>(row, column)? {
        0 => Ok(EvidenceClass::SelfRead),
        1 => Ok(EvidenceClass::CoordinatorRead),
        2 => Ok(EvidenceClass::SiteSigned),
        other => Err(unreadable(format!("{other} is no class of evidence"))),
    }
}

fn read_run(row: &Row, session: &Session) -> Result<BookedRun> {
    let raw = match (get(row, 23)?, get(row, 24)?) {
        (Some(chunk), Some(row)) => Some(RawPlace { chunk, row }),
        _ => None,
    };
    let key = run_key(&session.text(get(row, 0)?)?, count(row, 1)?, get(row, 2)?)?;
    let standing = standing(row, session)?;
    let shape: PriceShape = session.parsed_json(get(row, 27)?)?;
    Ok(BookedRun {
        settled: Arc::new(SettledRun {
            run: run_of(row, session, key.clone())?,
            price: shape.price([get(row, 28)?, get(row, 29)?, get(row, 30)?]),
        }),
        key,
        is_by_rule: !matches!(standing, Standing::Unattributed(_)) && get::<Option<&str>>(row, 40)?.is_some(),
        content: content(row, 25)?,
        observed_at: instant(row, 22)?,
        priced_at: get::<Option<i64>>(row, 41)?.map(Timestamp::from_epoch_seconds),
        revision: count(row, 26)?,
        raw,
        is_new: false,
        standing,
    })
}

fn standing(row: &Row, session: &Session) -> Result<Standing> {
    let Some(project) = get::<Option<i32>>(row, 31)? else {
        return Ok(Standing::Unattributed(from_json(get(row, 38)?)?));
    };
    let charge = BookedCharge {
        project: session.parsed(project)?,
        unit: session.parsed(get(row, 32)?)?,
        amount: amount(row, 33)?,
        hold: parsed_option::<JobId>(row, 34)?.map(HoldId),
        effective_at: instant(row, 35)?,
        entries: match count_option(row, 36)? {
            Some(first) => (first..).take(usize::try_from(get::<i16>(row, 37)?).map_err(unreadable)?).collect(),
            None => Vec::new(),
        },
    };
    Ok(match get::<Option<i64>>(row, 42)? {
        Some(_) => Standing::Covered(BookedCharge { amount: amount(row, 42)?, ..charge }),
        None => Standing::Charged(charge),
    })
}

fn content(row: &Row, column: usize) -> Result<Content> {
    let bytes: &[u8] = get(row, column)?;
    bytes.try_into().map(Content).map_err(unreadable)
}

fn run_of(row: &Row, session: &Session, key: RunKey) -> Result<Run> {
    let stamp = match (parsed_option(row, 10)?, count_option(row, 11)?) {
        (Some(job), Some(link)) => LinkNumber::new(link).map(|link| Stamp { job, link }),
        _ => None,
    };
    Ok(Run {
        key,
        sluid: get(row, 3)?,
        shown_id: get(row, 4)?,
        user: session.parsed(get(row, 5)?)?,
        account: session.parsed_option(get(row, 6)?)?,
        partition: session.parsed_option(get(row, 7)?)?,
        qos: session.parsed_option(get(row, 8)?)?,
        name: get(row, 9)?,
        work_directory: get::<Option<String>>(row, 40)?.filter(|text| !text.is_empty()),
        stamp,
        state: session.parsed_json(get(row, 12)?)?,
        restarts: count_option(row, 13)?,
        started_at: instant(row, 14)?,
        ended_at: get::<Option<i64>>(row, 15)?.map(Timestamp::from_epoch_seconds),
        elapsed: WallTime::from_seconds(count(row, 16)?),
        time_limit: count_option(row, 17)?.map(WallTime::from_seconds),
        allocated: session.parsed_json(get(row, 18)?)?,
        exit: ExitCode { code: count(row, 19)?, signal: count(row, 20)? },
        evidence: evidence(row, 21)?,
        observed_at: instant(row, 22)?,
        raw: String::new(),
    })
}

fn runs_where(session: &Session, condition: &str, values: Values<'_>) -> Result<Vec<BookedRun>> {
    let rows = session.rows(&format!("SELECT {RUN} FROM runs WHERE {condition}"), values)?;
    rows.iter().map(|row| read_run(row, session)).collect()
}

/// The scheduler's id as PostgreSQL has numbers.
pub(super) fn raw_id(job: SchedulerJobId) -> Result<i64> {
    number(job.raw())
}

pub(super) fn run(session: &Session, key: &RunKey) -> Result<Option<BookedRun>> {
    let Some(place) = session.find(&place(key))? else { return Ok(None) };
    let (job, submitted) = (raw_id(key.scheduler_job)?, key.submitted_at.epoch_seconds());
    let condition = "place = $1 AND job = $2 AND submitted = $3";
    Ok(runs_where(session, condition, &[&place, &job, &submitted])?.pop())
}

pub(super) fn run_with_sluid(
    session: &Session,
    site: &SiteName,
    cluster: &ClusterName,
    sluid: &str,
) -> Result<Option<BookedRun>> {
    let Some(place) = session.find(&place_of(site, cluster))? else { return Ok(None) };
    Ok(runs_where(session, "place = $1 AND sluid = $2", &[&place, &sluid])?.pop())
}

pub(super) fn runs_of_job(session: &Session, job: JobId) -> Result<Vec<BookedRun>> {
    let mut runs = runs_where(session, "stamp_job = $1", &[&job.to_string()])?;
    runs.sort_by(|one, other| one.key.cmp(&other.key));
    Ok(runs)
}

/// The runs with this id of the scheduler at a site that somebody pays for, the latest first.
pub(super) fn charged(session: &Session, site: &SiteName, id: SchedulerJobId) -> Result<Vec<ChargedRun>> {
    let condition = "job = $1 AND place IN (SELECT place FROM usage_places WHERE site = $2)";
    let runs = runs_where(session, condition, &[&raw_id(id)?, &site.as_str()])?;
    let mut found: Vec<ChargedRun> = runs.into_iter().filter_map(BookedRun::charged).collect();
    found.sort_by_key(|charged| std::cmp::Reverse(charged.run.submitted_at));
    Ok(found)
}

/// With their raw rows, which whoever looks at such a run wants to see.
pub(super) fn unattributed_runs(session: &Session) -> Result<Vec<BookedRun>> {
    let mut runs = runs_where(session, "unattributed IS NOT NULL", &[])?;
    runs.sort_by(|one, other| one.key.cmp(&other.key));
    for run in &mut runs {
        if let Some(place) = run.raw {
            Arc::make_mut(&mut run.settled).run.raw = raw_rows::read(session, place)?;
        }
    }
    Ok(runs)
}

/// The runs that openings have, in the order of their keys.
pub(super) fn covered(session: &Session) -> Result<Vec<CoveredRun>> {
    let mut runs = runs_where(session, "covered IS NOT NULL", &[])?;
    runs.sort_by(|one, other| one.key.cmp(&other.key));
    Ok(runs.into_iter().filter_map(BookedRun::covered).collect())
}

pub(super) fn unattributed_count(session: &Session) -> Result<u64> {
    count(&session.one("SELECT count(*) FROM runs WHERE unattributed IS NOT NULL", &[])?, 0)
}

/// The runs of a list at a site behind a key, at most `limit`, in an order that stays.
pub(super) fn page(
    session: &Session,
    listed: Listed,
    site: &SiteName,
    after: Option<&RunKey>,
    limit: u32,
) -> Result<Vec<BookedRun>> {
    let condition = listed.condition();
    let condition = format!(
        "{condition} AND place IN (SELECT number FROM names WHERE text >= $1 || '/' AND text < $1 || '0')
         AND (place, job, submitted) > ($2, $3, $4) ORDER BY place, job, submitted LIMIT $5"
    );
    let (place, job, submitted) = match after {
        None => (0, 0, i64::MIN),
        Some(key) => {
            let place = session.find(&place(key))?.unwrap_or_default();
            (place, raw_id(key.scheduler_job)?, key.submitted_at.epoch_seconds())
        }
    };
    runs_where(session, &condition, &[&site.as_str(), &place, &job, &submitted, &i64::from(limit)])
}

/// The digest of each of these runs, where it is in the books. No run is asked for twice.
pub(super) fn digests(session: &Session, keys: &[&RunKey]) -> Result<Vec<Option<RunDigest>>> {
    let mut found = vec![None; keys.len()];
    let mut by_place = FxHashMap::<(&SiteName, &ClusterName), Wanted>::default();
    for (position, key) in keys.iter().enumerate() {
        let wanted = by_place.entry((&key.site, &key.cluster)).or_default();
        wanted.positions.push(position);
        wanted.jobs.push(raw_id(key.scheduler_job)?);
        wanted.submitted.push(key.submitted_at.epoch_seconds());
    }
    for ((site, cluster), wanted) in by_place {
        let Some(place) = session.find(&place_of(site, cluster))? else { continue };
        let select = "SELECT wanted.position, content, observed_at, priced_at IS NOT NULL, evidence, sluid
            FROM unnest($2::bigint[], $3::bigint[]) WITH ORDINALITY AS wanted (job, submitted, position)
            JOIN runs ON runs.place = $1 AND runs.job = wanted.job AND runs.submitted = wanted.submitted";
        for row in session.rows(select, &[&place, &wanted.jobs, &wanted.submitted])? {
            let place = count::<usize>(&row, 0)?.checked_sub(1).and_then(|place| wanted.positions.get(place));
            let position = *place.ok_or_else(|| unreadable("a run that was not asked for"))?;
            let (content, observed_at) = (content(&row, 1)?, instant(&row, 2)?);
            let (is_priced_apart, evidence, sluid) = (get(&row, 3)?, evidence(&row, 4)?, get(&row, 5)?);
            found[position] = Some(RunDigest { content, observed_at, is_priced_apart, evidence, sluid });
        }
    }
    Ok(found)
}

/// What is asked about the runs of one cluster.
#[derive(Default)]
struct Wanted {
    positions: Vec<usize>,
    jobs: Vec<i64>,
    submitted: Vec<i64>,
}
