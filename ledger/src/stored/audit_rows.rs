//! The reading half of an audit: rows become leaves for the hashing thread, and amounts for the replay.
//!
//! Entries of runs are nearly all of a ledger and come in long rows of the same project, unit and accounts: their amounts
//! are added up by what they have in common, and replayed as one. That runs were charged what the table of runs says is
//! compared by sums of keyed hashes, so that memory does not grow with the ledger.

use super::audit::{EVERYTHING, MOST_FINDINGS};
use super::charges;
use super::entry_rows::entry;
use super::leaf_rows::{LEAF, PLAIN, WRITTEN, leaf_of};
use super::reversal_audit::{Refunded, refunds};
use super::row::{StoredRow, unreadable};
use super::tables::{LogTables, Names as _};
use super::usage_audit::UsageAudit;
use crate::evidence::{Commitment, Domain, FieldWriter, PersonMark, written};
use crate::records::Result;
use crate::rules::{Movement, Replay, hour_print};
use crate::{Account, Entry, EntryKind, HoldId, LedgerError, LedgerErrorKind, Verification};
use model::{Amount, JobId, ProjectName, Unit};
use rustc_hash::FxHashMap;
use std::collections::BTreeMap;
use std::hash::RandomState;
use std::sync::Arc;
use std::sync::mpsc::SyncSender;

/// So many leaves go to the hashing thread at once.
const BATCH: usize = 256;

/// A leaf on its way to the hashing thread, with the hash that is stored for it.
pub(super) enum Item {
    /// Of a run, to be written there.
    Plain(PlainRow),
    /// Of anything else.
    Written { leaf: Vec<u8>, number: i64, stored: [u8; 32] },
}

/// The entry of a run that has nothing unusual.
pub(super) struct PlainRow {
    pub(super) number: i64,
    pub(super) amount: i64,
    pub(super) effective_at: i64,
    pub(super) recorded_at: i64,
    pub(super) actor: PersonMark,
    pub(super) person: Option<PersonMark>,
    pub(super) hold: Option<String>,
    pub(super) job: i64,
    pub(super) submitted: i64,
    pub(super) reverses: Option<i64>,
    pub(super) content: Option<[u8; 16]>,
    pub(super) started: Option<i64>,
    pub(super) stored: [u8; 32],
    pub(super) shape: Arc<Shape>,
}

/// The texts that entries have in common.
pub(super) struct Shape {
    pub(super) kind: EntryKind,
    pub(super) unit: String,
    pub(super) debit: String,
    pub(super) credit: String,
    pub(super) project: String,
    pub(super) place: String,
    pub(super) tariff: Option<String>,
    pub(super) partition: Option<String>,
    pub(super) state: Option<String>,
}

/// The same by the numbers of names.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Alike {
    kind: EntryKind,
    unit: i64,
    debit: i64,
    credit: i64,
    project: i64,
    place: i64,
    tariff: Option<i64>,
    partition: Option<i64>,
    state: Option<i64>,
}

/// The sum over entries that are alike, and whether they add to a budget or take from it.
struct Sum {
    alike: Alike,
    shape: Arc<Shape>,
    unit: Unit,
    debit: Account,
    credit: Account,
    project: ProjectName,
    amount: i128,
    sign: i64,
    /// Of the hours in which it was spent.
    print: u128,
}

pub(super) struct Reading<'a, T: LogTables> {
    tables: &'a T,
    sender: SyncSender<Vec<Item>>,
    batch: Vec<Item>,
    writer: FieldWriter,
    replay: Replay,
    places: FxHashMap<Alike, usize>,
    sums: Vec<Sum>,
    latest: usize,
    /// The persons of the last row, by number: rows next to each other often have the same.
    met: [Option<(i64, PersonMark)>; 2],
    seeds: RandomState,
    charged: u128,
    refunded: BTreeMap<Refunded, i128>,
    usage: UsageAudit<'a, T>,
    findings: Vec<String>,
}

impl<'a, T: LogTables> Reading<'a, T> {
    pub(super) fn new(tables: &'a T, older: u64, sender: SyncSender<Vec<Item>>) -> Self {
        Self {
            tables,
            sender,
            batch: Vec::with_capacity(BATCH),
            writer: FieldWriter::new(Domain::Entry),
            replay: Replay::after(older),
            places: FxHashMap::default(),
            sums: Vec::new(),
            latest: 0,
            met: [None; 2],
            seeds: RandomState::new(),
            charged: 0,
            refunded: BTreeMap::new(),
            usage: UsageAudit::new(tables),
            findings: Vec::new(),
        }
    }

    /// Reads everything and compares with what is stored. None where the runs are charged otherwise: which one it is only
    /// a replay with all of them in memory can tell.
    pub(super) fn run(mut self) -> Result<Option<Verification>> {
        let tables = self.tables;
        tables.each_entry(EVERYTHING, |row| self.take(row))?;
        self.send()?;
        for sum in &self.sums {
            let amount = i64::try_from(sum.amount).map_err(|_| model::AmountError::Overflow)?;
            self.replay.move_amount(sum.movement(), Amount::from_milli(amount))?;
            if sum.alike.kind.spends() {
                self.replay.spend(&sum.project, &sum.unit, sum.print);
            }
        }
        // The hashing thread may come to its end meanwhile.
        drop(self.sender);
        let (runs, charged) = charges::stored(tables, &self.seeds)?;
        let is_replica = tables.is_replica()?;
        if (charged != self.charged && !is_replica) || (is_replica && !self.refunded.is_empty()) {
            return Ok(None);
        }
        self.findings.append(&mut refunds(tables, &self.refunded)?);
        for person in tables.all_persons()?.iter().filter(|person| !person.is_itself()) {
            let pseudonym = person.mark.pseudonym;
            self.findings.push(format!("person {pseudonym} is not the one that the entries are about"));
        }
        let mut verification = self.replay.compare(&tables.stored()?)?;
        verification.runs = runs;
        verification.findings.append(&mut self.findings);
        verification.findings.append(&mut self.usage.findings()?);
        Ok(Some(verification))
    }

    /// Takes in one row.
    fn take(&mut self, row: &T::Row<'_>) -> Result<()> {
        if row.flag(PLAIN)? {
            let plain = self.take_run(row)?;
            return self.put(Item::Plain(plain));
        }
        let entry = entry(row, self.tables)?;
        self.check_note(row, &entry)?;
        if entry.links.run.is_some() {
            self.take_run(row)?;
        } else {
            self.replay.apply(&entry)?;
        }
        leaf_of(row, self.tables, &entry.particulars, &mut self.writer)?;
        let leaf = self.writer.as_bytes().to_vec();
        self.put(Item::Written { leaf, number: row.number(0)?, stored: row.fixed(LEAF)? })
    }

    /// Takes in the amount of a run's entry.
    fn take_run(&mut self, row: &T::Row<'_>) -> Result<PlainRow> {
        let (number, amount): (i64, i64) = (row.number(0)?, row.number(3)?);
        self.replay.follow(number.unsigned_abs(), Amount::from_milli(amount), row.instant(8)?);
        let alike = Alike {
            kind: row.kind(1)?,
            unit: row.name(2)?,
            debit: row.name(4)?,
            credit: row.name(5)?,
            project: row.name(6)?,
            place: row.name(12)?,
            tariff: row.name_option(18)?,
            partition: row.name_option(23)?,
            state: row.name_option(24)?,
        };
        let sum = self.sum_of(alike)?;
        sum.amount += i128::from(amount);
        let change = sum.sign.saturating_mul(amount);
        if alike.kind.spends() {
            let spent = Amount::from_milli(change.saturating_neg());
            sum.print = sum.print.wrapping_add(hour_print(row.instant(7)?, spent, spent));
        }
        let shape = Arc::clone(&sum.shape);
        if alike.kind.spends() {
            self.usage.take(row, Amount::from_milli(change.saturating_neg()))?;
        }
        let (job, submitted) = (row.number(13)?, row.number(14)?);
        // What was given back of a charge stands beside it.
        if alike.kind == EntryKind::Refund {
            let refunded = self.refunded.entry(((alike.place, job, submitted), (alike.project, alike.unit)));
            *refunded.or_default() += i128::from(change);
        } else {
            let mark = charges::mark(&self.seeds, (alike.place, job, submitted), change.saturating_neg());
            self.charged = self.charged.wrapping_add(mark);
        }
        let hold = row.text_option(11)?.map(str::to_owned);
        if let Some(hold) = &hold {
            let id: JobId = hold.parse().map_err(unreadable)?;
            self.replay.draw(number.unsigned_abs(), HoldId(id), Amount::from_milli(change))?;
        }
        Ok(PlainRow {
            number,
            amount,
            effective_at: row.number(7)?,
            recorded_at: row.number(8)?,
            actor: self.person(0, row.number(9)?)?,
            person: row.number_option(20)?.map(|number| self.person(1, number)).transpose()?,
            hold,
            job,
            submitted,
            reverses: row.number_option(16)?,
            content: row.fixed_option(21)?,
            started: row.number_option(22)?,
            stored: row.fixed(LEAF)?,
            shape,
        })
    }

    fn person(&mut self, place: usize, number: i64) -> Result<PersonMark> {
        match self.met[place] {
            Some((known, mark)) if known == number => Ok(mark),
            _ => {
                let mark = self.tables.persons().with_number(number)?.mark;
                self.met[place] = Some((number, mark));
                Ok(mark)
            }
        }
    }

    fn sum_of(&mut self, alike: Alike) -> Result<&mut Sum> {
        if self.sums.get(self.latest).is_none_or(|sum| sum.alike != alike) {
            self.latest = if let Some(place) = self.places.get(&alike) {
                *place
            } else {
                self.sums.push(Sum::new(self.tables, alike)?);
                self.places.insert(alike, self.sums.len() - 1);
                self.sums.len() - 1
            };
        }
        Ok(&mut self.sums[self.latest])
    }

    /// What somebody wrote has to be what the leaf's commitment is about.
    fn check_note(&mut self, row: &T::Row<'_>, entry: &Entry) -> Result<()> {
        let commitment = row.fixed_option(WRITTEN)?.map(Commitment::from_bytes);
        let Some(salt) = self.tables.persons().with_number(row.number(9)?)?.salt else { return Ok(()) };
        let expected = written(entry).map(|fields| Commitment::new(&salt.of_entry(entry.number), fields));
        if commitment != expected && self.findings.len() < MOST_FINDINGS {
            self.findings.push(format!("the note of entry {} is not the one that was posted", entry.number));
        }
        Ok(())
    }

    fn put(&mut self, item: Item) -> Result<()> {
        self.batch.push(item);
        if self.batch.len() == BATCH { self.send() } else { Ok(()) }
    }

    fn send(&mut self) -> Result<()> {
        let gone = |_| LedgerError::never(LedgerErrorKind::Bug, "the hashing thread has ended");
        let batch = std::mem::replace(&mut self.batch, Vec::with_capacity(BATCH));
        self.sender.send(batch).map_err(gone)
    }
}

impl Sum {
    fn new(tables: &impl LogTables, alike: Alike) -> Result<Self> {
        let names = tables.names();
        let text = |number: i64| names.text_of(number).map(|text| (*text).to_owned());
        let shape = Shape {
            kind: alike.kind,
            unit: text(alike.unit)?,
            debit: text(alike.debit)?,
            credit: text(alike.credit)?,
            project: text(alike.project)?,
            place: text(alike.place)?,
            tariff: alike.tariff.map(text).transpose()?,
            partition: alike.partition.map(text).transpose()?,
            state: alike.state.map(text).transpose()?,
        };
        let (unit, project) = (names.parsed_of(alike.unit)?, names.parsed_of(alike.project)?);
        let (debit, credit) = (names.parsed_of(alike.debit)?, names.parsed_of(alike.credit)?);
        let mut sum =
            Self { alike, shape: Arc::new(shape), unit, debit, credit, project, amount: 0, sign: 0, print: 0 };
        sum.sign = sum.movement().budget_sign();
        Ok(sum)
    }

    const fn movement(&self) -> Movement<'_> {
        let Self { unit, debit, credit, project, .. } = self;
        Movement { kind: self.alike.kind, unit, debit, credit, project }
    }
}
