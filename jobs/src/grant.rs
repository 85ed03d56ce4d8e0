//! `pakt ledger init`, `grant`, `open`, `bind`, `enforce`: what a PI enters by hand.

use crate::{
    error::JobsError,
    house::House,
    reached::{booked, reached},
};
use ledger::{BalanceQuery, Binding, Command, Enforce, NewGrant, NewOpening, Outcome};
use model::{
    AccountName, Amount, PartitionName, ProgrammeName, ProjectName, Statement, Timestamp, Unit, UserName, Window,
};

/// What was granted, and which Slurm accounts spend it.
#[derive(Clone, Debug)]
pub struct GrantWish {
    /// To whom.
    pub project: ProjectName,
    /// By whom.
    pub programme: ProgrammeName,
    /// In which unit.
    pub unit: Unit,
    /// How much.
    pub amount: Amount,
    /// For which time.
    pub window: Window,
    /// The number of the decision; the same number again is the same grant.
    pub reference: String,
    /// What spends it: the account, a partition, a user; all of the site where none is named.
    pub spent_by: Spender,
}

/// What spends a budget at a site.
#[derive(Clone, Debug, Default)]
pub struct Spender {
    /// A Slurm account.
    pub account: Option<AccountName>,
    /// A partition.
    pub partition: Option<PartitionName>,
    /// A user.
    pub user: Option<UserName>,
}

/// Makes the ledger; one that is there already is left as it is. Whether it was made now.
pub async fn init(house: &House) -> Result<bool, JobsError> {
    let place = house.books.place();
    let what = format!("no ledger was made at `{}`", place.display());
    if let Some(folder) = place.parent() {
        reached(house.files.create_directories(folder, house.state.mode()).await, &what)?;
    }
    booked(house.books.create().await, &what)
}

/// Enters a grant and the binding that spends it, in one transaction.
pub async fn grant(house: &House, wish: GrantWish) -> Result<Vec<Outcome>, JobsError> {
    let what = "the grant was not entered";
    let book = house.needed_book(what).await?;
    let Spender { account, partition, user } = &wish.spent_by;
    let names_nobody = account.is_none() && partition.is_none() && user.is_none();
    let binding = binding(&wish.project, &wish.unit, wish.spent_by, wish.window.from);
    let bindings = booked(book.bindings().await, what)?;
    let is_bound = bindings
        .iter()
        .any(|known| Binding { from: binding.from, ..known.clone() } == binding && known.from <= binding.from);
    let key = format!("grant/{}/{}/{}", wish.project, wish.unit, wish.reference);
    let grant = NewGrant {
        key,
        project: wish.project,
        programme: wish.programme,
        unit: wish.unit,
        amount: wish.amount,
        window: wish.window,
        reference: wish.reference,
    };
    let mut commands = vec![Command::Grant(grant)];
    // More of what is spent by somebody already changes the amount and nothing else.
    let is_more =
        names_nobody && bindings.iter().any(|known| known.project == binding.project && known.unit == binding.unit);
    if !(is_bound || is_more) {
        commands.push(Command::Bind(binding));
    }
    booked(book.post(&house.principal, house.clock.now(), &commands).await, what)
}

/// Enters what was used before the ledger began.
pub async fn open(
    house: &House,
    project: ProjectName,
    unit: Unit,
    used_before: Amount,
    as_of: Timestamp,
    note: String,
) -> Result<Vec<Outcome>, JobsError> {
    let what = "the opening was not entered";
    let book = house.needed_book(what).await?;
    let key = format!("opening/{project}/{unit}");
    let opening = Command::Opening(NewOpening { key, project, unit, used_before, as_of, note });
    booked(book.post(&house.principal, house.clock.now(), &[opening]).await, what)
}

/// Lets an account, a partition or a user of a site spend a project's budget.
pub async fn bind(
    house: &House,
    project: &ProjectName,
    unit: &Unit,
    spender: Spender,
    from: Timestamp,
) -> Result<Vec<Outcome>, JobsError> {
    let what = "the binding was not entered";
    let book = house.needed_book(what).await?;
    let bind = Command::Bind(binding(project, unit, spender, from));
    booked(book.post(&house.principal, house.clock.now(), &[bind]).await, what)
}

/// Switches refusal on or off.
pub async fn enforce(
    house: &House,
    project: ProjectName,
    unit: Unit,
    is_enforced: bool,
) -> Result<Vec<Outcome>, JobsError> {
    let what = "the switch was not set";
    let book = house.needed_book(what).await?;
    let set = Command::SetEnforce(Enforce { project, unit, is_enforced });
    booked(book.post(&house.principal, house.clock.now(), &[set]).await, what)
}

/// A project's statement in a unit.
pub async fn statement(
    house: &House,
    project: &ProjectName,
    unit: &Unit,
    window: Window,
) -> Result<Statement, JobsError> {
    let what = "the statement was not read";
    let book = house.needed_book(what).await?;
    let statement = booked(book.statement(project, unit, window).await, what)?;
    if statement.lines.is_empty() && statement.opening == Amount::ZERO {
        let query = BalanceQuery { project: Some(project.clone()), site: None };
        let known = booked(book.balances(&query, house.clock.now()).await, what)?;
        if !known.iter().any(|balance| balance.unit == *unit) {
            let why = format!("the ledger has no entry of it in {unit}");
            let next = "`pakt balance` lists the projects and units it knows";
            return Err(JobsError::usage(format!("project `{project}` has no statement"), why, next));
        }
    }
    Ok(statement)
}

fn binding(project: &ProjectName, unit: &Unit, spender: Spender, from: Timestamp) -> Binding {
    let Spender { account, partition, user } = spender;
    Binding {
        site: unit.site().clone(),
        account,
        partition,
        user,
        unit: unit.clone(),
        project: project.clone(),
        from,
        to: None,
    }
}
