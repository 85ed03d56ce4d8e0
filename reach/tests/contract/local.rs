//! This host.

use super::place::{Place, shell};
use reach::{Local, Making, Reach, counters};
use std::time::Duration;

crate::all_promises!(Place::here());

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
async fn a_signal_is_told_and_syncs_are_counted() {
    let output = Local.run(&shell("kill -9 $$")).await.expect("sh runs");
    assert_eq!((output.status, output.signal, output.ending().as_str()), (None, Some(9), "signal 9"));
    let folder = tempfile::tempdir().expect("a folder");
    let before = counters();
    Local.replace(&folder.path().join("state"), b"one").await.expect("written");
    assert!(counters().since(before).syncs >= 2, "the file and its directory are synced");
}

#[tokio::test]
async fn a_directory_that_gets_several_files_at_once_is_synced_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = |number: u8| Making::File(folder.path().join(number.to_string()), vec![number]);
    let before = counters();
    Local.make((0..8).map(file).collect()).await.expect("made");
    assert_eq!(counters().since(before).syncs, 9, "eight files and their directory");
}
