//! Which jobs of a call become tasks of arrays: those that are alike in all that the scheduler sees. Name, log and the work
//! itself may differ, because each task goes on with its own job's script.

use super::Sheet;
use crate::{directory::SetTask, error::JobsError, house::House, reached::scheduled};
use model::Placement;
use std::collections::BTreeMap;

/// Of fewer jobs each is sent by itself.
const FEWEST: usize = 5;

/// What a person wishes of arrays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrays {
    /// None: each job is sent by itself.
    None,
    /// Where jobs are alike.
    Wanted {
        /// The most tasks of each that run at once.
        at_once: Option<u32>,
    },
}

/// What the scheduler sees of a job but for its name and its log: jobs of which this is equal are alike. None for one that
/// cannot be a task.
pub(super) fn alike(house: &House, placement: &Placement, sheet: &Sheet) -> Option<String> {
    // Where a task's own words would mean the array, or another file than the job's log is to be written.
    let is_own = |word: &String| word.contains('%') || word.starts_with("--er") || has_letter(word, 'e');
    let is_possible = house.dialect == templates::Dialect::Slurm
        && !sheet.options.iter().any(is_own)
        && log_of_task(&sheet.output, "", "").is_some();
    let seen = is_possible.then(|| serde_json::to_string(&(&placement.directives, &sheet.options)));
    seen.and_then(Result::ok)
}

/// Whether a word is one of short options, this one among them.
fn has_letter(word: &str, letter: char) -> bool {
    word.strip_prefix('-').is_some_and(|letters| !letters.starts_with('-') && letters.contains(letter))
}

/// Where the log of a task goes, Slurm's patterns filled in but for `%j`, which the task fills in. None where it has others
/// (sbatch(1), "filename pattern").
pub(super) fn log_of_task(pattern: &str, name: &str, user: &str) -> Option<String> {
    let mut parts = pattern.split('%');
    let mut log = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let mut letters = part.chars();
        log.push_str(match letters.next()? {
            // Of a job that is a task both are the id that it goes by.
            'j' | 'A' => "%j",
            'x' => name,
            'u' => user,
            _ => return None,
        });
        log.push_str(letters.as_str());
    }
    Some(log)
}

/// Gives the new ones of these jobs that are alike ids side by side, in chunks of what the site's largest array takes; the
/// scheduler is asked for that where any are.
pub(super) async fn plan(house: &House, alike: &[Option<&str>]) -> Result<Vec<Option<SetTask>>, JobsError> {
    let mut groups: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (place, key) in alike.iter().enumerate() {
        groups.entry(key.unwrap_or_default()).or_default().extend(key.map(|_| place));
    }
    groups.retain(|_, places| places.len() >= FEWEST);
    let mut tasks = vec![None; alike.len()];
    if groups.is_empty() {
        return Ok(tasks);
    }
    let largest = scheduled(house.scheduler.largest_array().await, "nothing was submitted")?;
    let Some(largest) = largest.and_then(|largest| usize::try_from(largest).ok()).filter(|largest| *largest > 0) else {
        return Ok(tasks);
    };
    for chunk in groups.values().flat_map(|places| places.chunks(largest)).filter(|chunk| chunk.len() >= FEWEST) {
        let array = house.new_id();
        for (place, index) in chunk.iter().zip(0..) {
            tasks[*place] = Some(SetTask { array, index });
        }
    }
    Ok(tasks)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_of_a_log_that_are_known_of_a_task_are_filled_in() {
        for (pattern, log) in [
            ("/jobs/a/log", Some("/jobs/a/log")),
            ("logs/%x-%j.out", Some("logs/lr-1-%j.out")),
            ("%u/%A", Some("ada/%j")),
            ("%a.out", None),
            ("100%", None),
            ("100%%", None),
            ("%4j", None),
        ] {
            assert_eq!(log_of_task(pattern, "lr-1", "ada").as_deref(), log, "{pattern}");
        }
    }

    #[test]
    fn short_options_are_looked_through() {
        for (word, is_there) in [("-e", true), ("-He", true), ("--hold", false), ("--exclusive", false), ("-H", false)]
        {
            assert_eq!(has_letter(word, 'e'), is_there, "{word}");
        }
    }
}
