//! Hours as sites write them: decimal digits, and nothing that could be read in two ways.

use super::{
    figure::FigureError,
    text::{Line, quoted},
};
use model::Amount;

/// More digits than any site has hours, and than a milli-second of them needs.
const MOST_DIGITS: usize = 15;
const MOST_DECIMALS: usize = 18;
const MILLI_PER_HOUR: i128 = 3_600_000;

/// Reads hours, exactly as far as a thousandth of a second goes; what a site writes beyond is rounded to that, half away from
/// zero. No floating point number is made on the way.
pub(super) fn hours(line: Line<'_>, column: &str, text: &str) -> Result<Amount, FigureError> {
    let bad = |why: &str| {
        let what = format!("{} in `{column}` is no number of hours: {why}", quoted(text));
        FigureError::new(line.number, what, "hours are digits, with a `.` before the decimals: `1200` or `0.5`")
    };
    let (whole, decimals) = text.split_once('.').unwrap_or((text, "0"));
    let is_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if text.starts_with('-') {
        return Err(bad("it is negative"));
    }
    if !is_digits(whole) || !is_digits(decimals) {
        return Err(bad("it holds something else than digits and one `.`"));
    }
    let whole = whole.trim_start_matches('0');
    if whole.len() > MOST_DIGITS || decimals.len() > MOST_DECIMALS {
        return Err(bad("it has too many digits"));
    }
    let number = |digits: &str| if digits.is_empty() { Ok(0) } else { digits.parse::<i128>() };
    let scale = 10_i128.pow(u32::try_from(decimals.len()).map_err(|_| bad("it has too many digits"))?);
    let (Ok(whole), Ok(part)) = (number(whole), number(decimals)) else {
        return Err(bad("it has too many digits"));
    };
    let milli = whole * MILLI_PER_HOUR + (2 * part * MILLI_PER_HOUR + scale) / (2 * scale);
    i64::try_from(milli).map(Amount::from_milli).map_err(|_| bad("no ledger holds as much"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(text: &str) -> Result<Amount, FigureError> {
        hours(Line { number: 7, text }, "used", text)
    }

    #[test]
    fn hours_are_exact_to_a_thousandth_of_a_second() {
        for (text, milli) in [
            ("0", 0),
            ("1160939", 1_160_939 * 3_600_000),
            ("0.5", 1_800_000),
            ("0000000000000000012.25", 44_100_000),
            ("0.000278", 1_001),
            ("0.30000000000000004", 1_080_000),
            ("0.000000138888888889", 1),
        ] {
            assert_eq!(read(text), Ok(Amount::from_milli(milli)), "{text}");
        }
    }

    #[test]
    fn what_could_mean_two_things_is_refused_with_its_line() {
        for text in [
            "",
            ".",
            "1.",
            ".5",
            "-1",
            "+1",
            "1,000",
            "1.000.000",
            "1e6",
            "12 h",
            "NaN",
            "inf",
            "0x10",
            "٣",
            "1234567890123456",
            "999999999999999",
            "0.1234567890123456789",
        ] {
            let error = read(text).expect_err(text);
            assert_eq!(error.line, 7, "{text}");
            assert!(error.what.contains("`used`"), "{}", error.what);
        }
    }

    proptest! {
        #[test]
        fn milli_seconds_survive_the_way_out_and_back(milli in 0_i64..9_000_000_000_000_000) {
            let (whole, rest) = (milli / 3_600_000, milli % 3_600_000);
            // Seven decimals of an hour are a third of a milli-second.
            let decimals = (i128::from(rest) * 20_000_000 + 3_600_000) / 7_200_000;
            prop_assume!(decimals < 10_000_000);
            prop_assert_eq!(read(&format!("{whole}.{decimals:07}")), Ok(Amount::from_milli(milli)));
        }

        #[test]
        fn any_text_is_answered_without_panic(text in "\\PC{0,40}") {
            drop(read(&text));
        }
    }
}
