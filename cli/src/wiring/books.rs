//! The ledger: a SQLite file or a PostgreSQL server, opened when it is first needed.

use crate::configuration::LedgerPlace;
use async_trait::async_trait;
use jobs::Books;
use ledger::{Book, LedgerError, LedgerErrorKind, OpenMode, PostgresBook, PostgresPlace, SqliteBook, Verification};
use std::{
    path::{Path, PathBuf},
    sync::Arc,
};
use tokio::sync::Mutex;

/// The ledger at its place.
pub(super) struct Ledger {
    store: Store,
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
    pub(super) fn new(place: LedgerPlace) -> Result<Self, LedgerError> {
        let store = match place {
            LedgerPlace::File(path) => Store::File(path),
            LedgerPlace::Server { url, passwords, keys } => {
                Store::Server { place: Box::new(PostgresPlace::read(&url, passwords.as_deref())?), keys }
            }
        };
        Ok(Self { store, open: Mutex::new(None) })
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

fn is_missing(error: &LedgerError) -> bool {
    error.kind == LedgerErrorKind::NotFound
}
