//! The record: `provenance.json` of a job.

use model::{Sha256, Timestamp};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// What a job was made of, when it was submitted. Of a chain it is that of all its links.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Provenance {
    /// Version of this record.
    pub version: u32,
    /// When it was written.
    pub at: Timestamp,
    /// What wrote it: `pakt 0.1.0`.
    pub made_by: String,
    /// The scheduler's release, where it said one.
    pub scheduler: Option<String>,
    /// The site's profile, by which it was placed.
    pub profile: Option<Profile>,
    /// The digest of its request.
    pub request: String,
    /// Its batch script as it was written, of a chain the first link's.
    pub script: Option<Bytes>,
    /// The repositories of its code.
    pub repositories: Vec<Repository>,
    /// The code that it brings; none where it runs what lies there when it starts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub frozen: Option<FrozenCode>,
    /// Its container image.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container: Option<Image>,
    /// The modules that it asked for, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub modules: Vec<String>,
}

/// Bytes that are kept elsewhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bytes {
    /// How many.
    pub bytes: u64,
    /// Their SHA-256.
    pub sha256: Sha256,
}

/// A site's profile.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Profile {
    /// The file, as it is named.
    pub file: String,
    /// Its text.
    #[serde(flatten)]
    pub text: Bytes,
}

/// Why a repository is written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RepositoryRole {
    /// The job starts in it.
    Workdir,
    /// The job file, or the script, lies in it.
    JobFile,
    /// The job file names it.
    Named,
    /// A variable of the job reaches it: `PYTHONPATH`, or a bind of its container.
    Variable,
}

/// On which machine a tree lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Machine {
    /// Where jobs run.
    Site,
    /// Where the command was typed, which is not at the site.
    Submitter,
}

/// A repository of the job's code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Repository {
    /// Why it is written down.
    pub roles: Vec<RepositoryRole>,
    /// The folder that led to it, as it was named.
    pub folder: String,
    /// On which machine it lies.
    pub machine: Machine,
    /// From which host it was looked at.
    pub host: String,
    /// What was seen.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub tree: Option<Tree>,
    /// Why nothing was, where nothing was: git is not there, or it is no repository.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub not_seen: Option<NotSeen>,
}

/// Why nothing is known of a repository.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct NotSeen(pub String);

/// A working tree as it was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tree {
    /// Its top.
    pub root: PathBuf,
    /// The commit that is checked out; none before the first one.
    pub commit: Option<String>,
    /// Its branch; none where no branch is checked out.
    pub branch: Option<String>,
    /// Where it was fetched from, without who and by which secret.
    pub remote: Option<String>,
    /// Whether the tree was as committed, untracked files aside.
    pub is_clean: bool,
    /// How many tracked files were not.
    pub changed: u64,
    /// Their difference to the commit, as `git diff HEAD --binary` prints it; none where there is none, or it is not kept.
    pub diff: Option<Change>,
    /// Files that git neither tracks nor ignores.
    pub untracked: Untracked,
}

/// The difference of a tree to its commit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Change {
    /// It is kept.
    Kept {
        /// In this file below the folder of the jobs.
        file: String,
        /// Its bytes.
        #[serde(flatten)]
        content: Bytes,
    },
    /// It is not, and why.
    NotKept {
        /// Why.
        not_kept: String,
    },
}

/// Files that git neither tracks nor ignores.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Untracked {
    /// How many there are, folders of them counted once.
    pub count: u64,
    /// The first of them.
    pub first: Vec<UntrackedFile>,
}

/// A file that git neither tracks nor ignores, or a folder of such files, which ends in `/`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UntrackedFile {
    /// Its name below the top of the tree.
    pub name: String,
    /// Its size in bytes; none for a folder, and where it was gone when it was looked at.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub bytes: Option<u64>,
}

/// Code that a job brings with it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FrozenCode {
    /// The archive, below the folder of the jobs.
    pub file: String,
    /// Its bytes.
    #[serde(flatten)]
    pub content: Bytes,
    /// How many files are in it.
    pub files: u64,
    /// The folder in it in which the job starts; empty for its top.
    pub folder: String,
}

/// A container image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Image {
    /// As the job file names it.
    pub named: String,
    /// The file that was meant; none for an address, and where only the node knows.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub path: Option<PathBuf>,
    /// Its size in bytes.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub bytes: Option<u64>,
    /// When it was last written.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub modified_at: Option<Timestamp>,
    /// Its digest.
    #[serde(flatten)]
    pub digest: ImageDigest,
}

/// The digest of an image, or why there is none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ImageDigest {
    /// Of all of its bytes, or as its address says.
    Sha256(Sha256),
    /// Why it was not taken.
    NotTaken(String),
}

impl Repository {
    /// What was seen of it, with the folder of the jobs in front of what is kept.
    pub fn kept_change(&self) -> Option<(&str, &Bytes)> {
        match &self.tree.as_ref()?.diff {
            Some(Change::Kept { file, content }) => Some((file, content)),
            _ => None,
        }
    }
}
