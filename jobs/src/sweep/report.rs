//! `pakt results JOB`: what became of each cell of a sweep, also of those that a later job took over; and which are missing.

use super::{
    cells::CellState,
    points::{PointState, points},
};
use crate::{
    chain::checkpoints_to_tell,
    directory::{CellRecord, Intent, JobDirectory, Served},
    error::JobsError,
    find::find,
    house::House,
    reached::reached,
    results::{Gathering, Page, Results, Told, ToldKind, Wanted},
    submit::is_over_with_links,
};
use futures_util::{StreamExt, stream};
use model::{JobId, LinkNumber, Sweep};
use serde::{Serialize, Serializer, ser::SerializeMap as _};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
};

/// A job takes over what an earlier one left, at most so many times in a row.
const MOST_GENERATIONS: usize = 100;
/// The records of so many links are read at once.
const AT_ONCE: usize = 64;

/// One cell: a start of the program, or of an evaluation one task of one model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ReportedCell {
    /// Its number, from 1.
    pub cell: usize,
    /// What its values are called, and its values.
    #[serde(serialize_with = "as_map")]
    pub values: Vec<(String, String)>,
    /// What became of it.
    pub state: CellState,
    /// What was written down of its last start.
    pub record: Option<CellRecord>,
    /// The job that works on it, or was the last to.
    pub job: JobId,
    /// The link of that job; none where no link of an evaluation that follows a chain took it yet.
    pub link: Option<LinkNumber>,
    /// The number of its start in that job.
    pub number: usize,
    /// Whether that job may still do it.
    pub is_in_hands: bool,
}

fn as_map<S: Serializer>(values: &[(String, String)], serializer: S) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(Some(values.len()))?;
    for (name, value) in values {
        map.serialize_entry(name, value)?;
    }
    map.end()
}

impl ReportedCell {
    /// Its values in words: `lr=1e-4 seed=2`.
    pub fn title(&self) -> String {
        self.values.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(" ")
    }
}

/// The cells of a sweep.
pub struct SweepReport {
    /// The job; where a later one was asked for, which has missing cells of it, the one that had all of them.
    pub intent: Intent,
    /// The job that was asked for.
    pub asked: JobId,
    /// Its cells, in their order.
    pub cells: Vec<ReportedCell>,
    /// What the model servers of an evaluation were good for, those of later jobs included; none where it has no servers.
    pub served: Option<Served>,
    /// What an evaluation left, that of later jobs included.
    pages: Vec<Result<Page, Told>>,
    told: Vec<Told>,
}

impl SweepReport {
    /// Those that are not done and that nobody works on.
    pub fn missing(&self) -> impl Iterator<Item = &ReportedCell> {
        self.cells.iter().filter(|cell| cell.state != CellState::Done && !cell.is_in_hands)
    }

    /// What could not be read of an evaluation's results, so that a score may be there that is not known.
    pub fn unread(&self) -> Option<&Told> {
        let of_pages = self.pages.iter().filter_map(|page| page.as_ref().err());
        of_pages.chain(&self.told).find(|told| told.kind == ToldKind::Unreachable)
    }

    /// Whether it evaluates.
    pub fn is_evaluation(&self) -> bool {
        self.intent.cells().is_some_and(|sweep| sweep.evaluation.is_some())
    }

    /// The wanted scores of an evaluation, side by side; they are handed out once.
    pub fn take_scores(&mut self, wanted: &Wanted) -> Result<Results, JobsError> {
        let mut gathered = Gathering::default();
        for page in std::mem::take(&mut self.pages) {
            gathered.take(page, wanted)?;
        }
        gathered.tell(std::mem::take(&mut self.told));
        gathered.finish()
    }
}

/// Tells what became of each cell of the job that `text` names.
pub async fn report(house: &House, text: &str) -> Result<SweepReport, JobsError> {
    let (directory, intent, sweep) = sweep_of(house, text, &format!("the cells of `{text}` cannot be told")).await?;
    let asked = intent.id;
    let (directory, intent, sweep) = first_of(house, directory, intent, sweep).await?;
    let mut report =
        SweepReport { intent, asked, cells: Vec::new(), served: None, pages: Vec::new(), told: Vec::new() };
    report.cells = cells_of(house, &directory, &report.intent.clone(), &sweep, &mut report).await?;
    let places: BTreeMap<_, usize> =
        report.cells.iter().enumerate().map(|(place, cell)| (cell.values.clone(), place)).collect();
    // What a later job took over, it tells; of that what a still later one took over.
    let mut later = vec![directory];
    let mut seen = BTreeSet::from([report.intent.id]);
    while let Some(directory) = later.pop() {
        for digest in directory.given_away().await? {
            let Some((_, id)) = house.state.last_of_request(&digest).await? else { continue };
            let directory = house.state.job(id);
            let Some(intent) = directory.intent().await?.filter(|_| seen.len() < MOST_GENERATIONS && seen.insert(id))
            else {
                continue;
            };
            let Some(sweep) = directory.cells_of(&intent).await? else { continue };
            for theirs in cells_of(house, &directory, &intent, &sweep, &mut report).await? {
                let Some(known) = places.get(&theirs.values).and_then(|place| report.cells.get_mut(*place)) else {
                    continue;
                };
                // Ids follow time: a job is younger than those whose cells it took over.
                if known.job < theirs.job && known.state != CellState::Done {
                    *known = ReportedCell { cell: known.cell, ..theirs };
                }
            }
            later.push(directory);
        }
    }
    Ok(report)
}

/// What the servers of all links of one job were good for.
async fn served(directory: &JobDirectory) -> Result<Served, JobsError> {
    let links: Vec<JobDirectory> =
        directory.written_links().await?.into_iter().map(|link| directory.of_link(link)).collect();
    let mut reads = Vec::with_capacity(links.len());
    for link in &links {
        reads.push(link.served());
    }
    let mut read = stream::iter(reads).buffered(AT_ONCE);
    let mut served = Served::default();
    while let Some(of_link) = read.next().await {
        served.and(of_link?);
    }
    Ok(served)
}

/// The cells of one job; what it left is put with the rest.
async fn cells_of(
    house: &House,
    directory: &JobDirectory,
    intent: &Intent,
    sweep: &Sweep,
    report: &mut SweepReport,
) -> Result<Vec<ReportedCell>, JobsError> {
    // What was cancelled may run on for a while. Of another person's job only its files are asked.
    let is_over = if intent.principal.user == house.principal.user {
        directory.ended().await?.is_some() || is_over_with_links(house, directory, intent).await?
    } else {
        directory.ended().await?.is_some() || directory.over().await?.is_some()
    };
    let (points, scores) = points(&*house.files, directory, sweep).await?;
    report.pages.extend(scores.pages);
    report.told.extend(scores.told);
    if sweep.evaluation.as_ref().is_some_and(|evaluation| evaluation.serve.is_some()) {
        report.served.get_or_insert_default().and(served(directory).await?);
    }
    let reported = |(place, PointState { point, state, record, link }): (usize, PointState)| ReportedCell {
        cell: place + 1,
        values: point.values,
        // Nothing of a job that is over runs, whatever its files were left to say.
        state: if is_over && state == CellState::Running { CellState::Stopped } else { state },
        record,
        job: intent.id,
        link,
        number: point.cell + 1,
        is_in_hands: !is_over,
    };
    Ok(points.into_iter().enumerate().map(reported).collect())
}

/// The sweep that `text` names.
async fn sweep_of(house: &House, text: &str, what: &str) -> Result<(JobDirectory, Intent, Sweep), JobsError> {
    let id = find(house, text).await?.intent.id;
    let directory = house.state.job(id);
    let intent = directory.intent().await?;
    let sweep = match &intent {
        Some(intent) => cells_to_tell(house, &directory, intent).await?,
        None => None,
    };
    if let (Some(intent), Some(sweep)) = (intent, sweep) {
        return Ok((directory, intent, sweep));
    }
    let why = format!("job {id} is no sweep: its file has neither `sweep:` nor `evaluate:`");
    Err(JobsError::usage(
        what,
        why,
        "name a folder of results, or a job that has cells (docs/sweeps.md, docs/evaluations.md)",
    ))
}

/// The cells of a job: of an evaluation that follows a chain, once it is over, also those of the checkpoints that none of its links took.
pub(super) async fn cells_to_tell(
    house: &House,
    directory: &JobDirectory,
    intent: &Intent,
) -> Result<Option<Sweep>, JobsError> {
    let sweep = directory.cells_of(intent).await?;
    if intent.follows().is_none() || !directory.is_over_noted().await? {
        return Ok(sweep);
    }
    let all = checkpoints_to_tell(house, directory, intent).await?;
    let paths: Vec<(u64, String)> =
        all.into_iter().map(|it| (it.step, it.path.to_string_lossy().into_owned())).collect();
    Ok(intent.cells().map(|cells| cells.with_checkpoints(paths.iter().map(|(step, path)| (*step, path.as_str())))))
}

/// The job whose cells a sweep continues, and the one that continued, up to the one that had all of them; as far as they are there.
async fn first_of(
    house: &House,
    mut directory: JobDirectory,
    mut intent: Intent,
    mut sweep: Sweep,
) -> Result<(JobDirectory, Intent, Sweep), JobsError> {
    for _ in 0..MOST_GENERATIONS {
        let Some(earlier) = sweep.continues.map(|id| house.state.job(id)) else { break };
        let Some(earlier_intent) = earlier.intent().await? else { break };
        let Some(earlier_sweep) = cells_to_tell(house, &earlier, &earlier_intent).await? else { break };
        (directory, intent, sweep) = (earlier, earlier_intent, earlier_sweep);
    }
    Ok((directory, intent, sweep))
}

/// The log in which what a cell printed stands.
pub(crate) struct CellLog {
    /// Where it lies, or lay.
    pub(crate) path: PathBuf,
    /// Where in it that begins.
    pub(crate) start: u64,
    /// Where it ends; none while it runs.
    pub(crate) end: Option<u64>,
    /// The log, where it was packed with others.
    pub(crate) packed: Option<Vec<u8>>,
}

/// The log of a cell of the sweep that `text` names.
pub(crate) async fn cell_log(house: &House, text: &str, cell: usize) -> Result<CellLog, JobsError> {
    let what = "the log was not read";
    let report = report(house, text).await?;
    let Some(reported) = cell.checked_sub(1).and_then(|place| report.cells.get(place)) else {
        let why = format!("job `{text}` has the cells 1 to {}", report.cells.len());
        return Err(JobsError::usage(what, why, "`pakt results` of the job lists them"));
    };
    let (Some(record), Some(link)) = (&reported.record, reported.link) else {
        let why = format!("cell {cell} ({}) was not begun", reported.title());
        return Err(JobsError::usage(what, why, "`pakt results` of the job says where each stands"));
    };
    let directory = house.state.job(reported.job);
    let intent = directory.intent().await?;
    let sweep = intent.as_ref().and_then(Intent::cells);
    let is_side_by_side = sweep.is_some_and(|sweep| sweep.side_by_side > 1);
    let name = if is_side_by_side { format!("log.{}", reported.number) } else { "log".to_owned() };
    let name = format!("links/{link}/{name}");
    let path = directory.path().join(&name);
    let is_there = reached(house.files.modified_at(&path).await, what)?.is_some();
    let packed = if is_there { None } else { directory.packed_log(&name).await? };
    Ok(CellLog { path, start: record.log_begins_behind_bytes.unwrap_or(0), end: record.log_ends_behind_bytes, packed })
}
