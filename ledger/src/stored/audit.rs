//! Audits: every entry read once, its leaf made again and hashed, its amount replayed.
//!
//! The log is read in parts, by several readers where a store has more than one, each of which hashes what it reads.
//! What depends on the order is put together part by part ([`Joined`]); all else are sums, which each reader keeps for
//! itself until the end.

use super::audit_joined::Joined;
use super::audit_part::{PartReader, Seeds};
use super::audit_readers::{Reader, read_alone, read_together};
use super::audit_sums::Sums;
use super::balances::BalanceTables;
use super::charges;
use super::decision_audit;
use super::entry_rows::entry;
use super::key_changes::key_changes;
use super::log::{Log, older_entries};
use super::lot_audit::lots;
use super::reversal_audit::{refunds, reversals};
use super::tables::LogTables;
use crate::evidence::LogKeys;
use crate::records::Result;
use crate::rules::Replay;
use crate::verification::Own;
use crate::{EntryPage, Outside, Verification};

/// So many entries are read by one reader in one piece: a power of two, as the tree wants it.
pub(crate) const PART: u32 = 4096;

/// No ledger has more entries.
const EVERYTHING: EntryPage = EntryPage { after: 0, limit: u32::MAX };

/// More sentences of one sort tell nobody more.
pub(super) const MOST_FINDINGS: usize = 100;

/// Replays and recomputes all entries in one state of the tables, so that writers do not disturb it. `others` see the same
/// state and read along.
pub(crate) fn audit<T: BalanceTables, R: Reader>(
    tables: &T,
    others: Vec<R>,
    outside: &Outside,
) -> Result<Verification> {
    audit_by_parts(tables, others, outside, PART)
}

/// The same by parts of another length.
pub(crate) fn audit_by_parts<T: BalanceTables, R: Reader>(
    tables: &T,
    others: Vec<R>,
    outside: &Outside,
    length: u32,
) -> Result<Verification> {
    let (log, older) = (Log::read(tables)?, older_entries(tables)?);
    let log_keys = LogKeys { key: log.key.clone(), changes: key_changes(tables)? };
    let own = Own { keys: &log_keys, checkpoint: log.checkpoint.as_ref(), size: log.frontier.size() };
    let keys = outside.keys_for(own)?;
    let audit = keys.audit(outside, own);
    let seeds = Seeds::default();
    let begin = || Joined::new(audit.begin(), older);
    // What is out of the ordinary is looked at again from the first entry on, so that it is always told in the same way.
    let (joined, sums, runs) = match read_together(tables, others, begin(), &seeds, length) {
        Some(read) => read,
        None => read_alone(PartReader::new(tables, &seeds), begin(), length)
            .and_then(|(joined, sums)| Ok((joined, sums, charges::stored(tables, &seeds.charges)?)))?,
    };
    let (pass, mut findings, found) = (joined.pass, joined.leaves, (joined.replay, joined.notes));
    let mut decided = decision_audit::findings(tables, joined.decisions)?;
    let mut verification = match compare(tables, found, &sums, runs, &seeds)? {
        Some(mut verification) => {
            verification.findings.append(&mut reversals(tables)?);
            verification
        }
        None => slowly(tables, older)?,
    };
    let mut report = audit.end(pass);
    findings.append(&mut keys.add_to(&mut report, own));
    if report.head != log.frontier.head() {
        findings.push("the frontier of the log is not that of its leaves".to_owned());
    }
    findings.extend(report.findings.iter().map(ToString::to_string));
    verification.findings.append(&mut lots(tables)?);
    verification.findings.append(&mut decided);
    verification.findings.append(&mut findings);
    verification.log = Some(report);
    Ok(verification)
}

/// Compares what the entries give with what is stored. `runs` are the number of runs and what they are charged. None where
/// the runs are charged otherwise: which one it is only a replay with all of them in memory can tell.
fn compare<T: LogTables>(
    tables: &T,
    (mut replay, mut findings): (Replay, Vec<String>),
    sums: &Sums,
    (runs, charged): (u64, u128),
    seeds: &Seeds,
) -> Result<Option<Verification>> {
    sums.replay(&mut replay)?;
    let is_replica = tables.is_replica()?;
    if (charged != sums.charged && !is_replica) || (is_replica && !sums.refunded.is_empty()) {
        return Ok(None);
    }
    findings.append(&mut refunds(tables, &sums.refunded)?);
    for person in tables.all_persons()?.iter().filter(|person| !person.is_itself()) {
        let pseudonym = person.mark.pseudonym;
        findings.push(format!("person {pseudonym} is not the one that the entries are about"));
    }
    let mut verification = replay.compare(&tables.stored()?)?;
    verification.runs = runs;
    verification.findings.append(&mut findings);
    verification.findings.append(&mut super::usage_audit::findings(tables, &sums.usage(), &seeds.usage)?);
    Ok(Some(verification))
}

/// Replays entry by entry, with every run's charge in memory, to say which run it is that differs.
fn slowly<T: LogTables>(tables: &T, older: u64) -> Result<Verification> {
    let mut replay = Replay::after(older);
    tables.each_entry(EVERYTHING, |row| replay.apply(&entry(row, tables)?))?;
    replay.compare(&tables.stored_with_runs()?)
}
