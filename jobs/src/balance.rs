//! `pakt balance`: the numbers of each project and unit, settled on the way where the scheduler answers.

use crate::{
    coverage::Selection,
    error::{Gravity, JobsError},
    exceeded::{ExceededOpening, exceeded},
    house::House,
    known::near_project,
    known_at::{known_by_now, recorded_at},
    reached::booked,
    read_by::{ReadBy, read_by},
    settle::{SettleOptions, SettleReport, settle},
};
use ledger::{BalanceQuery, Book, Budget, Hold, KnownAt};
use model::{ProjectName, SiteName, Timestamp, Unit, Window};

/// The balances and what stands behind them.
#[derive(Default)]
pub struct Balances {
    /// One for each project and unit.
    pub budgets: Vec<Budget>,
    /// The open holds, largest remainder first; none are listed of the past.
    pub holds: Vec<Hold>,
    /// Runs that no binding covers.
    pub unattributed: u64,
    /// On whose word the balances stand.
    pub read_by: Vec<ReadBy>,
    /// The openings that runs of their time exceed; none are listed of the past.
    pub exceeded: Vec<ExceededOpening>,
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
    /// As the books were then.
    pub known_at: Option<KnownAt>,
    /// Of what took effect up to this instant.
    pub as_of: Option<Timestamp>,
}

impl BalanceWish {
    /// Those of one project.
    pub fn of(project: &ProjectName) -> Self {
        Self { projects: vec![project.clone()], ..Self::default() }
    }

    /// Whether it is about another state than the present one.
    pub const fn is_of_the_past(&self) -> bool {
        self.known_at.is_some() || self.as_of.is_some()
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
        let then = self.is_of_the_past().then(|| " at that time".to_owned());
        [unit, site, then].into_iter().flatten().collect()
    }
}

/// The balances that are wished for. `refresh` settles first; whatever is in the way of that makes them older, and is
/// told, unless it is our own mistake.
pub async fn balance(house: &House, wish: &BalanceWish, refresh: bool) -> Result<Balances, JobsError> {
    let what = "the balance was not read";
    let book = house.needed_book(what).await?;
    refuse_what_nobody_knows(house, book.as_ref(), what, wish).await?;
    let (settled, stale) = if refresh && !wish.is_of_the_past() {
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
    let BalanceWish { site, known_at, as_of, .. } = wish.clone();
    let query = BalanceQuery { project: project.cloned(), site, known_at, as_of };
    let mut budgets = booked(book.budgets(&query, house.clock.now()).await, what)?;
    budgets.retain(|budget| wish.selects(&budget.balance.project, &budget.balance.unit));
    let has_none = |project: &&ProjectName| !budgets.iter().any(|budget| budget.balance.project == **project);
    if let Some(project) = wish.projects.iter().find(has_none) {
        let then = if wish.is_of_the_past() { " by then" } else { "" };
        let why = format!("the ledger at `{}` has no entry of it{}{then}", house.books.place().display(), wish.place());
        let next = match near_project(house, book.as_ref(), what, project).await? {
            Some(near) => format!("did you mean `{near}`? `pakt balance` lists the projects it knows"),
            None => {
                "enter what was granted with `pakt ledger grant`; `pakt balance` lists the projects it knows".to_owned()
            }
        };
        return Err(JobsError::usage(format!("project `{project}` has no balance"), why, next));
    }
    let read_by = readers(house, book.as_ref(), what, wish).await?;
    if wish.is_of_the_past() {
        return Ok(Balances { budgets, read_by, settled, stale, ..Balances::default() });
    }
    let mut holds = booked(book.open_holds(project).await, what)?;
    holds.retain(|hold| wish.selects(&hold.project, &hold.unit));
    holds.sort_by_key(|hold| std::cmp::Reverse(hold.remainder().unwrap_or_default()));
    let unattributed = booked(book.unattributed_count().await, what)?;
    let exceeded = exceeded(book.as_ref(), what, |project, unit| wish.selects(project, unit)).await?;
    Ok(Balances { budgets, holds, unattributed, read_by, exceeded, settled, stale })
}

/// On whose word the balances stand.
async fn readers(house: &House, book: &dyn Book, what: &str, wish: &BalanceWish) -> Result<Vec<ReadBy>, JobsError> {
    let BalanceWish { unit, site, known_at, as_of, .. } = wish.clone();
    let selection = Selection { unit, site, known_at, ..Selection::default() };
    let until = Window { from: Timestamp::from_epoch_seconds(0), to: as_of.unwrap_or_else(|| house.clock.now()) };
    let mut readers = read_by(book, what, &selection, &|_| Ok(until)).await?;
    readers.retain(|reader| wish.selects(&reader.project, &reader.unit));
    Ok(readers)
}

/// Refuses times that lie ahead, of now or of the state of the books that is asked for.
async fn refuse_what_nobody_knows(
    house: &House,
    book: &dyn Book,
    what: &str,
    wish: &BalanceWish,
) -> Result<(), JobsError> {
    known_by_now(house, book, what, wish.known_at).await?;
    let Some(as_of) = wish.as_of else { return Ok(()) };
    if as_of > house.clock.now() {
        let why = format!("{as_of} lies ahead, and nobody knows what is spent until then");
        let next = "`pakt balance` without `--as-of` says what happens when";
        return Err(JobsError::usage(what, why, next));
    }
    match recorded_at(book, what, wish.known_at).await? {
        Some(known) if as_of > known => {
            let why = format!("`--as-of` is {as_of}, and the books of `--known-at` are those of {known}");
            Err(JobsError::usage(what, why, "write an earlier `--as-of`, or leave one of the two out"))
        }
        _ => Ok(()),
    }
}
