//! A stage on which a script runs in real bash: a job directory, a home, and doubles of Slurm's programs on PATH.

use crate::{
    common::{PATTERNS, stamp},
    sites,
};
use model::{JobSpec, Placement, Stamp};
use std::{
    fs,
    os::unix::{fs::PermissionsExt, process::CommandExt},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    time::{Duration, Instant},
};
use tempfile::TempDir;
use templates::{BatchScript, Dialect, render};

/// How long anything on the stage may take; far more than it needs.
const BOUND: Duration = Duration::from_mins(1);

/// The stage.
pub(crate) struct Stage {
    folder: TempDir,
}

/// One run of a script: as which scheduler job, and with which variables.
#[derive(Clone, Debug)]
pub(crate) struct Start<'a> {
    pub(crate) id: u64,
    pub(crate) restart: u32,
    pub(crate) dialect: Dialect,
    pub(crate) variables: Vec<(&'a str, String)>,
}

impl Start<'_> {
    pub(crate) fn slurm(id: u64) -> Self {
        Self { id, restart: 0, dialect: Dialect::Slurm, variables: Vec::new() }
    }
}

impl Stage {
    /// An empty job directory, a home, and the doubles.
    pub(crate) fn new() -> Self {
        let stage = Self { folder: tempfile::tempdir().expect("a folder") };
        for name in ["job", "home", "bin"] {
            fs::create_dir(stage.path(name)).expect("a folder");
        }
        // Doubles of Slurm's programs. `srun` starts its command once a task, node after node, and ends with the worst code.
        stage.double(
            "srun",
            r#"nodes=1 per_node=1
echo "$@" >>"$STAGE/srun.calls"
while [[ "$1" = --* ]]; do
  case "$1" in --nodes=*) nodes=${1#*=} ;; --ntasks-per-node=*) per_node=${1#*=} ;; esac
  shift
done
worst=0
for ((node = 0; node < nodes; node++)); do
  for ((task = 0; task < per_node; task++)); do
    SLURM_NODEID=$node SLURM_PROCID=$((node * per_node + task)) SLURMD_NODENAME=n$((node + 1)) "$@" || worst=$?
  done
done
exit "$worst""#,
        );
        stage.double(
            "scontrol",
            r#"case "$*" in
'show hostnames n[1-2]') printf 'n1\nn2\n' ;;
'--oneliner show node n1') echo 'NodeName=n1 Arch=x86_64 NodeAddr=127.0.0.11 NodeHostName=localhost' ;;
'--oneliner show node n2') echo 'NodeName=n2 Arch=x86_64 NodeAddr=127.0.0.12 NodeHostName=localhost' ;;
'--oneliner show job 41') [ "$TZ $SLURM_TIME_FORMAT" = 'UTC0 standard' ] && [ -r "$STAGE/ends" ] && echo "JobId=41 JobName=x EndTime=$(cat "$STAGE/ends") Deadline=N/A" ;;
*) exit 1 ;;
esac"#,
        );
        stage.double("sacct", "exit 1");
        // The name service of the stage knows what `hosts` lists.
        stage.double(
            "getent",
            r#"echo "$2" >>"$STAGE/getent.calls"
[ "$1" = ahostsv4 ] && [ -r "$STAGE/hosts" ] && awk -v name="$2" '$1 == name { print $2, "STREAM", name; found = 1 } END { exit !found }' "$STAGE/hosts""#,
        );
        stage.double(
            "torchrun",
            r#"printf '%s|' "${SLURMD_NODENAME:-here}" "$@" >>"$STAGE/torchrun.calls"; echo >>"$STAGE/torchrun.calls""#,
        );
        stage
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    pub(crate) fn exists(&self, name: &str) -> bool {
        self.path(name).exists()
    }

    /// Puts a program in front of all others of its name. One that catches signals has no `$( )` nor `<( )` behind its `trap`: bash
    /// loses a signal that comes in the instant in which it reads one (5.2: "trap: line 2: unexpected EOF").
    pub(crate) fn double(&self, name: &str, text: &str) {
        let file = self.path("bin").join(name);
        fs::write(&file, format!("#!/bin/bash\n{text}\n")).expect("a double");
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).expect("executable");
    }

    /// A program that says by a file that it is there, and sleeps. It catches no signal: a shell that does loses one that comes in the
    /// instant in which it becomes another program.
    pub(crate) fn sleeper(&self) {
        self.double("sleeper", "touch \"$1\"; exec sleep 100");
    }

    /// Writes the script of a job under a name.
    pub(crate) fn script(&self, name: &str, spec: &JobSpec, placement: &Placement, dialect: Dialect) -> PathBuf {
        self.script_of(stamp(), name, spec, placement, dialect)
    }

    /// The same of any link.
    pub(crate) fn script_of(
        &self,
        stamp: Stamp,
        name: &str,
        spec: &JobSpec,
        placement: &Placement,
        dialect: Dialect,
    ) -> PathBuf {
        let job_directory = self.path("job");
        let job_directory = job_directory.to_str().expect("a path as text");
        let script = BatchScript {
            is_array: false,
            code: None,
            stamp,
            spec,
            placement,
            job_directory,
            dialect,
            failure_patterns: &PATTERNS,
            made_by: "pakt 0.1.0",
        };
        let file = self.path(name);
        fs::write(&file, render(&script).expect("a script")).expect("a script");
        file
    }

    /// Starts a script in a process group of its own, as a scheduler does.
    pub(crate) fn start(&self, script: &Path, start: &Start<'_>) -> Child {
        self.command(script, start).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("bash")
    }

    /// How a script is started.
    pub(crate) fn command(&self, script: &Path, start: &Start<'_>) -> Command {
        let mut command = Command::new("bash");
        command.arg(script).env_clear().current_dir("/").process_group(0);
        let path = format!("{}:/usr/local/bin:/usr/bin:/bin", self.path("bin").display());
        command.env("PATH", path).env("HOME", self.path("home")).env("USER", "ada").env("STAGE", self.folder.path());
        if start.dialect == Dialect::Local {
            command.env("PAKT_LOCAL_JOB_ID", start.id.to_string());
        } else {
            command.env("SLURM_JOB_ID", start.id.to_string()).env("SLURM_JOB_NODELIST", "n[1-2]");
            if start.restart > 0 {
                command.env("SLURM_RESTART_COUNT", start.restart.to_string());
            }
        }
        command.envs(start.variables.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::null());
        command
    }

    /// Runs a script to its end.
    pub(crate) fn run(&self, script: &Path, start: &Start<'_>) -> Output {
        self.start(script, start).wait_with_output().expect("an end")
    }

    /// Runs shell text as the command of a Slurm job with id 41 on one node of this machine.
    pub(crate) fn run_command(&self, spec: &JobSpec) -> Output {
        let script = self.script("script", spec, &sites::local(), Dialect::Slurm);
        self.run(&script, &Start::slurm(41))
    }

    /// Waits until something holds.
    pub(crate) fn wait_until(&self, what: &str, mut holds: impl FnMut(&Self) -> bool) {
        let begun = Instant::now();
        while !holds(self) {
            assert!(begun.elapsed() < BOUND, "waited in vain: {what}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// A value of a marker of the attempt of job 41.
    pub(crate) fn marker(&self, name: &str, key: &str) -> String {
        let text = self.read(&format!("{ATTEMPT}/{name}"));
        let value = text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('='));
        value.unwrap_or_else(|| panic!("no {key} in {text}")).to_owned()
    }
}

/// The attempt of job 41.
pub(crate) const ATTEMPT: &str = "job/links/1/attempts/41-0";

/// Standard error as text.
pub(crate) fn errors(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Sends a signal to a process, or with a minus to a group.
pub(crate) fn signal(name: &str, process: &str) {
    let status = Command::new("kill").args(["-s", name, "--", process]).status().expect("kill");
    assert!(status.success(), "kill -s {name} {process}");
}
