//! Amounts: exact integers, in milli-seconds of one native resource.

use crate::Unit;
use serde::{Deserialize, Serialize};
use std::fmt;

/// A signed quantity of one unit, in milli-resource-seconds: one GPU for one second is 1000, half a GPU 500.
///
/// The bound is `i64`: 24,000 GPUs for ten years are 7.6e15, a thousandth of what fits. All arithmetic is checked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Amount(i64);

/// Why an amount could not be computed or read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AmountError {
    /// The result does not fit in 64 bits.
    #[error("the amount does not fit in 64 bits of milli-seconds")]
    Overflow,
    /// The text is not a number of hours with at most six decimals.
    #[error("`{0}` is not an amount of hours, such as `1200` or `0.5`")]
    NotHours(String),
}

const MILLI_PER_HOUR: i64 = 3_600_000;

impl Amount {
    /// Nothing at all.
    pub const ZERO: Self = Self(0);

    /// The amount of `milli` milli-resource-seconds.
    pub const fn from_milli(milli: i64) -> Self {
        Self(milli)
    }

    /// The amount in milli-resource-seconds.
    pub const fn milli(self) -> i64 {
        self.0
    }

    /// The product of a weight (milli-resources per second) and a number of seconds.
    pub fn from_product(milli_per_second: u64, seconds: u64) -> Result<Self, AmountError> {
        let product = u128::from(milli_per_second) * u128::from(seconds);
        i64::try_from(product).map(Self).map_err(|_| AmountError::Overflow)
    }

    /// Reads a decimal number of hours, exactly: `1200`, `0.5`, `-3.25`. At most six decimals, none lost.
    pub fn from_hours(text: &str) -> Result<Self, AmountError> {
        let bad = || AmountError::NotHours(text.to_owned());
        let (negative, digits) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let is_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || !is_digits(whole) || !is_digits(fraction) || fraction.len() > 6 {
            return Err(bad());
        }
        let whole: i128 = whole.parse().map_err(|_| bad())?;
        let millionths: i128 = format!("{fraction:0<6}").parse().map_err(|_| bad())?;
        let scaled = (whole * 1_000_000 + millionths) * i128::from(MILLI_PER_HOUR);
        if scaled % 1_000_000 != 0 {
            return Err(bad());
        }
        let milli = i64::try_from(scaled / 1_000_000).map_err(|_| AmountError::Overflow)?;
        Ok(Self(if negative { -milli } else { milli }))
    }

    /// The sum, or an error where it does not fit.
    pub fn plus(self, other: Self) -> Result<Self, AmountError> {
        self.0.checked_add(other.0).map(Self).ok_or(AmountError::Overflow)
    }

    /// The difference, or an error where it does not fit.
    pub fn minus(self, other: Self) -> Result<Self, AmountError> {
        self.0.checked_sub(other.0).map(Self).ok_or(AmountError::Overflow)
    }

    /// The amount with its sign turned.
    pub fn negated(self) -> Result<Self, AmountError> {
        self.0.checked_neg().map(Self).ok_or(AmountError::Overflow)
    }

    /// The sum of many amounts.
    pub fn sum(amounts: impl IntoIterator<Item = Self>) -> Result<Self, AmountError> {
        amounts.into_iter().try_fold(Self::ZERO, Self::plus)
    }

    /// The hours with three decimals, rounded half away from zero; only for showing, never for further sums.
    pub fn hours(self) -> String {
        let thousandths =
            (i128::from(self.0.unsigned_abs()) * 1000 + i128::from(MILLI_PER_HOUR / 2)) / i128::from(MILLI_PER_HOUR);
        let sign = if self.0 < 0 && thousandths > 0 { "-" } else { "" };
        format!("{sign}{}.{:03}", thousandths / 1000, thousandths % 1000)
    }

    /// The hours with the unit's hour word: `64.000 GPU-h`.
    pub fn in_hours_of(self, unit: &Unit) -> String {
        format!("{} {}", self.hours(), unit.hour_word())
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.hours())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn hours_are_read_exactly_and_shown_rounded() {
        for (text, milli, shown) in [
            ("0", 0, "0.000"),
            ("1", 3_600_000, "1.000"),
            ("0.5", 1_800_000, "0.500"),
            ("-3.25", -11_700_000, "-3.250"),
            ("0.000278", 0, ""),
        ] {
            match Amount::from_hours(text) {
                Ok(amount) if !shown.is_empty() => {
                    assert_eq!(amount.milli(), milli, "{text}");
                    assert_eq!(amount.hours(), shown, "{text}");
                }
                Ok(amount) => assert_eq!(amount.milli(), 1_000, "{text}: 0.000278 h is 1000.8 milli-seconds"),
                Err(error) => assert_eq!(error, AmountError::NotHours(text.to_owned())),
            }
        }
        assert_eq!(Amount::from_milli(1_799).hours(), "0.000");
        assert_eq!(Amount::from_milli(1_800).hours(), "0.001");
        assert_eq!(Amount::from_milli(-1).hours(), "0.000");
    }

    #[test]
    fn what_is_no_number_of_hours_is_refused() {
        for text in ["", ".5", "1.", "1e3", "1,5", "12 h", "--1", "0.1234567", "99999999999999999999"] {
            let read = Amount::from_hours(text);
            assert_eq!(read.is_err(), text != "1.", "{text}: {read:?}");
        }
    }

    proptest! {
        #[test]
        fn milli_hours_survive_the_way_out_and_back(thousandths in -1_000_000_000_i64..1_000_000_000) {
            let amount = Amount::from_milli(thousandths * 3_600);
            prop_assert_eq!(Amount::from_hours(&amount.hours()).expect("own output"), amount);
        }
    }
}
