//! `pakt ledger open --from-site`, and the comparison in `pakt balance`.

use crate::desk::Desk;
use serde_json::{Value, json};
use std::{io::Write, process::Stdio};

/// As JUPITER printed it, with 72,000 core hours used, which are 1,000 GPU hours.
const JUTIL: &str = r#"[
  {
    "acct-mode": "fixed",
    "coreh-quota-total": "1008000",
    "project": "E-DEV-2026D09-128",
    "coreh-consumed-total": "72000",
    "budget-account": "e-dev-2026d09-128",
    "cont-partition": "JUPITER_BOOSTER",
    "system": "jupiter",
    "acct-period-start": "2026-09-01"
  },
  { "project": "other", "coreh-consumed-total": "1", "system": "jusuf" }
]
"#;

const KIT: &str = "Project            Resource  Granted  Used\n\
                   hk-atlas           cpu       inf      20000\n\
                   hk-atlas           gres/gpu  5000     1000\n";

const SALDO: &str = "\
account                start         end         total        localCluster   totConsumed     totConsumed     monthTotal     monthConsumed
                                             (local h)   Consumed(local h)     (local h)               %      (local h)         (local h)
hk-atlas            20260107    20270107       2000000             1205697       1205697            60.3        164383              99394
";

/// A ledger in which an account spends a budget of the project.
fn desk(site: &str, unit: &str, account: &str) -> Desk {
    let desk = Desk::new();
    desk.configure(&format!("site: {site}\n"));
    desk.pakt(&["ledger", "init"]).expect(0);
    grant(&desk, unit, account);
    desk
}

fn grant(desk: &Desk, unit: &str, account: &str) {
    let dates = ["--from", "2026-09-01", "--until", "2070-09-01", "--policy", "none"];
    desk.pakt(&[&["ledger", "grant", "atlas", "14000", "--unit", unit, "--account", account], &dates[..]].concat())
        .expect(0);
}

fn open<'a>(file: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    [&["ledger", "open", "atlas", "--from-site", file], more].concat()
}

fn figure(desk: &Desk, unit: &str) -> Value {
    let balances = desk.json(&["balance", "--offline"])["balances"].as_array().expect("a list").clone();
    balances.into_iter().find(|balance| balance["unit"] == unit).expect("a budget")["site_figure"].clone()
}

#[test]
fn a_site_s_figure_opens_a_budget_and_a_balance_compares() {
    let desk = desk("jupiter", "jupiter:core", "e-dev-2026d09-128");
    desk.write("quota.json", JUTIL);
    let as_of = ["--as-of", "2026-11-20T00:00:00+01:00"];
    let opened = desk.pakt(&open("quota.json", &as_of)).expect(0).stdout;
    insta::assert_snapshot!(opened, @"
    atlas had used 72000.000 core-h (jupiter:core) by 2026-11-20 00:00:00 +01:00, says jutil
    the ledger had 0.000 core-h of it; 72000.000 core-h are entered, and runs that ended by then are in it
    ");
    let shown = desk.pakt(&["balance", "--offline"]).expect(0).stdout;
    let (_, compared) = shown.split_once("atlas in ").expect("a comparison");
    insta::assert_snapshot!(compared, @"
    jupiter:core as of 2026-11-20 00:00:00 +01:00: the site says 72000.000 core-h used, the ledger says 72000.000 core-h; unexplained: 0.000 core-h
      counted from 2026-09-01 00:00:00 +02:00 on, said by jutil
    atlas in jupiter:core: at most -58000.000 core-h are free: not everybody's runs were read
      next: a coordinator of the account runs `pakt settle --all-users`; or note what the site says: `pakt ledger open --from-site`
    ");
    let mut entries = desk.exported();
    assert_eq!(entries.pop().expect("the figure")["kind"], "decide");
    let opening = entries.pop().expect("an entry");
    assert_eq!((&opening["kind"], &opening["amount"]), (&json!("opening"), &json!(72_000_i64 * 3_600_000)));
    let digest = opening["note"].as_str().and_then(|note| note.split("text blake3:").nth(1)).expect("a digest");
    assert_eq!(digest.len(), 64, "{digest}");

    let before = desk.exported();
    let again = desk.pakt(&open("quota.json", &as_of)).expect(0).stdout;
    assert!(again.starts_with("it was noted before, by ") && again.contains("nothing changed"), "{again}");
    assert_eq!(desk.json(&open("quota.json", &as_of))["is_new"], false);
    assert_eq!(desk.exported(), before);

    // A day later the site says more: that is noted, and no opening hides it.
    desk.write("later.json", &JUTIL.replace("72000", "72100.5"));
    let later = desk.pakt(&open("later.json", &["--as-of", "2026-11-21"])).expect(0).stdout;
    assert!(later.contains("nothing is entered, `pakt balance` compares them"), "{later}");
    let mut entries = desk.exported();
    assert_eq!(entries.pop().expect("what was noted")["kind"], "decide");
    assert_eq!(entries, before);
    let figure = figure(&desk, "jupiter:core");
    let hours = |hours: i64| json!(hours * 1_800_000);
    assert_eq!(
        (&figure["used"], &figure["settled"], &figure["unexplained"], &figure["granted"]),
        (&hours(144_201), &hours(144_000), &hours(201), &hours(2_016_000))
    );
    assert_eq!(
        (&figure["as_of"], &figure["since"], &figure["source"]),
        (&json!("2026-11-20T23:00:00Z"), &json!("2026-08-31T22:00:00Z"), &json!("jutil"))
    );
    desk.pakt(&["ledger", "verify"]).expect(0);
}

#[test]
fn core_hours_become_gpu_hours_only_by_the_tariff_of_the_site() {
    let desk = desk("jupiter", "jupiter:gh200", "e-dev-2026d09-128");
    desk.write("quota.json", JUTIL);
    let opened = desk.json(&open("quota.json", &["--as-of", "2026-11-20"]));
    assert_eq!((&opened["opened"], &opened["is_new"]), (&json!(1_000 * 3_600_000_i64), &json!(true)));
    assert_eq!(opened["figure"]["unit"], "jupiter:gh200");
    assert_eq!(opened["figure"]["source"], "jutil, by tariff jupiter/booster/2026-09-02");
    // A tenth of a milli-second of a GPU is nowhere.
    desk.write("odd.json", &JUTIL.replace("72000", "72000.000002"));
    let odd = desk.pakt(&open("odd.json", &["--as-of", "2026-11-21"])).expect(2).stderr;
    assert!(odd.contains("no whole number of milli-seconds") && odd.contains("`--unit jupiter:core`"), "{odd}");

    desk.write("usage.txt", KIT);
    grant(&desk, "horeka:h100", "hk-atlas");
    let kit = ["--unit", "horeka:h100", "--as-of", "2026-11-20"];
    let refused = desk.pakt(&open("usage.txt", &kit)).expect(2);
    insta::assert_snapshot!(refused.stderr, @"
    error: the site's figure was not entered
    why:   line 2 is in horeka:cpu, line 3 is in horeka:gpu, and no tariff of `horeka` says exactly what that is in horeka:h100
    next:  keep it in the site's own unit: `--unit horeka:cpu` or `--unit horeka:gpu`
    ");
    assert_eq!(figure(&desk, "horeka:h100"), Value::Null);
    let own = ["--unit", "horeka:gpu", "--as-of", "2026-11-20"];
    assert_eq!(desk.json(&open("usage.txt", &own))["opened"], json!(1_000 * 3_600_000_i64));
}

#[test]
fn kit_saldo_and_tables_are_read_from_a_pipe_too() {
    let desk = desk("horeka", "horeka:gpu", "hk-atlas");
    let mut command = desk.command(open("-", &["--as-of", "2026-11-20T06:30", "--json"]));
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("starts");
    child.stdin.take().expect("a pipe").write_all(KIT.as_bytes()).expect("written");
    let output = child.wait_with_output().expect("ends");
    let kit: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!((&kit["figure"]["source"], &kit["figure"]["unit"]), (&json!("kit_project_usage"), &json!("horeka:gpu")));
    assert_eq!(kit["figure"]["as_of"], "2026-11-20T05:30:00Z");

    desk.write("saldo.txt", SALDO);
    let saldo = desk.pakt(&open("saldo.txt", &["--as-of", "2026-11-20"])).expect(2).stderr;
    assert!(saldo.contains("does not say which site"), "{saldo}");
    let saldo = desk.json(&open("saldo.txt", &["--as-of", "2026-11-20", "--unit", "horeka:cpu"]));
    assert_eq!((&saldo["figure"]["source"], &saldo["opened"]), (&json!("saldo"), &json!(1_205_697 * 3_600_000_i64)));

    desk.write(
        "table.csv",
        "used,as_of,unit,project\n1200.5,2026-11-21,horeka:gpu,ATLAS\n7,2026-11-21,horeka:gpu,other\n",
    );
    let table = desk.json(&open("table.csv", &[]));
    assert_eq!((&table["figure"]["used"], &table["opened"]), (&json!(4_321_800_000_i64), &Value::Null));
    assert_eq!(table["figure"]["as_of"], "2026-11-20T23:00:00Z");
}

#[test]
fn what_is_not_clear_is_refused_and_nothing_is_entered() {
    let desk = desk("jupiter", "jupiter:core", "e-dev-2026d09-128");
    desk.write("quota.json", JUTIL);
    desk.write("other.json", &JUTIL.replace("2026D09-128", "2026D09-999").replace("2026d09-128", "2026d09-999"));
    desk.write("wrong.json", &JUTIL.replace("72000", "72,000"));
    desk.write("twice.csv", "project,used,unit\natlas,1,jupiter:core\natlas,2,jupiter:core\n");
    desk.write("unit.csv", "project,used,unit\natlas,1,jupiter:cores\n");
    desk.write("note.txt", "used a lot\n");
    desk.write("negative.json", &JUTIL.replace("72000", "-72000"));
    desk.write("huge.json", &JUTIL.replace("72000", "99999999999999999999"));
    desk.write("cut.json", &JUTIL[..JUTIL.len() / 2]);
    desk.write("formula.csv", "project,used,unit\natlas,=1+1,jupiter:core\n");
    desk.write("long.csv", &format!("project,used,unit\natlas,{},jupiter:core\n", "1".repeat(2 << 20)));
    std::fs::write(desk.home().join("latin.csv"), b"project,used,unit\natlas,1\xe9,jupiter:core\n").expect("written");
    let dated = ["--as-of", "2026-11-20"];
    for (file, more, why, next) in [
        ("quota.json", &[][..], "does not say when it was true", "updated once a day around midnight"),
        ("quota.json", &["--as-of", "2069-01-01"], "it would be as of", "`--as-of`"),
        ("quota.json", &["--as-of", "2026-08-01"], "line 6: the site counts from", "`--as-of`"),
        ("quota.json", &["--as-of", "20 November"], "`20 November` is not a time", "2026-11-25T06:30"),
        ("quota.json", &["--as-of", "2026-11-20", "--format", "csv"], "line 1: there is no column", "first line"),
        ("other.json", &dated, "tells of `E-DEV-2026D09-999`", "pakt ledger bind atlas"),
        ("wrong.json", &dated, "line 6: `72,000` in `coreh-consumed-total`", "1200"),
        ("twice.csv", &dated, "more than one fits: line 2 in jupiter:core, line 3", "leave the lines out"),
        ("unit.csv", &dated, "does not count in `jupiter:cores`", "jupiter:core"),
        ("note.txt", &dated, "line 1: it is not clear which command printed this", "`jutil`, `kit`, `saldo`, `csv`"),
        ("negative.json", &dated, "line 6: `-72000`", "1200"),
        ("huge.json", &dated, "line 6: `99999999999999999999`", ""),
        ("cut.json", &dated, "line ", ""),
        ("formula.csv", &dated, "line 2: `=1+1`", "1200"),
        ("long.csv", &dated, "it is longer than ", "is it the right file?"),
        ("latin.csv", &dated, "", ""),
        ("none.txt", &dated, "there is no such file", "`-`"),
    ] {
        let refused = desk.pakt(&open(file, more)).expect(2).stderr;
        assert!(refused.contains(why) && refused.contains(next), "{file} {more:?}: {refused}");
    }
    desk.pakt(&["ledger", "open", "atlas", "--unit", "jupiter:core", "--note", "no hours"]).expect(2);
    desk.pakt(&open("quota.json", &["--note", "both"])).expect(2);
    assert_eq!(desk.entries_of_kind("opening"), 0);
    assert_eq!(figure(&desk, "jupiter:core"), Value::Null);
}
