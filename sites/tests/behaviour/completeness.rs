//! Every fact that a profile should hold is there, or stands in its list of what nobody was found to say.

use crate::support::catalogue;
use model::{StorageContext, StorageRole};
use sites::{Partition, Site};

/// Facts by path, and whether the profile has them.
type Facts = Vec<(String, bool)>;

fn of_site(site: &Site) -> Facts {
    let login = &site.login.value;
    let mut facts = vec![
        ("detection".to_owned(), !site.detection.variables.is_empty() || !site.detection.hosts.is_empty()),
        ("clusters".to_owned(), !site.clusters.is_empty()),
        ("login.hosts".to_owned(), !login.hosts.is_empty()),
        ("login.methods".to_owned(), !login.methods.is_empty()),
        ("account.pattern".to_owned(), site.account.value.pattern.is_some()),
        ("account.examples".to_owned(), !site.account.value.examples.is_empty()),
        ("budget_windows".to_owned(), !site.budget_windows.value.is_empty()),
        ("accounting_zone".to_owned(), site.accounting_zone.is_some()),
        ("usage".to_owned(), site.usage.is_some()),
        ("state_area".to_owned(), site.state_area.is_some()),
        ("cache_area".to_owned(), site.cache_area.is_some()),
    ];
    of_storage(site, &mut facts);
    for partition in &site.partitions {
        of_partition(partition, &mut facts);
    }
    facts
}

fn of_storage(site: &Site, facts: &mut Facts) {
    let areas = || site.storage.iter().map(|area| &area.value);
    let word = |role: StorageRole| match role {
        StorageRole::Home => "home",
        StorageRole::Project => "project",
        StorageRole::Scratch => "scratch",
        StorageRole::Flash => "flash",
        StorageRole::Data => "data",
        StorageRole::Archive => "archive",
        StorageRole::NodeLocal => "node-local",
    };
    for role in [StorageRole::Home, StorageRole::Project, StorageRole::Scratch] {
        facts.push((format!("storage.{}", word(role)), areas().any(|area| area.role == role)));
    }
    facts.push(("storage.mover".to_owned(), areas().any(|area| area.is_visible_from(StorageContext::Mover))));
    for area in areas() {
        let path = |field: &str| format!("storage.{}.{field}", word(area.role));
        let is_seen = !area.paths.is_empty() || !area.variables.is_empty();
        facts.push((path("paths"), is_seen));
        facts.push((path("backup"), area.backup.is_some()));
        facts.push((path("byte_quota_command"), area.byte_quota_command.is_some()));
        facts.push((path("inode_quota_command"), area.inode_quota_command.is_some()));
        if [StorageRole::Scratch, StorageRole::Flash, StorageRole::NodeLocal].contains(&area.role) {
            facts.push((path("purge_days"), area.purge_days.is_some()));
        }
    }
}

/// What the types do not demand already: architecture, sharing, tariff, internet, rendezvous and launchers cannot be left out.
fn of_partition(partition: &Partition, facts: &mut Facts) {
    let path = |field: &str| format!("partitions.{}.{field}", partition.name);
    let has_gpus = partition.gpus.is_some();
    let memory = &partition.memory.value;
    facts.push((path("cpus.per_gpu"), !has_gpus || partition.cpus.value.per_gpu.is_some()));
    facts.push((path("memory.per_gpu_mib"), !has_gpus || memory.per_gpu_mib.is_some()));
    facts.push((path("memory.per_node_mib"), memory.per_node_mib.is_some()));
    facts.push((path("limits.wall"), partition.limits.wall.is_some()));
    facts.push((path("limits.nodes"), partition.limits.nodes.is_some()));
    facts.push((path("limits.running"), partition.limits.running.is_some()));
    facts.push((path("limits.submitted"), partition.limits.submitted.is_some()));
    facts.push((path("containers"), !partition.containers.is_empty()));
    facts.push((path("submits_from_compute"), partition.submits_from_compute.is_some()));
    let has_reasons = partition.environment.iter().all(|setting| !setting.value.reason.trim().is_empty());
    facts.push((path("environment.reason"), has_reasons));
}

#[test]
fn every_required_fact_is_there_or_listed_as_unknown() {
    let mut wrong = Vec::new();
    for site in catalogue().iter() {
        let facts = of_site(site);
        let missing = |path: &str| facts.iter().any(|(fact, is_there)| fact == path && !is_there);
        for (path, is_there) in &facts {
            if !is_there && !site.is_unknown(path) {
                wrong.push(format!("{}: `{path}` is neither there nor in `unknown`", site.title));
            }
        }
        for pattern in &site.unknown {
            let mut alone = site.clone();
            alone.unknown = vec![pattern.clone()];
            if !facts.iter().any(|(path, _)| missing(path) && alone.is_unknown(path)) {
                wrong.push(format!("{}: `unknown` lists `{pattern}`, and nothing of that is missing", site.title));
            }
        }
    }
    wrong.dedup();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn jupiters_scratch_is_an_area_of_its_own_with_its_purge_rule() {
    let catalogue = catalogue();
    let jupiter = crate::support::site(catalogue, "jupiter");
    let scratch = jupiter.storage.iter().map(|area| &area.value).filter(|area| area.role == StorageRole::Scratch);
    let compute = StorageContext::Compute;
    let names: Vec<_> = scratch
        .map(|area| {
            assert_eq!((area.purge_days, area.backup), (Some(90), Some(false)));
            area.variables.get(&compute).or_else(|| area.paths.get(&compute)).expect("a name").as_str()
        })
        .collect();
    assert_eq!(names, ["EXASCRATCH", "SCRATCH", "/e/scratch"], "what has one path on all nodes comes first");
}

#[test]
fn small_homes_hold_no_caches() {
    let catalogue = catalogue();
    for site in catalogue.iter().filter(|site| site.name().as_str() != "local") {
        let area = site.cache_area.as_ref().unwrap_or_else(|| panic!("{} has no area for caches", site.title));
        assert!(!area.value.contains("HOME") && !area.value.starts_with('~'), "{}", site.title);
    }
}
