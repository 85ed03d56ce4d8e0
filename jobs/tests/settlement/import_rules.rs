//! The rules by which rows of accounting become GPU-seconds, each with the case that others get wrong.

use crate::desk::{DAY, Desk, NOW};
use crate::importing::{completed, row, text};
use jobs::refund::{RefundWish, RefundedJob};
use ledger::{Book, EntryKind};
use model::{SchedulerJobId, Window};

const ONE: &str = "cpu=8,gres/gpu=1,node=1";

/// What `atlas` has used after these rows, in GPU-seconds, and how many rows were rejected.
async fn used(rows: &[String]) -> (i64, u64) {
    let desk = Desk::new().await;
    let report = desk.import(&text(rows)).await;
    (desk.used().await, report.rejected.count)
}

#[tokio::test]
async fn rule_1_gpus_are_the_total_else_the_sum_of_the_types_never_both() {
    for (tres, gpus) in [
        ("cpu=8,gres/gpu=4,gres/gpu:h100=4,node=1", 4),
        ("cpu=8,gres/gpu:h100=2,gres/gpu:a100=1,node=1", 3),
        ("cpu=8,gres/gpu=2,node=1", 2),
    ] {
        assert_eq!(used(&[row("1", "COMPLETED", 600, 500, tres)]).await, (gpus * 100, 0), "{tres}");
    }
    // What is not tracked is not zero: the run is listed, and nobody is charged.
    let desk = Desk::new().await;
    let report = desk.import(&text(&[row("1", "COMPLETED", 600, 500, "cpu=8,node=1")])).await;
    assert_eq!((report.counts.unattributed, desk.used().await), (1, 0));
}

#[tokio::test]
async fn rule_2_the_partition_says_whether_whole_nodes_are_charged() {
    // JUPITER's nodes are never shared: their GPUs are all of them, where they are not tracked and where fewer are written.
    for tres in ["cpu=576,node=2", "cpu=576,gres/gpu=1,node=2"] {
        charges_two_nodes(tres).await;
    }
}

async fn charges_two_nodes(tres: &str) {
    let mut desk = Desk::new().await;
    desk.profile_knows(&["gpu"]);
    let mut house = desk.house("ada");
    house.here = "jupiter".parse().expect("a site");
    let rows =
        text(&[row("1", "COMPLETED", 600, 500, tres).replace("|gpu|", "|booster|")]).replace("|testland|", "|jupiter|");
    let source = Box::new(std::io::Cursor::new(rows.into_bytes()));
    let report = jobs::import::import(&house, crate::importing::wish(NOW), source).await.expect("imported");
    let totals: Vec<_> = report.totals.iter().map(|total| (total.unit.to_string(), &*total.milli)).collect();
    assert!(totals.contains(&("jupiter:gh200".to_owned(), "800000")), "{totals:?}");
    assert!(totals.contains(&("jupiter:core".to_owned(), "57600000")), "{totals:?}");
}

/// `XDMoD` counts from start to end, time of suspension included.
#[tokio::test]
async fn rule_3_suspended_time_is_not_charged_and_more_than_the_span_is_no_run() {
    let suspended = completed(1, 600, 500).replace("|100|", "|40|");
    assert_eq!(used(&[suspended]).await, (40, 0));
    assert_eq!(used(&[completed(1, 600, 500).replace("|100|", "|102|")]).await, (0, 1));
    // Where the file tells how long it was suspended, that and the time in which it ran make the span.
    for (elapsed, suspended, expected) in [
        (40, "00:01:00", (40, 0)),
        (40, "00:00:59", (40, 0)),
        (40, "00:00:00", (0, 1)),
        (100, "00:01:00", (0, 1)),
        (40, "INVALID", (40, 0)),
        (40, "", (40, 0)),
    ] {
        let run = completed(1, 600, 500).replace("|100|", &format!("|{elapsed}|"));
        let text = text(&[run])
            .replace("|Comment\n", "|Suspended|Comment\n")
            .replace("node=1|", &format!("node=1|{suspended}|"));
        let desk = Desk::new().await;
        let report = desk.import(&text).await;
        assert_eq!((desk.used().await, report.rejected.count), expected, "{elapsed} s, suspended {suspended}");
    }
}

/// AUDITOR and Waldur's agent know one start of a job: one leaves out `-D`, the other's key is the id alone.
#[tokio::test]
async fn rule_4_every_start_of_a_requeued_job_is_a_run() {
    let starts = [("NODE_FAIL", 9_000), ("REQUEUED", 7_000), ("PREEMPTED", 5_000), ("COMPLETED", 3_000)];
    let rows: Vec<String> = starts.map(|(state, from)| row("7", state, from, from - 100, ONE)).to_vec();
    assert_eq!(used(&rows).await, (400, 0));
}

#[tokio::test]
async fn rule_5_each_size_of_a_resized_job_is_a_run() {
    // Slurm enters a new row, submitted when the size changed.
    let rows = [
        row("7", "RESIZING", 900, 600, "cpu=8,gres/gpu=4,node=1"),
        row("7", "COMPLETED", 600, 100, "cpu=8,gres/gpu=2,node=1"),
    ];
    assert_eq!(used(&rows).await, (300 * 4 + 500 * 2, 0));
}

/// Through slurmdbd each row of a job that changed its size has the start of the whole job, and the time of the change as its
/// submission (seen on 22.05.8): read as they are, the first part would be paid for again with every change.
#[tokio::test]
async fn rule_5_a_size_counts_from_the_change_on_where_slurm_keeps_the_first_start() {
    let changed = |ago: i64, state: &str, tres: &str| {
        let as_entered = format!("|{}|{}|", NOW - 910, NOW - 900);
        row("7", state, 900, 100, tres).replace(&as_entered, &format!("|{}|{}|", NOW - ago, NOW - 900))
    };
    for (first, second) in [(600, 300), (890, 880)] {
        let until = |from: i64, to: i64, state: &str, tres: &str| {
            let long = format!("|{}|{}|", NOW - 100, 800);
            let (end, elapsed) = (NOW - to, 900 - to);
            let part = changed(from, state, tres);
            assert!(part.contains(&long), "{part}");
            part.replace(&long, &format!("|{end}|{elapsed}|"))
        };
        let rows = [
            row("7", "RESIZING", 900, first, "cpu=8,gres/gpu=4,node=1"),
            until(first, second, "RESIZING", "cpu=8,gres/gpu=2,node=1"),
            changed(second, "COMPLETED", "cpu=8,gres/gpu=1,node=1"),
        ];
        let expected = (900 - first) * 4 + (first - second) * 2 + (second - 100);
        assert_eq!(used(&rows).await, (expected, 0), "{rows:?}");
    }
}

/// What was submitted behind its start counts from there on, and what was submitted behind its end is no run.
#[tokio::test]
async fn a_run_that_is_submitted_behind_its_end_is_no_run() {
    let submitted = |id: u64, behind_start: i64| {
        let from = format!("|{}|{}|", NOW - 610, NOW - 600);
        completed(id, 600, 500).replace(&from, &format!("|{}|{}|", NOW - 600 + behind_start, NOW - 600))
    };
    let desk = Desk::new().await;
    let report = desk.import(&text(&[submitted(1, 0), submitted(2, 60), submitted(3, 3_600)])).await;
    assert_eq!((report.counts.new, report.rejected.count, desk.used().await), (2, 1, 100 + 40));
    assert!(report.rejected.first[0].contains("behind its end"), "{report:?}");
}

#[tokio::test]
async fn rule_6_components_are_runs_of_their_own() {
    let rows = ["7+0", "7+1", "7+2"].map(|id| row(id, "COMPLETED", 600, 500, ONE));
    assert_eq!(used(&rows).await, (300, 0));
}

#[tokio::test]
async fn rule_7_tasks_of_an_array_are_runs_and_what_waits_of_it_is_none() {
    let waits = format!("7|7_[5-9%2]|testland|ada|hai|gpu|PENDING|0:0|{}|Unknown|Unknown|0|60|0||\n", NOW - 900);
    let rows = [row("7_1", "COMPLETED", 600, 500, ONE), row("7_2", "FAILED", 600, 550, ONE), waits];
    assert_eq!(used(&rows).await, (150, 0));
}

#[tokio::test]
async fn rule_8_what_still_runs_is_counted_and_not_entered() {
    let runs = completed(1, 600, 0).replace("COMPLETED", "RUNNING").replace(&format!("|{NOW}|"), "|Unknown|");
    let desk = Desk::new().await;
    let report = desk.import(&text(&[runs])).await;
    assert_eq!((report.running, report.counts.new, desk.used().await), (1, 0, 0));
}

#[tokio::test]
async fn rule_9_what_was_cancelled_before_its_start_costs_nothing() {
    let never = format!("1|1|testland|ada|hai|gpu|CANCELLED by 7|0:0|{}|Unknown|{NOW}|0|60|0||\n", NOW - 900);
    let at_once = row("2", "CANCELLED", 600, 600, ONE);
    let desk = Desk::new().await;
    let report = desk.import(&text(&[never, at_once])).await;
    assert_eq!((report.not_started, report.counts.new, report.rejected.count, desk.used().await), (1, 1, 0, 0));
}

#[tokio::test]
async fn rule_10_a_runaway_job_is_corrected_when_the_site_mends_it() {
    let desk = Desk::new().await;
    // Ended by a guess, then mended: its end is its start.
    desk.try_import(&text(&[completed(1, 90_000, 700)]), NOW - 600).await.expect("imported");
    assert_eq!(desk.used().await, 89_300);
    let mended = completed(1, 90_000, 90_000);
    let report = desk.import(&text(&[mended])).await;
    assert_eq!((report.counts.corrected, desk.used().await), (1, 0));
}

/// As long as accounting has no end of it nobody knows one: it is told, by its line, and charged once the site has mended it.
#[tokio::test]
async fn rule_10_a_runaway_job_is_told_and_charged_once_it_is_mended() {
    let runs = |id: u64, started: i64, limit: &str| {
        let row = completed(id, started, 0).replace("COMPLETED", "RUNNING").replace(&format!("|{NOW}|"), "|Unknown|");
        row.replace("|60|1|", &format!("|{limit}|1|"))
    };
    let desk = Desk::new().await;
    let rows = [
        runs(1, 600, "60"),
        runs(2, 20 * DAY, "60"),
        // Within its limit, in the hour in which nodes end it, behind that, and without a limit.
        runs(3, 20 * DAY, "30000"),
        runs(4, 7_200, "60"),
        runs(5, 7_201, "60"),
        runs(6, 7 * DAY, "UNLIMITED"),
        runs(7, 8 * DAY, "UNLIMITED"),
    ];
    let report = desk.import(&text(&rows)).await;
    let told = |line: u64, id: u64, started: i64, ran: &str| {
        let submitted = crate::desk::at(NOW - started - 10);
        format!(
            "line {line}: the run of job {id} on testland, submitted at {submitted}: accounting says that it runs, for {ran}"
        )
    };
    let expected = [
        told(3, 2, 20 * DAY, "20-00:00:00 by then, with a limit of 01:00:00"),
        told(6, 5, 7_201, "02:00:01 by then, with a limit of 01:00:00"),
        told(8, 7, 8 * DAY, "8-00:00:00 by then, with no limit"),
    ];
    assert_eq!((report.runaway.count, &report.runaway.first), (3, &expected.to_vec()));
    assert_eq!((report.running, report.counts.new, report.rejected.count, desk.used().await), (7, 0, 0, 0));
    // The site gives it the end that it had after half an hour.
    let mended = text(&[completed(2, 20 * DAY, 20 * DAY - 1_800)]);
    let report = desk.import(&mended).await;
    assert_eq!((report.runaway.count, report.counts.new, desk.used().await), (0, 1, 1_800));
    let again = desk.import(&mended).await;
    assert_eq!((again.counts.same, desk.used().await), (1, 1_800), "once");
}

#[tokio::test]
async fn rule_11_an_edited_row_corrects_and_a_purged_one_says_nothing() {
    let desk = Desk::new().await;
    desk.try_import(&text(&[completed(1, 600, 500), completed(2, 600, 500)]), NOW - 100).await.expect("imported");
    let edited = completed(1, 600, 500).replace("gres/gpu=1", "gres/gpu=4");
    let report = desk.import(&text(&[edited])).await;
    assert_eq!((report.counts.corrected, desk.used().await), (1, 500));
    let corrects = desk.entries().await.iter().filter(|entry| entry.kind == EntryKind::Correct).count();
    assert_eq!(corrects, 2, "one that reverses and one that charges anew");
}

/// Waldur's months end at 23:59:59, `XDMoD`'s periods include their last second.
#[tokio::test]
async fn rule_12_periods_meet_and_each_second_of_a_run_is_in_one() {
    let desk = Desk::new().await;
    desk.import(&text(&[completed(1, 600, 500), completed(2, 600, 499)])).await;
    let (project, unit) = ("atlas".parse().expect("a project"), "testland:gpu".parse().expect("a unit"));
    let border = crate::desk::at(NOW - 500);
    let window = |from, to| Window { from, to };
    let before =
        desk.book().statement(&project, &unit, window(border.plus_seconds(-DAY), border), None).await.expect("read");
    let behind =
        desk.book().statement(&project, &unit, window(border, border.plus_seconds(DAY)), None).await.expect("read");
    let seconds =
        |lines: &[model::StatementLine]| lines.iter().map(|line| -line.amount.milli() / 1000).collect::<Vec<_>>();
    assert_eq!((seconds(&before.lines), seconds(&behind.lines)), (vec![100, 100], vec![1]), "half-open");
}

#[tokio::test]
async fn rule_13_a_revoked_sibling_costs_nothing() {
    let revoked = format!("1|1|testland|ada|hai|gpu|REVOKED|0:0|{}|Unknown|{NOW}|0|60|0||\n", NOW - 900);
    let desk = Desk::new().await;
    let report = desk.import(&text(&[revoked])).await;
    assert_eq!((report.not_started, report.rejected.count, desk.used().await), (1, 0, 0));
}

#[tokio::test]
async fn rule_14_a_run_on_a_failed_node_is_charged_until_it_is_refunded() {
    let desk = Desk::new().await;
    let failed = row("4711", "NODE_FAIL", 600, 500, ONE);
    desk.import(&text(&[failed, row("4711", "COMPLETED", 400, 370, ONE)])).await;
    assert_eq!(desk.used().await, 130);
    let house = desk.house("ada");
    let refund = async |run: Option<&str>| {
        let wish = RefundWish {
            site: None,
            job: RefundedJob::Scheduled(SchedulerJobId::new(4711)),
            run: run.map(|run| run.parse().expect("a run")),
            amount: None,
            reason: "node failed".to_owned(),
        };
        jobs::refund::refund(&house, wish).await
    };
    let refused = refund(None).await.expect_err("two starts");
    let (first, second) = (crate::desk::at(NOW - 610), crate::desk::at(NOW - 410));
    let (started, again) = (crate::desk::at(NOW - 600), crate::desk::at(NOW - 400));
    let listed = format!(
        "several runs of the job were charged: 4711@{first} (started {started}, NODE_FAIL, 0.028 GPU-h); \
         4711@{second} (started {again}, COMPLETED, 0.008 GPU-h)"
    );
    assert_eq!(refused.why, listed);
    assert!(refund(Some("4711@2020-01-01T00:00:00Z")).await.is_err(), "no such run");
    assert_eq!(desk.used().await, 130, "nothing was given back");
    let refunded = refund(Some(&format!("4711@{first}"))).await.expect("refunded");
    assert_eq!((refunded.run.run.submitted_at, refunded.amount.milli(), desk.used().await), (first, 100_000, 30));
}

/// jobstats has one row for each cluster and id.
#[tokio::test]
async fn rule_15_an_id_that_was_used_again_is_another_run() {
    assert_eq!(used(&[completed(7, 90 * DAY, 90 * DAY - 50), completed(7, 600, 500)]).await, (150, 0));
}

#[tokio::test]
async fn rule_16_an_end_five_minutes_ahead_is_believed_and_a_later_one_is_not() {
    assert_eq!(used(&[completed(1, 600, -300)]).await, (900, 0));
    assert_eq!(used(&[completed(1, 600, -301)]).await, (0, 1));
}
