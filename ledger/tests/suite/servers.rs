//! What a server adds: many connections, one that is lost in a commit, a server that is killed, and what is said when it
//! cannot be used. All of it on the lab's PostgreSQL.

use crate::alike::are_alike;
use crate::every_kind::{LATE, desk_of_every_kind};
use crate::support::*;
use lab::{FaultProxy, Moment};
use ledger::evidence::SignedCheckpoint;
use ledger::{
    BalanceQuery, Book, Command, Effect, LedgerError, LedgerErrorKind, NewHold, OpenMode, Outcome, Outside,
    PostgresBook, Retry, SqliteBook,
};
use std::sync::Arc;

/// The ledger that is there, over a connection of its own.
fn open(url: &str) -> Result<PostgresBook, LedgerError> {
    open_as(url, OpenMode::Existing)
}

/// By somebody who has no key of a log yet, and keeps none that is made.
fn open_as(url: &str, mode: OpenMode) -> Result<PostgresBook, LedgerError> {
    let keys = tempfile::tempdir().expect("a folder");
    PostgresBook::open(&place(url), keys.path(), mode)
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().build().expect("a runtime")
}

/// A number of entries by their kind, as the tables have them.
fn count(desk: &Desk, kind: &str) -> String {
    desk.database().sql(&format!("SELECT count(*) FROM pakt.entries WHERE kind = '{kind}'")).expect("counted")
}

#[tokio::test]
async fn real_the_same_commands_and_bits_give_the_same_bytes_on_both_stores() {
    let on_file = desk_of_every_kind(&counted_from(1)).await;
    use_postgres();
    let on_server = desk_of_every_kind(&counted_from(1)).await;
    assert!(on_file.database.is_none() && on_server.database.is_some());
    assert_eq!(are_alike(&on_file, &on_server, LATE).await, [""; 0]);
    let log = on_file.book.log().await.expect("a log");
    assert!(log.checkpoint.is_some() && log.unsigned.is_none());
}

/// One hold by a connection of its own: `held`, `refused`, or what went wrong.
fn hold_once(url: &str, number: u32) -> String {
    let attempt = || runtime().block_on(open(url)?.post(&ada(), now(), &[hold(number, 10)])).map(drop);
    match attempt() {
        Ok(()) => "held".to_owned(),
        Err(error) if error.refusal().is_some() => "refused".to_owned(),
        Err(error) => format!("{:?} {:?}: {error} {:?}", error.kind, error.retry, error.facts),
    }
}

#[tokio::test]
async fn real_of_sixty_four_connections_ten_get_what_covers_ten() {
    // An administrator may have chosen with which isolation transactions begin.
    for isolation in ["read committed", "repeatable read", "serializable"] {
        let desk = Desk::on_postgres();
        let set = "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET default_transaction_isolation = %L',
            current_database(), 'ISOLATION'); END $$";
        desk.database().sql(&set.replace("ISOLATION", isolation)).expect("set");
        desk.post(&[grant("g1", 100), enforce(true)]).await;
        let url = desk.database().url();
        let answers: Vec<String> = std::thread::scope(|scope| {
            let url = &url;
            let threads: Vec<_> = (0..64).map(|number| scope.spawn(move || hold_once(url, number))).collect();
            threads.into_iter().map(|thread| thread.join().expect("no panic")).collect()
        });
        let count = |word: &str| answers.iter().filter(|answer| *answer == word).count();
        assert_eq!((count("held"), count("refused")), (10, 54), "{isolation}: {answers:?}");
        assert_eq!(desk.numbers().await, [100, 0, 0, 100, 0, 0]);
        desk.verify().await;
    }
}

#[tokio::test]
async fn real_posts_that_are_committed_together_keep_their_own_fate() {
    let desk = Desk::on_postgres();
    desk.post(&[grant("g1", 100), enforce(true), hold(900, 0), settle(ours(1, 3, 901))]).await;
    let book: Arc<dyn Book> = Arc::from(desk.book);
    let mut posts: Vec<Vec<Command>> = (0..64).map(|number| vec![hold(number, 10)]).collect();
    posts.push(vec![hold(900, 5)]);
    posts.push(vec![Command::Amend(ledger::AmendHold {
        id: hold_id(999),
        ceiling: ledger::NewCeiling::Wanted(milli(5)),
    })]);
    posts.push(vec![hold(300, 0), close(300), hold(300, 7)]);
    posts.push(vec![hold(301, 0), close(301)]);
    posts.push(vec![Command::Hold(NewHold { note: "nu\0ll".to_owned(), ..new_hold(302, 0) })]);
    // Its job has a run in the books already.
    posts.push(vec![Command::Hold(NewHold { is_provisional: true, ..new_hold(901, 0) })]);
    let waiting: Vec<_> = posts
        .into_iter()
        .map(|commands| {
            let book = Arc::clone(&book);
            tokio::spawn(async move { book.post(&ada(), now(), &commands).await.map(drop) })
        })
        .collect();
    let mut kinds = Vec::new();
    for post in waiting {
        kinds.push(post.await.expect("no panic").map_err(|error| error.kind));
    }
    let held = kinds[..64].iter().filter(|kind| kind.is_ok()).count();
    let refused = kinds[..64].iter().filter(|kind| matches!(kind, Err(LedgerErrorKind::Refused(_)))).count();
    assert_eq!((held, refused), (10, 54), "{kinds:?}");
    let conflict = Err(LedgerErrorKind::Conflict);
    let unknown = Err(LedgerErrorKind::UnknownHold);
    assert_eq!(kinds[64..], [conflict.clone(), unknown, conflict, Ok(()), Err(LedgerErrorKind::Invalid), Ok(())]);
    assert_eq!(book.hold(hold_id(300)).await, Ok(None), "what came before the conflict has not happened");
    assert_eq!(book.hold(hold_id(901)).await.expect("read").expect("there").charged, milli(3));
    let verification = book.verify().await.expect("verified");
    assert_eq!(verification.findings, Vec::<String>::new());
}

/// A post whose connection is cut, and the same once more. What the first gave, and how many holds there are after each.
fn cut_and_repeat(moment: Moment, text: &str) -> (Result<(), (LedgerErrorKind, Retry)>, String, Effect, String) {
    let server = lab::postgres().expect("lab up postgres");
    let desk = Desk::on_postgres();
    runtime().block_on(desk.post(&[grant("g1", 100)]));
    let proxy = FaultProxy::before(server.port()).expect("a proxy");
    let book = open(&desk.database().tcp_url_at(proxy.port())).expect("opened");
    proxy.cut_at(moment, text);
    let post = || runtime().block_on(book.post(&ada(), now(), &[hold(1, 10)]));
    let first = post().map(drop).map_err(|error| (error.kind, error.retry));
    let after_first = count(&desk, "hold");
    let Outcome::Held(_, effect) = post().expect("the repetition is safe").remove(0) else { panic!("no hold") };
    runtime().block_on(desk.verify());
    (first, after_first, effect, count(&desk, "hold"))
}

#[test]
fn real_a_commit_whose_outcome_is_unknown_is_safe_to_repeat() {
    let unknown = || Err((LedgerErrorKind::Disconnected, Retry::LookFirst));
    let one = || "1".to_owned();
    assert_eq!(cut_and_repeat(Moment::BeforeRequest, OF_A_COMMIT), (unknown(), "0".to_owned(), Effect::Done, one()));
    assert_eq!(cut_and_repeat(Moment::BeforeAnswer, OF_A_COMMIT), (unknown(), one(), Effect::AlreadyDone, one()));
}

#[test]
fn real_a_connection_that_is_lost_before_the_commit_is_made_anew() {
    let one = || "1".to_owned();
    for (moment, text) in [
        (Moment::BeforeRequest, "BEGIN"),
        (Moment::BeforeAnswer, "BEGIN"),
        (Moment::BeforeRequest, "COPY entries"),
        (Moment::BeforeAnswer, "INSERT INTO posts"),
    ] {
        assert_eq!(cut_and_repeat(moment, text), (Ok(()), one(), Effect::AlreadyDone, one()), "{moment:?} {text}");
    }
}

#[tokio::test]
async fn real_what_a_killed_server_had_confirmed_is_there() {
    let server = lab::postgres_exclusive().expect("lab up postgres");
    let database = server.database().expect("a database");
    let keys = tempfile::tempdir().expect("a folder");
    let book = PostgresBook::open(&place(&database.url()), keys.path(), OpenMode::Create).expect("made");
    book.post(&ada(), now(), &[grant("g1", 100)]).await.expect("posted");
    let (told, confirmed) = std::sync::mpsc::channel();
    let (at, folder) = (place(&database.url()), keys.path().to_owned());
    let holding = std::thread::spawn(move || {
        let book = PostgresBook::open(&at, &folder, OpenMode::Existing).expect("opened");
        for number in 0.. {
            if let Err(error) = runtime().block_on(book.post(&ada(), now(), &[hold(number, 1)])) {
                return error;
            }
            // A test that has heard enough listens no longer.
            told.send(number).unwrap_or_default();
        }
        unreachable!("it holds until it cannot")
    });
    let url = database.url();
    let looking = std::thread::spawn(move || {
        let (book, mut seen) = (open(&url).expect("opened"), None);
        while let Ok(log) = runtime().block_on(book.log()) {
            seen = log.checkpoint;
        }
        seen.expect("a checkpoint")
    });
    confirmed.iter().take(40).for_each(drop);
    server.kill().expect("killed");
    let checkpoint = SignedCheckpoint::parse(looking.join().expect("no panic").as_bytes()).expect("a checkpoint");
    let error = holding.join().expect("no panic");
    assert_eq!(error.kind, LedgerErrorKind::Disconnected, "{error:?}");
    server.start().expect("started");
    let last = confirmed.iter().last().unwrap_or(39);
    for number in 0..=last {
        assert!(book.hold(hold_id(number)).await.expect("read").is_some(), "hold {number}");
    }
    let outside = Outside { checkpoints: vec![checkpoint], ..Outside::default() };
    let verification = book.audit(&outside).await.expect("verified");
    assert_eq!(verification.findings, Vec::<String>::new(), "no checkpoint was shown that the crash took back");
    book.post(&ada(), now(), &[hold(last + 1, 1), grant("g2", 100)]).await.expect("it goes on");
}

#[tokio::test]
async fn real_what_cannot_be_opened_is_named_and_left_alone() {
    let server = lab::postgres().expect("lab up postgres");
    let wrong_password = |url: String| url.replacen("pakt:", "pakt:0", 1);
    for (statements, change_url, mode, kind) in [
        ("", None, OpenMode::Existing, LedgerErrorKind::NotFound),
        ("CREATE SCHEMA pakt", None, OpenMode::Existing, LedgerErrorKind::NotFound),
        ("CREATE SCHEMA pakt; CREATE TABLE pakt.theirs ()", None, OpenMode::Create, LedgerErrorKind::NotALedger),
        ("CREATE SCHEMA pakt; CREATE TABLE pakt.meta (x text)", None, OpenMode::Create, LedgerErrorKind::NotALedger),
        ("", Some(wrong_password as fn(String) -> String), OpenMode::Create, LedgerErrorKind::NotPermitted),
        ("", Some(|url| url.replace("test_", "no_")), OpenMode::Create, LedgerErrorKind::NotFound),
    ] {
        let database = server.database().expect("a database");
        if !statements.is_empty() {
            database.sql(statements).expect("made");
        }
        let url = change_url.map_or_else(|| database.tcp_url(), |change| change(database.tcp_url()));
        let error = open_as(&url, mode).expect_err("no ledger");
        assert_eq!((&error.kind, error.retry), (&kind, Retry::Never), "{statements}: {error:?}");
        assert!(error.to_string().starts_with("opening the ledger: "), "{error}");
        let password = url.split([':', '@']).nth(2).expect("a password");
        assert!(!format!("{error:?}").contains(password), "{error:?}");
    }
    let error = open_as("postgres://ada@127.0.0.1:1/x", OpenMode::Create).expect_err("nobody");
    assert_eq!((error.kind, error.retry), (LedgerErrorKind::Disconnected, Retry::Later));
}

#[tokio::test]
async fn real_a_ledger_of_another_release_is_left_alone() {
    let desk = Desk::on_postgres();
    for (version, kind) in [(99, LedgerErrorKind::NewerVersion), (5, LedgerErrorKind::OlderVersion)] {
        let change = format!("UPDATE pakt.meta SET value = '{version}' WHERE name = 'version'");
        desk.database().sql(&change).expect("changed");
        for mode in [OpenMode::Existing, OpenMode::Create] {
            let error = open_as(&desk.database().url(), mode).expect_err("of another release");
            assert_eq!((&error.kind, error.retry), (&kind, Retry::Never));
            assert!(error.why.contains(&format!("version {version}")), "{}", error.why);
        }
    }
}

#[test]
fn real_connections_that_make_the_same_ledger_at_once_make_one() {
    let server = lab::postgres().expect("lab up postgres");
    let database = server.database().expect("a database");
    let url = database.url();
    std::thread::scope(|scope| {
        let url = &url;
        let making: Vec<_> = (0..8).map(|_| scope.spawn(move || open_as(url, OpenMode::Create).map(drop))).collect();
        for made in making {
            assert_eq!(made.join().expect("no panic"), Ok(()));
        }
    });
    assert_eq!(database.sql("SELECT count(*) FROM pakt.meta").expect("counted"), "3");
}

#[tokio::test]
async fn real_a_server_that_takes_no_changes_is_read() {
    let desk = Desk::on_postgres();
    desk.post(&[grant("g1", 100)]).await;
    let database = desk.database();
    let change = format!("ALTER DATABASE {} SET default_transaction_read_only = on", database.name());
    database.sql(&change).expect("changed");
    let book = open(&database.url()).expect("opened");
    let error = book.post(&ada(), now(), &[hold(1, 10)]).await.expect_err("read-only");
    assert_eq!((error.kind, error.retry), (LedgerErrorKind::ReadOnly, Retry::Never));
    assert_eq!(book.verify().await.expect("read").entries, 1);
}

#[tokio::test]
async fn real_a_full_disk_of_the_server_is_said_and_loses_nothing() {
    let desk = Desk::on_postgres();
    desk.post(&[grant("g1", 100)]).await;
    // The lab's role may fill no disk: what the server says then is said by a trigger.
    let full = "CREATE FUNCTION disk_is_full() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION 'could not extend file' USING ERRCODE = 'disk_full'; END $$;
        CREATE TRIGGER disk_is_full BEFORE INSERT ON pakt.posts FOR EACH ROW EXECUTE FUNCTION disk_is_full()";
    desk.database().sql(full).expect("made");
    for commands in [vec![hold(1, 10)], vec![grant("g2", 5), Command::Bind(binding())]] {
        let error = desk.try_post(&commands).await.expect_err("full");
        assert_eq!((error.kind, error.retry), (LedgerErrorKind::DiskFull, Retry::Later));
    }
    desk.database().sql("DROP TRIGGER disk_is_full ON pakt.posts").expect("room was made");
    assert_eq!(desk.post(&[hold(1, 10)]).await.len(), 1);
    assert_eq!(desk.shown_entries().await, ["grant 100", "hold 10"]);
    desk.verify().await;
}

#[tokio::test]
async fn real_whoever_changes_the_tables_is_found() {
    use_postgres();
    for (change, found) in [
        ("UPDATE balances SET amount = amount + 1 WHERE account = 'budget/atlas'", "balance of budget/atlas"),
        ("UPDATE totals SET amount = amount - 5 WHERE kind = 'settle'", "total of settle of atlas"),
        ("DELETE FROM holds", "hold 01"),
        ("UPDATE runs SET amount = 1 WHERE job = 2", "charge of run jupiter/booster/2@"),
        ("UPDATE hourly_spending SET spent = spent - 1", "what atlas spent in jupiter:gh200 by the hour"),
        ("ALTER TABLE entries DISABLE TRIGGER USER; UPDATE entries SET key = 'g2' WHERE number = 1", "entry 1 is not"),
        ("ALTER TABLE entries DISABLE TRIGGER USER; UPDATE entries SET note = 'x' WHERE number = 2", "note of entry 2"),
        ("UPDATE names SET text = 'budget/other' WHERE text = 'budget/atlas'", "entry 1 is not"),
        (r#"UPDATE persons SET "user" = 'bob' WHERE "user" = 'ada'"#, "is not the one that the entries are about"),
        ("UPDATE persons SET pseudonym = decode(repeat('00', 16), 'hex')", "entry 1 is not"),
        ("UPDATE log SET frontier = decode(repeat('00', 8), 'hex')", "the frontier of the log"),
        ("UPDATE log SET checkpoint = regexp_replace(checkpoint, E'\\n[0-9]+\\n', E'\\n1\\n')", "counts for nothing"),
        ("ALTER TABLE entries DISABLE TRIGGER USER; DELETE FROM entries WHERE number = 6", "entry 7 follows entry 5"),
        ("ALTER TABLE entries DISABLE TRIGGER USER; UPDATE entries SET amount = 99 WHERE number = 4", "entry 4 is not"),
    ] {
        let desk = crate::evidence::busy_desk().await;
        desk.database().sql(&format!("SET search_path = pakt; {change}")).expect(change);
        let verification = desk.book.verify().await.expect("verified");
        let is_found = verification.findings.iter().any(|finding| finding.contains(found));
        assert!(is_found && !verification.is_consistent(), "{change}: {:?}", verification.findings);
    }
}

#[tokio::test]
async fn real_the_server_itself_forbids_what_a_mistake_of_ours_could_do() {
    use_postgres();
    let desk = crate::evidence::busy_desk().await;
    let insert = "INSERT INTO posts (recorded_at, actor_user, commands, last_entry) VALUES (0, 'ada', 1";
    for (statement, answer) in [
        ("UPDATE entries SET amount = 1 WHERE number = 1", "never changed"),
        ("DELETE FROM entries WHERE number = 1", "never deleted"),
        ("TRUNCATE entries", "never deleted"),
        (&format!("{insert}, 3)"), "numbered without gaps"),
        (&format!("{insert}, 99)"), "numbered without gaps"),
        (&format!("{insert}, (SELECT max(number) FROM entries))"), ""),
        (
            &format!(
                "UPDATE balances SET amount = 1 WHERE account LIKE 'budget%'; {insert}, (SELECT max(number) FROM entries))"
            ),
            "do not sum to zero",
        ),
    ] {
        let outcome = desk.database().sql(&format!("BEGIN; SET search_path = pakt; {statement}; ROLLBACK"));
        match outcome {
            Err(error) => assert!(!answer.is_empty() && error.to_string().contains(answer), "{statement}: {error}"),
            Ok(_) => assert_eq!(answer, "", "{statement}"),
        }
    }
}

#[tokio::test]
async fn real_a_character_that_the_server_cannot_keep_costs_no_row() {
    let desk = Desk::on_postgres();
    desk.post(&[grant("g1", 1000), Command::Bind(binding())]).await;
    let mut odd = foreign(1, 60);
    odd.run.name = "tra\0in".to_owned();
    odd.run.raw = "1|tra\0in".to_owned();
    desk.post(&[settle(odd), settle(foreign(2, 5))]).await;
    assert_eq!(desk.numbers().await[1], 65);
    desk.verify().await;
}

#[tokio::test]
async fn real_a_ledger_that_is_moved_is_the_same_and_goes_on() {
    let desk = crate::evidence::busy_desk_in(&counted_from(1)).await;
    let odd: Vec<Command> = (0..300).map(|number| settle(foreign(1000 + number, 5))).collect();
    desk.post(&odd).await;
    desk.post(&[observe(NOW, vec![running(7, None, 5, 9)], vec![]), cursor("user:ada", NOW)]).await;
    let bindings = desk.book.bindings().await;
    let database = lab::postgres().and_then(|server| server.database()).expect("lab up postgres");
    let (place, keys) = (place(&database.url()), tempfile::tempdir().expect("a folder"));
    let file = SqliteBook::open(&desk.path(), OpenMode::Existing).expect("opened");
    let (lines, log) = (crate::exports::lines(&file, false).await, file.log().await);
    let verification = file.move_to(&place, keys.path()).await.expect("moved");
    assert_eq!((&verification.findings, verification.entries), (&vec![], log.clone().expect("a log").size));
    let moved = PostgresBook::open(&place, keys.path(), OpenMode::Existing).expect("opened");
    assert_eq!(crate::exports::lines(&moved, false).await, lines);
    assert_eq!((moved.log().await, moved.bindings().await), (log, bindings));
    for number in [1, 5, 256, 300] {
        let proof = |proof: Result<ledger::evidence::EntryProof, LedgerError>| proof.expect("proven").to_string();
        assert_eq!(proof(moved.prove(number).await), proof(file.prove(number).await));
    }
    let query = BalanceQuery::default();
    assert_eq!(moved.balances(&query, now()).await, file.balances(&query, now()).await);
    let error = file.post(&ada(), now(), &[hold(70, 1)]).await.expect_err("moved");
    assert_eq!((error.kind, error.retry), (LedgerErrorKind::Moved, Retry::Never));
    assert_eq!((file.moved_to().await, moved.moved_to().await), (Ok(Some(place.to_string())), Ok(None)));
    let outcomes = moved.post(&ada(), now(), &[settle(foreign(1000, 5)), close(2), enforce(false)]).await;
    assert_eq!(outcomes.expect("it goes on")[0], Outcome::Settled(ledger::SettleOutcome::Same));
    moved.post(&ada(), now(), &[settle(foreign(2000, 5))]).await.expect("new names and chunks get numbers");
    assert_eq!(moved.verify().await.expect("verified").findings, Vec::<String>::new());
    assert_eq!(moved.log().await.expect("a log").unsigned, None, "the key went along");
}

#[tokio::test]
async fn real_a_ledger_is_moved_to_no_place_that_has_one() {
    let desk = crate::evidence::busy_desk().await;
    let database = lab::postgres().and_then(|server| server.database()).expect("lab up postgres");
    let (place, keys) = (place(&database.url()), tempfile::tempdir().expect("a folder"));
    let file = SqliteBook::open(&desk.path(), OpenMode::Existing).expect("opened");
    let other = PostgresBook::open(&place, keys.path(), OpenMode::Create).expect("made");
    other.post(&ada(), now(), &[grant("other", 1)]).await.expect("posted");
    let error = file.move_to(&place, keys.path()).await.expect_err("not empty");
    assert_eq!((error.kind, error.retry), (LedgerErrorKind::Conflict, Retry::Never));
    assert_eq!(other.verify().await.expect("verified").entries, 1);
    desk.post(&[grant("g9", 1)]).await;
    desk.verify().await;
}

#[tokio::test]
async fn real_a_ledger_that_is_not_sound_stays_where_it_is() {
    let desk = crate::evidence::busy_desk().await;
    let database = lab::postgres().and_then(|server| server.database()).expect("lab up postgres");
    let (place, keys) = (place(&database.url()), tempfile::tempdir().expect("a folder"));
    let change = "UPDATE totals SET amount = amount - 5 WHERE kind = 'settle'";
    rusqlite::Connection::open(desk.path()).and_then(|file| file.execute_batch(change)).expect("changed");
    let file = SqliteBook::open(&desk.path(), OpenMode::Existing).expect("opened");
    let error = file.move_to(&place, keys.path()).await.expect_err("not sound");
    assert!(error.why.contains("total of settle of atlas"), "{error}");
    assert_eq!(open(&database.url()).expect_err("nothing arrived").kind, LedgerErrorKind::NotFound);
    desk.post(&[grant("g9", 1)]).await;
}

/// Whoever moved it died after it had arrived and before the file said so: the file is as it was before.
#[tokio::test]
async fn real_a_move_that_was_cut_off_at_its_end_comes_to_its_end() {
    let desk = crate::evidence::busy_desk().await;
    let database = lab::postgres().and_then(|server| server.database()).expect("lab up postgres");
    let (place, keys) = (place(&database.url()), tempfile::tempdir().expect("a folder"));
    let [first, second, third] = std::array::from_fn(|number| desk.folder.path().join(format!("{number}.db")));
    for copy in [&first, &second, &third] {
        let backup = format!("VACUUM INTO '{}'", copy.display());
        rusqlite::Connection::open(desk.path()).and_then(|file| file.execute_batch(&backup)).expect("copied");
    }
    let open_file = |path| SqliteBook::open(path, OpenMode::Existing).expect("opened");
    let moved = open_file(&first).move_to(&place, keys.path()).await.expect("moved");
    let again = open_file(&second);
    assert_eq!(again.move_to(&place, keys.path()).await, Ok(moved));
    let error = again.post(&ada(), now(), &[hold(70, 1)]).await.expect_err("moved");
    assert_eq!(error.kind, LedgerErrorKind::Moved);
    open(&database.url()).expect("opened").post(&ada(), now(), &[grant("g9", 1)]).await.expect("it goes on");
    let error = open_file(&third).move_to(&place, keys.path()).await.expect_err("it went on there");
    assert_eq!(error.kind, LedgerErrorKind::Conflict);
}
