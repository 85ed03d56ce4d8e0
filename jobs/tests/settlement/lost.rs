//! Holds of jobs that nobody knows any more: given back after a grace, and never because somebody did not answer.

use crate::cluster::{run, stamped, unreadable, waiting};
use crate::desk::{DAY, Desk, HOUR, Job, NOW, at, principal};
use crate::directories::ended;
use jobs::{
    cancel::cancel,
    directory::{Cancel, Origin, SubmittedNote},
    list::{Phase, list},
    settle::{LostJob, SettleOptions, SettleReport},
    show::show,
};
use ledger::{CloseReason, EntryKind, HoldId, Particulars};
use model::{BaseState, JobState};
use scheduler_adapters::{AdapterErrorKind, Freshness, JobSighting};

/// A job that was sent a day before the first settlement, of which neither queue nor accounting knows.
async fn vanished(desk: &Desk) -> Job {
    let job = desk.job("ada", 1, NOW - DAY, Origin::Shell).await;
    job.submitted(9, NOW - DAY, None).await;
    job
}

async fn settle_on(desk: &Desk, day: i64) -> SettleReport {
    desk.set_clock(NOW + day * DAY);
    desk.settle("ada").await
}

fn in_queue(job: &Job) -> JobSighting {
    let mut seen = waiting(9, "ada", NOW - DAY);
    seen.stamp = Some(job.stamp());
    seen
}

#[tokio::test]
async fn a_job_that_nobody_knows_is_lost_after_two_weeks_and_a_later_run_is_an_overrun() {
    let desk = Desk::new().await;
    let job = vanished(&desk).await;
    for day in [0, 3, 14] {
        let report = settle_on(&desk, day).await;
        assert_eq!((report.unknown, report.lost, report.closed), (vec![job.id], vec![], vec![]), "day {day}");
        assert_eq!(desk.balance().await.committed.milli(), HOUR, "day {day}");
    }
    let shown = show(&desk.house("ada"), &job.id.to_string(), Freshness::Shared).await.expect("shown");
    assert_eq!((shown.renewed_until, shown.missed), (None, Some((at(NOW), at(NOW + 14 * DAY)))));
    let report = settle_on(&desk, 15).await;
    assert_eq!((report.unknown, report.closed), (vec![], vec![]));
    assert_eq!(report.lost, [LostJob { job: job.id, since: at(NOW), is_forgotten: false }]);
    assert_eq!(desk.balance().await.committed.milli(), 0);
    let release = desk.entries().await.pop().expect("one");
    assert_eq!(release.particulars, Particulars::Closing { reason: CloseReason::Lost });
    assert!(ended(&job).await.expect("over").note.expect("told").starts_with("nobody has known it since"));
    let entries = desk.entries().await.len();
    let report = settle_on(&desk, 16).await;
    assert_eq!((report.unknown, report.lost, desk.entries().await.len()), (vec![], vec![], entries), "once");
    let late = NOW + 16 * DAY;
    desk.says().runs = vec![stamped(run(9, "ada", late - 600, Some(late)), job.stamp())];
    settle_on(&desk, 17).await;
    let charge = desk.entries().await.pop().expect("one");
    assert_eq!((charge.kind, charge.links.hold, desk.used().await), (EntryKind::Overrun, Some(HoldId(job.id)), 600));
}

/// A controller that was killed before it had saved a job never tells accounting that it is gone.
#[tokio::test]
async fn a_job_that_waits_in_accounting_alone_is_lost_after_two_weeks() {
    let desk = Desk::new().await;
    let job = vanished(&desk).await;
    desk.says().states = vec![in_queue(&job)];
    assert_eq!(settle_on(&desk, 0).await.unknown, [job.id]);
    // Whoever has just submitted it may see it there before the queue was looked at.
    desk.says().states[0].submitted_at = at(NOW + 14 * DAY);
    let report = settle_on(&desk, 14).await;
    assert_eq!((report.unknown, report.lost, desk.is_held(job.id).await), (vec![], vec![], true));
    desk.says().states = vec![in_queue(&job)];
    let report = settle_on(&desk, 15).await;
    assert_eq!((report.lost.len(), desk.balance().await.committed.milli()), (1, 0));
}

/// A job that was sent a day before, of which neither queue nor accounting knows.
async fn gone(desk: &Desk, owner: &str, origin: Origin) -> Job {
    let job = desk.job(owner, 1, NOW - DAY, origin).await;
    job.submitted(9, NOW - DAY, None).await;
    job
}

/// Nothing of it can work any more: there is nothing to wait for. What leaves no claim may run all the same, and what is somebody else's
/// may be hidden.
#[tokio::test]
async fn a_job_that_was_cancelled_and_that_the_controller_forgot_gives_its_hold_back_at_once() {
    let script = || Origin::Script { path: "train.sh".to_owned(), words: Vec::new() };
    for (owner, origin, is_in_accounting, began, is_over) in [
        ("ada", script(), true, true, true),
        ("ada", script(), false, false, true),
        ("ada", script(), false, true, false),
        ("ada", Origin::Shell, false, false, false),
        ("ada", Origin::Adopted, false, false, false),
        ("bob", script(), false, false, false),
    ] {
        let desk = Desk::new().await;
        let job = gone(&desk, owner, origin).await;
        if is_in_accounting {
            desk.says().states = vec![in_queue(&job)];
        }
        if began {
            let claim = job.directory.path().join("links/1/claim");
            std::fs::create_dir_all(&claim).expect("ours");
            std::fs::write(claim.join("owner"), "scheduler_job=9\n").expect("ours");
        }
        let whole = SettleOptions { all_users: true, ..SettleOptions::default() };
        let settled = || async { jobs::settle::settle(&desk.house("ada"), whole).await.expect("settled") };
        let case = format!("{owner} {is_in_accounting} {began}");
        let is_own = owner == "ada";
        assert_eq!(settled().await.unknown.len(), usize::from(is_own), "until it is cancelled: {case}");
        let note = Cancel { principal: principal(owner), at: at(NOW) };
        job.directory.put_cancel(&note).await.expect("written");
        let report = settled().await;
        let (closed, unknown) = (usize::from(is_over), usize::from(is_own && !is_over));
        assert_eq!((report.closed.len(), report.unknown.len(), report.lost), (closed, unknown, vec![]), "{case}");
        assert_eq!(desk.is_held(job.id).await, !is_over, "{case}");
        if is_over {
            let ended = ended(&job).await.expect("over");
            assert_eq!(ended.note.as_deref(), Some("cancelled, and the scheduler forgot it"), "{case}");
        }
    }
}

/// By its number alone, where a filter took its stamp away, and as a task of an array that has a stamp of its own.
#[tokio::test]
async fn a_job_that_the_queue_shows_under_its_number_waits_as_long_as_it_does() {
    for number in ["9", "9_1"] {
        let desk = Desk::new().await;
        let job = desk.job("ada", 1, NOW - DAY, Origin::Shell).await;
        let (scheduler_job, at) = (number.parse().expect("an id"), at(NOW - DAY));
        let note = SubmittedNote { scheduler_job, cluster: None, at, was_found: false, submitted_at: None };
        job.directory.put_submitted(&note).await.expect("written");
        let row = in_queue(&job);
        desk.says().queue = vec![JobSighting { stamp: None, ..row.clone() }];
        // As its task is shown, which the queue has in one row with the others.
        desk.says().states = vec![JobSighting { id: scheduler_job, leader: scheduler_job, ..row }];
        for day in [0, 15, 40] {
            let report = settle_on(&desk, day).await;
            assert_eq!((report.unknown, report.lost), (vec![], vec![]), "{number}, day {day}");
        }
        assert!(desk.is_held(job.id).await, "{number}");
        // The controller forgot it.
        desk.says().queue.clear();
        assert_eq!(settle_on(&desk, 41).await.unknown, [job.id], "{number}");
    }
}

/// A controller that was killed before it had saved a job gives the job's number to the next one, of the same person or of another.
#[tokio::test]
async fn a_job_whose_number_is_another_jobs_is_not_shown_as_that_one_and_not_cancelled_by_it() {
    for (seen, is_forgotten) in [(next_of_ada().await, true), (running("bob"), false)] {
        let desk = Desk::new().await;
        let job = vanished(&desk).await;
        desk.says().states = vec![seen];
        let house = desk.house("ada");
        let shown = show(&house, &job.id.to_string(), Freshness::Shared).await.expect("shown");
        assert_eq!((shown.sighting, shown.ended), (None, None));
        let listed = list(&house, 10, true, Freshness::Shared).await.expect("listed").jobs;
        let unknown = Phase::Submitted { state: JobState::unknown(), reason: None };
        assert_eq!(listed.into_iter().map(|job| (job.id, job.phase)).collect::<Vec<_>>(), [(job.id, unknown)]);
        if is_forgotten {
            let report = settle_on(&desk, 0).await;
            assert_eq!(report.lost, [LostJob { job: job.id, since: at(NOW), is_forgotten }]);
            assert_eq!((report.unknown, desk.balance().await.committed.milli()), (vec![], 0));
            let note = ended(&job).await.expect("over").note;
            assert_eq!(note.as_deref(), Some("the scheduler forgot it: its number is another job's"));
        } else {
            // Nothing says for certain that it is no job of ours whose stamp a filter took: it has its grace.
            assert_eq!(settle_on(&desk, 14).await.unknown, [job.id]);
        }
        let desk = Desk::new().await;
        let job = vanished(&desk).await;
        desk.says().states = vec![if is_forgotten { next_of_ada().await } else { running("bob") }];
        cancel(&desk.house("ada"), &job.id.to_string()).await.expect("it goes on nowhere");
        assert_eq!(desk.says().handed.cancelled, [], "the other job goes on");
    }
    // Whom a host does not know at the moment it calls by a number.
    let desk = Desk::new().await;
    let job = vanished(&desk).await;
    desk.says().states = vec![running("1001")];
    let shown = show(&desk.house("ada"), &job.id.to_string(), Freshness::Shared).await.expect("shown");
    assert!(shown.sighting.is_some());
    assert_eq!(settle_on(&desk, 40).await.lost, []);
    assert!(desk.is_held(job.id).await);
}

/// A job of this user with the number of the one that vanished, without a stamp.
fn running(user: &str) -> JobSighting {
    let mut seen = waiting(9, user, NOW - 3600);
    seen.state = JobState::of(BaseState::Running);
    seen
}

/// Another job of the same person with that number.
async fn next_of_ada() -> JobSighting {
    let job = Desk::new().await.job("ada", 2, NOW - 3600, Origin::Shell).await;
    JobSighting { stamp: Some(job.stamp()), ..running("ada") }
}

#[tokio::test]
async fn a_question_that_is_not_answered_closes_nothing() {
    for question in ["name", "runs", "the rest of the runs", "queue", "states"] {
        let desk = Desk::new().await;
        let job = vanished(&desk).await;
        settle_on(&desk, 0).await;
        desk.set_clock(NOW + 40 * DAY);
        for kind in [AdapterErrorKind::Unreachable, AdapterErrorKind::Unreadable] {
            desk.says().fails = Some((question, kind.clone()));
            let failed = desk.try_settle("ada", SettleOptions::default()).await;
            assert!(failed.is_err() && desk.is_held(job.id).await, "{question}: {kind:?}");
        }
        // Accounting was late, and tells its run now.
        desk.says().runs = vec![stamped(run(9, "ada", NOW, Some(NOW + 600)), job.stamp())];
        let report = settle_on(&desk, 40).await;
        assert_eq!((report.closed, report.lost, desk.used().await), (vec![job.id], vec![], 600), "{question}");
    }
}

#[tokio::test]
async fn what_could_not_be_understood_may_have_been_the_job() {
    let desk = Desk::new().await;
    let job = vanished(&desk).await;
    settle_on(&desk, 0).await;
    desk.says().rejected = vec![unreadable(77, &(NOW + 100).to_string())];
    assert_eq!(settle_on(&desk, 40).await.lost, []);
    desk.says().rejected.clear();
    desk.says().queue_rejected = vec![unreadable(78, "Unknown")];
    assert_eq!(settle_on(&desk, 40).await.lost, []);
    assert!(desk.is_held(job.id).await);
    desk.says().queue_rejected.clear();
    assert_eq!(settle_on(&desk, 40).await.lost.len(), 1);
}

#[tokio::test]
async fn a_job_that_is_seen_is_renewed_and_its_grace_begins_anew() {
    let desk = Desk::new().await;
    let job = vanished(&desk).await;
    assert_eq!(settle_on(&desk, 0).await.unknown, [job.id]);
    desk.says().queue = vec![in_queue(&job)];
    let report = settle_on(&desk, 20).await;
    assert_eq!((report.unknown, report.lost), (vec![], vec![]));
    let mut now = in_queue(&job);
    now.observed_at = at(NOW + 20 * DAY);
    desk.says().queue = vec![now];
    let shown = show(&desk.house("ada"), &job.id.to_string(), Freshness::Shared).await.expect("shown");
    assert_eq!((shown.renewed_until, shown.missed), (Some(at(NOW + 34 * DAY)), None));
    desk.says().queue.clear();
    assert_eq!(settle_on(&desk, 21).await.unknown, [job.id], "from here on");
    assert_eq!(settle_on(&desk, 35).await.lost, []);
    assert_eq!(
        settle_on(&desk, 36).await.lost,
        [LostJob { job: job.id, since: at(NOW + 21 * DAY), is_forgotten: false }]
    );
}

#[tokio::test]
async fn a_first_look_after_a_long_time_closes_nothing() {
    let desk = Desk::new().await;
    let job = vanished(&desk).await;
    let report = settle_on(&desk, 200).await;
    assert_eq!((report.unknown, report.lost), (vec![job.id], vec![]));
    // A note of a clock that was ahead says nothing.
    desk.set_clock(NOW + 2 * DAY);
    desk.try_settle("ada", SettleOptions { trust_clock: true, ..SettleOptions::default() }).await.expect("settled");
    let missed = job.directory.missed().await.expect("read").expect("noted");
    assert_eq!(missed.at, at(NOW + 2 * DAY));
}

#[tokio::test]
async fn nobody_else_can_tell_that_a_job_is_lost() {
    let desk = Desk::new().await;
    let job = vanished(&desk).await;
    desk.says().shows_others_only_to(&[]);
    for day in [0, 20, 40] {
        desk.set_clock(NOW + day * DAY);
        assert_eq!(desk.settle_all("carol").await.lost, [], "day {day}");
    }
    assert!(desk.is_held(job.id).await);
}
