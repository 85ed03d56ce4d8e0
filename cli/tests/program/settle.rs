//! `pakt settle` where something cannot be taken in: it says so whatever is asked, and ends with 5.

use crate::desk::Desk;
use std::fs;

/// A job that ran, and beside it a record of another that nobody can read.
fn desk_with_a_broken_record() -> Desk {
    let desk = Desk::with_grant("10");
    let file = desk.job("tiny", "true");
    desk.pakt(&["submit", "--watch", &file]).expect(0);
    let broken = desk.home().join("state/local/jobs/00000099");
    fs::create_dir(&broken).expect("fresh");
    fs::write(broken.join("record.json"), "\u{1b}[2J no record").expect("ours");
    desk
}

#[test]
fn what_is_not_taken_in_ends_the_program_with_5_and_is_told_in_any_case() {
    let desk = desk_with_a_broken_record();
    let loud = desk.pakt(&["settle"]).expect(5);
    assert!(loud.stdout.contains("settled until"), "{}", loud.stdout);
    for ran in [&loud, &desk.pakt(&["settle", "--quiet"]).expect(5)] {
        assert!(ran.stderr.contains("warning: not taken in: a row of job 99"), "{}", ran.stderr);
        assert!(ran.stderr.contains("error: not everything was settled"), "{}", ran.stderr);
        assert!(!ran.stderr.contains('\u{1b}'), "{:?}", ran.stderr);
    }
    assert_eq!(desk.pakt(&["settle", "--quiet"]).stdout, "");
    let json = desk.pakt(&["--json", "settle"]).expect(5);
    let report: serde_json::Value = serde_json::from_str(&json.stdout).expect("JSON");
    assert_eq!(report["settled"]["rejected"].as_array().map(Vec::len), Some(1), "{report}");
    let failure: serde_json::Value = serde_json::from_str(&json.stderr).expect("JSON on stderr too");
    assert_eq!(failure["error"]["exit_code"], 5);
    let balance = desk.pakt(&["balance"]).expect(0);
    assert!(balance.stderr.contains("not every run could be counted"), "{}", balance.stderr);
}

#[test]
fn a_settlement_without_a_flaw_is_quiet_in_cron() {
    let desk = Desk::with_grant("10");
    let ran = desk.pakt(&["settle", "--quiet"]).expect(0);
    assert_eq!((ran.stdout, ran.stderr), (String::new(), String::new()));
}

#[test]
fn a_time_that_is_none_is_refused() {
    let desk = Desk::with_grant("10");
    for (words, what) in [
        (vec!["settle", "--since", "2999-01-01"], "error: nothing was settled"),
        (vec!["usage", "--mine", "--since", "2999-01-01"], "error: no usage was shown"),
        (vec!["jobs", "--most", "0"], "error: no jobs were listed"),
    ] {
        let before = desk.everything();
        let refused = desk.pakt(&words).expect(2);
        let lines: Vec<&str> = refused.stderr.lines().collect();
        assert!(lines.len() == 3 && lines[0].starts_with(what), "{words:?}: {}", refused.stderr);
        assert!(lines[1].starts_with("why:") && lines[2].starts_with("next:"), "{words:?}: {}", refused.stderr);
        assert_eq!((refused.stdout.as_str(), desk.everything()), ("", before), "{words:?}");
    }
    assert!(desk.pakt(&["usage", "--mine", "--since", "2999-01-01"]).stderr.contains("no time lies between them"));
}
