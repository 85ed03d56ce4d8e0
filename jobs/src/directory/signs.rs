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
    /// The signs of the last start of this link; none where none is under way, as far as its own files tell. Without its log, or where that
    /// cannot be looked at, nobody knows when its program was last seen.
    pub async fn signs(&self, log: Option<&Path>) -> Result<Option<Signs>, JobsError> {
        let Some(attempt) = self.attempts().await?.pop().filter(|attempt| attempt.ended_at.is_none()) else {
            return Ok(None);
        };
        let folder = self.path().join(self.in_link(&format!("attempts/{}-{}", attempt.scheduler_job, attempt.restart)));
        let modified_at =
            async |path: &Path| reached(self.files().modified_at(path).await, "its files were not looked at");
        let heartbeat = modified_at(&folder.join("heartbeat")).await?;
        let Some(Ok(of_log)) = (match log {
            Some(log) => Some(self.files().modified_at(log).await),
            None => None,
        }) else {
            return Ok(Some(Signs { heartbeat, program: None }));
        };
        let mut program = attempt.started_at.max(of_log);
        for path in [folder.join("progress"), self.path().join("checkpoints")] {
            program = program.max(modified_at(&path).await?);
        }
        Ok(Some(Signs { heartbeat, program }))
    }
}
