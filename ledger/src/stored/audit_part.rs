//! One part of the log: its rows become leaves and are hashed, and what is to be replayed in order is noted.

use super::audit::MOST_FINDINGS;
use super::audit_sums::{Alike, Shape, Sums};
use super::charges;
use super::entry_rows::entry;
use super::leaf_rows::{LEAF, PLAIN, WRITTEN, leaf_of};
use super::row::{StoredRow, unreadable};
use super::tables::LogTables;
use super::usage_audit::UsageAudit;
use super::usage_tables::Dimensions;
use crate::evidence::{
    Commitment, Domain, EntryLeaf, EntryMarks, FieldWriter, PersonMark, RanLeaf, RunLeaf, TreePart, written,
};
use crate::records::Result;
use crate::rules::hour_print;
use crate::{Entry, EntryKind, EntryPage, HoldId, Particulars};
use model::{Amount, JobId, Timestamp, Window};
use std::hash::RandomState;

/// What keyed sums are keyed with: all readers have the same.
#[derive(Default)]
pub(super) struct Seeds {
    pub(super) charges: RandomState,
    pub(super) usage: RandomState,
}

/// What was read of entries that follow each other.
pub(super) struct Part {
    /// The number of the last one; that before the first where there is none.
    pub(super) last: u64,
    pub(super) tree: TreePart,
    pub(super) steps: Vec<Step>,
    /// A sentence for each note that is not the one that was posted.
    pub(super) notes: Vec<String>,
    /// The entries that are not those that their leaves were made of.
    pub(super) unlike: Vec<i64>,
}

/// What a replay does with entries, in their order.
pub(super) enum Step {
    /// Entries of runs whose amounts are added up elsewhere, without a gap, none recorded before the one before it.
    Follow { first: (u64, Timestamp), last: (u64, Timestamp) },
    /// One with a negative amount.
    Less { number: u64, amount: Amount, recorded_at: Timestamp },
    /// A run's entry takes from a hold.
    Draw { number: u64, hold: HoldId, change: Amount },
    /// An entry of anything else.
    Entry(Box<Entry>),
}

/// A reader of parts, with the sums over all that it has read.
pub(super) struct PartReader<'a, T: LogTables> {
    tables: &'a T,
    seeds: &'a Seeds,
    writer: FieldWriter,
    sums: Sums,
    usage: UsageAudit<'a, T>,
    /// The persons of the last row, by number: rows next to each other often have the same.
    met: [Option<(i64, PersonMark)>; 2],
}

impl<'a, T: LogTables> PartReader<'a, T> {
    pub(super) fn new(tables: &'a T, seeds: &'a Seeds) -> Self {
        Self {
            tables,
            seeds,
            writer: FieldWriter::new(Domain::Entry),
            sums: Sums::default(),
            usage: UsageAudit::new(tables, &seeds.usage),
            met: [None; 2],
        }
    }

    /// Reads at most `length` entries behind a number; `first` entries stand before them. Checkpoints are of these sizes.
    pub(super) fn read(&mut self, after: u64, first: u64, sizes: &[u64], length: u32) -> Result<Part> {
        let tree = TreePart::new(first, sizes);
        let mut part = Part { last: after, tree, steps: Vec::new(), notes: Vec::new(), unlike: Vec::new() };
        self.tables.each_entry(EntryPage { after, limit: length }, |row| self.take(row, &mut part))?;
        Ok(part)
    }

    /// The sums.
    pub(super) fn end(self) -> Sums {
        self.sums
    }

    /// Takes in one row.
    fn take(&mut self, row: &T::Row<'_>, part: &mut Part) -> Result<()> {
        if row.flag(PLAIN)? {
            self.take_run(row, part)?;
        } else {
            let entry = entry(row, self.tables)?;
            self.check_note(row, &entry, part)?;
            let particulars = entry.particulars.clone();
            if entry.links.run.is_some() {
                self.take_run(row, part)?;
            } else {
                part.steps.push(Step::Entry(Box::new(entry)));
            }
            leaf_of(row, self.tables, &particulars, &mut self.writer)?;
        }
        let (number, leaf) = (row.number(0)?, self.writer.leaf_hash());
        if *leaf.as_bytes() != row.fixed(LEAF)? && part.unlike.len() < MOST_FINDINGS {
            part.unlike.push(number);
        }
        part.last = number.unsigned_abs();
        part.tree.append(leaf);
        Ok(())
    }

    /// Takes in the entry of a run, and writes its leaf as that of one that has nothing unusual.
    fn take_run(&mut self, row: &T::Row<'_>, part: &mut Part) -> Result<()> {
        let run = RunRow::read(row)?;
        let actor = self.person(0, row.number(9)?)?;
        let person = run.person.map(|number| self.person(1, number)).transpose()?;
        let recorded_at = Timestamp::from_epoch_seconds(run.recorded_at);
        part.follow(run.number.unsigned_abs(), Amount::from_milli(run.amount), recorded_at);
        let sum = self.sums.of(self.tables, run.alike)?;
        let change = sum.sign.saturating_mul(run.amount);
        sum.amount += i128::from(run.amount);
        if run.alike.kind.spends() {
            let spent = Amount::from_milli(change.saturating_neg());
            let effective_at = Timestamp::from_epoch_seconds(run.effective_at);
            sum.print = sum.print.wrapping_add(hour_print(effective_at, spent, spent));
            if let Some(used) = run.used() {
                let Alike { unit, project, place, .. } = run.alike;
                sum.nights = sum.nights.wrapping_add(self.usage.nights([project, unit, place], used, spent)?);
                if let Some(dimensions) = run.dimensions()? {
                    sum.used = sum.used.wrapping_add(self.usage.days(dimensions, used, spent)?);
                }
            }
        }
        run.write(&sum.shape, actor, person, &mut self.writer);
        if let Some(hold) = run.hold {
            let hold = HoldId(hold.parse::<JobId>().map_err(unreadable)?);
            let number = run.number.unsigned_abs();
            part.steps.push(Step::Draw { number, hold, change: Amount::from_milli(change) });
        }
        let key = (run.alike.place, run.job, run.submitted);
        // What was given back of a charge stands beside it.
        if run.alike.kind == EntryKind::Refund {
            self.sums.give_back((key, (run.alike.project, run.alike.unit)), i128::from(change));
        } else {
            let mark = charges::mark(&self.seeds.charges, key, change.saturating_neg());
            self.sums.charged = self.sums.charged.wrapping_add(mark);
        }
        Ok(())
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

    /// What somebody wrote has to be what the leaf's commitment is about.
    fn check_note(&self, row: &T::Row<'_>, entry: &Entry, part: &mut Part) -> Result<()> {
        let commitment = row.fixed_option(WRITTEN)?.map(Commitment::from_bytes);
        let is_as_posted = if entry.kind == EntryKind::Decide {
            // What a decision says lies elsewhere, and is looked at there: nothing is written beside its amounts.
            entry.note.is_empty()
        } else {
            let Some(salt) = self.tables.persons().with_number(row.number(9)?)?.salt else { return Ok(()) };
            commitment == written(entry).map(|fields| Commitment::new(&salt.of_entry(entry.number), fields))
        };
        if !is_as_posted && part.notes.len() < MOST_FINDINGS {
            part.notes.push(format!("the note of entry {} is not the one that was posted", entry.number));
        }
        Ok(())
    }
}

impl Part {
    /// Notes the order of a run's entry.
    fn follow(&mut self, number: u64, amount: Amount, recorded_at: Timestamp) {
        let this = (number, recorded_at);
        match self.steps.last_mut() {
            _ if amount < Amount::ZERO => self.steps.push(Step::Less { number, amount, recorded_at }),
            Some(Step::Follow { last, .. }) if last.0 + 1 == number && last.1 <= recorded_at => *last = this,
            _ => self.steps.push(Step::Follow { first: this, last: this }),
        }
    }
}

/// The columns of a run's entry.
struct RunRow<'a> {
    number: i64,
    amount: i64,
    effective_at: i64,
    recorded_at: i64,
    alike: Alike,
    job: i64,
    submitted: i64,
    started: Option<i64>,
    person: Option<i64>,
    reverses: Option<i64>,
    hold: Option<&'a str>,
    content: Option<[u8; 16]>,
}

impl<'a> RunRow<'a> {
    fn read(row: &'a impl StoredRow) -> Result<Self> {
        Ok(Self {
            number: row.number(0)?,
            amount: row.number(3)?,
            effective_at: row.number(7)?,
            recorded_at: row.number(8)?,
            alike: Alike {
                kind: row.kind(1)?,
                unit: row.name(2)?,
                debit: row.name(4)?,
                credit: row.name(5)?,
                project: row.name(6)?,
                place: row.name(12)?,
                tariff: row.name_option(18)?,
                partition: row.name_option(23)?,
                state: row.name_option(24)?,
            },
            job: row.number(13)?,
            submitted: row.number(14)?,
            started: row.number_option(22)?,
            person: row.number_option(20)?,
            reverses: row.number_option(16)?,
            hold: row.text_option(11)?,
            content: row.fixed_option(21)?,
        })
    }

    /// Over which time it ran; none where it is not known when it started.
    fn used(&self) -> Option<Window> {
        let [from, to] = [self.started?, self.effective_at].map(Timestamp::from_epoch_seconds);
        Some(Window { from, to })
    }

    /// What usage of a run that started is summed by; none where it is not known whose it was.
    fn dimensions(&self) -> Result<Option<Dimensions>> {
        let Some(person) = self.person else { return Ok(None) };
        let Alike { unit, project, place, partition, state, .. } = self.alike;
        let state = state.ok_or_else(|| unreadable("a run that started has no state"))?;
        Ok(Some([unit, project, person, place, partition.unwrap_or_default(), state]))
    }

    /// Writes the leaf.
    fn write(&self, shape: &Shape, actor: PersonMark, person: Option<PersonMark>, writer: &mut FieldWriter) {
        let (partition, state) = (shape.partition.as_deref(), shape.state.as_deref());
        let ran = self.started.zip(state).map(|(started, state)| RanLeaf { started, partition, state });
        let content = self.content.as_ref().map(<[u8; 16]>::as_slice);
        let run = RunLeaf { place: &shape.place, job: self.job, submitted: self.submitted, ran, content };
        let leaf = EntryLeaf {
            number: self.number,
            kind: self.alike.kind.as_str(),
            unit: &shape.unit,
            amount: self.amount,
            debit: &shape.debit,
            credit: &shape.credit,
            project: &shape.project,
            effective_at: self.effective_at,
            recorded_at: self.recorded_at,
            key: None,
            hold: self.hold,
            run: Some(run),
            grant: None,
            reverses: self.reverses,
            tariff: shape.tariff.as_deref(),
            particulars: &Particulars::None,
            marks: EntryMarks { actor, person, note: None },
        };
        leaf.write(writer);
    }
}
