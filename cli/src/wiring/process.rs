//! This process, the others of this host, and random bits.

use crate::failure::Failure;
use jobs::{ProcessMark, Processes};
use std::{fs, io::Read as _};

/// The processes of this host, by /proc.
pub(super) struct HostProcesses;

impl Processes for HostProcesses {
    fn is_alive(&self, number: u32, started: u64) -> bool {
        start_of(number) == Some(started)
    }

    fn is_submitting(&self, stamp: &str) -> bool {
        let Ok(processes) = fs::read_dir("/proc") else { return false };
        let numbers = processes.flatten().filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
        numbers.into_iter().any(|number| {
            let words = fs::read(format!("/proc/{number}/cmdline")).unwrap_or_default();
            is_submission(&words, stamp)
        })
    }
}

/// Whether a command line, its words ended by NUL, is an `sbatch` that carries the stamp as its comment. A site may wrap
/// `sbatch` in a script, whose interpreter is the first word then.
fn is_submission(words: &[u8], stamp: &str) -> bool {
    let comment = format!("--comment={stamp}");
    let mut words = words.split(|byte| *byte == 0);
    let is_sbatch = words.clone().take(2).any(|word| word.rsplit(|byte| *byte == b'/').next() == Some(b"sbatch"));
    is_sbatch && words.any(|word| word == comment.as_bytes())
}

/// The mark of this process.
pub(super) fn this_process() -> Result<ProcessMark, Failure> {
    let number = std::process::id();
    let started = start_of(number)
        .ok_or_else(|| Failure::bug("pakt does not run here", format!("/proc/{number}/stat was not understood")))?;
    Ok(ProcessMark { number, started })
}

/// When a process started, in clock ticks since boot: field 22 of `/proc/PID/stat` (proc(5)), counted behind the
/// command's name, which may hold blanks and brackets. A zombie is dead.
fn start_of(number: u32) -> Option<u64> {
    let text = fs::read_to_string(format!("/proc/{number}/stat")).ok()?;
    let (_, rest) = text.rsplit_once(')')?;
    let mut fields = rest.split_whitespace();
    (fields.next()? != "Z").then_some(())?;
    fields.nth(18)?.parse().ok()
}

/// Random bits from the kernel; where it has none, the clock and the process number keep two ids apart.
pub(crate) fn random_bits() -> u128 {
    let mut bytes = [0; 16];
    let read = fs::File::open("/dev/urandom").and_then(|mut file| file.read_exact(&mut bytes));
    if let Ok(()) = read {
        u128::from_le_bytes(bytes)
    } else {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        since.as_nanos() << 32 | u128::from(std::process::id())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_submission_is_known_by_its_command_and_its_stamp() {
        for (words, is_one) in [
            ("/usr/bin/sbatch\0--parsable\0--comment=pakt-01-1\0job.sh\0", true),
            ("/bin/sh\0/opt/site/bin/sbatch\0--comment=pakt-01-1\0job.sh\0", true),
            ("sbatch\0--comment=pakt-02-1\0job.sh\0", false),
            ("squeue\0--comment=pakt-01-1\0", false),
            ("vi\0notes\0sbatch\0--comment=pakt-01-1\0", false),
            ("", false),
        ] {
            assert_eq!(is_submission(words.as_bytes(), "pakt-01-1"), is_one, "{words:?}");
        }
    }

    #[test]
    fn a_process_is_known_by_number_and_start() {
        let me = this_process().expect("this process");
        assert!(HostProcesses.is_alive(me.number, me.started));
        assert!(!HostProcesses.is_alive(me.number, me.started + 1));
        assert!(!HostProcesses.is_alive(u32::MAX, me.started));
    }
}
