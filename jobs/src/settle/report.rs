//! What a settlement was asked for, and what it did.

use ledger::{Command, Expiry, Outcome, SettleOutcome};
use model::{Amount, AmountError, JobId, ProjectName, RunKey, Timestamp, Unit};
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
    /// Runs charged for the first time.
    pub new: u64,
    /// Runs that were in the books before, charged or not, and say the same.
    pub same: u64,
    /// Runs whose entry was corrected.
    pub corrected: u64,
    /// Runs that no binding covers, as far as they were entered now.
    pub unattributed: u64,
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
    /// Jobs whose hold was closed.
    pub closed: Vec<JobId>,
    /// Jobs that neither queue nor accounting knows.
    pub unknown: Vec<JobId>,
    /// Jobs that were begun and never sent, with a hold that stays.
    pub unsent: Vec<JobId>,
    /// What else there is to say.
    pub notes: Vec<String>,
    /// What runs that were charged for the first time took, beyond any hold included; by project and unit.
    pub settled: Vec<SettledAmount>,
    /// What was forfeited, and what was forgiven, as far as it was entered now.
    pub expired: Vec<Expiry>,
}

/// What was charged to a project in a unit.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct SettledAmount {
    /// To whom.
    pub project: ProjectName,
    /// In which unit.
    pub unit: Unit,
    /// How much.
    pub amount: Amount,
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
            let key = &settled.run.key;
            match outcome {
                SettleOutcome::New { drawn, overrun, project, unit } => {
                    self.new += 1;
                    self.charge(project, unit, drawn.plus(*overrun)?)?;
                }
                SettleOutcome::Same | SettleOutcome::Stale => self.same += 1,
                SettleOutcome::Corrected { .. } => self.corrected += 1,
                SettleOutcome::Unattributed => self.unattributed += 1,
                // A run with a price that has no part in the unit of its budget, such as one without GPUs, is what the
                // budget is not for. Those without any price are listed from the books, also the ones of earlier
                // settlements.
                SettleOutcome::NotPriced { .. } => {
                    self.unattributed += u64::from(settled.price.known().is_some());
                }
                SettleOutcome::Rejected { reason } => self.reject(&format!("{}: {reason}", named(key))),
            }
        }
        Ok(())
    }

    fn charge(&mut self, project: &ProjectName, unit: &Unit, amount: Amount) -> Result<(), AmountError> {
        let place = self.settled.binary_search_by(|known| (&known.project, &known.unit).cmp(&(project, unit)));
        match place {
            Ok(place) => self.settled[place].amount = self.settled[place].amount.plus(amount)?,
            Err(place) => {
                let settled = SettledAmount { project: project.clone(), unit: unit.clone(), amount };
                self.settled.insert(place, settled);
            }
        }
        Ok(())
    }

    /// Notes a row that was not taken in, once, whatever stands in it: it goes to a terminal.
    pub(super) fn reject(&mut self, what: &str) {
        let printable: String = what
            .chars()
            .take(LONGEST_REASON)
            .map(|letter| if letter.is_control() { '\u{fffd}' } else { letter })
            .collect();
        self.rejected.insert(printable);
    }
}

/// A run as people know it.
fn named(key: &RunKey) -> String {
    format!("the run of job {} on {}, submitted at {}", key.scheduler_job, key.cluster, key.submitted_at)
}

/// The longest reason that is shown, in characters.
const LONGEST_REASON: usize = 300;
