//! Grants, openings, holds, the switch: each does its work once, refuses what contradicts it, and all or nothing.

use crate::bundles::{keep, mark};
use crate::support::*;
use ledger::{AmendHold, CloseReason, Command, Effect, HardStop, LedgerErrorKind, NewCeiling, NewHold, Outcome, Retry};
use model::{StatementLineKind, Window};

fn opening(used_before: i64) -> Command {
    Command::Opening(new_opening(used_before, NOW - 500))
}

fn amend(number: u32, ceiling: i64) -> Command {
    Command::Amend(AmendHold { id: hold_id(number), ceiling: NewCeiling::Wanted(milli(ceiling)) })
}

#[tokio::test]
async fn a_repeated_command_changes_nothing_and_says_so() {
    let desk = Desk::new();
    let commands = [
        grant("g1", 1000),
        opening(300),
        Command::Bind(binding()),
        enforce(true),
        set_policy(HardStop {}),
        hold(1, 100),
        amend(1, 120),
        close(1),
        Command::NoteSiteFigure(site_figure(300, NOW)),
        cursor("user:ada", NOW),
        keep(mark(1, 'a', 3)),
    ];
    let first = desk.post(&commands).await;
    let (entries, numbers) = (desk.entries().await, desk.numbers().await);
    let second = desk.post(&commands).await;
    for (first, second) in first.iter().zip(&second) {
        let effect = |outcome: &Outcome| match outcome {
            Outcome::Granted(effect)
            | Outcome::Opened { effect, .. }
            | Outcome::Bound(effect)
            | Outcome::Set(effect)
            | Outcome::PolicySet(effect)
            | Outcome::Held(_, effect)
            | Outcome::Amended(_, effect)
            | Outcome::Closed(_, effect)
            | Outcome::Observed(effect)
            | Outcome::FigureNoted { effect, .. }
            | Outcome::BundleKept(effect)
            | Outcome::Advanced(effect) => *effect,
            other @ (Outcome::Settled(_)
            | Outcome::Withdrawn(..)
            | Outcome::Expired(_)
            | Outcome::StaysOpen(_)
            | Outcome::Unbound(_)
            | Outcome::Reattributed(_)
            | Outcome::Delegated(_)
            | Outcome::Refunded(..)
            | Outcome::Adjusted(_)
            | Outcome::Erased(_)
            | Outcome::ZoneSet(_)
            | Outcome::ImportNoted(_)
            | Outcome::Covered) => {
                panic!("{other:?}")
            }
        };
        assert_eq!([effect(first), effect(second)], [Effect::Done, Effect::AlreadyDone], "{first:?}");
    }
    assert_eq!(numbers, [700, 0, 0, 0, 0, 700], "an opening is taken off what was granted");
    assert_eq!((desk.entries().await, desk.numbers().await), (entries, numbers));
    desk.verify().await;
}

#[tokio::test]
async fn what_contradicts_the_books_or_itself_is_refused() {
    let desk = Desk::new();
    desk.post(&[grant("g1", 1000), opening(1), hold(1, 100), hold(2, 100), close(2)]).await;
    let other_window = {
        let mut grant = new_grant("g1", 1000);
        grant.window.to = at(NOW + 5);
        Command::Grant(grant)
    };
    let backwards = {
        let mut grant = new_grant("g2", 1);
        grant.window = Window { from: at(10), to: at(10) };
        Command::Grant(grant)
    };
    let same_decision = {
        let mut grant = new_grant("g5", 7);
        (grant.reference, grant.window.from) = (new_grant("g1", 1).reference, at(NOW));
        Command::Grant(grant)
    };
    let eternal = {
        let mut grant = new_grant("g6", 7);
        grant.window.to = at(NOW + 60 * 366 * 86_400);
        Command::Grant(grant)
    };
    let closed_before_open = {
        let mut binding = binding();
        binding.to = Some(binding.from);
        Command::Bind(binding)
    };
    let blank_reason = Command::Hold(NewHold { anyway: Some("  ".to_owned()), ..new_hold(3, 1) });
    let elsewhere = Command::Hold(NewHold { unit: name("jupiter:core"), ..new_hold(1, 100) });
    let before = desk.entries().await;
    for (command, kind) in [
        (grant("g1", 999), LedgerErrorKind::Conflict),
        (other_window, LedgerErrorKind::Conflict),
        (opening(2), LedgerErrorKind::Conflict),
        (hold(1, 101), LedgerErrorKind::Conflict),
        (elsewhere, LedgerErrorKind::Conflict),
        (amend(2, 50), LedgerErrorKind::Conflict),
        (amend(9, 50), LedgerErrorKind::UnknownHold),
        (close(9), LedgerErrorKind::UnknownHold),
        (grant("g3", 0), LedgerErrorKind::Invalid),
        (grant("g3", -5), LedgerErrorKind::Invalid),
        (opening(-5), LedgerErrorKind::Invalid),
        (hold(3, -5), LedgerErrorKind::Invalid),
        (amend(1, -5), LedgerErrorKind::Invalid),
        (backwards, LedgerErrorKind::Invalid),
        (closed_before_open, LedgerErrorKind::Invalid),
        (blank_reason, LedgerErrorKind::Invalid),
        (grant("g4", i64::MAX), LedgerErrorKind::Overflow),
        (same_decision, LedgerErrorKind::Conflict),
        (eternal, LedgerErrorKind::Invalid),
    ] {
        // The first command is sound; it must not survive the second.
        let error = desk.try_post(&[hold(77, 1), command.clone()]).await.expect_err("refused");
        assert_eq!((&error.kind, error.retry), (&kind, Retry::Never), "{command:?}: {error}");
    }
    assert_eq!(desk.entries().await, before);
    assert_eq!(desk.book.hold(hold_id(77)).await, Ok(None));
    desk.verify().await;
}

#[tokio::test]
async fn an_enforced_budget_is_never_overdrawn_by_a_hold() {
    let desk = Desk::new();
    desk.post(&[grant("g1", 100), hold(1, 70)]).await;
    desk.post(&[hold(2, 50)]).await;
    assert_eq!(desk.numbers().await, [100, 0, 0, 120, 0, -20], "without the switch the ledger only advises");
    desk.post(&[close(2), enforce(true)]).await;

    let error = desk.try_post(&[hold(3, 31)]).await.expect_err("refused");
    let refusal = error.refusal().expect("a refusal");
    assert_eq!([refusal.wanted, refusal.free], [milli(31), milli(30)]);
    assert_eq!((refusal.ends_at, refusal.open_holds), (Some(at(NOW + 1_000_000)), 1));
    assert_eq!(refusal.blocking.iter().map(|hold| hold.id).collect::<Vec<_>>(), [hold_id(1)]);

    desk.post(&[hold(3, 30)]).await;
    assert!(desk.try_post(&[amend(3, 31)]).await.expect_err("refused").refusal().is_some(), "a raise is a hold too");
    desk.post(&[amend(3, 20)]).await;
    desk.post(&[amend(3, 30)]).await;
    let anyway = NewHold { anyway: Some("deadline on Friday".to_owned()), ..new_hold(4, 500) };
    let provisional = NewHold { is_provisional: true, ..new_hold(5, 500) };
    desk.post(&[Command::Hold(anyway), Command::Hold(provisional), amend(4, 600)]).await;
    assert_eq!(desk.numbers().await, [100, 0, 0, 1200, 0, -1100]);
    let kept = desk.book.hold(hold_id(4)).await.expect("read").expect("there");
    assert_eq!(kept.anyway.as_deref(), Some("deadline on Friday"));
    assert!(desk.try_post(&[hold(6, 1)]).await.is_err());
    desk.post(&[hold(7, 0)]).await;
    desk.verify().await;
}

/// With one of them no balance could be told any more, of no project.
#[tokio::test]
async fn an_absurd_hold_is_refused_and_changes_nothing() {
    let desk = Desk::new();
    let elsewhere = Command::Grant(ledger::NewGrant { project: name("zephyr"), ..new_grant("z", 50) });
    desk.post(&[grant("g1", 1000), elsewhere, hold(1, 100)]).await;
    let most = i64::MAX / 64;
    let anyway = |number, amount| NewHold { anyway: Some("we need it".to_owned()), ..new_hold(number, amount) };
    let provisional = |number, amount| NewHold { is_provisional: true, ..new_hold(number, amount) };
    let seen = |rest| {
        let ceiling = NewCeiling::Seen { rest: milli(rest), why: "nodes 1 became 9".to_owned() };
        Command::Amend(AmendHold { id: hold_id(1), ceiling })
    };
    let before = desk.entries().await;
    for amount in [i64::MAX, i64::MAX / 2, most + 1] {
        for command in [
            hold(3, amount),
            Command::Hold(anyway(3, amount)),
            Command::Hold(provisional(3, amount)),
            amend(1, amount),
            seen(amount),
        ] {
            let error = desk.try_post(std::slice::from_ref(&command)).await.expect_err("more than any machine has");
            assert_eq!(error.kind, LedgerErrorKind::Invalid, "{command:?}: {error}");
            assert!(error.next().is_some_and(|next| next.contains("GPU-h are more than any site has")), "{error:?}");
        }
    }
    // Each of several may be as large as one may be; together they may not.
    for command in [hold(3, most - 99), amend(1, most), Command::Hold(anyway(4, 2))] {
        let fits = desk.try_post(std::slice::from_ref(&command)).await;
        assert_eq!(fits.is_ok(), command != hold(3, most - 99), "{command:?}: {fits:?}");
        if command == amend(1, most) {
            let error = desk.try_post(&[hold(3, i64::MAX / 1024)]).await.expect_err("too much together");
            assert!(error.why.starts_with("what `atlas` holds with hold"), "{error}");
            desk.post(&[amend(1, 100)]).await;
        }
    }
    desk.post(&[close(4)]).await;
    assert_eq!(desk.entries().await.len(), before.len() + 4);
    assert_eq!(desk.numbers().await, [1000, 0, 0, 100, 0, 900]);
    let all = desk.book.balances(&ledger::BalanceQuery::default(), at(NOW)).await.expect("all can be told");
    assert_eq!(all.len(), 2);
    desk.post(&[enforce(true), hold(5, 900)]).await;
    desk.verify().await;
}

#[tokio::test]
async fn one_close_ends_a_hold_and_the_next_gets_its_answer() {
    let desk = Desk::new();
    desk.post(&[grant("g1", 100), hold(1, 70), close(1)]).await;
    let late = Command::Close(ledger::CloseHold { id: hold_id(1), reason: CloseReason::Lost, read_at: None });
    let outcome = desk.post(&[late]).await.remove(0);
    let Outcome::Closed(hold, Effect::AlreadyDone) = outcome else { panic!("{outcome:?}") };
    assert_eq!(hold.closing.expect("closed").reason, CloseReason::Finished);
    assert_eq!(desk.shown_entries().await, ["grant 100", "hold 70", "release 70"]);
    assert_eq!(desk.book.open_holds(None).await.expect("read"), []);
}

#[tokio::test]
async fn grants_count_from_their_start_on() {
    let desk = Desk::new();
    let mut next_year = new_grant("g2", 500);
    next_year.window = Window { from: at(NOW + 1), to: at(NOW + 10) };
    desk.post(&[grant("g1", 100), Command::Grant(next_year)]).await;
    assert_eq!(desk.numbers().await, [100, 0, 0, 0, 0, 100]);
    let later = desk.book.balances(&ledger::BalanceQuery::default(), at(NOW + 1)).await.expect("balances");
    assert_eq!((later[0].granted, later[0].ends_at), (milli(600), Some(at(NOW + 10))));
    let grants = desk.book.grants(Some(&atlas())).await.expect("grants");
    assert_eq!(grants.iter().map(|grant| grant.terms.key.as_str()).collect::<Vec<_>>(), ["g1", "g2"]);
    assert_eq!(grants[0].terms, new_grant("g1", 100));
    assert_eq!(desk.book.grants(Some(&name("other"))).await, Ok(vec![]));
}

#[tokio::test]
async fn a_grant_that_is_over_is_not_free_and_cannot_be_held() {
    let desk = Desk::new();
    let year = |key: &str, amount: i64, from: i64, to: i64| {
        let window = Window { from: at(from), to: at(to) };
        Command::Grant(ledger::NewGrant { window, ..new_grant(key, amount) })
    };
    // The run ends at NOW + 110, in the first window.
    desk.post(&[year("g1", 1000, NOW - 1000, NOW + 500), Command::Bind(binding()), enforce(true)]).await;
    desk.post(&[settle(foreign(1, 300)), opening(50)]).await;
    let numbers = async |seconds: i64| {
        let found = desk.book.balances(&ledger::BalanceQuery::default(), at(seconds)).await.expect("balances");
        let balance = found.into_iter().find(|balance| balance.unit == gh200()).expect("a balance");
        let free = balance.free().expect("fits");
        [balance.granted, balance.expired, balance.used, free].map(model::Amount::milli)
    };
    assert_eq!(numbers(NOW + 499).await, [950, 0, 300, 650]);
    assert_eq!(numbers(NOW + 500).await, [300, 650, 300, 0], "what was not used by then has gone");
    let held = desk.book.post(&ada(), at(NOW + 499), &[hold(1, 650)]).await;
    assert!(held.is_ok(), "{held:?}");
    desk.post(&[close(1)]).await;
    let error = desk.book.post(&ada(), at(NOW + 500), &[hold(2, 1)]).await.expect_err("it is over");
    assert_eq!(error.refusal().map(|refusal| refusal.free), Some(milli(0)));

    desk.post(&[year("g2", 400, NOW + 500, NOW + 900)]).await;
    assert_eq!(numbers(NOW + 600).await, [700, 650, 300, 400], "the next one is whole");
    // A run of the first window that is read late was paid by the first grant.
    desk.post(&[settle(foreign(2, 100))]).await;
    assert_eq!(numbers(NOW + 600).await, [800, 550, 400, 400]);
    assert_eq!(numbers(NOW + 900).await, [400, 950, 400, 0]);
    desk.verify().await;
}

#[tokio::test]
async fn a_cursor_never_moves_backwards() {
    let desk = Desk::new();
    let read = async |cluster, scope| {
        let found = desk.book.cursor(&name("jupiter"), &name(cluster), &name(scope)).await.expect("read");
        found.map(|cursor| cursor.settled_until)
    };
    for (until, stands_at) in [(50, 50), (40, 50), (60, 60)] {
        desk.post(&[cursor("user:ada", until)]).await;
        assert_eq!(read("booster", "user:ada").await, Some(at(stands_at)));
    }
    assert_eq!(read("other", "user:ada").await, None);
}

#[tokio::test]
async fn a_cursor_says_nothing_about_the_runs_of_others() {
    let desk = Desk::new();
    desk.post(&[cursor("user:ada", 50), cursor("all:ada", 20)]).await;
    for (scope, until) in [("user:ada", Some(50)), ("all:ada", Some(20)), ("user:bob", None), ("all:bob", None)] {
        let found = desk.book.cursor(&name("jupiter"), &name("booster"), &name(scope)).await.expect("read");
        assert_eq!(found.map(|cursor| cursor.settled_until), until.map(at), "{scope}");
    }
}

#[tokio::test]
async fn a_statement_shows_every_movement_and_adds_up() {
    let desk = Desk::new();
    desk.post(&[grant("g1", 1000), opening(200), hold(1, 60), Command::Bind(binding())]).await;
    desk.post(&[settle(ours(1, 100, 1)), settle(foreign(2, 30)), close(1)]).await;
    desk.post(&[settle(read_at(foreign(2, 20), 300))]).await;
    let window = |from: i64, to: i64| Window { from: at(from), to: at(to) };
    for (window, opening, closing, lines) in [
        (window(0, NOW + 1000), 0, 680, 7),
        (window(NOW - 600, NOW), 1000, 800, 1),
        (window(NOW, NOW + 1000), 800, 680, 5),
        // The last second of a hundred: of 60, 40 and 20 one each.
        (window(NOW + 109, NOW + 110), 683, 680, 5),
        (window(NOW + 110, NOW + 1000), 680, 680, 0),
        (window(0, 1), 0, 0, 0),
    ] {
        let statement = desk.book.statement(&atlas(), &gh200(), window, None).await.expect("a statement");
        assert_eq!((statement.opening, statement.closing), (milli(opening), milli(closing)), "{window:?}");
        assert_eq!(statement.lines.len(), lines, "{window:?}");
        assert_eq!(statement.adds_up(), Ok(true));
    }
    let statement = desk.book.statement(&atlas(), &gh200(), window(0, NOW + 1000), None).await.expect("a statement");
    let lines: Vec<_> = statement.lines.iter().map(|line| (line.kind, line.amount.milli())).collect();
    assert_eq!(
        lines,
        [
            (StatementLineKind::Grant, 1000),
            (StatementLineKind::Opening, -200),
            (StatementLineKind::Settle, -60),
            (StatementLineKind::Overrun, -40),
            (StatementLineKind::Settle, -30),
            (StatementLineKind::Correct, 30),
            (StatementLineKind::Correct, -20),
        ]
    );
}

on_postgres_too! {
    a_repeated_command_changes_nothing_and_says_so,
    what_contradicts_the_books_or_itself_is_refused,
    an_enforced_budget_is_never_overdrawn_by_a_hold,
    an_absurd_hold_is_refused_and_changes_nothing,
    one_close_ends_a_hold_and_the_next_gets_its_answer,
    grants_count_from_their_start_on,
    a_grant_that_is_over_is_not_free_and_cannot_be_held,
    a_cursor_never_moves_backwards,
    a_cursor_says_nothing_about_the_runs_of_others,
    a_statement_shows_every_movement_and_adds_up,
}
