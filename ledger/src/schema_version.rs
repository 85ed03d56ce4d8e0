//! The version of a ledger's tables, the same in every store. A step from one to the next is appended, never changed.

use crate::{LedgerError, LedgerErrorKind};

/// The oldest version that can be read. The numbers before it were those of tables that no release wrote and none reads.
pub(crate) const OLDEST: i64 = 6;

/// The version that this release writes.
pub(crate) const VERSION: i64 = 11;

/// From this version on, what runs had taken by the midnights of their site is summed.
pub(crate) const WITH_NIGHTS: i64 = 8;

/// From this version on, decisions have entries.
pub(crate) const WITH_DECISIONS: i64 = 9;

/// Refuses what this release cannot read. 0 is a place without tables yet.
pub(crate) fn check_version(found: i64) -> Result<(), LedgerError> {
    if found == 0 || (OLDEST..=VERSION).contains(&found) {
        return Ok(());
    }
    if found < OLDEST {
        let why = format!(
            "it was written before the first release: version {found}, the oldest that can be read is {OLDEST}; \
             `pakt ledger export` of the program that wrote it prints what is in it"
        );
        return Err(LedgerError::never(LedgerErrorKind::OlderVersion, why));
    }
    let why = format!("a newer release of Pakt wrote it: version {found}, this one knows {VERSION}");
    Err(LedgerError::never(LedgerErrorKind::NewerVersion, why))
}
