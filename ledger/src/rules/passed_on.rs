//! What is passed on of a grant that comes in lots: which of them give how much, and what is left of each.

use super::{Budget, GivenLot, Lot, LotError};
use model::{Amount, AmountError, Timestamp, Window};
use std::collections::BTreeMap;

/// What of each lot of a grant can be passed on at an instant, in the order of their time: what is left of those that are not
/// over, beside what is owed and what runs and is held is to take.
pub(crate) fn available(budget: &Budget, grant: &str, now: Timestamp) -> Result<Vec<GivenLot>, LotError> {
    let reserved: BTreeMap<_, _> = budget.reserved_of_lots()?.into_iter().collect();
    let book = budget.book()?;
    let (mut owed, mut found) = (book.owed().max(Amount::ZERO), Vec::new());
    for known in book.lots().iter().filter(|known| known.lot.usable.to > now) {
        let held = reserved.get(&known.lot.id).copied().unwrap_or_default();
        let left = known.remaining()?.minus(held)?.max(Amount::ZERO);
        let paid = owed.min(left);
        owed = owed.minus(paid)?;
        if known.lot.id.grant == grant && paid < left {
            found.push(GivenLot { amount: left.minus(paid)?, period: known.lot.period });
        }
    }
    found.sort_by_key(|lot| (lot.period.from, lot.period.to));
    Ok(found)
}

/// An amount taken of lots in proportion to what they have, which is not less: parts of integers that add up to it. Lots that
/// give nothing are left out.
pub(crate) fn pro_rata(lots: &[GivenLot], amount: Amount) -> Result<Vec<GivenLot>, AmountError> {
    let all = Amount::sum(lots.iter().map(|lot| lot.amount))?;
    let (mut parts, mut before, mut given) = (Vec::with_capacity(lots.len()), Amount::ZERO, Amount::ZERO);
    for lot in lots {
        before = before.plus(lot.amount)?;
        let until = share(amount, before, all)?;
        let part = until.minus(given)?;
        given = until;
        if part > Amount::ZERO {
            parts.push(GivenLot { amount: part, period: lot.period });
        }
    }
    Ok(parts)
}

/// The amount times a part of a whole, rounded down; nothing of nothing.
fn share(amount: Amount, part: Amount, whole: Amount) -> Result<Amount, AmountError> {
    let product = i128::from(amount.milli()) * i128::from(part.milli());
    let share = product.checked_div(i128::from(whole.milli())).unwrap_or_default();
    i64::try_from(share).map(Amount::from_milli).map_err(|_| AmountError::Overflow)
}

/// Takes what was passed on out of the lots that a policy makes of a grant: out of those of its time. Where a later word about
/// the policy makes others, what those lack is taken of the rest, so that the sum is what stands.
pub(crate) fn take_out(lots: &mut [Lot], passed_on: &[GivenLot]) -> Result<(), AmountError> {
    for given in passed_on {
        let mut left = given.amount;
        for is_of_time in [true, false] {
            for lot in lots.iter_mut().filter(|lot| overlap(lot.period, given.period) == is_of_time) {
                let part = left.min(lot.amount);
                lot.amount = lot.amount.minus(part)?;
                left = left.minus(part)?;
            }
        }
    }
    Ok(())
}

fn overlap(one: Window, other: Window) -> bool {
    one.from.max(other.from) < one.to.min(other.to)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::LotId;
    use proptest::prelude::*;

    fn given(amount: i64, number: i64) -> GivenLot {
        let at = Timestamp::from_epoch_seconds;
        GivenLot {
            amount: Amount::from_milli(amount),
            period: Window { from: at(number * 10), to: at(number * 10 + 10) },
        }
    }

    fn lot(amount: i64, number: i64) -> Lot {
        let GivenLot { amount, period } = given(amount, number);
        let id = LotId { grant: "g".to_owned(), number: u32::try_from(number).expect("few") };
        Lot { id, amount, period, usable: period }
    }

    #[test]
    fn lots_give_in_proportion_and_in_integers() {
        let lots = [given(100, 0), given(50, 1), given(1, 2)];
        for (amount, expected) in [(0, vec![]), (1, vec![1]), (151, vec![100, 50, 1]), (75, vec![49, 25, 1])] {
            let parts = pro_rata(&lots, Amount::from_milli(amount)).expect("fits");
            assert_eq!(parts.iter().map(|part| part.amount.milli()).collect::<Vec<_>>(), expected, "{amount}");
        }
        assert_eq!(pro_rata(&[], Amount::ZERO), Ok(Vec::new()));
    }

    #[test]
    fn lots_of_another_policy_give_what_those_of_the_time_lack() {
        let mut quarters = [lot(30, 0), lot(30, 1)];
        take_out(&mut quarters, &[given(20, 1), given(15, 1)]).expect("fits");
        assert_eq!(quarters.each_ref().map(|lot| lot.amount.milli()), [25, 0]);
    }

    proptest! {
        #[test]
        fn parts_add_up_and_none_is_more_than_its_lot(
            amounts in prop::collection::vec(1..1_000_000_000_000_000_i64, 1..60),
            percent in 0..=1000_i128,
        ) {
            let lots: Vec<GivenLot> = (0..).zip(&amounts).map(|(number, amount)| given(*amount, number)).collect();
            let all: i64 = amounts.iter().sum();
            let wanted = i64::try_from(i128::from(all) * percent / 1000).expect("fits");
            let parts = pro_rata(&lots, Amount::from_milli(wanted)).expect("fits");
            prop_assert_eq!(parts.iter().map(|part| part.amount.milli()).sum::<i64>(), wanted);
            for part in &parts {
                let whole = lots.iter().find(|lot| lot.period == part.period).expect("its lot");
                prop_assert!(part.amount <= whole.amount);
            }
            let mut left: Vec<Lot> = (0..).zip(&amounts).map(|(number, amount)| lot(*amount, number)).collect();
            take_out(&mut left, &parts).expect("fits");
            prop_assert_eq!(left.iter().map(|lot| lot.amount.milli()).sum::<i64>(), all - wanted);
            for lot in &left {
                let part = parts.iter().find(|part| part.period == lot.period).map_or(0, |part| part.amount.milli());
                let number = usize::try_from(lot.id.number).expect("few");
                prop_assert_eq!(lot.amount.milli(), amounts[number] - part);
            }
        }
    }
}
