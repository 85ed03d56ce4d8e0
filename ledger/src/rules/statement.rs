//! Statements: entries of a window as lines that add up.

use super::{LotError, budget_change, spending_over};
use crate::{Entry, EntryKind, LedgerError};
use model::{
    Amount, Charge, ProjectName, Statement, StatementLine, StatementLineKind, StatementPart, Unit, Window,
    amount_before, amount_within,
};
use std::collections::BTreeMap;

/// The statement over `entries`, all that move and whose effect or run lies inside the window or reaches into it, from what
/// entries that took effect before it come to. A run over a border is split there: what it had taken by its start is in the
/// opening balance, and what it took behind its end belongs to the next statement. `site_charges` are those of runs, by the
/// entry that shows them.
pub(crate) fn statement(
    project: &ProjectName,
    unit: &Unit,
    window: Window,
    before: Amount,
    entries: &[Entry],
    site_charges: &BTreeMap<u64, Charge>,
) -> Result<Statement, LedgerError> {
    let (mut lines, mut opening) = (Vec::with_capacity(entries.len()), before);
    for entry in entries {
        let Some(kind) = line_kind(entry.kind) else { continue };
        let whole = budget_change(entry)?;
        let (earlier, inside) = parts(entry, whole, window)?;
        opening = opening.plus(earlier)?;
        let Some(Inside { amount, part }) = inside else { continue };
        let (run, note) = (entry.links.run.clone(), entry.note.clone());
        let site_charge = match site_charges.get(&entry.number) {
            Some(charge) => Some(part_of(charge, entry, part)?),
            None => None,
        };
        lines.push(StatementLine {
            entry: entry.number,
            at: entry.effective_at,
            kind,
            amount,
            run,
            note,
            site_charge,
            part,
        });
    }
    lines.sort_by_key(|line| (line.at, line.entry));
    let moved = Amount::sum(lines.iter().map(|line| line.amount))?;
    let (project, unit, closing) = (project.clone(), unit.clone(), opening.plus(moved)?);
    Ok(Statement { project, unit, window, opening, lines, closing })
}

/// What of a run's charge by its site falls where a part of its entry does.
fn part_of(charge: &Charge, entry: &Entry, part: Option<StatementPart>) -> Result<Charge, LotError> {
    let (Some(part), Some((_, over))) = (part, spending_over(entry)?) else { return Ok(charge.clone()) };
    Ok(Charge { amount: amount_within(charge.amount, over, part.window)?, ..charge.clone() })
}

/// What of an entry falls into a statement.
struct Inside {
    amount: Amount,
    part: Option<StatementPart>,
}

/// What of an entry that is not over when a window begins falls before it, and what falls into it.
fn parts(entry: &Entry, whole: Amount, window: Window) -> Result<(Amount, Option<Inside>), LotError> {
    let over = spending_over(entry)?.map(|(_, over)| over).filter(|over| over.from < over.to);
    let Some(over) = over else { return Ok((Amount::ZERO, Some(Inside { amount: whole, part: None }))) };
    let shared = Window { from: over.from.max(window.from), to: over.to.min(window.to) };
    let earlier = amount_before(whole, over, window.from)?;
    if shared.to <= shared.from {
        return Ok((earlier, None));
    }
    let amount = amount_within(whole, over, shared)?;
    let part = (shared != over).then_some(StatementPart { of: whole, window: shared });
    Ok((earlier, Some(Inside { amount, part })))
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
        EntryKind::Hold | EntryKind::Amend | EntryKind::Release | EntryKind::Propose | EntryKind::Decide => None,
    }
}
