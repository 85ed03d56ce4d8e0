//! Pieces that several commands show.

use crate::{
    failure::Failure,
    output::{instant, mistake_text},
    wiring::{AuditReport, LedgerError},
};
use jobs::{
    job_file::Mistake,
    list::Phase,
    silence::{Silence, Silent},
};
use model::{JobState, Placement, Timestamp, WallTime, agreeing, counted, counted_the};
use serde_json::{Value, json};

/// Doubts as notes.
pub(super) fn doubts(doubts: &[Mistake]) -> Vec<String> {
    doubts.iter().map(mistake_text).collect()
}

/// What is to be said where the last entries of a ledger are not signed: what, and how to go on.
pub(super) fn unsigned_tail(log: &AuditReport) -> Option<[String; 2]> {
    let (tail, signed) = (log.uncheckpointed, log.head.size - log.uncheckpointed);
    let last = format!("{} {}", counted_the(tail, "last", "entry"), agreeing(tail, "is", "are"));
    (tail > 0).then(|| {
        if log.keys.last().is_some_and(|key| !key.is_known) {
            let next = "ask for the key that signs now, by another way than the ledger, and name it with `--key` too";
            let what = format!("{last} not signed by a key that you named, nor by one that such a key named");
            return [what, next.to_owned()];
        }
        let since = match signed {
            0 => "nothing of it ever was".to_owned(),
            size => format!("the last checkpoint has {}", counted(size, "entry")),
        };
        let next = "whoever keeps the log's key signs them with `pakt ledger checkpoint`; where it is lost, put its copy back; where \
                    there is none, `pakt ledger checkpoint --new-key --lost` goes on under another one";
        [format!("{last} not signed: {since}"), next.to_owned()]
    })
}

/// A placement in one line: `2 nodes x 4 GPUs of jupiter/booster for 00:10:00, account zam`, and which of several images.
pub(super) fn placement_line(placement: &Placement) -> String {
    let Placement { site, profile_partition, nodes, share, time_limit, account, image, .. } = placement;
    let nodes = counted(*nodes, "node");
    let gpus = match share.gpus {
        0 => counted(share.cpus, "CPU"),
        gpus => counted(gpus, "GPU"),
    };
    let account = account.as_ref().map(|account| format!(", account {account}")).unwrap_or_default();
    // Where the job has one image alone, its file says which.
    let image = image.as_ref().map(|image| format!(", inside {image}")).unwrap_or_default();
    format!("{nodes} x {gpus} of {site}/{profile_partition} for {time_limit}{account}{image}")
}

/// A placement for programs.
pub(super) fn placement_json(placement: &Placement) -> Value {
    json!(placement)
}

/// Since when nothing is seen of a job, in a word or two behind its state; empty where that is well.
pub(super) fn silence(silence: Option<Silence>, now: Timestamp) -> String {
    let Some(Silence { of, since }) = silence else { return String::new() };
    let seconds = u64::try_from(now.seconds_since(since)).unwrap_or_default();
    let what = match of {
        Silent::Script => "no heartbeat",
        Silent::Program => "silent",
    };
    format!(", {what} for {}", WallTime::from_seconds(seconds))
}

/// Where a job stands, in a word or two.
pub(super) fn phase(phase: &Phase) -> String {
    match phase {
        Phase::Begun => "begun, not sent".to_owned(),
        Phase::Submitted { state, reason } => match reason {
            Some(reason) if state.is_pending() => format!("{state} ({reason})"),
            _ => state_word(state),
        },
        Phase::Paused { state } => format!("PAUSED, a link ended {}", state_word(state)),
        // The reason stands in `show`: a table has no room for what a scheduler says.
        Phase::Ended { state, note } => note.as_ref().map_or_else(
            || state_word(state),
            |note| format!("{state}, {}", note.split_once(':').map_or(note.as_str(), |(short, _)| short)),
        ),
    }
}

/// A state as people read it.
pub(super) fn state_word(state: &JobState) -> String {
    state.to_string()
}

/// An optional instant.
pub(super) fn instant_or(at: Option<model::Timestamp>, otherwise: &str) -> String {
    at.map_or_else(|| otherwise.to_owned(), instant)
}

/// A reason that is recorded: some words.
pub(super) fn reason(text: &str) -> Result<String, String> {
    if text.trim().is_empty() {
        return Err("a reason is recorded, and this one is empty".to_owned());
    }
    Ok(text.to_owned())
}

/// A ledger that could not be read.
pub(super) fn unread(error: &LedgerError) -> Failure {
    let failure = Failure::usage("the ledger was not read", error.to_string(), "try again; `pakt doctor` looks at it");
    Failure { gravity: jobs::Gravity::Unreachable, ..failure }
}
