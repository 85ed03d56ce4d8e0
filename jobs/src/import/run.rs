//! Puts an import together.

use super::{
    chunk::{Chunk, WAITING},
    elsewhere,
    holds::Ends,
    live::{self, Question},
    report::{ImportReport, Tally, Uncounted},
    text::{End, Task, TextFault, start},
    wish::{Asked, ImportWish, LiveWish},
};
use crate::{
    directory::list,
    error::{Gravity, JobsError},
    foreign_stamps::ForeignStamps,
    house::House,
    reached::{booked, scheduled},
    settle::Adopted,
    watched::Watched,
    zone::keep_zone,
};
use ledger::{Book, Command, Coverage, ImportBatch, Outcome, RunningRows};
use model::{Stamp, Timestamp, Window};
use scheduler_adapters::{TextError, TextFacts, Whose};
use std::{
    env,
    io::{self, Read},
    sync::Arc,
};
use tokio::sync::mpsc::{self, Receiver};

/// How far the clock of whoever asked accounting may be ahead of ours.
const AHEAD_SECONDS: i64 = 300;

const NOT_BEGUN: &str = "nothing was imported";
pub(super) const NOT_FINISHED: &str = "the import did not come to its end";

/// Imports what `source` gives. After `Ok` every row of it is in one of the counts. After `Err` what was posted by then
/// stands, and the same source again goes on.
pub async fn import(house: &House, wish: ImportWish, source: Box<dyn Read + Send>) -> Result<ImportReport, JobsError> {
    let book = house.needed_book(NOT_BEGUN).await?;
    let now = house.clock.now();
    if wish.observed_at > now.plus_seconds(AHEAD_SECONDS) {
        let why = format!("`--observed-at` is {}, and it is {now}", wish.observed_at);
        return Err(JobsError::usage(NOT_BEGUN, why, "write the time at which `sacct` was run"));
    }
    keep_zone(house, book.as_ref(), &house.here, NOT_BEGUN).await?;
    let holds = booked(book.open_holds(None).await, NOT_BEGUN)?;
    let watched = Watched::of(holds.iter().filter(|hold| *hold.unit.site() == house.here));
    let ImportWish { command, cluster, observed_at, zone, asked } = wish;
    let (site, reader) = (house.here.clone(), house.principal.user.clone());
    let facts = TextFacts { site, cluster, reader, observed_at, zone };
    let adopted = Adopted::of(&list(&house.state).await?);
    let own = elsewhere::own_clusters(house, book.as_ref(), NOT_BEGUN).await?;
    let (catalogue, own_clusters) = (Arc::clone(&house.catalogue), own.clone());
    let foreign = ForeignStamps::beside(watched.clone(), NOT_FINISHED);
    let task = Task { facts, catalogue, watched, own_clusters, adopted, source };
    let reader = start(task).map_err(|error| {
        JobsError::new(Gravity::Unreachable, NOT_BEGUN, reach::io_words(&error), "run the same command again")
    })?;
    let reader_words = format!("{}, sacct text", house.made_by);
    let desk = Desk { house, book };
    let mut import = Import { desk, command, reader: reader_words, observed_at, tally: Tally::default(), foreign };
    let (last, rejected) = import.take_in(reader.chunks).await?;
    let read = reader.thread.join().map_err(|_| panicked())?;
    let End { digest, mut ends } = read.map_err(|fault| not_read(&fault))?;
    for stamp in rejected {
        ends.withhold(Some(stamp));
    }
    let report = import.finish(last, Some(&ends), digest, Covered::ByFile(asked)).await?;
    let notes = report.notes.into_iter().chain(elsewhere::near(&own, &report.clusters)).collect();
    Ok(ImportReport { notes, ..report })
}

/// Imports what accounting answers, as a settlement reads it. Nothing is learned of what runs or waits: no hold is closed,
/// no cursor moves. After `Ok` every run of the span that may be seen is in one of the counts. After `Err` what was posted
/// by then stands, and the same command again goes on.
pub async fn import_live(house: &House, wish: LiveWish) -> Result<ImportReport, JobsError> {
    let book = house.needed_book(NOT_BEGUN).await?;
    let now = house.clock.now();
    let site = house.site(&house.here)?;
    let cluster = scheduled(house.scheduler.cluster_name().await, NOT_BEGUN)?;
    let adopted = Adopted::of(&list(&house.state).await?);
    let whose = if wish.all_users { Whose::visible() } else { Whose::mine() };
    let span = Window { from: wish.since, to: now };
    let question = Question { house, site, cluster, span, whose, adopted };
    let (command, reader) = (wish.command, format!("{}, accounting", house.made_by));
    let foreign = ForeignStamps::beside(Watched::default(), NOT_FINISHED);
    let desk = Desk { house, book };
    let mut import = Import { desk, command, reader, observed_at: now, tally: Tally::default(), foreign };
    let (sender, chunks) = mpsc::channel(WAITING);
    let (read, taken) = tokio::join!(live::read(&question, sender), import.take_in(chunks));
    // Where the books took no more, that is what is to be told.
    let (last, _) = taken?;
    let live::Answer { digest, coverage, notes } = read?;
    let report = import.finish(last, None, digest, Covered::ByAnswer(coverage)).await?;
    let notes = notes.into_iter().chain(report.notes).collect();
    Ok(ImportReport { notes, ..report })
}

struct Import<'a> {
    desk: Desk<'a>,
    /// As it was written.
    command: String,
    /// What read it.
    reader: String,
    observed_at: Timestamp,
    tally: Tally,
    foreign: ForeignStamps,
}

/// Where runs are posted.
struct Desk<'a> {
    house: &'a House,
    book: Arc<dyn Book>,
}

impl Desk<'_> {
    async fn post(&self, commands: &[Command]) -> Result<Vec<Outcome>, JobsError> {
        if commands.is_empty() {
            return Ok(Vec::new());
        }
        booked(self.book.post(&self.house.principal, self.house.clock.now(), commands).await, NOT_FINISHED)
    }
}

/// What is known of which runs were read.
enum Covered {
    /// What a person says of a file.
    ByFile(Option<Asked>),
    /// What was asked and answered.
    ByAnswer(Option<Coverage>),
}

impl Import<'_> {
    /// Posts chunk by chunk while the next is read. The answer is the last one, which is not posted yet, and the marks of
    /// the jobs whose runs the books rejected.
    async fn take_in(&mut self, mut chunks: Receiver<Chunk>) -> Result<(Chunk, Vec<Stamp>), JobsError> {
        let mut waiting: Option<Chunk> = None;
        let mut posted: Option<(Chunk, Vec<Outcome>)> = None;
        let mut rejected = Vec::new();
        while let Some(chunk) = chunks.recv().await {
            let Some(full) = waiting.replace(chunk) else { continue };
            let before = posted.take();
            // What was posted is counted, and its memory given back, while the ledger's thread is busy with the next.
            let counting = async { self.tally.count_all(before) };
            let (outcomes, counted) = tokio::join!(self.desk.post(&full.commands), counting);
            let outcomes = outcomes?;
            self.foreign.see(self.desk.book.as_ref(), &full.commands, &outcomes).await?;
            posted = Some((full, outcomes));
            rejected.extend(counted.map_err(uncounted)?);
        }
        rejected.extend(self.tally.count_all(posted).map_err(uncounted)?);
        Ok((waiting.unwrap_or_default(), rejected))
    }

    /// Posts the last runs and closes holds; then the header, which has the sums of all, and what was read.
    async fn finish(
        mut self,
        mut last: Chunk,
        ends: Option<&Ends>,
        digest: String,
        covered: Covered,
    ) -> Result<ImportReport, JobsError> {
        let runs = last.commands.len();
        last.commands.extend(ends.map(|ends| ends.closes(self.observed_at)).unwrap_or_default());
        let outcomes = self.desk.post(&last.commands).await?;
        self.foreign.see(self.desk.book.as_ref(), &last.commands, &outcomes).await?;
        self.tally.count(&last, &outcomes).map_err(uncounted)?;
        let report = self.tally.report(self.desk.house.here.clone(), self.observed_at, digest);
        let mut report = report.map_err(|error| not_spilled(&error))?;
        report.closed = outcomes[runs..]
            .iter()
            .filter_map(|outcome| match outcome {
                Outcome::Closed(hold, _) => Some(hold.id.0),
                _ => None,
            })
            .collect();
        report.coverage = self.coverage(covered, &report);
        report.notes.extend(self.foreign.note());
        let mut commands = vec![Command::NoteImport(Box::new(self.header(&report)))];
        commands.extend(report.coverage.iter().cloned().map(Command::Cover));
        self.desk.post(&commands).await?;
        Ok(report)
    }

    fn header(&self, report: &ImportReport) -> ImportBatch {
        let running = self.tally.running_since.iter();
        let running = running.map(|((cluster, account), since)| RunningRows {
            cluster: cluster.clone(),
            account: account.clone(),
            since: *since,
        });
        ImportBatch {
            reader: self.reader.clone(),
            command: self.command.clone(),
            site: report.site.clone(),
            clusters: report.clusters.clone(),
            observed_at: report.observed_at,
            window: report.window,
            rows: report.rows,
            totals: report.totals.clone(),
            digest: report.digest.clone(),
            still_running: running.collect(),
        }
    }

    /// Which runs were read. A file with a row that was not taken in is no coverage: when that run ended is not known. An
    /// answer is one up to there.
    fn coverage(&self, covered: Covered, report: &ImportReport) -> Vec<Coverage> {
        match covered {
            Covered::ByFile(Some(asked)) if report.rejected.count == 0 => {
                self.tally.seen.coverage(&self.desk.house.here, &asked, self.observed_at)
            }
            Covered::ByFile(_) => Vec::new(),
            Covered::ByAnswer(coverage) => {
                let shortened = coverage.map(|mut coverage| {
                    let to = coverage.window.to;
                    coverage.window.to = self.tally.rejected_since.map_or(to, |since| since.min(to));
                    coverage
                });
                shortened.into_iter().filter(|coverage| coverage.window.from < coverage.window.to).collect()
            }
        }
    }
}

fn not_read(fault: &TextFault) -> JobsError {
    match fault {
        TextFault::Text(error) => {
            let next = match error {
                TextError::NoZone(_) => {
                    "say which with `--zone`, such as `--zone Europe/Berlin`; or ask again with \
                     `SLURM_TIME_FORMAT=%s sacct ...`"
                }
                TextError::NoHeader | TextError::MissingColumns(_) => {
                    "ask again with the columns of docs/guides/operator.md, and without `--noheader`"
                }
            };
            JobsError::usage(NOT_BEGUN, error.to_string(), next)
        }
        TextFault::Source(error) => {
            let next = "run the same command again: what is in the books already is not entered twice";
            JobsError::new(Gravity::Unreachable, NOT_FINISHED, reach::io_words(error), next)
        }
        TextFault::NoSite => JobsError::new(Gravity::Bug, NOT_BEGUN, "the site has no profile", "please report it"),
    }
}

fn panicked() -> JobsError {
    JobsError::new(Gravity::Bug, NOT_FINISHED, "the reading thread ended without an answer", "please report it")
}

#[allow(clippy::needless_pass_by_value)] // The shape that `map_err` wants.
fn uncounted(fault: Uncounted) -> JobsError {
    match fault {
        Uncounted::TooLarge(error) => {
            JobsError::new(Gravity::Bug, NOT_FINISHED, error.to_string(), "please report it with the file")
        }
        Uncounted::Spilled(error) => not_spilled(&error),
    }
}

fn not_spilled(error: &io::Error) -> JobsError {
    let why =
        format!("what its runs cost could not be kept in `{}`: {}", env::temp_dir().display(), reach::io_words(error));
    let next = "name a folder with room in `TMPDIR` (40 bytes a run) and run the same command again: what is in the books \
                already is not entered twice";
    JobsError::new(Gravity::Unreachable, NOT_FINISHED, why, next)
}
