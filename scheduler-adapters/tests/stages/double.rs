//! The adapter for Slurm's commands on a double of them, which can be told to fail.

use crate::{
    stages::wrapped::Wrapped,
    suite::{Size, Stage, SystemClock},
};
use model::WallTime;
use reach::Command;
use scheduler_adapters::SlurmCommands;
use std::{os::unix::fs::symlink, path::PathBuf, sync::Arc, time::Duration};

const PROGRAMS: [&str; 7] = ["sbatch", "squeue", "sacct", "scancel", "scontrol", "sinfo", "sacctmgr"];

/// How long a command that hangs is waited for in tests.
const SHORT: Duration = Duration::from_secs(4);

/// A double's folder.
#[derive(Clone)]
pub(crate) struct Double {
    folder: PathBuf,
}

impl Double {
    fn new(folder: PathBuf) -> Self {
        let programs = folder.join("bin");
        std::fs::create_dir_all(&programs).expect("ours");
        let double = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/doubles/slurm"));
        for program in PROGRAMS {
            symlink(&double, programs.join(program)).expect("ours");
        }
        std::fs::create_dir_all(folder.join("state/faults")).expect("ours");
        Self { folder }
    }

    /// Lets the next call of a program go wrong, or with `always` behind the fault every call.
    pub(crate) fn fails(&self, program: &str, fault: &str) {
        std::fs::write(self.folder.join("state/faults").join(program), format!("{fault}\n")).expect("ours");
    }

    /// Lets accounting know earlier owners of all ids.
    pub(crate) fn recycles_ids(&self) {
        std::fs::write(self.folder.join("state/former"), "").expect("ours");
    }

    /// How often a program was called.
    pub(crate) fn calls_of(&self, program: &str) -> usize {
        let calls = std::fs::read_to_string(self.folder.join("state/calls")).unwrap_or_default();
        calls.lines().filter(|line| *line == program).count()
    }

    fn command(&self, command: &Command, patience: Option<Duration>) -> Command {
        let path = std::env::var("PATH").expect("there is always one");
        let mut changed = command
            .clone()
            .variable("PATH", format!("{}:{path}", self.folder.join("bin").display()))
            .variable("PAKT_SLURM_DOUBLE", self.folder.join("state").display().to_string());
        if PROGRAMS.contains(&command.program.as_str()) {
            changed.program = self.folder.join("bin").join(&command.program).display().to_string();
        }
        changed.time_limit = patience.unwrap_or(command.time_limit);
        changed
    }

    /// The adapter, with the patience it has or, for what hangs, a short one.
    pub(crate) fn scheduler(&self, patience: Option<Duration>) -> SlurmCommands {
        let own = self.clone();
        let reach = Wrapped(move |command: &Command| own.command(command, patience));
        SlurmCommands::new(Arc::new(reach), Arc::new(SystemClock))
    }
}

fn user() -> String {
    let output = std::process::Command::new("id").arg("-un").output().expect("id runs");
    String::from_utf8(output.stdout).expect("a name").trim().to_owned()
}

/// A stage on a double, and the double.
pub(crate) fn stage_and_double(is_patient: bool) -> (Stage, Double) {
    let folder = tempfile::tempdir().expect("a folder");
    let double = Double::new(folder.path().join("double"));
    let jobs = folder.path().join("jobs");
    std::fs::create_dir(&jobs).expect("ours");
    let stage = Stage {
        scheduler: Arc::new(double.scheduler((!is_patient).then_some(SHORT))),
        site: "double".parse().expect("a site"),
        user: user().parse().expect("a user"),
        folder: jobs,
        directives: |size| {
            let words = match size {
                Size::Small => ["--nodes=1", "--gpus-per-node=1"],
                Size::Everything => ["--nodes=4", "--gpus-per-node=4"],
                Size::Impossible => ["--nodes=1", "--gpus-per-node=64"],
            };
            words.map(str::to_owned).to_vec()
        },
        resources: |_| (0, 0),
        shortest_limit: WallTime::from_seconds(2),
        _kept: vec![Box::new(folder)],
    };
    (stage, double)
}

/// A stage on a double that does not fail.
pub(crate) fn stage() -> Stage {
    stage_and_double(true).0
}
