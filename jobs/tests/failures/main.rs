//! The judge against a corpus of logs that people labelled (`labels.yaml`, `corpus/`).
//!
//! Of the labels that are held out no pattern was made: they say how well the others do beyond what they were made from.

use jobs::failure::{Evidence, FailureClass, judge};
use model::BaseState;
use serde::Deserialize;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Label {
    file: String,
    #[serde(default)]
    exit_code: Option<u32>,
    #[serde(default)]
    state: Option<String>,
    class: FailureClass,
    #[serde(default)]
    pattern: Option<String>,
    #[serde(default)]
    held_out: bool,
    /// Why that is right.
    why: String,
}

fn folder() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/failures"))
}

fn labels() -> Vec<Label> {
    let text = fs::read_to_string(folder().join("labels.yaml")).expect("the labels");
    serde_yaml::from_str(&text).expect("labels")
}

fn judged(label: &Label) -> (FailureClass, Option<String>) {
    let log =
        fs::read(folder().join("corpus").join(&label.file)).unwrap_or_else(|error| panic!("{}: {error}", label.file));
    let state = label.state.as_deref().map(|word| BaseState::from_word(word).unwrap_or_else(|| panic!("{word}")));
    let told = judge(&Evidence { state, exit_code: label.exit_code, log: &log });
    let told = told.unwrap_or_else(|| panic!("{} is no failure", label.file));
    (told.class, told.pattern)
}

#[test]
fn every_log_is_judged_as_its_label_says() {
    let mut wrong = Vec::new();
    for label in labels().iter().filter(|label| !label.held_out) {
        let (class, pattern) = judged(label);
        // Where the scheduler tells it the log may say the same.
        let is_by_the_log = label.pattern.is_some() || matches!(class, FailureClass::UserCode | FailureClass::Unknown);
        if class != label.class || (is_by_the_log && pattern != label.pattern) {
            wrong.push(format!(
                "{}: {class} by {pattern:?}, and {} by {:?} ({})",
                label.file, label.class, label.pattern, label.why
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Logs of which no pattern was made: most are judged right, and none of those that are the user's own is blamed on the machine.
#[test]
fn logs_of_which_no_pattern_was_made_are_mostly_judged_right() {
    let labels = labels();
    let held_out: Vec<&Label> = labels.iter().filter(|label| label.held_out).collect();
    let wrong: Vec<String> = held_out
        .iter()
        .filter_map(|label| {
            let (class, pattern) = judged(label);
            assert!(
                label.class == FailureClass::NodeFault || class != FailureClass::NodeFault,
                "{}: a node would be excluded for nothing ({pattern:?})",
                label.file
            );
            (class != label.class).then(|| format!("{}: {class} by {pattern:?}, not {}", label.file, label.class))
        })
        .collect();
    assert!(held_out.len() >= 15 && wrong.len() * 5 <= held_out.len(), "of {}: {}", held_out.len(), wrong.join("\n"));
}

#[test]
fn the_corpus_has_every_kind_and_every_file_a_label() {
    let labels = labels();
    let mut classes: BTreeMap<FailureClass, usize> = BTreeMap::new();
    for label in &labels {
        *classes.entry(label.class).or_default() += 1;
    }
    for class in [
        FailureClass::Walltime,
        FailureClass::NodeFault,
        FailureClass::HostOom,
        FailureClass::GpuOom,
        FailureClass::Communication,
        FailureClass::Io,
        FailureClass::Setup,
        FailureClass::UserCode,
    ] {
        assert!(classes.get(&class).is_some_and(|count| *count >= 2), "{class}: {classes:?}");
    }
    let named: BTreeSet<String> = labels.iter().map(|label| label.file.clone()).collect();
    assert_eq!(named.len(), labels.len(), "a file has two labels");
    let files = fs::read_dir(folder().join("corpus")).expect("the corpus");
    let there: BTreeSet<String> =
        files.map(|file| file.expect("a file").file_name().to_string_lossy().into_owned()).collect();
    assert_eq!(named, there);
}
