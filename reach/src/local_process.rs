//! Running a process on this host: own process group, bounded output, bounded time.

use crate::{Command, Output, ReachError, ReachErrorKind, Retry, counters};
use rustix::process::{Pid, Signal, kill_process_group};
use std::{
    os::unix::process::ExitStatusExt,
    path::Path,
    process::{ExitStatus, Stdio},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWriteExt},
    process::Child,
    task::JoinHandle,
    time::timeout,
};

/// How long the streams of a process that has ended are awaited: a grandchild may hold them open for ever.
const DRAIN_LIMIT: Duration = Duration::from_secs(2);

/// What one stream has given so far; shared, so that it outlives a time-out.
type Collected = Arc<Mutex<Vec<u8>>>;

enum Drained {
    Whole,
    TooLong,
}

struct Streams {
    stdout: Collected,
    stderr: Collected,
    readers: [JoinHandle<std::io::Result<Drained>>; 2],
    writer: JoinHandle<()>,
}

pub(crate) async fn run(command: &Command) -> Result<Output, ReachError> {
    let mut child = start(command)?;
    let group = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
    let mut streams = attach(&mut child, command);
    let ended = timeout(command.time_limit, wait(&mut child, &mut streams, command)).await;
    let finished = match ended {
        Ok(Ok(status)) => Ok(output(&streams, Some(status))),
        Ok(Err(error)) => {
            kill(group);
            Err(error)
        }
        Err(_) => {
            if !command.leaves_running_on_time_out {
                kill(group);
            }
            Ok(output(&streams, None))
        }
    };
    streams.readers.iter().for_each(JoinHandle::abort);
    streams.writer.abort();
    finished
}

fn doing(command: &Command) -> String {
    format!("running {}", command.program)
}

/// Runs a command with this process's own streams and process group, so that the terminal's signals reach it.
pub(crate) async fn attach_to_terminal(command: &Command) -> Result<Option<i32>, ReachError> {
    let mut process = prepared(command);
    counters::count_process();
    // Ctrl-C is for the command: it has the terminal. Whoever attached it still has work to do when it has ended.
    let failed = |error| ReachError::from_io(&error, "listening to signals for", Path::new(&command.program));
    let mut interrupts = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::interrupt()).map_err(failed)?;
    let mut child = process.spawn().map_err(failed_to_run(command))?;
    let status = loop {
        tokio::select! {
            status = child.wait() => break status,
            _ = interrupts.recv() => {}
        }
    };
    let status = status.map_err(failed_to_run(command))?;
    Ok(status.code())
}

fn failed_to_run(command: &Command) -> impl Fn(std::io::Error) -> ReachError {
    |error| ReachError::from_io(&error, "running", Path::new(&command.program))
}

/// The program with its arguments, environment and directory.
fn prepared(command: &Command) -> tokio::process::Command {
    let mut process = tokio::process::Command::new(&command.program);
    process.args(&command.arguments);
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(|name| command.removes(name)) {
            process.env_remove(name);
        }
    }
    process.envs(command.environment.iter().map(|(name, value)| (name, value)));
    if let Some(directory) = &command.directory {
        process.current_dir(directory);
    }
    process
}

fn start(command: &Command) -> Result<Child, ReachError> {
    let mut process = prepared(command);
    process.process_group(0);
    let stdin = if command.standard_input.is_some() { Stdio::piped() } else { Stdio::null() };
    process.stdin(stdin).stdout(Stdio::piped()).stderr(Stdio::piped());
    counters::count_process();
    process.spawn().map_err(failed_to_run(command))
}

fn attach(child: &mut Child, command: &Command) -> Streams {
    let stdout = Collected::default();
    let stderr = Collected::default();
    let limit = command.output_limit;
    let out = child.stdout.take().expect("piped at the start");
    let err = child.stderr.take().expect("piped at the start");
    let input = child.stdin.take().zip(command.standard_input.clone());
    let writer = tokio::spawn(async move {
        if let Some((mut pipe, bytes)) = input {
            // A program that does not read its input to the end is free to; its exit status says what it thinks.
            let _ = pipe.write_all(&bytes).await;
        }
    });
    let readers = [
        tokio::spawn(collect(out, Arc::clone(&stdout), limit)),
        tokio::spawn(collect(err, Arc::clone(&stderr), limit)),
    ];
    Streams { stdout, stderr, readers, writer }
}

async fn collect(mut pipe: impl AsyncRead + Unpin, into: Collected, limit: usize) -> std::io::Result<Drained> {
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let count = pipe.read(&mut buffer).await?;
        if count == 0 {
            return Ok(Drained::Whole);
        }
        let mut collected = into.lock().unwrap_or_else(PoisonError::into_inner);
        if collected.len() + count > limit {
            return Ok(Drained::TooLong);
        }
        collected.extend_from_slice(&buffer[..count]);
    }
}

/// Waits for the end of the process and of its streams; a stream that is too long ends the wait at once.
async fn wait(child: &mut Child, streams: &mut Streams, command: &Command) -> Result<ExitStatus, ReachError> {
    let [out, err] = &mut streams.readers;
    let drain = async {
        let (out, err) = tokio::try_join!(settle(out, command), settle(err, command))?;
        Ok::<_, ReachError>((out, err))
    };
    tokio::pin!(drain);
    let ended = child.wait();
    tokio::pin!(ended);
    let lost = |error: std::io::Error| {
        ReachError::new(ReachErrorKind::Other, Retry::LookFirst, doing(command)).with("cause", error)
    };
    tokio::select! {
        drained = &mut drain => {
            drained?;
            ended.await.map_err(lost)
        }
        status = &mut ended => {
            let status = status.map_err(lost)?;
            if let Ok(drained) = timeout(DRAIN_LIMIT, drain).await {
                drained?;
            }
            Ok(status)
        }
    }
}

async fn settle(reader: &mut JoinHandle<std::io::Result<Drained>>, command: &Command) -> Result<(), ReachError> {
    let lost =
        |error: String| ReachError::new(ReachErrorKind::Other, Retry::LookFirst, doing(command)).with("cause", error);
    match reader.await {
        Ok(Ok(Drained::Whole)) => Ok(()),
        Ok(Ok(Drained::TooLong)) => {
            let error = ReachError::new(ReachErrorKind::TooLong, Retry::LookFirst, doing(command));
            Err(error.with("limit", format!("{} bytes", command.output_limit)))
        }
        Ok(Err(error)) => Err(lost(error.to_string())),
        Err(error) => Err(lost(error.to_string())),
    }
}

fn kill(group: Option<Pid>) {
    if let Some(group) = group {
        // The group may have ended by itself in this very moment, which is as good.
        let _ = kill_process_group(group, Signal::KILL);
    }
}

fn output(streams: &Streams, status: Option<ExitStatus>) -> Output {
    let taken = |collected: &Collected| std::mem::take(&mut *collected.lock().unwrap_or_else(PoisonError::into_inner));
    Output {
        status: status.and_then(|status| status.code()),
        signal: status.and_then(|status| status.signal()),
        stdout: taken(&streams.stdout),
        stderr: taken(&streams.stderr),
        timed_out: status.is_none(),
    }
}
