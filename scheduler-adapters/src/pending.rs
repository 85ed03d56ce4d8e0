//! Why a job waits, as far as a scheduler tells.

use crate::{AdapterError, JobSighting, PartitionFacts};
use model::{AccountName, PartitionName, QosName, Timestamp, Window};

/// A job in the queue with all that bears on its start. What could not be read says so; it is never left out.
#[derive(Clone, Debug)]
pub struct PendingJob {
    /// What was seen of it, its reason among it.
    pub sighting: JobSighting,
    /// Every partition that it may start in.
    pub partitions: Vec<PartitionName>,
    /// Its priority, as the scheduler counts; 0 for a job that is held.
    pub priority: Option<u64>,
    /// What it depends on, in the scheduler's words: `afterok:4711(unfulfilled)`; empty where on nothing.
    pub dependency: String,
    /// When it may begin at the earliest, where the scheduler says.
    pub eligible_at: Option<Timestamp>,
    /// The reservation that it wants.
    pub reservation: Option<String>,
    /// Features that its nodes must have; empty for none.
    pub features: String,
    /// Nodes that it must have; empty for any.
    pub required_nodes: String,
    /// Where it stands in each of its partitions; an error where nobody looked.
    pub places: Result<Vec<QueuePlace>, AdapterError>,
    /// What its person has running in the same account and QOS.
    pub running: Option<RunningJobs>,
    /// All partitions of the cluster that the person may see.
    pub all_partitions: Result<Vec<PartitionFacts>, AdapterError>,
    /// Reservations, maintenance among them.
    pub reservations: Result<Vec<Reservation>, AdapterError>,
    /// Limits of its account, of those above it, its person and its QOS that are set.
    pub limits: Result<Vec<Limit>, AdapterError>,
}

/// Where a job stands among those that wait for the same partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueuePlace {
    /// Which partition.
    pub partition: PartitionName,
    /// How many of them come before it by their priority.
    pub ahead: u32,
    /// How many wait there, this one among them.
    pub waiting: u32,
    /// Whether the jobs of others are among them; none where that cannot be told.
    pub is_whole: Option<bool>,
}

/// How many jobs of a person run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RunningJobs {
    /// In the job's QOS.
    pub in_qos: u32,
    /// In the job's account.
    pub in_account: u32,
}

/// Nodes that are set aside for a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reservation {
    /// Its name.
    pub name: String,
    /// From when until when.
    pub period: Window,
    /// Which nodes, in the scheduler's words.
    pub nodes: String,
    /// How many.
    pub node_count: Option<u32>,
    /// Its partition; none for nodes of any.
    pub partition: Option<PartitionName>,
    /// What kind it is, in the scheduler's words: `MAINT`, `ALL_NODES`.
    pub flags: Vec<String>,
    /// Who may use it, in the scheduler's words; empty for nobody by name.
    pub users: Vec<String>,
    /// Accounts that may use it.
    pub accounts: Vec<String>,
}

impl Reservation {
    /// Whether it is for maintenance (`MAINT`, scontrol(1)).
    pub fn is_maintenance(&self) -> bool {
        self.flags.iter().any(|flag| flag == "MAINT")
    }

    /// Whether it has every node (`ALL_NODES`).
    pub fn has_all_nodes(&self) -> bool {
        self.flags.iter().any(|flag| flag == "ALL_NODES")
    }
}

/// Whose limit it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LimitHolder {
    /// Of all jobs of a QOS together, or of each of them.
    Qos(QosName),
    /// Of each person in a QOS.
    PersonInQos(QosName),
    /// Of each account in a QOS.
    AccountInQos(QosName),
    /// Of an account.
    Account(AccountName),
    /// Of an account that the job's account is below, for all accounts below it together.
    AccountAbove(AccountName),
    /// Of the person in an account.
    PersonInAccount(AccountName),
}

/// One limit that is set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limit {
    /// Whose.
    pub holder: LimitHolder,
    /// The scheduler's word for it, without a resource: `GrpTRESMins`, `MaxJobsPU`.
    pub name: String,
    /// Which resource it counts: `gres/gpu`; empty where it counts jobs or time.
    pub resource: String,
    /// How much is allowed, in the scheduler's own unit.
    pub most: u64,
    /// How much of it is taken; none where the scheduler does not say, or where the limit is one of each job.
    pub used: Option<u64>,
}

impl PendingJob {
    /// What is known of a job that only its row in the queue tells of.
    pub(crate) fn of_sighting(sighting: JobSighting, unasked: &AdapterError) -> Self {
        Self {
            partitions: sighting.partition.iter().cloned().collect(),
            sighting,
            priority: None,
            dependency: String::new(),
            eligible_at: None,
            reservation: None,
            features: String::new(),
            required_nodes: String::new(),
            places: Err(unasked.clone()),
            running: None,
            all_partitions: Err(unasked.clone()),
            reservations: Err(unasked.clone()),
            limits: Err(unasked.clone()),
        }
    }
}
