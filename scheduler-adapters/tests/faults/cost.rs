//! What a question costs: processes, and memory.

use crate::{
    stages::double::stage_and_double,
    suite::{Size, Stage, SystemClock, long_ago},
};
use model::{Clock, SchedulerJobId, Window};
use scheduler_adapters::{AdapterErrorKind, RunWindow, Scheduler, Whose};

/// Any command of ours may take 100 MiB; this is half of it, and less than the answer itself kept in a growing buffer.
const MEMORY_LIMIT_MIB: u64 = 50;

fn window(stage: &Stage) -> RunWindow {
    let now = SystemClock.now();
    let window = Window { from: now.plus_seconds(-86_400), to: now.plus_seconds(60) };
    RunWindow { site: stage.site.clone(), window, whose: Whose::mine() }
}

#[tokio::test]
async fn every_question_is_at_most_one_to_the_queue_and_one_to_accounting() {
    let (stage, double) = stage_and_double(true);
    let file = double.file("columns.json");
    let submission = stage.submission("asked", Size::Small, "true");
    let id = stage.submit(&submission).await;
    stage.ended(id).await;
    // What was learned of the columns is kept: from here on every question comes from a process of its own.
    double.scheduler(None).keeping_columns_in(&file).runs(&window(&stage)).await.expect("it answers");
    let many: Vec<SchedulerJobId> = (1..=10_000).map(SchedulerJobId::new).collect();
    for (what, squeues, sacct) in [
        ("states of one", 1, 1),
        ("states of many", 1, 1),
        ("find", 1, 1),
        ("read back", 1, 1),
        ("queue", 1, 0),
        ("runs", 0, 1),
    ] {
        let scheduler = double.scheduler(None).keeping_columns_in(&file);
        let before = [double.calls_of("squeue"), double.calls_of("sacct"), double.calls_of("scontrol")];
        match what {
            "states of one" => drop(scheduler.states(&[id], long_ago()).await.expect(what)),
            "states of many" => drop(scheduler.states(&many, long_ago()).await.expect(what)),
            "find" => drop(scheduler.find(&Stage::search(&submission)).await.expect(what)),
            "read back" => drop(scheduler.read_back(id).await.expect(what)),
            "queue" => drop(scheduler.queue(&Whose::mine()).await.expect(what)),
            _ => drop(scheduler.runs(&window(&stage)).await.expect(what)),
        }
        let after = [double.calls_of("squeue"), double.calls_of("sacct"), double.calls_of("scontrol")];
        assert_eq!(after, [before[0] + squeues, before[1] + sacct, before[2]], "{what}");
    }
    assert_eq!(double.calls_of("sacct --helpformat"), 2, "once by the stage's own, once for the file");
}

#[tokio::test]
async fn why_a_job_waits_costs_one_question_to_the_queue_and_four_to_the_controller() {
    let (stage, double) = stage_and_double(true);
    let first = stage.gated("first", Size::Everything);
    let second = stage.gated("second", Size::Everything);
    let ids = [stage.submit(&first).await, stage.submit(&second).await];
    stage.running(ids[0]).await;
    let counts = || ["squeue", "scontrol", "sacctmgr", "sacct", "sinfo"].map(|program| double.calls_of(program));
    let before = counts();
    let job = double.scheduler(None).pending(ids[1]).await.expect("it answers");
    let after = counts();
    assert_eq!(std::array::from_fn(|at| after[at] - before[at]), [1, 4, 0, 0, 0]);
    let limits = job.limits.expect("told");
    let person = limits.iter().find(|limit| limit.name == "MaxJobsPU").expect("set");
    assert_eq!((person.most, person.used), (8, Some(1)));
    for submission in [first, second] {
        stage.open(&submission);
    }
}

#[tokio::test]
async fn what_the_controller_does_not_tell_of_a_waiting_job_is_said_and_not_guessed() {
    let (stage, double) = stage_and_double(true);
    let first = stage.gated("first", Size::Everything);
    let second = stage.gated("second", Size::Everything);
    let ids = [stage.submit(&first).await, stage.submit(&second).await];
    stage.running(ids[0]).await;
    double.fails("scontrol", "down always");
    let job = double.scheduler(None).pending(ids[1]).await.expect("the queue answers");
    assert_eq!(job.sighting.reason, "Resources");
    let places = job.places.expect("counted");
    assert_eq!((places[0].ahead, places[0].waiting, places[0].is_whole), (0, 1, None));
    assert!(job.all_partitions.is_err() && job.reservations.is_err() && job.limits.is_err());
    double.fails("squeue", "says Invalid job format specification: eligibletime");
    let job = double.scheduler(None).pending(ids[1]).await.expect("a release that lacks a column tells the reason");
    assert_eq!((job.sighting.reason.as_str(), job.places.is_err(), job.priority), ("Resources", true, None));
    double.fails("squeue", "down");
    let error = double.scheduler(None).pending(ids[1]).await.expect_err("nobody knows");
    assert_eq!(error.kind, AdapterErrorKind::Unreachable);
    for submission in [first, second] {
        stage.open(&submission);
    }
}

#[tokio::test]
async fn of_many_jobs_only_ones_own_are_asked_for() {
    let (stage, double) = stage_and_double(true);
    let id = stage.submit(&stage.submission("asked", Size::Small, "true")).await;
    stage.ended(id).await;
    let many: Vec<SchedulerJobId> = (1..=201).map(SchedulerJobId::new).collect();
    let states = stage.scheduler.states(&many, long_ago()).await.expect("both answer");
    assert_eq!(states.keys().copied().collect::<Vec<_>>(), [id]);
    let user = format!(" --user={}", stage.user);
    for program in ["squeue", "sacct"] {
        let call = double.last_call_of(program);
        assert!(call.contains(&user) && !call.contains("--jobs="), "{call}");
    }
    stage.scheduler.states(&many[..200], long_ago()).await.expect("both answer");
    assert!(double.last_call_of("squeue").contains(" --jobs=1,2,3,"), "so few are named");
}

#[tokio::test]
async fn columns_are_learned_anew_for_another_release_and_for_one_that_lost_some() {
    let (stage, double) = stage_and_double(true);
    let file = double.file("columns.json");
    let fresh = || double.scheduler(None).keeping_columns_in(&file);
    let asked = || double.calls_of("sacct --helpformat");
    fresh().runs(&window(&stage)).await.expect("it answers");
    fresh().runs(&window(&stage)).await.expect("it answers");
    assert_eq!(asked(), 1, "kept");
    let columns = "JobIDRaw,JobID,Cluster,User,UID,Account,Partition,QOS,State,ExitCode,Submit,Start,End,ElapsedRaw,\
                   TimelimitRaw,AllocNodes,ReqNodes,AllocTRES,ReqTRES,Reason";
    double.set("columns", &format!("{columns},Restarts,WorkDir,Comment,SubmitLine,JobName"));
    double.set("version", "24.11.1");
    let scheduler = fresh();
    scheduler.cluster_name().await.expect("it answers");
    let batch = scheduler.runs(&window(&stage)).await.expect("it answers");
    assert!(batch.fields.contains(&"Restarts".to_owned()), "of the new release: {:?}", batch.fields);
    assert_eq!(asked(), 2);
    // A release that lost a column, and nobody has asked yet which one it is.
    double.set("columns", &format!("{columns},WorkDir,SubmitLine,JobName"));
    let batch = fresh().runs(&window(&stage)).await.expect("the question is put again");
    assert!(!batch.fields.contains(&"Comment".to_owned()), "{:?}", batch.fields);
    assert_eq!(asked(), 3);
    std::fs::write(&file, "{").expect("ours");
    fresh().runs(&window(&stage)).await.expect("a file that cannot be read costs one question");
    assert_eq!(asked(), 4);
}

#[tokio::test]
async fn where_columns_cannot_be_kept_nothing_more_is_asked_for_it() {
    let (stage, double) = stage_and_double(true);
    let id = stage.submit(&stage.submission("asked", Size::Small, "true")).await;
    stage.ended(id).await;
    let before = double.calls_of("scontrol");
    let scheduler = double.scheduler(None).keeping_columns_in(double.file("no-such-folder/columns.json"));
    let states = scheduler.states(&[id], long_ago()).await.expect("both answer");
    assert_eq!((states.len(), double.calls_of("scontrol")), (1, before));
}

/// The most memory that this process has had so far, in MiB (`VmHWM` of proc(5)).
pub(super) fn peak_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a peak");
    line.split_whitespace().next().expect("a number").parse::<u64>().expect("a number") / 1024
}

/// Forgets the peak so far (proc(5), `clear_refs`).
pub(super) fn forget_peak() {
    std::fs::write("/proc/self/clear_refs", "5").expect("ours");
}

/// Counts what it is given.
#[derive(Default)]
struct Counted {
    runs: u64,
    bytes: u64,
    rejected: u64,
}

#[async_trait::async_trait]
impl scheduler_adapters::RunTaker for Counted {
    fn learn_fields(&mut self, fields: &[String]) {
        assert!(!fields.is_empty() && self.runs == 0, "before the first row");
    }

    async fn take(&mut self, run: model::Run) {
        self.runs += 1;
        self.bytes += run.raw.len() as u64;
    }

    fn reject(&mut self, _: scheduler_adapters::RejectedRow) {
        self.rejected += 1;
    }
}

#[tokio::test]
async fn a_hundred_thousand_rows_of_accounting_fit_a_login_node() {
    let (stage, double) = stage_and_double(true);
    double.set("many", "100000");
    forget_peak();
    let window = window(&stage);
    let mut counted = Counted::default();
    stage.scheduler.each_run(&window, &mut counted).await.expect("it answers");
    let peak = peak_mib();
    println!("100,000 rows of {} bytes: {peak} MiB at most, handed on one by one", counted.bytes / counted.runs);
    assert_eq!((counted.runs, counted.rejected), (100_000, 0));
    assert!(peak < MEMORY_LIMIT_MIB, "{peak} MiB");
    let states = stage.scheduler.states(&[SchedulerJobId::new(1_000_001)], long_ago()).await.expect("both answer");
    assert_eq!(states.len(), 1);
    let peak = peak_mib();
    assert!(peak < MEMORY_LIMIT_MIB, "what is not asked for is not kept: {peak} MiB");
    forget_peak();
    let batch = stage.scheduler.runs(&window).await.expect("it answers");
    println!("the same, kept together: {} MiB at most", peak_mib());
    assert_eq!(batch.runs.len(), 100_000);
}
