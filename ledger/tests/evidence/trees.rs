//! The tree: known vectors, the definition, another implementation (ct-merkle), and what must not pass.

use crate::support::*;
use ct_merkle::mem_backed_tree::MemoryBackedTree;
use ct_merkle::{ConsistencyProof as TheirConsistency, InclusionProof as TheirInclusion};
use ledger::evidence::{
    ConsistencyProof, Frontier, InclusionProof, LeafHashes, MAX_TREE_SIZE, TreeHash, TreeHead, tree_head,
};
use ledger::{LedgerError, LedgerErrorKind};
use proptest::prelude::*;
use sha2::Sha256;
use std::cell::Cell;
use std::ops::Range;

/// The inputs of the tests that logs of Certificate Transparency share (transparency-dev/merkle, testonly).
const INPUTS: [&[u8]; 8] = [b"", b"\0", b"\x10", b"\x20\x21", b"01", b"@ABC", b"PQRSTUVW", b"`abcdefghijklmno"];

/// The roots of the trees of the first 0 to 8 inputs.
const ROOTS: [&str; 9] = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
];

fn hex(hash: &TreeHash) -> String {
    hash.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}

fn beginnings(path: &[TreeHash]) -> Vec<String> {
    path.iter().map(|hash| hex(hash)[..8].to_owned()).collect()
}

fn inputs() -> Vec<TreeHash> {
    INPUTS.iter().map(|input| TreeHash::of_leaf(input)).collect()
}

#[test]
fn the_roots_of_the_known_leaves_are_the_known_ones() {
    let (leaves, mut frontier) = (inputs(), Frontier::default());
    assert_eq!(frontier.head(), TreeHead::empty());
    for size in 0..=8 {
        assert_eq!(hex(&frontier.head().root), ROOTS[size], "{size}");
        assert_eq!(hex(&tree_head(&leaves[..], size as u64).unwrap().root), ROOTS[size], "{size}");
        if size < 8 {
            frontier.append(leaves[size]);
        }
    }
}

#[test]
fn the_proofs_of_the_known_leaves_are_the_known_ones() {
    let leaves = inputs();
    let inclusion = |index, size| beginnings(&InclusionProof::new(&leaves[..], index, size).unwrap().path);
    assert_eq!(inclusion(0, 1), Vec::<String>::new());
    assert_eq!(inclusion(0, 8), ["96a296d2", "5f083f0a", "6b47aaf2"]);
    assert_eq!(inclusion(5, 8), ["bc1a0643", "ca854ea1", "d37ee418"]);
    assert_eq!(inclusion(2, 3), ["fac54203"]);
    assert_eq!(inclusion(1, 5), ["6e340b9c", "5f083f0a", "bc1a0643"]);
    let consistency = |older, newer| beginnings(&ConsistencyProof::new(&leaves[..], older, newer).unwrap().path);
    assert_eq!(consistency(0, 8), Vec::<String>::new());
    assert_eq!(consistency(1, 1), Vec::<String>::new());
    assert_eq!(consistency(1, 8), ["96a296d2", "5f083f0a", "6b47aaf2"]);
    assert_eq!(consistency(6, 8), ["0ebc5d34", "ca854ea1", "d37ee418"]);
    assert_eq!(consistency(2, 5), ["5f083f0a", "bc1a0643"]);
}

type TheirTree = MemoryBackedTree<Sha256, Vec<u8>>;

fn bytes(path: &[TreeHash]) -> Vec<u8> {
    path.iter().flat_map(|hash| *hash.as_bytes()).collect()
}

/// Sizes 1 to 70 and every index: roots, inclusion and consistency proofs are those of the definition and of another
/// implementation, and each verifies the other's.
#[test]
fn every_proof_agrees_with_another_implementation() {
    let (all, mut theirs, mut frontier) = (leaves(70), TheirTree::new(), Frontier::default());
    let mut their_roots = Vec::new();
    for size in 1..=70_u64 {
        theirs.push(content(size - 1));
        frontier.append(all[place(size - 1)]);
        let head = frontier.head();
        their_roots.push(theirs.root());
        assert_eq!(head.root, root_by_definition(&all[..place(size)]));
        assert_eq!(head.root.as_bytes()[..], theirs.root().as_bytes()[..]);
        for index in 0..size {
            let proof = InclusionProof::new(&all[..], index, size).unwrap();
            let at = place(index);
            assert_eq!(bytes(&proof.path), theirs.prove_inclusion(at).as_bytes(), "{index} of {size}");
            assert_eq!(proof.verify(&all[at], &head), Ok(()), "{index} of {size}");
            let proof = TheirInclusion::try_from_bytes(bytes(&proof.path)).unwrap();
            theirs.root().verify_inclusion(&content(index), index, &proof).unwrap();
        }
        for older in 1..=size {
            let proof = ConsistencyProof::new(&all[..], older, size).unwrap();
            let added = place(size - older);
            assert_eq!(bytes(&proof.path), theirs.prove_consistency(added).as_bytes(), "{older} to {size}");
            let older_head = tree_head(&all[..], older).unwrap();
            assert_eq!(proof.verify(&older_head, &head), Ok(()), "{older} to {size}");
            let proof = TheirConsistency::try_from_bytes(bytes(&proof.path)).unwrap();
            theirs.root().verify_consistency(&their_roots[place(older - 1)], &proof).unwrap();
        }
    }
}

/// Leaves with kept roots of full subtrees, as a store has them, and a count of the hashes that were read.
struct Kept {
    heights: Vec<Vec<TreeHash>>,
    hashes: Cell<u64>,
    reads: Cell<u64>,
}

impl Kept {
    fn new(leaves: Vec<TreeHash>, heights: usize) -> Self {
        let mut kept = vec![leaves];
        for height in 0..heights {
            kept.push(kept[height].as_chunks::<256>().0.iter().map(|block| root_by_definition(block)).collect());
        }
        Self { heights: kept, hashes: Cell::new(0), reads: Cell::new(0) }
    }

    fn read(&self, height: usize, range: &Range<u64>) -> Option<Vec<TreeHash>> {
        let hashes = self.heights.get(height)?[place(range.start)..place(range.end)].to_vec();
        self.reads.set(self.reads.get() + 1);
        self.hashes.set(self.hashes.get() + hashes.len() as u64);
        Some(hashes)
    }
}

impl LeafHashes for Kept {
    fn leaf_hashes(&self, leaves: Range<u64>) -> Result<Vec<TreeHash>, LedgerError> {
        Ok(self.read(0, &leaves).expect("leaves are there"))
    }

    fn subtree_roots(&self, height: u32, subtrees: Range<u64>) -> Result<Option<Vec<TreeHash>>, LedgerError> {
        Ok(self.read(height as usize, &subtrees))
    }
}

#[test]
fn kept_roots_of_blocks_give_the_same_proofs_with_few_reads() {
    let size = 200_003;
    let all = leaves(size);
    let head = head_of(&all);
    for (heights, most_hashes, most_reads) in [(0, size, 200), (1, 1_300, 45), (2, 820, 45)] {
        let kept = Kept::new(all.clone(), heights);
        for index in [0, 1, 255, 256, 65_535, 65_536, 131_071, 199_936, size - 1] {
            kept.hashes.set(0);
            kept.reads.set(0);
            let proof = InclusionProof::new(&kept, index, size).unwrap();
            assert_eq!(proof.verify(&all[place(index)], &head), Ok(()));
            let (hashes, reads) = (kept.hashes.get(), kept.reads.get());
            assert!(hashes <= most_hashes && reads <= most_reads, "{heights} {index}: {hashes} in {reads}");
        }
        for older in [1, 256, 65_537, 131_072, 199_999, size] {
            let proof = ConsistencyProof::new(&kept, older, size).unwrap();
            assert_eq!(proof.verify(&tree_head(&kept, older).unwrap(), &head), Ok(()), "{heights} {older}");
        }
    }
}

#[test]
fn what_is_not_there_is_an_error_and_no_proof() {
    let all = leaves(5);
    for error in [
        InclusionProof::new(&all[..], 5, 5).unwrap_err(),
        InclusionProof::new(&all[..], 0, 0).unwrap_err(),
        ConsistencyProof::new(&all[..], 6, 5).unwrap_err(),
    ] {
        assert_eq!(error.kind, LedgerErrorKind::Invalid, "{error}");
    }
    let error = InclusionProof::new(&all[..], 0, 8).unwrap_err();
    assert_eq!(error.kind, LedgerErrorKind::Corrupt);
    assert_eq!(error.to_string(), "reading the tree of entries: 0 of 4 hashes of height 0 from 4 to 8 are there");
}

#[test]
fn sizes_and_places_from_outside_never_break_the_verifier() {
    let (leaf, numbers) = (leaves(1)[0], [0, 1, 2, 3, 1 << 62, MAX_TREE_SIZE, u64::MAX]);
    let path: Vec<_> = std::iter::repeat_n(leaf, 70).collect();
    for (size, other) in numbers.iter().flat_map(|size| numbers.iter().map(move |other| (*size, *other))) {
        for length in [0, 1, 62, 63, 64, 70] {
            let (head, path) = (TreeHead { size, root: leaf }, path[..length].to_vec());
            let proof = InclusionProof { leaf_index: other, path: path.clone() };
            assert_eq!(proof.verify(&leaf, &head).is_ok(), size == 1 && other == 0 && length == 0);
            let older = TreeHead { size: other, root: leaf };
            let proven = ConsistencyProof { path }.verify(&older, &head).is_ok();
            assert_eq!(proven, size == other && size > 0 && length == 0, "{other} to {size} by {length}");
        }
    }
}

#[test]
fn the_empty_tree_begins_every_log_and_only_the_empty_one() {
    let (all, none) = (leaves(3), ConsistencyProof::default());
    let head = head_of(&all);
    assert_eq!(none.verify(&TreeHead::empty(), &head), Ok(()));
    assert_eq!(none.verify(&TreeHead::empty(), &TreeHead::empty()), Ok(()));
    assert!(none.verify(&TreeHead { size: 0, root: all[0] }, &head).is_err());
    assert!(none.verify(&head, &TreeHead::empty()).is_err());
    assert!(none.verify(&head_of(&all[..2]), &head).is_err());
    assert!(ConsistencyProof { path: vec![all[0]] }.verify(&TreeHead::empty(), &head).is_err());
}

/// Two heads of one size are the split view: one log shown in two ways.
#[test]
fn two_roots_of_one_size_are_not_consistent() {
    let (all, mut other) = (leaves(3), leaves(3));
    other[1] = other[0];
    let (head, other_head) = (head_of(&all), head_of(&other));
    assert_eq!(ConsistencyProof::default().verify(&head, &head), Ok(()));
    assert!(ConsistencyProof::default().verify(&head, &other_head).is_err());
    let proof = ConsistencyProof::new(&all[..], 2, 3).unwrap();
    assert!(proof.verify(&head, &other_head).is_err());
}

#[test]
fn a_frontier_comes_back_from_its_bytes_and_goes_on() {
    let (all, mut whole) = (leaves(300), Frontier::default());
    for leaf in &all {
        let mut back = Frontier::from_bytes(&whole.to_bytes()).unwrap();
        assert_eq!(back, whole);
        back.append(*leaf);
        whole.append(*leaf);
        assert_eq!(back.head(), whole.head());
        assert_eq!(whole.to_bytes().len() as u64, 8 + 32 * u64::from(whole.size().count_ones()));
    }
    let good = whole.to_bytes();
    for bytes in [
        &good[..0],
        &good[..7],
        &good[..8],
        &good[..good.len() - 1],
        &[&good[..], &[0; 32]].concat(),
        &[255; 8 + 64 * 32],
    ] {
        assert!(Frontier::from_bytes(bytes).is_err(), "{}", bytes.len());
    }
}

/// What is done to a path.
#[derive(Clone, Debug)]
enum Damage {
    Flip(prop::sample::Index, u8),
    Drop(prop::sample::Index),
    Repeat(prop::sample::Index),
    Swap(prop::sample::Index, prop::sample::Index),
    Append([u8; 32]),
}

fn any_damage() -> impl Strategy<Value = Damage> {
    let at = any::<prop::sample::Index>;
    prop_oneof![
        (at(), any::<u8>()).prop_map(|(at, bit)| Damage::Flip(at, bit)),
        at().prop_map(Damage::Drop),
        at().prop_map(Damage::Repeat),
        (at(), at()).prop_map(|(at, other)| Damage::Swap(at, other)),
        any::<[u8; 32]>().prop_map(Damage::Append),
    ]
}

fn damage(path: &mut Vec<TreeHash>, damage: &Damage) {
    let length = path.len();
    match damage {
        Damage::Append(hash) => path.push(TreeHash::from_bytes(*hash)),
        _ if length == 0 => {}
        Damage::Flip(at, bit) => {
            let hash = at.get_mut(path);
            let mut bytes = *hash.as_bytes();
            bytes[usize::from(*bit / 8)] ^= 1 << (bit % 8);
            *hash = TreeHash::from_bytes(bytes);
        }
        Damage::Drop(at) => drop(path.remove(at.index(length))),
        Damage::Repeat(at) => path.insert(at.index(length), path[at.index(length)]),
        Damage::Swap(at, other) => path.swap(at.index(length), other.index(length)),
    }
}

proptest! {
    #[test]
    fn a_damaged_proof_shows_nothing(
        size in 1..300_u64, at in any::<prop::sample::Index>(), other in any::<prop::sample::Index>(), bad in any_damage(),
    ) {
        let all = leaves(size);
        let (index, head) = (at.index(all.len()), head_of(&all));
        let good = InclusionProof::new(&all[..], index as u64, size).unwrap();
        prop_assert_eq!(good.verify(&all[index], &head), Ok(()));
        let mut proof = good.clone();
        damage(&mut proof.path, &bad);
        prop_assert_eq!(proof.verify(&all[index], &head).is_ok(), proof == good);
        let other = other.index(all.len());
        prop_assert_eq!(good.verify(&all[other], &head).is_ok(), other == index);
        let moved = InclusionProof { leaf_index: other as u64, ..good };
        prop_assert_eq!(moved.verify(&all[index], &head).is_ok(), other == index);

        let older = tree_head(&all[..], index as u64 + 1).unwrap();
        let good = ConsistencyProof::new(&all[..], older.size, size).unwrap();
        prop_assert_eq!(good.verify(&older, &head), Ok(()));
        let mut proof = good.clone();
        damage(&mut proof.path, &bad);
        prop_assert_eq!(proof.verify(&older, &head).is_ok(), proof == good);
    }

    #[test]
    fn every_older_tree_is_the_beginning_of_every_newer_one(sizes in prop::collection::vec(0..2000_u64, 3)) {
        let mut sizes = sizes;
        sizes.sort_unstable();
        let all = leaves(sizes[2]);
        let kept = Kept::new(all, 1);
        let heads: Vec<_> = sizes.iter().map(|size| tree_head(&kept, *size).unwrap()).collect();
        for (older, newer) in [(0, 1), (1, 2), (0, 2)] {
            let proof = ConsistencyProof::new(&kept, sizes[older], sizes[newer]).unwrap();
            prop_assert_eq!(proof.verify(&heads[older], &heads[newer]), Ok(()));
            prop_assert_eq!(proof.verify(&heads[newer], &heads[older]).is_ok(), sizes[older] == sizes[newer]);
        }
    }

    #[test]
    fn bytes_of_a_frontier_are_refused_or_kept(bytes in prop::collection::vec(any::<u8>(), 0..120)) {
        if let Ok(frontier) = Frontier::from_bytes(&bytes) {
            prop_assert_eq!(frontier.to_bytes(), bytes);
        }
    }
}
