//! The hidden `pakt __reference`: what the pages in docs/reference/ are made of and no other command prints. Each text
//! stands beside the code that it is about; nothing here repeats one.

use super::watch::INTERRUPTED;
use crate::{
    configuration::reference::{FIELDS, VARIABLES},
    failure::{Failure, JOB_FAILED},
    output::Answer,
};
use jobs::{Gravity, job_file::reference};
use serde_json::{Value, json};

/// Arguments of `__reference`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {}

/// Every gravity, in the order of the exit codes.
const GRAVITIES: [Gravity; 5] =
    [Gravity::Bug, Gravity::Usage, Gravity::Unreachable, Gravity::Refused, Gravity::Unknown];

/// Prints the tables as JSON, also without `--json`: nobody reads them but the test that writes the pages.
pub(crate) fn run() -> Answer {
    let json = json!({
        "version": 1,
        "job_file": reference::fields().collect::<Vec<_>>(),
        "configuration": FIELDS,
        "variables": VARIABLES,
        "exit_codes": exit_codes(),
    });
    Answer::new(format!("{json:#}\n"), json)
}

fn exit_codes() -> Vec<Value> {
    let done = ("The command did its work.", "Nothing.");
    let failures = GRAVITIES.map(|gravity| (Failure::code(gravity), meaning(gravity)));
    let failed = ("The job that was watched to its end failed, or was cancelled.", "Look at its log: `pakt logs JOB`.");
    let stopped = (
        "^C was pressed while a job was watched. The job goes on.",
        "`pakt watch JOB` takes it up again; `pakt cancel JOB` ends the job.",
    );
    let rows = [(0, done)].into_iter().chain(failures).chain([(JOB_FAILED, failed), (INTERRUPTED, stopped)]);
    rows.map(|(code, (meaning, next))| json!({ "code": code, "meaning": meaning, "next": next })).collect()
}

/// What a gravity's exit code means, and what a script does about it.
const fn meaning(gravity: Gravity) -> (&'static str, &'static str) {
    match gravity {
        Gravity::Bug => ("A defect of Pakt, or a ledger that is not sound.", "Report it with the command."),
        Gravity::Usage => {
            ("The command line, a job file or the configuration cannot be used as it is.", "Mend it; again is no use.")
        }
        Gravity::Unreachable => {
            ("Scheduler, ledger or file system did not answer, or the output could not be written.", "Try again later.")
        }
        Gravity::Refused => (
            "A rule forbids it: the scheduler said no, or a budget that is enforced does not cover it.",
            "Change the job.",
        ),
        Gravity::Unknown => (
            "It may have happened or not, for instance when the scheduler's answer was lost.",
            "Look first: the same `pakt submit` again looks the job up before it sends anything.",
        ),
    }
}
