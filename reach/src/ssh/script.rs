//! What is sent to the far side: a POSIX shell script, wrapped so that any login shell hands it on unharmed.

use super::login::Settings;
use crate::{Command, ReachError, ReachErrorKind, Retry};
use base64ct::{Base64, Encoding};
use std::{
    ffi::OsStr,
    os::unix::ffi::OsStrExt,
    sync::atomic::{AtomicU64, Ordering},
    time::{SystemTime, UNIX_EPOCH},
};

/// Linux takes 128 KiB as one argument (`MAX_ARG_STRLEN`); the script is three quarters of its wrapped form.
const LONGEST_SCRIPT: usize = 90 * 1024;

static MARKS: AtomicU64 = AtomicU64::new(0);

/// Words that no greeting contains: what follows them is the answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mark(String);

impl Mark {
    /// A mark of its own for each call.
    pub(super) fn new() -> Self {
        let number = MARKS.fetch_add(1, Ordering::Relaxed);
        // A clock before 1970 still gives a mark; the process id and the number tell ours apart.
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos());
        Self(format!("pakt-{:x}-{now:x}-{number:x}", std::process::id()))
    }

    pub(super) fn text(&self) -> &str {
        &self.0
    }
}

/// A script for the far side.
#[derive(Clone, Debug)]
pub(super) struct Script {
    mark: Mark,
    bytes: Vec<u8>,
}

impl Script {
    /// A script with its arguments as `$1`, `$2`, …. What it prints follows the mark, and how it ended follows the mark on
    /// standard error.
    pub(super) fn of_files(mark: Mark, arguments: &[&OsStr], body: &str) -> Self {
        let mut bytes = begun(&mark);
        bytes.extend_from_slice(b"LC_ALL=C; export LC_ALL; set --");
        for argument in arguments {
            bytes.push(b' ');
            quote(&mut bytes, argument.as_bytes());
        }
        bytes.extend_from_slice(b"\n");
        bytes.extend_from_slice(answers(&mark).as_bytes());
        bytes.extend_from_slice(b"(\n");
        bytes.extend_from_slice(body.as_bytes());
        bytes.extend_from_slice(b"\n)\n");
        bytes.extend_from_slice(ended(&mark).as_bytes());
        Self { mark, bytes }
    }

    /// A script that runs a command with the variables of a login shell.
    pub(super) fn of_command(mark: Mark, login: &Settings, command: &Command) -> Result<Self, ReachError> {
        let mut bytes = begun(&mark);
        surroundings(&mut bytes, &mark, login, command)?;
        bytes.extend_from_slice(answers(&mark).as_bytes());
        call(&mut bytes, login, command);
        bytes.push(b'\n');
        bytes.extend_from_slice(ended(&mark).as_bytes());
        Ok(Self { mark, bytes })
    }

    /// A script that kills a process group.
    pub(super) fn that_kills(group: u32) -> Self {
        // A group that has ended by itself is as good as one that was killed.
        Self::of_files(Mark::new(), &[], &format!("kill -s KILL -- -{group} 2>/dev/null || true"))
    }

    /// A script that gives a command the terminal, without marks.
    pub(super) fn on_terminal(login: &Settings, command: &Command) -> Result<Self, ReachError> {
        let mark = Mark::new();
        let mut bytes = Vec::new();
        surroundings(&mut bytes, &mark, login, command)?;
        bytes.extend_from_slice(b"exec ");
        call(&mut bytes, login, command);
        Ok(Self { mark, bytes })
    }

    pub(super) const fn mark(&self) -> &Mark {
        &self.mark
    }

    /// The one word that ssh sends. The user's login shell at the far side reads it, sh or not: nothing in it means
    /// something else to csh or fish.
    pub(super) fn wrapped(&self) -> Result<String, ReachError> {
        if self.bytes.len() > LONGEST_SCRIPT {
            let error = ReachError::new(ReachErrorKind::TooLong, Retry::Never, "sending a command to another host");
            return Err(error.with("limit", format!("{LONGEST_SCRIPT} bytes")));
        }
        let text = Base64::encode_string(&self.bytes);
        Ok(format!("exec /bin/sh -c 'eval \"$(printf %s {text} | base64 -d)\"'"))
    }
}

/// What is said on standard error from here on is the far side's, and no greeting.
fn begun(mark: &Mark) -> Vec<u8> {
    format!("printf '\\n%s begins\\n' {} >&2\n", mark.text()).into_bytes()
}

/// What is printed from here on is the answer. The process that sshd starts for a session leads a group of its own
/// (session.c of OpenSSH, `setsid`), and tells its number.
fn answers(mark: &Mark) -> String {
    format!("printf '\\n%s %s\\n' {} $$\n", mark.text())
}

fn ended(mark: &Mark) -> String {
    format!("status=$?; printf '\\n%s %s\\n' {} $status >&2; exit $status", mark.text())
}

/// Variables and the directory of a command; what fails is told behind the mark.
fn surroundings(bytes: &mut Vec<u8>, mark: &Mark, login: &Settings, command: &Command) -> Result<(), ReachError> {
    bytes.extend_from_slice(&login.lines);
    if !command.removed_environment.is_empty() {
        let removed = patterns(&command.removed_environment)?;
        let kept = patterns(&command.kept_environment)?;
        let kept = if kept.is_empty() { String::new() } else { format!("{kept}) ;; ") };
        let names = "$(env | sed -n 's/^\\([A-Za-z_][A-Za-z0-9_]*\\)=.*/\\1/p')";
        let line = format!("for name in {names}; do case $name in {kept}{removed}) unset \"$name\";; esac; done\n");
        bytes.extend_from_slice(line.as_bytes());
    }
    for (name, value) in &command.environment {
        bytes.extend_from_slice(b"export ");
        bytes.extend_from_slice(patterns(std::slice::from_ref(name))?.as_bytes());
        bytes.push(b'=');
        quote(bytes, value.as_bytes());
        bytes.push(b'\n');
    }
    let failed = |what: &str| format!(" || {{ printf '\\n%s {what}\\n' {} >&2; exit 127; }}\n", mark.text());
    if let Some(directory) = &command.directory {
        bytes.extend_from_slice(b"cd -- ");
        quote(bytes, directory.as_os_str().as_bytes());
        bytes.extend_from_slice(failed("directory").as_bytes());
    }
    bytes.extend_from_slice(b"command -v -- ");
    quote(bytes, command.program.as_bytes());
    bytes.extend_from_slice(b" >/dev/null 2>&1");
    bytes.extend_from_slice(failed("program").as_bytes());
    Ok(())
}

fn call(bytes: &mut Vec<u8>, login: &Settings, command: &Command) {
    if !login.words.is_empty() {
        bytes.extend_from_slice(b"env");
        bytes.extend_from_slice(&login.words);
        bytes.push(b' ');
    }
    quote(bytes, command.program.as_bytes());
    for argument in &command.arguments {
        bytes.push(b' ');
        quote(bytes, argument.as_bytes());
    }
}

/// Names of variables, and beginnings of them, as a pattern of `case`. They stand in the script as they are.
fn patterns(names: &[String]) -> Result<String, ReachError> {
    let is_plain = |name: &String| {
        let name = name.strip_suffix('*').unwrap_or(name);
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    };
    match names.iter().find(|name| !is_plain(name)) {
        Some(odd) => {
            Err(ReachError::new(ReachErrorKind::Unsupported, Retry::Never, format!("setting variable {odd:?}")))
        }
        None => Ok(names.join("|")),
    }
}

/// One word of the shell, whatever bytes it has.
pub(super) fn quote(bytes: &mut Vec<u8>, word: &[u8]) {
    bytes.push(b'\'');
    for &byte in word {
        if byte == b'\'' {
            bytes.extend_from_slice(b"'\\''");
        } else {
            bytes.push(byte);
        }
    }
    bytes.push(b'\'');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_shell_hands_a_script_on_unharmed() {
        let odd = "it's $HOME `id` \"q\" a\\b !x *\nsecond line";
        let command = Command::new("printf").argument("%s").argument(odd).variable("WORD", odd);
        let script = Script::of_command(Mark::new(), &Settings::default(), &command).expect("a script");
        for shell in ["sh", "bash"] {
            let output = std::process::Command::new(shell)
                .args(["-c", &script.wrapped().expect("short enough")])
                .output()
                .expect("it starts");
            let text = String::from_utf8(output.stdout).expect("text");
            assert!(text.ends_with(&format!("\n{odd}")), "{shell}: {text}");
            assert_eq!(output.status.code(), Some(0));
        }
    }

    #[test]
    fn a_variable_of_an_odd_name_is_refused() {
        for command in [Command::new("true").variable("A;id", ""), Command::new("true").without(["SLURM_$(id)*"])] {
            let error = Script::of_command(Mark::new(), &Settings::default(), &command).expect_err("refused");
            assert_eq!((error.kind, error.retry), (ReachErrorKind::Unsupported, Retry::Never));
        }
    }
}
