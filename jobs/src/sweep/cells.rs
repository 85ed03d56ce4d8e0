//! What became of each cell of a sweep.

use crate::{
    directory::{Attempt, CellRecord, JobDirectory},
    error::JobsError,
};
use model::{LinkNumber, Sweep};
use serde::Serialize;
use std::collections::BTreeMap;

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

/// A cell: what became of it, what was written down of its last start, and the link that works on it; none of one that no link took yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cell {
    /// What became of it.
    pub state: CellState,
    /// What was written down of its last start.
    pub record: Option<CellRecord>,
    /// The link that has it, or had it last.
    pub link: Option<LinkNumber>,
}

/// The cells of a sweep, in their order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cells(pub Vec<Cell>);

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
        for (place, cell) in self.0.iter().enumerate() {
            counts.add(cell.state, sweep.points_of(place));
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
    cells_of(directory, sweep, &directory.attempts_of_links().await?).await
}

/// As [`cells`], of whose links the attempts are known.
pub(crate) async fn cells_of(
    directory: &JobDirectory,
    sweep: &Sweep,
    attempts: &BTreeMap<LinkNumber, Vec<Attempt>>,
) -> Result<Cells, JobsError> {
    let mut records: BTreeMap<usize, (LinkNumber, CellRecord)> = BTreeMap::new();
    for (link, of_link) in directory.cell_records(attempts).await? {
        for (number, record) in of_link {
            // What one link has done stays done.
            let was_done = records.get(&number).is_some_and(|(_, earlier)| earlier.is_done);
            records.insert(number, (link, CellRecord { is_done: record.is_done || was_done, ..record }));
        }
    }
    let cell = |place: usize| {
        let (link, record) = records.remove(&(place + 1)).unzip();
        let planned = sweep.follows.is_none().then(|| sweep.link_of(place));
        Cell { state: state(record.as_ref()), record, link: link.or(planned) }
    };
    Ok(Cells((0..sweep.cells.len()).map(cell).collect()))
}

/// The code of a program that a signal ended, or that was told to end and did: it is begun again.
pub(crate) const fn is_stopped(code: u32) -> bool {
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
