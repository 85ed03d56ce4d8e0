//! Why no script or job file could be written. Repeating the call never helps: the job, the profile or Pakt must change.

use model::{Launch, SiteName};

/// What is wrong with what was to be rendered.
#[derive(Debug, thiserror::Error)]
pub enum TemplateError {
    /// Several tasks, or several nodes, without a scheduler that could start them.
    #[error(
        "`launch: {launch}` with {tasks} tasks on {nodes} node(s) needs Slurm; the local scheduler starts one task on one node"
    )]
    NeedsScheduler {
        /// The launcher's name.
        launch: &'static str,
        /// Tasks in all.
        tasks: u64,
        /// Nodes.
        nodes: u32,
    },
    /// A launcher that labels no lines.
    #[error("`logs: ranks` is given, and `{0}` does not say which rank printed a line; srun and torchrun do")]
    NoLabels(String),
    /// A container is wanted where no profile says how to start one.
    #[error("`environment.container` is given, but the profile of {site} names no container runtime for `{partition}`")]
    NoContainerLauncher {
        /// The site.
        site: SiteName,
        /// The profile's partition.
        partition: String,
    },
    /// None of several images is for the nodes.
    #[error("none of the images of `environment.container` was chosen for `{partition}` of {site}")]
    NoImage {
        /// The site.
        site: SiteName,
        /// The profile's partition.
        partition: String,
    },
    /// A launcher of MPI ranks that starts them without `srun`.
    #[error("pyxis starts containers as a part of `srun`, and `{0}` starts its ranks without it")]
    NotByPyxis(String),
    /// No variable can have this name.
    #[error("`{0}` is not the name of a variable: letters, digits and `_`, not starting with a digit")]
    VariableName(String),
    /// The script or bash itself sets this variable.
    #[error("the variable `{0}` cannot be set: the batch script or bash owns it")]
    OwnedVariable(String),
    /// Several lines where a launcher takes one program.
    #[error("`run` has several lines; `launch: {0}` starts one program, only `launch: command` takes several lines")]
    SeveralLines(&'static str),
    /// Nothing to run.
    #[error("`run` is empty")]
    EmptyRun,
    /// A byte that no file, argument or variable can hold, or a line break in an option.
    #[error("{0} holds a NUL byte, or a line break where one line is wanted")]
    ControlCharacter(String),
    /// A directory that would depend on where the script was submitted.
    #[error("{field} is `{path}`: it must be absolute, or begin with `~` or `$NAME`")]
    RelativePath {
        /// Which field.
        field: &'static str,
        /// What it says.
        path: String,
    },
    /// A directory that no container can be shown.
    #[error("{field} is `{path}`, which cannot be shown to a container: it is told directories parted by `,` and `:`")]
    Unbindable {
        /// Which field.
        field: &'static str,
        /// What it says.
        path: String,
    },
    /// No such preset.
    #[error("there is no template `{text}`; did you mean `{nearest}`? There are: {all}")]
    UnknownPreset {
        /// What was asked for.
        text: String,
        /// The preset whose name is nearest.
        nearest: &'static str,
        /// All names.
        all: String,
    },
    /// A template of Pakt's own does not work: a bug.
    #[error("a template of Pakt itself is broken: {0}")]
    Engine(#[from] minijinja::Error),
}

/// The launcher's name as a job file spells it.
pub const fn launch_name(launch: Launch) -> &'static str {
    match launch {
        Launch::Torchrun => "torchrun",
        Launch::Srun => "srun",
        Launch::Mpi => "mpi",
        Launch::Command => "command",
    }
}
