//! What is said of numbers where not everybody's runs were read.

use crate::desk::Desk;
use crate::foreign::{Jupiter, ask, row};
use insta::assert_snapshot;

/// A ledger in which a member has settled their own run of an hour on eight GPUs.
fn members() -> Jupiter {
    let desk = Jupiter::with(|day_ago| row(4711, "hai", "booster", day_ago, 3_600));
    desk.pakt(&["ledger", "init"]).expect(0);
    desk.grant();
    desk.pakt(&["ledger", "policy", "atlas", "--unit", "jupiter:gh200", "--policy", "none"]).expect(0);
    desk.pakt(&["settle"]).expect(0);
    desk
}

/// Says what the site's own command printed an hour ago.
fn site_says(desk: &Jupiter, used: &str) {
    let hour = desk.0.tool(&["date", "-u", "-d", "1 hour ago", "+%FT%TZ"]);
    desk.0.write("said.csv", &format!("project,unit,used\natlas,jupiter:gh200,{used}\n"));
    desk.pakt(&["ledger", "open", "atlas", "--from-site", "said.csv", "--as-of", &hour]).expect(0);
}

/// Who runs the tests.
fn whoever(desk: &Desk) -> String {
    desk.tool(&["id", "-un"])
}

/// The balance as the ledger has it.
fn offline(desk: &Jupiter) -> String {
    desk.pakt(&["balance", "--offline"]).shown().replace(&format!(" {} ", whoever(&desk.0)), " <user> ")
}

#[test]
fn a_member_alone_does_not_know_what_is_free() {
    let desk = members();
    assert_snapshot!(offline(&desk), @"
    exit 0
    --- stdout
    project  unit                  granted   used  running  committed  foreign     free
    atlas    jupiter:gh200  GPU-h  100.000  8.000    0.000      0.000    0.000  unknown
    atlas in jupiter:gh200: at most 92.000 GPU-h are free: not everybody's runs were read
      next: a coordinator of the account runs `pakt settle --all-users`; or note what the site says: `pakt ledger open --from-site`
    --- stderr
    note: of the runs of account `hai` at `jupiter` that ended from <instant> to <instant> only those of <user> were read; `pakt ledger coverage atlas` lists what was read
    runs as read by <user> (self)
    running and waiting jobs as of <instant>
    ");
    let balance = &desk.pakt(&["--json", "balance", "--offline"]).json()["balances"][0];
    assert_eq!((&balance["free"], &balance["free_hours"]), (&serde_json::Value::Null, &serde_json::Value::Null));
    assert_eq!((&balance["free_at_most"], &balance["unseen"]), (&331_200_000.into(), &0.into()), "{balance}");
    assert_eq!(balance["completeness"], "unknown");
    assert_eq!(balance["gaps"][0]["account"], "hai");
    let job = "name: tiny\nkind: command\nproject: atlas\nsite: jupiter\nlaunch: command\nrun: hostname\n\
               resources: { nodes: 1, gpus_per_node: 4, time: \"01:00:00\" }\n";
    desk.0.write("job.yaml", job);
    let plan = desk.pakt(&["plan", "--no-script", "job.yaml"]).expect(0);
    assert!(plan.stdout.contains("free now at most 92.000 GPU-h, then at most 88.000 GPU-h"), "{}", plan.stdout);
    assert!(plan.stderr.contains("nobody knows what is free of the budget of `atlas`"), "{}", plan.stderr);
    // In every other report, too, and in a table for a spreadsheet as a column.
    let usage = desk.pakt(&["usage", "--csv"]).expect(0);
    assert_snapshot!(usage.stdout, @"
    unit,amount_milliseconds,amount_hours,complete
    jupiter:gh200,28800000,8.000,no
    ");
    assert!(usage.stderr.starts_with("note: of the runs of account `hai` at `jupiter`"), "{}", usage.stderr);
    let statement = desk.pakt(&["ledger", "statement", "atlas"]).expect(0).stdout;
    let last: Vec<&str> = statement.lines().rev().take(2).collect();
    let read_by = format!("runs as read by {} (self)", whoever(&desk.0));
    assert!(last[0] == read_by && last[1].contains("only those of"), "{statement}");
    let statement = desk.pakt(&["ledger", "statement", "atlas", "--csv"]).expect(0);
    let header = statement.stdout.lines().next().expect("a header");
    assert!(header.starts_with("entry,at,kind,project,unit,") && header.ends_with(",complete"), "{header}");
    assert!(statement.stdout.lines().skip(1).all(|line| line.ends_with(",no")), "{}", statement.stdout);
    assert!(desk.pakt(&["ledger", "unattributed"]).expect(0).stderr.contains("account `hai`"));
}

#[test]
fn what_the_site_says_beyond_the_books_is_taken_off() {
    let desk = members();
    desk.pakt(&["ledger", "open", "atlas", "0", "--unit", "jupiter:gh200", "--as-of", "2026-01-01", "--note", "none"])
        .expect(0);
    site_says(&desk, "20");
    assert_snapshot!(offline(&desk), @"
    exit 0
    --- stdout
    project  unit                  granted   used  running  committed  foreign    free
    atlas    jupiter:gh200  GPU-h  100.000  8.000    0.000      0.000    0.000  80.000
    atlas in jupiter:gh200 as of <instant>: the site says 20.000 GPU-h used, the ledger says 8.000 GPU-h; unexplained: 12.000 GPU-h
      said by csv
    atlas in jupiter:gh200: 12.000 GPU-h are unseen: nobody read what ran, and free is less by them
    --- stderr
    note: of the runs of account `hai` at `jupiter` that ended from <instant> to <instant> only those of <user> were read; `pakt ledger coverage atlas` lists what was read
    runs as read by <user> (self)
    running and waiting jobs as of <instant>
    ");
    let balance = &desk.pakt(&["--json", "balance", "--offline"]).json()["balances"][0];
    assert_eq!((&balance["completeness"], &balance["unseen"]), (&"unseen".into(), &43_200_000.into()), "{balance}");
    // Who runs the cluster reads everybody's: then the books have all, whatever the site says.
    ask(&desk, "runs.psv");
    let [since, now] = ["4 days ago", "now"].map(|when| desk.0.tool(&["date", "-u", "-d", when, "+%FT%TZ"]));
    let import = ["ledger", "import", "runs.psv", "--observed-at", &now, "--read-as", "site", "--read-by", "olga"];
    desk.pakt(&[&import[..], &["--since", &since]].concat()).expect(0);
    let balance = &desk.pakt(&["--json", "balance", "--offline"]).json()["balances"][0];
    assert_eq!((&balance["completeness"], &balance["free"]), (&"read".into(), &331_200_000.into()), "{balance}");
    let covered = desk.pakt(&["ledger", "coverage"]).expect(0).stdout;
    assert!(
        covered.lines().nth(1).is_some_and(|line| line.contains("everybody") && line.contains("olga (site)")),
        "{covered}"
    );
    assert!(balance["gaps"].as_array().is_some_and(Vec::is_empty), "{balance}");
    assert!(desk.pakt(&["usage", "--csv"]).expect(0).stdout.lines().skip(1).all(|line| line.ends_with(",yes")));
}

#[test]
fn to_ask_for_all_on_ones_own_machine_makes_nobody_an_operator() {
    let desk = Desk::with_grant("100");
    for settle in [&["settle"][..], &["settle", "--all-users"]] {
        desk.pakt(settle).expect(0);
        let covered = desk.json(&["ledger", "coverage"]);
        let readers = covered["coverage"][0]["whole_by"].as_array().expect("readers").clone();
        let rights: Vec<_> = readers.iter().map(|reader| reader["rights"].as_str().unwrap_or("none")).collect();
        assert_eq!(rights, ["site"], "{covered}");
    }
}

#[test]
fn reports_say_on_whose_word_they_stand() {
    let desk = Desk::with_grant("100");
    let reader = whoever(&desk);
    desk.pakt(&["ledger", "bind", "atlas", "--unit", "horeka:a100", "--account", "hk-atlas"]).expect(0);
    desk.pakt(&["settle"]).expect(0);
    let statement = ["ledger", "statement", "atlas", "--unit", "local:core"];
    for command in [&["balance", "--offline"][..], &["usage"], &statement, &[&statement[..], &["--csv"]].concat()] {
        let shown = desk.pakt(command).shown();
        assert!(shown.contains(&format!("runs as read by {reader} (site)\n")), "{command:?}: {shown}");
        let readers = desk.json(command)["read_by"].clone();
        let of_local =
            serde_json::json!({ "project": "atlas", "unit": "local:core", "reader": reader, "rights": "site" });
        assert_eq!(readers, serde_json::json!([of_local]), "{command:?}");
    }
    let before = desk.json(&["balance", "--known-at", "2026-01-01T00:00:00Z"]);
    assert_eq!(before["read_by"], serde_json::json!([]), "nobody had read anything by then");
    let elsewhere = desk.json(&["usage", "--at-site", "horeka"]);
    assert_eq!(elsewhere["read_by"], serde_json::json!([]));
}
