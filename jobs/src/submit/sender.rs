//! Whoever may still be calling the scheduler for a job: an earlier `pakt`, or the `sbatch` that it left behind.

use crate::{
    directory::{JobDirectory, Sending, SubmittedNote},
    error::JobsError,
    house::House,
    reached::reached,
};
use model::{ArrayStamp, Stamp};
use scheduler_adapters::SUBMISSION_PATIENCE;
use std::time::Duration;

const LOOK_EVERY: Duration = Duration::from_millis(100);
/// How often a call that is under way is looked at: until it cannot be any more.
const LOOKS: u128 = SUBMISSION_PATIENCE.as_millis() / LOOK_EVERY.as_millis();

/// Waits for the calls noted before number `before` to end. The note of the scheduler's id where one of them told it;
/// none where all have ended, so that only the scheduler knows what came of them.
///
/// A call that began here has ended when its process is gone and no `sbatch` with the stamp runs: one that was started
/// outlives the `pakt` that started it, at the site, too. Of a call on another host, and of one that a library or a server makes for us, only its age is known.
pub(super) async fn await_calls(
    house: &House,
    directory: &JobDirectory,
    before: u32,
) -> Result<Option<SubmittedNote>, JobsError> {
    let known = await_each(house, [(directory, before)], Vec::new()).await?;
    Ok(known.into_iter().next().flatten())
}

/// The same for several jobs. A call that several of them were sent with is waited for once, and not where it was before.
pub(super) async fn await_each<'a>(
    house: &House,
    jobs: impl IntoIterator<Item = (&'a JobDirectory, u32)>,
    mut over: Vec<Sending>,
) -> Result<Vec<Option<SubmittedNote>>, JobsError> {
    let here = Hosts::of(house).await?;
    let mut known = Vec::new();
    for (directory, before) in jobs {
        known.push(await_one(house, directory, before, &here, &mut over).await?);
    }
    Ok(known)
}

/// Waits for all calls of each of several jobs, which nobody is to send any more; an answer for each.
pub(crate) async fn await_all<'a>(
    house: &House,
    jobs: impl IntoIterator<Item = &'a JobDirectory>,
) -> Vec<Result<Option<SubmittedNote>, JobsError>> {
    let (here, mut over, mut known) = (Hosts::of(house).await, Vec::new(), Vec::new());
    for directory in jobs {
        known.push(match &here {
            Ok(here) => await_one(house, directory, u32::MAX, here, &mut over).await,
            Err(error) => Err(error.clone()),
        });
    }
    known
}

/// Waits for the calls of an array noted before number `before`, each until it is over or nothing is left to wait for; those
/// calls. Whoever sends an array begins here: two that wait for each other's jobs would wait in vain.
pub(super) async fn await_array<Settled: Future<Output = Result<bool, JobsError>>>(
    house: &House,
    (array, stamp): (&JobDirectory, Stamp),
    before: u32,
    is_settled: impl Fn() -> Settled,
) -> Result<Vec<Sending>, JobsError> {
    let here = Hosts::of(house).await?;
    let mut over = Vec::new();
    for number in 1..before {
        let Some(sending) = array.sending(number).await? else { break };
        if sending.links.is_some() && array.sending_has_ended(number).await? {
            over.push(sending);
            continue;
        }
        for _ in 0..LOOKS {
            if is_settled().await? || !is_under_way(house, &sending, stamp, &here).await? {
                break;
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
        over.push(sending);
    }
    Ok(over)
}

/// Waits for all calls with the arrays of a job's links, which nobody is to send any more.
pub(crate) async fn await_link_arrays(house: &House, directory: &JobDirectory) -> Result<(), JobsError> {
    for (link, array) in directory.array_directories().await? {
        let stamp = Stamp { link, ..directory.stamp() };
        await_array(house, (&array, stamp), u32::MAX, || std::future::ready(Ok(false))).await?;
    }
    Ok(())
}

/// Waits for the calls of one job, but for those of arrays that were seen to be over.
async fn await_one(
    house: &House,
    directory: &JobDirectory,
    before: u32,
    here: &Hosts,
    over: &mut Vec<Sending>,
) -> Result<Option<SubmittedNote>, JobsError> {
    for number in 1..before {
        let Some(sending) = directory.sending(number).await? else { break };
        if over.contains(&sending) {
            continue;
        }
        for _ in 0..LOOKS {
            if let Some(known) = directory.submitted().await? {
                return Ok(Some(known));
            }
            if !is_under_way(house, &sending, directory.stamp(), here).await? {
                over.extend(sending.array.map(|_| sending.clone()));
                break;
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }
    directory.submitted().await
}

async fn is_under_way(house: &House, sending: &Sending, stamp: Stamp, here: &Hosts) -> Result<bool, JobsError> {
    if sending.host == here.own {
        let is_other = sending.process != house.process.number || sending.process_started != house.process.started;
        if is_other && house.processes.is_alive(sending.process, sending.process_started) {
            return Ok(true);
        }
        if sending.command_host.as_ref().unwrap_or(&sending.host) == &here.command {
            let asked = house.processes.is_submitting(&mark(sending, stamp)).await;
            let is_seen = reached(asked, "it was not seen whether an earlier call of the scheduler still runs")?;
            if is_seen || !sending.is_unseen {
                return Ok(is_seen);
            }
        }
    }
    let age = house.clock.now().seconds_since(sending.at);
    // Another host's clock may be ahead of ours.
    Ok(age < i64::try_from(SUBMISSION_PATIENCE.as_secs()).unwrap_or(i64::MAX))
}

/// What the command of a call carries: the mark of the job, or of the array that it is sent with.
fn mark(sending: &Sending, stamp: Stamp) -> String {
    match (sending.array, sending.links) {
        (Some(array), _) => ArrayStamp::of(array).to_string(),
        (None, Some(link)) => ArrayStamp::of_links(Stamp { link, ..stamp }).to_string(),
        (None, None) => stamp.to_string(),
    }
}

/// Where this process runs, and where its calls of the scheduler do.
struct Hosts {
    own: String,
    command: String,
}

impl Hosts {
    async fn of(house: &House) -> Result<Self, JobsError> {
        Ok(Self { own: house.own_host().await?, command: house.command_host().await? })
    }
}

/// What is noted before the scheduler is called by this process.
pub(crate) async fn sending(house: &House, goes_by_command: bool) -> Result<Sending, JobsError> {
    let Hosts { own, command } = Hosts::of(house).await?;
    Ok(Sending {
        command_host: (command != own).then_some(command),
        host: own,
        process: house.process.number,
        process_started: house.process.started,
        is_unseen: !goes_by_command,
        claims: false,
        array: None,
        links: None,
        at: house.clock.now(),
    })
}
