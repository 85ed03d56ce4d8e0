//! The script for JUPITER, run in real bash as its compute nodes would: with the login node's variables.

use crate::support::{job, script_in, site};
use model::{Environment, GpuRequest, Launch, RunLine};
use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

/// Runs a command of one node as a Slurm job, with a home and variables of its own.
fn run(folder: &Path, text: &str, variables: &[(&str, &str)]) -> Output {
    let jupiter = site("jupiter");
    let mut spec = job(jupiter, Launch::Command);
    (spec.resources.nodes, spec.resources.gpus) = (Some(1), GpuRequest::PerNode(4));
    spec.run = RunLine::Shell(text.to_owned());
    "/".clone_into(&mut spec.workdir);
    spec.environment = Environment::default();
    let directory = folder.join("job");
    fs::create_dir(&directory).expect("a job directory");
    let file = folder.join("script");
    fs::write(&file, script_in(directory.to_str().expect("text"), jupiter, &spec)).expect("a script");
    let mut command = Command::new("bash");
    command.arg(&file).env_clear().env("PATH", "/usr/local/bin:/usr/bin:/bin").env("HOME", folder).env("USER", "ada");
    command.env("SLURM_JOB_ID", "41").envs(variables.iter().copied()).output().expect("bash")
}

#[test]
fn the_login_nodes_storage_becomes_that_of_the_nodes() {
    let folder = tempfile::tempdir().expect("a folder");
    let login = [("PROJECT", "/p/x"), ("SCRATCH", "/p/s"), ("FSCRATCH", "/p/f"), ("DATA", "/p/d")];
    let exa = [("EXAPROJECT", "/e/x"), ("EXASCRATCH", "/e/s"), ("EXAFSCRATCH", "/e/f"), ("EXADATA", "/e/d")];
    let variables: Vec<(&str, &str)> = login.into_iter().chain(exa).collect();
    let output = run(folder.path(), "echo $PROJECT $SCRATCH $FSCRATCH $DATA", &variables);
    assert_eq!(String::from_utf8_lossy(&output.stdout), "/e/x /e/s /e/f /e/d\n");
    assert!(String::from_utf8_lossy(&output.stderr).contains("no caches can be kept in $EXASCRATCH"));
}

#[test]
fn where_the_nodes_name_nothing_else_the_variables_stay() {
    let folder = tempfile::tempdir().expect("a folder");
    let output = run(folder.path(), "echo $PROJECT ${SCRATCH-unset}", &[("PROJECT", "/e/x")]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(String::from_utf8_lossy(&output.stdout), "/e/x unset\n");
}

#[test]
fn caches_go_to_the_scratch_that_the_nodes_have() {
    let folder = tempfile::tempdir().expect("a folder");
    let scratch = folder.path().join("scratch");
    fs::create_dir(&scratch).expect("a folder");
    let place = scratch.to_str().expect("text");
    let output = run(folder.path(), "echo $XDG_CACHE_HOME", &[("SCRATCH", "/p/s"), ("EXASCRATCH", place)]);
    assert_eq!(String::from_utf8_lossy(&output.stdout), format!("{place}/.cache-ada\n"));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}
