//! A job that is over as a research object: what was run, by whom, on what, and what came of it. Facts alone; how they are written
//! down is for whoever writes.

use crate::{JobId, JobName, ProjectName, Sha256, SiteName, Timestamp, Unit, UserName};

/// A job that is over, with the files that tell of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResearchObject {
    /// The job.
    pub job: JobId,
    /// Its name.
    pub name: JobName,
    /// Who paid.
    pub project: ProjectName,
    /// Where it ran.
    pub site: SiteName,
    /// Who ran it, by the name that the ledger has.
    pub person: UserName,
    /// When this was put together.
    pub made_at: Timestamp,
    /// When it first started; none where it never did.
    pub started_at: Option<Timestamp>,
    /// When it was over; none where nobody knows.
    pub ended_at: Option<Timestamp>,
    /// Why it failed, where it did.
    pub failure: Option<String>,
    /// What was run, as it was written.
    pub command: String,
    /// What put it together: `pakt 0.1.0`.
    pub made_by: String,
    /// What submitted it: the same of another version, maybe.
    pub submitted_by: Option<String>,
    /// The scheduler's release.
    pub scheduler: Option<String>,
    /// The repositories of its code, the one that it started in first.
    pub sources: Vec<ObjectSource>,
    /// Its container image.
    pub image: Option<ObjectImage>,
    /// The modules that it had loaded, or asked for.
    pub modules: Vec<String>,
    /// What it took.
    pub usage: Vec<ObjectUsage>,
    /// The files.
    pub files: Vec<ObjectFile>,
    /// Under which licence it is given away: its address; none where nobody said.
    pub license: Option<String>,
}

/// A repository at its commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectSource {
    /// Its name.
    pub name: String,
    /// Its address; none where it has none.
    pub remote: Option<String>,
    /// The commit; none before the first one.
    pub commit: Option<String>,
    /// Whether what was run was as committed.
    pub is_clean: bool,
}

/// A container image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectImage {
    /// As the job named it.
    pub name: String,
    /// Its digest, where it was taken.
    pub sha256: Option<Sha256>,
    /// Whether it is a file, as Apptainer and Singularity have them.
    pub is_file: bool,
}

/// So much of something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectUsage {
    /// How much, in hours: `12.5`.
    pub hours: String,
    /// Of what.
    pub unit: Unit,
}

/// What a file is to the job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ObjectFileRole {
    /// It went in.
    Input,
    /// It is the script that was run.
    Script,
    /// It came out.
    Result,
    /// It tells of it.
    Record,
}

/// A file of the object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectFile {
    /// Its name in the object.
    pub name: String,
    /// What it is, for people.
    pub title: String,
    /// What it is to the job.
    pub role: ObjectFileRole,
    /// Its media type.
    pub media_type: &'static str,
    /// Its size.
    pub bytes: u64,
    /// Its digest.
    pub sha256: Sha256,
}
