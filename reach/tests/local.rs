//! What the contract promises, tried on this host.

use reach::{Command, Created, DirectoryMode, EntryKind, Local, Published, Reach, ReachErrorKind, Retry, counters};
use std::{os::unix::fs::PermissionsExt, path::Path, time::Duration};

fn shell(script: &str) -> Command {
    Command::new("sh").arguments(["-c", script])
}

#[tokio::test]
async fn a_command_gets_its_input_and_environment_and_gives_its_output() {
    let command = shell("cat; echo $WORD $PATH_IS_SET; echo why >&2; exit 3")
        .standard_input("read me\n")
        .variable("WORD", "given")
        .without(["PATH_IS_SET"]);
    let output = Local.run(&command).await.expect("sh runs");
    assert_eq!(output.stdout_text(), "read me\ngiven\n");
    assert_eq!((output.stderr_text().as_str(), output.status, output.timed_out), ("why\n", Some(3), false));
    assert!(!output.succeeded());
    let output = Local.run(&shell("kill -9 $$")).await.expect("sh runs");
    assert_eq!((output.status, output.signal, output.ending().as_str()), (None, Some(9), "signal 9"));
}

#[tokio::test]
async fn variables_are_removed_by_pattern() {
    let command = shell("test -z \"$CARGO_MANIFEST_DIR\" && test -n \"$CARGO_PKG_NAME\"")
        .without(["CARGO_*"])
        .keeping(["CARGO_PKG_NAME"]);
    assert!(Local.run(&command).await.expect("sh runs").succeeded());
}

#[tokio::test]
async fn a_program_that_does_not_exist_is_an_error_that_says_so() {
    let error = Local.run(&Command::new("no-such-program-here")).await.expect_err("absent");
    assert_eq!((error.kind, error.retry), (ReachErrorKind::NotFound, Retry::Never));
}

#[tokio::test]
async fn out_of_time_keeps_what_was_said_and_kills_the_whole_group() {
    let folder = tempfile::tempdir().expect("a folder");
    let witness = folder.path().join("child");
    let script = format!("sh -c 'echo $$ > {}; exec sleep 600' & echo 4711; wait", witness.display());
    let output = Local.run(&shell(&script).time_limit(Duration::from_millis(1500))).await.expect("sh runs");
    assert!(output.timed_out);
    assert_eq!((output.stdout_text().as_str(), output.status), ("4711\n", None));
    let child = std::fs::read_to_string(&witness).expect("the child wrote its id");
    assert!(ends_soon(child.trim()).await, "the grandchild outlived its group");
}

#[tokio::test]
async fn out_of_time_leaves_alone_what_must_not_be_cut() {
    let folder = tempfile::tempdir().expect("a folder");
    let done = folder.path().join("done");
    let gate = folder.path().join("gate");
    let script = format!("echo begun; until test -e {}; do sleep 0.02; done; touch {}", gate.display(), done.display());
    let command = shell(&script).time_limit(Duration::from_millis(300)).leave_running_on_time_out();
    let output = Local.run(&command).await.expect("sh runs");
    assert!(output.timed_out);
    assert_eq!(output.stdout_text(), "begun\n");
    std::fs::write(&gate, "").expect("open the gate");
    assert!(becomes_true(|| done.exists()).await, "it was killed");
}

#[tokio::test]
async fn too_much_output_leaves_alone_what_must_not_be_cut() {
    let folder = tempfile::tempdir().expect("a folder");
    let done = folder.path().join("done");
    let script = format!("set -e; head -c 300000 /dev/zero; head -c 300000 /dev/zero >&2; touch {}", done.display());
    let command = shell(&script).output_limit(4096).leave_running_on_time_out();
    let error = Local.run(&command).await.expect_err("too long");
    assert_eq!((error.kind, error.retry), (ReachErrorKind::TooLong, Retry::LookFirst));
    assert!(becomes_true(|| done.exists()).await, "it was killed");
}

#[tokio::test]
async fn what_is_left_alone_can_still_speak() {
    let folder = tempfile::tempdir().expect("a folder");
    let (gate, done) = (folder.path().join("gate"), folder.path().join("done"));
    // A shell that writes into a closed pipe is ended by SIGPIPE, and does nothing more.
    let script = format!(
        "until test -e {}; do sleep 0.02; done; echo late; echo late >&2; touch {}",
        gate.display(),
        done.display()
    );
    let command = shell(&script).time_limit(Duration::from_millis(300)).leave_running_on_time_out();
    assert!(Local.run(&command).await.expect("sh runs").timed_out);
    std::fs::write(&gate, "").expect("open the gate");
    assert!(becomes_true(|| done.exists()).await, "it was killed by its own words");
}

#[tokio::test]
async fn output_is_handed_on_as_it_comes_and_not_kept() {
    let folder = tempfile::tempdir().expect("a folder");
    let gate = folder.path().join("gate");
    // It goes on only when its first line was handed on.
    let script = format!("echo first; until test -e {}; do sleep 0.02; done; echo second", gate.display());
    let mut seen = String::new();
    let mut take = |piece: &[u8]| {
        seen += &String::from_utf8_lossy(piece);
        if seen == "first\n" {
            std::fs::write(&gate, "").expect("open the gate");
        }
    };
    let output = Local.run_through(&shell(&script), &mut take).await.expect("sh runs");
    assert!(output.succeeded() && output.stdout.is_empty());
    assert_eq!(seen, "first\nsecond\n");
    let mut taken = 0;
    let command = shell("head -c 200000 /dev/zero").output_limit(100_000);
    let error = Local.run_through(&command, &mut |piece: &[u8]| taken += piece.len()).await.expect_err("too long");
    assert_eq!(error.kind, ReachErrorKind::TooLong);
    assert!(taken <= 100_000, "{taken}");
}

async fn ends_soon(process: &str) -> bool {
    let stat = format!("/proc/{process}/stat");
    becomes_true(|| {
        std::fs::read_to_string(&stat).is_ok_and(|text| text.contains(") Z ")) || !Path::new(&stat).exists()
    })
    .await
}

async fn becomes_true(is_so: impl Fn() -> bool) -> bool {
    for _ in 0..1000 {
        if is_so() {
            return true;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    false
}

#[tokio::test]
async fn more_output_than_allowed_is_an_error_and_never_a_cut() {
    let command = shell("head -c 5000 /dev/zero; sleep 600").output_limit(4096);
    let error = Local.run(&command).await.expect_err("too long");
    assert_eq!((error.kind, error.retry), (ReachErrorKind::TooLong, Retry::LookFirst));
    let output = Local.run(&shell("head -c 4096 /dev/zero").output_limit(4096)).await.expect("just so");
    assert_eq!(output.stdout.len(), 4096);
}

#[tokio::test]
async fn a_grandchild_that_keeps_the_streams_open_does_not_hold_the_answer() {
    let command = shell("sleep 600 & echo $!").time_limit(Duration::from_mins(1));
    let output = Local.run(&command).await.expect("sh runs");
    assert_eq!((output.status, output.timed_out), (Some(0), false));
    let left: i32 = output.stdout_text().trim().parse().expect("its id");
    let left = rustix::process::Pid::from_raw(left).expect("not zero");
    rustix::process::kill_process(left, rustix::process::Signal::KILL).expect("it is ours");
}

#[tokio::test]
async fn of_many_writers_one_publishes_and_all_see_its_bytes() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("claim.json");
    let writers: Vec<_> = (0..24)
        .map(|number| {
            let path = path.clone();
            tokio::spawn(async move { Local.write_once(&path, format!("writer {number}").as_bytes()).await })
        })
        .collect();
    let mut new = 0;
    let mut seen = Vec::new();
    for writer in writers {
        match writer.await.expect("no panic").expect("published") {
            Published::New => new += 1,
            Published::Existing(bytes) => seen.push(bytes),
        }
    }
    let stands = std::fs::read(&path).expect("it stands there");
    assert_eq!(new, 1);
    assert!(seen.iter().all(|bytes| *bytes == stands));
    let left: Vec<_> = std::fs::read_dir(folder.path()).expect("a folder").collect();
    assert_eq!(left.len(), 1, "temporary files are left: {left:?}");
}

#[tokio::test]
async fn an_earlier_file_beyond_all_measure_is_an_error_and_is_not_read() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("claim.json");
    let file = std::fs::File::create(&path).expect("ours");
    file.set_len(reach::PUBLISHED_LIMIT as u64).expect("a hole");
    let published = Local.write_once(&path, b"ours").await.expect("just so");
    assert!(matches!(published, Published::Existing(bytes) if bytes.len() == reach::PUBLISHED_LIMIT));
    file.set_len(reach::PUBLISHED_LIMIT as u64 + 1).expect("a hole");
    let error = Local.write_once(&path, b"ours").await.expect_err("too long");
    assert_eq!(error.kind, ReachErrorKind::TooLong);
    assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 1, "nothing of ours is left");
}

#[tokio::test]
async fn files_are_replaced_appended_listed_and_removed() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("state");
    assert_eq!(Local.read(&path, 10).await, Ok(None));
    assert_eq!(Local.list(&folder.path().join("absent")).await, Ok(None));
    let before = counters();
    Local.replace(&path, b"one").await.expect("written");
    assert!(counters().since(before).syncs >= 2, "the file and its directory are synced");
    Local.replace(&path, b"two").await.expect("written");
    Local.append(&path, b"+three").await.expect("appended");
    assert_eq!(Local.read(&path, 9).await, Ok(Some(b"two+three".to_vec())));
    assert_eq!(Local.read(&path, 8).await.expect_err("longer").kind, ReachErrorKind::TooLong);
    let part = Local.read_part(&path, -5, 3).await.expect("read").expect("there");
    assert_eq!((part.bytes.as_slice(), part.total_bytes), (&b"thr"[..], 9));
    let part = Local.read_part(&path, 100, 3).await.expect("read").expect("there");
    assert!(part.bytes.is_empty());
    let entries = Local.list(folder.path()).await.expect("listed").expect("there");
    assert_eq!(entries.len(), 1);
    assert_eq!((entries[0].name.as_str(), entries[0].kind, entries[0].bytes), ("state", EntryKind::File, 9));
    assert_eq!(std::fs::metadata(&path).expect("there").permissions().mode() & 0o777, 0o600);
    Local.remove(&path).await.expect("removed");
    Local.remove(&path).await.expect("removed already");
    assert_eq!(Local.modified_at(&path).await, Ok(None));
}

#[tokio::test]
async fn directories_have_the_mode_that_was_asked_for() {
    let folder = tempfile::tempdir().expect("a folder");
    let mode_of = |path: &Path| std::fs::metadata(path).expect("there").permissions().mode() & 0o7777;
    let deep = folder.path().join("a/b");
    Local.create_directories(&deep, DirectoryMode::Group).await.expect("made");
    assert_eq!((mode_of(&deep), mode_of(&folder.path().join("a"))), (0o2770, 0o2770));
    Local.create_directories(&deep, DirectoryMode::Private).await.expect("there already");
    assert_eq!(mode_of(&deep), 0o2770);
    let link = deep.join("link-1");
    let made = Local.create_directory_exclusive(&link, DirectoryMode::Private).await;
    assert_eq!((made, mode_of(&link) & 0o777), (Ok(Created::New), 0o700));
    assert_eq!(Local.create_directory_exclusive(&link, DirectoryMode::Private).await, Ok(Created::Existing));
    Local.replace(&deep.join("shared"), b"").await.expect("written");
    assert_eq!(mode_of(&deep.join("shared")) & 0o060, 0o060 & !umask());
    let error = Local.create_directories(&deep.join("shared/below"), DirectoryMode::Private).await.expect_err("a file");
    assert_eq!(error.kind, ReachErrorKind::Exists);
}

fn umask() -> u32 {
    let text = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let line = text.lines().find_map(|line| line.strip_prefix("Umask:")).expect("Linux 4.7");
    u32::from_str_radix(line.trim(), 8).expect("octal")
}

#[tokio::test]
async fn the_host_has_a_name() {
    let output = Local.run(&Command::new("uname").argument("-n")).await.expect("runs");
    assert_eq!(Local.host_name().await.expect("a name"), output.stdout_text().trim());
}

/// Takes its time over each piece, and more of it in all than the command has.
struct Slow {
    seen: usize,
    gate: std::path::PathBuf,
}

#[async_trait::async_trait]
impl reach::PieceTaker for Slow {
    async fn take(&mut self, piece: &[u8]) {
        self.seen += piece.len();
        // The command cannot end before its pipe is read, so that its time is up long before it is.
        let gate = self.gate.clone();
        assert!(becomes_true(move || gate.exists()).await, "the gate opens");
    }
}

#[tokio::test]
async fn the_time_of_a_command_stands_still_while_its_words_are_worked_on() {
    let folder = tempfile::tempdir().expect("a folder");
    let gate = folder.path().join("gate");
    let opening = format!("sleep 1; touch {}", gate.display());
    let mut opener = std::process::Command::new("sh").args(["-c", &opening]).spawn().expect("sh starts");
    let mut slow = Slow { seen: 0, gate };
    let command = shell("head -c 300000 /dev/zero").time_limit(Duration::from_millis(500));
    let output = Local.run_through(&command, &mut slow).await.expect("it runs");
    assert!(output.succeeded(), "{output:?}");
    assert_eq!(slow.seen, 300_000);
    opener.wait().expect("it has ended");
}

/// A program that answers each line in capitals, and says good-bye on standard error.
fn capitals() -> Command {
    Command::new("sh")
        .arguments(["-c", "echo ready >&2; while read -r line; do echo \"$line\" | tr a-z A-Z; done; echo bye >&2"])
}

const PATIENCE: std::time::Duration = std::time::Duration::from_secs(30);

#[tokio::test]
async fn a_program_is_asked_more_than_once_and_ends_with_its_input() {
    let mut program = Local.converse(&capitals()).await.expect("started");
    for (word, answer) in [("one\n", "ONE\n"), ("two\n", "TWO\n")] {
        program.send(word.as_bytes()).await.expect("sent");
        assert_eq!(program.receive(4, PATIENCE).await.expect("answered"), answer.as_bytes());
    }
    assert_eq!(program.complaints(), "ready");
}

#[tokio::test]
async fn a_program_that_ends_or_is_silent_is_an_error_whose_outcome_is_unknown() {
    let mut ended = Local.converse(&Command::new("true")).await.expect("started");
    let error = ended.receive(1, PATIENCE).await.expect_err("it ended");
    assert_eq!((error.retry, error.kind), (Retry::LookFirst, ReachErrorKind::Other));
    let mut silent = Local.converse(&Command::new("sleep").argument("600")).await.expect("started");
    let error = silent.receive(1, std::time::Duration::from_millis(50)).await.expect_err("it says nothing");
    assert_eq!(error.kind, ReachErrorKind::Unreachable);
    let error = Local.converse(&Command::new("/nowhere/at-all")).await.err().expect("there is none");
    assert_eq!(error.kind, ReachErrorKind::NotFound);
}

/// Whether no such process runs; one that was killed and not collected yet does not.
fn is_over(process: &str) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat"));
    stat.map_or(true, |stat| stat.contains(") Z "))
}

#[tokio::test]
async fn a_program_is_killed_with_its_conversation_unless_it_is_let_be() {
    for lets_be in [false, true] {
        let folder = tempfile::tempdir().expect("a folder");
        let [id, open, done] = ["id", "open", "done"].map(|name| folder.path().join(name));
        let script =
            "echo $$ > \"$1.new\"; mv \"$1.new\" \"$1\"; until [ -e \"$2\" ]; do sleep 0.05; done; touch \"$3\"";
        let words = [&id, &open, &done].map(|path| path.display().to_string());
        let command = Command::new("sh").arguments(["-c", script, "sh"]).arguments(words);
        let program = Local.converse(&command).await.expect("started");
        assert!(becomes_true(|| id.exists()).await, "it starts");
        let process = std::fs::read_to_string(&id).expect("written").trim().to_owned();
        if lets_be {
            program.let_be();
            std::fs::write(&open, "").expect("ours");
            assert!(becomes_true(|| done.exists()).await, "it goes on");
        } else {
            drop(program);
            assert!(becomes_true(|| is_over(&process)).await, "it is killed");
        }
    }
}
