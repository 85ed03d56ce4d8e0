//! `site: any` from a laptop that reaches two sites, one of which is not connected: killed behind any step it is one job.

use crate::{laptop::Laptop, real_jupiter::text};
use std::fs;

#[test]
fn real_a_job_for_any_site_is_sent_once_whatever_is_killed() {
    let laptop = Laptop::new();
    laptop.open_as_told();
    laptop.reach("horeka: { hosts: [nowhere.invalid] }");
    let file = laptop.job("anywhere", "sleep 300");
    let any = fs::read_to_string(&file).expect("written").replace("site: jupiter", "site: any");
    fs::write(&file, any).expect("ours");
    let planned = laptop.pakt(&["plan", "--no-script", &file]).expect(0).stdout;
    assert!(planned.contains("site       horeka: no answer, so nothing is known: "), "{planned}");
    assert!(planned.contains("site       jupiter: chosen: starts about "), "{planned}");
    for step in ["Chosen", "Claimed", "Intended", "Scripted", "Sending", "Sent", "Submitted", "ReadBack"] {
        laptop.pakt_killed_after(step, &["submit", &file]);
    }
    let submitted = laptop.json(&["submit", &file]);
    assert_eq!(submitted["sites"][0]["site"], "jupiter", "{submitted}");
    let id = text(&submitted["id"]);
    let squeue = ["--noheader", "--format=%k", "--states=all"];
    let mut queue = laptop.cluster.command_as(lab::User::Ada, "squeue");
    let shown = String::from_utf8(queue.args(squeue).output().expect("it runs").stdout).expect("text");
    assert_eq!(shown.lines().filter(|line| line.contains(id)).count(), 1, "{shown}");
    laptop.json(&["--site", "jupiter", "cancel", id]);
}
