//! What depends on the order of entries, put together part by part: the tree, and the replay of holds.

use super::audit::MOST_FINDINGS;
use super::audit_part::{Part, Step};
use crate::evidence::AuditPass;
use crate::records::Result;
use crate::rules::{Replay, StandingDecisions};

/// The log up to some part.
pub(super) struct Joined {
    pub(super) pass: AuditPass,
    /// The sizes at which the tree is compared with a checkpoint.
    pub(super) sizes: Vec<u64>,
    /// Without what readers keep as sums.
    pub(super) replay: Replay,
    /// The decisions that stand by what the entries say.
    pub(super) decisions: StandingDecisions,
    /// A sentence for each note that is another.
    pub(super) notes: Vec<String>,
    /// A sentence for each leaf that is another.
    pub(super) leaves: Vec<String>,
}

impl Joined {
    /// Before the first entry; an earlier release made so many.
    pub(super) fn new(pass: AuditPass, older: u64) -> Self {
        let sizes = pass.sizes();
        Self {
            pass,
            sizes,
            replay: Replay::after(older),
            decisions: StandingDecisions::default(),
            notes: Vec::new(),
            leaves: Vec::new(),
        }
    }

    /// Takes in the part that comes next.
    pub(super) fn join(&mut self, part: Part) -> Result<()> {
        self.pass.join(&part.tree);
        for step in part.steps {
            match step {
                Step::Follow { first, last } => self.replay.follow_all(first, last),
                Step::Less { number, amount, recorded_at } => self.replay.follow(number, amount, recorded_at),
                Step::Draw { number, hold, change } => self.replay.draw(number, hold, change)?,
                Step::Entry(entry) => {
                    self.decisions.take(&entry);
                    self.replay.apply(&entry)?;
                }
            }
        }
        let (notes, leaves) = (MOST_FINDINGS - self.notes.len(), MOST_FINDINGS - self.leaves.len());
        self.notes.extend(part.notes.into_iter().take(notes));
        let told = |number: &i64| format!("entry {number} is not the one that its leaf was made of");
        self.leaves.extend(part.unlike.iter().take(leaves).map(told));
        Ok(())
    }
}
