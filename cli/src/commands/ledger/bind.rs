//! `pakt ledger bind`, `bindings`, `unbind`, `reattribute` and `enforce`.

use super::day_in_or;
use crate::commands::{Context, settle::day_in};
use crate::wiring::BindingRecord;
use crate::{
    failure::Failure,
    output::{Answer, Table, instant, instant_in},
};
use jobs::bind::{BindWish, Spender};
use model::{AccountName, DirectoryPrefix, PartitionName, Pattern, ProjectName, SiteName, Unit, UserName, Window};
use serde_json::json;

/// What spends a budget.
#[derive(Debug, clap::Args)]
pub struct SpenderArguments {
    /// The Slurm account that spends it
    #[arg(long)]
    pub account: Option<AccountName>,
    /// The partition that spends it
    #[arg(long)]
    pub partition: Option<PartitionName>,
    /// The user who spends it
    #[arg(long)]
    pub user: Option<UserName>,
    /// Every run at the site spends it; so it is without the others where the site does not demand an account
    #[arg(long)]
    pub whole_site: bool,
}

impl From<SpenderArguments> for Spender {
    fn from(arguments: SpenderArguments) -> Self {
        let SpenderArguments { account, partition, user, whole_site } = arguments;
        Self { account, partition, user, is_whole_site: whole_site, ..Self::default() }
    }
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
    /// It is a new project, however much its name is like that of another
    #[arg(long)]
    pub new_project: bool,
    /// What spends it
    #[command(flatten)]
    pub spender: SpenderArguments,
    /// Runs that were told to work in this directory or below it spend it, where no other binding covers them
    #[arg(long, value_name = "DIRECTORY")]
    pub workdir: Option<DirectoryPrefix>,
    /// Runs whose job has such a name spend it, where no other binding covers them: `*` for anything, `#` for a digit
    #[arg(long, value_name = "PATTERN")]
    pub name: Option<Pattern>,
}

/// Arguments of `ledger bindings`.
#[derive(Debug, clap::Args)]
pub(crate) struct Bindings {
    /// Of this project only
    pub project: Option<ProjectName>,
}

/// Arguments of `ledger unbind`.
#[derive(Debug, clap::Args)]
pub(crate) struct Unbind {
    /// Its number in `pakt ledger bindings`
    pub number: u64,
    /// The first day on which it says nothing any more (YYYY-MM-DD); it ends now without it
    #[arg(long, value_name = "DAY", conflicts_with = "from_its_beginning")]
    pub from: Option<String>,
    /// It was a mistake: it never says anything
    #[arg(long)]
    pub from_its_beginning: bool,
}

/// Arguments of `ledger reattribute`.
#[derive(Debug, clap::Args)]
pub(crate) struct Reattribute {
    /// At which site
    #[arg(value_name = "SITE")]
    pub at: SiteName,
    /// Runs that started on this day or later (YYYY-MM-DD)
    #[arg(long, value_name = "DAY")]
    pub from: String,
    /// Runs that started before this day (YYYY-MM-DD); until now without it
    #[arg(long, value_name = "DAY")]
    pub until: Option<String>,
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

/// Makes a binding.
pub(super) async fn bind(arguments: Bind, context: &Context) -> Result<Answer, Failure> {
    let house = context.house().await?;
    let zone = jobs::policy::zone_of(&house, "the binding was not entered", &arguments.unit)?;
    let from = day_in_or(arguments.from.as_deref(), &zone, house.clock.now())?;
    let Bind { project, unit, spender, new_project, workdir, name, .. } = arguments;
    let wish = BindWish {
        project: project.clone(),
        unit: unit.clone(),
        spender: Spender { work_directory: workdir, name, ..spender.into() },
        from,
        is_new_project: new_project,
    };
    let (binding, is_new) = jobs::bind::bind(&house, wish).await?;
    let what = format!("{} spends {project} in {unit} from {} on", binding.covers(), instant_in(from, &zone));
    let text = if is_new { format!("{what}\n") } else { format!("so it was before, and nothing changed: {what}\n") };
    let beside = jobs::bind::beside_others(&house, &binding).await?;
    let notes = beside.iter().map(|what| format!("warning: {what}"));
    let json = json!({ "version": 1, "is_new": is_new, "binding": binding, "beside": beside });
    Ok(Answer::new(text, json).with_notes(notes))
}

/// Lists bindings.
pub(super) async fn bindings(arguments: Bindings, context: &Context) -> Result<Answer, Failure> {
    let house = context.house_of_ledger().await?;
    let bindings = jobs::bind::bindings(&house, arguments.project.as_ref()).await?;
    let mut table = Table::new(&["number", "entry", "project", "unit", "spent by", "from", "to"]).right(&[0, 1]);
    for BindingRecord { number, entry, terms, .. } in &bindings {
        let zone = house.accounting_zone(&terms.site).ok();
        let instant = |at| zone.as_ref().map_or_else(|| instant(at), |zone| instant_in(at, zone));
        let to =
            terms.to.map_or_else(String::new, |to| if to <= terms.from { "never".to_owned() } else { instant(to) });
        table.row([
            number.to_string(),
            entry.map_or_else(|| "-".to_owned(), |entry| entry.to_string()),
            terms.project.to_string(),
            terms.unit.to_string(),
            terms.covers(),
            instant(terms.from),
            to,
        ]);
    }
    let text =
        if bindings.is_empty() { "nobody spends anything yet: `pakt ledger bind`\n".to_owned() } else { table.text() };
    Ok(Answer::new(text, json!({ "version": 1, "bindings": bindings })))
}

/// Ends a binding.
pub(super) async fn unbind(arguments: Unbind, context: &Context) -> Result<Answer, Failure> {
    let house = context.house().await?;
    let known = jobs::bind::bindings(&house, None).await?.into_iter().find(|known| known.number == arguments.number);
    let zone = known.and_then(|known| house.accounting_zone(&known.terms.site).ok());
    let zone = zone.unwrap_or_else(|| house.machine_zone.clone());
    let to = if arguments.from_its_beginning {
        None
    } else {
        Some(day_in_or(arguments.from.as_deref(), &zone, house.clock.now())?)
    };
    let ended = jobs::bind::unbind(&house, arguments.number, to).await?;
    let BindingRecord { number, terms, .. } = &ended;
    let to = terms.to.filter(|to| *to > terms.from);
    let when = to.map_or_else(|| "says nothing any more".to_owned(), |to| format!("ends at {}", instant_in(to, &zone)));
    let text = format!("binding {number} ({} spends {} in {}) {when}\n", terms.covers(), terms.project, terms.unit);
    let site = terms.unit.site();
    let note = format!(
        "what it was charged for stays where it is; `pakt ledger reattribute {site} --from DAY` charges those runs anew"
    );
    Ok(Answer::new(text, json!({ "version": 1, "binding": ended })).with_notes([note]))
}

/// Charges runs anew.
pub(super) async fn reattribute(arguments: Reattribute, context: &Context) -> Result<Answer, Failure> {
    let house = context.house().await?;
    let zone = house.accounting_zone(&arguments.at)?;
    let from = day_in(&arguments.from, &zone)?;
    let to = day_in_or(arguments.until.as_deref(), &zone, house.clock.now().plus_seconds(1))?;
    let moved = jobs::bind::reattribute(&house, &arguments.at, Window { from, to }).await?;
    let text = format!("{} at {} moved\n", model::counted(moved, "run"), arguments.at);
    Ok(Answer::new(text, json!({ "version": 1, "moved": moved })))
}

/// Sets the switch.
pub(super) async fn enforce(arguments: Enforce, context: &Context) -> Result<Answer, Failure> {
    let Enforce { project, unit, off } = arguments;
    jobs::bind::enforce(&context.house().await?, &project, &unit, !off).await?;
    let word = if off { "advises only" } else { "refuses what the balance does not cover" };
    let text = format!("the ledger {word} for {project} in {unit}\n");
    Ok(Answer::new(text, json!({ "version": 1, "project": project, "unit": unit, "is_enforced": !off })))
}
