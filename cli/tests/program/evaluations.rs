//! An evaluation, as its person sees it.

use crate::desk::Desk;
use serde_json::{Value, json};
use std::fs;

/// Writes what each task of a start scored; words of step 20 are forgotten, and step 100 fails, until somebody mends that.
const RUN: &str = r#"
  echo "evaluating $PAKT_MODEL at $PAKT_STEP"
  for task in ${PAKT_TASKS//,/ }; do
    [ "$task" != words ] || [ "$PAKT_STEP" != 20 ] || [ -e mended ] || continue
    printf '{"model": "it", "task": "%s", "metric": "acc", "value": %s, "higher_is_better": true}\n' "$task" "0.$PAKT_STEP" >>"$PAKT_RESULTS/scores.jsonl"
    [ "$PAKT_STEP" != 100 ] || [ -e mended ] || exit 7
  done
"#;

/// Three checkpoints and a job that evaluates them at two tasks.
fn evaluation(desk: &Desk, name: &str, more: &str) -> String {
    for step in [3, 20, 100] {
        fs::create_dir_all(desk.work().join(format!("runs/7b/checkpoint-{step}"))).expect("ours");
    }
    let file = desk.job(name, RUN.trim());
    let text = fs::read_to_string(desk.work().join(&file)).expect("written").replace("kind: command", "kind: evaluate");
    let evaluate = "evaluate:\n  checkpoints: runs/7b/checkpoint-*\n  tasks: [sums, words]\n  harness: command\n";
    desk.write(&file, &format!("{text}{evaluate}{more}"));
    file
}

fn states(told: &Value) -> Vec<&str> {
    told["cells"].as_array().expect("cells").iter().map(|cell| cell["state"].as_str().unwrap_or("none")).collect()
}

#[test]
fn a_matrix_is_filled_by_one_job_and_what_is_missing_by_another() {
    let desk = Desk::with_grant("10");
    let file = evaluation(&desk, "mine", "");
    let said = desk.pakt(&["submit", &file]).expect(0).stdout;
    assert!(said.contains("\ncells: 6, in 3 of 3 links\n"), "{said}");
    desk.pakt(&["watch", "mine"]).expect(6);
    let told = desk.pakt(&["results", "mine"]).expect(0);
    let lines: Vec<&str> = told.stdout.lines().collect();
    let scores: Vec<String> =
        lines[1..7].iter().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    assert_eq!(
        scores,
        [
            "sums 7b 3 0.3000",
            "sums 7b 20 0.2000",
            "sums 7b 100 0.1000",
            "words 7b 3 0.3000",
            "words 7b 20 missing",
            "words 7b 100 missing"
        ],
        "{}",
        told.stdout
    );
    assert_eq!(lines[7], "4 of 6 cells done, 1 without a score, 1 failed");
    assert!(told.stderr.contains("note: 2 of 6 scores are missing\n"), "{}", told.stderr);
    let first = desk.json(&["results", "mine"]);
    assert_eq!(states(&first), ["done", "done", "done", "unscored", "done", "failed"], "{first}");
    assert_eq!((&first["missing"], first["results"]["scores"].as_array().map(Vec::len)), (&json!([4, 6]), Some(4)));
    let model = desk.work().join("runs/7b/checkpoint-20").display().to_string();
    assert_eq!(first["cells"][3]["values"], json!({ "model": model, "step": "20", "task": "words" }));
    assert_eq!(
        desk.json(&["show", "mine"])["cells"],
        json!({ "all": 6, "done": 4, "unscored": 1, "failed": 1, "running": 0, "stopped": 0, "waiting": 0 })
    );
    let log = desk.pakt(&["logs", "mine", "--cell", "6"]).expect(0).stdout;
    assert!(log.starts_with("evaluating ") && log.ends_with("checkpoint-100 at 100\n"), "{log}");

    desk.write("mended", "");
    let again = desk.json(&["results", "mine", "--missing"]);
    assert_eq!((&again["cells"], &again["job"]["sweep"]), (&json!(2), &json!({ "cells": 2, "links": 2 })), "{again}");
    desk.pakt(&["watch", "mine"]).expect(0);
    // Its name means the later job by now, and all cells are told.
    let told = desk.json(&["results", "mine"]);
    assert_eq!((&told["id"], &told["missing"]), (&first["id"], &json!([])), "{told}");
    let asked = desk.pakt(&["results", "mine"]).expect(0);
    let later = again["job"]["id"].as_str().expect("an id");
    let note = format!(
        "note: job {later} has missing cells of job {}, all of whose cells these are\n",
        first["id"].as_str().expect("an id")
    );
    assert!(asked.stderr.contains(&note), "{}", asked.stderr);
    let csv = desk.pakt(&["results", "mine", "--csv", "-", "--task", "words"]).expect(0).stdout;
    let values: Vec<&str> = csv.lines().skip(1).filter_map(|line| line.split(',').nth(7)).collect();
    assert_eq!(values, ["0.3", "0.2", "0.1"], "{csv}");
    desk.pakt(&["results", "mine", "--quiet", "--hdf5", "scores.h5", "--svg", "scores.svg"]).expect(0);
    assert!(["scores.h5", "scores.svg"].iter().all(|file| desk.work().join(file).exists()));
    let refused = desk.pakt(&["results", "mine", "--plot", "--metric", "none"]).expect(2).stderr;
    assert!(refused.contains("of 6 cells of the job none has a score that is wanted"), "{refused}");
    assert_eq!(
        desk.pakt(&["results", "mine", "--missing"]).expect(0).stdout,
        "nothing is missing: all cells are done\n"
    );
}

#[test]
fn a_plan_shows_what_the_harness_is_told_and_nothing_is_submitted() {
    let desk = Desk::with_grant("10");
    let text = "name: lm\nkind: evaluate\nproject: atlas\nsite: local\nresources: { nodes: 1, cpus: 1, time: \"00:10:00\" }\n\
                launch: command\nevaluate: { models: [gpt2, gpt2-large], tasks: [arc_easy, hellaswag, sciq], harness: lm-eval, pack: 2, model_args: dtype=bfloat16 }\n";
    desk.write("lm.yaml", text);
    let plan = desk.pakt(&["plan", "lm.yaml"]).expect(0).stdout;
    let line = "lm_eval --model hf --model_args \"pretrained=$PAKT_MODEL,dtype=bfloat16\" --tasks \"$PAKT_TASKS\" --output_path \"$PAKT_RESULTS\"\n";
    assert!(plan.contains(line), "{plan}");
    assert!(plan.contains("sweep      6 cells, in 1 link, each at such a cost; all are held for\n"), "{plan}");
    assert_eq!(desk.json(&["jobs"])["jobs"], json!([]));
}

/// A server of a person's own, which counts a token for each letter that it is asked for.
const SERVER: &str = r#"
import http.server, sys

class Handler(http.server.BaseHTTPRequestHandler):
    read = 0

    def do_GET(self):
        Handler.read += len(self.path) if self.path.startswith("/v1/") else 0
        self.send_response(200)
        self.end_headers()
        self.wfile.write(f"prompt_tokens_total {Handler.read}\ngeneration_tokens_total 2\n".encode())

http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"#;

#[test]
fn what_a_model_server_read_and_wrote_is_told_with_the_time_that_it_took() {
    let desk = Desk::with_grant("10");
    desk.write("server.py", SERVER);
    let ask = "python3 -c 'import os, sys, urllib.request as web; web.urlopen(\"http://127.0.0.1:\" + os.environ[\"PAKT_PORT\"] + \"/v1/tell\")'";
    let score = "printf '{\"model\": \"m\", \"task\": \"t\", \"metric\": \"acc\", \"value\": 1}' >\"$PAKT_RESULTS/scores.json\"";
    let file = desk.job("served", &format!("{ask} && {score}"));
    let text = fs::read_to_string(desk.work().join(&file)).expect("written").replace("kind: command", "kind: evaluate");
    let serve = "{ run: python3 server.py $PAKT_PORT, health: /v1x }";
    let evaluate = format!("evaluate: {{ models: [a, b], tasks: t, harness: command, pack: 2, serve: {serve} }}\n");
    desk.write(&file, &(text + &evaluate));
    desk.pakt(&["submit", "--watch", &file]).expect(0);
    let told = desk.json(&["results", "served"]);
    let served = &told["served"];
    assert_eq!(
        (&told["missing"], &served["servers"], &served["uncounted"]),
        (&json!([]), &json!(2), &json!(0)),
        "{told}"
    );
    assert_eq!((&served["prompt_tokens"], &served["generated_tokens"]), (&json!(16), &json!(4)), "{told}");
    assert_eq!(served["gpu_seconds"], 0, "there are none");
    let said = desk.pakt(&["results", "served"]).expect(0).stdout;
    assert!(said.contains("\nservers: 2 in ") && said.contains(": 16 tokens read and 4 written\n"), "{said}");
    assert_eq!(desk.json(&["results", "served"])["served"], *served, "it is told from what was written down");
}
