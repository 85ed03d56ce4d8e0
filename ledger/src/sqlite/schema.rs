//! The tables, and the way from older ones. A migration is appended, never changed.

use crate::schema_version::OLDEST;
pub(super) use crate::schema_version::VERSION;
use crate::{schema_step_8 as step_8, schema_step_9 as step_9, schema_step_10 as step_10, schema_step_11 as step_11};

/// What SQLite writes into the header of our files: `PAKT`.
pub(super) const APPLICATION_ID: i32 = 0x5041_4b54;

/// The steps from an empty file to the present tables, with their numbers; `PRAGMA user_version` is the last one taken.
pub(crate) const MIGRATIONS: &[(i64, &str)] = &[
    (OLDEST, FIRST),
    (7, SEVENTH),
    (8, step_8::OF_SQLITE),
    (9, step_9::OF_SQLITE),
    (10, step_10::OF_BOTH),
    (11, step_11::OF_SQLITE),
];

const FIRST: &str = "
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;

-- Every text that occurs in many rows, once; the columns of entries and runs hold its number. They do not reference it:
-- looking eight numbers up for each row of a million costs more than writing it, and no name is ever deleted.
CREATE TABLE names (number INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE) STRICT;

-- Who posts and whose runs they are: entries hold the number. To erase somebody is to drop name and salt here.
CREATE TABLE persons (
    number     INTEGER PRIMARY KEY,
    pseudonym  BLOB NOT NULL UNIQUE CHECK (length(pseudonym) = 16),
    commitment BLOB NOT NULL CHECK (length(commitment) = 32),
    site       TEXT,
    user       TEXT,
    salt       BLOB CHECK (length(salt) = 32),
    erased_at  INTEGER,
    CHECK ((user IS NULL) = (erased_at IS NOT NULL) AND (salt IS NULL) = (user IS NULL))
) STRICT;
CREATE INDEX persons_by_user ON persons (user, site);

-- The log of entries: the right edge of its tree, the key that signs it, the newest checkpoint. One row.
CREATE TABLE log (
    one        INTEGER PRIMARY KEY CHECK (one = 1),
    frontier   BLOB NOT NULL,
    key        TEXT,
    checkpoint TEXT
) STRICT;
INSERT INTO log (one, frontier) VALUES (1, zeroblob(8));
-- Roots of full subtrees of 256 (height 1) and 65,536 leaves (height 2), for proofs.
CREATE TABLE subtree_roots (
    height INTEGER NOT NULL, number INTEGER NOT NULL, root BLOB NOT NULL, PRIMARY KEY (height, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE entries (
    number        INTEGER PRIMARY KEY,
    kind          TEXT NOT NULL,
    unit          INTEGER NOT NULL,
    amount        INTEGER NOT NULL CHECK (amount >= 0),
    debit         INTEGER NOT NULL,
    credit        INTEGER NOT NULL CHECK (credit <> debit),
    project       INTEGER NOT NULL,
    effective_at  INTEGER NOT NULL,
    recorded_at   INTEGER NOT NULL,
    actor         INTEGER NOT NULL,
    key           TEXT,
    hold          TEXT,
    run_place     INTEGER,
    run_job       INTEGER,
    run_submitted INTEGER,
    grant_key     TEXT,
    reverses      INTEGER,
    note          TEXT NOT NULL,
    tariff        INTEGER,
    particulars   TEXT,
    person        INTEGER,
    content       BLOB,
    started       INTEGER,
    partition     INTEGER,
    end_state     INTEGER,
    written       BLOB,
    leaf          BLOB NOT NULL CHECK (length(leaf) = 32),
    CHECK (key IS NOT NULL OR run_job IS NOT NULL)
) STRICT;
CREATE UNIQUE INDEX entries_by_key ON entries (key) WHERE key IS NOT NULL;
CREATE UNIQUE INDEX entries_by_reversed ON entries (reverses) WHERE reverses IS NOT NULL;
CREATE INDEX entries_by_project ON entries (project, unit, effective_at);
CREATE INDEX entries_by_hold ON entries (hold) WHERE hold IS NOT NULL;
CREATE INDEX entries_of_grants ON entries (number) WHERE kind = 'grant';

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
CREATE TRIGGER posts_number_entries_without_gaps BEFORE INSERT ON posts
WHEN (SELECT count(*) FROM entries
      WHERE entries.number > coalesce((SELECT last_entry FROM posts ORDER BY posts.number DESC LIMIT 1), 0))
     <> NEW.last_entry - coalesce((SELECT last_entry FROM posts ORDER BY posts.number DESC LIMIT 1), 0)
     OR NEW.last_entry <> coalesce((SELECT max(number) FROM entries), 0)
BEGIN SELECT RAISE(ABORT, 'entries are numbered without gaps'); END;

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

-- The ends that bindings were given since; the earliest of a binding counts.
CREATE TABLE unbindings (
    number      INTEGER PRIMARY KEY,
    binding     INTEGER NOT NULL REFERENCES bindings (number),
    to_at       INTEGER NOT NULL,
    recorded_at INTEGER NOT NULL,
    actor_user  TEXT NOT NULL,
    actor_site  TEXT
) STRICT;
CREATE INDEX unbindings_by_binding ON unbindings (binding, to_at);

-- What the scheduler printed, packed by the chunk.
CREATE TABLE raw_rows (chunk INTEGER PRIMARY KEY, packed BLOB NOT NULL) STRICT;

CREATE TABLE runs (
    place        INTEGER NOT NULL,
    job          INTEGER NOT NULL,
    submitted    INTEGER NOT NULL,
    sluid        TEXT,
    shown_id     TEXT NOT NULL,
    user         INTEGER NOT NULL,
    account      INTEGER,
    partition    INTEGER,
    qos          INTEGER,
    name         TEXT NOT NULL,
    stamp_job    TEXT,
    stamp_link   INTEGER,
    state        INTEGER NOT NULL,
    restarts     INTEGER,
    started      INTEGER NOT NULL,
    ended        INTEGER,
    elapsed      INTEGER NOT NULL,
    time_limit   INTEGER,
    allocated    INTEGER NOT NULL,
    exit_code    INTEGER NOT NULL,
    exit_signal  INTEGER NOT NULL,
    evidence     INTEGER NOT NULL,
    observed_at  INTEGER NOT NULL,
    raw_chunk    INTEGER,
    raw_row      INTEGER,
    content      BLOB NOT NULL,
    revision     INTEGER NOT NULL,
    price        INTEGER NOT NULL,
    gpu          INTEGER,
    node         INTEGER,
    site_charge  INTEGER,
    project      INTEGER,
    unit         INTEGER,
    amount       INTEGER,
    hold         TEXT,
    effective_at INTEGER,
    entry        INTEGER,
    entries      INTEGER,
    unattributed TEXT,
    is_priced    INTEGER NOT NULL,
    PRIMARY KEY (place, job, submitted),
    CHECK ((project IS NULL) <> (unattributed IS NULL))
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX runs_by_sluid ON runs (place, sluid) WHERE sluid IS NOT NULL;
CREATE INDEX runs_by_job ON runs (stamp_job) WHERE stamp_job IS NOT NULL;
CREATE INDEX unattributed_runs ON runs (place, job) WHERE unattributed IS NOT NULL;
CREATE INDEX unpriced_runs ON runs (place, job) WHERE NOT is_priced;

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
-- Which runs were read: for each scope the stretches, none touching the next.
CREATE TABLE coverage (
    site           TEXT NOT NULL,
    cluster        TEXT NOT NULL,
    scope          TEXT NOT NULL,
    whole_accounts TEXT NOT NULL,
    from_at        INTEGER NOT NULL,
    to_at          INTEGER NOT NULL,
    observed_at    INTEGER NOT NULL,
    PRIMARY KEY (site, cluster, scope, from_at)
) STRICT, WITHOUT ROWID;
CREATE TABLE cursors (
    site TEXT NOT NULL, cluster TEXT NOT NULL, scope TEXT NOT NULL, settled_until INTEGER NOT NULL,
    PRIMARY KEY (site, cluster, scope)
) STRICT, WITHOUT ROWID;

-- What was said about the policy of a budget; the last word counts.
CREATE TABLE policies (
    number      INTEGER PRIMARY KEY,
    project     TEXT NOT NULL,
    unit        TEXT NOT NULL,
    policy      TEXT NOT NULL,
    zone        TEXT NOT NULL,
    recorded_at INTEGER NOT NULL,
    actor_user  TEXT NOT NULL,
    actor_site  TEXT
) STRICT;
CREATE INDEX policies_by_project ON policies (project, unit, number);

-- What budgets spent in each hour since 1970, and of that by runs: sums of entries, made with them.
CREATE TABLE hourly_spending (
    project INTEGER NOT NULL, unit INTEGER NOT NULL, hour INTEGER NOT NULL,
    spent INTEGER NOT NULL, by_runs INTEGER NOT NULL,
    PRIMARY KEY (project, unit, hour)
) STRICT, WITHOUT ROWID;

CREATE INDEX entries_of_withdrawals ON entries (number) WHERE kind IN ('withdraw', 'delegate');
CREATE INDEX entries_of_expiries ON entries (number) WHERE kind IN ('expire', 'forgive');
-- The zones that the days of sites begin in; UTC where nothing is said.
CREATE TABLE site_zones (site TEXT PRIMARY KEY, zone TEXT NOT NULL) STRICT, WITHOUT ROWID;

-- What entries of runs took, cut into the days of their site, and the same by months: sums of entries, made with them. 0 is
-- a partition that was not said. Days and months are counted from 1970.
CREATE TABLE daily_usage (
    day INTEGER NOT NULL, unit INTEGER NOT NULL, project INTEGER NOT NULL, person INTEGER NOT NULL,
    place INTEGER NOT NULL, partition INTEGER NOT NULL, end_state INTEGER NOT NULL, amount INTEGER NOT NULL,
    PRIMARY KEY (day, unit, project, person, place, partition, end_state)
) STRICT, WITHOUT ROWID;
CREATE TABLE monthly_usage (
    month INTEGER NOT NULL, unit INTEGER NOT NULL, project INTEGER NOT NULL, person INTEGER NOT NULL,
    place INTEGER NOT NULL, partition INTEGER NOT NULL, end_state INTEGER NOT NULL, amount INTEGER NOT NULL,
    PRIMARY KEY (month, unit, project, person, place, partition, end_state)
) STRICT, WITHOUT ROWID;

-- The clusters that usage was summed for, with their sites.
CREATE TABLE usage_places (place INTEGER PRIMARY KEY, site TEXT NOT NULL) STRICT;

-- Adjustments above what one person may enter, and the entries that those became to which another one agreed.
CREATE TABLE proposals (key TEXT PRIMARY KEY, proposal TEXT NOT NULL, entry INTEGER) STRICT, WITHOUT ROWID;

-- Batches of runs that were read to their end.
CREATE TABLE imports (
    number      INTEGER PRIMARY KEY,
    recorded_at INTEGER NOT NULL,
    actor_user  TEXT NOT NULL,
    actor_site  TEXT,
    digest      TEXT NOT NULL,
    header      TEXT NOT NULL
) STRICT;

-- What sites said was used of budgets; of one instant the last word counts.
CREATE TABLE site_figures (
    number      INTEGER PRIMARY KEY,
    project     TEXT NOT NULL,
    unit        TEXT NOT NULL,
    granted     INTEGER,
    used        INTEGER NOT NULL,
    since_at    INTEGER,
    as_of       INTEGER NOT NULL,
    source      TEXT NOT NULL,
    digest      TEXT NOT NULL,
    recorded_at INTEGER NOT NULL,
    actor_user  TEXT NOT NULL,
    actor_site  TEXT
) STRICT;
CREATE INDEX site_figures_by_project ON site_figures (project, unit, as_of, number);

-- Bundles that were taken in: whose, signed with which key, and how far.
CREATE TABLE bundles (
    chain       TEXT PRIMARY KEY,
    site        TEXT NOT NULL,
    user        TEXT NOT NULL,
    key         TEXT NOT NULL,
    number      INTEGER NOT NULL,
    last        TEXT NOT NULL,
    recorded_at INTEGER NOT NULL,
    actor_user  TEXT NOT NULL,
    actor_site  TEXT
) STRICT, WITHOUT ROWID;
";

/// One index for the entries that are about neither runs nor holds, which are few: grants, what changes them,
/// adjustments. An entry of a run, of which there are millions, asks of one index whether it belongs there, and not of
/// four. Bindings by directory and name, and the directories of the runs that need one: of those that nobody pays for,
/// and of those that a rule found, where it is empty if nobody told. A reading has its reader's rights, and readings that
/// say different things stand side by side. When the jobs of holds are expected to run.
const SEVENTH: &str = "
DROP INDEX entries_of_grants;
DROP INDEX entries_of_withdrawals;
DROP INDEX entries_of_expiries;
CREATE INDEX entries_by_kind ON entries (kind, number) WHERE run_place IS NULL AND hold IS NULL;
ALTER TABLE bindings ADD COLUMN work_directory TEXT;
ALTER TABLE bindings ADD COLUMN name TEXT;
ALTER TABLE runs ADD COLUMN work_directory TEXT;
ALTER TABLE coverage RENAME TO coverage_of_6;
CREATE TABLE coverage (
    site            TEXT NOT NULL,
    cluster         TEXT NOT NULL,
    scope           TEXT NOT NULL,
    rights          TEXT,
    whole_accounts  TEXT NOT NULL,
    hidden_accounts TEXT NOT NULL,
    from_at         INTEGER NOT NULL,
    to_at           INTEGER NOT NULL,
    observed_at     INTEGER NOT NULL
) STRICT;
INSERT INTO coverage SELECT site, cluster, scope, NULL, whole_accounts, '[]', from_at, to_at, observed_at FROM coverage_of_6;
DROP TABLE coverage_of_6;
CREATE INDEX coverage_by_scope ON coverage (site, cluster, scope, from_at);
ALTER TABLE holds ADD COLUMN expected_from INTEGER;
ALTER TABLE holds ADD COLUMN expected_to INTEGER;
";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{LedgerErrorKind, OpenMode, SqliteBook};
    use rusqlite::Connection;

    #[test]
    fn steps_are_numbered_without_gaps_and_a_later_one_is_named() {
        assert!(MIGRATIONS.iter().map(|(number, _)| *number).eq(OLDEST..=VERSION));
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("ledger.db");
        drop(SqliteBook::open(&path, OpenMode::Create).expect("made"));
        let file = Connection::open(&path).expect("opened");
        file.pragma_update(None, "user_version", VERSION + 1).expect("changed");
        let error = SqliteBook::open(&path, OpenMode::Existing).expect_err("of a later release");
        assert_eq!(error.kind, LedgerErrorKind::NewerVersion);
    }
}
