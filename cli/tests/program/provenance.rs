//! What a job is made of, as its person sees it: its code while it waits, what is told of it, and a research object of it.

use crate::desk::Desk;
use insta::assert_snapshot;
use serde_json::Value;
use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

const VALIDATOR: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/program/validate_crate.py");

fn git(folder: &Path, words: &[&str]) {
    let output = Command::new("git")
        .args(["-c", "user.name=Ada", "-c", "user.email=ada@example.org", "-c", "init.defaultBranch=main"])
        .args(words)
        .current_dir(folder)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_AUTHOR_DATE", "2026-11-01T00:00:00Z")
        .env("GIT_COMMITTER_DATE", "2026-11-01T00:00:00Z")
        .output()
        .expect("git");
    assert!(output.status.success(), "git {words:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// The desk's folder as a repository with one commit, and a job file in it that says more.
fn repository(desk: &Desk, run: &str, more: &str) -> String {
    let file = desk.job("lm", run);
    let text = fs::read_to_string(desk.work().join(&file)).expect("written");
    desk.write(&file, &format!("{more}{text}"));
    desk.write("value", "of then\n");
    git(&desk.work(), &["init", "--quiet"]);
    git(&desk.work(), &["add", "--all"]);
    git(&desk.work(), &["commit", "--quiet", "--message", "first"]);
    git(&desk.work(), &["remote", "add", "origin", "https://ada:token@git.example.org/atlas/lm.git"]);
    file
}

#[test]
fn a_job_sees_the_tree_of_its_submission_though_it_was_changed_while_the_job_waited() {
    let desk = Desk::new();
    let gate = desk.work().join("gate.open");
    // All of the machine's cores are taken until the gate is open.
    let first = desk.job_at(
        "local",
        "first",
        "{ nodes: 1, cpus: 2, time: \"00:10:00\" }",
        &format!("until [ -e '{}' ]; do sleep 0.05; done", gate.display()),
    );
    desk.write(".gitignore", "gate.open\n");
    let frozen = repository(&desk, "cat value; echo made >out; basename \"$PWD\"", "code: frozen\n");
    desk.json(&["submit", &first]);
    desk.json(&["submit", &frozen]);
    let live = desk.job("live", "cat value");
    desk.json(&["submit", &live]);
    let state = |job: &str| desk.json(&["show", "--fresh", job])["state"]["base"].clone();
    assert_eq!([state("lm"), state("live")], ["PENDING", "PENDING"]);
    desk.write("value", "of later\n");
    git(&desk.work(), &["commit", "--quiet", "--all", "--message", "second"]);
    fs::write(&gate, "").expect("ours");
    for job in ["lm", "live"] {
        desk.json(&["watch", job]);
    }
    assert_eq!(desk.json(&["logs", "lm"])["text"], "of then\ncode\n");
    assert_eq!(desk.json(&["logs", "live"])["text"], "of later\n");
    assert!(!desk.work().join("out").exists(), "what it writes beside its code stays in its own folder");
    let told = desk.json(&["show", "lm", "--provenance"]);
    assert_eq!((&told["now"][0]["tree"], &told["is_script_as_recorded"]), (&"moved".into(), &true.into()), "{told}");
    // The same file once more is a new job with the new code.
    desk.pakt(&["submit", "--watch", &frozen]).expect(0);
    assert_eq!(desk.json(&["logs", "lm"])["text"], "of later\ncode\n");
}

#[test]
fn what_a_job_is_made_of_is_told() {
    let desk = Desk::new();
    let file = repository(&desk, "true", "");
    desk.write("value", "changed\n");
    desk.write("notes", "1234");
    desk.pakt(&["submit", "--watch", &file]).expect(0);
    let shown = desk.pakt(&["show", "lm", "--provenance"]).expect(0).shown();
    assert_snapshot!(without_digests(&desk, &shown), @"
    exit 0
    --- stdout
    job        <job>
    name       lm
    recorded   <instant> by pakt 0.1.0
    scheduler  it has no release
    profile    profiles/local.yaml, <size> bytes, sha256 <digest>
    request    <digest>
    script     <size> bytes, sha256 <digest>
    source     <work> (workdir, job file), from https://git.example.org/atlas/lm.git
               commit <digest> on main; 1 changed file, in code/<user>/<digest>.diff (177 bytes)
               untracked: notes (4 bytes)
               now: the same
    code       live: what lies there when it starts
    ");
    let text = desk.job("bare", "true");
    let folder = desk.work().join("bare");
    fs::create_dir(&folder).expect("fresh");
    fs::rename(desk.work().join(".git"), folder.join("no-git")).expect("ours");
    desk.pakt(&["submit", "--watch", &text]).expect(0);
    let shown = desk.pakt(&["show", "bare", "--provenance"]).expect(0);
    assert!(shown.stdout.contains("(workdir, job file): it lies in no git repository\n"), "{}", shown.stdout);
}

/// The text with words for what differs with the folder, the person and the version: digests, and sizes in front of them.
fn without_digests(desk: &Desk, text: &str) -> String {
    let user = desk.tool(&["id", "-un"]);
    let text = text.replace(&format!("code/{user}/"), "code/<user>/");
    let mut scrubbed = String::new();
    let mut rest = text.as_str();
    while let Some(first) = rest.chars().next() {
        let digits = rest.find(|letter: char| !letter.is_ascii_hexdigit()).unwrap_or(rest.len());
        let (word, taken) = if digits >= 10 {
            ("<digest>", digits)
        } else {
            (&rest[..digits.max(first.len_utf8())], digits.max(first.len_utf8()))
        };
        scrubbed.push_str(word);
        rest = &rest[taken..];
    }
    let line = |line: &str| match line.split_once(" bytes, sha256 ") {
        Some((before, after)) => {
            format!("{}<size> bytes, sha256 {after}", before.trim_end_matches(|digit: char| digit.is_ascii_digit()))
        }
        None => line.to_owned(),
    };
    scrubbed.lines().map(line).collect::<Vec<_>>().join("\n")
}

/// The metadata of an object, its entities by their ids.
fn metadata(folder: &Path) -> (Value, std::collections::BTreeMap<String, Value>) {
    let text = fs::read(folder.join("ro-crate-metadata.json")).expect("written");
    let whole: Value = serde_json::from_slice(&text).expect("JSON");
    let entities = whole["@graph"].as_array().expect("a list").iter();
    let by_id = entities.map(|entity| (entity["@id"].as_str().expect("an id").to_owned(), entity.clone())).collect();
    (whole, by_id)
}

/// A job that is over, exported.
fn exported(desk: &Desk, run: &str, more: &str) -> PathBuf {
    let file = repository(desk, run, more);
    desk.json(&["submit", &file]);
    // Its end may be bad.
    desk.pakt(&["watch", "lm"]);
    desk.json(&["settle"]);
    let folder = desk.work().join("crate");
    desk.json(&["export", "lm", "--ro-crate", "crate"]);
    folder
}

/// Every id that an entity refers to.
fn references(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => match fields.get("@id") {
            Some(Value::String(id)) if fields.len() == 1 => drop(found.insert(id.clone())),
            _ => fields.values().for_each(|field| references(field, found)),
        },
        Value::Array(items) => items.iter().for_each(|item| references(item, found)),
        _ => {}
    }
}

#[test]
fn an_exported_job_keeps_what_the_specification_demands() {
    let desk = Desk::with_grant("10");
    let mail = "notify: { mail: ada@example.org }\n";
    let folder = exported(&desk, "cat value; exit 3", &format!("code: frozen\n{mail}"));
    let (whole, by_id) = metadata(&folder);
    assert_eq!(whole["@context"][0], "https://w3id.org/ro/crate/1.1/context");
    let descriptor = &by_id["ro-crate-metadata.json"];
    assert_eq!(descriptor["conformsTo"]["@id"], "https://w3id.org/ro/crate/1.1");
    assert_eq!(descriptor["about"]["@id"], "./");
    let root = &by_id["./"];
    for name in ["name", "description", "datePublished", "license"] {
        assert!(!root[name].is_null(), "the root has no {name}: {root}");
    }
    assert_eq!(by_id[root["conformsTo"]["@id"].as_str().expect("one")]["@type"], "CreativeWork");
    // Every file is a part, is there, and is what it says.
    let parts = root["hasPart"].as_array().expect("several");
    let mut names: BTreeSet<String> = BTreeSet::from(["ro-crate-metadata.json".to_owned()]);
    for part in parts {
        let name = part["@id"].as_str().expect("an id").to_owned();
        let bytes = fs::read(folder.join(&name)).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(by_id[&name]["contentSize"], bytes.len().to_string(), "{name}");
        names.insert(name);
    }
    let there = fs::read_dir(&folder).expect("there").map(|entry| entry.expect("one").file_name().into_string());
    assert_eq!(there.map(|name| name.expect("text")).collect::<BTreeSet<_>>(), names);
    // What is referred to inside is inside.
    let mut referred = BTreeSet::new();
    for entity in by_id.values() {
        references(entity, &mut referred);
    }
    let missing: Vec<_> = referred.iter().filter(|id| !by_id.contains_key(*id) && !id.starts_with("http")).collect();
    assert!(missing.is_empty() && referred.contains("https://w3id.org/ro/crate/1.1"), "{missing:?}");
    let run = &by_id["#run"];
    assert_eq!(
        (&run["@type"], &run["actionStatus"]),
        (&"CreateAction".into(), &"http://schema.org/FailedActionStatus".into())
    );
    assert_eq!(run["error"], "FAILED, exit code 3");
    assert_eq!(run["result"]["@id"], "log");
    assert_eq!(by_id["#code-0"]["codeRepository"], "https://git.example.org/atlas/lm.git");
    assert_eq!(by_id["#usage-0"]["unitText"], "core-h");
    assert_eq!(fs::read_to_string(folder.join("log")).expect("there"), "of then\n");
    // Neither mail nor secret.
    for name in &names {
        let bytes = fs::read(folder.join(name)).expect("there");
        let text = String::from_utf8_lossy(&bytes);
        // The archive is the tree as it was, job file and all.
        assert!(name == "code.tar" || !text.contains("ada@example.org"), "{name} has the mail address");
        assert!(!text.contains("ada:token"), "{name} has a secret");
    }
}

#[test]
fn only_what_is_over_is_exported_and_nothing_is_written_over() {
    let desk = Desk::new();
    let gate = desk.work().join("gate");
    let file = desk.job("long", &format!("until [ -e '{}' ]; do sleep 0.05; done", gate.display()));
    desk.json(&["submit", &file]);
    assert_snapshot!(desk.pakt(&["export", "long", "--ro-crate", "crate"]).shown(), @"
    exit 2
    --- stderr
    error: job `long` was not exported
    why:   it is not over
    next:  wait for its end: `pakt watch <job>`
    ");
    fs::write(&gate, "").expect("ours");
    desk.json(&["watch", "long"]);
    assert_snapshot!(desk.pakt(&["export", "long", "--ro-crate", "crate"]).shown(), @"
    exit 0
    --- stdout
    wrote job <job> to crate (5 files)
    --- stderr
    note: what it took is not in it: nothing of it is settled in the ledger
    ");
    assert_snapshot!(desk.pakt(&["export", "long", "--ro-crate", "crate"]).shown(), @"
    exit 2
    --- stderr
    error: the job was not exported
    why:   `crate`: it is there already
    next:  name another folder
    ");
    let words = ["export", "long", "--ro-crate", "other", "--license", "MIT"];
    assert_snapshot!(desk.pakt(&words).shown(), @"
    exit 2
    --- stderr
    error: the job was not exported
    why:   `MIT` is no address of a licence
    next:  such as https://spdx.org/licenses/CC-BY-4.0, which says what people may do with it
    ");
    assert!(!desk.work().join("other").exists());
    desk.pakt(&["export", "long", "--ro-crate", "other", "--license", "https://spdx.org/licenses/MIT"]).expect(0);
    assert_eq!(metadata(&desk.work().join("other")).1["./"]["license"]["@id"], "https://spdx.org/licenses/MIT");
}

#[test]
fn real_validator_finds_nothing_to_demand_of_an_exported_job() {
    let environment = std::env::var("PAKT_CI_ROCRATE")
        .expect("PAKT_CI_ROCRATE names an environment with roc-validator (ci/test sets it)");
    let saves =
        "mkdir -p saved; echo \"$PAKT_LINK $PWD/saved\" >>\"$PAKT_CHECKPOINTS\"; [ \"$PAKT_LINK\" = 2 ] || exit 75";
    for (run, more) in [
        ("cat value", "code: frozen\n"),
        ("exit 3", ""),
        (saves, "chain: { until: steps, steps: 2 }\n"),
        ("echo \"$seed\"", "sweep: { grid: { seed: [1, 2, 3] } }\n"),
    ] {
        let desk = Desk::with_grant("10");
        let folder = exported(&desk, run, more);
        let validate = |folder: &Path| {
            let python = Path::new(&environment).join("bin/python");
            Command::new(python).arg(VALIDATOR).arg(folder).arg("REQUIRED").output().expect("python")
        };
        let output = validate(&folder);
        let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{run}: {said}");
        // It would have found something.
        let path = folder.join("ro-crate-metadata.json");
        let text = fs::read_to_string(&path).expect("there").replace("\"instrument\"", "\"instruments\"");
        fs::write(&path, text).expect("ours");
        assert!(!validate(&folder).status.success(), "{run}: an action without an instrument was taken");
    }
}
