//! Checkpoints: real ones of other logs, keys and texts that are refused, and cosignatures.

use crate::support::*;
use base64ct::{Base64, Encoding};
use ledger::evidence::{
    Checkpoint, ConsistencyProof, EvidenceError, KeyKind, KeyName, NoteSignature, SignedCheckpoint, SignerKey,
    TreeHead, VerifierKey,
};
use model::Timestamp;
use proptest::prelude::*;

/// A checkpoint of a public log with the cosignatures of four witnesses, as they were published.
const PUBLIC: &str = "\
arche2025h1.staging.ct.transparency.dev
1432088532
U7WM79jrzyhGZ5/GUBTpM7NzwdyfFx61t3RovgcC4Ro=

— arche2025h1.staging.ct.transparency.dev zTM8sQAAAZ5W0WdjBAMARjBEAiBjW5IQf9pvsYLfQFX6hoGREPMHbdQ3urbllzalApkptQIgIpwtEroeW2BXaHAI4kJXFbon5Ch9MNL5zRNZ55lvGt0=
— arche2025h1.staging.ct.transparency.dev ui8GwCF1+kWqZrxGdhj4aX3gcw7XUlXQQabg/27lefwhUkzbC3NygNI75MdhL1bfTW9g8Ei59RA23oHP7Ry1k3ZFWwQ=
— transparency.dev/DEV:witness-little-garden 2AQqhwAAAABqEiEgzgFIqqhbUoDwjMWE6UP8nd8/KYTzwZ2rhIgcqoXHAwVkjZr4AscylP3v7sEodkRAErumC2q44vdgJY096st5BQ==
— witness1.smartit.nu/witness1 pIyCDwAAAABqEiEghIp82KWebrw7/oHQwlTAm3g2RKS4+eebl8eO0WH+/iEcxZ75W3u5hNI7TOQtmJbqmNWVuE0tgh0XwzdZsDsUAQ==
— remora.n621.de 2net5wAAAABqEiEgPlfF3V06o0Y+fHM+J5J9s27wgxxcOVSpZ/2g/KSiXCg9DEZI+aVCIobWX9sXTynk5XeU/zZ0WBxtqB0DrAWfBw==
— witness.stagemole.eu Z/euoAAAAABqEiEgw0i+7g2ENfDAWHmtRzCfKTHSDwYDJA2NmKeGi9Y8FtEyOUvVr+AJmIY/2TUFucgKi7lI7cUiOvKFYe/TmN9DAg==
";

/// The keys of that log and of those witnesses.
const PUBLIC_KEYS: [&str; 5] = [
    "arche2025h1.staging.ct.transparency.dev+ba2f06c0+AU0vHmlGCS/PdN8b2OaGmKprLI8HKM+dJ472xgFYh15f",
    "remora.n621.de+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2",
    "witness.stagemole.eu+67f7aea0+BEqSG3yu9YrmcM3BHvQYTxwFj3uSWakQepafafpUqklv",
    "transparency.dev/DEV:witness-little-garden+d8042a87+BCtusOxINQNUTN5Oj8HObRkh2yHf/MwYaGX4CPdiVEPM",
    "witness1.smartit.nu/witness1+a48c820f+BPSFWg9G6KPiO7QPryYO5Xq4oYJJ+kAvLKLSimDhoxMO",
];

/// The example of c2sp.org/tlog-cosignature, section "Format".
const EXAMPLE: &str = "\
example.com/behind-the-sofa
20852163
CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=
— witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==
";

const NOON: Timestamp = Timestamp::from_epoch_seconds(1_793_000_000);

fn parse(text: &str) -> Result<SignedCheckpoint, EvidenceError> {
    SignedCheckpoint::parse(text.as_bytes())
}

fn public_keys() -> Vec<VerifierKey> {
    PUBLIC_KEYS.iter().map(|key| key.parse().expect(key)).collect()
}

#[test]
fn a_public_logs_checkpoint_and_its_cosignatures_verify() {
    let signed = parse(PUBLIC).unwrap();
    assert_eq!(signed.to_string(), PUBLIC);
    let verified = signed.verify(&public_keys()).unwrap();
    assert_eq!(verified.checkpoint.head.size, 1_432_088_532);
    assert_eq!(verified.cosignatures.len(), 4);
    for cosignature in verified.cosignatures {
        assert_eq!(cosignature.at, Timestamp::from_epoch_seconds(0x6a12_2120), "{}", cosignature.witness);
    }
    let other_root = parse(&PUBLIC.replace("U7WM", "U7WN")).unwrap();
    for key in public_keys() {
        let error = other_root.verify(std::slice::from_ref(&key)).unwrap_err();
        assert_eq!(error, EvidenceError::BadSignature(key.name().clone()));
    }
    // Witnesses alone do not make it the log's.
    let error = signed.verify(&public_keys()[1..]).unwrap_err();
    assert_eq!(error.to_string(), "no known key of the log `arche2025h1.staging.ct.transparency.dev` signed it");
}

#[test]
fn the_example_of_the_specification_is_read_and_written() {
    let signed = parse(EXAMPLE).unwrap();
    assert_eq!(signed.to_string(), EXAMPLE);
    assert_eq!(signed.claim().origin, "example.com/behind-the-sofa");
    assert_eq!(signed.claim().head.root.to_string(), "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=");
    let ids: Vec<_> = signed.note().signatures().iter().map(|line| line.key_id().to_string()).collect();
    assert_eq!(ids, ["033de0ae", "8d66cf3f"]);
    let extended = EXAMPLE.replacen("2I=\n", "2I=\nmore\nand more\n", 1);
    assert_eq!(parse(&extended).unwrap().to_string(), extended);
}

#[test]
fn keys_are_read_as_they_are_written() {
    for text in PUBLIC_KEYS {
        assert_eq!(text.parse::<VerifierKey>().unwrap().to_string(), text);
    }
    // The key of the examples of golang.org/x/mod/sumdb/note.
    let secret = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz";
    let key = SignerKey::from_secret_text(secret).unwrap();
    assert_eq!(key.to_secret_text(), secret);
    assert_eq!(key.verifier().to_string(), "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW");
    for key in [log_key(), witness_key(3)] {
        let back = SignerKey::from_secret_text(&key.to_secret_text()).unwrap();
        assert_eq!(back.verifier(), key.verifier());
        assert_eq!(key.verifier().to_string().parse().as_ref(), Ok(key.verifier()));
    }
}

#[test]
fn keys_with_anything_wrong_are_refused() {
    let good = PUBLIC_KEYS[1];
    let changed = [
        String::new(),
        "+".to_owned(),
        good.replace("+da77ade7+", "+da77ade8+"),
        good.replace("+da77ade7+", "+DA77ADE7+"),
        good.replace("+da77ade7+", "++"),
        good.replace("remora", "romera"),
        good.replace("remora", "re mora"),
        good.replace("+BOv", "+AOv"),
        good.replace("+BOv", "+BuvN"),
        good.replace("tw2", "tw3"),
        format!("{good}="),
        format!("{good}\n"),
        format!(" {good}"),
        good[..good.len() - 4].to_owned(),
        // A public key of small order, for which anybody can sign.
        "weak+8b94416d+AQEAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA".to_owned(),
        log_key().to_secret_text(),
    ];
    for text in changed {
        assert!(text.parse::<VerifierKey>().is_err(), "{text}");
        assert!(SignerKey::from_secret_text(&text).is_err() || text.starts_with("PRIVATE"), "{text}");
    }
    let secret = log_key().to_secret_text();
    for text in [&secret[8..], &secret.replace("atlas", "other"), &format!("{secret}\n"), &secret.replace('=', "")] {
        assert!(SignerKey::from_secret_text(text).is_err() || *text == secret, "{text}");
    }
    for name in ["", " ", "a b", "a\u{2003}b", "a+b", "a\nb", "a\u{7f}", &"a".repeat(256)] {
        assert!(name.parse::<KeyName>().is_err(), "{name:?}");
    }
}

#[test]
fn checkpoints_with_anything_wrong_are_refused() {
    let (good, keys) = (signed(&leaves(7)).to_string(), verifiers(&[&log_key()]));
    assert!(parse(&good).unwrap().verify(&keys).is_ok());
    let line = good.lines().last().unwrap();
    let cases = [
        ("", "it is not a signed note: it has no empty line"),
        ("\n\n", "it is not a signed note: its last line does not end"),
        (&good[..good.len() - 1], "it is not a signed note: its last line does not end"),
        (&good.replace("\n\n", "\n"), "it is not a signed note: it has no empty line"),
        (&good.replace('\n', "\r\n"), "it is not a signed note: it has control characters"),
        (&good.replacen("atlas", "at\tlas", 1), "it is not a signed note: it has control characters"),
        (&good.replace('—', "-"), "it is not a signature line: it does not begin with an em dash and a space"),
        (&good.replace("— ", "—\u{a0}"), "it is not a signature line: it does not begin with an em dash and a space"),
        (&good.replace("ledger ", "ledger"), "it is not a signature line: it is not a name and a signature"),
        (&good.replace("ledger ", "ledger  "), "it is not a signature line: its signature is not base64"),
        (
            &good.replacen("— example", "— +xample", 1),
            "it is not the name of a key: it has a space, a `+` or a control character",
        ),
        (&format!("{good}\n"), "it is not a signed note: its last line does not end"),
        (&format!("{good}x"), "it is not a signed note: its last line does not end"),
        (&format!("{good}— a AAAAAA==\n"), "it is not a signature line: its signature is too short"),
        (&format!("{good}— a AAAAAAA\n"), "it is not a signature line: its signature is not base64"),
        (&format!("{good}— a AAAAAAB=\n"), "it is not a signature line: its signature is not base64"),
        (&format!("{good}— a AAAA-AA=\n"), "it is not a signature line: its signature is not base64"),
        (&good.replacen("\n7\n", "\n07\n", 1), "it is not a checkpoint: its size is no number below 2^63"),
        (&good.replacen("\n7\n", "\n+7\n", 1), "it is not a checkpoint: its size is no number below 2^63"),
        (&good.replacen("\n7\n", "\n-7\n", 1), "it is not a checkpoint: its size is no number below 2^63"),
        (&good.replacen("\n7\n", "\n7 \n", 1), "it is not a checkpoint: its size is no number below 2^63"),
        (
            &good.replacen("\n7\n", "\n9223372036854775808\n", 1),
            "it is not a checkpoint: its size is no number below 2^63",
        ),
        (&good.replacen("\n7\n", "\n", 1), "it is not a checkpoint: it is not origin, size and root"),
        (&good.replacen("\n7\n", "\n\n7\n", 1), "it is not a checkpoint: it has an empty line"),
        (&format!("\n{good}"), "it is not a checkpoint: it has an empty line"),
        (&good.replacen("\n\n", "\n\n\n", 1), "it is not a checkpoint: it has an empty line"),
        (&good.replacen("=\n", "\n", 1), "it is not a hash: it is not 32 bytes in base64"),
        (&good.replacen("=\n", "==\n", 1), "it is not a hash: it is not 32 bytes in base64"),
        (&good.replacen("\n7\n", "\n7\nAAAA", 1), "it is not a hash: it is not 32 bytes in base64"),
        (
            &format!("{good}{}", format!("{line}\n").repeat(64)),
            "it is not a signed note: it has more than 64 signatures",
        ),
        (&format!("{good}{}", "x".repeat(256 * 1024)), "it is not a signed note: it is larger than 256 KiB"),
    ];
    for (text, why) in cases {
        assert_eq!(parse(text).unwrap_err().to_string(), why, "{}", &text[..text.len().min(300)]);
    }
    let error = SignedCheckpoint::parse(b"\xff\xfe").unwrap_err();
    assert_eq!(error.to_string(), "it is not a signed note: it is not UTF-8");
}

/// The same text and signature, said to be by another key: a signature is over the text and names nobody.
fn relabelled(signed: &SignedCheckpoint, key: &VerifierKey) -> SignedCheckpoint {
    let line = signed.note().signatures()[0].to_string();
    let mut bytes = Base64::decode_vec(line.rsplit(' ').next().expect("a signature")).expect("base64");
    let id = u32::from_str_radix(&key.id().to_string(), 16).expect("hexadecimal");
    bytes[..4].copy_from_slice(&id.to_be_bytes());
    let text = signed.note().text();
    parse(&format!("{text}\n— {} {}\n", key.name(), Base64::encode_string(&bytes))).expect("a checkpoint")
}

#[test]
fn a_signature_counts_for_its_own_log_only() {
    let (ours, other) = (log_key(), key("example.org/other-ledger", KeyKind::Log, 2));
    let signed = Checkpoint::sign(TreeHead::empty(), &other).unwrap();
    let error = signed.verify(&verifiers(&[&ours])).unwrap_err();
    assert_eq!(error.to_string(), "no known key of the log `example.org/other-ledger` signed it");
    // The other log's key signs a checkpoint of ours: its text says so, and it counts for nothing.
    let ours_by_name = signed.to_string().replacen("other-ledger", "atlas-ledger", 1);
    assert!(parse(&ours_by_name).unwrap().verify(&verifiers(&[&ours])).is_err());
    assert!(parse(&ours_by_name).unwrap().verify(&verifiers(&[&ours, &other])).is_err());
    // A key of the same name that is not ours.
    let impostor = Checkpoint::sign(TreeHead::empty(), &key(ORIGIN, KeyKind::Log, 9)).unwrap();
    assert!(impostor.verify(&verifiers(&[&ours])).is_err());
    assert!(impostor.verify(&[]).is_err());
    // A known key of another log signs a text of our origin: good for its own log only.
    let stranger = key("example.org/other-ledger", KeyKind::Log, 9);
    let relabelled = relabelled(&impostor, stranger.verifier());
    assert_eq!(relabelled.note().signatures()[0].key_id(), stranger.verifier().id());
    let error = relabelled.verify(&verifiers(&[&ours, &stranger])).unwrap_err();
    assert_eq!(error, EvidenceError::NotSigned(ORIGIN.to_owned()));
    let error = Checkpoint::sign(TreeHead::empty(), &witness_key(3)).unwrap_err();
    assert_eq!(error.to_string(), "the key `kit.example/witness-3` is a witness's and signs no log");
}

#[test]
fn a_witness_cosigns_what_continues_what_it_saw() {
    let (all, log, witness) = (leaves(12), log_key(), witness_key(3));
    let seen = head_of(&all[..5]);
    let proof = ConsistencyProof::new(&all[..], 5, 12).unwrap();
    let mut newer = signed(&all);
    newer.cosign(log.verifier(), &seen, &proof, &witness, NOON).unwrap();
    newer.cosign(log.verifier(), &seen, &proof, &witness, NOON.plus_seconds(60)).unwrap();
    let keys = verifiers(&[&log, &witness, &witness_key(4)]);
    let verified = parse(&newer.to_string()).unwrap().verify(&keys).unwrap();
    let [cosignature] = &verified.cosignatures[..] else { panic!("{verified:?}") };
    assert_eq!((cosignature.witness.as_str(), cosignature.at), ("kit.example/witness-3", NOON.plus_seconds(60)));

    let mut rewritten = all.clone();
    rewritten[2] = all[3];
    let mut refused = signed(&rewritten);
    let error = refused.cosign(log.verifier(), &seen, &proof, &witness, NOON).unwrap_err();
    assert_eq!(error, EvidenceError::NotProven("the log only grew"));
    assert_eq!(refused, signed(&rewritten));
    for (verifier, signer, at) in [
        (witness_key(4).verifier(), &witness, NOON),
        (log.verifier(), &log, NOON),
        (log.verifier(), &witness, Timestamp::from_epoch_seconds(-1)),
    ] {
        assert!(signed(&all).cosign(verifier, &seen, &proof, signer, at).is_err());
    }
}

#[test]
fn a_cosignature_that_came_alone_is_added_once_it_fits() {
    let (all, log, witness) = (leaves(4), log_key(), witness_key(3));
    let mut at_witness = signed(&all);
    at_witness.cosign(log.verifier(), &TreeHead::empty(), &ConsistencyProof::default(), &witness, NOON).unwrap();
    let line = at_witness.note().signatures()[1].to_string();
    let mut at_log = signed(&all);
    at_log.add_cosignature(&line, witness.verifier()).unwrap();
    at_log.add_cosignature(&format!("{line}\n"), witness.verifier()).unwrap();
    assert_eq!(at_log, at_witness);
    assert!(at_log.add_cosignature(&line, witness_key(4).verifier()).is_err());
    assert!(at_log.add_cosignature(&line, log.verifier()).is_err());
    assert!(at_log.add_cosignature("", witness.verifier()).is_err());
    let error = signed(&all[..3]).add_cosignature(&line, witness.verifier()).unwrap_err();
    assert_eq!(error, EvidenceError::BadSignature(witness.verifier().name().clone()));
    // A cosignature of a known witness that does not fit spoils the whole.
    let moved = format!("{}{line}\n", signed(&all[..3]));
    assert!(parse(&moved).unwrap().verify(&verifiers(&[&log, &witness])).is_err());
    assert!(parse(&moved).unwrap().verify(&verifiers(&[&log])).is_ok());
}

fn cosigned() -> (SignedCheckpoint, Vec<VerifierKey>) {
    let (all, log) = (leaves(7), log_key());
    let mut checkpoint = signed(&all);
    for seed in [3, 4] {
        let none = ConsistencyProof::default();
        checkpoint.cosign(log.verifier(), &TreeHead::empty(), &none, &witness_key(seed), NOON).expect("it grew");
    }
    (checkpoint, verifiers(&[&log, &witness_key(3), &witness_key(4)]))
}

proptest! {
    /// One changed byte: refused, or a cosignature less; never another checkpoint.
    #[test]
    fn a_changed_byte_never_gives_another_checkpoint(at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let (checkpoint, keys) = cosigned();
        let mut bytes = checkpoint.to_string().into_bytes();
        *at.get_mut(&mut bytes) = byte;
        if let Ok(verified) = SignedCheckpoint::parse(&bytes).and_then(|changed| changed.verify(&keys)) {
            prop_assert_eq!(&verified.checkpoint, checkpoint.claim());
            let known = checkpoint.verify(&keys).unwrap().cosignatures;
            prop_assert!(verified.cosignatures.iter().all(|cosignature| known.contains(cosignature)));
        }
    }

    #[test]
    fn a_cut_or_doubled_text_never_gives_another_checkpoint(
        from in any::<prop::sample::Index>(), to in any::<prop::sample::Index>(), doubled in any::<bool>(),
    ) {
        let (checkpoint, keys) = cosigned();
        let bytes = checkpoint.to_string().into_bytes();
        let (from, to) = (from.index(bytes.len()), to.index(bytes.len()));
        let (from, to) = (from.min(to), from.max(to));
        let middle = if doubled { &bytes[from..to] } else { &[] };
        let changed = [&bytes[..from], middle, middle, &bytes[to..]].concat();
        if let Ok(verified) = SignedCheckpoint::parse(&changed).and_then(|changed| changed.verify(&keys)) {
            prop_assert_eq!(&verified.checkpoint, checkpoint.claim());
        }
    }

    #[test]
    fn whatever_is_read_is_written_the_same(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(checkpoint) = SignedCheckpoint::parse(&bytes) {
            prop_assert_eq!(checkpoint.to_string().into_bytes(), bytes);
        }
    }

    /// Pieces of the grammar in any order reach further than bytes do.
    #[test]
    fn pieces_of_checkpoints_are_refused_or_written_the_same(pieces in prop::collection::vec(prop::sample::select(vec![
        "\n", "\n\n", "— ", " ", "a", "7", "0", "07", "+", "=", "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=",
        "a\n7\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n", "\n— a AAAAAAA=\n", "— a AAAAAAA=\n", "\u{2003}",
    ]), 0..8)) {
        let text = pieces.concat();
        if let Ok(checkpoint) = parse(&text) {
            prop_assert_eq!(checkpoint.to_string(), text.clone());
            prop_assert!(checkpoint.verify(&public_keys()).is_err());
        }
        for line in text.split('\n') {
            if let Ok(signature) = line.parse::<NoteSignature>() {
                prop_assert_eq!(signature.to_string(), line);
            }
        }
    }
}
