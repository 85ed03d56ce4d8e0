//! A hold takes from the lots of the time in which its job is expected to run.

use crate::{
    desk::{DAY, Desk, HOUR, NOW, at},
    wish::{ONE_GPU, once, only_hold, wish},
};
use jobs::{outlook::outlook, submit::submit};
use ledger::{BalanceQuery, Book, Budget, Command, MonthlyJsc, SetPolicy};
use model::{Tres, WallTime, Window};

/// A project whose hours come by the month.
async fn monthly() -> Desk {
    let desk = Desk::new().await;
    let policy = SetPolicy {
        project: "atlas".parse().expect("a project"),
        unit: "testland:gpu".parse().expect("a unit"),
        policy: MonthlyJsc::default().into(),
        zone: "Europe/Berlin".parse().expect("a zone"),
    };
    desk.post(&[Command::SetPolicy(policy)]).await;
    desk
}

async fn budget(desk: &Desk) -> Budget {
    desk.book().budgets(&BalanceQuery::default(), at(NOW)).await.expect("budgets").remove(0)
}

#[tokio::test]
async fn a_job_that_may_begin_in_forty_days_leaves_what_is_free_now() {
    let desk = monthly().await;
    let free = budget(&desk).await.balance.free().expect("fits");
    let text = format!("{ONE_GPU}scheduler: {{ begin: now+40days }}\n");
    submit(&desk.house("ada"), wish(&text)).await.expect("submitted");
    let begin = NOW + 40 * DAY;
    // A day in the queue, and an hour.
    let expected = Some(Window { from: at(begin), to: at(begin + DAY + 3_600) });
    assert_eq!(only_hold(&desk).await.expect("held").expected, expected);
    let budget = budget(&desk).await;
    assert_eq!((budget.balance.committed.milli(), budget.balance.committed_later.milli()), (HOUR, HOUR));
    assert_eq!(budget.balance.free().expect("fits"), free);
    let reserved = outlook(&budget).expect("told").reserved;
    assert_eq!(reserved.iter().map(|reserved| reserved.amount.milli()).sum::<i64>(), HOUR);
}

#[tokio::test]
async fn a_job_that_may_begin_now_is_expected_now() {
    let desk = monthly().await;
    once(&desk).await.expect("submitted");
    let hold = only_hold(&desk).await.expect("held");
    assert_eq!(hold.expected, Some(Window { from: at(NOW), to: at(NOW + DAY + 3_600) }));
    let balance = budget(&desk).await.balance;
    assert_eq!((balance.committed.milli(), balance.committed_later.milli()), (HOUR, 0));
}

#[tokio::test]
async fn an_enforced_budget_refuses_what_the_later_month_does_not_cover() {
    let desk = monthly().await;
    crate::wish::enforce(&desk, true).await;
    let hours = |hours: u32, begin: &str| {
        let text = ONE_GPU.replace("gpus_per_node: 1", "gpus_per_node: 4");
        text.replace("01:00:00", &format!("{hours}:00:00")) + &format!("scheduler: {{ begin: {begin} }}\n")
    };
    // Three months of less than thirty hours each are in reach then.
    let error = submit(&desk.house("ada"), wish(&hours(23, "now+40days"))).await.err().expect("refused");
    assert!(error.why.contains("it may use 92.000 GPU-h"), "{}", error.why);
    desk.says().handed.filter = Some(|job| {
        job.requested = Tres::read("cpu=32,gres/gpu=4,node=1").expect("a list");
        job.time_limit = Some(WallTime::from_seconds(17 * 3_600));
    });
    submit(&desk.house("ada"), wish(&hours(17, "now+40days"))).await.expect("covered");
    let error = submit(&desk.house("ada"), wish(&hours(5, "now+41days"))).await.err().expect("refused");
    assert!(error.why.contains("it may use 20.000 GPU-h"), "{}", error.why);
    // An hour of now is another month's.
    desk.says().handed.filter = None;
    once(&desk).await.expect("covered");
}
