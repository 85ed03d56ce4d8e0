//! Processes of the lab: found by a mark in their environment, ended through a pidfd.
//!
//! A mark is inherited and cannot be lost, unlike a pid file; and a pidfd means the process that was looked at, unlike
//! a number, so nothing that the lab did not start is ever ended.

use std::ffi::OsStr;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

use crate::error::LabError;

/// The variable that marks a server; its value is [`Mark::value`].
pub(crate) const MARK_VARIABLE: &str = "PAKT_LAB_SERVER";

/// Which server of which lab.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mark {
    /// The lab's folder.
    pub(crate) directory: PathBuf,
    /// The cluster; `lab` for what clusters share.
    pub(crate) owner: String,
    /// As in `slurmctld`, `slurmd@hkn0401`.
    pub(crate) role: String,
}

impl Mark {
    pub(crate) fn value(&self) -> String {
        format!("{}|{}|{}", self.directory.display(), self.owner, self.role)
    }

    fn parse(value: &[u8]) -> Option<Self> {
        let mut parts = value.rsplitn(3, |&byte| byte == b'|');
        let role = std::str::from_utf8(parts.next()?).ok()?.to_owned();
        let owner = std::str::from_utf8(parts.next()?).ok()?.to_owned();
        Some(Self { directory: PathBuf::from(OsStr::from_bytes(parts.next()?)), owner, role })
    }
}

/// A process of this machine that may belong to the lab.
#[derive(Debug)]
pub(crate) struct Process {
    pub(crate) id: Pid,
    parent: i32,
    user: u32,
    /// The program file's name, as in `slurmd`; without the `-wlm` that Debian appends to Slurm's.
    program: String,
    working_directory: PathBuf,
    mark: Option<Mark>,
}

impl Process {
    fn read(id: Pid) -> Option<Self> {
        let folder = PathBuf::from(format!("/proc/{}", id.as_raw_nonzero()));
        let program = std::fs::read_link(folder.join("exe")).ok()?;
        let status = std::fs::read_to_string(folder.join("status")).ok()?;
        let number = |key: &str| status.lines().find_map(|line| line.strip_prefix(key)?.split_whitespace().next());
        let environment = std::fs::read(folder.join("environ")).ok()?;
        let mark = environment
            .split(|&byte| byte == 0)
            .find_map(|variable| Mark::parse(variable.strip_prefix(MARK_VARIABLE.as_bytes())?.strip_prefix(b"=")?));
        Some(Self {
            id,
            parent: number("PPid:")?.parse().ok()?,
            user: number("Uid:")?.parse().ok()?,
            program: program.file_name()?.to_string_lossy().trim_end_matches("-wlm").to_owned(),
            working_directory: std::fs::read_link(folder.join("cwd")).unwrap_or_default(),
            mark,
        })
    }

    /// Whether it is a server of the lab in `directory`, or a child of one. Some children lose the mark: slurmctld's
    /// helper and a job's step daemon have environments of their own, and PostgreSQL's write their titles over it. They
    /// stay in the folder where the lab started the server, or in its data.
    pub(crate) fn is_server_of(&self, directory: &Path) -> bool {
        let marked = self.mark.as_ref().is_some_and(|mark| mark.directory == directory);
        let loses_mark = self.runs("slurmctld") || self.runs("slurmstepd") || self.runs("postgres");
        marked || (loses_mark && self.working_directory.starts_with(directory))
    }

    /// Whether it runs that program, given by its file's name.
    pub(crate) fn runs(&self, program: &str) -> bool {
        self.program == program
    }

    pub(crate) fn belongs_to(&self, users: &[u32]) -> bool {
        users.contains(&self.user)
    }

    pub(crate) fn number(&self) -> i32 {
        self.id.as_raw_nonzero().get()
    }

    /// The process that started it, or that took it over.
    pub(crate) const fn parent(&self) -> i32 {
        self.parent
    }

    pub(crate) fn mark(&self) -> Option<&Mark> {
        self.mark.as_ref()
    }
}

/// All processes that can be looked at. A zombie has no program and is not among them.
pub(crate) fn processes() -> Result<Vec<Process>, LabError> {
    let entries = std::fs::read_dir("/proc").map_err(crate::error::file_error("reading", "/proc"))?;
    Ok(entries
        .filter_map(|entry| Process::read(Pid::from_raw(entry.ok()?.file_name().to_str()?.parse().ok()?)?))
        .collect())
}

/// The server with that mark. Its children carry the mark as well (a step daemon, a child before its exec): the server
/// is the one whose parent does not.
pub(crate) fn find_server(mark: &Mark) -> Result<Option<Process>, LabError> {
    let marked: Vec<Process> = processes()?.into_iter().filter(|process| process.mark.as_ref() == Some(mark)).collect();
    let parents: Vec<i32> = marked.iter().map(|process| process.id.as_raw_nonzero().get()).collect();
    Ok(marked.into_iter().find(|process| !process.runs("slurmstepd") && !parents.contains(&process.parent)))
}

/// Ends the processes: asks, and after `patience` insists. Returns once all are gone.
pub(crate) fn end(found: &[Process], patience: Duration) -> Result<(), LabError> {
    end_by(Signal::TERM, found, patience)
}

/// The same, asking by another signal than most servers know.
pub(crate) fn end_by(request: Signal, found: &[Process], patience: Duration) -> Result<(), LabError> {
    let mut handles: Vec<(&Process, OwnedFd)> = Vec::new();
    for process in found {
        if let Some(handle) = handle_of(process) {
            signal(&handle, request)?;
            handles.push((process, handle));
        }
    }
    let until = std::time::Instant::now() + patience;
    for (_, handle) in &handles {
        if !has_ended(handle, until.saturating_duration_since(std::time::Instant::now()))? {
            signal(handle, Signal::KILL)?;
        }
    }
    for (process, handle) in &handles {
        const LIMIT: Duration = Duration::from_secs(20);
        if !has_ended(handle, LIMIT)? {
            let what = format!("{} (process {}) still runs", process.program, process.id.as_raw_nonzero());
            return Err(LabError::NotReady { what, limit_seconds: LIMIT.as_secs(), log: String::new() });
        }
    }
    Ok(())
}

/// A handle on exactly the process that was looked at; none if it has ended and its number means another by now.
fn handle_of(process: &Process) -> Option<OwnedFd> {
    let handle = pidfd_open(process.id, PidfdFlags::empty()).ok()?;
    let now = Process::read(process.id)?;
    (now.mark == process.mark && now.program == process.program && now.user == process.user).then_some(handle)
}

fn signal(handle: &OwnedFd, signal: Signal) -> Result<(), LabError> {
    match pidfd_send_signal(handle, signal) {
        // Already gone: what was wanted.
        Ok(()) | Err(Errno::SRCH) => Ok(()),
        Err(error) => Err(system_error("pidfd_send_signal", error)),
    }
}

fn has_ended(handle: &OwnedFd, limit: Duration) -> Result<bool, LabError> {
    let limit = Timespec::try_from(limit).expect("the bounds of the lab are minutes at most");
    let mut watched = [PollFd::new(handle, PollFlags::IN)];
    match poll(&mut watched, Some(&limit)) {
        Ok(count) => Ok(count > 0),
        Err(Errno::INTR) => Ok(false),
        Err(error) => Err(system_error("poll", error)),
    }
}

fn system_error(call: &'static str, error: Errno) -> LabError {
    LabError::Command { command: call.to_owned(), output: error.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::{Command, Stdio};

    fn marked(mark: &Mark, program: &str, arguments: &[&str]) -> std::process::Child {
        let mut command = Command::new(program);
        command.args(arguments).env(MARK_VARIABLE, mark.value()).stdin(Stdio::null());
        command.spawn().expect("the program starts")
    }

    #[test]
    fn a_mark_survives_odd_folders() {
        let mark = Mark { directory: "/tmp/a|b".into(), owner: "raven".into(), role: "slurmd@ravg1001".into() };
        assert_eq!(Mark::parse(mark.value().as_bytes()), Some(mark));
        assert_eq!(Mark::parse(b"no bars"), None);
    }

    #[test]
    fn only_the_marked_process_is_found_and_ended() {
        let folder = tempfile::tempdir().expect("a folder");
        let mark = Mark { directory: folder.path().to_owned(), owner: "test".into(), role: "sleeper".into() };
        let other = Mark { role: "another".into(), ..mark.clone() };
        let mut bystander = marked(&other, "sleep", &["300"]);
        let mut server = marked(&mark, "sleep", &["300"]);

        let found = wait_for_exec(&mark);
        assert_eq!(found.id.as_raw_nonzero().get(), i32::try_from(server.id()).unwrap());
        end(&[found], Duration::from_secs(10)).expect("it ends");

        assert!(!server.wait().expect("its status").success());
        assert!(find_server(&mark).expect("looking").is_none());
        assert!(bystander.try_wait().expect("its state").is_none(), "a process with another mark was ended");
        bystander.kill().expect("ending the bystander");
        bystander.wait().expect("its status");
    }

    #[test]
    fn a_process_that_ignores_the_request_is_killed() {
        let folder = tempfile::tempdir().expect("a folder");
        let mark = Mark { directory: folder.path().to_owned(), owner: "test".into(), role: "stubborn".into() };
        let ready = folder.path().join("ready");
        let script = format!("trap '' TERM; : > {}; while :; do read -r _ < /dev/zero; done", ready.display());
        let mut server = marked(&mark, "bash", &["-c", &script]);
        crate::wait::wait_for(Duration::from_secs(20), || Ok::<_, LabError>(ready.exists().then_some(())))
            .expect("looking")
            .expect("the trap is set");

        let found = processes()
            .expect("looking")
            .into_iter()
            .filter(|process| process.mark() == Some(&mark))
            .collect::<Vec<_>>();
        end(&found, Duration::from_millis(50)).expect("it ends");
        assert_eq!(std::os::unix::process::ExitStatusExt::signal(&server.wait().expect("its status")), Some(9));
    }

    /// Between fork and exec a child has its parent's environment.
    fn wait_for_exec(mark: &Mark) -> Process {
        crate::wait::wait_for(Duration::from_secs(20), || find_server(mark)).expect("looking").expect("it is found")
    }
}
