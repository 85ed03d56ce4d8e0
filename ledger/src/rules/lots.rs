//! Lots: what of a project's grants was left when their time was over, and may not be spent any more.

use crate::records::{Lot, Spent};
use model::{Amount, AmountError, Timestamp};

/// What was left of the lots that are over at `now`, of one project and unit.
///
/// Consumption draws from the lots of its time, the one that ends first before the others; what no lot covers draws from
/// the next that begins. `spent` is the consumption before each start and end of a lot, in order, each since the one
/// before.
pub(crate) fn expired(lots: &[&Lot], spent: &[&Spent], now: Timestamp) -> Result<Amount, AmountError> {
    let mut lots: Vec<(&Lot, Amount)> = lots.iter().map(|lot| (*lot, lot.amount)).collect();
    lots.sort_by_key(|(lot, _)| (lot.ends_at, lot.from));
    let (mut owed, mut expired) = (Amount::ZERO, Amount::ZERO);
    for step in spent.iter().filter(|step| step.until <= now) {
        owed = owed.plus(step.amount)?;
        for (lot, left) in lots.iter_mut().filter(|(lot, _)| lot.from < step.until) {
            let drawn = owed.min(*left).max(Amount::ZERO);
            owed = owed.minus(drawn)?;
            *left = left.minus(drawn)?;
            if lot.ends_at.is_some_and(|ends_at| ends_at <= step.until) {
                expired = expired.plus(*left)?;
                *left = Amount::ZERO;
            }
        }
    }
    Ok(expired)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_epoch_seconds(seconds)
    }

    fn lot(amount: i64, from: i64, ends_at: i64) -> Lot {
        let (project, unit) = ("atlas".parse().expect("a project"), "jupiter:gh200".parse().expect("a unit"));
        Lot { project, unit, amount: Amount::from_milli(amount), from: at(from), ends_at: Some(at(ends_at)) }
    }

    /// The consumption as the store gives it: between the borders of the lots.
    fn steps(lots: &[Lot], charges: &[(i64, i64)]) -> Vec<Spent> {
        let mut borders: Vec<Timestamp> = lots.iter().flat_map(|lot| [Some(lot.from), lot.ends_at]).flatten().collect();
        borders.sort_unstable();
        borders.dedup();
        let mut since = at(i64::MIN);
        let mut steps = Vec::new();
        for until in borders {
            let inside = charges.iter().filter(|(when, _)| at(*when) >= since && at(*when) < until);
            let amount = Amount::from_milli(inside.map(|(_, amount)| amount).sum());
            let Lot { project, unit, .. } = lots[0].clone();
            steps.push(Spent { project, unit, until, amount });
            since = until;
        }
        steps
    }

    fn expired_of(lots: &[Lot], charges: &[(i64, i64)], now: i64) -> i64 {
        let spent = steps(lots, charges);
        let (lots, spent): (Vec<&Lot>, Vec<&Spent>) = (lots.iter().collect(), spent.iter().collect());
        expired(&lots, &spent, at(now)).expect("fits").milli()
    }

    #[test]
    fn what_is_left_of_a_lot_ends_with_it() {
        let year = || lot(1000, 0, 100);
        let next = || lot(500, 100, 200);
        let half = || lot(300, 0, 50);
        // Lots; charges by when and how much; now; what has expired.
        for (what, lots, charges, now, left) in [
            ("it runs", vec![year()], vec![(10, 400)], 99, 0),
            ("it is over", vec![year()], vec![(10, 400)], 100, 600),
            ("it was used up", vec![year()], vec![(10, 1000)], 150, 0),
            ("it was overdrawn", vec![year()], vec![(10, 1200)], 150, 0),
            ("what came later drew from the next", vec![year(), next()], vec![(10, 400), (150, 100)], 160, 600),
            ("an overdraft draws from the next too", vec![year(), next()], vec![(10, 1200)], 250, 300),
            ("both are over", vec![year(), next()], vec![(10, 400), (150, 100)], 250, 1000),
            ("the one that ends first is used first", vec![year(), half()], vec![(10, 200)], 60, 100),
            ("and what it does not cover the other", vec![year(), half()], vec![(10, 400)], 150, 900),
            ("what was used before any lot", vec![lot(100, 50, 100)], vec![(10, 30)], 120, 70),
            ("a lot of the future says nothing", vec![next()], vec![], 50, 0),
            ("months", vec![lot(10, 0, 30), lot(10, 30, 60), lot(10, 60, 90)], vec![(5, 4), (35, 13)], 70, 6),
        ] {
            assert_eq!(expired_of(&lots, &charges, now), left, "{what}");
        }
    }

    proptest! {
        #[test]
        fn no_more_ends_than_was_granted_and_not_used(
            lots in prop::collection::vec((0..1000_i64, 0..100_i64, 1..100_i64), 1..5),
            charges in prop::collection::vec((0..200_i64, 0..500_i64), 0..6),
            now in 0..250_i64,
        ) {
            let lots: Vec<Lot> = lots.into_iter().map(|(amount, from, length)| lot(amount, from, from + length)).collect();
            let over: i64 = lots.iter().filter(|lot| lot.ends_at <= Some(at(now))).map(|lot| lot.amount.milli()).sum();
            let left = expired_of(&lots, &charges, now);
            prop_assert!((0..=over).contains(&left), "{} of {}", left, over);
            let granted: i64 = lots.iter().map(|lot| lot.amount.milli()).sum();
            let used: i64 = charges.iter().map(|(_, amount)| amount).sum();
            let at_last = expired_of(&lots, &charges, 1000);
            prop_assert!(at_last >= granted - used, "{} of {} less {}", at_last, granted, used);
        }
    }
}
