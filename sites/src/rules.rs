//! What must hold inside one profile, beyond the shape of its fields.

use crate::{
    partition::{MemoryRule, Partition, Purpose, Sharing},
    profile::Site,
};
use model::ChargeRule;
use std::collections::BTreeSet;

/// A rule that a profile breaks.
pub(crate) struct Broken {
    pub(crate) field: String,
    pub(crate) what: String,
    pub(crate) next: String,
}

/// The rules that the profile breaks, in the order of its fields.
pub(crate) fn broken(site: &Site) -> Vec<Broken> {
    let mut found = Vec::new();
    if site.partitions.is_empty() {
        found.push(breach("partitions", "a site needs at least one partition", "describe the one that jobs use"));
    }
    let mut names = BTreeSet::new();
    for (index, partition) in site.partitions.iter().enumerate() {
        let path = format!("partitions[{index}]");
        if !names.insert(partition.name.as_str()) {
            let what = format!("two partitions are called `{}`", partition.name);
            found.push(breach(format!("{path}.name"), what, "give each its own name"));
        }
        of_partition(&path, partition, &mut found);
    }
    for purpose in [Purpose::Gpu, Purpose::Cpu] {
        let of_purpose = |partition: &&Partition| partition.default_for.contains(&purpose);
        if site.partitions.iter().filter(of_purpose).count() > 1 {
            let what = "two partitions are the default for the same jobs";
            found.push(breach("partitions", what, "leave `default_for` at the one that is taken when none is named"));
        }
    }
    found
}

fn of_partition(path: &str, partition: &Partition, found: &mut Vec<Broken>) {
    let cpus = &partition.cpus.value;
    let gpus = partition.gpus.as_ref().map(|gpus| &gpus.value);
    if partition.name.trim().is_empty() {
        found.push(breach(format!("{path}.name"), "a partition needs a name", "write one"));
    }
    if cpus.per_node == 0 {
        found.push(breach(format!("{path}.cpus"), "a node has at least one CPU", "write how many it has"));
    }
    if let (Some(per_gpu), Some(gpus)) = (cpus.per_gpu, gpus)
        && u64::from(per_gpu) * u64::from(gpus.per_node) > u64::from(cpus.per_node)
    {
        let what = format!(
            "{} GPUs with {per_gpu} CPUs each are more than the {} CPUs of a node",
            gpus.per_node, cpus.per_node
        );
        found.push(breach(format!("{path}.cpus"), what, "`per_gpu` is the share of one GPU of a shared node"));
    }
    if gpus.is_some_and(|gpus| !(1..=64).contains(&gpus.devices_per_scheduler_gpu) || gpus.per_node > 1024) {
        let next = "write how many a node has, and how many devices a program sees for each";
        found.push(breach(format!("{path}.gpus"), "no node has such a number of GPUs", next));
    }
    let is_shared = partition.sharing.value != Sharing::Exclusive;
    if is_shared && gpus.is_some_and(|gpus| gpus.per_node > 0) && cpus.per_gpu.is_none() {
        let next = "write `per_gpu`, the CPUs that go with one GPU";
        found.push(breach(format!("{path}.cpus"), "a shared node needs the share of one GPU", next));
    }
    of_amounts(path, partition, found);
}

fn of_amounts(path: &str, partition: &Partition, found: &mut Vec<Broken>) {
    let memory = &partition.memory.value;
    let has_share = if partition.gpus_per_node() > 0 { memory.per_gpu_mib } else { memory.per_node_mib };
    if memory.rule == MemoryRule::MandatoryBelowFullNode && has_share.is_none() {
        let next = "write `per_gpu_mib`, the memory that goes with one GPU, or without GPUs `per_node_mib`";
        found.push(breach(format!("{path}.memory"), "memory that must be given needs its share of a node", next));
    }
    of_tariffs(path, partition, found);
}

fn of_tariffs(path: &str, partition: &Partition, found: &mut Vec<Broken>) {
    let mut tariffs = vec![(path.to_owned(), &partition.tariff, &partition.tariff_without_gpus)];
    let mut instants = BTreeSet::new();
    for (index, earlier) in partition.earlier_tariffs.iter().enumerate() {
        let path = format!("{path}.earlier_tariffs[{index}]");
        if !instants.insert(earlier.before) {
            let what = format!("two tariffs gave way to another at {}", earlier.before);
            found.push(breach(format!("{path}.before"), what, "each holds until its own instant; keep one"));
        }
        tariffs.push((path, &earlier.tariff, &earlier.tariff_without_gpus));
    }
    for (path, usual, without_gpus) in tariffs {
        for (field, tariff) in [("tariff", Some(usual)), ("tariff_without_gpus", without_gpus.as_ref())] {
            if tariff.is_some_and(|tariff| is_free(&tariff.value.charge)) {
                let next = "weights are milli-units per second: one GPU-hour a GPU is `gpus: 1000`";
                found.push(breach(format!("{path}.{field}"), "a weight of zero charges nothing", next));
            }
        }
    }
}

fn is_free(rule: &ChargeRule) -> bool {
    match rule {
        ChargeRule::Nodes(weight)
        | ChargeRule::Gpus(weight)
        | ChargeRule::Cpus(weight)
        | ChargeRule::MemoryGib(weight) => *weight == 0,
        ChargeRule::Largest(rules) => rules.is_empty() || rules.iter().all(is_free),
    }
}

fn breach(field: impl Into<String>, what: impl Into<String>, next: impl Into<String>) -> Broken {
    Broken { field: field.into(), what: what.into(), next: next.into() }
}
