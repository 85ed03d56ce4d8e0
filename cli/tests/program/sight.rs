//! What a job names and is not there is told before it waits: by `check`, and by `plan` and `submit` in the same words.

use crate::{desk::Desk, files::refused};
use insta::assert_snapshot;
use std::fs;

/// Writes a job for this machine with further fields.
fn job(desk: &Desk, more: &str) {
    desk.write(
        "job.yaml",
        &format!(
            "name: x\nkind: command\nproject: atlas\nsite: local\nresources: {{ nodes: 1, time: 10m }}\n\
             launch: command\n{more}"
        ),
    );
}

/// What every command says of the file, which none of them takes.
#[track_caller]
fn wrong(desk: &Desk) -> String {
    let checked = refused(desk, &["check", "job.yaml"]);
    let mistakes = |shown: String| shown.split("error: `job.yaml` is no job").next().unwrap_or_default().to_owned();
    for command in ["plan", "submit"] {
        let shown = refused(desk, &[command, "job.yaml"])
            .replace("error: job `x` cannot run as written", "error: `job.yaml` is no job");
        assert_eq!(mistakes(shown), mistakes(checked.clone()), "{command}");
    }
    checked
}

#[test]
fn a_directory_environment_or_image_that_is_missing_is_told_before_the_queue() {
    let desk = Desk::new();
    job(&desk, "workdir: runs/one\nenvironment: { venv: venvs/torch }\nrun: ./go.sh\n");
    fs::create_dir_all(desk.work().join("venvs/torch")).expect("ours");
    assert_snapshot!(wrong(&desk), @"
    exit 2
    --- stderr
    job.yaml:7:10: error: the workdir `<work>/runs/one` is not there; `<work>` is
      7 | workdir: runs/one
        |          ^^^^^^^^
        = make it: `mkdir -p <work>/runs/one`, or correct the path
    job.yaml:8:22: error: `<work>/venvs/torch` is no virtual environment: there is no bin/activate in it
      8 | environment: { venv: venvs/torch }
        |                      ^^^^^^^^^^^
        = make it: `python3 -m venv <work>/venvs/torch`, or correct the path
    error: `job.yaml` is no job that can run
    why:   there are 2 mistakes in it
    next:  mend the file; `pakt check FILE` reads it again without contacting anything
    ");
    fs::create_dir_all(desk.work().join("runs/one")).expect("ours");
    fs::create_dir_all(desk.work().join("venvs/torch/bin")).expect("ours");
    desk.write("venvs/torch/bin/activate", "");
    let doubts = desk.pakt(&["check", "job.yaml"]).expect(0).shown();
    assert_snapshot!(doubts, @"
    exit 0
    --- stdout
    job.yaml: ok: 1 node x 1 CPU of local/local for 00:10:00
    --- stderr
    job.yaml:9:6: warning: `./go.sh` is not there; the job starts in `<work>/runs/one`
      9 | run: ./go.sh
        |      ^^^^^^^
        = put it there, or say with `workdir` where it is
    ");
    desk.write("runs/one/go.sh", "");
    assert_eq!(desk.pakt(&["check", "job.yaml"]).expect(0).stderr, "");
    job(&desk, "environment: { container: torch.sif }\nrun: true\n");
    let shown = wrong(&desk);
    assert!(
        shown.contains("job.yaml:7:27: error: the container image `<work>/torch.sif` is not there; `<work>` is"),
        "{shown}"
    );
    job(&desk, "environment: { container: docker://ubuntu }\nrun: true\n");
    assert!(!desk.pakt(&["check", "job.yaml"]).shown().contains("not there"), "an address is no path");
}

#[test]
fn what_only_nodes_or_an_earlier_job_know_is_a_doubt() {
    let desk = Desk::new();
    desk.configure("site: jupiter\nproject: atlas\n");
    let job = |workdir: &str, more: &str| {
        desk.write(
            "job.yaml",
            &format!(
                "name: x\nkind: command\nproject: atlas\nsite: jupiter\nresources: {{ nodes: 1, gpus_per_node: 4, time: 10m }}\n\
                 launch: command\nworkdir: {workdir}\nscheduler: {{ account: e-aif-2026fl01-991{more} }}\nrun: true\n"
            ),
        );
        desk.pakt(&["check", "job.yaml"]).expect(0).stderr
    };
    // The root is all that this machine has of it; a variable of the site is the node's; a home may be another.
    let seen = job("/e/project1/atlas", "");
    assert!(seen.contains("warning: the workdir `/e/project1/atlas` cannot be seen from here"), "{seen}");
    assert_eq!(job("$EXAPROJECT/atlas", ""), "");
    let seen = job("~/nowhere", "");
    assert!(seen.contains("warning: the workdir `~/nowhere` is not in your home here"), "{seen}");
    assert!(seen.contains("mkdir -p ~/nowhere"), "{seen}");
    // A machine's own folder, and one that may come to be before this job starts.
    assert!(job("made/later", ", after: afterok:7").contains("warning: the workdir"));
    assert!(job("$NOPE/x", "").contains("job.yaml:7:10: warning: `$NOPE` is not set here; where the nodes"));
}

#[test]
fn a_variable_that_nobody_sets_is_told_with_its_place() {
    let desk = Desk::new();
    job(
        &desk,
        "workdir: $NOPE/runs\nenvironment:\n  venv: ${ALSO_NOPE}\n  variables:\n    A: $HOME/x:$A:$$NOPE\n    B: $A/$C\n    C: $B\nrun: echo $NOPE\n",
    );
    assert_snapshot!(wrong(&desk), @"
    exit 2
    --- stderr
    job.yaml:7:10: error: `$NOPE` is not set here, so the job would end at its start
      7 | workdir: $NOPE/runs
        |          ^^^^^^^^^^
        = correct the name, or set it where you submit; `$$NOPE` means the letters themselves
    job.yaml:9:9: error: `$ALSO_NOPE` is not set here, so the job would end at its start
      9 |   venv: ${ALSO_NOPE}
        |         ^^^^^^^^^^^^
        = correct the name, or set it where you submit; `$$ALSO_NOPE` means the letters themselves
    job.yaml:12:8: error: `$C` is not set here, so the job would end at its start
      12 |     B: $A/$C
         |        ^^^^^
         = correct the name, or set it where you submit; `$$C` means the letters themselves
    error: `job.yaml` is no job that can run
    why:   there are 3 mistakes in it
    next:  mend the file; `pakt check FILE` reads it again without contacting anything
    ");
    // What is set here reaches the job, whatever it is there; a module may set more.
    let mut command = desk.command(["check", "job.yaml"]);
    command.envs([("NOPE", ""), ("ALSO_NOPE", "/x"), ("C", "")]);
    assert_eq!(desk.finish(&["check"], command).expect(0).stderr, "");
    job(&desk, "environment:\n  modules: [CUDA]\n  variables: { ROOT: $EBROOTCUDA }\nrun: true\n");
    let seen = desk.pakt(&["check", "job.yaml"]).expect(0).stderr;
    assert!(seen.contains("warning: `$EBROOTCUDA` is not set here; where the nodes do not set it either"), "{seen}");
}

#[test]
fn a_program_is_looked_for_only_where_it_is_plain_which_file_it_is() {
    let desk = Desk::new();
    desk.write("there.py", "");
    for (run, is_missing) in [
        ("python3 there.py --steps 3", false),
        ("python3 gone.py", true),
        ("./gone", true),
        ("[bash, gone.sh]", true),
        ("[./gone, \"$x\"]", true),
        ("python3 -m gone", false),
        ("gone", false),
        ("./gone && true", false),
        ("cd x; ./gone", false),
        ("$HOME/gone", false),
        ("|\n  true\n  ./gone", false),
    ] {
        job(&desk, &format!("run: {run}\n"));
        let checked = desk.pakt(&["check", "job.yaml"]).expect(0);
        assert_eq!(checked.stderr.contains("is not there; the job starts in"), is_missing, "{run}: {}", checked.stderr);
    }
}
