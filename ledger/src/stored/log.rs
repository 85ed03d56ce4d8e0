//! The log of entries: the frontier of its tree, roots of subtrees, the newest checkpoint.

use super::persons::Persons;
use super::row::{StoredRow as _, unreadable};
use super::tables::LogTables;
use crate::evidence::{
    Checkpoint, Commitment, EntryMarks, EvidenceError, Frontier, SignedCheckpoint, SignerKey, TreeHash, VerifierKey,
    written,
};
use crate::records::Result;
use crate::{Entry, LedgerError, LedgerErrorKind};

/// The row of the log as it is stored.
pub(crate) struct LogRow {
    pub(crate) frontier: Vec<u8>,
    pub(crate) key: Option<String>,
    pub(crate) checkpoint: Option<String>,
}

/// The row of the log.
#[derive(Clone, Debug)]
pub(crate) struct Log {
    pub(crate) frontier: Frontier,
    /// The key that signs checkpoints; none where nobody has made one.
    pub(crate) key: Option<VerifierKey>,
    pub(crate) checkpoint: Option<SignedCheckpoint>,
}

/// Leaves that are appended while entries are written, to be kept at the end.
pub(crate) struct Appending {
    pub(crate) frontier: Frontier,
    /// Height, which of them, and root of each subtree that was completed and is to be kept.
    pub(crate) completed: Vec<(u32, u64, TreeHash)>,
}

/// How many entries an earlier release made.
pub(super) fn older_entries(tables: &impl LogTables) -> Result<u64> {
    let mut older = 0;
    tables.each_row("SELECT older_entries FROM log", &[], |row| {
        older = row.count(0)?;
        Ok(())
    })?;
    Ok(older)
}

impl Log {
    pub(crate) fn read(tables: &impl LogTables) -> Result<Self> {
        Self::of(&tables.log_row()?)
    }

    pub(crate) fn of(row: &LogRow) -> Result<Self> {
        let checkpoint = row.checkpoint.as_ref().map(|text| SignedCheckpoint::parse(text.as_bytes())).transpose();
        Ok(Self {
            frontier: Frontier::from_bytes(&row.frontier).map_err(damaged)?,
            key: row.key.as_ref().map(|key| key.parse()).transpose().map_err(damaged)?,
            checkpoint: checkpoint.map_err(damaged)?,
        })
    }

    /// The checkpoint of the tree as it is now; none where it has not grown since the newest one, or the key is not the
    /// log's own.
    pub(crate) fn signed_by(&self, signer: &SignerKey) -> Result<Option<SignedCheckpoint>> {
        let is_its = self.key.as_ref() == Some(signer.verifier());
        let size_before = self.checkpoint.as_ref().map_or(0, |checkpoint| checkpoint.claim().head.size);
        if !is_its || size_before >= self.frontier.size() {
            return Ok(None);
        }
        Checkpoint::sign(self.frontier.head(), signer).map(Some).map_err(damaged)
    }

    /// Signs the tree as it is now, where that is to be done. The caller commits: until then nobody sees the checkpoint.
    pub(crate) fn sign(tables: &impl LogTables, signer: &SignerKey) -> Result<()> {
        let newest = Self::read(tables)?.signed_by(signer)?;
        newest.map_or(Ok(()), |checkpoint| tables.put_checkpoint(&checkpoint.to_string()))
    }
}

impl Appending {
    /// Goes on from a stored frontier.
    pub(crate) fn after(frontier: &[u8]) -> Result<Self> {
        Ok(Self { frontier: Frontier::from_bytes(frontier).map_err(damaged)?, completed: Vec::new() })
    }

    /// Appends the leaf of the entry with this number; it is the next one.
    pub(super) fn append(&mut self, entry: u64, leaf: TreeHash) -> Result<()> {
        if self.frontier.size() + 1 != entry {
            let why = format!("entry {entry} would be leaf {} of the log", self.frontier.size());
            return Err(LedgerError::never(LedgerErrorKind::Corrupt, why));
        }
        let completed = &mut self.completed;
        self.frontier.append_noting(leaf, |height, number, root| completed.push((height, number, root)));
        Ok(())
    }
}

/// What stands in an entry's leaf in place of persons, and their numbers.
pub(crate) struct Marked {
    pub(crate) marks: EntryMarks,
    pub(crate) actor: i64,
    pub(crate) person: Option<i64>,
}

impl Marked {
    /// Of these entries, in their order.
    pub(crate) fn all(persons: &Persons<'_>, entries: &[Entry]) -> Result<Vec<Self>> {
        entries.iter().map(|entry| Self::of(persons, entry)).collect()
    }

    fn of(persons: &Persons<'_>, entry: &Entry) -> Result<Self> {
        let actor = persons.of(entry.actor.site.as_ref(), &entry.actor.user)?;
        let person = match (&entry.ran_by, &entry.links.run) {
            (Some(user), Some(run)) => Some(persons.of(Some(&run.site), user)?),
            _ => None,
        };
        let note = written(entry).zip(actor.salt);
        let note = note.map(|(fields, salt)| Commitment::new(&salt.of_entry(entry.number), fields));
        let marks = EntryMarks { actor: actor.mark, person: person.as_ref().map(|person| person.mark), note };
        Ok(Self { marks, actor: actor.number, person: person.map(|person| person.number) })
    }
}

/// The error of a log that holds what no release writes.
pub(crate) fn damaged(error: EvidenceError) -> LedgerError {
    unreadable(error)
}
