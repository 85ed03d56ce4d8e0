//! `pakt ledger grant`, `bind`, `unbind`, `reattribute`, `enforce`: what is mistyped is refused, and what was mistaken is
//! put right.

use crate::desk::Desk;
use serde_json::json;

/// A ledger of jupiter's, in which `atlas-gpu` spends ten hours of `atlas`.
fn desk() -> Desk {
    let desk = Desk::new();
    desk.configure("site: jupiter\n");
    desk.pakt(&["ledger", "init"]).expect(0);
    desk.pakt(&GRANT).expect(0);
    desk
}

const GRANT: [&str; 12] = [
    "ledger",
    "grant",
    "atlas",
    "10",
    "--unit",
    "jupiter:gh200",
    "--account",
    "atlas-gpu",
    "--from",
    "2026-11-01",
    "--until",
    "2027-11-01",
];

#[test]
fn mistyped_names_change_nothing_and_are_told_with_the_nearest() {
    let desk = desk();
    let before = desk.pakt(&["ledger", "export"]).stdout;
    let unit = ["--unit", "jupiter:gh200"];
    for (words, why, next) in [
        (vec!["grant", "atals", "5"], "no project `atals`, and one called `atlas`", "`--new-project`"),
        (vec!["enforce", "atals"], "no project `atals`", "did you mean `atlas`?"),
        (vec!["open", "atals", "5", "--note", "x"], "no project `atals`", "did you mean `atlas`?"),
        (vec!["bind", "atals", "--account", "x"], "one called `atlas`", "`--new-project`"),
        (vec!["bind", "atlas"], "which Slurm account", "--whole-site"),
        (vec!["bind", "atlas", "--whole-site", "--user", "ada"], "the whole of it", "leave `--whole-site` out"),
        (vec!["unbind", "7"], "no binding 7", "pakt ledger bindings"),
    ] {
        let has_unit = words[0] != "unbind";
        let unit: &[&str] = if has_unit { &unit } else { &[] };
        let ran = desk.pakt(&[&["ledger"], &words[..], unit].concat()).expect(2);
        assert!(ran.stderr.contains(why) && ran.stderr.contains(next), "{words:?}: {}", ran.stderr);
    }
    for (unit, next) in [
        ("jupiter:gh20", "did you mean `jupiter:gh200`?"),
        ("jupitre:gh200", "did you mean `jupiter:gh200`?"),
        ("jupiter:node", "it has one in jupiter:gh200"),
    ] {
        let ran = desk.pakt(&["ledger", "enforce", "atlas", "--unit", unit]).expect(2);
        assert!(ran.stderr.contains(next), "{unit}: {}", ran.stderr);
    }
    for partition in ["grete-shared", "GRETE_SHARED"] {
        let bind = ["ledger", "bind", "atlas", "--unit", "grete:a100", "--account", "x", "--partition", partition];
        let ran = desk.pakt(&bind).expect(2).stderr;
        assert!(ran.contains(&format!("is in partition `{partition}`: Slurm calls it `grete:shared`")), "{ran}");
        assert!(ran.contains("next:  write `--partition grete:shared`"), "{ran}");
    }
    assert_eq!(desk.pakt(&["ledger", "export"]).stdout, before);
    let bind = ["ledger", "bind", "atlas", "--unit", "grete:a100", "--account", "x", "--partition"];
    let ran = desk.pakt(&[&bind[..], &["grete:shard"]].concat()).expect(0).stderr;
    assert!(ran.contains("knows no partition `grete:shard`; where `grete:shared` is meant"), "{ran}");
    assert_eq!(desk.pakt(&[&bind[..], &["grete:shared"]].concat()).expect(0).stderr, "");
    desk.pakt(&["ledger", "grant", "atals", "5", "--unit", "jupiter:gh200", "--account", "x", "--new-project"])
        .expect(0);
}

#[test]
fn a_grant_entered_twice_says_so_and_another_size_asks_for_another_number() {
    let desk = desk();
    let again = desk.pakt(&GRANT).expect(0);
    assert!(again.stdout.contains("was entered before, and nothing changed"), "{}", again.stdout);
    let mut other = GRANT;
    other[3] = "20";
    let refused = desk.pakt(&other).expect(2);
    for words in ["grant `initial` of `atlas` is in the ledger with 10.000 GPU-h", "`--reference NUMBER`"] {
        assert!(refused.stderr.contains(words), "{}", refused.stderr);
    }
    assert!(!refused.stderr.contains("grant/"), "keys are ours: {}", refused.stderr);
    let before = desk.pakt(&["ledger", "export"]).stdout;
    let slip: Vec<&str> = GRANT.into_iter().map(|word| if word == "atlas-gpu" { "altas" } else { word }).collect();
    let refused = desk.pakt(&slip).expect(2).stderr;
    for words in ["account `altas` at `jupiter` is not charged to it", "`pakt ledger bind atlas --unit jupiter:gh200`"]
    {
        assert!(refused.contains(words), "{refused}");
    }
    assert_eq!(desk.pakt(&["ledger", "export"]).stdout, before);
    // A twelfth a month, of which this one and the next are in reach.
    let balance = &desk.json(&["balance", "--offline"])["balances"][0];
    let all = ["granted", "later", "expired"].map(|part| balance[part].as_i64().expect("an amount"));
    assert_eq!(all.iter().sum::<i64>(), 36_000_000, "{balance}");
}

#[test]
fn bindings_are_listed_and_taken_back() {
    let desk = desk();
    let bound = desk.json(&["ledger", "bindings"])["bindings"].clone();
    assert_eq!(
        (&bound[0]["number"], &bound[0]["account"], &bound[0]["to"]),
        (&json!(1), &json!("atlas-gpu"), &json!(null))
    );
    let other = ["ledger", "grant", "borealis", "5", "--unit", "jupiter:gh200", "--account", "atlas-gpu"];
    let refused = desk.pakt(&other).expect(2);
    assert!(
        refused.stderr.contains("account `atlas-gpu` at `jupiter` is bound to project `atlas`"),
        "{}",
        refused.stderr
    );
    let ended = desk.pakt(&["ledger", "unbind", "1", "--from-its-beginning"]).expect(0);
    assert!(ended.stdout.contains("says nothing any more"), "{}", ended.stdout);
    assert!(ended.stderr.contains("pakt ledger reattribute jupiter"), "{}", ended.stderr);
    let listed = desk.pakt(&["ledger", "bindings", "atlas"]).expect(0).stdout;
    assert!(listed.contains("never"), "{listed}");
    let granted = desk.pakt(&other).expect(0);
    assert!(granted.stdout.contains("account `atlas-gpu` at `jupiter` spends it"), "{}", granted.stdout);
    let moved = desk.json(&["ledger", "reattribute", "jupiter", "--from", "2026-11-01"]);
    assert_eq!(moved["moved"], 0);
}

#[test]
fn a_job_of_a_mistyped_project_does_not_pass_an_enforced_budget_by() {
    let desk = Desk::with_grant("0.1");
    let file = desk.job("typo", "true");
    let path = desk.work().join(&file);
    let text = std::fs::read_to_string(&path).expect("ours").replace("project: atlas", "project: atals");
    std::fs::write(&path, text).expect("ours");

    let advised = desk.pakt(&["plan", "--no-script", &file]).expect(0);
    for words in ["no budget of project `atals`", "is charged to project `atlas`"] {
        assert!(advised.stdout.contains(words), "{}", advised.stdout);
    }
    desk.pakt(&["ledger", "enforce", "atlas", "--unit", "local:core"]).expect(0);
    for words in [vec!["plan", "--no-script", &file], vec!["submit", &file]] {
        let refused = desk.pakt(&words).expect(4);
        assert!(refused.stderr.contains("that budget is enforced"), "{}", refused.stderr);
        assert!(refused.stderr.contains("write `project: atlas`"), "{}", refused.stderr);
    }
    assert_eq!(desk.json(&["jobs"])["jobs"], json!([]), "nothing was begun");
}

#[test]
fn a_grant_that_overlaps_another_one_is_told_and_accounts_are_bound_as_slurm_keeps_them() {
    let desk = Desk::new();
    desk.configure("site: jupiter\n");
    desk.pakt(&["ledger", "init"]).expect(0);
    let grant = |reference: &'static str, more: &[&'static str]| {
        let words = ["ledger", "grant", "atlas", "100", "--unit", "jupiter:gh200", "--account", "HAI"];
        let days = ["--reference", reference, "--from", "2026-01-01", "--until", "2027-01-01"];
        desk.pakt(&[&words[..], &days, more].concat())
    };
    insta::assert_snapshot!(grant("GCS-1", &[]).shown(), @"
    exit 0
    --- stdout
    granted 100.000 GPU-h (jupiter:gh200) to atlas, <instant> to <instant> (Europe/Berlin)
    account `hai` at `jupiter` spends it
    policy: monthly-jsc; days of Europe/Berlin
    --- stderr
    note: another kind of budget occurs at jupiter too; if the project has that: `pakt ledger policy atlas --unit jupiter:gh200 --policy fixed-term --used-up low-priority`
    ");
    insta::assert_snapshot!(grant("gcs-01", &[]).shown(), @"
    exit 0
    --- stdout
    granted 100.000 GPU-h (jupiter:gh200) to atlas, <instant> to <instant> (Europe/Berlin)
    --- stderr
    warning: grant `GCS-1` gives atlas 100.000 GPU-h (jupiter:gh200), <instant> to <instant> (Europe/Berlin), and so does `gcs-01` over a part of that time: if it is the same decision, take one back: `pakt ledger withdraw atlas --unit jupiter:gh200 --reference NUMBER --reason WHY`
    ");
    let told = grant("gcs-01", &["--json"]).json();
    assert_eq!((&told["reference"], &told["beside"][0]["reference"]), (&"gcs-01".into(), &"GCS-1".into()));
    let bindings = desk.pakt(&["ledger", "bindings"]).shown();
    assert!(bindings.contains("hai") && !bindings.contains("HAI"), "{bindings}");
}
