//! What runs and waits, as several people saw it: each job counts once, and what a hold is drawn by never beside it.

use super::{Answer, once};
use crate::support::NOW;
use std::collections::BTreeMap;

/// When the runs that are settled had ended, and a while later, when this plays.
const ENDED: i64 = NOW + 110;
pub(super) const LATER: i64 = NOW + 400;
pub(super) const DAY: i64 = 86_400;

/// Who looks, in the order of their scopes, and of which accounts they see everything.
pub(super) const READERS: [(&str, &[&str]); 4] =
    [("all:carol", &["hai"]), ("site:olga", &[]), ("user:ada", &[]), ("user:bob", &[])];

#[derive(Clone, Debug)]
pub(super) enum Operation {
    Bind,
    Enforce(bool),
    Hold(u32, i64),
    Close(u32),
    Settle(u64, i64),
    /// Who looked and when; of each job that runs what it took and may take, and of each that waits what it may take.
    Look(usize, i64, BTreeMap<u64, (Option<i64>, i64)>),
}

#[derive(Clone, Debug)]
struct Look {
    as_of: i64,
    jobs: BTreeMap<u64, (Option<i64>, i64)>,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Observed {
    is_bound: bool,
    is_enforced: bool,
    /// First and present ceiling are one; whether it is open.
    holds: BTreeMap<u32, (i64, bool)>,
    settled: BTreeMap<u64, i64>,
    looks: BTreeMap<usize, Look>,
}

/// Jobs 0 to 3 are nobody's.
pub(super) fn job_of(number: u64) -> Option<u32> {
    u32::try_from(number % 4).ok().filter(|_| number > 3)
}

pub(super) fn user_of(number: u64) -> &'static str {
    if number.is_multiple_of(2) { "ada" } else { "bob" }
}

/// The hold that a job is for: all are ada's, and a stamp counts on her jobs alone.
fn hold_of(number: u64) -> Option<u32> {
    job_of(number).filter(|_| user_of(number) == "ada")
}

pub(super) fn account_of(number: u64) -> &'static str {
    if number.is_multiple_of(3) { "other" } else { "hai" }
}

impl Observed {
    fn is_charged(&self, job: u64) -> bool {
        self.is_bound || hold_of(job).is_some_and(|hold| self.holds.contains_key(&hold))
    }

    fn open_hold(&self, job: u64) -> Option<u32> {
        hold_of(job).filter(|hold| self.holds.get(hold).is_some_and(|(_, is_open)| *is_open))
    }

    /// When it was looked, where that can be believed.
    fn date(&self, who: usize) -> Option<i64> {
        Some(self.looks[&who].as_of).filter(|as_of| *as_of <= LATER + 300)
    }

    /// The jobs of a look that had not ended, as far as is known.
    fn seen(&self, who: usize) -> BTreeMap<u64, (Option<i64>, i64)> {
        let Look { as_of, jobs } = &self.looks[&who];
        let is_over = |job: u64, runs: bool| self.settled.contains_key(&job) && (runs || *as_of < ENDED);
        let is_old = LATER - as_of >= 14 * DAY;
        let jobs = jobs.iter().filter(|(job, (so_far, _))| !is_old && !is_over(**job, so_far.is_some()));
        jobs.map(|(job, what)| (*job, *what)).collect()
    }

    /// Whether nobody who looked later saw it again, or could have.
    fn stands(&self, who: usize, job: u64) -> bool {
        let could_see = |other: usize| {
            let (reader, whole) = READERS[other];
            reader.ends_with(&format!(":{}", user_of(job))) || whole.contains(&account_of(job))
        };
        let recent = self.looks.iter().filter(|(_, look)| LATER - look.as_of < 14 * DAY);
        !recent.map(|(other, _)| *other).any(|other| {
            let saw_later = (self.date(other), other) > (self.date(who), who) && self.seen(other).contains_key(&job);
            saw_later || (self.date(other) > self.date(who) && could_see(other))
        })
    }

    fn standing(&self) -> Vec<(usize, u64, Option<i64>, i64)> {
        let seen = self.looks.keys().flat_map(|who| self.seen(*who).into_iter().map(|seen| (*who, seen)));
        let standing = seen.filter(|(who, (job, _))| self.stands(*who, *job));
        standing.map(|(who, (job, (so_far, ceiling)))| (who, job, so_far, ceiling)).collect()
    }

    pub(super) fn numbers(&self) -> [i64; 6] {
        let used: i64 = self.settled.iter().filter(|(job, _)| self.is_charged(**job)).map(|(_, price)| price).sum();
        let (mut running, mut committed, mut foreign) = (0, 0, 0);
        let mut left = BTreeMap::new();
        for (hold, (ceiling, _)) in self.holds.iter().filter(|(_, (_, is_open))| *is_open) {
            let of_it = self.settled.iter().filter(|(job, _)| hold_of(**job) == Some(*hold));
            left.insert(*hold, (ceiling - of_it.map(|(_, price)| price).sum::<i64>()).max(0));
        }
        for (_, job, so_far, ceiling) in self.standing().into_iter().filter(|(_, job, ..)| self.is_charged(*job)) {
            running += so_far.unwrap_or(0);
            match self.open_hold(job) {
                Some(hold) => *left.entry(hold).or_default() -= so_far.unwrap_or(0),
                None => foreign += (ceiling - so_far.unwrap_or(0)).max(0),
            }
        }
        committed += left.values().map(|left| *left.max(&0)).sum::<i64>();
        [10_000, used, running, committed, foreign, 10_000 - used - running - committed - foreign]
    }

    /// The oldest look that still says something, else the newest.
    pub(super) fn as_of(&self) -> Option<i64> {
        let says = self.standing().into_iter().map(|(who, ..)| self.looks[&who].as_of);
        says.min().or_else(|| self.looks.values().map(|look| look.as_of).max())
    }

    pub(super) fn take(&mut self, operation: &Operation) -> Answer {
        match operation {
            Operation::Bind => self.is_bound = true,
            Operation::Enforce(is_enforced) => self.is_enforced = *is_enforced,
            Operation::Hold(number, ceiling) => {
                if once(self.holds.get(number).map(|(ceiling, _)| *ceiling), *ceiling)? {
                    if self.is_enforced && self.numbers()[5] < *ceiling && *ceiling > 0 {
                        return Err("refused");
                    }
                    self.holds.insert(*number, (*ceiling, true));
                }
            }
            Operation::Close(number) => self.holds.get_mut(number).ok_or("unknown")?.1 = false,
            Operation::Settle(number, price) => drop(self.settled.insert(*number, *price)),
            Operation::Look(who, as_of, jobs) => {
                if self.looks.get(who).is_none_or(|known| known.as_of <= *as_of || self.date(*who).is_none()) {
                    self.looks.insert(*who, Look { as_of: *as_of, jobs: jobs.clone() });
                }
            }
        }
        Ok(())
    }
}
