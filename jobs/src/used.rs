//! `pakt usage` of the ledger: what its runs took, summed by what is asked for.

use crate::{coverage::Selection, error::JobsError, house::House, reached::booked};
use ledger::{Gap, UsageQuery, UsageSpan, UsageSum};
use model::{PeriodError, SiteName, Window, Zone};

/// Usage as the ledger has it.
#[derive(Clone, Debug)]
pub struct Used {
    /// The sums.
    pub sums: Vec<UsageSum>,
    /// Runs that are in no sum, because nobody pays for them.
    pub unattributed: u64,
    /// Runs that may belong into the sums, and that nobody read.
    pub gaps: Vec<Gap>,
}

/// The sums that are asked for.
pub async fn used(house: &House, query: &UsageQuery) -> Result<Used, JobsError> {
    let what = "no usage was shown";
    let book = house.book(what).await?.ok_or_else(|| {
        let next = "`pakt usage --mine` asks accounting, without a ledger; `pakt ledger init` makes one";
        JobsError::usage(what, "there is no ledger", next)
    })?;
    let sums = booked(book.usage(query).await, what)?;
    let filter = &query.filter;
    let selection = Selection {
        project: filter.project.clone(),
        unit: filter.unit.clone(),
        site: filter.site.clone(),
        person: filter.person.clone(),
        known_at: query.known_at,
    };
    let gaps = selection.gaps(book.as_ref(), what, &|site| span(house, query.span, site)).await?;
    Ok(Used { sums, unattributed: booked(book.unattributed_count().await, what)?, gaps })
}

/// The span at a site, whose days begin in its own zone, and not later than now.
fn span(house: &House, span: UsageSpan, site: &SiteName) -> Result<Window, JobsError> {
    let window = match span {
        UsageSpan::Instants(window) => window,
        UsageSpan::Days { from, to } => {
            // A site whose profile is not here may be in the ledger all the same.
            let zone = house.accounting_zone(site).unwrap_or_else(|_| Zone::utc());
            let far = |error: PeriodError| {
                JobsError::usage("no usage was shown", error.to_string(), "write days nearer to the present")
            };
            Window { from: from.start(&zone).map_err(far)?, to: to.start(&zone).map_err(far)? }
        }
    };
    Ok(Window { to: window.to.min(house.clock.now()), ..window })
}
