//! How the program is started: words for `srun` and `mpiexec`, and the file that is run.

use crate::{BatchScript, Dialect, TemplateError, container::ContainerWords, error::launch_name, quote};
use model::{Launch, Placement, RunLine};

/// How many processes a job has, by launcher.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tasks {
    /// On each node.
    pub(crate) per_node: u64,
    /// In all.
    pub(crate) total: u64,
}

impl Tasks {
    /// One task a GPU, or one a node without GPUs, unless the placement's own options say how many. The command and
    /// torchrun are one task; what torchrun starts is not the scheduler's.
    pub(crate) fn of(launch: Launch, placement: &Placement) -> Self {
        let said = placement
            .directives
            .iter()
            .find(|directive| directive.option == "ntasks-per-node")
            .and_then(|directive| directive.value.as_deref()?.parse().ok());
        let per_node = match launch {
            Launch::Srun | Launch::Mpi => said.unwrap_or(u64::from(placement.share.gpus)).max(1),
            Launch::Torchrun | Launch::Command => 1,
        };
        let nodes = if launch == Launch::Command { 1 } else { u64::from(placement.nodes) };
        Self { per_node, total: nodes * per_node }
    }
}

/// Refuses what the local scheduler cannot start.
pub(crate) fn refuse_without_scheduler(script: &BatchScript<'_>) -> Result<(), TemplateError> {
    let (launch, nodes) = (script.spec.launch, script.placement.nodes);
    let tasks = Tasks::of(launch, script.placement).total;
    if script.dialect == Dialect::Local && (nodes > 1 || tasks > 1) {
        return Err(TemplateError::NeedsScheduler { launch: launch_name(launch), tasks, nodes });
    }
    Ok(())
}

/// Refuses labels of ranks where the launcher writes none.
pub(crate) fn refuse_unlabelled(script: &BatchScript<'_>) -> Result<(), TemplateError> {
    let launcher = script.placement.launcher.mpi_launcher.first().filter(|first| *first != "srun");
    let is_labelled = match script.spec.launch {
        Launch::Torchrun => true,
        Launch::Srun => script.dialect == Dialect::Slurm,
        Launch::Mpi => script.dialect == Dialect::Slurm && launcher.is_none(),
        Launch::Command => false,
    };
    if script.spec.labels_ranks && !is_labelled {
        let launcher = launcher.filter(|_| script.spec.launch == Launch::Mpi).map(String::as_str);
        return Err(TemplateError::NoLabels(launcher.unwrap_or(launch_name(script.spec.launch)).to_owned()));
    }
    Ok(())
}

/// The options of `srun` for one job, quoted.
pub(crate) fn srun_options(launch: Launch, placement: &Placement, labels: bool) -> String {
    let tasks = Tasks::of(launch, placement);
    let mut words = vec![
        format!("--nodes={}", placement.nodes),
        format!("--ntasks={}", tasks.total),
        format!("--ntasks-per-node={}", tasks.per_node),
        // One process that failed leaves the others waiting for it until the time limit.
        "--kill-on-bad-exit=1".to_owned(),
    ];
    words.extend(labels.then(|| "--label".to_owned()));
    words.extend(placement.launcher.srun_options.iter().cloned());
    words.iter().map(|text| quote::word(text)).collect::<Vec<_>>().join(" ")
}

/// The person's own part, as shell text: a shell line as it is, a list quoted word by word.
pub(crate) fn run_text(script: &BatchScript<'_>) -> Result<String, TemplateError> {
    let launch = script.spec.launch;
    let text = match &script.spec.run {
        RunLine::Shell(text) => shell_text(text)?,
        RunLine::Words(words) => {
            let sweep = script.spec.sweep.as_ref();
            let mut parameters: Vec<&str> =
                sweep.iter().flat_map(|sweep| &sweep.parameters).map(model::ParameterName::as_str).collect();
            let evaluation = sweep.and_then(|sweep| sweep.evaluation.as_ref());
            parameters.extend(evaluation.map(|_| model::RESULTS_VARIABLE));
            parameters
                .extend(evaluation.and_then(|evaluation| evaluation.serve.as_ref()).map(|_| model::PORT_VARIABLE));
            shell_text(&quote::command_line_of(words.iter().map(String::as_str), &parameters))?
        }
    };
    let is_shell = matches!(script.spec.run, RunLine::Shell(_));
    if is_shell && launch != Launch::Command && text.contains('\n') {
        return Err(TemplateError::SeveralLines(launch_name(launch)));
    }
    Ok(text)
}

/// Shell text that a person wrote, without what stands behind its end.
pub(crate) fn shell_text(text: &str) -> Result<String, TemplateError> {
    let text = text.trim_end_matches(['\n', '\r', ' ', '\t']);
    if text.trim().is_empty() {
        return Err(TemplateError::EmptyRun);
    }
    if text.contains('\0') {
        return Err(TemplateError::ControlCharacter("`run`".to_owned()));
    }
    Ok(text.to_owned())
}

/// The command of the program file for `srun`, `mpi` and `command`; torchrun has a template of its own.
pub(crate) fn program(script: &BatchScript<'_>, run: &str, container: Option<&ContainerWords>) -> String {
    let (front, by_srun) = container.map_or(("", ""), |words| (&words.front, &words.srun));
    let (placement, labels) = (script.placement, script.spec.labels_ranks);
    match script.spec.launch {
        Launch::Command => format!("{}{run}", starts_itself_inside(container)),
        Launch::Srun | Launch::Mpi if script.dialect == Dialect::Local => format!("{front}{run}"),
        Launch::Srun => format!("srun {} {by_srun}{front}{run}", srun_options(Launch::Srun, placement, labels)),
        Launch::Mpi => format!("{} {by_srun}{front}{run}", mpi_words(placement, labels)),
        Launch::Torchrun => run.to_owned(),
    }
}

/// With a container: the file starts itself again inside, where the several lines of a command can all run.
pub(crate) fn starts_itself_inside(container: Option<&ContainerWords>) -> String {
    let Some(words) = container else { return String::new() };
    // One task that has all of the first node, as the command has without a container.
    let start = if words.is_pyxis {
        format!("srun --nodes=1 --ntasks=1 --cpu-bind=none {}", words.srun)
    } else {
        words.front.clone()
    };
    format!("[ \"${{1:-}}\" = inside ] || exec {start}/bin/bash \"$0\" inside\nshift\n")
}

/// The MPI launcher with its options, quoted: the profile's words, else `srun --mpi=pmix`.
fn mpi_words(placement: &Placement, labels: bool) -> String {
    let standard = ["srun".to_owned(), "--mpi=pmix".to_owned()];
    let launcher = &placement.launcher.mpi_launcher;
    let words: &[String] = if launcher.is_empty() { &standard } else { launcher };
    let quoted = words.iter().map(|text| quote::word(text)).collect::<Vec<_>>().join(" ");
    if words.first().is_some_and(|first| first == "srun") {
        format!("{quoted} {}", srun_options(Launch::Mpi, placement, labels))
    } else {
        format!("{quoted} -n {}", Tasks::of(Launch::Mpi, placement).total)
    }
}
