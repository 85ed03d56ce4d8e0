//! Tasks of arrays of ours: which job each is, and each by itself where Slurm shows many in one row.

use crate::{
    JobSighting,
    slurm::values::{self, Mark},
};
use model::{ArrayStamp, Stamp};

/// No array of ours has as many tasks as this: a call takes fewer files.
const MOST_TASKS: usize = 100_000;

/// The tasks that a shown id stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Tasks {
    /// It is of no array.
    None,
    /// This one.
    One(u32),
    /// Those of a row that stands for all that were not split off: `4711_[5-9,12%4]`.
    Listed(Vec<u32>),
    /// A list that was cut, as Slurm does with long ones, or cannot be read.
    Unclear,
}

impl Tasks {
    /// Of `4711_3`, of `4711_[5-9,12%4]`, or of no array.
    pub(super) fn of(shown_id: &str) -> Self {
        let Some((_, task)) = shown_id.split_once('_') else { return Self::None };
        match task.strip_prefix('[') {
            Some(list) => listed(list).map_or(Self::Unclear, Self::Listed),
            None => task.parse().map_or(Self::Unclear, Self::One),
        }
    }
}

fn listed(text: &str) -> Option<Vec<u32>> {
    let list = text.strip_suffix(']')?.split('%').next()?;
    let mut tasks = Vec::new();
    for part in list.split(',') {
        let (range, step) = part.split_once(':').unwrap_or((part, "1"));
        let (from, to) = range.split_once('-').unwrap_or((range, range));
        let (from, to, step): (u32, u32, usize) = (from.parse().ok()?, to.parse().ok()?, step.parse().ok()?);
        let fits = step > 0 && (to.checked_sub(from)? as usize / step) < MOST_TASKS - tasks.len().min(MOST_TASKS - 1);
        if !fits {
            return None;
        }
        tasks.extend((from..=to).step_by(step));
    }
    Some(tasks)
}

/// The stamp of the one job that a row is about. A row of several tasks of an array of ours has none of its own, and is an
/// error where it does not say of which.
///
/// What is left of an array after all of its tasks were taken out of it while they waited is shown as if it had been none
/// (seen on 22.05): it is about no job.
pub(super) fn stamp_of(mark: Option<Mark>, shown_id: &str, never_started: bool) -> Result<Option<Stamp>, String> {
    match mark {
        None => Ok(None),
        Some(Mark::Job(stamp)) => Ok(Some(stamp)),
        Some(Mark::Array(array)) => match Tasks::of(shown_id) {
            Tasks::One(task) => Ok(Some(array.task(task))),
            Tasks::Listed(_) => Ok(None),
            Tasks::None if never_started => Ok(None),
            Tasks::None | Tasks::Unclear => Err(format!("tasks: `{shown_id}` does not say which tasks of {array}")),
        },
    }
}

/// A row as it is, or, of an array of ours, each of the tasks that it stands for.
pub(super) fn each(row: JobSighting, array: Option<ArrayStamp>) -> Vec<JobSighting> {
    let (Some(array), Tasks::Listed(tasks)) = (array, Tasks::of(&row.shown_id)) else { return vec![row] };
    let of = |task: u32| JobSighting {
        shown_id: row.leader.with_task(task).to_string(),
        tasks: 1,
        stamp: Some(array.task(task)),
        ..row.clone()
    };
    tasks.into_iter().map(of).collect()
}

/// The ids of all that a row of states alone stands for, as people see them; the row's own where it is no list, or so long a
/// one that nobody looks at its tasks.
pub(super) fn each_shown(shown_id: &str) -> Vec<String> {
    match (shown_id.split_once('_'), Tasks::of(shown_id)) {
        (Some((array, _)), Tasks::Listed(tasks)) => tasks.iter().map(|task| format!("{array}_{task}")).collect(),
        _ => vec![shown_id.split('%').next().unwrap_or_default().trim_end_matches(']').to_owned()],
    }
}

/// The array that a mark is of.
pub(super) const fn array_of(mark: Option<Mark>) -> Option<ArrayStamp> {
    match mark {
        Some(Mark::Array(array)) => Some(array),
        _ => None,
    }
}

/// The stamp of a row that cannot be read, as far as it can be told.
pub(super) fn stamp_of_unread(comment: &str, submit_line: &str, name: &str, shown_id: &str) -> Option<Stamp> {
    stamp_of(values::mark(comment, submit_line, name), shown_id, false).ok().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::{JobId, Timestamp};
    use proptest::prelude::*;

    #[test]
    fn a_shown_id_says_which_tasks_it_stands_for() {
        for (shown_id, tasks) in [
            ("4711", Tasks::None),
            ("4711+0", Tasks::None),
            ("4711_3", Tasks::One(3)),
            ("4711_[3]", Tasks::Listed(vec![3])),
            ("4711_[5-7,9%4]", Tasks::Listed(vec![5, 6, 7, 9])),
            ("4711_[0-12:4]", Tasks::Listed(vec![0, 4, 8, 12])),
            // As long lists are cut (squeue(1), SLURM_BITSTR_LEN).
            ("4711_[1,3,5,7,9,...]", Tasks::Unclear),
            ("4711_[1,3,5,7,...", Tasks::Unclear),
            ("4711_[]", Tasks::Unclear),
            ("4711_[7-5]", Tasks::Unclear),
            ("4711_[0-4000000]", Tasks::Unclear),
            ("4711_*", Tasks::Unclear),
        ] {
            assert_eq!(Tasks::of(shown_id), tasks, "{shown_id}");
        }
    }

    #[test]
    fn a_row_of_an_array_of_ours_that_does_not_say_its_tasks_cannot_be_read() {
        let array = ArrayStamp::of(JobId::from_parts(Timestamp::from_epoch_seconds(1_793_000_000), 42));
        let mark = Some(Mark::Array(array));
        assert_eq!(stamp_of(mark, "4711_3", false), Ok(Some(array.task(3))));
        assert_eq!(stamp_of(mark, "4711_[3-5]", false), Ok(None));
        assert!(stamp_of(mark, "4711_[3,5,...]", true).is_err() && stamp_of(mark, "4711", false).is_err());
        assert_eq!(stamp_of(mark, "4711", true), Ok(None));
        assert_eq!(stamp_of(Some(Mark::Job(array.first)), "4711_[3,...]", false), Ok(Some(array.first)));
    }

    #[test]
    fn states_alone_are_told_task_by_task() {
        assert_eq!(each_shown("10_[5-7%4]"), ["10_5", "10_6", "10_7"]);
        for (id, other, is_same) in [
            ("10", "10", true),
            ("10_[5-9%4]", "10_[5-9]", true),
            ("10_[5-9]", "10_[6-9]", false),
            ("10+1", "10+0", false),
        ] {
            assert_eq!(each_shown(id) == each_shown(other), is_same, "{id} {other}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_answered_without_panic(text in "[0-9]{0,4}_?\\[?[0-9,%:.-]{0,30}\\]?|.{0,30}") {
            drop((Tasks::of(&text), each_shown(&text)));
        }
    }
}
