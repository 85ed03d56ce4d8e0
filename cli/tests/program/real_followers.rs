//! An evaluation that follows a chain on a real Slurm: nobody is there when the chain saves.

use crate::{
    desk::Desk,
    followers::{cells, files},
    real_chain::{PATIENCE, expect_books, links},
};
use lab::{User, wait_until};
use std::{fs, rc::Rc};

#[test]
fn real_what_a_chain_saves_is_evaluated_although_nobody_watches() {
    let cluster = Rc::new(lab::attach("jupiter").expect("the lab is up"));
    let desk = Desk::at_with_grant(&cluster, User::Ada, "atlas", "jupiter:gh200", "1000");
    desk.write("mended", "");
    let resources = "{ nodes: 1, gpus_per_node: 4, time: \"00:01:00\" }";
    let [train, scores] = files(&desk, "jupiter", resources, ", lead: 30s");
    desk.pakt(&["submit", &train]).expect(0);
    let said = desk.pakt(&["submit", &scores]).expect(0).stdout;
    assert!(said.contains("behind it: link 2 as ") && said.contains(", link 3 as "), "{said}");
    desk.write("go", "");
    let all = [links(&desk, "train"), links(&desk, "scores")].concat().join(",");
    // No command of ours from here on.
    let is_over = || desk.tool(&["squeue", "-h", "-j", &all]).trim().is_empty().then_some(());
    wait_until("the end of both", PATIENCE, is_over).expect("they end");
    let told = desk.json(&["results", "scores"]);
    let done = ["100", "200", "300"].map(|step| [format!("{step} sums done"), format!("{step} words done")]).concat();
    assert_eq!(cells(&told), done, "{told}");
    let taken = desk.json(&["show", "scores"])["directory"].as_str().expect("a path").to_owned() + "/taken";
    assert_eq!(fs::read_to_string(taken).expect("a list").lines().count(), 3);
    desk.pakt(&["watch", "scores"]).expect(0);
    for name in ["train", "scores"] {
        expect_books(&cluster, &desk, name, 4);
    }
}
