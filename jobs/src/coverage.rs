//! `pakt ledger coverage`: of which runs of a project the ledger knows, and of which nobody told it.

use crate::{
    bind::bindings,
    error::JobsError,
    house::House,
    known_at::{has_entry, recorded_at},
    reached::booked,
};
use ledger::{
    AccountCoverage, Binding, Book, BoundAndRead, Coverage, Entry, Gap, KnownAt, binding_coverage, missing, running,
    unpriced,
};
use model::{AccountName, ProjectName, SiteName, Timestamp, Unit, UserName, Window};
use serde::Serialize;
use std::collections::BTreeMap;

/// Of which runs it is asked what nobody read; a part that is absent selects all.
#[derive(Clone, Debug, Default)]
pub(crate) struct Selection {
    /// Those that this project pays for.
    pub(crate) project: Option<ProjectName>,
    /// Those in this unit.
    pub(crate) unit: Option<Unit>,
    /// Those at this site.
    pub(crate) site: Option<SiteName>,
    /// Those of this person.
    pub(crate) person: Option<UserName>,
    /// As the books were then; as they are now where nothing is said.
    pub(crate) known_at: Option<KnownAt>,
}

impl Selection {
    pub(crate) fn selects(&self, binding: &Binding) -> bool {
        self.project.as_ref().is_none_or(|project| *project == binding.project)
            && self.unit.as_ref().is_none_or(|unit| *unit == binding.unit)
            && self.site.as_ref().is_none_or(|site| *site == binding.site)
            && self.person.as_ref().is_none_or(|person| binding.user.as_ref().is_none_or(|user| user == person))
    }

    /// The selected runs that ended in a span, which may be another one at each site, and that nobody read; and those that were
    /// under way when they were read, with what they took in it. Nothing is missing
    /// of the time before a budget was granted anything, nor of that for which its opening stands. Of an earlier state of the
    /// books, what was bound or read only later does not count, and what ended later is not missing.
    pub(crate) async fn gaps(
        &self,
        book: &dyn Book,
        what: &str,
        now: Timestamp,
        span: &(dyn Fn(&SiteName) -> Result<Window, JobsError> + Sync),
    ) -> Result<Vec<Gap>, JobsError> {
        let then = recorded_at(book, what, self.known_at).await?;
        let was_entered = |number: u64, at: Timestamp| has_entry(self.known_at, number, at);
        let BoundAndRead { bindings, coverage } = booked(book.bound_and_read(self.known_at).await, what)?;
        let readings = by_site(coverage);
        let mut openings = booked(book.openings(self.project.as_ref()).await, what)?;
        openings.retain(|entry| was_entered(entry.number, entry.recorded_at));
        let mut grants = booked(book.grants(self.project.as_ref()).await, what)?;
        grants.retain(|grant| was_entered(grant.entry, grant.recorded_at));
        let mut marks = booked(book.still_running(now).await, what)?;
        // What runs is no entry, and has no position.
        marks.retain(|mark| then.is_none_or(|then| mark.as_of <= then));
        let mut priceless = booked(book.unpriced_runs().await, what)?;
        priceless.retain(|runs| self.person.as_ref().is_none_or(|person| *person == runs.user));
        let mut gaps = Vec::new();
        for mut binding in bindings.iter().filter(|binding| self.selects(binding)).cloned() {
            let of_budget = grants.iter().map(|grant| &grant.terms);
            let of_budget = of_budget.filter(|terms| terms.project == binding.project && terms.unit == binding.unit);
            let Some(granted) = of_budget.map(|terms| terms.window.from).min() else { continue };
            let is_its = |entry: &&Entry| entry.project == binding.project && entry.unit == binding.unit;
            let opened = openings.iter().find(is_its).map(|entry| entry.effective_at.plus_seconds(1));
            binding.from = binding.from.max(granted).max(opened.unwrap_or(granted));
            binding.user = binding.user.or_else(|| self.person.clone());
            let readings = readings.get(&binding.site).map_or(&[][..], Vec::as_slice);
            let mut span = span(&binding.site)?;
            span.to = then.map_or(span.to, |then| span.to.min(then));
            gaps.extend(missing(std::slice::from_ref(&binding), readings, span, then.unwrap_or(now)));
            let place = (&binding.project, &binding.unit);
            gaps.extend(unpriced(&priceless, &bindings, place, span).filter(|gap| !gaps.contains(gap)));
            // A run is charged by its start, so that a binding may end while it runs.
            let bound = Window { from: span.from.max(binding.from), ..span };
            gaps.extend(running(&marks, &binding, readings, bound).filter(|gap| !gaps.contains(gap)));
        }
        Ok(gaps)
    }
}

/// Readings, apart by where they were made.
pub(crate) fn by_site(coverage: Vec<Coverage>) -> BTreeMap<SiteName, Vec<Coverage>> {
    let mut apart = BTreeMap::<SiteName, Vec<Coverage>>::new();
    for reading in coverage {
        apart.entry(reading.site.clone()).or_default().push(reading);
    }
    apart
}

/// Everything that nobody read of the runs that somebody pays for, until now.
pub async fn all_gaps(house: &House) -> Result<Vec<Gap>, JobsError> {
    let what = "the coverage was not read";
    let (book, now) = (house.needed_book(what).await?, house.clock.now());
    let always = Window { from: Timestamp::from_epoch_seconds(0), to: now };
    Selection::default().gaps(book.as_ref(), what, now, &|_| Ok(always)).await
}

/// What was read of the runs that one binding charges.
#[derive(Clone, Debug, Serialize)]
pub struct BindingCoverage {
    /// Whose budget.
    pub project: ProjectName,
    /// In which unit.
    pub unit: Unit,
    /// Where.
    pub site: SiteName,
    /// The account; none where the binding is for jobs of any account or of none.
    pub account: Option<AccountName>,
    /// From the binding's beginning until its end, or now.
    pub span: Window,
    /// What was read of it.
    #[serde(flatten)]
    pub coverage: AccountCoverage,
}

/// The coverage of each binding, of one project or of all.
pub async fn coverage(house: &House, project: Option<&ProjectName>) -> Result<Vec<BindingCoverage>, JobsError> {
    let what = "the coverage was not read";
    let (records, now) = (bindings(house, project).await?, house.clock.now());
    let book = house.needed_book(what).await?;
    let mut found = Vec::new();
    for terms in records.into_iter().map(|record| record.terms) {
        let span = Window { from: terms.from, to: terms.to.map_or(now, |to: Timestamp| to.min(now)) };
        if span.to <= span.from {
            continue;
        }
        let readings = booked(book.coverage(&terms.site).await, what)?;
        found.push(BindingCoverage {
            coverage: binding_coverage(&readings, &terms, span),
            project: terms.project,
            unit: terms.unit,
            site: terms.site,
            account: terms.account,
            span,
        });
    }
    Ok(found)
}
