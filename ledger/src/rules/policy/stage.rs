//! The stage of the policies' tests: hours, days of Berlin, and events as text.

use super::{Coming, Event, Facts, Policy, Rate, Standing};
use crate::rules::{Decision, GrantTerms, LotChange, LotError, Spending};
use model::{Amount, Timestamp, Window, Zone};

pub(super) fn berlin() -> Zone {
    "Europe/Berlin".parse().expect("a zone")
}

/// An instant of Berlin: `2026-06-15`, or `2026-06-15 12:30`.
pub(super) fn at(text: &str) -> Timestamp {
    let text = if text.contains(' ') { text.replace(' ', "T") } else { format!("{text}T00:00") };
    let civil: jiff::civil::DateTime = format!("{text}:00").parse().expect("a time");
    let zoned = civil.to_zoned_datetime(berlin().rules().clone()).expect("in range");
    Timestamp::from_epoch_seconds(zoned.timestamp().as_second())
}

pub(super) fn hours(hours: i64) -> Amount {
    Amount::from_milli(hours * 3_600_000)
}

pub(super) fn grant(key: &str, amount: i64, from: &str, to: &str) -> GrantTerms {
    GrantTerms::whole(key, hours(amount), Window { from: at(from), to: at(to) })
}

/// A project: its policy, its grants, and what it used when.
pub(super) struct Project {
    pub(super) policy: Policy,
    pub(super) grants: Vec<GrantTerms>,
    pub(super) charges: Vec<(Timestamp, Amount)>,
}

impl Project {
    pub(super) fn new(policy: impl Into<Policy>, grants: Vec<GrantTerms>, charges: &[(&str, i64)]) -> Self {
        let charges = charges.iter().map(|(when, amount)| (at(when), hours(*amount))).collect();
        Self { policy: policy.into(), grants, charges }
    }

    pub(super) fn with_facts<T>(&self, now: Timestamp, reserved: Amount, ask: impl FnOnce(&Facts<'_>) -> T) -> T {
        let zone = berlin();
        let borders = self.policy.borders(&self.grants, &zone).expect("borders");
        let mut untils: Vec<Timestamp> = borders.into_iter().filter(|border| *border < now).collect();
        untils.push(now);
        let mut since = None;
        let mut spending = Vec::new();
        for until in untils {
            let inside = self.charges.iter().filter(|(when, _)| Some(*when) >= since && *when < until);
            let amount = Amount::sum(inside.map(|(_, amount)| *amount)).expect("fits");
            spending.push(Spending { until, amount });
            since = Some(until);
        }
        ask(&Facts { grants: &self.grants, spending: &spending, reserved, now, zone: &zone })
    }

    pub(super) fn decide(&self, now: &str, reserved: i64, wanted: i64) -> Decision {
        self.with_facts(at(now), hours(reserved), |facts| self.policy.decide(facts, hours(wanted))).expect("decides")
    }

    pub(super) fn outlook(&self, now: &str, rate: Option<Rate>) -> Vec<String> {
        let outlook: Result<Vec<Event>, LotError> =
            self.with_facts(at(now), Amount::ZERO, |facts| self.policy.outlook(facts, rate));
        outlook.expect("looks ahead").iter().map(shown).collect()
    }
}

/// An event as a line: when in Berlin, and what in hours.
pub(super) fn shown(event: &Event) -> String {
    let when = jiff::Timestamp::from_second(event.at.epoch_seconds()).expect("in range");
    let when = when.to_zoned_datetime(berlin().rules().clone()).strftime("%Y-%m-%d %H:%M");
    let amount = |amount: &Amount| amount.hours().trim_end_matches(".000").to_owned();
    let what = match &event.what {
        Coming::Lot(LotChange::Forfeited { lot, amount: lost }) => format!("forfeited {} of {lot}", amount(lost)),
        Coming::Lot(LotChange::Struck { amount: debt }) => format!("struck {}", amount(debt)),
        Coming::Lot(LotChange::Arrives { lot, amount: new }) => format!("arrives {} of {lot}", amount(new)),
        Coming::Lot(LotChange::Repays { lot, amount: paid }) => format!("repays {} of {lot}", amount(paid)),
        Coming::Becomes { standing } => match standing {
            Standing::Usable => "usable".to_owned(),
            Standing::Overdrawn => "overdrawn".to_owned(),
            Standing::LowPriority => "priority drops".to_owned(),
            Standing::Stopped => "jobs stop".to_owned(),
            Standing::UsedUp => "used up".to_owned(),
            Standing::NoGrant => "no grant".to_owned(),
        },
    };
    format!("{when} {what}")
}
