//! `pakt ledger bind`, `bindings`, `unbind`, `reattribute`, `enforce`: who spends what, and how strictly.

use crate::{
    error::JobsError,
    house::House,
    known::{known_budget, known_project, known_unit, near_partition, new_project, partition_meant},
    reached::booked,
};
use ledger::{Binding, BindingRecord, Command, Effect, Enforce, Outcome, Reattribute, Unbind};
use model::{
    AccountName, DirectoryPrefix, PartitionName, Pattern, ProjectName, SiteName, Timestamp, Unit, UserName, Window,
};
use sites::{AccountNeed, Site};

/// What spends a budget at a site.
#[derive(Clone, Debug, Default)]
pub struct Spender {
    /// A Slurm account.
    pub account: Option<AccountName>,
    /// A partition.
    pub partition: Option<PartitionName>,
    /// A user.
    pub user: Option<UserName>,
    /// What was told to work in a directory or below it.
    pub work_directory: Option<DirectoryPrefix>,
    /// What has such a name.
    pub name: Option<Pattern>,
    /// Every run at the site.
    pub is_whole_site: bool,
}

impl Spender {
    /// Whether the person left it open.
    pub(crate) const fn is_unsaid(&self) -> bool {
        !self.names_a_part() && !self.is_whole_site
    }

    const fn names_a_part(&self) -> bool {
        self.account.is_some()
            || self.partition.is_some()
            || self.user.is_some()
            || self.work_directory.is_some()
            || self.name.is_some()
    }
}

/// The binding that a spender means. At a site where every job has an account, all of the site is never meant by
/// leaving the account out.
pub(crate) fn binding(
    house: &House,
    what: &str,
    project: &ProjectName,
    unit: &Unit,
    spender: Spender,
    from: Timestamp,
) -> Result<Binding, JobsError> {
    let site = house.site(unit.site())?;
    if spender.is_unsaid() && site.account.value.need == AccountNeed::Required {
        let why = format!("it does not say which Slurm account at `{}` spends it", unit.site());
        let next = "name it: `--account ACCOUNT`; `--whole-site` lets every run there spend it";
        return Err(JobsError::usage(what, why, next));
    }
    if spender.is_whole_site && spender.names_a_part() {
        let why = "it names a part of the site, and the whole of it";
        return Err(JobsError::usage(what, why, "leave `--whole-site` out, or the others"));
    }
    refuse_profile_name(what, site, spender.partition.as_ref())?;
    let Spender { account, partition, user, work_directory, name, .. } = spender;
    // Slurm keeps accounts in lower case, and so do its rows (sacctmgr(1)).
    let account = account.map(|account| account.as_str().to_ascii_lowercase().parse().unwrap_or(account));
    let (site, unit, project) = (unit.site().clone(), unit.clone(), project.clone());
    Ok(Binding { site, account, partition, user, work_directory, name, unit, project, from, to: None })
}

/// Refuses what a profile calls a partition, where Slurm calls it otherwise: no run would ever be bound by it.
fn refuse_profile_name(what: &str, site: &Site, partition: Option<&PartitionName>) -> Result<(), JobsError> {
    let Some(written) = partition else { return Ok(()) };
    partition_meant(site, written).map_or(Ok(()), |meant| {
        let why = format!("no run at `{}` is in partition `{written}`: Slurm calls it `{meant}`", site.name());
        Err(JobsError::usage(what, why, format!("write `--partition {meant}`")))
    })
}

/// A binding as a person wishes it.
#[derive(Clone, Debug)]
pub struct BindWish {
    /// Whose budget.
    pub project: ProjectName,
    /// In which unit, and so at which site.
    pub unit: Unit,
    /// What spends it.
    pub spender: Spender,
    /// For runs that started at this instant or later.
    pub from: Timestamp,
    /// Whether the project is meant to be new, however much its name is like another.
    pub is_new_project: bool,
}

/// Lets an account, a partition, a user or a whole site spend a project's budget; where time is not granted, this is
/// how a project begins. Whether the binding is new; it stands there already otherwise.
pub async fn bind(house: &House, wish: BindWish) -> Result<(Binding, bool), JobsError> {
    let what = "the binding was not entered";
    let book = house.needed_book(what).await?;
    let BindWish { project, unit, spender, from, is_new_project } = wish;
    known_unit(house, what, &unit)?;
    new_project(house, book.as_ref(), what, &project, is_new_project).await?;
    let binding = binding(house, what, &project, &unit, spender, from)?;
    let bind = Command::Bind(binding.clone());
    let outcomes = booked(book.post(&house.principal, house.clock.now(), &[bind]).await, what)?;
    Ok((binding, outcomes.first() == Some(&Outcome::Bound(Effect::Done))))
}

/// What a person should know of a binding: that its partition may be another's name mistyped; and that a run is charged once,
/// where it counts in two units of which the same account spends two budgets.
pub async fn beside_others(house: &House, binding: &Binding) -> Result<Vec<String>, JobsError> {
    let records = bindings(house, None).await?;
    let is_alike = |other: &Binding| {
        (&other.site, &other.account, &other.partition, &other.user)
            == (&binding.site, &binding.account, &binding.partition, &binding.user)
            && (&other.work_directory, &other.name) == (&binding.work_directory, &binding.name)
    };
    let overlaps = |other: &Binding| {
        other.to.is_none_or(|to| to > binding.from.max(other.from))
            && binding.to.is_none_or(|to| to > other.from.max(binding.from))
    };
    let others = records.into_iter().map(|record| record.terms);
    let rivals = others.filter(|other| other.unit != binding.unit && is_alike(other) && overlaps(other));
    let unknown = unknown_partition(house, binding);
    Ok(unknown
        .into_iter()
        .chain(rivals.map(|other| {
            format!(
                "{} spends `{}` in {} too, and a run is charged once: what counts in both units goes to the binding that begins \
                 later, or was made later; `pakt ledger unbind` ends the one that is not meant",
                binding.covers(),
                other.project,
                other.unit
            )
        }))
        .collect())
}

/// That nothing may ever be bound by a partition, where one of nearly the same name is known.
fn unknown_partition(house: &House, binding: &Binding) -> Option<String> {
    let partition = binding.partition.as_ref()?;
    let near = near_partition(house.catalogue.get(&binding.site)?, partition)?;
    Some(format!(
        "the profile of `{}` knows no partition `{partition}`; where `{near}` is meant, end this binding with `pakt ledger \
         unbind` and bind that one",
        binding.site
    ))
}

/// All bindings, of one project or of all, in the order they were made.
pub async fn bindings(house: &House, project: Option<&ProjectName>) -> Result<Vec<BindingRecord>, JobsError> {
    let what = "the bindings were not listed";
    let book = house.needed_book(what).await?;
    let mut records = booked(book.bindings().await, what)?;
    if let Some(project) = project {
        known_project(house, book.as_ref(), what, project).await?;
        records.retain(|record| record.terms.project == *project);
    }
    Ok(records)
}

/// Ends a binding at an instant, or takes it back from its beginning where none is given. Its terms as they are now.
pub async fn unbind(house: &House, number: u64, to: Option<Timestamp>) -> Result<BindingRecord, JobsError> {
    let what = "the binding was not ended";
    let book = house.needed_book(what).await?;
    let find = |records: Vec<BindingRecord>| records.into_iter().find(|record| record.number == number);
    let Some(known) = find(booked(book.bindings().await, what)?) else {
        let why = format!("the ledger has no binding {number}");
        return Err(JobsError::usage(what, why, "`pakt ledger bindings` lists them with their numbers"));
    };
    let unbind = Command::Unbind(Unbind { number, to: to.unwrap_or(known.terms.from) });
    booked(book.post(&house.principal, house.clock.now(), &[unbind]).await, what)?;
    Ok(find(booked(book.bindings().await, what)?).unwrap_or(known))
}

/// Charges the runs that started inside a window at a site by the bindings as they are now. How many moved.
pub async fn reattribute(house: &House, site: &SiteName, window: Window) -> Result<u64, JobsError> {
    let what = "no run was charged anew";
    let book = house.needed_book(what).await?;
    house.site(site)?;
    let reattribute = Command::Reattribute(Reattribute { site: site.clone(), window });
    let outcomes = booked(book.post(&house.principal, house.clock.now(), &[reattribute]).await, what)?;
    Ok(outcomes.iter().map(|outcome| if let Outcome::Reattributed(moved) = outcome { *moved } else { 0 }).sum())
}

/// Switches refusal on or off.
pub async fn enforce(house: &House, project: &ProjectName, unit: &Unit, is_enforced: bool) -> Result<(), JobsError> {
    let what = "the switch was not set";
    let book = house.needed_book(what).await?;
    known_budget(house, book.as_ref(), what, project, unit).await?;
    let set = Command::SetEnforce(Enforce { project: project.clone(), unit: unit.clone(), is_enforced });
    booked(book.post(&house.principal, house.clock.now(), &[set]).await, what).map(drop)
}
