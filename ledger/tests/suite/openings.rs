//! Openings: what was used until an instant is counted once, whatever is told first.

use crate::support::*;
use ledger::{
    Adjust, Binding, Command, CoveredSum, Effect, LedgerErrorKind, NewOpening, Outcome, Reattribute, Refund, RunPrice,
    SettleOutcome, SettledRun, Unbind,
};
use model::{Charge, Price, ProjectName, Window};
use proptest::prelude::*;

/// When the runs of [`foreign`] end, which is the last instant that the openings count.
const END: i64 = NOW + 110;

fn open(used: i64) -> Command {
    Command::Opening(new_opening(used, END))
}

fn opened(known: i64, entered: i64) -> [Outcome; 1] {
    [Outcome::Opened { known: milli(known), entered: milli(entered), effect: Effect::Done }]
}

fn covered(project: &str, amount: i64) -> SettleOutcome {
    SettleOutcome::Covered { project: name(project), unit: gh200(), amount: milli(amount) }
}

/// The same run as one that ended a second later.
fn later(mut settled: SettledRun) -> SettledRun {
    settled.run.ended_at = Some(at(END + 1));
    read_at(settled, 220)
}

async fn granted() -> Desk {
    let desk = Desk::new();
    desk.post(&[grant("1", 1_000_000), Command::Bind(binding())]).await;
    desk
}

/// What the entries say was taken from a budget until the end of the opening, and at all.
async fn taken_of(desk: &Desk, project: &ProjectName) -> [i64; 2] {
    let mut taken = [0, 0];
    for entry in desk.entries().await {
        if entry.project != *project || !entry.kind.spends() {
            continue;
        }
        let sign = if matches!(entry.debit, ledger::Account::Budget(_)) { 1 } else { -1 };
        taken[0] += if entry.effective_at <= at(END) { sign * entry.amount.milli() } else { 0 };
        taken[1] += sign * entry.amount.milli();
    }
    taken
}

async fn taken(desk: &Desk) -> [i64; 2] {
    taken_of(desk, &atlas()).await
}

#[tokio::test]
async fn a_run_that_ended_before_the_opening_is_charged_no_second_time() {
    let desk = granted().await;
    assert_eq!(desk.post(&[open(10_000)]).await, opened(0, 10_000));
    assert_eq!(desk.settle(foreign(1, 4_000)).await, covered("atlas", 4_000));
    assert_eq!(desk.settle(foreign(1, 4_000)).await, SettleOutcome::Same);
    assert_eq!(desk.settle(read_at(foreign(1, 3_000), 300)).await, covered("atlas", 3_000));
    assert!(matches!(desk.settle(later(foreign(2, 500))).await, SettleOutcome::New { .. }));
    assert_eq!((taken(&desk).await, desk.numbers().await[5]), ([10_000, 10_500], 989_500));
    let found = desk.book.covered().await.expect("listed");
    let shown: Vec<_> = found.iter().map(|run| (&run.run.key, &run.project, run.amount)).collect();
    assert_eq!(shown, [(&run_key(1), &atlas(), milli(3_000))]);
    let window = Window { from: at(NOW + 10), to: at(END) };
    let (amount, opened) = (milli(3_000), milli(10_000));
    let sum = CoveredSum { project: atlas(), unit: gh200(), runs: 1, amount, opened, window };
    assert_eq!(desk.book.covered_sums().await.expect("summed"), [sum]);
    assert_eq!(desk.book.unattributed_count().await.expect("counted"), 0);
    let error = desk.try_post(&[refund(1)]).await.expect_err("nothing was charged");
    assert!(error.kind == LedgerErrorKind::Invalid && error.why.contains("opening of `atlas`"), "{error}");
    desk.verify().await;
}

/// What is covered is in no account, where it would not fit.
#[tokio::test]
async fn an_absurd_row_does_not_keep_what_openings_cover_from_being_added_up() {
    let desk = granted().await;
    desk.post(&[open(10_000), settle(foreign(1, 4_000))]).await;
    for amount in [i64::MAX, i64::MAX / 2, i64::MAX / 64 + 1] {
        let gpu = Charge { unit: gh200(), amount: milli(amount) };
        let price = RunPrice::Known(Price { gpu: Some(gpu), node: None, site: None, ..price(1) });
        let outcome = desk.settle(SettledRun { price, ..foreign(2, 1) }).await;
        let reason = "its price in jupiter:gh200 is larger than any machine's".to_owned();
        assert_eq!(outcome, SettleOutcome::Rejected { reason }, "{amount}");
    }
    let sums = desk.book.covered_sums().await.expect("summed");
    assert_eq!((sums.len(), sums[0].runs, sums[0].amount), (1, 1, milli(4_000)));
}

/// A balance with it could not be told, and no hold be authorised any more.
#[tokio::test]
async fn an_absurd_opening_is_refused_and_changes_nothing() {
    let desk = granted().await;
    let before = desk.numbers().await;
    for amount in [i64::MAX, i64::MAX / 64 + 1] {
        let refused = desk.try_post(&[open(amount)]).await.expect_err("more than any machine has");
        assert_eq!(refused.kind, LedgerErrorKind::Invalid, "{refused}");
    }
    assert_eq!(desk.numbers().await, before);
    desk.post(&[open(i64::MAX / 64), enforce(true)]).await;
    let refused = desk.try_post(&[hold(1, 100)]).await.expect_err("nothing is free");
    assert!(matches!(refused.kind, LedgerErrorKind::Refused(_)), "{refused}");
}

#[tokio::test]
async fn covered_runs_that_come_to_more_than_the_opening_are_told() {
    let desk = granted().await;
    // What was charged by then is a part of what was said, and none of what the covered runs are held against.
    desk.settle(foreign(1, 4_000)).await;
    desk.post(&[open(10_000)]).await;
    for (run, exceeds_by) in [(2, 0), (3, 4_000)] {
        assert_eq!(desk.settle(foreign(run, 5_000)).await, covered("atlas", 5_000));
        let sums = desk.book.covered_sums().await.expect("summed");
        let sum = sums.first().expect("one budget");
        assert_eq!((sum.opened, sum.exceeds_by()), (milli(6_000), Ok(milli(exceeds_by))), "{sum:?}");
    }
    // A charge that was a part became less: the opening has the rest, too.
    desk.settle(read_at(foreign(1, 0), 300)).await;
    let sums = desk.book.covered_sums().await.expect("summed");
    assert_eq!(sums[0].exceeds_by(), Ok(milli(0)), "{sums:?}");
    desk.verify().await;
}

fn refund(run: u64) -> Command {
    Command::Refund(Refund { run: run_key(run), amount: Some(milli(100)), reason: "node failed".to_owned() })
}

#[tokio::test]
async fn an_opening_after_the_runs_enters_the_rest() {
    let desk = granted().await;
    desk.settle(foreign(1, 4_000)).await;
    desk.settle(later(foreign(2, 500))).await;
    let error = desk.try_post(&[open(3_999)]).await.expect_err("less than the ledger has");
    assert_eq!(error.kind, LedgerErrorKind::Conflict);
    assert!(error.to_string().contains("were used in all"), "{error}");
    assert!(
        error.facts.iter().any(|(word, next)| *word == "next" && next.contains("ledger statement atlas")),
        "{error:?}"
    );
    assert_eq!(desk.post(&[open(10_000)]).await, opened(4_000, 6_000));
    let again = desk.post(&[open(10_000)]).await;
    let said = |effect| Outcome::Opened { known: milli(4_000), entered: milli(6_000), effect };
    assert_eq!(again, [said(Effect::AlreadyDone)]);
    let error = desk.try_post(&[open(10_001)]).await.expect_err("a budget has one");
    assert!(error.kind == LedgerErrorKind::Conflict && error.why.contains("a budget has one"), "{error}");
    assert_eq!(desk.settle(foreign(3, 700)).await, covered("atlas", 700));
    assert_eq!(desk.settle(read_at(foreign(1, 4_000), 290)).await, SettleOutcome::Same, "it is charged as before");
    assert_eq!(taken(&desk).await, [10_000, 10_500]);
    desk.verify().await;
}

/// Of one run: what is told before the opening and after it, and what is taken then up to the opening and at all.
#[tokio::test]
async fn what_changes_later_changes_nothing_of_what_was_used_by_then() {
    type Steps = Vec<Command>;
    let run = || settle(foreign(1, 4_000));
    let moved = || settle(later(foreign(1, 4_500)));
    let cheaper = || settle(read_at(foreign(1, 1_000), 280));
    let back = || settle(read_at(foreign(1, 2_000), 250));
    for (before, after, expected) in [
        (vec![run()], vec![cheaper()], [10_000, 10_000]),
        (vec![], vec![run(), cheaper()], [10_000, 10_000]),
        (vec![run()], vec![moved()], [10_000, 14_500]),
        (vec![], vec![run(), moved()], [10_000, 14_500]),
        (vec![], vec![run(), moved(), back()], [10_000, 10_000]),
        (vec![run()], vec![moved(), back(), cheaper()], [10_000, 10_000]),
        (vec![moved()], vec![back()], [10_000, 10_000]),
        (vec![run(), refund(1)], vec![cheaper()], [10_000, 10_000]),
        // It is given back of the charge that takes its place.
        (vec![run(), refund(1)], vec![moved()], [10_000, 14_400]),
        (vec![run()], vec![refund(1), moved()], [10_000, 14_400]),
        // Whoever gave it back after the opening meant so.
        (vec![run()], vec![refund(1), cheaper()], [9_900, 9_900]),
        (vec![run(), adjust(300)], vec![], [10_000, 10_000]),
        (vec![run()], vec![hold(1, 9_000)], [10_000, 10_000]),
    ] as [(Steps, Steps, [i64; 2]); 13]
    {
        let desk = granted().await;
        desk.post(&before).await;
        desk.post(&[open(10_000)]).await;
        desk.post(&after).await;
        assert_eq!(taken(&desk).await, expected, "{before:?}, then {after:?}");
        desk.verify().await;
    }
}

fn adjust(amount: i64) -> Command {
    Command::Adjust(Adjust {
        key: "1".to_owned(),
        project: atlas(),
        unit: gh200(),
        amount: milli(amount),
        at: at(NOW),
        reason: "counted twice".to_owned(),
    })
}

#[tokio::test]
async fn a_run_that_another_budget_pays_is_in_the_opening_of_that_one() {
    for is_opened_first in [true, false] {
        let desk = granted().await;
        let borealis = || name::<ProjectName>("borealis");
        let of_borealis = NewOpening { project: borealis(), ..new_opening(700, END) };
        if is_opened_first {
            desk.post(&[open(10_000), settle(foreign(1, 4_000))]).await;
        } else {
            desk.post(&[settle(foreign(1, 4_000)), open(10_000)]).await;
        }
        let window = Window { from: at(0), to: at(NOW + 1_000) };
        let anew = || Command::Reattribute(Reattribute { site: name("jupiter"), window });
        let to_borealis = Binding { project: borealis(), ..binding() };
        desk.post(&[Command::Unbind(Unbind { number: 1, to: at(0) }), Command::Bind(to_borealis), anew()]).await;
        assert_eq!([taken(&desk).await[1], taken_of(&desk, &borealis()).await[1]], [10_000, 4_000]);
        desk.verify().await;
        desk.post(&[Command::Unbind(Unbind { number: 2, to: at(0) }), anew()]).await;
        assert_eq!([taken(&desk).await[1], taken_of(&desk, &borealis()).await[1]], [10_000, 0]);
        let to_borealis = Binding { project: borealis(), from: at(1), ..binding() };
        desk.post(&[Command::Opening(of_borealis), Command::Bind(to_borealis)]).await;
        assert_eq!([taken(&desk).await[1], taken_of(&desk, &borealis()).await[1]], [10_000, 700]);
        let found = desk.book.covered().await.expect("listed");
        assert_eq!(found.iter().map(|run| run.project.clone()).collect::<Vec<_>>(), [borealis()]);
        desk.verify().await;
    }
}

#[tokio::test]
async fn what_ended_before_an_opening_counts_is_charged() {
    let desk = granted().await;
    let since = Some(at(END));
    desk.post(&[Command::Opening(NewOpening { since, ..new_opening(10_000, END) })]).await;
    assert!(matches!(desk.settle(ended(foreign(1, 300), END - 1)).await, SettleOutcome::New { .. }));
    assert_eq!(desk.settle(foreign(2, 4_000)).await, covered("atlas", 4_000));
    assert_eq!(taken(&desk).await, [10_300, 10_300]);
    // A figure of the site says since when it counts.
    let desk = granted().await;
    let figure = ledger::NewSiteFigure { since, ..site_figure(10_000, END) };
    desk.post(&[Command::NoteSiteFigure(figure)]).await;
    desk.post(&[settle(ended(foreign(1, 300), END - 1)), settle(foreign(2, 4_000))]).await;
    assert_eq!(taken(&desk).await, [10_300, 10_300]);
}

#[tokio::test]
async fn a_covered_run_draws_from_no_hold() {
    let desk = granted().await;
    desk.post(&[open(10_000), hold(1, 5_000)]).await;
    assert_eq!(desk.settle(ours(1, 4_000, 1)).await, covered("atlas", 4_000));
    assert_eq!(desk.numbers().await, [990_000, 0, 0, 5_000, 0, 985_000]);
    desk.post(&[close(1)]).await;
    assert_eq!(desk.numbers().await, [990_000, 0, 0, 0, 0, 990_000]);
    desk.verify().await;
}

#[tokio::test]
async fn an_opening_of_an_earlier_release_covers_too() {
    let desk = granted().await;
    desk.post(&[open(10_000)]).await;
    // The tree has the leaf as it was written; what the rules read is the row.
    desk.change_the_tables(
        "DROP TRIGGER entries_are_not_changed; UPDATE entries SET particulars = NULL WHERE kind = 'opening'",
    );
    assert_eq!(desk.settle(foreign(1, 4_000)).await, covered("atlas", 4_000));
    let again = desk.post(&[open(10_000)]).await;
    assert_eq!(again, [Outcome::Opened { known: milli(0), entered: milli(10_000), effect: Effect::AlreadyDone }]);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(24), ..ProptestConfig::default() })]

    /// The opening at any place among readings of runs, which end before or after it: what is taken is the same.
    #[test]
    fn when_the_opening_comes_does_not_matter(
        readings in proptest::collection::vec((0..4_u64, 1..900_i64, 0..2_i64), 1..12),
        place in 0..12_usize,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let taken = |place: usize| {
            let readings = readings.clone();
            async move {
                let desk = Desk::in_memory();
                desk.post(&[grant("1", 1_000_000), Command::Bind(binding())]).await;
                let readings = readings.into_iter().zip(0..).map(|((number, price, after), read)| {
                    let mut settled = foreign(number, price);
                    settled.run.ended_at = Some(at(END + after));
                    settle(read_at(settled, read))
                });
                let mut commands: Vec<Command> = readings.collect();
                commands.insert(place.min(commands.len()), open(10_000));
                for command in commands {
                    desk.post(&[command]).await;
                }
                desk.verify().await;
                taken(&desk).await
            }
        };
        let [first, then] = runtime.block_on(async { [taken(0).await, taken(place).await] });
        prop_assert_eq!(first[0], 10_000);
        prop_assert_eq!(first, then);
    }
}

on_postgres_too! {
    a_run_that_ended_before_the_opening_is_charged_no_second_time,
    an_absurd_row_does_not_keep_what_openings_cover_from_being_added_up,
    an_absurd_opening_is_refused_and_changes_nothing,
    covered_runs_that_come_to_more_than_the_opening_are_told,
    an_opening_after_the_runs_enters_the_rest,
    what_changes_later_changes_nothing_of_what_was_used_by_then,
    a_run_that_another_budget_pays_is_in_the_opening_of_that_one,
    what_ended_before_an_opening_counts_is_charged,
    a_covered_run_draws_from_no_hold,
    an_opening_of_an_earlier_release_covers_too,
    when_the_opening_comes_does_not_matter,
}
