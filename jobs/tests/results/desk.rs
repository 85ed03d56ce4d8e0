//! A folder with files, and what is read there.

use jobs::{
    JobsError,
    results::{Results, Told, ToldKind, Wanted, results},
};
use model::{Score, Subject};
use reach::Local;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// A folder.
pub(crate) struct Desk(TempDir);

impl Desk {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder"))
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    /// Writes a file, with the folders above it.
    pub(crate) fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path().join(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("ours");
        std::fs::write(&path, bytes).expect("ours");
        path
    }

    /// Puts a file of the harness there.
    pub(crate) fn copy(&self, fixture: &str, name: &str) -> PathBuf {
        self.write(name, self::fixture(fixture))
    }

    /// Reads all that lies there.
    pub(crate) async fn read(&self) -> Result<Results, JobsError> {
        results(&Local, &[self.path().to_owned()], &Wanted::default()).await
    }

    /// What is told, with names from the folder on.
    pub(crate) fn told(&self, told: &[Told]) -> Vec<String> {
        let root = format!("{}/", self.path().display());
        let line = |told: &Told| told.line.map(|line| format!(":{line}")).unwrap_or_default();
        let kind = |told: &Told| match told.kind {
            ToldKind::Note => "note",
            ToldKind::Entry => "entry",
            ToldKind::NoResult => "no result",
            ToldKind::Unreachable => "unreachable",
        };
        told.iter()
            .map(|told| format!("{}{}: {}: {}", told.file, line(told), kind(told), told.what).replace(&root, ""))
            .collect()
    }
}

/// A file of the harness itself.
pub(crate) fn fixture(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/results/fixtures");
    std::fs::read(folder.join(format!("lm-eval-{name}.json"))).expect("it lies there")
}

/// The scores, one a line.
pub(crate) fn lines(results: &Results) -> String {
    results.matrix.scores().map(|(_, score)| line(score) + "\n").collect()
}

fn line(score: &Score) -> String {
    let Score { subject: Subject { model, step }, task, by, value, stderr, higher_is_better, samples, .. } = score;
    let step = step.map(|step| format!("@{step}")).unwrap_or_default();
    let shot = task.n_shot.map_or("-".to_owned(), |count| format!("{count}"));
    let filter = by.filter.as_ref().map(|filter| format!(",{filter}")).unwrap_or_default();
    let unit = by.unit.as_ref().map(|unit| format!(" {unit}")).unwrap_or_default();
    let stderr = stderr.map(|stderr| format!(" ±{stderr:.4}")).unwrap_or_default();
    let better = higher_is_better.map_or("", |higher| if higher { " up" } else { " down" });
    let samples = samples.map(|count| format!(" of {count}")).unwrap_or_default();
    let version = score.task_version.as_deref().map(|version| format!(" v{version}")).unwrap_or_default();
    let group = if score.is_group { " group" } else { "" };
    format!(
        "{model}{step} {}/{shot} {}{filter} {value:.4}{unit}{stderr}{better}{samples}{version}{group}",
        task.task, by.metric
    )
}
