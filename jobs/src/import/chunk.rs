//! What was read since the last post.

use ledger::Command;

/// So many runs are posted at once.
pub(super) const CHUNK: usize = 10_000;
/// So many chunks wait for the ledger.
pub(super) const WAITING: usize = 1;

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
    pub(super) bytes: u64,
}

impl Chunk {
    pub(super) const fn is_full(&self) -> bool {
        self.commands.len() >= CHUNK || self.rejected.len() >= CHUNK
    }

    /// Where the run of a command stands, in words in front of what is said about it.
    pub(super) fn place(&self, command: usize) -> String {
        self.lines.get(command).map(|line| format!("line {line}: ")).unwrap_or_default()
    }
}
