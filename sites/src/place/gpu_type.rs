//! The type of GPU that a job asks for: which partitions have it, and what a site has instead.

use crate::{
    partition::{Gpus, Partition},
    profile::{SchedulerKind, Site},
};
use model::{Finding, GpuRequest, GpuType};

/// Those of the partitions that have GPUs of the type, the ones that hold the request on a node first. Where there are
/// none, a mistake, and all of them: it does not hide what else is wrong. What this machine has nobody has written down:
/// there the type is only doubted.
pub(super) fn narrow<'a>(
    site: &'a Site,
    candidates: Vec<&'a Partition>,
    wanted: &GpuType,
    request: GpuRequest,
    findings: &mut Vec<Finding>,
) -> Vec<&'a Partition> {
    let field = field(request);
    if site.scheduler == SchedulerKind::Local {
        let what = format!("nobody has said of which type the GPUs of {} are: `{wanted}` is not checked", site.title);
        findings.push(Finding::warning(field, what, "leave the type out for this machine"));
        return candidates;
    }
    let mut found: Vec<&Partition> =
        candidates.iter().copied().filter(|partition| is_of_type(partition, wanted)).collect();
    if found.is_empty() {
        findings.push(absent(site, &candidates, wanted, field));
        return candidates;
    }
    if let GpuRequest::PerNode(gpus) = request {
        found.sort_by_key(|partition| partition.gpus_per_node() < gpus);
    }
    found
}

/// Whether the partition's GPUs go by the name: their class, Slurm's own type, or the first words of their model.
fn is_of_type(partition: &Partition, wanted: &GpuType) -> bool {
    let Some(gpus) = partition.gpus.as_ref().filter(|gpus| gpus.value.per_node > 0) else { return false };
    let wanted = plain(wanted.as_str());
    let slurms = partition.selection.value.gres.as_deref().and_then(|gres| gres.split_once(':')).map(|(_, kind)| kind);
    plain(gpus.value.class.as_str()) == wanted
        || slurms.is_some_and(|kind| plain(kind) == wanted)
        || starts_of(&gpus.value.model).any(|start| start == wanted)
}

/// `a100`, `a10040`, `a10040gb` of `A100 40 GB`.
fn starts_of(model: &str) -> impl Iterator<Item = String> {
    model.split_whitespace().scan(String::new(), |start, word| {
        start.push_str(&plain(word));
        Some(start.clone())
    })
}

/// The name without case and signs, which people write as they like: `A100-80`, `a100_80`.
fn plain(text: &str) -> String {
    text.chars().filter(char::is_ascii_alphanumeric).map(|letter| letter.to_ascii_lowercase()).collect()
}

fn absent(site: &Site, candidates: &[&Partition], wanted: &GpuType, field: &str) -> Finding {
    let elsewhere: Vec<&str> = site
        .partitions
        .iter()
        .filter(|partition| is_of_type(partition, wanted))
        .map(|partition| partition.name.as_str())
        .collect();
    if let (Some(named), false) = (candidates.first(), elsewhere.is_empty()) {
        let own = named.gpus.as_ref().map_or("no GPUs".to_owned(), |gpus| gpus.value.model.clone());
        let what = format!("`{}` of {} has {own}, and `{wanted}` is asked for", named.name, site.title);
        let next = format!("name a partition that has them: {}", elsewhere.join(", "));
        return Finding::error(field, what, next);
    }
    let mut types: Vec<String> = Vec::new();
    for gpus in site.partitions.iter().filter_map(|partition| partition.gpus.as_ref()) {
        let Gpus { class, model, .. } = &gpus.value;
        let words = format!("`{}` ({model})", class.as_str());
        if !types.contains(&words) {
            types.push(words);
        }
    }
    let what = format!("{} has no GPUs of type `{wanted}`", site.title);
    Finding::error(field, what, format!("it has: {}", types.join(", ")))
}

/// Where the type stands in a job file.
const fn field(request: GpuRequest) -> &'static str {
    match request {
        GpuRequest::Total(_) => "resources.gpus",
        GpuRequest::PerNode(_) | GpuRequest::None => "resources.gpus_per_node",
    }
}
