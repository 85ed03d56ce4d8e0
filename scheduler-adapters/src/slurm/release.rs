//! `scontrol release`: lets a job start that was submitted held.

use crate::{
    AdapterError,
    slurm::{
        SlurmCommands,
        call::{self, Tool},
    },
};
use model::SchedulerJobId;

impl SlurmCommands {
    /// Releases; a job that has started or ended is no failure.
    pub(super) async fn release_job(&self, id: SchedulerJobId) -> Result<(), AdapterError> {
        let command = call::read(Tool::Scontrol).arguments(["release".to_owned(), id.to_string()]);
        let output = self.run(Tool::Scontrol, &command).await?;
        let said = output.stderr_text();
        let is_past = ["Job is no longer pending execution", "already completing or completed", "Invalid job id"];
        if output.succeeded() || (is_past.iter().any(|words| said.contains(words)) && !output.timed_out) {
            return Ok(());
        }
        Err(call::failure(Tool::Scontrol, &output))
    }
}
