//! Evaluations on a real Slurm: the LM Evaluation Harness itself, and a matrix wider than array and limit.

use crate::{desk::Desk, real_sweep::expect_books};
use lab::{User, wait_until};
use serde_json::json;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    os::unix::process::ExitStatusExt,
    path::Path,
    process::Command,
    rc::Rc,
    time::Duration,
};

const PATIENCE: Duration = Duration::from_mins(4);

/// A model of two layers with random weights, at two steps of its training, and three tasks of its own.
const MODELS: &str = r#"
import json, os, random
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast

letters = sorted(pre_tokenizers.ByteLevel.alphabet())
vocabulary = {letter: place for place, letter in enumerate(["<|end|>", *letters])}
tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
tokenizer.decoder = decoders.ByteLevel()
fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="<|end|>", pad_token="<|end|>")
for step in (100, 200):
    torch.manual_seed(step)
    config = GPT2Config(vocab_size=len(vocabulary), n_positions=128, n_embd=32, n_layer=2, n_head=2, bos_token_id=0, eos_token_id=0)
    GPT2LMHeadModel(config).save_pretrained(f"runs/tiny/checkpoint-{step}")
    fast.save_pretrained(f"runs/tiny/checkpoint-{step}")
    for file in os.scandir(f"runs/tiny/checkpoint-{step}"):
        os.chmod(file, 0o644)
os.makedirs("tasks")
chance = random.Random(7)
for task in ("sums", "pairs", "words"):
    with open(f"tasks/{task}.jsonl", "w") as lines:
        for _ in range(12):
            one, two = chance.randrange(10), chance.randrange(10)
            print(json.dumps({"q": f"{task} {one}+{two}=", "choices": [str(one + two), str(one + two + 1)], "gold": 0}), file=lines)
    with open(f"tasks/{task}.yaml", "w") as text:
        text.write(f"""task: {task}
dataset_path: json
dataset_kwargs:
  data_files:
    test: {os.path.abspath(f'tasks/{task}.jsonl')}
output_type: multiple_choice
test_split: test
doc_to_text: "{{{{q}}}}"
doc_to_choice: "{{{{choices}}}}"
doc_to_target: "{{{{gold}}}}"
metric_list:
  - metric: acc
    aggregation: mean
    higher_is_better: true
metadata:
  version: 1.0
""")
"#;

/// A server of the model that it is named, with an interface for completions as is usual: of each prompt, given as tokens, what each of them was worth.
const SERVER: &str = r#"
import http.server, json, sys
import torch
from transformers import AutoModelForCausalLM

model = AutoModelForCausalLM.from_pretrained(sys.argv[1]).eval()
counted = {"prompt_tokens_total": 0, "generation_tokens_total": 0}

def worth(tokens):
    counted["prompt_tokens_total"] += len(tokens)
    counted["generation_tokens_total"] += 1
    with torch.no_grad():
        logits = model(torch.tensor([tokens])).logits[0].float().log_softmax(-1)
    best = int(logits[-1].argmax())
    following = list(zip(tokens[1:] + [best], logits))
    told = [None] + [float(row[token]) for token, row in following]
    top = [None] + [{str(int(row.argmax())): float(row.max())} for _, row in following]
    return {"token_logprobs": told, "top_logprobs": top, "tokens": [str(token) for token in tokens + [best]]}

class Handler(http.server.BaseHTTPRequestHandler):
    def answer(self, text):
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(text.encode())

    def do_GET(self):
        if self.path not in ("/health", "/metrics"):
            return self.send_error(404)
        self.answer("".join(f"{name} {value}\n" for name, value in counted.items()))

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        assert asked["model"] == sys.argv[1] and asked["echo"] and asked["max_tokens"] == 1, asked
        choices = [{"index": place, "text": "", "logprobs": worth(prompt)} for place, prompt in enumerate(asked["prompt"])]
        self.answer(json.dumps({"model": asked["model"], "choices": choices}))

http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[2])), Handler).serve_forever()
"#;

/// What h5py reads: a line for each score.
const READ: &str = r#"
import h5py
with h5py.File("scores.h5") as file:
    names = {name: file[name].asstr()[:] for name in ("model", "task", "metric")}
    for model, task, metric in sorted(zip(*file["present"][:].nonzero())):
        print(names["model"][model].split("/")[-1], file["step"][model], names["task"][task], names["metric"][metric], repr(float(file["value"][model, task, metric])), file["samples"][model, task, metric], file["stderr"][model, task, metric] > 0)
    print(file["value"].shape, *file.attrs["harness_versions"])
"#;

/// Runs Python, and gives what it prints.
fn python(environment: &str, folder: &Path, text: &str) -> String {
    let mut command = Command::new(Path::new(environment).join("bin/python"));
    command.args(["-c", text]).current_dir(folder).env("HF_HUB_OFFLINE", "1").env("HOME", folder);
    let output = command.output().expect("Python starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

#[test]
fn real_the_lm_evaluation_harness_fills_a_matrix_of_two_checkpoints_and_three_tasks() {
    let torch =
        std::env::var("PAKT_CI_TORCH").expect("PAKT_CI_TORCH names an environment with lm_eval (ci/test sets it)");
    let h5py = std::env::var("PAKT_CI_H5PY").expect("PAKT_CI_H5PY names an environment with h5py (ci/test sets it)");
    let jupiter = Rc::new(lab::attach("jupiter").expect("the lab is up"));
    let desk = Desk::at_with_grant(&jupiter, User::Ada, "atlas", "jupiter:gh200", "1000");
    python(&torch, &desk.work(), MODELS);
    desk.write(
        "eval.yaml",
        &format!(
            "name: tiny\nkind: evaluate\nproject: atlas\nsite: jupiter\nresources: {{ nodes: 1, gpus_per_node: 4, time: \"00:20:00\" }}\n\
             launch: command\nrun: lm_eval --model hf --device cpu --batch_size 4 --include_path tasks\n\
             environment: {{ venv: {torch} }}\n\
             evaluate: {{ checkpoints: runs/tiny/checkpoint-*, tasks: [sums, pairs, words], harness: lm-eval, model_args: dtype=float32, pack: 2 }}\n"
        ),
    );
    desk.pakt(&["submit", "eval.yaml"]).expect(0);
    let watched = desk.pakt(&["watch", "tiny"]);
    assert_eq!(watched.code, Some(0), "{}{}", watched.stdout, watched.stderr);
    let told = desk.json(&["results", "tiny"]);
    assert_eq!((told["cells"].as_array().map(Vec::len), &told["missing"]), (Some(6), &json!([])), "{told}");
    // All three tasks of a checkpoint came from one load of it.
    let sources = told["results"]["sources"].as_array().expect("sources").len();
    assert_eq!((sources, desk.json(&["show", "tiny"])["links"].as_array().map(Vec::len)), (2, Some(1)));
    desk.pakt(&["results", "tiny", "--hdf5", "scores.h5"]).expect(0);
    let read = python(&h5py, &desk.work(), READ);
    let mut scores: Vec<String> = read.lines().map(str::to_owned).collect();
    assert_eq!(scores.pop().expect("the shape"), format!("(2, 3, 1) lm-evaluation-harness {}", harness(&told)));
    assert_eq!(scores.len(), 6, "{read}");
    // The values are those of the harness's own files.
    let own: BTreeSet<String> = told["results"]["scores"].as_array().expect("scores").iter().map(of_score).collect();
    assert_eq!(scores.into_iter().collect::<BTreeSet<_>>(), own);
    expect_books(&desk, "tiny");
    the_same_by_a_server(&desk, &torch, &told);
}

/// A server of the model gives the harness the values that the model itself gave it.
fn the_same_by_a_server(desk: &Desk, torch: &str, of_model: &serde_json::Value) {
    desk.write("server.py", SERVER);
    desk.write(
        "served.yaml",
        &format!(
            "name: served\nkind: evaluate\nproject: atlas\nsite: jupiter\nresources: {{ nodes: 1, gpus_per_node: 4, time: \"00:20:00\" }}\n\
             launch: command\nrun: lm_eval --model local-completions --batch_size 4 --include_path tasks\n\
             environment: {{ venv: {torch} }}\n\
             evaluate:\n  models: [runs/tiny/checkpoint-100]\n  tasks: [sums, pairs, words]\n  harness: lm-eval\n  \
             serve: {{ run: exec python server.py $PAKT_MODEL $PAKT_PORT }}\n"
        ),
    );
    desk.pakt(&["submit", "served.yaml"]).expect(0);
    let watched = desk.pakt(&["watch", "served"]);
    assert_eq!(watched.code, Some(0), "{}{}", watched.stdout, watched.stderr);
    let told = desk.json(&["results", "served"]);
    let values = |told: &serde_json::Value| -> BTreeMap<String, f64> {
        let scores = told["results"]["scores"].as_array().expect("scores").iter();
        let of_first = scores.filter(|score| score["step"] == 100);
        of_first.map(|score| (score["task"].to_string(), score["value"].as_f64().expect("a number"))).collect()
    };
    assert_eq!((values(&told), values(&told).len()), (values(of_model), 3));
    let served = &told["served"];
    assert_eq!((&served["servers"], &served["uncounted"]), (&json!(1), &json!(0)), "{served}");
    // Each of 3 x 12 questions has two answers.
    assert_eq!(served["generated_tokens"], 72, "{served}");
    let count = |name: &str| served[name].as_u64().expect("a number");
    assert!(count("prompt_tokens") > 72 * 7, "{served}");
    assert_eq!(count("gpu_seconds"), 4 * count("seconds"), "the four GPUs of the node");
    expect_books(desk, "served");
}

fn harness(told: &serde_json::Value) -> &str {
    told["results"]["sources"][0]["harness_version"].as_str().expect("it says so")
}

/// A score as `READ` prints it: of the model and step of the job, not of the harness's words.
fn of_score(score: &serde_json::Value) -> String {
    let model = score["model"].as_str().expect("a name").rsplit('/').next().unwrap_or_default();
    let value = score["value"].as_f64().expect("a number");
    let has_error = score["stderr"].as_f64().is_some_and(|error| error > 0.0);
    let text = |name: &str| score[name].as_str().expect("a word").to_owned();
    format!(
        "{model} {} {} {} {value:?} {} {}",
        score["step"],
        text("task"),
        text("metric"),
        score["samples"],
        if has_error { "True" } else { "False" }
    )
}

/// The lab's raven takes arrays of 100 tasks, and its QOS `fifty` 50 jobs of a person.
#[test]
fn real_an_evaluation_of_300_cells_beyond_array_and_limit_leaves_no_gap_though_its_watchers_are_killed() {
    const CELLS: usize = 300;
    let cluster = Rc::new(lab::attach("raven").expect("the lab is up"));
    let desk = Desk::at(&cluster, User::Cleo);
    desk.pakt(&["ledger", "init"]).expect(0);
    desk.pakt(&["ledger", "grant", "atlas", "1000", "--unit", "raven:core"]).expect(0);
    let run = "printf '{\"model\": \"m\", \"task\": \"%s\", \"metric\": \"acc\", \"value\": %s}\\n' $PAKT_TASKS $PAKT_STEP >$PAKT_RESULTS/scores.jsonl; echo $PAKT_STEP $PAKT_TASKS >>ran";
    let file = desk.job_at("raven", "wide", "{ nodes: 1, cpus: 1, memory: 100M, time: \"00:05:00\" }", run);
    let path = desk.work().join(&file);
    let written = fs::read_to_string(&path).expect("written").replace("kind: command", "kind: evaluate");
    let models: Vec<String> = (1..=CELLS / 3).map(|step| format!("/models/7b/step{step}")).collect();
    let evaluate = format!(
        "{{ models: [{}], tasks: [sums, pairs, words], tasks_per_load: 1, harness: command }}",
        models.join(", ")
    );
    fs::write(&path, format!("{written}scheduler: {{ qos: fifty }}\nevaluate: {evaluate}\n")).expect("ours");
    let mut command = desk.command(["submit", &file]);
    let killed = command.env("PAKT_TEST_STOP_AFTER", "Sent").output().expect("the program starts");
    assert_eq!(killed.status.signal(), Some(9), "{killed:?}");
    let submitted = desk.json(&["submit", &file]);
    let sent = submitted["links"].as_array().map_or(0, Vec::len);
    assert!((1..CELLS).contains(&sent), "{submitted}");
    assert!(submitted["notes"].to_string().contains("of its 300 links are submitted"), "{submitted}");
    let ran = || fs::read_to_string(desk.work().join("ran")).unwrap_or_default();
    for part in 1..=2 {
        let mut watching = desk.command(["watch", "wide"]).spawn().expect("the program starts");
        let is_so_far = || (ran().lines().count() >= part * CELLS / 4).then_some(());
        wait_until("some cells more", PATIENCE, is_so_far).expect("they are done");
        watching.kill().expect("ours");
        watching.wait().expect("it was killed");
    }
    desk.pakt(&["watch", "wide"]).expect(0);
    let text = ran();
    let worked: BTreeSet<&str> = text.lines().collect();
    assert_eq!((worked.len(), text.lines().count()), (CELLS, CELLS), "each worked, and once");
    let told = desk.json(&["results", "wide"]);
    assert_eq!((&told["missing"], told["results"]["scores"].as_array().map(Vec::len)), (&json!([]), Some(CELLS)));
    let shown = desk.json(&["show", "wide"]);
    assert_eq!((&shown["over"]["why"], &shown["cells"]["done"]), (&json!("done"), &json!(CELLS)), "{shown}");
    assert_eq!(desk.entries_of_kind("hold"), 1);
}
