//! A job of the controller's, as `squeue -O` prints it.

use super::{
    value::{Count, Record},
    words,
};
use crate::slurm::queue_row;
use model::{BaseState, JobState, Timestamp};
use serde_json::Value;

/// The values of [`queue_row::FIELDS`] for one job.
pub(in crate::slurm) fn row(job: &Value, observed_at: Timestamp) -> Vec<String> {
    let job = Record(job);
    queue_row::FIELDS.iter().map(|field| value_of(job, field, observed_at)).collect()
}

fn value_of(job: Record<'_>, field: &str, observed_at: Timestamp) -> String {
    let instant = |path: &str| words::instant(job.number(path), "N/A");
    let first_of = |paths: [&str; 2]| {
        let [first, second] = paths.map(|path| job.text(path));
        if first.is_empty() { second } else { first }.into_owned()
    };
    match field {
        "JobID" => job.text("/job_id").into_owned(),
        "JobArrayID" => shown_id(job),
        "Cluster" => job.text("/cluster").into_owned(),
        "UserName" => first_of(["/user_name", "/user_id"]),
        "Account" => job.text("/account").into_owned(),
        "Partition" => job.text("/partition").into_owned(),
        "QOS" => job.text("/qos").into_owned(),
        "State" => job.words("/job_state").into_owned(),
        "Reason" => first_of(["/state_description", "/state_reason"]),
        "SubmitTime" => instant("/submit_time"),
        "StartTime" => instant("/start_time"),
        "EndTime" => instant("/end_time"),
        "TimeLimit" => words::limit(job.count("/time_limit"), |minutes| words::length(minutes.saturating_mul(60))),
        "TimeUsed" => words::length(used(job, observed_at)),
        "NumNodes" => job.number("/node_count").unwrap_or(0).to_string(),
        "tres-alloc" => first_of(["/tres_alloc_str", "/tres_req_str"]),
        "WorkDir" => job.text("/current_working_directory").into_owned(),
        "STDOUT" => output(job),
        "Comment" => job.text("/comment").into_owned(),
        "Name" => job.text("/name").into_owned(),
        // A field that the reader has learned and this has not: absent to it.
        _ => String::new(),
    }
}

fn shown_id(job: Record<'_>) -> String {
    let waiting = job.text("/array_task_string");
    words::shown_id(
        job.number("/job_id").unwrap_or(0),
        (job.number("/array_job_id"), job.number("/array_task_id"), &waiting),
        (job.number("/het_job_id"), job.number("/het_job_offset")),
    )
}

/// How many seconds it has run so far, suspensions left out (`job_time_used` of `src/squeue/print.c`).
fn used(job: Record<'_>, observed_at: Timestamp) -> u64 {
    let state = JobState::from_words(&job.words("/job_state"));
    let Some(started) = job.number("/start_time").filter(|start| *start > 0) else { return 0 };
    let before = job.number("/pre_sus_time").unwrap_or(0);
    match state.base {
        BaseState::Pending => return 0,
        BaseState::Suspended => return before,
        _ => {}
    }
    let ended = job.number("/end_time").filter(|_| state.is_final());
    let until = ended.unwrap_or_else(|| u64::try_from(observed_at.epoch_seconds()).unwrap_or(0));
    match job.count("/suspend_time") {
        Count::Number(resumed) if resumed > 0 => until.saturating_sub(resumed).saturating_add(before),
        _ => until.saturating_sub(started),
    }
}

/// Where its standard output goes; a batch job that named no file has Slurm's own.
fn output(job: Record<'_>) -> String {
    let named = job.text("/standard_output");
    if !named.is_empty() || job.at("/batch_flag") == &Value::Bool(false) {
        return named.into_owned();
    }
    let (folder, id) = (job.text("/current_working_directory"), job.number("/job_id").unwrap_or(0));
    match (job.number("/array_job_id").filter(|array| *array > 0), job.number("/array_task_id")) {
        (Some(array), Some(task)) => format!("{folder}/slurm-{array}_{task}.out"),
        // Of tasks that wait nobody can tell which.
        (Some(_), None) => String::new(),
        (None, _) => format!("{folder}/slurm-{id}.out"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::JobForm;
    use model::WallTime;
    use proptest::prelude::*;
    use serde_json::json;
    use std::collections::{BTreeMap, BTreeSet};

    fn read(job: &Value, observed_at: i64) -> Result<queue_row::QueueRow, String> {
        let observed_at = Timestamp::from_epoch_seconds(observed_at);
        let values = row(job, observed_at);
        let values: Vec<&str> = values.iter().map(String::as_str).collect();
        queue_row::read(&values, observed_at)
    }

    #[test]
    fn recorded_queues_of_two_releases() {
        for (release, observed_at, text) in [
            ("22.05", 1_795_333_000, include_str!("../../../tests/fixtures/slurm-22.05/squeue.json")),
            ("25.11", 1_795_332_662, include_str!("../../../tests/fixtures/slurm-25.11/squeue.json")),
        ] {
            let answer: Value = serde_json::from_str(text).expect("as recorded");
            let rows: Vec<_> = answer["jobs"].as_array().expect("a list").iter().collect();
            let rows: Vec<_> = rows.into_iter().map(|job| read(job, observed_at).expect("every row is read")).collect();
            let wanted = ["requeued", "timeout", "suspended", "depends"];
            let seen: Vec<String> = rows
                .iter()
                .map(|row| &row.sighting)
                .filter(|job| wanted.contains(&job.name.as_str()))
                .map(|job| {
                    let limit = job.time_limit.map(WallTime::seconds);
                    format!("{} {} {:?} {} {limit:?}", job.name, job.state, job.reason, job.started_at.is_some())
                })
                .collect();
            // As `squeue` printed them (`queue_row`).
            assert_eq!(
                seen,
                [
                    r#"requeued PENDING "BeginTime" true Some(300)"#,
                    r#"timeout RUNNING "" true Some(60)"#,
                    r#"suspended RUNNING "" true Some(300)"#,
                    r#"depends PENDING "DependencyNeverSatisfied" false Some(60)"#,
                ],
                "{release}"
            );
            let is_whole = |job: &crate::JobSighting| job.user.as_str() == "root" && job.account.is_some();
            assert!(rows.iter().all(|row| is_whole(&row.sighting) && row.work_directory.is_some()), "{release}");
            let forms = |form| rows.iter().filter(|row| row.sighting.form == form).count();
            let parts = (forms(JobForm::Array), forms(JobForm::Heterogeneous));
            assert_eq!(parts, if release == "22.05" { (6, 2) } else { (0, 0) }, "{release}");
            assert_eq!(rows[0].sighting.requested.gpus_total, Some(if release == "22.05" { 8 } else { 4 }));
        }
    }

    /// The columns that become others where a key is absent from a record.
    const CHANGED: [(&str, &[&str]); 20] = [
        ("account", &["Account"]),
        ("cluster", &["Cluster"]),
        ("current_working_directory", &["WorkDir"]),
        ("end_time", &["EndTime"]),
        ("job_id", &["JobArrayID", "JobID"]),
        ("job_state", &["State"]),
        ("name", &["Name"]),
        ("node_count", &["NumNodes"]),
        ("partition", &["Partition"]),
        ("pre_sus_time", &["TimeUsed"]),
        ("qos", &["QOS"]),
        ("standard_output", &["STDOUT"]),
        ("start_time", &["StartTime", "TimeUsed"]),
        ("state_reason", &["Reason"]),
        ("submit_time", &["SubmitTime"]),
        ("suspend_time", &["TimeUsed"]),
        ("time_limit", &["TimeLimit"]),
        ("tres_alloc_str", &["tres-alloc"]),
        ("tres_req_str", &["tres-alloc"]),
        ("user_name", &["UserName"]),
    ];

    #[test]
    fn a_record_without_one_of_its_keys_is_the_same_row_but_for_what_that_told() {
        let text = include_str!("../../../tests/fixtures/slurm-25.11/squeue.json");
        let answer: Value = serde_json::from_str(text).expect("as recorded");
        let observed_at = Timestamp::from_epoch_seconds(1_795_332_662);
        let mut changed: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        let mut rejected: BTreeSet<&str> = BTreeSet::new();
        for job in answer["jobs"].as_array().expect("a list") {
            let whole = row(job, observed_at);
            for key in job.as_object().expect("a record").keys() {
                let mut without = job.clone();
                without.as_object_mut().expect("a record").remove(key);
                let values = row(&without, observed_at);
                let columns = queue_row::FIELDS.iter().zip(values.iter().zip(&whole));
                let others = columns.filter(|(_, (value, before))| value != before).map(|(field, _)| *field);
                changed.entry(key).or_default().extend(others);
                // It is a row, or handed back as one that cannot be read.
                match read(&without, 1_795_332_662) {
                    Ok(read) => assert_eq!(read.sighting.id.to_string(), whole[0], "{key}"),
                    Err(_) => drop(rejected.insert(key.as_str())),
                }
            }
        }
        assert!(
            rejected.iter().all(|key| changed.get(*key).is_some_and(|columns| !columns.is_empty())),
            "{rejected:?}"
        );
        changed.retain(|_, columns| !columns.is_empty());
        let changed: Vec<(&str, Vec<&str>)> =
            changed.into_iter().map(|(key, columns)| (key, columns.into_iter().collect())).collect();
        let expected: Vec<(&str, Vec<&str>)> = CHANGED.iter().map(|(key, columns)| (*key, columns.to_vec())).collect();
        assert_eq!(changed, expected);
    }

    #[test]
    fn how_long_it_ran_and_where_its_output_goes() {
        let job = |changes: Value| {
            let mut job = json!({"job_id": 7, "user_name": "ada", "submit_time": 10, "start_time": 20, "job_state": "RUNNING",
                "batch_flag": true, "current_working_directory": "/w", "time_limit": null});
            let (Value::Object(job), Value::Object(changes)) = (&mut job, changes) else { unreachable!() };
            job.extend(changes);
            let row = read(&Value::Object(job.clone()), 100).expect("a row");
            (row.sighting.elapsed.seconds(), row.output.map(|path| path.display().to_string()).unwrap_or_default())
        };
        assert_eq!(job(json!({})), (80, "/w/slurm-7.out".to_owned()));
        assert_eq!(job(json!({"standard_output": "/p/%j"})), (80, "/p/7".to_owned()));
        assert_eq!(job(json!({"job_state": ["SUSPENDED"], "pre_sus_time": 5, "suspend_time": 50})).0, 5);
        assert_eq!(job(json!({"suspend_time": 50, "pre_sus_time": 5})).0, 55);
        assert_eq!(job(json!({"job_state": "COMPLETED", "end_time": 30})).0, 10);
        assert_eq!(job(json!({"job_state": "PENDING", "start_time": 500})).0, 0);
        assert_eq!(job(json!({"batch_flag": false})).1, "");
        assert_eq!(job(json!({"array_job_id": 6, "array_task_id": {"set": true, "number": 3}})).1, "/w/slurm-6_3.out");
        assert_eq!(job(json!({"array_job_id": 7, "array_task_string": "1-3"})).1, "");
    }

    fn any_value() -> impl Strategy<Value = Value> {
        let numbers = prop_oneof![Just(0), Just(4_294_967_294), Just(u64::MAX), any::<u64>()];
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            numbers.prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            "(RUNNING|PENDING|0x[0-9A-F]{1,9}|[0-9,-]{1,9}|.{0,9})".prop_map(Value::from),
        ];
        leaf.prop_recursive(2, 8, 3, |inner| {
            let name = prop_oneof![Just("set"), Just("number"), Just("infinite")].prop_map(str::to_owned);
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
                prop::collection::btree_map(name, inner, 0..3).prop_map(|map| json!(map)),
            ]
        })
    }

    proptest! {
        #[test]
        fn any_record_is_answered_without_panic(
            values in prop::collection::vec(any_value(), 12), observed_at in any::<i64>()
        ) {
            let names = ["job_id", "array_job_id", "array_task_id", "array_task_string", "job_state", "submit_time",
                "start_time", "end_time", "suspend_time", "pre_sus_time", "time_limit", "standard_output"];
            let job: Value = names.into_iter().map(str::to_owned).zip(values.clone()).collect();
            drop(read(&job, observed_at));
            let names = ["job_id", "array", "het", "state", "time", "tres", "exit_code", "comment", "user", "cluster", "name",
                "association"];
            let run: Value = names.into_iter().map(str::to_owned).zip(values).collect();
            let fields = super::super::accounting::fields();
            let values = super::super::accounting::row(&run, &fields);
            let values: Vec<&str> = values.iter().map(String::as_str).collect();
            drop(crate::slurm::accounting::read(&crate::slurm::rows::Found::Row(&values), &fields));
        }
    }
}
