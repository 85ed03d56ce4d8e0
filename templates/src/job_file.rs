//! The text of a commented job file, for `pakt init`.
//!
//! What it needs of a site is handed in as a [`SitePreset`]: this folder does not know the catalogue. Every file is a
//! valid job as it stands; what a person must or may change says so in a comment.

use crate::{GpuWish, Preset, TemplateError, engine};
use model::{AccountName, Architecture, GpuVendor, Launch, PartitionName, ProjectName, SiteName, Unit, WallTime};
use serde::Serialize;

/// Whether a job at a site names a Slurm account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum AccountRule {
    /// It must.
    Required,
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
    /// GPUs of a node; 0 for none, and where the profile does not say how many.
    pub gpus_per_node: u32,
    /// What a GPU is there: `GH200`; empty without GPUs.
    pub gpu_model: String,
    /// Who makes the GPUs; none without.
    pub gpu_vendor: Option<GpuVendor>,
    /// The memory of a GPU in GiB, where the profile says it.
    pub gpu_gib: Option<u64>,
    /// The processors.
    pub architecture: Architecture,
    /// How jobs may be started; in every way where none is named.
    pub launches: Vec<Launch>,
    /// The most nodes of a job, where that is more than a guess.
    pub most_nodes: Option<u32>,
    /// The longest wall time.
    pub longest: Option<WallTime>,
    /// Whether a job has whole nodes, and pays for them.
    pub is_exclusive: bool,
}

/// What is known of whoever will spend; what is not is left for the person to fill in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Spender {
    /// The project.
    pub project: Option<ProjectName>,
    /// The Slurm account that pays for it at the site.
    pub account: Option<AccountName>,
}

/// Stands in a job file for a project that is not known.
pub const PROJECT_PLACEHOLDER: &str = "YOUR_PROJECT";
/// Stands in a job file for an account that is not known.
pub const ACCOUNT_PLACEHOLDER: &str = "YOUR_ACCOUNT";

/// The program that tells Pakt of checkpoints: its name beside the job file, and its text.
pub const CHECKPOINTS_PROGRAM: (&str, &str) = ("pakt_checkpoints.py", include_str!("job_files/pakt_checkpoints.py"));

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
    /// What an account looks like there.
    pub account_example: Option<String>,
    /// What the first partition charges in.
    pub unit: Option<Unit>,
    /// What it charges in where a job has no GPUs, if that is something else.
    pub unit_without_gpus: Option<Unit>,
    /// Whether compute nodes of the first partition reach the internet.
    pub has_internet: bool,
    /// A path for environments and data that compute nodes see, better than the home: `$PROJECT`.
    pub project_area: Option<String>,
}

#[derive(Clone, Serialize)]
struct Context {
    project: String,
    knows_project: bool,
    site: String,
    title: Option<String>,
    partitions: Vec<String>,
    default_partition: Option<String>,
    account: String,
    knows_account: bool,
    account_example: Option<String>,
    account_rule: AccountRule,
    charge_note: Option<String>,
    nodes: u32,
    gpus_per_node: u32,
    gpus_wanted: u32,
    gpu_gib: u64,
    time: String,
    longest: Option<String>,
    has_internet: bool,
    area: String,
    /// The same where a shell reads it within quotes, in which no `~` is expanded.
    shell_area: String,
}

/// Writes the job file of a preset, for a site or, without one, for the local scheduler of the machine at hand.
pub fn job_file(preset: &Preset, spender: &Spender, site: Option<&SitePreset>) -> Result<String, TemplateError> {
    let local = Context::local(preset, spender);
    let context = site.map_or_else(|| local.clone(), |site| local.clone().at(preset, site));
    engine::fill(preset.name, &context)
}

impl Context {
    fn local(preset: &Preset, spender: &Spender) -> Self {
        let word = |name: Option<&str>, placeholder: &str| name.map_or_else(|| placeholder.to_owned(), scalar);
        Self {
            project: word(spender.project.as_ref().map(ProjectName::as_str), PROJECT_PLACEHOLDER),
            knows_project: spender.project.is_some(),
            site: "local".to_owned(),
            title: None,
            partitions: Vec::new(),
            default_partition: None,
            account: word(spender.account.as_ref().map(AccountName::as_str), ACCOUNT_PLACEHOLDER),
            knows_account: spender.account.is_some(),
            account_example: None,
            account_rule: AccountRule::Absent,
            charge_note: None,
            nodes: 1,
            gpus_per_node: 0,
            gpus_wanted: 0,
            gpu_gib: 0,
            time: preset.time.to_string(),
            longest: None,
            has_internet: true,
            area: "~".to_owned(),
            shell_area: "$HOME".to_owned(),
        }
    }

    fn at(self, preset: &Preset, site: &SitePreset) -> Self {
        let first = site.partitions.first();
        let gpus_per_node = first.map_or(0, |partition| partition.gpus_per_node);
        let gpus_wanted = if preset.gpus == GpuWish::One { gpus_per_node.min(1) } else { gpus_per_node };
        let longest = first.and_then(|partition| partition.longest);
        Self {
            site: site.site.to_string(),
            title: Some(site.title.replace(char::is_control, " ")),
            partitions: site.partitions.iter().map(PartitionPreset::line).collect(),
            default_partition: first.and_then(|partition| partition.partition.as_ref()).map(ToString::to_string),
            account_example: site.account_example.as_ref().map(|example| example.replace(char::is_control, " ")),
            account_rule: site.account,
            charge_note: charge_note(site, gpus_wanted > 0),
            nodes: preset.nodes(gpus_per_node),
            gpus_per_node,
            gpus_wanted,
            gpu_gib: first.and_then(|partition| partition.gpu_gib).unwrap_or(0),
            time: longest.map_or(preset.time, |longest| longest.min(preset.time)).to_string(),
            longest: longest.map(|longest| longest.to_string()),
            has_internet: site.has_internet,
            area: site.project_area.clone().unwrap_or(self.area),
            shell_area: site.project_area.clone().unwrap_or(self.shell_area),
            project: self.project,
            knows_project: self.knows_project,
            account: self.account,
            knows_account: self.knows_account,
        }
    }
}

/// A name as YAML reads it back: in quotes where it could be taken for something else.
fn scalar(name: &str) -> String {
    const OTHER_WORDS: [&str; 9] = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"];
    let is_word = name.starts_with(|first: char| first.is_ascii_alphabetic())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
        && !OTHER_WORDS.contains(&name.to_ascii_lowercase().as_str());
    if is_word { name.to_owned() } else { format!("'{}'", name.replace('\'', "''")) }
}

impl PartitionPreset {
    /// One line about it: `booster: 4 x GH200 a node, whole nodes, at most 12:00:00`.
    fn line(&self) -> String {
        let gpus = match self.gpus_per_node {
            0 if self.gpu_model.is_empty() => "no GPUs".to_owned(),
            // The profile of a machine that it has never seen.
            0 => "the GPUs that it has".to_owned(),
            count => format!("{count} x {} a node", self.gpu_model),
        };
        let share = if self.is_exclusive { ", whole nodes" } else { "" };
        let longest = self.longest.map(|longest| format!(", at most {longest}")).unwrap_or_default();
        format!("{}: {gpus}{share}{longest}", self.name).replace(char::is_control, " ")
    }
}

fn charge_note(site: &SitePreset, has_gpus: bool) -> Option<String> {
    let words = |unit: &Unit| format!("{} ({unit})", unit.hour_word());
    let unit = site.unit.as_ref()?;
    if let Some(other) = site.unit_without_gpus.as_ref().filter(|_| !has_gpus) {
        return Some(format!("charged in {}; with GPUs in {}", words(other), words(unit)));
    }
    let whole = site.partitions.first().is_some_and(|partition| partition.is_exclusive);
    let share = if whole { ", for whole nodes however few GPUs are used" } else { "" };
    Some(format!("charged in {}{share}", words(unit)))
}
