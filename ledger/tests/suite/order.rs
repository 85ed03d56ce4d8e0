//! Random operations against a small reference, some of them interrupted by a death, and the same runs in any order: the balances are the same.

use crate::models::try_all;
use crate::reference::{JOBS, Operation, Reference, has_two_ends};
use crate::support::*;
use ledger::Command;
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::ops::Range;

/// Half of what is charged or given back is before a border in the middle of every run.
fn even(amounts: Range<i64>) -> impl Strategy<Value = i64> {
    (amounts.start / 2..amounts.end / 2).prop_map(|half| 2 * half)
}

/// Prices have three digits, so that they sort as text as they do as numbers.
fn a_run() -> impl Strategy<Value = Operation> {
    (0..8_u64, even(100..998), 0..3_i64).prop_map(|(run, price, read)| Operation::Settle { run, price, read })
}

fn any_operation() -> impl Strategy<Value = Operation> {
    prop_oneof![
        1 => (0..3_u32, 1..2000_i64).prop_map(|(key, amount)| Operation::Grant(key, amount)),
        1 => (0..3_u32, 1..2000_i64).prop_map(|(key, amount)| Operation::Withdraw(key, amount)),
        1 => (0..3000_i64).prop_map(Operation::Open),
        1 => Just(Operation::Expire),
        1 => Just(Operation::Bind),
        2 => prop::bool::weighted(0.8).prop_map(Operation::Enforce),
        2 => (0..200_u32).prop_map(Operation::Soft),
        3 => (0..JOBS, even(0..1500)).prop_map(|(number, ceiling)| Operation::Hold(number, ceiling)),
        2 => (0..JOBS, even(0..1500)).prop_map(|(number, ceiling)| Operation::Amend(number, ceiling)),
        5 => a_run(),
        2 => (0..JOBS).prop_map(Operation::Close),
        1 => Just(Operation::Unbind),
        1 => Just(Operation::Reattribute),
        1 => (0..2_u32, 1..500_i64).prop_map(|(key, amount)| Operation::Delegate(key, amount)),
        2 => (0..8_u64, even(100..998))
            .prop_filter("of one end", |(run, _)| !has_two_ends(*run))
            .prop_map(|(run, price)| Operation::Reprice(run, price)),
        2 => (0..8_u64, proptest::option::of(even(2..700))).prop_map(|(run, amount)| Operation::Refund(run, amount)),
        1 => (0..3_u32, -300..300_i64)
            .prop_filter("by something", |(_, amount)| *amount != 0)
            .prop_map(|(key, amount)| Operation::Adjust(key, amount)),
    ]
}

fn runs_and_closes() -> impl Strategy<Value = Vec<Operation>> {
    let one = prop_oneof![6 => a_run(), 1 => (0..JOBS).prop_map(Operation::Close)];
    proptest::collection::vec(one, 1..20)
}

/// Runs go over the end of a grant that is over, which is a midnight or is none.
fn references() -> impl Strategy<Value = Reference> {
    let border = prop_oneof![Just(None), Just(Some(NOW - NOW.rem_euclid(86_400))), Just(Some(NOW - 10))];
    border.prop_map(Reference::with_border)
}

/// Which of two readings of the same instant counts is the ledger's own affair.
fn apart(operation: Operation) -> Operation {
    match operation {
        Operation::Settle { run, price, read } => Operation::Settle { run, price, read: 1_000 * read + price - 10_000 },
        other => other,
    }
}

pub(crate) fn try_it(cases: u32) {
    try_all(references(), any_operation().prop_map(apart), cases);
}

#[test]
fn any_operations_give_what_the_reference_gives() {
    try_it(cases(48));
}

/// Posts the operations in posts of these sizes.
async fn numbers_after(operations: &[Operation], sizes: &[usize]) -> ([i64; 6], Vec<(String, i64)>) {
    let desk = Desk::in_memory();
    let start = [
        Operation::Grant(0, 9000),
        Operation::Bind,
        Operation::Hold(0, 700),
        Operation::Hold(1, 700),
        Operation::Hold(2, 0),
    ];
    let nothing = Reference::default();
    desk.post(&start.map(|operation| operation.command(&nothing))).await;
    let (mut rest, mut sizes) = (operations, sizes.iter().cycle());
    while !rest.is_empty() {
        let (chunk, later) = rest.split_at((*sizes.next().expect("a cycle")).min(rest.len()));
        desk.post(&chunk.iter().map(|operation| operation.command(&nothing)).collect::<Vec<_>>()).await;
        rest = later;
    }
    desk.verify().await;
    let mut runs = BTreeMap::<String, i64>::new();
    for entry in desk.entries().await {
        if let Some(run) = &entry.links.run {
            let is_charge = matches!(entry.credit, ledger::Account::Used(..));
            *runs.entry(run.to_string()).or_default() +=
                if is_charge { entry.amount.milli() } else { -entry.amount.milli() };
        }
    }
    (desk.numbers().await, runs.into_iter().collect())
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().build().expect("a runtime")
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(48), ..ProptestConfig::default() })]

    #[test]
    fn the_order_and_the_chunks_of_runs_do_not_matter(
        (operations, shuffled) in runs_and_closes().prop_flat_map(|all| (Just(all.clone()), Just(all).prop_shuffle())),
        sizes in proptest::collection::vec(1..6_usize, 1..4),
        repeated in 0..20_usize,
    ) {
        let mut again = shuffled.clone();
        again.extend(shuffled.iter().take(repeated).cloned());
        let (one, other) = runtime().block_on(async {
            (numbers_after(&operations, &[1]).await, numbers_after(&again, &sizes).await)
        });
        prop_assert_eq!(one, other);
    }

    #[test]
    fn the_order_in_which_people_with_different_tariffs_settle_does_not_matter(
        (readings, shuffled) in some_tariffs().prop_flat_map(|all| (Just(all.clone()), Just(all).prop_shuffle())),
    ) {
        let used = |readings: Vec<(usize, i64)>| async move {
            let desk = Desk::in_memory();
            desk.post(&[grant("0", 1000), Command::Bind(binding())]).await;
            for (tariff, read) in readings {
                desk.post(&[settle(by_tariff(tariff, read))]).await;
            }
            desk.verify().await;
            desk.numbers().await
        };
        let (one, other) = runtime().block_on(async { (used(readings.clone()).await, used(shuffled).await) });
        prop_assert_eq!(one, other);
        let latest = readings.iter().map(|(tariff, _)| *tariff).max().expect("some");
        prop_assert_eq!(one[1], TARIFFS[latest].1);
    }
}

/// Tariffs by the dates of their sources, in order, and what each charges.
const TARIFFS: [(&str, i64); 4] = [("2025@ff", 50), ("2025-06@00", 70), ("2026-01@aa", 60), ("2026-01@ab", 90)];

/// Readings of one run: by which tariff, and when.
fn some_tariffs() -> impl Strategy<Value = Vec<(usize, i64)>> {
    proptest::collection::vec((0..TARIFFS.len(), 1..100_i64), 1..8)
}

fn by_tariff(tariff: usize, read: i64) -> ledger::SettledRun {
    let (as_of, gpu_milli) = TARIFFS[tariff];
    let tariff = model::TariffId(format!("jupiter/booster/{as_of}"));
    let price = ledger::RunPrice::Known(model::Price { tariff, ..price(gpu_milli) });
    ledger::SettledRun { price, ..read_at(foreign(1, gpu_milli), read) }
}

on_postgres_too! {
    the_order_in_which_people_with_different_tariffs_settle_does_not_matter,
    any_operations_give_what_the_reference_gives, the_order_and_the_chunks_of_runs_do_not_matter,
}
