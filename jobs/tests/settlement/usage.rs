//! Usage from accounting alone.

use crate::cluster::{run, unreadable};
use crate::desk::{DAY, Desk, NOW, at};
use jobs::usage::{Whose, usage};
use model::{Amount, Charge, WallTime, Window};

#[tokio::test]
async fn usage_is_asked_month_by_month_and_counts_each_run_once() {
    let desk = Desk::new().await;
    let month = 31 * DAY;
    let from = NOW - 3 * month;
    let mut absurd = run(4, "ada", NOW - DAY, Some(NOW - DAY + 10));
    absurd.elapsed = WallTime::from_seconds(u64::from(u32::MAX));
    let mut under_way = run(3, "ada", from + month - 50, None);
    under_way.elapsed = WallTime::from_seconds(7);
    desk.says().runs = vec![
        // Over the border of two months, on the border, and under way since the first one.
        run(1, "ada", from + month - 50, Some(from + month + 50)),
        run(2, "ada", from + month - 50, Some(from + month)),
        under_way,
        absurd,
        run(5, "ada", from - 100, Some(from - 1)),
    ];
    desk.says().rejected = vec![unreadable(9, "x")];
    let window = Window { from: at(from), to: at(NOW + 1) };
    let found = usage(&desk.house("ada"), window, Whose::mine()).await.expect("summed");
    let rows: Vec<_> = found.rows.iter().map(|row| (row.state.as_str(), row.runs, row.gpu.clone())).collect();
    let gpu = |seconds: i64| {
        let unit = "testland:gpu".parse().expect("a unit");
        Some(Charge { unit, amount: Amount::from_milli(seconds * 1000) })
    };
    assert_eq!(rows, [("COMPLETED", 2, gpu(150)), ("RUNNING", 1, gpu(7))]);
    assert_eq!((found.not_priced, found.rejected), (1, 1));
    let asked = desk.says().asked.clone();
    assert_eq!(asked.len(), 4);
    assert!(asked.iter().all(|window| window.to.seconds_since(window.from) <= month));
}
