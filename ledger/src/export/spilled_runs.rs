//! The entries of more runs than are kept in memory: in files without a name, which go away with the process. All entries of a run
//! are in the same part, in their order, and a part is small enough to be looked at as a whole.

use crate::rules::{RunAgreement, RunEntry};
use crate::{Entry, LedgerError, LedgerErrorKind, Retry};
use model::{Amount, ClusterName, RunKey, SchedulerJobId, SiteName, Timestamp};
use std::collections::HashMap;
use std::fs::File;
use std::hash::{BuildHasher as _, RandomState};
use std::io::{self, BufReader, BufWriter, Read, Seek, Write};

/// Up to so many entries are kept in memory.
const MOST_AT_ONCE: usize = 100_000;
/// A hundred million entries are one and a half million a part.
const FILES: usize = 64;
/// So much of each part is written or read at once.
const BUFFER: usize = 16 * 1024;
/// Number, place, job, submit time, flags, change, what is reversed, print.
const LENGTH: usize = 8 + 8 + 8 + 8 + 8 + 8 + 8 + 8;

/// A run: its place among the places met, the scheduler's id, and when it was submitted.
type Run = (u64, u64, i64);

/// Entries by the digests of their runs.
#[derive(Debug, Default)]
pub(super) struct SpilledRuns {
    seeds: RandomState,
    places: Vec<(SiteName, ClusterName)>,
    numbers: HashMap<(SiteName, ClusterName), u64>,
    kept: Vec<(Run, RunEntry)>,
    files: Vec<BufWriter<File>>,
}

/// What the entries of all runs say together.
#[derive(Debug)]
pub(super) struct Agreed {
    /// How many runs were charged something.
    pub(super) runs: u64,
    pub(super) findings: Vec<String>,
}

impl SpilledRuns {
    /// Adds an entry, where it is a run's.
    pub(super) fn add(&mut self, entry: &Entry) -> Result<(), LedgerError> {
        let Some(key) = &entry.links.run else { return Ok(()) };
        let run = (self.place(key), key.scheduler_job.raw(), key.submitted_at.epoch_seconds());
        self.keep(run, RunEntry::of(entry, &self.seeds)?, MOST_AT_ONCE)
    }

    /// Keeps an entry, up to `most` of them in memory.
    fn keep(&mut self, run: Run, of_run: RunEntry, most: usize) -> Result<(), LedgerError> {
        if self.files.is_empty() {
            self.kept.push((run, of_run));
            if self.kept.len() <= most {
                return Ok(());
            }
            let file = |_| tempfile::tempfile().map(|file| BufWriter::with_capacity(BUFFER, file));
            self.files = (0..FILES).map(file).collect::<io::Result<_>>().map_err(|error| not_spilled(&error))?;
            for (run, of_run) in std::mem::take(&mut self.kept) {
                self.write(run, of_run)?;
            }
            return Ok(());
        }
        self.write(run, of_run)
    }

    /// Looks at all of them.
    pub(super) fn finish(mut self) -> Result<Agreed, LedgerError> {
        let mut agreed = Agreed { runs: 0, findings: Vec::new() };
        let kept = std::mem::take(&mut self.kept);
        self.look(kept.into_iter().map(Ok), &mut agreed)?;
        for mut file in std::mem::take(&mut self.files) {
            let mut begin = || {
                file.flush()?;
                let count = file.stream_position()? / LENGTH as u64;
                file.rewind()?;
                Ok(count)
            };
            let count = begin().map_err(|error| not_spilled(&error))?;
            let mut reader = BufReader::with_capacity(BUFFER, file.get_ref());
            self.look((0..count).map(|_| read(&mut reader)), &mut agreed)?;
        }
        Ok(agreed)
    }

    fn look(
        &self,
        entries: impl Iterator<Item = io::Result<(Run, RunEntry)>>,
        agreed: &mut Agreed,
    ) -> Result<(), LedgerError> {
        let mut agreement = RunAgreement::default();
        for entry in entries {
            let (run, entry) = entry.map_err(|error| not_spilled(&error))?;
            agreed.findings.append(&mut agreement.take(&run, entry, |run| self.key(*run))?);
        }
        agreed.findings.append(&mut agreement.finish(|run| self.key(*run)));
        agreed.runs += agreement.charged().len() as u64;
        Ok(())
    }

    fn write(&mut self, run: Run, entry: RunEntry) -> Result<(), LedgerError> {
        // The remainder is below the number of files.
        let part = usize::try_from(self.seeds.hash_one(run) % FILES as u64).unwrap_or_default();
        self.files[part].write_all(&written(run, entry)).map_err(|error| not_spilled(&error))
    }

    fn place(&mut self, key: &RunKey) -> u64 {
        let place = (key.site.clone(), key.cluster.clone());
        let next = self.places.len() as u64;
        let number = *self.numbers.entry(place.clone()).or_insert(next);
        if number == next {
            self.places.push(place);
        }
        number
    }

    fn key(&self, (place, job, submitted): Run) -> RunKey {
        // Only numbers of places that were met are written.
        let (site, cluster) = self.places[usize::try_from(place).unwrap_or_default()].clone();
        let submitted_at = Timestamp::from_epoch_seconds(submitted);
        RunKey { site, cluster, scheduler_job: SchedulerJobId::new(job), submitted_at }
    }
}

fn written((place, job, submitted): Run, entry: RunEntry) -> [u8; LENGTH] {
    let RunEntry { number, is_refund, moves, change, reverses, print } = entry;
    let flags = u64::from(is_refund) | u64::from(moves) << 1 | u64::from(reverses.is_some()) << 2;
    let change = change.milli().cast_unsigned();
    let numbers = [number, place, job, submitted.cast_unsigned(), flags, change, reverses.unwrap_or_default(), print];
    let mut bytes = [0; LENGTH];
    for (place, number) in bytes.chunks_exact_mut(8).zip(numbers) {
        place.copy_from_slice(&number.to_le_bytes());
    }
    bytes
}

fn read(source: &mut impl Read) -> io::Result<(Run, RunEntry)> {
    let mut numbers = [0; LENGTH / 8];
    for number in &mut numbers {
        let mut bytes = [0; 8];
        source.read_exact(&mut bytes)?;
        *number = u64::from_le_bytes(bytes);
    }
    let [number, place, job, submitted, flags, change, reverses, print] = numbers;
    let entry = RunEntry {
        number,
        is_refund: flags & 1 > 0,
        moves: flags & 2 > 0,
        change: Amount::from_milli(change.cast_signed()),
        reverses: (flags & 4 > 0).then_some(reverses),
        print,
    };
    Ok(((place, job, submitted.cast_signed()), entry))
}

fn not_spilled(error: &io::Error) -> LedgerError {
    let folder = std::env::temp_dir();
    let why = format!("what its runs are charged could not be kept in `{}`: {error}", folder.display());
    let is_full = matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded);
    let kind = if is_full { LedgerErrorKind::DiskFull } else { LedgerErrorKind::InputOutput };
    LedgerError::new(kind, Retry::Later, why)
        .while_doing("reading an export")
        .with_next("name a folder with room in `TMPDIR` (64 bytes an entry of a run) and run the same command again")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn charge(number: u64, milli: i64) -> RunEntry {
        let change = Amount::from_milli(-milli);
        RunEntry { number, is_refund: false, moves: true, change, reverses: None, print: number }
    }

    fn judged(most: usize) -> (u64, Vec<String>) {
        let mut spilled = SpilledRuns {
            places: vec![("here".parse().expect("a site"), "one".parse().expect("a cluster"))],
            ..SpilledRuns::default()
        };
        let run = |job: u64| (0, job, 60);
        let refund = |number, milli: i64| RunEntry { is_refund: true, ..charge(number, -milli) };
        let reversal = |number, reverses, print| RunEntry { reverses: Some(reverses), print, ..charge(number, -5) };
        for job in 1..=40 {
            spilled.keep(run(job), charge(job, 10), most).expect("kept");
        }
        let later = [
            (1, refund(41, 10)),
            (2, refund(42, 11)),
            (3, reversal(43, 3, 3)),
            (4, reversal(44, 4, 99)),
            (3, reversal(45, 3, 3)),
        ];
        for (job, entry) in later {
            spilled.keep(run(job), entry, most).expect("kept");
        }
        assert_eq!(spilled.files.is_empty(), most > 45);
        let Agreed { runs, mut findings } = spilled.finish().expect("looked at");
        findings.sort();
        (runs, findings)
    }

    #[test]
    fn what_is_kept_in_files_is_judged_as_what_is_kept_in_memory() {
        let (runs, findings) = judged(1_000);
        assert_eq!(runs, 40);
        assert_eq!(
            findings,
            [
                "by entry 42 run here/one/2@60 is charged 10 milli, and 11 are given back of it",
                "entry 44 reverses entry 4, and is not its opposite",
                "entry 45 reverses entry 3, which is there for no reversal any more",
                "run here/one/2@60 is charged 10 milli, and 11 are given back of it",
            ]
        );
        for most in [0, 1, 42] {
            assert_eq!(judged(most), (runs, findings.clone()), "{most} in memory");
        }
    }
}
