//! Single values as Slurm prints them.

use crate::{JobForm, slurm::rows::UNIT_SEPARATOR};
use memchr::memmem::Finder;
use model::{ArrayStamp, SchedulerJobId, Stamp, Timestamp, Tres, WallTime};
use std::{str::FromStr, sync::LazyLock};

/// Whether a value says that there is none.
pub(super) fn is_absent(text: &str) -> bool {
    matches!(text, "" | "(null)" | "N/A" | "n/a" | "None" | "Unknown" | "NONE" | "None assigned" | "4294967294")
}

/// A name, or none.
pub(super) fn name<Name: FromStr>(text: &str, what: &str) -> Result<Option<Name>, String>
where
    Name::Err: std::fmt::Display,
{
    if is_absent(text) {
        return Ok(None);
    }
    text.parse().map(Some).map_err(|error| format!("{what}: {error}"))
}

/// The first name of a list, or none: a waiting job may be in several partitions.
pub(super) fn first_name<Name: FromStr>(text: &str, what: &str) -> Result<Option<Name>, String>
where
    Name::Err: std::fmt::Display,
{
    name(text.split(',').next().unwrap_or_default(), what)
}

/// A whole number.
pub(super) fn number<Number: FromStr>(text: &str, what: &str) -> Result<Number, String> {
    text.trim().parse().map_err(|_| format!("{what}: `{text}` is not a number"))
}

/// The id of a job. Slurm counts them in 32 bits from 1 on, and its two largest numbers stand for no job and for all
/// (`NO_VAL` and `INFINITE` of `slurm.h`).
pub(super) fn job_id(text: &str) -> Result<SchedulerJobId, String> {
    let id: u32 = number(text, "job id")?;
    if id == 0 || id >= NO_JOB {
        return Err(format!("job id: Slurm gives no job the number {id}"));
    }
    Ok(SchedulerJobId::new(id.into()))
}

const NO_JOB: u32 = 4_294_967_294;

/// An instant in epoch seconds, or none.
pub(super) fn instant(text: &str, what: &str) -> Result<Option<Timestamp>, String> {
    if is_absent(text) || text == "0" {
        return Ok(None);
    }
    let seconds = text.parse().map_err(|_| format!("{what}: `{text}` is not a time in epoch seconds"))?;
    Ok(Some(Timestamp::from_epoch_seconds(seconds)))
}

/// What Slurm prints for a count that was never set (`NO_VAL` and `NO_VAL64` of `slurm.h`).
const NO_VALUE: [&str; 2] = ["4294967294", "18446744073709551614"];

/// A list of trackable resources; an absent one is empty. A count that was never set is absent, which is not zero.
pub(super) fn tres(text: &str, what: &str) -> Result<Tres, String> {
    if is_absent(text) {
        return Ok(Tres::default());
    }
    let is_set = |part: &&str| part.split_once('=').is_none_or(|(_, count)| !NO_VALUE.contains(&count));
    // Of millions of rows hardly one has such a count.
    let read = if NO_VALUE.iter().any(|count| text.contains(count)) {
        Tres::read(&text.split(',').filter(is_set).collect::<Vec<_>>().join(","))
    } else {
        Tres::read(text)
    };
    read.ok_or_else(|| format!("{what}: `{text}` is not a list of resources"))
}

/// A length of time as `squeue` prints it, `1-02:03:04`, `2:03:04`, `3:04`, or none for words such as `UNLIMITED`.
pub(super) fn length(text: &str, what: &str) -> Result<Option<WallTime>, String> {
    if is_absent(text) || matches!(text, "UNLIMITED" | "INVALID" | "NOT_SET" | "Partition_Limit" | "INFINITE") {
        return Ok(None);
    }
    let bad = || format!("{what}: `{text}` is not a length of time");
    let (days, clock) = match text.split_once('-') {
        Some((days, clock)) => (days.parse::<u64>().map_err(|_| bad())?, clock),
        None => (0, text),
    };
    let mut seconds = 0_u64;
    let parts: Vec<&str> = clock.split(':').collect();
    if !(2..=3).contains(&parts.len()) {
        return Err(bad());
    }
    for part in parts {
        let part: u64 = part.parse().map_err(|_| bad())?;
        seconds = seconds.checked_mul(60).and_then(|so_far| so_far.checked_add(part)).ok_or_else(bad)?;
    }
    let total = days.checked_mul(86_400).and_then(|days| days.checked_add(seconds)).ok_or_else(bad)?;
    Ok(Some(WallTime::from_seconds(total)))
}

static STAMP: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(Stamp::PREFIX));

/// Our mark on what was submitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mark {
    /// On a job.
    Job(Stamp),
    /// On an array.
    Array(ArrayStamp),
}

impl Mark {
    fn find_in(text: &str) -> Option<Self> {
        ArrayStamp::find_in(text).map(Self::Array).or_else(|| Stamp::find_in(text).map(Self::Job))
    }
}

/// The mark of a job: from its comment, else from the options of its submit line, else from its name.
///
/// Of the submit line only `--comment=` and `--job-name=` count: a path in it may lie in another job's directory.
pub(super) fn mark(comment: &str, submit_line: &str, name: &str) -> Option<Mark> {
    // Millions of rows have none, and one look at each tells so.
    if [comment, submit_line, name].iter().all(|text| STAMP.find(text.as_bytes()).is_none()) {
        return None;
    }
    let option = |option: &str| {
        let at = submit_line.find(option)?;
        Mark::find_in(submit_line[at + option.len()..].split_whitespace().next()?)
    };
    Mark::find_in(comment)
        .or_else(|| option("--comment="))
        .or_else(|| option("--job-name="))
        .or_else(|| Mark::find_in(name))
}

/// What a job is a part of, and the id that this was given: 4711 for `4711`, `4711_3`, `4711_[5-9%4]` and `4711+0`.
pub(super) fn form(shown_id: &str, id: SchedulerJobId) -> (JobForm, SchedulerJobId) {
    let form = match shown_id.find(['_', '+']) {
        Some(at) if shown_id[at..].starts_with('_') => JobForm::Array,
        Some(_) => JobForm::Heterogeneous,
        None => return (JobForm::Single, id),
    };
    let leader = shown_id.split(['_', '+']).next().and_then(|leader| leader.parse().ok());
    (form, leader.unwrap_or(id))
}

/// How many tasks of an array wait behind one row: 4 for `123_[5-7,9%2]`, 1 for what is no array.
pub(super) fn waiting_tasks(shown_id: &str) -> u32 {
    let Some((_, list)) = shown_id.split_once("_[") else { return 1 };
    let list = list.split(['%', ']']).next().unwrap_or_default();
    let count: u64 = list.split(',').map(span).sum();
    u32::try_from(count.max(1)).unwrap_or(u32::MAX)
}

/// The length of `5`, `5-7` or `0-12:4`.
fn span(text: &str) -> u64 {
    let (range, step) = text.split_once(':').unwrap_or((text, "1"));
    let Some((first, last)) = range.split_once('-') else { return u64::from(!range.is_empty()) };
    match (first.parse::<u32>(), last.parse::<u32>(), step.parse::<u32>()) {
        (Ok(first), Ok(last), Ok(step)) if last >= first && step > 0 => u64::from((last - first) / step) + 1,
        _ => 1,
    }
}

/// A row as it is kept: its values with the unit separator between them.
pub(super) fn raw(values: &[&str]) -> String {
    values.join(UNIT_SEPARATOR)
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::{GpuCount, JobId, LinkNumber};
    use proptest::prelude::*;

    #[test]
    fn lengths_of_time() {
        for (text, seconds) in
            [("0:07", Some(7)), ("5:00", Some(300)), ("2:03:04", Some(7384)), ("1-00:00:00", Some(86_400))]
        {
            assert_eq!(length(text, "x").map(|time| time.map(WallTime::seconds)), Ok(seconds), "{text}");
        }
        for text in ["UNLIMITED", "INVALID", "NOT_SET", "N/A", ""] {
            assert_eq!(length(text, "x"), Ok(None), "{text}");
        }
        for text in ["5", "a:b", "1-", "1:2:3:4", "-1:00", "99999999999999999999:00"] {
            assert!(length(text, "x").is_err(), "{text}");
        }
    }

    #[test]
    fn waiting_tasks_are_counted() {
        for (text, tasks) in [
            ("123", 1),
            ("123_4", 1),
            ("123_[5-9%4]", 5),
            ("123_[1,3,5-7]", 5),
            ("123_[0-12:4]", 4),
            ("123+0", 1),
            ("123_[]", 1),
            ("1_[9-5]", 1),
        ] {
            assert_eq!(waiting_tasks(text), tasks, "{text}");
        }
    }

    #[test]
    fn counts_that_were_never_set_are_absent_and_not_zero() {
        for (text, gpus) in [
            ("cpu=4,gres/gpu=18446744073709551614,node=1", GpuCount::Untracked),
            ("cpu=4,gres/gpu=4294967294,node=1", GpuCount::Untracked),
            ("cpu=4,gres/gpu:a100=4294967294,node=1", GpuCount::Untracked),
            ("cpu=4,gres/gpu=0,node=1", GpuCount::Tracked(0)),
            ("", GpuCount::Untracked),
            ("N/A", GpuCount::Untracked),
        ] {
            assert_eq!(tres(text, "x").expect(text).gpus(), gpus, "{text}");
        }
        assert_eq!(
            tres("cpu=4,mem=18446744073709551614", "x").map(|tres| (tres.cpus, tres.memory_mib)),
            Ok((Some(4), None))
        );
    }

    #[test]
    fn parts_know_what_they_belong_to() {
        let id = SchedulerJobId::new(4720);
        for (shown, form_of, leader) in [
            ("4720", JobForm::Single, 4720),
            ("4711_3", JobForm::Array, 4711),
            ("4711_[5-9%4]", JobForm::Array, 4711),
            ("4711+0", JobForm::Heterogeneous, 4711),
            ("x_1", JobForm::Array, 4720),
            ("", JobForm::Single, 4720),
        ] {
            assert_eq!(form(shown, id), (form_of, SchedulerJobId::new(leader)), "{shown}");
        }
    }

    #[test]
    fn the_stamp_is_read_from_what_the_site_keeps() {
        let job = JobId::from_parts(Timestamp::from_epoch_seconds(1_793_000_000), 42);
        let (one, two) = (Stamp { job, link: LinkNumber::FIRST }, LinkNumber::new(2).expect("not zero"));
        let two = Stamp { job, link: two };
        let array = ArrayStamp::of(one.job);
        for (comment, line, name, expected) in [
            (one.to_string(), format!("--comment={two}"), String::new(), Some(Mark::Job(one))),
            ("(null)".to_owned(), format!("sbatch -N1 --comment={two} x.sh"), format!("a.{one}"), Some(Mark::Job(two))),
            (String::new(), format!("sbatch --job-name=a.{two} x.sh"), String::new(), Some(Mark::Job(two))),
            // A path is no stamp.
            (String::new(), format!("sbatch /jobs/{one}/x.sh"), "mine".to_owned(), None),
            (String::new(), String::new(), format!("a.{one}"), Some(Mark::Job(one))),
            (array.to_string(), String::new(), String::new(), Some(Mark::Array(array))),
            (
                String::new(),
                format!("sbatch --array=0-9 --comment={array} x.sh"),
                String::new(),
                Some(Mark::Array(array)),
            ),
        ] {
            assert_eq!(mark(&comment, &line, &name), expected, "{comment} {line} {name}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_answered_without_panic(text in "[0-9:,%_\\[\\]-]{0,30}|.{0,30}") {
            let _ = (waiting_tasks(&text), form(&text, SchedulerJobId::new(1)));
            drop((length(&text, "x"), instant(&text, "x"), tres(&text, "x"), mark(&text, &text, &text)));
        }
    }
}
