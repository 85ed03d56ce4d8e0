//! Runs from files: each once, whatever the order, and what the answer says about every row.

use crate::cluster::{run, stamped, waiting};
use crate::desk::{DAY, Desk, NOW, at};
use crate::failing_book::{At, FailingBook, FailingBooks};
use jobs::{
    JobsError,
    directory::Origin,
    import::{ImportReport, ImportWish, import},
};
use ledger::{Book, CloseReason, HoldId};
use model::JobId;
use std::{io::Cursor, sync::Arc};

pub(crate) const TITLES: &str = "JobIDRaw|JobID|Cluster|User|Account|Partition|State|ExitCode|Submit|Start|End|ElapsedRaw|\
                                 TimelimitRaw|AllocNodes|AllocTRES|Comment";

/// A row: id, state, start and end before now in seconds, and what was allocated.
pub(crate) fn row(id: &str, state: &str, started: i64, ended: i64, tres: &str) -> String {
    let (start, end, elapsed) = (NOW - started, NOW - ended, started - ended);
    let raw = id.split(['_', '+']).next().expect("one");
    let raw = if raw == id { raw.to_owned() } else { format!("9{}", id.replace(['_', '+'], "")) };
    format!("{raw}|{id}|testland|ada|hai|gpu|{state}|0:0|{}|{start}|{end}|{elapsed}|60|1|{tres}|\n", start - 10)
}

/// A run of one GPU.
pub(crate) fn completed(id: u64, started: i64, ended: i64) -> String {
    row(&id.to_string(), "COMPLETED", started, ended, "cpu=8,gres/gpu=1,node=1")
}

pub(crate) fn text(rows: &[String]) -> String {
    format!("{TITLES}\n{}", rows.concat())
}

pub(crate) fn wish(observed_at: i64) -> ImportWish {
    let command = "ledger import runs.psv".to_owned();
    ImportWish { command, cluster: None, observed_at: at(observed_at), zone: None, asked: None }
}

impl Desk {
    pub(crate) async fn try_import(&self, text: &str, observed_at: i64) -> Result<ImportReport, JobsError> {
        let source = Box::new(Cursor::new(text.as_bytes().to_vec()));
        let report = import(&self.house("ada"), wish(observed_at), source).await?;
        let jobs::settle::Counts { new, same, priced, corrected, covered, unattributed, .. } = report.counts;
        let all = new + same + priced + corrected + covered + unattributed;
        let rows = all + report.not_priced.count + report.rejected.count + report.running + report.not_started;
        assert_eq!(report.rows, rows, "every row is in one of the counts: {report:?}");
        Ok(report)
    }

    pub(crate) async fn import(&self, text: &str) -> ImportReport {
        self.try_import(text, NOW).await.expect("imported")
    }
}

/// New, same, corrected, unattributed, without a price, rejected.
fn counts(report: &ImportReport) -> [u64; 6] {
    let counts = &report.counts;
    let kept = [counts.new, counts.same, counts.corrected, counts.unattributed];
    [kept[0], kept[1], kept[2], kept[3], report.not_priced.count, report.rejected.count]
}

#[tokio::test]
async fn every_row_is_counted_once_and_one_bad_row_drops_no_other() {
    let desk = Desk::new().await;
    let rows = [
        completed(1, 5_000, 4_000),
        completed(2, 4_000, 3_000).replace("|hai|", "|other|"),
        completed(3, 4_000, 3_000).replace("|gpu|", "|mystery|"),
        completed(4, 4_000, 3_000).replace("|ada|", "|a|da|"),
        completed(5, 3_000, 4_000),
        completed(6, 3_000, 2_000).replace("|1000|", "|1e3|"),
        completed(7, 3_000, 2_000).replace("|60|", "|300000000000000000|"),
        "8.batch|8.batch|testland|||||||||||||\n".to_owned(),
        completed(9, 2_000, 1_000),
    ];
    let report = desk.import(&text(&rows)).await;
    assert_eq!(counts(&report), [2, 0, 0, 1, 1, 4]);
    assert_eq!((report.rows, report.steps, desk.used().await), (8, 1, 2_000));
    let listed: Vec<&str> = report.rejected.first.iter().map(|what| what.split(':').next().expect("a line")).collect();
    assert_eq!(listed, ["line 5", "line 6", "line 7", "line 8"], "{:?}", report.rejected.first);
    let again = desk.import(&text(&rows)).await;
    assert_eq!((counts(&again), desk.used().await), ([0, 4, 0, 0, 0, 4], 2_000));
    assert!(desk.book().verify().await.expect("verified").is_consistent());
}

#[tokio::test]
async fn the_header_of_a_batch_is_kept_with_control_totals() {
    let desk = Desk::new().await;
    let rows = text(&[completed(1, 5_000, 4_000), completed(2, 4_000, 3_500), completed(3, 9_000, 100)]);
    let report = desk.import(&rows).await;
    let totals: Vec<_> =
        report.totals.iter().map(|total| (total.unit.to_string(), total.runs, &*total.milli)).collect();
    assert_eq!(totals, [("testland:gpu".to_owned(), 3, "10400000"), ("testland:node".to_owned(), 3, "10400000")]);
    desk.import(&rows).await;
    let kept = desk.book().imports().await.expect("read");
    assert_eq!(kept.iter().map(|record| record.number).collect::<Vec<_>>(), [1, 2]);
    let (first, again) = (&kept[0].batch, &kept[1].batch);
    assert_eq!(first, again, "who reads the same gets the same sums");
    assert_eq!(
        (first.rows, first.reader.as_str(), first.command.as_str()),
        (3, "pakt test, sacct text", "ledger import runs.psv")
    );
    assert_eq!(first.digest, blake3_of(&rows));
    let window = first.window.expect("there are runs");
    assert_eq!((window.from, window.to), (at(NOW - 9_000), at(NOW - 100)));
}

fn blake3_of(text: &str) -> String {
    blake3::hash(text.as_bytes()).to_hex().to_string()
}

#[tokio::test]
async fn order_chunks_and_overlap_never_matter() {
    let early = text(&[completed(1, 5_000, 4_000), completed(2, 5_000, 4_500)]);
    let late = text(&[completed(2, 5_000, 3_000), completed(3, 5_000, 4_900)]);
    let mut ends = Vec::new();
    for order in [[(&early, NOW - 600), (&late, NOW)], [(&late, NOW), (&early, NOW - 600)]] {
        let desk = Desk::new().await;
        for (text, observed_at) in order {
            desk.try_import(text, observed_at).await.expect("imported");
        }
        ends.push(desk.used().await);
    }
    assert_eq!(ends, [3_100, 3_100], "the later reading counts, also where it comes first");
}

#[tokio::test]
async fn what_was_settled_live_is_known_in_a_file_and_the_other_way_round() {
    for file_first in [false, true] {
        let desk = Desk::new().await;
        let job = desk.job("ada", 1, NOW - 5_000, Origin::Adopted).await;
        job.submitted(2, NOW - 5_000, Some(NOW - 4_010)).await;
        let live = |id, started, ended| run(id, "ada", NOW - started, Some(NOW - ended));
        desk.says().runs = vec![live(1, 5_000, 4_000), live(2, 4_000, 3_000)];
        let file = text(&[completed(1, 5_000, 4_000), completed(2, 4_000, 3_000)]);
        if file_first {
            assert_eq!(counts(&desk.import(&file).await), [2, 0, 0, 0, 0, 0]);
        }
        let settled = desk.settle("ada").await.counts;
        assert_eq!((settled.new, settled.same, settled.corrected), if file_first { (0, 2, 0) } else { (2, 0, 0) });
        assert_eq!(counts(&desk.import(&file).await), [0, 2, 0, 0, 0, 0], "one that was taken over among them");
        assert_eq!(desk.used().await, 2_000);
    }
}

#[tokio::test]
async fn a_file_that_is_killed_in_the_middle_goes_on() {
    let rows: Vec<String> = (1..=25_000).map(|id| completed(id, 5_000, 4_999)).collect();
    let whole = text(&rows);
    for (how, stands) in [(At::Nothing, 10_000), (At::Done, 20_000)] {
        let desk = Desk::new().await;
        let mut house = desk.house("ada");
        house.books = Arc::new(FailingBooks(FailingBook::after(desk.book(), 2, how)));
        let source = Box::new(Cursor::new(whole.clone().into_bytes()));
        import(&house, wish(NOW), source).await.expect_err("a post failed");
        assert_eq!((desk.used().await, desk.book().imports().await.expect("read")), (stands, vec![]));
        let stands = u64::try_from(stands).expect("positive");
        assert_eq!(counts(&desk.import(&whole).await), [25_000 - stands, stands, 0, 0, 0, 0]);
        assert_eq!((desk.used().await, desk.book().imports().await.expect("read").len()), (25_000, 1));
    }
}

#[tokio::test]
async fn a_file_from_the_future_and_a_text_that_is_none_enter_nothing() {
    let desk = Desk::new().await;
    let rows = text(&[completed(1, 5_000, 4_000)]);
    let error = desk.try_import(&rows, NOW + 301).await.expect_err("from the future");
    assert!(error.why.contains("--observed-at"), "{error}");
    desk.try_import(&rows, NOW + 300).await.expect("clocks differ");
    let error = desk.try_import("a letter\nto a friend\n", NOW).await.expect_err("no titles");
    assert_eq!(error.gravity, jobs::Gravity::Usage);
    assert_eq!(desk.book().imports().await.expect("read").len(), 1);
}

/// A row of a job of ours that never had nodes.
fn unstarted(id: u64, state: &str, job: &str) -> String {
    format!("{id}|{id}|testland|ada|hai|gpu|{state}|0:0|{}|Unknown|Unknown|0|60|0||{job}\n", NOW - 900)
}

async fn closing(desk: &Desk, job: JobId) -> Option<CloseReason> {
    let hold = desk.book().hold(HoldId(job)).await.expect("read").expect("there");
    hold.closing.map(|closing| closing.reason)
}

#[tokio::test]
async fn holds_are_closed_by_what_is_over_and_by_nothing_else() {
    type Rows = fn(&str) -> Vec<String>;
    let cases: [(&str, Rows, Option<CloseReason>); 9] = [
        (
            "cancelled while it waited",
            |mark| vec![unstarted(1, "CANCELLED by 7", mark)],
            Some(CloseReason::NeverStarted),
        ),
        ("it waits", |mark| vec![unstarted(1, "PENDING", mark)], None),
        (
            "it ran",
            |mark| vec![completed(1, 800, 700).replace("|\n", &format!("|{mark}\n"))],
            Some(CloseReason::Finished),
        ),
        (
            "it was requeued and waits again",
            |mark| vec![completed(1, 800, 700).replace("|\n", &format!("|{mark}\n")), unstarted(1, "PENDING", mark)],
            None,
        ),
        (
            "its node failed, and the file ends there",
            |mark| {
                let row = completed(1, 800, 700).replace("COMPLETED", "NODE_FAIL");
                vec![row.replace("|\n", &format!("|{mark}\n"))]
            },
            None,
        ),
        (
            "its node failed, and it ran again to its end",
            |mark| {
                let failed = completed(1, 800, 700).replace("COMPLETED", "NODE_FAIL");
                [completed(1, 600, 500), failed].map(|row| row.replace("|\n", &format!("|{mark}\n"))).to_vec()
            },
            Some(CloseReason::Finished),
        ),
        ("its row cannot be read", |mark| vec![unstarted(1, "CANCELLED", mark).replace("|0:0|", "|0|")], None),
        ("a row of anybody was cut", |mark| vec![unstarted(1, "CANCELLED", mark), "17|17|test\n".to_owned()], None),
        ("it is another's", |_| vec![unstarted(1, "CANCELLED", "")], None),
    ];
    for (what, rows, reason) in cases {
        let desk = Desk::new().await;
        let job = desk.job("ada", 1, NOW - 1_000, Origin::Shell).await;
        let report = desk.import(&text(&rows(&job.stamp().to_string()))).await;
        assert_eq!(closing(&desk, job.id).await, reason, "{what}");
        assert_eq!(report.closed, if reason.is_some() { vec![job.id] } else { vec![] }, "{what}");
    }
}

/// `scontrol requeue` starts a job again that had ended, whatever its state; a file from before knows nothing of that.
#[tokio::test]
async fn a_file_from_before_a_requeue_closes_no_hold_of_a_job_that_was_seen_since() {
    for (is_running, observed_at, is_closed) in
        [(false, NOW - 3_600, false), (true, NOW - 3_600, false), (false, NOW + 60, true)]
    {
        for state in ["COMPLETED", "FAILED"] {
            let desk = Desk::new().await;
            let job = desk.job("ada", 1, NOW - DAY, Origin::Shell).await;
            if is_running {
                desk.says().runs = vec![stamped(run(1, "ada", NOW - 600, None), job.stamp())];
            } else {
                let mut again = waiting(1, "ada", NOW - 600);
                again.stamp = Some(job.stamp());
                desk.says().queue = vec![again];
            }
            desk.settle("ada").await;
            let marked = completed(1, 8_000, 7_000).replace("COMPLETED", state);
            let file = text(&[marked.replace("|\n", &format!("|{}\n", job.stamp()))]);
            let report = desk.try_import(&file, observed_at).await.expect("imported");
            assert_eq!(report.closed.is_empty(), !is_closed, "{state} {is_running} {observed_at}: {report:?}");
            assert_eq!(closing(&desk, job.id).await.is_some(), is_closed, "{state} {is_running} {observed_at}");
        }
    }
}

#[tokio::test]
async fn a_run_draws_from_its_hold_as_it_does_live() {
    let desk = Desk::new().await;
    let job = desk.job("ada", 1, NOW - DAY, Origin::Shell).await;
    desk.says().runs = vec![stamped(run(1, "ada", NOW - 800, Some(NOW - 700)), job.stamp())];
    let marked = completed(1, 800, 700).replace("|\n", &format!("|{}\n", job.stamp()));
    desk.import(&text(&[marked])).await;
    let hold = desk.book().hold(HoldId(job.id)).await.expect("read").expect("there");
    assert_eq!(
        (hold.charged.milli(), hold.closing.map(|closing| closing.reason)),
        (100_000, Some(CloseReason::Finished))
    );
    let settled = desk.settle("ada").await.counts;
    assert_eq!((settled.new, settled.same, desk.used().await), (0, 1, 100));
}
