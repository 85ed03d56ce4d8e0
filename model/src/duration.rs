//! Wall time: seconds, read and written the way Slurm does.

use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// A length of wall time in whole seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct WallTime(u64);

/// Why a text is no length of time.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a time such as `00:10:00`, `1-12:00:00`, `90m`, `12h` or `2d`")]
pub struct DurationError {
    /// What was read.
    pub text: String,
}

impl WallTime {
    /// A wall time of so many seconds.
    pub const fn from_seconds(seconds: u64) -> Self {
        Self(seconds)
    }

    /// The wall time in seconds.
    pub const fn seconds(self) -> u64 {
        self.0
    }

    fn from_clock(text: &str) -> Option<u64> {
        let (days, clock) = match text.split_once('-') {
            Some((days, clock)) => (Some(number(days)?), clock),
            None => (None, text),
        };
        let parts: Vec<u64> = clock.split(':').map(number).collect::<Option<_>>()?;
        let clock_seconds = match (days.is_some(), parts.as_slice()) {
            (_, [hours, minutes, seconds]) => sum(*hours, *minutes, *seconds)?,
            (true, [hours, minutes]) => sum(*hours, *minutes, 0)?,
            (true, [hours]) => hours.checked_mul(3600)?,
            _ => return None,
        };
        days.unwrap_or(0).checked_mul(86_400)?.checked_add(clock_seconds)
    }

    fn from_suffix(text: &str) -> Option<u64> {
        let (digits, factor) = match text.char_indices().last()? {
            (at, 's') => (&text[..at], 1),
            (at, 'm') => (&text[..at], 60),
            (at, 'h') => (&text[..at], 3600),
            (at, 'd') => (&text[..at], 86_400),
            _ => return None,
        };
        number(digits.trim_end())?.checked_mul(factor)
    }
}

fn number(text: &str) -> Option<u64> {
    (!text.is_empty() && text.len() <= 9 && text.bytes().all(|byte| byte.is_ascii_digit()))
        .then(|| text.parse().ok())
        .flatten()
}

fn sum(hours: u64, minutes: u64, seconds: u64) -> Option<u64> {
    (minutes < 60 && seconds < 60).then_some(())?;
    hours.checked_mul(3600)?.checked_add(minutes * 60 + seconds)
}

impl FromStr for WallTime {
    type Err = DurationError;

    /// Reads `HH:MM:SS`, `D-HH[:MM[:SS]]` (sbatch(1), `--time`) or a number with `s`, `m`, `h`, `d`.
    /// A bare number and `MM:SS` are refused: Slurm reads both as minutes first, people do not.
    fn from_str(text: &str) -> Result<Self, DurationError> {
        let trimmed = text.trim();
        Self::from_clock(trimmed)
            .or_else(|| Self::from_suffix(trimmed))
            .map(Self)
            .ok_or_else(|| DurationError { text: text.to_owned() })
    }
}

impl fmt::Display for WallTime {
    /// Writes `HH:MM:SS`, with `D-` in front from one day on: what `--time` takes and `squeue` prints.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (days, rest) = (self.0 / 86_400, self.0 % 86_400);
        if days > 0 {
            write!(formatter, "{days}-")?;
        }
        write!(formatter, "{:02}:{:02}:{:02}", rest / 3600, rest / 60 % 60, rest % 60)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn times_as_people_write_them() {
        for (text, seconds) in [
            ("00:10:00", 600),
            ("5:00:00", 18_000),
            ("100:00:00", 360_000),
            ("1-12:00:00", 129_600),
            ("2-00", 172_800),
            ("90m", 5_400),
            ("12 h", 43_200),
            ("2d", 172_800),
        ] {
            assert_eq!(text.parse(), Ok(WallTime::from_seconds(seconds)), "{text}");
        }
        for text in ["", "10", "10:00", "1:60:00", "1-", "-1:00:00", "1:00:00:00", "12x", "1.5h", "9999999999h"] {
            assert!(text.parse::<WallTime>().is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(seconds in 0_u64..100_000_000) {
            let time = WallTime::from_seconds(seconds);
            prop_assert_eq!(time.to_string().parse(), Ok(time));
        }

        #[test]
        fn any_text_is_answered_without_panic(text in ".{0,40}") {
            drop(text.parse::<WallTime>());
        }
    }
}
