//! Expiries and withdrawals: after them the entries alone say what the lots do, whatever was read late or taken back.

use crate::support::*;
use ledger::{
    Command, Effect, EntryPage, HardStop, LedgerErrorKind, MonthlyJsc, NewGrant, NhrQuarterly, Outcome, Policy,
    Withdraw,
};
use model::{Amount, Balance, StatementLineKind, Timestamp, Window};
use proptest::prelude::*;

/// 1 September 2026, 00:00 in Berlin.
const SEPTEMBER: i64 = 1_788_213_600;
const DAY: i64 = 86_400;
/// When everything is posted: after all that is posted.
const LATE: i64 = SEPTEMBER + 400 * DAY;

fn for_days(key: &str, amount: i64, from: i64, days: i64) -> Command {
    let window = Window { from: at(from), to: at(from + days * DAY) };
    Command::Grant(NewGrant { window, ..new_grant(key, amount) })
}

fn withdraw(key: &str, grant: &str, amount: Option<i64>) -> Command {
    let (key, grant) = (key.to_owned(), grant.to_owned());
    Command::Withdraw(Withdraw {
        key,
        grant,
        project: atlas(),
        amount: amount.map(milli),
        reason: "mistyped".to_owned(),
    })
}

async fn expire_at(desk: &Desk, seconds: i64) -> Vec<i64> {
    match desk.post_at(seconds, &[Command::Expire(None)]).await.remove(0) {
        Outcome::Expired(expiries) => expiries.into_iter().map(|expiry| expiry.amount.milli()).collect(),
        other => panic!("expiring gave {other:?}"),
    }
}

async fn balance_at(desk: &Desk, seconds: i64) -> Balance {
    let found = desk.book.balances(&ledger::BalanceQuery::default(), at(seconds)).await.expect("balances");
    found.into_iter().find(|balance| balance.unit == gh200()).expect("a balance")
}

/// What a statement up to an instant closes with, and what the balance of that instant says.
async fn closing_and_balance(desk: &Desk, seconds: i64) -> [i64; 2] {
    let window = Window { from: at(0), to: at(seconds) };
    let statement = desk.book.statement(&atlas(), &gh200(), window, None).await.expect("a statement");
    assert_eq!(statement.adds_up(), Ok(true));
    let Balance { granted, later, forgiven, used, .. } = balance_at(desk, seconds).await;
    [statement.closing.milli(), granted.milli() + later.milli() + forgiven.milli() - used.milli()]
}

#[tokio::test]
async fn what_is_left_of_a_lot_leaves_the_budget_once() {
    let desk = Desk::new();
    desk.post(&[for_days("g", 1000, SEPTEMBER, 30), Command::Bind(binding()), set_policy(HardStop {})]).await;
    desk.post_at(LATE, &[settle(ended(foreign(1, 300), SEPTEMBER + DAY))]).await;
    assert_eq!(expire_at(&desk, SEPTEMBER + 30 * DAY - 1).await, [0; 0], "it runs");
    assert_eq!(expire_at(&desk, SEPTEMBER + 30 * DAY).await, [700]);
    assert_eq!(expire_at(&desk, LATE).await, [0; 0], "once");
    assert_eq!(closing_and_balance(&desk, LATE).await, [0, 0]);
    // Read late: it ran inside the window, and less has expired. Then it turns out to have been shorter.
    desk.post_at(LATE, &[settle(ended(foreign(2, 100), SEPTEMBER + 2 * DAY))]).await;
    assert_eq!(expire_at(&desk, LATE).await, [-100]);
    let mut shorter = ended(foreign(2, 40), SEPTEMBER + 2 * DAY);
    shorter.run.observed_at = at(LATE);
    desk.post_at(LATE, &[settle(shorter)]).await;
    assert_eq!(expire_at(&desk, LATE).await, [60]);
    assert_eq!(closing_and_balance(&desk, LATE).await, [0, 0]);
    let window = Window { from: at(0), to: at(LATE) };
    let statement = desk.book.statement(&atlas(), &gh200(), window, None).await.expect("a statement");
    let expired = statement.sum_of(&[StatementLineKind::Expire]).expect("fits");
    assert_eq!(expired, milli(-660));
    assert!(
        statement
            .lines
            .iter()
            .all(|line| line.kind != StatementLineKind::Expire || line.at == at(SEPTEMBER + 30 * DAY)),
        "as of the lot's end"
    );
    desk.verify().await;
}

/// `TigerBeetle` takes what expired away some time later: here the date counts, and not whether it was posted.
#[tokio::test]
async fn trap_what_expired_is_not_held_before_anybody_posts_it() {
    let desk = Desk::new();
    desk.post(&[for_days("g", 1000, SEPTEMBER, 30), set_policy(HardStop {}), enforce(true)]).await;
    let end = SEPTEMBER + 30 * DAY;
    desk.post_at(end - 1, &[hold(1, 10)]).await;
    let refused = desk.book.post(&ada(), at(end), &[hold(2, 10)]).await.expect_err("it is over");
    assert!(refused.refusal().is_some(), "{refused}");
    assert!(desk.shown_entries().await.iter().all(|entry| !entry.starts_with("expire")), "nobody posted it");
}

#[tokio::test]
async fn months_expire_and_debts_are_forgiven() {
    let desk = Desk::new();
    desk.post(&[for_days("g", 90_000, SEPTEMBER, 91), Command::Bind(binding()), set_policy(MonthlyJsc::default())])
        .await;
    desk.post_at(LATE, &[settle(ended(foreign(1, 5_000), SEPTEMBER + 3 * DAY))]).await;
    let november = SEPTEMBER + 61 * DAY + 3600;
    assert_eq!(expire_at(&desk, november).await, [25_000]);
    assert_eq!(closing_and_balance(&desk, november + 1).await, [60_000, 60_000]);
    desk.post_at(LATE, &[settle(ended(foreign(2, 200_000), november + DAY))]).await;
    assert_eq!(expire_at(&desk, LATE).await, [-140_000], "what was overdrawn ends with the period");
    assert_eq!(closing_and_balance(&desk, LATE).await, [0, 0]);
    assert_eq!(desk.shown_entries().await.last().map(String::as_str), Some("forgive 140000"));
    desk.verify().await;
}

#[tokio::test]
async fn another_policy_posts_what_it_makes_of_the_same_grant() {
    let desk = Desk::new();
    desk.post(&[for_days("g", 90_000, SEPTEMBER, 91), Command::Bind(binding()), set_policy(MonthlyJsc::default())])
        .await;
    desk.post_at(LATE, &[settle(ended(foreign(1, 5_000), SEPTEMBER + 3 * DAY))]).await;
    let later = SEPTEMBER + 70 * DAY;
    assert_eq!(expire_at(&desk, later).await, [25_000]);
    desk.post_at(later, &[set_policy(HardStop {})]).await;
    assert_eq!(expire_at(&desk, later).await, [-25_000], "it was one amount for the whole time");
    assert_eq!(closing_and_balance(&desk, later).await, [85_000, 85_000]);
    desk.post_at(later, &[set_policy(MonthlyJsc::default())]).await;
    assert_eq!(expire_at(&desk, later).await, [25_000]);
    desk.verify().await;
}

#[tokio::test]
async fn a_grant_is_taken_back_from_its_beginning() {
    let desk = Desk::new();
    desk.post(&[grant("g1", 1000), Command::Bind(binding()), settle(foreign(1, 300))]).await;
    let taken = desk.post(&[withdraw("w1", "g1", Some(600))]).await;
    assert_eq!(taken, [Outcome::Withdrawn(milli(600), Effect::Done)]);
    assert_eq!(
        desk.post(&[withdraw("w1", "g1", Some(600))]).await,
        [Outcome::Withdrawn(milli(600), Effect::AlreadyDone)]
    );
    assert_eq!(desk.numbers().await, [400, 300, 0, 0, 0, 100]);
    for (command, kind) in [
        (withdraw("w1", "g1", Some(5)), LedgerErrorKind::Conflict),
        (withdraw("w2", "g1", Some(401)), LedgerErrorKind::Conflict),
        (withdraw("w2", "g1", Some(0)), LedgerErrorKind::Conflict),
        (withdraw("w2", "g9", None), LedgerErrorKind::Invalid),
    ] {
        let error = desk.try_post(std::slice::from_ref(&command)).await.expect_err("refused");
        assert_eq!(error.kind, kind, "{command:?}: {error}");
    }
    let rest = desk.post(&[withdraw("w2", "g1", None)]).await;
    assert_eq!(rest, [Outcome::Withdrawn(milli(400), Effect::Done)], "below what was used, too");
    assert_eq!(desk.numbers().await, [0, 300, 0, 0, 0, -300]);
    let known = desk.book.grants(None).await.expect("grants").remove(0);
    assert!(known.is_withdrawn() && known.terms == new_grant("g1", 1000), "it stands as it was entered");
    // Nothing stands of it, so the same decision may be entered as it should have been.
    let right = NewGrant { reference: new_grant("g1", 1).reference, ..new_grant("g2", 500) };
    desk.post(&[Command::Grant(right)]).await;
    assert_eq!(desk.numbers().await, [500, 300, 0, 0, 0, 200]);
    assert_eq!(
        desk.shown_entries().await,
        ["grant 1000", "decide 0", "settle 300", "withdraw 600", "withdraw 400", "grant 500"]
    );
    let programme = desk.book.entries(EntryPage { after: 3, limit: 1 }).await.expect("entries").remove(0);
    assert_eq!(programme.credit.to_string(), "programme/GCS");
    desk.verify().await;
}

#[derive(Clone, Debug)]
enum Step {
    Grant(i64, i64, i64),
    Withdraw(usize, i64),
    Run(u64, i64, i64),
    Policy(Policy),
    Expire(i64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let policies = prop::sample::select(vec![
        Policy::from(HardStop {}),
        MonthlyJsc::default().into(),
        NhrQuarterly::default().into(),
        Policy::None,
    ]);
    let step = prop_oneof![
        2 => (1..9000_i64, 0..100_i64, 1..120_i64).prop_map(|(amount, from, days)| Step::Grant(amount, from, days)),
        1 => (0..3_usize, 1..9000_i64).prop_map(|(grant, amount)| Step::Withdraw(grant, amount)),
        4 => (0..5_u64, 1..9000_i64, 0..200_i64).prop_map(|(run, price, day)| Step::Run(run, price, day)),
        1 => policies.prop_map(Step::Policy),
        2 => (0..300_i64).prop_map(Step::Expire),
    ];
    prop::collection::vec(step, 1..20)
}

/// Takes the steps, with expiry on the way or without.
async fn after(steps: &[Step], expires: bool) -> Desk {
    let desk = Desk::in_memory();
    desk.post(&[Command::Bind(binding())]).await;
    for (number, step) in (0..).zip(steps) {
        let key = number.to_string();
        let (command, when) = match step {
            Step::Grant(amount, from, days) => (for_days(&key, *amount, SEPTEMBER + from * DAY, *days), LATE),
            // Some withdraw nothing that is there, or too much.
            Step::Withdraw(grant, amount) => (withdraw(&key, &grant.to_string(), Some(*amount)), LATE),
            Step::Run(run, price, day) => {
                let mut read = ended(foreign(*run, *price), SEPTEMBER + day * DAY + 7);
                read.run.observed_at = at(LATE - 1000 + number);
                (settle(read), LATE)
            }
            Step::Policy(policy) => (set_policy(*policy), LATE),
            Step::Expire(day) if expires => (Command::Expire(None), SEPTEMBER + day * DAY),
            Step::Expire(_) => continue,
        };
        drop(desk.book.post(&ada(), at(when), &[command]).await);
    }
    desk
}

async fn totals(desk: &Desk) -> Vec<(Timestamp, String, i64)> {
    let mut sums = std::collections::BTreeMap::<(Timestamp, String), i64>::new();
    for entry in desk.entries().await {
        let sign = if matches!(entry.credit, ledger::Account::Budget(_)) { 1 } else { -1 };
        *sums.entry((entry.effective_at, entry.kind.to_string())).or_default() += sign * entry.amount.milli();
    }
    sums.into_iter().filter(|(_, sum)| *sum != 0).map(|((at, kind), sum)| (at, kind, sum)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(48), ..ProptestConfig::default() })]

    #[test]
    fn after_an_expiry_the_entries_say_what_the_lots_do(steps in steps(), day in 0..300_i64) {
        tokio::runtime::Builder::new_current_thread().build().expect("a runtime").block_on(async {
            let (often, once) = (after(&steps, true).await, after(&steps, false).await);
            let now = SEPTEMBER + day * DAY;
            for desk in [&often, &once] {
                expire_at(desk, LATE).await;
                prop_assert_eq!(expire_at(desk, LATE).await, Vec::<i64>::new());
                if balance_of(desk, LATE).await.is_some() {
                    let [closing, balance] = closing_and_balance(desk, LATE).await;
                    prop_assert_eq!(closing, balance);
                }
                desk.verify().await;
            }
            prop_assert_eq!(totals(&often).await, totals(&once).await, "expiring on the way leaves no trace");
            // Seen from an earlier day, when what expired later had not yet.
            expire_at(&often, now).await;
            let runs_are_over = steps.iter().all(|step| !matches!(step, Step::Run(_, _, when) if *when >= day));
            if runs_are_over && balance_of(&often, now + 1).await.is_some() {
                let [closing, balance] = closing_and_balance(&often, now + 1).await;
                prop_assert_eq!(closing, balance);
            }
            prop_assert!(balance_of(&often, LATE).await.is_none_or(|balance| balance.expired >= Amount::ZERO));
            Ok(())
        })?;
    }
}

async fn balance_of(desk: &Desk, seconds: i64) -> Option<Balance> {
    desk.book.balances(&ledger::BalanceQuery::default(), at(seconds)).await.expect("balances").pop()
}

on_postgres_too! {
    trap_what_expired_is_not_held_before_anybody_posts_it,
    what_is_left_of_a_lot_leaves_the_budget_once,
    months_expire_and_debts_are_forgiven,
    another_policy_posts_what_it_makes_of_the_same_grant,
    a_grant_is_taken_back_from_its_beginning,
    after_an_expiry_the_entries_say_what_the_lots_do,
}
