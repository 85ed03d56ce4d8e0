//! Whether a job that submits jobs itself can do so from where it runs.

use crate::partition::Partition;
use model::{Finding, JobSpec, RunLine};

/// Commands that submit.
const SUBMITTING: [&[&str]; 3] = [&["sbatch"], &["salloc"], &["pakt", "submit"]];

/// Warns where the program's text submits jobs and compute nodes cannot, or nobody knows. The text may lie (a comment, a
/// word in quotes), so that it is never a mistake.
pub(super) fn check(partition: &Partition, spec: &JobSpec, findings: &mut Vec<Finding>) {
    let Some(command) = submitting(&spec.run) else { return };
    let known = partition.submits_from_compute.as_ref();
    let what = match known {
        Some(submits) if submits.value && !submits.is_guess() => return,
        Some(submits) if !submits.value => {
            format!("`run` calls `{command}`, and compute nodes of `{}` cannot submit jobs", partition.name)
        }
        _ => format!(
            "`run` calls `{command}`, and nobody has said that compute nodes of `{}` can submit",
            partition.name
        ),
    };
    let source = known.map(|submits| format!(" ({})", submits.citation())).unwrap_or_default();
    let next = format!("submit from a login node, with `scheduler: {{ after: … }}` to keep the order{source}");
    findings.push(Finding::warning("run", what, next));
}

fn submitting(run: &RunLine) -> Option<String> {
    let text = match run {
        RunLine::Shell(text) => text.clone(),
        RunLine::Words(words) => words.join(" "),
    };
    let is_of_a_word = |letter: char| letter.is_alphanumeric() || "-_.".contains(letter);
    let words: Vec<&str> = text.split(|letter: char| !is_of_a_word(letter)).filter(|word| !word.is_empty()).collect();
    let stands = |command: &&&[&str]| words.windows(command.len()).any(|window| window == **command);
    SUBMITTING.iter().find(stands).map(|command| command.join(" "))
}
