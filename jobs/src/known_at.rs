//! Earlier states of the books: whether they were, and when.

use crate::{error::JobsError, house::House, reached::booked};
use ledger::{Book, EntryPage, KnownAt};
use model::Timestamp;

/// Refuses a state of the books that is still to come: the answer would be another one when it is there.
pub(crate) async fn known_by_now(
    house: &House,
    book: &dyn Book,
    what: &str,
    known_at: Option<KnownAt>,
) -> Result<(), JobsError> {
    let next = "leave `--known-at` out for the books as they are now";
    match known_at {
        Some(KnownAt::Instant(at)) if at > house.clock.now() => {
            let why =
                format!("`--known-at` is {at}, and it is {}: what is known then, nobody knows", house.clock.now());
            Err(JobsError::usage(what, why, next))
        }
        Some(KnownAt::Entry(number)) if number > 0 => {
            let page = EntryPage { after: number - 1, limit: 1 };
            if booked(book.entries(page).await, what)?.is_empty() {
                let why = format!("`--known-at` is entry {number}, and the ledger has none of that number yet");
                return Err(JobsError::usage(what, why, next));
            }
            Ok(())
        }
        _ => Ok(()),
    }
}

/// Whether a state of the books has an entry.
pub(crate) fn has_entry(known_at: Option<KnownAt>, number: u64, recorded_at: Timestamp) -> bool {
    match known_at {
        None => true,
        Some(KnownAt::Entry(last)) => number <= last,
        Some(KnownAt::Instant(instant)) => recorded_at <= instant,
    }
}

/// When the books were as they are asked for; none where they are as now.
pub(crate) async fn recorded_at(
    book: &dyn Book,
    what: &str,
    known_at: Option<KnownAt>,
) -> Result<Option<Timestamp>, JobsError> {
    match known_at {
        None => Ok(None),
        Some(KnownAt::Instant(instant)) => Ok(Some(instant)),
        Some(KnownAt::Entry(number)) => {
            // Behind the last entry the books are as now.
            let page = EntryPage { after: number.saturating_sub(1), limit: 2 };
            let entries = booked(book.entries(page).await, what)?;
            Ok(entries.first().filter(|_| entries.len() == 2).map(|entry| entry.recorded_at))
        }
    }
}
