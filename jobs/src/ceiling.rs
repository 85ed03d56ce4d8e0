//! What a job may cost at most: by where it was placed, or by what the scheduler keeps of it.

use crate::{
    error::{Gravity, JobsError},
    house::House,
    settle::NO_NUMBER,
};
use model::{AmountError, GpuCount, PartitionName, Placement, Price, Tariff, Tres, WallTime, price};
use scheduler_adapters::JobSighting;

/// The most a placement can cost: all that is charged for, for the whole time limit.
pub(crate) fn of_placement(placement: &Placement) -> Result<Price, JobsError> {
    price(&placement.charged, placement.time_limit, &placement.tariff).map_err(|error| too_large(&error))
}

/// The most a job can cost that Pakt did not place; none without a limit, or in a partition whose tariff nobody knows.
pub(crate) fn of_request(
    house: &House,
    partition: Option<&PartitionName>,
    requested: &Tres,
    limit: Option<WallTime>,
) -> Result<Option<Price>, JobsError> {
    let tariff = sites::tariff_for(house.site(&house.here)?, partition, requested, house.clock.now());
    let (Some(limit), Some(tariff)) = (limit, tariff) else { return Ok(None) };
    let priced = price(&will_be_allocated(requested, &tariff), limit, &tariff);
    priced.map(Some).map_err(|error| too_large(&error))
}

/// What a job that Pakt placed will be given by what the scheduler keeps of it, and the most that can cost. The scheduler's
/// own numbers go before those of the placement, which fill in what it does not track.
pub(crate) fn of_kept(
    house: &House,
    placement: &Placement,
    partition: Option<&PartitionName>,
    requested: &Tres,
    limit: Option<WallTime>,
) -> Result<(Tres, Price), JobsError> {
    let site = house.site(&house.here)?;
    let planned = on_nodes(placement, requested.nodes);
    let asked = Tres {
        nodes: planned.nodes,
        // A scheduler may count CPUs and memory only once it has allocated them, but never allocates less than it says.
        cpus: requested.cpus.max(planned.cpus),
        memory_mib: requested.memory_mib.max(planned.memory_mib),
        gpus_total: tracked(requested).or(planned.gpus_total),
        ..requested.clone()
    };
    let is_moved = partition.is_some() && partition != placement.partition.as_ref();
    let is_other = is_moved || asked.gpus_total != planned.gpus_total;
    let other = sites::tariff_for(site, partition, &asked, house.clock.now()).filter(|_| is_other);
    let tariff = other.as_ref().unwrap_or(&placement.tariff);
    let has_whole_nodes = tariff.is_exclusive || placement.extra.iter().any(|word| word == "--exclusive");
    let whole = whole_nodes(asked.nodes, tariff).or(planned.gpus_total.filter(|_| !is_moved));
    let gpus_total = asked.gpus_total.max(whole.filter(|_| has_whole_nodes));
    let given = Tres { gpus_total, ..asked };
    let priced = price(&given, limit.unwrap_or(placement.time_limit), tariff);
    priced.map(|price| (given, price)).map_err(|error| too_large(&error))
}

/// The most that a job can still take as the scheduler shows it: a job that Pakt placed, or another. None where the scheduler
/// shows no limit, or nobody knows a tariff.
pub(crate) fn of_seen(
    house: &House,
    placement: Option<&Placement>,
    seen: &JobSighting,
) -> Result<Option<Price>, JobsError> {
    let limit = seen.time_limit.filter(|limit| limit.seconds() < NO_NUMBER);
    let Some(limit) = limit else { return Ok(None) };
    let partition = seen.partition.as_ref();
    match placement {
        Some(placement) => {
            of_kept(house, placement, partition, &seen.requested, Some(limit)).map(|(_, price)| Some(price))
        }
        None => of_request(house, partition, &seen.requested, Some(limit)),
    }
}

/// What is charged for by the placement when the scheduler keeps another number of nodes than was asked for.
fn on_nodes(placement: &Placement, nodes: Option<u64>) -> Tres {
    let (charged, asked) = (&placement.charged, u64::from(placement.nodes).max(1));
    let nodes = nodes.unwrap_or(asked);
    let scale = |count: Option<u64>| count.map(|count| count.saturating_mul(nodes) / asked);
    Tres {
        cpus: scale(charged.cpus),
        nodes: Some(nodes),
        memory_mib: scale(charged.memory_mib),
        gpus_total: scale(tracked(charged)),
        ..Tres::default()
    }
}

/// On exclusive nodes all of each node is allocated, whatever was asked for.
pub(crate) fn will_be_allocated(requested: &Tres, tariff: &Tariff) -> Tres {
    let mut tres = requested.clone();
    if tariff.is_exclusive && tariff.gpu_class.is_some() {
        tres.gpus_total = whole_nodes(tres.nodes, tariff).or(tracked(requested));
    }
    tres
}

/// All GPUs of so many nodes; none where the tariff counts none.
fn whole_nodes(nodes: Option<u64>, tariff: &Tariff) -> Option<u64> {
    tariff.gpu_class.as_ref()?;
    tariff.scheduler_gpus_per_node.zip(nodes).map(|(gpus, nodes)| gpus.saturating_mul(nodes))
}

fn tracked(tres: &Tres) -> Option<u64> {
    match tres.gpus() {
        GpuCount::Tracked(gpus) => Some(gpus),
        GpuCount::Untracked => None,
    }
}

pub(crate) fn too_large(error: &AmountError) -> JobsError {
    let next = "shorten the time limit or take fewer nodes";
    JobsError::new(Gravity::Usage, "the job's ceiling cannot be counted", error.to_string(), next)
}
