//! Erasing a person: nothing of the name is left in the file, and every total, leaf and proof stays.

use crate::support::*;
use ledger::evidence::SignedCheckpoint;
use ledger::{
    Binding, Command, Coverage, ImportBatch, LedgerErrorKind, OpenMode, Outcome, Outside, SettleOutcome, SettledRun,
    Surroundings, Unbind, UsageField, UsageFilter, UsageQuery, UsageSpan,
};
use model::{Principal, Window};

fn of_eve(number: u64, gpu_milli: i64) -> SettledRun {
    let mut settled = foreign(number, gpu_milli);
    settled.run.user = name("evelyne");
    "evelynes-secret".clone_into(&mut settled.run.name);
    settled.run.work_directory = Some("/home/evelyne/train".to_owned());
    settled.run.raw = format!("{number}|evelyne|/home/evelyne/train");
    settled
}

fn eve() -> Principal {
    Principal { user: name("evelyne"), site: Some(name("jupiter")) }
}

async fn people(desk: &Desk) -> Vec<(String, i64)> {
    let span = UsageSpan::Instants(Window { from: at(0), to: at(NOW + 10_000) });
    let query = UsageQuery { span, known_at: None, filter: UsageFilter::default(), by: vec![UsageField::Person] };
    let sums = desk.book.usage(&query).await.expect("usage");
    let person = |user: Option<model::UserName>| user.expect("a person").to_string();
    sums.into_iter().map(|sum| (person(sum.group.person), sum.amount.milli())).collect()
}

async fn desk() -> Desk {
    desk_in(&Surroundings::here()).await
}

async fn desk_in(surroundings: &Surroundings) -> Desk {
    let desk = Desk::new_in(surroundings);
    desk.post(&[grant("g1", 1000), Command::Bind(binding())]).await;
    let runs = [of_eve(1, 60), foreign(2, 30), of_eve(3, 10)];
    let mut unbound = of_eve(4, 70);
    unbound.run.account = Some(name("guests"));
    desk.post(&[settle(unbound)]).await;
    desk.book.post(&eve(), now(), &runs.map(settle)).await.expect("posted");
    let scope = name("site:evelyne");
    let window = Window { from: at(NOW - 1000), to: at(NOW) };
    let (site, cluster, whole_accounts) = (name("jupiter"), name("booster"), Vec::new());
    let read = Coverage {
        site,
        cluster,
        scope,
        rights: None,
        whole_accounts,
        hidden_accounts: Vec::new(),
        window,
        observed_at: at(NOW),
    };
    desk.post(&[Command::Cover(read)]).await;
    let batch = ImportBatch {
        reader: "pakt".to_owned(),
        command: "ledger import /home/evelyne/runs --as evelyne".to_owned(),
        site: name("jupiter"),
        clusters: [name("booster")].into(),
        observed_at: at(NOW),
        window: None,
        rows: 3,
        totals: Vec::new(),
        digest: "00".to_owned(),
        still_running: Vec::new(),
    };
    desk.post(&[Command::NoteImport(Box::new(batch))]).await;
    // A rule that is over, and one that was never about her.
    let rule = |directory: &str| Binding {
        account: None,
        work_directory: Some(directory.parse().expect("a folder")),
        name: Some("evelyne-*".parse().expect("a pattern")),
        ..binding()
    };
    desk.post(&[Command::Bind(rule("/home/evelyne"))]).await;
    desk.post(&[Command::Unbind(Unbind { number: 2, to: at(10) })]).await;
    // She is seen in the queue with many jobs, then with one, then with none: what was seen is in parts of the file that are free.
    let seen = |jobs: u64| {
        let waiting = (100..100 + jobs).map(|job| of_user("evelyne", pending(job, None, 5))).collect();
        observe_in("all:ada", &[], NOW + i64::try_from(1000 - jobs).expect("small"), vec![], waiting)
    };
    for jobs in [500, 1, 0] {
        desk.post(&[seen(jobs)]).await;
    }
    // An earlier reading of a run, whose row nothing names any more.
    let later = read_at(of_eve(3, 20), 300);
    desk.post(&[settle(later)]).await;
    desk
}

#[tokio::test]
async fn nothing_of_the_name_is_left_and_everything_else_is() {
    let desk = desk().await;
    let log = desk.book.log().await.expect("a log");
    let proof = desk.book.prove(3).await.expect("proven");
    let (numbers, before) = (desk.numbers().await, people(&desk).await);
    assert_eq!(before, [("ada".to_owned(), 30), ("evelyne".to_owned(), 80)]);
    assert_eq!(desk.post(&[Command::Erase(eve())]).await, [Outcome::Erased(Some(3))]);
    assert_eq!(desk.book.finish_erasure().await.expect("finished"), desk.database.is_none());
    assert!(!desk.book.finish_erasure().await.expect("nothing to do"), "it is finished");
    assert_eq!(desk.numbers().await, numbers);
    let after = people(&desk).await;
    assert_eq!(after.iter().map(|(_, amount)| *amount).sum::<i64>(), 110);
    assert!(after.iter().all(|(person, _)| person != "evelyne"), "{after:?}");
    desk.verify().await;
    let signed = log.checkpoint.expect("signed");
    let earlier = SignedCheckpoint::parse(signed.as_bytes()).expect("read");
    let outside = Outside { checkpoints: vec![earlier], keys: Vec::new(), witnesses: Vec::new() };
    let verified = desk.book.audit(&outside).await.expect("audited");
    assert_eq!(verified.findings, [""; 0], "no leaf is another");
    assert_eq!(
        verified.entries,
        log.size + 3,
        "what the rule and the command say by now, and the reading that is gone"
    );
    let proven = desk.book.prove(3).await.expect("proven");
    assert_eq!((proven.extra, proven.inclusion.leaf_index), (proof.extra, proof.inclusion.leaf_index));
    match desk.database {
        Some(_) => is_in_no_table(&desk),
        None => is_in_no_byte(&desk),
    }
}

/// Whether the name stands in the file, in what was freed of it, or in its write-ahead log.
fn is_in_some_byte(desk: &Desk) -> bool {
    let log = desk.path().with_file_name("ledger.db-wal");
    let bytes = [desk.path(), log].map(|path| std::fs::read(path).expect("a file"));
    bytes.concat().windows(7).any(|part| part == b"evelyne")
}

fn is_in_no_byte(desk: &Desk) {
    assert!(!is_in_some_byte(desk), "the name stands in the file");
    let copy = rusqlite::Connection::open(desk.path()).expect("opened");
    let select = "SELECT packed FROM raw_rows";
    let mut statement = copy.prepare(select).expect("read");
    let chunks = statement.query_map([], |row| row.get::<_, Vec<u8>>(0)).expect("read");
    for chunk in chunks {
        is_in_no_row(&chunk.expect("a chunk"));
    }
}

/// Not in any row that the server shows. What it has overwritten goes when it tidies its own files.
fn is_in_no_table(desk: &Desk) {
    let tables = desk.database().sql("SELECT schema_to_xml('pakt', true, false, '')").expect("read");
    assert!(tables.contains("ada") && !tables.contains("evelyne"), "{tables}");
    let chunks = desk.database().sql("SELECT encode(packed, 'hex') FROM pakt.raw_rows").expect("read");
    for chunk in chunks.lines() {
        let digits = chunk.as_bytes().chunks(2).map(|two| std::str::from_utf8(two).expect("digits"));
        let bytes: Vec<u8> = digits.map(|two| u8::from_str_radix(two, 16).expect("digits")).collect();
        is_in_no_row(&bytes);
    }
}

fn is_in_no_row(chunk: &[u8]) {
    let text = lz4_flex::decompress_size_prepended(chunk).expect("unpacked");
    assert!(!String::from_utf8_lossy(&text).contains("evelyne"), "a raw row is left");
}

#[tokio::test]
async fn who_reads_meanwhile_keeps_an_erasure_unfinished_and_it_is_said() {
    let desk = desk().await;
    let reader = rusqlite::Connection::open(desk.path()).expect("opened");
    reader.execute_batch("BEGIN; SELECT count(*) FROM persons").expect("read");
    desk.post(&[Command::Erase(eve())]).await;
    let error = desk.book.finish_erasure().await.expect_err("somebody reads");
    assert_eq!(error.kind, LedgerErrorKind::Busy, "{error}");
    assert_eq!(
        error.next(),
        Some("when nobody uses the ledger any more, run the same command again: it goes on from here")
    );
    assert!(is_in_some_byte(&desk), "this test is about a name that is left");
    reader.execute_batch("COMMIT").expect("read");
    assert_eq!(desk.post(&[Command::Erase(eve())]).await, [Outcome::Erased(None)]);
    assert!(desk.book.finish_erasure().await.expect("finished"));
    is_in_no_byte(&desk);
    desk.verify().await;
}

#[tokio::test]
async fn a_rule_with_the_name_has_to_end_first() {
    let desk = desk().await;
    let rule = Binding { account: None, work_directory: Some("/p/evelyne/x".parse().expect("a folder")), ..binding() };
    desk.post(&[Command::Bind(rule)]).await;
    let refused = desk.try_post(&[Command::Erase(eve())]).await.expect_err("a rule stands");
    assert_eq!(refused.kind, LedgerErrorKind::Conflict, "{refused}");
    desk.post(&[Command::Unbind(Unbind { number: 3, to: at(0) })]).await;
    desk.post(&[Command::Erase(eve())]).await;
    let rules = desk.book.bindings().await.expect("read");
    let shown = format!("{:?} {:?}", rules[1].terms, rules[2].terms);
    assert!(!shown.contains("evelyne") && shown.contains("/x"), "{shown}");
    let command = desk.book.imports().await.expect("read").remove(0).batch.command;
    assert!(command.starts_with("ledger import /home/") && !command.contains("evelyne"), "{command}");
}

#[tokio::test]
async fn what_is_read_again_is_the_same_and_stays_erased() {
    let desk = desk().await;
    desk.post(&[Command::Erase(eve())]).await;
    let outcomes = desk.post(&[settle(of_eve(1, 60)), settle(read_at(of_eve(3, 20), 400))]).await;
    assert_eq!(outcomes, [SettleOutcome::Same, SettleOutcome::Same].map(Outcome::Settled));
    // A reading that says something else is corrected, without the name.
    let changed = desk.post(&[settle(read_at(of_eve(1, 50), 500))]).await;
    assert_eq!(changed, [Outcome::Settled(corrected(60, 50))]);
    assert!(people(&desk).await.iter().all(|(person, _)| person != "evelyne"));
    assert_eq!(people(&desk).await.iter().map(|(_, amount)| *amount).sum::<i64>(), 100);
    desk.verify().await;
}

#[tokio::test]
async fn who_works_here_still_is_not_erased() {
    let desk = desk().await;
    desk.book.post(&eve(), now(), &[hold(1, 100)]).await.expect("held");
    let refused = desk.try_post(&[Command::Erase(eve())]).await.expect_err("a hold is open");
    assert_eq!(refused.kind, LedgerErrorKind::Conflict, "{refused}");
    assert!(people(&desk).await.iter().any(|(person, _)| person == "evelyne"), "nothing happened");
    let nobody = Principal { user: name("nobody"), site: Some(name("jupiter")) };
    assert_eq!(desk.post(&[Command::Erase(nobody)]).await, [Outcome::Erased(None)]);
}

/// A session keeps the numbers of names. One that another session took away must not come into a row again.
#[tokio::test]
async fn a_session_that_knew_the_name_writes_on() {
    let desk = desk().await;
    let other = desk.open_again(OpenMode::Existing);
    other.post(&ada(), now(), &[settle(of_eve(8, 5))]).await.expect("posted");
    desk.post(&[Command::Erase(eve())]).await;
    // She works here again, in the same post as somebody else.
    let again = [settle(foreign(9, 3)), settle(of_eve(10, 4))];
    other.post(&ada(), now(), &again).await.expect("posted");
    let people: Vec<(String, i64)> = people(&desk).await.into_iter().filter(|(name, _)| name.len() < 32).collect();
    assert_eq!(people, [("ada".to_owned(), 33), ("evelyne".to_owned(), 4)]);
    let unbound = desk.book.unattributed().await.expect("read");
    assert_eq!(unbound.len(), 1);
    desk.verify().await;
    assert_eq!(desk.post(&[Command::Erase(eve())]).await, [Outcome::Erased(Some(1))]);
}

on_postgres_too!(
    nothing_of_the_name_is_left_and_everything_else_is,
    a_rule_with_the_name_has_to_end_first,
    what_is_read_again_is_the_same_and_stays_erased,
    who_works_here_still_is_not_erased,
    a_session_that_knew_the_name_writes_on,
);

#[tokio::test]
async fn real_after_erasing_both_stores_give_the_same_bytes() {
    let on_file = desk_in(&counted_from(1)).await;
    use_postgres();
    let on_server = desk_in(&counted_from(1)).await;
    let mut exports = Vec::new();
    for desk in [&on_file, &on_server] {
        desk.post(&[Command::Erase(eve())]).await;
        let book = desk.book.as_ref();
        exports.push([crate::exports::lines(book, false).await, crate::exports::lines(book, true).await]);
    }
    assert!(on_file.database.is_none() && on_server.database.is_some());
    assert_eq!(exports[0], exports[1]);
}
