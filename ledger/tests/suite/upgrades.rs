//! Ledgers that an earlier release wrote: they open, they say what they said, the same runs are the same, and they go on.
//!
//! `fixtures/version-6.*` is the ledger of `evidence::busy_desk_in`, printed by the stores' own tools.

use crate::support::*;
use ledger::{BalanceQuery, Book, Command, NewGrant, OpenMode, Outcome, PostgresBook, SettleOutcome, SqliteBook};
use model::Window;

const ENTRIES: &str = include_str!("../fixtures/version-6.jsonl");
const OF_SQLITE: &str = include_str!("../fixtures/version-6.sqlite.sql");
const OF_POSTGRES: &str = include_str!("../fixtures/version-6.postgres.sql");

/// What SQLite keeps outside of the tables: whose file it is and which version.
const HEADER: &str = "PRAGMA application_id = 1346456404; PRAGMA user_version = 6;";

/// Takes the tables of a ledger back to version 7, which kept less.
const BACK_TO_7: &str = "DROP INDEX covered_runs; DROP INDEX entries_of_long_runs;
    DROP INDEX closed_holds; DROP INDEX long_holds;
    DROP TABLE overnight_spending; DROP TABLE zone_changes;
    ALTER TABLE runs DROP COLUMN covered; ALTER TABLE runs DROP COLUMN priced_at;
    ALTER TABLE bundles DROP COLUMN trust; ALTER TABLE posts DROP COLUMN clock_at;
    ALTER TABLE log DROP COLUMN older_entries;
    DROP INDEX bindings_by_entry; DROP INDEX unbindings_by_entry; DROP INDEX enforcements_by_entry;
    DROP INDEX policies_by_entry; DROP INDEX site_figures_by_entry; DROP INDEX imports_by_entry;
    DROP INDEX bundles_by_entry; DROP INDEX coverage_by_entry;
    ALTER TABLE bindings DROP COLUMN entry; ALTER TABLE unbindings DROP COLUMN entry;
    ALTER TABLE enforcements DROP COLUMN entry; ALTER TABLE policies DROP COLUMN entry;
    ALTER TABLE site_figures DROP COLUMN entry; ALTER TABLE imports DROP COLUMN entry;
    ALTER TABLE bundles DROP COLUMN entry; ALTER TABLE coverage DROP COLUMN entry;";
/// The binding of `binding()`, as a release wrote it that gave decisions no entries.
const BOUND: &str =
    "INSERT INTO bindings (number, site, account, unit, project, from_at, recorded_at, actor_user, actor_site)
    VALUES (1, 'jupiter', 'hai', 'jupiter:gh200', 'atlas', 0, 1793000000, 'ada', 'jupiter');";
const FILE_OF_7: &str = "PRAGMA user_version = 7;";
const SCHEMA_OF_7: &str = "UPDATE meta SET value = '7' WHERE name = 'version';";

/// A reading as that release wrote it, into a table of this name.
fn reading(table: &str) -> String {
    format!(
        "INSERT INTO {table} (site, cluster, scope, whole_accounts, from_at, to_at, observed_at)
         VALUES ('jupiter', 'booster', 'all:cleo', '[\"hai\"]', 10, 20, 30);"
    )
}

async fn goes_on(book: &dyn Book) {
    let known = book.coverage(&name("jupiter")).await.expect("read");
    let [reading] = known.as_slice() else { panic!("one reading: {known:?}") };
    assert_eq!((reading.rights, &reading.whole_accounts[..]), (None, &[Some(name("hai"))][..]));
    assert_eq!((reading.window.from, reading.window.to, reading.observed_at), (at(10), at(20), at(30)));
    let begun = export(book).await;
    let decided = begun.strip_prefix(ENTRIES).expect("an entry is never rewritten");
    assert_eq!(decided.lines().count(), 3, "what was decided before is entered now: {decided}");
    assert_eq!(book.verify().await.expect("verified").findings, [""; 0]);
    let again = [settle(ours(1, 130, 1)), settle(read_at(foreign(2, 20), 300)), settle(ours(3, 5, 1))];
    for outcome in book.post(&ada(), now(), &again).await.expect("posted") {
        assert_eq!(outcome, Outcome::Settled(SettleOutcome::Same));
    }
    assert_eq!(export(book).await, begun, "the same runs are no news");
    book.post(&ada(), now(), &[settle(ours(4, 7, 2)), hold(9, 10)]).await.expect("posted");
    assert!(export(book).await.starts_with(&begun));
    let verification = book.verify().await.expect("verified");
    assert_eq!(verification.findings, [""; 0]);
}

#[tokio::test]
async fn a_file_of_version_6_goes_on() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("ledger.db");
    let file = rusqlite::Connection::open(&path).expect("made");
    for text in [OF_SQLITE, HEADER, &reading("coverage")] {
        file.execute_batch(text).expect("written");
    }
    drop(file);
    goes_on(&SqliteBook::open(&path, OpenMode::Existing).expect("opened")).await;
}

/// Step 8. Entries of before were recorded by whatever clocks there were: that they fall is no finding of theirs.
#[tokio::test]
async fn entries_of_an_earlier_release_may_fall_back_and_later_ones_may_not() {
    let desk = Desk::new();
    desk.post(&[grant("g1", 1000), hold(1, 50)]).await;
    let mut entries = desk.entries().await;
    entries[1].recorded_at = at(NOW - 60);
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("ledger.db");
    let made = SqliteBook::open(&path, OpenMode::Create).expect("made");
    made.replay(&entries).await.expect("filled");
    drop(made);
    let file = rusqlite::Connection::open(&path).expect("opened");
    file.execute_batch(&format!("{BACK_TO_7} {FILE_OF_7} DELETE FROM meta WHERE name = 'replica';"))
        .expect("as it was");
    drop(file);
    let book = SqliteBook::open(&path, OpenMode::Existing).expect("opened");
    assert_eq!(book.verify().await.expect("verified").findings, [""; 0]);
    book.post(&ada(), at(NOW - 90), &[hold(2, 5)]).await.expect("posted");
    let last = book.entries(ledger::EntryPage { after: 2, limit: 1 }).await.expect("read").remove(0);
    assert_eq!(last.recorded_at, at(NOW - 60), "as the last post was");
    assert_eq!(book.verify().await.expect("verified").findings, [""; 0]);
    let lines = crate::exports::lines(&book, false).await;
    let audit = |text: &str| ledger::ExportAudit::run(text.as_bytes(), &ledger::Outside::default()).expect("read");
    assert_eq!(audit(&lines.join("\n")).findings, [""; 0]);
    let younger = lines.join("\n").replace("\"older_entries\":2", "\"older_entries\":1");
    assert!(audit(&younger).findings[0].contains("entry 2 was recorded at"), "{:?}", audit(&younger).findings);
}

#[tokio::test]
async fn real_a_schema_of_version_6_goes_on() {
    let database = lab::postgres().and_then(|server| server.database()).expect("lab up postgres");
    database.sql(OF_POSTGRES).expect("written");
    database.sql(&reading("pakt.coverage")).expect("written");
    let keys = tempfile::tempdir().expect("a folder");
    let book = PostgresBook::open(&place(&database.url()), keys.path(), OpenMode::Existing);
    goes_on(&book.expect("opened")).await;
}

/// A run over the end of a grant, in a ledger that is one of version 7 from now on.
async fn with_a_run_over_midnight() -> Desk {
    let desk = Desk::new();
    let midnight = NOW - NOW.rem_euclid(86_400);
    let over = Window { from: at(midnight - 1000), to: at(midnight) };
    let mut run = ended(foreign(1, 400), midnight + 50);
    run.run.started_at = at(midnight - 50);
    let given = Command::Grant(NewGrant { window: over, ..new_grant("over", 500) });
    desk.change_the_tables(BOUND);
    desk.post(&[given, grant("base", 400), settle(run)]).await;
    desk.change_the_tables(BACK_TO_7);
    desk
}

async fn has_split_it(desk: &Desk) {
    let book = desk.open_again(OpenMode::Existing);
    assert_eq!(book.verify().await.expect("verified").findings, [""; 0]);
    let balance = book.balances(&BalanceQuery::default(), now()).await.expect("balances").remove(0);
    assert_eq!([balance.granted, balance.expired, balance.used], [milli(600), milli(300), milli(400)]);
}

#[tokio::test]
async fn a_file_of_version_7_gets_its_sums_over_midnight() {
    let desk = with_a_run_over_midnight().await;
    desk.change_the_tables(FILE_OF_7);
    has_split_it(&desk).await;
}

#[tokio::test]
async fn real_a_schema_of_version_7_gets_its_sums_over_midnight() {
    use_postgres();
    let desk = with_a_run_over_midnight().await;
    desk.change_the_tables(SCHEMA_OF_7);
    has_split_it(&desk).await;
}

/// Takes the tables of a ledger back to version 9, which had two indexes less.
const BACK_TO_9: &str = "DROP INDEX closed_holds; DROP INDEX long_holds;";

/// A ledger with runs, holds, a correction and somebody who was erased, at version 9: it says what it said, also of the past.
async fn goes_on_from_9(version: &str) {
    let desk = crate::evidence::busy_desk().await;
    let mut of_bob = foreign(5, 9);
    of_bob.run.user = name("bob");
    let bob = model::Principal { user: name("bob"), site: Some(name("jupiter")) };
    let erased = desk.post(&[settle(of_bob), Command::Erase(bob)]).await;
    assert!(matches!(erased[1], Outcome::Erased(_)), "{erased:?}");
    let past = BalanceQuery { as_of: Some(at(NOW)), ..BalanceQuery::default() };
    let said = async |book: &dyn Book| {
        let holds = [book.hold(hold_id(1)).await, book.hold(hold_id(2)).await].map(|hold| hold.expect("read"));
        let now_and_then = [
            book.balances(&BalanceQuery::default(), now()).await.expect("balances"),
            book.balances(&past, now()).await.expect("balances"),
        ];
        (now_and_then, holds, export(book).await)
    };
    let before = said(desk.book.as_ref()).await;
    assert!(before.1.iter().all(Option::is_some) && before.2.contains("\"correct\""), "{before:?}");
    desk.change_the_tables(&format!("{BACK_TO_9} {version}"));
    let book = desk.open_again(OpenMode::Existing);
    assert_eq!(said(book.as_ref()).await, before);
    assert_eq!(book.verify().await.expect("verified").findings, [""; 0]);
    book.post(&ada(), now(), &[settle(foreign(7, 7)), hold(9, 10)]).await.expect("posted");
    assert_eq!(book.verify().await.expect("verified").findings, [""; 0]);
}

#[tokio::test]
async fn a_file_of_version_9_goes_on() {
    goes_on_from_9("PRAGMA user_version = 9;").await;
}

#[tokio::test]
async fn real_a_schema_of_version_9_goes_on() {
    use_postgres();
    goes_on_from_9("UPDATE meta SET value = '9' WHERE name = 'version';").await;
}

async fn covers_from_now_on(book: &dyn Book) {
    let outcomes = book.post(&ada(), now(), &[settle(foreign(1, 40)), settle(foreign(2, 50))]).await.expect("posted");
    assert_eq!(outcomes[0], Outcome::Settled(SettleOutcome::Same), "what was charged stays so");
    let of_opening = SettleOutcome::Covered { project: atlas(), unit: gh200(), amount: milli(50) };
    assert_eq!(outcomes[1], Outcome::Settled(of_opening));
    assert_eq!(book.covered().await.expect("listed").len(), 1);
    assert_eq!(book.verify().await.expect("verified").findings, [""; 0]);
}

fn opened_of_7() -> [Command; 3] {
    let opening = Command::Opening(new_opening(100, NOW + 200));
    [grant("1", 1000), settle(foreign(1, 40)), opening]
}

#[tokio::test]
async fn a_file_of_version_7_covers_runs_from_now_on() {
    let desk = Desk::new();
    desk.change_the_tables(BOUND);
    desk.post(&opened_of_7()).await;
    let Desk { book, folder, .. } = desk;
    drop(book);
    let path = folder.path().join("ledger.db");
    let file = rusqlite::Connection::open(&path).expect("opened");
    file.execute_batch(&format!("{BACK_TO_7} {FILE_OF_7}")).expect("taken back");
    drop(file);
    covers_from_now_on(&SqliteBook::open(&path, OpenMode::Existing).expect("opened")).await;
}

#[tokio::test]
async fn real_a_schema_of_version_7_covers_runs_from_now_on() {
    use_postgres();
    let desk = Desk::new();
    desk.change_the_tables(BOUND);
    desk.post(&opened_of_7()).await;
    let Desk { book, folder, database } = desk;
    drop(book);
    let database = database.expect("on the server");
    let back = format!("SET search_path = pakt; {BACK_TO_7} {SCHEMA_OF_7}");
    database.sql(&back).expect("taken back");
    let book = PostgresBook::open(&place(&database.url()), folder.path(), OpenMode::Existing);
    covers_from_now_on(&book.expect("opened")).await;
}
