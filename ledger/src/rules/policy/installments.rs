//! Grants that are paid out in installments: so much a month or a quarter, with some way to spend it before or after.

use crate::rules::{GrantTerms, Lot, LotError, LotId};
use model::{Period, Timestamp, Window, Zone, split_evenly};

/// How a programme pays out.
#[derive(Clone, Copy, Debug)]
pub(super) struct Installments {
    /// How often.
    pub(super) every: Period,
    /// How many periods before its own an installment may be spent.
    pub(super) in_advance: u32,
    /// How many periods after its own it may still be spent.
    pub(super) carried: u32,
    /// How many periods after the end of the grant may still see what was carried over.
    pub(super) beyond_end: u32,
}

impl Installments {
    /// The lots of a grant: each part of it in equal installments over the periods that it touches.
    ///
    /// A first or last period that is not whole counts like a whole one. No page was found that says otherwise.
    pub(super) fn lots(self, grant: &GrantTerms, zone: &Zone) -> Result<Vec<Lot>, LotError> {
        let end = self.after(grant.window.to, self.beyond_end, zone)?;
        let limits = Window { from: grant.window.from, to: end };
        let mut lots = Vec::new();
        for given in &grant.lots {
            let periods = self.every.windows_in(given.period, zone)?;
            let count = u32::try_from(periods.len()).unwrap_or(u32::MAX);
            for (whole, amount) in periods.into_iter().zip(split_evenly(given.amount, count)?) {
                let usable = Window {
                    from: self.before(whole.from, self.in_advance, zone)?.max(limits.from),
                    to: self.after(whole.to, self.carried, zone)?.min(limits.to),
                };
                let period = Window { from: whole.from.max(given.period.from), to: whole.to.min(given.period.to) };
                let number = u32::try_from(lots.len()).unwrap_or(u32::MAX);
                lots.push(Lot { id: LotId { grant: grant.key.clone(), number }, amount, period, usable });
            }
        }
        Ok(lots)
    }

    /// The end of so many periods after an instant, which is one itself where there are none.
    fn after(self, instant: Timestamp, periods: u32, zone: &Zone) -> Result<Timestamp, LotError> {
        let mut end = instant;
        for _ in 0..periods {
            end = self.every.window_of(end, zone)?.to;
        }
        Ok(end)
    }

    /// The start of so many periods before one that starts at an instant.
    fn before(self, instant: Timestamp, periods: u32, zone: &Zone) -> Result<Timestamp, LotError> {
        let mut start = instant;
        for _ in 0..periods {
            start = self.every.window_of(start.plus_seconds(-1), zone)?.from;
        }
        Ok(start)
    }
}
