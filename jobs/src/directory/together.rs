//! The first records of many jobs, made with one visit to the disk for some of them. What stands where is as for one job, and
//! each record is a file of its own, whole or not there; only the directories that got names are synced once for all.

use super::{
    record::Intent,
    store::{MOST_GENERATIONS, State, own, parse, record, unreadable},
};
use crate::{error::JobsError, provenance::Provenance, reached::reached};
use model::JobId;
use reach::{DirectoryMode, Making, Published};

/// A name under a request: the job of its submission number so and so.
pub(crate) struct Claim<'a> {
    /// The request.
    pub(crate) digest: &'a str,
    /// Which submission of it.
    pub(crate) generation: u32,
    /// The job that it becomes, unless it is one already.
    pub(crate) id: JobId,
}

/// What came of writing what is written once.
pub(crate) enum Written<T> {
    /// It is ours, and nobody had been there before.
    New,
    /// Somebody was first; this is theirs.
    Existing(T),
}

impl State {
    /// Makes each id the job of its request's submission, or tells which job already is.
    pub(crate) async fn claim(&self, claims: &[Claim<'_>]) -> Result<Vec<Written<JobId>>, JobsError> {
        let what = "the job was not submitted";
        if claims.iter().any(|claim| claim.generation > MOST_GENERATIONS) {
            let why = format!("it was submitted {MOST_GENERATIONS} times already");
            return Err(JobsError::usage(what, why, "change the job's name"));
        }
        let folder = |claim: &Claim<'_>| self.root().join("requests").join(claim.digest);
        let path = |claim: &Claim<'_>| folder(claim).join(claim.generation.to_string());
        let mut makings = self.folder_makings("requests");
        for claim in claims {
            makings.push(Making::Directories(folder(claim), own(self.mode())));
            makings.push(Making::File(path(claim), claim.id.to_string().into_bytes()));
        }
        let made = reached(self.files().make(makings).await, what)?;
        let of = |(claim, published): (&Claim<'_>, Published)| match published {
            Published::New => Ok(Written::New),
            Published::Existing(bytes) => {
                let id = String::from_utf8_lossy(&bytes).trim().parse();
                id.map(Written::Existing).map_err(|_| unreadable(&path(claim), "it holds no job id"))
            }
        };
        claims.iter().zip(made).map(of).collect()
    }

    /// Makes the directories of fresh jobs with their intents; where another process was first, theirs.
    pub(crate) async fn put_intents(&self, intents: &[Intent]) -> Result<Vec<Written<Intent>>, JobsError> {
        let path = |intent: &Intent| self.job(intent.id).path().join("intent.json");
        let mut makings = self.folder_makings("jobs");
        for intent in intents {
            makings.extend(self.job(intent.id).folder_makings());
            makings.push(Making::File(path(intent), record("intent.json", intent)?));
        }
        let made = reached(self.files().make(makings).await, "the job directory was not written")?;
        let of = |(intent, published)| match published {
            Published::New => Ok(Written::New),
            Published::Existing(bytes) => parse(&path(intent), &bytes).map(Written::Existing),
        };
        intents.iter().zip(made).map(of).collect()
    }

    /// Writes records of what jobs are made of, and batch scripts of jobs, each unless it is there.
    pub(crate) async fn put_scripts(
        &self,
        records: Vec<(JobId, Provenance)>,
        scripts: Vec<(JobId, String)>,
    ) -> Result<(), JobsError> {
        let mut makings = self.provenance_makings(&records)?;
        let of = |(id, text): (JobId, String)| Making::File(self.job(id).script(), text.into_bytes());
        makings.extend(scripts.into_iter().map(of));
        let made = self.files().make(makings).await;
        reached(made, "the job directory was not written").map(drop)
    }

    /// A folder in which each member of a group has their own: nobody moves another's away.
    pub(super) fn folder_makings(&self, name: &str) -> Vec<Making> {
        let mode = if self.mode() == DirectoryMode::Group { DirectoryMode::GroupSticky } else { self.mode() };
        let root = self.root().to_owned();
        let folder = root.join(name);
        vec![Making::Directories(root, self.mode()), Making::Directories(folder, mode)]
    }
}
