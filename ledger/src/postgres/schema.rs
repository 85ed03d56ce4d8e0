//! The tables, with the same numbers of migrations as SQLite's. A migration is appended, never changed.
//!
//! Texts that are compared for their order are declared `COLLATE "C"`: a server sorts otherwise as a language does.

use crate::schema_version::OLDEST;
pub(super) use crate::schema_version::VERSION;
use crate::{schema_step_8 as step_8, schema_step_9 as step_9, schema_step_10 as step_10, schema_step_11 as step_11};

/// The schema that holds a ledger, so that it may share a database with other programs.
pub(super) const SCHEMA: &str = "pakt";

/// What the table `meta` says the schema belongs to.
pub(super) const APPLICATION: &str = "pakt-ledger";

/// The steps from an empty schema to the present tables, with their numbers; `version` in `meta` is the last one taken.
pub(super) const MIGRATIONS: &[(i64, &str)] = &[
    (OLDEST, FIRST),
    (7, SEVENTH),
    (8, step_8::OF_POSTGRES),
    (9, step_9::OF_POSTGRES),
    (10, step_10::OF_BOTH),
    (11, step_11::OF_POSTGRES),
];

const FIRST: &str = r#"
CREATE TABLE meta (name text COLLATE "C" PRIMARY KEY, value text NOT NULL);

-- Every text that occurs in many rows, once; the columns of entries and runs hold its number, without referencing it.
CREATE TABLE names (
    number integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    text   text COLLATE "C" NOT NULL UNIQUE
);

-- Who posts and whose runs they are: entries hold the number. To erase somebody is to drop name and salt here.
CREATE TABLE persons (
    number     bigint PRIMARY KEY,
    pseudonym  bytea NOT NULL UNIQUE CHECK (length(pseudonym) = 16),
    commitment bytea NOT NULL CHECK (length(commitment) = 32),
    site       text COLLATE "C",
    "user"     text COLLATE "C",
    salt       bytea CHECK (length(salt) = 32),
    erased_at  bigint,
    CHECK (("user" IS NULL) = (erased_at IS NOT NULL) AND (salt IS NULL) = ("user" IS NULL))
);
CREATE INDEX persons_by_user ON persons ("user", site);

-- The log of entries: the right edge of its tree, the key that signs it, the newest checkpoint. One row.
CREATE TABLE log (
    one        integer PRIMARY KEY CHECK (one = 1),
    frontier   bytea NOT NULL,
    key        text,
    checkpoint text
);
INSERT INTO log (one, frontier) VALUES (1, '\x0000000000000000');
-- Roots of full subtrees of 256 (height 1) and 65,536 leaves (height 2), for proofs.
CREATE TABLE subtree_roots (
    height bigint NOT NULL, number bigint NOT NULL, root bytea NOT NULL, PRIMARY KEY (height, number)
);

CREATE TABLE entries (
    number        bigint PRIMARY KEY,
    kind          text COLLATE "C" NOT NULL,
    unit          integer NOT NULL,
    amount        bigint NOT NULL CHECK (amount >= 0),
    debit         integer NOT NULL,
    credit        integer NOT NULL CHECK (credit <> debit),
    project       integer NOT NULL,
    effective_at  bigint NOT NULL,
    recorded_at   bigint NOT NULL,
    actor         bigint NOT NULL,
    key           text COLLATE "C",
    hold          text COLLATE "C",
    run_place     integer,
    run_job       bigint,
    run_submitted bigint,
    grant_key     text COLLATE "C",
    reverses      bigint,
    note          text NOT NULL,
    tariff        integer,
    particulars   text,
    person        bigint,
    content       bytea,
    started       bigint,
    partition     integer,
    end_state     integer,
    written       bytea,
    leaf          bytea NOT NULL CHECK (length(leaf) = 32),
    CHECK (key IS NOT NULL OR run_job IS NOT NULL)
);
CREATE UNIQUE INDEX entries_by_key ON entries (key) WHERE key IS NOT NULL;
CREATE UNIQUE INDEX entries_by_reversed ON entries (reverses) WHERE reverses IS NOT NULL;
CREATE INDEX entries_by_project ON entries (project, unit, effective_at);
CREATE INDEX entries_by_hold ON entries (hold) WHERE hold IS NOT NULL;
CREATE INDEX entries_of_grants ON entries (number) WHERE kind = 'grant';
CREATE INDEX entries_of_withdrawals ON entries (number) WHERE kind IN ('withdraw', 'delegate');
CREATE INDEX entries_of_expiries ON entries (number) WHERE kind IN ('expire', 'forgive');

CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION '%', TG_ARGV[0]; END $$;
CREATE TRIGGER entries_are_not_changed BEFORE UPDATE ON entries
    FOR EACH STATEMENT EXECUTE FUNCTION refuse('a posted entry is never changed');
CREATE TRIGGER entries_are_not_deleted BEFORE DELETE OR TRUNCATE ON entries
    FOR EACH STATEMENT EXECUTE FUNCTION refuse('a posted entry is never deleted');

CREATE TABLE balances (
    account text COLLATE "C" NOT NULL, unit text COLLATE "C" NOT NULL, amount bigint NOT NULL,
    PRIMARY KEY (account, unit)
);
CREATE TABLE totals (
    project text COLLATE "C" NOT NULL, unit text COLLATE "C" NOT NULL, kind text COLLATE "C" NOT NULL,
    amount bigint NOT NULL,
    PRIMARY KEY (project, unit, kind)
);

CREATE TABLE posts (
    number      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    recorded_at bigint NOT NULL,
    actor_user  text NOT NULL,
    actor_site  text,
    commands    bigint NOT NULL,
    last_entry  bigint NOT NULL
);
CREATE FUNCTION check_posts() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    before bigint := coalesce((SELECT last_entry FROM posts
                               WHERE posts.number < (SELECT min(added.number) FROM added)
                               ORDER BY posts.number DESC LIMIT 1), 0);
    last bigint := (SELECT max(last_entry) FROM added);
BEGIN
    IF EXISTS (SELECT 1 FROM balances GROUP BY unit HAVING sum(amount) <> 0) THEN
        RAISE EXCEPTION 'the accounts of a unit do not sum to zero';
    END IF;
    IF (SELECT count(*) FROM entries WHERE entries.number BETWEEN before + 1 AND last) <> last - before
       OR last <> coalesce((SELECT max(entries.number) FROM entries), 0) THEN
        RAISE EXCEPTION 'entries are numbered without gaps';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER posts_leave_a_sound_book AFTER INSERT ON posts REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION check_posts();

CREATE TABLE holds (
    id             text COLLATE "C" PRIMARY KEY,
    project        text COLLATE "C" NOT NULL,
    unit           text COLLATE "C" NOT NULL,
    first_ceiling  bigint NOT NULL,
    ceiling        bigint NOT NULL,
    charged        bigint NOT NULL,
    note           text NOT NULL,
    anyway         text,
    is_provisional boolean NOT NULL,
    opened_at      bigint NOT NULL,
    opened_by_user text NOT NULL,
    opened_by_site text,
    closed_because text,
    closed_at      bigint
);
CREATE INDEX open_holds ON holds (project, id) WHERE closed_at IS NULL;

CREATE TABLE bindings (
    number      bigint PRIMARY KEY,
    site        text NOT NULL,
    account     text,
    partition   text,
    "user"      text,
    unit        text NOT NULL,
    project     text NOT NULL,
    from_at     bigint NOT NULL,
    to_at       bigint,
    recorded_at bigint NOT NULL,
    actor_user  text NOT NULL,
    actor_site  text
);
CREATE TABLE enforcements (
    number      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    project     text COLLATE "C" NOT NULL,
    unit        text COLLATE "C" NOT NULL,
    is_enforced boolean NOT NULL,
    recorded_at bigint NOT NULL,
    actor_user  text NOT NULL,
    actor_site  text
);
CREATE INDEX enforcements_by_project ON enforcements (project, unit, number);

-- The ends that bindings were given since; the earliest of a binding counts.
CREATE TABLE unbindings (
    number      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    binding     bigint NOT NULL REFERENCES bindings (number),
    to_at       bigint NOT NULL,
    recorded_at bigint NOT NULL,
    actor_user  text NOT NULL,
    actor_site  text
);
CREATE INDEX unbindings_by_binding ON unbindings (binding, to_at);

-- What the scheduler printed, packed by the chunk; the server need not pack it again.
CREATE TABLE raw_rows (chunk bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, packed bytea NOT NULL);
ALTER TABLE raw_rows ALTER COLUMN packed SET STORAGE EXTERNAL;

CREATE TABLE runs (
    place        integer NOT NULL,
    job          bigint NOT NULL,
    submitted    bigint NOT NULL,
    sluid        text COLLATE "C",
    shown_id     text NOT NULL,
    "user"       integer NOT NULL,
    account      integer,
    partition    integer,
    qos          integer,
    name         text NOT NULL,
    stamp_job    text COLLATE "C",
    stamp_link   bigint,
    state        integer NOT NULL,
    restarts     bigint,
    started      bigint NOT NULL,
    ended        bigint,
    elapsed      bigint NOT NULL,
    time_limit   bigint,
    allocated    integer NOT NULL,
    exit_code    bigint NOT NULL,
    exit_signal  bigint NOT NULL,
    evidence     smallint NOT NULL,
    observed_at  bigint NOT NULL,
    raw_chunk    bigint,
    raw_row      bigint,
    content      bytea NOT NULL,
    revision     bigint NOT NULL,
    price        integer NOT NULL,
    gpu          bigint,
    node         bigint,
    site_charge  bigint,
    project      integer,
    unit         integer,
    amount       bigint,
    hold         text COLLATE "C",
    effective_at bigint,
    entry        bigint,
    entries      smallint,
    unattributed text,
    is_priced    boolean NOT NULL,
    PRIMARY KEY (place, job, submitted),
    CHECK ((project IS NULL) <> (unattributed IS NULL))
);
CREATE UNIQUE INDEX runs_by_sluid ON runs (place, sluid) WHERE sluid IS NOT NULL;
CREATE INDEX runs_by_job ON runs (stamp_job) WHERE stamp_job IS NOT NULL;
CREATE INDEX unattributed_runs ON runs (place, job) WHERE unattributed IS NOT NULL;
CREATE INDEX unpriced_runs ON runs (place, job) WHERE NOT is_priced;

CREATE TABLE observations (
    site text COLLATE "C" NOT NULL, cluster text COLLATE "C" NOT NULL, scope text COLLATE "C" NOT NULL,
    as_of bigint NOT NULL, whole_accounts text NOT NULL,
    PRIMARY KEY (site, cluster, scope)
);
CREATE TABLE observed_jobs (
    site          text COLLATE "C" NOT NULL,
    cluster       text COLLATE "C" NOT NULL,
    scope         text COLLATE "C" NOT NULL,
    position      bigint NOT NULL,
    is_running    boolean NOT NULL,
    scheduler_job bigint NOT NULL,
    submitted_at  bigint,
    job           text COLLATE "C",
    content       text NOT NULL,
    PRIMARY KEY (site, cluster, scope, position)
);
-- Which runs were read: for each scope the stretches, none touching the next.
CREATE TABLE coverage (
    site           text COLLATE "C" NOT NULL,
    cluster        text COLLATE "C" NOT NULL,
    scope          text COLLATE "C" NOT NULL,
    whole_accounts text NOT NULL,
    from_at        bigint NOT NULL,
    to_at          bigint NOT NULL,
    observed_at    bigint NOT NULL,
    PRIMARY KEY (site, cluster, scope, from_at)
);
CREATE TABLE cursors (
    site text COLLATE "C" NOT NULL, cluster text COLLATE "C" NOT NULL, scope text COLLATE "C" NOT NULL,
    settled_until bigint NOT NULL,
    PRIMARY KEY (site, cluster, scope)
);

-- What was said about the policy of a budget; the last word counts.
CREATE TABLE policies (
    number      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    project     text COLLATE "C" NOT NULL,
    unit        text COLLATE "C" NOT NULL,
    policy      text NOT NULL,
    zone        text NOT NULL,
    recorded_at bigint NOT NULL,
    actor_user  text NOT NULL,
    actor_site  text
);
CREATE INDEX policies_by_project ON policies (project, unit, number);

-- What budgets spent in each hour since 1970, and of that by runs: sums of entries, made with them.
CREATE TABLE hourly_spending (
    project integer NOT NULL, unit integer NOT NULL, hour bigint NOT NULL,
    spent bigint NOT NULL, by_runs bigint NOT NULL,
    PRIMARY KEY (project, unit, hour)
);

-- The zones that the days of sites begin in; UTC where nothing is said.
CREATE TABLE site_zones (site text COLLATE "C" PRIMARY KEY, zone text NOT NULL);

-- What entries of runs took, cut into the days of their site, and the same by months: sums of entries, made with them. 0 is
-- a partition that was not said. Days and months are counted from 1970.
CREATE TABLE daily_usage (
    day bigint NOT NULL, unit integer NOT NULL, project integer NOT NULL, person bigint NOT NULL,
    place integer NOT NULL, partition integer NOT NULL, end_state integer NOT NULL, amount bigint NOT NULL,
    PRIMARY KEY (day, unit, project, person, place, partition, end_state)
);
CREATE TABLE monthly_usage (
    month bigint NOT NULL, unit integer NOT NULL, project integer NOT NULL, person bigint NOT NULL,
    place integer NOT NULL, partition integer NOT NULL, end_state integer NOT NULL, amount bigint NOT NULL,
    PRIMARY KEY (month, unit, project, person, place, partition, end_state)
);

-- The clusters that usage was summed for, with their sites.
CREATE TABLE usage_places (place integer PRIMARY KEY, site text COLLATE "C" NOT NULL);

-- Adjustments above what one person may enter, and the entries that those became to which another one agreed.
CREATE TABLE proposals (key text COLLATE "C" PRIMARY KEY, proposal text NOT NULL, entry bigint);

-- What sites said was used of budgets; of one instant the last word counts.
CREATE TABLE site_figures (
    number      bigint PRIMARY KEY,
    project     text COLLATE "C" NOT NULL,
    unit        text COLLATE "C" NOT NULL,
    granted     bigint,
    used        bigint NOT NULL,
    since_at    bigint,
    as_of       bigint NOT NULL,
    source      text NOT NULL,
    digest      text NOT NULL,
    recorded_at bigint NOT NULL,
    actor_user  text NOT NULL,
    actor_site  text
);
CREATE INDEX site_figures_by_project ON site_figures (project, unit, as_of, number);

-- Bundles that were taken in, and how far.
CREATE TABLE bundles (
    chain       text COLLATE "C" PRIMARY KEY,
    site        text COLLATE "C" NOT NULL,
    "user"      text COLLATE "C" NOT NULL,
    key         text NOT NULL,
    number      bigint NOT NULL,
    last        text NOT NULL,
    recorded_at bigint NOT NULL,
    actor_user  text NOT NULL,
    actor_site  text
);

-- Batches of runs that were read to their end.
CREATE TABLE imports (
    number      bigint PRIMARY KEY,
    recorded_at bigint NOT NULL,
    actor_user  text NOT NULL,
    actor_site  text,
    digest      text NOT NULL,
    header      text NOT NULL
);
"#;

/// One index for the entries that are about neither runs nor holds, which are few: grants, what changes them,
/// adjustments. An entry of a run, of which there are millions, asks of one index whether it belongs there, and not of
/// four. Bindings by directory and name, and the directories of the runs that need one: of those that nobody pays for,
/// and of those that a rule found, where it is empty if nobody told. A reading has its reader's rights, and readings that
/// say different things stand side by side. When the jobs of holds are expected to run.
const SEVENTH: &str = r"
DROP INDEX entries_of_grants;
DROP INDEX entries_of_withdrawals;
DROP INDEX entries_of_expiries;
CREATE INDEX entries_by_kind ON entries (kind, number) WHERE run_place IS NULL AND hold IS NULL;
ALTER TABLE bindings ADD COLUMN work_directory text;
ALTER TABLE bindings ADD COLUMN name text;
ALTER TABLE runs ADD COLUMN work_directory text;
ALTER TABLE coverage DROP CONSTRAINT coverage_pkey;
ALTER TABLE coverage ADD COLUMN rights text, ADD COLUMN hidden_accounts text NOT NULL DEFAULT '[]';
CREATE INDEX coverage_by_scope ON coverage (site, cluster, scope, from_at);
ALTER TABLE holds ADD COLUMN expected_from bigint;
ALTER TABLE holds ADD COLUMN expected_to bigint;
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_stores_take_the_same_steps() {
        let numbers = |steps: &[(i64, &str)]| steps.iter().map(|(number, _)| *number).collect::<Vec<_>>();
        assert_eq!(numbers(MIGRATIONS), numbers(crate::sqlite::MIGRATIONS));
        assert_eq!(numbers(MIGRATIONS).last(), Some(&VERSION));
    }
}
