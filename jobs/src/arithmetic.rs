//! How a job's hold comes about: tasks, nodes, what a node counts, and time, multiplied.

use crate::{
    ceiling,
    directory::{Intent, ReadBack},
    house::House,
};
use ledger::Hold;
use model::{Amount, Factors, Placement, Tariff, WallTime};
use scheduler_adapters::JobSighting;

/// The factors of what is held for a placement. A job of Pakt's is one task: one job file, one job.
pub(crate) fn of_placement(placement: &Placement, held: Amount) -> Option<Factors> {
    let time = charged_time(placement.time_limit, Some(&placement.tariff));
    Factors::of(held, 1, placement.nodes.into(), time)
}

/// The factors of what is held for a job, by what the scheduler keeps of it where that was read, else by its placement;
/// none where the hold is of something else by now.
pub(crate) fn of_job(house: &House, intent: &Intent, read: Option<&ReadBack>, held: Amount) -> Option<Factors> {
    let wanted = intent.hold.as_ref().map(|(_, amount)| *amount);
    let kept = read.and_then(|read| read.hold.as_ref()).map(|(_, amount)| *amount).or(wanted);
    let placement = intent.placement.as_ref();
    match read.filter(|_| kept == Some(held) && intent.link_hold.is_none()) {
        Some(read) => of_kept(house, placement, read, held),
        None => placement.filter(|_| wanted == Some(held)).and_then(|placement| {
            let factors = of_placement(placement, intent.link_hold.unwrap_or(held))?;
            factors.times(links_in(held, intent.link_hold)?)
        }),
    }
}

/// How many links of a chain are in what is held; 1 of a job that is none.
pub(crate) fn links_in(held: Amount, link: Option<Amount>) -> Option<usize> {
    let Some(link) = link else { return Some(1) };
    let links = held.milli().checked_div(link.milli())?;
    usize::try_from(links).ok().filter(|_| links * link.milli() == held.milli())
}

fn of_kept(house: &House, placement: Option<&Placement>, read: &ReadBack, held: Amount) -> Option<Factors> {
    let limit = read.time_limit.or(placement.map(|placement| placement.time_limit))?;
    let nodes = read.requested.nodes.or(placement.map(|placement| placement.nodes.into())).unwrap_or(1);
    let partition = read.partition.as_ref();
    let site = house.site(&house.here).ok();
    let tariff = site.and_then(|site| sites::tariff_for(site, partition, &read.requested, house.clock.now()));
    let tariff = tariff.as_ref().or(placement.map(|placement| &placement.tariff));
    Factors::of(held, 1, nodes, charged_time(limit, tariff))
}

/// The factors of a hold that followed its job: of the job as the scheduler shows it now.
pub(crate) fn of_seen(house: &House, intent: &Intent, seen: &JobSighting, hold: &Hold) -> Option<Factors> {
    let placement = intent.placement.as_ref();
    let price = ceiling::of_seen(house, placement, seen).ok()??;
    let most = price.in_unit(&hold.unit).filter(|amount| *amount == hold.ceiling)?;
    let tariff =
        sites::tariff_for(house.site(&house.here).ok()?, seen.partition.as_ref(), &seen.requested, house.clock.now());
    let tariff = tariff.as_ref().or(placement.map(|placement| &placement.tariff));
    Factors::of(most, 1, seen.requested.nodes.unwrap_or(1), charged_time(seen.time_limit?, tariff))
}

/// A site may charge a job for longer than it may run.
fn charged_time(limit: WallTime, tariff: Option<&Tariff>) -> WallTime {
    let least = tariff.map_or(0, |tariff| tariff.minimum_seconds);
    limit.max(WallTime::from_seconds(least))
}
