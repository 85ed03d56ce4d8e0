//! What programs read: every command with `--json` prints one object with the fields that all have, and one thing has one
//! name, one shape and one unit in all of them.

use crate::desk::Desk;
use serde_json::{Value, json};

/// Calls `look` with every field below a value, its path, and the object that it stands in.
fn walk(path: &str, value: &Value, look: &mut dyn FnMut(&str, &str, &Value, &Value)) {
    match value {
        Value::Object(fields) => {
            for (name, field) in fields {
                let below = format!("{path}.{name}");
                look(&below, name, field, value);
                walk(&below, field, look);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| walk(&format!("{path}[]"), item, look)),
        _ => {}
    }
}

/// One shape for one thing.
fn assert_shapes(command: &str, value: &Value) {
    walk(command, value, &mut |path, name, field, holder| {
        if name.ends_with("_at")
            || name.ends_with("_as_of")
            || ["at", "as_of", "since", "settled_until"].contains(&name)
        {
            let has_zone = field.as_str().is_some_and(|text| text.ends_with('Z') && text.contains('T'));
            assert!(field.is_null() || has_zone, "{path}: an instant without a zone: {field}");
        }
        let has_no_unit = ["time_limit", "elapsed"].contains(&name);
        assert!(!has_no_unit, "{path}: a length of time without a unit: {field}");
        if name.ends_with("_seconds") {
            assert!(field.is_null() || field.is_u64(), "{path}: {field}");
        }
        if name == "hold" && !path.ends_with("links.hold") && !field.is_null() {
            assert!(field["unit"].is_string() && field["amount"].is_i64(), "{path}: {field}");
        }
        if name == "state" && !field.is_null() && holder.get("runs").is_none() {
            assert!(field["base"].is_string() && field["flags"].is_array(), "{path}: {field}");
        }
        // Seconds since the epoch would look like this.
        let looks_like_an_instant =
            field.as_i64().is_some_and(|number| (1_700_000_000..2_100_000_000).contains(&number));
        assert!(!looks_like_an_instant, "{path}: an instant as a bare number: {field}");
    });
}

#[test]
fn every_command_prints_one_object_with_the_common_fields() {
    let desk = Desk::new();
    let file = desk.job("tiny", "echo \"1 1 done\" >>\"$PAKT_PROGRESS\"; echo trained");
    desk.write("x.scores.jsonl", r#"{"model": "m", "task": "t", "metric": "a", "value": 1, "date": 1790000000}"#);
    let commands: [&[&str]; 40] = [
        &["ledger", "init"],
        &["ledger", "grant", "atlas", "10", "--unit", "local:core"],
        &["ledger", "withdraw", "atlas", "1", "--unit", "local:core", "--reason", "mistyped"],
        &["ledger", "expire"],
        &["ledger", "open", "atlas", "1", "--unit", "local:core", "--note", "site portal"],
        &["ledger", "bind", "atlas", "--unit", "local:core", "--user", "bob"],
        &["ledger", "enforce", "atlas", "--unit", "local:core"],
        &["ledger", "policy", "atlas", "--unit", "local:core", "--policy", "hard-stop"],
        &["init", "fresh.yaml"],
        &["init", "-"],
        &["init", "--list"],
        &["check", &file],
        &["plan", &file],
        &["submit", "--costs", &file],
        &["jobs"],
        &["watch", "tiny"],
        &["show", "tiny"],
        &["logs", "tiny"],
        &["cancel", "tiny"],
        &["jobs"],
        &["submit", "--watch", &file],
        &["settle"],
        &["balance"],
        &["balance", "--offline"],
        &["usage"],
        &["usage", "--mine"],
        &["results", "x.scores.jsonl"],
        &["sites"],
        &["sites", "show", "jupiter"],
        &["sites", "doctor"],
        &["ledger", "statement", "atlas"],
        &["ledger", "unattributed"],
        &["ledger", "export"],
        &["ledger", "export", "--public"],
        &["ledger", "checkpoint"],
        &["ledger", "prove", "1"],
        &["ledger", "verify"],
        &["doctor"],
        &["completions", "bash"],
        &["man"],
    ];
    for words in commands {
        let ran = desk.pakt(&[&["--json"], words].concat()).expect(0);
        let value: Value = serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{}: {error}", ran.words));
        assert_eq!(value["version"], 1, "{}", ran.words);
        assert!(value.get("error").is_none(), "{}", ran.words);
        assert_shapes(&words.join(" "), &value);
    }
}

#[test]
fn the_same_job_is_told_alike_by_every_command() {
    let desk = Desk::with_grant("10");
    let file = desk.job("tiny", "true");
    let submitted = desk.json(&["submit", &file]);
    desk.json(&["watch", "tiny"]);
    let (shown, listed) = (desk.json(&["show", "tiny"]), desk.json(&["jobs"])["jobs"][0].clone());
    for name in ["id", "scheduler_job"] {
        assert_eq!((&shown[name], &listed[name]), (&submitted[name], &submitted[name]), "{name}");
    }
    for name in ["name", "project", "made_at", "state"] {
        assert_eq!(shown[name], listed[name], "{name}");
        assert!(!shown[name].is_null(), "{name}");
    }
    for hold in [&shown["hold"], &listed["hold"], &shown["intent"]["hold"]] {
        for name in ["unit", "amount"] {
            assert_eq!(hold[name], submitted["hold"][name], "{name}");
        }
    }
    let planned = desk.json(&["plan", &file]);
    let factors = json!({ "tasks": 1, "nodes": 1, "milli_per_node": 1000, "seconds": 600 });
    for hold in [&planned["hold"], &submitted["hold"], &shown["hold"]] {
        assert_eq!(hold["factors"], factors);
    }
}

#[test]
fn every_failure_is_one_object_with_the_common_fields() {
    let desk = Desk::new();
    desk.write("bad.yaml", "name: x\n");
    for (words, kind, why) in [
        (&["sumbit", "x"][..], "usage", "there is no command `sumbit`"),
        (&["check"], "usage", "`<FILE>` is missing"),
        (&["check", "--frobnicate", "x"], "usage", "there is no option `--frobnicate`"),
        (&["check", "x", "y"], "usage", "`y` is one word too many"),
        (&["jobs", "--most", "many"], "usage", "`many` cannot be used for `--most <COUNT>`: a whole number is wanted"),
        (&["usage", "--mine", "--all-users"], "usage", "`--mine` cannot be given together with `--all-users`"),
        (&["completions", "tcsh"], "usage", "`tcsh` cannot be used for `<SHELL>`"),
        (&["ledger"], "usage", "no command is named"),
        (&[], "usage", "no command is named"),
        (&["check", "bad.yaml"], "usage", "there are 7 mistakes in it"),
        (&["ledger", "verify"], "usage", "there is no ledger at"),
        (&["sbatch", "bad.yaml"], "usage", "there is no sbatch on this machine"),
        (&["adopt", "7"], "usage", ""),
        (&["shell"], "usage", ""),
        (&["init", "--template", "trian"], "usage", "there is no template `trian`"),
        (&["cancel", "nothing"], "usage", "no job under"),
        (&["show", "nothing"], "usage", "no job under"),
        (&["logs", "nothing"], "usage", "no job under"),
        (&["watch", "nothing"], "usage", "no job under"),
        (&["usage", "--mine", "--since", "then"], "usage", "it is not a year"),
        (&["usage", "--since", "then"], "usage", "`then` is neither a day nor a time"),
        (&["--site", "nowhere", "sites"], "usage", "there is no profile of that name"),
    ] {
        let ran = desk.pakt(&[&["--json"], words].concat()).expect(2);
        assert_eq!(ran.stdout, "", "{words:?}");
        let failure: Value =
            serde_json::from_str(&ran.stderr).unwrap_or_else(|error| panic!("{words:?}: {error}: {}", ran.stderr));
        let error = &failure["error"];
        assert_eq!((&failure["version"], &error["kind"], &error["exit_code"]), (&json!(1), &json!(kind), &json!(2)));
        assert!(error["why"].as_str().is_some_and(|text| text.starts_with(why)), "{words:?}: {error}");
        assert!(
            ["what", "next"].iter().all(|name| error[name].as_str().is_some_and(|text| !text.is_empty())),
            "{error}"
        );
        assert!(error["mistakes"].is_array());
    }
}
