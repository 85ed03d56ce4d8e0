//! Starting one server and waiting until it answers.

use std::fs::OpenOptions;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::process::Signal;

use crate::command::log_tail;
use crate::error::{LabError, file_error};
use crate::process::{MARK_VARIABLE, Mark, end, end_by, find_server};
use crate::wait::wait_for;

/// How long a server may take until it answers. On two busy cores MariaDB needs some seconds.
const START_LIMIT: Duration = Duration::from_secs(90);

/// How long a server may take to end when asked.
pub(crate) const END_LIMIT: Duration = Duration::from_secs(20);

/// A server of the lab: what it is called, how it is started, where it writes.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) mark: Mark,
    /// The program with its arguments, staying in the foreground.
    pub(crate) arguments: Vec<String>,
    /// Variables on top of a plain environment.
    pub(crate) environment: Vec<(&'static str, String)>,
    /// The log that it writes. What it prints goes into a file beside it, with the ending `out`.
    pub(crate) log: PathBuf,
}

impl Server {
    /// Starts the server in a session of its own, so that it outlives the caller and its terminal.
    pub(crate) fn start(&self) -> Result<Child, LabError> {
        let printed = self.printed();
        let output =
            OpenOptions::new().create(true).append(true).open(&printed).map_err(file_error("opening", &printed))?;
        let errors = output.try_clone().map_err(file_error("opening", &printed))?;
        let mut command = Command::new("setsid");
        command
            .args(&self.arguments)
            .env_clear()
            .env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
            .env("LANG", "C.UTF-8")
            .env("HOME", &self.mark.directory)
            .env(MARK_VARIABLE, self.mark.value())
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .current_dir(&self.mark.directory)
            .stdin(Stdio::null())
            .stdout(output)
            .stderr(errors);
        command.spawn().map_err(|error| LabError::Command {
            command: self.arguments.join(" "),
            output: format!("it did not start: {error}"),
        })
    }

    /// Starts the server unless it runs, and waits until `ready` says so. Whether it was started.
    pub(crate) fn ensure(&self, ready: impl Fn() -> bool) -> Result<bool, LabError> {
        let mut child = if self.runs()? { None } else { Some(self.start()?) };
        let answered = wait_for(START_LIMIT, || {
            if let Some(status) = child.as_mut().and_then(|child| child.try_wait().ok().flatten()) {
                let log = self.tail();
                return Err(LabError::Ended { what: self.title(), status: status.to_string(), log });
            }
            Ok(ready().then_some(()))
        })?;
        match answered {
            Some(()) => Ok(child.is_some()),
            None => Err(LabError::NotReady {
                what: format!("{} is not ready", self.title()),
                limit_seconds: START_LIMIT.as_secs(),
                log: self.tail(),
            }),
        }
    }

    /// Whether it runs; it need not answer yet.
    pub(crate) fn runs(&self) -> Result<bool, LabError> {
        Ok(find_server(&self.mark)?.is_some())
    }

    /// Ends the server; it is gone afterwards. Nothing happens where it does not run.
    pub(crate) fn stop(&self) -> Result<(), LabError> {
        match find_server(&self.mark)? {
            Some(process) => end(&[process], END_LIMIT),
            None => Ok(()),
        }
    }

    /// Kills the server, which has no time to save anything; it is gone afterwards.
    pub(crate) fn kill(&self) -> Result<(), LabError> {
        match find_server(&self.mark)? {
            Some(process) => end_by(Signal::KILL, &[process], END_LIMIT),
            None => Ok(()),
        }
    }

    fn printed(&self) -> PathBuf {
        self.log.with_added_extension("out")
    }

    /// The end of its log; of what it printed, where it has not got as far as a log.
    pub(crate) fn tail(&self) -> String {
        let log = log_tail(&self.log);
        if log.is_empty() { log_tail(&self.printed()) } else { log }
    }

    /// As in "slurmctld of jupiter".
    pub(crate) fn title(&self) -> String {
        format!("{} of {}", self.mark.role, self.mark.owner)
    }
}
