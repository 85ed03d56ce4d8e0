//! Jobs of ours, taken over ones among them: which runs are theirs, and when their holds are over.

use crate::cluster::{run, stamped, waiting};
use crate::desk::{DAY, Desk, NOW};
use jobs::directory::{Origin, Unheld};
use ledger::{Book, CloseReason, EntryKind, HoldId};
use model::{BaseState, JobId, JobState, Timestamp};

async fn kinds(desk: &Desk) -> Vec<EntryKind> {
    desk.entries().await.iter().map(|entry| entry.kind).filter(|kind| *kind != EntryKind::Grant).collect()
}

async fn closed_because(desk: &Desk, job: JobId) -> Option<CloseReason> {
    let hold = desk.book().hold(HoldId(job)).await.expect("read").expect("there");
    hold.closing.map(|closing| closing.reason)
}

#[tokio::test]
async fn a_taken_over_job_keeps_its_charge_whenever_it_is_settled_again() {
    let desk = Desk::new().await;
    let job = desk.job("ada", 1, NOW - 500, Origin::Adopted).await;
    job.submitted(9, NOW - 500, Some(NOW - 1_010)).await;
    desk.says().runs = vec![run(9, "ada", NOW - 1_000, Some(NOW - 100))];
    let report = desk.settle("ada").await;
    assert_eq!(report.closed, [job.id]);
    let once = vec![EntryKind::Hold, EntryKind::Settle, EntryKind::Release];
    assert_eq!(kinds(&desk).await, once);
    for seconds in [0, 60, DAY] {
        desk.set_clock(NOW + seconds);
        let report = desk.settle("ada").await;
        assert_eq!(
            (report.counts.same, report.counts.corrected, kinds(&desk).await),
            (1, 0, once.clone()),
            "after {seconds} s"
        );
    }
}

#[tokio::test]
async fn of_the_owners_of_one_id_each_has_its_own_runs() {
    let desk = Desk::new().await;
    let job = desk.job("ada", 1, NOW - 500, Origin::Adopted).await;
    job.submitted(9, NOW - 500, Some(NOW - 1_010)).await;
    let former = run(9, "ada", NOW - 10 * DAY, Some(NOW - 10 * DAY + 7));
    // It was requeued: the same id, a later submit time.
    let requeued = run(9, "ada", NOW - 400, Some(NOW - 300));
    desk.says().runs = vec![former, run(9, "ada", NOW - 1_000, Some(NOW - 500)), requeued];
    desk.settle("ada").await;
    let hold = desk.book().hold(HoldId(job.id)).await.expect("read").expect("there");
    assert_eq!((hold.charged.milli(), desk.used().await), (600_000, 607));
    // After its end the id is another's.
    desk.set_clock(NOW + DAY);
    desk.says().runs.push(run(9, "ada", NOW + 500, Some(NOW + 511)));
    desk.settle("ada").await;
    let hold = desk.book().hold(HoldId(job.id)).await.expect("read").expect("there");
    assert_eq!((hold.charged.milli(), desk.used().await), (600_000, 618));
}

#[tokio::test]
async fn a_taken_over_job_that_never_started_gives_its_hold_back() {
    let desk = Desk::new().await;
    let job = desk.job("ada", 1, NOW - 500, Origin::Adopted).await;
    // It was submitted long before it was taken over.
    job.submitted(9, NOW - 500, Some(NOW - 5 * DAY)).await;
    let mut cancelled = waiting(9, "ada", NOW - 5 * DAY);
    cancelled.state = JobState::of(BaseState::Cancelled);
    desk.says().states = vec![cancelled];
    let report = desk.settle("ada").await;
    assert_eq!((report.closed, report.unknown), (vec![job.id], vec![]));
    assert_eq!(closed_because(&desk, job.id).await, Some(CloseReason::NeverStarted));
}

#[tokio::test]
async fn an_earlier_owner_of_an_id_says_nothing_about_a_job() {
    let desk = Desk::new().await;
    let (one, other) =
        (desk.job("ada", 1, NOW - 20 * DAY, Origin::Shell).await, desk.job("ada", 2, NOW - 500, Origin::Shell).await);
    one.submitted(8, NOW - 20 * DAY, None).await;
    other.submitted(9, NOW - 500, None).await;
    // Both are asked for at once, so that the answer has rows from before the second job.
    let mut former = waiting(9, "bob", NOW - 10 * DAY);
    former.state = JobState::of(BaseState::Cancelled);
    desk.says().states = vec![former];
    let report = desk.settle("ada").await;
    assert_eq!((report.closed.len(), report.unknown.len()), (0, 2));
    assert!(desk.is_held(other.id).await);
}

#[tokio::test]
async fn a_scheduler_whose_clock_is_a_little_behind_is_believed() {
    let desk = Desk::new().await;
    let job = desk.job("ada", 1, NOW - 500, Origin::Shell).await;
    job.submitted(9, NOW - 500, None).await;
    let mut cancelled = waiting(9, "ada", NOW - 530);
    cancelled.state = JobState::of(BaseState::Cancelled);
    desk.says().states = vec![cancelled];
    assert_eq!(desk.settle("ada").await.closed, [job.id]);
}

#[tokio::test]
async fn what_was_begun_and_never_sent_is_told() {
    let desk = Desk::new().await;
    let host = desk.house("ada").files.host_name().await.expect("a name");
    let lost = desk.job("ada", 1, NOW - DAY, Origin::Shell).await;
    let killed = desk.job("ada", 2, NOW - 60, Origin::Shell).await;
    killed.sending(&host, 2, NOW - 60).await;
    let on_another_host = desk.job("ada", 3, NOW - DAY, Origin::Shell).await;
    on_another_host.sending("elsewhere", 1, NOW - DAY).await;
    // Those may still go on: just begun, being sent here, being sent elsewhere; and one runs without a note.
    let fresh = desk.job("ada", 4, NOW - 60, Origin::Shell).await;
    let alive = desk.job("ada", 5, NOW - DAY, Origin::Shell).await;
    alive.sending(&host, 1, NOW - DAY).await;
    let busy_elsewhere = desk.job("ada", 6, NOW - DAY, Origin::Shell).await;
    busy_elsewhere.sending("elsewhere", 1, NOW - 60).await;
    let running = desk.job("ada", 7, NOW - DAY, Origin::Shell).await;
    desk.says().runs = vec![stamped(run(1, "ada", NOW - 600, None), running.stamp())];
    let report = desk.settle("ada").await;
    let mut unsent = report.unsent;
    unsent.sort();
    assert_eq!(unsent, [lost.id, on_another_host.id, killed.id]);
    for job in [&lost, &killed, &on_another_host, &fresh, &alive, &busy_elsewhere, &running] {
        assert!(desk.is_held(job.id).await);
    }
}

#[tokio::test]
async fn a_delayed_hold_is_entered_unless_its_job_ended_unsent() {
    let desk = Desk::new().await;
    let refused = desk.job_without_hold("ada", 1, NOW - 600, Origin::Shell).await;
    let sent = desk.job_without_hold("ada", 2, NOW - 600, Origin::Shell).await;
    for job in [&refused, &sent] {
        let unheld = Unheld { reason: "no ledger".to_owned(), is_provisional: true };
        job.directory.put_unheld(&unheld).await.expect("written");
    }
    let ended = jobs::directory::Ended {
        state: JobState::of(BaseState::Cancelled),
        exit_code: None,
        at: None,
        elapsed: None,
        time_limit: None,
        progress: None,
        note: Some("never sent".to_owned()),
        observed_at: Timestamp::from_epoch_seconds(NOW - 600),
    };
    refused.directory.put_ended(&ended).await.expect("written");
    sent.submitted(9, NOW - 600, None).await;
    desk.says().queue = vec![jobs_own(waiting(9, "ada", NOW - 600), sent.stamp())];
    for _ in 0..2 {
        desk.settle("ada").await;
        assert!(desk.is_held(sent.id).await);
        assert_eq!(desk.book().hold(HoldId(refused.id)).await, Ok(None), "it was never sent");
    }
}

fn jobs_own(mut job: scheduler_adapters::JobSighting, stamp: model::Stamp) -> scheduler_adapters::JobSighting {
    job.stamp = Some(stamp);
    job
}

#[tokio::test]
async fn a_job_that_was_taken_over_without_a_ledger_is_held_for_later() {
    let desk = Desk::new().await;
    let sighting = waiting(9, "ada", NOW - 500);
    desk.says().queue = vec![sighting.clone()];
    desk.says().facts = Some(scheduler_adapters::JobFacts { sighting, tasks: 1, work_directory: None, output: None });
    let mut house = desk.house("ada");
    house.books = std::sync::Arc::new(crate::stage::away::Away);
    let project = "atlas".parse().expect("a project");
    let adopted = jobs::adopt::adopt(&house, model::SchedulerJobId::new(9), project).await.expect("taken over");
    assert!(adopted.hold.is_none() && adopted.no_hold.is_some(), "{:?}", adopted.hold);
    for _ in 0..2 {
        desk.settle("ada").await;
        let hold = desk.book().hold(HoldId(adopted.id)).await.expect("read").expect("entered");
        assert!(hold.is_open());
        assert_eq!(hold.ceiling.milli(), crate::desk::HOUR);
    }
}
