//! Bytes of any kind, and files of the harness that were changed somewhere: nothing panics, and what is read stays bounded.

use crate::desk::{Desk, fixture};
use jobs::results::{Results, Wanted, results};
use proptest::prelude::*;
use reach::Local;

/// Reads a file of these bytes.
fn read(name: &str, bytes: &[u8]) -> Option<Results> {
    let desk = Desk::new();
    let path = desk.write(name, bytes);
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(results(&Local, &[path], &Wanted::default())).ok()
}

fn assert_bounded(bytes: &[u8]) {
    for name in ["x.json", "x.jsonl"] {
        let Some(results) = read(name, bytes) else { continue };
        assert!(results.told.len() <= 21 && results.matrix.scores().count() <= bytes.len());
        for (_, score) in results.matrix.scores() {
            assert!(score.source < results.matrix.sources().len());
            assert!(score.subject.model.as_str().len() <= 1024 && score.task.task.as_str().len() <= 256);
        }
    }
}

/// Pieces that a file of results is made of, and some that break it.
const PIECES: &[&str] = &[
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "\n",
    "\"",
    "\\",
    "NaN",
    "-Infinity",
    "1",
    "1e999",
    "-0.5",
    "null",
    "true",
    "\"model\"",
    "\"task\"",
    "\"metric\"",
    "\"value\"",
    "\"results\"",
    "\"acc,none\"",
    "\"acc_stderr,none\"",
    "\"groups\"",
    "\"n-shot\"",
    "\"config\"",
    "\"model_args\"",
    "\"pretrained=m\"",
    "\"model_name\"",
    "\u{0}",
    "é",
];

fn piece() -> impl Strategy<Value = String> {
    prop_oneof![8 => prop::sample::select(PIECES).prop_map(str::to_owned), 1 => "\\PC{0,8}"]
}

/// A value where a harness writes another one.
fn value() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<f64>().prop_map(Into::into),
        "\\PC{0,20}".prop_map(Into::into),
    ];
    let name = prop_oneof![Just("acc,none".to_owned()), Just("t".to_owned()), "\\PC{0,10}"];
    leaf.prop_recursive(4, 40, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Into::into),
            prop::collection::vec((name.clone(), inner), 0..6)
                .prop_map(|fields| serde_json::Value::Object(fields.into_iter().collect())),
        ]
    })
}

const FIELDS: [&str; 14] = [
    "results",
    "groups",
    "group_subtasks",
    "configs",
    "versions",
    "n-shot",
    "higher_is_better",
    "n-samples",
    "config",
    "git_hash",
    "date",
    "model_name",
    "lm_eval_version",
    "model",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        assert_bounded(&bytes);
    }

    #[test]
    fn any_pieces(pieces in prop::collection::vec(piece(), 0..80)) {
        assert_bounded(pieces.concat().as_bytes());
    }

    #[test]
    fn any_values_in_the_fields_of_the_harness(fields in prop::collection::vec((prop::sample::select(&FIELDS[..]), value()), 0..14)) {
        let file: serde_json::Map<_, _> = fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        assert_bounded(serde_json::to_string(&file).expect("JSON").as_bytes());
    }

    #[test]
    fn a_file_of_the_harness_with_some_bytes_changed(changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6), end in any::<prop::sample::Index>(), is_cut in any::<bool>()) {
        let mut bytes = fixture("0.4.13-checkpoint-100");
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        let end = if is_cut { end.index(bytes.len()) } else { bytes.len() };
        assert_bounded(&bytes[..end]);
    }

    #[test]
    fn every_value_and_error_comes_back_as_it_was_written(value in any::<f64>(), stderr in prop::option::of(0.0..1e300), step in prop::option::of(any::<u64>())) {
        let written = if value.is_nan() { "NaN".to_owned() } else if value.is_infinite() { format!("{}Infinity", if value < 0.0 { "-" } else { "" }) } else { format!("{value:e}") };
        let stderr_written = stderr.map_or("null".to_owned(), |stderr: f64| format!("{stderr:e}"));
        let step_written = step.map_or("null".to_owned(), |step| step.to_string());
        let text = format!(r#"{{"model": "m", "step": {step_written}, "task": "t", "metric": "a", "value": {written}, "stderr": {stderr_written}}}"#);
        let results = read("x.json", text.as_bytes()).expect("a score");
        let (_, score) = results.matrix.scores().next().expect("one");
        prop_assert!(score.value.is_nan() && value.is_nan() || score.value.to_bits() == value.to_bits(), "{text}: {}", score.value);
        prop_assert_eq!((score.stderr, score.subject.step), (stderr, step));
    }
}
