//! A person's own script behind the claim: what is in front of it claims the link as our own scripts do, and then starts
//! the kept script in its own place.

use crate::{TemplateError, context::job_directory, engine, exit_code, quote};
use model::Stamp;
use serde::Serialize;
use std::collections::BTreeMap;

/// The longest script that Slurm takes, in bytes (slurm.conf(5), `max_script_size`).
const LONGEST: usize = 4 * 1024 * 1024;
/// How much of its first line Linux reads (`BINPRM_BUF_SIZE`, `include/uapi/linux/binfmts.h`).
const LONGEST_FIRST_LINE: usize = 255;

/// A script that a person wrote for `sbatch`, and where it lies.
#[derive(Clone, Copy, Debug)]
pub struct GuardedScript<'a> {
    /// Our job and link.
    pub stamp: Stamp,
    /// The script as it was handed over.
    pub script: &'a [u8],
    /// The copy of it that is started, and its job directory: as [`BatchScript::job_directory`](crate::BatchScript).
    pub kept: &'a str,
    /// See there.
    pub job_directory: &'a str,
    /// What made it, for the comment on top: `pakt 0.1.0`.
    pub made_by: &'a str,
}

/// Why a script is better handed over without the claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unguarded {
    /// `sbatch` refuses it, and says so in its own words.
    Refused,
    /// With the claim in front it would be longer than Slurm takes.
    TooLong,
    /// It asks Slurm for its own path, and would be told that of what is in front of it.
    AsksForItsPath,
}

impl Unguarded {
    /// The reason, for people.
    pub const fn why(self) -> &'static str {
        match self {
            Self::Refused => "sbatch takes no such script",
            Self::TooLong => "it would be longer than Slurm takes",
            Self::AsksForItsPath => "it asks Slurm for its own path",
        }
    }
}

#[derive(Serialize)]
struct Context {
    stamp: String,
    job_stamp: String,
    link: String,
    is_array: bool,
    sweep: Option<()>,
    made_by: String,
    is_local: bool,
    id_variable: &'static str,
    job_directory: String,
    kept: String,
    interpreter: String,
    exit_code: BTreeMap<&'static str, u8>,
}

/// Puts the claim behind the comments on top of a script, where `sbatch` looks for `#SBATCH` lines. The same input gives the
/// same bytes; every byte of the script is in them, in order.
pub fn guard(guarded: &GuardedScript<'_>) -> Result<Result<Vec<u8>, Unguarded>, TemplateError> {
    let Some(interpreter) = interpreter(guarded.script) else { return Ok(Err(Unguarded::Refused)) };
    if asks_for_its_path(guarded.script) {
        return Ok(Err(Unguarded::AsksForItsPath));
    }
    let claim = engine::fill(
        "scripts/guard.sh.j2",
        &Context {
            stamp: guarded.stamp.to_string(),
            job_stamp: format!("{}{}", Stamp::PREFIX, guarded.stamp.job),
            link: guarded.stamp.link.to_string(),
            is_array: false,
            sweep: None,
            made_by: guarded.made_by.to_owned(),
            is_local: false,
            id_variable: "SLURM_JOB_ID",
            job_directory: job_directory(guarded.job_directory),
            kept: job_directory(guarded.kept),
            interpreter,
            exit_code: BTreeMap::from([("no_job_directory", exit_code::NO_JOB_DIRECTORY)]),
        },
    )?;
    let (comments, rest) = guarded.script.split_at(end_of_comments(guarded.script));
    // Privileged: neither BASH_ENV nor functions of the environment come between, and both go on to the script.
    let mut text = b"#!/bin/bash -p\n".to_vec();
    text.extend_from_slice(comments);
    if !comments.ends_with(b"\n") {
        text.push(b'\n');
    }
    text.extend_from_slice(claim.as_bytes());
    text.extend_from_slice(rest);
    Ok(if text.len() > LONGEST { Err(Unguarded::TooLong) } else { Ok(text) })
}

/// The interpreter of the first line and its one argument, as Linux starts it (execve(2)), quoted. None where `sbatch`
/// refuses the script: no `#!` with a path, a NUL byte, or line ends of DOS (`src/sbatch/sbatch.c`).
fn interpreter(script: &[u8]) -> Option<String> {
    if script.contains(&0) || script.windows(2).any(|pair| pair == b"\r\n") {
        return None;
    }
    let first = script.split(|byte| *byte == b'\n').next()?.strip_prefix(b"#!")?;
    let first = std::str::from_utf8(first).ok().filter(|line| line.len() + 2 <= LONGEST_FIRST_LINE)?;
    let blank = [' ', '\t'];
    let first = first.trim_matches(blank);
    let (program, argument) = first.split_once(blank).unwrap_or((first, ""));
    let words = [program, argument.trim_start_matches(blank)];
    let words = words.into_iter().filter(|word| !word.is_empty()).map(quote::word).collect::<Vec<_>>();
    program.starts_with('/').then(|| words.join(" "))
}

/// Where the lines end that `sbatch` looks through: those that are empty or comments.
fn end_of_comments(script: &[u8]) -> usize {
    let is_comment = |line: &&[u8]| line.trim_ascii_start().first().is_none_or(|byte| *byte == b'#');
    script.split_inclusive(|byte| *byte == b'\n').take_while(is_comment).map(<[u8]>::len).sum()
}

/// Whether the script looks for its own path as people are told to, in `Command=` of `scontrol show job` or `%o` of
/// `squeue`: `$0` is Slurm's copy.
fn asks_for_its_path(script: &[u8]) -> bool {
    let text = String::from_utf8_lossy(script);
    let says = |words: &str| text.contains(words);
    (says("scontrol") && says("Command")) || (says("squeue") && (says("%o") || says("Command")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_is_read_as_linux_reads_it() {
        for (script, expected) in [
            ("#!/bin/bash\ntrue\n", Some("/bin/bash")),
            ("#! /bin/bash -l \ntrue\n", Some("/bin/bash -l")),
            ("#!/usr/bin/env -S python3 -u\n", Some("/usr/bin/env '-S python3 -u'")),
            ("#!/bin/sh", Some("/bin/sh")),
            ("#!bash\ntrue\n", None),
            ("true\n", None),
            ("", None),
            ("#!\n", None),
            ("#!/bin/bash\r\ntrue\r\n", None),
            ("#!/bin/bash\n\0\n", None),
        ] {
            assert_eq!(interpreter(script.as_bytes()).as_deref(), expected, "{script:?}");
        }
        assert_eq!(interpreter(format!("#!/{}\n", "a".repeat(300)).as_bytes()), None, "Linux would cut it off");
    }

    #[test]
    fn only_comments_and_empty_lines_are_in_front() {
        for (script, comments) in [
            ("#!/bin/bash\n#SBATCH -N1\n\n  # note\ntrue\n#SBATCH -N2\n", "#!/bin/bash\n#SBATCH -N1\n\n  # note\n"),
            ("#!/bin/bash", "#!/bin/bash"),
            ("#!/bin/bash\n", "#!/bin/bash\n"),
        ] {
            assert_eq!(end_of_comments(script.as_bytes()), comments.len(), "{script:?}");
        }
    }

    #[test]
    fn whoever_asks_slurm_for_its_path_is_told_apart() {
        for (script, asks) in [
            ("scontrol show job $SLURM_JOB_ID | awk -F= '/Command=/{print $2}'", true),
            ("squeue -h -j $SLURM_JOB_ID -o %o", true),
            ("scontrol show hostnames $SLURM_JOB_NODELIST", false),
            ("squeue --me", false),
        ] {
            assert_eq!(asks_for_its_path(script.as_bytes()), asks, "{script}");
        }
    }
}
