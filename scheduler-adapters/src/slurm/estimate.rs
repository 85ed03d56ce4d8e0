//! `sbatch --test-only`: when would it start, or why not.

use crate::{
    AdapterError, AdapterErrorKind, Estimate, Submission,
    slurm::{
        SlurmCommands,
        call::{self, Tool},
        submit,
    },
};
use model::Timestamp;

impl SlurmCommands {
    /// Asks for an estimate; nothing is submitted. `sbatch` prints it on standard error.
    pub(super) async fn estimate_start(&self, submission: &Submission) -> Result<Estimate, AdapterError> {
        let read = call::read(Tool::Sbatch).argument("--test-only").arguments(submit::words(submission));
        let mut command = submit::in_environment(read, submission.keeps_environment_options);
        if submission.keeps_environment_options {
            command = command.keeping(["SBATCH_*"]);
        }
        let output = self.run(Tool::Sbatch, &command).await?;
        let said = output.stderr_text().trim().to_owned();
        if output.succeeded() {
            return Ok(match said.lines().rev().find_map(start_in) {
                Some(at) => Estimate::StartsAt { at, said },
                None => Estimate::Unknown { said },
            });
        }
        let refusal = said.lines().find_map(|line| line.split_once("allocation failure: ").map(|(_, text)| text));
        match (refusal, call::failure(Tool::Sbatch, &output)) {
            (_, error) if matches!(error.kind, AdapterErrorKind::Unreachable) && refusal.is_none() => Err(error),
            (Some(text), _) => Ok(Estimate::Refused { said: text.to_owned() }),
            (None, AdapterError { kind: AdapterErrorKind::Refused { said }, .. }) => Ok(Estimate::Refused { said }),
            (None, error) => Err(error),
        }
    }
}

/// The epoch seconds in `sbatch: Job 11 to start at 1795477953 using 576 processors ...`.
fn start_in(line: &str) -> Option<Timestamp> {
    let (_, rest) = line.split_once(" to start at ")?;
    rest.split_whitespace().next()?.parse().ok().map(Timestamp::from_epoch_seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_start_is_read_where_there_is_one() {
        let line = "sbatch: Job 11 to start at 1795477953 using 576 processors on nodes n[2-3] in partition booster";
        assert_eq!(start_in(line), Some(Timestamp::from_epoch_seconds(1_795_477_953)));
        assert_eq!(start_in("sbatch: Job 11 to start at 2026-11-23T22:00:00 using 1 processors"), None);
        assert_eq!(start_in("hello"), None);
    }
}
