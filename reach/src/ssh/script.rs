//! What is sent to the far side: a POSIX shell script. It goes over standard input, in front of what the command reads: what
//! stands on a command line, everybody on the host sees.

use super::login::Settings;
use crate::{Command, ReachError, ReachErrorKind, Retry};
use std::{
    ffi::OsStr,
    os::unix::ffi::OsStrExt,
    sync::atomic::{AtomicU64, Ordering},
    time::{SystemTime, UNIX_EPOCH},
};

/// Linux takes 128 KiB as one argument or one variable, with the zero byte at its end (execve(2), `MAX_ARG_STRLEN`).
pub(super) const LONGEST_WORD: usize = 128 * 1024 - 1;

/// Far more than Linux takes as all arguments and variables of a program, which is 2 MiB as a rule (execve(2)).
const LONGEST_SCRIPT: usize = 16 * 1024 * 1024;

/// What the far side says where something else read a part of the script, or the connection ended in it.
pub(super) const NOT_WHOLE: &str = "the command did not come whole";

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
        Self::whole(mark, bytes)
    }

    /// A script that runs a command with the variables of a login shell.
    pub(super) fn of_command(mark: Mark, login: &Settings, command: &Command) -> Result<Self, ReachError> {
        let mut bytes = begun(&mark);
        surroundings(&mut bytes, &mark, login, command)?;
        bytes.extend_from_slice(answers(&mark).as_bytes());
        call(&mut bytes, login, command);
        bytes.push(b'\n');
        bytes.extend_from_slice(ended(&mark).as_bytes());
        Ok(Self::whole(mark, bytes))
    }

    /// A script that kills a process group.
    pub(super) fn that_kills(group: u32) -> Self {
        // A group that has ended by itself is as good as one that was killed.
        Self::of_files(Mark::new(), &[], &format!("kill -s KILL -- -{group} 2>/dev/null || true"))
    }

    fn whole(mark: Mark, mut bytes: Vec<u8>) -> Self {
        bytes.extend_from_slice(last_line(&mark).as_bytes());
        Self { mark, bytes }
    }

    pub(super) const fn mark(&self) -> &Mark {
        &self.mark
    }

    /// What is sent before what the command reads.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The one word that ssh sends: it reads the script, not a byte more (GNU's head(1) reads no further than it is told),
    /// and runs it where all of it came. The user's login shell at the far side reads the word, sh or not: nothing in it
    /// means something else to csh or fish.
    pub(super) fn reader(&self) -> Result<String, ReachError> {
        let length = self.bytes.len();
        if length > LONGEST_SCRIPT {
            return Err(too_long(LONGEST_SCRIPT));
        }
        let (mark, first, last) = (self.mark.text(), first_line(&self.mark), last_line(&self.mark));
        let run = format!("case $1 in \"{}\"*\"{}\") eval \"$1\";;", first.trim_end(), last.trim_start());
        let refuse = format!("*) echo \"{mark} {NOT_WHOLE}\" >&2; exit 255;; esac");
        Ok(format!("exec /bin/sh -c 'set -- \"$(head -c {length})\"; {run} {refuse}'"))
    }
}

/// By its first and its last line a script is known to be whole: what a shell reads at its start may have read the beginning.
fn first_line(mark: &Mark) -> String {
    format!("# {} begins\n", mark.text())
}

fn last_line(mark: &Mark) -> String {
    format!("\n# {} ends", mark.text())
}

fn too_long(limit: usize) -> ReachError {
    let error = ReachError::new(ReachErrorKind::TooLong, Retry::Never, "sending a command to another host");
    error.with("limit", format!("{limit} bytes"))
}

/// Refuses a word that the far side's system would not take.
fn fits(word: &[u8]) -> Result<(), ReachError> {
    if word.len() > LONGEST_WORD {
        return Err(too_long(LONGEST_WORD));
    }
    if word.contains(&0) {
        let doing = "sending a command with a zero byte to another host";
        return Err(ReachError::new(ReachErrorKind::Unsupported, Retry::Never, doing));
    }
    Ok(())
}

/// What is said on standard error from here on is the far side's, and no greeting.
fn begun(mark: &Mark) -> Vec<u8> {
    format!("{}printf '\\n%s begins\\n' {} >&2\n", first_line(mark), mark.text()).into_bytes()
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
pub(super) fn surroundings(
    bytes: &mut Vec<u8>,
    mark: &Mark,
    login: &Settings,
    command: &Command,
) -> Result<(), ReachError> {
    command.arguments.iter().try_for_each(|argument| fits(argument.as_bytes()))?;
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
        fits(format!("{name}={value}").as_bytes())?;
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

pub(super) fn call(bytes: &mut Vec<u8>, login: &Settings, command: &Command) {
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
    use std::{io::Write as _, process::Stdio};

    /// Runs what ssh would, with so much sent before the connection ends.
    fn run(shell: &str, script: &Script, sent: &[u8]) -> std::process::Output {
        let mut process = std::process::Command::new(shell)
            .args(["-c", &script.reader().expect("short enough")])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("it starts");
        process.stdin.take().expect("piped").write_all(sent).expect("it is read");
        process.wait_with_output().expect("it ends")
    }

    #[test]
    fn a_login_shell_hands_a_script_and_what_follows_it_on_unharmed() {
        let odd = "it's $HOME `id` \"q\" a\\b !x *\nsecond line \u{fffd}";
        let command = Command::new("sh").arguments(["-c", "printf '%s|' \"$1\" \"$WORD\"; cat", "sh", odd]);
        let script =
            Script::of_command(Mark::new(), &Settings::default(), &command.variable("WORD", odd)).expect("a script");
        for input in [&b""[..], b"\n", b"# no end\n\0\xff\x81\n\n"] {
            for shell in ["sh", "bash"] {
                let output = run(shell, &script, &[script.bytes(), input].concat());
                let expected = [format!("\n{odd}|{odd}|").as_bytes(), input].concat();
                assert!(output.stdout.ends_with(&expected), "{shell}: {}", String::from_utf8_lossy(&output.stdout));
                assert_eq!(output.status.code(), Some(0));
            }
        }
    }

    #[test]
    fn of_a_script_that_did_not_come_whole_nothing_is_run() {
        let folder = tempfile::tempdir().expect("a folder");
        let done = folder.path().join("done").display().to_string();
        let touch = Command::new("touch").argument(&done).directory(folder.path());
        let script = Script::of_command(Mark::new(), &Settings::default(), &touch).expect("a script");
        let all = script.bytes().len();
        // Where the connection ended, or where something else read the beginning and the command's input came in its place.
        let cut = (0..all).map(|sent| script.bytes()[..sent].to_vec());
        let stolen = (1..all).map(|from| {
            [&script.bytes()[from..], b"the command's own input, long enough".repeat(20).as_slice()].concat()
        });
        for sent in cut.chain(stolen) {
            let output = run("sh", &script, &sent);
            let said = format!("{} {NOT_WHOLE}\n", script.mark().text());
            assert_eq!((output.status.code(), String::from_utf8_lossy(&output.stderr)), (Some(255), said.into()));
            assert!(output.stdout.is_empty(), "{}", String::from_utf8_lossy(&sent));
        }
        assert!(!std::path::Path::new(&done).exists());
        assert_eq!(run("sh", &script, script.bytes()).status.code(), Some(0));
        assert!(std::path::Path::new(&done).exists());
    }

    #[test]
    fn a_word_that_the_far_side_would_not_take_is_refused() {
        let long = "x".repeat(LONGEST_WORD);
        let command = |command: Command| Script::of_command(Mark::new(), &Settings::default(), &command);
        assert!(command(Command::new("true").argument(&long)).is_ok());
        let refused = command(Command::new("true").variable("A", &long)).expect_err("two letters more");
        assert_eq!((refused.kind, refused.retry), (ReachErrorKind::TooLong, Retry::Never));
        let refused = command(Command::new("true").argument("a\0b")).expect_err("no argument");
        assert_eq!((refused.kind, refused.retry), (ReachErrorKind::Unsupported, Retry::Never));
    }

    #[test]
    fn a_variable_of_an_odd_name_is_refused() {
        for command in [Command::new("true").variable("A;id", ""), Command::new("true").without(["SLURM_$(id)*"])] {
            let error = Script::of_command(Mark::new(), &Settings::default(), &command).expect_err("refused");
            assert_eq!((error.kind, error.retry), (ReachErrorKind::Unsupported, Retry::Never));
        }
    }
}
