//! What is submitted, and what comes back.

use model::{ArrayStamp, ClusterName, Directive, SchedulerJobId, Stamp, Timestamp, WallTime};
use std::{collections::BTreeSet, time::Duration};

/// How long a submission may take, and after its caller was killed may still deliver a job.
///
/// `sbatch` sleeps up to 120 s between its own 15 tries (`src/sbatch/sbatch.c`), and a try is an exchange of some
/// seconds with a controller that answers. It is not killed when the time is over, so that a controller that hangs for
/// longer may still take the job: then only [`Scheduler::find`](crate::Scheduler::find) tells, and the claim of the
/// job's link keeps a second one from working.
pub const SUBMISSION_PATIENCE: Duration = Duration::from_secs(150);

/// Where the batch script is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ScriptSource {
    /// A file at the place where the scheduler is spoken to, by its path.
    File(String),
}

/// What the local scheduler needs to know, which Slurm reads from the script's own `#SBATCH` lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LocalResources {
    /// Nodes; this host is one.
    pub nodes: u32,
    /// CPUs.
    pub cpus: u32,
    /// GPUs.
    pub gpus: u32,
    /// The wall-time limit.
    pub time_limit: WallTime,
}

/// The tasks of an array.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArrayTasks {
    /// Its mark, which says of each task which job it is.
    pub stamp: ArrayStamp,
    /// The tasks that are wanted, by their indexes.
    pub indexes: BTreeSet<u32>,
    /// The most of them that run at once.
    pub at_once: Option<u32>,
}

impl ArrayTasks {
    /// As sbatch(1) takes it: `0-4,7%2`.
    pub fn list(&self) -> String {
        let at_once = self.at_once.map(|most| format!("%{most}")).unwrap_or_default();
        format!("{}{at_once}", spans(&self.indexes))
    }
}

/// Indexes of tasks as Slurm's commands take them: `0-4,7`.
pub(crate) fn spans(indexes: &BTreeSet<u32>) -> String {
    let mut spans: Vec<(u32, u32)> = Vec::new();
    for index in indexes {
        match spans.last_mut() {
            Some((_, last)) if last.checked_add(1) == Some(*index) => *last = *index,
            _ => spans.push((*index, *index)),
        }
    }
    let word = |(first, last): &(u32, u32)| if first == last { first.to_string() } else { format!("{first}-{last}") };
    spans.iter().map(word).collect::<Vec<_>>().join(",")
}

/// One job to submit, or one array. Account, partition and sizes stand in the script's `#SBATCH` lines or in `options`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Submission {
    /// The batch script.
    pub script: ScriptSource,
    /// The job's name at the scheduler, stamp included ([`Stamp::job_name`]).
    pub job_name: String,
    /// Our mark; of an array that of its first task.
    pub stamp: Stamp,
    /// The tasks, where it is an array.
    pub array: Option<ArrayTasks>,
    /// Where its output goes, in the scheduler's own pattern.
    pub output: Option<String>,
    /// Where it runs.
    pub directory: Option<String>,
    /// Further words for the scheduler's command line, as they are; ours come behind them and win.
    pub options: Vec<String>,
    /// Words for the script itself.
    pub script_arguments: Vec<String>,
    /// Whether the person's own `SBATCH_*` variables count: for a script of their own, which was written with them.
    pub keeps_environment_options: bool,
    /// What the local scheduler needs.
    pub local_resources: LocalResources,
}

/// The scheduler took it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Submitted {
    /// Its id.
    pub id: SchedulerJobId,
    /// Where, if the scheduler said so.
    pub cluster: Option<ClusterName>,
    /// What else was said: warnings, banners, and how it ended if not well.
    pub chatter: String,
}

/// What would come of a submission.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Estimate {
    /// It would start then, if nothing changes.
    StartsAt {
        /// When.
        at: Timestamp,
        /// The scheduler's own words.
        said: String,
    },
    /// It would be taken, and nobody can say when it starts.
    Unknown {
        /// The scheduler's own words.
        said: String,
    },
    /// It would be refused.
    Refused {
        /// The scheduler's own words.
        said: String,
    },
}

/// An interactive allocation, before it is opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interactive {
    /// The whole job name, stamp included.
    pub job_name: String,
    /// The stamp.
    pub stamp: Stamp,
    /// What is asked for.
    pub directives: Vec<Directive>,
    /// Further words for the command line, as they are.
    pub options: Vec<String>,
    /// What runs in the allocation; a shell where this is empty.
    pub command: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::JobId;

    #[test]
    fn tasks_are_listed_as_sbatch_takes_them() {
        let stamp = ArrayStamp::of(JobId::from_parts(Timestamp::from_epoch_seconds(0), 1));
        let list =
            |indexes: &[u32], at_once| ArrayTasks { stamp, indexes: indexes.iter().copied().collect(), at_once }.list();
        assert_eq!(list(&[0, 1, 2, 3, 4], None), "0-4");
        assert_eq!(list(&[0, 2, 3, 7, u32::MAX], Some(2)), "0,2-3,7,4294967295%2");
        assert_eq!(list(&[5], None), "5");
    }
}
