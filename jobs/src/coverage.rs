//! `pakt ledger coverage`: of which runs of a project the ledger knows, and of which nobody told it.

use crate::{bind::bindings, error::JobsError, house::House, reached::booked};
use ledger::{AccountCoverage, account_coverage};
use model::{AccountName, ProjectName, SiteName, Timestamp, Unit, Window};
use serde::Serialize;

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
            coverage: account_coverage(&readings, terms.account.as_ref(), span),
            project: terms.project,
            unit: terms.unit,
            site: terms.site,
            account: terms.account,
            span,
        });
    }
    Ok(found)
}
