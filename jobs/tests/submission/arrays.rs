//! Jobs of one call that are alike become tasks of arrays, and each stays a job: sent once, held once, whoever is killed when.

use crate::{
    desk::{Desk, HOUR, NOW, at, principal},
    handed::{KilledAfter, KilledBehind},
    many::{files, holds, letters, submitted},
    stage::mortal::Mortal,
    wish::{ONE_GPU, cancelled, sent, wish},
};
use async_trait::async_trait;
use jobs::{
    Gravity, House, JobsError, ProcessMark, Processes, Step,
    cancel::{cancel, cancel_each},
    directory::{Cancel, State},
    job_file::{JobFile, SourceFile},
    submit::{Arrays, ManyAnswer, ManySubmission, MemberOutcome, Over, submit, submit_many},
};
use model::{ArrayStamp, BaseState, JobState, Stamp};
use reach::{Local, Reach, ReachError};
use scheduler_adapters::{AdapterErrorKind, ArrayTasks, ScriptSource, Submission};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

/// A desk at a site whose arrays have at most so many tasks.
async fn desk(largest: u32) -> Desk {
    let desk = Desk::new().await;
    desk.says().largest_array = Some(largest);
    desk
}

async fn call_of(house: &House, files: Vec<JobFile>) -> Result<ManyAnswer, JobsError> {
    let arrays = Arrays::Wanted { at_once: None };
    submit_many(house, ManySubmission { files, over: Over::Ask, anyway: None, arrays }).await
}

async fn call(desk: &Desk, count: usize) -> Result<ManyAnswer, JobsError> {
    call_of(&desk.house("ada"), files(count)).await
}

/// The arrays that were sent, each as its list of tasks.
fn arrays(desk: &Desk) -> Vec<String> {
    desk.says().handed.sent.iter().filter_map(|sent| sent.array.as_ref().map(ArrayTasks::list)).collect()
}

/// The stamps of all jobs that were sent, alone or as tasks, each time.
fn stamps(desk: &Desk) -> Vec<Stamp> {
    let of = |sent: &Submission| match &sent.array {
        Some(array) => array.indexes.iter().map(|index| array.stamp.task(*index)).collect(),
        None => vec![sent.stamp],
    };
    desk.says().handed.sent.iter().flat_map(of).collect()
}

/// Asserts that this many jobs were sent, each once, and held once.
async fn each_once(desk: &Desk, count: usize, when: &str) {
    let stamps = stamps(desk);
    let distinct: BTreeSet<_> = stamps.iter().collect();
    assert_eq!((stamps.len(), distinct.len()), (count, count), "{when}: each was sent once");
    assert_eq!((holds(desk).await, cancelled(desk)), (count, vec![]), "{when}: each is held once");
}

/// The script of the array that was sent `number`th.
fn script(desk: &Desk, number: usize) -> String {
    let ScriptSource::File(path) = desk.says().handed.sent[number].script.clone();
    std::fs::read_to_string(path).expect("it lies there")
}

#[tokio::test]
async fn jobs_that_are_alike_become_tasks_of_one_array_and_each_stays_a_job() {
    let desk = desk(1001).await;
    let answer = call(&desk, 20).await.expect("submitted");
    assert_eq!((arrays(&desk), sent(&desk)), (vec!["0-19".to_owned()], 1));
    let script = script(&desk, 0);
    for (index, (answer, member)) in submitted(&answer).iter().zip(&answer.members).enumerate() {
        assert_eq!(answer.scheduler_job.to_string(), format!("101_{index}"));
        let directory = desk.house("ada").state.job(answer.id);
        assert!(directory.script().exists() && directory.read_back().await.expect("read").is_some());
        assert_eq!(directory.submitted().await.expect("read").expect("noted").scheduler_job, answer.scheduler_job);
        let (_, held) = answer.hold.as_ref().expect("held");
        assert_eq!(held.milli(), HOUR);
        let line = format!("  {index}) pakt_job={} pakt_name={}.", answer.id, member.name);
        assert!(script.contains(&line), "{line}\n{script}");
    }
    let handed = desk.says().handed.sent[0].clone();
    let array = handed.array.expect("an array").stamp;
    assert_eq!(handed.job_name, format!("job.{array}"));
    each_once(&desk, 20, "one call").await;
    let calls = desk.says().calls.clone();
    let asked = ["submit", "states", "largest array", "read back", "find"].map(|call| calls.get(call).copied());
    assert_eq!(asked, [Some(1), Some(1), Some(1), None, None]);
    assert_eq!(letters(&call(&desk, 20).await.expect("known")), "a".repeat(20));
    assert_eq!(sent(&desk), 1);
}

#[tokio::test]
async fn an_array_is_cut_by_what_the_site_takes_and_indexes_begin_anew() {
    for (count, expected, alone) in
        [(20, &["0-6", "0-6", "0-5"][..], 0), (16, &["0-6", "0-6"][..], 2), (4, &[][..], 4), (5, &["0-4"][..], 0)]
    {
        let desk = desk(7).await;
        submitted(&call(&desk, count).await.expect("submitted"));
        let mut lists = arrays(&desk);
        lists.sort_by(|one, other| other.cmp(one));
        assert_eq!(
            (lists.iter().map(String::as_str).collect::<Vec<_>>(), sent(&desk) - lists.len()),
            (expected.to_vec(), alone),
            "{count}"
        );
        each_once(&desk, count, &count.to_string()).await;
    }
}

#[tokio::test]
async fn what_the_scheduler_sees_otherwise_is_another_array_or_none() {
    let desk = desk(1001).await;
    let texts = (1..=13).map(|number| {
        let text = ONE_GPU.replace("name: once", &format!("name: job-{number}"));
        match number {
            // A log of its own by patterns that are known of a task, and one by a pattern that is not.
            1 => text + "output: logs/%x-%j.out\n",
            2 => text + "output: logs/%a.out\n",
            3..=7 => text,
            8..=12 => text.replace("01:00:00", "00:30:00"),
            _ => text.replace("01:00:00", "00:20:00"),
        }
    });
    let files = texts.map(|text| {
        let (path, directory) = (PathBuf::from("x.yaml"), PathBuf::from("/tmp"));
        JobFile::read(SourceFile { path, directory, text, lines_before: 0 }).expect("a job")
    });
    let answer = call_of(&desk.house("ada"), files.collect()).await.expect("submitted");
    submitted(&answer);
    let mut lists = arrays(&desk);
    lists.sort();
    assert_eq!((lists, sent(&desk)), (vec!["0-4".to_owned(), "0-5".to_owned()], 4));
    let scripts = (0..4).map(|number| script(&desk, number)).filter(|text| text.contains("pakt-array-"));
    let of_six: Vec<String> = scripts.filter(|text| text.contains("--time=01:00:00")).collect();
    assert!(of_six.len() == 1 && of_six[0].contains("logs/job-1.pakt-"), "{of_six:?}");
    assert!(of_six[0].contains("-%j.out"), "{of_six:?}");
}

#[tokio::test]
async fn a_person_may_want_no_array_and_few_tasks_at_once() {
    let desk = desk(1001).await;
    let wish = |arrays| ManySubmission { files: files(6), over: Over::Ask, anyway: None, arrays };
    submitted(&submit_many(&desk.house("ada"), wish(Arrays::None)).await.expect("submitted"));
    assert_eq!((arrays(&desk), sent(&desk), desk.says().calls.get("largest array")), (vec![], 6, None));
    let desk = self::desk(1001).await;
    let few = Arrays::Wanted { at_once: Some(2) };
    submitted(&submit_many(&desk.house("ada"), wish(few)).await.expect("submitted"));
    assert_eq!(arrays(&desk), ["0-5%2"]);
}

/// Calls as a process that is killed behind the n-th time that a step is done; whether it was.
async fn killed_behind(desk: &Desk, step: Step, time: usize, count: usize) -> bool {
    let mut house = desk.house("ada");
    house.steps = Arc::new(KilledBehind::new(step, time));
    let walk = async move { call_of(&house, files(count)).await.map(drop) };
    let local = tokio::task::LocalSet::new();
    local.run_until(async { tokio::task::spawn_local(walk).await }).await.is_err()
}

#[tokio::test]
async fn a_call_that_is_killed_anywhere_is_finished_by_the_next() {
    for step in Step::ALL.into_iter().filter(|step| *step != Step::Chosen) {
        for time in 1..=6 {
            let desk = desk(1001).await;
            let was_killed = killed_behind(&desk, step, time, 6).await;
            // There is one transaction of holds, and one array.
            assert_eq!(was_killed, ![Step::Held, Step::Sent].contains(&step) || time == 1, "{step:?} {time}");
            let answer = call(&desk, 6).await.expect("finished");
            assert_eq!(submitted(&answer).len(), 6, "{step:?} {time}");
            assert_eq!(arrays(&desk), ["0-5"], "{step:?} {time}");
            each_once(&desk, 6, &format!("{step:?} {time}")).await;
        }
    }
}

#[tokio::test]
async fn what_was_sent_and_is_over_meanwhile_is_not_sent_again() {
    for step in [Step::Sent, Step::Submitted, Step::ReadBack] {
        let desk = desk(1001).await;
        assert!(killed_behind(&desk, step, 1, 6).await);
        for job in &mut desk.says().queue {
            job.state = JobState::of(BaseState::Completed);
        }
        assert_eq!(submitted(&call(&desk, 6).await.expect("finished")).len(), 6);
        each_once(&desk, 6, &format!("{step:?}")).await;
    }
}

/// The house of a process that dies before it changes more than so many things.
fn mortal(desk: &Desk, changes: usize) -> House {
    let house = desk.house("ada");
    let files = Arc::new(Mortal { left: AtomicUsize::new(changes), unreadable: None });
    let state = State::new(house.state.root().to_owned(), house.state.mode(), files.clone());
    House { files, state, ..house }
}

#[tokio::test]
async fn killed_before_any_file_the_same_call_sends_each_task_once() {
    for changes in 0.. {
        let desk = desk(1001).await;
        let died = call_of(&mortal(&desk, changes), files(5)).await;
        let is_whole = died.is_ok_and(|answer| !letters(&answer).contains(['f', 'w']));
        assert_eq!(submitted(&call(&desk, 5).await.expect("it goes on")).len(), 5, "after {changes} changes");
        each_once(&desk, 5, &format!("after {changes} changes")).await;
        if is_whole {
            assert!(changes > 25, "{changes} changes are few");
            break;
        }
    }
}

#[tokio::test]
async fn an_array_whose_answer_was_lost_is_found_by_its_stamp() {
    let desk = desk(1001).await;
    desk.says().handed.loses_answer = true;
    let answer = call(&desk, 6).await.expect("found");
    let ids: Vec<String> = submitted(&answer).iter().map(|answer| answer.scheduler_job.to_string()).collect();
    assert_eq!(ids, ["101_0", "101_1", "101_2", "101_3", "101_4", "101_5"]);
    assert_eq!((sent(&desk), desk.says().calls.get("find")), (1, Some(&1)), "one question for all");
    each_once(&desk, 6, "found").await;
}

#[tokio::test]
async fn a_look_for_an_array_that_fails_is_never_an_absence() {
    let desk = desk(1001).await;
    desk.says().handed.loses_answer = true;
    for time in 1..=2 {
        desk.says().fails = Some(("find", AdapterErrorKind::AccountingDown));
        let answer = call(&desk, 6).await.expect("said of each");
        let error = answer.members.iter().find_map(|member| match &member.outcome {
            MemberOutcome::Failed(error) => Some(error.gravity),
            _ => None,
        });
        assert_eq!(
            (error, letters(&answer).as_str(), sent(&desk)),
            (Some(Gravity::Unreachable), "ffffff", 1),
            "{time}"
        );
    }
    assert_eq!(submitted(&call(&desk, 6).await.expect("found")).len(), 6);
    each_once(&desk, 6, "found").await;
}

#[tokio::test]
async fn an_array_that_is_not_found_stays_unknown_and_the_next_call_looks_first() {
    let desk = desk(1001).await;
    desk.says().fails = Some(("submit", AdapterErrorKind::OutcomeUnknown));
    let answer = call(&desk, 6).await.expect("said of each");
    assert_eq!((letters(&answer).as_str(), sent(&desk)), ("ffffff", 0));
    assert_eq!(submitted(&call(&desk, 6).await.expect("sent")).len(), 6);
    assert_eq!(desk.says().calls.get("find"), Some(&2), "the second call looked before it sent");
    each_once(&desk, 6, "sent").await;
}

/// A host whose earlier `pakt` is dead and whose `sbatch` still runs as often as it is said to.
struct StillSending {
    left: AtomicUsize,
    asked: Mutex<Vec<String>>,
}

#[async_trait]
impl Processes for StillSending {
    async fn host(&self) -> Result<String, ReachError> {
        Local.host_name().await
    }

    fn is_alive(&self, _number: u32, _started: u64) -> bool {
        false
    }

    async fn is_submitting(&self, stamp: &str) -> Result<bool, ReachError> {
        self.asked.lock().expect("whole").push(stamp.to_owned());
        Ok(self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok())
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_of_an_array_that_outlived_its_pakt_is_waited_for_once_for_all_of_its_jobs() {
    let desk = desk(1001).await;
    assert!(killed_behind(&desk, Step::Sending, 6, 6).await);
    let processes = Arc::new(StillSending { left: AtomicUsize::new(3), asked: Mutex::default() });
    let house = House { processes: Arc::clone(&processes) as Arc<dyn Processes>, ..desk.house("ada") };
    submitted(&call_of(&house, files(6)).await.expect("sent"));
    let ids = desk.house("ada").state.ids().await.expect("listed");
    let asked = processes.asked.lock().expect("whole").clone();
    assert_eq!(asked, vec![ArrayStamp::of(ids[0]).to_string(); 4]);
    each_once(&desk, 6, "in the end").await;
}

#[tokio::test]
async fn two_calls_at_once_send_each_task_once() {
    let desk = desk(1001).await;
    let (mut one, mut other) = (desk.house("ada"), desk.house("ada"));
    // Two processes of one host, which both live.
    one.process = ProcessMark { number: 1, started: 1 };
    other.process = ProcessMark { number: 1, started: 2 };
    let (one, other) = tokio::join!(call_of(&one, files(12)), call_of(&other, files(12)));
    let (one, other) = (one.expect("submitted"), other.expect("submitted"));
    let ids = |answer: &ManyAnswer| submitted(answer).iter().map(|answer| answer.scheduler_job).collect::<Vec<_>>();
    assert_eq!(ids(&one), ids(&other));
    each_once(&desk, 12, "two calls").await;
}

#[tokio::test]
async fn a_job_that_another_call_began_is_no_task() {
    for step in [Step::Claimed, Step::Held, Step::Sending, Step::Sent] {
        let desk = desk(1001).await;
        let mut house = desk.house("ada");
        house.steps = Arc::new(KilledAfter(step));
        let alone = wish(&ONE_GPU.replace("name: once", "name: job-3"));
        let killed = tokio::spawn(async move { submit(&house, alone).await.map(drop) }).await;
        assert!(killed.is_err(), "{step:?}");
        assert_eq!(submitted(&call(&desk, 8).await.expect("submitted")).len(), 8, "{step:?}");
        assert_eq!(arrays(&desk), ["0-6"], "{step:?}");
        each_once(&desk, 8, &format!("{step:?}")).await;
    }
}

#[tokio::test]
async fn one_task_may_be_sent_by_itself_after_the_call_was_killed_and_the_array_goes_without_it() {
    for (step, list) in [(Step::Held, Some("0-1,3-5")), (Step::Sending, Some("0-1,3-5")), (Step::Sent, None)] {
        let desk = desk(1001).await;
        assert!(killed_behind(&desk, step, 1, 6).await);
        let alone = wish(&ONE_GPU.replace("name: once", "name: job-3"));
        let answer = submit(&desk.house("ada"), alone).await.unwrap_or_else(|error| panic!("{step:?}: {error}"));
        let id = if list.is_some() { "101" } else { "101_2" };
        assert_eq!(answer.scheduler_job.to_string(), id, "{step:?}");
        submitted(&call(&desk, 6).await.expect("finished"));
        assert_eq!(arrays(&desk), [list.unwrap_or("0-5")], "{step:?}");
        each_once(&desk, 6, &format!("{step:?}")).await;
    }
}

#[tokio::test]
async fn a_task_that_was_cancelled_meanwhile_is_not_sent_and_the_others_are() {
    let desk = desk(1001).await;
    assert!(killed_behind(&desk, Step::Sending, 6, 6).await);
    let ids = desk.house("ada").state.ids().await.expect("listed");
    let note = Cancel { principal: principal("ada"), at: at(NOW) };
    desk.house("ada").state.job(ids[2]).put_cancel(&note).await.expect("written");
    assert_eq!(letters(&call(&desk, 6).await.expect("told")), "rrfrrr");
    assert_eq!((arrays(&desk), desk.is_held(ids[2]).await), (vec!["0-1,3-5".to_owned()], false));
    // Made anew, it is one job of few.
    assert_eq!(letters(&call(&desk, 6).await.expect("told")), "aanaaa");
    assert_eq!(sent(&desk), 2);
}

#[tokio::test]
async fn a_task_that_is_cancelled_while_the_array_is_sent_is_taken_back_alone() {
    let desk = desk(1001).await;
    assert!(killed_behind(&desk, Step::Held, 1, 6).await);
    let ids = desk.house("ada").state.ids().await.expect("listed");
    let directory = desk.house("ada").state.job(ids[2]);
    let note = Cancel { principal: principal("ada"), at: at(NOW) };
    desk.says().handed.meanwhile = Some(Box::pin(async move {
        directory.put_cancel(&note).await.expect("written");
    }));
    assert_eq!(letters(&call(&desk, 6).await.expect("told")), "rrfrrr");
    let taken_back: Vec<String> = desk.says().handed.cancelled.iter().map(ToString::to_string).collect();
    assert_eq!(taken_back, ["101_2"]);
    assert_eq!(desk.says().queue.iter().filter(|job| job.state.is_pending()).count(), 5);
}

#[tokio::test]
async fn one_task_is_cancelled_and_no_other() {
    let desk = desk(1001).await;
    call(&desk, 6).await.expect("submitted");
    let ended = cancel(&desk.house("ada"), "job-3").await.expect("cancelled");
    assert_eq!(ended.scheduler_jobs.iter().map(ToString::to_string).collect::<Vec<_>>(), ["101_2"]);
    let ended = cancel(&desk.house("ada"), "101_4").await.expect("cancelled");
    assert_eq!(ended.name.as_str(), "job-5");
    let states: BTreeMap<String, bool> =
        desk.says().queue.iter().map(|job| (job.shown_id.clone(), job.state.is_pending())).collect();
    let ended: Vec<&str> = states.iter().filter(|(_, waits)| !**waits).map(|(id, _)| id.as_str()).collect();
    assert_eq!(ended, ["101_2", "101_4"]);
}

#[tokio::test]
async fn many_are_cancelled_with_one_question_and_a_name_that_is_none_ends_nothing() {
    let desk = desk(1001).await;
    call(&desk, 6).await.expect("submitted");
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let house = desk.house("ada");
    let error = cancel_each(&house, &names(&["job-1", "job-99"])).await.expect_err("there is no such job");
    assert_eq!((error.gravity, error.what.as_str()), (Gravity::Usage, "there is no job `job-99`"));
    assert!(desk.says().handed.cancelled.is_empty());
    let questions = || desk.says().calls.get("find").copied().unwrap_or_default();
    let before = questions();
    let ended = cancel_each(&house, &names(&["job-1", "101_3", "job-1", "job-6"])).await.expect("found");
    let ended: Vec<_> = ended.iter().map(|job| (job.name.as_str(), job.outcome.is_ok())).collect();
    assert_eq!(ended, [("job-1", true), ("job-4", true), ("job-6", true)], "each once");
    assert_eq!(questions() - before, 1, "one question for all");
    let handed: Vec<String> = desk.says().handed.cancelled.iter().map(ToString::to_string).collect();
    assert_eq!(handed, ["101_0", "101_3", "101_5"]);
    let again = cancel_each(&house, &names(&["job-1", "job-2"])).await.expect("found");
    assert_eq!(again[1].outcome.as_ref().map(|ended| ended.scheduler_jobs.len()).ok(), Some(1));
}

#[tokio::test]
async fn one_that_is_not_cancelled_keeps_no_other_from_it() {
    let desk = desk(1001).await;
    call(&desk, 6).await.expect("submitted");
    let names: Vec<String> = (1..=6).map(|number| format!("job-{number}")).collect();
    desk.says().fails = Some(("cancel", AdapterErrorKind::NotPermitted));
    let ended = cancel_each(&desk.house("ada"), &names).await.expect("found");
    let failed: Vec<usize> = (0..6).filter(|place| ended[*place].outcome.is_err()).collect();
    assert_eq!((failed, desk.says().handed.cancelled.len()), (vec![0], 5));
    // Where nobody says what became of them, what is known is ended all the same.
    desk.says().fails = Some(("find", AdapterErrorKind::Unreachable));
    let ended = cancel_each(&desk.house("ada"), &names).await.expect("found");
    let told: Vec<bool> =
        ended.iter().map(|job| job.outcome.as_ref().is_ok_and(|ended| ended.unasked.is_some())).collect();
    assert_eq!((told, desk.says().handed.cancelled.len()), (vec![true; 6], 11));
}

#[tokio::test]
async fn a_site_that_takes_no_more_jobs_for_now_is_offered_halves_and_the_rest_goes_later() {
    let desk = desk(1001).await;
    desk.says().handed.room = Some(13);
    let answer = call(&desk, 20).await.expect("some are submitted");
    let then = letters(&answer);
    assert_eq!(then.matches('n').count(), 13, "{then}");
    assert!(then.contains('w'), "the rest is held, and not sent: {then}");
    desk.says().handed.room = None;
    let answer = call(&desk, 20).await.expect("the rest is submitted");
    assert_eq!((submitted(&answer).len(), letters(&answer).matches('a').count()), (20, 13));
    let stamps = stamps(&desk);
    assert_eq!((stamps.len(), stamps.iter().collect::<BTreeSet<_>>().len()), (20, 20));
}

#[tokio::test]
async fn an_array_that_is_refused_for_good_is_given_up_and_made_anew_as_an_array() {
    let desk = desk(1001).await;
    let refusal = AdapterErrorKind::Refused { said: "no such account".to_owned() };
    desk.says().fails = Some(("submit", refusal));
    assert_eq!(letters(&call(&desk, 6).await.expect("told")), "ffffff");
    assert_eq!(desk.balance().await.committed.milli(), 0);
    let before = desk.house("ada").state.ids().await.expect("listed").len();
    assert_eq!(letters(&call(&desk, 6).await.expect("anew")), "nnnnnn");
    let after = desk.house("ada").state.ids().await.expect("listed").len();
    assert_eq!((arrays(&desk), before, after), (vec!["0-5".to_owned()], 6, 12));
}

#[tokio::test]
async fn a_scheduler_that_does_not_answer_is_not_asked_for_the_rest() {
    let desk = desk(5).await;
    desk.says().fails = Some(("submit", AdapterErrorKind::Unreachable));
    let then = letters(&call(&desk, 20).await.expect("said of each"));
    let count = |letter: char| then.matches(letter).count();
    assert_eq!((count('f'), count('w')), (5, 15), "one array was tried: {then}");
    assert_eq!(submitted(&call(&desk, 20).await.expect("it answers again")).len(), 20);
    each_once(&desk, 20, "in the end").await;
}

#[tokio::test]
async fn a_site_that_is_not_asked_how_large_an_array_may_be_changes_nothing() {
    let desk = desk(1001).await;
    desk.says().fails = Some(("largest array", AdapterErrorKind::Unreachable));
    let error = call(&desk, 6).await.map(drop).expect_err("it is not known");
    assert_eq!((error.gravity, sent(&desk), holds(&desk).await), (Gravity::Unreachable, 0, 0));
    assert!(desk.house("ada").state.ids().await.expect("listed").is_empty());
    submitted(&call(&desk, 6).await.expect("submitted"));
    assert_eq!(arrays(&desk), ["0-5"]);
}

#[tokio::test]
async fn the_stamp_of_an_array_tells_a_ledger_elsewhere_which_hold_a_task_draws_from() {
    let desk = desk(1001).await;
    let answer = call(&desk, 6).await.expect("submitted");
    let stamp = desk.says().handed.sent[0].array.clone().expect("an array").stamp;
    let written = ArrayStamp::find_in(&stamp.to_string()).expect("it reads back");
    for (index, answer) in (0..).zip(submitted(&answer)) {
        assert_eq!(written.task(index).job, answer.id);
    }
}
