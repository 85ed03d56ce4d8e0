//! What became of the runs of a bundle.

use crate::{
    import::Listed,
    settle::{Counts, NotPriced, NotTaken, Repriced, named},
};
use ledger::{Command, Outcome};
use model::{AmountError, RunKey};

/// What became of runs that were taken into the books.
#[derive(Clone, Debug, Default, serde::Serialize)]
pub struct Taken {
    /// The counts.
    #[serde(flatten)]
    pub counts: Counts,
    /// Runs that somebody pays for and nobody could price. They are in the books, and charged once they have a price.
    pub not_priced: Listed,
    /// Runs that the books rejected.
    pub rejected: Listed,
}

impl Taken {
    /// Whether every run was taken in and counted.
    pub const fn is_complete(&self) -> bool {
        self.not_priced.count == 0 && self.rejected.count == 0
    }

    /// Counts a run that is not posted.
    pub(super) fn reject(&mut self, run: &RunKey, reason: &str) {
        self.rejected.add(|| format!("{}: {reason}", named(run)));
    }

    pub(super) fn add(&mut self, commands: &[Command], outcomes: &[Outcome]) -> Result<(), AmountError> {
        for (command, outcome) in commands.iter().zip(outcomes) {
            let (Command::Settle(settled), Outcome::Settled(outcome)) = (command, outcome) else { continue };
            let run = &settled.run.key;
            match self.counts.count(settled, outcome)? {
                Some(NotTaken::Rejected(reason)) => self.reject(run, reason),
                Some(NotTaken::NotPriced(reason)) => self.not_priced.add(|| format!("{}: {reason}", named(run))),
                None => {}
            }
        }
        Ok(())
    }
}

/// What became of runs that had no price when they came in.
#[derive(Default)]
pub(super) struct Again(pub(super) Taken);

impl Repriced for Again {
    fn count(&mut self, commands: &[Command], outcomes: &[Outcome]) -> Result<(), AmountError> {
        self.0.add(commands, outcomes)
    }

    fn not_priced(&mut self, run: NotPriced) {
        self.0.not_priced.add(|| format!("{}: {}", named(&run.run), run.reason));
    }
}
