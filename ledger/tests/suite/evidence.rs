//! What the books can prove about themselves: entries stay, sums meet, a replay gives the same, tampering shows.

use crate::support::*;
use ledger::{BalanceQuery, Command, LedgerErrorKind, OpenMode, SqliteBook, Surroundings};
use rusqlite::Connection;

pub(crate) async fn busy_desk() -> Desk {
    busy_desk_in(&Surroundings::here()).await
}

pub(crate) async fn busy_desk_in(surroundings: &Surroundings) -> Desk {
    let desk = Desk::new_in(surroundings);
    desk.post(&[grant("g1", 1000), Command::Bind(binding()), hold(1, 100), hold(2, 50), enforce(true)]).await;
    desk.post(&[settle(ours(1, 130, 1)), settle(foreign(2, 30)), close(1)]).await;
    desk.post(&[settle(read_at(foreign(2, 20), 300)), settle(ours(3, 5, 1))]).await;
    desk
}

#[tokio::test]
async fn the_entries_alone_give_the_same_ledger() {
    let (desk, fresh) = (busy_desk().await, Desk::new());
    let replica = SqliteBook::open(&fresh.path(), OpenMode::Existing).expect("opened");
    replica.replay(&desk.entries().await).await.expect("replayed");
    assert_eq!(export(fresh.book.as_ref()).await, export(desk.book.as_ref()).await);
    for id in [hold_id(1), hold_id(2)] {
        assert_eq!(fresh.book.hold(id).await, desk.book.hold(id).await);
    }
    assert_eq!(fresh.balance().await.used, desk.balance().await.used);
    fresh.verify().await;
    let error = fresh.try_post(&[grant("g2", 1)]).await.expect_err("for checking only");
    assert_eq!(error.kind, LedgerErrorKind::Replica);
    let used = SqliteBook::open(&desk.path(), OpenMode::Existing).expect("opened");
    let error = used.replay(&fresh.entries().await).await.expect_err("has entries");
    assert_eq!(error.kind, LedgerErrorKind::Conflict);
}

#[tokio::test]
async fn the_same_commands_give_the_same_bytes() {
    assert_eq!(export(busy_desk().await.book.as_ref()).await, export(busy_desk().await.book.as_ref()).await);
}

#[tokio::test]
async fn an_entry_is_exported_as_one_line() {
    let desk = busy_desk().await;
    let lines = export(desk.book.as_ref()).await;
    let shown: Vec<&str> = lines.lines().filter(|line| line.contains("\"overrun\"")).collect();
    insta::assert_snapshot!(shown[0], @r#"{"number":7,"kind":"overrun","unit":"jupiter:gh200","amount":30,"debit":"budget/atlas","credit":"used/jupiter/gh200","project":"atlas","effective_at":1793000110,"recorded_at":1793000000,"actor":{"user":"ada","site":"jupiter"},"key":null,"links":{"hold":"01m5vj1jg00000000000000001","run":{"site":"jupiter","cluster":"booster","scheduler_job":1,"submitted_at":1793000000}},"note":"","tariff":"jupiter/booster/test","particulars":"none","ran_by":"ada","ran":{"started_at":1793000010,"partition":"booster","end_state":"COMPLETED"}}"#);
}

#[tokio::test]
async fn whoever_changes_the_file_is_found() {
    for (change, found) in [
        ("UPDATE balances SET amount = amount + 1 WHERE account = 'budget/atlas'", "balance of budget/atlas"),
        ("UPDATE balances SET amount = amount + 1 WHERE account = 'budget/atlas'", "sum to 1 milli"),
        ("UPDATE totals SET amount = amount - 5 WHERE kind = 'settle'", "total of settle of atlas"),
        ("UPDATE hourly_spending SET spent = spent - 1", "what atlas spent in jupiter:gh200 by the hour"),
        ("UPDATE hourly_spending SET hour = hour + 1", "what atlas spent in jupiter:gh200 by the hour"),
        ("UPDATE holds SET charged = 0", "hold 01"),
        ("DELETE FROM holds", "hold 01"),
        ("UPDATE runs SET amount = 1 WHERE job = 2", "charge of run jupiter/booster/2@"),
        ("DELETE FROM runs", "charge of run"),
        ("DROP TRIGGER entries_are_not_deleted; DELETE FROM entries WHERE number = 7", "entry 8 follows entry 6"),
        ("DROP TRIGGER entries_are_not_changed; UPDATE entries SET amount = 99 WHERE number = 6", "balance of"),
    ] {
        let desk = busy_desk().await;
        desk.change_the_tables(change);
        let verification = desk.book.verify().await.expect("verified");
        let is_found = verification.findings.iter().any(|finding| finding.contains(found));
        assert!(is_found && !verification.is_consistent(), "{change}: {:?}", verification.findings);
    }
}

#[tokio::test]
async fn the_database_itself_forbids_what_a_mistake_of_ours_could_do() {
    let desk = busy_desk().await;
    let file = Connection::open(desk.path()).expect("opened");
    file.pragma_update(None, "recursive_triggers", "ON").expect("as every connection of ours");
    for (statement, answer) in [
        ("UPDATE entries SET amount = 1 WHERE number = 1", "never changed"),
        ("DELETE FROM entries WHERE number = 1", "never deleted"),
        ("DELETE FROM entries", "never deleted"),
        (
            "INSERT INTO entries SELECT 99, kind, unit, amount, debit, credit, project, effective_at, recorded_at, \
          actor, 'k', hold, run_place, run_job, run_submitted, grant_key, NULL, note, tariff, particulars, person, \
          content, started, partition, end_state, written, leaf FROM entries WHERE number = 1; \
          INSERT INTO posts VALUES (97, 0, 'ada', NULL, 1, 99, 0)",
            "numbered without gaps",
        ),
        (
            "INSERT OR REPLACE INTO entries SELECT number, kind, unit, 5, debit, credit, project, effective_at, \
          recorded_at, actor, key, hold, run_place, run_job, run_submitted, grant_key, reverses, note, tariff, \
          particulars, person, content, started, partition, end_state, written, leaf \
          FROM entries WHERE number = 1",
            "never deleted",
        ),
        ("INSERT INTO posts VALUES (96, 0, 'ada', NULL, 1, 3, 0)", "numbered without gaps"),
        ("UPDATE balances SET amount = 'many'", "cannot store TEXT"),
        (
            "UPDATE balances SET amount = 0; INSERT INTO posts SELECT 99, 0, 'ada', NULL, 1, max(number), 0 FROM entries",
            "",
        ),
        (
            "UPDATE balances SET amount = 1 WHERE account LIKE 'budget%'; \
          INSERT INTO posts SELECT 98, 0, 'ada', NULL, 1, max(number), 0 FROM entries",
            "do not sum to zero",
        ),
    ] {
        file.execute_batch("BEGIN").expect("begun");
        let outcome = file.execute_batch(statement);
        file.execute_batch("ROLLBACK").expect("taken back");
        match outcome {
            Err(error) => assert!(!answer.is_empty() && error.to_string().contains(answer), "{statement}: {error}"),
            Ok(()) => assert_eq!(answer, "", "{statement}"),
        }
    }
}

#[tokio::test]
async fn an_unbalanced_book_takes_no_further_post_that_moves_anything() {
    let desk = busy_desk().await;
    let change = "UPDATE balances SET amount = amount + 1 WHERE account = 'budget/atlas'";
    Connection::open(desk.path()).and_then(|file| file.execute_batch(change)).expect("changed");
    desk.post(&[hold(77, 1)]).await;
    let before = desk.entries().await;
    for post in [&[grant("g2", 5)][..], &[hold(78, 1), grant("g2", 5)], &[grant("g2", 5), hold(78, 1)]] {
        let error = desk.try_post(post).await.expect_err("refused by the database");
        assert_eq!(error.kind, LedgerErrorKind::Bug);
        assert_eq!(desk.entries().await, before);
    }
}

#[tokio::test]
async fn a_ledger_that_is_opened_again_is_the_same() {
    let desk = busy_desk().await;
    let again = SqliteBook::open(&desk.path(), OpenMode::Existing).expect("opened");
    assert_eq!(export(&again).await, export(desk.book.as_ref()).await);
    let created_again = SqliteBook::open(&desk.path(), OpenMode::Create).expect("opened");
    assert_eq!(export(&created_again).await, export(desk.book.as_ref()).await);
}

#[tokio::test]
async fn a_row_that_no_release_writes_is_an_error_and_no_guess() {
    for change in [
        "UPDATE holds SET unit = 'hours'",
        "UPDATE holds SET id = 'mine' WHERE note = 'job-1'",
        "UPDATE totals SET kind = 'gift' WHERE kind = 'grant'",
        "UPDATE bindings SET project = 'a b'",
        "UPDATE balances SET account = 'pocket' WHERE account = 'budget/atlas'",
    ] {
        let desk = busy_desk().await;
        Connection::open(desk.path()).and_then(|file| file.execute_batch(change)).expect(change);
        let reads = [
            desk.book.verify().await.map(drop),
            desk.book.balances(&BalanceQuery::default(), now()).await.map(drop),
            desk.book.bindings().await.map(drop),
        ];
        let errors: Vec<_> = reads.into_iter().filter_map(Result::err).collect();
        assert!(!errors.is_empty(), "{change}");
        assert!(errors.iter().all(|error| error.kind == LedgerErrorKind::Corrupt), "{change}: {errors:?}");
    }
}

#[tokio::test]
async fn a_clusters_name_may_hold_what_separates_the_parts_of_a_key() {
    let desk = Desk::new();
    desk.post(&[grant("g1", 1000), Command::Bind(binding())]).await;
    for (number, cluster) in ["a/b@7", "@", "//@@", "b/1@2"].into_iter().enumerate() {
        let mut odd = foreign(1, 10 + i64::try_from(number).expect("small"));
        odd.run.key.cluster = name(cluster);
        desk.settle(odd.clone()).await;
        let entries = desk.entries().await;
        assert_eq!(entries.last().expect("an entry").links.run, Some(odd.run.key));
    }
    desk.verify().await;
}

on_postgres_too! {
    whoever_changes_the_file_is_found,
    the_same_commands_give_the_same_bytes,
    an_entry_is_exported_as_one_line,
    a_clusters_name_may_hold_what_separates_the_parts_of_a_key,
}
