//! Guesses that the scheduler is told. They never stop a job here, so a person must know that the site may.

use super::{limits::gpus_field, share::Share};
use crate::partition::Partition;
use model::{Finding, JobSpec};

/// Warns of each guess among the options of the batch script.
pub(super) fn check(partition: &Partition, spec: &JobSpec, share: &Share, findings: &mut Vec<Finding>) {
    if let Some(name) = partition.slurm_name.as_ref().filter(|name| name.is_guess()) {
        let what = format!("that Slurm calls this partition `{}` is a guess", name.value);
        findings.push(doubt("scheduler.partition", what));
    }
    let selection = &partition.selection;
    if selection.is_guess() && share.gpus > 0 {
        let gres = selection.value.gres.as_ref().map(|gres| format!("`--gres={gres}:{}`", share.gpus));
        let constraint = selection.value.constraint.as_ref().map(|own| format!("`--constraint={own}`"));
        let options: Vec<String> = [gres, constraint].into_iter().flatten().collect();
        if !options.is_empty() {
            let what = format!("how `{}` is asked for its GPUs is a guess: {}", partition.name, options.join(", "));
            findings.push(doubt(gpus_field(spec), what));
        }
    }
    let cpus = &partition.cpus;
    if cpus.is_guess() {
        let per_node = cpus.value.per_node;
        let consequence =
            if share.tells_cpus { "`--cpus-per-task` follows from it" } else { "`--cpus-per-task` is left out" };
        let what = format!("that nodes of `{}` have {per_node} CPUs is a guess: {consequence}", partition.name);
        findings.push(doubt("resources.cpus", what));
    }
}

fn doubt(field: &str, what: String) -> Finding {
    let next = "`pakt sites doctor` compares it with the cluster; a site file in your configuration corrects it";
    Finding::warning(field, what, next)
}
