//! What leaves the ledger so that others can check it: the signed log, proofs of entries, records for an export.

use super::entry_rows::entry;
use super::key_changes::key_changes;
use super::key_file;
use super::leaf_rows::{LEAF, WRITTEN, leaf_of};
use super::log::{Log, older_entries};
use super::row::StoredRow;
use super::tables::{LogTables, StoredTree};
use crate::evidence::{
    Commitment, ConsistencyProof, Domain, EntryProof, FieldWriter, InclusionProof, SignedCheckpoint, SignerKey,
    TreeHash, VerifierKey,
};
use crate::records::Result;
use crate::{EntryPage, EntryRecord, LedgerError, LedgerErrorKind, LogRecord};
use std::path::PathBuf;

/// The log, signed where it can be, in a transaction that may write. What was signed before is not signed over: the newest
/// checkpoint has to be the beginning of what is there. `key_file` is where the key of a log would lie.
pub(crate) fn record_of_log(
    tables: &impl LogTables,
    signer: Option<&SignerKey>,
    key_file: impl FnOnce(Option<&VerifierKey>) -> PathBuf,
) -> Result<LogRecord> {
    let before = Log::read(tables)?;
    if let Some(checkpoint) = &before.checkpoint {
        check_growth(tables, &before, checkpoint)?;
    }
    if let Some(signer) = signer
        && !tables.is_replica()?
    {
        Log::sign(tables, signer)?;
    }
    let Log { frontier, key, checkpoint } = Log::read(tables)?;
    let key_changes = key_changes(tables)?;
    let size = checkpoint.as_ref().map_or(0, |checkpoint| checkpoint.claim().head.size);
    let unsigned = (size < frontier.size()).then(|| key_file::missing(&key_file(key.as_ref()), key.as_ref()));
    Ok(LogRecord {
        size: frontier.size(),
        key,
        checkpoint: checkpoint.map(|signed| signed.to_string()),
        older_entries: Some(older_entries(tables)?),
        key_changes,
        unsigned,
    })
}

/// Refuses to go on from a tree that does not begin with what was signed.
pub(super) fn check_growth(tables: &impl LogTables, log: &Log, checkpoint: &SignedCheckpoint) -> Result<()> {
    let (older, newer) = (checkpoint.claim().head, log.frontier.head());
    let shrunk = || LedgerError::never(LedgerErrorKind::Corrupt, "its entries are not those that were signed before");
    if older.size > newer.size {
        return Err(shrunk());
    }
    let proof = ConsistencyProof::new(&StoredTree(tables), older.size, newer.size)?;
    proof.verify(&older, &newer).map_err(|_| shrunk())
}

/// The proof of an entry, which is looked at before it leaves.
pub(crate) fn prove(tables: &impl LogTables, number: u64) -> Result<EntryProof> {
    let invalid = |why: String| LedgerError::never(LedgerErrorKind::Invalid, why);
    let Some(leaf) = leaf_bytes(tables, number)? else { return Err(invalid(format!("there is no entry {number}"))) };
    let Some(checkpoint) = Log::read(tables)?.checkpoint else {
        return Err(invalid("nothing of this ledger is signed yet".to_owned()));
    };
    let head = checkpoint.claim().head;
    if number > head.size {
        return Err(invalid(format!(
            "entry {number} came after the newest checkpoint, which has {}",
            model::counted(head.size, "entry")
        )));
    }
    let inclusion = InclusionProof::new(&StoredTree(tables), number - 1, head.size)?;
    let is_shown = inclusion.verify(&TreeHash::of_leaf(&leaf), &head);
    is_shown.map_err(|_| {
        let why = format!("entry {number} is not as it was when the log was signed");
        LedgerError::never(LedgerErrorKind::Corrupt, why)
    })?;
    Ok(EntryProof { extra: Some(leaf), inclusion, checkpoint })
}

fn leaf_bytes<T: LogTables>(tables: &T, number: u64) -> Result<Option<Vec<u8>>> {
    let Some(after) = number.checked_sub(1) else { return Ok(None) };
    let mut writer = FieldWriter::new(Domain::Entry);
    let mut is_there = false;
    tables.each_entry(EntryPage { after, limit: 1 }, |row| {
        is_there = row.count(0)? == number;
        leaf_of(row, tables, &entry(row, tables)?.particulars, &mut writer)
    })?;
    Ok(is_there.then(|| writer.as_bytes().to_vec()))
}

/// Entries with what is beside them.
pub(crate) fn records<T: LogTables>(tables: &T, page: EntryPage) -> Result<Vec<EntryRecord>> {
    let mut found = Vec::new();
    tables.each_entry(page, |row| {
        let entry = entry(row, tables)?;
        let note_commitment = row.fixed_option(WRITTEN)?.map(Commitment::from_bytes);
        let (content, leaf) = (entry.content, TreeHash::from_bytes(row.fixed(LEAF)?));
        found.push(EntryRecord { entry, content, note_commitment, leaf });
        Ok(())
    })?;
    Ok(found)
}
