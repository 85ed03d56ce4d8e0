//! Commands: everything that changes a ledger.

use crate::{
    Adjust, AmendHold, Binding, CloseHold, Coverage, Cursor, Delegate, Enforce, ImportBatch, KeepBundle, NewGrant,
    NewHold, NewOpening, NewSiteFigure, Observation, Reattribute, Refund, SetPolicy, SettledRun, SiteZone, Unbind,
    Withdraw,
};
use model::{Principal, ProjectName};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// One change. Each is safe to repeat: the second time it changes nothing and says so.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Command {
    /// Gives time to a project.
    Grant(NewGrant),
    /// Takes back what was granted by mistake.
    Withdraw(Withdraw),
    /// Posts what has expired or was forgiven by now, of one project or of all, and what was posted too much before.
    Expire(Option<ProjectName>),
    /// Says what was used of a budget until an instant. What the ledger does not know of it is entered; runs that ended by then
    /// are charged no more.
    Opening(NewOpening),
    /// Says who pays for runs without a hold. Runs that are unattributed and covered by it are charged at once; what
    /// was already charged to somebody stays there.
    Bind(Binding),
    /// Ends a binding. What was charged by it stays where it is until it is reattributed.
    Unbind(Unbind),
    /// Charges runs once more by the bindings as they are now.
    Reattribute(Reattribute),
    /// Switches refusal on or off.
    SetEnforce(Enforce),
    /// Says which policy a budget has.
    SetPolicy(SetPolicy),
    /// Reserves; the whole `post` fails where it is refused.
    Hold(NewHold),
    /// Changes a reservation; a rise is refused as a hold is, unless the hold itself was beyond refusal or the job was seen to
    /// have changed.
    Amend(AmendHold),
    /// Charges a run that has ended. Never refused. Shared, because a post is handed to the thread that keeps the file, and
    /// a month may have many thousand runs.
    Settle(Arc<SettledRun>),
    /// Prices a run in the books anew, by a tariff that has changed; what was read of it stays.
    Reprice(Arc<SettledRun>),
    /// Notes what runs and waits on a cluster.
    Observe(Box<Observation>),
    /// Ends a reservation.
    Close(CloseHold),
    /// Passes time of a grant on to another project.
    Delegate(Delegate),
    /// Gives back what a run was charged.
    Refund(Refund),
    /// Changes a budget by hand, or asks for it.
    Adjust(Adjust),
    /// Agrees to an adjustment that waits, by its key.
    Agree(String),
    /// Erases a person: the name and what was read of their runs. [`crate::Book::finish_erasure`] overwrites what is freed by it.
    Erase(Principal),
    /// Notes which runs were read.
    Cover(Coverage),
    /// Notes what a site says was used, and books the opening that its first word about a budget brings.
    NoteSiteFigure(NewSiteFigure),
    /// Notes how far a cluster's runs were read.
    Advance(Cursor),
    /// Says in which zone the days of a site begin.
    SetZone(SiteZone),
    /// Notes that a batch of runs was read to its end; each time that it is.
    NoteImport(Box<ImportBatch>),
    /// Notes how far a bundle was taken in; the whole post fails where its key is not the reader's.
    KeepBundle(KeepBundle),
}
