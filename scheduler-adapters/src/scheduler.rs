//! The contract: what Pakt asks of a scheduler, whatever the way to it.

use crate::{
    AdapterError, AdapterErrorKind, ClusterFacts, Cost, Estimate, FoundJob, Freshness, Interactive, JobFacts,
    JobSighting, KeptRuns, Look, LookedFor, PendingJob, QueueBatch, Rights, RunAnswer, RunBatch, RunTaker, RunWindow,
    SharedState, StampSearch, Submission, Submitted, Whose,
};
use async_trait::async_trait;
use model::{ClusterName, SchedulerJobId, Timestamp};
use reach::Command;
use std::collections::{BTreeMap, BTreeSet};

/// What a way to a scheduler can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools, reason = "each is asked for by itself")]
pub struct Capabilities {
    /// The way, for people: `slurm commands`, `local`.
    pub way: &'static str,
    /// Whether runs can be asked for at all.
    pub has_accounting: bool,
    /// Whether accounting keeps a job's comment; none until the cluster was described.
    pub keeps_comments: Option<bool>,
    /// Whether a start can be estimated.
    pub estimates: bool,
    /// Whether a job can wait in the queue for the end of another one (`--dependency`).
    pub can_depend: bool,
    /// Whether all jobs are of the person who asks, so that their own are everybody's.
    pub is_personal: bool,
}

/// A way that does not do what it might.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnusedWay {
    /// Which.
    pub way: Way,
    /// Where it was looked for, and what is wrong.
    pub why: String,
}

/// The ways that a person sets up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// Slurm's own library, through `pakt-slurm`.
    Library,
    /// Slurm's REST interface, through slurmrestd.
    Rest,
}

/// A scheduler, spoken to.
///
/// Every call is one bounded exchange; none waits for a job, and no write repeats itself. Reads have no effect, so that
/// their `Err` says nothing about any job: what was not answered is *unknown*, and no read is ever refused.
#[async_trait]
pub trait Scheduler: Send + Sync {
    /// What this way can do; asks nobody.
    fn capabilities(&self) -> Capabilities;

    /// The way, as far as it can be told by trying it: which helper answers, say.
    async fn way(&self) -> String {
        self.capabilities().way.to_owned()
    }

    /// The scheduler's own name and release, as it says them itself: `slurm 25.11.2`. The controller is not asked. None where it
    /// has none, or does not say.
    async fn release_name(&self) -> Option<String> {
        None
    }

    /// Whether a submission of ours is a command of the scheduler's, which can be looked for among the processes after we
    /// have died. What a library or a server does for us cannot: of that only the age tells whether it may still arrive.
    fn submits_by_command(&self) -> bool {
        true
    }

    /// The same of one submission: some are left to the command wherever another way is set up.
    fn goes_by_command(&self, _: &Submission) -> bool {
        self.submits_by_command()
    }

    /// What is not as a person set it up, though all is done by another way: a helper that does not fit, say. What was
    /// asked so far tells.
    fn unused_ways(&self) -> Vec<UnusedWay> {
        Vec::new()
    }

    /// Submits once. After `Ok` there is exactly one more job (or array) and it carries the stamp, an array that of the array:
    /// each of its tasks is then seen as a job with the stamp that the array's says of it, whether it waits in a row with
    /// others or not, and is asked for and cancelled by its [handle](JobSighting::handle). After `Err` with
    /// `Retry::Never` or `Retry::Later` there is none; with `Retry::LookFirst` there may be one: [`Self::find`] it.
    ///
    /// The call is not cut short by its caller's end: whoever is killed in it leaves a submission under way that may
    /// still deliver, for up to [`SUBMISSION_PATIENCE`](crate::SUBMISSION_PATIENCE) after it began. Until then a
    /// [`Self::find`] that finds nothing is no evidence that nothing comes.
    async fn submit(&self, submission: &Submission) -> Result<Submitted, AdapterError>;

    /// Looks a stamp up in the queue and in accounting, finished jobs included. After `Ok` both were asked, and every
    /// job of that user with that stamp which either knows is listed, an array or heterogeneous job once, by its
    /// [leader](JobSighting::leader); after `Err` nothing is known. A row that cannot be read is an error where it may
    /// be that of a job with this stamp, and passed over where it cannot.
    async fn find(&self, search: &StampSearch) -> Result<Vec<FoundJob>, AdapterError>;

    /// As [`Self::find`] for several stamps of one person: the jobs of each, in the order of the stamps.
    async fn find_each(&self, searches: &[StampSearch]) -> Result<Vec<Vec<FoundJob>>, AdapterError> {
        let mut found = Vec::with_capacity(searches.len());
        for search in searches {
            found.push(self.find(search).await?);
        }
        Ok(found)
    }

    /// How many tasks an array may have that is submitted here, whose indexes begin with 0; none where arrays are not.
    async fn largest_array(&self) -> Result<Option<u32>, AdapterError> {
        Ok(None)
    }

    /// What the scheduler made of a job: account, partition and limit may differ from what was asked.
    /// `AdapterErrorKind::NotFound` when both queue and accounting answer and neither knows the id.
    async fn read_back(&self, id: SchedulerJobId) -> Result<JobFacts, AdapterError>;

    /// Where these jobs stand: one question to the queue, and one to accounting only for those the queue no longer
    /// knows. An id that is absent from the answer is known to nobody: unknown, not finished. A row that was submitted
    /// a day or more before `since` belongs to an earlier owner of a recycled id and is no answer.
    ///
    /// An array or heterogeneous job, asked for by its leader, stands where the part of it stands that has furthest to
    /// go: it has ended when all of it has. Of more than 200 ids only jobs of the person who asks are looked at.
    async fn states(
        &self,
        ids: &[SchedulerJobId],
        since: Timestamp,
    ) -> Result<BTreeMap<SchedulerJobId, JobSighting>, AdapterError>;

    /// Where jobs of the person who asks stand, as any of their processes was told last, where that is young enough, else as
    /// [`Self::states`] tells it. For showing, and for nothing else: whatever is submitted, given back or charged by an answer
    /// needs a new one. After `Err` nothing is known; where a source did not answer lately it is not asked, and the error says
    /// until when.
    async fn look(&self, wanted: &LookedFor, _: Freshness) -> Result<Look, AdapterError> {
        let ids: Vec<SchedulerJobId> = wanted.jobs.keys().copied().collect();
        let states = self.states(&ids, wanted.since).await?;
        let observed_at = states.values().map(|seen| seen.observed_at).min();
        Ok(Look { states, observed_at, ..Look::default() })
    }

    /// What was asked so far, by source, and what it cost; empty where nothing is counted.
    fn costs(&self) -> Vec<Cost> {
        Vec::new()
    }

    /// How the answers stand that this person's processes share; none where they share none.
    async fn shared_state(&self) -> Option<SharedState> {
        None
    }

    /// Pending, running and just ended jobs, ours or not, in one question. Rows that cannot be read are handed back as
    /// they are; they never fail the others.
    async fn queue(&self, whose: &Whose) -> Result<QueueBatch, AdapterError>;

    /// Cancels a job. After `Ok` it is being ended, or had ended, or never was. After `Err` it may be being ended all the
    /// same; a second call does no harm.
    async fn cancel(&self, id: SchedulerJobId) -> Result<(), AdapterError>;

    /// Cancels several jobs, each as [`Self::cancel`] does; the answers in the order of the ids. Where nobody answers, the rest is
    /// not asked for one by one.
    async fn cancel_each(&self, ids: &[SchedulerJobId]) -> Vec<Result<(), AdapterError>> {
        let mut answers = Vec::with_capacity(ids.len());
        for id in ids {
            answers.push(self.cancel(*id).await);
        }
        answers
    }

    /// The runs that overlap a window: one for each start, running ones included, jobs that never started not. They are
    /// handed on one by one as they are read and not kept: a year of a site's accounting fits no memory. Rows that
    /// cannot be read are handed on as they are; they never fail the others. After `Err` what was handed on is a part
    /// and no answer, though each run in it is one.
    async fn each_run(&self, window: &RunWindow, taker: &mut dyn RunTaker) -> Result<RunAnswer, AdapterError>;

    /// As [`Self::each_run`], all runs together.
    async fn runs(&self, window: &RunWindow) -> Result<RunBatch, AdapterError> {
        let mut kept = KeptRuns::default();
        let answer = self.each_run(window, &mut kept).await?;
        Ok(kept.with_answer(answer))
    }

    /// Why a job waits, as far as that can be told: where it stands, which limits and reservations bear on it. A bounded
    /// number of questions, whatever the queue has. What was not answered beside the job itself is said in the answer.
    /// `AdapterErrorKind::NotFound` where the queue answers and does not have it.
    async fn pending(&self, id: SchedulerJobId) -> Result<PendingJob, AdapterError> {
        let facts = self.read_back(id).await?;
        let unasked = AdapterError::new(AdapterErrorKind::Unsupported, "asking for more than the job itself");
        Ok(PendingJob::of_sighting(facts.sighting, &unasked))
    }

    /// When the job would start, or why it would be refused. Submits nothing.
    async fn estimate(&self, submission: &Submission) -> Result<Estimate, AdapterError>;

    /// The words with which the site's own submit filter refuses such a job, where it would; none where it would not, or where nobody
    /// can tell. Submits nothing.
    async fn filters_refusal(&self, _: &Submission) -> Option<String> {
        None
    }

    /// What the cluster says about itself and about the person who asks.
    async fn describe(&self) -> Result<ClusterFacts, AdapterError>;

    /// Whose runs accounting shows to the person who asks; none where that cannot be told. Who asks for their own alone need
    /// not ask this.
    async fn rights(&self) -> Result<Option<Rights>, AdapterError> {
        Ok(self.capabilities().is_personal.then(|| Rights::Accounts(BTreeSet::new())))
    }

    /// The cluster's own name. After `Ok` it is the name that runs and cursors are kept under.
    async fn cluster_name(&self) -> Result<ClusterName, AdapterError> {
        self.describe().await.map(|facts| facts.cluster)
    }

    /// Lets a job start that was submitted held. After `Ok` it waits like any other, or has started or ended already, or
    /// never was. After `Err` it may be released all the same; a second call does no harm.
    async fn release(&self, id: SchedulerJobId) -> Result<(), AdapterError> {
        Err(AdapterError::new(AdapterErrorKind::Unsupported, format!("releasing job {id}")))
    }

    /// The command that opens an interactive allocation on the terminal it is attached to; nothing is run here.
    fn interactive(&self, wish: &Interactive) -> Result<Command, AdapterError> {
        Err(AdapterError::new(AdapterErrorKind::Unsupported, format!("opening a shell for {}", wish.stamp)))
    }
}
