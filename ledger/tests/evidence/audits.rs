//! Audits: what is detected, what is not, and what the report says of either.

use crate::support::*;
use ledger::evidence::{
    Audit, AuditFinding, AuditReport, Checkpoint, CheckpointSource, ConsistencyProof, KeyKind, SignedCheckpoint,
    Standing, TreeHash, TreeHead,
};
use ledger::{LedgerError, LedgerErrorKind, Retry};
use model::Timestamp;
use proptest::prelude::*;

fn audit(all: &[TreeHash], checkpoints: &[(CheckpointSource, &SignedCheckpoint)]) -> AuditReport {
    let (origin, keys) = (ORIGIN.parse().expect("a name"), verifiers(&[&log_key(), &witness_key(3)]));
    let audit = Audit::new(&origin, &keys);
    let audit = checkpoints.iter().fold(audit, |audit, &(source, checkpoint)| audit.with(source, checkpoint));
    audit.run(read(all)).expect("leaves are read")
}

#[test]
fn without_a_checkpoint_from_outside_it_is_self_consistent_only() {
    let all = leaves(20);
    let (old, new) = (signed(&all[..12]), signed(&all[..18]));
    let alone = audit(&all, &[]);
    assert_eq!((alone.standing, alone.uncheckpointed, alone.head), (Standing::SelfConsistent, 20, head_of(&all)));
    let own = audit(&all, &[(CheckpointSource::Ledger, &new), (CheckpointSource::Ledger, &old)]);
    assert_eq!((own.standing.to_string().as_str(), own.uncheckpointed), ("self-consistent", 2));
    let held = audit(&all, &[(CheckpointSource::Ledger, &new), (CheckpointSource::Auditor, &old)]);
    assert_eq!(held.standing, Standing::Verified { size: 12 });
    assert_eq!(held.standing.to_string(), "verified against checkpoint of size 12");
    assert_eq!(held.uncheckpointed, 2);
    // A checkpoint of nothing is one from outside, and shows nothing.
    let nothing = audit(&all, &[(CheckpointSource::Auditor, &signed(&[]))]);
    assert_eq!(nothing.standing, Standing::SelfConsistent);
    assert_eq!(audit(&[], &[(CheckpointSource::Auditor, &signed(&[]))]).findings, []);
}

#[test]
fn a_known_witness_stands_for_a_checkpoint_from_outside() {
    let (all, log) = (leaves(9), log_key());
    let mut own = signed(&all);
    let (none, at) = (ConsistencyProof::default(), Timestamp::from_epoch_seconds(1_793_000_000));
    own.cosign(log.verifier(), &TreeHead::empty(), &none, &witness_key(4), at).unwrap();
    assert_eq!(audit(&all, &[(CheckpointSource::Ledger, &own)]).standing, Standing::SelfConsistent);
    own.cosign(log.verifier(), &TreeHead::empty(), &none, &witness_key(3), at).unwrap();
    let report = audit(&all, &[(CheckpointSource::Ledger, &own)]);
    assert_eq!(report.standing, Standing::Verified { size: 9 });
    assert_eq!(report.checkpoints[0].cosignatures[0].witness.as_str(), "kit.example/witness-3");
}

#[test]
fn the_report_says_what_is_wrong() {
    let (all, mut changed) = (leaves(9), leaves(9));
    changed[4] = TreeHash::of_leaf(b"changed");
    let foreign = Checkpoint::sign(head_of(&all), &key("example.org/other", KeyKind::Log, 2)).unwrap();
    let forged = Checkpoint::sign(head_of(&changed), &key(ORIGIN, KeyKind::Log, 2)).unwrap();
    let newer = signed(&leaves(11));
    let report = audit(
        &changed,
        &[
            (CheckpointSource::Auditor, &newer),
            (CheckpointSource::Auditor, &signed(&all)),
            (CheckpointSource::Ledger, &forged),
            (CheckpointSource::Auditor, &foreign),
            (CheckpointSource::Ledger, &signed(&all[..4])),
        ],
    );
    assert_eq!(report.standing.to_string(), "broken");
    assert_eq!(report.checkpoints.len(), 1);
    let findings: Vec<_> = report.findings.iter().map(ToString::to_string).collect();
    insta::assert_snapshot!(findings.join("\n"), @"
    the ledger's checkpoint of size 9 counts for nothing: no known key of the log `example.org/atlas-ledger` signed it
    your checkpoint of size 9 is of another log, `example.org/other`
    the first 9 entries are not those of your checkpoint: they give the root rvroZqjJuBz3qk0Zwba11k17JlJ8pgzZ+v9wcPYU3v8=, it says JA2btqVfDLN1tdAIJR5xRUWLexrchGOrj+92/RT3X2s=
    9 entries are there, your checkpoint had 11
    ");
    insta::assert_snapshot!(serde_json::to_string_pretty(&report.findings[3]).unwrap(), @r#"
    {
      "finding": "too-short",
      "size": 11,
      "source": "auditor",
      "leaves": 9
    }
    "#);
}

#[test]
fn entries_without_a_place_are_counted_and_a_failed_read_is_no_finding() {
    let (origin, keys, all) = (ORIGIN.parse().unwrap(), verifiers(&[&log_key()]), leaves(3));
    let audit = Audit::new(&origin, &keys).with_unsequenced(2);
    let report = audit.run(read(&all)).unwrap();
    assert_eq!((report.unsequenced, report.uncheckpointed), (2, 3));
    insta::assert_snapshot!(serde_json::to_string_pretty(&report).unwrap(), @r#"
    {
      "standing": "self-consistent",
      "head": {
        "size": 3,
        "root": "lPvQ3YNvUDAWkubQ6t5yjuGexSv/8WBu2AfIV11aqhk="
      },
      "uncheckpointed": 3,
      "unsequenced": 2,
      "checkpoints": [],
      "keys": [],
      "findings": []
    }
    "#);
    let failed = LedgerError::new(LedgerErrorKind::InputOutput, Retry::Later, "the disk failed");
    let error = audit.run(read(&all).chain([Err(failed.clone())])).unwrap_err();
    assert_eq!(error, failed);
}

/// What somebody who may write everything does to the leaves.
#[derive(Clone, Debug)]
enum Tampering {
    Mutate(prop::sample::Index),
    Drop(prop::sample::Index),
    Repeat(prop::sample::Index),
    Insert(prop::sample::Index),
    Swap(prop::sample::Index, prop::sample::Index),
    Reverse,
    Truncate(prop::sample::Index),
    Recompute,
    Empty,
}

fn any_tampering() -> impl Strategy<Value = Tampering> {
    let at = any::<prop::sample::Index>;
    prop_oneof![
        at().prop_map(Tampering::Mutate),
        at().prop_map(Tampering::Drop),
        at().prop_map(Tampering::Repeat),
        at().prop_map(Tampering::Insert),
        (at(), at()).prop_map(|(at, other)| Tampering::Swap(at, other)),
        Just(Tampering::Reverse),
        at().prop_map(Tampering::Truncate),
        Just(Tampering::Recompute),
        Just(Tampering::Empty),
    ]
}

fn tamper(all: &[TreeHash], tampering: &Tampering) -> Vec<TreeHash> {
    let (mut all, length) = (all.to_vec(), all.len());
    let strange = |number: usize| TreeHash::of_leaf(format!("strange {number}").as_bytes());
    match tampering {
        Tampering::Mutate(at) => all[at.index(length)] = strange(0),
        Tampering::Drop(at) => drop(all.remove(at.index(length))),
        Tampering::Repeat(at) => all.insert(at.index(length), all[at.index(length)]),
        Tampering::Insert(at) => all.insert(at.index(length), strange(0)),
        Tampering::Swap(at, other) => all.swap(at.index(length), other.index(length)),
        Tampering::Reverse => all.reverse(),
        Tampering::Truncate(at) => all.truncate(at.index(length)),
        Tampering::Recompute => (0..length).for_each(|index| all[index] = strange(index)),
        Tampering::Empty => all.clear(),
    }
    all
}

proptest! {
    /// The log's key is in the tamperer's hands, and every checkpoint in the ledger is signed anew. One earlier checkpoint,
    /// kept outside, shows any change among the entries that it had; a change after them it cannot show.
    #[test]
    fn one_earlier_checkpoint_shows_every_change(
        size in 1..150_usize, at in any::<prop::sample::Index>(), tampering in any_tampering(),
    ) {
        let all = leaves(size as u64);
        let earlier = at.index(size) + 1;
        let held = signed(&all[..earlier]);
        let now = tamper(&all, &tampering);
        let resigned = signed(&now);
        let report = audit(&now, &[(CheckpointSource::Ledger, &resigned), (CheckpointSource::Auditor, &held)]);
        if now.get(..earlier) == Some(&all[..earlier]) {
            prop_assert_eq!(report.standing, Standing::Verified { size: earlier as u64 });
            prop_assert_eq!(report.findings, []);
        } else {
            prop_assert_eq!(report.standing, Standing::Broken);
            let shown = matches!(
                report.findings[..],
                [AuditFinding::OtherRoot { source: CheckpointSource::Auditor, .. }
                    | AuditFinding::TooShort { source: CheckpointSource::Auditor, .. }]
            );
            prop_assert!(shown, "{:?}", report.findings);
            // Without it the same books pass.
            let alone = audit(&now, &[(CheckpointSource::Ledger, &resigned)]);
            prop_assert_eq!(alone.standing, Standing::SelfConsistent);
        }
    }

    /// Whoever does not have the log's key cannot even keep the ledger's own checkpoint.
    #[test]
    fn without_the_key_every_change_shows(size in 1..150_u64, tampering in any_tampering()) {
        let all = leaves(size);
        let (now, own) = (tamper(&all, &tampering), signed(&all));
        let report = audit(&now, &[(CheckpointSource::Ledger, &own)]);
        let longer = now.len() > all.len() && now[..all.len()] == all[..];
        prop_assert_eq!(report.standing == Standing::SelfConsistent, now == all || longer);
    }

    #[test]
    fn every_earlier_checkpoint_agrees_with_the_log(sizes in prop::collection::vec(0..=300_usize, 0..6)) {
        let all = leaves(300);
        let held: Vec<_> = sizes.iter().map(|size| signed(&all[..*size])).collect();
        let sourced: Vec<_> = held.iter().map(|checkpoint| (CheckpointSource::Auditor, checkpoint)).collect();
        let report = audit(&all, &sourced);
        prop_assert_eq!(report.findings, []);
        prop_assert_eq!(report.checkpoints.len(), sizes.len());
    }
}
