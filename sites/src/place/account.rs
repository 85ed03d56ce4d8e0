//! Whether the job names a Slurm account where it must, and none where there is none.

use super::placed::judged;
use crate::{
    pattern,
    profile::{AccountNeed, Site},
};
use model::{Finding, JobSpec};

/// Checks `scheduler.account` against the site's rule.
pub(super) fn check(site: &Site, spec: &JobSpec, findings: &mut Vec<Finding>) {
    const FIELD: &str = "scheduler.account";
    let rule = &site.account;
    let example = rule.value.examples.first().map_or("NAME", String::as_str);
    match (rule.value.need, &spec.scheduler.account) {
        (AccountNeed::Required, None) => {
            let what = format!("{} charges every job to an account, and none is named", site.title);
            let next = format!(
                "write `scheduler: {{ account: {example} }}` with your own, or bind the project `{}` to one in the ledger",
                spec.project
            );
            findings.push(judged(rule.confidence(), FIELD, what, next));
        }
        (AccountNeed::Absent, Some(account)) => {
            let what = format!("{} has no accounts, and `{account}` is named ({})", site.title, rule.citation());
            findings.push(judged(rule.confidence(), FIELD, what, "take `account` out for this site"));
        }
        (AccountNeed::Required | AccountNeed::Optional, Some(account)) => {
            let wanted = rule.value.pattern.as_deref();
            if let Some(wanted) = wanted.filter(|wanted| !pattern::matches(wanted, account.as_str())) {
                let what = format!("accounts of {} usually look like `{wanted}`, and this is `{account}`", site.title);
                let next = "compare it with `sacctmgr show association where user=$USER`";
                findings.push(Finding::warning(FIELD, what, next));
            }
        }
        (AccountNeed::Optional | AccountNeed::Absent, None) => {}
    }
}
