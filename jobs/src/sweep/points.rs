//! What became of each point of a sweep: of a cell, or of an evaluation of one task of one model, where a score is what counts.

use super::{
    cells::{Cell, CellCounts, CellState, cells},
    scores::{Scores, scores},
};
use crate::{
    directory::{CellRecord, JobDirectory},
    error::{Gravity, JobsError},
};
use model::{Evaluation, Harness, LinkNumber, Point, Sweep};
use reach::Reach;

/// A point, what became of it, what was written down of the last start that it belongs to, and whose link that is.
pub(crate) struct PointState {
    pub(crate) point: Point,
    pub(crate) state: CellState,
    pub(crate) record: Option<CellRecord>,
    pub(crate) link: Option<LinkNumber>,
}

/// All points of a sweep, and the scores that are there of an evaluation.
pub(crate) async fn points(
    files: &dyn Reach,
    directory: &JobDirectory,
    sweep: &Sweep,
) -> Result<(Vec<PointState>, Scores), JobsError> {
    let cells = cells(directory, sweep).await?.0;
    let scores = if sweep.evaluation.is_some() { scores(files, directory, sweep).await? } else { Scores::default() };
    let state_of = |point: Point| {
        let none = Cell { state: CellState::Waiting, record: None, link: None };
        let Cell { state, record, link } = cells.get(point.cell).cloned().unwrap_or(none);
        PointState { state: state_with(&scores, sweep, &point, state), point, record, link }
    };
    Ok((sweep.points().map(state_of).collect(), scores))
}

/// How many points there are of each state; as far as the records of the starts tell, where not all scores can be read.
pub(crate) async fn point_counts(
    files: &dyn Reach,
    directory: &JobDirectory,
    sweep: &Sweep,
) -> Result<CellCounts, JobsError> {
    match points(files, directory, sweep).await {
        Ok((points, scores)) if scores.are_whole() => {
            let mut counts = CellCounts::default();
            for PointState { state, .. } in points {
                counts.add(state, 1);
            }
            Ok(counts)
        }
        Err(error) if error.gravity == Gravity::Bug => Err(error),
        Ok(_) | Err(_) => Ok(cells(directory, sweep).await?.counts(sweep)),
    }
}

/// The state of a point of which the record of its start says this one.
fn state_with(scores: &Scores, sweep: &Sweep, point: &Point, state: CellState) -> CellState {
    let (Some(Evaluation { harness, .. }), Some(task)) = (&sweep.evaluation, point.task()) else { return state };
    let tasks = sweep.start_of(point.cell).map(|start| start.tasks).unwrap_or_default();
    // A tag or a pattern of the harness has no score of its own, and the harness ends with 0 only where it has done all.
    let is_of_members = || *harness == Harness::LmEval && scores.has_others(point.cell, &tasks);
    match state {
        _ if scores.has(point.cell, task) => CellState::Done,
        CellState::Done if is_of_members() => CellState::Done,
        CellState::Done => CellState::Unscored,
        other => other,
    }
}
