//! A job's supervisor: a small program without a runtime that outlives the command line.

use crate::local::{
    facts::{End, Record, Start},
    process, schedule,
    store::{CANCEL, HEARTBEAT, LEADER, RECORD, SCRIPT, SUPERVISOR, Store, write_fact},
};
use model::{BaseState, SchedulerJobId, Timestamp};
use reach::{ReachError, files};
use rustix::process::{Pid, Signal, kill_process_group, setsid};
use std::{
    fmt,
    fs::{File, OpenOptions},
    os::unix::{
        fs::OpenOptionsExt,
        process::{CommandExt, ExitStatusExt},
    },
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    time::{Duration, Instant, SystemTime},
};

/// How often a supervisor looks after its job, and while it waits, for its turn.
const LOOK_INTERVAL: Duration = Duration::from_millis(100);

/// How often it says that it lives.
const HEARTBEAT_INTERVAL: Duration = Duration::from_secs(5);

/// How long a job has between being asked to end and being killed.
const GRACE: Duration = Duration::from_secs(10);

/// Why a supervisor gave up. Its job is ended by whoever looks next.
#[derive(Debug)]
pub struct SuperviseError {
    /// What it was doing, and what went wrong.
    pub what: String,
}

impl fmt::Display for SuperviseError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.what)
    }
}

impl std::error::Error for SuperviseError {}

impl From<ReachError> for SuperviseError {
    fn from(error: ReachError) -> Self {
        Self { what: error.to_string() }
    }
}

/// One job in the hands of its supervisor.
struct Supervision {
    store: Store,
    id: SchedulerJobId,
    record: Record,
    beaten_at: Option<Instant>,
}

/// Supervises the job of a directory from its birth to its end; to be called by a process of its own.
///
/// After `Ok` the job's end is written.
pub fn supervise(directory: &Path) -> Result<(), SuperviseError> {
    // Fails only for a process that leads a group already, which is as far from the terminal as we want.
    let _ = setsid();
    let lost = |what: &str| SuperviseError { what: format!("{}: {what}", directory.display()) };
    let store = Store::of_job(directory).ok_or_else(|| lost("not a job's directory"))?;
    let name = directory.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let id: SchedulerJobId = name.parse().map_err(|_| lost("not a job's directory"))?;
    let record: Record = store.fact(id, RECORD)?.ok_or_else(|| lost("no record"))?;
    let own = i32::try_from(std::process::id()).map_err(|_| lost("no process id"))?;
    let identity = process::identity(own).ok_or_else(|| lost("/proc cannot be read"))?;
    write_fact(&directory.join(SUPERVISOR), &identity)?;
    let end = Supervision { store: store.clone(), id, record, beaten_at: None }.live()?;
    store.end(id, &end)?;
    Ok(())
}

fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_epoch_seconds(i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
}

impl Supervision {
    /// From waiting to the end.
    fn live(mut self) -> Result<End, SuperviseError> {
        let Some(start) = self.wait_for_turn()? else {
            return Ok(End { ended_at: now(), state: BaseState::Cancelled, code: 0, signal: 0 });
        };
        let begun = Instant::now();
        self.beat()?;
        let child = match self.spawn(&start) {
            Ok(child) => child,
            Err(error) => {
                self.complain(&error);
                return Ok(End { ended_at: now(), state: BaseState::Failed, code: 127, signal: 0 });
            }
        };
        self.watch(child, begun)
    }

    fn is_cancelled(&self) -> Result<bool, ReachError> {
        Ok(files::modified_at(&self.store.job(self.id).join(CANCEL))?.is_some())
    }

    /// Waits for free slots; none when the job was cancelled before.
    fn wait_for_turn(&self) -> Result<Option<Start>, SuperviseError> {
        loop {
            if self.is_cancelled()? {
                return Ok(None);
            }
            // Jobs of dead supervisors hold slots until someone ends them.
            super::reap::reap(&self.store, now())?;
            if let Some(start) = schedule::try_start(&self.store, self.id, now())? {
                return Ok(Some(start));
            }
            std::thread::sleep(LOOK_INTERVAL);
        }
    }

    fn output(&self) -> std::io::Result<File> {
        OpenOptions::new().create(true).append(true).mode(0o644).open(&self.record.output)
    }

    /// What the job's own log should say when it could not be started.
    fn complain(&self, error: &std::io::Error) {
        let text = format!("local: the job could not be started: {error}\n");
        // Where not even that can be written, the exit code 127 says it.
        let _ = self.output().and_then(|mut file| std::io::Write::write_all(&mut file, text.as_bytes()));
    }

    fn spawn(&self, start: &Start) -> std::io::Result<Child> {
        let directory = self.store.job(self.id);
        let output = self.output()?;
        let gpus: Vec<String> = start.gpus.iter().map(ToString::to_string).collect();
        let mut command = Command::new(directory.join(SCRIPT));
        command
            .args(&self.record.arguments)
            .current_dir(&self.record.directory)
            .env("PAKT_LOCAL_JOB_ID", self.id.to_string())
            .env("CUDA_VISIBLE_DEVICES", gpus.join(","))
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output)
            .process_group(0);
        let child = command.spawn()?;
        let leader = i32::try_from(child.id()).ok().and_then(process::identity);
        if let Some(leader) = leader {
            write_fact(&directory.join(LEADER), &leader).map_err(|error| std::io::Error::other(error.to_string()))?;
        }
        Ok(child)
    }

    /// Says that it lives, at most every few seconds.
    fn beat(&mut self) -> Result<(), ReachError> {
        if self.beaten_at.is_none_or(|before| before.elapsed() >= HEARTBEAT_INTERVAL) {
            let path = self.store.job(self.id).join(HEARTBEAT);
            let touch = || -> std::io::Result<()> {
                let file = OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(&path)?;
                file.set_modified(SystemTime::now())
            };
            touch().map_err(|error| ReachError::from_io(&error, "touching", &path))?;
            self.beaten_at = Some(Instant::now());
        }
        Ok(())
    }

    /// Looks after the running job until it ends, is cancelled or reaches its limit.
    fn watch(&mut self, mut child: Child, begun: Instant) -> Result<End, SuperviseError> {
        let limit = Duration::from_secs(self.record.time_limit_seconds);
        let mut asked: Option<(BaseState, Instant)> = None;
        loop {
            let ended = child.try_wait().map_err(|error| SuperviseError { what: format!("waiting: {error}") })?;
            if let Some(status) = ended {
                // What the script left behind ends with it, as on a cluster.
                signal(&child, Signal::KILL);
                return Ok(Self::end(status, asked.map(|(state, _)| state)));
            }
            self.beat()?;
            match asked {
                None if self.is_cancelled()? => asked = Some((BaseState::Cancelled, Instant::now())),
                None if begun.elapsed() >= limit => asked = Some((BaseState::Timeout, Instant::now())),
                Some((_, since)) if since.elapsed() >= GRACE => signal(&child, Signal::KILL),
                _ => {
                    std::thread::sleep(LOOK_INTERVAL);
                    continue;
                }
            }
            if asked.is_some_and(|(_, since)| since.elapsed() < GRACE) {
                signal(&child, Signal::TERM);
            }
            std::thread::sleep(LOOK_INTERVAL);
        }
    }

    fn end(status: ExitStatus, asked: Option<BaseState>) -> End {
        let code = status.code().and_then(|code| u32::try_from(code).ok()).unwrap_or(0);
        let signal = status.signal().and_then(|signal| u32::try_from(signal).ok()).unwrap_or(0);
        let own = if status.success() { BaseState::Completed } else { BaseState::Failed };
        End { ended_at: now(), state: asked.unwrap_or(own), code, signal }
    }
}

fn signal(child: &Child, signal: Signal) {
    if let Some(group) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
        // The group may be gone already, which is what was wanted.
        let _ = kill_process_group(group, signal);
    }
}
