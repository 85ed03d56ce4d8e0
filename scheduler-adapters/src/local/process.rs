//! Which process is which: ids come round again, so the start time and the boot belong to them.

use crate::local::facts::ProcessIdentity;
use std::fs;

/// What `/proc/PID/stat` says of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stat {
    state: char,
    session: i32,
    start_ticks: u64,
}

/// Reads the fields behind the name, which may hold blanks and parentheses (proc(5): state 3, session 6, starttime 22).
fn parse(text: &str) -> Option<Stat> {
    let (_, rest) = text.rsplit_once(") ")?;
    let fields: Vec<&str> = rest.split_whitespace().collect();
    Some(Stat {
        state: fields.first()?.chars().next()?,
        session: fields.get(3)?.parse().ok()?,
        start_ticks: fields.get(19)?.parse().ok()?,
    })
}

fn stat(id: i32) -> Option<Stat> {
    parse(&fs::read_to_string(format!("/proc/{id}/stat")).ok()?)
}

fn boot() -> String {
    fs::read_to_string("/proc/sys/kernel/random/boot_id").map(|text| text.trim().to_owned()).unwrap_or_default()
}

/// The identity of a living process.
pub(crate) fn identity(id: i32) -> Option<ProcessIdentity> {
    Some(ProcessIdentity { id, start_ticks: stat(id)?.start_ticks, boot: boot() })
}

/// Whether that very process lives; one that has ended and is not yet waited for does not.
pub(super) fn is_alive(process: &ProcessIdentity) -> bool {
    let found = stat(process.id).filter(|found| found.start_ticks == process.start_ticks);
    process.boot == boot() && found.is_some_and(|found| !matches!(found.state, 'Z' | 'X'))
}

/// Whether that process is known to be gone: of another host, or of an earlier boot, nobody can tell here.
pub(crate) fn is_gone(process: &ProcessIdentity) -> bool {
    process.boot == boot() && !is_alive(process)
}

/// The living processes of the session that a dead process led. None when its id has come round again: a session's id
/// is not given to a new process while the session has members, so that it then had none.
pub(super) fn left_behind(leader: &ProcessIdentity) -> Vec<i32> {
    let is_other = stat(leader.id).is_some_and(|found| found.start_ticks != leader.start_ticks);
    if is_other || leader.boot != boot() {
        return Vec::new();
    }
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let ids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    let is_member =
        |id: &i32| stat(*id).is_some_and(|found| found.session == leader.id && !matches!(found.state, 'Z' | 'X'));
    ids.filter(|id| *id != leader.id).filter(is_member).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn this_process_lives_and_a_later_one_with_its_id_would_not_be_it() {
        let own = i32::try_from(std::process::id()).expect("a process id");
        let identity = identity(own).expect("it lives");
        assert!(is_alive(&identity));
        let other = ProcessIdentity { start_ticks: identity.start_ticks + 1, ..identity.clone() };
        assert!(!is_alive(&other));
        assert!(left_behind(&other).is_empty(), "the id has come round again");
        assert!(!is_alive(&ProcessIdentity { boot: "another".to_owned(), ..identity }));
    }

    #[test]
    fn names_with_parentheses_do_not_shift_the_fields() {
        let text = format!("42 (a) b (c) S 1 42 7 {}99 0", "0 ".repeat(15));
        assert_eq!(parse(&text), Some(Stat { state: 'S', session: 7, start_ticks: 99 }));
    }

    proptest! {
        #[test]
        fn any_text_is_answered_without_panic(text in ".{0,60}") {
            let _ = parse(&text);
        }
    }
}
