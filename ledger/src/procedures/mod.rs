//! The order of steps of each command, over any store's records. One file for the commands of one noun.
//!
//! A procedure refuses first and writes last; the transaction around it makes all commands of a post happen or none.

mod bind;
mod bundle;
mod by_hand;
mod decide;
mod delegate;
mod expire;
mod grant;
mod hold;
mod observe;
mod opening;
mod posting;
mod reattribute;
mod settle;
mod site_figure;

pub(crate) use opening::opening_key;
pub(crate) use posting::{Posting, apply};
