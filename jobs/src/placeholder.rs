//! The words that stand in a job file of `pakt init` for what nobody could tell it: who spends, and which account pays.

use model::{Finding, JobSpec};
use templates::{ACCOUNT_PLACEHOLDER as ACCOUNT, PROJECT_PLACEHOLDER as PROJECT};

/// A doubt for each that still stands in a job.
pub(crate) fn left(spec: &JobSpec) -> Vec<Finding> {
    let mut found = Vec::new();
    if spec.project.as_str() == PROJECT {
        let next = "write the name that your group's ledger has for it; `project: NAME` in the configuration gives it to \
                    every new file";
        found.push(Finding::warning("project", format!("`{PROJECT}` stands for the project that spends"), next));
    }
    if spec.scheduler.account.as_ref().is_some_and(|account| account.as_str() == ACCOUNT) {
        let what = format!("`{ACCOUNT}` stands for the Slurm account that pays");
        let next = "write one of yours; `pakt sites` lists them on a login node";
        found.push(Finding::warning("scheduler.account", what, next));
    }
    found
}
