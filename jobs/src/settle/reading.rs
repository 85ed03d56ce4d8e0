//! What the later steps need of the runs that were read, which themselves go into the books as they are read.

use crate::watched::Watched;
use ledger::{Command, Outcome, SettleOutcome};
use model::{AccountName, ExitCode, JobId, JobState, LinkNumber, Run, RunKey, Timestamp, UserName, WallTime};
use std::collections::{BTreeMap, BTreeSet};

/// What was read.
#[derive(Default)]
pub(crate) struct Reading {
    /// The runs under way, as they were seen last.
    running: BTreeMap<RunKey, Run>,
    /// The attempts of the jobs that are watched.
    attempts: BTreeMap<JobId, BTreeMap<RunKey, Attempt>>,
    watched: Watched,
    /// The accounts in which somebody else's run was seen, `None` for runs without an account.
    shared_accounts: BTreeSet<Option<AccountName>>,
    /// Watched jobs with a row that was not taken in.
    withheld: BTreeSet<JobId>,
    /// The earliest end of a row that was not taken in.
    missing_since: Option<Timestamp>,
}

/// One start of a watched job.
#[derive(Clone, Debug)]
pub(crate) struct Attempt {
    /// Of which link of its job.
    pub(crate) link: LinkNumber,
    pub(crate) elapsed: WallTime,
    pub(crate) time_limit: Option<WallTime>,
    pub(crate) state: JobState,
    pub(crate) exit: ExitCode,
    pub(crate) ended_at: Option<Timestamp>,
}

impl Reading {
    /// A reading that keeps what concerns these jobs.
    pub(crate) fn watching(watched: Watched) -> Self {
        Self { watched, ..Self::default() }
    }

    /// Notes a run; a later reading of the same one replaces the earlier.
    pub(crate) fn see(&mut self, run: &Run, reader: &UserName) {
        if run.user != *reader && !self.shared_accounts.contains(&run.account) {
            self.shared_accounts.insert(run.account.clone());
        }
        if run.ended_at.is_none() {
            // Its row is of no more use: it goes into the books when it has ended.
            self.running.insert(run.key.clone(), Run { raw: String::new(), ..run.clone() });
        } else {
            self.running.remove(&run.key);
        }
        let Some(job) = self.watched.job_of(run.stamp, &run.key.site, &run.user) else { return };
        let attempt = Attempt {
            link: run.stamp.map_or(LinkNumber::FIRST, |stamp| stamp.link),
            elapsed: run.elapsed,
            time_limit: run.time_limit,
            state: run.state.clone(),
            exit: run.exit,
            ended_at: run.ended_at,
        };
        self.attempts.entry(job).or_default().insert(run.key.clone(), attempt);
    }

    /// Notes that a row, which ended then, was not taken in.
    pub(crate) fn miss(&mut self, job: Option<JobId>, ended_at: Timestamp) {
        self.missing_since = Some(self.missing_since.map_or(ended_at, |since| since.min(ended_at)));
        self.withheld.extend(job.filter(|job| self.watched.has(*job)));
    }

    /// Notes the runs that the books rejected.
    pub(crate) fn miss_rejected(&mut self, commands: &[Command], outcomes: &[Outcome]) {
        for (command, outcome) in commands.iter().zip(outcomes) {
            if let (Command::Settle(settled), Outcome::Settled(SettleOutcome::Rejected { .. })) = (command, outcome) {
                let run = &settled.run;
                let job = self.watched.job_of(run.stamp, &run.key.site, &run.user);
                self.miss(job, run.ended_at.unwrap_or(run.started_at));
            }
        }
    }

    /// The runs under way.
    pub(crate) fn running(&self) -> impl Iterator<Item = &Run> {
        self.running.values()
    }

    /// The attempts of a watched job.
    pub(crate) fn attempts(&self, job: JobId) -> Vec<(&RunKey, &Attempt)> {
        self.attempts.get(&job).into_iter().flatten().collect()
    }

    /// Whether a row of a watched job was not taken in.
    pub(crate) fn is_withheld(&self, job: JobId) -> bool {
        self.withheld.contains(&job)
    }

    /// The accounts in which somebody else's run was seen.
    pub(crate) const fn shared_accounts(&self) -> &BTreeSet<Option<AccountName>> {
        &self.shared_accounts
    }

    /// Whether every row was taken in.
    pub(crate) const fn is_whole(&self) -> bool {
        self.missing_since.is_none()
    }

    /// Until when everything is in the books, of what was read up to `now`.
    pub(crate) fn settled_until(&self, now: Timestamp) -> Timestamp {
        self.missing_since.map_or(now, |since| since.min(now))
    }
}
