//! The leaf of an entry: which fields, in which order.
//!
//! This order is the format `pakt/entry/v1` (docs/reference/evidence.md). It changes only with its number.

use super::{Commitment, Domain, FieldWriter, Pseudonym};
use crate::{CloseReason, DecidedLeaf, Entry, Particulars};
use model::{PartitionName, Window};

/// A person as leaves have them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PersonMark {
    /// Which person.
    pub pseudonym: Pseudonym,
    /// To the person's site and user name.
    pub commitment: Commitment,
}

/// What stands in a leaf in place of what is personal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EntryMarks {
    /// Who posted it.
    pub actor: PersonMark,
    /// Whose run it is.
    pub person: Option<PersonMark>,
    /// To what the actor wrote: note and reason; none where nothing was written.
    pub note: Option<Commitment>,
}

/// The fields of a leaf, as texts and numbers that lie elsewhere.
#[derive(Clone, Copy, Debug)]
pub(crate) struct EntryLeaf<'a> {
    pub(crate) number: i64,
    pub(crate) kind: &'a str,
    pub(crate) unit: &'a str,
    pub(crate) amount: i64,
    pub(crate) debit: &'a str,
    pub(crate) credit: &'a str,
    pub(crate) project: &'a str,
    pub(crate) effective_at: i64,
    pub(crate) recorded_at: i64,
    pub(crate) key: Option<&'a str>,
    pub(crate) hold: Option<&'a str>,
    pub(crate) run: Option<RunLeaf<'a>>,
    pub(crate) grant: Option<&'a str>,
    pub(crate) reverses: Option<i64>,
    pub(crate) tariff: Option<&'a str>,
    pub(crate) particulars: &'a Particulars,
    pub(crate) marks: EntryMarks,
}

/// The run of an entry.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RunLeaf<'a> {
    /// `site/cluster`: a site's name has no `/`.
    pub(crate) place: &'a str,
    pub(crate) job: i64,
    pub(crate) submitted: i64,
    pub(crate) ran: Option<RanLeaf<'a>>,
    /// The keyed digest of what was read.
    pub(crate) content: Option<&'a [u8]>,
}

/// How it went.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RanLeaf<'a> {
    pub(crate) started: i64,
    pub(crate) partition: Option<&'a str>,
    pub(crate) state: &'a str,
}

impl<'a> RanLeaf<'a> {
    /// Of an entry that has it.
    pub(crate) fn of(entry: &'a Entry) -> Option<Self> {
        let ran = entry.ran.as_ref()?;
        Some(Self {
            started: ran.started_at.epoch_seconds(),
            partition: ran.partition.as_ref().map(PartitionName::as_str),
            state: ran.end_state.as_str(),
        })
    }
}

impl EntryLeaf<'_> {
    /// Writes the canonical bytes, in the memory of the writer.
    pub(crate) fn write(&self, writer: &mut FieldWriter) {
        writer.restart(Domain::Entry);
        writer.put_integer(self.number).put_text(self.kind).put_text(self.unit).put_integer(self.amount);
        writer.put_text(self.debit).put_text(self.credit).put_text(self.project);
        writer.put_integer(self.effective_at).put_integer(self.recorded_at);
        put_person(writer, &self.marks.actor);
        put_text(writer, self.key);
        put_text(writer, self.hold);
        writer.put_list(self.run, |writer, run| {
            writer.put_text(run.place).put_integer(run.job).put_integer(run.submitted);
            writer.put_list(self.marks.person, |writer, person| put_person(writer, &person));
            writer.put_list(run.ran, |writer, ran| {
                writer.put_integer(ran.started);
                put_text(writer, ran.partition);
                writer.put_text(ran.state);
            });
            writer.put_option(run.content, |writer, content| {
                writer.put_bytes(content);
            });
        });
        put_text(writer, self.grant);
        writer.put_option(self.reverses, |writer, number| {
            writer.put_integer(number);
        });
        put_text(writer, self.tariff);
        put_particulars(writer, self.particulars);
        writer.put_option(self.marks.note, |writer, note| {
            writer.put_bytes(note.as_bytes());
        });
    }
}

fn put_text(writer: &mut FieldWriter, text: Option<&str>) {
    writer.put_option(text, |writer, text| {
        writer.put_text(text);
    });
}

fn put_person(writer: &mut FieldWriter, person: &PersonMark) {
    writer.put_bytes(person.pseudonym.as_bytes()).put_bytes(person.commitment.as_bytes());
}

fn put_particulars(writer: &mut FieldWriter, particulars: &Particulars) {
    match particulars {
        Particulars::None => writer.put_nothing(),
        Particulars::Opening { used, since } => {
            writer.put_text("opening").put_integer(used.milli()).put_option(*since, |writer, since| {
                writer.put_integer(since.epoch_seconds());
            })
        }
        Particulars::Lot { ends_at } => writer.put_text("lot").put_integer(ends_at.epoch_seconds()),
        Particulars::Lots { ends_at, lots } => {
            writer.put_text("lots").put_integer(ends_at.epoch_seconds()).put_list(lots, |writer, lot| {
                writer.put_integer(lot.amount.milli());
                writer.put_integer(lot.period.from.epoch_seconds()).put_integer(lot.period.to.epoch_seconds());
            })
        }
        Particulars::OfLot { number } => writer.put_text("of-lot").put_integer((*number).into()),
        // The reason is somebody's own words and stands in the note's commitment.
        Particulars::Terms { anyway, is_provisional, expected } => {
            let kind = if expected.is_some() { "terms-expected" } else { "terms" };
            writer.put_text(kind).put_integer(anyway.is_some().into()).put_integer((*is_provisional).into());
            if let Some(Window { from, to }) = expected {
                writer.put_integer(from.epoch_seconds()).put_integer(to.epoch_seconds());
            }
            writer
        }
        Particulars::Closing { reason } => writer.put_text("closing").put_text(word(*reason)),
        Particulars::Decided(DecidedLeaf { kind, digest, replaces, .. }) => {
            writer.put_text("decided").put_text(kind.as_str()).put_bytes(digest.as_bytes()).put_list(
                replaces,
                |writer, entry| {
                    // A number beyond is none of a ledger, and no other entry's either.
                    writer.put_integer(i64::try_from(*entry).unwrap_or(i64::MAX));
                },
            )
        }
    };
}

const fn word(reason: CloseReason) -> &'static str {
    match reason {
        CloseReason::Finished => "finished",
        CloseReason::NeverStarted => "never-started",
        CloseReason::Cancelled => "cancelled",
        CloseReason::Lost => "lost",
        CloseReason::Undone => "undone",
    }
}

/// What the actor wrote into an entry, for the commitment; none where nothing was written.
pub(crate) fn written(entry: &Entry) -> Option<Vec<Option<&str>>> {
    let anyway = match &entry.particulars {
        Particulars::Terms { anyway, .. } => anyway.as_deref(),
        Particulars::Decided(decided) => return written_into(&decided.written),
        _ => None,
    };
    (!entry.note.is_empty() || anyway.is_some()).then(|| vec![Some(entry.note.as_str()), anyway])
}

/// The same of a decision.
pub(crate) fn written_into(texts: &[Option<String>]) -> Option<Vec<Option<&str>>> {
    texts.iter().any(Option::is_some).then(|| texts.iter().map(Option::as_deref).collect())
}
