//! Models of GPUs: the ledger keeps sums by unit and partition, and the sites' profiles know which GPUs those have.

use crate::used::UsageWish;
use ledger::{UsageField, UsageGroup, UsageQuery};
use model::ResourceClass;
use sites::{Catalogue, Site};
use std::collections::BTreeSet;

/// What a sum is of, with the model of GPU where that is told apart.
pub(crate) type Place = (UsageGroup, Option<ResourceClass>);

/// How the ledger's sums come to those that are asked for, of one model of GPU or told apart by it among them.
pub(crate) struct Groups<'a> {
    catalogue: &'a Catalogue,
    wish: &'a UsageWish,
}

impl<'a> Groups<'a> {
    pub(crate) const fn of(catalogue: &'a Catalogue, wish: &'a UsageWish) -> Self {
        Self { catalogue, wish }
    }

    const fn has_models(&self) -> bool {
        self.wish.by_gpu_model || self.wish.gpu_model.is_some()
    }

    /// What the ledger is asked: models are told by site and partition.
    pub(crate) fn query(&self) -> UsageQuery {
        let asked = self.wish.query.clone();
        if !self.has_models() {
            return asked;
        }
        let by = asked.by.iter().copied().chain([UsageField::Site, UsageField::Partition]).collect();
        UsageQuery { by, ..asked }
    }

    /// Where a sum of the ledger belongs. None where it is of another model than the one that is asked for.
    pub(crate) fn place(&self, group: UsageGroup) -> Option<Place> {
        if !self.has_models() {
            return Some((group, None));
        }
        let asked = &self.wish.query.by;
        let model = model_of(self.catalogue, &group);
        if self.wish.gpu_model.as_ref().is_some_and(|wanted| model.as_ref() != Some(wanted)) {
            return None;
        }
        let group = UsageGroup {
            site: group.site.filter(|_| asked.contains(&UsageField::Site) || asked.contains(&UsageField::Cluster)),
            partition: group.partition.filter(|_| asked.contains(&UsageField::Partition)),
            ..group
        };
        Some((group, model.filter(|_| self.wish.by_gpu_model)))
    }
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
