//! Packs a working tree for a job that brings its code: what git tracks, and what it neither tracks nor ignores, as it lies
//! there, in one archive.

use super::{
    git,
    record::{Bytes, NotSeen},
};
use reach::{Command, Reach, ReachErrorKind};
use std::{collections::BTreeSet, path::Path, time::Duration};

/// The largest archive, in bytes: each job unpacks one.
const MOST_BYTES: u64 = 64 * 1024 * 1024;
/// The most files in it: each costs an inode for each job.
const MOST_FILES: usize = 20_000;
const TIME_LIMIT: Duration = Duration::from_mins(5);
/// The longest list of files, in bytes.
const LONGEST_LIST: usize = 16 * 1024 * 1024;

/// A packed tree.
#[derive(Debug)]
pub(super) struct Packed {
    pub(super) archive: Vec<u8>,
    pub(super) content: Bytes,
    pub(super) files: u64,
    /// The names of the files, from `./` on.
    names: Vec<Vec<u8>>,
}

impl Packed {
    /// Whether it holds a folder: a link on the way to it has nothing below itself in an archive.
    pub(super) fn has_folder(&self, below: &str) -> bool {
        let begin = [b"./", below.trim_end_matches('/').as_bytes(), b"/"].concat();
        below.is_empty() || self.names.iter().any(|name| name.starts_with(&begin))
    }
}

/// Packs the tree; where it cannot be, why.
pub(super) async fn pack(place: &dyn Reach, root: &Path) -> Result<Packed, String> {
    let names = names(place, root).await.map_err(|NotSeen(why)| why)?;
    let there = there(place, root, &names).await?;
    let bytes = there.iter().fold(0_u64, |sum, (bytes, _)| sum.saturating_add(*bytes));
    if there.len() > MOST_FILES {
        return Err(format!("its tree has {} files, and at most {MOST_FILES} are packed", there.len()));
    }
    if bytes > MOST_BYTES {
        let largest = there.iter().max_by_key(|(bytes, _)| *bytes).map(|(_, name)| String::from_utf8_lossy(name));
        let largest = largest.map(|name| format!("; the largest is `{}`", name.trim_start_matches("./")));
        return Err(format!(
            "its tree has {} MiB, and at most {} are packed{}",
            bytes / (1024 * 1024),
            MOST_BYTES / (1024 * 1024),
            largest.unwrap_or_default()
        ));
    }
    let archive = archive(place, root, &there).await?;
    let content = Bytes::of(&archive);
    let files = there.len().try_into().unwrap_or(u64::MAX);
    Ok(Packed { archive, content, files, names: there.into_iter().map(|(_, name)| name).collect() })
}

/// What git tracks, submodules included, and what it neither tracks nor ignores.
async fn names(place: &dyn Reach, root: &Path) -> Result<BTreeSet<Vec<u8>>, NotSeen> {
    let tracked = git::answer(place, root, &["ls-files", "-z", "--cached", "--recurse-submodules"]).await?;
    let others = git::answer(place, root, &["ls-files", "-z", "--others", "--exclude-standard"]).await?;
    let names = tracked.split(|byte| *byte == 0).chain(others.split(|byte| *byte == 0));
    Ok(names.filter(|name| !name.is_empty()).map(|name| [b"./", name].concat()).collect())
}

/// Those of the names that are plain files or links there, with their sizes: a tracked file may have been removed.
async fn there(place: &dyn Reach, root: &Path, names: &BTreeSet<Vec<u8>>) -> Result<Vec<(u64, Vec<u8>)>, String> {
    let command = Command::new("xargs")
        .arguments(["-0", "-r", "stat", "--printf=%f %s %n\\0", "--"])
        .standard_input(names.iter().flat_map(|name| [name.as_slice(), &[0]].concat()).collect::<Vec<u8>>())
        .without(["LC_*", "LANG", "LANGUAGE"])
        .variable("LC_ALL", "C")
        .directory(root)
        .time_limit(TIME_LIMIT)
        .output_limit(LONGEST_LIST);
    let output = place.run(&command).await.map_err(|error| error.to_string())?;
    // 123: one of them was not there (xargs(1), "EXIT STATUS"), or could not be looked at.
    let said = output.stderr_text();
    let other = said.lines().find(|line| !line.trim().is_empty() && !line.ends_with("No such file or directory"));
    if output.timed_out || !matches!(output.status, Some(0 | 123)) || other.is_some() {
        let why = other.map_or_else(|| format!("stat {}", output.ending()), str::to_owned);
        return Err(format!("its files were not looked at: {why}"));
    }
    Ok(output.stdout.split(|byte| *byte == 0).filter_map(entry).filter(|(_, name)| names.contains(name)).collect())
}

/// `MODE SIZE NAME` of a plain file or a link (inode(7): 0100000 and 0120000).
fn entry(line: &[u8]) -> Option<(u64, Vec<u8>)> {
    let mut parts = line.splitn(3, |byte| *byte == b' ');
    let (mode, bytes, name) = (parts.next()?, parts.next()?, parts.next()?);
    let mode = u32::from_str_radix(std::str::from_utf8(mode).ok()?, 16).ok()?;
    let bytes = std::str::from_utf8(bytes).ok()?.parse().ok()?;
    matches!(mode & 0o170_000, 0o100_000 | 0o120_000).then(|| (bytes, name.to_vec()))
}

/// The archive; the same files with the same dates make the same bytes. Whose they are is nobody's wish.
async fn archive(place: &dyn Reach, root: &Path, files: &[(u64, Vec<u8>)]) -> Result<Vec<u8>, String> {
    let command = Command::new("tar")
        .arguments(["--create", "--file=-", "--format=gnu", "--no-recursion", "--hard-dereference"])
        .arguments(["--owner=0", "--group=0", "--numeric-owner", "--null", "--files-from=-"])
        .standard_input(files.iter().flat_map(|(_, name)| [name.as_slice(), &[0]].concat()).collect::<Vec<u8>>())
        .without(["TAR_OPTIONS", "LC_*", "LANG"])
        .variable("LC_ALL", "C")
        .directory(root)
        .time_limit(TIME_LIMIT)
        // Each file has a header of a block and ends with one that is not full (POSIX pax(1)); a long name takes two more.
        .output_limit(usize::try_from(2 * MOST_BYTES).unwrap_or(usize::MAX));
    match place.run(&command).await {
        Ok(output) if output.succeeded() => Ok(output.stdout),
        Ok(output) => {
            let said = output.stderr_text();
            let said = said.lines().next().unwrap_or_default().to_owned();
            Err(format!("it was not packed, {}: {said}; it may have been changed meanwhile", output.ending()))
        }
        Err(error) if error.kind == ReachErrorKind::NotFound => Err("there is no tar to pack it".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::entry;
    use proptest::prelude::*;

    #[test]
    fn plain_files_and_links_are_packed_and_nothing_else() {
        for (line, wanted) in [
            ("81a4 12 ./a b", Some((12, "./a b"))),
            ("a1ff 3 ./link", Some((3, "./link"))),
            ("41ed 4096 ./folder", None),
            ("11a4 0 ./pipe", None),
            ("81a4 x ./a", None),
            ("", None),
        ] {
            let found = entry(line.as_bytes());
            let found = found.as_ref().map(|(bytes, name)| (*bytes, std::str::from_utf8(name).expect("text")));
            assert_eq!(found, wanted, "{line}");
        }
    }

    proptest! {
        #[test]
        fn any_line_is_answered(line in proptest::collection::vec(any::<u8>(), 0..60)) {
            let _ = entry(&line);
        }
    }
}
