//! A site's profile: what Pakt knows about it beyond its partitions.

use crate::{
    partition::Partition,
    pattern,
    provenance::{AsOf, Confidence},
    sourced::Sourced,
};
use model::{AccountingZone, ClusterName, SiteName, StorageArea, Zone};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What speaks to the nodes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SchedulerKind {
    /// Slurm.
    #[default]
    Slurm,
    /// This machine alone.
    Local,
}

/// What a value takes over that names no source of its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Defaults {
    /// A key of `sources`.
    pub source: String,
    /// As of when.
    pub as_of: AsOf,
    /// How sure that is.
    pub confidence: Confidence,
}

/// A variable that a site sets for everybody, and its values.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DetectionVariable {
    /// Its name: `SYSTEMNAME`.
    pub name: String,
    /// The values that mean this site.
    pub values: Vec<String>,
}

/// By what the site is recognised from inside.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DetectionRules {
    /// Variables with values; asked first.
    pub variables: Vec<Sourced<DetectionVariable>>,
    /// Patterns of host names, `*` for anything and `#` for a digit; asked last.
    pub hosts: Vec<Sourced<String>>,
}

/// What a login asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LoginMethod {
    /// A registered key.
    Key,
    /// A registered key with a `from=` clause, and a one-time password.
    KeyFromAndOneTimePassword,
    /// A password and a one-time password; keys are not accepted.
    PasswordAndOneTimePassword,
    /// A key and a one-time password.
    KeyAndOneTimePassword,
    /// None: it is this machine.
    None,
}

/// How people come in, and what a program may do in their name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LoginContract {
    /// Login hosts.
    #[serde(default)]
    pub hosts: Vec<String>,
    /// What they ask for.
    pub methods: Vec<LoginMethod>,
    /// Hosts to jump through.
    #[serde(default)]
    pub gateways: Vec<String>,
    /// Whether a person must open the connection, which a program may then use.
    pub human_in_the_loop: bool,
    /// How often one may connect, in words.
    #[serde(default)]
    pub rate: Option<String>,
    /// What else a user should know.
    #[serde(default)]
    pub note: Option<String>,
}

/// Whether jobs name a Slurm account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AccountNeed {
    /// They must.
    Required,
    /// They may.
    Optional,
    /// The site has none.
    Absent,
}

/// The rule for Slurm accounts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccountRule {
    /// Whether jobs name one.
    pub need: AccountNeed,
    /// What they look like: `*` for anything, `#` for a digit.
    #[serde(default)]
    pub pattern: Option<String>,
    /// Some that exist.
    #[serde(default)]
    pub examples: Vec<String>,
}

/// How a budget is bound to time, which decides what happens when it is used up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BudgetWindow {
    /// A quota each month, borrowing from the next and carrying over from the last one; then the priority drops.
    MonthlyJsc,
    /// One amount for a term.
    FixedTerm,
    /// One amount; when it is used up, jobs do not start.
    HardStop,
    /// A quota each quarter, carried over once.
    NhrQuarterly,
    /// No amount: shares decide the priority.
    FairShare,
    /// None.
    None,
}

/// How the site itself says what was used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UsageCommand {
    /// The command, with `{project}` for the project's name at the site.
    pub command: String,
    /// How old its answer may be, in hours, where that is known.
    #[serde(default)]
    pub staleness_hours: Option<u32>,
    /// What else a reader should know.
    #[serde(default)]
    pub note: Option<String>,
}

/// A site.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Site {
    /// Its name.
    pub site: SiteName,
    /// What people call it.
    pub title: String,
    /// The centre that runs it.
    pub centre: String,
    /// Other names under which it may be asked for.
    #[serde(default)]
    pub aliases: Vec<String>,
    /// What speaks to the nodes.
    #[serde(default)]
    pub scheduler: SchedulerKind,
    /// What a value takes over that names no source of its own.
    pub defaults: Defaults,
    /// The sources by key: page, repository or note.
    pub sources: BTreeMap<String, String>,
    /// Slurm's names of its clusters, where known.
    #[serde(default)]
    pub clusters: Vec<Sourced<ClusterName>>,
    /// By what it is recognised.
    #[serde(default)]
    pub detection: DetectionRules,
    /// How people come in.
    pub login: Sourced<LoginContract>,
    /// The least seconds between two attempts to connect, where a program opens the connection.
    #[serde(default)]
    pub login_pause_seconds: Option<Sourced<u32>>,
    /// The least seconds between two questions of one person's programs that repeat themselves.
    #[serde(default)]
    pub question_interval_seconds: Option<Sourced<u32>>,
    /// The most seconds for which nobody asks again after questions that were not answered.
    #[serde(default)]
    pub question_pause_seconds: Option<Sourced<u32>>,
    /// The rule for accounts.
    pub account: Sourced<AccountRule>,
    /// The kinds of budget that occur; which one a project has, its own usage command tells.
    pub budget_windows: Sourced<Vec<BudgetWindow>>,
    /// The time zone whose midnight begins the days, months and quarters of its budgets.
    #[serde(default)]
    pub accounting_zone: Option<Sourced<AccountingZone>>,
    /// How the site itself says what was used.
    #[serde(default)]
    pub usage: Option<Sourced<UsageCommand>>,
    /// File systems.
    #[serde(default)]
    pub storage: Vec<Sourced<StorageArea>>,
    /// Where job directories go: a variable or path that compute nodes expand.
    #[serde(default)]
    pub state_area: Option<Sourced<String>>,
    /// Where caches go: a variable or path that compute nodes expand.
    #[serde(default)]
    pub cache_area: Option<Sourced<String>>,
    /// Modules that are usually loaded, as a hint.
    #[serde(default)]
    pub modules: Option<Sourced<Vec<String>>>,
    /// What else a user should know.
    #[serde(default)]
    pub notes: Vec<Sourced<String>>,
    /// Fields that nobody was found to say anything about, by path, as `partitions.NAME.FIELD` and `storage.ROLE.FIELD`;
    /// `*` stands for anything. What stands here was looked for.
    #[serde(default)]
    pub unknown: Vec<String>,
    /// Partitions, the usual ones first.
    pub partitions: Vec<Partition>,
}

impl Site {
    /// Its name.
    pub const fn name(&self) -> &SiteName {
        &self.site
    }

    /// The partitions that go by a name: the one that the profile calls so, then those that Slurm does. Several may share
    /// Slurm's name, told apart by what their jobs ask for.
    pub fn partitions_called(&self, name: &str) -> Vec<&Partition> {
        let is_own = |partition: &&Partition| partition.name == name;
        let is_slurms =
            |partition: &&Partition| partition.slurm_name.as_ref().is_some_and(|own| own.value.as_str() == name);
        let of_slurm = self.partitions.iter().filter(|partition| is_slurms(partition) && !is_own(partition));
        self.partitions.iter().filter(is_own).chain(of_slurm).collect()
    }

    /// The zone of its accounts; that of the machine where the profile says so, or names none.
    pub fn accounting_zone_on(&self, machine: &Zone) -> Zone {
        self.accounting_zone.as_ref().map_or_else(|| machine.clone(), |zone| zone.value.resolve(machine))
    }

    /// Whether the profile says of a field that nobody was found to tell it.
    pub fn is_unknown(&self, path: &str) -> bool {
        self.unknown.iter().any(|unknown| pattern::matches(unknown, path))
    }
}
