//! A job's supervisor: a small program without a runtime that outlives the command line.

use crate::local::{
    facts::{End, Record, Start},
    process,
    schedule::Lookout,
    store::{CANCEL, HEARTBEAT, RECORD, SCRIPT, SUPERVISOR, Store, write_fact},
};
use model::{BaseState, SchedulerJobId, Timestamp};
use reach::{ReachError, io_words};
use rustix::process::{Pid, Signal, kill_process_group, setsid};
use std::{
    fmt,
    fs::{File, OpenOptions},
    io::Write,
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

/// How long a supervisor tries again what the disk does not take, or does not give, and how often: what has happened to
/// its job should not be lost because the disk was full in that moment.
const DISK_PATIENCE: Duration = Duration::from_hours(1);
const DISK_INTERVAL: Duration = Duration::from_millis(500);

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
    clock: fn() -> Timestamp,
}

/// Supervises the job of a directory from its birth to its end; to be called by a process of its own.
///
/// After `Ok` the job's end is written. A disk that is full in between only delays that.
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
    let end = Supervision { store: store.clone(), id, record, beaten_at: None, clock: now }.live()?;
    insist(directory, || store.end(id, &end).map(Some))?;
    Ok(())
}

/// Tries until it has an answer, through failures of the disk, but not for ever and not where the job's directory is
/// gone.
fn insist<Answer>(
    directory: &Path,
    mut attempt: impl FnMut() -> Result<Option<Answer>, ReachError>,
) -> Result<Answer, SuperviseError> {
    let mut failing_since: Option<Instant> = None;
    loop {
        let error = match attempt() {
            Ok(Some(answer)) => return Ok(answer),
            Ok(None) => {
                failing_since = None;
                std::thread::sleep(LOOK_INTERVAL);
                continue;
            }
            Err(error) => error,
        };
        let is_patient = failing_since.get_or_insert_with(Instant::now).elapsed() < DISK_PATIENCE;
        if !is_patient || !directory.is_dir() {
            return Err(error.into());
        }
        // The log of the supervisor; where that is full too, nobody can be told.
        let _ = writeln!(std::io::stderr(), "trying again: {error}");
        std::thread::sleep(DISK_INTERVAL);
    }
}

fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_epoch_seconds(i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
}

impl Supervision {
    /// From waiting to the end.
    fn live(mut self) -> Result<End, SuperviseError> {
        let Some(start) = self.wait_for_turn()? else {
            return Ok(End::at((self.clock)(), BaseState::Cancelled));
        };
        let begun = Instant::now();
        self.beat();
        let child = match self.spawn(&start) {
            Ok(child) => child,
            Err(error) => {
                self.complain(&error);
                return Ok(End { code: 127, ..self.end(&start, begun, BaseState::Failed) });
            }
        };
        let (status, asked) = self.watch(child, begun)?;
        let code = status.code().and_then(|code| u32::try_from(code).ok()).unwrap_or(0);
        let signal = status.signal().and_then(|signal| u32::try_from(signal).ok()).unwrap_or(0);
        let own = if status.success() { BaseState::Completed } else { BaseState::Failed };
        Ok(End { code, signal, ..self.end(&start, begun, asked.unwrap_or(own)) })
    }

    /// The end of a job that was started, now. Its length comes from a clock that nobody sets; the two clocks cut their
    /// seconds at different instants, so that a second of difference is none.
    fn end(&self, start: &Start, begun: Instant, state: BaseState) -> End {
        let now = (self.clock)();
        let ran = begun.elapsed().as_secs();
        let shown = u64::try_from(now.seconds_since(start.started_at)).ok().filter(|shown| shown.abs_diff(ran) <= 1);
        let elapsed = shown.unwrap_or(ran);
        let at_least = start.started_at.plus_seconds(i64::try_from(elapsed).unwrap_or(i64::MAX));
        End { elapsed_seconds: Some(elapsed), ..End::at(now.max(at_least), state) }
    }

    /// Whether someone has asked for its end; as long as that cannot be told, nobody has.
    fn is_cancelled(&self) -> bool {
        self.store.has(self.id, CANCEL).unwrap_or(false)
    }

    /// Waits for free slots; none when the job was cancelled before.
    fn wait_for_turn(&self) -> Result<Option<Start>, SuperviseError> {
        let mut lookout = Lookout::of(self.id);
        insist(&self.store.job(self.id), || {
            if self.is_cancelled() {
                return Ok(Some(None));
            }
            Ok(lookout.look(&self.store, &self.record, (self.clock)())?.map(Some))
        })
    }

    fn output(&self) -> std::io::Result<File> {
        OpenOptions::new().create(true).append(true).mode(0o644).open(&self.record.output)
    }

    /// What the job's own log should say when it could not be started.
    fn complain(&self, error: &std::io::Error) {
        let text = format!("local: the job could not be started: {}\n", io_words(error));
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
        // Nothing may fail behind this line: a child that is let go of runs on without limit.
        command.spawn()
    }

    /// Says that it lives, at most every few seconds. Where it cannot, the job counts less only if its supervisor is
    /// lost, too.
    fn beat(&mut self) {
        if self.beaten_at.is_none_or(|before| before.elapsed() >= HEARTBEAT_INTERVAL) {
            let path = self.store.job(self.id).join(HEARTBEAT);
            let touch = || -> std::io::Result<()> {
                let file = OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(&path)?;
                file.set_modified(SystemTime::now())
            };
            if touch().is_ok() {
                self.beaten_at = Some(Instant::now());
            }
        }
    }

    /// Looks after the running job until it ends, is cancelled or reaches its limit: how it ended, and whether it was
    /// asked to.
    fn watch(&mut self, mut child: Child, begun: Instant) -> Result<(ExitStatus, Option<BaseState>), SuperviseError> {
        let limit = Duration::from_secs(self.record.time_limit_seconds);
        let mut asked: Option<(BaseState, Instant)> = None;
        loop {
            match child.try_wait() {
                Ok(None) => {}
                Ok(Some(status)) => {
                    // What the script left behind ends with it, as on a cluster.
                    signal(&child, Signal::KILL);
                    return Ok((status, asked.map(|(state, _)| state)));
                }
                Err(error) => {
                    signal(&child, Signal::KILL);
                    return Err(SuperviseError { what: format!("waiting: {error}") });
                }
            }
            self.beat();
            match asked {
                None if self.is_cancelled() => asked = Some((BaseState::Cancelled, Instant::now())),
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
}

fn signal(child: &Child, signal: Signal) {
    if let Some(group) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
        // The group may be gone already, which is what was wanted.
        let _ = kill_process_group(group, signal);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::{SiteName, Window};
    use std::sync::atomic::{AtomicI64, Ordering};

    /// A clock that someone sets back by a thousand seconds each time it is looked at.
    fn clock_set_back() -> Timestamp {
        static NOW: AtomicI64 = AtomicI64::new(1_800_000_000);
        Timestamp::from_epoch_seconds(NOW.fetch_sub(1_000, Ordering::Relaxed))
    }

    #[test]
    fn a_run_across_a_clock_that_was_set_back_is_still_a_run() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Store::new(folder.path().to_owned());
        store.prepare().expect("made");
        let id = store.claim_id().expect("an id");
        let record = Record {
            id,
            user: "alice".to_owned(),
            name: "back".to_owned(),
            stamp: String::new(),
            submitted_at: Timestamp::from_epoch_seconds(1_800_000_000),
            arguments: Vec::new(),
            directory: folder.path().to_owned(),
            output: "/dev/null".into(),
            cpus: 1,
            gpus: 0,
            time_limit_seconds: 60,
            host_cpus: 1,
            host_gpus: 0,
        };
        write_fact(&store.job(id).join(RECORD), &record).expect("written");
        let script = store.job(id).join(SCRIPT);
        std::fs::write(&script, "#!/bin/sh\ntrue\n").expect("ours");
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o700);
        std::fs::set_permissions(&script, mode).expect("ours");
        let supervision = Supervision { store: store.clone(), id, record, beaten_at: None, clock: clock_set_back };
        let end = supervision.live().expect("it ends");
        store.end(id, &end).expect("written");
        let job = store.view(id).expect("readable").expect("there");
        let started_at = job.start.as_ref().expect("it started").started_at;
        assert!(end.ended_at >= started_at, "{end:?}");
        let site: SiteName = "local".parse().expect("a site");
        let later = started_at.plus_seconds(3_600);
        assert!(job.overlaps(Window { from: started_at, to: later }), "it is in the window of its start");
        let run = job.run(&site, "alice".parse().expect("a user"), later).expect("it ran");
        let length = run.ended_at.expect("it ended").seconds_since(run.started_at);
        assert_eq!(i64::try_from(run.elapsed.seconds()), Ok(length));
        assert!(length <= 60, "by the clock that nobody sets");
        // As an earlier release wrote it, and as `reap` does: with nothing but an instant, here before the start.
        let end = End::at(started_at.plus_seconds(-1_000), BaseState::NodeFail);
        let job = crate::local::facts::JobView { end: Some(end), ..job };
        assert!(job.overlaps(Window { from: started_at, to: later }));
        let run = job.run(&site, "alice".parse().expect("a user"), later).expect("it ran");
        assert_eq!((run.ended_at, run.elapsed.seconds()), (Some(started_at), 0));
    }
}
