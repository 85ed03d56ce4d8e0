//! Bindings, the switch, and policies.

use super::posting::{Posting, conflict, invalid};
use super::settle::charge_again;
use crate::records::Result;
use crate::{Binding, DecidedKind, Effect, Enforce, EntryKind, SetPolicy, Unbind};

/// How many runs are in memory at once.
pub(super) const PAGE: u32 = 500;

/// Adds a binding and charges the unattributed runs that somebody pays for now. Runs that are charged already stay
/// where they are: moving them is a decision of its own.
pub(super) fn bind(posting: &Posting<'_>, binding: &Binding) -> Result<Effect> {
    if binding.to.is_some_and(|to| to <= binding.from) {
        let why = format!("the binding to `{}` ends before it starts", binding.project);
        return Err(invalid(why).with_next("write a later day behind `--until`"));
    }
    let bindings = posting.bindings()?;
    if bindings.all().any(|known| known == binding) {
        return Ok(Effect::AlreadyDone);
    }
    if let Some(other) = bindings.all().find(|other| binding.contradicts(other)) {
        let why = format!(
            "{} is bound to project `{}` in {} from {} on, and two cannot pay for the same runs",
            other.covers(),
            other.project,
            other.unit,
            other.from
        );
        let next = "`pakt ledger bindings` lists them, and `pakt ledger unbind NUMBER` ends that one first; or name an \
                    account, a partition or a user of this one's own";
        return Err(conflict(why).with_next(next));
    }
    posting.add_binding(binding)?;
    let mut after = None;
    loop {
        let runs = posting.records.unattributed_runs(&binding.site, after.as_ref(), PAGE)?;
        let Some(last) = runs.last() else { return Ok(Effect::Done) };
        after = Some(last.key.clone());
        for run in &runs {
            charge_again(posting, run, EntryKind::Correct)?;
        }
    }
}

/// Ends a binding, or ends it earlier. One that is over is not opened again: that would be a new binding.
pub(super) fn unbind(posting: &Posting<'_>, unbind: Unbind) -> Result<Effect> {
    let known = posting.records.bindings()?.into_iter().find(|known| known.number == unbind.number);
    let Some(known) = known else { return Err(invalid(format!("there is no binding {}", unbind.number))) };
    if unbind.to < known.terms.from {
        let why = format!("binding {} begins at {}, after {}", known.number, known.terms.from, unbind.to);
        return Err(invalid(why).with_next("name a later day; one of its own first day takes it back whole"));
    }
    match known.terms.to {
        Some(to) if to == unbind.to => Ok(Effect::AlreadyDone),
        Some(to) if to < unbind.to => {
            let why = format!("binding {} ended at {to} already, before {}", known.number, unbind.to);
            Err(conflict(why).with_next("one that is over is not opened again: `pakt ledger bind` makes another"))
        }
        _ => {
            posting.end_binding(unbind)?;
            Ok(Effect::Done)
        }
    }
}

/// Switches refusal on or off.
pub(super) fn set_enforce(posting: &Posting<'_>, enforce: &Enforce) -> Result<Effect> {
    if posting.records.is_enforced(&enforce.project, &enforce.unit)? == enforce.is_enforced {
        return Ok(Effect::AlreadyDone);
    }
    posting.decide_anew(DecidedKind::Enforcement, |deed| posting.records.set_enforced(enforce, deed))?;
    Ok(Effect::Done)
}

/// Says which policy a budget has. Refused where it cannot make lots of a grant that is there.
pub(super) fn set_policy(posting: &Posting<'_>, wish: &SetPolicy) -> Result<Effect> {
    if posting.records.policy(&wish.project, &wish.unit)?.as_ref() == Some(wish) {
        return Ok(Effect::AlreadyDone);
    }
    let grants = posting.records.grants(&wish.project)?;
    for grant in grants.iter().filter(|grant| grant.terms.unit == wish.unit) {
        let lots = wish.policy.lots(&[grant.for_policy()?], &wish.zone);
        let next =
            "`pakt ledger policy PROJECT --unit UNIT` shows the one it has; choose one that fits the grant's months";
        lots.map_err(|error| invalid(format!("it does not fit grant `{}`: {error}", grant.terms.key)).with_next(next))?;
    }
    put_policy(posting, wish)?;
    Ok(Effect::Done)
}

/// Writes a policy.
pub(super) fn put_policy(posting: &Posting<'_>, policy: &SetPolicy) -> Result<()> {
    posting.decide_anew(DecidedKind::Policy, |deed| posting.records.set_policy(policy, deed))
}
