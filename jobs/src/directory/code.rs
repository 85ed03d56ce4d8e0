//! What jobs were made of and share: archives of code, differences of trees, digests of images. Each is a file named by its own
//! digest, in a folder of the person's own, so that a thousand jobs of one tree keep it once; records name it, and nobody is
//! asked to believe it: whoever reads it again looks at the digest.

use super::store::{JobDirectory, State};
use crate::{error::JobsError, provenance::Provenance, reached::reached};
use model::{JobId, UserName};
use reach::{Making, Published, ReachErrorKind};
use std::path::PathBuf;

const NOT_KEPT: &str = "what the job is made of was not written down";

impl State {
    /// The name of such a file below this folder.
    pub(crate) fn code_file(user: &UserName, name: &str) -> String {
        format!("code/{user}/{name}")
    }

    /// The path of a file that a record names below this folder.
    pub(crate) fn path_of(&self, file: &str) -> PathBuf {
        self.root().join(file)
    }

    /// Keeps a file of code unless it is there.
    pub(crate) async fn put_code(&self, user: &UserName, name: &str, bytes: &[u8]) -> Result<(), JobsError> {
        let path = self.path_of(&Self::code_file(user, name));
        if reached(self.files().modified_at(&path).await, NOT_KEPT)?.is_some() {
            return Ok(());
        }
        // What is not committed, of whatever tree, is nobody else's to read.
        let folder = self.root().join("code").join(user.as_str());
        self.create_private_folder("code", &folder, NOT_KEPT).await?;
        match self.files().write_once(&path, bytes).await {
            // Another process was first, and it is longer than what is read of it to tell.
            Err(error) if error.kind == ReachErrorKind::TooLong => Ok(()),
            written => reached(written, NOT_KEPT).map(drop),
        }
    }

    /// Reads a file of code; none where it is not there.
    pub(crate) async fn code(&self, user: &UserName, name: &str, limit: usize) -> Result<Option<Vec<u8>>, JobsError> {
        let read = self.files().read(&self.path_of(&Self::code_file(user, name)), limit).await;
        reached(read, "what the job was made of was not read")
    }

    /// The files of such records.
    pub(super) fn provenance_makings(&self, records: &[(JobId, Provenance)]) -> Result<Vec<Making>, JobsError> {
        let path = |id: JobId| self.job(id).path().join(JobDirectory::PROVENANCE);
        records.iter().map(|(id, record)| Ok(Making::File(path(*id), JobDirectory::bytes(record)?))).collect()
    }

    /// Writes the records of fresh jobs, each unless it is there; what stands there afterwards.
    pub(crate) async fn put_provenances(
        &self,
        records: Vec<(JobId, Provenance)>,
    ) -> Result<Vec<Provenance>, JobsError> {
        let made = reached(self.files().make(self.provenance_makings(&records)?).await, NOT_KEPT)?;
        let of = |((id, ours), published): ((JobId, Provenance), Published)| match published {
            Published::New => Ok(ours),
            Published::Existing(bytes) => self.job(id).read_provenance(&bytes),
        };
        records.into_iter().zip(made).map(of).collect()
    }
}

impl JobDirectory {
    /// The name of the record.
    const PROVENANCE: &str = "provenance.json";

    fn bytes(record: &Provenance) -> Result<Vec<u8>, JobsError> {
        super::store::record(Self::PROVENANCE, record)
    }

    fn read_provenance(&self, bytes: &[u8]) -> Result<Provenance, JobsError> {
        super::store::parse(&self.path().join(Self::PROVENANCE), bytes)
    }

    /// What the modules were that an attempt had loaded; none where its script wrote none.
    pub(crate) async fn modules(&self, attempt: &str) -> Result<Option<Vec<String>>, JobsError> {
        const LONGEST: usize = 64 * 1024;
        let bytes = self.file(&self.in_link(&format!("attempts/{attempt}/modules")), LONGEST).await?;
        Ok(bytes.map(|bytes| String::from_utf8_lossy(&bytes).lines().map(str::to_owned).collect()))
    }

    /// A person's own script as it was handed over; none where it was sent as it lay.
    pub(crate) async fn kept_script_text(&self) -> Result<Option<Vec<u8>>, JobsError> {
        self.file("slurm_script", super::store::LONGEST_RECORD).await
    }

    /// What a program wrote down of its checkpoints.
    pub(crate) async fn checkpoint_list(&self) -> Result<Option<Vec<u8>>, JobsError> {
        self.file("checkpoints", super::store::LONGEST_RECORD).await
    }

    /// The batch script of this link as it lies there, or in the archive.
    pub(crate) async fn script_text(&self) -> Result<Option<Vec<u8>>, JobsError> {
        let script = self.script();
        let name = script.strip_prefix(self.path()).unwrap_or(&script).to_string_lossy().into_owned();
        self.file(&name, super::store::LONGEST_RECORD).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use reach::{DirectoryMode, Local};
    use std::{os::unix::fs::PermissionsExt, sync::Arc};

    #[tokio::test]
    async fn a_file_is_kept_once_however_long_it_is_and_nobody_but_its_owner_writes_there() {
        let folder = tempfile::tempdir().expect("a folder");
        let state = State::new(folder.path().to_path_buf(), DirectoryMode::Group, Arc::new(Local));
        let user: UserName = "ada".parse().expect("a user");
        let long = vec![7; reach::PUBLISHED_LIMIT + 1];
        for _ in 0..2 {
            state.put_code(&user, "long.tar", &long).await.expect("kept");
        }
        assert_eq!(state.code(&user, "long.tar", long.len()).await.expect("read"), Some(long));
        assert_eq!(state.code(&user, "other.tar", 1).await.expect("read"), None);
        let mode = |path: &str| folder.path().join(path).metadata().expect("there").permissions().mode() & 0o7777;
        assert_eq!((mode("code"), mode("code/ada") & 0o777), (0o3770, 0o700));
    }
}
