//! The checkpoints that a program says it wrote: a line `STEP PATH` each in the file that `PAKT_CHECKPOINTS` names.
//!
//! The last one that is there counts, whatever its step: whoever goes back to an earlier one appends it again. The batch script of
//! a chain reads the list by the same rules (`templates/src/scripts/chain.sh.j2`), and a test gives both the same lists.

use super::JobDirectory;
use crate::{error::JobsError, reached::reached};
use std::{fmt, path::PathBuf, str::FromStr};

const NAME: &str = "checkpoints";
/// How much of the list's end is read, in bytes.
const TAIL: usize = 256 * 1024;
/// The longest path, in bytes (`PATH_MAX` of Linux).
const LONGEST_PATH: usize = 4096;
/// The longest step, in digits.
const MOST_DIGITS: usize = 18;
/// So many of the last lines are looked at: a site may have cleaned up, and asking for each may be a way to another host.
const MOST_LOOKED_AT: usize = 50;

/// A checkpoint.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Checkpoint {
    /// The step after which it was written.
    pub step: u64,
    /// Where it lies, from the root.
    pub path: PathBuf,
}

/// What is left of the checkpoints that a program named.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Checkpoints {
    /// The last one that is there.
    pub last: Option<Checkpoint>,
    /// How many were named after it and are gone.
    pub gone: u64,
}

impl Checkpoint {
    /// Reads the lines of a list, the last one first. A line without its end is none yet, and one that is no step and path
    /// from the root is passed over.
    fn read(list: &[u8]) -> impl Iterator<Item = Self> {
        let whole = list.iter().rposition(|byte| *byte == b'\n').map_or(&[][..], |end| &list[..end]);
        let lines: Vec<&[u8]> = whole.split(|byte| *byte == b'\n').collect();
        lines.into_iter().rev().filter_map(Self::of_line)
    }

    /// All of a list, the first one first.
    pub(super) fn in_order(list: &[u8]) -> Vec<Self> {
        let mut all: Vec<Self> = Self::read(list).collect();
        all.reverse();
        all
    }

    fn of_line(line: &[u8]) -> Option<Self> {
        let (step, path) = std::str::from_utf8(line).ok()?.split_once(' ')?;
        let is_path = path.starts_with('/') && path.len() <= LONGEST_PATH && !path.contains(char::is_control);
        let is_number = step.len() <= MOST_DIGITS && step.bytes().all(|byte| byte.is_ascii_digit());
        let step = step.parse().ok().filter(|_| is_number && is_path)?;
        Some(Self { step, path: PathBuf::from(path) })
    }
}

/// Why a text is no checkpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckpointError(String);

impl std::error::Error for CheckpointError {}

impl fmt::Display for CheckpointError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "`{}` is no step and path from the root, such as `300:/work/checkpoints/300.pt`", self.0)
    }
}

impl FromStr for Checkpoint {
    type Err = CheckpointError;

    /// Reads `STEP:PATH`, by the rules of a line of the list.
    fn from_str(text: &str) -> Result<Self, CheckpointError> {
        let line = text.split_once(':').map(|(step, path)| format!("{step} {path}"));
        line.and_then(|line| Self::of_line(line.as_bytes())).ok_or_else(|| CheckpointError(text.to_owned()))
    }
}

impl JobDirectory {
    /// Begins the list with a checkpoint of an earlier job, unless it was begun.
    pub(crate) async fn begin_checkpoints(&self, first: &Checkpoint) -> Result<(), JobsError> {
        let line = format!("{} {}\n", first.step, first.path.display());
        let written = self.files().write_once(&self.path().join(NAME), line.as_bytes()).await;
        reached(written, "the list of the job's checkpoints was not begun").map(drop)
    }

    /// The list, of a longer one so many bytes of its end from the start of a line on; empty where there is none.
    pub(super) async fn list_of_checkpoints(&self, longest: usize) -> Result<Vec<u8>, JobsError> {
        const DOING: &str = "the list of the job's checkpoints was not read";
        let from = i64::try_from(longest).unwrap_or(i64::MAX);
        let read = self.files().read_part(&self.path().join(NAME), -from, longest).await;
        let Some(part) = reached(read, DOING)? else {
            let archive = self.archive().await?;
            return Ok(archive.as_ref().and_then(|archive| archive.file(NAME)).unwrap_or_default().to_vec());
        };
        if part.total_bytes <= part.bytes.len() as u64 {
            return Ok(part.bytes);
        }
        let cut = part.bytes.iter().position(|byte| *byte == b'\n').map_or(part.bytes.len(), |end| end + 1);
        Ok(part.bytes[cut..].to_vec())
    }

    /// The last checkpoint that the job's program named and that is there.
    pub async fn checkpoints(&self) -> Result<Checkpoints, JobsError> {
        let list = self.list_of_checkpoints(TAIL).await?;
        let named: Vec<Checkpoint> = Checkpoint::read(&list).take(MOST_LOOKED_AT).collect();
        let mut found = Checkpoints::default();
        for checkpoint in named {
            let modified = self.files().modified_at(&checkpoint.path).await;
            if reached(modified, "a checkpoint of the job was not looked for")?.is_some() {
                found.last = Some(checkpoint);
                break;
            }
            found.gone += 1;
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(list: &[u8]) -> Vec<(u64, String)> {
        Checkpoint::read(list).map(|one| (one.step, one.path.display().to_string())).collect()
    }

    #[test]
    fn whole_lines_of_a_step_and_a_path_count_and_the_last_comes_first() {
        let list = b"100 /work/ckpt/100.pt\n200 /work/with space/200.pt\nnonsense\n-1 /x\n+3 /x\n5 relative\n\n300 /work/ckpt/30";
        let expected = [(200, "/work/with space/200.pt".to_owned()), (100, "/work/ckpt/100.pt".to_owned())];
        assert_eq!(read(list), expected);
        let steps: Vec<u64> = Checkpoint::in_order(list).iter().map(|one| one.step).collect();
        assert_eq!(steps, [100, 200]);
        // Who goes back appends an earlier one again.
        assert_eq!(read(b"300 /c\n100 /a\n")[0], (100, "/a".to_owned()));
    }

    #[test]
    fn a_checkpoint_that_a_person_names_is_read_as_a_line_of_the_list() {
        let named: Checkpoint = "300:/work/a b:c.pt".parse().expect("a checkpoint");
        assert_eq!((named.step, named.path.display().to_string()), (300, "/work/a b:c.pt".to_owned()));
        for text in ["", "300", "300:", "300:relative", "x:/a", "-1:/a", ":/a", "300 /a"] {
            assert!(text.parse::<Checkpoint>().is_err(), "{text}");
        }
    }

    #[test]
    fn what_is_too_long_too_large_or_no_text_is_no_checkpoint() {
        let long = format!("1 /{}\n", "x".repeat(LONGEST_PATH));
        for list in
            [long.as_bytes(), b"99999999999999999999999 /x\n", b"1 /\xff\n", b"1 /a\tb\n", b"1  /x\n", b"", b"\n"]
        {
            assert_eq!(read(list), [], "{}", String::from_utf8_lossy(list));
        }
    }

    proptest! {
        #[test]
        fn a_line_that_is_cut_anywhere_names_no_path_that_was_not_named(cut in 0..40_usize) {
            let list = b"100 /work/a.pt\n2000 /work/bb.pt\n30 /work/c\n";
            let cut = cut.min(list.len());
            let whole = read(list);
            prop_assert!(read(&list[..cut]).iter().all(|one| whole.contains(one)));
        }

        #[test]
        fn any_bytes_are_answered_without_panic(list in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _read: Vec<Checkpoint> = Checkpoint::read(&list).collect();
        }
    }
}
