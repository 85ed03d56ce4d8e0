//! A ledger behind a disk that is away.

use async_trait::async_trait;
use jobs::Books;
use ledger::{Book, LedgerError, LedgerErrorKind, Retry};
use std::{path::PathBuf, sync::Arc};

/// A ledger that does not answer.
pub(crate) struct Away;

#[async_trait]
impl Books for Away {
    async fn book(&self) -> Result<Option<Arc<dyn Book>>, LedgerError> {
        Err(LedgerError::new(LedgerErrorKind::InputOutput, Retry::Later, "its disk is away"))
    }

    async fn create(&self) -> Result<bool, LedgerError> {
        Ok(false)
    }

    async fn restore(&self, from: &std::path::Path) -> Result<ledger::Verification, LedgerError> {
        unreachable!("no test restores from here: {}", from.display())
    }

    fn place(&self) -> PathBuf {
        PathBuf::new()
    }

    fn is_at_hand(&self) -> bool {
        true
    }
}
