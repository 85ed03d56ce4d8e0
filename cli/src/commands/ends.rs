//! Why a job's end was not the one its person wanted, and what to do next.

use crate::output::instant;
use jobs::{
    directory::{Origin, Over, OverReason},
    failure::Failure,
    show::Shown,
};
use model::{BaseState, JobState};

/// An end in words.
#[derive(Debug, serde::Serialize)]
pub(super) struct End {
    /// What happened, and by whom, where that is known.
    pub why: String,
    /// What to do.
    pub next: String,
}

/// How the job ended, by what is written down of it, else by what the scheduler says now.
pub(super) fn state(shown: &Shown) -> Option<&JobState> {
    shown.ended.as_ref().map(|ended| &ended.state).or(shown.sighting.as_ref().map(|seen| &seen.state))
}

/// The end in words; none where the job is not over, or ended well.
pub(super) fn told(shown: &Shown) -> Option<End> {
    if shown.intent.has_links() && !shown.is_over() {
        return shown.is_paused().then(|| paused(shown));
    }
    let base = state(shown).filter(|state| state.is_final())?.base;
    // Behind the last link of a chain that failed its own reason counts.
    let has_failed = shown.attempts.last().is_some_and(|attempt| attempt.class.as_deref() == Some("failed"));
    let is_told_by_chain = |over: &&Over| {
        over.why != OverReason::Links || base == BaseState::Completed || (base == BaseState::Failed && !has_failed)
    };
    if let Some(over) = shown.over.as_ref().filter(is_told_by_chain) {
        return chain(shown, over);
    }
    let name = &shown.intent.name;
    let again = "submit it again".to_owned();
    let (why, next) = match base {
        BaseState::Completed => return failed_program(shown),
        BaseState::Cancelled => return cancelled(shown),
        BaseState::Timeout => (timed_out(shown), more_time(shown)),
        BaseState::OutOfMemory => (
            with_line("it used more memory than it had", shown),
            "ask for more with `memory:` below `resources:`, or for more nodes".to_owned(),
        ),
        BaseState::NodeFail => ("a node of it failed, which is the machine's fault".to_owned(), again),
        BaseState::BootFail => ("a node did not start for it, which is the machine's fault".to_owned(), again),
        BaseState::Preempted => ("it had to make room for another job".to_owned(), again),
        BaseState::Deadline => ("its deadline passed before it was done".to_owned(), again),
        _ => return failed_program(shown).or_else(|| Some(End { why: "it failed".to_owned(), next: log(name) })),
    };
    Some(End { why, next })
}

fn log(name: &impl std::fmt::Display) -> String {
    format!("its last words are in its log: `pakt logs {name}`")
}

fn more_time(shown: &Shown) -> String {
    match &shown.checkpoints.last {
        Some(last) => format!(
            "ask for more with `time:` below `resources:`, or submit it again and let the program go on from its last checkpoint, of step {}: {}",
            last.step,
            last.path.display()
        ),
        None => "ask for more with `time:` below `resources:`, or let the program save checkpoints and submit it again"
            .to_owned(),
    }
}

/// A chain or a sweep of which no link is in the queue.
fn paused(shown: &Shown) -> End {
    let last = shown.links.last().map_or_else(String::new, |link| {
        let state = link.state.as_ref().map(|state| format!(" ({state})")).unwrap_or_default();
        format!(": link {} has ended{state}", link.sent.link)
    });
    End {
        why: format!("it is paused: no link of it waits or runs{last}"),
        next: format!("`pakt resume {}` goes on", shown.intent.id),
    }
}

/// A chain or a sweep that is over, as it says by itself: what its last link ended with is not what counts.
fn chain(shown: &Shown, over: &Over) -> Option<End> {
    let (id, name) = (shown.intent.id, &shown.intent.name);
    let goes_on = shown.checkpoints.last.as_ref().map_or_else(
        || format!("no checkpoint of it is there; {}", log(name)),
        |last| {
            let path = last.path.display();
            let file = match &shown.intent.origin {
                Some(Origin::JobFile { path, .. }) => path.as_str(),
                _ => "FILE",
            };
            format!(
                "`pakt submit {file} --checkpoint {}:{path}` goes on at its last checkpoint, as a new job",
                last.step
            )
        },
    );
    let has_cells = shown.intent.cells().is_some();
    let next = match over.why {
        OverReason::Done => return None,
        OverReason::Withdrawn => "submit it again, if that was a mistake".to_owned(),
        // What is left of one that follows a chain is no checkpoint.
        _ if has_cells => format!(
            "`pakt results {id}` lists the cells, `pakt logs {id} --cell N` what one said; `pakt results {id} --missing` submits those that are not done"
        ),
        OverReason::Stalled | OverReason::Failures => log(name),
        OverReason::Links | OverReason::Hours | OverReason::Abandoned | OverReason::Closed | OverReason::Cells => {
            goes_on
        }
    };
    let what = if has_cells { "it" } else { "its chain" };
    let why = format!("{what} is over before its work was done: {over}");
    let is_by_failures = matches!(over.why, OverReason::Stalled | OverReason::Failures);
    if let Some(End { why: said, next }) = is_by_failures.then(|| failed_program(shown)).flatten() {
        return Some(End { why: format!("{why}; {said}"), next });
    }
    Some(End { why, next })
}

/// Whether the job came to an end that is not the one its person wanted.
pub(super) fn has_failed(shown: &Shown) -> bool {
    if shown.intent.has_links() && !shown.is_over() {
        return false;
    }
    if let Some(over) = &shown.over {
        return over.why != OverReason::Done;
    }
    let code = shown.attempts.last().and_then(|attempt| attempt.exit_code);
    state(shown).is_some_and(|state| state.is_final() && state.base != BaseState::Completed)
        || code.is_some_and(|code| code != 0)
}

/// A cancelled job, or one that never ran, of which the note in its state says why.
fn cancelled(shown: &Shown) -> Option<End> {
    let next = "submit it again, if that was a mistake".to_owned();
    let why = match (&shown.cancel, &shown.ended) {
        (Some(cancel), _) => format!("{} ended it with `pakt cancel` at {}", cancel.principal, instant(cancel.at)),
        (None, Some(ended)) if ended.note.is_some() => return None,
        (None, _) => "somebody ended it, and not with `pakt cancel`: its owner by `scancel`, an administrator, or the \
                      scheduler, where what it waited for can never be"
            .to_owned(),
    };
    Some(End { why, next })
}

fn timed_out(shown: &Shown) -> String {
    let read_back = shown.read_back.as_ref().and_then(|read| read.time_limit);
    let limit = read_back.or(shown.intent.placement.as_ref().map(|placement| placement.time_limit));
    let progress =
        shown.progress.as_ref().map(|at| format!(" at step {} of {}", at.step, at.total)).unwrap_or_default();
    match limit {
        Some(limit) => format!("it reached its time limit of {limit}{progress}"),
        None => format!("it reached its time limit{progress}"),
    }
}

/// What the log says of it, behind what happened.
fn with_line(what: &str, shown: &Shown) -> String {
    let line = shown.failure.as_ref().and_then(|failure| failure.line.as_ref());
    line.map_or_else(|| what.to_owned(), |line| format!("{what}; its log says: {}", short(line)))
}

/// A line as it is shown beside others.
fn short(line: &str) -> String {
    const LONGEST: usize = 200;
    let line = line.trim();
    if line.chars().count() <= LONGEST { line.to_owned() } else { line.chars().take(LONGEST).chain(['…']).collect() }
}

/// What a pattern knows of the log's line.
fn by_its_log(failure: &Failure, name: &impl std::fmt::Display) -> Option<End> {
    let (says, advice) = (failure.says.as_ref()?, failure.next.as_ref()?);
    let line = failure.line.as_deref().map(|line| format!("; its log says: {}", short(line))).unwrap_or_default();
    Some(End { why: format!("{says}{line}"), next: format!("{advice}; the whole log: `pakt logs {name}`") })
}

/// By what its log says, else by the exit code of its program, as accounting or the job's own marker has it.
fn failed_program(shown: &Shown) -> Option<End> {
    let marked = shown.attempts.last().and_then(|attempt| attempt.exit_code).map(i64::from);
    let code =
        marked.or(shown.ended.as_ref().and_then(|ended| ended.exit_code).map(i64::from)).filter(|code| *code != 0)?;
    if let Some(end) = shown.failure.as_ref().and_then(|failure| by_its_log(failure, &shown.intent.name)) {
        return Some(end);
    }
    let why = match code {
        129..=192 => format!("its program was ended by signal {}", code - 128),
        _ => format!("its program ended with exit code {code}"),
    };
    Some(End { why: with_line(&why, shown), next: log(&shown.intent.name) })
}
