//! Bindings and the switch.

use super::posting::{Posting, invalid};
use super::settle::charge_again;
use crate::records::Result;
use crate::{Binding, Effect, Enforce};

/// How many runs are in memory at once.
const PAGE: u32 = 500;

/// Adds a binding and charges the unattributed runs that somebody pays for now. Runs that are charged already stay
/// where they are: moving them is a decision of its own.
pub(super) fn bind(posting: &Posting<'_>, binding: &Binding) -> Result<Effect> {
    if binding.to.is_some_and(|to| to <= binding.from) {
        return Err(invalid(format!("the binding to `{}` ends before it starts", binding.project)));
    }
    if posting.bindings()?.contains(binding) {
        return Ok(Effect::AlreadyDone);
    }
    posting.add_binding(binding)?;
    let mut after = None;
    loop {
        let runs = posting.records.unattributed_runs(&binding.site, after.as_ref(), PAGE)?;
        let Some(last) = runs.last() else { return Ok(Effect::Done) };
        after = Some(last.key.clone());
        for run in &runs {
            charge_again(posting, run)?;
        }
    }
}

/// Switches refusal on or off.
pub(super) fn set_enforce(posting: &Posting<'_>, enforce: &Enforce) -> Result<Effect> {
    if posting.records.is_enforced(&enforce.project, &enforce.unit)? == enforce.is_enforced {
        return Ok(Effect::AlreadyDone);
    }
    posting.records.set_enforced(enforce, posting.actor, posting.now)?;
    Ok(Effect::Done)
}
