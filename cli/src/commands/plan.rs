//! `pakt plan FILE`

use super::{Context, choice, job_file, view};
use crate::{
    failure::Failure,
    output::{Answer, decision, explained_hold, hold, instant, price_lines},
};
use jobs::{
    Gravity,
    outlook::free_before_and_after,
    plan::{Estimate, Planned, PlannedChain},
    prepare::NoHold,
    submit::SubmittedSweep,
};
use model::counted;
use serde_json::{Value, json};
use std::path::PathBuf;

/// Arguments of `plan`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The job file
    pub file: PathBuf,
    /// Leave the script out
    #[arg(long)]
    pub no_script: bool,
}

/// Plans the job.
pub(crate) async fn run(arguments: &Arguments, context: &Context) -> Result<Answer, Failure> {
    let file = job_file::read(&arguments.file, context).await?;
    let choice = choice::to_plan(context, &file).await?;
    let planned = jobs::plan::plan(&choice.house, &file).await?;
    let mut text = String::new();
    if !arguments.no_script {
        text.push_str(&planned.script);
        text.push('\n');
    }
    for line in choice.lines() {
        text.push_str(&format!("site       {line}\n"));
    }
    text.push_str(&format!("placement  {}\n", view::placement_line(&planned.placement)));
    text.push_str(&format!("costs      at most {}\n", price_lines(&planned.ceiling)));
    text.push_str(&format!("hold       {}\n", hold_line(&planned)?));
    if let Some(chain) = &planned.chain {
        text.push_str(&format!("chain      {}\n", chain_line(chain)));
    }
    if let Some(SubmittedSweep { cells, links }) = planned.sweep {
        text.push_str(&format!(
            "sweep      {}, in {}, each at such a cost; all are held for\n",
            counted(cells, "cell"),
            counted(links.get(), "link")
        ));
    }
    text.push_str(&format!("start      {}\n", start_line(&planned)));
    if let Some(advice) = planned.advice.as_ref().filter(|advice| advice.is_known()) {
        let so_far = if advice.is_free_known { "" } else { ", as far as the books know" };
        text.push_str(&format!("policy     {}{so_far}\n", decision(&advice.decision, &advice.unit, &advice.zone)));
    }
    let is_refused = is_refused_by_ledger(&planned) || matches!(planned.estimate, Ok(Estimate::Refused { .. }));
    let code = if is_refused { Failure::code(Gravity::Refused) } else { 0 };
    let mut json = json(&planned)?;
    json["sites"] = choice.json();
    Ok(Answer::new(text, json).with_notes(view::doubts(&planned.doubts)).with_code(code))
}

/// Whether `submit` would be refused by an enforced budget as it stands now.
fn is_refused_by_ledger(planned: &Planned) -> bool {
    planned.advice.as_ref().is_some_and(|advice| advice.is_refused)
}

fn hold_line(planned: &Planned) -> Result<String, Failure> {
    let hold = |unit, amount| explained_hold(unit, amount, planned.factors.as_ref());
    Ok(match (&planned.hold, &planned.no_hold) {
        (Some((unit, amount, Some(budget))), _) => {
            let (before, after) = free_before_and_after(budget, *amount, Some(planned.expected))?;
            let (before, after, word) = (before.hours(), after.hours(), unit.hour_word());
            let most = if budget.balance.completeness.is_known() { "" } else { "at most " };
            let refused =
                if is_refused_by_ledger(planned) { "; the budget is enforced: it will be refused" } else { "" };
            format!("{}; free now {most}{before} {word}, then {most}{after} {word}{refused}", hold(unit, *amount))
        }
        (Some((unit, amount, None)), _) => format!("{}; the project has no balance yet", hold(unit, *amount)),
        (None, Some(NoHold::Never(why))) => format!("nothing is held: {why}"),
        (None, Some(NoHold::NotNow(why))) => format!("nothing is held now: {why}"),
        (None, None) => "nothing is held".to_owned(),
    })
}

/// What the links of a chain may come to, and who queues them.
fn chain_line(chain: &PlannedChain) -> String {
    let PlannedChain { max_links, at_once, lead, most } = chain;
    let most =
        most.as_ref().map(|(unit, amount)| format!(", at most {} in all", hold(unit, *amount))).unwrap_or_default();
    let queued = if *at_once == 1 { "one is" } else { &format!("{at_once} are") };
    let told = match lead {
        Some(lead) => format!("each is told to save {lead} before its limit"),
        None => "each waits behind one of the chain that it follows, and takes the checkpoints that are new".to_owned(),
    };
    format!(
        "up to {max_links} links, each at such a cost{most}; {queued} queued and held at a time, the others by `pakt watch` or \
         `pakt resume --all`; {told}"
    )
}

fn start_line(planned: &Planned) -> String {
    match &planned.estimate {
        Ok(Estimate::StartsAt { at, .. }) => format!("about {} by the scheduler's estimate", instant(*at)),
        Ok(Estimate::Unknown { said }) => format!("no estimate: {said}"),
        Ok(Estimate::Refused { said }) => format!("the scheduler would refuse it: {said}"),
        Err(why) => format!("no estimate: {why}"),
    }
}

fn json(planned: &Planned) -> Result<Value, Failure> {
    let hold = match &planned.hold {
        Some((unit, amount, budget)) => {
            let most = budget
                .as_ref()
                .map(|budget| free_before_and_after(budget, *amount, Some(planned.expected)))
                .transpose()?;
            let is_known = budget.as_ref().is_some_and(|budget| budget.balance.completeness.is_known());
            let free = most.filter(|_| is_known);
            json!({ "unit": unit, "amount": amount, "factors": planned.factors, "balance": budget.as_ref().map(|budget| &budget.balance),
                    "free_hours": free.map(|free| free.0.hours()), "free_hours_after": free.map(|free| free.1.hours()),
                    "free_hours_at_most": most.map(|most| most.0.hours()),
                    "free_hours_after_at_most": most.map(|most| most.1.hours()) })
        }
        None => Value::Null,
    };
    let estimate = match &planned.estimate {
        Ok(Estimate::StartsAt { at, said }) => json!({ "starts_at": at, "said": said }),
        Ok(Estimate::Unknown { said }) => json!({ "unknown": said }),
        Ok(Estimate::Refused { said }) => json!({ "refused": said }),
        Err(why) => json!({ "unknown": why }),
    };
    Ok(json!({ "version": 1, "placement": view::placement_json(&planned.placement), "ceiling": planned.ceiling,
               "hold": hold, "chain": planned.chain, "sweep": planned.sweep, "advice": planned.advice, "estimate": estimate, "script": planned.script, "doubts": planned.doubts }))
}
