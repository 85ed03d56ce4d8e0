//! `pakt balance [PROJECT]...`

use super::ledger::known_at;
use super::{Context, other_ledgers};
use crate::{
    failure::Failure,
    output::{Answer, Table, event, exceeded, gaps, hold, holds, instant, instant_in, read_by, standing},
    wiring::{Budget, Event, Policy},
};
use jobs::House;
use jobs::balance::{BalanceWish, Balances, balance};
use jobs::outlook::{Outlook, ReservedLot, outlook};
use model::{
    Amount, AmountError, Balance, Completeness, ProjectName, SiteFigure, SiteName, Timestamp, Unit, Zone, agreeing,
    counted,
};
use serde_json::json;

/// Arguments of `balance`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The projects; all of them without any
    #[arg(value_name = "PROJECT")]
    pub projects: Vec<ProjectName>,
    /// In units of a site
    #[arg(long, value_name = "SITE")]
    pub at_site: Option<SiteName>,
    /// In one unit, such as `jupiter:gh200`
    #[arg(long)]
    pub unit: Option<Unit>,
    /// As the books were at this time (2026-11-23T22:14:00Z), or after the entry with this number
    #[arg(long, value_name = "TIME|ENTRY")]
    pub known_at: Option<String>,
    /// Of what took effect before this day (2026-11-23) or up to this time (2026-11-23T22:14:00Z), by what the books say now or at
    /// `--known-at`; of a day, as it begins at the site
    #[arg(long, value_name = "DAY|TIME")]
    pub as_of: Option<String>,
    /// Read the ledger alone, without settling first
    #[arg(long)]
    pub offline: bool,
}

/// Shows the balances.
pub(crate) async fn run(arguments: Arguments, context: &Context) -> Result<Answer, Failure> {
    let Arguments { projects, at_site: site, unit, known_at: known, as_of, offline } = arguments;
    let known_at = known.as_deref().map(|text| known_at("no balance was shown", text)).transpose()?;
    let house = if offline { context.house_of_ledger().await? } else { context.house_to_look().await? };
    let as_of = as_of.map(|text| as_of_in(&house, &text, site.as_ref(), unit.as_ref())).transpose()?;
    let wish = BalanceWish { projects, site, unit, known_at, as_of };
    let is_of_the_past = wish.is_of_the_past();
    let is_filtered = is_of_the_past || wish.site.is_some() || wish.unit.is_some();
    let found = balance(&house, &wish, !offline).await?;
    let mut table = Table::new(&["project", "unit", "", "granted", "used", "running", "committed", "foreign", "free"])
        .right(&[3, 4, 5, 6, 7, 8]);
    for budget in &found.budgets {
        table.row(row(&budget.balance)?);
    }
    let mut text = if found.budgets.is_empty() && is_filtered {
        "nothing of that is in the ledger; `pakt balance` alone shows all that is there now\n".to_owned()
    } else if found.budgets.is_empty() {
        "the ledger has no entries; `pakt ledger grant` makes one\n".to_owned()
    } else {
        table.text()
    };
    for open in found.holds.iter().take(10) {
        let rest = open.remainder().map_err(|error| Failure::bug("the balance was not shown", error.to_string()))?;
        text.push_str(&format!("  held for {} {}: {}\n", open.note, open.id, hold(&open.unit, rest)));
    }
    let mut outlooks = Vec::with_capacity(found.budgets.len());
    for budget in &found.budgets {
        let outlook = outlook(budget)?;
        text.push_str(&compared(&budget.balance, &outlook.zone)?);
        text.push_str(&beside(&budget.balance));
        text.push_str(&at_most(budget, is_of_the_past)?);
        text.push_str(&comes(&budget.balance, &outlook));
        outlooks.push(outlook);
    }
    let mut json = json(&found, &outlooks)?;
    let mut notes = notes(&found);
    if !offline {
        notes.extend(other_ledgers::notes(jobs::ledger_marks::other_ledgers(&house).await));
    }
    if is_of_the_past {
        (json["holds"], json["unattributed"]) = (serde_json::Value::Null, serde_json::Value::Null);
        notes.push(
            "note: what ran and waited then is not kept, and not taken off; committed is what was held".to_owned(),
        );
    }
    Ok(Answer::new(text, json).with_notes(notes))
}

/// A day or a time of the site that is asked about, or an instant.
fn as_of_in(house: &House, text: &str, site: Option<&SiteName>, unit: Option<&Unit>) -> Result<Timestamp, Failure> {
    let site = site.or(unit.map(Unit::site)).unwrap_or(&house.here);
    house.accounting_zone(site)?.moment(text).map_err(|error| {
        let next = "write it as `2026-11-01`, `2026-11-01T06:30` or `2026-11-01T05:30:00Z`";
        Failure::usage("no balance was shown", error.to_string(), next)
    })
}

fn row(balance: &Balance) -> Result<[String; 9], Failure> {
    let free = balance.known_free().map_err(not_shown)?.map_or_else(|| "unknown".to_owned(), Amount::hours);
    Ok([
        balance.project.to_string(),
        balance.unit.to_string(),
        balance.unit.hour_word().to_owned(),
        balance.granted.hours(),
        balance.used.hours(),
        balance.running.hours(),
        balance.committed.hours(),
        balance.foreign_committed.hours(),
        format!("{free}{}", if balance.is_enforced { " (enforced)" } else { "" }),
    ])
}

/// The site's own figure beside the ledger's of the same time; nothing where none was noted.
fn compared(balance: &Balance, zone: &Zone) -> Result<String, Failure> {
    let Some(figure) = &balance.site_figure else { return Ok(String::new()) };
    let Balance { project, unit, .. } = balance;
    let shown = |amount: Amount| amount.in_hours_of(unit);
    let since = figure.since.map(|since| format!("counted from {} on, ", instant_in(since, zone))).unwrap_or_default();
    Ok(format!(
        "{project} in {unit} as of {}: the site says {} used, the ledger says {}; unexplained: {}\n  {since}said by {}\n",
        instant_in(figure.as_of, zone),
        shown(figure.used),
        shown(figure.settled),
        shown(unexplained(figure)?),
        figure.source,
    ))
}

fn unexplained(figure: &SiteFigure) -> Result<Amount, Failure> {
    figure.unexplained().map_err(not_shown)
}

#[allow(clippy::needless_pass_by_value)] // The shape that `map_err` wants.
fn not_shown(error: AmountError) -> Failure {
    Failure::bug("the balance was not shown", error.to_string())
}

/// What the columns lack for them to add up to what is free; nothing where they do.
fn beside(balance: &Balance) -> String {
    let Balance { project, unit, forgiven, committed_later, unseen, .. } = balance;
    let parts = [
        (forgiven, "were overdrawn and are forgiven: free is more by them, and no grant gave them"),
        (committed_later, "of what is committed are to be spent from lots still to come, and free is not less by them"),
        (unseen, "are unseen: nobody read what ran, and free is less by them"),
    ];
    let parts = parts.into_iter().filter(|(amount, _)| **amount > Amount::ZERO);
    parts.map(|(amount, what)| format!("{project} in {unit}: {} {what}\n", amount.in_hours_of(unit))).collect()
}

/// That nobody knows what others ran, and what to do; nothing where the books have all.
fn at_most(budget: &Budget, is_of_the_past: bool) -> Result<String, Failure> {
    let balance = &budget.balance;
    let Balance { project, unit, completeness, .. } = balance;
    if completeness.is_known() {
        return Ok(String::new());
    }
    let most = balance.free().map_err(not_shown)?.in_hours_of(unit);
    let unpriced: u64 = budget.gaps.iter().filter_map(|gap| gap.unpriced).sum();
    let (why, next) = match completeness {
        Completeness::Unpriced => (format!("runs without a price: {unpriced}"), NEXT_PRICE),
        _ if is_of_the_past => ("not everybody's runs had been read by then".to_owned(), NEXT_OF_THE_PAST),
        _ => ("not everybody's runs were read".to_owned(), NEXT),
    };
    Ok(format!("{project} in {unit}: at most {most} are free: {why}\n  next: {next}\n"))
}

/// How the books become complete.
const NEXT: &str = "a coordinator of the account runs `pakt settle --all-users`; or note what the site says: \
                    `pakt ledger open --from-site`";

/// The same of runs without a price.
const NEXT_PRICE: &str = "add their tariff to the site's profile, and `pakt settle` charges them; `pakt ledger unattributed` \
                          lists them";

/// What helps where the past cannot be changed.
const NEXT_OF_THE_PAST: &str = "`pakt balance` alone goes by all that was read since";

/// So many events of a kind are shown; `--json` has all of them.
const MOST_EVENTS: usize = 3;

/// How a budget stands with its site, and what happens when; nothing where it is no budget, or nobody has said what kind.
fn comes(balance: &Balance, outlook: &Outlook) -> String {
    let Outlook { policy, zone, standing: stands, a_day, events, events_at_rate, .. } = outlook;
    let Some(policy) = policy.filter(|policy| *policy != Policy::None) else { return String::new() };
    let Balance { project, unit, .. } = balance;
    let mut text = format!("{project} in {unit}: {policy}; {}\n", standing(*stands));
    let mut list = |head: String, events: &[Event]| {
        let lines: Vec<String> = events.iter().filter_map(|coming| event(coming, unit, zone)).collect();
        if lines.is_empty() {
            return;
        }
        text.push_str(&format!("  {head}\n"));
        lines.iter().take(MOST_EVENTS).for_each(|line| text.push_str(&format!("    {line}\n")));
        if lines.len() > MOST_EVENTS {
            text.push_str(&format!("    and {} more; `--json` has them all\n", lines.len() - MOST_EVENTS));
        }
    };
    if let (Some(a_day), Some(events)) = (a_day, events_at_rate) {
        list(format!("with {} a day, as in the last weeks:", a_day.in_hours_of(unit)), events);
    }
    list("when nothing more is spent:".to_owned(), events);
    text.push_str(&reserved(outlook, unit));
    text
}

/// What runs, is held and waits, by the lots that are to pay for it; nothing where there is one lot at most.
fn reserved(outlook: &Outlook, unit: &Unit) -> String {
    if outlook.lots.len() < 2 || outlook.reserved.is_empty() {
        return String::new();
    }
    let mut text = "  what runs, is held and waits takes, of the lots from:\n".to_owned();
    for ReservedLot { period, amount, .. } in outlook.reserved.iter().take(MOST_EVENTS) {
        let from = instant_in(period.from, &outlook.zone);
        text.push_str(&format!("    {from}  {}\n", amount.in_hours_of(unit)));
    }
    text
}

fn notes(found: &Balances) -> Vec<String> {
    let mut notes: Vec<String> =
        found.stale.iter().map(|why| format!("note: the numbers are as of the last settlement: {why}")).collect();
    let incomplete = found.settled.as_ref().filter(|report| !report.is_complete());
    notes.extend(incomplete.map(|_| "note: not every run could be counted; `pakt settle` says which".to_owned()));
    let balances = || found.budgets.iter().map(|budget| &budget.balance);
    let over = balances().filter(|balance| balance.expired > Amount::ZERO);
    notes.extend(over.map(|balance| {
        let left = balance.expired.in_hours_of(&balance.unit);
        format!(
            "note: {left} of grants of {} that are over were not used, and are not granted any more",
            balance.project
        )
    }));
    if found.unattributed > 0 {
        notes.push(format!(
            "note: {} {} to no project; `pakt ledger unattributed` lists them",
            counted(found.unattributed, "run"),
            agreeing(found.unattributed, "belongs", "belong")
        ));
    }
    notes.extend(found.exceeded.iter().map(exceeded));
    notes.extend(found.budgets.iter().filter_map(|budget| gaps(&budget.gaps)));
    notes.extend(read_by(&found.read_by));
    let as_of = balances().filter_map(|balance| balance.running_as_of).max();
    notes.extend(as_of.map(|at| format!("running and waiting jobs as of {}", instant(at))));
    notes
}

fn json(found: &Balances, outlooks: &[Outlook]) -> Result<serde_json::Value, Failure> {
    let mut balances = Vec::new();
    for (Budget { balance, gaps, .. }, outlook) in found.budgets.iter().zip(outlooks) {
        let free = balance.known_free().map_err(not_shown)?;
        let mut value = json!(balance);
        value["free"] = json!(free);
        value["free_hours"] = json!(free.map(Amount::hours));
        value["free_at_most"] = json!(balance.free().map_err(not_shown)?);
        value["gaps"] = json!(gaps);
        value["outlook"] = json!(outlook);
        if let Some(figure) = &balance.site_figure {
            value["site_figure"]["unexplained"] = json!(unexplained(figure)?);
        }
        balances.push(value);
    }
    Ok(
        json!({ "version": 1, "balances": balances, "holds": holds(&found.holds), "unattributed": found.unattributed, "exceeded": found.exceeded, "read_by": found.read_by, "stale": found.stale }),
    )
}
