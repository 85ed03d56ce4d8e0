//! Running commands.

use super::place::{becomes_true, ends_soon, shell};
use reach::{Command, Reach, ReachErrorKind, Retry};
use std::{sync::Arc, time::Duration};

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

pub(crate) async fn a_command_gets_its_input_and_environment_and_gives_its_output(at: Arc<dyn Reach>) {
    let command = shell("cat; echo $WORD $PATH_IS_SET; echo why >&2; exit 3")
        .standard_input("read me\n")
        .variable("WORD", "given")
        .without(["PATH_IS_SET"]);
    let output = at.run(&command).await.expect("sh runs");
    assert_eq!(output.stdout_text(), "read me\ngiven\n");
    assert_eq!((output.stderr_text().as_str(), output.status, output.timed_out), ("why\n", Some(3), false));
    assert!(!output.succeeded());
}

pub(crate) async fn input_arrives_unchanged_whatever_it_holds(at: Arc<dyn Reach>) {
    let every_byte: Vec<u8> = (0..=u8::MAX).collect();
    let large: Vec<u8> = every_byte.iter().copied().cycle().take(5_000_003).collect();
    for input in [Vec::new(), b"\n\n".to_vec(), every_byte, large] {
        let output = at.run(&Command::new("cat").standard_input(input.clone())).await.expect("cat runs");
        assert!(output.stdout == input, "{} bytes became {}", input.len(), output.stdout.len());
    }
    let output = at.run(&Command::new("cat")).await.expect("cat runs");
    assert!(output.succeeded() && output.stdout.is_empty(), "who is given nothing reads nothing");
}

pub(crate) async fn variables_are_removed_by_pattern(at: Arc<dyn Reach>) {
    let command = shell("test -z \"$CARGO_MANIFEST_DIR\" && test -n \"$CARGO_PKG_NAME\"")
        .without(["CARGO_*"])
        .keeping(["CARGO_PKG_NAME"]);
    assert!(at.run(&command).await.expect("sh runs").succeeded());
}

pub(crate) async fn a_program_that_does_not_exist_is_an_error_that_says_so(at: Arc<dyn Reach>) {
    let error = at.run(&Command::new("no-such-program-here")).await.expect_err("absent");
    assert_eq!((error.kind, error.retry), (ReachErrorKind::NotFound, Retry::Never));
}

pub(crate) async fn out_of_time_keeps_what_was_said_and_kills_the_whole_group(at: Arc<dyn Reach>) {
    let folder = tempfile::tempdir().expect("a folder");
    let witness = folder.path().join("child");
    let script = format!("sh -c 'echo $$ > {}; exec sleep 600' & echo 4711; wait", witness.display());
    let output = at.run(&shell(&script).time_limit(Duration::from_millis(1500))).await.expect("sh runs");
    assert!(output.timed_out);
    assert_eq!((output.stdout_text().as_str(), output.status), ("4711\n", None));
    let child = std::fs::read_to_string(&witness).expect("the child wrote its id");
    assert!(ends_soon(child.trim()).await, "the grandchild outlived its group");
}

pub(crate) async fn out_of_time_leaves_alone_what_must_not_be_cut(at: Arc<dyn Reach>) {
    let folder = tempfile::tempdir().expect("a folder");
    let done = folder.path().join("done");
    let gate = folder.path().join("gate");
    let script = format!("echo begun; until test -e {}; do sleep 0.02; done; touch {}", gate.display(), done.display());
    let command = shell(&script).time_limit(Duration::from_millis(300)).leave_running_on_time_out();
    let output = at.run(&command).await.expect("sh runs");
    assert!(output.timed_out);
    assert_eq!(output.stdout_text(), "begun\n");
    std::fs::write(&gate, "").expect("open the gate");
    assert!(becomes_true(|| done.exists()).await, "it was killed");
}

pub(crate) async fn too_much_output_leaves_alone_what_must_not_be_cut(at: Arc<dyn Reach>) {
    let folder = tempfile::tempdir().expect("a folder");
    let done = folder.path().join("done");
    let script = format!("set -e; head -c 300000 /dev/zero; head -c 300000 /dev/zero >&2; touch {}", done.display());
    let command = shell(&script).output_limit(4096).leave_running_on_time_out();
    let error = at.run(&command).await.expect_err("too long");
    assert_eq!((error.kind, error.retry), (ReachErrorKind::TooLong, Retry::LookFirst));
    assert!(becomes_true(|| done.exists()).await, "it was killed");
}

pub(crate) async fn what_is_left_alone_can_still_speak(at: Arc<dyn Reach>) {
    let folder = tempfile::tempdir().expect("a folder");
    let (gate, done) = (folder.path().join("gate"), folder.path().join("done"));
    // A shell that writes into a closed pipe is ended by SIGPIPE, and does nothing more.
    let script = format!(
        "until test -e {}; do sleep 0.02; done; echo late; echo late >&2; touch {}",
        gate.display(),
        done.display()
    );
    let command = shell(&script).time_limit(Duration::from_millis(300)).leave_running_on_time_out();
    assert!(at.run(&command).await.expect("sh runs").timed_out);
    std::fs::write(&gate, "").expect("open the gate");
    assert!(becomes_true(|| done.exists()).await, "it was killed by its own words");
}

pub(crate) async fn output_is_handed_on_as_it_comes_and_not_kept(at: Arc<dyn Reach>) {
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
    let output = at.run_through(&shell(&script), &mut take).await.expect("sh runs");
    assert!(output.succeeded() && output.stdout.is_empty());
    assert_eq!(seen, "first\nsecond\n");
    let mut taken = 0;
    let command = shell("head -c 200000 /dev/zero").output_limit(100_000);
    let error = at.run_through(&command, &mut |piece: &[u8]| taken += piece.len()).await.expect_err("too long");
    assert_eq!(error.kind, ReachErrorKind::TooLong);
    assert!(taken <= 100_000, "{taken}");
}

pub(crate) async fn more_output_than_allowed_is_an_error_and_never_a_cut(at: Arc<dyn Reach>) {
    let command = shell("head -c 5000 /dev/zero; sleep 600").output_limit(4096);
    let error = at.run(&command).await.expect_err("too long");
    assert_eq!((error.kind, error.retry), (ReachErrorKind::TooLong, Retry::LookFirst));
    let output = at.run(&shell("head -c 4096 /dev/zero").output_limit(4096)).await.expect("just so");
    assert_eq!(output.stdout.len(), 4096);
}

pub(crate) async fn the_host_has_a_name(at: Arc<dyn Reach>) {
    let output = at.run(&Command::new("uname").argument("-n")).await.expect("runs");
    assert_eq!(at.host_name().await.expect("a name"), output.stdout_text().trim());
}

pub(crate) async fn the_time_of_a_command_stands_still_while_its_words_are_worked_on(at: Arc<dyn Reach>) {
    let folder = tempfile::tempdir().expect("a folder");
    let gate = folder.path().join("gate");
    let opening = format!("sleep 1; touch {}", gate.display());
    let mut opener = std::process::Command::new("sh").args(["-c", &opening]).spawn().expect("sh starts");
    let mut slow = Slow { seen: 0, gate };
    let command = shell("head -c 300000 /dev/zero").time_limit(Duration::from_millis(500));
    let output = at.run_through(&command, &mut slow).await.expect("it runs");
    assert!(output.succeeded(), "{output:?}");
    assert_eq!(slow.seen, 300_000);
    opener.wait().expect("it has ended");
}
