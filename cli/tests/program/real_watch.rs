//! `pakt watch` of a job that waits, on a real cluster.

use crate::{desk::Desk, real_jupiter::text};
use lab::User;
use std::{
    io::{BufRead as _, BufReader},
    process::Stdio,
    rc::Rc,
};

#[test]
fn real_a_job_that_waits_is_said_to_wait_and_for_what_before_it_begins() {
    let cluster = Rc::new(lab::attach("jupiter").expect("the lab is up"));
    let desk = Desk::at_with_grant(&cluster, User::Ada, "atlas", "jupiter:gh200", "1000");
    let job = "name: later\nkind: command\nproject: atlas\nsite: jupiter\nresources: { nodes: 1, gpus_per_node: 4, time: \"00:05:00\" }\n\
               launch: command\nscheduler: { begin: now+1hour }\nrun: 'true'\n";
    desk.write("later.yaml", job);
    let submitted = desk.json(&["submit", "later.yaml"]);
    let id = text(&submitted["id"]);
    let mut watching = desk.command(["watch", id]);
    let mut watching = watching.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("the program starts");
    let mut told = String::new();
    BufReader::new(watching.stderr.take().expect("a pipe")).read_line(&mut told).expect("text");
    watching.kill().expect("ours");
    watching.wait().expect("it ends");
    desk.json(&["cancel", id]);
    assert_eq!(told, format!("note: it waits (BeginTime); `pakt why {id}` says what for\n"));
}
