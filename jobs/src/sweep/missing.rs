//! `pakt results JOB --missing`: a job of the cells that are not done.

use super::report::{ReportedCell, cells_to_tell, report};
use crate::{
    directory::Origin,
    error::{Gravity, JobsError},
    house::House,
    job_file::{JobFile, MOST_SWEEP_LINKS, SourceFile},
    results::Told,
    submit::digest_of,
};
use model::{EvaluationStart, JobId, Sweep};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

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
    if let Some(Told { file, what: why, .. }) = report.unread() {
        let why = format!("whether a score is in {file} is not known: {why}");
        return Err(JobsError::new(Gravity::Unreachable, what, why, "see whether you may read it, and try again"));
    }
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
    // What a chain left undone is evaluated as it is now: nothing follows it any more.
    spec.chain = None;
    spec.sweep = cells_to_tell(house, &house.state.job(report.intent.id), &report.intent).await?;
    if let Some(sweep) = &mut spec.sweep {
        let numbers: BTreeSet<usize> = missing.iter().map(|cell| cell.cell).collect();
        sweep.cells = cells_with(sweep, |place| numbers.contains(&(place + 1)));
        if sweep.follows.take().is_some() {
            // Nobody said how many starts a link has: as many as run side by side, or as make no more links than there may be.
            let starts = u32::try_from(sweep.cells.len()).unwrap_or(u32::MAX);
            sweep.pack = sweep.side_by_side.max(starts.div_ceil(MOST_SWEEP_LINKS));
        }
        sweep.continues = Some(report.intent.id);
    }
    let digest = digest_of(house, &spec);
    // Each job learns which of its own cells are another's by now.
    let jobs: BTreeSet<JobId> = missing.iter().map(|cell| cell.job).collect();
    for job in jobs {
        let numbers: BTreeSet<usize> = missing.iter().filter(|cell| cell.job == job).map(|cell| cell.number).collect();
        house.state.job(job).give_away(&digest, &Vec::from_iter(numbers)).await?;
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

/// The cells of a sweep with these of its points alone, by their places: of an evaluation a start has the tasks that are left of it.
fn cells_with(sweep: &Sweep, is_wanted: impl Fn(usize) -> bool) -> Vec<Vec<String>> {
    let mut wanted: BTreeMap<usize, Vec<String>> = BTreeMap::new();
    for (_, point) in sweep.points().enumerate().filter(|(place, _)| is_wanted(*place)) {
        wanted.entry(point.cell).or_default().extend(point.task().map(str::to_owned));
    }
    let cell = |(cell, tasks): (usize, Vec<String>)| match sweep.start_of(cell) {
        Some(start) => Some(EvaluationStart { tasks: tasks.iter().map(String::as_str).collect(), ..start }.values()),
        None => sweep.cells.get(cell).cloned(),
    };
    wanted.into_iter().filter_map(cell).collect()
}

#[cfg(test)]
mod tests {
    use super::cells_with;
    use model::{Evaluation, Harness, Sweep};

    #[test]
    fn a_start_is_begun_again_with_the_tasks_that_are_left_of_it() {
        let cells = [["a", "1", "x,y,z"], ["a", "2", "x,y,z"], ["b", "", "x,y,z"]];
        let sweep = Sweep {
            parameters: ["PAKT_MODEL", "PAKT_STEP", "PAKT_TASKS"].map(|name| name.parse().expect("a name")).into(),
            cells: cells.map(|cell| cell.map(str::to_owned).to_vec()).to_vec(),
            pack: 1,
            side_by_side: 1,
            at_once: None,
            evaluation: Some(Evaluation { harness: Harness::LmEval, serve: None }),
            follows: None,
            continues: None,
        };
        let left: Vec<String> =
            cells_with(&sweep, |place| [1, 2, 6].contains(&place)).iter().map(|cell| cell.join(" ")).collect();
        assert_eq!(left, ["a 1 y,z", "b  x"]);
    }
}
