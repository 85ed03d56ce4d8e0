//! Where the ledger is kept: a file, or a PostgreSQL server, which the lab must have up for `real_`.

use crate::{desk::Desk, output::Ran};
use std::{fs, os::unix::fs::PermissionsExt};

/// Runs the program with the ledger at this place.
fn at(desk: &Desk, place: &str, words: &[&str]) -> Ran {
    let mut command = desk.command(words);
    command.env("PAKT_LEDGER", place).env("PGPASSFILE", desk.work().join("passwords"));
    desk.finish(words, command)
}

#[test]
fn the_variable_goes_before_the_configuration() {
    let desk = Desk::new();
    desk.configure("site: local\nproject: atlas\nledger: /nowhere/ledger.sqlite\n");
    for (name, scheme) in [("one.sqlite", ""), ("two.sqlite", "sqlite://")] {
        let file = desk.work().join(name);
        at(&desk, &format!("{scheme}{}", file.display()), &["ledger", "init"]).expect(0);
        assert!(file.exists(), "{name}");
    }
}

#[test]
fn a_place_that_cannot_be_used_is_told_without_its_password() {
    let desk = Desk::new();
    for (place, why) in [
        ("mysql://ada:secret@localhost/books", "no ledger is kept at a `mysql://`"),
        ("postgres://ada:secret@db.example.org/books", "`db.example.org` is another machine"),
        (
            "postgres://ada:secret@db.example.org/books?sslmode=prefer",
            "goes on in plain text where the server has no TLS",
        ),
        ("postgres://ada:secret@localhost/books?sslmode=require", "add `sslrootcert=FILE`"),
        ("postgres://ada:secret@localhost/books?sslmode=require&sslrootcert=/nowhere", "`/nowhere` cannot be read"),
        ("postgres://ada:secret@localhost/books?port=x", "cannot be read"),
        ("sqlite://books", "it is not absolute"),
    ] {
        let refused = at(&desk, place, &["balance"]).expect(2);
        assert!(refused.stderr.contains(why), "{}", refused.stderr);
        assert!(!refused.stderr.contains("secret"), "{}", refused.stderr);
    }
    let nobody = at(&desk, "postgres://ada:secret@127.0.0.1:1/books", &["ledger", "init"]).expect(3);
    assert!(nobody.stderr.contains("the server cannot be reached"), "{}", nobody.stderr);
    assert!(nobody.stderr.contains("postgres://ada@127.0.0.1:1/books"), "{}", nobody.stderr);
    assert!(!nobody.stderr.contains("secret"), "{}", nobody.stderr);
    assert_eq!(fs::read_dir(desk.work()).expect("a folder").count(), 0, "a place on a server is no folder");
}

#[test]
fn a_ledger_is_moved_to_a_server_and_nowhere_else() {
    let desk = Desk::new();
    for (to, why) in [
        ("/tmp/other.sqlite", "`--to` names a file"),
        ("sqlite:///tmp/other.sqlite", "`--to` names a file"),
        ("mysql://localhost/books", "no ledger is kept at a `mysql://`"),
        ("postgres://ada:secret@db.example.org/books", "`db.example.org` is another machine"),
    ] {
        let refused = desk.pakt(&["ledger", "migrate", "--to", to]).expect(2);
        assert!(refused.stderr.contains(why) && !refused.stderr.contains("secret"), "{}", refused.stderr);
    }
    let missing = desk.pakt(&["ledger", "migrate", "--to", "postgres://ada@127.0.0.1:1/books"]).expect(2);
    assert!(missing.stderr.contains("`pakt ledger init` makes one"), "{}", missing.stderr);
    desk.pakt(&["ledger", "init"]).expect(0);
    let nobody = desk.pakt(&["ledger", "migrate", "--to", "postgres://ada@127.0.0.1:1/books"]).expect(3);
    assert!(nobody.stderr.contains("the server cannot be reached"), "{}", nobody.stderr);
}

/// A database of the lab's, as its place is written, with the password in the desk's file.
fn database_of(desk: &Desk) -> (lab::Database, String) {
    let database = lab::postgres().and_then(|server| server.database()).expect("lab up postgres");
    let url = database.tcp_url();
    let (_, rest) = url.split_once("://").expect("a URL");
    let (login, place) = rest.split_once('@').expect("a login");
    let (user, password) = login.split_once(':').expect("a password");
    let passwords = desk.write("passwords", &format!("127.0.0.1:*:{}:{user}:{password}\n", database.name()));
    fs::set_permissions(&passwords, fs::Permissions::from_mode(0o600)).expect("ours");
    (database, format!("postgres://{user}@{place}"))
}

#[test]
fn real_a_database_that_is_not_there_is_made_before_a_ledger_is() {
    let desk = Desk::new();
    let (database, place) = database_of(&desk);
    let nowhere = place.replace(database.name(), &format!("{}_of_nobody", database.name()));
    let passwords = desk.work().join("passwords");
    let known = fs::read_to_string(&passwords).expect("ours").replace(database.name(), "*");
    fs::write(&passwords, known).expect("ours");
    let file = desk.work().join("ledger.sqlite").display().to_string();
    at(&desk, &file, &["ledger", "init"]).expect(0);
    for (ledger, words) in [(&file, &["ledger", "migrate", "--to", &nowhere][..]), (&nowhere, &["ledger", "init"])] {
        let refused = at(&desk, ledger, words).expect(2).stderr;
        assert!(refused.contains("the server has no such database"), "{refused}");
        assert!(refused.contains("next:  name one that is there, or have it made: `createdb NAME`"), "{refused}");
    }
}

#[test]
fn real_a_ledger_moves_from_its_file_to_a_server() {
    let desk = Desk::new();
    let (_database, place) = database_of(&desk);
    let file = desk.work().join("ledger.sqlite").display().to_string();
    at(&desk, &file, &["ledger", "init"]).expect(0);
    at(&desk, &file, &["ledger", "grant", "atlas", "5", "--unit", "local:core"]).expect(0);
    let before = at(&desk, &file, &["ledger", "export"]).expect(0).stdout;
    let moved = at(&desk, &file, &["ledger", "migrate", "--to", &place]).expect(0);
    assert!(moved.stdout.starts_with(&format!("the ledger is moved to {place}: 3 entries")), "{}", moved.stdout);
    assert_eq!(at(&desk, &place, &["ledger", "export"]).expect(0).stdout, before);
    let refused = at(&desk, &file, &["ledger", "grant", "atlas", "6", "--unit", "local:core", "--reference", "2"]);
    let refused = refused.expect(2);
    assert!(refused.stderr.contains(&format!("the ledger was moved to {place}, and this file")), "{}", refused.stderr);
    at(&desk, &place, &["ledger", "grant", "atlas", "6", "--unit", "local:core", "--reference", "2"]).expect(0);
    // Whoever reads the file is told that these are old numbers, and whoever looks at the installation that it has to be mended.
    for words in [&["balance", "--offline"][..], &["ledger", "statement", "atlas"], &["ledger", "verify"], &["usage"]] {
        let (old, new) = (at(&desk, &file, words).expect(0), at(&desk, &place, words).expect(0));
        assert!(old.stderr.contains(&format!("note: the ledger was moved to {place}, and {file}")), "{}", old.stderr);
        assert!(!new.stderr.contains("moved"), "{}", new.stderr);
    }
    let looked = at(&desk, &file, &["doctor"]).expect(2);
    assert!(
        looked.stdout.contains(&format!("{file} takes no more posts: it was moved to {place}")),
        "{}",
        looked.stdout
    );
    assert!(at(&desk, &place, &["doctor"]).expect(0).stdout.contains(": sound"));
    at(&desk, &file, &["ledger", "migrate", "--to", &place]).expect(2);
    let checkpoint = at(&desk, &place, &["ledger", "checkpoint"]).expect(0);
    assert_eq!(checkpoint.stderr, "", "the key went along");
    let keys = fs::read_dir(desk.home().join("ledger-keys")).expect("a folder");
    let modes = keys.map(|key| key.and_then(|key| key.metadata()).expect("a key").permissions().mode() & 0o777);
    assert_eq!(modes.collect::<Vec<_>>(), [0o600]);
}

#[test]
fn real_postgres_keeps_the_ledger_of_a_group() {
    let desk = Desk::new();
    let (database, place) = database_of(&desk);
    let passwords = desk.work().join("passwords");
    let text = fs::read_to_string(&passwords).expect("ours");
    let password = text.trim_end().rsplit(':').next().expect("a password");
    let grant = ["ledger", "grant", "atlas", "5", "--unit", "local:core"];
    fs::set_permissions(&passwords, fs::Permissions::from_mode(0o644)).expect("ours");
    let refused = at(&desk, &place, &["ledger", "init"]).expect(2);
    assert!(refused.stderr.contains("others may read the file of passwords"), "{}", refused.stderr);
    fs::set_permissions(&passwords, fs::Permissions::from_mode(0o600)).expect("ours");
    let missing = at(&desk, &place, &grant).expect(2);
    assert!(missing.stderr.contains("there is no ledger at `postgres://"), "{}", missing.stderr);
    at(&desk, &place, &["ledger", "init"]).expect(0);
    at(&desk, &place, &grant).expect(0);
    let job = desk.job("train", "true");
    at(&desk, &place, &["submit", "--watch", &job]).expect(0);
    at(&desk, &place, &["settle"]).expect(0);
    let verified = at(&desk, &place, &["ledger", "verify"]).expect(0);
    assert!(!format!("{}{}", verified.stdout, verified.stderr).contains(password));
    // A job of less than a second charges nothing.
    let kinds = "SELECT string_agg(kind, ' ' ORDER BY number) FROM pakt.entries WHERE kind NOT IN ('settle', 'decide')";
    assert_eq!(database.sql(kinds).expect("read"), "grant hold release");
}
