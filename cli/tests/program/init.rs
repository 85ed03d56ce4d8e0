//! A fresh job file: what is known stands in it, and what is not is never taken for a name.

use crate::{
    desk::{Desk, PAKT},
    files::refused,
};
use insta::assert_snapshot;
use std::{fs, process::Command};

#[test]
fn what_init_does_not_know_is_left_for_the_person_and_never_submitted() {
    let desk = Desk::new();
    desk.configure("site: jupiter\n");
    assert_snapshot!(desk.pakt(&["init", "new.yaml"]).shown(), @"
    exit 0
    --- stdout
    wrote new.yaml for jupiter
    next: write your own for YOUR_PROJECT and YOUR_ACCOUNT, then `pakt check new.yaml` and `pakt plan new.yaml`
    ");
    assert_snapshot!(desk.pakt(&["check", "new.yaml"]).shown(), @"
    exit 0
    --- stdout
    new.yaml: ok: 1 node x 4 GPUs of jupiter/booster for 00:30:00, account YOUR_ACCOUNT
    --- stderr
    new.yaml:5:10: warning: `YOUR_PROJECT` stands for the project that spends
      5 | project: YOUR_PROJECT # Change: the name of your group's project in its ledger.
        |          ^^^^^^^^^^^^
        = write the name that your group's ledger has for it; `project: NAME` in the configuration gives it to every new file
    new.yaml:13:6: warning: `train.py` is not there; the job starts in `<work>`
      13 | run: train.py --steps 200
         |      ^^^^^^^^^^^^^^^^^^^^
         = put it there, or say with `workdir` where it is
    new.yaml:24:12: warning: `YOUR_ACCOUNT` stands for the Slurm account that pays
      24 |   account: YOUR_ACCOUNT # Change: every job here names its budget, such as e-aif-2026fl01-991.
         |            ^^^^^^^^^^^^
         = write one of yours; `pakt sites` lists them on a login node
    ");
    assert_snapshot!(refused(&desk, &["plan", "new.yaml"]), @"
    exit 2
    --- stderr
    new.yaml:5:10: error: `YOUR_PROJECT` stands for the project that spends
      5 | project: YOUR_PROJECT # Change: the name of your group's project in its ledger.
        |          ^^^^^^^^^^^^
        = write the name that your group's ledger has for it; `project: NAME` in the configuration gives it to every new file
    new.yaml:24:12: error: `YOUR_ACCOUNT` stands for the Slurm account that pays
      24 |   account: YOUR_ACCOUNT # Change: every job here names its budget, such as e-aif-2026fl01-991.
         |            ^^^^^^^^^^^^
         = write one of yours; `pakt sites` lists them on a login node
    error: job `train` cannot run as written
    why:   there are 2 mistakes in it
    next:  mend the file; `pakt check FILE` reads it again without contacting anything
    ");
    assert_eq!(refused(&desk, &["submit", "new.yaml"]), refused(&desk, &["plan", "new.yaml"]));
    // The ledger knows both, and then the file is ready.
    desk.pakt(&["ledger", "init"]).expect(0);
    desk.pakt(&["ledger", "grant", "atlas", "100", "--unit", "jupiter:gh200", "--account", "atlas-gpu"]).expect(0);
    desk.pakt(&["init", "known.yaml"]).expect(0);
    let text = fs::read_to_string(desk.work().join("known.yaml")).expect("written");
    assert!(text.contains("\nproject: atlas ") && text.contains("\n  account: atlas-gpu "), "{text}");
    let checked = desk.json(&["check", "known.yaml"]);
    assert_eq!(checked["sites"][0]["placement"]["account"], "atlas-gpu");
    // Of two projects it is not known which.
    desk.pakt(&["ledger", "grant", "other", "1", "--unit", "jupiter:gh200", "--account", "other-gpu"]).expect(0);
    let text = desk.pakt(&["init", "-"]).expect(0).stdout;
    assert!(text.contains("\nproject: YOUR_PROJECT ") && text.contains("\n  account: YOUR_ACCOUNT "), "{text}");
}

#[test]
fn a_job_file_is_written_whole_or_not_at_all() {
    let desk = Desk::new();
    // No file can get a byte: as on a full disk, for anybody and on any machine.
    let mut command = Command::new("sh");
    command.args(["-c", "trap '' XFSZ; ulimit -f 0; exec \"$0\" init new.yaml", PAKT]).env_clear();
    command.env("PATH", "/usr/bin:/bin").env("PAKT_HOME", desk.home()).current_dir(desk.work());
    assert_snapshot!(desk.finish(&["init", "new.yaml"], command).shown(), @"
    exit 3
    --- stderr
    error: no job file was written
    why:   `new.yaml`: the file would become too large
    next:  make room there, or name a file elsewhere
    ");
    assert!(!desk.work().join("new.yaml").exists(), "half a file is left");
    desk.pakt(&["init", "new.yaml"]).expect(0);
    desk.pakt(&["init", "new.yaml"]).expect(2);
    desk.pakt(&["init", "nowhere/new.yaml"]).expect(2);
}

#[test]
fn the_list_says_what_keeps_a_template_from_the_site() {
    let desk = Desk::new();
    assert_snapshot!(desk.pakt(&["init", "--list", "--site", "supermuc-ng-2"]).shown(), @"
    exit 0
    --- stdout
    template         what it is                                                        launch    GPUs  supermuc-ng-2
    train            a training program of your own, by torchrun                       torchrun  4     yes
    evaluate         an evaluation on one GPU                                          command   1     yes
    command          any commands, once on the first node                              command   4     yes
    mpi              an MPI program                                                    mpi       4     yes
    accelerate       Hugging Face Trainer or Accelerate, a chain                       torchrun  4     yes
    torchtitan       torchtitan, Llama 3 of 8 billion parameters, a chain              torchrun  8     no
    megatron         Megatron-LM, a Llama of 8 billion parameters, a chain             torchrun  8     no
    deepspeed        a training program of your own with DeepSpeed, a chain            torchrun  4     yes
    jax              JAX, one process a GPU, checkpoints by Orbax, a chain             srun      4     no
    lm-eval          lm-evaluation-harness, a copy of the model on each GPU of a node  command   4     no
    vllm             lm-evaluation-harness against a model that vLLM serves            command   4     no
    teuken-train     goes on with the pre-training of Teuken-7B, a chain               torchrun  32    no
    teuken-evaluate  evaluates Teuken-7B in German, a copy on each GPU of a node       command   4     no
    torchtitan: it is for GPUs of NVIDIA and AMD, and those there are of Intel
    megatron: it is for GPUs of NVIDIA, and those there are of Intel
    jax: it is for GPUs of NVIDIA and AMD, and those there are of Intel
    lm-eval: it is for GPUs of NVIDIA and AMD, and those there are of Intel
    vllm: it is for GPUs of NVIDIA and AMD, and those there are of Intel
    teuken-train: it is for GPUs of NVIDIA and AMD, and those there are of Intel
    teuken-evaluate: it is for GPUs of NVIDIA and AMD, and those there are of Intel
    ");
    let listed = desk.json(&["init", "--list", "--site", "jupiter"]);
    let rows = listed["templates"].as_array().expect("rows");
    assert!(listed["site"] == "jupiter" && rows.iter().all(|row| row["is_for_site"] == true), "{listed}");
    let listed = desk.json(&["init", "--list", "--site", "viper-gpu"]);
    let rows = listed["templates"].as_array().expect("rows");
    let megatron = rows.iter().find(|row| row["name"] == "megatron").expect("a row");
    assert_eq!(megatron["why_not"], "it is for GPUs of NVIDIA, and those there are of AMD");
    assert_eq!((&megatron["gpus"], &megatron["gpu_gib"]), (&8.into(), &32.into()));
    desk.pakt(&["init", "--list", "job.yaml"]).expect(2);
}

#[test]
fn a_template_that_cannot_run_at_the_site_is_refused() {
    let desk = Desk::new();
    assert_snapshot!(refused(&desk, &["init", "--site", "viper-gpu", "--template", "megatron", "new.yaml"]), @"
    exit 2
    --- stderr
    error: no job file was written
    why:   `megatron` is not for `apu` of Viper-GPU: it is for GPUs of NVIDIA, and those there are of AMD
    next:  here go train, evaluate, command, mpi, accelerate, torchtitan, deepspeed, jax, lm-eval, vllm, teuken-train, teuken-evaluate; with `--site` it goes to dais, grete, haicore, horeka, jupiter, jureca-dc, juwels-booster, levante, raven
    ");
    assert!(!desk.work().join("new.yaml").exists());
}

#[test]
fn what_a_template_starts_is_written_beside_the_file_and_never_overwritten() {
    let desk = Desk::new();
    desk.configure("site: jupiter\nproject: atlas\n");
    assert_snapshot!(desk.pakt(&["init", "--template", "torchtitan", "new.yaml"]).shown(), @"
    exit 0
    --- stdout
    wrote new.yaml and pakt_checkpoints.py for jupiter
    next: write your own for YOUR_ACCOUNT, then `pakt check new.yaml` and `pakt plan new.yaml`
    ");
    let program = desk.work().join("pakt_checkpoints.py");
    assert!(fs::read_to_string(&program).expect("written").contains("PAKT_CHECKPOINTS"));
    fs::write(&program, "mine").expect("a file");
    let written = desk.json(&["init", "--template", "jax", "other.yaml"]);
    assert_eq!(written["beside"], "pakt_checkpoints.py");
    assert_eq!(fs::read_to_string(&program).expect("there"), "mine");
    // What starts a program of one's own has none beside it.
    assert!(desk.json(&["init", "plain.yaml"])["beside"].is_null());
}
