//! Opening: does the server answer, is there a ledger, is it ours, of which release.

use super::joined_posts::close_posts;
use super::keeper::Keeper;
use super::place::PostgresPlace;
use super::rows::get;
use super::schema::{APPLICATION, MIGRATIONS, SCHEMA, VERSION};
use super::session::Session;
use super::tables::Tables;
use crate::evidence::SignerKey;
use crate::post::Post;
use crate::random::no_bits;
use crate::records::Result;
use crate::schema_version::{WITH_DECISIONS, WITH_NIGHTS, check_version};
use crate::store::Store as _;
use crate::stored::{Carried, Log, LogTables as _, enter_earlier, sum_nights};
use crate::{LedgerError, LedgerErrorKind, OpenMode};

/// The oldest server that is known to do.
const OLDEST_SERVER: i32 = 150_000;

/// What every session says first. Names are ours alone; a writer's patience with others has an end; a server that was told
/// not to wait for its disk waits for ours; no statement is worth being compiled.
const GREETING: &str = "SET search_path = pakt; SET lock_timeout = '60s'; SET client_min_messages = warning; SET jit = off;
    SET timezone = 'UTC'; SET statement_timeout = 0; SET idle_in_transaction_session_timeout = '5min';
    SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') IN ('off', 'local')";

/// Connects and makes the tables ready; errors leave the database as it was.
pub(super) fn open(place: &PostgresPlace, mode: OpenMode, keeper: &Keeper) -> Result<Session> {
    let session = greeted(place)?;
    match version(&session)? {
        Some(VERSION) if mode == OpenMode::Existing => return Ok(session),
        Some(found) => check_version(found)?,
        None if mode == OpenMode::Existing => {
            let why = "the database has no ledger; `pakt ledger init` makes one";
            return Err(LedgerError::never(LedgerErrorKind::NotFound, why));
        }
        None => {}
    }
    session.begin_writing()?;
    match migrate(&session, keeper).and_then(|()| make_key(&session, mode, keeper)) {
        Ok(()) => session.commit()?,
        Err(error) => {
            session.roll_back();
            return Err(error);
        }
    }
    Ok(session)
}

/// Connects to a server that will do.
pub(super) fn greeted(place: &PostgresPlace) -> Result<Session> {
    let session = Session::new(place.connect()?);
    session.batch(GREETING)?;
    check_server(&session)?;
    Ok(session)
}

/// Connects and makes the tables ready to take in another ledger, inside a transaction that goes on. A ledger that somebody
/// has posted to is left alone.
pub(super) fn open_empty(place: &PostgresPlace, keeper: &Keeper) -> Result<Session> {
    let session = greeted(place)?;
    session.begin_writing()?;
    migrate(&session, keeper)?;
    let row = session.one("SELECT EXISTS (SELECT FROM posts), EXISTS (SELECT FROM entries)", &[])?;
    if get(&row, 0)? || get(&row, 1)? {
        let why = "the ledger there is not empty: somebody has posted to it";
        return Err(LedgerError::never(LedgerErrorKind::Conflict, why));
    }
    session.batch("DELETE FROM log; DELETE FROM names; DELETE FROM persons")?;
    Ok(session)
}

fn check_server(session: &Session) -> Result<()> {
    let select = "SELECT current_setting('server_version_num')::integer, current_setting('server_encoding')";
    let row = session.one(select, &[])?;
    let (release, encoding): (i32, &str) = (get(&row, 0)?, get(&row, 1)?);
    let why = if release < OLDEST_SERVER {
        format!("the server is PostgreSQL {}; 15 or later is needed", release / 10_000)
    } else if encoding != "UTF8" {
        format!("the database keeps texts as {encoding}; a ledger needs UTF8")
    } else {
        return Ok(());
    };
    Err(LedgerError::never(LedgerErrorKind::Invalid, why))
}

/// The version of the ledger; none where there is none yet.
fn version(session: &Session) -> Result<Option<i64>> {
    let select = "SELECT to_regclass('pakt.meta') IS NOT NULL,
        EXISTS (SELECT 1 FROM pg_class WHERE relnamespace = to_regnamespace('pakt'))";
    let row = session.one(select, &[])?;
    let not_ours = || {
        let why = format!("the schema `{SCHEMA}` of the database belongs to another program");
        LedgerError::never(LedgerErrorKind::NotALedger, why)
    };
    match (get(&row, 0)?, get(&row, 1)?) {
        (false, false) => Ok(None),
        (false, true) => Err(not_ours()),
        (true, _) => {
            let select = "SELECT (SELECT value FROM meta WHERE name = 'application'),
                (SELECT value::bigint FROM meta WHERE name = 'version')";
            let row = session
                .one(select, &[])
                .map_err(|error| if error.kind == LedgerErrorKind::Bug { not_ours() } else { error })?;
            let (application, version): (Option<&str>, Option<i64>) = (get(&row, 0)?, get(&row, 1)?);
            version.filter(|_| application == Some(APPLICATION)).ok_or_else(not_ours).map(Some)
        }
    }
}

/// Takes the steps that are missing, in one transaction; another process may have taken them meanwhile.
fn migrate(session: &Session, keeper: &Keeper) -> Result<()> {
    let taken = version(session)?;
    check_version(taken.unwrap_or(0))?;
    if taken == Some(VERSION) {
        return Ok(());
    }
    let is_there = session.one("SELECT to_regnamespace('pakt') IS NOT NULL", &[])?;
    if !get::<bool>(&is_there, 0)? {
        session.batch(&format!("CREATE SCHEMA {SCHEMA}"))?;
    }
    for (_, step) in MIGRATIONS.iter().filter(|(number, _)| *number > taken.unwrap_or(0)) {
        session.batch(step)?;
    }
    if taken.is_some_and(|taken| taken < WITH_NIGHTS) {
        sum_nights(&Tables::new(session))?;
    }
    if taken.is_some_and(|taken| taken < WITH_DECISIONS) {
        enter_decisions(session, keeper)?;
    }
    if taken.is_none() {
        let mut secret = [0; 32];
        keeper.random.fill(&mut secret).map_err(|error| no_bits(&error))?;
        let insert = "INSERT INTO meta (name, value) VALUES ('secret', encode($1, 'hex'))";
        session.execute(insert, &[&secret.as_slice()])?;
        session.execute("INSERT INTO meta (name, value) VALUES ('application', $1)", &[&APPLICATION])?;
    }
    let note = "INSERT INTO meta (name, value) VALUES ('version', $1)
        ON CONFLICT (name) DO UPDATE SET value = excluded.value";
    session.execute(note, &[&VERSION.to_string()])?;
    Ok(())
}

/// Enters what was decided before decisions had entries.
fn enter_decisions(session: &Session, keeper: &Keeper) -> Result<()> {
    let tables = Tables::to_write(session, &keeper.random);
    let Some((actor, now)) = enter_earlier(&tables, "ctid")? else { return Ok(()) };
    let post = Post { actor, now, commands: Vec::new() };
    close_posts(session, &[Carried { post: &post, recorded_at: now, last_entry: tables.last_number()? }])?;
    tables.close_log(None)
}

/// Whoever makes the ledger makes the key of its log.
fn make_key(session: &Session, mode: OpenMode, keeper: &Keeper) -> Result<()> {
    if mode == OpenMode::Existing || Tables::new(session).log_row()?.key.is_some() {
        return Ok(());
    }
    let key = keeper.make()?.verifier().to_string();
    session.execute("UPDATE log SET key = $1 WHERE key IS NULL", &[&key]).map(drop)
}

/// The key of the ledger's log, where this user has it.
pub(super) fn find_key(session: &Session, keeper: &Keeper) -> Result<Option<SignerKey>> {
    Ok(keeper.find(Log::of(&Tables::new(session).log_row()?)?.key.as_ref()))
}
