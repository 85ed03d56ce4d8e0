//! What programs read: one shape for one thing, whatever record it comes from (docs/reference/json.md).
//!
//! Records on disk and in the ledger keep instants and lengths of time as bare seconds and a hold as a pair. Those shapes
//! are theirs; here every instant has its zone, every length its unit, and every hold its names.

use model::Timestamp;
use serde_json::{Map, Value, json};

/// The value as it is printed.
pub(super) fn for_programs(value: Value) -> Value {
    match value {
        Value::Object(fields) => Value::Object(fields.into_iter().map(|(name, value)| field(name, value)).collect()),
        Value::Array(items) => Value::Array(items.into_iter().map(for_programs).collect()),
        other => other,
    }
}

fn field(name: String, value: Value) -> (String, Value) {
    match value.as_i64() {
        Some(seconds) if is_instant(&name) => (name, json!(Timestamp::from_epoch_seconds(seconds).to_string())),
        _ if is_length(&name) && (value.is_u64() || value.is_null()) => (format!("{name}_seconds"), value),
        _ if name == "hold" => (name, hold(value)),
        _ => (name, for_programs(value)),
    }
}

fn is_instant(name: &str) -> bool {
    const INSTANTS: [&str; 6] = ["at", "as_of", "from", "to", "since", "settled_until"];
    INSTANTS.contains(&name) || name.ends_with("_at") || name.ends_with("_as_of")
}

fn is_length(name: &str) -> bool {
    ["time_limit", "elapsed", "time"].contains(&name)
}

/// A hold is an object with `unit` and `amount`, in whatever else it has.
fn hold(value: Value) -> Value {
    match value {
        Value::Array(pair) => match <[Value; 2]>::try_from(pair) {
            Ok([unit, amount]) => json!({ "unit": unit, "amount": amount }),
            Err(items) => Value::Array(items),
        },
        Value::Object(fields) => Value::Object(of_ledger(fields)),
        other => other,
    }
}

/// The ledger's own word for the amount of a hold is its ceiling.
fn of_ledger(fields: Map<String, Value>) -> Map<String, Value> {
    let named = |name: String| match name.as_str() {
        "ceiling" => "amount".to_owned(),
        "first_ceiling" => "first_amount".to_owned(),
        _ => name,
    };
    fields.into_iter().map(|(name, value)| field(named(name), value)).collect()
}

/// Several holds of the ledger, each in the shape of a single one.
pub(crate) fn holds(holds: impl serde::Serialize) -> Value {
    match json!(holds) {
        Value::Array(items) => Value::Array(items.into_iter().map(hold).collect()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_thing_has_one_shape() {
        for (stored, printed) in [
            (json!({ "made_at": 0, "at": null }), json!({ "made_at": "1970-01-01T00:00:00Z", "at": null })),
            (json!({ "hold": ["local:core", 5] }), json!({ "hold": { "unit": "local:core", "amount": 5 } })),
            (
                json!({ "hold": { "unit": "local:core", "ceiling": 5, "opened_at": 0 } }),
                json!({ "hold": { "unit": "local:core", "amount": 5, "opened_at": "1970-01-01T00:00:00Z" } }),
            ),
            (
                json!([{ "time_limit": 60, "elapsed": null }]),
                json!([{ "time_limit_seconds": 60, "elapsed_seconds": null }]),
            ),
            (json!({ "variables": { "at": "7", "time": "8" } }), json!({ "variables": { "at": "7", "time": "8" } })),
        ] {
            assert_eq!(for_programs(stored), printed);
        }
    }
}
