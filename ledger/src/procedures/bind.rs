//! Bindings and the switch.

use super::posting::{Posting, invalid};
use super::settle::recharge;
use crate::records::Result;
use crate::{Binding, Effect, Enforce};

/// Adds a binding and charges the unattributed runs that somebody pays for now. Runs that are charged already stay
/// where they are: moving them is a decision of its own.
pub(super) fn bind(posting: &Posting<'_>, binding: &Binding) -> Result<Effect> {
    if binding.to.is_some_and(|to| to <= binding.from) {
        return Err(invalid(format!("the binding to `{}` ends before it starts", binding.project)));
    }
    if posting.records.bindings()?.contains(binding) {
        return Ok(Effect::AlreadyDone);
    }
    posting.records.add_binding(binding, posting.actor, posting.now)?;
    for mut run in posting.records.unattributed_runs()? {
        if run.key.site == binding.site {
            recharge(posting, &mut run)?;
            posting.records.put_run(&run)?;
        }
    }
    Ok(Effect::Done)
}

/// Switches refusal on or off.
pub(super) fn set_enforce(posting: &Posting<'_>, enforce: &Enforce) -> Result<Effect> {
    if posting.records.is_enforced(&enforce.project, &enforce.unit)? == enforce.is_enforced {
        return Ok(Effect::AlreadyDone);
    }
    posting.records.set_enforced(enforce, posting.actor, posting.now)?;
    Ok(Effect::Done)
}
