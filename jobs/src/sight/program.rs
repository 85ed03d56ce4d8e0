//! The script that a job runs: whether it is in the working directory. Only where it is plain which file is meant.

use super::places::{nearest, on_disk};
use crate::house::House;
use model::{Finding, JobSpec, Launch, RunLine};
use std::path::Path;

/// Programs whose first word is the file that they run.
const INTERPRETERS: [&str; 5] = ["bash", "python", "python3", "sh", "torchrun"];

/// A doubt where the script is not there although its directory is.
pub(super) async fn missing(house: &House, home: Option<&str>, spec: &JobSpec) -> Option<Finding> {
    // The folder in the code that a job brings is on this machine, and its site may be another one.
    let script = script(spec).filter(|_| !spec.code.is_frozen)?;
    let workdir = on_disk(home, &spec.workdir)?;
    // A container brings files of its own, anywhere but in the working directory.
    if Path::new(&script).is_absolute() && spec.environment.container.is_some() {
        return None;
    }
    if nearest(house, &workdir).await? != workdir {
        return None;
    }
    let path = workdir.join(&script);
    if nearest(house, &path).await? == path {
        return None;
    }
    let what = format!("`{script}` is not there; the job starts in `{}`", workdir.display());
    Some(Finding::warning("run", what, "put it there, or say with `workdir` where it is"))
}

/// The file that is run, as written; none where a shell would have to tell.
fn script(spec: &JobSpec) -> Option<String> {
    let words: Vec<&str> = match &spec.run {
        RunLine::Words(words) => words.iter().map(String::as_str).collect(),
        RunLine::Shell(text) if text.contains(is_of_the_shell) => return None,
        RunLine::Shell(text) => text.split_whitespace().collect(),
    };
    let first = *words.first()?;
    let script = match (spec.launch, INTERPRETERS.contains(&first)) {
        (Launch::Torchrun, _) => first,
        (_, true) => words.get(1)?,
        (_, false) if first.contains('/') => first,
        (_, false) => return None,
    };
    (!script.is_empty() && !script.starts_with('-')).then(|| script.to_owned())
}

/// What bash does not take literally outside of quotes, and the ends of lines.
fn is_of_the_shell(letter: char) -> bool {
    "\n\r$`\"'\\|&;<>()[]{}*?~#=!".contains(letter)
}
