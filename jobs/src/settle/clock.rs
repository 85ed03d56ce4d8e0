//! The clock: whether what this machine shows can be, beside what the ledger says.

use crate::error::{Gravity, JobsError};
use ledger::{is_ahead, is_apart};
use model::Timestamp;

/// Refuses to settle where the ledger was last written at a later time than it is now: this clock is behind, or the
/// other one was ahead. Nothing would be lost either way, but runs that have ended would not be read; a person knows which clock
/// it is.
/// The clock of the server that keeps the ledger is one more witness, where there is one.
pub(super) fn check(now: Timestamp, written_at: Option<Timestamp>, server: Option<Timestamp>) -> Result<(), JobsError> {
    let server = server.filter(|server| is_apart(*server, now));
    let why = if let Some(server) = server {
        format!("this machine's clock shows {now}, and that of the ledger's server {server}")
    } else if let Some(written_at) = written_at.filter(|written_at| is_ahead(*written_at, now)) {
        format!("this machine's clock shows {now}, and the ledger was last written later, at {written_at}")
    } else {
        return Ok(());
    };
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
            let answer = check(now, written.map(|seconds| now.plus_seconds(seconds)), Some(now));
            assert_eq!(answer.is_err(), is_refused, "{written:?}");
        }
        let error = check(now, Some(now.plus_seconds(86_400)), None).expect_err("a day ahead");
        assert_eq!(error.gravity, Gravity::Unreachable);
        assert!(error.why.contains("2026-10-26T07:33:20Z") && error.why.contains("2026-10-27T07:33:20Z"), "{error}");
        assert!(error.next.contains("--trust-clock"), "{error}");
    }

    #[test]
    fn a_clock_that_is_not_the_servers_is_told() {
        let now = Timestamp::from_epoch_seconds(1_793_000_000);
        for (server, is_refused) in [(-301, true), (-300, false), (0, false), (300, false), (301, true)] {
            let answer = check(now, Some(now), Some(now.plus_seconds(server)));
            assert_eq!(answer.is_err(), is_refused, "{server}");
        }
        let error = check(now, None, Some(now.plus_seconds(600))).expect_err("ten minutes");
        assert!(
            error.why.contains("07:33:20Z") && error.why.contains("ledger's server 2026-10-26T07:43:20Z"),
            "{error}"
        );
    }
}
