//! Which site is this? Stable variables first, then the cluster's name as Slurm tells it inside a job, then host names;
//! two answers are a question to a person, never a choice.

use crate::{catalogue::Catalogue, pattern, profile::Site};
use model::SiteName;
use std::collections::{BTreeMap, BTreeSet};

/// What can be seen of the machine without asking anybody.
#[derive(Clone, Copy, Debug)]
pub struct Surroundings<'a> {
    /// The environment.
    pub variables: &'a BTreeMap<String, String>,
    /// The host's name, with or without domain.
    pub host_name: &'a str,
}

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Detection {
    /// One site.
    Found(SiteName),
    /// Several, in the order of their names: a person must say.
    Ambiguous(Vec<SiteName>),
    /// None: this machine, or a site that no profile describes.
    None,
}

/// Finds the site. The first kind of sign that speaks for any site decides; later kinds are not asked.
pub fn detect(catalogue: &Catalogue, surroundings: &Surroundings<'_>) -> Detection {
    let kinds: [fn(&Site, &Surroundings<'_>) -> bool; 3] = [by_variable, by_cluster, by_host];
    for speaks in kinds {
        let found: BTreeSet<&SiteName> =
            catalogue.iter().filter(|site| speaks(site, surroundings)).map(Site::name).collect();
        let found: Vec<SiteName> = found.into_iter().cloned().collect();
        match found.as_slice() {
            [] => {}
            [only] => return Detection::Found(only.clone()),
            _ => return Detection::Ambiguous(found),
        }
    }
    Detection::None
}

fn by_variable(site: &Site, surroundings: &Surroundings<'_>) -> bool {
    site.detection
        .variables
        .iter()
        .map(|variable| &variable.value)
        .any(|variable| surroundings.variables.get(&variable.name).is_some_and(|value| variable.values.contains(value)))
}

/// `SLURM_CLUSTER_NAME` is set in the environment of every job (sbatch(1), "Output environment variables").
fn by_cluster(site: &Site, surroundings: &Surroundings<'_>) -> bool {
    let cluster = surroundings.variables.get("SLURM_CLUSTER_NAME");
    cluster.is_some_and(|cluster| site.clusters.iter().any(|known| known.value.as_str() == cluster))
}

/// Patterns are tried on the whole name and on its part before the domain.
fn by_host(site: &Site, surroundings: &Surroundings<'_>) -> bool {
    let whole = surroundings.host_name.to_lowercase();
    let short = whole.split('.').next().unwrap_or_default().to_owned();
    let hosts = &site.detection.hosts;
    hosts.iter().any(|host| [&whole, &short].iter().any(|name| pattern::matches(&host.value, name)))
}
