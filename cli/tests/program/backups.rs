//! Backups: a copy of the ledger at one instant, and the way back.

use crate::desk::Desk;
use insta::assert_snapshot;
use std::fs;
use std::os::unix::fs::PermissionsExt;

#[test]
fn a_ledger_is_copied_and_put_back() {
    let desk = Desk::with_grant("10");
    desk.pakt(&["ledger", "backup", "copy.sqlite"]).expect(0);
    let copy = desk.work().join("copy.sqlite");
    assert_eq!(fs::metadata(&copy).expect("there").permissions().mode() & 0o777, 0o600, "its owner alone reads it");
    assert_snapshot!(desk.pakt(&["ledger", "backup", "copy.sqlite"]).shown(), @"
    exit 2
    --- stderr
    error: no backup was written
    why:   copying the ledger: copy.sqlite is there already, and nothing is written over it
    next:  name another file, or move that one away
    ");
    let entries = desk.exported();
    // Where a ledger is none is put.
    let refused = desk.pakt(&["ledger", "restore", "copy.sqlite"]).expect(2);
    assert!(refused.stderr.contains("is there already"), "{}", refused.stderr);
    let ledger = desk.home().join("state/ledger.sqlite");
    for end in ["", "-wal", "-shm"] {
        fs::remove_file(format!("{}{end}", ledger.display())).ok();
    }
    desk.pakt(&["balance", "--offline"]).expect(2);
    // A journal of the ledger that is gone would be played into the restored one.
    let journal = format!("{}-wal", ledger.display());
    fs::write(&journal, "left behind").expect("ours");
    let refused = desk.pakt(&["ledger", "restore", "copy.sqlite"]).expect(2);
    assert!(refused.stderr.contains("ledger.sqlite-wal is there already"), "{}", refused.stderr);
    fs::remove_file(&journal).expect("ours");
    desk.pakt(&["ledger", "restore", "copy.sqlite"]).expect(0);
    assert_eq!(desk.exported(), entries);
    desk.pakt(&["ledger", "verify"]).expect(0);
    // It is a ledger like any other.
    desk.pakt(&["ledger", "grant", "atlas", "5", "--unit", "local:core", "--reference", "more"]).expect(0);
    desk.pakt(&["ledger", "verify"]).expect(0);
    let left: Vec<_> = fs::read_dir(desk.home().join("state"))
        .expect("a folder")
        .map(|entry| entry.expect("one").file_name())
        .collect();
    assert!(left.iter().all(|name| !name.to_string_lossy().contains("restoring")), "{left:?}");
}

#[test]
fn what_is_no_sound_backup_is_not_restored() {
    let desk = Desk::with_grant("10");
    desk.pakt(&["ledger", "backup", "copy.sqlite"]).expect(0);
    let copy = desk.work().join("copy.sqlite");
    let ledger = desk.home().join("state/ledger.sqlite");
    for end in ["", "-wal", "-shm"] {
        fs::remove_file(format!("{}{end}", ledger.display())).ok();
    }
    assert_snapshot!(desk.pakt(&["ledger", "restore", "missing.sqlite"]).shown(), @"
    exit 2
    --- stderr
    error: nothing was restored
    why:   restoring a backup: there is no file missing.sqlite
    next:  name the file that `pakt ledger backup` wrote
    ");
    desk.write("text.sqlite", "no ledger at all");
    desk.pakt(&["ledger", "restore", "text.sqlite"]).expect(2);
    let whole = fs::read(&copy).expect("there");
    fs::write(&copy, &whole[..whole.len() / 2]).expect("ours");
    let cut = desk.pakt(&["ledger", "restore", "copy.sqlite"]);
    assert!(cut.code.is_some_and(|code| code != 0), "{}", cut.shown());
    assert!(!ledger.exists(), "nothing was put there");
}

#[test]
fn a_backup_comes_to_a_fresh_machine_and_a_damaged_one_is_told_as_that() {
    let old = Desk::with_grant("10");
    let copy = old.work().join("copy.sqlite");
    let copy = copy.to_str().expect("text");
    old.pakt(&["ledger", "backup", copy]).expect(0);
    let whole = fs::read(copy).expect("there");
    let desk = Desk::new();
    for (name, bytes, why) in [
        ("text.sqlite", &b"no ledger at all"[..], "the file is not a ledger"),
        ("cut.sqlite", &whole[..4096], "the file is damaged"),
    ] {
        fs::write(desk.work().join(name), bytes).expect("ours");
        let refused = desk.pakt(&["ledger", "restore", name]).expect(2).stderr;
        assert!(refused.contains(why) && !refused.contains("ledger init"), "{refused}");
    }
    desk.pakt(&["ledger", "restore", copy]).expect(0);
    assert_eq!(desk.exported(), old.exported());
    // A folder that the configuration names is made as well.
    let desk = Desk::new();
    let ledger = desk.work().join("group/books/ledger.sqlite");
    desk.configure(&format!("site: local\nledger: {}\n", ledger.display()));
    desk.pakt(&["ledger", "restore", copy]).expect(0);
    assert!(ledger.exists());
}

#[test]
fn the_place_of_a_server_is_no_file() {
    let desk = Desk::with_grant("10");
    let place = "postgres://ada:secret@localhost/books";
    for (words, what, next) in [
        (&["backup"][..], "no backup was written", "`pakt ledger migrate --to URL` moves the ledger to a server"),
        (&["restore"], "nothing was restored", "what a server had comes back by its own tools, such as `pg_restore`"),
        (&["merge"], "the bundles were not merged", "name bundles that `pakt settle --bundle` wrote"),
        (&["verify"], "nothing was verified", "name the ledger with PAKT_LEDGER"),
        (&["import"], "nothing was imported", "name what `sacct` printed"),
    ] {
        let refused = desk.pakt(&[&["ledger"], words, &[place]].concat()).expect(2).stderr;
        let why = "why:   a file is wanted, and what begins with `postgres://` is a place of a ledger";
        assert!(refused.starts_with(&format!("error: {what}\n{why}\nnext:  ")), "{refused}");
        assert!(refused.contains(next) && !refused.contains("secret"), "{refused}");
    }
    for to in ["copy", "/tmp/copy"] {
        let refused = desk.pakt(&["ledger", "migrate", "--to", to]).expect(2).stderr;
        assert!(
            refused.contains("`--to` names a file") && refused.contains("postgres://user@host/database"),
            "{refused}"
        );
    }
}
