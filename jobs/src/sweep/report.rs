//! `pakt results JOB`: what became of each cell of a sweep, also of those that a later job took over; and which are missing.

use super::cells::{CellState, cells};
use crate::{
    directory::{CellRecord, Intent, JobDirectory, Origin},
    error::{Gravity, JobsError},
    find::find,
    house::House,
    job_file::{JobFile, SourceFile},
    reached::reached,
    submit::{digest_of, is_over_with_links},
};
use model::{JobId, LinkNumber, Sweep};
use serde::Serialize;
use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

/// A job takes over what an earlier one left, at most so many times in a row.
const MOST_GENERATIONS: usize = 100;

/// One cell.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ReportedCell {
    /// Its number in the sweep, from 1.
    pub cell: usize,
    /// Its values: `lr=1e-4 seed=2`.
    pub values: String,
    /// What became of it.
    pub state: CellState,
    /// What was written down of its last start.
    pub record: Option<CellRecord>,
    /// The job that works on it, or was the last to.
    pub job: JobId,
    /// The link of that job.
    pub link: LinkNumber,
    /// Its number in that job.
    pub number: usize,
    /// Whether that job may still do it.
    pub is_in_hands: bool,
}

/// The cells of a sweep.
pub struct SweepReport {
    /// The job.
    pub intent: Intent,
    /// Its cells, in their order.
    pub cells: Vec<ReportedCell>,
}

impl SweepReport {
    /// Those that are not done and that nobody works on.
    pub fn missing(&self) -> impl Iterator<Item = &ReportedCell> {
        self.cells.iter().filter(|cell| cell.state != CellState::Done && !cell.is_in_hands)
    }
}

/// Tells what became of each cell of the job that `text` names.
pub async fn report(house: &House, text: &str) -> Result<SweepReport, JobsError> {
    let (directory, intent, sweep) = sweep_of(house, text, &format!("the cells of `{text}` cannot be told")).await?;
    let mut reported = cells_of(house, &directory, &intent, &sweep).await?;
    // What a later job took over, it tells; of that what a still later one took over.
    let mut later = vec![directory];
    let mut seen = BTreeSet::from([intent.id]);
    while let Some(directory) = later.pop() {
        for digest in directory.given_away().await? {
            let Some((_, id)) = house.state.last_of_request(&digest).await? else { continue };
            let directory = house.state.job(id);
            let Some(intent) = directory.intent().await?.filter(|_| seen.len() < MOST_GENERATIONS && seen.insert(id))
            else {
                continue;
            };
            let Some(sweep) = intent.sweep() else { continue };
            for theirs in cells_of(house, &directory, &intent, sweep).await? {
                // Ids follow time: a job is younger than those whose cells it took over.
                let known = reported.iter_mut().find(|known| known.values == theirs.values && known.job < theirs.job);
                if let Some(known) = known.filter(|known| known.state != CellState::Done) {
                    *known = ReportedCell { cell: known.cell, ..theirs };
                }
            }
            later.push(directory);
        }
    }
    Ok(SweepReport { intent, cells: reported })
}

async fn cells_of(
    house: &House,
    directory: &JobDirectory,
    intent: &Intent,
    sweep: &Sweep,
) -> Result<Vec<ReportedCell>, JobsError> {
    // What was cancelled may run on for a while. Of another person's job only its files are asked.
    let is_over = if intent.principal.user == house.principal.user {
        directory.ended().await?.is_some() || is_over_with_links(house, directory, intent).await?
    } else {
        directory.ended().await?.is_some() || directory.over().await?.is_some()
    };
    let reported = |(place, (state, record)): (usize, (CellState, Option<CellRecord>))| ReportedCell {
        cell: place + 1,
        values: sweep.title(place).unwrap_or_default(),
        // Nothing of a job that is over runs, whatever its files were left to say.
        state: if is_over && state == CellState::Running { CellState::Stopped } else { state },
        record,
        job: intent.id,
        link: sweep.link_of(place),
        number: place + 1,
        is_in_hands: !is_over,
    };
    Ok(cells(directory, sweep).await?.0.into_iter().enumerate().map(reported).collect())
}

/// The cells that are missing, as a job to be submitted, and the later jobs' way back to them.
pub struct Missing {
    /// The job.
    pub file: JobFile,
    /// How many they are.
    pub cells: usize,
}

/// Makes a job of the cells of `text` that are not done and that nobody works on; none where there are none. It is written down who
/// has them from now on, so that nothing of the earlier jobs begins them again.
pub async fn missing(house: &House, text: &str) -> Result<Option<Missing>, JobsError> {
    let what = format!("no cell of `{text}` was submitted again");
    let report = report(house, text).await?;
    let missing: Vec<&ReportedCell> = report.missing().collect();
    if missing.is_empty() {
        return Ok(None);
    }
    if report.intent.principal.user != house.principal.user {
        let why = format!("it is a job of {}", report.intent.principal);
        return Err(JobsError::new(Gravity::Refused, what, why, "its owner submits them again"));
    }
    let Some(Origin::JobFile { path, text, spec }) = report.intent.origin.clone() else {
        return Err(JobsError::new(Gravity::Bug, what, "it was made from no job file", "please report it"));
    };
    let mut spec = *spec;
    let count = missing.len();
    if let Some(sweep) = &mut spec.sweep {
        sweep.cells = missing.iter().filter_map(|cell| sweep.cells.get(cell.cell - 1).cloned()).collect();
    }
    let digest = digest_of(house, &spec);
    // Each job learns which of its own cells are another's by now.
    let jobs: BTreeSet<JobId> = missing.iter().map(|cell| cell.job).collect();
    for job in jobs {
        let numbers: Vec<usize> = missing.iter().filter(|cell| cell.job == job).map(|cell| cell.number).collect();
        house.state.job(job).give_away(&digest, &numbers).await?;
    }
    let path = PathBuf::from(path);
    let directory = path.parent().filter(|folder| folder.is_absolute()).map(Path::to_path_buf);
    let directory = directory.unwrap_or_else(|| PathBuf::from(&spec.workdir));
    let source = SourceFile { path, directory, text, lines_before: 0 };
    let file = JobFile::of_spec(source, spec).map_err(|why| {
        JobsError::new(Gravity::Bug, what, why, "submit a file of those cells alone; `pakt results --json` lists them")
    })?;
    Ok(Some(Missing { file, cells: count }))
}

/// The sweep that `text` names.
async fn sweep_of(house: &House, text: &str, what: &str) -> Result<(JobDirectory, Intent, Sweep), JobsError> {
    let id = find(house, text).await?.intent.id;
    let directory = house.state.job(id);
    let intent = directory.intent().await?;
    let sweep = intent.as_ref().and_then(|intent| intent.sweep().cloned());
    if let (Some(intent), Some(sweep)) = (intent, sweep) {
        return Ok((directory, intent, sweep));
    }
    let why = format!("job {id} is no sweep: its file has no `sweep:`");
    Err(JobsError::usage(what, why, "name a folder of results, or a job that has cells (docs/sweeps.md)"))
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
    let Some(record) = &reported.record else {
        let why = format!("cell {cell} ({}) was not begun", reported.values);
        return Err(JobsError::usage(what, why, "`pakt results` of the job says where each stands"));
    };
    let directory = house.state.job(reported.job);
    let intent = directory.intent().await?;
    let sweep = intent.as_ref().and_then(Intent::sweep);
    let is_side_by_side = sweep.is_some_and(|sweep| sweep.side_by_side > 1);
    let name = if is_side_by_side { format!("log.{}", reported.number) } else { "log".to_owned() };
    let name = format!("links/{}/{name}", reported.link);
    let path = directory.path().join(&name);
    let is_there = reached(house.files.modified_at(&path).await, what)?.is_some();
    let packed = if is_there { None } else { directory.packed_log(&name).await? };
    Ok(CellLog { path, start: record.log_begins_behind_bytes.unwrap_or(0), end: record.log_ends_behind_bytes, packed })
}
