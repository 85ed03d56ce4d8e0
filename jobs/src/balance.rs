//! `pakt balance`: the numbers of each project and unit, settled on the way where the scheduler answers.

use crate::{
    error::{Gravity, JobsError},
    house::House,
    reached::booked,
    settle::{SettleOptions, SettleReport, settle},
};
use ledger::{BalanceQuery, Budget, Hold};
use model::{ProjectName, SiteName, Unit};

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

/// Which balances are wished for; all where nothing is said.
#[derive(Clone, Debug, Default)]
pub struct BalanceWish {
    /// Of these projects.
    pub projects: Vec<ProjectName>,
    /// In units of this site.
    pub site: Option<SiteName>,
    /// In this unit.
    pub unit: Option<Unit>,
}

impl BalanceWish {
    /// Those of one project.
    pub fn of(project: &ProjectName) -> Self {
        Self { projects: vec![project.clone()], ..Self::default() }
    }

    fn selects(&self, project: &ProjectName, unit: &Unit) -> bool {
        (self.projects.is_empty() || self.projects.contains(project))
            && self.site.as_ref().is_none_or(|site| site == unit.site())
            && self.unit.as_ref().is_none_or(|wanted| wanted == unit)
    }

    /// In which units, in words; nothing where in all.
    fn place(&self) -> String {
        let site = self.site.as_ref().map(|site| format!(" at `{site}`"));
        let unit = self.unit.as_ref().map(|unit| format!(" in {unit}"));
        [unit, site].into_iter().flatten().collect()
    }
}

/// The balances that are wished for. `refresh` settles first; whatever is in the way of that makes them older, and is
/// told, unless it is our own mistake.
pub async fn balance(house: &House, wish: &BalanceWish, refresh: bool) -> Result<Balances, JobsError> {
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
    // Of several projects all balances are read, and the others left out.
    let project = if let [project] = wish.projects.as_slice() { Some(project) } else { None };
    let query = BalanceQuery { project: project.cloned(), site: wish.site.clone() };
    let mut budgets = booked(book.budgets(&query, house.clock.now()).await, what)?;
    budgets.retain(|budget| wish.selects(&budget.balance.project, &budget.balance.unit));
    let has_none = |project: &&ProjectName| !budgets.iter().any(|budget| budget.balance.project == **project);
    if let Some(project) = wish.projects.iter().find(has_none) {
        let why = format!("the ledger at `{}` has no entry of it{}", house.books.place().display(), wish.place());
        let next = "enter what was granted with `pakt ledger grant`; `pakt balance` lists the projects it knows";
        return Err(JobsError::usage(format!("project `{project}` has no balance"), why, next));
    }
    let mut holds = booked(book.open_holds(project).await, what)?;
    holds.retain(|hold| wish.selects(&hold.project, &hold.unit));
    holds.sort_by_key(|hold| std::cmp::Reverse(hold.remainder().unwrap_or_default()));
    let unattributed = booked(book.unattributed_count().await, what)?;
    Ok(Balances { budgets, holds, unattributed, settled, stale })
}
