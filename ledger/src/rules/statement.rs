//! Statements: entries of a window as lines that add up.

use super::budget_change;
use crate::{Entry, EntryKind, LedgerError};
use model::{Amount, ProjectName, Statement, StatementLine, StatementLineKind, Unit, Window};

/// The statement over `entries`, all that move and took effect inside the window, from the balance at its start.
pub(crate) fn statement(
    project: &ProjectName,
    unit: &Unit,
    window: Window,
    opening: Amount,
    entries: &[Entry],
) -> Result<Statement, LedgerError> {
    let mut lines = Vec::with_capacity(entries.len());
    let mut closing = opening;
    for entry in entries {
        let Some(kind) = line_kind(entry.kind) else { continue };
        let amount = budget_change(entry)?;
        closing = closing.plus(amount)?;
        let (run, note) = (entry.links.run.clone(), entry.note.clone());
        lines.push(StatementLine { entry: entry.number, at: entry.effective_at, kind, amount, run, note });
    }
    lines.sort_by_key(|line| (line.at, line.entry));
    Ok(Statement { project: project.clone(), unit: unit.clone(), window, opening, lines, closing })
}

/// The kind of line that an entry makes; none for what reserves and moves nothing.
const fn line_kind(kind: EntryKind) -> Option<StatementLineKind> {
    match kind {
        EntryKind::Opening => Some(StatementLineKind::Opening),
        EntryKind::Grant => Some(StatementLineKind::Grant),
        EntryKind::Withdraw => Some(StatementLineKind::Withdraw),
        EntryKind::Delegate => Some(StatementLineKind::Delegate),
        EntryKind::Refund => Some(StatementLineKind::Refund),
        EntryKind::Adjust => Some(StatementLineKind::Adjust),
        EntryKind::Expire => Some(StatementLineKind::Expire),
        EntryKind::Forgive => Some(StatementLineKind::Forgive),
        EntryKind::Settle => Some(StatementLineKind::Settle),
        EntryKind::Overrun => Some(StatementLineKind::Overrun),
        EntryKind::Correct => Some(StatementLineKind::Correct),
        EntryKind::Reattribute => Some(StatementLineKind::Reattribute),
        EntryKind::Hold | EntryKind::Amend | EntryKind::Release => None,
    }
}
