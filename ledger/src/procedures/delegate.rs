//! Delegation: time of a grant goes on to another project, as a grant of the same programme over the same time.

use super::grant::grant;
use super::posting::{Draft, Posting, conflict, invalid};
use crate::records::Result;
use crate::{Account, Delegate, Effect, EntryKind, Grant, Links, NewGrant, Particulars, SetPolicy, rules};
use model::Amount;

const AGAIN: &str = "another delegation needs a `--reason` of its own";

/// What can be done with time that comes in parts.
const IN_PARTS: &str = "withdraw the grant, and enter one for each project; or let the other project's account spend this budget: \
                        `pakt ledger bind`";

/// Passes time on. Never more than stands of the grant, nor than is free.
pub(super) fn delegate(posting: &Posting<'_>, wish: &Delegate) -> Result<Effect> {
    if wish.reason.trim().is_empty() || wish.from == wish.to || wish.amount <= Amount::ZERO {
        let why = format!("{} from `{}` to `{}` for \"{}\"", wish.amount.hours(), wish.from, wish.to, wish.reason);
        let why = format!("{why}: another project, some hours and a reason are needed");
        return Err(
            invalid(why).with_next("name another project than the one that passes it on, and more than no hours")
        );
    }
    let key = format!("delegate:{}", wish.key);
    if let Some(posted) = posting.records.entry_with_key(&key)? {
        let is_same = posted.amount == wish.amount
            && posted.project == wish.from
            && posted.links.grant.as_ref() == Some(&wish.grant)
            && posted.note == note(wish);
        let why = format!("delegation `{}` is entry {} already, with another content", wish.key, posted.number);
        return if is_same { Ok(Effect::AlreadyDone) } else { Err(conflict(why).with_next(AGAIN)) };
    }
    let grants = posting.records.grants(&wish.from)?;
    let Some(given) = grants.into_iter().find(|known| known.terms.key == wish.grant) else {
        return Err(invalid(format!("project `{}` has no grant `{}`", wish.from, wish.grant)));
    };
    let unit = given.terms.unit.clone();
    refuse_windows(posting, wish, &given)?;
    let free = free(posting, wish, &given)?;
    let most = given.standing()?.min(free);
    if wish.amount > most {
        let why = format!("{} can be passed on, {} are wanted", most.in_hours_of(&unit), wish.amount.hours());
        let next = format!("pass on fewer hours; `pakt balance {}` shows what holds the rest", wish.from);
        return Err(conflict(why).with_fact("most", &most.hours()).with_next(&next));
    }
    let NewGrant { programme, window, reference, .. } = given.terms;
    posting.append(Draft {
        kind: EntryKind::Delegate,
        unit: unit.clone(),
        amount: wish.amount,
        debit: Account::Budget(wish.from.clone()),
        credit: Account::Programme(programme.clone()),
        project: wish.from.clone(),
        effective_at: window.from,
        key: Some(key),
        links: Links { grant: Some(wish.grant.clone()), ..Links::default() },
        note: note(wish),
        tariff: None,
        particulars: Particulars::None,
        reading: None,
    })?;
    if let Some(known) = posting.records.policy(&wish.from, &unit)?
        && posting.records.policy(&wish.to, &unit)?.is_none()
    {
        let policy = SetPolicy { project: wish.to.clone(), ..known };
        posting.records.set_policy(&policy, posting.actor, posting.now)?;
    }
    let (project, amount) = (wish.to.clone(), wish.amount);
    // Each delegation is a decision of its own: a second one for the same reason is another grant, not the same once more.
    let reference = format!("{reference} from {}, {}: {}", wish.from, wish.key, wish.reason);
    grant(
        posting,
        &NewGrant {
            key: format!("delegated/{}", wish.key),
            project,
            programme,
            unit,
            amount,
            window,
            reference,
            lots: Vec::new(),
        },
    )
}

/// A grant that comes month by month cannot be passed on as one: the other project would get months that are over, and
/// the months that this one has spent would be worth less.
fn refuse_windows(posting: &Posting<'_>, wish: &Delegate, given: &Grant) -> Result<()> {
    let Some(SetPolicy { policy, zone, .. }) = posting.records.policy(&wish.from, &given.terms.unit)? else {
        let parts = given.terms.lots.len();
        let why = format!("grant `{}` comes in {parts} parts, which cannot be passed on", wish.grant);
        return if parts < 2 { Ok(()) } else { Err(conflict(why).with_next(IN_PARTS)) };
    };
    let lots = policy.lots(&[given.for_policy()?], &zone).map_err(|error| invalid(error.to_string()))?;
    if lots.len() < 2 {
        return Ok(());
    }
    let why = format!("by `{policy}` grant `{}` comes in {} parts, which cannot be passed on", wish.grant, lots.len());
    Err(conflict(why).with_next(IN_PARTS))
}

fn note(wish: &Delegate) -> String {
    format!("to {}: {}", wish.to, wish.reason)
}

/// What can be passed on of a grant beside what stands of it: of one that is in force what is free now, for a later one covers
/// nothing that is spent.
fn free(posting: &Posting<'_>, wish: &Delegate, given: &Grant) -> Result<Amount> {
    if given.terms.window.from > posting.now {
        return Ok(given.standing()?);
    }
    let unit = &given.terms.unit;
    let parts = posting.records.balance_parts(Some(&wish.from), posting.now)?;
    let balances = rules::balances(&parts, posting.now)?;
    let found = balances.into_iter().find(|balance| balance.project == wish.from && balance.unit == *unit);
    Ok(found.map(|balance| balance.free()).transpose()?.unwrap_or_default())
}
