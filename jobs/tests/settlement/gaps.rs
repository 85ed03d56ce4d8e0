//! What nobody read, as every report tells it: statement, usage, balance and the list of what nobody pays for.

use crate::desk::{DAY, Desk, HOUR, NOW, at};
use jobs::balance::{BalanceWish, balance};
use jobs::{
    coverage::all_gaps,
    grant::statement,
    used::{UsageWish, used},
};
use ledger::{Command, Coverage, Gap, KnownAt, NewOpening, UsageFilter, UsageQuery, UsageSpan};
use model::{Amount, Window};

/// The stretches that each of the reports names, in days from now; of an earlier state of the books those that tell one.
async fn told(desk: &Desk, known_at: Option<KnownAt>) -> Vec<Vec<(i64, i64)>> {
    let house = desk.house("ada");
    let always = Window { from: at(0), to: at(NOW + 1000 * DAY) };
    let (project, unit) = ("atlas".parse().expect("a project"), "testland:gpu".parse().expect("a unit"));
    let query =
        UsageQuery { span: UsageSpan::Instants(always), known_at, filter: UsageFilter::default(), by: Vec::new() };
    let wish = BalanceWish { known_at, ..BalanceWish::of(&project) };
    let mut found = vec![
        statement(&house, &project, &unit, always, known_at).await.expect("a statement").gaps,
        used(&house, &UsageWish { query, gpu_model: None, by_gpu_model: false }).await.expect("usage").gaps,
        balance(&house, &wish, false).await.expect("a balance").budgets.remove(0).gaps,
    ];
    if known_at.is_none() {
        found.push(all_gaps(&house).await.expect("the gaps"));
    }
    let days = |gap: &Gap| {
        let day = |at: model::Timestamp| at.seconds_since(at_now()).div_euclid(DAY);
        (day(gap.window.from), day(gap.window.to))
    };
    found.iter().map(|gaps| gaps.iter().map(days).collect()).collect()
}

fn at_now() -> model::Timestamp {
    at(NOW)
}

/// A reading of everybody's runs of the days from `from` to `to`.
fn read(from: i64, to: i64, observed_at: i64) -> Command {
    Command::Cover(Coverage {
        site: "testland".parse().expect("a site"),
        cluster: "testland".parse().expect("a cluster"),
        scope: "site:olga".parse().expect("a scope"),
        rights: None,
        whole_accounts: Vec::new(),
        hidden_accounts: Vec::new(),
        window: Window { from: at(NOW + from * DAY), to: at(NOW + to * DAY) },
        observed_at: at(observed_at),
    })
}

fn opening() -> Command {
    Command::Opening(NewOpening {
        project: "atlas".parse().expect("a project"),
        unit: "testland:gpu".parse().expect("a unit"),
        used_before: Amount::from_milli(5 * HOUR),
        since: None,
        as_of: at(NOW - 50 * DAY - 1),
        note: "portal".to_owned(),
    })
}

#[tokio::test]
async fn an_opening_stands_for_what_was_before_it_in_every_report() {
    let desk = Desk::new().await;
    assert_eq!(told(&desk, None).await, [[(-100, 0)]; 4]);
    desk.set_clock(NOW + 10);
    desk.post(&[opening()]).await;
    assert_eq!(told(&desk, None).await, [[(-50, 0)]; 4]);
    assert_eq!(told(&desk, Some(KnownAt::Instant(at(NOW + 10)))).await, [[(-50, 0)]; 3]);
    // Before it was entered nobody knew of it, whatever it is about.
    assert_eq!(told(&desk, Some(KnownAt::Instant(at(NOW)))).await, [[(-100, 0)]; 3]);
    let opened = desk.entries().await.pop().expect("the opening").number;
    assert_eq!(told(&desk, Some(KnownAt::Entry(opened - 1))).await, [[(-100, 0)]; 3]);
    assert_eq!(told(&desk, Some(KnownAt::Entry(opened))).await, [[(-50, 0)]; 3]);
}

#[tokio::test]
async fn gaps_are_told_as_they_were_known() {
    let desk = Desk::new().await;
    desk.post(&[read(-100, -40, NOW)]).await;
    desk.set_clock(NOW + 2 * DAY);
    desk.post(&[read(-30, 2, NOW + 2 * DAY)]).await;
    assert_eq!(told(&desk, None).await, [[(-40, -30)]; 4]);
    // What was read since was not known then.
    for (day, known_at) in [(1, KnownAt::Instant(at(NOW + DAY))), (0, KnownAt::Instant(at(NOW)))] {
        assert_eq!(told(&desk, Some(known_at)).await, [[(-40, day)]; 3], "{known_at:?}");
    }
    assert_eq!(told(&desk, Some(KnownAt::Instant(at(NOW + 2 * DAY)))).await, [[(-40, -30)]; 3]);
}
