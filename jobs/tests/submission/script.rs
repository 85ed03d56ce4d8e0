//! A batch script, submitted held: killed anywhere, it becomes one job with one hold, and waits until that stands.

use crate::{
    desk::{Desk, HOUR, NOW, at},
    handed::KilledAfter,
    wish::{Another, cancelled, enforce, forgets, held_hours, only_job, sent},
};
use jobs::{
    Gravity, JobsError, Step,
    directory::Released,
    script::{ScriptSubmission, submit_script},
    submit::{SubmitAnswer, SubmitOutcome},
};
use ledger::{Command, EntryKind, HoldId, NewHold};
use model::{Amount, BaseState, JobId, JobState, SchedulerJobId, WallTime};
use scheduler_adapters::{AdapterErrorKind, ScriptSource};
use std::{
    path::PathBuf,
    sync::{Arc, atomic::Ordering},
};
use tempfile::TempDir;

/// Where a process is killed: behind a step of its own, or in a call that had its effect.
#[derive(Clone, Copy, Debug)]
enum Kill {
    After(Step),
    In(&'static str),
}

/// A desk, and a folder with a script.
async fn desk() -> (Desk, TempDir) {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("train.sh"), "#!/bin/bash\n#SBATCH --time=60\ntrue\n").expect("ours");
    (Desk::new().await, folder)
}

fn wish(folder: &TempDir) -> ScriptSubmission {
    let directory: PathBuf = folder.path().to_owned();
    ScriptSubmission {
        script: directory.join("train.sh"),
        options: vec!["--gres=gpu:1".to_owned()],
        arguments: vec![],
        as_is: false,
        directory,
        project: "atlas".parse().expect("a project"),
        again: false,
        anyway: None,
    }
}

async fn send(desk: &Desk, folder: &TempDir) -> Result<SubmitAnswer, JobsError> {
    submit_script(&desk.house("ada"), wish(folder)).await
}

async fn killed(desk: &Desk, folder: &TempDir, kill: Kill) {
    let mut house = desk.house("ada");
    match kill {
        Kill::After(step) => house.steps = Arc::new(KilledAfter(step)),
        Kill::In(call) => desk.says().handed.dies_in = Some(call),
    }
    let wish = wish(folder);
    let ended = tokio::spawn(async move { submit_script(&house, wish).await.map(drop) }).await;
    assert!(ended.is_err(), "{kill:?}: it was not killed");
}

async fn holds(desk: &Desk) -> usize {
    desk.entries().await.iter().filter(|entry| entry.kind == EntryKind::Hold).count()
}

#[tokio::test]
async fn killed_anywhere_a_script_becomes_one_job_with_one_hold() {
    let steps = [
        Step::Claimed,
        Step::Intended,
        Step::Scripted,
        Step::Sending,
        Step::Sent,
        Step::Submitted,
        Step::ReadBack,
        Step::Held,
    ];
    let kills = steps.map(Kill::After).into_iter().chain([Kill::In("submit"), Kill::In("release")]);
    for kill in kills {
        let (desk, folder) = desk().await;
        killed(&desk, &folder, kill).await;
        let was_released = desk.says().handed.released.len();
        assert_eq!(
            was_released,
            usize::from(matches!(kill, Kill::In("release"))),
            "{kill:?}: it is held until the end"
        );
        let answer = send(&desk, &folder).await.unwrap_or_else(|error| panic!("{kill:?}: {error}"));
        assert_eq!((answer.scheduler_job.raw(), sent(&desk), cancelled(&desk)), (101, 1, vec![]), "{kill:?}");
        assert_eq!(answer.hold.map(|(_, amount)| amount.milli()), Some(HOUR), "{kill:?}");
        assert_eq!((holds(&desk).await, held_hours(&desk).await), (1, 1), "{kill:?}");
        assert_eq!(desk.says().handed.released.len(), was_released + 1, "{kill:?}");
        // Once released, a hold that somebody puts on it is theirs.
        let again = send(&desk, &folder).await.unwrap_or_else(|error| panic!("{kill:?}: {error}"));
        assert_eq!((again.id, again.outcome), (answer.id, SubmitOutcome::Already), "{kill:?}");
        assert_eq!((sent(&desk), holds(&desk).await), (1, 1), "{kill:?}");
        assert_eq!(desk.says().handed.released.len(), was_released + 1, "{kill:?}");
    }
}

#[tokio::test]
async fn its_call_is_one_that_a_process_shows_wherever_a_library_or_a_server_submits_jobs() {
    let (desk, folder) = desk().await;
    desk.says().is_unseen = true;
    send(&desk, &folder).await.map(drop).expect("submitted");
    let (directory, _) = only_job(&desk).await;
    assert!(!directory.sending(1).await.expect("read").expect("noted").is_unseen);
}

#[tokio::test]
async fn it_is_submitted_held_with_the_words_of_the_person() {
    let (desk, folder) = desk().await;
    send(&desk, &folder).await.map(drop).expect("submitted");
    let handed = desk.says().handed.sent[0].clone();
    assert_eq!(
        (handed.options, handed.keeps_environment_options),
        (vec!["--gres=gpu:1".into(), "--hold".into()], true)
    );
}

/// The script that was handed over last, and whether it is the person's own file.
fn last_sent(desk: &Desk, folder: &TempDir) -> (Vec<u8>, bool) {
    let says = desk.says();
    let Some(ScriptSource::File(path)) = says.handed.sent.last().map(|sent| &sent.script) else { panic!("sent") };
    (std::fs::read(path).expect("it lies there"), *path == folder.path().join("train.sh").to_string_lossy())
}

#[tokio::test]
async fn what_is_sent_claims_the_link_and_starts_the_script_as_it_was() {
    let (desk, folder) = desk().await;
    send(&desk, &folder).await.map(drop).expect("submitted");
    let (sent, is_own) = last_sent(&desk, &folder);
    let text = String::from_utf8(sent).expect("text");
    assert!(!is_own && text.starts_with("#!/bin/bash -p\n#!/bin/bash\n#SBATCH --time=60\n"), "{text}");
    let (directory, intent) = only_job(&desk).await;
    let start = format!("exec /bin/bash {} \"$@\"\n", directory.kept_script().display());
    assert!(text.contains(&start) && text.contains(&intent.stamp().to_string()), "{text}");
    let [kept, given] = [directory.kept_script(), folder.path().join("train.sh")].map(std::fs::read);
    assert_eq!(kept.expect("kept"), given.expect("ours"));
}

#[tokio::test]
async fn what_cannot_be_guarded_is_sent_as_it_is_and_that_is_said() {
    for (text, as_is, note) in [
        (
            "#!/bin/bash\nscontrol show job $SLURM_JOB_ID | grep Command=\n",
            false,
            Some("it asks Slurm for its own path"),
        ),
        ("#!/bin/bash\ntrue\n", true, None),
        ("true\n", false, None),
    ] {
        let (desk, folder) = desk().await;
        std::fs::write(folder.path().join("train.sh"), text).expect("ours");
        let wish = ScriptSubmission { as_is, ..wish(&folder) };
        let answer = submit_script(&desk.house("ada"), wish).await.map(|answer| answer.notes).expect("submitted");
        assert_eq!(answer.len(), usize::from(note.is_some()), "{answer:?}");
        assert!(answer.iter().all(|said| said.contains(note.unwrap_or_default())), "{answer:?}");
        assert_eq!(last_sent(&desk, &folder), (text.as_bytes().to_vec(), true));
    }
}

#[tokio::test]
async fn a_script_whose_answer_was_lost_is_found_held_for_and_released() {
    let (desk, folder) = desk().await;
    desk.says().handed.loses_answer = true;
    let answer = send(&desk, &folder).await.map(|answer| answer.scheduler_job.raw());
    assert_eq!((answer.expect("found"), sent(&desk), held_hours(&desk).await), (101, 1, 1));
    assert_eq!(desk.says().handed.released.len(), 1);
}

#[tokio::test]
async fn a_script_that_is_not_released_is_by_the_next_submission() {
    for (call, kind, gravity) in [
        ("read back", AdapterErrorKind::Unreachable, Gravity::Unreachable),
        // Queue and accounting are late.
        ("read back", AdapterErrorKind::NotFound, Gravity::Unknown),
        ("release", AdapterErrorKind::Unreachable, Gravity::Unreachable),
    ] {
        let (desk, folder) = desk().await;
        desk.says().fails = Some((call, kind));
        let error = send(&desk, &folder).await.map(drop).expect_err("nobody answers");
        assert_eq!((error.gravity, desk.says().handed.released.len()), (gravity, 0), "{call}: {error}");
        send(&desk, &folder).await.map(drop).expect("released");
        let released = desk.says().handed.released.len();
        assert_eq!((sent(&desk), released, holds(&desk).await), (1, 1, 1), "{call}");
    }
}

#[tokio::test]
async fn a_release_that_the_controller_forgot_is_told_and_not_repeated() {
    let (desk, folder) = desk().await;
    send(&desk, &folder).await.map(drop).expect("released");
    for (reason, is_told) in [("Priority", false), ("JobHeldUser", true)] {
        desk.says().queue[0].reason = reason.to_owned();
        let notes = send(&desk, &folder).await.map(|answer| answer.notes).expect("known");
        assert_eq!(notes.iter().any(|note| note.contains("`scontrol release 101` lets it go")), is_told, "{notes:?}");
        assert_eq!(desk.says().handed.released.len(), 1, "the hold may be the person's own");
    }
}

/// A script of 1001 hours, where 1000 are free and the budget is enforced.
async fn too_large() -> (Desk, TempDir) {
    let (desk, folder) = desk().await;
    enforce(&desk, true).await;
    desk.says().handed.filter = Some(|job| job.time_limit = Some(WallTime::from_seconds(1_001 * 3_600)));
    (desk, folder)
}

#[tokio::test]
async fn a_script_that_the_budget_does_not_cover_is_taken_back_before_it_begins() {
    let (desk, folder) = too_large().await;
    let error = send(&desk, &folder).await.map(drop).expect_err("refused");
    assert_eq!((error.gravity, cancelled(&desk)), (Gravity::Refused, vec![101]));
    let released = desk.says().handed.released.len();
    assert_eq!((released, holds(&desk).await), (0, 0));
    let (directory, _) = only_job(&desk).await;
    assert!(directory.ended().await.expect("read").is_some());
}

#[tokio::test]
async fn one_that_is_not_taken_back_stays_held_and_is_tried_again() {
    let (desk, folder) = too_large().await;
    desk.says().fails = Some(("cancel", AdapterErrorKind::NotPermitted));
    let error = send(&desk, &folder).await.map(drop).expect_err("not taken back");
    assert_eq!((error.gravity, cancelled(&desk)), (Gravity::Unknown, vec![]));
    assert!(error.what.contains("stands in the queue as 101"), "{error}");
    let error = send(&desk, &folder).await.map(drop).expect_err("refused");
    assert_eq!((error.gravity, cancelled(&desk)), (Gravity::Refused, vec![101]));
    let released = desk.says().handed.released.len();
    assert_eq!((sent(&desk), released, holds(&desk).await), (1, 0, 0));
}

#[tokio::test]
async fn killed_while_it_is_taken_back_nothing_is_held_or_released() {
    let (desk, folder) = too_large().await;
    killed(&desk, &folder, Kill::In("cancel")).await;
    let error = send(&desk, &folder).await.map(drop).expect_err("refused");
    assert_eq!((error.gravity, cancelled(&desk)), (Gravity::Refused, vec![101, 102]));
    let released = desk.says().handed.released.len();
    assert_eq!((released, holds(&desk).await), (0, 0));
}

/// That nothing was done to the job that has the number now.
fn is_left_alone(desk: &Desk, when: &str) {
    let released = desk.says().handed.released.len();
    assert_eq!((released, cancelled(desk)), (0, vec![]), "{when}");
}

#[tokio::test]
async fn a_script_whose_number_is_another_jobs_is_over_and_submitted_anew() {
    for step in [Step::Submitted, Step::ReadBack, Step::Held] {
        let (desk, folder) = desk().await;
        killed(&desk, &folder, Kill::After(step)).await;
        forgets(&desk, Another::OfAda);
        let error = send(&desk, &folder).await.map(drop).expect_err("there is no such job");
        assert!(
            error.gravity == Gravity::Refused && error.why.contains("the scheduler forgot it"),
            "{step:?}: {error}"
        );
        is_left_alone(&desk, &format!("{step:?}"));
        assert_eq!((held_hours(&desk).await, desk.balance().await.committed.milli()), (0, 0), "{step:?}");
        let anew = send(&desk, &folder).await.map(|answer| answer.scheduler_job.raw());
        assert_eq!((anew.expect("submitted"), sent(&desk)), (102, 2), "{step:?}");
        let released: Vec<u64> = desk.says().handed.released.iter().map(|id| id.raw()).collect();
        assert_eq!((released, desk.balance().await.committed.milli()), (vec![102], HOUR), "{step:?}");
    }
}

#[tokio::test]
async fn one_whose_number_may_be_another_jobs_keeps_its_hold() {
    for (step, hours) in [(Step::Submitted, 0), (Step::ReadBack, 1), (Step::Held, 1)] {
        let (desk, folder) = desk().await;
        killed(&desk, &folder, Kill::After(step)).await;
        for _ in 0..2 {
            forgets(&desk, Another::OfBob);
            let error = send(&desk, &folder).await.map(drop).expect_err("it is not seen");
            assert!(error.gravity == Gravity::Unknown && error.why.contains("one of bob"), "{step:?}: {error}");
            is_left_alone(&desk, &format!("{step:?}"));
            assert_eq!((sent(&desk), held_hours(&desk).await), (1, hours), "{step:?}");
        }
    }
}

#[tokio::test]
async fn a_number_that_an_earlier_job_had_too_does_not_end_what_ran() {
    let (desk, folder) = desk().await;
    killed(&desk, &folder, Kill::After(Step::Held)).await;
    // It ran before its number came round: accounting has it.
    let mut ran = desk.says().queue[0].clone();
    (ran.id, ran.leader) = (SchedulerJobId::new(99), SchedulerJobId::new(99));
    desk.says().states = vec![ran];
    forgets(&desk, Another::OfAda);
    let error = send(&desk, &folder).await.map(drop).expect_err("it is not seen");
    assert_eq!((error.gravity, held_hours(&desk).await, sent(&desk)), (Gravity::Unknown, 1, 1), "{error}");
    is_left_alone(&desk, "it ran");
}

#[tokio::test]
async fn a_number_that_is_not_seen_now_is_not_released() {
    for kind in [Some(AdapterErrorKind::Unreachable), None] {
        let (desk, folder) = desk().await;
        killed(&desk, &folder, Kill::After(Step::Held)).await;
        match kind.clone() {
            Some(kind) => desk.says().fails = Some(("states", kind)),
            None => desk.says().queue.clear(),
        }
        let error = send(&desk, &folder).await.map(drop).expect_err("not seen");
        let expected = match kind {
            Some(_) => (Gravity::Unreachable, "it is not known whether the job's last submission is over"),
            None => (Gravity::Unknown, "the job was submitted but not released"),
        };
        assert_eq!((error.gravity, error.what.as_str()), expected);
        is_left_alone(&desk, "not seen");
        assert_eq!((sent(&desk), held_hours(&desk).await), (1, 1));
    }
}

/// Somebody else holds what the budget has, and it is enforced.
async fn somebody_takes_all(desk: &Desk) {
    let all = Command::Hold(NewHold {
        id: HoldId(JobId::from_parts(at(NOW), 9)),
        project: "atlas".parse().expect("a project"),
        unit: "testland:gpu".parse().expect("a unit"),
        ceiling: Amount::from_milli(1_000 * HOUR),
        anyway: None,
        note: "all".to_owned(),
        is_provisional: false,
        expected: None,
    });
    desk.post(&[all]).await;
    enforce(desk, true).await;
}

/// As where the ledger did not answer when it was let go.
#[tokio::test]
async fn one_that_was_let_go_is_not_taken_back_for_what_its_budget_lacks_since_then() {
    let (desk, folder) = desk().await;
    killed(&desk, &folder, Kill::After(Step::ReadBack)).await;
    let (directory, _) = only_job(&desk).await;
    directory.put_released(&Released { at: at(NOW) }).await.expect("written");
    desk.says().queue[0].state = JobState::of(BaseState::Running);
    somebody_takes_all(&desk).await;
    let answer = send(&desk, &folder).await.expect("it goes on");
    assert_eq!((answer.scheduler_job.raw(), sent(&desk), cancelled(&desk)), (101, 1, vec![]));
    assert_eq!(directory.ended().await.expect("read"), None);
}

#[tokio::test]
async fn what_the_budget_does_not_cover_is_not_taken_back_by_a_number_that_is_another_jobs() {
    for (whose, gravity) in [(Another::OfAda, Gravity::Refused), (Another::OfBob, Gravity::Unknown)] {
        let (desk, folder) = desk().await;
        killed(&desk, &folder, Kill::After(Step::ReadBack)).await;
        somebody_takes_all(&desk).await;
        forgets(&desk, whose);
        let error = send(&desk, &folder).await.map(drop).expect_err("refused");
        assert_eq!((error.gravity, cancelled(&desk)), (gravity, vec![]), "{error}");
        let is_over = only_job(&desk).await.0.ended().await.expect("read").is_some();
        assert_eq!(is_over, whose == Another::OfAda);
    }
}

#[tokio::test]
async fn a_released_script_whose_number_is_another_jobs_is_told_and_nobody_is_to_release_that() {
    let (desk, folder) = desk().await;
    send(&desk, &folder).await.map(drop).expect("released");
    for whose in [Another::OfAda, Another::OfBob] {
        forgets(&desk, whose);
        let notes = send(&desk, &folder).await.map(|answer| answer.notes).expect("known");
        assert!(notes.len() == 1 && notes[0].starts_with("its number 101 is another job's"), "{notes:?}");
    }
}

/// It was let go, and slurmctld was killed before it had saved anything of it: with the claim in front it would have claimed.
#[tokio::test]
async fn one_that_was_let_go_cancelled_and_forgotten_is_over_unless_it_may_have_begun_without_a_claim() {
    for as_is in [false, true] {
        let (desk, folder) = desk().await;
        let wish = || ScriptSubmission { as_is, ..wish(&folder) };
        let id = submit_script(&desk.house("ada"), wish()).await.expect("submitted").id;
        desk.says().queue.clear();
        let told = jobs::cancel::cancel(&desk.house("ada"), &id.to_string()).await.expect("told");
        assert!(told.holds && !told.was_over, "{told:?}");
        let error = submit_script(&desk.house("ada"), wish()).await.map(drop).expect_err("it was cancelled");
        let (gravity, hours) = if as_is { (Gravity::Unknown, 1) } else { (Gravity::Refused, 0) };
        assert_eq!((error.gravity, held_hours(&desk).await), (gravity, hours), "{as_is}: {error}");
        if !as_is {
            submit_script(&desk.house("ada"), wish()).await.map(drop).expect("a new one");
            assert_eq!((sent(&desk), desk.balance().await.committed.milli()), (2, HOUR));
        }
    }
}

/// Slurmctld was killed before it had saved what it had accepted, held.
#[tokio::test]
async fn a_script_that_was_accepted_held_and_forgotten_is_over_after_a_minute_and_submitted_anew() {
    for step in [Step::Submitted, Step::ReadBack, Step::Held] {
        let (desk, folder) = desk().await;
        killed(&desk, &folder, Kill::After(step)).await;
        desk.says().queue.clear();
        let at_second = |second: i64| {
            desk.clock.0.store(NOW + second, Ordering::SeqCst);
            desk.house("ada")
        };
        let early = submit_script(&at_second(59), wish(&folder)).await.map(drop).expect_err("it may be late");
        assert_eq!((early.gravity, desk.says().handed.sent.len()), (Gravity::Unknown, 1), "{step:?}: {early}");
        let late = submit_script(&at_second(60), wish(&folder)).await.map(drop).expect_err("it is over");
        assert!(late.gravity == Gravity::Refused && late.why.contains("the scheduler forgot it"), "{step:?}: {late}");
        assert_eq!((held_hours(&desk).await, desk.balance().await.committed.milli()), (0, 0), "{step:?}");
        submit_script(&at_second(61), wish(&folder)).await.map(drop).expect("a new one");
        assert_eq!((sent(&desk), desk.balance().await.committed.milli()), (2, HOUR), "{step:?}");
    }
}

/// Both are one request: what was sent counts, not what another call would have sent.
#[tokio::test]
async fn a_script_that_was_sent_once_without_a_claim_may_have_begun_whatever_was_kept_beside_it() {
    for (first, second, kill) in [(false, true, Kill::After(Step::Scripted)), (true, false, Kill::In("submit"))] {
        let (desk, folder) = desk().await;
        let wish = |as_is| ScriptSubmission { as_is, ..wish(&folder) };
        let mut house = desk.house("ada");
        match kill {
            Kill::After(step) => house.steps = Arc::new(KilledAfter(step)),
            Kill::In(call) => desk.says().handed.dies_in = Some(call),
        }
        let begun = wish(first);
        let ended = tokio::spawn(async move { submit_script(&house, begun).await.map(drop) }).await;
        assert!(ended.is_err(), "{first}: it was not killed");
        let answer = submit_script(&desk.house("ada"), wish(second)).await.expect("submitted");
        assert_eq!(sent(&desk), 1, "{first}");
        desk.says().queue.clear();
        jobs::cancel::cancel(&desk.house("ada"), &answer.id.to_string()).await.map(drop).expect("told");
        let error = submit_script(&desk.house("ada"), wish(second)).await.map(drop).expect_err("it may have begun");
        assert_eq!((error.gravity, held_hours(&desk).await, sent(&desk)), (Gravity::Unknown, 1, 1), "{first}: {error}");
    }
}
