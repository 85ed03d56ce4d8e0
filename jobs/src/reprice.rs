//! `pakt ledger reprice`: runs in the books by the tariffs of today's profile.

use crate::{
    error::{Gravity, JobsError},
    house::House,
    reached::booked,
    settle::{Counts, Pricer},
};
use ledger::{Command, Outcome, RunPrice, SettleOutcome, SettledRun};
use model::{AmountError, RunKey, Window};
use std::sync::Arc;

/// How many runs are in memory at once.
const PAGE: u32 = 2000;

const WHAT: &str = "not every run was priced anew";

/// What was priced anew.
#[derive(Clone, Debug, Default, serde::Serialize)]
pub struct RepriceReport {
    /// Runs that were looked at.
    pub seen: u64,
    /// Runs whose price is another now.
    pub changed: u64,
    /// What became of their charges; nothing where they were only counted.
    #[serde(flatten)]
    pub counts: Counts,
    /// Runs that the profile has no tariff for any more, and which keep their price.
    pub without_tariff: u64,
    /// Runs that the books price by a later tariff than the profile has, and which keep their price.
    pub by_later_tariff: u64,
    /// Runs that could not be charged anew, with the reason; the first of them.
    pub rejected: Vec<(RunKey, String)>,
}

/// The most rejected runs that are named.
const MOST_NAMED: usize = 20;

/// Prices the runs at this site that ended in the window; only counts them where nothing is to be entered. After `Err` what
/// was entered by then stands, and the same again goes on.
pub async fn reprice(house: &House, window: Window, is_dry: bool) -> Result<RepriceReport, JobsError> {
    let book = house.needed_book(WHAT).await?;
    let mut pricer = Pricer::at(house.site(&house.here)?);
    let (mut report, mut after) = (RepriceReport::default(), None);
    loop {
        let page = booked(book.priced(&house.here, after.as_ref(), PAGE).await, WHAT)?;
        let Some(last) = page.last() else { return Ok(report) };
        after = Some(last.run.key.clone());
        let mut commands = Vec::new();
        for settled in page.iter().filter(|settled| settled.run.ended_at.is_some_and(|at| window.contains(at))) {
            report.seen += 1;
            let price = match pricer.price(&settled.run) {
                RunPrice::Known(price) => price,
                RunPrice::Unknown(_) => {
                    report.without_tariff += 1;
                    continue;
                }
            };
            match settled.price.known() {
                Some(known) if known.charges_as(&price) => {}
                Some(known) if known.tariff.is_ahead_of(&price.tariff) => report.by_later_tariff += 1,
                _ => {
                    let anew = SettledRun { run: settled.run.clone(), price: RunPrice::Known(price) };
                    commands.push(Command::Reprice(Arc::new(anew)));
                }
            }
        }
        if is_dry || commands.is_empty() {
            report.changed += commands.len() as u64;
            continue;
        }
        let outcomes = booked(book.post(&house.principal, house.clock.now(), &commands).await, WHAT)?;
        for (command, outcome) in commands.iter().zip(outcomes) {
            count(&mut report, command, outcome)?;
        }
    }
}

fn too_large(error: &AmountError) -> JobsError {
    JobsError::new(Gravity::Bug, WHAT, error.to_string(), "please report it")
}

fn count(report: &mut RepriceReport, command: &Command, outcome: Outcome) -> Result<(), JobsError> {
    match (command, outcome) {
        (Command::Reprice(settled), Outcome::Settled(SettleOutcome::Rejected { reason })) => {
            if report.rejected.len() < MOST_NAMED {
                report.rejected.push((settled.run.key.clone(), reason));
            }
        }
        (_, Outcome::Settled(SettleOutcome::Same | SettleOutcome::Stale)) => {}
        (Command::Reprice(settled), Outcome::Settled(outcome)) => {
            report.changed += 1;
            report.counts.count(settled, &outcome).map_err(|error| too_large(&error))?;
        }
        _ => return Err(JobsError::new(Gravity::Bug, WHAT, "the ledger gave another answer", "please report it")),
    }
    Ok(())
}
