//! `pakt init`: the text of a job file for a site.

use crate::error::JobsError;
use model::{AccountName, StorageRole, Unit};
use sites::{AccountNeed, Partition, Sharing, Site};
use templates::{AccountRule, PartitionPreset, SitePreset};
pub use templates::{Preset, TemplateError};

/// The text of a commented job file that passes `check` at this site.
pub fn job_file(preset: Preset, site: &Site) -> Result<String, JobsError> {
    templates::job_file(preset, Some(&preset_of(site))).map_err(|error| {
        JobsError::usage("no job file was written", error.to_string(), "choose another template: `pakt init --help`")
    })
}

fn preset_of(site: &Site) -> SitePreset {
    let first = site.partitions.first();
    let account = match site.account.value.need {
        AccountNeed::Required => match example(site) {
            Some(example) => AccountRule::Required(example),
            None => AccountRule::Optional,
        },
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

fn example(site: &Site) -> Option<AccountName> {
    site.account.value.examples.iter().find_map(|example| example.parse().ok())
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

/// The variable or path of the project's space as compute nodes see it.
fn project_area(site: &Site) -> Option<String> {
    let area = site.storage.iter().map(|area| &area.value).find(|area| area.role == StorageRole::Project)?;
    let compute = model::StorageContext::Compute;
    let variable = area.variables.get(&compute).map(|name| format!("${name}"));
    variable.or_else(|| area.paths.get(&compute).cloned())
}
