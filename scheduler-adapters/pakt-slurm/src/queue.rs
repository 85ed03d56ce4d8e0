//! The queue, as `squeue -O` prints it.

use crate::{
    calls::{CallError, Jobs, JobsWanted, sys},
    records::{Record, set},
    words::{self, Words},
};
use slurm_messages::JobsQuestion;
use std::{borrow::Cow, collections::BTreeSet};

/// The columns, by the names of `squeue -O`.
pub(crate) const COLUMNS: [&str; 20] = [
    "JobID",
    "JobArrayID",
    "Cluster",
    "UserName",
    "Account",
    "Partition",
    "QOS",
    "State",
    "Reason",
    "SubmitTime",
    "StartTime",
    "EndTime",
    "TimeLimit",
    "TimeUsed",
    "NumNodes",
    "tres-alloc",
    "WorkDir",
    "STDOUT",
    "Comment",
    "Name",
];

type Job<'owner> = Record<'owner, sys::slurm_job_info_t>;

/// Asks the controller, once, for as little as the question allows. An id that it no longer knows is no job.
pub(crate) fn ask(question: &JobsQuestion, user: Option<u32>) -> Result<Option<Jobs>, CallError> {
    let wanted = match (question.jobs.as_slice(), user) {
        ([job], _) => JobsWanted::One(*job),
        (_, Some(user)) => JobsWanted::OfUser(user),
        _ => JobsWanted::All,
    };
    match Jobs::load(wanted) {
        Err(error) if error.number == INVALID_JOB_ID => Ok(None),
        answered => answered.map(Some),
    }
}

/// `ESLURM_INVALID_JOB_ID` and `ESLURM_ALREADY_DONE` (`slurm_errno.h`): the same numbers in all releases, because daemons of
/// several speak to each other.
const INVALID_JOB_ID: i32 = 2017;
const ALREADY_DONE: i32 = 2021;

/// Whether a job that was to be cancelled has ended, or never was.
pub(crate) fn is_gone(error: &CallError) -> bool {
    [INVALID_JOB_ID, ALREADY_DONE].contains(&error.number)
}

/// Which of the controller's jobs the question is about.
pub(crate) struct Filter<'question> {
    accounts: BTreeSet<&'question str>,
    jobs: BTreeSet<u32>,
    user: Option<u32>,
}

impl<'question> Filter<'question> {
    pub(crate) fn of(question: &'question JobsQuestion, user: Option<u32>) -> Self {
        let accounts = question.accounts.iter().map(String::as_str).collect();
        Self { accounts, jobs: question.jobs.iter().copied().collect(), user }
    }

    pub(crate) fn takes(&self, job: Job<'_>) -> bool {
        let is_named = || [job.job_id, job.array_job_id, job.het_job_id].iter().any(|id| self.jobs.contains(id));
        (self.jobs.is_empty() || is_named())
            && self.user.is_none_or(|user| user == job.user_id)
            && (self.accounts.is_empty() || self.accounts.contains(&*job.text(|job| job.account)))
    }
}

/// One job's row, in the order of [`COLUMNS`].
pub(crate) fn row<'owner>(
    job: Job<'owner>,
    words: &mut Words,
    cluster: &'owner str,
    now: i64,
) -> Vec<Cow<'owner, str>> {
    let waiting = job.text(|job| job.array_task_str);
    let shown = words::shown_id(
        job.job_id,
        (job.array_job_id, job.array_task_id, &waiting),
        (job.het_job_id, job.het_job_offset),
    );
    let named = job.text(|job| job.cluster);
    let said = job.text(|job| job.state_desc);
    let given = job.text(|job| job.tres_alloc_str);
    vec![
        job.job_id.to_string().into(),
        shown.into(),
        if named.is_empty() { cluster.into() } else { named },
        user(job, words),
        job.text(|job| job.account),
        job.text(|job| job.partition),
        job.text(|job| job.qos),
        words.state(job.job_state).to_owned().into(),
        if said.is_empty() { words.reason(job.state_reason.into()).to_owned().into() } else { said },
        words::instant(job.submit_time, "N/A"),
        words::instant(job.start_time, "N/A"),
        words::instant(job.end_time, "N/A"),
        words::limit(job.time_limit),
        words::length(used(job, now)).into(),
        set(job.num_nodes).unwrap_or(0).to_string().into(),
        if given.is_empty() { job.text(|job| job.tres_req_str) } else { given },
        job.text(|job| job.work_dir),
        output(job),
        job.text(|job| job.comment),
        job.text(|job| job.name),
    ]
}

fn user<'owner>(job: Job<'owner>, words: &mut Words) -> Cow<'owner, str> {
    let name = job.text(|job| job.user_name);
    if name.is_empty() { words.user(job.user_id).to_owned().into() } else { name }
}

/// How many seconds it has run so far, suspensions left out.
fn used(job: Job<'_>, now: i64) -> u64 {
    let state = job.job_state & sys::JOB_STATE_BASE;
    if job.start_time == 0 || state == sys::JOB_PENDING {
        return 0;
    }
    if state == sys::JOB_SUSPENDED {
        return u64::try_from(job.pre_sus_time).unwrap_or(0);
    }
    let runs = state == sys::JOB_RUNNING || job.job_state & sys::JOB_COMPLETING != 0;
    let until = if runs { now } else { job.end_time };
    let seconds = match job.suspend_time {
        0 => until - job.start_time,
        resumed => until - resumed + job.pre_sus_time,
    };
    u64::try_from(seconds).unwrap_or(0)
}

/// Where its standard output goes; a batch job that named no file has Slurm's own.
fn output(job: Job<'_>) -> Cow<'_, str> {
    let named = job.text(|job| job.std_out);
    if !named.is_empty() || job.batch_flag == 0 {
        return named;
    }
    let folder = job.text(|job| job.work_dir);
    match job.array_job_id {
        0 => format!("{folder}/slurm-{}.out", job.job_id).into(),
        array => format!("{folder}/slurm-{array}_{}.out", job.array_task_id).into(),
    }
}
