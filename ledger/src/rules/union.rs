//! The observations of several readers put together: each job once, as it was seen last, and none that is known to be gone.

use crate::{Observation, ObservedPending, ObservedRun, Scope, is_ahead};
use model::{AccountName, ClusterName, SchedulerJobId, SiteName, Timestamp, UserName};
use std::collections::{BTreeMap, BTreeSet};

type Place<'a> = (&'a SiteName, &'a ClusterName);
type Account<'a> = Option<&'a AccountName>;

/// For how long an observation counts.
const LONGEST_SECONDS: i64 = 14 * 86_400;

/// What is left of one observation beside the others.
pub(crate) struct Seen<'a> {
    pub(crate) observation: &'a Observation,
    pub(crate) running: Vec<&'a ObservedRun>,
    pub(crate) pending: Vec<&'a ObservedPending>,
}

/// What is left of each observation. Of a job that several saw the newest sighting counts; one that a newer observation
/// lacks, although it covers that person or account, is gone. A date that lies ahead of `now` orders nothing: whatever
/// else covers the same job replaces it. After two weeks an observation says nothing any more: who does not look any longer
/// must not keep a job waiting for ever that was cancelled long ago.
pub(crate) fn union(observations: &[Observation], now: Timestamp) -> Vec<Seen<'_>> {
    union_of(observations, now, LONGEST_SECONDS)
}

/// The same, however old an observation is: what a run had taken by then is missing until somebody reads it again.
pub(crate) fn union_ever(observations: &[Observation], now: Timestamp) -> Vec<Seen<'_>> {
    union_of(observations, now, i64::MAX)
}

fn union_of(observations: &[Observation], now: Timestamp, longest_seconds: i64) -> Vec<Seen<'_>> {
    let mut clusters = BTreeMap::<Place<'_>, Cluster<'_>>::new();
    let is_too_old = |observation: &Observation| now.seconds_since(observation.as_of) > longest_seconds;
    for (number, observation) in observations.iter().enumerate().filter(|(_, observation)| !is_too_old(observation)) {
        let cluster = clusters.entry((&observation.site, &observation.cluster)).or_default();
        cluster.add(observation, Rank::of(observation, number, now));
    }
    let left = observations.iter().enumerate().map(|(number, observation)| {
        let rank = Rank::of(observation, number, now);
        let cluster = clusters.get(&(&observation.site, &observation.cluster)).filter(|_| !is_too_old(observation));
        let Some(cluster) = cluster else { return Seen { observation, running: Vec::new(), pending: Vec::new() } };
        let (running, pending) = (observation.running.iter(), observation.pending.iter());
        Seen {
            observation,
            running: running
                .filter(|run| cluster.stands(rank, run.key.scheduler_job, &run.user, run.account.as_ref()))
                .collect(),
            pending: pending
                .filter(|job| cluster.stands(rank, job.scheduler_job, &job.user, job.account.as_ref()))
                .collect(),
        }
    });
    left.collect()
}

/// As of when all of it is known, by site: of each cluster the oldest observation that still says something, else the
/// newest; of the clusters of a site the oldest.
pub(crate) fn known_as_of<'a>(seen: &[Seen<'a>]) -> BTreeMap<&'a SiteName, Timestamp> {
    let mut clusters = BTreeMap::<Place<'a>, (Option<Timestamp>, Timestamp)>::new();
    for Seen { observation, running, pending } in seen {
        let as_of = observation.as_of;
        let (oldest, newest) =
            clusters.entry((&observation.site, &observation.cluster)).or_insert((None, observation.as_of));
        *newest = as_of.max(*newest);
        if !(running.is_empty() && pending.is_empty()) {
            *oldest = Some(oldest.map_or(as_of, |oldest| oldest.min(as_of)));
        }
    }
    let mut sites = BTreeMap::<&SiteName, Timestamp>::new();
    for ((site, _), (oldest, newest)) in clusters {
        let as_of = oldest.unwrap_or(newest);
        sites.entry(site).and_modify(|known| *known = as_of.min(*known)).or_insert(as_of);
    }
    sites
}

/// By what observations are ordered: their date, none where it is not to be believed, then their place, so that no two
/// are equal.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Rank {
    as_of: Option<Timestamp>,
    number: usize,
}

impl Rank {
    fn of(observation: &Observation, number: usize, now: Timestamp) -> Self {
        Self { as_of: Some(observation.as_of).filter(|as_of| !is_ahead(*as_of, now)), number }
    }
}

/// One cluster's observations, by what is asked of them.
#[derive(Default)]
struct Cluster<'a> {
    /// The newest observation that has a job.
    newest: BTreeMap<SchedulerJobId, Rank>,
    /// The newest date of an observation that covers all jobs of a person, or all of an account.
    of_user: BTreeMap<&'a UserName, Option<Timestamp>>,
    of_account: BTreeMap<Account<'a>, Option<Timestamp>>,
}

impl<'a> Cluster<'a> {
    fn add(&mut self, observation: &'a Observation, rank: Rank) {
        let running = observation.running.iter().map(|run| run.key.scheduler_job);
        let jobs: BTreeSet<_> = running.chain(observation.pending.iter().map(|job| job.scheduler_job)).collect();
        for job in jobs {
            self.newest.entry(job).and_modify(|newest| *newest = rank.max(*newest)).or_insert(rank);
        }
        let (Scope::User(reader) | Scope::All(reader) | Scope::Site(reader)) = &observation.scope;
        let known = self.of_user.entry(reader).or_default();
        *known = rank.as_of.max(*known);
        if let Scope::All(_) = &observation.scope {
            for account in &observation.whole_accounts {
                let known = self.of_account.entry(account.as_ref()).or_default();
                *known = rank.as_of.max(*known);
            }
        }
    }

    /// Whether a job of an observation still counts.
    fn stands(&self, rank: Rank, job: SchedulerJobId, user: &UserName, account: Account<'_>) -> bool {
        let covered = self.of_user.get(user).copied().flatten();
        let covered = covered.max(self.of_account.get(&account).copied().flatten());
        self.newest.get(&job) == Some(&rank) && rank.as_of >= covered
    }
}
