//! The file: whose it is, who may open it, what it lies on, and what is said when it cannot be used.

use crate::support::*;
use ledger::{Book, LedgerErrorKind, OpenMode, Retry, SqliteBook, Surroundings};
use rusqlite::Connection;
use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

fn mounted(line: &str, host: &str) -> Surroundings {
    Surroundings {
        mountinfo: format!("1 0 0:1 / / rw - {line}\n"),
        host: host.to_owned(),
        stop: None,
        ..Surroundings::here()
    }
}

fn journal_of(path: &Path) -> String {
    let file = Connection::open(path).expect("opened");
    file.query_row("PRAGMA journal_mode", [], |row| row.get(0)).expect("a journal mode")
}

fn mode_of(path: &Path) -> u32 {
    fs::metadata(path).expect("there").mode() & 0o7777
}

#[test]
fn what_is_no_ledger_is_named_and_left_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("file");
    let foreign_database = || {
        let file = Connection::open(folder.path().join("other.db")).expect("made");
        file.execute_batch("CREATE TABLE theirs (x)").expect("made");
        fs::read(folder.path().join("other.db")).expect("read")
    };
    let of_version = |version: u32| {
        let made = folder.path().join(format!("{version}.db"));
        drop(SqliteBook::open(&made, OpenMode::Create).expect("made"));
        let change = format!("PRAGMA user_version = {version}");
        Connection::open(&made).and_then(|file| file.execute_batch(&change)).expect("changed");
        fs::read(made).expect("read")
    };
    let damaged = || {
        let made = folder.path().join("damaged.db");
        drop(SqliteBook::open(&made, OpenMode::Create).expect("made"));
        let mut bytes = fs::read(made).expect("read");
        bytes[100..].fill(0xff);
        bytes
    };
    for (bytes, kind) in [
        (b"# my notes\n".to_vec(), LedgerErrorKind::NotALedger),
        (b"SQLite format 3\0".to_vec(), LedgerErrorKind::NotALedger),
        (vec![0; 4096], LedgerErrorKind::NotALedger),
        (foreign_database(), LedgerErrorKind::NotALedger),
        (of_version(99), LedgerErrorKind::NewerVersion),
        (of_version(1), LedgerErrorKind::OlderVersion),
        (of_version(4), LedgerErrorKind::OlderVersion),
        (damaged(), LedgerErrorKind::Corrupt),
    ] {
        for mode in [OpenMode::Existing, OpenMode::Create] {
            fs::write(&path, &bytes).expect("written");
            let error = SqliteBook::open(&path, mode).expect_err("no ledger");
            assert_eq!((&error.kind, error.retry), (&kind, Retry::Never), "{error}");
            assert!(error.to_string().starts_with("opening the ledger: "), "{error}");
            assert_eq!(fs::read(&path).expect("read"), bytes, "{error}");
        }
    }
    fs::write(&path, b"").expect("written");
    let error = SqliteBook::open(&path, OpenMode::Existing).expect_err("empty");
    assert!(error.why.contains("pakt ledger init"), "{error}");
    assert!(SqliteBook::open(&path, OpenMode::Create).is_ok(), "what an interrupted init left is taken");
}

#[test]
fn a_ledger_that_is_not_there_is_not_made_by_accident() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("ledger.db");
    let error = SqliteBook::open(&path, OpenMode::Existing).expect_err("not there");
    assert_eq!(error.kind, LedgerErrorKind::NotFound);
    assert!(error.why.contains("pakt ledger init"), "{error}");
    assert!(!path.exists());
    let error = SqliteBook::open(&folder.path().join("no/folder"), OpenMode::Create).expect_err("no folder");
    assert_eq!(error.kind, LedgerErrorKind::NotFound);
    let error = SqliteBook::open(folder.path(), OpenMode::Existing).expect_err("a folder");
    assert_eq!(error.kind, LedgerErrorKind::NotALedger);
}

#[tokio::test]
async fn the_journal_fits_the_mount_and_one_host_keeps_what_locks_do_not_protect() {
    for (mount, journal, is_pinned) in [
        ("ext4 /dev/vda rw", "wal", false),
        ("nfs4 filer:/home rw,local_lock=none", "delete", false),
        ("gpfs exa rw", "delete", false),
        ("lustre mds:/a rw,flock", "delete", false),
        ("lustre mds:/a rw,localflock", "delete", true),
        ("nfs filer:/home rw,nolock", "delete", true),
        ("beegfs beegfs rw", "delete", true),
    ] {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("ledger.db");
        let book = SqliteBook::open_in(&path, OpenMode::Create, &mounted(mount, "login01")).expect("made");
        book.post(&ada(), now(), &[grant("g1", 5)]).await.expect("posted");
        drop(book);
        assert_eq!(journal_of(&path), journal, "{mount}");
        assert!(SqliteBook::open_in(&path, OpenMode::Existing, &mounted(mount, "login01")).is_ok(), "{mount}");
        match SqliteBook::open_in(&path, OpenMode::Existing, &mounted(mount, "login02")) {
            Ok(book) => {
                assert!(!is_pinned, "{mount}");
                assert_eq!(book.verify().await.expect("verified").entries, 1, "{mount}");
            }
            Err(error) => {
                assert!(is_pinned, "{mount}: {error}");
                assert_eq!(error.kind, LedgerErrorKind::OtherHost);
                assert!(error.why.contains("login01") && error.why.contains("because"), "{error}");
            }
        }
    }
}

#[tokio::test]
async fn a_ledger_that_moves_to_a_shared_file_system_changes_its_journal() {
    let desk = Desk::new();
    desk.post(&[grant("g1", 5)]).await;
    let path = desk.path();
    let Desk { folder: _folder, book, .. } = desk;
    drop(book);
    assert_eq!(journal_of(&path), "wal");
    let moved = SqliteBook::open_in(&path, OpenMode::Existing, &mounted("gpfs exa rw", "login01")).expect("opened");
    assert_eq!(moved.verify().await.expect("verified").entries, 1);
    drop(moved);
    assert_eq!(journal_of(&path), "delete");
}

#[tokio::test]
async fn the_file_is_private_unless_its_folder_belongs_to_a_group() {
    for (folder_mode, file_mode) in [(0o700, 0o600), (0o755, 0o600), (0o2770, 0o660)] {
        let desk_folder = tempfile::tempdir().expect("a folder");
        let folder = desk_folder.path().join("shared");
        fs::create_dir(&folder).expect("made");
        fs::set_permissions(&folder, Permissions::from_mode(folder_mode)).expect("set");
        let path = folder.join("ledger.db");
        let book = SqliteBook::open(&path, OpenMode::Create).expect("made");
        book.post(&ada(), now(), &[grant("g1", 5)]).await.expect("posted");
        let beside = ["ledger.db", "ledger.db-wal", "ledger.db-shm"].map(|file| folder.join(file));
        for file in beside.iter().filter(|file| file.exists()) {
            assert_eq!(mode_of(file), file_mode, "{} in {folder_mode:o}", file.display());
        }
    }
}
