//! The text of the batch script, and of the job file that `pakt init` writes.
//!
//! [`render`] makes one readable bash script from a job and its placement. The script needs nothing of Pakt on the
//! compute node: it claims its link, writes the markers of the job directory, sets the environment up, and starts the
//! program through the launcher. Its parts are the templates in `scripts/`, one file a subject; `quote` is the only way
//! in which a person's text gets into it; [`exit_code`] lists the codes with which it ends before the program could.
//!
//! What the script leaves in the job directory, for whoever reads it there (`key=value`, one a line):
//!
//! | file | written | content |
//! |---|---|---|
//! | `links/N/claim/owner` | once, before anything else | `scheduler_job`, `restart`, `host`, `epoch_seconds` |
//! | `links/N/duplicates/ID/owner` | by a second scheduler job, which then ends with 0 | the same |
//! | `links/N/attempts/ID-RESTART/started` | once | `epoch_seconds`, `host`, `node_list`, `scheduler_job`, `restart`, `stamp`, `process` |
//! | `.../heartbeat` | touched once a minute while the script lives | empty |
//! | `.../program` | once | the bash file that is run, on the first node or (torchrun) on every one |
//! | `.../progress` | by the program, if it likes: `$PAKT_PROGRESS` | lines `step total [key=value ...]`; the last one counts |
//! | `.../modules` | once, where any are loaded | the loaded modules, one a line |
//! | `.../cache` | by libraries, where the site's area for caches is not there | theirs |
//! | `.../ended` | last | `exit_code`, `signal` (0 where none), `received` (what the script was told, or `none`), `epoch_seconds` |
//! | `.../stop`, `.../launched` | in a chain: when the program is told to save (`PAKT_STOP`); before it begins | by what it was told, and the length of `checkpoints` then; empty |
//! | `chain` | in a chain: appended at each start and end | docs/checkpoints.md |
//! | `over` | in a chain, once | `why`, `link`, `step`, `epoch_seconds`, `by` |
//! | `done` | by the program of a chain: `$PAKT_DONE` | anything |
//! | `cells` | by Pakt, of a sweep | a line for each cell: its values as shell words |
//! | `links/N/log`, `links/N/log.CELL` | in a sweep: what the programs print; `log.CELL` where cells are side by side | theirs |
//! | `given-away/DIGEST` | by Pakt, of a sweep | `given CELL`: another job has it by now |
//! | `.../cells` | in a sweep: appended at the start and end of each cell | `started CELL SECONDS - BYTES`, `ended CELL CODE SECONDS BYTES`: when, and how long its log was |
//! | `code` | once, where the job brings its code | the code, unpacked; what the program writes there is its own |
//! | `checkpoints` | appended by programs: `$PAKT_CHECKPOINTS` | one line a checkpoint, shared by all links |
//!
//! [`guard`] puts the claim alone in front of a script that a person wrote for `sbatch`: it leaves the first two of these.
//!
//! [`render_array`] makes the script of an array whose tasks are jobs: it goes on with the script of the job that a task is,
//! which it tells in `PAKT_TASK` how the scheduler job is called.
//!
//! Where `sealed.tar` lies in the job directory, the job is over and its claim is packed in there: a scheduler job that
//! comes then ends with 0, without work, and is noted in `links/N/duplicates`.
//!
//! Each but the heartbeat and what programs write themselves is written to a temporary name, synced and renamed. A test
//! or a site may set `PAKT_HEARTBEAT_SECONDS` for another beat. TERM, INT, HUP, USR1 and USR2 are passed on to the program,
//! INT as TERM; the tasks of `srun` are told by `scancel --signal`, because srun itself takes TERM for an order to kill
//! them. The script then waits for the program's own end, and ends with its code; a program that was told to end while
//! commands of it were left ends with 143 if not with a code of its own.

mod array_script;
mod batch_script;
mod chain_words;
mod code;
mod container;
mod context;
mod engine;
mod environment;
mod error;
pub mod exit_code;
mod failure_words;
mod guarded_script;
mod job_file;
mod launch;
mod misfit;
mod preset;
mod presets;
pub mod quote;
mod refusal;
mod serve_words;
mod sweep_words;

pub use array_script::{ArrayScript, ArrayTask, render_array};
pub use batch_script::{BatchScript, Dialect, FailurePattern, render};
pub use code::PackedCode;
pub use error::{TemplateError, launch_name};
pub use guarded_script::{GuardedScript, Unguarded, guard};
pub use job_file::{
    ACCOUNT_PLACEHOLDER, AccountRule, CHECKPOINTS_PROGRAM, PROJECT_PLACEHOLDER, PartitionPreset, SitePreset, Spender,
    job_file,
};
pub use misfit::Misfit;
pub use preset::{Build, GpuWish, Preset};
pub use sweep_words::render_cells;
