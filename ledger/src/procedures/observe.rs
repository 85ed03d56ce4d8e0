//! Observations, cursors, readings, imports and zones. Of these observations and cursors are no entries, neither goes backwards, unless its date lies ahead of the present: a clock
//! that was ahead once must not keep out what is seen afterwards.

use super::posting::{Posting, invalid};
use crate::records::Result;
use crate::{Coverage, Cursor, DecidedKind, Effect, ImportBatch, Observation, Scope, SiteZone, is_ahead};
use model::AccountName;
use std::collections::BTreeSet;

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
    let hidden_accounts = hidden(posting, reading)?;
    let reading = Coverage { hidden_accounts, ..reading.clone() };
    posting.decide(DecidedKind::Coverage, |deed| posting.records.put_coverage(&reading, deed.entry))
}

/// The accounts of which the reader saw others before, and now none although the books have some: the right is gone. Where the
/// rights are known nothing has to be found out.
fn hidden(posting: &Posting<'_>, reading: &Coverage) -> Result<Vec<Option<AccountName>>> {
    let (Scope::All(reader), None) = (&reading.scope, reading.rights) else { return Ok(Vec::new()) };
    let known = posting.records.readings(&reading.site, &reading.cluster, &reading.scope)?;
    let seen: BTreeSet<_> = known.into_iter().flat_map(|known| known.whole_accounts).collect();
    let mut hidden = Vec::new();
    for account in seen.into_iter().filter(|account| !reading.whole_accounts.contains(account)) {
        if posting.records.has_run_of_others(reading, reader, account.as_ref())? {
            hidden.push(account);
        }
    }
    Ok(hidden)
}

/// Says in which zone the days of a site begin. Usage by days is summed anew where that changes.
pub(super) fn set_zone(posting: &Posting<'_>, wish: &SiteZone) -> Result<Effect> {
    if posting.records.zone(&wish.site)?.as_ref() == Some(&wish.zone) {
        return Ok(Effect::AlreadyDone);
    }
    posting.decide_anew(DecidedKind::Zone, |deed| posting.records.set_zone(wish, deed))?;
    Ok(Effect::Done)
}

/// Notes a batch of runs; its number.
pub(super) fn note_import(posting: &Posting<'_>, batch: &ImportBatch) -> Result<u64> {
    let mut number = 0;
    posting.decide(DecidedKind::Import, |deed| {
        number = posting.records.add_import(batch, deed)?;
        Ok(Some(Vec::new()))
    })?;
    Ok(number)
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
