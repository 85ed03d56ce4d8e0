//! What an import did: every row is in exactly one of the counts.

use super::{
    chunk::{Chunk, RunningSince, add_running},
    costs::Costs,
    seen::Seen,
};
use crate::settle::{Counts, NotTaken, named};
use ledger::{Command, ControlTotal, Coverage, Outcome, SettleOutcome};
use model::{AmountError, ClusterName, JobId, Run, SiteName, Stamp, Timestamp, Window};
use std::{collections::BTreeSet, io};

/// So many rows that were not taken in are listed, and so many names of clusters; all are counted.
const MOST_LISTED: usize = 100;

/// What an import did.
#[derive(Clone, Debug, serde::Serialize)]
pub struct ImportReport {
    /// Where.
    pub site: SiteName,
    /// The clusters of the runs.
    pub clusters: BTreeSet<ClusterName>,
    /// When accounting was asked.
    pub observed_at: Timestamp,
    /// From the first start of a run to the last end.
    pub window: Option<Window>,
    /// The digest of the file, or of the rows that accounting answered.
    pub digest: String,
    /// The length of what it is of.
    pub bytes: u64,
    /// Rows, those of steps left out.
    pub rows: u64,
    /// Rows of steps.
    pub steps: u64,
    /// Jobs without a start.
    pub not_started: u64,
    /// Runs that had not ended.
    pub running: u64,
    /// Those of them that went on long after their limit: accounting never heard of their end in all likelihood. None of them
    /// is charged before it has one.
    pub runaway: Listed,
    /// What became of the runs that had.
    #[serde(flatten)]
    pub counts: Counts,
    /// Runs that somebody pays for and nobody could price. They are in the books, and charged once they have a price.
    pub not_priced: Listed,
    /// Rows that were not taken in.
    pub rejected: Listed,
    /// What the runs cost, in each unit in which they have a price; each run once, however many rows tell of it.
    pub totals: Vec<ControlTotal>,
    /// Jobs whose hold was closed.
    pub closed: Vec<JobId>,
    /// What was noted as read.
    pub coverage: Vec<Coverage>,
    /// What else there is to say.
    pub notes: Vec<String>,
}

/// How many there are, and the first of them with the reason.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Listed {
    /// All of them.
    pub count: u64,
    /// The first ones.
    pub first: Vec<String>,
}

impl Listed {
    pub(crate) fn add(&mut self, what: impl FnOnce() -> String) {
        self.count += 1;
        if self.first.len() < MOST_LISTED {
            let letters = what();
            let shown = letters.chars().map(|letter| if letter.is_control() { '\u{fffd}' } else { letter });
            self.first.push(shown.collect());
        }
    }
}

impl ImportReport {
    /// Whether every row was taken in and counted.
    pub const fn is_complete(&self) -> bool {
        self.not_priced.count == 0 && self.rejected.count == 0
    }
}

/// Why what was posted could not be counted.
#[derive(Debug, thiserror::Error)]
pub(super) enum Uncounted {
    #[error(transparent)]
    TooLarge(#[from] AmountError),
    /// What is too much for the memory could not be put into a file.
    #[error(transparent)]
    Spilled(#[from] io::Error),
}

/// The counts so far.
#[derive(Default)]
pub(super) struct Tally {
    clusters: BTreeSet<ClusterName>,
    window: Option<Window>,
    bytes: u64,
    runs: u64,
    steps: u64,
    not_started: u64,
    running: u64,
    runaway: Listed,
    pub(super) running_since: RunningSince,
    counts: Counts,
    not_priced: Listed,
    rejected: Listed,
    costs: Costs,
    pub(super) seen: Seen,
    /// The earliest end of a run that the books rejected.
    pub(super) rejected_since: Option<Timestamp>,
}

impl Tally {
    /// Counts a chunk that was posted, where there is one, and lets go of it.
    pub(super) fn count_all(&mut self, posted: Option<(Chunk, Vec<Outcome>)>) -> Result<Vec<Stamp>, Uncounted> {
        posted.map_or(Ok(Vec::new()), |(chunk, outcomes)| self.count(&chunk, &outcomes))
    }

    /// Counts a chunk that was posted; the answer is the marks of the jobs whose runs the books rejected.
    pub(super) fn count(&mut self, chunk: &Chunk, outcomes: &[Outcome]) -> Result<Vec<Stamp>, Uncounted> {
        self.bytes += chunk.bytes;
        self.steps += chunk.steps;
        self.not_started += chunk.not_started;
        self.running += chunk.running;
        for (of, since) in &chunk.running_since {
            add_running(&mut self.running_since, of.clone(), *since);
        }
        for row in &chunk.rejected {
            self.rejected.add(|| row.clone());
        }
        for row in &chunk.runaway {
            self.runaway.add(|| row.clone());
        }
        let mut rejected = Vec::new();
        for (place, (command, outcome)) in chunk.commands.iter().zip(outcomes).enumerate() {
            let (Command::Settle(settled), Outcome::Settled(outcome)) = (command, outcome) else { continue };
            self.runs += 1;
            let run = &settled.run;
            match self.counts.count(settled, outcome)? {
                Some(NotTaken::Rejected(reason)) => {
                    self.rejected.add(|| format!("{}{}: {reason}", chunk.place(place), named(&run.key)));
                    rejected.extend(run.stamp);
                    let ended_at = run.ended_at.unwrap_or(run.started_at);
                    let since = self.rejected_since.map_or(ended_at, |since| since.min(ended_at));
                    self.rejected_since = Some(since);
                    continue;
                }
                Some(NotTaken::NotPriced(reason)) => {
                    self.not_priced.add(|| format!("{}{}: {reason}", chunk.place(place), named(&run.key)));
                }
                None => {}
            }
            self.add(run);
            self.costs.add(settled, *outcome != SettleOutcome::Stale)?;
        }
        Ok(rejected)
    }

    fn add(&mut self, run: &Run) {
        self.seen.see(run);
        if self.clusters.len() < MOST_LISTED && !self.clusters.contains(&run.key.cluster) {
            self.clusters.insert(run.key.cluster.clone());
        }
        let (from, to) = (run.started_at, run.ended_at.unwrap_or(run.started_at));
        let window = self.window.get_or_insert(Window { from, to });
        *window = Window { from: window.from.min(from), to: window.to.max(to) };
    }

    /// All of it, without the holds.
    pub(super) fn report(
        &mut self,
        site: SiteName,
        observed_at: Timestamp,
        digest: String,
    ) -> io::Result<ImportReport> {
        // What the books rejected is among the runs, the other rejected rows are not.
        let read = self.runs + self.not_started + self.running;
        Ok(ImportReport {
            site,
            clusters: self.clusters.clone(),
            observed_at,
            window: self.window,
            digest,
            bytes: self.bytes,
            rows: read + self.unread(),
            steps: self.steps,
            not_started: self.not_started,
            running: self.running,
            runaway: self.runaway.clone(),
            counts: self.counts.clone(),
            not_priced: self.not_priced.clone(),
            rejected: self.rejected.clone(),
            totals: self.costs.totals()?,
            closed: Vec::new(),
            coverage: Vec::new(),
            notes: Vec::new(),
        })
    }

    /// Rows that were rejected before they came to the books.
    const fn unread(&self) -> u64 {
        let Counts { new, same, priced, corrected, covered, unattributed, .. } = &self.counts;
        let taken = *new + *same + *priced + *corrected + *covered + *unattributed + self.not_priced.count;
        self.rejected.count - (self.runs - taken)
    }
}
