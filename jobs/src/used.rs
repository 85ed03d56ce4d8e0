//! `pakt usage` of the ledger: what its runs took, summed by what is asked for.

use crate::{
    coverage::Selection,
    error::{Gravity, JobsError},
    gpu_model::{Groups, Place},
    house::House,
    known_at::known_by_now,
    known_filter::known_filter,
    reached::booked,
    read_by::{ReadBy, read_by},
};
use ledger::{Book, CoveredSum, Gap, SiteChargeSum, UsageQuery, UsageSpan, UsageSum};
use model::{Amount, Charge, PeriodError, ResourceClass, SiteName, Unit, Window, Zone};
use serde::Serialize;
use std::collections::BTreeMap;

pub(crate) const WHAT: &str = "no usage was shown";

/// What is asked of the ledger and of the sites' profiles.
#[derive(Clone, Debug)]
pub struct UsageWish {
    /// What the ledger tells apart and chooses by.
    pub query: UsageQuery,
    /// The runs in partitions with this model of GPU.
    pub gpu_model: Option<ResourceClass>,
    /// Whether models of GPUs are told apart.
    pub by_gpu_model: bool,
    /// Whether the sites' own charges are wanted beside the sums: each run is read for them.
    pub with_site_charges: bool,
}

/// One sum.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct UsedSum {
    /// The model of GPU, where it is asked for and the unit or the site's profile tells.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gpu_model: Option<ResourceClass>,
    /// Of what else, and how much.
    #[serde(flatten)]
    pub sum: UsageSum,
    /// What the sites charge for these runs by their own formula, by unit, where it is asked for; nothing where no tariff tells.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub site_charges: Option<Vec<Charge>>,
}

/// Usage as the ledger has it.
#[derive(Clone, Debug)]
pub struct Used {
    /// The sums.
    pub sums: Vec<UsedSum>,
    /// Runs that are in no sum, because nobody pays for them.
    pub unattributed: u64,
    /// What is in no sum because openings have it already, of runs of that time.
    pub covered: Vec<CoveredSum>,
    /// Runs that may belong into the sums, and that nobody read.
    pub gaps: Vec<Gap>,
    /// On whose word the sums stand.
    pub read_by: Vec<ReadBy>,
}

/// The sums that are asked for. A name that neither the ledger nor a profile knows is refused: that nothing was used under it
/// would be taken for an answer.
pub async fn used(house: &House, wish: &UsageWish) -> Result<Used, JobsError> {
    let book = house.book(WHAT).await?.ok_or_else(|| {
        let next = "`pakt usage --mine` asks accounting, without a ledger; `pakt ledger init` makes one";
        JobsError::usage(WHAT, "there is no ledger", next)
    })?;
    let query = &wish.query;
    known_by_now(house, book.as_ref(), WHAT, query.known_at).await?;
    let sums = sums(house, book.as_ref(), wish).await?;
    if sums.is_empty() {
        known_filter(house, book.as_ref(), wish).await?;
    }
    let filter = &query.filter;
    let selection = Selection {
        project: filter.project.clone(),
        unit: filter.unit.clone(),
        site: filter.site.clone(),
        person: filter.person.clone(),
        known_at: query.known_at,
    };
    let gaps = selection.gaps(book.as_ref(), WHAT, house.clock.now(), &|site| span(house, query.span, site)).await?;
    let read_by = read_by(book.as_ref(), WHAT, &selection, &|site| span(house, query.span, site)).await?;
    let covered = covered(house, book.as_ref(), query).await?;
    Ok(Used { sums, unattributed: booked(book.unattributed_count().await, WHAT)?, covered, gaps, read_by })
}

/// The sums, each with what sites charge beside it where that is wanted.
async fn sums(house: &House, book: &dyn Book, wish: &UsageWish) -> Result<Vec<UsedSum>, JobsError> {
    let groups = Groups::of(&house.catalogue, wish);
    let mut sums = BTreeMap::<Place, Amount>::new();
    let query = groups.query();
    for UsageSum { group, amount } in booked(book.usage(&query).await, WHAT)? {
        let Some(place) = groups.place(group) else { continue };
        let sum = sums.entry(place).or_default();
        *sum = sum.plus(amount).map_err(|error| too_large(&error))?;
    }
    let mut charges = BTreeMap::<Place, BTreeMap<Unit, Amount>>::new();
    let found = if wish.with_site_charges { booked(book.site_charges(&query).await, WHAT)? } else { Vec::new() };
    for SiteChargeSum { group, charge } in found {
        let Some(place) = groups.place(group) else { continue };
        let sum = charges.entry(place).or_default().entry(charge.unit).or_default();
        *sum = sum.plus(charge.amount).map_err(|error| too_large(&error))?;
    }
    let mut charges_of = |place: &Place| {
        let found = charges.remove(place).unwrap_or_default().into_iter();
        wish.with_site_charges.then(|| found.map(|(unit, amount)| Charge { unit, amount }).collect())
    };
    let used = sums.into_iter().filter(|(_, amount)| *amount != Amount::ZERO);
    let row = |(place, amount): (Place, Amount)| {
        let site_charges = charges_of(&place);
        let (group, gpu_model) = place;
        UsedSum { gpu_model, sum: UsageSum { group, amount }, site_charges }
    };
    Ok(used.map(row).collect())
}

/// What openings have of the runs that were asked for, as far as project, unit, site and time tell. Of an earlier state of the books
/// nobody knows it.
async fn covered(house: &House, book: &dyn Book, query: &UsageQuery) -> Result<Vec<CoveredSum>, JobsError> {
    if query.known_at.is_some() {
        return Ok(Vec::new());
    }
    let filter = &query.filter;
    let mut selected = Vec::new();
    for sum in booked(book.covered_sums().await, WHAT)? {
        let span = span(house, query.span, sum.unit.site())?;
        let is_asked_for = filter.project.as_ref().is_none_or(|project| *project == sum.project)
            && filter.unit.as_ref().is_none_or(|unit| *unit == sum.unit)
            && filter.site.as_ref().is_none_or(|site| site == sum.unit.site());
        if is_asked_for && sum.window.from < span.to && span.from < sum.window.to {
            selected.push(sum);
        }
    }
    Ok(selected)
}

/// The span at a site, whose days begin in its own zone, and not later than now.
fn span(house: &House, span: UsageSpan, site: &SiteName) -> Result<Window, JobsError> {
    let window = match span {
        UsageSpan::Instants(window) => window,
        UsageSpan::Days { from, to } => {
            // A site whose profile is not here may be in the ledger all the same.
            let zone = house.accounting_zone(site).unwrap_or_else(|_| Zone::utc());
            let far =
                |error: PeriodError| JobsError::usage(WHAT, error.to_string(), "write days nearer to the present");
            Window { from: from.start(&zone).map_err(far)?, to: to.start(&zone).map_err(far)? }
        }
    };
    Ok(Window { to: window.to.min(house.clock.now()), ..window })
}

pub(crate) fn too_large(error: &model::AmountError) -> JobsError {
    JobsError::new(Gravity::Bug, WHAT, error.to_string(), "please report it")
}
