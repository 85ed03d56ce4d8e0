//! A session with the server: one connection, its prepared statements, and the names it has met.

use super::failure::in_commit;
use super::names::Names;
use crate::post::RecordingOrder;
use crate::records::Result;
use crate::{LedgerError, LedgerErrorKind, Retry};
use model::Timestamp;
use postgres::types::ToSql;
use postgres::{Client, Row, SimpleQueryMessage, Statement};
use rustc_hash::FxHashMap;
use std::cell::{Cell, RefCell};
use std::io::Write;

/// The values of a statement.
pub(super) type Values<'a> = &'a [&'a (dyn ToSql + Sync)];

/// The key of the lock that writers of a ledger take one after the other: `PAKT` and a one.
const WRITERS_LOCK: i64 = 0x5041_4b54_0000_0001;

pub(super) struct Session {
    client: RefCell<Client>,
    statements: RefCell<FxHashMap<String, Statement>>,
    pub(super) names: Names,
    /// How many rows its statements have changed.
    changes: Cell<u64>,
    /// How many persons were erased when this session last began a post.
    erased: Cell<Option<u64>>,
    /// When the last post was recorded that there was when this session last began one.
    recorded: Cell<Option<Timestamp>>,
}

impl Session {
    pub(super) fn new(client: Client) -> Self {
        Self {
            client: RefCell::new(client),
            statements: RefCell::default(),
            names: Names::default(),
            changes: Cell::new(0),
            erased: Cell::new(None),
            recorded: Cell::new(None),
        }
    }

    /// The connection alone, to be taken to another thread.
    pub(super) fn into_client(self) -> Client {
        self.client.into_inner()
    }

    pub(super) fn is_closed(&self) -> bool {
        self.client.borrow().is_closed()
    }

    /// The statement, prepared once. The texts of our statements are few.
    fn prepared(&self, sql: &str) -> Result<Statement> {
        if let Some(statement) = self.statements.borrow().get(sql) {
            return Ok(statement.clone());
        }
        let statement = self.client.borrow_mut().prepare(sql)?;
        self.statements.borrow_mut().insert(sql.to_owned(), statement.clone());
        Ok(statement)
    }

    /// All rows of a query.
    pub(super) fn rows(&self, sql: &str, values: Values<'_>) -> Result<Vec<Row>> {
        let statement = self.prepared(sql)?;
        Ok(self.client.borrow_mut().query(&statement, values)?)
    }

    /// The row of a query, where it has one.
    pub(super) fn row(&self, sql: &str, values: Values<'_>) -> Result<Option<Row>> {
        Ok(self.rows(sql, values)?.into_iter().next())
    }

    /// The row of a query that always has one.
    pub(super) fn one(&self, sql: &str, values: Values<'_>) -> Result<Row> {
        let missing = || LedgerError::never(LedgerErrorKind::Bug, "a query that has one row gave none");
        self.row(sql, values)?.ok_or_else(missing)
    }

    /// Carries a statement out.
    pub(super) fn execute(&self, sql: &str, values: Values<'_>) -> Result<u64> {
        let statement = self.prepared(sql)?;
        let changed = self.client.borrow_mut().execute(&statement, values)?;
        self.changes.set(self.changes.get() + changed);
        Ok(changed)
    }

    /// The row of a statement that changes one and gives it back.
    pub(super) fn changed_one(&self, sql: &str, values: Values<'_>) -> Result<Row> {
        let row = self.one(sql, values)?;
        self.changes.set(self.changes.get() + 1);
        Ok(row)
    }

    /// A number that is another one after every change.
    pub(super) fn changes(&self) -> u64 {
        self.changes.get()
    }

    /// Carries out statements without values.
    pub(super) fn batch(&self, sql: &str) -> Result<()> {
        Ok(self.client.borrow_mut().batch_execute(sql)?)
    }

    /// Copies rows in PostgreSQL's binary form into a table. They come in pieces, each with whether it is the last; nothing
    /// else may be asked until then.
    pub(super) fn copy_pieces<P: AsRef<[u8]>>(
        &self,
        sql: &str,
        mut next: impl FnMut() -> Result<(P, bool)>,
    ) -> Result<()> {
        let statement = self.prepared(sql)?;
        let mut client = self.client.borrow_mut();
        let mut writer = client.copy_in(&statement)?;
        loop {
            let (piece, is_last) = next()?;
            writer.write_all(piece.as_ref()).map_err(|error| super::failure::disconnected(&error.to_string()))?;
            if is_last {
                break;
            }
        }
        let copied = writer.finish()?;
        self.changes.set(self.changes.get() + copied);
        Ok(())
    }

    /// Begins a transaction that writes: alone, until it ends. What is read inside stays true. A writer asks for few rows of
    /// many: a plan that was made while a table was small must not read all of it later.
    pub(super) fn begin_writing(&self) -> Result<()> {
        self.batch(&begin_writing())
    }

    /// The same in a ledger that is there. Where another session has erased somebody meanwhile, a name that is known here may
    /// be gone: all are read anew. The server is asked in the same breath, so that a post waits no longer for it.
    pub(super) fn begin_posting(&self) -> Result<()> {
        let select = r#"SELECT (SELECT count(*) FROM persons WHERE "user" IS NULL),
            (SELECT recorded_at FROM posts ORDER BY number DESC LIMIT 1)"#;
        let answers = self.client.borrow_mut().simple_query(&format!("{}; {select}", begin_writing()))?;
        let answer = answers.iter().rev().find_map(|answer| match answer {
            SimpleQueryMessage::Row(row) => Some(row),
            _ => None,
        });
        let of = |column: usize| answer.and_then(|row| row.get(column));
        let count = of(0).and_then(|count| count.parse().ok());
        let recorded = of(1).map(|seconds| seconds.parse().map_err(super::rows::unreadable)).transpose()?;
        self.recorded.set(recorded.map(Timestamp::from_epoch_seconds));
        if self.erased.replace(count) != count {
            self.names.clear();
        }
        Ok(())
    }

    /// The order that the post under way is recorded in.
    pub(super) const fn recording_order(&self) -> RecordingOrder {
        RecordingOrder::after(self.recorded.get())
    }

    /// Has the transaction that is under way committed before it is on disk, so that the next writer need not wait for the
    /// disk. [`Self::flush`] comes before anybody is told.
    pub(super) fn commit_early(&self) -> Result<()> {
        self.batch("SET LOCAL synchronous_commit = off; COMMIT").map_err(in_commit)
    }

    /// After `Ok` all that was committed before is on disk: the log is flushed in its order, for many writers at once.
    pub(super) fn flush(&self) -> Result<()> {
        self.batch("SELECT pg_logical_emit_message(true, 'pakt', '')").map_err(in_commit)
    }

    /// Has what was read reach the disk before it is shown: a checkpoint that a crash takes back would look like a ledger
    /// that was rewritten. A server that takes no changes has none that wait.
    pub(super) fn flush_for_readers(&self) -> Result<()> {
        match self.flush() {
            Err(error) if error.kind == LedgerErrorKind::ReadOnly => Ok(()),
            Err(error) if error.retry == Retry::LookFirst => Err(LedgerError { retry: Retry::Later, ..error }),
            done => done,
        }
    }

    /// Begins a transaction that only reads, all of it one state.
    pub(super) fn begin_reading(&self) -> Result<()> {
        self.batch("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
    }

    /// Ends a transaction that only read.
    pub(super) fn end_reading(&self) -> Result<()> {
        self.names.keep();
        self.batch("COMMIT")
    }

    /// After `Ok` what was written is durable.
    pub(super) fn commit(&self) -> Result<()> {
        self.committed(self.batch("COMMIT").map_err(in_commit))
    }

    /// The same for a writer of many who change little.
    pub(super) fn commit_among_many(&self) -> Result<()> {
        self.committed(self.commit_early().and_then(|()| self.flush()))
    }

    fn committed(&self, done: Result<()>) -> Result<()> {
        match &done {
            Ok(()) => self.names.keep(),
            Err(_) => self.names.forget(),
        }
        done
    }

    /// Gives the transaction up. A connection that cannot even do that has given it up already.
    pub(super) fn roll_back(&self) {
        self.names.forget();
        drop(self.batch("ROLLBACK"));
    }
}

/// What is read must be what stands once the lock is held, whatever isolation the server begins with by itself: under a stricter
/// one it would be what stood before the wait.
fn begin_writing() -> String {
    format!(
        "BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL enable_seqscan = off; SELECT pg_advisory_xact_lock({WRITERS_LOCK})"
    )
}
