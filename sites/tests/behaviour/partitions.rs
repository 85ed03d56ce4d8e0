//! Which partition a job goes to: by name, by the type of GPU, by what it constrains; and what is said where there is none.

use crate::support::{AT, catalogue, directive, job, job_for, placed, refused, site};
use model::{Finding, GpuRequest, JobSpec};
use sites::{Site, place};

fn wanting(site: &Site, kind: &str, gpus: GpuRequest) -> JobSpec {
    let mut spec = job_for(site, None, gpus);
    spec.resources.gpu_type = Some(kind.parse().expect("a type"));
    spec
}

#[test]
fn unknown_partitions_name_the_nearest_one() {
    let catalogue = catalogue();
    let jupiter = site(catalogue, "jupiter");
    let mut spec = job_for(jupiter, None, GpuRequest::PerNode(4));
    spec.scheduler.partition = Some("boster".parse().expect("a partition"));
    let finding = &refused(jupiter, &spec)[0];
    assert_eq!(
        (finding.field.as_str(), finding.next.as_str()),
        ("scheduler.partition", "did you mean `booster`? It has: booster")
    );
}

/// The line that a finding tells people to write, as it stands between the backticks.
fn line_to_add(finding: &Finding) -> &str {
    let (_, behind) = finding.next.split_once("the line `").expect("a line");
    behind.split_once('`').expect("its end").0
}

#[test]
fn a_partition_that_the_profile_lacks_can_be_added_as_the_message_says() {
    let catalogue = catalogue();
    for site in catalogue.iter() {
        let gpus = if site.partitions[0].gpus_per_node() > 0 { GpuRequest::PerNode(1) } else { GpuRequest::None };
        let mut spec = job_for(site, Some(1), gpus);
        spec.scheduler.partition = Some("brand_new:queue".parse().expect("a partition"));
        let finding = refused(site, &spec).into_iter().find(|finding| finding.field == "scheduler.partition");
        let finding = finding.expect("a finding");
        let text = &catalogue.entry(site.name()).expect("an entry").text;
        let more = catalogue
            .with_override("more.yaml", &format!("{text}{}\n", line_to_add(&finding)))
            .unwrap_or_else(|error| panic!("{}: {error}", site.title));
        let site = more.get(site.name()).expect("the site");
        let placed = placed(site, &spec);
        let wanted = (site.name().as_str() != "local").then(|| "brand_new:queue".to_owned());
        assert_eq!(directive(&placed, "partition"), wanted, "{}", site.title);
    }
}

#[test]
fn the_type_of_gpu_chooses_the_partition() {
    let catalogue = catalogue();
    for (name, kind, gpus, expected) in [
        ("jupiter", "gh200", GpuRequest::PerNode(4), "booster"),
        ("jupiter", "GH200", GpuRequest::Total(8), "booster"),
        ("horeka", "a100", GpuRequest::PerNode(4), "accelerated"),
        ("horeka", "h100", GpuRequest::PerNode(4), "accelerated-h100"),
        ("horeka", "h200", GpuRequest::PerNode(4), "accelerated-h200"),
        ("horeka", "h200", GpuRequest::PerNode(8), "accelerated-h200-8"),
        ("jureca-dc", "h100", GpuRequest::PerNode(2), "dc-h100"),
        ("jureca-dc", "H100-94", GpuRequest::PerNode(2), "dc-hwai"),
        ("jureca-dc", "mi250", GpuRequest::PerNode(8), "dc-mi200"),
        ("levante", "a100_40", GpuRequest::PerNode(4), "gpu-a100-40"),
        ("levante", "a100", GpuRequest::PerNode(4), "gpu"),
        ("grete", "A100", GpuRequest::PerNode(4), "grete"),
        ("grete", "a100-80gb", GpuRequest::PerNode(8), "grete-80gb"),
        ("haicore", "full", GpuRequest::PerNode(1), "normal"),
        ("supermuc-ng-2", "max1550", GpuRequest::PerNode(4), "general"),
    ] {
        let site = site(catalogue, name);
        let placed = placed(site, &wanting(site, kind, gpus));
        assert_eq!(placed.placement.profile_partition, expected, "{name} {kind} {gpus:?}");
    }
}

#[test]
fn a_type_that_the_site_lacks_is_a_mistake_that_names_those_it_has() {
    let catalogue = catalogue();
    let said = |name: &str, kind: &str, gpus: GpuRequest, partition: Option<&str>| {
        let site = site(catalogue, name);
        let mut spec = wanting(site, kind, gpus);
        spec.scheduler.partition = partition.map(|name| name.parse().expect("a partition"));
        let findings = refused(site, &spec);
        assert_eq!(findings.len(), 1, "{findings:?}");
        format!("{}: {} -> {}", findings[0].field, findings[0].what, findings[0].next)
    };
    assert_eq!(
        said("jupiter", "h100", GpuRequest::PerNode(4), None),
        "resources.gpus_per_node: JUPITER has no GPUs of type `h100` -> it has: `gh200` (GH200 96 GB)"
    );
    assert_eq!(
        said("horeka", "v100", GpuRequest::Total(4), None),
        "resources.gpus: HoreKa has no GPUs of type `v100` -> it has: `a100` (A100 40 GB), `h100` (H100), `h200` (H200)"
    );
    assert_eq!(
        said("horeka", "h100", GpuRequest::PerNode(4), Some("accelerated")),
        "resources.gpus_per_node: `accelerated` of HoreKa has A100 40 GB, and `h100` is asked for \
         -> name a partition that has them: accelerated-h100, dev_accelerated-h100"
    );
}

#[test]
fn on_this_machine_the_type_is_doubted_and_not_refused() {
    let catalogue = catalogue();
    let local = site(catalogue, "local");
    let placed = placed(local, &wanting(local, "h100", GpuRequest::PerNode(1)));
    assert_eq!(placed.warnings.len(), 1, "{:?}", placed.warnings);
    assert!(placed.warnings[0].what.contains("`h100` is not checked"), "{:?}", placed.warnings);
}

#[test]
fn a_constraint_replaces_the_profiles_own_of_the_same_family_and_joins_any_other() {
    let catalogue = catalogue();
    for (name, partition, asked, constraint, expected) in [
        ("levante", None, "512G", "a100_80&512G", "gpu"),
        ("levante", None, "a100_40", "a100_40", "gpu-a100-40"),
        ("levante", Some("gpu"), "a100_40&512G", "a100_40&512G", "gpu-a100-40"),
        ("raven", Some("gpu"), "gpu-bw&rack1", "gpu-bw&rack1", "gpu"),
        ("levante", None, "a100_80&512G", "a100_80&512G", "gpu"),
        ("raven", None, "gpu-bw", "gpu-bw", "gpu-bw"),
        ("raven", None, "no-gpu-bw", "no-gpu-bw", "no-gpu-bw"),
        ("raven", None, "rack1", "gpu&rack1", "gpu"),
        ("grete", None, "80gb", "80gb", "grete-80gb"),
    ] {
        let site = site(catalogue, name);
        let mut spec = job_for(site, None, GpuRequest::PerNode(4));
        spec.scheduler.partition = partition.map(|name| name.parse().expect("a partition"));
        spec.scheduler.constraint = Some(asked.to_owned());
        let placed = placed(site, &spec);
        assert_eq!(directive(&placed, "constraint").as_deref(), Some(constraint), "{name} {asked}");
        assert_eq!(placed.placement.profile_partition, expected, "{name} {asked}");
    }
}

#[test]
fn nodes_with_all_gpus_are_spread_evenly_or_refused() {
    let catalogue = catalogue();
    let jupiter = site(catalogue, "jupiter");
    for (nodes, gpus, expected) in [
        (2, 8, Ok(4)),
        (4, 8, Ok(2)),
        (8, 8, Ok(1)),
        (3, 8, Err("ask for 6 or 9, or for other `nodes`")),
        (2, 16, Err("ask for 8, or for other `nodes`")),
        (4, 2, Err("ask for 4 or 8, or for other `nodes`")),
    ] {
        let spec = job_for(jupiter, Some(nodes), GpuRequest::Total(gpus));
        let outcome = place(jupiter, &spec, None, AT);
        match (outcome, expected) {
            (Ok(placed), Ok(each)) => {
                assert_eq!((placed.placement.nodes, placed.placement.share.gpus), (nodes, each), "{nodes} {gpus}");
            }
            (Err(findings), Err(next)) => {
                assert_eq!((findings[0].field.as_str(), findings[0].next.as_str()), ("resources.gpus", next));
            }
            (outcome, expected) => panic!("{nodes} {gpus}: {outcome:?}, expected {expected:?}"),
        }
    }
}

#[test]
fn partitions_that_users_know_are_described() {
    let catalogue = catalogue();
    for (name, partitions) in [
        ("juwels-booster", &["booster", "develbooster", "largebooster"][..]),
        ("jureca-dc", &["dc-gpu", "dc-gpu-devel", "dc-gh", "dc-h100", "dc-mi200", "dc-wai", "dc-hwai", "dc-cpu"]),
        (
            "horeka",
            &[
                "accelerated",
                "accelerated-h100",
                "accelerated-h200",
                "accelerated-h200-8",
                "dev_accelerated",
                "dev_accelerated-h100",
                "cpuonly",
                "dev_cpuonly",
                "large",
            ],
        ),
        ("raven", &["gpu", "gpu-bw", "no-gpu-bw", "gpudev", "cpu"]),
        ("levante", &["gpu", "compute", "shared", "interactive"]),
        (
            "grete",
            &[
                "grete",
                "grete:shared",
                "grete:interactive",
                "grete:preemptible",
                "grete-h100:shared",
                "kisski",
                "kisski-inference",
                "scc-gpu",
            ],
        ),
    ] {
        let site = site(catalogue, name);
        for partition in partitions {
            assert!(!site.partitions_called(partition).is_empty(), "{name} lacks {partition}");
        }
    }
}

#[test]
fn a_slice_of_a_gpu_is_charged_as_one() {
    let catalogue = catalogue();
    let grete = site(catalogue, "grete");
    let mut spec = job(None, GpuRequest::PerNode(1));
    spec.scheduler.partition = Some("grete:interactive".parse().expect("a partition"));
    let slice = placed(grete, &spec);
    assert_eq!(directive(&slice, "gres").as_deref(), Some("gpu:1g.20gb:1"));
    assert_eq!(directive(&slice, "qos").as_deref(), Some("2h"));
    let price = model::price(&slice.placement.charged, slice.placement.time_limit, &slice.placement.tariff);
    let price = price.expect("fits");
    let hours = |charge: Option<model::Charge>| charge.map(|charge| charge.amount.in_hours_of(&charge.unit));
    assert_eq!(hours(price.gpu).as_deref(), Some("0.250 GPU-h"));
    assert_eq!(hours(price.site).as_deref(), Some("47.000 NHR core-h"));
    spec.scheduler.partition = Some("grete:preemptible".parse().expect("a partition"));
    assert_eq!(directive(&placed(grete, &spec), "qos"), None);
}

#[test]
fn raven_takes_jobs_without_gpus() {
    let catalogue = catalogue();
    let raven = site(catalogue, "raven");
    let mut spec = job(Some(1), GpuRequest::None);
    spec.resources.cpus = Some(8);
    let part = placed(raven, &spec);
    assert_eq!(part.placement.profile_partition, "cpu");
    assert_eq!(directive(&part, "cpus-per-task").as_deref(), Some("8"));
    assert_eq!(directive(&part, "mem").as_deref(), Some("26666"), "a ninth of the node");
    assert_eq!((directive(&part, "constraint"), directive(&part, "gres")), (None, None));
    spec.resources.cpus = Some(72);
    let whole = placed(raven, &spec);
    assert_eq!(directive(&whole, "mem").as_deref(), Some("240000"));
}
