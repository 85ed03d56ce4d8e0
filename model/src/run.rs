//! A run: the accounting record of one attempt, ours or not.

use crate::{AccountName, JobState, PartitionName, QosName, RunKey, Stamp, Timestamp, Tres, UserName, WallTime};
use serde::{Deserialize, Serialize};

/// How far the clock of a cluster may differ from that of whoever reads, in seconds.
const CLOCK_DIFFERENCE_SECONDS: i64 = 86_400;

/// Who vouches for a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EvidenceClass {
    /// The person whose run it is read it.
    SelfRead,
    /// A coordinator who sees all of the account's runs read it.
    CoordinatorRead,
    /// The site handed it over, signed.
    SiteSigned,
}

/// How a run ended: the exit code and the signal, `0:0` when all went well.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ExitCode {
    /// What the batch script returned.
    pub code: u32,
    /// The signal that ended it, zero for none.
    pub signal: u32,
}

/// One started row of `sacct -D`: what one attempt was given, for how long, and how it is known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// What makes it one and the same.
    pub key: RunKey,
    /// Slurm's own unique id, from 24.11 on.
    pub sluid: Option<String>,
    /// The id as people see it: `4711`, `4711_3`, `4711+0`.
    pub shown_id: String,
    /// Whose.
    pub user: UserName,
    /// Charged to which Slurm account, where the site has accounts.
    pub account: Option<AccountName>,
    /// Where it ran.
    pub partition: Option<PartitionName>,
    /// Under which quality of service.
    pub qos: Option<QosName>,
    /// The job's name at the scheduler.
    pub name: String,
    /// Where it was told to work, where the scheduler says and the ledger keeps it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub work_directory: Option<String>,
    /// Our mark, where it is one of ours.
    pub stamp: Option<Stamp>,
    /// Where it stands.
    pub state: JobState,
    /// How often it was started before, where Slurm says (24.11 on).
    pub restarts: Option<u32>,
    /// When it started.
    pub started_at: Timestamp,
    /// When it ended; none while it runs.
    pub ended_at: Option<Timestamp>,
    /// How long it has had its allocation, in seconds (`ElapsedRaw`).
    pub elapsed: WallTime,
    /// The limit it was given.
    pub time_limit: Option<WallTime>,
    /// What it was given.
    pub allocated: Tres,
    /// How it ended.
    pub exit: ExitCode,
    /// Who vouches for it.
    pub evidence: EvidenceClass,
    /// When it was read; of two readings the later one counts.
    pub observed_at: Timestamp,
    /// The row as the scheduler printed it, for whoever checks.
    pub raw: String,
}

impl Run {
    /// What the row says against itself, where it does: such a run cannot be counted.
    ///
    /// Time for which a run was suspended makes its elapsed time shorter than the span from start to end, nothing makes it
    /// longer; and no run ends days after it was read, unless its end is the number that stands for none (4294967295).
    pub fn contradiction(&self) -> Option<String> {
        let ended_at = self.ended_at?;
        let span = ended_at.seconds_since(self.started_at);
        if span < 0 {
            return Some(format!("it ends at {ended_at}, before its start at {}", self.started_at));
        }
        if ended_at > self.observed_at.plus_seconds(CLOCK_DIFFERENCE_SECONDS) {
            return Some(format!("it ends at {ended_at}, long after it was read at {}", self.observed_at));
        }
        let longest = u64::try_from(span).unwrap_or(0).saturating_add(1);
        (self.elapsed.seconds() > longest)
            .then(|| format!("it has run for {} s, and from its start to its end are {span} s", self.elapsed.seconds()))
    }

    /// That it starts before its submission, where it does: such a row is none of Slurm's.
    pub fn early_start(&self) -> Option<String> {
        early_start(self.key.submitted_at, self.started_at)
    }

    /// Whether it is *foreign*: a run without our stamp. It counts all the same.
    pub const fn is_foreign(&self) -> bool {
        self.stamp.is_none()
    }
}

/// So many seconds a cluster's clock may be set back while a job waits.
const CLOCK_STEP_SECONDS: i64 = 300;

/// That a run starts before its submission, which no row of Slurm's does: a requeue gives each attempt a submission of its own,
/// before its start, and the row of another size is read from the change on. One clock writes both, and may be set back in
/// between, or be that of a standby.
pub fn early_start(submitted_at: Timestamp, started_at: Timestamp) -> Option<String> {
    let is_early = submitted_at > started_at.plus_seconds(CLOCK_STEP_SECONDS);
    is_early.then(|| format!("it starts at {started_at}, before its submission at {submitted_at}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{BaseState, SchedulerJobId};
    use proptest::prelude::*;

    fn run(started: i64, ended: Option<i64>, elapsed: u64, observed: i64) -> Run {
        let at = Timestamp::from_epoch_seconds;
        let key = RunKey {
            site: "jupiter".parse().expect("a site"),
            cluster: "jupiter".parse().expect("a cluster"),
            scheduler_job: SchedulerJobId::new(1),
            submitted_at: at(started),
        };
        Run {
            key,
            sluid: None,
            shown_id: "1".to_owned(),
            user: "ada".parse().expect("a user"),
            account: None,
            partition: None,
            qos: None,
            name: "train".to_owned(),
            work_directory: None,
            stamp: None,
            state: JobState::of(BaseState::Completed),
            restarts: None,
            started_at: at(started),
            ended_at: ended.map(at),
            elapsed: WallTime::from_seconds(elapsed),
            time_limit: None,
            allocated: Tres::default(),
            exit: ExitCode::default(),
            evidence: EvidenceClass::SelfRead,
            observed_at: at(observed),
            raw: String::new(),
        }
    }

    #[test]
    fn a_row_that_contradicts_itself_is_named() {
        for (started, ended, elapsed, observed, found) in [
            (1_000, Some(1_100), 100, 2_000, None),
            (1_000, Some(1_100), 101, 2_000, None),
            (1_000, Some(1_100), 40, 2_000, None),
            (1_000, None, u64::MAX, 2_000, None),
            (1_000, Some(1_100), 102, 2_000, Some("it has run for 102 s")),
            (1_000, Some(1_100), u64::from(u32::MAX), 2_000, Some("it has run for 4294967295 s")),
            (1_000, Some(999), 0, 2_000, Some("before its start")),
            (1_000, Some(i64::from(u32::MAX)), 100, 2_000, Some("long after it was read")),
            (1_000, Some(3_000), 2_000, 2_000, None),
        ] {
            let contradiction = run(started, ended, elapsed, observed).contradiction();
            let is_as_expected = match (&contradiction, found) {
                (None, None) => true,
                (Some(text), Some(part)) => text.contains(part),
                _ => false,
            };
            assert!(is_as_expected, "{started} {ended:?} {elapsed} {observed}: {contradiction:?}");
        }
    }

    #[test]
    fn a_start_before_the_submission_is_named_where_no_clock_that_was_set_back_explains_it() {
        let at = Timestamp::from_epoch_seconds;
        for (submitted, started, is_early) in
            [(1_000, 1_000, false), (1_300, 1_000, false), (1_301, 1_000, true), (i64::MAX, i64::MIN, true)]
        {
            assert_eq!(early_start(at(submitted), at(started)).is_some(), is_early, "{submitted} {started}");
        }
    }

    proptest! {
        #[test]
        fn any_numbers_are_answered_without_panic(numbers in any::<(i64, Option<i64>, u64, i64)>()) {
            let (started, ended, elapsed, observed) = numbers;
            drop(run(started, ended, elapsed, observed).contradiction());
        }
    }
}
