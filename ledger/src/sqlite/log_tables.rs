//! The log of entries: the frontier of its tree, roots of subtrees, the newest checkpoint; and the hashes for proofs.

use super::persons::Persons;
use super::rows::{number, unreadable};
use crate::evidence::{
    Checkpoint, Commitment, EntryMarks, EvidenceError, Frontier, LeafHashes, SignedCheckpoint, SignerKey, TreeHash,
    VerifierKey, written,
};
use crate::records::Result;
use crate::{Entry, LedgerError, LedgerErrorKind};
use rusqlite::{Connection, params};
use std::ops::Range;

/// The row of the log.
#[derive(Clone, Debug)]
pub(super) struct Log {
    pub(super) frontier: Frontier,
    /// The key that signs checkpoints; none where nobody has made one.
    pub(super) key: Option<VerifierKey>,
    pub(super) checkpoint: Option<SignedCheckpoint>,
}

/// Appends leaves while entries are written, and keeps what it became at the end.
pub(super) struct Appending<'a> {
    connection: &'a Connection,
    frontier: Frontier,
    completed: Vec<(u32, u64, TreeHash)>,
}

impl Log {
    pub(super) fn read(connection: &Connection) -> Result<Self> {
        let select = "SELECT frontier, key, checkpoint FROM log WHERE one = 1";
        let row = connection.prepare_cached(select)?.query_row([], |row| {
            Ok((row.get::<_, Vec<u8>>(0)?, row.get::<_, Option<String>>(1)?, row.get::<_, Option<String>>(2)?))
        });
        let (frontier, key, checkpoint) = row?;
        Ok(Self {
            frontier: Frontier::from_bytes(&frontier).map_err(damaged)?,
            key: key.map(|key| key.parse()).transpose().map_err(damaged)?,
            checkpoint: checkpoint.map(|text| SignedCheckpoint::parse(text.as_bytes())).transpose().map_err(damaged)?,
        })
    }

    /// Signs the tree as it is now, where it grew since the newest checkpoint. Only the log's own key may. The caller
    /// commits: until then nobody sees the checkpoint.
    pub(super) fn sign(connection: &Connection, signer: &SignerKey) -> Result<Option<SignedCheckpoint>> {
        let log = Self::read(connection)?;
        let is_its = log.key.as_ref() == Some(signer.verifier());
        let size_before = log.checkpoint.as_ref().map_or(0, |checkpoint| checkpoint.claim().head.size);
        if !is_its || size_before >= log.frontier.size() {
            return Ok(log.checkpoint);
        }
        let checkpoint = Checkpoint::sign(log.frontier.head(), signer).map_err(damaged)?;
        connection.prepare_cached("UPDATE log SET checkpoint = ?1")?.execute([checkpoint.to_string()])?;
        Ok(Some(checkpoint))
    }
}

impl<'a> Appending<'a> {
    pub(super) fn begin(connection: &'a Connection) -> Result<Self> {
        let select = "SELECT frontier FROM log WHERE one = 1";
        let bytes: Vec<u8> = connection.prepare_cached(select)?.query_row([], |row| row.get(0))?;
        let frontier = Frontier::from_bytes(&bytes).map_err(damaged)?;
        Ok(Self { connection, frontier, completed: Vec::new() })
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

    pub(super) fn finish(self) -> Result<()> {
        let insert = "INSERT INTO subtree_roots (height, number, root) VALUES (?1, ?2, ?3)";
        let mut statement = self.connection.prepare_cached(insert)?;
        for (height, which, root) in self.completed {
            statement.execute(params![height, number(which)?, root.as_bytes()])?;
        }
        self.connection.prepare_cached("UPDATE log SET frontier = ?1")?.execute([self.frontier.to_bytes()])?;
        Ok(())
    }
}

/// What stands in an entry's leaf in place of persons, and their numbers.
pub(super) fn marks(persons: &Persons<'_>, entry: &Entry) -> Result<(EntryMarks, i64, Option<i64>)> {
    let actor = persons.of(entry.actor.site.as_ref(), &entry.actor.user)?;
    let person = match (&entry.ran_by, &entry.links.run) {
        (Some(user), Some(run)) => Some(persons.of(Some(&run.site), user)?),
        _ => None,
    };
    let note = written(entry).zip(actor.salt);
    let note = note.map(|(fields, salt)| Commitment::new(&salt.of_entry(entry.number), fields));
    let marks = EntryMarks { actor: actor.mark, person: person.as_ref().map(|person| person.mark), note };
    Ok((marks, actor.number, person.map(|person| person.number)))
}

/// The tree as it lies in the tables.
pub(super) struct StoredTree<'a>(pub(super) &'a Connection);

impl StoredTree<'_> {
    fn hashes(&self, select: &str, parameters: impl rusqlite::Params) -> Result<Vec<TreeHash>> {
        let mut statement = self.0.prepare_cached(select)?;
        let found = statement.query_map(parameters, |row| row.get(0).map(TreeHash::from_bytes))?;
        Ok(found.collect::<rusqlite::Result<_>>()?)
    }
}

impl LeafHashes for StoredTree<'_> {
    fn leaf_hashes(&self, leaves: Range<u64>) -> Result<Vec<TreeHash>> {
        let select = "SELECT leaf FROM entries WHERE number > ?1 AND number <= ?2 ORDER BY number";
        self.hashes(select, params![number(leaves.start)?, number(leaves.end)?])
    }

    fn subtree_roots(&self, height: u32, subtrees: Range<u64>) -> Result<Option<Vec<TreeHash>>> {
        if height > 2 {
            return Ok(None);
        }
        let select =
            "SELECT root FROM subtree_roots WHERE height = ?1 AND number >= ?2 AND number < ?3 ORDER BY number";
        self.hashes(select, params![height, number(subtrees.start)?, number(subtrees.end)?]).map(Some)
    }
}

/// The error of a log that holds what no release writes.
pub(super) fn damaged(error: EvidenceError) -> LedgerError {
    let error = unreadable(0, error);
    LedgerError::from(error)
}
