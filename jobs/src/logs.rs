//! `pakt logs`: a job's log, from its end, and what is added to it.

use crate::{
    error::{Gravity, JobsError},
    find::find,
    house::House,
    reached::reached,
    show::log_of,
};
use std::path::PathBuf;

/// The most that one reading returns, in bytes.
const PIECE: usize = 256 * 1024;

/// A log that is being read.
pub struct Log {
    path: PathBuf,
    at: u64,
}

impl Log {
    /// The log of the job that `text` names, from its last `tail` bytes on.
    pub async fn open(house: &House, text: &str, tail: u32) -> Result<Self, JobsError> {
        let intent = find(house, text).await?.intent;
        let intent = house.state.job(intent.id).intent().await?.unwrap_or(intent);
        let path = log_of(house, &intent).await?;
        let read = house.files.read_part(&path, 0, 0).await;
        let size = reached(read, "the log was not read")?.map_or(0, |part| part.total_bytes);
        Ok(Self { path, at: size.saturating_sub(u64::from(tail)) })
    }

    /// Where it lies.
    pub fn path(&self) -> &PathBuf {
        &self.path
    }

    /// What has come since the last reading; none where there is no log yet. A log that shrank is read from its start.
    pub async fn next(&mut self, house: &House) -> Result<Option<Vec<u8>>, JobsError> {
        let offset = i64::try_from(self.at).map_err(|_| {
            let why = "it is longer than 2^63 bytes";
            JobsError::new(Gravity::Usage, "the log was not read", why, "look at the file itself")
        })?;
        let read = house.files.read_part(&self.path, offset, PIECE).await;
        let Some(part) = reached(read, "the log was not read")? else { return Ok(None) };
        if part.total_bytes < self.at {
            self.at = 0;
            return Ok(Some(Vec::new()));
        }
        self.at += part.bytes.len() as u64;
        Ok(Some(part.bytes))
    }
}
