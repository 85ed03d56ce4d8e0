//! A person's own machine: no Slurm, no account of the site, and ssh to its login node.

use crate::{desk::PAKT, output::Ran};
use lab::{Cluster, LoginNode, Sshd, User};
use serde_json::Value;
use std::{
    fs,
    os::unix::fs::{PermissionsExt, chown},
    path::PathBuf,
    process::{Child, Command, Output, Stdio},
    rc::Rc,
};
use tempfile::TempDir;

/// What a login node asks for beside the key.
pub(crate) const SECOND_FACTOR: &str = "only-once-4711";
/// The exit code in which a terminal's program sees that kill -9 ended it, by the number of the signal.
pub(crate) const KILLED: i32 = 256 - 9;

/// A laptop, the login node that it reaches, and the person's folder there.
pub(crate) struct Laptop {
    pub(crate) cluster: Rc<Cluster>,
    pub(crate) node: Sshd,
    folder: TempDir,
    /// What compute nodes see, too.
    at_site: TempDir,
}

impl Laptop {
    /// A laptop of ada's that reaches the login node of jupiter, which asks for a second factor.
    pub(crate) fn new() -> Self {
        Self::with(None)
    }

    /// As [`Self::new`], where the person's folder at the site is their home, in which a login shell reads this.
    pub(crate) fn with_profile(profile: &str) -> Self {
        Self::with(Some(profile))
    }

    fn with(profile: Option<&str>) -> Self {
        let cluster = Rc::new(lab::attach("jupiter").expect("the lab is up"));
        let folder = tempfile::Builder::new().prefix("laptop-").tempdir().expect("a folder");
        let at_site = tempfile::Builder::new().prefix("pakt-site-").tempdir().expect("a folder");
        let (user_id, group_id) = cluster.ids(User::Ada).expect("a user of the lab");
        chown(at_site.path(), Some(user_id), Some(group_id)).expect("root gives folders away");
        let slurm = cluster.command_as(User::Ada, "true");
        let slurm = slurm.get_envs().find(|(name, _)| *name == "SLURM_CONF").and_then(|(_, value)| value).expect("set");
        let mut environment = vec![
            ("SLURM_CONF", slurm.to_str().expect("text").to_owned()),
            ("XDG_CONFIG_HOME", at_site.path().join("config").display().to_string()),
            ("EXAPROJECT", at_site.path().join("project").display().to_string()),
        ];
        if let Some(profile) = profile {
            fs::write(at_site.path().join(".profile"), profile).expect("root writes anywhere");
            environment.push(("HOME", at_site.path().display().to_string()));
        }
        let node = LoginNode {
            banner: Some("*** Authorised use only ***".to_owned()),
            greeting: Some("Welcome! It's 3 days until the maintenance".to_owned()),
            second_factor: Some(SECOND_FACTOR.to_owned()),
            environment: environment.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
            most_sessions: None,
        };
        let node = Sshd::start(User::Ada.name(), &node).expect("sshd starts");
        let laptop = Self { cluster, node, folder, at_site };
        fs::create_dir(laptop.home()).expect("fresh");
        fs::write(laptop.folder.path().join("ssh_config"), laptop.node.host_block("jupiter-login", "")).expect("ours");
        let ssh = format!(
            "project: atlas\nssh: {{ jupiter: {{ hosts: [jupiter-login], configuration: {} }} }}\n",
            laptop.folder.path().join("ssh_config").display()
        );
        fs::write(laptop.home().join("config.yaml"), ssh).expect("ours");
        laptop
    }

    /// Adds a field to what the configuration says of the site.
    pub(crate) fn add_to_site(&self, field: &str) {
        let path = self.home().join("config.yaml");
        let written = fs::read_to_string(&path).expect("ours");
        fs::write(&path, written.replacen(" } }", &format!(", {field} }} }}"), 1)).expect("ours");
    }

    /// Reaches one site more: its name with its settings, as they stand below `ssh:`.
    pub(crate) fn reach(&self, site: &str) {
        let path = self.home().join("config.yaml");
        let written = fs::read_to_string(&path).expect("ours");
        fs::write(&path, written.replacen("ssh: { ", &format!("ssh: {{ {site}, "), 1)).expect("ours");
    }

    pub(crate) fn home(&self) -> PathBuf {
        self.folder.path().join("home")
    }

    /// The person's folder at the site.
    pub(crate) fn at_site(&self) -> PathBuf {
        self.at_site.path().to_owned()
    }

    /// Writes a job file on the laptop.
    pub(crate) fn job(&self, name: &str, run: &str) -> String {
        self.write(&format!("{name}.yaml"), &self.document(name, run))
    }

    /// The text of a job that runs at the site.
    pub(crate) fn document(&self, name: &str, run: &str) -> String {
        format!(
            "name: {name}\nkind: command\nproject: atlas\nsite: jupiter\nlaunch: command\nscheduler: {{ account: atlas }}\nworkdir: {}\n\
             resources: {{ nodes: 1, gpus_per_node: 4, time: \"00:06:00\" }}\nrun: |\n  {run}\n",
            self.at_site().display()
        )
    }

    /// Writes a file on the laptop; its path.
    pub(crate) fn write(&self, name: &str, text: &str) -> String {
        let path = self.folder.path().join(name);
        fs::write(&path, text).expect("ours");
        path.display().to_string()
    }

    /// The program at a terminal of the person's, as script(1) makes one.
    fn at_terminal(&self, words: &[&str]) -> Command {
        let mut command = self.plain("setsid");
        command.arg("--wait").arg("python3").args(["-c", ON_A_TERMINAL, PAKT]).args(words);
        command
    }

    /// The program without one, as cron calls it.
    fn unattended(&self, words: &[&str]) -> Command {
        let mut command = self.plain("setsid");
        command.arg("--wait").arg(PAKT).args(words).stdin(Stdio::null());
        command
    }

    fn plain(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.env_clear().env("PATH", "/usr/local/bin:/usr/bin:/bin").env("HOME", self.folder.path());
        command.env("PAKT_HOME", self.home()).env("TZ", "UTC").env("XDG_RUNTIME_DIR", self.folder.path());
        command.current_dir(self.folder.path());
        command
    }

    pub(crate) fn pakt(&self, words: &[&str]) -> Ran {
        self.ended(words, self.at_terminal(words))
    }

    pub(crate) fn pakt_unattended(&self, words: &[&str]) -> Ran {
        self.ended(words, self.unattended(words))
    }

    /// The program with its own hook to die after a step.
    pub(crate) fn pakt_killed_after(&self, step: &str, words: &[&str]) -> Output {
        self.at_terminal(words).env("PAKT_TEST_STOP_AFTER", step).output().expect("the program starts")
    }

    /// The program on its way.
    pub(crate) fn pakt_begun(&self, words: &[&str]) -> Child {
        let mut command = self.at_terminal(words);
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program starts")
    }

    /// Waits for its end.
    pub(crate) fn finish(&self, words: &[&str], begun: Child) -> Ran {
        self.ran(words, &begun.wait_with_output().expect("it ends"))
    }

    fn ended(&self, words: &[&str], mut command: Command) -> Ran {
        self.ran(words, &command.output().expect("the program starts"))
    }

    fn ran(&self, words: &[&str], output: &Output) -> Ran {
        let shown = |path: PathBuf| path.display().to_string();
        let names = vec![
            (shown(self.home()), "<home>"),
            (shown(self.folder.path().into()), "<laptop>"),
            (shown(self.at_site()), "<site>"),
        ];
        Ran::new(words, output, names)
    }

    #[track_caller]
    pub(crate) fn json(&self, words: &[&str]) -> Value {
        self.pakt(&[&["--json"], words].concat()).json()
    }

    /// Types what the person is told to, and the second factor when ssh asks for it.
    pub(crate) fn open(&self, command: &str) {
        let answer = self.folder.path().join("answer");
        fs::write(&answer, format!("#!/bin/sh\necho {SECOND_FACTOR}\n")).expect("ours");
        fs::set_permissions(&answer, fs::Permissions::from_mode(0o700)).expect("ours");
        let said = self.folder.path().join("said");
        let mut typed = self.plain("sh");
        typed.args(["-c", &format!("{command} >{} 2>&1", said.display())]);
        typed.env("SSH_ASKPASS", &answer).env("SSH_ASKPASS_REQUIRE", "force").stdin(Stdio::null());
        let status = typed.status().expect("sh starts");
        assert!(status.success(), "`{command}`: {}", fs::read_to_string(said).unwrap_or_default());
    }

    /// Opens the connection as `doctor` says.
    pub(crate) fn open_as_told(&self) {
        self.open_told_by(&["--json", "doctor"]);
    }

    /// As [`Self::open_as_told`], to one of several sites.
    pub(crate) fn open_as_told_to(&self, site: &str) {
        self.open_told_by(&["--json", "--site", site, "doctor"]);
    }

    fn open_told_by(&self, doctor: &[&str]) {
        let told = self.pakt(doctor);
        let found: Value = serde_json::from_str(&told.stdout).expect("JSON");
        let finding = found["findings"].as_array().expect("a list").iter().find(|one| one["name"] == "connection");
        let next = finding.expect("it is told").get("next").and_then(Value::as_str).expect("a command");
        self.open(next.trim_matches('`'));
    }
}

/// Gives a program a controlling terminal, and leaves its own streams as they are.
const ON_A_TERMINAL: &str = "
import fcntl, os, pty, sys, termios
leader, follower = pty.openpty()
fcntl.ioctl(follower, termios.TIOCSCTTY, 0)
child = os.fork()
if child == 0:
    os.close(leader)
    os.execv(sys.argv[1], sys.argv[1:])
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
";
