//! `pakt cancel` of several jobs in one call.

use crate::{desk::Desk, real_jupiter::text};
use insta::assert_snapshot;
use serde_json::{Value, json};
use std::fs;

/// Three jobs that run or wait for long; their ids.
fn three(desk: &Desk) -> [String; 3] {
    ["first", "second", "third"].map(|name| {
        let file = desk.job(name, "sleep 600");
        text(&desk.json(&["submit", &file])["id"]).to_owned()
    })
}

fn open(desk: &Desk) -> usize {
    desk.json(&["jobs", "--open"])["jobs"].as_array().expect("a list").len()
}

#[test]
fn several_jobs_are_ended_with_one_call_each_once() {
    let desk = Desk::with_grant("10");
    let [first, ..] = three(&desk);
    let twice = desk.pakt(&["cancel", "first", "second", &first]);
    let slurm = |name: &str| desk.json(&["show", name])["submitted"]["scheduler_job"].to_string();
    let shown = twice.shown().replace(&slurm("first"), "<1>").replace(&slurm("second"), "<2>");
    assert_snapshot!(shown, @"
    exit 0
    --- stdout
    job <job> cancelled (<1>); `pakt settle` closes its hold
    job <job> cancelled (<2>); `pakt settle` closes its hold
    ");
    for name in ["first", "second"] {
        desk.pakt(&["watch", name]).expect(6);
    }
    assert_eq!(open(&desk), 1, "the third one goes on");
    let cancelled = desk.json(&["cancel", "second", "third"]);
    let of = |number: usize| &cancelled["jobs"][number];
    assert_eq!((&of(0)["name"], &of(0)["result"]), (&"second".into(), &"cancelled".into()), "{cancelled}");
    assert_eq!((&of(0)["cancelled"]["was_over"], &of(1)["cancelled"]["was_over"]), (&json!(true), &json!(false)));
    assert_eq!((&of(1)["name"], cancelled["jobs"].as_array().map(Vec::len)), (&"third".into(), Some(2)), "{cancelled}");
    desk.pakt(&["watch", "third"]).expect(6);
    desk.json(&["settle"]);
    assert_eq!(desk.json(&["balance", "--offline", "atlas"])["balances"][0]["committed"], 0, "every hold is closed");
}

#[test]
fn a_name_among_several_that_no_job_has_ends_none_of_them() {
    let desk = Desk::with_grant("10");
    three(&desk);
    assert_snapshot!(desk.pakt(&["cancel", "first", "frist", "third"]).shown(), @"
    exit 2
    --- stderr
    error: there is no job `frist`
    why:   no job under `<home>/state` has this id, scheduler id or name
    next:  `pakt jobs` lists them
    ");
    assert_eq!(open(&desk), 3);
    desk.json(&["cancel", "first", "second", "third"]);
}

#[test]
fn a_job_that_is_not_ended_as_it_should_keeps_no_other_from_its_end() {
    let desk = Desk::with_grant("10");
    let ids = three(&desk);
    // Nothing can be written there.
    let in_the_way = desk.home().join("state/jobs").join(&ids[0]).join("cancel.json");
    fs::create_dir(&in_the_way).expect("ours");
    let shown = desk.pakt(&["cancel", "first", "second"]).shown();
    let slurm = desk.json(&["show", "second"])["submitted"]["scheduler_job"].to_string();
    assert_snapshot!(shown.replace(&format!("({slurm})"), "(<2>)"), @"
    exit 3
    --- stdout
    job <job> cancelled (<2>); `pakt settle` closes its hold
    --- stderr
    <job>: first: the job directory was not written
      why:  reading <home>/state/jobs/<job>/cancel.json: something else is there; cause: it is a folder, not a file
      next: try the same command again; it goes on where it stopped
    ");
    let ran = desk.pakt(&["--json", "cancel", "first", "third"]).expect(3);
    let told: Value = serde_json::from_str(&ran.stdout).expect("JSON");
    let results: Vec<&Value> = told["jobs"].as_array().expect("a list").iter().map(|job| &job["result"]).collect();
    assert_eq!((results.as_slice(), ran.stderr.as_str()), (&[&json!("failed"), &json!("cancelled")][..], ""), "{told}");
    let of_first = &told["jobs"][0];
    assert_eq!((&of_first["id"], &of_first["error"]["kind"]), (&json!(ids[0]), &json!("unreachable")), "{told}");
    fs::remove_dir(in_the_way).expect("ours");
    // What burns hours was ended all the same.
    for name in ["first", "second", "third"] {
        desk.pakt(&["watch", name]).expect(6);
    }
}
