//! An evaluation is a sweep of which scores are what counts.

use crate::{
    cluster::{run, stamped},
    desk::{DAY, Desk, NOW},
    stage::mortal::Mortal,
    wish::{ONE_GPU, only_job, wish},
};
use jobs::{
    Gravity, House,
    directory::{JobDirectory, OverReason, State},
    results::Wanted,
    resume::{resume, settled},
    seal::seal,
    show::show,
    submit::{Submission, submit},
    sweep::{CellState, SweepReport, missing, report},
};
use model::{BaseState, JobId, JobState, LinkNumber, Stamp};
use scheduler_adapters::Freshness;
use std::{
    fs,
    sync::{Arc, atomic::AtomicUsize},
};

const EVALUATE: &str = "evaluate: { models: [/m/7b/step100, /m/7b/step200], tasks: [sums, words], harness: command }\n";

/// A site that takes arrays.
async fn desk() -> Desk {
    let desk = Desk::new().await;
    desk.says().largest_array = Some(100);
    desk
}

fn text(evaluate: &str) -> String {
    format!("{}{evaluate}", ONE_GPU.replace("kind: command", "kind: evaluate"))
}

/// What a start writes that has these scores, as tasks and values.
fn scores(directory: &JobDirectory, start: u32, scores: &[(&str, f64)]) {
    let folder = directory.path().join(format!("results/{start}"));
    fs::create_dir_all(&folder).expect("ours");
    let line = |(task, value): &(&str, f64)| {
        format!("{{\"model\": \"whatever\", \"task\": \"{task}\", \"metric\": \"acc\", \"value\": {value}}}\n")
    };
    fs::write(folder.join("it.scores.jsonl"), scores.iter().map(line).collect::<String>()).expect("ours");
}

/// Link `link` of a job has worked through the one start of its number, and ended.
fn ends(desk: &Desk, directory: &JobDirectory, job: JobId, link: u32, code: u32) {
    let stamp = Stamp { job, link: LinkNumber::new(link).expect("not 0") };
    let mut says = desk.says();
    let place = says.queue.iter().position(|seen| seen.stamp == Some(stamp)).expect("it waits");
    let mut seen = says.queue.remove(place);
    let id = seen.handle().to_string();
    let base = if code == 0 { BaseState::Completed } else { BaseState::Failed };
    let number = 1_000 + u64::try_from(says.runs.len()).expect("few");
    let ended = stamped(run(number, "ada", NOW, Some(NOW + 3_600)), stamp);
    (seen.state, seen.started_at, seen.ends_at, seen.elapsed) =
        (JobState::of(base), Some(ended.started_at), ended.ended_at, ended.elapsed);
    says.states.push(seen);
    says.runs.push(ended);
    drop(says);
    let link_folder = directory.path().join(format!("links/{link}"));
    fs::create_dir_all(link_folder.join("claim")).expect("ours");
    fs::write(link_folder.join("claim/owner"), format!("scheduler_job={id}\n")).expect("ours");
    let attempt = link_folder.join(format!("attempts/{id}-0"));
    fs::create_dir_all(&attempt).expect("ours");
    fs::write(attempt.join("started"), format!("epoch_seconds={NOW}\n")).expect("ours");
    fs::write(attempt.join("cells"), format!("started {link} {NOW} - 0\nended {link} {code} {NOW} 9\n")).expect("ours");
    fs::write(attempt.join("ended"), format!("exit_code={code}\nepoch_seconds={}\n", NOW + 3_600)).expect("ours");
}

fn states(report: &SweepReport) -> Vec<CellState> {
    report.cells.iter().map(|cell| cell.state).collect()
}

/// The scores that are told: model, step, task and value.
fn told(report: &mut SweepReport) -> Vec<String> {
    let results = report.take_scores(&Wanted::default()).expect("read");
    let told = |score: &model::Score| {
        let step = score.subject.step.unwrap_or(0);
        format!("{} {step} {} {}", score.subject.model, score.task.task, score.value)
    };
    results.matrix.scores().map(|(_, score)| told(score)).collect()
}

async fn submitted(desk: &Desk, file: Submission) -> (JobDirectory, JobId) {
    let house = desk.house("ada");
    let id = submit(&house, file).await.unwrap_or_else(|error| panic!("{error}")).id;
    (house.state.job(id), id)
}

#[tokio::test]
async fn a_cell_is_done_where_it_has_a_score_and_what_is_missing_becomes_a_job_of_those_tasks() {
    use CellState::{Done, Failed, Unscored};
    let desk = desk().await;
    let house = desk.house("ada");
    let (directory, first) = submitted(&desk, wish(&text(EVALUATE))).await;
    assert_eq!(
        states(&report(&house, "once").await.expect("an evaluation")),
        [CellState::Waiting; 4],
        "nothing was begun"
    );
    // The first ends with 0 and leaves one of its two scores; the second fails behind its first score.
    scores(&directory, 1, &[("sums", 0.25)]);
    ends(&desk, &directory, first, 1, 0);
    scores(&directory, 2, &[("sums", 0.5)]);
    ends(&desk, &directory, first, 2, 9);
    assert_eq!(settled(&house).await, None);
    let over = resume(&house, "once").await.expect("known").outcome.expect("a sweep").over;
    assert_eq!(over.expect("it is over").why, OverReason::Cells);
    let mut cells = report(&house, "once").await.expect("an evaluation");
    assert_eq!(states(&cells), [Done, Unscored, Done, Failed]);
    assert_eq!(told(&mut cells), ["/m/7b 100 sums 0.25", "/m/7b 200 sums 0.5"], "of the model of the job");
    let counts = show(&house, "once", Freshness::Fresh).await.expect("shown").cells.expect("a sweep");
    assert_eq!((counts.all, counts.done, counts.unscored, counts.failed), (4, 2, 1, 1));

    let again = missing(&house, "once").await.expect("read").expect("two are missing");
    assert_eq!(again.cells, 2);
    let starts = again.file.spec.sweep.clone().expect("an evaluation").cells;
    assert_eq!(starts, [["/m/7b/step100", "100", "words"], ["/m/7b/step200", "200", "words"]]);
    let again = Submission { file: again.file, ..wish(&text(EVALUATE)) };
    let (later, second) = submitted(&desk, again).await;
    assert_eq!(
        states(&report(&house, "once").await.expect("all four")),
        [Done, Unscored, Done, Failed].map(|state| { if state == Done { state } else { CellState::Waiting } })
    );
    scores(&later, 1, &[("words", 0.125)]);
    ends(&desk, &later, second, 1, 0);
    scores(&later, 2, &[("words", 0.75)]);
    ends(&desk, &later, second, 2, 0);
    assert_eq!(settled(&house).await, None);
    let over = resume(&house, &second.to_string()).await.expect("known").outcome.expect("a sweep").over;
    assert_eq!(over.expect("it is over").why, OverReason::Done);
    // Whichever of them is asked for: all cells are told, each by the job that has it.
    for asked in ["once".to_owned(), first.to_string(), second.to_string()] {
        let mut cells = report(&house, &asked).await.expect("all four");
        assert_eq!(states(&cells), [Done; 4], "{asked}");
        assert_eq!(cells.intent.id, first, "{asked}");
        let jobs: Vec<JobId> = cells.cells.iter().map(|cell| cell.job).collect();
        assert_eq!(jobs, [first, second, first, second]);
        let all = ["/m/7b 100 sums 0.25", "/m/7b 200 sums 0.5", "/m/7b 100 words 0.125", "/m/7b 200 words 0.75"];
        let mut told = told(&mut cells);
        told.sort_by_key(|line| all.iter().position(|known| known == line));
        assert_eq!(told, all, "{asked}");
    }
    assert!(missing(&house, &first.to_string()).await.expect("read").is_none());
}

/// The harness scores the members of a tag, and not the tag; of a command that is no score of the task.
#[tokio::test]
async fn a_name_that_stands_for_others_is_done_where_the_harness_has_done_all() {
    for (harness, code, state) in
        [("lm-eval", 0, CellState::Done), ("lm-eval", 1, CellState::Failed), ("command", 0, CellState::Unscored)]
    {
        let desk = desk().await;
        let evaluate = format!("evaluate: {{ models: [/m/7b], tasks: [sums, arc_*], harness: {harness} }}\n");
        let (directory, id) = submitted(&desk, wish(&text(&evaluate))).await;
        scores(&directory, 1, &[("sums", 0.5), ("arc_easy", 0.25), ("arc_hard", 0.125)]);
        ends(&desk, &directory, id, 1, code);
        let cells = report(&desk.house("ada"), "once").await.expect("an evaluation");
        assert_eq!(states(&cells), [CellState::Done, state], "{harness} {code}");
    }
}

#[tokio::test]
async fn results_are_packed_where_they_are_many_and_are_told_all_the_same() {
    for (models, is_packed) in [(5, false), (30, true)] {
        let desk = desk().await;
        let house = desk.house("ada");
        let names: Vec<String> = (1..=models).map(|step| format!("/m/7b/step{step}")).collect();
        let evaluate = format!("evaluate: {{ models: [{}], tasks: [sums], harness: command }}\n", names.join(", "));
        let (directory, id) = submitted(&desk, wish(&text(&evaluate))).await;
        for link in 1..=models {
            scores(&directory, link, &[("sums", f64::from(link))]);
            ends(&desk, &directory, id, link, 0);
        }
        let long = directory.path().join(format!("results/1/{}", "x".repeat(120)));
        fs::create_dir_all(&long).expect("ours");
        fs::write(long.join("notes.txt"), "of a harness with long names").expect("ours");
        let without_room = format!("results/1/samples_{}.jsonl", "x".repeat(120));
        fs::write(directory.path().join(&without_room), "{}").expect("ours");
        desk.set_clock(NOW + 7_200);
        desk.settle("ada").await;
        let before = told(&mut report(&house, "once").await.expect("an evaluation"));
        assert_eq!(before.len(), usize::try_from(models).expect("few"));
        jobs::directory::list(&house.state).await.expect("listed");
        // The files here were written now, whenever the test is.
        desk.set_clock(NOW + 4_000 * DAY);
        let sealed = seal(&house).await.expect("sealed");
        assert_eq!((sealed.sealed.len(), sealed.notes), (1, Vec::<String>::new()));
        let is_there = |name: &str| directory.path().join(name).exists();
        let packed = (is_there("results/2"), is_there("results.1.tar"), is_there("results.2.tar"));
        assert_eq!(packed, (!is_packed, is_packed, false));
        assert!(is_there(&without_room), "what has no place in an archive stays");
        let after = told(&mut report(&house, &id.to_string()).await.expect("an evaluation"));
        assert_eq!(after, before);
        let (again, _) = only_job(&desk).await;
        let state = report(&house, &id.to_string()).await.expect("an evaluation");
        assert!(state.missing().next().is_none() && again.path().exists());
    }
}

/// Of a file that cannot be read nobody knows whether a score is in it: nothing is evaluated again because of that.
#[tokio::test]
async fn what_cannot_be_read_is_not_missing() {
    let desk = desk().await;
    let (directory, id) = submitted(&desk, wish(&text(EVALUATE))).await;
    for link in 1..=2 {
        scores(&directory, link, &[("sums", 0.5), ("words", 0.5)]);
        ends(&desk, &directory, id, link, 0);
    }
    let house = desk.house("ada");
    let files = Arc::new(Mortal { left: AtomicUsize::new(usize::MAX), unreadable: Some("results/2/it.scores.jsonl") });
    let state = State::new(house.state.root().to_owned(), house.state.mode(), files.clone());
    let blind = House { files, state, ..house.clone() };
    let error = missing(&blind, "once").await.map(drop).expect_err("it is not known");
    assert_eq!(error.gravity, Gravity::Unreachable, "{error}");
    assert!(error.why.contains("results/2/it.scores.jsonl is not known: "), "{error}");
    let mut cells = report(&blind, "once").await.expect("the others are told");
    assert_eq!(told(&mut cells), ["/m/7b 100 sums 0.5", "/m/7b 100 words 0.5"]);
    // That it is over is told by what its starts wrote down.
    assert_eq!(settled(&blind).await, None);
    let over = resume(&blind, "once").await.expect("known").outcome.expect("a sweep").over;
    assert_eq!(over.expect("it is over").why, OverReason::Done);
    assert!(missing(&house, "once").await.expect("read").is_none());
}

/// What a program leaves there beside its scores, however much, keeps nobody from settling.
#[tokio::test]
async fn a_start_with_more_files_than_are_read_hides_no_other() {
    let desk = desk().await;
    let house = desk.house("ada");
    let (directory, id) = submitted(&desk, wish(&text(EVALUATE))).await;
    for link in 1..=2 {
        scores(&directory, link, &[("sums", 0.5), ("words", 0.5)]);
        ends(&desk, &directory, id, link, 0);
    }
    for file in 0..20_001 {
        fs::write(directory.path().join(format!("results/2/{file}.scores.json")), "").expect("ours");
    }
    assert_eq!(settled(&house).await, None);
    let over = resume(&house, "once").await.expect("known").outcome.expect("a sweep").over;
    assert_eq!(over.expect("it is over").why, OverReason::Done);
    let mut cells = report(&house, "once").await.expect("the others are told");
    assert!(cells.unread().is_some_and(|unread| unread.what.contains("more than 20000 files")));
    assert_eq!(told(&mut cells).len(), 2);
}
