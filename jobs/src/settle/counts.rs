//! What became of runs that were posted.

use ledger::{SettleOutcome, SettledRun};
use model::{Amount, AmountError, ProjectName, Unit};

/// How many runs came to what.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Counts {
    /// Runs charged for the first time.
    pub new: u64,
    /// Runs that were in the books before, charged or not, and say the same.
    pub same: u64,
    /// Runs whose entry was corrected.
    pub corrected: u64,
    /// Runs that ended before an opening of their budget says what was used, and are in it: nobody is charged for them.
    pub covered: u64,
    /// Runs that no binding covers, as far as they were entered now.
    pub unattributed: u64,
    /// What runs that were charged for the first time took, beyond any hold included; by project and unit.
    pub settled: Vec<SettledAmount>,
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

/// Why a run is in none of the counts.
pub(crate) enum NotTaken<'a> {
    /// Somebody pays for it, and nobody could price it.
    NotPriced(&'a str),
    /// It is not in the books.
    Rejected(&'a str),
}

impl Counts {
    /// Counts what became of a run.
    pub(crate) fn count<'a>(
        &mut self,
        settled: &SettledRun,
        outcome: &'a SettleOutcome,
    ) -> Result<Option<NotTaken<'a>>, AmountError> {
        match outcome {
            SettleOutcome::New { drawn, overrun, project, unit } => {
                self.new += 1;
                self.charge(project, unit, drawn.plus(*overrun)?)?;
            }
            SettleOutcome::Same | SettleOutcome::Stale => self.same += 1,
            SettleOutcome::Corrected { .. } => self.corrected += 1,
            SettleOutcome::Covered { .. } => self.covered += 1,
            SettleOutcome::Unattributed => self.unattributed += 1,
            // A run with a price that has no part in the unit of its budget, such as one without GPUs, is what the budget
            // is not for.
            SettleOutcome::NotPriced { .. } if settled.price.known().is_some() => self.unattributed += 1,
            SettleOutcome::NotPriced { reason } => return Ok(Some(NotTaken::NotPriced(reason))),
            SettleOutcome::Rejected { reason } => return Ok(Some(NotTaken::Rejected(reason))),
        }
        Ok(None)
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
}
