//! A tariff: what a partition's time is counted in, from when on, and where that is written.

use crate::{ChargeRule, ResourceClass, SiteName, Unit};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Names a tariff for good: a price keeps the id of the tariff it was made by. `jupiter/booster/2026-09-02`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TariffId(pub String);

impl fmt::Display for TariffId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// How one partition's runs become amounts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tariff {
    /// Its name.
    pub id: TariffId,
    /// The site whose time it counts.
    pub site: SiteName,
    /// The class of GPU that is counted beside the site's charge; none on CPU partitions.
    pub gpu_class: Option<ResourceClass>,
    /// Milli-GPUs of that class for each GPU the scheduler counts: 1000, or 500 where it counts halves of a module.
    pub milli_gpus_per_scheduler_gpu: u64,
    /// GPUs of a whole node as the scheduler counts them, to fill in where it tracks none.
    pub scheduler_gpus_per_node: Option<u64>,
    /// Whether a job always has whole nodes, so that nodes times GPUs per node is what it held.
    pub is_exclusive: bool,
    /// The class the site itself charges in.
    pub charge_class: ResourceClass,
    /// The site's formula.
    pub charge_rule: ChargeRule,
    /// The least that is charged for, in seconds.
    pub minimum_seconds: u64,
}

impl Tariff {
    /// The unit of GPU time.
    pub fn gpu_unit(&self) -> Option<Unit> {
        self.gpu_class.clone().map(|class| Unit::new(self.site.clone(), class))
    }

    /// The unit of node time.
    pub fn node_unit(&self) -> Unit {
        Unit::new(self.site.clone(), ResourceClass::node())
    }

    /// The unit of the site's own charge.
    pub fn charge_unit(&self) -> Unit {
        Unit::new(self.site.clone(), self.charge_class.clone())
    }
}
