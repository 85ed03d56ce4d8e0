//! Jobs that were begun, hold GPU-hours and were never sent.

use crate::{directory::IndexedJob, error::JobsError, house::House};
use model::Timestamp;

/// How long whoever begins a job on another host, or has not called the scheduler yet, is given to go on: sbatch itself
/// tries for two minutes.
const PATIENCE_SECONDS: i64 = 600;

/// Whether nobody is sending the job any more. A process of this host tells by itself whether it lives; of another host
/// only the time can be known.
pub(super) async fn is_abandoned(house: &House, job: &IndexedJob, now: Timestamp) -> Result<bool, JobsError> {
    let directory = house.state.job(job.intent.id);
    let mut last = None;
    let mut number = 1;
    while let Some(sending) = directory.sending(number).await? {
        last = Some(sending);
        number += 1;
    }
    let Some(sending) = last else { return Ok(is_long_ago(job.intent.made_at, now)) };
    if sending.host == house.own_host().await? {
        return Ok(!house.processes.is_alive(sending.process, sending.process_started));
    }
    Ok(is_long_ago(sending.at, now))
}

/// A date from the future is of a clock that was ahead, and as good as long ago.
fn is_long_ago(at: Timestamp, now: Timestamp) -> bool {
    now.seconds_since(at).abs() > PATIENCE_SECONDS
}
