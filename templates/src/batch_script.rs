//! The batch script: from a job and its placement to the text that the scheduler is given.

use crate::{TemplateError, code::PackedCode, context::Context, engine};
use model::{FailureClass, JobSpec, Placement, Stamp};

/// For whom a script is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// Slurm: `#SBATCH` lines, `srun`, `SLURM_JOB_ID`.
    Slurm,
    /// The local scheduler: one node, no `srun`; the id comes as `PAKT_LOCAL_JOB_ID`, the restart count is always 0.
    Local,
}

/// What a line of a log says of a kind of failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FailurePattern<'a> {
    /// The kind.
    pub class: FailureClass,
    /// As grep -E reads it.
    pub text: &'a str,
    /// Whether the node's hardware is at fault.
    pub blames_node: bool,
}

/// Everything a batch script is made of.
#[derive(Clone, Copy, Debug)]
pub struct BatchScript<'a> {
    /// Our job and link, of an array of links that of its task 0; also the rendezvous id.
    pub stamp: Stamp,
    /// Whether it is the script of an array, whose tasks are links of the job.
    pub is_array: bool,
    /// The job.
    pub spec: &'a JobSpec,
    /// Where it runs. Job name, comment and log are not among the script's options: the adapter gives them on its
    /// command line, where they are recorded and where Slurm needs them expanded already.
    pub placement: &'a Placement,
    /// The job directory as compute nodes see it: absolute, or beginning with `$NAME`, which the node expands.
    pub job_directory: &'a str,
    /// The code that it brings; none where it starts in its working directory as that is then.
    pub code: Option<PackedCode<'a>>,
    /// For whom.
    pub dialect: Dialect,
    /// What a line of a log says of a kind of failure, in words that grep -E reads; the script of a chain looks for them.
    pub failure_patterns: &'a [FailurePattern<'a>],
    /// What made it, for the comment on top: `pakt 0.1.0`.
    pub made_by: &'a str,
}

/// Writes the script. The same input gives the same text.
pub fn render(script: &BatchScript<'_>) -> Result<String, TemplateError> {
    engine::fill("scripts/batch.sh.j2", &Context::of(script)?)
}
