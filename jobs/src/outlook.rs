//! How budgets stand with their sites, and what happens when.

use crate::{
    error::{Gravity, JobsError},
    house::House,
};
use ledger::{BalanceQuery, Book, Budget, Decision, Event, LotBalance, LotError, LotId, Policy, Standing};
use model::{Amount, ProjectName, Unit, Window, Zone};
use serde::Serialize;

/// What a budget's policy says of it.
#[derive(Clone, Debug, Serialize)]
pub struct Outlook {
    /// The policy; none where nobody has said, and it is taken as one amount that ends.
    pub policy: Option<Policy>,
    /// In which its months and quarters begin.
    pub zone: Zone,
    /// How it stands now.
    pub standing: Standing,
    /// What a day has taken in the last weeks; none where nothing ran.
    pub a_day: Option<Amount>,
    /// What happens when nothing more is spent.
    pub events: Vec<Event>,
    /// What happens when the last weeks go on; none where nothing ran.
    pub events_at_rate: Option<Vec<Event>>,
    /// What became of each lot.
    pub lots: Vec<LotBalance>,
    /// What runs, is held and waits takes of each lot, where it takes anything.
    pub reserved: Vec<ReservedLot>,
}

/// What the policy says to a job.
#[derive(Clone, Debug, Serialize)]
pub struct Advice {
    /// The policy; none where nobody has said, and it is taken as one amount that ends.
    pub policy: Option<Policy>,
    /// What it says.
    #[serde(flatten)]
    pub decision: Decision,
    /// The unit of its amounts.
    pub unit: Unit,
    /// In which its dates are shown.
    pub zone: Zone,
    /// Whether the site lets jobs that wait start as usual only when they are submitted again.
    pub wants_resubmission: bool,
    /// Whether it is known what is free; where not, the policy can count only what the books have.
    pub is_free_known: bool,
    /// Whether the budget is enforced and does not cover the job: then it is refused.
    pub is_refused: bool,
}

impl Advice {
    /// Whether somebody has said what the site does with the budget, and it does something.
    pub fn is_known(&self) -> bool {
        self.policy.is_some_and(|policy| policy != Policy::None)
    }
}

/// What is reserved of a lot.
#[derive(Clone, Debug, Serialize)]
pub struct ReservedLot {
    /// Which.
    pub lot: LotId,
    /// What it was given for.
    pub period: Window,
    /// How much.
    pub amount: Amount,
}

const DAY_SECONDS: i64 = 86_400;

fn reserved(budget: &Budget) -> Result<Vec<ReservedLot>, LotError> {
    let book = budget.book()?;
    let lots = budget.reserved_of_lots()?.into_iter().filter(|(_, amount)| *amount > Amount::ZERO);
    let told = lots.filter_map(|(id, amount)| {
        let known = book.lots().iter().find(|known| known.lot.id == id)?;
        Some(ReservedLot { period: known.lot.period, lot: id, amount })
    });
    let mut told: Vec<ReservedLot> = told.collect();
    told.sort_by_key(|reserved| reserved.period.from);
    Ok(told)
}

/// The outlook of a budget.
pub fn outlook(budget: &Budget) -> Result<Outlook, JobsError> {
    let told = || -> Result<Outlook, LotError> {
        let rate = budget.rate();
        Ok(Outlook {
            policy: budget.policy,
            zone: budget.zone.clone(),
            standing: budget.standing()?,
            a_day: rate.map(|rate| rate.spent_in(DAY_SECONDS)).transpose()?,
            events: budget.outlook(None)?,
            events_at_rate: rate.map(|rate| budget.outlook(Some(rate))).transpose()?,
            lots: budget.book()?.lots().to_vec(),
            reserved: reserved(budget)?,
        })
    };
    told().map_err(|error| bug(error.to_string()))
}

/// What a budget's policy says to a job that may use so much over a time.
pub(crate) fn advice(budget: &Budget, wanted: Amount, over: Option<Window>) -> Result<Advice, JobsError> {
    let told = || -> Result<Advice, LotError> {
        Ok(Advice {
            policy: budget.policy,
            decision: budget.decide(wanted)?,
            unit: budget.balance.unit.clone(),
            zone: budget.zone.clone(),
            wants_resubmission: budget.policy.is_some_and(|policy| policy.wants_resubmission()),
            is_free_known: budget.balance.completeness.is_known(),
            is_refused: budget.balance.is_enforced && !budget.covers(wanted, over)?,
        })
    };
    told().map_err(|error| bug(error.to_string()))
}

/// The budget of a project in a unit; none where the ledger knows nothing of it.
pub(crate) async fn budget_of(
    house: &House,
    book: &dyn Book,
    project: &ProjectName,
    unit: &Unit,
) -> Result<Option<Budget>, ledger::LedgerError> {
    let query =
        BalanceQuery { project: Some(project.clone()), site: Some(unit.site().clone()), ..BalanceQuery::default() };
    let budgets = book.budgets(&query, house.clock.now()).await?;
    Ok(budgets.into_iter().find(|budget| budget.balance.unit == *unit))
}

/// What is free of a budget before and after a job; the most that can be, where nobody knows it.
pub fn free_before_and_after(
    budget: &Budget,
    wanted: Amount,
    over: Option<Window>,
) -> Result<(Amount, Amount), JobsError> {
    let told = || -> Result<_, LotError> { Ok((budget.balance.free()?, budget.free_after(wanted, over)?)) };
    told().map_err(|error| bug(error.to_string()))
}

fn bug(why: String) -> JobsError {
    JobsError::new(Gravity::Bug, "the budget was not computed", why, "please report it")
}
