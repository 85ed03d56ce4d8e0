//! `pakt ledger statement`, `export` and `verify`.

use super::day_in_or;
use crate::commands::{Context, view::unread};
use crate::wiring::{EntryPage, statement_text, statements_csv};
use crate::{
    failure::Failure,
    output::{Answer, instant_in},
};
use jobs::House;
use model::{ProjectName, Timestamp, Unit, Window};
use serde_json::json;

const PAGE: u32 = 10_000;

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
    /// Print a table for spreadsheets
    #[arg(long)]
    pub csv: bool,
}

pub(super) async fn statement(arguments: Statement, context: &Context) -> Result<Answer, Failure> {
    let house = context.house_to_look()?;
    let units = if let Some(unit) = &arguments.unit {
        vec![unit.clone()]
    } else {
        let found = jobs::balance::balance(&house, Some(arguments.project.clone()), false).await?;
        found.budgets.into_iter().map(|budget| budget.balance.unit).collect()
    };
    let mut statements = Vec::new();
    for unit in units {
        let window = window(&arguments, &unit, &house)?;
        statements.push(jobs::grant::statement(&house, &arguments.project, &unit, window).await?);
    }
    let shown =
        if arguments.csv { statements_csv(&statements) } else { statements.iter().map(statement_text).collect() };
    let text = shown.map_err(|error| Failure::bug("no statement was printed", error.to_string()))?;
    Ok(Answer::new(text, json!({ "version": 1, "statements": statements })).product())
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

pub(super) async fn export(context: &Context) -> Result<Answer, Failure> {
    let house = context.house_to_look()?;
    let book = house.needed_book("nothing was exported").await?;
    let (mut text, mut after, mut entries) = (String::new(), 0, Vec::new());
    loop {
        let page = book.entries(EntryPage { after, limit: PAGE }).await.map_err(|error| unread(&error))?;
        let Some(last) = page.last() else { break };
        after = last.number;
        for entry in page {
            let line = serde_json::to_string(&entry)
                .map_err(|error| Failure::bug("nothing was exported", error.to_string()))?;
            text.push_str(&line);
            text.push('\n');
            entries.push(entry);
        }
    }
    Ok(Answer::new(text, json!({ "version": 1, "entries": entries })).product())
}

pub(super) async fn verify(context: &Context) -> Result<Answer, Failure> {
    let house = context.house_to_look()?;
    let book = house.needed_book("nothing was verified").await?;
    let verified = book.verify().await.map_err(|error| unread(&error))?;
    if !verified.is_consistent() {
        let next = "keep the file as it is, restore a copy elsewhere, and report this";
        let failure = Failure::usage("the ledger is not sound", verified.findings.join("; "), next);
        return Err(Failure { gravity: jobs::Gravity::Bug, ..failure });
    }
    let text = format!("{} entries replayed; every balance is as stored, every unit sums to zero\n", verified.entries);
    Ok(Answer::new(text, json!({ "version": 1, "is_consistent": true, "entries": verified.entries })))
}
