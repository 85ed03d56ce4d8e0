//! Which budget pays: the binding that fits a project here, its unit and its Slurm account.

use crate::{error::JobsError, house::House, reached::booked};
use ledger::Binding;
use model::{AccountName, ProjectName, SiteName, Unit};
use std::sync::Arc;

/// Where a job's hold goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Budget {
    /// The unit it is counted in.
    pub unit: Unit,
    /// The Slurm account that the project's binding names.
    pub account: Option<AccountName>,
}

/// The ledger's view of a job that is about to be planned.
pub(crate) enum Funding {
    /// A budget pays.
    Budget(Arc<dyn ledger::Book>, Budget),
    /// The ledger knows no budget of the project here; the words say why.
    Unbound(String),
    /// There is no ledger.
    NoLedger,
    /// The ledger does not answer; the words say why.
    Unreachable(String),
}

/// Finds what pays for `project` at `site`; `account` decides where several bindings fit.
pub(crate) async fn funding(
    house: &House,
    project: &ProjectName,
    site: &SiteName,
    account: Option<&AccountName>,
) -> Result<Funding, JobsError> {
    let book = match house.books.book().await {
        Ok(Some(book)) => book,
        Ok(None) => return Ok(Funding::NoLedger),
        Err(error) if error.retry == ledger::Retry::Later => return Ok(Funding::Unreachable(error.to_string())),
        Err(error) => return booked(Err(error), "the ledger was not read"),
    };
    let now = house.clock.now();
    let bindings = booked(book.bindings().await, "the ledger was not read")?;
    let mut fitting: Vec<&Binding> = bindings
        .iter()
        .filter(|binding| binding.project == *project && binding.site == *site)
        .filter(|binding| binding.from <= now && binding.to.is_none_or(|to| now < to))
        .filter(|binding| account.is_none() || binding.account.is_none() || binding.account.as_ref() == account)
        .collect();
    fitting.dedup_by(|a, b| a.unit == b.unit && a.account == b.account);
    match fitting.as_slice() {
        [] => Ok(Funding::Unbound(format!("the ledger has no budget of project `{project}` at `{site}`"))),
        [one] => {
            let budget = Budget { unit: one.unit.clone(), account: one.account.clone() };
            Ok(Funding::Budget(book, budget))
        }
        several => Err(JobsError::usage(
            "it is not clear which budget pays",
            format!(
                "project `{project}` has {} bindings at `{site}`: {}",
                several.len(),
                several.iter().map(|binding| shown(binding)).collect::<Vec<_>>().join(", ")
            ),
            "name the Slurm account in the job file: `scheduler: { account: NAME }`",
        )),
    }
}

fn shown(binding: &Binding) -> String {
    binding.account.as_ref().map_or_else(|| binding.unit.to_string(), |account| format!("{account} ({})", binding.unit))
}
