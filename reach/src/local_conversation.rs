//! A conversation with a process on this host.

use crate::{
    Command, Conversation, ReachError, ReachErrorKind, Retry, io_words,
    local_process::{self, Group},
};
use async_trait::async_trait;
use std::{
    io,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    process::{Child, ChildStderr, ChildStdin, ChildStdout},
    task::JoinHandle,
    time::timeout,
};

/// So many bytes of the end of its complaints are kept.
const KEPT_COMPLAINTS: usize = 4096;

/// How long the last words of a program that has ended are awaited.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// A program on this host that is spoken with.
pub(crate) struct LocalConversation {
    program: String,
    child: Child,
    group: Option<Group>,
    input: ChildStdin,
    output: ChildStdout,
    complaints: Arc<Mutex<Vec<u8>>>,
    /// Ends with its standard error.
    listener: JoinHandle<()>,
}

/// Starts a program to speak with.
pub(crate) fn converse(command: &Command) -> Result<LocalConversation, ReachError> {
    let mut child = local_process::start_to_speak(command)?;
    let group = Group::of(&child);
    let input = child.stdin.take().expect("piped at the start");
    let output = child.stdout.take().expect("piped at the start");
    let errors = child.stderr.take().expect("piped at the start");
    let complaints = Arc::default();
    let listener = tokio::spawn(listen(errors, Arc::clone(&complaints)));
    let program = command.program.clone();
    Ok(LocalConversation { program, child, group: Some(group), input, output, complaints, listener })
}

/// Keeps the end of what it complains of, so that it never waits for somebody to read it.
async fn listen(mut errors: ChildStderr, complaints: Arc<Mutex<Vec<u8>>>) {
    let mut piece = [0; 1024];
    while let Ok(count) = errors.read(&mut piece).await {
        if count == 0 {
            return;
        }
        let mut kept = complaints.lock().unwrap_or_else(PoisonError::into_inner);
        kept.extend_from_slice(&piece[..count]);
        let surplus = kept.len().saturating_sub(KEPT_COMPLAINTS);
        kept.drain(..surplus);
    }
}

impl LocalConversation {
    fn lost(&self, kind: ReachErrorKind, cause: &str) -> ReachError {
        ReachError::new(kind, Retry::LookFirst, format!("speaking with {}", self.program)).with("cause", cause)
    }

    fn broken(&self, error: &io::Error) -> ReachError {
        self.lost(ReachErrorKind::Other, &io_words(error))
    }
}

#[async_trait]
impl Conversation for LocalConversation {
    async fn send(&mut self, bytes: &[u8]) -> Result<(), ReachError> {
        let sent = match self.input.write_all(bytes).await {
            Ok(()) => self.input.flush().await,
            failed => failed,
        };
        sent.map_err(|error| self.broken(&error))
    }

    async fn receive(&mut self, count: usize, within: Duration) -> Result<Vec<u8>, ReachError> {
        let mut bytes = vec![0; count];
        match timeout(within, self.output.read_exact(&mut bytes)).await {
            Ok(Ok(_)) => Ok(bytes),
            Ok(Err(error)) if error.kind() == io::ErrorKind::UnexpectedEof => {
                // Why it ended it has said by now, and we may not have heard it yet. A child of its may keep the pipe open.
                if !self.listener.is_finished() {
                    let _ = timeout(LAST_WORDS, &mut self.listener).await;
                }
                Err(self.lost(ReachErrorKind::Other, "it ended"))
            }
            Ok(Err(error)) => Err(self.broken(&error)),
            Err(_) => Err(self.lost(ReachErrorKind::Unreachable, &format!("no answer within {} s", within.as_secs()))),
        }
    }

    fn complaints(&self) -> String {
        let kept = self.complaints.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&kept).trim().to_owned()
    }

    fn let_be(mut self: Box<Self>) {
        self.group = None;
    }
}

impl Drop for LocalConversation {
    fn drop(&mut self) {
        let Some(group) = self.group.take() else { return };
        // One that has ended and was collected has no process group any more; its number may be another's by now.
        if matches!(self.child.try_wait(), Ok(None)) {
            group.kill();
        }
    }
}
