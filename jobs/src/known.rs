//! Whether what a PI names is there: a unit that some site counts in, a project that the ledger knows. What is entered
//! under a mistyped name would protect nothing and be charged to nobody.

use crate::{error::JobsError, house::House, nearest::nearest, reached::booked};
use ledger::{BalanceQuery, Book};
use model::{PartitionName, ProjectName, Unit};
use sites::Site;
use std::collections::BTreeSet;

/// Refuses a unit that the profile of its site does not count in.
pub(crate) fn known_unit(house: &House, what: &str, unit: &Unit) -> Result<(), JobsError> {
    let Some(site) = house.catalogue.get(unit.site()) else {
        let next = house.catalogue.nearest(unit.site().as_str()).map_or_else(
            || "`pakt sites` lists the sites; a new one is added by a profile of its own".to_owned(),
            |near| format!("did you mean `{near}:{}`?", unit.class().as_str()),
        );
        return Err(JobsError::usage(what, format!("unit `{unit}` names a site without a profile"), next));
    };
    let units = site.units();
    if units.contains(unit) {
        return Ok(());
    }
    let names: Vec<String> = units.iter().map(ToString::to_string).collect();
    let known: Vec<&str> = names.iter().map(String::as_str).collect();
    let list = known.join(", ");
    let next = match nearest(&unit.to_string(), &known).filter(|near| *near != site.name().as_str()) {
        Some(near) => format!("did you mean `{near}`? It counts in {list}"),
        None => format!("it counts in {list}"),
    };
    Err(JobsError::usage(what, format!("site `{}` does not count in `{unit}`", unit.site()), next))
}

/// How Slurm calls the partition of a site that was surely meant, where its runs do not stand in accounting under the name that
/// was written: the profile's own name for it, or other signs between the same letters.
pub(crate) fn partition_meant<'a>(site: &'a Site, written: &PartitionName) -> Option<&'a PartitionName> {
    if site.partition_of_runs(written).is_some() {
        return None;
    }
    let is_meant = |text: &str| is_alike(text, written.as_str());
    let mut named =
        site.partitions.iter().filter_map(|partition| Some((partition, &partition.slurm_name.as_ref()?.value)));
    named.find(|(partition, own)| is_meant(&partition.name) || is_meant(own.as_str())).map(|(_, own)| own)
}

/// The partition of a site that was probably meant by a name under which it has no runs.
pub(crate) fn near_partition<'a>(site: &'a Site, written: &PartitionName) -> Option<&'a str> {
    if site.partition_of_runs(written).is_some() {
        return None;
    }
    let own = site.partitions.iter().filter_map(|partition| Some(partition.slurm_name.as_ref()?.value.as_str()));
    // One that the written name begins with is nearest only where no other is near.
    let (longer, beginnings): (Vec<_>, Vec<_>) = own.partition(|own| !written.as_str().starts_with(own));
    let near = || nearest(written.as_str(), &longer).or_else(|| nearest(written.as_str(), &beginnings));
    partition_meant(site, written).map(PartitionName::as_str).or_else(near)
}

/// Whether two names have the same letters, whatever their case and whatever stands between the words.
pub(crate) fn is_alike(one: &str, other: &str) -> bool {
    bare(one) == bare(other)
}

/// A name without case and without what stands between its words.
fn bare(text: &str) -> String {
    text.chars().filter(|letter| letter.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// The projects that have a grant, an entry, a binding or the switch.
async fn projects(house: &House, book: &dyn Book, what: &str) -> Result<BTreeSet<ProjectName>, JobsError> {
    let balances = booked(book.balances(&BalanceQuery::default(), house.clock.now()).await, what)?;
    let bindings = booked(book.bindings().await, what)?;
    let bound = bindings.into_iter().map(|record| record.terms.project);
    Ok(balances.into_iter().map(|balance| balance.project).chain(bound).collect())
}

/// The project that was probably meant by a name that the ledger does not know.
pub(crate) async fn near_project(
    house: &House,
    book: &dyn Book,
    what: &str,
    project: &ProjectName,
) -> Result<Option<String>, JobsError> {
    let known = projects(house, book, what).await?;
    if known.contains(project) {
        return Ok(None);
    }
    let names: Vec<&str> = known.iter().map(ProjectName::as_str).collect();
    Ok(nearest(project.as_str(), &names).map(str::to_owned))
}

/// Refuses a project that the ledger does not know, with the nearest that it does know.
pub(crate) async fn known_project(
    house: &House,
    book: &dyn Book,
    what: &str,
    project: &ProjectName,
) -> Result<(), JobsError> {
    let known = projects(house, book, what).await?;
    if known.contains(project) {
        return Ok(());
    }
    let names: Vec<&str> = known.iter().map(ProjectName::as_str).collect();
    let next = match nearest(project.as_str(), &names) {
        Some(near) => format!("did you mean `{near}`? `pakt balance` lists the projects"),
        None => "enter its grant first: `pakt ledger grant`; `pakt balance` lists the projects".to_owned(),
    };
    Err(JobsError::usage(what, format!("the ledger has no project `{project}`"), next))
}

/// Refuses a new project whose name is a slip of the pen away from a known one, unless the person says that it is new.
pub(crate) async fn new_project(
    house: &House,
    book: &dyn Book,
    what: &str,
    project: &ProjectName,
    is_new: bool,
) -> Result<(), JobsError> {
    let known = projects(house, book, what).await?;
    if is_new || known.contains(project) {
        return Ok(());
    }
    let names: Vec<&str> = known.iter().map(ProjectName::as_str).collect();
    let Some(near) = nearest(project.as_str(), &names) else { return Ok(()) };
    let why = format!("the ledger has no project `{project}`, and one called `{near}`");
    Err(JobsError::usage(what, why, format!("write `{near}`, or say that it is another one: `--new-project`")))
}

/// Refuses a budget that nothing stands behind: neither was the project granted anything in that unit, nor is it bound.
pub(crate) async fn known_budget(
    house: &House,
    book: &dyn Book,
    what: &str,
    project: &ProjectName,
    unit: &Unit,
) -> Result<(), JobsError> {
    known_unit(house, what, unit)?;
    known_project(house, book, what, project).await?;
    let query = BalanceQuery { project: Some(project.clone()), ..BalanceQuery::default() };
    let balances = booked(book.balances(&query, house.clock.now()).await, what)?;
    let bindings = booked(book.bindings().await, what)?;
    let bound = bindings.into_iter().map(|record| record.terms).filter(|terms| terms.project == *project);
    let units: BTreeSet<String> = balances
        .iter()
        .map(|balance| &balance.unit)
        .cloned()
        .chain(bound.map(|terms| terms.unit))
        .map(|unit| unit.to_string())
        .collect();
    if units.contains(&unit.to_string()) {
        return Ok(());
    }
    let list = units.into_iter().collect::<Vec<_>>().join(", ");
    let why = format!("project `{project}` has no budget in {unit}");
    Err(JobsError::usage(what, why, format!("it has one in {list}")))
}
