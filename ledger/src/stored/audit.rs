//! Audits: every entry read once, its leaf made again and hashed on a second thread, its amount replayed.

use super::audit_rows::{Item, PlainRow, Reading};
use super::balances::BalanceTables;
use super::entry_rows::entry;
use super::log::{Log, older_entries};
use super::lot_audit::lots;
use super::reversal_audit::reversals;
use super::tables::LogTables;
use crate::evidence::{
    Audit, AuditReport, CheckpointSource, Domain, EntryLeaf, EntryMarks, FieldWriter, RanLeaf, RunLeaf, TreeHash,
};
use crate::records::Result;
use crate::rules::Replay;
use crate::{EntryPage, LedgerError, LedgerErrorKind, Outside, Particulars, Verification};
use std::sync::mpsc::{Receiver, sync_channel};

/// So many batches of leaves may wait for the hashing thread.
const WAITING: usize = 8;

/// No ledger has more entries.
pub(super) const EVERYTHING: EntryPage = EntryPage { after: 0, limit: u32::MAX };

/// More sentences of one sort tell nobody more.
pub(super) const MOST_FINDINGS: usize = 100;

/// Replays and recomputes all entries in one reading transaction, so that writers do not disturb it.
pub(crate) fn audit<T: BalanceTables>(tables: &T, outside: &Outside) -> Result<Verification> {
    let (log, older) = (&Log::read(tables)?, older_entries(tables)?);
    outside.refuse_other_logs(log.key.as_ref())?;
    let (sender, receiver) = sync_channel(WAITING);
    let (read, hashed) = std::thread::scope(|scope| {
        let hashing = scope.spawn(move || hash(&receiver, log, outside));
        (Reading::new(tables, older, sender).run(), hashing.join())
    });
    let gone = |_| LedgerError::never(LedgerErrorKind::Bug, "the hashing thread has ended");
    let (report, mut findings) = hashed.map_err(gone)??;
    let mut verification = match read? {
        Some(mut verification) => {
            verification.findings.append(&mut reversals(tables)?);
            verification
        }
        None => slowly(tables, older)?,
    };
    if report.head != log.frontier.head() {
        findings.push("the frontier of the log is not that of its leaves".to_owned());
    }
    findings.extend(report.findings.iter().map(ToString::to_string));
    verification.findings.append(&mut lots(tables)?);
    verification.findings.append(&mut findings);
    verification.log = Some(report);
    Ok(verification)
}

/// Hashes what comes, compares, and audits the tree. The answer has a sentence for each leaf that is another.
fn hash(batches: &Receiver<Vec<Item>>, log: &Log, outside: &Outside) -> Result<(AuditReport, Vec<String>)> {
    let mut findings = Vec::new();
    let (origin, keys) = outside.keys_for(log.key.as_ref())?;
    let mut audit = Audit::new(&origin, &keys);
    for checkpoint in &outside.checkpoints {
        audit = audit.with(CheckpointSource::Auditor, checkpoint);
    }
    if let Some(checkpoint) = &log.checkpoint {
        audit = audit.with(CheckpointSource::Ledger, checkpoint);
    }
    let mut writer = FieldWriter::new(Domain::Entry);
    let leaves = batches.iter().flatten().map(|item| {
        let (leaf, number, stored) = match item {
            Item::Written { leaf, number, stored } => (TreeHash::of_leaf(&leaf), number, stored),
            Item::Plain(row) => {
                write(&row, &mut writer);
                (writer.leaf_hash(), row.number, row.stored)
            }
        };
        if *leaf.as_bytes() != stored && findings.len() < MOST_FINDINGS {
            findings.push(format!("entry {number} is not the one that its leaf was made of"));
        }
        Ok(leaf)
    });
    let report = audit.run(leaves)?;
    Ok((report, findings))
}

/// Writes the leaf of a run's entry.
fn write(row: &PlainRow, writer: &mut FieldWriter) {
    let shape = &*row.shape;
    let (partition, state) = (shape.partition.as_deref(), shape.state.as_deref());
    let ran = row.started.zip(state).map(|(started, state)| RanLeaf { started, partition, state });
    let content = row.content.as_ref().map(<[u8; 16]>::as_slice);
    let leaf = EntryLeaf {
        number: row.number,
        kind: shape.kind.as_str(),
        unit: &shape.unit,
        amount: row.amount,
        debit: &shape.debit,
        credit: &shape.credit,
        project: &shape.project,
        effective_at: row.effective_at,
        recorded_at: row.recorded_at,
        key: None,
        hold: row.hold.as_deref(),
        run: Some(RunLeaf { place: &shape.place, job: row.job, submitted: row.submitted, ran, content }),
        grant: None,
        reverses: row.reverses,
        tariff: shape.tariff.as_deref(),
        particulars: &Particulars::None,
        marks: EntryMarks { actor: row.actor, person: row.person, note: None },
    };
    leaf.write(writer);
}

/// Replays entry by entry, with every run's charge in memory, to say which run it is that differs.
fn slowly<T: LogTables>(tables: &T, older: u64) -> Result<Verification> {
    let mut replay = Replay::after(older);
    tables.each_entry(EVERYTHING, |row| replay.apply(&entry(row, tables)?))?;
    replay.compare(&tables.stored_with_runs()?)
}
