//! What becomes of decisions when somebody is erased: those that name the person say so by the pseudonym, as their leaves
//! do. Those that had the name among somebody's own words say something else, and those of what the person saw are gone.

use super::decided_rows::{all_decided, digest};
use super::tables::LogTables;
use crate::evidence::DecidedDigest;
use crate::records::Result;
use crate::store::Store;
use crate::{DecidedKind, Particulars};
use std::collections::BTreeMap;

/// What a decision says: its digest, and what people wrote.
type Said = (DecidedKind, Option<DecidedDigest>, Option<Vec<Option<String>>>);

/// Decisions by kind and entry.
type Numbers = Vec<(DecidedKind, u64)>;

/// The decisions before an erasure, by their entries.
pub(super) struct Decisions(BTreeMap<u64, Said>);

impl Decisions {
    pub(super) fn read<T: LogTables>(tables: &T) -> Result<Self> {
        let mut said = BTreeMap::new();
        for record in all_decided(tables)? {
            let digest = digest(tables, &record)?;
            said.extend(record.entry.map(|entry| (entry, (record.kind, digest, record.written))));
        }
        Ok(Self(said))
    }

    /// Those that say something else by now, and those that are gone. One that was not what its entry says stays as it is, so that it
    /// is still told from those that are.
    pub(super) fn compare<T: LogTables + Store>(self, tables: &T) -> Result<(Numbers, Numbers)> {
        let Self(mut after) = Self::read(tables)?;
        let (mut changed, mut gone) = (Vec::new(), Vec::new());
        for (entry, before) in self.0 {
            let after = after.remove(&entry);
            if after.as_ref() == Some(&before) || !is_entered(tables, entry, &before)? {
                continue;
            }
            let place = if after.is_some() { &mut changed } else { &mut gone };
            place.push((before.0, entry));
        }
        Ok((changed, gone))
    }
}

/// Whether the entry of a decision says what the decision does.
fn is_entered(tables: &impl Store, entry: u64, (kind, digest, _): &Said) -> Result<bool> {
    let posted = tables.entry(entry)?.map(|entry| entry.particulars);
    let Some(Particulars::Decided(leaf)) = posted else { return Ok(false) };
    Ok(leaf.kind == *kind && Some(leaf.digest) == *digest)
}
