//! Amounts as options of sbatch(1) write them: time, memory, nodes.

/// Slurm's numbers for no limit and for no value, in 32 bits (`INFINITE` and `NO_VAL` of `slurm.h`).
pub const UNLIMITED: u32 = 0xffff_ffff;
const NO_VALUE: u32 = 0xffff_fffe;

/// Minutes of `--time`, or [`UNLIMITED`]: `MIN`, `MIN:SEC`, `H:MIN:SEC`, `D-H`, `D-H:MIN`, `D-H:MIN:SEC`; a begun minute is a whole one.
pub fn minutes(text: &str) -> Option<u32> {
    if ["unlimited", "infinite", "-1"].iter().any(|word| text.eq_ignore_ascii_case(word)) {
        return Some(UNLIMITED);
    }
    let (days, clock) = match text.split_once('-') {
        Some((days, clock)) => (Some(number(days)?), clock),
        None => (None, text),
    };
    let parts: Vec<u64> = clock.split(':').map(number).collect::<Option<_>>()?;
    let (hours, minutes, seconds) = match (days, parts.as_slice()) {
        (None, [minutes]) => (0, *minutes, 0),
        (None, [minutes, seconds]) => (0, *minutes, *seconds),
        (Some(_), [hours]) => (*hours, 0, 0),
        (Some(_), [hours, minutes]) => (*hours, *minutes, 0),
        (_, [hours, minutes, seconds]) => (*hours, *minutes, *seconds),
        _ => return None,
    };
    let whole = days.unwrap_or(0).checked_mul(1440)?.checked_add(hours.checked_mul(60)?)?.checked_add(minutes)?;
    u32::try_from(whole.checked_add(seconds.div_ceil(60))?).ok().filter(|minutes| *minutes < NO_VALUE)
}

/// MiB of `--mem`: a number with or without a unit; a begun one is a whole one.
pub fn mebibytes(text: &str) -> Option<u64> {
    let digits = text.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
    let count = number(digits)?;
    match text[digits.len()..].to_ascii_uppercase().trim_end_matches('B') {
        "K" => Some(count.div_ceil(1024)),
        "" | "M" => Some(count),
        "G" => count.checked_mul(1024),
        "T" => count.checked_mul(1024 * 1024),
        _ => None,
    }
}

/// The least and the most nodes of `--nodes`: `4`, `2-4`. Sizes in lists and with a `k` are sbatch's alone.
pub fn nodes(text: &str) -> Option<(u32, u32)> {
    let (least, most) = text.split_once('-').unwrap_or((text, text));
    let (least, most) = (small(least)?, small(most)?);
    (least > 0 && least <= most).then_some((least, most))
}

/// A whole number without a sign.
fn number(text: &str) -> Option<u64> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

/// A whole number without a sign in 32 bits.
pub fn small(text: &str) -> Option<u32> {
    number(text).and_then(|number| u32::try_from(number).ok()).filter(|number| *number < NO_VALUE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn times() {
        for (text, expected) in [
            ("10", Some(10)),
            ("10:01", Some(11)),
            ("1:00:00", Some(60)),
            ("2-0", Some(2880)),
            ("1-2:30", Some(1590)),
            ("1-02:03:04", Some(1564)),
            ("0:30", Some(1)),
            ("UNLIMITED", Some(UNLIMITED)),
            ("", None),
            ("1:2:3:4", None),
            ("ten", None),
            ("+10", None),
            ("99999999999999999999", None),
        ] {
            assert_eq!(minutes(text), expected, "{text}");
        }
    }

    #[test]
    fn memory_and_nodes() {
        for (text, expected) in [
            ("0", Some(0)),
            ("1000", Some(1000)),
            ("1000M", Some(1000)),
            ("2G", Some(2048)),
            ("1T", Some(1 << 20)),
            ("1K", Some(1)),
            ("2GB", Some(2048)),
            ("x", None),
            ("", None),
        ] {
            assert_eq!(mebibytes(text), expected, "{text}");
        }
        for (text, expected) in
            [("4", Some((4, 4))), ("2-4", Some((2, 4))), ("4-2", None), ("0", None), ("2,4", None), ("1k", None)]
        {
            assert_eq!(nodes(text), expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_answered_without_panic(text in "([0-9]{1,20}|[:@BKMGT-]|.){0,8}") {
            let _ = (minutes(&text), mebibytes(&text), nodes(&text), small(&text));
        }
    }
}
