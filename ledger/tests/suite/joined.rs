//! Posts that wait together: committed together, each with its own fate.

use crate::support::{Desk, ada, close, enforce, grant, hold, now, on_postgres_too};
use ledger::{Book, Command, LedgerErrorKind, OpenMode, Outcome, SqliteBook};
use rusqlite::Connection;
use std::path::Path;
use std::sync::Arc;
use tokio::task::JoinSet;

type Answer = (usize, Result<Vec<Outcome>, LedgerErrorKind>);

/// Posts each in a task of its own, once `let_go` was called with all of them waiting.
async fn post_at_once(book: &Arc<dyn Book>, posts: Vec<Vec<Command>>, let_go: impl FnOnce()) -> Vec<Answer> {
    let mut answers = JoinSet::new();
    for (number, commands) in posts.into_iter().enumerate() {
        let book = Arc::clone(book);
        answers.spawn(async move {
            let answer = book.post(&ada(), now(), &commands).await;
            (number, answer.map_err(|error| error.kind))
        });
    }
    // Tasks that were spawned run before this one does again, each to where it waits for its answer.
    tokio::task::yield_now().await;
    let_go();
    let mut answers = answers.join_all().await;
    answers.sort_by_key(|(number, _)| *number);
    answers
}

/// How often something was committed to the write-ahead log: frames that say how large the file is then (SQLite's file
/// format, section 4.1).
fn commits(ledger: &Path) -> usize {
    let mut name = ledger.as_os_str().to_owned();
    name.push("-wal");
    let log = std::fs::read(name).expect("a write-ahead log");
    let page = u32::from_be_bytes(log[8..12].try_into().expect("four bytes")) as usize;
    log[32..].chunks_exact(24 + page).filter(|frame| frame[4..8] != [0; 4]).count()
}

#[tokio::test]
async fn posts_that_wait_for_the_file_share_a_commit() {
    let desk = Desk::new();
    desk.post(&[grant("g", 100_000)]).await;
    let before = commits(&desk.path());
    let book: Arc<dyn Book> = Arc::new(SqliteBook::open(&desk.path(), OpenMode::Existing).expect("opened"));
    let other = Connection::open(desk.path()).expect("opened");
    other.execute_batch("BEGIN IMMEDIATE").expect("the writer's lock");
    let posts = (0..20).map(|number| vec![hold(number, 100)]).collect();
    let answers = post_at_once(&book, posts, || other.execute_batch("COMMIT").expect("let go")).await;
    assert!(answers.iter().all(|(_, answer)| answer.is_ok()), "{answers:?}");
    // The first may have been taken alone, before the others had come.
    assert!(commits(&desk.path()) - before <= 2, "{} commits", commits(&desk.path()) - before);
    assert_eq!(desk.book.open_holds(None).await.expect("holds").len(), 20);
    let verified = desk.book.verify().await.expect("verified");
    assert_eq!(verified.findings, Vec::<String>::new());
}

#[tokio::test]
async fn what_one_of_them_may_not_do_fails_alone() {
    let desk = Desk::new();
    desk.post(&[grant("g", 1_000), enforce(true)]).await;
    let book: Arc<dyn Book> = Arc::from(desk.open_again(OpenMode::Existing));
    let mut posts: Vec<Vec<Command>> = (0..16).map(|number| vec![hold(number, 100)]).collect();
    // A hold that is refused takes the one before it in the same post along.
    posts.insert(3, vec![hold(50, 100), hold(51, 5_000)]);
    posts.insert(7, vec![close(99)]);
    posts.push(vec![close(0)]);
    let answers = post_at_once(&book, posts, || {}).await;
    let held = answers.iter().filter(|(_, answer)| matches!(answer.as_deref(), Ok([Outcome::Held(..)]))).count();
    assert_eq!(held, 10, "{answers:?}");
    let refused = |number: usize| matches!(answers[number].1, Err(LedgerErrorKind::Refused(_)));
    assert!(refused(3), "{:?}", answers[3]);
    assert!(matches!(answers[7].1, Err(LedgerErrorKind::UnknownHold)), "{:?}", answers[7]);
    assert!(matches!(answers[18].1.as_deref(), Ok([Outcome::Closed(..)])), "{:?}", answers[18]);
    assert_eq!((0..18).filter(|number| refused(*number)).count(), 7);
    assert_eq!(desk.book.open_holds(None).await.expect("holds").len(), 9);
    let verified = desk.book.verify().await.expect("verified");
    assert_eq!(verified.findings, Vec::<String>::new());
}

on_postgres_too!(what_one_of_them_may_not_do_fails_alone);
