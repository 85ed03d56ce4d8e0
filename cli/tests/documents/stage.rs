//! Where a document's commands run: a fresh home and folder, on the machine at hand or on a cluster of the lab.

use lab::User;
use std::{
    os::unix::fs::{chown, symlink},
    path::{Path, PathBuf},
    process::Command,
};

/// The root of the tree.
pub(crate) fn root() -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    folder.parent().expect("the workspace's root holds this crate").to_owned()
}

/// A place to run commands in.
pub(crate) struct Stage {
    folder: tempfile::TempDir,
    cluster: Option<lab::Cluster>,
}

/// What a command printed, both streams in their order, and its exit code.
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) text: String,
}

impl Stage {
    /// A stage on the machine at hand (`local`), or on a cluster of the lab.
    pub(crate) fn new(site: &str) -> Self {
        let stage = if site == "local" {
            Self { folder: tempfile::tempdir().expect("a temporary folder"), cluster: None }
        } else {
            let cluster = lab::attach(site).unwrap_or_else(|error| panic!("the lab's {site}: {error}"));
            cluster.share(Path::new(env!("CARGO_BIN_EXE_pakt"))).expect("pakt can be shared");
            let folder = tempfile::tempdir_in(cluster.shared_directory()).expect("a folder of the lab");
            Self { folder, cluster: Some(cluster) }
        };
        for folder in ["work", "home/bin", "pakt"] {
            std::fs::create_dir_all(stage.path().join(folder)).expect("a folder");
        }
        symlink(env!("CARGO_BIN_EXE_pakt"), stage.path().join("home/bin/pakt")).expect("a link to pakt");
        stage.write("~/.config/pakt/config.yaml", &format!("site: {site}\n"));
        stage.hand_over(stage.path());
        stage
    }

    /// The folder that holds all of it.
    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Writes a file: beside the commands, below the home (`~/`), or into Pakt's configuration.
    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = match (name.strip_prefix("~/.config/pakt/"), name.strip_prefix("~/")) {
            (Some(rest), _) => self.path().join("pakt").join(rest),
            (None, Some(rest)) => self.path().join("home").join(rest),
            (None, None) => self.path().join("work").join(name),
        };
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        std::fs::write(&path, text).expect("a file");
        self.hand_over(path.parent().expect("a folder"));
    }

    /// Runs a line as a shell does, to its end.
    pub(crate) fn run(&self, line: &str) -> Ended {
        let mut command = self.bash();
        command.args(["-c", &format!("exec 2>&1\n{line}")]).current_dir(self.path().join("work"));
        let output = command.env("PAKT_HOME", self.path().join("pakt")).env("TZ", "UTC").output().expect("bash runs");
        Ended { code: output.status.code(), text: String::from_utf8_lossy(&output.stdout).into_owned() }
    }

    /// Runs a line to a good end; what it printed.
    pub(crate) fn printed(&self, line: &str) -> String {
        let ended = self.run(line);
        assert_eq!(ended.code, Some(0), "{line}\n{}", ended.text);
        ended.text
    }

    /// Waits for a job's end, until accounting has it too.
    pub(crate) fn await_end(&self, job: &str) {
        self.printed(&format!("pakt logs --follow {job}"));
        let Some(cluster) = &self.cluster else { return };
        let shown: serde_json::Value =
            serde_json::from_str(&self.printed(&format!("pakt --json show {job}"))).expect("JSON");
        let id = &shown["submitted"]["scheduler_job"];
        cluster
            .await_accounted(&id.as_str().map_or_else(|| id.to_string(), str::to_owned))
            .expect("the end in accounting");
    }

    /// Ends what a document left running or waiting.
    pub(crate) fn clear(&self) {
        let jobs: serde_json::Value =
            serde_json::from_str(&self.printed("pakt --json jobs --open 2>/dev/null")).expect("JSON");
        for job in jobs["jobs"].as_array().expect("jobs") {
            let id = job["id"].as_str().expect("an id");
            self.printed(&format!("pakt cancel {id}"));
            self.printed(&format!("pakt logs --follow {id}"));
        }
    }

    fn bash(&self) -> Command {
        if let Some(cluster) = &self.cluster {
            return cluster.command_as(User::Ada, "bash");
        }
        let home = self.path().join("home");
        let mut command = Command::new("bash");
        command.env_clear().env("HOME", &home).env("LANG", "C.UTF-8");
        command.env("PATH", format!("{}:/usr/local/bin:/usr/bin:/bin", home.join("bin").display()));
        command
    }

    /// Gives a folder and what is in it to the lab's user.
    fn hand_over(&self, folder: &Path) {
        let Some(cluster) = &self.cluster else { return };
        let (user, group) = cluster.ids(User::Ada).expect("the lab's user");
        chown(folder, Some(user), Some(group)).expect("a folder can be given away");
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() && !path.is_symlink() {
                self.hand_over(&path);
            } else {
                std::os::unix::fs::lchown(&path, Some(user), Some(group)).expect("a file can be given away");
            }
        }
    }
}
