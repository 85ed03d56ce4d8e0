//! Moves the ledger from its file to a server.

use crate::{
    configuration::{Configuration, LedgerPlace},
    failure::Failure,
};
use jobs::House;
use ledger::{OpenMode, PostgresPlace, SqliteBook, Verification};

const WHAT: &str = "the ledger was not moved";

/// Moves the ledger of this house to the server that a URL names. The place as it is shown, and what was verified there.
pub(crate) async fn move_ledger(
    house: &House,
    configuration: &Configuration,
    url: &str,
) -> Result<(String, Verification), Failure> {
    let usage = |why: String, next: &str| Failure::usage(WHAT, why, next);
    let file = house.books.place();
    if !house.books.is_at_hand() {
        let next = "`pakt ledger export` prints all of it";
        return Err(usage(format!("it lies on a server already: {}", file.display()), next));
    }
    let no_server = || {
        let next = "write `postgres://user@host/database`; `pakt ledger backup FILE` copies the ledger to a file";
        usage("`--to` names a file".to_owned(), next)
    };
    if !url.contains("://") {
        return Err(no_server());
    }
    let LedgerPlace::Server { url, passwords, keys } = configuration.ledger_at(url, "--to")? else {
        return Err(no_server());
    };
    let read = PostgresPlace::read(&url, passwords.as_deref());
    let place =
        read.map_err(|error| usage(error.why, "docs/reference/configuration.md says how a place is written"))?;
    let book = jobs::booked(SqliteBook::open(&file, OpenMode::Existing), WHAT)?;
    let moved = book.move_to(&place, &keys).await;
    if let Err(error) = &moved
        && error.kind == ledger::LedgerErrorKind::Conflict
    {
        return Err(usage(error.to_string(), "name a database that has no ledger yet: `createdb NAME` makes one"));
    }
    Ok((place.to_string(), jobs::booked(moved, WHAT)?))
}
