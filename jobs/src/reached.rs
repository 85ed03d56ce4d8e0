//! Turns the leaves' errors into a verb's: how grave, what was not done, what to do.

use crate::error::{Gravity, JobsError};
use ledger::LedgerError;
use model::{JobName, SchedulerJobId};
use reach::{ReachError, opened_with};
use scheduler_adapters::AdapterError;

/// A file or a process could not be reached.
pub fn reached<T>(result: Result<T, ReachError>, what: &str) -> Result<T, JobsError> {
    result.map_err(|error| {
        let next = match error.kind {
            reach::ReachErrorKind::NoSpace => {
                "make room there; nothing was lost, and the same command goes on where it stopped"
            }
            reach::ReachErrorKind::NotPermitted => {
                "look at the owner and the mode of that path; nothing was lost, and the same command goes on"
            }
            reach::ReachErrorKind::ReadOnly => {
                "name a folder that can be written with `state:` in the configuration, or try again when this one can"
            }
            _ => "try the same command again; it goes on where it stopped",
        };
        let next = opened_with(&error.facts).map_or_else(|| next.to_owned(), opens);
        JobsError::new(Gravity::Unreachable, what, error.to_string(), next)
    })
}

/// What a person does about a connection that is missing.
fn opens(command: &str) -> String {
    format!("open a connection: `{command}`, then run the same command again, which goes on where it stopped")
}

/// The scheduler said no, nothing, or something that cannot be understood.
pub(crate) fn scheduled<T>(result: Result<T, AdapterError>, what: &str) -> Result<T, JobsError> {
    result.map_err(|error| schedule_failure(&error, what))
}

/// As [`scheduled`], for an error at hand.
pub(crate) fn schedule_failure(error: &AdapterError, what: &str) -> JobsError {
    use scheduler_adapters::AdapterErrorKind as Kind;
    let (gravity, next) = match error.kind {
        Kind::Refused { ref said } if error.retry == reach::Retry::Later => (Gravity::Refused, for_now(said)),
        Kind::Refused { .. } => {
            (Gravity::Refused, "change what the site objects to; `pakt sites doctor` shows what it allows")
        }
        Kind::NotPermitted => (Gravity::Refused, "ask the site, or the person whose job it is"),
        Kind::NotFound => (Gravity::Usage, "`pakt jobs` lists the jobs that are known"),
        Kind::Unsupported => (Gravity::Usage, "`pakt sites doctor` shows what the scheduler can do here"),
        Kind::Unreachable | Kind::AccountingDown => {
            (Gravity::Unreachable, "nothing was lost; run the same command again when the scheduler answers")
        }
        Kind::OutcomeUnknown | Kind::Unreadable => {
            (Gravity::Unknown, "run the same command again: it looks before it does anything twice")
        }
    };
    let next = opened_with(&error.facts).map_or_else(|| next.to_owned(), opens);
    JobsError::new(gravity, what, error.to_string(), next)
}

/// What a person does about a refusal that the same job may not meet later. `sbatch` names the limit, server and library do not.
fn for_now(said: &str) -> &'static str {
    if said.contains("MaxSubmit") || said.contains("GrpSubmit") {
        "as many of your jobs are in the queue as account or QOS let: run the same command again when some have ended"
    } else if said.contains("accounting/QOS policy") {
        "either as many of your jobs are in the queue as account or QOS let: run the same command again when some have ended; \
         or this one is larger than they let a job be: ask for less time, or fewer nodes"
    } else {
        "the scheduler takes no more jobs for now: run the same command again later"
    }
}

/// A job that is not wanted was not taken back: it stands in the queue, so that this is never a mere refusal.
pub(crate) fn taken_back<T>(
    result: Result<T, AdapterError>,
    name: &JobName,
    job: SchedulerJobId,
    why: &str,
) -> Result<T, JobsError> {
    result.map_err(|error| {
        let gravity = match schedule_failure(&error, "").gravity {
            Gravity::Unreachable => Gravity::Unreachable,
            _ => Gravity::Unknown,
        };
        JobsError::new(
            gravity,
            format!("job `{name}` stands in the queue as {job} and was not taken back"),
            format!("{why}; {error}"),
            format!("run the same command again, which tries again; or end it yourself: `scancel {job}`"),
        )
    })
}

/// The ledger said no or did not answer.
///
/// What is to be done follows from the kind of the error, unless the ledger says it.
pub fn booked<T>(result: Result<T, LedgerError>, what: &str) -> Result<T, JobsError> {
    result.map_err(|error| {
        use ledger::LedgerErrorKind as Kind;
        let (gravity, next) = match error.kind {
            Kind::Refused(_) => (Gravity::Refused, "see what holds the rest: `pakt balance`"),
            Kind::Conflict | Kind::Invalid | Kind::UnknownHold | Kind::Overflow => {
                (Gravity::Usage, "see what stands in the ledger: `pakt ledger statement PROJECT`")
            }
            Kind::NotFound => (Gravity::Usage, "make one with `pakt ledger init`"),
            Kind::NotALedger | Kind::NewerVersion | Kind::OlderVersion | Kind::OtherHost | Kind::Replica => {
                (Gravity::Usage, "name another file with `ledger:` in the configuration, or ask who keeps this one")
            }
            Kind::OtherLog => (Gravity::Usage, "name the ledger that it is of, with `ledger:` or with PAKT_LEDGER"),
            Kind::BadCheckpoint(_) => (Gravity::Usage, "ask for the checkpoint again, and keep it byte for byte"),
            Kind::KeyNotFound => (Gravity::Usage, "ask for the key again, by another way than the ledger"),
            Kind::Moved => {
                (Gravity::Usage, "name that server with `ledger:` in the configuration, or with PAKT_LEDGER")
            }
            Kind::Corrupt => {
                (Gravity::Usage, "keep the file as it is, put a copy of a good one in its place, and report this")
            }
            Kind::ReadOnly | Kind::NotPermitted => (
                Gravity::Unreachable,
                "nothing was entered; look at the owner and the mode of that file and its folder, or at the rights of your role on that server",
            ),
            Kind::Busy => (Gravity::Unreachable, "nothing more was entered; others are writing: run the same command again"),
            Kind::DiskFull => (Gravity::Unreachable, "nothing more was entered; make room there and run it again"),
            Kind::InputOutput if error.retry == ledger::Retry::Later => {
                (Gravity::Unreachable, "nothing more was entered; where its disk is full, make room, and run it again")
            }
            Kind::Disconnected if error.retry == ledger::Retry::Later => {
                (Gravity::Unreachable, "nothing more was entered; see whether the server runs, and run it again")
            }
            Kind::InputOutput | Kind::Disconnected => {
                (Gravity::Unknown, "it may have been entered: run the same command again, which looks")
            }
            Kind::Bug => (Gravity::Bug, "keep the file as it is and report this"),
        };
        JobsError::new(gravity, what, error.to_string(), error.next().unwrap_or(next))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use reach::Retry;
    use scheduler_adapters::AdapterErrorKind;

    #[test]
    fn what_is_refused_for_now_says_when_to_try_again() {
        let policy = "Job violates accounting/QOS policy (job submit limit, user's size and/or time limits)";
        for (said, retry, next) in [
            (format!("sbatch: error: QOSMaxSubmitJobPerUserLimit\n{policy}"), Retry::Later, "as many of your jobs"),
            (format!("sbatch: error: AssocGrpSubmitJobsLimit\n{policy}"), Retry::Later, "as many of your jobs"),
            (policy.to_owned(), Retry::Later, "either as many of your jobs"),
            ("Resource temporarily unavailable".to_owned(), Retry::Later, "the scheduler takes no more jobs for now"),
            ("Invalid qos specification".to_owned(), Retry::Never, "change what the site objects to"),
        ] {
            let error = AdapterError::new(AdapterErrorKind::Refused { said: said.clone() }, "submitting");
            let failed = schedule_failure(&AdapterError { retry, ..error }, "job `a` was not submitted");
            assert!(failed.gravity == Gravity::Refused && failed.next.starts_with(next), "{said}: {}", failed.next);
        }
    }
}
