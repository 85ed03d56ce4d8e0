//! Whoever may still be calling the scheduler for a job: an earlier `pakt`, or the `sbatch` that it left behind.

use crate::{
    directory::{JobDirectory, Sending, SubmittedNote},
    error::JobsError,
    house::House,
};
use model::Stamp;
use scheduler_adapters::SUBMISSION_PATIENCE;
use std::time::Duration;

const LOOK_EVERY: Duration = Duration::from_millis(100);
/// How often a call that is under way is looked at: until it cannot be any more.
const LOOKS: u128 = SUBMISSION_PATIENCE.as_millis() / LOOK_EVERY.as_millis();

/// Waits for the calls noted before number `before` to end. The note of the scheduler's id where one of them told it;
/// none where all have ended, so that only the scheduler knows what came of them.
///
/// A call that began here has ended when its process is gone and no `sbatch` with the stamp runs: one that was started
/// outlives the `pakt` that started it. Of a call on another host only its age is known.
pub(crate) async fn await_calls(
    house: &House,
    directory: &JobDirectory,
    stamp: Stamp,
    before: u32,
) -> Result<Option<SubmittedNote>, JobsError> {
    let host = host_name(house).await?;
    for number in 1..before {
        let Some(sending) = directory.sending(number).await? else { break };
        for _ in 0..LOOKS {
            if let Some(known) = directory.submitted().await? {
                return Ok(Some(known));
            }
            if !is_under_way(house, &sending, stamp, &host) {
                break;
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }
    directory.submitted().await
}

fn is_under_way(house: &House, sending: &Sending, stamp: Stamp, host: &str) -> bool {
    if sending.host != host {
        let age = house.clock.now().seconds_since(sending.at);
        // Another host's clock may be ahead of ours.
        return age < i64::try_from(SUBMISSION_PATIENCE.as_secs()).unwrap_or(i64::MAX);
    }
    let is_other = sending.process != house.process.number || sending.process_started != house.process.started;
    let is_alive = is_other && house.processes.is_alive(sending.process, sending.process_started);
    is_alive || house.processes.is_submitting(&stamp.to_string())
}

/// The name of this host.
pub(crate) async fn host_name(house: &House) -> Result<String, JobsError> {
    crate::reached::reached(house.files.host_name().await, "the name of this host was not read")
}
