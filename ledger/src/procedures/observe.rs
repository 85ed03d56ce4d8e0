//! Observations and cursors: neither is an entry, neither goes backwards, unless its date lies ahead of the present: a clock
//! that was ahead once must not keep out what is seen afterwards.

use super::posting::{Posting, invalid};
use crate::records::Result;
use crate::{Coverage, Cursor, Effect, Observation, SiteZone, is_ahead};

/// Replaces the observation of a cluster in its scope, unless a later one is known.
pub(super) fn observe(posting: &Posting<'_>, observation: &Observation) -> Result<Effect> {
    let Observation { site, cluster, scope, as_of, .. } = observation;
    let is_elsewhere = |run: &&crate::ObservedRun| run.key.site != *site || run.key.cluster != *cluster;
    if let Some(run) = observation.running.iter().find(is_elsewhere) {
        return Err(invalid(format!("run {} is not of cluster `{cluster}` at `{site}`", run.key)));
    }
    let known = posting.records.observed_at(site, cluster, scope)?;
    if known.is_some_and(|known| known > *as_of && !is_ahead(known, posting.now)) {
        return Ok(Effect::AlreadyDone);
    }
    posting.records.put_observation(observation)?;
    Ok(Effect::Done)
}

/// Notes a reading.
pub(super) fn cover(posting: &Posting<'_>, reading: &Coverage) -> Result<()> {
    if reading.window.to <= reading.window.from {
        return Err(invalid(format!("nothing was read from {} to {}", reading.window.from, reading.window.to)));
    }
    posting.records.put_coverage(reading)
}

/// Says in which zone the days of a site begin. Usage by days is summed anew where that changes.
pub(super) fn set_zone(posting: &Posting<'_>, wish: &SiteZone) -> Result<Effect> {
    if posting.records.zone(&wish.site)?.as_ref() == Some(&wish.zone) {
        return Ok(Effect::AlreadyDone);
    }
    posting.records.set_zone(wish)?;
    Ok(Effect::Done)
}

/// Moves the cursor of a scope forward.
pub(super) fn advance(posting: &Posting<'_>, cursor: &Cursor) -> Result<Effect> {
    let known = posting.records.cursor(&cursor.site, &cursor.cluster, &cursor.scope)?;
    let known = known.map(|known| known.settled_until).filter(|known| !is_ahead(*known, posting.now));
    if known.is_some_and(|known| known >= cursor.settled_until) {
        return Ok(Effect::AlreadyDone);
    }
    posting.records.put_cursor(cursor)?;
    Ok(Effect::Done)
}
