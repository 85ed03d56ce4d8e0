//! `pakt init`: the text of a job file for a site.

use crate::{error::JobsError, funding::is_for, house::House};
use ledger::Binding;
use model::{AccountName, ProjectName, StorageContext, StorageRole, Unit};
use sites::{AccountNeed, Partition, Sharing, Site, Sourced, TariffProfile};
use std::collections::BTreeSet;
use templates::{AccountRule, PartitionPreset, SitePreset};
pub use templates::{Preset, Spender, TemplateError};

/// The words that stand in a job file for what is not known.
pub const PLACEHOLDERS: [&str; 2] = [templates::PROJECT_PLACEHOLDER, templates::ACCOUNT_PLACEHOLDER];

/// Who spends at this machine's site, as far as that is known without asking anybody: the project of the configuration,
/// else the only one that a ledger in a file here binds to the site; and the only account that is bound to it there.
pub async fn spender(house: &House, configured: Option<&ProjectName>) -> Spender {
    let bindings = bindings(house).await;
    let project = configured.or_else(|| only(bindings.iter().map(|binding| &binding.project))).cloned();
    let of_project = bindings.iter().filter(|binding| Some(&binding.project) == project.as_ref());
    let account: Option<&AccountName> = only(of_project.filter_map(|binding| binding.account.as_ref()));
    Spender { account: account.cloned(), project }
}

/// What the ledger binds here for this person now. A ledger that cannot be read keeps nobody from writing a job file.
async fn bindings(house: &House) -> Vec<Binding> {
    if !house.books.is_at_hand() {
        return Vec::new();
    }
    let Ok(Some(book)) = house.books.book().await else { return Vec::new() };
    let now = house.clock.now();
    let known = book.bindings().await.unwrap_or_default();
    let known = known.into_iter().map(|record| record.terms);
    known.filter(|binding| is_for(house, &house.here, now, binding)).collect()
}

/// The one, where all are the same.
fn only<'a, T: Ord>(all: impl Iterator<Item = &'a T>) -> Option<&'a T> {
    let all: BTreeSet<&T> = all.collect();
    all.first().copied().filter(|_| all.len() == 1)
}

/// The text of a commented job file that passes `check` at this site; an error where nothing there could start it.
pub fn job_file(preset: Preset, site: &Site, spender: &Spender) -> Result<String, JobsError> {
    refuse_what_nothing_starts(preset, site)?;
    templates::job_file(preset, spender, Some(&preset_of(site))).map_err(|error| {
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
        AccountNeed::Required => AccountRule::Required,
        AccountNeed::Optional => AccountRule::Optional,
        AccountNeed::Absent => AccountRule::Absent,
    };
    SitePreset {
        site: site.name().clone(),
        title: site.title.clone(),
        partitions: site.partitions.iter().map(partition_of).collect(),
        account,
        account_example: site.account.value.examples.first().cloned(),
        unit: first.map(|partition| unit_of(site, &partition.tariff)),
        unit_without_gpus: first
            .and_then(|partition| partition.tariff_without_gpus.as_ref())
            .map(|tariff| unit_of(site, tariff)),
        has_internet: first.is_some_and(|partition| partition.internet.value),
        project_area: project_area(site),
    }
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

/// What the site itself charges in, which need not be what its nodes are made of.
fn unit_of(site: &Site, tariff: &Sourced<TariffProfile>) -> Unit {
    Unit::new(site.name().clone(), tariff.value.class.clone())
}

/// The variable of the project's space as compute nodes see it, or a directory in it.
fn project_area(site: &Site) -> Option<String> {
    let compute = StorageContext::Compute;
    let is_seen = |area: &&model::StorageArea| area.role == StorageRole::Project && area.is_visible_from(compute);
    let area = site.storage.iter().map(|area| &area.value).find(is_seen)?;
    let variable = area.variables.get(&compute).map(|name| format!("${name}"));
    variable.or_else(|| area.paths.get(&compute).map(|path| format!("{path}/my-project")))
}
