//! `pakt init`: the text of a job file for a site.

use crate::{error::JobsError, funding::is_for, house::House};
use ledger::Binding;
use model::{AccountName, ProjectName, SiteName, StorageContext, StorageRole, Unit};
use serde::Serialize;
use sites::{AccountNeed, Catalogue, Partition, Sharing, Site, Sourced, TariffProfile};
use std::collections::BTreeSet;
use templates::{AccountRule, GpuWish, Misfit, PartitionPreset, SitePreset};
pub use templates::{CHECKPOINTS_PROGRAM, Preset, Spender, TemplateError};

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

/// A template, and whether it can run at a site.
#[derive(Clone, Debug, Serialize)]
pub struct TemplateRow {
    /// Its name.
    pub name: &'static str,
    /// What it is.
    pub about: &'static str,
    /// How it is started, as a job file spells it.
    pub launch: &'static str,
    /// How many GPUs it asks for at the site.
    pub gpus: u32,
    /// What it takes of each GPU's memory, in GiB; none where that is up to the person.
    pub gpu_gib: Option<u64>,
    /// Whether it can run there, as far as is known.
    pub is_for_site: bool,
    /// What is in the way of it.
    pub why_not: Option<String>,
}

/// All templates, in their order, with what keeps each from running at a site.
pub fn templates(site: &Site) -> Vec<TemplateRow> {
    let row = |preset: &'static Preset| {
        let gpus_per_node = site.partitions.first().map_or(0, Partition::gpus_per_node);
        let gpus = match preset.gpus {
            GpuWish::One => gpus_per_node.min(1),
            GpuWish::Node => gpus_per_node,
            GpuWish::Whole(count) => count,
        };
        let why_not = misfit(preset, site).map(|misfit| misfit.to_string());
        TemplateRow {
            name: preset.name,
            about: preset.about,
            launch: templates::launch_name(preset.launch),
            gpus,
            gpu_gib: Some(preset.gpu_gib).filter(|gib| *gib > 0),
            is_for_site: why_not.is_none(),
            why_not,
        }
    };
    Preset::ALL.iter().map(row).collect()
}

/// The text of a commented job file that passes `check` at this site; an error where it could not run there, which names
/// the other sites of the catalogue where it could.
pub fn job_file(preset: &Preset, site: &Site, others: &Catalogue, spender: &Spender) -> Result<String, JobsError> {
    if let Some(misfit) = misfit(preset, site) {
        return Err(refused(preset, site, &misfit, others));
    }
    templates::job_file(preset, spender, Some(&preset_of(site))).map_err(|error| {
        JobsError::usage("no job file was written", error.to_string(), "choose another template: `pakt init --list`")
    })
}

/// What is in the way of a template where a job of it would go.
fn misfit(preset: &Preset, site: &Site) -> Option<Misfit> {
    site.partitions.first().and_then(|partition| Misfit::of(preset, &partition_of(partition)))
}

fn refused(preset: &Preset, site: &Site, misfit: &Misfit, others: &Catalogue) -> JobsError {
    let partition = site.partitions.first().map(|partition| partition.name.as_str()).unwrap_or_default();
    let why = format!("`{preset}` is not for `{partition}` of {}: {misfit}", site.title);
    let fitting = Preset::ALL.iter().filter(|other| self::misfit(other, site).is_none());
    let fitting: Vec<&str> = fitting.map(|other| other.name).collect();
    let elsewhere = others.iter().filter(|other| self::misfit(preset, other).is_none());
    let elsewhere: Vec<&str> = elsewhere.map(Site::name).map(SiteName::as_str).collect();
    let next = match (fitting.as_slice(), elsewhere.as_slice()) {
        ([], []) => "`pakt init --list` says what each needs".to_owned(),
        (here, []) => format!("here go {}", here.join(", ")),
        ([], there) => format!("with `--site` it goes to {}", there.join(", ")),
        (here, there) => format!("here go {}; with `--site` it goes to {}", here.join(", "), there.join(", ")),
    };
    JobsError::usage("no job file was written", why, next)
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
        gpu_vendor: partition.gpus.as_ref().map(|gpus| gpus.value.vendor),
        gpu_gib: partition.gpus.as_ref().and_then(|gpus| gib_of(&gpus.value.model)),
        architecture: partition.architecture.value,
        launches: partition.launchers.value.available.clone(),
        most_nodes: partition
            .limits
            .nodes
            .as_ref()
            .filter(|limit| !limit.most.is_guess())
            .map(|limit| limit.most.value),
        longest: partition.limits.wall.as_ref().map(|limit| limit.most.value.0),
        is_exclusive: partition.sharing.value == Sharing::Exclusive,
    }
}

/// The memory that a GPU's model is called after, `A100 40 GB`, in whole GiB; none where its name does not say.
fn gib_of(model: &str) -> Option<u64> {
    let words: Vec<&str> = model.split_whitespace().collect();
    let place = words.iter().position(|word| *word == "GB")?;
    let gigabytes: u64 = words.get(place.checked_sub(1)?)?.parse().ok()?;
    Some(gigabytes.checked_mul(1_000_000_000)? >> 30)
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
