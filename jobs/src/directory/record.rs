//! The records of a job directory: small JSON documents, each written once.

use super::{checkpoints::Checkpoint, markers::Progress};
use model::{
    AccountName, Amount, Chain, ClusterName, Follows, JobId, JobName, JobSpec, JobState, LinkNumber, PartitionName,
    Placement, Principal, ProjectName, QosName, SchedulerJobId, SiteName, Stamp, Sweep, Timestamp, Tres, Unit,
    WallTime, Window,
};
use serde::{Deserialize, Serialize};

/// Where a job came from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// A job file.
    JobFile {
        /// The file, as the person named it.
        path: String,
        /// Its text.
        text: String,
        /// The job that was read from it.
        spec: Box<JobSpec>,
    },
    /// A batch script that somebody wrote by hand.
    Script {
        /// The script, as the person named it.
        path: String,
        /// Options for sbatch and words for the script, as given.
        words: Vec<String>,
    },
    /// An interactive allocation.
    Shell,
    /// A job that was submitted without Pakt and taken over later.
    Adopted,
}

/// What is to be done, written before anything is done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Intent {
    /// Version of these records.
    pub version: u32,
    /// Our id.
    pub id: JobId,
    /// Its name.
    pub name: JobName,
    /// Who spends.
    pub project: ProjectName,
    /// Where.
    pub site: SiteName,
    /// Digest of the request; a second submission of the same request finds this job by it.
    pub digest: String,
    /// Which submission of the request this is, from 1.
    pub generation: u32,
    /// Who asked.
    pub principal: Principal,
    /// On which host.
    pub host: String,
    /// When.
    pub made_at: Timestamp,
    /// Where it came from; left out of the list of jobs.
    pub origin: Option<Origin>,
    /// Where and how it will run; none for what Pakt did not place.
    pub placement: Option<Placement>,
    /// The unit and the ceiling of its hold; none where no ledger has a budget for it.
    pub hold: Option<(Unit, Amount)>,
    /// Of a chain or a sweep: the ceiling of one link, of which `hold` is that of several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link_hold: Option<Amount>,
    /// Why it is to be found out later what is held: the ledger did not answer when this was written.
    #[serde(default)]
    pub hold_later: Option<String>,
    /// Of a chain: the checkpoint of an earlier job at which it begins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub continues: Option<Checkpoint>,
    /// When it is expected to run, where a job file tells; its hold is of what may be spent then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected: Option<Window>,
    /// The person's reason to go on where the ledger would refuse.
    pub anyway: Option<String>,
}

impl Intent {
    /// The mark of the job's only link.
    pub const fn stamp(&self) -> Stamp {
        Stamp { job: self.id, link: model::LinkNumber::FIRST }
    }

    /// How it goes on past the limit, where a job file says so.
    pub fn chain(&self) -> Option<&Chain> {
        match &self.origin {
            Some(Origin::JobFile { spec, .. }) => spec.chain.as_ref(),
            _ => None,
        }
    }

    /// The cells that it works through, where a job file tells: not of one that follows a chain, whose links are as those of a chain.
    pub fn sweep(&self) -> Option<&Sweep> {
        self.cells().filter(|sweep| sweep.follows.is_none())
    }

    /// Which chain it follows, where it does.
    pub fn follows(&self) -> Option<&Follows> {
        self.cells()?.follows.as_ref()
    }

    /// The cells as its file tells them; those of one that follows a chain are in its directory ([`JobDirectory::cells_of`]).
    ///
    /// [`JobDirectory::cells_of`]: super::JobDirectory::cells_of
    pub fn cells(&self) -> Option<&Sweep> {
        match &self.origin {
            Some(Origin::JobFile { spec, .. }) => spec.sweep.as_ref(),
            _ => None,
        }
    }

    /// Whether it has links: it is a chain or a sweep.
    pub fn has_links(&self) -> bool {
        self.chain().is_some() || self.sweep().is_some()
    }

    /// For how many links is held when it begins: of a chain for those that are queued at once, of a sweep for all.
    pub(crate) fn links_held(&self, can_depend: bool) -> u32 {
        match (self.chain(), self.sweep()) {
            (Some(chain), _) => chain.queued_at_once(can_depend),
            (None, Some(sweep)) => sweep.links().get(),
            (None, None) => 1,
        }
    }

    /// The image that it runs inside where it was placed; none without a container.
    pub fn image(&self) -> Option<&str> {
        match (&self.origin, &self.placement) {
            (Some(Origin::JobFile { spec, .. }), Some(placement)) => placement.image_of(spec),
            _ => None,
        }
    }

    /// The job's name at the scheduler, which carries the stamp.
    pub fn scheduler_name(&self) -> String {
        self.stamp().job_name(&self.name)
    }
}

/// Nothing was held when the job was submitted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unheld {
    /// Why.
    pub reason: String,
    /// Whether a hold is still to be entered, as soon as the ledger answers.
    pub is_provisional: bool,
}

impl Unheld {
    /// Why the hold is to be entered later, where it is.
    pub(crate) fn later(&self) -> Option<String> {
        self.is_provisional.then(|| self.reason.clone())
    }
}

/// The scheduler is about to be called: after this, absence must be proven.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sending {
    /// On which host.
    pub host: String,
    /// By which process.
    pub process: u32,
    /// When that process started, in clock ticks since boot, so that a recycled number is not taken for it.
    pub process_started: u64,
    /// On which host its command runs, where that is another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command_host: Option<String>,
    /// Whether it may be done by no command that can be looked for.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_unseen: bool,
    /// Whether what is sent claims its link before it does anything; a person's own script may be sent as it is.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub claims: bool,
    /// The array that it is sent with, by the id of the job of its task 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub array: Option<JobId>,
    /// The array of links that is sent, by the link that its task 0 is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub links: Option<LinkNumber>,
    /// When.
    pub at: Timestamp,
}

/// How the links of a sweep are parted among arrays.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkArrays {
    /// How many links each has, but for the last one; 0 where each link is sent by itself.
    pub size: u32,
    /// How many links there are.
    pub links: LinkNumber,
}

/// What one call sent of an array of links.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SentTasks {
    /// The array at the scheduler.
    #[serde(flatten)]
    pub note: SubmittedNote,
    /// Which of its tasks there are.
    pub tasks: Vec<u32>,
}

/// The scheduler's id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubmittedNote {
    /// The id.
    pub scheduler_job: SchedulerJobId,
    /// The cluster, where the scheduler named it.
    pub cluster: Option<ClusterName>,
    /// When it became known.
    pub at: Timestamp,
    /// Whether it was found by its stamp instead of being told by the scheduler.
    pub was_found: bool,
    /// When the scheduler says that it was submitted, by the scheduler's own clock; none where it was not asked.
    #[serde(default)]
    pub submitted_at: Option<Timestamp>,
}

impl SubmittedNote {
    /// The note of one task of an array of which this is the note.
    pub(crate) fn of_task(&self, index: u32) -> Self {
        Self { scheduler_job: self.scheduler_job.with_task(index), ..self.clone() }
    }
}

/// A job that was submitted held was let go: a hold that somebody puts on it later is theirs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Released {
    /// When.
    pub at: Timestamp,
}

/// What the scheduler made of the job: submit filters change accounts, partitions and limits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadBack {
    /// Charged to.
    pub account: Option<AccountName>,
    /// Waiting where.
    pub partition: Option<PartitionName>,
    /// Under which quality of service.
    pub qos: Option<QosName>,
    /// With which limit.
    pub time_limit: Option<WallTime>,
    /// Asking for what.
    pub requested: Tres,
    /// Each difference to the placement, in words.
    pub drift: Vec<String>,
    /// Where the job's log goes, where a script of the person's own said so.
    #[serde(default)]
    pub output: Option<String>,
    /// What is to be held by what the scheduler keeps: for a script, whose size only the scheduler could tell, and for a
    /// job that the site changed. None where it is what the intent says.
    #[serde(default)]
    pub hold: Option<(Unit, Amount)>,
    /// Of a link of a chain: its own ceiling, where the site made it another one than the intent says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link_hold: Option<Amount>,
    /// When it was read.
    pub at: Timestamp,
}

/// Somebody asked for the job's end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cancel {
    /// Who.
    pub principal: Principal,
    /// When.
    pub at: Timestamp,
}

/// Neither queue nor accounting knew the job, although both would have shown it. The note goes away when it is seen again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Missed {
    /// Since when.
    pub at: Timestamp,
}

/// The job is over. What the list shows of it stands here, so that neither the scheduler nor the job's own files are
/// asked again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ended {
    /// How.
    pub state: JobState,
    /// What its program returned, where a run says.
    pub exit_code: Option<u32>,
    /// When.
    pub at: Option<Timestamp>,
    /// How long the attempt that worked has run: as the scheduler says, else by its markers. None where neither tells.
    #[serde(default)]
    pub elapsed: Option<WallTime>,
    /// Its limit.
    #[serde(default)]
    pub time_limit: Option<WallTime>,
    /// How far its program said it was.
    #[serde(default)]
    pub progress: Option<Progress>,
    /// Why it never ran, where it did not: `refused by the ledger`.
    pub note: Option<String>,
    /// When this was found out.
    pub observed_at: Timestamp,
}
