//! Reads and writes the state folder and its job directories.

use super::{
    archive::Archive,
    record::{Cancel, Ended, Intent, LinkArrays, Missed, ReadBack, Released, Sending, SubmittedNote, Unheld},
    together::{Claim, Written},
};
use crate::{
    error::{Gravity, JobsError},
    provenance::Provenance,
    reached::reached,
};
use model::{JobId, LinkNumber, Stamp, UserName};
use reach::{DirectoryMode, Making, Published, Reach};
use serde::{Serialize, de::DeserializeOwned};
use std::{
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
};

/// The longest record, in bytes; a job file of the longest length fits.
pub(super) const LONGEST_RECORD: usize = 4 * 1024 * 1024;
/// Submissions of one and the same request.
pub(super) const MOST_GENERATIONS: u32 = 10_000;
/// Calls of the scheduler for one job.
const MOST_SENDINGS: u32 = 10_000;

/// The folder that holds the jobs of one person or project at one site.
#[derive(Clone)]
pub struct State {
    root: PathBuf,
    mode: DirectoryMode,
    files: Arc<dyn Reach>,
}

/// One job's directory, seen from one of its links: what was sent and what ran is of that link. A job that is no chain has only the first.
#[derive(Clone)]
pub struct JobDirectory {
    id: JobId,
    link: LinkNumber,
    path: PathBuf,
    mode: DirectoryMode,
    files: Arc<dyn Reach>,
    state: State,
    /// Its archive, once it was read.
    sealed: Arc<OnceLock<Arc<Archive>>>,
}

/// What belongs to one job is written by its owner alone, because its owner's nodes run what lies there; a group may read.
pub(super) fn own(mode: DirectoryMode) -> DirectoryMode {
    if mode == DirectoryMode::Group { DirectoryMode::GroupReads } else { mode }
}

impl State {
    /// The state folder at `root`; it is made when the first job is.
    pub fn new(root: PathBuf, mode: DirectoryMode, files: Arc<dyn Reach>) -> Self {
        Self { root, mode, files }
    }

    /// Where it lies.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Who else may read what is made here.
    pub const fn mode(&self) -> DirectoryMode {
        self.mode
    }

    pub(super) fn files(&self) -> &dyn Reach {
        self.files.as_ref()
    }

    /// The directory of a job, there or not.
    pub fn job(&self, id: JobId) -> JobDirectory {
        let path = self.root.join("jobs").join(id.to_string());
        let (files, sealed) = (Arc::clone(&self.files), Arc::default());
        JobDirectory { id, link: LinkNumber::FIRST, path, mode: self.mode, files, state: self.clone(), sealed }
    }

    /// The directory of an array, by the id of the job of its task 0: script, log and notes of calls lie there as in that of
    /// a job.
    pub(super) fn array(&self, id: JobId) -> JobDirectory {
        JobDirectory { path: self.root.join("arrays").join(id.to_string()), ..self.job(id) }
    }

    /// Makes a folder in which each member of a group has their own.
    async fn create_folder(&self, name: &str, what: &str) -> Result<(), JobsError> {
        reached(self.files.make(self.folder_makings(name)).await, what).map(drop)
    }

    /// Makes a folder of one person's below the one of that name.
    pub(super) async fn create_own_folder(&self, name: &str, folder: &Path, what: &str) -> Result<(), JobsError> {
        self.create_folder(name, what).await?;
        reached(self.files.create_directories(folder, own(self.mode)).await, what)
    }

    /// Makes a folder below the one of that name that nobody but the person reads.
    pub(super) async fn create_private_folder(&self, name: &str, folder: &Path, what: &str) -> Result<(), JobsError> {
        self.create_folder(name, what).await?;
        reached(self.files.create_directories(folder, DirectoryMode::Private).await, what)
    }

    /// A person's own folder for scripts that the scheduler is only asked about; it is made where it is missing.
    pub async fn questions(&self, user: &UserName) -> Result<PathBuf, JobsError> {
        let folder = self.root.join("questions").join(user.as_str());
        self.create_private_folder("questions", &folder, "the script was not written").await?;
        Ok(folder)
    }

    /// The ids of all jobs, oldest first.
    pub async fn ids(&self) -> Result<Vec<JobId>, JobsError> {
        let names = reached(self.files.list(&self.root.join("jobs")).await, "the jobs were not listed")?;
        let mut ids: Vec<JobId> =
            names.unwrap_or_default().iter().filter_map(|entry| entry.name.parse().ok()).collect();
        ids.sort_unstable();
        Ok(ids)
    }

    /// The job that a request's last submission became, with the number of that submission.
    pub async fn last_of_request(&self, digest: &str) -> Result<Option<(u32, JobId)>, JobsError> {
        let directory = self.root.join("requests").join(digest);
        let names = reached(self.files.list(&directory).await, "the request was not looked up")?;
        let last = names.unwrap_or_default().iter().filter_map(|entry| entry.name.parse::<u32>().ok()).max();
        let Some(last) = last else { return Ok(None) };
        let path = directory.join(last.to_string());
        let bytes = reached(self.files.read(&path, 64).await, "the request was not looked up")?;
        let id = bytes.and_then(|bytes| String::from_utf8(bytes).ok()).and_then(|text| text.trim().parse().ok());
        id.map(|id| Some((last, id))).ok_or_else(|| unreadable(&path, "it holds no job id"))
    }

    /// Makes `id` the job of the request's submission number `generation`, or tells which job already is.
    pub async fn claim_request(&self, digest: &str, generation: u32, id: JobId) -> Result<JobId, JobsError> {
        match self.claim(&[Claim { digest, generation, id }]).await?.pop() {
            Some(Written::Existing(known)) => Ok(known),
            _ => Ok(id),
        }
    }
}

impl JobDirectory {
    /// Our id.
    pub const fn id(&self) -> JobId {
        self.id
    }

    /// The same directory, seen from another link.
    #[must_use]
    pub fn of_link(&self, link: LinkNumber) -> Self {
        Self { link, ..self.clone() }
    }

    /// The directory of an array of its links, by the one that its task 0 is, there or not: seen from no link.
    pub(super) fn array_of(&self, first: LinkNumber) -> Self {
        let path = self.path.join("arrays").join(first.to_string());
        Self { path, sealed: Arc::default(), ..self.of_link(LinkNumber::FIRST) }
    }

    /// Which link that is.
    pub const fn link(&self) -> LinkNumber {
        self.link
    }

    /// The mark of that link.
    pub const fn stamp(&self) -> Stamp {
        Stamp { job: self.id, link: self.link }
    }

    /// A name of what belongs to one link. Those of the first one lie beside what belongs to the whole job, as they do in a job that is no chain.
    fn of_this_link(&self, name: &str) -> String {
        if self.link == LinkNumber::FIRST { name.to_owned() } else { self.in_link(name) }
    }

    /// A name of what belongs to the whole job.
    #[allow(clippy::unused_self)] // Beside `of_this_link`.
    fn of_the_job(&self, name: &str) -> String {
        name.to_owned()
    }

    /// The path of what the batch script of this link writes.
    pub(super) fn in_link(&self, name: &str) -> String {
        format!("links/{}/{name}", self.link)
    }

    /// Where it lies.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The job's log, where the job file names no other.
    pub fn log(&self) -> PathBuf {
        self.path.join("log")
    }

    /// The batch script of this link.
    pub fn script(&self) -> PathBuf {
        self.path.join(self.of_this_link("script.sh"))
    }

    /// A person's own script as it was handed over, under the name that Slurm gives its copy: a program that looks at the
    /// name it was started by sees the same.
    pub fn kept_script(&self) -> PathBuf {
        self.path.join("slurm_script")
    }

    pub(super) fn files(&self) -> &dyn Reach {
        self.files.as_ref()
    }

    pub(super) const fn mode(&self) -> DirectoryMode {
        self.mode
    }

    pub(super) fn sealed(&self) -> &OnceLock<Arc<Archive>> {
        &self.sealed
    }

    /// Makes the directory and its folders.
    pub async fn create(&self) -> Result<(), JobsError> {
        let mut makings = self.state.folder_makings("jobs");
        makings.extend(self.folder_makings());
        reached(self.files.make(makings).await, "the job directory was not made").map(drop)
    }

    /// Its folders.
    pub(super) fn folder_makings(&self) -> Vec<Making> {
        let folder = |name: String| Making::Directories(self.path.join(name), own(self.mode));
        [self.of_this_link("sending"), self.in_link("attempts")].map(folder).into()
    }

    /// Writes the batch script unless it is there. The first one counts, also where a newer Pakt would write another:
    /// it may have been sent.
    pub async fn put_script(&self, text: &[u8]) -> Result<(), JobsError> {
        self.put_bytes(&self.script(), text).await
    }

    /// Writes the values of the cells of a sweep unless they are there.
    pub async fn put_cells(&self, text: &[u8]) -> Result<(), JobsError> {
        self.put_bytes(&self.path.join("cells"), text).await
    }

    /// Writes a person's own script unless it is there.
    pub async fn put_kept_script(&self, text: &[u8]) -> Result<(), JobsError> {
        self.put_bytes(&self.kept_script(), text).await
    }

    async fn put_bytes(&self, path: &Path, bytes: &[u8]) -> Result<(), JobsError> {
        reached(self.files.write_once(path, bytes).await, "the job directory was not written").map(drop)
    }

    pub(super) async fn put<T: Serialize + DeserializeOwned>(&self, name: &str, record: &T) -> Result<T, JobsError> {
        let (path, bytes) = (self.path.join(name), self::record(name, record)?);
        match reached(self.files.write_once(&path, &bytes).await, "the job directory was not written")? {
            Published::New => self.unless_sealed(name, &bytes).await,
            Published::Existing(bytes) => parse(&path, &bytes),
        }
    }

    /// What stands under a name that was free for us: our record, or the one that had been sealed before, which came first.
    async fn unless_sealed<T: DeserializeOwned>(&self, name: &str, ours: &[u8]) -> Result<T, JobsError> {
        let path = self.path.join(name);
        let Some(archive) = self.archive().await? else { return parse(&path, ours) };
        let Some(first) = archive.file(name) else { return parse(&path, ours) };
        reached(self.files.remove(&path).await, "the job directory was not written")?;
        parse(&path, first)
    }

    pub(super) async fn get<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, JobsError> {
        let bytes = self.file(name, LONGEST_RECORD).await?;
        bytes.map(|bytes| parse(&self.path.join(name), &bytes)).transpose()
    }

    /// Notes that the scheduler is about to be called; the number of the call.
    pub async fn note_sending(&self, sending: &Sending) -> Result<u32, JobsError> {
        let bytes = serde_json::to_vec(sending).unwrap_or_default();
        let mut number = 1;
        while number <= MOST_SENDINGS {
            let path = self.path.join(self.of_this_link(&format!("sending/{number}.json")));
            let written = self.files.write_once(&path, &bytes).await;
            if matches!(reached(written, "the job was not submitted")?, Published::New) {
                return Ok(number);
            }
            number = self.last_sending().await?.max(number) + 1;
        }
        let why = format!("the scheduler was called {MOST_SENDINGS} times for it");
        Err(JobsError::new(Gravity::Unknown, "the job was not submitted", why, format!("see `pakt show {}`", self.id)))
    }

    /// Notes that a call of the scheduler has ended, whatever came of it: whoever comes after need not wait for it.
    pub(crate) async fn end_sending(&self, number: u32) -> Result<(), JobsError> {
        let path = self.path.join(self.of_this_link(&format!("sending/{number}.over")));
        reached(self.files.write_once(&path, b"").await, "it was not noted that the call has ended").map(drop)
    }

    /// Whether that was noted of a call, by its number from 1.
    pub(crate) async fn sending_has_ended(&self, number: u32) -> Result<bool, JobsError> {
        Ok(self.file(&self.of_this_link(&format!("sending/{number}.over")), 1).await?.is_some())
    }

    /// The number of the last call of the scheduler that was noted here; 0 where none was.
    pub(crate) async fn last_sending(&self) -> Result<u32, JobsError> {
        let names = self.names(&self.of_this_link("sending")).await?;
        Ok(names.iter().filter_map(|name| name.strip_suffix(".json")?.parse().ok()).max().unwrap_or(0))
    }

    /// Removes the note that nobody knows the job.
    pub async fn forget_missed(&self) -> Result<(), JobsError> {
        let removed = self.files.remove(&self.path.join("missed.json")).await;
        reached(removed, "the job directory was not written")
    }

    /// Whether all that was handed to the scheduler claims its link before it does anything. A note of an older Pakt does not say so.
    pub(crate) async fn all_sent_claims(&self) -> Result<bool, JobsError> {
        for number in 1..=MOST_SENDINGS {
            match self.sending(number).await? {
                Some(sending) if !sending.claims => return Ok(false),
                Some(_) => {}
                None => break,
            }
        }
        Ok(true)
    }

    /// The note of a call of the scheduler, by its number from 1: for this link, or for the array that it is of.
    pub async fn sending(&self, number: u32) -> Result<Option<Sending>, JobsError> {
        match self.get(&self.of_this_link(&format!("sending/{number}.json"))).await? {
            Some(alone) => Ok(Some(alone)),
            None => self.sending_with_array(number).await,
        }
    }

    /// The scheduler's id as it was noted: for this link, or for the array that it was sent with.
    pub async fn noted(&self) -> Result<Option<SubmittedNote>, JobsError> {
        match self.noted_alone().await? {
            Some(alone) => Ok(Some(alone)),
            None => self.noted_with_array().await,
        }
    }
}

macro_rules! records {
    ($of:ident; $($get:ident, $put:ident: $type:ty = $name:literal;)*) => {
        impl JobDirectory {
            $(
                #[doc = concat!("Reads `", $name, "`; none where it is not there yet.")]
                pub async fn $get(&self) -> Result<Option<$type>, JobsError> {
                    self.get(&self.$of($name)).await
                }

                #[doc = concat!("Writes `", $name, "` unless it is there; what stands there afterwards.")]
                pub async fn $put(&self, record: &$type) -> Result<$type, JobsError> {
                    self.put(&self.$of($name), record).await
                }
            )*
        }
    };
}

records! {
    of_the_job;
    intent, put_intent: Intent = "intent.json";
    unheld, put_unheld: Unheld = "unheld.json";
    cancel, put_cancel: Cancel = "cancel.json";
    provenance, put_provenance: Provenance = "provenance.json";
    missed, put_missed: Missed = "missed.json";
    ended, put_ended: Ended = "ended.json";
    link_arrays, put_link_arrays: LinkArrays = "arrays.json";
}

records! {
    of_this_link;
    noted_alone, put_submitted: SubmittedNote = "submitted.json";
    read_back, put_read_back: ReadBack = "read-back.json";
    released, put_released: Released = "released.json";
}

/// A record as it lies on disk.
pub(super) fn record<T: Serialize>(name: &str, record: &T) -> Result<Vec<u8>, JobsError> {
    serde_json::to_vec_pretty(record).map_err(|error| {
        let next = "this is a defect of Pakt; please report it";
        JobsError::new(Gravity::Bug, format!("`{name}` was not written"), error.to_string(), next)
    })
}

pub(super) fn parse<T: DeserializeOwned>(path: &Path, bytes: &[u8]) -> Result<T, JobsError> {
    serde_json::from_slice(bytes).map_err(|error| unreadable(path, &damage(&error)))
}

pub(super) fn unreadable(path: &Path, why: &str) -> JobsError {
    let next = "look at the file; a newer Pakt may have written it, or the disk was full";
    JobsError::new(Gravity::Unknown, format!("`{}` was not understood", path.display()), why, next)
}

/// Where a record is not what Pakt writes; the parser speaks of its own states.
fn damage(error: &serde_json::Error) -> String {
    let what = match error.classify() {
        serde_json::error::Category::Eof => "it ends too early",
        serde_json::error::Category::Data => "a field in it is missing, or is not what this version writes there",
        serde_json::error::Category::Syntax | serde_json::error::Category::Io => "it is damaged",
    };
    format!("{what} (line {}, column {})", error.line(), error.column())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::directory::Released;
    use model::Timestamp;
    use reach::Local;

    #[tokio::test]
    async fn what_was_sent_is_of_a_link_and_what_was_asked_for_is_of_the_job() {
        let folder = tempfile::tempdir().expect("a folder");
        let state = State::new(folder.path().to_path_buf(), DirectoryMode::Private, Arc::new(Local));
        let first = state.job(JobId::from_parts(Timestamp::from_epoch_seconds(1_793_000_000), 1));
        let second = first.of_link(LinkNumber::new(2).expect("not 0"));
        for link in [&first, &second] {
            link.create().await.expect("made");
        }
        let told = Released { at: Timestamp::from_epoch_seconds(2) };
        second.put_released(&told).await.expect("written");
        assert_eq!((first.released().await.expect("read"), second.released().await.expect("read")), (None, Some(told)));
        assert_eq!(second.script(), first.path().join("links/2/script.sh"));
        assert_eq!(first.script(), first.path().join("script.sh"));
        assert!(first.path().join("links/2/sending").is_dir() && first.path().join("links/2/attempts").is_dir());
        let missed = Missed { at: Timestamp::from_epoch_seconds(3) };
        second.put_missed(&missed).await.expect("written");
        assert_eq!(first.missed().await.expect("read"), Some(missed), "of the whole job");
        assert_eq!((first.stamp().job, second.stamp().link.get()), (second.stamp().job, 2));
    }
}
