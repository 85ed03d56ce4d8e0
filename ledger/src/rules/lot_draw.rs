//! Drawing from lots: which lot pays, what expires, what is owed; the same answer for the same facts, in any store.
//!
//! A lot pays while it may be spent, the one that ends first before the others, of those the oldest. What no lot covers
//! is owed: the next lot that begins pays it. What is left of a lot when its time is over has expired. The book is led
//! from border to border, so it takes the consumption of each stretch as a sum, and the order in which runs became known
//! does not matter. At every moment, for each lot: amount = used + expired + remaining; and over all lots: spent = used +
//! owed + struck.

use super::lot::{Lot, LotBalance, LotError, LotId, Spending};
use model::{Amount, AmountError, Timestamp};
use serde::{Deserialize, Serialize};

/// What becomes of what no lot covers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Debt {
    /// The most that is carried into a period, in percent of the lots that were given for it; the rest is struck.
    pub most_percent: Option<u32>,
    /// Whether it is struck where all lots end together.
    pub ends_with_lots: bool,
}

/// Which lots paid for a consumption.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drawing {
    /// The lots in the order in which they paid, and how much each did; less than nothing where it was given back.
    pub from: Vec<(LotId, Amount)>,
    /// What was left over and is owed now; negative where what was owed has been given back.
    pub beyond: Amount,
}

/// What happened to lots as time went by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum LotChange {
    /// A lot's time is over, and this was left of it.
    Forfeited {
        /// Which.
        lot: LotId,
        /// How much.
        amount: Amount,
    },
    /// What was owed was forgiven.
    Struck {
        /// How much.
        amount: Amount,
    },
    /// A lot may be spent from now on.
    Arrives {
        /// Which.
        lot: LotId,
        /// How much.
        amount: Amount,
    },
    /// A lot paid what was owed.
    Repays {
        /// Which.
        lot: LotId,
        /// How much.
        amount: Amount,
    },
}

/// The lots of one budget and what became of them, up to an instant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LotBook {
    /// In the order in which they pay.
    lots: Vec<LotBalance>,
    /// Where lots begin and end, each once, in order.
    borders: Vec<Timestamp>,
    at: Option<Timestamp>,
    owed: Amount,
    struck: Amount,
    /// What was struck, and when.
    strikes: Vec<(Timestamp, Amount)>,
    debt: Debt,
}

/// Where lots begin and end, and their periods begin: each instant once, in order. Spending is cut there.
pub fn borders_of(lots: &[Lot]) -> Vec<Timestamp> {
    let of_lot = |lot: &Lot| [lot.period.from, lot.usable.from, lot.usable.to];
    let mut borders: Vec<Timestamp> = lots.iter().flat_map(of_lot).collect();
    borders.sort_unstable();
    borders.dedup();
    borders
}

impl LotBook {
    /// The book before anything has begun. Refused where the lots together do not fit in an amount.
    pub fn open(mut lots: Vec<Lot>, debt: Debt) -> Result<Self, LotError> {
        let borders = borders_of(&lots);
        lots.sort_by(|one, other| {
            (one.usable.to, one.usable.from, &one.id).cmp(&(other.usable.to, other.usable.from, &other.id))
        });
        Amount::sum(lots.iter().map(|lot| lot.amount))?;
        let fresh = |lot| LotBalance { lot, used: Amount::ZERO, expired: Amount::ZERO };
        let lots = lots.into_iter().map(fresh).collect();
        let (owed, struck, strikes) = (Amount::ZERO, Amount::ZERO, Vec::new());
        Ok(Self { lots, borders, at: None, owed, struck, strikes, debt })
    }

    /// The book at `now`, after everything that was spent: a figure for each stretch between borders, in order.
    pub fn replay(lots: Vec<Lot>, debt: Debt, spending: &[Spending], now: Timestamp) -> Result<Self, LotError> {
        let mut book = Self::open(lots, debt)?;
        for step in spending {
            let until = step.until;
            if until > now {
                return Err(LotError::AfterNow { until, now });
            }
            if book.at.is_some_and(|at| until <= at) {
                return Err(LotError::Unordered(until));
            }
            if let Some(border) = book.next_border().filter(|border| *border < until) {
                return Err(LotError::NotCut { until, border });
            }
            book.draw(step.amount)?;
            book.lead_to(until)?;
        }
        book.lead_to(now)?;
        Ok(book)
    }

    /// Draws from the lots that may be spent at the book's instant.
    ///
    /// A negative amount gives back: it is set against what is owed, then returned to the lots that may be spent, the one
    /// that paid last before the others; what is left of it pays what comes next.
    pub fn draw(&mut self, amount: Amount) -> Result<Drawing, LotError> {
        let mut left = self.owed.plus(amount)?;
        let mut from = Vec::new();
        let (at, is_return) = (self.at, left < Amount::ZERO);
        let in_force = self.lots.iter_mut().filter(|balance| is_usable(&balance.lot, at));
        let mut in_force: Vec<&mut LotBalance> = in_force.collect();
        if is_return {
            in_force.reverse();
        }
        for balance in in_force {
            let paid = if is_return { left.max(balance.used.negated()?) } else { left.min(balance.remaining()?) };
            if paid != Amount::ZERO {
                balance.used = balance.used.plus(paid)?;
                left = left.minus(paid)?;
                from.push((balance.lot.id.clone(), paid));
            }
        }
        let beyond = left.minus(self.owed)?;
        self.owed = left;
        Ok(Drawing { from, beyond })
    }

    /// Leads the book to an instant, over every border up to and with it; an earlier one changes nothing.
    pub fn lead_to(&mut self, instant: Timestamp) -> Result<Vec<(Timestamp, LotChange)>, LotError> {
        let mut changes = Vec::new();
        while let Some(border) = self.next_border().filter(|border| *border <= instant) {
            self.at = Some(border);
            self.cross(border, &mut changes)?;
        }
        self.at = self.at.max(Some(instant));
        Ok(changes)
    }

    fn cross(&mut self, border: Timestamp, changes: &mut Vec<(Timestamp, LotChange)>) -> Result<(), LotError> {
        let mut add = |change| changes.push((border, change));
        for balance in self.lots.iter_mut().filter(|balance| balance.lot.usable.to == border) {
            let amount = balance.remaining()?;
            if amount > Amount::ZERO {
                balance.expired = balance.expired.plus(amount)?;
                add(LotChange::Forfeited { lot: balance.lot.id.clone(), amount });
            }
        }
        let amount = self.owed.minus(self.owed.min(self.most_owed(border)?))?;
        if amount > Amount::ZERO {
            self.owed = self.owed.minus(amount)?;
            self.struck = self.struck.plus(amount)?;
            self.strikes.push((border, amount));
            add(LotChange::Struck { amount });
        }
        for balance in self.lots.iter().filter(|balance| balance.lot.usable.from == border) {
            add(LotChange::Arrives { lot: balance.lot.id.clone(), amount: balance.lot.amount });
        }
        for (lot, amount) in self.draw(Amount::ZERO)?.from {
            add(LotChange::Repays { lot, amount });
        }
        Ok(())
    }

    /// The most that may be owed beyond a border.
    fn most_owed(&self, border: Timestamp) -> Result<Amount, AmountError> {
        let lots = || self.lots.iter().map(|balance| &balance.lot);
        let goes_on = lots().any(|lot| lot.usable.from < border && border < lot.usable.to);
        if self.debt.ends_with_lots && !goes_on && lots().any(|lot| lot.usable.to == border) {
            return Ok(Amount::ZERO);
        }
        match self.debt.most_percent.filter(|_| lots().any(|lot| lot.period.from == border)) {
            Some(percent) => {
                let given = lots().filter(|lot| lot.period.contains(border)).map(|lot| lot.amount);
                percent_of(Amount::sum(given)?, percent)
            }
            None => Ok(self.owed.max(Amount::ZERO)),
        }
    }

    /// The next instant at which a lot begins or ends.
    pub fn next_border(&self) -> Option<Timestamp> {
        let passed = self.borders.partition_point(|border| Some(*border) <= self.at);
        self.borders.get(passed).copied()
    }

    /// Where lots begin and end, in order.
    pub fn borders(&self) -> &[Timestamp] {
        &self.borders
    }

    /// Up to when it was led; none before everything.
    pub const fn at(&self) -> Option<Timestamp> {
        self.at
    }

    /// The lots in the order in which they pay.
    pub fn lots(&self) -> &[LotBalance] {
        &self.lots
    }

    /// The lots that may be spent at the book's instant.
    pub fn in_force(&self) -> impl Iterator<Item = &LotBalance> {
        self.lots.iter().filter(|balance| is_usable(&balance.lot, self.at))
    }

    /// What no lot has paid yet; negative where more was given back than was owed.
    pub const fn owed(&self) -> Amount {
        self.owed
    }

    /// What was owed and has been forgiven.
    pub const fn struck(&self) -> Amount {
        self.struck
    }

    /// What was forgiven at which border, in order.
    pub fn strikes(&self) -> &[(Timestamp, Amount)] {
        &self.strikes
    }

    /// What may be spent at the book's instant, less what is owed.
    pub fn usable(&self) -> Result<Amount, AmountError> {
        let left = self.in_force().map(LotBalance::remaining).collect::<Result<Vec<_>, _>>()?;
        Amount::sum(left)?.minus(self.owed)
    }

    /// What has expired of all lots.
    pub fn expired(&self) -> Result<Amount, AmountError> {
        Amount::sum(self.lots.iter().map(|balance| balance.expired))
    }
}

fn is_usable(lot: &Lot, at: Option<Timestamp>) -> bool {
    at.is_some_and(|at| lot.usable.contains(at))
}

/// So many percent of an amount, rounded down.
pub(super) fn percent_of(amount: Amount, percent: u32) -> Result<Amount, AmountError> {
    let part = (i128::from(amount.milli()) * i128::from(percent)).div_euclid(100);
    i64::try_from(part).map(Amount::from_milli).map_err(|_| AmountError::Overflow)
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::Window;
    use proptest::prelude::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_epoch_seconds(seconds)
    }

    fn lot(number: u32, amount: i64, from: i64, to: i64) -> Lot {
        let usable = Window { from: at(from), to: at(to) };
        Lot { id: LotId { grant: "g".to_owned(), number }, amount: Amount::from_milli(amount), period: usable, usable }
    }

    /// Charges by when and how much, as sums between the borders of the lots up to `now`.
    fn cut(lots: &[Lot], charges: &[(i64, i64)], now: i64) -> Vec<Spending> {
        let mut untils: Vec<Timestamp> = borders_of(lots).into_iter().filter(|border| *border < at(now)).collect();
        untils.push(at(now));
        let mut since = at(i64::MIN);
        let mut steps = Vec::new();
        for until in untils {
            let inside = charges.iter().filter(|(when, _)| at(*when) >= since && at(*when) < until);
            steps.push(Spending { until, amount: Amount::from_milli(inside.map(|(_, amount)| amount).sum()) });
            since = until;
        }
        steps
    }

    fn book(lots: &[Lot], charges: &[(i64, i64)], now: i64, debt: Debt) -> LotBook {
        LotBook::replay(lots.to_vec(), debt, &cut(lots, charges, now), at(now)).expect("cut and fits")
    }

    fn used(book: &LotBook) -> Vec<(u32, i64, i64)> {
        let mut used: Vec<_> = book
            .lots()
            .iter()
            .map(|balance| (balance.lot.id.number, balance.used.milli(), balance.expired.milli()))
            .collect();
        used.sort_unstable();
        used
    }

    #[test]
    fn the_lot_that_ends_first_pays_first() {
        let year = || lot(0, 1000, 0, 100);
        // Lots; charges by when and how much; now; used and expired of each lot; owed.
        for (what, lots, charges, now, expected, owed) in [
            ("one lot", vec![year()], vec![(10, 400)], 50, vec![(0, 400, 0)], 0),
            ("what ends first", vec![year(), lot(1, 300, 0, 50)], vec![(10, 200)], 20, vec![(0, 0, 0), (1, 200, 0)], 0),
            (
                "then the other",
                vec![year(), lot(1, 300, 0, 50)],
                vec![(10, 400)],
                20,
                vec![(0, 100, 0), (1, 300, 0)],
                0,
            ),
            (
                "of those the older",
                vec![year(), lot(1, 300, 20, 100)],
                vec![(30, 9)],
                40,
                vec![(0, 9, 0), (1, 0, 0)],
                0,
            ),
            (
                "of those by name",
                vec![lot(1, 5, 0, 9), lot(0, 5, 0, 9)],
                vec![(1, 6)],
                2,
                vec![(0, 5, 0), (1, 1, 0)],
                0,
            ),
            ("none begun", vec![lot(0, 100, 50, 100)], vec![(10, 30)], 20, vec![(0, 0, 0)], 30),
            ("the next pays", vec![lot(0, 100, 50, 100)], vec![(10, 30)], 50, vec![(0, 30, 0)], 0),
            ("the end is outside", vec![year()], vec![(99, 400), (100, 7)], 101, vec![(0, 400, 600)], 7),
            (
                "given back later",
                vec![year(), lot(1, 5, 20, 80)],
                vec![(10, 400), (30, -90)],
                50,
                vec![(0, 310, 0), (1, 0, 0)],
                0,
            ),
            ("more than was paid", vec![year()], vec![(10, -90)], 50, vec![(0, 0, 0)], -90),
            ("given back", vec![year()], vec![(10, 400), (10, -100)], 50, vec![(0, 300, 0)], 0),
        ] {
            let book = book(&lots, &charges, now, Debt::default());
            assert_eq!((used(&book), book.owed().milli()), (expected, owed), "{what}");
        }
    }

    #[test]
    fn a_drawing_names_who_paid() {
        let mut book = LotBook::open(vec![lot(0, 1000, 0, 100), lot(1, 300, 0, 50)], Debt::default()).expect("fits");
        book.lead_to(at(10)).expect("fits");
        let milli = Amount::from_milli;
        let id = |number| LotId { grant: "g".to_owned(), number };
        let drawing = book.draw(milli(1500)).expect("fits");
        assert_eq!(drawing, Drawing { from: vec![(id(1), milli(300)), (id(0), milli(1000))], beyond: milli(200) });
        // What is given back is set against what is owed.
        let back = book.draw(milli(-150)).expect("fits");
        assert_eq!(back, Drawing { from: vec![], beyond: milli(-150) });
        assert_eq!((book.owed(), book.usable()), (milli(50), Ok(milli(-50))));
        let text = serde_json::to_string(&drawing).expect("writes");
        assert_eq!(serde_json::from_str::<Drawing>(&text).expect("reads"), drawing);
    }

    #[test]
    fn debts_are_carried_capped_or_struck() {
        let lots = [lot(0, 100, 0, 10), lot(1, 100, 10, 20), lot(2, 100, 20, 30)];
        let capped = Debt { most_percent: Some(101), ends_with_lots: false };
        let ending = Debt { most_percent: None, ends_with_lots: true };
        for (what, debt, expected, owed, struck) in [
            // 450 less 100: 350 owed, less 100: 250, less 100: 150.
            ("carried", Debt::default(), vec![(0, 100, 0), (1, 100, 0), (2, 100, 0)], 150, 0),
            // 350 owed, 101 of it carried, 249 struck; less 100: 1, less 1: nothing.
            ("capped", capped, vec![(0, 100, 0), (1, 100, 0), (2, 1, 0)], 0, 249),
            ("struck", ending, vec![(0, 100, 0), (1, 0, 100), (2, 0, 0)], 0, 350),
        ] {
            let book = book(&lots, &[(5, 450)], 25, debt);
            assert_eq!((used(&book), book.owed().milli(), book.struck().milli()), (expected, owed, struck), "{what}");
        }
    }

    #[test]
    fn spending_that_hides_a_border_is_refused() {
        let lots = || vec![lot(0, 100, 0, 10)];
        let step = |until: i64| Spending { until: at(until), amount: Amount::ZERO };
        let replay = |steps: &[Spending]| LotBook::replay(lots(), Debt::default(), steps, at(30)).map(|_| ());
        assert_eq!(replay(&[step(0), step(10), step(20)]), Ok(()));
        assert_eq!(replay(&[step(0), step(20)]), Err(LotError::NotCut { until: at(20), border: at(10) }));
        assert_eq!(replay(&[step(0), step(0)]), Err(LotError::Unordered(at(0))));
        assert_eq!(replay(&[step(0), step(10), step(31)]), Err(LotError::AfterNow { until: at(31), now: at(30) }));
        let huge = vec![lot(0, i64::MAX, 0, 10), lot(1, 1, 0, 10)];
        assert_eq!(LotBook::open(huge, Debt::default()), Err(LotError::Amount(AmountError::Overflow)));
    }

    type Shapes = Vec<(i64, i64, i64)>;

    fn shapes() -> impl Strategy<Value = Shapes> {
        prop::collection::vec((0..1000_i64, 0..100_i64, 1..100_i64), 1..6)
    }

    fn lots_of(shapes: &Shapes) -> Vec<Lot> {
        let lot = |(number, (amount, from, length)): (usize, &(i64, i64, i64))| {
            lot(u32::try_from(number).expect("few"), *amount, *from, from + length)
        };
        shapes.iter().enumerate().map(lot).collect()
    }

    proptest! {
        #[test]
        fn everything_is_somewhere(
            shapes in shapes(),
            charges in prop::collection::vec((0..200_i64, -50..500_i64), 0..8),
            now in 0..250_i64,
            most_percent in prop::option::of(0..200_u32),
            ends_with_lots in any::<bool>(),
        ) {
            let lots = lots_of(&shapes);
            let book = book(&lots, &charges, now, Debt { most_percent, ends_with_lots });
            let mut paid = 0;
            for balance in book.lots() {
                let remaining = balance.remaining().expect("fits").milli();
                prop_assert!(remaining >= 0 && balance.used >= Amount::ZERO && balance.expired >= Amount::ZERO);
                prop_assert_eq!(balance.lot.amount.milli(), balance.used.milli() + balance.expired.milli() + remaining);
                prop_assert!(remaining == 0 || balance.lot.usable.to > at(now));
                paid += balance.used.milli();
            }
            let spent: i64 = charges.iter().filter(|(when, _)| *when < now).map(|(_, amount)| amount).sum();
            prop_assert_eq!(spent, paid + book.owed().milli() + book.struck().milli());
            let shuffled: Vec<(i64, i64)> = charges.iter().rev().copied().collect();
            prop_assert_eq!(&book, &self::book(&lots, &shuffled, now, Debt { most_percent, ends_with_lots }));
        }
    }
}
