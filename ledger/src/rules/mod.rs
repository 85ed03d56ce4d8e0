//! The rules of the ledger: pure functions over facts. No store, no clock.

mod attribution;
mod balance;
mod content;
mod lots;
mod movement;
mod replay;
mod revision;
mod statement;
mod union;

pub(crate) use attribution::{Attribution, Charge, attribute};
pub use attribution::{Spender, payer};
pub(crate) use balance::{balances, refusal};
pub(crate) use content::{Content, Secret};
pub(crate) use movement::{budget_change, split};
pub(crate) use replay::{Replay, Stored};
pub(crate) use revision::{Reading, compare, contradiction, seen_at};
pub(crate) use statement::statement;
pub(crate) use union::{Seen, known_as_of, union};
