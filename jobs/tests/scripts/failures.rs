//! Why a program failed, as the batch script of a chain finds it and as Pakt judges it: on the logs of `tests/failures`.

use crate::support::{job, script, site};
use jobs::failure::{Evidence, judge};
use model::{BaseState, Chain, FailureClass, JobSpec, Launch, LinkNumber, Until};
use serde::Deserialize;
use std::{
    fs::{self, File},
    path::Path,
    process::Command,
};

/// What is needed here of a label.
#[derive(Debug, Deserialize)]
struct Label {
    file: String,
    #[serde(default)]
    exit_code: Option<u32>,
    #[serde(default)]
    state: Option<String>,
    #[serde(default)]
    class: Option<FailureClass>,
}

/// The part of a script that finds out why its program failed.
fn part(script: &str) -> &str {
    let (_, behind) = script.split_once("\n# --- Why the program failed").expect("the part");
    behind.split_once('\n').expect("its title").1.split_once("\n# --- ").expect("its end").0
}

fn found(functions: &str, log: &Path, code: u32) -> String {
    let ask = format!(
        "{functions}\npakt_note_blamed() {{ :; }}\npakt_told=none pakt_class=failed pakt_log_at=0\npakt_judge {code}\nprintf '%s' \"$pakt_failure\" >&2"
    );
    let log = File::open(log).expect("a log");
    let output = Command::new("bash").args(["-c", &ask]).stdout(log).output().expect("bash");
    String::from_utf8(output.stderr).expect("a word")
}

/// The script has no more than `grep`: it may be wrong where the judge, which reads tracebacks and reports, is right, but seldom. Of
/// what is a person's own it blames no machine, because that costs no retry.
#[test]
fn the_script_finds_nearly_the_same_as_the_judge() {
    let chain = Chain {
        until: Until::Marker,
        max_links: LinkNumber::FIRST,
        max_gpu_hours: None,
        ahead: 1,
        stalled_links: 3,
        lead: None,
        signal: None,
    };
    let text = script(site("jupiter"), &JobSpec { chain: Some(chain), ..job(site("jupiter"), Launch::Torchrun) });
    let functions = part(&text);
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/failures"));
    let labels = fs::read_to_string(folder.join("labels.yaml")).expect("the labels");
    let labels: Vec<Label> = serde_yaml::from_str(&labels).expect("labels");
    let (mut asked, mut otherwise) = (0, Vec::new());
    for Label { file, exit_code, state, class } in labels {
        let Some(code) = exit_code.filter(|code| *code > 0) else { continue };
        let state = state.and_then(|word| BaseState::from_word(&word));
        let log = folder.join("corpus").join(&file);
        let bytes = fs::read(&log).expect("a log");
        let judged = judge(&Evidence { state, exit_code, log: &bytes }).map(|failure| failure.class);
        // What only the scheduler knows, and what the script sees by the signal that it got.
        let is_the_scripts = state.is_none_or(|state| state == BaseState::Failed)
            && !matches!(
                judged,
                None | Some(FailureClass::Walltime | FailureClass::Preemption | FailureClass::Cancelled)
            );
        if !is_the_scripts {
            continue;
        }
        asked += 1;
        let found = found(functions, &log, code);
        let is_blamed = found == "node-fault" && class != Some(FailureClass::NodeFault);
        assert!(!is_blamed, "{file}: a machine is blamed for {class:?}");
        if judged.map(FailureClass::word) != Some(found.as_str()) {
            otherwise.push(format!("{file}: {found}, and not {judged:?}"));
        }
    }
    println!("{} of {asked} logs are found otherwise than they are judged", otherwise.len());
    assert!(asked > 100 && otherwise.len() * 10 <= asked, "of {asked}: {}", otherwise.join("\n"));
}
