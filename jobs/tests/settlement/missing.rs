//! What cannot be read, counted or priced: it stops nothing else, nothing forgets it, and it is charged once it can be.

use crate::cluster::{run, stamped, unreadable};
use crate::desk::{DAY, Desk, NOW};
use jobs::{directory::Origin, settle::SettleOptions};
use ledger::{Book, RunPrice};
use model::{Run, WallTime};

/// The run in a partition of which no profile knows a tariff.
fn elsewhere(run: Run) -> Run {
    Run { partition: Some("mystery".parse().expect("a partition")), ..run }
}

#[tokio::test]
async fn a_run_without_a_tariff_is_kept_and_charged_when_there_is_one() {
    let mut desk = Desk::new().await;
    let job = desk.job("ada", 1, NOW - DAY, Origin::Shell).await;
    job.submitted(2, NOW - DAY, None).await;
    let ours = elsewhere(stamped(run(2, "ada", NOW - 5_000, Some(NOW - 4_000)), job.stamp()));
    desk.says().runs = vec![elsewhere(run(1, "ada", NOW - 3_000, Some(NOW - 2_900))), ours];
    for _ in 0..2 {
        let report = desk.settle("ada").await;
        assert!(!report.is_complete());
        let reasons: Vec<_> = report.not_priced.iter().map(|run| run.reason.as_str()).collect();
        assert_eq!(reasons, ["the profile of `testland` has no tariff for partition `mystery`"; 2]);
        assert_eq!(
            (report.closed, report.settled_until),
            (vec![], Some(crate::desk::at(NOW))),
            "they are in the books"
        );
        assert!(desk.is_held(job.id).await, "nobody knows what the job takes");
        assert!(job.directory.ended().await.expect("read").is_none());
    }
    assert_eq!((desk.used().await, desk.book().unattributed_count().await), (0, Ok(2)));

    // Long after accounting has forgotten them, a profile knows the partition.
    desk.says().runs.clear();
    desk.set_clock(NOW + 90 * DAY);
    desk.profile_knows(&["gpu", "mystery"]);
    let report = desk.settle("ada").await;
    assert!(report.is_complete(), "{:?}", report.not_priced);
    assert_eq!((report.counts.priced, desk.used().await, desk.book().unattributed_count().await), (2, 1_100, Ok(0)));
}

#[tokio::test]
async fn a_run_that_nobody_pays_for_is_unattributed_and_no_more() {
    let desk = Desk::new().await;
    let mut of_others = elsewhere(run(1, "ada", NOW - 3_000, Some(NOW - 2_900)));
    of_others.account = Some("other".parse().expect("an account"));
    desk.says().runs = vec![of_others];
    let report = desk.settle("ada").await;
    assert_eq!((report.counts.unattributed, report.is_complete()), (1, true));
}

#[tokio::test]
async fn an_unreadable_row_stops_no_other_and_is_read_again_each_time() {
    let desk = Desk::new().await;
    desk.settle("ada").await;
    let bad_end = NOW + DAY;
    desk.says().rejected = vec![unreadable(7, &bad_end.to_string())];
    for (day, used) in [(2, 100), (20, 200), (40, 300)] {
        let now = NOW + day * DAY;
        desk.set_clock(now);
        let number = u64::try_from(day).expect("small");
        desk.says().runs.push(run(number, "ada", now - 200, Some(now - 100)));
        let report = desk.settle("ada").await;
        assert_eq!((report.counts.new, desk.used().await), (1, used), "day {day}");
        assert_eq!(report.rejected.len(), 1, "it is told each time");
        assert_eq!(desk.cursor("user:ada").await, Some(bad_end), "no further than the row");
        assert_eq!(report.settled_until, Some(crate::desk::at(bad_end)));
    }
    // A newer release of one or the other makes it readable.
    desk.says().rejected.clear();
    desk.says().runs.push(run(7, "ada", bad_end - 1_000, Some(bad_end)));
    let report = desk.settle("ada").await;
    assert_eq!((desk.used().await, report.is_complete()), (1_300, true));
    assert_eq!(desk.cursor("user:ada").await, Some(NOW + 40 * DAY));
}

#[tokio::test]
async fn a_row_that_says_nothing_holds_the_cursor_where_it_is() {
    let desk = Desk::new().await;
    desk.settle("ada").await;
    for (day, end) in [(1, "Unknown"), (2, "Unknown"), (3, "x"), (4, "x")] {
        desk.says().rejected = vec![unreadable(7, end)];
        desk.set_clock(NOW + day * DAY);
        let report = desk.settle("ada").await;
        assert_eq!((report.rejected.len(), desk.cursor("user:ada").await), (1, Some(NOW)), "day {day}");
        assert_eq!(report.since, Some(crate::desk::at(NOW - 2 * DAY)), "and does not creep back");
    }
}

#[tokio::test]
async fn a_row_that_makes_no_sense_holds_cursor_and_hold_back() {
    let desk = Desk::new().await;
    desk.settle("ada").await;
    let (ended, job) = (NOW + DAY, desk.job("ada", 1, NOW, Origin::Shell).await);
    job.submitted(2, NOW, None).await;
    let mut absurd = stamped(run(2, "ada", ended - 100, Some(ended)), job.stamp());
    absurd.elapsed = WallTime::from_seconds(u64::from(u32::MAX));
    desk.set_clock(NOW + 5 * DAY);
    desk.says().runs = vec![absurd, run(3, "ada", ended + 100, Some(ended + 150))];
    let report = desk.settle("ada").await;
    assert_eq!((report.counts.new, desk.used().await, report.closed.len()), (1, 50, 0));
    assert!(report.rejected.iter().next().expect("one").contains("4294967295 s"), "{:?}", report.rejected);
    assert_eq!(desk.cursor("user:ada").await, Some(ended));
    assert!(desk.is_held(job.id).await);
    // The site mends its record.
    desk.says().runs[0].elapsed = WallTime::from_seconds(100);
    let report = desk.settle("ada").await;
    assert_eq!((report.closed, desk.used().await), (vec![job.id], 150));
    assert_eq!(desk.cursor("user:ada").await, Some(NOW + 5 * DAY));
}

#[tokio::test]
async fn a_hold_stays_while_a_row_of_its_job_cannot_be_read() {
    let desk = Desk::new().await;
    let job = desk.job("ada", 1, NOW - DAY, Origin::Shell).await;
    job.submitted(2, NOW - DAY, None).await;
    let first = stamped(run(2, "ada", NOW - 900, Some(NOW - 800)), job.stamp());
    let mut second = unreadable(2, &(NOW - 100).to_string());
    second.raw = format!("{}.{}", second.raw, job.stamp());
    desk.says().runs = vec![first];
    desk.says().rejected = vec![second];
    assert_eq!(desk.settle("ada").await.closed, []);
    assert!(desk.is_held(job.id).await);
    desk.says().rejected.clear();
    assert_eq!(desk.settle("ada").await.closed, [job.id]);
}

#[tokio::test]
async fn a_row_that_does_not_fit_is_listed_and_the_rest_settles() {
    let desk = Desk::new().await;
    let mut huge = run(1, "ada", NOW - 20 * DAY, Some(NOW - DAY));
    huge.allocated.gpus_total = Some(1 << 50);
    let mut without = run(2, "ada", NOW - 3_000, Some(NOW - 2_900));
    without.allocated.gpus_total = Some(u64::from(u32::MAX) - 1);
    desk.says().runs = vec![huge, without, run(3, "ada", NOW - 3_000, Some(NOW - 2_900))];
    let report = desk.settle("ada").await;
    let reasons: Vec<_> = report.not_priced.iter().map(|run| run.reason.as_str()).collect();
    let too_many = "its row has 1125899906842624 GPUs on 1 node, more than there can be";
    assert_eq!(reasons, [too_many, "its row has no number of GPUs"]);
    assert_eq!((report.counts.new, desk.used().await), (1, 100));
}

#[tokio::test]
async fn neither_books_nor_report_hold_what_a_stranger_wrote() {
    let desk = Desk::new().await;
    let mut unpaid = run(1, "ada", NOW - 3_000, Some(NOW - 2_900));
    unpaid.account = None;
    desk.says().runs = vec![unpaid];
    desk.says().rejected = vec![unreadable(7, &(NOW - 100).to_string())];
    let report = desk.try_settle("ada", SettleOptions::default()).await.expect("settled");
    let kept = desk.book().unattributed().await.expect("read").remove(0);
    assert!(matches!(kept.price, RunPrice::Known(_)));
    assert!(kept.run.raw.starts_with("1\u{1f}") && !kept.run.raw.contains("secret"), "{:?}", kept.run.raw);
    let told: Vec<&String> = report.rejected.iter().collect();
    assert_eq!(told, ["a row of job 7: elapsed: `a\u{fffd}[2J` is not a number"]);
}
