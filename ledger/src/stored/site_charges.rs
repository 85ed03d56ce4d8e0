//! What sites charge for runs by their own formula, summed as usage is.
//!
//! Entries have what a budget is counted in. What the site charges stands with each run as it is known now: the first entry of its
//! present charge stands for it, as on a statement, so that what was corrected or moved counts once, where it is now.

use super::row::{StoredRow as _, unreadable};
use super::tables::{LogTables, Names as _};
use super::usage_queries::{Conditions, TAKEN_COLUMNS, each_taken, group, widest, within};
use crate::price_shape::PriceShape;
use crate::records::Result;
use crate::{SiteChargeSum, UsageGroup, UsageQuery};
use model::{Amount, Charge, Unit};
use rustc_hash::FxHashMap;
use std::collections::{BTreeMap, hash_map::Entry};

/// The entries that stand for the present charge of a run, each with what its site charges.
const CHARGED: &str = ", price, site_charge FROM entries
    JOIN (SELECT place, job, submitted, price, site_charge, entry FROM runs WHERE site_charge IS NOT NULL) AS charged
    ON charged.place = run_place AND charged.job = run_job AND charged.submitted = run_submitted
       AND charged.entry = number";

/// The sums that are asked for. A charge is cut at midnights as the run's amount is.
pub(crate) fn site_charges(tables: &impl LogTables, query: &UsageQuery) -> Result<Vec<SiteChargeSum>> {
    let Some(filter) = Conditions::of(tables, &query.filter)? else { return Ok(Vec::new()) };
    let mut sums = BTreeMap::<(UsageGroup, Unit), Amount>::new();
    let mut units = FxHashMap::<i64, Option<Unit>>::default();
    each_taken(tables, query.known_at, CHARGED, &filter, widest(query.span)?, |row, entry, calendar| {
        let shape = row.name(TAKEN_COLUMNS)?;
        let unit = match units.entry(shape) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(place) => place.insert(unit_of(tables, shape)?),
        };
        let Some(unit) = unit else { return Ok(()) };
        let charge = row.amount(TAKEN_COLUMNS + 1)?;
        // A charge of nothing is known, and stands where the run does.
        let cut = if charge == Amount::ZERO { entry.amount } else { charge };
        calendar.pieces(cut, entry.used, Some(within(calendar, query.span)?), &mut |day, piece| {
            let group = group(tables, &query.by, Some(day), entry.numbers())?;
            let sum = sums.entry((group, unit.clone())).or_default();
            *sum = sum.plus(if charge == Amount::ZERO { charge } else { piece })?;
            Ok(())
        })
    })?;
    let sum = |((group, unit), amount)| SiteChargeSum { group, charge: Charge { unit, amount } };
    Ok(sums.into_iter().map(sum).collect())
}

/// The unit in which a site charges by a price of this shape.
fn unit_of(tables: &impl LogTables, shape: i64) -> Result<Option<Unit>> {
    let shape: PriceShape = serde_json::from_str(&tables.names().text_of(shape)?).map_err(unreadable)?;
    Ok(shape.site_charge(Some(0)).map(|charge| charge.unit))
}
