//! One row of `sacct`.

use crate::{
    JobForm, JobSighting,
    slurm::{columns::Column, tasks, values},
};
use model::{
    AccountName, ArrayStamp, ClusterName, EvidenceClass, ExitCode, JobState, PartitionName, QosName, Run, RunKey,
    SchedulerJobId, SiteName, Stamp, Timestamp, Tres, UserName, WallTime,
};
use std::path::PathBuf;

/// A row, read: a job that waits, runs or has ended, or one of its earlier starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct AccountingRow {
    id: SchedulerJobId,
    leader: SchedulerJobId,
    form: JobForm,
    shown_id: String,
    cluster: ClusterName,
    user: UserName,
    account: Option<AccountName>,
    partition: Option<PartitionName>,
    qos: Option<QosName>,
    state: JobState,
    exit: ExitCode,
    submitted_at: Timestamp,
    started_at: Option<Timestamp>,
    ended_at: Option<Timestamp>,
    elapsed: WallTime,
    time_limit: Option<WallTime>,
    allocated_nodes: u32,
    requested_nodes: u32,
    allocated: Tres,
    requested: Tres,
    reason: String,
    sluid: Option<String>,
    restarts: Option<u32>,
    stamp: Option<Stamp>,
    /// The array of ours that it is of.
    array: Option<ArrayStamp>,
    pub(super) work_directory: Option<PathBuf>,
    name: String,
    raw: String,
}

/// Reads a row; `field` gives the value of a column, empty where the site's Slurm has no such column, `instant` reads a time
/// and `tres` a list of resources.
pub(super) fn read<'row>(
    field: impl Fn(Column) -> &'row str,
    instant: impl Fn(&str, &str) -> Result<Option<Timestamp>, String>,
    mut tres: impl FnMut(&str, &str) -> Result<Tres, String>,
    raw: impl FnOnce() -> String,
) -> Result<AccountingRow, String> {
    let name = field(Column::JobName);
    let id = values::job_id(field(Column::JobIdRaw))?;
    let (form, leader) = values::form(field(Column::JobId), id);
    let mark = values::mark(field(Column::Comment), field(Column::SubmitLine), name);
    let mut row = AccountingRow {
        id,
        leader,
        form,
        shown_id: field(Column::JobId).to_owned(),
        cluster: values::name(field(Column::Cluster), "cluster")?.ok_or("no cluster")?,
        user: user(field(Column::User), field(Column::UserNumber))?,
        account: values::name(field(Column::Account), "account")?,
        partition: values::first_name(field(Column::Partition), "partition")?,
        qos: values::name(field(Column::Qos), "QOS")?,
        state: JobState::from_words(field(Column::State)),
        exit: exit(field(Column::ExitCode))?,
        submitted_at: instant(field(Column::Submit), "submit time")?.ok_or("no submit time")?,
        started_at: instant(field(Column::Start), "start")?,
        ended_at: instant(field(Column::End), "end")?,
        elapsed: WallTime::from_seconds(values::number(field(Column::Elapsed), "elapsed")?),
        time_limit: minutes(field(Column::TimeLimit))?,
        allocated_nodes: values::number(field(Column::AllocatedNodes), "allocated nodes")?,
        requested_nodes: values::number(field(Column::RequestedNodes), "requested nodes")?,
        allocated: tres(field(Column::Allocated), "allocated resources")?,
        requested: tres(field(Column::Requested), "requested resources")?,
        reason: Some(field(Column::Reason)).filter(|text| !values::is_absent(text)).unwrap_or_default().to_owned(),
        sluid: Some(field(Column::Sluid)).filter(|text| !values::is_absent(text)).map(str::to_owned),
        restarts: Some(field(Column::Restarts)).filter(|text| !text.is_empty()).and_then(|text| text.parse().ok()),
        stamp: tasks::stamp_of(mark, field(Column::JobId), false).ok().flatten(),
        array: tasks::array_of(mark),
        work_directory: Some(field(Column::WorkDirectory)).filter(|text| !values::is_absent(text)).map(PathBuf::from),
        name: name.to_owned(),
        raw: raw(),
    };
    // Where it is told in words, nothing is known of it.
    let suspended = values::length(field(Column::Suspended), "suspended").ok().flatten();
    if let Some(fault) = suspended.and_then(|suspended| row.gap(suspended)) {
        return Err(fault);
    }
    row.begin_with_its_size()?;
    Ok(row)
}

/// So many seconds may be lost where lengths of time are cut to whole ones.
const CUT_SECONDS: u64 = 2;

impl AccountingRow {
    pub(super) const fn id(&self) -> SchedulerJobId {
        self.id
    }

    pub(super) const fn leader(&self) -> SchedulerJobId {
        self.leader
    }

    /// Whether both rows are of one array or heterogeneous job. Its parts are submitted at once, and a requeue resets the
    /// time of one of them only; the name tells earlier owners of the id apart in most cases.
    pub(super) fn is_of_the_same_submission(&self, other: &Self) -> bool {
        (self.leader, &self.user, &self.name) == (other.leader, &other.user, &other.name)
    }

    pub(super) const fn stamp(&self) -> Option<Stamp> {
        self.stamp
    }

    /// Whether it is of a job or an array of ours.
    pub(super) const fn is_stamped(&self) -> bool {
        self.stamp.is_some() || self.array.is_some()
    }

    pub(super) const fn user(&self) -> &UserName {
        &self.user
    }

    pub(super) const fn submitted_at(&self) -> Timestamp {
        self.submitted_at
    }

    /// Whether it has ended, or will never begin.
    pub(super) fn is_over(&self) -> bool {
        self.state.is_final()
    }

    /// The later of its start and its end.
    pub(super) fn latest_time(&self) -> Option<Timestamp> {
        self.start().max(self.ended_at.filter(|_| self.allocated_nodes > 0))
    }

    pub(super) const fn cluster(&self) -> &ClusterName {
        &self.cluster
    }

    /// The start, where there was one: nodes were given. A job that was cancelled while it waited has a start, equal to
    /// its end, and no nodes (seen on 22.05). The state does not tell: an attempt that ran and was requeued is
    /// `REQUEUED`, which the queue shows for jobs that wait.
    fn start(&self) -> Option<Timestamp> {
        self.started_at.filter(|_| self.allocated_nodes > 0)
    }

    /// Begins the row of a job that changed its size with the change. Slurm gives such a row the time of the change as its submission
    /// and, through slurmdbd, the start of the whole job (`_setup_job_start_msg` of its `accounting_storage/slurmdbd`; seen on
    /// 22.05.8): until the change it is the row before that counts. Nothing else is submitted behind its start, but for a clock
    /// that was set back by more than the job waited.
    fn begin_with_its_size(&mut self) -> Result<(), String> {
        let Some(start) = self.start() else { return Ok(()) };
        let Ok(before) = u64::try_from(self.submitted_at.seconds_since(start)) else { return Ok(()) };
        if self.ended_at.is_some_and(|ended_at| ended_at < self.submitted_at) {
            return Err(format!("it was submitted at {}, behind its end", self.submitted_at));
        }
        self.started_at = Some(self.submitted_at.max(start));
        self.elapsed = WallTime::from_seconds(self.elapsed.seconds().saturating_sub(before));
        Ok(())
    }

    /// What is missing between its start and its end, where it ran: Slurm counts the time of a suspension apart from that in which
    /// it ran, and the two are all there is (sacct(1), `Elapsed`, `Suspended`).
    fn gap(&self, suspended: WallTime) -> Option<String> {
        let span = self.ended_at?.seconds_since(self.start()?);
        let [ran, stood] = [self.elapsed, suspended].map(WallTime::seconds);
        let told = i64::try_from(ran.checked_add(stood)?).ok()?;
        (span >= 0 && span.abs_diff(told) > CUT_SECONDS).then(|| {
            format!(
                "it has run for {ran} s and was suspended for {stood} s, and from its start to its end are {span} s"
            )
        })
    }

    /// The run that this row stands for; none where the job never started.
    pub(super) fn run(self, site: &SiteName, reader: &UserName, observed_at: Timestamp) -> Option<Run> {
        let started_at = self.start()?;
        let evidence = if self.user == *reader { EvidenceClass::SelfRead } else { EvidenceClass::CoordinatorRead };
        Some(Run {
            key: RunKey {
                site: site.clone(),
                cluster: self.cluster,
                scheduler_job: self.id,
                submitted_at: self.submitted_at,
            },
            sluid: self.sluid,
            shown_id: self.shown_id,
            user: self.user,
            account: self.account,
            partition: self.partition,
            qos: self.qos,
            name: self.name,
            work_directory: self.work_directory.and_then(|path| path.into_os_string().into_string().ok()),
            stamp: self.stamp,
            state: self.state,
            restarts: self.restarts,
            started_at,
            ended_at: self.ended_at,
            elapsed: self.elapsed,
            time_limit: self.time_limit,
            allocated: self.allocated,
            exit: self.exit,
            evidence,
            observed_at,
            raw: self.raw,
        })
    }

    /// Why it does not say which tasks of an array of ours it is about, where it does not.
    pub(super) fn unclear(&self) -> Option<String> {
        tasks::stamp_of(self.array.map(values::Mark::Array), &self.shown_id, self.start().is_none()).err()
    }

    /// The row as it is kept.
    pub(super) fn into_raw(self) -> String {
        self.raw
    }

    /// What the row says about where the job stands, or of an array of ours each of the tasks that it is about.
    pub(super) fn sightings(self, observed_at: Timestamp) -> Vec<JobSighting> {
        let array = self.array;
        tasks::each(self.sighting(observed_at), array)
    }

    /// The same, of a row as it is.
    pub(super) fn sighting(self, observed_at: Timestamp) -> JobSighting {
        let started_at = self.start();
        let has_started = started_at.is_some();
        JobSighting {
            id: self.id,
            leader: self.leader,
            form: self.form,
            tasks: values::waiting_tasks(&self.shown_id),
            shown_id: self.shown_id,
            cluster: Some(self.cluster),
            user: self.user,
            account: self.account,
            partition: self.partition,
            qos: self.qos,
            name: self.name,
            stamp: self.stamp,
            state: self.state,
            reason: self.reason,
            submitted_at: self.submitted_at,
            started_at,
            ends_at: self.ended_at,
            time_limit: self.time_limit,
            elapsed: self.elapsed,
            requested: if has_started { self.allocated } else { self.requested },
            nodes: if has_started { self.allocated_nodes } else { self.requested_nodes },
            observed_at,
        }
    }
}

/// The user, or the number of one whose name the site has forgotten: the run counts all the same.
fn user(name: &str, number: &str) -> Result<UserName, String> {
    values::name(name, "user")?.map_or_else(|| values::name(number, "user number")?.ok_or("no user".to_owned()), Ok)
}

/// `0:15` is a code and a signal.
fn exit(text: &str) -> Result<ExitCode, String> {
    let (code, signal) = text.split_once(':').ok_or_else(|| format!("exit code: `{text}` is not `code:signal`"))?;
    Ok(ExitCode { code: values::number(code, "exit code")?, signal: values::number(signal, "exit signal")? })
}

/// Minutes, or words such as `UNLIMITED` and `Partition_Limit` for no limit of its own.
fn minutes(text: &str) -> Result<Option<WallTime>, String> {
    if values::is_absent(text) || !text.starts_with(|first: char| first.is_ascii_digit()) {
        return Ok(None);
    }
    let minutes: u64 = values::number(text, "time limit")?;
    let seconds = minutes.checked_mul(60).ok_or_else(|| format!("time limit: `{text}` is too long"))?;
    Ok(Some(WallTime::from_seconds(seconds)))
}
