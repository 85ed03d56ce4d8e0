//! Jobs that are tasks of an array: each run goes to its own job, and what never started gives its own hold back.

use crate::cluster::{run, stamped, waiting};
use crate::desk::{DAY, Desk, Job, NOW, at};
use crate::directories::ended;
use jobs::{
    directory::{Origin, ReadBack, SubmittedNote},
    list::{Phase, list},
    show::show,
};
use model::{BaseState, JobState, Run, SchedulerJobId, WallTime};
use scheduler_adapters::{Freshness, JobForm, JobSighting};

const ARRAY: SchedulerJobId = SchedulerJobId::new(101);

/// Jobs of ada's that were submitted as tasks of array 101, the first as task 0.
async fn tasks(desk: &Desk, count: u32) -> Vec<Job> {
    let mut jobs = Vec::new();
    for task in 0..count {
        let job = desk.job("ada", task + 1, NOW - DAY, Origin::Shell).await;
        let note = SubmittedNote {
            scheduler_job: ARRAY.with_task(task),
            cluster: None,
            at: at(NOW - DAY),
            was_found: false,
            submitted_at: None,
        };
        job.directory.put_submitted(&note).await.expect("written");
        jobs.push(job);
    }
    jobs
}

/// A task as it waits: with the number of the array.
fn task(jobs: &[Job], task: u32) -> JobSighting {
    JobSighting {
        form: JobForm::Array,
        shown_id: ARRAY.with_task(task).to_string(),
        stamp: Some(jobs[task as usize].stamp()),
        ..waiting(ARRAY.raw(), "ada", NOW - DAY)
    }
}

/// A run of a task, which has a number of its own.
fn run_of(jobs: &[Job], task: u32, number: u64, started: i64, ended: i64) -> Run {
    let shown_id = ARRAY.with_task(task).to_string();
    let run = run(number, "ada", started, Some(ended));
    stamped(Run { shown_id, ..run }, jobs[task as usize].stamp())
}

#[tokio::test]
async fn each_run_is_charged_to_its_job_and_what_never_started_is_not() {
    let desk = Desk::new().await;
    let jobs = tasks(&desk, 5).await;
    // The last task has the array's own number. One was cancelled while it waited; one waits.
    desk.says().runs =
        vec![run_of(&jobs, 0, 102, NOW - 900, NOW - 800), run_of(&jobs, 4, ARRAY.raw(), NOW - 900, NOW - 870)];
    let mut cancelled = task(&jobs, 2);
    cancelled.state = JobState::of(BaseState::Cancelled);
    let mut failed = run_of(&jobs, 1, 103, NOW - 700, NOW - 695);
    (failed.state, failed.exit.code) = (JobState::of(BaseState::Failed), 3);
    desk.says().runs.push(failed);
    desk.says().queue = vec![cancelled, task(&jobs, 3)];
    let report = desk.settle("ada").await;
    let mut closed = report.closed.clone();
    closed.sort_unstable();
    assert_eq!(closed, [&jobs[0], &jobs[1], &jobs[2], &jobs[4]].map(|job| job.id));
    assert_eq!((report.unknown, report.notes, desk.used().await), (vec![], vec![], 100 + 30 + 5));
    let mut states = Vec::new();
    for job in &jobs {
        states.push(ended(job).await.map(|ended| (ended.state.base, ended.exit_code)));
    }
    assert_eq!(
        states,
        [
            Some((BaseState::Completed, Some(0))),
            Some((BaseState::Failed, Some(3))),
            Some((BaseState::Cancelled, None)),
            None,
            Some((BaseState::Completed, Some(0))),
        ]
    );
    assert!(desk.is_held(jobs[3].id).await);
    assert_eq!((desk.settle("ada").await.closed, desk.used().await), (vec![], 135), "settled once");
}

#[tokio::test]
async fn a_task_that_was_started_again_is_charged_for_both_starts() {
    let desk = Desk::new().await;
    let jobs = tasks(&desk, 2).await;
    let mut first = run_of(&jobs, 1, 103, NOW - 900, NOW - 800);
    first.state = JobState::of(BaseState::NodeFail);
    desk.says().runs = vec![first, run_of(&jobs, 1, 103, NOW - 700, NOW - 650)];
    desk.says().queue = vec![task(&jobs, 0)];
    assert_eq!(desk.settle("ada").await.closed, [jobs[1].id]);
    assert_eq!((desk.used().await, ended(&jobs[1]).await.expect("over").state.base), (150, BaseState::Completed));
}

#[tokio::test]
async fn the_hold_of_a_task_follows_what_the_queue_shows_of_it() {
    let desk = Desk::new().await;
    let jobs = tasks(&desk, 3).await;
    for job in &jobs {
        let seen = waiting(ARRAY.raw(), "ada", NOW - DAY);
        let read = ReadBack {
            account: seen.account,
            partition: seen.partition,
            qos: None,
            time_limit: seen.time_limit,
            requested: seen.requested,
            drift: Vec::new(),
            output: None,
            hold: None,
            link_hold: None,
            at: at(NOW - DAY),
        };
        job.directory.put_read_back(&read).await.expect("written");
    }
    let mut changed = task(&jobs, 1);
    changed.time_limit = Some(WallTime::from_seconds(7_200));
    desk.says().queue = vec![task(&jobs, 0), changed, task(&jobs, 2)];
    let amended = desk.settle("ada").await.amended;
    assert_eq!(amended.iter().map(|hold| hold.job).collect::<Vec<_>>(), [jobs[1].id]);
    let balance = desk.balance().await;
    let hour = crate::desk::HOUR;
    assert_eq!((balance.committed.milli(), balance.foreign_committed.milli()), (4 * hour, 0));
}

#[tokio::test]
async fn a_task_that_was_taken_out_of_its_array_was_cancelled_unless_it_has_begun() {
    let desk = Desk::new().await;
    let jobs = tasks(&desk, 3).await;
    // Slurm keeps no row of what was cancelled before it was split off.
    desk.says().queue = vec![task(&jobs, 0)];
    let claim = jobs[2].directory.path().join("links/1/claim");
    std::fs::create_dir_all(&claim).expect("ours");
    std::fs::write(claim.join("owner"), "scheduler_job=101_2\nrestart=0\n").expect("ours");
    let report = desk.settle("ada").await;
    assert_eq!((report.closed, report.unknown), (vec![jobs[1].id], vec![jobs[2].id]));
    assert_eq!(ended(&jobs[1]).await.expect("over").state.base, BaseState::Cancelled);
    assert!(!desk.is_held(jobs[1].id).await && desk.is_held(jobs[2].id).await && desk.is_held(jobs[0].id).await);
    // Where nobody knows the array, nobody knows its tasks.
    desk.says().queue.clear();
    let report = desk.settle("ada").await;
    assert_eq!((report.closed, report.unknown), (vec![], vec![jobs[0].id, jobs[2].id]));
}

#[tokio::test]
async fn each_task_is_shown_where_it_stands() {
    let desk = Desk::new().await;
    let jobs = tasks(&desk, 3).await;
    let mut running = task(&jobs, 1);
    (running.id, running.state) = (SchedulerJobId::new(102), JobState::of(BaseState::Running));
    running.elapsed = WallTime::from_seconds(60);
    desk.says().queue = vec![task(&jobs, 0), running];
    let house = desk.house("ada");
    let listed = list(&house, 10, false, Freshness::Shared).await.expect("listed").jobs;
    let seen: Vec<_> = listed
        .iter()
        .rev()
        .map(|job| {
            let Phase::Submitted { state, .. } = &job.phase else { panic!("{job:?}") };
            (job.scheduler_job.expect("known").to_string(), state.base)
        })
        .collect();
    let expected = [BaseState::Pending, BaseState::Running, BaseState::Cancelled];
    assert_eq!(seen, [0, 1, 2].map(|task: usize| (format!("101_{task}"), expected[task])));
    let shown = show(&house, "101_1", Freshness::Shared).await.expect("found by what Slurm calls it");
    assert_eq!((shown.intent.id, shown.sighting.expect("seen").elapsed.seconds()), (jobs[1].id, 60));
    assert!(show(&house, "101", Freshness::Shared).await.is_err(), "the array is no job");
}
