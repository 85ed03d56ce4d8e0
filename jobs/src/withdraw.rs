//! `pakt ledger withdraw`: takes back a grant that was entered by mistake, or a part of it.

use crate::{error::JobsError, house::House, known::known_budget, outlook::budget_of, reached::booked};
use ledger::{Command, Effect, Grant, LedgerError, LedgerErrorKind, Outcome, Withdraw};
use model::{Amount, Balance, ProjectName, Unit};

/// What is to be taken back.
#[derive(Clone, Debug)]
pub struct WithdrawWish {
    /// Whose grant.
    pub project: ProjectName,
    /// In which unit.
    pub unit: Unit,
    /// The number of its decision.
    pub reference: String,
    /// How much; whatever stands of it where none is given.
    pub amount: Option<Amount>,
    /// Why.
    pub reason: String,
}

/// What was taken back.
#[derive(Clone, Debug)]
pub struct Withdrawn {
    /// How much.
    pub amount: Amount,
    /// Whether it was taken back now; it was before otherwise.
    pub is_new: bool,
    /// The balance after it.
    pub balance: Option<Balance>,
}

/// Takes a grant back, from its first instant on. What was used of it stays used: the balance may go below nothing.
pub async fn withdraw(house: &House, wish: WithdrawWish) -> Result<Withdrawn, JobsError> {
    let what = "nothing was withdrawn";
    let book = house.needed_book(what).await?;
    let WithdrawWish { project, unit, reference, amount, reason } = wish;
    known_budget(house, book.as_ref(), what, &project, &unit).await?;
    let mut grants = booked(book.grants(Some(&project)).await, what)?;
    grants.retain(|grant| grant.terms.unit == unit);
    let mut named = grants.iter().filter(|grant| grant.terms.reference == reference);
    // One that was withdrawn whole and entered again goes by the same number; the last one is meant.
    let Some(grant) = named.next_back() else { return Err(not_there(what, &project, &unit, &reference, &grants)) };
    let key = match amount {
        Some(amount) => format!("{}/{}/{reason}", grant.terms.key, amount.milli()),
        None => format!("{}/all/{reason}", grant.terms.key),
    };
    let wish = Withdraw { key, grant: grant.terms.key.clone(), project: project.clone(), amount, reason };
    let posted = book.post(&house.principal, house.clock.now(), &[Command::Withdraw(wish)]).await;
    let stands = grant.standing().unwrap_or_default();
    let is_refused = |error: &LedgerError| error.kind == LedgerErrorKind::Conflict;
    let has_parts = !(grant.terms.lots.is_empty() && grant.passed_on.is_empty());
    if has_parts && amount.is_some_and(|amount| amount < stands) && posted.as_ref().is_err_and(is_refused) {
        let why = format!("grant `{reference}` of `{project}` comes in parts, of which none is taken back alone");
        let next = "withdraw all of it, without hours, and enter it again with other parts";
        return Err(JobsError::usage(what, why, next));
    }
    let is_too_much = |error: &LedgerError| is_refused(error) && error.next().is_none();
    if posted.as_ref().is_err_and(is_too_much) {
        let why = format!("of grant `{reference}` of `{project}` stand {}", stands.in_hours_of(&unit));
        return Err(JobsError::usage(what, why, "write fewer hours; without any, whatever stands is withdrawn"));
    }
    let Some(Outcome::Withdrawn(amount, effect)) = booked(posted, what)?.pop() else {
        return Err(JobsError::new(crate::Gravity::Bug, what, "the ledger gave another answer", "please report it"));
    };
    let budget = booked(budget_of(house, book.as_ref(), &project, &unit).await, "the balance was not read")?;
    Ok(Withdrawn { amount, is_new: effect == Effect::Done, balance: budget.map(|budget| budget.balance) })
}

/// The error where a project has no grant of a number in a unit; `grants` are those that it has in it.
pub(crate) fn not_there(
    what: &str,
    project: &ProjectName,
    unit: &Unit,
    reference: &str,
    grants: &[Grant],
) -> JobsError {
    let known: Vec<String> = grants.iter().map(|grant| format!("`{}`", grant.terms.reference)).collect();
    let why = format!("project `{project}` has no grant `{reference}` in {unit}");
    let next = if known.is_empty() {
        "it has none at all in that unit; `pakt balance` lists the budgets".to_owned()
    } else {
        format!("it has {}: `--reference NUMBER`", known.join(", "))
    };
    JobsError::usage(what, why, next)
}
