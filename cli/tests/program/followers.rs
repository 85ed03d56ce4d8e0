//! An evaluation that follows a chain, as its person sees it.

use crate::desk::Desk;
use serde_json::{Value, json};
use std::fs;

/// Each link of a training saves one checkpoint, and its last one is done; it begins when there is a file `go`.
const TRAIN: &str = r#"
  until [ -e go ]; do sleep 0.1; done
  step=$((PAKT_LINK * 100))
  mkdir -p "saved/checkpoint-$step"
  echo "$step $PWD/saved/checkpoint-$step" >>"$PAKT_CHECKPOINTS"
  [ "$PAKT_LINK" = 3 ] || exit 75
"#;

/// Scores each task; words of step 200 fail, until somebody mends that.
const SCORE: &str = r#"
  echo "evaluating $PAKT_MODEL"
  for task in ${PAKT_TASKS//,/ }; do
    [ "$task $PAKT_STEP" != "words 200" ] || [ -e mended ] || exit 7
    printf '{"model": "it", "task": "%s", "metric": "acc", "value": 0.%s}\n' "$task" "$PAKT_STEP" >>"$PAKT_RESULTS/scores.jsonl"
  done
"#;

/// The two job files.
pub(crate) fn files(desk: &Desk, site: &str, resources: &str, more: &str) -> [String; 2] {
    let chain = format!("chain: {{ until: steps, steps: 300, ahead: 3{more} }}\n");
    let evaluate = "evaluate: { follows: train, tasks: [sums, words], harness: command }\n";
    let of = |(name, run, words): (&str, &str, &str)| {
        let file = desk.job_at(site, name, resources, run.trim());
        let path = desk.work().join(&file);
        let kind = if name == "scores" { "kind: evaluate" } else { "kind: train" };
        let text = fs::read_to_string(&path).expect("written").replace("kind: command", kind);
        fs::write(path, format!("{text}{words}")).expect("ours");
        file
    };
    [("train", TRAIN, chain.as_str()), ("scores", SCORE, evaluate)].map(of)
}

/// Of each cell its step and task, and what became of it.
pub(crate) fn cells(told: &Value) -> Vec<String> {
    let text = |value: &Value| value.as_str().unwrap_or("none").to_owned();
    let cells = told["cells"].as_array().expect("cells").iter();
    cells.map(|cell| [&cell["values"]["step"], &cell["values"]["task"], &cell["state"]].map(text).join(" ")).collect()
}

#[test]
fn each_checkpoint_is_evaluated_once_whoever_watches_the_chain() {
    let desk = Desk::with_grant("10");
    let [train, scores] = files(&desk, "local", "{ nodes: 1, cpus: 1, time: \"00:10:00\" }", "");
    let early = desk.pakt(&["submit", &scores]).expect(2).stderr;
    assert!(early.contains("evaluate: { follows: train") && early.contains("submit the chain first"), "{early}");
    desk.pakt(&["submit", &train]).expect(0);
    let planned = desk.pakt(&["plan", "--no-script", &scores]).expect(0).stdout;
    assert!(
        planned
            .contains("each waits behind one of the chain that it follows, and takes the checkpoints that are new\n"),
        "{planned}"
    );
    desk.pakt(&["submit", &scores]).expect(0);
    desk.write("go", "");
    desk.pakt(&["watch", "train"]).expect(0);
    desk.pakt(&["watch", "scores"]).expect(6);
    let told = desk.json(&["results", "scores"]);
    let wanted =
        ["100 sums done", "100 words done", "200 sums done", "200 words failed", "300 sums done", "300 words done"];
    assert_eq!(cells(&told), wanted, "{told}");
    assert_eq!(told["results"]["scores"].as_array().map(Vec::len), Some(5), "{told}");
    let shown = desk.pakt(&["show", "scores"]).expect(0).stdout;
    let chain = desk.json(&["show", "train"])["id"].as_str().expect("an id").to_owned();
    assert!(shown.contains(&format!("\nfollows    train ({chain})\n")), "{shown}");
    assert!(shown.contains("\ncells      5 of 6 are done, 1 failed\n"), "{shown}");
    assert!(shown.contains("all of its links have ended, and not all of its cells are done"), "{shown}");
    let log = desk.pakt(&["logs", "scores", "--cell", "3"]).expect(0).stdout;
    assert!(log.starts_with("evaluating ") && log.ends_with("/saved/checkpoint-200\n"), "{log}");

    desk.write("mended", "");
    let again = desk.json(&["results", "scores", "--missing"]);
    assert_eq!((&again["cells"], &again["job"]["sweep"]), (&json!(1), &json!({ "cells": 1, "links": 1 })), "{again}");
    desk.pakt(&["watch", "scores"]).expect(0);
    assert_eq!(desk.json(&["results", "scores"])["missing"], json!([]));
    desk.pakt(&["settle"]).expect(0);
    assert_eq!(desk.json(&["balance"])["balances"][0]["committed"], 0);
}
