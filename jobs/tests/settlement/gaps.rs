//! What nobody read, as every report tells it: statement, usage, balance and the list of what nobody pays for.

use crate::cluster::run;
use crate::desk::{DAY, Desk, HOUR, NOW, at};
use crate::importing::{completed, text, wish};
use jobs::balance::{BalanceWish, balance};
use jobs::{
    coverage::all_gaps,
    grant::statement,
    import::{Asked, ImportWish, Rights, import},
    used::{UsageWish, used},
};
use ledger::{Command, Coverage, Gap, KnownAt, NewOpening, UsageFilter, UsageQuery, UsageSpan};
use model::{Amount, Window};

/// The stretches that each of the reports names, in days from now; of an earlier state of the books those that tell one.
async fn told(desk: &Desk, known_at: Option<KnownAt>) -> Vec<Vec<(i64, i64)>> {
    let house = desk.house("ada");
    let always = Window { from: at(0), to: at(NOW + 2000 * DAY) };
    let (project, unit) = ("atlas".parse().expect("a project"), "testland:gpu".parse().expect("a unit"));
    let query =
        UsageQuery { span: UsageSpan::Instants(always), known_at, filter: UsageFilter::default(), by: Vec::new() };
    let wish = BalanceWish { known_at, ..BalanceWish::of(&project) };
    let mut found = vec![
        statement(&house, &project, &unit, always, known_at).await.expect("a statement").gaps,
        used(&house, &UsageWish { query, gpu_model: None, by_gpu_model: false, with_site_charges: false })
            .await
            .expect("usage")
            .gaps,
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

#[tokio::test]
async fn what_ran_behind_the_end_of_the_last_grant_is_missing_in_every_report() {
    let desk = Desk::new().await;
    // The grant ends on day 1000, and the account goes on to be charged.
    desk.post(&[read(-100, 1000, NOW)]).await;
    desk.set_clock(NOW + 1010 * DAY);
    assert_eq!(told(&desk, None).await, [[(1000, 1010)]; 4]);
    let wish = BalanceWish::of(&"atlas".parse().expect("a project"));
    let told_by =
        balance(&desk.house("ada"), &wish, false).await.expect("a balance").budgets.remove(0).balance.completeness;
    assert_eq!(told_by, model::Completeness::Unknown);
    desk.post(&[read(1000, 1010, NOW + 1010 * DAY)]).await;
    assert_eq!(told(&desk, None).await, [[(0, 0); 0]; 4]);
}

#[tokio::test]
async fn gaps_of_an_earlier_entry_are_those_that_its_bindings_and_readings_left() {
    let desk = Desk::new().await;
    // The grant and the binding.
    let last = KnownAt::Entry(2);
    // In the same second somebody reads, and the binding ends.
    let unbind = Command::Unbind(ledger::Unbind { number: 1, to: at(NOW - 60 * DAY) });
    desk.post(&[read(-100, -80, NOW), unbind]).await;
    assert_eq!(told(&desk, None).await, [[(-80, -60)]; 4]);
    assert_eq!(told(&desk, Some(last)).await, [[(-100, 0)]; 3]);
    desk.set_clock(NOW + 10);
    desk.post(&[opening()]).await;
    assert_eq!(told(&desk, Some(last)).await, [[(-100, 0)]; 3]);
    assert_eq!(told(&desk, Some(KnownAt::Instant(at(NOW)))).await, [[(-80, -60)]; 3]);
}

/// What usage of some days before now tells of runs that went on: since when they ran in it, until when, and when they were seen,
/// in days from now. What was not read is told as well, without an instant.
async fn running(desk: &Desk, from: i64, to: i64) -> Vec<(i64, i64, Option<i64>)> {
    let span = Window { from: at(NOW + from * DAY), to: at(NOW + to * DAY) };
    let query =
        UsageQuery { span: UsageSpan::Instants(span), known_at: None, filter: UsageFilter::default(), by: Vec::new() };
    let wish = UsageWish { query, gpu_model: None, by_gpu_model: false, with_site_charges: false };
    let gaps = used(&desk.house("ada"), &wish).await.expect("usage").gaps;
    let day = |at: model::Timestamp| at.seconds_since(at_now()).div_euclid(DAY);
    gaps.iter().map(|gap| (day(gap.window.from), day(gap.window.to), gap.still_ran_at.map(day))).collect()
}

/// A file that was read at an instant, with all that ran on the cluster; in days from now.
async fn import_all(desk: &Desk, rows: &[String], until: i64, observed_at: i64) {
    let asked = Asked {
        rights: Rights::Cluster,
        by: "olga".parse().expect("a user"),
        since: Some(at(NOW - 100 * DAY)),
        until: Some(at(NOW + until * DAY)),
    };
    let wish = ImportWish { asked: Some(asked), ..wish(NOW + observed_at * DAY) };
    let source = Box::new(std::io::Cursor::new(text(rows).into_bytes()));
    let report = import(&desk.house("ada"), wish, source).await.expect("imported");
    assert!(report.is_complete(), "{report:?}");
}

/// A run that a file shows as still running.
fn still_runs(id: u64, began_days_ago: i64) -> String {
    let start = NOW - began_days_ago * DAY;
    format!(
        "{id}|{id}|testland|ada|hai|gpu|RUNNING|0:0|{}|{start}|Unknown|600|60|1|cpu=8,gres/gpu=1,node=1|\n",
        start - 10
    )
}

#[tokio::test]
async fn a_time_is_not_complete_while_a_run_goes_on_over_its_end() {
    let desk = Desk::new().await;
    let ended = completed(1, 30 * DAY, 20 * DAY);
    // The file is of the time until ten days ago, and was read nine days ago.
    import_all(&desk, &[ended.clone(), still_runs(2, 12)], -10, -9).await;
    assert_eq!(running(&desk, -40, -10).await, [(-12, -10, Some(-9))]);
    assert_eq!(running(&desk, -40, -15).await, [], "before it began");
    // Read again it runs still, and then it has ended.
    import_all(&desk, &[ended.clone(), still_runs(2, 12)], -5, -5).await;
    assert_eq!(running(&desk, -40, -10).await, [(-12, -10, Some(-5))]);
    let over = completed(2, 12 * DAY, 4 * DAY);
    import_all(&desk, &[ended, over], -1, -1).await;
    assert_eq!(running(&desk, -40, -10).await, []);
    assert_eq!(desk.used().await, 18 * DAY);
}

#[tokio::test]
async fn a_run_that_a_settlement_sees_running_is_told_until_it_has_ended() {
    let desk = Desk::new().await;
    desk.post(&[read(-100, 0, NOW)]).await;
    desk.says().runs = vec![run(7, "ada", NOW - 3 * DAY, None)];
    desk.settle("ada").await;
    assert_eq!(running(&desk, -40, -1).await, [(-3, -1, Some(0))]);
    assert_eq!(running(&desk, -40, -4).await, []);
    desk.set_clock(NOW + DAY);
    desk.says().runs = vec![run(7, "ada", NOW - 3 * DAY, Some(NOW + DAY / 2))];
    desk.settle("ada").await;
    assert_eq!(running(&desk, -40, -1).await, []);
}

#[tokio::test]
async fn the_last_hours_of_a_time_that_is_over_are_missing_until_they_are_read() {
    let desk = Desk::new().await;
    desk.post(&[read(-100, -1, NOW - DAY)]).await;
    desk.set_clock(NOW - DAY / 2);
    let span = |to: i64| Window { from: at(NOW - 40 * DAY), to: at(to) };
    let gaps = |window: Window| {
        let desk = &desk;
        async move {
            let (project, unit) = ("atlas".parse().expect("a project"), "testland:gpu".parse().expect("a unit"));
            statement(&desk.house("ada"), &project, &unit, window, None).await.expect("a statement").gaps
        }
    };
    let missing = gaps(span(NOW - 3 * DAY / 4)).await;
    assert_eq!(
        missing.iter().map(|gap| gap.window).collect::<Vec<_>>(),
        [Window { from: at(NOW - DAY), to: at(NOW - 3 * DAY / 4) }]
    );
    assert_eq!(gaps(span(NOW + 9 * DAY)).await, [], "what goes on is as of the last reading");
}
