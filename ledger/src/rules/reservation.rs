//! Reservations: what is held for jobs, laid into the lots of the time in which they are expected to run.
//!
//! A hold whose job is expected next month takes from the lots that may be spent then, split over their borders as a run is
//! that was used evenly. What is held without such a time, and what runs, is taken from the lots of now.

use super::lot::{LotError, LotId};
use super::lot_draw::LotBook;
use model::{Amount, Timestamp, Window, split_at};
use std::collections::BTreeMap;

/// What will be spent: evenly over a time, or now where none is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reservation {
    /// How much.
    pub amount: Amount,
    /// When.
    pub over: Option<Window>,
}

/// What reservations take, and of which lots.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Reserved {
    /// What each lot is to pay.
    pub(crate) lots: BTreeMap<LotId, Amount>,
    /// What no lot of its time covers.
    pub(crate) beyond: Amount,
    /// What is due before the next lot begins or ends.
    pub(crate) due_now: Amount,
}

/// Lays reservations into the lots of a book, which stands at the present.
pub(crate) fn reserve(book: &LotBook, reservations: &[Reservation]) -> Result<Reserved, LotError> {
    let now = book.at().unwrap_or_default();
    let ends = book.lots().iter().map(|known| known.lot.usable.to).max().unwrap_or(now);
    let mut due = BTreeMap::<Timestamp, Amount>::new();
    for Reservation { amount, over } in reservations {
        for (from, part) in pieces(book, *amount, *over, now, ends)? {
            let sum = due.entry(from).or_default();
            *sum = sum.plus(part)?;
        }
    }
    let (mut ahead, mut reserved) = (book.clone(), Reserved::default());
    let border = book.next_border();
    for (from, part) in due {
        ahead.lead_to(from)?;
        let drawing = ahead.draw(part)?;
        reserved.beyond = reserved.beyond.plus(drawing.beyond)?;
        for (lot, paid) in drawing.from {
            let sum = reserved.lots.entry(lot).or_default();
            *sum = sum.plus(paid)?;
        }
        if border.is_none_or(|border| from < border) {
            reserved.due_now = reserved.due_now.plus(part)?;
        }
    }
    Ok(reserved)
}

/// The parts of a reservation by the instants at which they begin. What is over, and what lies behind the last lot's end,
/// counts as of now and of the last lot: no later one can pay.
fn pieces(
    book: &LotBook,
    amount: Amount,
    over: Option<Window>,
    now: Timestamp,
    ends: Timestamp,
) -> Result<Vec<(Timestamp, Amount)>, LotError> {
    let clipped = over.map(|over| Window { from: over.from.max(now), to: over.to.min(ends) });
    let Some(window) = clipped.filter(|window| window.from < window.to) else { return Ok(vec![(now, amount)]) };
    let split = split_at(amount, window, book.borders())?;
    Ok(split.into_iter().map(|piece| (piece.window.from, piece.amount)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::{Debt, Lot};
    use proptest::prelude::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_epoch_seconds(seconds)
    }

    fn milli(amount: i64) -> Amount {
        Amount::from_milli(amount)
    }

    /// Three months of 100 seconds, each usable in the one before it, itself and the one after; 100 each.
    fn months(now: i64) -> LotBook {
        let lot = |number: i64| Lot {
            id: LotId { grant: "g".to_owned(), number: u32::try_from(number).expect("few") },
            amount: milli(100),
            period: Window { from: at(number * 100), to: at(number * 100 + 100) },
            usable: Window { from: at((number - 1).max(0) * 100), to: at((number + 2).min(3) * 100) },
        };
        let mut book = LotBook::open((0..3).map(lot).collect(), Debt::default()).expect("fits");
        book.lead_to(at(now)).expect("fits");
        book
    }

    fn over(amount: i64, from: i64, to: i64) -> Reservation {
        Reservation { amount: milli(amount), over: Some(Window { from: at(from), to: at(to) }) }
    }

    fn told(reserved: &Reserved) -> (Vec<(u32, i64)>, i64, i64) {
        let lots = reserved.lots.iter().map(|(id, amount)| (id.number, amount.milli())).collect();
        (lots, reserved.beyond.milli(), reserved.due_now.milli())
    }

    #[test]
    fn a_reservation_takes_from_the_lots_of_its_time() {
        let now = Reservation { amount: milli(150), over: None };
        for (what, reservations, expected) in [
            ("nothing", vec![], (vec![], 0, 0)),
            ("now: the lot that ends first", vec![now], (vec![(0, 100), (1, 50)], 0, 150)),
            // At 210 the first lot is over, and the third is in reach.
            ("for the third month", vec![over(150, 210, 290)], (vec![(1, 100), (2, 50)], 0, 0)),
            ("beside what is due now", vec![now, over(80, 210, 290)], (vec![(0, 100), (1, 100), (2, 30)], 0, 150)),
            ("over a border, as a run is", vec![over(100, 180, 220)], (vec![(0, 50), (1, 50)], 0, 0)),
            ("more than there is then", vec![over(250, 210, 290)], (vec![(1, 100), (2, 100)], 50, 0)),
            (
                "more than there is",
                vec![Reservation { amount: milli(250), over: None }],
                (vec![(0, 100), (1, 100)], 50, 250),
            ),
            ("what is over", vec![over(10, 20, 40)], (vec![(0, 10)], 0, 10)),
            ("behind the last end", vec![over(10, 400, 500)], (vec![(0, 10)], 0, 10)),
            ("across the last end", vec![over(10, 290, 500)], (vec![(1, 10)], 0, 0)),
        ] {
            // Lots 0 and 1 are in reach at 50; the next border is 100.
            assert_eq!(told(&reserve(&months(50), &reservations).expect("fits")), expected, "{what}");
        }
    }

    proptest! {
        #[test]
        fn all_of_it_is_somewhere_in_any_order(
            wishes in prop::collection::vec((0..300_i64, 0..400_i64, 1..200_i64, any::<bool>()), 0..6), now in 0..350_i64,
        ) {
            let reservations: Vec<Reservation> = wishes.iter().map(|(amount, from, length, is_dated)| Reservation {
                amount: milli(*amount),
                over: is_dated.then(|| Window { from: at(*from), to: at(from + length) }),
            }).collect();
            let book = months(now);
            let reserved = reserve(&book, &reservations).expect("fits");
            let wanted: i64 = wishes.iter().map(|(amount, ..)| amount).sum();
            let paid: i64 = reserved.lots.values().map(|amount| amount.milli()).sum();
            prop_assert_eq!(paid + reserved.beyond.milli(), wanted);
            prop_assert!(reserved.due_now >= Amount::ZERO && reserved.due_now.milli() <= wanted);
            for (id, amount) in &reserved.lots {
                let lot = book.lots().iter().find(|known| known.lot.id == *id).expect("one of the book's");
                prop_assert!(*amount <= lot.remaining().expect("fits"));
            }
            let shuffled: Vec<Reservation> = reservations.iter().rev().copied().collect();
            prop_assert_eq!(reserve(&book, &shuffled).expect("fits"), reserved);
        }
    }
}
