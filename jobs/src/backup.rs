//! `pakt ledger backup` and `restore`.

use crate::{error::JobsError, grant::make_folder, house::House, reached::booked};
use ledger::Verification;
use std::path::Path;

/// Copies the ledger to a file, as it is at one instant.
pub async fn backup(house: &House, to: &Path) -> Result<(), JobsError> {
    let what = "no backup was written";
    booked(house.needed_book(what).await?.backup(to).await, what)
}

/// Puts a backup where no ledger is, once it was verified. The folder need not be there: whoever lost a machine begins with an
/// empty one.
pub async fn restore(house: &House, from: &Path) -> Result<Verification, JobsError> {
    let what = "nothing was restored";
    make_folder(house, what).await?;
    booked(house.books.restore(from).await, what)
}
