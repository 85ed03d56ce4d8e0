//! Runs as they stand in a bundle.

use super::KeyTrust;
use model::{
    AccountName, ClusterName, EvidenceClass, ExitCode, JobState, PartitionName, QosName, Run, RunKey, SchedulerJobId,
    SiteName, Stamp, Timestamp, Tres, UserName, WallTime,
};
use serde::{Deserialize, Serialize};

/// The longest id, and the longest type of a GPU, in bytes.
const MOST_ID_BYTES: usize = 64;
/// The most types of GPUs of one run.
const MOST_GPU_TYPES: usize = 32;
/// The most flags of a state: Slurm has fewer.
const MOST_FLAGS: usize = 32;

/// A run that has ended, without what no ledger needs: the job's name, its directory, its command line. Site and cluster
/// are those of the bundle and the batch, so that none can claim a run of another place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BundledRun {
    job: SchedulerJobId,
    submitted_at: Timestamp,
    sluid: Option<String>,
    shown_id: String,
    user: UserName,
    account: Option<AccountName>,
    partition: Option<PartitionName>,
    qos: Option<QosName>,
    stamp: Option<Stamp>,
    state: JobState,
    restarts: Option<u32>,
    started_at: Timestamp,
    ended_at: Timestamp,
    elapsed: WallTime,
    time_limit: Option<WallTime>,
    allocated: Tres,
    exit: ExitCode,
    observed_at: Timestamp,
}

impl BundledRun {
    /// A run as a bundle keeps it; none while it runs.
    pub fn of(run: Run) -> Option<Self> {
        Some(Self {
            job: run.key.scheduler_job,
            submitted_at: run.key.submitted_at,
            sluid: run.sluid,
            shown_id: run.shown_id,
            user: run.user,
            account: run.account,
            partition: run.partition,
            qos: run.qos,
            stamp: run.stamp,
            state: run.state,
            restarts: run.restarts,
            started_at: run.started_at,
            ended_at: run.ended_at?,
            elapsed: run.elapsed,
            time_limit: run.time_limit,
            allocated: run.allocated,
            exit: run.exit,
            observed_at: run.observed_at,
        })
    }

    /// The run, at this place, as the holder of a key vouches for it who is believed so far.
    pub fn into_run(self, site: &SiteName, cluster: &ClusterName, reader: &UserName, trust: KeyTrust) -> Run {
        let evidence = match trust {
            KeyTrust::Site => EvidenceClass::SiteSigned,
            _ if self.user == *reader => EvidenceClass::SelfRead,
            _ => EvidenceClass::CoordinatorRead,
        };
        Run {
            key: RunKey {
                site: site.clone(),
                cluster: cluster.clone(),
                scheduler_job: self.job,
                submitted_at: self.submitted_at,
            },
            sluid: self.sluid,
            shown_id: self.shown_id,
            user: self.user,
            account: self.account,
            partition: self.partition,
            qos: self.qos,
            name: String::new(),
            work_directory: None,
            stamp: self.stamp,
            state: self.state,
            restarts: self.restarts,
            started_at: self.started_at,
            ended_at: Some(self.ended_at),
            elapsed: self.elapsed,
            time_limit: self.time_limit,
            allocated: self.allocated,
            exit: self.exit,
            evidence,
            observed_at: self.observed_at,
            raw: String::new(),
        }
    }

    /// Which run of its cluster it is.
    pub const fn key(&self) -> (SchedulerJobId, Timestamp) {
        (self.job, self.submitted_at)
    }

    /// Whose.
    pub const fn user(&self) -> &UserName {
        &self.user
    }

    /// When it ended.
    pub const fn ended_at(&self) -> Timestamp {
        self.ended_at
    }

    /// When it was read.
    pub const fn observed_at(&self) -> Timestamp {
        self.observed_at
    }

    /// A digest of what it says, whenever it was read: who has written it once need not write it again.
    pub fn digest(&self) -> u128 {
        let undated = Self { observed_at: Timestamp::from_epoch_seconds(0), ..self.clone() };
        // Texts and numbers always have a JSON form; if not, it is one that no run has, and is written again.
        let bytes = serde_json::to_vec(&undated).unwrap_or_default();
        let mut half = [0; 16];
        half.copy_from_slice(&blake3::hash(&bytes).as_bytes()[..16]);
        u128::from_be_bytes(half)
    }

    /// What makes it longer than any run is.
    pub fn fault(&self) -> Option<String> {
        let ids = self.sluid.iter().chain([&self.shown_id]);
        if ids.clone().any(|id| id.len() > MOST_ID_BYTES || id.chars().any(char::is_control)) {
            return Some(format!("an id of job {} is longer than {MOST_ID_BYTES} bytes", self.job));
        }
        if self.state.flags.len() > MOST_FLAGS {
            return Some(format!("job {} has more than {MOST_FLAGS} flags", self.job));
        }
        gpu_fault(&self.allocated).map(|fault| format!("job {}: {fault}", self.job))
    }
}

/// What makes a list of resources longer than any is.
pub(super) fn gpu_fault(tres: &Tres) -> Option<String> {
    let types = &tres.gpus_by_type;
    let is_long = types.len() > MOST_GPU_TYPES || types.keys().any(|name| name.len() > MOST_ID_BYTES);
    is_long.then(|| "its types of GPUs are more or longer than any site has".to_owned())
}
