//! `pakt ledger statement`.

use super::{day_in_or, known_at};
use crate::commands::Context;
use crate::wiring::{Gap, statement_text, statements_csv};
use crate::{
    failure::Failure,
    output::{Answer, exceeded, gaps, instant_in, read_by},
};
use jobs::House;
use jobs::balance::BalanceWish;
use jobs::exceeded::ExceededOpening;
use jobs::grant::StatementFound;
use jobs::read_by::ReadBy;
use model::{ProjectName, Timestamp, Unit, Window};
use serde_json::json;

/// Arguments of `ledger statement`.
#[derive(Debug, clap::Args)]
pub(crate) struct Statement {
    /// Whose
    pub project: ProjectName,
    /// In which unit; all of the project's without it
    #[arg(long)]
    pub unit: Option<Unit>,
    /// From this day on (YYYY-MM-DD); from the beginning without it
    #[arg(long, value_name = "DAY")]
    pub from: Option<String>,
    /// Until this day, itself not counted (YYYY-MM-DD); until now without it
    #[arg(long, value_name = "DAY")]
    pub until: Option<String>,
    /// As the books were at this time (2026-11-23T22:14:00Z), or after the entry with this number
    #[arg(long, value_name = "TIME|ENTRY")]
    pub known_at: Option<String>,
    /// Print a table for spreadsheets; its last column says whether all that belongs into it was read
    #[arg(long)]
    pub csv: bool,
}

pub(super) async fn statement(arguments: Statement, context: &Context) -> Result<Answer, Failure> {
    let house = context.house_of_ledger().await?;
    let units = if let Some(unit) = &arguments.unit {
        vec![unit.clone()]
    } else {
        let found = jobs::balance::balance(&house, &BalanceWish::of(&arguments.project), false).await?;
        found.budgets.into_iter().map(|budget| budget.balance.unit).collect()
    };
    let known_at = arguments.known_at.as_deref().map(|text| known_at("no statement was printed", text)).transpose()?;
    let mut pages = Vec::new();
    for unit in units {
        let window = window(&arguments, &unit, &house)?;
        pages.push(jobs::grant::statement(&house, &arguments.project, &unit, window, known_at).await?);
    }
    let shown = if arguments.csv {
        statements_csv(pages.iter().map(|page| (&page.statement, page.gaps.is_empty())))
    } else {
        pages.iter().map(|page| statement_text(&page.statement).map(|text| text + &doubts(page))).collect()
    };
    let text = shown.map_err(|error| Failure::bug("no statement was printed", error.to_string()))?;
    let statements: Vec<&model::Statement> = pages.iter().map(|page| &page.statement).collect();
    let missing: Vec<&Gap> = pages.iter().flat_map(|page| &page.gaps).collect();
    let opened: Vec<&ExceededOpening> = pages.iter().flat_map(|page| &page.exceeded).collect();
    let readers: Vec<&ReadBy> = pages.iter().flat_map(|page| &page.read_by).collect();
    let json = json!({ "version": 1, "statements": statements, "gaps": missing, "exceeded": opened,
                       "read_by": readers });
    let notes = opened.into_iter().map(exceeded).chain(gaps(missing)).chain(read_by(readers)).filter(|_| arguments.csv);
    Ok(Answer::new(text, json).product().with_notes(notes.collect::<Vec<_>>()))
}

/// The last lines of a statement: what it may lack, and on whose word it stands.
fn doubts(page: &StatementFound) -> String {
    page.exceeded
        .iter()
        .map(exceeded)
        .chain(gaps(&page.gaps))
        .chain(read_by(&page.read_by))
        .map(|note| note + "\n")
        .collect()
}

/// The days that are wanted, in the zone of the unit's site.
fn window(arguments: &Statement, unit: &Unit, house: &House) -> Result<Window, Failure> {
    let zone = house.accounting_zone(unit.site())?;
    let from = day_in_or(arguments.from.as_deref(), &zone, Timestamp::from_epoch_seconds(0))?;
    let to = day_in_or(arguments.until.as_deref(), &zone, house.clock.now().plus_seconds(1))?;
    if to <= from {
        let why = format!("it would end at {} and begin at {}", instant_in(to, &zone), instant_in(from, &zone));
        return Err(Failure::usage("no statement was printed", why, "write a later day behind `--until`"));
    }
    Ok(Window { from, to })
}
