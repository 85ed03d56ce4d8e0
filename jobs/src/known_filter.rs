//! Whether what usage is chosen by is there. Of a mistyped name nothing was used, which says nothing.

use crate::{
    error::JobsError,
    gpu_model::models,
    house::House,
    known::{known_project, known_unit},
    nearest::nearest,
    reached::booked,
    used::{UsageWish, WHAT},
};
use ledger::{BalanceQuery, Book, UsageField, UsageFilter, UsageQuery, UsageSpan, UsageSum};
use model::{ClusterName, PartitionName, SiteName, Timestamp, Unit, UserName, Window};
use sites::Site;
use std::collections::BTreeSet;

/// The last instant that can be meant.
const END: Timestamp = Timestamp::from_epoch_seconds(32_503_680_000);

/// Refuses a name that nobody knows, with the nearest that somebody does. One without usage is known all the same.
pub(crate) async fn known_filter(house: &House, book: &dyn Book, wish: &UsageWish) -> Result<(), JobsError> {
    let UsageFilter { project, person, site, cluster, partition, unit, .. } = &wish.query.filter;
    if let Some(project) = project {
        known_project(house, book, WHAT, project).await?;
    }
    if let Some(unit) = unit
        && !units(house, book).await?.contains(unit)
    {
        known_unit(house, WHAT, unit)?;
    }
    if let Some(site) = site {
        known_site(house, book, site).await?;
    }
    if let Some(person) = person {
        known_person(house, book, person).await?;
    }
    if let Some(cluster) = cluster {
        known_cluster(house, book, site.as_ref(), cluster).await?;
    }
    if let Some(partition) = partition {
        known_partition(house, book, site.as_ref(), partition).await?;
    }
    if let Some(model) = &wish.gpu_model {
        refuse("model of GPU", "gpu-model", model.as_str(), &models(&house.catalogue))?;
    }
    Ok(())
}

async fn units(house: &House, book: &dyn Book) -> Result<BTreeSet<Unit>, JobsError> {
    let balances = booked(book.balances(&BalanceQuery::default(), house.clock.now()).await, WHAT)?;
    Ok(balances.into_iter().map(|balance| balance.unit).collect())
}

/// A site whose profile is not here may be in the ledger all the same.
async fn known_site(house: &House, book: &dyn Book, site: &SiteName) -> Result<(), JobsError> {
    if units(house, book).await?.iter().any(|unit| unit.site() == site) {
        return Ok(());
    }
    house.site(site).map(drop).map_err(|error| JobsError {
        what: WHAT.to_owned(),
        why: format!("no profile and no entry knows a site `{site}`"),
        ..error
    })
}

/// Whoever an entry, a binding or a run that nobody pays for is about, and whoever asks.
async fn known_person(house: &House, book: &dyn Book, person: &UserName) -> Result<(), JobsError> {
    let mut known = BTreeSet::from([house.principal.user.to_string()]);
    known.extend(booked(book.persons().await, WHAT)?.into_iter().filter_map(|record| record.user).map(String::from));
    let bindings = booked(book.bindings().await, WHAT)?;
    known.extend(bindings.into_iter().filter_map(|record| record.terms.user).map(String::from));
    if !known.contains(person.as_str()) {
        let runs = booked(book.unattributed().await, WHAT)?;
        known.extend(runs.into_iter().map(|run| String::from(run.run.user)));
    }
    refuse("person", "person", person.as_str(), &known)
}

/// The profiles of one site, or of all.
fn profiles<'a>(house: &'a House, site: Option<&'a SiteName>) -> impl Iterator<Item = &'a Site> {
    house.catalogue.iter().filter(move |known| site.is_none_or(|site| site == known.name()))
}

async fn known_cluster(
    house: &House,
    book: &dyn Book,
    site: Option<&SiteName>,
    cluster: &ClusterName,
) -> Result<(), JobsError> {
    let is_its = |profile: &Site| profile.clusters.iter().any(|known| known.value == *cluster);
    if profiles(house, site).any(|profile| profile.name().as_str() == cluster.as_str() || is_its(profile)) {
        return Ok(());
    }
    let met = met(book, UsageField::Cluster, |sum| sum.group.cluster.map(String::from)).await?;
    refuse("cluster", "cluster", cluster.as_str(), &met)
}

async fn known_partition(
    house: &House,
    book: &dyn Book,
    site: Option<&SiteName>,
    partition: &PartitionName,
) -> Result<(), JobsError> {
    if profiles(house, site).any(|profile| profile.partition_of_runs(partition).is_some()) {
        return Ok(());
    }
    let met = met(book, UsageField::Partition, |sum| sum.group.partition.map(String::from)).await?;
    refuse("partition", "partition", partition.as_str(), &met)
}

/// What runs of any time were told apart by.
async fn met(
    book: &dyn Book,
    field: UsageField,
    name: impl Fn(UsageSum) -> Option<String>,
) -> Result<BTreeSet<String>, JobsError> {
    let span = UsageSpan::Instants(Window { from: Timestamp::from_epoch_seconds(0), to: END });
    let query = UsageQuery { span, known_at: None, filter: UsageFilter::default(), by: vec![field] };
    Ok(booked(book.usage(&query).await, WHAT)?.into_iter().filter_map(name).collect())
}

fn refuse(kind: &str, field: &str, name: &str, known: &BTreeSet<String>) -> Result<(), JobsError> {
    if known.contains(name) {
        return Ok(());
    }
    let names: Vec<&str> = known.iter().map(String::as_str).collect();
    let list = format!("`pakt usage --by {field}` lists what the ledger has");
    let next = match nearest(name, &names) {
        Some(near) => format!("did you mean `{near}`? {list}"),
        None => list,
    };
    Err(JobsError::usage(WHAT, format!("no {kind} `{name}` is known"), next))
}
