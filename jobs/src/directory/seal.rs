//! Seals the directory of a job that is over: its small files become one archive, because a file system with a quota of
//! inodes feels fifteen files a job. Its log stays as it is, and so does whatever Pakt and its script did not write; the logs of a
//! sweep's links, and the results of an evaluation where they are many, go into archives of their own (`packed`).
//!
//! The archive is published whole before the first file is removed, and a file is removed only where the archive, read
//! again, holds the same bytes. Whoever is killed leaves a directory that reads the same, and the next call goes on.

use super::{
    JobDirectory,
    archive::{Archive, LONGEST_ARCHIVE, PackedFile, room_of},
    packed::Packing,
    store::{LONGEST_RECORD, unreadable},
};
use crate::{
    error::{Gravity, JobsError},
    reached::reached,
};
use model::Timestamp;
use reach::{Entry, EntryKind};
use std::{collections::BTreeSet, sync::Arc};

/// The archive's name. The batch script looks for it, too (`templates/src/scripts/claim.sh.j2`).
const ARCHIVE: &str = "sealed.tar";
/// The largest file that is packed, in bytes; what is larger stays beside the archive.
pub(super) const LARGEST_PACKED: u64 = 1024 * 1024;
/// How much room is filled, in bytes: less than the longest archive that is read. The records of a thousand links, which have six to eight
/// small files each, have room in it.
pub(super) const MOST_PACKED: u64 = 15 * 1024 * 1024;
/// The most folders of a job that are looked through.
const MOST_FOLDERS: usize = 20_000;
/// What is packed, from the job directory down; `*` stands for any one name, or the rest of one.
const PACKED: [&str; 44] = [
    "arrays.json",
    "arrays/*/log",
    "arrays/*/script.sh",
    "arrays/*/sending/*",
    "arrays/*/sent/*",
    "bad-nodes",
    "cancel.json",
    "cells",
    "chain",
    "checkpoints",
    "done",
    "ended.json",
    "followers/*",
    "given-away/*",
    "intent.json",
    "links/*/attempts/*/cells",
    "links/*/attempts/*/ended",
    "links/*/attempts/*/heartbeat",
    "links/*/attempts/*/launched",
    "links/*/attempts/*/modules",
    "links/*/attempts/*/program",
    "links/*/attempts/*/progress",
    "links/*/attempts/*/progress.*",
    "links/*/attempts/*/served",
    "links/*/attempts/*/started",
    "links/*/attempts/*/stop",
    "links/*/behind",
    "links/*/claim/owner",
    "links/*/duplicates/*/owner",
    "links/*/read-back.json",
    "links/*/released.json",
    "links/*/script.sh",
    "links/*/sending/*",
    "links/*/submitted.json",
    "over",
    "provenance.json",
    "read-back.json",
    "released.json",
    "script.sh",
    "sending/*",
    "slurm_script",
    "submitted.json",
    "taken",
    "unheld.json",
];

/// The logs of a sweep's links.
const LOGS: [&str; 2] = ["links/*/log", "links/*/log.*"];
/// The results of an evaluation's starts, as deep as harnesses write them.
const RESULTS: [&str; 3] = ["results/*/*", "results/*/*/*", "results/*/*/*/*"];
/// So many files of results stay as they lie: whoever looks for them there finds them.
const FEW_RESULTS: usize = 20;

/// What came of an attempt to seal a directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sealing {
    /// It is sealed now.
    Done,
    /// It was before, and nothing was left to do.
    Known,
    /// It is not over, or something in it was written lately: somebody may still be at work there.
    InUse,
}

/// The files and folders of a job as they lie there.
#[derive(Default)]
struct Loose {
    /// Those that are packed, with their paths.
    files: Vec<(String, Entry)>,
    /// The logs of links, with their paths.
    logs: Vec<(String, Entry)>,
    /// The results of starts, with their paths.
    results: Vec<(String, Entry)>,
    /// The folders of the layout, those above first.
    folders: Vec<String>,
    /// What writers that were killed left under a temporary name.
    remains: Vec<(String, Entry)>,
    /// When anything there was last written, the log included.
    written_at: Option<Timestamp>,
}

impl JobDirectory {
    /// Seals the directory, or finishes what an earlier call began; nothing is done where the end was noted, or something
    /// in it was written, after `quiet_since`. The record itself is asked, because an index can be wrong. After `Ok` and
    /// after `Err` every record reads as before.
    pub async fn seal(&self, quiet_since: Timestamp) -> Result<Sealing, JobsError> {
        if self.ended().await?.is_none_or(|ended| ended.observed_at > quiet_since) {
            return Ok(Sealing::InUse);
        }
        let mut loose = self.loose().await?;
        let archive = self.archive().await?;
        // A half sealed directory has a new archive in it, and was quiet before.
        if archive.is_none() && loose.written_at.is_some_and(|written| written > quiet_since) {
            return Ok(Sealing::InUse);
        }
        let (archive, is_new) = match archive {
            Some(archive) => (archive, false),
            None => (self.publish(&self.pack(&loose).await?).await?, true),
        };
        loose.remains.retain(|(_, entry)| entry.modified_at <= quiet_since);
        loose.logs.retain(|(_, entry)| entry.modified_at <= quiet_since);
        let has_removed = self.clear(&loose, &archive).await?;
        let has_packed = self.pack_files(Packing::Logs, &loose.logs).await?;
        loose.results.retain(|(_, entry)| entry.modified_at <= quiet_since);
        let are_many = loose.results.len() > FEW_RESULTS || self.has_packed(Packing::Results).await?;
        let has_packed = are_many && self.pack_files(Packing::Results, &loose.results).await? || has_packed;
        let has_removed = self.clear_folders(&loose).await || has_packed || has_removed;
        Ok(if is_new || has_removed { Sealing::Done } else { Sealing::Known })
    }

    /// Whether the directory is sealed, all of it or so far.
    pub(crate) async fn is_sealed(&self) -> Result<bool, JobsError> {
        Ok(self.archive().await?.is_some())
    }

    /// The archive; none where the directory is not sealed.
    pub(super) async fn archive(&self) -> Result<Option<Arc<Archive>>, JobsError> {
        if let Some(known) = self.sealed().get() {
            return Ok(Some(Arc::clone(known)));
        }
        let path = self.path().join(ARCHIVE);
        let read = self.files().read(&path, LONGEST_ARCHIVE).await;
        let Some(bytes) = reached(read, "the job directory was not read")? else { return Ok(None) };
        self.keep_archive(&bytes).map(Some)
    }

    /// It is written once, so it may be kept; that there was none is not kept.
    fn keep_archive(&self, bytes: &[u8]) -> Result<Arc<Archive>, JobsError> {
        let archive = Archive::read(bytes).map_err(|why| unreadable(&self.path().join(ARCHIVE), &why))?;
        Ok(Arc::clone(self.sealed().get_or_init(|| Arc::new(archive))))
    }

    /// A file of the directory, as it lies there or from the archive. In this order: a file is removed after the archive
    /// is there, so that whoever misses the one finds the other.
    pub(super) async fn file(&self, name: &str, limit: usize) -> Result<Option<Vec<u8>>, JobsError> {
        Ok(self.first_file(&[name], limit).await?.map(|(_, bytes)| bytes))
    }

    /// Each of these files, as [`Self::file`] reads it, in their order.
    pub(super) async fn each_file(&self, names: &[String], limit: usize) -> Result<Vec<Option<Vec<u8>>>, JobsError> {
        let wanted: Vec<_> = names.iter().map(|name| (self.path().join(name), limit)).collect();
        let mut read = reached(self.files().read_each(&wanted).await, "the job directory was not read")?;
        if read.iter().any(Option::is_none)
            && let Some(archive) = self.archive().await?
        {
            for (bytes, name) in read.iter_mut().zip(names).filter(|(bytes, _)| bytes.is_none()) {
                *bytes = archive.file(name).map(<[u8]>::to_vec);
            }
        }
        Ok(read)
    }

    /// The names in each of these folders, as [`Self::names`] tells them.
    pub(super) async fn each_names(&self, folders: &[String]) -> Result<Vec<BTreeSet<String>>, JobsError> {
        let paths: Vec<_> = folders.iter().map(|folder| self.path().join(folder)).collect();
        let listed = reached(self.files().list_each(&paths).await, "the job directory was not read")?;
        let archive = self.archive().await?;
        let names = |(listed, folder): (Option<Vec<Entry>>, &String)| {
            let packed = archive.as_ref().map(|archive| archive.names_in(folder)).unwrap_or_default();
            packed.into_iter().chain(listed.into_iter().flatten().map(|entry| entry.name)).collect()
        };
        Ok(listed.into_iter().zip(folders).map(names).collect())
    }

    /// The first of these files that is there; which one it is.
    pub(super) async fn first_file(&self, names: &[&str], limit: usize) -> Result<Option<(usize, Vec<u8>)>, JobsError> {
        let mut wanted: Vec<_> = names.iter().map(|name| (self.path().join(name), limit)).collect();
        if self.sealed().get().is_none() {
            wanted.push((self.path().join(ARCHIVE), LONGEST_ARCHIVE));
        }
        let found = match reached(self.files().read_first(&wanted).await, "the job directory was not read")? {
            Some((place, bytes)) if place < names.len() => return Ok(Some((place, bytes))),
            found => found,
        };
        if let Some((_, bytes)) = found {
            self.keep_archive(&bytes)?;
        }
        let Some(archive) = self.sealed().get() else { return Ok(None) };
        let packed = names.iter().enumerate().find_map(|(place, name)| Some((place, archive.file(name)?.to_vec())));
        Ok(packed)
    }

    /// Whether its end was noted, or somebody has asked for it.
    pub(crate) async fn is_ended_or_cancelled(&self) -> Result<bool, JobsError> {
        Ok(self.first_file(&["ended.json", "cancel.json"], LONGEST_RECORD).await?.is_some())
    }

    /// The names in a folder of the directory, those in the archive included.
    pub(super) async fn names(&self, folder: &str) -> Result<Vec<String>, JobsError> {
        let listed = self.files().list(&self.path().join(folder)).await;
        let listed = reached(listed, "the job directory was not read")?.unwrap_or_default();
        let mut names = self.archive().await?.map(|archive| archive.names_in(folder)).unwrap_or_default();
        names.extend(listed.into_iter().map(|entry| entry.name));
        Ok(names.into_iter().collect())
    }

    /// Looks through the layout, folder by folder.
    async fn loose(&self) -> Result<Loose, JobsError> {
        let mut loose = Loose::default();
        let mut folders = vec![String::new()];
        // After all others: they may be many.
        let mut of_results = Vec::new();
        let mut next = 0;
        loop {
            if next == folders.len() {
                folders.append(&mut of_results);
            }
            let Some(folder) = folders.get(next).cloned().filter(|_| next < MOST_FOLDERS) else { break };
            next += 1;
            let listed = self.files().list(&self.path().join(&folder)).await;
            for entry in reached(listed, "the job was not sealed")?.unwrap_or_default() {
                let path = if folder.is_empty() { entry.name.clone() } else { format!("{folder}/{}", entry.name) };
                if entry.kind == EntryKind::File {
                    loose.written_at = loose.written_at.max(Some(entry.modified_at));
                }
                match (entry.kind, fit(&path)) {
                    (EntryKind::File, Some(Fit::File)) => loose.files.push((path, entry)),
                    (EntryKind::File, Some(Fit::Log)) => loose.logs.push((path, entry)),
                    (EntryKind::File, Some(Fit::Result)) => loose.results.push((path, entry)),
                    (EntryKind::File, None) if is_remains(&entry.name) => loose.remains.push((path, entry)),
                    (EntryKind::Directory, Some(Fit::Folder | Fit::Result)) if path.starts_with("results/") => {
                        of_results.push(path);
                    }
                    (EntryKind::Directory, Some(Fit::Folder)) => folders.push(path),
                    _ => {}
                }
            }
        }
        loose.folders = folders.into_iter().skip(1).collect();
        Ok(loose)
    }

    async fn pack(&self, loose: &Loose) -> Result<Archive, JobsError> {
        let mut archive = Archive::default();
        let mut room = MOST_PACKED;
        for (path, entry) in loose.files.iter().filter(|(_, entry)| entry.bytes <= LARGEST_PACKED) {
            let Some(rest) = room.checked_sub(room_of(entry.bytes)) else { continue };
            let read = self.files().read(&self.path().join(path), usize::try_from(LARGEST_PACKED).unwrap_or(0)).await;
            if let Some(bytes) = reached(read, "the job was not sealed")? {
                room = rest;
                let file = PackedFile { mode: entry.mode, modified_at: entry.modified_at, bytes };
                archive.add(path.clone(), file);
            }
        }
        Ok(archive)
    }

    /// Publishes the archive under its name and reads it back; of several at once the first one counts.
    async fn publish(&self, archive: &Archive) -> Result<Arc<Archive>, JobsError> {
        let what = "the job was not sealed";
        let bug = |why: String| JobsError::new(Gravity::Bug, what, why, "nothing was removed; please report it");
        let bytes = archive.to_bytes().map_err(|error| bug(error.to_string()))?;
        reached(self.files().write_once(&self.path().join(ARCHIVE), &bytes).await, what)?;
        self.archive().await?.ok_or_else(|| bug("its archive was written and is not there".to_owned()))
    }

    /// Removes what the archive holds, byte by byte the same; whether there was any.
    async fn clear(&self, loose: &Loose, archive: &Archive) -> Result<bool, JobsError> {
        let mut has_removed = false;
        let what = "the job was sealed in part";
        let limit = usize::try_from(LARGEST_PACKED).unwrap_or(0);
        for (path, _) in loose.files.iter().filter(|(_, entry)| entry.bytes <= LARGEST_PACKED) {
            let Some(packed) = archive.file(path) else { continue };
            let path = self.path().join(path);
            let is_packed = reached(self.files().read(&path, limit).await, what)?.is_some_and(|bytes| bytes == packed);
            if is_packed {
                reached(self.files().remove(&path).await, what)?;
                has_removed = true;
            }
        }
        for (path, _) in &loose.remains {
            reached(self.files().remove(&self.path().join(path)).await, what)?;
            has_removed = true;
        }
        Ok(has_removed)
    }

    /// Removes the folders that are empty; whether there was any.
    async fn clear_folders(&self, loose: &Loose) -> bool {
        let mut has_removed = false;
        for folder in loose.folders.iter().rev() {
            // One that holds something else stays.
            has_removed |= self.files().remove(&self.path().join(folder)).await.is_ok();
        }
        has_removed
    }
}

/// What a path is in the layout of a job directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fit {
    File,
    Log,
    Result,
    Folder,
}

/// Whether a name is a temporary one of [`Reach::write_once`](reach::Reach::write_once): `.ended.json.login01.77.0.tmp`.
fn is_remains(name: &str) -> bool {
    name.strip_suffix(".tmp").is_some_and(|rest| rest.starts_with('.'))
}

fn fit(path: &str) -> Option<Fit> {
    let begins = |part: &str, wanted: &str| wanted.strip_suffix('*').is_some_and(|begin| part.starts_with(begin));
    let fits = |(part, wanted): (&str, &str)| wanted == part || (begins(part, wanted) && !part.starts_with('.'));
    let packed = PACKED.iter().map(|pattern| (pattern, Fit::File));
    let logs = LOGS.iter().map(|pattern| (pattern, Fit::Log));
    let results = RESULTS.iter().map(|pattern| (pattern, Fit::Result));
    packed.chain(logs).chain(results).find_map(|(pattern, whole)| {
        let (parts, wanted) = (path.split('/').count(), pattern.split('/').count());
        let is_begun = parts <= wanted && path.split('/').zip(pattern.split('/')).all(fits);
        is_begun.then_some(if parts == wanted { whole } else { Fit::Folder })
    })
}

#[cfg(test)]
mod tests {
    use super::{Fit, fit};

    #[test]
    fn what_is_not_ours_is_not_packed() {
        for (path, wanted) in [
            ("intent.json", Some(Fit::File)),
            ("links/1/attempts/7-0/started", Some(Fit::File)),
            ("links/1", Some(Fit::Folder)),
            ("links/1/attempts/7-0", Some(Fit::Folder)),
            ("links/1/attempts/7-0/cache", None),
            ("links/1/attempts/7-0/progress.12", Some(Fit::File)),
            ("links/1/attempts/7-0/progress", Some(Fit::File)),
            ("links/1/claim.7.0", None),
            ("log", None),
            ("links/3/log", Some(Fit::Log)),
            ("links/3/log.12", Some(Fit::Log)),
            ("links/3/logs", None),
            ("results/3", Some(Fit::Folder)),
            ("results/3/mine.scores.json", Some(Fit::Result)),
            ("results/3/__models__7b/results_2026.json", Some(Fit::Result)),
            ("results/3/.mine.swp", None),
            ("results/3/a/b/c/d", None),
            ("core.1234", None),
            ("sealed.tar", None),
            ("sending/.1.json.login01.7.0.tmp", None),
            ("sending/1.json", Some(Fit::File)),
            ("sending/1.json/x", None),
        ] {
            assert_eq!(fit(path), wanted, "{path}");
        }
    }
}
