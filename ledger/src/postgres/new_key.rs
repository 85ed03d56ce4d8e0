//! A ledger on a server goes on under another key.

use super::joined_posts::{Writer, in_transaction};
use super::keeper::Keeper;
use super::session::Session;
use super::tables::Tables;
use crate::records::Result;
use crate::stored::change_key;

/// Changes the key. The new one lies in the keeper's folder before the ledger names it, and takes its place afterwards: a
/// process that ends in between leaves it where it is found.
pub(super) fn change(session: &Session, keeper: &Keeper, writer: &Writer, is_lost: bool) -> Result<()> {
    let after = in_transaction(session, Session::commit, || {
        let make = |before: &_| keeper.make_next(before);
        Ok((change_key(&Tables::new(session), writer.signer.as_deref(), is_lost, make)?, true))
    })?;
    drop(keeper.find(Some(&after)));
    Ok(())
}
