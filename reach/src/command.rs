//! A command to run and what came of it.

use std::{path::PathBuf, time::Duration};

/// The most that a program may print on one stream unless the caller says otherwise: 16 MiB.
pub const DEFAULT_OUTPUT_LIMIT: usize = 16 * 1024 * 1024;

const DEFAULT_TIME_LIMIT: Duration = Duration::from_mins(1);

/// A program with its arguments, never a shell line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// The program: a path, or a name looked up in `PATH`.
    pub program: String,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// What it reads; nothing at all where absent.
    pub standard_input: Option<Vec<u8>>,
    /// Variables set on top of those at the place where it runs.
    pub environment: Vec<(String, String)>,
    /// Variables taken away first; a trailing `*` stands for any rest of a name.
    pub removed_environment: Vec<String>,
    /// Variables that stay although a pattern of `removed_environment` names them.
    pub kept_environment: Vec<String>,
    /// Where it runs; the caller's directory where absent.
    pub directory: Option<PathBuf>,
    /// How long to wait for it.
    pub time_limit: Duration,
    /// The most bytes on each of its two streams; more is an error.
    pub output_limit: usize,
    /// Whether a program that is out of time, or prints too much, is left alone: for writes that must not be cut in the
    /// middle. It outlives us, too.
    pub leaves_running_on_time_out: bool,
}

/// What a program said and how it ended. On a time-out, what it had said until then.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Output {
    /// The exit status; none when a signal ended it or it was out of time.
    pub status: Option<i32>,
    /// The signal that ended it.
    pub signal: Option<i32>,
    /// Its standard output.
    pub stdout: Vec<u8>,
    /// Its standard error.
    pub stderr: Vec<u8>,
    /// Whether it was out of time.
    pub timed_out: bool,
}

impl Command {
    /// The program without arguments: 60 s, 16 MiB a stream, the environment and directory of the place.
    pub fn new(program: impl Into<String>) -> Self {
        Self {
            program: program.into(),
            arguments: Vec::new(),
            standard_input: None,
            environment: Vec::new(),
            removed_environment: Vec::new(),
            kept_environment: Vec::new(),
            directory: None,
            time_limit: DEFAULT_TIME_LIMIT,
            output_limit: DEFAULT_OUTPUT_LIMIT,
            leaves_running_on_time_out: false,
        }
    }

    /// One more argument.
    #[must_use]
    pub fn argument(mut self, argument: impl Into<String>) -> Self {
        self.arguments.push(argument.into());
        self
    }

    /// More arguments.
    #[must_use]
    pub fn arguments<Text: Into<String>>(mut self, arguments: impl IntoIterator<Item = Text>) -> Self {
        self.arguments.extend(arguments.into_iter().map(Into::into));
        self
    }

    /// What it reads.
    #[must_use]
    pub fn standard_input(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.standard_input = Some(bytes.into());
        self
    }

    /// Sets a variable.
    #[must_use]
    pub fn variable(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.environment.push((name.into(), value.into()));
        self
    }

    /// Takes variables away; a trailing `*` stands for any rest of a name.
    #[must_use]
    pub fn without<Text: Into<String>>(mut self, names: impl IntoIterator<Item = Text>) -> Self {
        self.removed_environment.extend(names.into_iter().map(Into::into));
        self
    }

    /// Keeps variables that a pattern would take away.
    #[must_use]
    pub fn keeping<Text: Into<String>>(mut self, names: impl IntoIterator<Item = Text>) -> Self {
        self.kept_environment.extend(names.into_iter().map(Into::into));
        self
    }

    /// Runs it in a directory.
    #[must_use]
    pub fn directory(mut self, directory: impl Into<PathBuf>) -> Self {
        self.directory = Some(directory.into());
        self
    }

    /// Waits so long for it.
    #[must_use]
    pub const fn time_limit(mut self, limit: Duration) -> Self {
        self.time_limit = limit;
        self
    }

    /// Allows so many bytes on each stream.
    #[must_use]
    pub const fn output_limit(mut self, bytes: usize) -> Self {
        self.output_limit = bytes;
        self
    }

    /// Leaves it alone when it is out of time.
    #[must_use]
    pub const fn leave_running_on_time_out(mut self) -> Self {
        self.leaves_running_on_time_out = true;
        self
    }

    /// Whether a variable of the place is taken away.
    pub fn removes(&self, name: &str) -> bool {
        let is_named = |pattern: &String| match pattern.strip_suffix('*') {
            Some(start) => name.starts_with(start),
            None => name == pattern,
        };
        self.removed_environment.iter().any(is_named) && !self.kept_environment.iter().any(is_named)
    }
}

impl Output {
    /// Whether it ended by itself with status zero.
    pub const fn succeeded(&self) -> bool {
        matches!(self.status, Some(0)) && !self.timed_out
    }

    /// Its standard output as text; bytes that are no UTF-8 are replaced.
    pub fn stdout_text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    /// Its standard error as text; bytes that are no UTF-8 are replaced.
    pub fn stderr_text(&self) -> String {
        String::from_utf8_lossy(&self.stderr).into_owned()
    }

    /// How it ended, in words: `exit 1`, `signal 9`, `out of time`.
    pub fn ending(&self) -> String {
        match (self.timed_out, self.status, self.signal) {
            (true, ..) => "out of time".to_owned(),
            (_, Some(status), _) => format!("exit {status}"),
            (_, None, Some(signal)) => format!("signal {signal}"),
            (_, None, None) => "ended without a status".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_takes_a_family_away_and_spares_the_kept() {
        let command = Command::new("squeue").without(["SLURM_*", "SQUEUE_FORMAT"]).keeping(["SLURM_CONF"]);
        let removed = |name| command.removes(name);
        assert!(removed("SLURM_TIME_FORMAT") && removed("SLURM_") && removed("SQUEUE_FORMAT"));
        assert!(!removed("SLURM_CONF") && !removed("SQUEUE_FORMAT2") && !removed("PATH"));
    }
}
