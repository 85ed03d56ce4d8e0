//! `pakt show`: all that is known of one job.

use crate::{
    arithmetic,
    directory::{Attempt, Cancel, Checkpoints, Ended, Intent, Origin, Over, Progress, ReadBack, SubmittedNote, Unheld},
    error::JobsError,
    failure::{Failure, of_last_attempt},
    find::find,
    house::House,
    look::{Watched, look},
    reached::booked,
    settle::kept_until,
    whose_number::is_anothers,
};
use ledger::{Hold, HoldId};
use model::{Factors, SchedulerJobId, Timestamp};
use scheduler_adapters::{Freshness, JobSighting, Look};
use std::path::{Path, PathBuf};

/// One job in full.
pub struct Shown {
    /// What was wanted.
    pub intent: Intent,
    /// What the scheduler was given.
    pub submitted: Option<SubmittedNote>,
    /// What it made of it.
    pub read_back: Option<ReadBack>,
    /// Why nothing is held.
    pub unheld: Option<Unheld>,
    /// What the markers say.
    pub attempts: Vec<Attempt>,
    /// How far it says it is.
    pub progress: Option<Progress>,
    /// What is left of the checkpoints that it says it wrote.
    pub checkpoints: Checkpoints,
    /// Why its chain is over; none where it goes on, or is none.
    pub over: Option<Over>,
    /// Why its last attempt failed, where it did.
    pub failure: Option<Failure>,
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
    let intent = directory.intent().await?.unwrap_or(found.intent);
    let submitted = directory.submitted().await?;
    let ended = directory.ended().await?;
    let (looked, unasked) = match (&submitted, &ended) {
        (Some(note), None) => match seen(house, &intent, note, freshness).await {
            Ok(looked) => (looked, None),
            Err(error) => (Look::default(), Some(error.why)),
        },
        _ => (Look::default(), None),
    };
    let Look { mut states, observed_at, was_shared, mut notes } = looked;
    let sighting = submitted.as_ref().and_then(|note| states.remove(&note.scheduler_job));
    let mut sighting = sighting.filter(|seen| !is_anothers(seen, id, &intent.principal.user));
    if let Some(seen) = &mut sighting {
        seen.state = directory.meant(seen.state.clone()).await;
    }
    let hold = match house.books.book().await {
        Ok(Some(book)) => booked(book.hold(HoldId(id)).await, "the hold was not read")?,
        Ok(None) | Err(_) => None,
    };
    let log = log_of(house, &intent).await?;
    let read_back = directory.read_back().await?;
    let is_open = hold.as_ref().is_some_and(Hold::is_open);
    let is_there = |seen: &&JobSighting| !seen.state.is_final();
    let renewed_until = sighting.as_ref().filter(is_there).filter(|_| is_open).map(|seen| kept_until(seen.observed_at));
    let missed = directory.missed().await?.filter(|_| is_open && renewed_until.is_none());
    let missed = missed.map(|missed| (missed.at, kept_until(missed.at)));
    let factors = hold.as_ref().and_then(|hold| {
        let now = sighting.as_ref().and_then(|seen| arithmetic::of_seen(house, &intent, seen, hold));
        arithmetic::of_job(house, &intent, read_back.as_ref(), hold.ceiling).or(now)
    });
    let over = match intent.chain() {
        Some(_) => directory.over().await?,
        None => None,
    };
    let attempts = directory.attempts().await?;
    let failure = failure(house, &attempts, ended.as_ref(), sighting.as_ref(), &log).await.unwrap_or_else(|error| {
        notes.push(format!("{}: {}", error.what, error.why));
        None
    });
    Ok(Shown {
        read_back,
        unheld: directory.unheld().await?,
        attempts,
        failure,
        progress: directory.progress().await?,
        checkpoints: directory.checkpoints().await?,
        over,
        cancel: directory.cancel().await?,
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
    let shown = show(house, text, freshness).await?;
    if is_behind(&shown) { show(house, text, Freshness::Fresh).await } else { Ok(shown) }
}

/// Whether the job's own files tell that it has started, or ended, and the scheduler's answer does not yet. They say when it
/// is worth asking; the scheduler is believed.
fn is_behind(shown: &Shown) -> bool {
    let (Some(seen), Some(attempt)) = (&shown.sighting, shown.attempts.last()) else { return false };
    let has_ended = attempt.ended_at.is_some() && !seen.state.is_final();
    shown.ended.is_none() && shown.was_shared && (has_ended || seen.state.is_pending())
}

async fn seen(house: &House, intent: &Intent, note: &SubmittedNote, freshness: Freshness) -> Result<Look, JobsError> {
    let (job, owner) = (note.scheduler_job, &intent.principal.user);
    look(house, &[Watched { id: intent.id, job, owner, since: intent.made_at, known_at: note.at }], freshness).await
}

/// How far a job's program says it is, from its own files alone: nobody is asked.
pub async fn progress(house: &House, intent: &Intent) -> Result<Option<Progress>, JobsError> {
    house.state.job(intent.id).progress().await
}

/// Where a job's log lies: where its file says, with Slurm's patterns filled in, or where the scheduler said of a script or
/// of a job that was taken over, who had filled them in.
pub(crate) async fn log_of(house: &House, intent: &Intent) -> Result<PathBuf, JobsError> {
    let directory = house.state.job(intent.id);
    let Some(Origin::JobFile { spec, .. }) = &intent.origin else {
        let said = directory.read_back().await?.and_then(|read| read.output);
        return Ok(said.map_or_else(|| directory.log(), PathBuf::from));
    };
    let Some(named) = &spec.output else { return Ok(directory.log()) };
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
