//! The table of the job file's fields against the parser: every field in it is read where it says, nothing else is, and
//! what it calls required is missed.

use jobs::job_file::{JobFile, Mistake, SourceFile, reference::fields as all_fields};
use model::JobSpec;
use std::{collections::BTreeMap, path::Path};

/// A job without anything that can be left out, by path.
const BASE: [(&str, &str); 8] = [
    ("name", "other"),
    ("kind", "train"),
    ("project", "atlas"),
    ("site", "jupiter"),
    ("resources.nodes", "1"),
    ("resources.time", "\"00:10:00\""),
    ("launch", "command"),
    ("run", "\"true\""),
];

type Job<'a> = BTreeMap<&'a str, &'a str>;

fn base() -> Job<'static> {
    BASE.into_iter().collect()
}

/// The file as a person writes it, each part on one line.
fn written(job: &Job<'_>) -> String {
    let parts = fields(job.iter().map(|(path, value)| (*path, *value)).collect());
    parts.iter().map(|part| format!("{part}\n")).collect()
}

/// These fields, those below one of them in braces behind it.
fn fields(entries: Vec<(&str, &str)>) -> Vec<String> {
    let mut parts: BTreeMap<&str, Vec<(&str, &str)>> = BTreeMap::new();
    for (path, value) in entries {
        let (part, rest) = path.split_once('.').unwrap_or((path, ""));
        parts.entry(part).or_default().push((rest, value));
    }
    let field = |(part, below): (&str, Vec<(&str, &str)>)| match below.as_slice() {
        [("", value)] => format!("{part}: {value}"),
        _ => format!("{part}: {{ {} }}", fields(below).join(", ")),
    };
    parts.into_iter().map(field).collect()
}

/// Reads it as if it lay in this folder.
fn read_in(directory: &Path, job: &Job<'_>) -> Result<JobSpec, Vec<Mistake>> {
    let source =
        SourceFile { path: "job.yaml".into(), directory: directory.to_path_buf(), text: written(job), lines_before: 0 };
    JobFile::read(source).and_then(|job| if job.doubts.is_empty() { Ok(job.spec) } else { Err(job.doubts) })
}

fn read(job: &Job<'_>) -> Result<JobSpec, Vec<Mistake>> {
    read_in(Path::new("/e/atlas"), job)
}

fn said(job: &Job<'_>) -> Vec<String> {
    read(job)
        .expect_err("a mistake")
        .into_iter()
        .map(|mistake| format!("{}: {}", mistake.finding.what, mistake.finding.next))
        .collect()
}

/// A job in which only the field itself is still to be written.
fn around(path: &str) -> Job<'static> {
    let mut job = base();
    match path {
        "resources.gpus" => drop(job.remove("resources.nodes")),
        "chain.time" => drop(job.insert("chain.until", "time")),
        "chain.steps" | "chain.max_links" | "chain.ahead" | "chain.stalled_links" | "chain.lead" | "chain.signal" => {
            job.insert("chain.until", "steps");
        }
        "chain.max_gpu_hours" => {
            job.extend([("chain.until", "steps"), ("resources.gpus_per_node", "4")]);
        }
        _ if path.starts_with("on_failure.") => {
            job.insert("chain.until", "marker");
            job.insert("resources.time", "\"12:00:00\"");
            if path == "on_failure.hung" {
                job.insert("on_failure.hung_after", "\"30m\"");
            }
        }
        "sweep.pack" | "sweep.at_once" => drop(job.insert("sweep.grid", "{ seed: [1, 2] }")),
        "sweep.side_by_side" => job.extend([("sweep.grid", "{ seed: [1, 2] }"), ("sweep.pack", "4")]),
        _ if path.starts_with("evaluate.") => {
            job.extend([
                ("kind", "evaluate"),
                ("evaluate.models", "7b"),
                ("evaluate.tasks", "[x, y, z, u, v, w, s, t, r, q]"),
                ("evaluate.harness", "command"),
            ]);
            match path {
                "evaluate.checkpoints" | "evaluate.follows" => drop(job.remove("evaluate.models")),
                "evaluate.every" => {
                    job.remove("evaluate.models");
                    job.insert("evaluate.follows", "train");
                }
                "evaluate.model_args" => drop(job.insert("evaluate.harness", "lm-eval")),
                "evaluate.serve.health" | "evaluate.serve.ready_within" => {
                    job.insert("evaluate.serve.run", "serve $PAKT_PORT");
                }
                "evaluate.side_by_side" => drop(job.insert("evaluate.pack", "4")),
                "evaluate.models" | "evaluate.tasks" | "evaluate.harness" => drop(job.remove(path)),
                _ => {}
            }
        }
        "logs" => drop(job.insert("launch", "srun")),
        "notify.when" => drop(job.insert("notify.mail", "ada@example.org")),
        _ => {}
    }
    job
}

#[test]
fn every_field_of_the_table_is_read_at_its_place() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("cells.csv"), "lr,seed\n1e-4,1\n").expect("a table");
    std::fs::create_dir_all(folder.path().join("runs/7b/checkpoint-100")).expect("a checkpoint");
    let read = |job: &Job<'_>| read_in(folder.path(), job);
    for field in all_fields().filter(|field| !field.example.is_empty()) {
        let without = around(field.path);
        let mut with = without.clone();
        with.insert(field.path, field.example);
        if field.path == "chain.time" {
            assert!(read(&without).is_err(), "it is required there");
        }
        let spec = read(&with).unwrap_or_else(|mistakes| panic!("{}: {mistakes:?}\n{}", field.path, written(&with)));
        assert_ne!(read(&without).ok(), Some(spec), "`{}: {}` changes nothing", field.path, field.example);
    }
}

#[test]
fn no_other_field_is_read_anywhere() {
    let holders = all_fields().filter(|field| field.example.is_empty()).map(|field| field.path);
    for holder in holders.chain([""]) {
        let path = if holder.is_empty() { "zzzzzzzz".to_owned() } else { format!("{holder}.zzzzzzzz") };
        let mut job = base();
        job.insert(&path, "1");
        let depth = if holder.is_empty() { 0 } else { holder.matches('.').count() + 1 };
        let below = all_fields().map(|field| field.path).filter(|path| path.matches('.').count() == depth);
        let names: Vec<&str> = match holder {
            "" => below.collect(),
            _ => below.filter_map(|path| path.strip_prefix(holder)?.strip_prefix('.')).collect(),
        };
        let wanted = format!("there is no field `zzzzzzzz`: the fields here are: {}", names.join(", "));
        assert!(said(&job).contains(&wanted), "`{holder}`: {wanted}: {:?}", said(&job));
    }
}

#[test]
fn what_is_called_required_is_missed() {
    for field in all_fields().filter(|field| field.default == "required") {
        let mut job = base();
        job.retain(|path, _| {
            *path != field.path && path.strip_prefix(field.path).is_none_or(|rest| !rest.starts_with('.'))
        });
        let said = said(&job);
        let wanted = format!("`{}", field.path);
        assert!(
            said.iter().any(|line| line.starts_with(&wanted) && line.contains("is missing")),
            "{}: {said:?}",
            field.path
        );
    }
}
