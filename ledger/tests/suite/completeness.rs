//! Whether the books have all that was used, and what that does to what is free.

use crate::support::*;
use ledger::{Command, Coverage, LedgerErrorKind, Outcome, RunPrice, SettledRun};
use model::{Amount, Completeness, Window};

const DAY: i64 = 86_400;

/// A reading of all that was to be read until now.
fn read(scope: &str, whole: &[&str]) -> Command {
    Command::Cover(Coverage {
        site: name("jupiter"),
        cluster: name("booster"),
        scope: name(scope),
        rights: None,
        hidden_accounts: Vec::new(),
        whole_accounts: whole.iter().map(|account| Some(name(account))).collect(),
        window: Window { from: at(0), to: now() },
        observed_at: now(),
    })
}

/// What is free, where somebody knows it, at most, and unseen.
async fn free(desk: &Desk) -> (Option<i64>, i64, i64) {
    let balance = desk.balance().await;
    let known = balance.known_free().expect("fits").map(Amount::milli);
    (known, balance.free().expect("fits").milli(), balance.unseen.milli())
}

#[tokio::test]
async fn free_is_known_where_a_coordinator_read_or_the_site_says_how_much_was_used() {
    let desk = Desk::new();
    desk.post(&[grant("1", 1_000), Command::Bind(binding())]).await;
    assert_eq!(free(&desk).await, (None, 1_000, 0), "nobody has read anything");
    desk.settle(foreign(1, 100)).await;
    desk.post(&[read("user:ada", &[])]).await;
    assert_eq!(free(&desk).await, (None, 900, 0), "a member alone");
    // The first figure opens the budget with what the ledger does not know, and from then on the site says more.
    desk.post(&[Command::NoteSiteFigure(site_figure(100, NOW - DAY))]).await;
    assert_eq!(free(&desk).await.0, Some(800), "as the site says");
    desk.post(&[Command::NoteSiteFigure(site_figure(150, NOW - DAY + 1))]).await;
    assert_eq!(free(&desk).await, (Some(750), 750, 50), "the site says more: that counts as used");
    desk.post(&[read("all:cleo", &["hai"])]).await;
    assert_eq!(free(&desk).await, (Some(800), 800, 0), "a coordinator knows better");
    assert_eq!(desk.balance().await.completeness, Completeness::Read);
    desk.verify().await;
}

#[tokio::test]
async fn an_enforced_budget_counts_what_is_unseen_as_used_and_no_more() {
    let desk = Desk::new();
    desk.post(&[grant("1", 1_000), Command::Bind(binding()), enforce(true)]).await;
    desk.post(&[read("user:ada", &[])]).await;
    assert_eq!(free(&desk).await, (None, 1_000, 0));
    desk.post(&[hold(1, 400)]).await;
    desk.post(&[Command::NoteSiteFigure(site_figure(0, NOW - DAY))]).await;
    desk.post(&[Command::NoteSiteFigure(site_figure(500, NOW - DAY + 1))]).await;
    assert_eq!(free(&desk).await, (Some(100), 100, 500));
    let refused = desk.try_post(&[hold(2, 101)]).await.expect_err("more than is free");
    assert!(matches!(refused.kind, LedgerErrorKind::Refused(_)), "{refused}");
    assert!(matches!(desk.post(&[hold(3, 100)]).await[..], [Outcome::Held(..)]), "and no less is");
    // Once it was read, it is in the books or it was not used.
    desk.post(&[read("site:olga", &[]), hold(4, 500)]).await;
    assert_eq!(free(&desk).await, (Some(0), 0, 0));
}

#[tokio::test]
async fn whoever_lacks_what_the_books_have_does_not_see_others_any_more() {
    let desk = Desk::new();
    let of = |from: i64, to: i64, whole: &[&str]| {
        Command::Cover(Coverage {
            site: name("jupiter"),
            cluster: name("booster"),
            scope: name("all:cleo"),
            rights: None,
            hidden_accounts: Vec::new(),
            whole_accounts: whole.iter().map(|account| Some(name(account))).collect(),
            window: Window { from: at(from), to: at(to) },
            observed_at: at(to),
        })
    };
    // A run of ada's in account `hai` that ended at NOW + 110.
    desk.settle(foreign(1, 100)).await;
    desk.post_at(NOW + 900, &[of(NOW - 100, NOW, &["hai"]), of(NOW, NOW + 100, &[]), of(NOW + 100, NOW + 200, &[])])
        .await;
    desk.post_at(NOW + 900, &[of(NOW + 200, NOW + 300, &[])]).await;
    let known = desk.book.coverage(&name("jupiter")).await.expect("read");
    let hidden: Vec<usize> = known.iter().map(|reading| reading.hidden_accounts.len()).collect();
    assert_eq!(hidden, [0, 0, 1, 0], "the third lacks a run: {known:?}");
    let account = name("hai");
    let found = ledger::account_coverage(&known, Some(&account), Window { from: at(NOW - 100), to: at(NOW + 300) });
    assert_eq!(found.whole, [Window { from: at(NOW - 100), to: at(NOW + 100) }]);
    assert_eq!(found.whole_by.len(), 1);
}

#[tokio::test]
async fn free_is_not_known_while_a_run_has_no_price() {
    let desk = Desk::new();
    desk.post(&[grant("1", 1_000), Command::Bind(binding()), read("site:olga", &[])]).await;
    assert_eq!(free(&desk).await.0, Some(1_000));
    let priceless = |number: u64| {
        let foreign = foreign(number, 60);
        SettledRun { price: RunPrice::Unknown("no tariff is known".to_owned()), ..foreign }
    };
    // One of an account that is bound to nobody is no project's.
    let mut of_nobody = priceless(9);
    of_nobody.run.account = Some(name("other"));
    desk.post(&[settle(of_nobody)]).await;
    assert_eq!(free(&desk).await.0, Some(1_000));
    desk.post(&[settle(priceless(1)), settle(priceless(2))]).await;
    assert_eq!(free(&desk).await, (None, 1_000, 0));
    assert_eq!(desk.balance().await.completeness, Completeness::Unpriced);
    let budgets = desk.book.budgets(&ledger::BalanceQuery::default(), now()).await.expect("read");
    assert_eq!(budgets[0].gaps.iter().map(|gap| gap.unpriced).collect::<Vec<_>>(), [Some(2)]);
    desk.post(&[settle(foreign(1, 60))]).await;
    assert_eq!(free(&desk).await, (None, 940, 0));
    desk.post(&[settle(foreign(2, 60))]).await;
    assert_eq!(free(&desk).await, (Some(880), 880, 0));
    desk.verify().await;
}

#[tokio::test]
async fn what_was_free_at_a_time_by_which_nobody_had_read_is_not_known() {
    let desk = Desk::new();
    desk.post(&[grant("1", 1_000)]).await;
    // Bound and read later than the instant that is asked about.
    let later = NOW + 5 * DAY;
    let Command::Cover(read) = read("site:olga", &[]) else { panic!("a reading") };
    let window = Window { from: at(0), to: at(later) };
    let read = Command::Cover(Coverage { window, observed_at: at(later), ..read });
    desk.post_at(NOW + 10 * DAY, &[Command::Bind(binding()), read]).await;
    let known = |as_of: i64| {
        let query = ledger::BalanceQuery { as_of: Some(at(as_of)), ..Default::default() };
        let desk = &desk;
        async move {
            let balances = desk.book.balances(&query, at(NOW + 20 * DAY)).await.expect("read");
            balances[0].completeness
        }
    };
    assert_eq!(known(NOW + DAY).await, Completeness::Unknown, "nobody had read by then");
    assert_eq!(known(later).await, Completeness::Read, "read at that very instant");
}

on_postgres_too! {
    free_is_not_known_while_a_run_has_no_price,
    what_was_free_at_a_time_by_which_nobody_had_read_is_not_known,
    whoever_lacks_what_the_books_have_does_not_see_others_any_more,
    free_is_known_where_a_coordinator_read_or_the_site_says_how_much_was_used,
    an_enforced_budget_counts_what_is_unseen_as_used_and_no_more,
}
