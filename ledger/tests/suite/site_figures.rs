//! Site figures: noted once, never in the way of the books, and the first one opens a budget that nobody has opened.

use crate::support::*;
use ledger::{Command, Effect, EntryKind, LedgerErrorKind, NewSiteFigure, Outcome};
use model::Amount;
use proptest::prelude::*;

/// The end of the runs of [`foreign`]: a figure as of then counts them.
const END: i64 = NOW + 110;

fn note(figure: NewSiteFigure) -> Command {
    Command::NoteSiteFigure(figure)
}

fn noted(opened: Option<i64>, settled: i64) -> [Outcome; 1] {
    [Outcome::FigureNoted { opened: opened.map(milli), settled: milli(settled), effect: Effect::Done }]
}

/// Used as the site says, settled by now, and what nothing explains.
async fn compared(desk: &Desk) -> [i64; 3] {
    let figure = desk.balance().await.site_figure.expect("a figure");
    [figure.used, figure.settled, figure.unexplained().expect("fits")].map(Amount::milli)
}

#[tokio::test]
async fn the_first_figure_opens_the_budget_by_what_the_ledger_does_not_know() {
    let desk = Desk::new();
    desk.post(&[grant("1", 1_000_000), Command::Bind(binding())]).await;
    desk.settle(foreign(1, 4_000)).await;
    assert_eq!(desk.post(&[note(site_figure(10_000, END))]).await, noted(Some(6_000), 4_000));
    assert_eq!(compared(&desk).await, [10_000, 10_000, 0]);
    assert_eq!(desk.numbers().await, [994_000, 4_000, 0, 0, 0, 990_000]);
    let mut entries = desk.entries().await;
    assert_eq!(entries.pop().map(|entry| entry.kind), Some(EntryKind::Decide), "the figure");
    let opening = entries.pop().expect("an entry");
    assert_eq!((opening.amount, opening.effective_at), (milli(6_000), at(END)));
    assert!(opening.note.starts_with("jutil: ") && opening.note.ends_with("text blake3:10000"), "{}", opening.note);

    // The same once more, whoever settles in between: nothing happens. A run of that time is in the figure.
    desk.settle(foreign(2, 1_000)).await;
    let again = desk.post(&[note(site_figure(10_000, END))]).await;
    assert_eq!(again, [Outcome::FigureNoted { opened: None, settled: milli(10_000), effect: Effect::AlreadyDone }]);
    assert_eq!(desk.shown_entries().await.iter().filter(|entry| entry.starts_with("opening")).count(), 1);
    assert_eq!(compared(&desk).await, [10_000, 10_000, 0]);
    assert_eq!(desk.book.site_figures(None).await.expect("figures").len(), 1);
    assert!(desk.book.verify().await.expect("verified").is_consistent());
}

#[tokio::test]
async fn later_figures_are_noted_and_explain_nothing_away() {
    let desk = Desk::new();
    desk.post(&[grant("1", 1_000_000), Command::Bind(binding())]).await;
    assert_eq!(desk.post(&[note(site_figure(3_000, NOW))]).await, noted(Some(3_000), 0));
    desk.settle(foreign(1, 4_000)).await;
    assert_eq!(desk.post(&[note(site_figure(9_000, END))]).await, noted(None, 7_000));
    assert_eq!(compared(&desk).await, [9_000, 7_000, 2_000]);
    // One of an earlier instant that comes later is kept, and the latest instant is shown; of one instant the last word.
    desk.post(&[note(site_figure(2_500, NOW - 50))]).await;
    assert_eq!(compared(&desk).await, [9_000, 7_000, 2_000]);
    desk.post(&[note(site_figure(8_000, END))]).await;
    assert_eq!(compared(&desk).await, [8_000, 7_000, 1_000]);
    let kept = desk.book.site_figures(Some(&atlas())).await.expect("figures");
    let kept: Vec<_> = kept.iter().map(|kept| (kept.number, kept.terms.used.milli(), &kept.recorded_by)).collect();
    let ada = ada();
    assert_eq!(kept, [(1, 3_000, &ada), (2, 9_000, &ada), (3, 2_500, &ada), (4, 8_000, &ada)]);
    assert_eq!(desk.book.site_figures(Some(&name("zephyr"))).await.expect("figures"), []);
}

#[tokio::test]
async fn a_budget_is_opened_once_and_never_by_less_than_nothing() {
    let desk = Desk::new();
    desk.post(&[grant("1", 1_000_000), Command::Bind(binding())]).await;
    desk.settle(foreign(1, 4_000)).await;
    assert_eq!(desk.post(&[note(site_figure(3_000, END))]).await, noted(None, 4_000), "the ledger says more");
    assert_eq!(desk.post(&[note(site_figure(9_000, END + 1))]).await, noted(None, 4_000), "it was compared before");
    let even = Desk::new();
    even.post(&[grant("1", 1_000_000), Command::Bind(binding())]).await;
    even.settle(foreign(1, 4_000)).await;
    assert_eq!(even.post(&[note(site_figure(4_000, END))]).await, noted(Some(0), 4_000));
    even.settle(foreign(2, 4_000)).await;
    assert_eq!(compared(&even).await, [4_000, 4_000, 0], "what is read later was in the figure");
    let opened = Desk::new();
    let opening = new_opening(500, NOW - 100);
    opened.post(&[grant("1", 1_000_000), Command::Opening(opening)]).await;
    assert_eq!(opened.post(&[note(site_figure(700, NOW))]).await, noted(None, 500), "somebody entered it by hand");
    assert_eq!(compared(&opened).await, [700, 500, 200]);
}

#[tokio::test]
async fn a_figure_of_a_period_is_compared_with_that_period() {
    let desk = Desk::new();
    desk.post(&[grant("1", 1_000_000), Command::Bind(binding())]).await;
    desk.settle(ended(foreign(1, 4_000), NOW - 5_000)).await;
    desk.settle(ended(foreign(2, 1_000), NOW - 1_000)).await;
    desk.settle(foreign(3, 300)).await;
    let of_period = |from: i64| NewSiteFigure { since: Some(at(from)), ..site_figure(1_500, END - 1) };
    assert_eq!(desk.post(&[note(of_period(NOW - 1_000))]).await, noted(Some(500), 1_000));
    assert_eq!(desk.post(&[note(of_period(NOW - 999))]).await, noted(None, 500), "the opening lies in it");
}

#[tokio::test]
async fn a_figure_that_contradicts_itself_is_refused() {
    let desk = Desk::new();
    desk.post(&[grant("1", 1_000_000)]).await;
    for wrong in [
        site_figure(-1, NOW),
        NewSiteFigure { granted: Some(milli(-1)), ..site_figure(1, NOW) },
        NewSiteFigure { since: Some(at(NOW + 1)), ..site_figure(1, NOW) },
        site_figure(1, NOW + 601),
    ] {
        let error = desk.try_post(&[note(wrong.clone())]).await.expect_err("refused");
        assert_eq!(error.kind, LedgerErrorKind::Invalid, "{wrong:?}");
    }
    assert_eq!(desk.balance().await.site_figure, None);
}

/// The first one would be an opening, and a later one what is unseen: with either no balance could be told.
#[tokio::test]
async fn an_absurd_figure_is_refused_whether_it_opens_or_is_compared() {
    let desk = Desk::new();
    desk.post(&[grant("1", 1_000_000), Command::Bind(binding())]).await;
    let absurd = [
        site_figure(i64::MAX, NOW),
        site_figure(i64::MAX / 64 + 1, NOW),
        NewSiteFigure { granted: Some(milli(i64::MAX)), ..site_figure(1, NOW) },
    ];
    for is_later in [false, true] {
        let before = desk.numbers().await;
        for wrong in &absurd {
            let error = desk.try_post(&[note(wrong.clone())]).await.expect_err("more than any machine has");
            assert_eq!(error.kind, LedgerErrorKind::Invalid, "{wrong:?}");
            assert!(error.why.starts_with("the site's figure of `atlas` is "), "{error}");
        }
        assert_eq!(desk.numbers().await, before);
        if !is_later {
            desk.post(&[note(site_figure(3_000, NOW))]).await;
        }
    }
    desk.post(&[note(site_figure(i64::MAX / 64, END))]).await;
    assert_eq!(desk.numbers().await[..2], [997_000, 0]);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(24), ..ProptestConfig::default() })]

    /// Figures and runs in any order: one opening at most, which covers the runs before it, every figure once, the sums as a plain
    /// list of numbers has them.
    #[test]
    fn figures_in_any_order_book_at_most_one_opening(
        steps in proptest::collection::vec((0..3_u8, 0..20_000_i64, 0..300_i64), 1..20),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        runtime.block_on(async {
            let desk = Desk::in_memory();
            desk.post(&[grant("1", 1_000_000), Command::Bind(binding())]).await;
            let (mut spent, mut opened) = (Vec::<(i64, i64)>::new(), None::<i64>);
            for (number, (what, amount, after)) in (1..).zip(steps) {
                if what == 0 {
                    desk.settle(ended(foreign(number, amount), NOW + after)).await;
                    if opened.is_none_or(|as_of| as_of < NOW + after) {
                        spent.push((NOW + after, amount));
                    }
                    continue;
                }
                let figure = NewSiteFigure { digest: number.to_string(), ..site_figure(amount, NOW + after) };
                let sum = |through: i64| -> i64 { spent.iter().filter(|(at, _)| *at <= through).map(|(_, amount)| amount).sum() };
                let settled = sum(NOW + after);
                for is_repeated in [false, true] {
                    let outcome = desk.post(&[note(figure.clone())]).await.remove(0);
                    let Outcome::FigureNoted { opened: booked, settled: said, effect } = outcome else { panic!("{outcome:?}") };
                    assert_eq!(effect == Effect::AlreadyDone, is_repeated);
                    if let Some(booked) = booked {
                        assert_eq!((said.milli(), booked.milli()), (settled, amount - settled));
                        spent.push((NOW + after, booked.milli()));
                        assert_eq!(opened.replace(NOW + after), None);
                    } else {
                        assert!(is_repeated || said.milli() == settled);
                    }
                }
            }
            assert!(desk.book.verify().await.expect("verified").is_consistent());
        });
    }
}

on_postgres_too! {
    the_first_figure_opens_the_budget_by_what_the_ledger_does_not_know,
    later_figures_are_noted_and_explain_nothing_away,
    a_budget_is_opened_once_and_never_by_less_than_nothing,
    a_figure_of_a_period_is_compared_with_that_period,
    a_figure_that_contradicts_itself_is_refused,
    an_absurd_figure_is_refused_whether_it_opens_or_is_compared,
    figures_in_any_order_book_at_most_one_opening,
}
