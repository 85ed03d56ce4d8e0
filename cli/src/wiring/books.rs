//! The ledger: a SQLite file or a PostgreSQL server, opened when it is first needed.

use super::clock::SystemClock;
use crate::{configuration::LedgerPlace, output::Screen};
use async_trait::async_trait;
use jobs::Books;
use ledger::{
    Book, LedgerError, LedgerErrorKind, OpenMode, PostgresBook, PostgresPlace, SqliteBook, Verification, is_apart,
};
use model::{Clock as _, Timestamp};
use std::{
    path::{Path, PathBuf},
    sync::Arc,
};
use tokio::sync::Mutex;

/// The ledger at its place.
pub(super) struct Ledger {
    store: Store,
    /// Where a doubt about the clocks is told, and that it was moved.
    screen: Option<Screen>,
    /// Whether it is opened to be read. What posts is refused by a ledger that was moved, and says so itself.
    is_read: bool,
    open: Mutex<Option<Arc<dyn Book>>>,
}

enum Store {
    File(PathBuf),
    Server { place: Box<PostgresPlace>, keys: PathBuf },
}

impl Store {
    fn open(&self, mode: OpenMode) -> Result<Arc<dyn Book>, LedgerError> {
        Ok(match self {
            Self::File(path) => Arc::new(SqliteBook::open(path, mode)?),
            Self::Server { place, keys } => Arc::new(PostgresBook::open(place, keys, mode)?),
        })
    }
}

impl Ledger {
    /// The ledger at this place, not yet opened.
    pub(super) fn new(place: LedgerPlace, screen: Option<Screen>, is_read: bool) -> Result<Self, LedgerError> {
        let store = match place {
            LedgerPlace::File(path) => Store::File(path),
            LedgerPlace::Server { url, passwords, keys } => {
                Store::Server { place: Box::new(PostgresPlace::read(&url, passwords.as_deref())?), keys }
            }
        };
        Ok(Self { store, screen, is_read, open: Mutex::new(None) })
    }

    /// The error of an opening, with the place that it was about.
    fn named(&self, error: LedgerError) -> LedgerError {
        LedgerError { doing: format!("opening the ledger {}", self.place().display()), ..error }
    }
}

#[async_trait]
impl Books for Ledger {
    async fn book(&self) -> Result<Option<Arc<dyn Book>>, LedgerError> {
        let mut open = self.open.lock().await;
        if let Some(book) = open.as_ref() {
            return Ok(Some(Arc::clone(book)));
        }
        match self.store.open(OpenMode::Existing) {
            Ok(book) => {
                let doubt = book.server_clock().await?.and_then(|server| clock_doubt(SystemClock.now(), server));
                let moved = if self.is_read { book.moved_to().await? } else { None };
                let moved = moved.map(|to| moved_note(&self.place(), &to));
                if let Some(screen) = self.screen {
                    doubt.iter().chain(&moved).for_each(|told| screen.aside(told));
                }
                *open = Some(Arc::clone(&book));
                Ok(Some(book))
            }
            Err(error) if is_missing(&error) => Ok(None),
            Err(error) => Err(self.named(error)),
        }
    }

    async fn create(&self) -> Result<bool, LedgerError> {
        let was_there = match &self.store {
            Store::File(path) => path.exists(),
            Store::Server { .. } => self.store.open(OpenMode::Existing).is_ok(),
        };
        self.store.open(OpenMode::Create).map(|_| !was_there).map_err(|error| self.named(error))
    }

    async fn restore(&self, from: &Path) -> Result<Verification, LedgerError> {
        match &self.store {
            Store::File(path) => SqliteBook::restore(from, path).await,
            Store::Server { place, .. } => Err(PostgresBook::takes_no_backup(place)),
        }
    }

    fn place(&self) -> PathBuf {
        match &self.store {
            Store::File(path) => path.clone(),
            Store::Server { place, .. } => place.to_string().into(),
        }
    }

    fn is_at_hand(&self) -> bool {
        matches!(self.store, Store::File(_))
    }
}

/// What is to be said where this machine's clock is not the server's: what is posted here is recorded by this one.
fn clock_doubt(now: Timestamp, server: Timestamp) -> Option<String> {
    is_apart(now, server).then(|| {
        format!(
            "warning: this machine's clock shows {now}, that of the ledger's server {server}; have the wrong one set"
        )
    })
}

/// What is to be said of numbers that nobody brings up to date any more.
fn moved_note(file: &Path, to: &str) -> String {
    format!(
        "note: the ledger was moved to {to}, and {} has what was in it then; name that place with `ledger:` in the \
         configuration, or with PAKT_LEDGER",
        file.display()
    )
}

fn is_missing(error: &LedgerError) -> bool {
    error.kind == LedgerErrorKind::NotFound
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_is_not_the_servers_is_told() {
        let now = Timestamp::from_epoch_seconds(1_793_000_000);
        for (seconds, is_told) in [(-301, true), (-300, false), (0, false), (300, false), (301, true)] {
            assert_eq!(clock_doubt(now, now.plus_seconds(seconds)).is_some(), is_told, "{seconds}");
        }
    }
}
