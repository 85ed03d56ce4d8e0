//! The order in which evidence is believed.
//!
//! Slurm knows why it ended a job. What it does not know stands in the log, where the cause comes with its consequences: when one process
//! runs out of memory, all others say for minutes that they lost it. So causes go before consequences, whatever stands first.

use super::{
    launcher::{FirstEnded, first_ended, told_to_end},
    lines::lines,
    patterns::{Pattern, patterns},
    traceback::{exceptions, without_overcome},
};
use model::{BaseState, FailureClass};
use serde::Serialize;

/// What is known of an attempt that is over.
#[derive(Clone, Copy, Debug)]
pub struct Evidence<'a> {
    /// The scheduler's state of that run; none where it is not known.
    pub state: Option<BaseState>,
    /// The exit code of its program; none where nobody saw it.
    pub exit_code: Option<u32>,
    /// The end of what it printed ([`TAIL`](super::TAIL) bytes are looked at).
    pub log: &'a [u8],
}

/// Why an attempt failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Failure {
    /// The kind.
    pub class: FailureClass,
    /// What a line of the log means; none where no pattern told it.
    pub says: Option<String>,
    /// What to do about it; none where no pattern told it.
    pub next: Option<String>,
    /// The line of the log that tells it.
    pub line: Option<String>,
    /// Which pattern told it.
    pub pattern: Option<String>,
    /// Whether the log says that the node's hardware is at fault.
    pub names_node: bool,
}

/// Causes before consequences: of several that the log tells of the first one here counts. What Slurm itself wrote into the log goes first.
const CAUSES: [FailureClass; 6] = [
    FailureClass::Preemption,
    FailureClass::Walltime,
    FailureClass::NodeFault,
    FailureClass::GpuOom,
    FailureClass::HostOom,
    FailureClass::Io,
];

/// Judges an attempt; none where it did not fail.
pub fn judge(evidence: &Evidence<'_>) -> Option<Failure> {
    let Evidence { state, exit_code, log } = *evidence;
    if matches!(state, None | Some(BaseState::Completed)) && matches!(exit_code, None | Some(0)) {
        return None;
    }
    let lines = without_overcome(lines(log), is_consequence);
    if let Some(class) = state.and_then(by_state) {
        return Some(with_line(class, &lines));
    }
    let told = CAUSES.into_iter().find_map(|class| by_pattern(class, &lines));
    let told = told.or_else(|| by_script(exit_code, &lines)).or_else(|| by_setup_or_exception(&lines));
    let told = told.or_else(|| first_ended(&lines).find_map(|ended| by_first_ended(ended, &lines)));
    let told = told.or_else(|| by_lost_peer_or_signal(&lines));
    told.or_else(|| Some(bare(by_code(exit_code))))
}

/// What the scheduler says for certain.
const fn by_state(state: BaseState) -> Option<FailureClass> {
    match state {
        BaseState::Timeout | BaseState::Deadline => Some(FailureClass::Walltime),
        BaseState::Preempted => Some(FailureClass::Preemption),
        BaseState::NodeFail | BaseState::BootFail => Some(FailureClass::NodeFault),
        BaseState::OutOfMemory => Some(FailureClass::HostOom),
        BaseState::Cancelled => Some(FailureClass::Cancelled),
        _ => None,
    }
}

/// A class that the scheduler told, with what the log says of the same.
fn with_line(class: FailureClass, lines: &[String]) -> Failure {
    by_pattern(class, lines).unwrap_or_else(|| bare(class))
}

const fn bare(class: FailureClass) -> Failure {
    Failure { class, says: None, next: None, line: None, pattern: None, names_node: false }
}

/// The first line that tells of this class. Whether a node is at fault any line may tell.
fn by_pattern(class: FailureClass, lines: &[String]) -> Option<Failure> {
    let of_class: Vec<&Pattern> = patterns().iter().filter(|pattern| pattern.class == class).collect();
    let mut matching =
        lines.iter().filter_map(|line| Some((line, *of_class.iter().find(|pattern| pattern.is_in(line))?)));
    let (line, pattern) = matching.next()?;
    let names_node = pattern.names_node || matching.any(|(_, pattern)| pattern.names_node);
    Some(Failure {
        class,
        says: Some(pattern.says.clone()),
        next: Some(pattern.next.clone()),
        line: Some(line.clone()),
        pattern: Some(pattern.id.clone()),
        names_node,
    })
}

/// What the batch script says by itself before a program begins (`templates::exit_code`).
fn by_script(exit_code: Option<u32>, lines: &[String]) -> Option<Failure> {
    use templates::exit_code::{NO_HOST, NO_INPUT, NO_JOB_DIRECTORY, NO_MODULE, NO_SERVER};
    let is_ours = [NO_INPUT, NO_HOST, NO_MODULE, NO_JOB_DIRECTORY, NO_SERVER]
        .into_iter()
        .any(|code| exit_code == Some(code.into()));
    let line = lines.iter().rev().find(|line| line.starts_with("pakt: ")).filter(|_| is_ours)?;
    Some(Failure { line: Some(line.clone()), ..bare(FailureClass::Setup) })
}

/// What was not there, or an exception of the program's own: the first one, because the processes that it left alone have others. A
/// module or a command that was missing before the program failed by itself did not keep it from beginning.
fn by_setup_or_exception(lines: &[String]) -> Option<Failure> {
    let exception = exceptions(lines).into_iter().find(|place| !is_consequence(&lines[*place]));
    let end = exception.map_or(lines.len(), |place| place + 1);
    let missing = |from: usize| by_pattern(FailureClass::Setup, &lines[from..]);
    match exception {
        None => missing(0),
        Some(place) => {
            missing(end).or_else(|| Some(Failure { line: Some(lines[place].clone()), ..bare(FailureClass::UserCode) }))
        }
    }
}

/// Whether a pattern tells what a line means: then its exception is not of the program's own.
fn is_consequence(line: &str) -> bool {
    patterns().iter().any(|pattern| pattern.is_in(line))
}

/// Processes that lost each other, and torchrun that was told to end: what comes after that is its consequence.
fn by_lost_peer_or_signal(lines: &[String]) -> Option<Failure> {
    let Some(place) = told_to_end(lines) else { return by_pattern(FailureClass::Communication, lines) };
    by_pattern(FailureClass::Communication, &lines[..place]).or_else(|| {
        Some(Failure {
            says: Some("a signal from outside told torchrun to end".to_owned()),
            next: Some("see who cancelled or preempted the job, or ended its step".to_owned()),
            line: Some(lines[place].clone()),
            ..bare(FailureClass::Cancelled)
        })
    })
}

/// The process that ended first, where it did so without a word and the others only say that they lost it. Signal 6 and 15 are not
/// believed: NCCL ends a process by the one when a peer is gone, launchers and schedulers by the other.
fn by_first_ended(ended: FirstEnded, lines: &[String]) -> Option<Failure> {
    const KILL: i32 = -9;
    const FAULTS: [i32; 3] = [-4, -8, -11];
    let line = Some(lines.get(ended.place)?.clone());
    match ended.exit_code {
        KILL => Some(Failure {
            says: Some("a rank was killed by signal 9, as a rule because the node ran out of memory".to_owned()),
            next: Some("see what memory the job used; ask for more, or run fewer data loader workers".to_owned()),
            line,
            ..bare(FailureClass::HostOom)
        }),
        code if FAULTS.contains(&code) => Some(Failure { line, ..bare(FailureClass::UserCode) }),
        1.. if is_silent(ended.rank, lines) => Some(Failure { line, ..bare(FailureClass::UserCode) }),
        _ => None,
    }
}

/// Whether a rank wrote nothing where others wrote what went wrong, each with its rank in front.
fn is_silent(rank: u32, lines: &[String]) -> bool {
    let own = format!("[rank{rank}]:");
    lines.iter().any(|line| line.contains("[rank")) && !lines.iter().any(|line| line.contains(&own))
}

/// A program that somebody killed did not end by itself.
const fn by_code(exit_code: Option<u32>) -> FailureClass {
    const KILLED: u32 = 128 + 9;
    const ENDED: u32 = 128 + 15;
    match exit_code {
        None | Some(0 | KILLED | ENDED) => FailureClass::Unknown,
        Some(_) => FailureClass::UserCode,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn class(state: BaseState, exit_code: Option<u32>, log: &str) -> Option<FailureClass> {
        judge(&Evidence { state: Some(state), exit_code, log: log.as_bytes() }).map(|failure| failure.class)
    }

    #[test]
    fn what_did_not_fail_is_not_judged_and_what_slurm_knows_goes_before_the_log() {
        let log = "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB\n";
        assert_eq!(class(BaseState::Completed, Some(0), log), None);
        assert_eq!(judge(&Evidence { state: None, exit_code: None, log: log.as_bytes() }), None);
        assert_eq!(class(BaseState::Timeout, Some(0), log), Some(FailureClass::Walltime));
        assert_eq!(class(BaseState::NodeFail, None, log), Some(FailureClass::NodeFault));
        assert_eq!(class(BaseState::Cancelled, None, log), Some(FailureClass::Cancelled));
        assert_eq!(class(BaseState::Failed, Some(1), log), Some(FailureClass::GpuOom));
        assert_eq!(
            class(BaseState::Completed, Some(1), log),
            Some(FailureClass::GpuOom),
            "a script that hides its code"
        );
    }

    #[test]
    fn without_a_word_the_code_tells_and_a_kill_tells_nothing() {
        for (code, expected) in [
            (1, FailureClass::UserCode),
            (139, FailureClass::UserCode),
            (137, FailureClass::Unknown),
            (143, FailureClass::Unknown),
        ] {
            assert_eq!(class(BaseState::Failed, Some(code), "step 1\n"), Some(expected), "{code}");
        }
        assert_eq!(class(BaseState::Failed, None, ""), Some(FailureClass::Unknown));
        let told = judge(&Evidence {
            state: Some(BaseState::Failed),
            exit_code: Some(66),
            log: b"pakt: the venv /x is not there on n1: no bin/activate in it\n",
        });
        assert_eq!(told.map(|told| (told.class, told.line.is_some())), Some((FailureClass::Setup, true)));
    }

    proptest! {
        #[test]
        fn any_bytes_are_answered_without_panic(log in proptest::collection::vec(any::<u8>(), 0..500), code in proptest::option::of(any::<u32>())) {
            let _told = judge(&Evidence { state: None, exit_code: code, log: &log });
        }
    }
}
