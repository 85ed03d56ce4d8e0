//! A sweep is one job: its links are tasks of arrays, each sent once, all drawing from one hold, whoever is killed when.

use crate::{
    cluster::{run, stamped},
    desk::{DAY, Desk, NOW},
    handed::KilledBehind,
    stage::mortal::Mortal,
    wish::{ONE_GPU, cancelled, enforce, held_hours, only_job, sent, wish},
};
use jobs::{
    Gravity, House, JobsError, ProcessMark, Step,
    cancel::cancel,
    directory::{OverReason, State},
    logs::{Beginning, Log},
    resume::{resume, settled},
    seal::seal,
    show::show,
    submit::{SubmitAnswer, submit},
    sweep::{CellState, missing, report},
};
use model::{ArrayStamp, BaseState, JobState, LinkNumber, SchedulerJobId, Stamp};
use scheduler_adapters::{AdapterErrorKind, ArrayTasks, Freshness, Submission};
use std::{
    collections::BTreeSet,
    fs,
    num::NonZeroU32,
    sync::{Arc, atomic::AtomicUsize},
};

/// A sweep of so many cells, each a link of one GPU for one hour.
fn text(cells: usize, more: &str) -> String {
    let seeds: Vec<String> = (1..=cells).map(|seed| seed.to_string()).collect();
    format!("{ONE_GPU}sweep: {{ grid: {{ seed: [{}] }}{more} }}\n", seeds.join(", "))
}

async fn desk(largest: u32) -> Desk {
    let desk = Desk::new().await;
    desk.says().largest_array = Some(largest);
    desk
}

async fn begin_at(house: &House, text: &str) -> Result<SubmitAnswer, JobsError> {
    submit(house, wish(text)).await
}

async fn begin(desk: &Desk, text: &str) -> SubmitAnswer {
    begin_at(&desk.house("ada"), text).await.unwrap_or_else(|error| panic!("{error}"))
}

/// The arrays that were sent, each as its stamp's first link and its list of tasks.
fn arrays(desk: &Desk) -> Vec<(u32, String)> {
    let of =
        |sent: &Submission| sent.array.as_ref().map(|array| (array.stamp.first.link.get(), ArrayTasks::list(array)));
    desk.says().handed.sent.iter().filter_map(of).collect()
}

/// The links that were sent, each time.
fn links_sent(desk: &Desk) -> Vec<u32> {
    let of = |sent: &Submission| -> Vec<Stamp> {
        match &sent.array {
            Some(array) => array.indexes.iter().map(|index| array.stamp.task(*index)).collect(),
            None => vec![sent.stamp],
        }
    };
    desk.says().handed.sent.iter().flat_map(of).map(|stamp| stamp.link.get()).collect()
}

/// Asserts that links 1 to `count` were sent, each once, as one job with one hold of all of them.
async fn each_once(desk: &Desk, count: u32, when: &str) {
    let mut links = links_sent(desk);
    links.sort_unstable();
    assert_eq!(links, (1..=count).collect::<Vec<_>>(), "{when}: each was sent once");
    assert_eq!((held_hours(desk).await, cancelled(desk)), (i64::from(count), vec![]), "{when}: held once");
    let (directory, _) = only_job(desk).await;
    let noted = directory.sent_links().await.expect("read");
    assert_eq!(noted.len(), links.len(), "{when}: each is noted");
}

/// What the script of a link writes that works through one cell.
fn works(directory: &std::path::Path, link: u32, id: &str, code: u32) {
    let link_folder = directory.join(format!("links/{link}"));
    fs::create_dir_all(link_folder.join("claim")).expect("ours");
    fs::write(link_folder.join("claim/owner"), format!("scheduler_job={id}\n")).expect("ours");
    let attempt = link_folder.join(format!("attempts/{id}-0"));
    fs::create_dir_all(&attempt).expect("ours");
    fs::write(attempt.join("started"), format!("epoch_seconds={NOW}\n")).expect("ours");
    fs::write(attempt.join("cells"), format!("started {link} {NOW} - 0\nended {link} {code} {NOW} 9\n")).expect("ours");
    fs::write(attempt.join("ended"), format!("exit_code={code}\nepoch_seconds={}\n", NOW + 3_600)).expect("ours");
}

/// A link has worked for an hour and ended; queue and accounting tell.
async fn ends(desk: &Desk, link: u32, code: u32) {
    let (directory, intent) = only_job(desk).await;
    let stamp = Stamp { job: intent.id, link: LinkNumber::new(link).expect("not 0") };
    let mut says = desk.says();
    let place = says.queue.iter().position(|seen| seen.stamp == Some(stamp)).expect("it waits");
    let mut seen = says.queue.remove(place);
    let handle = seen.handle();
    let base = if code == 0 { BaseState::Completed } else { BaseState::Failed };
    let ended = stamped(run(1_000 + u64::from(link), "ada", NOW, Some(NOW + 3_600)), stamp);
    (seen.state, seen.started_at, seen.ends_at, seen.elapsed) =
        (JobState::of(base), Some(ended.started_at), ended.ended_at, ended.elapsed);
    says.states.push(seen);
    says.runs.push(ended);
    drop(says);
    works(directory.path(), link, &handle.to_string(), code);
}

async fn go_on(desk: &Desk) -> jobs::chain::Advanced {
    assert_eq!(settled(&desk.house("ada")).await, None);
    resume(&desk.house("ada"), "once").await.expect("a sweep").outcome.unwrap_or_else(|error| panic!("{error}"))
}

#[tokio::test]
async fn links_are_tasks_of_arrays_as_large_as_the_site_takes_them_and_held_for_together() {
    let desk = desk(4).await;
    let answer = begin(&desk, &text(10, "")).await;
    assert_eq!(arrays(&desk), [(1, "0-3".to_owned()), (5, "0-3".to_owned()), (9, "0-1".to_owned())]);
    each_once(&desk, 10, "one call").await;
    let (directory, intent) = only_job(&desk).await;
    assert_eq!(answer.links.len(), 10);
    let names: Vec<String> = desk.says().handed.sent.iter().map(|sent| sent.job_name.clone()).collect();
    let stamp = |link| ArrayStamp::of_links(Stamp { job: intent.id, link: LinkNumber::new(link).expect("not 0") });
    assert_eq!(names, [1, 5, 9].map(|first| format!("once.{}", stamp(first))));
    // A few files, however many links there are.
    assert!(!directory.path().join("links/2").exists());
    assert_eq!(fs::read_to_string(directory.path().join("cells")).expect("written").lines().count(), 10);
    let asked = ["submit", "largest array", "find"].map(|call| desk.says().calls.get(call).copied());
    assert_eq!(asked, [Some(3), Some(1), None]);
    assert_eq!(begin(&desk, &text(10, "")).await.id, intent.id);
    assert_eq!(sent(&desk), 3);
}

#[tokio::test]
async fn where_slurm_takes_no_arrays_a_sweep_is_refused_and_given_up() {
    let desk = Desk::new().await;
    let error = begin_at(&desk.house("ada"), &text(3, "")).await.map(drop).expect_err("refused");
    assert!(error.why.contains("takes no job arrays"), "{error}");
    assert_eq!((error.gravity, sent(&desk), held_hours(&desk).await), (Gravity::Refused, 0, 0));
}

#[tokio::test]
async fn a_few_free_places_are_found_among_many_links() {
    for room in [1, 3, 50] {
        let desk = desk(1_000).await;
        desk.says().handed.room = Some(room);
        let answer = begin(&desk, &text(700, "")).await;
        assert_eq!(answer.links.len(), room, "{:?}", answer.notes);
        assert!(desk.says().calls.get("submit").is_some_and(|calls| *calls < 25), "{:?}", desk.says().calls);
    }
}

#[tokio::test(start_paused = true)]
async fn who_cancels_waits_for_no_call_that_has_ended_though_its_process_lives() {
    let desk = desk(1_000).await;
    desk.says().handed.room = Some(2);
    let mut house = desk.house("ada");
    house.process = ProcessMark { number: 1, started: 1 };
    begin_at(&house, &text(100, "")).await.map(drop).expect("two are sent");
    let begun = tokio::time::Instant::now();
    cancel(&desk.house("ada"), "once").await.expect("cancelled");
    assert_eq!(begun.elapsed(), std::time::Duration::ZERO);
    assert_eq!(cancelled(&desk).len(), 2);
}

#[tokio::test]
async fn what_was_not_read_back_when_it_was_sent_is_before_more_is_done() {
    let desk = desk(100).await;
    killed_behind(&desk, Step::Submitted, 1, text(3, "")).await;
    let (directory, _) = only_job(&desk).await;
    assert_eq!(directory.read_back().await.expect("read"), None);
    assert!(go_on(&desk).await.not_sent.is_none());
    assert!(directory.read_back().await.expect("read").is_some());
}

/// Submits as a process that is killed behind the n-th time that a step is done; whether it was.
async fn killed_behind(desk: &Desk, step: Step, time: usize, text: String) -> bool {
    let mut house = desk.house("ada");
    house.steps = Arc::new(KilledBehind::new(step, time));
    tokio::spawn(async move { begin_at(&house, &text).await.map(drop) }).await.is_err()
}

#[tokio::test]
async fn a_submission_that_is_killed_anywhere_is_finished_by_the_next() {
    for step in Step::ALL.into_iter().filter(|step| *step != Step::Chosen) {
        for time in 1..=2 {
            let desk = desk(3).await;
            killed_behind(&desk, step, time, text(5, "")).await;
            begin(&desk, &text(5, "")).await;
            assert_eq!(arrays(&desk), [(1, "0-2".to_owned()), (4, "0-1".to_owned())], "{step:?} {time}");
            each_once(&desk, 5, &format!("{step:?} {time}")).await;
        }
    }
}

#[tokio::test]
async fn killed_before_any_change_the_same_submission_sends_each_link_once() {
    for changes in 0.. {
        let desk = desk(3).await;
        let house = desk.house("ada");
        let files = Arc::new(Mortal { left: AtomicUsize::new(changes), unreadable: None });
        let state = State::new(house.state.root().to_owned(), house.state.mode(), files.clone());
        let died = begin_at(&House { files, state, ..house }, &text(5, "")).await;
        let is_whole = died.is_ok_and(|answer| answer.notes.is_empty());
        begin(&desk, &text(5, "")).await;
        each_once(&desk, 5, &format!("after {changes} changes")).await;
        if is_whole {
            assert!(changes > 12, "{changes} changes are few");
            break;
        }
    }
}

#[tokio::test]
async fn what_the_site_does_not_take_now_is_sent_when_it_does_and_no_link_twice() {
    let desk = desk(100).await;
    desk.says().handed.room = Some(4);
    let answer = begin(&desk, &text(10, "")).await;
    assert_eq!(answer.links.len(), 4, "{:?}", answer.notes);
    assert!(answer.notes.iter().any(|note| note.contains("4 of its 10 links are submitted")), "{:?}", answer.notes);
    assert_eq!(held_hours(&desk).await, 10, "all are held for");
    let shown = show(&desk.house("ada"), "once", Freshness::Fresh).await.expect("shown");
    assert!(shown.wants_link(&desk.house("ada")) && !shown.is_over());
    // Refused in halves, down to one.
    let before = sent(&desk);
    assert!(go_on(&desk).await.not_sent.is_some());
    desk.says().handed.room = None;
    let advanced = go_on(&desk).await;
    assert_eq!((advanced.sent.len(), advanced.not_sent.map(|error| error.why)), (6, None));
    assert!(sent(&desk) >= before);
    each_once(&desk, 10, "in the end").await;
}

#[tokio::test]
async fn what_is_taken_in_vain_is_tried_again_later_and_later() {
    let desk = desk(100).await;
    desk.says().handed.room = Some(1);
    begin(&desk, &text(3, "")).await;
    let calls = |desk: &Desk| desk.says().calls.get("submit").copied().unwrap_or_default();
    for _ in 0..4 {
        desk.set_clock(NOW + 1);
        assert!(go_on(&desk).await.not_sent.is_some());
    }
    let before = calls(&desk);
    assert!(go_on(&desk).await.not_sent.is_some_and(|error| error.next.contains("it is asked again after")));
    assert_eq!(calls(&desk), before, "nobody was asked");
    desk.set_clock(NOW + DAY);
    assert!(go_on(&desk).await.not_sent.is_some());
    assert!(calls(&desk) > before);
}

#[tokio::test]
async fn an_array_whose_answer_was_lost_is_found_by_its_stamp() {
    let desk = desk(100).await;
    desk.says().handed.loses_answer = true;
    assert_eq!(begin(&desk, &text(6, "")).await.links.len(), 6);
    assert_eq!((sent(&desk), desk.says().calls.get("find")), (1, Some(&1)), "one question for all");
    each_once(&desk, 6, "found").await;
}

#[tokio::test]
async fn a_look_that_fails_is_never_an_absence() {
    let desk = desk(100).await;
    desk.says().handed.loses_answer = true;
    desk.says().fails = Some(("find", AdapterErrorKind::AccountingDown));
    let error = begin_at(&desk.house("ada"), &text(6, "")).await.map(drop).expect_err("unknown");
    assert_eq!((error.gravity, sent(&desk)), (Gravity::Unreachable, 1));
    assert_eq!(begin(&desk, &text(6, "")).await.links.len(), 6);
    each_once(&desk, 6, "found").await;
}

#[tokio::test]
async fn two_calls_at_once_send_each_link_once() {
    let desk = desk(4).await;
    let (mut one, mut other) = (desk.house("ada"), desk.house("ada"));
    one.process = ProcessMark { number: 1, started: 1 };
    other.process = ProcessMark { number: 1, started: 2 };
    let wide = text(10, "");
    let (one, other) = tokio::join!(begin_at(&one, &wide), begin_at(&other, &wide));
    assert_eq!(one.expect("submitted").id, other.expect("submitted").id);
    each_once(&desk, 10, "two calls").await;
}

#[tokio::test]
async fn a_sweep_that_is_refused_whole_is_given_up_and_its_hold_given_back() {
    let desk = desk(100).await;
    desk.says().handed.room = Some(0);
    let error = begin_at(&desk.house("ada"), &text(3, "")).await.map(drop).expect_err("refused");
    assert_eq!((error.gravity, held_hours(&desk).await), (Gravity::Refused, 0));
    desk.says().handed.room = None;
    let again = begin(&desk, &text(3, "")).await;
    assert_eq!(again.links.len(), 3, "a new job");
}

#[tokio::test]
async fn an_enforced_budget_counts_all_links() {
    let desk = desk(100).await;
    enforce(&desk, true).await;
    let error = begin_at(&desk.house("ada"), &text(1_000, ", pack: 1")).await.map(drop);
    assert!(error.is_ok(), "1000 hours are there");
    let error = submit(&desk.house("ada"), wish(&text(1, ""))).await.map(drop).expect_err("nothing is left");
    assert_eq!(error.gravity, Gravity::Refused);
}

#[tokio::test]
async fn links_are_charged_one_by_one_and_the_hold_follows_until_all_are_over() {
    let desk = desk(100).await;
    begin(&desk, &text(4, "")).await;
    for link in 1..=3 {
        ends(&desk, link, 0).await;
    }
    desk.set_clock(NOW + 7_200);
    let advanced = go_on(&desk).await;
    assert_eq!((advanced.over, desk.used().await), (None, 3 * 3_600));
    assert_eq!(held_hours(&desk).await, 4, "what was charged, and the link that waits");
    ends(&desk, 4, 3).await;
    desk.settle("ada").await;
    let (directory, _) = only_job(&desk).await;
    assert_eq!(directory.over().await.expect("read").map(|over| over.why), Some(OverReason::Cells));
    assert_eq!((held_hours(&desk).await, desk.used().await), (0, 4 * 3_600));
    let cells = report(&desk.house("ada"), "once").await.expect("a sweep");
    let states: Vec<CellState> = cells.cells.iter().map(|cell| cell.state).collect();
    assert_eq!(states, [CellState::Done, CellState::Done, CellState::Done, CellState::Failed]);
    let missing = missing(&desk.house("ada"), "once").await.expect("made").expect("one");
    assert_eq!(missing.file.spec.sweep.expect("a sweep").cells, [["4".to_owned()]]);
    let given: Vec<_> = fs::read_dir(directory.path().join("given-away")).expect("made").collect();
    assert_eq!(given.len(), 1);
}

#[tokio::test]
async fn a_cancelled_sweep_leaves_nothing_waiting() {
    let desk = desk(4).await;
    begin(&desk, &text(6, "")).await;
    cancel(&desk.house("ada"), "once").await.expect("cancelled");
    let ended: BTreeSet<SchedulerJobId> = desk.says().handed.cancelled.iter().copied().collect();
    assert_eq!(ended.len(), 6, "{ended:?}");
    assert_eq!(desk.says().queue.iter().filter(|seen| !seen.state.is_final()).count(), 0);
    desk.settle("ada").await;
    assert_eq!(held_hours(&desk).await, 0);
}

/// The scheduler keeps no row of a task that was taken out of its array while it waited.
#[tokio::test]
async fn a_sweep_of_which_one_link_is_not_found_keeps_its_hold_for_the_others_when_it_is_cancelled() {
    let desk = desk(100).await;
    assert!(killed_behind(&desk, Step::Sent, 1, text(3, "")).await);
    let first = desk.says().queue.iter().position(|seen| seen.stamp.is_some_and(|stamp| stamp.link.get() == 1));
    desk.says().queue.remove(first.expect("it waits"));
    cancel(&desk.house("ada"), "once").await.expect("cancelled");
    assert_eq!((cancelled(&desk).len(), held_hours(&desk).await), (2, 3), "what they took is not in the books yet");
}

#[tokio::test]
async fn a_sweep_whose_links_are_all_over_is_over_to_whoever_looks_unless_nobody_answers() {
    let desk = desk(100).await;
    begin(&desk, &text(1, "")).await;
    ends(&desk, 1, 1).await;
    let house = desk.house("ada");
    let (directory, _) = only_job(&desk).await;
    desk.says().fails = Some(("states", AdapterErrorKind::Unreachable));
    let unasked = show(&house, "once", Freshness::Shared).await.expect("shown");
    assert!(unasked.unasked.is_some() && directory.over().await.expect("read").is_none());
    let shown = show(&house, "once", Freshness::Fresh).await.expect("shown");
    assert_eq!(shown.over.map(|over| over.why), Some(OverReason::Cells));
    assert!(shown.cells.is_some_and(|cells| (cells.failed, cells.running) == (1, 0)));
}

#[tokio::test]
async fn a_sweep_that_is_cancelled_while_its_array_is_sent_is_taken_back() {
    let desk = desk(100).await;
    let house = desk.house("ada");
    desk.says().handed.meanwhile = Some(Box::pin(async move {
        let whole = move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async { cancel(&house, "once").await.map(drop) })
        };
        tokio::task::spawn_blocking(whole).await.expect("no panic").unwrap_or_else(|error| panic!("{error}"));
    }));
    let error = begin_at(&desk.house("ada"), &text(3, "")).await.map(drop).expect_err("taken back");
    assert!(error.why.contains("it was cancelled while it was being submitted"), "{error}");
    assert_eq!(desk.says().queue.iter().filter(|seen| !seen.state.is_final()).count(), 0);
    desk.settle("ada").await;
    assert_eq!(held_hours(&desk).await, 0);
}

/// How many files lie below a folder.
fn files_below(folder: &std::path::Path) -> usize {
    let entries = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    entries.map(|path| if path.is_dir() { files_below(&path) } else { 1 }).sum()
}

/// What a cell printed, as `pakt logs --cell` reads it.
async fn printed(house: &House, cell: u32, from: Beginning) -> String {
    let cell = NonZeroU32::new(cell).expect("not 0");
    let mut log = Log::of_cell(house, "once", cell, from).await.expect("there");
    let mut text = Vec::new();
    while let Some(bytes) = log.next(house).await.expect("read").filter(|bytes| !bytes.is_empty()) {
        text.extend(bytes);
    }
    String::from_utf8(text).expect("text")
}

#[tokio::test]
async fn a_sweep_that_is_long_over_leaves_a_few_files_and_reads_as_before() {
    let desk = desk(100).await;
    begin(&desk, &text(60, "")).await;
    let (directory, _) = only_job(&desk).await;
    for link in 1..=60 {
        ends(&desk, link, u32::from(link == 9)).await;
        let log = directory.path().join(format!("links/{link}/log"));
        fs::write(log, format!("a {link:02}\nb {link:02}\nafter\n")).expect("ours");
    }
    desk.set_clock(NOW + 7_200);
    desk.settle("ada").await;
    let house = desk.house("ada");
    let before = report(&house, "once").await.expect("a sweep").cells;
    assert_eq!(before[8].state, CellState::Failed);
    let logs = [printed(&house, 7, Beginning::Start).await, printed(&house, 7, Beginning::Lines(1)).await];
    assert_eq!(logs, ["a 07\nb 07", "b 07"], "nine bytes are the cell's");
    jobs::directory::list(&house.state).await.expect("listed");
    // The files here were written now, whenever the test is.
    desk.set_clock(NOW + 4_000 * DAY);
    let house = desk.house("ada");
    let sealed = seal(&house).await.expect("sealed");
    assert_eq!((sealed.sealed.len(), sealed.notes), (1, Vec::<String>::new()));
    assert!(files_below(directory.path()) < 6, "{} files", files_below(directory.path()));
    assert!(!directory.path().join("links").exists());
    assert_eq!(report(&house, "once").await.expect("a sweep").cells, before);
    assert_eq!(printed(&house, 7, Beginning::Start).await, logs[0]);
    assert_eq!(printed(&house, 7, Beginning::Lines(1)).await, logs[1]);
    assert_eq!(directory.sent_links().await.expect("read").len(), 60);
    assert_eq!(seal(&house).await.expect("sealed").sealed, vec![], "once is enough");
}

#[tokio::test]
async fn sealing_a_sweep_that_is_killed_anywhere_loses_no_log() {
    for changes in 0.. {
        let desk = desk(100).await;
        begin(&desk, &text(2, "")).await;
        let (directory, _) = only_job(&desk).await;
        for link in 1..=2 {
            ends(&desk, link, 0).await;
            fs::write(directory.path().join(format!("links/{link}/log")), format!("cell {link}\n\n\n")).expect("ours");
        }
        desk.set_clock(NOW + 7_200);
        desk.settle("ada").await;
        jobs::directory::list(&desk.house("ada").state).await.expect("listed");
        desk.set_clock(NOW + 4_000 * DAY);
        let (house, files) =
            (desk.house("ada"), Arc::new(Mortal { left: AtomicUsize::new(changes), unreadable: None }));
        let state = State::new(house.state.root().to_owned(), house.state.mode(), files.clone());
        let died = seal(&House { files, state, ..house.clone() }).await;
        for link in 1..=2 {
            assert_eq!(printed(&house, link, Beginning::Lines(9)).await, format!("cell {link}\n\n\n"), "{changes}");
        }
        if died.is_ok_and(|report| report.notes.is_empty()) {
            assert!(changes > 20, "{changes} changes are few");
            break;
        }
    }
}
