//! The options for the scheduler, in the order in which a person reads them.

use super::{partition::features, share::Share};
use crate::partition::Partition;
use model::{Directive, Finding, JobSpec, NotifyWhen};

/// The options of the batch script. Job name, comment, log and directory are not among them: others own those.
pub(super) fn of(partition: &Partition, spec: &JobSpec, share: &Share, findings: &mut Vec<Finding>) -> Vec<Directive> {
    let scheduler = &spec.scheduler;
    let mut list = List(Vec::new());
    list.optional("account", scheduler.account.as_ref());
    list.optional("partition", partition.slurm_name.as_ref().map(|name| &name.value));
    list.optional("qos", scheduler.qos.as_ref().or(partition.qos.as_ref().map(|qos| &qos.value)));
    list.with("nodes", &share.nodes);
    list.with("ntasks-per-node", &share.tasks);
    let selection = &partition.selection.value;
    if let Some(gres) = selection.gres.as_ref().filter(|_| share.gpus > 0) {
        list.with("gres", &format!("{gres}:{}", share.gpus));
    }
    list.optional("constraint", constraint(partition, scheduler.constraint.as_deref(), findings).as_ref());
    if share.tells_cpus {
        list.with("cpus-per-task", &(share.cpus / share.tasks.max(1)).max(1));
    }
    list.optional("mem", share.memory_mib.as_ref());
    list.with("time", &spec.resources.time);
    if share.gives_exclusive {
        list.flag("exclusive");
    }
    list.0.extend(partition.directives.iter().map(|directive| directive.value.clone()));
    list.optional("reservation", scheduler.reservation.as_ref());
    list.optional("exclude", scheduler.exclude.as_ref());
    list.optional("begin", scheduler.begin.as_ref());
    list.optional("dependency", scheduler.after.as_ref());
    notices(spec, &mut list);
    // A requeue starts the program again from the beginning and charges twice: going on is for those who ask for it.
    if !scheduler.extra.iter().any(|word| word == "--requeue") {
        list.flag("no-requeue");
    }
    if scheduler.after.is_some() {
        list.with("kill-on-invalid-dep", &"yes");
    }
    list.with("open-mode", &"append");
    list.0
}

struct List(Vec<Directive>);

impl List {
    fn with(&mut self, option: &str, value: &impl ToString) {
        self.0.push(Directive::with(option, value));
    }

    fn optional(&mut self, option: &str, value: Option<&impl ToString>) {
        if let Some(value) = value {
            self.with(option, value);
        }
    }

    fn flag(&mut self, option: &str) {
        self.0.push(Directive::flag(option));
    }
}

/// The features that select the GPUs, together with those that the job asks for.
fn constraint(partition: &Partition, asked: Option<&str>, findings: &mut Vec<Finding>) -> Option<String> {
    let selection = &partition.selection.value;
    let own = selection.constraint.as_deref();
    let (Some(own), Some(asked)) = (own, asked) else { return own.or(asked).map(str::to_owned) };
    let says_which = |feature: &str| feature == own || selection.alternatives.iter().any(|other| other == feature);
    if features(asked).any(says_which) {
        return Some(asked.to_owned());
    }
    if asked.contains(['|', '[', '(', '*', ',']) {
        let what = format!("`{own}`, which selects the GPUs of `{}`, is not added to `{asked}`", partition.name);
        let next = format!("write it into the expression yourself: `{own}&…`");
        findings.push(Finding::warning("scheduler.constraint", what, next));
        return Some(asked.to_owned());
    }
    Some(format!("{own}&{asked}"))
}

fn notices(spec: &JobSpec, list: &mut List) {
    let Some(mail) = spec.notify.mail.as_ref().filter(|_| !spec.notify.when.is_empty()) else { return };
    let word = |when: &NotifyWhen| match when {
        NotifyWhen::Start => "BEGIN",
        NotifyWhen::End => "END",
        NotifyWhen::Fail => "FAIL",
    };
    let words: Vec<&str> = spec.notify.when.iter().map(word).collect();
    list.with("mail-type", &words.join(","));
    list.with("mail-user", mail);
}
