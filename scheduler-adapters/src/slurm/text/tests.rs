//! Recorded texts of two releases, and what can go wrong with a file.

use super::*;
use model::{BaseState, Run, Stamp, Timestamp};
use proptest::prelude::*;

const OLD: &str = include_str!("../../../tests/fixtures/slurm-22.05/sacct-X-D-all-fields.psv");
const NEW: &str = include_str!("../../../tests/fixtures/slurm-25.11/sacct-X-D-all-fields.psv");
const STEPS: &str = include_str!("../../../tests/fixtures/slurm-22.05/sacct-D-steps-default.psv");

/// After the recordings.
const OBSERVED: i64 = 1_795_400_000;

fn facts(zone: Option<&str>) -> TextFacts {
    TextFacts {
        site: "jupiter".parse().expect("a site"),
        cluster: None,
        reader: "alice".parse().expect("a user"),
        observed_at: Timestamp::from_epoch_seconds(OBSERVED),
        zone: zone.map(|zone| zone.parse().expect("a zone")),
    }
}

/// What was found, by line.
#[derive(Debug, Default, PartialEq, Eq)]
struct Found {
    runs: Vec<Run>,
    not_started: Vec<NotStarted>,
    steps: usize,
    rejected: Vec<(u64, String)>,
}

fn read_pieces<'a>(pieces: impl Iterator<Item = &'a [u8]>, facts: TextFacts) -> Result<Found, TextError> {
    let mut found = Found::default();
    let mut take = |line: u64, row: TextRow| match row {
        TextRow::Run(run) => found.runs.push(*run),
        TextRow::NotStarted(job) => found.not_started.push(job),
        TextRow::Step => found.steps += 1,
        TextRow::Rejected(row) => found.rejected.push((line, row.reason)),
    };
    let mut text = AccountingText::new(facts);
    for piece in pieces {
        text.read(piece, &mut take)?;
    }
    text.finish(&mut take)?;
    Ok(found)
}

fn read(text: &str) -> Found {
    read_pieces(std::iter::once(text.as_bytes()), facts(Some("UTC"))).expect("readable")
}

const TITLES: &str =
    "JobIDRaw|JobID|Cluster|User|Account|Partition|State|Submit|Start|End|ElapsedRaw|AllocNodes|AllocTRES";

/// A text of these rows: id, shown id, state, submit, start, end and elapsed.
fn text(rows: &[[&str; 7]]) -> String {
    let row = |[raw, id, state, submit, start, end, elapsed]: &[&str; 7]| {
        let nodes = if *start == "Unknown" { "0|" } else { "2|cpu=576,gres/gpu=8,node=2" };
        format!("{raw}|{id}|jupiter|ada|hai|booster|{state}|{submit}|{start}|{end}|{elapsed}|{nodes}\n")
    };
    format!("{TITLES}\n{}", rows.iter().map(row).collect::<String>())
}

const RUN: [&str; 7] = ["7", "7", "COMPLETED", "1795300000", "1795300010", "1795300070", "60"];

fn with(place: usize, value: &'static str) -> [&'static str; 7] {
    let mut row = RUN;
    row[place] = value;
    row
}

#[test]
fn a_row_is_kept_without_the_words_of_its_submission_wherever_they_stand() {
    let row = "7|7|jupiter|ada|hai|booster|COMPLETED|1795300000|1795300010|1795300070|60|1|node=1";
    for (titles, values, kept) in [
        (format!("SubmitLine|{TITLES}"), format!("sbatch grün|{row}"), format!("|{row}")),
        (format!("{TITLES}|SubmitLine"), format!("{row}|sbatch x"), format!("{row}|")),
        (format!("{TITLES}|SubmitLine|JobName"), format!("{row}|sbatch x|grün"), format!("{row}||grün")),
        (TITLES.to_owned(), row.to_owned(), row.to_owned()),
        (format!("{TITLES}|JobName"), format!("{row}|a;b"), format!("{row}|a;b")),
    ] {
        let found = read(&format!("{titles}\n{values}\n"));
        assert_eq!(found.runs[0].raw, kept.replace('|', "\u{1f}"), "{titles}");
    }
    // A delimiter in the last value is a part of it.
    let found = read(&format!("{TITLES}|JobName\n{row}|a|b\n"));
    assert_eq!(found.runs[0].raw, format!("{}\u{1f}a|b", row.replace('|', "\u{1f}")));
}

#[test]
fn all_columns_of_two_releases_are_read_whatever_their_order() {
    for (release, text, shifted) in [("22.05", OLD, 1), ("25.11", NEW, 1)] {
        let found = read(text);
        assert_eq!(found.rejected.len(), shifted, "{release}: {:?}", found.rejected);
        assert!(
            found.rejected[0].1.contains("nobody can tell in which"),
            "{release}: a `|` in a name and a command line"
        );
        let by_name = |name: &str| found.runs.iter().filter(|run| run.name == name).count();
        assert_eq!(
            (by_name("het"), by_name("array"), by_name("requeued"), by_name("train")),
            (2, 6, 2, 1),
            "{release}"
        );
        assert!(found.runs.iter().all(|run| run.name != "cancelled-pending"), "{release}: it never started");
        let all = found.runs.len() + found.not_started.len() + shifted;
        assert_eq!(all, text.lines().count() - 1, "{release}: no row is lost");
        assert!(found.runs.iter().all(|run| run.sluid.is_some() == (release == "25.11")));
        let secret = found.runs.iter().find(|run| run.raw.contains("sbatch"));
        assert_eq!(secret, None, "{release}: the words of the submission are not kept");
    }
}

#[test]
fn without_zone_local_times_are_refused_as_a_whole() {
    let error = read_pieces(std::iter::once(OLD.as_bytes()), facts(None)).expect_err("local times");
    assert_eq!(error, TextError::NoZone("2026-11-22T07:33:33".to_owned()));
    // One hour earlier in Germany's winter.
    let berlin = read_pieces(std::iter::once(OLD.as_bytes()), facts(Some("Europe/Berlin"))).expect("read");
    let utc = read(OLD);
    assert_eq!(utc.runs[0].started_at.seconds_since(berlin.runs[0].started_at), 3_600);
}

/// APEL guesses which of two hours a local time means.
#[test]
fn times_in_every_form() {
    for (time, zone, seconds) in [
        ("1795300010", None, Ok(1_795_300_010)),
        ("2026-11-21T22:26:50Z", None, Ok(1_795_300_010)),
        ("2026-11-21T23:26:50+01:00", None, Ok(1_795_300_010)),
        ("2026-11-21T23:26:50+0100", None, Ok(1_795_300_010)),
        ("2026-11-21T23:26:50", Some("Europe/Berlin"), Ok(1_795_300_010)),
        ("2026-10-25T02:30:00", Some("Europe/Berlin"), Err("the clock was changed then")),
        ("2026-03-29T02:30:00", Some("Europe/Berlin"), Err("the clock was changed then")),
        ("tomorrow", None, Err("is not a time")),
        ("99999999999999999999", None, Err("is not a time")),
    ] {
        // Behind a row with a usable time, so that a text is not refused as a whole.
        let text = text(&[RUN, ["8", "8", "COMPLETED", "1700000000", time, "1795300070", "0"]]);
        let found = read_pieces(std::iter::once(text.as_bytes()), facts(zone)).expect("a text");
        match seconds {
            Ok(seconds) => assert_eq!(found.runs[1].started_at.epoch_seconds(), seconds, "{time}"),
            Err(why) => assert!(found.rejected[0].1.contains(why), "{time}: {:?}", found.rejected),
        }
    }
    let late = text(&[RUN, with(3, "2026-11-21T23:26:50")]);
    let found = read_pieces(std::iter::once(late.as_bytes()), facts(None)).expect("a text");
    assert_eq!((found.runs.len(), found.rejected.len()), (1, 1), "further in only its row is refused");
}

#[test]
fn ids_of_every_form_and_rows_that_are_no_runs() {
    let found = read(&text(&[
        RUN,
        ["7.batch", "7.batch", "COMPLETED", "1795300000", "1795300010", "1795300070", "60"],
        ["8.interactive", "7+1.interactive", "COMPLETED", "1795300000", "1795300010", "1795300070", "60"],
        ["8", "7+1", "COMPLETED", "1795300000", "1795300010", "1795300070", "60"],
        ["9", "7_[3-5%2]", "PENDING", "1795300000", "Unknown", "Unknown", "0"],
        ["10", "7_2", "OUT_OF_MEMORY", "1795300000", "1795300010", "1795300070", "60"],
        ["11", "11", "CANCELLED by 1000", "1795300000", "None", "1795300070", "0"],
        // The same id, wrapped or requeued.
        ["7", "7", "NODE_FAIL", "1700300000", "1700300010", "1700300070", "60"],
        ["7", "7", "RUNNING", "1795300080", "1795300090", "Unknown", "60"],
    ]));
    assert_eq!((found.runs.len(), found.steps, found.not_started.len(), &found.rejected[..]), (5, 2, 2, &[][..]));
    assert_eq!(found.not_started.iter().map(|job| job.is_over).collect::<Vec<_>>(), [false, true]);
    let states: Vec<_> = found.runs.iter().map(|run| (run.shown_id.as_str(), run.state.base)).collect();
    assert_eq!(
        states,
        [
            ("7", BaseState::Completed),
            ("7+1", BaseState::Completed),
            ("7_2", BaseState::OutOfMemory),
            ("7", BaseState::NodeFail),
            ("7", BaseState::Running)
        ]
    );
    let keys: std::collections::BTreeSet<_> = found.runs.iter().map(|run| &run.key).collect();
    assert_eq!(keys.len(), 5, "each is a run of its own");
}

#[test]
fn a_delimiter_in_a_name_shifts_no_column() {
    let row = |name: &str| {
        format!("7|7|jupiter|{name}|ada|hai|booster|COMPLETED|1795300000|1795300010|1795300070|60|1|node=1\n")
    };
    let titles = TITLES.replace("Cluster|", "Cluster|JobName|") + "\n";
    let found = read(&format!("{titles}{}{}{}", row("a|b"), row("good"), row("|||")));
    assert_eq!(found.runs.iter().map(|run| run.name.as_str()).collect::<Vec<_>>(), ["good"]);
    assert_eq!(found.rejected.iter().map(|(line, _)| *line).collect::<Vec<_>>(), [2, 4]);
    // Where nothing else is free text, what is too much belongs to the name behind all others.
    let last = |name: &str| {
        format!("7|7|jupiter|ada|hai|booster|COMPLETED|1795300000|1795300010|1795300070|60|1|node=1|{name}\n")
    };
    let found = read(&format!("{TITLES}|JobName\n{}", last("a|b")));
    assert_eq!(found.runs[0].name, "a|b");
    let found = read(&format!("{TITLES}|Comment|JobName\n{}", last("x|a|b")));
    assert_eq!((found.runs.len(), found.rejected.len()), (0, 1), "in the comment or in the name?");
    // A control character that nobody writes.
    let found = read(&format!("{titles}{}", row("a/b")).replace('|', "\u{1}"));
    assert_eq!(found.runs[0].name, "a/b");
}

#[test]
fn rows_with_a_closing_delimiter_and_line_breaks_in_names() {
    let titles = TITLES.replace("Cluster|", "Cluster|JobName|");
    let row = |name: &str| {
        format!("7|7|jupiter|{name}|ada|hai|booster|COMPLETED|1795300000|1795300010|1795300070|60|1|node=1|\r\n")
    };
    let found = read(&format!("Welcome!\n{titles}|\r\n{}{}", row("two\nlines"), row("good")));
    assert_eq!(found.runs.iter().map(|run| run.name.as_str()).collect::<Vec<_>>(), ["two\nlines", "good"]);
    // A break where nobody writes freely is a row that was cut, and costs no other.
    let cut = row("good").replace("|booster", "\n|booster");
    let found = read(&format!("{titles}|\n{cut}{}", row("good")));
    assert_eq!((found.runs.len(), found.rejected.len()), (1, 2));
}

#[test]
fn a_text_that_was_cut_anywhere_misreads_nothing() {
    let whole = text(&[RUN, with(0, "8")]);
    let all = read(&whole);
    for end in TITLES.len() + 1..whole.len() {
        let found = read(&whole[..end]);
        assert!(all.runs.starts_with(&found.runs), "cut at {end}");
        assert_eq!(found.rejected.is_empty(), whole[..end].ends_with('\n'), "cut at {end}: {:?}", found.rejected);
    }
    for (text, error) in [("", TextError::NoHeader), ("no titles\n", TextError::NoHeader)] {
        assert_eq!(read_pieces(std::iter::once(text.as_bytes()), facts(None)), Err(error), "{text}");
    }
}

#[test]
fn titles_that_say_too_little_are_refused_and_named() {
    let error = read_pieces(std::iter::once(STEPS.as_bytes()), facts(None)).expect_err("few columns");
    let missing = ["JobIDRaw", "Submit", "Start", "End", "ElapsedRaw", "AllocTRES", "User", "Cluster"];
    assert_eq!(error, TextError::MissingColumns(missing.to_vec()));
    let without = text(&[RUN]).replace("|Cluster", "").replace("|jupiter", "");
    let of = TextFacts { cluster: Some("jedi".parse().expect("a cluster")), ..facts(None) };
    let found = read_pieces(std::iter::once(without.as_bytes()), of).expect("it is named");
    assert_eq!(found.runs[0].key.cluster.as_str(), "jedi");
}

#[test]
fn answers_that_were_put_together_are_read_each_by_its_own_titles() {
    let other = "State|JobIDRaw|JobID|Cluster|User|Account|Partition|Submit|Start|End|ElapsedRaw|AllocNodes|AllocTRES\n\
                 FAILED|8|8|jupiter|bob|hai|booster|1795300000|1795300010|1795300070|60|1|node=1\n";
    let found = read(&format!("{}{}{other}", text(&[RUN]), text(&[with(0, "9")])));
    let users: Vec<_> = found.runs.iter().map(|run| (run.key.scheduler_job.raw(), run.user.as_str())).collect();
    assert_eq!((users, found.rejected), (vec![(7, "ada"), (9, "ada"), (8, "bob")], vec![]));
    let fewer = read(&format!("{}JobID|User\n8|bob\n", text(&[RUN])));
    assert_eq!((fewer.runs.len(), fewer.rejected.len()), (1, 2), "{:?}", fewer.rejected);
}

#[test]
fn other_encodings_cost_a_row_only_where_they_hide_who_it_is() {
    let mut bytes = format!("\u{feff}{TITLES}|JobName\n").into_bytes();
    for (user, name) in [(&b"ada"[..], &b"gr\xfcn"[..]), (&b"m\xfcller"[..], &b"x"[..])] {
        bytes.extend_from_slice(b"7|7|jupiter|");
        bytes.extend_from_slice(user);
        bytes.extend_from_slice(b"|hai|booster|COMPLETED|1795300000|1795300010|1795300070|60|1|node=1|");
        bytes.extend_from_slice(name);
        bytes.push(b'\n');
    }
    let found = read_pieces(std::iter::once(&bytes[..]), facts(None)).expect("a text");
    assert_eq!(found.runs.iter().map(|run| run.name.as_str()).collect::<Vec<_>>(), ["gr\u{fffd}n"]);
    assert_eq!(found.rejected, [(3, "User is not written in UTF-8".to_owned())]);
}

#[test]
fn a_line_without_end_is_one_row_lost_and_no_memory() {
    let mut reader = AccountingText::new(facts(None));
    let (mut runs, mut rejected) = (0, Vec::new());
    let mut take = |line: u64, row: TextRow| match row {
        TextRow::Run(_) => runs += 1,
        TextRow::Rejected(row) => rejected.push((line, row.raw.len(), row.reason)),
        other => panic!("{other:?}"),
    };
    let good = text(&[RUN]);
    reader.read(good.as_bytes(), &mut take).expect("a text");
    let piece = vec![b'x'; 1_000_000];
    for _ in 0..1_000 {
        reader.read(&piece, &mut take).expect("a text");
        assert!(reader.line_capacity() <= 32 * 1024 * 1024, "{}", reader.line_capacity());
    }
    reader.read(b"\n", &mut take).expect("a text");
    reader.read(good.as_bytes().split_at(TITLES.len() + 1).1, &mut take).expect("a text");
    reader.finish(&mut take).expect("a text");
    assert_eq!((runs, rejected), (2, vec![(3, 1_000, "it is longer than any row can be".to_owned())]));
}

#[test]
fn numbers_and_times_that_cannot_be_cost_their_row() {
    for (row, reason) in [
        (with(0, "4294967296"), "job id"),
        (with(0, "-7"), "job id"),
        (with(0, "0"), "job id: Slurm gives no job the number 0"),
        (with(0, "4294967294"), "job id: Slurm gives no job the number 4294967294"),
        (with(6, "1e9"), "elapsed"),
        (with(5, "1795400301"), "accounting was asked at"),
        (with(3, "Unknown"), "no submit time"),
    ] {
        let found = read(&text(&[row, with(0, "8")]));
        assert_eq!(found.runs.len(), 1, "{reason}");
        assert!(found.rejected[0].1.contains(reason), "{reason}: {:?}", found.rejected);
    }
    assert_eq!(read(&text(&[with(5, "1795400300")])).runs.len(), 1, "clocks differ by minutes");
}

#[test]
fn the_mark_of_a_job_is_found_in_rows_that_cannot_be_read_too() {
    let mark = "pakt-01kb2v6m3ynf0q5w8r7d4c9xzt-2";
    let text =
        text(&[RUN]).replace("|AllocTRES\n", "|AllocTRES|Comment\n").replace("node=2\n", &format!("node=2|{mark}\n"));
    assert_eq!(read(&text).runs[0].stamp, mark.parse::<Stamp>().ok());
}

proptest! {
    #[test]
    fn any_bytes_are_read_without_panic_and_the_same_in_pieces(
        rest in "(7\\|7\\|jupiter\\|ada\\|hai\\|booster\\|COMPLETED\\|1\\|2\\|3\\|1\\|1\\||JobIDRaw\\||[0-9|a-z]{0,9}|\n|\r|.){0,30}",
        size in 1_usize..50,
    ) {
        let text = format!("{TITLES}|JobName\n{rest}");
        let whole = read_pieces(std::iter::once(text.as_bytes()), facts(None));
        prop_assert_eq!(whole, read_pieces(text.as_bytes().chunks(size), facts(None)));
    }

    #[test]
    fn any_text_is_answered_without_panic(text in "(JobID|\\||\n|\u{1f}|.){0,60}") {
        drop(read_pieces(text.as_bytes().chunks(7), facts(None)));
    }
}
