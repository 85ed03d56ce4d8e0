//! Readers beside the owner of a file, each with a connection of its own, which all see one state.

use super::open::BUSY_WAIT;
use super::read_only;
use super::tables::Tables;
use crate::records::Result;
use crate::store::Store as _;
use crate::stored::{self, LogTables as _, PART, Reader};
use crate::{Outside, Verification};
use rusqlite::{Connection, Transaction, TransactionBehavior};
use std::path::Path;

/// A ledger that is written to all the time is read by one.
const TRIES: u32 = 8;

/// A connection that only reads.
struct SideReader(Connection);

impl Reader for SideReader {
    type Tables<'a> = Tables<'a>;

    fn read<O>(self, work: impl FnOnce(&Tables<'_>) -> O) -> O {
        work(&Tables::new(&self.0))
    }
}

/// Verifies the ledger in one transaction, with other readers where there are other processors. `is_locked` says whether the
/// connection takes locks: the others do as it does.
pub(super) fn audit(connection: &mut Connection, is_locked: bool, outside: &Outside) -> Result<Verification> {
    let others = others_for(connection, is_locked)?;
    for _ in 0..if others.is_empty() { 0 } else { TRIES } {
        let before = versions(&others);
        let transaction = begin(connection)?;
        let after = others.iter().try_for_each(|other| other.0.execute_batch("BEGIN")).and_then(|()| versions(&others));
        // Nobody has committed between the first and the last reading of the version, so that all have the same state.
        if before.is_ok() && before == after {
            return end(transaction, others, outside);
        }
        drop(transaction);
        if others.iter().any(|other| other.0.execute_batch("COMMIT").is_err()) {
            break;
        }
    }
    end(begin(connection)?, Vec::new(), outside)
}

fn end(transaction: Transaction<'_>, others: Vec<SideReader>, outside: &Outside) -> Result<Verification> {
    let verification = stored::audit(&Tables::new(&transaction), others, outside)?;
    transaction.commit()?;
    Ok(verification)
}

/// A transaction that has begun to read.
fn begin(connection: &mut Connection) -> Result<Transaction<'_>> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Deferred)?;
    Tables::new(&transaction).log_row()?;
    Ok(transaction)
}

/// The readers for the other processors; none where one reads all in a moment, and where none can be had.
fn others_for(connection: &Connection, is_locked: bool) -> Result<Vec<SideReader>> {
    let most = stored::other_readers();
    let is_short = Tables::new(connection).last_number()? <= u64::from(PART);
    let Some(path) = connection.path().filter(|path| !(is_short || path.is_empty())) else { return Ok(Vec::new()) };
    let open = |_| {
        let other = read_only::connect(Path::new(path), is_locked).ok()?;
        other.busy_timeout(BUSY_WAIT).ok()?;
        Some(SideReader(other))
    };
    Ok((0..most).map_while(open).collect())
}

/// What SQLite counts the commits of others by, as each reader sees it.
fn versions(others: &[SideReader]) -> rusqlite::Result<Vec<i64>> {
    let version = |other: &SideReader| other.0.query_row("PRAGMA data_version", [], |row| row.get(0));
    others.iter().map(version).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        ALONE_UP_TO, Adjust, Binding, Book as _, CloseHold, CloseReason, Command, HoldId, NewGrant, NewHold, OpenMode,
        Refund, RunPrice, SettledRun, SqliteBook,
    };
    use model::{
        Amount, BaseState, Charge, EvidenceClass, ExitCode, JobId, JobState, LinkNumber, Price, Principal, Run, RunKey,
        SchedulerJobId, Stamp, TariffId, Timestamp, Tres, WallTime, Window,
    };
    use std::sync::Arc;

    const UNLOCK: &str = "DROP TRIGGER entries_are_not_changed; DROP TRIGGER entries_are_not_deleted;
        PRAGMA ignore_check_constraints = ON;";

    /// What is done to a ledger, and whether anything is found.
    const CHANGES: &[(&str, bool)] = &[
        ("", false),
        ("UPDATE entries SET amount = amount + 1 WHERE number IN (7, 9, 21)", true),
        ("UPDATE entries SET amount = -amount WHERE number IN (3, 16, 17)", true),
        ("UPDATE entries SET leaf = zeroblob(32)", true),
        ("UPDATE entries SET note = 'another' WHERE number > 1", true),
        ("UPDATE entries SET hold = '01M5VJ1JG00000000000000009' WHERE number > 5 AND hold IS NOT NULL", true),
        ("DELETE FROM entries WHERE number = 1", true),
        ("DELETE FROM entries WHERE number = 12", true),
        ("DELETE FROM entries WHERE number BETWEEN 9 AND 16", true),
        ("DELETE FROM entries WHERE number > 8", true),
        ("DELETE FROM entries", true),
        ("UPDATE entries SET number = number + 100 WHERE number > 10", true),
        ("UPDATE entries SET number = -number WHERE number > 20", true),
        ("UPDATE runs SET amount = 1 WHERE job IN (5, 6)", true),
        ("DELETE FROM runs WHERE job = 7", true),
        ("UPDATE daily_usage SET amount = amount + 1", true),
        ("UPDATE persons SET user = 'bob'", true),
        ("UPDATE log SET frontier = zeroblob(8)", true),
        ("UPDATE entries SET kind = 'gift' WHERE number = 13", true),
        ("DELETE FROM names WHERE text = 'budget/atlas'", true),
        ("UPDATE overnight_spending SET spent = spent + 1", true),
        ("UPDATE entries SET amount = 41 WHERE kind = 'refund'", true),
        (
            "UPDATE runs SET amount = 9 WHERE job = 2; UPDATE entries SET amount = 9 WHERE run_job = 2 AND kind = 'settle'",
            true,
        ),
        ("UPDATE entries SET effective_at = effective_at + 1 WHERE reverses IS NOT NULL", true),
        ("UPDATE entries SET recorded_at = recorded_at - 50 WHERE number IN (6, 8, 17)", true),
        ("UPDATE entries SET recorded_at = recorded_at + 50 - number WHERE number BETWEEN 6 AND 14", true),
        ("UPDATE entries SET actor = (SELECT actor FROM entries WHERE number = 1)", true),
        ("UPDATE entries SET amount = amount + 1 WHERE kind = 'adjust'", true),
        ("UPDATE entries SET amount = amount + 1 WHERE kind = 'expire'", true),
        ("INSERT INTO meta (name, value) VALUES ('replica', 'yes')", false),
        (
            "INSERT INTO meta (name, value) VALUES ('replica', 'yes'); UPDATE entries SET amount = 41 WHERE kind = 'refund'",
            true,
        ),
    ];

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_epoch_seconds(1_793_000_000 + seconds)
    }

    fn run(number: u64) -> Command {
        run_again(number, 40, 90_010)
    }

    /// As it was read at some second, and is charged then.
    fn run_again(number: u64, milli: i64, read: i64) -> Command {
        let gpu = Charge { unit: "jupiter:gh200".parse().expect("a unit"), amount: Amount::from_milli(milli) };
        let price =
            Price { tariff: TariffId("test".to_owned()), gpu: Some(gpu), node: None, site: None, is_estimated: false };
        let run = Run {
            key: RunKey {
                site: "jupiter".parse().expect("a site"),
                cluster: "booster".parse().expect("a cluster"),
                scheduler_job: SchedulerJobId::new(number),
                submitted_at: at(0),
            },
            sluid: None,
            shown_id: number.to_string(),
            user: "ada".parse().expect("a user"),
            account: Some("hai".parse().expect("an account")),
            partition: None,
            qos: None,
            name: String::new(),
            work_directory: None,
            stamp: number.is_multiple_of(3).then(|| Stamp { job: job(), link: LinkNumber::FIRST }),
            state: JobState::of(BaseState::Completed),
            restarts: None,
            started_at: at(10),
            ended_at: Some(at(90_000)),
            elapsed: WallTime::from_seconds(89_990),
            time_limit: None,
            allocated: Tres::default(),
            exit: ExitCode::default(),
            evidence: EvidenceClass::SelfRead,
            observed_at: at(read),
            raw: String::new(),
        };
        Command::Settle(Arc::new(SettledRun { run, price: RunPrice::Known(price) }))
    }

    fn job() -> JobId {
        JobId::from_parts(at(0), 1)
    }

    fn large(key: &str) -> Command {
        Command::Adjust(Adjust {
            key: key.to_owned(),
            project: "atlas".parse().expect("a project"),
            unit: "jupiter:gh200".parse().expect("a unit"),
            amount: ALONE_UP_TO.plus(Amount::from_milli(1)).expect("an amount"),
            at: at(100_000),
            reason: "counted twice by the site".to_owned(),
        })
    }

    fn grant(key: &str, window: Window) -> Command {
        Command::Grant(NewGrant {
            key: key.to_owned(),
            project: "atlas".parse().expect("a project"),
            programme: "GCS".parse().expect("a programme"),
            unit: "jupiter:gh200".parse().expect("a unit"),
            amount: Amount::from_milli(100_000),
            window,
            reference: "GCS-1".to_owned(),
            lots: Vec::new(),
        })
    }

    /// A ledger of more than 24 entries: grants, a hold, runs that draw from it and others, its end; a refund, a run that was
    /// corrected, an adjustment that two agreed to, what expired.
    async fn fill(path: &Path) {
        let first = grant("g1", Window { from: at(-1_000), to: at(1_000_000) });
        let over = grant("g2", Window { from: at(-2_000), to: at(-1_500) });
        let binding = Command::Bind(Binding {
            site: "jupiter".parse().expect("a site"),
            account: Some("hai".parse().expect("an account")),
            partition: None,
            user: None,
            work_directory: None,
            name: None,
            unit: "jupiter:gh200".parse().expect("a unit"),
            project: "atlas".parse().expect("a project"),
            from: at(-1_000),
            to: None,
        });
        let hold = Command::Hold(NewHold {
            id: HoldId(job()),
            project: "atlas".parse().expect("a project"),
            unit: "jupiter:gh200".parse().expect("a unit"),
            ceiling: Amount::from_milli(10_000),
            anyway: None,
            note: "job-1".to_owned(),
            is_provisional: false,
            expected: None,
        });
        let close = Command::Close(CloseHold { id: HoldId(job()), reason: CloseReason::Finished, read_at: None });
        let book = SqliteBook::open(path, OpenMode::Create).expect("made");
        let ada = Principal { user: "ada".parse().expect("a user"), site: Some("jupiter".parse().expect("a site")) };
        let commands: Vec<_> = [first, binding, hold].into_iter().chain((1..=21).map(run)).chain([close]).collect();
        book.post(&ada, at(100_000), &commands).await.expect("posted");
        let key = match run(2) {
            Command::Settle(settled) => settled.run.key.clone(),
            other => panic!("{other:?}"),
        };
        let refund = Refund { run: key, amount: Some(Amount::from_milli(10)), reason: "node failed".to_owned() };
        let later = [over, Command::Refund(refund), run_again(4, 30, 100_050), large("a1"), Command::Expire(None)];
        book.post(&ada, at(100_100), &later).await.expect("posted");
        let bob = Principal { user: "bob".parse().expect("a user"), ..ada };
        book.post(&bob, at(100_200), &[Command::Agree("a1".to_owned())]).await.expect("posted");
    }

    fn found(path: &Path, readers: usize, length: u32) -> Result<Verification> {
        let mut connection = Connection::open(path).expect("opened");
        let others = (0..readers).map(|_| SideReader(Connection::open(path).expect("opened"))).collect();
        let transaction = begin(&mut connection)?;
        stored::audit_by_parts(&Tables::new(&transaction), others, &Outside::default(), length)
    }

    #[tokio::test]
    async fn however_many_read_what_is_found_is_the_same_in_the_same_order() {
        let folder = tempfile::tempdir().expect("a folder");
        let whole = folder.path().join("ledger.db");
        fill(&whole).await;
        for (number, (change, is_wrong)) in CHANGES.iter().enumerate() {
            let path = folder.path().join(format!("{number}.db"));
            let file = Connection::open(&whole).expect("opened");
            file.execute("VACUUM INTO ?1", [path.to_str()]).expect("copied");
            Connection::open(&path).and_then(|file| file.execute_batch(&format!("{UNLOCK}{change}"))).expect(change);
            let alone = found(&path, 0, 1 << 20);
            assert_eq!(alone.as_ref().map_or(true, |answer| !answer.is_consistent()), *is_wrong, "{change}: {alone:?}");
            for (readers, length) in [(0, 1), (0, 8), (1, 1), (1, 8), (3, 2), (3, 4), (2, 1 << 20)] {
                assert_eq!(found(&path, readers, length), alone, "{change}, {readers} by {length}");
            }
        }
    }

    /// Where nothing may be made beside the file, none of the readers does.
    #[tokio::test]
    async fn readers_without_locks_leave_nothing_beside_the_file() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("ledger.db");
        fill(&path).await;
        Connection::open(&path).and_then(|file| file.execute_batch("PRAGMA journal_mode = wal")).expect("set");
        let names = || {
            let entries = std::fs::read_dir(folder.path()).expect("a folder");
            entries.map(|entry| entry.expect("an entry").file_name()).collect::<std::collections::BTreeSet<_>>()
        };
        let before = names();
        let mut connection = read_only::connect(&path, false).expect("opened");
        let others = vec![SideReader(read_only::connect(&path, false).expect("opened"))];
        let version = versions(&others).expect("read");
        others.iter().try_for_each(|other| other.0.execute_batch("BEGIN")).expect("begun");
        assert_eq!(versions(&others).expect("read"), version);
        let transaction = begin(&mut connection).expect("begun");
        let found = stored::audit_by_parts(&Tables::new(&transaction), others, &Outside::default(), 8);
        assert_eq!(found.expect("audited").findings, Vec::<String>::new());
        assert_eq!(names(), before);
    }

    #[tokio::test]
    async fn a_commit_of_somebody_else_is_seen_by_its_version() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("ledger.db");
        fill(&path).await;
        let others = [SideReader(Connection::open(&path).expect("opened"))];
        let before = versions(&others).expect("read");
        assert_eq!(versions(&others).expect("read"), before);
        Connection::open(&path).and_then(|file| file.execute_batch("UPDATE balances SET amount = 0")).expect("changed");
        assert_ne!(versions(&others).expect("read"), before);
    }
}
