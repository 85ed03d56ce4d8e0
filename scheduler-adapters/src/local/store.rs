//! The state folder: where each fact lies, written once, and the lock under which turns are given.

use crate::{
    AdapterError, AdapterErrorKind,
    local::facts::{End, JobView, Record, Start},
};
use model::SchedulerJobId;
use reach::{Created, DirectoryMode, ReachError, Retry, files};
use rustix::fs::{FlockOperation, flock};
use serde::{Serialize, de::DeserializeOwned};
use std::{
    fs::{File, OpenOptions},
    path::{Path, PathBuf},
};

/// The most bytes of a fact.
const FACT_LIMIT: usize = 1024 * 1024;

/// How many ids are tried before a submission gives up: as many writers would have to come first.
const ID_TRIES: u64 = 10_000;

/// The state folder of a local scheduler.
#[derive(Clone, Debug)]
pub(super) struct Store {
    root: PathBuf,
}

/// The names of the facts.
pub(super) const RECORD: &str = "record.json";
pub(super) const SUPERVISOR: &str = "supervisor.json";
pub(super) const START: &str = "start.json";
pub(super) const END: &str = "end.json";
pub(super) const CANCEL: &str = "cancel";
pub(super) const HEARTBEAT: &str = "heartbeat";
pub(super) const SCRIPT: &str = "script";
pub(super) const LOG: &str = "supervisor.log";

/// The failure of a file, in the adapter's words.
pub(super) fn failed(doing: &str) -> impl Fn(ReachError) -> AdapterError + '_ {
    move |error| {
        let mut failed = AdapterError::from_reach(error, doing);
        // There is always a local scheduler: a missing file is a fault of its folder, not of the host.
        if failed.kind == AdapterErrorKind::Unsupported {
            failed.kind = AdapterErrorKind::Unreadable;
            failed.retry = Retry::Later;
        }
        failed
    }
}

impl Store {
    pub(super) fn new(root: PathBuf) -> Self {
        Self { root }
    }

    /// The store that a job's directory lies in.
    pub(super) fn of_job(directory: &Path) -> Option<Self> {
        Some(Self::new(directory.parent()?.parent()?.to_owned()))
    }

    fn jobs(&self) -> PathBuf {
        self.root.join("jobs")
    }

    fn active(&self) -> PathBuf {
        self.root.join("active")
    }

    pub(super) fn job(&self, id: SchedulerJobId) -> PathBuf {
        self.jobs().join(format!("{:08}", id.raw()))
    }

    fn active_entry(&self, id: SchedulerJobId) -> PathBuf {
        self.active().join(format!("{:08}", id.raw()))
    }

    /// Makes the folders that are missing.
    pub(super) fn prepare(&self) -> Result<(), ReachError> {
        files::create_directories(&self.jobs(), DirectoryMode::Private)?;
        files::create_directories(&self.active(), DirectoryMode::Private)
    }

    /// Takes the next id by making its directory, and lists it as not ended. The list comes first, so that a job is
    /// never running and unlisted; an entry without a record is passed over by everyone.
    pub(super) fn claim_id(&self) -> Result<SchedulerJobId, ReachError> {
        let last = Self::ids_in(&self.jobs())?.last().map_or(0, |id| id.raw());
        for raw in last + 1..=last + ID_TRIES {
            let id = SchedulerJobId::new(raw);
            if files::create_directory_exclusive(&self.job(id), DirectoryMode::Private)? == Created::New {
                files::write_once(&self.active_entry(id), b"")?;
                return Ok(id);
            }
        }
        let doing = format!("taking a job id in {}", self.root.display());
        Err(ReachError::new(reach::ReachErrorKind::Other, Retry::Later, doing).with("tried", ID_TRIES))
    }

    fn ids_in(folder: &Path) -> Result<Vec<SchedulerJobId>, ReachError> {
        let entries = files::list(folder)?.unwrap_or_default();
        let mut ids: Vec<SchedulerJobId> = entries.iter().filter_map(|entry| entry.name.parse().ok()).collect();
        ids.sort_unstable();
        Ok(ids)
    }

    /// All jobs ever submitted, in order.
    pub(super) fn all(&self) -> Result<Vec<SchedulerJobId>, ReachError> {
        Self::ids_in(&self.jobs())
    }

    /// The jobs that have not ended, in order.
    pub(super) fn active_ids(&self) -> Result<Vec<SchedulerJobId>, ReachError> {
        Self::ids_in(&self.active())
    }

    /// Reads a fact; none where it is not written yet.
    pub(super) fn fact<Fact: DeserializeOwned>(
        &self,
        id: SchedulerJobId,
        name: &str,
    ) -> Result<Option<Fact>, ReachError> {
        read_fact(&self.job(id).join(name))
    }

    /// What is known of a job; none where there is no record (yet).
    pub(super) fn view(&self, id: SchedulerJobId) -> Result<Option<JobView>, ReachError> {
        let Some(record) = self.fact::<Record>(id, RECORD)? else { return Ok(None) };
        // The end is read before the start: the other way round a job could be seen that ended and never started.
        let end: Option<End> = self.fact(id, END)?;
        let start: Option<Start> = self.fact(id, START)?;
        Ok(Some(JobView { record, start, end }))
    }

    /// Whether a fact is written.
    pub(super) fn has(&self, id: SchedulerJobId, name: &str) -> Result<bool, ReachError> {
        Ok(files::modified_at(&self.job(id).join(name))?.is_some())
    }

    /// Writes the end of a job, if nobody has, and takes it off the list.
    pub(super) fn end(&self, id: SchedulerJobId, end: &End) -> Result<(), ReachError> {
        write_fact(&self.job(id).join(END), end)?;
        files::remove(&self.active_entry(id))
    }

    /// Holds the lock of turns until the file is dropped.
    pub(super) fn lock(&self) -> Result<File, ReachError> {
        let path = self.root.join("turn.lock");
        let refused = |error: std::io::Error| ReachError::from_io(&error, "locking", &path);
        let file = OpenOptions::new().create(true).truncate(false).write(true).open(&path).map_err(refused)?;
        flock(&file, FlockOperation::LockExclusive).map_err(|error| refused(error.into()))?;
        Ok(file)
    }
}

/// Reads one fact.
pub(super) fn read_fact<Fact: DeserializeOwned>(path: &Path) -> Result<Option<Fact>, ReachError> {
    let Some(bytes) = files::read(path, FACT_LIMIT)? else { return Ok(None) };
    serde_json::from_slice(&bytes).map(Some).map_err(|error| {
        ReachError::new(reach::ReachErrorKind::Other, Retry::Never, format!("reading {}", path.display()))
            .with("cause", error)
    })
}

/// Writes one fact, if nobody has written it.
pub(super) fn write_fact<Fact: Serialize>(path: &Path, fact: &Fact) -> Result<reach::Published, ReachError> {
    let bytes = serde_json::to_vec(fact).expect("facts are plain records");
    files::write_once(path, &bytes)
}
