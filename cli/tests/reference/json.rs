//! `json.md`: written by hand, because its sentences say more than names; every name in it is one that the program prints.

use crate::{page::root, program::Place};
use serde_json::Value;
use std::collections::BTreeSet;

fn page() -> String {
    std::fs::read_to_string(root().join("docs/reference/json.md")).expect("the page")
}

/// The words in code of a text that could be names of fields: `error.kind` gives `error` and `kind`.
fn names(text: &str) -> BTreeSet<String> {
    let is_name = |word: &&str| word.chars().all(|letter| letter.is_ascii_lowercase() || "._".contains(letter));
    let words = text.split('`').skip(1).step_by(2).filter(is_name);
    words.flat_map(|word| word.split('.')).filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

/// The line of the page that begins so.
fn line<'page>(page: &'page str, beginning: &str) -> &'page str {
    page.lines().find(|line| line.starts_with(beginning)).unwrap_or_else(|| panic!("no line `{beginning}`"))
}

fn keys(value: &Value) -> BTreeSet<String> {
    value.as_object().expect("an object").keys().cloned().collect()
}

fn failure(place: &Place, words: &[&str]) -> Value {
    let said = place.pakt(&[&["--json"], words].concat());
    serde_json::from_str(&said.stderr).expect("JSON")
}

#[test]
fn the_page_names_every_field_of_a_failure() {
    let (place, page) = (Place::new(), page());
    place.write("wrong.yaml", "name: x\n");
    let failure = failure(&place, &["check", "wrong.yaml"]);
    let fields: BTreeSet<String> = page
        .lines()
        .filter(|line| line.starts_with("| `error."))
        .flat_map(|line| names(line.split('|').nth(1).expect("a cell")))
        .filter(|name| name != "error")
        .collect();
    assert_eq!(fields, keys(&failure["error"]));
    let mistake = line(&page, "| `error.mistakes`").split('|').nth(2).expect("a cell");
    assert_eq!(names(mistake), keys(&failure["error"]["mistakes"][0]));
    // `docs/reference/json.md` has the findings in one sentence.
    let findings = page.split("in `findings`:").nth(1).and_then(|rest| rest.split(". `pakt sites`").next());
    let values = ["error", "warning"].map(str::to_owned);
    let named: BTreeSet<String> =
        names(findings.expect("a sentence")).into_iter().filter(|name| !values.contains(name)).collect();
    assert_eq!(named, keys(&place.json(&["--json", "doctor"])["findings"][0]));
}

fn collect(value: &Value, names: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            names.extend(fields.keys().cloned());
            fields.values().for_each(|field| collect(field, names));
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, names)),
        _ => {}
    }
}

/// Words in code that are no names of fields.
const OTHER_WORDS: [&str; 27] = [
    "_as_of",
    "_at",
    "_hours",
    "bug",
    "md",
    "null",
    "refused",
    "show",
    "unknown",
    "unreachable",
    "usage",
    "warning",
    "watch",
    "plan",
    "statement",
    "submit",
    // Values, of events, decisions and completeness.
    "ahead",
    "allow",
    "arrives",
    "deny",
    "forfeited",
    "read",
    "repays",
    "struck",
    "warn",
    // Of an answer that needs a key to be pressed.
    "job",
    "was_interrupted",
];

#[test]
fn every_name_of_the_page_is_one_that_a_command_prints() {
    let place = Place::new();
    place.write("wrong.yaml", "name: x\n");
    let job = "name: tiny\nkind: command\nproject: atlas\nsite: local\nlaunch: command\nrun: \"sleep 1\"\n\
               resources: { nodes: 1, cpus: 1, time: \"00:10:00\" }\n";
    place.write("job.yaml", job);
    place.write("large.yaml", &job.replace("00:10:00", "20:00:00"));
    place.write("figures.csv", "project,unit,used,as_of\natlas,local:core,2,2026-11-01\n");
    let mut printed = BTreeSet::new();
    collect(&failure(&place, &["check", "wrong.yaml"]), &mut printed);
    for words in [
        &["doctor"][..],
        &["ledger", "init"],
        &["ledger", "grant", "atlas", "10", "--unit", "local:core", "--policy", "hard-stop"],
        &["ledger", "open", "atlas", "1", "--unit", "local:core", "--note", "portal"],
        &["ledger", "open", "atlas", "--from-site", "figures.csv"],
        &["ledger", "grant", "atlas", "10", "--unit", "jupiter:gh200", "--account", "hai"],
        &["plan", "job.yaml"],
        &["plan", "large.yaml"],
        &["submit", "job.yaml"],
        &["balance"],
        &["watch", "tiny"],
        &["show", "tiny"],
        &["jobs"],
        &["settle"],
        &["usage", "--by", "end-state"],
        &["usage", "--mine"],
        &["sites"],
        &["ledger", "bindings"],
        &["ledger", "statement", "atlas"],
    ] {
        collect(&place.json(&[&["--json"], words].concat()), &mut printed);
    }
    let unknown: Vec<String> = names(&page())
        .into_iter()
        .filter(|name| !printed.contains(name) && !OTHER_WORDS.contains(&name.as_str()))
        .collect();
    assert_eq!(unknown, [""; 0], "docs/reference/json.md names fields that no command prints");
}
