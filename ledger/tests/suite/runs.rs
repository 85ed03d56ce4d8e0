//! Runs: drawn from holds, bound, unattributed, corrected; a reading that is late, repeated or renamed changes nothing.

use crate::support::*;
use ledger::{Command, NewHold, Outcome, Paid, RunPrice, SettleOutcome, SettledRun, UnattributedReason};
use model::{Price, WallTime};

fn with_price(price: Price, run: SettledRun) -> SettledRun {
    SettledRun { price: RunPrice::Known(price), ..run }
}

fn unpriced(run: SettledRun) -> SettledRun {
    SettledRun { price: RunPrice::Unknown("no tariff for its partition".to_owned()), ..run }
}

fn paid(unit: &str, amount: i64) -> Paid {
    Paid { project: atlas(), unit: name(unit), amount: milli(amount) }
}

fn charged(drawn: i64, overrun: i64) -> SettleOutcome {
    SettleOutcome::New { drawn: milli(drawn), overrun: milli(overrun), project: atlas(), unit: gh200() }
}

#[tokio::test]
async fn runs_draw_from_their_hold_and_then_overrun() {
    let desk = Desk::new();
    desk.post(&[grant("g1", 1000), hold(1, 100)]).await;
    assert_eq!(desk.settle(ours(1, 60, 1)).await, charged(60, 0));
    assert_eq!(desk.numbers().await, [1000, 60, 0, 40, 0, 900]);
    assert_eq!(desk.settle(ours(2, 60, 1)).await, charged(40, 20));
    assert_eq!(desk.numbers().await, [1000, 120, 0, 0, 0, 880]);
    desk.post(&[close(1)]).await;
    assert_eq!(desk.settle(ours(3, 7, 1)).await, charged(0, 7), "after the close all is overrun");
    assert_eq!(desk.settle(ours(4, 0, 1)).await, charged(0, 0));
    let shown = ["grant 1000", "hold 100", "settle 60", "settle 40", "overrun 20", "release 0", "overrun 7"];
    assert_eq!(desk.shown_entries().await, shown);
    let held = desk.book.hold(hold_id(1)).await.expect("read").expect("there");
    assert_eq!((held.charged, held.remainder()), (milli(127), Ok(milli(0))));
    desk.verify().await;
}

#[tokio::test]
async fn a_settlement_is_never_refused() {
    let desk = Desk::new();
    desk.post(&[grant("g1", 10), enforce(true), Command::Bind(binding())]).await;
    assert_eq!(desk.settle(foreign(1, 5000)).await, charged(5000, 0));
    assert_eq!(desk.numbers().await, [10, 5000, 0, 0, 0, -4990]);
}

#[tokio::test]
async fn each_start_of_a_requeued_job_counts() {
    let desk = Desk::new();
    desk.post(&[grant("g1", 1000), hold(1, 100)]).await;
    let mut again = ours(1, 30, 1);
    again.run.key.submitted_at = at(NOW + 500);
    assert_eq!(desk.settle(ours(1, 60, 1)).await, charged(60, 0));
    assert_eq!(desk.settle(again).await, charged(30, 0));
    assert_eq!(desk.numbers().await, [1000, 90, 0, 10, 0, 900]);
}

#[tokio::test]
async fn what_nothing_binds_is_listed_until_a_binding_covers_it() {
    let desk = Desk::new();
    desk.post(&[grant("g1", 1000)]).await;
    assert_eq!(desk.settle(foreign(1, 60)).await, SettleOutcome::Unattributed);
    assert_eq!(desk.settle(foreign(1, 60)).await, SettleOutcome::Same);
    let mut of_others = foreign(2, 8);
    of_others.run.account = Some(name("other"));
    assert_eq!(desk.settle(of_others.clone()).await, SettleOutcome::Unattributed);
    assert_eq!(desk.numbers().await, [1000, 0, 0, 0, 0, 1000]);
    assert_eq!(desk.book.unattributed().await.expect("read").len(), 2);
    desk.post(&[Command::Bind(binding())]).await;
    assert_eq!(desk.numbers().await, [1000, 60, 0, 0, 0, 940]);
    let left = desk.book.unattributed().await.expect("read");
    assert_eq!(
        left.iter().map(|run| (&run.run, &run.reason)).collect::<Vec<_>>(),
        [(&of_others.run, &UnattributedReason::NotBound)]
    );
    desk.verify().await;
}

#[tokio::test]
async fn what_has_no_price_in_its_unit_is_listed_and_never_zero() {
    let desk = Desk::new();
    let on_cores = NewHold { unit: name("jupiter:cpu"), ..new_hold(1, 100) };
    let mut of_gpus = binding();
    of_gpus.unit = name("jupiter:a100");
    desk.post(&[grant("g1", 1000), Command::Hold(on_cores), Command::Bind(of_gpus)]).await;
    for (run, unit) in [(ours(1, 60, 1), "jupiter:cpu"), (foreign(2, 60), "jupiter:a100")] {
        let outcome = desk.settle(run).await;
        let SettleOutcome::NotPriced { reason } = outcome else { panic!("{outcome:?}") };
        assert!(reason.contains(unit), "{reason}");
    }
    let left = desk.book.unattributed().await.expect("read");
    let reasons: Vec<_> = left.into_iter().map(|run| run.reason).collect();
    let not_priced = |unit: &str| UnattributedReason::NotPriced(name(unit));
    assert_eq!(reasons, [not_priced("jupiter:cpu"), not_priced("jupiter:a100")]);
    // A later reading that has the price charges it.
    let mut priced = read_at(foreign(2, 60), 300);
    let node = Some(model::Charge { unit: name("jupiter:a100"), amount: milli(9) });
    priced.price = RunPrice::Known(Price { node, ..price(60) });
    assert_eq!(desk.settle(priced).await, SettleOutcome::Priced(paid("jupiter:a100", 9)));
    desk.verify().await;
}

#[tokio::test]
async fn a_hold_that_comes_late_takes_the_runs_of_its_job() {
    let desk = Desk::new();
    desk.post(&[grant("g1", 1000), enforce(true)]).await;
    assert_eq!(desk.settle(ours(1, 60, 1)).await, SettleOutcome::Unattributed);
    desk.post(&[Command::Bind(binding())]).await;
    assert_eq!(desk.settle(ours(2, 20, 1)).await, charged(20, 0));
    desk.post(&[Command::Hold(NewHold { is_provisional: true, ..new_hold(1, 100) })]).await;
    let held = desk.book.hold(hold_id(1)).await.expect("read").expect("there");
    assert_eq!(held.charged, milli(80));
    assert_eq!(desk.numbers().await, [1000, 80, 0, 20, 0, 900]);
    desk.verify().await;
}

#[tokio::test]
async fn the_latest_reading_counts_whenever_it_comes() {
    // (price, read at) in order of arrival; what is used in the end; what the last one gave.
    for (readings, used, last) in [
        (vec![(60, 1), (60, 1)], 60, SettleOutcome::Same),
        (vec![(60, 1), (60, 9)], 60, SettleOutcome::Same),
        (vec![(60, 1), (50, 2)], 50, corrected(60, 50)),
        (vec![(50, 2), (60, 1)], 50, SettleOutcome::Stale),
        (vec![(60, 1), (50, 2), (60, 3)], 60, corrected(50, 60)),
        (vec![(60, 1), (60, 3), (50, 2)], 60, SettleOutcome::Stale),
        (vec![(60, 1), (130, 2)], 130, corrected(60, 130)),
        (vec![(60, 1), (0, 2)], 0, corrected(60, 0)),
    ] {
        let desk = Desk::in_memory();
        desk.post(&[grant("g1", 1000), hold(1, 100)]).await;
        let mut outcomes = Vec::new();
        for (price, read) in &readings {
            outcomes.push(desk.settle(read_at(ours(1, *price, 1), *read)).await);
        }
        assert_eq!(outcomes.pop(), Some(last), "{readings:?}");
        let committed = (100 - used).max(0);
        assert_eq!(desk.numbers().await, [1000, used, 0, committed, 0, 1000 - used - committed], "{readings:?}");
        desk.verify().await;
    }
}

#[tokio::test]
async fn a_correction_reverses_each_entry_and_charges_anew() {
    let desk = Desk::new();
    desk.post(&[grant("g1", 1000), hold(1, 100)]).await;
    desk.settle(ours(1, 130, 1)).await;
    desk.settle(read_at(ours(1, 90, 1), 300)).await;
    let entries = desk.entries().await;
    let reversed: Vec<_> = entries.iter().filter_map(|entry| entry.links.reverses).collect();
    let shown = ["grant 1000", "hold 100", "settle 100", "overrun 30", "correct 100", "correct 30", "correct 90"];
    assert_eq!((desk.shown_entries().await, reversed), (shown.map(str::to_owned).to_vec(), vec![3, 4]));
    assert_eq!((&entries[4].debit, &entries[4].credit), (&entries[2].credit, &entries[2].debit));
    // A change that moves no amount is told all the same: reports go by what entries say of a run.
    let mut failed = read_at(ours(1, 90, 1), 400);
    failed.run.state = model::JobState::of(model::BaseState::Failed);
    assert_eq!(desk.settle(failed).await, corrected(90, 90));
    let entries = desk.entries().await;
    let states: Vec<_> =
        entries.iter().filter_map(|entry| entry.ran.as_ref().map(|ran| ran.end_state.as_str())).collect();
    assert_eq!(states[5..], ["COMPLETED", "FAILED"], "one entry reversed, one posted");
    assert_eq!(desk.shown_entries().await[7..], ["correct 90", "correct 90"]);
    desk.verify().await;
}

#[tokio::test]
async fn a_changed_account_moves_the_charge() {
    let desk = Desk::new();
    let mut other = binding();
    (other.account, other.project) = (Some(name("other")), name("borealis"));
    desk.post(&[grant("g1", 1000), Command::Bind(binding()), Command::Bind(other)]).await;
    desk.settle(foreign(1, 60)).await;
    let mut moved = read_at(foreign(1, 60), 300);
    moved.run.account = Some(name("other"));
    let to_another = Paid { project: name("borealis"), ..paid("jupiter:gh200", 60) };
    let expected =
        SettleOutcome::Corrected { before: Some(paid("jupiter:gh200", 60)), after: Some(to_another.clone()) };
    assert_eq!(desk.settle(moved.clone()).await, expected);
    assert_eq!(desk.numbers().await, [1000, 0, 0, 0, 0, 1000]);
    let mut unbound = read_at(moved, 400);
    unbound.run.account = None;
    assert_eq!(desk.settle(unbound).await, SettleOutcome::Corrected { before: Some(to_another), after: None });
    assert_eq!(desk.book.unattributed().await.expect("read").len(), 1);
    desk.verify().await;
}

#[tokio::test]
async fn the_same_run_by_another_reader_is_the_same_run() {
    let desk = Desk::new();
    desk.post(&[grant("g1", 1000), Command::Bind(binding())]).await;
    let with_sluid = |mut settled: SettledRun, sluid: &str| {
        settled.run.sluid = Some(sluid.to_owned());
        settled
    };
    assert_eq!(desk.settle(foreign(1, 60)).await, charged(60, 0));
    let mut by_another = with_sluid(read_at(foreign(1, 60), 300), "s1");
    (by_another.run.raw, by_another.run.restarts) = ("another row".to_owned(), Some(0));
    assert_eq!(desk.settle(by_another).await, SettleOutcome::Same);
    let mut renamed = with_sluid(read_at(foreign(1, 60), 300), "s1");
    renamed.run.key.submitted_at = at(NOW + 3);
    assert_eq!(desk.settle(renamed.clone()).await, SettleOutcome::Same, "the SLUID says that it is the same");
    (renamed.price, renamed.run.observed_at) = (RunPrice::Known(price(70)), at(NOW + 400));
    assert_eq!(desk.settle(renamed).await, corrected(60, 70));
    assert_eq!(desk.settle(with_sluid(foreign(2, 5), "s2")).await, charged(5, 0));
    // Job 4 is in no book yet: as a reading of the first run its own hours would be lost.
    let unknown = with_sluid(read_at(foreign(4, 500), 500), "s1");
    for disagreeing in [with_sluid(foreign(1, 60), "s3"), with_sluid(foreign(1, 60), "s2"), unknown] {
        let outcome = desk.settle(disagreeing).await;
        assert!(matches!(outcome, SettleOutcome::Rejected { .. }), "{outcome:?}");
    }
    assert_eq!(desk.numbers().await, [1000, 75, 0, 0, 0, 925]);
    desk.verify().await;
}

/// AUDITOR's bulk request fails as a whole.
#[tokio::test]
async fn one_bad_row_never_drops_another() {
    let desk = Desk::new();
    desk.post(&[grant("g1", 1000), Command::Bind(binding())]).await;
    let mut endless = foreign(1, 60);
    endless.run.ended_at = None;
    let mut backwards = foreign(2, 60);
    backwards.run.ended_at = Some(at(NOW));
    let negative = with_price(Price { gpu: price(-1).gpu, ..price(1) }, foreign(3, 60));
    let mut endured = foreign(5, 60);
    endured.run.elapsed = WallTime::from_seconds(u64::from(u32::MAX));
    let rows = [endless, backwards, negative, endured, foreign(4, 60)];
    let outcomes = desk.post(&rows.map(settle)).await;
    let rejected =
        outcomes.iter().filter(|outcome| matches!(outcome, ledger::Outcome::Settled(SettleOutcome::Rejected { .. })));
    assert_eq!((rejected.count(), &outcomes[4]), (4, &ledger::Outcome::Settled(charged(60, 0))));
    assert_eq!(desk.numbers().await, [1000, 60, 0, 0, 0, 940]);
}

#[tokio::test]
async fn a_run_without_a_price_is_kept_and_charged_once_it_has_one() {
    let desk = Desk::new();
    desk.post(&[grant("g1", 1000), Command::Bind(binding())]).await;
    let not_priced = SettleOutcome::NotPriced { reason: "no tariff for its partition".to_owned() };
    assert_eq!(desk.settle(unpriced(foreign(1, 0))).await, not_priced);
    assert_eq!(desk.settle(unpriced(read_at(foreign(1, 0), 300))).await, SettleOutcome::Same);
    let mut of_others = foreign(2, 0);
    of_others.run.account = Some(name("other"));
    assert_eq!(desk.settle(unpriced(of_others)).await, SettleOutcome::Unattributed, "nobody would pay in any case");
    let site = name("jupiter");
    let listed = desk.book.unpriced(&site, None, 10).await.expect("read");
    let reasons: Vec<_> = listed.iter().map(|run| &run.reason).collect();
    assert_eq!(reasons, [&UnattributedReason::NotPriced(gh200()), &UnattributedReason::NotBound]);
    assert!(listed.iter().all(|run| run.price.known().is_none()));
    let behind = desk.book.unpriced(&site, Some(&listed[0].run.key), 10).await.expect("read");
    assert_eq!(behind, listed[1..]);
    assert_eq!(desk.book.unpriced(&site, None, 1).await.expect("read"), listed[..1]);
    assert_eq!(desk.book.unpriced(&name("horeka"), None, 10).await, Ok(vec![]));
    assert_eq!(desk.book.unattributed_count().await, Ok(2));

    // The price is found out from what stands in the books, with the date of that reading.
    let read_anew = with_price(price(60), SettledRun { run: listed[0].run.clone(), ..foreign(1, 60) });
    assert_eq!(desk.settle(read_anew).await, SettleOutcome::Priced(paid("jupiter:gh200", 60)));
    assert_eq!(desk.numbers().await, [1000, 60, 0, 0, 0, 940]);
    assert_eq!(desk.book.unattributed_count().await, Ok(1));
    desk.verify().await;
}

#[tokio::test]
async fn whoever_cannot_price_a_run_takes_no_charge_away() {
    // Two readings of the same facts, one with a price, in both orders and with both dates.
    for (first, second) in [(true, false), (false, true)] {
        for dates in [(100, 200), (200, 100), (200, 200)] {
            let desk = Desk::in_memory();
            desk.post(&[grant("g1", 1000), Command::Bind(binding())]).await;
            for (is_priced, read) in [(first, dates.0), (second, dates.1)] {
                let run = read_at(foreign(1, 60), read);
                desk.settle(if is_priced { run } else { unpriced(run) }).await;
            }
            assert_eq!(desk.numbers().await[1], 60, "{first} first, read at {dates:?}");
            desk.verify().await;
        }
    }
    // Other facts are another matter: what was charged for the old ones is wrong.
    let desk = Desk::in_memory();
    desk.post(&[grant("g1", 1000), Command::Bind(binding())]).await;
    desk.settle(foreign(1, 60)).await;
    let mut longer = unpriced(read_at(foreign(1, 60), 300));
    longer.run.ended_at = Some(at(NOW + 120));
    let nobody = SettleOutcome::Corrected { before: Some(paid("jupiter:gh200", 60)), after: None };
    assert_eq!(desk.settle(longer).await, nobody);
}

#[tokio::test]
async fn a_hold_stays_while_a_run_of_its_job_has_no_price() {
    let desk = Desk::new();
    desk.post(&[grant("g1", 1000), hold(1, 100)]).await;
    desk.settle(unpriced(ours(1, 0, 1))).await;
    let outcome = desk.post(&[close(1)]).await.remove(0);
    let Outcome::StaysOpen(stays) = &outcome else { panic!("{outcome:?}") };
    assert!(stays.is_open() && outcome.hold() == Some(stays));
    assert_eq!(desk.numbers().await, [1000, 0, 0, 100, 0, 900]);
    desk.settle(ours(1, 60, 1)).await;
    assert!(matches!(desk.post(&[close(1)]).await[0], Outcome::Closed(..)));
    assert_eq!(desk.numbers().await, [1000, 60, 0, 0, 0, 940]);
    desk.verify().await;
}

#[tokio::test]
async fn a_row_whose_amount_does_not_fit_costs_no_other_row() {
    let desk = Desk::new();
    desk.post(&[grant("g1", 1000), Command::Bind(binding())]).await;
    let huge = |number: u64| with_price(Price { site: None, ..price(i64::MAX / 100 - 10) }, foreign(number, 1));
    let mut rows: Vec<Command> = (1..=102).map(|number| settle(huge(number))).collect();
    rows.push(settle(foreign(200, 60)));
    let outcomes = desk.post(&rows).await;
    let rejected: Vec<usize> = (1..=outcomes.len())
        .filter(|number| matches!(outcomes[number - 1], Outcome::Settled(SettleOutcome::Rejected { .. })))
        .collect();
    assert_eq!(rejected, [101, 102], "the hundred before it fit");
    assert_eq!(desk.entries().await.len(), 103, "the grant, the binding, a hundred rows and the last one");
    assert_eq!(
        desk.settle(huge(300)).await,
        SettleOutcome::Rejected { reason: model::AmountError::Overflow.to_string() }
    );
    desk.verify().await;
}

#[tokio::test]
async fn a_binding_stands_though_the_amounts_it_would_charge_do_not_fit() {
    let desk = Desk::new();
    for number in 1..=102 {
        desk.settle(with_price(Price { site: None, ..price(i64::MAX / 100 - 10) }, foreign(number, 1))).await;
    }
    desk.settle(foreign(200, 60)).await;
    desk.post(&[Command::Bind(binding())]).await;
    assert_eq!(desk.book.unattributed_count().await, Ok(2), "what does not fit stays listed");
    desk.verify().await;
}

#[tokio::test]
async fn a_number_that_no_ledger_can_hold_costs_only_its_own_row() {
    let desk = Desk::new();
    desk.post(&[grant("g1", 1000), Command::Bind(binding())]).await;
    let mut endless = foreign(2, 7);
    endless.run.time_limit = Some(WallTime::from_seconds(u64::MAX - 1));
    let rows = [foreign(u64::MAX, 5), foreign(1, 60), endless, foreign(3, 8)];
    let outcomes = desk.post(&rows.map(settle)).await;
    let rejected: Vec<bool> =
        outcomes.iter().map(|outcome| matches!(outcome, Outcome::Settled(SettleOutcome::Rejected { .. }))).collect();
    assert_eq!(rejected, [true, false, true, false], "{outcomes:?}");
    assert_eq!(desk.numbers().await, [1000, 68, 0, 0, 0, 932]);
    desk.verify().await;
}

#[tokio::test]
async fn a_run_that_is_priced_anew_is_corrected_and_stays_the_run_that_was_read() {
    let desk = Desk::new();
    desk.post(&[grant("g1", 1000), Command::Bind(binding()), settle(foreign(1, 60)), settle(foreign(2, 8))]).await;
    let reprice = |number: u64, gpu_milli: i64| Command::Reprice(std::sync::Arc::new(foreign(number, gpu_milli)));
    let outcomes = desk.post(&[reprice(1, 90), reprice(2, 8), reprice(3, 5)]).await;
    assert_eq!(outcomes[0], Outcome::Settled(corrected(60, 90)));
    assert_eq!(outcomes[1], Outcome::Settled(SettleOutcome::Same));
    assert!(matches!(outcomes[2], Outcome::Settled(SettleOutcome::Rejected { .. })), "{outcomes:?}");
    assert_eq!(desk.numbers().await, [1000, 98, 0, 0, 0, 902]);
    let priced = desk.book.priced(&name("jupiter"), None, 10).await.expect("read");
    assert_eq!(
        priced.iter().map(|settled| settled.price.clone()).collect::<Vec<_>>(),
        [foreign(1, 90).price, foreign(2, 8).price]
    );
    // Whatever reads it by the new tariff says nothing new.
    assert_eq!(desk.settle(foreign(1, 90)).await, SettleOutcome::Same);
    assert_eq!(desk.post(&[reprice(1, 90)]).await, [Outcome::Settled(SettleOutcome::Same)]);
    desk.verify().await;
}

/// A reading of run 1 by a tariff whose source has this date, and which charges so much.
fn by_tariff(as_of: &str, gpu_milli: i64, read: i64) -> SettledRun {
    let tariff = model::TariffId(format!("jupiter/booster/{as_of}"));
    with_price(Price { tariff, ..price(gpu_milli) }, read_at(foreign(1, gpu_milli), read))
}

#[tokio::test]
async fn whoever_has_an_older_tariff_undoes_nothing() {
    let reprice = |settled: SettledRun| Command::Reprice(std::sync::Arc::new(settled));
    let desk = Desk::new();
    desk.post(&[grant("g1", 1000), Command::Bind(binding())]).await;
    assert_eq!(desk.settle(by_tariff("2026-01@aa", 60, 1)).await, charged(60, 0));
    assert_eq!(
        desk.settle(by_tariff("2026-03@aa", 90, 1)).await,
        corrected(60, 90),
        "a later tariff, read at the same time"
    );
    assert_eq!(desk.settle(by_tariff("2026-01@aa", 60, 9)).await, SettleOutcome::Stale, "an older one, read later");
    assert_eq!(desk.settle(by_tariff("2026-03@ff", 90, 9)).await, SettleOutcome::Same, "another that charges the same");
    let outcomes = desk.post(&[reprice(by_tariff("2026-01@aa", 60, 9))]).await;
    let Outcome::Settled(SettleOutcome::Rejected { reason }) = &outcomes[0] else { panic!("{outcomes:?}") };
    assert!(reason.contains("2026-03@aa, which is later than jupiter/booster/2026-01@aa"), "{reason}");
    // Of two with one date it is always the same one, whoever comes last.
    assert_eq!(desk.settle(by_tariff("2026-03@ab", 50, 1)).await, corrected(90, 50));
    assert_eq!(desk.settle(by_tariff("2026-03@aa", 90, 99)).await, SettleOutcome::Stale);
    // Other facts are other facts, by whichever tariff they come.
    let mut longer = by_tariff("2026-01@aa", 70, 100);
    longer.run.elapsed = WallTime::from_seconds(99);
    assert_eq!(desk.settle(longer).await, corrected(50, 70));
    desk.verify().await;
}

#[tokio::test]
async fn of_a_run_that_is_seen_again_only_the_instant_changes() {
    let desk = Desk::new();
    desk.post(&[grant("g1", 1000), Command::Bind(binding())]).await;
    assert_eq!(desk.settle(foreign(1, 60)).await, charged(60, 0));
    // A row that was read or written whole would be missed.
    desk.change_the_tables("UPDATE runs SET state = -state");
    assert_eq!(desk.settle(read_at(foreign(1, 60), 230)).await, SettleOutcome::Same);
    desk.change_the_tables("UPDATE runs SET state = -state");
    assert_eq!(desk.settle(read_at(foreign(1, 90), 220)).await, SettleOutcome::Stale);
    // Within a post, too, the instant counts that was read before.
    let rows = [(60, 250), (90, 240), (60, 270), (70, 290), (60, 280)];
    let outcomes = desk.post(&rows.map(|(amount, seconds)| settle(read_at(foreign(1, amount), seconds)))).await;
    let expected =
        [SettleOutcome::Same, SettleOutcome::Stale, SettleOutcome::Same, corrected(60, 70), SettleOutcome::Stale];
    assert_eq!(outcomes, expected.map(ledger::Outcome::Settled));
    assert_eq!(desk.settle(read_at(foreign(1, 60), 285)).await, SettleOutcome::Stale);
    assert_eq!(desk.numbers().await, [1000, 70, 0, 0, 0, 930]);
    desk.verify().await;
}

on_postgres_too! {
    of_a_run_that_is_seen_again_only_the_instant_changes,
    whoever_has_an_older_tariff_undoes_nothing,
    a_run_that_is_priced_anew_is_corrected_and_stays_the_run_that_was_read,
    a_number_that_no_ledger_can_hold_costs_only_its_own_row,
    runs_draw_from_their_hold_and_then_overrun,
    a_settlement_is_never_refused,
    each_start_of_a_requeued_job_counts,
    what_nothing_binds_is_listed_until_a_binding_covers_it,
    what_has_no_price_in_its_unit_is_listed_and_never_zero,
    a_hold_that_comes_late_takes_the_runs_of_its_job,
    the_latest_reading_counts_whenever_it_comes,
    a_correction_reverses_each_entry_and_charges_anew,
    a_changed_account_moves_the_charge,
    the_same_run_by_another_reader_is_the_same_run,
    one_bad_row_never_drops_another,
    a_run_without_a_price_is_kept_and_charged_once_it_has_one,
    whoever_cannot_price_a_run_takes_no_charge_away,
    a_hold_stays_while_a_run_of_its_job_has_no_price,
    a_row_whose_amount_does_not_fit_costs_no_other_row,
    a_binding_stands_though_the_amounts_it_would_charge_do_not_fit,
}
