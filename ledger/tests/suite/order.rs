//! Random operations against a small reference, and the same runs in any order: the balances are the same.

use crate::support::*;
use ledger::{AmendHold, Command, NewGrant, Withdraw};
use model::Window;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

/// What a command does, in small numbers. Runs 0 to 2 have no stamp, the others that of a job.
#[derive(Clone, Debug)]
enum Operation {
    Grant(u32, i64),
    Withdraw(u32, i64),
    Expire,
    Bind,
    Enforce(bool),
    Hold(u32, i64),
    Amend(u32, i64),
    Settle { run: u64, price: i64, read: i64 },
    Close(u32),
}

const JOBS: u32 = 3;

fn job_of(run: u64) -> Option<u32> {
    (run > 2).then(|| u32::try_from(run % u64::from(JOBS)).expect("small"))
}

impl Operation {
    fn command(&self) -> Command {
        match *self {
            Self::Grant(key, amount) => grant(&key.to_string(), amount),
            Self::Withdraw(key, amount) => Command::Withdraw(Withdraw {
                key: format!("{key}/{amount}"),
                grant: key.to_string(),
                project: atlas(),
                amount: Some(milli(amount)),
                reason: "mistyped".to_owned(),
            }),
            Self::Expire => Command::Expire(None),
            Self::Bind => Command::Bind(binding()),
            Self::Enforce(is_enforced) => enforce(is_enforced),
            Self::Hold(number, ceiling) => hold(number, ceiling),
            Self::Amend(number, ceiling) => Command::Amend(AmendHold { id: hold_id(number), ceiling: milli(ceiling) }),
            Self::Settle { run, price, read } => {
                let settled = job_of(run).map_or_else(|| foreign(run, price), |job| ours(run, price, job));
                settle(read_at(settled, read))
            }
            Self::Close(number) => close(number),
        }
    }
}

#[derive(Clone, Default)]
struct ReferenceHold {
    first_ceiling: i64,
    ceiling: i64,
    is_closed: bool,
}

/// The rules once more, without entries: balances are worked out anew from the latest readings each time.
#[derive(Clone, Default)]
struct Reference {
    grants: BTreeMap<u32, i64>,
    /// By grant and amount: the same withdrawal counts once.
    withdrawn: BTreeSet<(u32, i64)>,
    is_bound: bool,
    is_enforced: bool,
    holds: BTreeMap<u32, ReferenceHold>,
    /// When a run was read last, and what it cost then.
    readings: BTreeMap<u64, (i64, i64)>,
}

impl Reference {
    fn charged(&self, number: u32) -> i64 {
        let runs = self.readings.iter().filter(|(run, _)| job_of(**run) == Some(number));
        runs.map(|(_, (_, price))| price).sum()
    }

    fn remainder(&self, number: u32, hold: &ReferenceHold) -> i64 {
        if hold.is_closed { 0 } else { (hold.ceiling - self.charged(number)).max(0) }
    }

    /// As `Desk::numbers` gives them.
    fn numbers(&self) -> [i64; 6] {
        let is_paid = |run: u64| self.is_bound || job_of(run).is_some_and(|job| self.holds.contains_key(&job));
        let paid = self.readings.iter().filter(|(run, _)| is_paid(**run));
        let (given, used): (i64, i64) = (self.grants.values().sum(), paid.map(|(_, (_, price))| price).sum());
        let granted = given - self.withdrawn.iter().map(|(_, amount)| amount).sum::<i64>();
        let committed: i64 = self.holds.iter().map(|(number, hold)| self.remainder(*number, hold)).sum();
        [granted, used, 0, committed, 0, granted - used - committed]
    }

    fn authorise(&self, wanted: i64) -> Result<(), &'static str> {
        let is_refused = self.is_enforced && wanted > 0 && self.numbers()[5] < wanted;
        if is_refused { Err("refused") } else { Ok(()) }
    }

    fn apply(&mut self, operation: &Operation) -> Result<(), &'static str> {
        match *operation {
            Operation::Grant(key, amount) => match self.grants.insert(key, amount) {
                Some(before) if before != amount => return Err("conflict"),
                _ => {}
            },
            Operation::Withdraw(key, amount) if !self.withdrawn.contains(&(key, amount)) => {
                let before: i64 = self.withdrawn.iter().filter(|(of, _)| *of == key).map(|(_, amount)| amount).sum();
                let stands = self.grants.get(&key).ok_or("invalid")? - before;
                if amount > stands {
                    return Err("conflict");
                }
                self.withdrawn.insert((key, amount));
            }
            // Whatever is over is not granted any more, posted or not.
            Operation::Withdraw(..) | Operation::Expire => {}
            Operation::Bind => self.is_bound = true,
            Operation::Enforce(is_enforced) => self.is_enforced = is_enforced,
            Operation::Hold(number, ceiling) => match self.holds.get(&number) {
                Some(hold) if hold.first_ceiling == ceiling => {}
                Some(_) => return Err("conflict"),
                None => {
                    self.authorise(ceiling)?;
                    let hold = ReferenceHold { first_ceiling: ceiling, ceiling, is_closed: false };
                    self.holds.insert(number, hold);
                }
            },
            Operation::Amend(number, ceiling) => {
                let hold = self.holds.get(&number).ok_or("unknown")?.clone();
                let amended = ReferenceHold { ceiling, ..hold.clone() };
                if hold.is_closed && hold.ceiling != ceiling {
                    return Err("conflict");
                }
                self.authorise(self.remainder(number, &amended) - self.remainder(number, &hold))?;
                self.holds.insert(number, amended);
            }
            Operation::Settle { run, price, read } => {
                let latest = self.readings.entry(run).or_insert((read, price));
                *latest = (*latest).max((read, price));
            }
            Operation::Close(number) => self.holds.get_mut(&number).ok_or("unknown")?.is_closed = true,
        }
        Ok(())
    }
}

/// Prices have three digits, so that they sort as text as they do as numbers.
fn a_run() -> impl Strategy<Value = Operation> {
    (0..8_u64, 100..999_i64, 0..3_i64).prop_map(|(run, price, read)| Operation::Settle { run, price, read })
}

fn any_operation() -> impl Strategy<Value = Operation> {
    prop_oneof![
        1 => (0..3_u32, 1..2000_i64).prop_map(|(key, amount)| Operation::Grant(key, amount)),
        1 => (0..3_u32, 1..2000_i64).prop_map(|(key, amount)| Operation::Withdraw(key, amount)),
        1 => Just(Operation::Expire),
        1 => Just(Operation::Bind),
        1 => any::<bool>().prop_map(Operation::Enforce),
        3 => (0..JOBS, 0..1500_i64).prop_map(|(number, ceiling)| Operation::Hold(number, ceiling)),
        2 => (0..JOBS, 0..1500_i64).prop_map(|(number, ceiling)| Operation::Amend(number, ceiling)),
        5 => a_run(),
        2 => (0..JOBS).prop_map(Operation::Close),
    ]
}

fn runs_and_closes() -> impl Strategy<Value = Vec<Operation>> {
    let one = prop_oneof![6 => a_run(), 1 => (0..JOBS).prop_map(Operation::Close)];
    proptest::collection::vec(one, 1..20)
}

fn kind_of(word: &str) -> &'static str {
    match word {
        "conflict" => "Conflict",
        "invalid" => "Invalid",
        "unknown" => "UnknownHold",
        _ => "Refused",
    }
}

async fn follow(operations: Vec<Operation>) -> Result<(), TestCaseError> {
    let (desk, mut reference) = (Desk::in_memory(), Reference::default());
    // One that is over does not count.
    let over = Window { from: at(NOW - 1000), to: at(NOW - 10) };
    desk.post(&[grant("base", 1), Command::Grant(NewGrant { window: over, ..new_grant("over", 500) })]).await;
    reference.grants.insert(u32::MAX, 1);
    // Which of two readings of the same instant counts is the ledger's own affair.
    let apart = |operation: Operation| match operation {
        Operation::Settle { run, price, read } => Operation::Settle { run, price, read: 1_000 * read + price - 10_000 },
        other => other,
    };
    let operations: Vec<Operation> = operations.into_iter().map(apart).collect();
    for operation in &operations {
        let mut next = reference.clone();
        let (expected, given) = (next.apply(operation), desk.try_post(&[operation.command()]).await);
        match (expected, given) {
            (Ok(()), Ok(_)) => reference = next,
            (Err(word), Err(error)) => {
                let kind = format!("{:?}", error.kind);
                prop_assert!(kind.starts_with(kind_of(word)), "{:?}: {} for {}", operation, kind, word);
            }
            (expected, given) => prop_assert!(false, "{:?}: {:?} but {:?}", operation, expected, given),
        }
        prop_assert_eq!(desk.numbers().await, reference.numbers(), "after {:?}", operation);
    }
    desk.post(&[Command::Expire(None)]).await;
    let [granted, used, ..] = reference.numbers();
    let whole = Window { from: at(0), to: at(NOW + 1_000_000) };
    let statement = desk.book.statement(&atlas(), &gh200(), whole, None).await.expect("a statement");
    prop_assert_eq!(statement.closing.milli(), granted - used, "the entries alone say the same");
    desk.verify().await;
    Ok(())
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
    desk.post(&start.map(|operation| operation.command())).await;
    let (mut rest, mut sizes) = (operations, sizes.iter().cycle());
    while !rest.is_empty() {
        let (chunk, later) = rest.split_at((*sizes.next().expect("a cycle")).min(rest.len()));
        desk.post(&chunk.iter().map(Operation::command).collect::<Vec<_>>()).await;
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
    fn any_operations_give_what_the_reference_gives(operations in proptest::collection::vec(any_operation(), 1..25)) {
        runtime().block_on(follow(operations))?;
    }

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
