//! `pakt logs`: a job's log, from its end, and what is added to it.

use crate::{
    directory::{Attempt, Intent},
    error::{Gravity, JobsError},
    find::find,
    house::House,
    reached::reached,
    show::log_of,
    sweep::{CellLog, cell_log},
};
use model::{JobId, LinkNumber};
use reach::Part;
use std::{
    num::NonZeroU32,
    ops::Range,
    path::{Path, PathBuf},
};

const NOT_READ: &str = "the log was not read";

/// The most that one reading returns, in bytes.
const PIECE: usize = 256 * 1024;

/// How much is looked at in one step backwards, in bytes.
const BLOCK: u64 = 64 * 1024;
/// How far back lines are looked for, in bytes: a progress bar may write for days without a line's end.
const FARTHEST: u64 = 64 * 1024 * 1024;

/// Where the reading of a log begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Beginning {
    /// At its beginning.
    Start,
    /// So many lines before its end; a last one that has no end yet is one of them. In what is longer than 64 MiB, there.
    Lines(u32),
    /// So many bytes before its end.
    Bytes(u32),
}

/// What was wanted of the job that `text` names.
pub async fn intent_of(house: &House, text: &str) -> Result<Intent, JobsError> {
    let intent = find(house, text).await?.intent;
    Ok(house.state.job(intent.id).intent().await?.unwrap_or(intent))
}

/// A log that is being read.
#[derive(Debug)]
pub struct Log {
    path: PathBuf,
    at: u64,
    /// The log, where it was packed with others.
    packed: Option<Vec<u8>>,
    /// Where what is asked for ends; the log's end where none is.
    end: Option<u64>,
    /// What of it is of the attempt that is asked for; all of it where none is.
    part: Option<(JobId, NonZeroU32, Range<u64>)>,
    /// The last bytes that were read of it: where they do not stand there any more, it is another file.
    before: Vec<u8>,
    /// Whether it was shorter at the last look than what was read of it: a network file system may say so for a moment.
    was_shorter: bool,
    /// The job whose links have a log each and come one after the other, and the link whose log this is.
    link: Option<(JobId, LinkNumber)>,
}

/// By so many bytes a file is known again.
const KNOWN_BYTES: usize = 64;

impl Log {
    /// The log of the job that `text` names: all of it, or what one of its attempts printed, counted from 1 in the order of their starts.
    pub async fn open(
        house: &House,
        text: &str,
        from: Beginning,
        attempt: Option<NonZeroU32>,
    ) -> Result<Self, JobsError> {
        let intent = intent_of(house, text).await?;
        if attempt.is_some() && intent.cells().is_some() {
            let why = "each link of a sweep has a log of its own";
            return Err(JobsError::usage(
                NOT_READ,
                why,
                "`--cell N` prints what a cell said; `pakt results` lists them",
            ));
        }
        let path = log_of(house, &intent).await?;
        let read = house.files.read_part(&path, 0, 0).await;
        let size = reached(read, NOT_READ)?.map_or(0, |part| part.total_bytes);
        let part = match attempt {
            None => None,
            Some(attempt) => {
                let range = part_of(&house.state.job(intent.id).all_attempts().await?, attempt)?;
                if size < range.start {
                    return Err(cut_off(&path, size, range.start));
                }
                Some((intent.id, attempt, range))
            }
        };
        let Range { start, end } = part.as_ref().map_or(0..size, |(.., range)| range.start..range.end.min(size));
        let at = match from {
            Beginning::Start => start,
            Beginning::Lines(count) => last_lines(house, &path, start..end, count).await?,
            Beginning::Bytes(count) => end.saturating_sub(u64::from(count)).max(start),
        };
        let link = match intent.follows() {
            Some(_) => Some((intent.id, house.state.job(intent.id).last_begun_link().await?)),
            None => None,
        };
        Ok(Self { part, link, ..Self::at(path, at) })
    }

    const fn at(path: PathBuf, at: u64) -> Self {
        Self { path, at, packed: None, end: None, part: None, before: Vec::new(), was_shorter: false, link: None }
    }

    /// What a cell of a sweep printed, counted from 1.
    pub async fn of_cell(house: &House, text: &str, cell: NonZeroU32, from: Beginning) -> Result<Self, JobsError> {
        let log = cell_log(house, text, usize::try_from(cell.get()).unwrap_or(usize::MAX)).await?;
        let CellLog { path, start, end, packed } = log;
        let read = house.files.read_part(&path, 0, 0).await;
        let size = match &packed {
            Some(bytes) => bytes.len() as u64,
            None => reached(read, NOT_READ)?.map_or(0, |part| part.total_bytes),
        };
        let stop = end.unwrap_or(size).min(size).max(start);
        let at = match (from, &packed) {
            (Beginning::Start, _) => start,
            (Beginning::Lines(count), Some(bytes)) => last_lines_of(bytes, start..stop, count),
            (Beginning::Lines(count), None) => last_lines(house, &path, start..stop, count).await?,
            (Beginning::Bytes(count), _) => stop.saturating_sub(u64::from(count)).max(start),
        };
        Ok(Self { packed, end, ..Self::at(path, at) })
    }

    /// Looks whether another attempt has begun since, and with it the end of the one that is read; whether all of that was read.
    pub async fn is_whole(&mut self, house: &House) -> Result<bool, JobsError> {
        let Some((job, attempt, range)) = &mut self.part else { return Ok(false) };
        *range = part_of(&house.state.job(*job).all_attempts().await?, *attempt)?;
        Ok(self.at >= range.end)
    }

    /// Where it lies.
    pub fn path(&self) -> &PathBuf {
        &self.path
    }

    /// What has come since the last reading; none where there is no log yet. A log that was cut off, or is another file by now, is read from
    /// its start, and what one attempt printed is not known of it any more.
    pub async fn next(&mut self, house: &House) -> Result<Option<Vec<u8>>, JobsError> {
        let end = self.part.as_ref().map_or(self.end.unwrap_or(u64::MAX), |(.., range)| range.end);
        let limit = usize::try_from(end.saturating_sub(self.at)).map_or(PIECE, |left| left.min(PIECE));
        if let Some(bytes) = &self.packed {
            let rest = usize::try_from(self.at).ok().and_then(|at| bytes.get(at..)).unwrap_or_default();
            let piece = rest[..limit.min(rest.len())].to_vec();
            self.at += piece.len() as u64;
            return Ok(Some(piece));
        }
        let known = self.before.len();
        let from = self.at.saturating_sub(known as u64);
        let Some(part) = part(house, &self.path, from, limit + known).await? else { return Ok(None) };
        let is_shorter = part.total_bytes < self.at;
        if is_shorter && !std::mem::replace(&mut self.was_shorter, is_shorter) {
            // Looked at once more, it may be as long as it was.
            return Ok(Some(Vec::new()));
        }
        self.was_shorter = is_shorter;
        if is_shorter || !part.bytes.starts_with(&self.before) {
            if self.part.is_some() {
                return Err(cut_off(&self.path, part.total_bytes, self.at));
            }
            (self.at, self.was_shorter) = (0, false);
            self.before.clear();
            return Ok(Some(Vec::new()));
        }
        let new = part.bytes[known..].to_vec();
        if new.is_empty() {
            self.go_on(house).await?;
            return Ok(Some(new));
        }
        self.at += new.len() as u64;
        self.before = part.bytes[part.bytes.len().saturating_sub(KNOWN_BYTES)..].to_vec();
        Ok(Some(new))
    }

    /// Of a job whose links come one after the other: goes over to the log of the next one, where that has begun.
    async fn go_on(&mut self, house: &House) -> Result<(), JobsError> {
        let Some((job, link)) = self.link else { return Ok(()) };
        let directory = house.state.job(job);
        let current = directory.last_begun_link().await?;
        if current > link {
            *self = Self {
                link: Some((job, current)),
                ..Self::at(directory.path().join(format!("links/{current}/log")), 0)
            };
        }
        Ok(())
    }
}

/// What of the log is of an attempt: what the scheduler wrote behind its end, until the next one began, is of it.
fn part_of(attempts: &[Attempt], number: NonZeroU32) -> Result<Range<u64>, JobsError> {
    let place = usize::try_from(number.get() - 1).unwrap_or(usize::MAX);
    let begins = |attempt: &Attempt, number: usize| {
        attempt.log_begins_at.ok_or_else(|| {
            let why = format!("attempt {number} did not tell where in the log it began");
            JobsError::usage(NOT_READ, why, "leave `--attempt` out: the whole log has them one after the other")
        })
    };
    let Some(attempt) = attempts.get(place) else {
        let why = match attempts.len() {
            0 => "the job has not started".to_owned(),
            1 => "the job has started once".to_owned(),
            count => format!("the job has started {count} times"),
        };
        return Err(JobsError::usage(NOT_READ, why, "`pakt show` lists the attempts, of which the first is 1"));
    };
    let start = begins(attempt, place + 1)?;
    let end = attempts.get(place + 1).map_or(Ok(u64::MAX), |next| begins(next, place + 2))?;
    // A log that is appended to grows.
    let mut longest = start;
    for (later, number_of_it) in attempts.iter().zip(1_u32..).skip(place + 1) {
        let Some(begins) = later.log_begins_at else { continue };
        if begins < longest || begins == 0 {
            let why = format!("attempt {number_of_it} overwrote it, or attempt {number} printed nothing");
            return Err(JobsError::usage(
                NOT_READ,
                why,
                "Slurm's `--open-mode=append` keeps what earlier starts printed",
            ));
        }
        longest = begins;
    }
    Ok(start..end)
}

fn cut_off(path: &Path, size: u64, wanted: u64) -> JobsError {
    let why =
        format!("{} has {size} bytes, and the attempt began behind {wanted}: it was cut off since", path.display());
    JobsError::usage(NOT_READ, why, "leave `--attempt` out to read what is left")
}

/// Where the last `count` lines of a part of a log begin: its ends of lines are counted from the end, block by block.
async fn last_lines(house: &House, path: &Path, part_of: Range<u64>, count: u32) -> Result<u64, JobsError> {
    let Range { start: first, end: size } = part_of;
    let (mut end, mut left) = (size, count);
    let farthest = size.saturating_sub(FARTHEST).max(first);
    if count == 0 {
        return Ok(size);
    }
    while end > farthest {
        let start = end.saturating_sub(BLOCK).max(farthest);
        let length = usize::try_from(end - start).unwrap_or(PIECE);
        let Some(part) = part(house, path, start, length).await? else { break };
        let ends = part.bytes.iter().enumerate().rev().filter(|(_, byte)| **byte == b'\n');
        // The end of the last line begins no line.
        for behind in ends.map(|(at, _)| start + at as u64 + 1).filter(|behind| *behind < size) {
            left -= 1;
            if left == 0 {
                return Ok(behind);
            }
        }
        end = start;
    }
    Ok(farthest)
}

/// The same of a log at hand.
fn last_lines_of(bytes: &[u8], part_of: Range<u64>, count: u32) -> u64 {
    let place = |at: u64| usize::try_from(at).unwrap_or(usize::MAX).min(bytes.len());
    let (start, end) = (place(part_of.start), place(part_of.end));
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    let begins = (start..end).rev().filter(|at| *at == start || bytes[at - 1] == b'\n');
    begins.take(count).last().unwrap_or(end) as u64
}

async fn part(house: &House, path: &Path, at: u64, limit: usize) -> Result<Option<Part>, JobsError> {
    let offset = i64::try_from(at).map_err(|_| {
        let why = "it is longer than 2^63 bytes";
        JobsError::new(Gravity::Usage, NOT_READ, why, "look at the file itself")
    })?;
    reached(house.files.read_part(path, offset, limit).await, NOT_READ)
}
