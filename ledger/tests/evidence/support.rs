//! Keys whose random bits are known, leaves by number, and the tree as RFC 6962 defines it.

use ledger::LedgerError;
use ledger::evidence::{Checkpoint, KeyKind, SignedCheckpoint, SignerKey, TreeHash, TreeHead, VerifierKey, tree_head};
use sha2::{Digest, Sha256};
use std::io;

pub(crate) const ORIGIN: &str = "example.org/atlas-ledger";

/// Random bits that are the same every time: each call fills with the next number.
pub(crate) fn bits(seed: u8) -> impl FnMut(&mut [u8]) -> io::Result<()> {
    let mut next = seed;
    move |bytes| {
        bytes.fill(next);
        next = next.wrapping_add(1);
        Ok(())
    }
}

pub(crate) fn key(name: &str, kind: KeyKind, seed: u8) -> SignerKey {
    SignerKey::generate(name.parse().expect("a name"), kind, &mut bits(seed)).expect("bits are there")
}

pub(crate) fn log_key() -> SignerKey {
    key(ORIGIN, KeyKind::Log, 1)
}

pub(crate) fn witness_key(seed: u8) -> SignerKey {
    key(&format!("kit.example/witness-{seed}"), KeyKind::Witness, seed)
}

pub(crate) fn verifiers(keys: &[&SignerKey]) -> Vec<VerifierKey> {
    keys.iter().map(|key| key.verifier().clone()).collect()
}

/// An index as a place in memory.
pub(crate) fn place(index: u64) -> usize {
    usize::try_from(index).expect("a small tree")
}

pub(crate) fn content(index: u64) -> Vec<u8> {
    format!("entry {index}").into_bytes()
}

pub(crate) fn leaves(count: u64) -> Vec<TreeHash> {
    (0..count).map(|index| TreeHash::of_leaf(&content(index))).collect()
}

pub(crate) fn head_of(leaves: &[TreeHash]) -> TreeHead {
    tree_head(leaves, leaves.len() as u64).expect("leaves are there")
}

pub(crate) fn signed(leaves: &[TreeHash]) -> SignedCheckpoint {
    Checkpoint::sign(head_of(leaves), &log_key()).expect("the log's key")
}

pub(crate) fn read(leaves: &[TreeHash]) -> impl Iterator<Item = Result<TreeHash, LedgerError>> {
    leaves.iter().copied().map(Ok)
}

/// The Merkle Tree Hash, word for word as RFC 6962, section 2.1, defines it.
pub(crate) fn root_by_definition(leaves: &[TreeHash]) -> TreeHash {
    match leaves {
        [] => TreeHash::from_bytes(Sha256::digest([]).into()),
        [leaf] => *leaf,
        _ => {
            let split = leaves.len().next_power_of_two() / 2;
            let (left, right) = (root_by_definition(&leaves[..split]), root_by_definition(&leaves[split..]));
            let node = Sha256::new().chain_update([1]).chain_update(left.as_bytes()).chain_update(right.as_bytes());
            TreeHash::from_bytes(node.finalize().into())
        }
    }
}
