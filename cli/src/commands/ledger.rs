//! `pakt ledger ...`

use super::{
    Context,
    settle::{day, start_of_day},
    unattributed,
    view::unread,
};
use crate::wiring::{EntryPage, statement_text, statements_csv};
use crate::{
    failure::Failure,
    output::{Answer, hold, instant},
};
use jobs::grant::{GrantWish, Spender, bind, enforce, grant, open, statement};
use model::{AccountName, Amount, PartitionName, ProgrammeName, ProjectName, Timestamp, Unit, UserName, Window};
use serde_json::json;

/// Arguments of `ledger`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// What to do
    #[command(subcommand)]
    pub action: Action,
}

/// What can be done with the ledger.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Action {
    /// Make the ledger
    Init,
    /// Enter what was granted, and which Slurm account spends it
    Grant(Grant),
    /// Enter what was used before the ledger began
    Open(Open),
    /// Let another account, partition or user spend a project's budget
    Bind(Bind),
    /// Refuse jobs that the balance does not cover, or only advise
    Enforce(Enforce),
    /// Print a project's statement
    Statement(Statement),
    /// List runs that belong to no project
    Unattributed,
    /// Print every entry as JSON lines
    Export,
    /// Replay every entry and compare
    Verify,
}

/// Arguments of `ledger grant`.
#[derive(Debug, clap::Args)]
pub(crate) struct Grant {
    /// To whom
    pub project: ProjectName,
    /// How many hours
    pub hours: String,
    /// Of what: `jupiter:gh200`, `horeka:cpu`
    #[arg(long)]
    pub unit: Unit,
    /// By whom: GCS, `EuroHPC`, NHR, Helmholtz, MPG
    #[arg(long, default_value = "self")]
    pub programme: ProgrammeName,
    /// The number of the decision; the same number again is the same grant
    #[arg(long, default_value = "initial")]
    pub reference: String,
    /// First day (YYYY-MM-DD); today without it
    #[arg(long, value_name = "DAY")]
    pub from: Option<String>,
    /// First day after its end (YYYY-MM-DD); a year later without it
    #[arg(long, value_name = "DAY")]
    pub until: Option<String>,
    /// What spends it
    #[command(flatten)]
    pub spender: SpenderArguments,
}

/// What spends a budget.
#[derive(Debug, clap::Args)]
pub struct SpenderArguments {
    /// The Slurm account that spends it; all of the site without account, partition and user
    #[arg(long)]
    pub account: Option<AccountName>,
    /// The partition that spends it
    #[arg(long)]
    pub partition: Option<PartitionName>,
    /// The user who spends it
    #[arg(long)]
    pub user: Option<UserName>,
}

impl From<SpenderArguments> for Spender {
    fn from(SpenderArguments { account, partition, user }: SpenderArguments) -> Self {
        Self { account, partition, user }
    }
}

/// Arguments of `ledger open`.
#[derive(Debug, clap::Args)]
pub(crate) struct Open {
    /// Whose
    pub project: ProjectName,
    /// How many hours were used
    pub hours: String,
    /// Of what
    #[arg(long)]
    pub unit: Unit,
    /// As of which day (YYYY-MM-DD); now without it
    #[arg(long, value_name = "DAY")]
    pub as_of: Option<String>,
    /// Where the number is from
    #[arg(long)]
    pub note: String,
}

/// Arguments of `ledger bind`.
#[derive(Debug, clap::Args)]
pub(crate) struct Bind {
    /// Whose budget
    pub project: ProjectName,
    /// In which unit
    #[arg(long)]
    pub unit: Unit,
    /// From which day on (YYYY-MM-DD); today without it
    #[arg(long, value_name = "DAY")]
    pub from: Option<String>,
    /// What spends it
    #[command(flatten)]
    pub spender: SpenderArguments,
}

/// Arguments of `ledger enforce`.
#[derive(Debug, clap::Args)]
pub(crate) struct Enforce {
    /// Whose budget
    pub project: ProjectName,
    /// In which unit
    #[arg(long)]
    pub unit: Unit,
    /// Advise only, from now on
    #[arg(long)]
    pub off: bool,
}

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

const YEAR_SECONDS: i64 = 365 * 86_400;
const PAGE: u32 = 10_000;

/// Runs what is wanted.
pub(crate) async fn run(arguments: Arguments, context: &Context) -> Result<Answer, Failure> {
    match arguments.action {
        Action::Init => init(context).await,
        Action::Grant(arguments) => granted(arguments, context).await,
        Action::Open(arguments) => opened(arguments, context).await,
        Action::Bind(arguments) => bound(arguments, context).await,
        Action::Enforce(Enforce { project, unit, off }) => {
            enforce(&context.house()?, project.clone(), unit.clone(), !off).await?;
            let word = if off { "advises only" } else { "refuses what the balance does not cover" };
            let text = format!("the ledger {word} for {project} in {unit}\n");
            Ok(Answer::new(text, json!({ "version": 1, "project": project, "unit": unit, "is_enforced": !off })))
        }
        Action::Statement(arguments) => stated(arguments, context).await,
        Action::Unattributed => unattributed::run(context).await,
        Action::Export => export(context).await,
        Action::Verify => verify(context).await,
    }
}

async fn init(context: &Context) -> Result<Answer, Failure> {
    let house = context.house()?;
    let is_new = jobs::grant::init(&house).await?;
    let place = house.books.place();
    let word = if is_new { "is made" } else { "was there before" };
    let text = format!("the ledger {} {word}\n", place.display());
    Ok(Answer::new(text, json!({ "version": 1, "ledger": place, "was_there": !is_new })))
}

fn hours(text: &str) -> Result<Amount, Failure> {
    let bad =
        |why: String| Failure::usage(format!("`{text}` is no number of hours"), why, "write it as `1200` or `0.5`");
    let amount = Amount::from_hours(text).map_err(|error| bad(error.to_string()))?;
    if amount < Amount::ZERO { Err(bad("it is negative".to_owned())) } else { Ok(amount) }
}

fn day_or(text: Option<&str>, otherwise: Timestamp) -> Result<Timestamp, Failure> {
    text.map_or(Ok(otherwise), day)
}

async fn granted(arguments: Grant, context: &Context) -> Result<Answer, Failure> {
    let house = context.house()?;
    let amount = hours(&arguments.hours)?;
    let from = day_or(arguments.from.as_deref(), start_of_day(house.clock.now()))?;
    let to = day_or(arguments.until.as_deref(), from.plus_seconds(YEAR_SECONDS))?;
    if to <= from {
        let why = format!("it would end at {} and begin at {}", instant(to), instant(from));
        return Err(Failure::usage("the grant was not entered", why, "write a later day behind `--until`"));
    }
    let wish = GrantWish {
        project: arguments.project.clone(),
        programme: arguments.programme,
        unit: arguments.unit.clone(),
        amount,
        window: Window { from, to },
        reference: arguments.reference,
        spent_by: arguments.spender.into(),
    };
    let outcomes = grant(&house, wish).await?;
    let text = format!(
        "granted {} to {}, {} to {}\n",
        hold(&arguments.unit, amount),
        arguments.project,
        instant(from),
        instant(to)
    );
    Ok(Answer::new(text, json!({ "version": 1, "outcomes": outcomes })))
}

async fn opened(arguments: Open, context: &Context) -> Result<Answer, Failure> {
    let house = context.house()?;
    let amount = hours(&arguments.hours)?;
    let as_of = day_or(arguments.as_of.as_deref(), house.clock.now())?;
    let Open { project, unit, note, .. } = arguments;
    let outcomes = open(&house, project.clone(), unit.clone(), amount, as_of, note).await?;
    let text = format!("{project} had used {} by {}\n", hold(&unit, amount), instant(as_of));
    Ok(Answer::new(text, json!({ "version": 1, "outcomes": outcomes })))
}

async fn bound(arguments: Bind, context: &Context) -> Result<Answer, Failure> {
    let house = context.house()?;
    let from = day_or(arguments.from.as_deref(), house.clock.now())?;
    let outcomes = bind(&house, &arguments.project, &arguments.unit, arguments.spender.into(), from).await?;
    let text = format!("bound to {} in {} from {}\n", arguments.project, arguments.unit, instant(from));
    Ok(Answer::new(text, json!({ "version": 1, "outcomes": outcomes })))
}

async fn stated(arguments: Statement, context: &Context) -> Result<Answer, Failure> {
    let house = context.house()?;
    let from = day_or(arguments.from.as_deref(), Timestamp::from_epoch_seconds(0))?;
    let to = day_or(arguments.until.as_deref(), house.clock.now().plus_seconds(1))?;
    if to <= from {
        let why = format!("it would end at {} and begin at {}", instant(to), instant(from));
        return Err(Failure::usage("no statement was printed", why, "write a later day behind `--until`"));
    }
    let units = if let Some(unit) = arguments.unit {
        vec![unit]
    } else {
        let found = jobs::balance::balance(&house, Some(arguments.project.clone()), false).await?;
        found.balances.into_iter().map(|balance| balance.unit).collect()
    };
    let mut statements = Vec::new();
    for unit in units {
        statements.push(statement(&house, &arguments.project, &unit, Window { from, to }).await?);
    }
    let shown =
        if arguments.csv { statements_csv(&statements) } else { statements.iter().map(statement_text).collect() };
    let text = shown.map_err(|error| Failure::bug("no statement was printed", error.to_string()))?;
    Ok(Answer::new(text, json!({ "version": 1, "statements": statements })).product())
}

async fn export(context: &Context) -> Result<Answer, Failure> {
    let house = context.house()?;
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

async fn verify(context: &Context) -> Result<Answer, Failure> {
    let house = context.house()?;
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
