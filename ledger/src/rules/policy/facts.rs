//! What a policy decides from.

use crate::rules::{GrantTerms, Spending};
use model::{Amount, AmountError, Balance, Timestamp, Zone};

/// The facts of one project and unit at an instant.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// Its grants, those of the future and those that are over included.
    pub grants: &'a [GrantTerms],
    /// What was spent, a figure for each stretch between the borders that the policy names (`Policy::borders`) and one up
    /// to now.
    pub spending: &'a [Spending],
    /// What runs, is held or waits, and will be spent.
    pub reserved: Amount,
    /// The instant.
    pub now: Timestamp,
    /// The zone in which months and quarters begin.
    pub zone: &'a Zone,
}

impl Facts<'_> {
    /// What of a balance is reserved of what is in reach.
    pub fn reserved_of(balance: &Balance) -> Result<Amount, AmountError> {
        balance.reserved()
    }
}
