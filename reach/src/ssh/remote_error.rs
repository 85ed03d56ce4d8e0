//! What ssh and the tools at the far side say, as the kinds of failure that callers tell apart.

use super::script::NOT_WHOLE;
use crate::{Output, ReachError, ReachErrorKind, Retry};
use std::path::Path;

/// The most of somebody else's words that an error repeats, in bytes.
const REPEATED: usize = 400;

/// What ssh says when it never got as far as a session: nothing was started at the far side. It speaks no other language
/// (OpenSSH has no translations).
const BEFORE_A_SESSION: &[&str] = &[
    "Could not resolve hostname",
    "Connection refused",
    "Connection timed out",
    "No route to host",
    "Network is unreachable",
    "Host key verification failed",
    "Permission denied",
    "Too many authentication failures",
    "kex_exchange_identification",
    // What our own `ProxyCommand` makes ssh say where the master connection is gone: the second where that had ended before ssh
    // spoke to it.
    "Connection closed by UNKNOWN port",
    "banner exchange: Connection to UNKNOWN port",
];

/// The failure of a call that did not tell how it ended.
pub(super) fn lost(doing: &str, has_begun: bool, said: &Output) -> ReachError {
    let words = said.stderr_text();
    if !has_begun && words.contains(NOT_WHOLE) {
        let error = ReachError::new(ReachErrorKind::Other, Retry::Later, doing);
        let cause = "what a shell reads when it starts there (`.bashrc`) reads standard input, too";
        return error.with("cause", cause).with("said", repeated(&words));
    }
    let never_began = !has_begun && BEFORE_A_SESSION.iter().any(|known| words.contains(known));
    let retry = if never_began { Retry::Later } else { Retry::LookFirst };
    let error = ReachError::new(ReachErrorKind::Unreachable, retry, doing);
    let error = match repeated(&words) {
        words if words.is_empty() => error,
        words => error.with("ssh said", words),
    };
    if never_began { error } else { error.with("cause", format!("the connection ended ({})", said.ending())) }
}

/// The end of somebody else's words, on one line.
pub(super) fn repeated(words: &str) -> String {
    let words = words.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut from = words.len().saturating_sub(REPEATED);
    while !words.is_char_boundary(from) {
        from += 1;
    }
    words[from..].to_owned()
}

/// What GNU's coreutils and findutils say in the locale `C` (strerror(3) of glibc), and what it means.
const CAUSES: &[(&str, ReachErrorKind, Retry)] = &[
    ("No such file or directory", ReachErrorKind::NotFound, Retry::Never),
    ("Permission denied", ReachErrorKind::NotPermitted, Retry::Never),
    ("Operation not permitted", ReachErrorKind::NotPermitted, Retry::Never),
    ("No space left on device", ReachErrorKind::NoSpace, Retry::Later),
    ("Disk quota exceeded", ReachErrorKind::NoSpace, Retry::Later),
    ("Read-only file system", ReachErrorKind::ReadOnly, Retry::Never),
    ("File exists", ReachErrorKind::Exists, Retry::Never),
    ("Not a directory", ReachErrorKind::Exists, Retry::Never),
    ("Is a directory", ReachErrorKind::Exists, Retry::Never),
    ("Operation not supported", ReachErrorKind::Unsupported, Retry::Never),
];

/// The failure of work on a file, from what the tool that did it said.
pub(super) fn of_file(verb: &str, path: &Path, output: &Output) -> ReachError {
    let words = output.stderr_text();
    let known = CAUSES.iter().find(|(cause, ..)| words.contains(cause));
    let (kind, retry) = known.map_or((ReachErrorKind::Other, Retry::Later), |(_, kind, retry)| (*kind, *retry));
    let (kind, retry) = if output.timed_out { (ReachErrorKind::Unreachable, Retry::LookFirst) } else { (kind, retry) };
    let error = ReachError::new(kind, retry, format!("{verb} {} at the site", path.display()));
    let words = repeated(&words);
    error.with("cause", if words.is_empty() { output.ending() } else { words })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_that_never_began_may_be_tried_again_and_one_that_may_have_is_looked_for() {
        let table = [
            ("kex_exchange_identification: Connection closed by remote host", Retry::Later),
            ("Connection closed by UNKNOWN port 65535", Retry::Later),
            ("banner exchange: Connection to UNKNOWN port 65535: Broken pipe", Retry::Later),
            ("ssh: connect to host login port 22: Connection refused", Retry::Later),
            ("", Retry::LookFirst),
            ("Connection to login closed by remote host.", Retry::LookFirst),
            ("client_loop: send disconnect: Broken pipe", Retry::LookFirst),
        ];
        for (words, expected) in table {
            let stderr = format!("{words}\r\n").into_bytes();
            let said = Output { status: Some(255), signal: None, stdout: Vec::new(), stderr, timed_out: false };
            assert_eq!(lost("running sbatch at the site", false, &said).retry, expected, "{words}");
            assert_eq!(lost("running sbatch at the site", true, &said).retry, Retry::LookFirst, "{words}, begun");
        }
    }
}
