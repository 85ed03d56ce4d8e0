//! A person's own script behind the claim: what it sees is what it saw under `sbatch`, and one scheduler job runs it.

use crate::{
    common::stamp,
    stage::{Stage, errors},
};
use std::{
    fs,
    io::Write,
    os::unix::fs::PermissionsExt,
    path::PathBuf,
    process::{Command, Output, Stdio},
};
use templates::{GuardedScript, Unguarded, guard};

/// The text with the claim in front, as it goes to `sbatch`.
fn guarded(stage: &Stage, script: &[u8]) -> Result<Vec<u8>, Unguarded> {
    let (directory, kept) = (stage.path("job"), kept(stage));
    let [job_directory, kept] = [&directory, &kept].map(|path| path.to_str().expect("a path as text"));
    let guarded = GuardedScript { stamp: stamp(), script, kept, job_directory, made_by: "pakt 0.1.0" };
    guard(&guarded).expect("the template is whole")
}

fn kept(stage: &Stage) -> PathBuf {
    stage.path("job/slurm_script")
}

/// Puts a file on the stage that runs by its first line, as `slurmstepd` starts a batch script.
fn put(path: PathBuf, text: &[u8]) -> PathBuf {
    fs::write(&path, text).expect("ours");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("ours");
    path
}

/// Keeps a script and writes what is handed over in its place.
fn set(stage: &Stage, script: &[u8]) -> PathBuf {
    fs::write(kept(stage), script).expect("ours");
    put(stage.path("handed"), &guarded(stage, script).expect("it can be guarded"))
}

/// Runs it as a scheduler job, with words, a line to read, and variables beside those that every job has.
fn run(stage: &Stage, script: &PathBuf, id: u64, variables: &[(&str, &str)]) -> Output {
    let mut command = Command::new(script);
    command.args(["a word", "", "--flag"]).env_clear().current_dir("/");
    command.env("PATH", format!("{}:/usr/local/bin:/usr/bin:/bin", stage.path("bin").display()));
    command.env("STAGE", stage.path("")).env("SLURM_JOB_ID", id.to_string()).envs(variables.iter().copied());
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("it starts");
    let _nobody_reads = child.stdin.take().expect("piped").write_all(b"a line\n");
    child.wait_with_output().expect("an end")
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn it_sees_what_it_saw_without_the_claim() {
    let stage = Stage::new();
    let ask = "pwd; umask; ulimit -c; printf '<%s>' \"$@\"; cat; trap; echo \"$-\"; echo \"$PPID\"; compgen -A function; \
               env -0 | sort -z | tr '\\0' '\\n' | grep -v '^_='\nls /proc/self/fd | wc -l\n";
    for first in ["#!/bin/bash", "#!/bin/bash -l", "#!/usr/bin/env -S bash -eu"] {
        let script = format!("{first}\n#SBATCH --nodes=1\n{ask}");
        let handed = set(&stage, script.as_bytes());
        let plain = put(stage.path("plain"), script.as_bytes());
        let variables = [
            ("BASH_ENV", "/dev/null"),
            ("BASH_FUNC_mv%%", "() { echo 'not this one'; }"),
            ("SLURM_RESTART_COUNT", "2"),
            ("a.b", "no name of bash"),
            ("IFS", "x"),
            ("SHLVL", "3"),
            ("LC_ALL", "C"),
        ];
        let [seen, expected] = [&handed, &plain].map(|script| run(&stage, script, 41, &variables));
        assert!(expected.status.success() && seen.status.success(), "{first}: {}", errors(&seen));
        assert_eq!(said(&seen), said(&expected), "{first}");
        assert_eq!(errors(&seen), errors(&expected), "{first}");
    }
    let owner = stage.read("job/links/1/claim/owner");
    assert!(owner.contains("scheduler_job=41\nrestart=2\n"), "{owner}");
}

#[test]
fn a_token_that_it_was_submitted_with_does_not_go_on_to_it() {
    let stage = Stage::new();
    let script = set(&stage, b"#!/bin/sh\necho \"${SLURM_JWT-(unset)} ${OWN}\"\n");
    let output = run(&stage, &script, 41, &[("SLURM_JWT", "eyJhbGciOi"), ("OWN", "kept")]);
    assert_eq!(said(&output), "(unset) kept\n", "{}", errors(&output));
}

#[test]
fn it_is_started_by_its_own_interpreter_with_its_bytes_and_its_end_is_the_end() {
    let stage = Stage::new();
    let python = b"#!/usr/bin/env python3\n#SBATCH -N1\nimport os, sys\nprint(sys.argv[1:], sys.stdin.read())\n\
        print(os.path.basename(sys.argv[0]), open(sys.argv[0]).read().endswith('sys.exit(7)\\n'))\nsys.exit(7)\n";
    let output = run(&stage, &set(&stage, python), 41, &[]);
    assert_eq!(output.status.code(), Some(7), "{}", errors(&output));
    assert_eq!(said(&output), "['a word', '', '--flag'] a line\n\nslurm_script True\n");
    let dies = run(&stage, &set(&stage, b"#!/bin/sh\nkill -9 $$\n"), 41, &[]);
    assert_eq!(std::os::unix::process::ExitStatusExt::signal(&dies.status), Some(9), "it is the same process");
}

#[test]
fn every_byte_of_the_script_is_handed_over_and_its_options_stand_on_top() {
    let stage = Stage::new();
    for (script, top) in [
        (
            &b"#!/bin/sh\n#SBATCH -N1\n\n# \xff\xfe\nsrun x\n#SBATCH -N2\n"[..],
            &b"#!/bin/sh\n#SBATCH -N1\n\n# \xff\xfe\n"[..],
        ),
        (b"#!/bin/sh", b"#!/bin/sh"),
    ] {
        let text = guarded(&stage, script).expect("it can be guarded");
        let own = [b"#!/bin/bash -p\n", top].concat();
        assert!(text.starts_with(&own), "{}", String::from_utf8_lossy(&text));
        assert!(text.ends_with(&script[top.len()..]), "{}", String::from_utf8_lossy(&text));
    }
}

#[test]
fn of_several_scheduler_jobs_one_runs_it_and_so_does_its_requeue() {
    let stage = Stage::new();
    let handed = set(&stage, b"#!/bin/bash\necho \"$SLURM_JOB_ID\" >>\"$STAGE/work\"\n");
    for (id, restart) in [(41, "0"), (42, "0"), (41, "1"), (43, "0")] {
        let output = run(&stage, &handed, id, &[("SLURM_RESTART_COUNT", restart)]);
        assert!(output.status.success(), "{}", errors(&output));
        assert_eq!(errors(&output).contains("ends without work"), id != 41, "{id}: {}", errors(&output));
    }
    assert_eq!(stage.read("work"), "41\n41\n");
    assert_eq!(fs::read_dir(stage.path("job/links/1/duplicates")).expect("evidence").count(), 2);
    fs::write(stage.path("job/sealed.tar"), "").expect("ours");
    assert!(errors(&run(&stage, &handed, 41, &[])).contains("its directory is sealed"));
    assert_eq!(stage.read("work"), "41\n41\n");
}

#[test]
fn without_its_job_directory_it_does_not_run() {
    let stage = Stage::new();
    let handed = set(&stage, b"#!/bin/bash\ntouch \"$STAGE/work\"\n");
    fs::remove_dir_all(stage.path("job")).expect("removed");
    let output = run(&stage, &handed, 41, &[]);
    assert_eq!(output.status.code(), Some(i32::from(templates::exit_code::NO_JOB_DIRECTORY)));
    assert!(errors(&output).contains("cannot be seen from") && !stage.exists("work"), "{}", errors(&output));
}

#[test]
fn what_cannot_have_it_is_told() {
    let stage = Stage::new();
    let long = format!("#!/bin/sh\n{}", "x".repeat(4 * 1024 * 1024 - 20));
    for (script, why) in [
        ("true\n", Unguarded::Refused),
        ("#!/bin/sh\r\ntrue\r\n", Unguarded::Refused),
        (&long, Unguarded::TooLong),
        ("#!/bin/sh\ncd $(dirname $(scontrol show job $SLURM_JOB_ID | grep Command))\n", Unguarded::AsksForItsPath),
    ] {
        assert_eq!(guarded(&stage, script.as_bytes()).err(), Some(why), "{script:.80}");
    }
}
