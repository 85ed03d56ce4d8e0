//! Running a process on this host: own process group, bounded output, bounded time.

use crate::{Command, Output, ReachError, ReachErrorKind, Retry, counters, io_words};
use rustix::process::{Pid, Signal, kill_process_group};
use std::{
    io,
    os::unix::process::ExitStatusExt,
    path::Path,
    process::{ExitStatus, Stdio},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWriteExt},
    process::{Child, ChildStderr, ChildStdout},
    task::JoinHandle,
    time::timeout,
};

/// How long the streams of a process that has ended are awaited: a grandchild may hold them open for ever.
const DRAIN_LIMIT: Duration = Duration::from_secs(2);

const PIECE_BYTES: usize = 64 * 1024;

/// What becomes of a stream's bytes as they come.
type Take<'taker> = dyn FnMut(&[u8]) + Send + 'taker;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Drained {
    Whole,
    TooLong,
}

struct Streams {
    stdout: ChildStdout,
    stderr: ChildStderr,
    writer: JoinHandle<()>,
}

pub(crate) async fn run(command: &Command) -> Result<Output, ReachError> {
    let mut stdout = Vec::new();
    let output = run_through(command, &mut |piece| stdout.extend_from_slice(piece)).await?;
    Ok(Output { stdout, ..output })
}

/// Runs a command and hands its standard output on as it comes.
pub(crate) async fn run_through(command: &Command, take: &mut Take<'_>) -> Result<Output, ReachError> {
    let mut child = start(command)?;
    let group = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
    let mut streams = attach(&mut child, command);
    let mut stderr = Vec::new();
    let ended = timeout(command.time_limit, wait(&mut child, &mut streams, command, take, &mut stderr)).await;
    let finished = match ended {
        Ok(Ok(status)) => Ok(output(stderr, Some(status))),
        Ok(Err(error)) => Err(error),
        Err(_) => Ok(output(stderr, None)),
    };
    let is_over = finished.as_ref().is_ok_and(|output| !output.timed_out);
    if is_over {
        streams.writer.abort();
    } else if command.leaves_running_on_time_out {
        tokio::spawn(let_be(child, streams));
    } else {
        kill(group);
        streams.writer.abort();
    }
    finished
}

/// Keeps the streams of a process that is left alone open for as long as we live: one that writes into a closed pipe
/// is ended by SIGPIPE.
async fn let_be(mut child: Child, mut streams: Streams) {
    let limits = Limits { bytes: 0, goes_on: true };
    let (mut out, mut err) = (|_: &[u8]| (), |_: &[u8]| ());
    // Nobody asks any more what it says and how it ends.
    let _ = tokio::join!(
        drain(&mut streams.stdout, limits, &mut out),
        drain(&mut streams.stderr, limits, &mut err),
        child.wait(),
    );
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
    let stdout = child.stdout.take().expect("piped at the start");
    let stderr = child.stderr.take().expect("piped at the start");
    let input = child.stdin.take().zip(command.standard_input.clone());
    let writer = tokio::spawn(async move {
        if let Some((mut pipe, bytes)) = input {
            // A program that does not read its input to the end is free to; its exit status says what it thinks.
            let _ = pipe.write_all(&bytes).await;
        }
    });
    Streams { stdout, stderr, writer }
}

/// How much a stream may give, and whether it is read to its end all the same when it gives more.
#[derive(Clone, Copy)]
struct Limits {
    bytes: usize,
    goes_on: bool,
}

async fn drain(pipe: &mut (impl AsyncRead + Unpin), limits: Limits, take: &mut Take<'_>) -> io::Result<Drained> {
    let mut piece = vec![0; PIECE_BYTES];
    let mut taken = 0_usize;
    let mut drained = Drained::Whole;
    loop {
        let count = pipe.read(&mut piece).await?;
        if count == 0 {
            return Ok(drained);
        }
        taken = taken.saturating_add(count);
        if taken <= limits.bytes {
            take(&piece[..count]);
        } else if limits.goes_on {
            drained = Drained::TooLong;
        } else {
            return Ok(Drained::TooLong);
        }
    }
}

/// Waits for the end of the process and of its streams. A stream that is too long ends the wait at once, unless the
/// process is one that must not be cut: then it may end first.
async fn wait(
    child: &mut Child,
    streams: &mut Streams,
    command: &Command,
    take: &mut Take<'_>,
    stderr: &mut Vec<u8>,
) -> Result<ExitStatus, ReachError> {
    let lost = |error: io::Error| {
        ReachError::new(ReachErrorKind::Other, Retry::LookFirst, doing(command)).with("cause", io_words(&error))
    };
    let limits = Limits { bytes: command.output_limit, goes_on: command.leaves_running_on_time_out };
    let mut keep = |piece: &[u8]| stderr.extend_from_slice(piece);
    let both = async {
        let out = settled(drain(&mut streams.stdout, limits, take), command);
        let err = settled(drain(&mut streams.stderr, limits, &mut keep), command);
        tokio::try_join!(out, err).map(drop)
    };
    tokio::pin!(both);
    let ended = child.wait();
    tokio::pin!(ended);
    tokio::select! {
        drained = &mut both => {
            drained?;
            ended.await.map_err(lost)
        }
        status = &mut ended => {
            let status = status.map_err(lost)?;
            if let Ok(drained) = timeout(DRAIN_LIMIT, both).await {
                drained?;
            }
            Ok(status)
        }
    }
}

/// A stream's end, as the caller is told.
async fn settled(drained: impl Future<Output = io::Result<Drained>>, command: &Command) -> Result<(), ReachError> {
    match drained.await {
        Ok(Drained::Whole) => Ok(()),
        Ok(Drained::TooLong) => {
            let error = ReachError::new(ReachErrorKind::TooLong, Retry::LookFirst, doing(command));
            Err(error.with("limit", format!("{} bytes", command.output_limit)))
        }
        Err(error) => {
            Err(ReachError::new(ReachErrorKind::Other, Retry::LookFirst, doing(command))
                .with("cause", io_words(&error)))
        }
    }
}

fn kill(group: Option<Pid>) {
    if let Some(group) = group {
        // The group may have ended by itself in this very moment, which is as good.
        let _ = kill_process_group(group, Signal::KILL);
    }
}

fn output(stderr: Vec<u8>, status: Option<ExitStatus>) -> Output {
    Output {
        status: status.and_then(|status| status.code()),
        signal: status.and_then(|status| status.signal()),
        stdout: Vec::new(),
        stderr,
        timed_out: status.is_none(),
    }
}
