//! `pakt ledger decisions`

use crate::commands::{Context, view};
use crate::wiring::{DecidedKind, DecidedRecord};
use crate::{
    failure::Failure,
    output::{Answer, Table, instant},
};
use clap::builder::PossibleValuesParser;
use model::{Amount, Timestamp, Unit};
use serde_json::{Value, json};

/// Arguments of `ledger decisions`.
#[derive(Debug, clap::Args)]
pub(crate) struct Decisions {
    /// Of this kind only
    #[arg(value_parser = PossibleValuesParser::new(DecidedKind::ALL.map(DecidedKind::as_str)))]
    pub kind: Option<String>,
}

/// Lists the decisions that stand, in the order of their entries.
pub(super) async fn run(arguments: Decisions, context: &Context) -> Result<Answer, Failure> {
    let house = context.house_of_ledger().await?;
    let book = house.needed_book("the decisions were not listed").await?;
    let (_, decided) = book.log_and_decisions().await.map_err(|error| view::unread(&error))?;
    let is_wanted = |record: &DecidedRecord| arguments.kind.as_ref().is_none_or(|kind| kind == record.kind.as_str());
    let decided: Vec<_> = decided.into_iter().filter(is_wanted).collect();
    let json = json!({ "version": 1, "decided": decided });
    if decided.is_empty() {
        return Ok(Answer::new("nothing of that kind is decided\n", json));
    }
    let mut table = Table::new(&["entry", "decides", "what"]).right(&[0]);
    for record in &decided {
        let entry = record.entry.map_or_else(|| "-".to_owned(), |entry| entry.to_string());
        table.row([entry, record.kind.to_string(), said(&record.content)]);
    }
    Ok(Answer::new(table.text(), json))
}

/// A value in a line: fields by name, persons by theirs.
fn said(value: &Value) -> String {
    if let Some(person) = DecidedRecord::person(value) {
        return person.to_string();
    }
    match value {
        Value::String(text) => text.clone(),
        Value::Array(values) => format!("[{}]", values.iter().map(said).collect::<Vec<_>>().join(", ")),
        Value::Object(fields) => {
            let unit = fields.get("unit").and_then(Value::as_str).and_then(|unit| unit.parse().ok());
            let fields = fields.iter().map(|(name, value)| match value {
                Value::Object(_) if DecidedRecord::person(value).is_none() => format!("{name} ({})", said(value)),
                _ => format!("{name} {}", field(name, value, unit.as_ref())),
            });
            fields.collect::<Vec<_>>().join(", ")
        }
        _ => value.to_string(),
    }
}

/// A field whose name says what its number is: an instant, or an amount of the unit that stands beside it.
fn field(name: &str, value: &Value, unit: Option<&Unit>) -> String {
    match (name, value.as_i64(), unit) {
        ("from" | "to" | "since" | "as_of" | "recorded_at" | "observed_at", Some(seconds), _) => {
            instant(Timestamp::from_epoch_seconds(seconds))
        }
        ("granted" | "used", Some(milli), Some(unit)) => Amount::from_milli(milli).in_hours_of(unit),
        _ => said(value),
    }
}
