//! Which partition a job goes to.

use super::placed::LocalMachine;
use crate::{
    partition::{Architecture, Partition, Purpose},
    profile::{SchedulerKind, Site},
};
use model::{Finding, GpuRequest, JobSpec};

/// The partition that the job names, else the default one for what it asks for; a copy, with the machine's own figures
/// where the site is this machine. None where there is none, with the reason among the findings.
pub(super) fn choose(
    site: &Site,
    spec: &JobSpec,
    machine: Option<LocalMachine>,
    findings: &mut Vec<Finding>,
) -> Option<Partition> {
    let wants_gpus = spec.resources.gpus != GpuRequest::None;
    let chosen = match &spec.scheduler.partition {
        Some(name) => named(site, name.as_str(), findings),
        None => default(site, wants_gpus, findings),
    };
    let mut partition = chosen?.clone();
    if site.scheduler == SchedulerKind::Local {
        fit(&mut partition, machine.unwrap_or(LocalMachine { cpus: 1, gpus: 0 }));
    }
    Some(partition)
}

fn named<'a>(site: &'a Site, name: &str, findings: &mut Vec<Finding>) -> Option<&'a Partition> {
    let found = site.partition(name);
    if found.is_none() {
        let known: Vec<&str> = site.partitions.iter().map(|partition| partition.name.as_str()).collect();
        let what = format!("the profile of {} has no partition `{name}`", site.title);
        let next = match known.iter().min_by_key(|known| strsim::damerau_levenshtein(known, name)) {
            Some(near) if strsim::damerau_levenshtein(near, name) <= 2.max(near.len() / 3) => {
                format!("did you mean `{near}`? It has: {}", known.join(", "))
            }
            _ => format!("it has: {}; a site file in your configuration can add one", known.join(", ")),
        };
        findings.push(Finding::error("scheduler.partition", what, next));
    }
    found
}

fn default<'a>(site: &'a Site, wants_gpus: bool, findings: &mut Vec<Finding>) -> Option<&'a Partition> {
    let of = |purpose| site.partitions.iter().find(|partition| partition.default_for.contains(&purpose));
    let found = of(if wants_gpus { Purpose::Gpu } else { Purpose::Cpu });
    if found.is_none() {
        let known: Vec<&str> = site.partitions.iter().map(|partition| partition.name.as_str()).collect();
        let kind = if wants_gpus { "with GPUs" } else { "without GPUs" };
        let what = format!("the profile of {} names no partition for jobs {kind}", site.title);
        let next = format!("write `scheduler: {{ partition: … }}`, one of: {}", known.join(", "));
        findings.push(Finding::error("resources", what, next));
    }
    found
}

/// Puts in what the machine has, shared evenly among its GPUs.
fn fit(partition: &mut Partition, machine: LocalMachine) {
    // Pakt runs on the machine itself, so it was built for its architecture.
    let is_arm = std::env::consts::ARCH == "aarch64";
    partition.architecture.value = if is_arm { Architecture::Aarch64 } else { Architecture::X86_64 };
    let cpus = machine.cpus.max(1);
    partition.cpus.value.per_node = cpus;
    partition.cpus.value.per_gpu = Some(cpus.checked_div(machine.gpus).unwrap_or(cpus).max(1));
    if let Some(gpus) = &mut partition.gpus {
        gpus.value.per_node = machine.gpus;
    }
}
