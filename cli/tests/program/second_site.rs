//! The lab's horeka as one more site, behind an sshd of its own, for whoever reaches one already.

use lab::{Cluster, LoginNode, Sshd, User, wait_until};
use std::{
    fs,
    os::unix::fs::{PermissionsExt, chown},
    path::PathBuf,
    time::Duration,
};
use tempfile::TempDir;

/// The account that pays there.
pub(crate) const ACCOUNT: &str = "hk-project-atlas";

/// The site, with ada's folder there.
pub(crate) struct SecondSite {
    node: Sshd,
    /// What takes all nodes ends with it.
    folder: TempDir,
    /// Others have it again once the rest is gone.
    pub(crate) cluster: Cluster,
}

impl SecondSite {
    /// Its login node; what it asks for beside the key, if anything.
    pub(crate) fn behind_ssh(cluster: Cluster, second_factor: Option<&str>) -> Self {
        let folder = tempfile::Builder::new().prefix("second-site-").tempdir().expect("a folder");
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).expect("ours");
        let (user_id, group_id) = cluster.ids(User::Ada).expect("a user of the lab");
        chown(folder.path(), Some(user_id), Some(group_id)).expect("root gives folders away");
        let shown = |path: PathBuf| path.display().to_string();
        let environment = [
            ("SLURM_CONF", shown(cluster.slurm_conf.clone())),
            ("XDG_CONFIG_HOME", shown(folder.path().join("config"))),
            ("PROJECT", shown(folder.path().join("project"))),
        ];
        let node = LoginNode {
            second_factor: second_factor.map(str::to_owned),
            environment: environment.map(|(name, value)| (name.to_owned(), value)).into(),
            ..LoginNode::default()
        };
        let node = Sshd::start(User::Ada.name(), &node).expect("sshd starts");
        let configuration = folder.path().join("ssh_config");
        let site = Self { node, folder, cluster };
        fs::write(configuration, site.node.host_block(&site.host(), "")).expect("ours");
        site
    }

    /// How it stands below `ssh:` in the configuration, with a field more.
    pub(crate) fn named(&self, field: &str) -> String {
        let configuration = self.folder.path().join("ssh_config");
        format!("horeka: {{ hosts: [{}], configuration: {}{field} }}", self.host(), configuration.display())
    }

    /// A name of its own: the sockets of all connections of a person without a session lie in one folder, by the host's name.
    fn host(&self) -> String {
        self.folder.path().file_name().and_then(|name| name.to_str()).expect("text").to_lowercase()
    }

    /// Takes all nodes that a job of the tests could have, for a day, until this is told to end or gone; when the day ends, in
    /// epoch seconds.
    pub(crate) fn fill(&self) -> i64 {
        let path = self.filling();
        fs::write(&path, "").expect("root writes anywhere");
        let takes_all = format!("--wrap=while [ -e {} ]; do sleep 0.2; done", path.display());
        let mut sbatch = self.cluster.command_as(User::Ada, "sbatch");
        sbatch.args(["--parsable", &format!("--account={ACCOUNT}"), "--output=/dev/null", "--partition=accelerated"]);
        sbatch.args(["--nodes=2", "--exclusive", "--gres=gpu:4", "--time=24:00:00", &takes_all]);
        let output = sbatch.output().expect("sbatch starts");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let id = String::from_utf8(output.stdout).expect("text").trim().to_owned();
        let runs = || {
            let told = queue(&self.cluster, &["--format=%T %e", "--jobs", &id]);
            told.trim().strip_prefix("RUNNING ").map(|end| end.parse().expect("epoch seconds"))
        };
        wait_until("the start of the one that takes all", Duration::from_mins(2), runs).expect("it starts")
    }

    /// Lets the nodes go.
    pub(crate) fn empty(&self) {
        fs::remove_file(self.filling()).expect("ours");
    }

    fn filling(&self) -> PathBuf {
        self.folder.path().join("filling")
    }
}

/// What `squeue` says of ada's jobs on a cluster.
fn queue(cluster: &Cluster, words: &[&str]) -> String {
    let mut squeue = cluster.command_as(User::Ada, "squeue");
    let output =
        squeue.env("SLURM_TIME_FORMAT", "%s").args(["--noheader", "--me"]).args(words).output().expect("squeue starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

/// How many scheduler jobs a cluster has of a job, ended ones too.
pub(crate) fn scheduler_jobs(cluster: &Cluster, id: &str) -> usize {
    queue(cluster, &["--format=%k", "--states=all"]).lines().filter(|line| line.contains(id)).count()
}
