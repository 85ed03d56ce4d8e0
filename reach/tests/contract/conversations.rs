//! Speaking with programs.

use super::place::becomes_true;
use reach::{Command, Reach, ReachErrorKind, Retry};
use std::sync::Arc;

/// A program that answers each line in capitals, and says good-bye on standard error.
fn capitals() -> Command {
    Command::new("sh")
        .arguments(["-c", "echo ready >&2; while read -r line; do echo \"$line\" | tr a-z A-Z; done; echo bye >&2"])
}

const PATIENCE: std::time::Duration = std::time::Duration::from_secs(30);

/// Whether no such process runs; one that was killed and not collected yet does not.
fn is_over(process: &str) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat"));
    stat.map_or(true, |stat| stat.contains(") Z "))
}

pub(crate) async fn a_program_is_asked_more_than_once_and_ends_with_its_input(at: Arc<dyn Reach>) {
    let mut program = at.converse(&capitals()).await.expect("started");
    for (word, answer) in [("one\n", "ONE\n"), ("two\n", "TWO\n")] {
        program.send(word.as_bytes()).await.expect("sent");
        assert_eq!(program.receive(4, PATIENCE).await.expect("answered"), answer.as_bytes());
    }
    // Its two outputs come in no order.
    assert!(becomes_true(|| program.complaints() == "ready").await, "{}", program.complaints());
}

pub(crate) async fn a_program_that_ends_or_is_silent_is_an_error_whose_outcome_is_unknown(at: Arc<dyn Reach>) {
    let mut ended = at.converse(&Command::new("true")).await.expect("started");
    let error = ended.receive(1, PATIENCE).await.expect_err("it ended");
    assert_eq!((error.retry, error.kind), (Retry::LookFirst, ReachErrorKind::Other));
    let mut silent = at.converse(&Command::new("sleep").argument("600")).await.expect("started");
    let error = silent.receive(1, std::time::Duration::from_millis(50)).await.expect_err("it says nothing");
    assert_eq!(error.kind, ReachErrorKind::Unreachable);
    let error = at.converse(&Command::new("/nowhere/at-all")).await.err().expect("there is none");
    assert_eq!(error.kind, ReachErrorKind::NotFound);
}

pub(crate) async fn a_program_is_killed_with_its_conversation_unless_it_is_let_be(at: Arc<dyn Reach>) {
    for lets_be in [false, true] {
        let folder = tempfile::tempdir().expect("a folder");
        let [id, open, done] = ["id", "open", "done"].map(|name| folder.path().join(name));
        let script =
            "echo $$ > \"$1.new\"; mv \"$1.new\" \"$1\"; until [ -e \"$2\" ]; do sleep 0.05; done; touch \"$3\"";
        let words = [&id, &open, &done].map(|path| path.display().to_string());
        let command = Command::new("sh").arguments(["-c", script, "sh"]).arguments(words);
        let program = at.converse(&command).await.expect("started");
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
