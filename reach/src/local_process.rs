//! Running a process on this host: own process group, bounded output, bounded time.

use crate::{Command, Output, PieceTaker, ReachError, ReachErrorKind, Retry, counters, io_words};
use rustix::process::{Pid, Signal, kill_process_group};
use std::{
    io,
    os::unix::process::ExitStatusExt,
    path::Path,
    process::{ExitStatus, Stdio},
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    process::{Child, ChildStderr, ChildStdout},
    task::JoinHandle,
    time::{Instant, sleep_until},
};

/// How long the streams of a process that has ended are awaited: a grandchild may hold them open for ever.
const DRAIN_LIMIT: Duration = Duration::from_secs(2);

const PIECE_BYTES: usize = 64 * 1024;

struct Streams {
    stdout: ChildStdout,
    stderr: ChildStderr,
    writer: JoinHandle<()>,
}

pub(crate) async fn run(command: &Command) -> Result<Output, ReachError> {
    let mut stdout = Vec::new();
    let output = run_through(command, &mut |piece: &[u8]| stdout.extend_from_slice(piece)).await?;
    Ok(Output { stdout, ..output })
}

/// Runs a command and hands its standard output on as it comes.
pub(crate) async fn run_through(command: &Command, taker: &mut dyn PieceTaker) -> Result<Output, ReachError> {
    let mut child = start(command)?;
    let group = Group::of(&child);
    let mut streams = attach(&mut child, command);
    let mut stderr = Vec::new();
    let ended = wait(&mut child, &mut streams, command, taker, &mut stderr).await;
    let finished = ended.map(|status| output(stderr, status));
    let is_over = finished.as_ref().is_ok_and(|output| !output.timed_out);
    if is_over {
        streams.writer.abort();
    } else if command.leaves_running_on_time_out {
        tokio::spawn(let_be(child, streams));
    } else {
        group.kill();
        streams.writer.abort();
    }
    finished
}

/// Keeps the streams of a process that is left alone open for as long as we live: one that writes into a closed pipe
/// is ended by SIGPIPE.
async fn let_be(mut child: Child, mut streams: Streams) {
    let (mut nowhere, mut nowhere_either) = (tokio::io::sink(), tokio::io::sink());
    // Nobody asks any more what it says and how it ends.
    let _ = tokio::join!(
        tokio::io::copy(&mut streams.stdout, &mut nowhere),
        tokio::io::copy(&mut streams.stderr, &mut nowhere_either),
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

/// Starts a program in a process group of its own, with pipes to all of its streams.
pub(crate) fn start_to_speak(command: &Command) -> Result<Child, ReachError> {
    let mut process = prepared(command);
    process.process_group(0).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
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

/// A stream of a process, read piece by piece.
struct Stream {
    piece: Vec<u8>,
    is_open: bool,
    taken: usize,
    limit: usize,
}

impl Stream {
    fn new(limit: usize) -> Self {
        Self { piece: vec![0; PIECE_BYTES], is_open: true, taken: 0, limit }
    }

    /// The piece that was read; none at the stream's end, and none of what is beyond the limit.
    fn read(&mut self, count: usize) -> Option<&[u8]> {
        self.is_open = count > 0;
        self.taken = self.taken.saturating_add(count);
        (self.is_open && !self.is_too_long()).then(|| &self.piece[..count])
    }

    const fn is_too_long(&self) -> bool {
        self.taken > self.limit
    }
}

/// Waits for the end of the process and of its streams; none where it is out of time, which stands still while a piece is
/// worked on. A stream that is too long ends the wait at once, unless the process is one that must not be cut: then it may
/// end first.
async fn wait(
    child: &mut Child,
    streams: &mut Streams,
    command: &Command,
    taker: &mut dyn PieceTaker,
    stderr: &mut Vec<u8>,
) -> Result<Option<ExitStatus>, ReachError> {
    let lost = |error: io::Error| {
        ReachError::new(ReachErrorKind::Other, Retry::LookFirst, doing(command)).with("cause", io_words(&error))
    };
    let (mut out, mut err) = (Stream::new(command.output_limit), Stream::new(command.output_limit));
    let mut until = Instant::now() + command.time_limit;
    let mut status = None;
    while status.is_none() || out.is_open || err.is_open {
        tokio::select! {
            count = streams.stdout.read(&mut out.piece), if out.is_open => {
                if let Some(piece) = out.read(count.map_err(lost)?) {
                    let began = Instant::now();
                    taker.take(piece).await;
                    until += began.elapsed();
                }
            }
            count = streams.stderr.read(&mut err.piece), if err.is_open => {
                stderr.extend_from_slice(err.read(count.map_err(lost)?).unwrap_or_default());
            }
            ended = child.wait(), if status.is_none() => {
                status = Some(ended.map_err(lost)?);
                until = until.min(Instant::now() + DRAIN_LIMIT);
            }
            () = sleep_until(until) => return Ok(status),
        }
        if (out.is_too_long() || err.is_too_long()) && !command.leaves_running_on_time_out {
            return Err(too_long(command));
        }
    }
    if out.is_too_long() || err.is_too_long() { Err(too_long(command)) } else { Ok(status) }
}

fn too_long(command: &Command) -> ReachError {
    let error = ReachError::new(ReachErrorKind::TooLong, Retry::LookFirst, doing(command));
    error.with("limit", format!("{} bytes", command.output_limit))
}

/// The process group of a program that was started here.
pub(crate) struct Group(Option<Pid>);

impl Group {
    pub(crate) fn of(child: &Child) -> Self {
        Self(child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw))
    }

    pub(crate) fn kill(&self) {
        if let Some(group) = self.0 {
            // The group may have ended by itself in this very moment, which is as good.
            let _ = kill_process_group(group, Signal::KILL);
        }
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
