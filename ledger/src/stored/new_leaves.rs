//! The hashes of new entries' leaves. They need no tables, so that another thread can make them.

use super::entry_rows::{place, signed};
use super::log::Marked;
use crate::evidence::{Domain, EntryLeaf, FieldWriter, RanLeaf, RunLeaf, TreeHash};
use crate::records::Result;
use crate::{Account, Entry};
use model::{ClusterName, RunKey, SiteName, Unit};
use rustc_hash::FxHashMap;

/// Makes leaves, and keeps the texts that many have in common.
struct LeafMaker {
    writer: FieldWriter,
    units: FxHashMap<Unit, String>,
    accounts: FxHashMap<Account, String>,
    place: Option<(SiteName, ClusterName, String)>,
}

/// The hash of each entry's leaf, in their order.
pub(crate) fn leaf_hashes<'a>(
    entries: &'a [Entry],
    marked: &'a [Marked],
) -> impl Iterator<Item = Result<TreeHash>> + 'a {
    let mut maker = LeafMaker {
        writer: FieldWriter::new(Domain::Entry),
        units: FxHashMap::default(),
        accounts: FxHashMap::default(),
        place: None,
    };
    entries.iter().zip(marked).map(move |(entry, marked)| maker.hash(entry, marked))
}

impl LeafMaker {
    fn hash(&mut self, entry: &Entry, marked: &Marked) -> Result<TreeHash> {
        self.learn(entry);
        let Self { writer, units, accounts, place } = self;
        let text_of = |account: &Account| accounts.get(account).map_or("", String::as_str);
        let hold = entry.links.hold.map(|hold| hold.to_string());
        let place = place.as_ref().map_or("", |(_, _, text)| text);
        let leaf = EntryLeaf {
            number: signed(entry.number)?,
            kind: entry.kind.as_str(),
            unit: units.get(&entry.unit).map_or("", String::as_str),
            amount: entry.amount.milli(),
            debit: text_of(&entry.debit),
            credit: text_of(&entry.credit),
            project: entry.project.as_str(),
            effective_at: entry.effective_at.epoch_seconds(),
            recorded_at: entry.recorded_at.epoch_seconds(),
            key: entry.key.as_deref(),
            hold: hold.as_deref(),
            run: entry.links.run.as_ref().map(|run| run_leaf(entry, run, place)).transpose()?,
            grant: entry.links.grant.as_deref(),
            reverses: entry.links.reverses.map(signed).transpose()?,
            tariff: entry.tariff.as_ref().map(|tariff| tariff.0.as_str()),
            particulars: &entry.particulars,
            marks: marked.marks,
        };
        leaf.write(writer);
        Ok(writer.leaf_hash())
    }

    /// Keeps the texts that the leaf of an entry has.
    fn learn(&mut self, entry: &Entry) {
        if !self.units.contains_key(&entry.unit) {
            self.units.insert(entry.unit.clone(), entry.unit.to_string());
        }
        for account in [&entry.debit, &entry.credit] {
            if !self.accounts.contains_key(account) {
                self.accounts.insert(account.clone(), account.to_string());
            }
        }
        let Some(run) = &entry.links.run else { return };
        let is_known =
            |(site, cluster, _): &(SiteName, ClusterName, String)| *site == run.site && *cluster == run.cluster;
        if !self.place.as_ref().is_some_and(is_known) {
            self.place = Some((run.site.clone(), run.cluster.clone(), place(run)));
        }
    }
}

fn run_leaf<'a>(entry: &'a Entry, run: &RunKey, place: &'a str) -> Result<RunLeaf<'a>> {
    Ok(RunLeaf {
        place,
        job: signed(run.scheduler_job.raw())?,
        submitted: run.submitted_at.epoch_seconds(),
        ran: RanLeaf::of(entry),
        content: entry.content.as_ref().map(|content| content.0.as_slice()),
    })
}
