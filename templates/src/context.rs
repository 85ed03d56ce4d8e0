//! What the script templates see: every value checked and quoted, nothing left to decide.

use crate::{
    BatchScript, Dialect, TemplateError,
    chain_words::ChainWords,
    code::CodeWords,
    container::ContainerWords,
    engine,
    environment::{self, Variable},
    error::launch_name,
    exit_code, launch, quote, refusal,
    serve_words::ServeWords,
    sweep_words::SweepWords,
};
use model::{Directive, GpuVendor, Launch, Placement, Stamp};
use serde::Serialize;
use std::collections::BTreeMap;

/// The values of `scripts/batch.sh.j2` and its parts.
#[derive(Debug, Serialize)]
pub(crate) struct Context {
    #[serde(flatten)]
    head: Head,
    #[serde(flatten)]
    surroundings: Surroundings,
    #[serde(flatten)]
    start: Start,
    chain: Option<ChainWords>,
    sweep: Option<SweepWords>,
    serve: Option<ServeWords>,
    code: Option<CodeWords>,
    exit_code: BTreeMap<&'static str, u8>,
}

/// Whose script it is, for whom, and where its job directory lies.
#[derive(Debug, Serialize)]
struct Head {
    name: String,
    link: String,
    is_array: bool,
    stamp: String,
    /// The stamp up to the link's number.
    job_stamp: String,
    /// The wall-time limit, in seconds, where the scheduler cannot tell.
    limit: u64,
    job_id: String,
    site: String,
    partition: String,
    made_by: String,
    is_local: bool,
    id_variable: &'static str,
    directives: Vec<String>,
    job_directory: String,
}

/// What is around the program.
#[derive(Debug, Serialize)]
struct Surroundings {
    settings: Vec<Variable>,
    modules: Option<String>,
    workdir: String,
    venv: Option<String>,
    container: Option<ContainerWords>,
    cache_area: Option<String>,
    /// How the area is called in a message: unexpanded.
    cache_area_name: String,
    caches: Vec<Variable>,
    has_hugging_face_home: bool,
    has_internet: bool,
    offline: Vec<Variable>,
    variables: Vec<Variable>,
}

/// How the program is started.
#[derive(Debug, Serialize)]
struct Start {
    launch: &'static str,
    launch_template: String,
    rendezvous: Option<Rendezvous>,
    srun_options: String,
    visible_gpus: Option<String>,
    nodes: u32,
    processes: u32,
    /// Whether each line of the log says which rank printed it.
    labels_ranks: bool,
    run: String,
    program_comment: &'static str,
    program: String,
    delimiter: String,
}

#[derive(Debug, Serialize)]
struct Rendezvous {
    host_suffix: String,
    /// With `"$1"` for the host.
    preferred_host: Option<String>,
    resolve_ipv4: bool,
    /// Whether the script says the address, or the job's own variables do.
    sets_address: bool,
    /// The same of the port.
    sets_port: bool,
}

impl Context {
    /// Checks and quotes everything.
    pub(crate) fn of(script: &BatchScript<'_>) -> Result<Self, TemplateError> {
        launch::refuse_without_scheduler(script)?;
        launch::refuse_unlabelled(script)?;
        refusal::refuse(script)?;
        let surroundings = Surroundings::of(script)?;
        let follows = script.spec.sweep.as_ref().is_some_and(|sweep| sweep.follows.is_some());
        let mut context = Self {
            head: Head::of(script),
            start: Start::of(script, surroundings.container.as_ref())?,
            serve: ServeWords::of(script, surroundings.container.as_ref())?,
            surroundings,
            // What follows a chain has links as that has, and goes on with nothing.
            chain: script.spec.chain.as_ref().filter(|_| !follows).map(|chain| ChainWords::of(script, chain)),
            sweep: script.spec.sweep.as_ref().map(|sweep| SweepWords::of(script.placement, sweep)),
            code: script.code.as_ref().map(CodeWords::of),
            exit_code: BTreeMap::from([
                ("no_results", exit_code::NO_RESULTS),
                ("no_server", exit_code::NO_SERVER),
                ("no_input", exit_code::NO_INPUT),
                ("no_host", exit_code::NO_HOST),
                ("no_module", exit_code::NO_MODULE),
                ("no_job_directory", exit_code::NO_JOB_DIRECTORY),
            ]),
        };
        if script.spec.launch == Launch::Torchrun {
            let program = engine::fill("scripts/launch/torchrun_node.sh.j2", &context)?;
            program.trim_end_matches('\n').clone_into(&mut context.start.program);
        }
        if context.serve.is_some() {
            let served = engine::fill("scripts/serve.sh.j2", &context)?;
            served.trim_end_matches('\n').clone_into(&mut context.start.program);
        }
        context.start.delimiter = delimiter(&context.start.program);
        Ok(context)
    }
}

impl Head {
    fn of(script: &BatchScript<'_>) -> Self {
        let BatchScript { stamp, spec, placement, dialect, .. } = *script;
        let is_local = dialect == Dialect::Local;
        Self {
            name: spec.name.to_string(),
            link: stamp.link.to_string(),
            is_array: script.is_array,
            stamp: stamp.to_string(),
            job_stamp: format!("{}{}", Stamp::PREFIX, stamp.job),
            limit: placement.time_limit.seconds(),
            job_id: stamp.job.to_string(),
            site: placement.site.to_string(),
            partition: placement.profile_partition.clone(),
            made_by: script.made_by.to_owned(),
            is_local,
            id_variable: if is_local { "PAKT_LOCAL_JOB_ID" } else { "SLURM_JOB_ID" },
            directives: if is_local { Vec::new() } else { directives(&placement.directives) },
            job_directory: job_directory(script.job_directory),
        }
    }
}

impl Surroundings {
    fn of(script: &BatchScript<'_>) -> Result<Self, TemplateError> {
        let BatchScript { spec, placement, .. } = *script;
        let environment = &spec.environment;
        let modules: Vec<String> = modules(script).into_iter().map(quote::word).collect();
        let job = &environment.variables;
        Ok(Self {
            settings: environment::partition_settings(placement)?,
            modules: (!modules.is_empty()).then(|| modules.join(" ")),
            workdir: quote::path(&spec.workdir),
            venv: environment.venv.as_deref().map(quote::path),
            container: ContainerWords::of(script)?,
            cache_area: placement.cache_area.as_deref().map(quote::path),
            cache_area_name: quote::literal(placement.cache_area.as_deref().unwrap_or_default()),
            caches: environment::caches(job, placement.gpu_vendor),
            has_hugging_face_home: !job.contains_key("HF_HOME"),
            has_internet: placement.has_internet,
            offline: if placement.has_internet { Vec::new() } else { environment::offline(job) },
            variables: environment::job_variables(job)?,
        })
    }
}

impl Start {
    fn of(script: &BatchScript<'_>, container: Option<&ContainerWords>) -> Result<Self, TemplateError> {
        let BatchScript { spec, placement, .. } = *script;
        let run = launch::run_text(script)?;
        Ok(Self {
            launch: launch_name(spec.launch),
            launch_template: format!("scripts/launch/{}.sh.j2", launch_name(spec.launch)),
            rendezvous: (spec.launch != Launch::Command).then(|| Rendezvous::of(script)),
            srun_options: launch::srun_options(spec.launch, placement, spec.labels_ranks && placement.nodes > 1),
            visible_gpus: visible_gpus(placement),
            nodes: placement.nodes,
            processes: placement.share.gpus.max(1),
            labels_ranks: spec.labels_ranks,
            program_comment: program_comment(spec.launch),
            program: launch::program(script, &run, container),
            delimiter: String::new(),
            run,
        })
    }
}

impl Rendezvous {
    fn of(script: &BatchScript<'_>) -> Self {
        let rule = &script.placement.rendezvous;
        let host = |text: &String| {
            let parts: Vec<String> = text.split("{host}").map(bare_word).collect();
            parts.join("\"$1\"")
        };
        let variables = &script.spec.environment.variables;
        Self {
            host_suffix: bare_word(&rule.host_suffix),
            preferred_host: rule.preferred_host.as_ref().map(host),
            resolve_ipv4: rule.resolve_ipv4,
            sets_address: !variables.contains_key("MASTER_ADDR"),
            sets_port: !variables.contains_key("MASTER_PORT"),
        }
    }
}

/// The job's modules, and those that bring the container runtime, unless the job has them in another version.
fn modules<'a>(script: &BatchScript<'a>) -> Vec<&'a str> {
    let own = &script.spec.environment.modules;
    let base = |name: &str| name.split('/').next().unwrap_or_default().to_owned();
    let rules = script.placement.launcher.container.as_ref().filter(|_| script.spec.environment.container.is_some());
    let of_runtime = rules.iter().flat_map(|rules| &rules.modules);
    let missing = of_runtime.filter(|name| !own.iter().any(|own| base(own) == base(name)));
    own.iter().chain(missing).map(String::as_str).collect()
}

/// The job directory as a word: as it is where it is absolute, because then it was read from a file system and not written
/// by a person, and a dollar in it is a dollar.
pub(crate) fn job_directory(path: &str) -> String {
    if path.starts_with('/') { quote::literal(path) } else { quote::path(path) }
}

/// A word that stands beside another: nothing where it is empty.
fn bare_word(text: &str) -> String {
    if text.is_empty() { String::new() } else { quote::word(text) }
}

/// The `#SBATCH` lines, in order. What the adapter says on its command line is not said twice.
pub(crate) fn directives(directives: &[Directive]) -> Vec<String> {
    const OF_THE_ADAPTER: [&str; 4] = ["job-name", "comment", "output", "error"];
    let line = |directive: &Directive| match &directive.value {
        Some(value) => format!("--{}={}", directive.option, quote::directive(value)),
        None => format!("--{}", directive.option),
    };
    directives.iter().filter(|directive| !OF_THE_ADAPTER.contains(&directive.option.as_str())).map(line).collect()
}

/// The list of GPUs for CUDA, where the job has whole nodes and so all that it uses are counted from 0.
fn visible_gpus(placement: &Placement) -> Option<String> {
    if matches!(placement.gpu_vendor, Some(GpuVendor::Amd | GpuVendor::Intel)) {
        return None;
    }
    let is_whole = placement.tariff.is_exclusive
        || placement.directives.iter().any(|directive| directive.option == "exclusive" && directive.value.is_none());
    let count = placement.share.gpus;
    let list = || (0..count).map(|gpu| gpu.to_string()).collect::<Vec<_>>().join(",");
    (is_whole && count > 0).then(list)
}

const fn program_comment(launch: Launch) -> &'static str {
    match launch {
        Launch::Torchrun => "Runs once on every node.",
        Launch::Srun | Launch::Mpi => "Runs on the first node, and starts the tasks on all of them.",
        Launch::Command => "Runs on the first node.",
    }
}

/// A line that does not occur in the text, to end it in the script.
fn delimiter(text: &str) -> String {
    let mut delimiter = "PAKT_PROGRAM".to_owned();
    while text.lines().any(|line| line == delimiter) {
        delimiter.push('_');
    }
    delimiter
}
