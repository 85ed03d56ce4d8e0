//! `down`: ends what the lab started and removes what it made.

use std::os::unix::fs::MetadataExt;
use std::time::Duration;

use rustix::process::Signal;

use crate::error::{LabError, file_error};
use crate::files::remove_folder;
use crate::layout::Layout;
use crate::lock::{Hold, Lock};
use crate::postgres::Instance;
use crate::process::{Process, end, end_by, processes};
use crate::server::END_LIMIT;
use crate::shared::OWNER;
use crate::users::{remove_users, user_ids};

/// Ends the lab's servers and all processes of its users, removes its users, and its folder with everything in it.
/// Nothing happens where there is no lab. Root only, but for a lab of one's own, which holds PostgreSQL and no more.
pub fn down(lab: &Layout) -> Result<(), LabError> {
    let user = rustix::process::geteuid();
    if !user.is_root() && lab.directory().metadata().is_ok_and(|folder| folder.uid() != user.as_raw()) {
        return Err(LabError::NotRoot);
    }
    let _lock = Lock::take(&lab.lock(), Hold::Alone, true)?;
    clear(lab)?;
    std::fs::remove_file(lab.lock()).map_err(file_error("removing", lab.lock()))
}

/// The same, for who holds the lock. It goes by marks, users and folders only, never by the state file, so it also
/// clears what an interrupted `up` has left.
pub(crate) fn clear(lab: &Layout) -> Result<(), LabError> {
    // Slurm's daemons first, so that no job is started any more; then what jobs have left running. A step daemon would
    // try for minutes to tell slurmctld that its step has ended, so it is not asked. Last what Slurm stood on.
    let users = user_ids(lab)?;
    end_all(lab, END_LIMIT, |process| process.runs("slurmctld") || process.runs("slurmd"))?;
    end_jobs(&users)?;
    end_all(lab, Duration::ZERO, |process| process.runs("slurmstepd"))?;
    end_all(lab, END_LIMIT, |process| {
        process.mark().is_none_or(|mark| mark.owner != OWNER) && !process.runs("postgres")
    })?;
    end_postgres(lab)?;
    // A server that cannot come up once more keeps some memory; all else goes.
    drop(Instance::release_memory(lab));
    end_all(lab, END_LIMIT, |_| true)?;
    remove_users(lab)?;
    remove_folder(lab.directory())
}

fn end_all(lab: &Layout, patience: Duration, choose: impl Fn(&Process) -> bool) -> Result<(), LabError> {
    let found: Vec<Process> =
        processes()?.into_iter().filter(|process| process.is_server_of(lab.directory()) && choose(process)).collect();
    end(&found, patience)
}

/// PostgreSQL ends at once when asked to leave its data as a crash would; its shared memory goes all the same. Only the
/// server is asked, which has the mark: it ends its children.
fn end_postgres(lab: &Layout) -> Result<(), LabError> {
    let is_server = |process: &Process| process.mark().is_some_and(|mark| mark.directory == lab.directory());
    let found: Vec<Process> =
        processes()?.into_iter().filter(|process| process.runs("postgres") && is_server(process)).collect();
    end_by(Signal::QUIT, &found, END_LIMIT)
}

/// Ends every process of the users. A process can start another while the list is read, so it is read again; killing
/// a whole user's processes converges after one round or two.
fn end_jobs(users: &[u32]) -> Result<(), LabError> {
    const ROUNDS: usize = 50;
    for _ in 0..ROUNDS {
        let found: Vec<Process> = processes()?.into_iter().filter(|process| process.belongs_to(users)).collect();
        if found.is_empty() {
            return Ok(());
        }
        end(&found, Duration::from_millis(500))?;
    }
    let what = format!("the users' processes come back after {ROUNDS} rounds of ending them");
    Err(LabError::NotReady { what, limit_seconds: 0, log: String::new() })
}
