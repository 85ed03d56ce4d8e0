//! Posts that wait together: committed together, each with its own fate.

use crate::support::*;
use ledger::{AmendHold, Book, Command, Enforce, LedgerErrorKind, NewCeiling, NewGrant, NewHold, OpenMode, Outcome};
use model::{ProjectName, Window};
use proptest::prelude::*;
use rusqlite::Connection;
use std::path::Path;
use std::sync::Arc;
use tokio::task::JoinSet;

type Answer = Result<Vec<Outcome>, LedgerErrorKind>;

/// When it is posted by its caller's clock, and what.
type Post = (i64, Vec<Command>);

fn at_once(commands: impl IntoIterator<Item = Command>) -> Vec<Post> {
    commands.into_iter().map(|command| (NOW, vec![command])).collect()
}

async fn answer(book: &dyn Book, (seconds, commands): Post) -> Answer {
    book.post(&ada(), at(seconds), &commands).await.map_err(|error| error.kind)
}

/// Posts each in a task of its own, once `let_go` was called with all of them waiting.
async fn post_at_once(book: &Arc<dyn Book>, posts: Vec<Post>, let_go: impl FnOnce()) -> Vec<Answer> {
    let mut answers = JoinSet::new();
    for (number, post) in posts.into_iter().enumerate() {
        let book = Arc::clone(book);
        answers.spawn(async move { (number, answer(book.as_ref(), post).await) });
    }
    // Tasks that were spawned run before this one does again, each to where it waits for its answer.
    tokio::task::yield_now().await;
    let_go();
    let mut answers = answers.join_all().await;
    answers.sort_by_key(|(number, _)| *number);
    answers.into_iter().map(|(_, answer)| answer).collect()
}

/// The same by a book of its own, while somebody else has the file: all but the first share a transaction. Posts to a server
/// share it as they come.
async fn post_together(desk: &Desk, posts: Vec<Post>) -> Vec<Answer> {
    let book: Arc<dyn Book> = Arc::from(desk.open_again(OpenMode::Existing));
    if desk.database.is_some() {
        return post_at_once(&book, posts, || {}).await;
    }
    let other = Connection::open(desk.path()).expect("opened");
    other.execute_batch("BEGIN IMMEDIATE").expect("the writer's lock");
    post_at_once(&book, posts, || other.execute_batch("COMMIT").expect("let go")).await
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
    desk.post(&[grant("g", 100_000), enforce(true)]).await;
    let before = commits(&desk.path());
    let mut posts = at_once((0..20).map(|number| hold(number, 100)));
    // What one of them has done before it fails is taken back without the others.
    posts.insert(9, (NOW, vec![hold(50, 100), hold(51, 500_000)]));
    let answers = post_together(&desk, posts).await;
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 20, "{answers:?}");
    // The first may have been taken alone, before the others had come.
    assert!(commits(&desk.path()) - before <= 2, "{} commits", commits(&desk.path()) - before);
    assert_eq!(desk.book.open_holds(None).await.expect("holds").len(), 20);
    desk.verify().await;
}

#[tokio::test]
async fn what_one_of_them_may_not_do_fails_alone() {
    let desk = Desk::new();
    desk.post(&[grant("g", 1_000), enforce(true)]).await;
    let mut posts = at_once((0..16).map(|number| hold(number, 100)));
    // A hold that is refused takes the one before it in the same post along.
    posts.insert(3, (NOW, vec![hold(50, 100), hold(51, 5_000)]));
    posts.insert(7, (NOW, vec![close(99)]));
    posts.push((NOW, vec![close(0)]));
    let answers = post_together(&desk, posts).await;
    let held = answers.iter().filter(|answer| matches!(answer.as_deref(), Ok([Outcome::Held(..)]))).count();
    assert_eq!(held, 10, "{answers:?}");
    let refused = |number: usize| matches!(answers[number], Err(LedgerErrorKind::Refused(_)));
    assert!(refused(3), "{:?}", answers[3]);
    assert!(matches!(answers[7], Err(LedgerErrorKind::UnknownHold)), "{:?}", answers[7]);
    assert!(matches!(answers[18].as_deref(), Ok([Outcome::Closed(..)])), "{:?}", answers[18]);
    assert_eq!((0..18).filter(|number| refused(*number)).count(), 7);
    assert_eq!(desk.book.open_holds(None).await.expect("holds").len(), 9);
    desk.verify().await;
}

/// What moves amounts is written at once, and cannot be taken back for one post alone.
#[tokio::test]
async fn a_hold_that_comes_after_its_run_fails_with_its_post() {
    let desk = Desk::new();
    desk.post(&[grant("g", 1_000), enforce(true), Command::Bind(binding()), settle(ours(1, 50, 1))]).await;
    let late = || (NOW, vec![hold(1, 100), hold(51, 5_000)]);
    for posts in [vec![late()], vec![(NOW, vec![hold(2, 10)]), late()]] {
        let answers = post_together(&desk, posts).await;
        assert!(matches!(answers.last(), Some(Err(LedgerErrorKind::Refused(_)))), "{answers:?}");
        assert!(desk.book.hold(hold_id(1)).await.expect("read").is_none());
        desk.verify().await;
    }
    assert_eq!(desk.numbers().await, [1_000, 50, 0, 10, 0, 940]);
}

#[tokio::test]
async fn what_others_held_meanwhile_is_seen_by_the_next_transaction() {
    let desk = Desk::new();
    desk.post(&[grant("g", 1_000), enforce(true)]).await;
    let [one, other] = [(); 2].map(|()| desk.open_again(OpenMode::Existing));
    // Who posts, what, and whether it is done.
    for (book, command, is_done) in [
        (&one, hold(1, 400), true),
        (&other, hold(2, 400), true),
        (&one, hold(3, 400), false),
        (&other, close(2), true),
        (&one, hold(3, 400), true),
        (&other, hold(4, 400), false),
        (&other, hold(4, 200), true),
    ] {
        let answer = answer(book.as_ref(), (NOW, vec![command.clone()])).await;
        assert_eq!(answer.is_ok(), is_done, "{command:?}: {answer:?}");
    }
    assert_eq!(desk.numbers().await, [1_000, 0, 0, 1_000, 0, 0]);
}

#[tokio::test]
async fn of_many_posts_of_many_books_as_many_hold_as_the_budget_covers() {
    let desk = Desk::new();
    desk.post(&[grant("g", 1_000), enforce(true)]).await;
    let hold_all = |first: u32| {
        let book: Arc<dyn Book> = Arc::from(desk.open_again(OpenMode::Existing));
        let posts = at_once((first..first + 16).map(|number| hold(number, 30)));
        let answers = runtime().block_on(post_at_once(&book, posts, || {}));
        assert!(answers.iter().all(|answer| matches!(answer, Ok(_) | Err(LedgerErrorKind::Refused(_)))), "{answers:?}");
        answers.iter().filter(|answer| answer.is_ok()).count()
    };
    let held: usize = std::thread::scope(|scope| {
        let hold_all = &hold_all;
        let threads: Vec<_> = (0..8).map(|number| scope.spawn(move || hold_all(100 * number))).collect();
        threads.into_iter().map(|thread| thread.join().expect("no panic")).sum()
    });
    assert_eq!(held, 33);
    assert_eq!(desk.numbers().await, [1_000, 0, 0, 990, 0, 10]);
    desk.verify().await;
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().build().expect("a runtime")
}

const JOBS: u32 = 6;

fn projects() -> [ProjectName; 2] {
    [atlas(), name("borealis")]
}

/// A hold of one of the projects; one of four is made without being authorised.
fn a_hold() -> impl Strategy<Value = Command> {
    (0..JOBS, 0..2_usize, 1..400_i64, 0..4_u32).prop_map(|(number, project, ceiling, how)| {
        let (project, is_provisional) = (projects()[project].clone(), how == 0);
        Command::Hold(NewHold { project, is_provisional, ..new_hold(number, ceiling) })
    })
}

fn an_amendment() -> impl Strategy<Value = Command> {
    (0..JOBS, 0..500_i64, any::<bool>()).prop_map(|(number, ceiling, is_wanted)| {
        let (amount, why) = (milli(ceiling), "another limit".to_owned());
        let seen = NewCeiling::Seen { rest: amount, why };
        let ceiling = if is_wanted { NewCeiling::Wanted(amount) } else { seen };
        Command::Amend(AmendHold { id: hold_id(number), ceiling })
    })
}

fn some_posts() -> impl Strategy<Value = Vec<Post>> {
    let command = prop_oneof![4 => a_hold(), 2 => an_amendment(), 3 => (0..JOBS).prop_map(close)];
    let post = (NOW..NOW + 2, prop::collection::vec(command, 1..4));
    prop::collection::vec(post, 2..24)
}

/// Two enforced budgets, of one of which a part ends a second from now; jobs 1 and 2 have run, 3 and 4 were seen, all of them
/// before anybody held for them.
async fn prepared() -> Desk {
    let desk = Desk::in_memory();
    let mut commands = vec![Command::Bind(binding())];
    for project in projects() {
        let unit = gh200();
        let reference = format!("GCS-2026-{project}");
        let new = NewGrant { project: project.clone(), reference, ..new_grant(project.as_str(), 600) };
        commands.extend([Command::Grant(new), Command::SetEnforce(Enforce { project, unit, is_enforced: true })]);
    }
    let window = Window { from: at(NOW - 1000), to: at(NOW + 1) };
    commands.push(Command::Grant(NewGrant { window, ..new_grant("short", 200) }));
    commands.extend([settle(ours(1, 50, 1)), settle(ours(2, 60, 2))]);
    commands.push(observe(NOW, vec![running(3, Some(stamp(3)), 30, 200)], vec![pending(4, Some(stamp(4)), 150)]));
    desk.post(&commands).await;
    desk
}

async fn come_to_the_same(posts: Vec<Post>) -> Result<(), TestCaseError> {
    let (one, other) = (prepared().await, prepared().await);
    let mut alone = Vec::new();
    for post in posts.clone() {
        alone.push(answer(one.book.as_ref(), post).await);
    }
    let together = post_together(&other, posts.clone()).await;
    for ((alone, together), post) in alone.iter().zip(&together).zip(&posts) {
        prop_assert_eq!(alone, together, "{:?} among {:?}", post, posts);
    }
    prop_assert_eq!(export(one.book.as_ref()).await, export(other.book.as_ref()).await);
    prop_assert_eq!(one.book.open_holds(None).await, other.book.open_holds(None).await);
    other.verify().await;
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(48), ..ProptestConfig::default() })]

    #[test]
    fn together_they_come_to_what_they_come_to_one_after_the_other(posts in some_posts()) {
        runtime().block_on(come_to_the_same(posts))?;
    }
}

on_postgres_too! {
    what_one_of_them_may_not_do_fails_alone, a_hold_that_comes_after_its_run_fails_with_its_post,
    what_others_held_meanwhile_is_seen_by_the_next_transaction,
    of_many_posts_of_many_books_as_many_hold_as_the_budget_covers,
    together_they_come_to_what_they_come_to_one_after_the_other,
}
