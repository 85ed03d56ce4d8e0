//! Balances: totals, holds and observations put together, and the decision whether an amount is free.

use super::parts_by_budget::PartsByBudget;
use super::{Attribution, Budget, Charge, LotError, Reservation, Seen, Spender, Terms, attribute, known_as_of, union};
use crate::records::{BalanceParts, NotedFigure, Total};
use crate::{EntryKind, Hold, HoldId, Refusal};
use model::{Amount, Balance, Completeness, Price, ProjectName, SiteFigure, Stamp, Timestamp, Unit, Window};
use std::collections::BTreeMap;

type Result<T> = std::result::Result<T, LotError>;
type Place = (ProjectName, Unit);
type Balances = BTreeMap<Place, Balance>;
type Holds<'a> = BTreeMap<HoldId, &'a Hold>;

/// The budget of every project and unit that occurs in the parts, by project and unit.
pub(crate) fn budgets(parts: &BalanceParts, now: Timestamp) -> Result<Vec<Budget>> {
    let mut balances = Balances::new();
    for (project, unit) in &parts.enforced {
        at(&mut balances, project, unit).is_enforced = true;
    }
    for NotedFigure { figure, settled } in &parts.figures {
        at(&mut balances, &figure.project, &figure.unit).site_figure = Some(SiteFigure {
            granted: figure.granted,
            used: figure.used,
            since: figure.since,
            as_of: figure.as_of,
            source: figure.source.clone(),
            settled: *settled,
        });
    }
    let spent = add_totals(&mut balances, parts)?;
    let dated = add_jobs(&mut balances, parts, now)?;
    let terms: BTreeMap<(&ProjectName, &Unit), &Terms> =
        parts.terms.iter().map(|terms| ((&terms.project, &terms.unit), terms)).collect();
    let by_budget = PartsByBudget::of(parts);
    let mut budgets = Vec::with_capacity(balances.len());
    for ((project, unit), balance) in balances {
        let total = spent.get(&(&project, &unit)).copied().unwrap_or_default();
        let held = dated.get(&(project.clone(), unit.clone())).cloned().unwrap_or_default();
        let unsaid = Terms::unsaid(&project, &unit);
        let terms = terms.get(&(&project, &unit)).copied().unwrap_or(&unsaid);
        budgets.push(Budget::of(balance, terms, &by_budget, total, now)?.reserving(held)?);
    }
    Ok(budgets)
}

/// The balance of every project and unit that occurs in the parts, by project and unit.
pub(crate) fn balances(parts: &BalanceParts, now: Timestamp) -> Result<Vec<Balance>> {
    Ok(budgets(parts, now)?.into_iter().map(|budget| budget.balance).collect())
}

/// Adds what was used, and what was used before; the answer is what was spent of each budget altogether.
fn add_totals<'a>(
    balances: &mut Balances,
    parts: &'a BalanceParts,
) -> Result<BTreeMap<(&'a ProjectName, &'a Unit), Amount>> {
    let mut spent = BTreeMap::<_, Amount>::new();
    for Total { project, unit, kind, amount } in &parts.totals {
        let balance = at(balances, project, unit);
        if !kind.spends() {
            continue;
        }
        match kind {
            EntryKind::Opening => balance.granted = balance.granted.plus(*amount)?,
            _ => balance.used = balance.used.minus(*amount)?,
        }
        let sum = spent.entry((project, unit)).or_default();
        *sum = sum.minus(*amount)?;
    }
    Ok(spent)
}

/// Adds what runs, waits and is held; the answer is what is held for jobs that are expected at a time that is known.
fn add_jobs(
    balances: &mut Balances,
    parts: &BalanceParts,
    now: Timestamp,
) -> Result<BTreeMap<Place, Vec<Reservation>>> {
    let mut dated = BTreeMap::<Place, Vec<Reservation>>::new();
    let seen = union(&parts.observations, now);
    let drawn = add_observations(balances, parts, &seen)?;
    for hold in parts.holds.iter().filter(|hold| hold.is_open()) {
        let running = drawn.get(&hold.id).copied().unwrap_or_default();
        let committed = hold.remainder()?.minus(running)?.max(Amount::ZERO);
        let balance = at(balances, &hold.project, &hold.unit);
        balance.committed = balance.committed.plus(committed)?;
        if hold.expected.is_some() && committed > Amount::ZERO {
            let reservation = Reservation { amount: committed, over: hold.expected };
            dated.entry((hold.project.clone(), hold.unit.clone())).or_default().push(reservation);
        }
    }
    let as_of = known_as_of(&seen);
    for ((_, unit), balance) in balances {
        balance.running_as_of = as_of.get(unit.site()).copied();
    }
    Ok(dated)
}

fn at<'a>(balances: &'a mut Balances, project: &ProjectName, unit: &Unit) -> &'a mut Balance {
    balances.entry((project.clone(), unit.clone())).or_insert_with(|| empty(project, unit))
}

/// A balance of nothing.
pub(super) fn empty(project: &ProjectName, unit: &Unit) -> Balance {
    Balance {
        project: project.clone(),
        unit: unit.clone(),
        granted: Amount::ZERO,
        later: Amount::ZERO,
        forgiven: Amount::ZERO,
        expired: Amount::ZERO,
        used: Amount::ZERO,
        running: Amount::ZERO,
        running_as_of: None,
        committed: Amount::ZERO,
        committed_later: Amount::ZERO,
        foreign_committed: Amount::ZERO,
        unseen: Amount::ZERO,
        completeness: Completeness::default(),
        complete_as_of: None,
        ends_at: None,
        is_enforced: false,
        site_figure: None,
    }
}

/// Adds what runs and waits; the answer is what the running jobs of each hold have used of it.
fn add_observations(
    balances: &mut Balances,
    parts: &BalanceParts,
    seen: &[Seen<'_>],
) -> Result<BTreeMap<HoldId, Amount>> {
    let holds: Holds<'_> = parts.holds.iter().map(|hold| (hold.id, hold)).collect();
    let mut drawn = BTreeMap::<HoldId, Amount>::new();
    for seen in seen {
        for run in &seen.running {
            let spender = Spender::of_running(run, seen.observation.as_of);
            let hold = hold_of(&holds, run.stamp).filter(|hold| hold.is_drawn_by(spender.site, spender.user));
            let Some(charge) = charge_of(parts, spender, &run.price_so_far, hold) else { continue };
            let balance = at(balances, &charge.project, &charge.unit);
            balance.running = balance.running.plus(charge.amount)?;
            if let Some(open) = hold.filter(|hold| hold.is_open()) {
                let sum = drawn.entry(open.id).or_default();
                *sum = sum.plus(charge.amount)?;
            } else if let Some(ceiling) = run.ceiling.in_unit(&charge.unit) {
                let rest = ceiling.minus(charge.amount)?.max(Amount::ZERO);
                balance.foreign_committed = balance.foreign_committed.plus(rest)?;
            }
        }
        add_pending(balances, parts, &holds, seen)?;
    }
    Ok(drawn)
}

/// A waiting job is committed by its hold where that is open, else by its own ceiling.
fn add_pending(balances: &mut Balances, parts: &BalanceParts, holds: &Holds<'_>, seen: &Seen<'_>) -> Result<()> {
    for pending in &seen.pending {
        let spender = Spender::of_pending(pending, &seen.observation.site, seen.observation.as_of);
        let hold = hold_of(holds, pending.stamp).filter(|hold| hold.is_drawn_by(spender.site, spender.user));
        if hold.is_some_and(Hold::is_open) {
            continue;
        }
        if let Some(charge) = charge_of(parts, spender, &pending.ceiling, hold) {
            let balance = at(balances, &charge.project, &charge.unit);
            balance.foreign_committed = balance.foreign_committed.plus(charge.amount)?;
        }
    }
    Ok(())
}

fn hold_of<'a>(holds: &Holds<'a>, stamp: Option<Stamp>) -> Option<&'a Hold> {
    holds.get(&HoldId(stamp?.job)).copied()
}

fn charge_of(parts: &BalanceParts, spender: Spender<'_>, price: &Price, hold: Option<&Hold>) -> Option<Charge> {
    match attribute(spender, Some(price), hold, &parts.bindings) {
        Attribution::Charged(charge) => Some(charge),
        Attribution::Unattributed(_) => None,
    }
}

const MOST_SHOWN: usize = 5;

/// The refusal of an amount that an enforced budget does not cover, its policy's overdraft included; none where it does or is
/// not enforced. What the site itself would do to such a job, low priority or nothing, does not matter: whoever enforces
/// wants no more spent than there is.
pub(crate) fn refusal(
    parts: &BalanceParts,
    (project, unit): (&ProjectName, &Unit),
    wanted: Amount,
    expected: Option<Window>,
    now: Timestamp,
) -> Result<Option<Refusal>> {
    let is_its = |budget: &Budget| budget.balance.project == *project && budget.balance.unit == *unit;
    let found = budgets(parts, now)?.into_iter().find(is_its).filter(|budget| budget.balance.is_enforced);
    let Some(budget) = found else { return Ok(None) };
    if budget.covers(wanted, expected)? {
        return Ok(None);
    }
    let (balance, free) = (&budget.balance, budget.free_over(wanted, expected)?);
    let is_of_place = |hold: &&Hold| hold.is_open() && hold.project == *project && hold.unit == *unit;
    let mut open: Vec<(Amount, &Hold)> = Vec::new();
    for hold in parts.holds.iter().filter(is_of_place) {
        open.push((hold.remainder()?, hold));
    }
    open.sort_by(|(one, first), (other, second)| other.cmp(one).then(first.id.cmp(&second.id)));
    Ok(Some(Refusal {
        project: project.clone(),
        unit: unit.clone(),
        wanted,
        free,
        ends_at: balance.ends_at,
        open_holds: open.len() as u64,
        blocking: open.into_iter().take(MOST_SHOWN).map(|(_, hold)| hold.clone()).collect(),
    }))
}
