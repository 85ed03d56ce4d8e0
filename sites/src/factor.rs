//! Factors between a site's own charge and GPU time: exact, dated by the tariff they follow from, and only where every
//! partition that charges so agrees.

use crate::profile::Site;
use model::{Amount, ChargeRule, Tariff, TariffId, Timestamp, Unit};

/// So many of the one for so many of the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Factor {
    multiply: u64,
    divide: u64,
    /// The tariff that says so, with its date.
    pub tariff: TariffId,
}

impl Factor {
    /// The amount in the other unit; none where it does not come out even, so that nothing is ever rounded away.
    pub fn of(&self, amount: Amount) -> Option<Amount> {
        let product = i128::from(amount.milli()) * i128::from(self.multiply);
        let divide = i128::from(self.divide);
        (product % divide == 0).then(|| i64::try_from(product / divide).ok().map(Amount::from_milli))?
    }

    fn is_as(&self, other: &Self) -> bool {
        u128::from(self.multiply) * u128::from(other.divide) == u128::from(other.multiply) * u128::from(self.divide)
    }
}

impl Site {
    /// The factor at an instant from the unit of the site's own charge to one of GPU time. None where some partition that charges so has
    /// other GPUs or none, another rate, or one that depends on more than the GPUs: the sum of a site says nothing about
    /// where it was spent.
    pub fn factor(&self, from: &Unit, to: &Unit, at: Timestamp) -> Option<Factor> {
        let mut found: Option<Factor> = None;
        let tariffs = self.partitions.iter().flat_map(|partition| partition.tariffs(self.name(), at));
        for tariff in tariffs.filter(|tariff| tariff.charge_unit() == *from) {
            let factor = factor_of(&tariff).filter(|_| tariff.gpu_unit().as_ref() == Some(to))?;
            if found.as_ref().is_some_and(|known| !known.is_as(&factor)) {
                return None;
            }
            found.get_or_insert(factor);
        }
        found
    }
}

/// GPU time for each unit of charge. A node that is shared is charged by what a job takes of it, whatever GPUs that has; and
/// the least that is charged for is no GPU time.
fn factor_of(tariff: &Tariff) -> Option<Factor> {
    if tariff.minimum_seconds > 0 {
        return None;
    }
    let (multiply, divide) = match tariff.charge_rule {
        ChargeRule::Nodes(weight) if tariff.is_exclusive => {
            (tariff.scheduler_gpus_per_node?.checked_mul(tariff.milli_gpus_per_scheduler_gpu)?, weight)
        }
        ChargeRule::Gpus(weight) => (tariff.milli_gpus_per_scheduler_gpu, weight),
        _ => return None,
    };
    (multiply > 0 && divide > 0).then(|| Factor { multiply, divide, tariff: tariff.id.clone() })
}
