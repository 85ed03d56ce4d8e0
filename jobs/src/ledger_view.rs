//! What the ledger says to jobs that are prepared together: each question is put to it once, however many jobs there are. A
//! balance is a sum over all open holds of its project, so that a thousand questions would be a thousand such sums.

use crate::{error::JobsError, funding::is_for, house::House, reached::booked};
use ledger::{BalanceQuery, Binding, Book, LedgerError, LedgerErrorKind, Retry};
use model::{Balance, ProjectName, SiteName};
use std::{collections::BTreeMap, sync::Arc};
use tokio::sync::{Mutex, OnceCell};

/// The ledger as the jobs of one call see it at one site. What it was asked once is not asked again, so that a view lives no
/// longer than the call; what decides, a hold, is asked of the ledger itself.
pub(crate) struct LedgerView {
    site: SiteName,
    bound: OnceCell<Bound>,
    balances: Mutex<BTreeMap<ProjectName, Arc<[Balance]>>>,
}

/// What binds jobs of this person to budgets, here and now.
pub(crate) enum Bound {
    /// These do, in this ledger.
    By(Arc<dyn Book>, Arc<[Binding]>),
    /// There is no ledger.
    NoLedger,
    /// The ledger does not answer; the words say why.
    Unreachable(String),
}

impl LedgerView {
    /// A view of nothing yet.
    pub(crate) fn of(site: &SiteName) -> Arc<Self> {
        Arc::new(Self { site: site.clone(), bound: OnceCell::new(), balances: Mutex::default() })
    }

    /// Of which site.
    pub(crate) const fn site(&self) -> &SiteName {
        &self.site
    }

    /// The bindings of every project for this site, this person and now.
    pub(crate) async fn bound(&self, house: &House) -> Result<&Bound, JobsError> {
        self.bound.get_or_try_init(|| self.ask(house)).await
    }

    async fn ask(&self, house: &House) -> Result<Bound, JobsError> {
        let book = match house.books.book().await {
            Ok(Some(book)) => book,
            Ok(None) => return Ok(Bound::NoLedger),
            Err(error) if is_away(&error) => return Ok(Bound::Unreachable(error.to_string())),
            Err(error) => return booked(Err(error), NOT_READ),
        };
        let now = house.clock.now();
        let records = booked(book.bindings().await, NOT_READ)?;
        let bindings = records.into_iter().map(|record| record.terms);
        let bindings = bindings.filter(|binding| is_for(house, &self.site, now, binding)).collect();
        Ok(Bound::By(book, bindings))
    }

    /// The balances of a project at this site.
    pub(crate) async fn balances(
        &self,
        house: &House,
        book: &Arc<dyn Book>,
        project: &ProjectName,
    ) -> Result<Arc<[Balance]>, JobsError> {
        // Whoever comes second waits for the answer to the first.
        let mut known = self.balances.lock().await;
        if let Some(balances) = known.get(project) {
            return Ok(Arc::clone(balances));
        }
        let query =
            BalanceQuery { project: Some(project.clone()), site: Some(self.site.clone()), ..BalanceQuery::default() };
        let asked = book.balances(&query, house.clock.now()).await;
        let balances: Arc<[Balance]> = booked(asked, "the balance was not read")?.into();
        known.insert(project.clone(), Arc::clone(&balances));
        Ok(balances)
    }
}

const NOT_READ: &str = "the ledger was not read";

/// A ledger that is busy answers in a while; one that does not answer stops nobody.
fn is_away(error: &LedgerError) -> bool {
    error.retry == Retry::Later && error.kind != LedgerErrorKind::Busy
}
