//! `pakt ledger statement`.

use super::{day_in_or, known_at};
use crate::commands::Context;
use crate::wiring::{Gap, statement_text, statements_csv};
use crate::{
    failure::Failure,
    output::{Answer, gaps, instant_in},
};
use jobs::House;
use jobs::balance::BalanceWish;
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
    let house = context.house_to_look().await?;
    let units = if let Some(unit) = &arguments.unit {
        vec![unit.clone()]
    } else {
        let found = jobs::balance::balance(&house, &BalanceWish::of(&arguments.project), false).await?;
        found.budgets.into_iter().map(|budget| budget.balance.unit).collect()
    };
    let known_at = arguments.known_at.as_deref().map(|text| known_at("no statement was printed", text)).transpose()?;
    let (mut statements, mut missing) = (Vec::new(), Vec::new());
    for unit in units {
        let window = window(&arguments, &unit, &house)?;
        let found = jobs::grant::statement(&house, &arguments.project, &unit, window, known_at).await?;
        statements.push(found.statement);
        missing.push(found.gaps);
    }
    let shown = if arguments.csv {
        statements_csv(statements.iter().zip(missing.iter().map(Vec::is_empty)))
    } else {
        let pages = statements.iter().zip(&missing);
        pages.map(|(page, missing)| statement_text(page).map(|text| text + &not_complete(missing))).collect()
    };
    let text = shown.map_err(|error| Failure::bug("no statement was printed", error.to_string()))?;
    let missing: Vec<Gap> = missing.into_iter().flatten().collect();
    let note = gaps(&missing).filter(|_| arguments.csv);
    let json = json!({ "version": 1, "statements": statements, "gaps": missing });
    Ok(Answer::new(text, json).product().with_notes(note))
}

/// The last line of a statement that may lack something.
fn not_complete(missing: &[Gap]) -> String {
    gaps(missing).map(|note| format!("{note}\n")).unwrap_or_default()
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
