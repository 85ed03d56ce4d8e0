//! The scores of an evaluation: what its starts left in their folders, each of the model that it was given.

use crate::{
    directory::JobDirectory,
    error::JobsError,
    reached::reached,
    results::{Found, Page, Told, find, is_name_of_results, page, page_of, subject_of_job},
};
use futures_util::{StreamExt, stream};
use model::Sweep;
use reach::Reach;
use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
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
    /// Whether a start left a score of a task.
    pub(crate) fn has(&self, start: usize, task: &str) -> bool {
        self.tasks.get(&start).is_some_and(|tasks| tasks.contains(task))
    }

    /// Whether a start left a score of anything that is none of these tasks: of members of a group, say.
    pub(crate) fn has_others(&self, start: usize, tasks: &[&str]) -> bool {
        self.tasks.get(&start).is_some_and(|scored| scored.iter().any(|task| !tasks.contains(&task.as_str())))
    }
}

/// Reads the results that lie in the directory of an evaluation, and those that were packed.
pub(crate) async fn scores(files: &dyn Reach, directory: &JobDirectory, sweep: &Sweep) -> Result<Scores, JobsError> {
    let mut scores = Scores::default();
    let root = directory.path().join(FOLDER);
    let is_there = reached(files.list(&root).await, "no results were read")?.is_some();
    let found = if is_there { find(files, &[root], &mut scores.told).await? } else { Found::new() };
    let loose = stream::iter(pages(files, &found)).buffered(AT_ONCE).collect::<Vec<_>>().await;
    for (path, page) in found.keys().zip(loose) {
        scores.take(path.strip_prefix(directory.path()).unwrap_or(path), page, sweep);
    }
    for (name, (modified_at, bytes)) in directory.packed_results().await? {
        let path = directory.path().join(&name);
        let is_result = Path::new(&name).file_name().and_then(|name| name.to_str()).is_some_and(is_name_of_results);
        if is_result && !found.contains_key(&path) {
            scores.take(Path::new(&name), Ok(page_of(&path, &bytes, Some(modified_at))), sweep);
        }
    }
    Ok(scores)
}

/// The reading of each file, not begun.
fn pages<'a>(files: &'a dyn Reach, found: &'a Found) -> Vec<impl Future<Output = Result<Page, Told>> + 'a> {
    let mut pages = Vec::with_capacity(found.len());
    for (path, modified_at) in found {
        pages.push(page(files, path, *modified_at));
    }
    pages
}

impl Scores {
    /// Takes a file, by its path in the job directory. One that is in no start's folder is nobody's.
    fn take(&mut self, path: &Path, page: Result<Page, Told>, sweep: &Sweep) {
        let number = path.components().nth(1).and_then(|part| part.as_os_str().to_str()?.parse::<usize>().ok());
        let place = number.and_then(|number| number.checked_sub(1));
        let start = place.and_then(|place| Some((place, sweep.start_of(place)?)));
        let Some((place, start)) = start else { return };
        let page = page.map(|mut page| {
            // The job file was read with it.
            if let Ok(subject) = subject_of_job(start.model) {
                page.attribute(&subject);
            }
            self.tasks.entry(place).or_default().extend(page.tasks().map(ToString::to_string));
            page
        });
        self.pages.push(page);
    }
}
