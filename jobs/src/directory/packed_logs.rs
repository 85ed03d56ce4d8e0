//! The logs of a sweep's links, packed when its directory is sealed: each link has one, or one for each cell, and a thousand of them are
//! a thousand files. They lie in archives of their own, `logs.1.tar` and so on, each written once and read back before a log is removed.

use super::{
    JobDirectory,
    archive::{Archive, LONGEST_ARCHIVE, PackedFile, room_of},
    seal::{LARGEST_PACKED, MOST_PACKED},
    store::unreadable,
};
use crate::{
    error::{Gravity, JobsError},
    reached::reached,
};
use reach::Entry;

/// The most archives of one job; what has no room in them stays as it lies.
const MOST_ARCHIVES: u32 = 100;
const WHAT: &str = "the logs of the job were sealed in part";

impl JobDirectory {
    /// Packs these logs, and removes what is packed; whether anything was removed. A larger one stays.
    pub(super) async fn pack_logs(&self, logs: &[(String, Entry)]) -> Result<bool, JobsError> {
        let mut loose: Vec<&(String, Entry)> = logs.iter().filter(|(_, entry)| entry.bytes <= LARGEST_PACKED).collect();
        let mut has_removed = false;
        for number in 1..=MOST_ARCHIVES {
            if loose.is_empty() {
                break;
            }
            let archive = match self.log_archive(number).await? {
                Some(archive) => archive,
                None => self.publish_logs(number, &loose).await?,
            };
            let mut left = Vec::new();
            for log in loose {
                if self.remove_log(&log.0, &archive).await? {
                    has_removed = true;
                } else {
                    left.push(log);
                }
            }
            loose = left;
        }
        Ok(has_removed)
    }

    /// A log that was packed, by its path in the directory; none where it is in no archive.
    pub(crate) async fn packed_log(&self, name: &str) -> Result<Option<Vec<u8>>, JobsError> {
        let mut found = None;
        for number in 1..=MOST_ARCHIVES {
            let Some(archive) = self.log_archive(number).await? else { break };
            // A link that was started again later has a later log.
            found = archive.file(name).map(<[u8]>::to_vec).or(found);
        }
        Ok(found)
    }

    async fn log_archive(&self, number: u32) -> Result<Option<Archive>, JobsError> {
        let path = self.path().join(format!("logs.{number}.tar"));
        let read = reached(self.files().read(&path, LONGEST_ARCHIVE).await, "the job directory was not read")?;
        read.map(|bytes| Archive::read(&bytes).map_err(|why| unreadable(&path, &why))).transpose()
    }

    /// Publishes an archive of as many of these as it has room for, and reads it back; of several at once the first one counts.
    async fn publish_logs(&self, number: u32, logs: &[&(String, Entry)]) -> Result<Archive, JobsError> {
        let bug = |why: String| JobsError::new(Gravity::Bug, WHAT, why, "nothing was removed; please report it");
        let (mut archive, mut room) = (Archive::default(), MOST_PACKED);
        for (path, entry) in logs {
            let Some(rest) = room.checked_sub(room_of(entry.bytes)) else { break };
            let limit = usize::try_from(LARGEST_PACKED).unwrap_or(0);
            if let Some(bytes) = reached(self.files().read(&self.path().join(path), limit).await, WHAT)? {
                room = rest;
                archive.add(path.clone(), PackedFile { mode: entry.mode, modified_at: entry.modified_at, bytes });
            }
        }
        let bytes = archive.to_bytes().map_err(|error| bug(error.to_string()))?;
        reached(self.files().write_once(&self.path().join(format!("logs.{number}.tar")), &bytes).await, WHAT)?;
        let written = self.log_archive(number).await?;
        written.ok_or_else(|| bug("its archive was written and is not there".to_owned()))
    }

    /// Removes a log that the archive holds, byte by byte the same.
    async fn remove_log(&self, name: &str, archive: &Archive) -> Result<bool, JobsError> {
        let Some(packed) = archive.file(name) else { return Ok(false) };
        let path = self.path().join(name);
        let limit = usize::try_from(LARGEST_PACKED).unwrap_or(0);
        if reached(self.files().read(&path, limit).await, WHAT)?.is_none_or(|bytes| bytes != packed) {
            return Ok(false);
        }
        reached(self.files().remove(&path).await, WHAT)?;
        Ok(true)
    }
}
