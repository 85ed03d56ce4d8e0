//! A job's whole life on this machine, as its person sees it.

use crate::desk::Desk;
use insta::assert_snapshot;
use serde_json::{Value, json};

const TRAIN: &str =
    "for step in 1 2 3; do echo \"$step 3 loss=$((10 - step))\" >>\"$PAKT_PROGRESS\"; done; echo trained";

#[test]
fn a_job_is_checked_planned_submitted_watched_and_settled() {
    let desk = Desk::new();
    let file = desk.job("tiny", TRAIN);
    assert_snapshot!(desk.pakt(&["ledger", "init"]).shown(), @"");
    assert_snapshot!(
        desk.pakt(&["ledger", "grant", "atlas", "10", "--unit", "local:core", "--from", "2026-01-01", "--until", "2099-01-01"]).shown(),
        @""
    );
    assert_snapshot!(desk.pakt(&["check", &file]).shown(), @"");
    assert_snapshot!(desk.pakt(&["plan", "--no-script", &file]).shown(), @"");
    assert_snapshot!(desk.pakt(&["submit", "--watch", &file]).expect(0).stderr, @"");
    assert_snapshot!(desk.pakt(&["logs", "tiny"]).shown(), @"");
    assert_snapshot!(desk.pakt(&["settle"]).shown(), @"");
    assert_snapshot!(desk.pakt(&["balance", "atlas"]).shown(), @"");
    assert_snapshot!(desk.pakt(&["ledger", "verify"]).shown(), @"");
    assert_eq!(desk.kinds("local:core"), ["grant", "settle"]);
}

#[test]
fn programs_read_the_same_as_people() {
    let desk = Desk::with_grant("10");
    let file = desk.job("tiny", TRAIN);
    let planned = desk.json(&["plan", &file]);
    assert_eq!(planned["hold"]["unit"], "local:core");
    assert_eq!(planned["placement"]["nodes"], 1);
    let submitted = desk.json(&["submit", &file]);
    let id = submitted["id"].as_str().expect("an id").to_owned();
    assert_eq!(submitted["outcome"], "new");
    assert_eq!(submitted["hold"], json!({ "unit": "local:core", "amount": 600_000 }));
    let watched = desk.json(&["watch", &id]);
    assert_eq!(watched["ended"]["state"]["base"], "COMPLETED", "{watched}");
    let listed = desk.json(&["jobs"]);
    assert_eq!(listed["jobs"][0]["id"], id.as_str());
    assert_eq!(listed["jobs"][0]["phase"], "ended");
    let shown = desk.json(&["show", &id]);
    assert_eq!(shown["attempts"][0]["exit_code"], 0);
    assert_eq!(shown["progress"], json!({ "step": 3, "total": 3, "note": "loss=7" }));
    assert_eq!(shown["hold"]["closing"]["reason"], "finished");
    assert_eq!(desk.json(&["logs", &id])["text"], "trained\n");
    let balance = &desk.json(&["balance"])["balances"][0];
    let number = |value: &Value| value.as_i64().expect("an integer");
    assert_eq!(number(&balance["used"]), number(&shown["hold"]["charged"]));
    assert_eq!(number(&balance["committed"]), 0);
    assert_eq!(number(&balance["free"]), 36_000_000 - number(&balance["used"]));
    assert_eq!(desk.json(&["usage", "--mine"])["usage"]["rows"][0]["runs"], 1);
    assert_eq!(desk.json(&["settle"])["settled"]["new"], 0);
    assert_eq!(desk.json(&["cancel", &id])["cancelled"]["was_over"], true);
    assert!(desk.json(&["sites"])["sites"].as_array().expect("sites").len() > 10);
    assert_eq!(desk.json(&["sites", "show", "jupiter"])["site"], "jupiter");
    assert_eq!(desk.json(&["doctor"])["doctor"]["site"], "local");
    assert_eq!(desk.json(&["ledger", "verify"])["is_consistent"], true);
}
