//! All of it, in the order of the checks.

use super::{places, program, variables};
use crate::house::House;
use model::{Finding, JobSpec};

/// Looks from here at what the job names; every mistake and doubt about it at this machine's site.
pub(crate) async fn look(house: &House, spec: &JobSpec) -> Vec<Finding> {
    let Some(site) = house.catalogue.get(&house.here) else { return Vec::new() };
    let mut findings = variables::unset(house, site, spec);
    findings.extend(places::missing(house, site, spec).await);
    findings.extend(program::missing(house, spec).await);
    findings
}
