//! What the ledger's thread owns of a server: a connection that is made anew where it was lost.

use super::joined_posts::{Writer, post_joined};
use super::keeper::Keeper;
use super::open::{find_key, open};
use super::place::PostgresPlace;
use super::session::Session;
use crate::post::Post;
use crate::records::Result;
use crate::stored::Posts;
use crate::{LedgerError, LedgerErrorKind, OpenMode, Outcome, Retry};
use std::sync::Arc;

/// A connection that is made anew where it was lost.
pub(super) struct Link {
    place: PostgresPlace,
    keeper: Keeper,
    session: Option<Session>,
}

/// The connection, and what writing needs beside it.
pub(super) struct Connected {
    pub(super) link: Link,
    writer: Writer,
}

impl Link {
    /// Does work on the session. A connection that was lost since it was used last is made anew, and the work done again:
    /// nothing of it has happened, unless the error says to look first.
    pub(super) fn with<T>(&mut self, work: impl Fn(&Session) -> Result<T>) -> Result<T> {
        let was_open = self.session.is_some();
        let answer = self.attempt(&work);
        match answer {
            Err(error) if was_open && is_lost(&error) && error.retry == Retry::Later => self.attempt(&work),
            answer => answer,
        }
    }

    fn attempt<T>(&mut self, work: impl Fn(&Session) -> Result<T>) -> Result<T> {
        let session = match &self.session {
            Some(session) if !session.is_closed() => session,
            _ => self.session.insert(open(&self.place, OpenMode::Existing, &self.keeper)?),
        };
        let answer = work(session);
        if answer.as_ref().is_err_and(is_lost) {
            self.session = None;
        }
        answer
    }
}

fn is_lost(error: &LedgerError) -> bool {
    error.kind == LedgerErrorKind::Disconnected
}

impl Connected {
    /// Connects. This is not done on a thread of an async runtime: the crate `postgres` must not be called there.
    pub(super) fn begin(place: PostgresPlace, keeper: Keeper, mode: OpenMode) -> Result<(Self, Writer)> {
        let session = open(&place, mode, &keeper)?;
        let signer = find_key(&session, &keeper)?.map(Arc::new);
        let writer = Writer { random: keeper.random.clone(), signer };
        Ok((Self { link: Link { place, keeper, session: Some(session) }, writer: writer.clone() }, writer))
    }
}

impl Posts for Connected {
    const QUEUE: usize = 1024;

    fn post_joined(&mut self, posts: &[Post]) -> Vec<Result<Vec<Outcome>>> {
        post_joined(&mut self.link, posts, &self.writer)
    }
}
