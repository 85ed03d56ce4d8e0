//! `pakt logs`: a job's log, from its end, and what is added to it.

use crate::{
    error::{Gravity, JobsError},
    find::find,
    house::House,
    reached::reached,
    show::log_of,
};
use reach::Part;
use std::path::{Path, PathBuf};

/// The most that one reading returns, in bytes.
const PIECE: usize = 256 * 1024;

/// How much is looked at in one step backwards, in bytes.
const BLOCK: u64 = 64 * 1024;
/// How far back lines are looked for, in bytes: a progress bar may write for days without a line's end.
const FARTHEST: u64 = 64 * 1024 * 1024;

/// Where the reading of a log begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Beginning {
    /// At its beginning.
    Start,
    /// So many lines before its end; a last one that has no end yet is one of them. In what is longer than 64 MiB, there.
    Lines(u32),
    /// So many bytes before its end.
    Bytes(u32),
}

/// A log that is being read.
pub struct Log {
    path: PathBuf,
    at: u64,
}

impl Log {
    /// The log of the job that `text` names.
    pub async fn open(house: &House, text: &str, from: Beginning) -> Result<Self, JobsError> {
        let intent = find(house, text).await?.intent;
        let intent = house.state.job(intent.id).intent().await?.unwrap_or(intent);
        let path = log_of(house, &intent).await?;
        let read = house.files.read_part(&path, 0, 0).await;
        let size = reached(read, "the log was not read")?.map_or(0, |part| part.total_bytes);
        let at = match from {
            Beginning::Start => 0,
            Beginning::Lines(count) => last_lines(house, &path, size, count).await?,
            Beginning::Bytes(count) => size.saturating_sub(u64::from(count)),
        };
        Ok(Self { path, at })
    }

    /// Where it lies.
    pub fn path(&self) -> &PathBuf {
        &self.path
    }

    /// What has come since the last reading; none where there is no log yet. A log that shrank is read from its start.
    pub async fn next(&mut self, house: &House) -> Result<Option<Vec<u8>>, JobsError> {
        let Some(part) = part(house, &self.path, self.at, PIECE).await? else { return Ok(None) };
        if part.total_bytes < self.at {
            self.at = 0;
            return Ok(Some(Vec::new()));
        }
        self.at += part.bytes.len() as u64;
        Ok(Some(part.bytes))
    }
}

/// Where the last `count` lines of a log of so many bytes begin: its ends of lines are counted from the end, block by block.
async fn last_lines(house: &House, path: &Path, size: u64, count: u32) -> Result<u64, JobsError> {
    let (mut end, mut left) = (size, count);
    let farthest = size.saturating_sub(FARTHEST);
    if count == 0 {
        return Ok(size);
    }
    while end > farthest {
        let start = end.saturating_sub(BLOCK).max(farthest);
        let length = usize::try_from(end - start).unwrap_or(PIECE);
        let Some(part) = part(house, path, start, length).await? else { break };
        let ends = part.bytes.iter().enumerate().rev().filter(|(_, byte)| **byte == b'\n');
        // The end of the last line begins no line.
        for behind in ends.map(|(at, _)| start + at as u64 + 1).filter(|behind| *behind < size) {
            left -= 1;
            if left == 0 {
                return Ok(behind);
            }
        }
        end = start;
    }
    Ok(farthest)
}

async fn part(house: &House, path: &Path, at: u64, limit: usize) -> Result<Option<Part>, JobsError> {
    let offset = i64::try_from(at).map_err(|_| {
        let why = "it is longer than 2^63 bytes";
        JobsError::new(Gravity::Usage, "the log was not read", why, "look at the file itself")
    })?;
    reached(house.files.read_part(path, offset, limit).await, "the log was not read")
}
