//! Several people and one ledger: what one of them settles or sees takes nothing away from another.

use crate::cluster::{run, waiting};
use crate::desk::{DAY, Desk, NOW};
use ledger::{Book, ReaderRights};
use scheduler_adapters::{AdapterErrorKind, Rights};
use std::collections::BTreeSet;

#[tokio::test]
async fn a_persons_settlement_leaves_the_runs_of_others_to_be_read() {
    let desk = Desk::new().await;
    desk.says().runs = vec![
        run(1, "ada", NOW - 20 * DAY, Some(NOW - 20 * DAY + 100)),
        run(2, "bob", NOW - 30 * DAY, Some(NOW - 30 * DAY + 1_000)),
        run(3, "cyd", NOW - 40 * DAY, Some(NOW - 40 * DAY + 10_000)),
    ];
    desk.settle("ada").await;
    assert_eq!((desk.used().await, desk.cursor("user:ada").await), (100, Some(NOW)));
    assert_eq!((desk.cursor("user:bob").await, desk.cursor("all:carol").await), (None, None));
    desk.settle("bob").await;
    assert_eq!(desk.used().await, 1_100);
    let report = desk.settle_all("carol").await;
    assert_eq!((desk.used().await, report.counts.new, report.counts.same), (11_100, 1, 2));
    assert_eq!((desk.cursor("all:carol").await, report.scope.as_str()), (Some(NOW), "all:carol"));
}

#[tokio::test]
async fn one_who_sees_little_takes_nothing_from_one_who_sees_all() {
    let desk = Desk::new().await;
    desk.says().runs = vec![run(1, "bob", NOW - 30 * DAY, Some(NOW - 30 * DAY + 1_000))];
    desk.says().shows_others_only_to(&["carol"]);
    desk.settle_all("ada").await;
    assert_eq!(desk.used().await, 0);
    desk.settle_all("carol").await;
    assert_eq!(desk.used().await, 1_000);
}

#[tokio::test]
async fn what_several_people_see_is_added_up() {
    let desk = Desk::new().await;
    desk.says().queue = vec![waiting(1, "ada", NOW - 60), waiting(2, "bob", NOW - 60)];
    let foreign = async || desk.balance().await.foreign_committed.milli() / 3_600_000;
    desk.settle("ada").await;
    assert_eq!(foreign().await, 1);
    desk.settle("bob").await;
    assert_eq!(foreign().await, 2, "bob's look leaves ada's");
    // Ada's job is cancelled; carol, who sees bob's job of the same account, knows that it is gone.
    desk.says().queue.remove(0);
    desk.set_clock(NOW + 60);
    desk.settle_all("carol").await;
    assert_eq!(foreign().await, 1);
}

#[tokio::test]
async fn where_jobs_are_hidden_a_look_at_everything_says_nothing_about_the_hidden_ones() {
    let desk = Desk::new().await;
    desk.says().queue = vec![waiting(1, "ada", NOW - 60), waiting(2, "bob", NOW - 60)];
    desk.says().shows_others_only_to(&[]);
    desk.settle("bob").await;
    desk.set_clock(NOW + 60);
    desk.settle_all("ada").await;
    assert_eq!(desk.balance().await.foreign_committed.milli() / 3_600_000, 2);
}

#[tokio::test]
async fn the_books_say_whose_runs_were_read() {
    let desk = Desk::new().await;
    desk.says().runs = vec![
        run(1, "ada", NOW - 20 * DAY, Some(NOW - 20 * DAY + 100)),
        run(2, "bob", NOW - 20 * DAY, Some(NOW - 20 * DAY + 100)),
    ];
    let shown = async || {
        let found = jobs::coverage::coverage(&desk.house("ada"), None).await.expect("read").remove(0);
        let coverage = found.coverage;
        let ends = |windows: &[model::Window]| windows.iter().map(|window| window.to.epoch_seconds()).max();
        let own: Vec<String> = coverage.own.keys().map(ToString::to_string).collect();
        // Before the first grant nothing is read: nothing of that time is charged.
        let is_read = coverage.unread.iter().all(|window| window.to.epoch_seconds() <= NOW - 100 * DAY);
        (ends(&coverage.whole), own.join("+"), is_read)
    };
    assert_eq!(shown().await, (None, String::new(), false), "nobody has read anything");
    desk.settle("ada").await;
    assert_eq!(shown().await, (None, "ada".to_owned(), true));
    // Where jobs are hidden, whoever asks for everybody's runs sees their own.
    desk.says().shows_others_only_to(&["carol"]);
    desk.settle_all("ada").await;
    assert_eq!(shown().await, (None, "ada".to_owned(), true));
    desk.settle_all("carol").await;
    assert_eq!(shown().await, (Some(NOW), String::new(), true), "a coordinator sees all of the account");
    // A row that nobody can read ends what was read.
    desk.set_clock(NOW + 500);
    desk.says().rejected = vec![crate::cluster::unreadable(7, &(NOW + 100).to_string())];
    desk.settle_all("carol").await;
    assert_eq!(shown().await, (Some(NOW + 100), String::new(), false));
}

#[tokio::test]
async fn a_queue_that_shows_everybody_says_nothing_about_whose_runs_accounting_shows() {
    let desk = Desk::new().await;
    desk.says().queue = vec![waiting(1, "bob", NOW - 60)];
    desk.says().runs = vec![run(2, "ada", NOW - DAY, Some(NOW - DAY + 100))];
    desk.settle_all("ada").await;
    let site = "testland".parse().expect("a site");
    let known = desk.book().coverage(&site).await.expect("read");
    assert!(known.iter().all(|coverage| coverage.whole_accounts.is_empty()), "{known:?}");
    // In accounting she sees bob's run too: then she reads everybody's.
    desk.says().runs.push(run(3, "bob", NOW - DAY, Some(NOW - DAY + 100)));
    desk.set_clock(NOW + 60);
    desk.settle_all("ada").await;
    let known = desk.book().coverage(&site).await.expect("read");
    assert!(known.iter().any(|coverage| !coverage.whole_accounts.is_empty()), "{known:?}");
}

#[tokio::test]
async fn what_is_free_is_known_only_where_somebody_reads_everybodys_runs() {
    let desk = Desk::new().await;
    desk.says().runs = vec![
        run(1, "ada", NOW - 20 * DAY, Some(NOW - 20 * DAY + 100)),
        run(2, "bob", NOW - 20 * DAY, Some(NOW - 20 * DAY + 100)),
    ];
    let is_known = async || desk.balance().await.completeness.is_known();
    assert!(!is_known().await, "nobody has read anything");
    desk.settle("ada").await;
    assert!(!is_known().await, "a member alone");
    desk.settle_all("carol").await;
    assert!(is_known().await, "a coordinator");
    desk.set_clock(NOW + DAY / 2);
    desk.settle("ada").await;
    assert!(is_known().await, "half a day after");
    desk.set_clock(NOW + 2 * DAY);
    desk.settle("ada").await;
    assert!(!is_known().await, "two days after");
}

#[tokio::test]
async fn a_reading_has_the_rights_that_accounting_says() {
    let desk = Desk::new().await;
    let hai = [Some("hai".parse().expect("an account"))];
    {
        let mut says = desk.says();
        says.shows_others_only_to(&["carol", "olga"]);
        let rights = [
            ("ada", Rights::Accounts(BTreeSet::new())),
            ("carol", Rights::Accounts(hai.iter().flatten().cloned().collect())),
            ("olga", Rights::Everybody),
        ];
        says.rights = rights.map(|(user, rights)| (user.parse().expect("a user"), rights)).into();
    }
    desk.settle("ben").await;
    for user in ["ada", "carol", "olga", "dora"] {
        desk.settle_all(user).await;
    }
    // One that cannot be asked says nothing, and nothing fails; but it is told.
    desk.says().fails = Some(("rights", AdapterErrorKind::AccountingDown));
    desk.set_clock(NOW + 60);
    let notes = desk.settle_all("erik").await.notes;
    let told = "accounting did not say what erik may see, so that this reading counts as none of everybody's runs: ";
    assert!(notes.iter().any(|note| note.starts_with(told)), "{notes:?}");
    assert_eq!(desk.settle_all("dora").await.notes, Vec::<String>::new(), "an answer that says nothing is none");
    let known = desk.book().coverage(&"testland".parse().expect("a site")).await.expect("read");
    let shown = known.iter().map(|reading| {
        let whole = if reading.whole_accounts == hai { " of hai" } else { "" };
        format!("{} {}{whole}", reading.scope, reading.rights.map_or("-", ReaderRights::as_str))
    });
    let expected = ["all:ada self", "all:carol coordinator of hai", "all:dora -", "all:erik -", "all:olga operator"];
    assert_eq!(shown.collect::<Vec<_>>(), [&expected[..], &["user:ben self"]].concat());
}

#[tokio::test]
async fn a_coordinator_who_lost_the_right_reads_their_own_runs_from_then_on() {
    let desk = Desk::new().await;
    desk.says().runs = vec![run(1, "ben", NOW - DAY, Some(NOW - DAY + 100))];
    desk.says().shows_others_only_to(&["carol"]);
    desk.settle_all("carol").await;
    assert!(desk.balance().await.completeness.is_known());
    // Nobody says that the right is gone: the books know a run that she does not see.
    desk.says().shows_others_only_to(&[]);
    desk.set_clock(NOW + DAY / 2);
    desk.says().runs.push(run(2, "ben", NOW + 100, Some(NOW + 200)));
    desk.settle("ben").await;
    desk.settle_all("carol").await;
    let whole = async || {
        let found = jobs::coverage::coverage(&desk.house("carol"), None).await.expect("read").remove(0);
        found.coverage.whole.iter().map(|window| window.to.epoch_seconds()).max()
    };
    assert_eq!(whole().await, Some(NOW));
    // And she sees it again.
    desk.says().shows_others_only_to(&["carol"]);
    desk.set_clock(NOW + DAY);
    desk.settle_all("carol").await;
    assert_eq!(whole().await, Some(NOW + DAY));
}
