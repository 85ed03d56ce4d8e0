//! A balance that cannot settle on its way.

use crate::cluster::run;
use crate::desk::{DAY, Desk, NOW};
use jobs::{
    balance::{BalanceWish, balance},
    job_file::{JobFile, SourceFile},
    prepare::prepare,
};
use ledger::{Command, Enforce};
use scheduler_adapters::AdapterErrorKind;

#[tokio::test]
async fn a_balance_shows_older_numbers_where_it_cannot_settle() {
    let desk = Desk::new().await;
    desk.says().runs = vec![run(1, "ada", NOW - 600, Some(NOW - 500))];
    desk.settle("ada").await;
    for kind in [
        AdapterErrorKind::Unreachable,
        AdapterErrorKind::AccountingDown,
        AdapterErrorKind::Unreadable,
        AdapterErrorKind::NotPermitted,
        AdapterErrorKind::NotFound,
        AdapterErrorKind::Unsupported,
        AdapterErrorKind::Refused { said: "no".to_owned() },
    ] {
        desk.says().fails = Some(("queue", kind.clone()));
        let found = balance(&desk.house("ada"), &BalanceWish::default(), true).await.expect("shown");
        assert!(found.stale.is_some() && found.settled.is_none(), "{kind:?}");
        assert_eq!(found.budgets[0].balance.used.milli(), 100_000, "{kind:?}");
    }
    let found = balance(&desk.house("ada"), &BalanceWish::default(), true).await.expect("shown");
    assert!(found.stale.is_none() && found.settled.is_some());
    desk.set_clock(NOW - DAY);
    let found = balance(&desk.house("ada"), &BalanceWish::default(), true).await.expect("shown");
    assert!(found.stale.expect("the clock is behind").contains("clock"));
}

const JOB: &str = "name: tiny\nkind: command\nproject: atlas\nsite: testland\nlaunch: command\nrun: \"true\"\n\
                   scheduler: { account: hai }\nresources: { nodes: 1, gpus_per_node: 1, time: 1h }\n";

/// What is doubtful about a job of `atlas`, by the field that it is about.
async fn doubts(desk: &Desk) -> Vec<String> {
    let source = SourceFile { path: "job.yaml".into(), directory: "/".into(), text: JOB.to_owned(), lines_before: 0 };
    let prepared = prepare(&desk.house("ada"), &JobFile::read(source).expect("good")).await.expect("it can be paid");
    assert!(prepared.hold.is_some());
    let told = prepared.doubts.into_iter().map(|doubt| doubt.finding);
    told.filter(|finding| finding.field == "project").map(|finding| finding.what).collect()
}

#[tokio::test]
async fn a_job_on_an_enforced_budget_is_told_that_it_was_settled_long_ago() {
    let desk = Desk::new().await;
    desk.says().runs = vec![run(1, "bob", NOW - DAY, Some(NOW - DAY + 100))];
    desk.settle_all("carol").await;
    desk.set_clock(NOW + 3 * DAY);
    // Whatever others ran in three days is in no balance.
    let unread = "nobody knows what is free of the budget of `atlas`: not everybody's runs were read";
    assert_eq!(doubts(&desk).await, [unread], "a budget that advises");
    let (project, unit) = ("atlas".parse().expect("a project"), "testland:gpu".parse().expect("a unit"));
    desk.post(&[Command::SetEnforce(Enforce { project, unit, is_enforced: true })]).await;
    let told = doubts(&desk).await;
    assert!(told[0].starts_with("the budget of `atlas` is enforced, and was last settled at 2026-10-2"), "{told:?}");
    desk.settle_all("carol").await;
    assert_eq!(doubts(&desk).await, [""; 0]);
    desk.set_clock(NOW + 5 * DAY);
    desk.settle("ada").await;
    assert_eq!(doubts(&desk).await.len(), 1, "a member alone does not know what others used");
}
