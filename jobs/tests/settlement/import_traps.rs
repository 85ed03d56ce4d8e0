//! What other programs that count runs got wrong, as files of runs. `docs/ARCHITECTURE.md` has the list.

use crate::desk::{Desk, NOW};
use crate::importing::{completed, row, text, wish};
use jobs::import::{ImportReport, ImportWish, import};
use std::io::Cursor;

const ONE: &str = "cpu=8,gres/gpu=1,node=1";

/// What was asked for is a column as well.
fn asked_and_given(asked: &str, given: &str) -> String {
    let titles = crate::importing::TITLES.replace("AllocTRES", "ReqTRES|AllocTRES");
    let row = completed(1, 600, 500).replace(&format!("|{ONE}|"), &format!("|{asked}|{given}|"));
    format!("{titles}\n{row}")
}

/// Waldur's agent charges `ReqTRES`.
#[tokio::test]
async fn trap_what_was_asked_for_is_not_what_was_allocated() {
    for (asked, given, charged) in [
        ("cpu=8,gres/gpu=1,node=1", "cpu=32,gres/gpu=4,node=1", 400),
        ("cpu=32,gres/gpu=4,node=1", "cpu=8,gres/gpu=1,node=1", 100),
        ("", "cpu=8,gres/gpu=1,node=1", 100),
    ] {
        let desk = Desk::new().await;
        let report = desk.import(&asked_and_given(asked, given)).await;
        assert_eq!((report.counts.new, desk.used().await), (1, charged), "{asked} and {given}");
    }
}

/// AUDITOR's collector knows steps by `^[0-9_]+\.batch$`.
#[tokio::test]
async fn trap_a_step_is_never_a_run_and_a_component_always_is() {
    let step = |id: &str| row("123", "COMPLETED", 600, 500, ONE).replace("123|123|", &format!("{id}|{id}|"));
    let steps = ["123.batch", "123.extern", "123.interactive", "123.0", "123_4.batch"];
    let of_components = ["123+0.batch", "123+1.extern", "123+0.interactive", "123+1.7"];
    let rows: Vec<String> = ["123+0", "123+1"]
        .map(|id| row(id, "COMPLETED", 600, 500, ONE))
        .into_iter()
        .chain(steps.into_iter().chain(of_components).map(step))
        .collect();
    let desk = Desk::new().await;
    let source = Box::new(Cursor::new(text(&rows).into_bytes()));
    let report = import(&desk.house("ada"), wish(NOW), source).await.expect("imported");
    assert_eq!((report.counts.new, report.rejected.count, desk.used().await), (2, 0, 200), "{report:?}");
}

/// APEL's parser takes six end states, each by its exact word.
#[tokio::test]
async fn trap_however_it_ended_a_run_counts() {
    for state in [
        "COMPLETED",
        "FAILED",
        "TIMEOUT",
        "NODE_FAIL",
        "PREEMPTED",
        "CANCELLED",
        "CANCELLED by 1000",
        "OUT_OF_MEMORY",
        "DEADLINE",
        "BOOT_FAIL",
        "REVOKED",
    ] {
        let desk = Desk::new().await;
        let report = desk.import(&text(&[row("1", state, 600, 500, ONE)])).await;
        assert_eq!((report.counts.new, report.rejected.count, desk.used().await), (1, 0, 100), "{state}");
    }
}

/// AUDITOR stores nothing of a batch in which one record is known already.
#[tokio::test]
async fn trap_one_duplicate_in_a_bulk_costs_nothing() {
    let desk = Desk::new().await;
    desk.import(&text(&[completed(2, 600, 500)])).await;
    let bulk: Vec<String> = [1, 2, 3, 3, 4].map(|id| completed(id, 600, 500)).to_vec();
    let report = desk.import(&text(&bulk)).await;
    assert_eq!((report.counts.new, report.counts.same, report.rejected.count), (3, 2, 0), "{report:?}");
    assert_eq!(desk.used().await, 400);
}

/// Waldur's agent refuses a figure that is less than the last one, and what it reports to keeps the greatest.
#[tokio::test]
async fn trap_a_decrease_arrives() {
    let desk = Desk::new().await;
    desk.try_import(&text(&[completed(1, 600, 500)]), NOW - 400).await.expect("imported");
    let less = completed(1, 600, 500).replace("|100|", "|40|");
    let report = desk.import(&text(&[less])).await;
    assert_eq!((report.counts.corrected, desk.used().await), (1, 40));
}

async fn import_in_berlin(desk: &Desk, text: String) -> ImportReport {
    let zone = Some("Europe/Berlin".parse().expect("a zone"));
    let source = Box::new(Cursor::new(text.into_bytes()));
    import(&desk.house("ada"), ImportWish { zone, ..wish(NOW) }, source).await.expect("imported")
}

/// APEL reads local times. In the night of 25 October 2026 clocks in Berlin show each time from 02:00 to 03:00 twice.
#[tokio::test]
async fn trap_the_hour_that_comes_twice_is_not_guessed() {
    let run = |id: u64, start: &str, end: &str, elapsed: i64| {
        format!("{id}|{id}|testland|ada|hai|gpu|COMPLETED|0:0|{start}|{start}|{end}|{elapsed}|600|1|{ONE}|\n")
    };
    let rows = [
        // Over the whole night: five hours by the clock on the wall, six in truth.
        run(1, "2026-10-25T00:00:00", "2026-10-25T05:00:00", 6 * 3_600),
        run(2, "2026-10-25T01:00:00", "2026-10-25T02:30:00", 90 * 60),
        // The same with what tells the two hours apart.
        run(3, "2026-10-25T02:30:00+02:00", "2026-10-25T02:30:00+01:00", 3_600),
    ];
    let desk = Desk::new().await;
    let report = import_in_berlin(&desk, text(&rows)).await;
    assert_eq!((report.counts.new, report.rejected.count), (2, 1), "{report:?}");
    let why = &report.rejected.first[0];
    assert!(why.contains("the clock was changed then; write its offset from UTC behind it"), "{why}");
    assert!(why.contains("ask again with `SLURM_TIME_FORMAT=%s sacct ...`"), "{why}");
    // Nor is the hour that is skipped in spring.
    let skipped = run(4, "2026-03-29T02:30:00", "2026-03-29T05:00:00", 3_600);
    let why = import_in_berlin(&desk, text(&[skipped])).await.rejected.first.remove(0);
    assert!(
        why.contains("start: `2026-03-29T02:30:00` is no one instant") || why.contains("write its offset"),
        "{why}"
    );
    assert_eq!(desk.used().await, 7 * 3_600);
}

/// A run of which two rows of one file tell counts once, in what was charged and in the control total.
#[tokio::test]
async fn two_readings_of_a_run_in_one_file_are_one_run() {
    let longer =
        completed(1, 600, 500).replace("|100|", "|140|").replace(&(NOW - 500).to_string(), &(NOW - 460).to_string());
    for (what, rows) in [
        ("the same twice", vec![completed(1, 600, 500), completed(2, 600, 500), completed(1, 600, 500)]),
        ("two that differ", vec![completed(1, 600, 500), completed(2, 600, 500), longer.clone()]),
        ("in the other order", vec![longer.clone(), completed(2, 600, 500), completed(1, 600, 500)]),
    ] {
        let desk = Desk::new().await;
        let report = desk.import(&text(&rows)).await;
        let charged: i64 = report.counts.settled.iter().map(|settled| settled.amount.milli()).sum();
        let used = desk.used().await;
        assert_eq!(charged, used * 1000, "{what}: {:?}", report.counts);
        let gpu = report.totals.iter().find(|total| total.runs > 0).expect("a total");
        assert_eq!(
            (gpu.runs, gpu.milli.as_str()),
            (2, (used * 1000).to_string().as_str()),
            "{what}: {:?}",
            report.totals
        );
        assert_eq!(report.rows, 3, "{what}");
        // Once more, nothing changes, and the file has the same sums.
        let again = desk.import(&text(&rows)).await;
        assert_eq!((again.counts.settled.len(), &again.totals), (0, &report.totals), "{what}");
    }
}

/// A word that no known release prints is told, and the run is charged.
#[tokio::test]
async fn a_state_that_nobody_knows_is_told_and_charged() {
    let desk = Desk::new().await;
    let rows = ["FROBNICATED", "REQUEUED", "COMPLETED"].map(|state| row("1", state, 600, 500, ONE));
    let rows: Vec<String> =
        (1..).zip(rows).map(|(id, row): (u64, _)| row.replacen("1|1|", &format!("{id}|{id}|"), 1)).collect();
    let report = desk.import(&text(&rows)).await;
    assert_eq!((report.counts.new, report.counts.unknown_end_states, desk.used().await), (3, 1, 300));
}
