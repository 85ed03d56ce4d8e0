//! Policies: balances, refusals and outlooks go by the one that a budget has, and what was spent is cut where it wants it.

use crate::support::*;
use ledger::{
    BalanceQuery, Budget, Coming, Command, Decision, Effect, FixedTerm, GivenLot, HardStop, LedgerErrorKind, LotChange,
    MonthlyJsc, NewGrant, NhrQuarterly, Outcome, Policy, SetPolicy, SiteZone, Soft, Standing, UsedUp,
};
use model::{Amount, Timestamp, Window};
use proptest::prelude::*;

/// 1 September 2026, 00:00 in Berlin.
const SEPTEMBER: i64 = 1_788_213_600;
const DAY: i64 = 86_400;

fn for_days(key: &str, amount: i64, from: i64, days: i64) -> Command {
    let window = Window { from: at(from), to: at(from + days * DAY) };
    Command::Grant(NewGrant { window, ..new_grant(key, amount) })
}

async fn budget_at(desk: &Desk, seconds: i64) -> Budget {
    let query = BalanceQuery { project: Some(atlas()), ..BalanceQuery::default() };
    desk.book.budgets(&query, at(seconds)).await.expect("budgets").remove(0)
}

/// Granted, later, expired, forgiven, used and free.
async fn numbers_at(desk: &Desk, seconds: i64) -> [i64; 6] {
    let balance = budget_at(desk, seconds).await.balance;
    let free = balance.free().expect("fits");
    [balance.granted, balance.later, balance.expired, balance.forgiven, balance.used, free].map(Amount::milli)
}

/// 91 days from 1 September: 30 + 31 + 30 of them, of 30,000 each.
async fn autumn(policy: impl Into<Policy>) -> Desk {
    let desk = Desk::new();
    desk.post(&[for_days("g", 90_000, SEPTEMBER, 91), Command::Bind(binding()), set_policy(policy)]).await;
    desk
}

/// Two parts of an award: September, and the two months behind it.
fn in_parts(amounts: [i64; 2]) -> NewGrant {
    let days = [SEPTEMBER, SEPTEMBER + 30 * DAY, SEPTEMBER + 91 * DAY].map(at);
    let part = |number: usize| {
        let period = Window { from: days[number], to: days[number + 1] };
        GivenLot { amount: Amount::from_milli(amounts[number]), period }
    };
    let window = Window { from: days[0], to: days[2] };
    NewGrant { window, lots: vec![part(0), part(1)], ..new_grant("parts", amounts.iter().sum()) }
}

#[tokio::test]
async fn parts_that_an_award_names_come_and_go_one_by_one() {
    let desk = Desk::new();
    let wrong = NewGrant { amount: Amount::from_milli(99), ..in_parts([60, 40]) };
    let refused = desk.try_post(&[Command::Grant(wrong)]).await.expect_err("they do not sum to it");
    assert_eq!(refused.kind, LedgerErrorKind::Invalid, "{refused}");
    let given = Command::Grant(in_parts([60, 40]));
    desk.post(&[given.clone(), Command::Bind(binding()), set_policy(FixedTerm::default())]).await;
    assert_eq!(desk.post(&[given]).await, [Outcome::Granted(Effect::AlreadyDone)]);
    let other = desk.try_post(&[Command::Grant(in_parts([50, 50]))]).await.expect_err("another content");
    assert_eq!(other.kind, LedgerErrorKind::Conflict);
    desk.post(&[settle(ended(foreign(1, 15), SEPTEMBER + 3 * DAY))]).await;
    assert_eq!(numbers_at(&desk, SEPTEMBER + 10 * DAY).await, [60, 40, 0, 0, 15, 45]);
    assert_eq!(numbers_at(&desk, SEPTEMBER + 40 * DAY).await, [55, 0, 45, 0, 15, 40]);
    let grants = desk.book.grants(None).await.expect("grants");
    assert_eq!(grants[0].terms, in_parts([60, 40]));
    // No part is taken back alone.
    let withdraw = |amount| ledger::Withdraw {
        key: "w".to_owned(),
        grant: "parts".to_owned(),
        project: atlas(),
        amount,
        reason: "a mistake".to_owned(),
    };
    let refused = desk.try_post(&[Command::Withdraw(withdraw(Some(Amount::from_milli(10))))]).await;
    assert_eq!(refused.expect_err("in parts").kind, LedgerErrorKind::Conflict);
    desk.post(&[Command::Withdraw(withdraw(None))]).await;
    assert_eq!(desk.book.grants(None).await.expect("grants")[0].withdrawn, Amount::from_milli(100));
    desk.verify().await;
}

#[tokio::test]
async fn what_is_granted_is_what_the_policy_brings_into_reach() {
    // Months are even: 91,000 in three parts of 30,000. By mid September September and October are in reach.
    let third = 30_000;
    for (policy, expected) in [
        (Policy::from(HardStop {}), [90_000, 0, 0, 0, 5_000, 85_000]),
        (Policy::None, [90_000, 0, 0, 0, 5_000, 85_000]),
        (FixedTerm::default().into(), [90_000, 0, 0, 0, 5_000, 85_000]),
        (MonthlyJsc::default().into(), [2 * third, third, 0, 0, 5_000, 2 * third - 5_000]),
        // A third of the third quarter, two of the fourth.
        (NhrQuarterly::default().into(), [0; 6]),
    ] {
        let desk = autumn(policy).await;
        desk.post(&[settle(ended(foreign(1, 5_000), SEPTEMBER + 3 * DAY))]).await;
        let numbers = numbers_at(&desk, SEPTEMBER + 15 * DAY).await;
        if policy == NhrQuarterly::default().into() {
            assert_eq!(numbers[0] + numbers[1], 90_000, "{policy:?}: {numbers:?}");
            assert_eq!((numbers[2], numbers[4], numbers[5]), (0, 5_000, numbers[0] - 5_000), "{policy:?}");
        } else {
            assert_eq!(numbers, expected, "{policy:?}");
        }
        desk.verify().await;
    }
}

#[tokio::test]
async fn months_forfeit_what_is_left_of_them() {
    let desk = autumn(MonthlyJsc::default()).await;
    desk.post(&[settle(ended(foreign(1, 5_000), SEPTEMBER + 3 * DAY))]).await;
    let november = SEPTEMBER + 61 * DAY + 3600;
    // Of September's 30,000 went 5,000; the rest ended with October. Berlin's October has an hour more.
    assert_eq!(numbers_at(&desk, november - 1).await, [90_000, 0, 0, 0, 5_000, 85_000]);
    assert_eq!(numbers_at(&desk, november).await, [90_000 - 25_000, 0, 25_000, 0, 5_000, 60_000]);
    // Read late: it ran in October, and September's rest pays it.
    desk.post_at(november, &[settle(ended(foreign(2, 7_000), november - DAY))]).await;
    assert_eq!(numbers_at(&desk, november).await, [90_000 - 18_000, 0, 18_000, 0, 12_000, 60_000]);
    // It ended as November began, and was October's; half of the next one is.
    desk.post_at(november, &[settle(ended(foreign(3, 100), november))]).await;
    assert_eq!(numbers_at(&desk, november + 1).await, [90_000 - 17_900, 0, 17_900, 0, 12_100, 60_000]);
    desk.post_at(november + 50, &[settle(ended(foreign(4, 100), november + 50))]).await;
    assert_eq!(numbers_at(&desk, november + 51).await, [90_000 - 17_850, 0, 17_850, 0, 12_200, 59_950]);
    desk.verify().await;
}

#[tokio::test]
async fn what_is_overdrawn_beyond_a_months_limit_is_forgiven() {
    let desk = autumn(MonthlyJsc::default()).await;
    // All three months and 100,000 more in November; nothing is taken over into another allocation period.
    desk.post_at(SEPTEMBER + 71 * DAY, &[settle(ended(foreign(1, 190_000), SEPTEMBER + 70 * DAY))]).await;
    let during = budget_at(&desk, SEPTEMBER + 80 * DAY).await;
    assert_eq!(during.standing(), Ok(Standing::LowPriority));
    assert!(matches!(during.decide(milli(1)), Ok(Decision::LowPriority { .. })));
    let after = numbers_at(&desk, SEPTEMBER + 100 * DAY).await;
    assert_eq!([after[3], after[5]], [190_000 - 60_000, 0], "October and November paid: {after:?}");
    let [granted, _, _, forgiven, used, free] = after;
    assert_eq!(
        (granted, granted + forgiven - used),
        (60_000, free),
        "what is forgiven is told beside what was granted"
    );
    desk.verify().await;
}

#[tokio::test]
async fn an_enforced_budget_refuses_what_the_balance_does_not_cover_whatever_the_site_would_do() {
    let now = SEPTEMBER + 15 * DAY;
    for (policy, most) in [
        (Policy::None, 90_000),
        (HardStop {}.into(), 90_000),
        (Soft::new(120).expect("in range").into(), 108_000),
        (FixedTerm { used_up: UsedUp::LowPriority }.into(), 90_000),
        (MonthlyJsc::default().into(), 60_000),
    ] {
        let desk = autumn(policy).await;
        desk.post(&[enforce(true)]).await;
        let error = desk.book.post(&ada(), at(now), &[hold(1, most + 1)]).await.expect_err("refused");
        assert!(error.refusal().is_some(), "{policy:?}: {error}");
        assert!(desk.book.post(&ada(), at(now), &[hold(1, most)]).await.is_ok(), "{policy:?}");
    }
}

#[tokio::test]
async fn the_last_word_about_a_policy_counts() {
    let desk = autumn(HardStop {}).await;
    assert_eq!(desk.post(&[set_policy(HardStop {})]).await, [Outcome::PolicySet(Effect::AlreadyDone)]);
    let other = SetPolicy { project: atlas(), unit: gh200(), policy: HardStop {}.into(), zone: name("UTC") };
    assert_eq!(desk.post(&[Command::SetPolicy(other)]).await, [Outcome::PolicySet(Effect::Done)], "in other days");
    desk.post(&[set_policy(MonthlyJsc::default())]).await;
    let budget = budget_at(&desk, SEPTEMBER).await;
    assert_eq!((budget.policy, budget.zone.name()), (Some(MonthlyJsc::default().into()), Some("Europe/Berlin")));
    let kinds = desk.shown_entries().await;
    assert_eq!(kinds.iter().filter(|entry| *entry == "decide 0").count(), 4, "one for each word, and for the binding");
}

#[tokio::test]
async fn a_policy_that_cannot_divide_a_grant_is_refused_with_either() {
    let beyond = Window { from: at(400_000_000_000), to: at(400_000_000_000 + DAY) };
    let grant = Command::Grant(NewGrant { window: beyond, ..new_grant("far", 10) });
    let desk = Desk::new();
    desk.post(std::slice::from_ref(&grant)).await;
    let error = desk.try_post(&[set_policy(MonthlyJsc::default())]).await.expect_err("no calendar goes that far");
    assert_eq!(error.kind, LedgerErrorKind::Invalid);
    let desk = Desk::new();
    desk.post(&[set_policy(MonthlyJsc::default())]).await;
    let error = desk.try_post(&[grant]).await.expect_err("no calendar goes that far");
    assert_eq!(error.kind, LedgerErrorKind::Invalid);
    assert_eq!(desk.shown_entries().await, ["decide 0"]);
}

#[tokio::test]
async fn the_outlook_goes_on_at_the_rate_of_the_last_weeks() {
    let desk = autumn(HardStop {}).await;
    let opening = new_opening(50_000, SEPTEMBER);
    desk.post(&[Command::Opening(opening), settle(ended(foreign(1, 10_000), SEPTEMBER + 5 * DAY))]).await;
    let budget = budget_at(&desk, SEPTEMBER + 10 * DAY).await;
    assert_eq!(budget.recent, milli(10_000), "what was used before is no rate");
    // 10,000 in ten days, 30,000 left: 30 days.
    let events = budget.outlook(budget.rate()).expect("looks ahead");
    let stops = Coming::Becomes { standing: Standing::Stopped };
    assert_eq!((events[0].at, &events[0].what), (at(SEPTEMBER + 40 * DAY), &stops));
    let events = budget.outlook(None).expect("looks ahead");
    assert!(matches!(&events[0].what, Coming::Lot(LotChange::Forfeited { amount, .. }) if *amount == milli(30_000)));
}

/// What was spent before each instant, from the entries themselves.
async fn spent_by_entries(desk: &Desk, untils: &[Timestamp]) -> Vec<i64> {
    let entries = desk.entries().await;
    let spent_before = |until: Timestamp| -> i64 {
        let before = entries.iter().filter(|entry| entry.kind.spends()).map(|entry| {
            let over = Window { from: entry.ran.as_ref().expect("of a run").started_at, to: entry.effective_at };
            let sign = if matches!(entry.debit, ledger::Account::Budget(_)) { 1 } else { -1 };
            let is_whole = over.from == over.to && over.to < until;
            let part = model::amount_before(entry.amount, over, until).expect("in order");
            sign * if is_whole { entry.amount } else { part }.milli()
        });
        before.sum()
    };
    untils.iter().map(|until| spent_before(*until)).collect()
}

fn policies() -> impl Strategy<Value = Policy> {
    prop_oneof![
        Just(HardStop {}.into()),
        Just(MonthlyJsc::default().into()),
        Just(NhrQuarterly::default().into()),
        Just(Policy::None),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(32), ..ProptestConfig::default() })]

    /// Borders are at any second, runs over any time, and runs change their charge.
    #[test]
    fn the_hours_of_a_store_give_the_sums_of_its_entries(
        policy in policies(),
        grants in prop::collection::vec((0..40 * DAY, 1..120_i64, 0..3600_i64), 1..3),
        runs in prop::collection::vec(
            (0..4_u64, 1..5000_i64, 0..150 * DAY, prop_oneof![0..100_i64, 0..3 * DAY, 0..90 * DAY]), 1..12,
        ),
        now in 1..200 * DAY,
        zone in prop::sample::select(vec!["Europe/Berlin", "UTC", "Asia/Kolkata"]),
    ) {
        tokio::runtime::Builder::new_current_thread().build().expect("a runtime").block_on(async {
            let desk = Desk::in_memory();
            let zone = SiteZone { site: name("jupiter"), zone: name(zone) };
            desk.post(&[Command::SetZone(zone), Command::Bind(binding()), set_policy(policy)]).await;
            for (number, (from, days, odd)) in grants.iter().enumerate() {
                desk.post(&[for_days(&number.to_string(), 10_000, SEPTEMBER + from + odd, *days)]).await;
            }
            for (number, (run, price, when, length)) in (1..).zip(&runs) {
                let mut read = ended(foreign(*run, *price), SEPTEMBER + when);
                read.run.started_at = at(SEPTEMBER + when - length);
                read.run.observed_at = at(SEPTEMBER + 200 * DAY + number);
                desk.post_at(SEPTEMBER + 201 * DAY, &[settle(read)]).await;
            }
            let budget = budget_at(&desk, SEPTEMBER + now).await;
            let over = budget.book().expect("a book").lots().iter().any(|lot| lot.lot.usable.to <= at(SEPTEMBER + now));
            let (last, cuts) = budget.spending.split_last().expect("one up to now");
            let untils: Vec<Timestamp> = cuts.iter().map(|spending| spending.until).collect();
            let mut before = 0;
            let given: Vec<i64> = cuts.iter().map(|spending| { before += spending.amount.milli(); before }).collect();
            if over {
                prop_assert_eq!(&given, &spent_by_entries(&desk, &untils).await);
            }
            let all = spent_by_entries(&desk, &[at(i64::MAX)]).await;
            prop_assert_eq!(before + last.amount.milli(), all[0], "nothing is lost");
            desk.verify().await;
            Ok(())
        })?;
    }
}

on_postgres_too! {
    parts_that_an_award_names_come_and_go_one_by_one,
    what_is_granted_is_what_the_policy_brings_into_reach,
    months_forfeit_what_is_left_of_them,
    what_is_overdrawn_beyond_a_months_limit_is_forgiven,
    an_enforced_budget_refuses_what_the_balance_does_not_cover_whatever_the_site_would_do,
    the_last_word_about_a_policy_counts,
    a_policy_that_cannot_divide_a_grant_is_refused_with_either,
    the_outlook_goes_on_at_the_rate_of_the_last_weeks,
    the_hours_of_a_store_give_the_sums_of_its_entries,
}
