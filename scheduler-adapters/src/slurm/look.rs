//! Where jobs of the person who asks stand, by answers that all of their processes share: one question to the queue for all
//! jobs of the person, and one to accounting for those that the queue no longer has, however many processes look.

use crate::{
    AdapterError, AdapterErrorKind, CLOCK_TOLERANCE_SECONDS, Freshness, JobSighting, Look, LookedFor, RejectedRow,
    SharedState, SourceWait,
    shared::{Answer, Question, Shared, Turn, Wait},
    slurm::{
        SlurmCommands,
        call::{ACCOUNTING, CONTROLLER, Tool},
        light::later,
        rest,
        selection::{NAMED_IDS, Selection},
        standing::Standing,
    },
};
use model::{SchedulerJobId, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// The shared answers, and who is behind each.
const QUEUE: Question = Question { name: "queue", source: CONTROLLER, doing: Tool::Squeue.doing() };
const ENDED: Question = Question { name: "ended", source: ACCOUNTING, doing: Tool::Sacct.doing() };

/// An answer that lacks a job says that it is gone only if it was asked for so long after the job's id was known: clocks of
/// login nodes differ a little.
const NOTICE_SECONDS: i64 = 5;

/// After so many intervals all is asked for even where no state has changed: reasons and expected starts have.
const WHOLE_INTERVALS: i64 = 10;

/// For so many intervals a job that accounting was asked for is asked for again with others.
const REMEMBERED_INTERVALS: i64 = 3;

/// All jobs of a person in the queue.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct QueueAnswer {
    token: String,
    /// When the states were asked for.
    observed_at: Timestamp,
    /// When all of it was: what is not here was not in the queue then.
    whole_at: Timestamp,
    jobs: Vec<JobSighting>,
    rejected: Vec<RejectedRow>,
}

/// Jobs that the queue did not have, as accounting knows them.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct EndedAnswer {
    token: String,
    observed_at: Timestamp,
    /// Rows of before that were not looked at.
    earliest: Timestamp,
    jobs: Vec<Ended>,
}

/// What accounting said of one job.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Ended {
    id: SchedulerJobId,
    asked_at: Timestamp,
    seen: Option<JobSighting>,
}

impl Answer for QueueAnswer {
    fn token(&self) -> &str {
        &self.token
    }
}

impl Answer for EndedAnswer {
    fn token(&self) -> &str {
        &self.token
    }
}

impl QueueAnswer {
    /// Whether it says of each of these jobs where it stands, or that the queue does not have it any more.
    fn covers(&self, wanted: &LookedFor) -> bool {
        let there: BTreeSet<SchedulerJobId> =
            self.jobs.iter().flat_map(|job| [job.id, job.leader, job.handle()]).collect();
        let is_later = |known_at: Timestamp| self.whole_at.seconds_since(known_at) >= NOTICE_SECONDS;
        wanted.jobs.iter().all(|(id, known_at)| there.contains(id) || is_later(*known_at))
    }
}

impl SlurmCommands {
    /// The look; where nothing can be shared, a question of one's own.
    pub(super) async fn look_at(&self, wanted: &LookedFor, freshness: Freshness) -> Result<Look, AdapterError> {
        if wanted.jobs.is_empty() {
            return Ok(Look::default());
        }
        let Some(shared) = &self.shared else {
            let ids: Vec<SchedulerJobId> = wanted.jobs.keys().copied().collect();
            let observed_at = Some(self.clock.now());
            return Ok(Look { states: self.states_of(&ids, wanted.since).await?, observed_at, ..Look::default() });
        };
        let earliest = wanted.since.plus_seconds(-CLOCK_TOLERANCE_SECONDS);
        let (queue, mut was_shared) = self.shared_queue(shared, wanted, freshness).await?;
        let mut standing = Standing::of(wanted.jobs.keys().copied().collect(), earliest);
        let mut observed_at = queue.observed_at;
        queue.jobs.into_iter().for_each(|job| standing.take(job));
        standing.take_rejected(queue.rejected);
        let mut states = standing.standing();
        let missing = standing.missing();
        if !missing.is_empty() {
            let (ended, are_shared) = self.shared_ended(shared, &missing, earliest, freshness).await?;
            was_shared |= are_shared;
            for Ended { id, asked_at, seen } in ended {
                observed_at = observed_at.min(asked_at);
                states.extend(seen.map(|seen| (id, seen)));
            }
            let unknown = missing.into_iter().filter(|id| !states.contains_key(id)).collect();
            if let Some(row) = standing.rejected_of(&unknown) {
                return Err(unreadable(row));
            }
        }
        Ok(Look { states, observed_at: Some(observed_at), was_shared, notes: shared.folder.notes() })
    }

    /// All jobs of the person that the queue has, and whether an earlier question told it.
    async fn shared_queue(
        &self,
        shared: &Shared,
        wanted: &LookedFor,
        freshness: Freshness,
    ) -> Result<(QueueAnswer, bool), AdapterError> {
        let is_good = |answer: &QueueAnswer| shared.is_young(answer.observed_at, freshness) && answer.covers(wanted);
        match shared.turn(QUEUE, &is_good).await? {
            Turn::Known(answer) => Ok((answer, true)),
            Turn::Ask { previous, claim } => {
                let previous = previous.filter(|answer| freshness == Freshness::Shared && answer.covers(wanted));
                let told = self.queue_after(shared, previous).await;
                Ok((shared.told(QUEUE, claim, told).await?, false))
            }
        }
    }

    /// The queue after an answer that is not very old: by states alone, where that shows that nothing has changed.
    async fn queue_after(&self, shared: &Shared, previous: Option<QueueAnswer>) -> Result<QueueAnswer, AdapterError> {
        let now = self.clock.now();
        let oldest = WHOLE_INTERVALS * i64::from(shared.pace.interval_seconds);
        let is_recent = |answer: &QueueAnswer| (0..oldest).contains(&now.seconds_since(answer.whole_at));
        if let Some(answer) = previous.filter(|answer| is_recent(answer) && answer.rejected.is_empty())
            && self.stand_as_before(shared, &answer.jobs).await?
        {
            let jobs = later(answer.jobs, now);
            return Ok(QueueAnswer { token: shared.token(), observed_at: now, jobs, ..answer });
        }
        self.whole_queue(shared).await
    }

    async fn whole_queue(&self, shared: &Shared) -> Result<QueueAnswer, AdapterError> {
        let mut jobs = Vec::new();
        let mine = Selection::of_user(shared.user.clone());
        let asked = self.ask_queue(&mine, &mut |row| jobs.push(row.sighting)).await?;
        let at = asked.observed_at;
        Ok(QueueAnswer { token: shared.token(), observed_at: at, whole_at: at, jobs, rejected: asked.rejected })
    }

    /// What accounting says of these jobs, and whether an earlier question told it.
    async fn shared_ended(
        &self,
        shared: &Shared,
        ids: &BTreeSet<SchedulerJobId>,
        earliest: Timestamp,
        freshness: Freshness,
    ) -> Result<(Vec<Ended>, bool), AdapterError> {
        let is_good = |answer: &EndedAnswer| {
            let young = answer.jobs.iter().filter(|job| shared.is_young(job.asked_at, freshness));
            let known: BTreeSet<SchedulerJobId> = young.map(|job| job.id).collect();
            answer.earliest <= earliest && ids.is_subset(&known)
        };
        let (answer, was_shared) = match shared.turn(ENDED, &is_good).await? {
            Turn::Known(answer) => (answer, true),
            Turn::Ask { previous, claim } => {
                let told = self.ask_ended(shared, ids, earliest, previous).await;
                (shared.told(ENDED, claim, told).await?, false)
            }
        };
        let is_of_this_owner = |seen: &JobSighting| seen.submitted_at >= earliest;
        let wanted = answer.jobs.into_iter().filter(|job| ids.contains(&job.id));
        let told = wanted.map(|job| Ended { seen: job.seen.filter(is_of_this_owner), ..job }).collect();
        Ok((told, was_shared))
    }

    /// Asks for these and, while the question stays short, for those that others asked for lately and that had not ended: of
    /// many who watch a job each, one asks for all.
    async fn ask_ended(
        &self,
        shared: &Shared,
        ids: &BTreeSet<SchedulerJobId>,
        earliest: Timestamp,
        previous: Option<EndedAnswer>,
    ) -> Result<EndedAnswer, AdapterError> {
        let now = self.clock.now();
        let before = previous.as_ref().map_or(earliest, |answer| answer.earliest);
        let earliest = earliest.min(before);
        let lately = REMEMBERED_INTERVALS * i64::from(shared.pace.interval_seconds);
        let is_remembered = |job: &Ended| (0..lately).contains(&now.seconds_since(job.asked_at));
        let mut kept: BTreeMap<SchedulerJobId, Ended> = previous
            .into_iter()
            .flat_map(|answer| answer.jobs)
            .filter(is_remembered)
            .map(|job| (job.id, job))
            .collect();
        let mut asked = ids.clone();
        let is_open = |job: &&Ended| job.seen.as_ref().is_none_or(|seen| !seen.state.is_final());
        for job in kept.values().filter(is_open) {
            if asked.len() < NAMED_IDS {
                asked.insert(job.id);
            }
        }
        let told = self.finished_standing(asked.clone(), earliest).await?;
        let mut standing = told.standing();
        if let Some(row) = told.rejected_of(&ids.iter().copied().filter(|id| !standing.contains_key(id)).collect()) {
            return Err(unreadable(row));
        }
        kept.extend(asked.into_iter().map(|id| (id, Ended { id, asked_at: now, seen: standing.remove(&id) })));
        let jobs = kept.into_values().collect();
        Ok(EndedAnswer { token: shared.token(), observed_at: now, earliest, jobs })
    }

    /// The queue is not what it was: we have changed it.
    pub(super) async fn forget_queue(&self) {
        if let Some(shared) = &self.shared {
            shared.folder.remove(QUEUE.name).await;
        }
    }

    /// How the shared answers stand; asks nobody.
    pub(super) async fn state_of_shared(&self) -> Option<SharedState> {
        let shared = self.shared.as_ref()?;
        let queue: Option<QueueAnswer> = shared.folder.read(QUEUE.name, &shared.user).await;
        let ended: Option<EndedAnswer> = shared.folder.read(ENDED.name, &shared.user).await;
        let mut waits = Vec::new();
        for source in [CONTROLLER, ACCOUNTING, rest::SOURCE] {
            if let Some((Wait { failures, said, .. }, until)) = shared.wait(source).await {
                waits.push(SourceWait { source: source.to_owned(), until, failures, said });
            }
        }
        Some(SharedState {
            pace: shared.pace,
            queue: queue.map(|answer| (answer.observed_at, answer.jobs.len())),
            accounting: ended.map(|answer| (answer.observed_at, answer.jobs.len())),
            waits,
            asks_states_alone: self.asks_states_alone(shared).await,
            notes: shared.folder.notes(),
        })
    }
}

fn unreadable(row: &RejectedRow) -> AdapterError {
    AdapterError::new(AdapterErrorKind::Unreadable, Tool::Squeue.doing())
        .with("row", &row.raw)
        .with("cause", &row.reason)
}
