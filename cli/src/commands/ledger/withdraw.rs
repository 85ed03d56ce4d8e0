//! `pakt ledger withdraw` and `expire`: what leaves a budget without having been used.

use super::give::hours;
use crate::commands::Context;
use crate::{
    failure::Failure,
    output::{Answer, expiry, hold},
};
use jobs::withdraw::{WithdrawWish, Withdrawn, withdraw};
use model::{Amount, ProjectName, Unit};
use serde_json::json;

/// Arguments of `ledger withdraw`.
#[derive(Debug, clap::Args)]
pub(crate) struct Withdraw {
    /// Whose
    pub project: ProjectName,
    /// How many hours; without them whatever stands of it
    #[arg(allow_negative_numbers = true)]
    pub hours: Option<String>,
    /// Of what
    #[arg(long)]
    pub unit: Unit,
    /// The number of the decision
    #[arg(long, default_value = "initial")]
    pub reference: String,
    /// Why; it stands in the ledger
    #[arg(long, value_name = "TEXT", value_parser = crate::commands::view::reason)]
    pub reason: String,
}

/// Arguments of `ledger expire`.
#[derive(Debug, clap::Args)]
pub(crate) struct Expire {
    /// Of this project only
    pub project: Option<ProjectName>,
}

/// Takes a grant back.
pub(super) async fn run(arguments: Withdraw, context: &Context) -> Result<Answer, Failure> {
    let amount = arguments.hours.as_deref().map(hours).transpose()?;
    let Withdraw { project, unit, reference, reason, .. } = arguments;
    let wish =
        WithdrawWish { project: project.clone(), unit: unit.clone(), reference: reference.clone(), amount, reason };
    let Withdrawn { amount, is_new, balance } = withdraw(&context.house().await?, wish).await?;
    let what = format!("{} of grant `{reference}` of {project}", hold(&unit, amount));
    let text = if is_new {
        format!("withdrawn: {what}\n")
    } else {
        format!("it was withdrawn before, and nothing changed: {what}\n")
    };
    let large = |error: model::AmountError| Failure::bug("the balance was not shown", error.to_string());
    let free = balance.as_ref().map(model::Balance::free).transpose().map_err(large)?;
    let note = free.filter(|free| *free < Amount::ZERO).map(|free| {
        format!("note: more is used or reserved than is granted now: {} are free", free.in_hours_of(&unit))
    });
    let json = json!({ "version": 1, "project": project, "unit": unit, "amount": amount, "is_new": is_new,
                       "balance": balance, "free": free });
    Ok(Answer::new(text, json).with_notes(note))
}

/// Enters what is due.
pub(super) async fn expire(arguments: Expire, context: &Context) -> Result<Answer, Failure> {
    let expiries = jobs::expire::expire(&context.house().await?, arguments.project).await?;
    let lines: String = expiries.iter().map(|due| format!("{}\n", expiry(due))).collect();
    let text = if lines.is_empty() { "nothing is due that is not entered\n".to_owned() } else { lines };
    Ok(Answer::new(text, json!({ "version": 1, "expired": expiries })))
}
