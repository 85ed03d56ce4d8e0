//! What holds when all operations are done: the past stands, statements meet, and entries alone say the same.

use super::Checked;
use super::follow::budgets_at;
use crate::support::*;
use ledger::{BalanceQuery, Budget, Entry, KnownAt, OpenMode, SqliteBook};
use model::{Balance, Window};
use proptest::prelude::*;

/// Whatever was shown once is shown again, by the time and by the last entry.
pub(super) async fn is_shown_again(desk: &Desk, shown: Vec<(i64, Vec<Entry>, Vec<Budget>)>, now: i64) -> Checked {
    let newest = desk.entries().await.last().map_or(0, |entry| entry.number);
    for (then, new, expected) in shown {
        let known = |known_at| BalanceQuery { known_at: Some(known_at), ..BalanceQuery::default() };
        let by_time = budgets_at(desk, known(KnownAt::Instant(at(then))), now).await;
        prop_assert_eq!(&by_time, &expected, "as known at {}", then);
        // What was decided since counts as known by the newest entry.
        if let Some(last) = new.last().filter(|entry| entry.recorded_at == at(then) && entry.number < newest) {
            let by_entry = budgets_at(desk, known(KnownAt::Entry(last.number)), then).await;
            prop_assert_eq!(by_entry, expected, "as known by entry {}", last.number);
        }
    }
    Ok(())
}

/// Each statement begins with what the one before it came to, and the last one ends with the balance.
pub(super) async fn statements_meet(desk: &Desk, mut borders: Vec<i64>, now: i64) -> Checked {
    borders.push(now + 3600);
    for Balance { project, unit, granted, later, used, .. } in
        budgets_at(desk, BalanceQuery::default(), now).await.into_iter().map(|budget| budget.balance)
    {
        let (mut from, mut came_to) = (0, 0);
        for to in borders.iter().copied().filter(|border| *border <= now + 3600) {
            let window = Window { from: at(from), to: at(to) };
            let statement = desk.book.statement(&project, &unit, window, None).await.expect("a statement");
            prop_assert_eq!((statement.opening.milli(), statement.adds_up()), (came_to, Ok(true)), "{:?}", window);
            (from, came_to) = (to, statement.closing.milli());
        }
        prop_assert_eq!(came_to, (granted.milli() + later.milli()) - used.milli(), "{} in {}", project, unit);
    }
    Ok(())
}

/// Whoever has the entries alone comes to the same.
pub(super) async fn is_replayed(desk: &Desk, now: i64) -> Checked {
    let fresh = Desk::of_file(tempfile::tempdir().expect("a folder"));
    let replica = SqliteBook::open(&fresh.path(), OpenMode::Existing).expect("opened");
    replica.replay(&desk.entries().await).await.expect("replayed");
    prop_assert_eq!(export(fresh.book.as_ref()).await, export(desk.book.as_ref()).await);
    let mut used = [Vec::new(), Vec::new()];
    for (desk, used) in [desk, &fresh].into_iter().zip(&mut used) {
        let found = budgets_at(desk, BalanceQuery::default(), now).await.into_iter().map(|budget| budget.balance);
        let used_of = found.map(|Balance { project, unit, used, .. }| (project, unit, used.milli()));
        used.extend(used_of.filter(|(_, _, used)| *used != 0));
    }
    prop_assert_eq!(&used[0], &used[1]);
    Ok(())
}
