//! Which budget pays: of the project's bindings here, the one that settlement would choose for such a run.

use crate::{
    ceiling,
    directory::{Intent, Unheld},
    error::JobsError,
    house::House,
    reached::booked,
};
use ledger::{Binding, Book, Command, HoldId, LedgerError, LedgerErrorKind, NewHold, Retry, Spender, payer};
use model::{AccountName, Amount, Finding, PartitionName, Price, ProjectName, SiteName, Timestamp, Unit};
use scheduler_adapters::JobSighting;
use std::{collections::BTreeSet, sync::Arc};

/// The ledger's view of a job that is about to be planned.
pub(crate) enum Funding {
    /// One of these bindings pays; there is at least one.
    Bound(Arc<dyn Book>, Vec<Binding>),
    /// The ledger knows no budget of the project here; the words say why.
    Unbound(String),
    /// There is no ledger.
    NoLedger,
    /// The ledger does not answer; the words say why.
    Unreachable(String),
}

/// Finds what may pay for `project` at `site`, for this person and now; `account` is the one that the job names.
pub(crate) async fn funding(
    house: &House,
    project: &ProjectName,
    site: &SiteName,
    account: Option<&AccountName>,
) -> Result<Funding, JobsError> {
    let book = match house.books.book().await {
        Ok(Some(book)) => book,
        Ok(None) => return Ok(Funding::NoLedger),
        Err(error) if is_away(&error) => return Ok(Funding::Unreachable(error.to_string())),
        Err(error) => return booked(Err(error), "the ledger was not read"),
    };
    let now = house.clock.now();
    let mut bindings = booked(book.bindings().await, "the ledger was not read")?;
    bindings.retain(|binding| {
        binding.project == *project
            && is_for(house, site, now, binding)
            && (account.is_none() || binding.account.is_none() || binding.account.as_ref() == account)
    });
    Ok(match (bindings.is_empty(), account) {
        (false, _) => Funding::Bound(book, bindings),
        (true, Some(account)) => Funding::Unbound(format!(
            "the ledger has no budget of project `{project}` at `{site}` that account `{account}` spends"
        )),
        (true, None) => Funding::Unbound(format!("the ledger has no budget of project `{project}` at `{site}`")),
    })
}

/// Whether a binding is for this person at a site at this time.
pub(crate) fn is_for(house: &House, site: &SiteName, now: Timestamp, binding: &Binding) -> bool {
    binding.site == *site
        && binding.from <= now
        && binding.to.is_none_or(|to| now < to)
        && binding.user.as_ref().is_none_or(|user| *user == house.principal.user)
}

/// A ledger that is busy answers in a while; one that does not answer stops nobody.
fn is_away(error: &LedgerError) -> bool {
    error.retry == Retry::Later && error.kind != LedgerErrorKind::Busy
}

impl Funding {
    /// The Slurm account of the bindings, for a job that names none; a mistake of the job where they name several.
    pub(crate) fn account(&self, project: &ProjectName) -> Result<Option<AccountName>, Finding> {
        let Self::Bound(_, bindings) = self else { return Ok(None) };
        let accounts: BTreeSet<&AccountName> = bindings.iter().filter_map(|binding| binding.account.as_ref()).collect();
        if accounts.len() < 2 {
            return Ok(accounts.first().map(|account| (*account).clone()));
        }
        let names = accounts.iter().map(|account| format!("`{account}`")).collect::<Vec<_>>().join(", ");
        Err(Finding::error(
            "scheduler.account",
            format!("the ledger binds project `{project}` to several Slurm accounts here: {names}"),
            "name the one that pays: `scheduler: { account: NAME }`",
        ))
    }

    /// The ledger and the unit in which it is charged for a job of this account, partition and price.
    pub(crate) fn payer(
        &self,
        house: &House,
        account: Option<&AccountName>,
        partition: Option<&PartitionName>,
        price: &Price,
    ) -> Option<(&Arc<dyn Book>, &Unit)> {
        let Self::Bound(book, bindings) = self else { return None };
        let spender =
            Spender { site: &house.here, account, partition, user: &house.principal.user, at: house.clock.now() };
        payer(spender, price, bindings).map(|binding| (book, &binding.unit))
    }
}

/// What is held for a job that Pakt did not place, by what the scheduler keeps of it; the inner error says why nothing is.
pub(crate) async fn held_for(
    house: &House,
    project: &ProjectName,
    facts: &JobSighting,
) -> Result<Result<(Unit, Amount), Unheld>, JobsError> {
    let (account, partition) = (facts.account.as_ref(), facts.partition.as_ref());
    let never = |reason: String| Ok(Err(Unheld { reason, is_provisional: false }));
    let funding = match funding(house, project, &house.here, account).await? {
        Funding::Unreachable(reason) => return Ok(Err(Unheld { reason, is_provisional: true })),
        Funding::NoLedger => return never("there is no ledger here".to_owned()),
        Funding::Unbound(reason) => return never(reason),
        bound @ Funding::Bound(..) => bound,
    };
    let Some(price) = ceiling::of_request(house, partition, &facts.requested, facts.time_limit)? else {
        let partition = partition.map_or_else(|| "its partition".to_owned(), |name| format!("partition `{name}`"));
        return never(format!(
            "it has no time limit, or the profile of `{}` has no tariff for {partition}",
            house.here
        ));
    };
    let Some((_, unit)) = funding.payer(house, account, partition, &price) else {
        return never(format!("no budget of project `{project}` is for this account and partition"));
    };
    Ok(match price.in_unit(unit) {
        Some(amount) => Ok((unit.clone(), amount)),
        None => return never(format!("the budget is in {unit}, and this partition does not count in it")),
    })
}

/// The command that enters a job's hold. The same job always means the same hold.
pub(crate) fn hold_command(intent: &Intent, unit: &Unit, ceiling: Amount, is_provisional: bool) -> Command {
    Command::Hold(NewHold {
        id: HoldId(intent.id),
        project: intent.project.clone(),
        unit: unit.clone(),
        ceiling,
        anyway: intent.anyway.clone(),
        note: intent.name.to_string(),
        is_provisional,
    })
}
