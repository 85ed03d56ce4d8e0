//! A conversation with a program at the far side, behind the mark.

use super::{
    answer::{LONGEST_GREETING, MarkedLine, Told, not_there},
    remote_error,
    script::{Mark, Script},
    sessions::{self, Patience, Session},
};
use crate::{
    Command, Conversation, Output, ReachError, ReachErrorKind, Retry,
    local_conversation::{self, LocalConversation},
};
use async_trait::async_trait;
use std::time::Duration;
use tokio::time::timeout;

/// Kills a process group at the far side, in the background, and then gives the session back.
type Killer = Box<dyn Fn(u32, Option<Session>) + Send + Sync>;

/// How long the far side may take until it says the mark.
const BEGIN_LIMIT: Duration = Duration::from_mins(1);

/// A program that is spoken with through ssh.
pub(super) struct SshConversation {
    inner: Box<dyn Conversation>,
    mark: Mark,
    group: FarGroup,
}

/// The program's process group at the far side. Its input ends with the session; what does not heed that is killed.
struct FarGroup {
    /// None once it is to be left alone.
    number: Option<u32>,
    session: Option<Session>,
    killer: Killer,
}

impl Drop for FarGroup {
    fn drop(&mut self) {
        if let Some(number) = self.number {
            (self.killer)(number, self.session.take());
        }
    }
}

/// Starts the program, once the site lets a session through.
pub(super) async fn begin(
    call: &Command,
    script: &Script,
    command: &Command,
    session: Session,
    killer: Killer,
) -> Result<SshConversation, ReachError> {
    let mut patience = Patience::new();
    loop {
        let mut inner = local_conversation::converse(call)?;
        match skip_greeting(&mut inner, script, command).await {
            Ok(number) => {
                let group = FarGroup { number: Some(number), session: Some(session), killer };
                return Ok(SshConversation { inner: Box::new(inner), mark: script.mark().clone(), group });
            }
            Err(Unheard::Refused) if patience.waits().await => {}
            Err(Unheard::Refused) => return Err(sessions::refused(&doing(command))),
            Err(Unheard::Failed(error)) => return Err(error),
        }
    }
}

/// Why the mark did not come.
enum Unheard {
    /// The site let no session through.
    Refused,
    Failed(ReachError),
}

fn doing(command: &Command) -> String {
    format!("speaking with {} at the site", command.program)
}

/// Sends the script and skips what comes before the program; its process group.
async fn skip_greeting(inner: &mut LocalConversation, script: &Script, command: &Command) -> Result<u32, Unheard> {
    // Where it was not taken, why is told below.
    let _ = timeout(BEGIN_LIMIT, inner.send(script.bytes())).await;
    let mut line = MarkedLine::new(script.mark());
    for _ in 0..=LONGEST_GREETING {
        let Ok(byte) = inner.receive(1, BEGIN_LIMIT).await else {
            let said = Output { stderr: whole_lines(&inner.complaints()), ..Output::default() };
            let told = Told::of(script.mark(), &said.stderr);
            return Err(match told.missing() {
                Some(what) => Unheard::Failed(not_there(doing(command), what)),
                None if !told.has_begun && sessions::is_refused(&said) => Unheard::Refused,
                None => Unheard::Failed(remote_error::lost(&doing(command), told.has_begun, &said)),
            });
        };
        drop(line.skip(&byte));
        if let Some(group) = line.group {
            return Ok(group);
        }
    }
    let error = ReachError::new(ReachErrorKind::TooLong, Retry::Later, doing(command));
    Err(Unheard::Failed(error.with("cause", "its greeting has no end")))
}

/// What is kept of its words, as lines of their own.
fn whole_lines(complaints: &str) -> Vec<u8> {
    format!("\n{complaints}\n").into_bytes()
}

#[async_trait]
impl Conversation for SshConversation {
    async fn send(&mut self, bytes: &[u8]) -> Result<(), ReachError> {
        self.inner.send(bytes).await
    }

    async fn receive(&mut self, count: usize, within: Duration) -> Result<Vec<u8>, ReachError> {
        self.inner.receive(count, within).await
    }

    fn complaints(&self) -> String {
        let all = whole_lines(&self.inner.complaints());
        let told = Told::of(&self.mark, &all);
        // Only the end of what it said is kept: where the mark is gone, so are the greetings.
        let own = if told.has_begun { told.own } else { &all };
        String::from_utf8_lossy(own).trim().to_owned()
    }

    fn let_be(self: Box<Self>) {
        let Self { inner, mut group, .. } = *self;
        group.number = None;
        inner.let_be();
    }
}
