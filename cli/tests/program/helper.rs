//! A helper for Slurm's own library that does not fit, on a double of Slurm's commands.

use crate::gentle::Login;
use std::{fs, os::unix::fs::PermissionsExt};

/// What `pakt-slurm` ends with at a library of another release (its own tests show that it does).
const OF_ANOTHER_RELEASE: &str = "#!/bin/sh
echo \"pakt-slurm: built for libslurm.so.38, and this is libslurm.so.40: build it again with this Slurm's headers\" >&2
exit 1
";

#[test]
fn a_helper_that_lies_beside_the_program_is_found_there() {
    let login = Login::new();
    login.desk.share_the_program();
    let told = || {
        let doctor = login.pakt(&["doctor"]);
        format!("{}{}", doctor.stdout, doctor.stderr)
    };
    let is_looked_for = |told: &str| told.contains("slurm library");
    let without = told();
    assert!(!is_looked_for(&without) && without.contains("by slurm commands"), "{without}");
    let program = login.desk.write("pakt-slurm", OF_ANOTHER_RELEASE);
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).expect("ours");
    let found = told();
    assert!(is_looked_for(&found), "{found}");
    assert!(found.contains("built for libslurm.so.38, and this is libslurm.so.40"), "{found}");
    // Who wants none of it says so.
    login.desk.configure("site: jupiter\nproject: atlas\nslurm_helper: none\n");
    let unwanted = told();
    assert!(!is_looked_for(&unwanted), "{unwanted}");
}

#[test]
fn after_an_upgrade_of_slurm_the_commands_do_all_and_the_doctor_says_what_to_build_anew() {
    let login = Login::new();
    let program = login.desk.write("pakt-slurm", OF_ANOTHER_RELEASE);
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).expect("ours");
    let helper = program.display();
    login.desk.configure(&format!("site: jupiter\nproject: atlas\nslurm_helper: {helper}\n"));
    login.desk.write(
        "job.yaml",
        "name: upgraded\nkind: command\nproject: atlas\nsite: jupiter\nscheduler: { account: atlas }\n\
         resources: { nodes: 1, gpus_per_node: 4, time: \"00:10:00\" }\nlaunch: command\nrun: \"true\"\n",
    );
    login.pakt(&["submit", "job.yaml"]).expect(0);
    assert!(login.pakt(&["jobs"]).expect(0).stdout.contains("upgraded"));
    let doctor = login.pakt(&["doctor"]);
    let told = format!("{}{}", doctor.stdout, doctor.stderr);
    for words in [
        "Slurm's own library is not used, and its commands do all",
        "built for libslurm.so.38, and this is libslurm.so.40: build it again with this Slurm's headers",
        "build `pakt-slurm` for this Slurm (docs/for-admins.md), or write `slurm_helper: none`",
    ] {
        assert!(told.contains(words), "{words}: {told}");
    }
}
