//! What a person or somebody else wrote wrongly: every mistake at once, exit code 2, and nothing changed.

use crate::desk::Desk;
use insta::assert_snapshot;
use std::fs;

/// Runs a command that must fail with 2 and change nothing below the desk.
#[track_caller]
fn refused(desk: &Desk, words: &[&str]) -> String {
    let before = desk.everything();
    let ran = desk.pakt(words).expect(2);
    assert_eq!(ran.stdout, "", "pakt {}", ran.words);
    assert!(before == desk.everything(), "pakt {} changed something", ran.words);
    ran.shown()
}

#[test]
fn every_mistake_of_a_job_file_is_shown_with_its_place() {
    let desk = Desk::new();
    desk.write(
        "bad.yaml",
        "name: tiny lm\nkind: training\nproject: atlas\nsite: jupiter\n\
         resources: { nodse: 2, gpus_per_node: 4, time: 36h }\nlaunch: torchrun\n\
         environment: { variables: { HF_TOKEN: x } }\nrun: train.py\n",
    );
    assert_snapshot!(refused(&desk, &["check", "bad.yaml"]), @"");
    // The other commands read the same file in the same way.
    for command in ["plan", "submit"] {
        assert_eq!(refused(&desk, &[command, "bad.yaml"]), refused(&desk, &["check", "bad.yaml"]));
    }
}

#[test]
fn what_a_site_cannot_take_is_shown_before_anything_is_contacted() {
    let desk = Desk::new();
    desk.write(
        "bad.yaml",
        "name: tiny-lm\nkind: train\nproject: atlas\nsite: jupiter\n\
         resources: { nodes: 2, gpus_per_node: 8, time: \"36:00:00\" }\nlaunch: torchrun\n\
         workdir: /p/project1/atlas\nrun: train.py\n",
    );
    assert_snapshot!(refused(&desk, &["check", "bad.yaml"]), @"");
}

#[test]
fn what_is_no_yaml_is_shown_with_its_line() {
    let desk = Desk::new();
    desk.write("tabs.yaml", "name: x\n\tkind: train\n");
    assert_snapshot!(refused(&desk, &["check", "tabs.yaml"]), @"");
    desk.write("empty.yaml", "");
    assert_snapshot!(refused(&desk, &["check", "empty.yaml"]), @"");
    assert_snapshot!(refused(&desk, &["check", "absent.yaml"]), @"");
    fs::write(desk.work().join("binary.yaml"), [0xff, 0xfe, 0, 1]).expect("ours");
    refused(&desk, &["check", "binary.yaml"]);
}

#[test]
fn a_bomb_of_aliases_is_refused_without_being_built() {
    let desk = Desk::new();
    let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..12 {
        let below = format!("*a{}, ", level - 1).repeat(10);
        text.push_str(&format!("a{level}: &a{level} [{}]\n", below.trim_end_matches(", ")));
    }
    desk.write("bomb.yaml", &text);
    let shown = refused(&desk, &["check", "bomb.yaml"]);
    assert!(shown.contains("bomb.yaml:"), "{shown}");
}

#[test]
fn a_bad_configuration_stops_every_command() {
    let desk = Desk::new();
    desk.configure("site: local\nprojekt: atlas\n");
    assert_snapshot!(refused(&desk, &["jobs"]), @"");
    desk.configure("site: jupitr\n");
    assert_snapshot!(refused(&desk, &["jobs"]), @"");
    desk.configure("ledger: relative/ledger.sqlite\n");
    assert_snapshot!(refused(&desk, &["--site", "local", "balance"]), @"");
}

#[test]
fn a_bad_site_file_is_named() {
    let desk = Desk::new();
    let folder = desk.home().join("sites");
    fs::create_dir(&folder).expect("fresh");
    fs::write(folder.join("mine.yaml"), "site: mine\npartitons: []\n").expect("ours");
    assert_snapshot!(refused(&desk, &["sites"]), @"");
}

#[test]
fn what_is_no_ledger_is_left_as_it_is() {
    let desk = Desk::new();
    fs::create_dir(desk.home().join("state")).expect("fresh");
    fs::write(desk.home().join("state/ledger.sqlite"), "these are my notes\n").expect("ours");
    assert_snapshot!(refused(&desk, &["balance"]), @"");
    assert_snapshot!(refused(&desk, &["ledger", "init"]), @"");
    let file = desk.job("tiny", "true");
    assert_snapshot!(refused(&desk, &["submit", &file]), @"");
}

#[test]
fn words_that_are_no_command_are_explained() {
    let desk = Desk::new();
    assert_snapshot!(refused(&desk, &["sumbit", "job.yaml"]), @"");
    assert_snapshot!(refused(&desk, &["ledger", "grant", "atlas", "many", "--unit", "local:core"]), @"");
    assert_snapshot!(refused(&desk, &["show", "nothing"]), @"");
}

#[test]
fn init_writes_a_file_that_check_accepts_and_never_overwrites() {
    let desk = Desk::new();
    for template in ["train", "evaluate", "command"] {
        let file = format!("{template}.yaml");
        desk.pakt(&["init", "--template", template, &file]).expect(0);
        desk.pakt(&["check", &file]).expect(0);
    }
    assert_snapshot!(refused(&desk, &["init", "train.yaml"]), @"");
    assert_snapshot!(refused(&desk, &["init", "--template", "trian", "other.yaml"]), @"");
}

#[test]
fn check_and_init_start_no_process() {
    let desk = Desk::with_grant("10");
    let file = desk.job("tiny", "true");
    // With no program in reach whatever would be started could not be.
    for words in [vec!["check", &file], vec!["init", "fresh.yaml"], vec!["--site", "jupiter", "init", "there.yaml"]] {
        let mut command = desk.command(&words);
        command.env("PATH", "/nonexistent");
        desk.finish(&words, command).expect(0);
    }
}

#[test]
fn the_ledger_names_the_account_that_a_site_wants() {
    let desk = Desk::new();
    desk.configure("site: jupiter\n");
    desk.write(
        "smallest.yaml",
        "name: tiny-lm\nkind: train\nproject: atlas\nsite: jupiter\n\
         resources: { nodes: 2, gpus_per_node: 4, time: \"00:10:00\" }\nlaunch: torchrun\nworkdir: .\n\
         environment: { venv: ~/venvs/torch }\nrun: train.py --steps 200\n",
    );
    assert_snapshot!(refused(&desk, &["check", "smallest.yaml"]), @"");
    desk.pakt(&["ledger", "init"]).expect(0);
    desk.pakt(&["ledger", "grant", "atlas", "100", "--unit", "jupiter:gh200", "--account", "atlas-gpu"]).expect(0);
    assert_snapshot!(desk.pakt(&["check", "smallest.yaml"]).shown(), @"");
    desk.pakt(&["ledger", "bind", "atlas", "--unit", "jupiter:gh200", "--account", "atlas-too"]).expect(0);
    assert_snapshot!(refused(&desk, &["check", "smallest.yaml"]), @"");
}
