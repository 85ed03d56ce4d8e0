//! The thread that reads: bytes to rows, rows to runs, runs to commands with their price.

use super::{
    chunk::{CHUNK, Chunk, WAITING},
    elsewhere::Elsewhere,
    holds::Ends,
};
use crate::{
    settle::{Adopted, Pricer},
    watched::Watched,
};
use model::{ClusterName, Run, SiteName};
use scheduler_adapters::{AccountingText, TextError, TextFacts, TextRow};
use sites::Catalogue;
use std::{
    collections::BTreeSet,
    io::{self, Read},
    sync::Arc,
    thread,
};
use tokio::sync::mpsc::{self, Receiver, Sender};

/// So many bytes are read at once.
const PIECE: usize = 256 * 1024;

/// What is known once all was read.
pub(super) struct End {
    pub(super) digest: String,
    pub(super) ends: Ends,
}

/// Why reading ended early.
pub(super) enum TextFault {
    Text(TextError),
    Source(io::Error),
    /// The site has no profile any more.
    NoSite,
}

/// What the thread works with.
pub(super) struct Task {
    pub(super) facts: TextFacts,
    pub(super) catalogue: Arc<Catalogue>,
    pub(super) watched: Watched,
    /// The clusters that are known to be of this site.
    pub(super) own_clusters: BTreeSet<ClusterName>,
    pub(super) adopted: Adopted,
    pub(super) source: Box<dyn Read + Send>,
}

/// The thread, and what comes from it.
pub(super) struct Reader {
    pub(super) chunks: Receiver<Chunk>,
    pub(super) thread: thread::JoinHandle<Result<End, TextFault>>,
}

/// Starts to read. Where nobody takes the chunks any more, the thread ends.
pub(super) fn start(task: Task) -> io::Result<Reader> {
    let (sender, chunks) = mpsc::channel(WAITING);
    let thread = thread::Builder::new().name("reader".to_owned()).spawn(move || read(task, &sender))?;
    Ok(Reader { chunks, thread })
}

fn read(task: Task, sender: &Sender<Chunk>) -> Result<End, TextFault> {
    let Task { facts, catalogue, watched, own_clusters, adopted, mut source } = task;
    let here: SiteName = facts.site.clone();
    let site = catalogue.get(&here).ok_or(TextFault::NoSite)?;
    let elsewhere = Elsewhere::than(&facts.site, &catalogue, own_clusters);
    let mut text = AccountingText::new(facts);
    let ends = Ends::watching(watched);
    let mut intake =
        Intake { here, pricer: Pricer::at(site), elsewhere, adopted, chunk: Chunk::default(), ends, sender };
    let mut digest = blake3::Hasher::new();
    let mut piece = vec![0; PIECE];
    loop {
        let count = match source.read(&mut piece) {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(TextFault::Source(error)),
        };
        digest.update(&piece[..count]);
        intake.chunk.bytes += count as u64;
        text.read(&piece[..count], &mut |line, row| intake.take(line, row)).map_err(TextFault::Text)?;
    }
    text.finish(&mut |line, row| intake.take(line, row)).map_err(TextFault::Text)?;
    intake.hand_on();
    Ok(End { digest: digest.finalize().to_hex().to_string(), ends: intake.ends })
}

/// Takes rows, and hands a chunk on whenever it is full.
struct Intake<'a> {
    here: SiteName,
    pricer: Pricer<'a>,
    elsewhere: Elsewhere,
    adopted: Adopted,
    chunk: Chunk,
    ends: Ends,
    sender: &'a Sender<Chunk>,
}

impl Intake<'_> {
    fn take(&mut self, line: u64, row: TextRow) {
        match row {
            TextRow::Step => self.chunk.steps += 1,
            TextRow::NotStarted(mut job) => {
                job.stamp = job.stamp.or_else(|| self.adopted.stamp(job.job, job.submitted_at));
                self.chunk.not_started += 1;
                self.ends.see_not_started(&self.here, &job);
            }
            TextRow::Rejected(row) => {
                self.ends.miss(&row);
                self.chunk.rejected.push(format!("line {line}: {}", row.reason));
            }
            TextRow::Run(run) => self.take_run(line, *run),
        }
        if self.chunk.is_full(CHUNK) {
            self.hand_on();
        }
    }

    fn take_run(&mut self, line: u64, mut run: Run) {
        run.stamp = run.stamp.or_else(|| self.adopted.stamp(run.key.scheduler_job, run.key.submitted_at));
        if let Some(objection) = self.elsewhere.objection(&run.key.cluster) {
            self.ends.withhold(run.stamp);
            self.chunk.rejected.push(format!("line {line}: {objection}"));
            return;
        }
        self.ends.see_run(&run);
        if run.ended_at.is_none() {
            self.chunk.add_running(&run, Some(line));
        } else {
            self.chunk.commands.push(self.pricer.settlement(run));
            self.chunk.lines.push(line);
        }
    }

    /// Waits for a place. Without a receiver the chunk is lost, as whoever went away wanted.
    fn hand_on(&mut self) {
        let _gone = self.sender.blocking_send(std::mem::take(&mut self.chunk));
    }
}
