//! What makes the ledger checkable by somebody who does not trust whoever keeps it.
//!
//! Each entry becomes a **leaf**: canonical bytes ([`FieldWriter`]) whose hash is a leaf of a Merkle tree (RFC 6962,
//! section 2.1). A person stands in a leaf as a [`Pseudonym`] and a [`Commitment`], so that person and [`Salt`] can be
//! erased and every proof stays. A **checkpoint** ([`SignedCheckpoint`]) is the size and root of the tree, signed with
//! Ed25519 in the form of c2sp.org/tlog-checkpoint; a witness adds its cosignature (c2sp.org/tlog-cosignature) once it has
//! seen that the log only grew. An [`Audit`] recomputes the tree; an [`EntryProof`] shows one entry without the others.
//!
//! What this proves: whoever holds a checkpoint of size N, or knows a witness that cosigned one, sees any change among
//! the first N leaves. Entries after it can still be rewritten by whoever holds the log's key; without such a checkpoint
//! all of them can. Nothing here reads a file, a clock or a database: bytes, times and random bits are handed in.

mod audit;
mod audit_pass;
mod audit_report;
mod base64;
mod checkpoint;
mod consistency_proof;
mod decided_digest;
mod entry_leaf;
mod entry_proof;
mod error;
mod field_writer;
mod fingerprint;
mod frontier;
mod inclusion_proof;
mod key_change;
mod leaf_hashes;
mod log_keys;
mod person;
mod proven_entry;
mod randomness;
mod signed_checkpoint;
mod signed_line;
mod signed_note;
mod signer_key;
mod tree_hash;
mod tree_head;
mod verifier_key;

pub use audit::Audit;
pub(crate) use audit_pass::{AuditPass, TreePart};
pub use audit_report::{AuditFinding, AuditReport, CheckedCheckpoint, CheckpointSource, Standing};
pub use checkpoint::Checkpoint;
pub use consistency_proof::ConsistencyProof;
pub use decided_digest::DecidedDigest;
pub(crate) use decided_digest::{person, person_in};
pub(crate) use entry_leaf::{EntryLeaf, RanLeaf, RunLeaf, written, written_into};
pub use entry_leaf::{EntryMarks, PersonMark};
pub use entry_proof::EntryProof;
pub use error::EvidenceError;
pub use field_writer::{Domain, FieldWriter};
pub use fingerprint::Fingerprint;
pub use frontier::Frontier;
pub use inclusion_proof::InclusionProof;
pub use key_change::KeyChange;
pub use leaf_hashes::{LeafHashes, SUBTREE_WIDTH, tree_head};
pub use log_keys::KeySpan;
pub(crate) use log_keys::LogKeys;
pub use person::{Commitment, Pseudonym, Salt};
pub use proven_entry::{ProvenDecision, ProvenEntry};
pub use randomness::RandomBits;
pub use signed_checkpoint::{Cosignature, SignedCheckpoint, VerifiedCheckpoint};
pub(crate) use signed_line::{SIGNATURE_LINE_BYTES, signature_line, verify_line};
pub use signed_note::{NoteSignature, SignedNote};
pub use signer_key::SignerKey;
pub use tree_hash::TreeHash;
pub use tree_head::{MAX_TREE_SIZE, TreeHead};
pub use verifier_key::{KeyId, KeyKind, KeyName, VerifierKey};
