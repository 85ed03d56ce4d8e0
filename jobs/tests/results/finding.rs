//! Which files are read, and what one of them does to the others.

use crate::desk::Desk;
use insta::assert_snapshot;
use jobs::{
    Gravity, JobsError,
    results::{Wanted, results},
};
use reach::Local;
use std::{os::unix::fs::symlink, path::PathBuf};

const GOOD: &str = r#"{"model": "m", "task": "t", "metric": "a", "value": 1}"#;

#[tokio::test]
async fn one_bad_file_hides_no_other() {
    let desk = Desk::new();
    desk.copy("0.4.5", "run/tiny/results_1.json");
    desk.write("run/tiny/results_2.json", "");
    desk.write("run/tiny/results_3.json", b"\xff\xfe{");
    desk.write("run/tiny/results_4.json", "[".repeat(10_000));
    desk.write("run/tiny/results_5.json", r#"{"results": {"t": {"acc,none": 1}}}"#);
    desk.write("run/tiny/results_6.json", r#"{"results": {"t": {"acc": 1}}, "model_name": "m"}"#);
    desk.write("run/tiny/results_7.json", "17");
    let half = crate::desk::fixture("0.4.9");
    desk.write("run/tiny/results_8.json", &half[..half.len() / 2]);
    std::fs::File::create(desk.path().join("results_9.json")).expect("ours").set_len(40 << 20).expect("sparse");
    symlink("run/tiny/results_1.json", desk.path().join("results_link.json")).expect("a link");
    // These are not read at all.
    for name in ["run/samples_t_1.jsonl", ".cache/results_1.json", "run/trainer_state.json"] {
        desk.write(name, GOOD);
    }
    let results = desk.read().await.expect("scores of the first one");
    assert_eq!((results.files, results.matrix.scores().count()), (9, 6));
    assert_snapshot!(desk.told(&results.told).join("\n"), @"
    results_link.json: entry: it is a link or no regular file: name it to read it
    results_9.json: no result: it has more than 33554432 bytes
    run/tiny/results_1.json: note: `ratio` of `odd` is NaN
    run/tiny/results_2.json: no result: it is empty
    run/tiny/results_3.json: no result: it is no JSON: expected value at line 1 column 1
    run/tiny/results_4.json: no result: it is no JSON: recursion limit exceeded at line 1 column 128
    run/tiny/results_5.json: no result: it does not say which model was evaluated
    run/tiny/results_6.json: no result: no task in it has a value in a name such as `acc,none`
    run/tiny/results_7.json: no result: it is JSON, and neither an object nor a list of them
    run/tiny/results_8.json: no result: it is no JSON: EOF while parsing a string at line 132 column 12
    ");
}

#[tokio::test]
async fn a_file_that_is_named_is_read_whatever_its_name_is_and_once() {
    let desk = Desk::new();
    let file = desk.write("table.txt", GOOD);
    let link = desk.path().join("link");
    symlink(&file, &link).expect("a link");
    let read = async |paths: &[&PathBuf]| {
        let paths: Vec<PathBuf> = paths.iter().map(|path| (*path).clone()).collect();
        results(&Local, &paths, &Wanted::default()).await.expect("scores").files
    };
    assert_eq!(read(&[&file]).await, 1);
    assert_eq!(read(&[&file, &file]).await, 1);
    assert_eq!(read(&[&link]).await, 1);
}

#[tokio::test]
async fn where_there_is_nothing_the_reason_is_told() {
    let desk = Desk::new();
    let missing = desk.path().join("nowhere");
    let error = results(&Local, &[missing], &Wanted::default()).await.expect_err("it is not there");
    assert_snapshot!(said(&desk, &error), @"no results were read: there is no file or folder `nowhere` (name a folder with results, or files of them)");
    assert_snapshot!(said(&desk, &desk.read().await.expect_err("nothing")), @"no results were read: no file there has a name of results (name files or folders with `results_*.json` of lm-evaluation-harness, or `*.scores.jsonl` (docs/results.md))");
    desk.write("results_1.json", "{}");
    assert_snapshot!(said(&desk, &desk.read().await.expect_err("no score")), @"no results were read: results_1.json: there is no `model` (name files or folders with `results_*.json` of lm-evaluation-harness, or `*.scores.jsonl` (docs/results.md))");
    desk.write("results_1.json", GOOD);
    let wanted = Wanted { tasks: vec!["mmlu*".parse().expect("a pattern")], ..Wanted::default() };
    let error = results(&Local, &[desk.path().to_owned()], &wanted).await.expect_err("none is wanted");
    assert_snapshot!(said(&desk, &error), @"no results were read: no score of 1 file is one of the wanted (name others with `--task`, `--metric` or `--model`, or none to see what there is)");
}

fn said(desk: &Desk, error: &JobsError) -> String {
    assert_eq!(error.gravity, Gravity::Usage);
    error.to_string().replace(&format!("{}/", desk.path().display()), "")
}

#[tokio::test]
async fn patterns_choose_models_tasks_and_metrics() {
    let desk = Desk::new();
    desk.copy("0.4.13-checkpoint-100", "a/results_1.json");
    desk.write("b.scores.jsonl", GOOD);
    let count = async |models: &[&str], tasks: &[&str], metrics: &[&str]| {
        let patterns = |words: &[&str]| words.iter().map(|word| word.parse().expect("a pattern")).collect();
        let wanted = Wanted { models: patterns(models), tasks: patterns(tasks), metrics: patterns(metrics) };
        results(&Local, &[desk.path().to_owned()], &wanted).await.map_or(0, |found| found.matrix.scores().count())
    };
    assert_eq!(count(&[], &[], &[]).await, 8);
    assert_eq!(count(&["m"], &[], &[]).await, 1);
    assert_eq!(count(&["tin*"], &["sums", "odd"], &[]).await, 4);
    assert_eq!(count(&[], &["*sums*"], &["acc"]).await, 2);
    assert_eq!(count(&["none"], &[], &[]).await, 0);
    // The table has the last part of a path, and that names it, too.
    desk.write("c.scores.jsonl", GOOD.replace("\"m\"", "\"/models/base/\""));
    assert_eq!((count(&["base"], &[], &[]).await, count(&["/models/base/"], &[], &[]).await), (1, 1));
}

#[tokio::test]
async fn what_other_tasks_were_measured_of_lacks_the_wanted_one() {
    let desk = Desk::new();
    desk.write(
        "scores.jsonl",
        format!(
            "{GOOD}\n{}\n{}",
            GOOD.replace("\"m\"", "\"n\"").replace("\"t\"", "\"u\""),
            GOOD.replace("\"m\"", "\"o\"").replace("\"t\"", "\"u\"")
        ),
    );
    let wanted = Wanted {
        tasks: vec!["t".parse().expect("a pattern")],
        models: vec!["m".parse().expect("one"), "n".parse().expect("one")],
        ..Wanted::default()
    };
    let matrix = results(&Local, &[desk.path().to_owned()], &wanted).await.expect("a score").matrix;
    assert_eq!((matrix.subjects().len(), matrix.missing().collect::<Vec<_>>()), (2, vec![[1, 0, 0]]));
}
