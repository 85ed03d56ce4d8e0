//! PostgreSQL's errors in the ledger's words.

use crate::{LedgerError, LedgerErrorKind, Retry};
use postgres::Error;
use postgres::error::DbError;

impl From<Error> for LedgerError {
    /// Outside a commit: what fails there has not happened.
    fn from(error: Error) -> Self {
        if let Some(told) = error.as_db_error() {
            return of_server(told);
        }
        let text = with_sources(&error);
        if text.contains("error deserializing column") {
            return Self::never(LedgerErrorKind::Corrupt, "a row holds what no release writes").with_fact("row", &text);
        }
        if text.contains("error serializing parameter") || text.contains("unexpected number of rows") {
            return Self::never(LedgerErrorKind::Bug, "the database was used wrongly").with_fact("postgresql", &text);
        }
        if text.contains("password") {
            return Self::never(LedgerErrorKind::NotPermitted, "the server wants a password and none is known")
                .with_fact("postgresql", &text);
        }
        if let Some(why) = of_tls(&text) {
            return Self::never(LedgerErrorKind::Invalid, why).with_fact("tls", &text);
        }
        disconnected(&text)
    }
}

/// Why nobody there is who was asked for; none where it is something else.
fn of_tls(text: &str) -> Option<&'static str> {
    [
        ("server does not support TLS", "the server has no TLS, and its place asks for it"),
        ("not valid for name", "the server's certificate names another server"),
        ("NotValidForName", "the server's certificate names another server"),
        ("UnknownIssuer", "the server's certificate is not signed by the root certificate"),
        ("invalid peer certificate", "the server's certificate does not stand"),
    ]
    .into_iter()
    .find_map(|(words, why)| text.contains(words).then_some(why))
}

/// The server is not there, or not any more.
pub(super) fn disconnected(text: &str) -> LedgerError {
    let why = "the server cannot be reached, or the connection to it was lost";
    LedgerError::new(LedgerErrorKind::Disconnected, Retry::Later, why).with_fact("postgresql", &text)
}

/// The same error where it came while a transaction was committed: unless the server itself said that it refused, nobody
/// knows whether it did.
pub(super) fn in_commit(error: LedgerError) -> LedgerError {
    if error.kind != LedgerErrorKind::Disconnected {
        return error;
    }
    let why = "the connection was lost while the post was committed; it may be in the books";
    LedgerError { retry: Retry::LookFirst, why: why.to_owned(), ..error }
}

/// What is to be done where the server has no such database.
const MAKE_DATABASE: &str =
    "name one that is there, or have it made: `createdb NAME`, by a role that may, or the server's administrators";

/// SQLSTATE codes as PostgreSQL's manual lists them (15, appendix A).
fn of_server(told: &DbError) -> LedgerError {
    use LedgerErrorKind as Kind;
    let code = told.code().code();
    let (kind, retry, sentence) = match (&code[..2], code) {
        (_, "25006") => (Kind::ReadOnly, Retry::Never, "the server, or this role, takes no changes"),
        ("28", _) | (_, "42501") => (Kind::NotPermitted, Retry::Never, "the server does not permit it to this role"),
        (_, "3D000") => (Kind::NotFound, Retry::Never, "the server has no such database"),
        (_, "53100") => (Kind::DiskFull, Retry::Later, "the server's disk is full"),
        (_, "22003") => (Kind::Overflow, Retry::Never, "an amount does not fit in 64 bits"),
        (_, "22021") => (Kind::Invalid, Retry::Never, "a text has characters that PostgreSQL cannot keep"),
        ("53" | "40", _) | (_, "55P03" | "57014") => (Kind::Busy, Retry::Later, "others are using it"),
        ("08" | "57", _) => {
            (Kind::Disconnected, Retry::Later, "the server cannot be reached, or the connection to it was lost")
        }
        ("XX", _) => (Kind::Corrupt, Retry::Never, "the database is damaged"),
        ("23", _) | (_, "P0001") => {
            (Kind::Bug, Retry::Never, "the database refused what would break a rule of the ledger")
        }
        _ => (Kind::Bug, Retry::Never, "the database did not accept a statement"),
    };
    // Not the detail: it may show a row.
    let error = LedgerError::new(kind, retry, sentence).with_fact("postgresql", &format!("{code}: {}", told.message()));
    // Who is told that there is no ledger would make one, which needs a database first.
    if code == "3D000" { error.with_next(MAKE_DATABASE) } else { error }
}

fn with_sources(error: &Error) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(inner) = source {
        let inner_text = inner.to_string();
        if !text.contains(&inner_text) {
            text.push_str(": ");
            text.push_str(&inner_text);
        }
        source = inner.source();
    }
    text
}
