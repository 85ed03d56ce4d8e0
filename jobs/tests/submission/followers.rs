//! Evaluations that follow a chain: their links wait behind those of the chain, and take what it saves.

use crate::{
    cluster::{run, stamped, waiting},
    desk::{DAY, Desk, HOUR, NOW},
    handed::KilledBehind,
    stage::files::age,
    wish::{ONE_GPU, sent, wish},
};
use jobs::{
    Gravity, House, JobsError, Step,
    cancel::cancel,
    directory::{JobDirectory, OverReason},
    logs::{Beginning, Log},
    resume::{resume, settled},
    seal::seal,
    show::show,
    submit::{SubmitAnswer, SubmitOutcome, submit},
    sweep::{CellState, missing, report},
};
use ledger::{Book, Hold, HoldId};
use model::{BaseState, JobId, JobState, LinkNumber, SchedulerJobId, Stamp};
use scheduler_adapters::Freshness;
use std::{fs, sync::Arc};

fn train(chain: &str) -> String {
    ONE_GPU.replace("name: once", "name: train") + &format!("chain: {{ until: marker, {chain} }}\n")
}

fn evaluation(more: &str) -> String {
    ONE_GPU.replace("name: once", "name: scores").replace("kind: command", "kind: evaluate")
        + &format!("evaluate: {{ follows: train, tasks: [sums, words], harness: command, {more} }}\n")
}

async fn begin(desk: &Desk, text: &str) -> SubmitAnswer {
    submit(&desk.house("ada"), wish(text)).await.unwrap_or_else(|error| panic!("{error}"))
}

async fn refused(desk: &Desk, user: &str, text: &str) -> JobsError {
    let house = House { state: desk.house("ada").state, ..desk.house(user) };
    match submit(&house, wish(text)).await {
        Ok(answer) => panic!("it was submitted as {}", answer.scheduler_job),
        Err(error) => error,
    }
}

/// All that is said of a refusal.
fn said(error: &JobsError) -> String {
    let mistakes =
        error.mistakes.iter().map(|it| format!("{}: {}; {}", it.finding.field, it.finding.what, it.finding.next));
    mistakes.chain([error.to_string()]).collect::<Vec<_>>().join("\n")
}

/// What was sent of each job when one of them was gone on with: name, link, scheduler's number.
async fn go_on(desk: &Desk, name: &str) -> Vec<(String, u32, u64)> {
    let house = desk.house("ada");
    assert_eq!(settled(&house).await, None);
    let resumed = match resume(&house, name).await {
        // The settlement saw it.
        Err(error) if error.why == "it is over" => return Vec::new(),
        resumed => resumed.expect("known"),
    };
    let advanced = resumed.outcome.unwrap_or_else(|error| panic!("{name}: {error}"));
    let told = |name: &str, links: &[jobs::directory::SentLink]| -> Vec<(String, u32, u64)> {
        links.iter().map(|sent| (name.to_owned(), sent.link.get(), sent.scheduler_job.raw())).collect()
    };
    let mut sent = told(name, &advanced.sent);
    for follower in &advanced.followers {
        let of_follower = follower.outcome.as_ref().unwrap_or_else(|error| panic!("{error}"));
        assert!(of_follower.not_sent.is_none(), "{:?}", of_follower.not_sent);
        sent.extend(told(follower.name.as_str(), &of_follower.sent));
    }
    sent
}

fn directory(desk: &Desk, job: JobId) -> JobDirectory {
    desk.house("ada").state.job(job)
}

async fn held(desk: &Desk, job: JobId) -> Option<i64> {
    let hold = desk.book().hold(HoldId(job)).await.expect("read");
    hold.filter(Hold::is_open).map(|hold| hold.ceiling.milli() / HOUR)
}

/// Link `link` of a job, which the scheduler calls `id`, has worked for an hour; its record of starts is this.
fn ends(desk: &Desk, job: JobId, (link, id): (u32, u64), records: &str) {
    let stamp = Stamp { job, link: LinkNumber::new(link).expect("not 0") };
    let from = NOW + i64::from(link) * 4 * 3_600;
    desk.set_clock(from + 4 * 3_600);
    let mut says = desk.says();
    says.queue.retain(|seen| seen.id != SchedulerJobId::new(id));
    let ended = stamped(run(id, "ada", from, Some(from + 3_600)), stamp);
    let mut seen = waiting(id, "ada", NOW);
    (seen.stamp, seen.state) = (Some(stamp), JobState::of(BaseState::Completed));
    (seen.started_at, seen.ends_at, seen.elapsed) = (Some(ended.started_at), ended.ended_at, ended.elapsed);
    says.states.push(seen);
    says.runs.push(ended);
    drop(says);
    let folder = directory(desk, job).path().join(format!("links/{link}"));
    let attempt = folder.join(format!("attempts/{id}-0"));
    for needed in [folder.join("claim"), attempt.clone()] {
        fs::create_dir_all(needed).expect("ours");
    }
    fs::write(folder.join("claim/owner"), format!("scheduler_job={id}\n")).expect("ours");
    fs::write(attempt.join("started"), format!("epoch_seconds={from}\n")).expect("ours");
    fs::write(attempt.join("ended"), format!("exit_code=0\nepoch_seconds={}\n", from + 3_600)).expect("ours");
    if !records.is_empty() {
        fs::write(attempt.join("cells"), records).expect("ours");
    }
}

/// The chain saved a checkpoint of this step; where it lies.
fn saves(desk: &Desk, chain: JobId, step: u64) -> String {
    let folder = directory(desk, chain).path().join(format!("step{step}"));
    fs::create_dir_all(&folder).expect("ours");
    let list = directory(desk, chain).path().join("checkpoints");
    let line = format!("{step} {}\n", folder.display());
    fs::write(&list, fs::read_to_string(&list).unwrap_or_default() + &line).expect("ours");
    line
}

/// A link of the evaluation took these.
fn takes(desk: &Desk, job: JobId, lines: &[&str]) {
    let path = directory(desk, job).path().join("taken");
    fs::write(&path, fs::read_to_string(&path).unwrap_or_default() + &lines.concat()).expect("ours");
}

/// What a start left.
fn scores(desk: &Desk, job: JobId, start: u32, tasks: &[&str]) {
    let folder = directory(desk, job).path().join(format!("results/{start}"));
    fs::create_dir_all(&folder).expect("ours");
    let line =
        |task: &&str| format!("{{\"model\": \"it\", \"task\": \"{task}\", \"metric\": \"acc\", \"value\": 0.5}}\n");
    fs::write(folder.join("it.scores.jsonl"), tasks.iter().map(line).collect::<String>()).expect("ours");
}

fn is_over(desk: &Desk, job: JobId, why: &str) {
    fs::write(directory(desk, job).path().join("over"), format!("why={why}\nlink=1\nstep=10\n")).expect("ours");
}

fn owned(sent: &[(&str, u32, u64)]) -> Vec<(String, u32, u64)> {
    sent.iter().map(|(name, link, id)| ((*name).to_owned(), *link, *id)).collect()
}

#[tokio::test]
async fn its_links_wait_behind_those_of_the_chain_and_what_it_saves_is_evaluated_to_the_end() {
    let desk = Desk::new().await;
    let chain = begin(&desk, &train("max_links: 3")).await.id;
    let answer = begin(&desk, &evaluation("")).await;
    let links: Vec<_> = answer.links.iter().map(|sent| (sent.link.get(), sent.scheduler_job.raw())).collect();
    assert_eq!((links, answer.sweep), (vec![(1, 103), (2, 104)], None), "one behind each that is queued");
    let options: Vec<Vec<String>> = desk.says().handed.sent[2..].iter().map(|sent| sent.options.clone()).collect();
    let behind = |ids: &str| vec![format!("--dependency=afterany:{ids}"), "--kill-on-invalid-dep=yes".to_owned()];
    assert_eq!(options, [behind("101"), behind("102:103")], "each behind its own, too: they share one list");
    assert_eq!((held(&desk, chain).await, held(&desk, answer.id).await), (Some(2), Some(2)));
    assert_eq!(go_on(&desk, "scores").await, []);
    // The same file again is the same request.
    let again = begin(&desk, &evaluation("")).await;
    assert_eq!((again.outcome, again.id, sent(&desk)), (SubmitOutcome::Already, answer.id, 4));

    // The chain goes on, and its evaluation with it.
    let first = saves(&desk, chain, 100);
    ends(&desk, chain, (1, 101), "");
    takes(&desk, answer.id, &[&first]);
    scores(&desk, answer.id, 1, &["sums", "words"]);
    ends(&desk, answer.id, (1, 103), "started 1 5 - 0\nended 1 0 9 9\n");
    assert_eq!(go_on(&desk, "train").await, owned(&[("train", 3, 105), ("scores", 3, 106)]));
    assert_eq!(desk.says().handed.sent[5].options, behind("105:104"));
    let shown = show(&desk.house("ada"), "scores", Freshness::Fresh).await.expect("shown");
    assert_eq!(shown.cells.map(|cells| (cells.all, cells.done)), Some((2, 2)), "of what was taken");
    assert!(shown.over.is_none());

    // The second link of the evaluation was too short for what was new; the chain is over.
    let (second, third) = (saves(&desk, chain, 200), saves(&desk, chain, 300));
    ends(&desk, chain, (2, 102), "");
    ends(&desk, chain, (3, 105), "");
    is_over(&desk, chain, "done");
    takes(&desk, answer.id, &[&second]);
    ends(&desk, answer.id, (2, 104), "started 2 5 - 0\n");
    ends(&desk, answer.id, (3, 106), "");
    assert_eq!(go_on(&desk, "scores").await, owned(&[("scores", 4, 107)]));
    let none: [String; 0] = [];
    assert_eq!(desk.says().handed.sent[6].options, none, "there is nothing to wait for");
    let cells = report(&desk.house("ada"), "scores").await.expect("cells").cells;
    let states: Vec<_> = cells.iter().map(|cell| (cell.state, cell.link.map(LinkNumber::get))).collect();
    let stopped = (CellState::Stopped, Some(2));
    assert_eq!(states, [(CellState::Done, Some(1)), (CellState::Done, Some(1)), stopped, stopped]);

    takes(&desk, answer.id, &[&third]);
    scores(&desk, answer.id, 2, &["sums", "words"]);
    scores(&desk, answer.id, 3, &["sums", "words"]);
    ends(&desk, answer.id, (4, 107), "started 2 5 - 0\nended 2 0 9 9\nstarted 3 9 - 9\nended 3 0 9 9\n");
    assert_eq!(go_on(&desk, "scores").await, []);
    let over = directory(&desk, answer.id).over().await.expect("read").expect("it is over");
    assert_eq!((over.why, over.link), (OverReason::Done, LinkNumber::new(4)));
    desk.settle("ada").await;
    assert_eq!(held(&desk, answer.id).await, None);
    assert_eq!(desk.used().await, 7 * 3_600, "each link of both by its run");
}

#[tokio::test]
async fn a_start_that_failed_keeps_the_evaluation_from_nothing_else_and_is_submitted_again() {
    let desk = Desk::new().await;
    let chain = begin(&desk, &train("max_links: 1")).await.id;
    let job = begin(&desk, &evaluation("tasks_per_load: 1")).await.id;
    let saved = saves(&desk, chain, 100);
    ends(&desk, chain, (1, 101), "");
    is_over(&desk, chain, "done");
    takes(&desk, job, &[&saved]);
    scores(&desk, job, 1, &["sums"]);
    ends(&desk, job, (1, 102), "started 1 5 - 0\nended 1 0 9 9\nstarted 2 9 - 9\nended 2 3 9 9\n");
    assert_eq!(go_on(&desk, "scores").await, []);
    let over = directory(&desk, job).over().await.expect("read").expect("it is over");
    assert_eq!(over.why, OverReason::Cells);
    let house = desk.house("ada");
    let again = missing(&house, "scores").await.expect("read").expect("one is missing");
    let sweep = again.file.spec.sweep.clone().expect("an evaluation");
    let path = directory(&desk, chain).path().join("step100").display().to_string();
    assert_eq!(
        (sweep.cells, sweep.follows, again.file.spec.chain.clone()),
        (vec![vec![path, "100".into(), "words".into()]], None, None)
    );
    desk.says().largest_array = Some(10);
    let later = submit(&house, jobs::submit::Submission { file: again.file, ..wish(ONE_GPU) }).await.expect("a sweep");
    scores(&desk, later.id, 1, &["words"]);
    ends(&desk, later.id, (1, 103), "started 1 5 - 0\nended 1 0 9 9\n");
    let cells = report(&house, &job.to_string()).await.expect("cells").cells;
    assert_eq!(
        cells.iter().map(|cell| (cell.state, cell.job)).collect::<Vec<_>>(),
        [(CellState::Done, job), (CellState::Done, later.id)]
    );
}

#[tokio::test]
async fn whoever_is_killed_behind_any_step_leaves_each_link_sent_once() {
    for step in Step::ALL.into_iter().filter(|step| *step != Step::Chosen) {
        for time in 1..=2 {
            let desk = Desk::new().await;
            begin(&desk, &train("")).await;
            let mut house = desk.house("ada");
            house.steps = Arc::new(KilledBehind::new(step, time));
            let ended = tokio::spawn(async move { submit(&house, wish(&evaluation(""))).await.map(drop) }).await;
            assert!(ended.is_err() || time == 2, "{step:?} {time}");
            let answer = begin(&desk, &evaluation("")).await;
            let links: Vec<_> = answer.links.iter().map(|sent| (sent.link.get(), sent.scheduler_job.raw())).collect();
            assert_eq!((links, sent(&desk)), (vec![(1, 103), (2, 104)], 4), "{step:?} {time}");
            assert_eq!(held(&desk, answer.id).await, Some(2), "{step:?} {time}");
        }
    }
}

#[tokio::test]
async fn what_cannot_be_followed_is_refused_with_the_reason_and_nothing_is_begun() {
    let desk = Desk::new().await;
    let error = refused(&desk, "ada", &evaluation("")).await;
    assert_eq!(error.gravity, Gravity::Usage);
    assert!(said(&error).contains("no job") && said(&error).contains("submit the chain first"), "{}", said(&error));
    begin(&desk, &ONE_GPU.replace("name: once", "name: train")).await;
    let error = refused(&desk, "ada", &evaluation("")).await;
    assert!(said(&error).contains("is no chain, and saves nothing that could be followed"), "{}", said(&error));
    begin(&desk, &train("")).await;
    let error = refused(&desk, "bob", &evaluation("")).await;
    assert!(said(&error).contains("is one of ada"), "{}", said(&error));
    begin(&desk, &evaluation("")).await;
    let error = refused(&desk, "ada", &evaluation("").replace("follows: train", "follows: scores")).await;
    assert!(said(&error).contains("is no chain"), "an evaluation saves nothing: {}", said(&error));
    assert_eq!(desk.house("ada").state.ids().await.expect("listed").len(), 3, "nothing else was begun");
}

#[tokio::test]
async fn of_a_chain_that_is_over_what_is_there_is_evaluated_and_its_directory_is_not_sealed_before() {
    let desk = Desk::new().await;
    let chain = begin(&desk, &train("max_links: 1")).await.id;
    let saved = saves(&desk, chain, 100);
    ends(&desk, chain, (1, 101), "");
    is_over(&desk, chain, "done");
    assert_eq!(desk.settle("ada").await.closed, [chain]);
    let job = begin(&desk, &evaluation("")).await.id;
    let none: [String; 0] = [];
    assert_eq!(desk.says().handed.sent[1].options, none);
    desk.set_clock(NOW + 30 * DAY);
    age(directory(&desk, chain).path(), NOW);
    // Whoever lists jobs learns that it is over.
    jobs::directory::list(&desk.house("ada").state).await.expect("listed");
    assert_eq!(seal(&desk.house("ada")).await.expect("sealed").sealed, [], "its list is read still");
    takes(&desk, job, &[&saved]);
    scores(&desk, job, 1, &["sums", "words"]);
    ends(&desk, job, (1, 102), "started 1 5 - 0\nended 1 0 9 9\n");
    go_on(&desk, "scores").await;
    assert!(directory(&desk, job).ended().await.expect("read").is_some());
    desk.set_clock(NOW + 60 * DAY);
    for job in [chain, job] {
        age(directory(&desk, job).path(), NOW);
    }
    jobs::directory::list(&desk.house("ada").state).await.expect("listed");
    assert_eq!(seal(&desk.house("ada")).await.expect("sealed").sealed, [chain, job]);
    // Sealed it reads the same.
    let cells = report(&desk.house("ada"), &job.to_string()).await.expect("cells").cells;
    assert_eq!(cells.iter().map(|cell| cell.state).collect::<Vec<_>>(), [CellState::Done; 2]);
    let error = refused(&desk, "ada", &evaluation("every: 5")).await;
    assert!(said(&error).contains("is long over, and its directory is sealed"), "{}", said(&error));
}

#[tokio::test]
async fn a_cancelled_chain_leaves_its_evaluation_to_what_was_saved_and_a_cancelled_evaluation_the_chain_alone() {
    let desk = Desk::new().await;
    let chain = begin(&desk, &train("")).await.id;
    let job = begin(&desk, &evaluation("")).await.id;
    cancel(&desk.house("ada"), "scores").await.expect("cancelled");
    let mut ended = std::mem::take(&mut desk.says().handed.cancelled);
    ended.sort_unstable();
    ended.dedup();
    assert_eq!(ended, [SchedulerJobId::new(103), SchedulerJobId::new(104)]);
    desk.says().queue.retain(|seen| seen.id.raw() < 103);
    assert_eq!(desk.settle("ada").await.closed, [job]);
    assert_eq!(go_on(&desk, "train").await, [], "nothing of it is sent again");
    let again = begin(&desk, &evaluation("")).await;
    assert_ne!(again.id, job);
    cancel(&desk.house("ada"), "train").await.expect("cancelled");
    desk.says().queue.retain(|seen| seen.id.raw() > 102);
    desk.settle("ada").await;
    assert!(directory(&desk, chain).ended().await.expect("read").is_some());
    // Slurm begins them now that nothing is to wait for; they find nothing.
    ends(&desk, again.id, (1, 105), "");
    ends(&desk, again.id, (2, 106), "");
    assert_eq!(go_on(&desk, "scores").await, []);
    let over = directory(&desk, again.id).over().await.expect("read").expect("it is over");
    assert_eq!(over.why, OverReason::Done, "all that was saved is evaluated");
}

#[tokio::test]
async fn a_link_waits_behind_each_of_the_chain_although_one_before_it_works_still() {
    let desk = Desk::new().await;
    let chain = begin(&desk, &train("max_links: 9")).await.id;
    let job = begin(&desk, &evaluation("")).await.id;
    ends(&desk, chain, (1, 101), "");
    ends(&desk, job, (1, 103), "");
    assert_eq!(go_on(&desk, "train").await, owned(&[("train", 3, 105), ("scores", 3, 106)]));
    // The second of the chain has ended, and the one behind it evaluates.
    ends(&desk, chain, (2, 102), "");
    let is_second = |seen: &&mut scheduler_adapters::JobSighting| seen.id == SchedulerJobId::new(104);
    desk.says().queue.iter_mut().find(is_second).expect("it waits").state = JobState::of(BaseState::Running);
    assert_eq!(go_on(&desk, "train").await, owned(&[("train", 4, 107), ("scores", 4, 108)]));
    let options = desk.says().handed.sent[7].options.clone();
    assert_eq!(options[0], "--dependency=afterany:107:104:106", "behind the fourth, and its own that are not over");
    assert_eq!(go_on(&desk, "scores").await, []);
}

#[tokio::test]
async fn who_submits_it_again_notes_no_link_of_the_chain_as_waited_for() {
    let desk = Desk::new().await;
    let chain = begin(&desk, &train("max_links: 9, ahead: 1")).await.id;
    ends(&desk, chain, (1, 101), "");
    // The chain pauses: the first link of the evaluation waits for none.
    let job = begin(&desk, &evaluation("")).await.id;
    assert_eq!(desk.says().handed.sent[1].options, [""; 0]);
    let sent = go_on(&desk, "train").await;
    assert!(sent.contains(&("train".to_owned(), 2, 103)), "{sent:?}");
    assert_eq!(begin(&desk, &evaluation("")).await.outcome, SubmitOutcome::Already);
    assert!(!directory(&desk, job).path().join("links/1/behind").exists(), "it waits for none still");
}

#[tokio::test]
async fn scores_say_whether_all_is_done_and_what_no_link_took_is_missing_too() {
    let desk = Desk::new().await;
    let chain = begin(&desk, &train("max_links: 1")).await.id;
    let job = begin(&desk, &evaluation("tasks_per_load: 1, side_by_side: 2")).await.id;
    let saved = saves(&desk, chain, 100);
    ends(&desk, chain, (1, 101), "");
    is_over(&desk, chain, "done");
    takes(&desk, job, &[&saved]);
    // It ends with 0, and one of its tasks has no score.
    scores(&desk, job, 1, &["sums"]);
    ends(&desk, job, (1, 102), "started 1 5 - 0\nended 1 0 9 9\nstarted 2 9 - 9\nended 2 0 9 9\n");
    assert_eq!(go_on(&desk, "scores").await, []);
    let over = directory(&desk, job).over().await.expect("read").expect("it is over");
    assert_eq!(over.why, OverReason::Cells);
    // Whoever started a link of the chain again had it save more.
    saves(&desk, chain, 200);
    let house = desk.house("ada");
    let states: Vec<_> = report(&house, "scores").await.expect("cells").cells.iter().map(|cell| cell.state).collect();
    let waiting = CellState::Waiting;
    assert_eq!(states, [CellState::Done, CellState::Unscored, waiting, waiting]);
    let again = missing(&house, "scores").await.expect("read").expect("three are missing");
    let sweep = again.file.spec.sweep.expect("an evaluation");
    assert_eq!(
        (again.cells, sweep.cells.len(), sweep.pack, sweep.side_by_side),
        (3, 3, 2, 2),
        "as many as run at once"
    );
}

#[tokio::test]
async fn whoever_settles_for_all_leaves_the_evaluation_of_another_as_it_is() {
    let desk = Desk::new().await;
    begin(&desk, &train("max_links: 2, ahead: 1")).await;
    let job = begin(&desk, &evaluation("")).await.id;
    ends(&desk, job, (1, 102), "");
    // The chain has waited for hours, and bob is not shown what ada has in the queue.
    let house = House { state: desk.house("ada").state, ..desk.house("bob") };
    assert!(!over_with_links(&house, job).await, "it is not known to be over");
    let fenced = directory(&desk, job).path().parent().expect("jobs").to_owned();
    let claims = crate::stage::files::everything(&fenced).into_iter().filter(|path| path.ends_with("claim/owner"));
    assert_eq!(claims.count(), 1, "of the link that worked alone");
}

/// Whether a settlement of this house closes the hold.
async fn over_with_links(house: &House, job: JobId) -> bool {
    let options = jobs::settle::SettleOptions { all_users: true, ..Default::default() };
    jobs::settle::settle(house, options).await.expect("settled").closed.contains(&job)
}

#[tokio::test]
async fn a_log_that_is_followed_goes_over_to_that_of_the_next_link() {
    let desk = Desk::new().await;
    begin(&desk, &train("")).await;
    let job = begin(&desk, &evaluation("")).await.id;
    let house = desk.house("ada");
    let log = |link: u32, text: &str| {
        fs::write(directory(&desk, job).path().join(format!("links/{link}/log")), text).expect("ours");
    };
    ends(&desk, job, (1, 103), "");
    log(1, "first\n");
    let mut followed = Log::open(&house, "scores", Beginning::Start, None).await.expect("opened");
    let mut next =
        async || String::from_utf8(followed.next(&house).await.expect("read").expect("a log")).expect("text");
    assert_eq!((next().await, next().await), ("first\n".to_owned(), String::new()));
    ends(&desk, job, (2, 104), "");
    log(2, "second\n");
    assert_eq!((next().await, next().await), (String::new(), "second\n".to_owned()));
}
