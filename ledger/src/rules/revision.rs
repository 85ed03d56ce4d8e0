//! Two readings of one run, and what the books say after both, in whichever order they came.
//!
//! A reading tells *facts* (whose, where, when) and a *price* of them, and both have an order of their own: of facts the later
//! observation counts, of prices of the same facts the later tariff. What a reader leaves unsaid, such as the stamp where its
//! accounting keeps no comments, contradicts nobody.

use super::{Content, MOST_OF_ONE};
use crate::records::BookedRun;
use crate::{RunPrice, SettledRun, is_ahead};
use model::{Amount, EvidenceClass, Run, Timestamp, UserName};
use std::cmp::Ordering;
use std::sync::Arc;

/// What the books say of a run after one reading more.
#[derive(Clone, Debug)]
pub(crate) struct Joined {
    /// Facts and price; its raw row is the reading's where its facts are, else empty.
    pub(crate) settled: Arc<SettledRun>,
    /// The latest instant at which these facts were seen.
    pub(crate) observed_at: Timestamp,
    /// When the price was read, where that is another instant.
    pub(crate) priced_at: Option<Timestamp>,
}

/// Joins a reading with what is in the books. Of facts what the site signed counts before all else, and of others the later observation, of two at the same instant the greater
/// digest; what the books say as of a date that lies ahead of `now` gives way, because the clock that dated it was wrong.
/// Of two prices of the same facts the one of the later tariff counts, whenever it was used, so that whoever has an older
/// profile undoes nothing; any price before none; and of one tariff the later reading's, which knew better what was given.
///
/// The order of readings does not matter as long as a run's facts do not return to what they once were.
pub(crate) fn join(booked: &BookedRun, settled: &SettledRun, now: Timestamp) -> Joined {
    let reading = completed(&settled.run, &booked.settled.run);
    let known = completed(&booked.settled.run, &settled.run);
    let at = settled.run.observed_at;
    let class = is_signed(&reading).cmp(&is_signed(&known));
    // When somebody else saw the same says nothing of what a site signed, and the reverse.
    let observed_at = match class {
        Ordering::Less => booked.observed_at,
        Ordering::Equal => seen_at(booked.observed_at, at, now),
        Ordering::Greater => at,
    };
    let priced_at = booked.priced_at.unwrap_or(booked.observed_at);
    if tell_the_same(&known, &reading) {
        let is_better = is_better_price((&settled.price, at), (&booked.settled.price, priced_at), now)
            || (is_unpriced(settled)
                && is_unpriced(&booked.settled)
                && is_later_row((&reading, at), (&known, priced_at), now));
        let is_same = charges_alike(&settled.price, &booked.settled.price);
        let priced_at = match (is_better, is_same) {
            (_, true) => seen_at(priced_at, at, now),
            (true, false) => at,
            (false, false) => priced_at,
        };
        // With a price comes the row that it is the price of.
        let evidence = reading.evidence.max(known.evidence);
        let (mut run, price) = if is_better { (reading, &settled.price) } else { (known, &booked.settled.price) };
        run.evidence = evidence;
        return Joined {
            settled: Arc::new(SettledRun { run, price: price.clone() }),
            observed_at,
            priced_at: Some(priced_at).filter(|priced_at| *priced_at != observed_at),
        };
    }
    let is_later = match class.then(at.cmp(&booked.observed_at)) {
        _ if class.is_eq() && is_ahead(booked.observed_at, now) => true,
        Ordering::Less => false,
        Ordering::Greater => true,
        // Not by the digest of this ledger's own: two ledgers that take in the same rows must come to the same books.
        Ordering::Equal => Content::of_facts(&reading) > Content::of_facts(&known),
    };
    if is_later {
        let settled = Arc::new(SettledRun { run: reading, price: settled.price.clone() });
        return Joined { settled, observed_at, priced_at: Some(at).filter(|at| *at != observed_at) };
    }
    let settled = Arc::new(SettledRun { run: known, price: booked.settled.price.clone() });
    Joined { settled, observed_at: booked.observed_at, priced_at: booked.priced_at }
}

/// Whether a reading says nothing else than the books, as far as it says anything: somebody who has no price for it, or
/// one by another tariff that charges the same, contradicts nothing.
pub(crate) fn says_the_same(reading: &SettledRun, books: &SettledRun) -> bool {
    let price_is_no_other = reading.price.known().is_none() || charges_alike(&reading.price, &books.price);
    price_is_no_other && tell_the_same(&completed(&reading.run, &books.run), &books.run)
}

/// A run with what another reading of it tells and this one does not: a reader may lack the column, or the right to see it.
fn completed(run: &Run, other: &Run) -> Run {
    let mut run = run.clone();
    run.stamp = run.stamp.or(other.stamp);
    run.sluid = run.sluid.or_else(|| other.sluid.clone());
    run.work_directory = run.work_directory.or_else(|| other.work_directory.clone());
    if run.name.is_empty() {
        run.name.clone_from(&other.name);
    }
    if is_number(&run.user) && !is_number(&other.user) {
        run.user = other.user.clone();
    }
    run
}

/// Whether the site itself said so.
fn is_signed(run: &Run) -> bool {
    run.evidence == EvidenceClass::SiteSigned
}

/// Whether a reader knew no more of a person than the number.
fn is_number(user: &UserName) -> bool {
    user.as_str().bytes().all(|byte| byte.is_ascii_digit())
}

const fn is_unpriced(settled: &SettledRun) -> bool {
    settled.price.known().is_none()
}

/// Whether the first of two rows counts of a run that nobody could price yet, each with the instant at which it was read:
/// what was given to the job is priced one day, and the later reading knows it better.
fn is_later_row((one, at): (&Run, Timestamp), (other, other_at): (&Run, Timestamp), now: Timestamp) -> bool {
    let is_later = is_ahead(other_at, now) || at > other_at;
    // Of two at one instant the order of their words decides, whichever came first.
    let is_after = || at == other_at && format!("{:?}", one.allocated) > format!("{:?}", other.allocated);
    one.allocated != other.allocated && (is_later || is_after())
}

/// Whether the first of two prices of the same facts counts, each with the instant at which it was read.
fn is_better_price(one: (&RunPrice, Timestamp), other: (&RunPrice, Timestamp), now: Timestamp) -> bool {
    let ((one, at), (other, other_at)) = (one, other);
    match (one.known(), other.known()) {
        (None, _) => false,
        (Some(_), None) => true,
        (Some(price), Some(known)) if price.tariff.is_ahead_of(&known.tariff) => true,
        (Some(price), Some(known)) if known.tariff.is_ahead_of(&price.tariff) => false,
        _ => match at.cmp(&other_at) {
            _ if is_ahead(other_at, now) => true,
            Ordering::Less => false,
            Ordering::Greater => true,
            Ordering::Equal => Content::of_price(one) > Content::of_price(other),
        },
    }
}

fn charges_alike(one: &RunPrice, other: &RunPrice) -> bool {
    match (one.known(), other.known()) {
        (Some(one), Some(other)) => one.charges_as(other),
        (None, None) => true,
        _ => false,
    }
}

/// The latest instant at which the same was seen, by dates that can be believed.
pub(crate) fn seen_at(booked: Timestamp, observed_at: Timestamp, now: Timestamp) -> Timestamp {
    if is_ahead(booked, now) { observed_at } else { booked.max(observed_at) }
}

/// Whether two rows tell the same of a run, whatever was known of its price.
pub(crate) fn tell_the_same(one: &Run, other: &Run) -> bool {
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
    let mut charges = price.known().into_iter().flat_map(|price| [&price.gpu, &price.node, &price.site]).flatten();
    charges.find_map(|charge| match charge.amount {
        amount if amount < Amount::ZERO => Some(format!("its price in {} is negative", charge.unit)),
        amount if amount > MOST_OF_ONE => Some(format!("its price in {} is larger than any machine's", charge.unit)),
        _ => None,
    })
}
