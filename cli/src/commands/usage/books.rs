//! `pakt usage` of the ledger.

use super::super::ledger::known_at;
use super::{Arguments, OfBooks};
use crate::commands::Context;
use crate::output::{Answer, Table, gaps, read_by};
use crate::wiring::{
    CoveredSum, Gap, UsageField, UsageFilter, UsageGroup, UsageQuery, UsageSpan, UsageSum, table_csv, yes_or_no,
};
use crate::{
    failure::Failure,
    output::{hold, instant},
};
use jobs::used::{UsageWish, UsedSum};
use model::{Charge, Day, EndState, ResourceClass, Timestamp, Window, agreeing, counted};
use serde_json::json;

const WHAT: &str = "no usage was shown";

/// What usage is told apart by, and stands in a column of its own.
#[derive(Clone, Copy)]
enum Column {
    Of(UsageField),
    GpuModel,
    /// Always there, as the last of them.
    Unit,
}

const COLUMNS: [(&str, Column); 10] = [
    ("day", Column::Of(UsageField::Day)),
    ("month", Column::Of(UsageField::Month)),
    ("project", Column::Of(UsageField::Project)),
    ("person", Column::Of(UsageField::Person)),
    ("site", Column::Of(UsageField::Site)),
    ("cluster", Column::Of(UsageField::Cluster)),
    ("partition", Column::Of(UsageField::Partition)),
    ("gpu-model", Column::GpuModel),
    ("end-state", Column::Of(UsageField::EndState)),
    ("unit", Column::Unit),
];

pub(super) async fn run(arguments: &Arguments, context: &Context) -> Result<Answer, Failure> {
    let by = columns(&arguments.of_books.by)?;
    let wish = wish(arguments, &by)?;
    let used = jobs::used::used(&context.house_of_ledger().await?, &wish).await?;
    let names: Vec<&str> = by.iter().map(|(word, _)| *word).collect();
    let missing = &used.gaps;
    let lacks = gaps(missing).into_iter().chain(read_by(&used.read_by));
    let covered: Vec<String> = used.covered.iter().map(of_opening).collect();
    if arguments.of_books.csv {
        let rows = used.sums.iter().map(|used| cells(&by, used, is_complete(&used.sum, missing)));
        let amounts = ["unit", "amount_milliseconds", "amount_hours"].iter();
        let of_sites = SITE_CHARGE_COLUMNS.iter().filter(|_| wish.with_site_charges);
        let header: Vec<&str> = names.iter().chain(amounts).chain(of_sites).copied().chain(["complete"]).collect();
        let text = table_csv(&header, rows);
        let json = json!({ "version": 1, "usage": used.sums, "covered": used.covered, "gaps": missing,
                           "read_by": used.read_by });
        return Ok(Answer::new(text, json).product().with_notes(covered.into_iter().chain(lacks)));
    }
    let of_site = wish.with_site_charges.then_some("site charge");
    let titles: Vec<&str> = names.iter().copied().chain(["unit", "hours", ""]).chain(of_site).collect();
    let mut table = Table::new(&titles).right(&[names.len() + 1, names.len() + 3]);
    for used in &used.sums {
        let UsageSum { group, amount } = &used.sum;
        let mut cells: Vec<String> = by.iter().map(|(_, column)| of(*column, used)).collect();
        cells.extend([group.unit.to_string(), amount.hours(), group.unit.hour_word().to_owned()]);
        cells.extend(
            used.site_charges.as_ref().map(|charges| joined(charges, |charge| hold(&charge.unit, charge.amount))),
        );
        table.row(cells);
    }
    let text =
        if used.sums.is_empty() { "no run that is in the books took anything\n".to_owned() } else { table.text() };
    let notes = (used.unattributed > 0).then(|| {
        format!(
            "note: {} {} in no sum; `pakt ledger unattributed` lists them",
            counted(used.unattributed, "run"),
            agreeing(used.unattributed, "belongs to no project and is", "belong to no project and are")
        )
    });
    let json = json!({ "version": 1, "usage": used.sums, "unattributed": used.unattributed, "covered": used.covered,
                       "gaps": missing, "read_by": used.read_by });
    Ok(Answer::new(text, json).with_notes(notes.into_iter().chain(covered).chain(lacks)))
}

/// What a budget's opening has of runs of that time.
fn of_opening(CoveredSum { project, unit, runs, amount, .. }: &CoveredSum) -> String {
    let runs = counted(*runs, "run");
    format!(
        "note: the opening of `{project}` has {runs} of that time with {}, in no sum here; `pakt ledger covered {project}` lists them",
        hold(unit, *amount)
    )
}

fn wish(arguments: &Arguments, by: &[(&str, Column)]) -> Result<UsageWish, Failure> {
    let OfBooks { until, project, person, at_site, cluster, partition, unit, end_state, known_at: known, .. } =
        &arguments.of_books;
    let end_state = end_state.as_deref().map(state).transpose()?;
    let filter = UsageFilter {
        project: project.clone(),
        person: person.clone(),
        site: at_site.clone(),
        cluster: cluster.clone(),
        partition: partition.clone(),
        unit: unit.clone(),
        end_state,
    };
    let known_at = known.as_deref().map(|text| known_at(WHAT, text)).transpose()?;
    let fields = by.iter().filter_map(|(_, column)| match column {
        Column::Of(field) => Some(*field),
        Column::GpuModel | Column::Unit => None,
    });
    let by_gpu_model = by.iter().any(|(_, column)| matches!(column, Column::GpuModel));
    let span = span(arguments.since.as_deref(), until.as_deref())?;
    let gpu_model = arguments.of_books.gpu_model.as_deref().map(model).transpose()?;
    let query = UsageQuery { span, known_at, filter, by: fields.collect() };
    Ok(UsageWish { query, gpu_model, by_gpu_model, with_site_charges: arguments.of_books.site_charge })
}

/// Reads a model of GPU, in any case of letters.
fn model(text: &str) -> Result<ResourceClass, Failure> {
    text.to_ascii_lowercase().try_into().map_err(|error: model::UnitError| {
        Failure::usage(WHAT, error.to_string(), "write the profiles' word, such as `--gpu-model h100`")
    })
}

/// The first day that can be meant, and the last.
const ALWAYS: [&str; 2] = ["1970-01-01", "3000-01-01"];

/// When that day begins.
const LAST_INSTANT: i64 = 32_503_680_000;

fn span(since: Option<&str>, until: Option<&str>) -> Result<UsageSpan, Failure> {
    let given = [since, until].into_iter().flatten();
    if given.clone().all(|text| text.parse::<Day>().is_ok()) {
        let day = |text: &str| text.parse::<Day>().map_err(|_| bad(text));
        let (from, to) = (day(since.unwrap_or(ALWAYS[0]))?, day(until.unwrap_or(ALWAYS[1]))?);
        return if from < to {
            Ok(UsageSpan::Days { from, to })
        } else {
            Err(backwards(&from.to_string(), &to.to_string()))
        };
    }
    let instant_of = |text: &str| text.parse::<Timestamp>().map_err(|_| bad(text));
    if let Some(day) = given.into_iter().find(|text| text.parse::<Day>().is_ok()) {
        let why =
            format!("`{day}` is a day, which begins at another instant at every site, and the other end is a time");
        return Err(Failure::usage(WHAT, why, "write both as days, or both as times with a zone"));
    }
    let from = since.map_or(Ok(Timestamp::from_epoch_seconds(0)), instant_of)?;
    let to = until.map_or(Ok(Timestamp::from_epoch_seconds(LAST_INSTANT)), instant_of)?;
    if from < to { Ok(UsageSpan::Instants(Window { from, to })) } else { Err(backwards(&instant(from), &instant(to))) }
}

fn bad(text: &str) -> Failure {
    let next = "write a day such as 2026-11-23, or a time such as 2026-11-23T22:14:00Z";
    Failure::usage(WHAT, format!("`{text}` is neither a day nor a time with a zone"), next)
}

fn backwards(from: &str, to: &str) -> Failure {
    let why = format!("from {from} until {to}: no time lies between them");
    Failure::usage(WHAT, why, "write a later `--until`, or an earlier `--since`")
}

/// The columns in front of the unit, with their words.
fn columns(by: &[String]) -> Result<Vec<(&'static str, Column)>, Failure> {
    let found = by.iter().map(|text| {
        COLUMNS.into_iter().find(|(word, _)| word == text).ok_or_else(|| {
            let words = COLUMNS.map(|(word, _)| word).join(", ");
            Failure::usage(WHAT, format!("usage cannot be told apart by `{text}`"), format!("write some of {words}"))
        })
    });
    let found = found.collect::<Result<Vec<_>, _>>()?;
    Ok(found.into_iter().filter(|(_, column)| !matches!(column, Column::Unit)).collect())
}

fn state(text: &str) -> Result<EndState, Failure> {
    EndState::from_word(&text.to_uppercase()).ok_or_else(|| {
        let next = "write Slurm's word, such as `--end-state COMPLETED`";
        Failure::usage(WHAT, format!("`{text}` is no state that a run ends in"), next)
    })
}

/// What a group says in a field; `-` where the site did not say.
fn of(column: Column, UsedSum { gpu_model, sum, .. }: &UsedSum) -> String {
    let text = match column {
        Column::Of(field) => of_group(field, &sum.group),
        Column::GpuModel => gpu_model.as_ref().map(|model| model.as_str().to_owned()),
        Column::Unit => Some(sum.group.unit.to_string()),
    };
    text.unwrap_or_else(|| "-".to_owned())
}

fn of_group(field: UsageField, group: &UsageGroup) -> Option<String> {
    match field {
        UsageField::Day => group.day.map(|day| day.to_string()),
        UsageField::Month => group.month.map(|month| month.to_string()),
        UsageField::Project => group.project.as_ref().map(ToString::to_string),
        UsageField::Person => group.person.as_ref().map(ToString::to_string),
        UsageField::Site => group.site.as_ref().map(ToString::to_string),
        UsageField::Cluster => {
            group.site.as_ref().zip(group.cluster.as_ref()).map(|(site, name)| format!("{site}/{name}"))
        }
        UsageField::Partition => group.partition.as_ref().map(ToString::to_string),
        UsageField::EndState => group.end_state.map(|state| state.as_str().to_owned()),
    }
}

/// The columns of what sites charge by their own formula, each with one value a unit of theirs.
const SITE_CHARGE_COLUMNS: [&str; 2] = ["site_charge_milliseconds", "site_charge_unit"];

/// What the sites charge, in every unit that they charge in: nothing where nobody knows it, and nearly always one.
fn joined(charges: &[Charge], shown: impl Fn(&Charge) -> String) -> String {
    charges.iter().map(shown).collect::<Vec<_>>().join("; ")
}

/// Whether all that may belong into a sum was read.
fn is_complete(sum: &UsageSum, missing: &[Gap]) -> bool {
    let is_of = |gap: &&Gap| {
        gap.unit == sum.group.unit && sum.group.project.as_ref().is_none_or(|project| *project == gap.project)
    };
    !missing.iter().any(|gap| is_of(&gap))
}

fn cells(by: &[(&str, Column)], used: &UsedSum, is_complete: bool) -> Vec<String> {
    let sum = &used.sum;
    let mut cells: Vec<String> = by.iter().map(|(_, column)| of(*column, used)).collect();
    cells.extend([sum.group.unit.to_string(), sum.amount.milli().to_string(), sum.amount.hours()]);
    if let Some(charges) = &used.site_charges {
        cells.push(joined(charges, |charge| charge.amount.milli().to_string()));
        cells.push(joined(charges, |charge| charge.unit.to_string()));
    }
    cells.push(yes_or_no(is_complete).to_owned());
    cells
}
