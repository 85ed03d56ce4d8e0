//! `pakt init`: the text of a job file for a site.

use crate::error::JobsError;
use model::{AccountName, StorageContext, StorageRole, Unit};
use sites::{AccountNeed, Partition, Sharing, Site};
use templates::{AccountRule, PartitionPreset, SitePreset};
pub use templates::{Preset, TemplateError};

/// What stands for an account where the profile knows none that exists.
const SOME_ACCOUNT: &str = "my-account";

/// The text of a commented job file that passes `check` at this site; an error where nothing there could start it.
pub fn job_file(preset: Preset, site: &Site) -> Result<String, JobsError> {
    refuse_what_nothing_starts(preset, site)?;
    templates::job_file(preset, Some(&preset_of(site))).map_err(|error| {
        JobsError::usage("no job file was written", error.to_string(), "choose another template: `pakt init --help`")
    })
}

fn refuse_what_nothing_starts(preset: Preset, site: &Site) -> Result<(), JobsError> {
    let starts = |preset: Preset| {
        let launchers = site.partitions.first().map(|partition| &partition.launchers.value.available);
        launchers.is_none_or(|available| available.is_empty() || available.contains(&preset.launch()))
    };
    if starts(preset) {
        return Ok(());
    }
    let others =
        Preset::ALL.into_iter().filter(|other| starts(*other)).map(Preset::name).collect::<Vec<_>>().join(", ");
    let why = format!("nothing at {} starts jobs of the template `{preset}`", site.title);
    Err(JobsError::usage(
        "no job file was written",
        why,
        format!("name another site with `--site`, or one of: {others}"),
    ))
}

fn preset_of(site: &Site) -> SitePreset {
    let first = site.partitions.first();
    let account = match site.account.value.need {
        AccountNeed::Required => AccountRule::Required(example(site)),
        AccountNeed::Optional => AccountRule::Optional,
        AccountNeed::Absent => AccountRule::Absent,
    };
    SitePreset {
        site: site.name().clone(),
        title: site.title.clone(),
        partitions: site.partitions.iter().map(partition_of).collect(),
        account,
        unit: first.and_then(|partition| unit_of(site, partition)),
        has_internet: first.is_some_and(|partition| partition.internet.value),
        project_area: project_area(site),
    }
}

fn example(site: &Site) -> AccountName {
    let known = site.account.value.examples.iter().find_map(|example| example.parse().ok());
    known.unwrap_or_else(|| SOME_ACCOUNT.parse().expect("a word is an account name"))
}

fn partition_of(partition: &Partition) -> PartitionPreset {
    PartitionPreset {
        name: partition.name.clone(),
        partition: partition.slurm_name.as_ref().map(|name| name.value.clone()),
        gpus_per_node: partition.gpus_per_node(),
        gpu_model: partition.gpus.as_ref().map(|gpus| gpus.value.model.clone()).unwrap_or_default(),
        longest: partition.limits.wall.as_ref().map(|limit| limit.most.value.0),
        is_exclusive: partition.sharing.value == Sharing::Exclusive,
    }
}

fn unit_of(site: &Site, partition: &Partition) -> Option<Unit> {
    let class = partition.gpus.as_ref().map(|gpus| gpus.value.class.clone())?;
    Some(Unit::new(site.name().clone(), class))
}

/// The variable of the project's space as compute nodes see it, or a directory in it.
fn project_area(site: &Site) -> Option<String> {
    let compute = StorageContext::Compute;
    let is_seen = |area: &&model::StorageArea| area.role == StorageRole::Project && area.is_visible_from(compute);
    let area = site.storage.iter().map(|area| &area.value).find(is_seen)?;
    let variable = area.variables.get(&compute).map(|name| format!("${name}"));
    variable.or_else(|| area.paths.get(&compute).map(|path| format!("{path}/my-project")))
}
