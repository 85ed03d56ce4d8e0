//! What is held for a job that Pakt did not place, and the command that holds.

use crate::{
    ceiling,
    directory::{Intent, Unheld},
    error::JobsError,
    funding::{Funding, Payer, funding},
    house::House,
};
use ledger::{Command, HoldId, NewHold};
use model::{Amount, ProjectName, Unit};
use scheduler_adapters::JobSighting;

/// What is held for a job that Pakt did not place, by what the scheduler keeps of it; the inner error says why nothing is.
/// Where `is_waiting`, the job has not begun and can be taken back: then it is refused as a job of ours would be.
pub(crate) async fn held_for(
    house: &House,
    project: &ProjectName,
    facts: &JobSighting,
    is_waiting: bool,
) -> Result<Result<(Unit, Amount), Unheld>, JobsError> {
    let (account, partition) = (facts.account.as_ref(), facts.partition.as_ref());
    let never = |reason: String| Ok(Err(Unheld { reason, is_provisional: false }));
    let budgets = match funding(house, project, &house.here, account).await? {
        Funding::Unreachable(reason) => return Ok(Err(Unheld { reason, is_provisional: true })),
        Funding::NoLedger => return never("there is no ledger here".to_owned()),
        Funding::Known(budgets) => budgets,
    };
    let Some(price) = ceiling::of_request(house, partition, &facts.requested, facts.time_limit)? else {
        let partition = partition.map_or_else(|| "its partition".to_owned(), |name| format!("partition `{name}`"));
        return never(format!(
            "it has no time limit, or the profile of `{}` has no tariff for {partition}",
            house.here
        ));
    };
    let unit = match budgets.payer(house, account, partition, &price) {
        Payer::Own(_, unit) => unit,
        Payer::Nobody => return never(budgets.why_not(None)),
        Payer::Other(other) => {
            if is_waiting {
                budgets
                    .refuse_unheld(house, &format!("job {} was taken back before it began", facts.id), other)
                    .await?;
            }
            return never(budgets.why_not(Some(other)));
        }
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
        expected: intent.expected,
    })
}
