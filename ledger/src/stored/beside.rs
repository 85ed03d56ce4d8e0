//! What another thread does while the tables are written: hashes of leaves, and packed raw rows. Neither needs a connection.

use super::log::Marked;
use super::new_leaves::leaf_hashes;
use super::raw_rows::PackedRows;
use crate::Entry;
use crate::evidence::TreeHash;
use crate::records::{BookedRun, Result};
use std::sync::mpsc::{SyncSender, sync_channel};

/// From so many runs on, a thread is worth its start.
const WORTH_A_THREAD: usize = 256;
/// So many hashes are handed over at once.
const BATCH: usize = 256;
/// So many times they may wait: all those of a post that an import makes, so that the thread goes on to pack.
const WAITING: usize = 64;

/// Does `here`, which takes the hashes of the entries' leaves in their order; the answer is the raw rows of the runs. Where
/// no thread is to be had, all is done here.
pub(crate) fn beside(
    entries: &[Entry],
    marked: &[Marked],
    runs: &[BookedRun],
    here: impl FnOnce(&mut dyn Iterator<Item = Result<TreeHash>>) -> Result<()>,
) -> Result<PackedRows> {
    std::thread::scope(|scope| {
        let (sender, receiver) = sync_channel(WAITING);
        let work = move || {
            send(entries, marked, &sender);
            drop(sender);
            pack(runs)
        };
        let builder = std::thread::Builder::new().name("packer".to_owned());
        let is_worth_it = runs.len() >= WORTH_A_THREAD;
        match is_worth_it.then(|| builder.spawn_scoped(scope, work).ok()).flatten() {
            Some(thread) => {
                here(&mut receiver.into_iter().flatten())?;
                Ok(thread.join().unwrap_or_else(|_| pack(runs)))
            }
            None => here(&mut leaf_hashes(entries, marked)).map(|()| pack(runs)),
        }
    })
}

/// Hands the hashes over, as long as somebody takes them.
fn send(entries: &[Entry], marked: &[Marked], sender: &SyncSender<Vec<Result<TreeHash>>>) {
    let mut hashes = leaf_hashes(entries, marked);
    loop {
        let batch: Vec<_> = hashes.by_ref().take(BATCH).collect();
        if batch.is_empty() || sender.send(batch).is_err() {
            return;
        }
    }
}

/// Packs the raw rows of runs.
fn pack(runs: &[BookedRun]) -> PackedRows {
    PackedRows::of(runs.iter().map(|run| run.settled.run.raw.as_str()))
}
