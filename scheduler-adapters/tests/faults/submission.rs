//! `sbatch` that lies, hangs, dies and chatters. Of each the same is asked: no job lost, none thought absent, none
//! doubled.

use crate::{
    stages::double::stage_and_double,
    suite::{Size, Stage, tasks::held_array, until},
};
use model::SchedulerJobId;
use reach::{Command, Retry};
use scheduler_adapters::{
    AdapterErrorKind, Estimate, SUBMISSION_PATIENCE, Scheduler, SlurmCommands, StampSearch, Submission,
};
use std::{sync::Arc, time::Duration};

/// The jobs with a submission's stamp.
pub(super) async fn found(stage: &Stage, submission: &Submission) -> Vec<SchedulerJobId> {
    let found = stage.scheduler.find(&Stage::search(submission)).await.expect("both answer");
    found.iter().map(|job| job.sighting.id).collect()
}

/// Submits so many jobs at once; each comes to be.
pub(super) async fn all_at_once(slurm: &Arc<SlurmCommands>, stage: &Stage, count: usize) {
    let mut submissions = tokio::task::JoinSet::new();
    for number in 0..count {
        let submission = stage.submission(&format!("job-{number}"), Size::Small, "true");
        let slurm = Arc::clone(slurm);
        submissions.spawn(async move { slurm.submit(&submission).await });
    }
    for answer in submissions.join_all().await {
        answer.expect("submitted");
    }
}

#[tokio::test]
async fn a_submission_whose_outcome_is_unknown_is_found() {
    for fault in ["killed", "says-after Socket timed out on send/recv operation", "no-id", "talkative"] {
        let (stage, double) = stage_and_double(true);
        let submission = stage.submission("unknown", Size::Small, "true");
        double.fails("sbatch", fault);
        let error = stage.scheduler.submit(&submission).await.expect_err(fault);
        assert_eq!((&error.kind, error.retry), (&AdapterErrorKind::OutcomeUnknown, Retry::LookFirst), "{fault}");
        assert_eq!(double.calls_of("sbatch"), 1, "{fault}: a write is never repeated");
        assert_eq!(found(&stage, &submission).await, [SchedulerJobId::new(1)], "{fault}");
    }
}

#[tokio::test]
async fn a_submission_that_hangs_after_acceptance_is_found() {
    let (stage, double) = stage_and_double(false);
    let submission = stage.submission("hangs", Size::Small, "true");
    double.fails("sbatch", "hang");
    let error = stage.scheduler.submit(&submission).await.expect_err("it hangs");
    assert_eq!((&error.kind, error.retry), (&AdapterErrorKind::OutcomeUnknown, Retry::LookFirst));
    assert_eq!(found(&stage, &submission).await, [SchedulerJobId::new(1)]);
}

#[tokio::test]
async fn a_job_with_the_stamp_is_ours_only_by_its_user_and_its_time() {
    const DAY: i64 = 86_400;
    let (stage, double) = stage_and_double(true);
    let submission = stage.gated("stamped", Size::Small);
    let id = stage.submit(&submission).await;
    double.set("shows-all", "");
    let submitted: i64 = double.get(&format!("jobs/{id}/submit")).expect("told").parse().expect("seconds");
    for (user, seconds, is_ours) in [
        (stage.user.as_str(), submitted, true),
        ("mallory", submitted, false),
        // Another host's clock is behind, but by no day.
        (stage.user.as_str(), submitted - DAY / 2, true),
        // An earlier owner of a stamp that somebody copied.
        (stage.user.as_str(), submitted - 2 * DAY, false),
    ] {
        double.set(&format!("jobs/{id}/user"), user);
        double.set(&format!("jobs/{id}/submit"), &seconds.to_string());
        assert_eq!(found(&stage, &submission).await, if is_ours { vec![id] } else { vec![] }, "{user} {seconds}");
    }
    stage.open(&submission);
}

#[tokio::test]
async fn the_tasks_of_an_array_with_the_stamps_are_ours_only_by_their_user_and_their_time() {
    const DAY: i64 = 86_400;
    let (stage, double) = stage_and_double(true);
    let submission = held_array(&stage, "stamped");
    let array = submission.array.clone().expect("an array");
    stage.submit(&submission).await;
    double.set("shows-all", "");
    let folder = double.file("state/jobs");
    let jobs: Vec<_> = std::fs::read_dir(folder).expect("jobs").flatten().map(|job| job.path()).collect();
    let submitted = std::fs::read_to_string(jobs[0].join("submit")).expect("told");
    let submitted: i64 = submitted.trim().parse().expect("seconds");
    let of_task = |index: &u32| StampSearch { stamp: array.stamp.task(*index), ..Stage::search(&submission) };
    let searches: Vec<StampSearch> = array.indexes.iter().map(of_task).collect();
    for (user, seconds, is_ours) in [
        (stage.user.as_str(), submitted, true),
        ("mallory", submitted, false),
        (stage.user.as_str(), submitted - DAY / 2, true),
        (stage.user.as_str(), submitted - 2 * DAY, false),
    ] {
        for job in &jobs {
            std::fs::write(job.join("user"), user).expect("ours");
            std::fs::write(job.join("submit"), seconds.to_string()).expect("ours");
        }
        let found = stage.scheduler.find_each(&searches).await.expect("both answer");
        let counts: Vec<usize> = found.iter().map(Vec::len).collect();
        assert_eq!(counts, vec![usize::from(is_ours); searches.len()], "{user} {seconds}");
    }
}

#[tokio::test]
async fn what_was_said_before_the_time_was_out_is_told() {
    let (stage, double) = stage_and_double(false);
    let submission = stage.submission("said", Size::Small, "true");
    double.fails("sbatch", "complains-and-hangs Slurm temporarily unable to accept job, sleeping and retrying");
    let error = stage.scheduler.submit(&submission).await.expect_err("it hangs");
    assert_eq!((&error.kind, error.retry), (&AdapterErrorKind::OutcomeUnknown, Retry::LookFirst));
    assert!(error.to_string().contains("temporarily unable to accept job"), "{error}");
}

#[tokio::test]
async fn an_id_that_was_printed_before_the_time_was_out_is_kept() {
    let (stage, double) = stage_and_double(false);
    let submission = stage.submission("partial", Size::Small, "true");
    double.fails("sbatch", "hang-after-id");
    let submitted = stage.scheduler.submit(&submission).await.expect("the id was printed");
    assert_eq!(submitted.id, SchedulerJobId::new(1));
    assert!(submitted.chatter.contains("out of time"), "{submitted:?}");
}

#[tokio::test]
async fn sbatch_is_left_alone_when_the_time_is_out_and_its_late_job_is_found() {
    let (stage, double) = stage_and_double(false);
    let submission = stage.submission("late", Size::Small, "true");
    double.fails("sbatch", "gated");
    let error = stage.scheduler.submit(&submission).await.expect_err("it is late");
    assert_eq!(error.kind, AdapterErrorKind::OutcomeUnknown);
    assert_eq!(found(&stage, &submission).await, [], "nothing came yet");
    double.set("gate", "");
    let came = until(async || (found(&stage, &submission).await == [SchedulerJobId::new(1)]).then_some(())).await;
    assert!(came.is_some(), "the job never came: sbatch was killed");
}

#[tokio::test]
async fn chatter_around_the_id_does_not_hide_it() {
    for (fault, cluster, said) in
        [("banner", Some("double"), "3 of 12 racks"), ("retrying", None, "temporarily unable")]
    {
        let (stage, double) = stage_and_double(true);
        let submission = stage.submission("chatter", Size::Small, "true");
        double.fails("sbatch", fault);
        let submitted = stage.scheduler.submit(&submission).await.expect(fault);
        assert_eq!(submitted.id, SchedulerJobId::new(1), "{fault}");
        assert_eq!(submitted.cluster.as_ref().map(model::ClusterName::as_str), cluster, "{fault}");
        assert!(submitted.chatter.contains(said), "{fault}: {submitted:?}");
    }
}

#[tokio::test]
async fn a_controller_that_is_not_there_took_no_job() {
    let (stage, double) = stage_and_double(true);
    let submission = stage.submission("down", Size::Small, "true");
    double.fails("sbatch", "down");
    let error = stage.scheduler.submit(&submission).await.expect_err("nobody is there");
    assert_eq!((&error.kind, error.retry), (&AdapterErrorKind::Unreachable, Retry::Later));
    assert!(found(&stage, &submission).await.is_empty());
}

#[tokio::test]
async fn a_submission_under_way_is_found_only_when_it_has_come() {
    let (stage, double) = stage_and_double(true);
    let submission = stage.submission("under-way", Size::Small, "true");
    double.fails("sbatch", "gated");
    // Another process has called `sbatch` and was killed: this one knows the stamp, and nothing more.
    let scheduler = Arc::clone(&stage.scheduler);
    let sent = submission.clone();
    let sending = tokio::spawn(async move { scheduler.submit(&sent).await });
    until(async || (double.calls_of("sbatch") == 1).then_some(())).await.expect("sbatch was called");
    assert_eq!(found(&stage, &submission).await, [], "an honest answer, and no evidence of absence");
    assert_eq!(found(&stage, &submission).await, []);
    double.set("gate", "");
    let came = until(async || (found(&stage, &submission).await == [SchedulerJobId::new(1)]).then_some(()));
    came.await.expect("it comes");
    assert_eq!(sending.await.expect("no panic").expect("submitted").id, SchedulerJobId::new(1));
    assert!(SUBMISSION_PATIENCE >= Duration::from_mins(2), "sbatch tries for so long by itself");
}

#[tokio::test]
async fn errors_of_authentication_and_communication_say_nothing_of_the_job() {
    for said in [
        "Protocol authentication error",
        "Invalid authentication credential",
        "Unable to contact slurm controller (receive failure)",
        "Zero Bytes were transmitted or received",
        "Unspecified error",
        "Unknown error 9999",
    ] {
        for (fault, ids) in [("says-after", vec![SchedulerJobId::new(1)]), ("says", vec![])] {
            let (stage, double) = stage_and_double(true);
            let submission = stage.submission("unclear", Size::Small, "true");
            double.fails("sbatch", &format!("{fault} {said}"));
            let error = stage.scheduler.submit(&submission).await.expect_err(said);
            let unknown = (AdapterErrorKind::OutcomeUnknown, Retry::LookFirst);
            assert_eq!((error.kind.clone(), error.retry), unknown, "{said}");
            assert!(error.to_string().contains(said), "{error}");
            assert_eq!(found(&stage, &submission).await, ids, "{fault} {said}");
        }
    }
}

#[tokio::test]
async fn a_refusal_is_told_from_it() {
    for (said, retry) in [
        ("Invalid qos specification", Retry::Never),
        ("Job violates accounting/QOS policy (job submit limit, user's size and/or time limits)", Retry::Later),
        ("Resource temporarily unavailable", Retry::Later),
        ("System submissions disabled", Retry::Later),
    ] {
        let (stage, double) = stage_and_double(true);
        let submission = stage.submission("refused", Size::Small, "true");
        double.fails("sbatch", &format!("says {said}"));
        let error = stage.scheduler.submit(&submission).await.expect_err(said);
        let AdapterErrorKind::Refused { said: words } = &error.kind else { panic!("{error:?}") };
        assert!(words.contains(said) && error.retry == retry, "{error:?}");
        assert!(found(&stage, &submission).await.is_empty());
    }
}

#[tokio::test]
async fn an_estimate_is_made_in_the_time_zone_of_the_submission_and_refused_as_it_is() {
    let (stage, double) = stage_and_double(true);
    let submission = stage.submission("estimated", Size::Small, "true");
    let scheduler = double.scheduler_with("TZ", "Pacific/Kiritimati");
    scheduler.estimate(&submission).await.expect("it answers");
    assert_eq!(double.get("zone").as_deref(), Some("Pacific/Kiritimati"), "`--begin=16:00` is meant in it");
    double.fails("sbatch", "says Invalid qos specification");
    let refused = scheduler.estimate(&submission).await.expect("it answers");
    assert_eq!(refused, Estimate::Refused { said: "Invalid qos specification".to_owned() });
    double.fails("sbatch", "says Protocol authentication error");
    let error = scheduler.estimate(&submission).await.expect_err("nobody was asked");
    assert_eq!((error.kind, error.retry), (AdapterErrorKind::Unreachable, Retry::Later));
}

#[tokio::test]
async fn a_submit_filter_changes_what_was_asked_and_is_read_back() {
    let (stage, double) = stage_and_double(true);
    double.set("filter", "large");
    let submission = stage.gated("filtered", Size::Small);
    let id = stage.submit(&submission).await;
    let facts = stage.scheduler.read_back(id).await.expect("it is there");
    assert_eq!(facts.sighting.partition.as_ref().map(model::PartitionName::as_str), Some("large"));
    assert!(stage.scheduler.describe().await.expect("it answers").has_submit_filter);
    stage.open(&submission);
}

/// The most of a program's calls that were under way at once, by a line at the begin and at the end of each.
fn most_at_once(log: &str) -> usize {
    let mut now: usize = 0;
    log.lines().fold(0, |most, line| {
        now = if line == "begins" { now + 1 } else { now - 1 };
        most.max(now)
    })
}

#[tokio::test]
async fn where_no_other_way_submits_at_most_four_sbatch_run_at_once() {
    let (stage, double) = stage_and_double(true);
    let log = stage.folder.join("log");
    let logged = log.display().to_string();
    let slurm = double.scheduler_through(move |command| {
        if !command.program.ends_with("/sbatch") {
            return command;
        }
        let script = "echo begins >>\"$0\"; \"$@\"; status=$?; echo ends >>\"$0\"; exit $status";
        let words = ["-c".to_owned(), script.to_owned(), logged.clone(), command.program.clone()];
        let arguments = words.into_iter().chain(command.arguments.iter().cloned()).collect();
        Command { program: "sh".to_owned(), arguments, ..command }
    });
    // A helper that is not there leaves all to the command, and is found out about by the first submission only.
    let slurm = Arc::new(slurm.with_helper(stage.folder.join("no-helper")));
    all_at_once(&slurm, &stage, 64).await;
    assert_eq!(double.calls_of("sbatch"), 64);
    assert_eq!(most_at_once(&std::fs::read_to_string(log).expect("written")), 4);
}
