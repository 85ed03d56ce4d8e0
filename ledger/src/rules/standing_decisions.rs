//! Decisions that stand by what the entries say, and whether what lies beside the entries agrees.

use crate::evidence::DecidedDigest;
use crate::{DecidedKind, DecidedLeaf, Entry, EntryKind, Particulars};
use std::collections::BTreeMap;

/// More sentences of one sort tell nobody more.
const MOST_FINDINGS: usize = 100;

/// The decisions of entries, less those that others took the place of.
#[derive(Clone, Debug, Default)]
pub(crate) struct StandingDecisions {
    standing: BTreeMap<u64, (DecidedKind, DecidedDigest)>,
    findings: Vec<String>,
}

impl StandingDecisions {
    /// Takes in the next entry.
    pub(crate) fn take(&mut self, entry: &Entry) {
        let number = entry.number;
        let Particulars::Decided(DecidedLeaf { kind, digest, replaces, .. }) = &entry.particulars else {
            if entry.kind == EntryKind::Decide {
                self.find(format!("entry {number} decides nothing"));
            }
            return;
        };
        for earlier in replaces {
            match self.standing.remove(earlier) {
                Some((replaced, _)) if replaced == *kind => {}
                _ => self
                    .find(format!("entry {number} takes the place of entry {earlier}, which is no {kind} that stands")),
            }
        }
        // One that only takes others back leaves nothing beside it.
        if *digest != DecidedDigest::of_nothing(*kind) {
            self.standing.insert(number, (*kind, *digest));
        }
    }

    /// Takes in a decision as it is stored; `digest` is what its fields give.
    pub(crate) fn meet(&mut self, entry: Option<u64>, kind: DecidedKind, digest: Option<DecidedDigest>) {
        let Some(entry) = entry else {
            self.find(format!("a {kind} is there that no entry decides"));
            return;
        };
        match self.standing.remove(&entry) {
            Some((entered, said)) if entered == kind && Some(said) == digest => {}
            Some((entered, _)) if entered == kind => {
                self.find(format!("the {kind} of entry {entry} is not the one that was decided"));
            }
            _ => self.find(format!("a {kind} is there that entry {entry} does not decide")),
        }
    }

    /// Notes something else that is wrong with decisions.
    pub(crate) fn find(&mut self, finding: String) {
        if self.findings.len() < MOST_FINDINGS {
            self.findings.push(finding);
        }
    }

    /// What is wrong at the end.
    pub(crate) fn finish(mut self) -> Vec<String> {
        for (entry, (kind, _)) in std::mem::take(&mut self.standing) {
            self.find(format!("the {kind} that entry {entry} decides is not there"));
        }
        self.findings
    }
}
