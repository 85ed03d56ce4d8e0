//! Accounting, as `sacct -X -D -P --noconvert` prints it.

use crate::{
    calls::{Accounting, CallError, List, Wanted, sys, whole_job},
    records::{Record, set},
    resources::Resources,
    words::{self, Words},
};
use slurm_messages::{RunsQuestion, tasks};
use std::{borrow::Cow, collections::HashMap, ffi::CString};

/// The columns of this release, by the titles of `sacct`.
pub(crate) const COLUMNS: &[&str] = &[
    "JobIDRaw",
    "JobID",
    "Cluster",
    "User",
    "UID",
    "Account",
    "Partition",
    "QOS",
    "State",
    "ExitCode",
    "Submit",
    "Start",
    "End",
    "ElapsedRaw",
    "TimelimitRaw",
    "AllocNodes",
    "ReqNodes",
    "AllocTRES",
    "ReqTRES",
    "Reason",
    #[cfg(run_sluid)]
    "SLUID",
    #[cfg(run_restarts)]
    "Restarts",
    "Suspended",
    "WorkDir",
    "Comment",
    "SubmitLine",
    "JobName",
];

type Run<'owner> = Record<'owner, sys::slurmdb_job_rec_t>;

/// Texts that a condition points to.
pub(crate) struct Texts(pub(crate) Vec<CString>);

impl Texts {
    /// A text with a NUL in it names nothing that Slurm could know, and is left out.
    pub(crate) fn of<Text: Into<Vec<u8>>>(texts: impl IntoIterator<Item = Text>) -> Self {
        Self(texts.into_iter().filter_map(|text| CString::new(text).ok()).collect())
    }
}

/// Asks the accounting database, once.
pub(crate) fn ask(
    accounting: &Accounting,
    question: &RunsQuestion,
    user: Option<u32>,
    cluster: &str,
) -> Result<List<sys::slurmdb_job_rec_t>, CallError> {
    let clusters = Texts::of([cluster]);
    let users = Texts::of(user.map(|user| user.to_string()));
    let accounts = Texts::of(question.accounts.iter().map(String::as_str));
    let mut jobs: Vec<sys::slurm_selected_step_t> = question.jobs.iter().copied().map(selected).collect();
    let (clusters, users, accounts) = (Wanted::texts(&clusters.0), Wanted::texts(&users.0), Wanted::texts(&accounts.0));
    let is_named = !question.jobs.is_empty();
    let jobs = Wanted::records(&mut jobs);
    let mut flags = sys::JOBCOND_FLAG_DUP | sys::JOBCOND_FLAG_NO_STEP | sys::JOBCOND_FLAG_NO_TRUNC;
    if question.from.is_none() {
        flags |= sys::JOBCOND_FLAG_NO_DEFAULT_USAGE;
    }
    let mut condition = sys::slurmdb_job_cond_t {
        cluster_list: clusters.or_all(true),
        userid_list: users.or_all(user.is_some()),
        acct_list: accounts.or_all(!question.accounts.is_empty()),
        step_list: jobs.or_all(is_named),
        flags,
        // No job was begun this way or that: all of them are wanted (`SLURMDB_JOB_FLAG_NOTSET`).
        db_flags: 1,
        usage_start: question.from.unwrap_or(0),
        usage_end: question.until.unwrap_or(0),
        ..sys::slurmdb_job_cond_t::default()
    };
    accounting.jobs(&mut condition)
}

#[allow(clippy::needless_update)] // later releases have more members
fn selected(job: u32) -> sys::slurm_selected_step_t {
    sys::slurm_selected_step_t {
        array_task_id: sys::NO_VAL,
        het_job_offset: sys::NO_VAL,
        step_id: whole_job(job),
        ..Default::default()
    }
}

/// The names of the numbers that accounting writes.
pub(crate) struct Names {
    pub(crate) resources: Resources,
    pub(crate) qos: HashMap<u32, String>,
}

/// What sacct prints for a QOS of which accounting knows nothing (`sacct/print.c`, 22.05).
const UNKNOWN_QOS: &str = "Unknown";

impl Names {
    /// Whether a run's QOS has a name here, or the run has none.
    pub(crate) fn has_qos(&self, number: u32) -> bool {
        number == sys::NO_VAL || self.qos.contains_key(&number)
    }

    fn qos(&self, number: u32) -> &str {
        if number == sys::NO_VAL { "" } else { self.qos.get(&number).map_or(UNKNOWN_QOS, String::as_str) }
    }

    pub(crate) fn ask(accounting: &Accounting) -> Result<Self, CallError> {
        let qos = accounting.qos_of_all_times()?;
        let qos = qos.records().into_iter().map(|qos| (qos.id, qos.text(|qos| qos.name).into_owned())).collect();
        Ok(Self { resources: Resources::ask(accounting)?, qos })
    }
}

/// One start of a job, in the order of [`COLUMNS`].
pub(crate) fn row<'owner>(run: Run<'owner>, words: &mut Words, names: &'owner Names) -> Vec<Cow<'owner, str>> {
    // How many of them may run at once is not told: nobody asks accounting for it.
    let waiting = tasks::listed(&run.text(|run| run.array_task_str));
    let shown = words::shown_id(
        run.jobid,
        (run.array_job_id, run.array_task_id, &waiting),
        (run.het_job_id, run.het_job_offset),
    );
    let (given, wished) = (run.text(|run| run.tres_alloc_str), run.text(|run| run.tres_req_str));
    let user = run.text(|run| run.user);
    vec![
        run.jobid.to_string().into(),
        shown.into(),
        run.text(|run| run.cluster),
        if user.is_empty() { words.user(run.uid).to_owned().into() } else { user },
        run.uid.to_string().into(),
        run.text(|run| run.account),
        run.text(|run| run.partition),
        names.qos(run.qosid).into(),
        state(run, words).into(),
        words::exit(run.exitcode).into(),
        words::instant(run.submit, "Unknown"),
        words::instant(run.start, if run.end == 0 { "Unknown" } else { "None" }),
        words::instant(run.end, "Unknown"),
        run.elapsed.to_string().into(),
        words::raw_limit(run.timelimit),
        Resources::nodes(&given).max(set(run.alloc_nodes).unwrap_or(0).into()).to_string().into(),
        Resources::nodes(&wished).to_string().into(),
        names.resources.named(&given).into(),
        names.resources.named(&wished).into(),
        words.reason(run.state_reason_prev).to_owned().into(),
        #[cfg(run_sluid)]
        words::sluid(run.sluid).into(),
        #[cfg(run_restarts)]
        run.restart_cnt.to_string().into(),
        words::clock(run.suspended.into()).into(),
        run.text(|run| run.work_dir),
        run.text(|run| run.derived_es),
        run.text(|run| run.submit_line),
        run.text(|run| run.jobname),
    ]
}

/// The state; of a cancelled job with who cancelled it.
fn state(run: Run<'_>, words: &mut Words) -> String {
    let word = words.state(run.state).to_owned();
    let is_cancelled = run.state & sys::JOB_STATE_BASE == sys::JOB_CANCELLED;
    if is_cancelled && run.requid != u32::MAX { format!("{word} by {}", run.requid) } else { word }
}
