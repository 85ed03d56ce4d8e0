//! Takes the holds of jobs: the same id always means the same hold.

use crate::{
    budget::hold_command,
    directory::{Intent, JobDirectory, Unheld},
    error::{Gravity, JobsError},
    house::{House, Step},
    reached::booked,
};
use ledger::{Command, LedgerError, LedgerErrorKind, Refusal, Retry};
use model::Amount;

/// Enters the hold that the intent asks for. Done twice it is one hold. A ledger that does not answer delays it.
pub(crate) async fn take_hold(house: &House, directory: &JobDirectory, intent: &Intent) -> Result<(), JobsError> {
    take_holds(house, &[(directory, intent, true)]).await
}

/// Enters the holds of these jobs in one transaction: all of them, or none. With each it is said whether an earlier call may
/// have noted that nothing is held for it.
pub(super) async fn take_holds(house: &House, jobs: &[(&JobDirectory, &Intent, bool)]) -> Result<(), JobsError> {
    let mut wanted = Vec::new();
    for (directory, intent, may_be_unheld) in jobs {
        if let Some(why) = &intent.hold_later {
            later(directory, why).await?;
        } else if let Some((unit, ceiling)) = &intent.hold
            && (!may_be_unheld || directory.unheld().await?.is_none())
        {
            wanted.push((*directory, *intent, hold_command(intent, unit, *ceiling, false)));
        }
    }
    let Some((_, first, _)) = wanted.first() else { return Ok(()) };
    let what = match jobs {
        [_] => format!("job `{}` was not submitted", first.name),
        several => format!("none of the {} jobs was submitted", several.len()),
    };
    let is_urged = first.anyway.is_some();
    let book = match house.books.book().await {
        Ok(Some(book)) => book,
        Ok(None) => return all_later(&wanted, "the ledger is gone").await,
        Err(error) if is_away(&error, is_urged) => return all_later(&wanted, &error.to_string()).await,
        Err(error) => return booked(Err(error), &what),
    };
    let commands: Vec<Command> = wanted.iter().map(|(_, _, command)| command.clone()).collect();
    match book.post(&house.principal, house.clock.now(), &commands).await {
        Ok(_) => {
            house.steps.done(Step::Held);
            Ok(())
        }
        Err(error) => match error.kind {
            LedgerErrorKind::Refused(refusal) => Err(refused(what, &refusal, &wanted)),
            _ if is_away(&error, is_urged) => all_later(&wanted, &error.to_string()).await,
            _ => booked(Err(error), &what),
        },
    }
}

/// A hold on its way.
type Wanted<'a> = (&'a JobDirectory, &'a Intent, Command);

fn refused(what: String, refusal: &Refusal, wanted: &[Wanted<'_>]) -> JobsError {
    let project = &refusal.project;
    let of_budget = |(_, intent, _): &&Wanted<'_>| {
        intent.project == *project && intent.hold.as_ref().is_some_and(|(unit, _)| *unit == refusal.unit)
    };
    let holds = wanted.iter().filter(of_budget).filter_map(|(_, intent, _)| Some(intent.hold.as_ref()?.1));
    let sum = Amount::sum(holds.clone()).ok();
    let why = match (holds.count(), sum) {
        (0 | 1, _) | (_, None) => in_words(refusal),
        (count, Some(sum)) => format!(
            "{count} of them may use {} {} together; of what the holds of the others leave, {}",
            sum.hours(),
            refusal.unit.hour_word(),
            in_words(refusal).replacen("it may", "one more may", 1)
        ),
    };
    let shorter = if wanted.len() == 1 { "shorten it" } else { "submit fewer, shorten them" };
    let next = format!(
        "{shorter} or free what holds the rest (`pakt balance {project}`); `--anyway REASON` goes on and records the reason"
    );
    JobsError::new(Gravity::Refused, what, why, next)
}

/// Whether the ledger does not answer. One that is busy does: it is asked again, or a rush would pass an enforced budget
/// by; the person's own reason goes before.
pub(crate) fn is_away(error: &LedgerError, is_urged: bool) -> bool {
    error.retry == Retry::Later && (error.kind != LedgerErrorKind::Busy || is_urged)
}

async fn all_later(wanted: &[Wanted<'_>], why: &str) -> Result<(), JobsError> {
    for (directory, ..) in wanted {
        later(directory, why).await?;
    }
    Ok(())
}

/// A ledger that does not answer stops nobody: the hold is entered by the next `settle`.
async fn later(directory: &JobDirectory, why: &str) -> Result<(), JobsError> {
    directory.put_unheld(&Unheld { reason: why.to_owned(), is_provisional: true }).await.map(drop)
}

/// A refusal in words: `it may use 64.000 GPU-h; project `atlas` has 40.000 free until 2026-12-31T00:00:00Z`.
pub(crate) fn in_words(refusal: &Refusal) -> String {
    let Refusal { project, unit, wanted, free, ends_at, open_holds, .. } = refusal;
    let until = ends_at.map(|at| format!(" until {at}")).unwrap_or_default();
    let word = unit.hour_word();
    format!(
        "it may use {} {word}; project `{project}` has {} free{until}, beside {open_holds} open holds",
        wanted.hours(),
        free.hours()
    )
}
