//! A ledger that somebody may read and not write: its file, its folder, or both.

use crate::{desk::Desk, output::Ran};
use ledger::{OpenMode, SqliteBook};
use std::{
    fs::{self, Permissions},
    os::unix::{fs::PermissionsExt, process::CommandExt},
    path::{Path, PathBuf},
};

/// Somebody who owns nothing: permissions do not keep root from anything.
const NOBODY: u32 = 65_534;

/// A desk whose ledger lies in a folder of its own.
struct Shared {
    desk: Desk,
    folder: PathBuf,
}

impl Shared {
    fn new() -> Self {
        let desk = Desk::new();
        desk.share_the_program();
        let folder = desk.work().join("books");
        fs::create_dir(&folder).expect("fresh");
        let shared = Self { desk, folder };
        shared.desk.configure(&format!(
            "site: local\nproject: atlas\nmachine: {{ cpus: 2, gpus: 0 }}\nledger: {}\n",
            shared.file("").display()
        ));
        shared.desk.pakt(&["ledger", "init"]).expect(0);
        shared.desk.pakt(&["ledger", "grant", "atlas", "10", "--unit", "local:core"]).expect(0);
        shared
    }

    fn file(&self, end: &str) -> PathBuf {
        self.folder.join(format!("ledger.sqlite{end}"))
    }

    fn protect(&self, file: u32, folder: u32) {
        mode(&self.file(""), file);
        mode(&self.folder, folder);
    }

    /// Runs the program as somebody who is bound by permissions.
    fn read(&self, words: &[&str]) -> Ran {
        self.run_bound(words, |_| ())
    }

    fn run_bound(&self, words: &[&str], prepare: impl FnOnce(&mut std::process::Command)) -> Ran {
        let (home, work) = (self.desk.home(), self.desk.work());
        for path in [home.parent().expect("a folder"), &home, &work] {
            mode(path, 0o755);
        }
        let mut command = self.desk.command(words);
        prepare(&mut command);
        if is_root() {
            command.uid(NOBODY).gid(NOBODY);
        }
        self.desk.finish(words, command)
    }

    /// The same with nothing but a home that cannot be written either.
    fn read_from_home(&self, words: &[&str]) -> Ran {
        let home = self.desk.work().join("person");
        if !home.exists() {
            let settings = home.join(".config/pakt");
            fs::create_dir_all(&settings).expect("ours");
            fs::copy(self.desk.home().join("config.yaml"), settings.join("config.yaml")).expect("ours");
            mode(&settings, 0o555);
            mode(&home, 0o555);
        }
        self.run_bound(words, |command| {
            command.env_remove("PAKT_HOME").env("HOME", &home);
        })
    }

    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.folder).expect("a folder");
        let mut names: Vec<String> =
            entries.map(|entry| entry.expect("one").file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        // So that whoever is not root can take it away.
        let home = self.desk.work().join("person");
        for folder in [self.folder.clone(), home.join(".config/pakt"), home].iter().filter(|folder| folder.exists()) {
            mode(folder, 0o755);
        }
    }
}

fn mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).expect("ours");
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

const READING: [&[&str]; 9] = [
    &["balance"],
    &["balance", "--offline"],
    &["usage"],
    &["ledger", "statement", "atlas"],
    &["ledger", "verify"],
    &["ledger", "export"],
    &["ledger", "prove", "1"],
    &["ledger", "checkpoint"],
    &["ledger", "coverage"],
];

#[test]
fn a_ledger_that_cannot_be_written_is_read() {
    for (file, folder) in [(0o444, 0o755), (0o644, 0o555), (0o444, 0o555)] {
        let shared = Shared::new();
        let before = shared.desk.pakt(&["ledger", "export"]).expect(0).stdout;
        shared.protect(file, folder);
        let names = shared.names();
        for words in READING {
            shared.read(words).expect(0);
        }
        assert_eq!(shared.read(&["ledger", "export"]).expect(0).stdout, before);
        for words in READING {
            shared.read_from_home(words).expect(0);
        }
        assert_eq!(shared.names(), names, "nothing was made beside it");
        let refused = shared.read(&["ledger", "grant", "atlas", "5", "--unit", "local:core", "--reference", "2"]);
        assert_eq!(
            refused.expect(3).stderr.lines().collect::<Vec<_>>(),
            [
                "error: the grant was not entered",
                "why:   posting to the ledger: the file or its folder cannot be written",
                "next:  nothing was entered; look at the owner and the mode of that file and its folder, or at the rights \
                 of your role on that server",
            ]
        );
    }
}

#[test]
fn a_ledger_that_somebody_else_writes_is_read_as_it_is_now() {
    let shared = Shared::new();
    let book = SqliteBook::open(&shared.file(""), OpenMode::Existing).expect("opened");
    shared.desk.pakt(&["ledger", "grant", "atlas", "5", "--unit", "local:core", "--reference", "2"]).expect(0);
    assert!(fs::metadata(shared.file("-wal")).is_ok_and(|log| log.len() > 0), "{:?}", shared.names());
    for end in ["", "-wal", "-shm"] {
        mode(&shared.file(end), 0o444);
    }
    shared.protect(0o444, 0o555);
    let balance = shared.read(&["balance", "--offline", "--json"]).json();
    assert_eq!(balance["balances"][0]["granted"], 15 * 3_600_000, "{balance}");
    drop(book);
}

#[test]
fn what_lies_beside_the_file_and_cannot_be_read_is_told() {
    let shared = Shared::new();
    fs::write(shared.file("-wal"), "what a process that was killed left").expect("ours");
    shared.protect(0o444, 0o555);
    for words in [&["balance", "--offline"][..], &["ledger", "verify"]] {
        let refused = shared.read(words).expect(3).stderr;
        assert!(
            refused.contains("`ledger.sqlite-wal` beside it has entries that are not in the file yet"),
            "{refused}"
        );
        assert_eq!(refused.lines().count(), 3, "{refused}");
    }
    // One without a word in it has nothing that the file has not.
    mode(&shared.folder, 0o755);
    fs::write(shared.file("-wal"), "").expect("ours");
    shared.protect(0o444, 0o555);
    shared.read(&["balance", "--offline"]).expect(0);
}
