//! The token that each request shows: from a file or a command, kept in memory, and never shown to anybody else.

use crate::slurm::submit::in_environment;
use base64ct::{Base64UrlUnpadded, Encoding};
use model::{Timestamp, UserName};
use reach::{Command, Reach, http::Secret};
use serde::Deserialize;
use std::{path::PathBuf, time::Duration};
use tokio::sync::Mutex;

/// The most bytes of a file or an answer that holds a token.
const TOKEN_LIMIT: usize = 64 * 1024;

/// How long a command may take to make one.
const COMMAND_LIMIT: Duration = Duration::from_secs(30);

/// A token that ends within this time is not begun with.
const LEEWAY_SECONDS: i64 = 30;

/// Where the token comes from. It is never an argument of a command nor a variable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TokenSource {
    /// A file of one's own that nobody else may read.
    File(PathBuf),
    /// A command that prints it, as `scontrol token` does: a program and its arguments.
    Command(Vec<String>),
}

/// The token in use.
pub(super) struct Tokens {
    source: Option<TokenSource>,
    held: Mutex<Option<Held>>,
}

struct Held {
    token: Secret,
    ends_at: Option<Timestamp>,
}

/// What a token says of itself (`sun` and `exp` of auth/jwt); other kinds say nothing.
#[derive(Debug, Default, Deserialize)]
struct Claims {
    sun: Option<String>,
    exp: Option<i64>,
}

impl Tokens {
    pub(super) fn new(source: Option<TokenSource>) -> Self {
        Self { source, held: Mutex::default() }
    }

    /// A token that holds now; none where none is shown. The error says what is wrong and what to do, and nothing of the token.
    pub(super) async fn token(
        &self,
        reach: &dyn Reach,
        user: &UserName,
        now: Timestamp,
    ) -> Result<Option<Secret>, String> {
        let Some(source) = &self.source else { return Ok(None) };
        let mut held = self.held.lock().await;
        if let Some(held) = held.as_ref().filter(|held| held.holds_at(now)) {
            return Ok(Some(held.token.clone()));
        }
        let read = source.read(reach).await?;
        read.fit(source, user, now)?;
        let token = read.token.clone();
        *held = Some(read);
        Ok(Some(token))
    }
}

impl Held {
    /// The token in a text: its last line, behind `SLURM_JWT=` where `scontrol token` has put that.
    fn of(text: &str) -> Option<Self> {
        let line = text.lines().map(str::trim).rfind(|line| !line.is_empty())?;
        let token = line.strip_prefix("SLURM_JWT=").unwrap_or(line);
        let is_token = !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic());
        let ends_at = claims_of(token).exp.map(Timestamp::from_epoch_seconds);
        is_token.then(|| Self { token: Secret::new(token.to_owned()), ends_at })
    }

    fn holds_at(&self, now: Timestamp) -> bool {
        self.ends_at.is_none_or(|ends_at| ends_at > now.plus_seconds(LEEWAY_SECONDS))
    }

    /// Whether it may be shown for that user.
    fn fit(&self, source: &TokenSource, user: &UserName, now: Timestamp) -> Result<(), String> {
        if let (false, Some(ends_at)) = (self.holds_at(now), self.ends_at) {
            let (word, next) = match source {
                TokenSource::File(_) => ("in", "write a new one into it (`scontrol token lifespan=86400`)"),
                TokenSource::Command(_) => ("of", "let it ask for a longer one (`lifespan=600`)"),
            };
            return Err(format!("the token {word} {source} has ended, or is about to ({ends_at}): {next}"));
        }
        match claims_of(self.token.word()).sun {
            Some(name) if name != user.as_str() => {
                Err(format!("the token of {source} is `{name}`'s, and you are `{user}`"))
            }
            _ => Ok(()),
        }
    }
}

impl TokenSource {
    async fn read(&self, reach: &dyn Reach) -> Result<Held, String> {
        let text = match self {
            Self::File(path) => {
                let read = reach.read_secret(path, TOKEN_LIMIT).await.map_err(|error| error.to_string())?;
                read.ok_or_else(|| format!("there is no {self}"))?
            }
            Self::Command(words) => {
                let (program, arguments) = words.split_first().ok_or("the command for the token is empty")?;
                let command = in_environment(Command::new(program), false)
                    .arguments(arguments.iter().cloned())
                    .time_limit(COMMAND_LIMIT)
                    .output_limit(TOKEN_LIMIT);
                // What it printed might be the token, or a part of it, and is not repeated.
                let output = reach.run(&command).await.map_err(|error| format!("{self}: {}", error.doing))?;
                if !output.succeeded() {
                    return Err(format!("{self} gave none ({}): call it by hand to see why", output.ending()));
                }
                output.stdout
            }
        };
        Held::of(&String::from_utf8_lossy(&text)).ok_or_else(|| format!("{self} holds no token"))
    }
}

impl std::fmt::Display for TokenSource {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::File(path) => write!(formatter, "{}", path.display()),
            Self::Command(words) => write!(formatter, "`{}`", words.join(" ")),
        }
    }
}

/// The claims of a JSON Web Token (RFC 7519), unverified: the server does that.
fn claims_of(token: &str) -> Claims {
    let payload = token.split('.').nth(1).and_then(|payload| Base64UrlUnpadded::decode_vec(payload).ok());
    payload.and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use reach::Local;
    use std::{fs, os::unix::fs::PermissionsExt};

    const NOW: Timestamp = Timestamp::from_epoch_seconds(1_795_400_000);

    fn token(claims: &str) -> String {
        format!("eyJhbGciOiJIUzI1NiJ9.{}.c2lnbmF0dXJl", Base64UrlUnpadded::encode_string(claims.as_bytes()))
    }

    async fn ask(source: TokenSource) -> Result<Option<Secret>, String> {
        Tokens::new(Some(source)).token(&Local, &"ada".parse().expect("a user"), NOW).await
    }

    #[tokio::test]
    async fn a_token_comes_from_a_file_of_ones_own_or_from_a_command() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("token");
        let good = token("{\"exp\":1795403600,\"iat\":1795400000,\"sun\":\"ada\"}");
        let missing = ask(TokenSource::File(path.clone())).await.expect_err("no file");
        assert!(missing.contains("there is no"), "{missing}");
        fs::write(&path, format!("{good}\n")).expect("ours");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).expect("ours");
        let open = ask(TokenSource::File(path.clone())).await.expect_err("others read it");
        assert!(open.contains("chmod 600") && !open.contains(&good), "{open}");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("ours");
        assert_eq!(ask(TokenSource::File(path.clone())).await, Ok(Some(Secret::new(good.clone()))));
        let script = format!("echo Welcome; echo SLURM_JWT=$(cat {})", path.display());
        let command = ["sh", "-c", &script].map(str::to_owned).to_vec();
        assert_eq!(ask(TokenSource::Command(command)).await, Ok(Some(Secret::new(good))));
        assert_eq!(Tokens::new(None).token(&Local, &"ada".parse().expect("a user"), NOW).await, Ok(None));
    }

    #[tokio::test]
    async fn a_token_that_is_over_or_somebody_elses_is_not_shown_to_anybody() {
        let (over, bens) = (token("{\"exp\":1795399000,\"sun\":\"ada\"}"), token("{\"sun\":\"ben\"}"));
        for (script, why) in [
            (format!("echo {over}"), "has ended, or is about to (2026-11-23T01:56:40Z)"),
            (format!("echo {bens}"), "is `ben`'s, and you are `ada`"),
            ("echo; exit 0".to_owned(), "holds no token"),
            ("echo eyJ; echo eyJ >&2; exit 3".to_owned(), "(exit 3)"),
        ] {
            let folder = tempfile::tempdir().expect("a folder");
            let program = folder.path().join("make-token");
            fs::write(&program, format!("#!/bin/sh\n{script}\n")).expect("ours");
            fs::set_permissions(&program, fs::Permissions::from_mode(0o700)).expect("ours");
            let source = TokenSource::Command(vec![program.display().to_string()]);
            let error = ask(source).await.expect_err(&script);
            assert!(error.contains(why) && !error.contains("eyJ"), "{error}");
        }
    }

    #[tokio::test]
    async fn a_token_is_read_once_for_as_long_as_it_holds() {
        let folder = tempfile::tempdir().expect("a folder");
        let (count, user) = (folder.path().join("count"), "ada".parse().expect("a user"));
        let script = format!("echo x >> {}; echo {}", count.display(), token("{\"exp\":1795400100}"));
        let tokens = Tokens::new(Some(TokenSource::Command(["sh", "-c", &script].map(str::to_owned).to_vec())));
        for (after, is_good, calls) in [(0, true, 1), (60, true, 1), (90, false, 2)] {
            let token = tokens.token(&Local, &user, NOW.plus_seconds(after)).await;
            assert_eq!(token.is_ok(), is_good, "{after}: {token:?}");
            assert_eq!(fs::read_to_string(&count).expect("written").lines().count(), calls, "{after}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_answered_without_panic(text in "(eyJ|[A-Za-z0-9_=-]{0,9}|[.\n ]|.){0,20}") {
            if let Some(held) = Held::of(&text) {
                drop(held.fit(&TokenSource::Command(Vec::new()), &"ada".parse().expect("a user"), NOW));
                let (word, shown) = (held.token.word(), format!("{:?}", held.token));
                prop_assert!(word.len() < 12 || !shown.contains(word), "{}", shown);
            }
        }
    }
}
