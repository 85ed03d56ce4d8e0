//! `pakt usage` of the ledger: what its runs took, summed by what is asked for.

use crate::{error::JobsError, house::House, reached::booked};
use ledger::{UsageQuery, UsageSum};

/// Usage as the ledger has it.
#[derive(Clone, Debug)]
pub struct Used {
    /// The sums.
    pub sums: Vec<UsageSum>,
    /// Runs that are in no sum, because nobody pays for them.
    pub unattributed: u64,
}

/// The sums that are asked for.
pub async fn used(house: &House, query: &UsageQuery) -> Result<Used, JobsError> {
    let what = "no usage was shown";
    let book = house.book(what).await?.ok_or_else(|| {
        let next = "`pakt usage --mine` asks accounting, without a ledger; `pakt ledger init` makes one";
        JobsError::usage(what, "there is no ledger", next)
    })?;
    let sums = booked(book.usage(query).await, what)?;
    Ok(Used { sums, unattributed: booked(book.unattributed_count().await, what)? })
}
