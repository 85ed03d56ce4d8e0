//! Audits: the whole log recomputed, and compared with every checkpoint that is at hand.

use super::{
    AuditFinding, AuditPass, AuditReport, CheckedCheckpoint, Checkpoint, CheckpointSource, Frontier, KeyName,
    SignedCheckpoint, Standing, TreeHash, VerifierKey,
};
use crate::LedgerError;

/// What an audit goes by: the log, the keys that the auditor knows, and checkpoints from inside and outside the ledger.
///
/// The keys have to come to the auditor by another way than the ledger: whoever can replace both proves what they like.
#[derive(Debug)]
pub struct Audit<'a> {
    origin: &'a KeyName,
    keys: &'a [VerifierKey],
    others: &'a [VerifierKey],
    checkpoints: Vec<(CheckpointSource, &'a SignedCheckpoint)>,
    unsequenced: u64,
}

impl<'a> Audit<'a> {
    /// An audit of the log of this name, with these keys of the log and of witnesses.
    pub const fn new(origin: &'a KeyName, keys: &'a [VerifierKey]) -> Self {
        Self { origin, keys, others: &[], checkpoints: Vec::new(), unsequenced: 0 }
    }

    /// Adds keys that the log says to have been signed with and that the auditor does not know. Their signatures have to fit,
    /// and vouch for nothing.
    #[must_use]
    pub(crate) const fn with_others(mut self, others: &'a [VerifierKey]) -> Self {
        self.others = others;
        self
    }

    /// Adds a checkpoint and where it comes from. Their order does not matter.
    #[must_use]
    pub fn with(mut self, source: CheckpointSource, checkpoint: &'a SignedCheckpoint) -> Self {
        self.checkpoints.push((source, checkpoint));
        self
    }

    /// The number of committed entries that have no place in the log yet.
    #[must_use]
    pub const fn with_unsequenced(mut self, entries: u64) -> Self {
        self.unsequenced = entries;
        self
    }

    /// Recomputes the tree, one leaf after another, and says what that shows. Memory does not grow with the log. An error
    /// is one of reading the leaves; what is wrong with the log stands in the report.
    pub fn run(
        &self,
        leaves: impl IntoIterator<Item = Result<TreeHash, LedgerError>>,
    ) -> Result<AuditReport, LedgerError> {
        let mut pass = self.begin();
        for leaf in leaves {
            pass.append(leaf?);
        }
        Ok(self.end(pass))
    }

    /// Begins to recompute the tree. Whoever comes to the end of the log hands it to [`Self::end`].
    pub(crate) fn begin(&self) -> AuditPass {
        AuditPass::new(self.check_signatures())
    }

    /// Says what the tree shows.
    pub(crate) fn end(&self, pass: AuditPass) -> AuditReport {
        let (frontier, agreed, findings) = pass.end();
        self.report(&frontier, agreed, findings)
    }

    /// Checkpoints that the log signed, and what is wrong with the others.
    fn check_signatures(&self) -> (Vec<CheckedCheckpoint>, Vec<AuditFinding>) {
        let (mut checked, mut findings) = (Vec::new(), Vec::new());
        let all = [self.keys, self.others].concat();
        for &(source, signed) in &self.checkpoints {
            let Checkpoint { origin, head, .. } = signed.claim();
            let size = head.size;
            if origin != self.origin.as_str() {
                findings.push(AuditFinding::OtherLog { size, source, origin: origin.clone() });
                continue;
            }
            let is_known = signed.verify(self.keys).is_ok();
            match signed.verify(&all).map(|verified| verified.cosignatures) {
                Ok(cosignatures) => checked.push(CheckedCheckpoint { head: *head, source, cosignatures, is_known }),
                Err(error) => findings.push(AuditFinding::NotSigned { size, source, why: error.to_string() }),
            }
        }
        (checked, findings)
    }

    fn report(&self, frontier: &Frontier, agreed: Vec<CheckedCheckpoint>, findings: Vec<AuditFinding>) -> AuditReport {
        let known = agreed.iter().filter(|checkpoint| checkpoint.is_known);
        let newest = known.map(|checkpoint| checkpoint.head.size).max().unwrap_or(0);
        let outside = agreed.iter().filter(|checkpoint| checkpoint.is_from_outside());
        let standing = match outside.map(|checkpoint| checkpoint.head.size).max() {
            _ if !findings.is_empty() => Standing::Broken,
            Some(size) if size > 0 => Standing::Verified { size },
            _ => Standing::SelfConsistent,
        };
        AuditReport {
            standing,
            head: frontier.head(),
            uncheckpointed: frontier.size() - newest,
            unsequenced: self.unsequenced,
            checkpoints: agreed,
            keys: Vec::new(),
            findings,
        }
    }
}
