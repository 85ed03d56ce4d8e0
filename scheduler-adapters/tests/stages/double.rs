//! The adapter for Slurm's commands on a double of them, which can be told to fail.

use crate::{
    stages::wrapped::Wrapped,
    suite::{Deed, Size, Stage, SystemClock},
};
use model::{Clock, SchedulerJobId, WallTime};
use reach::{Command, Local};
use scheduler_adapters::{Pace, Sharing, SlurmCommands};
use std::{
    os::unix::fs::symlink,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

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

    /// Writes one of the files that tell the double what to be like; its head says which there are.
    pub(crate) fn set(&self, name: &str, text: &str) {
        std::fs::write(self.folder.join("state").join(name), text).expect("ours");
    }

    /// What the double wrote into one of its files.
    pub(crate) fn get(&self, name: &str) -> Option<String> {
        std::fs::read_to_string(self.folder.join("state").join(name)).ok()
    }

    /// Makes a job's row one that cannot be read.
    pub(crate) fn spoils_row_of(&self, id: SchedulerJobId) {
        self.set(&format!("jobs/{id}/odd"), "");
    }

    /// A file of the double's own folder.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// The calls so far that begin with these words: a program, and perhaps arguments.
    pub(crate) fn calls_of(&self, words: &str) -> usize {
        let calls = self.get("calls").unwrap_or_default();
        calls.lines().filter(|line| format!("{line} ").starts_with(&format!("{words} "))).count()
    }

    /// The last call of a program, with its arguments.
    pub(crate) fn last_call_of(&self, program: &str) -> String {
        let calls = self.get("calls").unwrap_or_default();
        calls.lines().rev().find(|line| line.starts_with(program)).expect("it was called").to_owned()
    }

    /// Does what only an administrator may.
    fn does(&self, deed: Deed, id: SchedulerJobId) {
        let verb = match deed {
            Deed::Requeue => "requeue",
            Deed::Suspend => "suspend",
            Deed::Resume => "resume",
            Deed::BeginSoon | Deed::Shrink | Deed::FailNode => {
                panic!("{deed:?} of job {id}: the double does no such thing")
            }
        };
        let mut command = std::process::Command::new(self.folder.join("bin/scontrol"));
        command.args([verb, &id.to_string()]).env("PAKT_SLURM_DOUBLE", self.folder.join("state"));
        assert!(command.status().expect("it runs").success(), "{verb} {id}");
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
        let reach = Wrapped(move |command: &Command| own.command(command, patience), Local);
        SlurmCommands::new(Arc::new(reach), Arc::new(SystemClock))
    }

    /// The adapter of a process that shares answers with all others of this double, by a clock that may be moved.
    pub(crate) fn process(&self, clock: Arc<dyn Clock>) -> SlurmCommands {
        static RANDOM: AtomicU64 = AtomicU64::new(1);
        let random = || u128::from(RANDOM.fetch_add(1, Ordering::Relaxed));
        let sharing = Sharing {
            folder: self.file("answers"),
            user: user().parse().expect("a user"),
            pace: Pace::default(),
            random,
        };
        let own = self.clone();
        let reach = Wrapped(move |command: &Command| own.command(command, None), Local);
        SlurmCommands::new(Arc::new(reach), clock).keeping_columns_in(self.file("columns.json")).sharing(sharing)
    }

    /// The adapter, called by a process with a variable of its own.
    pub(crate) fn scheduler_with(&self, name: &'static str, value: &'static str) -> SlurmCommands {
        self.scheduler_through(move |mut command| {
            // In front, as what the process inherits: what the adapter sets itself comes later and wins.
            command.environment.insert(0, (name.to_owned(), value.to_owned()));
            command
        })
    }

    /// The adapter, with each command of this double changed, or counted, on its way.
    pub(crate) fn scheduler_through(
        &self,
        change: impl Fn(Command) -> Command + Send + Sync + 'static,
    ) -> SlurmCommands {
        let own = self.clone();
        let reach = Wrapped(move |command: &Command| change(own.command(command, None)), Local);
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
    let hands = double.clone();
    let stage = Stage {
        hands: Box::new(move |deed, id| hands.does(deed, id)),
        reserve: Box::new(|name| panic!("{name}: the double has no reservations")),
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
        kept: vec![Box::new(folder)],
    };
    (stage, double)
}

/// A stage on a double that does not fail.
pub(crate) fn stage() -> Stage {
    stage_and_double(true).0
}
