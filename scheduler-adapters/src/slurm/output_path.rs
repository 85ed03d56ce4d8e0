//! Where a job's standard output goes: `squeue` prints the pattern that was asked for, and only a default filled in.

use crate::{JobForm, JobSighting};
use std::path::{Path, PathBuf};

/// The path that a pattern stands for ("filename pattern" of sbatch(1), 22.05 to 25.11); none where a symbol is not
/// known before the job runs, or not at all.
pub(super) fn resolve(pattern: &str, job: &JobSighting, directory: Option<&Path>) -> Option<PathBuf> {
    let task = task_of(&job.shown_id);
    let default = format!("slurm-{}.out", job.id);
    let (folder, name) = pattern.rsplit_once('/').unwrap_or(("", pattern));
    let resolved = match (job.form, task) {
        // The default of an array is `slurm-%A_%a.out`. 22.05 shows it as if it were that of a single job.
        (JobForm::Array, Some(task)) if name == default => format!("{folder}/slurm-{}_{task}.out", job.leader),
        (JobForm::Array, None) if name == default => return None,
        _ => fill_in(pattern, job, task)?,
    };
    let path = PathBuf::from(resolved);
    match directory {
        _ if path.is_absolute() => Some(path),
        Some(directory) => Some(directory.join(path)),
        None => None,
    }
}

/// The index of a task that was started: 3 for `4711_3`, none for `4711_[5-9]`.
fn task_of(shown_id: &str) -> Option<&str> {
    let (_, task) = shown_id.split_once('_')?;
    (!task.is_empty() && task.bytes().all(|byte| byte.is_ascii_digit())).then_some(task)
}

fn fill_in(pattern: &str, job: &JobSighting, task: Option<&str>) -> Option<String> {
    // A backslash takes the meaning from all symbols and is itself taken out in ways that differ.
    if pattern.contains('\\') {
        return None;
    }
    let mut path = String::new();
    let mut rest = pattern;
    while let Some((before, symbol)) = rest.split_once('%') {
        path += before;
        let width = symbol.bytes().take_while(u8::is_ascii_digit).count();
        let letter = symbol[width..].chars().next()?;
        let digits: usize = if width == 0 { 0 } else { symbol[..width].parse().ok()? };
        let number = |value: &str| format!("{value:0>width$}", width = digits.min(10));
        path += &match letter {
            '%' if width == 0 => "%".to_owned(),
            'j' => number(&job.id.to_string()),
            'A' => number(&job.leader.to_string()),
            'a' => number(task?),
            'u' => job.user.to_string(),
            // A job's name may hold what a file's may not; what Slurm then makes of it differs.
            'x' if !job.name.contains('/') => job.name.clone(),
            // The batch script runs on the first node.
            'n' | 't' => number("0"),
            _ => return None,
        };
        rest = &symbol[width + letter.len_utf8()..];
    }
    Some(path + rest)
}
