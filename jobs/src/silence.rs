//! Jobs that the scheduler calls running and of which nothing is seen: they hang, or their node does.

use crate::{
    directory::{Intent, JobDirectory, Origin, Signs},
    error::JobsError,
};
use model::{BaseState, JobState, Timestamp, WallTime};
use serde::Serialize;
use std::path::Path;

/// The heart beats about once a minute.
const HEARTBEAT_SECONDS: i64 = 300;
/// A program that says nothing for so long is told of, where its job file does not say for how long it may.
const USUAL_SECONDS: i64 = 1800;

/// What is not seen of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Silent {
    /// Its script, although the scheduler says that it runs: it was killed, or its node is gone.
    Script,
    /// Its program: no line of its log, no progress, no checkpoint.
    Program,
}

/// Since when nothing is seen of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Silence {
    /// Of what.
    pub of: Silent,
    /// The last that was seen.
    pub since: Timestamp,
}

/// Whether too little is seen of a job for too long; `link` is its directory, seen from the link at work. What did not begin by a script of
/// ours, or is not running, tells nothing.
pub(crate) async fn silence(
    link: &JobDirectory,
    (intent, log): (&Intent, &Path),
    state: &JobState,
    now: Timestamp,
) -> Result<Option<Silence>, JobsError> {
    if state.base != BaseState::Running || !state.flags.is_empty() {
        return Ok(None);
    }
    // What Pakt could not fill in of the log's name only the scheduler knows.
    let log = Some(log).filter(|log| !log.to_string_lossy().contains('%'));
    Ok(link.signs(log).await?.and_then(|signs| of_signs(signs, allowed_seconds(intent), now)))
}

/// For how long its program may be silent.
fn allowed_seconds(intent: &Intent) -> i64 {
    let hung_after: Option<WallTime> = match &intent.origin {
        Some(Origin::JobFile { spec, .. }) => spec.on_failure.as_ref().and_then(|policy| policy.hung_after),
        _ => None,
    };
    hung_after.and_then(|after| i64::try_from(after.seconds()).ok()).unwrap_or(USUAL_SECONDS)
}

fn of_signs(signs: Signs, allowed_seconds: i64, now: Timestamp) -> Option<Silence> {
    let is_long = |since: &Timestamp, seconds: i64| now.seconds_since(*since) > seconds;
    let script = signs.heartbeat.filter(|since| is_long(since, HEARTBEAT_SECONDS));
    let program = signs.program.filter(|since| is_long(since, allowed_seconds));
    let of = |of: Silent| move |since: Timestamp| Silence { of, since };
    script.map(of(Silent::Script)).or(program.map(of(Silent::Program)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lost_script_goes_before_a_silent_program_and_both_have_their_time() {
        let at = |seconds: i64| Some(Timestamp::from_epoch_seconds(seconds));
        let told = |heartbeat: Option<Timestamp>, program: Option<Timestamp>| {
            let silence = of_signs(Signs { heartbeat, program }, 1800, Timestamp::from_epoch_seconds(10_000));
            silence.map(|silence| (silence.of, silence.since.epoch_seconds()))
        };
        for (heartbeat, program, expected) in [
            (at(9_990), at(9_000), None),
            (at(9_700), at(8_200), None),
            (at(9_699), at(9_999), Some((Silent::Script, 9_699))),
            (at(9_990), at(8_199), Some((Silent::Program, 8_199))),
            (at(9_000), at(8_000), Some((Silent::Script, 9_000))),
            (None, at(9_000), None),
            (None, None, None),
            // A node whose clock is ahead.
            (at(11_000), at(11_000), None),
        ] {
            assert_eq!(told(heartbeat, program), expected, "{heartbeat:?} {program:?}");
        }
    }
}
