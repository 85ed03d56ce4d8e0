//! Scores as an HDF5 file: model x task x metric, with errors, units and provenance (docs/results.md has the layout).
//!
//! libhdf5 is not re-entrant: it is built without its own lock. Every call of the crate takes one lock of the whole process, and
//! a file is made here from its first call to its last by the thread that asks for it, so that no thread of HDF5's own is needed.

use hdf5::{Dataset, File, Group, H5Type, Location, types::VarLenUnicode};
use model::{Cell, Score, ScoreMatrix, ScoreSource};
use ndarray::{Array3, ArrayView1};
use std::io::Read as _;

/// The version of the layout.
const LAYOUT: u32 = 1;

/// So many metrics have room: what is said of them stands in attributes, which have a bound of 64 KiB (HDF5's file format, "compact
/// storage of attributes").
const MOST_METRICS: usize = 2_000;

/// Why no file was made.
#[derive(Debug, thiserror::Error)]
pub enum Hdf5Error {
    /// The folder for temporary files cannot be used.
    #[error("a temporary file: {0}")]
    File(#[from] std::io::Error),
    /// More metrics than have room.
    #[error("an HDF5 file has room for {MOST_METRICS} metrics, and there are {0}")]
    TooManyMetrics(usize),
    /// libhdf5 refused.
    #[error("libhdf5: {0}")]
    Library(#[from] hdf5::Error),
}

/// The bytes of the file. It is made among the temporary files of this machine, where file locks work, which HDF5 takes and
/// shared file systems may not have; `made_by` names the program.
pub fn scores_hdf5(matrix: &ScoreMatrix, made_by: &str) -> Result<Vec<u8>, Hdf5Error> {
    if matrix.metrics().len() > MOST_METRICS {
        return Err(Hdf5Error::TooManyMetrics(matrix.metrics().len()));
    }
    let mut kept = tempfile::NamedTempFile::new()?;
    let file = File::create(kept.path())?;
    put_values(&file, matrix)?;
    put_axes(&file, matrix)?;
    put_sources(&file, matrix.sources())?;
    put_provenance(&file, matrix, made_by)?;
    file.close()?;
    let mut bytes = Vec::new();
    kept.read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The arrays of three axes.
fn put_values(file: &File, matrix: &ScoreMatrix) -> Result<(), Hdf5Error> {
    let shape = (matrix.subjects().len(), matrix.tasks().len(), matrix.metrics().len());
    let put = |name: &str, told: fn(&Score) -> f64| {
        let values =
            Array3::from_shape_fn(shape, |(subject, task, metric)| match matrix.cell([subject, task, metric]) {
                Cell::Told(score) => told(score),
                Cell::Missing | Cell::Unused => f64::NAN,
            });
        dimensions(&file.new_dataset_builder().with_data(&values).create(name)?)
    };
    put("value", |score| score.value)?;
    put("stderr", |score| score.stderr.unwrap_or(f64::NAN))?;
    let counted = |name: &str, told: fn(&Score) -> Option<i64>| {
        let values =
            Array3::from_shape_fn(shape, |(subject, task, metric)| match matrix.cell([subject, task, metric]) {
                Cell::Told(score) => told(score).unwrap_or(UNKNOWN),
                Cell::Missing | Cell::Unused => UNKNOWN,
            });
        dimensions(&file.new_dataset_builder().with_data(&values).create(name)?)
    };
    counted("samples", |score| score.samples.and_then(|count| i64::try_from(count).ok()))?;
    counted("source", |score| i64::try_from(score.source).ok())?;
    let flag = |name: &str, is: fn(Cell<'_>) -> bool| {
        let values = Array3::from_shape_fn(shape, |(subject, task, metric)| is(matrix.cell([subject, task, metric])));
        dimensions(&file.new_dataset_builder().with_data(&values).create(name)?)
    };
    flag("present", |cell| matches!(cell, Cell::Told(_)))?;
    flag("missing", |cell| matches!(cell, Cell::Missing))
}

/// Stands where a whole number is not known.
const UNKNOWN: i64 = -1;

fn dimensions(dataset: &Dataset) -> Result<(), Hdf5Error> {
    words_attribute(dataset, "dimensions", ["model", "task", "metric"].into_iter())
}

/// What the places on the axes stand for.
fn put_axes(file: &File, matrix: &ScoreMatrix) -> Result<(), Hdf5Error> {
    words(file, "model", matrix.subjects().iter().map(|subject| subject.model.as_str()))?;
    let steps = matrix.subjects().iter().map(|subject| whole(subject.step));
    numbers(file, "step", &steps.collect::<Vec<_>>())?;
    words(file, "task", matrix.tasks().iter().map(|task| task.task.as_str()))?;
    let shots = matrix.tasks().iter().map(|task| whole(task.n_shot.map(u64::from)));
    numbers(file, "n_shot", &shots.collect::<Vec<_>>())?;
    let metrics = matrix.metrics();
    let metric = words(file, "metric", metrics.iter().map(|by| by.metric.as_str()))?;
    words(file, "filter", metrics.iter().map(|by| by.filter.as_ref().map_or("", |filter| filter.as_str())))?;
    let units = metrics.iter().map(|by| by.unit.as_ref().map_or("", |unit| unit.as_str()));
    words_attribute(&metric, "units", units)?;
    let better = (0..metrics.len()).map(|metric| matrix.higher_is_better(metric).map_or(-1_i8, i8::from));
    attribute(&metric, "higher_is_better", &better.collect::<Vec<_>>())?;
    Ok(())
}

/// Whence the scores come, one a place: lists, because attributes have a bound of 64 KiB.
fn put_sources(file: &File, sources: &[ScoreSource]) -> Result<(), Hdf5Error> {
    let group = file.create_group("sources")?;
    let list = |name: &str, told: fn(&ScoreSource) -> &str| words(&group, name, sources.iter().map(told)).map(drop);
    list("file", |source| &source.file)?;
    list("digest", |source| &source.digest)?;
    list("harness", |source| source.harness.as_deref().unwrap_or_default())?;
    list("harness_version", |source| source.harness_version.as_deref().unwrap_or_default())?;
    list("git_hash", |source| source.git_hash.as_deref().unwrap_or_default())?;
    let dates: Vec<String> =
        sources.iter().map(|source| source.at.map(|at| at.to_string()).unwrap_or_default()).collect();
    words(&group, "at", dates.iter().map(String::as_str))?;
    Ok(())
}

/// What holds for all of it.
fn put_provenance(file: &File, matrix: &ScoreMatrix, made_by: &str) -> Result<(), Hdf5Error> {
    word(file, "made_by", made_by)?;
    attribute(file, "layout_version", &[LAYOUT])?;
    let of_sources = |told: fn(&ScoreSource) -> Option<String>| {
        let said: std::collections::BTreeSet<String> = matrix.sources().iter().filter_map(told).collect();
        // A few versions; more would be no sentence any more, and stand in the list.
        said.into_iter().take(100).collect::<Vec<_>>()
    };
    let harnesses = of_sources(|source| {
        let version = source.harness_version.as_ref().map(|version| format!(" {version}")).unwrap_or_default();
        source.harness.as_ref().map(|harness| format!("{harness}{version}"))
    });
    words_attribute(file, "harness_versions", harnesses.iter().map(String::as_str))?;
    let dates = matrix.sources().iter().filter_map(|source| source.at);
    for (name, at) in [("first_at", dates.clone().min()), ("last_at", dates.max())] {
        word(file, name, &at.map(|at| at.to_string()).unwrap_or_default())?;
    }
    Ok(())
}

fn whole(value: Option<u64>) -> i64 {
    value.and_then(|value| i64::try_from(value).ok()).unwrap_or(UNKNOWN)
}

fn numbers(group: &Group, name: &str, values: &[i64]) -> Result<(), Hdf5Error> {
    group.new_dataset_builder().with_data(values).create(name)?;
    Ok(())
}

fn words<'text>(group: &Group, name: &str, texts: impl Iterator<Item = &'text str>) -> Result<Dataset, Hdf5Error> {
    Ok(group.new_dataset_builder().with_data(&texts.map(text).collect::<Vec<_>>()).create(name)?)
}

fn words_attribute<'text>(
    place: &Location,
    name: &str,
    texts: impl Iterator<Item = &'text str>,
) -> Result<(), Hdf5Error> {
    attribute(place, name, &texts.map(text).collect::<Vec<_>>())
}

fn word(place: &Location, name: &str, said: &str) -> Result<(), Hdf5Error> {
    place.new_attr::<VarLenUnicode>().create(name)?.write_scalar(&text(said))?;
    Ok(())
}

fn attribute<Kind: H5Type>(place: &Location, name: &str, values: &[Kind]) -> Result<(), Hdf5Error> {
    Ok(place.new_attr::<Kind>().shape(values.len()).create(name)?.write(ArrayView1::from(values))?)
}

/// HDF5's strings end at a zero byte; whoever has one is read up to it.
fn text(said: &str) -> VarLenUnicode {
    let said = said.split('\0').next().unwrap_or_default();
    said.parse().unwrap_or_default()
}
