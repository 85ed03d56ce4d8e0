//! How launchers are called at a partition, and which exist there.

use super::placed::judged;
use crate::partition::{Architecture, Partition};
use model::{Finding, JobSpec, Launch, LauncherRules};

/// Checks the launcher, and the container where one is wanted.
pub(super) fn check(partition: &Partition, spec: &JobSpec, findings: &mut Vec<Finding>) {
    let launchers = &partition.launchers;
    let available = &launchers.value.available;
    if !available.is_empty() && !available.contains(&spec.launch) {
        let words: Vec<&str> = available.iter().copied().map(word).collect();
        let what = format!("`launch: {}` does not work on `{}`", word(spec.launch), partition.name);
        let next = format!("one of: {} ({})", words.join(", "), launchers.citation());
        findings.push(judged(launchers.confidence(), "launch", what, next));
    }
    let Some(image) = &spec.environment.container else { return };
    if spec.workdir.contains([',', ':']) {
        let what =
            format!("`{}` cannot be shown to a container: `,` and `:` part the directories it is told", spec.workdir);
        findings.push(Finding::error("workdir", what, "choose a directory without them, or use `venv`"));
    }
    if launchers.value.container_launcher.is_empty() {
        let what = format!("no container runtime is known for `{}`", partition.name);
        let next = "use `venv` or modules, or write `container_launcher` into a site file of your own";
        findings.push(Finding::error("environment.container", what, next));
    }
    if let Some((named, other)) = foreign_architecture(image, partition.architecture.value) {
        let what = format!("the image's name says {named}, and `{}` is {other}", partition.name);
        let next = format!("use an image built for {other}, or rename it if its name misleads");
        findings.push(Finding::warning("environment.container", what, next));
    }
}

/// The words for this launcher: one `torchrun` a node must not be bound to the share of one process. A command is started
/// without `srun`.
pub(super) fn rules(partition: &Partition, launch: Launch) -> LauncherRules {
    let launchers = &partition.launchers.value;
    let mut srun_options = launchers.srun_options.clone();
    if launch == Launch::Torchrun {
        srun_options.extend(launchers.one_task_options.iter().cloned());
    }
    LauncherRules {
        srun_options,
        mpi_launcher: launchers.mpi_launcher.clone(),
        container_launcher: launchers.container_launcher.clone(),
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

/// What the image's file name says of its architecture, where it is not the partition's.
fn foreign_architecture(image: &str, own: Architecture) -> Option<(&'static str, &'static str)> {
    let name = image.rsplit('/').next().unwrap_or(image).to_lowercase();
    let says = |words: [&str; 3]| words.iter().any(|word| name.contains(word));
    let (arm, intel) = (says(["aarch64", "arm64", "sbsa"]), says(["x86_64", "x86-64", "amd64"]));
    match own {
        Architecture::Aarch64 if intel && !arm => Some(("x86_64", "aarch64")),
        Architecture::X86_64 if arm && !intel => Some(("aarch64", "x86_64")),
        _ => None,
    }
}
