//! Running one of Slurm's commands, and what its failures mean.

use crate::{
    AdapterError, AdapterErrorKind,
    shared::Asking,
    slurm::{
        SlurmCommands,
        rows::{Found, TableReader},
    },
};
use async_trait::async_trait;
use reach::{Command, Output, PieceTaker};
use std::time::Duration;

/// How long a read may take. Slurm's own patience with a controller is `MessageTimeout` (10 s by default) a try.
const READ_TIME_LIMIT: Duration = Duration::from_mins(1);

/// How much a read may print: accounting of a month, with the submit lines of everyone's wrapped scripts. It is read as
/// it comes and not kept.
const READ_OUTPUT_LIMIT: usize = 1024 * 1024 * 1024;

/// How much an answer may print that is kept whole: configuration, partitions, limits.
const TEXT_OUTPUT_LIMIT: usize = 16 * 1024 * 1024;

/// Those who answer, or do not.
pub(super) const CONTROLLER: &str = "controller";
pub(super) const ACCOUNTING: &str = "accounting";

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

    /// Who is behind it, as far as not answering goes.
    pub(super) const fn source(self) -> &'static str {
        match self {
            Self::Sacct | Self::Sacctmgr => ACCOUNTING,
            _ => CONTROLLER,
        }
    }

    const fn no_answer(self) -> AdapterErrorKind {
        match self {
            Self::Sacct | Self::Sacctmgr => AdapterErrorKind::AccountingDown,
            _ => AdapterErrorKind::Unreachable,
        }
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
        .output_limit(TEXT_OUTPUT_LIMIT)
}

impl SlurmCommands {
    /// Runs a command to its end, whatever that is.
    pub(super) async fn run(&self, tool: Tool, command: &Command) -> Result<Output, AdapterError> {
        let mut asking = Asking::of(tool.program());
        let run = self.reach.run(command).await;
        let printed = run.as_ref().map_or(&[][..], |output| &output.stdout);
        asking.came(printed);
        self.tally.count(&asking, run.as_ref().is_ok_and(is_answer));
        run.map_err(|error| AdapterError::from_reach(error, tool.doing()))
    }

    /// Counts what a source did not answer, for all processes of this person. Hands the outcome on.
    pub(super) async fn heeded<Told>(
        &self,
        tool: Tool,
        told: Result<Told, AdapterError>,
    ) -> Result<Told, AdapterError> {
        if let (Err(error), Some(shared)) = (&told, &self.shared) {
            shared.failed(tool.source(), error, None).await;
        }
        told
    }

    /// Asks, and gives what was printed; an end that is not a good one is an error.
    pub(super) async fn ask(&self, tool: Tool, arguments: &[&str]) -> Result<String, AdapterError> {
        let run = self.run(tool, &read(tool).arguments(arguments.iter().copied())).await;
        let answered =
            run.and_then(
                |output| {
                    if is_answer(&output) { Ok(output.stdout_text()) } else { Err(unanswered(tool, &output)) }
                },
            );
        self.heeded(tool, answered).await
    }

    /// Asks for a table and hands its rows on as they come. What was handed on before an error is no answer.
    pub(super) async fn ask_table(
        &self,
        tool: Tool,
        command: Command,
        mut reader: TableReader,
        take: &mut (dyn FnMut(Found<'_>) + Send),
    ) -> Result<(), AdapterError> {
        self.ask_through(tool, command, &mut |piece: &[u8]| reader.read(piece, take)).await?;
        reader.finish(tool.doing(), take)
    }

    /// Asks, and hands on what is printed as it comes. What was handed on before an error is no answer.
    pub(super) async fn ask_through(
        &self,
        tool: Tool,
        command: Command,
        taker: &mut dyn PieceTaker,
    ) -> Result<(), AdapterError> {
        let mut counted = Counted { asking: Asking::of(tool.program()), taker };
        let run = self.reach.run_through(&command.output_limit(READ_OUTPUT_LIMIT), &mut counted).await;
        self.tally.count(&counted.asking, run.as_ref().is_ok_and(is_answer));
        let answered = match run {
            Err(error) => Err(AdapterError::from_reach(error, tool.doing())),
            Ok(output) if is_answer(&output) => Ok(()),
            Ok(output) => Err(unanswered(tool, &output)),
        };
        self.heeded(tool, answered).await
    }
}

/// Counts what is printed on its way.
struct Counted<'taker> {
    asking: Asking,
    taker: &'taker mut dyn PieceTaker,
}

#[async_trait]
impl PieceTaker for Counted<'_> {
    async fn take(&mut self, piece: &[u8]) {
        self.asking.came(piece);
        self.taker.take(piece).await;
    }
}

/// Whether a command answered. `squeue` that cannot look up a user or does not know a column says so, prints an empty
/// table and exits 0 (seen on 22.05): that is no empty queue.
fn is_answer(output: &Output) -> bool {
    let said = output.stderr_text();
    output.succeeded() && !MISGIVINGS.iter().any(|words| said.contains(words))
}

const MISGIVINGS: [&str; 3] = ["error: Invalid", "Problem talking to the database", "Unable to connect to database"];

fn described(kind: AdapterErrorKind, tool: Tool, output: &Output) -> AdapterError {
    AdapterError::new(kind, tool.doing()).with("ended", output.ending()).with("said", output.stderr_text().trim())
}

/// What it means that a question did not end well: never that something was refused, and never that something is not
/// there, except where the controller itself says so of a job's id.
pub(super) fn unanswered(tool: Tool, output: &Output) -> AdapterError {
    let said = output.stderr_text();
    let says = |words: &[&str]| words.iter().any(|word| said.contains(word));
    let kind = if says(&NO_ACCOUNTING) {
        AdapterErrorKind::Unsupported
    } else if says(&NOT_PERMITTED) {
        AdapterErrorKind::NotPermitted
    } else if output.timed_out || output.status.is_none() || says(&NO_ANSWER) {
        tool.no_answer()
    } else if says(&["Invalid job id"]) {
        AdapterErrorKind::NotFound
    } else if output.status == Some(127) {
        AdapterErrorKind::Unsupported
    } else if says(&UNKNOWN_COLUMN) {
        AdapterErrorKind::Unreadable
    } else {
        tool.no_answer()
    };
    described(kind, tool, output)
}

/// What it means that a write other than a submission did not end well.
pub(super) fn not_done(tool: Tool, output: &Output) -> AdapterError {
    let said = output.stderr_text();
    let says = |words: &[&str]| words.iter().any(|word| said.contains(word));
    let kind = if says(&NOT_PERMITTED) {
        AdapterErrorKind::NotPermitted
    } else if output.timed_out || output.status.is_none() || says(&NO_ANSWER) {
        AdapterErrorKind::Unreachable
    } else if output.status == Some(127) {
        AdapterErrorKind::Unsupported
    } else if says(&["error:"]) {
        AdapterErrorKind::Refused { said: said.trim().to_owned() }
    } else {
        AdapterErrorKind::Unreachable
    };
    described(kind, tool, output)
}

const NO_ACCOUNTING: [&str; 2] = ["accounting storage is disabled", "accounting_storage plugin not loaded"];

const NOT_PERMITTED: [&str; 3] = ["Access/permission denied", "Access denied", "not authorized"];

/// What `sacct` and `squeue` print for a column of another release.
pub(super) const UNKNOWN_COLUMN: [&str; 2] = ["Invalid field requested", "Invalid job format specification"];

/// What Slurm's commands print when a daemon does not answer, or one does not know the other: none of it says what
/// became of a request (`slurm_errno.c`, 22.05 to 26.05).
pub(super) const NO_ANSWER: [&str; 28] = [
    "Unable to contact slurm controller",
    "Unable to contact slurmdbd",
    "Socket timed out",
    "Connection timed out",
    "Zero Bytes were transmitted",
    "Connection refused",
    "Connection reset",
    "Connection rejected",
    "Communication connection failure",
    "Communication shutdown failure",
    "Message send failure",
    "Message receive failure",
    "Header lengths are longer",
    "Insane message length",
    "Unexpected message received",
    "Unexpected missing socket",
    "Incompatible versions",
    "Problem talking to the database",
    "Unable to connect to database",
    "standby mode",
    "temporarily unable",
    "Resource temporarily unavailable",
    "Rate limit exceeded",
    "Protocol authentication error",
    "authentication credential",
    "Authentication",
    "Munge",
    "Could not establish a configuration source",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn ended(status: i32, stderr: &str) -> Output {
        Output { status: Some(status), stderr: stderr.as_bytes().to_vec(), ..Output::default() }
    }

    #[test]
    fn a_question_without_answer_is_told_by_what_was_said() {
        use AdapterErrorKind::{AccountingDown, NotFound, NotPermitted, Unreachable, Unreadable, Unsupported};
        for (tool, output, kind) in [
            (
                Tool::Squeue,
                ended(1, "slurm_load_jobs error: Unable to contact slurm controller (connect failure)"),
                Unreachable,
            ),
            (
                Tool::Sacct,
                ended(1, "sacct: error: Problem talking to the database: Connection refused"),
                AccountingDown,
            ),
            (Tool::Sacct, ended(1, "Slurm accounting storage is disabled"), Unsupported),
            (Tool::Squeue, ended(1, "slurm_load_jobs error: Access/permission denied"), NotPermitted),
            (Tool::Squeue, ended(1, "slurm_load_jobs error: Invalid job id specified"), NotFound),
            (Tool::Squeue, ended(1, "squeue: error: Invalid job format specification: Namex"), Unreadable),
            (Tool::Sacct, ended(1, "sacct: error: Invalid field requested: \"SLUID\""), Unreadable),
            (Tool::Squeue, Output { timed_out: true, ..Output::default() }, Unreachable),
            (Tool::Sacct, Output { signal: Some(9), ..Output::default() }, AccountingDown),
            (Tool::Squeue, ended(255, ""), Unreachable),
            (Tool::Squeue, ended(127, "sh: squeue: not found"), Unsupported),
        ] {
            assert_eq!(unanswered(tool, &output).kind, kind, "{output:?}");
        }
    }

    #[test]
    fn no_question_is_ever_refused() {
        for said in [
            "Invalid user: ada",
            "Protocol authentication error",
            "Invalid user id",
            "Munge decode failed: Expired credential",
            "something of a later release",
        ] {
            for (tool, kind) in [
                (Tool::Squeue, AdapterErrorKind::Unreachable),
                (Tool::Scontrol, AdapterErrorKind::Unreachable),
                (Tool::Sacct, AdapterErrorKind::AccountingDown),
                (Tool::Sacctmgr, AdapterErrorKind::AccountingDown),
            ] {
                let error = unanswered(tool, &ended(1, &format!("{}: error: {said}", tool.program())));
                assert_eq!(error.kind, kind, "{said}");
                assert_eq!(error.retry, reach::Retry::Later);
                assert!(error.to_string().contains(said), "{error}");
            }
        }
    }

    #[test]
    fn an_empty_table_with_a_complaint_is_no_answer() {
        // Both as 22.05 prints them, with exit status 0.
        assert!(!is_answer(&ended(0, "squeue: error: Invalid user: ada\n")));
        assert!(!is_answer(&ended(0, "squeue: error: Invalid job format specification: Namex\n")));
        assert!(is_answer(&ended(0, "squeue: error: _parse_next_key: Parsing error at unrecognized key: NewKey\n")));
    }

    #[test]
    fn a_write_may_be_refused() {
        for (output, kind) in [
            (
                ended(1, "scancel: error: Kill job error on job id 13: Access/permission denied"),
                AdapterErrorKind::NotPermitted,
            ),
            (
                ended(1, "scancel: error: Kill job error on job id 13: Protocol authentication error"),
                AdapterErrorKind::Unreachable,
            ),
            (ended(1, "scancel: error: x"), AdapterErrorKind::Refused { said: "scancel: error: x".to_owned() }),
            (Output { timed_out: true, ..Output::default() }, AdapterErrorKind::Unreachable),
            (ended(127, ""), AdapterErrorKind::Unsupported),
        ] {
            assert_eq!(not_done(Tool::Scancel, &output).kind, kind, "{output:?}");
        }
    }
}
