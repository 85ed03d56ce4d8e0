//! The ledger: a SQLite file, opened when it is first needed.

use crate::failure::Failure;
use async_trait::async_trait;
use jobs::Books;
use ledger::{Book, LedgerError, LedgerErrorKind, OpenMode, SqliteBook};
use std::{
    path::{Path, PathBuf},
    sync::Arc,
};
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
            Err(error) => Err(error),
        }
    }

    fn place(&self) -> PathBuf {
        self.path.clone()
    }

    fn is_at_hand(&self) -> bool {
        true
    }
}

/// Makes a ledger; one that is there already is left as it is.
pub(crate) fn create_ledger(path: &Path) -> Result<(), Failure> {
    let what = format!("no ledger was made at `{}`", path.display());
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(|error| {
            Failure::usage(what.clone(), error.to_string(), "name another place with `ledger:` in the configuration")
        })?;
    }
    SqliteBook::open(path, OpenMode::Create).map(drop).map_err(|error| {
        Failure::usage(what, error.to_string(), "name another place with `ledger:` in the configuration")
    })
}
