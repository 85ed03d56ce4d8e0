//! The tables, and the way from older ones. A migration is appended, never changed.

/// What SQLite writes into the header of our files: `PAKT`.
pub(super) const APPLICATION_ID: i32 = 0x5041_4b54;

/// The steps from an empty file to the present tables, with their numbers; `PRAGMA user_version` is the last one taken.
pub(super) const MIGRATIONS: &[(i64, &str)] = &[(1, FIRST), (2, SCOPES), (3, UNPRICED), (4, UNBINDINGS)];

/// The version that this release writes.
pub(super) const VERSION: i64 = MIGRATIONS[MIGRATIONS.len() - 1].0;

const FIRST: &str = "
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;

CREATE TABLE entries (
    number       INTEGER PRIMARY KEY,
    kind         TEXT NOT NULL,
    unit         TEXT NOT NULL,
    amount       INTEGER NOT NULL CHECK (amount >= 0),
    debit        TEXT NOT NULL,
    credit       TEXT NOT NULL CHECK (credit <> debit),
    project      TEXT NOT NULL,
    effective_at INTEGER NOT NULL,
    recorded_at  INTEGER NOT NULL,
    actor_user   TEXT NOT NULL,
    actor_site   TEXT,
    key          TEXT NOT NULL UNIQUE,
    hold         TEXT,
    run          TEXT,
    grant_key    TEXT,
    reverses     INTEGER UNIQUE,
    note         TEXT NOT NULL,
    tariff       TEXT,
    particulars  TEXT NOT NULL
) STRICT;
CREATE INDEX entries_by_project ON entries (project, unit, effective_at);
CREATE INDEX entries_by_hold ON entries (hold) WHERE hold IS NOT NULL;
CREATE INDEX entries_of_grants ON entries (number) WHERE kind = 'grant';

CREATE TRIGGER entries_are_numbered BEFORE INSERT ON entries
WHEN NEW.number <> (SELECT coalesce(max(number), 0) + 1 FROM entries)
BEGIN SELECT RAISE(ABORT, 'entries are numbered without gaps'); END;
CREATE TRIGGER entries_are_not_changed BEFORE UPDATE ON entries
BEGIN SELECT RAISE(ABORT, 'a posted entry is never changed'); END;
CREATE TRIGGER entries_are_not_deleted BEFORE DELETE ON entries
BEGIN SELECT RAISE(ABORT, 'a posted entry is never deleted'); END;

CREATE TABLE balances (
    account TEXT NOT NULL, unit TEXT NOT NULL, amount INTEGER NOT NULL,
    PRIMARY KEY (account, unit)
) STRICT, WITHOUT ROWID;
CREATE TABLE totals (
    project TEXT NOT NULL, unit TEXT NOT NULL, kind TEXT NOT NULL, amount INTEGER NOT NULL,
    PRIMARY KEY (project, unit, kind)
) STRICT, WITHOUT ROWID;

CREATE TABLE posts (
    number      INTEGER PRIMARY KEY,
    recorded_at INTEGER NOT NULL,
    actor_user  TEXT NOT NULL,
    actor_site  TEXT,
    commands    INTEGER NOT NULL,
    last_entry  INTEGER NOT NULL
) STRICT;
CREATE TRIGGER posts_leave_a_balanced_book BEFORE INSERT ON posts
WHEN EXISTS (SELECT 1 FROM balances GROUP BY unit HAVING sum(amount) <> 0)
BEGIN SELECT RAISE(ABORT, 'the accounts of a unit do not sum to zero'); END;

CREATE TABLE holds (
    id             TEXT PRIMARY KEY,
    project        TEXT NOT NULL,
    unit           TEXT NOT NULL,
    first_ceiling  INTEGER NOT NULL,
    ceiling        INTEGER NOT NULL,
    charged        INTEGER NOT NULL,
    note           TEXT NOT NULL,
    anyway         TEXT,
    is_provisional INTEGER NOT NULL,
    opened_at      INTEGER NOT NULL,
    opened_by_user TEXT NOT NULL,
    opened_by_site TEXT,
    closed_because TEXT,
    closed_at      INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX open_holds ON holds (project, id) WHERE closed_at IS NULL;

CREATE TABLE bindings (
    number      INTEGER PRIMARY KEY,
    site        TEXT NOT NULL,
    account     TEXT,
    partition   TEXT,
    user        TEXT,
    unit        TEXT NOT NULL,
    project     TEXT NOT NULL,
    from_at     INTEGER NOT NULL,
    to_at       INTEGER,
    recorded_at INTEGER NOT NULL,
    actor_user  TEXT NOT NULL,
    actor_site  TEXT
) STRICT;
CREATE TABLE enforcements (
    number      INTEGER PRIMARY KEY,
    project     TEXT NOT NULL,
    unit        TEXT NOT NULL,
    is_enforced INTEGER NOT NULL,
    recorded_at INTEGER NOT NULL,
    actor_user  TEXT NOT NULL,
    actor_site  TEXT
) STRICT;
CREATE INDEX enforcements_by_project ON enforcements (project, unit, number);

CREATE TABLE runs (
    site          TEXT NOT NULL,
    cluster       TEXT NOT NULL,
    scheduler_job INTEGER NOT NULL,
    submitted_at  INTEGER NOT NULL,
    sluid         TEXT,
    job           TEXT,
    observed_at   INTEGER NOT NULL,
    revision      INTEGER NOT NULL,
    content       TEXT NOT NULL,
    settled       TEXT NOT NULL,
    project       TEXT,
    unit          TEXT,
    amount        INTEGER,
    hold          TEXT,
    effective_at  INTEGER,
    entries       TEXT,
    unattributed  TEXT,
    PRIMARY KEY (site, cluster, scheduler_job, submitted_at),
    CHECK ((project IS NULL) <> (unattributed IS NULL))
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX runs_by_sluid ON runs (site, cluster, sluid) WHERE sluid IS NOT NULL;
CREATE INDEX runs_by_job ON runs (job) WHERE job IS NOT NULL;
CREATE INDEX unattributed_runs ON runs (site) WHERE unattributed IS NOT NULL;

CREATE TABLE observations (
    site TEXT NOT NULL, cluster TEXT NOT NULL, as_of INTEGER NOT NULL,
    PRIMARY KEY (site, cluster)
) STRICT, WITHOUT ROWID;
CREATE TABLE observed_jobs (
    site          TEXT NOT NULL,
    cluster       TEXT NOT NULL,
    position      INTEGER NOT NULL,
    is_running    INTEGER NOT NULL,
    scheduler_job INTEGER NOT NULL,
    submitted_at  INTEGER,
    job           TEXT,
    content       TEXT NOT NULL,
    PRIMARY KEY (site, cluster, position)
) STRICT, WITHOUT ROWID;
CREATE TABLE cursors (
    site TEXT NOT NULL, cluster TEXT NOT NULL, settled_until INTEGER NOT NULL,
    PRIMARY KEY (site, cluster)
) STRICT, WITHOUT ROWID;
";

/// Cursors and observations of each scope. The old ones do not say whose jobs they cover, so they are dropped: the next
/// settlement reads from the first grant on, and what is in the books already stays what it is.
const SCOPES: &str = "
DROP TABLE cursors;
DROP TABLE observed_jobs;
DROP TABLE observations;
CREATE TABLE observations (
    site TEXT NOT NULL, cluster TEXT NOT NULL, scope TEXT NOT NULL, as_of INTEGER NOT NULL, whole_accounts TEXT NOT NULL,
    PRIMARY KEY (site, cluster, scope)
) STRICT, WITHOUT ROWID;
CREATE TABLE observed_jobs (
    site          TEXT NOT NULL,
    cluster       TEXT NOT NULL,
    scope         TEXT NOT NULL,
    position      INTEGER NOT NULL,
    is_running    INTEGER NOT NULL,
    scheduler_job INTEGER NOT NULL,
    submitted_at  INTEGER,
    job           TEXT,
    content       TEXT NOT NULL,
    PRIMARY KEY (site, cluster, scope, position)
) STRICT, WITHOUT ROWID;
CREATE TABLE cursors (
    site TEXT NOT NULL, cluster TEXT NOT NULL, scope TEXT NOT NULL, settled_until INTEGER NOT NULL,
    PRIMARY KEY (site, cluster, scope)
) STRICT, WITHOUT ROWID;
ALTER TABLE runs ADD COLUMN ended_at INTEGER;
UPDATE runs SET ended_at = json_extract(settled, '$.run.ended_at');
";

/// Runs whose price nobody could tell are kept; until then every run in the books had one.
const UNPRICED: &str = "
ALTER TABLE runs ADD COLUMN is_priced INTEGER NOT NULL DEFAULT 1;
CREATE INDEX unpriced_runs ON runs (site) WHERE NOT is_priced;
";

/// The ends that bindings were given since; the earliest of a binding counts.
const UNBINDINGS: &str = "
CREATE TABLE unbindings (
    number      INTEGER PRIMARY KEY,
    binding     INTEGER NOT NULL REFERENCES bindings (number),
    to_at       INTEGER NOT NULL,
    recorded_at INTEGER NOT NULL,
    actor_user  TEXT NOT NULL,
    actor_site  TEXT
) STRICT;
CREATE INDEX unbindings_by_binding ON unbindings (binding, to_at);
";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Book, LedgerErrorKind, OpenMode, Scope, SqliteBook};
    use model::Timestamp;
    use rusqlite::Connection;
    use std::path::Path;

    /// A ledger as a release that took only the first step left it.
    fn of_the_first_version(path: &Path) {
        let file = Connection::open(path).expect("made");
        file.execute_batch(FIRST).expect("the first step");
        file.pragma_update(None, "application_id", APPLICATION_ID).expect("marked");
        file.pragma_update(None, "user_version", 1).expect("marked");
        file.execute_batch(
            r#"INSERT INTO cursors VALUES ('jupiter', 'booster', 1793000000);
            INSERT INTO observations VALUES ('jupiter', 'booster', 1793000000);
            INSERT INTO observed_jobs VALUES ('jupiter', 'booster', 0, 0, 7, NULL, NULL, '{}');
            INSERT INTO runs (site, cluster, scheduler_job, submitted_at, observed_at, revision, content, settled, unattributed)
            VALUES ('jupiter', 'booster', 1, 1793000000, 1793000200, 0, 'as read', '{"run":{"ended_at":1793000110}}', '"not-bound"');"#,
        )
        .expect("filled");
    }

    #[tokio::test]
    async fn an_older_ledger_is_brought_up_and_reads_again_what_its_cursor_covered() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("ledger.db");
        of_the_first_version(&path);
        let book = SqliteBook::open(&path, OpenMode::Existing).expect("brought up");
        let (site, cluster) = ("jupiter".parse().expect("a site"), "booster".parse().expect("a cluster"));
        let scope: Scope = "user:ada".parse().expect("a scope");
        assert_eq!(book.cursor(&site, &cluster, &scope).await, Ok(None), "it did not say whose runs it covered");
        assert_eq!(book.balances(&crate::BalanceQuery::default(), Timestamp::default()).await, Ok(vec![]));
        drop(book);
        let file = Connection::open(&path).expect("opened");
        let version: i64 = file.query_row("PRAGMA user_version", [], |row| row.get(0)).expect("a version");
        let ended: i64 = file.query_row("SELECT ended_at FROM runs", [], |row| row.get(0)).expect("a run");
        assert_eq!((version, ended), (VERSION, 1_793_000_110));
    }

    #[test]
    fn steps_are_numbered_without_gaps_and_a_later_one_is_named() {
        assert!(MIGRATIONS.iter().zip(1..).all(|((number, _), expected)| *number == expected));
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("ledger.db");
        drop(SqliteBook::open(&path, OpenMode::Create).expect("made"));
        let file = Connection::open(&path).expect("opened");
        file.pragma_update(None, "user_version", VERSION + 1).expect("changed");
        let error = SqliteBook::open(&path, OpenMode::Existing).expect_err("of a later release");
        assert_eq!(error.kind, LedgerErrorKind::NewerVersion);
    }
}
