//! Decisions: what lies beside the entries is written together with an entry, whose leaf has its digest.

use super::posting::{Draft, Posting, used};
use crate::evidence::DecidedDigest;
use crate::records::{DecidedRow, Deed, Result};
use crate::{Account, DecidedKind, DecidedLeaf, EntryKind, LedgerError, LedgerErrorKind, Links, Particulars};
use model::{Amount, ProjectName, Unit};

impl Posting<'_> {
    /// Decides something. `write` puts it where it lies, under the number of its entry; the answer are the entries of
    /// decisions that it takes the place of, or none where nothing changes.
    pub(super) fn decide(
        &self,
        kind: DecidedKind,
        write: impl FnOnce(&Deed<'_>) -> Result<Option<Vec<u64>>>,
    ) -> Result<()> {
        let deed = Deed { entry: self.records.next_number()?, actor: self.actor, at: self.recorded_at };
        let Some(replaces) = write(&deed)? else { return Ok(()) };
        self.enter(self.records.decided(kind, deed.entry)?, replaces)
    }

    /// The same of something that takes the place of nothing.
    pub(super) fn decide_anew(&self, kind: DecidedKind, write: impl FnOnce(&Deed<'_>) -> Result<()>) -> Result<()> {
        self.decide(kind, |deed| write(deed).map(|()| Some(Vec::new())))
    }

    /// Enters once more what says something else since somebody was erased.
    pub(super) fn decide_again(&self, kind: DecidedKind, before: u64) -> Result<()> {
        let number = self.records.next_number()?;
        self.records.decide_again(kind, before, number)?;
        self.enter(self.records.decided(kind, number)?, vec![before])
    }

    /// Enters that a decision is gone.
    pub(super) fn take_back(&self, kind: DecidedKind, entry: u64) -> Result<()> {
        let Some(posted) = self.records.entry(entry)? else {
            let why = format!("a {kind} names entry {entry}, which is not there");
            return Err(LedgerError::never(LedgerErrorKind::Corrupt, why));
        };
        let digest = DecidedDigest::of_nothing(kind);
        let leaf = DecidedLeaf { kind, digest, replaces: vec![entry], written: Vec::new() };
        self.append_decision((posted.project, posted.unit), leaf)
    }

    /// Enters a decision that lies where it belongs.
    pub(crate) fn enter(&self, row: DecidedRow, replaces: Vec<u64>) -> Result<()> {
        let DecidedRow { project, unit, digest, record } = row;
        let written = record.written.unwrap_or_default();
        self.append_decision((project, unit), DecidedLeaf { kind: record.kind, digest, replaces, written })
    }

    fn append_decision(&self, (project, unit): (ProjectName, Unit), leaf: DecidedLeaf) -> Result<()> {
        let draft = Draft {
            kind: EntryKind::Decide,
            amount: Amount::ZERO,
            debit: Account::Budget(project.clone()),
            credit: used(&unit),
            project,
            unit,
            effective_at: self.recorded_at,
            key: Some(format!("decide:{}", self.records.next_number()?)),
            links: Links::default(),
            note: String::new(),
            tariff: None,
            particulars: Particulars::Decided(leaf),
            reading: None,
        };
        self.append(draft).map(drop)
    }
}
