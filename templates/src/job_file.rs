//! The text of a commented job file, for `pakt init`.
//!
//! What it needs of a site is handed in as a [`SitePreset`]: this folder does not know the catalogue. Every file is a
//! valid job as it stands; what a person must or may change says so in a comment.

use crate::{Preset, TemplateError, engine};
use model::{AccountName, PartitionName, SiteName, Unit, WallTime};
use serde::Serialize;

/// Whether a job at a site names a Slurm account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AccountRule {
    /// It must; with an example of what such a name looks like there.
    Required(AccountName),
    /// It may.
    Optional,
    /// The site has none.
    Absent,
}

/// What a job file says about one partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartitionPreset {
    /// The profile's name of it.
    pub name: String,
    /// Slurm's name, where jobs name it.
    pub partition: Option<PartitionName>,
    /// GPUs of a node; 0 for none.
    pub gpus_per_node: u32,
    /// What a GPU is there: `GH200`; empty without GPUs.
    pub gpu_model: String,
    /// The longest wall time.
    pub longest: Option<WallTime>,
    /// Whether a job has whole nodes, and pays for them.
    pub is_exclusive: bool,
}

/// What a job file says about one site.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SitePreset {
    /// The site.
    pub site: SiteName,
    /// How it is called in full: `JUPITER Booster at JSC`.
    pub title: String,
    /// Its partitions; the first is where a job goes that names none.
    pub partitions: Vec<PartitionPreset>,
    /// Its rule for accounts.
    pub account: AccountRule,
    /// What the site charges in.
    pub unit: Option<Unit>,
    /// Whether compute nodes of the first partition reach the internet.
    pub has_internet: bool,
    /// A path for environments and data that compute nodes see, better than the home: `$PROJECT`.
    pub project_area: Option<String>,
}

#[derive(Serialize)]
struct Context {
    site: String,
    title: Option<String>,
    partitions: Vec<String>,
    default_partition: Option<String>,
    account: Option<String>,
    may_have_account: bool,
    charge_note: Option<String>,
    gpus_per_node: u32,
    gpus_wanted: u32,
    time: String,
    longest: Option<String>,
    has_internet: bool,
    area: String,
}

/// Writes the job file of a preset, for a site or, without one, for the local scheduler of the machine at hand.
pub fn job_file(preset: Preset, site: Option<&SitePreset>) -> Result<String, TemplateError> {
    let context = site.map_or_else(Context::local, |site| Context::of(preset, site));
    engine::fill(&format!("job_files/{preset}.yaml.j2"), &context)
}

const WANTED: WallTime = WallTime::from_seconds(1800);

impl Context {
    fn local() -> Self {
        Self {
            site: "local".to_owned(),
            title: None,
            partitions: Vec::new(),
            default_partition: None,
            account: None,
            may_have_account: false,
            charge_note: None,
            gpus_per_node: 0,
            gpus_wanted: 0,
            time: WANTED.to_string(),
            longest: None,
            has_internet: true,
            area: "~".to_owned(),
        }
    }

    fn of(preset: Preset, site: &SitePreset) -> Self {
        let first = site.partitions.first();
        let gpus_per_node = first.map_or(0, |partition| partition.gpus_per_node);
        let longest = first.and_then(|partition| partition.longest);
        let account = match &site.account {
            AccountRule::Required(example) => Some(example.to_string()),
            AccountRule::Optional | AccountRule::Absent => None,
        };
        Self {
            site: site.site.to_string(),
            title: Some(site.title.replace(char::is_control, " ")),
            partitions: site.partitions.iter().map(PartitionPreset::line).collect(),
            default_partition: first.and_then(|partition| partition.partition.as_ref()).map(ToString::to_string),
            account,
            may_have_account: site.account == AccountRule::Optional,
            charge_note: charge_note(site),
            gpus_per_node,
            gpus_wanted: if preset == Preset::Evaluate { gpus_per_node.min(1) } else { gpus_per_node },
            time: longest.map_or(WANTED, |longest| longest.min(WANTED)).to_string(),
            longest: longest.map(|longest| longest.to_string()),
            has_internet: site.has_internet,
            area: site.project_area.clone().unwrap_or_else(|| "~".to_owned()),
        }
    }
}

impl PartitionPreset {
    /// One line about it: `booster: 4 x GH200 a node, whole nodes, at most 12:00:00`.
    fn line(&self) -> String {
        let gpus = match self.gpus_per_node {
            0 => "no GPUs".to_owned(),
            count => format!("{count} x {} a node", self.gpu_model),
        };
        let share = if self.is_exclusive { ", whole nodes" } else { "" };
        let longest = self.longest.map(|longest| format!(", at most {longest}")).unwrap_or_default();
        format!("{}: {gpus}{share}{longest}", self.name).replace(char::is_control, " ")
    }
}

fn charge_note(site: &SitePreset) -> Option<String> {
    let unit = site.unit.as_ref()?;
    let whole = site.partitions.first().is_some_and(|partition| partition.is_exclusive);
    let share = if whole { ", for whole nodes however few GPUs are used" } else { "" };
    Some(format!("charged in {} ({unit}){share}", unit.hour_word()))
}
