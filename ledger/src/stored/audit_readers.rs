//! Who reads the parts of a log: one reader from the first entry to the last, or several, each the part that comes next.

use super::audit_joined::Joined;
use super::audit_part::{Part, PartReader, Seeds};
use super::audit_sums::Sums;
use super::charges;
use super::tables::LogTables;
use crate::records::Result;
use std::collections::BTreeMap;
use std::num::NonZero;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// So many parts may be read for each reader before the first of them is joined.
const AHEAD: u64 = 4;

/// More readers than these wait for the same disk, or the same server.
const MOST_READERS: usize = 4;

/// So many readers beside the first one are worth having here.
pub(crate) fn other_readers() -> usize {
    std::thread::available_parallelism().map_or(1, NonZero::get).min(MOST_READERS) - 1
}

/// Another reader of the state that somebody reads, to be taken to a thread of its own.
pub(crate) trait Reader: Send {
    type Tables<'a>: LogTables;

    /// Reads. The state is let go at the end.
    fn read<O>(self, work: impl FnOnce(&Self::Tables<'_>) -> O) -> O;
}

/// The number of runs that are stored, and what they are charged.
type Charged = (u64, u128);

/// Reads the log from the first entry to the last.
pub(super) fn read_alone<T: LogTables>(
    mut reader: PartReader<'_, T>,
    mut joined: Joined,
    length: u32,
) -> Result<(Joined, Sums)> {
    let (mut after, mut first) = (0, 0);
    loop {
        let part = reader.read(after, first, &joined.sizes, length)?;
        (after, first) = (part.last, first + part.tree.size());
        let is_over = part.tree.size() < u64::from(length);
        joined.join(part)?;
        if is_over {
            return Ok((joined, reader.end()));
        }
    }
}

/// Has the log read by several, and the runs. None where there is one reader only, or anything is out of the ordinary:
/// numbers that are missing, a row that cannot be read.
pub(super) fn read_together<T: LogTables, R: Reader>(
    tables: &T,
    others: Vec<R>,
    joined: Joined,
    seeds: &Seeds,
    length: u32,
) -> Option<(Joined, Sums, Charged)> {
    if others.is_empty() {
        return None;
    }
    let desk = &Desk::new(joined, length, others.len() as u64 + 1);
    let (sums, charged) = std::thread::scope(|scope| {
        let reading = |other: R| scope.spawn(move || other.read(|tables| desk.serve(PartReader::new(tables, seeds))));
        let reading: Vec<_> = others.into_iter().map(reading).collect();
        let charged = charges::stored(tables, &seeds.charges);
        let mut sums = desk.serve(PartReader::new(tables, seeds));
        for thread in reading {
            // One that panicked has had everybody give up.
            if let Ok(more) = thread.join() {
                sums.add(more);
            }
        }
        (sums, charged)
    });
    let joined = desk.take()?;
    Some((joined, sums, charged.ok()?))
}

/// Where readers get their parts from and bring them to.
struct Desk {
    length: u32,
    ahead: u64,
    sizes: Vec<u64>,
    state: Mutex<State>,
    moved: Condvar,
}

struct State {
    /// The part that is given out next.
    next: u64,
    /// The part that is joined next.
    awaited: u64,
    /// Parts that came before their turn.
    early: BTreeMap<u64, Part>,
    /// Nothing once it was given up.
    joined: Option<Joined>,
    /// Whether a part came that the log ends with.
    is_over: bool,
}

impl Desk {
    fn new(joined: Joined, length: u32, readers: u64) -> Self {
        let sizes = joined.sizes.clone();
        let state = State { next: 0, awaited: 0, early: BTreeMap::new(), joined: Some(joined), is_over: false };
        Self { length, ahead: AHEAD * readers, sizes, state: Mutex::new(state), moved: Condvar::new() }
    }

    /// Reads part after part until none is left.
    fn serve<T: LogTables>(&self, mut reader: PartReader<'_, T>) -> Sums {
        let _leaving = Leaving(self);
        while let Some(number) = self.claim() {
            let first = number * u64::from(self.length);
            match reader.read(first, first, &self.sizes, self.length) {
                Ok(part) => self.bring(number, part),
                Err(_) => self.give_up(),
            }
        }
        reader.end()
    }

    /// The next part to be read; none where all are. Whoever is far ahead of the others waits for them: the one who reads
    /// what is awaited never does.
    fn claim(&self) -> Option<u64> {
        let mut state = self.lock();
        while state.is_wanted() && state.next - state.awaited >= self.ahead {
            state = self.moved.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.is_wanted().then(|| {
            state.next += 1;
            state.next - 1
        })
    }

    /// Takes a part, and joins what has its turn.
    fn bring(&self, number: u64, part: Part) {
        let mut state = self.lock();
        state.early.insert(number, part);
        loop {
            let awaited = state.awaited;
            let Some(part) = state.early.remove(&awaited) else { break };
            state.awaited += 1;
            state.join(awaited, part, self.length);
        }
        self.moved.notify_all();
    }

    fn give_up(&self) {
        self.lock().joined = None;
        self.moved.notify_all();
    }

    /// All of it, where nobody gave up.
    fn take(&self) -> Option<Joined> {
        self.lock().joined.take()
    }

    /// A reader that panicked while it joined has left nothing joined behind.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Has nobody wait for a reader that panicked.
struct Leaving<'a>(&'a Desk);

impl Drop for Leaving<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.give_up();
        }
    }
}

impl State {
    const fn is_wanted(&self) -> bool {
        self.joined.is_some() && !self.is_over
    }

    /// Joins a part. One that does not have the numbers that it would have in a whole log is the end of reading together.
    fn join(&mut self, number: u64, part: Part, length: u32) {
        let (size, length) = (part.tree.size(), u64::from(length));
        let is_whole = part.last == number * length + size && (size == 0 || !self.is_over);
        self.is_over |= size < length;
        self.joined = self.joined.take().filter(|_| is_whole).and_then(|mut joined| {
            // Parts behind the end were given out before anybody knew where that is.
            if size > 0 {
                joined.join(part).ok()?;
            }
            Some(joined)
        });
    }
}
