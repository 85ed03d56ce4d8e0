//! Small models of a ledger, each of one question, and the way they are followed: random operations, some tried first by
//! somebody who dies in the middle, each compared with what the model says; then the past, statements and replay. A model is a
//! file, and how it is followed, its commands and its operations, the one beside it.

mod dated;
mod dated_followed;
mod ends;
mod follow;
mod lots;
mod lots_followed;
mod many;
mod months;
mod observed;
mod observed_followed;
mod sums;
mod sums_followed;
mod units;
mod units_followed;

pub(crate) use follow::{Answer, Checked, Model, numbers_at, once, try_all};
