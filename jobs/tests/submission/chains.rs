//! Chains: each link is sent exactly once, as many as are to be queued at once, all drawing from one hold.

use crate::{
    cluster::{run, stamped},
    desk::{DAY, Desk, HOUR, NOW, at},
    handed::KilledBehind,
    stage::away::Away,
    wish::{ONE_GPU, cancelled, enforce, held_hours, only_job, sent, wish},
};
use jobs::{
    House, JobsError, Step,
    cancel::cancel,
    chain::Advanced,
    directory::{Checkpoint, JobDirectory, OverReason},
    list::{Phase, list},
    resume::{resume, resume_all, resume_directory, settled},
    settle::{SettleOptions, settle},
    show::show,
    submit::{
        Arrays, ManySubmission, MemberOutcome, Over, Submission, SubmitAnswer, SubmitOutcome, submit, submit_many,
    },
};
use ledger::{Book, Command, HoldId, NewHold};
use model::{Amount, BaseState, JobId, JobState, LinkNumber, SchedulerJobId, Stamp, WallTime};
use scheduler_adapters::{AdapterErrorKind, Freshness, JobForm};
use std::{fs, sync::Arc};

/// A chain of links of one GPU for one hour.
fn text(chain: &str) -> String {
    format!("{ONE_GPU}chain: {{ until: marker, {chain} }}\n")
}

/// The budget is enforced from now on, and three hours of it are free.
async fn enforced_with_three_hours(desk: &Desk) {
    enforce(desk, true).await;
    let other = Command::Hold(NewHold {
        id: HoldId(JobId::from_parts(at(NOW), 9)),
        project: "atlas".parse().expect("a project"),
        unit: "testland:gpu".parse().expect("a unit"),
        ceiling: Amount::from_milli(997 * HOUR),
        anyway: None,
        note: "other".to_owned(),
        is_provisional: false,
        expected: None,
    });
    desk.post(&[other]).await;
}

async fn begin(desk: &Desk, chain: &str) -> SubmitAnswer {
    submit(&desk.house("ada"), wish(&text(chain))).await.unwrap_or_else(|error| panic!("{error}"))
}

async fn go_on(desk: &Desk) -> Advanced {
    assert_eq!(settled(&desk.house("ada")).await, None);
    resume(&desk.house("ada"), "once").await.expect("a chain").outcome.unwrap_or_else(|error| panic!("{error}"))
}

fn numbers(links: &[jobs::directory::SentLink]) -> Vec<(u32, u64)> {
    links.iter().map(|sent| (sent.link.get(), sent.scheduler_job.raw())).collect()
}

fn link(number: u32) -> LinkNumber {
    LinkNumber::new(number).expect("not 0")
}

/// A link has ended after so many hours of its limit; accounting shows its run.
async fn ends(desk: &Desk, id: u64, number: u32, hours: i64) {
    let (directory, intent) = only_job(desk).await;
    let stamp = Stamp { job: intent.id, link: link(number) };
    let from = NOW + i64::from(number) * 4 * 3_600;
    desk.set_clock(from + 4 * 3_600);
    let mut says = desk.says();
    says.queue.retain(|job| job.id != SchedulerJobId::new(id));
    let ended = stamped(run(id, "ada", from, Some(from + hours * 3_600)), stamp);
    let mut seen = crate::cluster::waiting(id, "ada", NOW);
    (seen.stamp, seen.state) = (Some(stamp), JobState::of(BaseState::Timeout));
    (seen.started_at, seen.ends_at, seen.elapsed) = (Some(ended.started_at), ended.ended_at, ended.elapsed);
    says.states.push(seen);
    says.runs.push(ended);
    drop(says);
    journal(&directory, number, id, hours);
}

/// What the script of a link writes.
fn journal(directory: &JobDirectory, number: u32, id: u64, hours: i64) {
    let path = directory.path().join("chain");
    let before = fs::read_to_string(&path).unwrap_or_default();
    let (began, ended) = (NOW, NOW + hours * 3_600);
    let lines = format!("started {number} {id} 0 {began} 0\nended {number} {id} 0 {ended} 10 checkpointed 0 limit\n");
    fs::write(path, format!("{before}{lines}")).expect("ours");
    let claim = directory.path().join(format!("links/{number}/claim"));
    fs::create_dir_all(&claim).expect("ours");
    fs::write(claim.join("owner"), format!("scheduler_job={id}\n")).expect("ours");
    let attempt = directory.path().join(format!("links/{number}/attempts/{id}-0"));
    fs::create_dir_all(&attempt).expect("ours");
    fs::write(attempt.join("started"), format!("epoch_seconds={began}\n")).expect("ours");
    let end = format!("exit_code=75\nepoch_seconds={ended}\nclass=checkpointed\ntold=limit\n");
    fs::write(attempt.join("ended"), end).expect("ours");
}

fn is_over(directory: &JobDirectory, why: &str) {
    fs::write(directory.path().join("over"), format!("why={why}\nlink=1\nstep=10\n")).expect("ours");
}

#[tokio::test]
async fn as_many_links_as_are_wanted_ahead_are_queued_each_behind_the_one_before_and_held_for() {
    let desk = Desk::new().await;
    let answer = begin(&desk, "ahead: 3").await;
    assert_eq!(numbers(&answer.links), [(1, 101), (2, 102), (3, 103)]);
    assert_eq!((held_hours(&desk).await, answer.notes), (3, vec![]));
    let factors = answer.factors.expect("told");
    assert_eq!((factors.tasks, factors.seconds), (3, 3_600));
    let (directory, intent) = only_job(&desk).await;
    let handed = std::mem::take(&mut desk.says().handed.sent);
    assert_eq!(handed.len(), 3);
    let none: [String; 0] = [];
    assert_eq!(handed[0].options, none);
    // Each behind all that are not over: whichever of them is taken away, it begins beside none.
    for (place, number, behind) in [(1, 2, "101"), (2, 3, "101:102")] {
        let options = [format!("--dependency=afterany:{behind}"), "--kill-on-invalid-dep=yes".to_owned()];
        assert_eq!(handed[place].options, options);
        assert_eq!(handed[place].stamp, Stamp { job: intent.id, link: link(number) });
        assert!(handed[place].job_name.ends_with(&format!("-{number}")));
        let script = fs::read_to_string(directory.path().join(format!("links/{number}/script.sh"))).expect("there");
        assert!(script.contains(&format!("pakt_place={number}\n")), "it is another link's");
    }
    // Done once.
    let again = submit(&desk.house("ada"), wish(&text("ahead: 3"))).await.expect("known");
    assert_eq!((again.outcome, numbers(&again.links)), (SubmitOutcome::Already, numbers(&answer.links)));
    assert_eq!(sent(&desk), 0, "nothing more was handed in");
}

#[tokio::test]
async fn when_it_may_begin_and_behind_what_counts_until_a_link_has_begun() {
    let desk = Desk::new().await;
    let text = format!("{}scheduler: {{ after: \"afterok:7\", begin: \"2027-01-01\" }}\n", text("ahead: 2"));
    submit(&desk.house("ada"), wish(&text)).await.expect("submitted");
    ends(&desk, 101, 1, 1).await;
    go_on(&desk).await;
    let (directory, _) = only_job(&desk).await;
    let script = |name: &str| fs::read_to_string(directory.path().join(name)).expect("there");
    let scripts = [script("script.sh"), script("links/2/script.sh"), script("links/3/script.sh")];
    assert_eq!(scripts.each_ref().map(|script| script.contains("--begin=")), [true, true, false]);
    assert_eq!(scripts.each_ref().map(|script| script.contains("--dependency=")), [true, false, false]);
    let sent = std::mem::take(&mut desk.says().handed.sent);
    let dependency = |place: usize| sent[place].options.first().cloned();
    assert_eq!(dependency(1).as_deref(), Some("--dependency=afterok:7,afterany:101"));
    assert_eq!(dependency(2).as_deref(), Some("--dependency=afterany:102"));
}

#[tokio::test]
async fn a_chain_whose_links_were_all_taken_out_of_the_queue_before_one_began_is_over() {
    let desk = Desk::new().await;
    begin(&desk, "ahead: 2").await;
    for job in &mut desk.says().queue {
        job.state = JobState::of(BaseState::Cancelled);
    }
    let (directory, intent) = only_job(&desk).await;
    assert_eq!(desk.settle("ada").await.closed, [intent.id]);
    let ended = directory.ended().await.expect("read").expect("written");
    let note = "all of its links ended, or were taken out of the queue, before they began their work";
    assert_eq!((ended.state.base, ended.note.as_deref()), (BaseState::Failed, Some(note)));
    assert_eq!((sent(&desk), held_hours(&desk).await), (2, 0));
}

#[tokio::test]
async fn a_link_behind_one_that_was_taken_away_waits_for_those_before_it() {
    let desk = Desk::new().await;
    begin(&desk, "ahead: 2").await;
    desk.says().queue[1].state = JobState::of(BaseState::Cancelled);
    assert_eq!(numbers(&go_on(&desk).await.sent), [(3, 103)]);
    assert_eq!(desk.says().handed.sent[2].options[0], "--dependency=afterany:101");
}

#[tokio::test]
async fn a_link_that_the_site_makes_too_large_is_taken_back_and_the_next_not_sent_to_be_taken_back_too() {
    let desk = Desk::new().await;
    enforced_with_three_hours(&desk).await;
    begin(&desk, "ahead: 2").await;
    ends(&desk, 101, 1, 1).await;
    desk.says().handed.filter = Some(|job| job.time_limit = Some(WallTime::from_seconds(4 * 3_600)));
    let error = go_on(&desk).await.not_sent.expect("taken back");
    assert!(error.what.contains("link 3 of job `once` was submitted as 103 and taken back"), "{error}");
    assert_eq!(cancelled(&desk), [103]);
    for _ in 0..3 {
        let error = go_on(&desk).await.not_sent.expect("refused");
        assert!(error.what.contains("link 4 of job `once` was not submitted"), "{error}");
    }
    assert_eq!(sent(&desk), 3, "no number is used up for nothing");
    assert!(only_job(&desk).await.0.cancel().await.expect("read").is_none(), "the others go on");
}

#[tokio::test]
async fn what_was_read_back_twice_is_held_once() {
    let desk = Desk::new().await;
    desk.says().handed.filter = Some(|job| job.time_limit = Some(WallTime::from_seconds(7_200)));
    begin(&desk, "ahead: 2").await;
    let (directory, _) = only_job(&desk).await;
    // Killed between the ledger and the note.
    for name in ["read-back.json", "links/2/read-back.json"] {
        fs::remove_file(directory.path().join(name)).expect("ours");
        begin(&desk, "ahead: 2").await;
        assert_eq!(held_hours(&desk).await, 4, "{name}");
    }
}

#[tokio::test]
async fn a_chain_that_was_submitted_without_the_ledger_is_held_for_as_one_with_it() {
    let desk = Desk::new().await;
    let mut house = desk.house("ada");
    house.books = Arc::new(Away);
    let answer = submit(&house, wish(&text("ahead: 2"))).await.expect("submitted");
    assert_eq!(answer.links.len(), 2);
    desk.settle("ada").await;
    assert_eq!(held_hours(&desk).await, 2);
    ends(&desk, 101, 1, 1).await;
    assert_eq!(numbers(&go_on(&desk).await.sent), [(3, 103)]);
    assert_eq!(held_hours(&desk).await, 3);
}

#[tokio::test]
async fn a_paused_chain_whose_hold_a_coordinator_closed_is_over_and_says_so() {
    let desk = Desk::new().await;
    begin(&desk, "ahead: 2").await;
    ends(&desk, 101, 1, 1).await;
    ends(&desk, 102, 2, 1).await;
    let (directory, intent) = only_job(&desk).await;
    assert_eq!(desk.settle_all("cleo").await.closed, [intent.id]);
    let resumed = resume(&desk.house("ada"), "once").await.expect("a chain").outcome.expect("looked at");
    assert!(resumed.not_sent.expect("refused").why.contains("its hold was closed"));
    desk.settle("ada").await;
    let ended = directory.ended().await.expect("read").expect("written");
    let note = "its hold was closed while none of its links was in the queue";
    assert_eq!((ended.state.base, ended.note.as_deref()), (BaseState::Failed, Some(note)));
    assert_ne!(begin(&desk, "ahead: 2").await.id, intent.id);
}

#[tokio::test]
async fn nobody_goes_on_with_the_chain_of_another() {
    let desk = Desk::new().await;
    begin(&desk, "ahead: 2").await;
    ends(&desk, 101, 1, 1).await;
    let mut house = desk.house("ada");
    house.principal = desk.house("bob").principal;
    let refused = resume(&house, "once").await.expect("a chain").outcome.map(drop).expect_err("refused");
    assert!(refused.why.contains("it is a job of ada"), "{refused}");
}

#[tokio::test]
async fn a_link_follows_each_that_ended_and_the_hold_is_of_what_was_charged_and_what_is_queued() {
    let desk = Desk::new().await;
    begin(&desk, "max_links: 4").await;
    // The end of a link is no end of the job.
    ends(&desk, 101, 1, 1).await;
    let report = desk.settle("ada").await;
    assert_eq!((report.closed.len(), report.amended.len(), held_hours(&desk).await), (0, 0, 2));
    for round in 2..4 {
        let advanced = go_on(&desk).await;
        assert_eq!(
            (numbers(&advanced.sent), advanced.not_sent.is_none()),
            (vec![(round + 1, 101 + u64::from(round))], true)
        );
        assert_eq!(held_hours(&desk).await, i64::from(round) + 1, "what was charged, and two links");
        assert!(go_on(&desk).await.sent.is_empty(), "done once");
        assert_eq!(held_hours(&desk).await, i64::from(round) + 1);
        ends(&desk, 100 + u64::from(round), round, 1).await;
    }
    // The last of four is in the queue, and no other may come.
    let advanced = go_on(&desk).await;
    assert_eq!((advanced.sent.len(), advanced.over), (0, None));
    assert_eq!(desk.settle("ada").await.closed, []);
    assert_eq!(held_hours(&desk).await, 4);
    ends(&desk, 104, 4, 1).await;
    let report = desk.settle("ada").await;
    let (directory, intent) = only_job(&desk).await;
    assert_eq!((report.closed, desk.used().await), (vec![intent.id], 4 * 3_600));
    let ended = directory.ended().await.expect("read").expect("written");
    assert_eq!(ended.note.as_deref(), Some("it has had all of its links"));
    assert_eq!(directory.over().await.expect("read").expect("written").why, OverReason::Links);
    assert_eq!(sent(&desk), 4);
}

#[tokio::test]
async fn a_chain_whose_work_is_done_gives_back_what_is_left_and_is_over_once_its_last_link_is() {
    let desk = Desk::new().await;
    begin(&desk, "ahead: 3").await;
    ends(&desk, 101, 1, 1).await;
    let (directory, intent) = only_job(&desk).await;
    is_over(&directory, "done");
    assert!(go_on(&desk).await.sent.is_empty());
    // Two wait still, to end at once.
    assert_eq!((desk.settle("ada").await.closed.len(), held_hours(&desk).await), (0, 3));
    desk.says().queue.retain(|job| job.id == SchedulerJobId::new(102));
    assert_eq!((desk.settle("ada").await.amended.len(), held_hours(&desk).await), (1, 2), "one may still run");
    desk.says().queue.clear();
    assert_eq!(desk.settle("ada").await.closed, [intent.id]);
    let ended = directory.ended().await.expect("read").expect("written");
    assert_eq!((ended.state.base, ended.note), (BaseState::Completed, None));
    // The same file again is a new job.
    let again = begin(&desk, "ahead: 3").await;
    assert_ne!(again.id, intent.id);
}

#[tokio::test]
async fn whoever_is_killed_behind_any_step_of_any_link_leaves_each_link_sent_once() {
    for step in Step::ALL.into_iter().filter(|step| *step != Step::Chosen) {
        for time in 1..=3 {
            let desk = Desk::new().await;
            let mut house = desk.house("ada");
            house.steps = Arc::new(KilledBehind::new(step, time));
            let ended = tokio::spawn(async move { submit(&house, wish(&text("ahead: 3"))).await.map(drop) }).await;
            let is_of_each_link = step >= Step::Sending;
            assert_eq!(ended.is_err(), time == 1 || is_of_each_link, "{step:?} {time}");
            let answer = begin(&desk, "ahead: 3").await;
            assert_eq!(numbers(&answer.links), [(1, 101), (2, 102), (3, 103)], "{step:?} {time}");
            assert_eq!((sent(&desk), held_hours(&desk).await), (3, 3), "{step:?} {time}");
        }
    }
}

#[tokio::test]
async fn a_link_whose_answer_was_lost_is_found_by_its_own_stamp() {
    let desk = Desk::new().await;
    begin(&desk, "ahead: 2").await;
    ends(&desk, 101, 1, 1).await;
    desk.says().handed.loses_answer = true;
    let advanced = go_on(&desk).await;
    assert_eq!(numbers(&advanced.sent), [(3, 103)]);
    assert_eq!(sent(&desk), 3);
}

#[tokio::test]
async fn a_refused_link_stops_no_other_and_is_sent_when_there_is_room() {
    let desk = Desk::new().await;
    desk.says().handed.room = Some(1);
    let answer = begin(&desk, "ahead: 2").await;
    assert_eq!(numbers(&answer.links), [(1, 101)]);
    assert!(answer.notes[0].contains("link 2 of job `once` was not submitted"), "{:?}", answer.notes);
    assert!(answer.notes[0].contains("Job violates accounting/QOS policy"), "{:?}", answer.notes);
    assert_eq!(held_hours(&desk).await, 2, "it is still to come");
    assert_eq!(desk.settle("ada").await.amended, []);
    // After some times in a row it is not asked for at once again.
    let mut refused = Vec::new();
    for _ in 0..5 {
        refused.push(go_on(&desk).await.not_sent.expect("refused").why);
    }
    assert!(refused[2].contains("Job violates"), "{refused:?}");
    assert!(refused[4].contains("was asked for it 4 times"), "{refused:?}");
    desk.says().handed.room = None;
    assert!(go_on(&desk).await.not_sent.is_some());
    desk.set_clock(NOW + 180);
    assert_eq!(numbers(&go_on(&desk).await.sent), [(2, 102)]);
}

#[tokio::test]
async fn an_enforced_budget_that_does_not_cover_the_next_link_leaves_the_others_alone() {
    let desk = Desk::new().await;
    enforced_with_three_hours(&desk).await;
    begin(&desk, "ahead: 2").await;
    ends(&desk, 101, 1, 1).await;
    assert_eq!(numbers(&go_on(&desk).await.sent), [(3, 103)], "the last hour that is free");
    ends(&desk, 102, 2, 1).await;
    let error = go_on(&desk).await.not_sent.expect("refused");
    assert!(error.why.contains("has 0.000 free"), "{error}");
    assert_eq!((held_hours(&desk).await, sent(&desk)), (3, 3));
    // What its links did not take is free again.
    enforce(&desk, false).await;
    assert_eq!(numbers(&go_on(&desk).await.sent), [(4, 104)]);
}

#[tokio::test]
async fn what_a_link_took_counts_as_all_of_it_until_it_is_in_the_books() {
    let desk = Desk::new().await;
    begin(&desk, "ahead: 2").await;
    ends(&desk, 101, 1, 1).await;
    let late = std::mem::take(&mut desk.says().runs);
    go_on(&desk).await;
    assert_eq!(held_hours(&desk).await, 3);
    assert_eq!(desk.settle("ada").await.amended, [], "nothing is given back that is still to be charged");
    desk.says().runs = late;
    let report = desk.settle("ada").await;
    assert_eq!((report.amended.len(), held_hours(&desk).await, desk.used().await), (0, 3, 3_600));
}

#[tokio::test]
async fn what_the_site_made_of_a_link_is_held_for_it() {
    let desk = Desk::new().await;
    desk.says().handed.filter = Some(|job| job.time_limit = Some(WallTime::from_seconds(7_200)));
    let answer = begin(&desk, "ahead: 2").await;
    assert_eq!(answer.drift, ["time limit: asked for 01:00:00, the scheduler keeps 02:00:00"]);
    assert_eq!(held_hours(&desk).await, 4);
    assert_eq!(desk.settle("ada").await.amended, []);
    desk.says().queue[1].time_limit = Some(WallTime::from_seconds(3 * 3_600));
    assert_eq!((desk.settle("ada").await.amended.len(), held_hours(&desk).await), (1, 5));
    assert_eq!(desk.settle("ada").await.amended, [], "once");
}

#[tokio::test]
async fn the_link_that_could_pass_its_gpu_hours_is_not_sent() {
    let desk = Desk::new().await;
    begin(&desk, "ahead: 2, max_gpu_hours: 3").await;
    ends(&desk, 101, 1, 1).await;
    assert_eq!(numbers(&go_on(&desk).await.sent), [(3, 103)]);
    ends(&desk, 102, 2, 1).await;
    assert_eq!(go_on(&desk).await.sent, []);
    ends(&desk, 103, 3, 1).await;
    desk.settle("ada").await;
    let (directory, _) = only_job(&desk).await;
    let over = directory.over().await.expect("read").expect("over");
    assert_eq!((over.why, over.link), (OverReason::Hours, Some(link(3))));
    assert!(directory.ended().await.expect("read").is_some());
    assert_eq!((held_hours(&desk).await, desk.used().await), (0, 3 * 3_600));
}

#[tokio::test]
async fn a_chain_that_cannot_be_bounded_so_or_has_two_owners_is_refused() {
    let desk = Desk::new().await;
    let extra = format!("{}scheduler: {{ extra: [\"--requeue\"] }}\n", text("ahead: 2"));
    for (text, what) in [
        (extra, "starts a link again beside the one behind it"),
        (text("max_gpu_hours: 1").replace("01:00:00", "02:00:00"), "one link may take 2.000 GPU-h, more than 1 GPU-h"),
    ] {
        let error = submit(&desk.house("ada"), wish(&text)).await.map(drop).expect_err("refused");
        assert!(error.mistakes.iter().any(|mistake| mistake.finding.what.contains(what)), "{error:?}");
    }
    assert_eq!(sent(&desk), 0);
}

#[tokio::test]
async fn a_cancelled_chain_leaves_nothing_behind_and_its_last_link_is_ended_first() {
    let desk = Desk::new().await;
    begin(&desk, "ahead: 3").await;
    let done = cancel(&desk.house("ada"), "once").await.expect("cancelled");
    assert_eq!(cancelled(&desk), [103, 102, 101]);
    assert_eq!(done.scheduler_jobs.len(), 3);
    assert!(!done.was_over && done.holds);
    let error = resume(&desk.house("ada"), "once").await.map(drop).expect_err("over");
    assert!(error.why.contains("it is over"), "{error}");
    let (directory, intent) = only_job(&desk).await;
    assert_eq!(desk.settle("ada").await.closed, [intent.id]);
    let ended = directory.ended().await.expect("read").expect("written");
    assert_eq!(ended.state.base, BaseState::Cancelled);
    assert!(cancel(&desk.house("ada"), "once").await.expect("known").was_over);
}

#[tokio::test]
async fn a_link_that_is_being_sent_while_its_chain_is_cancelled_is_taken_back() {
    let desk = Desk::new().await;
    begin(&desk, "ahead: 2").await;
    ends(&desk, 101, 1, 1).await;
    let house = desk.house("ada");
    desk.says().handed.meanwhile = Some(Box::pin(async move {
        let whole = move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async { cancel(&house, "once").await.map(drop) })
        };
        tokio::task::spawn_blocking(whole).await.expect("no panic").unwrap_or_else(|error| panic!("{error}"));
    }));
    let error = go_on(&desk).await.not_sent.expect("taken back");
    assert!(error.why.contains("it was cancelled while it was being submitted"), "{error}");
    let open = desk.says().queue.iter().filter(|job| !job.state.is_final()).count();
    assert_eq!((open, held_hours(&desk).await), (0, 3), "the settlement gives back what is held");
    desk.settle("ada").await;
    assert_eq!((held_hours(&desk).await, desk.used().await), (0, 3_600));
}

#[tokio::test]
async fn silence_is_no_end_of_a_link() {
    let desk = Desk::new().await;
    begin(&desk, "ahead: 2").await;
    desk.says().fails = Some(("states", AdapterErrorKind::Unreachable));
    let error: JobsError =
        resume(&desk.house("ada"), "once").await.expect("a chain").outcome.map(drop).expect_err("silence");
    assert!(error.what.contains("it is not known how far the links of the job are"), "{error}");
    // Nobody shows the first one, which has begun: it may be at work.
    let (directory, _) = only_job(&desk).await;
    journal(&directory, 1, 101, 1);
    fs::remove_file(directory.path().join("links/1/attempts/101-0/ended")).expect("ours");
    desk.says().queue.retain(|job| job.id != SchedulerJobId::new(101));
    desk.set_clock(NOW + DAY);
    assert_eq!(go_on(&desk).await.sent, []);
    assert_eq!(sent(&desk), 2);
}

/// A controller that was killed forgets what it had accepted.
#[tokio::test]
async fn a_link_that_the_scheduler_forgot_before_it_began_can_never_work_any_more_and_the_next_is_sent() {
    let desk = Desk::new().await;
    begin(&desk, "ahead: 2").await;
    desk.says().queue.retain(|job| job.id != SchedulerJobId::new(102));
    assert_eq!(go_on(&desk).await.sent, [], "it may be late");
    desk.set_clock(NOW + 61);
    assert_eq!(numbers(&go_on(&desk).await.sent), [(3, 103)]);
    let (directory, _) = only_job(&desk).await;
    let owner = fs::read_to_string(directory.path().join("links/2/claim/owner")).expect("taken");
    assert_eq!(owner, "scheduler_job=forgotten\n");
    let behind = desk.says().handed.sent[2].options[0].clone();
    assert_eq!(behind, "--dependency=afterany:101", "that number may be another's by now");
    assert_eq!(go_on(&desk).await.sent, [], "the first and the third are queued");
    // Of another one accounting shows for ever that it waits.
    let at = desk.says().queue.iter().position(|job| job.id == SchedulerJobId::new(103)).expect("queued");
    let forgotten = desk.says().queue.remove(at);
    desk.says().states.push(forgotten);
    desk.set_clock(NOW + 200);
    assert_eq!(numbers(&go_on(&desk).await.sent), [(4, 104)]);
    let owner = fs::read_to_string(directory.path().join("links/3/claim/owner")).expect("taken");
    assert_eq!(owner, "scheduler_job=forgotten\n");
    // Both were to be paid for, and are not any more.
    desk.settle("ada").await;
    assert_eq!(held_hours(&desk).await, 2);
}

#[tokio::test]
async fn a_chain_that_nobody_goes_on_with_keeps_its_hold_for_two_weeks() {
    let desk = Desk::new().await;
    begin(&desk, "max_links: 9").await;
    ends(&desk, 101, 1, 1).await;
    ends(&desk, 102, 2, 1).await;
    assert_eq!((desk.settle("ada").await.closed.len(), desk.used().await, held_hours(&desk).await), (0, 7_200, 2));
    let shown = show(&desk.house("ada"), "once", Freshness::Fresh).await.expect("known");
    assert!(shown.is_paused() && !shown.is_over());
    let listed = list(&desk.house("ada"), 9, true, Freshness::Fresh).await.expect("listed").jobs;
    assert!(matches!(listed[0].phase, Phase::Paused { .. }), "{:?}", listed[0].phase);
    desk.set_clock(NOW + 13 * DAY);
    assert_eq!(desk.settle("ada").await.closed, []);
    desk.set_clock(NOW + 16 * DAY);
    let (directory, intent) = only_job(&desk).await;
    assert_eq!(desk.settle("ada").await.closed, [intent.id]);
    let ended = directory.ended().await.expect("read").expect("written");
    assert_eq!((ended.state.base, ended.note.as_deref()), (BaseState::Failed, Some("nobody went on with it")));
}

#[tokio::test]
async fn all_chains_are_gone_on_with_together_and_what_is_none_is_left_alone() {
    let desk = Desk::new().await;
    begin(&desk, "ahead: 2").await;
    ends(&desk, 101, 1, 1).await;
    submit(&desk.house("ada"), wish(&ONE_GPU.replace("once", "other"))).await.expect("submitted");
    let resumed = resume_all(&desk.house("ada")).await.expect("resumed");
    let outcomes: Vec<_> = resumed
        .into_iter()
        .map(|one| (one.intent.name.to_string(), numbers(&one.outcome.expect("gone on with").sent)))
        .collect();
    assert_eq!(outcomes, [("once".to_owned(), vec![(3, 104)])]);
    let error = resume(&desk.house("ada"), "other").await.map(drop).expect_err("no chain");
    assert!(error.why.contains("it is no chain"), "{error}");
}

#[tokio::test]
async fn a_job_is_found_and_shown_by_any_of_its_links() {
    let desk = Desk::new().await;
    begin(&desk, "ahead: 2").await;
    for text in ["101", "102", "once"] {
        let shown = show(&desk.house("ada"), text, Freshness::Fresh).await.expect("known");
        assert_eq!(shown.submitted.map(|note| note.scheduler_job.raw()), Some(101), "{text}");
        assert_eq!(shown.links.len(), 2);
    }
    ends(&desk, 101, 1, 1).await;
    let shown = show(&desk.house("ada"), "once", Freshness::Fresh).await.expect("known");
    assert_eq!(shown.submitted.as_ref().map(|note| note.scheduler_job.raw()), Some(102), "the one that is at work");
    assert_eq!(shown.attempts.len(), 1);
    assert!(!shown.is_over() && shown.wants_link(&desk.house("ada")));
    let listed = list(&desk.house("ada"), 9, true, Freshness::Fresh).await.expect("listed").jobs;
    assert_eq!(listed[0].scheduler_job.map(SchedulerJobId::raw), Some(102));
}

#[tokio::test]
async fn chains_of_many_files_are_sent_link_by_link_and_never_as_an_array() {
    let desk = Desk::new().await;
    desk.says().largest_array = Some(1_001);
    let files = (0..6).map(|number| wish(&text("ahead: 2").replace("once", &format!("lm-{number}"))).file).collect();
    let wanted = || ManySubmission {
        files: Vec::new(),
        over: Over::Again,
        anyway: None,
        arrays: Arrays::Wanted { at_once: None },
    };
    let answer = submit_many(&desk.house("ada"), ManySubmission { files, ..wanted() }).await.expect("submitted");
    for member in &answer.members {
        let MemberOutcome::Submitted(answer) = &member.outcome else { panic!("{} was not", member.name) };
        assert_eq!((answer.links.len(), answer.notes.len()), (2, 0));
    }
    assert_eq!(sent(&desk), 12);
    assert!(desk.says().queue.iter().all(|job| job.form == JobForm::Single));
}

#[tokio::test]
async fn a_chain_goes_on_from_its_directory_alone_and_is_held_for_again() {
    let desk = Desk::new().await;
    begin(&desk, "ahead: 2").await;
    ends(&desk, 101, 1, 1).await;
    let (directory, intent) = only_job(&desk).await;
    // Another ledger, another state folder: of what was known at the login node nothing is left.
    let other = Desk::new().await;
    let lost = desk.house("ada").state.root().join("requests");
    fs::remove_dir_all(lost).expect("ours");
    let house = House { books: other.house("ada").books, state: other.house("ada").state, ..desk.house("ada") };
    let resumed = resume_directory(&house, directory.path()).await.expect("a chain").outcome.expect("gone on with");
    assert_eq!(numbers(&resumed.sent), [(3, 103)]);
    let house = House { state: desk.house("ada").state, ..house };
    settle(&house, SettleOptions::default()).await.expect("settled");
    let hold = other.book().hold(HoldId(intent.id)).await.expect("read").expect("entered");
    assert!(hold.is_open());
    assert_eq!((hold.charged.milli(), hold.ceiling.milli()), (HOUR, 3 * HOUR), "one link was charged, two are queued");
    for (path, why) in [("/tmp", "it is no directory of a job"), ("/tmp/jobs/nothing", "it is no directory of a job")] {
        let error = resume_directory(&house, path.as_ref()).await.map(drop).expect_err("none");
        assert!(error.why.contains(why), "{error}");
    }
}

#[tokio::test]
async fn a_chain_begins_at_the_checkpoint_of_an_earlier_one() {
    let desk = Desk::new().await;
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("300.pt");
    let at: Checkpoint = format!("300:{}", path.display()).parse().expect("a checkpoint");
    let with = |text: &str| Submission { checkpoint: Some(at.clone()), ..wish(text) };
    let house = desk.house("ada");
    let gone = submit(&house, with(&text("ahead: 2"))).await.map(drop).expect_err("refused");
    assert!(gone.why.contains("there is no checkpoint at"), "{gone}");
    fs::write(&path, "weights").expect("ours");
    let untold = submit(&house, with(ONE_GPU)).await.map(drop).expect_err("refused");
    assert!(untold.why.contains("it is no chain"), "{untold}");
    let answer = submit(&house, with(&text("ahead: 2"))).await.expect("submitted");
    let known = house.state.job(answer.id).checkpoints().await.expect("read");
    assert_eq!((known.last.as_ref(), known.gone), (Some(&at), 0));
    let again = submit(&house, with(&text("ahead: 2"))).await.expect("known");
    assert_eq!((again.id, again.outcome), (answer.id, SubmitOutcome::Already));
    assert_ne!(begin(&desk, "ahead: 2").await.id, answer.id, "without it, it is another request");
    assert_eq!(
        fs::read_to_string(house.state.job(answer.id).path().join("checkpoints")).expect("there").lines().count(),
        1
    );
}

#[tokio::test]
async fn a_paused_chain_that_is_cancelled_is_cancelled_and_not_over_before() {
    let desk = Desk::new().await;
    begin(&desk, "ahead: 2").await;
    ends(&desk, 101, 1, 1).await;
    ends(&desk, 102, 2, 1).await;
    let done = cancel(&desk.house("ada"), "once").await.expect("cancelled");
    assert!(done.was_paused && !done.was_over && done.holds && done.scheduler_jobs.is_empty());
    let shown = show(&desk.house("ada"), "once", Freshness::Fresh).await.expect("known");
    let state = shown.sighting.as_ref().map(|seen| seen.state.base);
    assert_eq!((shown.is_over(), shown.is_paused(), state), (true, false, Some(BaseState::Cancelled)));
    desk.settle("ada").await;
    assert_eq!((held_hours(&desk).await, desk.used().await), (0, 7_200));
}

#[tokio::test]
async fn whoever_submits_a_chain_anew_is_told_of_the_checkpoint_that_the_last_one_left() {
    let desk = Desk::new().await;
    begin(&desk, "ahead: 2").await;
    ends(&desk, 101, 1, 1).await;
    let (directory, _) = only_job(&desk).await;
    let path = directory.path().join("300.pt");
    fs::write(&path, "weights").expect("ours");
    fs::write(directory.path().join("checkpoints"), format!("300 {}\n", path.display())).expect("ours");
    assert_eq!(begin(&desk, "ahead: 2").await.notes, [""; 0], "it is the same job");
    is_over(&directory, "stalled");
    let notes = begin(&desk, "ahead: 2").await.notes;
    assert!(notes[0].contains(&format!("--checkpoint 300:{}", path.display())), "{notes:?}");
}

#[tokio::test]
async fn a_link_that_is_too_large_and_was_not_taken_back_is_tried_again_and_never_held_for() {
    let desk = Desk::new().await;
    enforced_with_three_hours(&desk).await;
    begin(&desk, "ahead: 2").await;
    ends(&desk, 101, 1, 1).await;
    desk.says().handed.filter = Some(|job| job.time_limit = Some(WallTime::from_seconds(4 * 3_600)));
    desk.says().fails = Some(("cancel", AdapterErrorKind::Unreachable));
    assert!(go_on(&desk).await.not_sent.is_some());
    assert_eq!((cancelled(&desk), held_hours(&desk).await), (vec![], 3));
    assert_eq!(desk.settle("ada").await.amended, [], "nobody authorised what it would take");
    let again = resume(&desk.house("ada"), "once").await.expect("a chain").outcome.map(drop).expect_err("taken back");
    assert!(again.what.contains("was submitted as 103 and taken back"), "{again}");
    assert_eq!(cancelled(&desk), [103]);
}

#[tokio::test]
async fn a_chain_of_which_accounting_lost_a_link_keeps_its_hold_for_two_weeks_and_no_longer() {
    let desk = Desk::new().await;
    begin(&desk, "ahead: 2").await;
    ends(&desk, 101, 1, 1).await;
    ends(&desk, 102, 2, 1).await;
    desk.says().runs.remove(0);
    let (directory, intent) = only_job(&desk).await;
    is_over(&directory, "done");
    assert_eq!(desk.settle("ada").await.closed, [], "its run may be late");
    desk.set_clock(NOW + 16 * DAY);
    assert_eq!((desk.settle("ada").await.closed, desk.used().await), (vec![intent.id], 3_600));
}
