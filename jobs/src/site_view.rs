//! `pakt sites`: which may be used, what is free, what the ledger has there; and `doctor`: the profile against the cluster.

use crate::{
    error::JobsError,
    house::House,
    reached::{booked, scheduled},
};
use ledger::BalanceQuery;
use model::{AccountName, Balance, PartitionName, SiteName};
use scheduler_adapters::{ClusterFacts, PartitionFacts};
use serde::Serialize;
use sites::{Drift, ObservedAssociation, ObservedCluster, ObservedPartition, ObservedQos, drift};
use std::collections::BTreeMap;

/// One site of the list.
#[derive(Clone, Debug, Serialize)]
pub struct SiteRow {
    /// Its name.
    pub site: SiteName,
    /// What it is.
    pub title: String,
    /// Whether this machine belongs to it.
    pub is_here: bool,
    /// The partitions of its profile.
    pub partitions: Vec<String>,
    /// The Slurm accounts that one may use; known only where one is.
    pub accounts: Option<Vec<AccountName>>,
    /// Idle nodes by partition; known only where one is.
    pub idle_nodes: Option<BTreeMap<PartitionName, u32>>,
    /// The balances there.
    pub balances: Vec<Balance>,
}

/// The list, and what could not be asked.
#[derive(Clone, Debug, Serialize)]
pub struct SiteList {
    /// The sites, this one first.
    pub sites: Vec<SiteRow>,
    /// Why nothing is said of free nodes and accounts here.
    pub unasked: Option<String>,
}

/// Lists the sites. Where it is not clear which one this is, `unclear` says so, and no cluster is asked.
pub async fn sites(house: &House, unclear: Option<String>) -> Result<SiteList, JobsError> {
    let balances = match house.books.book().await {
        Ok(Some(book)) => {
            booked(book.balances(&BalanceQuery::default(), house.clock.now()).await, "the balances were not read")?
        }
        Ok(None) | Err(_) => Vec::new(),
    };
    let is_clear = unclear.is_none();
    let (facts, unasked) = match unclear {
        Some(why) => (None, Some(why)),
        None => match scheduled(house.scheduler.describe().await, "the cluster was not asked") {
            Ok(facts) => (Some(facts), None),
            Err(error) => (None, Some(error.why)),
        },
    };
    let mut rows: Vec<SiteRow> = house
        .catalogue
        .iter()
        .map(|site| {
            let is_here = is_clear && *site.name() == house.here;
            let facts = facts.as_ref().filter(|_| is_here);
            SiteRow {
                site: site.name().clone(),
                title: site.title.clone(),
                is_here,
                partitions: site.partitions.iter().map(|partition| partition.name.clone()).collect(),
                accounts: facts.and_then(accounts),
                idle_nodes: facts.map(idle_nodes),
                balances: balances.iter().filter(|balance| balance.unit.site() == site.name()).cloned().collect(),
            }
        })
        .collect();
    rows.sort_by_key(|row| !row.is_here);
    Ok(SiteList { sites: rows, unasked })
}

fn accounts(facts: &ClusterFacts) -> Option<Vec<AccountName>> {
    let accounting = facts.accounting.as_ref()?;
    let mut accounts: Vec<AccountName> =
        accounting.associations.iter().map(|association| association.account.clone()).collect();
    accounts.sort_unstable();
    accounts.dedup();
    Some(accounts)
}

fn idle_nodes(facts: &ClusterFacts) -> BTreeMap<PartitionName, u32> {
    let idle = |partition: &PartitionFacts| partition.groups.iter().map(|group| group.idle_nodes).sum();
    facts.partitions.iter().map(|partition| (partition.name.clone(), idle(partition))).collect()
}

/// What the cluster says and where the profile differs.
pub struct Examination {
    /// The facts.
    pub facts: ClusterFacts,
    /// The differences.
    pub drift: Vec<Drift>,
}

/// Compares the profile of this site with its cluster.
pub async fn examine(house: &House) -> Result<Examination, JobsError> {
    let facts = scheduled(house.scheduler.describe().await, "the profile was not compared")?;
    let drift = drift(house.site(&house.here)?, &observed(&facts));
    Ok(Examination { facts, drift })
}

fn observed(facts: &ClusterFacts) -> ObservedCluster {
    let accounting = facts.accounting.as_ref();
    ObservedCluster {
        cluster: Some(facts.cluster.clone()),
        version: Some(facts.version.clone()),
        partitions: facts.partitions.iter().map(observed_partition).collect(),
        qos: accounting.map_or_else(Vec::new, |accounting| {
            let qos = accounting.qos.iter();
            qos.map(|qos| ObservedQos { name: qos.name.clone(), max_wall: qos.max_time }).collect()
        }),
        associations: accounting.map(|accounting| {
            let associations = accounting.associations.iter();
            associations
                .map(|known| ObservedAssociation {
                    account: known.account.clone(),
                    partition: known.partition.clone(),
                    qos: known.qos.clone(),
                })
                .collect()
        }),
        tracks_gpus: Some(facts.tracks_gpus),
        stores_comments: Some(facts.stores_comments),
    }
}

fn observed_partition(partition: &PartitionFacts) -> ObservedPartition {
    let group = partition.groups.first();
    ObservedPartition {
        name: partition.name.clone(),
        max_time: partition.max_time,
        default_time: partition.default_time,
        nodes: Some(partition.nodes),
        gpus_per_node: group.map(|group| gpus(&group.gres)).unwrap_or_default(),
        cpus_per_node: group.map(|group| group.cpus),
        is_exclusive: Some(partition.is_exclusive),
    }
}

/// Reads `gpu:gh200:4(S:0-3),gpu:h100:2` of sinfo(1), `%G`.
fn gpus(gres: &str) -> BTreeMap<String, u32> {
    let mut gpus = BTreeMap::new();
    for part in gres.split(',') {
        let plain = part.split('(').next().unwrap_or("");
        let mut words = plain.split(':');
        if words.next() != Some("gpu") {
            continue;
        }
        let (kind, count) = match (words.next(), words.next()) {
            (Some(kind), Some(count)) => (kind, count),
            (Some(count), None) => ("", count),
            (None, _) => continue,
        };
        if let Ok(count) = count.parse::<u32>() {
            *gpus.entry(kind.to_owned()).or_default() += count;
        }
    }
    gpus
}

#[cfg(test)]
mod tests {
    use super::gpus;

    #[test]
    fn gres_lists_are_read_by_type() {
        for (text, shown) in [
            ("gpu:gh200:4(S:0-3)", r#"{"gh200": 4}"#),
            ("gpu:2", r#"{"": 2}"#),
            ("craynetwork:1,gpu:a100:3(S:0),gpu:a100:1", r#"{"a100": 4}"#),
            ("(null)", "{}"),
            ("", "{}"),
        ] {
            assert_eq!(format!("{:?}", gpus(text)), shown, "{text}");
        }
    }
}
