//! Whether a grant can be entered beside those that are there: everything that speaks against it, at once.
//!
//! Grants of several decisions add up, each with its own end; that is what lots are for. Two of the same decision over the
//! same time are one that was entered twice, or two that contradict each other.

use super::lot::GivenLot;
use crate::NewGrant;
use model::{Amount, AmountError, Window};
use std::fmt;

/// The longest that a grant may run, in seconds: fifty years. Beyond, a year was mistyped.
const LONGEST_SECONDS: i64 = 50 * 366 * 86_400;

/// What speaks against a grant. Lots are counted from 1, as people do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GrantFault {
    /// It ends when it starts, or before.
    EndsBeforeStart(Window),
    /// It runs for longer than anyone grants.
    TooLong(Window),
    /// It grants nothing, or less.
    NoAmount(Amount),
    /// A lot ends when it starts, or before.
    LotEndsBeforeStart {
        /// Which.
        lot: usize,
        /// From when to when.
        period: Window,
    },
    /// A lot is of nothing, or less.
    LotWithoutAmount {
        /// Which.
        lot: usize,
        /// Of how much.
        amount: Amount,
    },
    /// A lot lies outside the window of its grant.
    LotOutside {
        /// Which.
        lot: usize,
        /// From when to when it goes.
        period: Window,
    },
    /// Two lots are for the same time.
    LotsOverlap {
        /// The one.
        first: usize,
        /// The other.
        second: usize,
    },
    /// The lots are more or less than the grant.
    LotsDiffer {
        /// What they sum to.
        sum: Amount,
        /// What is granted.
        amount: Amount,
    },
    /// A grant with this key is there, with another content.
    KeyTaken(String),
    /// The same decision grants something else for the same time already.
    Overlaps {
        /// The key of that grant.
        key: String,
        /// From when to when it runs.
        window: Window,
    },
    /// The lots, or all grants of the project in this unit, do not fit in an amount.
    Overflow,
}

/// What speaks against entering a grant; nothing where it can be, or has been with the same content.
///
/// `lots` are its parts, none where it is one amount for its whole window. `others` are the grants that are there.
pub fn check_grant(new: &NewGrant, lots: &[GivenLot], others: &[NewGrant]) -> Vec<GrantFault> {
    let mut faults = Vec::new();
    if new.window.to <= new.window.from {
        faults.push(GrantFault::EndsBeforeStart(new.window));
    } else if new.window.to.seconds_since(new.window.from) > LONGEST_SECONDS {
        faults.push(GrantFault::TooLong(new.window));
    }
    if new.amount <= Amount::ZERO {
        faults.push(GrantFault::NoAmount(new.amount));
    }
    faults.extend(faults_of_lots(new, lots));
    faults.extend(faults_beside(new, others));
    faults
}

fn faults_of_lots(new: &NewGrant, lots: &[GivenLot]) -> Vec<GrantFault> {
    let mut faults = Vec::new();
    for (lot, given) in (1..).zip(lots) {
        let (amount, period) = (given.amount, given.period);
        if period.to <= period.from {
            faults.push(GrantFault::LotEndsBeforeStart { lot, period });
        } else if period.from < new.window.from || new.window.to < period.to {
            faults.push(GrantFault::LotOutside { lot, period });
        }
        if amount <= Amount::ZERO {
            faults.push(GrantFault::LotWithoutAmount { lot, amount });
        }
    }
    let mut in_order: Vec<(usize, Window)> = (1..).zip(lots.iter().map(|given| given.period)).collect();
    in_order.sort_by_key(|(lot, period)| (period.from, period.to, *lot));
    for pair in in_order.windows(2).filter(|pair| overlap(pair[0].1, pair[1].1)) {
        faults.push(GrantFault::LotsOverlap { first: pair[0].0, second: pair[1].0 });
    }
    match Amount::sum(lots.iter().map(|given| given.amount)) {
        Err(AmountError::Overflow | AmountError::NotHours(_)) => faults.push(GrantFault::Overflow),
        Ok(sum) if !lots.is_empty() && sum != new.amount => {
            faults.push(GrantFault::LotsDiffer { sum, amount: new.amount });
        }
        Ok(_) => {}
    }
    faults
}

fn faults_beside(new: &NewGrant, others: &[NewGrant]) -> Vec<GrantFault> {
    let mut faults = Vec::new();
    if let Some(same) = others.iter().find(|other| other.key == new.key) {
        if same != new {
            faults.push(GrantFault::KeyTaken(same.key.clone()));
        }
        return faults;
    }
    let of_place = || others.iter().filter(|other| other.project == new.project && other.unit == new.unit);
    let is_same_decision = |other: &&NewGrant| other.programme == new.programme && other.reference == new.reference;
    for other in of_place().filter(is_same_decision).filter(|other| overlap(other.window, new.window)) {
        faults.push(GrantFault::Overlaps { key: other.key.clone(), window: other.window });
    }
    if Amount::sum(of_place().map(|other| other.amount).chain([new.amount])).is_err() {
        faults.push(GrantFault::Overflow);
    }
    faults
}

/// Whether two windows share an instant. One that is empty or turned round shares none.
fn overlap(one: Window, other: Window) -> bool {
    one.from.max(other.from) < one.to.min(other.to)
}

impl GrantFault {
    /// What to do about it.
    pub const fn next(&self) -> &'static str {
        match self {
            Self::EndsBeforeStart(_) | Self::TooLong(_) => "see to the two dates, the year above all",
            Self::NoAmount(_) => "write how much was granted; what was used before is entered as an opening",
            Self::LotEndsBeforeStart { .. } | Self::LotOutside { .. } => {
                "give each lot a time inside the grant, from its first instant to the first one after it"
            }
            Self::LotWithoutAmount { .. } => "leave out lots of nothing",
            Self::LotsOverlap { .. } => "put lots for the same time together, or enter them as grants of their own",
            Self::LotsDiffer { .. } => "make the lots sum to the grant",
            Self::KeyTaken(_) | Self::Overlaps { .. } => {
                "a further grant needs a reference of its own; a mistake in the one that is there is corrected there"
            }
            Self::Overflow => "see to the amounts: they are larger than any machine",
        }
    }
}

impl fmt::Display for GrantFault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::EndsBeforeStart(Window { from, to }) => write!(formatter, "it ends at {to} and starts at {from}"),
            Self::TooLong(Window { from, to }) => write!(formatter, "from {from} to {to} are more than fifty years"),
            Self::NoAmount(amount) => write!(formatter, "it grants {amount} h"),
            Self::LotEndsBeforeStart { lot, period: Window { from, to } } => {
                write!(formatter, "lot {lot} ends at {to} and starts at {from}")
            }
            Self::LotWithoutAmount { lot, amount } => write!(formatter, "lot {lot} is of {amount} h"),
            Self::LotOutside { lot, period: Window { from, to } } => {
                write!(formatter, "lot {lot}, {from} to {to}, lies outside the grant")
            }
            Self::LotsOverlap { first, second } => {
                write!(formatter, "the lots {first} and {second} are for the same time")
            }
            Self::LotsDiffer { sum, amount } => write!(formatter, "the lots sum to {sum} h, the grant is {amount} h"),
            Self::KeyTaken(key) => write!(formatter, "a grant `{key}` is there, with another content"),
            Self::Overlaps { key, window: Window { from, to } } => {
                write!(formatter, "the grant `{key}` of the same decision runs from {from} to {to} already")
            }
            Self::Overflow => formatter.write_str("the amounts together do not fit in 64 bits of milli-seconds"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::Timestamp;
    use proptest::prelude::*;

    fn window(from: i64, to: i64) -> Window {
        Window { from: Timestamp::from_epoch_seconds(from), to: Timestamp::from_epoch_seconds(to) }
    }

    fn grant(key: &str, amount: i64, window: Window, reference: &str) -> NewGrant {
        NewGrant {
            key: key.to_owned(),
            project: "atlas".parse().expect("a project"),
            programme: "GCS".parse().expect("a programme"),
            unit: "jupiter:gh200".parse().expect("a unit"),
            amount: Amount::from_milli(amount),
            window,
            reference: reference.to_owned(),
            lots: Vec::new(),
        }
    }

    fn lot(amount: i64, from: i64, to: i64) -> GivenLot {
        GivenLot { amount: Amount::from_milli(amount), period: window(from, to) }
    }

    #[test]
    fn grants_that_contradict_themselves_are_refused() {
        for (amount, over, lots, expected) in [
            (10, window(0, 9), vec![], vec![]),
            (10, window(0, 9), vec![lot(4, 0, 5), lot(6, 5, 9)], vec![]),
            (10, window(9, 9), vec![], vec!["it ends at 1970-01-01T00:00:09Z and starts at 1970-01-01T00:00:09Z"]),
            (
                -3_600_000,
                window(9, 0),
                vec![],
                vec!["it ends at 1970-01-01T00:00:00Z and starts at 1970-01-01T00:00:09Z", "it grants -1.000 h"],
            ),
            (0, window(0, 9), vec![], vec!["it grants 0.000 h"]),
            (
                10,
                window(0, 1_600_000_000),
                vec![],
                vec!["from 1970-01-01T00:00:00Z to 2020-09-13T12:26:40Z are more than fifty years"],
            ),
            (10, window(0, 9), vec![lot(4, 0, 5), lot(6, 4, 9)], vec!["the lots 1 and 2 are for the same time"]),
            (
                10,
                window(0, 9),
                vec![lot(4, 5, 10), lot(6, 5, 5)],
                vec![
                    "lot 1, 1970-01-01T00:00:05Z to 1970-01-01T00:00:10Z, lies outside the grant",
                    "lot 2 ends at 1970-01-01T00:00:05Z and starts at 1970-01-01T00:00:05Z",
                ],
            ),
            (3_600_000, window(0, 9), vec![lot(7_200_000, 0, 5), lot(-3_600_000, 5, 9)], vec!["lot 2 is of -1.000 h"]),
            (
                3_600_000,
                window(0, 9),
                vec![lot(7_200_000, 0, 5)],
                vec!["the lots sum to 2.000 h, the grant is 1.000 h"],
            ),
            (
                10,
                window(0, 9),
                vec![lot(i64::MAX, 0, 5), lot(1, 5, 9)],
                vec!["the amounts together do not fit in 64 bits of milli-seconds"],
            ),
        ] {
            let faults = check_grant(&grant("g", amount, over, "r"), &lots, &[]);
            let said: Vec<String> = faults.iter().map(ToString::to_string).collect();
            assert_eq!(said, expected, "{amount} {over:?} {lots:?}");
            assert!(faults.iter().all(|fault| !fault.next().is_empty()));
        }
    }

    #[test]
    fn grants_that_contradict_others_are_refused() {
        let there =
            [grant("first", 10, window(0, 10), "2026-1"), grant("huge", i64::MAX - 100, window(0, 10), "2026-2")];
        let other_unit =
            NewGrant { unit: "jupiter:core".parse().expect("a unit"), ..grant("x", 10, window(0, 10), "2026-1") };
        let overlaps = GrantFault::Overlaps { key: "first".to_owned(), window: window(0, 10) };
        for (what, new, expected) in [
            ("another decision adds up", grant("x", 10, window(0, 10), "2026-3"), vec![]),
            ("the next year of the same one", grant("x", 10, window(10, 20), "2026-1"), vec![]),
            ("the same decision again", grant("x", 10, window(9, 20), "2026-1"), vec![overlaps]),
            ("another unit", other_unit, vec![]),
            ("entered twice", there[0].clone(), vec![]),
            ("changed", grant("first", 11, window(0, 10), "2026-1"), vec![GrantFault::KeyTaken("first".to_owned())]),
            ("too much together", grant("x", 1000, window(0, 10), "2026-3"), vec![GrantFault::Overflow]),
        ] {
            assert_eq!(check_grant(&new, &[], &there), expected, "{what}");
        }
    }

    proptest! {
        #[test]
        fn any_grant_is_answered(
            amount in any::<i64>(), from in any::<i64>(), to in any::<i64>(),
            lots in prop::collection::vec((any::<i64>(), any::<i64>(), any::<i64>()), 0..5),
        ) {
            let lots: Vec<GivenLot> = lots.into_iter().map(|(amount, from, to)| lot(amount, from, to)).collect();
            let new = grant("g", amount, window(from, to), "r");
            let faults = check_grant(&new, &lots, std::slice::from_ref(&new));
            prop_assert!(faults.iter().all(|fault| !fault.to_string().is_empty()));
            prop_assert_eq!(amount <= 0, faults.contains(&GrantFault::NoAmount(Amount::from_milli(amount))));
        }

        /// Of any two lots of a grant without fault, one ends before the other begins.
        #[test]
        fn lots_without_fault_are_apart(lots in prop::collection::vec((1..9_i64, 0..20_i64, 1..9_i64), 1..5)) {
            let lots: Vec<GivenLot> = lots.into_iter().map(|(amount, from, length)| lot(amount, from, from + length)).collect();
            let total = lots.iter().map(|lot| lot.amount.milli()).sum();
            let is_well = check_grant(&grant("g", total, window(0, 30), "r"), &lots, &[]).is_empty();
            let apart = lots.iter().enumerate().all(|(place, one)| {
                lots[..place].iter().all(|other| !overlap(one.period, other.period))
            });
            prop_assert_eq!(is_well, apart);
        }
    }
}
