//! Two readings of one run: which one counts, and whether they differ.

use crate::records::BookedRun;
use crate::{RunPrice, SettledRun, is_ahead};
use model::{Amount, Run, Timestamp};

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
/// has a price, that one counts, whenever it was made: whoever could not price it knew no better.
pub(crate) fn compare(booked: Option<&BookedRun>, settled: &SettledRun, content: &str, now: Timestamp) -> Reading {
    let Some(booked) = booked else { return Reading::New };
    if booked.content == content {
        return Reading::Same;
    }
    if facts_of(&booked.settled.run) == facts_of(&settled.run) {
        match (booked.settled.price.known(), settled.price.known()) {
            (None, Some(_)) => return Reading::Newer,
            (Some(_), None) => return Reading::Same,
            _ => {}
        }
    }
    let is_later = (settled.run.observed_at, content) > (booked.observed_at, booked.content.as_str());
    if is_later || is_ahead(booked.observed_at, now) { Reading::Newer } else { Reading::Stale }
}

/// The latest instant at which the same content was seen, by dates that can be believed.
pub(crate) fn seen_at(booked: Timestamp, observed_at: Timestamp, now: Timestamp) -> Timestamp {
    if is_ahead(booked, now) { observed_at } else { booked.max(observed_at) }
}

/// What two readings are compared by: everything that decides who pays how much, and how the run ended. Not the raw
/// row, the reader, or columns that only some releases of Slurm have: another reader's row is the same run.
pub(crate) fn content_of(settled: &SettledRun) -> String {
    let mut parts = facts_of(&settled.run);
    parts.extend(priced(&settled.price));
    parts.join("|")
}

fn facts_of(run: &Run) -> Vec<String> {
    let optional = |part: Option<&dyn std::fmt::Display>| part.map_or_else(|| "-".to_owned(), ToString::to_string);
    vec![
        run.user.to_string(),
        optional(run.account.as_ref().map(|account| account as _)),
        optional(run.partition.as_ref().map(|partition| partition as _)),
        optional(run.stamp.as_ref().map(|stamp| stamp as _)),
        run.state.base.as_str().to_owned(),
        run.started_at.epoch_seconds().to_string(),
        run.ended_at.map_or_else(|| "-".to_owned(), |at| at.epoch_seconds().to_string()),
        run.elapsed.seconds().to_string(),
    ]
}

fn priced(price: &RunPrice) -> Vec<String> {
    let Some(price) = price.known() else { return vec!["no price".to_owned()] };
    let charges = [&price.gpu, &price.node, &price.site].into_iter();
    let charges = charges.map(|charge| match charge {
        Some(charge) => format!("{}={}", charge.unit, charge.amount.milli()),
        None => "-".to_owned(),
    });
    std::iter::once(price.tariff.to_string()).chain(charges).collect()
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
    let charges = price.known().into_iter().flat_map(|price| [&price.gpu, &price.node, &price.site]).flatten();
    let mut negative = charges.filter(|charge| charge.amount < Amount::ZERO);
    negative.next().map(|charge| format!("its price in {} is negative", charge.unit))
}
