//! A person's desk: a folder for their work, one for Pakt, and the program; here, or as a user of the lab.

use crate::output::Ran;
use lab::{Cluster, User};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use std::{
    ffi::OsStr,
    fs,
    os::unix::{
        ffi::OsStrExt,
        fs::{PermissionsExt, chown},
    },
    path::{Path, PathBuf},
    process::Command,
    rc::Rc,
};
use tempfile::TempDir;

/// The program under test.
pub(crate) const PAKT: &str = env!("CARGO_BIN_EXE_pakt");

/// The program in the desk's folder, where other users have to run it: they may not enter the folder it was built in.
const COPY: &str = "pakt-for-everybody";

fn folder() -> TempDir {
    tempfile::Builder::new().prefix("pakt-test-").tempdir().expect("a folder")
}

/// Where a desk stands.
enum Place {
    /// On this machine, where jobs run without a scheduler.
    Here,
    /// On a login node of the lab, with the program as that user reaches it.
    Lab { cluster: Rc<Cluster>, user: User, program: PathBuf },
}

/// A desk.
pub(crate) struct Desk {
    folder: TempDir,
    place: Place,
}

impl Drop for Desk {
    /// Ends what jobs of this machine left running: without their folder their supervisor hears of no cancellation.
    fn drop(&mut self) {
        if !matches!(self.place, Place::Here) {
            return;
        }
        let folder = self.folder.path().as_os_str().as_bytes();
        let numbers = fs::read_dir("/proc").into_iter().flatten().flatten();
        let numbers = numbers.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
        let is_of_the_desk = |number: &i32| {
            let read = |what: &str| fs::read(format!("/proc/{number}/{what}")).unwrap_or_default();
            [read("cmdline"), read("environ")].iter().any(|text| text.windows(folder.len()).any(|part| part == folder))
        };
        for process in numbers.filter(is_of_the_desk).filter_map(Pid::from_raw) {
            // It may have ended by itself.
            let _ended = kill_process(process, Signal::KILL);
        }
    }
}

impl Desk {
    /// Empty folders, and a machine with two cores and no GPU.
    pub(crate) fn new() -> Self {
        let desk = Self { folder: folder(), place: Place::Here };
        for folder in [desk.home(), desk.work()] {
            fs::create_dir(folder).expect("fresh");
        }
        desk.configure("site: local\nproject: atlas\nmachine: { cpus: 2, gpus: 0 }\n");
        desk
    }

    /// The desk of a user of a cluster of the lab, which has the site's name.
    pub(crate) fn at(cluster: &Rc<Cluster>, user: User) -> Self {
        let program = cluster.share(Path::new(PAKT)).expect("the lab takes programs");
        let desk = Self { folder: folder(), place: Place::Lab { cluster: Rc::clone(cluster), user, program } };
        fs::set_permissions(desk.folder.path(), fs::Permissions::from_mode(0o755)).expect("ours");
        let (user_id, group_id) = cluster.ids(user).expect("a user of the lab");
        for folder in [desk.home(), desk.work()] {
            fs::create_dir(&folder).expect("fresh");
            chown(&folder, Some(user_id), Some(group_id)).expect("root gives folders away");
        }
        desk.configure(&format!("site: {}\nproject: atlas\n", cluster.name));
        desk
    }

    /// As [`Self::at`], with a ledger in which `account` spends `hours` of `unit` for `atlas`, in one amount.
    pub(crate) fn at_with_grant(cluster: &Rc<Cluster>, user: User, account: &str, unit: &str, hours: &str) -> Self {
        let desk = Self::at(cluster, user);
        desk.pakt(&["ledger", "init"]).expect(0);
        desk.pakt(&["ledger", "grant", "atlas", hours, "--unit", unit, "--account", account, "--policy", "hard-stop"])
            .expect(0);
        desk
    }

    /// As [`Self::new`], with a ledger that grants `hours` core hours to `atlas`.
    pub(crate) fn with_grant(hours: &str) -> Self {
        let desk = Self::new();
        desk.pakt(&["ledger", "init"]).expect(0);
        desk.pakt(&["ledger", "grant", "atlas", hours, "--unit", "local:core"]).expect(0);
        desk
    }

    /// `PAKT_HOME`: configuration, jobs and ledger.
    pub(crate) fn home(&self) -> PathBuf {
        self.folder.path().join("home")
    }

    /// Where the person stands.
    pub(crate) fn work(&self) -> PathBuf {
        self.folder.path().join("work")
    }

    pub(crate) fn configure(&self, text: &str) {
        fs::write(self.home().join("config.yaml"), text).expect("ours");
    }

    /// Writes a file where the person stands.
    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.work().join(name);
        fs::write(&path, text).expect("ours");
        path
    }

    /// Writes a job file of the local site that runs a line of shell.
    pub(crate) fn job(&self, name: &str, run: &str) -> String {
        self.job_at("local", name, "{ nodes: 1, cpus: 1, time: \"00:10:00\" }", run)
    }

    /// Writes a job file of a site that runs a line of shell.
    pub(crate) fn job_at(&self, site: &str, name: &str, resources: &str, run: &str) -> String {
        let file = format!("{name}.yaml");
        self.write(
            &file,
            &format!(
                "name: {name}\nkind: command\nproject: atlas\nsite: {site}\nresources: {resources}\n\
                 launch: command\nrun: |\n  {run}\n"
            ),
        );
        file
    }

    /// Lets other users run the program, too.
    pub(crate) fn share_the_program(&self) {
        fs::copy(PAKT, self.work().join(COPY)).expect("ours");
    }

    /// The program with an environment that is the same on every machine.
    pub(crate) fn command<S: AsRef<OsStr>>(&self, words: impl IntoIterator<Item = S>) -> Command {
        let mut command = match &self.place {
            Place::Here => {
                let own = self.work().join(COPY);
                let mut command = Command::new(if own.exists() { own.as_os_str() } else { OsStr::new(PAKT) });
                command.env_clear().env("PATH", "/usr/local/bin:/usr/bin:/bin").env("HOME", self.folder.path());
                command
            }
            Place::Lab { cluster, user, program } => cluster.command_as(*user, program),
        };
        command.args(words).env("PAKT_HOME", self.home()).env("TZ", "UTC").current_dir(self.work());
        command
    }

    /// Runs the program with a clock that is off by so much, as faketime(1) takes it.
    pub(crate) fn pakt_at(&self, shift: &str, words: &[&str]) -> Ran {
        let Place::Lab { cluster, user, program } = &self.place else { panic!("a desk of the lab") };
        let mut command = cluster.command_as(*user, "faketime");
        command.arg("--exclude-monotonic").arg(shift).arg(program).args(words);
        command.env("PAKT_HOME", self.home()).env("TZ", "UTC").current_dir(self.work());
        self.finish(words, command)
    }

    /// Runs another program as the desk's user in the desk's folder; what it printed. It must succeed.
    #[track_caller]
    pub(crate) fn tool(&self, words: &[&str]) -> String {
        let mut command = match &self.place {
            Place::Here => Command::new(words[0]),
            Place::Lab { cluster, user, .. } => cluster.command_as(*user, words[0]),
        };
        let output = command.args(&words[1..]).current_dir(self.work()).output().expect("the tool starts");
        assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("text").trim().to_owned()
    }

    /// Runs the program to its end.
    pub(crate) fn pakt(&self, words: &[&str]) -> Ran {
        self.finish(words, self.command(words))
    }

    /// Runs it with `--json`; it must succeed.
    #[track_caller]
    pub(crate) fn json(&self, words: &[&str]) -> Value {
        self.pakt(&[&["--json"], words].concat()).json()
    }

    /// Runs a prepared command to its end.
    pub(crate) fn finish(&self, words: &[&str], mut command: Command) -> Ran {
        let output = command.output().expect("the program starts");
        Ran::new(words, &output, self.names())
    }

    /// What stands for a word in a snapshot.
    pub(crate) fn names(&self) -> Vec<(String, &'static str)> {
        let shown = |path: &Path| path.display().to_string();
        let user = String::from_utf8(Command::new("id").arg("-un").output().expect("id runs").stdout).expect("text");
        let host = fs::read_to_string("/proc/sys/kernel/hostname").expect("a host has a name");
        vec![
            (shown(&self.home()), "<home>"),
            (shown(&self.work()), "<work>"),
            (shown(self.folder.path()), "<folder>"),
            (format!("{}@local on {}", user.trim(), host.trim()), "<somebody> on <host>"),
            (format!("{}@local", user.trim()), "<somebody>"),
        ]
    }

    /// Every file below the desk with its content, to show that nothing was changed.
    pub(crate) fn everything(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let (mut folders, mut files) = (vec![self.folder.path().to_owned()], Vec::new());
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(&folder).expect("a folder") {
                let path = entry.expect("an entry").path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    files.push((path.clone(), fs::read(&path).unwrap_or_default()));
                }
            }
        }
        files.sort();
        files
    }

    /// Every entry of the ledger.
    pub(crate) fn exported(&self) -> Vec<Value> {
        let exported = self.pakt(&["ledger", "export"]).expect(0).stdout;
        let lines = exported.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON lines"));
        // Before them stand the log and the persons.
        lines.filter(|line| line.get("number").is_some()).collect()
    }

    /// How many entries of a kind the ledger has.
    pub(crate) fn entries_of_kind(&self, kind: &str) -> usize {
        self.exported().iter().filter(|entry| entry["kind"] == kind).count()
    }
}
