//! What the person who asks may see of other people's runs.

use model::AccountName;
use std::collections::BTreeSet;

/// Whose runs accounting shows to the person who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rights {
    /// Everybody's: the person is an operator, or nothing is hidden.
    Everybody,
    /// Their own, and everybody's of the accounts that they coordinate. An account below one of these may be missing here.
    Accounts(BTreeSet<AccountName>),
}
