//! What people enter by hand.

use crate::desk::Desk;
use insta::assert_snapshot;

/// A desk whose project has ten core-hours, and one job that took a few seconds.
fn with_a_run() -> (Desk, String) {
    let desk = Desk::with_grant("1000");
    let file = desk.job("tiny", "sleep 1; true");
    let submitted = desk.json(&["submit", &file]);
    desk.json(&["watch", "tiny"]);
    desk.pakt(&["settle"]).expect(0);
    (desk, submitted["scheduler_job"].as_str().map_or_else(|| submitted["scheduler_job"].to_string(), str::to_owned))
}

fn free(desk: &Desk, project: &str) -> i64 {
    let balance = desk.json(&["balance", project, "--offline"]);
    balance["balances"][0]["free_at_most"].as_i64().expect("an amount")
}

#[test]
fn a_run_is_refunded_once() {
    let (desk, job) = with_a_run();
    let before = free(&desk, "atlas");
    assert!(before < 3_600_000_000);
    let refunded = desk.json(&["ledger", "refund", &job, "--reason", "the node failed"]);
    assert_eq!((&refunded["is_new"], &refunded["project"]), (&true.into(), &"atlas".into()));
    assert_eq!(free(&desk, "atlas"), 3_600_000_000);
    let again = desk.pakt(&["ledger", "refund", &job, "--reason", "the node failed"]).expect(0);
    assert!(again.stdout.starts_with("it was refunded before"), "{}", again.stdout);
    desk.pakt(&["ledger", "refund", &job, "--reason", "again"]).expect(2);
    desk.pakt(&["ledger", "verify"]).expect(0);
    assert_snapshot!(desk.pakt(&["ledger", "refund", "424242", "--reason", "the node failed"]).shown(), @"
    exit 2
    --- stderr
    error: nothing was refunded
    why:   nobody was charged for a run of job 424242 at `local`
    next:  `pakt settle` reads runs; `pakt ledger covered` lists those in openings; `--at SITE` names another site
    ");
}

#[test]
fn a_run_is_refunded_by_the_id_of_its_job_too() {
    let (desk, scheduler_job) = with_a_run();
    let id = desk.json(&["show", "tiny"])["id"].as_str().expect("an id").to_owned();
    let refund = |job: &str| desk.json(&["ledger", "refund", job, "--reason", "the node failed"]);
    let refunded = refund(&id);
    assert_eq!((&refunded["is_new"], free(&desk, "atlas")), (&true.into(), 3_600_000_000));
    // Both ids are of one run.
    assert_eq!(refund(&scheduler_job)["is_new"], false);
    assert_eq!(refund(&id.to_uppercase())["run"], refunded["run"]);
    // The ledger alone knows it, too.
    std::fs::rename(desk.home().join("state/jobs"), desk.home().join("state/elsewhere")).expect("ours");
    assert_eq!(refund(&id)["run"], refunded["run"]);
    assert_snapshot!(desk.pakt(&["ledger", "refund", &id, "--at", "horeka", "--reason", "again"]).shown(), @"
    exit 2
    --- stderr
    error: nothing was refunded
    why:   nobody was charged for a run of job <job> at `horeka`
    next:  `pakt settle` reads runs; `pakt show <job>` says what is known of the job
    ");
    assert_snapshot!(desk.pakt(&["ledger", "refund", "tiny", "--reason", "again"]).shown(), @"
    exit 2
    --- stderr
    error: the command line was not understood
    why:   `tiny` cannot be used for `<JOB>`: a job's id is wanted: 26 characters such as `<job>`, or the scheduler's number
    next:  `pakt ledger refund --help` says what there is
    ");
}

#[test]
fn adjustments_above_a_limit_wait_for_somebody_else() {
    let desk = Desk::with_grant("1000");
    let adjust = ["ledger", "adjust", "atlas", "--unit", "local:core", "--reason", "counted twice"];
    desk.pakt(&[&adjust[..], &["-20"]].concat()).expect(0);
    desk.pakt(&[&adjust[..], &["-20"]].concat()).expect(0);
    assert_eq!(free(&desk, "atlas"), 980 * 3_600_000);
    let waits = desk.json(&[&adjust[..], &["-100.5"]].concat());
    assert_eq!((&waits["waits"], free(&desk, "atlas")), (&true.into(), 980 * 3_600_000));
    let key = waits["key"].as_str().expect("a key");
    assert_eq!(desk.json(&["ledger", "agree"])["proposals"][0]["wish"]["key"], key);
    let own = desk.pakt(&["ledger", "agree", key]).expect(2);
    assert!(own.stderr.contains("somebody else has to agree"), "{}", own.stderr);
    assert_snapshot!(desk.pakt(&["ledger", "agree", "nothing"]).shown(), @"
    exit 2
    --- stderr
    error: nothing was adjusted
    why:   no adjustment `nothing` waits
    next:  `pakt ledger agree` lists those that do, with their keys
    ");
}

/// What people type stands in notes, which a public export and a proof have commitments to.
#[test]
fn reasons_and_numbers_leave_with_nothing_that_is_handed_on() {
    let desk = Desk::with_grant("1000");
    let unit = ["--unit", "local:core", "--reason", "forsooth kim is ill"];
    let run = |words: &[&str]| desk.pakt(&[words, &unit].concat()).expect(0);
    let grant = ["ledger", "grant", "atlas", "5", "--unit", "local:core", "--reference", "forsooth-of-kim"];
    desk.pakt(&grant).expect(0);
    assert!(desk.pakt(&grant).expect(0).stdout.contains("nothing changed"), "the same number is the same grant");
    run(&["ledger", "delegate", "atlas", "vision", "3", "--reference", "forsooth-of-kim"]);
    run(&["ledger", "withdraw", "atlas", "1", "--reference", "forsooth-of-kim"]);
    run(&["ledger", "adjust", "atlas", "2"]);
    let number =
        desk.json(&["ledger", "export"])["entries"].as_array().expect("entries").iter().rev().find_map(|entry| {
            (entry["project"] == "vision" && entry["kind"] == "grant")
                .then(|| entry["note"].as_str().expect("text").to_owned())
        });
    let number = number.expect("what was passed on");
    assert!(number.starts_with("forsooth-of-kim from atlas, "), "{number}");
    run(&["ledger", "delegate", "vision", "atlas", "1", "--reference", &number]);
    let public = desk.pakt(&["ledger", "export", "--public"]).expect(0);
    assert_eq!((public.stdout.contains("forsooth"), public.stderr.as_str()), (false, ""));
    for entry in desk.exported() {
        let proof = desk.pakt(&["ledger", "prove", &entry["number"].to_string()]).expect(0);
        assert_eq!(proof.stderr, "");
        let leaf =
            ledger::evidence::EntryProof::parse(proof.stdout.as_bytes()).expect("a proof").extra.expect("a leaf");
        assert!(!String::from_utf8_lossy(&leaf).contains("forsooth"), "{entry}");
    }
}

#[test]
fn time_is_passed_on_to_another_project() {
    let desk = Desk::with_grant("1000");
    let delegate = ["ledger", "delegate", "atlas", "vision", "300", "--unit", "local:core", "--reason", "thesis"];
    assert_snapshot!(desk.pakt(&delegate).shown(), @"
    exit 0
    --- stdout
    passed on: 300.000 core-h (local:core) from atlas to vision
    ");
    assert_snapshot!(desk.pakt(&delegate).shown(), @"
    exit 0
    --- stdout
    it was passed on before, and nothing changed: 300.000 core-h (local:core) from atlas to vision
    ");
    assert_eq!((free(&desk, "atlas"), free(&desk, "vision")), (700 * 3_600_000, 300 * 3_600_000));
    let too_much = ["ledger", "delegate", "atlas", "vision", "701", "--unit", "local:core", "--reason", "more"];
    assert_snapshot!(desk.pakt(&too_much).shown(), @"
    exit 2
    --- stderr
    error: nothing was passed on
    why:   700.000 core-h can be passed on, 701.000 are wanted
    next:  pass on fewer hours; `pakt balance atlas` shows what holds the rest
    ");
    let itself = ["ledger", "delegate", "atlas", "atlas", "1", "--unit", "local:core", "--reason", "more"];
    assert_snapshot!(desk.pakt(&itself).shown(), @"
    exit 2
    --- stderr
    error: nothing was passed on
    why:   `atlas` would pass it on to itself
    next:  name another project than the one that passes it on
    ");
    let nothing = ["ledger", "delegate", "atlas", "vision", "0", "--unit", "local:core", "--reason", "more"];
    assert!(desk.pakt(&nothing).expect(2).stderr.contains("why:   0.000 hours are nothing to pass on\n"));
    desk.pakt(&["ledger", "verify"]).expect(0);
}

#[test]
fn months_of_a_quota_are_passed_on() {
    let desk = Desk::new();
    desk.configure("site: jupiter\n");
    desk.pakt(&["ledger", "init"]).expect(0);
    let grant = ["ledger", "grant", "atlas", "1200", "--unit", "jupiter:gh200", "--new-project", "--account", "hai"];
    desk.pakt(&grant).expect(0);
    let delegate = ["ledger", "delegate", "atlas", "vision", "300", "--unit", "jupiter:gh200", "--reason", "thesis"];
    assert_snapshot!(desk.pakt(&[&delegate[..], &["--new-project"]].concat()).shown(), @"
    exit 0
    --- stdout
    passed on: 300.000 GPU-h (jupiter:gh200) from atlas to vision
    ");
    let balances = desk.json(&["balance", "--offline"])["balances"].clone();
    let all = balances.as_array().expect("balances").iter().map(|balance| {
        balance["granted"].as_i64().zip(balance["later"].as_i64()).map_or(0, |(now, later)| now + later) / 3_600_000
    });
    assert_eq!(all.collect::<Vec<_>>(), [900, 300]);
    let part = ["ledger", "withdraw", "atlas", "100", "--unit", "jupiter:gh200", "--reason", "a mistake"];
    assert_snapshot!(desk.pakt(&part).shown(), @"
    exit 2
    --- stderr
    error: nothing was withdrawn
    why:   grant `initial` of `atlas` comes in parts, of which none is taken back alone
    next:  withdraw all of it, without hours, and enter it again with other parts
    ");
    desk.pakt(&["ledger", "verify"]).expect(0);
}

#[test]
fn a_reservation_by_hand_is_held_and_released() {
    let desk = Desk::with_grant("1000");
    let held = desk.json(&["ledger", "hold", "atlas", "400", "--unit", "local:core", "--reason", "course in May"]);
    let id = held["id"].as_str().expect("an id");
    assert_eq!(free(&desk, "atlas"), 600 * 3_600_000);
    let again = ["ledger", "hold", "atlas", "400", "--unit", "local:core", "--reason", "course in May", "--id", id];
    assert_eq!((desk.json(&again)["id"].as_str(), free(&desk, "atlas")), (Some(id), 600 * 3_600_000));
    // It is no job, and settling leaves it alone.
    desk.pakt(&["settle"]).expect(0);
    assert_eq!(free(&desk, "atlas"), 600 * 3_600_000);
    let released = desk.json(&["ledger", "release", id]);
    assert_eq!((&released["is_closed"], free(&desk, "atlas")), (&true.into(), 1000 * 3_600_000));
    let other = "01m5vj1jg00000000000000009";
    assert_snapshot!(desk.pakt(&["ledger", "release", other]).shown(), @"
    exit 2
    --- stderr
    error: nothing was released
    why:   the ledger has no hold <job>
    next:  `pakt balance` lists the open holds
    ");
}

#[test]
fn a_reservation_beyond_what_is_free_is_told_and_none_of_nothing_is_made() {
    let desk = Desk::with_grant("1000");
    let hold =
        |hours: &str| desk.pakt(&["ledger", "hold", "atlas", hours, "--unit", "local:core", "--reason", "course"]);
    let told = hold("1000").expect(0).stderr;
    assert!(!told.contains("warning"), "{told}");
    let told = hold("7").expect(0).stderr;
    assert!(told.contains("warning: atlas has reserved and used 7.000 core-h (local:core) more than it has"), "{told}");
    assert_snapshot!(hold("0").shown(), @"
    exit 2
    --- stderr
    error: nothing was reserved
    why:   0 hours are nothing that could be reserved
    next:  write how many hours, such as `pakt ledger hold PROJECT 40`
    ");
}

#[test]
fn a_balance_of_the_past_takes_whole_days() {
    let desk = Desk::with_grant("1000");
    let by_day = desk.json(&["balance", "--as-of", "2026-02-01"]);
    let by_time = desk.json(&["balance", "--as-of", "2026-02-01T00:00:00+00:00"]);
    assert_eq!(by_day["balances"][0]["granted"], by_time["balances"][0]["granted"]);
    assert_snapshot!(desk.pakt(&["balance", "--as-of", "yesterday"]).shown(), @"
    exit 2
    --- stderr
    error: no balance was shown
    why:   `yesterday` is not a time such as `2026-11-23T22:14:00Z`, or seconds since 1970
    next:  write it as `2026-11-01`, `2026-11-01T06:30` or `2026-11-01T05:30:00Z`
    ");
}

#[test]
fn every_refusal_says_what_to_do() {
    let desk = Desk::with_grant("1000");
    let lots = ["--lot", "2027-01-01..2027-02-01=5", "--lot", "2027-02-01..2027-03-01=5"];
    let parts =
        ["ledger", "grant", "atlas", "10", "--unit", "local:core", "--reference", "parts", "--from", "2027-01-01"];
    desk.pakt(&[&parts[..], &["--until", "2027-03-01"], &lots].concat()).expect(0);
    desk.pakt(&["ledger", "open", "atlas", "5", "--unit", "local:core", "--note", "portal"]).expect(0);
    let held = desk.json(&["ledger", "hold", "atlas", "4", "--unit", "local:core", "--reason", "course"]);
    let id = held["id"].as_str().expect("an id");
    let budget = ["--unit", "local:core"];
    let because = ["--unit", "local:core", "--reason", "thesis"];
    for (words, more, next) in [
        (&["withdraw", "atlas", "5", "--reference", "parts"][..], &because[..], "withdraw all of it, without hours"),
        (&["withdraw", "atlas", "5000"], &because, "write fewer hours"),
        (&["withdraw", "atlas", "-5"], &because, "write it without a sign"),
        (
            &["delegate", "atlas", "vision", "5", "--reference", "none"],
            &because,
            "it has `initial`, `parts`: `--reference",
        ),
        (&["delegate", "atlas", "atlas", "5"], &because, "name another project"),
        (&["delegate", "atlas", "vision", "5000"], &because, "pass on fewer hours; `pakt balance atlas`"),
        (&["grant", "atlas", "-5"], &budget, "write it without a sign; `pakt ledger withdraw`"),
        (
            &["open", "atlas", "6", "--note", "portal"],
            &budget,
            "`pakt ledger adjust PROJECT HOURS --unit UNIT` corrects",
        ),
        (
            &["open", "atlas", "5", "--note", "x", "--as-of", "2999-01-01"],
            &budget,
            "a time that is over behind `--as-of`",
        ),
        (&["hold", "atlas", "5", "--id", id], &because, "leave `--id` out"),
        (&["hold", "atlas", "-5"], &because, "write it without a sign"),
        (&["bind", "other", "--new-project"], &budget, "`pakt ledger unbind NUMBER` ends that one first"),
        (&["adjust", "atlas", "0"], &because, "with `-` in front where it loses them"),
        (&["adjust", "atlas", "5", "--at", "2999-01-01"], &because, "that has begun behind `--at`"),
        (&["agree", "nothing"], &[], "`pakt ledger agree` lists those that do"),
        (&["backup", "no/folder/copy"], &[], "name a file in one that is there"),
    ] {
        let refused = desk.pakt(&[&["ledger"], words, more].concat()).expect(2).stderr;
        let said = refused.lines().find_map(|line| line.strip_prefix("next:  ")).unwrap_or_default();
        assert!(said.contains(next), "{words:?}: {refused}");
        assert_eq!(refused.lines().count(), 3, "{refused}");
    }
}
