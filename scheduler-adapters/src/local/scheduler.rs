//! The adapter: the contract, kept by the state folder. File work runs on threads that may block.

use crate::{
    AccountingFacts, AdapterError, AdapterErrorKind, Association, Capabilities, ClusterFacts, Coverage, Estimate,
    FoundIn, FoundJob, JobFacts, JobSighting, NodeGroup, PartitionFacts, RejectedRow, RunBatch, RunWindow, Scheduler,
    StampSearch, Submission, Submitted, Users, Whose,
    local::{
        LocalConfiguration,
        facts::JobView,
        jobs::PARTITION,
        reap,
        schedule::{self, Slots},
        store::{CANCEL, Store, failed},
        submit,
    },
};
use async_trait::async_trait;
use model::{Clock, ClusterName, SchedulerJobId, Timestamp, Tres, UserName};
use reach::{ReachError, files};
use std::{collections::BTreeMap, sync::Arc};

/// The name of the one cluster.
pub(super) const CLUSTER: &str = "local";

/// A day before the intent still counts: the clock may have been set back.
const CLOCK_TOLERANCE_SECONDS: i64 = 86_400;

/// This host as a scheduler.
#[derive(Clone)]
pub struct LocalScheduler {
    configuration: LocalConfiguration,
    user: UserName,
    clock: Arc<dyn Clock>,
}

impl LocalScheduler {
    /// The scheduler of a state folder, for one person; the folder is made at the first submission.
    pub fn new(configuration: LocalConfiguration, user: UserName, clock: Arc<dyn Clock>) -> Self {
        Self { configuration, user, clock }
    }

    fn store(&self) -> Store {
        Store::new(self.configuration.state_directory.clone())
    }

    fn cluster() -> ClusterName {
        CLUSTER.parse().expect("the constant is a name")
    }

    /// Does file work where it may block. What was lost is ended before anything is looked at.
    async fn on_disk<Answer: Send + 'static>(
        &self,
        doing: &'static str,
        work: impl FnOnce(&Self, &Store, Timestamp) -> Result<Answer, ReachError> + Send + 'static,
    ) -> Result<Answer, AdapterError> {
        let own = self.clone();
        let done = tokio::task::spawn_blocking(move || {
            let (store, now) = (own.store(), own.clock.now());
            reap::reap(&store, now)?;
            work(&own, &store, now)
        });
        match done.await {
            Ok(answer) => answer.map_err(failed(doing)),
            Err(error) => Err(AdapterError::new(AdapterErrorKind::OutcomeUnknown, doing).with("cause", error)),
        }
    }

    fn user_of(view: &JobView) -> Option<UserName> {
        view.record.user.parse().ok()
    }

    /// Sightings of these jobs; those without a record are not submitted yet.
    fn sightings(
        store: &Store,
        ids: &[SchedulerJobId],
        now: Timestamp,
    ) -> Result<Vec<(JobSighting, JobView)>, ReachError> {
        let slots = Slots::taken_by(&schedule::active(store)?);
        let mut seen = Vec::new();
        for id in ids {
            let Some(view) = store.view(*id)? else { continue };
            let Some(user) = Self::user_of(&view) else { continue };
            seen.push((view.sighting(user, &slots, now), view));
        }
        Ok(seen)
    }

    fn wants(&self, whose: &Whose, user: &UserName) -> bool {
        // There are no accounts here: who asks for some gets nothing.
        whose.accounts.is_empty() && (whose.users == Users::Visible || *user == self.user)
    }

    fn facts(&self, store: &Store, now: Timestamp) -> Result<ClusterFacts, ReachError> {
        let (cpus, gpus) = (self.configuration.cpus, self.configuration.gpus);
        let is_idle = schedule::active(store)?.iter().all(|view| view.start.is_none());
        let group = NodeGroup {
            nodes: 1,
            idle_nodes: u32::from(is_idle),
            cpus,
            memory_mib: memory_mib(),
            gres: if gpus > 0 { format!("gpu:{gpus}") } else { String::new() },
            features: Vec::new(),
        };
        let tres = Tres { cpus: Some(cpus.into()), nodes: Some(1), gpus_total: Some(gpus.into()), ..Tres::default() };
        let partition = PartitionFacts {
            name: PARTITION.parse().expect("the constant is a name"),
            is_default: true,
            is_up: true,
            max_time: None,
            default_time: None,
            max_nodes: Some(1),
            qos: None,
            allowed_accounts: None,
            is_exclusive: false,
            tres,
            nodes: 1,
            groups: vec![group],
        };
        let association = Association {
            account: CLUSTER.parse().expect("the constant is a name"),
            user: Some(self.user.clone()),
            partition: None,
            qos: Vec::new(),
            default_qos: None,
            max_time: None,
            group_tres_minutes: String::new(),
            max_submitted_jobs: None,
        };
        Ok(ClusterFacts {
            cluster: Self::cluster(),
            version: format!("local {}", env!("CARGO_PKG_VERSION")),
            partitions: vec![partition],
            accounting: Some(AccountingFacts { qos: Vec::new(), associations: vec![association] }),
            min_job_age: None,
            max_array_size: None,
            tracks_gpus: true,
            stores_comments: true,
            private_data: Vec::new(),
            enforced: Vec::new(),
            has_submit_filter: false,
            observed_at: now,
        })
    }
}

/// The host's memory (`MemTotal` of proc(5), `/proc/meminfo`, in KiB).
fn memory_mib() -> u64 {
    let text = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let total = text.lines().find_map(|line| line.strip_prefix("MemTotal:"));
    total.and_then(|rest| rest.split_whitespace().next()?.parse::<u64>().ok()).unwrap_or(0) / 1024
}

#[async_trait]
impl Scheduler for LocalScheduler {
    fn capabilities(&self) -> Capabilities {
        Capabilities { way: "local", has_accounting: true, keeps_comments: Some(true), estimates: true }
    }

    async fn submit(&self, submission: &Submission) -> Result<Submitted, AdapterError> {
        let (own, submission) = (self.clone(), submission.clone());
        let work = move || submit::submit(&submission, &own.configuration, &own.user, own.clock.now());
        match tokio::task::spawn_blocking(work).await {
            Ok(answer) => answer,
            Err(error) => {
                Err(AdapterError::new(AdapterErrorKind::OutcomeUnknown, "submitting to this host").with("cause", error))
            }
        }
    }

    async fn find(&self, search: &StampSearch) -> Result<Vec<FoundJob>, AdapterError> {
        let search = search.clone();
        self.on_disk("looking for a stamp", move |own, store, now| {
            let user = search.user.unwrap_or_else(|| own.user.clone());
            let earliest = search.since.plus_seconds(-CLOCK_TOLERANCE_SECONDS);
            let is_it =
                |job: &JobSighting| job.stamp == Some(search.stamp) && job.user == user && job.submitted_at >= earliest;
            let seen = Self::sightings(store, &store.all()?, now)?;
            let found = seen.into_iter().map(|(sighting, _)| sighting).filter(|job| {
                // A job whose supervisor never came to be was refused: its submission said so.
                is_it(job) && job.state.base != model::BaseState::BootFail
            });
            Ok(found.map(|sighting| FoundJob { found_in: FoundIn::Queue, sighting }).collect())
        })
        .await
    }

    async fn read_back(&self, id: SchedulerJobId) -> Result<JobFacts, AdapterError> {
        let doing = "reading a job back";
        let seen = self.on_disk(doing, move |_, store, now| Self::sightings(store, &[id], now)).await?;
        match seen.into_iter().next() {
            Some((sighting, view)) => Ok(JobFacts { sighting, work_directory: Some(view.record.directory) }),
            None => Err(AdapterError::new(AdapterErrorKind::NotFound, doing).with("job", id)),
        }
    }

    async fn states(
        &self,
        ids: &[SchedulerJobId],
        since: Timestamp,
    ) -> Result<BTreeMap<SchedulerJobId, JobSighting>, AdapterError> {
        let ids = ids.to_vec();
        let seen = self.on_disk("asking for states", move |_, store, now| Self::sightings(store, &ids, now)).await?;
        let recent = seen.into_iter().filter(|(job, _)| job.submitted_at >= since);
        Ok(recent.map(|(job, _)| (job.id, job)).collect())
    }

    async fn queue(&self, whose: &Whose) -> Result<Vec<JobSighting>, AdapterError> {
        let whose = whose.clone();
        self.on_disk("asking the queue", move |own, store, now| {
            let seen = Self::sightings(store, &store.active_ids()?, now)?;
            Ok(seen.into_iter().map(|(job, _)| job).filter(|job| own.wants(&whose, &job.user)).collect())
        })
        .await
    }

    async fn cancel(&self, id: SchedulerJobId) -> Result<(), AdapterError> {
        self.on_disk("cancelling", move |_, store, _| {
            // A mark for the supervisor; a job that has ended, or never was, needs none.
            match store.view(id)? {
                Some(view) if view.end.is_none() => files::write_once(&store.job(id).join(CANCEL), b"").map(drop),
                _ => Ok(()),
            }
        })
        .await
    }

    async fn runs(&self, window: &RunWindow) -> Result<RunBatch, AdapterError> {
        let window = window.clone();
        self.on_disk("asking accounting", move |own, store, now| {
            let (mut runs, mut rejected) = (Vec::new(), Vec::new());
            for id in store.all()? {
                match store.view(id) {
                    Ok(Some(view)) if view.overlaps(window.window) => match Self::user_of(&view) {
                        Some(user) if own.wants(&window.whose, &user) => runs.extend(view.run(&window.site, user, now)),
                        Some(_) => {}
                        None => rejected.push(RejectedRow { raw: view.record.user, reason: "no user name".to_owned() }),
                    },
                    Ok(_) => {}
                    Err(error) => rejected.push(RejectedRow { raw: id.to_string(), reason: error.to_string() }),
                }
            }
            let coverage = Coverage {
                cluster: Self::cluster(),
                window: window.window,
                whose: window.whose,
                asked_by: own.user.clone(),
            };
            let fields = ["record", "start", "end"].map(str::to_owned).to_vec();
            Ok(RunBatch { cluster: Self::cluster(), runs, rejected, coverage, fields, observed_at: now })
        })
        .await
    }

    async fn estimate(&self, submission: &Submission) -> Result<Estimate, AdapterError> {
        submit::estimate(submission, &self.configuration, &self.user, self.clock.now())
    }

    async fn describe(&self) -> Result<ClusterFacts, AdapterError> {
        self.on_disk("describing this host", LocalScheduler::facts).await
    }
}
