//! `job-file.md`: the fields, the words that are reserved, and what a program finds in its environment.

use crate::{
    page::{code, compare, table},
    program::{Place, cell, rows},
};
use serde_json::Value;

const HEAD: &str = "\
A job file is YAML, at most 256 KiB. `pakt check FILE` names every mistake in it with line, caret and next step; `pakt \
init` writes one with comments to begin with. These nine lines are enough where the ledger knows which account pays for the project (`pakt ledger grant`), or the site asks for none:
";

const ENVIRONMENT: &str = "\
The batch script sets these for the program. A line `step total`, with `key=value` behind it as you like, appended to the \
file that `PAKT_PROGRESS` names is shown by `pakt watch` and `pakt jobs`; a line `step path` for each checkpoint, \
once it is whole, belongs into the file that `PAKT_CHECKPOINTS` names: `pakt show` names the last one that is there.
";

/// Words that the parser keeps free for later.
const RESERVED: [&str; 2] = ["data", "telemetry"];

#[test]
fn the_page_of_the_job_file_is_what_the_parser_knows() {
    let place = Place::new();
    place.write("job.yaml", LOCAL);
    let fields = rows(&place, "job_file");
    let mut text = format!("{HEAD}\n```yaml\n{}```\n", example());
    text.push_str(&section("The job", "", &fields));
    let paths: Vec<String> = fields.iter().map(|row| cell(row, "path")).collect();
    let has_below = |path: &&String| paths.iter().any(|other| other.starts_with(&format!("{path}.")));
    for holder in paths.iter().filter(has_below) {
        text.push_str(&section(&format!("Below `{holder}`"), holder, &fields));
    }
    text.push_str("\n## Reserved words\n\nThey belong to what this version does not do yet, and are refused with that answer:\n\n");
    for word in RESERVED {
        text.push_str(&format!("- `{word}`: {}\n", purpose(&place, word)));
    }
    let variables: Vec<String> = variables(&place).iter().map(|name| code(name)).collect();
    text.push_str(&format!("\n## In the program's environment\n\n{ENVIRONMENT}\n{}\n", variables.join(", ")));
    compare("job-file.md", "Job file", &text);
}

const LOCAL: &str = "\
name: reference
kind: command
project: atlas
site: local
resources: { nodes: 1, time: \"00:10:00\" }
launch: command
run: \"true\"
";

/// The file of README.md.
fn example() -> String {
    let readme = std::fs::read_to_string(crate::page::root().join("README.md")).expect("README.md");
    let (_, from) = readme.split_once("```yaml\n").expect("the job file of README.md");
    from.split_once("```").expect("its end").0.to_owned()
}

fn section(title: &str, holder: &str, fields: &[Value]) -> String {
    let above = |path: &str| path.rsplit_once('.').map_or(String::new(), |(above, _)| above.to_owned());
    let below = fields.iter().filter(|row| above(&cell(row, "path")) == holder).map(|row| {
        let (path, example) = (cell(row, "path"), cell(row, "example"));
        let name = path.rsplit('.').next().unwrap_or_default();
        vec![code(name), cell(row, "value"), cell(row, "default"), code(&example), cell(row, "meaning")]
    });
    format!("\n## {title}\n\n{}", table(&["field", "value", "without it", "example", "meaning"], below))
}

/// What the parser says that a word is reserved for.
fn purpose(place: &Place, word: &str) -> String {
    place.write("reserved.yaml", &format!("{LOCAL}{word}: 1\n"));
    let said = place.pakt(&["--json", "check", "reserved.yaml"]);
    let error: Value = serde_json::from_str(&said.stderr).expect("JSON");
    let what = error["error"]["mistakes"][0]["what"].as_str().expect("a mistake").to_owned();
    let (_, purpose) =
        what.split_once("is reserved for ").unwrap_or_else(|| panic!("`{word}` is not reserved: {what}"));
    purpose.split_once(", which").expect("the rest of the sentence").0.to_owned()
}

/// The variables that the batch script exports under our name, in its order.
fn variables(place: &Place) -> Vec<String> {
    let script = place.printed(&["plan", "job.yaml"]);
    let exports = script.lines().filter_map(|line| line.trim().strip_prefix("export "));
    let names = exports.flat_map(str::split_whitespace).filter_map(|word| word.split_once('=')).map(|(name, _)| name);
    let names: Vec<String> = names.filter(|name| name.starts_with("PAKT_")).map(str::to_owned).collect();
    for name in ["PAKT_PROGRESS", "PAKT_CHECKPOINTS"] {
        assert!(names.iter().any(|found| found == name), "the script exports no {name}");
    }
    names
}
