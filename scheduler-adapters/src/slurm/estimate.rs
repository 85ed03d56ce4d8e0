//! `sbatch --test-only`: when would it start, or why not.

use crate::{
    AdapterError, AdapterErrorKind, Estimate, Submission,
    slurm::{
        SlurmCommands,
        call::{self, Tool},
        refusal, submit,
    },
};
use model::Timestamp;
use reach::Command;

impl SlurmCommands {
    /// Asks for an estimate; nothing is submitted. `sbatch` prints it on standard error.
    pub(super) async fn estimate_start(&self, submission: &Submission) -> Result<Estimate, AdapterError> {
        let output = self.run(Tool::Sbatch, &command(submission)).await?;
        let said = output.stderr_text().trim().to_owned();
        if output.succeeded() {
            return Ok(match said.lines().rev().find_map(start_in) {
                Some(at) => Estimate::StartsAt { at, said },
                None => Estimate::Unknown { said },
            });
        }
        if refusal::of(&output).is_some() {
            return Ok(Estimate::Refused { said: without_headline(&said) });
        }
        let error = call::unanswered(Tool::Sbatch, &output);
        // Of no job's id is anything known here.
        Err(if error.kind == AdapterErrorKind::NotFound {
            AdapterError { kind: AdapterErrorKind::Unreadable, ..error }
        } else {
            error
        })
    }
}

impl SlurmCommands {
    /// The words of the submit filter that refuses the submission. A limit that is reached refuses with others: the job itself may be
    /// what reached it.
    pub(super) async fn would_be_filtered(&self, submission: &Submission) -> Option<String> {
        let output = self.run(Tool::Sbatch, &command(submission)).await.ok()?;
        refusal::is_filters(&output).then(|| without_headline(output.stderr_text().trim()))
    }
}

fn without_headline(said: &str) -> String {
    said.replace("allocation failure: ", "")
}

/// The submission's own command in the submission's own surroundings, its time zone among them: `--begin` is told in it.
fn command(submission: &Submission) -> Command {
    submit::in_environment(Command::new(Tool::Sbatch.program()), submission.keeps_environment_options)
        .variable("SLURM_TIME_FORMAT", "%s")
        .argument("--test-only")
        .arguments(submit::words(submission))
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
