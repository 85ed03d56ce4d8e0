//! Many processes on one file, processes that are killed, users who share or may not, a disk that is full.
//!
//! A child is this test program again, told by a variable which part to play; what it has done it says on stdout.

use crate::support::*;
use ledger::{Book, LedgerError, LedgerErrorKind, OpenMode, Retry, SqliteBook, StopPoint, Surroundings};
use std::fs::{self, Permissions};
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command as Process, Output, Stdio};

const PART: &str = "PAKT_LEDGER_TEST_PART";

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().build().expect("a runtime")
}

fn gpfs() -> Surroundings {
    Surroundings { mountinfo: "1 0 0:1 / / rw - gpfs exa rw".to_owned(), ..Surroundings::here() }
}

/// One hold in a ledger opened for it alone: `held`, `refused`, or what went wrong.
fn hold_once(path: &Path, surroundings: &Surroundings, number: u32) -> String {
    let attempt = || -> Result<(), LedgerError> {
        let book = SqliteBook::open_in(path, OpenMode::Existing, surroundings)?;
        runtime().block_on(book.post(&ada(), now(), &[hold(number, 10)])).map(drop)
    };
    match attempt() {
        Ok(()) => "held".to_owned(),
        Err(error) if error.refusal().is_some() => "refused".to_owned(),
        Err(error) => format!("{:?} {:?}: {error}", error.kind, error.retry),
    }
}

/// The part of a child; without one there is nothing to do. `say:` marks its lines among those of the test harness.
#[test]
fn child() {
    let Ok(part) = std::env::var(PART) else { return };
    let words: Vec<&str> = part.split('\t').collect();
    let (path, number) = (PathBuf::from(words[1]), words[2].parse().expect("a number"));
    match words[0] {
        "hold" => println!("\nsay:{}", hold_once(&path, &Surroundings::here(), number)),
        "hold-on-gpfs" => println!("\nsay:{}", hold_once(&path, &gpfs(), number)),
        "init" => {
            let made = SqliteBook::open(&path, OpenMode::Create).map(drop);
            println!(
                "\nsay:{}",
                made.map_or_else(|error| format!("{:?}: {error}", error.kind), |()| "made".to_owned())
            );
        }
        "stop" => post_and_die(&path, number, NOW, &[hold(1, 10), grant("late", 5)]),
        "die" => {
            let command = std::env::var(crate::deaths::COMMAND).expect("a command");
            let (seconds, command) = serde_json::from_str(&command).expect("a command");
            post_and_die(&path, number, seconds, &[command]);
        }
        "hold-for-ever" => {
            let book = SqliteBook::open(&path, OpenMode::Existing).expect("opened");
            for number in 0..u32::MAX {
                runtime().block_on(book.post(&ada(), now(), &[hold(number, 1)])).expect("posted");
                println!("\nsay:{number}");
            }
        }
        "fill" => println!("\nsay:{}", fill(&path)),
        other => panic!("no part `{other}`"),
    }
}

/// Posts in a process that kills itself at one of three points.
fn post_and_die(path: &Path, point: u32, seconds: i64, commands: &[ledger::Command]) {
    let points = [StopPoint::BeforeCheckpoint, StopPoint::BeforeCommit, StopPoint::AfterCommit];
    let stop = Some(points[usize::try_from(point).expect("small")]);
    let surroundings = Surroundings { stop, ..Surroundings::here() };
    let book = SqliteBook::open_in(path, OpenMode::Existing, &surroundings).expect("opened");
    drop(runtime().block_on(book.post(&ada(), at(seconds), commands)));
}

pub(crate) fn part(program: &Path, part: &str, path: &Path, number: u32) -> Process {
    let mut process = Process::new(program);
    process.args(["processes::child", "--exact", "--nocapture"]);
    process.env(PART, format!("{part}\t{}\t{number}", path.display()));
    process.stdout(Stdio::piped()).stderr(Stdio::piped());
    process
}

pub(crate) fn me() -> PathBuf {
    std::env::current_exe().expect("this program")
}

fn said(output: &Output) -> Vec<String> {
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.lines().filter_map(|line| line.strip_prefix("say:")).map(str::to_owned).collect()
}

#[tokio::test]
async fn of_sixty_four_threads_ten_get_what_covers_ten() {
    let desk = Desk::new();
    desk.post(&[grant("g1", 100), enforce(true)]).await;
    let path = desk.path();
    let answers: Vec<String> = std::thread::scope(|scope| {
        let path = &path;
        let threads: Vec<_> =
            (0..64).map(|number| scope.spawn(move || hold_once(path, &Surroundings::here(), number))).collect();
        threads.into_iter().map(|thread| thread.join().expect("no panic")).collect()
    });
    let count = |word: &str| answers.iter().filter(|answer| *answer == word).count();
    assert_eq!((count("held"), count("refused")), (10, 54), "{answers:?}");
    assert_eq!(desk.numbers().await, [100, 0, 0, 100, 0, 0]);
    desk.verify().await;
}

/// The first use of a budget of which no row is there yet.
#[tokio::test]
async fn of_sixty_four_processes_none_gets_what_was_never_granted_and_none_is_lost() {
    let desk = Desk::new();
    for (is_enforced, held, number) in [(true, 0, 0_u32), (false, 64, 100)] {
        desk.post(&[enforce(is_enforced)]).await;
        let child = |place: u32| part(&me(), "hold", &desk.path(), number + place).spawn().expect("started");
        let started: Vec<Child> = (0..64).map(child).collect();
        let ended = started.into_iter().map(|child| child.wait_with_output().expect("ended"));
        let answers: Vec<String> = ended.flat_map(|output| said(&output)).collect();
        let count = |word: &str| answers.iter().filter(|answer| *answer == word).count();
        assert_eq!((count("held"), count("refused")), (held, 64 - held), "{answers:?}");
        assert_eq!(desk.shown_entries().await.iter().any(|entry| entry.starts_with("hold")), !is_enforced);
    }
    assert_eq!(desk.numbers().await, [0, 0, 0, 640, 0, -640]);
    desk.verify().await;
}

#[tokio::test]
async fn of_sixty_four_processes_ten_get_what_covers_ten() {
    // A disk of this host has the write-ahead log, GPFS the rollback journal.
    for (surroundings, name) in [(Surroundings::here(), "hold"), (gpfs(), "hold-on-gpfs")] {
        let desk = Desk::new_in(&surroundings);
        desk.post(&[grant("g1", 100), enforce(true)]).await;
        let started: Vec<Child> =
            (0..64).map(|number| part(&me(), name, &desk.path(), number).spawn().expect("started")).collect();
        let ended = started.into_iter().map(|child| child.wait_with_output().expect("ended"));
        let answers: Vec<String> = ended.flat_map(|output| said(&output)).collect();
        let count = |word: &str| answers.iter().filter(|answer| *answer == word).count();
        assert_eq!((count("held"), count("refused")), (10, 54), "{name}: {answers:?}");
        assert_eq!(desk.numbers().await, [100, 0, 0, 100, 0, 0]);
        desk.verify().await;
    }
}

#[test]
fn processes_that_make_the_same_ledger_at_once_make_one() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("ledger.db");
    let started: Vec<Child> = (0..12).map(|_| part(&me(), "init", &path, 0).spawn().expect("started")).collect();
    for child in started {
        assert_eq!(said(&child.wait_with_output().expect("ended")), ["made"]);
    }
    assert!(SqliteBook::open(&path, OpenMode::Existing).is_ok());
}

#[tokio::test]
async fn a_process_that_dies_in_a_post_leaves_all_of_it_or_nothing() {
    for (point, survives) in [(0, false), (1, false), (2, true)] {
        let desk = Desk::new();
        desk.post(&[grant("g1", 100)]).await;
        let path = desk.path();
        let Desk { folder: _folder, book, .. } = desk;
        drop(book);
        let output = part(&me(), "stop", &path, point).output().expect("ended");
        assert!(!output.status.success(), "it was to die");
        let book = SqliteBook::open(&path, OpenMode::Existing).expect("opened");
        assert_eq!(book.hold(hold_id(1)).await.expect("read").is_some(), survives);
        assert_eq!(book.grants(None).await.expect("read").len(), if survives { 2 } else { 1 });
        book.post(&ada(), now(), &[hold(1, 10), grant("late", 5)]).await.expect("the repetition is safe");
        let verification = book.verify().await.expect("verified");
        assert_eq!((verification.entries, verification.findings), (3, vec![]));
    }
}

#[tokio::test]
async fn what_a_killed_process_was_told_is_there() {
    let desk = Desk::new();
    desk.post(&[grant("g1", 100)]).await;
    let mut child = part(&me(), "hold-for-ever", &desk.path(), 0).spawn().expect("started");
    let output = child.stdout.take().expect("piped");
    let told = BufReader::new(output)
        .lines()
        .map_while(Result::ok)
        .filter_map(|line| line.strip_prefix("say:").map(|number| number.parse::<u32>().expect("a number")));
    let last = told.take(25).last().expect("it held");
    child.kill().expect("killed");
    child.wait().expect("ended");
    for number in 0..=last {
        assert!(desk.book.hold(hold_id(number)).await.expect("read").is_some(), "hold {number}");
    }
    desk.verify().await;
    desk.post(&[grant("g2", 100)]).await;
}

/// This program where another user may run it, and that user where there is a way to become one.
struct OtherUsers {
    program: PathBuf,
    can_switch: bool,
}

const GROUP: u32 = 64_242;

impl OtherUsers {
    fn new(folder: &Path) -> Self {
        fs::set_permissions(folder, Permissions::from_mode(0o755)).expect("set");
        let program = folder.join("test-program");
        fs::copy(me(), &program).expect("copied");
        fs::set_permissions(&program, Permissions::from_mode(0o755)).expect("set");
        Self { program, can_switch: rustix::process::geteuid().is_root() }
    }

    /// Plays a part as that user, whose umask keeps everybody else out.
    fn run(&self, user: u32, name: &str, path: &Path, number: u32) -> Vec<String> {
        let mut process = part(Path::new("/bin/sh"), name, path, number);
        let shell = ["-c", "umask 077; exec \"$0\" \"$@\""];
        let mut shelled = Process::new("/bin/sh");
        shelled.args(shell).arg(&self.program).args(process.get_args());
        shelled.envs(process.get_envs().filter_map(|(key, value)| value.map(|value| (key, value))));
        shelled.current_dir("/").stdout(Stdio::piped()).stderr(Stdio::piped());
        process = shelled;
        if self.can_switch {
            process.uid(user).gid(GROUP);
        }
        said(&process.output().expect("ended"))
    }
}

#[test]
fn a_group_shares_one_ledger_whatever_its_members_umask() {
    let outer = tempfile::tempdir().expect("a folder");
    let users = OtherUsers::new(outer.path());
    let folder = outer.path().join("group");
    fs::create_dir(&folder).expect("made");
    if users.can_switch {
        std::os::unix::fs::chown(&folder, None, Some(GROUP)).expect("given to the group");
    }
    fs::set_permissions(&folder, Permissions::from_mode(0o2770)).expect("set");
    let path = folder.join("ledger.db");
    assert_eq!(users.run(64_001, "init", &path, 0), ["made"]);
    for (user, number) in [(64_001, 1), (64_002, 2), (64_001, 3), (64_002, 4)] {
        assert_eq!(users.run(user, "hold", &path, number), ["held"], "user {user}");
    }
}

#[test]
fn a_file_that_may_not_be_written_is_said_to_be_so() {
    for (folder_mode, file_mode, kinds) in [
        (0o755, 0o000, ["NotPermitted", "NotPermitted"]),
        (0o755, 0o444, ["ReadOnly", "NotPermitted"]),
        (0o555, 0o666, ["ReadOnly", "NotPermitted"]),
    ] {
        let outer = tempfile::tempdir().expect("a folder");
        let users = OtherUsers::new(outer.path());
        let folder = outer.path().join("kept");
        fs::create_dir(&folder).expect("made");
        let path = folder.join("ledger.db");
        drop(SqliteBook::open(&path, OpenMode::Create).expect("made"));
        fs::set_permissions(&path, Permissions::from_mode(file_mode)).expect("set");
        fs::set_permissions(&folder, Permissions::from_mode(folder_mode)).expect("set");
        let answers = users.run(64_001, "hold", &path, 1);
        fs::set_permissions(&folder, Permissions::from_mode(0o755)).expect("set");
        let is_named = kinds.iter().any(|kind| answers[0].starts_with(&format!("{kind} Never")));
        assert!(is_named, "{folder_mode:o} {file_mode:o}: {answers:?}");
    }
}

/// Holds until something fails; then what failed, and whether the ledger is whole without the failed post.
fn fill(path: &Path) -> String {
    let book = SqliteBook::open(path, OpenMode::Create).expect("made");
    let note = "x".repeat(20_000);
    for number in 0..1000 {
        let mut hold = new_hold(number, 1);
        hold.note.clone_from(&note);
        let posted = runtime().block_on(book.post(&ada(), now(), &[ledger::Command::Hold(hold)]));
        let Err(LedgerError { kind, retry, .. }) = posted else { continue };
        let verification = runtime().block_on(book.verify()).expect("verified");
        let holds = runtime().block_on(book.open_holds(None)).expect("read").len();
        let is_whole = verification.is_consistent() && holds == usize::try_from(number).expect("small");
        assert_eq!((kind, retry), (LedgerErrorKind::DiskFull, Retry::Later));
        return if is_whole { "full and whole".to_owned() } else { format!("full, {holds} of {number}") };
    }
    "never full".to_owned()
}

/// A file system of one megabyte, in a name space of its own: root's, or that of a user who may have one.
#[test]
fn real_full_disk_is_said_and_loses_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let child = part(&me(), "fill", &folder.path().join("ledger.db"), 0);
    let script = "mount -t tmpfs -o size=1m tmpfs \"$1\" || exit 77; shift; exec \"$@\"";
    let mut process = Process::new("unshare");
    if !rustix::process::geteuid().is_root() {
        process.arg("--map-root-user");
    }
    process.args(["--mount", "sh", "-c", script, "sh"]).arg(folder.path());
    process.arg(me()).args(child.get_args());
    process.envs(child.get_envs().filter_map(|(key, value)| value.map(|value| (key, value))));
    let output = process.output().expect("unshare, of util-linux");
    let shown = || [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes).into_owned()).concat();
    assert!(output.status.success(), "{}: {}", output.status, shown());
    assert_eq!(said(&output), ["full and whole"], "{}", shown());
}
