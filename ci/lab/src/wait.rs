//! Waiting for a state, with a bound.

use std::time::{Duration, Instant};

use crate::error::LabError;

/// How often a state is looked at that nobody reports.
const INTERVAL: Duration = Duration::from_millis(30);

/// Asks `look` until it gives something; `None` when the bound has passed.
pub(crate) fn wait_for<T, E>(limit: Duration, mut look: impl FnMut() -> Result<Option<T>, E>) -> Result<Option<T>, E> {
    let begin = Instant::now();
    loop {
        if let Some(found) = look()? {
            return Ok(Some(found));
        }
        if begin.elapsed() >= limit {
            return Ok(None);
        }
        std::thread::sleep(INTERVAL);
    }
}

/// Waits until `look` gives something, and gives that; an error with `what` was waited for once `limit` has passed. For
/// tests, which wait for a state and never for a time.
pub fn wait_until<T>(what: &str, limit: Duration, mut look: impl FnMut() -> Option<T>) -> Result<T, LabError> {
    wait_for(limit, || Ok::<_, LabError>(look()))?.ok_or_else(|| LabError::NotReady {
        what: format!("{what} did not come"),
        limit_seconds: limit.as_secs(),
        log: String::new(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waiting_ends_with_the_state_or_at_the_bound() {
        let mut looks = 0;
        let third = wait_until("the third look", Duration::from_mins(1), || {
            looks += 1;
            (looks == 3).then_some(looks)
        });
        assert_eq!(third.unwrap(), 3);
        let never = wait_until::<()>("a sign", Duration::ZERO, || None).unwrap_err();
        assert_eq!(never.to_string(), "a sign did not come after 0 s");
    }
}
