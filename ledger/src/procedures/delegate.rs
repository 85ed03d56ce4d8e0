//! Delegation: time of a grant goes on to another project, as a grant of the same programme over the same time. Of a grant
//! that comes in lots each that is not over gives its part, and the other project gets those.

use super::bind::put_policy;
use super::grant::grant;
use super::posting::{Draft, Posting, conflict, invalid};
use crate::records::Result;
use crate::{
    Account, Budget, Delegate, Effect, EntryKind, GivenLot, Grant, Links, NewGrant, Particulars, SetPolicy, rules,
};
use model::Amount;

/// How the key of a grant begins that another project passed on.
pub(super) const PASSED_ON: &str = "delegated/";

/// What the keys of entries begin with that pass time on.
const DELEGATE: &str = "delegate:";

/// So many digits tell the grants apart that are passed on of one decision.
const SHOWN_DIGITS: usize = 8;

const AGAIN: &str = "another delegation needs a `--reason` of its own";

/// Refuses what would pass nothing on, or to nobody else, or says no reason.
fn refuse_what_says_nothing(wish: &Delegate) -> Result<()> {
    let (why, next) = if wish.from == wish.to {
        (format!("`{}` would pass it on to itself", wish.from), "name another project than the one that passes it on")
    } else if wish.amount <= Amount::ZERO {
        (format!("{} hours are nothing to pass on", wish.amount.hours()), "write more hours than none")
    } else if wish.reason.trim().is_empty() {
        ("no reason is given".to_owned(), "write what it is passed on for behind `--reason`")
    } else {
        return Ok(());
    };
    Err(invalid(why).with_next(next))
}

/// Passes time on. Never more than stands of the grant, nor than is free or comes into reach later.
pub(super) fn delegate(posting: &Posting<'_>, wish: &Delegate) -> Result<Effect> {
    refuse_what_says_nothing(wish)?;
    let (key, posted) = posting.keyed(DELEGATE, &wish.key)?;
    if let Some(posted) = posted {
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
    let lots = parts(posting, wish, &given)?;
    let digits = key.trim_start_matches(DELEGATE).to_owned();
    let reference = reference(&given.terms, wish, &digits);
    let NewGrant { programme, window, .. } = given.terms;
    let of_lots = Particulars::Lots { ends_at: window.to, lots: lots.clone() };
    let particulars = if lots.is_empty() { Particulars::None } else { of_lots };
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
        particulars,
        reading: None,
    })?;
    if let Some(known) = posting.records.policy(&wish.from, &unit)?
        && posting.records.policy(&wish.to, &unit)?.is_none()
    {
        let policy = SetPolicy { project: wish.to.clone(), ..known };
        put_policy(posting, &policy)?;
    }
    let (project, amount) = (wish.to.clone(), wish.amount);
    grant(
        posting,
        &NewGrant { key: format!("{PASSED_ON}{digits}"), project, programme, unit, amount, window, reference, lots },
    )
}

/// The number of the grant that the other project gets. Each delegation is a decision of its own: a second one for the same reason is
/// another grant, not the same once more. No reason stands in it, and of one that is passed on further only who did it last: the
/// number is written into other entries.
fn reference(given: &NewGrant, wish: &Delegate, digits: &str) -> String {
    let number = given.reference.as_str();
    let first = if given.key.starts_with(PASSED_ON) { number.split(FROM).next().unwrap_or(number) } else { number };
    format!("{first}{FROM}{}, {}", wish.from, digits.chars().take(SHOWN_DIGITS).collect::<String>())
}

/// What stands between the number of a decision and who passed time of it on.
const FROM: &str = " from ";

/// What each lot of the grant gives, where it comes in several or is paid out so by its policy: those that are not over, pro
/// rata. None where it is one. Refused where there is not so much.
fn parts(posting: &Posting<'_>, wish: &Delegate, given: &Grant) -> Result<Vec<GivenLot>> {
    let budget = budget(posting, wish, given)?;
    let book = budget.as_ref().map(Budget::book).transpose()?;
    let count = book.map_or(0, |book| book.lots().iter().filter(|known| known.lot.id.grant == wish.grant).count());
    let available = match &budget {
        Some(budget) if count > 1 || !given.terms.lots.is_empty() => {
            Some(rules::available(budget, &wish.grant, posting.now)?)
        }
        _ => None,
    };
    let most = match &available {
        Some(lots) => Amount::sum(lots.iter().map(|lot| lot.amount))?,
        None => given.standing()?.min(free(posting, given, budget.as_ref())?),
    };
    if wish.amount > most {
        let (most_shown, wanted) = (most.in_hours_of(&given.terms.unit), wish.amount.hours());
        let why = format!("{most_shown} can be passed on, {wanted} are wanted");
        let next = format!("pass on fewer hours; `pakt balance {}` shows what holds the rest", wish.from);
        return Err(conflict(why).with_fact("most", &most.hours()).with_next(&next));
    }
    Ok(available.map(|lots| rules::pro_rata(&lots, wish.amount)).transpose()?.unwrap_or_default())
}

/// The budget that gives.
fn budget(posting: &Posting<'_>, wish: &Delegate, given: &Grant) -> Result<Option<Budget>> {
    let parts = posting.records.balance_parts(Some(&wish.from), posting.now)?;
    let is_its = |budget: &Budget| budget.balance.project == wish.from && budget.balance.unit == given.terms.unit;
    Ok(rules::budgets(&parts, posting.now)?.into_iter().find(is_its))
}

fn note(wish: &Delegate) -> String {
    format!("to {}: {}", wish.to, wish.reason)
}

/// What can be passed on of a grant that is one amount, beside what stands of it: of one that is in force what is free now, for
/// a later one covers nothing that is spent.
fn free(posting: &Posting<'_>, given: &Grant, budget: Option<&Budget>) -> Result<Amount> {
    if given.terms.window.from > posting.now {
        return Ok(given.standing()?);
    }
    Ok(budget.map(|budget| budget.balance.free()).transpose()?.unwrap_or_default())
}
