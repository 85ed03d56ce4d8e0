//! Who made a file, with which rights, on which release: what of it the ledger believes.

use crate::desk::{DAY, Desk, NOW, at};
use crate::importing::{TITLES, completed, text, wish};
use jobs::{
    directory::Origin,
    import::{Asked, ImportReport, ImportWish, Rights, import},
};
use ledger::{Book, Coverage, HoldId, account_coverage};
use model::Window;
use std::io::Cursor;

const BOTH: [&str; 2] = [
    include_str!("../../../scheduler-adapters/tests/fixtures/slurm-22.05/sacct-X-D-all-fields.psv"),
    include_str!("../../../scheduler-adapters/tests/fixtures/slurm-25.11/sacct-X-D-all-fields.psv"),
];

async fn import_as(desk: &Desk, text: &str, wish: ImportWish) -> ImportReport {
    let source = Box::new(Cursor::new(text.as_bytes().to_vec()));
    import(&desk.house("ada"), wish, source).await.expect("imported")
}

fn asked(rights: Rights, since: Option<i64>, until: Option<i64>) -> Asked {
    Asked { by: "olga".parse().expect("a user"), rights, since: since.map(at), until: until.map(at) }
}

#[tokio::test]
async fn a_file_covers_what_a_person_says_of_it_and_no_more() {
    let rows = text(&[completed(1, 5_000, 4_000), completed(2, 4_000, 3_000).replace("|hai|", "|other|")]);
    let bad = rows.replace("|1000|60|", "|x|60|");
    for (what, rows, asked, whole, own, unread) in [
        ("nobody says", &rows, None, "", "", "-9000..0"),
        ("self", &rows, Some(asked(Rights::Own, None, None)), "", "-4000..-2999", "-9000..-4000 -2999..0"),
        ("coordinator", &rows, Some(asked(Rights::Accounts, None, None)), "-4000..-2999", "", "-9000..-4000 -2999..0"),
        ("site", &rows, Some(asked(Rights::Cluster, None, None)), "-4000..-2999", "", "-9000..-4000 -2999..0"),
        (
            "since",
            &rows,
            Some(asked(Rights::Cluster, Some(NOW - 6_000), None)),
            "-6000..-2999",
            "",
            "-9000..-6000 -2999..0",
        ),
        ("a window", &rows, Some(asked(Rights::Own, Some(NOW - 9_000), Some(NOW))), "", "-9000..0", ""),
        (
            "until is not before it was asked",
            &rows,
            Some(asked(Rights::Own, None, Some(NOW + 50))),
            "",
            "-4000..0",
            "-9000..-4000",
        ),
        ("a row is missing", &bad, Some(asked(Rights::Cluster, Some(NOW - 9_000), Some(NOW))), "", "", "-9000..0"),
    ] {
        let desk = Desk::new().await;
        let report = import_as(&desk, rows, ImportWish { asked, ..wish(NOW) }).await;
        assert_eq!(report.coverage.is_empty(), whole.is_empty() && own.is_empty(), "{what}");
        let readings = desk.book().coverage(&"testland".parse().expect("a site")).await.expect("read");
        let account = "hai".parse().expect("an account");
        let span = Window { from: at(NOW - 9_000), to: at(NOW) };
        let coverage = account_coverage(&readings, Some(&account), span);
        let own_windows = coverage.own.values().next().map(Vec::as_slice).unwrap_or_default();
        assert_eq!(
            (shown(&coverage.whole), shown(own_windows), shown(&coverage.unread)),
            (whole.to_owned(), own.to_owned(), unread.to_owned()),
            "{what}"
        );
    }
}

fn shown(windows: &[Window]) -> String {
    let ago = |at: model::Timestamp| at.epoch_seconds() - NOW;
    windows.iter().map(|window| format!("{}..{}", ago(window.from), ago(window.to))).collect::<Vec<_>>().join(" ")
}

#[tokio::test]
async fn an_account_that_the_file_does_not_have_is_covered_by_who_runs_the_cluster_alone() {
    for (rights, is_whole) in [(Rights::Accounts, false), (Rights::Cluster, true)] {
        let desk = Desk::new().await;
        let rows = text(&[completed(1, 5_000, 4_000)]);
        let wished = ImportWish { asked: Some(asked(rights, Some(NOW - 9_000), Some(NOW))), ..wish(NOW) };
        let report = import_as(&desk, &rows, wished).await;
        let span = Window { from: at(NOW - 9_000), to: at(NOW) };
        let account = "elsewhere".parse().expect("an account");
        let covered: &[Coverage] = &report.coverage;
        assert_eq!(account_coverage(covered, Some(&account), span).whole == [span], is_whole, "{rights:?}");
    }
}

/// A time after the jobs of the fixtures.
const AFTER_FIXTURES: i64 = 1_796_000_000;

/// The fixture's rows as `zone` has them, for the site of the test.
async fn import_fixture(desk: &Desk, text: &str) -> ImportReport {
    let (cluster, zone) = (Some("testland".parse().expect("a name")), Some("Europe/Berlin".parse().expect("a zone")));
    import_as(desk, text, ImportWish { cluster, zone, ..wish(AFTER_FIXTURES) }).await
}

/// The same rows with their columns turned round, and without those that only the newer release has.
fn as_another_release(text: &str) -> String {
    let titles: Vec<&str> = text.lines().next().expect("titles").split('|').collect();
    let kept: Vec<usize> = (0..titles.len())
        .rev()
        .filter(|place| !["SLUID", "Restarts", "Planned", "PlannedCPU", "StdErr", "Comment"].contains(&titles[*place]))
        .collect();
    let line = |line: &str| {
        let values: Vec<&str> = line.split('|').collect();
        // A row in which somebody wrote the delimiter is left as it is: it is rejected both times.
        if values.len() == titles.len() {
            kept.iter().map(|place| values[*place]).collect::<Vec<_>>().join("|")
        } else {
            line.to_owned()
        }
    };
    text.lines().map(line).collect::<Vec<_>>().join("\n") + "\n"
}

#[tokio::test]
async fn the_same_runs_in_another_releases_columns_are_the_same() {
    for text in BOTH {
        let desk = Desk::new().await;
        desk.set_clock(AFTER_FIXTURES);
        let first = import_fixture(&desk, text).await;
        let taken = first.counts.new + first.counts.unattributed;
        assert!(taken > 5, "{first:?}");
        for other in [as_another_release(text), text.to_owned()] {
            let again = import_fixture(&desk, &other).await;
            let counts = &again.counts;
            assert_eq!(
                (counts.new, counts.corrected, counts.unattributed, counts.same),
                (0, 0, 0, taken),
                "{:?}",
                again.rejected
            );
        }
        assert_eq!(import_fixture(&desk, &as_another_release(text)).await.counts.same, taken);
        assert!(desk.book().verify().await.expect("verified").is_consistent());
    }
}

#[tokio::test]
async fn slurms_own_id_is_another_name_of_the_run_and_a_disagreement_is_rejected() {
    let row = |id: u64, sluid: &str| completed(id, 5_000, 4_000).replace("|\n", &format!("||{sluid}\n"));
    let text = |rows: &[String]| format!("{TITLES}|SLUID\n{}", rows.concat());
    let desk = Desk::new().await;
    // An upgrade: the run is known without it first.
    desk.import(&crate::importing::text(&[completed(1, 5_000, 4_000)])).await;
    let upgraded = desk.import(&text(&[row(1, "s1"), row(2, "s2")])).await;
    assert_eq!((upgraded.counts.same, upgraded.counts.new), (1, 1));
    let disagreeing = desk.import(&text(&[row(1, "s9"), row(2, "s1"), row(3, "s3")])).await;
    assert_eq!((disagreeing.rejected.count, disagreeing.counts.new, desk.used().await), (2, 1, 3_000));
    assert!(disagreeing.rejected.first[0].contains("has another SLUID than s9"), "{:?}", disagreeing.rejected.first);
    assert!(disagreeing.rejected.first[1].contains("belongs to run"), "{:?}", disagreeing.rejected.first);
    // A job that is in no book has the SLUID of another one: it is no reading of that.
    let unknown = desk.import(&text(&[row(4, "s1")])).await;
    assert_eq!((unknown.counts.new, unknown.counts.same, unknown.rejected.count), (0, 0, 1));
    assert!(unknown.rejected.first[0].contains("its SLUID s1 belongs to run"), "{:?}", unknown.rejected.first);
    assert_eq!(desk.used().await, 3_000);
    // Two rows of one file that disagree.
    let fresh = Desk::new().await;
    let report = fresh.import(&text(&[row(1, "s1"), row(1, "s2")])).await;
    assert_eq!((report.counts.new, report.rejected.count), (1, 1));
}

/// The rows as somebody prints them who leaves the comment away and knows persons by number alone.
fn without_comment_and_name(text: &str) -> String {
    let line = |line: &str| {
        let mut values: Vec<&str> = line.split('|').collect();
        values.pop();
        values[3] = match values[3] {
            "User" => "UID",
            _ => "1000",
        };
        values.join("|")
    };
    text.lines().map(line).collect::<Vec<_>>().join("\n") + "\n"
}

#[tokio::test]
async fn a_reader_who_tells_less_takes_no_run_off_its_hold() {
    for silent_first in [false, true] {
        let desk = Desk::new().await;
        let job = desk.job("ada", 1, NOW - DAY, Origin::Shell).await;
        let told = text(&[completed(1, 800, 700).replace("|\n", &format!("|{}\n", job.stamp()))]);
        let silent = without_comment_and_name(&told);
        assert!(silent.contains("|1000|hai|") && !silent.contains("Comment"), "{silent}");
        if silent_first {
            desk.import(&silent).await;
        }
        desk.import(&told).await;
        for (seconds, text) in [(10, &silent), (20, &told), (30, &silent)] {
            let counts = desk.try_import(text, NOW + seconds).await.expect("imported").counts;
            assert_eq!((counts.same, counts.corrected, counts.new), (1, 0, 0), "{text}");
        }
        let hold = desk.book().hold(HoldId(job.id)).await.expect("read").expect("there");
        assert_eq!((hold.charged.milli(), desk.used().await), (100_000, 100));
    }
}
