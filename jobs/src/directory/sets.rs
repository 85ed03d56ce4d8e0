//! What one call makes of many files, written down before the first of them is begun.

use super::{
    store::{JobDirectory, State, parse, unreadable},
    together::Written,
};
use crate::{
    error::{Gravity, JobsError},
    reached::reached,
};
use model::{JobId, Timestamp};
use reach::Published;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// The longest record of a set, in bytes: more than the most files of one call need.
const LONGEST_SET: usize = 4 * 1024 * 1024;

/// Many files of one call, in its order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct JobSet {
    /// Of this record.
    pub version: u32,
    /// When it was made.
    pub made_at: Timestamp,
    /// One for each file.
    pub members: Vec<SetMember>,
}

/// What the call makes of one file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SetMember {
    /// The digest of the file's request.
    pub digest: String,
    /// Which submission of that request it is; none where the call leaves the file out.
    pub generation: Option<u32>,
    /// Which task of an array its job is to be, where it is new and others are alike.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task: Option<SetTask>,
}

/// A task of an array that a call makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SetTask {
    /// The id of the job of task 0, which the array is known by.
    pub array: JobId,
    /// Its index.
    pub index: u32,
}

impl SetTask {
    /// The id of its job.
    pub(crate) const fn job(self) -> JobId {
        self.array.nth(self.index)
    }
}

/// The last set of a call.
pub(crate) struct LastSet {
    /// Which it is.
    pub(crate) number: u32,
    /// What it makes of each file.
    pub(crate) set: JobSet,
    /// Whether each of its jobs was submitted.
    pub(crate) is_done: bool,
}

impl State {
    fn set_folder(&self, digest: &str) -> PathBuf {
        self.root().join("sets").join(digest)
    }

    /// The last set of the call with this digest.
    pub(crate) async fn last_set(&self, digest: &str) -> Result<Option<LastSet>, JobsError> {
        let (folder, what) = (self.set_folder(digest), "the files of the call were not looked up");
        let names = reached(self.files().list(&folder).await, what)?.unwrap_or_default();
        let number = |name: &str| name.strip_suffix(".json").and_then(|number| number.parse::<u32>().ok());
        let Some(last) = names.iter().filter_map(|entry| number(&entry.name)).max() else { return Ok(None) };
        let path = folder.join(format!("{last}.json"));
        let Some(bytes) = reached(self.files().read(&path, LONGEST_SET).await, what)? else {
            return Err(unreadable(&path, "it is gone"));
        };
        let is_done = names.iter().any(|entry| entry.name == format!("{last}.done"));
        Ok(Some(LastSet { number: last, set: parse(&path, &bytes)?, is_done }))
    }

    /// Writes set number `number` of a call unless it is there.
    pub(crate) async fn put_set(&self, digest: &str, number: u32, set: &JobSet) -> Result<Written<JobSet>, JobsError> {
        let (folder, what) = (self.set_folder(digest), "the jobs were not submitted");
        self.create_own_folder("sets", &folder, what).await?;
        let bytes = serde_json::to_vec(set).map_err(|error| {
            JobsError::new(Gravity::Bug, what, error.to_string(), "this is a defect of Pakt; please report it")
        })?;
        let path = folder.join(format!("{number}.json"));
        match reached(self.files().write_once(&path, &bytes).await, what)? {
            Published::New => Ok(Written::New),
            Published::Existing(bytes) => parse(&path, &bytes).map(Written::Existing),
        }
    }

    /// The directory of an array, with its script unless that is there.
    pub(crate) async fn put_array(&self, array: JobId, script: &[u8]) -> Result<JobDirectory, JobsError> {
        let directory = self.array(array);
        let calls = directory.path().join("sending");
        self.create_own_folder("arrays", &calls, "the array was not submitted").await?;
        directory.put_script(script).await?;
        Ok(directory)
    }

    /// Notes that each job of a set was submitted, so that the same call later means a new set.
    pub(crate) async fn put_set_done(&self, digest: &str, number: u32) -> Result<(), JobsError> {
        let path = self.set_folder(digest).join(format!("{number}.done"));
        reached(self.files().write_once(&path, b"").await, "it was not noted that all jobs were submitted").map(drop)
    }
}
