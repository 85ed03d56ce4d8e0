//! Jobs that are only asked about: the one that waits, with another time, in another partition, at another site.

use super::Subject;
use crate::{directory::Origin, error::JobsError, house::House, plan::asked, prepare::prepare_spec, submit::Sheet};
use model::{JobId, JobSpec, PartitionName, SiteChoice, SiteName, WallTime};
use scheduler_adapters::{Estimate, JobSighting, LocalResources, PendingJob};

/// What is changed of it.
#[derive(Clone, Debug, Default)]
pub(super) struct Wish {
    pub(super) time: Option<WallTime>,
    pub(super) partition: Option<PartitionName>,
}

/// The job of a file, if it has one.
pub(super) fn spec(subject: &Subject) -> Option<&JobSpec> {
    match subject.intent()?.origin.as_ref()? {
        Origin::JobFile { spec, .. } => Some(spec),
        _ => None,
    }
}

/// When the job would start with the wish, were it submitted now; the error says why nobody knows.
pub(super) async fn estimate(
    house: &House,
    subject: &Subject,
    job: &PendingJob,
    wish: &Wish,
) -> Result<Estimate, String> {
    match (spec(subject), subject.intent()) {
        (Some(spec), Some(intent)) => {
            let mut spec = spec.clone();
            let placed = intent.placement.as_ref();
            spec.scheduler.account =
                spec.scheduler.account.or_else(|| placed.and_then(|placed| placed.account.clone()));
            let own = || placed.and_then(|placed| placed.partition.clone());
            spec.scheduler.partition = wish.partition.clone().or(spec.scheduler.partition).or_else(own);
            spec.resources.time = wish.time.unwrap_or(spec.resources.time);
            of_spec(house, &spec).await
        }
        _ => asked(house, &of_sighting(house, &job.sighting, job, wish)).await,
    }
}

/// The same job at another site; an error where it does not fit there or nothing would pay for it.
pub(super) async fn at_site(house: &House, subject: &Subject, site: &SiteName) -> Result<Estimate, String> {
    let spec = spec(subject).ok_or("it was made from no job file")?;
    let mut spec = spec.clone();
    spec.site = SiteChoice::OneOf(vec![site.clone()]);
    let refused = |findings: Vec<model::Finding>| {
        let first = findings.first().map(|finding| finding.what.clone()).unwrap_or_default();
        JobsError::usage("it does not fit", first, "")
    };
    let prepared = prepare_spec(house, &spec, &refused).await.map_err(|error| error.why)?;
    if let Some(why) = prepared.no_hold {
        let (crate::prepare::NoHold::Never(why) | crate::prepare::NoHold::NotNow(why)) = why;
        return Err(why);
    }
    let sheet =
        Sheet::of(house, &spec, &prepared.placement, &house.state.job(nobody()), None).map_err(|error| error.why)?;
    asked(house, &sheet).await
}

async fn of_spec(house: &House, spec: &JobSpec) -> Result<Estimate, String> {
    let site = house.site(&house.here).map_err(|error| error.why)?;
    let placed = sites::place(site, spec, Some(house.machine), house.clock.now());
    let placed = placed.map_err(|found| found.first().map(|finding| finding.what.clone()).unwrap_or_default())?;
    let sheet =
        Sheet::of(house, spec, &placed.placement, &house.state.job(nobody()), None).map_err(|error| error.why)?;
    asked(house, &sheet).await
}

fn nobody() -> JobId {
    JobId::from_parts(model::Timestamp::from_epoch_seconds(0), 0)
}

/// A job of the size that the queue shows, for one that was made from no job file.
fn of_sighting(house: &House, seen: &JobSighting, job: &PendingJob, wish: &Wish) -> Sheet {
    let names: Vec<&str> = job.partitions.iter().map(PartitionName::as_str).collect();
    let partition = wish.partition.as_ref().map_or_else(|| names.join(","), ToString::to_string);
    let time = wish.time.or(seen.time_limit);
    let nodes = u64::from(seen.nodes.max(1));
    let per_node = |count: Option<u64>| count.map(|count| count.div_ceil(nodes)).filter(|count| *count > 0);
    let mut words = vec![format!("nodes={nodes}")];
    words.extend((!partition.is_empty()).then(|| format!("partition={partition}")));
    words.extend(seen.account.iter().map(|account| format!("account={account}")));
    words.extend(seen.qos.iter().map(|qos| format!("qos={qos}")));
    words.extend(time.map(|time| format!("time={time}")));
    words.extend(per_node(seen.requested.gpus_total).map(|gpus| format!("gres=gpu:{gpus}")));
    words.extend(per_node(seen.requested.cpus).map(|cpus| format!("ntasks-per-node={cpus}")));
    words.extend((!job.features.is_empty()).then(|| format!("constraint={}", job.features)));
    let script: String = words.iter().map(|word| format!("#SBATCH --{word}\n")).collect();
    let stamp = model::Stamp { job: nobody(), link: model::LinkNumber::FIRST };
    let cpus = u32::try_from(per_node(seen.requested.cpus).unwrap_or(1)).unwrap_or(u32::MAX);
    let gpus = u32::try_from(per_node(seen.requested.gpus_total).unwrap_or(0)).unwrap_or(u32::MAX);
    Sheet {
        stamp,
        job_name: format!("why.{stamp}"),
        script: format!("#!/bin/sh\n{script}true\n"),
        output: house.state.job(nobody()).log().to_string_lossy().into_owned(),
        options: Vec::new(),
        local: LocalResources { nodes: seen.nodes, cpus, gpus, time_limit: time.unwrap_or_default() },
    }
}
