//! Splitting: an amount over a window cut at borders of any kind, in integers whose sum is the whole by construction.
//!
//! A run uses its resources evenly, so what falls before an instant is the amount times the time before it over the whole
//! time, rounded towards zero. A piece is the difference of two such figures. Nothing is left over, whichever borders are
//! chosen and however the amount came about (a minimum charge, a rounded formula); more borders only divide pieces; and
//! the pieces of a negated amount are the negated pieces, so that a reversal meets its original piece by piece.

use crate::{Amount, AmountError, Timestamp, Window};
use serde::{Deserialize, Serialize};

/// A part of an amount, and the time it falls in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Piece {
    /// When.
    pub window: Window,
    /// How much.
    pub amount: Amount,
}

/// Why an amount could not be split.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SplitError {
    /// The window ends before it starts.
    #[error("it ends at {to}, before it starts at {from}", from = .0.from, to = .0.to)]
    EndsBeforeStart(Window),
    /// A border lies before the one in front of it.
    #[error("the border {0} stands behind a later one")]
    Unordered(Timestamp),
    /// There is nothing to split it into.
    #[error("an amount cannot be split into no parts")]
    NoParts,
    /// A difference does not fit.
    #[error(transparent)]
    Amount(#[from] AmountError),
}

/// What of an amount over a window falls before an instant. A run without length falls where it starts.
pub fn amount_before(amount: Amount, window: Window, instant: Timestamp) -> Result<Amount, SplitError> {
    let length = seconds_between(window.from, window.to).ok_or(SplitError::EndsBeforeStart(window))?;
    let Some(before) = seconds_between(window.from, instant).filter(|before| *before > 0) else {
        return Ok(Amount::ZERO);
    };
    if before >= length {
        return Ok(amount);
    }
    Ok(fraction(amount, before, length))
}

/// What of an amount over a window falls into another window.
pub fn amount_within(amount: Amount, window: Window, within: Window) -> Result<Amount, SplitError> {
    if within.to < within.from {
        return Err(SplitError::EndsBeforeStart(within));
    }
    Ok(amount_before(amount, window, within.to)?.minus(amount_before(amount, window, within.from)?)?)
}

/// Splits an amount over a window at the borders that lie inside it: one piece more than there are of those, in order.
///
/// Borders stand in order; those outside or on the edges, and repetitions, cut nothing.
pub fn split_at(amount: Amount, window: Window, borders: &[Timestamp]) -> Result<Vec<Piece>, SplitError> {
    if window.to < window.from {
        return Err(SplitError::EndsBeforeStart(window));
    }
    if let Some(pair) = borders.windows(2).find(|pair| pair[1] < pair[0]) {
        return Err(SplitError::Unordered(pair[1]));
    }
    let mut pieces = Vec::with_capacity(1);
    let (mut from, mut before) = (window.from, Amount::ZERO);
    for border in borders.iter().copied().filter(|border| window.from < *border && *border < window.to) {
        if border == from {
            continue;
        }
        let until = amount_before(amount, window, border)?;
        pieces.push(Piece { window: Window { from, to: border }, amount: until.minus(before)? });
        (from, before) = (border, until);
    }
    pieces.push(Piece { window: Window { from, to: window.to }, amount: amount.minus(before)? });
    Ok(pieces)
}

/// Splits an amount into equal parts, which differ by a milli-second where it does not divide.
pub fn split_evenly(amount: Amount, parts: u32) -> Result<Vec<Amount>, SplitError> {
    if parts == 0 {
        return Err(SplitError::NoParts);
    }
    let before = |part: u32| fraction(amount, u64::from(part), u64::from(parts));
    (0..parts).map(|part| Ok(before(part + 1).minus(before(part))?)).collect()
}

/// The amount times a fraction of at most one, rounded towards zero.
fn fraction(amount: Amount, part: u64, whole: u64) -> Amount {
    let size = u128::from(amount.milli().unsigned_abs()) * u128::from(part) / u128::from(whole);
    let size = i128::try_from(size).expect("a fraction is not larger than the 64 bits of the whole");
    let signed = if amount < Amount::ZERO { -size } else { size };
    Amount::from_milli(i64::try_from(signed).expect("a fraction is not larger than the 64 bits of the whole"))
}

/// The seconds from one instant to a later one; none where it is earlier.
fn seconds_between(from: Timestamp, to: Timestamp) -> Option<u64> {
    u64::try_from(i128::from(to.epoch_seconds()) - i128::from(from.epoch_seconds())).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Period, Zone};
    use proptest::prelude::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_epoch_seconds(seconds)
    }

    fn window(from: i64, to: i64) -> Window {
        Window { from: at(from), to: at(to) }
    }

    fn pieces(amount: i64, over: Window, borders: &[i64]) -> Vec<(i64, i64, i64)> {
        let borders: Vec<Timestamp> = borders.iter().map(|border| at(*border)).collect();
        let pieces = split_at(Amount::from_milli(amount), over, &borders).expect("ordered");
        let plain =
            |piece: Piece| (piece.window.from.epoch_seconds(), piece.window.to.epoch_seconds(), piece.amount.milli());
        pieces.into_iter().map(plain).collect()
    }

    #[test]
    fn pieces_by_hand() {
        for (what, amount, over, borders, expected) in [
            ("nothing to cut", 4000, window(0, 4), vec![], vec![(0, 4, 4000)]),
            ("in the middle", 4000, window(0, 4), vec![1], vec![(0, 1, 1000), (1, 4, 3000)]),
            ("edges and repetitions", 4000, window(0, 4), vec![-5, 0, 1, 1, 4, 9], vec![(0, 1, 1000), (1, 4, 3000)]),
            // 10 · 1/3 = 3, 10 · 2/3 = 6, 10: 3, 3 and 4.
            ("what does not divide", 10, window(0, 3), vec![1, 2], vec![(0, 1, 3), (1, 2, 3), (2, 3, 4)]),
            ("its reversal", -10, window(0, 3), vec![1, 2], vec![(0, 1, -3), (1, 2, -3), (2, 3, -4)]),
            ("one second", 4000, window(7, 8), vec![7, 8], vec![(7, 8, 4000)]),
            ("no length", 240_000, window(7, 7), vec![6, 7, 8], vec![(7, 7, 240_000)]),
            // One second that is charged as sixty, and half of it either side.
            ("a minimum charge", 240_000, window(0, 2), vec![1], vec![(0, 1, 120_000), (1, 2, 120_000)]),
        ] {
            assert_eq!(pieces(amount, over, &borders), expected, "{what}");
        }
    }

    #[test]
    fn a_run_without_length_falls_where_it_starts() {
        let within = |from, to| amount_within(Amount::from_milli(5), window(7, 7), window(from, to)).map(Amount::milli);
        assert_eq!([within(0, 7), within(7, 9), within(0, 9)], [Ok(0), Ok(5), Ok(5)]);
    }

    #[test]
    fn a_run_over_the_night_of_the_changing_clocks() {
        // Four GPUs from 24 October 2026, 12:00 UTC, for 48 hours. The 25th of Berlin begins at 22:00 UTC and has 25 hours:
        // 10, 25 and 13 hours.
        let start = 1_792_843_200;
        let run = window(start, start + 48 * 3600);
        let berlin: Zone = "Europe/Berlin".parse().expect("a zone");
        let days = Period::Day.borders_in(run, &berlin).expect("borders");
        let pieces = split_at(Amount::from_milli(4 * 48 * 3_600_000), run, &days).expect("ordered");
        let hours: Vec<String> = pieces.iter().map(|piece| piece.amount.hours()).collect();
        assert_eq!(hours, ["40.000", "100.000", "52.000"]);
    }

    #[test]
    fn even_parts_differ_by_one_at_most() {
        let parts = |amount, parts| -> Vec<i64> {
            split_evenly(Amount::from_milli(amount), parts).expect("parts").into_iter().map(Amount::milli).collect()
        };
        assert_eq!(parts(1000, 4), [250; 4]);
        assert_eq!(parts(10, 4), [2, 3, 2, 3]);
        assert_eq!(parts(-10, 4), [-2, -3, -2, -3]);
        assert_eq!(parts(2, 4), [0, 1, 0, 1]);
        assert_eq!(split_evenly(Amount::ZERO, 0), Err(SplitError::NoParts));
    }

    #[test]
    fn what_contradicts_itself_is_refused() {
        let one = Amount::from_milli(1);
        assert_eq!(split_at(one, window(2, 1), &[]), Err(SplitError::EndsBeforeStart(window(2, 1))));
        assert_eq!(split_at(one, window(0, 9), &[at(5), at(4)]), Err(SplitError::Unordered(at(4))));
        assert_eq!(amount_before(one, window(2, 1), at(1)), Err(SplitError::EndsBeforeStart(window(2, 1))));
        assert_eq!(amount_within(one, window(0, 9), window(2, 1)), Err(SplitError::EndsBeforeStart(window(2, 1))));
    }

    fn borders() -> impl Strategy<Value = Vec<i64>> {
        prop::collection::vec(-100_i64..10_000_100, 0..40).prop_map(|mut borders| {
            borders.sort_unstable();
            borders
        })
    }

    proptest! {
        #[test]
        fn pieces_sum_to_the_whole(
            amount in any::<i64>(),
            from in 0_i64..10_000_000,
            // No length, a second, and up to four months.
            length in prop_oneof![Just(0_i64), Just(1), 2_i64..10_000_000],
            cuts in borders(),
        ) {
            let over = window(from, from + length);
            let pieces = pieces(amount, over, &cuts);
            prop_assert_eq!(pieces.iter().map(|piece| i128::from(piece.2)).sum::<i128>(), i128::from(amount));
            prop_assert_eq!((pieces[0].0, pieces[pieces.len() - 1].1), (from, from + length));
            prop_assert!(pieces.windows(2).all(|pair| pair[0].1 == pair[1].0));
            prop_assert!(pieces.iter().all(|piece| piece.2 == 0 || (piece.2 < 0) == (amount < 0)));
            for (start, end, part) in pieces {
                let within = amount_within(Amount::from_milli(amount), over, window(start, end.max(start + i64::from(length == 0))));
                prop_assert_eq!(within.map(Amount::milli), Ok(part));
            }
        }

        #[test]
        fn finer_borders_divide_pieces(
            amount in any::<i64>(), length in 1_i64..10_000_000, coarse in borders(), more in borders(),
        ) {
            let over = window(0, length);
            let mut fine = [coarse.clone(), more].concat();
            fine.sort_unstable();
            let fine = pieces(amount, over, &fine);
            for (from, to, whole) in pieces(amount, over, &coarse) {
                let inside = fine.iter().filter(|piece| from <= piece.0 && piece.1 <= to);
                prop_assert_eq!(inside.map(|piece| i128::from(piece.2)).sum::<i128>(), i128::from(whole));
            }
        }

        #[test]
        fn a_reversal_meets_its_original(amount in -i64::MAX..=i64::MAX, length in 0_i64..10_000_000, cuts in borders()) {
            let there = pieces(amount, window(0, length), &cuts);
            let back = pieces(-amount, window(0, length), &cuts);
            prop_assert!(there.iter().zip(&back).all(|(one, other)| one.2 == -other.2));
        }

        #[test]
        fn days_and_months_and_quarters_agree(
            start in 0_i64..4_000_000_000, length in 0_i64..40_000_000, amount in any::<i64>(),
            name in prop::sample::select(vec!["Europe/Berlin", "UTC", "Asia/Tokyo", "America/Sao_Paulo"]),
        ) {
            let (over, zone) = (window(start, start + length), name.parse::<Zone>().expect(name));
            let amount = Amount::from_milli(amount);
            let split = |period: Period| {
                split_at(amount, over, &period.borders_in(over, &zone).expect("borders")).expect("ordered")
            };
            let (days, months, quarters) = (split(Period::Day), split(Period::Month), split(Period::Quarter));
            for (fine, coarse) in [(&days, &months), (&months, &quarters), (&days, &quarters)] {
                for whole in coarse {
                    let inside = fine.iter().filter(|piece| {
                        whole.window.from <= piece.window.from && piece.window.to <= whole.window.to
                    });
                    let sum: i128 = inside.map(|piece| i128::from(piece.amount.milli())).sum();
                    prop_assert_eq!(sum, i128::from(whole.amount.milli()));
                }
            }
        }

        #[test]
        fn even_parts_sum_to_the_whole(amount in any::<i64>(), parts in 1_u32..500) {
            let split = split_evenly(Amount::from_milli(amount), parts).expect("parts");
            prop_assert_eq!(split.iter().map(|part| i128::from(part.milli())).sum::<i128>(), i128::from(amount));
            let (least, most) = (split.iter().min().expect("one"), split.iter().max().expect("one"));
            prop_assert!(most.milli() - least.milli() <= 1);
        }
    }
}
