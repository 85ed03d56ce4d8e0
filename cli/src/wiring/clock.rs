//! The system's clock.

use model::{Clock, Timestamp};
use std::time::{SystemTime, UNIX_EPOCH};

/// Tells the time of this host.
pub(crate) struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let seconds = match SystemTime::now().duration_since(UNIX_EPOCH) {
            Ok(since) => i64::try_from(since.as_secs()).unwrap_or(i64::MAX),
            Err(before) => -i64::try_from(before.duration().as_secs()).unwrap_or(i64::MAX),
        };
        Timestamp::from_epoch_seconds(seconds)
    }
}
