//! Holds that could not be entered when their job was submitted, because the ledger did not answer.

use crate::{
    budget::hold_command,
    ceiling,
    directory::{IndexedJob, Intent, JobDirectory},
    error::JobsError,
    funding::{Funding, Payer, funding},
    house::House,
    reached::booked,
};
use ledger::{Book, Command, HoldId};
use model::{Amount, Unit};
use std::sync::Arc;

/// The holds still to be entered. A job that is over counts too: its run is charged to its own project then, and the
/// hold closes at once. One that is over without ever having been sent has nothing to hold for.
pub(super) async fn provisional(
    house: &House,
    book: &Arc<dyn Book>,
    jobs: &[IndexedJob],
) -> Result<Vec<Command>, JobsError> {
    let mut commands = Vec::new();
    let was_sent = |job: &&IndexedJob| job.ended.is_none() || job.scheduler_job.is_some();
    // Whoever enters a hold is the person whose runs draw from it: a colleague's directory is theirs to enter.
    let is_own = |job: &&IndexedJob| job.intent.principal.user == house.principal.user;
    for job in jobs.iter().filter(|job| job.hold_is_due).filter(was_sent).filter(is_own) {
        let id = job.intent.id;
        if booked(book.hold(HoldId(id)).await, "nothing was settled")?.is_some() {
            continue;
        }
        let directory = house.state.job(id);
        let Some(intent) = directory.intent().await? else { continue };
        if let Some((unit, amount)) = due(house, &directory, &intent).await? {
            commands.push(hold_command(&intent, &unit, amount, true));
        }
    }
    Ok(commands)
}

/// What is to be held: as it was found out at the time, else as ledger and tariffs say now. None where nothing pays.
async fn due(house: &House, directory: &JobDirectory, intent: &Intent) -> Result<Option<(Unit, Amount)>, JobsError> {
    let read = directory.read_back().await?;
    if let Some(hold) = read.as_ref().and_then(|read| read.hold.clone()).or_else(|| intent.hold.clone()) {
        return Ok(Some(hold));
    }
    let (account, partition, price) = match (&intent.placement, &read) {
        (Some(placed), Some(read)) => {
            let (_, price) =
                ceiling::of_kept(house, placed, read.partition.as_ref(), &read.requested, read.time_limit)?;
            let account = read.account.as_ref().or(placed.account.as_ref());
            (account, read.partition.as_ref().or(placed.partition.as_ref()), Some(price))
        }
        (Some(placed), None) => {
            (placed.account.as_ref(), placed.partition.as_ref(), Some(ceiling::of_placement(placed)?))
        }
        (None, Some(read)) => {
            let price = ceiling::of_request(house, read.partition.as_ref(), &read.requested, read.time_limit)?;
            (read.account.as_ref(), read.partition.as_ref(), price)
        }
        (None, None) => return Ok(None),
    };
    let Some(price) = price else { return Ok(None) };
    let Funding::Known(budgets) = funding(house, &intent.project, &house.here, account).await? else {
        return Ok(None);
    };
    let Payer::Own(_, unit) = budgets.payer(house, account, partition, &price) else {
        return Ok(None);
    };
    let Some(amount) = price.in_unit(unit) else { return Ok(None) };
    // It is one link that was priced.
    let links = intent.links_held(house.scheduler.capabilities().can_depend);
    let links = std::iter::repeat_n(amount, usize::try_from(links).unwrap_or(usize::MAX));
    let all = Amount::sum(links).map_err(|error| ceiling::too_large(&error))?;
    Ok(Some((unit.clone(), all)))
}
