//! One caller's post, on its own or among others that share its transaction.

use crate::procedures::{Posting, apply};
use crate::records::Result;
use crate::store::Store;
use crate::workbench::Workbench;
use crate::{Command, LedgerError, LedgerErrorKind, Outcome};
use model::{Principal, Timestamp};

/// One caller's post.
pub(crate) struct Post {
    pub(crate) actor: Principal,
    pub(crate) now: Timestamp,
    pub(crate) commands: Vec<Command>,
}

impl Post {
    /// Whether it may share a transaction: it is about holds alone.
    pub(crate) fn may_be_joined(&self) -> bool {
        let is_of_holds =
            |command: &Command| matches!(command, Command::Hold(_) | Command::Amend(_) | Command::Close(_));
        self.commands.iter().all(is_of_holds)
    }

    /// Carries out its commands, in order, and writes what they changed as recorded at this instant.
    pub(crate) fn carry_out(&self, store: &dyn Store, recorded_at: Timestamp) -> Result<Vec<Outcome>> {
        let workbench = Workbench::new(store, &self.commands)?;
        let posting = Posting::new(&workbench, &self.actor, self.now, recorded_at);
        let outcomes = self.commands.iter().map(|command| apply(&posting, command)).collect::<Result<Vec<_>>>()?;
        workbench.clear()?;
        Ok(outcomes)
    }
}

/// The order of time in which posts are recorded: that of their numbers, whatever the clock of whoever posts shows. What was
/// known at an instant is known for good, because nothing is recorded before it any more.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RecordingOrder {
    last: Option<Timestamp>,
}

impl RecordingOrder {
    /// Goes on from the last post there is.
    pub(crate) const fn after(last: Option<Timestamp>) -> Self {
        Self { last }
    }

    /// When a post is recorded whose clock shows `now`.
    pub(crate) fn of(self, now: Timestamp) -> Timestamp {
        self.last.map_or(now, |last| last.max(now))
    }

    /// Notes that one was.
    pub(crate) const fn note(&mut self, recorded_at: Timestamp) {
        self.last = Some(recorded_at);
    }
}

/// Whether the error is about the post that it comes of, and not about the database.
pub(crate) const fn is_of_the_post(error: &LedgerError) -> bool {
    use LedgerErrorKind::{Conflict, Invalid, Overflow, Refused, UnknownHold};
    matches!(error.kind, Refused(_) | Conflict | UnknownHold | Invalid | Overflow)
}
