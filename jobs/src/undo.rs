//! Undoing a submission that did not come to be.

use crate::{
    directory::{Ended, Intent, JobDirectory},
    error::JobsError,
    house::House,
    reached::booked,
};
use ledger::{CloseHold, CloseReason, Command, HoldId};
use model::{BaseState, JobState, LinkNumber};

/// Ends a job of which there is no scheduler job and will be none: its hold is given back, where one was entered, and the
/// reason noted. Done again after a crash in between it ends the same way. A later link is not the job, and one of which
/// a later link may be there goes on.
pub(crate) async fn give_up(
    house: &House,
    directory: &JobDirectory,
    intent: &Intent,
    note: String,
) -> Result<(), JobsError> {
    if directory.link() != LinkNumber::FIRST || has_later(directory).await? {
        return Ok(());
    }
    let what = "the hold was not released";
    if let Some(book) = house.book(what).await? {
        let id = HoldId(intent.id);
        if booked(book.hold(id).await, what)?.is_some_and(|hold| hold.is_open()) {
            let close = Command::Close(CloseHold { id, reason: CloseReason::Undone, read_at: None });
            booked(book.post(&house.principal, house.clock.now(), &[close]).await, what)?;
        }
    }
    let ended = Ended {
        state: JobState::of(BaseState::Cancelled),
        exit_code: None,
        at: None,
        elapsed: None,
        time_limit: None,
        progress: None,
        note: Some(note),
        observed_at: house.clock.now(),
    };
    directory.put_ended(&ended).await.map(drop)
}

/// Whether a later link may be there: of a chain there is a folder of one then. Of a sweep links are sent beside each other, and who
/// sends them looks behind its call whether the job was given up. The directory tells: a list of jobs keeps no origins.
async fn has_later(directory: &JobDirectory) -> Result<bool, JobsError> {
    match directory.link_arrays().await? {
        Some(_) => Ok(!directory.sent_links().await?.is_empty()),
        None => Ok(directory.links().await?.len() > 1),
    }
}
