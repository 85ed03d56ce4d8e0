//! `pakt ledger checkpoint`, `prove`, `export` and `verify`: what somebody can check who does not trust the ledger's keeper.

use crate::desk::Desk;
use serde_json::json;
use std::fs;
use std::path::PathBuf;

pub(crate) const GRANT: [&str; 8] = ["ledger", "grant", "atlas", "5", "--unit", "local:core", "--reference", "second"];

/// Keeps what a command prints.
pub(crate) fn keep(desk: &Desk, name: &str, words: &[&str]) -> String {
    desk.write(name, &desk.pakt(words).expect(0).stdout);
    name.to_owned()
}

/// The ledger, and what lies beside it.
pub(crate) fn ledger_files(desk: &Desk) -> Vec<PathBuf> {
    let ledger = PathBuf::from(desk.json(&["ledger", "init"])["ledger"].as_str().expect("its place"));
    let (folder, name) = (ledger.parent().expect("a folder"), ledger.file_name().expect("a name").to_string_lossy());
    let files = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    let found: Vec<_> = files
        .filter(|path| path.file_name().is_some_and(|found| found.to_string_lossy().starts_with(&*name)))
        .collect();
    assert!(found.len() >= 2, "the ledger and its key: {found:?}");
    found
}

#[test]
fn a_ledger_is_verified_against_a_checkpoint_that_was_kept() {
    let desk = Desk::with_grant("100");
    insta::assert_snapshot!(desk.pakt(&["ledger", "verify"]).shown(), @"
    exit 0
    --- stdout
    3 entries replayed; every balance is as stored, every unit sums to zero
    self-consistent: without a checkpoint that was kept elsewhere, whoever has the ledger's key could have rewritten it
    ");
    keep(&desk, "kept", &["ledger", "checkpoint"]);
    desk.pakt(&GRANT).expect(0);
    insta::assert_snapshot!(desk.pakt(&["ledger", "verify", "--checkpoint", "kept"]).shown(), @"
    exit 0
    --- stdout
    4 entries replayed; every balance is as stored, every unit sums to zero
    verified: the first 3 entries are those of the checkpoint from outside
    ");
    let verified = desk.json(&["ledger", "verify", "--checkpoint", "kept"]);
    assert_eq!(verified["log"]["standing"], "verified");
    let key = desk.pakt(&["ledger", "checkpoint", "--key"]).expect(0).stdout;
    desk.pakt(&["ledger", "verify", "--checkpoint", "kept", "--key", key.trim()]).expect(0);
}

#[test]
fn a_ledger_that_was_put_back_is_found_by_a_checkpoint() {
    let desk = Desk::with_grant("100");
    let old: Vec<_> = ledger_files(&desk).into_iter().map(|path| (fs::read(&path).expect("read"), path)).collect();
    desk.pakt(&GRANT).expect(0);
    keep(&desk, "kept", &["ledger", "checkpoint"]);
    for path in ledger_files(&desk) {
        fs::remove_file(path).expect("ours");
    }
    for (content, path) in &old {
        fs::write(path, content).expect("put back");
    }
    desk.pakt(&["ledger", "verify"]).expect(0);
    insta::assert_snapshot!(desk.pakt(&["ledger", "verify", "--checkpoint", "kept"]).shown(), @"
    exit 1
    --- stderr
    error: the ledger is not sound
    why:   3 entries are there, your checkpoint had 4
    next:  keep the file as it is, restore a copy elsewhere, and report this
    ");
}

#[test]
fn the_checkpoint_of_another_ledger_says_nothing_of_this_one() {
    let (desk, other) = (Desk::with_grant("100"), Desk::with_grant("100"));
    let name = |desk: &Desk| {
        let text = desk.pakt(&["ledger", "checkpoint"]).expect(0).stdout;
        text.lines().next().expect("its name").to_owned()
    };
    desk.write("theirs", &other.pakt(&["ledger", "checkpoint"]).expect(0).stdout);
    let key = other.pakt(&["ledger", "checkpoint", "--key"]).expect(0).stdout;
    keep(&desk, "export.jsonl", &["ledger", "export"]);
    let looked_for = desk.pakt(&["ledger", "verify", "--key", key.trim()]).expect(2).stderr;
    assert!(looked_for.contains("was looked for and not found; the ledger says that"), "{looked_for}");
    for words in [&[][..], &["export.jsonl"], &["--key", key.trim()]] {
        let refused = desk.pakt(&[&["ledger", "verify", "--checkpoint", "theirs"], words].concat()).expect(2).stderr;
        let refused = refused.replace(&name(&other), "<theirs>").replace(&name(&desk), "<ours>");
        assert_eq!(
            refused.lines().collect::<Vec<_>>(),
            [
                "error: nothing was verified",
                "why:   the checkpoint is of the ledger `<theirs>`, and this one is `<ours>`",
                "next:  name the ledger that it is of, with `ledger:` or PAKT_LEDGER; where it should be this one, ask its \
                 keeper: another was put in its place",
            ]
        );
    }
}

#[test]
fn an_export_is_verified_without_the_ledger() {
    let desk = Desk::with_grant("100");
    keep(&desk, "kept", &["ledger", "checkpoint"]);
    let other = Desk::new();
    for words in [&["ledger", "export"][..], &["ledger", "export", "--public"]] {
        let exported = desk.pakt(words).expect(0).stdout;
        other.write("export.jsonl", &exported);
        other.write("kept", &fs::read_to_string(desk.work().join("kept")).expect("kept"));
        let words = ["ledger", "verify", "export.jsonl", "--checkpoint", "kept"];
        let said = other.pakt(&words).expect(0).stdout;
        assert!(said.contains("verified: the first 3 entries are those of the checkpoint from outside"), "{said}");
        other.write("export.jsonl", &exported.replace("\"amount\":360000000", "\"amount\":360000001"));
        let found = other.pakt(&words).expect(1).stderr;
        assert!(found.starts_with("error: the export `export.jsonl` is not sound\n"), "{found}");
        assert!(found.contains("entry 1 is not the one that its leaf was made of"), "{found}");
    }
    other.write("export.jsonl", "hello\n");
    insta::assert_snapshot!(other.pakt(&["ledger", "verify", "export.jsonl"]).shown(), @"
    exit 2
    --- stderr
    error: nothing was verified
    why:   line 1 is none of an export: expected value at line 1 column 1
    next:  `pakt ledger export` writes one; a checkpoint goes behind `--checkpoint`, a proof behind `--proof`
    ");
}

#[test]
fn a_witness_cosigns_what_continues_what_it_saw() {
    let desk = Desk::with_grant("100");
    let key = desk.pakt(&["ledger", "checkpoint", "--key"]).expect(0).stdout.trim().to_owned();
    let site = Desk::new();
    let hand_over = || {
        site.write("checkpoint", &desk.pakt(&["ledger", "checkpoint"]).expect(0).stdout);
        site.write("export.jsonl", &desk.pakt(&["ledger", "export", "--public"]).expect(0).stdout);
    };
    hand_over();
    let cosign =
        ["ledger", "cosign", "checkpoint", "--key", "witness.key", "--log-key", &key, "--export", "export.jsonl"];
    let refused = site.pakt(&cosign).expect(2).stderr;
    assert!(refused.contains("there is no key in `witness.key`"), "{refused}");
    let first = site.json(&[&cosign[..], &["--name", "example.org/w1"]].concat());
    let witness = first["witness"].as_str().expect("a key").to_owned();
    desk.write("cosigned", first["checkpoint"].as_str().expect("a note"));
    let before: Vec<_> = ledger_files(&desk).into_iter().map(|path| (fs::read(&path).expect("read"), path)).collect();
    desk.pakt(&GRANT).expect(0);
    let verify = ["ledger", "verify", "--checkpoint", "cosigned", "--witness", &witness];
    let said = desk.pakt(&verify).expect(0).stdout;
    assert!(said.contains("1 of 1 witness cosigned\n  `example.org/w1` saw the first 3 entries at "), "{said}");
    // The older checkpoint again, once a newer one was cosigned.
    let old = fs::read_to_string(site.work().join("checkpoint")).expect("kept");
    hand_over();
    site.pakt(&cosign).expect(0);
    site.write("checkpoint", &old);
    let refused = site.pakt(&cosign).expect(2).stderr;
    assert!(refused.contains("it has 3 entries, and the witness cosigned 4 of this log before"), "{refused}");
    // Another history, with the right key and as long.
    for path in ledger_files(&desk) {
        fs::remove_file(path).expect("ours");
    }
    for (content, path) in &before {
        fs::write(path, content).expect("put back");
    }
    desk.pakt(&["ledger", "grant", "atlas", "6", "--unit", "local:core", "--reference", "other"]).expect(0);
    hand_over();
    let found = site.pakt(&cosign).expect(1).stderr;
    assert!(found.contains("the first 4 entries are not those of your checkpoint"), "{found}");
    // An export that was changed gets no cosignature.
    let memory = fs::read_dir(site.work()).expect("a folder").map(|entry| entry.expect("one").path());
    let memory = memory.into_iter().find(|path| path.extension().is_some_and(|end| end == "seen")).expect("its memory");
    let seen = fs::read_to_string(&memory).expect("read");
    assert!(seen.contains("example.org/w1"), "{seen}");
    site.write(
        "export.jsonl",
        &fs::read_to_string(site.work().join("export.jsonl")).expect("kept").replace("360000000", "360000001"),
    );
    site.write("checkpoint", &seen);
    let found = site.pakt(&cosign).expect(1).stderr;
    assert!(found.contains("the export `export.jsonl` is not sound"), "{found}");
    let log_key = site.pakt(&["ledger", "verify", "export.jsonl", "--witness", &key]).expect(2).stderr;
    assert!(log_key.contains("is the key of a log"), "{log_key}");
}

#[test]
fn an_entry_is_proven_to_somebody_who_has_the_key_alone() {
    let desk = Desk::with_grant("100");
    desk.pakt(&GRANT).expect(0);
    let proof = desk.pakt(&["ledger", "prove", "4"]).expect(0).stdout;
    assert!(proof.starts_with("c2sp.org/tlog-proof@v1\nextra "), "{proof}");
    let key = desk.pakt(&["ledger", "checkpoint", "--key"]).expect(0).stdout;
    let other = Desk::new();
    other.write("proof", &proof);
    let words = ["ledger", "verify", "--proof", "proof", "--key", key.trim()];
    let said = other.pakt(&words).expect(0).stdout;
    assert!(
        said.contains("entry 4: grant, 18000000 milli of local:core from programme/self to budget/atlas"),
        "{said}"
    );
    desk.write("proof", &proof);
    desk.pakt(&["ledger", "verify", "--proof", "proof"]).expect(0);
    // What is decided beside amounts is proven by its digest, which is that of what an export has.
    other.write("decided", &desk.pakt(&["ledger", "prove", "2"]).expect(0).stdout);
    let said = other.json(&["ledger", "verify", "--proof", "decided", "--key", key.trim()]);
    assert_eq!((&said["entry"]["kind"], &said["entry"]["decided"]["kind"]), (&json!("decide"), &json!("binding")));
    let said = other.pakt(&["ledger", "verify", "--proof", "decided", "--key", key.trim()]).expect(0).stdout;
    assert!(said.starts_with("entry 2: decides a binding with the digest "), "{said}");
    let no_key = other.pakt(&["ledger", "verify", "--proof", "proof"]).expect(2).stderr;
    assert!(no_key.contains("why:   no key is named, and there is no ledger at `"), "{no_key}");
    assert!(no_key.contains("next:  name the log's key, as it was told to you: `--key KEY`"), "{no_key}");
    let strange = Desk::with_grant("100").pakt(&["ledger", "checkpoint", "--key"]).expect(0).stdout;
    let two = other.pakt(&[&words[..], &["--key", strange.trim()]].concat()).expect(2).stderr;
    assert!(two.contains("was looked for and not found"), "{two}");
    other.write("proof", &proof.replace("index 3", "index 0"));
    insta::assert_snapshot!(other.pakt(&words).shown(), @"
    exit 2
    --- stderr
    error: `proof` proves nothing
    why:   the proof does not show that the entry is in the log
    next:  ask for the proof again, and for the key of its log by another way (`--key`)
    ");
    insta::assert_snapshot!(desk.pakt(&["ledger", "prove", "5"]).shown(), @"
    exit 2
    --- stderr
    error: entry 5 was not proven
    why:   there is no entry 5
    next:  see the numbers in `pakt ledger statement`, and what is signed with `pakt ledger checkpoint`
    ");
}

#[test]
fn decisions_are_listed_with_the_entries_that_prove_them() {
    let desk = Desk::with_grant("100");
    desk.pakt(&["ledger", "enforce", "atlas", "--unit", "local:core"]).expect(0);
    let listed = desk.json(&["ledger", "decisions"])["decided"].clone();
    let shown: Vec<_> = listed.as_array().expect("a list").iter().map(|one| (&one["entry"], &one["kind"])).collect();
    assert_eq!(shown.last(), Some(&(&json!(4), &json!("enforcement"))));
    let said = desk.pakt(&["ledger", "decisions", "enforcement"]).expect(0).stdout;
    assert!(said.starts_with("entry  decides      what\n    4  enforcement  by "), "{said}");
    assert!(said.contains("is_enforced true, project atlas"), "{said}");
    assert_eq!(desk.json(&["ledger", "bindings"])["bindings"][0]["entry"], 2);
    desk.pakt(&["ledger", "decisions", "moods"]).expect(2);
}

#[test]
fn what_is_no_checkpoint_and_no_key_is_said() {
    let desk = Desk::with_grant("100");
    desk.write("kept", "hello\n");
    insta::assert_snapshot!(desk.pakt(&["ledger", "verify", "--checkpoint", "kept"]).shown(), @"
    exit 2
    --- stderr
    error: `kept` is no checkpoint
    why:   it is not a signed note: it has no empty line
    next:  `pakt ledger checkpoint` prints one; keep it byte for byte
    ");
    insta::assert_snapshot!(desk.pakt(&["ledger", "verify", "--checkpoint", "missing"]).shown(), @"
    exit 2
    --- stderr
    error: `missing` was not read
    why:   there is no such file or folder
    next:  look at its name and mode
    ");
    desk.pakt(&["ledger", "verify", "--key", "hello"]).expect(2);
    let empty = Desk::new();
    empty.pakt(&["ledger", "init"]).expect(0);
    insta::assert_snapshot!(empty.pakt(&["ledger", "checkpoint"]).shown(), @"
    exit 2
    --- stderr
    error: nothing of the ledger is signed
    why:   it has no entries yet
    next:  `pakt ledger init` makes a key where there is none; the first entry is signed with it
    ");
}

#[test]
fn what_is_brought_along_and_of_no_use_says_nothing_of_the_ledger() {
    let desk = Desk::with_grant("100");
    let good = desk.pakt(&["ledger", "checkpoint"]).expect(0).stdout;
    let name = good.lines().next().expect("its name").to_owned();
    let key = desk.pakt(&["ledger", "checkpoint", "--key"]).expect(0).stdout;
    desk.write("kept", &good.replacen("\n3\n", "\n2\n", 1));
    keep(&desk, "export.jsonl", &["ledger", "export"]);
    for words in [&[][..], &["export.jsonl"], &["--key", key.trim()]] {
        let refused = desk.pakt(&[&["ledger", "verify", "--checkpoint", "kept"], words].concat()).expect(2).stderr;
        assert_eq!(
            refused.replace(&name, "<name>").lines().collect::<Vec<_>>(),
            [
                "error: nothing was verified",
                "why:   `kept` is not a checkpoint as it was signed: the signature of `<name>` does not fit the text",
                "next:  keep it byte for byte as `pakt ledger checkpoint` printed it, and name the log's key, as it was told to \
                 you, with `--key`, the one before it too where it changed; of the ledger this says nothing",
            ]
        );
    }
    // A key beside the right one is looked for, too, and so is that of a witness.
    let strange = Desk::with_grant("100").pakt(&["ledger", "checkpoint", "--key"]).expect(0).stdout;
    let both = ["ledger", "verify", "--key", key.trim(), "--key", strange.trim()];
    assert!(desk.pakt(&both).expect(2).stderr.contains("was looked for and not found"));
    assert!(
        desk.pakt(&[&both[..], &["export.jsonl"]].concat()).expect(2).stderr.contains("was looked for and not found")
    );
}

#[test]
fn a_ledger_that_is_named_is_verified_on_a_machine_of_no_site() {
    let desk = Desk::with_grant("100");
    let ledger = desk.json(&["ledger", "init"])["ledger"].as_str().expect("its place").to_owned();
    let reviewer = Desk::new();
    // A Slurm that no profile knows.
    reviewer.configure(&format!("ledger: {ledger}\n"));
    let programs = reviewer.work().join("bin");
    fs::create_dir(&programs).expect("fresh");
    reviewer.write("bin/sbatch", "#!/bin/sh\n");
    for words in [&["verify"][..], &["checkpoint"], &["prove", "1"], &["export"]] {
        let words = [&["ledger"], words].concat();
        let mut command = reviewer.command(&words);
        command.env("PATH", &programs);
        reviewer.finish(&words, command).expect(0);
    }
}

#[test]
fn what_is_posted_without_the_key_is_told_as_unsigned() {
    let desk = Desk::with_grant("100");
    let key = ledger_files(&desk).into_iter().find(|path| path.extension().is_some_and(|end| end == "key"));
    let key = key.expect("a key beside the ledger");
    let away = desk.work().join("key");
    fs::rename(&key, &away).expect("ours");
    desk.pakt(&GRANT).expect(0);
    insta::assert_snapshot!(desk.pakt(&["ledger", "verify"]).shown(), @"
    exit 0
    --- stdout
    4 entries replayed; every balance is as stored, every unit sums to zero
    self-consistent: without a checkpoint that was kept elsewhere, whoever has the ledger's key could have rewritten it
    the last entry is not signed: the last checkpoint has 3 entries
      whoever keeps the log's key signs them with `pakt ledger checkpoint`; where it is lost, put its copy back; where there is none, `pakt ledger checkpoint --new-key --lost` goes on under another one
    ");
    let looked = desk.pakt(&["doctor"]).expect(0).stdout;
    assert!(looked.contains("sound, and not signed to its end: the last entry is not signed"), "{looked}");
    assert!(looked.contains("where it is lost"), "{looked}");
    let printed = desk.pakt(&["ledger", "checkpoint"]).expect(0);
    assert!(printed.stderr.contains("the entries after it are not signed"), "{}", printed.stderr);
    fs::rename(&away, &key).expect("back");
    let printed = desk.pakt(&["ledger", "checkpoint"]).expect(0);
    assert_eq!(printed.stderr, "");
    assert!(!desk.pakt(&["ledger", "verify"]).expect(0).stdout.contains("not signed"));
    assert!(!desk.pakt(&["doctor"]).expect(0).stdout.contains("not signed"));
}

#[test]
fn what_goes_behind_another_option_is_told() {
    let desk = Desk::with_grant("100");
    let key = desk.pakt(&["ledger", "checkpoint", "--key"]).expect(0).stdout.trim().to_owned();
    keep(&desk, "kept", &["ledger", "checkpoint"]);
    let file = ledger_files(&desk).into_iter().find(|path| path.extension().is_some_and(|end| end == "key"));
    let secret = fs::read_to_string(file.expect("a key")).expect("read").trim().to_owned();
    let cosign = ["ledger", "cosign", "kept", "--key", "w.key", "--name", "example.org/w1", "--log-key", &key];
    let witness = desk.json(&cosign)["witness"].as_str().expect("a key").to_owned();
    for (words, next) in [
        (&["kept"][..], "a checkpoint goes behind `--checkpoint`"),
        (&["--key", "w.key"], "out of a file: `\"$(cat FILE)\"`"),
        (&["--key", &secret], "the other half is wanted"),
        (&["--key", &witness], "name a checkpoint that this witness cosigned, with `--checkpoint`"),
    ] {
        let told = desk.pakt(&[&["ledger", "verify"], words].concat()).expect(2).stderr;
        assert!(told.contains(next) && !told.contains(&secret), "{told}");
    }
}
