//! Several people read the same run: some later, some with an older profile, some who may not see its comment or know the
//! person by number alone. The books say in the end what all of them together know, whichever came first.

use crate::support::*;
use ledger::{Command, Outcome, RunPrice, SettleOutcome, SettledRun};
use model::{Price, TariffId};
use proptest::prelude::*;

/// Tariffs by the dates of their sources, in order, and what each charges for a fact.
const TARIFFS: [(&str, i64); 3] = [("2025-01@ff", 100), ("2025-06@00", 300), ("2026-01@aa", 200)];

/// One reading of the one run.
#[derive(Clone, Debug)]
struct Reading {
    /// When; every tenth second the site changed its mind about the run.
    at: i64,
    /// By which tariff; by none where the reader's profile has none.
    tariff: Option<usize>,
    tells_stamp: bool,
    tells_name: bool,
}

impl Reading {
    fn facts(&self) -> i64 {
        self.at / 10
    }

    fn amount(&self) -> Option<i64> {
        self.tariff.map(|tariff| TARIFFS[tariff].1 + self.facts())
    }

    fn settled(&self) -> SettledRun {
        let mut settled = ended(foreign(1, 1), NOW + 110 + self.facts());
        settled.run.observed_at = at(NOW + 200 + self.at);
        settled.price = match (self.tariff, self.amount()) {
            (Some(tariff), Some(amount)) => {
                let tariff = TariffId(format!("jupiter/booster/{}", TARIFFS[tariff].0));
                RunPrice::Known(Price { tariff, ..price(amount) })
            }
            _ => RunPrice::Unknown("no tariff".to_owned()),
        };
        settled.run.stamp = self.tells_stamp.then(|| stamp(1));
        if !self.tells_name {
            settled.run.user = name("1000");
        }
        settled
    }
}

fn a_reading() -> impl Strategy<Value = Reading> {
    let tariff = prop_oneof![1 => Just(None), 4 => (0..TARIFFS.len()).prop_map(Some)];
    (0..30_i64, tariff, any::<bool>(), any::<bool>()).prop_map(|(at, tariff, tells_stamp, tells_name)| Reading {
        at,
        tariff,
        tells_stamp,
        tells_name,
    })
}

/// What the books say in the end: used, held, and whose run it was where somebody pays for it.
type Said = (i64, i64, Option<String>);

async fn said(readings: &[Reading]) -> Said {
    let desk = Desk::in_memory();
    desk.post(&[grant("0", 100_000), hold(1, 10_000)]).await;
    for reading in readings {
        let outcome = desk.post(&[settle(reading.settled())]).await.remove(0);
        assert!(!matches!(outcome, Outcome::Settled(SettleOutcome::Rejected { .. })), "{reading:?}: {outcome:?}");
    }
    desk.verify().await;
    let balance = desk.balance().await;
    let charges = desk.entries().await.into_iter().filter(|entry| matches!(entry.credit, ledger::Account::Used(..)));
    let person = charges.last().and_then(|entry| entry.ran_by).map(|user| user.to_string());
    let used = balance.used.milli();
    (used, balance.committed.milli(), person.filter(|_| used > 0))
}

/// The same, thought out: all that anybody told, the latest facts, and of their prices that of the latest tariff.
fn expected(readings: &[Reading]) -> Said {
    let facts = readings.iter().map(Reading::facts).max().unwrap_or_default();
    let priced = readings.iter().filter(|reading| reading.facts() == facts && reading.tariff.is_some());
    let amount = priced.max_by_key(|reading| reading.tariff).and_then(Reading::amount);
    // A stamp is believed once it is known whose run it is.
    let (tell_stamp, tell_name) = (|reading: &Reading| reading.tells_stamp, |reading: &Reading| reading.tells_name);
    let is_ours = readings.iter().any(tell_stamp) && readings.iter().any(tell_name);
    let used = amount.filter(|_| is_ours).unwrap_or_default();
    (used, 10_000 - used, Some("ada".to_owned()).filter(|_| used > 0))
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().build().expect("a runtime")
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(96), ..ProptestConfig::default() })]

    #[test]
    fn what_all_readers_know_together_is_what_the_books_say(readings in proptest::collection::vec(a_reading(), 1..7)) {
        prop_assert_eq!(runtime().block_on(said(&readings)), expected(&readings));
    }
}

fn reading(at: i64, tariff: usize) -> Reading {
    Reading { at, tariff: Some(tariff), tells_stamp: true, tells_name: true }
}

#[tokio::test]
async fn a_reading_by_an_older_tariff_still_says_when_the_facts_were_seen() {
    // The facts of second 25 are known since then, though their price was not taken over: what was seen at second 12 is past.
    let readings = [reading(20, 2), reading(25, 0), reading(12, 2)];
    for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        assert_eq!(said(&order.map(|place: usize| readings[place].clone())).await.0, 202, "{order:?}");
    }
}

/// Whoever prices it one day prices what stands in the books: an array's row may be edited, or was read while it was written.
#[tokio::test]
async fn of_a_run_without_a_price_the_later_row_is_priced() {
    let row = |at, gpus: u64| {
        let mut settled = Reading { tariff: None, ..reading(at, 0) }.settled();
        settled.run.allocated = model::Tres::read(&format!("cpu=8,gres/gpu={gpus},node=1")).expect("a list");
        settled
    };
    for (order, gpus) in [
        (vec![(1, 1), (2, 4)], 4),
        (vec![(2, 4), (1, 1)], 4),
        (vec![(1, 1), (2, 4), (3, 1)], 1),
        (vec![(1, 1), (3, 1), (2, 4)], 1),
        (vec![(3, 1), (2, 4), (1, 1)], 1),
        (vec![(1, 1), (1, 4)], 4),
        (vec![(1, 4), (1, 1)], 4),
    ] {
        let desk = Desk::new();
        desk.post(&[grant("0", 100_000), hold(1, 10_000)]).await;
        for (at, gpus) in &order {
            desk.settle(row(*at, *gpus)).await;
        }
        let listed = desk.book.unpriced(&name("jupiter"), None, 10).await.expect("read").remove(0);
        assert_eq!(listed.run.allocated.gpus(), model::GpuCount::Tracked(gpus), "{order:?}");
        desk.verify().await;
    }
}

/// By what is said, not by who said it first.
#[tokio::test]
async fn of_two_readings_of_one_instant_the_same_one_counts_whichever_came_first() {
    let later_end = |end: i64, amount: i64| {
        let settled = ended(foreign(1, amount), NOW + 110 + end);
        SettledRun { price: RunPrice::Known(price(amount)), ..settled }
    };
    let of_price = |amount: i64| SettledRun { price: RunPrice::Known(price(amount)), ..foreign(1, 1) };
    let ends: Vec<_> = (0..4).map(|end| later_end(end, 100 + end)).collect();
    let prices: Vec<_> = (0..4).map(|more| of_price(100 + more)).collect();
    for (what, readings) in [("ends", ends), ("prices", prices)] {
        let mut told = std::collections::BTreeSet::new();
        for first in 0..readings.len() {
            let desk = Desk::new();
            desk.post(&[grant("0", 100_000), Command::Bind(binding())]).await;
            let order: Vec<_> = (0..readings.len()).map(|place| (first + place) % readings.len()).collect();
            for place in &order {
                desk.settle(read_at(readings[*place].clone(), 300)).await;
            }
            desk.verify().await;
            told.insert(desk.balance().await.used.milli());
        }
        assert_eq!(told.len(), 1, "{what}: {told:?}");
    }
}

#[tokio::test]
async fn whoever_cannot_see_the_comment_moves_no_run_off_its_hold() {
    let desk = Desk::new();
    let elsewhere = ledger::Binding { project: name("borealis"), ..binding() };
    let borealis = ledger::NewGrant { project: name("borealis"), ..new_grant("1", 100_000) };
    desk.post(&[grant("0", 100_000), Command::Grant(borealis), Command::Bind(elsewhere), hold(1, 10_000)]).await;
    desk.post(&[settle(reading(1, 0).settled())]).await;
    let before = desk.entries().await.len();
    for at in [2, 3, 4] {
        let silent = Reading { tells_stamp: false, tells_name: false, ..reading(at, 0) };
        let outcomes = desk.post(&[settle(silent.settled()), settle(reading(at, 0).settled())]).await;
        assert!(outcomes.iter().all(|outcome| *outcome == Outcome::Settled(SettleOutcome::Same)), "{outcomes:?}");
    }
    assert_eq!(desk.entries().await.len(), before, "nothing was corrected");
    assert_eq!(desk.balance().await.used.milli(), 100);
}

#[tokio::test]
async fn a_later_tariff_that_charges_the_same_is_noted_and_no_correction() {
    let desk = Desk::new();
    desk.post(&[grant("0", 1000), hold(1, 900)]).await;
    let by = |tariff: &str, amount| {
        let tariff = TariffId(format!("jupiter/booster/{tariff}"));
        let known = RunPrice::Known(Price { tariff, ..price(amount) });
        settle(SettledRun { price: known, ..read_at(ours(1, amount, 1), 300) })
    };
    desk.post(&[by("2025-01@00", 50)]).await;
    let before = desk.entries().await.len();
    assert_eq!(desk.post(&[by("2026-01@00", 50)]).await, [Outcome::Settled(SettleOutcome::Same)]);
    assert_eq!(desk.entries().await.len(), before);
    // It counts from now on: what an older one charges is past.
    assert_eq!(desk.post(&[by("2025-06@00", 70)]).await, [Outcome::Settled(SettleOutcome::Stale)]);
    assert_eq!(desk.balance().await.used.milli(), 50);
}

on_postgres_too! {
    what_all_readers_know_together_is_what_the_books_say,
    a_reading_by_an_older_tariff_still_says_when_the_facts_were_seen,
    of_two_readings_of_one_instant_the_same_one_counts_whichever_came_first,
    whoever_cannot_see_the_comment_moves_no_run_off_its_hold,
    a_later_tariff_that_charges_the_same_is_noted_and_no_correction,
}
