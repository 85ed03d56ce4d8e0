//! Time of a grant that comes in lots, passed on to another project: those that are not over give their part.

use crate::support::*;
use ledger::{
    BalanceQuery, Budget, Command, Delegate, Effect, GivenLot, LedgerErrorKind, MonthlyJsc, NewGrant, NhrQuarterly,
    Outcome, Policy, Withdraw,
};
use model::{Amount, ProjectName, Window};

/// 1 September 2026, 00:00 in Berlin.
const SEPTEMBER: i64 = 1_788_213_600;
const DAY: i64 = 86_400;
/// Berlin's October has an hour more.
const NOVEMBER: i64 = SEPTEMBER + 61 * DAY + 3600;
const OCTOBER_15: i64 = SEPTEMBER + 44 * DAY;

fn delegate(grant: &str, amount: i64) -> Command {
    Command::Delegate(Delegate {
        key: format!("{grant}/{amount}"),
        from: atlas(),
        grant: grant.to_owned(),
        to: name("borealis"),
        amount: milli(amount),
        reason: "vision".to_owned(),
    })
}

fn withdraw(grant: &str, amount: Option<i64>) -> Command {
    Command::Withdraw(Withdraw {
        key: format!("w/{grant}"),
        grant: grant.to_owned(),
        project: atlas(),
        amount: amount.map(milli),
        reason: "a mistake".to_owned(),
    })
}

async fn budget(desk: &Desk, project: &str, query: BalanceQuery, now: i64) -> Budget {
    let project: ProjectName = name(project);
    let query = BalanceQuery { project: Some(project), ..query };
    desk.book.budgets(&query, at(now)).await.expect("budgets").remove(0)
}

/// Of each lot of a project how much, and what of it has expired; as the entries alone say it, too.
async fn lots(desk: &Desk, project: &str, now: i64) -> Vec<[i64; 2]> {
    let present = budget(desk, project, BalanceQuery::default(), now).await;
    let past = budget(desk, project, BalanceQuery { as_of: Some(at(now)), ..BalanceQuery::default() }, now).await;
    let lots = present.book().expect("a book").lots().to_vec();
    assert_eq!(lots, past.book().expect("a book").lots());
    desk.verify().await;
    lots.iter().map(|lot| [lot.lot.amount, lot.expired].map(Amount::milli)).collect()
}

/// September to November, 30,000 each month; 5,000 were used in September.
async fn autumn(policy: impl Into<Policy>) -> Desk {
    let desk = Desk::new();
    let window = Window { from: at(SEPTEMBER), to: at(SEPTEMBER + 91 * DAY + 3600) };
    let granted = Command::Grant(NewGrant { window, ..new_grant("g", 90_000) });
    desk.post(&[granted, Command::Bind(binding()), set_policy(policy)]).await;
    desk.post_at(OCTOBER_15, &[settle(ended(foreign(1, 5_000), SEPTEMBER + 3 * DAY))]).await;
    desk
}

#[tokio::test]
async fn months_that_are_not_over_give_their_part() {
    let desk = autumn(MonthlyJsc::default()).await;
    desk.post_at(OCTOBER_15, &[hold(1, 1_000)]).await;
    // 25,000 are left of September, of which a hold takes 1,000; 30,000 of each of the others.
    let refused = desk.book.post(&ada(), at(OCTOBER_15), &[delegate("g", 84_001)]).await.expect_err("too much");
    assert_eq!(refused.kind, LedgerErrorKind::Conflict);
    assert!(refused.facts.contains(&("most".to_owned(), milli(84_000).hours())), "{refused}");
    let done = [Outcome::Delegated(Effect::Done)];
    assert_eq!(desk.post_at(OCTOBER_15, &[delegate("g", 21_000)]).await, done);
    assert_eq!(desk.post_at(OCTOBER_15, &[delegate("g", 21_000)]).await, [Outcome::Delegated(Effect::AlreadyDone)]);
    assert_eq!(lots(&desk, "borealis", OCTOBER_15).await, [[6_000, 0], [7_500, 0], [7_500, 0]]);
    assert_eq!(lots(&desk, "atlas", OCTOBER_15).await, [[24_000, 0], [22_500, 0], [22_500, 0]]);
    // September's quota is over with October, for both; together they forfeit what one would have.
    assert_eq!(lots(&desk, "borealis", NOVEMBER).await[0], [6_000, 6_000]);
    assert_eq!(lots(&desk, "atlas", NOVEMBER).await[0], [24_000, 19_000]);
    let other = budget(&desk, "borealis", BalanceQuery::default(), NOVEMBER).await;
    assert_eq!(other.policy, Some(MonthlyJsc::default().into()));
    assert_eq!([other.balance.granted, other.balance.expired], [milli(15_000), milli(6_000)]);
    // In November nothing of September is there to be passed on.
    desk.post_at(NOVEMBER, &[close(1), delegate("g", 4_500)]).await;
    assert_eq!(lots(&desk, "atlas", NOVEMBER).await, [[24_000, 19_000], [20_250, 0], [20_250, 0]]);
    let whole = Window { from: at(0), to: at(NOVEMBER) };
    for project in ["atlas", "borealis"] {
        let statement = desk.book.statement(&name(project), &gh200(), whole, None).await.expect("a statement");
        assert_eq!(statement.adds_up(), Ok(true));
    }
}

#[tokio::test]
async fn quarters_are_passed_on_with_what_is_carried_over() {
    let desk = autumn(NhrQuarterly::default()).await;
    // 45,000 of each of two quarters, and 40,000 left of the first, which may be spent until the end of the second.
    desk.post_at(OCTOBER_15, &[delegate("g", 17_000)]).await;
    assert_eq!(lots(&desk, "borealis", OCTOBER_15).await, [[8_000, 0], [9_000, 0]]);
    assert_eq!(lots(&desk, "atlas", OCTOBER_15).await, [[37_000, 0], [36_000, 0]]);
}

#[tokio::test]
async fn parts_of_an_award_are_passed_on_in_their_time() {
    let desk = Desk::new();
    let days = [SEPTEMBER, SEPTEMBER + 30 * DAY, SEPTEMBER + 91 * DAY].map(at);
    let part = |amount: i64, number: usize| GivenLot {
        amount: milli(amount),
        period: Window { from: days[number], to: days[number + 1] },
    };
    let window = Window { from: days[0], to: days[2] };
    let given = NewGrant { window, lots: vec![part(60, 0), part(40, 1)], ..new_grant("g", 100) };
    desk.post(&[Command::Grant(given)]).await;
    desk.post_at(SEPTEMBER + DAY, &[delegate("g", 10)]).await;
    assert_eq!(lots(&desk, "borealis", SEPTEMBER + DAY).await, [[6, 0], [4, 0]]);
    desk.post_at(SEPTEMBER + 40 * DAY, &[delegate("g", 36)]).await;
    assert_eq!(lots(&desk, "atlas", SEPTEMBER + 40 * DAY).await, [[54, 54], [0, 0]]);
    // Two lots of the same time stand in the order of their keys, which are digests.
    let mut of_borealis = lots(&desk, "borealis", SEPTEMBER + 40 * DAY).await;
    of_borealis[1..].sort_unstable();
    assert_eq!(of_borealis, [[6, 6], [4, 0], [36, 0]]);
    let grants = desk.book.grants(Some(&atlas())).await.expect("grants");
    assert_eq!((grants[0].withdrawn, grants[0].passed_on.len()), (milli(46), 3));
}

#[tokio::test]
async fn what_was_passed_on_of_lots_stays_what_was_granted() {
    let desk = autumn(MonthlyJsc::default()).await;
    desk.post_at(OCTOBER_15, &[delegate("g", 17_000)]).await;
    let theirs = lots(&desk, "borealis", OCTOBER_15).await;
    let refused = desk.book.post(&ada(), at(OCTOBER_15), &[withdraw("g", Some(1_000))]).await.expect_err("in parts");
    assert_eq!(refused.kind, LedgerErrorKind::Conflict);
    assert!(refused.facts.iter().any(|(name, _)| name == "next"), "{refused}");
    // Another policy has other lots, and they come to the same.
    desk.post_at(OCTOBER_15, &[set_policy(NhrQuarterly::default())]).await;
    let quarters: i64 = lots(&desk, "atlas", OCTOBER_15).await.iter().map(|[amount, _]| amount).sum();
    assert_eq!(quarters, 73_000);
    assert_eq!(lots(&desk, "borealis", OCTOBER_15).await, theirs);
    let taken = desk.post_at(OCTOBER_15, &[withdraw("g", None)]).await;
    assert_eq!(taken, [Outcome::Withdrawn(milli(73_000), Effect::Done)]);
    assert_eq!(lots(&desk, "borealis", OCTOBER_15).await, theirs);
    assert_eq!(lots(&desk, "atlas", OCTOBER_15).await, [[0; 2]; 0]);
}

on_postgres_too! {
    months_that_are_not_over_give_their_part,
    quarters_are_passed_on_with_what_is_carried_over,
    parts_of_an_award_are_passed_on_in_their_time,
    what_was_passed_on_of_lots_stays_what_was_granted,
}
