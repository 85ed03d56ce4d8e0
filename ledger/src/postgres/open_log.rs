//! The log while a transaction adds entries: read once, and written once.

use super::rows;
use super::tables::Tables;
use crate::evidence::SignerKey;
use crate::records::Result;
use crate::stored::{Appending, Log, LogRow, LogTables as _};
use crate::{LedgerError, LedgerErrorKind};

/// The log while entries are added.
pub(super) struct OpenLog {
    stored: LogRow,
    appending: Appending,
}

impl Tables<'_> {
    /// Goes on with the log.
    pub(super) fn with_log<T>(&self, work: impl FnOnce(&mut Appending) -> Result<T>) -> Result<T> {
        let mut log = self.log.borrow_mut();
        if log.is_none() {
            *log = Some(OpenLog::of(self.log_row()?)?);
        }
        match log.as_mut() {
            Some(open) => work(&mut open.appending),
            None => Err(LedgerError::never(LedgerErrorKind::Bug, "the log is not open")),
        }
    }

    /// Goes on with a log whose row was read with something else.
    pub(super) fn open_log(&self, row: LogRow) -> Result<()> {
        self.log.replace(Some(OpenLog::of(row)?));
        Ok(())
    }

    /// Writes what the tree became, signed where it can be.
    pub(super) fn close_log(&self, signer: Option<&SignerKey>) -> Result<()> {
        let Some(OpenLog { stored, appending }) = self.log.take() else {
            // An entry of somebody without the key may wait to be signed.
            return signer.map_or(Ok(()), |signer| Log::sign(self, signer));
        };
        let log = Log { frontier: appending.frontier, ..Log::of(&stored)? };
        let checkpoint =
            signer.map(|signer| log.signed_by(signer)).transpose()?.flatten().map(|signed| signed.to_string());
        let update = "UPDATE log SET frontier = $1, checkpoint = coalesce($2, checkpoint)";
        self.session.execute(update, &[&log.frontier.to_bytes(), &checkpoint])?;
        for (height, which, root) in &appending.completed {
            let insert = "INSERT INTO subtree_roots (height, number, root) VALUES ($1, $2, $3)";
            let (height, which) = (i64::from(*height), rows::number(*which)?);
            self.session.execute(insert, &[&height, &which, &root.as_bytes().as_slice()])?;
        }
        Ok(())
    }
}

impl OpenLog {
    fn of(stored: LogRow) -> Result<Self> {
        Ok(Self { appending: Appending::after(&stored.frontier)?, stored })
    }
}
