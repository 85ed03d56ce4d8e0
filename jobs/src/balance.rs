//! `pakt balance`: the numbers of each project and unit, settled on the way where the scheduler answers.

use crate::{
    error::{Gravity, JobsError},
    house::House,
    reached::booked,
    settle::{SettleOptions, SettleReport, settle},
};
use ledger::{BalanceQuery, Budget, Hold};
use model::ProjectName;

/// The balances and what stands behind them.
pub struct Balances {
    /// One for each project and unit.
    pub budgets: Vec<Budget>,
    /// The open holds, largest remainder first.
    pub holds: Vec<Hold>,
    /// Runs that no binding covers.
    pub unattributed: u64,
    /// What was settled on the way; none where nothing was.
    pub settled: Option<SettleReport>,
    /// Why the numbers are not of this minute, where they are not.
    pub stale: Option<String>,
}

/// The balances of one project or of all. `refresh` settles first; whatever is in the way of that makes them older, and is
/// told, unless it is our own mistake.
pub async fn balance(house: &House, project: Option<ProjectName>, refresh: bool) -> Result<Balances, JobsError> {
    let what = "the balance was not read";
    let book = house.needed_book(what).await?;
    let (settled, stale) = if refresh {
        match settle(house, SettleOptions::default()).await {
            Ok(report) => (Some(report), None),
            Err(error) if error.gravity == Gravity::Bug => return Err(error),
            Err(error) => (None, Some(error.why)),
        }
    } else {
        (None, None)
    };
    let query = BalanceQuery { project: project.clone(), site: None };
    let budgets = booked(book.budgets(&query, house.clock.now()).await, what)?;
    if let (Some(project), true) = (&project, budgets.is_empty()) {
        let why = format!("the ledger at `{}` has no entry of it", house.books.place().display());
        let next = "enter what was granted with `pakt ledger grant`; `pakt balance` lists the projects it knows";
        return Err(JobsError::usage(format!("project `{project}` has no balance"), why, next));
    }
    let mut holds = booked(book.open_holds(project.as_ref()).await, what)?;
    holds.sort_by_key(|hold| std::cmp::Reverse(hold.remainder().unwrap_or_default()));
    let unattributed = booked(book.unattributed_count().await, what)?;
    Ok(Balances { budgets, holds, unattributed, settled, stale })
}
