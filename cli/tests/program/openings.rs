//! `pakt ledger open`: what was used is counted once, in the order in which a PI does it and in the other one.

use crate::foreign::{Jupiter, row};
use insta::assert_snapshot;

/// Two runs of the day before yesterday's grant: one of 8 GPU-h, and one of 4 an hour later.
fn jupiter() -> Jupiter {
    let desk = Jupiter::with(|day_ago| {
        row(4711, "hai", "booster", day_ago, 3_600) + &row(4712, "hai", "booster", day_ago + 7_200, 1_800)
    });
    desk.pakt(&["ledger", "init"]).expect(0);
    desk.grant();
    desk
}

/// An instant between the runs.
fn between(desk: &Jupiter) -> String {
    desk.0.tool(&["date", "-u", "-d", "1350 minutes ago", "+%FT%TZ"])
}

/// Says that so much was used until then.
fn open(desk: &Jupiter, hours: &str, until: &str) -> String {
    let words = ["ledger", "open", "atlas", hours, "--unit", "jupiter:gh200", "--as-of", until, "--note", "JuDoor"];
    desk.pakt(&words).shown().replace(until, "<instant>")
}

/// What a command prints, whoever runs the tests.
fn shown(desk: &Jupiter, words: &[&str]) -> String {
    let user = desk.0.tool(&["id", "-un"]);
    desk.pakt(words).shown().replace(&format!(" {user} "), " <user> ")
}

/// What is left, as a statement has it.
fn left(desk: &Jupiter) -> String {
    let shown = desk.pakt(&["ledger", "statement", "atlas", "--unit", "jupiter:gh200"]).shown();
    shown.rsplit("closing").next().and_then(|rest| rest.lines().next()).unwrap_or_default().to_owned()
}

#[test]
fn what_an_opening_has_is_not_charged_and_is_listed() {
    let desk = jupiter();
    assert_snapshot!(open(&desk, "30", &between(&desk)), @"
    exit 0
    --- stdout
    atlas had used 30.000 GPU-h (jupiter:gh200) by <instant>
    the ledger had 0.000 GPU-h of it; 30.000 GPU-h are entered, and runs that ended by then are in it
    ");
    assert_snapshot!(desk.pakt(&["settle"]).shown(), @"
    exit 0
    --- stdout
    jupiter: runs: 1 newly charged, 0 known, 0 corrected; unattributed runs: 0 new, 0 in all; jobs: 0 running, 0 waiting; settled until <instant>
      atlas was charged 4.000 GPU-h (jupiter:gh200)
      1 run is in the opening of its budget and is not charged; `pakt ledger covered` lists it
    ");
    assert_snapshot!(desk.pakt(&["ledger", "covered"]).shown(), @"
    exit 0
    --- stdout
    job   cluster  user  account  started                     ended                       project  in the opening
    4711  jupiter  ada   hai      <instant>  <instant>  atlas    8.000 GPU-h (jupiter:gh200)
    ");
    assert_snapshot!(shown(&desk, &["usage", "--by", "project"]), @"
    exit 0
    --- stdout
    project  unit           hours
    atlas    jupiter:gh200  4.000  GPU-h
    --- stderr
    note: the opening of `atlas` has 1 run of that time with 8.000 GPU-h (jupiter:gh200), in no sum here; `pakt ledger covered atlas` lists them
    note: of the runs of account `hai` at `jupiter` that ended from <instant> to <instant> only those of <user> were read; `pakt ledger coverage atlas` lists what was read
    runs as read by <user> (self)
    ");
    assert_snapshot!(shown(&desk, &["ledger", "unattributed"]), @"
    exit 0
    --- stdout
    every run that was read belongs to a project
    --- stderr
    note: of the runs of account `hai` at `jupiter` that ended from <instant> to <instant> only those of <user> were read; `pakt ledger coverage atlas` lists what was read
    ");
    let json = desk.pakt(&["--json", "settle"]).json();
    assert_eq!((&json["settled"]["same"], &json["settled"]["covered"]), (&2.into(), &0.into()));
    let json = desk.pakt(&["--json", "usage"]).json();
    assert_eq!((&json["covered"][0]["runs"], &json["covered"][0]["amount"]), (&1.into(), &28_800_000.into()));
    assert!(!desk.pakt(&["usage", "--project", "borealis"]).shown().contains("opening"));
    assert_snapshot!(desk.pakt(&["ledger", "refund", "4711", "--reason", "node failed"]).shown(), @"
    exit 2
    --- stderr
    error: nothing was refunded
    why:   nobody was charged for a run of job 4711 at `jupiter`
    next:  `pakt settle` reads runs; `pakt ledger covered` lists those in openings; `--at SITE` names another site
    ");
    desk.pakt(&["ledger", "verify"]).expect(0);
}

#[test]
fn the_order_of_opening_and_settling_does_not_matter() {
    let (one, other) = (jupiter(), jupiter());
    let until = between(&one);
    open(&one, "30", &until);
    one.pakt(&["settle"]).expect(0);
    other.pakt(&["settle"]).expect(0);
    assert_snapshot!(open(&other, "7.9", &until), @"
    exit 2
    --- stderr
    error: the opening was not entered
    why:   7.900 GPU-h were used in all by <instant>, and the ledger has 8.000 GPU-h by then already
    next:  say all that was used, runs in the ledger included; what is charged too much there goes back by `pakt ledger adjust`; `pakt ledger statement atlas --unit jupiter:gh200` lists it
    ");
    assert_snapshot!(open(&other, "30", &until), @"
    exit 0
    --- stdout
    atlas had used 30.000 GPU-h (jupiter:gh200) by <instant>
    the ledger had 8.000 GPU-h of it; 22.000 GPU-h are entered, and runs that ended by then are in it
    ");
    assert_snapshot!(open(&other, "30", &until), @"
    exit 0
    --- stdout
    it was entered before, and nothing changed: atlas had used 30.000 GPU-h (jupiter:gh200) by <instant>
    ");
    assert_snapshot!(open(&other, "31", &until), @"
    exit 2
    --- stderr
    error: the opening was not entered
    why:   `atlas` has an opening in jupiter:gh200: entry 8 says 30.000 GPU-h by <instant>, and a budget has one
    next:  a budget has one opening: `pakt ledger adjust PROJECT HOURS --unit UNIT` corrects it, with the reason
    ");
    assert_eq!([left(&one), left(&other)], [" 66.000 GPU-h"; 2]);
}

#[test]
fn an_opening_that_its_runs_exceed_is_told() {
    let desk = jupiter();
    open(&desk, "5", &between(&desk));
    desk.pakt(&["settle"]).expect(0);
    let note = "note: the run that the opening of `atlas` has took 8.000 GPU-h (jupiter:gh200), and it has 5.000: 3.000 are \
                charged to nobody; `pakt ledger covered atlas` lists them\n";
    let statement = ["ledger", "statement", "atlas", "--unit", "jupiter:gh200"];
    for command in [&["ledger", "covered"][..], &["balance"], &statement, &[&statement[..], &["--csv"]].concat()] {
        let shown = desk.pakt(command).shown();
        assert!(shown.contains(note), "{command:?}: {shown}");
        let json = desk.pakt(&[&["--json"], command].concat()).json();
        assert_eq!(json["exceeded"][0]["exceeds_by"], 10_800_000, "{command:?}");
    }
    assert!(!desk.pakt(&["balance", "borealis"]).shown().contains("opening"));
}
