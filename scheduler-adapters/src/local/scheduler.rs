//! The adapter: the contract, kept by the state folder. File work runs on threads that may block.

use crate::{
    AccountingFacts, AdapterError, AdapterErrorKind, Association, CLOCK_TOLERANCE_SECONDS, Capabilities, ClusterFacts,
    Coverage, Estimate, FoundIn, FoundJob, JobFacts, JobSighting, NodeGroup, PartitionFacts, PendingJob, QueueBatch,
    RejectedRow, RunAnswer, RunTaker, RunWindow, Scheduler, StampSearch, Submission, Submitted, Users, Whose,
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

    /// Sightings of these jobs, and those that cannot be read; what has no record is not submitted yet.
    fn sightings(store: &Store, ids: &[SchedulerJobId], now: Timestamp) -> Result<Seen, ReachError> {
        let slots = Slots::taken_by(&schedule::active(store)?);
        let mut seen = Seen::default();
        for id in ids {
            match read(store, *id) {
                Ok(None) => {}
                Ok(Some((view, user))) => seen.jobs.push((view.sighting(user, &slots, now), view)),
                Err(row) => seen.rejected.push(row),
            }
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

/// Jobs that were looked at.
#[derive(Default)]
struct Seen {
    jobs: Vec<(JobSighting, JobView)>,
    rejected: Vec<RejectedRow>,
}

impl Seen {
    /// All of them, where none may be missing.
    fn whole(self, doing: &str) -> Result<Vec<(JobSighting, JobView)>, AdapterError> {
        match self.rejected.first() {
            None => Ok(self.jobs),
            Some(row) => Err(AdapterError::new(AdapterErrorKind::Unreadable, doing)
                .with("job", &row.raw)
                .with("cause", &row.reason)),
        }
    }
}

/// One job; none where nothing was submitted under that id.
fn read(store: &Store, id: SchedulerJobId) -> Result<Option<(JobView, UserName)>, RejectedRow> {
    // What cannot be read may be anyone's, with any stamp.
    let rejected = |reason: String| RejectedRow { raw: id.to_string(), reason, stamp: None, is_cut: true };
    let Some(view) = store.view(id).map_err(|error| rejected(error.to_string()))? else { return Ok(None) };
    let user = view.record.user.parse().map_err(|error| rejected(format!("user: {error}")))?;
    Ok(Some((view, user)))
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
        Capabilities {
            way: "local",
            has_accounting: true,
            keeps_comments: Some(true),
            estimates: true,
            can_depend: false,
            is_personal: true,
        }
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
        let doing = "looking for a stamp";
        let seen = self.on_disk(doing, |_, store, now| Self::sightings(store, &store.all()?, now)).await?;
        let user = search.user.as_ref().unwrap_or(&self.user);
        let earliest = search.since.plus_seconds(-CLOCK_TOLERANCE_SECONDS);
        let is_it =
            |job: &JobSighting| job.stamp == Some(search.stamp) && job.user == *user && job.submitted_at >= earliest;
        let found = seen.whole(doing)?.into_iter().map(|(sighting, _)| sighting).filter(|job| {
            // A job whose supervisor never came to be was refused: its submission said so.
            is_it(job) && job.state.base != model::BaseState::BootFail
        });
        Ok(found.map(|sighting| FoundJob { found_in: FoundIn::Queue, sighting }).collect())
    }

    async fn read_back(&self, id: SchedulerJobId) -> Result<JobFacts, AdapterError> {
        let doing = "reading a job back";
        let seen = self.on_disk(doing, move |_, store, now| Self::sightings(store, &[id], now)).await?;
        let Some((sighting, view)) = seen.whole(doing)?.into_iter().next() else {
            return Err(AdapterError::new(AdapterErrorKind::NotFound, doing).with("job", id));
        };
        let (work_directory, output) = (Some(view.record.directory), Some(view.record.output));
        Ok(JobFacts { sighting, tasks: 1, work_directory, output })
    }

    async fn states(
        &self,
        ids: &[SchedulerJobId],
        since: Timestamp,
    ) -> Result<BTreeMap<SchedulerJobId, JobSighting>, AdapterError> {
        let (doing, ids) = ("asking for states", ids.to_vec());
        let seen = self.on_disk(doing, move |_, store, now| Self::sightings(store, &ids, now)).await?;
        let earliest = since.plus_seconds(-CLOCK_TOLERANCE_SECONDS);
        let recent = seen.whole(doing)?.into_iter().filter(|(job, _)| job.submitted_at >= earliest);
        Ok(recent.map(|(job, _)| (job.id, job)).collect())
    }

    async fn queue(&self, whose: &Whose) -> Result<QueueBatch, AdapterError> {
        let look = |_: &Self, store: &Store, now| Ok((Self::sightings(store, &store.active_ids()?, now)?, now));
        let (seen, observed_at) = self.on_disk("asking the queue", look).await?;
        let jobs = seen.jobs.into_iter().map(|(job, _)| job).filter(|job| self.wants(whose, &job.user)).collect();
        Ok(QueueBatch { jobs, rejected: seen.rejected, observed_at })
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

    async fn each_run(&self, window: &RunWindow, taker: &mut dyn RunTaker) -> Result<RunAnswer, AdapterError> {
        let asked = window.clone();
        let look = move |own: &Self, store: &Store, now| {
            let (mut runs, mut rejected) = (Vec::new(), Vec::new());
            for id in store.all()? {
                match read(store, id) {
                    Ok(Some((view, user))) if view.overlaps(asked.window) && own.wants(&asked.whose, &user) => {
                        runs.extend(view.run(&asked.site, user, now));
                    }
                    Ok(_) => {}
                    Err(row) => rejected.push(row),
                }
            }
            Ok((runs, rejected, now))
        };
        let (runs, rejected, observed_at) = self.on_disk("asking accounting", look).await?;
        taker.learn_fields(&["record", "start", "end"].map(str::to_owned));
        for row in rejected {
            taker.reject(row);
        }
        for run in runs {
            taker.take(run).await;
        }
        let coverage = Coverage {
            cluster: Self::cluster(),
            window: window.window,
            whose: window.whose.clone(),
            asked_by: self.user.clone(),
        };
        Ok(RunAnswer { cluster: Self::cluster(), coverage, observed_at })
    }

    async fn pending(&self, id: SchedulerJobId) -> Result<PendingJob, AdapterError> {
        self.pending_job(id).await
    }

    async fn estimate(&self, submission: &Submission) -> Result<Estimate, AdapterError> {
        submit::estimate(submission, &self.configuration, &self.user, self.clock.now())
    }

    async fn describe(&self) -> Result<ClusterFacts, AdapterError> {
        self.on_disk("describing this host", LocalScheduler::facts).await
    }
}
