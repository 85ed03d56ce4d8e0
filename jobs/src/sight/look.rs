//! All of it, in the order of the checks.

use super::{image, places, program, variables};
use crate::house::House;
use model::{Finding, JobSpec};

/// Looks from here at what the job names; every mistake and doubt about it at this machine's site. A site that does not
/// answer shows nothing.
pub(crate) async fn look(house: &House, spec: &JobSpec) -> Vec<Finding> {
    let Some(site) = house.catalogue.get(&house.here) else { return Vec::new() };
    let Ok(variables) = house.variables.all().await else { return Vec::new() };
    let home = variables.get("HOME").map(String::as_str).filter(|home| home.starts_with('/'));
    let image = sites::wanted_image(site, spec, Some(house.machine));
    let image = image.as_ref();
    let mut findings = variables::unset(variables, site, spec, image);
    findings.extend(places::missing((house, home), site, spec, image).await);
    if let Some(wanted) = image.filter(|wanted| !wanted.is_address) {
        findings.extend(image::foreign(house, variables, site, wanted).await);
    }
    findings.extend(program::missing(house, home, spec).await);
    findings
}
