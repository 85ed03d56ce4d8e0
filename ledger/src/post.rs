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

    /// Carries out its commands, in order, and writes what they changed.
    pub(crate) fn carry_out(&self, store: &dyn Store) -> Result<Vec<Outcome>> {
        let workbench = Workbench::new(store, &self.commands)?;
        let posting = Posting::new(&workbench, &self.actor, self.now);
        let outcomes = self.commands.iter().map(|command| apply(&posting, command)).collect::<Result<Vec<_>>>()?;
        workbench.clear()?;
        Ok(outcomes)
    }
}

/// Whether the error is about the post that it comes of, and not about the database.
pub(crate) const fn is_of_the_post(error: &LedgerError) -> bool {
    use LedgerErrorKind::{Conflict, Invalid, Overflow, Refused, UnknownHold};
    matches!(error.kind, Refused(_) | Conflict | UnknownHold | Invalid | Overflow)
}
