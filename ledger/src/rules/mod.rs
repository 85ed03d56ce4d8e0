//! The rules of the ledger: pure functions over facts. No store, no clock.

mod agreements;
mod attribution;
mod balance;
mod budget;
mod budget_coverage;
mod content;
mod coverage;
mod expiry;
mod grant_check;
mod grants;
mod invariants;
mod lot;
mod lot_bounds;
mod lot_draw;
mod movement;
mod parts_by_budget;
mod passed_on;
mod past;
mod policy;
mod replay;
mod reservation;
mod revision;
mod run_agreement;
mod stamp;
mod standing_decisions;
mod statement;
mod still_running;
mod union;
mod unpriced;
mod usage;

pub(crate) use attribution::{Attribution, BindingsByAccount, Charge, attribute, stay};
pub use attribution::{Spender, Words, payer};
pub(crate) use balance::{balances, budgets, refusal};
pub use budget::Budget;
pub(crate) use budget::{Terms, terms};
pub use budget_coverage::{Gap, missing};
pub(crate) use content::Secret;
pub use content::{Content, ContentError};
pub use coverage::{account_coverage, binding_coverage};
pub(crate) use expiry::{Due, Step, expiries};
pub use grant_check::{GrantFault, check_grant};
pub(crate) use grants::grants;
pub use lot::{GivenLot, GrantTerms, Lot, LotBalance, LotError, LotId, Spending};
pub use lot_draw::{Debt, Drawing, LotBook, LotChange, borders_of};
pub(crate) use movement::{HOUR_SECONDS, budget_change, fingerprint, hour_print, spending, spending_over, split};
pub(crate) use passed_on::{available, pro_rata, take_out};
pub(crate) use past::{OPENING, Past, Sight, opened};
pub use policy::{
    Coming, Decision, Event, Facts, FixedTerm, HardStop, MonthlyJsc, NhrQuarterly, Policy, Rate, Reason, Soft,
    Standing, UsedUp,
};
pub(crate) use replay::{Movement, Replay, Stored};
pub use reservation::Reservation;
pub(crate) use reservation::{Reserved, reserve};
pub(crate) use revision::{Joined, contradiction, join, says_the_same, seen_at, tell_the_same};
pub(crate) use run_agreement::{RunAgreement, RunEntry};
pub(crate) use stamp::is_beyond_comparison;
pub use stamp::runs_as;
pub(crate) use standing_decisions::StandingDecisions;
pub(crate) use statement::statement;
pub use still_running::running;
pub(crate) use still_running::still_running;
pub(crate) use union::{Seen, known_as_of, union, union_ever};
pub use unpriced::unpriced;
pub(crate) use usage::{Calendar, UsageSums};
