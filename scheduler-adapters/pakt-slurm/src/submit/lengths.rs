//! Amounts as options write them: time, memory, nodes, signals.

use crate::calls::sys;

/// Minutes of `--time` (sbatch(1)): `MIN`, `MIN:SEC`, `H:MIN:SEC`, `D-H`, `D-H:MIN`, `D-H:MIN:SEC`; a begun minute is a whole one.
pub(super) fn minutes(text: &str) -> Option<u32> {
    if ["unlimited", "infinite", "-1"].iter().any(|word| text.eq_ignore_ascii_case(word)) {
        return Some(sys::INFINITE);
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
    u32::try_from(whole.checked_add(seconds.div_ceil(60))?).ok().filter(|minutes| *minutes < sys::NO_VAL)
}

/// MiB of `--mem`: a number with or without a unit; a begun one is a whole one.
pub(super) fn mebibytes(text: &str) -> Option<u64> {
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
pub(super) fn nodes(text: &str) -> Option<(u32, u32)> {
    let (least, most) = text.split_once('-').unwrap_or((text, text));
    let (least, most) = (small(least)?, small(most)?);
    (least > 0 && least <= most).then_some((least, most))
}

/// A signal and when it is sent (`--signal=[B:]USR1@300`): flags, signal, seconds.
pub(super) fn signal(text: &str) -> Option<(u16, u16, u16)> {
    let (flags, rest) = match text.split_once(':') {
        Some(("B", rest)) => (sys::KILL_JOB_BATCH, rest),
        Some(_) => return None,
        None => (0, text),
    };
    let (name, seconds) = rest.split_once('@').unwrap_or((rest, "60"));
    let number = match name.strip_prefix("SIG").unwrap_or(name) {
        "HUP" => 1,
        "INT" => 2,
        "QUIT" => 3,
        "KILL" => 9,
        "USR1" => 10,
        "USR2" => 12,
        "TERM" => 15,
        "CONT" => 18,
        "URG" => 23,
        "XCPU" => 24,
        number => small(number)?.try_into().ok()?,
    };
    Some((flags.try_into().ok()?, number, small(seconds)?.try_into().ok()?))
}

/// A list of generic resources as the library wants each of them: with its kind in front.
pub(super) fn resources(list: &str, prefix: &str) -> String {
    list.split(',').map(|resource| format!("{PREFIX}{prefix}{resource}")).collect::<Vec<_>>().join(",")
}

/// The kind: releases from 23.11 on write it with a slash.
const PREFIX: &str = if sys::SLURM_VERSION_NUMBER >= 0x17_0b_00 { "gres/" } else { "gres:" };

/// A whole number without a sign.
fn number(text: &str) -> Option<u64> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

/// The same, where 32 bits are enough.
pub(super) fn small(text: &str) -> Option<u32> {
    number(text).and_then(|number| u32::try_from(number).ok()).filter(|number| *number < sys::NO_VAL)
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
            ("UNLIMITED", Some(sys::INFINITE)),
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
    fn memory_nodes_signals_and_resources() {
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
        for (text, expected) in [
            ("B:USR1@300", Some((1, 10, 300))),
            ("TERM", Some((0, 15, 60))),
            ("10@5", Some((0, 10, 5))),
            ("R:USR1", None),
            ("WHAT@5", None),
        ] {
            assert_eq!(signal(text), expected, "{text}");
        }
        assert!(resources("4", "gpu:").ends_with("gpu:4"));
        assert_eq!(resources("gpu:4,shard:1", "").matches("gres").count(), 2);
    }

    proptest! {
        #[test]
        fn any_text_is_answered_without_panic(text in "([0-9]{1,20}|[:@BKMGT-]|.){0,8}") {
            let _ = (minutes(&text), mebibytes(&text), nodes(&text), signal(&text));
        }
    }
}
