//! What the verbs need, wired once by the command line.

use crate::{directory::State, error::JobsError, reached::reached};
use async_trait::async_trait;
use ledger::{Book, LedgerError, Verification};
use model::{Clock, JobId, Principal, SiteName, Zone};
use reach::{Reach, ReachError};
use scheduler_adapters::Scheduler;
use sites::{Catalogue, LocalMachine, Site};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
};

/// The rooms that a verb walks through: leaves behind their contracts, and what is known of here and now.
#[derive(Clone)]
pub struct House {
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// The time zone of this machine, for a site that is wherever the program runs.
    pub machine_zone: Zone,
    /// Who acts.
    pub principal: Principal,
    /// All sites that are known.
    pub catalogue: Arc<Catalogue>,
    /// The site that this machine belongs to.
    pub here: SiteName,
    /// From where the site is seen.
    pub vantage: Vantage,
    /// The variables of whoever submits.
    pub variables: Arc<dyn Variables>,
    /// What this machine has, where jobs run on it without a scheduler.
    pub machine: LocalMachine,
    /// Files of the site, and where its scheduler's commands run.
    pub files: Arc<dyn Reach>,
    /// Files of this machine, where the site is another one: what is no job's lies here.
    pub own_files: Arc<dyn Reach>,
    /// The folder of the jobs.
    pub state: State,
    /// The scheduler of this site.
    pub scheduler: Arc<dyn Scheduler>,
    /// How the batch script is written here.
    pub dialect: templates::Dialect,
    /// Opens the ledger when it is first needed.
    pub books: Arc<dyn Books>,
    /// Random bits for new ids.
    pub random: fn() -> u128,
    /// This process, so that a later one can tell whether it still runs.
    pub process: ProcessMark,
    /// Tells whether a process lives.
    pub processes: Arc<dyn Processes>,
    /// Watches the steps of a route; in tests it ends the process at one of them.
    pub steps: Arc<dyn Steps>,
    /// `pakt` with its version, for the records.
    pub made_by: String,
}

/// From where a site is seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Vantage {
    /// From one of its own machines.
    Site,
    /// From another machine, through a connection.
    Remote {
        /// Whether a person sits at the terminal of this process.
        is_attended: bool,
    },
}

/// The variables of whoever submits.
#[async_trait]
pub trait Variables: Send + Sync {
    /// All that are text: of this process; where the site is another machine, of a login shell there.
    async fn all(&self) -> Result<&BTreeMap<String, String>, ReachError>;
}

#[async_trait]
impl Variables for BTreeMap<String, String> {
    async fn all(&self) -> Result<&BTreeMap<String, String>, ReachError> {
        Ok(self)
    }
}

/// A process of this host that can be told from a later one with the same number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProcessMark {
    /// Its number.
    pub number: u32,
    /// When it started, in clock ticks since boot.
    pub started: u64,
}

/// The processes of this host, and those that run the scheduler's commands.
#[async_trait]
pub trait Processes: Send + Sync {
    /// The name of the host whose processes [`Self::is_alive`] tells.
    async fn host(&self) -> Result<String, ReachError>;

    /// Whether the process with this number, started at this tick, still lives.
    fn is_alive(&self, number: u32, started: u64) -> bool;

    /// Whether a submission command of the scheduler's that carries this stamp is under way, whoever started it, on the
    /// host where such commands run.
    async fn is_submitting(&self, stamp: &str) -> Result<bool, ReachError>;
}

/// The ledger, where there is one.
#[async_trait]
pub trait Books: Send + Sync {
    /// After `Ok(Some)` the ledger answers; `Ok(None)` means that nobody ever made one here; `Err` that it does not answer.
    async fn book(&self) -> Result<Option<Arc<dyn Book>>, LedgerError>;

    /// Makes it in its folder; one that is there already is left as it is. After `Ok(true)` it was made now.
    async fn create(&self) -> Result<bool, LedgerError>;

    /// Puts a backup where no ledger is, once it was verified.
    async fn restore(&self, from: &Path) -> Result<Verification, LedgerError>;

    /// Where it lies or should lie, for messages.
    fn place(&self) -> PathBuf;

    /// Whether it lies in a file here, so that reading it contacts nobody.
    fn is_at_hand(&self) -> bool;
}

/// The steps of the submit route, in order. Between any two of them the process may die.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// The site is chosen, for a job that may run anywhere.
    Chosen,
    /// The request points to a job id.
    Claimed,
    /// The intent is on disk.
    Intended,
    /// What the job is made of is on disk.
    Recorded,
    /// The script is on disk.
    Scripted,
    /// The hold stands in the ledger.
    Held,
    /// It is noted that the scheduler will be called.
    Sending,
    /// The scheduler has the job.
    Sent,
    /// Its id is noted.
    Submitted,
    /// The job was read back, and the hold amended.
    ReadBack,
}

impl Step {
    /// All of them, in order.
    pub const ALL: [Self; 10] = [
        Self::Chosen,
        Self::Claimed,
        Self::Intended,
        Self::Recorded,
        Self::Scripted,
        Self::Held,
        Self::Sending,
        Self::Sent,
        Self::Submitted,
        Self::ReadBack,
    ];
}

/// Watches the steps of a route.
pub trait Steps: Send + Sync {
    /// The step is done.
    fn done(&self, step: Step);
}

/// Watches nothing.
pub struct Unwatched;

impl Steps for Unwatched {
    fn done(&self, _step: Step) {}
}

impl House {
    /// The profile of a site by name, with the nearest name where there is none.
    pub fn site(&self, name: &SiteName) -> Result<&Site, JobsError> {
        self.catalogue.get(name).ok_or_else(|| {
            let next = self.catalogue.nearest(name.as_str()).map_or_else(
                || "`pakt sites` lists them".to_owned(),
                |near| format!("did you mean `{near}`? `pakt sites` lists them all"),
            );
            JobsError::usage(format!("`{name}` is no known site"), "there is no profile of that name", next)
        })
    }

    /// The zone in which the days of a site's budgets begin. One of this machine that no other would know is UTC.
    pub fn accounting_zone(&self, site: &SiteName) -> Result<Zone, JobsError> {
        let zone = self.site(site)?.accounting_zone_on(&self.machine_zone);
        Ok(zone.name().and_then(|name| name.parse().ok()).unwrap_or_else(Zone::utc))
    }

    /// The host on which the scheduler's commands run.
    pub(crate) async fn command_host(&self) -> Result<String, JobsError> {
        reached(self.files.host_name().await, "the name of the site's host was not read")
    }

    /// The host of this process.
    pub(crate) async fn own_host(&self) -> Result<String, JobsError> {
        reached(self.processes.host().await, "the name of this host was not read")
    }

    /// Whether jobs run on the machine at hand, where this process starts them.
    pub fn is_local(&self) -> bool {
        self.dialect == templates::Dialect::Local
    }

    /// A new id of a job.
    pub fn new_id(&self) -> JobId {
        JobId::from_parts(self.clock.now(), (self.random)())
    }

    /// The ledger; none where nobody made one; an error where it does not answer.
    pub async fn book(&self, what: &str) -> Result<Option<Arc<dyn Book>>, JobsError> {
        crate::reached::booked(self.books.book().await, what)
    }

    /// The ledger, which the verb cannot do without.
    pub async fn needed_book(&self, what: &str) -> Result<Arc<dyn Book>, JobsError> {
        self.book(what).await?.ok_or_else(|| {
            let why = format!("there is no ledger at `{}`", self.books.place().display());
            JobsError::usage(
                what,
                why,
                "make one with `pakt ledger init`, or name yours with `ledger:` in the configuration",
            )
        })
    }
}
