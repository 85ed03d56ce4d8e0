//! What an entry moves, and how a charge is split between a hold and what lies beyond it.

use crate::{Account, Entry};
use model::{Amount, AmountError, Timestamp, Window};

/// What the entry adds to its project's budget: positive for a grant, negative for a run, zero for a reservation.
pub(crate) fn budget_change(entry: &Entry) -> Result<Amount, AmountError> {
    match (&entry.debit, &entry.credit) {
        _ if !entry.kind.moves() => Ok(Amount::ZERO),
        (_, Account::Budget(_)) => Ok(entry.amount),
        (Account::Budget(_), _) => entry.amount.negated(),
        _ => Ok(Amount::ZERO),
    }
}

/// How long the stretches are over which a store sums what was spent: an hour, so that nearly every border of lots lies
/// between two of them.
pub(crate) const HOUR_SECONDS: i64 = 3600;

/// What the entry takes from its project's budget, where that is consumption.
pub(crate) fn spending(entry: &Entry) -> Result<Option<Amount>, AmountError> {
    if !entry.kind.spends() {
        return Ok(None);
    }
    budget_change(entry)?.negated().map(Some)
}

/// What the entry of a run takes from its project's budget, and over which time it did so evenly. None where it is about no
/// run, or was posted before entries had the start of their run.
pub(crate) fn spending_over(entry: &Entry) -> Result<Option<(Amount, Window)>, AmountError> {
    let (Some(ran), true) = (&entry.ran, entry.links.run.is_some()) else { return Ok(None) };
    let over = Window { from: ran.started_at, to: entry.effective_at };
    Ok(spending(entry)?.map(|amount| (amount, over)))
}

/// What an hour's sums add to the fingerprint of a budget: it tells whether all its hours are as the entries say, without
/// keeping them. Sums of fingerprints are those of sums, so entries can be taken one by one.
pub(crate) fn fingerprint(hour: i64, spent: Amount, by_runs: Amount) -> u128 {
    // The finaliser of SplitMix64 (public domain, Sebastiano Vigna, 2015).
    let mix = |seed: u64| {
        let seed = (seed ^ (seed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let seed = (seed ^ (seed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        u128::from(seed ^ (seed >> 31))
    };
    let seed = u64::from_ne_bytes(hour.to_ne_bytes()).wrapping_mul(2);
    let part = |amount: Amount, seed: u64| {
        u128::from_ne_bytes(i128::from(amount.milli()).to_ne_bytes())
            .wrapping_mul(mix(seed.wrapping_add(0x9e37_79b9_7f4a_7c15)))
    };
    part(spent, seed).wrapping_add(part(by_runs, seed ^ 1))
}

/// What an entry at `at` adds to the fingerprint of its budget's hours.
pub(crate) fn hour_print(at: Timestamp, spent: Amount, by_runs: Amount) -> u128 {
    fingerprint(at.epoch_seconds().div_euclid(HOUR_SECONDS), spent, by_runs)
}

/// Splits a charge into what the remainder of its hold covers and what goes beyond.
pub(crate) fn split(amount: Amount, remainder: Amount) -> Result<(Amount, Amount), AmountError> {
    let drawn = amount.min(remainder).max(Amount::ZERO);
    Ok((drawn, amount.minus(drawn)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_charge_draws_the_remainder_first() {
        for (amount, remainder, drawn, overrun) in
            [(60, 100, 60, 0), (100, 100, 100, 0), (140, 100, 100, 40), (5, 0, 0, 5), (0, 7, 0, 0), (0, 0, 0, 0)]
        {
            let milli = Amount::from_milli;
            assert_eq!(
                split(milli(amount), milli(remainder)),
                Ok((milli(drawn), milli(overrun))),
                "{amount} of {remainder}"
            );
        }
    }
}
