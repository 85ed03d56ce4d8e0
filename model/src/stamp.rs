//! The stamp: our job id and link, written on the scheduler's job so that it is found again whatever was lost. An array of
//! ours has a stamp of its own, which says of each of its tasks which job it is.

use crate::{JobId, JobName, LinkNumber};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// Our mark on a scheduler job. As text `pakt-<job id>-<link>`: safe in a comment, a job name, a path and a shell word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Stamp {
    /// Which job.
    pub job: JobId,
    /// Which link of its chain.
    pub link: LinkNumber,
}

/// Why a text is no stamp.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a stamp such as `pakt-01kb2v6m3ynf0q5w8r7d4c9xzt-1`")]
pub struct StampError(pub String);

const ID_LENGTH: usize = 26;

impl Stamp {
    /// How every stamp begins.
    pub const PREFIX: &'static str = "pakt-";

    /// The job name that carries the stamp, for sites that keep no comments: `train-7b.pakt-…-1`.
    pub fn job_name(&self, name: &JobName) -> String {
        format!("{name}.{self}")
    }

    /// The first stamp anywhere in a text: a comment, a submit line or a job name.
    pub fn find_in(text: &str) -> Option<Self> {
        text.match_indices(Self::PREFIX).find_map(|(at, _)| Self::read_at(text, at))
    }

    fn read_at(text: &str, at: usize) -> Option<Self> {
        Self::read_behind(text, at, Self::PREFIX)
    }

    fn read_behind(text: &str, at: usize, prefix: &str) -> Option<Self> {
        let starts_a_word = text[..at].chars().next_back().is_none_or(|before| !before.is_ascii_alphanumeric());
        let rest = &text[at + prefix.len()..];
        let job = rest.get(..ID_LENGTH)?.parse().ok()?;
        let tail = rest[ID_LENGTH..].strip_prefix('-')?;
        let digits = tail.bytes().take_while(u8::is_ascii_digit).count();
        let ends_a_word = tail[digits..].chars().next().is_none_or(|after| !after.is_ascii_alphanumeric());
        let link = LinkNumber::new(tail[..digits].parse().ok()?)?;
        (starts_a_word && ends_a_word).then_some(Self { job, link })
    }
}

impl FromStr for Stamp {
    type Err = StampError;

    fn from_str(text: &str) -> Result<Self, StampError> {
        Self::find_in(text)
            .filter(|stamp| stamp.to_string().eq_ignore_ascii_case(text))
            .ok_or_else(|| StampError(text.to_owned()))
    }
}

impl TryFrom<String> for Stamp {
    type Error = StampError;

    fn try_from(text: String) -> Result<Self, StampError> {
        text.parse()
    }
}

impl From<Stamp> for String {
    fn from(stamp: Stamp) -> Self {
        stamp.to_string()
    }
}

impl fmt::Display for Stamp {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}{}-{}", Self::PREFIX, self.job, self.link)
    }
}

/// What the tasks of an array are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TasksAre {
    /// Jobs, each with the id that many places behind that of the first.
    Jobs,
    /// Links of one job, each with the number that many places behind that of the first.
    Links,
}

/// Our mark on an array: `pakt-array-<job id>-<link>` where its tasks are jobs, `pakt-links-<job id>-<link>` where they are links
/// of one, with what task 0 is, or would be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ArrayStamp {
    /// The stamp of task 0.
    pub first: Stamp,
    /// What the tasks are.
    pub tasks_are: TasksAre,
}

impl ArrayStamp {
    /// How the stamps of arrays begin; to whoever looks for a job's they are none.
    const PREFIXES: [(&'static str, TasksAre); 2] = [("pakt-array-", TasksAre::Jobs), ("pakt-links-", TasksAre::Links)];

    /// The array of jobs whose task 0 is this one, or would be.
    pub const fn of(first: JobId) -> Self {
        Self { first: Stamp { job: first, link: LinkNumber::FIRST }, tasks_are: TasksAre::Jobs }
    }

    /// The array of links of a job whose task 0 is this one, or would be.
    pub const fn of_links(first: Stamp) -> Self {
        Self { first, tasks_are: TasksAre::Links }
    }

    /// The stamp of what this task is.
    pub fn task(self, index: u32) -> Stamp {
        let Stamp { job, link } = self.first;
        match self.tasks_are {
            TasksAre::Jobs => Stamp { job: job.nth(index), link },
            TasksAre::Links => Stamp { job, link: LinkNumber::new(link.get().saturating_add(index)).unwrap_or(link) },
        }
    }

    /// Which task that is, or would be.
    pub fn index_of(self, task: Stamp) -> Option<u32> {
        let Stamp { job, link } = self.first;
        match self.tasks_are {
            TasksAre::Jobs => task.job.places_behind(job).filter(|_| task.link == link),
            TasksAre::Links => task.link.get().checked_sub(link.get()).filter(|_| task.job == job),
        }
    }

    /// The first stamp of an array anywhere in a text.
    pub fn find_in(text: &str) -> Option<Self> {
        let of = |(prefix, tasks_are): (&str, TasksAre)| {
            let mut found = text.match_indices(prefix);
            found.find_map(|(at, _)| Some((at, Self { first: Stamp::read_behind(text, at, prefix)?, tasks_are })))
        };
        Self::PREFIXES.into_iter().filter_map(of).min_by_key(|(at, _)| *at).map(|(_, stamp)| stamp)
    }
}

impl fmt::Display for ArrayStamp {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = match self.tasks_are {
            TasksAre::Jobs => "array-",
            TasksAre::Links => "links-",
        };
        write!(formatter, "{}{word}{}-{}", Stamp::PREFIX, self.first.job, self.first.link)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Timestamp;
    use proptest::prelude::*;

    fn stamp() -> Stamp {
        let job = JobId::from_parts(Timestamp::from_epoch_seconds(1_793_000_000), 42);
        Stamp { job, link: LinkNumber::new(12).expect("not zero") }
    }

    #[test]
    fn a_stamp_is_found_in_what_sites_keep() {
        let stamp = stamp();
        let name: JobName = "train-7b".parse().expect("a name");
        for text in [
            stamp.to_string(),
            stamp.job_name(&name),
            format!("sbatch --parsable --comment={stamp} --job-name=x script.sh"),
            format!("pakt-nonsense {stamp}"),
        ] {
            assert_eq!(Stamp::find_in(&text), Some(stamp), "{text}");
        }
    }

    #[test]
    fn what_only_looks_like_a_stamp_is_none() {
        let text = stamp().to_string();
        for text in ["", "pakt-", "pakt-01kb2v6m3ynf0q5w8r7d4c9xzt", &text[..text.len() - 3], &format!("x{text}")] {
            assert_eq!(Stamp::find_in(text), None, "{text}");
        }
        assert!(format!("{text} ").parse::<Stamp>().is_err());
    }

    #[test]
    fn the_stamp_of_an_array_says_which_job_each_task_is_and_is_no_jobs() {
        let array = ArrayStamp::of(stamp().job);
        for text in [array.to_string(), format!("--comment={array}"), format!("sweep.{array}")] {
            assert_eq!((ArrayStamp::find_in(&text), Stamp::find_in(&text)), (Some(array), None), "{text}");
        }
        assert_eq!((array.task(0).job, array.index_of(array.task(7))), (stamp().job, Some(7)));
        assert_eq!(
            (ArrayStamp::find_in(&stamp().to_string()), array.index_of(stamp())),
            (None, None),
            "a link of a chain"
        );
    }

    #[test]
    fn the_stamp_of_an_array_of_links_says_which_link_of_its_job_each_task_is() {
        let array = ArrayStamp::of_links(stamp());
        for text in [array.to_string(), format!("--comment={array}"), format!("sweep.{array}")] {
            assert_eq!((ArrayStamp::find_in(&text), Stamp::find_in(&text)), (Some(array), None), "{text}");
        }
        let link = |number| Stamp { link: LinkNumber::new(number).expect("not zero"), ..stamp() };
        assert_eq!((array.task(0), array.task(7)), (stamp(), link(19)));
        assert_eq!(
            (array.index_of(link(12)), array.index_of(link(19)), array.index_of(link(11))),
            (Some(0), Some(7), None)
        );
        let of_jobs = ArrayStamp::of(stamp().job);
        assert_eq!(array.index_of(of_jobs.task(3)), None, "another job");
        assert_eq!(ArrayStamp::find_in(&format!("{array} {of_jobs}")), Some(array), "the first one");
        assert_eq!(ArrayStamp::find_in(&format!("{of_jobs} {array}")), Some(of_jobs));
    }

    proptest! {
        #[test]
        fn any_text_is_answered_without_panic(text in "(pakt-|array-|links-|.){0,60}") {
            let _ = (Stamp::find_in(&text), ArrayStamp::find_in(&text));
        }
    }
}
