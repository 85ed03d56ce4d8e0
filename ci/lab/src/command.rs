//! Running a program to its end and keeping what it said.

use std::process::{Command, Stdio};

use crate::error::LabError;

/// Runs the command without input. Standard output, if it ended with 0.
pub(crate) fn run(command: &mut Command) -> Result<String, LabError> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .map_err(|error| LabError::Command { command: shown(command), output: format!("it did not start: {error}") })?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let said = [&output.stdout[..], &output.stderr[..]].concat();
    let said = String::from_utf8_lossy(&said);
    Err(LabError::Command { command: shown(command), output: format!("{}; it said: {}", output.status, said.trim()) })
}

/// The command line, for a message.
fn shown(command: &Command) -> String {
    let mut words = vec![command.get_program().to_string_lossy().into_owned()];
    words.extend(command.get_args().map(|argument| argument.to_string_lossy().into_owned()));
    words.join(" ")
}

/// The last lines of a log, for a message; empty where there is none.
pub(crate) fn log_tail(path: &std::path::Path) -> String {
    const LINES: usize = 15;
    let Ok(bytes) = std::fs::read(path) else { return String::new() };
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<&str> = text.lines().collect();
    let tail = &lines[lines.len().saturating_sub(LINES)..];
    format!("; the end of {}:\n{}", path.display(), tail.join("\n"))
}
