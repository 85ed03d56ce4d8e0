//! What a job costs more than it looks, and how sure the tariff is.

use super::share::Share;
use crate::{
    partition::{Partition, Sharing},
    provenance::Confidence,
};
use model::{Finding, JobSpec, Tariff, Tres, WallTime, price};

/// Warns where whole nodes are charged for a part of them, and where the tariff is a guess.
pub(super) fn check(
    partition: &Partition,
    spec: &JobSpec,
    share: &Share,
    tariff: &Tariff,
    findings: &mut Vec<Finding>,
) {
    let per_node = partition.gpus_per_node();
    if share.has_whole_nodes && share.gpus < per_node {
        let used = match share.gpus {
            0 => "no GPU is used".to_owned(),
            1 => format!("1 of {per_node} GPUs a node is used"),
            several => format!("{several} of {per_node} GPUs a node are used"),
        };
        let cost = cost(&share.charged, spec.resources.time, tariff);
        let why = if partition.sharing.value == Sharing::Exclusive {
            format!("nodes of `{}` are given whole", partition.name)
        } else {
            "`--exclusive` asks for whole nodes".to_owned()
        };
        let what = format!(
            "{used}, and all {} are charged, because {why}: {cost} for {}",
            u64::from(per_node) * u64::from(share.nodes),
            spec.resources.time
        );
        let next = format!("use all {per_node} with `gpus_per_node: {per_node}`, or run several tasks in one job");
        let field = if share.gpus == 0 { "resources" } else { "resources.gpus_per_node" };
        findings.push(Finding::warning(field, what, next));
    }
    if partition.tariff.confidence() == Confidence::Guess {
        let what = format!("what `{}` charges is a guess: {}", partition.name, partition.tariff.source());
        let next =
            "compare the first settled jobs with the site's own figure; a site file in your configuration corrects it";
        findings.push(Finding::warning("", what, next));
    }
}

/// GPU time and the site's own charge, in words.
fn cost(charged: &Tres, time: WallTime, tariff: &Tariff) -> String {
    let Ok(price) = price(charged, time, tariff) else { return "more than can be counted".to_owned() };
    let mut parts: Vec<String> = Vec::new();
    for charge in [&price.gpu, &price.site].into_iter().flatten() {
        let words = charge.amount.in_hours_of(&charge.unit);
        if !parts.contains(&words) {
            parts.push(words);
        }
    }
    parts.join(", ")
}
