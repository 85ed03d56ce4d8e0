//! What was read since the last post.

use crate::settle::{goes_on_after_its_limit, named, said_limit};
use ledger::Command;
use model::{AccountName, ClusterName, Run, Timestamp};
use std::collections::BTreeMap;

/// So many runs are posted at once.
pub(super) const CHUNK: usize = 10_000;
/// So many chunks wait for the ledger.
pub(super) const WAITING: usize = 1;

/// When the first run began that had not ended.
pub(super) type RunningSince = BTreeMap<(ClusterName, Option<AccountName>), Timestamp>;

/// Notes one more.
pub(super) fn add_running(known: &mut RunningSince, of: (ClusterName, Option<AccountName>), since: Timestamp) {
    known.entry(of).and_modify(|first| *first = since.min(*first)).or_insert(since);
}

/// What was read since the last one.
#[derive(Default)]
pub(super) struct Chunk {
    pub(super) commands: Vec<Command>,
    /// The lines of a file that they stand in; none of an answer.
    pub(super) lines: Vec<u64>,
    /// Rows that could not be read: which, and why.
    pub(super) rejected: Vec<String>,
    pub(super) steps: u64,
    pub(super) not_started: u64,
    pub(super) running: u64,
    /// Since when, by cluster and account.
    pub(super) running_since: RunningSince,
    /// Those of them that go on long after their limit: which, and for how long.
    pub(super) runaway: Vec<String>,
    pub(super) bytes: u64,
}

impl Chunk {
    /// Whether it has as many runs, or rows that are told of, as are posted at once.
    pub(super) const fn is_full(&self, most: usize) -> bool {
        self.commands.len() >= most || self.rejected.len() >= most || self.runaway.len() >= most
    }

    /// Counts a run that has not ended, which stands in this line where it is one of a file.
    pub(super) fn add_running(&mut self, run: &Run, line: Option<u64>) {
        self.running += 1;
        if goes_on_after_its_limit(run) {
            self.runaway.push(format!("{}{}", in_line(line), still_there(run)));
        }
        add_running(&mut self.running_since, (run.key.cluster.clone(), run.account.clone()), run.started_at);
    }

    /// Where the run of a command stands, in words in front of what is said about it.
    pub(super) fn place(&self, command: usize) -> String {
        in_line(self.lines.get(command).copied())
    }
}

fn in_line(line: Option<u64>) -> String {
    line.map(|line| format!("line {line}: ")).unwrap_or_default()
}

/// A run without an end, with how long it goes on by then.
fn still_there(run: &Run) -> String {
    let limit = said_limit(run.time_limit).map_or_else(|| "no limit".to_owned(), |limit| format!("a limit of {limit}"));
    format!("{}: accounting says that it runs, for {} by then, with {limit}", named(&run.key), run.elapsed)
}
