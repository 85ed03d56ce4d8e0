//! How launchers are called at a partition, and which exist there.

use super::placed::judged;
use crate::partition::Partition;
use model::{ContainerRules, Finding, JobSpec, Launch, LauncherRules};

/// Checks the launcher.
pub(super) fn check(partition: &Partition, spec: &JobSpec, findings: &mut Vec<Finding>) {
    let launchers = &partition.launchers;
    let available = &launchers.value.available;
    if !available.is_empty() && !available.contains(&spec.launch) {
        let words: Vec<&str> = available.iter().copied().map(word).collect();
        let what = format!("`launch: {}` does not work on `{}`", word(spec.launch), partition.name);
        let next = format!("one of: {} ({})", words.join(", "), launchers.citation());
        findings.push(judged(launchers.confidence(), "launch", what, next));
    }
}

/// The words for this launcher: one `torchrun` a node must not be bound to the share of one process. A command is started
/// without `srun`.
pub(super) fn rules(partition: &Partition, launch: Launch, container: Option<ContainerRules>) -> LauncherRules {
    let launchers = &partition.launchers.value;
    let mut srun_options = launchers.srun_options.clone();
    if launch == Launch::Torchrun {
        srun_options.extend(launchers.one_task_options.iter().cloned());
    }
    LauncherRules {
        srun_options,
        mpi_launcher: launchers.mpi_launcher.clone(),
        container_launcher: Vec::new(),
        container: container.map(Box::new),
    }
}

/// Whether the job's nodes reach the internet: all of the partition do, or the job asks for those that do.
pub(super) fn has_internet(partition: &Partition, spec: &JobSpec) -> bool {
    let feature = partition.internet_constraint.as_ref().map(|feature| feature.value.as_str());
    let asked = spec.scheduler.constraint.as_deref().unwrap_or_default();
    partition.internet.value || feature.is_some_and(|feature| asked.split('&').any(|word| word == feature))
}

const fn word(launch: Launch) -> &'static str {
    match launch {
        Launch::Torchrun => "torchrun",
        Launch::Srun => "srun",
        Launch::Mpi => "mpi",
        Launch::Command => "command",
    }
}
