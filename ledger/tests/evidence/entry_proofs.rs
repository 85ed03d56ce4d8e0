//! Entry proofs: one text that shows one entry to somebody who has the log's key and nothing else.

use crate::support::*;
use ledger::evidence::{EntryProof, EvidenceError, InclusionProof, TreeHash};
use proptest::prelude::*;

fn proof(index: u64, size: u64, extra: Option<&[u8]>) -> EntryProof {
    let all = leaves(size);
    EntryProof {
        extra: extra.map(<[u8]>::to_vec),
        inclusion: InclusionProof::new(&all[..], index, size).expect("a leaf"),
        checkpoint: signed(&all),
    }
}

#[test]
fn a_proof_is_a_text_that_verifies_with_the_logs_key_alone() {
    let keys = verifiers(&[&log_key()]);
    let extra = content(3);
    for proof in [proof(3, 5, Some(&extra)), proof(3, 5, None), proof(0, 1, None), proof(3, 70, Some(b""))] {
        let back = EntryProof::parse(proof.to_string().as_bytes()).unwrap();
        assert_eq!(back, proof);
        let leaf = TreeHash::of_leaf(&content(proof.inclusion.leaf_index));
        let verified = back.verify(&leaf, &keys).unwrap();
        assert_eq!(&verified.checkpoint, proof.checkpoint.claim());
        let other = TreeHash::of_leaf(b"another entry");
        assert_eq!(back.verify(&other, &keys), Err(EvidenceError::NotProven("the entry is in the log")));
        assert!(back.verify(&leaf, &[]).is_err());
    }
}

#[test]
fn a_proof_looks_like_this() {
    insta::assert_snapshot!(proof(3, 5, Some(b"entry 3")), @"
    c2sp.org/tlog-proof@v1
    extra ZW50cnkgMw==
    index 3
    V8efTzGuApxdS9MLBzwnyU35NDiytGl+Hh7vW8A5SkE=
    WkdmL9ijF9lgSaP59HxV3GfKZgUbqjaD27GbL+CaB7A=
    SFM123z+yWXxX/dF/GJcQdXqJkaTaTAWWCj3PdS2iFQ=

    example.org/atlas-ledger
    5
    fKo0Xb2JKmZFTWxlEuo8PqPw0+whvj/C4jdXBf049nI=

    — example.org/atlas-ledger FLr1q2zY2UzUKmcXbPzW99jOFVzDA9iBFBHpil2Arc2nT5LyZVBEUNCIo4LZX2sao7vJayMNND/CXFBumLKZxqiADAM=
    ");
}

#[test]
fn proofs_with_anything_wrong_are_refused() {
    let good = proof(3, 5, Some(b"entry 3")).to_string();
    let hash = good.lines().nth(3).unwrap();
    let cases = [
        String::new(),
        good.replacen("@v1", "@v2", 1),
        good.replacen("extra ZW50", "extra  ZW50", 1),
        good.replacen("extra ", "extra !", 1),
        good.replacen("extra ", &format!("extra {}", "AAAA".repeat(30_000)), 1),
        good.replacen("index 3\n", "", 1),
        good.replacen("index 3", "index 03", 1),
        good.replacen("index 3", "index -3", 1),
        good.replacen("index 3", "index", 1),
        good.replacen(hash, &hash[1..], 1),
        good.replacen(hash, &format!("{hash} "), 1),
        good.replacen(hash, &format!("{hash}\n").repeat(64), 1),
        good.replacen("\n\n", "\n", 1),
        good.replacen("\n\n", "\n\n\n", 1),
        good.replace('\n', "\r\n"),
        good[..good.len() - 1].to_owned(),
    ];
    for text in cases {
        assert!(EntryProof::parse(text.as_bytes()).is_err(), "{text}");
    }
    assert!(EntryProof::parse(b"\xff").is_err());
}

proptest! {
    #[test]
    fn a_changed_byte_shows_no_other_place(at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let good = proof(3, 7, None);
        let mut bytes = good.to_string().into_bytes();
        *at.get_mut(&mut bytes) = byte;
        let (leaf, keys) = (TreeHash::of_leaf(&content(3)), verifiers(&[&log_key()]));
        if let Ok(changed) = EntryProof::parse(&bytes) {
            prop_assert_eq!(changed.verify(&leaf, &keys).is_ok(), changed == good);
        }
    }
}
