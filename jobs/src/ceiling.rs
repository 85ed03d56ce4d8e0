//! What a job may cost at most: by where it was placed, or by what the scheduler keeps of it.

use crate::{
    error::{Gravity, JobsError},
    house::House,
};
use model::{AmountError, GpuCount, PartitionName, Placement, Price, Tariff, Tres, WallTime, price};

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
    let tariff = sites::tariff_for(house.site(&house.here)?, partition, requested);
    let (Some(limit), Some(tariff)) = (limit, tariff) else { return Ok(None) };
    let priced = price(&will_be_allocated(requested, &tariff), limit, &tariff);
    priced.map(Some).map_err(|error| too_large(&error))
}

/// On exclusive nodes all of each node is allocated, whatever was asked for.
pub(crate) fn will_be_allocated(requested: &Tres, tariff: &Tariff) -> Tres {
    let mut tres = requested.clone();
    if tariff.is_exclusive && tariff.gpu_class.is_some() {
        let whole = tariff.scheduler_gpus_per_node.zip(tres.nodes).map(|(gpus, nodes)| gpus.saturating_mul(nodes));
        let asked = match requested.gpus() {
            GpuCount::Tracked(gpus) => Some(gpus),
            GpuCount::Untracked => None,
        };
        tres.gpus_total = whole.or(asked);
    }
    tres
}

fn too_large(error: &AmountError) -> JobsError {
    let next = "shorten the time limit or take fewer nodes";
    JobsError::new(Gravity::Usage, "the job's ceiling cannot be counted", error.to_string(), next)
}
