//! What holds for every policy, and the monthly one against its centre's own arithmetic.

use super::stage::{Project, at, berlin, grant, hours};
use super::{
    Coming, Decision, Event, FixedTerm, HardStop, MonthlyJsc, NhrQuarterly, Policy, Rate, Soft, Standing, UsedUp,
};
use crate::rules::{GrantTerms, LotChange};
use model::{Amount, Timestamp, Window};
use proptest::prelude::*;

const DAY: i64 = 86_400;

fn policies() -> impl Strategy<Value = Policy> {
    let used_up = || prop::sample::select(vec![UsedUp::Stops, UsedUp::LowPriority, UsedUp::Unknown]);
    prop_oneof![
        Just(Policy::HardStop(HardStop {})),
        (100..200_u32).prop_map(|percent| Soft::new(percent).expect("in range").into()),
        prop::option::of(0..300_u32).prop_map(|reset_below_percent| MonthlyJsc { reset_below_percent }.into()),
        used_up().prop_map(|used_up| FixedTerm { used_up }.into()),
        (0..3_u32, 0..2_u32, used_up()).prop_map(|(carried_quarters, extension_quarters, used_up)| {
            NhrQuarterly { carried_quarters, extension_quarters, used_up }.into()
        }),
        Just(Policy::None),
    ]
}

/// Grants that begin within a year and run for up to two, on any day.
fn grants() -> impl Strategy<Value = Vec<GrantTerms>> {
    prop::collection::vec((0..365_i64, 1..700_i64, 1..5000_i64), 1..3).prop_map(|shapes| {
        let from = at("2026-01-01");
        let grant = |(number, (start, days, amount)): (usize, (i64, i64, i64))| {
            let from = from.plus_seconds(start * DAY);
            GrantTerms::whole(number.to_string(), hours(amount), Window { from, to: from.plus_seconds(days * DAY) })
        };
        shapes.into_iter().enumerate().map(grant).collect()
    })
}

fn charges() -> impl Strategy<Value = Vec<(Timestamp, Amount)>> {
    let day = |day: i64| at("2026-01-01").plus_seconds(day * DAY);
    prop::collection::vec((0..800_i64, 0..3000_i64), 0..8)
        .prop_map(move |charges| charges.into_iter().map(|(when, amount)| (day(when), hours(amount))).collect())
}

fn now() -> impl Strategy<Value = Timestamp> {
    (-10..1000_i64).prop_map(|day| at("2026-01-01").plus_seconds(day * DAY + 1234))
}

fn outlook(project: &Project, now: Timestamp, rate: Option<Rate>) -> Vec<Event> {
    project.with_facts(now, Amount::ZERO, |facts| project.policy.outlook(facts, rate)).expect("looks ahead")
}

proptest! {
    #[test]
    fn who_used_more_is_never_let_through_where_others_are_not(
        policy in policies(), grants in grants(), charges in charges(), now in now(),
        more in (0..8_usize, 0..2000_i64), reserved in 0..500_i64, wanted in 0..500_i64,
    ) {
        let project = Project { policy, grants, charges };
        let decide = |project: &Project, reserved: i64, wanted: i64| -> Decision {
            project
                .with_facts(now, hours(reserved), |facts| policy.decide(facts, hours(wanted)))
                .expect("decides")
        };
        let severity = |decision: &Decision| match decision {
            Decision::Allow => 0,
            Decision::Warn { .. } => 1,
            Decision::LowPriority { .. } => 2,
            Decision::Deny { .. } => 3,
        };
        let before = severity(&decide(&project, reserved, wanted));
        prop_assert!(severity(&decide(&project, reserved + more.1, wanted)) >= before);
        prop_assert!(severity(&decide(&project, reserved, wanted + more.1)) >= before);
        let mut charged = Project { policy, grants: project.grants.clone(), charges: project.charges.clone() };
        if let Some(charge) = charged.charges.get_mut(more.0) {
            charge.1 = charge.1.plus(hours(more.1)).expect("fits");
        }
        prop_assert!(severity(&decide(&charged, reserved, wanted)) >= before);
    }

    #[test]
    fn lots_of_a_policy_add_up_to_the_grant(policy in policies(), grants in grants()) {
        let lots = policy.lots(&grants, &berlin()).expect("lots");
        for grant in grants.iter().filter(|_| policy != Policy::None) {
            let own = || lots.iter().filter(|lot| lot.id.grant == grant.key);
            prop_assert_eq!(Amount::sum(own().map(|lot| lot.amount)), Amount::sum(grant.lots.iter().map(|lot| lot.amount)));
            prop_assert!(own().all(|lot| lot.usable.from <= lot.period.from && lot.period.to <= lot.usable.to));
            prop_assert!(own().all(|lot| grant.window.from <= lot.usable.from && lot.period.from < lot.period.to));
        }
    }

    #[test]
    fn lots_are_used_or_expired_or_left(
        policy in policies(), grants in grants(), charges in charges(), now in now(),
    ) {
        let project = Project { policy, grants, charges };
        let book = project.with_facts(now, Amount::ZERO, |facts| policy.book(facts)).expect("a book");
        let sum = |of: &dyn Fn(&crate::rules::LotBalance) -> Amount| Amount::sum(book.lots().iter().map(of)).expect("fits");
        let (granted, used, expired) = (sum(&|lot| lot.lot.amount), sum(&|lot| lot.used), sum(&|lot| lot.expired));
        let left = sum(&|lot| lot.remaining().expect("fits"));
        prop_assert_eq!(granted.milli(), used.milli() + expired.milli() + left.milli());
        let spent: i64 = project.charges.iter().filter(|(when, _)| *when < now).map(|(_, amount)| amount.milli()).sum();
        prop_assert_eq!(spent, used.milli() + book.owed().milli() + book.struck().milli());
    }

    #[test]
    fn what_comes_stands_in_order_and_ends(
        policy in policies(), grants in grants(), charges in charges(), now in now(), rate in 0..2000_i64,
    ) {
        let project = Project { policy, grants, charges };
        let last = policy.borders(&project.grants, &berlin()).expect("borders").last().copied();
        for rate in [None, Rate::new(Amount::from_milli(rate * 1000), 7)] {
            let events = outlook(&project, now, rate);
            prop_assert!(events.windows(2).all(|pair| pair[0].at <= pair[1].at));
            prop_assert!(events.iter().all(|event| event.at > now && Some(event.at) <= last));
            let changes = events.iter().filter_map(|event| match event.what {
                Coming::Becomes { standing } => Some(standing),
                Coming::Lot(_) => None,
            });
            let changes: Vec<Standing> = changes.collect();
            prop_assert!(changes.windows(2).all(|pair| pair[0] != pair[1]), "{:?}", changes);
            let text = serde_json::to_string(&events).expect("writes");
            prop_assert_eq!(serde_json::from_str::<Vec<Event>>(&text).expect("reads"), events);
        }
    }

    #[test]
    fn spending_faster_forfeits_no_more(grants in grants(), charges in charges(), now in now(), rate in 1..500_i64) {
        let project = Project { policy: HardStop {}.into(), grants, charges };
        let lost = |rate: Option<Rate>| -> i64 {
            let amounts = outlook(&project, now, rate).into_iter().map(|event| match event.what {
                Coming::Lot(LotChange::Forfeited { amount, .. }) => amount.milli(),
                _ => 0,
            });
            amounts.sum()
        };
        let (slow, fast) = (Rate::new(Amount::from_milli(rate), 3), Rate::new(Amount::from_milli(2 * rate), 3));
        prop_assert!(lost(None) >= lost(slow) && lost(slow) >= lost(fast));
    }

    /// The account as the centre describes it: CQ = PQ + MQ, older hours forfeited, down to -MQ, reset to -101 %.
    #[test]
    fn months_agree_with_the_centres_arithmetic(
        quota in 1..500_i64,
        spent in prop::collection::vec(0..1500_i64, 2..12),
    ) {
        let months = spent.len();
        let day = |month: usize, day: u32| format!("{}-{:02}-{day:02}", 2026 + (9 + month) / 12, (9 + month) % 12 + 1);
        let charges: Vec<(String, i64)> = spent.iter().enumerate().map(|(month, spent)| (day(month, 10), *spent)).collect();
        let charges: Vec<(&str, i64)> = charges.iter().map(|(when, spent)| (when.as_str(), *spent)).collect();
        let total = quota * i64::try_from(months).expect("few");
        let policy = Policy::from(MonthlyJsc::default());
        let project = Project::new(policy, vec![grant("jsc", total, &day(0, 1), &day(months, 1))], &charges);
        let milli = |hours: i64| hours * 3_600_000;
        let (quota, mut account, mut forfeited) = (milli(quota), 0, 0);
        for (month, spent) in spent.iter().enumerate() {
            forfeited += (account - quota).max(0);
            account = (account.min(quota) + quota).max(-(quota * 101).div_euclid(100));
            if month == 0 {
                account = quota;
            }
            let next = if month + 1 < months { quota } else { 0 };
            let book = |when: &str| project.with_facts(at(when), Amount::ZERO, |facts| policy.book(facts)).expect("a book");
            let first = book(&day(month, 1));
            prop_assert_eq!(first.usable().expect("fits").milli(), account + next, "month {}", month);
            prop_assert_eq!(first.expired().expect("fits").milli(), forfeited, "month {}", month);
            account -= milli(*spent);
            prop_assert_eq!(book(&day(month, 15)).usable().expect("fits").milli(), account + next, "month {}", month);
        }
    }
}

#[test]
fn policies_are_data() {
    for (text, policy) in [
        (r#"{"kind":"hard-stop"}"#, HardStop {}.into()),
        (r#"{"kind":"soft","percent":120}"#, Soft::new(120).expect("in range").into()),
        (r#"{"kind":"monthly-jsc"}"#, Policy::from(MonthlyJsc { reset_below_percent: Some(101) })),
        (r#"{"kind":"monthly-jsc","reset_below_percent":null}"#, MonthlyJsc { reset_below_percent: None }.into()),
        (r#"{"kind":"fixed-term","used_up":"low-priority"}"#, FixedTerm { used_up: UsedUp::LowPriority }.into()),
        (r#"{"kind":"nhr-quarterly"}"#, NhrQuarterly::default().into()),
        (r#"{"kind":"none"}"#, Policy::None),
    ] {
        let read: Policy = serde_json::from_str(text).expect(text);
        assert_eq!(read, policy, "{text}");
        let written = serde_json::to_string(&policy).expect("writes");
        assert_eq!(serde_json::from_str::<Policy>(&written).expect("reads"), policy, "{written}");
    }
    for text in [
        r#"{"kind":"soft"}"#,
        r#"{"kind":"soft","percent":90}"#,
        r#"{"kind":"hard-stop","percent":90}"#,
        r#"{"kind":"monthly-jsc","reset":90}"#,
        r#"{"kind":"unlimited"}"#,
    ] {
        assert!(serde_json::from_str::<Policy>(text).is_err(), "{text}");
    }
}

#[test]
fn without_a_budget_everything_is_let_through() {
    let project = Project::new(Policy::None, vec![grant("g", 1, "2026-01-01", "2026-02-01")], &[("2026-01-10", 99)]);
    assert_eq!(project.decide("2026-06-01", 5, 1_000_000), Decision::Allow);
    assert_eq!(project.outlook("2026-01-01", None), Vec::<String>::new());
}
