//! `pakt sites`

use super::Context;
use crate::{
    failure::Failure,
    output::{Answer, Table},
    wiring,
};
use jobs::site_view::{SiteRow, examine, sites};
use model::SiteName;
use serde_json::json;

/// Arguments of `sites`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// What to do; the list without it
    #[command(subcommand)]
    pub action: Option<Action>,
}

/// What can be done with sites.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Action {
    /// Show a site's profile, every value with its source
    Show {
        /// The site
        name: SiteName,
    },
    /// Compare this site's profile with what its cluster says
    Doctor,
}

/// Shows sites.
pub(crate) async fn run(arguments: &Arguments, context: &Context) -> Result<Answer, Failure> {
    match &arguments.action {
        None => list(context).await,
        Some(Action::Show { name }) => show(context, name),
        Some(Action::Doctor) => doctor(context).await,
    }
}

async fn list(context: &Context) -> Result<Answer, Failure> {
    let found = sites(&context.house()?).await?;
    let mut table = Table::new(&["site", "what", "partitions", "accounts", "idle nodes", "free"]);
    for row in &found.sites {
        table.row(cells(row)?);
    }
    let notes =
        found.unasked.iter().map(|why| format!("note: the cluster here was not asked: {why}")).collect::<Vec<_>>();
    Ok(Answer::new(table.text(), json!({ "version": 1, "sites": found.sites, "unasked": found.unasked }))
        .with_notes(notes))
}

fn cells(row: &SiteRow) -> Result<[String; 6], Failure> {
    let accounts =
        row.accounts.as_ref().map(|accounts| accounts.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "));
    let idle = row
        .idle_nodes
        .as_ref()
        .map(|idle| idle.iter().map(|(name, count)| format!("{name} {count}")).collect::<Vec<_>>().join(", "));
    let mut free = Vec::new();
    for balance in &row.balances {
        let amount = balance.free().map_err(|error| Failure::bug("the balance was not shown", error.to_string()))?;
        free.push(format!("{}: {}", balance.project, amount.in_hours_of(&balance.unit)));
    }
    let dash = |text: Option<String>| text.filter(|text| !text.is_empty()).unwrap_or_else(|| "-".to_owned());
    Ok([
        format!("{}{}", row.site, if row.is_here { " (here)" } else { "" }),
        row.title.clone(),
        row.partitions.join(", "),
        dash(accounts),
        dash(idle),
        dash(Some(free.join(", "))),
    ])
}

fn show(context: &Context, name: &SiteName) -> Result<Answer, Failure> {
    let catalogue = wiring::catalogue(&context.configuration)?;
    let entry = catalogue.entry(name).ok_or_else(|| {
        let near = catalogue.nearest(name.as_str()).map_or_else(String::new, |near| format!("did you mean `{near}`? "));
        let next = format!("{near}`pakt sites` lists them all");
        Failure::usage(format!("`{name}` is no known site"), "there is no profile of that name", next)
    })?;
    let json =
        json!({ "version": 1, "site": name, "file": entry.file, "is_embedded": entry.is_embedded, "text": entry.text });
    Ok(Answer::new(entry.text.clone(), json))
}

async fn doctor(context: &Context) -> Result<Answer, Failure> {
    let house = context.house()?;
    let found = examine(&house).await?;
    let mut text = format!("{}: cluster {}, Slurm {}\n", house.here, found.facts.cluster, found.facts.version);
    for drift in &found.drift {
        text.push_str(&format!(
            "{}: profile {}, cluster {}; {}\n",
            drift.field, drift.profile, drift.cluster, drift.next
        ));
    }
    if found.drift.is_empty() {
        text.push_str("the profile says what the cluster says\n");
    }
    let json = json!({ "version": 1, "site": house.here, "cluster": found.facts.cluster, "slurm": found.facts.version, "drift": found.drift });
    Ok(Answer::new(text, json))
}
