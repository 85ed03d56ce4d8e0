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

/// What `pakt logs` prints of a job.
async fn printed(house: &House, job: &str, from: Beginning) -> String {
    let mut log = Log::open(house, job, from).await.expect("opened");
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
    let mut log = Log::open(&house, &id, Beginning::Lines(1)).await.expect("opened");
    let mut bytes = 0;
    while let Some(piece) = log.next(&house).await.expect("read").filter(|piece| !piece.is_empty()) {
        bytes += piece.len();
    }
    assert_eq!(bytes, 64 * 1024 * 1024);
}
