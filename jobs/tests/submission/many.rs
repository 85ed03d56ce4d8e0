//! Many files in one call: each becomes one job, all are held at once, and a call that was broken off is the same again.

use crate::{
    desk::{Desk, HOUR},
    handed::KilledBehind,
    stage::counted::Counted,
    wish::{ONE_GPU, cancelled, enforce, sent},
};
use jobs::{
    Gravity, House, JobsError, ProcessMark, Step,
    job_file::{JobFile, SourceFile},
    submit::{Arrays, ManyAnswer, ManySubmission, MemberOutcome, Over, SubmitAnswer, SubmitOutcome, submit_many},
};
use ledger::{Decision, EntryKind};
use model::{BaseState, JobState};
use scheduler_adapters::AdapterErrorKind;
use std::{
    collections::BTreeSet,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

/// As many jobs of one GPU for an hour, named by their numbers.
pub(crate) fn files(count: usize) -> Vec<JobFile> {
    files_of(1, count)
}

/// As many jobs of one GPU for these hours.
fn files_of(hours: i64, count: usize) -> Vec<JobFile> {
    (1..=count)
        .map(|number| {
            let text = ONE_GPU.replace("name: once", &format!("name: job-{number}"));
            let text = text.replace("01:00:00", &format!("{hours:02}:00:00"));
            let path = PathBuf::from(format!("{number}.yaml"));
            JobFile::read(SourceFile { path, directory: PathBuf::from("/tmp"), text, lines_before: 0 }).expect("a job")
        })
        .collect()
}

async fn as_wished(house: &House, count: usize, over: Over) -> Result<ManyAnswer, JobsError> {
    submit_many(
        house,
        ManySubmission { files: files(count), over, anyway: None, arrays: Arrays::Wanted { at_once: None } },
    )
    .await
}

async fn call(desk: &Desk, count: usize) -> Result<ManyAnswer, JobsError> {
    as_wished(&desk.house("ada"), count, Over::Ask).await
}

async fn refused(desk: &Desk, count: usize) -> JobsError {
    match call(desk, count).await {
        Ok(_) => panic!("it was not refused"),
        Err(error) => error,
    }
}

pub(crate) fn submitted(answer: &ManyAnswer) -> Vec<&SubmitAnswer> {
    let of = |member: &jobs::submit::Member| format!("{}", member.path.display());
    answer
        .members
        .iter()
        .map(|member| match &member.outcome {
            MemberOutcome::Submitted(answer) => answer.as_ref(),
            MemberOutcome::Failed(error) => panic!("{}: {error}", of(member)),
            MemberOutcome::LeftOut | MemberOutcome::Waits(_) => panic!("{} was not submitted", of(member)),
        })
        .collect()
}

/// A letter for each file: submitted now, begun before, submitted before, left out, failed, waiting.
pub(crate) fn letters(answer: &ManyAnswer) -> String {
    let letter = |outcome: &MemberOutcome| match outcome {
        MemberOutcome::Submitted(answer) => match answer.outcome {
            SubmitOutcome::New => 'n',
            SubmitOutcome::Resumed => 'r',
            SubmitOutcome::Already => 'a',
        },
        MemberOutcome::LeftOut => '-',
        MemberOutcome::Failed(_) => 'f',
        MemberOutcome::Waits(_) => 'w',
    };
    answer.members.iter().map(|member| letter(&member.outcome)).collect()
}

/// The jobs in the queue with these numbers from 101 on have ended.
fn end(desk: &Desk, numbers: impl IntoIterator<Item = u64>) {
    for number in numbers {
        let mut says = desk.says();
        let job = says.queue.iter_mut().find(|job| job.id.raw() == 100 + number).expect("in the queue");
        job.state = JobState::of(BaseState::Completed);
    }
}

pub(crate) async fn holds(desk: &Desk) -> usize {
    desk.entries().await.iter().filter(|entry| entry.kind == EntryKind::Hold).count()
}

async fn committed_hours(desk: &Desk) -> i64 {
    desk.balance().await.committed.milli() / HOUR
}

#[tokio::test]
async fn each_file_becomes_one_job_and_the_scheduler_is_asked_once_for_all() {
    let desk = Desk::new().await;
    let answer = call(&desk, 20).await.expect("submitted");
    let answers = submitted(&answer);
    let stamps: BTreeSet<String> = desk.says().handed.sent.iter().map(|sent| sent.stamp.to_string()).collect();
    assert_eq!((stamps.len(), sent(&desk), holds(&desk).await), (20, 20, 20));
    for (number, (answer, member)) in answers.iter().zip(&answer.members).enumerate() {
        assert_eq!(member.path, PathBuf::from(format!("{}.yaml", number + 1)), "in the order of the files");
        let job = desk.says().queue.iter().find(|job| job.id == answer.scheduler_job).expect("in the queue").clone();
        assert!(job.name.starts_with(&format!("job-{}.", number + 1)) || job.name.contains(member.name.as_str()));
        let (_, held) = answer.hold.as_ref().expect("held");
        assert_eq!(held.milli(), HOUR);
        let directory = desk.house("ada").state.job(answer.id);
        assert!(directory.read_back().await.expect("read").is_some(), "it was read back");
    }
    assert_eq!(committed_hours(&desk).await, 20);
    let calls = desk.says().calls.clone();
    assert_eq!((calls.get("states"), calls.get("read back"), calls.get("find")), (Some(&1), None, None));
}

#[tokio::test]
async fn the_same_call_is_the_same_jobs_until_all_are_over() {
    let desk = Desk::new().await;
    assert_eq!(letters(&call(&desk, 3).await.expect("new")), "nnn");
    assert_eq!(letters(&call(&desk, 3).await.expect("known")), "aaa");
    end(&desk, [1, 2, 3]);
    assert_eq!(letters(&call(&desk, 3).await.expect("new")), "nnn");
    assert_eq!((sent(&desk), holds(&desk).await), (6, 6));
}

#[tokio::test]
async fn a_call_that_is_killed_anywhere_is_finished_by_the_next() {
    // A site is chosen for one job at a time.
    for step in Step::ALL.into_iter().filter(|step| *step != Step::Chosen) {
        for time in 1..=3 {
            let desk = Desk::new().await;
            let mut house = desk.house("ada");
            house.steps = Arc::new(KilledBehind::new(step, time));
            let walk = async move { as_wished(&house, 3, Over::Ask).await.map(drop) };
            let local = tokio::task::LocalSet::new();
            let ended = local.run_until(async { tokio::task::spawn_local(walk).await }).await;
            // There is one transaction of holds.
            assert_eq!(ended.is_ok(), step == Step::Held && time > 1, "{step:?} {time}");
            // What was sent ends before the call is made again, and is not made again for that.
            let sent_until_then = u64::try_from(sent(&desk)).expect("few");
            end(&desk, 1..=sent_until_then);
            desk.says().calls.clear();
            let answer = call(&desk, 3).await.expect("finished");
            let stamps: BTreeSet<String> = desk.says().handed.sent.iter().map(|job| job.stamp.to_string()).collect();
            if sent_until_then == 3 && ended.is_ok() {
                continue;
            }
            // Those of the killed call that were not read back are in the one question, too.
            let calls = desk.says().calls.clone();
            let asked = calls.get("states").copied().unwrap_or_default();
            assert!(asked <= 1 && !calls.contains_key("read back"), "{step:?} {time}: {calls:?}");
            assert_eq!(submitted(&answer).len(), 3, "{step:?} {time}");
            assert_eq!((sent(&desk), stamps.len()), (3, 3), "{step:?} {time}: each was sent once");
            assert_eq!((holds(&desk).await, cancelled(&desk)), (3, Vec::new()), "{step:?} {time}: each is held once");
        }
    }
}

#[tokio::test]
async fn two_calls_at_once_make_each_job_once() {
    let desk = Desk::new().await;
    let (mut one, mut other) = (desk.house("ada"), desk.house("ada"));
    // Two processes of one host, which both live.
    one.process = ProcessMark { number: 1, started: 1 };
    other.process = ProcessMark { number: 1, started: 2 };
    let (one, other) = tokio::join!(as_wished(&one, 12, Over::Ask), as_wished(&other, 12, Over::Ask));
    let (one, other) = (one.expect("submitted"), other.expect("submitted"));
    let ids = |answer: &ManyAnswer| submitted(answer).iter().map(|answer| answer.scheduler_job).collect::<Vec<_>>();
    assert_eq!(ids(&one), ids(&other));
    assert_eq!((sent(&desk), holds(&desk).await), (12, 12));
}

#[tokio::test]
async fn holds_are_taken_together_or_not_at_all() {
    let desk = Desk::new().await;
    enforce(&desk, true).await;
    let hours = 20;
    let fits = usize::try_from(free_hours(&desk).await / hours).expect("something is free");
    let call = |count| ManySubmission {
        files: files_of(hours, count),
        over: Over::Ask,
        anyway: None,
        arrays: Arrays::Wanted { at_once: None },
    };
    let before = desk.entries().await.len();
    let refused = submit_many(&desk.house("ada"), call(fits + 1)).await;
    let error = refused.map(drop).expect_err("one is too many");
    assert_eq!(error.gravity, Gravity::Refused);
    assert_eq!(error.what, format!("none of the {} jobs was submitted", fits + 1));
    assert!(error.why.contains(&format!("{}.000 GPU-h together", (fits + 1) * 20)), "{}", error.why);
    assert_eq!((desk.entries().await.len(), sent(&desk), committed_hours(&desk).await), (before, 0, 0));
    let jobs = jobs::directory::list(&desk.house("ada").state).await.expect("listed");
    assert!(jobs.iter().all(|job| job.ended.is_some()), "nothing is left open");
    let fitting = submit_many(&desk.house("ada"), call(fits)).await.expect("they fit");
    assert_eq!(submitted(&fitting).len(), fits);
}

#[tokio::test]
async fn one_that_is_refused_stops_no_other_and_several_in_a_row_stop_the_rest() {
    let desk = Desk::new().await;
    desk.says().handed.room = Some(4);
    let answer = call(&desk, 20).await.expect("some are submitted");
    let letters_then = letters(&answer);
    let count = |letter: char| letters_then.chars().filter(|found| *found == letter).count();
    assert_eq!(count('n'), 4, "{letters_then}");
    let next = answer.members.iter().find_map(|member| match &member.outcome {
        MemberOutcome::Failed(error) => Some(error.next.as_str()),
        _ => None,
    });
    assert!(next.is_some_and(|next| next.starts_with("either as many of your jobs are in the queue")), "{next:?}");
    assert!((5..=8).contains(&count('f')), "those on their way together are refused together: {letters_then}");
    assert_eq!(count('w'), 20 - 4 - count('f'), "{letters_then}");
    assert_eq!(committed_hours(&desk).await, 20 - i64::try_from(count('f')).expect("few"), "the refused hold nothing");
    desk.says().handed.room = None;
    end(&desk, 1..=4);
    let answer = call(&desk, 20).await.expect("the rest is submitted");
    assert_eq!(letters(&answer).matches('a').count(), 4, "what is over meanwhile is not made again");
    assert_eq!((submitted(&answer).len(), sent(&desk)), (20, 20));
}

#[tokio::test]
async fn a_scheduler_that_does_not_answer_is_not_asked_for_the_rest() {
    let desk = Desk::new().await;
    desk.says().fails = Some(("submit", AdapterErrorKind::Unreachable));
    let answer = call(&desk, 20).await.expect("said of each");
    let letters_then = letters(&answer);
    assert_eq!(letters_then.matches('f').count(), 1, "{letters_then}");
    assert!(letters_then.matches('w').count() >= 16, "{letters_then}");
    assert_eq!(submitted(&call(&desk, 20).await.expect("it answers again")).len(), 20);
    assert_eq!((sent(&desk), holds(&desk).await), (20, 20));
}

#[tokio::test]
async fn a_queue_that_is_not_told_loses_nothing() {
    let desk = Desk::new().await;
    desk.says().fails = Some(("states", AdapterErrorKind::Unreachable));
    let answer = call(&desk, 3).await.expect("submitted");
    assert!(submitted(&answer).iter().all(|answer| answer.notes.len() == 1), "each says that it was not read back");
    assert_eq!(desk.says().calls.get("read back"), None, "nor is each asked for by itself");
    let again = call(&desk, 3).await.expect("known");
    assert!(submitted(&again).iter().all(|answer| answer.notes.is_empty()));
}

#[tokio::test]
async fn jobs_that_are_over_beside_others_want_a_word() {
    let desk = Desk::new().await;
    assert_eq!(letters(&call(&desk, 3).await.expect("new")), "nnn");
    end(&desk, [1, 3]);
    let error = refused(&desk, 4).await;
    assert_eq!(error.gravity, Gravity::Usage);
    assert!(error.why.starts_with("2 of the 4 jobs were submitted before and are over"), "{}", error.why);
    assert_eq!((sent(&desk), holds(&desk).await), (3, 3));
    let house = desk.house("ada");
    let over = desk.says().queue.iter().filter(|job| job.state.is_final()).count();
    assert_eq!(over, 2);
    let rest = as_wished(&house, 4, Over::LeaveOut).await.expect("the rest");
    assert_eq!(letters(&rest).matches('-').count(), 2, "{}", letters(&rest));
    assert_eq!((letters(&rest).matches('a').count(), letters(&rest).matches('n').count()), (1, 1));
    let again = as_wished(&house, 4, Over::Again).await.expect("all");
    assert_eq!((letters(&again).as_str(), sent(&desk)), ("nnnn", 8));
}

#[tokio::test]
async fn two_files_of_one_job_and_more_than_a_call_takes_change_nothing() {
    let desk = Desk::new().await;
    let mut twice = files(2);
    twice.push(files(1).remove(0));
    let wish = ManySubmission { files: twice, over: Over::Ask, anyway: None, arrays: Arrays::Wanted { at_once: None } };
    let house = desk.house("ada");
    let counted = Arc::new(Counted { behind: Arc::clone(&house.books), opened: AtomicUsize::new(0) });
    let house = House { books: counted.clone(), ..house };
    let error = submit_many(&house, wish).await.map(drop).expect_err("ambiguous");
    assert_eq!(counted.opened.load(Ordering::SeqCst), 1, "what many jobs want to know of the ledger is asked once");
    assert_eq!(error.gravity, Gravity::Usage);
    assert!(error.why.contains("ask for the same job, `job-1`"), "{}", error.why);
    let many = vec![files(1).remove(0); jobs::submit::MOST_FILES + 1];
    let wish = ManySubmission { files: many, over: Over::Ask, anyway: None, arrays: Arrays::Wanted { at_once: None } };
    let error = submit_many(&desk.house("ada"), wish).await.map(drop).expect_err("too many");
    assert!(error.why.contains("at most 10000"), "{}", error.why);
    assert!(desk.house("ada").state.ids().await.expect("listed").is_empty());
}

#[tokio::test]
async fn the_policy_is_asked_about_all_new_jobs_together() {
    let desk = Desk::new().await;
    let hours = 20;
    let fits = usize::try_from(free_hours(&desk).await / hours).expect("something is free");
    let decisions = |answer: &ManyAnswer| {
        answer.advice.iter().map(|(_, advice)| advice.decision == Decision::Allow).collect::<Vec<_>>()
    };
    let call = |count| ManySubmission {
        files: files_of(hours, count),
        over: Over::Ask,
        anyway: None,
        arrays: Arrays::Wanted { at_once: None },
    };
    let covered = submit_many(&desk.house("ada"), call(fits - 1)).await.expect("submitted");
    assert_eq!(decisions(&covered), [true], "one for the budget, not one a job");
    let more = submit_many(&desk.house("ada"), call(fits * 2)).await.expect("a ledger that only advises");
    assert_eq!(decisions(&more), [false], "one of the new ones alone would be covered");
}

async fn free_hours(desk: &Desk) -> i64 {
    desk.balance().await.free().expect("a number").milli() / HOUR
}
