//! The judge against a corpus of logs that people labelled (`labels.yaml`, `corpus/`).
//!
//! Of the labels that are held out no pattern was made: they say how well the others do beyond what they were made from. Some logs were
//! written in the style of real ones, by whoever wrote the patterns; others were recorded from programs that were made to fail.

use jobs::failure::{Evidence, judge};
use model::{BaseState, FailureClass};
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
    /// None where the log is of a program that did not fail.
    #[serde(default)]
    class: Option<FailureClass>,
    #[serde(default)]
    pattern: Option<String>,
    #[serde(default)]
    held_out: bool,
    /// The class that it is known to be given instead, because the log does not tell the true one.
    #[serde(default)]
    taken_for: Option<FailureClass>,
    /// When and on what it was recorded; none where somebody wrote it.
    #[serde(default)]
    recorded: Option<String>,
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

/// What it is judged as, and by which pattern; no class where it is no failure.
fn judged(label: &Label) -> (Option<FailureClass>, Option<String>) {
    let log =
        fs::read(folder().join("corpus").join(&label.file)).unwrap_or_else(|error| panic!("{}: {error}", label.file));
    let state = label.state.as_deref().map(|word| BaseState::from_word(word).unwrap_or_else(|| panic!("{word}")));
    let told = judge(&Evidence { state, exit_code: label.exit_code, log: &log });
    let told = told.map(|told| (told.class, told.pattern));
    assert!(
        label.class == Some(FailureClass::NodeFault) || !matches!(told, Some((FailureClass::NodeFault, _))),
        "{}: a node would be excluded for nothing ({told:?})",
        label.file
    );
    told.map_or((None, None), |(class, pattern)| (Some(class), pattern))
}

fn word(class: Option<FailureClass>) -> &'static str {
    class.map_or("no failure", FailureClass::word)
}

/// Those of some labels that are judged as something else, each with what it was taken for.
fn wrong<'a>(labels: impl Iterator<Item = &'a Label>) -> Vec<String> {
    let judged = labels.map(|label| (label, judged(label)));
    let wrong = judged.filter(|(label, (class, _))| *class != label.class);
    wrong
        .map(|(label, (class, pattern))| {
            format!("{}: {} by {pattern:?}, not {} ({})", label.file, word(class), word(label.class), label.why)
        })
        .collect()
}

#[test]
fn every_log_is_judged_as_its_label_says() {
    let mut wrong = Vec::new();
    for label in labels().iter().filter(|label| !label.held_out) {
        let (class, pattern) = judged(label);
        // Where the scheduler tells it the log may say the same.
        let is_by_the_log =
            label.pattern.is_some() || matches!(class, None | Some(FailureClass::UserCode | FailureClass::Unknown));
        if class != label.taken_for.or(label.class) || (is_by_the_log && pattern != label.pattern) {
            wrong.push(format!(
                "{}: {} by {pattern:?}, and {} by {:?} ({})",
                label.file,
                word(class),
                word(label.class),
                label.pattern,
                label.why
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Logs of which no pattern was made: most are judged right, and none of those that are the user's own is blamed on the machine.
#[test]
fn logs_of_which_no_pattern_was_made_are_mostly_judged_right() {
    let labels = labels();
    let held_out: Vec<&Label> = labels.iter().filter(|label| label.held_out && label.recorded.is_none()).collect();
    let wrong = wrong(held_out.iter().copied());
    assert!(held_out.len() >= 15 && wrong.len() * 5 <= held_out.len(), "of {}: {}", held_out.len(), wrong.join("\n"));
}

/// The same of logs that nobody wrote. How many of those that are held out are wrong is told, and not which: whoever mends the patterns is not
/// to see them.
#[test]
fn recorded_logs_are_mostly_judged_right() {
    let labels = labels();
    let (held_out, seen): (Vec<&Label>, Vec<&Label>) =
        labels.iter().filter(|label| label.recorded.is_some()).partition(|label| label.held_out);
    let of_held_out = wrong(held_out.iter().copied()).len();
    let of_seen = wrong(seen.iter().copied());
    let told = format!(
        "{of_held_out} wrong of {} held out, {} of {}: {}",
        held_out.len(),
        of_seen.len(),
        seen.len(),
        of_seen.join("\n")
    );
    assert!(of_held_out * 10 <= held_out.len() * 3 && of_seen.len() * 10 <= seen.len(), "{told}");
}

#[test]
fn the_corpus_has_every_kind_and_every_file_a_label() {
    let labels = labels();
    let mut classes: BTreeMap<FailureClass, usize> = BTreeMap::new();
    for label in &labels {
        if let Some(class) = label.class {
            *classes.entry(class).or_default() += 1;
        }
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
