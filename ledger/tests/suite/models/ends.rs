//! What holds when all operations are done: the past stands, statements meet, and entries alone say the same.

use super::Checked;
use super::follow::budgets_at;
use crate::support::*;
use ledger::{
    BalanceQuery, Budget, Entry, KnownAt, OpenMode, SqliteBook, UsageField, UsageFilter, UsageQuery, UsageSpan,
    UsageSum,
};
use model::{Amount, Balance, Timestamp, Window};
use proptest::prelude::*;

/// What people see: budgets, usage by months, and what a statement between two instants begins with, moves and ends with.
#[derive(Debug, PartialEq)]
pub(super) struct Sight {
    budgets: Vec<Budget>,
    usage: Vec<UsageSum>,
    statement: [Amount; 3],
}

pub(super) async fn sight(desk: &Desk, known_at: Option<KnownAt>, borders: &[i64], now: i64) -> Sight {
    let budgets = budgets_at(desk, BalanceQuery { known_at, ..BalanceQuery::default() }, now).await;
    let span = UsageSpan::Days { from: "2026-07-01".parse().expect("a day"), to: "2027-07-01".parse().expect("a day") };
    let (filter, by) = (UsageFilter::default(), vec![UsageField::Month, UsageField::Project]);
    let usage = desk.book.usage(&UsageQuery { span, known_at, filter, by }).await.expect("usage");
    let window = Window { from: at(borders[0]), to: at(borders[1]) };
    let statement = desk.book.statement(&atlas(), &gh200(), window, known_at).await.expect("a statement");
    let moved = Amount::sum(statement.lines.iter().map(|line| line.amount)).expect("fits");
    Sight { budgets, usage, statement: [statement.opening, moved, statement.closing] }
}

/// Whatever was shown once is shown again, by the time and by the last entry.
pub(super) async fn is_shown_again(
    desk: &Desk,
    shown: Vec<(i64, Vec<Entry>, Sight)>,
    borders: &[i64],
    now: i64,
) -> Checked {
    let newest = desk.entries().await.last().map_or(0, |entry| entry.number);
    for (then, new, expected) in shown {
        let by_time = sight(desk, Some(KnownAt::Instant(at(then))), borders, now).await;
        prop_assert_eq!(&by_time, &expected, "as known at {}", then);
        // What was decided since counts as known by the newest entry.
        if let Some(last) = new.last().filter(|entry| entry.recorded_at == at(then) && entry.number < newest) {
            let by_entry = sight(desk, Some(KnownAt::Entry(last.number)), borders, then).await;
            prop_assert_eq!(by_entry, expected, "as known by entry {}", last.number);
        }
    }
    Ok(())
}

/// Each statement begins with what the one before it came to, and the last one ends with the balance.
pub(super) async fn statements_meet(desk: &Desk, mut borders: Vec<i64>, now: i64) -> Checked {
    borders.push(now + 3600);
    for Balance { project, unit, granted, later, forgiven, used, .. } in
        budgets_at(desk, BalanceQuery::default(), now).await.into_iter().map(|budget| budget.balance)
    {
        let (mut from, mut came_to) = (0, 0);
        for to in borders.iter().copied().filter(|border| *border <= now + 3600) {
            let window = Window { from: at(from), to: at(to) };
            let statement = desk.book.statement(&project, &unit, window, None).await.expect("a statement");
            prop_assert_eq!((statement.opening.milli(), statement.adds_up()), (came_to, Ok(true)), "{:?}", window);
            (from, came_to) = (to, statement.closing.milli());
        }
        let given = Amount::sum([granted, later, forgiven]).expect("fits");
        prop_assert_eq!(came_to, given.milli() - used.milli(), "{} in {}", project, unit);
    }
    Ok(())
}

/// The sums that are kept say of an earlier time what all entries say of it one by one, which is how the books of an earlier state are
/// told: just before and when anything began, ended or was entered.
pub(super) async fn sums_say_what_entries_say(desk: &Desk, mut instants: Vec<i64>, now: i64) -> Checked {
    let entries = desk.entries().await;
    let last = entries.last().map_or(0, |entry| entry.number);
    for entry in &entries {
        let began = entry.ran.as_ref().map(|ran| ran.started_at);
        let all = [Some(entry.effective_at), Some(entry.recorded_at), began].into_iter().flatten();
        instants.extend(all.map(Timestamp::epoch_seconds).flat_map(|instant| [instant - 1, instant]));
    }
    instants.sort_unstable();
    instants.dedup();
    for instant in instants {
        let by_sums = BalanceQuery { as_of: Some(at(instant)), ..BalanceQuery::default() };
        let by_entries = BalanceQuery { known_at: Some(KnownAt::Entry(last)), ..by_sums.clone() };
        let (by_sums, by_entries) = (budgets_at(desk, by_sums, now).await, budgets_at(desk, by_entries, now).await);
        prop_assert_eq!(by_sums, by_entries, "as of {}", instant);
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
