//! Drift: where a profile and the cluster's own answers differ.

use crate::{
    partition::{Partition, Sharing},
    profile::{AccountNeed, SchedulerKind, Site},
    sourced::{Limit, LimitPlace, Sourced},
};
use model::{AccountName, ClusterName, PartitionName, QosName, WallTime};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// What the cluster says of itself, as far as this user may see it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ObservedCluster {
    /// `ClusterName` of `scontrol show config`.
    pub cluster: Option<ClusterName>,
    /// The scheduler's version: `25.11.1`.
    pub version: Option<String>,
    /// Its partitions.
    pub partitions: Vec<ObservedPartition>,
    /// Its qualities of service; empty where they could not be read.
    pub qos: Vec<ObservedQos>,
    /// The user's associations; none where they could not be read.
    pub associations: Option<Vec<ObservedAssociation>>,
    /// Whether `AccountingStorageTRES` lists GPUs, where that could be read.
    pub tracks_gpus: Option<bool>,
    /// Whether `AccountingStoreFlags` keeps job comments, where that could be read.
    pub stores_comments: Option<bool>,
}

/// A partition as `scontrol show partition` and `sinfo` tell it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ObservedPartition {
    /// Its name.
    pub name: PartitionName,
    /// `MaxTime`; none for unlimited.
    pub max_time: Option<WallTime>,
    /// `DefaultTime`; none where there is none.
    pub default_time: Option<WallTime>,
    /// Its nodes.
    pub nodes: Option<u32>,
    /// GPUs of a node by type, as gres names them; the empty name for untyped ones. Empty where nodes have none.
    pub gpus_per_node: BTreeMap<String, u32>,
    /// CPUs of a node.
    pub cpus_per_node: Option<u32>,
    /// Whether `OverSubscribe=EXCLUSIVE`, where that could be read.
    pub is_exclusive: Option<bool>,
}

/// A quality of service as `sacctmgr show qos` tells it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ObservedQos {
    /// Its name.
    pub name: QosName,
    /// `MaxWall`; none for unlimited.
    pub max_wall: Option<WallTime>,
}

/// An association of the user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ObservedAssociation {
    /// The account.
    pub account: AccountName,
    /// The partition it is bound to, if it is.
    pub partition: Option<PartitionName>,
    /// The qualities of service it may use.
    pub qos: Vec<QosName>,
}

/// One difference.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Drift {
    /// The path of the field in the profile: `partitions.booster.limits.wall`.
    pub field: String,
    /// What the profile says, with its source.
    pub profile: String,
    /// What the cluster says.
    pub cluster: String,
    /// What follows from it.
    pub next: String,
}

/// The differences, in the order of the profile; empty where it still holds as far as it could be compared.
pub fn drift(site: &Site, facts: &ObservedCluster) -> Vec<Drift> {
    let mut found = Vec::new();
    if site.scheduler == SchedulerKind::Local {
        return found;
    }
    of_cluster(site, facts, &mut found);
    for partition in &site.partitions {
        of_partition(site, partition, facts, &mut found);
    }
    let unknown: Vec<&str> = facts
        .partitions
        .iter()
        .filter(|observed| site.partition_of_runs(&observed.name).is_none())
        .map(|observed| observed.name.as_str())
        .collect();
    if !unknown.is_empty() {
        let next = "jobs can be placed there once a site file describes them; their runs have no tariff until then";
        found.push(difference("partitions", "not described", &unknown.join(", "), next));
    }
    found
}

fn of_cluster(site: &Site, facts: &ObservedCluster, found: &mut Vec<Drift>) {
    if let Some(cluster) = facts.cluster.as_ref().filter(|_| !site.clusters.is_empty())
        && !site.clusters.iter().any(|known| known.value == *cluster)
    {
        let known: Vec<&str> = site.clusters.iter().map(|known| known.value.as_str()).collect();
        let next = "this may be another cluster: check with `pakt sites show`";
        found.push(difference("clusters", &known.join(", "), cluster.as_str(), next));
    }
    if let Some(associations) = &facts.associations {
        let has_accounts = !associations.is_empty();
        match site.account.value.need {
            AccountNeed::Required if !has_accounts => found.push(difference(
                "account",
                &said(&site.account, "required"),
                "you have no association",
                "your account is not yet in Slurm, or the link to the project is missing: ask the site's support",
            )),
            AccountNeed::Absent if has_accounts => {
                let accounts: BTreeSet<&str> = associations.iter().map(|known| known.account.as_str()).collect();
                let accounts: Vec<&str> = accounts.into_iter().collect();
                let next = "jobs may need `account`: correct the rule in a site file of your own";
                found.push(difference("account", &said(&site.account, "absent"), &accounts.join(", "), next));
            }
            _ => {}
        }
    }
    let has_gpus = site.partitions.iter().any(|partition| partition.gpus_per_node() > 0);
    if facts.tracks_gpus == Some(false) && has_gpus {
        let next = "GPU time of whole nodes is filled in from the profile and marked as estimated; that of shared nodes is unknown";
        found.push(difference("gpus", "counted in accounting", "not tracked", next));
    }
    if facts.stores_comments == Some(false) {
        let next = "jobs are recognised by their submit line and name instead";
        found.push(difference("comment", "kept in accounting", "not stored", next));
    }
}

fn of_partition(site: &Site, partition: &Partition, facts: &ObservedCluster, found: &mut Vec<Drift>) {
    let path = |field: &str| format!("partitions.{}.{field}", partition.name);
    if shares_its_name(site, partition) {
        return;
    }
    let is_its = |observed: &&ObservedPartition| {
        site.partition_of_runs(&observed.name).is_some_and(|known| known.name == partition.name)
    };
    let Some(observed) = facts.partitions.iter().find(is_its) else {
        if let Some(name) = partition.slurm_name.as_ref().filter(|_| !facts.partitions.is_empty()) {
            let next = "it was renamed, or you may not see it: jobs placed there would be refused";
            found.push(difference(path("slurm_name"), &said(name, name.value.as_str()), "no such partition", next));
        }
        return;
    };
    of_hardware(partition, observed, found);
    let wall = observed_wall(partition.limits.wall.as_ref().and_then(|limit| limit.sits_in), observed, facts);
    of_wall(&path("limits.wall"), partition, wall, found);
    if let (Some(limit), Some(nodes)) = (&partition.limits.nodes, observed.nodes)
        && nodes < limit.most.value
    {
        let next = "larger jobs pass the check and never start";
        let profile = said(&limit.most, limit.most.value);
        found.push(difference(path("limits.nodes"), &profile, &format!("{nodes} in the partition"), next));
    }
    if let Some(limit) = &partition.limits.default_wall
        && observed.default_time != Some(limit.most.value.0)
    {
        let cluster = shown(observed.default_time);
        let profile = said(&limit.most, limit.most.value.0);
        found.push(difference(path("limits.default_wall"), &profile, &cluster, "only jobs without `time` feel it"));
    }
}

/// Whether an earlier partition of the profile goes by the same name of Slurm's. What the cluster says of that name says
/// nothing of the nodes that a constraint selects in it.
fn shares_its_name(site: &Site, partition: &Partition) -> bool {
    let slurms = |partition: &Partition| partition.slurm_name.as_ref().map(|name| name.value.clone());
    let own = slurms(partition);
    let earlier = site.partitions.iter().take_while(|other| other.name != partition.name);
    own.is_some() && earlier.into_iter().any(|other| slurms(other) == own)
}

fn of_hardware(partition: &Partition, observed: &ObservedPartition, found: &mut Vec<Drift>) {
    let path = |field: &str| format!("partitions.{}.{field}", partition.name);
    let gpus: u32 = observed.gpus_per_node.values().sum();
    if let Some(own) = &partition.gpus
        && gpus != own.value.per_node
    {
        let next = "placements and charges of whole nodes are wrong until a site file corrects it";
        found.push(difference(path("gpus.per_node"), &said(own, own.value.per_node), &gpus.to_string(), next));
    }
    let kind = partition.selection.value.gres.as_deref().and_then(|gres| gres.split_once(':')).map(|(_, kind)| kind);
    if let Some(kind) = kind.filter(|kind| gpus > 0 && !observed.gpus_per_node.contains_key(*kind)) {
        let kinds: Vec<&str> =
            observed.gpus_per_node.keys().map(|kind| if kind.is_empty() { "untyped" } else { kind }).collect();
        let next = "jobs that ask for this type would be refused: spelling is case-sensitive";
        found.push(difference(path("selection.gres"), &said(&partition.selection, kind), &kinds.join(", "), next));
    }
    if let Some(cpus) = observed.cpus_per_node.filter(|cpus| *cpus != partition.cpus.value.per_node) {
        let next = "shares of CPUs are wrong until a site file corrects it";
        let profile = said(&partition.cpus, partition.cpus.value.per_node);
        found.push(difference(path("cpus.per_node"), &profile, &cpus.to_string(), next));
    }
    let is_exclusive = partition.sharing.value == Sharing::Exclusive;
    if let Some(observed) = observed.is_exclusive.filter(|observed| *observed != is_exclusive) {
        let word = |exclusive| if exclusive { "exclusive" } else { "shared" };
        let next = "it decides whether part of a node is charged as a whole one";
        found.push(difference(path("sharing"), &said(&partition.sharing, word(is_exclusive)), word(observed), next));
    }
}

fn of_wall(field: &str, partition: &Partition, wall: Option<WallTime>, found: &mut Vec<Drift>) {
    let limit: Option<&Limit<_>> = partition.limits.wall.as_ref();
    let own = limit.map(|limit| limit.most.value.0);
    if own == wall || (limit.is_none() && wall.is_none()) {
        return;
    }
    let profile = limit.map_or_else(|| "no limit known".to_owned(), |limit| said(&limit.most, shown(own)));
    let next = match (own, wall) {
        (Some(own), Some(wall)) if wall < own => "longer jobs pass the check and are refused or never start",
        (Some(_), _) => {
            "longer jobs are refused here though the cluster may take them; the limit may sit where you cannot see it"
        }
        (None, _) => "longer jobs pass the check and are refused or never start",
    };
    found.push(difference(field, &profile, &shown(wall), next));
}

/// The wall limit that counts: the partition's, and the largest that one of the user's own QOS grants.
fn observed_wall(place: Option<LimitPlace>, observed: &ObservedPartition, facts: &ObservedCluster) -> Option<WallTime> {
    let mine: BTreeSet<&QosName> = facts
        .associations
        .iter()
        .flatten()
        .filter(|known| known.partition.as_ref().is_none_or(|partition| *partition == observed.name))
        .flat_map(|known| &known.qos)
        .collect();
    let usable: Vec<&ObservedQos> =
        facts.qos.iter().filter(|qos| mine.is_empty() || mine.contains(&qos.name)).collect();
    // Without associations nobody knows which QOS applies; then only a profile that points at the QOS looks there.
    let looks_at_qos = !usable.is_empty() && (!mine.is_empty() || place == Some(LimitPlace::Qos));
    let by_qos = if looks_at_qos && usable.iter().all(|qos| qos.max_wall.is_some()) {
        usable.iter().filter_map(|qos| qos.max_wall).max()
    } else {
        None
    };
    [observed.max_time, by_qos].into_iter().flatten().min()
}

fn shown(wall: Option<WallTime>) -> String {
    wall.map_or_else(|| "unlimited".to_owned(), |wall| wall.to_string())
}

fn said<T>(value: &Sourced<T>, shown: impl std::fmt::Display) -> String {
    format!("{shown} ({})", value.citation())
}

fn difference(field: impl Into<String>, profile: &str, cluster: &str, next: &str) -> Drift {
    Drift { field: field.into(), profile: profile.to_owned(), cluster: cluster.to_owned(), next: next.to_owned() }
}
