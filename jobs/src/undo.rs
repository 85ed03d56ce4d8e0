//! Undoing a submission that did not come to be.

use crate::directory::Intent;
use crate::{error::JobsError, house::House, reached::booked};
use ledger::{CloseHold, CloseReason, Command, HoldId};

/// Releases the hold of a job that was never sent, where one was entered.
pub(crate) async fn release_unsent(house: &House, intent: &Intent) -> Result<(), JobsError> {
    if intent.hold.is_none() {
        return Ok(());
    }
    let what = "the hold was not released";
    let Some(book) = house.book(what).await? else { return Ok(()) };
    let id = HoldId(intent.id);
    if booked(book.hold(id).await, what)?.is_none() {
        return Ok(());
    }
    let close = Command::Close(CloseHold { id, reason: CloseReason::Undone });
    booked(book.post(&house.principal, house.clock.now(), &[close]).await, what).map(drop)
}
