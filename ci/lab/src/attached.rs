//! A running cluster in the hands of a test: commands as ordinary users, and servers that can be stopped.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::accounts::set_limits;
use crate::cluster::Site;
use crate::error::{LabError, file_error};
use crate::layout::{DIRECTORY_VARIABLE, Layout};
use crate::lock::{Hold, Lock};
use crate::ports::answers;
use crate::server::Server;
use crate::shapes::shape;
use crate::state::State;
use crate::users::{User, entry, home};
use crate::wait::{wait_for, wait_until};

/// A cluster of a running lab. It is kept from `lab down`-like faults of other tests for as long as the value lives:
/// those that only use the cluster hold it together, those that stop its servers hold it alone.
#[derive(Debug)]
pub struct Cluster {
    /// The cluster's name, the lab's and Slurm's.
    pub name: String,
    /// Its slurm.conf: what `SLURM_CONF` must be for every Slurm command and for libslurm.
    pub slurm_conf: PathBuf,
    lab: Layout,
    site: Site,
    hold: Hold,
    _lock: Lock,
}

/// Attaches to a cluster of the running lab, together with other tests. It waits while another test holds it alone.
pub fn attach(name: &str) -> Result<Cluster, LabError> {
    Cluster::attach(name, Hold::Shared)
}

/// Attaches to a cluster alone, to stop its servers: waits until no other test uses it, and lets none begin. Attach to
/// a cluster so only once in a process: a second `attach` would wait for the first.
pub fn attach_exclusive(name: &str) -> Result<Cluster, LabError> {
    Cluster::attach(name, Hold::Alone)
}

impl Cluster {
    fn attach(name: &str, hold: Hold) -> Result<Self, LabError> {
        let lab = Layout::from_environment();
        let not_up =
            |what: String| LabError::NotUp { what, name: name.to_owned(), directory: lab.directory().to_owned() };
        let shape = shape(name)?;
        let state = State::load(&lab)?.ok_or_else(|| not_up(format!("cluster {name}")))?;
        let cluster = state.clusters.get(name).filter(|cluster| cluster.made);
        let ports = cluster.ok_or_else(|| not_up(format!("cluster {name}")))?.ports;
        let site = Site { lab: lab.clone(), shape, ports };
        let lock = Lock::take_in_turn(&site.layout().lock(), hold)?;
        for server in site.servers() {
            if !server.runs()? {
                return Err(not_up(server.title()));
            }
        }
        let slurm_conf = site.layout().slurm_conf();
        Ok(Self { name: name.to_owned(), slurm_conf, lab, site, hold, _lock: lock })
    }

    /// A command that runs as that ordinary user with the user's groups: plain environment with `SLURM_CONF`, `HOME`,
    /// `USER`, `LOGNAME` and `PATH`, in the user's home. What lies in [`Cluster::share`]'s folder is on the `PATH`.
    pub fn command_as(&self, user: User, program: impl AsRef<OsStr>) -> Command {
        let home = self.home(user);
        let share = self.lab.share();
        let mut command = Command::new("setpriv");
        command
            .args(["--reuid", user.name(), "--regid", user.name(), "--init-groups", "--"])
            .arg(program)
            .env_clear()
            .env("PATH", format!("{}:/usr/local/bin:/usr/bin:/bin", share.display()))
            .env("LANG", "C.UTF-8")
            .env("HOME", &home)
            .env("USER", user.name())
            .env("LOGNAME", user.name())
            .env("SHELL", "/bin/bash")
            .env("SLURM_CONF", &self.slurm_conf)
            .env(DIRECTORY_VARIABLE, self.lab.directory())
            .current_dir(home);
        command
    }

    /// The user's home; only the user and root may look into it.
    pub fn home(&self, user: User) -> PathBuf {
        home(&self.lab, user)
    }

    /// The user's number on this machine, and that of the user's own group.
    pub fn ids(&self, user: User) -> Result<(u32, u32), LabError> {
        let entry = entry(user)?.ok_or_else(|| LabError::NotUp {
            what: format!("user {}", user.name()),
            name: self.name.clone(),
            directory: self.lab.directory().to_owned(),
        })?;
        Ok((entry.user_id, entry.group_id))
    }

    /// A folder that Ada and Ben may read and write, and Cleo may not: files in it get the project's group.
    pub fn shared_directory(&self) -> PathBuf {
        self.lab.project()
    }

    /// Copies a program or a file to where every user of the lab can read it; what cargo builds below root's home is
    /// out of their reach. The copy has the file's name and replaces an older one. Its path.
    pub fn share(&self, file: &Path) -> Result<PathBuf, LabError> {
        share(&self.lab, file)
    }

    /// Runs `sacctmgr` as root, without questions. What it printed.
    pub fn sacctmgr<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Result<String, LabError> {
        self.site.sacctmgr(arguments)
    }

    /// Runs `scontrol` as root. What it printed.
    pub fn scontrol<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Result<String, LabError> {
        crate::command::run(self.site.command("scontrol").args(arguments))
    }

    /// Waits until the accounting database has the whole row of a job that ends. A short job's row comes in two parts:
    /// its end at once, what was asked for (`ReqTRES`, `SubmitLine`) up to 5 s later (Slurm 22.05,
    /// `accounting_storage/slurmdbd`: starts are sent in rounds).
    pub fn await_accounted(&self, job: &str) -> Result<(), LabError> {
        let limit = std::time::Duration::from_mins(2);
        let what = format!("the end of job {job} of {} in accounting", self.name);
        let call = ["-n", "-X", "-P", "--format=State,End,SubmitLine", "--jobs", job];
        wait_until(&what, limit, || {
            let rows = crate::command::run(self.site.command("sacct").args(call)).ok()?;
            are_whole(&rows).then_some(())
        })
    }

    /// Sets the account's hard stop in GPU-minutes (`GrpTRESMins`), or lifts it.
    pub fn set_gpu_minutes_limit(&self, account: &str, minutes: Option<u64>) -> Result<(), LabError> {
        let limit = minutes.map_or_else(|| "-1".to_owned(), |minutes| minutes.to_string());
        let limits = format!("GrpTRESMins=gres/gpu={limit}");
        self.sacctmgr(set_limits(&self.name, account, &[&limits])).map(drop)
    }

    /// Keeps new jobs from a node; what runs there goes on.
    pub fn drain(&self, node: &str) -> Result<(), LabError> {
        self.update_node(node, &["State=DRAIN", "Reason=lab"])
    }

    /// Lets jobs onto the node again.
    pub fn resume(&self, node: &str) -> Result<(), LabError> {
        self.update_node(node, &["State=RESUME"])
    }

    fn update_node(&self, node: &str, settings: &[&str]) -> Result<(), LabError> {
        let node = format!("NodeName={node}");
        self.scontrol(["update", &node].into_iter().chain(settings.iter().copied())).map(drop)
    }

    /// Ends slurmdbd. After `Ok` it is gone and its port is free. Only for who holds the cluster alone; what is still
    /// down when the value is dropped is started again.
    pub fn stop_slurmdbd(&self) -> Result<(), LabError> {
        self.stop(&self.site.slurmdbd(), self.site.ports.slurmdbd)
    }

    /// Starts slurmdbd unless it runs. After `Ok` it answers.
    pub fn start_slurmdbd(&self) -> Result<(), LabError> {
        self.site.ensure_slurmdbd().map(drop)
    }

    /// Ends slurmctld. After `Ok` it is gone and its port is free. Only for who holds the cluster alone.
    pub fn stop_slurmctld(&self) -> Result<(), LabError> {
        self.stop(&self.site.slurmctld(), self.site.ports.slurmctld)
    }

    /// As [`Self::stop_slurmctld`], at once: what it has not saved is lost, the newest jobs and their ids perhaps among it.
    pub fn kill_slurmctld(&self) -> Result<(), LabError> {
        let server = self.site.slurmctld();
        self.gone(&server, self.site.ports.slurmctld, Server::kill)
    }

    /// Starts slurmctld unless it runs. After `Ok` it answers and knows its nodes.
    pub fn start_slurmctld(&self) -> Result<(), LabError> {
        self.site.ensure_slurmctld()?;
        self.site.await_nodes()
    }

    /// Where its slurmrestd listens: on a port of loopback, and on a socket that everybody may open.
    pub fn rest(&self) -> Result<(String, PathBuf), LabError> {
        match self.site.ports.slurmrestd {
            0 => Err(LabError::NotUp {
                what: format!("slurmrestd of {}, which has no port yet", self.name),
                name: self.name.clone(),
                directory: self.lab.directory().to_owned(),
            }),
            port => Ok((format!("http://127.0.0.1:{port}"), self.site.layout().rest_socket())),
        }
    }

    /// A token with which that user may ask slurmrestd, for so many seconds.
    pub fn token(&self, user: User, seconds: u32) -> Result<String, LabError> {
        let [user, lifespan] = [format!("username={}", user.name()), format!("lifespan={seconds}")];
        let said = self.scontrol(["token", &user, &lifespan])?;
        Ok(said.trim().trim_start_matches("SLURM_JWT=").to_owned())
    }

    /// Ends slurmrestd. After `Ok` it is gone and its port is free. Only for who holds the cluster alone.
    pub fn stop_slurmrestd(&self) -> Result<(), LabError> {
        let Some(server) = self.site.slurmrestd() else { return Ok(()) };
        self.stop(&server, self.site.ports.slurmrestd)
    }

    /// Starts slurmrestd unless it runs. After `Ok` it answers.
    pub fn start_slurmrestd(&self) -> Result<(), LabError> {
        self.site.ensure_slurmrestd().map(drop)
    }

    fn stop(&self, server: &Server, port: u16) -> Result<(), LabError> {
        self.gone(server, port, Server::stop)
    }

    fn gone(&self, server: &Server, port: u16, ends: fn(&Server) -> Result<(), LabError>) -> Result<(), LabError> {
        const LIMIT: std::time::Duration = std::time::Duration::from_secs(20);
        if self.hold != Hold::Alone {
            return Err(LabError::Shared { name: self.name.clone() });
        }
        ends(server)?;
        let gone = wait_for(LIMIT, || Ok::<_, LabError>((!answers(port)).then_some(())))?;
        gone.ok_or_else(|| LabError::NotReady {
            what: format!("{} still answers", server.title()),
            limit_seconds: LIMIT.as_secs(),
            log: String::new(),
        })
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if self.hold == Hold::Alone {
            // A server that does not come back is what the next `attach` reports.
            drop(self.site.ensure_running());
        }
    }
}

/// Whether rows of state, end and submit line are all of ended jobs and have every part. A job whose start reaches
/// accounting only after it ended, because slurmdbd was away, is COMPLETED there for a moment without an end.
fn are_whole(rows: &str) -> bool {
    let is_whole = |row: &str| {
        let parts: Vec<&str> = row.splitn(3, '|').collect();
        matches!(parts[..], [state, end, line]
            if !matches!(state, "PENDING" | "RUNNING" | "REQUEUED" | "SUSPENDED") && end != "Unknown" && !line.is_empty())
    };
    !rows.is_empty() && rows.lines().all(is_whole)
}

/// [`Cluster::share`] for a lab. A copy that is as old and as long as the file stays: a test that only runs the program
/// does not put a new one under the feet of another test.
pub fn share(lab: &Layout, file: &Path) -> Result<PathBuf, LabError> {
    let name = file.file_name().ok_or_else(|| LabError::File {
        doing: "sharing",
        path: file.to_owned(),
        source: std::io::ErrorKind::InvalidFilename.into(),
    })?;
    let target = lab.share().join(name);
    let original = file.metadata().map_err(file_error("reading", file))?;
    let modified = original.modified().map_err(file_error("reading", file))?;
    let is_current = |copy: std::fs::Metadata| copy.len() == original.len() && copy.modified().ok() == Some(modified);
    if target.metadata().is_ok_and(is_current) {
        return Ok(target);
    }
    // Beside it and renamed, because a program that runs cannot be written to.
    let copy = tempfile::NamedTempFile::new_in(lab.share()).map_err(file_error("writing in", lab.share()))?;
    std::fs::copy(file, copy.path()).map_err(file_error("copying", file))?;
    let mode = if is_executable(file)? { 0o755 } else { 0o644 };
    std::fs::set_permissions(copy.path(), std::os::unix::fs::PermissionsExt::from_mode(mode))
        .map_err(file_error("writing", copy.path()))?;
    copy.as_file().set_modified(modified).map_err(file_error("writing", copy.path()))?;
    // Closed before it has its name: a program that somebody may write to cannot be started.
    copy.into_temp_path().persist(&target).map_err(|error| file_error("writing", &target)(error.error))?;
    Ok(target)
}

fn is_executable(file: &Path) -> Result<bool, LabError> {
    let metadata = file.metadata().map_err(file_error("reading", file))?;
    Ok(std::os::unix::fs::MetadataExt::mode(&metadata) & 0o100 != 0)
}

#[cfg(test)]
mod tests {
    use super::are_whole;

    #[test]
    fn a_row_is_whole_with_state_end_and_submit_line() {
        let table = [
            ("COMPLETED|2026-11-25T19:44:09|sbatch a|b\n", true),
            ("CANCELLED by 1001|2026-11-25T19:44:09|sbatch\nTIMEOUT|2026-11-25T19:44:09|sbatch\n", true),
            ("COMPLETED|2026-11-25T19:44:09|\n", false),
            ("COMPLETED|Unknown|sbatch\n", false),
            ("RUNNING|Unknown|sbatch\n", false),
            ("COMPLETED|2026-11-25T19:44:09|sbatch\nPENDING|Unknown|sbatch\n", false),
            ("", false),
        ];
        for (rows, expected) in table {
            assert_eq!(are_whole(rows), expected, "{rows}");
        }
    }
}
