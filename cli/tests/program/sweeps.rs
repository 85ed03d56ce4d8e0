//! A sweep, as its person sees it.

use crate::desk::Desk;
use std::fs;

/// Writes a job with a sweep.
fn sweep(desk: &Desk, name: &str, sweep: &str, run: &str) -> String {
    let file = desk.job(name, run);
    let text = fs::read_to_string(desk.work().join(&file)).expect("written");
    desk.write(&file, &format!("{text}sweep: {sweep}\n"));
    file
}

#[test]
fn each_cell_of_a_sweep_is_done_once_and_all_are_one_job() {
    let desk = Desk::with_grant("10");
    let run = "echo \"$lr $seed\" >>ran; [ \"$seed\" != 3 ]";
    let file = sweep(&desk, "lr", "{ grid: { lr: [1e-4, 3e-4], seed: [1, 2, 3] }, pack: 4 }", run);
    let said = desk.pakt(&["submit", &file]).expect(0).stdout;
    assert!(said.contains("\ncells: 6, in 2 of 2 links\n"), "{said}");
    let watched = desk.pakt(&["watch", "lr"]).expect(6);
    assert!(watched.stdout.contains("cells      4 of 6 are done, 2 failed\n"), "{}", watched.stdout);
    let mut ran: Vec<String> =
        fs::read_to_string(desk.work().join("ran")).expect("it ran").lines().map(str::to_owned).collect();
    ran.sort();
    assert_eq!(ran, ["1e-4 1", "1e-4 2", "1e-4 3", "3e-4 1", "3e-4 2", "3e-4 3"]);
    let shown = desk.json(&["show", "lr"]);
    assert_eq!(
        (&shown["over"]["why"], &shown["ended"]["state"]["base"]),
        (&"cells".into(), &"FAILED".into()),
        "{shown}"
    );
    assert_eq!(desk.entries_of_kind("hold"), 1);
    assert_eq!(desk.json(&["balance"])["balances"][0]["committed"], 0);
}
