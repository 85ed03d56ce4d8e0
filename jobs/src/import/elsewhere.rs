//! Rows of clusters that belong to other sites: here they would be charged by tariffs and bindings that are not theirs. And of
//! clusters whose name is another one's, written otherwise: their runs would be charged beside those of that one.

use crate::{error::JobsError, house::House, known::is_alike, nearest::nearest, reached::booked};
use ledger::{Book, UsageField, UsageFilter, UsageQuery, UsageSpan};
use model::{ClusterName, SiteName, Timestamp, Window};
use sites::Catalogue;
use std::collections::{BTreeMap, BTreeSet};

/// The last instant that can be meant.
const END: Timestamp = Timestamp::from_epoch_seconds(32_503_680_000);

/// The clusters of the site here: those that its profile names, and those of which the books have runs.
pub(super) async fn own_clusters(
    house: &House,
    book: &dyn Book,
    what: &str,
) -> Result<BTreeSet<ClusterName>, JobsError> {
    let query = UsageQuery {
        span: UsageSpan::Instants(Window { from: Timestamp::from_epoch_seconds(0), to: END }),
        known_at: None,
        filter: UsageFilter { site: Some(house.here.clone()), ..UsageFilter::default() },
        by: vec![UsageField::Cluster],
    };
    let met = booked(book.usage(&query).await, what)?.into_iter().filter_map(|sum| sum.group.cluster);
    let named = house.site(&house.here)?.clusters.iter().map(|known| known.value.clone());
    Ok(met.chain(named).collect())
}

/// What a person should know of clusters that were new: one of nearly the same name was known.
pub(super) fn near(own: &BTreeSet<ClusterName>, imported: &BTreeSet<ClusterName>) -> Vec<String> {
    let known: Vec<&str> = own.iter().map(ClusterName::as_str).collect();
    let new = imported.iter().filter(|cluster| !own.contains(*cluster));
    let note = |cluster: &ClusterName| {
        let near = nearest(cluster.as_str(), &known)?;
        Some(format!(
            "cluster `{cluster}` was new, and `{near}` is known: where both are one, its runs are charged twice; `--cluster {near}` \
             says which cluster the rows of a file are of"
        ))
    };
    new.filter_map(note).collect()
}

/// What the profiles know of clusters of other sites.
pub(super) struct Elsewhere {
    here: SiteName,
    own: BTreeSet<ClusterName>,
    sites: BTreeMap<ClusterName, Vec<SiteName>>,
}

impl Elsewhere {
    pub(super) fn than(here: &SiteName, catalogue: &Catalogue, own: BTreeSet<ClusterName>) -> Self {
        Self { here: here.clone(), own, sites: catalogue.clusters_elsewhere(here) }
    }

    /// Why a row of this cluster is not taken in here; none where it may be this site's, or no profile knows it.
    pub(super) fn objection(&self, cluster: &ClusterName) -> Option<String> {
        let Some(sites) = self.sites.get(cluster) else { return self.otherwise_written(cluster) };
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

    fn otherwise_written(&self, cluster: &ClusterName) -> Option<String> {
        if self.own.contains(cluster) {
            return None;
        }
        let near = self.own.iter().find(|known| is_alike(known.as_str(), cluster.as_str()))?;
        Some(format!(
            "cluster `{cluster}` is called `{near}` in the books: import it with `--cluster {near}`; where it is another one, \
             name it under `clusters:` in a site file of yours"
        ))
    }
}
