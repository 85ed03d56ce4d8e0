//! Running one of Slurm's commands, and what its failures mean.

use crate::{AdapterError, AdapterErrorKind, slurm::SlurmCommands};
use reach::{Command, Output};
use std::time::Duration;

/// How long a read may take. Slurm's own patience with a controller is `MessageTimeout` (10 s by default) a try.
const READ_TIME_LIMIT: Duration = Duration::from_mins(1);

/// How much a read may print: accounting of a month, with the submit lines of everyone's wrapped scripts.
const READ_OUTPUT_LIMIT: usize = 256 * 1024 * 1024;

/// The commands, and what to call what they do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tool {
    Sbatch,
    Squeue,
    Sacct,
    Scancel,
    Scontrol,
    Sinfo,
    Sacctmgr,
}

impl Tool {
    pub(super) const fn program(self) -> &'static str {
        match self {
            Self::Sbatch => "sbatch",
            Self::Squeue => "squeue",
            Self::Sacct => "sacct",
            Self::Scancel => "scancel",
            Self::Scontrol => "scontrol",
            Self::Sinfo => "sinfo",
            Self::Sacctmgr => "sacctmgr",
        }
    }

    pub(super) const fn doing(self) -> &'static str {
        match self {
            Self::Sbatch => "submitting (sbatch)",
            Self::Squeue => "asking the queue (squeue)",
            Self::Sacct => "asking accounting (sacct)",
            Self::Scancel => "cancelling (scancel)",
            Self::Scontrol => "asking the controller (scontrol)",
            Self::Sinfo => "asking for nodes (sinfo)",
            Self::Sacctmgr => "asking for limits (sacctmgr)",
        }
    }

    const fn speaks_to_accounting(self) -> bool {
        matches!(self, Self::Sacct | Self::Sacctmgr)
    }
}

/// A read: a person's own settings of formats, filters and clusters taken away, times as epoch seconds, and UTC so that
/// the bounds given to `sacct -S` and `-E` mean one instant wherever the command runs.
pub(super) fn read(tool: Tool) -> Command {
    Command::new(tool.program())
        .without(["SLURM_*", "SQUEUE_*", "SACCT_*", "SINFO_*", "SCONTROL_*", "SBATCH_*", "SCANCEL_*", "LC_*", "LANG"])
        .keeping(["SLURM_CONF", "SLURM_CONF_SERVER", "SLURM_JWT"])
        .variable("LC_ALL", "C")
        .variable("TZ", "UTC")
        .variable("SLURM_TIME_FORMAT", "%s")
        .time_limit(READ_TIME_LIMIT)
        .output_limit(READ_OUTPUT_LIMIT)
}

impl SlurmCommands {
    /// Runs a command to its end, whatever that is.
    pub(super) async fn run(&self, tool: Tool, command: &Command) -> Result<Output, AdapterError> {
        self.reach.run(command).await.map_err(|error| AdapterError::from_reach(error, tool.doing()))
    }

    /// Asks, and gives what was printed; an end that is not a good one is an error.
    pub(super) async fn ask(&self, tool: Tool, arguments: &[&str]) -> Result<String, AdapterError> {
        let output = self.run(tool, &read(tool).arguments(arguments.iter().copied())).await?;
        if output.succeeded() { Ok(output.stdout_text()) } else { Err(failure(tool, &output)) }
    }
}

/// What a command that did not end well means.
pub(super) fn failure(tool: Tool, output: &Output) -> AdapterError {
    let said = output.stderr_text().trim().to_owned();
    AdapterError::new(kind_of(tool, output, &said), tool.doing()).with("ended", output.ending()).with("said", said)
}

fn kind_of(tool: Tool, output: &Output, said: &str) -> AdapterErrorKind {
    let says = |words: &[&str]| words.iter().any(|word| said.contains(word));
    let no_answer =
        if tool.speaks_to_accounting() { AdapterErrorKind::AccountingDown } else { AdapterErrorKind::Unreachable };
    if says(&["accounting storage is disabled", "accounting_storage plugin not loaded"]) {
        AdapterErrorKind::Unsupported
    } else if says(&["Access/permission denied", "Access denied", "not authorized"]) {
        AdapterErrorKind::NotPermitted
    } else if output.timed_out || output.status.is_none() || says(&NO_ANSWER) {
        no_answer
    } else if says(&["Invalid job id"]) {
        AdapterErrorKind::NotFound
    } else if output.status == Some(127) {
        AdapterErrorKind::Unsupported
    } else if says(&["error:", "fatal:"]) {
        AdapterErrorKind::Refused { said: said.to_owned() }
    } else {
        no_answer
    }
}

/// What Slurm's commands print when a daemon does not answer (`slurm_errno.c`, 22.05 to 25.11).
pub(super) const NO_ANSWER: [&str; 12] = [
    "Unable to contact slurm controller",
    "Unable to contact slurmdbd",
    "Socket timed out",
    "Zero Bytes were transmitted",
    "Connection refused",
    "Connection reset",
    "Problem talking to the database",
    "Unable to connect to database",
    "standby mode",
    "temporarily unable",
    "Resource temporarily unavailable",
    "Unexpected message received",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn ended(status: i32, stderr: &str) -> Output {
        Output { status: Some(status), stderr: stderr.as_bytes().to_vec(), ..Output::default() }
    }

    #[test]
    fn a_failure_is_told_by_what_was_said() {
        let refused = "squeue: error: Invalid job format specification: Namex";
        for (tool, output, kind) in [
            (
                Tool::Squeue,
                ended(1, "slurm_load_jobs error: Unable to contact slurm controller (connect failure)"),
                AdapterErrorKind::Unreachable,
            ),
            (
                Tool::Sacct,
                ended(1, "sacct: error: Problem talking to the database: Connection refused"),
                AdapterErrorKind::AccountingDown,
            ),
            (Tool::Sacct, ended(1, "Slurm accounting storage is disabled"), AdapterErrorKind::Unsupported),
            (
                Tool::Scancel,
                ended(210, "scancel: error: Kill job error on job id 13: Access/permission denied"),
                AdapterErrorKind::NotPermitted,
            ),
            (Tool::Squeue, ended(1, "slurm_load_jobs error: Invalid job id specified"), AdapterErrorKind::NotFound),
            (Tool::Squeue, ended(1, refused), AdapterErrorKind::Refused { said: refused.to_owned() }),
            (Tool::Squeue, Output { timed_out: true, ..Output::default() }, AdapterErrorKind::Unreachable),
            (Tool::Sacct, Output { signal: Some(9), ..Output::default() }, AdapterErrorKind::AccountingDown),
            (Tool::Squeue, ended(255, ""), AdapterErrorKind::Unreachable),
        ] {
            assert_eq!(failure(tool, &output).kind, kind, "{output:?}");
        }
    }
}
