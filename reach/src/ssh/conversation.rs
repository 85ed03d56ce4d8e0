//! A conversation with a program at the far side, behind the mark.

use super::{
    answer::{LONGEST_GREETING, MarkedLine, Told, not_there},
    remote_error,
    script::{Mark, Script},
};
use crate::{Command, Conversation, Output, ReachError, ReachErrorKind, Retry, local_conversation};
use async_trait::async_trait;
use std::time::Duration;
use tokio::time::timeout;

/// Kills a process group at the far side, in the background.
type Killer = Box<dyn Fn(u32) + Send + Sync>;

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
    killer: Killer,
}

impl Drop for FarGroup {
    fn drop(&mut self) {
        if let Some(number) = self.number {
            (self.killer)(number);
        }
    }
}

/// Starts the program and skips what comes before it.
pub(super) async fn begin(
    call: &Command,
    script: &Script,
    command: &Command,
    killer: Killer,
) -> Result<SshConversation, ReachError> {
    let mut inner = local_conversation::converse(call)?;
    let doing = || format!("speaking with {} at the site", command.program);
    let mut line = MarkedLine::new(script.mark());
    let mut skipped = 0;
    // Where it was not taken, why is told below.
    let _ = timeout(BEGIN_LIMIT, inner.send(script.bytes())).await;
    while line.group.is_none() {
        let Ok(byte) = inner.receive(1, BEGIN_LIMIT).await else {
            let said = Output { stderr: whole_lines(&inner.complaints()), ..Output::default() };
            let told = Told::of(script.mark(), &said.stderr);
            return Err(match told.missing() {
                Some(what) => not_there(doing(), what),
                None => remote_error::lost(&doing(), told.has_begun, &said),
            });
        };
        drop(line.skip(&byte));
        skipped += 1;
        if skipped > LONGEST_GREETING {
            let error = ReachError::new(ReachErrorKind::TooLong, Retry::Later, doing());
            return Err(error.with("cause", "its greeting has no end"));
        }
    }
    let group = FarGroup { number: line.group, killer };
    Ok(SshConversation { inner: Box::new(inner), mark: script.mark().clone(), group })
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
