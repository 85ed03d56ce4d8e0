//! A tariff: what a partition's time is counted in, from when on, and where that is written.

use crate::{ChargeRule, ResourceClass, SiteName, Unit};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Names a tariff for good: a price keeps the id of the tariff it was made by. It has the date of the source, and a digest of
/// what the tariff says: `jupiter/booster/2026-09-02@5e0c4d…`, 32 hexadecimal digits. Ids without a digest are of older prices.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TariffId(pub String);

impl TariffId {
    /// The id without its digest: `jupiter/booster/2026-09-02`.
    pub fn name(&self) -> &str {
        self.0.split_once('@').map_or(&self.0, |(name, _)| name)
    }

    /// The digest; none in an older price's.
    pub fn digest(&self) -> Option<&str> {
        self.0.split_once('@').map(|(_, digest)| digest)
    }

    /// The date of the source, as far as it is known: `2026`, `2026-09`, `2026-09-02`. None where the id ends in no date.
    pub fn as_of(&self) -> Option<&str> {
        let (_, date) = self.name().rsplit_once('/')?;
        let is_date = date.len() >= 4 && date.split('-').all(|part| part.bytes().all(|byte| byte.is_ascii_digit()));
        is_date.then_some(date)
    }

    /// Whether a price by this tariff goes before one by the other for the same run: its source is of a later date, or of the
    /// same date with the greater digest, so that any two people come to the same.
    pub fn is_ahead_of(&self, other: &Self) -> bool {
        (self.as_of(), self.digest()) > (other.as_of(), other.digest())
    }
}

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
    /// All that the tariff says but its name, as one line that any program can read and that is the same everywhere:
    /// `site=jupiter gpu_class=gh200 …`.
    pub fn terms(&self) -> String {
        let Self { id: _, site, gpu_class, charge_class, charge_rule, is_exclusive, .. } = self;
        let (milli_gpus, minimum) = (self.milli_gpus_per_scheduler_gpu, self.minimum_seconds);
        let gpu_class = gpu_class.as_ref().map_or("-", ResourceClass::as_str);
        let per_node = self.scheduler_gpus_per_node.map_or("-".to_owned(), |gpus| gpus.to_string());
        format!(
            "site={site} gpu_class={gpu_class} milli_gpus_per_scheduler_gpu={milli_gpus} scheduler_gpus_per_node={per_node} \
             is_exclusive={is_exclusive} charge_class={} charge_rule={charge_rule} minimum_seconds={minimum}",
            charge_class.as_str(),
        )
    }

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_later_source_goes_before_and_of_two_of_one_date_always_the_same() {
        let id = |text: &str| TariffId(text.to_owned());
        for (one, other, is_ahead) in [
            ("jupiter/booster/2026-09-02@aa", "jupiter/booster/2026-09-01@ff", true),
            ("jupiter/booster/2026-09-01@ff", "jupiter/booster/2026-09-02@aa", false),
            ("jupiter/booster/2026-09@aa", "jupiter/booster/2026-08-31@ff", true),
            ("jupiter/booster/2026-09-02@ab", "jupiter/booster/2026-09-02@aa", true),
            ("jupiter/booster/2026-09-02@aa", "jupiter/booster/2026-09-02@aa", false),
            ("jupiter/booster/2026-09-02@aa", "jupiter/booster/2026-09-02", true),
            ("jupiter/booster/2020@aa", "jupiter/booster/undated@ff", true),
            ("jupiter/booster/undated@aa", "jupiter/booster/test@ff", false),
        ] {
            assert_eq!(id(one).is_ahead_of(&id(other)), is_ahead, "{one} {other}");
        }
        let whole = id("local/local-without-gpus/2026-11@00ff");
        assert_eq!((whole.name(), whole.digest()), ("local/local-without-gpus/2026-11", Some("00ff")));
        assert_eq!((id("a/b/2026").digest(), id("a/b/2026").as_of()), (None, Some("2026")));
    }
}
