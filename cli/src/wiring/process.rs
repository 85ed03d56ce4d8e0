//! This process, the others of this host, and random bits.

use crate::failure::Failure;
use async_trait::async_trait;
use jobs::{ProcessMark, Processes};
use reach::{Command, Local, OpenSsh, Output, Reach, ReachError, ReachErrorKind, Retry};
use std::{
    fs,
    io::{self, Read as _},
    path::Path,
    sync::Arc,
};

/// The processes of this host, by /proc.
pub(super) struct HostProcesses;

#[async_trait]
impl Processes for HostProcesses {
    async fn host(&self) -> Result<String, ReachError> {
        Local.host_name().await
    }

    fn is_alive(&self, number: u32, started: u64) -> bool {
        start_of(number) == Some(started)
    }

    async fn is_submitting(&self, stamp: &str) -> Result<bool, ReachError> {
        has_submission("/proc".as_ref(), stamp)
    }
}

/// Whether a process below `/proc` submits. After `Err` it is not known: a list that cannot be read is no empty one.
fn has_submission(processes: &Path, stamp: &str) -> Result<bool, ReachError> {
    let failed = |error: io::Error| ReachError::from_io(&error, "listing the processes in", processes);
    for entry in fs::read_dir(processes).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        if entry.file_name().to_str().is_none_or(|name| name.parse::<u32>().is_err()) {
            continue;
        }
        // One that has just ended has none, and those of others may be hidden (proc(5), `hidepid`): ours are not.
        let words = fs::read(entry.path().join("cmdline")).unwrap_or_default();
        if is_submission(words.split(|byte| *byte == 0), stamp) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The processes of this host, and those of the person at a site behind ssh.
pub(super) struct FarProcesses(pub(super) Arc<OpenSsh>);

#[async_trait]
impl Processes for FarProcesses {
    /// Laptops are called alike: what tells this one from others, and this start of it from earlier ones, is beside its name.
    async fn host(&self) -> Result<String, ReachError> {
        let boot = reach::files::read("/proc/sys/kernel/random/boot_id".as_ref(), 1024)?.unwrap_or_default();
        Ok(format!("{} ({})", Local.host_name().await?, String::from_utf8_lossy(&boot).trim()))
    }

    fn is_alive(&self, number: u32, started: u64) -> bool {
        HostProcesses.is_alive(number, started)
    }

    async fn is_submitting(&self, stamp: &str) -> Result<bool, ReachError> {
        let user = &self.0.login().await?.user;
        let asked = Command::new("ps").arguments(["-ww", "-o", "args=", "-U"]).argument(user);
        lists_submission(&self.0.run(&asked).await?, stamp)
    }
}

/// Whether a list by ps(1) has a process that submits. A list that may be a part, or has not even that very `ps`, says nothing of
/// who is not on it.
fn lists_submission(output: &Output, stamp: &str) -> Result<bool, ReachError> {
    let mut lines = output.stdout.split(|byte| *byte == b'\n');
    let is_one = lines.any(|line| is_submission(line.split(|byte| *byte == b' '), stamp));
    if !is_one && (!output.succeeded() || output.stdout.is_empty()) {
        let error = ReachError::new(ReachErrorKind::Other, Retry::Later, "listing your processes at the site (ps)");
        return Err(error.with("ended", output.ending()).with("said", output.stderr_text().trim()));
    }
    Ok(is_one)
}

/// Whether a command line is an `sbatch` that carries the stamp as its comment. A site may wrap
/// `sbatch` in a script, whose interpreter is the first word then.
fn is_submission<'a>(words: impl Iterator<Item = &'a [u8]> + Clone, stamp: &str) -> bool {
    let comment = format!("--comment={stamp}");
    let mut words = words;
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
            assert_eq!(is_submission(words.as_bytes().split(|byte| *byte == 0), "pakt-01-1"), is_one, "{words:?}");
        }
    }

    #[test]
    fn processes_that_cannot_be_listed_are_not_known_and_never_none() {
        let folder = tempfile::tempdir().expect("a folder");
        let error = has_submission(&folder.path().join("no-proc"), "pakt-01-1").expect_err("it is not there");
        assert_eq!(error.kind, ReachErrorKind::NotFound);
        for (number, line) in [("7", "vi\0notes\0"), ("x", "sbatch\0--comment=pakt-02-1\0")] {
            fs::create_dir(folder.path().join(number)).expect("ours");
            fs::write(folder.path().join(number).join("cmdline"), line).expect("ours");
        }
        fs::create_dir(folder.path().join("9")).expect("one that has just ended");
        assert_eq!(has_submission(folder.path(), "pakt-02-1"), Ok(false), "x is no process");
        fs::write(folder.path().join("9/cmdline"), "sbatch\0--comment=pakt-02-1\0").expect("ours");
        assert_eq!(has_submission(folder.path(), "pakt-02-1"), Ok(true));
    }

    #[test]
    fn a_list_of_processes_that_may_be_a_part_says_nothing_of_who_is_not_on_it() {
        let (sbatch, ps) = ("sbatch --comment=pakt-01-1 job.sh\n", "ps -ww -o args= -U ada\n");
        let listed = |status: Option<i32>, timed_out: bool, lines: &str| Output {
            status,
            timed_out,
            stdout: lines.as_bytes().to_vec(),
            ..Output::default()
        };
        for (output, known) in [
            (listed(Some(0), false, ps), Some(false)),
            (listed(Some(0), false, &format!("{sbatch}{ps}")), Some(true)),
            (listed(None, true, ps), None),
            (listed(None, true, sbatch), Some(true)),
            (listed(Some(1), false, ps), None),
            (listed(Some(137), false, "vi notes\n"), None),
            (listed(Some(0), false, ""), None),
        ] {
            assert_eq!(lists_submission(&output, "pakt-01-1").ok(), known, "{output:?}");
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
