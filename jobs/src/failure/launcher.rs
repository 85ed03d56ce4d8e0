//! What torchrun reports: the process that ended first, and that it was told to end.

/// The process that a report calls the root cause.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FirstEnded {
    /// Its rank among all.
    pub(super) rank: u32,
    /// What it ended with; below zero the signal that ended it.
    pub(super) exit_code: i32,
    /// The line of the report that says so, by its place among the lines.
    pub(super) place: usize,
}

/// What stands in front of it (torch/distributed/elastic/multiprocessing/errors; seen with torch 2.11.0).
const BEGIN: &str = "Root Cause (first observed failure):";
/// So many lines after that at most, which other ranks' lines may stand between.
const MOST_LINES: usize = 20;

/// The processes that ended first, of each report (each node has its own) one.
pub(super) fn first_ended(lines: &[String]) -> impl Iterator<Item = FirstEnded> + '_ {
    let reports = lines.iter().enumerate().filter(|(_, line)| line.contains(BEGIN));
    reports.filter_map(|(begin, _)| {
        let behind = || lines.iter().enumerate().skip(begin + 1).take(MOST_LINES);
        let rank = behind().find_map(|(_, line)| number(line, "rank"))?;
        let (place, exit_code) = behind().find_map(|(place, line)| Some((place, number(line, "exitcode")?)))?;
        Some(FirstEnded { rank: u32::try_from(rank).ok()?, exit_code, place })
    })
}

/// The line that says that torchrun was told to end by a signal, by its place (torch/distributed/elastic/agent/server/api.py; seen with torch
/// 2.11.0).
pub(super) fn told_to_end(lines: &[String]) -> Option<usize> {
    lines.iter().position(|line| {
        let signal = line
            .split_once("Received ")
            .and_then(|(_, behind)| behind.split_once(" death signal, shutting down workers"));
        signal.is_some_and(|(signal, _)| matches!(signal, "15" | "2" | "Signals.SIGTERM" | "Signals.SIGINT"))
    })
}

/// The number of `  NAME   : NUMBER and more`.
fn number(line: &str, name: &str) -> Option<i32> {
    let (_, behind) = line.split_once(name)?;
    let value = behind.trim_start().strip_prefix(':')?.trim_start();
    let end = value.find(|letter: char| !letter.is_ascii_digit() && letter != '-').unwrap_or(value.len());
    value[..end].parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn each_report_names_one_process() {
        let text = "Failures:\n[1]:\n  rank      : 0 (local_rank: 0)\n  exitcode  : -15 (pid: 7)\nRoot Cause (first observed failure):\n[0]:\n  \
                    host      : n1\n  rank      : 3 (local_rank: 1)\n  exitcode  : -9 (pid: 9)\n4: Root Cause (first observed failure):\n4:   rank      : \
                    8 (local_rank: 0)\n4:   exitcode  : 75 (pid: 9)\nRoot Cause (first observed failure):\ncut off\n";
        let lines: Vec<String> = text.lines().map(str::to_owned).collect();
        let found: Vec<(u32, i32, usize)> =
            first_ended(&lines).map(|ended| (ended.rank, ended.exit_code, ended.place)).collect();
        assert_eq!(found, [(3, -9, 8), (8, 75, 11)]);
    }

    #[test]
    fn a_signal_that_told_it_to_end_is_found() {
        let at = |line: &str| told_to_end(&["step 1".to_owned(), line.to_owned()]);
        assert_eq!(
            at("W1127 16:30:33.7 784 torch/x/api.py:739] Received 15 death signal, shutting down workers"),
            Some(1)
        );
        assert_eq!(at("WARNING:x:Received Signals.SIGTERM death signal, shutting down workers"), Some(1));
        assert_eq!(at("W1127 Received 1 death signal, shutting down workers"), None, "of a terminal that was closed");
        assert_eq!(at("Sending process 915 closing signal SIGTERM"), None);
    }

    proptest! {
        #[test]
        fn any_text_is_answered_without_panic(text in "(Root Cause \\(first observed failure\\):|rank|exitcode| : -|[0-9]{1,12}|\\PC|\n){0,40}") {
            let lines: Vec<String> = text.lines().map(str::to_owned).collect();
            assert!(first_ended(&lines).count() <= lines.len());
        }
    }
}
