//! An error of the scheduler's is no evidence of absence, and a look that fails is none either.

use crate::{
    desk::Desk,
    wish::{cancelled, fails, held_hours, once, only_job, sent},
};
use jobs::{Gravity, submit::SubmitOutcome};
use scheduler_adapters::AdapterErrorKind as Kind;

#[tokio::test]
async fn a_job_whose_answer_was_lost_is_found_by_its_stamp() {
    let desk = Desk::new().await;
    desk.says().handed.loses_answer = true;
    let answer = once(&desk).await.expect("found");
    assert_eq!((answer.scheduler_job.raw(), answer.outcome, sent(&desk)), (101, SubmitOutcome::New, 1));
    let (directory, _) = only_job(&desk).await;
    assert!(directory.submitted().await.expect("read").expect("noted").was_found);
    let again = once(&desk).await.expect("known");
    assert_eq!(
        (again.id, again.outcome, sent(&desk), held_hours(&desk).await),
        (answer.id, SubmitOutcome::Already, 1, 1)
    );
}

#[tokio::test]
async fn what_is_not_found_stays_unknown_and_the_next_submission_looks_first() {
    let desk = Desk::new().await;
    desk.says().fails = Some(("submit", Kind::OutcomeUnknown));
    let error = fails(&desk).await;
    assert_eq!((error.gravity, sent(&desk), held_hours(&desk).await), (Gravity::Unknown, 0, 1));
    assert!(error.next.contains("looks the job up before it sends anything"), "{error}");
    let (directory, intent) = only_job(&desk).await;
    assert_eq!(directory.ended().await.expect("read"), None, "it goes on");
    // A look that fails sends nothing.
    desk.says().fails = Some(("find", Kind::Unreadable));
    assert_eq!((fails(&desk).await.gravity, sent(&desk)), (Gravity::Unknown, 0));
    let answer = once(&desk).await.expect("sent");
    assert_eq!((answer.id, answer.outcome, sent(&desk)), (intent.id, SubmitOutcome::Resumed, 1));
    once(&desk).await.expect("known");
    assert_eq!((sent(&desk), held_hours(&desk).await), (1, 1));
}

#[tokio::test]
async fn a_job_that_comes_late_is_the_one() {
    let desk = Desk::new().await;
    desk.says().fails = Some(("submit", Kind::OutcomeUnknown));
    fails(&desk).await;
    let (_, intent) = only_job(&desk).await;
    let mut late = crate::cluster::waiting(77, "ada", crate::desk::NOW);
    late.stamp = Some(intent.stamp());
    desk.says().queue.push(late);
    let answer = once(&desk).await.expect("found");
    assert_eq!((answer.scheduler_job.raw(), sent(&desk)), (77, 0));
}

#[tokio::test]
async fn a_look_that_fails_is_never_an_absence() {
    for (kind, gravity) in [
        (Kind::Unreachable, Gravity::Unreachable),
        (Kind::AccountingDown, Gravity::Unreachable),
        (Kind::Unreadable, Gravity::Unknown),
        (Kind::NotPermitted, Gravity::Unknown),
        (Kind::Refused { said: "no".to_owned() }, Gravity::Unknown),
        (Kind::NotFound, Gravity::Unknown),
    ] {
        let desk = Desk::new().await;
        desk.says().handed.loses_answer = true;
        for _ in 0..2 {
            desk.says().fails = Some(("find", kind.clone()));
            let error = fails(&desk).await;
            assert_eq!((error.gravity, sent(&desk), held_hours(&desk).await), (gravity, 1, 1), "{kind:?}: {error}");
        }
        let (directory, _) = only_job(&desk).await;
        assert_eq!(directory.ended().await.expect("read"), None, "{kind:?}");
        let answer = once(&desk).await.expect("found");
        assert_eq!((answer.scheduler_job.raw(), sent(&desk), cancelled(&desk)), (101, 1, vec![]), "{kind:?}");
    }
}

#[tokio::test]
async fn a_refusal_gives_the_hold_back_and_silence_does_not() {
    for (kind, gravity, hours) in [
        (Kind::Refused { said: "no such account".to_owned() }, Gravity::Refused, 0),
        (Kind::NotPermitted, Gravity::Refused, 0),
        (Kind::Unreachable, Gravity::Unreachable, 1),
    ] {
        let desk = Desk::new().await;
        desk.says().fails = Some(("submit", kind.clone()));
        let error = fails(&desk).await;
        assert_eq!((error.gravity, held_hours(&desk).await, sent(&desk)), (gravity, hours, 0), "{kind:?}");
        let (directory, _) = only_job(&desk).await;
        assert_eq!(directory.ended().await.expect("read").is_some(), hours == 0, "{kind:?}");
        once(&desk).await.expect("sent");
        assert_eq!(sent(&desk), 1, "{kind:?}");
    }
}

/// A submit filter's refusal, as the library and slurmrestd hear it.
#[tokio::test]
async fn a_refusal_without_a_reason_is_one_where_slurm_has_no_such_job_and_its_filter_refuses_it() {
    let refuses = || Some("GPU jobs need --constraint=gpu".to_owned());
    let late = || crate::cluster::waiting(77, "ada", crate::desk::NOW);
    for (filter_refuses_with, gravity, hours) in [(refuses(), Gravity::Refused, 0), (None, Gravity::Unknown, 1)] {
        let desk = Desk::new().await;
        desk.says().filter_refuses_with = filter_refuses_with;
        desk.says().gives_no_reason = true;
        let error = fails(&desk).await;
        assert_eq!((error.gravity, held_hours(&desk).await, sent(&desk)), (gravity, hours, 0), "{error}");
        let is_told = error.to_string().contains("GPU jobs need --constraint=gpu");
        let (directory, intent) = only_job(&desk).await;
        assert_eq!((is_told, directory.ended().await.expect("read").is_some()), (hours == 0, hours == 0), "{error}");
        // What comes all the same belongs to a job that goes on; one that was given up makes place for a new one.
        let mut late = late();
        late.stamp = Some(intent.stamp());
        desk.says().queue.push(late);
        let answer = once(&desk).await.expect("sent, or found");
        assert_eq!((answer.id == intent.id, sent(&desk)), (hours == 1, usize::from(hours == 0)), "{error}");
    }
    // It is there before its filter is asked, or comes meanwhile: then it was not refused.
    for comes in ["before", "meanwhile"] {
        let desk = Desk::new().await;
        desk.says().filter_refuses_with = refuses();
        desk.says().fails = Some(("submit", Kind::OutcomeUnknown));
        assert_eq!((fails(&desk).await.gravity, desk.says().calls.get("filter")), (Gravity::Unknown, None), "{comes}");
        desk.says().gives_no_reason = true;
        let mut late = late();
        late.stamp = Some(only_job(&desk).await.1.stamp());
        if comes == "before" {
            desk.says().queue.push(late);
        } else {
            desk.says().comes_late = Some(late);
        }
        assert_eq!((once(&desk).await.expect("found").scheduler_job.raw(), sent(&desk)), (77, 0), "{comes}");
        assert_eq!(held_hours(&desk).await, 1, "{comes}");
    }
}
