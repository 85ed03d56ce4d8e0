//! A price without its amounts, which stores keep once for all runs that share it.

use crate::RunPrice;
use model::{Amount, Charge, Price, TariffId, Unit};
use serde::{Deserialize, Serialize};

/// Everything of a price but its amounts: few runs have one that no other has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum PriceShape {
    Known { tariff: TariffId, gpu: Option<Unit>, node: Option<Unit>, site: Option<Unit>, is_estimated: bool },
    Unknown(String),
}

impl PriceShape {
    pub(crate) fn of(price: &RunPrice) -> Self {
        let unit = |charge: &Option<Charge>| charge.as_ref().map(|charge| charge.unit.clone());
        match price {
            RunPrice::Unknown(why) => Self::Unknown(why.clone()),
            RunPrice::Known(Price { tariff, gpu, node, site, is_estimated }) => Self::Known {
                tariff: tariff.clone(),
                gpu: unit(gpu),
                node: unit(node),
                site: unit(site),
                is_estimated: *is_estimated,
            },
        }
    }

    /// Whether the price has this shape, told without making one.
    pub(crate) fn is_of(&self, price: &RunPrice) -> bool {
        let same =
            |unit: &Option<Unit>, charge: &Option<Charge>| unit.as_ref() == charge.as_ref().map(|charge| &charge.unit);
        match (self, price) {
            (Self::Unknown(known), RunPrice::Unknown(why)) => known == why,
            (Self::Known { tariff, gpu, node, site, is_estimated }, RunPrice::Known(price)) => {
                *tariff == price.tariff
                    && *is_estimated == price.is_estimated
                    && same(gpu, &price.gpu)
                    && same(node, &price.node)
                    && same(site, &price.site)
            }
            _ => false,
        }
    }

    /// What the site charges by its own formula, at this milli-amount.
    pub(crate) fn site_charge(self, amount: Option<i64>) -> Option<Charge> {
        match self.price([None, None, amount]) {
            RunPrice::Known(price) => price.site,
            RunPrice::Unknown(_) => None,
        }
    }

    /// The price of this shape with the milli-amounts of its GPU, node and site parts.
    pub(crate) fn price(self, [gpu, node, site]: [Option<i64>; 3]) -> RunPrice {
        match self {
            Self::Unknown(why) => RunPrice::Unknown(why),
            Self::Known { tariff, gpu: gpu_unit, node: node_unit, site: site_unit, is_estimated } => {
                let charge = |unit: Option<Unit>, amount: Option<i64>| {
                    unit.zip(amount).map(|(unit, milli)| Charge { unit, amount: Amount::from_milli(milli) })
                };
                let (gpu, node, site) = (charge(gpu_unit, gpu), charge(node_unit, node), charge(site_unit, site));
                RunPrice::Known(Price { tariff, gpu, node, site, is_estimated })
            }
        }
    }
}
