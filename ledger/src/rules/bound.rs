//! How large an amount may be that somebody says: far more than any site has, and far less than a sum can hold.
//!
//! What has no account of its own, as what is held, runs, waits, or is covered by an opening, is added up where a balance is asked
//! for: one absurd number in it, and no balance can be told and nothing be authorised any more.

use model::Amount;

/// The most that one hold, opening, figure, run or job may be: 40,000 million hours, of a GPU or of a core.
pub const MOST_OF_ONE: Amount = Amount::from_milli(i64::MAX / 64);

/// From here on a hold is asked for what all holds of its budget come to. Of smaller ones no budget can have so many that their
/// sum is beyond [`MOST_OF_ONE`]: they would be more than 16,000.
pub(crate) const LARGE: Amount = Amount::from_milli(i64::MAX / (64 << 14));
