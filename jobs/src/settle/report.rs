//! What a settlement was asked for, and what it did.

use super::amend::AmendedHold;
use super::counts::{Counts, NotTaken};
use super::lost::LostJob;
use super::reprice::Repriced;
use ledger::{Command, Expiry, Outcome};
use model::{AmountError, JobId, RunKey, Timestamp};
use std::collections::BTreeSet;

/// What a settlement covers.
#[derive(Clone, Copy, Debug, Default)]
pub struct SettleOptions {
    /// Look back at least to this instant.
    pub since: Option<Timestamp>,
    /// The runs of all users that are visible, as a coordinator does, instead of one's own.
    pub all_users: bool,
    /// Go on though the ledger was last written at a later time than this machine's clock shows.
    pub trust_clock: bool,
}

/// A run that is kept and listed, but could not be counted.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct NotPriced {
    /// Which.
    pub run: RunKey,
    /// Why.
    pub reason: String,
}

/// What a settlement did.
#[derive(Clone, Debug, Default, serde::Serialize)]
pub struct SettleReport {
    /// Site and cluster.
    pub place: String,
    /// Whose runs it covers: `user:ada`, or `all:carol` for all that carol sees.
    pub scope: String,
    /// Since when accounting was asked.
    pub since: Option<Timestamp>,
    /// Until when everything of the scope is settled now.
    pub settled_until: Option<Timestamp>,
    /// What became of the runs that were read.
    #[serde(flatten)]
    pub counts: Counts,
    /// All runs in the ledger that nobody was charged for, whoever entered them when.
    pub unattributed_in_all: u64,
    /// Runs that somebody pays for and nobody could price. They are in the books, and charged once they have a price.
    pub not_priced: Vec<NotPriced>,
    /// Rows of accounting that were not taken in, with the reason. They are read again by every settlement.
    pub rejected: BTreeSet<String>,
    /// Runs under way.
    pub running: u64,
    /// Jobs that wait.
    pub pending: u64,
    /// Running and waiting jobs that have no price, so that no balance counts them.
    pub uncounted: u64,
    /// Runs that accounting still calls running, long after their limit, and that the queue does not know.
    pub runaway: Vec<RunKey>,
    /// Holds that follow a job which was changed.
    pub amended: Vec<AmendedHold>,
    /// Jobs whose hold was closed.
    pub closed: Vec<JobId>,
    /// Jobs whose hold was given back because nobody has known them for long.
    pub lost: Vec<LostJob>,
    /// Jobs that neither queue nor accounting knows.
    pub unknown: Vec<JobId>,
    /// Jobs that were begun and never sent, with a hold that stays.
    pub unsent: Vec<JobId>,
    /// What else there is to say.
    pub notes: Vec<String>,
    /// What was forfeited, and what was forgiven, as far as it was entered now.
    pub expired: Vec<Expiry>,
}

impl SettleReport {
    /// Whether all that was read could be taken in and counted.
    pub fn is_complete(&self) -> bool {
        self.not_priced.is_empty() && self.rejected.is_empty()
    }

    /// Counts what became of runs; the commands are those that settle, in order, and the outcomes theirs.
    pub(super) fn count(&mut self, commands: &[Command], outcomes: &[Outcome]) -> Result<(), AmountError> {
        for (command, outcome) in commands.iter().zip(outcomes) {
            let (Command::Settle(settled), Outcome::Settled(outcome)) = (command, outcome) else { continue };
            if let Some(NotTaken::Rejected(reason)) = self.counts.count(settled, outcome)? {
                self.reject(&format!("{}: {reason}", named(&settled.run.key)));
            }
        }
        Ok(())
    }

    /// Notes a row that was not taken in, once, whatever stands in it: it goes to a terminal.
    pub(super) fn reject(&mut self, what: &str) {
        self.rejected.insert(printable(what));
    }
}

impl Repriced for SettleReport {
    fn count(&mut self, commands: &[Command], outcomes: &[Outcome]) -> Result<(), AmountError> {
        Self::count(self, commands, outcomes)
    }

    fn not_priced(&mut self, run: NotPriced) {
        self.not_priced.push(run);
    }
}

/// What goes to a terminal of a text that may hold anything.
pub(crate) fn printable(text: &str) -> String {
    let letters = text.chars().take(LONGEST_REASON);
    letters.map(|letter| if letter.is_control() { '\u{fffd}' } else { letter }).collect()
}

/// A run as people know it.
pub(crate) fn named(key: &RunKey) -> String {
    format!("the run of job {} on {}, submitted at {}", key.scheduler_job, key.cluster, key.submitted_at)
}

/// The longest reason that is shown, in characters.
const LONGEST_REASON: usize = 300;
