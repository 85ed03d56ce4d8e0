//! What has to hold between entries of anything but runs, whoever made them: the replay looks at it entry by entry.

use super::agreements::Agreements;
use super::lot_bounds::LotBounds;
use crate::{Entry, LedgerError};

/// What earlier entries said, as far as later ones have to agree with it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Invariants {
    agreements: Agreements,
    lots: LotBounds,
}

impl Invariants {
    /// Takes in the next entry; `is_older` of one that an earlier release made. What is wrong with it.
    pub(super) fn take(&mut self, entry: &Entry, is_older: bool) -> Result<Vec<String>, LedgerError> {
        let mut findings = self.lots.take(entry)?;
        if !is_older {
            findings.extend(self.agreements.take(entry)?);
        }
        Ok(findings)
    }

    /// What is wrong at the end.
    pub(super) fn finish(&mut self) -> Vec<String> {
        self.lots.finish()
    }
}
