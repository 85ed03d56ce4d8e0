//! What is said where two ledgers hold for the same jobs.

use crate::failure::Failure;
use crate::output::instant;
use jobs::{JobsError, ledger_marks::OtherLedger};

/// One note for each other ledger, or why it was not found out: whoever asks has done its work by then.
pub(super) fn notes(found: Result<Vec<OtherLedger>, JobsError>) -> Vec<String> {
    match found {
        Ok(others) => others.iter().map(|other| format!("note: {}: {}; {}", WHAT, why(other), next(other))).collect(),
        Err(error) => vec![format!("note: {}: {}", error.what, error.why)],
    }
}

/// The same as a finding of `doctor`.
pub(super) fn finding(other: &OtherLedger) -> Failure {
    Failure::usage(WHAT.to_owned(), why(other), next(other))
}

const WHAT: &str = "another ledger holds for jobs here as well, and neither sees what the other holds";

fn why(other: &OtherLedger) -> String {
    let mark = &other.mark;
    format!("`{}`, {} on {}, left by {} at {}", mark.ledger, mark.place, mark.host, mark.principal, instant(mark.at))
}

fn next(other: &OtherLedger) -> String {
    format!(
        "use one of them: on a PostgreSQL server that both machines reach (`ledger:` or PAKT_LEDGER), or bring the runs of one into \
         the other by `pakt settle --bundle` and `pakt ledger merge`; where that one is in use no more, remove {}",
        other.file.display()
    )
}
