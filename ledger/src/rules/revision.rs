//! Two readings of one run: which one counts, and whether they differ.

use super::Content;
use crate::records::BookedRun;
use crate::{SettledRun, is_ahead};
use model::{Amount, Run, Timestamp};
use std::cmp::Ordering;

/// How a reading relates to what is in the books.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reading {
    /// The run is not in the books.
    New,
    /// It says the same.
    Same,
    /// It says something else and is the later one.
    Newer,
    /// It says something else and is the earlier one.
    Stale,
}

/// Compares a reading with the books. The later observation counts; of two at the same instant the greater content,
/// so that the order in which they arrive does not matter. What the books say as of a date that lies ahead of `now`
/// gives way to any other reading: the clock that dated it was wrong. Where only one of two readings of the same facts
/// has a price, that one counts, whenever it was made: whoever could not price it knew no better. Where two tariffs charge
/// the same facts differently, the later tariff counts, whenever it was used: whoever has an older profile undoes nothing.
pub(crate) fn compare(booked: Option<&BookedRun>, settled: &SettledRun, content: Content, now: Timestamp) -> Reading {
    let Some(booked) = booked else { return Reading::New };
    if booked.content == content {
        return Reading::Same;
    }
    if tells_the_same(&booked.settled.run, &settled.run) {
        match (booked.settled.price.known(), settled.price.known()) {
            (None, Some(_)) => return Reading::Newer,
            (Some(_), None) => return Reading::Same,
            (Some(known), Some(price)) if known.charges_as(price) => return Reading::Same,
            (Some(known), Some(price)) if price.tariff.is_ahead_of(&known.tariff) => return Reading::Newer,
            (Some(known), Some(price)) if known.tariff.is_ahead_of(&price.tariff) => return Reading::Stale,
            _ => {}
        }
    }
    let is_later = match settled.run.observed_at.cmp(&booked.observed_at) {
        Ordering::Less => false,
        Ordering::Greater => true,
        // Not by the digest of this ledger's own: two ledgers that take in the same rows must come to the same books.
        Ordering::Equal => Content::common(settled) > Content::common(&booked.settled),
    };
    if is_later || is_ahead(booked.observed_at, now) { Reading::Newer } else { Reading::Stale }
}

/// The latest instant at which the same content was seen, by dates that can be believed.
pub(crate) fn seen_at(booked: Timestamp, observed_at: Timestamp, now: Timestamp) -> Timestamp {
    if is_ahead(booked, now) { observed_at } else { booked.max(observed_at) }
}

/// Whether two rows tell the same of a run, whatever was known of its price.
fn tells_the_same(one: &Run, other: &Run) -> bool {
    one.user == other.user
        && one.account == other.account
        && one.partition == other.partition
        && one.stamp == other.stamp
        && one.state.base == other.state.base
        && one.started_at == other.started_at
        && one.ended_at == other.ended_at
        && one.elapsed == other.elapsed
}

/// What makes a row unfit for the books, where something does.
pub(crate) fn contradiction(settled: &SettledRun) -> Option<String> {
    let (run, price) = (&settled.run, &settled.price);
    if run.ended_at.is_none() {
        return Some("it has no end: only runs that have ended are settled".to_owned());
    }
    if let Some(contradiction) = run.contradiction() {
        return Some(contradiction);
    }
    let seconds = [Some(run.elapsed), run.time_limit].into_iter().flatten().map(model::WallTime::seconds);
    if let Some(number) = seconds.chain([run.key.scheduler_job.raw()]).find(|number| i64::try_from(*number).is_err()) {
        return Some(format!("it has the number {number}, which no ledger can hold"));
    }
    let charges = price.known().into_iter().flat_map(|price| [&price.gpu, &price.node, &price.site]).flatten();
    let mut negative = charges.filter(|charge| charge.amount < Amount::ZERO);
    negative.next().map(|charge| format!("its price in {} is negative", charge.unit))
}
