//! Numbers in the words that Slurm's commands print.

use crate::{calls, calls::sys, records::set};
pub(crate) use slurm_messages::lengths::{clock, length};
use std::{borrow::Cow, collections::HashMap};

/// A limit of time in minutes, as a length.
pub(crate) fn limit(minutes: u32) -> Cow<'static, str> {
    match minutes {
        sys::INFINITE => Cow::Borrowed("UNLIMITED"),
        sys::NO_VAL => Cow::Borrowed("Partition_Limit"),
        minutes => Cow::Owned(length(u64::from(minutes) * 60)),
    }
}

/// A limit of time in minutes, as `sacct` prints `TimelimitRaw`.
pub(crate) fn raw_limit(minutes: u32) -> Cow<'static, str> {
    match minutes {
        sys::INFINITE => Cow::Borrowed("UNLIMITED"),
        sys::NO_VAL => Cow::Borrowed("Partition_Limit"),
        minutes => Cow::Owned(minutes.to_string()),
    }
}

/// An instant in epoch seconds, or the word for none.
pub(crate) fn instant(seconds: i64, none: &'static str) -> Cow<'static, str> {
    if seconds == 0 { Cow::Borrowed(none) } else { Cow::Owned(seconds.to_string()) }
}

/// How a job ended: `exit:signal`, as `sacct` prints `ExitCode` of the status that wait(2) gave.
pub(crate) fn exit(status: u32) -> String {
    let Some(status) = set(status) else { return String::new() };
    let signal = match status & 0x7f {
        0x7f => 0,
        signal => signal,
    };
    let exit = if signal == 0 { status >> 8 & 0xff } else { 0 };
    format!("{}:{signal}", if exit >= 128 { exit - 128 } else { exit })
}

/// How a job is shown: `4711`, `4711_3`, `4711_[5-9%4]`, `4711+0`.
pub(crate) fn shown_id(job: u32, array: (u32, u32, &str), component: (u32, u32)) -> String {
    let (array_job, task, waiting) = array;
    let (leader, offset) = component;
    if !waiting.is_empty() {
        format!("{array_job}_[{waiting}]")
    } else if array_job != 0 && task != sys::NO_VAL {
        format!("{array_job}_{task}")
    } else if leader != 0 && offset != sys::NO_VAL {
        format!("{leader}+{offset}")
    } else {
        job.to_string()
    }
}

/// The id that is one job's for all time, as `sacct` prints `SLUID`: `s` and 13 digits of five bits each. None before Slurm gave any.
#[cfg(any(run_sluid, test))]
pub(crate) fn sluid(number: u64) -> String {
    const DIGITS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    if number == 0 {
        return String::new();
    }
    let digit = |place: u32| char::from(DIGITS[(number >> (5 * place) & 0x1f) as usize]);
    std::iter::once('s').chain((0..13).rev().map(digit)).collect()
}

/// Words and names that are asked for once each: of states, reasons and users there are few, and of jobs many.
#[derive(Default)]
pub(crate) struct Words {
    states: HashMap<u32, String>,
    reasons: HashMap<u32, String>,
    users: HashMap<u32, String>,
}

impl Words {
    /// A state, by the library where it can tell and by its number where not.
    pub(crate) fn state(&mut self, state: u32) -> &str {
        self.states.entry(state).or_insert_with(|| calls::state_word(state).unwrap_or_else(|| base_state(state)))
    }

    /// A reason; a number that the library has no word for stays a number.
    pub(crate) fn reason(&mut self, reason: u32) -> &str {
        self.reasons.entry(reason).or_insert_with(|| calls::reason_word(reason).unwrap_or_else(|| reason.to_string()))
    }

    /// A user's name; one that this host does not know stays a number, and is looked for again the next time: who knows them may have been
    /// away.
    pub(crate) fn user(&mut self, number: u32) -> &str {
        if self.users.get(&number).is_some_and(|name| *name == number.to_string()) {
            self.users.remove(&number);
        }
        let name = || uzers::get_user_by_uid(number).map(|user| user.name().to_string_lossy().into_owned());
        self.users.entry(number).or_insert_with(|| name().unwrap_or_else(|| number.to_string()))
    }
}

/// The words of `enum job_states`; their numbers are a part of what daemons of several releases say to each other.
fn base_state(state: u32) -> String {
    let word = match state & sys::JOB_STATE_BASE {
        sys::JOB_PENDING => "PENDING",
        sys::JOB_RUNNING => "RUNNING",
        sys::JOB_SUSPENDED => "SUSPENDED",
        sys::JOB_COMPLETE => "COMPLETED",
        sys::JOB_CANCELLED => "CANCELLED",
        sys::JOB_FAILED => "FAILED",
        sys::JOB_TIMEOUT => "TIMEOUT",
        sys::JOB_NODE_FAIL => "NODE_FAIL",
        sys::JOB_PREEMPTED => "PREEMPTED",
        sys::JOB_BOOT_FAIL => "BOOT_FAIL",
        sys::JOB_DEADLINE => "DEADLINE",
        sys::JOB_OOM => "OUT_OF_MEMORY",
        _ => "UNKNOWN",
    };
    word.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_and_limits() {
        assert_eq!(
            (limit(60), limit(sys::INFINITE), limit(sys::NO_VAL)),
            ("1:00:00".into(), "UNLIMITED".into(), "Partition_Limit".into())
        );
        assert_eq!(raw_limit(1440), "1440");
    }

    #[test]
    fn endings() {
        for (status, shown) in
            [(0, "0:0"), (1 << 8, "1:0"), (9, "0:9"), (15, "0:15"), ((128 + 3) << 8, "3:0"), (sys::NO_VAL, "")]
        {
            assert_eq!(exit(status), shown, "{status}");
        }
    }

    #[test]
    fn ids_as_people_see_them() {
        let none = (0, sys::NO_VAL, "");
        let alone = (0, sys::NO_VAL);
        assert_eq!(shown_id(7, none, alone), "7");
        assert_eq!(shown_id(8, (7, 3, ""), alone), "7_3");
        assert_eq!(shown_id(7, (7, sys::NO_VAL, "5-9%4"), alone), "7_[5-9%4]");
        assert_eq!(shown_id(8, none, (7, 1)), "7+1");
        assert_eq!(shown_id(7, none, (7, 0)), "7+0");
    }

    #[test]
    fn an_id_for_all_time_is_written_as_sacct_writes_it() {
        // `DBIndex` and `SLUID` of one row that sacct 25.11 printed.
        assert_eq!(sluid(4_536_963_245_231_271_936), "s3XXM812FG6W00");
        assert_eq!(sluid(0), "");
    }

    #[test]
    fn states_without_the_librarys_help() {
        assert_eq!(base_state(sys::JOB_OOM), "OUT_OF_MEMORY");
        assert_eq!(base_state(sys::JOB_RUNNING | sys::JOB_CONFIGURING), "RUNNING");
        assert_eq!(base_state(200), "UNKNOWN");
    }
}
