//! What budgets spent, hour by hour: sums that stores keep beside the entries.

use crate::records::{Result, Spent};
use crate::rules::{HOUR_SECONDS, Terms, spending};
use crate::{Entry, EntryKind};
use model::{Amount, Timestamp};
use std::collections::BTreeMap;

/// What entries spent in each hour, and of that by runs, under the place that the store gives their budget.
pub(crate) fn hours<P: Ord>(
    entries: &[Entry],
    place: impl Fn(&Entry) -> Result<P>,
) -> Result<BTreeMap<(P, i64), (Amount, Amount)>> {
    let mut hours = BTreeMap::<(P, i64), (Amount, Amount)>::new();
    for entry in entries {
        let Some(amount) = spending(entry)? else { continue };
        let hour = entry.effective_at.epoch_seconds().div_euclid(HOUR_SECONDS);
        let (spent, by_runs) = hours.entry((place(entry)?, hour)).or_default();
        *spent = spent.plus(amount)?;
        if entry.links.run.is_some() {
            *by_runs = by_runs.plus(amount)?;
        }
    }
    Ok(hours)
}

/// What each budget spent between the borders that its terms name up to `now`. `sums_of` finds the sums of a budget, which
/// has none where no entry names it; `between` is what they come to from an instant on, or from the beginning, and before another
/// one: no sum is added up twice, however many lots there are.
pub(crate) fn spent<S>(
    terms: &[Terms],
    now: Timestamp,
    sums_of: impl Fn(&Terms) -> Result<Option<S>>,
    between: impl Fn(&S, Option<Timestamp>, Timestamp) -> Result<Amount>,
) -> Result<Vec<Spent>> {
    let mut found = Vec::new();
    for budget in terms {
        let cuts = budget.cuts(now)?;
        if cuts.is_empty() {
            continue;
        }
        let Some(sums) = sums_of(budget)? else { continue };
        let mut from = None;
        for until in cuts {
            let amount = between(&sums, from, until)?;
            let (project, unit) = (budget.project.clone(), budget.unit.clone());
            found.push(Spent { project, unit, until, amount });
            from = Some(until);
        }
    }
    Ok(found)
}

/// The kinds of entries that spend, as a list for a statement.
pub(crate) fn consumption() -> String {
    let kinds = EntryKind::ALL.into_iter().filter(|kind| kind.spends()).map(|kind| format!("'{kind}'"));
    kinds.collect::<Vec<_>>().join(", ")
}
