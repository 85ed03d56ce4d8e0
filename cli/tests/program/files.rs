//! What a person or somebody else wrote wrongly: every mistake at once, exit code 2, and nothing changed.

use crate::desk::Desk;
use insta::assert_snapshot;
use std::fs;

/// Runs a command that must fail with 2 and change nothing below the desk.
#[track_caller]
pub(crate) fn refused(desk: &Desk, words: &[&str]) -> String {
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
    assert_snapshot!(refused(&desk, &["check", "bad.yaml"]), @r#"
    exit 2
    --- stderr
    bad.yaml:1:1: error: JUPITER charges every job to an account, and none is named
      1 | name: tiny lm
        | ^^^^
        = write `scheduler: { account: e-aif-2026fl01-991 }` with your own, or bind the project `atlas` to one in the ledger
    bad.yaml:1:7: error: `tiny lm` is no job name: letters, digits, `-`, `_` and `.`, at most 64, starting with a letter or digit
      1 | name: tiny lm
        |       ^^^^^^^
        = letters, digits, `-`, `_` and `.`
    bad.yaml:2:7: error: `training` is not a `kind`
      2 | kind: training
        |       ^^^^^^^^
        = did you mean `train`?
    bad.yaml:5:14: error: there is no field `nodse`
      5 | resources: { nodse: 2, gpus_per_node: 4, time: 36h }
        |              ^^^^^
        = did you mean `nodes`?
    bad.yaml:5:48: error: 1-12:00:00 is longer than the 12:00:00 that a job may run on `booster`
      5 | resources: { nodse: 2, gpus_per_node: 4, time: 36h }
        |                                                ^^^
        = write `time: "12:00:00"` at most, save checkpoints, and go on in a second job (JSC, JUPITER batch system page, 2026-09-02; the limit sits in the QOS)
    bad.yaml:7:39: error: `HF_TOKEN` looks like a secret, and a job file, a script and a log keep it in plain sight
      7 | environment: { variables: { HF_TOKEN: ***
        |                                       ^
        = put it into a file that only you can read and let the program read that file
    error: `bad.yaml` is no job that can run
    why:   there are 6 mistakes in it
    next:  mend the file; `pakt check FILE` reads it again without contacting anything
    "#);
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
    assert_snapshot!(refused(&desk, &["check", "bad.yaml"]), @r#"
    exit 2
    --- stderr
    bad.yaml:1:1: error: JUPITER charges every job to an account, and none is named
      1 | name: tiny-lm
        | ^^^^
        = write `scheduler: { account: e-aif-2026fl01-991 }` with your own, or bind the project `atlas` to one in the ledger
    bad.yaml:5:39: error: 8 GPUs a node are asked for, and nodes of `booster` have 4
      5 | resources: { nodes: 2, gpus_per_node: 8, time: "36:00:00" }
        |                                       ^
        = ask for more nodes: `nodes: 4`, `gpus_per_node: 4` (JSC, JUPITER configuration page, 2026-09-02)
    bad.yaml:5:48: error: 1-12:00:00 is longer than the 12:00:00 that a job may run on `booster`
      5 | resources: { nodes: 2, gpus_per_node: 8, time: "36:00:00" }
        |                                                ^^^^^^^^^^
        = write `time: "12:00:00"` at most, save checkpoints, and go on in a second job (JSC, JUPITER batch system page, 2026-09-02; the limit sits in the QOS)
    bad.yaml:7:10: error: `/p/project1/atlas` lies on `/p`, which compute nodes of JUPITER do not see
      7 | workdir: /p/project1/atlas
        |          ^^^^^^^^^^^^^^^^^
        = put it on `$EXAPROJECT` or `$EXASCRATCH` (ValerianFourel/GEODML_Analysis, JUPITER how-to, 2026-05, a user's report)
    error: `bad.yaml` is no job that can run
    why:   there are 4 mistakes in it
    next:  mend the file; `pakt check FILE` reads it again without contacting anything
    "#);
}

#[test]
fn what_is_no_yaml_is_shown_with_its_line() {
    let desk = Desk::new();
    desk.write("tabs.yaml", "name: x\n\tkind: train\n");
    assert_snapshot!(refused(&desk, &["check", "tabs.yaml"]), @"
    exit 2
    --- stderr
    tabs.yaml:1:7: error: a tab stands here
      1 | name: x
        |       ^
        = indent by blanks, and put a text with tabs in quotes
    error: `tabs.yaml` is no job that can run
    why:   there is a mistake in it
    next:  mend the file; `pakt check FILE` reads it again without contacting anything
    ");
    desk.write("empty.yaml", "");
    assert_snapshot!(refused(&desk, &["check", "empty.yaml"]), @"
    exit 2
    --- stderr
    empty.yaml:1:1: error: this is no job file: it is empty
      1 | 
        | ^
        = write `name: value` lines; `pakt init` writes a job file to begin with
    error: `empty.yaml` is no job that can run
    why:   there is a mistake in it
    next:  mend the file; `pakt check FILE` reads it again without contacting anything
    ");
    assert_snapshot!(refused(&desk, &["check", "absent.yaml"]), @"
    exit 2
    --- stderr
    error: `absent.yaml` was not read
    why:   there is no such file
    next:  name a job file; `pakt init` writes one to start from
    ");
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
    assert_snapshot!(refused(&desk, &["jobs"]), @"
    exit 2
    --- stderr
    error: `<home>/config.yaml` was not understood
    why:   line 2, column 1: there is no field `projekt`; the fields here are: site, project, state, ledger, slurm_helper, slurm_rest, group, machine, ssh
    next:  mend the file; docs/reference/configuration.md lists its fields
    ");
    desk.configure("site: jupitr\n");
    assert_snapshot!(refused(&desk, &["jobs"]), @"
    exit 2
    --- stderr
    error: `jupitr` is no known site
    why:   there is no profile of that name
    next:  did you mean `jupiter`? `pakt sites` lists them all
    ");
    desk.configure("ledger: relative/ledger.sqlite\n");
    assert_snapshot!(refused(&desk, &["--site", "local", "balance"]), @"
    exit 2
    --- stderr
    error: `ledger: relative/ledger.sqlite` cannot be used
    why:   it is not absolute
    next:  write an absolute path, or set the variable
    ");
}

#[test]
fn a_server_that_would_be_shown_a_token_in_plain_text_is_refused() {
    let desk = Desk::new();
    for (rest, why) in [
        ("url: http://rest.example.org:6820, token_file: /t", "would go there in plain text"),
        ("url: http://127.0.0.1:6820", "a server at http://127.0.0.1:6820 wants a token"),
        ("url: http://127.0.0.1:6820, token_file: t", "it is not absolute"),
        ("url: http://127.0.0.1:6820, token_file: /t, token_command: [t]", "a file and a command for one token"),
        ("url: http://127.0.0.1:6820, token_command: []", "`token_command` is empty"),
        ("url: ada@rest, token_file: /t", "write `https://host`"),
        ("token_file: /t", "it names no `url`"),
    ] {
        desk.configure(&format!("site: local\nslurm_rest: {{ {rest} }}\n"));
        let shown = refused(&desk, &["jobs"]);
        assert!(shown.starts_with("exit 2\n") && shown.contains(why), "{rest}: {shown}");
    }
    desk.configure("site: local\nslurm_rest: { url: unix:/run/slurmrestd.socket }\n");
    assert_eq!(desk.pakt(&["jobs"]).code, Some(0), "no token is shown on a socket where none is named");
}

#[test]
fn a_bad_site_file_is_named() {
    let desk = Desk::new();
    let folder = desk.home().join("sites");
    fs::create_dir(&folder).expect("fresh");
    fs::write(folder.join("mine.yaml"), "site: mine\npartitons: []\n").expect("ours");
    assert_snapshot!(refused(&desk, &["sites"]), @"
    exit 2
    --- stderr
    error: `<home>/sites/mine.yaml` was not understood
    why:   <home>/sites/mine.yaml:2:1: `partitons`: there is no field `partitons`; the fields here are: site, title, centre, aliases, scheduler, defaults, sources, clusters, detection, login, login_pause_seconds, question_interval_seconds, question_pause_seconds, account, budget_windows, accounting_zone, usage, storage, state_area, cache_area, modules, notes, unknown, partitions
    next:  mend the file, or move it away; `pakt sites show SITE` prints a good one
    ");
}

#[test]
fn what_is_no_ledger_is_left_as_it_is() {
    let desk = Desk::new();
    fs::create_dir(desk.home().join("state")).expect("fresh");
    fs::write(desk.home().join("state/ledger.sqlite"), "these are my notes\n").expect("ours");
    assert_snapshot!(refused(&desk, &["balance"]), @"
    exit 2
    --- stderr
    error: the balance was not read
    why:   opening the ledger <home>/state/ledger.sqlite: the file is not a ledger
    next:  name another file with `ledger:` in the configuration, or ask who keeps this one
    ");
    assert_snapshot!(refused(&desk, &["ledger", "init"]), @"
    exit 2
    --- stderr
    error: no ledger was made at `<home>/state/ledger.sqlite`
    why:   opening the ledger <home>/state/ledger.sqlite: the file is not a ledger
    next:  name another file with `ledger:` in the configuration, or ask who keeps this one
    ");
    let file = desk.job("tiny", "true");
    assert_snapshot!(refused(&desk, &["submit", &file]), @"
    exit 2
    --- stderr
    error: the ledger was not read
    why:   opening the ledger <home>/state/ledger.sqlite: the file is not a ledger
    next:  name another file with `ledger:` in the configuration, or ask who keeps this one
    ");
}

#[test]
fn words_that_are_no_command_are_explained() {
    let desk = Desk::new();
    assert_snapshot!(refused(&desk, &["sumbit", "job.yaml"]), @"
    exit 2
    --- stderr
    error: the command line was not understood
    why:   there is no command `sumbit`
    next:  did you mean `submit`? `pakt --help` says what there is
    ");
    assert_snapshot!(refused(&desk, &["ledger", "grant", "atlas", "many", "--unit", "local:core"]), @"
    exit 2
    --- stderr
    error: `many` is no number of hours
    why:   `many` is not an amount of hours, such as `1200` or `0.5`
    next:  write it as `1200` or `0.5`
    ");
    assert_snapshot!(refused(&desk, &["show", "nothing"]), @"
    exit 2
    --- stderr
    error: there is no job `nothing`
    why:   no job under `<home>/state` has this id, scheduler id or name
    next:  `pakt jobs` lists them
    ");
}

#[test]
fn init_writes_a_file_that_check_accepts_and_never_overwrites() {
    let desk = Desk::new();
    for template in ["train", "evaluate", "command", "accelerate", "deepspeed", "lm-eval"] {
        let file = format!("{template}.yaml");
        desk.pakt(&["init", "--template", template, &file]).expect(0);
        let doubts = desk.pakt(&["check", &file]).expect(0).stderr;
        assert!(!doubts.contains("YOUR_"), "the configuration knows the project: {doubts}");
    }
    assert_snapshot!(refused(&desk, &["init", "train.yaml"]), @"
    exit 2
    --- stderr
    error: no job file was written
    why:   `train.yaml`: there is something of that name already
    next:  name another file: `pakt init OTHER.yaml`
    ");
    assert_snapshot!(refused(&desk, &["init", "--template", "trian", "other.yaml"]), @"
    exit 2
    --- stderr
    error: no job file was written
    why:   there is no template `trian`; did you mean `train`? There are: train, evaluate, command, mpi, accelerate, torchtitan, megatron, deepspeed, jax, lm-eval, vllm, teuken-train, teuken-evaluate
    next:  `pakt init --list` lists the templates
    ");
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
    assert_snapshot!(refused(&desk, &["check", "smallest.yaml"]), @"
    exit 2
    --- stderr
    smallest.yaml:1:1: error: JUPITER charges every job to an account, and none is named
      1 | name: tiny-lm
        | ^^^^
        = write `scheduler: { account: e-aif-2026fl01-991 }` with your own, or bind the project `atlas` to one in the ledger
    smallest.yaml:8:22: warning: the virtual environment `~/venvs/torch` is not in your home here
      8 | environment: { venv: ~/venvs/torch }
        |                      ^^^^^^^^^^^^^
        = make it: `python3 -m venv ~/venvs/torch`, or correct the path, unless the nodes have another home
    smallest.yaml:9:6: warning: `train.py` is not there; the job starts in `<work>`
      9 | run: train.py --steps 200
        |      ^^^^^^^^^^^^^^^^^^^^
        = put it there, or say with `workdir` where it is
    error: `smallest.yaml` is no job that can run
    why:   there is a mistake in it
    next:  mend the file; `pakt check FILE` reads it again without contacting anything
    ");
    desk.pakt(&["ledger", "init"]).expect(0);
    desk.pakt(&["ledger", "grant", "atlas", "100", "--unit", "jupiter:gh200", "--account", "atlas-gpu"]).expect(0);
    assert_snapshot!(desk.pakt(&["check", "smallest.yaml"]).shown(), @"
    exit 0
    --- stdout
    smallest.yaml: ok: 2 nodes x 4 GPUs of jupiter/booster for 00:10:00, account atlas-gpu
    --- stderr
    smallest.yaml:8:22: warning: the virtual environment `~/venvs/torch` is not in your home here
      8 | environment: { venv: ~/venvs/torch }
        |                      ^^^^^^^^^^^^^
        = make it: `python3 -m venv ~/venvs/torch`, or correct the path, unless the nodes have another home
    smallest.yaml:9:6: warning: `train.py` is not there; the job starts in `<work>`
      9 | run: train.py --steps 200
        |      ^^^^^^^^^^^^^^^^^^^^
        = put it there, or say with `workdir` where it is
    ");
    desk.pakt(&["ledger", "bind", "atlas", "--unit", "jupiter:gh200", "--account", "atlas-too"]).expect(0);
    assert_snapshot!(refused(&desk, &["check", "smallest.yaml"]), @"
    exit 2
    --- stderr
    smallest.yaml:1:1: error: the ledger binds project `atlas` to several Slurm accounts here: `atlas-gpu`, `atlas-too`
      1 | name: tiny-lm
        | ^^^^
        = name the one that pays: `scheduler: { account: NAME }`
    error: `smallest.yaml` is no job that can run
    why:   there is a mistake in it
    next:  mend the file; `pakt check FILE` reads it again without contacting anything
    ");
}

#[test]
fn what_is_no_job_file_is_one_error() {
    let desk = Desk::new();
    for (text, what) in [
        ("", "it is empty"),
        ("\n", "it is empty"),
        ("# later\n", "there is nothing in it but comments"),
        ("Dear all,\nplease run my job.\n", "it is text or a list, and has no fields"),
        ("- train\n- evaluate\n", "it is text or a list, and has no fields"),
        ("{}\n", "it is empty"),
        ("services:\n  web: { image: nginx }\n", "it has no field of a job, and others such as `services`"),
    ] {
        desk.write("other.yaml", text);
        for command in ["check", "plan", "submit"] {
            let told = desk.pakt(&[command, "other.yaml"]).expect(2).stderr;
            assert!(told.contains(&format!("error: this is no job file: {what}\n")), "{told}");
            assert!(told.contains("`pakt init` writes a job file to begin with"), "{told}");
            assert_eq!(told.matches("error:").count(), 2, "the mistake, and what follows from it: {told}");
        }
    }
    // One field of a job, or nearly one, and all that is missing is told.
    for text in ["name: x\n", "nmae: x\n"] {
        desk.write("other.yaml", text);
        assert!(desk.pakt(&["check", "other.yaml"]).expect(2).stderr.contains("`project` is missing"));
    }
}
