//! Models of GPUs: the ledger keeps sums by unit and partition, and the sites' profiles know which GPUs those have.

use crate::{
    error::JobsError,
    house::House,
    reached::booked,
    used::{UsageWish, UsedSum, WHAT, too_large},
};
use ledger::{Book, UsageField, UsageGroup, UsageQuery, UsageSum};
use model::{Amount, ResourceClass};
use sites::{Catalogue, Site};
use std::collections::{BTreeMap, BTreeSet};

/// The sums that are asked for, of one model of GPU or told apart by it.
pub(crate) async fn by_gpu_model(house: &House, book: &dyn Book, wish: &UsageWish) -> Result<Vec<UsedSum>, JobsError> {
    let asked = &wish.query.by;
    let by = asked.iter().copied().chain([UsageField::Site, UsageField::Partition]).collect();
    let query = UsageQuery { by, ..wish.query.clone() };
    let mut sums = BTreeMap::<(UsageGroup, Option<ResourceClass>), Amount>::new();
    for UsageSum { group, amount } in booked(book.usage(&query).await, WHAT)? {
        let model = model_of(&house.catalogue, &group);
        if wish.gpu_model.as_ref().is_some_and(|wanted| model.as_ref() != Some(wanted)) {
            continue;
        }
        let group = UsageGroup {
            site: group.site.filter(|_| asked.contains(&UsageField::Site) || asked.contains(&UsageField::Cluster)),
            partition: group.partition.filter(|_| asked.contains(&UsageField::Partition)),
            ..group
        };
        let sum = sums.entry((group, model.filter(|_| wish.by_gpu_model))).or_default();
        *sum = sum.plus(amount).map_err(|error| too_large(&error))?;
    }
    let rows = sums.into_iter().filter(|(_, amount)| *amount != Amount::ZERO);
    Ok(rows.map(|((group, gpu_model), amount)| UsedSum { gpu_model, sum: UsageSum { group, amount } }).collect())
}

/// The model that the unit counts or, where it counts something else, that the partition has. None where no profile tells.
fn model_of(catalogue: &Catalogue, group: &UsageGroup) -> Option<ResourceClass> {
    let site = catalogue.get(group.unit.site())?;
    let class = group.unit.class();
    if models_of(site).any(|model| model == class) {
        return Some(class.clone());
    }
    let partition = site.partition_of_runs(group.partition.as_ref()?)?;
    partition.gpus.as_ref().map(|gpus| gpus.value.class.clone())
}

fn models_of(site: &Site) -> impl Iterator<Item = &ResourceClass> {
    site.partitions.iter().filter_map(|partition| partition.gpus.as_ref()).map(|gpus| &gpus.value.class)
}

/// All models that profiles know.
pub(crate) fn models(catalogue: &Catalogue) -> BTreeSet<String> {
    catalogue.iter().flat_map(models_of).map(|model| model.as_str().to_owned()).collect()
}
