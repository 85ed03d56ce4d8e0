//! The tables as posts about holds see them that share a transaction: what they ask is read once for all of them, what they
//! change waits in memory, so that it can be undone for one of them, until its store has it written: after each, or all at
//! once.
//!
//! A desk lives for one transaction and is thrown away with it, whatever becomes of it: other processes write the same
//! tables, and nothing that was read before a lock was let go is true after it.

use crate::post::{Post, RecordingOrder, is_of_the_post};
use crate::records::{BalanceParts, Result};
use crate::store::{Changes, Store};
use crate::{Command, Entry, Hold, HoldId, Outcome};
use model::{JobId, ProjectName, Timestamp, Unit};
use rustc_hash::{FxHashMap, FxHashSet};
use std::cell::RefCell;

/// What a store reads for the desk in its own way.
pub(crate) trait HoldTables: Store {
    /// What stands of these holds and of the runs of their jobs.
    fn known_holds(&self, ids: &FxHashSet<HoldId>) -> Result<KnownHolds>;
}

/// What stands as the transaction begins.
pub(crate) struct KnownHolds {
    pub(crate) last_number: u64,
    /// Those that there are.
    pub(crate) holds: Vec<Hold>,
    /// The jobs that have runs in the books.
    pub(crate) jobs_with_runs: FxHashSet<JobId>,
}

pub(crate) struct HoldDesk<S> {
    pub(super) tables: S,
    jobs_with_runs: FxHashSet<JobId>,
    pub(super) state: RefCell<State>,
}

#[derive(Default)]
pub(super) struct State {
    /// The number of the last entry, written or not.
    pub(super) last_number: u64,
    pub(super) entries: Vec<Entry>,
    pub(super) holds: FxHashMap<HoldId, Option<Hold>>,
    /// The holds that are not written yet.
    changed: FxHashSet<HoldId>,
    undo: Vec<Step>,
    pub(super) enforced: FxHashMap<(ProjectName, Unit), bool>,
    parts: FxHashMap<(ProjectName, Timestamp), BalanceParts>,
    /// The jobs that the observations in any parts name. Their holds count in the balance of every project.
    seen: FxHashSet<JobId>,
    /// How often what waited was written.
    writings: u64,
}

/// What a hold was before a change, and whether it waited to be written then.
struct Step {
    id: HoldId,
    before: Option<Hold>,
    was_waiting: bool,
}

/// A post that changed something, with the last entry there was after it.
pub(crate) struct Carried<'a> {
    pub(crate) post: &'a Post,
    pub(crate) recorded_at: Timestamp,
    pub(crate) last_entry: u64,
}

/// A moment between two posts.
struct Mark {
    entries: usize,
    steps: usize,
    writings: u64,
    last_number: u64,
}

impl<S: HoldTables> HoldDesk<S> {
    /// A desk with the holds of these posts.
    pub(crate) fn new(tables: S, posts: &[Post]) -> Result<Self> {
        let ids: FxHashSet<HoldId> = posts.iter().flat_map(|post| &post.commands).filter_map(hold_of).collect();
        let KnownHolds { last_number, holds, jobs_with_runs } = tables.known_holds(&ids)?;
        let mut state = State { last_number, ..State::default() };
        state.holds = ids.into_iter().map(|id| (id, None)).collect();
        state.holds.extend(holds.into_iter().map(|hold| (hold.id, Some(hold))));
        Ok(Self { tables, jobs_with_runs, state: RefCell::new(state) })
    }

    /// Carries the posts out, in their order, recorded in that order of time, and has `close` note each that changed
    /// something. What one of them may not do fails alone. After `Err` the transaction is given up.
    pub(crate) fn carry_out<'p>(
        &self,
        posts: &'p [Post],
        mut order: RecordingOrder,
        mut close: impl FnMut(Carried<'p>) -> Result<()>,
    ) -> Result<Vec<Result<Vec<Outcome>>>> {
        let mut answers = Vec::with_capacity(posts.len());
        for post in posts {
            let (before, recorded_at) = (self.mark(), order.of(post.now));
            let answer = post.carry_out(self, recorded_at);
            match &answer {
                Ok(_) if self.has_changed_since(&before) => {
                    order.note(recorded_at);
                    close(Carried { post, recorded_at, last_entry: self.last_number()? })?;
                }
                Ok(_) => {}
                Err(error) if is_of_the_post(error) && self.undo_to(&before) => {}
                Err(error) => return Err(error.clone()),
            }
            answers.push(answer);
        }
        Ok(answers)
    }

    fn mark(&self) -> Mark {
        let state = self.state.borrow();
        let (entries, steps) = (state.entries.len(), state.undo.len());
        Mark { entries, steps, writings: state.writings, last_number: state.last_number }
    }

    fn has_changed_since(&self, mark: &Mark) -> bool {
        let state = self.state.borrow();
        state.writings != mark.writings || state.last_number != mark.last_number || state.undo.len() != mark.steps
    }

    /// Takes back what was done since. False where that cannot be: it is written already.
    fn undo_to(&self, mark: &Mark) -> bool {
        let state = &mut *self.state.borrow_mut();
        if state.writings != mark.writings {
            return false;
        }
        state.entries.truncate(mark.entries);
        state.last_number = mark.last_number;
        for Step { id, before, was_waiting } in state.undo.split_off(mark.steps).into_iter().rev() {
            state.holds.insert(id, before);
            if !was_waiting {
                state.changed.remove(&id);
            }
            state.parts.clear();
        }
        true
    }

    /// Writes what waits.
    pub(crate) fn clear(&self) -> Result<()> {
        let state = &mut *self.state.borrow_mut();
        let mut changes = Changes { entries: std::mem::take(&mut state.entries), ..Changes::default() };
        changes.holds = state.changed.drain().filter_map(|id| state.holds.get(&id).cloned().flatten()).collect();
        changes.holds.sort_by_key(|hold| hold.id);
        state.undo.clear();
        if changes.entries.is_empty() && changes.holds.is_empty() {
            return Ok(());
        }
        state.writings += 1;
        self.tables.write(changes)
    }

    /// Writes what waits, and gives the tables back.
    pub(crate) fn close(self) -> Result<S> {
        self.clear()?;
        Ok(self.tables)
    }

    /// Whether the books have no run of a job, as far as that was read beforehand.
    pub(super) fn has_no_runs(&self, job: JobId) -> bool {
        self.state.borrow().holds.contains_key(&HoldId(job)) && !self.jobs_with_runs.contains(&job)
    }

    /// The tables themselves, for what is not read beforehand. They have everything that waited.
    pub(super) fn tables(&self) -> Result<&S> {
        self.clear()?;
        Ok(&self.tables)
    }

    /// Writes changes that move amounts, which wait for nothing.
    pub(super) fn write_through(&self, changes: Changes) -> Result<()> {
        let tables = self.changing()?;
        let state = &mut *self.state.borrow_mut();
        state.last_number = changes.entries.last().map_or(state.last_number, |entry| entry.number);
        for hold in &changes.holds {
            state.holds.insert(hold.id, Some(hold.clone()));
        }
        tables.write(changes)
    }

    /// The same for a change of something else.
    pub(super) fn changing(&self) -> Result<&S> {
        let tables = self.tables()?;
        let state = &mut *self.state.borrow_mut();
        state.writings += 1;
        (state.parts, state.enforced) = (FxHashMap::default(), FxHashMap::default());
        state.seen.clear();
        Ok(tables)
    }
}

/// The hold that a command is about.
fn hold_of(command: &Command) -> Option<HoldId> {
    match command {
        Command::Hold(new) => Some(new.id),
        Command::Amend(amend) => Some(amend.id),
        Command::Close(close) => Some(close.id),
        _ => None,
    }
}

/// Puts a hold among those of a balance: a closed one changes nothing there.
fn put_into(parts: &mut BalanceParts, hold: &Hold) {
    match parts.holds.iter_mut().find(|known| known.id == hold.id) {
        Some(known) => known.clone_from(hold),
        None => parts.holds.push(hold.clone()),
    }
}

/// The jobs that were seen running or waiting.
fn jobs_of(parts: &BalanceParts) -> impl Iterator<Item = JobId> {
    let stamps = parts.observations.iter().flat_map(|observation| {
        let running = observation.running.iter().map(|run| run.stamp);
        running.chain(observation.pending.iter().map(|job| job.stamp))
    });
    stamps.flatten().map(|stamp| stamp.job)
}

impl State {
    pub(super) fn put(&mut self, hold: Hold) {
        let is_everybodys = self.seen.contains(&hold.id.0);
        for ((project, _), parts) in &mut self.parts {
            if is_everybodys || *project == hold.project {
                put_into(parts, &hold);
            }
        }
        let id = hold.id;
        let was_waiting = !self.changed.insert(id);
        let before = self.holds.insert(id, Some(hold)).flatten();
        self.undo.push(Step { id, before, was_waiting });
    }

    /// What a balance is made of, where it was read.
    pub(super) fn parts_of(&self, project: &ProjectName, now: Timestamp) -> Option<BalanceParts> {
        self.parts.get(&(project.clone(), now)).cloned()
    }

    /// Keeps what was read of a balance, with what waits; the answer is both.
    pub(super) fn keep_parts(
        &mut self,
        project: &ProjectName,
        now: Timestamp,
        mut parts: BalanceParts,
    ) -> BalanceParts {
        self.seen.extend(jobs_of(&parts));
        let waiting = self.changed.iter().filter_map(|id| self.holds.get(id)?.as_ref());
        let is_meant = |hold: &&Hold| hold.project == *project || self.seen.contains(&hold.id.0);
        waiting.filter(is_meant).for_each(|hold| put_into(&mut parts, hold));
        self.parts.insert((project.clone(), now), parts.clone());
        parts
    }
}
