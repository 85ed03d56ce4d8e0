//! Drift: nothing where the cluster agrees, and each difference by its field where it does not.

use crate::support::{catalogue, site};
use model::WallTime;
use sites::{ObservedAssociation, ObservedCluster, ObservedPartition, ObservedQos, drift};
use std::collections::BTreeMap;

const fn hours(hours: u64) -> WallTime {
    WallTime::from_seconds(hours * 3600)
}

/// JUPITER as it was seen on 2026-09-02: the partition has no limit of its own, the QOS has.
fn jupiter() -> ObservedCluster {
    ObservedCluster {
        cluster: None,
        version: Some("25.11.1".to_owned()),
        partitions: vec![ObservedPartition {
            name: "booster".parse().expect("a name"),
            max_time: None,
            default_time: Some(hours(1)),
            nodes: Some(5643),
            gpus_per_node: BTreeMap::from([("gh200".to_owned(), 4)]),
            cpus_per_node: Some(288),
            is_exclusive: Some(true),
        }],
        qos: ["normal", "lowprio", "highprio"]
            .map(|name| ObservedQos { name: name.parse().expect("a name"), max_wall: Some(hours(12)) })
            .to_vec(),
        associations: Some(vec![ObservedAssociation {
            account: "jureap59".parse().expect("a name"),
            partition: None,
            qos: vec!["normal".parse().expect("a name")],
        }]),
        tracks_gpus: Some(true),
        stores_comments: Some(true),
    }
}

fn fields(facts: &ObservedCluster) -> Vec<String> {
    drift(site(catalogue(), "jupiter"), facts).into_iter().map(|drift| drift.field).collect()
}

#[test]
fn a_cluster_that_agrees_has_no_drift() {
    assert_eq!(fields(&jupiter()), [""; 0]);
    assert_eq!(drift(site(catalogue(), "local"), &jupiter()), []);
}

#[test]
fn each_difference_is_named() {
    type Change = fn(&mut ObservedCluster);
    let changes: [(Change, &[&str]); 13] = [
        (|facts| facts.partitions[0].nodes = Some(4), &["partitions.booster.limits.nodes"]),
        (|facts| facts.qos[0].max_wall = Some(hours(6)), &["partitions.booster.limits.wall"]),
        (|facts| facts.qos[1].max_wall = Some(hours(6)), &[]),
        (|facts| facts.qos[0].max_wall = None, &["partitions.booster.limits.wall"]),
        (|facts| facts.partitions[0].max_time = Some(hours(8)), &["partitions.booster.limits.wall"]),
        (|facts| facts.partitions[0].default_time = Some(hours(2)), &["partitions.booster.limits.default_wall"]),
        (|facts| facts.partitions[0].cpus_per_node = Some(72), &["partitions.booster.cpus.per_node"]),
        (|facts| facts.partitions[0].is_exclusive = Some(false), &["partitions.booster.sharing"]),
        (
            |facts| facts.partitions[0].gpus_per_node = BTreeMap::from([("gh200".to_owned(), 1)]),
            &["partitions.booster.gpus.per_node"],
        ),
        (
            |facts| facts.partitions[0].name = "all".parse().expect("a name"),
            &["partitions.booster.slurm_name", "partitions"],
        ),
        (|facts| facts.associations = Some(Vec::new()), &["account"]),
        (|facts| facts.tracks_gpus = Some(false), &["gpus"]),
        (|facts| facts.stores_comments = Some(false), &["comment"]),
    ];
    for (index, (change, expected)) in changes.into_iter().enumerate() {
        let mut facts = jupiter();
        change(&mut facts);
        assert_eq!(fields(&facts), expected, "change {index}");
    }
}

#[test]
fn nodes_behind_one_name_of_slurms_are_not_compared_with_each_other() {
    let catalogue = catalogue();
    let levante = site(catalogue, "levante");
    let mut facts = jupiter();
    facts.qos = Vec::new();
    facts.partitions[0] = ObservedPartition {
        name: "gpu".parse().expect("a name"),
        max_time: Some(hours(12)),
        default_time: None,
        nodes: Some(60),
        gpus_per_node: BTreeMap::from([("a100".to_owned(), 4)]),
        cpus_per_node: Some(256),
        is_exclusive: Some(false),
    };
    let found: Vec<String> = drift(levante, &facts).into_iter().map(|drift| drift.field).collect();
    assert!(found.contains(&"partitions.gpu.cpus.per_node".to_owned()), "{found:?}");
    assert!(!found.iter().any(|field| field.starts_with("partitions.gpu-a100-40")), "{found:?}");
}

#[test]
fn what_could_not_be_read_is_no_drift() {
    let unread = ObservedCluster { associations: None, tracks_gpus: None, stores_comments: None, ..jupiter() };
    assert_eq!(fields(&unread), [""; 0]);
    assert_eq!(fields(&ObservedCluster::default()), [""; 0]);
}

#[test]
fn the_type_of_gpu_is_compared_by_its_spelling() {
    let catalogue = catalogue();
    let mut facts = jupiter();
    facts.partitions[0].name = "grete".parse().expect("a name");
    facts.partitions[0].gpus_per_node = BTreeMap::from([("a100".to_owned(), 4)]);
    facts.partitions[0].max_time = Some(hours(48));
    let found = drift(site(catalogue, "grete"), &facts);
    let gres = found.iter().find(|drift| drift.field == "partitions.grete.selection.gres").expect("a drift");
    assert_eq!(gres.cluster, "a100");
}
