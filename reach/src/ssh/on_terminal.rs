//! A command on the terminal of this process. Its input is the person's, so that no script can go over it: the login shell
//! there sets what it sets, once more, and the command alone stands on command lines.

use super::{
    login::{LOGIN_SHELL, Settings},
    script::{self, LONGEST_WORD, Mark},
};
use crate::{Command, ReachError, ReachErrorKind, Retry};
use base64ct::{Base64, Encoding};

/// The one word that ssh sends. Files like `.profile` may start something else where they see a terminal: it is hidden from
/// them, but for standard error. sshd opens it for reading and writing, three times the same.
pub(super) fn word(command: &Command) -> Result<String, ReachError> {
    let mut own = b"if [ -t 2 ]; then exec <&2 >&2; fi\n".to_vec();
    script::surroundings(&mut own, &Mark::new(), &Settings::default(), command)?;
    own.extend_from_slice(b"exec ");
    script::call(&mut own, &Settings::default(), command);
    let mut outer = format!("{LOGIN_SHELL}if [ -t 2 ]; then exec </dev/null >/dev/null; fi\n").into_bytes();
    outer.extend_from_slice(b"exec \"$shell\" \"$@\" ");
    script::quote(&mut outer, wrapped(&own).as_bytes());
    let word = wrapped(&outer);
    if word.len() > LONGEST_WORD {
        let error = ReachError::new(ReachErrorKind::TooLong, Retry::Never, "sending a command to another host");
        return Err(error.with("limit", format!("{LONGEST_WORD} bytes, twice in base64")));
    }
    Ok(word)
}

/// A script that any shell hands on unharmed.
fn wrapped(script: &[u8]) -> String {
    format!("exec /bin/sh -c 'eval \"$(printf %s {} | base64 -d)\"'", Base64::encode_string(script))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Stdio;

    #[test]
    fn the_files_of_a_login_shell_are_read_without_the_terminal_that_the_command_gets() {
        let home = tempfile::tempdir().expect("a folder");
        let profile = "[ -t 0 ] && exec echo 'a shell of my own'\n[ -t 1 ] && exec echo 'a shell of my own'\n\
                       echo Welcome\nexport FROM_LOGIN=\"it's here\"\n";
        std::fs::write(home.path().join(".bash_profile"), profile).expect("written");
        let command =
            Command::new("sh").arguments(["-c", "test -t 0 && test -t 1 && echo \"$FROM_LOGIN $1\"", "sh", "'x'"]);
        let word = word(&command).expect("short enough");
        for shell in ["sh", "bash"] {
            // script(1) runs it on a terminal.
            let output = std::process::Command::new("script")
                .args(["-q", "-e", "-c", &word, "/dev/null"])
                .env("HOME", home.path())
                .env("SHELL", if shell == "sh" { "/bin/sh" } else { "/bin/bash" })
                .stdin(Stdio::null())
                .output()
                .expect("script(1) runs");
            let expected = if shell == "sh" { " 'x'" } else { "it's here 'x'" };
            assert_eq!(String::from_utf8_lossy(&output.stdout).trim_matches(['\r', '\n']), expected);
            assert_eq!(output.status.code(), Some(0));
        }
    }

    #[test]
    fn a_command_that_is_too_long_for_a_terminal_is_refused() {
        assert!(word(&Command::new("true").argument("x".repeat(60_000))).is_ok());
        let error = word(&Command::new("true").argument("x".repeat(90_000))).expect_err("too long");
        assert_eq!((error.kind, error.retry), (ReachErrorKind::TooLong, Retry::Never));
    }
}
