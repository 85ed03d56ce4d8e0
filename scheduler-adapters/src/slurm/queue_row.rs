//! One row of `squeue`.

use crate::{
    JobSighting, RejectedRow,
    slurm::{output_path, tasks, values},
};
use model::{ArrayStamp, BaseState, JobState, SchedulerJobId, Timestamp, WallTime};
use std::path::PathBuf;

/// What is asked for, by the names of `squeue -O` (squeue(1), 22.05 to 25.11); the job's name last.
pub(super) const FIELDS: [&str; 20] = [
    "JobID",
    "JobArrayID",
    "Cluster",
    "UserName",
    "Account",
    "Partition",
    "QOS",
    "State",
    "Reason",
    "SubmitTime",
    "StartTime",
    "EndTime",
    "TimeLimit",
    "TimeUsed",
    "NumNodes",
    "tres-alloc",
    "WorkDir",
    "STDOUT",
    "Comment",
    "Name",
];

/// The title of the first column.
pub(super) const HEADER: &str = "JOBID";

/// A row, read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct QueueRow {
    pub(super) sighting: JobSighting,
    /// The array of ours that it is of.
    array: Option<ArrayStamp>,
    pub(super) work_directory: Option<PathBuf>,
    pub(super) output: Option<PathBuf>,
}

impl QueueRow {
    /// The row as it is, or, of an array of ours, one for each task that it stands for.
    pub(super) fn each_task(self) -> impl Iterator<Item = Self> {
        let Self { sighting, array, work_directory, output } = self;
        let of =
            move |sighting| Self { sighting, array, work_directory: work_directory.clone(), output: output.clone() };
        tasks::each(sighting, array).into_iter().map(of)
    }
}

fn value<'row>(values: &[&'row str], field: &str) -> &'row str {
    let place = FIELDS.iter().position(|known| *known == field);
    place.and_then(|place| values.get(place)).map_or("", |value| value.trim_end_matches('\n'))
}

/// A row that cannot be read, as it is handed back.
pub(super) fn rejected(values: &[&str], reason: String) -> RejectedRow {
    let stamp =
        tasks::stamp_of_unread(value(values, "Comment"), "", value(values, "Name"), value(values, "JobArrayID"));
    RejectedRow { raw: values::raw(values), reason, stamp, is_cut: false }
}

/// Reads the values of [`FIELDS`]; the error says which of them cannot be read.
pub(super) fn read(values: &[&str], observed_at: Timestamp) -> Result<QueueRow, String> {
    let at = |field: &str| value(values, field);
    let name = at("Name");
    let mark = values::mark(at("Comment"), "", name);
    let id = SchedulerJobId::new(values::number(at("JobID"), "job id")?);
    let (form, leader) = values::form(at("JobArrayID"), id);
    let started_at = values::instant(at("StartTime"), "start")?;
    let state = JobState::from_words(at("State"));
    let has_started = !state.is_pending();
    let ran = || started_at.filter(|_| has_started).map_or(0, |start| observed_at.seconds_since(start));
    let elapsed = match values::length(at("TimeUsed"), "time used")? {
        Some(elapsed) => elapsed,
        // `INVALID`: the clocks of controller and node disagree (squeue(1), "TimeUsed").
        None => WallTime::from_seconds(u64::try_from(ran()).unwrap_or(0)),
    };
    let never_started = state.base == BaseState::Cancelled && elapsed.seconds() == 0;
    let sighting = JobSighting {
        id,
        leader,
        form,
        shown_id: at("JobArrayID").to_owned(),
        tasks: values::waiting_tasks(at("JobArrayID")),
        cluster: values::name(at("Cluster"), "cluster")?,
        user: values::name(at("UserName"), "user")?.ok_or("no user")?,
        account: values::name(at("Account"), "account")?,
        partition: values::first_name(at("Partition"), "partition")?,
        qos: values::name(at("QOS"), "QOS")?,
        stamp: tasks::stamp_of(mark, at("JobArrayID"), never_started)?,
        name: name.to_owned(),
        state,
        reason: Some(at("Reason")).filter(|text| !values::is_absent(text)).unwrap_or_default().to_owned(),
        submitted_at: values::instant(at("SubmitTime"), "submit time")?.ok_or("no submit time")?,
        started_at,
        ends_at: values::instant(at("EndTime"), "end")?,
        time_limit: values::length(at("TimeLimit"), "time limit")?,
        elapsed,
        requested: values::tres(at("tres-alloc"), "resources")?,
        nodes: nodes(at("NumNodes"))?,
        observed_at,
    };
    let there = |field: &str| Some(at(field)).filter(|text| !values::is_absent(text));
    let work_directory = there("WorkDir").map(PathBuf::from);
    let output =
        there("STDOUT").and_then(|pattern| output_path::resolve(pattern, &sighting, work_directory.as_deref()));
    Ok(QueueRow { sighting, array: tasks::array_of(mark), work_directory, output })
}

/// A number of nodes, or the least of a range: `4`, `1-2`.
fn nodes(text: &str) -> Result<u32, String> {
    values::number(text.split('-').next().unwrap_or_default(), "nodes")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const OBSERVED: Timestamp = Timestamp::from_epoch_seconds(1_795_333_000);

    fn row(changes: &[(&str, &str)]) -> Result<QueueRow, String> {
        let values: Vec<&str> = FIELDS
            .iter()
            .map(|field| {
                let default = match *field {
                    "JobID" | "JobArrayID" => "10",
                    "Cluster" => "jupiter",
                    "UserName" => "alice",
                    "Account" => "hfmi",
                    "Partition" => "booster",
                    "QOS" => "normal",
                    "State" => "RUNNING",
                    "Reason" => "None",
                    "SubmitTime" => "1795332813",
                    "StartTime" => "1795332838",
                    "EndTime" => "1795332898",
                    "TimeLimit" => "1:00",
                    "TimeUsed" => "0:07",
                    "NumNodes" => "1",
                    "tres-alloc" => "cpu=288,node=1,billing=288,gres/gpu=4",
                    "WorkDir" => "/home/alice",
                    "STDOUT" => "/home/alice/slurm-10.out",
                    "Comment" => "(null)",
                    _ => "timeout",
                };
                changes.iter().find(|(name, _)| name == field).map_or(default, |(_, value)| value)
            })
            .collect();
        read(&values, OBSERVED)
    }

    #[test]
    fn a_running_job() {
        let row = row(&[("Name", "odd | name\nof two lines")]).expect("a row");
        assert_eq!(row.sighting.name, "odd | name\nof two lines");
        assert_eq!(row.sighting.state, JobState::of(BaseState::Running));
        assert_eq!((row.sighting.elapsed.seconds(), row.sighting.requested.gpus_total), (7, Some(4)));
        assert_eq!((row.sighting.reason.as_str(), row.sighting.stamp), ("", None));
        assert_eq!(row.work_directory, Some(PathBuf::from("/home/alice")));
    }

    /// The epoch seconds of an instant of the day on which the queues were recorded, which `%all` writes in words.
    fn seconds(text: &str) -> String {
        let Some(time) = text.strip_prefix("2026-11-22T") else { return text.to_owned() };
        let of_day = time.split(':').fold(0, |sum, part| sum * 60 + part.parse::<i64>().expect("a number"));
        (1_795_305_600 + of_day).to_string()
    }

    /// A recorded row of `squeue --format=%all`, by the names that are asked for here; it lacks what those add.
    fn recorded<'row>(titles: &[&str], values: &[&'row str]) -> Vec<(&'static str, std::borrow::Cow<'row, str>)> {
        let names = [
            ("JobID", "JOBID"),
            ("UserName", "USER"),
            ("Account", "ACCOUNT"),
            ("Partition", "PARTITION"),
            ("QOS", "QOS"),
            ("State", "STATE"),
            ("Reason", "REASON"),
            ("SubmitTime", "SUBMIT_TIME"),
            ("StartTime", "START_TIME"),
            ("EndTime", "END_TIME"),
            ("TimeLimit", "TIME_LIMIT"),
            ("TimeUsed", "TIME"),
            ("NumNodes", "NODES"),
            ("WorkDir", "WORK_DIR"),
            ("Comment", "COMMENT"),
            ("Name", "NAME"),
        ];
        let value =
            |title: &str| values[titles.iter().position(|found| *found == title).expect("the title was recorded")];
        let of = |(name, title): (&'static str, &'static str)| {
            let is_instant = name.ends_with("Time");
            (name, if is_instant { seconds(value(title)).into() } else { value(title).into() })
        };
        names.into_iter().map(of).chain([("JobArrayID", value("JOBID").into())]).collect()
    }

    #[test]
    fn recorded_queues_of_two_releases() {
        for (release, text) in [
            ("22.05", include_str!("../../tests/fixtures/slurm-22.05/squeue.all.txt")),
            ("25.11", include_str!("../../tests/fixtures/slurm-25.11/squeue.all.txt")),
        ] {
            let mut lines =
                text.lines().filter(|line| !line.is_empty()).map(|line| line.split('|').collect::<Vec<_>>());
            let titles = lines.next().expect("titles");
            let rows: Vec<JobSighting> = lines
                .map(|values| {
                    assert_eq!(values.len(), titles.len(), "{release}");
                    let values = recorded(&titles, &values);
                    let changes: Vec<(&str, &str)> = values.iter().map(|(name, value)| (*name, &**value)).collect();
                    row(&changes).expect("every row is read").sighting
                })
                .collect();
            let seen = |job: &JobSighting| {
                let times = (job.started_at.is_some(), job.elapsed.seconds(), job.time_limit.map(WallTime::seconds));
                format!("{} {} {:?} {times:?}", job.name, job.state, job.reason)
            };
            let seen: Vec<String> = rows.iter().map(seen).collect();
            assert_eq!(
                seen,
                [
                    // A requeued job has a start that lies ahead: it waits.
                    r#"requeued PENDING "BeginTime" (true, 0, Some(300))"#,
                    r#"depends PENDING "DependencyNeverSatisfied" (false, 0, Some(60))"#,
                    r#"timeout RUNNING "" (true, 7, Some(60))"#,
                    r#"suspended RUNNING "" (true, 3, Some(300))"#,
                ],
                "{release}"
            );
            assert!(rows.iter().all(|job| job.account.as_ref().is_some_and(|account| account.as_str() == "hfmi")));
            assert!(rows.iter().all(|job| job.submitted_at < OBSERVED && job.stamp.is_none() && job.nodes == 1));
        }
    }

    #[test]
    fn no_column_is_asked_for_that_is_not_read() {
        let base = row(&[]).expect("a row");
        let other = |field: &str| match field {
            "JobID" => "11",
            "JobArrayID" => "7_3",
            "State" => "PENDING",
            "SubmitTime" | "StartTime" | "EndTime" => "1795332000",
            "TimeLimit" | "TimeUsed" => "9:00",
            "NumNodes" => "9",
            "tres-alloc" => "cpu=9",
            "WorkDir" | "STDOUT" => "/other",
            "Comment" => "pakt-01kb2v6m3ynf0q5w8r7d4c9xzt-1",
            _ => "other",
        };
        for field in FIELDS {
            assert_ne!(row(&[(field, other(field))]).expect("a row"), base, "{field} changes nothing");
        }
    }

    #[test]
    fn where_the_output_goes() {
        let array = |task, pattern| [("JobArrayID", task), ("STDOUT", pattern)];
        for (changes, output) in [
            ([("Name", "x"), ("STDOUT", "/home/alice/slurm-10.out")], Some("/home/alice/slurm-10.out")),
            ([("Name", "train"), ("STDOUT", "/p/%x-%j-%u.%%.txt")], Some("/p/train-10-alice.%.txt")),
            ([("Name", "train"), ("STDOUT", "logs/%4j.%A")], Some("/home/alice/logs/0010.10")),
            ([("Name", "a/b"), ("STDOUT", "/p/%x")], None),
            ([("Name", "x"), ("STDOUT", "/p/%N.out")], None),
            ([("Name", "x"), ("STDOUT", "/p/100%")], None),
            ([("Name", "x"), ("STDOUT", "/p/\\%j")], None),
            ([("Name", "x"), ("STDOUT", "(null)")], None),
            (array("7_3", "/p/out-%A_%a"), Some("/p/out-7_3")),
            (array("7_3", "/home/alice/slurm-10.out"), Some("/home/alice/slurm-7_3.out")),
            (array("7_[3-5]", "/p/out-%A_%a"), None),
            (array("7_[3-5]", "/home/alice/slurm-10.out"), None),
            (array("7_[3-5]", "/p/all"), Some("/p/all")),
            (array("7+1", "/p/%j.out"), Some("/p/10.out")),
        ] {
            assert_eq!(row(&changes).expect("a row").output, output.map(PathBuf::from), "{changes:?}");
        }
    }

    #[test]
    fn values_that_squeue_prints_for_what_is_not_there() {
        let waiting = row(&[
            ("JobArrayID", "10_[5-9%4]"),
            ("State", "PENDING"),
            ("StartTime", "N/A"),
            ("EndTime", "N/A"),
            ("TimeLimit", "UNLIMITED"),
            ("TimeUsed", "0:00"),
            ("Account", "(null)"),
            ("Partition", "booster,large"),
            ("Reason", "AssocGrpGRESMinutes"),
            ("NumNodes", "1-2"),
        ])
        .expect("a row")
        .sighting;
        assert_eq!((waiting.tasks, waiting.started_at, waiting.time_limit, waiting.nodes), (5, None, None, 1));
        assert_eq!(waiting.account, None);
        assert_eq!(waiting.partition.expect("the first").as_str(), "booster");
        assert_eq!(waiting.reason, "AssocGrpGRESMinutes");
        let unsynchronised = row(&[("TimeUsed", "INVALID")]).expect("a row").sighting;
        assert_eq!(unsynchronised.elapsed.seconds(), 1_795_333_000 - 1_795_332_838);
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        for (field, value, reason) in [
            ("JobID", "x", "job id: `x` is not a number"),
            ("SubmitTime", "2026-11-22T07:33:33", "submit time: `2026-11-22T07:33:33` is not a time in epoch seconds"),
            ("SubmitTime", "N/A", "no submit time"),
            ("UserName", "", "no user"),
            ("tres-alloc", "cpu=lots", "resources: `cpu=lots` is not a list of resources"),
        ] {
            assert_eq!(row(&[(field, value)]), Err(reason.to_owned()));
        }
    }

    #[test]
    fn a_state_of_a_later_release_is_unknown_and_not_an_error() {
        assert_eq!(row(&[("State", "HIBERNATED")]).expect("a row").sighting.state, JobState::unknown());
    }

    proptest! {
        #[test]
        fn any_values_are_answered_without_panic(values in prop::collection::vec("[0-9:,=-]{0,12}|.{0,12}", 0..22)) {
            let values: Vec<&str> = values.iter().map(String::as_str).collect();
            drop(read(&values, OBSERVED));
        }

        #[test]
        fn any_pattern_is_answered_without_panic(pattern in "([%a-z0-9/]|.){0,20}") {
            drop(row(&[("STDOUT", &pattern)]));
        }
    }
}
