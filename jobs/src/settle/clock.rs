//! The clock: whether what this machine shows can be, beside what the ledger says.

use crate::error::{Gravity, JobsError};
use ledger::is_ahead;
use model::Timestamp;

/// Refuses to settle where the ledger was last written at a later time than it is now: this clock is behind, or the
/// other one was ahead. Nothing would be lost either way, but entries would be recorded out of their order, and runs that
/// have ended would not be read; a person knows which clock it is.
pub(super) fn check(now: Timestamp, written_at: Option<Timestamp>) -> Result<(), JobsError> {
    let Some(written_at) = written_at.filter(|written_at| is_ahead(*written_at, now)) else { return Ok(()) };
    let why = format!("this machine's clock shows {now}, and the ledger was last written later, at {written_at}");
    let next = "if this clock is wrong, have it set and run the same command again; if it is right, \
                `pakt settle --trust-clock` goes on; nothing is lost either way";
    Err(JobsError::new(Gravity::Unreachable, "nothing was settled", why, next))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ledger_from_the_future_is_told() {
        let now = Timestamp::from_epoch_seconds(1_793_000_000);
        for (written, is_refused) in
            [(None, false), (Some(-86_400), false), (Some(0), false), (Some(300), false), (Some(301), true)]
        {
            let answer = check(now, written.map(|seconds| now.plus_seconds(seconds)));
            assert_eq!(answer.is_err(), is_refused, "{written:?}");
        }
        let error = check(now, Some(now.plus_seconds(86_400))).expect_err("a day ahead");
        assert_eq!(error.gravity, Gravity::Unreachable);
        assert!(error.why.contains("2026-10-26T07:33:20Z") && error.why.contains("2026-10-27T07:33:20Z"), "{error}");
        assert!(error.next.contains("--trust-clock"), "{error}");
    }
}
