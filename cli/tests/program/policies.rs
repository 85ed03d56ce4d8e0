//! `pakt ledger policy`, and what balances, plans and submissions say by it.

use crate::desk::Desk;
use serde_json::json;

/// A ledger with a budget of ten hours at horeka until 2070, where jobs do not start once it is used up.
fn horeka() -> Desk {
    let desk = Desk::new();
    desk.configure("site: horeka\n");
    desk.pakt(&["ledger", "init"]).expect(0);
    desk
}

const GRANT: [&str; 12] = [
    "ledger",
    "grant",
    "atlas",
    "10",
    "--unit",
    "horeka:a100",
    "--account",
    "hk-atlas",
    "--from",
    "2026-11-01",
    "--until",
    "2070-11-01",
];

#[test]
fn a_grant_brings_the_policy_of_its_site_and_days_are_the_sites() {
    let desk = horeka();
    let granted = desk.pakt(&GRANT).expect(0).stdout;
    for words in [
        "2026-11-01 00:00:00 +01:00 to 2070-11-01 00:00:00 +01:00 (Europe/Berlin)",
        "policy: hard-stop; days of Europe/Berlin",
    ] {
        assert!(granted.contains(words), "{granted}");
    }
    // The machine's zone is UTC: there it began an hour earlier.
    assert_eq!(desk.json(&GRANT)["window"]["from"], "2026-10-31T23:00:00Z");
    let again = desk.pakt(&GRANT).expect(0).stdout;
    assert!(!again.contains("policy:"), "it was set before: {again}");

    let jupiter = ["ledger", "grant", "atlas", "10", "--unit", "jupiter:gh200", "--account", "atlas-gpu"];
    let granted = desk.pakt(&jupiter).expect(0);
    assert!(granted.stdout.contains("policy: monthly-jsc; days of Europe/Berlin"), "{}", granted.stdout);
    let other = "pakt ledger policy atlas --unit jupiter:gh200 --policy fixed-term --used-up low-priority";
    assert!(granted.stderr.contains(other), "{}", granted.stderr);
}

#[test]
fn a_policy_is_shown_set_and_refused() {
    let desk = horeka();
    desk.pakt(&GRANT).expect(0);
    let policy = ["ledger", "policy", "atlas", "--unit", "horeka:a100"];
    let shown = desk.pakt(&policy).expect(0).stdout;
    assert_eq!(shown, "atlas in horeka:a100: hard-stop; days of Europe/Berlin\n");
    let soft = desk.json(&[&policy[..], &["--policy", "soft", "--percent", "120"]].concat());
    assert_eq!((&soft["policy"], &soft["is_new"]), (&json!({ "kind": "soft", "percent": 120 }), &json!(true)));
    assert_eq!(desk.json(&policy)["policy"]["percent"], 120);
    for (wish, next) in [
        (vec!["--policy", "hardstop"], "did you mean `hard-stop`?"),
        (vec!["--policy", "soft"], "--percent 120"),
        (vec!["--policy", "none", "--percent", "120"], "leave `--percent` out"),
        (vec!["--policy", "fixed-term", "--used-up", "halts"], "`low-priority`"),
        (vec!["--percent", "120"], "--policy NAME"),
    ] {
        let refused = desk.pakt(&[&policy[..], &wish[..]].concat()).expect(2);
        assert!(refused.stderr.contains(next), "{wish:?}: {}", refused.stderr);
    }
    assert_eq!(desk.json(&policy)["policy"]["percent"], 120, "nothing else was set");
    let unknown = desk.pakt(&["ledger", "policy", "atals", "--unit", "horeka:a100"]).expect(2);
    assert!(unknown.stderr.contains("did you mean `atlas`?"), "{}", unknown.stderr);
}

#[test]
fn a_balance_says_what_happens_when() {
    let desk = horeka();
    desk.pakt(&GRANT).expect(0);
    let shown = desk.pakt(&["balance", "--offline"]).expect(0).stdout;
    for words in [
        "atlas in horeka:a100: hard-stop; jobs start as usual\n",
        "  when nothing more is spent:\n    2070-11-01 00:00:00 +01:00  10.000 GPU-h are forfeited\n",
        "    2070-11-01 00:00:00 +01:00  no grant may be spent\n",
    ] {
        assert!(shown.contains(words), "{words}: {shown}");
    }
    let outlook = &desk.json(&["balance", "--offline"])["balances"][0]["outlook"];
    assert_eq!(
        (&outlook["policy"], &outlook["zone"], &outlook["standing"], &outlook["a_day"]),
        (&json!({ "kind": "hard-stop" }), &json!("Europe/Berlin"), &json!("usable"), &json!(null))
    );
    let forfeited = &outlook["events"][0];
    assert_eq!(
        (&forfeited["at"], &forfeited["kind"], &forfeited["amount"]),
        (&json!("2070-10-31T23:00:00Z"), &json!("forfeited"), &json!(36_000_000))
    );
    assert_eq!(outlook["lots"][0]["lot"]["amount"], 36_000_000);
}

#[test]
fn a_plan_and_a_submission_say_what_the_policy_does_with_the_job() {
    let desk = Desk::with_grant("0.1");
    let policy = ["ledger", "policy", "atlas", "--unit", "local:core"];
    let file = desk.job("large", "true");
    let planned = desk.pakt(&["plan", "--no-script", &file]).expect(0).stdout;
    assert!(!planned.contains("policy"), "a site without budgets does nothing: {planned}");
    // Ten minutes of a core are more than a tenth of an hour.
    for (wish, words, decision) in [
        (
            vec!["--policy", "hard-stop"],
            "the site does not start it: it may use 0.167 core-h, and 0.100 are free",
            "deny",
        ),
        (
            vec!["--policy", "soft", "--percent", "200"],
            "it goes ahead: it overdraws the budget by 0.067 of 0.100",
            "warn",
        ),
        (vec!["--policy", "fixed-term", "--used-up", "low-priority"], "it goes ahead: it may use", "warn"),
    ] {
        desk.pakt(&[&policy[..], &wish[..]].concat()).expect(0);
        let planned = desk.pakt(&["plan", "--no-script", &file]).expect(0).stdout;
        assert!(planned.contains(words), "{wish:?}: {planned}");
        assert_eq!(desk.json(&["plan", &file])["advice"]["decision"], decision);
    }
    desk.pakt(&[&policy[..], &["--policy", "hard-stop"]].concat()).expect(0);
    let submitted = desk.pakt(&["submit", &file]).expect(0);
    let note = "note: by the policy of its budget, the site does not start it";
    assert!(submitted.stderr.contains(note), "a ledger advises: {}", submitted.stderr);
    desk.json(&["watch", "large"]);

    desk.pakt(&["ledger", "enforce", "atlas", "--unit", "local:core"]).expect(0);
    desk.pakt(&[&policy[..], &["--policy", "soft", "--percent", "500"]].concat()).expect(0);
    desk.pakt(&["plan", "--no-script", &file]).expect(0);
    let submitted = desk.pakt(&["submit", &file]).expect(0);
    assert!(submitted.stderr.contains("overdraws the budget"), "{}", submitted.stderr);
    desk.json(&["watch", "large"]);
    desk.pakt(&[&policy[..], &["--policy", "hard-stop"]].concat()).expect(0);
    let planned = desk.pakt(&["plan", "--no-script", &file]).expect(4).stdout;
    assert!(planned.contains("it will be refused"), "{planned}");
    desk.pakt(&["submit", &file]).expect(4);
}

#[test]
fn a_grant_entered_wrongly_is_taken_back() {
    let desk = horeka();
    desk.pakt(&GRANT).expect(0);
    let withdraw = ["ledger", "withdraw", "atlas", "--unit", "horeka:a100", "--reason", "a zero too many"];
    desk.pakt(&withdraw[..5]).expect(2);
    let too_much = desk.pakt(&[&withdraw[..], &["11"]].concat()).expect(2).stderr;
    assert!(too_much.contains("of grant `initial` of `atlas` stand 10.000 GPU-h"), "{too_much}");
    let unknown = desk.pakt(&[&withdraw[..], &["--reference", "2026-117"]].concat()).expect(2).stderr;
    assert!(unknown.contains("it has `initial`: `--reference NUMBER`"), "{unknown}");

    let taken = desk.pakt(&[&withdraw[..], &["9"]].concat()).expect(0).stdout;
    assert_eq!(taken, "withdrawn: 9.000 GPU-h (horeka:a100) of grant `initial` of atlas\n");
    let again = desk.pakt(&[&withdraw[..], &["9"]].concat()).expect(0).stdout;
    assert!(again.contains("was withdrawn before, and nothing changed"), "{again}");
    let opening = ["ledger", "open", "atlas", "3", "--unit", "horeka:a100", "--note", "portal"];
    desk.pakt(&opening).expect(0);
    let rest = desk.pakt(&withdraw).expect(0);
    assert!(rest.stderr.contains("-3.000 GPU-h are free"), "{}", rest.stderr);
    // The same decision, as it should have been entered.
    let mut right = GRANT;
    right[3] = "100";
    assert!(desk.pakt(&right).expect(0).stdout.starts_with("granted 100.000 GPU-h"));
    assert!(desk.pakt(&right).expect(0).stdout.contains("was entered before"));
    let balance = &desk.json(&["balance", "--offline"])["balances"][0];
    // Seconds later nobody has read what ran meanwhile, and what is free is not known for sure.
    assert_eq!(balance["free_at_most"], 97 * 3_600_000);
    let statement = desk.pakt(&["ledger", "statement", "atlas"]).expect(0).stdout;
    assert!(statement.contains("a zero too many"), "{statement}");
    assert!(statement.contains("granted 100.000 + used -3.000 + expired 0.000"), "{statement}");
    desk.pakt(&["ledger", "verify"]).expect(0);
}

#[test]
fn what_was_left_of_a_grant_is_entered_when_it_is_over() {
    let desk = Desk::new();
    desk.pakt(&["ledger", "init"]).expect(0);
    let past = ["--from", "2026-01-01", "--until", "2026-02-01"];
    let grant = ["ledger", "grant", "atlas", "10", "--unit", "local:core"];
    desk.pakt(&[&grant[..], &past].concat()).expect(0);
    desk.pakt(&[&["ledger", "grant", "borealis", "4", "--unit", "local:core"], &past[..]].concat()).expect(2);
    let bound = ["--user", "nobody"];
    desk.pakt(&[&["ledger", "grant", "borealis", "4", "--unit", "local:core"], &past[..], &bound].concat()).expect(0);
    let expired = desk.pakt(&["ledger", "expire", "borealis"]).expect(0).stdout;
    assert_eq!(expired, "borealis forfeited 4.000 core-h (local:core) at 2026-02-01 00:00:00 +00:00\n");
    let settled = desk.json(&["settle"])["settled"]["expired"].clone();
    assert_eq!((&settled[0]["project"], &settled[0]["amount"]), (&json!("atlas"), &json!(36_000_000)));
    assert_eq!(desk.json(&["settle"])["settled"]["expired"], json!([]));
    assert_eq!(desk.pakt(&["ledger", "expire"]).expect(0).stdout, "nothing is due that is not entered\n");
    let statement = desk.pakt(&["ledger", "statement", "atlas"]).expect(0).stdout;
    let sums = "granted 10.000 + used 0.000 + expired -10.000 + corrections 0.000 = closing 0.000";
    assert!(statement.contains(sums), "{statement}");
    desk.pakt(&["ledger", "verify"]).expect(0);
}

#[test]
fn parts_of_an_award_are_entered() {
    let desk = Desk::new();
    desk.pakt(&["ledger", "init"]).expect(0);
    let grant =
        ["ledger", "grant", "atlas", "100", "--unit", "local:core", "--from", "2000-01-01", "--until", "2001-01-01"];
    let with = |parts: &[&str]| {
        let parts: Vec<&str> = parts.iter().flat_map(|part| ["--lot", *part]).collect();
        desk.pakt(&[&grant[..], &parts].concat())
    };
    for parts in [&["2000-01-01=100"][..], &["2000-01-01..later=100"], &["2000-01-01..2000-02-01=many"]] {
        with(parts).expect(2);
    }
    for (parts, why) in [
        (
            ["2000-01-01..2000-04-01=60", "2000-04-01..2001-01-01=30"],
            "the lots sum to 90.000 h, the grant is 100.000 h",
        ),
        (["2000-01-01..2000-04-02=60", "2000-04-01..2001-01-01=40"], "the lots 1 and 2 are for the same time"),
    ] {
        let refused = with(&parts).expect(2).stderr;
        assert!(refused.contains(why), "{refused}");
    }
    // In any order.
    with(&["2000-04-01..2001-01-01=40", "2000-01-01..2000-04-01=60"]).expect(0);
    let again = with(&["2000-01-01..2000-04-01=60", "2000-04-01..2001-01-01=40"]).expect(0).stdout;
    assert!(again.contains("nothing changed"), "{again}");
    let export = desk.pakt(&["ledger", "export"]).expect(0).stdout;
    desk.write("export.jsonl", &export);
    desk.pakt(&["ledger", "verify", "export.jsonl"]).expect(0);
}

#[test]
fn what_was_forgiven_stands_beside_what_was_granted() {
    let desk = Desk::new();
    desk.configure("site: jupiter\nproject: atlas\n");
    desk.pakt(&["ledger", "init"]).expect(0);
    let grant = ["ledger", "grant", "atlas", "30", "--unit", "jupiter:gh200", "--account", "hai"];
    desk.pakt(&[&grant[..], &["--from", "2026-01-01", "--until", "2026-04-01"]].concat()).expect(0);
    desk.pakt(&["ledger", "policy", "atlas", "--unit", "jupiter:gh200", "--policy", "monthly-jsc"]).expect(0);
    let titles =
        "JobIDRaw|JobID|Cluster|User|Account|Partition|State|Submit|Start|End|ElapsedRaw|AllocNodes|AllocTRES|JobName";
    let [start, end] = [1_773_144_000_i64, 1_773_187_200];
    let run = format!("1|1|jupiter|ada|hai|booster|COMPLETED|{start}|{start}|{end}|43200|1|gres/gpu=4,node=1|train\n");
    desk.write("runs.psv", &format!("{titles}\n{run}"));
    desk.pakt(&["ledger", "import", "runs.psv", "--observed-at", "2026-10-02T00:00:00Z"]).expect(0);
    insta::assert_snapshot!(desk.pakt(&["balance", "--offline"]).shown(), @"
    exit 0
    --- stdout
    project  unit                  granted    used  running  committed  foreign     free
    atlas    jupiter:gh200  GPU-h   20.000  48.000    0.000      0.000    0.000  unknown
    atlas in jupiter:gh200: 28.000 GPU-h were overdrawn and are forgiven: free is more by them, and no grant gave them
    atlas in jupiter:gh200: at most 0.000 GPU-h are free: not everybody's runs were read
      next: a coordinator of the account runs `pakt settle --all-users`; or note what the site says: `pakt ledger open --from-site`
    atlas in jupiter:gh200: monthly-jsc; no grant may be spent
    --- stderr
    note: 10.000 GPU-h of grants of atlas that are over were not used, and are not granted any more
    note: nobody read the runs of account `hai` at `jupiter` that ended from <instant> to <instant>; `pakt ledger coverage atlas` lists what was read
    ");
    let balance = &desk.json(&["balance", "--offline"])["balances"][0];
    let amount = |name: &str| balance[name].as_i64().expect(name);
    assert_eq!(amount("granted") + amount("forgiven") - amount("used"), amount("free_at_most"));
    assert!(amount("forgiven") > 0);
    desk.pakt(&["ledger", "expire"]).expect(0);
    let statement = desk.pakt(&["ledger", "statement", "atlas", "--unit", "jupiter:gh200"]).expect(0).stdout;
    assert!(statement.contains(" + forgiven "), "{statement}");
}
