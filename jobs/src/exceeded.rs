//! Openings that the runs they have exceed: what those took beyond them is charged to nobody.

use crate::{error::JobsError, reached::booked, used::too_large};
use ledger::{Book, CoveredSum};
use model::{Amount, ProjectName, Unit};
use serde::Serialize;

/// An opening, and the runs that it has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ExceededOpening {
    /// The runs, and what was opened.
    #[serde(flatten)]
    pub sum: CoveredSum,
    /// By how much they exceed it.
    pub exceeds_by: Amount,
}

/// The exceeded openings of the selected budgets, as the books are now.
pub async fn exceeded(
    book: &dyn Book,
    what: &str,
    selects: impl Fn(&ProjectName, &Unit) -> bool,
) -> Result<Vec<ExceededOpening>, JobsError> {
    let mut found = Vec::new();
    for sum in booked(book.covered_sums().await, what)? {
        let exceeds_by = sum.exceeds_by().map_err(|error| too_large(&error))?;
        if exceeds_by > Amount::ZERO && selects(&sum.project, &sum.unit) {
            found.push(ExceededOpening { sum, exceeds_by });
        }
    }
    Ok(found)
}
