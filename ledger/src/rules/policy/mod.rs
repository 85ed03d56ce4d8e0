//! Policies: what a programme lets a project do with its lots, as data, one file a policy.
//!
//! A policy says three things: which lots it makes of a grant, what becomes of what no lot covers, and what happens when
//! nothing is left. `rule` has the questions, `decision` and `outlook` answer for all of them alike, so that a policy is a
//! page of facts with their sources. docs/policies.md has the table.

mod decision;
mod facts;
mod fixed_term;
mod hard_stop;
mod installments;
mod monthly_jsc;
mod nhr_quarterly;
mod outlook;
mod rule;
mod soft;
mod variant;

#[cfg(test)]
mod properties;
#[cfg(test)]
mod stage;

pub use decision::{Decision, Reason};
pub use facts::Facts;
pub use fixed_term::FixedTerm;
pub use hard_stop::HardStop;
pub use monthly_jsc::MonthlyJsc;
pub use nhr_quarterly::NhrQuarterly;
pub use outlook::{Coming, Event, Rate};
pub use rule::{Standing, UsedUp};
pub use soft::Soft;
pub use variant::Policy;
