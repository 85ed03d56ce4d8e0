//! One cluster's servers: slurmdbd, slurmctld, slurmrestd and a slurmd for each node.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use rustix::fs::{CWD, FileType, Mode, makedev, mknodat};

use crate::accounts::{limits, registrations};
use crate::command::run;
use crate::error::{LabError, file_error};
use crate::files::{make_folder, random_bytes, remove_folder, write_secret};
use crate::layout::{ClusterLayout, Layout};
use crate::ports::answers;
use crate::process::Mark;
use crate::render::{Database, database_name, gres_conf, slurm_conf, slurmdbd_conf};
use crate::server::Server;
use crate::shapes::Shape;
use crate::shared::make_database;
use crate::state::ClusterPorts;
use crate::wait::wait_for;

/// How long nodes may take to register with slurmctld.
const NODES_LIMIT: Duration = Duration::from_secs(90);

/// The device number of the first NVIDIA GPU (Linux, `Documentation/admin-guide/devices.txt`, character major 195).
const NVIDIA_MAJOR: u32 = 195;

/// A cluster of the lab with its folders and ports.
#[derive(Debug)]
pub(crate) struct Site {
    pub(crate) lab: Layout,
    pub(crate) shape: &'static Shape,
    pub(crate) ports: ClusterPorts,
}

impl Site {
    pub(crate) fn layout(&self) -> ClusterLayout {
        self.lab.cluster(self.shape.name)
    }

    pub(crate) fn server(&self, role: &str, arguments: Vec<String>) -> Server {
        let layout = self.layout();
        Server {
            mark: Mark {
                directory: self.lab.directory().to_owned(),
                owner: self.shape.name.to_owned(),
                role: role.to_owned(),
            },
            arguments,
            // slurmdbd has no option for its file and looks beside this one.
            environment: vec![("SLURM_CONF", layout.slurm_conf().display().to_string())],
            log: layout.log(role),
        }
    }

    pub(crate) fn slurmdbd(&self) -> Server {
        self.server("slurmdbd", vec!["slurmdbd".to_owned(), "-D".to_owned()])
    }

    pub(crate) fn slurmctld(&self) -> Server {
        self.server("slurmctld", vec!["slurmctld".to_owned(), "-D".to_owned()])
    }

    pub(crate) fn slurmds(&self) -> impl Iterator<Item = Server> + '_ {
        self.shape.node_names().into_iter().map(|node| {
            self.server(&format!("slurmd@{node}"), vec!["slurmd".to_owned(), "-D".to_owned(), "-N".to_owned(), node])
        })
    }

    /// All servers, in the order in which they are started.
    pub(crate) fn servers(&self) -> Vec<Server> {
        [self.slurmdbd(), self.slurmctld()].into_iter().chain(self.slurmds()).chain(self.slurmrestd()).collect()
    }

    /// A Slurm command as root, on this cluster.
    pub(crate) fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.env("SLURM_CONF", self.layout().slurm_conf());
        command
    }

    /// Builds the cluster anew and waits until every node is idle. MariaDB and munged run.
    pub(crate) fn make(&self, mariadb_port: u16) -> Result<(), LabError> {
        let password = format!("{:032x}", u128::from_ne_bytes(random_bytes()?));
        make_database(&self.lab, &database_name(self.shape.name), &password)?;
        self.write_files(&Database { port: mariadb_port, password })?;
        self.ensure_slurmdbd()?;
        for call in registrations(self.shape) {
            self.sacctmgr(call)?;
        }
        self.ensure_nodes()?;
        for call in limits(self.shape) {
            self.sacctmgr(call)?;
        }
        self.ensure_slurmrestd().map(drop)
    }

    /// Starts whichever server does not run. Whether one was started.
    pub(crate) fn ensure_running(&self) -> Result<bool, LabError> {
        let database = self.ensure_slurmdbd()?;
        let nodes = self.ensure_nodes()?;
        Ok(self.ensure_slurmrestd()? || nodes || database)
    }

    pub(crate) fn ensure_slurmdbd(&self) -> Result<bool, LabError> {
        self.slurmdbd().ensure(|| {
            answers(self.ports.slurmdbd) && run(self.command("sacctmgr").args(["-n", "list", "cluster"])).is_ok()
        })
    }

    pub(crate) fn ensure_slurmctld(&self) -> Result<bool, LabError> {
        self.slurmctld().ensure(|| answers(self.ports.slurmctld) && run(self.command("scontrol").arg("ping")).is_ok())
    }

    /// The node daemons retry until slurmctld answers, so all are started at once. Where all run, nodes are as somebody
    /// wants them, drained perhaps.
    fn ensure_nodes(&self) -> Result<bool, LabError> {
        let mut started = false;
        for server in self.slurmds() {
            if !server.runs()? {
                // The handle is not needed: a daemon that ends shows as a node that does not come.
                drop(server.start()?);
                started = true;
            }
        }
        started |= self.ensure_slurmctld()?;
        if started {
            self.await_nodes()?;
        }
        Ok(started)
    }

    /// Waits until slurmctld has heard of every node.
    pub(crate) fn await_nodes(&self) -> Result<(), LabError> {
        let mut last = String::new();
        let ready = wait_for(NODES_LIMIT, || {
            last = run(self.command("sinfo").args(["--noheader", "--Node", "--format=%N %T"]))?;
            Ok(all_usable(&last).then_some(()))
        })?;
        let log = || self.slurmds().map(|server| server.tail()).next().unwrap_or_default();
        ready.ok_or_else(|| LabError::NotReady {
            what: format!("the nodes of {} are not all usable ({})", self.shape.name, last.trim().replace('\n', ", ")),
            limit_seconds: NODES_LIMIT.as_secs(),
            log: log(),
        })
    }

    /// Runs `sacctmgr` as root without asking. What it printed.
    pub(crate) fn sacctmgr<S: AsRef<std::ffi::OsStr>>(
        &self,
        arguments: impl IntoIterator<Item = S>,
    ) -> Result<String, LabError> {
        run(self.command("sacctmgr").arg("--immediate").args(arguments))
    }

    /// The configuration that users may read, as it should be: paths and texts.
    fn readable_files(&self) -> Vec<(PathBuf, String)> {
        let layout = self.layout();
        let configuration = layout.configuration();
        let mut files = vec![
            (layout.slurm_conf(), slurm_conf(self.shape, &self.lab, &layout, self.ports)),
            (configuration.join("gres.conf"), gres_conf(self.shape, &layout.devices())),
        ];
        files.extend(self.shape.submit_filter.map(|filter| (configuration.join("job_submit.lua"), filter.to_owned())));
        files
    }

    /// Whether the cluster was built by a lab with the same shapes.
    pub(crate) fn is_current(&self) -> bool {
        self.readable_files().into_iter().all(|(path, text)| std::fs::read_to_string(path).is_ok_and(|is| is == text))
    }

    fn write_files(&self, database: &Database) -> Result<(), LabError> {
        let layout = self.layout();
        remove_folder(layout.directory())?;
        for folder in
            [layout.configuration(), layout.state(), layout.spool(), layout.run(), layout.logs(), layout.devices()]
        {
            make_folder(&folder, 0o755)?;
        }
        make_folder(layout.directory(), 0o755)?;
        for node in self.shape.node_names() {
            make_folder(&layout.spool().join(node), 0o755)?;
        }
        let configuration = layout.configuration();
        write_secret(&configuration.join("jwt.key"), &random_bytes::<32>()?, 0o600)?;
        let text = slurmdbd_conf(self.shape, &self.lab, &layout, self.ports, database);
        write_secret(&configuration.join("slurmdbd.conf"), text.as_bytes(), 0o600)?;
        for (path, text) in self.readable_files() {
            write_readable(&path, &text)?;
        }
        write_readable(&layout.lock(), "")?;
        (0..self.shape.most_gpus()).try_for_each(|number| make_device(&layout.devices(), number))
    }
}

/// Whether every node can run jobs: known to slurmctld, answering (no `*`), neither down nor drained.
fn all_usable(nodes: &str) -> bool {
    const USABLE: &[&str] = &["idle", "mixed", "allocated", "completing", "planned", "reserved"];
    let mut states = nodes.lines().filter_map(|line| line.split_whitespace().nth(1)).peekable();
    states.peek().is_some() && states.all(|state| USABLE.contains(&state))
}

fn write_readable(path: &Path, text: &str) -> Result<(), LabError> {
    std::fs::write(path, text)
        .and_then(|()| std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o644)))
        .map_err(file_error("writing", path))
}

/// A device file without a device behind it: slurmd only looks whether it is there.
fn make_device(folder: &Path, number: u16) -> Result<(), LabError> {
    let path = folder.join(format!("gpu{number}"));
    let mode = Mode::from_raw_mode(0o666);
    mknodat(CWD, &path, FileType::CharacterDevice, mode, makedev(NVIDIA_MAJOR, u32::from(number)))
        .map_err(|error| file_error("making the device file", &path)(error.into()))
}

#[cfg(test)]
mod tests {
    use super::all_usable;

    #[test]
    fn nodes_are_usable_when_all_answer() {
        let table = [
            ("n1 idle\nn2 mixed\n", true),
            ("n1 idle\nn2 idle*\n", false),
            ("n1 unknown\n", false),
            ("n1 idle\nn2 drained\n", false),
            ("", false),
        ];
        for (nodes, expected) in table {
            assert_eq!(all_usable(nodes), expected, "{nodes}");
        }
    }
}
