//! `scontrol release`: lets a job start that was submitted held.

use crate::{
    AdapterError,
    slurm::{
        SlurmCommands,
        call::{self, Tool},
    },
};
use model::SchedulerJobId;

/// What is said of a job that cannot be held any more (`slurm_errno.c`); the second is what 22.05 says of one that ended.
const PAST: [&str; 5] = [
    "Job is no longer pending execution",
    "Job has already finished",
    "Job has already started",
    "already completing or completed",
    "Invalid job id",
];

impl SlurmCommands {
    /// Releases; a job that has started or ended is no failure.
    pub(super) async fn release_job(&self, id: SchedulerJobId) -> Result<(), AdapterError> {
        let command = call::read(Tool::Scontrol).arguments(["release".to_owned(), id.to_string()]);
        let output = self.run(Tool::Scontrol, &command).await?;
        let said = output.stderr_text();
        if output.succeeded() || (PAST.iter().any(|words| said.contains(words)) && !output.timed_out) {
            return Ok(());
        }
        Err(call::not_done(Tool::Scontrol, &output))
    }
}
