//! `pakt ledger expire`: enters what was forfeited and forgiven by now.

use crate::{error::JobsError, house::House, known::known_project, reached::booked};
use ledger::{Book, Command, Expiry, LedgerError, LedgerErrorKind, Outcome};
use model::ProjectName;

/// Enters what is due by now, of one project or of all. Typed twice it enters nothing the second time.
pub async fn expire(house: &House, project: Option<ProjectName>) -> Result<Vec<Expiry>, JobsError> {
    let what = "nothing was entered";
    let book = house.needed_book(what).await?;
    if let Some(project) = &project {
        known_project(house, book.as_ref(), what, project).await?;
    }
    booked(entered(house, book.as_ref(), project).await, what)
}

/// The same on the way of a settlement; the inner error is one of a budget whose lots cannot be told, which keeps no run out.
pub(crate) async fn expire_all(
    house: &House,
    book: &dyn Book,
    what: &str,
) -> Result<Result<Vec<Expiry>, String>, JobsError> {
    match entered(house, book, None).await {
        Err(error) if matches!(error.kind, LedgerErrorKind::Overflow | LedgerErrorKind::Invalid) => Ok(Err(error.why)),
        other => booked(other, what).map(Ok),
    }
}

async fn entered(house: &House, book: &dyn Book, project: Option<ProjectName>) -> Result<Vec<Expiry>, LedgerError> {
    let outcomes = book.post(&house.principal, house.clock.now(), &[Command::Expire(project)]).await?;
    let of = |outcome| if let Outcome::Expired(expiries) = outcome { expiries } else { Vec::new() };
    Ok(outcomes.into_iter().flat_map(of).collect())
}
