//! The places, and what the tests of all of them use.

use lab::{LoginNode, Sshd};
use reach::{Command, Local, OpenSsh, Opening, Reach, SshSettings};
use std::{
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use tempfile::TempDir;

/// A place, and what has to live as long as it.
pub(crate) struct Place {
    reach: Arc<dyn Reach>,
    _behind: Option<Behind>,
}

/// Login nodes, and this user's side of the connections to them.
pub(crate) struct Behind {
    pub(crate) nodes: Vec<Sshd>,
    pub(crate) settings: SshSettings,
    _folder: TempDir,
}

impl Place {
    /// This host.
    pub(crate) fn here() -> Self {
        Self { reach: Arc::new(Local), _behind: None }
    }

    /// A login node with a banner and a shell that greets, which keys alone open.
    pub(crate) fn behind_ssh() -> Self {
        let behind = Behind::new(&[talkative()], Opening::ByUs);
        Self { reach: Arc::new(OpenSsh::new(behind.settings.clone())), _behind: Some(behind) }
    }

    pub(crate) fn reach(&self) -> Arc<dyn Reach> {
        Arc::clone(&self.reach)
    }
}

/// A login node that says more than it is asked.
pub(crate) fn talkative() -> LoginNode {
    let variables = [("CARGO_MANIFEST_DIR", "/nowhere"), ("CARGO_PKG_NAME", "reach")];
    LoginNode {
        banner: Some("*** Authorised use only ***\nMaintenance on Tuesday".to_owned()),
        greeting: Some("Welcome! It's 3 days until the maintenance | quota 80 %".to_owned()),
        environment: variables.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec(),
        ..LoginNode::default()
    }
}

/// The same for a user with another home, whose login shell is bash.
pub(crate) fn at_home(home: &Path) -> LoginNode {
    let mut node = talkative();
    let own = [("HOME", home.display().to_string()), ("SHELL", "/bin/bash".to_owned())];
    node.environment.extend(own.map(|(name, value)| (name.to_owned(), value)));
    node
}

impl Behind {
    /// Starts login nodes `login1`, `login2`, ….
    pub(crate) fn new(nodes: &[LoginNode], opening: Opening) -> Self {
        Self::of(&this_user(), nodes, opening)
    }

    /// The same for another user of this machine.
    pub(crate) fn of(user: &str, nodes: &[LoginNode], opening: Opening) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let nodes: Vec<Sshd> = nodes.iter().map(|node| Sshd::start(user, node).expect("sshd starts")).collect();
        let configuration = folder.path().join("config");
        let sockets = folder.path().join("sockets");
        std::fs::create_dir(&sockets).expect("ours");
        std::fs::set_permissions(&sockets, std::fs::Permissions::from_mode(0o700)).expect("ours");
        let settings = SshSettings {
            hosts: (1..=nodes.len()).map(|number| format!("login{number}")).collect(),
            jump: None,
            opening,
            pause: Duration::ZERO,
            folder: sockets,
            user: None,
            configuration: Some(configuration),
        };
        Self { nodes, settings, _folder: folder }.with_lines("")
    }

    /// With these lines of `ssh_config` for each node; of a keyword that stands twice the first counts.
    pub(crate) fn with_lines(self, lines: &str) -> Self {
        let block = |(node, number): (&Sshd, usize)| node.host_block(&format!("login{number}"), lines);
        let text: String = self.nodes.iter().zip(1..).map(block).collect();
        std::fs::write(self.settings.configuration.as_ref().expect("ours"), text).expect("written");
        self
    }

    pub(crate) fn sockets(&self) -> PathBuf {
        self.settings.folder.clone()
    }
}

/// The name of who runs the tests.
pub(crate) fn this_user() -> String {
    let output = std::process::Command::new("id").arg("-un").output().expect("id runs");
    String::from_utf8(output.stdout).expect("a name").trim().to_owned()
}

pub(crate) fn shell(script: &str) -> Command {
    Command::new("sh").arguments(["-c", script])
}

pub(crate) async fn ends_soon(process: &str) -> bool {
    let stat = format!("/proc/{process}/stat");
    becomes_true(|| {
        std::fs::read_to_string(&stat).is_ok_and(|text| text.contains(") Z ")) || !Path::new(&stat).exists()
    })
    .await
}

pub(crate) async fn becomes_true(is_so: impl Fn() -> bool) -> bool {
    for _ in 0..1000 {
        if is_so() {
            return true;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    false
}
