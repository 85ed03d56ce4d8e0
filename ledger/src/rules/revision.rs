//! Two readings of one run: which one counts, and whether they differ.

use crate::records::BookedRun;
use crate::{SettledRun, is_ahead};
use model::{Amount, Price, Timestamp};

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
/// gives way to any other reading: the clock that dated it was wrong.
pub(crate) fn compare(booked: Option<&BookedRun>, observed_at: Timestamp, content: &str, now: Timestamp) -> Reading {
    match booked {
        None => Reading::New,
        Some(booked) if booked.content == content => Reading::Same,
        Some(booked) if is_ahead(booked.observed_at, now) => Reading::Newer,
        Some(booked) if (observed_at, content) > (booked.observed_at, booked.content.as_str()) => Reading::Newer,
        Some(_) => Reading::Stale,
    }
}

/// The latest instant at which the same content was seen, by dates that can be believed.
pub(crate) fn seen_at(booked: Timestamp, observed_at: Timestamp, now: Timestamp) -> Timestamp {
    if is_ahead(booked, now) { observed_at } else { booked.max(observed_at) }
}

/// What two readings are compared by: everything that decides who pays how much, and how the run ended. Not the raw
/// row, the reader, or columns that only some releases of Slurm have: another reader's row is the same run.
pub(crate) fn content_of(settled: &SettledRun) -> String {
    let run = &settled.run;
    let optional = |part: Option<&dyn std::fmt::Display>| part.map_or_else(|| "-".to_owned(), ToString::to_string);
    let mut parts = vec![
        run.user.to_string(),
        optional(run.account.as_ref().map(|account| account as _)),
        optional(run.partition.as_ref().map(|partition| partition as _)),
        optional(run.stamp.as_ref().map(|stamp| stamp as _)),
        run.state.base.as_str().to_owned(),
        run.started_at.epoch_seconds().to_string(),
        run.ended_at.map_or_else(|| "-".to_owned(), |at| at.epoch_seconds().to_string()),
        run.elapsed.seconds().to_string(),
    ];
    parts.extend(priced(&settled.price));
    parts.join("|")
}

fn priced(price: &Price) -> Vec<String> {
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
    let Some(ended_at) = run.ended_at else {
        return Some("it has no end: only runs that have ended are settled".to_owned());
    };
    if ended_at < run.started_at {
        return Some(format!("it ends at {ended_at}, before its start at {}", run.started_at));
    }
    let charges = [&price.gpu, &price.node, &price.site].into_iter().flatten();
    let mut negative = charges.filter(|charge| charge.amount < Amount::ZERO);
    negative.next().map(|charge| format!("its price in {} is negative", charge.unit))
}
