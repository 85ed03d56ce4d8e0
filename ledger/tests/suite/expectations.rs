//! Holds of jobs that are expected later take from the lots of that time, and leave the present ones as they are.

use crate::support::*;
use ledger::{BalanceQuery, Budget, Command, MonthlyJsc, NewGrant, NewHold, NhrQuarterly, Policy, Refusal};
use model::{Amount, Window};

/// 1 September 2026, 00:00 in Berlin.
const SEPTEMBER: i64 = 1_788_213_600;
const DAY: i64 = 86_400;
const NOVEMBER: i64 = SEPTEMBER + 61 * DAY;

/// 91 days from 1 September, 30,000 for each month; enforced.
async fn autumn(policy: impl Into<Policy>) -> Desk {
    let desk = Desk::new();
    let window = Window { from: at(SEPTEMBER), to: at(SEPTEMBER + 91 * DAY) };
    let grant = Command::Grant(NewGrant { window, ..new_grant("g", 90_000) });
    desk.post_at(SEPTEMBER, &[grant, Command::Bind(binding()), set_policy(policy), enforce(true)]).await;
    desk
}

fn expected(number: u32, ceiling: i64, from: i64, to: i64) -> Command {
    let expected = Some(Window { from: at(from), to: at(to) });
    Command::Hold(NewHold { expected, ..new_hold(number, ceiling) })
}

async fn budget_at(desk: &Desk, seconds: i64) -> Budget {
    let query = BalanceQuery { project: Some(atlas()), ..BalanceQuery::default() };
    desk.book.budgets(&query, at(seconds)).await.expect("budgets").remove(0)
}

/// Committed, of that for later, and free.
async fn numbers_at(desk: &Desk, seconds: i64) -> [i64; 3] {
    let balance = budget_at(desk, seconds).await.balance;
    let free = balance.free().expect("fits");
    [balance.committed, balance.committed_later, free].map(Amount::milli)
}

async fn refused(desk: &Desk, seconds: i64, command: Command) -> Refusal {
    let error = desk.book.post(&ada(), at(seconds), &[command]).await.expect_err("refused");
    error.refusal().expect("a refusal").clone()
}

#[tokio::test]
async fn a_job_of_a_later_month_leaves_this_months_hours() {
    let desk = autumn(MonthlyJsc::default()).await;
    let now = SEPTEMBER + 15 * DAY;
    assert_eq!(numbers_at(&desk, now).await, [0, 0, 60_000], "September and October are in reach");
    desk.post_at(now, &[expected(1, 20_000, NOVEMBER + 5 * DAY, NOVEMBER + 6 * DAY)]).await;
    assert_eq!(numbers_at(&desk, now).await, [20_000, 20_000, 60_000], "November pays for it");
    // Together more than November: October's hours are needed then.
    desk.post_at(now, &[expected(2, 40_000, NOVEMBER + 7 * DAY, NOVEMBER + 8 * DAY)]).await;
    assert_eq!(numbers_at(&desk, now).await, [60_000, 30_000, 30_000]);
    let lots: Vec<(u32, i64)> = budget_at(&desk, now)
        .await
        .reserved_of_lots()
        .expect("fits")
        .iter()
        .map(|(lot, amount)| (lot.number, amount.milli()))
        .collect();
    assert_eq!(lots, [(1, 30_000), (2, 30_000)]);
    let refusal = refused(&desk, now, expected(3, 1, NOVEMBER, NOVEMBER + DAY)).await;
    assert_eq!((refusal.wanted, refusal.free), (milli(1), milli(0)), "nothing is left of November");
    assert_eq!(refused(&desk, now, hold(3, 30_001)).await.free, milli(30_000));
    desk.post_at(now, &[hold(3, 30_000)]).await;
    assert_eq!(numbers_at(&desk, now).await, [90_000, 30_000, 0]);
    desk.verify().await;
    // In November all of it is due.
    desk.post_at(now, &[close(3)]).await;
    assert_eq!(numbers_at(&desk, NOVEMBER + 5 * DAY).await, [60_000, 0, 0]);
}

#[tokio::test]
async fn a_job_over_the_end_of_a_month_takes_from_both() {
    let desk = autumn(NhrQuarterly::default()).await;
    // The quarter ends with September; half of the job is expected before.
    let october = SEPTEMBER + 30 * DAY;
    let before = numbers_at(&desk, SEPTEMBER + 29 * DAY).await[2];
    desk.post_at(SEPTEMBER + 29 * DAY, &[expected(1, 10_000, october - DAY, october + DAY)]).await;
    let [committed, later, free] = numbers_at(&desk, SEPTEMBER + 29 * DAY).await;
    assert_eq!((committed, later, free), (10_000, 5_000, before - 5_000));
}

#[tokio::test]
async fn what_has_no_time_is_held_of_what_is_in_reach_now() {
    let desk = autumn(MonthlyJsc::default()).await;
    let now = SEPTEMBER + 15 * DAY;
    desk.post_at(now, &[hold(1, 20_000)]).await;
    assert_eq!(numbers_at(&desk, now).await, [20_000, 0, 40_000]);
    // What was expected and did not come is due now.
    desk.post_at(now, &[close(1), expected(2, 20_000, now - 2 * DAY, now - DAY)]).await;
    assert_eq!(numbers_at(&desk, now).await, [20_000, 0, 40_000]);
    desk.try_post(&[expected(3, 1, now + DAY, now)]).await.expect_err("it ends before it starts");
    desk.verify().await;
}

on_postgres_too! {
    a_job_of_a_later_month_leaves_this_months_hours,
    a_job_over_the_end_of_a_month_takes_from_both,
    what_has_no_time_is_held_of_what_is_in_reach_now,
}
