//! What others do between the hold of a job and its submission, and on other hosts.

use crate::{
    desk::{Desk, HOUR, NOW, at, principal},
    wish::{Another, ONE_GPU, cancelled, fails, forgets, held_hours, killed, once, only_job, sent, wish},
};
use jobs::{
    Gravity, Step,
    directory::{Cancel, JobDirectory, Sending, SubmittedNote},
    submit::{SubmitOutcome, submit},
};
use ledger::{CloseHold, CloseReason, Command, HoldId};
use model::{BaseState, Clock, JobState, SchedulerJobId, Timestamp};
use scheduler_adapters::AdapterErrorKind;
use std::sync::{
    Arc, Mutex,
    atomic::{AtomicI64, Ordering},
};

async fn cancel(directory: &JobDirectory) {
    directory.put_cancel(&Cancel { principal: principal("ada"), at: at(NOW) }).await.expect("written");
}

#[tokio::test]
async fn a_job_that_was_cancelled_meanwhile_is_not_sent() {
    for step in [Step::Held, Step::Sending] {
        let desk = Desk::new().await;
        killed(&desk, Some(step)).await;
        let (directory, intent) = only_job(&desk).await;
        cancel(&directory).await;
        let error = fails(&desk).await;
        assert_eq!((error.gravity, error.why.as_str()), (Gravity::Refused, "it was cancelled meanwhile"));
        assert_eq!((sent(&desk), held_hours(&desk).await), (0, 0));
        assert!(directory.ended().await.expect("read").is_some());
        let next = once(&desk).await.expect("a new one");
        assert!(next.outcome == SubmitOutcome::New && next.id != intent.id);
    }
}

#[tokio::test]
async fn a_job_whose_hold_was_given_back_meanwhile_is_not_sent() {
    let desk = Desk::new().await;
    killed(&desk, Some(Step::Sending)).await;
    let (directory, intent) = only_job(&desk).await;
    desk.post(&[Command::Close(CloseHold { id: HoldId(intent.id), reason: CloseReason::Undone, read_at: None })]).await;
    let error = fails(&desk).await;
    assert_eq!((error.gravity, error.why.as_str()), (Gravity::Refused, "its hold was given back meanwhile"));
    assert_eq!(sent(&desk), 0);
    assert!(directory.ended().await.expect("read").is_some());
}

/// A job that is cancelled while the scheduler takes it.
async fn cancelled_in_the_call() -> Desk {
    let desk = Desk::new().await;
    killed(&desk, Some(Step::Held)).await;
    let (directory, _) = only_job(&desk).await;
    desk.says().handed.meanwhile = Some(Box::pin(async move { cancel(&directory).await }));
    desk
}

#[tokio::test]
async fn a_job_that_is_cancelled_while_it_is_sent_is_taken_back() {
    let desk = cancelled_in_the_call().await;
    let error = fails(&desk).await;
    assert_eq!((error.gravity, sent(&desk), cancelled(&desk)), (Gravity::Refused, 1, vec![101]));
    let (directory, _) = only_job(&desk).await;
    assert!(directory.submitted().await.expect("read").is_some(), "settle finds it");
    desk.settle("ada").await;
    assert_eq!(held_hours(&desk).await, 0);
}

#[tokio::test]
async fn one_that_is_not_taken_back_is_told_to_stand_in_the_queue() {
    for (kind, gravity) in
        [(AdapterErrorKind::Unreachable, Gravity::Unreachable), (AdapterErrorKind::NotPermitted, Gravity::Unknown)]
    {
        let desk = cancelled_in_the_call().await;
        desk.says().fails = Some(("cancel", kind));
        let error = fails(&desk).await;
        assert_eq!((error.gravity, cancelled(&desk), held_hours(&desk).await), (gravity, vec![], 1));
        assert!(error.what.contains("stands in the queue as 101"), "{error}");
        let again = fails(&desk).await;
        assert_eq!((again.gravity, sent(&desk), cancelled(&desk)), (Gravity::Refused, 1, vec![101]));
    }
}

#[tokio::test]
async fn one_whose_number_is_another_jobs_by_then_does_not_end_that_one() {
    for (whose, gravity, hours) in [(Another::OfAda, Gravity::Refused, 0), (Another::OfBob, Gravity::Unknown, 1)] {
        let desk = cancelled_in_the_call().await;
        desk.says().fails = Some(("cancel", AdapterErrorKind::Unreachable));
        fails(&desk).await;
        forgets(&desk, whose);
        let error = fails(&desk).await;
        assert_eq!((error.gravity, cancelled(&desk), held_hours(&desk).await), (gravity, vec![], hours), "{error}");
        assert!(error.why.contains("its number 101 is another job's by now"), "{error}");
    }
}

#[tokio::test]
async fn one_that_is_not_seen_by_then_is_not_taken_back_by_its_number() {
    let desk = cancelled_in_the_call().await;
    desk.says().fails = Some(("states", AdapterErrorKind::Unreachable));
    let error = fails(&desk).await;
    assert_eq!(
        (error.gravity, cancelled(&desk), held_hours(&desk).await),
        (Gravity::Unreachable, vec![], 1),
        "{error}"
    );
    // It began: what is shown nowhere now is late.
    desk.says().queue.clear();
    let (directory, _) = only_job(&desk).await;
    let attempt = directory.path().join("links/1/attempts/101-0");
    std::fs::create_dir_all(&attempt).expect("ours");
    std::fs::write(attempt.join("started"), format!("epoch_seconds={NOW}\n")).expect("ours");
    let error = fails(&desk).await;
    assert_eq!((error.gravity, cancelled(&desk), held_hours(&desk).await), (Gravity::Unknown, vec![], 1), "{error}");
    assert!(error.next.contains("`--again` makes a new job"), "{error}");
}

/// slurmctld was killed before it had saved the job, whose number it gives to nobody for now.
#[tokio::test]
async fn one_that_was_forgotten_and_never_began_is_over_and_the_same_command_makes_a_new_one() {
    for waits_in_accounting in [false, true] {
        let desk = cancelled_in_the_call().await;
        desk.says().fails = Some(("cancel", AdapterErrorKind::Unreachable));
        fails(&desk).await;
        let waiting = std::mem::take(&mut desk.says().queue);
        if waits_in_accounting {
            desk.says().states = waiting;
        }
        let error = fails(&desk).await;
        let ended = if waits_in_accounting { vec![101] } else { vec![] };
        assert_eq!((error.gravity, cancelled(&desk), held_hours(&desk).await), (Gravity::Refused, ended, 0), "{error}");
        let (directory, _) = only_job(&desk).await;
        let note = directory.ended().await.expect("read").and_then(|ended| ended.note);
        assert!(note.is_some_and(|note| note.starts_with("never ")), "should it come, the claim looks for this word");
        once(&desk).await.expect("a new one");
        assert_eq!((sent(&desk), desk.balance().await.committed.milli()), (2, HOUR));
    }
}

/// It had begun, and slurmctld was killed before it had saved that: accounting shows for ever that it waits.
#[tokio::test]
async fn one_that_began_and_waits_in_accounting_alone_is_over_for_the_same_command() {
    let desk = Desk::new().await;
    let id = once(&desk).await.expect("submitted").id;
    let (directory, _) = only_job(&desk).await;
    let claim = directory.path().join("links/1/claim");
    std::fs::create_dir_all(&claim).expect("ours");
    std::fs::write(claim.join("owner"), "scheduler_job=101\n").expect("ours");
    jobs::cancel::cancel(&desk.house("ada"), &id.to_string()).await.expect("told");
    let mut waiting = std::mem::take(&mut desk.says().queue);
    waiting[0].state = JobState::of(BaseState::Pending);
    desk.says().queue.clone_from(&waiting);
    let error = once(&desk).await.map(drop).expect_err("the queue has it");
    assert_eq!((error.gravity, sent(&desk)), (Gravity::Refused, 1), "{error}");
    desk.says().queue.clear();
    desk.says().states = waiting;
    once(&desk).await.expect("a new one");
    assert_eq!(sent(&desk), 2);
}

#[tokio::test]
async fn whoever_cancels_what_has_ended_or_is_shown_nowhere_is_told_that() {
    for (state, was_over) in [(Some(BaseState::Completed), true), (None, false)] {
        let desk = Desk::new().await;
        let id = once(&desk).await.expect("submitted").id;
        match state {
            Some(state) => desk.says().queue[0].state = JobState::of(state),
            None => desk.says().queue.clear(),
        }
        let told = jobs::cancel::cancel(&desk.house("ada"), &id.to_string()).await.expect("told");
        assert_eq!((told.was_over, told.holds, told.scheduler_jobs.len()), (was_over, true, 0), "{state:?}: {told:?}");
        assert_eq!((told.submitted_as.map(SchedulerJobId::raw), cancelled(&desk)), (Some(101), vec![]), "{state:?}");
    }
    // The same where a filter took the stamp away: it is known by its number alone.
    let desk = Desk::new().await;
    let id = once(&desk).await.expect("submitted").id;
    {
        let ended = &mut desk.says().queue[0];
        (ended.stamp, ended.state) = (None, JobState::of(BaseState::Completed));
    }
    let told = jobs::cancel::cancel(&desk.house("ada"), &id.to_string()).await.expect("told");
    assert!(told.was_over && cancelled(&desk).is_empty(), "{told:?}");
}

/// What is done at an instant.
type Deed = Box<dyn FnOnce() + Send>;

/// A clock that goes on by a second whenever it is looked at, and at one of these does something.
pub(crate) struct Ticking {
    next: AtomicI64,
    does: Mutex<Option<(i64, Deed)>>,
}

impl From<i64> for Ticking {
    /// One that only goes on.
    fn from(start: i64) -> Self {
        Self { next: AtomicI64::new(start), does: Mutex::default() }
    }
}

impl Clock for Ticking {
    fn now(&self) -> Timestamp {
        let now = self.next.fetch_add(1, Ordering::SeqCst);
        if let Some((_, does)) = self.does.lock().expect("whole").take_if(|(when, _)| now >= *when) {
            does();
        }
        at(now)
    }
}

/// A job that another host noted to be sending at `noted_at`, and its directory.
async fn sending_elsewhere(noted_at: i64) -> (Desk, JobDirectory) {
    let desk = Desk::new().await;
    killed(&desk, Some(Step::Held)).await;
    let (directory, _) = only_job(&desk).await;
    let sending = Sending {
        host: "elsewhere".to_owned(),
        process: 9,
        process_started: 9,
        command_host: None,
        is_unseen: false,
        claims: false,
        array: None,
        links: None,
        at: at(noted_at),
    };
    directory.note_sending(&sending).await.expect("written");
    (desk, directory)
}

#[tokio::test(start_paused = true)]
async fn a_call_of_another_host_is_waited_for_as_long_as_it_may_deliver() {
    let (desk, _) = sending_elsewhere(NOW).await;
    let mut house = desk.house("ada");
    let clock = Arc::new(Ticking::from(NOW));
    house.clock = Arc::clone(&clock) as Arc<dyn Clock>;
    submit(&house, wish(ONE_GPU)).await.map(drop).expect("sent");
    assert_eq!(sent(&desk), 1);
    let (_, intent) = only_job(&desk).await;
    let second = house.state.job(intent.id).submitted().await.expect("read").expect("noted");
    assert!(second.at >= at(NOW + 150), "{}", second.at);
}

#[tokio::test(start_paused = true)]
async fn what_another_host_was_told_is_taken_up() {
    let (desk, directory) = sending_elsewhere(NOW).await;
    let told = SubmittedNote {
        scheduler_job: SchedulerJobId::new(55),
        cluster: None,
        at: at(NOW),
        was_found: false,
        submitted_at: None,
    };
    let note = serde_json::to_vec(&told).expect("plain");
    let place = directory.path().join("submitted.json");
    let does = Box::new(move || std::fs::write(place, note).expect("ours"));
    let mut house = desk.house("ada");
    house.clock = Arc::new(Ticking { next: AtomicI64::new(NOW), does: Mutex::new(Some((NOW + 60, does))) });
    let answer = submit(&house, wish(ONE_GPU)).await.map(|answer| answer.scheduler_job.raw());
    assert_eq!((answer.expect("told"), sent(&desk)), (55, 0));
}

#[tokio::test(start_paused = true)]
async fn an_old_call_of_another_host_is_not_waited_for() {
    for (age, waits) in [(150, false), (DAY_AND_MORE, false), (149, true)] {
        let (desk, _) = sending_elsewhere(NOW - age).await;
        let began = tokio::time::Instant::now();
        once(&desk).await.expect("sent");
        // The runtime's own clock, which stands but for what is waited for.
        assert_eq!((!began.elapsed().is_zero(), sent(&desk)), (waits, 1), "{age} seconds old");
    }
}

const DAY_AND_MORE: i64 = 100_000;
