//! Lots of a policy: what a run takes from which, what is forfeited and forgiven, and how the project stands.

use super::months::{HOUR, MONTHS, hours_shared, month_of};
use std::collections::BTreeMap;

/// What a programme does; grants are whole quarters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Programme {
    #[default]
    HardStop,
    FixedTerm,
    Jsc,
    Nhr,
}

/// Borders are numbers of months.
#[derive(Clone, Debug)]
pub(super) struct Lot {
    pub(super) name: String,
    amount: i64,
    period: [usize; 2],
    pub(super) usable: [usize; 2],
    pub(super) used: i64,
    pub(super) expired: i64,
}

impl Lot {
    const fn is_usable(&self, month: usize) -> bool {
        self.usable[0] <= month && month < self.usable[1]
    }

    const fn left(&self) -> i64 {
        self.amount - self.used - self.expired
    }
}

#[derive(Clone, Debug, Default)]
pub(super) struct Lots {
    pub(super) programme: Programme,
    /// By key: the first month and the last one's end, and how much a month.
    pub(super) grants: BTreeMap<u32, ([usize; 2], i64)>,
    /// From when to when, and how much an hour.
    pub(super) runs: BTreeMap<u64, ([i64; 2], i64)>,
}

/// What became of the lots.
#[derive(Clone, Debug, Default)]
pub(super) struct Book {
    /// In the order in which they pay.
    pub(super) lots: Vec<Lot>,
    pub(super) owed: i64,
    pub(super) forgiven: i64,
}

impl Lots {
    fn lots_of(&self, key: u32, [from, to]: [usize; 2], of_month: i64) -> Vec<Lot> {
        let (step, before, after) = match self.programme {
            Programme::HardStop | Programme::FixedTerm => (to - from, 0, 0),
            Programme::Jsc => (1, 1, 1),
            Programme::Nhr => (3, 0, 3),
        };
        let lot = |number: usize| {
            let start = from + number * step;
            let usable = [start.saturating_sub(before).max(from), (start + step + after).min(to)];
            let amount = of_month * i64::try_from(step).expect("small");
            let (name, period) = (format!("{key}/{number}"), [start, start + step]);
            Lot { name, amount, period, usable, used: 0, expired: 0 }
        };
        (0..(to - from) / step).map(lot).collect()
    }

    /// Month after month up to an instant in the middle of one.
    pub(super) fn book(&self, now: i64) -> Book {
        let lots = self.grants.iter().flat_map(|(key, (months, of_month))| self.lots_of(*key, *months, *of_month));
        let mut book = Book { lots: lots.collect(), ..Book::default() };
        book.lots.sort_by(|one, other| {
            (one.usable[1], one.usable[0], &one.name).cmp(&(other.usable[1], other.usable[0], &other.name))
        });
        for month in 0..MONTHS.len() - 1 {
            if MONTHS[month] > now {
                break;
            }
            book.begin(month, self.programme == Programme::Jsc);
            let stretch = [MONTHS[month], MONTHS[month + 1].min(now)];
            book.owed += self.runs.values().map(|(ran, hourly)| hours_shared(*ran, stretch) * hourly).sum::<i64>();
            book.pay(month);
        }
        book
    }

    /// Granted, later, expired, forgiven, used and free.
    pub(super) fn numbers(&self, now: i64) -> [i64; 6] {
        let (book, month) = (self.book(now), month_of(now));
        let is_of = |lot: &Lot, key: u32| lot.name.starts_with(&format!("{key}/"));
        let begun = |lot: &&Lot| self.grants.iter().any(|(key, (months, _))| is_of(lot, *key) && months[0] <= month);
        let given = |is_there: bool| {
            let lots = book.lots.iter().filter(begun).filter(|lot| (lot.usable[0] <= month) == is_there);
            lots.map(|lot| lot.amount).sum::<i64>()
        };
        let expired: i64 = book.lots.iter().map(|lot| lot.expired).sum();
        let used: i64 = self.runs.values().map(|(ran, hourly)| (ran[1] - ran[0]) / HOUR * hourly).sum();
        let granted = given(true) - expired;
        [granted, given(false), expired, book.forgiven, used, granted + book.forgiven - used]
    }

    pub(super) fn standing(&self, now: i64) -> &'static str {
        let (book, month) = (self.book(now), month_of(now));
        let usable = || book.lots.iter().filter(|lot| lot.is_usable(month));
        match self.programme {
            _ if usable().next().is_none() => "NoGrant",
            _ if usable().map(Lot::left).sum::<i64>() > book.owed => "Usable",
            Programme::HardStop => "Stopped",
            Programme::FixedTerm | Programme::Jsc => "LowPriority",
            Programme::Nhr => "UsedUp",
        }
    }
}

impl Book {
    /// What is left of lots that are over is forfeited. At JSC nobody owes more than 101 % of a month's quota as it begins, and
    /// nothing where everything ends.
    pub(super) fn begin(&mut self, month: usize, is_jsc: bool) {
        for lot in self.lots.iter_mut().filter(|lot| lot.usable[1] == month) {
            lot.expired = lot.left();
        }
        let goes_on = self.lots.iter().any(|lot| lot.usable[0] < month && month < lot.usable[1]);
        let all_end = !goes_on && self.lots.iter().any(|lot| lot.usable[1] == month);
        let quota = self.lots.iter().filter(|lot| lot.period[0] == month).map(|lot| lot.amount).sum::<i64>();
        if is_jsc && (all_end || quota > 0) {
            let most = if all_end { 0 } else { quota * 101 / 100 };
            self.forgiven += (self.owed - most).max(0);
            self.owed = self.owed.min(most);
        }
        self.pay(month);
    }

    /// The lot that ends first pays first.
    pub(super) fn pay(&mut self, month: usize) {
        for lot in self.lots.iter_mut().filter(|lot| lot.is_usable(month)) {
            let paid = self.owed.min(lot.left());
            lot.used += paid;
            self.owed -= paid;
        }
    }
}
