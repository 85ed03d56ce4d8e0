//! Which partition a job goes to.

use super::{gpu_type, placed::LocalMachine};
use crate::{
    partition::{Partition, Purpose},
    profile::{SchedulerKind, Site},
    provenance::Confidence,
};
use model::{Architecture, Finding, GpuRequest, JobSpec};

/// The partition that the job names, else the default one for what it asks for; a copy, with the machine's own figures
/// where the site is this machine. None where there is none, with the reason among the findings.
pub(super) fn choose(
    site: &Site,
    spec: &JobSpec,
    machine: Option<LocalMachine>,
    findings: &mut Vec<Finding>,
) -> Option<Partition> {
    let mut candidates = match &spec.scheduler.partition {
        Some(name) => {
            let called = site.partitions_called(name.as_str());
            if called.is_empty() {
                findings.push(unknown(site, name.as_str()));
                return None;
            }
            called
        }
        None => site.partitions.iter().collect(),
    };
    if let Some(wanted) = &spec.resources.gpu_type {
        candidates = gpu_type::narrow(site, candidates, wanted, spec.resources.gpus, findings);
    }
    narrow_by_constraint(&mut candidates, spec.scheduler.constraint.as_deref());
    let is_named = spec.scheduler.partition.is_some() || spec.resources.gpu_type.is_some();
    let chosen = default(&candidates, spec).or_else(|| candidates.first().copied().filter(|_| is_named));
    let Some(chosen) = chosen else {
        findings.push(no_default(site, spec));
        return None;
    };
    let mut partition = chosen.clone();
    if site.scheduler == SchedulerKind::Local {
        fit(&mut partition, machine.unwrap_or(LocalMachine { cpus: 1, gpus: 0 }));
    }
    Some(partition)
}

/// Keeps the partitions that stand for a feature which the job asks for, where any does.
fn narrow_by_constraint(candidates: &mut Vec<&Partition>, asked: Option<&str>) {
    let Some(asked) = asked else { return };
    let is_asked = |partition: &&Partition| {
        let own = partition.selection.value.constraint.as_deref();
        own.is_some_and(|own| features(asked).any(|feature| feature == own))
    };
    if candidates.iter().any(is_asked) {
        candidates.retain(is_asked);
    }
}

/// The features that a constraint names, whatever joins them (sbatch(1), `--constraint`).
pub(super) fn features(constraint: &str) -> impl Iterator<Item = &str> {
    constraint.split(['&', '|', ',', '[', ']', '(', ')', '*']).map(str::trim).filter(|feature| !feature.is_empty())
}

/// The partition for jobs of this kind; where a name or a type has left none of those, the first that is left.
fn default<'a>(candidates: &[&'a Partition], spec: &JobSpec) -> Option<&'a Partition> {
    // Who names a partition, or what only one has, gets it, whatever the profile's default is.
    if spec.scheduler.partition.is_some() {
        return candidates.first().copied();
    }
    let purpose = if spec.resources.gpus == GpuRequest::None { Purpose::Cpu } else { Purpose::Gpu };
    let of_purpose = candidates.iter().copied().find(|partition| partition.default_for.contains(&purpose));
    let is_narrowed = spec.scheduler.constraint.is_some();
    let with_gpus = |partition: &&Partition| (partition.gpus_per_node() > 0) == (purpose == Purpose::Gpu);
    of_purpose.or_else(|| candidates.iter().copied().filter(|_| is_narrowed).find(with_gpus))
}

fn no_default(site: &Site, spec: &JobSpec) -> Finding {
    let kind = if spec.resources.gpus == GpuRequest::None { "without GPUs" } else { "with GPUs" };
    let what = format!("the profile of {} names no partition for jobs {kind}", site.title);
    let next = format!("write `scheduler: {{ partition: … }}`, one of: {}", known(site).join(", "));
    Finding::error("resources", what, next)
}

/// A partition that the profile does not have, and how a person adds it.
fn unknown(site: &Site, name: &str) -> Finding {
    let known = known(site);
    let what = format!("the profile of {} has no partition `{name}`", site.title);
    let near = known.iter().min_by_key(|known| strsim::damerau_levenshtein(known, name));
    let next = match near {
        Some(near) if strsim::damerau_levenshtein(near, name) <= 2.max(near.len() / 3) => {
            format!("did you mean `{near}`? It has: {}", known.join(", "))
        }
        // In the embedded profiles the anchor of the first partition is its name.
        _ => format!(
            "it has: {}. To add it, write what `pakt sites show {}` prints into a file in `sites/` beside the \
             configuration that `pakt doctor` names, and below its last partition the line \
             `  - {{ <<: *{}, name: {name:?}, slurm_name: {name:?}, default_for: [] }}` with what differs",
            known.join(", "),
            site.name(),
            known.first().copied().unwrap_or("first"),
        ),
    };
    Finding::error("scheduler.partition", what, next)
}

fn known(site: &Site) -> Vec<&str> {
    site.partitions.iter().map(|partition| partition.name.as_str()).collect()
}

/// Puts in what the machine has, shared evenly among its GPUs. The machine itself says so, so it is no guess.
fn fit(partition: &mut Partition, machine: LocalMachine) {
    // Pakt runs on the machine itself, so it was built for its architecture.
    let is_arm = std::env::consts::ARCH == "aarch64";
    partition.architecture.value = if is_arm { Architecture::Aarch64 } else { Architecture::X86_64 };
    partition.architecture.stated.confidence = Some(Confidence::Documented);
    let cpus = machine.cpus.max(1);
    partition.cpus.value.per_node = cpus;
    partition.cpus.value.per_gpu = Some(cpus.checked_div(machine.gpus).unwrap_or(cpus).max(1));
    if let Some(gpus) = &mut partition.gpus {
        gpus.value.per_node = machine.gpus;
        gpus.stated.confidence = Some(Confidence::Documented);
    }
}
