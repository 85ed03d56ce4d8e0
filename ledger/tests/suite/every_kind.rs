//! A ledger with an entry of every kind and a decision of every kind, made by a fixed list of commands.

use crate::decisions::decide_all;
use crate::support::*;
use ledger::{
    ALONE_UP_TO, Adjust, AmendHold, Binding, Command, Delegate, EntryKind, MonthlyJsc, NewCeiling, NewGrant, NewHold,
    NewOpening, ObservedRun, Reattribute, Refund, RunPrice, SetPolicy, SettledRun, Surroundings, Unbind, Withdraw,
};
use model::{Amount, Principal, ProjectName, Window};
use std::collections::BTreeSet;

/// 1 September 2026, 00:00 in Berlin.
const SEPTEMBER: i64 = 1_788_213_600;
const DAY: i64 = 86_400;
/// Berlin's October has an hour more.
const NOVEMBER: i64 = SEPTEMBER + 61 * DAY + 3600;
/// After all that is posted.
pub(crate) const LATE: i64 = SEPTEMBER + 400 * DAY;

/// With the random bits of these surroundings.
pub(crate) async fn desk_of_every_kind(surroundings: &Surroundings) -> Desk {
    let desk = Desk::in_memory_with(surroundings);
    decide_all(&desk).await;
    let anyway = NewHold {
        anyway: Some("a deadline".to_owned()),
        expected: Some(Window { from: at(NOW), to: at(NOW + 3600) }),
        ..new_hold(2, 70)
    };
    desk.post(&[grant("g2", 100_000), grant("g3", 10), hold(1, 100), Command::Hold(anyway), hold(3, 50)]).await;
    settle_some(&desk).await;
    enter_by_hand(&desk).await;
    charge_somebody_else(&desk).await;
    let carol = Principal { user: name("carol"), site: Some(name("jupiter")) };
    desk.post(&[Command::Erase(carol)]).await;
    months_of_borealis(&desk).await;
    let kinds: BTreeSet<EntryKind> = desk.entries().await.iter().map(|entry| entry.kind).collect();
    assert_eq!(kinds, EntryKind::ALL.into(), "the list makes an entry of every kind");
    desk
}

async fn settle_some(desk: &Desk) {
    let of_nobody = of_account("mystery", foreign(4, 40));
    let unpriced = SettledRun { price: RunPrice::Unknown("no tariff for its partition".to_owned()), ..foreign(5, 1) };
    let mut of_carol = foreign(6, 60);
    of_carol.run.user = name("carol");
    let runs = [ours(2, 130, 1), foreign(3, 30), of_nobody, unpriced, of_carol].map(settle);
    desk.post(&runs).await;
    let amended = AmendHold { id: hold_id(3), ceiling: NewCeiling::Wanted(milli(80)) };
    desk.post(&[close(1), Command::Amend(amended), observe(NOW, vec![running(8, Some(stamp(3)), 5, 9)], vec![])]).await;
    desk.post(&[settle(read_at(foreign(3, 20), 300)), settle(ours(7, 5, 1)), cursor("user:ada", NOW)]).await;
}

async fn enter_by_hand(desk: &Desk) {
    let adjust = |key: &str, amount: Amount| {
        let (key, reason) = (key.to_owned(), "counted twice by the site".to_owned());
        Command::Adjust(Adjust { key, project: atlas(), unit: gh200(), amount, at: at(NOW), reason })
    };
    let large = ALONE_UP_TO.plus(milli(1)).expect("fits");
    let refund = Refund { run: run_key(2), amount: Some(milli(25)), reason: "node failed".to_owned() };
    desk.post(&[Command::Refund(refund), adjust("small", milli(-20)), adjust("large", large), adjust("waits", large)])
        .await;
    let bob = Principal { user: name("bob"), ..ada() };
    desk.book.post(&bob, now(), &[Command::Agree("large".to_owned())]).await.expect("agreed");
    let passed_on = Delegate {
        key: "vision".to_owned(),
        from: atlas(),
        grant: "g2".to_owned(),
        to: borealis(),
        amount: milli(500),
        reason: "vision".to_owned(),
    };
    let mistyped = Withdraw {
        key: "mistyped".to_owned(),
        grant: "g3".to_owned(),
        project: atlas(),
        amount: None,
        reason: "mistyped".to_owned(),
    };
    desk.post(&[Command::Delegate(passed_on), Command::Withdraw(mistyped)]).await;
}

/// Whoever paid for an account pays no more.
async fn charge_somebody_else(desk: &Desk) {
    let of_borealis = Binding { project: borealis(), ..binding() };
    let window = Window { from: at(0), to: at(NOW + 1000) };
    desk.post(&[
        Command::Unbind(Unbind { number: 1, to: at(0) }),
        Command::Bind(of_borealis),
        Command::Reattribute(Reattribute { site: name("jupiter"), window }),
    ])
    .await;
}

/// What was used before the ledger, months that are over, and a debt that is forgiven.
async fn months_of_borealis(desk: &Desk) {
    let window = Window { from: at(SEPTEMBER), to: at(SEPTEMBER + 91 * DAY) };
    let months = NewGrant { project: borealis(), window, ..new_grant("months", 90_000) };
    let policy = SetPolicy {
        project: borealis(),
        unit: gh200(),
        policy: MonthlyJsc::default().into(),
        zone: name("Europe/Berlin"),
    };
    let vision = Binding { account: Some(name("vision")), project: borealis(), ..binding() };
    let opening = NewOpening { project: borealis(), ..new_opening(400, SEPTEMBER + DAY) };
    let commands =
        [Command::Grant(months), Command::SetPolicy(policy), Command::Bind(vision), Command::Opening(opening)];
    desk.post(&commands).await;
    let of_vision = |number, amount, seconds| settle(of_account("vision", ended(foreign(number, amount), seconds)));
    desk.post(&[of_vision(20, 90, SEPTEMBER + DAY / 2), of_vision(21, 5_000, SEPTEMBER + 3 * DAY)]).await;
    desk.post_at(NOVEMBER, &[Command::Expire(None)]).await;
    desk.post_at(LATE, &[of_vision(22, 200_000, NOVEMBER + DAY)]).await;
    let goes_on = ObservedRun { started_at: Some(at(LATE - 60)), ..running(9, None, 5, 9) };
    let goes_on = observe(LATE, vec![goes_on], vec![]);
    desk.post_at(LATE, &[Command::Expire(None), goes_on]).await;
}

fn of_account(account: &str, mut settled: SettledRun) -> SettledRun {
    settled.run.account = Some(name(account));
    settled
}

fn borealis() -> ProjectName {
    name("borealis")
}

#[tokio::test]
async fn an_entry_of_every_kind_is_verified() {
    desk_of_every_kind(&Surroundings::here()).await.verify().await;
}

on_postgres_too! { an_entry_of_every_kind_is_verified }
