//! Jobs for each site, and the scripts that come of them.

use model::{
    Environment, GpuRequest, Images, JobId, JobKind, JobSpec, Launch, LinkNumber, Notify, Resources, RunLine,
    SchedulerOptions, SiteChoice, Stamp, Timestamp,
};
use sites::{Catalogue, LocalMachine, SchedulerKind, Site, place};
use std::{collections::BTreeMap, sync::LazyLock};
use templates::{BatchScript, Dialect, render};

/// Every way of starting a program, by its name.
pub(crate) const LAUNCHERS: [(Launch, &str); 4] =
    [(Launch::Torchrun, "torchrun"), (Launch::Srun, "srun"), (Launch::Mpi, "mpi"), (Launch::Command, "command")];

/// The embedded catalogue, read once.
pub(crate) fn catalogue() -> &'static Catalogue {
    static CATALOGUE: LazyLock<Catalogue> =
        LazyLock::new(|| Catalogue::builtin().expect("embedded profiles are well formed"));
    &CATALOGUE
}

/// A site by its name.
pub(crate) fn site(name: &str) -> &'static Site {
    catalogue().get(&name.parse().expect("a site name")).expect("a known site")
}

/// Two cores and no GPU, which counts where the site is this machine.
pub(crate) const MACHINE: LocalMachine = LocalMachine { cpus: 2, gpus: 0 };

/// The largest simple job of a site's first partition: two whole nodes, or one where more are not to be had.
pub(crate) fn job(site: &Site, launch: Launch) -> JobSpec {
    let partition = &site.partitions[0];
    let most = partition.limits.nodes.as_ref().map_or(2, |limit| limit.most.value);
    let gpus = match partition.gpus_per_node() {
        0 => GpuRequest::None,
        count => GpuRequest::PerNode(count),
    };
    let time = "00:10:00".parse().expect("a time");
    JobSpec {
        name: "tiny-lm".parse().expect("a name"),
        kind: JobKind::Train,
        project: "atlas".parse().expect("a name"),
        site: SiteChoice::OneOf(vec![site.name().clone()]),
        resources: Resources { nodes: Some(most.min(2)), gpus, gpu_type: None, time, memory_mib: None, cpus: None },
        launch,
        run: run(launch),
        workdir: "$PROJECT/tiny lm".to_owned(),
        environment: environment(false),
        output: None,
        labels_ranks: false,
        notify: Notify::default(),
        scheduler: SchedulerOptions { account: Some(account(site)), ..SchedulerOptions::default() },
        chain: None,
        on_failure: None,
        sweep: None,
        code: model::Code::default(),
    }
}

/// What each launcher makes interesting: quotes within quotes, several lines, words that need quoting.
fn run(launch: Launch) -> RunLine {
    match launch {
        Launch::Torchrun => RunLine::Shell("train.py --steps 200 --note 'it is \"quoted\"'".to_owned()),
        Launch::Srun => RunLine::Shell("python train.py --out \"$PROJECT/out\"".to_owned()),
        Launch::Mpi => RunLine::Words(["./solver", "--title", "it's; 5 > 4", "-n=3"].map(str::to_owned).to_vec()),
        Launch::Command => RunLine::Shell("for part in 1 2; do\n  echo \"part $part\"\ndone\n".to_owned()),
    }
}

/// Modules, variables that need quoting, and a virtual environment or a container.
pub(crate) fn environment(has_container: bool) -> Environment {
    let variables =
        [("DATASETS", "$PROJECT/data"), ("GREETING", "it's \"$5\" `now`"), ("PYTHONPATH", "lib:$PYTHONPATH")];
    Environment {
        modules: vec!["Stages/2026".to_owned(), "CUDA/13".to_owned()],
        venv: (!has_container).then(|| "~/venvs/torch".to_owned()),
        container: has_container.then(|| Images::One("$PROJECT/images/torch.sif".to_owned())),
        variables: variables
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into_iter()
            .collect::<BTreeMap<_, _>>(),
    }
}

fn account(site: &Site) -> model::AccountName {
    let example = site.account.value.examples.first().map_or("atlas", String::as_str);
    example.parse().expect("an account")
}

/// Whether a way of starting exists at a site.
pub(crate) fn starts(site: &Site, launch: Launch) -> bool {
    let available = &site.partitions[0].launchers.value.available;
    available.is_empty() || available.contains(&launch)
}

/// When jobs are placed.
pub(crate) const AT: Timestamp = Timestamp::from_epoch_seconds(1_793_000_000);

/// The script of a job, as the scheduler gets it, with the job directory at a place that no profile knows.
pub(crate) fn script(site: &Site, spec: &JobSpec) -> String {
    script_in("/state/pakt/job", site, spec)
}

/// The same with the job directory at a place of the caller's.
pub(crate) fn script_in(job_directory: &str, site: &Site, spec: &JobSpec) -> String {
    let placed =
        place(site, spec, Some(MACHINE), AT).unwrap_or_else(|findings| panic!("{}: {findings:#?}", site.title));
    let dialect = match site.scheduler {
        SchedulerKind::Slurm => Dialect::Slurm,
        SchedulerKind::Local => Dialect::Local,
    };
    let job = JobId::from_parts(Timestamp::from_epoch_seconds(1_793_000_000), 0x1234_5678_9abc_def0_1234);
    let script = BatchScript {
        is_array: spec.sweep.is_some() && dialect == Dialect::Slurm,
        code: None,
        stamp: Stamp { job, link: LinkNumber::FIRST },
        spec,
        placement: &placed.placement,
        job_directory,
        dialect,
        failure_patterns: &jobs::failure::of_scripts(),
        made_by: "pakt 0.1.0",
    };
    render(&script).unwrap_or_else(|error| panic!("{}: {error}", site.title))
}
