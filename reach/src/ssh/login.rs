//! Who we are at the far side, on which host, and what a login shell sets there.
//!
//! A session that sshd starts for a command is no login: at many sites the paths of Slurm's commands and the variables of
//! projects are set by what only a login shell reads. So its variables are asked once and given to every command, and
//! what is submitted from here has the surroundings of what is submitted there.

use super::script::quote;
use crate::{Command, Output, ReachError, ReachErrorKind, Retry};
use std::{collections::BTreeMap, time::Duration};

/// What a login shell may take: the files that it reads load modules at some sites.
const TIME_LIMIT: Duration = Duration::from_mins(2);
/// More than any environment has: Linux takes 128 KiB as one variable.
const LONGEST: usize = 1024 * 1024;

/// Of the shell that was asked alone.
const OF_THE_SHELL: [&str; 4] = ["_", "OLDPWD", "PWD", "SHLVL"];
/// What bash lets nobody set (bash(1), "Shell Variables"), where it is the far side's sh.
const NEVER_SET: [&str; 6] = ["BASHOPTS", "BASH_VERSINFO", "EUID", "PPID", "SHELLOPTS", "UID"];

/// The login shell and the words that make it run a command. csh takes `-l` alone or not at all, and always reads what sets
/// variables (csh(1)).
pub(super) const LOGIN_SHELL: &str = r"shell=${SHELL:-/bin/sh}
case ${shell##*/} in csh|tcsh) set -- -c;; *) set -- -l -c;; esac
";

/// First the session's own variables, up to an empty one, then those of the login shell. What a login shell prints comes
/// before its first one.
const ASK: [&str; 2] = [
    "id -un && uname -n && env -0 || exit\n",
    r#"printf '\0'
exec "$shell" "$@" "printf '\0'; env -0" </dev/null"#,
];

/// What is asked once of the far side.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Login {
    /// The user's name there.
    pub user: String,
    /// The host's name, as it tells it.
    pub host: String,
    /// The variables of a login shell that are text.
    pub variables: BTreeMap<String, String>,
    /// What gives a session the variables of a login shell.
    pub(super) settings: Settings,
}

/// What stands in a script before a command.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Settings {
    /// Lines of a POSIX shell.
    pub lines: Vec<u8>,
    /// Words of env(1), for names that no shell can set: bash hands functions on as `BASH_FUNC_module%%`.
    pub words: Vec<u8>,
}

/// The command that asks.
pub(super) fn ask() -> Command {
    Command::new("sh").arguments(["-c".to_owned(), ASK.join(LOGIN_SHELL)]).time_limit(TIME_LIMIT).output_limit(LONGEST)
}

/// Reads the answer to [`ask`].
pub(super) fn read(output: &Output) -> Result<Login, ReachError> {
    let failed = |cause: &str| {
        let error =
            ReachError::new(ReachErrorKind::Other, Retry::Later, "asking a login shell at the site for its variables");
        let error = error.with("cause", cause).with("ended", output.ending());
        error.with("said", output.stderr_text().trim())
    };
    if !output.succeeded() {
        return Err(failed("the files that it reads (`.profile`, `.bash_profile`, `.zprofile`) must let `env` run"));
    }
    let mut lines = output.stdout.splitn(3, |byte| *byte == b'\n');
    let mut line = || lines.next().and_then(|line| std::str::from_utf8(line).ok()).filter(|line| !line.is_empty());
    let (Some(user), Some(host)) = (line(), line()) else { return Err(failed("it did not tell who we are")) };
    let (user, host) = (user.to_owned(), host.to_owned());
    let rest = lines.next().unwrap_or_default();
    let mut pieces = rest.split(|byte| *byte == 0);
    let session: BTreeMap<&[u8], &[u8]> =
        pieces.by_ref().take_while(|piece| !piece.is_empty()).filter_map(pair).collect();
    // What it said before the first one is a greeting.
    let login: BTreeMap<&[u8], &[u8]> = pieces.skip(1).filter_map(pair).collect();
    if login.is_empty() {
        return Err(failed("it told none"));
    }
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).ok();
    let variables = login.iter().filter_map(|(name, value)| Some((text(name)?, text(value)?))).collect();
    Ok(Login { user, host, variables, settings: Settings::between(&session, &login) })
}

/// The connection leads to another user than ever before: jobs and hours would be mixed up.
pub(super) fn another(expected: &str, found: &str) -> ReachError {
    let error = ReachError::new(ReachErrorKind::NotPermitted, Retry::Never, "speaking with the site");
    error.with("cause", format!("the connection is of the user `{found}` there, and it was `{expected}` so far"))
}

fn pair(piece: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = piece.iter().position(|byte| *byte == b'=').filter(|at| *at > 0)?;
    let (name, value) = (&piece[..at], &piece[at + 1..]);
    let is_left_out = |names: &[&str]| names.iter().any(|known| known.as_bytes() == name);
    (!is_left_out(&OF_THE_SHELL) && !is_left_out(&NEVER_SET)).then_some((name, value))
}

impl Settings {
    /// What makes the variables of a session those of a login shell.
    fn between(session: &BTreeMap<&[u8], &[u8]>, login: &BTreeMap<&[u8], &[u8]>) -> Self {
        let mut settings = Self::default();
        for (name, value) in login.iter().filter(|(name, value)| session.get(*name) != Some(*value)) {
            let (to, start): (_, &[u8]) =
                if is_plain(name) { (&mut settings.lines, b"export ") } else { (&mut settings.words, b" ") };
            to.extend_from_slice(start);
            quote(to, name);
            to.push(b'=');
            quote(to, value);
            if is_plain(name) {
                to.push(b'\n');
            }
        }
        for name in session.keys().filter(|name| is_plain(name) && !login.contains_key(*name)) {
            settings.lines.extend_from_slice(b"unset ");
            settings.lines.extend_from_slice(name);
            settings.lines.push(b'\n');
        }
        settings
    }
}

/// Whether a shell can set it.
fn is_plain(name: &[u8]) -> bool {
    let is_letter = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    name.iter().all(is_letter) && !name.first().is_some_and(u8::is_ascii_digit)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(stdout: &[u8]) -> Output {
        Output { status: Some(0), stdout: stdout.to_vec(), ..Output::default() }
    }

    #[test]
    fn what_a_login_shell_changes_is_set_and_its_greeting_is_none() {
        let said = b"ada\nlogin3\nPATH=/bin\0HOME=/h\0GONE=1\0\0Welcome! QUOTA=80 %\n\0PATH=/opt/slurm/bin:/bin\0HOME=/h\0PWD=/h\0\
            BASH_FUNC_ml%%=() { :; }\0P=it's\xff\0";
        let login = read(&told(said)).expect("understood");
        assert_eq!((&*login.user, &*login.host), ("ada", "login3"));
        let names: Vec<_> = login.variables.keys().map(String::as_str).collect();
        assert_eq!(names, ["BASH_FUNC_ml%%", "HOME", "PATH"]);
        assert_eq!(login.settings.words, b" 'BASH_FUNC_ml%%'='() { :; }'");
        assert_eq!(
            login.settings.lines,
            b"export 'P'='it'\\''s\xff'\nexport 'PATH'='/opt/slurm/bin:/bin'\nunset GONE\n"
        );
    }

    #[test]
    fn an_answer_without_variables_is_a_failure() {
        for said in [&b""[..], b"ada\n", b"ada\nlogin3\n", b"ada\nlogin3\nA=1\0\0", b"ada\nlogin3\nA=1\0\0hello"] {
            assert!(read(&told(said)).is_err(), "{said:?}");
        }
        assert!(
            read(&Output { status: Some(1), stdout: b"ada\nx\nA=1\0\0\0B=1\0".to_vec(), ..Output::default() }).is_err()
        );
    }

    proptest::proptest! {
        #[test]
        fn any_answer_is_read_or_refused(said: Vec<u8>) {
            let _ = read(&told(&said));
        }
    }
}
