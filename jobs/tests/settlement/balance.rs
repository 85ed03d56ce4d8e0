//! A balance that cannot settle on its way.

use crate::cluster::run;
use crate::desk::{DAY, Desk, NOW};
use jobs::balance::balance;
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
        let found = balance(&desk.house("ada"), None, true).await.expect("shown");
        assert!(found.stale.is_some() && found.settled.is_none(), "{kind:?}");
        assert_eq!(found.balances[0].used.milli(), 100_000, "{kind:?}");
    }
    let found = balance(&desk.house("ada"), None, true).await.expect("shown");
    assert!(found.stale.is_none() && found.settled.is_some());
    desk.set_clock(NOW - DAY);
    let found = balance(&desk.house("ada"), None, true).await.expect("shown");
    assert!(found.stale.expect("the clock is behind").contains("clock"));
}
