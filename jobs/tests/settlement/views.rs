//! What runs and waits: each job once, arrays whole, and nothing that grows for ever.

use crate::cluster::{run, waiting};
use crate::desk::{DAY, Desk, HOUR, NOW};
use model::{BaseState, JobState, WallTime};

#[tokio::test]
async fn all_tasks_of_a_waiting_array_count() {
    let desk = Desk::new().await;
    let mut array = waiting(1, "ada", NOW - 60);
    (array.tasks, array.shown_id) = (40, "1_[1-40]".to_owned());
    let mut endless = waiting(2, "ada", NOW - 60);
    (endless.tasks, endless.time_limit) = (u32::MAX, Some(WallTime::from_seconds(u64::from(u32::MAX) - 1)));
    desk.says().queue = vec![array];
    desk.settle("ada").await;
    assert_eq!(desk.balance().await.foreign_committed.milli(), 40 * HOUR);
    // A limit that is Slurm's number for none is no limit; a week is assumed.
    endless.tasks = 1;
    desk.says().queue = vec![endless];
    desk.set_clock(NOW + 1);
    desk.settle("ada").await;
    assert_eq!(desk.balance().await.foreign_committed.milli(), 7 * 24 * HOUR);
}

#[tokio::test]
async fn what_has_no_price_is_told_and_stops_nothing() {
    let desk = Desk::new().await;
    let mut elsewhere = waiting(1, "ada", NOW - 60);
    elsewhere.partition = Some("mystery".parse().expect("a partition"));
    let mut absurd = run(2, "ada", NOW - 600, None);
    absurd.allocated.gpus_total = Some(u64::from(u32::MAX));
    let mut huge = waiting(3, "ada", NOW - 60);
    huge.requested.gpus_total = Some(1 << 50);
    desk.says().queue = vec![elsewhere, huge, waiting(4, "ada", NOW - 60)];
    desk.says().runs = vec![absurd];
    let report = desk.settle("ada").await;
    assert_eq!((report.uncounted, report.pending, report.running), (3, 1, 0));
    assert_eq!(desk.balance().await.foreign_committed.milli(), HOUR);
}

/// One damaged row, and an enforced budget would refuse everything, or no balance could be told.
#[tokio::test]
async fn what_no_node_can_have_is_told_and_not_counted_running_and_waiting() {
    let desk = Desk::new().await;
    let damaged = |id: u64, nodes: u64| {
        let (mut runs, mut waits) = (run(id, "ada", NOW - 600, None), waiting(id + 10, "ada", NOW - 60));
        for tres in [&mut runs.allocated, &mut waits.requested] {
            (tres.gpus_total, tres.nodes) = (Some(1 << 40), Some(nodes));
        }
        (runs, waits)
    };
    // With as many nodes it is not the GPUs that tell it, but what they would come to.
    let ((first, waits_first), (second, waits_second)) = (damaged(1, 1), damaged(2, 1 << 40));
    desk.says().runs = vec![first, second, run(3, "ada", NOW - 600, None)];
    desk.says().queue = vec![waits_first, waits_second, waiting(4, "ada", NOW - 60)];
    let report = desk.settle("ada").await;
    assert_eq!((report.uncounted, report.pending, report.running), (4, 1, 1));
    let balance = desk.balance().await;
    assert_eq!((balance.running.milli(), balance.foreign_committed.milli()), (HOUR / 6, HOUR / 6 * 5 + HOUR));
}

#[tokio::test]
async fn a_run_that_accounting_forgot_to_end_counts_up_to_its_limit() {
    let desk = Desk::new().await;
    let mut lost = run(1, "ada", NOW - 20 * DAY, None);
    lost.elapsed = WallTime::from_seconds(20 * 86_400);
    desk.says().runs = vec![lost.clone()];
    let report = desk.settle("ada").await;
    let balance = desk.balance().await;
    assert_eq!((balance.running.milli(), balance.foreign_committed.milli()), (HOUR, 0));
    assert_eq!((report.runaway, report.running), (vec![lost.key.clone()], 1), "it is unknown, and no end");
    assert_eq!(desk.used().await, 0);
    // One that the queue still knows, or that is within its limit and some grace, runs.
    let mut known = waiting(1, "ada", NOW - 20 * DAY);
    known.state = JobState::of(BaseState::Running);
    desk.says().queue = vec![known];
    desk.set_clock(NOW + 1);
    assert_eq!(desk.settle("ada").await.runaway, []);
    assert_eq!(desk.balance().await.running.milli(), 20 * 24 * HOUR);
    desk.says().queue.clear();
    desk.says().runs = vec![run(2, "ada", NOW - 600, None)];
    assert_eq!(desk.settle("ada").await.runaway, []);
}

#[tokio::test]
async fn a_run_that_ends_between_two_questions_has_ended() {
    let desk = Desk::new().await;
    // Accounting is asked for four months; the run is in the answers for two of them.
    desk.says().runs = vec![run(1, "ada", NOW - 20 * DAY, None)];
    desk.says().runs_later = Some(vec![run(1, "ada", NOW - 20 * DAY, Some(NOW - 100))]);
    desk.says().runs[0].started_at = crate::desk::at(NOW - 100 * DAY);
    let report = desk.settle("ada").await;
    assert_eq!((report.running, report.counts.new, report.runaway), (0, 1, vec![]));
}

#[tokio::test]
async fn a_job_that_the_queue_shows_running_counts_before_accounting_has_it() {
    let desk = Desk::new().await;
    let mut started = waiting(1, "ada", NOW - 610);
    (started.state, started.elapsed) = (JobState::of(BaseState::Running), WallTime::from_seconds(600));
    desk.says().queue = vec![started];
    desk.settle("ada").await;
    let balance = desk.balance().await;
    assert_eq!((balance.running.milli(), balance.foreign_committed.milli()), (HOUR / 6, HOUR / 6 * 5));
    desk.says().runs = vec![run(1, "ada", NOW - 600, None)];
    desk.set_clock(NOW + 1);
    assert_eq!(desk.settle("ada").await.running, 1, "once");
}
