//! The choices of this machine: one file for each time that a request was sent somewhere, written before anything is begun
//! there.

use crate::{
    error::{Gravity, JobsError},
    reached::reached,
};
use model::{JobSpec, SiteName, Timestamp};
use reach::{DirectoryMode, Published, Reach};
use serde::{Deserialize, Serialize};
use std::{path::PathBuf, sync::Arc};

/// Times that one request is sent somewhere.
const MOST_CHOICES: u32 = 10_000;

/// The folder of the choices.
pub struct Choices {
    root: PathBuf,
    files: Arc<dyn Reach>,
}

/// To which site a request goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Choice {
    pub(super) site: SiteName,
    pub(super) at: Timestamp,
}

impl Choices {
    /// The folder at `root` on this machine; it is made with the first choice.
    pub fn new(root: PathBuf, files: Arc<dyn Reach>) -> Self {
        Self { root, files }
    }

    /// The request without a site: the same for whichever site it goes to.
    pub(super) fn digest(spec: &JobSpec) -> String {
        blake3::hash(&serde_json::to_vec(spec).unwrap_or_default()).to_hex().to_string()
    }

    /// The last choice of a request, with its number.
    pub(super) async fn last(&self, digest: &str) -> Result<Option<(u32, Choice)>, JobsError> {
        let (folder, what) = (self.root.join(digest), "it was not looked up where the job was sent");
        let names = reached(self.files.list(&folder).await, what)?.unwrap_or_default();
        let last = names.iter().filter_map(|entry| entry.name.parse::<u32>().ok()).max();
        let Some(number) = last else { return Ok(None) };
        let bytes = reached(self.files.read(&folder.join(number.to_string()), 4096).await, what)?;
        self.parse(digest, number, &bytes.unwrap_or_default()).map(|choice| Some((number, choice)))
    }

    /// Makes this the choice of that number, or tells which one already is.
    pub(super) async fn put(&self, digest: &str, number: u32, choice: &Choice) -> Result<Choice, JobsError> {
        let what = "the job was not submitted";
        if number > MOST_CHOICES {
            let why = format!("it was submitted {MOST_CHOICES} times already");
            return Err(JobsError::usage(what, why, "change the job's name"));
        }
        let folder = self.root.join(digest);
        reached(self.files.create_directories(&folder, DirectoryMode::Private).await, what)?;
        let bytes = serde_json::to_vec(choice).unwrap_or_default();
        match reached(self.files.write_once(&folder.join(number.to_string()), &bytes).await, what)? {
            Published::New => Ok(choice.clone()),
            Published::Existing(bytes) => self.parse(digest, number, &bytes),
        }
    }

    fn parse(&self, digest: &str, number: u32, bytes: &[u8]) -> Result<Choice, JobsError> {
        serde_json::from_slice(bytes).map_err(|_| {
            let path = self.root.join(digest).join(number.to_string());
            let next = "look at the file; where the job is at no site, `--again` chooses anew";
            let what = "it is not known where the job was sent";
            JobsError::new(Gravity::Unknown, what, format!("`{}` names no site", path.display()), next)
        })
    }
}
