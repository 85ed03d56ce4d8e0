//! Balances of the past: what was shown once can be shown again, and what is known by now of an earlier time.

use crate::support::*;
use ledger::{
    BalanceQuery, Binding, Budget, Command, Coverage, FixedTerm, KnownAt, MonthlyJsc, NewGrant, NhrQuarterly, Policy,
    ReaderRights, Refund, SetPolicy, SiteZone, Unbind, UsageField, UsageFilter, UsageQuery, UsageSpan,
};
use model::{Amount, Window};

/// 1 September 2026, 00:00 in Berlin.
const SEPTEMBER: i64 = 1_788_213_600;
const DAY: i64 = 86_400;

async fn budgets(desk: &Desk, query: BalanceQuery, now: i64) -> Vec<Budget> {
    desk.book.budgets(&query, at(now)).await.expect("budgets")
}

fn known(at: KnownAt) -> BalanceQuery {
    BalanceQuery { known_at: Some(at), ..BalanceQuery::default() }
}

fn granted(key: &str, amount: i64) -> Command {
    let window = Window { from: at(SEPTEMBER), to: at(SEPTEMBER + 91 * DAY) };
    Command::Grant(NewGrant { window, ..new_grant(key, amount) })
}

/// What happens, and on which day after 1 September.
fn autumn(policy: Policy) -> Vec<(i64, Vec<Command>)> {
    vec![
        (0, vec![granted("g", 90_000), Command::Bind(binding()), set_policy(policy), enforce(true)]),
        (2, vec![settle(ended(foreign(1, 5_000), SEPTEMBER + DAY)), hold(1, 700)]),
        (3, vec![settle(read_late(ended(ours(2, 300, 1), SEPTEMBER + 2 * DAY), 3)), hold(2, 50)]),
        (4, vec![close(1), settle(read_late(ended(foreign(1, 4_000), SEPTEMBER + DAY), 4))]),
        (40, vec![settle(read_late(ended(foreign(3, 70), SEPTEMBER + 20 * DAY), 40)), granted("h", 9_000)]),
        (70, vec![settle(read_late(ended(foreign(4, 30_001), SEPTEMBER + 69 * DAY), 70))]),
    ]
}

fn read_late(mut settled: ledger::SettledRun, day: i64) -> ledger::SettledRun {
    settled.run.observed_at = at(SEPTEMBER + day * DAY);
    settled
}

async fn the_past_is_shown_again(policy: Policy) {
    let desk = Desk::new();
    let mut shown = Vec::new();
    for (day, commands) in autumn(policy) {
        let now = SEPTEMBER + day * DAY;
        desk.book.post(&ada(), at(now), &commands).await.expect("posted");
        let last = desk.entries().await.last().expect("an entry").number;
        shown.push((now, last, budgets(&desk, BalanceQuery::default(), now).await));
    }
    let now = SEPTEMBER + 80 * DAY;
    for (then, last, expected) in shown {
        let by_time = budgets(&desk, known(KnownAt::Instant(at(then))), now).await;
        assert_eq!(by_time, expected, "as known at {then}");
        let newest = desk.entries().await.last().expect("an entry").number;
        let asked = if last == newest { then } else { now };
        assert_eq!(budgets(&desk, known(KnownAt::Entry(last)), asked).await, expected, "after entry {last}");
    }
    let newest = known(KnownAt::Instant(at(now)));
    assert_eq!(budgets(&desk, newest, now).await, budgets(&desk, BalanceQuery::default(), now).await);
}

#[tokio::test]
async fn what_was_shown_once_is_shown_again() {
    for policy in [FixedTerm::default().into(), MonthlyJsc::default().into(), NhrQuarterly::default().into()] {
        the_past_is_shown_again(policy).await;
    }
}

/// A coordinator read everything of one account.
fn read_by_carol() -> Command {
    Command::Cover(Coverage {
        site: name("jupiter"),
        cluster: name("booster"),
        scope: name("all:carol"),
        rights: Some(ReaderRights::Coordinator),
        whole_accounts: vec![Some(name("hai"))],
        hidden_accounts: Vec::new(),
        window: Window { from: at(0), to: at(SEPTEMBER + 4 * DAY) },
        observed_at: at(SEPTEMBER + 4 * DAY),
    })
}

/// What is decided later, of a time before too, was not known then.
#[tokio::test]
async fn what_is_decided_later_changes_nothing_that_was_known() {
    let later: [Vec<Command>; 6] = [
        vec![set_policy(MonthlyJsc::default())],
        vec![set_policy(FixedTerm::default()), enforce(true)],
        vec![enforce(true), enforce(false)],
        vec![Command::SetPolicy(SetPolicy {
            project: atlas(),
            unit: gh200(),
            policy: NhrQuarterly::default().into(),
            zone: name("Pacific/Kiritimati"),
        })],
        vec![Command::Bind(Binding { account: Some(name("other")), ..binding() })],
        vec![Command::Unbind(Unbind { number: 1, to: at(SEPTEMBER) })],
    ];
    let mut elsewhere = ended(foreign(9, 111), SEPTEMBER + 3 * DAY);
    elsewhere.run.account = Some(name("other"));
    for commands in later {
        let desk = Desk::new();
        for (day, commands) in autumn(NhrQuarterly::default().into()).into_iter().take(4) {
            desk.post_at(SEPTEMBER + day * DAY, &commands).await;
        }
        desk.post_at(SEPTEMBER + 4 * DAY, &[read_by_carol(), settle(elsewhere.clone())]).await;
        let now = SEPTEMBER + 5 * DAY;
        let before = budgets(&desk, BalanceQuery::default(), now).await;
        let last = desk.entries().await.last().expect("an entry").number;
        desk.post_at(SEPTEMBER + 6 * DAY, &commands).await;
        desk.post_at(SEPTEMBER + 7 * DAY, &[granted("later", 1)]).await;
        let (asked, by_time) = (SEPTEMBER + 8 * DAY, KnownAt::Instant(at(now)));
        assert_eq!(budgets(&desk, known(by_time), asked).await, before, "{commands:?}");
        let then = BalanceQuery { as_of: Some(at(now)), ..known(KnownAt::Entry(last)) };
        assert_eq!(budgets(&desk, then, asked).await, before, "{commands:?}");
    }
}

/// A position in the log tells apart what one second has, and what a later reading says of an earlier time.
#[tokio::test]
async fn what_is_decided_in_the_same_second_was_not_known_at_an_earlier_entry() {
    let zone = SiteZone { site: name("jupiter"), zone: name("Pacific/Kiritimati") };
    let later: [(&str, Vec<Command>); 7] = [
        ("a policy", vec![set_policy(MonthlyJsc::default())]),
        ("a switch", vec![enforce(false)]),
        ("a binding", vec![Command::Bind(Binding { account: Some(name("other")), ..binding() })]),
        ("the end of one", vec![Command::Unbind(Unbind { number: 1, to: at(SEPTEMBER + 2 * DAY) })]),
        ("a reading", vec![read_by_carol()]),
        ("a zone", vec![Command::SetZone(zone)]),
        ("amounts", vec![granted("later", 1), hold(9, 5)]),
    ];
    let now = SEPTEMBER + 4 * DAY;
    for (what, commands) in later {
        let desk = Desk::new();
        for (day, commands) in autumn(NhrQuarterly::default().into()).into_iter().take(4) {
            desk.post_at(SEPTEMBER + day * DAY, &commands).await;
        }
        let last = KnownAt::Entry(desk.entries().await.last().expect("an entry").number);
        let sight = async |known_at| desk.book.bound_and_read(known_at).await.expect("read");
        let usage = async |known_at| {
            let (from, to) = ("2026-09-01".parse().expect("a day"), "2026-10-01".parse().expect("a day"));
            let span = UsageSpan::Days { from, to };
            let query = UsageQuery { span, known_at, by: vec![UsageField::Day], filter: UsageFilter::default() };
            desk.book.usage(&query).await.expect("usage")
        };
        let before = (budgets(&desk, BalanceQuery::default(), now).await, sight(None).await, usage(None).await);
        desk.post_at(now, &commands).await;
        let asked = now + DAY;
        let then = (budgets(&desk, known(last), asked).await, sight(Some(last)).await, usage(Some(last)).await);
        assert_eq!(then, before, "{what}");
        let newest = KnownAt::Entry(desk.entries().await.last().expect("an entry").number);
        let by_now = (budgets(&desk, BalanceQuery::default(), now).await, sight(None).await, usage(None).await);
        let then = (budgets(&desk, known(newest), now).await, sight(Some(newest)).await, usage(Some(newest)).await);
        assert_eq!(then, by_now, "{what}, by the newest entry");
        assert_ne!(by_now, before, "{what} changes something");
    }
}

/// A run that a later binding attributes is an entry of that time: what was known before has it nowhere.
#[tokio::test]
async fn a_run_that_is_attributed_later_is_known_from_then_on() {
    let desk = Desk::new();
    desk.post_at(SEPTEMBER, &[granted("g", 90_000)]).await;
    desk.post_at(SEPTEMBER + 2 * DAY, &[settle(ended(foreign(1, 5_000), SEPTEMBER + DAY))]).await;
    desk.post_at(SEPTEMBER + 3 * DAY, &[Command::Bind(binding())]).await;
    for (day, used) in [(2, 0), (3, 5_000)] {
        let known = known(KnownAt::Instant(at(SEPTEMBER + day * DAY)));
        let balance = budgets(&desk, known, SEPTEMBER + 4 * DAY).await.remove(0).balance;
        assert_eq!(balance.used.milli(), used, "day {day}");
    }
}

/// The days of a site begin where they began by what was known.
#[tokio::test]
async fn a_zone_that_is_said_later_cuts_no_days_that_were_known() {
    let desk = Desk::new();
    desk.post_at(SEPTEMBER, &[granted("g", 90_000), Command::Bind(binding())]).await;
    let run = ended(foreign(1, 100), SEPTEMBER + 2 * DAY + 50);
    desk.post_at(SEPTEMBER + 3 * DAY, &[settle(run)]).await;
    let days = |known_at: Option<KnownAt>| UsageQuery {
        span: UsageSpan::Days { from: "2026-09-01".parse().expect("a day"), to: "2026-10-01".parse().expect("a day") },
        known_at,
        by: vec![UsageField::Day],
        filter: UsageFilter::default(),
    };
    let usage = async |known_at: Option<KnownAt>| desk.book.usage(&days(known_at)).await.expect("usage");
    let before = usage(None).await;
    let zone = SiteZone { site: name("jupiter"), zone: name("Europe/Berlin") };
    desk.post_at(SEPTEMBER + 4 * DAY, &[Command::SetZone(zone), granted("h", 1)]).await;
    assert_ne!(usage(None).await, before, "by now it is two days");
    assert_eq!(usage(Some(KnownAt::Instant(at(SEPTEMBER + 3 * DAY)))).await, before);
    assert_eq!(usage(Some(KnownAt::Entry(3))).await, before);
    assert_eq!(usage(Some(KnownAt::Entry(4))).await, usage(None).await);
}

#[tokio::test]
async fn what_is_known_by_now_of_an_earlier_time_is_told_apart() {
    let desk = Desk::new();
    for (day, commands) in autumn(FixedTerm::default().into()) {
        desk.book.post(&ada(), at(SEPTEMBER + day * DAY), &commands).await.expect("posted");
    }
    let now = SEPTEMBER + 80 * DAY;
    for (as_of, known_at, used, committed) in [
        (3, None, 4_300, 50 + 400),
        (3, Some(3), 5_300, 50 + 400),
        (30, None, 4_370, 50),
        (30, Some(30), 4_300, 50),
        (80, None, 34_371, 50),
    ] {
        let instant = |day: i64| at(SEPTEMBER + day * DAY);
        let known_at = known_at.map(|day| KnownAt::Instant(instant(day)));
        let query = BalanceQuery { as_of: Some(instant(as_of)), known_at, ..BalanceQuery::default() };
        let balance = budgets(&desk, query.clone(), now).await.remove(0).balance;
        let found = (balance.used.milli(), balance.committed.milli());
        assert_eq!(found, (used, committed), "{query:?}");
    }
    let of_nobody = BalanceQuery { project: Some(name("nobody")), ..known(KnownAt::Entry(3)) };
    assert_eq!(budgets(&desk, of_nobody, now).await, []);
    let elsewhere = BalanceQuery { site: Some(name("horeka")), ..known(KnownAt::Entry(3)) };
    assert_eq!(budgets(&desk, elsewhere, now).await, []);
}

/// A budget that nobody granted anything is there from its first entry on, though what it used came to nothing.
#[tokio::test]
async fn a_budget_without_a_grant_is_there_from_its_first_entry_on() {
    let desk = Desk::new();
    desk.post_at(SEPTEMBER, &[Command::Bind(binding())]).await;
    desk.post_at(SEPTEMBER + DAY, &[settle(ended(foreign(1, 50), SEPTEMBER + DAY))]).await;
    let refund = Command::Refund(Refund { run: run_key(1), amount: None, reason: "the site gave it back".to_owned() });
    desk.post_at(SEPTEMBER + DAY, &[refund]).await;
    let nothing = Amount::ZERO;
    for (instant, used) in
        [(SEPTEMBER + DAY - 1, vec![]), (SEPTEMBER + DAY, vec![nothing]), (SEPTEMBER + 9 * DAY, vec![nothing])]
    {
        for known_at in [None, Some(KnownAt::Entry(99))] {
            let query = BalanceQuery { as_of: Some(at(instant)), known_at, ..BalanceQuery::default() };
            let found = budgets(&desk, query.clone(), SEPTEMBER + 10 * DAY).await;
            assert_eq!(found.iter().map(|budget| budget.balance.used).collect::<Vec<_>>(), used, "{query:?}");
        }
    }
}

on_postgres_too! {
    a_budget_without_a_grant_is_there_from_its_first_entry_on,
    what_is_decided_later_changes_nothing_that_was_known,
    a_run_that_is_attributed_later_is_known_from_then_on,
    a_zone_that_is_said_later_cuts_no_days_that_were_known,
    what_is_decided_in_the_same_second_was_not_known_at_an_earlier_entry,
    what_was_shown_once_is_shown_again,
    what_is_known_by_now_of_an_earlier_time_is_told_apart,
}
