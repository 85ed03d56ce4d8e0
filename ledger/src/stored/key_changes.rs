//! The changes of the log's key. They lie among what a store knows of itself, and not among the entries.

use super::log::{Log, damaged};
use super::proofs::check_growth;
use super::row::{StoredRow as _, unreadable};
use super::tables::{LogTables, Value};
use crate::evidence::{Checkpoint, KeyChange, SignerKey, VerifierKey};
use crate::records::Result;
use crate::{LedgerError, LedgerErrorKind};

/// The changes so far, the first one first.
pub(crate) fn key_changes(tables: &impl LogTables) -> Result<Vec<KeyChange>> {
    let mut changes = Vec::new();
    tables.each_row("SELECT value FROM meta WHERE name = 'key_changes'", &[], |row| {
        changes = serde_json::from_str(row.text(0)?).map_err(unreadable)?;
        Ok(())
    })?;
    Ok(changes)
}

/// Has the log go on under another key, in a transaction that may write. The key before signs everything and the change,
/// where it is at hand; without it `is_lost` has to say that it never will be. What was signed before has to be the beginning
/// of what is there. `make` makes the new key, of the same name as the one that it is given, once nothing forbids it.
pub(crate) fn change_key(
    tables: &impl LogTables,
    signer: Option<&SignerKey>,
    is_lost: bool,
    make: impl FnOnce(&VerifierKey) -> Result<SignerKey>,
) -> Result<VerifierKey> {
    if tables.is_replica()? {
        return Err(LedgerError::never(LedgerErrorKind::Replica, "it was made by a replay, for checking only"));
    }
    let log = Log::read(tables)?;
    let before = log.key.clone().ok_or_else(no_key)?;
    let signer = signer.filter(|signer| *signer.verifier() == before);
    if signer.is_none() && !is_lost {
        return Err(not_at_hand(&before.short()));
    }
    if let Some(checkpoint) = &log.checkpoint {
        check_growth(tables, &log, checkpoint)?;
    }
    let after = make(&before)?;
    let last = signer.map(|signer| log.signed_by(signer)).transpose()?.flatten().or(log.checkpoint);
    let head = log.frontier.head();
    let mut changes = key_changes(tables)?;
    changes.push(KeyChange::new(head, last, (before, signer), &after).map_err(damaged)?);
    let newest = (head.size > 0).then(|| Checkpoint::sign(head, &after)).transpose().map_err(damaged)?;
    let values =
        [Value::Text(after.verifier().to_string()), Value::TextOption(newest.map(|checkpoint| checkpoint.to_string()))];
    tables.change("UPDATE log SET key = ?, checkpoint = ?", &values)?;
    let text = serde_json::to_string(&changes).map_err(unreadable)?;
    let insert = "INSERT INTO meta (name, value) VALUES ('key_changes', ?)
        ON CONFLICT (name) DO UPDATE SET value = excluded.value";
    tables.change(insert, &[Value::Text(text)])?;
    Ok(after.verifier().clone())
}

/// The error of a ledger without a key.
fn no_key() -> LedgerError {
    LedgerError::never(LedgerErrorKind::Invalid, "nobody has made a key for it")
        .with_next("`pakt ledger init` makes one")
}

fn not_at_hand(key: &str) -> LedgerError {
    let why = format!("its key `{key}` is not here, or not readable, so that it cannot sign the change");
    LedgerError::never(LedgerErrorKind::Invalid, why).with_next(
        "have whoever keeps that key do it, or put its copy back; where it is lost for good, say `--lost`: verify then tells for \
         ever that the change is not signed by it",
    )
}
