//! Lots: what was used of each, what expired and what is left are its amount, by what the entries say expired.

use super::balances::{BalanceTables, balance_parts};
use super::row::StoredRow as _;
use super::tables::Value;
use crate::records::Result;
use crate::rules::{self, Due, Step};
use crate::{Entry, EntryKind};
use model::Timestamp;

/// Lots of which the entries say that more or less expired than was left. What was read, taken back or decided after they expired
/// explains a difference: the next `expire` makes it up.
pub(super) fn lots(tables: &impl BalanceTables) -> Result<Vec<String>> {
    // A replica has no policies.
    let (last, is_replica) = (last_recorded(tables)?, tables.is_replica()?);
    let Some(now) = last.filter(|_| !is_replica) else { return Ok(Vec::new()) };
    let (parts, expiries) = (balance_parts(tables, None, now)?, tables.expiries(None)?);
    let mut findings = Vec::new();
    for budget in rules::budgets(&parts, now)? {
        let balance = &budget.balance;
        let is_its = |entry: &&Entry| entry.project == balance.project && entry.unit == balance.unit;
        let posted: Vec<&Entry> = expiries.iter().filter(is_its).collect();
        for Step { due: Due { lot, at }, loss, .. } in rules::expiries(&budget, &posted)? {
            let Some(lot) = lot else { continue };
            let of_lot =
                |entry: &&&Entry| entry.kind == EntryKind::Expire && entry.links.grant.as_ref() == Some(&lot.grant);
            let Some(last) = posted.iter().rfind(of_lot) else { continue };
            if !is_explained(tables, last, at)? {
                let loss = loss.milli();
                findings.push(format!(
                    "of lot {lot} of {} {loss} milli more would have to expire: used, expired and left are not its amount",
                    balance.project
                ));
            }
        }
    }
    Ok(findings)
}

fn last_recorded(tables: &impl BalanceTables) -> Result<Option<Timestamp>> {
    let mut last = None;
    tables.each_row("SELECT recorded_at FROM posts ORDER BY number DESC LIMIT 1", &[], |row| {
        last = Some(row.instant(0)?);
        Ok(())
    })?;
    Ok(last)
}

/// Whether something came after an expiry that reaches back into the time of the lot, or changes what its lots are.
fn is_explained(tables: &impl BalanceTables, expiry: &Entry, at: Timestamp) -> Result<bool> {
    let number = i64::try_from(expiry.number).unwrap_or(i64::MAX);
    let Some(project) = tables.number_known(expiry.project.as_str())? else { return Ok(false) };
    let mut is_explained = false;
    let later = "SELECT number FROM entries WHERE project = ? AND number > ? AND effective_at <= ?
        AND kind NOT IN ('hold', 'amend', 'release', 'propose', 'decide', 'expire', 'forgive') LIMIT 1";
    let values = [project, number, at.epoch_seconds()].map(Value::Number);
    tables.each_row(later, &values, |_| {
        is_explained = true;
        Ok(())
    })?;
    let policy = "SELECT number FROM policies WHERE project = ? AND recorded_at >= ? LIMIT 1";
    let values = [Value::Text(expiry.project.to_string()), Value::Number(expiry.recorded_at.epoch_seconds())];
    tables.each_row(policy, &values, |_| {
        is_explained = true;
        Ok(())
    })?;
    Ok(is_explained)
}
