//! Holds follow jobs that were changed behind Pakt's back, or started again; what has happened is never refused.

use crate::cluster::{run, stamped, waiting};
use crate::desk::{DAY, Desk, HOUR, Job, NOW, at};
use jobs::directory::{Origin, ReadBack};
use ledger::{Binding, Book, Command, Enforce, Entry, EntryKind, Hold, HoldId, Particulars};
use model::{Amount, BaseState, JobState, StateFlag, Tres, WallTime};
use scheduler_adapters::JobSighting;

/// A job of ada's that waits as job 9, and its sighting.
async fn queued(desk: &Desk) -> (Job, JobSighting) {
    let job = desk.job("ada", 1, NOW - DAY, Origin::Shell).await;
    job.submitted(9, NOW - DAY, None).await;
    let mut seen = waiting(9, "ada", NOW - DAY);
    seen.stamp = Some(job.stamp());
    let read = ReadBack {
        account: seen.account.clone(),
        partition: seen.partition.clone(),
        qos: None,
        time_limit: seen.time_limit,
        requested: seen.requested.clone(),
        drift: Vec::new(),
        output: None,
        hold: None,
        link_hold: None,
        at: at(NOW - DAY),
    };
    job.directory.put_read_back(&read).await.expect("written");
    (job, seen)
}

async fn hold_of(desk: &Desk, job: &Job) -> Hold {
    desk.book().hold(HoldId(job.id)).await.expect("read").expect("there")
}

async fn amendments(desk: &Desk) -> Vec<Entry> {
    let mut entries = desk.entries().await;
    entries.retain(|entry| entry.kind == EntryKind::Amend);
    entries
}

const fn hours(hours: u64) -> WallTime {
    WallTime::from_seconds(hours * 3_600)
}

#[tokio::test]
async fn a_hold_follows_what_the_queue_shows_of_its_job() {
    type Change = fn(&mut JobSighting);
    let cases: [(Change, i64, &str); 5] = [
        (|seen| seen.time_limit = Some(hours(3)), 3, "job-1: time limit 01:00:00 became 03:00:00"),
        (
            |seen| seen.requested = Tres::read("cpu=16,gres/gpu=2,node=2").expect("a list"),
            2,
            "job-1: nodes 1 became 2; GPUs 1 became 2; CPUs 8 became 16",
        ),
        (
            |seen| {
                (seen.state, seen.time_limit) = (JobState::of(BaseState::Running), Some(hours(2)));
                seen.elapsed = WallTime::from_seconds(60);
            },
            2,
            "job-1: time limit 01:00:00 became 02:00:00",
        ),
        (
            |seen| (seen.partition, seen.time_limit) = (Some("big".parse().expect("a name")), Some(hours(4))),
            4,
            "job-1: time limit 01:00:00 became 04:00:00; partition gpu became big",
        ),
        (|seen| seen.time_limit = Some(WallTime::from_seconds(1_800)), 0, "job-1: time limit 01:00:00 became 00:30:00"),
    ];
    for (change, hours, note) in cases {
        let mut desk = Desk::new().await;
        desk.profile_knows(&["gpu", "big"]);
        let (job, mut seen) = queued(&desk).await;
        desk.says().queue = vec![seen.clone()];
        assert_eq!((desk.settle("ada").await.amended, amendments(&desk).await), (vec![], vec![]), "{note}: unchanged");
        change(&mut seen);
        desk.says().queue = vec![seen];
        for times in 0..2 {
            let report = desk.settle("ada").await;
            assert_eq!((report.amended.len(), report.notes), (1 - times, vec![]), "{note}");
        }
        let entries = amendments(&desk).await;
        let expected = if hours == 0 { HOUR / 2 } else { hours * HOUR };
        assert_eq!((entries.len(), entries[0].note.as_str(), entries[0].amount.milli()), (1, note, expected));
        assert_eq!(desk.balance().await.committed.milli() + desk.balance().await.running.milli(), expected, "{note}");
        assert!(desk.is_held(job.id).await);
    }
}

#[tokio::test]
async fn an_attempt_after_a_requeue_is_held_for_beside_what_the_first_took() {
    let desk = Desk::new().await;
    let (job, mut seen) = queued(&desk).await;
    let first = stamped(run(9, "ada", NOW - 7_200, Some(NOW - 5_400)), job.stamp());
    desk.says().runs = vec![first.clone()];
    seen.submitted_at = at(NOW - 5_400);
    desk.says().queue = vec![seen.clone()];
    let report = desk.settle("ada").await;
    let why = "it was put into the queue again after an attempt";
    assert_eq!(report.amended.iter().map(|amended| amended.why.as_str()).collect::<Vec<_>>(), [why]);
    assert_eq!((hold_of(&desk, &job).await.ceiling.milli(), desk.used().await), (HOUR * 3 / 2, 1_800));
    assert_eq!(desk.balance().await.committed.milli(), HOUR, "what was charged is not committed once more");
    // It runs for its whole limit, and nothing of it is beyond the hold.
    let second = stamped(run(9, "ada", NOW - 3_600, Some(NOW)), job.stamp());
    desk.says().runs = vec![first, second];
    desk.says().queue.clear();
    assert_eq!(desk.settle("ada").await.closed, [job.id]);
    assert_eq!(desk.used().await, 5_400);
    assert!(desk.entries().await.iter().all(|entry| entry.kind != EntryKind::Overrun));
}

#[tokio::test]
async fn a_job_that_is_just_ending_has_nothing_more_to_take() {
    let desk = Desk::new().await;
    let (job, mut seen) = queued(&desk).await;
    let ended = stamped(run(9, "ada", NOW - 900, Some(NOW - 10)), job.stamp());
    seen.submitted_at = ended.key.submitted_at;
    seen.state = JobState { flags: [StateFlag::Completing].into(), ..JobState::of(BaseState::Running) };
    desk.says().runs = vec![ended];
    desk.says().queue = vec![seen];
    assert_eq!(desk.settle("ada").await.amended, []);
    assert_eq!(hold_of(&desk, &job).await.ceiling.milli(), HOUR);
}

#[tokio::test]
async fn an_enforced_budget_does_not_refuse_what_has_happened() {
    let desk = Desk::new().await;
    let (job, mut seen) = queued(&desk).await;
    let enforce = Enforce {
        project: "atlas".parse().expect("a project"),
        unit: "testland:gpu".parse().expect("a unit"),
        is_enforced: true,
    };
    desk.post(&[Command::SetEnforce(enforce)]).await;
    seen.requested = Tres::read("cpu=32,gres/gpu=100,node=25").expect("a list");
    seen.time_limit = Some(hours(24));
    desk.says().queue = vec![seen];
    assert_eq!(desk.settle("ada").await.amended.len(), 1);
    let entry = amendments(&desk).await.remove(0);
    assert_eq!(entry.particulars, Particulars::Terms { anyway: None, is_provisional: true, expected: None });
    assert_eq!(hold_of(&desk, &job).await.ceiling, Amount::from_milli(2_400 * HOUR));
    assert!(desk.balance().await.free().expect("fits") < Amount::ZERO);
}

#[tokio::test]
async fn what_was_not_read_back_is_left_to_the_submission() {
    let desk = Desk::new().await;
    let job = desk.job("ada", 1, NOW - DAY, Origin::Shell).await;
    job.submitted(9, NOW - DAY, None).await;
    let mut seen = waiting(9, "ada", NOW - DAY);
    (seen.stamp, seen.time_limit) = (Some(job.stamp()), Some(hours(5)));
    desk.says().queue = vec![seen];
    assert_eq!(desk.settle("ada").await.amended, []);
    assert_eq!(hold_of(&desk, &job).await.ceiling.milli(), HOUR);
}

#[tokio::test]
async fn a_job_under_the_account_of_another_project_is_told_of_and_stays_with_its_own() {
    let mut desk = Desk::new().await;
    desk.profile_knows(&["gpu", "big"]);
    let (job, mut seen) = queued(&desk).await;
    let bind = Binding {
        site: "testland".parse().expect("a site"),
        account: Some("other".parse().expect("an account")),
        partition: None,
        user: None,
        work_directory: None,
        name: None,
        unit: "testland:gpu".parse().expect("a unit"),
        project: "borealis".parse().expect("a project"),
        from: at(0),
        to: None,
    };
    desk.post(&[Command::Bind(bind)]).await;
    seen.account = Some("other".parse().expect("an account"));
    desk.says().queue = vec![seen.clone()];
    let report = desk.settle("ada").await;
    let told = format!(
        "job {} is under account `other` in partition `gpu` now, which is bound to project `borealis`: in these books \
         `atlas` goes on paying for it, at the site it does not; give it back to account `hai`, or cancel it and submit it \
         for the project that is to pay",
        job.id
    );
    assert_eq!((report.notes, report.amended), (vec![told], vec![]));
    assert_eq!(hold_of(&desk, &job).await.project.as_str(), "atlas");
    // Another partition of the same account, and one that nobody has a tariff for.
    seen.account = Some("hai".parse().expect("an account"));
    seen.partition = Some("big".parse().expect("a partition"));
    desk.says().queue = vec![seen.clone()];
    assert_eq!(desk.settle("ada").await.notes, Vec::<String>::new());
    seen.partition = Some("mystery".parse().expect("a partition"));
    desk.says().queue = vec![seen];
    let report = desk.settle("ada").await;
    assert!(report.notes[0].contains("nothing is known to count in testland:gpu"), "{:?}", report.notes);
    assert_eq!(hold_of(&desk, &job).await.ceiling.milli(), HOUR);
}
