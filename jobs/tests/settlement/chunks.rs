//! A month of more runs than are posted at once: whatever stops it between two chunks loses nothing, and the next
//! settlement posts nothing twice.

use crate::cluster::{run, stamped};
use crate::desk::{DAY, Desk, NOW, at};
use crate::failing_book::{At, FailingBook, FailingBooks};
use jobs::{
    directory::Origin,
    settle::{SettleOptions, settle},
};
use ledger::Book;
use model::{BaseState, JobState, Run};
use scheduler_adapters::AdapterErrorKind;
use std::sync::Arc;

/// As many as are posted at once.
const CHUNK: u64 = 2_000;
/// Chunks of 2,000, 2,000 and 500.
const RUNS: u64 = 4_500;
/// What all of them took together, in seconds.
const USED: i64 = 4_500;

/// A run of one second.
fn short(id: u64) -> Run {
    let started = NOW - 10 * DAY + i64::try_from(id).expect("small");
    run(id, "ada", started, Some(started + 1))
}

async fn desk_with_a_month() -> Desk {
    let desk = Desk::new().await;
    desk.settle("ada").await;
    // Late in accounting: the cursor is moved back to before them.
    desk.set_clock(NOW + DAY);
    desk.says().runs = (1..=RUNS).map(short).collect();
    desk
}

fn since_before() -> SettleOptions {
    SettleOptions { since: Some(at(NOW - 20 * DAY)), ..SettleOptions::default() }
}

/// What is in the books, and how many runs a settlement found new, known and corrected.
async fn finished(desk: &Desk) -> (u64, u64, u64) {
    let report = desk.try_settle("ada", since_before()).await.expect("settled");
    assert_eq!((desk.used().await, desk.cursor("user:ada").await), (USED, Some(NOW + DAY)));
    assert_eq!(report.counts.new + report.counts.same, RUNS, "each once");
    assert!(desk.book().verify().await.expect("verified").is_consistent());
    (report.counts.new, report.counts.same, report.counts.corrected)
}

#[tokio::test]
async fn a_post_that_fails_in_the_middle_moves_no_cursor_and_the_repeat_goes_on() {
    for (posts, how, stands) in [(1, At::Nothing, CHUNK), (1, At::Done, 2 * CHUNK), (2, At::Nothing, 2 * CHUNK)] {
        let desk = desk_with_a_month().await;
        let mut house = desk.house("ada");
        house.books = Arc::new(FailingBooks(FailingBook::after(desk.book(), posts, how)));
        let error = settle(&house, since_before()).await.expect_err("a post failed");
        assert!(error.why.contains("the disk went away"), "{error}");
        let used = i64::try_from(stands).expect("small");
        assert_eq!((desk.used().await, desk.cursor("user:ada").await), (used, Some(NOW)), "after {posts}, {how:?}");
        assert_eq!(finished(&desk).await, (RUNS - stands, stands, 0));
        assert_eq!(finished(&desk).await, (0, RUNS, 0));
    }
}

#[tokio::test]
async fn a_settlement_that_is_killed_between_two_chunks_loses_nothing() {
    for (how, stands) in [(At::WaitsBefore, CHUNK), (At::WaitsBehind, 2 * CHUNK)] {
        let desk = desk_with_a_month().await;
        let mut house = desk.house("ada");
        let book = FailingBook::after(desk.book(), 1, how);
        house.books = Arc::new(FailingBooks(Arc::clone(&book)));
        tokio::select! {
            settled = settle(&house, since_before()) => panic!("it goes on: {settled:?}"),
            () = book.waits() => {}
        }
        assert_eq!((desk.cursor("user:ada").await, finished(&desk).await), (Some(NOW), (RUNS - stands, stands, 0)));
    }
}

#[tokio::test]
async fn an_answer_that_breaks_off_moves_no_cursor() {
    let desk = desk_with_a_month().await;
    desk.says().fails = Some(("the rest of the runs", AdapterErrorKind::AccountingDown));
    desk.try_settle("ada", since_before()).await.expect_err("it broke off");
    assert_eq!((desk.used().await, desk.cursor("user:ada").await), (4_000, Some(NOW)));
    assert_eq!(finished(&desk).await, (500, 4_000, 0));
}

#[tokio::test]
async fn a_hold_sees_the_attempts_of_its_job_in_whichever_chunk_they_are() {
    for is_running in [false, true] {
        let desk = Desk::new().await;
        let job = desk.job("ada", 1, NOW - 11 * DAY, Origin::Shell).await;
        job.submitted(1, NOW - 11 * DAY, None).await;
        let attempt = |id: u64, ended| stamped(run(id, "ada", NOW - 9_000, ended), job.stamp());
        let mut first = attempt(1, Some(NOW - 8_000));
        first.state = JobState::of(BaseState::Failed);
        let last = attempt(2, (!is_running).then_some(NOW - 9_000 + 1_500));
        // The attempts are in the first chunk and in the third.
        desk.says().runs = std::iter::once(first).chain((11..=RUNS + 10).map(short)).chain([last]).collect();
        let report = desk.settle("ada").await;
        let closed = if is_running { vec![] } else { vec![job.id] };
        assert_eq!((report.closed, desk.is_held(job.id).await), (closed, is_running));
        let hold = desk.book().hold(job.id.into()).await.expect("read").expect("there");
        assert_eq!(hold.charged.milli(), if is_running { 1_000_000 } else { 2_500_000 });
        let ended = job.directory.ended().await.expect("read");
        assert_eq!(ended.map(|ended| ended.state.base), (!is_running).then_some(BaseState::Completed));
    }
}

#[tokio::test]
async fn the_rows_of_one_job_stay_together_at_the_border_of_a_chunk() {
    let desk = Desk::new().await;
    let mut runs: Vec<Run> = (1..=CHUNK + 10).map(short).collect();
    // A job that was resized has two rows with one submit time; the later one counts. They lie on the border.
    let place = usize::try_from(CHUNK).expect("small");
    let mut later = runs[place - 1].clone();
    (later.ended_at, later.elapsed) =
        (Some(at(later.started_at.epoch_seconds() + 5)), model::WallTime::from_seconds(5));
    let requeued = run(CHUNK, "ada", NOW - 5_000, Some(NOW - 4_000));
    runs.splice(place..place, [later, requeued]);
    desk.says().runs = runs;
    for is_first in [true, false] {
        let report = desk.try_settle("ada", since_before()).await.expect("settled");
        let (new, same) = if is_first { (CHUNK + 11, 0) } else { (0, CHUNK + 11) };
        assert_eq!((report.counts.new, report.counts.same, report.counts.corrected), (new, same, 0));
        assert_eq!(desk.used().await, 2_010 + 4 + 1_000);
    }
}
