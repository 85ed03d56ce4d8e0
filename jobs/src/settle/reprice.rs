//! Runs in the books that nobody could price when they were read: a profile may know their tariff by now.

use super::{
    desk::{Desk, NOT_FINISHED, too_large},
    price::price_of,
    report::{NotPriced, SettleReport},
};
use crate::{error::JobsError, reached::booked};
use ledger::{Command, RunPrice, SettledRun, UnattributedReason};
use std::sync::Arc;

/// How many runs are in memory at once.
const PAGE: u32 = 500;

/// Prices them from what stands in the books, and lists those that somebody pays for and that still have no price.
pub(super) async fn reprice(desk: &Desk<'_>, report: &mut SettleReport) -> Result<(), JobsError> {
    let mut after = None;
    loop {
        let found = desk.book.unpriced(&desk.house.here, after.as_ref(), PAGE).await;
        let page = booked(found, NOT_FINISHED)?;
        let Some(last) = page.last() else { return Ok(()) };
        after = Some(last.run.key.clone());
        let mut commands = Vec::new();
        for unpriced in page {
            match price_of(desk.site, &unpriced.run) {
                RunPrice::Unknown(reason) => {
                    if let UnattributedReason::NotPriced(_) = unpriced.reason {
                        report.not_priced.push(NotPriced { run: unpriced.run.key, reason });
                    }
                }
                price @ RunPrice::Known(_) => {
                    commands.push(Command::Settle(Arc::new(SettledRun { run: unpriced.run, price })));
                }
            }
        }
        if !commands.is_empty() {
            let outcomes = desk.post(&commands).await?;
            report.count(&commands, &outcomes).map_err(too_large)?;
        }
    }
}
