//! What became of each cell of a sweep.

use crate::{
    directory::{CellRecord, JobDirectory},
    error::JobsError,
};
use futures_util::{StreamExt, stream};
use model::{LinkNumber, Sweep};
use serde::Serialize;

/// The records of so many links are read at once.
const AT_ONCE: usize = 64;

/// What became of a cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum CellState {
    /// Its program ended with 0, and was not told to end.
    Done,
    /// It ended with 0, and left no score: of an evaluation that is what counts.
    Unscored,
    /// Its program ended with another code.
    Failed,
    /// Its program runs, as far as its files tell.
    Running,
    /// It was begun and ended with its job, or was told to end: another start would begin it again.
    Stopped,
    /// It was not begun.
    Waiting,
}

/// The cells of a sweep, in their order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cells(pub Vec<(CellState, Option<CellRecord>)>);

/// How many cells there are of each state; of an evaluation each start counts as its tasks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct CellCounts {
    /// All.
    pub all: usize,
    /// Those that are done.
    pub done: usize,
    /// Those that left no score, where that is what counts.
    pub unscored: usize,
    /// Those whose program failed.
    pub failed: usize,
    /// Those that run.
    pub running: usize,
    /// Those that ended with their job.
    pub stopped: usize,
    /// Those that were not begun.
    pub waiting: usize,
}

impl Cells {
    /// How many there are of each state, as far as the records of the starts tell.
    pub fn counts(&self, sweep: &Sweep) -> CellCounts {
        let mut counts = CellCounts::default();
        for (place, (state, _)) in self.0.iter().enumerate() {
            counts.add(*state, sweep.points_of(place));
        }
        counts
    }
}

impl CellCounts {
    /// Counts so many of a state.
    pub fn add(&mut self, state: CellState, count: usize) {
        self.all += count;
        *match state {
            CellState::Done => &mut self.done,
            CellState::Unscored => &mut self.unscored,
            CellState::Failed => &mut self.failed,
            CellState::Running => &mut self.running,
            CellState::Stopped => &mut self.stopped,
            CellState::Waiting => &mut self.waiting,
        } += count;
    }
}

/// Reads what the links of a sweep wrote down of its cells: nobody is asked.
pub async fn cells(directory: &JobDirectory, sweep: &Sweep) -> Result<Cells, JobsError> {
    let links: Vec<LinkNumber> = (1..=sweep.links().get()).filter_map(LinkNumber::new).collect();
    let mut reads = Vec::with_capacity(links.len());
    for link in &links {
        let link = directory.of_link(*link);
        reads.push(async move { link.cell_records().await });
    }
    let read: Vec<Result<_, JobsError>> = stream::iter(reads).buffered(AT_ONCE).collect().await;
    let mut cells = Vec::with_capacity(sweep.cells.len());
    for (link, records) in links.into_iter().zip(read) {
        let records = records?;
        cells.extend(sweep.cells_of(link).map(|place| {
            let record = records.get(&(place + 1)).cloned();
            (state(record.as_ref()), record)
        }));
    }
    Ok(Cells(cells))
}

/// The code of a program that a signal ended, or that was told to end and did: it is begun again.
const fn is_stopped(code: u32) -> bool {
    code == 143 || code == 130
}

const fn state(record: Option<&CellRecord>) -> CellState {
    match record {
        None => CellState::Waiting,
        Some(record) if record.is_done => CellState::Done,
        Some(CellRecord { exit_code: Some(code), .. }) if is_stopped(*code) => CellState::Stopped,
        Some(CellRecord { exit_code: Some(_), .. }) => CellState::Failed,
        Some(record) if record.may_run => CellState::Running,
        Some(_) => CellState::Stopped,
    }
}
