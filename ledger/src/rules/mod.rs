//! The rules of the ledger: pure functions over facts. No store, no clock.

mod attribution;
mod balance;
mod content;
mod coverage;
mod grant_check;
mod lot;
mod lot_draw;
mod lots;
mod movement;
mod policy;
mod replay;
mod revision;
mod statement;
mod union;

pub(crate) use attribution::{Attribution, BindingsByAccount, Charge, attribute};
pub use attribution::{Spender, payer};
pub(crate) use balance::{balances, refusal};
pub(crate) use content::{Content, Secret};
pub use coverage::account_coverage;
pub use grant_check::{GrantFault, check_grant};
pub use lot::{GivenLot, GrantTerms, Lot, LotBalance, LotError, LotId, Spending};
pub use lot_draw::{Debt, Drawing, LotBook, LotChange, borders_of};
pub(crate) use movement::{budget_change, split};
pub use policy::{
    Coming, Decision, Event, Facts, FixedTerm, HardStop, MonthlyJsc, NhrQuarterly, Policy, Rate, Reason, Soft,
    Standing, UsedUp,
};
pub(crate) use replay::{Replay, Stored};
pub(crate) use revision::{Reading, compare, contradiction, seen_at};
pub(crate) use statement::statement;
pub(crate) use union::{Seen, known_as_of, union};
