//! The runs of a workbench: what was asked about them beforehand, and what was changed.

use crate::records::{BookedRun, Result, RunDigest};
use crate::rules;
use crate::store::{Changes, SeenAgain, Store};
use crate::{Command, SettledRun};
use model::{ClusterName, RunKey, SiteName, Timestamp};
use rustc_hash::FxHashMap;

#[derive(Default)]
pub(crate) struct WorkbenchRuns {
    /// The clusters that were met; a run's id holds the place of its own here.
    clusters: Vec<(SiteName, ClusterName)>,
    /// In the order in which they were first put here.
    runs: Vec<BookedRun>,
    places: FxHashMap<RunId, usize>,
    sluids: FxHashMap<(SiteName, ClusterName, String), RunKey>,
    /// What was asked about runs beforehand; none for those that are not in the books.
    digests: FxHashMap<RunId, Option<RunDigest>>,
    /// The runs of which only the instant has changed at which they were seen last, in the order of the commands.
    seen: FxHashMap<RunId, usize>,
    seen_again: Vec<SeenAgain>,
}

/// A run's key without its texts: a post may have many thousand.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct RunId {
    cluster: usize,
    job: u64,
    submitted: i64,
}

/// Whether the digest of a run was asked for beforehand, and the answer: none for a run that is not in the books.
pub(crate) enum Asked {
    Beforehand(Option<RunDigest>),
    Not,
}

/// How the change of a run is taken back: the run at this place was another, or none.
pub(crate) struct UndoRun {
    place: usize,
    before: Option<Box<BookedRun>>,
}

impl WorkbenchRuns {
    /// With what the commands will ask about runs.
    pub(crate) fn of(store: &dyn Store, commands: &[Command]) -> Result<Self> {
        let mut asked = Self::default();
        let (mut keys, mut ids) = (Vec::with_capacity(commands.len()), Vec::with_capacity(commands.len()));
        asked.digests.reserve(commands.len());
        for key in commands.iter().filter_map(run_key) {
            let id = asked.id(key);
            if asked.digests.insert(id, None).is_none() {
                keys.push(key);
                ids.push(id);
            }
        }
        for (id, digest) in ids.into_iter().zip(store.run_digests(&keys)?) {
            if digest.is_some() {
                asked.digests.insert(id, digest);
            }
        }
        Ok(asked)
    }

    /// The run, where it was put here.
    pub(crate) fn run(&mut self, key: &RunKey) -> Option<&BookedRun> {
        let id = self.id(key);
        self.places.get(&id).and_then(|place| self.runs.get(*place))
    }

    /// The key of the run with this SLUID, where one was put here.
    pub(crate) fn with_sluid(&self, site: &SiteName, cluster: &ClusterName, sluid: &str) -> Option<&RunKey> {
        if self.sluids.is_empty() {
            return None;
        }
        self.sluids.get(&(site.clone(), cluster.clone(), sluid.to_owned()))
    }

    /// The digest of the run.
    pub(crate) fn digest(&mut self, key: &RunKey) -> Asked {
        if let Some(BookedRun { content, observed_at, priced_at, settled, .. }) = self.run(key) {
            let (content, observed_at, sluid) = (*content, *observed_at, settled.run.sluid.clone());
            let (is_priced_apart, evidence) = (priced_at.is_some(), settled.run.evidence);
            return Asked::Beforehand(Some(RunDigest { content, observed_at, is_priced_apart, evidence, sluid }));
        }
        let id = self.id(key);
        self.digests.get(&id).cloned().map_or(Asked::Not, Asked::Beforehand)
    }

    /// Whether it was asked beforehand and is not in the books.
    pub(crate) fn is_known_as_new(&mut self, key: &RunKey) -> bool {
        let id = self.id(key);
        matches!(self.digests.get(&id), Some(None))
    }

    /// Notes that a stored run was seen again just so. Whether that can be noted alone: the run was not changed here.
    pub(crate) fn see_again(&mut self, key: &RunKey, at: Timestamp) -> bool {
        let id = self.id(key);
        if self.places.contains_key(&id) {
            return false;
        }
        let Some(Some(digest)) = self.digests.get_mut(&id) else { return false };
        digest.observed_at = at;
        if let Some(place) = self.seen.get(&id) {
            self.seen_again[*place].at = at;
        } else {
            self.seen.insert(id, self.seen_again.len());
            self.seen_again.push(SeenAgain { key: key.clone(), at });
        }
        true
    }

    /// A run as it was read from the store, with the instant at which it was seen since.
    pub(crate) fn as_seen(&mut self, mut stored: BookedRun) -> BookedRun {
        if !self.seen.is_empty() {
            let id = self.id(&stored.key);
            if let Some(place) = self.seen.get(&id) {
                stored.observed_at = self.seen_again[*place].at;
            }
        }
        stored
    }

    /// Puts a run here.
    pub(crate) fn put(&mut self, run: BookedRun) -> UndoRun {
        if let Some(sluid) = &run.settled.run.sluid {
            let place = (run.key.site.clone(), run.key.cluster.clone(), sluid.clone());
            self.sluids.insert(place, run.key.clone());
        }
        let id = self.id(&run.key);
        if let Some(place) = self.places.get(&id).copied() {
            let before = std::mem::replace(&mut self.runs[place], run);
            return UndoRun { place, before: Some(Box::new(before)) };
        }
        let place = self.runs.len();
        if place == 0 {
            // Of a post's runs mostly none is new, or all are.
            self.runs.reserve(self.digests.len());
            self.places.reserve(self.digests.len());
        }
        self.places.insert(id, place);
        self.runs.push(run);
        UndoRun { place, before: None }
    }

    /// Takes a change back; changes are taken back in the opposite order of theirs.
    pub(crate) fn undo(&mut self, UndoRun { place, before }: UndoRun) {
        if let Some(before) = before {
            self.runs[place] = *before;
            return;
        }
        for run in self.runs.split_off(place) {
            let id = self.id(&run.key);
            self.places.remove(&id);
        }
    }

    /// Moves what was changed to what is to be written.
    pub(crate) fn take_changes(&mut self, changes: &mut Changes) {
        for id in self.places.drain().map(|(id, _)| id) {
            self.digests.remove(&id);
        }
        changes.runs = std::mem::take(&mut self.runs);
        self.seen.clear();
        changes.seen_again = std::mem::take(&mut self.seen_again);
        self.sluids.clear();
    }

    fn id(&mut self, key: &RunKey) -> RunId {
        let is_its = |(site, cluster): &(SiteName, ClusterName)| *site == key.site && *cluster == key.cluster;
        let cluster = self.clusters.iter().position(is_its).unwrap_or_else(|| {
            self.clusters.push((key.site.clone(), key.cluster.clone()));
            self.clusters.len() - 1
        });
        RunId { cluster, job: key.scheduler_job.raw(), submitted: key.submitted_at.epoch_seconds() }
    }
}

/// The run that a command is about, where the books can have it.
fn run_key(command: &Command) -> Option<&RunKey> {
    let is_possible = |settled: &SettledRun| rules::contradiction(settled).is_none();
    match command {
        Command::Settle(settled) if is_possible(settled) => Some(&settled.run.key),
        _ => None,
    }
}
