//! The job directory: one job, one directory on storage that compute nodes see; it is the journal, without database or
//! lock.
//!
//! ```text
//! STATE/requests/<digest>/<n>      which job the n-th submission of this request became (written once)
//! STATE/sets/<digest>/<n>.json     which submission of each request a call of many files makes (written once)
//!                     <n>.done     all jobs of that call were submitted                (written once)
//! STATE/arrays/<id>/script.sh      the script of an array, by the id of the job of its task 0 (written once)
//!                   sending/<n>.json about to call the scheduler for it            (written once)
//!                   log            what its tasks say before they are in the log of their job
//! STATE/code/<user>/<digest>.tar   code that jobs bring, by its own digest           (written once)
//!                   <digest>.diff  what a tree had beyond its commit                  (written once)
//!                   image-<digest>.json the digest of a container image               (written once)
//! STATE/jobs/<id>/intent.json      the job, its placement and its hold, before anything was done (written once)
//!                 provenance.json  what it is made of: commits, image, releases        (written once)
//!                 script.sh        the batch script as it is sent                     (written once)
//!                 slurm_script     a person's own script, which script.sh starts      (written once)
//!                 unheld.json      nothing could be held for it, and why              (written once)
//!                 sending/<n>.json about to call the scheduler: host, process         (written once)
//!                 arrays.json      how the links of a sweep are parted among arrays    (written once)
//!                 arrays/<first link>/ script.sh, sending/<n>.json and sent/<id>.json of one, and what its tasks say before their links have logs
//!                 cells            the values of a sweep's cells, a line each         (written once)
//!                 given-away/<digest> which cells a later job took over, by its request (written once)
//!                 submitted.json   the scheduler's id                                 (written once)
//!                 read-back.json   what the scheduler made of it, with the drift      (written once)
//!                 released.json    a script that was submitted held was let go         (written once)
//!                 cancel.json      somebody asked for its end                         (written once)
//!                 ended.json       it is over, and how; its hold is closed            (written once)
//!                 links/<n>/…      written by the batch script: claim, markers, heartbeat; from link 2 on also what was sent of it
//!                 chain            a line for each start and end of a chain's links     (appended)
//!                 bad-nodes        nodes that the links to come are to leave out       (appended)
//!                 over             why a chain is over                                 (written once)
//!                 done             made by a program whose work is done
//!                 checkpoints, log
//!                 links/<n>/behind the link of the chain behind which this one waits         (written once)
//!                 followers/<id>   a job that evaluates the checkpoints of this chain          (written once)
//!                 taken            the checkpoints that this job took of the chain it follows   (appended)
//!                 code/            the code that it brought, unpacked by its first start
//!                 sealed.tar       all of these but the log, once the job is long over  (written once)
//!                 results/<start>/ what a start of an evaluation wrote
//!                 logs.<n>.tar, results.<n>.tar the logs of a sweep's links, and many results, then (written once)
//! STATE/ledgers/<name>.json        a ledger that holds for jobs here, where there are two (written once)
//! STATE/ended.index                one line a job that is over; can be thrown away and rebuilt
//! ```
//!
//! Files are written to a temporary name, synced and linked to their name: the first writer wins, a second one learns
//! what the first wrote. Whoever is killed leaves either nothing or a whole file. Files of several jobs may be made with one visit
//! to the disk (`together`), which promises no order of theirs until all are synced. What a sealed job's archive holds is read
//! from there; what is written after that lies beside it.

mod archive;
mod bad_nodes;
mod cells;
mod checkpoints;
mod code;
mod followers;
mod index;
mod link_arrays;
mod links;
mod markers;
mod over;
mod packed;
mod record;
mod seal;
mod served;
mod sets;
mod signs;
mod store;
mod together;

pub use bad_nodes::BadNode;
pub use cells::CellRecord;
pub use checkpoints::{Checkpoint, CheckpointError, Checkpoints};
pub use index::{IndexedJob, JobIndex, list};
pub use links::SentLink;
pub use markers::{Attempt, Progress};
pub use over::{Over, OverReason};
pub use record::{
    Cancel, Ended, Intent, LinkArrays, Missed, Origin, ReadBack, Released, Sending, SentTasks, SubmittedNote, Unheld,
};
pub use seal::Sealing;
pub use served::Served;
pub(crate) use sets::{JobSet, LastSet, SetMember, SetTask};
pub use signs::Signs;
pub use store::{JobDirectory, State};
pub(crate) use together::{Claim, Written};
