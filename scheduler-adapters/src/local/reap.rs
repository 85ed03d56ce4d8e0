//! Ending what nobody ends any more: jobs whose supervisor is gone.

use crate::local::{
    facts::{End, ProcessIdentity, Record, Start},
    process,
    store::{HEARTBEAT, RECORD, START, SUPERVISOR, Store},
};
use model::{BaseState, SchedulerJobId, Timestamp};
use reach::{ReachError, files};
use rustix::process::{Pid, Signal, kill_process};

/// How long a fresh job may be without a supervisor. `submit` waits shorter than that for it.
const BIRTH_SECONDS: i64 = 60;

/// Ends all jobs that lost their supervisor: their processes are killed, and they count until the last heartbeat. A job
/// of which that cannot be told is left to who looks at it.
pub(super) fn reap(store: &Store, now: Timestamp) -> Result<(), ReachError> {
    let ids = store.active_ids()?;
    let lost: Vec<SchedulerJobId> = ids.into_iter().filter(|id| is_lost(store, *id, now).unwrap_or(false)).collect();
    if lost.is_empty() {
        return Ok(());
    }
    let _turns = store.lock()?;
    lost.into_iter().try_for_each(|id| end_lost(store, id, now))
}

/// As [`reap`], for some jobs.
pub(super) fn reap_all_of(store: &Store, ids: &[SchedulerJobId], now: Timestamp) -> Result<(), ReachError> {
    ids.iter().try_for_each(|id| reap_if_lost(store, *id, now).map(drop))
}

/// Ends one job if it lost its supervisor; whether it did. Two that do so write the same end.
pub(super) fn reap_if_lost(store: &Store, id: SchedulerJobId, now: Timestamp) -> Result<bool, ReachError> {
    let lost = is_lost(store, id, now)?;
    if lost {
        end_lost(store, id, now)?;
    }
    Ok(lost)
}

fn is_lost(store: &Store, id: SchedulerJobId, now: Timestamp) -> Result<bool, ReachError> {
    if let Some(supervisor) = store.fact::<ProcessIdentity>(id, SUPERVISOR)? {
        return Ok(!process::is_alive(&supervisor));
    }
    let made_at = files::modified_at(&store.job(id))?.unwrap_or(now);
    Ok(now.seconds_since(made_at) > BIRTH_SECONDS)
}

fn end_lost(store: &Store, id: SchedulerJobId, now: Timestamp) -> Result<(), ReachError> {
    if let Some(supervisor) = store.fact::<ProcessIdentity>(id, SUPERVISOR)? {
        for member in process::left_behind(&supervisor) {
            // It may end by itself in this moment, which is as good.
            let _ = Pid::from_raw(member).map(|member| kill_process(member, Signal::KILL));
        }
    }
    let started = store.fact::<Start>(id, START)?;
    let beat = files::modified_at(&store.job(id).join(HEARTBEAT))?;
    let (state, ended_at) = match (started, store.fact::<Record>(id, RECORD)?) {
        (Some(start), _) => (BaseState::NodeFail, beat.map_or(start.started_at, |beat| beat.max(start.started_at))),
        (None, Some(_)) => (BaseState::BootFail, now),
        // Its submission was cut before there was a record: nobody was told of this id.
        (None, None) => (BaseState::Cancelled, now),
    };
    store.end(id, &End::at(ended_at, state))
}
