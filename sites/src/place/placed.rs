//! The order of the checks, and the placement that comes out of them.

use super::{
    account, container, cost, directives, extra, guesses, launch, limits, partition, paths, resubmission, share,
    share::Share,
};
use crate::{
    partition::Partition,
    profile::{SchedulerKind, Site},
    provenance::Confidence,
    sourced::Sourced,
};
use model::{Finding, JobSpec, NodeShare, Placement, Severity, Tariff, Timestamp};

/// What this machine has, for the site that is this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LocalMachine {
    /// Cores that jobs may use.
    pub cpus: u32,
    /// GPUs that jobs may use.
    pub gpus: u32,
}

/// A placement and the doubts that came with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placed {
    /// Where and how the job runs.
    pub placement: Placement,
    /// What is worth knowing; nothing here stops the job.
    pub warnings: Vec<Finding>,
}

/// Makes a job concrete for one partition of a site.
///
/// It is priced by the tariffs that hold `at` the instant. `machine` counts only at the site that is this machine; without it that site has one core and no GPU. After an error
/// the list holds every mistake and doubt that could be found, at least one of them a mistake.
pub fn place(
    site: &Site,
    spec: &JobSpec,
    machine: Option<LocalMachine>,
    at: Timestamp,
) -> Result<Placed, Vec<Finding>> {
    let mut findings = Vec::new();
    extra::check(site, spec, &mut findings);
    account::check(site, spec, &mut findings);
    paths::check(site, spec, container::wanted_image(site, spec, machine).as_ref(), &mut findings);
    let Some(partition) = partition::choose(site, spec, machine, &mut findings) else { return Err(findings) };
    launch::check(&partition, spec, &mut findings);
    container::check(site, &partition, spec, &mut findings);
    resubmission::check(&partition, spec, &mut findings);
    limits::check_time(&partition, spec, &mut findings);
    let Some(share) = share::divide(&partition, spec, &mut findings) else { return Err(findings) };
    extra::check_given(&partition, spec, share.gives_exclusive, &mut findings);
    limits::check_size(&partition, spec, &share, &mut findings);
    if site.scheduler == SchedulerKind::Slurm {
        guesses::check(&partition, spec, &share, &mut findings);
    }
    let tariff = partition.tariff(site.name(), &share.charged, at);
    cost::check(&partition, spec, &share, &tariff, &mut findings);
    if findings.iter().any(|finding| finding.severity == Severity::Error) {
        return Err(findings);
    }
    let placement = placement(site, &partition, spec, share, tariff, &mut findings);
    Ok(Placed { placement, warnings: findings })
}

fn placement(
    site: &Site,
    partition: &Partition,
    spec: &JobSpec,
    share: Share,
    tariff: Tariff,
    findings: &mut Vec<Finding>,
) -> Placement {
    let directives = match site.scheduler {
        SchedulerKind::Slurm => directives::of(partition, spec, &share, findings),
        SchedulerKind::Local => Vec::new(),
    };
    let images = spec.environment.container.as_ref();
    let image = images.and_then(|images| container::chosen(images, partition, spec));
    let image = image.filter(|image| image.key.is_some()).map(|image| image.image.to_owned());
    let value_of = |area: &Option<Sourced<String>>| area.as_ref().map(|area| area.value.clone());
    Placement {
        site: site.site.clone(),
        profile_partition: partition.name.clone(),
        partition: partition.slurm_name.as_ref().map(|name| name.value.clone()),
        account: spec.scheduler.account.clone(),
        nodes: share.nodes,
        share: NodeShare { gpus: share.devices, cpus: share.cpus },
        gpu_vendor: partition.gpus.as_ref().map(|gpus| gpus.value.vendor),
        time_limit: spec.resources.time,
        charged: share.charged,
        tariff,
        directives,
        extra: spec.scheduler.extra.clone(),
        environment: partition.environment.iter().map(|setting| setting.value.clone()).collect(),
        launcher: launch::rules(partition, spec.launch, container::rules(site, partition, spec)),
        image,
        rendezvous: partition.rendezvous.value.clone(),
        has_internet: launch::has_internet(partition, spec),
        cache_area: value_of(&site.cache_area),
        state_area: value_of(&site.state_area),
    }
}

/// A mistake where the profile is sure of what it says, a doubt where it guesses.
pub(super) fn judged(confidence: Confidence, field: &str, what: impl Into<String>, next: impl Into<String>) -> Finding {
    match confidence {
        Confidence::Guess => Finding::warning(field, what, next),
        Confidence::UserReport | Confidence::Documented => Finding::error(field, what, next),
    }
}
