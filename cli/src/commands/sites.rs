//! `pakt sites`

use super::Context;
use crate::{
    failure::Failure,
    output::{Answer, Table},
    wiring,
};
use jobs::site_view::{SiteRow, examine, sites};
use serde_json::json;
use std::collections::BTreeMap;

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
        name: String,
    },
    /// Show the tariffs of a site, those that held before too, by the ids that prices name
    Tariffs {
        /// The site
        name: String,
    },
    /// Compare this site's profile with what its cluster says
    Doctor,
}

/// Shows sites.
pub(crate) async fn run(arguments: &Arguments, context: &Context) -> Result<Answer, Failure> {
    match &arguments.action {
        None => list(context).await,
        Some(Action::Show { name }) => show(context, name),
        Some(Action::Tariffs { name }) => tariffs(context, name),
        Some(Action::Doctor) => doctor(context).await,
    }
}

/// A line of the list is at most so long.
const WIDTH: usize = 100;
/// The partitions of a site take so much of it at most.
const PARTITIONS_WIDTH: usize = 44;

async fn list(context: &Context) -> Result<Answer, Failure> {
    let catalogue = wiring::catalogue(&context.configuration)?;
    let here = wiring::here(&context.general, &context.configuration, &catalogue);
    // A site that was typed and does not exist is a mistake; anything else is told beside the list, which does not need it.
    let (here, unclear) = match here {
        Err(failure) if context.general.site.is_some() => return Err(failure),
        Err(failure) => {
            (wiring::local(), Some(format!("no site was detected here: {}; {}", failure.why, failure.next)))
        }
        Ok(here) => (here, None),
    };
    let (house, unread) = wiring::house_to_read(&context.configuration, catalogue, here).await?;
    let found = sites(&house, unclear.clone()).await?;
    let mut table = Table::new(&["site", "partitions", "free"]);
    for row in &found.sites {
        table.row(cells(row)?);
    }
    let text = found.sites.iter().filter(|row| row.is_here).fold(table.text(), |text, row| text + &of_here(row));
    let asked = found.unasked.iter().map(|why| match &unclear {
        Some(unclear) => format!("note: {unclear}"),
        None => format!("note: the cluster here was not asked: {why}"),
    });
    let notes: Vec<String> = asked.chain(unread).collect();
    Ok(Answer::new(text, json!({ "version": 1, "sites": found.sites, "unasked": found.unasked })).with_notes(notes))
}

fn cells(row: &SiteRow) -> Result<[String; 3], Failure> {
    let mut free = Vec::new();
    for balance in &row.balances {
        let amount = balance.free().map_err(|error| Failure::bug("the balance was not shown", error.to_string()))?;
        let most = if balance.completeness.is_known() { "" } else { "at most " };
        free.push(format!("{}: {most}{}", balance.project, amount.in_hours_of(&balance.unit)));
    }
    let site = format!("{}{}", row.site, if row.is_here { " (here)" } else { "" });
    let left = WIDTH.saturating_sub(LONGEST_SITE + PARTITIONS_WIDTH + 4);
    Ok([site, fitted(&row.partitions, PARTITIONS_WIDTH), fitted(&free, left)])
}

/// `juwels-booster (here)`, the longest that comes with the program.
const LONGEST_SITE: usize = 21;

/// What is known only where one is, below the table.
fn of_here(row: &SiteRow) -> String {
    let accounts = row.accounts.iter().flatten().map(ToString::to_string).collect::<Vec<_>>();
    let idle = row.idle_nodes.iter().flatten().map(|(name, count)| format!("{name} {count}")).collect::<Vec<_>>();
    let lines = [("accounts here", accounts), ("idle nodes here", idle)];
    let shown = lines.iter().filter(|(_, items)| !items.is_empty());
    shown.map(|(name, items)| format!("{name:<16} {}\n", fitted(items, WIDTH - 17))).collect()
}

/// As many of the items as fit, and how many more there are: `booster, devel, +3`.
fn fitted(items: &[String], width: usize) -> String {
    if items.is_empty() {
        return "-".to_owned();
    }
    let whole = items.join(", ");
    if whole.chars().count() <= width {
        return whole;
    }
    let shortened =
        (1..items.len()).rev().map(|count| format!("{}, +{}", items[..count].join(", "), items.len() - count));
    let mut all = shortened.collect::<Vec<_>>();
    let least = all.pop().unwrap_or(whole);
    all.into_iter().find(|text| text.chars().count() <= width).unwrap_or(least)
}

fn show(context: &Context, name: &str) -> Result<Answer, Failure> {
    let catalogue = wiring::catalogue(&context.configuration)?;
    let name = wiring::named_site(&catalogue, name)?;
    let entry = catalogue.entry(&name).ok_or_else(|| Failure::bug("no site was shown", format!("`{name}` is lost")))?;
    let json =
        json!({ "version": 1, "site": name, "file": entry.file, "is_embedded": entry.is_embedded, "text": entry.text });
    Ok(Answer::new(entry.text.clone(), json))
}

fn tariffs(context: &Context, name: &str) -> Result<Answer, Failure> {
    let catalogue = wiring::catalogue(&context.configuration)?;
    let name = wiring::named_site(&catalogue, name)?;
    let site = catalogue.get(&name).ok_or_else(|| Failure::bug("no site was shown", format!("`{name}` is lost")))?;
    let terms: BTreeMap<String, String> =
        site.tariffs_ever().map(|tariff| (tariff.id.to_string(), tariff.terms())).collect();
    let text = terms.iter().map(|(id, terms)| format!("{id}\n  {terms}\n")).collect::<String>();
    let tariffs: Vec<_> = terms.iter().map(|(id, terms)| json!({ "id": id, "terms": terms })).collect();
    Ok(Answer::new(text, json!({ "version": 1, "site": name, "tariffs": tariffs })))
}

async fn doctor(context: &Context) -> Result<Answer, Failure> {
    let house = context.house_to_look().await?;
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
