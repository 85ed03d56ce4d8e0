//! One waiting job among all that wait and run, from one answer of `squeue`.

use crate::{
    AdapterError, AdapterErrorKind, JobSighting, PendingJob, QueuePlace, RunningJobs,
    slurm::{
        call::Tool,
        queue_row::{self, FIELDS},
        values,
    },
};
use model::{PartitionName, SchedulerJobId, Timestamp};

/// What is asked for beside the row of each job (squeue(1), `-O`, 22.05 to 25.11).
const OWN: [&str; 6] = ["Dependency", "PriorityLong", "EligibleTime", "Reservation", "Feature", "ReqNodes"];

/// All columns: those of its own before the others.
pub(super) const COLUMNS: [&str; OWN.len() + FIELDS.len()] = columns();

/// The title of the first one.
pub(super) const HEADER: &str = "DEPENDENCY";

const fn columns() -> [&'static str; OWN.len() + FIELDS.len()] {
    let mut all = [""; OWN.len() + FIELDS.len()];
    let mut at = 0;
    while at < all.len() {
        all[at] = if at < OWN.len() { OWN[at] } else { FIELDS[at - OWN.len()] };
        at += 1;
    }
    all
}

/// What is kept of a job: enough to tell its place, and of the one that is asked for all.
struct Seen {
    sighting: JobSighting,
    /// The same, or each task of an array of ours.
    tasks: Vec<JobSighting>,
    partitions: Vec<PartitionName>,
    priority: u64,
}

/// Collects the answer.
pub(super) struct Waiting {
    id: SchedulerJobId,
    observed_at: Timestamp,
    seen: Vec<Seen>,
    own: Option<PendingJob>,
    /// Why the row of the job itself cannot be read.
    unread: Option<(String, String)>,
}

impl Waiting {
    pub(super) fn of(id: SchedulerJobId, observed_at: Timestamp) -> Self {
        Self { id, observed_at, seen: Vec::new(), own: None, unread: None }
    }

    /// Takes one row. One of somebody else's that cannot be read is passed over: it tells nothing of a place.
    pub(super) fn take(&mut self, values: &[&str]) {
        let (own, row) = values.split_at(OWN.len().min(values.len()));
        match read(own, row, self.observed_at) {
            Ok((seen, job)) => {
                // A row of several tasks tells why each of them waits.
                let is_it = |one: &JobSighting| one.id == self.id || one.handle() == self.id;
                let is_part = |one: &JobSighting| one.is_called(self.id) && self.own.is_none();
                let one = seen.tasks.iter().find(|one| is_it(one) || is_part(one)).cloned();
                if let Some(sighting) = one {
                    self.own = Some(PendingJob { sighting, ..job });
                }
                self.seen.push(seen);
            }
            Err(reason) if row.first().is_some_and(|id| *id == self.id.whole().to_string()) => {
                self.unread = Some((values::raw(row), reason));
            }
            Err(_) => {}
        }
    }

    /// Takes what is no row; it may be that of the job itself.
    pub(super) fn reject(&mut self, raw: String) {
        if raw.contains(&self.id.whole().to_string()) {
            self.unread.get_or_insert((raw, "not all columns are there".to_owned()));
        }
    }

    /// The job with its place. `hides_jobs` says whether the queue hides the jobs of others.
    pub(super) fn job(self, hides_jobs: Option<bool>) -> Result<PendingJob, AdapterError> {
        let Some(mut own) = self.own else {
            let error = |kind| AdapterError::new(kind, Tool::Squeue.doing());
            return Err(match self.unread {
                Some((raw, cause)) => error(AdapterErrorKind::Unreadable).with("row", raw).with("cause", cause),
                None => error(AdapterErrorKind::NotFound).with("job", self.id),
            });
        };
        own.places =
            Ok(own.partitions.iter().map(|partition| place(&self.seen, &own, partition, hides_jobs)).collect());
        own.running = Some(running(&self.seen, &own.sighting));
        Ok(own)
    }
}

fn read(own: &[&str], row: &[&str], observed_at: Timestamp) -> Result<(Seen, PendingJob), String> {
    let there = |at: usize| own.get(at).copied().map(str::trim).filter(|text| !values::is_absent(text));
    let row_read = queue_row::read(row, observed_at)?;
    let sighting = row_read.sighting.clone();
    let tasks = row_read.each_task().map(|task| task.sighting).collect();
    let names = row.get(partition_column()).copied().unwrap_or_default();
    let partitions = names.split(',').filter_map(|name| name.parse().ok()).collect::<Vec<PartitionName>>();
    let priority = there(1).and_then(|text| text.parse().ok());
    let unasked = AdapterError::new(AdapterErrorKind::Unsupported, Tool::Squeue.doing());
    let job = PendingJob {
        partitions: partitions.clone(),
        priority,
        dependency: there(0).unwrap_or_default().to_owned(),
        eligible_at: there(2).and_then(|text| values::instant(text, "eligible").ok()).flatten(),
        reservation: there(3).map(str::to_owned),
        features: there(4).unwrap_or_default().to_owned(),
        required_nodes: there(5).unwrap_or_default().to_owned(),
        ..PendingJob::of_sighting(sighting.clone(), &unasked)
    };
    Ok((Seen { sighting, tasks, partitions, priority: priority.unwrap_or(0) }, job))
}

fn partition_column() -> usize {
    FIELDS.iter().position(|field| *field == "Partition").unwrap_or(FIELDS.len())
}

/// Its place by priority, then by age. What is held has priority 0 and comes before nobody.
fn place(seen: &[Seen], own: &PendingJob, partition: &PartitionName, hides_jobs: Option<bool>) -> QueuePlace {
    let rank = |priority: u64, job: &JobSighting| (std::cmp::Reverse(priority), job.submitted_at, job.id);
    let ours = rank(own.priority.unwrap_or(0), &own.sighting);
    let (mut ahead, mut waiting) = (0_u32, 0_u32);
    for other in seen.iter().filter(|other| other.sighting.state.is_pending() && other.partitions.contains(partition)) {
        let tasks = other.sighting.tasks.max(1);
        waiting = waiting.saturating_add(tasks);
        if rank(other.priority, &other.sighting) < ours {
            ahead = ahead.saturating_add(tasks);
        }
    }
    QueuePlace { partition: partition.clone(), ahead, waiting, is_whole: hides_jobs.map(|hides| !hides) }
}

fn running(seen: &[Seen], own: &JobSighting) -> RunningJobs {
    let theirs = seen.iter().map(|other| &other.sighting).filter(|job| job.user == own.user && !job.state.is_pending());
    let mut running = RunningJobs::default();
    for job in theirs {
        running.in_qos += u32::from(job.qos == own.qos);
        running.in_account += u32::from(job.account == own.account);
    }
    running
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NOW: Timestamp = Timestamp::from_epoch_seconds(1_795_693_043);

    /// A row: id, partitions, priority, state, user.
    fn row(id: &str, partition: &str, priority: &str, state: &str, user: &str) -> Vec<String> {
        let value = |field: &str| match field {
            "Dependency" => "afterok:1(unfulfilled)",
            "PriorityLong" => priority,
            "EligibleTime" => "1795696640",
            "JobID" | "JobArrayID" => id,
            "Partition" => partition,
            "State" => state,
            "UserName" => user,
            "QOS" => "normal",
            "Account" => "atlas",
            "SubmitTime" => "1795693040",
            "TimeLimit" => "10:00",
            "TimeUsed" => "0:00",
            "NumNodes" => "2",
            "Reason" => "Priority",
            "tres-alloc" => "cpu=2,node=2",
            _ => "(null)",
        };
        COLUMNS.iter().map(|field| value(field).to_owned()).collect()
    }

    fn collected(rows: &[Vec<String>]) -> Result<PendingJob, AdapterError> {
        let mut waiting = Waiting::of(SchedulerJobId::new(7), NOW);
        for row in rows {
            waiting.take(&row.iter().map(String::as_str).collect::<Vec<_>>());
        }
        waiting.job(Some(false))
    }

    #[test]
    fn its_place_is_told_in_each_of_its_partitions() {
        let job = collected(&[
            row("3", "booster", "900", "PENDING", "ben"),
            row("4", "booster,develop", "500", "PENDING", "ben"),
            row("5", "develop", "0", "PENDING", "ben"),
            row("6", "booster", "100", "RUNNING", "ada"),
            row("7", "booster,develop", "500", "PENDING", "ada"),
            row("8", "booster", "500", "PENDING", "ben"),
        ])
        .expect("there");
        let places: Vec<_> = job.places.expect("counted").iter().map(|at| (at.ahead, at.waiting)).collect();
        assert_eq!(places, [(2, 4), (1, 3)]);
        assert_eq!((job.priority, job.eligible_at), (Some(500), Some(Timestamp::from_epoch_seconds(1_795_696_640))));
        assert_eq!(job.dependency, "afterok:1(unfulfilled)");
        assert_eq!(job.running, Some(RunningJobs { in_qos: 1, in_account: 1 }));
    }

    #[test]
    fn a_job_that_is_not_there_is_told_from_one_that_cannot_be_read() {
        assert_eq!(collected(&[]).expect_err("nobody").kind, AdapterErrorKind::NotFound);
        let mut odd = row("7", "booster", "1", "PENDING", "ada");
        let place = COLUMNS.iter().position(|field| *field == "SubmitTime").expect("asked for");
        odd[place] = "yesterday".to_owned();
        assert_eq!(collected(&[odd]).expect_err("odd").kind, AdapterErrorKind::Unreadable);
    }

    proptest! {
        #[test]
        fn any_values_are_answered_without_panic(values in proptest::collection::vec("[0-9a-z:,()_-]{0,8}|.{0,8}", 0..40)) {
            let mut waiting = Waiting::of(SchedulerJobId::new(7), NOW);
            waiting.take(&values.iter().map(String::as_str).collect::<Vec<_>>());
            waiting.reject(values.concat());
            drop(waiting.job(None));
        }
    }
}
