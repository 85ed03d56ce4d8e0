//! The ledger: a SQLite file, opened when it is first needed.

use async_trait::async_trait;
use jobs::Books;
use ledger::{Book, LedgerError, LedgerErrorKind, OpenMode, SqliteBook};
use std::{path::PathBuf, sync::Arc};
use tokio::sync::Mutex;

/// The ledger in one file.
pub(super) struct LedgerFile {
    path: PathBuf,
    open: Mutex<Option<Arc<dyn Book>>>,
}

impl LedgerFile {
    /// The ledger at `path`, not yet opened.
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path, open: Mutex::new(None) }
    }

    /// The error of an opening, with the file that it was about.
    fn named(&self, error: LedgerError) -> LedgerError {
        LedgerError { doing: format!("opening the ledger {}", self.path.display()), ..error }
    }
}

#[async_trait]
impl Books for LedgerFile {
    async fn book(&self) -> Result<Option<Arc<dyn Book>>, LedgerError> {
        let mut open = self.open.lock().await;
        if let Some(book) = open.as_ref() {
            return Ok(Some(Arc::clone(book)));
        }
        match SqliteBook::open(&self.path, OpenMode::Existing) {
            Ok(book) => {
                let book: Arc<dyn Book> = Arc::new(book);
                *open = Some(Arc::clone(&book));
                Ok(Some(book))
            }
            Err(error) if error.kind == LedgerErrorKind::NotFound => Ok(None),
            Err(error) => Err(self.named(error)),
        }
    }

    async fn create(&self) -> Result<bool, LedgerError> {
        let was_there = self.path.exists();
        SqliteBook::open(&self.path, OpenMode::Create).map(|_| !was_there).map_err(|error| self.named(error))
    }

    fn place(&self) -> PathBuf {
        self.path.clone()
    }

    fn is_at_hand(&self) -> bool {
        true
    }
}
