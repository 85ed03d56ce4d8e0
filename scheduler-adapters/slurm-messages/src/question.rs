//! What the helper is asked.

use serde::{Deserialize, Serialize};

/// A question; the helper answers one after the other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Question {
    /// The queue: a table of [`Hello::job_columns`](crate::Hello::job_columns), jobs of every state that the controller
    /// still knows.
    Jobs(JobsQuestion),
    /// Accounting: a table of [`Hello::run_columns`](crate::Hello::run_columns), each start of each job.
    Runs(RunsQuestion),
    /// Submits once.
    Submit(Box<Submission>),
    /// Cancels a job; one that has ended or never was is none to cancel and no failure.
    Cancel {
        /// Its raw id.
        job: u32,
    },
    /// Partitions: a table in the words of `scontrol show partition -o`.
    Partitions,
    /// Qualities of service: a table in the words of `sacctmgr show qos`.
    Qos,
    /// Associations of a user and of the user's accounts: a table in the words of `sacctmgr show assoc`.
    Associations {
        /// Whose.
        user: String,
    },
}

/// Which jobs of the queue.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobsQuestion {
    /// Of this user; of everyone where none.
    pub user: Option<String>,
    /// Of these accounts; of all where empty.
    pub accounts: Vec<String>,
    /// These and what was submitted with them; all where empty.
    pub jobs: Vec<u32>,
}

/// Which rows of accounting.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunsQuestion {
    /// Of this user; of everyone whom the person may see where none.
    pub user: Option<String>,
    /// Of these accounts; of all where empty.
    pub accounts: Vec<String>,
    /// These jobs, whenever they were; all of the window where empty.
    pub jobs: Vec<u32>,
    /// Begin of the window, in epoch seconds; none for all time.
    pub from: Option<i64>,
    /// End of the window, in epoch seconds, which belongs to it; none for now.
    pub until: Option<i64>,
}

/// One job to submit, as for `sbatch`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Submission {
    /// The batch script's path; its `#SBATCH` lines count as they do for `sbatch`.
    pub script: String,
    /// Options of the command line, which win over the script's: `--time=10`.
    pub options: Vec<String>,
    /// Words for the script itself.
    pub arguments: Vec<String>,
}
