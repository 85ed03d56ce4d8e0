//! Placements of the same few jobs at every site, and the rules that must not be lost, each by itself.

use crate::support::{AT, MACHINE, catalogue, directive, job, job_for, placed, refused, site, text};
use model::{Chain, GpuRequest, Images, JobSpec, Launch, LinkNumber, Severity, Until};
use sites::{EndOfTime, LocalMachine, place};
use std::fmt::Write;

#[test]
fn the_same_jobs_at_every_site() {
    let catalogue = catalogue();
    for site in catalogue.iter() {
        let mut all = String::new();
        for (title, nodes, gpus, launch) in [
            ("two full nodes, torchrun", Some(2), site.partitions[0].gpus_per_node(), Launch::Torchrun),
            ("one GPU, srun", None, 1, Launch::Srun),
            ("no GPU, command", Some(1), 0, Launch::Command),
        ] {
            let request = if gpus == 0 { GpuRequest::None } else { GpuRequest::PerNode(gpus) };
            let mut spec = job_for(site, nodes, request);
            spec.launch = launch;
            writeln!(all, "{title}\n{}", text(&place(site, &spec, Some(MACHINE), AT))).expect("writes to text");
        }
        insta::assert_snapshot!(site.name().as_str(), all);
    }
}

#[test]
fn one_gpu_on_jupiter_is_four_charged_and_the_plan_says_so() {
    let catalogue = catalogue();
    let jupiter = site(catalogue, "jupiter");
    let placed = placed(jupiter, &job_for(jupiter, None, GpuRequest::PerNode(1)));
    assert_eq!(placed.placement.charged.gpus_total, Some(4));
    assert_eq!(placed.placement.charged.cpus, Some(288));
    assert_eq!(directive(&placed, "gres").as_deref(), Some("gpu:1"));
    let warning = placed.warnings.iter().find(|finding| finding.field == "resources.gpus_per_node").expect("a warning");
    insta::assert_snapshot!(warning.what, @"1 of 4 GPUs a node is used, and all 4 are charged, because nodes of `booster` are given whole: 4.000 GPU-h, 288.000 core-h for 01:00:00");
}

#[test]
fn raven_takes_memory_below_a_full_node_and_needs_no_account() {
    let catalogue = catalogue();
    let raven = site(catalogue, "raven");
    for (gpus, mem, cpus) in [(1, "125000", "18"), (3, "375000", "54"), (4, "500000", "72")] {
        let placed = placed(raven, &job(None, GpuRequest::PerNode(gpus)));
        assert_eq!(directive(&placed, "mem").as_deref(), Some(mem), "{gpus}");
        assert_eq!(directive(&placed, "cpus-per-task").as_deref(), Some(cpus), "{gpus}");
        assert_eq!(directive(&placed, "gres"), Some(format!("gpu:a100:{gpus}")));
        assert_eq!(directive(&placed, "constraint").as_deref(), Some("gpu"));
        assert_eq!((directive(&placed, "account"), directive(&placed, "partition")), (None, None));
    }
    let mut spec = job(None, GpuRequest::PerNode(1));
    spec.scheduler.account = Some("mpib_gpu".parse().expect("an account"));
    assert_eq!(directive(&placed(raven, &spec), "account").as_deref(), Some("mpib_gpu"));
}

#[test]
fn an_account_that_nobody_has_denied_is_not_refused() {
    let catalogue = catalogue();
    for name in ["raven", "viper-gpu", "dais", "haicore"] {
        let site = site(catalogue, name);
        let mut spec = job(None, GpuRequest::PerNode(1));
        spec.scheduler.account = Some("group".parse().expect("an account"));
        assert_eq!(directive(&placed(site, &spec), "account").as_deref(), Some("group"), "{name}");
        spec.scheduler.account = None;
        assert_eq!(directive(&placed(site, &spec), "account"), None, "{name}");
    }
}

#[test]
fn horeka_counts_threads_and_charges_by_gpu() {
    let catalogue = catalogue();
    let horeka = site(catalogue, "horeka");
    let one = placed(horeka, &job_for(horeka, None, GpuRequest::PerNode(1)));
    assert_eq!(directive(&one, "cpus-per-task").as_deref(), Some("38"));
    assert_eq!((one.placement.charged.gpus_total, one.placement.charged.cpus), (Some(1), Some(38)));
    assert_eq!(one.placement.tariff.gpu_unit().expect("GPUs").to_string(), "horeka:a100");
    let mut spec = job_for(horeka, None, GpuRequest::PerNode(2));
    spec.scheduler.partition = Some("accelerated-h100".parse().expect("a partition"));
    let two = placed(horeka, &spec);
    assert_eq!(directive(&two, "cpus-per-task").as_deref(), Some("64"));
    assert_eq!(two.placement.tariff.gpu_unit().expect("GPUs").to_string(), "horeka:h100");
}

#[test]
fn grete_spells_its_gpus_with_a_capital_letter_and_has_internet_where_asked() {
    let catalogue = catalogue();
    let grete = site(catalogue, "grete");
    let mut spec = job(None, GpuRequest::PerNode(2));
    spec.scheduler.partition = Some("grete:shared".parse().expect("a partition"));
    let shared = placed(grete, &spec);
    assert_eq!(directive(&shared, "gres").as_deref(), Some("gpu:A100:2"));
    assert!(text(&Ok(shared.clone())).contains("300.000 NHR core-h"), "{}", text(&Ok(shared.clone())));
    assert!(!shared.placement.has_internet);
    spec.scheduler.constraint = Some("inet".to_owned());
    assert!(placed(grete, &spec).placement.has_internet);
}

#[test]
fn the_rendezvous_of_jsc_differs_between_its_systems() {
    let catalogue = catalogue();
    for (name, suffix, preferred, nccl, gloo) in [
        ("jupiter", "", Some("{host}-interconnect-1.jupiter.internal"), Some("ib0"), None),
        ("juwels-booster", "i", None, Some("ib0"), Some("ib0")),
        ("jureca-dc", "i", None, Some("ib0"), Some("ib0")),
    ] {
        let site = site(catalogue, name);
        let placed = placed(site, &job_for(site, Some(2), GpuRequest::PerNode(4)));
        let rule = &placed.placement.rendezvous;
        assert_eq!((rule.host_suffix.as_str(), rule.preferred_host.as_deref()), (suffix, preferred), "{name}");
        assert_eq!((rule.nccl_interface.as_deref(), rule.gloo_interface.as_deref()), (nccl, gloo), "{name}");
        assert!(rule.resolve_ipv4 && !placed.placement.has_internet, "{name}");
    }
}

#[test]
fn one_launcher_a_node_is_not_bound_and_ranks_of_srun_are() {
    let catalogue = catalogue();
    let jupiter = site(catalogue, "jupiter");
    for (launch, tasks, cpus, options) in [
        (Launch::Torchrun, "1", "288", vec!["--cpu-bind=none", "--mpi=none"]),
        (Launch::Command, "1", "288", vec![]),
        (Launch::Srun, "4", "72", vec![]),
        (Launch::Mpi, "4", "72", vec![]),
    ] {
        let mut spec = job_for(jupiter, Some(2), GpuRequest::PerNode(4));
        spec.launch = launch;
        let placed = placed(jupiter, &spec);
        assert_eq!(directive(&placed, "ntasks-per-node").as_deref(), Some(tasks), "{launch:?}");
        assert_eq!(directive(&placed, "cpus-per-task").as_deref(), Some(cpus), "{launch:?}");
        assert_eq!(placed.placement.launcher.srun_options, options, "{launch:?}");
    }
}

#[test]
fn total_gpus_become_whole_nodes_or_are_refused() {
    let catalogue = catalogue();
    let jupiter = site(catalogue, "jupiter");
    for (gpus, nodes, expected) in [
        (1, None, Some((1, 1))),
        (3, None, Some((1, 3))),
        (4, None, Some((1, 4))),
        (8, None, Some((2, 4))),
        (6, None, None),
        (5, None, None),
        (6, Some(2), Some((2, 3))),
        (6, Some(4), None),
        (16, Some(2), None),
    ] {
        let spec = job_for(jupiter, nodes, GpuRequest::Total(gpus));
        match (place(jupiter, &spec, None, AT), expected) {
            (Ok(placed), Some((nodes, per_node))) => {
                assert_eq!((placed.placement.nodes, placed.placement.share.gpus), (nodes, per_node), "{gpus}");
            }
            (Err(findings), None) => assert_eq!(findings[0].field, "resources.gpus", "{gpus}"),
            (outcome, expected) => panic!("{gpus} on {nodes:?}: {outcome:?}, expected {expected:?}"),
        }
    }
}

#[test]
fn everything_wrong_is_said_at_once() {
    let catalogue = catalogue();
    let jupiter = site(catalogue, "jupiter");
    let mut spec = job(Some(2), GpuRequest::PerNode(4));
    spec.resources.time = "24:00:00".parse().expect("a time");
    spec.workdir = "/p/project1/atlas".to_owned();
    spec.environment.venv = Some("/p/project1/atlas/venv".to_owned());
    spec.output = Some("/p/project1/atlas/log".to_owned());
    spec.scheduler.extra = vec!["--comment=mine".to_owned(), "--switches=1".to_owned()];
    insta::assert_snapshot!("everything_wrong", text(&place(jupiter, &spec, None, AT)));
    let errors = refused(jupiter, &spec);
    assert_eq!(errors.iter().filter(|finding| finding.severity == Severity::Error).count(), 6);
    spec.resources.gpus = GpuRequest::PerNode(5);
    assert_eq!(refused(jupiter, &spec).len(), 7, "what cannot be divided does not hide the rest");
}

#[test]
fn guesses_warn_and_never_block() {
    let catalogue = catalogue();
    let haicore = site(catalogue, "haicore");
    let mut spec = job(Some(2), GpuRequest::PerNode(4));
    spec.resources.time = "100:00:00".parse().expect("a time");
    let warned = placed(haicore, &spec);
    let fields: Vec<&str> = warned.warnings.iter().map(|finding| finding.field.as_str()).collect();
    assert_eq!(fields, ["resources.time", "resources.nodes"]);
    let grete = site(catalogue, "grete");
    let guessed = placed(grete, &job(None, GpuRequest::PerNode(4)));
    assert!(guessed.warnings.iter().any(|finding| finding.what.contains("is a guess")), "{:?}", guessed.warnings);
}

#[test]
fn what_compute_nodes_cannot_see_is_refused_and_what_they_can_passes() {
    let catalogue = catalogue();
    let mistakes = |name: &str, path: &str| {
        let site = site(catalogue, name);
        let mut spec = job_for(site, Some(1), GpuRequest::PerNode(1));
        spec.workdir = path.to_owned();
        place(site, &spec, None, AT).err().map_or(0, |findings| {
            findings.iter().filter(|finding| finding.field == "workdir" && finding.severity == Severity::Error).count()
        })
    };
    for (name, path, expected) in [
        ("jupiter", "/p/project1/x", 1),
        ("jupiter", "/p", 1),
        ("jupiter", "/project", 0),
        ("jupiter", "/e/project1/x", 0),
        ("jupiter", "/e/scratch/x", 0),
        ("jupiter", "$PROJECT/x", 0),
        ("jupiter", "$EXAPROJECT/x", 0),
        ("jupiter", "${ARCHIVE}/x", 1),
        ("jupiter", "$ARCHIVED/x", 0),
        ("jupiter", "~/x", 0),
        ("juwels-booster", "/p/project1/x", 0),
        ("jureca-dc", "/p/scratch/x", 0),
        ("raven", "/r/x", 1),
        ("raven", "/ptmp/x", 0),
    ] {
        assert_eq!(mistakes(name, path), expected, "{name} {path}");
    }
}

#[test]
fn a_container_is_shown_no_directory_whose_name_would_be_read_as_several() {
    let catalogue = catalogue();
    let jupiter = site(catalogue, "jupiter");
    for (path, expected) in [("/e/a,b", 1), ("/e/a:b", 1), ("/e/ab", 0)] {
        let mut spec = job_for(jupiter, None, GpuRequest::PerNode(4));
        spec.workdir = path.to_owned();
        assert!(place(jupiter, &spec, None, AT).is_ok(), "{path}: without a container any name will do");
        spec.environment.container = Some(Images::One("/e/a.sif".to_owned()));
        let findings = place(jupiter, &spec, None, AT).err().unwrap_or_default();
        assert_eq!(findings.iter().filter(|finding| finding.field == "workdir").count(), expected, "{path}");
    }
}

#[test]
fn hints_are_used_or_said_to_be_ignored() {
    let catalogue = catalogue();
    for (name, cpus, memory, expected_cpus, expected_mem, warned) in [
        ("jupiter", Some(16), Some(1024), "288", None, vec!["resources.cpus", "resources.memory"]),
        ("horeka", Some(16), Some(1024), "16", Some("1024"), vec![]),
        ("horeka", Some(99), None, "38", None, vec!["resources.cpus"]),
        ("raven", None, Some(1024), "18", Some("1024"), vec![]),
    ] {
        let site = site(catalogue, name);
        let mut spec = job_for(site, None, GpuRequest::PerNode(1));
        (spec.resources.cpus, spec.resources.memory_mib) = (cpus, memory);
        let placed = placed(site, &spec);
        assert_eq!(directive(&placed, "cpus-per-task").as_deref(), Some(expected_cpus), "{name}");
        assert_eq!(directive(&placed, "mem").as_deref(), expected_mem, "{name}");
        let fields = placed.warnings.iter().map(|finding| finding.field.as_str());
        let hints: Vec<&str> = fields.filter(|field| ["resources.cpus", "resources.memory"].contains(field)).collect();
        assert_eq!(hints, warned, "{name}");
    }
}

#[test]
fn this_machine_gives_what_it_has() {
    let catalogue = catalogue();
    let local = site(catalogue, "local");
    let cpu = placed(local, &job(Some(1), GpuRequest::None));
    assert_eq!((cpu.placement.charged.cpus, cpu.placement.charged.gpus_total), (Some(1), Some(0)));
    assert_eq!(cpu.placement.tariff.charge_unit().to_string(), "local:core");
    assert_eq!((cpu.placement.tariff.gpu_unit(), cpu.placement.directives.len()), (None, 0));
    let gpu = placed(local, &job(None, GpuRequest::PerNode(1)));
    assert_eq!((gpu.placement.charged.cpus, gpu.placement.charged.gpus_total), (Some(4), Some(1)));
    assert_eq!(gpu.placement.tariff.charge_unit().to_string(), "local:gpu");
    let without = place(local, &job(None, GpuRequest::PerNode(1)), Some(LocalMachine { cpus: 2, gpus: 0 }), AT);
    assert_eq!(without.expect_err("no GPU here")[0].field, "resources.gpus_per_node");
    let mut spec = job(Some(2), GpuRequest::None);
    spec.launch = Launch::Mpi;
    let fields: Vec<String> = refused(local, &spec).into_iter().map(|finding| finding.field).collect();
    assert_eq!(fields, ["launch", "resources.nodes"]);
}

#[test]
fn the_scheduler_part_becomes_directives_in_order() {
    let catalogue = catalogue();
    let raven = site(catalogue, "raven");
    let mut spec = job(Some(2), GpuRequest::PerNode(4));
    spec.scheduler.qos = Some("long".parse().expect("a QOS"));
    spec.scheduler.reservation = Some("course".to_owned());
    spec.scheduler.constraint = Some("rack1".to_owned());
    spec.scheduler.exclude = Some("ravg1[001-003]".to_owned());
    spec.scheduler.begin = Some("now+1hour".to_owned());
    spec.scheduler.after = Some("afterany:4711".to_owned());
    spec.notify.mail = Some("ada@example.org".to_owned());
    spec.notify.when = vec![model::NotifyWhen::Start, model::NotifyWhen::Fail];
    insta::assert_snapshot!("directives_in_order", text(&place(raven, &spec, None, AT)));
}

#[test]
fn an_image_for_another_architecture_and_afterok_are_doubted() {
    let catalogue = catalogue();
    let jupiter = site(catalogue, "jupiter");
    let mut spec: JobSpec = job_for(jupiter, None, GpuRequest::PerNode(4));
    spec.environment.container = Some(Images::One("/e/project1/images/torch-x86_64.sif".to_owned()));
    spec.scheduler.after = Some("afterok:1".to_owned());
    let fields: Vec<String> = placed(jupiter, &spec).warnings.into_iter().map(|finding| finding.field).collect();
    assert_eq!(fields, ["environment.container", "scheduler.after"]);
    spec.environment.container = Some(Images::One("/e/project1/images/torch-aarch64.sif".to_owned()));
    spec.scheduler.after = Some("afterany:1".to_owned());
    assert_eq!(placed(jupiter, &spec).warnings, []);
}

#[test]
fn every_tile_of_a_card_gets_a_process() {
    let catalogue = catalogue();
    let supermuc = site(catalogue, "supermuc-ng-2");
    for (launch, tasks, cpus) in [(Launch::Torchrun, "1", "112"), (Launch::Mpi, "8", "14")] {
        let mut spec = job_for(supermuc, Some(1), GpuRequest::PerNode(4));
        spec.launch = launch;
        let placed = placed(supermuc, &spec);
        assert_eq!((placed.placement.share.gpus, placed.placement.charged.gpus_total), (8, Some(4)));
        assert_eq!(directive(&placed, "ntasks-per-node").as_deref(), Some(tasks));
        assert_eq!(directive(&placed, "cpus-per-task").as_deref(), Some(cpus));
    }
}

#[test]
fn a_chain_has_one_owner_where_its_partition_has_jobs_requeued() {
    let mut horeka = site(catalogue(), "horeka").clone();
    let chain = Chain {
        until: Until::Marker,
        max_links: LinkNumber::FIRST,
        max_gpu_hours: None,
        ahead: 2,
        stalled_links: 3,
        lead: None,
        signal: None,
    };
    let spec = job_for(&horeka, Some(1), GpuRequest::PerNode(4));
    let chain = JobSpec { chain: Some(chain), ..spec.clone() };
    placed(&horeka, &chain);
    for (end, does) in
        [(EndOfTime::SignalAndRequeue, "are requeued"), (EndOfTime::StopEarly, "stop before their limit")]
    {
        for partition in &mut horeka.partitions {
            if let Some(known) = &mut partition.end_of_time {
                known.value = end;
            }
        }
        placed(&horeka, &spec);
        let refused = refused(&horeka, &chain);
        let told: Vec<_> = refused.iter().map(|finding| (finding.field.as_str(), finding.what.as_str())).collect();
        assert!(matches!(told[..], [("chain", what)] if what.contains(does)), "{told:?}");
    }
}
