//! Logs: where that of a job lies that was taken over, and from which line on one is read.

use crate::cluster::waiting;
use crate::desk::{Desk, NOW};
use jobs::{
    House,
    adopt::adopt,
    directory::Origin,
    logs::{Beginning, Log},
    show::show,
};
use model::{BaseState, JobState, SchedulerJobId};
use scheduler_adapters::{Freshness, JobFacts};
use std::num::NonZeroU32;

/// What `pakt logs` prints of a job.
async fn printed(house: &House, job: &str, from: Beginning) -> String {
    rest(Log::open(house, job, from, None).await.expect("opened"), house).await
}

async fn rest(mut log: Log, house: &House) -> String {
    let mut text = String::new();
    while let Some(bytes) = log.next(house).await.expect("read").filter(|bytes| !bytes.is_empty()) {
        text.push_str(std::str::from_utf8(&bytes).expect("text"));
    }
    text
}

#[tokio::test]
async fn the_log_of_a_job_that_was_taken_over_is_where_the_scheduler_said() {
    let desk = Desk::new().await;
    let folder = tempfile::tempdir().expect("a folder");
    // What is a pattern elsewhere stands for itself here: the scheduler has filled it in.
    let output = folder.path().join("run-100%j.out");
    std::fs::write(&output, "step 1\nstep 2\n").expect("written");
    let mut sighting = waiting(9, "ada", NOW - 500);
    sighting.state = JobState::of(BaseState::Running);
    desk.says().facts = Some(JobFacts { sighting, tasks: 1, work_directory: None, output: Some(output.clone()) });
    let house = desk.house("ada");
    let project = || "atlas".parse().expect("a project");
    let adopted = adopt(&house, SchedulerJobId::new(9), project()).await.expect("taken over");
    // Long after it is over nobody knows the job any more.
    desk.says().facts = None;
    let id = adopted.id.to_string();
    assert_eq!(printed(&house, &id, Beginning::Start).await, "step 1\nstep 2\n");
    assert_eq!(printed(&house, "9", Beginning::Lines(1)).await, "step 2\n");
    assert_eq!(show(&house, &id, Freshness::Shared).await.expect("shown").log, output);
}

/// A log has what all starts printed, one after the other, and what the scheduler wrote between them.
#[tokio::test]
async fn what_one_attempt_printed_is_read_alone() {
    let desk = Desk::new().await;
    let job = desk.job("ada", 1, NOW - 500, Origin::Shell).await;
    let (house, id) = (desk.house("ada"), job.id.to_string());
    let first = "step 1\nslurmstepd: error: *** JOB 9 CANCELLED ***\n";
    let (second, third) = ("step 2\nstep 3\n", "step 4\n");
    let log = [first, second, third].concat();
    std::fs::write(job.directory.log(), &log).expect("written");
    let started = |restart: usize, began: Option<usize>| {
        let folder = job.directory.path().join(format!("links/1/attempts/9-{restart}"));
        std::fs::create_dir_all(&folder).expect("made");
        let bytes = began.map_or(String::new(), |bytes| bytes.to_string());
        let marker = format!("log_bytes={bytes}\nepoch_seconds={}\n", NOW - 400 + i64::try_from(restart).expect("few"));
        std::fs::write(folder.join("started"), marker).expect("written");
    };
    let opened = async |number: u32, from| Log::open(&house, &id, from, NonZeroU32::new(number)).await;
    let refused = async |number| opened(number, Beginning::Start).await.expect_err("refused").why;
    assert_eq!(refused(1).await, "the job has not started");
    started(0, Some(0));
    assert_eq!(refused(2).await, "the job has started once");
    started(1, Some(first.len()));
    started(2, Some(first.len() + second.len()));
    for (number, from, expected) in [
        (1, Beginning::Start, first),
        (2, Beginning::Start, second),
        (3, Beginning::Start, third),
        (2, Beginning::Lines(1), "step 3\n"),
        (2, Beginning::Lines(9), second),
        (2, Beginning::Bytes(3), " 3\n"),
        (2, Beginning::Bytes(99), second),
        (0, Beginning::Start, &log),
    ] {
        let printed = rest(opened(number, from).await.expect("opened"), &house).await;
        assert_eq!(printed, expected, "attempt {number}, {from:?}");
    }
    started(3, None);
    assert_eq!(refused(4).await, "attempt 4 did not tell where in the log it began");
    assert_eq!(refused(3).await, "attempt 4 did not tell where in the log it began");
    // Followed, it is whole where the next attempt begins.
    let mut followed = opened(2, Beginning::Start).await.expect("opened");
    assert!(!followed.is_whole(&house).await.expect("looked"));
    while !followed.next(&house).await.expect("read").is_none_or(|piece| piece.is_empty()) {}
    assert!(followed.is_whole(&house).await.expect("looked"));
    std::fs::write(job.directory.log(), "x\n").expect("cut off");
    assert!(refused(2).await.ends_with("it was cut off since"));
    assert_eq!(printed(&house, &id, Beginning::Start).await, "x\n");
    // Slurm cuts a log off at a restart, unless it is told to append.
    started(1, Some(0));
    assert_eq!(refused(1).await, "attempt 2 overwrote it, or attempt 1 printed nothing");
    started(1, Some(30));
    started(2, Some(7));
    assert_eq!(refused(1).await, "attempt 3 overwrote it, or attempt 1 printed nothing");
}

#[tokio::test]
async fn a_tail_is_counted_in_lines_whatever_their_length() {
    let desk = Desk::new().await;
    let job = desk.job("ada", 1, NOW - 500, Origin::Shell).await;
    let house = desk.house("ada");
    let id = job.id.to_string();
    let wide = "x".repeat(200_000);
    let many: String = (1..=50_000).map(|line| format!("{line}\n")).collect();
    for (log, lines, expected) in [
        ("a\nb\nc\n", 2, "b\nc\n"),
        ("a\nb\nc", 2, "b\nc"),
        ("a\nb\n\n", 2, "b\n\n"),
        ("a\nb\nc\n", 3, "a\nb\nc\n"),
        ("a\nb\nc\n", 4_000_000_000, "a\nb\nc\n"),
        ("a\nb\nc\n", 0, ""),
        ("", 3, ""),
        ("\n", 1, "\n"),
        (&format!("a\n{wide}\nb\n"), 2, &format!("{wide}\nb\n")),
        (&many, 2, "49999\n50000\n"),
        (&many, 49_999, &many[2..]),
    ] {
        std::fs::write(job.directory.log(), log).expect("written");
        let found = printed(&house, &id, Beginning::Lines(lines)).await;
        assert!(found == expected, "{lines} lines of {} bytes: {} bytes", log.len(), found.len());
    }
    // No end of a line for longer than is looked back: it begins there, and no memory is filled with it.
    let file = std::fs::File::create(job.directory.log()).expect("made");
    file.set_len(65 * 1024 * 1024).expect("a hole");
    let mut log = Log::open(&house, &id, Beginning::Lines(1), None).await.expect("opened");
    let mut bytes = 0;
    while let Some(piece) = log.next(&house).await.expect("read").filter(|piece| !piece.is_empty()) {
        bytes += piece.len();
    }
    assert_eq!(bytes, 64 * 1024 * 1024);
}

/// The pieces of the next looks at a log, one for each.
async fn looks(log: &mut Log, house: &House, count: usize) -> Vec<String> {
    let mut pieces = Vec::new();
    for _ in 0..count {
        let piece = log.next(house).await.expect("read").expect("a log");
        pieces.push(String::from_utf8(piece).expect("text"));
    }
    pieces
}

#[tokio::test]
async fn a_log_that_is_cut_off_or_another_file_by_now_is_read_anew_and_a_size_of_a_moment_ago_is_not_believed() {
    let desk = Desk::new().await;
    let job = desk.job("ada", 1, NOW - 500, Origin::Shell).await;
    let (house, id, path) = (desk.house("ada"), job.id.to_string(), job.directory.log());
    let write = |text: &str| std::fs::write(&path, text).expect("ours");
    let opened = async || Log::open(&house, &id, Beginning::Start, None).await.expect("opened");
    write("one\ntwo\n");
    let mut log = opened().await;
    assert_eq!(looks(&mut log, &house, 2).await, ["one\ntwo\n", ""]);
    // An old size, and then what is there: nothing is printed twice.
    write("one\n");
    assert_eq!(looks(&mut log, &house, 1).await, [""]);
    write("one\ntwo\nthree\n");
    assert_eq!(looks(&mut log, &house, 2).await, ["three\n", ""]);
    // Cut off for good.
    write("new\n");
    assert_eq!(looks(&mut log, &house, 4).await, ["", "", "new\n", ""]);
    // Rotated: another file, which is longer than what was read of the one before.
    std::fs::rename(&path, path.with_extension("1")).expect("ours");
    write("another file\nof more bytes\n");
    assert_eq!(looks(&mut log, &house, 3).await, ["", "another file\nof more bytes\n", ""]);
    // One that begins as the other did goes on.
    let wide = "x".repeat(300_000);
    write(&wide);
    let mut log = opened().await;
    let read = looks(&mut log, &house, 3).await;
    assert_eq!((read.concat().len(), read[2].as_str()), (300_000, ""));
    write(&format!("{wide}end\n"));
    assert_eq!(looks(&mut log, &house, 2).await, ["end\n", ""]);
}
