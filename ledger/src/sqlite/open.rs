//! Opening: is it there, is it ours, may this host use it, which journal does the place allow.

use super::header::{Header, check_header};
use super::joined_posts::close_post;
use super::mount::{Place, Reach, place_of};
use super::read_only::{self, Untouched};
use super::schema::{APPLICATION_ID, MIGRATIONS, VERSION};
use super::tables::Tables;
use super::thread::with_retries;
use crate::evidence::SignerKey;
use crate::random::{Random, no_bits};
use crate::schema_version::{WITH_DECISIONS, WITH_NIGHTS, check_version};
use crate::stored::{LogTables as _, enter_earlier, find_key, generate_key, read_key, sum_nights, write_key};
use crate::{LedgerError, LedgerErrorKind, Retry};
use rusqlite::{Connection, OpenFlags, OptionalExtension, TransactionBehavior, config::DbConfig};
use std::ffi::OsString;
use std::fs::{self, OpenOptions};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What to do where there is no ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OpenMode {
    /// It is an error that says how one is made.
    Existing,
    /// One is made; one that is there is opened.
    Create,
}

/// Where a post may be cut off, to test that nothing half-done is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopPoint {
    /// After the entries were written, before the tree is signed.
    BeforeCheckpoint,
    /// After the commands were carried out, before the transaction is committed.
    BeforeCommit,
    /// After the transaction is committed, before anybody is told.
    AfterCommit,
}

/// What the store knows of the machine it is on; made by hand in tests.
#[derive(Clone, Debug)]
pub struct Surroundings {
    /// The text of the mount table, in the form of `/proc/self/mountinfo`.
    pub mountinfo: String,
    /// The name of this host.
    pub host: String,
    /// Where the process kills itself; none outside tests.
    pub stop: Option<StopPoint>,
    /// Where random bits come from.
    pub random: Random,
}

impl Surroundings {
    /// The surroundings of this process. A mount table that cannot be read is an empty one: the ledger is then kept to
    /// one host.
    pub fn here() -> Self {
        Self {
            mountinfo: fs::read_to_string("/proc/self/mountinfo").unwrap_or_default(),
            host: rustix::system::uname().nodename().to_string_lossy().into_owned(),
            stop: None,
            random: Random::of_the_system(),
        }
    }
}

/// A try waits this long inside SQLite; `with_retries` then tries again.
pub(super) const BUSY_WAIT: Duration = Duration::from_secs(5);

/// How much of the file a connection keeps in memory at most, in KiB; SQLite's own 2 MiB are read again and again by an
/// import.
const CACHE_KIB: i64 = 16 * 1024;

/// So many pages the write-ahead log may have before it is put into the file: 32 MiB. A post of an import writes more than
/// SQLite's own 1,000, and hot pages would be put there with each.
const LOG_PAGES: i64 = 8_000;

/// A file that is ready.
pub(super) struct Opened {
    pub(super) connection: Connection,
    /// The key of its log, where this user has it and can write.
    pub(super) signer: Option<SignerKey>,
    /// Whether it can only be read.
    pub(super) is_read_only: bool,
    /// What tells whether somebody writes to it, where no lock does.
    pub(super) untouched: Option<Untouched>,
}

/// Opens the file and makes it ready; errors leave it as it was. One that is there and cannot be written is opened to be read.
pub(super) fn open(path: &Path, mode: OpenMode, surroundings: &Surroundings) -> Result<Opened, LedgerError> {
    open_inner(path, mode, surroundings)
        .map_err(nothing_happened)
        .map_err(|error| error.while_doing("opening the ledger").with_fact("file", &path.display()))
}

/// A file system that fails while a ledger is opened (a full disk has no room for the shared memory beside it, which
/// SQLite reports as `SQLITE_IOERR_SHMSIZE`) has lost nothing: nothing was asked of it yet.
fn nothing_happened(error: LedgerError) -> LedgerError {
    let is_open = error.kind == LedgerErrorKind::InputOutput;
    LedgerError { retry: if is_open { Retry::Later } else { error.retry }, ..error }
}

fn open_inner(path: &Path, mode: OpenMode, surroundings: &Surroundings) -> Result<Opened, LedgerError> {
    if mode == OpenMode::Create {
        create_file(path)?;
    }
    let header = check_header(path, mode)?;
    let place = place_of(&surroundings.mountinfo, &resolve(path)?);
    if mode == OpenMode::Existing && read_only::is_read_only(path) {
        return open_to_read(path, header, &place, &surroundings.host);
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags)?;
    set_up(&connection)?;
    // An entry that is replaced is deleted: the trigger against that runs only so.
    connection.pragma_update(None, "recursive_triggers", "ON")?;
    with_retries(&mut connection, |connection| migrate(connection, &surroundings.random))?;
    with_retries(&mut connection, |connection| check_host(connection, &place, &surroundings.host))?;
    with_retries(&mut connection, |connection| choose_journal(connection, &place))?;
    let random = &surroundings.random;
    let signer = with_retries(&mut connection, |connection| prepare_key(connection, path, mode, random))?;
    Ok(Opened { connection, signer, is_read_only: false, untouched: None })
}

/// Nothing is migrated, chosen or signed in a file that can only be read.
fn open_to_read(path: &Path, header: Header, place: &Place, host: &str) -> Result<Opened, LedgerError> {
    let (mut connection, untouched) = read_only::open(&resolve(path)?, header.version, header.has_log)?;
    set_up(&connection)?;
    with_retries(&mut connection, |connection| match (&place.reach, host_of(connection)?) {
        (Reach::Unknown(reason), Some(known)) if known != host => Err(other_host(place, reason, &known, host)),
        _ => Ok(()),
    })?;
    Ok(Opened { connection, signer: None, is_read_only: true, untouched })
}

fn set_up(connection: &Connection) -> Result<(), LedgerError> {
    connection.busy_timeout(BUSY_WAIT)?;
    connection.set_prepared_statement_cache_capacity(64);
    // Else SQLite plans some statements anew for each value that is bound.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    Ok(connection.pragma_update(None, "cache_size", -CACHE_KIB)?)
}

/// Makes an empty file where there is none: for its owner alone, or for the group where the folder passes its group on.
/// SQLite gives the files it makes beside it the same mode, whatever the umask (3.54.1, `findCreateFileMode` and
/// `robust_open` in `os_unix.c`).
fn create_file(path: &Path) -> Result<(), LedgerError> {
    let folder = folder_of(path);
    let is_shared = fs::metadata(folder).map_err(|error| of_file(&error))?.mode() & 0o2000 != 0;
    let mode = if is_shared { 0o660 } else { 0o600 };
    match OpenOptions::new().write(true).create_new(true).mode(mode).open(path) {
        // The umask may have taken the group's part away.
        Ok(file) => file.set_permissions(fs::Permissions::from_mode(mode)).map_err(|error| of_file(&error)),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(of_file(&error)),
    }
}

/// Takes the steps that are missing, all in one transaction; another process may have taken them meanwhile.
fn migrate(connection: &mut Connection, random: &Random) -> Result<(), LedgerError> {
    let version = |connection: &Connection| connection.query_row("PRAGMA user_version", [], |row| row.get::<_, i64>(0));
    let found = version(connection)?;
    check_version(found)?;
    if found == VERSION {
        return Ok(());
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let taken = version(&transaction)?;
    for (_, step) in MIGRATIONS.iter().filter(|(number, _)| *number > taken) {
        transaction.execute_batch(step)?;
    }
    if taken < WITH_NIGHTS {
        sum_nights(&Tables::new(&transaction))?;
    }
    if taken < WITH_DECISIONS
        && let Some((actor, at)) = enter_earlier(&Tables::to_write(&transaction, random), "rowid")?
    {
        close_post(&transaction, &actor, (at, at), 0)?;
    }
    let mut secret = [0; 32];
    random.fill(&mut secret).map_err(|error| no_bits(&error))?;
    transaction.execute("INSERT OR IGNORE INTO meta (name, value) VALUES ('secret', lower(hex(?1)))", [secret])?;
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.pragma_update(None, "user_version", VERSION)?;
    Ok(transaction.commit()?)
}

const HOST: &str = "SELECT value FROM meta WHERE name = 'host'";

/// The host that the ledger is kept to.
fn host_of(connection: &Connection) -> Result<Option<String>, LedgerError> {
    Ok(connection.query_row(HOST, [], |row| row.get(0)).optional()?)
}

/// Where locks end at the host, the first host that opens the ledger is the only one.
fn check_host(connection: &mut Connection, place: &Place, host: &str) -> Result<(), LedgerError> {
    let Reach::Unknown(reason) = &place.reach else { return Ok(()) };
    let mut known = host_of(connection)?;
    if known.is_none() {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        transaction.execute("INSERT OR IGNORE INTO meta (name, value) VALUES ('host', ?1)", [host])?;
        known = host_of(&transaction)?;
        transaction.commit()?;
    }
    known.filter(|known| known != host).map_or(Ok(()), |known| Err(other_host(place, reason, &known, host)))
}

fn other_host(place: &Place, reason: &str, known: &str, host: &str) -> LedgerError {
    let why = format!("it is kept to host `{known}`, because {reason}; this is `{host}`");
    let error = LedgerError::never(LedgerErrorKind::OtherHost, why);
    error.with_fact("host", &known).with_fact("file system", &place.file_system)
}

/// The write-ahead log on a disk of this host, the rollback journal everywhere else; both survive a power cut.
fn choose_journal(connection: &mut Connection, place: &Place) -> Result<(), LedgerError> {
    let (journal, synchronous) = match place.reach {
        Reach::Host => ("wal", "FULL"),
        Reach::AllHosts | Reach::Unknown(_) => ("delete", "EXTRA"),
    };
    let found: String = connection.query_row("PRAGMA journal_mode", [], |row| row.get(0))?;
    if found != journal {
        let set: String = connection.query_row(&format!("PRAGMA journal_mode = {journal}"), [], |row| row.get(0))?;
        if set != journal {
            let why = format!("its journal cannot be changed from {found} to {journal} while others use it");
            return Err(LedgerError::new(LedgerErrorKind::Busy, Retry::Later, why));
        }
    }
    connection.pragma_update(None, "synchronous", synchronous)?;
    connection.pragma_update(None, "wal_autocheckpoint", LOG_PAGES)?;
    Ok(())
}

/// The key file of the ledger at a path: `ledger.db.key` beside `ledger.db`.
pub(super) fn key_file_of(ledger: &Path) -> PathBuf {
    let mut name = ledger.as_os_str().to_owned();
    name.push(".key");
    PathBuf::from(name)
}

/// The key of a ledger that is being opened, where this user has it. Whoever makes the ledger makes the key.
fn prepare_key(
    connection: &Connection,
    ledger: &Path,
    mode: OpenMode,
    random: &Random,
) -> Result<Option<SignerKey>, LedgerError> {
    let path = key_file_of(ledger);
    if mode == OpenMode::Create && Tables::new(connection).log_row()?.key.is_none() {
        write_key(&path, &generate_key(random)?)?;
        if let Some(signer) = read_key(&path)? {
            // Of two that make the ledger at once the first one's key is in the file, and both write the same.
            connection.execute("UPDATE log SET key = ?1 WHERE key IS NULL", [signer.verifier().to_string()])?;
        }
    }
    let key = Tables::new(connection).log_row()?.key.and_then(|key| key.parse().ok());
    Ok(find_key(&path, key.as_ref()))
}

/// The path with links resolved, of a file that is there.
fn resolve(path: &Path) -> Result<PathBuf, LedgerError> {
    fs::canonicalize(path).map_err(|error| of_file(&error))
}

pub(super) fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."))
}

/// The file beside another that has its name and this end.
pub(super) fn with_end(path: &Path, end: &str) -> PathBuf {
    let mut name = path.file_name().map_or_else(OsString::new, OsString::from);
    name.push(end);
    path.with_file_name(name)
}

pub(super) fn of_file(error: &io::Error) -> LedgerError {
    let (kind, retry, why) = match error.kind() {
        io::ErrorKind::NotFound => {
            (LedgerErrorKind::NotFound, Retry::Never, "there is none here; `pakt ledger init` makes one")
        }
        io::ErrorKind::PermissionDenied => {
            (LedgerErrorKind::NotPermitted, Retry::Never, "the file or its folder may not be opened by this user")
        }
        io::ErrorKind::ReadOnlyFilesystem => {
            (LedgerErrorKind::ReadOnly, Retry::Never, "the file system is mounted read-only")
        }
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            (LedgerErrorKind::DiskFull, Retry::Later, "the disk or the quota is full")
        }
        io::ErrorKind::IsADirectory => (LedgerErrorKind::NotALedger, Retry::Never, "it is a folder, not a file"),
        _ => (LedgerErrorKind::InputOutput, Retry::Later, "the file system failed"),
    };
    LedgerError::new(kind, retry, why).with_fact("system", error)
}
