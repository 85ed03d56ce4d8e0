//! Puts an import together.

use super::{
    holds::Ends,
    report::{ImportReport, Tally},
    text::{Chunk, End, Reader, Task, TextFault, start},
};
use crate::{
    directory::list,
    error::{Gravity, JobsError},
    house::House,
    reached::booked,
    settle::Adopted,
    zone::keep_zone,
};
use ledger::{Book, Command, ImportBatch, Outcome};
use model::{ClusterName, Timestamp, Zone};
use scheduler_adapters::{TextError, TextFacts};
use std::{io::Read, sync::Arc};

/// How far the clock of whoever asked accounting may be ahead of ours.
const AHEAD_SECONDS: i64 = 300;

const NOT_BEGUN: &str = "nothing was imported";
const NOT_FINISHED: &str = "the file was not imported to its end";

/// What is to be imported.
#[derive(Clone, Debug)]
pub struct ImportWish {
    /// The command as it was written, for the books.
    pub command: String,
    /// Of which cluster, whatever the rows say.
    pub cluster: Option<ClusterName>,
    /// When accounting was asked.
    pub observed_at: Timestamp,
    /// The zone of times that have none.
    pub zone: Option<Zone>,
}

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
    let watched = holds.iter().filter(|hold| *hold.unit.site() == house.here).map(|hold| hold.id.0).collect();
    let facts = TextFacts {
        site: house.here.clone(),
        cluster: wish.cluster.clone(),
        reader: house.principal.user.clone(),
        observed_at: wish.observed_at,
        zone: wish.zone.clone(),
    };
    let adopted = Adopted::of(&list(&house.state).await?);
    let task = Task { facts, catalogue: Arc::clone(&house.catalogue), watched, adopted, source };
    let reader = start(task).map_err(|error| {
        JobsError::new(Gravity::Unreachable, NOT_BEGUN, reach::io_words(&error), "run the same command again")
    })?;
    Import { house, book, wish, tally: Tally::default() }.take_in(reader).await
}

struct Import<'a> {
    house: &'a House,
    book: Arc<dyn Book>,
    wish: ImportWish,
    tally: Tally,
}

impl Import<'_> {
    /// Posts chunk by chunk while the next is read; the last one, which has the header of the batch, when all was read.
    async fn take_in(mut self, mut reader: Reader) -> Result<ImportReport, JobsError> {
        let mut waiting: Option<Chunk> = None;
        let mut rejected = Vec::new();
        while let Some(chunk) = reader.chunks.recv().await {
            if let Some(full) = waiting.replace(chunk) {
                let outcomes = self.post(&full.commands).await?;
                rejected.extend(self.tally.count(&full, &outcomes).map_err(too_large)?);
            }
        }
        let read = reader.thread.join().map_err(|_| panicked())?;
        let End { digest, mut ends } = read.map_err(|fault| not_read(&fault))?;
        let mut last = waiting.unwrap_or_default();
        for stamp in rejected {
            ends.withhold(Some(stamp));
        }
        self.finish(&mut last, &ends, digest).await
    }

    async fn post(&self, commands: &[Command]) -> Result<Vec<Outcome>, JobsError> {
        if commands.is_empty() {
            return Ok(Vec::new());
        }
        booked(self.book.post(&self.house.principal, self.house.clock.now(), commands).await, NOT_FINISHED)
    }

    /// Posts the last runs and closes holds; then the header, which has the sums of all.
    async fn finish(mut self, last: &mut Chunk, ends: &Ends, digest: String) -> Result<ImportReport, JobsError> {
        let runs = last.commands.len();
        last.commands.extend(ends.closes());
        let outcomes = self.post(&last.commands).await?;
        self.tally.count(last, &outcomes).map_err(too_large)?;
        let mut report = self.tally.report(self.house.here.clone(), self.wish.observed_at, digest);
        report.closed = outcomes[runs..]
            .iter()
            .filter_map(|outcome| match outcome {
                Outcome::Closed(hold, _) => Some(hold.id.0),
                _ => None,
            })
            .collect();
        let batch = ImportBatch {
            reader: format!("{}, sacct text", self.house.made_by),
            command: self.wish.command.clone(),
            site: report.site.clone(),
            clusters: report.clusters.clone(),
            observed_at: report.observed_at,
            window: report.window,
            rows: report.rows,
            totals: report.totals.clone(),
            digest: report.digest.clone(),
        };
        self.post(&[Command::NoteImport(Box::new(batch))]).await?;
        Ok(report)
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
fn too_large(error: model::AmountError) -> JobsError {
    JobsError::new(Gravity::Bug, NOT_FINISHED, error.to_string(), "please report it with the file")
}
