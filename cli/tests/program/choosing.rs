//! `site: any` with this machine and a site that is not connected.

use crate::desk::Desk;
use serde_json::json;

/// This machine is `local`, and jupiter would be reached through ssh.
fn desk() -> Desk {
    let desk = Desk::new();
    desk.configure(
        "site: local\nproject: atlas\nmachine: { cpus: 2, gpus: 0 }\nssh: { jupiter: { hosts: [nowhere.invalid] } }\n",
    );
    desk
}

fn job(desk: &Desk, name: &str, run: &str) -> String {
    desk.job_at("any", name, "{ nodes: 1, cpus: 1, time: \"00:10:00\" }", run)
}

#[test]
fn a_site_that_does_not_answer_is_not_chosen_and_told() {
    let desk = desk();
    let file = job(&desk, "anywhere", "true");
    let said = desk.pakt(&["plan", "--no-script", &file]).expect(0).stdout;
    let lines: Vec<&str> = said.lines().filter(|line| line.starts_with("site ")).collect();
    assert_eq!(lines.len(), 2, "{said}");
    assert!(lines[0].starts_with("site       local: chosen: starts about "), "{said}");
    assert!(
        lines[1].starts_with("site       jupiter: no answer, so nothing is known: jupiter was not reached"),
        "{said}"
    );
    let submitted = desk.json(&["submit", &file]);
    assert_eq!(submitted["sites"][0]["site"], "local");
    assert_eq!(
        (&submitted["sites"][0]["is_chosen"], &submitted["sites"][1]["verdict"]),
        (&json!(true), &json!("no-answer"))
    );
    let id = submitted["id"].as_str().expect("an id").to_owned();
    let other = job(&desk, "elsewhere", "true");
    let stderr = desk.pakt(&["submit", &other]).expect(0).stderr;
    let note =
        "note: jupiter does not say whether this job was begun there, from another machine: jupiter was not reached";
    assert!(stderr.contains(note) && stderr.contains("; a job begun there would be a second one\n"), "{stderr}");
    let again = desk.pakt(&["submit", &other, "--again"]).expect(0).stderr;
    assert!(!again.contains("a second one"), "who wants another one is told nothing: {again}");
    desk.json(&["watch", &id]);
    let shown = desk.json(&["show", &id]);
    assert_eq!(shown["intent"]["origin"]["job-file"]["spec"]["site"], "any", "the request is the one of the file");
    assert_eq!(shown["intent"]["site"], "local");
}

#[test]
fn the_same_request_goes_on_where_it_was_chosen() {
    let desk = desk();
    let gate = desk.work().join("gate");
    let run = format!("until [ -e {} ] || [ ! -d {} ]; do sleep 0.1; done", gate.display(), desk.work().display());
    let file = job(&desk, "anywhere", &run);
    for step in ["Chosen", "Claimed", "Sent"] {
        let mut command = desk.command(["submit", &file]);
        command.env("PAKT_TEST_STOP_AFTER", step).output().expect("it starts");
    }
    let said = desk.pakt(&["submit", &file]).expect(0).stdout;
    assert!(said.contains("site: local: chosen before, and the job is not over\n"), "{said}");
    assert_eq!(desk.json(&["jobs"])["jobs"].as_array().map(Vec::len), Some(1));
    std::fs::write(gate, "").expect("ours");
    desk.json(&["watch", "anywhere"]);
}

#[test]
fn what_fits_nowhere_is_told_for_each_site() {
    let desk = desk();
    let file = desk.job_at("any", "large", "{ nodes: 64, gpus_per_node: 4, time: \"00:10:00\" }", "true");
    let failed = desk.pakt(&["submit", &file]).expect(3);
    assert!(failed.stderr.contains("job `large` was not submitted: no site takes it"), "{}", failed.stderr);
    assert!(failed.stderr.contains("why:   local: "), "{}", failed.stderr);
    assert!(failed.stderr.contains("; jupiter: no answer: "), "{}", failed.stderr);
    desk.pakt(&["plan", &file]).expect(3);
    desk.pakt(&["--site", "local", "plan", &file]).expect(2);
}
