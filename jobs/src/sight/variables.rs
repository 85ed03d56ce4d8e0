//! Variables that a job's paths and values name, and that nobody is known to set: the batch script ends at such a one.

use model::{Finding, JobSpec, StorageContext};
use sites::{SchedulerKind, Site, WantedImage};
use std::collections::{BTreeMap, BTreeSet};
use templates::quote;

/// What bash itself sets (bash(1), "Shell Variables"), and what every session has.
const OF_THE_SHELL: [&str; 20] = [
    "BASH", "EUID", "GROUPS", "HOME", "HOSTNAME", "HOSTTYPE", "IFS", "LINENO", "LOGNAME", "MACHTYPE", "OSTYPE", "PATH",
    "PPID", "PWD", "RANDOM", "SECONDS", "SHELL", "SHLVL", "UID", "USER",
];
/// What Slurm and the batch script set.
const OF_THE_JOB: [&str; 4] = ["CUDA_VISIBLE_DEVICES", "PAKT_", "SLURM_", "SLURMD_"];

/// A finding for each name that is set neither here nor by what is known of the site's nodes. Where jobs run on this machine
/// they have this environment, so that it is certain; a module that is loaded before may still set it.
pub(super) fn unset(
    set: &BTreeMap<String, String>,
    site: &Site,
    spec: &JobSpec,
    image: Option<&WantedImage>,
) -> Vec<Finding> {
    let environment = &spec.environment;
    let paths = [
        ("workdir", Some(&spec.workdir)),
        ("environment.venv", environment.venv.as_ref()),
        image.map_or(("environment.container", None), |wanted| (wanted.field.as_str(), Some(&wanted.image))),
    ];
    let mut known = names_of(site);
    known.extend(OF_THE_SHELL.iter().map(|name| (*name).to_owned()));
    let is_certain = site.scheduler == SchedulerKind::Local && environment.modules.is_empty();
    let mut findings = Vec::new();
    let mut report = |field: &str, text: &str, known: &BTreeSet<String>, itself: &str| {
        let is_set = |name: &String| {
            name == itself
                || known.contains(name)
                || set.contains_key(name)
                || OF_THE_JOB.iter().any(|start| name.starts_with(start))
        };
        for name in quote::variables(text).iter().filter(|name| !is_set(name)) {
            findings.push(finding(field, name, is_certain));
        }
    };
    for (field, text) in paths.into_iter().filter_map(|(field, text)| Some((field, text?))) {
        report(field, text, &known, "");
    }
    // They are set in the order of their names, after the paths were used.
    for (name, value) in &environment.variables {
        report(&format!("environment.variables.{name}"), value, &known, name);
        known.insert(name.clone());
    }
    findings
}

/// What the profile says of variables on compute nodes.
fn names_of(site: &Site) -> BTreeSet<String> {
    let areas = site.storage.iter().filter_map(|area| area.value.variables.get(&StorageContext::Compute));
    let settings = site.partitions.iter().flat_map(|partition| &partition.environment);
    areas.cloned().chain(settings.map(|setting| setting.value.name.clone())).collect()
}

fn finding(field: &str, name: &str, is_certain: bool) -> Finding {
    let next = format!("correct the name, or set it where you submit; `$${name}` means the letters themselves");
    if is_certain {
        Finding::error(field, format!("`${name}` is not set here, so the job would end at its start"), next)
    } else {
        let what =
            format!("`${name}` is not set here; where the nodes do not set it either, the job ends at its start");
        Finding::warning(field, what, next)
    }
}
