//! The ledger over HTTP and the reviewers' pages.
//!
//! One project that spends at several sites needs the ledger as a service; this crate will hold its routes and none of
//! its rules. It holds nothing yet.
