//! A ledger that counts how often it is opened.

use async_trait::async_trait;
use jobs::Books;
use ledger::{Book, LedgerError, Verification};
use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

/// The way to the ledger behind it.
pub(crate) struct Counted {
    pub(crate) behind: Arc<dyn Books>,
    pub(crate) opened: AtomicUsize,
}

#[async_trait]
impl Books for Counted {
    async fn book(&self) -> Result<Option<Arc<dyn Book>>, LedgerError> {
        self.opened.fetch_add(1, Ordering::SeqCst);
        self.behind.book().await
    }

    async fn create(&self) -> Result<bool, LedgerError> {
        self.behind.create().await
    }

    async fn restore(&self, from: &Path) -> Result<Verification, LedgerError> {
        self.behind.restore(from).await
    }

    fn place(&self) -> PathBuf {
        self.behind.place()
    }

    fn is_at_hand(&self) -> bool {
        self.behind.is_at_hand()
    }
}
