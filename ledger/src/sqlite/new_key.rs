//! A ledger in a file goes on under another key.

use super::joined_posts::Writer;
use super::open::key_file_of;
use super::queries::check_writable;
use super::tables::Tables;
use crate::records::Result;
use crate::stored::{change_key, find_key, generate_next_key};
use rusqlite::{Connection, TransactionBehavior};
use std::path::Path;

/// Changes the key. The new one lies beside the old one's file before the ledger names it, and takes its place afterwards: a
/// process that ends in between leaves it where it is found.
pub(super) fn change(connection: &mut Connection, ledger: &Path, writer: &Writer, is_lost: bool) -> Result<()> {
    let file = key_file_of(ledger);
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    check_writable(&transaction)?;
    let make = |before: &_| generate_next_key(&file, before, &writer.random);
    let after = change_key(&Tables::new(&transaction), writer.signer.as_deref(), is_lost, make)?;
    transaction.commit()?;
    drop(find_key(&file, Some(&after)));
    Ok(())
}
