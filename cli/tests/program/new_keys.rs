//! `pakt ledger checkpoint --new-key`: a ledger whose key is lost, or was seen by others, is signed again.

use crate::desk::Desk;
use crate::proofs::{GRANT, keep, ledger_files};
use std::fs;

/// What is printed, with names in place of the keys.
fn shown(text: &str, keys: &[(&str, &str)]) -> String {
    // Name and id; what follows may have a plus, too.
    let short = |key: &str| key.splitn(3, '+').take(2).collect::<Vec<_>>().join("+");
    keys.iter().fold(text.to_owned(), |text, (key, name)| text.replace(*key, name).replace(&short(key), name))
}

fn key_of(desk: &Desk) -> String {
    desk.pakt(&["ledger", "checkpoint", "--key"]).expect(0).stdout.trim().to_owned()
}

#[test]
fn a_new_key_is_told_with_the_one_that_signed_it() {
    let desk = Desk::with_grant("100");
    keep(&desk, "kept", &["ledger", "checkpoint"]);
    desk.write("proof", &desk.pakt(&["ledger", "prove", "1"]).expect(0).stdout);
    let old = key_of(&desk);
    let changed = desk.pakt(&["ledger", "checkpoint", "--new-key"]).expect(0).stdout;
    let new = key_of(&desk);
    let keys = [(&*old, "OLD"), (&*new, "NEW")];
    insta::assert_snapshot!(shown(&changed, &keys), @"
    the ledger goes on at entry 3 under the key
      NEW
    `OLD` signed that: whoever knows it goes on from it; its file stays beside the new one's, under its id
    hand the new key to auditors and witnesses by another way than the ledger, and keep a copy of its file
    ");
    desk.pakt(&GRANT).expect(0);
    keep(&desk, "export", &["ledger", "export", "--public"]);
    for words in [&[][..], &["export"]] {
        let words = [&["ledger", "verify", "--checkpoint", "kept", "--key", &old], words].concat();
        insta::allow_duplicates! {
            insta::assert_snapshot!(shown(&desk.pakt(&words).shown(), &keys), @"
            exit 0
            --- stdout
            4 entries replayed; every balance is as stored, every unit sums to zero
            verified: the first 3 entries are those of the checkpoint from outside
            signed by `OLD` until entry 3, by `NEW` since entry 3; the change is signed by both
            ");
        }
    }
    // A witness who was told the first key goes on.
    let witness = ["cosign", "kept", "--key", "witness.key", "--name", "example.org/w1", "--log-key", &old];
    desk.pakt(&[&["ledger"], &witness[..]].concat()).expect(0);
    keep(&desk, "kept", &["ledger", "checkpoint"]);
    desk.pakt(&[&["ledger"], &witness[..]].concat()).expect(0);
    // What was proven before is proven still.
    desk.pakt(&["ledger", "verify", "--proof", "proof"]).expect(0);
    desk.pakt(&["ledger", "verify", "--proof", "proof", "--key", &old]).expect(0);
}

#[test]
fn without_the_key_before_the_break_is_told_for_ever() {
    let desk = Desk::with_grant("100");
    keep(&desk, "kept", &["ledger", "checkpoint"]);
    let old = key_of(&desk);
    let file = ledger_files(&desk).into_iter().find(|path| path.extension().is_some_and(|end| end == "key"));
    fs::remove_file(file.expect("a key")).expect("lost");
    desk.pakt(&GRANT).expect(0);
    insta::assert_snapshot!(shown(&desk.pakt(&["ledger", "checkpoint", "--new-key"]).shown(), &[(&old, "OLD")]), @"
    exit 2
    --- stderr
    error: the ledger goes on under the key that it has
    why:   its key `OLD` is not here, or not readable, so that it cannot sign the change
    next:  have whoever keeps that key do it, or put its copy back; where it is lost for good, say `--lost`: verify then tells for ever that the change is not signed by it
    ");
    let changed = desk.pakt(&["ledger", "checkpoint", "--new-key", "--lost"]).expect(0).stdout;
    let new = key_of(&desk);
    let keys = [(&*old, "OLD"), (&*new, "NEW")];
    insta::assert_snapshot!(shown(&changed, &keys), @"
    the ledger goes on at entry 4 under the key
      NEW
    `OLD` signed until entry 3, and not that: `pakt ledger verify` tells it from now on
    hand the new key to auditors and witnesses by another way than the ledger, and keep a copy of its file
    ");
    desk.pakt(&[&GRANT[..7], &["third"]].concat()).expect(0);
    let verify = ["ledger", "verify", "--checkpoint", "kept"];
    insta::assert_snapshot!(shown(&desk.pakt(&verify).shown(), &keys), @"
    exit 0
    --- stdout
    5 entries replayed; every balance is as stored, every unit sums to zero
    verified: the first 3 entries are those of the checkpoint from outside
    signed by `OLD` until entry 3, by `NEW` since entry 4; the change is not signed by `OLD`
    ");
    insta::assert_snapshot!(shown(&desk.pakt(&[&verify[..], &["--key", &old]].concat()).shown(), &keys), @"
    exit 0
    --- stdout
    5 entries replayed; every balance is as stored, every unit sums to zero
    verified: the first 3 entries are those of the checkpoint from outside
    signed by `OLD` until entry 3, by `NEW` since entry 4; the change is not signed by `OLD`
    the last 2 entries are not signed by a key that you named, nor by one that such a key named
      ask for the key that signs now, by another way than the ledger, and name it with `--key` too
    ");
    let both = desk.pakt(&[&verify[..], &["--key", &old, "--key", &new]].concat()).expect(0).stdout;
    assert_eq!(both, desk.pakt(&verify).expect(0).stdout);
    let json = desk.json(&verify);
    let second = &json["log"]["keys"][1];
    assert_eq!(
        (second["entries_before"].as_u64(), json["log"]["keys"][0]["entries_signed"].as_u64()),
        (Some(4), Some(3))
    );
    let named = |key: usize| json["log"]["keys"][key]["is_named_by_the_key_before"].clone();
    assert_eq!((named(0).is_null(), named(1).as_bool()), (true, Some(false)));
    assert!(desk.pakt(&["doctor"]).expect(0).stdout.contains(": sound\n"));
}
