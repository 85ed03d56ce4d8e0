//! The adapter itself: who it speaks through, what it remembers, and the contract.

use crate::{
    AdapterError, AdapterErrorKind, Capabilities, ClusterFacts, Cost, Estimate, FoundJob, Freshness, Interactive,
    JobFacts, JobSighting, Look, LookedFor, PendingJob, QueueBatch, Rights, RunAnswer, RunTaker, RunWindow, Scheduler,
    SharedState, Sharing, StampSearch, Submission, Submitted, UnusedWay, Way, Whose,
    shared::{Shared, Tally},
    slurm::{
        call::{self, Tool},
        columns::{Columns, Identity},
        describe, interactive,
        native::Helper,
        rest::{Rest, RestConfiguration},
    },
};
use async_trait::async_trait;
use model::{Clock, ClusterName, SchedulerJobId, Timestamp, UserName};
use reach::{Command, Reach};
use slurm_messages::Hello;
use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicI8, Ordering},
    },
    time::Duration,
};
use tokio::sync::{OnceCell, Semaphore};

/// So many `sbatch` run at once, whoever was to submit before: the controller takes one submission after the other, and other
/// people work on the login node.
const SBATCHES: usize = 4;

/// The longest name of a release that is believed, in bytes.
const LONGEST_RELEASE: usize = 64;

/// Slurm, spoken to by `sbatch`, `squeue`, `sacct`, `scancel`, `scontrol`, `sinfo` and `sacctmgr`.
pub struct SlurmCommands {
    pub(super) reach: Arc<dyn Reach>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) columns: Columns,
    pub(super) identity: OnceCell<Identity>,
    user: OnceCell<UserName>,
    /// What `describe` learned about comments: below zero nothing yet, else no (0) or yes (1).
    keeps_comments: AtomicI8,
    /// The way by Slurm's own library, where there is one.
    pub(super) helper: Option<Helper>,
    /// The way by slurmrestd, where one is named.
    pub(super) rest: Option<Rest>,
    /// The answers that all processes of this person share, where there is a place for them.
    pub(super) shared: Option<Shared>,
    /// What was asked.
    pub(super) tally: Arc<Tally>,
    /// One for each `sbatch` that may run.
    pub(super) sbatches: Semaphore,
}

impl SlurmCommands {
    /// The adapter for the cluster that the commands at that place speak to.
    pub fn new(reach: Arc<dyn Reach>, clock: Arc<dyn Clock>) -> Self {
        Self {
            reach,
            clock,
            columns: Columns::default(),
            identity: OnceCell::new(),
            user: OnceCell::new(),
            keeps_comments: AtomicI8::new(-1),
            helper: None,
            rest: None,
            shared: None,
            tally: Arc::default(),
            sbatches: Semaphore::new(SBATCHES),
        }
    }

    /// The same, with answers that may be a little old shared among all processes of the person who asks.
    #[must_use]
    pub fn sharing(mut self, sharing: Sharing) -> Self {
        self.shared = Some(Shared::new(Arc::clone(&self.reach), Arc::clone(&self.clock), sharing));
        self
    }

    /// The same, with `pakt-slurm` at that path doing what it can: the commands do the rest, and all of it where the
    /// program is not there, does not fit, or fails.
    #[must_use]
    pub fn with_helper(mut self, program: impl Into<PathBuf>) -> Self {
        self.helper = Some(Helper::new(Arc::clone(&self.reach), program.into(), Arc::clone(&self.tally)));
        self
    }

    /// The same, with slurmrestd doing what it can before all others.
    #[must_use]
    pub fn with_rest(mut self, configuration: RestConfiguration) -> Self {
        self.rest = Some(Rest::new(Arc::clone(&self.reach), configuration, Arc::clone(&self.tally)));
        self
    }

    /// Waits so long for each message of the helper's, instead of a minute.
    #[must_use]
    pub fn waiting_for_helper(mut self, patience: Duration) -> Self {
        self.helper = self.helper.map(|helper| helper.waiting(patience));
        self
    }

    /// Waits so long for the helper's answer to a submission, instead of [`SUBMISSION_PATIENCE`](crate::SUBMISSION_PATIENCE).
    #[must_use]
    pub fn waiting_for_helper_to_submit(mut self, patience: Duration) -> Self {
        self.helper = self.helper.map(|helper| helper.waiting_to_submit(patience));
        self
    }

    /// The same, with what `sacct` can tell kept in a file beside Slurm's commands: without one every process asks
    /// `sacct` for its columns before it asks for anything else. The file is for one cluster; it says which cluster and
    /// release it is of, and is written anew for another.
    #[must_use]
    pub fn keeping_columns_in(mut self, file: impl Into<PathBuf>) -> Self {
        self.columns = Columns::kept_in(file.into());
        self
    }

    /// Who asks, as the place knows them; asked once.
    pub(super) async fn user(&self) -> Result<&UserName, AdapterError> {
        self.user
            .get_or_try_init(|| async {
                let doing = "asking who we are (id -un)";
                let output = self.reach.run(&Command::new("id").argument("-un")).await;
                let output = output.map_err(|error| AdapterError::from_reach(error, doing))?;
                // A site's chatter comes first; the name is the last line.
                let name = output.stdout_text().lines().last().unwrap_or_default().trim().to_owned();
                name.parse().map_err(|error| {
                    AdapterError::new(AdapterErrorKind::Unreadable, doing)
                        .with("cause", error)
                        .with("ended", output.ending())
                })
            })
            .await
    }

    /// The cluster's name and its release; asked once.
    pub(super) async fn identity(&self) -> Result<&Identity, AdapterError> {
        self.identity
            .get_or_try_init(|| async {
                let text = self.ask(Tool::Scontrol, &["show", "config"]).await?;
                describe::identity(&text)
            })
            .await
    }

    /// The cluster's name; asked once.
    pub(super) async fn cluster(&self) -> Result<&ClusterName, AdapterError> {
        Ok(&self.identity().await?.cluster)
    }
}

#[async_trait]
impl Scheduler for SlurmCommands {
    fn capabilities(&self) -> Capabilities {
        let keeps_comments = match self.keeps_comments.load(Ordering::Relaxed) {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        };
        Capabilities {
            way: "slurm commands",
            has_accounting: true,
            keeps_comments,
            estimates: true,
            can_depend: true,
            is_personal: false,
        }
    }

    async fn way(&self) -> String {
        let rest = self.rest_way().await;
        let hello = match &self.helper {
            Some(helper) => helper.hello().await,
            None => None,
        };
        let library = hello.map(|Hello { helper, headers, submits_not, .. }| {
            let submits = submits_not.map_or_else(String::new, |why| format!("; sbatch submits, because {why}"));
            format!("slurm's library (pakt-slurm {helper} for {headers}) and commands{submits}")
        });
        let others = library.unwrap_or_else(|| self.capabilities().way.to_owned());
        rest.map_or_else(|| others.clone(), |rest| format!("{rest}, and all else by {others}"))
    }

    async fn release_name(&self) -> Option<String> {
        let output = self.reach.run(&call::read(Tool::Sinfo).argument("--version")).await.ok()?;
        // A site's chatter comes first.
        let said = output.stdout_text().lines().last().unwrap_or_default().trim().to_owned();
        let is_plain =
            said.starts_with("slurm") && said.len() <= LONGEST_RELEASE && !said.chars().any(char::is_control);
        (output.succeeded() && is_plain).then_some(said)
    }

    fn submits_by_command(&self) -> bool {
        self.helper.is_none() && self.rest.is_none()
    }

    fn goes_by_command(&self, submission: &Submission) -> bool {
        self.submits_by_command() || submission.keeps_environment_options
    }

    fn unused_ways(&self) -> Vec<UnusedWay> {
        let library = self.helper.as_ref().and_then(Helper::note).map(|why| UnusedWay { way: Way::Library, why });
        let rest = self.rest.as_ref().and_then(Rest::note).map(|why| UnusedWay { way: Way::Rest, why });
        library.into_iter().chain(rest).collect()
    }

    async fn submit(&self, submission: &Submission) -> Result<Submitted, AdapterError> {
        // One way for all arrays: what server and library take for one differs from release to release.
        if submission.array.is_none()
            && let Some(answered) = self.rest_submit(submission).await
        {
            return answered;
        }
        let submitted = match self.native_submit(submission).await {
            Some(answered) => answered,
            None => self.submit_once(submission).await,
        };
        self.heeded(Tool::Sbatch, submitted).await
    }

    async fn find(&self, search: &StampSearch) -> Result<Vec<FoundJob>, AdapterError> {
        Ok(self.find_stamps(std::slice::from_ref(search)).await?.pop().unwrap_or_default())
    }

    async fn find_each(&self, searches: &[StampSearch]) -> Result<Vec<Vec<FoundJob>>, AdapterError> {
        self.find_stamps(searches).await
    }

    async fn largest_array(&self) -> Result<Option<u32>, AdapterError> {
        let text = self.ask(Tool::Scontrol, &["show", "config"]).await?;
        Ok(describe::max_array_size(&text))
    }

    async fn read_back(&self, id: SchedulerJobId) -> Result<JobFacts, AdapterError> {
        self.job_facts(id).await
    }

    async fn states(
        &self,
        ids: &[SchedulerJobId],
        since: Timestamp,
    ) -> Result<BTreeMap<SchedulerJobId, JobSighting>, AdapterError> {
        self.states_of(ids, since).await
    }

    async fn look(&self, wanted: &LookedFor, freshness: Freshness) -> Result<Look, AdapterError> {
        self.look_at(wanted, freshness).await
    }

    fn costs(&self) -> Vec<Cost> {
        self.tally.costs()
    }

    async fn shared_state(&self) -> Option<SharedState> {
        self.state_of_shared().await
    }

    async fn queue(&self, whose: &Whose) -> Result<QueueBatch, AdapterError> {
        self.queue_of(whose).await
    }

    async fn cancel(&self, id: SchedulerJobId) -> Result<(), AdapterError> {
        if let Some(answered) = self.rest_cancel(id).await {
            self.forget_queue().await;
            return answered;
        }
        let cancelled = match self.native_cancel(id).await {
            Some(answered) => answered,
            None => self.cancel_job(id).await,
        };
        self.forget_queue().await;
        self.heeded(Tool::Scancel, cancelled).await
    }

    async fn cancel_each(&self, ids: &[SchedulerJobId]) -> Vec<Result<(), AdapterError>> {
        let cancelled = self.cancel_together(ids).await;
        if !ids.is_empty() {
            self.forget_queue().await;
        }
        cancelled
    }

    async fn each_run(&self, window: &RunWindow, taker: &mut dyn RunTaker) -> Result<RunAnswer, AdapterError> {
        self.runs_of(window, taker).await
    }

    async fn pending(&self, id: SchedulerJobId) -> Result<PendingJob, AdapterError> {
        self.pending_job(id).await
    }

    async fn estimate(&self, submission: &Submission) -> Result<Estimate, AdapterError> {
        self.estimate_start(submission).await
    }

    async fn filters_refusal(&self, submission: &Submission) -> Option<String> {
        self.would_be_filtered(submission).await
    }

    async fn describe(&self) -> Result<ClusterFacts, AdapterError> {
        let facts = self.describe_cluster().await?;
        self.keeps_comments.store(i8::from(facts.stores_comments), Ordering::Relaxed);
        Ok(facts)
    }

    async fn rights(&self) -> Result<Option<Rights>, AdapterError> {
        self.own_rights().await
    }

    async fn cluster_name(&self) -> Result<ClusterName, AdapterError> {
        self.cluster().await.cloned()
    }

    async fn release(&self, id: SchedulerJobId) -> Result<(), AdapterError> {
        let released = self.release_job(id).await;
        self.forget_queue().await;
        self.heeded(Tool::Scontrol, released).await
    }

    fn interactive(&self, wish: &Interactive) -> Result<Command, AdapterError> {
        Ok(interactive::command(wish))
    }
}
