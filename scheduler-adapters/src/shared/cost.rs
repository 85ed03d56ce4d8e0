//! What questions cost, counted by source.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// What a process asked one source, and what came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cost {
    /// The source: a command of the scheduler's, or the way that answered in its place.
    pub source: &'static str,
    /// How many questions and requests.
    pub questions: u64,
    /// How many of them were not answered.
    pub unanswered: u64,
    /// How many lines or records came.
    pub lines: u64,
    /// How many bytes came; none where that is not counted.
    pub bytes: Option<u64>,
    /// How long they took together.
    pub taken: Duration,
}

/// Counts; any number of questions at once.
#[derive(Debug, Default)]
pub(crate) struct Tally(Mutex<BTreeMap<&'static str, Cost>>);

/// A question under way.
#[derive(Debug)]
pub(crate) struct Asking {
    source: &'static str,
    since: Instant,
    pub(crate) lines: u64,
    pub(crate) bytes: Option<u64>,
}

impl Asking {
    /// Begins; bytes are not counted until some are.
    pub(crate) fn of(source: &'static str) -> Self {
        Self { source, since: Instant::now(), lines: 0, bytes: None }
    }

    /// More came.
    pub(crate) fn came(&mut self, piece: &[u8]) {
        self.lines += memchr::memchr_iter(b'\n', piece).count() as u64;
        self.bytes = Some(self.bytes.unwrap_or(0) + piece.len() as u64);
    }
}

impl Tally {
    /// Counts a question that is over.
    pub(crate) fn count(&self, asking: &Asking, was_answered: bool) {
        let mut costs = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let cost = costs.entry(asking.source).or_default();
        cost.source = asking.source;
        cost.questions += 1;
        cost.unanswered += u64::from(!was_answered);
        cost.lines += asking.lines;
        cost.bytes = asking.bytes.map_or(cost.bytes, |bytes| Some(cost.bytes.unwrap_or(0) + bytes));
        cost.taken += asking.since.elapsed();
    }

    /// What was counted so far, by name.
    pub(crate) fn costs(&self) -> Vec<Cost> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn questions_are_counted_by_source() {
        let tally = Tally::default();
        for (source, piece, was_answered) in
            [("squeue", Some("a\nb\n"), true), ("squeue", Some("c\n"), false), ("pakt-slurm", None, true)]
        {
            let mut asking = Asking::of(source);
            if let Some(piece) = piece {
                asking.came(piece.as_bytes());
            }
            tally.count(&asking, was_answered);
        }
        let told: Vec<_> = tally
            .costs()
            .into_iter()
            .map(|cost| (cost.source, cost.questions, cost.unanswered, cost.lines, cost.bytes))
            .collect();
        assert_eq!(told, [("pakt-slurm", 1, 0, 0, None), ("squeue", 2, 1, 3, Some(6))]);
    }
}
