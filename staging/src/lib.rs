//! Moving data and proving that it arrived: manifest, chunks, resume, publish, pack.
//!
//! The job file's `data` is a reserved word until this crate does its work; nothing here pretends to do it.
