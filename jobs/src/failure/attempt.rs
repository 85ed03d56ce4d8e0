//! The last attempt of a job, judged by the scheduler's word and its own part of the log.

use super::{Evidence, Failure, TAIL, judge};
use crate::{directory::Attempt, error::JobsError, house::House, reached::reached};
use model::{FailureClass, JobState};
use std::path::Path;

/// Why the job's last attempt failed; none where it did not, or is not over. Only of a failed one the log is read.
pub(crate) async fn of_last_attempt(
    house: &House,
    attempts: &[Attempt],
    (state, exit_code): (Option<&JobState>, Option<u32>),
    log: &Path,
) -> Result<Option<Failure>, JobsError> {
    let Some(state) = state.filter(|state| state.is_final()) else { return Ok(None) };
    let last = attempts.last();
    let exit_code = last.and_then(|attempt| attempt.exit_code).or(exit_code);
    let evidence = Evidence { state: Some(state.base), exit_code, log: &[] };
    if judge(&evidence).is_none() {
        return Ok(None);
    }
    if last.is_some_and(|attempt| attempt.failure.as_deref() == Some(FailureClass::Hung.word())) {
        return Ok(Some(hung()));
    }
    let read = house.files.read_part(log, -i64::from(TAIL), TAIL as usize).await;
    let Some(part) = reached(read, "why it failed was not looked for in its log")? else { return Ok(judge(&evidence)) };
    let begins = part.total_bytes - part.bytes.len() as u64;
    let of_earlier = last.and_then(|attempt| attempt.log_begins_at).map_or(0, |at| at.saturating_sub(begins));
    let own = usize::try_from(of_earlier).ok().and_then(|from| part.bytes.get(from..)).unwrap_or_default();
    Ok(judge(&Evidence { log: own, ..evidence }))
}

/// Of a program that its script ended, because nothing was seen of it: what others say in the log is the consequence.
fn hung() -> Failure {
    Failure {
        class: FailureClass::Hung,
        says: Some(
            "nothing was seen of its program for too long, and it was ended (`on_failure.hung_after`)".to_owned(),
        ),
        next: Some(
            "see where it hangs, as with `py-spy dump`, or lengthen `hung_after` where it only is silent".to_owned(),
        ),
        line: None,
        pattern: None,
        names_node: false,
    }
}
