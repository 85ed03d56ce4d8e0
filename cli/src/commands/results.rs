//! `pakt results PATH...`, `pakt results JOB`

use super::{Context, cells};
use crate::{
    failure::Failure,
    output::{Answer, result_notes, results_code, results_json},
    wiring::{
        Earlier, MADE_BY, io_words, own_files, publish, scores_courses, scores_csv, scores_hdf5, scores_svg,
        scores_table,
    },
};
use jobs::results::{Results, Wanted, results};
use model::{Pattern, counted};
use serde_json::json;
use std::{
    io::{self, ErrorKind},
    path::{Path, PathBuf},
};

const NOT_WRITTEN: &str = "no results were written";

/// Arguments of `results`.
#[derive(Debug, clap::Args)]
#[allow(clippy::struct_excessive_bools, reason = "each is a word of the command line")]
pub(crate) struct Arguments {
    /// Folders with results of evaluations, or files of them; or a job with a sweep or an evaluation: its cells and scores
    #[arg(required = true, value_name = "PATH|JOB")]
    pub paths: Vec<PathBuf>,
    /// Submit the cells of a job that are not done and that nobody works on, as a new job
    #[arg(long, conflicts_with_all = ["model", "task", "metric", "plot", "csv", "hdf5", "svg", "force"])]
    pub missing: bool,
    /// Models of these names alone; `*` stands for any letters, `#` for a digit
    #[arg(long, value_name = "PATTERN")]
    pub model: Vec<Pattern>,
    /// Tasks of these names alone
    #[arg(long, value_name = "PATTERN")]
    pub task: Vec<Pattern>,
    /// Metrics of these names alone
    #[arg(long, value_name = "PATTERN")]
    pub metric: Vec<Pattern>,
    /// Show the course of each score over the checkpoints instead of the table
    #[arg(long)]
    pub plot: bool,
    /// Write all scores, and which are missing, as CSV; `-` for stdout
    #[arg(long, value_name = "FILE")]
    pub csv: Option<PathBuf>,
    /// Write the matrix model x task x metric as HDF5
    #[arg(long, value_name = "FILE")]
    pub hdf5: Option<PathBuf>,
    /// Draw the courses over the checkpoints as SVG; `-` for stdout
    #[arg(long, value_name = "FILE")]
    pub svg: Option<PathBuf>,
    /// Write over files that are there
    #[arg(long)]
    pub force: bool,
}

impl Arguments {
    /// The scores that are wanted.
    pub(super) fn wanted(&self) -> Wanted {
        Wanted { models: self.model.clone(), tasks: self.task.clone(), metrics: self.metric.clone() }
    }

    /// Whether anything of scores is wanted that cells do not have.
    pub(super) fn are_of_scores(&self) -> bool {
        let names = [&self.model, &self.task, &self.metric];
        let files = [&self.csv, &self.hdf5, &self.svg];
        self.plot || names.iter().any(|names| !names.is_empty()) || files.iter().any(|file| file.is_some())
    }

    /// Whether a job is meant: what is there, or is written as a path, is one.
    pub(crate) fn is_of_job(&self) -> bool {
        let is_job = |path: &PathBuf| path.components().count() == 1 && path.symlink_metadata().is_err();
        self.missing || matches!(self.paths.as_slice(), [path] if is_job(path))
    }
}

/// Shows or submits cells of a job.
pub(crate) async fn of_job(arguments: &Arguments, context: &Context) -> Result<Answer, Failure> {
    let [job] = arguments.paths.as_slice() else {
        return Err(Failure::usage("no cell was submitted", "several jobs are named", "name one job"));
    };
    let job = job.to_string_lossy();
    if arguments.missing {
        return cells::run_missing(&job, context).await;
    }
    refuse(arguments)?;
    cells::run(&job, arguments, context).await
}

/// Something that was asked for beside the table.
struct Product<'a> {
    form: &'static str,
    to: &'a Path,
    bytes: Vec<u8>,
}

/// Reads results and shows them, or writes them.
pub(crate) async fn run(arguments: &Arguments) -> Result<Answer, Failure> {
    refuse(arguments)?;
    let found = results(&own_files(), &arguments.paths, &arguments.wanted()).await?;
    shown(arguments, &found)
}

/// What the arguments want of scores: shown, written, or both.
pub(super) fn shown(arguments: &Arguments, found: &Results) -> Result<Answer, Failure> {
    let products = products(arguments, found)?;
    let mut notes = result_notes(found);
    let mut written = Vec::new();
    let mut text = None;
    for Product { form, to, bytes } in products {
        if is_stdout(to) {
            // Neither CSV nor SVG is made of anything but text.
            text = Some(String::from_utf8_lossy(&bytes).into_owned());
            continue;
        }
        let earlier = if arguments.force { Earlier::IsReplaced } else { Earlier::Stays };
        publish(to, &bytes, earlier).map_err(|error| not_written(to, &error))?;
        notes.push(format!("wrote {}", to.display()));
        written.push(json!({ "form": form, "file": to }));
    }
    let is_product = text.is_some();
    let text = text.unwrap_or_else(|| if arguments.plot { courses(found) } else { scores_table(&found.matrix) });
    let answer = Answer::new(text, results_json(found, &written)).with_notes(notes).with_code(results_code(found));
    Ok(if is_product { answer.product() } else { answer })
}

fn is_stdout(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// Refuses what cannot be done, before anything is read.
fn refuse(arguments: &Arguments) -> Result<(), Failure> {
    let Arguments { csv, hdf5, svg, force, .. } = arguments;
    if hdf5.as_deref().is_some_and(is_stdout) {
        return Err(Failure::usage(
            NOT_WRITTEN,
            "an HDF5 file does not go to stdout",
            "name a file: `--hdf5 scores.h5`",
        ));
    }
    let outputs: Vec<&PathBuf> = [csv, hdf5, svg].into_iter().flatten().collect();
    let twice = outputs.iter().enumerate().find(|(place, path)| outputs[..*place].contains(path));
    if let Some((_, path)) = twice {
        let why = format!("`{}` is named for two forms", path.display());
        return Err(Failure::usage(NOT_WRITTEN, why, "name a file for each"));
    }
    // Looked at once more when the file gets its name.
    match outputs.into_iter().find(|path| !force && !is_stdout(path) && path.symlink_metadata().is_ok()) {
        Some(path) => Err(not_written(path, &ErrorKind::AlreadyExists.into())),
        None => Ok(()),
    }
}

fn not_written(path: &Path, error: &io::Error) -> Failure {
    let why = |words: &str| format!("`{}`: {words}", path.display());
    match error.kind() {
        ErrorKind::AlreadyExists => {
            let next = "name another file, or write over it with `--force`";
            Failure::usage(NOT_WRITTEN, why("it is there already"), next)
        }
        ErrorKind::NotFound
        | ErrorKind::NotADirectory
        | ErrorKind::IsADirectory
        | ErrorKind::InvalidInput
        | ErrorKind::InvalidFilename => Failure::usage(NOT_WRITTEN, why(&io_words(error)), "name another file"),
        _ => Failure::unreachable(NOT_WRITTEN, why(&io_words(error)), "make room there, or name a file elsewhere"),
    }
}

/// Makes all that is to be written before any of it is.
fn products<'a>(arguments: &'a Arguments, found: &Results) -> Result<Vec<Product<'a>>, Failure> {
    let mut products = Vec::new();
    if let Some(to) = &arguments.csv {
        products.push(Product { form: "csv", to, bytes: scores_csv(&found.matrix).into_bytes() });
    }
    if let Some(to) = &arguments.hdf5 {
        let bytes = scores_hdf5(&found.matrix, MADE_BY).map_err(|error| {
            Failure::unreachable(NOT_WRITTEN, error.to_string(), "make room among the temporary files (TMPDIR)")
        })?;
        products.push(Product { form: "hdf5", to, bytes });
    }
    if let Some(to) = &arguments.svg {
        let Some((text, left_out)) = scores_svg(&found.matrix) else {
            let next = "leave `--svg` out; docs/results.md says where steps come from";
            return Err(Failure::usage(NOT_WRITTEN, NO_COURSE, next));
        };
        if left_out > 0 {
            let why = format!("{} more than one drawing holds", counted(left_out, "course"));
            return Err(Failure::usage(NOT_WRITTEN, why, "name fewer with `--task`, `--metric` or `--model`"));
        }
        products.push(Product { form: "svg", to, bytes: text.into_bytes() });
    }
    Ok(products)
}

const NO_COURSE: &str = "no model has scores of two checkpoints at one task by one metric";

fn courses(found: &Results) -> String {
    scores_courses(&found.matrix).unwrap_or_else(|| format!("{NO_COURSE}\n"))
}
