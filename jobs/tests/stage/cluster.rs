//! A cluster that the test plays, a test double that injects faults: what accounting and the queue say, what they were
//! asked, and what becomes of the jobs that it is handed.

use super::{
    desk::at,
    handed::{Handed, Killed},
};
use async_trait::async_trait;
use model::{
    BaseState, ClusterName, EvidenceClass, ExitCode, JobState, Run, RunKey, SchedulerJobId, Stamp, Timestamp, Tres,
    UserName, WallTime, Window,
};
use reach::Retry;
use scheduler_adapters::{
    AdapterError, AdapterErrorKind, Capabilities, ClusterFacts, Coverage, Estimate, FoundIn, FoundJob, JobFacts,
    JobForm, JobSighting, PendingJob, QueueBatch, RejectedRow, Rights, RunAnswer, RunTaker, RunWindow, Scheduler,
    ScriptSource, StampSearch, Submission, Submitted, Users, Whose,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard},
};

/// The columns of a raw row.
const FIELDS: [&str; 6] = ["JobIDRaw", "End", "WorkDir", "Comment", "SubmitLine", "JobName"];

/// What the cluster says to everybody.
#[derive(Default)]
pub(crate) struct Says {
    pub(crate) runs: Vec<Run>,
    /// How many tasks an array may have; none are taken where it does not say.
    pub(crate) largest_array: Option<u32>,
    /// Whether it is handed jobs by no command that could be looked for.
    pub(crate) is_unseen: bool,
    /// What accounting says from its second answer on.
    pub(crate) runs_later: Option<Vec<Run>>,
    pub(crate) rejected: Vec<RejectedRow>,
    pub(crate) queue: Vec<JobSighting>,
    pub(crate) queue_rejected: Vec<RejectedRow>,
    /// What it knows of single jobs, beside the queue.
    pub(crate) states: Vec<JobSighting>,
    /// What it made of one job.
    pub(crate) facts: Option<JobFacts>,
    /// Who sees the jobs of others when they ask for all; everybody where nothing is hidden.
    pub(crate) see_others: Option<BTreeSet<UserName>>,
    /// What accounting says that people may see; nothing of those who are not here.
    pub(crate) rights: BTreeMap<UserName, Rights>,
    /// Which call fails next and does nothing, and how: `name`, `runs`, `the rest of the runs`, `queue`, `states`, or a
    /// call of [`Handed`]'s.
    pub(crate) fails: Option<(&'static str, AdapterErrorKind)>,
    /// What becomes of the jobs that it is handed.
    pub(crate) handed: Handed,
    /// Why a job waits, where more than its row is told.
    pub(crate) pending: Option<PendingJob>,
    /// Whether it takes the next job not, and says no more than -1, as library and slurmrestd do of what a submit filter refuses.
    pub(crate) gives_no_reason: bool,
    /// With which words its submit filter refuses, when it is asked.
    pub(crate) filter_refuses_with: Option<String>,
    /// A job of the submission that is there only after the filter was asked.
    pub(crate) comes_late: Option<JobSighting>,
    /// When a job would start by its script; no estimates where there is none.
    pub(crate) estimates: Option<fn(&str) -> Estimate>,
    /// The scripts that an estimate was asked for.
    pub(crate) estimated: Vec<String>,
    /// The windows of which runs were asked for.
    pub(crate) asked: Vec<Window>,
    /// How often each call was made, by the names of [`Self::fails`].
    pub(crate) calls: BTreeMap<&'static str, usize>,
}

/// The cluster, as one person reaches it.
#[derive(Clone)]
pub(crate) struct Cluster {
    pub(crate) says: Arc<Mutex<Says>>,
    pub(crate) reader: UserName,
    pub(crate) clock: Arc<dyn model::Clock>,
}

impl Says {
    /// Hides the jobs of others from everybody but these.
    pub(crate) fn shows_others_only_to(&mut self, who: &[&str]) {
        self.see_others = Some(who.iter().map(|user| user.parse().expect("a user")).collect());
    }
}

impl Cluster {
    fn says(&self) -> MutexGuard<'_, Says> {
        self.says.lock().expect("no test panics with it")
    }

    fn answers(&self, question: &'static str) -> Result<(), AdapterError> {
        *self.says().calls.entry(question).or_default() += 1;
        let fails = self.says().fails.take_if(|(which, _)| *which == question);
        fails.map_or(Ok(()), |(_, kind)| Err(AdapterError::new(kind, format!("asking for {question}"))))
    }

    /// Kills whoever calls, behind a call that had its effect, where the test wants it.
    fn lets_live(&self, call: &str) {
        let dies = self.says().handed.dies_in.take_if(|which| *which == call).is_some();
        if dies {
            Killed::now();
        }
    }

    fn shows(&self, whose: &Whose, user: &UserName) -> bool {
        let sees_others = || self.says().see_others.as_ref().is_none_or(|who| who.contains(&self.reader));
        *user == self.reader || (whose.users == Users::Visible && sees_others())
    }
}

#[async_trait]
impl Scheduler for Cluster {
    fn submits_by_command(&self) -> bool {
        !self.says.lock().expect("whole").is_unseen
    }

    fn goes_by_command(&self, submission: &Submission) -> bool {
        self.submits_by_command() || submission.keeps_environment_options
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            way: "a test",
            has_accounting: true,
            keeps_comments: Some(true),
            estimates: self.says.lock().expect("whole").estimates.is_some(),
            can_depend: true,
            is_personal: false,
        }
    }

    async fn submit(&self, submission: &Submission) -> Result<Submitted, AdapterError> {
        self.answers("submit")?;
        if std::mem::take(&mut self.says().gives_no_reason) {
            return Err(AdapterError::new(AdapterErrorKind::OutcomeUnknown, "submitting").with("number", -1));
        }
        let (id, meanwhile) = {
            let says = &mut *self.says();
            if !says.handed.has_room_for(submission) {
                let kind = AdapterErrorKind::Refused { said: "Job violates accounting/QOS policy".to_owned() };
                return Err(AdapterError { retry: Retry::Later, ..AdapterError::new(kind, "submitting") });
            }
            let jobs = says.handed.take_in(submission, &self.reader, self.clock.now());
            let id = jobs.first().expect("at least one").id;
            says.queue.extend(jobs);
            (id, says.handed.meanwhile.take())
        };
        if let Some(meanwhile) = meanwhile {
            meanwhile.await;
        }
        self.lets_live("submit");
        let is_lost = std::mem::take(&mut self.says().handed.loses_answer);
        if is_lost {
            return Err(AdapterError::new(AdapterErrorKind::OutcomeUnknown, "submitting"));
        }
        Ok(Submitted { id, cluster: None, chatter: String::new() })
    }

    async fn find(&self, search: &StampSearch) -> Result<Vec<FoundJob>, AdapterError> {
        Ok(self.find_each(std::slice::from_ref(search)).await?.remove(0))
    }

    async fn find_each(&self, searches: &[StampSearch]) -> Result<Vec<Vec<FoundJob>>, AdapterError> {
        self.answers("find")?;
        let says = self.says();
        let of = |search: &StampSearch| {
            let queue = says.queue.iter().map(|job| (FoundIn::Queue, job));
            let known = queue.chain(says.states.iter().map(|job| (FoundIn::Accounting, job)));
            let with_stamp = known.filter(|(_, job)| job.stamp == Some(search.stamp));
            with_stamp.map(|(found_in, job)| FoundJob { found_in, sighting: job.clone() }).collect()
        };
        Ok(searches.iter().map(of).collect())
    }

    async fn largest_array(&self) -> Result<Option<u32>, AdapterError> {
        self.answers("largest array")?;
        Ok(self.says().largest_array)
    }

    async fn read_back(&self, id: SchedulerJobId) -> Result<JobFacts, AdapterError> {
        self.answers("read back")?;
        let found = {
            let says = self.says();
            let queued = says.queue.iter().find(|job| job.handle() == id).cloned();
            let queued = queued.map(|sighting| JobFacts { sighting, tasks: 1, work_directory: None, output: None });
            says.facts.clone().filter(|facts| facts.sighting.id == id).or(queued)
        };
        found.ok_or_else(|| AdapterError::new(AdapterErrorKind::NotFound, "reading a job back"))
    }

    async fn states(
        &self,
        ids: &[SchedulerJobId],
        since: Timestamp,
    ) -> Result<BTreeMap<SchedulerJobId, JobSighting>, AdapterError> {
        self.answers("states")?;
        let says = self.says();
        let known = says.queue.iter().chain(&says.states);
        let asked = known.filter(|job| job.submitted_at >= since);
        let of = |job: &JobSighting| [job.handle(), job.leader].map(|id| (id, job.clone()));
        Ok(asked.flat_map(of).filter(|(id, _)| ids.contains(id)).collect())
    }

    async fn queue(&self, whose: &Whose) -> Result<QueueBatch, AdapterError> {
        self.answers("queue")?;
        let (queue, rejected) = {
            let says = self.says();
            (says.queue.clone(), says.queue_rejected.clone())
        };
        let jobs = queue.into_iter().filter(|job| self.shows(whose, &job.user)).collect();
        Ok(QueueBatch { jobs, rejected, observed_at: self.clock.now() })
    }

    async fn cancel(&self, id: SchedulerJobId) -> Result<(), AdapterError> {
        self.answers("cancel")?;
        {
            let says = &mut *self.says();
            says.handed.cancelled.push(id);
            for job in says.queue.iter_mut().filter(|job| job.is_called(id)) {
                job.state = JobState::of(BaseState::Cancelled);
            }
        }
        self.lets_live("cancel");
        Ok(())
    }

    async fn release(&self, id: SchedulerJobId) -> Result<(), AdapterError> {
        self.answers("release")?;
        self.says().handed.released.push(id);
        self.lets_live("release");
        Ok(())
    }

    async fn each_run(&self, window: &RunWindow, taker: &mut dyn RunTaker) -> Result<RunAnswer, AdapterError> {
        self.answers("runs")?;
        let now = self.clock.now();
        let (runs, rejected) = {
            let mut says = self.says();
            says.asked.push(window.window);
            let answer = (says.runs.clone(), says.rejected.clone());
            if let Some(later) = says.runs_later.take() {
                says.runs = later;
            }
            answer
        };
        let overlaps = |run: &Run| {
            run.started_at < window.window.to && run.ended_at.is_none_or(|ended| ended >= window.window.from)
        };
        let runs = runs.into_iter().filter(|run| overlaps(run) && self.shows(&window.whose, &run.user));
        let ended_inside = |row: &RejectedRow| {
            let ended = row.raw.split('\u{1f}').nth(1).and_then(|end| end.parse().ok()).map(at);
            ended.is_none_or(|ended| ended >= window.window.from && ended < window.window.to)
        };
        taker.learn_fields(&FIELDS.map(str::to_owned));
        for row in rejected.into_iter().filter(ended_inside) {
            taker.reject(row);
        }
        for run in runs {
            taker.take(Run { observed_at: now, ..run }).await;
        }
        self.answers("the rest of the runs")?;
        Ok(RunAnswer {
            cluster: name(),
            coverage: Coverage {
                cluster: name(),
                window: window.window,
                whose: window.whose.clone(),
                asked_by: self.reader.clone(),
            },
            observed_at: now,
        })
    }

    async fn pending(&self, id: SchedulerJobId) -> Result<PendingJob, AdapterError> {
        self.answers("pending")?;
        let told = self.says().pending.clone().filter(|job| job.sighting.id == id);
        told.ok_or_else(|| AdapterError::new(AdapterErrorKind::NotFound, "asking why"))
    }

    async fn estimate(&self, submission: &Submission) -> Result<Estimate, AdapterError> {
        self.answers("estimate")?;
        let ScriptSource::File(path) = &submission.script;
        let text = std::fs::read_to_string(path).expect("the script lies there");
        let says = &mut *self.says();
        says.estimated.push(text.clone());
        Ok(says.estimates.expect("the test gives estimates")(&text))
    }

    async fn filters_refusal(&self, submission: &Submission) -> Option<String> {
        self.answers("filter").ok()?;
        let (said, late) = {
            let says = &mut *self.says();
            (says.filter_refuses_with.clone(), says.comes_late.take())
        };
        if let Some(mut late) = late {
            late.stamp = Some(submission.stamp);
            self.says().queue.push(late);
        }
        said
    }

    async fn describe(&self) -> Result<ClusterFacts, AdapterError> {
        unreachable!("no test of these asks for more than the name")
    }

    async fn rights(&self) -> Result<Option<Rights>, AdapterError> {
        self.answers("rights")?;
        Ok(self.says().rights.get(&self.reader).cloned())
    }

    async fn cluster_name(&self) -> Result<ClusterName, AdapterError> {
        self.answers("name")?;
        Ok(name())
    }
}

fn name() -> ClusterName {
    "testland".parse().expect("a name")
}

/// A run of one GPU of `user` in account `hai` and partition `gpu`, from one instant to another.
pub(crate) fn run(id: u64, user: &str, started: i64, ended: Option<i64>) -> Run {
    let elapsed = ended.map_or(600, |ended| ended - started);
    let end = ended.map_or("Unknown".to_owned(), |ended| ended.to_string());
    let line = "sbatch --export=TOKEN=secret job.sh";
    let raw = [&id.to_string(), end.as_str(), "/home", "", line, "train"].join("\u{1f}");
    Run {
        key: RunKey {
            site: "testland".parse().expect("a site"),
            cluster: name(),
            scheduler_job: SchedulerJobId::new(id),
            submitted_at: at(started - 10),
        },
        sluid: None,
        shown_id: id.to_string(),
        user: user.parse().expect("a user"),
        account: Some("hai".parse().expect("an account")),
        partition: Some("gpu".parse().expect("a partition")),
        qos: None,
        name: "train".to_owned(),
        work_directory: None,
        stamp: None,
        state: JobState::of(if ended.is_some() { BaseState::Completed } else { BaseState::Running }),
        restarts: None,
        started_at: at(started),
        ended_at: ended.map(at),
        elapsed: WallTime::from_seconds(u64::try_from(elapsed).expect("forwards")),
        time_limit: Some(WallTime::from_seconds(3_600)),
        allocated: Tres::read("cpu=8,gres/gpu=1,node=1").expect("a list"),
        exit: ExitCode::default(),
        evidence: EvidenceClass::SelfRead,
        observed_at: at(started),
        raw,
    }
}

/// The same run as that of a job of ours.
pub(crate) fn stamped(run: Run, stamp: Stamp) -> Run {
    Run { stamp: Some(stamp), ..run }
}

/// A row that cannot be read, of a run that ended then.
pub(crate) fn unreadable(id: u64, ended: &str) -> RejectedRow {
    let raw = [&id.to_string(), ended, "/home", "", "sbatch --export=TOKEN=secret", "a\u{1b}[2Jb"].join("\u{1f}");
    let reason = "elapsed: `a\u{1b}[2J` is not a number".to_owned();
    RejectedRow { raw, reason, stamp: None, is_cut: false }
}

/// A job of one GPU that waits, of `user` in account `hai` and partition `gpu`.
pub(crate) fn waiting(id: u64, user: &str, submitted: i64) -> JobSighting {
    JobSighting {
        id: SchedulerJobId::new(id),
        leader: SchedulerJobId::new(id),
        form: JobForm::Single,
        shown_id: id.to_string(),
        tasks: 1,
        cluster: Some(name()),
        user: user.parse().expect("a user"),
        account: Some("hai".parse().expect("an account")),
        partition: Some("gpu".parse().expect("a partition")),
        qos: None,
        name: "train".to_owned(),
        stamp: None,
        state: JobState::of(BaseState::Pending),
        reason: "Priority".to_owned(),
        submitted_at: at(submitted),
        started_at: None,
        ends_at: None,
        time_limit: Some(WallTime::from_seconds(3_600)),
        elapsed: WallTime::default(),
        requested: Tres::read("cpu=8,gres/gpu=1,node=1").expect("a list"),
        nodes: 1,
        observed_at: at(submitted),
    }
}
