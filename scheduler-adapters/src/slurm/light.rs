//! `squeue --only-job-state`: a request that the controller answers without its locks, with ids and states alone. Where no state
//! has changed since the last whole answer, that one still stands.
//!
//! Whether `squeue` has the option is read from its own help, never from a version. In 25.05 it ends the command beside options
//! that it does not know, so that nothing but jobs and states is chosen by.

use crate::{
    AdapterError, AdapterErrorKind, JobSighting,
    shared::Shared,
    slurm::{
        SlurmCommands,
        call::{self, NO_ANSWER, Tool},
        rows::{Delimiter, Found, TableReader},
        selection::NAMED_IDS,
        tasks,
    },
};
use model::{JobState, SchedulerJobId, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// The name of what is remembered.
const NAME: &str = "states-alone";

/// After so long the help is read again: Slurm may have been renewed.
const REMEMBERED_SECONDS: i64 = 86_400;

/// What is known of the option at this site.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Known {
    at: Timestamp,
    is_offered: bool,
    /// It was offered, and the answer could not be used: it is not tried again.
    has_failed: bool,
}

impl SlurmCommands {
    /// Whether states can be asked for alone, as far as it was tried.
    pub(super) async fn asks_states_alone(&self, shared: &Shared) -> Option<bool> {
        let known: Known = shared.folder.read(NAME, &shared.user).await?;
        Some(known.is_offered && !known.has_failed)
    }

    /// Whether these jobs stand as they stood; `Ok(false)` where one does not, or nobody can tell that way. `Err` where the
    /// controller does not answer.
    pub(super) async fn stand_as_before(&self, shared: &Shared, jobs: &[JobSighting]) -> Result<bool, AdapterError> {
        let open: BTreeSet<SchedulerJobId> =
            jobs.iter().filter(|job| !job.state.is_final()).map(|job| job.leader).collect();
        // The library and the server are not asked for states alone: `squeue` is, beside them.
        if !(1..=NAMED_IDS).contains(&open.len()) || !self.offers_states_alone(shared).await {
            return Ok(false);
        }
        match self.ask_states_alone(&open).await {
            Ok(Some(states)) => Ok(are_unchanged(jobs, &states)),
            Ok(None) => {
                let known = Known { at: self.clock.now(), is_offered: true, has_failed: true };
                shared.folder.put(NAME, &shared.user, &known).await;
                Ok(false)
            }
            Err(error) if error.kind == AdapterErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Whether `squeue` says that it has the option.
    async fn offers_states_alone(&self, shared: &Shared) -> bool {
        let known: Option<Known> = shared.folder.read(NAME, &shared.user).await;
        let now = self.clock.now();
        let is_good =
            |known: &Known| known.has_failed || (0..REMEMBERED_SECONDS).contains(&now.seconds_since(known.at));
        if let Some(known) = known.filter(is_good) {
            return known.is_offered && !known.has_failed;
        }
        // Asks nobody, and is no question.
        let Ok(output) = self.reach.run(&call::read(Tool::Squeue).argument("--help")).await else { return false };
        let is_offered = output.succeeded() && output.stdout_text().contains("--only-job-state");
        shared.folder.put(NAME, &shared.user, &Known { at: now, is_offered, has_failed: false }).await;
        is_offered
    }

    /// The states of these jobs and of all their parts, by the id that people see; none where the answer is not what was asked
    /// for, or the question is not understood.
    async fn ask_states_alone(
        &self,
        jobs: &BTreeSet<SchedulerJobId>,
    ) -> Result<Option<BTreeMap<String, JobState>>, AdapterError> {
        let delimiter = Delimiter::fresh();
        let ids: Vec<String> = jobs.iter().map(ToString::to_string).collect();
        let command = call::read(Tool::Squeue)
            .arguments(["--only-job-state", "--all", "--states=all"])
            .argument(format!("--jobs={}", ids.join(",")))
            .argument(format!("--format=%i{0}%T{0}", delimiter.as_str()))
            .variable("SLURM_BITSTR_LEN", "0");
        let reader = TableReader::new(&delimiter, 2, "JOBID");
        let (mut states, mut is_whole) = (BTreeMap::new(), true);
        let mut take = |found: Found<'_>| match found {
            Found::Row([id, state]) if !state.trim().is_empty() => {
                let state = JobState::from_words(state.trim());
                states.extend(tasks::each_shown(id.trim()).into_iter().map(|id| (id, state.clone())));
            }
            _ => is_whole = false,
        };
        match self.ask_table(Tool::Squeue, command, reader, &mut take).await {
            Ok(()) => Ok(Some(states).filter(|_| is_whole)),
            Err(error) if is_misunderstood(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// Whether `squeue` ended for another reason than that nobody answers it: it does not know the option, or not beside the others.
fn is_misunderstood(error: &AdapterError) -> bool {
    let said = |words: &str| error.facts.iter().any(|(name, said)| name == "said" && said.contains(words));
    let has_ended = error.facts.iter().any(|(name, ending)| name == "ended" && ending.starts_with("exit"));
    let is_silence = NO_ANSWER.iter().any(|words| said(words));
    error.kind == AdapterErrorKind::Unreadable
        || (has_ended && !is_silence && error.kind == AdapterErrorKind::Unreachable)
}

/// Whether every job that had not ended is there and stands as before, and nothing is there that was not.
fn are_unchanged(jobs: &[JobSighting], states: &BTreeMap<String, JobState>) -> bool {
    let each = |job: &'_ JobSighting| tasks::each_shown(&job.shown_id);
    let before: BTreeMap<String, &JobState> =
        jobs.iter().flat_map(|job| each(job).into_iter().map(|id| (id, &job.state))).collect();
    let is_there = |(id, state): (&String, &&JobState)| state.is_final() || states.get(id) == Some(*state);
    let was_there = |(id, state): (&String, &JobState)| before.get(id) == Some(&state);
    before.iter().all(is_there) && states.iter().all(was_there)
}

/// The same jobs at a later instant: what runs has run longer.
pub(super) fn later(jobs: Vec<JobSighting>, now: Timestamp) -> Vec<JobSighting> {
    let carried = |mut job: JobSighting| {
        if job.state.is_running() {
            let more = u64::try_from(now.seconds_since(job.observed_at)).unwrap_or(0);
            job.elapsed = model::WallTime::from_seconds(job.elapsed.seconds().saturating_add(more));
        }
        job.observed_at = now;
        job
    };
    jobs.into_iter().map(carried).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_squeue_does_not_understand_is_told_from_a_controller_that_is_silent() {
        use AdapterErrorKind::{NotPermitted, Unreachable, Unreadable};
        let failed =
            |kind, ended: &str, said: &str| AdapterError::new(kind, "asking").with("ended", ended).with("said", said);
        for (error, is_one) in [
            (failed(Unreachable, "exit 1", "squeue: unrecognized option '--only-job-state'"), true),
            (failed(Unreachable, "exit 1", "squeue: fatal: --only-job-state is incompatible with --user"), true),
            (failed(Unreadable, "exit 0", ""), true),
            (failed(Unreachable, "exit 1", "slurm_load_jobs error: Unable to contact slurm controller"), false),
            (
                failed(Unreachable, "exit 1", "slurm_load_job_state error: Rate limit exceeded, please retry later"),
                false,
            ),
            (failed(Unreachable, "out of time", ""), false),
            (failed(NotPermitted, "exit 1", "Access/permission denied"), false),
        ] {
            assert_eq!(is_misunderstood(&error), is_one, "{error}");
        }
    }
}
