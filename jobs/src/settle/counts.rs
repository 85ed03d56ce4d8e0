//! What became of runs that were posted.

use ledger::{Paid, SettleOutcome, SettledRun};
use model::{Amount, AmountError, EndState, ProjectName, Unit};

/// How many runs came to what.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Counts {
    /// Runs charged for the first time.
    pub new: u64,
    /// Runs that were in the books before, charged or not, and say the same.
    pub same: u64,
    /// Runs that had no price before, and are charged for the first time.
    pub priced: u64,
    /// Runs whose entry was corrected.
    pub corrected: u64,
    /// Runs that ended before an opening of their budget says what was used, and are in it: nobody is charged for them.
    pub covered: u64,
    /// Runs that no binding covers, as far as they were entered now.
    pub unattributed: u64,
    /// Runs of whatever count of which nobody can say how they ended: their row has a word that no known release prints.
    pub unknown_end_states: u64,
    /// By what all of that changed the books: first charges, beyond any hold included, and the differences that corrections
    /// make; by project and unit.
    pub settled: Vec<SettledAmount>,
    /// What of it was charged for runs that had no price before.
    pub first_prices: Vec<SettledAmount>,
    /// What corrected runs were charged, and are charged now; by unit.
    pub corrections: Vec<CorrectedAmount>,
}

/// What was charged to a project in a unit; less than nothing where it got something back.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct SettledAmount {
    /// To whom.
    pub project: ProjectName,
    /// In which unit.
    pub unit: Unit,
    /// How much.
    pub amount: Amount,
}

/// What corrections changed in a unit.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct CorrectedAmount {
    /// In which unit.
    pub unit: Unit,
    /// What the runs were charged before.
    pub before: Amount,
    /// What they are charged now.
    pub after: Amount,
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
        if let SettleOutcome::Rejected { reason } = outcome {
            return Ok(Some(NotTaken::Rejected(reason)));
        }
        self.unknown_end_states += u64::from(settled.run.state.end() == EndState::UNKNOWN);
        match outcome {
            SettleOutcome::New { drawn, overrun, project, unit } => {
                self.new += 1;
                charge(&mut self.settled, project, unit, drawn.plus(*overrun)?)?;
            }
            SettleOutcome::Same | SettleOutcome::Stale => self.same += 1,
            SettleOutcome::Priced(Paid { project, unit, amount }) => {
                self.priced += 1;
                charge(&mut self.settled, project, unit, *amount)?;
                charge(&mut self.first_prices, project, unit, *amount)?;
            }
            SettleOutcome::Corrected { before, after } => self.correct(before.as_ref(), after.as_ref())?,
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

    /// Counts a run that was charged something else before, or nothing.
    pub(crate) fn correct(&mut self, before: Option<&Paid>, after: Option<&Paid>) -> Result<(), AmountError> {
        self.corrected += 1;
        if let Some(Paid { project, unit, amount }) = before {
            charge(&mut self.settled, project, unit, amount.negated()?)?;
            let sum = self.correction(unit);
            sum.before = sum.before.plus(*amount)?;
        }
        if let Some(Paid { project, unit, amount }) = after {
            charge(&mut self.settled, project, unit, *amount)?;
            let sum = self.correction(unit);
            sum.after = sum.after.plus(*amount)?;
        }
        self.settled.retain(|settled| settled.amount != Amount::ZERO);
        Ok(())
    }

    fn correction(&mut self, unit: &Unit) -> &mut CorrectedAmount {
        let place = self.corrections.iter().position(|known| known.unit == *unit).unwrap_or_else(|| {
            let (before, after) = (Amount::ZERO, Amount::ZERO);
            self.corrections.push(CorrectedAmount { unit: unit.clone(), before, after });
            self.corrections.len() - 1
        });
        &mut self.corrections[place]
    }
}

fn charge(
    sums: &mut Vec<SettledAmount>,
    project: &ProjectName,
    unit: &Unit,
    amount: Amount,
) -> Result<(), AmountError> {
    let place = sums.binary_search_by(|known| (&known.project, &known.unit).cmp(&(project, unit)));
    match place {
        Ok(place) => sums[place].amount = sums[place].amount.plus(amount)?,
        Err(place) => sums.insert(place, SettledAmount { project: project.clone(), unit: unit.clone(), amount }),
    }
    Ok(())
}
