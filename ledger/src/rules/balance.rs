//! Balances: totals, holds and observations put together, and the decision whether an amount is free.

use super::lots::expired;
use super::{Attribution, Charge, Seen, Spender, attribute, known_as_of, union};
use crate::records::{BalanceParts, Lot, Spent};
use crate::{EntryKind, Hold, HoldId, Refusal};
use model::{Amount, AmountError, Balance, Price, ProjectName, Stamp, Timestamp, Unit};
use std::collections::{BTreeMap, BTreeSet};

type Place = (ProjectName, Unit);
type Balances = BTreeMap<Place, Balance>;
type Holds<'a> = BTreeMap<HoldId, &'a Hold>;

/// The balance of every project and unit that occurs in the parts, by project and unit.
pub(crate) fn balances(parts: &BalanceParts, now: Timestamp) -> Result<Vec<Balance>, AmountError> {
    let mut balances = Balances::new();
    for (project, unit) in &parts.enforced {
        at(&mut balances, project, unit).is_enforced = true;
    }
    for total in &parts.totals {
        let balance = at(&mut balances, &total.project, &total.unit);
        match total.kind {
            EntryKind::Grant | EntryKind::Opening => balance.granted = balance.granted.plus(total.amount)?,
            _ => balance.used = balance.used.minus(total.amount)?,
        }
    }
    for lot in &parts.lots {
        add_lot(at(&mut balances, &lot.project, &lot.unit), lot, now)?;
    }
    take_out_expired(&mut balances, parts, now)?;
    let seen = union(&parts.observations, now);
    let drawn = add_observations(&mut balances, parts, &seen)?;
    for hold in parts.holds.iter().filter(|hold| hold.is_open()) {
        let running = drawn.get(&hold.id).copied().unwrap_or_default();
        let committed = hold.remainder()?.minus(running)?.max(Amount::ZERO);
        let balance = at(&mut balances, &hold.project, &hold.unit);
        balance.committed = balance.committed.plus(committed)?;
    }
    let as_of = known_as_of(&seen);
    for ((_, unit), balance) in &mut balances {
        balance.running_as_of = as_of.get(unit.site()).copied();
    }
    Ok(balances.into_values().collect())
}

fn at<'a>(balances: &'a mut Balances, project: &ProjectName, unit: &Unit) -> &'a mut Balance {
    balances.entry((project.clone(), unit.clone())).or_insert_with(|| Balance {
        project: project.clone(),
        unit: unit.clone(),
        granted: Amount::ZERO,
        expired: Amount::ZERO,
        used: Amount::ZERO,
        running: Amount::ZERO,
        running_as_of: None,
        committed: Amount::ZERO,
        foreign_committed: Amount::ZERO,
        ends_at: None,
        is_enforced: false,
        site_figure: None,
    })
}

/// A grant is already in the totals: one that has not begun is taken out again.
fn add_lot(balance: &mut Balance, lot: &Lot, now: Timestamp) -> Result<(), AmountError> {
    if lot.from > now {
        balance.granted = balance.granted.minus(lot.amount)?;
    } else if let Some(ends_at) = lot.ends_at.filter(|ends_at| *ends_at > now) {
        balance.ends_at = Some(balance.ends_at.map_or(ends_at, |earliest| earliest.min(ends_at)));
    }
    Ok(())
}

/// Takes what was left of grants that are over out of what is granted.
fn take_out_expired(balances: &mut Balances, parts: &BalanceParts, now: Timestamp) -> Result<(), AmountError> {
    let places: BTreeSet<(&ProjectName, &Unit)> =
        parts.spent.iter().map(|spent| (&spent.project, &spent.unit)).collect();
    for (project, unit) in places {
        let lots: Vec<&Lot> = parts.lots.iter().filter(|lot| lot.project == *project && lot.unit == *unit).collect();
        let is_here = |spent: &&Spent| spent.project == *project && spent.unit == *unit;
        let spent: Vec<&Spent> = parts.spent.iter().filter(is_here).collect();
        let balance = at(balances, project, unit);
        balance.expired = expired(&lots, &spent, now)?;
        balance.granted = balance.granted.minus(balance.expired)?;
    }
    Ok(())
}

/// Adds what runs and waits; the answer is what the running jobs of each hold have used of it.
fn add_observations(
    balances: &mut Balances,
    parts: &BalanceParts,
    seen: &[Seen<'_>],
) -> Result<BTreeMap<HoldId, Amount>, AmountError> {
    let holds: Holds<'_> = parts.holds.iter().map(|hold| (hold.id, hold)).collect();
    let mut drawn = BTreeMap::<HoldId, Amount>::new();
    for seen in seen {
        for run in &seen.running {
            let spender = Spender::of_running(run, seen.observation.as_of);
            let hold = hold_of(&holds, run.stamp);
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
fn add_pending(
    balances: &mut Balances,
    parts: &BalanceParts,
    holds: &Holds<'_>,
    seen: &Seen<'_>,
) -> Result<(), AmountError> {
    for pending in &seen.pending {
        let hold = hold_of(holds, pending.stamp);
        if hold.is_some_and(Hold::is_open) {
            continue;
        }
        let spender = Spender::of_pending(pending, &seen.observation.site, seen.observation.as_of);
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

/// The refusal of an amount that an enforced budget does not cover; none where it does or is not enforced.
pub(crate) fn refusal(
    parts: &BalanceParts,
    project: &ProjectName,
    unit: &Unit,
    wanted: Amount,
    now: Timestamp,
) -> Result<Option<Refusal>, AmountError> {
    let found = balances(parts, now)?.into_iter().find(|balance| balance.project == *project && balance.unit == *unit);
    let Some(balance) = found.filter(|balance| balance.is_enforced) else { return Ok(None) };
    let free = balance.free()?;
    if wanted <= Amount::ZERO || free.minus(wanted)? >= Amount::ZERO {
        return Ok(None);
    }
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
