//! `pakt show`: all that is known of one job.

use crate::{
    arithmetic,
    directory::{
        Attempt, BadNode, Cancel, Checkpoints, Ended, IndexedJob, Intent, JobDirectory, Origin, Over, OverReason,
        Progress, ReadBack, SentLink, SubmittedNote, Unheld,
    },
    error::JobsError,
    failure::{Failure, of_last_attempt},
    find::find,
    house::House,
    look::{Watched, look},
    reached::booked,
    settle::kept_until,
    silence::{Silence, silence},
    sweep::{CellCounts, cells_of, note_if_over, point_counts},
    whose_number::is_anothers,
};
use ledger::{Hold, HoldId};
use model::{BaseState, Factors, JobId, JobState, LinkNumber, OnFailure, SchedulerJobId, Timestamp};
use scheduler_adapters::{Freshness, JobSighting, Look};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

/// One link of a chain.
#[derive(Clone, Debug, serde::Serialize)]
pub struct ShownLink {
    /// Which, and what the scheduler calls it.
    #[serde(flatten)]
    pub sent: SentLink,
    /// The scheduler's state; none where it was not asked or does not know.
    pub state: Option<JobState>,
    /// Whether it is before the one at work, or was forgotten and given up.
    pub is_past: bool,
    /// How its last start ended, where it did (docs/checkpoints.md).
    pub class: Option<String>,
    /// What the scheduler made of it.
    pub drift: Vec<String>,
}

impl ShownLink {
    /// Whether it is over, as far as is known: before the one at work, or the scheduler says so.
    pub fn is_over(&self) -> bool {
        self.is_past || self.state.as_ref().is_some_and(JobState::is_final)
    }
}

/// One job in full. Of a chain what the scheduler says is of the link at work.
pub struct Shown {
    /// What was wanted.
    pub intent: Intent,
    /// What the scheduler was given.
    pub submitted: Option<SubmittedNote>,
    /// What it made of it.
    pub read_back: Option<ReadBack>,
    /// Why nothing is held.
    pub unheld: Option<Unheld>,
    /// The links of a chain that were sent; empty for a job that is none.
    pub links: Vec<ShownLink>,
    /// What the markers say, of all links.
    pub attempts: Vec<Attempt>,
    /// How far it says it is.
    pub progress: Option<Progress>,
    /// How many of the cells of a sweep are done; none of another job.
    pub cells: Option<CellCounts>,
    /// What is left of the checkpoints that it says it wrote.
    pub checkpoints: Checkpoints,
    /// Why its chain is over; none where it goes on, or is none.
    pub over: Option<Over>,
    /// Why its last attempt failed, where it did.
    pub failure: Option<Failure>,
    /// Since when nothing is seen of it although it runs.
    pub silence: Option<Silence>,
    /// Nodes that the links of a chain to come leave out.
    pub bad_nodes: Vec<BadNode>,
    /// Whether somebody asked for its end.
    pub cancel: Option<Cancel>,
    /// How it ended.
    pub ended: Option<Ended>,
    /// What the scheduler says now; none where it was not asked or does not know.
    pub sighting: Option<JobSighting>,
    /// Why the scheduler was not heard.
    pub unasked: Option<String>,
    /// When the scheduler was asked; none where it was not.
    pub observed_at: Option<Timestamp>,
    /// Whether an earlier question was answered so.
    pub was_shared: bool,
    /// What a person should know beside it.
    pub notes: Vec<String>,
    /// Its hold.
    pub hold: Option<Hold>,
    /// How its ceiling comes about.
    pub factors: Option<Factors>,
    /// Until when its hold is kept at least, because the scheduler has the job; none where it was not seen now.
    pub renewed_until: Option<Timestamp>,
    /// Since when a settlement has found that nobody knows it, and until when its hold is kept all the same.
    pub missed: Option<(Timestamp, Timestamp)>,
    /// Its directory.
    pub directory: PathBuf,
    /// Its log.
    pub log: PathBuf,
}

/// Gathers everything about the job that `text` names.
pub async fn show(house: &House, text: &str, freshness: Freshness) -> Result<Shown, JobsError> {
    let found = find(house, text).await?;
    let id = found.intent.id;
    let directory = house.state.job(id);
    let intent = directory.intent().await?.unwrap_or_else(|| found.intent.clone());
    let ended = directory.ended().await?;
    let (looked, unasked) = seen(house, &intent, &at_work(&found, ended.as_ref()), freshness).await;
    let Look { mut states, observed_at, was_shared, mut notes } = looked;
    let of_links = Box::pin(directory.attempts_of_links()).await?;
    let (link, links) = links(&directory, &found, &states, &of_links).await?;
    let submitted = link.submitted().await?;
    let mut sighting = submitted.as_ref().and_then(|note| states.remove(&note.scheduler_job));
    if let Some(seen) = &mut sighting {
        seen.state = link.meant(seen.state.clone()).await;
    }
    let hold = hold_of(house, id).await?;
    let log = log_of(house, &intent).await?;
    let read_back = link.read_back().await?;
    let is_open = hold.as_ref().is_some_and(Hold::is_open);
    let is_there = |seen: &&JobSighting| !seen.state.is_final();
    let renewed_until = sighting.as_ref().filter(is_there).filter(|_| is_open).map(|seen| kept_until(seen.observed_at));
    let missed = directory.missed().await?.filter(|_| is_open && renewed_until.is_none());
    let missed = missed.map(|missed| (missed.at, kept_until(missed.at)));
    let factors = hold.as_ref().and_then(|hold| {
        let now = sighting.as_ref().and_then(|seen| arithmetic::of_seen(house, &intent, seen, hold));
        arithmetic::of_job(house, &intent, read_back.as_ref(), hold.ceiling).or(now)
    });
    let (over, bad_nodes) = chain(house, &directory, &intent, &links).await?;
    let cancel = directory.cancel().await?;
    if let Some(seen) = sighting.as_mut().filter(|_| intent.has_links()) {
        seen.state = of_chain(&seen.state, over.as_ref(), cancel.is_some());
    }
    let is_over = over.is_some() || ended.is_some();
    let cells = Box::pin(counts(house, &directory, &intent, (&of_links, is_over))).await?;
    let attempts: Vec<Attempt> = of_links.into_values().flatten().collect();
    let failure = failure(house, &attempts, ended.as_ref(), sighting.as_ref(), &log).await.unwrap_or_else(|error| {
        notes.push(format!("{}: {}", error.what, error.why));
        None
    });
    let running = sighting.as_ref().map_or_else(JobState::unknown, |seen| seen.state.clone());
    Ok(Shown {
        silence: silence(&link, (&intent, &log), &running, house.clock.now()).await?,
        bad_nodes,
        read_back,
        unheld: directory.unheld().await?,
        links,
        attempts,
        failure,
        progress: of_cells(cells).or(link.progress().await?),
        cells,
        checkpoints: directory.checkpoints().await?,
        over,
        cancel,
        directory: directory.path().to_path_buf(),
        intent,
        submitted,
        ended,
        sighting,
        unasked,
        observed_at,
        was_shared,
        notes,
        hold,
        factors,
        renewed_until,
        missed,
        log,
    })
}

/// What is held for the job; none where no ledger answers.
async fn hold_of(house: &House, job: JobId) -> Result<Option<Hold>, JobsError> {
    match house.books.book().await {
        Ok(Some(book)) => booked(book.hold(HoldId(job)).await, "the hold was not read"),
        Ok(None) | Err(_) => Ok(None),
    }
}

/// The links by which it may be at work; none where it is over.
fn at_work(found: &IndexedJob, ended: Option<&Ended>) -> Vec<SentLink> {
    if ended.is_some() { Vec::new() } else { found.at_work() }
}

/// How many cells of a sweep there are of each state; none of another job. Nothing runs of one that is over, and of an evaluation the scores
/// count then; before, the records of its starts.
async fn counts(
    house: &House,
    directory: &JobDirectory,
    intent: &Intent,
    (attempts, is_over): (&BTreeMap<LinkNumber, Vec<Attempt>>, bool),
) -> Result<Option<CellCounts>, JobsError> {
    let Some(sweep) = directory.cells_of(intent).await? else { return Ok(None) };
    if !is_over {
        return Ok(Some(cells_of(directory, &sweep, attempts).await?.counts(&sweep)));
    }
    let counts = point_counts(&*house.files, directory, &sweep).await?;
    Ok(Some(CellCounts { running: 0, stopped: counts.stopped + counts.running, ..counts }))
}

/// How far a sweep is.
fn of_cells(cells: Option<CellCounts>) -> Option<Progress> {
    let count = |cells: usize| u64::try_from(cells).unwrap_or(u64::MAX);
    cells.map(|cells| Progress { step: count(cells.done), total: count(cells.all), note: "cells".to_owned() })
}

/// Why the chain is over, and which nodes it leaves out while it is not; nothing of a job that is none.
async fn chain(
    house: &House,
    directory: &JobDirectory,
    intent: &Intent,
    links: &[ShownLink],
) -> Result<(Option<Over>, Vec<BadNode>), JobsError> {
    if !links.is_empty() && links.iter().all(ShownLink::is_over) {
        note_if_over(house, directory, intent, links.len()).await?;
    }
    let Some(Origin::JobFile { spec, .. }) = intent.origin.as_ref().filter(|_| intent.has_links()) else {
        return Ok((None, Vec::new()));
    };
    let over = directory.over().await?;
    let bad = match over {
        None if intent.chain().is_some() => {
            directory.bad_nodes(house.clock.now(), OnFailure::exclude_for(spec.on_failure.as_ref())).await?
        }
        _ => Vec::new(),
    };
    Ok((over, bad))
}

/// Why the last attempt failed, by what was written down of its end, else by what the scheduler says now.
async fn failure(
    house: &House,
    attempts: &[Attempt],
    ended: Option<&Ended>,
    seen: Option<&JobSighting>,
    log: &Path,
) -> Result<Option<Failure>, JobsError> {
    let state = ended.map(|ended| &ended.state).or(seen.map(|seen| &seen.state));
    of_last_attempt(house, attempts, (state, ended.and_then(|ended| ended.exit_code)), log).await
}

/// As [`show`], for whoever looks again and again: where the job's own files tell more than an answer that is a little old,
/// the scheduler is asked.
pub async fn follow(house: &House, text: &str, freshness: Freshness) -> Result<Shown, JobsError> {
    let shown = Box::pin(show(house, text, freshness)).await?;
    if is_behind(&shown) { Box::pin(show(house, text, Freshness::Fresh)).await } else { Ok(shown) }
}

impl Shown {
    /// Whether nothing of the job is to come: the scheduler shows its end, and a chain is over or was cancelled besides.
    pub fn is_over(&self) -> bool {
        let is_final = |state: Option<&JobState>| state.is_some_and(JobState::is_final);
        if self.ended.is_some() {
            return true;
        }
        if !self.intent.has_links() {
            return is_final(self.sighting.as_ref().map(|seen| &seen.state));
        }
        let is_waited_for =
            |link: &ShownLink| !link.is_past && link.state.as_ref().is_some_and(|state| !state.is_final());
        (self.over.is_some() || self.cancel.is_some())
            && self.unasked.is_none()
            && !self.links.iter().any(is_waited_for)
    }

    /// Whether fewer links of a chain that is not over wait or run than are to be. What the scheduler does not show may.
    pub fn wants_link(&self, house: &House) -> bool {
        let is_open = self.ended.is_none() && self.over.is_none() && self.cancel.is_none() && self.unasked.is_none();
        let at_work = self.links.iter().filter(|link| !link.is_over()).count();
        let may_come = |most: LinkNumber| usize::try_from(most.get()).is_ok_and(|most| self.links.len() < most);
        if let Some(sweep) = self.intent.sweep() {
            return is_open && (may_come(sweep.links()) || at_work == 0);
        }
        let Some(chain) = self.intent.chain() else { return false };
        let at_once = chain.queued_at_once(house.scheduler.capabilities().can_depend);
        let may_come = may_come(chain.max_links);
        is_open && u32::try_from(at_work).is_ok_and(|at_work| at_work < at_once) && (may_come || at_work == 0)
    }

    /// Whether a chain that is not over has no link in the queue and none at work.
    pub fn is_paused(&self) -> bool {
        self.intent.has_links()
            && !self.is_over()
            && !self.links.is_empty()
            && self.links.iter().all(ShownLink::is_over)
    }
}

/// Whether the job's own files tell that it has started, or ended, and the scheduler's answer does not yet. They say when it
/// is worth asking; the scheduler is believed.
fn is_behind(shown: &Shown) -> bool {
    let (Some(seen), Some(attempt)) = (&shown.sighting, shown.attempts.last()) else { return false };
    let has_ended = attempt.ended_at.is_some() && !seen.state.is_final();
    shown.ended.is_none() && shown.was_shared && (has_ended || seen.state.is_pending())
}

/// Of a chain that is over the scheduler says how its last link ended, which is not how it did.
pub(crate) fn of_chain(seen: &JobState, over: Option<&Over>, was_cancelled: bool) -> JobState {
    let base = match over.map(|over| over.why) {
        _ if !seen.is_final() => return seen.clone(),
        Some(OverReason::Done) => BaseState::Completed,
        _ if was_cancelled => BaseState::Cancelled,
        None => return seen.clone(),
        // The last link that it may have had its own end, which tells more.
        Some(OverReason::Links) if seen.base != BaseState::Completed => return seen.clone(),
        Some(_) => BaseState::Failed,
    };
    JobState::of(base)
}

/// What the scheduler says of the job's scheduler jobs, and why it says nothing.
async fn seen(house: &House, intent: &Intent, jobs: &[SentLink], freshness: Freshness) -> (Look, Option<String>) {
    match asked(house, intent, jobs, freshness).await {
        Ok(mut look) => {
            look.states.retain(|_, seen| !is_anothers(seen, intent.id, &intent.principal.user));
            (look, None)
        }
        Err(error) => (Look::default(), Some(error.why)),
    }
}

async fn asked(house: &House, intent: &Intent, jobs: &[SentLink], freshness: Freshness) -> Result<Look, JobsError> {
    if jobs.is_empty() {
        return Ok(Look::default());
    }
    let directory = house.state.job(intent.id);
    let known = directory.noted_at(jobs).await?;
    let owner = &intent.principal.user;
    let watched = |sent: &SentLink| Watched {
        id: intent.id,
        link: sent.link,
        job: sent.scheduler_job,
        owner,
        since: intent.made_at,
        known_at: known.get(&sent.scheduler_job).copied().unwrap_or(intent.made_at),
    };
    look(house, &jobs.iter().map(watched).collect::<Vec<_>>(), freshness).await
}

/// The link at work, and all that were sent: the first that the scheduler does not show as over, else the one that the
/// directory tells. A job that is no chain is its only link.
async fn links(
    directory: &JobDirectory,
    found: &IndexedJob,
    states: &BTreeMap<SchedulerJobId, JobSighting>,
    attempts: &BTreeMap<LinkNumber, Vec<Attempt>>,
) -> Result<(JobDirectory, Vec<ShownLink>), JobsError> {
    let mut links = Vec::new();
    let first_at_work =
        found.links.iter().position(|sent| Some(sent.scheduler_job) == found.scheduler_job).unwrap_or(0);
    for (place, sent) in found.links.iter().enumerate() {
        let link = directory.of_link(sent.link);
        let attempts = attempts.get(&sent.link);
        // Of one that is only in an array nothing is written.
        let read = if attempts.is_some() { link.read_back().await? } else { None };
        let is_fenced = attempts.is_some_and(Vec::is_empty) && link.is_fenced().await?;
        links.push(ShownLink {
            sent: *sent,
            state: states.get(&sent.scheduler_job).map(|seen| seen.state.clone()),
            is_past: place < first_at_work || is_fenced,
            class: attempts.and_then(|attempts| attempts.last()?.class.clone()),
            drift: read.map(|read| read.drift).unwrap_or_default(),
        });
    }
    let is_at_work = |link: &&ShownLink| link.state.is_some() && !link.is_over();
    let link = match links.iter().find(is_at_work) {
        Some(link) => directory.of_link(link.sent.link),
        None => directory.of_current(links.len()).await?,
    };
    Ok((link, links))
}

/// How far a job's program says it is, from its own files alone: nobody is asked. Of a sweep, which has many, it is to be shown anew.
pub async fn progress(house: &House, intent: &Intent) -> Result<Option<Progress>, JobsError> {
    let directory = house.state.job(intent.id);
    let directory = if intent.chain().is_some() { directory.current_link().await? } else { directory };
    directory.progress().await
}

/// The link of a chain whose last start has ended, as its own files tell, where it is the last one that began; nobody is asked.
pub async fn link_that_ended(house: &House, intent: &Intent) -> Result<Option<LinkNumber>, JobsError> {
    if intent.chain().is_none() {
        return Ok(None);
    }
    let link = house.state.job(intent.id).current_link().await?;
    let has_ended = link.attempts().await?.last().is_some_and(|attempt| attempt.ended_at.is_some());
    Ok(has_ended.then(|| link.link()))
}

/// Where a job's log lies: where its file says, with Slurm's patterns filled in, or where the scheduler said of a script or
/// of a job that was taken over, who had filled them in.
pub(crate) async fn log_of(house: &House, intent: &Intent) -> Result<PathBuf, JobsError> {
    let directory = house.state.job(intent.id);
    let Some(Origin::JobFile { spec, .. }) = &intent.origin else {
        let said = directory.read_back().await?.and_then(|read| read.output);
        return Ok(said.map_or_else(|| directory.log(), PathBuf::from));
    };
    if intent.cells().is_some() {
        let link = directory.last_begun_link().await?;
        return Ok(directory.path().join(format!("links/{link}/log")));
    }
    let Some(named) = &spec.output else { return Ok(directory.log()) };
    let directory = if intent.chain().is_some() { directory.current_link().await? } else { directory };
    let job = directory.submitted().await?.map(|note| note.scheduler_job);
    Ok(PathBuf::from(filled(named, job, &intent.scheduler_name(), intent.principal.user.as_str())))
}

/// Fills in what of sbatch(1)'s patterns for file names is known of a job: `%j`, `%A`, `%x`, `%u`, `%%`.
fn filled(pattern: &str, job: Option<SchedulerJobId>, name: &str, user: &str) -> String {
    let mut letters = pattern.chars();
    let mut path = String::new();
    while let Some(letter) = letters.next() {
        if letter != '%' {
            path.push(letter);
            continue;
        }
        match (letters.next(), job) {
            (Some('j' | 'A'), Some(job)) => path.push_str(&job.to_string()),
            (Some('x'), _) => path.push_str(name),
            (Some('u'), _) => path.push_str(user),
            (Some('%') | None, _) => path.push('%'),
            (Some(other), _) => path.extend(['%', other]),
        }
    }
    path
}

#[cfg(test)]
mod tests {
    use super::filled;

    #[test]
    fn patterns_of_a_log_are_filled_in() {
        let job = Some(model::SchedulerJobId::new(4711));
        for (pattern, path) in [
            ("/log/%j.txt", "/log/4711.txt"),
            ("/log/%u/%x-%A%%.txt", "/log/ada/lm.pakt-1-4711%.txt"),
            ("/log/%N.%", "/log/%N.%"),
        ] {
            assert_eq!(filled(pattern, job, "lm.pakt-1", "ada"), path);
        }
        assert_eq!(filled("/log/%j", None, "lm", "ada"), "/log/%j");
    }
}
