//! The sessions of a connection: few at once, and patience where the site lets no more of them through.

use crate::{Output, ReachError, ReachErrorKind, Retry};
use std::{
    collections::hash_map::RandomState,
    hash::{BuildHasher, Hasher},
    sync::Arc,
    time::Duration,
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// So many of our sessions share the connection at once: sshd allows ten unless told otherwise (`sshd_config(5)`,
/// `MaxSessions`), other processes of the user share it, and a person may have some of their own.
const SESSIONS: usize = 4;

/// So many of them may be programs that are spoken with, so that one is always left for a command.
const CONVERSATIONS: usize = SESSIONS - 1;

/// The pauses after which a session that was refused is asked for again; each is made shorter by up to half, at random, so
/// that processes that were refused together do not come back together.
const PAUSES_IN_MILLISECONDS: [u64; 7] = [100, 200, 400, 800, 1600, 3200, 5000];

/// What ssh says where sshd opens no further session on a connection that stands (`mux.c` of OpenSSH).
const REFUSED: &str = "Session open refused by peer";

/// The name of the fact that tells such a failure apart.
const TRIED: &str = "tried";

/// Who may have a session of this process.
#[derive(Debug)]
pub(super) struct Sessions {
    all: Arc<Semaphore>,
    conversations: Arc<Semaphore>,
}

/// A session that may be used; it is given back when this is dropped.
#[derive(Debug)]
pub(super) struct Session {
    _one: OwnedSemaphorePermit,
    _conversation: Option<OwnedSemaphorePermit>,
}

impl Sessions {
    pub(super) fn new() -> Self {
        Self { all: Arc::new(Semaphore::new(SESSIONS)), conversations: Arc::new(Semaphore::new(CONVERSATIONS)) }
    }

    /// A session for a command, once one is free.
    pub(super) async fn one(&self) -> Session {
        Session { _one: self.free().await, _conversation: None }
    }

    /// A session for a program that is spoken with. Those may last, and who waited for one might wait for ever.
    pub(super) async fn for_a_conversation(&self, doing: &str) -> Result<Session, ReachError> {
        let conversation = Arc::clone(&self.conversations).try_acquire_owned().map_err(|_| {
            let cause = format!("{CONVERSATIONS} programs are spoken with over this connection already");
            ReachError::new(ReachErrorKind::Other, Retry::Later, doing).with("cause", cause)
        })?;
        Ok(Session { _one: self.free().await, _conversation: Some(conversation) })
    }

    async fn free(&self) -> OwnedSemaphorePermit {
        Arc::clone(&self.all).acquire_owned().await.expect("it is never closed")
    }
}

/// The patience of one call with a connection that is full.
pub(super) struct Patience(std::vec::IntoIter<Duration>);

impl Patience {
    pub(super) fn new() -> Self {
        let pause = |longest: u64| Duration::from_millis(longest - random() % (longest / 2));
        Self(PAUSES_IN_MILLISECONDS.map(pause).to_vec().into_iter())
    }

    /// Waits a while before the next attempt; whether there is to be one.
    pub(super) async fn waits(&mut self) -> bool {
        let Some(pause) = self.0.next() else { return false };
        tokio::time::sleep(pause).await;
        true
    }
}

/// Not for secrets: the standard library takes other keys for each of these.
fn random() -> u64 {
    RandomState::new().build_hasher().finish()
}

/// Whether the connection stands and takes no more sessions: nothing was started at the far side.
pub(super) fn is_refused(said: &Output) -> bool {
    said.stderr_text().contains(REFUSED)
}

/// The failure of a call that was refused as often as it was tried.
pub(super) fn refused(doing: &str) -> ReachError {
    let error = ReachError::new(ReachErrorKind::Unreachable, Retry::Later, doing);
    let cause = "the connection is open, and the site lets no more sessions through it (MaxSessions of its sshd)";
    error.with("cause", cause).with(TRIED, format!("{} times", PAUSES_IN_MILLISECONDS.len() + 1))
}

/// Whether this is such a failure.
pub(super) fn was_refused(error: &ReachError) -> bool {
    error.facts.iter().any(|(name, _)| name == TRIED)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn one_session_is_always_left_for_a_command() {
        let sessions = Sessions::new();
        let mut spoken = Vec::new();
        for _ in 0..CONVERSATIONS {
            spoken.push(sessions.for_a_conversation("speaking").await.expect("one is free"));
        }
        let error = sessions.for_a_conversation("speaking").await.expect_err("that would be the last session");
        assert_eq!(error.retry, Retry::Later);
        let command = sessions.one().await;
        assert_eq!(sessions.all.available_permits(), 0);
        drop((spoken, command));
        sessions.for_a_conversation("speaking").await.expect("they were given back");
        assert_eq!(sessions.all.available_permits(), SESSIONS);
    }

    #[test]
    fn refused_calls_come_back_later_each_time_and_not_together() {
        let pauses = || Patience::new().0.collect::<Vec<_>>();
        for pause in pauses().into_iter().zip(PAUSES_IN_MILLISECONDS) {
            let milliseconds = u64::try_from(pause.0.as_millis()).expect("short");
            assert!((pause.1 / 2..=pause.1).contains(&milliseconds), "{pause:?}");
        }
        assert_ne!(pauses(), pauses());
    }
}
