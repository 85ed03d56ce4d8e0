//! What every scheduler adapter promises, as behaviours that run on a stage: one scheduler with room for a few jobs.
//!
//! A behaviour knows nothing of the implementation. It waits for what it needs, within a bound, and never for a time.

mod accounting;
mod attempts;
mod parts;
mod preemption;
mod queue;
mod submission;
pub(crate) mod tasks;
mod unusual;

pub(crate) use accounting::{a_finished_job_is_one_run, odd_names_survive, runs_belong_to_their_window};
pub(crate) use attempts::{
    a_held_job_starts_when_it_is_released, a_requeued_job_is_two_runs_of_one_id, a_suspended_job_keeps_its_allocation,
};
pub(crate) use parts::{an_array_has_ended_when_all_of_it_has, an_array_is_one_submission_and_several_runs};
pub(crate) use preemption::{
    a_job_that_makes_room_and_starts_again_is_two_runs_of_one_id, a_job_that_makes_room_for_good_has_ended_with_that,
};
pub(crate) use queue::{
    a_clock_that_differs_hides_no_job, a_job_ends_at_its_limit, a_job_is_read_back, cancelling_is_idempotent,
    states_of_known_and_unknown_jobs, waiting_and_running_jobs_are_in_the_queue, where_the_output_goes_is_known,
    why_a_job_waits_is_told,
};
pub(crate) use submission::{
    a_stamp_is_found_in_every_state, a_stamp_used_twice_is_found_twice, a_start_is_estimated,
    more_jobs_than_a_limit_lets_wait_are_refused_and_taken_later, the_cluster_describes_itself,
    what_cannot_run_is_refused,
};

pub(crate) use tasks::{
    each_task_of_an_array_of_ours_is_a_job_while_it_waits, how_large_an_array_may_be_is_told,
    one_task_of_an_array_of_ours_is_cancelled_and_no_other, several_are_cancelled_together_and_no_other,
    tasks_that_wait_in_a_long_row_are_each_told, the_runs_of_an_array_of_ours_are_those_of_its_jobs,
};
pub(crate) use unusual::{
    a_dependency_that_cannot_be_met_is_told, a_heterogeneous_job_is_one_submission_and_a_run_for_each_part,
    a_job_runs_in_its_reservation_and_an_unknown_one_is_refused, a_job_that_gives_nodes_back_is_two_runs_of_one_id,
    a_job_that_is_cancelled_before_it_starts_is_no_run, a_job_whose_node_fails_has_ended_with_that,
    a_job_whose_node_fails_starts_again_and_is_two_runs_of_one_id, a_throttled_array_waits_in_one_row,
    an_array_beyond_the_sites_bound_is_refused, what_a_submit_filter_makes_of_a_job_is_read_back,
};

use model::{Clock, JobId, LinkNumber, SchedulerJobId, SiteName, Stamp, Timestamp, UserName, WallTime, Window};
use scheduler_adapters::{
    JobSighting, LocalResources, RunBatch, RunWindow, Scheduler, ScriptSource, StampSearch, Submission, Whose,
};
use std::{
    any::Any,
    collections::hash_map::RandomState,
    hash::{BuildHasher, Hasher},
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

/// The clock of the host.
pub(crate) struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970");
        Timestamp::from_epoch_seconds(i64::try_from(since.as_secs()).expect("before the end of time"))
    }
}

/// What a job of a behaviour asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Size {
    /// A small share.
    Small,
    /// So much that no two of them run at once.
    Everything,
    /// More than there is.
    Impossible,
}

/// What an administrator, or the scheduler itself, does to a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Deed {
    /// Takes its allocation away and lets it begin again.
    Requeue,
    /// Stops its processes.
    Suspend,
    /// Lets them go on.
    Resume,
    /// Lets a job that was put back into the queue begin in a moment: it would wait two minutes.
    BeginSoon,
    /// Takes all of its nodes but one away.
    Shrink,
    /// Loses the node that it runs on, and gets it back.
    FailNode,
}

/// Reserves something under a name; it is given back when what is returned is dropped.
pub(crate) type Reserve = Box<dyn Fn(&str) -> Box<dyn Any>>;

/// One scheduler, ready for jobs.
pub(crate) struct Stage {
    /// Does such a thing.
    pub(crate) hands: Box<dyn Fn(Deed, SchedulerJobId)>,
    /// Reserves a node for the user.
    pub(crate) reserve: Reserve,
    pub(crate) scheduler: Arc<dyn Scheduler>,
    pub(crate) site: SiteName,
    /// Who submits.
    pub(crate) user: UserName,
    /// A folder that the jobs may write into.
    pub(crate) folder: PathBuf,
    /// The script's `#SBATCH` options for a size and a limit.
    pub(crate) directives: fn(Size) -> Vec<String>,
    /// The local resources for a size.
    pub(crate) resources: fn(Size) -> (u32, u32),
    /// The shortest wall-time limit that is kept to.
    pub(crate) shortest_limit: WallTime,
    /// What must live as long as the stage.
    pub(crate) kept: Vec<Box<dyn Any>>,
}

/// An ordinary limit, far beyond what any job here takes.
const LIMIT: WallTime = WallTime::from_seconds(300);

/// Ends when its gate is opened, and also when the test that made it is gone.
const GATED: &str = "until [ -e \"$1\" ] || [ ! -d \"${1%/*}\" ]; do sleep 0.1; done";

impl Stage {
    /// A job of a fresh stamp.
    pub(crate) fn submission(&self, name: &str, size: Size, body: &str) -> Submission {
        self.submission_with(name, size, LIMIT, body)
    }

    fn submission_with(&self, name: &str, size: Size, limit: WallTime, body: &str) -> Submission {
        let stamp = fresh_stamp();
        let directives: String = (self.directives)(size).iter().map(|option| format!("#SBATCH {option}\n")).collect();
        let script = self.folder.join(format!("{stamp}.sh"));
        let text = format!("#!/bin/bash\n{directives}#SBATCH --time={limit}\n{body}\n");
        std::fs::write(&script, text).expect("the folder is ours");
        let (cpus, gpus) = (self.resources)(size);
        Submission {
            script: ScriptSource::File(shown(&script)),
            job_name: format!("{name}.{stamp}"),
            array: None,
            stamp,
            output: Some(shown(&self.output_of(stamp))),
            directory: Some(shown(&self.folder)),
            options: Vec::new(),
            script_arguments: Vec::new(),
            keeps_environment_options: false,
            local_resources: LocalResources { nodes: 1, cpus, gpus, time_limit: limit },
        }
    }

    /// Where a job's output goes.
    pub(crate) fn output_of(&self, stamp: Stamp) -> PathBuf {
        self.folder.join(format!("{stamp}.out"))
    }

    /// A job that runs until [`Self::open`] is called for it.
    pub(crate) fn gated(&self, name: &str, size: Size) -> Submission {
        self.gated_after(name, size, "true")
    }

    /// The same, with something that it does first.
    pub(crate) fn gated_after(&self, name: &str, size: Size, first: &str) -> Submission {
        let mut submission = self.submission(name, size, &format!("{first}\n{GATED}"));
        submission.script_arguments = vec![shown(&self.gate_of(submission.stamp))];
        submission
    }

    /// An array of two tasks, of which the first runs until [`Self::open`] is called for it and the second, which bears
    /// the id of the array, ends at once.
    pub(crate) fn half_gated_array(&self, name: &str) -> Submission {
        let body = format!("[ \"$SLURM_ARRAY_TASK_ID\" = 0 ] || exit 0\n{GATED}");
        let mut submission = self.submission(name, Size::Small, &body);
        submission.script_arguments = vec![shown(&self.gate_of(submission.stamp))];
        submission.options = vec!["--array=0-1".to_owned()];
        submission
    }

    fn gate_of(&self, stamp: Stamp) -> PathBuf {
        self.folder.join(format!("{stamp}.gate"))
    }

    /// Lets a gated job go on.
    pub(crate) fn open(&self, submission: &Submission) {
        std::fs::write(self.gate_of(submission.stamp), "").expect("the folder is ours");
    }

    /// Submits, which must succeed.
    pub(crate) async fn submit(&self, submission: &Submission) -> SchedulerJobId {
        self.scheduler.submit(submission).await.expect("submitted").id
    }

    /// Where a job stands.
    pub(crate) async fn state(&self, id: SchedulerJobId) -> Option<JobSighting> {
        self.scheduler.states(&[id], long_ago()).await.expect("both answer").remove(&id)
    }

    /// Waits until a job is seen to be as wanted.
    pub(crate) async fn until(
        &self,
        id: SchedulerJobId,
        wanted: &str,
        is_it: impl Fn(&JobSighting) -> bool,
    ) -> JobSighting {
        let seen = until(async || self.state(id).await.filter(|sighting| is_it(sighting))).await;
        match seen {
            Some(sighting) => sighting,
            None => panic!("job {id} did not become {wanted}: {:?}", self.state(id).await),
        }
    }

    /// Waits for a job's end.
    pub(crate) async fn ended(&self, id: SchedulerJobId) -> JobSighting {
        self.until(id, "final", |sighting| sighting.state.is_final()).await
    }

    /// Waits for a job's start.
    pub(crate) async fn running(&self, id: SchedulerJobId) -> JobSighting {
        self.until(id, "running", |sighting| sighting.state.is_running()).await
    }

    /// The runs of the last days.
    pub(crate) async fn runs(&self) -> RunBatch {
        let now = SystemClock.now();
        let window = Window { from: now.plus_seconds(-86_400), to: now.plus_seconds(60) };
        self.runs_in(window).await
    }

    /// The runs of a window, the user's own.
    pub(crate) async fn runs_in(&self, window: Window) -> RunBatch {
        let window = RunWindow { site: self.site.clone(), window, whose: Whose::mine() };
        self.scheduler.runs(&window).await.expect("accounting answers")
    }

    /// The search for a submission made just now.
    pub(crate) fn search(submission: &Submission) -> StampSearch {
        StampSearch {
            stamp: submission.stamp,
            job_name: submission.job_name.clone(),
            user: None,
            since: SystemClock.now().plus_seconds(-600),
        }
    }
}

/// Looks again and again until there is an answer; none when it does not come within three minutes.
pub(crate) async fn until<Answer>(mut look: impl AsyncFnMut() -> Option<Answer>) -> Option<Answer> {
    let patience = Instant::now() + Duration::from_mins(3);
    while Instant::now() < patience {
        if let Some(answer) = look().await {
            return Some(answer);
        }
        tokio::time::sleep(Duration::from_millis(150)).await;
    }
    None
}

fn shown(path: &Path) -> String {
    path.to_str().expect("test paths are text").to_owned()
}

/// A stamp that nobody has.
pub(crate) fn fresh_stamp() -> Stamp {
    let random = u128::from(RandomState::new().build_hasher().finish());
    Stamp { job: JobId::from_parts(SystemClock.now(), random), link: LinkNumber::FIRST }
}

/// Before any job of a test.
pub(crate) fn long_ago() -> Timestamp {
    SystemClock.now().plus_seconds(-86_400)
}
