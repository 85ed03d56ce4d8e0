//! Amounts as options write them: signals and resources, and those that need no headers of Slurm's.

use crate::calls::sys;
use slurm_messages::amounts::small;
pub(super) use slurm_messages::amounts::{mebibytes, minutes, nodes};

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

/// The kind, as the release of the headers writes it.
const PREFIX: &str = if cfg!(slash_behind_kind) { "gres/" } else { "gres:" };

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn signals_and_resources() {
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
            let _ = signal(&text);
        }
    }
}
