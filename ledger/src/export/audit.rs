//! An export checked without its ledger: leaves, tree, signatures, commitments, replay.

use super::record::{EntryRecord, LogRecord, PersonRecord};
use super::spilled_runs::{Agreed, SpilledRuns};
use crate::evidence::{
    Commitment, DecidedDigest, Domain, EntryLeaf, EntryMarks, FieldWriter, LogKeys, PersonMark, RanLeaf, RunLeaf, Salt,
    SignedCheckpoint, TreeHash, written, written_into,
};
use crate::rules::{Replay, StandingDecisions};
use crate::verification::Own;
use crate::{DecidedRecord, Entry, LedgerError, LedgerErrorKind, Outside, Particulars, Verification};
use model::{Principal, SiteName};
use serde::Deserialize;
use std::collections::{BTreeMap, HashMap};
use std::convert::Infallible;
use std::io::{self, BufRead};

/// More sentences of one sort tell nobody more.
const MOST_FINDINGS: usize = 100;

/// The longest line that is read: an entry has a few hundred bytes.
const MAX_LINE_BYTES: u64 = 1 << 20;

/// What is known while an export is read.
#[derive(Debug)]
pub struct ExportAudit {
    persons: HashMap<Principal, (PersonMark, Option<Salt>)>,
    replay: Replay,
    runs: SpilledRuns,
    decisions: StandingDecisions,
    /// What the words of decisions are looked at with, by their entries.
    words: BTreeMap<u64, (Option<Commitment>, Option<Salt>)>,
    writer: FieldWriter,
    findings: Vec<String>,
    last: u64,
}

#[derive(Deserialize)]
struct LogLine {
    log: LogRecord,
}

#[derive(Deserialize)]
struct PersonLine {
    person: PersonRecord,
}

#[derive(Deserialize)]
struct DecidedLine {
    decided: DecidedRecord,
}

/// The lines of a reader, with bounds.
struct Lines<R> {
    reader: R,
    line: String,
    number: u64,
}

impl ExportAudit {
    /// Checks an export line by line. Memory grows with persons, holds and decisions alone; what runs were charged is kept in files
    /// below `TMPDIR` where there are many entries of them. An error says that it is none, or could not be read; what is wrong with
    /// the ledger stands in the answer.
    pub fn run(export: impl BufRead, outside: &Outside) -> Result<Verification, LedgerError> {
        let mut lines = Lines { reader: export, line: String::new(), number: 0 };
        if !lines.next()? {
            return Err(lines.wrong("it is empty"));
        }
        let LogLine { log } = serde_json::from_str(&lines.line).map_err(|error| lines.wrong(&error.to_string()))?;
        let mut this = Self {
            persons: HashMap::new(),
            replay: Replay::after(log.older_entries.unwrap_or(u64::MAX)),
            runs: SpilledRuns::default(),
            decisions: StandingDecisions::default(),
            words: BTreeMap::new(),
            writer: FieldWriter::new(Domain::Entry),
            findings: Vec::new(),
            last: 0,
        };
        let own = log.checkpoint.as_ref().map(|text| SignedCheckpoint::parse(text.as_bytes())).transpose();
        let own = own.map_err(|error| lines.wrong(&error.to_string()))?;
        let log_keys = LogKeys { key: log.key.clone(), changes: log.key_changes.clone() };
        let said = Own { keys: &log_keys, checkpoint: own.as_ref(), size: log.size };
        let keys = outside.keys_for(said)?;
        let audit = keys.audit(outside, said);
        let mut report = audit.run(std::iter::from_fn(|| this.next_leaf(&mut lines).transpose()))?;
        this.findings.append(&mut keys.add_to(&mut report, said));
        if this.last != log.size {
            this.findings.push(format!(
                "the export says that there {} {}, the last is {}",
                model::agreeing(log.size, "is", "are"),
                model::counted(log.size, "entry"),
                this.last
            ));
        }
        let Agreed { runs, findings: mut agreement } = this.runs.finish()?;
        let mut verification = this.replay.into_verification(runs);
        verification.findings.append(&mut agreement);
        verification.findings.append(&mut this.decisions.finish());
        verification.findings.append(&mut this.findings);
        verification.findings.extend(report.findings.iter().map(ToString::to_string));
        verification.log = Some(report);
        Ok(verification)
    }

    /// The leaf of the next entry; none at the end.
    fn next_leaf(&mut self, lines: &mut Lines<impl BufRead>) -> Result<Option<TreeHash>, LedgerError> {
        while lines.next()? {
            if lines.line.starts_with("{\"person\":{") {
                let found = serde_json::from_str(&lines.line).map_err(|error| lines.wrong(&error.to_string()));
                let PersonLine { person } = found?;
                self.meet(&person);
                continue;
            }
            if lines.line.starts_with("{\"decided\":{") {
                let found = serde_json::from_str(&lines.line).map_err(|error| lines.wrong(&error.to_string()));
                let DecidedLine { decided } = found?;
                self.decided(&decided);
                continue;
            }
            let record = EntryRecord::parse(&lines.line).map_err(|error| lines.wrong(&error.to_string()))?;
            self.last = record.entry.number;
            self.replay.apply_without_runs(&record.entry)?;
            self.runs.add(&record.entry)?;
            self.decisions.take(&record.entry);
            return self.leaf(&record).map(Some);
        }
        Ok(None)
    }

    fn meet(&mut self, person: &PersonRecord) {
        let PersonRecord { pseudonym, commitment, salt, .. } = *person;
        let Some(principal) = person.principal() else { return };
        let fields = [principal.site.as_ref().map(SiteName::as_str), Some(principal.user.as_str())];
        if person.user.is_some() && salt.is_some_and(|salt| !commitment.opens_with(&salt, fields)) {
            self.find(format!("person {pseudonym} is not the one that the entries are about"));
        }
        self.persons.insert(principal, (PersonMark { pseudonym, commitment }, salt));
    }

    fn leaf(&mut self, record: &EntryRecord) -> Result<TreeHash, LedgerError> {
        let EntryRecord { entry, leaf: stored, note_commitment, .. } = record;
        let Some((actor, salt)) = self.persons.get(&entry.actor).copied() else {
            self.find(format!("entry {} is by somebody who is not in the export", entry.number));
            return Ok(*stored);
        };
        let person = entry.ran_by.clone().zip(entry.links.run.as_ref()).and_then(|(user, run)| {
            self.persons.get(&Principal { user, site: Some(run.site.clone()) }).map(|(mark, _)| *mark)
        });
        if let Particulars::Decided(leaf) = &entry.particulars {
            self.words.retain(|earlier, _| !leaf.replaces.contains(earlier));
            self.words.insert(entry.number, (*note_commitment, salt));
            if !entry.note.is_empty() {
                self.find(format!("the note of entry {} is not the one that was posted", entry.number));
            }
        } else if let Some(salt) = salt {
            let expected = written(entry).map(|fields| Commitment::new(&salt.of_entry(entry.number), fields));
            if expected != *note_commitment {
                self.find(format!("the note of entry {} is not the one that was posted", entry.number));
            }
        }
        write_leaf(entry, EntryMarks { actor, person, note: *note_commitment }, &mut self.writer)?;
        let leaf = self.writer.leaf_hash();
        if leaf != *stored {
            self.find(format!("entry {} is not the one that its leaf was made of", entry.number));
        }
        Ok(leaf)
    }

    /// Looks at a decision that stands.
    fn decided(&mut self, record: &DecidedRecord) {
        let DecidedRecord { entry, kind, content, written } = record;
        let mut known = |who: &Principal| Ok::<_, Infallible>(self.persons.get(who).map(|(mark, _)| *mark));
        let Ok(digest) = DecidedDigest::of(*kind, content, &mut known);
        self.decisions.meet(*entry, *kind, digest);
        let Some((number, words)) = entry.zip(written.as_ref()) else { return };
        if let Some((commitment, Some(salt))) = self.words.get(&number) {
            let expected = written_into(words).map(|fields| Commitment::new(&salt.of_entry(number), fields));
            if expected != *commitment {
                self.find(format!("the words of the {kind} of entry {number} are not those that were written"));
            }
        }
    }

    fn find(&mut self, finding: String) {
        if self.findings.len() < MOST_FINDINGS {
            self.findings.push(finding);
        }
    }
}

/// Writes the leaf of an entry.
fn write_leaf(entry: &Entry, marks: EntryMarks, writer: &mut FieldWriter) -> Result<(), LedgerError> {
    let signed = |number: u64| {
        let too_large = |_| LedgerError::never(LedgerErrorKind::Corrupt, format!("{number} is no number of a ledger"));
        i64::try_from(number).map_err(too_large)
    };
    let [unit, debit, credit] = [entry.unit.to_string(), entry.debit.to_string(), entry.credit.to_string()];
    let hold = entry.links.hold.map(|hold| hold.to_string());
    let place = entry.links.run.as_ref().map(|run| format!("{}/{}", run.site, run.cluster));
    let run = match (&entry.links.run, &place) {
        (Some(run), Some(place)) => Some(RunLeaf {
            place,
            job: signed(run.scheduler_job.raw())?,
            submitted: run.submitted_at.epoch_seconds(),
            ran: RanLeaf::of(entry),
            content: entry.content.as_ref().map(|content| content.0.as_slice()),
        }),
        _ => None,
    };
    let particulars: &Particulars = &entry.particulars;
    let leaf = EntryLeaf {
        number: signed(entry.number)?,
        kind: entry.kind.as_str(),
        unit: &unit,
        amount: entry.amount.milli(),
        debit: &debit,
        credit: &credit,
        project: entry.project.as_str(),
        effective_at: entry.effective_at.epoch_seconds(),
        recorded_at: entry.recorded_at.epoch_seconds(),
        key: entry.key.as_deref(),
        hold: hold.as_deref(),
        run,
        grant: entry.links.grant.as_deref(),
        reverses: entry.links.reverses.map(signed).transpose()?,
        tariff: entry.tariff.as_ref().map(|tariff| tariff.0.as_str()),
        particulars,
        marks,
    };
    leaf.write(writer);
    Ok(())
}

impl<R: BufRead> Lines<R> {
    /// Reads the next line. Whether there was one.
    fn next(&mut self) -> Result<bool, LedgerError> {
        self.line.clear();
        self.number += 1;
        let read = io::Read::take(&mut self.reader, MAX_LINE_BYTES).read_line(&mut self.line);
        let length = read.map_err(|error| self.wrong(&error.to_string()))?;
        if length as u64 == MAX_LINE_BYTES && !self.line.ends_with('\n') {
            return Err(self.wrong("it is longer than 1 MiB"));
        }
        Ok(length > 0)
    }

    fn wrong(&self, why: &str) -> LedgerError {
        LedgerError::never(LedgerErrorKind::NotALedger, format!("line {} is none of an export: {why}", self.number))
            .while_doing("reading an export")
    }
}
