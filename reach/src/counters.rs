//! Counts of what is dear: synced writes and started processes, for the benchmark that prints them.

use std::sync::atomic::{AtomicU64, Ordering};

static SYNCS: AtomicU64 = AtomicU64::new(0);
static PROCESSES: AtomicU64 = AtomicU64::new(0);

/// What this process has cost so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Calls of fsync(2), of files and of directories.
    pub syncs: u64,
    /// Processes started.
    pub processes: u64,
}

impl Counters {
    /// What was added since an earlier count.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Self {
        Self { syncs: self.syncs - earlier.syncs, processes: self.processes - earlier.processes }
    }
}

/// The present counts of this process, all threads together.
pub fn counters() -> Counters {
    Counters { syncs: SYNCS.load(Ordering::Relaxed), processes: PROCESSES.load(Ordering::Relaxed) }
}

pub(crate) fn count_sync() {
    SYNCS.fetch_add(1, Ordering::Relaxed);
}

pub(crate) fn count_process() {
    PROCESSES.fetch_add(1, Ordering::Relaxed);
}
