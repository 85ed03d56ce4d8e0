//! Holds of jobs that are expected at some time: what each lot is to pay, and what no lot of their time covers.

use super::lots::{Lots, Programme};
use super::months::{MONTHS, month_of};
use super::{Answer, once};
use std::collections::BTreeMap;

/// How much, and from when to when it is expected to be spent; now where nobody knows.
pub(super) type Held = (i64, Option<[i64; 2]>);

#[derive(Clone, Debug, Default)]
pub(super) struct Dated {
    pub(super) lots: Lots,
    pub(super) is_enforced: bool,
    /// Whether each is open.
    pub(super) holds: BTreeMap<u32, (Held, bool)>,
}

/// By lot what it is to pay, and what none pays.
pub(super) type Reserved = (BTreeMap<String, i64>, i64);

impl Dated {
    fn held(&self) -> Vec<Held> {
        self.holds.values().filter(|(_, is_open)| *is_open).map(|(held, _)| *held).collect()
    }

    pub(super) fn reserved(&self, now: i64) -> Reserved {
        self.laid_out(&self.held(), now)
    }

    /// Piece after piece in order of time, each drawn from what may be spent then.
    fn laid_out(&self, held: &[Held], now: i64) -> Reserved {
        let mut due = BTreeMap::<i64, i64>::new();
        for (from, part) in held.iter().flat_map(|held| self.pieces(*held, now)) {
            *due.entry(from).or_default() += part;
        }
        let (mut book, mut month) = (self.lots.book(now), month_of(now));
        let (mut reserved, mut beyond) = (BTreeMap::new(), 0);
        for (from, part) in due {
            while month < month_of(from) {
                month += 1;
                book.begin(month, self.lots.programme == Programme::Jsc);
            }
            let (used, owed) = (book.lots.iter().map(|lot| lot.used).collect::<Vec<_>>(), book.owed);
            book.owed += part;
            book.pay(month);
            beyond += book.owed - owed;
            for (lot, before) in book.lots.iter().zip(used).filter(|(lot, before)| lot.used != *before) {
                *reserved.entry(lot.name.clone()).or_default() += lot.used - before;
            }
        }
        (reserved, beyond)
    }

    /// What is over, and what lies behind the last lot, is due now; else evenly, cut where months begin.
    fn pieces(&self, (amount, over): Held, now: i64) -> Vec<(i64, i64)> {
        let last = self.lots.book(now).lots.iter().map(|lot| MONTHS[lot.usable[1]]).max().unwrap_or(now);
        let clipped = over.map(|[from, to]| [from.max(now), to.min(last)]).filter(|[from, to]| from < to);
        let Some([from, to]) = clipped else { return vec![(now, amount)] };
        let taken_by =
            |instant: i64| i64::try_from(i128::from(amount) * i128::from(instant - from) / i128::from(to - from));
        let inside = MONTHS.into_iter().filter(|border| from < *border && *border < to);
        let cuts: Vec<i64> = [from].into_iter().chain(inside).chain([to]).collect();
        let piece = |pair: &[i64]| taken_by(pair[1]).expect("small") - taken_by(pair[0]).expect("small");
        cuts.windows(2).map(|pair| (pair[0], piece(pair))).collect()
    }

    /// A hold without a time is made whatever is free.
    pub(super) fn hold(&mut self, number: u32, held: Held, now: i64) -> Answer {
        // When the job would run is said anew each time, and of no matter for a hold that is there.
        if !once(self.holds.get(&number).map(|((ceiling, _), _)| *ceiling), held.0)? {
            return Ok(());
        }
        if self.is_enforced && held.1.is_some() {
            let with = [self.held(), vec![held]].concat();
            if self.laid_out(&with, now).1 > self.reserved(now).1 {
                return Err("refused");
            }
        }
        self.holds.insert(number, (held, true));
        Ok(())
    }
}
