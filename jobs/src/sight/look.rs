//! All of it, in the order of the checks.

use super::{places, program, variables};
use crate::house::House;
use model::{Finding, JobSpec};

/// Looks from here at what the job names; every mistake and doubt about it at this machine's site. A site that does not
/// answer shows nothing.
pub(crate) async fn look(house: &House, spec: &JobSpec) -> Vec<Finding> {
    let Some(site) = house.catalogue.get(&house.here) else { return Vec::new() };
    let Ok(variables) = house.variables.all().await else { return Vec::new() };
    let home = variables.get("HOME").map(String::as_str).filter(|home| home.starts_with('/'));
    let mut findings = variables::unset(variables, site, spec);
    findings.extend(places::missing(house, home, site, spec).await);
    findings.extend(program::missing(house, home, spec).await);
    findings
}
