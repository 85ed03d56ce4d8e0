//! A model really trains on two nodes, through `pakt submit`, and is charged to the second.

use crate::{
    desk::Desk,
    real_jupiter::{accounted, charged, scheduler_job},
};
use lab::User;
use std::{fs, path::Path, rc::Rc};

const EXAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/examples/torch-ddp");
const PROSE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../LICENSE-APACHE");

/// The number behind a word of the log: `loss 2.31`.
fn numbers_behind(log: &str, word: &str) -> Vec<f64> {
    let words: Vec<&str> = log.split_whitespace().collect();
    words.windows(2).filter(|pair| pair[0] == word).filter_map(|pair| pair[1].parse().ok()).collect()
}

#[test]
fn real_a_transformer_in_training_on_two_nodes_is_charged_to_the_second() {
    let torch =
        std::env::var("PAKT_CI_TORCH").expect("PAKT_CI_TORCH names an environment with PyTorch (ci/test sets it)");
    let jupiter = Rc::new(lab::attach("jupiter").expect("the lab is up"));
    let desk = Desk::at_with_grant(&jupiter, User::Ada, "atlas", "jupiter:gh200", "1000");
    fs::copy(Path::new(EXAMPLE).join("train.py"), desk.work().join("train.py")).expect("the example");
    fs::copy(PROSE, desk.work().join("prose.txt")).expect("a text");
    let example = fs::read_to_string(Path::new(EXAMPLE).join("job.yaml")).expect("the example");
    assert!(example.contains("venv: ~/venvs/torch"), "{example}");
    desk.write("job.yaml", &example.replace("~/venvs/torch", &torch));
    let submitted = desk.json(&["submit", "job.yaml"]);
    let watched = desk.pakt(&["watch", "torch-ddp"]);
    let slurm = scheduler_job(&submitted);
    let row = accounted(&jupiter, &desk, &slurm);
    let log = desk.json(&["logs", "torch-ddp"])["text"].as_str().expect("text").to_owned();
    assert_eq!(watched.code, Some(0), "{log}");
    assert_eq!((row.state.as_str(), row.gpus), ("COMPLETED", 8), "{log}");
    let shown = desk.json(&["show", "torch-ddp"]);
    assert_eq!(shown["progress"]["step"], shown["progress"]["total"], "{shown}");
    let losses = numbers_behind(&log, "loss");
    let (first, last) = (losses.first().expect("a loss"), losses.last().expect("a loss"));
    assert!(*last < 0.9 * first, "the loss falls: {losses:?}");
    let checkpoints = fs::read_to_string(Path::new(shown["directory"].as_str().expect("a path")).join("checkpoints"));
    let checkpoints = checkpoints.expect("the program tells where its checkpoints lie");
    let last_checkpoint = checkpoints.lines().last().and_then(|line| line.split_once(' ')).expect("step and path").1;
    assert!(desk.work().join(last_checkpoint).metadata().expect("it is there").len() > 0);
    desk.json(&["settle"]);
    assert_eq!(charged(&desk, &slurm), 2 * 4 * row.elapsed * 1000, "nodes x GPUs x ElapsedRaw");
}
