//! A fresh ledger, on a file or a server, and short ways to say what the tests are about.

use ledger::{
    BalanceQuery, Binding, Book, CloseHold, CloseReason, Command, Cursor, Enforce, Entry, EntryPage, HoldId,
    LedgerError, NewGrant, NewHold, NewOpening, NewSiteFigure, Observation, ObservedPending, ObservedRun, OpenMode,
    Outcome, Paid, Particulars, Policy, PostgresBook, PostgresPlace, Random, RunPrice, SetPolicy, SettleOutcome,
    SettledRun, SqliteBook, Surroundings,
};
use model::{
    Amount, Balance, BaseState, Charge, EvidenceClass, ExitCode, JobId, JobState, LinkNumber, Price, Principal,
    ProjectName, Run, RunKey, SchedulerJobId, Stamp, TariffId, Timestamp, Tres, Unit, WallTime, Window,
};
use std::cell::Cell;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tempfile::TempDir;

pub(crate) const NOW: i64 = 1_793_000_000;

pub(crate) fn name<T: FromStr<Err: std::fmt::Debug>>(text: &str) -> T {
    text.parse().expect("a name")
}

pub(crate) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_epoch_seconds(seconds)
}

pub(crate) fn now() -> Timestamp {
    at(NOW)
}

pub(crate) fn milli(amount: i64) -> Amount {
    Amount::from_milli(amount)
}

pub(crate) fn gh200() -> Unit {
    name("jupiter:gh200")
}

pub(crate) fn atlas() -> ProjectName {
    name("atlas")
}

pub(crate) fn ada() -> Principal {
    Principal { user: name("ada"), site: Some(name("jupiter")) }
}

pub(crate) fn job(number: u32) -> JobId {
    JobId::from_parts(now(), u128::from(number))
}

pub(crate) fn hold_id(number: u32) -> HoldId {
    HoldId(job(number))
}

pub(crate) fn stamp(number: u32) -> Stamp {
    Stamp { job: job(number), link: LinkNumber::FIRST }
}

/// A price of so many milli-GPU-seconds, at four GPUs a node.
pub(crate) fn price(gpu_milli: i64) -> Price {
    let charge = |unit: &str, amount: i64| Some(Charge { unit: name(unit), amount: milli(amount) });
    Price {
        tariff: TariffId("jupiter/booster/test".to_owned()),
        gpu: charge("jupiter:gh200", gpu_milli),
        node: charge("jupiter:node", gpu_milli / 4),
        site: charge("jupiter:core", gpu_milli * 72),
        is_estimated: false,
    }
}

pub(crate) fn run_key(number: u64) -> RunKey {
    RunKey {
        site: name("jupiter"),
        cluster: name("booster"),
        scheduler_job: SchedulerJobId::new(number),
        submitted_at: at(NOW),
    }
}

/// A run of `atlas` was charged so much, and is charged something else now.
pub(crate) fn corrected(before: i64, after: i64) -> SettleOutcome {
    let paid = |amount| Some(Paid { project: atlas(), unit: gh200(), amount: milli(amount) });
    SettleOutcome::Corrected { before: paid(before), after: paid(after) }
}

/// A run of account `hai` that ended, unstamped; its price is `gpu_milli`.
pub(crate) fn foreign(number: u64, gpu_milli: i64) -> SettledRun {
    let run = Run {
        key: run_key(number),
        sluid: None,
        shown_id: number.to_string(),
        user: name("ada"),
        account: Some(name("hai")),
        partition: Some(name("booster")),
        qos: None,
        name: "train".to_owned(),
        work_directory: None,
        stamp: None,
        state: JobState::of(BaseState::Completed),
        restarts: None,
        started_at: at(NOW + 10),
        ended_at: Some(at(NOW + 110)),
        elapsed: WallTime::from_seconds(100),
        time_limit: None,
        allocated: Tres::default(),
        exit: ExitCode::default(),
        evidence: EvidenceClass::SelfRead,
        observed_at: at(NOW + 200),
        raw: format!("{number}|a row"),
    };
    SettledRun { run, price: RunPrice::Known(price(gpu_milli)) }
}

/// The same run with the stamp of a job of ours.
pub(crate) fn ours(number: u64, gpu_milli: i64, of_job: u32) -> SettledRun {
    let mut settled = foreign(number, gpu_milli);
    settled.run.stamp = Some(stamp(of_job));
    settled
}

/// The same run as it was read at another time.
pub(crate) fn read_at(mut settled: SettledRun, seconds: i64) -> SettledRun {
    settled.run.observed_at = at(NOW + seconds);
    settled
}

pub(crate) fn settle(settled: SettledRun) -> Command {
    Command::Settle(Arc::new(settled))
}

pub(crate) fn new_grant(key: &str, amount: i64) -> NewGrant {
    NewGrant {
        key: key.to_owned(),
        project: atlas(),
        programme: name("GCS"),
        unit: gh200(),
        amount: milli(amount),
        window: Window { from: at(NOW - 1000), to: at(NOW + 1_000_000) },
        // Two grants of the same decision over the same time are one that was entered twice.
        reference: format!("GCS-2026-{key}"),
        lots: Vec::new(),
    }
}

pub(crate) fn grant(key: &str, amount: i64) -> Command {
    Command::Grant(new_grant(key, amount))
}

/// What was used of the budget by then, in all.
pub(crate) fn new_opening(used_before: i64, as_of: i64) -> NewOpening {
    NewOpening {
        project: atlas(),
        unit: gh200(),
        used_before: milli(used_before),
        since: None,
        as_of: at(as_of),
        note: "jutil, 2026-10-01".to_owned(),
    }
}

pub(crate) fn new_hold(number: u32, ceiling: i64) -> NewHold {
    NewHold {
        id: hold_id(number),
        project: atlas(),
        unit: gh200(),
        ceiling: milli(ceiling),
        anyway: None,
        note: format!("job-{number}"),
        is_provisional: false,
        expected: None,
    }
}

pub(crate) fn hold(number: u32, ceiling: i64) -> Command {
    Command::Hold(new_hold(number, ceiling))
}

pub(crate) fn close(number: u32) -> Command {
    Command::Close(CloseHold { id: hold_id(number), reason: CloseReason::Finished, read_at: None })
}

pub(crate) fn enforce(is_enforced: bool) -> Command {
    Command::SetEnforce(Enforce { project: atlas(), unit: gh200(), is_enforced })
}

pub(crate) fn binding() -> Binding {
    Binding {
        site: name("jupiter"),
        account: Some(name("hai")),
        partition: None,
        user: None,
        work_directory: None,
        name: None,
        unit: gh200(),
        project: atlas(),
        from: at(0),
        to: None,
    }
}

/// The same run as one that ended at another time.
pub(crate) fn ended(mut settled: SettledRun, seconds: i64) -> SettledRun {
    (settled.run.started_at, settled.run.ended_at) = (at(seconds - 100), Some(at(seconds)));
    settled.run.observed_at = at(seconds + 90);
    settled
}

pub(crate) fn set_policy(policy: impl Into<Policy>) -> Command {
    Command::SetPolicy(SetPolicy {
        project: atlas(),
        unit: gh200(),
        policy: policy.into(),
        zone: name("Europe/Berlin"),
    })
}

/// What the site says was used by then.
pub(crate) fn site_figure(used: i64, as_of: i64) -> NewSiteFigure {
    NewSiteFigure {
        project: atlas(),
        unit: gh200(),
        granted: Some(milli(1_000_000)),
        used: milli(used),
        since: None,
        as_of: at(as_of),
        source: "jutil".to_owned(),
        digest: format!("blake3:{used}"),
    }
}

/// A job of `ada` and account `hai` that runs.
pub(crate) fn running(number: u64, stamp: Option<Stamp>, so_far: i64, ceiling: i64) -> ObservedRun {
    ObservedRun {
        key: run_key(number),
        stamp,
        user: name("ada"),
        account: Some(name("hai")),
        partition: None,
        started_at: None,
        price_so_far: price(so_far),
        ceiling: price(ceiling),
    }
}

/// The same waiting.
pub(crate) fn pending(number: u64, stamp: Option<Stamp>, ceiling: i64) -> ObservedPending {
    ObservedPending {
        scheduler_job: SchedulerJobId::new(number),
        stamp,
        user: name("ada"),
        account: Some(name("hai")),
        partition: None,
        ceiling: price(ceiling),
    }
}

/// What `ada` saw of her own jobs.
pub(crate) fn observe(as_of: i64, running: Vec<ObservedRun>, pending: Vec<ObservedPending>) -> Command {
    observe_in("user:ada", &[], as_of, running, pending)
}

/// In another scope, whose reader sees all of these accounts, `-` for jobs without one.
pub(crate) fn observe_in(
    scope: &str,
    whole_accounts: &[&str],
    as_of: i64,
    running: Vec<ObservedRun>,
    pending: Vec<ObservedPending>,
) -> Command {
    Command::Observe(Box::new(Observation {
        site: name("jupiter"),
        cluster: name("booster"),
        scope: name(scope),
        whole_accounts: whole_accounts.iter().map(|account| (*account != "-").then(|| name(account))).collect(),
        as_of: at(as_of),
        running,
        pending,
    }))
}

/// The same job as another person's.
pub(crate) fn of_user(user: &str, mut job: ObservedPending) -> ObservedPending {
    job.user = name(user);
    job
}

pub(crate) fn cursor(scope: &str, until: i64) -> Command {
    let (site, cluster, settled_until) = (name("jupiter"), name("booster"), at(until));
    Command::Advance(Cursor { site, cluster, scope: name(scope), settled_until })
}

thread_local! {
    /// Whether desks of this thread have their ledger on the lab's PostgreSQL.
    static ON_POSTGRES: Cell<bool> = const { Cell::new(false) };
}

/// Runs a test of the suite with its ledgers on PostgreSQL.
pub(crate) fn on_postgres(test: fn()) {
    use_postgres();
    test();
}

/// From here on, desks of this thread have their ledger on PostgreSQL.
pub(crate) fn use_postgres() {
    ON_POSTGRES.set(true);
}

/// How many cases a property is tried with: a database is made more slowly than a file.
pub(crate) fn cases(on_file: u32) -> u32 {
    if ON_POSTGRES.get() { (on_file / 8).min(8) } else { on_file }
}

/// The same tests once more on PostgreSQL, which the lab must have up: `real_postgres::NAME` beside `NAME`.
macro_rules! on_postgres_too {
    ($($test:ident),* $(,)?) => {
        mod real_postgres {
            $(#[test]
            fn $test() {
                crate::support::on_postgres(super::$test);
            })*
        }
    };
}
pub(crate) use on_postgres_too;

/// Surroundings whose random bits are the numbers from `first` on.
pub(crate) fn counted_from(first: u64) -> Surroundings {
    let next = AtomicU64::new(first);
    let random = Random::new(move |bytes: &mut [u8]| {
        for part in bytes.chunks_mut(8) {
            let number = next.fetch_add(1, Ordering::Relaxed).to_be_bytes();
            part.copy_from_slice(&number[8 - part.len()..]);
        }
        Ok(())
    });
    Surroundings { random, ..Surroundings::here() }
}

/// A ledger of its own: on a file, or in a database.
pub(crate) struct Desk {
    pub(crate) book: Box<dyn Book>,
    pub(crate) folder: TempDir,
    pub(crate) database: Option<lab::Database>,
}

impl Desk {
    pub(crate) fn new() -> Self {
        if ON_POSTGRES.get() { Self::on_postgres() } else { Self::new_in(&Surroundings::here()) }
    }

    pub(crate) fn new_in(surroundings: &Surroundings) -> Self {
        if ON_POSTGRES.get() {
            return Self::on_postgres_with(surroundings.random.clone());
        }
        Self::in_folder(tempfile::tempdir().expect("a folder"), surroundings)
    }

    /// On memory where there is such a place, for tests that make many ledgers.
    pub(crate) fn in_memory() -> Self {
        if ON_POSTGRES.get() { Self::on_postgres() } else { Self::in_memory_with(&Surroundings::here()) }
    }

    /// The same for tests that make many posts: a server waits for no disk.
    pub(crate) fn in_memory_with(surroundings: &Surroundings) -> Self {
        if ON_POSTGRES.get() {
            return Self::in_database(surroundings.random.clone(), "SET synchronous_commit = off");
        }
        let memory = Path::new("/dev/shm");
        let folder = tempfile::tempdir_in(memory).or_else(|_| tempfile::tempdir()).expect("a folder");
        Self::in_folder(folder, surroundings)
    }

    /// On the file in this folder, or a new one.
    pub(crate) fn of_file(folder: TempDir) -> Self {
        Self::in_folder(folder, &Surroundings::here())
    }

    fn in_folder(folder: TempDir, surroundings: &Surroundings) -> Self {
        let book = SqliteBook::open_in(&folder.path().join("ledger.db"), OpenMode::Create, surroundings)
            .expect("a new ledger");
        Self { book: Box::new(book), folder, database: None }
    }

    /// In a database of its own on the lab's server.
    pub(crate) fn on_postgres() -> Self {
        Self::on_postgres_with(Random::of_the_system())
    }

    fn on_postgres_with(random: Random) -> Self {
        Self::in_database(random, "")
    }

    /// In one whose sessions begin with a setting.
    fn in_database(random: Random, setting: &str) -> Self {
        let database = lab::postgres().and_then(|server| server.database()).expect("lab up postgres");
        if !setting.is_empty() {
            database.sql(&format!("ALTER DATABASE {} {setting}", database.name())).expect("set");
        }
        let folder = tempfile::tempdir().expect("a folder");
        let book = PostgresBook::open_in(&place(&database.url()), folder.path(), OpenMode::Create, random);
        let book = book.expect("a new ledger");
        Self { book: Box::new(book), folder, database: Some(database) }
    }

    /// The same ledger, opened once more by whoever has its key.
    pub(crate) fn open_again(&self, mode: OpenMode) -> Box<dyn Book> {
        match &self.database {
            Some(database) => {
                let book = PostgresBook::open(&place(&database.url()), self.folder.path(), mode);
                Box::new(book.expect("opened"))
            }
            None => Box::new(SqliteBook::open(&self.path(), mode).expect("opened")),
        }
    }

    /// The file of its log's key.
    pub(crate) fn key_file(&self) -> PathBuf {
        let mut files =
            std::fs::read_dir(self.folder.path()).expect("a folder").map(|file| file.expect("a file").path());
        files.find(|file| file.extension().is_some_and(|extension| extension == "key")).expect("a key")
    }

    /// Its database, where it is on PostgreSQL.
    pub(crate) fn database(&self) -> &lab::Database {
        self.database.as_ref().expect("on PostgreSQL")
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("ledger.db")
    }

    /// What whoever has the file or the server may do to the tables, in SQLite's words.
    pub(crate) fn change_the_tables(&self, sql: &str) {
        let Some(database) = &self.database else {
            let file = rusqlite::Connection::open(self.path()).expect("opened");
            return file.execute_batch(sql).expect(sql);
        };
        let mut statements = sql.replace("char(10)", "chr(10)").replace(" user = ", " \"user\" = ");
        for bytes in [8, 16, 32] {
            let nulls = format!("decode('{}', 'hex')", "00".repeat(bytes));
            statements = statements.replace(&format!("zeroblob({bytes})"), &nulls);
        }
        statements = statements.replace("randomblob(16)", "decode(md5('another'), 'hex')");
        for trigger in ["entries_are_not_changed", "entries_are_not_deleted"] {
            let (drop, on) = (format!("DROP TRIGGER {trigger}"), format!("DROP TRIGGER {trigger} ON entries"));
            statements = statements.replace(&drop, &on);
        }
        database.sql(&format!("SET search_path = pakt; {statements}")).expect(&statements);
    }

    pub(crate) async fn try_post(&self, commands: &[Command]) -> Result<Vec<Outcome>, LedgerError> {
        self.book.post(&ada(), now(), commands).await
    }

    pub(crate) async fn post(&self, commands: &[Command]) -> Vec<Outcome> {
        self.try_post(commands).await.expect("posted")
    }

    /// Posts by another clock.
    pub(crate) async fn post_at(&self, seconds: i64, commands: &[Command]) -> Vec<Outcome> {
        self.book.post(&ada(), at(seconds), commands).await.expect("posted")
    }

    pub(crate) async fn settle(&self, settled: SettledRun) -> SettleOutcome {
        match self.post(&[settle(settled)]).await.remove(0) {
            Outcome::Settled(outcome) => outcome,
            other => panic!("settling gave {other:?}"),
        }
    }

    /// The balance of the project in its GPU unit.
    pub(crate) async fn balance(&self) -> Balance {
        let query = BalanceQuery { project: Some(atlas()), ..BalanceQuery::default() };
        let found = self.book.balances(&query, now()).await.expect("balances");
        found.into_iter().find(|balance| balance.unit == gh200()).expect("a balance in GPU time")
    }

    /// Granted, used, running, committed, foreign committed and free.
    pub(crate) async fn numbers(&self) -> [i64; 6] {
        let balance = self.balance().await;
        let free = balance.free().expect("fits");
        let Balance { granted, used, running, committed, foreign_committed, .. } = balance;
        [granted, used, running, committed, foreign_committed, free].map(Amount::milli)
    }

    pub(crate) async fn entries(&self) -> Vec<Entry> {
        self.book.entries(EntryPage { after: 0, limit: 10_000 }).await.expect("entries")
    }

    /// All entries as `kind amount`.
    pub(crate) async fn shown_entries(&self) -> Vec<String> {
        self.entries().await.iter().map(|entry| format!("{} {}", entry.kind, entry.amount.milli())).collect()
    }

    pub(crate) async fn verify(&self) {
        let verification = self.book.verify().await.expect("verified");
        assert_eq!(verification.findings, Vec::<String>::new());
    }
}

/// What is found in a ledger of these entries whose tree is theirs and is signed: as if whoever has the key had made it so.
/// On a file and in its export; and once more on PostgreSQL, of which the first finding is told.
pub(crate) async fn found_in(entries: &[Entry]) -> Vec<Vec<String>> {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("ledger.db");
    let surroundings = Surroundings::here();
    let made = SqliteBook::open_in(&path, OpenMode::Create, &surroundings).expect("a new ledger");
    made.replay(entries).await.expect("made");
    let mut found = vec![made.verify().await.expect("verified").findings];
    drop(made);
    let file = rusqlite::Connection::open(&path).expect("opened");
    file.execute_batch("DELETE FROM meta WHERE name = 'replica'").expect("no replica any more");
    drop(file);
    let forged = SqliteBook::open(&path, OpenMode::Existing).expect("opened");
    assert_eq!(forged.log().await.expect("a log").unsigned, None, "the forger has the key");
    found.push(forged.verify().await.expect("verified").findings);
    let export = crate::exports::lines(&forged, false).await.join("\n");
    let audited = ledger::ExportAudit::run(export.as_bytes(), &ledger::Outside::default());
    found.push(audited.expect("an export").findings);
    if ON_POSTGRES.get() {
        let database = lab::postgres().and_then(|server| server.database()).expect("lab up postgres");
        let moved = forged.move_to(&place(&database.url()), folder.path()).await;
        found.push(moved.err().map(|error| error.why).into_iter().collect());
    }
    found
}

/// What the request of a commit ends in, as it goes over a connection: a word for isolation begins alike.
pub(crate) const OF_A_COMMIT: &str = "COMMIT\0";

/// The place of a ledger on a server.
pub(crate) fn place(url: &str) -> PostgresPlace {
    PostgresPlace::read(url, None).expect("a place")
}

/// The digest of a decision, whose persons every ledger gives pseudonyms of its own.
fn without_digest(mut entry: Entry) -> Entry {
    if let Particulars::Decided(decided) = &mut entry.particulars {
        decided.digest = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=".parse().expect("a digest");
    }
    entry
}

/// All entries as JSON, one a line, without the digests of decisions: what the same commands make everywhere.
pub(crate) async fn export(book: &dyn Book) -> String {
    let mut lines = String::new();
    let mut after = 0;
    loop {
        let page = book.entries(EntryPage { after, limit: 7 }).await.expect("a page");
        for entry in &page {
            lines.push_str(&serde_json::to_string(&without_digest(entry.clone())).expect("an entry is JSON"));
            lines.push('\n');
        }
        match page.last() {
            Some(last) if page.len() == 7 => after = last.number,
            _ => return lines,
        }
    }
}
