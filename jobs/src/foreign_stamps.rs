//! Runs that have the stamp of somebody else's job: the bindings say who pays for them, and whoever takes them into the
//! books is told.

use crate::{error::JobsError, reached::booked, watched::Watched};
use ledger::{Book, Command, HoldId, Outcome, SettleOutcome, runs_as};
use model::{JobId, Principal, Run};
use std::collections::BTreeMap;

/// So many runs are named.
const MOST_NAMED: usize = 3;

/// Of so many closed holds it is kept in memory who opened them.
const MOST_KEPT: usize = 100_000;

/// What was found of them.
pub(crate) struct ForeignStamps {
    watched: Watched,
    /// What is not done where the ledger does not answer.
    unless_answered: &'static str,
    /// Who opened the holds that are not open any more, where the ledger has them.
    openers: BTreeMap<JobId, Option<Principal>>,
    count: u64,
    named: Vec<String>,
}

impl ForeignStamps {
    /// None yet, of these jobs and of those whose holds are closed.
    pub(crate) const fn beside(watched: Watched, unless_answered: &'static str) -> Self {
        Self { watched, unless_answered, openers: BTreeMap::new(), count: 0, named: Vec::new() }
    }

    /// Looks at the runs that came into the books, or changed there: of one that was there before it was told before.
    pub(crate) async fn see(
        &mut self,
        book: &dyn Book,
        commands: &[Command],
        outcomes: &[Outcome],
    ) -> Result<(), JobsError> {
        for (command, outcome) in commands.iter().zip(outcomes) {
            let (Command::Settle(settled), Outcome::Settled(outcome)) = (command, outcome) else { continue };
            let is_old = matches!(outcome, SettleOutcome::Same | SettleOutcome::Stale | SettleOutcome::Rejected { .. });
            let Some(stamp) = settled.run.stamp.filter(|_| !is_old) else { continue };
            if let Some(person) = self.opener(book, stamp.job).await? {
                self.compare(&settled.run, &person);
            }
        }
        Ok(())
    }

    async fn opener(&mut self, book: &dyn Book, job: JobId) -> Result<Option<Principal>, JobsError> {
        if let Some(person) = self.watched.person(job) {
            return Ok(Some(person.clone()));
        }
        if let Some(known) = self.openers.get(&job) {
            return Ok(known.clone());
        }
        let hold = booked(book.hold(HoldId(job)).await, self.unless_answered)?;
        let person = hold.map(|hold| hold.opened_by);
        if self.openers.len() >= MOST_KEPT {
            self.openers.clear();
        }
        self.openers.insert(job, person.clone());
        Ok(person)
    }

    fn compare(&mut self, run: &Run, person: &Principal) {
        if runs_as(person, &run.key.site, &run.user) {
            return;
        }
        self.count += 1;
        if self.named.len() < MOST_NAMED {
            self.named.push(format!("{} of `{}` with one of `{}`", run.key.scheduler_job, run.user, person.user));
        }
    }

    /// What is to be told, where there is any.
    pub(crate) fn note(&self) -> Option<String> {
        let runs = match self.count {
            0 => return None,
            1 => "1 run has".to_owned(),
            count => format!("{count} runs have"),
        };
        let more = if self.count > self.named.len() as u64 { ", ..." } else { "" };
        Some(format!(
            "{runs} the stamp of another person's job, whose hold does not pay for that; the bindings say who does: job {}{more}",
            self.named.join(", job ")
        ))
    }
}
