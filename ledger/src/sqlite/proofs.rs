//! What leaves the ledger so that others can check it: the signed log, proofs of entries, records for an export.

use super::entry_tables::entry;
use super::leaf_rows::{LEAF, WRITTEN, leaf_of, select};
use super::log_tables::{Log, StoredTree};
use super::queries::is_replica;
use super::tables::Tables;
use super::{key_file, rows};
use crate::evidence::{
    Commitment, ConsistencyProof, Domain, EntryProof, FieldWriter, InclusionProof, SignedCheckpoint, SignerKey,
    TreeHash,
};
use crate::records::Result;
use crate::{EntryPage, EntryRecord, LedgerError, LedgerErrorKind, LogRecord};
use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};
use std::path::Path;

/// The log, signed where it can be. What was signed before is not signed over: the newest checkpoint has to be the
/// beginning of what is there.
pub(super) fn log(connection: &mut Connection, signer: Option<&SignerKey>, key_file: &Path) -> Result<LogRecord> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let before = Log::read(&transaction)?;
    if let Some(checkpoint) = &before.checkpoint {
        check_growth(&transaction, &before, checkpoint)?;
    }
    if let Some(signer) = signer.filter(|_| is_replica(&transaction).is_ok_and(|is_replica| !is_replica)) {
        Log::sign(&transaction, signer)?;
    }
    let Log { frontier, key, checkpoint } = Log::read(&transaction)?;
    transaction.commit()?;
    let size = checkpoint.as_ref().map_or(0, |checkpoint| checkpoint.claim().head.size);
    let unsigned = (size < frontier.size()).then(|| key_file::missing(key_file, key.as_ref()));
    Ok(LogRecord { size: frontier.size(), key, checkpoint: checkpoint.map(|signed| signed.to_string()), unsigned })
}

/// Refuses to go on from a tree that does not begin with what was signed.
fn check_growth(connection: &Connection, log: &Log, checkpoint: &SignedCheckpoint) -> Result<()> {
    let (older, newer) = (checkpoint.claim().head, log.frontier.head());
    let shrunk = || LedgerError::never(LedgerErrorKind::Corrupt, "its entries are not those that were signed before");
    if older.size > newer.size {
        return Err(shrunk());
    }
    let proof = ConsistencyProof::new(&StoredTree(connection), older.size, newer.size)?;
    proof.verify(&older, &newer).map_err(|_| shrunk())
}

/// The proof of an entry, which is looked at before it leaves.
pub(super) fn prove(tables: &Tables<'_>, number: u64) -> Result<EntryProof> {
    let invalid = |why: String| LedgerError::never(LedgerErrorKind::Invalid, why);
    let Some(leaf) = leaf_bytes(tables, number)? else { return Err(invalid(format!("there is no entry {number}"))) };
    let Some(checkpoint) = Log::read(tables.connection)?.checkpoint else {
        return Err(invalid("nothing of this ledger is signed yet".to_owned()));
    };
    let head = checkpoint.claim().head;
    if number > head.size {
        return Err(invalid(format!(
            "entry {number} came after the newest checkpoint, which has {} entries",
            head.size
        )));
    }
    let inclusion = InclusionProof::new(&StoredTree(tables.connection), number - 1, head.size)?;
    let is_shown = inclusion.verify(&TreeHash::of_leaf(&leaf), &head);
    is_shown.map_err(|_| {
        let why = format!("entry {number} is not as it was when the log was signed");
        LedgerError::never(LedgerErrorKind::Corrupt, why)
    })?;
    Ok(EntryProof { extra: Some(leaf), inclusion, checkpoint })
}

fn leaf_bytes(tables: &Tables<'_>, number: u64) -> Result<Option<Vec<u8>>> {
    let select = select("WHERE number = ?1");
    let mut statement = tables.connection.prepare_cached(&select)?;
    let mut writer = FieldWriter::new(Domain::Entry);
    let found = statement
        .query_row([rows::number(number)?], |row| {
            let particulars = entry(row, tables)?.particulars;
            Ok(leaf_of(row, tables, &particulars, &mut writer))
        })
        .optional()?;
    found.transpose()?;
    Ok(written_bytes(&writer))
}

fn written_bytes(writer: &FieldWriter) -> Option<Vec<u8>> {
    let bytes = writer.as_bytes();
    (bytes.len() > FieldWriter::new(Domain::Entry).as_bytes().len()).then(|| bytes.to_vec())
}

/// Entries with what is beside them.
pub(super) fn records(tables: &Tables<'_>, page: EntryPage) -> Result<Vec<EntryRecord>> {
    let select = select("WHERE number > ?1 ORDER BY number LIMIT ?2");
    let mut statement = tables.connection.prepare_cached(&select)?;
    let found = statement.query_map(params![rows::number(page.after)?, page.limit], |row| {
        let entry = entry(row, tables)?;
        Ok(EntryRecord {
            content: entry.content,
            entry,
            note_commitment: row.get::<_, Option<[u8; 32]>>(WRITTEN)?.map(Commitment::from_bytes),
            leaf: TreeHash::from_bytes(row.get(LEAF)?),
        })
    })?;
    Ok(found.collect::<rusqlite::Result<_>>()?)
}
