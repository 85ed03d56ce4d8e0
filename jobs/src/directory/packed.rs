//! What the links of a sweep leave, packed when its directory is sealed: each link has a log, or one for each cell, and each start of an
//! evaluation has results, and a thousand of them are thousands of files. They lie in archives of their own, `logs.1.tar` and
//! `results.1.tar` and so on, each written once and read back before a file is removed.

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
use model::Timestamp;
use reach::Entry;
use std::collections::BTreeMap;

/// The most archives of one job; what has no room in them stays as it lies.
const MOST_ARCHIVES: u32 = 100;
const WHAT: &str = "the job was sealed in part";

/// What is packed together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Packing {
    Logs,
    Results,
}

impl Packing {
    fn archive(self, number: u32) -> String {
        let word = match self {
            Self::Logs => "logs",
            Self::Results => "results",
        };
        format!("{word}.{number}.tar")
    }
}

impl JobDirectory {
    /// Packs these files, and removes what is packed; whether anything was removed. A larger one stays.
    pub(super) async fn pack_files(&self, packing: Packing, files: &[(String, Entry)]) -> Result<bool, JobsError> {
        let has_room = |(name, entry): &&(String, Entry)| entry.bytes <= LARGEST_PACKED && Archive::takes(name);
        let mut loose: Vec<&(String, Entry)> = files.iter().filter(has_room).collect();
        let mut has_removed = false;
        for number in 1..=MOST_ARCHIVES {
            if loose.is_empty() {
                break;
            }
            let archive = match self.packed_archive(packing, number).await? {
                Some(archive) => archive,
                None => match self.publish_packed(packing, number, &loose).await? {
                    Some(archive) => archive,
                    None => break,
                },
            };
            let mut left = Vec::new();
            for file in loose {
                if self.remove_packed(&file.0, &archive).await? {
                    has_removed = true;
                } else {
                    left.push(file);
                }
            }
            loose = left;
        }
        Ok(has_removed)
    }

    /// Whether such files were packed.
    pub(super) async fn has_packed(&self, packing: Packing) -> Result<bool, JobsError> {
        let first = self.path().join(packing.archive(1));
        Ok(reached(self.files().modified_at(&first).await, WHAT)?.is_some())
    }

    /// A log that was packed, by its path in the directory; none where it is in no archive.
    pub(crate) async fn packed_log(&self, name: &str) -> Result<Option<Vec<u8>>, JobsError> {
        let mut found = None;
        for number in 1..=MOST_ARCHIVES {
            let Some(archive) = self.packed_archive(Packing::Logs, number).await? else { break };
            // A link that was started again later has a later log.
            found = archive.file(name).map(<[u8]>::to_vec).or(found);
        }
        Ok(found)
    }

    /// The results that were packed and have such a name, by their paths in the directory, each with when it was written.
    pub(crate) async fn packed_results(
        &self,
        is_wanted: impl Fn(&str) -> bool,
    ) -> Result<BTreeMap<String, (Timestamp, Vec<u8>)>, JobsError> {
        let mut found = BTreeMap::new();
        for number in 1..=MOST_ARCHIVES {
            let Some(archive) = self.packed_archive(Packing::Results, number).await? else { break };
            found.extend(
                archive
                    .into_files()
                    .filter(|(name, _)| is_wanted(name))
                    .map(|(name, file)| (name, (file.modified_at, file.bytes))),
            );
        }
        Ok(found)
    }

    async fn packed_archive(&self, packing: Packing, number: u32) -> Result<Option<Archive>, JobsError> {
        let path = self.path().join(packing.archive(number));
        let read = reached(self.files().read(&path, LONGEST_ARCHIVE).await, "the job directory was not read")?;
        read.map(|bytes| Archive::read(&bytes).map_err(|why| unreadable(&path, &why))).transpose()
    }

    /// Publishes an archive of as many of these as it has room for, and reads it back; of several at once the first one counts. None where
    /// nothing of them is there any more.
    async fn publish_packed(
        &self,
        packing: Packing,
        number: u32,
        files: &[&(String, Entry)],
    ) -> Result<Option<Archive>, JobsError> {
        let bug = |why: String| JobsError::new(Gravity::Bug, WHAT, why, "nothing was removed; please report it");
        let (mut archive, mut room) = (Archive::default(), MOST_PACKED);
        for (path, entry) in files {
            let Some(rest) = room.checked_sub(room_of(entry.bytes)) else { break };
            let limit = usize::try_from(LARGEST_PACKED).unwrap_or(0);
            if let Some(bytes) = reached(self.files().read(&self.path().join(path), limit).await, WHAT)? {
                room = rest;
                archive.add(path.clone(), PackedFile { mode: entry.mode, modified_at: entry.modified_at, bytes });
            }
        }
        if archive.is_empty() {
            return Ok(None);
        }
        let bytes = archive.to_bytes().map_err(|error| bug(error.to_string()))?;
        reached(self.files().write_once(&self.path().join(packing.archive(number)), &bytes).await, WHAT)?;
        let written = self.packed_archive(packing, number).await?;
        written.map(Some).ok_or_else(|| bug("its archive was written and is not there".to_owned()))
    }

    /// Removes a file that the archive holds, byte by byte the same.
    async fn remove_packed(&self, name: &str, archive: &Archive) -> Result<bool, JobsError> {
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
