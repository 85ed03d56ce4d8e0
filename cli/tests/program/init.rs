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
