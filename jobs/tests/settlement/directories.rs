//! Job directories: written only where they are, and written in the end, whoever was stopped in between.

use crate::cluster::{run, stamped, waiting};
use crate::desk::{DAY, Desk, Job, NOW, at, principal};
use jobs::{
    directory::{Cancel, Ended, Origin, State},
    show::show,
};
use model::{BaseState, JobState};
use reach::{DirectoryMode, Local};
use scheduler_adapters::Freshness;
use std::{fs, os::unix::fs::PermissionsExt, sync::Arc};

/// How the job ended, as its directory says.
pub(crate) async fn ended(job: &Job) -> Option<Ended> {
    job.directory.ended().await.expect("read")
}

#[tokio::test]
async fn members_of_a_group_ask_their_questions_in_folders_of_their_own() {
    let folder = tempfile::tempdir().expect("a folder");
    let root = folder.path().join("state");
    let state = State::new(root.clone(), DirectoryMode::Group, Arc::new(Local));
    for user in ["ada", "bob"] {
        let own = state.questions(&user.parse().expect("a user")).await.expect("made");
        assert_eq!(own.metadata().expect("there").permissions().mode() & 0o777, 0o700);
    }
    let shared = root.join("questions").metadata().expect("there").permissions().mode();
    assert_eq!(format!("{:o}", shared & 0o7777), "3770", "each makes their own");
}

/// As a process that was killed between the post and the directory leaves it.
pub(crate) fn forget_the_end(desk: &Desk, job: &Job) {
    fs::remove_file(job.directory.path().join("ended.json")).expect("it was written");
    let index = desk.house("ada").state.root().join("ended.index");
    let _there_or_not = fs::remove_file(index);
}

#[tokio::test]
async fn an_end_that_was_not_written_down_is_written_by_the_next_settlement() {
    let desk = Desk::new().await;
    let job = desk.job("ada", 1, NOW - DAY, Origin::Shell).await;
    job.submitted(9, NOW - DAY, None).await;
    desk.says().runs = vec![stamped(run(9, "ada", NOW - 900, Some(NOW - 800)), job.stamp())];
    desk.settle("ada").await;
    let as_written = ended(&job).await.expect("over");
    assert_eq!((as_written.state, as_written.exit_code), (JobState::of(BaseState::Completed), Some(0)));
    // While accounting shows the run, while only the queue's memory has the job, and when nobody knows it any more.
    let mut remembered = waiting(9, "ada", NOW - DAY);
    (remembered.state, remembered.started_at) = (JobState::of(BaseState::Completed), Some(crate::desk::at(NOW - 900)));
    let runs = desk.says().runs.clone();
    for (runs, states, state) in [
        (runs, vec![], BaseState::Completed),
        (vec![], vec![remembered], BaseState::Completed),
        (vec![], vec![], BaseState::Unknown),
    ] {
        forget_the_end(&desk, &job);
        desk.says().runs = runs;
        desk.says().states = states;
        let report = desk.settle("ada").await;
        assert_eq!((report.closed, report.unknown, report.notes), (vec![], vec![], vec![]));
        assert_eq!(ended(&job).await.expect("over").state, JobState::of(state));
    }
}

#[tokio::test]
async fn the_last_start_of_a_job_tells_how_it_ended_however_long_an_earlier_one_worked() {
    for state in [BaseState::Preempted, BaseState::NodeFail, BaseState::Failed] {
        let desk = Desk::new().await;
        let job = desk.job("ada", 1, NOW - DAY, Origin::Shell).await;
        job.submitted(9, NOW - DAY, None).await;
        let mut first = stamped(run(9, "ada", NOW - 9_000, Some(NOW - 900)), job.stamp());
        first.state = JobState::of(state);
        let second = stamped(run(9, "ada", NOW - 800, Some(NOW - 700)), job.stamp());
        desk.says().runs = vec![first, second];
        desk.settle("ada").await;
        // One that ended by itself was not to start again: what came behind it ended at its claim.
        let expected = if state == BaseState::Failed { state } else { BaseState::Completed };
        assert_eq!(ended(&job).await.expect("over").state, JobState::of(expected), "{state:?}");
        assert_eq!(desk.used().await, 8_200, "each start is charged");
    }
}

/// Accounting learns of a start seconds after it, and a short one may be over by then.
#[tokio::test]
async fn a_job_that_made_room_and_worked_again_is_not_over_before_accounting_knows_its_last_start() {
    let desk = Desk::new().await;
    let job = desk.job("ada", 1, NOW - DAY, Origin::Shell).await;
    job.submitted(9, NOW - DAY, None).await;
    let mut first = stamped(run(9, "ada", NOW - 900, Some(NOW - 800)), job.stamp());
    first.state = JobState::of(BaseState::Preempted);
    desk.says().runs = vec![first];
    let started = |restart: u32, at: i64| {
        let folder = job.directory.path().join(format!("links/1/attempts/9-{restart}"));
        std::fs::create_dir_all(&folder).expect("ours");
        std::fs::write(folder.join("started"), format!("epoch_seconds={at}\n")).expect("ours");
    };
    started(0, NOW - 900);
    started(1, NOW - 790);
    assert_eq!(desk.settle("ada").await.closed, []);
    assert!(ended(&job).await.is_none(), "its second start has worked");
    assert_eq!(desk.used().await, 100, "the first one is charged");
    desk.says().runs.push(stamped(run(9, "ada", NOW - 790, Some(NOW - 780)), job.stamp()));
    assert_eq!(desk.settle("ada").await.closed, [job.id]);
    assert_eq!(ended(&job).await.expect("over").state, JobState::of(BaseState::Completed));
    assert_eq!(desk.used().await, 110);

    // What accounting never learns is waited for two weeks, and no longer.
    let job = desk.job("ada", 2, NOW - DAY, Origin::Shell).await;
    job.submitted(10, NOW - DAY, None).await;
    let mut first = stamped(run(10, "ada", NOW - 900, Some(NOW - 800)), job.stamp());
    first.state = JobState::of(BaseState::NodeFail);
    desk.says().runs.push(first);
    for (restart, at) in [(0, NOW - 900), (1, NOW - 790)] {
        let folder = job.directory.path().join(format!("links/1/attempts/10-{restart}"));
        std::fs::create_dir_all(&folder).expect("ours");
        std::fs::write(folder.join("started"), format!("epoch_seconds={at}\n")).expect("ours");
    }
    assert_eq!(desk.settle("ada").await.closed, []);
    desk.set_clock(NOW + 15 * DAY);
    assert_eq!(desk.settle("ada").await.closed, [job.id]);
    assert_eq!(ended(&job).await.expect("over").state, JobState::of(BaseState::NodeFail));
}

#[tokio::test]
async fn a_job_that_was_cancelled_while_it_started_was_cancelled_whatever_the_scheduler_says() {
    // One without a claim of its own leaves none.
    for (left, expected) in
        [("duplicates/9", BaseState::Cancelled), ("claim", BaseState::Completed), ("attempts", BaseState::Completed)]
    {
        let desk = Desk::new().await;
        let job = desk.job("ada", 1, NOW - DAY, Origin::Shell).await;
        job.submitted(9, NOW - DAY, None).await;
        let cancel = Cancel { at: at(NOW - 900), principal: principal("ada") };
        job.directory.put_cancel(&cancel).await.expect("noted");
        let left_at = job.directory.path().join("links/1").join(left);
        std::fs::create_dir_all(&left_at).expect("ours");
        if left != "attempts" {
            std::fs::write(left_at.join("owner"), "scheduler_job=9\nrestart=0\n").expect("ours");
        }
        let mut seen = waiting(9, "ada", NOW - DAY);
        seen.state = JobState::of(BaseState::Completed);
        desk.says().queue = vec![seen];

        let shown = show(&desk.house("ada"), &job.id.to_string(), Freshness::Shared).await.expect("shown");
        assert_eq!(shown.sighting.expect("seen").state, JobState::of(expected), "shown, {left}");
        desk.says().queue.clear();
        desk.says().runs = vec![stamped(run(9, "ada", NOW - 900, Some(NOW - 899)), job.stamp())];
        desk.settle("ada").await;
        assert_eq!(ended(&job).await.expect("over").state, JobState::of(expected), "{left}");
    }
}

#[tokio::test]
async fn a_coordinator_closes_holds_and_writes_nobody_elses_directory() {
    let desk = Desk::new().await;
    let job = desk.job("bob", 1, NOW - DAY, Origin::Shell).await;
    job.submitted(9, NOW - DAY, None).await;
    desk.says().runs = vec![stamped(run(9, "bob", NOW - 900, Some(NOW - 800)), job.stamp())];
    let report = desk.settle_all("carol").await;
    assert_eq!((report.closed, report.notes), (vec![job.id], vec![]));
    assert!(!desk.house("carol").state.root().exists(), "carol has no such job");
    assert!(ended(&job).await.is_none());
    // Bob's own settlement finds out that it is over.
    desk.settle("bob").await;
    assert!(ended(&job).await.is_some());
}

#[tokio::test]
async fn a_directory_that_cannot_be_written_is_told_after_the_books_are_closed() {
    let desk = Desk::new().await;
    let job = desk.job("ada", 1, NOW - DAY, Origin::Shell).await;
    job.submitted(9, NOW - DAY, None).await;
    desk.says().runs = vec![stamped(run(9, "ada", NOW - 900, Some(NOW - 800)), job.stamp())];
    // A link that leads nowhere stands where the file is to be: there is nothing to read, and nothing can be written.
    std::os::unix::fs::symlink("nowhere", job.directory.path().join("ended.json")).expect("made");
    let report = desk.settle("ada").await;
    assert_eq!((report.closed, desk.cursor("user:ada").await), (vec![job.id], Some(NOW)));
    assert!(report.notes[0].contains("directory does not say so yet"), "{:?}", report.notes);
    fs::remove_file(job.directory.path().join("ended.json")).expect("there");
    assert_eq!(desk.settle("ada").await.notes, Vec::<String>::new());
    assert!(ended(&job).await.is_some());
}
