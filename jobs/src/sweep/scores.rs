//! The scores of an evaluation: what its starts left in their folders, each of the model that it was given.

use crate::{
    directory::JobDirectory,
    error::JobsError,
    reached::reached,
    results::{Found, Page, Told, ToldKind, find, is_name_of_results, page, page_of, subject_of_job},
};
use futures_util::{StreamExt, stream};
use model::{Harness, Subject, Sweep};
use reach::{EntryKind, Reach};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

/// So many files are read at once.
const AT_ONCE: usize = 16;
/// The folder of a job directory in which each start has one.
const FOLDER: &str = "results";

/// What the starts of one job left.
#[derive(Default)]
pub(crate) struct Scores {
    /// The files, each of which was read or not.
    pub(crate) pages: Vec<Result<Page, Told>>,
    /// What is to be told of folders.
    pub(crate) told: Vec<Told>,
    /// The tasks that have a score, by the places of the starts.
    tasks: BTreeMap<usize, BTreeSet<String>>,
}

impl Scores {
    /// Whether every file that is there was read: otherwise a score may be there that is not known.
    pub(crate) fn are_whole(&self) -> bool {
        let of_pages = self.pages.iter().filter_map(|page| page.as_ref().err());
        !of_pages.chain(&self.told).any(|told| told.kind == ToldKind::Unreachable)
    }

    /// Whether a start left a score of a task.
    pub(crate) fn has(&self, start: usize, task: &str) -> bool {
        self.tasks.get(&start).is_some_and(|tasks| tasks.contains(task))
    }

    /// Whether a start left a score of anything that is none of these tasks: of members of a group, say.
    pub(crate) fn has_others(&self, start: usize, tasks: &[&str]) -> bool {
        self.tasks.get(&start).is_some_and(|scored| scored.iter().any(|task| !tasks.contains(&task.as_str())))
    }
}

/// Reads the results that lie in the directory of an evaluation, and those that were packed. What cannot be read of one start is told, and hides
/// no other.
pub(crate) async fn scores(files: &dyn Reach, directory: &JobDirectory, sweep: &Sweep) -> Result<Scores, JobsError> {
    let mut scores = Scores::default();
    let found = found(files, directory, sweep, &mut scores).await?;
    let mut pages = Vec::with_capacity(found.len());
    for (path, modified_at) in &found {
        pages.push(page(files, path, *modified_at));
    }
    let pages = stream::iter(pages).buffered(AT_ONCE).collect::<Vec<_>>().await;
    let mut pages: BTreeMap<PathBuf, Result<Page, Told>> = found.into_keys().zip(pages).collect();
    let is_result = |name: &str| is_name_of_results(name.rsplit('/').next().unwrap_or_default());
    for (name, (modified_at, bytes)) in directory.packed_results(is_result).await? {
        let path = directory.path().join(&name);
        // What lies there is later; what somebody packs meanwhile is removed only behind its archive.
        if !pages.get(&path).is_some_and(Result::is_ok) {
            let page = page_of(&path, &bytes, Some(modified_at));
            pages.insert(path, Ok(page));
        }
    }
    for (path, page) in pages {
        scores.take(path.strip_prefix(directory.path()).unwrap_or(&path), page, sweep);
    }
    Ok(scores)
}

/// The files of results of all starts, as far as they can be found.
async fn found(
    files: &dyn Reach,
    directory: &JobDirectory,
    sweep: &Sweep,
    scores: &mut Scores,
) -> Result<Found, JobsError> {
    let root = directory.path().join(FOLDER);
    let listed = reached(files.list(&root).await, "no results were read")?.unwrap_or_default();
    let mut found = Found::new();
    for entry in listed.iter().filter(|entry| entry.kind == EntryKind::Directory) {
        let is_start = entry.name.parse::<usize>().is_ok_and(|number| (1..=sweep.cells.len()).contains(&number));
        let folder = root.join(&entry.name);
        if !is_start {
            continue;
        }
        match find(files, std::slice::from_ref(&folder), &mut scores.told).await {
            Ok(of_start) => found.extend(of_start),
            Err(error) => {
                let (file, what) = (folder.display().to_string(), error.why);
                scores.told.push(Told { file, line: None, kind: ToldKind::Unreachable, what });
            }
        }
    }
    Ok(found)
}

/// A subject at the step that its job tells, where its own name tells none: of a path that ends with that number it is what holds it.
fn with_step(subject: Subject, step: Option<u64>) -> Subject {
    let Some(step) = step.filter(|_| subject.step.is_none()) else { return subject };
    let text = subject.model.to_string();
    let holder = text.rsplit_once('/').filter(|(_, name)| is_numbered(name, step)).map(|(holder, _)| holder);
    let model = holder.and_then(|holder| holder.parse().ok()).unwrap_or(subject.model);
    Subject { model, step: Some(step) }
}

/// Whether a name is that number alone, whatever stands behind a dot.
fn is_numbered(name: &str, step: u64) -> bool {
    name.split('.').next().and_then(|number| number.parse::<u64>().ok()) == Some(step)
}

impl Scores {
    /// Takes a file, by its path in the job directory. One that is in no start's folder is nobody's.
    fn take(&mut self, path: &Path, page: Result<Page, Told>, sweep: &Sweep) {
        let number = path.components().nth(1).and_then(|part| part.as_os_str().to_str()?.parse::<usize>().ok());
        let place = number.and_then(|number| number.checked_sub(1));
        let start = place.and_then(|place| Some((place, sweep.start_of(place)?)));
        let Some((place, start)) = start else { return };
        let has_arguments = sweep.evaluation.as_ref().is_some_and(|evaluation| evaluation.harness == Harness::LmEval);
        let page = page.map(|mut page| {
            // The job file was read with it.
            if let Ok(subject) = subject_of_job(start.model, has_arguments) {
                page.attribute(&with_step(subject, start.step));
            }
            self.tasks.entry(place).or_default().extend(page.tasks().map(ToString::to_string));
            page
        });
        self.pages.push(page);
    }
}

#[cfg(test)]
mod tests {
    use super::with_step;
    use crate::results::subject_of_job;

    #[test]
    fn a_step_that_only_the_job_tells_is_that_of_its_scores() {
        for (path, step, wanted) in [
            ("/r/7b/checkpoint-100", Some(100), "/r/7b 100"),
            ("/r/7b/50", Some(50), "/r/7b 50"),
            ("/r/7b/0050.pt", Some(50), "/r/7b 50"),
            ("/r/7b/51", Some(50), "/r/7b/51 50"),
            ("/r/7b/last.pt", Some(200), "/r/7b/last.pt 200"),
            ("/r/7b/last.pt", None, "/r/7b/last.pt -"),
            ("50", Some(50), "50 50"),
        ] {
            let subject = with_step(subject_of_job(path, false).expect("a name"), step);
            let told = subject.step.map_or_else(|| "-".to_owned(), |step| step.to_string());
            assert_eq!(format!("{} {told}", subject.model), wanted, "{path}");
        }
    }
}
