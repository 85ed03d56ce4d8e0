//! Signs of life of a start: its heartbeat, and when its program was last seen to do something.

use super::JobDirectory;
use crate::{error::JobsError, reached::reached};
use model::Timestamp;
use std::path::Path;

/// When something was last seen of a start that has not ended, by the times of its files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signs {
    /// Of its script, which touches a file about once a minute; none where it never did.
    pub heartbeat: Option<Timestamp>,
    /// Of its program: a line of its log, progress, a checkpoint, or its beginning.
    pub program: Option<Timestamp>,
}

impl JobDirectory {
    /// The signs of the last start of this link; none where none is under way, as far as its own files tell.
    pub async fn signs(&self, log: &Path) -> Result<Option<Signs>, JobsError> {
        let Some(attempt) = self.attempts().await?.pop().filter(|attempt| attempt.ended_at.is_none()) else {
            return Ok(None);
        };
        let folder = self.path().join(self.in_link(&format!("attempts/{}-{}", attempt.scheduler_job, attempt.restart)));
        let modified_at =
            async |path: &Path| reached(self.files().modified_at(path).await, "its files were not looked at");
        let heartbeat = modified_at(&folder.join("heartbeat")).await?;
        let mut program = attempt.started_at;
        for path in [log, &folder.join("progress"), &self.path().join("checkpoints")] {
            program = program.max(modified_at(path).await?);
        }
        Ok(Some(Signs { heartbeat, program }))
    }
}
