//! A budget as it stands: its balance, and what its policy says of it.

use super::budget_coverage::{BudgetCoverage, budget_coverage};
use super::parts_by_budget::PartsByBudget;
use super::{
    Decision, Event, Facts, Gap, GrantTerms, HardStop, LotBook, LotError, LotId, Policy, Rate, Reservation, Reserved,
    Spending, Standing, reserve,
};
use crate::records::Spent;
use crate::{Grant, SetPolicy};
use model::{Amount, AmountError, Balance, ProjectName, Timestamp, Unit, Window, Zone};
use rustc_hash::FxHashMap;

/// What a budget was given, and by which rules.
#[derive(Clone, Debug)]
pub(crate) struct Terms {
    pub(crate) project: ProjectName,
    pub(crate) unit: Unit,
    /// None where nobody said.
    pub(crate) policy: Option<Policy>,
    pub(crate) zone: Zone,
    pub(crate) grants: Vec<GrantTerms>,
}

/// The terms of every project and unit that was granted something or given a policy.
pub(crate) fn terms(grants: &[Grant], policies: Vec<SetPolicy>) -> Result<Vec<Terms>, AmountError> {
    let mut terms: Vec<Terms> = Vec::new();
    let mut places = FxHashMap::default();
    for SetPolicy { project, unit, policy, zone } in policies {
        places.insert((project.clone(), unit.clone()), terms.len());
        terms.push(Terms { project, unit, policy: Some(policy), zone, grants: Vec::new() });
    }
    for grant in grants {
        let (project, unit) = (&grant.terms.project, &grant.terms.unit);
        let place = *places.entry((project.clone(), unit.clone())).or_insert_with(|| {
            terms.push(Terms::unsaid(project, unit));
            terms.len() - 1
        });
        terms[place].grants.push(grant.for_policy()?);
    }
    Ok(terms)
}

impl Terms {
    /// Of a budget that nobody has said anything about.
    pub(crate) fn unsaid(project: &ProjectName, unit: &Unit) -> Self {
        let (project, unit) = (project.clone(), unit.clone());
        Self { project, unit, policy: None, zone: Zone::utc(), grants: Vec::new() }
    }

    /// The borders before `now` between which the store has to tell what was spent. None where they make no difference: one
    /// lot that is not over pays for everything, whenever it was spent.
    pub(crate) fn cuts(&self, now: Timestamp) -> Result<Vec<Timestamp>, LotError> {
        let policy = counted(self.policy);
        let lots = policy.lots(&self.grants, &self.zone)?;
        let begun = lots.iter().filter(|lot| lot.usable.from <= now).count();
        if begun <= 1 && lots.iter().all(|lot| lot.usable.to > now) {
            return Ok(Vec::new());
        }
        let mut borders = super::borders_of(&lots);
        borders.retain(|border| *border < now);
        Ok(borders)
    }

    /// What was spent, cut where the policy wants it: as the store measured it, and whatever is left of `total` up to now.
    /// A run that ended on a host whose clock is ahead is spent by now, too.
    fn spending(&self, measured: &[&Spent], total: Amount, now: Timestamp) -> Result<Vec<Spending>, LotError> {
        let mut borders = counted(self.policy).borders(&self.grants, &self.zone)?;
        borders.retain(|border| *border < now);
        let (mut spending, mut left) = (Vec::with_capacity(borders.len() + 1), total);
        for until in borders {
            let amount = measured.iter().find(|spent| spent.until == until).map_or(Amount::ZERO, |spent| spent.amount);
            left = left.minus(amount)?;
            spending.push(Spending { until, amount });
        }
        spending.push(Spending { until: now, amount: left });
        Ok(spending)
    }
}

/// The policy by which the numbers are told. Where there is no budget, or nobody has said which it is, a grant is one amount
/// until its end.
fn counted(policy: Option<Policy>) -> Policy {
    match policy {
        None | Some(Policy::None) => HardStop {}.into(),
        Some(policy) => policy,
    }
}

/// A budget at an instant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Budget {
    /// Its numbers.
    pub balance: Balance,
    /// What its programme lets it do; none where nobody said, and it is taken as one amount that ends.
    pub policy: Option<Policy>,
    /// The zone in which its months and quarters begin.
    pub zone: Zone,
    /// What was granted, for later too.
    pub grants: Vec<GrantTerms>,
    /// What was spent, between the borders of its lots.
    pub spending: Vec<Spending>,
    /// What is held for jobs that are expected at a time that is known.
    pub expected: Vec<Reservation>,
    /// What its runs consumed in the last [`Self::RECENT_SECONDS`].
    pub recent: Amount,
    /// Runs that it may have to pay for, and that nobody read.
    pub gaps: Vec<Gap>,
    /// The instant.
    pub as_of: Timestamp,
}

impl Budget {
    /// The time over which a rate is taken: four weeks.
    pub const RECENT_SECONDS: i64 = 28 * 86_400;

    pub(super) fn of(
        mut balance: Balance,
        terms: &Terms,
        parts: &PartsByBudget<'_>,
        total: Amount,
        as_of: Timestamp,
    ) -> Result<Self, LotError> {
        let own = parts.budget(&terms.project, &terms.unit);
        let spending = terms.spending(&own.spent, total, as_of)?;
        let facts =
            Facts { grants: &terms.grants, spending: &spending, reserved: Amount::ZERO, now: as_of, zone: &terms.zone };
        let book = counted(terms.policy).book(&facts)?;
        put_lots(&mut balance, &book, &terms.grants, as_of)?;
        let BudgetCoverage { completeness, unseen, until, gaps } =
            budget_coverage(&balance, &terms.grants, parts, as_of)?;
        (balance.completeness, balance.unseen, balance.complete_as_of) = (completeness, unseen, until);
        let recent = own.recent;
        let Terms { policy, zone, grants, .. } = terms.clone();
        Ok(Self { balance, policy, zone, grants, spending, expected: Vec::new(), recent, gaps, as_of })
    }

    /// The same with what is held for jobs that are expected at known times, which its balance has as committed already.
    pub(super) fn reserving(mut self, expected: Vec<Reservation>) -> Result<Self, LotError> {
        if !expected.is_empty() {
            self.expected = expected;
            self.balance.committed_later = self.committed_later()?;
        }
        Ok(self)
    }

    /// What of the dated reservations leaves what is free now as it is: whatever they would not lack if all that is in reach
    /// were spent at once, and is not due before the next lot begins or ends.
    fn committed_later(&self) -> Result<Amount, LotError> {
        let (dated, now) = (self.dated()?, self.reserved_now()?);
        let in_reach = self.book()?.usable()?.minus(now)?.max(Amount::ZERO);
        let plain = self.reserved(None)?;
        let lacking = match in_reach {
            Amount::ZERO => Amount::ZERO,
            all => self.reserved(Some(Reservation { amount: all, over: None }))?.beyond.minus(plain.beyond)?,
        };
        Ok(dated.minus(lacking.max(plain.due_now.minus(now)?))?.max(Amount::ZERO))
    }

    fn dated(&self) -> Result<Amount, LotError> {
        Ok(Amount::sum(self.expected.iter().map(|reservation| reservation.amount))?)
    }

    /// What runs, waits elsewhere, is held at no known time, and ran unseen.
    fn reserved_now(&self) -> Result<Amount, LotError> {
        let Balance { running, committed, foreign_committed, unseen, .. } = &self.balance;
        Ok(Amount::sum([*running, committed.minus(self.dated()?)?, *foreign_committed, *unseen])?)
    }

    /// What everything that runs and is held takes of the lots, and one thing more.
    fn reserved(&self, more: Option<Reservation>) -> Result<Reserved, LotError> {
        let now = Reservation { amount: self.reserved_now()?, over: None };
        let all: Vec<Reservation> = [now].into_iter().chain(self.expected.iter().copied()).chain(more).collect();
        reserve(&self.book()?, &all)
    }

    /// What is running, held and waiting is to take of each lot.
    pub fn reserved_of_lots(&self) -> Result<Vec<(LotId, Amount)>, LotError> {
        Ok(self.reserved(None)?.lots.into_iter().collect())
    }

    /// What of a job that is expected over a time no lot covers, beside everything else; and what nobody covers with it.
    fn uncovered(&self, wanted: Amount, over: Option<Window>) -> Result<(Amount, Amount), LotError> {
        let more = Reservation { amount: wanted, over };
        let (without, with) = (self.reserved(None)?.beyond, self.reserved(Some(more))?.beyond);
        Ok((with.minus(without)?, self.book()?.owed().max(Amount::ZERO).plus(with)?))
    }

    /// What is free for a job that may use so much over a time; now, where no time is known.
    pub fn free_over(&self, wanted: Amount, over: Option<Window>) -> Result<Amount, LotError> {
        let free = self.balance.free()?;
        if over.is_none() {
            return Ok(free);
        }
        let covered = wanted.minus(self.uncovered(wanted, over)?.0)?;
        Ok(if covered > Amount::ZERO { covered } else { free.min(Amount::ZERO) })
    }

    /// What is free now once so much is held over a time.
    pub fn free_after(&self, wanted: Amount, over: Option<Window>) -> Result<Amount, LotError> {
        let mut after = self.clone();
        after.balance.committed = after.balance.committed.plus(wanted)?;
        let dated = over.map(|_| Reservation { amount: wanted, over });
        let expected = self.expected.iter().copied().chain(dated).collect();
        Ok(after.reserving(expected)?.balance.free()?)
    }

    fn facts(&self) -> Result<Facts<'_>, LotError> {
        let (grants, spending, zone) = (&self.grants, &self.spending, &self.zone);
        Ok(Facts { grants, spending, reserved: Facts::reserved_of(&self.balance)?, now: self.as_of, zone })
    }

    fn rules(&self) -> Policy {
        self.policy.unwrap_or_else(|| HardStop {}.into())
    }

    /// Its lots, and what became of each.
    pub fn book(&self) -> Result<LotBook, LotError> {
        counted(self.policy).book(&self.facts()?)
    }

    /// What the policy says to a job that may use so much.
    pub fn decide(&self, wanted: Amount) -> Result<Decision, LotError> {
        self.rules().decide(&self.facts()?, wanted)
    }

    /// How the project stands with its site.
    pub fn standing(&self) -> Result<Standing, LotError> {
        self.rules().standing(&self.facts()?)
    }

    /// How far below nothing an enforced budget may go.
    pub fn overdraft(&self) -> Result<Amount, LotError> {
        counted(self.policy).overdraft(&self.facts()?)
    }

    /// Whether an enforced budget lets through a job that may use so much over a time; now, where no time is known.
    pub fn covers(&self, wanted: Amount, over: Option<Window>) -> Result<bool, LotError> {
        if wanted <= Amount::ZERO {
            return Ok(true);
        }
        if over.is_none() {
            return Ok(self.balance.free()?.minus(wanted)?.plus(self.overdraft()?)? >= Amount::ZERO);
        }
        let (of_it, of_all) = self.uncovered(wanted, over)?;
        Ok(of_it <= Amount::ZERO || of_all <= self.overdraft()?)
    }

    /// The mean rate of the last weeks, counted from the first grant's start where that is later; none where nothing ran.
    pub fn rate(&self) -> Option<Rate> {
        const DAY: i64 = 86_400;
        let began = self.grants.iter().map(|grant| grant.window.from).min().unwrap_or(self.as_of);
        let seconds = self.as_of.seconds_since(began).clamp(DAY, Self::RECENT_SECONDS);
        Rate::new(self.recent, seconds.unsigned_abs())
    }

    /// What happens when: while nothing more is spent, or at a rate.
    pub fn outlook(&self, rate: Option<Rate>) -> Result<Vec<Event>, LotError> {
        self.rules().outlook(&self.facts()?, rate)
    }
}

/// Puts what became of the lots into a balance, which has what was used and, in `granted`, the openings.
fn put_lots(balance: &mut Balance, book: &LotBook, grants: &[GrantTerms], now: Timestamp) -> Result<(), LotError> {
    let has_begun = |key: &str| grants.iter().any(|grant| grant.key == key && grant.window.from <= now);
    for lot in book.lots().iter().map(|known| &known.lot) {
        if lot.usable.from <= now {
            balance.granted = balance.granted.plus(lot.amount)?;
        } else if has_begun(&lot.id.grant) {
            balance.later = balance.later.plus(lot.amount)?;
        }
    }
    balance.expired = book.expired()?;
    balance.forgiven = book.struck();
    balance.granted = balance.granted.minus(balance.expired)?;
    balance.ends_at = book.in_force().map(|known| known.lot.usable.to).min();
    Ok(())
}
