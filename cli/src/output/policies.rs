//! What a policy says, in words.

use super::{instant, instant_in};
use crate::wiring::{Coming, Decision, Event, Expiry, LotChange, Reason, Standing};
use model::{Amount, Timestamp, Unit, Zone};

/// A decision about a job.
pub(crate) fn decision(decision: &Decision, unit: &Unit, zone: &Zone) -> String {
    let until =
        |until: &Option<Timestamp>| until.map_or_else(String::new, |at| format!(" until {}", instant_in(at, zone)));
    match decision {
        Decision::Allow => "it is covered".to_owned(),
        Decision::Warn { why } => format!("it goes ahead: {}", reason(why, unit)),
        Decision::LowPriority { why, until: at } => {
            format!("it gets low priority{}: {}", until(at), reason(why, unit))
        }
        Decision::Deny { why, until: at } => format!("the site does not start it{}: {}", until(at), reason(why, unit)),
    }
}

fn reason(reason: &Reason, unit: &Unit) -> String {
    match reason {
        Reason::NoGrantInForce => "no grant may be spent at this time".to_owned(),
        Reason::UsedUp { beyond } => {
            format!("nothing is left, and {} more are used", beyond.in_hours_of(unit))
        }
        Reason::Overdrawn { beyond, most } => {
            format!("it overdraws the budget by {} of {} at most", beyond.hours(), most.in_hours_of(unit))
        }
        Reason::NotCovered { wanted, free } => {
            format!("it may use {}, and {} are free", wanted.in_hours_of(unit), free.hours())
        }
    }
}

/// How a project stands.
pub(crate) const fn standing(standing: Standing) -> &'static str {
    match standing {
        Standing::Usable => "jobs start as usual",
        Standing::Overdrawn => "overdrawn, and jobs start as usual",
        Standing::LowPriority => "low priority",
        Standing::Stopped => "jobs do not start",
        Standing::UsedUp => "used up, and what the site does then is not known",
        Standing::NoGrant => "no grant may be spent",
    }
}

/// What happens, for those events that a person plans by: not what comes into reach, or pays what is owed.
pub(crate) fn event(event: &Event, unit: &Unit, zone: &Zone) -> Option<String> {
    let what = match &event.what {
        Coming::Lot(LotChange::Forfeited { amount, .. }) => format!("{} are forfeited", amount.in_hours_of(unit)),
        Coming::Lot(LotChange::Struck { amount }) => {
            format!("{} that were overdrawn are forgiven", amount.in_hours_of(unit))
        }
        Coming::Lot(LotChange::Arrives { .. } | LotChange::Repays { .. }) => return None,
        Coming::Becomes { standing: becomes } => standing(*becomes).to_owned(),
    };
    Some(format!("{}  {what}", instant_in(event.at, zone)))
}

/// What time took from a budget, or gave.
pub(crate) fn expiry(expiry: &Expiry) -> String {
    let Expiry { project, unit, lot, at, amount } = expiry;
    let is_loss = *amount > Amount::ZERO;
    let size = if is_loss { *amount } else { amount.negated().unwrap_or_default() }.in_hours_of(unit);
    let at = instant(*at);
    match (lot, is_loss) {
        (Some(_), true) => format!("{project} forfeited {size} ({unit}) at {at}"),
        (Some(_), false) => format!("{project} got {size} ({unit}) back that had been forfeited at {at}"),
        (None, false) => format!("{project} was forgiven {size} ({unit}) at {at}"),
        (None, true) => format!("{project} owes {size} ({unit}) again that had been forgiven at {at}"),
    }
}
