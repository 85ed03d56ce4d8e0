//! Runs in the books that nobody could price when they were read: a profile may know their tariff by now.

use super::{
    desk::{NOT_FINISHED, too_large},
    price::price_of,
    report::NotPriced,
};
use crate::{error::JobsError, house::House, reached::booked};
use ledger::{Book, Command, Outcome, RunPrice, SettledRun, UnattributedReason};
use model::AmountError;
use sites::Site;
use std::sync::Arc;

/// How many runs are in memory at once.
const PAGE: u32 = 500;

/// Takes what became of them.
pub(crate) trait Repriced: Send {
    /// Counts what became of runs that have a price now.
    fn count(&mut self, commands: &[Command], outcomes: &[Outcome]) -> Result<(), AmountError>;

    /// Notes one that somebody pays for and that still has none.
    fn not_priced(&mut self, run: NotPriced);
}

/// Prices those of a site from what stands in the books, and tells of those that somebody pays for and that still have no
/// price.
pub(crate) async fn reprice(
    house: &House,
    book: &dyn Book,
    site: &Site,
    report: &mut dyn Repriced,
) -> Result<(), JobsError> {
    let mut after = None;
    loop {
        let found = book.unpriced(site.name(), after.as_ref(), PAGE).await;
        let page = booked(found, NOT_FINISHED)?;
        let Some(last) = page.last() else { return Ok(()) };
        after = Some(last.run.key.clone());
        let mut commands = Vec::new();
        for unpriced in page {
            match price_of(site, &unpriced.run) {
                RunPrice::Unknown(reason) => {
                    if let UnattributedReason::NotPriced(_) = unpriced.reason {
                        report.not_priced(NotPriced { run: unpriced.run.key, reason });
                    }
                }
                price @ RunPrice::Known(_) => {
                    commands.push(Command::Settle(Arc::new(SettledRun { run: unpriced.run, price })));
                }
            }
        }
        if !commands.is_empty() {
            let posted = book.post(&house.principal, house.clock.now(), &commands).await;
            let outcomes = booked(posted, NOT_FINISHED)?;
            report.count(&commands, &outcomes).map_err(too_large)?;
        }
    }
}
