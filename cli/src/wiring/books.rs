//! The ledger: a SQLite file, opened when it is first needed.

use async_trait::async_trait;
use jobs::Books;
use ledger::{Book, LedgerError, LedgerErrorKind, OpenMode, Retry, SqliteBook};
use std::{
    io,
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

    async fn create(&self) -> Result<bool, LedgerError> {
        let was_there = self.path.exists();
        if let Some(folder) = self.path.parent() {
            std::fs::create_dir_all(folder).map_err(|error| no_folder(&error, folder))?;
        }
        SqliteBook::open(&self.path, OpenMode::Create).map(|_| !was_there)
    }

    fn place(&self) -> PathBuf {
        self.path.clone()
    }

    fn is_at_hand(&self) -> bool {
        true
    }
}

/// A folder that cannot be made, in the ledger's words.
fn no_folder(error: &io::Error, folder: &Path) -> LedgerError {
    let kind = match error.kind() {
        io::ErrorKind::PermissionDenied => LedgerErrorKind::NotPermitted,
        io::ErrorKind::ReadOnlyFilesystem => LedgerErrorKind::ReadOnly,
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => LedgerErrorKind::DiskFull,
        _ => LedgerErrorKind::NotALedger,
    };
    let doing = format!("making the folder {}", folder.display());
    LedgerError { doing, ..LedgerError::new(kind, Retry::Later, error.to_string()) }
}
