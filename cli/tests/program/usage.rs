//! Usage of the ledger's runs, by what people ask for.

use crate::desk::Desk;
use insta::assert_snapshot;

const TITLES: &str =
    "JobIDRaw|JobID|Cluster|User|Account|Partition|State|Submit|Start|End|ElapsedRaw|AllocNodes|AllocTRES|JobName";

/// A run of one node with four GPUs.
fn row(id: u64, user: &str, state: &str, start: &str, end: &str) -> String {
    let tres = "cpu=288,gres/gpu=4,gres/gpu:gh200=4,node=1";
    let seconds = |text: &str| text.parse::<model::Timestamp>().expect("a time").epoch_seconds();
    let elapsed = seconds(end) - seconds(start);
    let [submit, start, end] = [seconds(start) - 60, seconds(start), seconds(end)];
    format!("{id}|{id}|jupiter|{user}|hai|booster|{state}|{submit}|{start}|{end}|{elapsed}|1|{tres}|train\n")
}

/// A ledger with runs of September 2026 at JUPITER, in GPU time.
fn september() -> Desk {
    september_in("jupiter:gh200", "100")
}

fn september_in(unit: &str, hours: &str) -> Desk {
    let desk = Desk::new();
    let state = desk.home().join("state");
    desk.configure(&format!("site: jupiter\nproject: atlas\nstate: {}\n", state.display()));
    desk.pakt(&["ledger", "init"]).expect(0);
    let grant = ["ledger", "grant", "atlas", hours, "--unit", unit, "--account", "hai"];
    desk.pakt(&[&grant[..], &["--from", "2026-09-01", "--until", "2027-09-01"]].concat()).expect(0);
    let rows = [
        // Around a midnight in Jülich: half an hour before, one and a half behind.
        row(1, "ada", "COMPLETED", "2026-09-09T21:30:00Z", "2026-09-09T23:30:00Z"),
        row(2, "bob", "FAILED", "2026-09-10T08:00:00Z", "2026-09-10T08:15:00Z"),
        row(3, "ada", "TIMEOUT", "2026-10-01T08:00:00Z", "2026-10-01T10:00:00Z"),
    ];
    desk.write("runs.psv", &format!("{TITLES}\n{}", rows.concat()));
    desk.pakt(&["ledger", "import", "runs.psv", "--observed-at", "2026-10-02T00:00:00Z"]).expect(0);
    desk
}

#[test]
fn usage_is_told_apart_by_what_is_asked() {
    let desk = september();
    assert_snapshot!(desk.pakt(&["usage"]).shown(), @"
    exit 0
    --- stdout
    unit            hours
    jupiter:gh200  17.000  GPU-h
    --- stderr
    note: nobody read the runs of account `hai` at `jupiter` that ended from <instant> to <instant>; `pakt ledger coverage atlas` lists what was read
    ");
    assert_snapshot!(desk.pakt(&["usage", "--by", "day,person", "--until", "2026-10-01"]).shown(), @"
    exit 0
    --- stdout
    day         person  unit           hours
    2026-09-09  ada     jupiter:gh200  2.000  GPU-h
    2026-09-10  ada     jupiter:gh200  6.000  GPU-h
    2026-09-10  bob     jupiter:gh200  1.000  GPU-h
    --- stderr
    note: nobody read the runs of account `hai` at `jupiter` that ended from <instant> to <instant>; `pakt ledger coverage atlas` lists what was read
    ");
    assert_snapshot!(desk.pakt(&["usage", "--by", "month,end-state"]).shown(), @"
    exit 0
    --- stdout
    month    end-state  unit           hours
    2026-09  COMPLETED  jupiter:gh200  8.000  GPU-h
    2026-09  FAILED     jupiter:gh200  1.000  GPU-h
    2026-10  TIMEOUT    jupiter:gh200  8.000  GPU-h
    --- stderr
    note: nobody read the runs of account `hai` at `jupiter` that ended from <instant> to <instant>; `pakt ledger coverage atlas` lists what was read
    ");
    assert_snapshot!(desk.pakt(&["usage", "--person", "bob", "--by", "site,cluster,partition,project"]).shown(), @"
    exit 0
    --- stdout
    site     cluster          partition  project  unit           hours
    jupiter  jupiter/jupiter  booster    atlas    jupiter:gh200  1.000  GPU-h
    --- stderr
    note: nobody read the runs of account `hai` at `jupiter` that ended from <instant> to <instant>; `pakt ledger coverage atlas` lists what was read
    ");
    // An hour around the midnight.
    let hour = ["--since", "2026-09-09T21:30:00Z", "--until", "2026-09-09T22:30:00Z"];
    assert_snapshot!(desk.pakt(&[&["usage"], &hour[..]].concat()).shown(), @"
    exit 0
    --- stdout
    unit           hours
    jupiter:gh200  4.000  GPU-h
    --- stderr
    note: nobody read the runs of account `hai` at `jupiter` that ended from <instant> to <instant>; `pakt ledger coverage atlas` lists what was read
    ");
    assert_snapshot!(desk.pakt(&["usage", "--by", "end-state", "--csv"]).shown(), @"
    exit 0
    --- stdout
    end-state,unit,amount_milliseconds,amount_hours,complete
    COMPLETED,jupiter:gh200,28800000,8.000,no
    FAILED,jupiter:gh200,3600000,1.000,no
    TIMEOUT,jupiter:gh200,28800000,8.000,no
    --- stderr
    note: nobody read the runs of account `hai` at `jupiter` that ended from <instant> to <instant>; `pakt ledger coverage atlas` lists what was read
    ");
    // What is missing of them goes up to now.
    assert_eq!(desk.json(&["usage", "--cluster", "jupiter"])["usage"], desk.json(&["usage"])["usage"]);
    assert_eq!(desk.json(&["usage", "--cluster", "horeka"])["usage"], serde_json::json!([]));
    assert_snapshot!(desk.pakt(&["usage", "--at-site", "horeka"]).shown(), @"
    exit 0
    --- stdout
    no run that is in the books took anything
    ");
    let json = desk.json(&["usage", "--by", "project", "--since", "2026-10-01"]);
    assert_eq!(
        json["usage"],
        serde_json::json!([
            { "project": "atlas", "unit": "jupiter:gh200", "amount": 28_800_000 }
        ])
    );
}

#[test]
fn a_name_that_nobody_knows_is_no_empty_answer() {
    let desk = september();
    for (filter, why, next) in [
        (["--project", "atlsa"], "the ledger has no project `atlsa`", "did you mean `atlas`?"),
        (
            ["--unit", "jupiter:gh20"],
            "site `jupiter` does not count in `jupiter:gh20`",
            "did you mean `jupiter:gh200`?",
        ),
        (["--at-site", "horkea"], "no profile and no entry knows a site `horkea`", "did you mean `horeka`?"),
        (["--person", "adda"], "no person `adda` is known", "did you mean `ada`? `pakt usage --by person` lists"),
        (["--cluster", "jupitr"], "no cluster `jupitr` is known", "did you mean `jupiter`?"),
        (["--partition", "boster"], "no partition `boster` is known", "did you mean `booster`?"),
        (["--gpu-model", "h10"], "no model of GPU `h10` is known", "did you mean `h100`?"),
        (["--gpu-model", "_"], "`_` is not a resource class", "`--gpu-model h100`"),
    ] {
        let refused = desk.pakt(&[&["usage"], &filter[..]].concat()).expect(2);
        assert!(refused.stderr.starts_with("error: no usage was shown\n"), "{}", refused.stderr);
        assert!(refused.stderr.contains(why) && refused.stderr.contains(next), "{}", refused.stderr);
    }
    // What is known and was not used took nothing.
    let me = desk.tool(&["id", "-un"]);
    let known = [
        &["--project", "atlas"][..],
        &["--unit", "jupiter:core"],
        &["--at-site", "horeka"],
        &["--person", "ada"],
        &["--person", &me],
        &["--cluster", "horeka"],
        &["--partition", "booster"],
        &["--gpu-model", "H100"],
    ];
    for filter in known {
        let shown = desk.pakt(&[&["usage", "--until", "2026-09-02"], filter].concat()).expect(0);
        assert_eq!(shown.stdout, "no run that is in the books took anything\n", "{filter:?}");
    }
}

#[test]
fn books_that_are_still_to_come_are_known_to_nobody() {
    let desk = september();
    for (words, what) in [
        (&["usage"][..], "no usage was shown"),
        (&["balance", "--offline"], "the balance was not read"),
        (&["ledger", "statement", "atlas"], "the statement was not read"),
    ] {
        for (known_at, why) in [
            ("2999-01-01T00:00:00Z", "`--known-at` is 2999-01-01T00:00:00Z, and it is "),
            ("424242", "`--known-at` is entry 424242, and the ledger has none of that number yet"),
        ] {
            let refused = desk.pakt(&[words, &["--known-at", known_at]].concat()).expect(2).stderr;
            assert!(refused.starts_with(&format!("error: {what}\nwhy:   {why}")), "{refused}");
            assert!(refused.contains("next:  leave `--known-at` out for the books as they are now"), "{refused}");
        }
        desk.pakt(&[words, &["--known-at", "1"]].concat()).expect(0);
    }
    let balance =
        |as_of: &str, known_at: &str| desk.pakt(&["balance", "--offline", "--as-of", as_of, "--known-at", known_at]);
    let refused = balance("2026-09-11T00:00:00Z", "2026-09-10T00:00:00Z").expect(2).stderr;
    let why =
        "why:   `--as-of` is 2026-09-11T00:00:00Z, and the books of `--known-at` are those of 2026-09-10T00:00:00Z";
    assert!(refused.contains(why), "{refused}");
    balance("2026-09-10T00:00:00Z", "2026-09-10T00:00:00Z").expect(0);
}

#[test]
fn models_of_gpus_are_told_by_the_unit_or_the_partition() {
    for (unit, hours) in [("jupiter:gh200", "8.000  GPU-h"), ("jupiter:node", "2.000  node-h")] {
        let desk = september_in(unit, "100");
        let by = |words: &[&str]| desk.pakt(&[&["usage", "--by"], words].concat()).expect(0).stdout;
        let shown = by(&["gpu-model,end-state", "--gpu-model", "gh200", "--since", "2026-10-01"]);
        let rows: Vec<String> =
            shown.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
        assert_eq!(rows[0], "gpu-model end-state unit hours");
        assert_eq!(rows[1..], [format!("gh200 TIMEOUT {unit} {}", hours.replace("  ", " "))]);
        let nothing = "no run that is in the books took anything\n";
        assert_eq!(by(&["gpu-model", "--gpu-model", "h100"]), nothing);
        // Units are told apart in any case.
        assert_eq!(by(&["unit"]), desk.pakt(&["usage"]).expect(0).stdout);
        let json = desk.json(&["usage", "--by", "gpu-model"]);
        assert_eq!(json["usage"].as_array().map(Vec::len), Some(1), "{json}");
        assert_eq!(json["usage"][0]["gpu_model"], "gh200", "{json}");
        assert!(json["usage"][0].get("partition").is_none(), "{json}");
    }
    let refused = september().pakt(&["usage", "--by", "colour"]).expect(2);
    assert!(refused.stderr.contains("partition, gpu-model, end-state, unit"), "{}", refused.stderr);
}

#[test]
fn what_the_site_charges_by_its_own_formula_stands_beside_usage() {
    let desk = september();
    let by = ["usage", "--site-charge", "--by", "person,gpu-model"];
    assert_snapshot!(desk.pakt(&by).expect(0).stdout, @"
    person  gpu-model  unit            hours                            site charge
    ada     gh200      jupiter:gh200  16.000  GPU-h  1152.000 core-h (jupiter:core)
    bob     gh200      jupiter:gh200   1.000  GPU-h    72.000 core-h (jupiter:core)
    ");
    assert_snapshot!(desk.pakt(&["usage", "--site-charge", "--by", "day", "--csv", "--until", "2026-10-01"]).expect(0).stdout, @"
    day,unit,amount_milliseconds,amount_hours,site_charge_milliseconds,site_charge_unit,complete
    2026-09-09,jupiter:gh200,7200000,2.000,518400000,jupiter:core,no
    2026-09-10,jupiter:gh200,25200000,7.000,1814400000,jupiter:core,no
    ");
    let json = desk.json(&["usage", "--site-charge"]);
    let charge = serde_json::json!([{ "unit": "jupiter:core", "amount": 17 * 72 * 3_600_000_i64 }]);
    assert_eq!(json["usage"][0]["site_charges"], charge, "{json}");
    // The sum is that of the statements' lines, whatever is asked for.
    let statement = desk.json(&["ledger", "statement", "atlas", "--from", "2026-09-01", "--until", "2026-10-01"]);
    let lines = statement["statements"][0]["lines"].as_array().expect("lines").iter();
    let stated: i64 = lines.filter_map(|line| line["site_charge"]["amount"].as_i64()).sum();
    let month = desk.json(&["usage", "--site-charge", "--since", "2026-09-01", "--until", "2026-10-01"]);
    assert_eq!(month["usage"][0]["site_charges"][0]["amount"], stated, "{month}");
    // Where nobody asks, nothing is read.
    assert!(desk.json(&["usage"])["usage"][0].get("site_charges").is_none());
    let refused = desk.pakt(&["usage", "--mine", "--site-charge"]).expect(2).stderr;
    assert!(refused.contains("cannot be given together"), "{refused}");
}

#[test]
fn balances_are_chosen() {
    let desk = september();
    for (project, unit) in [("borealis", "jupiter:gh200"), ("cirrus", "jupiter:gh200"), ("atlas", "horeka:h100")] {
        let grant = ["ledger", "grant", project, "10", "--unit", unit, "--account", project, "--new-project"];
        desk.pakt(&[&grant[..], &["--from", "2026-09-01", "--until", "2027-09-01"]].concat()).expect(0);
    }
    let shown = |words: &[&str]| {
        let found = desk.json(&[&["balance", "--offline"], words].concat())["balances"].clone();
        let place = |balance: &serde_json::Value| {
            format!("{} {}", balance["project"].as_str().expect("one"), balance["unit"].as_str().expect("one"))
        };
        found.as_array().expect("a list").iter().map(place).collect::<Vec<_>>().join(", ")
    };
    for (words, expected) in [
        (&[][..], "atlas horeka:h100, atlas jupiter:gh200, borealis jupiter:gh200, cirrus jupiter:gh200"),
        (&["cirrus", "borealis"], "borealis jupiter:gh200, cirrus jupiter:gh200"),
        (&["--at-site", "horeka"], "atlas horeka:h100"),
        (&["atlas", "--unit", "jupiter:gh200"], "atlas jupiter:gh200"),
        (&["--unit", "jupiter:node"], ""),
    ] {
        assert_eq!(shown(words), expected, "{words:?}");
    }
    assert_snapshot!(desk.pakt(&["balance", "--offline", "atlas", "cirrus", "--at-site", "horeka"]).shown(), @"
    exit 2
    --- stderr
    error: project `cirrus` has no balance
    why:   the ledger at `<home>/state/ledger.sqlite` has no entry of it at `horeka`
    next:  enter what was granted with `pakt ledger grant`; `pakt balance` lists the projects it knows
    ");
}

#[test]
fn rules_go_by_directory_and_name() {
    let desk = september();
    let titles = TITLES.replace("|JobName", "|WorkDir|JobName");
    let guest = |id: u64, directory: &str, name: &str| {
        let row = row(id, "eve", "COMPLETED", "2026-09-12T08:00:00Z", "2026-09-12T09:00:00Z");
        row.replace("|hai|", "|guests|").replace("|train\n", &format!("|{directory}|{name}\n"))
    };
    let rows =
        [guest(11, "/p/scratch/atlas/x", "eval"), guest(12, "/p/home/eve", "llm-7b"), guest(13, "/p/home/eve", "x")];
    desk.write("guests.psv", &format!("{titles}\n{}", rows.concat()));
    desk.pakt(&["ledger", "import", "guests.psv", "--observed-at", "2026-10-02T00:00:00Z"]).expect(0);
    let bind = ["ledger", "bind", "atlas", "--unit", "jupiter:gh200", "--from", "2026-09-01"];
    assert_snapshot!(desk.pakt(&[&bind[..], &["--workdir", "/p/scratch/atlas"]].concat()).shown(), @"
    exit 0
    --- stdout
    directory `/p/scratch/atlas` at `jupiter` spends atlas in jupiter:gh200 from <instant> on
    ");
    desk.pakt(&[&bind[..], &["--name", "llm-*", "--user", "eve"]].concat()).expect(0);
    assert_eq!(desk.json(&["usage", "--person", "eve"])["usage"][0]["amount"], 8 * 3_600_000);
    let left = desk.json(&["ledger", "unattributed"]);
    assert_eq!((&left["unattributed"][0]["run"]["name"], left["unattributed"][1].is_null()), (&"x".into(), true));
    for words in [&["--workdir", "p/scratch"][..], &["--name", "*"], &["--workdir", "/p", "--whole-site"]] {
        desk.pakt(&[&bind[..], words].concat()).expect(2);
    }
}

#[test]
fn books_are_shown_as_they_were() {
    let desk = september();
    let entries = desk.json(&["ledger", "export"])["entries"].as_array().expect("entries").len();
    let late = row(4, "eve", "COMPLETED", "2026-09-30T08:00:00Z", "2026-09-30T09:00:00Z");
    desk.write("late.psv", &format!("{TITLES}\n{late}"));
    desk.pakt(&["ledger", "import", "late.psv", "--observed-at", "2026-10-03T00:00:00Z"]).expect(0);
    let known = entries.to_string();
    let used = |words: &[&str]| {
        desk.json(&[&["usage", "--until", "2026-10-01"], words].concat())["usage"][0]["amount"].clone()
    };
    assert_eq!(used(&[]), 9 * 3_600_000 + 4 * 3_600_000);
    assert_eq!(used(&["--known-at", &known]), 9 * 3_600_000);
    assert_eq!(used(&["--known-at", &desk.tool(&["date", "-u", "+%FT%TZ"])]), 13 * 3_600_000);
    assert_eq!(used(&["--known-at", "2026-01-01T00:00:00Z"]), serde_json::Value::Null);
    let closing = |words: &[&str]| {
        desk.json(&[&["ledger", "statement", "atlas"], words].concat())["statements"][0]["closing"].clone()
    };
    let balance = |words: &[&str]| desk.json(&[&["balance", "--offline", "atlas"], words].concat());
    assert_eq!(balance(&[])["balances"][0]["used"], 21 * 3_600_000);
    let then = balance(&["--known-at", &known]);
    assert_eq!((&then["balances"][0]["used"], &then["holds"]), (&(17 * 3_600_000).into(), &serde_json::Value::Null));
    assert_eq!(balance(&["--as-of", "2026-09-20T00:00:00Z"])["balances"][0]["used"], 9 * 3_600_000);
    desk.pakt(&["balance", "--as-of", "2999-01-01T00:00:00Z"]).expect(2);
    desk.pakt(&["balance", "--known-at", "then"]).expect(2);
    let difference = closing(&["--known-at", &known]).as_i64().expect("a number") - closing(&[]).as_i64().expect("too");
    assert_eq!(difference, 4 * 3_600_000);
}

#[test]
fn what_cannot_be_asked_is_refused() {
    let desk = september();
    for words in [
        &["--by", "moon"][..],
        &["--since", "yesterday"],
        &["--since", "2026-09-10", "--until", "2026-09-10"],
        &["--since", "2026-09-10", "--until", "2026-09-11T00:00:00Z"],
        &["--end-state", "GREAT"],
        &["--known-at", "then"],
        &["--mine", "--by", "day"],
    ] {
        let refused = desk.pakt(&[&["usage"], words].concat()).expect(2);
        assert_eq!((refused.stdout.as_str(), refused.stderr.lines().count()), ("", 3), "{words:?}: {}", refused.stderr);
    }
    let none = Desk::new().pakt(&["usage"]).expect(2);
    assert_snapshot!(none.shown(), @"
    exit 2
    --- stderr
    error: no usage was shown
    why:   there is no ledger
    next:  `pakt usage --mine` asks accounting, without a ledger; `pakt ledger init` makes one
    ");
}

#[test]
fn a_person_is_erased_and_the_hours_stay() {
    let desk = september();
    desk.pakt(&["ledger", "erase", "bob"]).expect(2);
    assert_snapshot!(desk.pakt(&["ledger", "erase", "bob", "--forever"]).shown(), @"
    exit 0
    --- stdout
    erased: the name, and what was read of 1 run; totals and proofs stay
    ");
    let people = desk.json(&["usage", "--by", "person"])["usage"].clone();
    let amounts: Vec<i64> =
        people.as_array().expect("sums").iter().map(|sum| sum["amount"].as_i64().expect("one")).collect();
    assert_eq!(amounts.iter().sum::<i64>(), 17 * 3_600_000);
    assert!(!people.to_string().contains("bob"), "{people}");
    desk.pakt(&["ledger", "verify"]).expect(0);
    // The file says it again, and it is known.
    let again = desk.pakt(&["ledger", "import", "runs.psv", "--observed-at", "2026-10-02T00:00:00Z"]).expect(0);
    assert!(again.stdout.starts_with("jupiter: 3 rows: 0 newly charged, 3 known"), "{}", again.stdout);
    assert_snapshot!(desk.pakt(&["ledger", "erase", "bob", "--forever"]).shown(), @"
    exit 2
    --- stderr
    error: nobody was erased
    why:   the ledger knows no `bob` at `jupiter`
    next:  `pakt usage --by person,site` lists those who ran something
    ");
}

/// Somebody who has the ledger's file open in the middle of a question, until they are let go.
struct Reader(std::process::Child);

const READ: &str = "import sqlite3, sys
ledger = sqlite3.connect(sys.argv[1], isolation_level=None)
ledger.execute('BEGIN')
ledger.execute('SELECT count(*) FROM persons').fetchone()
print('reads', flush=True)
sys.stdin.read()";

impl Reader {
    fn of(ledger: &std::path::Path) -> Self {
        use std::{io::BufRead, process::Stdio};
        let mut command = std::process::Command::new("python3");
        command.args(["-c", READ]).arg(ledger).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut reader = Self(command.spawn().expect("python3"));
        let mut said = String::new();
        std::io::BufReader::new(reader.0.stdout.take().expect("piped")).read_line(&mut said).expect("a line");
        assert_eq!(said, "reads\n");
        reader
    }

    fn let_go(mut self) {
        drop(self.0.stdin.take());
        assert!(self.0.wait().expect("ended").success());
    }
}

#[test]
fn an_erasure_that_somebody_who_reads_keeps_from_its_end_says_so_and_goes_on_later() {
    let desk = september();
    let reader = Reader::of(&desk.home().join("state/ledger.sqlite"));
    assert_snapshot!(desk.pakt(&["ledger", "erase", "bob", "--forever"]).shown(), @"
    exit 3
    --- stderr
    error: the name is out of every table, and may still stand in freed parts of the file
    why:   overwriting what was erased: somebody reads the ledger, and its write-ahead log cannot be emptied meanwhile
    next:  when nobody uses the ledger any more, run the same command again: it goes on from here
    ");
    reader.let_go();
    assert_snapshot!(desk.pakt(&["ledger", "erase", "bob", "--forever"]).shown(), @"
    exit 0
    --- stdout
    erased: what an earlier call left in freed parts of the file
    ");
    desk.pakt(&["ledger", "verify"]).expect(0);
}

/// The profile of JUPITER where a node costs half as much for what starts in October or later. The page that says so is of
/// January.
fn halved_from_october() -> String {
    let profile = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../sites/profiles/jupiter.yaml"));
    let profile = profile.expect("ours");
    let old = "    tariff:\n      value: { charge: { nodes: 288000 }, class: core }\n      source: jsc-acct\n";
    assert!(profile.contains(old));
    let new = format!("{}      as_of: 2027-01\n", old.replace("288000", "144000"));
    let earlier: String = old.lines().map(|line| format!("    {line}\n")).collect();
    let earlier = format!("    earlier_tariffs:\n      - before: 2026-10-01T00:00:00+02:00\n{earlier}");
    profile.replace(old, &format!("{new}{earlier}"))
}

#[test]
fn a_name_in_signed_words_stays_only_where_somebody_says_so() {
    let desk = september();
    let adjust = ["ledger", "adjust", "atlas", "1", "--unit", "jupiter:gh200", "--reason"];
    desk.pakt(&[&adjust[..], &["bob asked for it"]].concat()).expect(0);
    desk.pakt(&[&adjust[..], &["bobsleigh"]].concat()).expect(0);
    let refused = desk.pakt(&["ledger", "erase", "bob", "--forever"]).expect(2).stderr;
    assert!(refused.contains("the name stands in notes or reasons of 1 entry: 9"), "{refused}");
    assert_eq!(
        desk.json(&["ledger", "erase", "bob", "--forever", "--notes-stay"])["entries_with_name"],
        serde_json::json!([9])
    );
    desk.pakt(&["ledger", "verify"]).expect(0);
}

#[test]
fn runs_are_priced_anew_when_a_tariff_changes() {
    let desk = september_in("jupiter:core", "9000");
    let used = |desk: &Desk| desk.json(&["usage"])["usage"][0]["amount"].as_i64().expect("an amount");
    let before = used(&desk);
    assert_snapshot!(desk.pakt(&["ledger", "reprice"]).shown(), @"
    exit 0
    --- stdout
    jupiter: 3 runs looked at, 0 were priced anew
    ");
    let folder = desk.home().join("sites");
    std::fs::create_dir_all(&folder).expect("ours");
    std::fs::write(folder.join("jupiter.yaml"), halved_from_october()).expect("ours");
    assert_snapshot!(desk.pakt(&["ledger", "reprice", "--dry-run"]).shown(), @"
    exit 0
    --- stdout
    jupiter: 3 runs looked at, 1 would be priced anew
    ");
    assert_eq!(used(&desk), before, "nothing was entered");
    assert_snapshot!(desk.pakt(&["ledger", "reprice", "--until", "2026-10-01"]).shown(), @"
    exit 0
    --- stdout
    jupiter: 2 runs looked at, 0 were priced anew
    ");
    assert_snapshot!(desk.pakt(&["ledger", "reprice"]).shown(), @"
    exit 0
    --- stdout
    jupiter: 3 runs looked at, 1 was priced anew
      atlas was given back 288.000 core-h (jupiter:core)
      1 run corrected: from 576.000 to 288.000 core-h (jupiter:core)
    ");
    let after = before - 2 * 144 * 3_600_000;
    assert_eq!(used(&desk), after, "the two hours of October");
    // Entries name the tariff that they follow from, with the digest of what it says.
    let tariffs = desk.pakt(&["sites", "tariffs", "jupiter", "--json"]).expect(0).stdout;
    let entries = desk.pakt(&["ledger", "export"]).expect(0).stdout;
    let named = |line: &str| serde_json::from_str::<serde_json::Value>(line).expect("JSON")["tariff"].clone();
    let named: Vec<_> = entries.lines().map(named).filter(|tariff| !tariff.is_null()).collect();
    assert!(named.len() >= 4, "{entries}");
    assert!(named.iter().all(|tariff| tariffs.contains(&tariff.to_string())), "{named:?} {tariffs}");
    // Somebody whose profile is older undoes nothing, neither by repricing nor by reading the runs again.
    std::fs::remove_file(folder.join("jupiter.yaml")).expect("ours");
    assert_snapshot!(desk.pakt(&["ledger", "reprice"]).shown(), @"
    exit 0
    --- stdout
    jupiter: 3 runs looked at, 0 were priced anew
    --- stderr
    note: 1 run is priced by a later tariff than the profile's, and keeps its price; where the profile is right, give its tariff the later `as_of`
    ");
    desk.pakt(&["ledger", "import", "runs.psv", "--observed-at", "2026-10-03T00:00:00Z"]).expect(0);
    assert_eq!(used(&desk), after);
    desk.pakt(&["ledger", "verify"]).expect(0);
}
