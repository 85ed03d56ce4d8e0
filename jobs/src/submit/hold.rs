//! Takes the hold of a job: the same id always means the same hold.

use crate::{
    budget::hold_command,
    directory::{Intent, JobDirectory, Unheld},
    error::{Gravity, JobsError},
    house::{House, Step},
    reached::booked,
};
use ledger::{LedgerError, LedgerErrorKind, Refusal, Retry};

/// Enters the hold that the intent asks for. Done twice it is one hold. A ledger that does not answer delays it.
pub(crate) async fn take_hold(house: &House, directory: &JobDirectory, intent: &Intent) -> Result<(), JobsError> {
    if let Some(why) = &intent.hold_later {
        return later(directory, why).await;
    }
    let Some((unit, ceiling)) = &intent.hold else { return Ok(()) };
    if directory.unheld().await?.is_some() {
        return Ok(());
    }
    let hold = hold_command(intent, unit, *ceiling, false);
    let what = format!("job `{}` was not submitted", intent.name);
    let book = match house.books.book().await {
        Ok(Some(book)) => book,
        Ok(None) => return later(directory, "the ledger is gone").await,
        Err(error) if is_away(&error, intent) => return later(directory, &error.to_string()).await,
        Err(error) => return booked(Err(error), &what),
    };
    match book.post(&house.principal, house.clock.now(), &[hold]).await {
        Ok(_) => {
            house.steps.done(Step::Held);
            Ok(())
        }
        Err(error) => match error.kind {
            LedgerErrorKind::Refused(refusal) => Err(JobsError::new(
                Gravity::Refused,
                what,
                in_words(&refusal),
                format!(
                    "shorten it or free what holds the rest (`pakt balance {}`); \
                     `--anyway REASON` goes on and records the reason",
                    intent.project
                ),
            )),
            _ if is_away(&error, intent) => later(directory, &error.to_string()).await,
            _ => booked(Err(error), &what),
        },
    }
}

/// Whether the ledger does not answer. One that is busy does: it is asked again, or a rush would pass an enforced budget
/// by; the person's own reason goes before.
fn is_away(error: &LedgerError, intent: &Intent) -> bool {
    error.retry == Retry::Later && (error.kind != LedgerErrorKind::Busy || intent.anyway.is_some())
}

/// A ledger that does not answer stops nobody: the hold is entered by the next `settle`.
async fn later(directory: &JobDirectory, why: &str) -> Result<(), JobsError> {
    directory.put_unheld(&Unheld { reason: why.to_owned(), is_provisional: true }).await.map(drop)
}

/// A refusal in words: `it may use 64.000 GPU-h; project `atlas` has 40.000 free until 2026-12-31T00:00:00Z`.
pub(super) fn in_words(refusal: &Refusal) -> String {
    let Refusal { project, unit, wanted, free, ends_at, open_holds, .. } = refusal;
    let until = ends_at.map(|at| format!(" until {at}")).unwrap_or_default();
    let word = unit.hour_word();
    format!(
        "it may use {} {word}; project `{project}` has {} free{until}, beside {open_holds} open holds",
        wanted.hours(),
        free.hours()
    )
}
