//! Runs that accounting answers now: the same runs as from a file, and nothing of what runs or waits.

use crate::cluster::{run, waiting};
use crate::desk::{DAY, Desk, NOW, at};
use crate::importing::{completed, text};
use jobs::{
    directory::Origin,
    import::{ImportReport, LiveWish, import_live},
};
use ledger::{Book, HoldId};
use scheduler_adapters::{AdapterErrorKind, RejectedRow};

impl Desk {
    async fn import_live(&self, user: &str, since: i64, all_users: bool) -> ImportReport {
        let command = "ledger import --from slurm".to_owned();
        let wish = LiveWish { command, since: at(since), all_users };
        import_live(&self.house(user), wish).await.expect("imported")
    }

    /// What was read, as text.
    async fn readings(&self) -> Vec<String> {
        let readings = self.book().coverage(&"testland".parse().expect("a site")).await.expect("read");
        let shown = |reading: ledger::Coverage| {
            let (from, to) = (reading.window.from.epoch_seconds() - NOW, reading.window.to.epoch_seconds() - NOW);
            format!("{} {from} {to} {}", reading.scope, reading.whole_accounts.len())
        };
        readings.into_iter().map(shown).collect()
    }
}

#[tokio::test]
async fn runs_come_as_from_a_file_each_once_however_many_windows_show_it() {
    let desk = Desk::new().await;
    desk.says().runs = vec![
        run(1, "ada", NOW - 20 * DAY, Some(NOW - 18 * DAY)),
        run(2, "ada", NOW - 9 * DAY, Some(NOW - 9 * DAY + 50)),
        run(3, "ada", NOW - 100, None),
        run(4, "bob", NOW - 9 * DAY, Some(NOW - 9 * DAY + 60)),
        run(5, "ada", NOW - 31 * DAY, Some(NOW - 30 * DAY - 1)),
    ];
    let report = desk.import_live("ada", NOW - 30 * DAY, false).await;
    assert_eq!((report.counts.new, report.rows, report.running, report.rejected.count), (2, 3, 1, 0), "{report:?}");
    assert_eq!(desk.used().await, 2 * DAY + 50);
    assert!(desk.says().asked.len() > 5, "not all in one answer");
    let totals: Vec<_> = report.totals.iter().map(|total| (total.runs, &*total.milli)).collect();
    assert_eq!(totals, [(2, "172850000"), (2, "172850000")]);
    let kept = desk.book().imports().await.expect("read");
    assert_eq!(kept.len(), 1);
    assert_eq!((kept[0].batch.rows, kept[0].batch.reader.as_str()), (3, "pakt test, accounting"));
    // Again, and from a file.
    let again = desk.import_live("ada", NOW - 30 * DAY, false).await;
    assert_eq!((again.counts.new, again.counts.same, again.totals), (0, 2, report.totals));
    let file = text(&[completed(2, 9 * DAY, 9 * DAY - 50)]);
    assert_eq!(desk.import(&file).await.counts.same, 1);
    assert_eq!(desk.readings().await, [format!("user:ada {} 0 0", -30 * DAY)]);
}

#[tokio::test]
async fn a_run_that_accounting_forgot_to_end_is_told_and_charged_once_it_has_an_end() {
    let desk = Desk::new().await;
    let mut lost = run(1, "ada", NOW - 20 * DAY, None);
    lost.elapsed = model::WallTime::from_seconds(20 * 86_400);
    desk.says().runs = vec![lost, run(2, "ada", NOW - 600, None)];
    let report = desk.import_live("ada", NOW - 30 * DAY, false).await;
    let submitted = at(NOW - 20 * DAY - 10);
    let told = format!(
        "the run of job 1 on testland, submitted at {submitted}: accounting says that it runs, for 20-00:00:00 by then, with a \
         limit of 01:00:00"
    );
    assert_eq!((report.running, report.runaway.count, &report.runaway.first), (2, 1, &vec![told]));
    assert_eq!((report.counts.new, report.is_complete(), desk.used().await), (0, true, 0));
    desk.says().runs = vec![run(1, "ada", NOW - 20 * DAY, Some(NOW - 20 * DAY + 100))];
    let mended = desk.import_live("ada", NOW - 30 * DAY, false).await;
    assert_eq!((mended.runaway.count, mended.counts.new, desk.used().await), (0, 1, 100));
}

#[tokio::test]
async fn no_cursor_moves_and_no_hold_is_closed() {
    let desk = Desk::new().await;
    let job = desk.job("ada", 1, NOW - DAY, Origin::Shell).await;
    desk.says().runs = vec![run(2, "ada", NOW - 800, Some(NOW - 700))];
    desk.says().queue = vec![waiting(7, "ada", NOW - 60)];
    desk.import_live("ada", NOW - 2 * DAY, false).await;
    let hold = desk.book().hold(HoldId(job.id)).await.expect("read").expect("there");
    assert_eq!((hold.closing, desk.cursor("user:ada").await), (None, None));
    assert_eq!(desk.balance().await.foreign_committed.milli(), 0, "nothing was observed");
}

#[tokio::test]
async fn a_coordinator_reads_the_accounts_in_which_others_were_seen() {
    let desk = Desk::new().await;
    desk.says().runs = vec![run(1, "bob", NOW - 800, Some(NOW - 700))];
    let report = desk.import_live("carol", NOW - DAY, true).await;
    assert_eq!((report.counts.new, desk.used().await), (1, 100));
    assert_eq!(desk.readings().await, [format!("all:carol {} 0 1", -DAY)]);
}

#[tokio::test]
async fn rights_that_could_not_be_asked_for_are_told() {
    let desk = Desk::new().await;
    desk.says().runs = vec![run(1, "bob", NOW - 800, Some(NOW - 700))];
    desk.says().fails = Some(("rights", AdapterErrorKind::AccountingDown));
    let report = desk.import_live("carol", NOW - DAY, true).await;
    assert!(report.notes[0].starts_with("accounting did not say what carol may see"), "{:?}", report.notes);
    assert_eq!((report.counts.new, report.coverage[0].rights), (1, None));
    assert_eq!(desk.import_live("carol", NOW - DAY, true).await.notes, Vec::<String>::new());
}

#[tokio::test]
async fn what_was_read_ends_at_the_first_row_that_was_not_taken_in() {
    let desk = Desk::new().await;
    desk.says().runs = vec![run(1, "ada", NOW - 800, Some(NOW - 700))];
    let raw = ["2", &(NOW - 500).to_string(), "/home", "", "", "train"].join("\u{1f}");
    let reason = "elapsed: `x` is not a number".to_owned();
    desk.says().rejected = vec![RejectedRow { raw, reason, stamp: None, is_cut: false }];
    let report = desk.import_live("ada", NOW - DAY, false).await;
    assert_eq!((report.counts.new, report.rejected.first.len(), report.is_complete()), (1, 1, false));
    assert!(report.rejected.first[0].starts_with("a row of job 2"), "{:?}", report.rejected.first);
    assert_eq!(desk.readings().await, [format!("user:ada {} -500 0", -DAY)]);
    // A run that the books reject ends it, too.
    let other = Desk::new().await;
    let mut long = run(1, "ada", NOW - 800, Some(NOW - 700));
    long.elapsed = model::WallTime::from_seconds(5_000);
    other.says().runs = vec![long];
    let report = other.import_live("ada", NOW - DAY, false).await;
    assert_eq!((report.rejected.count, report.rows), (1, 1), "{report:?}");
    assert_eq!(other.readings().await, [format!("user:ada {} -700 0", -DAY)]);
}

#[tokio::test]
async fn an_answer_that_breaks_off_leaves_what_was_posted_and_notes_nothing() {
    let desk = Desk::new().await;
    desk.says().runs = vec![run(1, "ada", NOW - 800, Some(NOW - 700))];
    desk.says().fails = Some(("the rest of the runs", AdapterErrorKind::Unreachable));
    let wish = LiveWish { command: String::new(), since: at(NOW - DAY), all_users: false };
    let error = import_live(&desk.house("ada"), wish).await.expect_err("it broke off");
    assert_eq!(error.gravity, jobs::Gravity::Unreachable);
    assert_eq!((desk.book().imports().await.expect("read"), desk.readings().await), (vec![], Vec::<String>::new()));
    assert_eq!(desk.import_live("ada", NOW - DAY, false).await.rejected.count, 0);
    assert_eq!(desk.used().await, 100);
}
