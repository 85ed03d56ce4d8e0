//! Reattribution: runs that were charged to the wrong project, or to nobody, are charged by the bindings as they are now.
//! What its own job's hold pays stays there; what a hold pays by a stamp that is not believed any more moves.

use super::bind::PAGE;
use super::posting::{Posting, invalid};
use super::settle::charge_again;
use crate::records::Result;
use crate::{EntryKind, Reattribute};

/// Charges the runs of the window once more; the answer is how many moved.
pub(super) fn reattribute(posting: &Posting<'_>, wish: &Reattribute) -> Result<u64> {
    if wish.window.to <= wish.window.from {
        return Err(invalid(format!("the window ends at {} and starts at {}", wish.window.to, wish.window.from)));
    }
    let (mut after, mut moved) = (None, 0);
    loop {
        let runs = posting.records.runs_of_site(&wish.site, after.as_ref(), PAGE)?;
        let Some(last) = runs.last() else { return Ok(moved) };
        after = Some(last.key.clone());
        for run in runs.iter().filter(|run| wish.window.contains(run.settled.run.started_at)) {
            moved += u64::from(charge_again(posting, run, EntryKind::Reattribute)?);
        }
    }
}
