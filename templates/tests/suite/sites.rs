//! Placements written by hand, each with the rules of a site that a test needs. What the profiles really say is tested in
//! jobs/tests.

use model::{
    ChargeRule, ContainerRules, ContainerRuntime, Directive, EnvironmentSetting, GpuVendor, LauncherRules, NodeShare,
    Placement, RendezvousRule, Tariff, TariffId, Tres, WallTime,
};

/// One node of this machine, without GPUs.
pub(crate) fn local() -> Placement {
    let mut placement = plain("local", "local", 1, 0);
    placement.has_internet = true;
    placement.cache_area = None;
    placement
}

/// Two whole nodes of a site's GPU partition.
pub(crate) fn site(name: &str) -> Placement {
    match name {
        "jupiter" => jsc("jupiter", "booster", "", Some("{host}-interconnect-1.jupiter.internal"), None),
        "juwels-booster" => jsc("juwels-booster", "booster", "i", None, Some("ib0")),
        "jureca-dc" => jsc("jureca-dc", "dc-gpu", "i", None, Some("ib0")),
        "horeka" => with(plain("horeka", "accelerated-h100", 2, 4), &["account=hk-project-p0024043", "gres=gpu:4"]),
        "raven" => raven(),
        "supermuc-ng-2" => supermuc(),
        "levante" => with(
            plain("levante", "gpu", 2, 4),
            &["account=bb1153", "constraint=a100_80", "gpus-per-node=4", "exclusive"],
        ),
        other => panic!("no rules for {other}"),
    }
}

fn jsc(name: &str, partition: &str, suffix: &str, preferred: Option<&str>, gloo: Option<&str>) -> Placement {
    let mut placement = with(plain(name, partition, 2, 4), &["account=scifi", "gres=gpu:4"]);
    placement.tariff.is_exclusive = true;
    placement.rendezvous = RendezvousRule {
        host_suffix: suffix.to_owned(),
        preferred_host: preferred.map(str::to_owned),
        resolve_ipv4: true,
        nccl_interface: Some("ib0".to_owned()),
        gloo_interface: gloo.map(str::to_owned),
    };
    placement.launcher.srun_options = vec!["--cpu-bind=none".to_owned()];
    placement.launcher.mpi_launcher = vec!["srun".to_owned(), "--mpi=pspmix".to_owned()];
    placement.launcher.container = Some(Box::new(ContainerRules {
        binds: vec!["$SCRATCH".to_owned()],
        ..containers(ContainerRuntime::Apptainer)
    }));
    placement
}

fn raven() -> Placement {
    let mut placement = with(plain("raven", "gpu", 2, 4), &["constraint=gpu", "gres=gpu:a100:4", "mem=500000"]);
    placement.directives.retain(|directive| directive.option != "partition");
    placement.cache_area = Some("/ptmp/$USER".to_owned());
    placement
}

fn supermuc() -> Placement {
    let mut placement =
        with(plain("supermuc-ng-2", "general", 2, 8), &["account=pn12ab", "export=NONE", "ntasks-per-node=8"]);
    placement.tariff.is_exclusive = true;
    placement.gpu_vendor = Some(GpuVendor::Intel);
    placement.environment = vec![
        setting("I_MPI_OFFLOAD", "1", "Intel MPI hands over buffers in GPU memory."),
        setting("ZE_FLAT_DEVICE_HIERARCHY", "FLAT", "Each of the 8 tiles is a device of its own."),
    ];
    placement.launcher.mpi_launcher = vec!["mpiexec".to_owned()];
    placement
}

fn setting(name: &str, value: &str, reason: &str) -> EnvironmentSetting {
    EnvironmentSetting { name: name.to_owned(), value: value.to_owned(), when_set: None, reason: reason.to_owned() }
}

/// A container runtime that needs to be told nothing.
pub(crate) fn containers(runtime: ContainerRuntime) -> ContainerRules {
    ContainerRules { runtime, modules: Vec::new(), options: Vec::new(), binds: Vec::new(), bound: Vec::new() }
}

/// The same placement with that runtime.
pub(crate) fn with_containers(placement: Placement, runtime: ContainerRuntime) -> Placement {
    let launcher = LauncherRules { container: Some(Box::new(containers(runtime))), ..placement.launcher };
    Placement { launcher, ..placement }
}

fn with(mut placement: Placement, options: &[&str]) -> Placement {
    for option in options {
        placement.directives.push(match option.split_once('=') {
            Some((name, value)) => Directive::with(name, &value),
            None => Directive::flag(option),
        });
    }
    placement
}

fn plain(name: &str, partition: &str, nodes: u32, gpus: u32) -> Placement {
    let time_limit = WallTime::from_seconds(600);
    Placement {
        site: name.parse().expect("a site name"),
        profile_partition: partition.to_owned(),
        partition: None,
        account: None,
        nodes,
        share: NodeShare { gpus, cpus: 8 },
        gpu_vendor: (gpus > 0).then_some(GpuVendor::Nvidia),
        time_limit,
        charged: Tres::default(),
        tariff: tariff(name),
        directives: vec![
            Directive::with("partition", &partition),
            Directive::with("nodes", &nodes),
            Directive::with("time", &time_limit),
        ],
        extra: Vec::new(),
        environment: Vec::new(),
        launcher: LauncherRules::default(),
        image: None,
        rendezvous: RendezvousRule {
            host_suffix: String::new(),
            preferred_host: None,
            resolve_ipv4: false,
            nccl_interface: None,
            gloo_interface: None,
        },
        has_internet: false,
        cache_area: Some("$SCRATCH".to_owned()),
        state_area: None,
    }
}

fn tariff(site: &str) -> Tariff {
    let class = |text: &str| text.to_owned().try_into().expect("a class");
    Tariff {
        id: TariffId(format!("{site}/test/2026-09-02")),
        site: site.parse().expect("a site name"),
        gpu_class: Some(class("gpu")),
        milli_gpus_per_scheduler_gpu: 1000,
        scheduler_gpus_per_node: None,
        is_exclusive: false,
        charge_class: class("gpu"),
        charge_rule: ChargeRule::Gpus(1000),
        minimum_seconds: 0,
    }
}
