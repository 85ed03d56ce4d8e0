//! The evidence as an auditor sees it: leaves, trees, checkpoints, proofs and audits, without any store.

mod audits;
mod bundles;
mod checkpoints;
mod entry_proofs;
mod leaves;
mod support;
mod trees;
