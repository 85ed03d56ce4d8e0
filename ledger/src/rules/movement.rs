//! What an entry moves, and how a charge is split between a hold and what lies beyond it.

use crate::{Account, Entry};
use model::{Amount, AmountError};

/// What the entry adds to its project's budget: positive for a grant, negative for a run, zero for a reservation.
pub(crate) fn budget_change(entry: &Entry) -> Result<Amount, AmountError> {
    match (&entry.debit, &entry.credit) {
        _ if !entry.kind.moves() => Ok(Amount::ZERO),
        (_, Account::Budget(_)) => Ok(entry.amount),
        (Account::Budget(_), _) => entry.amount.negated(),
        _ => Ok(Amount::ZERO),
    }
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
