//! Other sites' ways: users who do not see each other, partitions that a filter chooses.

use crate::{
    desk::Desk,
    real_jupiter::{accounted, charged, scheduler_job},
};
use lab::User;
use std::{fs, os::unix::fs::PermissionsExt, rc::Rc};

fn job(desk: &Desk, name: &str, site: &str, resources: &str, scheduler: &str, run: &str) -> String {
    let file = format!("{name}.yaml");
    desk.write(
        &file,
        &format!(
            "name: {name}\nkind: command\nproject: atlas\nsite: {site}\nresources: {resources}\nlaunch: command\n\
             scheduler: {scheduler}\nrun: {run}\n"
        ),
    );
    file
}

#[test]
fn real_horeka_shows_each_their_own_runs_and_the_coordinator_all() {
    let horeka = Rc::new(lab::attach("horeka").expect("the lab is up"));
    let account = "hk-project-atlas";
    let [ada, ben, cleo] = [User::Ada, User::Ben, User::Cleo]
        .map(|user| Desk::at_with_grant(&horeka, user, account, "horeka:a100", "100"));
    let runs = [&ada, &ben].map(|desk| {
        let resources = "{ nodes: 1, gpus_per_node: 1, time: \"00:05:00\" }";
        let file = job(desk, "share", "horeka", resources, "{ partition: accelerated }", "sleep 1.2");
        scheduler_job(&desk.json(&["submit", &file]))
    });
    let rows = [accounted(&horeka, &ada, &runs[0]), accounted(&horeka, &ben, &runs[1])];
    assert_eq!((rows[0].gpus, rows[1].gpus), (1, 1), "shared nodes: one GPU asked for is one charged");
    for desk in [&ada, &ben, &cleo] {
        desk.json(&["settle", "--all-users"]);
    }
    let seen = |desk: &Desk| runs.each_ref().map(|run| charged(desk, run));
    let [of_ada, of_ben] = [0, 1].map(|at| rows[at].elapsed * 1000);
    assert_eq!(seen(&ada), [of_ada, 0], "Ada sees her own");
    assert_eq!(seen(&ben), [0, of_ben], "Ben sees his own");
    assert_eq!(seen(&cleo), [of_ada, of_ben], "the coordinator sees both");
    for member in [&ada, &ben] {
        let read = &member.json(&["ledger", "coverage", "atlas"])["coverage"][0];
        let is_own = read["whole"].as_array().is_some_and(Vec::is_empty);
        assert!(is_own && read["own"].as_object().is_some_and(|own| own.len() == 1), "{read}");
        let balance = &member.json(&["balance", "--offline", "atlas"])["balances"][0];
        assert!(balance["free"].is_null() && balance["completeness"] == "unknown", "{balance}");
        assert_eq!(balance["gaps"][0]["only_of"].as_array().map(Vec::len), Some(1), "{balance}");
    }
    let read = &cleo.json(&["ledger", "coverage", "atlas"])["coverage"][0];
    assert!(read["own"].as_object().is_some_and(serde_json::Map::is_empty), "{read}");
    assert_eq!(
        (read["whole"].as_array().map(Vec::len), &read["whole_by"][0]["rights"]),
        (Some(1), &"coordinator".into())
    );
    let balance = &cleo.json(&["balance", "--offline", "atlas"])["balances"][0];
    assert!(balance["free"].is_i64() && balance["completeness"] == "read", "{balance}");
}

#[test]
fn real_two_members_share_one_ledger() {
    let jupiter = Rc::new(lab::attach("jupiter").expect("the lab is up"));
    let ada = Desk::at(&jupiter, User::Ada);
    let ben = Desk::at(&jupiter, User::Ben);
    let shared = tempfile::Builder::new().prefix("ledger-").tempdir_in(jupiter.shared_directory()).expect("a folder");
    fs::set_permissions(shared.path(), fs::Permissions::from_mode(0o2770)).expect("ours");
    let ledger = shared.path().join("ledger.sqlite");
    for desk in [&ada, &ben] {
        desk.configure(&format!("site: jupiter\nproject: atlas\nledger: {}\n", ledger.display()));
    }
    ada.pakt(&["ledger", "init"]).expect(0);
    ada.pakt(&["ledger", "grant", "atlas", "100", "--unit", "jupiter:gh200", "--account", "atlas"]).expect(0);
    let resources = "{ nodes: 1, gpus_per_node: 4, time: \"00:05:00\" }";
    let begin = "{ begin: now+1hour }";
    let files = [&ada, &ben].map(|desk| (desk, job(desk, "mine", "jupiter", resources, begin, "'true'")));
    for (desk, file) in &files {
        desk.json(&["submit", file]);
    }
    for desk in [&ada, &ben] {
        desk.json(&["settle"]);
        let balance = &desk.json(&["balance", "--offline", "atlas"])["balances"][0];
        assert_eq!(balance["committed"], 2 * 4 * 300 * 1000, "each sees both holds, whoever settled");
    }
    for desk in [&ada, &ben] {
        desk.json(&["cancel", "mine"]);
        desk.pakt(&["watch", "mine"]).expect(6);
    }
    let balance = &ada.json(&["balance", "--offline", "atlas"])["balances"][0];
    assert_eq!(balance["committed"], 0);
}

#[test]
fn real_ravens_filter_chooses_the_partition_and_the_price_follows() {
    let raven = Rc::new(lab::attach("raven").expect("the lab is up"));
    let desk = Desk::at(&raven, User::Ada);
    desk.pakt(&["ledger", "init"]).expect(0);
    desk.pakt(&["ledger", "grant", "atlas", "100", "--unit", "raven:a100"]).expect(0);
    let file = job(&desk, "one", "raven", "{ nodes: 1, gpus_per_node: 1, time: \"00:05:00\" }", "{}", "sleep 1.2");
    let planned = desk.json(&["plan", &file]);
    assert_eq!(planned["hold"]["amount"], 300 * 1000, "{planned}");
    let submitted = desk.json(&["submit", &file]);
    let slurm = scheduler_job(&submitted);
    let row = accounted(&raven, &desk, &slurm);
    desk.json(&["settle"]);
    assert_eq!((row.gpus, charged(&desk, &slurm)), (1, row.elapsed * 1000));
    let shown = desk.json(&["show", "one"]);
    assert_eq!(shown["read_back"]["partition"], "gpu", "the filter's choice is read back");
}

#[test]
fn real_horekas_hard_stop_is_told_as_the_reason() {
    let horeka = Rc::new(lab::attach("horeka").expect("the lab is up"));
    let desk = Desk::at(&horeka, User::Ada);
    let resources = "{ nodes: 1, gpus_per_node: 4, time: \"01:00:00\" }";
    let scheduler = "{ partition: accelerated, account: hk-project-small }";
    let file = job(&desk, "stopped", "horeka", resources, scheduler, "'true'");
    desk.json(&["submit", &file]);
    let shown = lab::wait_until("the reason", std::time::Duration::from_mins(2), || {
        let shown = desk.pakt(&["show", "stopped"]).expect(0).stdout;
        shown.contains("AssocGrpGRESMinutes").then_some(shown)
    });
    desk.json(&["cancel", "stopped"]);
    shown.expect("the site's hard stop is shown");
}
