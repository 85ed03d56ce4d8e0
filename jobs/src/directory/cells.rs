//! What happened to the cells of a sweep: lines that each start of a link appends (`templates/src/scripts/sweep.sh.j2`).

use super::{JobDirectory, markers::Attempt, store::own};
use crate::{error::JobsError, reached::reached};
use model::{LinkNumber, Timestamp};
use serde::Serialize;
use std::collections::BTreeMap;

/// The folder of notes about cells that another job took over.
const GIVEN_AWAY: &str = "given-away";
/// The longest record of one start, in bytes.
const LONGEST: usize = 4 * 1024 * 1024;

/// What became of a cell with its last start.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CellRecord {
    /// When that was.
    pub started_at: Option<Timestamp>,
    /// What its program returned; none where it has not ended, or was ended with its job.
    pub exit_code: Option<u32>,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// Behind how many bytes of its log it began.
    pub log_begins_behind_bytes: Option<u64>,
    /// Where its part of the log ends.
    pub log_ends_behind_bytes: Option<u64>,
    /// Whether an earlier start, or this one, has done it.
    pub is_done: bool,
    /// Whether the job that it was started in may still be at it.
    pub may_run: bool,
}

impl JobDirectory {
    /// The cells that each of these links started, by their numbers from 1; links that began are named with their attempts.
    pub(crate) async fn cell_records(
        &self,
        attempts: &BTreeMap<LinkNumber, Vec<Attempt>>,
    ) -> Result<Vec<(LinkNumber, BTreeMap<usize, CellRecord>)>, JobsError> {
        let all: Vec<_> =
            attempts.iter().flat_map(|(link, of_link)| of_link.iter().map(move |it| (*link, it))).collect();
        let name = |(link, attempt): &(LinkNumber, &Attempt)| {
            let Attempt { scheduler_job, restart, .. } = attempt;
            self.of_link(*link).in_link(&format!("attempts/{scheduler_job}-{restart}/cells"))
        };
        let names: Vec<String> = all.iter().map(name).collect();
        let mut records: Vec<(LinkNumber, BTreeMap<usize, CellRecord>)> = Vec::new();
        for ((link, attempt), bytes) in all.into_iter().zip(self.each_file(&names, LONGEST).await?) {
            if records.last().is_none_or(|(last, _)| *last != link) {
                records.push((link, BTreeMap::new()));
            }
            if let (Some((_, records)), Some(bytes)) = (records.last_mut(), bytes) {
                take_in(&String::from_utf8_lossy(&bytes), attempt.ended_at.is_none(), records);
            }
        }
        Ok(records)
    }
}

impl JobDirectory {
    /// Notes that these cells of this job are another's from now on, whose request has this digest: no start of a link begins them.
    pub(crate) async fn give_away(&self, digest: &str, cells: &[usize]) -> Result<(), JobsError> {
        const WHAT: &str = "it was not written down who has the cells";
        let folder = self.path().join(GIVEN_AWAY);
        reached(self.files().create_directories(&folder, own(self.mode())).await, WHAT)?;
        let text: String = cells.iter().map(|cell| format!("given {cell}\n")).collect();
        reached(self.files().write_once(&folder.join(digest), text.as_bytes()).await, WHAT).map(drop)
    }

    /// The requests that took cells of this job over, by their digests.
    pub(crate) async fn given_away(&self) -> Result<Vec<String>, JobsError> {
        let names = self.names(GIVEN_AWAY).await?;
        Ok(names.into_iter().filter(|name| !name.starts_with('.')).collect())
    }
}

/// Takes in the lines of one start: `started CELL SECONDS - BYTES` and `ended CELL CODE SECONDS BYTES`. What is neither is left out:
/// a line may have been cut.
fn take_in(text: &str, may_run: bool, records: &mut BTreeMap<usize, CellRecord>) {
    for line in text.lines() {
        let words: Vec<&str> = line.split(' ').collect();
        let [kind, cell, first, second, bytes] = words[..] else { continue };
        let Ok(cell) = cell.parse::<usize>() else { continue };
        let instant = |text: &str| text.parse().ok().map(Timestamp::from_epoch_seconds);
        let was_done = records.get(&cell).is_some_and(|record| record.is_done);
        match kind {
            "started" => {
                let started_at = instant(first);
                let fresh = CellRecord {
                    started_at,
                    exit_code: None,
                    ended_at: None,
                    log_begins_behind_bytes: bytes.parse().ok(),
                    log_ends_behind_bytes: None,
                    is_done: was_done,
                    may_run,
                };
                records.insert(cell, fresh);
            }
            "ended" => {
                let (Ok(code), Some(record)) = (first.parse::<u32>(), records.get_mut(&cell)) else { continue };
                record.exit_code = Some(code);
                record.ended_at = instant(second);
                record.is_done |= code == 0;
                record.log_ends_behind_bytes = bytes.parse().ok();
                record.may_run = false;
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_a_start_has_done_stays_done_and_the_last_start_tells_the_rest() {
        let mut records = BTreeMap::new();
        take_in(
            "started 1 10 - 0\nended 1 0 12 5\nstarted 2 12 - 5\nended 2 3 13 9\nstarted 3 14 - 9\n",
            false,
            &mut records,
        );
        take_in("started 2 20 - 9\nended 2 0 22 9\nstarted 3 22 - 9\nended 3\nstarted 1 23 - 9\n", true, &mut records);
        let told: Vec<_> = records.iter().map(|(cell, it)| (*cell, it.is_done, it.exit_code, it.may_run)).collect();
        assert_eq!(told, [(1, true, None, true), (2, true, Some(0), false), (3, false, None, true)]);
    }

    proptest! {
        #[test]
        fn any_text_is_answered_without_panic(text in "((started|ended) [0-9]{1,25} [0-9]{1,22} [0-9-]{1,4} [0-9]|.|\n){0,40}") {
            let mut records = BTreeMap::new();
            take_in(&text, true, &mut records);
            prop_assert!(records.values().all(|record| !record.is_done || record.exit_code.is_none_or(|code| code == 0) || !record.may_run));
        }
    }
}
