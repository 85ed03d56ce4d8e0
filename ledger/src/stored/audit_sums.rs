//! What can be added up in any order. Entries of runs are nearly all of a ledger and come in long rows of the same
//! project, unit and accounts: their amounts are added up by what they have in common, and replayed as one. That runs were
//! charged what the table of runs says is compared by sums of keyed hashes, so that memory does not grow with the ledger.

use super::reversal_audit::Refunded;
use super::tables::{LogTables, Names as _};
use super::usage_tables::Prints;
use crate::records::Result;
use crate::rules::{Movement, Replay};
use crate::{Account, EntryKind};
use model::{Amount, ProjectName, Unit};
use rustc_hash::FxHashMap;
use std::collections::BTreeMap;

/// The sums of one reader, or of all.
#[derive(Default)]
pub(super) struct Sums {
    places: FxHashMap<Alike, usize>,
    of_alike: Vec<Sum>,
    latest: usize,
    /// The marks of what runs were charged.
    pub(super) charged: u128,
    /// What was given back of runs.
    pub(super) refunded: BTreeMap<Refunded, i128>,
}

/// What entries of runs have in common, by the numbers of names.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Alike {
    pub(super) kind: EntryKind,
    pub(super) unit: i64,
    pub(super) debit: i64,
    pub(super) credit: i64,
    pub(super) project: i64,
    pub(super) place: i64,
    pub(super) tariff: Option<i64>,
    pub(super) partition: Option<i64>,
    pub(super) state: Option<i64>,
}

/// The same as texts, for leaves.
pub(super) struct Shape {
    pub(super) unit: String,
    pub(super) debit: String,
    pub(super) credit: String,
    pub(super) project: String,
    pub(super) place: String,
    pub(super) tariff: Option<String>,
    pub(super) partition: Option<String>,
    pub(super) state: Option<String>,
}

/// The sum over entries that are alike, and whether they add to a budget or take from it.
pub(super) struct Sum {
    alike: Alike,
    pub(super) shape: Shape,
    unit: Unit,
    debit: Account,
    credit: Account,
    project: ProjectName,
    pub(super) amount: i128,
    pub(super) sign: i64,
    /// Of the hours in which it was spent.
    pub(super) print: u128,
    /// Of the days and runs that used it.
    pub(super) used: u128,
    /// Of what runs over midnights had taken by then.
    pub(super) nights: u128,
}

impl Sums {
    /// The sum of entries like this one.
    pub(super) fn of(&mut self, tables: &impl LogTables, alike: Alike) -> Result<&mut Sum> {
        if self.of_alike.get(self.latest).is_none_or(|sum| sum.alike != alike) {
            self.latest = match self.places.get(&alike) {
                Some(place) => *place,
                None => self.put(Sum::new(tables, alike)?),
            };
        }
        Ok(&mut self.of_alike[self.latest])
    }

    fn put(&mut self, sum: Sum) -> usize {
        self.places.insert(sum.alike, self.of_alike.len());
        self.of_alike.push(sum);
        self.of_alike.len() - 1
    }

    /// Adds what was given back of a run.
    pub(super) fn give_back(&mut self, of: Refunded, amount: i128) {
        *self.refunded.entry(of).or_default() += amount;
    }

    /// Adds those of another reader of the same tables.
    pub(super) fn add(&mut self, more: Self) {
        self.charged = self.charged.wrapping_add(more.charged);
        for (of, amount) in more.refunded {
            self.give_back(of, amount);
        }
        for sum in more.of_alike {
            let Some(place) = self.places.get(&sum.alike) else {
                self.put(sum);
                continue;
            };
            let known = &mut self.of_alike[*place];
            known.amount += sum.amount;
            known.print = known.print.wrapping_add(sum.print);
            known.used = known.used.wrapping_add(sum.used);
            known.nights = known.nights.wrapping_add(sum.nights);
        }
    }

    /// Replays each sum as one entry.
    pub(super) fn replay(&self, replay: &mut Replay) -> Result<()> {
        for sum in &self.of_alike {
            let amount = i64::try_from(sum.amount).map_err(|_| model::AmountError::Overflow)?;
            replay.move_amount(sum.movement(), Amount::from_milli(amount))?;
            if sum.alike.kind.spends() {
                replay.spend(&sum.project, &sum.unit, sum.print);
            }
        }
        Ok(())
    }

    /// What the entries say of usage: by days, and over midnights.
    pub(super) fn usage(&self) -> [Prints; 2] {
        let [mut days, mut nights] = [Prints::new(), Prints::new()];
        for sum in self.of_alike.iter().filter(|sum| sum.alike.kind.spends()) {
            for (prints, more) in [(&mut days, sum.used), (&mut nights, sum.nights)] {
                let print = prints.entry((sum.alike.project, sum.alike.unit)).or_default();
                *print = print.wrapping_add(more);
            }
        }
        [days, nights]
    }
}

impl Sum {
    fn new(tables: &impl LogTables, alike: Alike) -> Result<Self> {
        let names = tables.names();
        let text = |number: i64| names.text_of(number).map(|text| (*text).to_owned());
        let shape = Shape {
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
            Self { alike, shape, unit, debit, credit, project, amount: 0, sign: 0, print: 0, used: 0, nights: 0 };
        sum.sign = sum.movement().budget_sign();
        Ok(sum)
    }

    const fn movement(&self) -> Movement<'_> {
        let Self { unit, debit, credit, project, .. } = self;
        Movement { kind: self.alike.kind, unit, debit, credit, project }
    }
}
