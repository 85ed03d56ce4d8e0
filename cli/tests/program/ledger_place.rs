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
        ("postgres://ada:secret@localhost/books?sslmode=require", "no TLS for PostgreSQL"),
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
}

#[test]
fn real_postgres_keeps_the_ledger_of_a_group() {
    let desk = Desk::new();
    let database = lab::postgres().and_then(|server| server.database()).expect("lab up postgres");
    let url = database.tcp_url();
    let (_, rest) = url.split_once("://").expect("a URL");
    let (login, place) = rest.split_once('@').expect("a login");
    let (user, password) = login.split_once(':').expect("a password");
    let place = format!("postgres://{user}@{place}");
    let passwords = desk.write("passwords", &format!("127.0.0.1:*:{}:{user}:{password}\n", database.name()));
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
    let kinds = "SELECT string_agg(kind, ' ' ORDER BY number) FROM pakt.entries";
    assert_eq!(database.sql(kinds).expect("read"), "grant hold settle release");
}
