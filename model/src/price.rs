//! The price of a run: GPU time, node time and the site's own charge side by side, never converted into each other.

use crate::{Amount, AmountError, GpuCount, Tariff, TariffId, Tres, Unit, WallTime};
use serde::{Deserialize, Serialize};

/// An amount of one unit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Charge {
    /// Of what.
    pub unit: Unit,
    /// How much.
    pub amount: Amount,
}

/// What an allocation costs for a length of time. A part that cannot be known from the row is absent, which is not zero.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Price {
    /// By which tariff.
    pub tariff: TariffId,
    /// GPU time.
    pub gpu: Option<Charge>,
    /// Node time.
    pub node: Option<Charge>,
    /// What the site charges by its own formula.
    pub site: Option<Charge>,
    /// Whether the GPUs were filled in from the profile: the scheduler does not track them, or fewer than whole nodes have.
    pub is_estimated: bool,
}

impl Price {
    /// Whether the other one charges the same, by whatever tariff.
    pub fn charges_as(&self, other: &Self) -> bool {
        (&self.gpu, &self.node, &self.site) == (&other.gpu, &other.node, &other.site)
    }

    /// The amount in a unit, where the price has one in it.
    pub fn in_unit(&self, unit: &Unit) -> Option<Amount> {
        let mut charges = [&self.gpu, &self.site, &self.node].into_iter().flatten();
        charges.find(|charge| charge.unit == *unit).map(|charge| charge.amount)
    }
}

/// Prices an allocation held for `elapsed`: by **allocated** resources, whatever was asked for and whatever was used.
///
/// Errors only where an amount does not fit in 64 bits.
pub fn price(allocated: &Tres, elapsed: WallTime, tariff: &Tariff) -> Result<Price, AmountError> {
    let seconds = if elapsed.seconds() == 0 { 0 } else { elapsed.seconds().max(tariff.minimum_seconds) };
    let (gpus, is_estimated) = scheduler_gpus(allocated, tariff);
    let counted = gpus.map_or(allocated.gpus(), GpuCount::Tracked);
    let charge = |unit: Option<Unit>, weight: Option<u64>| match (unit, weight) {
        (Some(unit), Some(weight)) => Amount::from_product(weight, seconds).map(|amount| Some(Charge { unit, amount })),
        _ => Ok(None),
    };
    let gpu_weight = gpus.and_then(|gpus| gpus.checked_mul(tariff.milli_gpus_per_scheduler_gpu));
    let node_weight = allocated.nodes.and_then(|nodes| nodes.checked_mul(1000));
    Ok(Price {
        tariff: tariff.id.clone(),
        gpu: charge(tariff.gpu_unit(), gpu_weight)?,
        node: charge(Some(tariff.node_unit()), node_weight)?,
        site: charge(Some(tariff.charge_unit()), tariff.charge_rule.milli_per_second_with(allocated, counted))?,
        is_estimated,
    })
}

/// The GPUs of an allocation and whether they had to be filled in: whole nodes hold all their GPUs, however few of them were asked
/// for, and those of shared ones are unknown where they are not tracked.
fn scheduler_gpus(allocated: &Tres, tariff: &Tariff) -> (Option<u64>, bool) {
    let is_whole = tariff.is_exclusive && tariff.gpu_class.is_some();
    let nodes = tariff.scheduler_gpus_per_node.zip(allocated.nodes).filter(|_| is_whole);
    let of_nodes = nodes.and_then(|(per_node, nodes)| per_node.checked_mul(nodes));
    match (allocated.gpus(), of_nodes) {
        (GpuCount::Tracked(gpus), Some(of_nodes)) if gpus < of_nodes => (Some(of_nodes), true),
        (GpuCount::Tracked(gpus), _) => (Some(gpus), false),
        (GpuCount::Untracked, of_nodes) => (of_nodes, is_whole),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ChargeRule;

    fn tariff(rule: ChargeRule, is_exclusive: bool) -> Tariff {
        Tariff {
            id: TariffId("jupiter/booster/test".to_owned()),
            site: "jupiter".parse().expect("a site"),
            gpu_class: Some("gh200".to_owned().try_into().expect("a class")),
            milli_gpus_per_scheduler_gpu: 1000,
            scheduler_gpus_per_node: Some(4),
            is_exclusive,
            charge_class: "core".to_owned().try_into().expect("a class"),
            charge_rule: rule,
            minimum_seconds: 0,
        }
    }

    fn hours(charge: Option<&Charge>) -> String {
        charge.map_or("unknown".to_owned(), |charge| charge.amount.hours())
    }

    #[test]
    fn prices_by_what_was_allocated() {
        let whole = || ChargeRule::Nodes(288_000);
        let slices = || ChargeRule::Largest(vec![ChargeRule::Gpus(1000), ChargeRule::Cpus(125)]);
        for (tres, rule, exclusive, gpu, node, site, estimated) in [
            ("cpu=576,gres/gpu=8,node=2", whole(), true, "8.000", "2.000", "576.000", false),
            ("cpu=72,gres/gpu=1,node=1", whole(), true, "4.000", "1.000", "288.000", true),
            ("cpu=72,gres/gpu=1,node=1", ChargeRule::Gpus(1000), true, "4.000", "1.000", "4.000", true),
            ("cpu=72,gres/gpu=1", whole(), true, "1.000", "unknown", "unknown", false),
            ("cpu=576,node=2", whole(), true, "8.000", "2.000", "576.000", true),
            ("cpu=10,node=1", slices(), false, "unknown", "1.000", "unknown", false),
            ("cpu=10,gres/gpu=1,node=1", slices(), false, "1.000", "1.000", "1.250", false),
            ("cpu=10", whole(), true, "unknown", "unknown", "unknown", true),
        ] {
            let allocated = Tres::read(tres).expect(tres);
            let price = price(&allocated, WallTime::from_seconds(3600), &tariff(rule, exclusive)).expect("fits");
            let shown = [&price.gpu, &price.node, &price.site].map(|charge| hours(charge.as_ref()));
            assert_eq!((shown, price.is_estimated), ([gpu, node, site].map(str::to_owned), estimated), "{tres}");
        }
    }

    #[test]
    fn a_second_is_exact_and_a_minimum_counts_only_for_what_ran() {
        let allocated = Tres::read("cpu=288,gres/gpu=4,node=1").expect("a list");
        let mut tariff = tariff(ChargeRule::Nodes(288_000), true);
        let unit: Unit = "jupiter:gh200".parse().expect("a unit");
        let one = price(&allocated, WallTime::from_seconds(1), &tariff).expect("fits");
        assert_eq!(one.in_unit(&unit), Some(Amount::from_milli(4_000)));
        tariff.minimum_seconds = 60;
        for (elapsed, milli) in [(0, 0), (1, 240_000), (61, 244_000)] {
            let price = price(&allocated, WallTime::from_seconds(elapsed), &tariff).expect("fits");
            assert_eq!(price.in_unit(&unit), Some(Amount::from_milli(milli)), "{elapsed}");
        }
    }

    #[test]
    fn what_does_not_fit_is_an_error_and_no_wrapped_number() {
        let allocated = Tres::read("cpu=288,gres/gpu=99999999999,node=1").expect("a list");
        let priced = price(&allocated, WallTime::from_seconds(u64::MAX), &tariff(ChargeRule::Nodes(1), true));
        assert_eq!(priced, Err(AmountError::Overflow));
    }
}
