//! Rows of clusters that belong to other sites: here they would be charged by tariffs and bindings that are not theirs.

use model::{ClusterName, SiteName};
use sites::Catalogue;
use std::collections::BTreeMap;

/// What the profiles know of clusters of other sites.
pub(super) struct Elsewhere {
    here: SiteName,
    sites: BTreeMap<ClusterName, Vec<SiteName>>,
}

impl Elsewhere {
    pub(super) fn than(here: &SiteName, catalogue: &Catalogue) -> Self {
        Self { here: here.clone(), sites: catalogue.clusters_elsewhere(here) }
    }

    /// Why a row of this cluster is not taken in here; none where it may be this site's, or no profile knows it.
    pub(super) fn objection(&self, cluster: &ClusterName) -> Option<String> {
        let sites = self.sites.get(cluster)?;
        let names: Vec<String> = sites.iter().map(|site| format!("`{site}`")).collect();
        let options: Vec<String> = sites.iter().map(|site| format!("`--site {site}`")).collect();
        Some(format!(
            "cluster `{cluster}` is one of site {}, and this is an import at `{}`: import it with {}; where it is one of \
             `{}` too, name it under `clusters:` in a site file of yours",
            names.join(" and "),
            self.here,
            options.join(" or "),
            self.here
        ))
    }
}
