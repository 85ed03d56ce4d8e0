//! Why a job waits, and what would start sooner.

use crate::{
    choosing::grant_at,
    cluster::waiting,
    desk::{DAY, Desk, HOUR, NOW, at},
    wish::once,
};
use async_trait::async_trait;
use jobs::{
    Neighbour, Neighbourhood,
    directory::{Origin, Released},
    why::{Change, MOST_QUESTIONS, Offer, Standing, Waits, Why, why},
};
use ledger::{Command, Decision, FixedTerm, HardStop, NewOpening, Policy, Reason, SetPolicy, UsedUp};
use model::{Amount, BaseState, JobId, JobState, LinkNumber, PendingClass, Stamp, Tres, WallTime, Window};
use scheduler_adapters::{
    AdapterError, AdapterErrorKind, Estimate, Limit, LimitHolder, PartitionFacts, PendingJob, QueuePlace, Reservation,
};
use std::sync::Mutex;

fn partition(name: &str) -> PartitionFacts {
    PartitionFacts {
        name: name.parse().expect("a partition"),
        is_default: false,
        is_up: true,
        max_time: Some(WallTime::from_seconds(86_400)),
        default_time: None,
        max_nodes: Some(4),
        qos: None,
        allowed_accounts: None,
        is_exclusive: false,
        tres: Tres::default(),
        nodes: 4,
        groups: Vec::new(),
    }
}

/// Job 101 as the queue has it, in partition `gpu`, third of five.
fn pending(reason: &str) -> PendingJob {
    let mut sighting = waiting(101, "ada", NOW);
    (sighting.reason, sighting.qos) = (reason.to_owned(), Some("normal".parse().expect("a QOS")));
    let gpu = sighting.partition.clone().expect("it is in one");
    PendingJob {
        partitions: vec![gpu.clone()],
        sighting,
        priority: Some(100),
        dependency: String::new(),
        eligible_at: None,
        reservation: None,
        features: String::new(),
        required_nodes: String::new(),
        places: Ok(vec![QueuePlace { partition: gpu, ahead: 2, waiting: 5, is_whole: Some(true) }]),
        running: None,
        all_partitions: Ok(vec![partition("gpu"), partition("other")]),
        reservations: Ok(Vec::new()),
        limits: Ok(Vec::new()),
    }
}

fn maintenance(from: i64) -> Reservation {
    Reservation {
        name: "maint".to_owned(),
        period: Window { from: at(NOW + from), to: at(NOW + from + 7_200) },
        nodes: "n[1-4]".to_owned(),
        node_count: Some(4),
        partition: None,
        flags: vec!["MAINT".to_owned(), "ALL_NODES".to_owned()],
        users: Vec::new(),
        accounts: Vec::new(),
    }
}

/// A submitted job of ada's that waits as told.
async fn desk(job: PendingJob) -> Desk {
    let mut desk = Desk::new().await;
    desk.profile_knows(&["gpu", "other", "third"]);
    Box::pin(once(&desk)).await.expect("submitted");
    desk.says().pending = Some(job);
    desk
}

/// The sites that a test says are reached.
struct Reached(Mutex<Vec<Neighbour>>);

#[async_trait(?Send)]
impl Neighbourhood for Reached {
    async fn neighbours(&self) -> Vec<Neighbour> {
        std::mem::take(&mut *self.0.lock().expect("whole"))
    }
}

/// No other site is reached.
fn none() -> Reached {
    Reached(Mutex::default())
}

async fn asked(desk: &Desk, text: &str) -> Why {
    why(&desk.house("ada"), text, &none()).await.expect("answered")
}

async fn waits(desk: &Desk) -> Waits {
    match asked(desk, "once").await.standing {
        Standing::Pending(waits) => *waits,
        _ => panic!("it waits"),
    }
}

#[tokio::test]
async fn the_wait_of_another_job_with_its_number_is_not_explained_as_its_own() {
    let mut other = pending("Priority");
    other.sighting.stamp = Some(Stamp { job: JobId::from_parts(at(NOW), 7), link: LinkNumber::FIRST });
    let stranger = PendingJob { sighting: waiting(101, "bob", NOW), ..pending("Priority") };
    for job in [other, stranger] {
        let desk = desk(job).await;
        match asked(&desk, "once").await.standing {
            Standing::Unknown { why } => assert!(why.contains("another job's by now"), "{why}"),
            _ => panic!("nothing is known of it"),
        }
    }
}

fn said(waits: &Waits) -> Vec<&str> {
    waits.causes.iter().map(|cause| cause.what.as_str()).collect()
}

#[tokio::test]
async fn the_schedulers_reason_comes_first_and_limits_have_figures() {
    let mut job = pending("QOSMaxJobsPerUserLimit");
    job.limits = Ok(vec![Limit {
        holder: LimitHolder::PersonInQos("normal".parse().expect("a QOS")),
        name: "MaxJobsPU".to_owned(),
        resource: String::new(),
        most: 8,
        used: Some(8),
    }]);
    let desk = desk(job).await;
    let waits = waits(&desk).await;
    let expected = [
        "you have as many as one person may in its QOS: running jobs",
        "QOS `normal`, for each person, lets 8 jobs run at once; 8 run",
    ];
    assert_eq!(said(&waits), expected);
    assert_eq!(waits.causes[0].next.as_deref(), Some("wait until one of your jobs ends"));
    assert!(waits.unread.is_empty(), "{:?}", waits.unread);
    assert!(waits.advice.is_some(), "a budget pays for it");
}

#[tokio::test]
async fn a_maintenance_in_the_way_is_told_with_the_time_that_fits() {
    let mut job = pending("Resources");
    job.reservations = Ok(vec![maintenance(2_000), maintenance(3_601)]);
    let desk = desk(job).await;
    let waits = waits(&desk).await;
    assert_eq!(waits.causes.len(), 2, "the other one begins when it is over: {:?}", waits.causes);
    let expected = "with 00:30:00 at most it could end before, if it started now";
    assert_eq!(waits.causes[1].next.as_deref(), Some(expected));
}

#[tokio::test]
async fn a_dependency_is_told_with_its_job_and_whether_it_can_come_true() {
    for (state, class, expected) in [
        (BaseState::Running, PendingClass::Dependency, "it waits for job 7 (`afterok`), which is RUNNING"),
        (
            BaseState::Failed,
            PendingClass::Never,
            "it waits for job 7 (`afterok`), which is FAILED: that never comes true any more",
        ),
    ] {
        let mut job = pending("Dependency");
        job.dependency = "afterok:7(unfulfilled)".to_owned();
        let desk = desk(job).await;
        let mut other = waiting(7, "ada", NOW);
        other.state = JobState::of(state);
        desk.says().states.push(other);
        let waits = waits(&desk).await;
        assert_eq!((waits.causes[1].class, waits.causes[1].what.as_str()), (class, expected));
        assert!(waits.sooner.is_none(), "nothing of that is sooner elsewhere");
    }
}

#[tokio::test]
async fn what_was_not_told_is_said_and_an_unknown_reason_is_kept() {
    let mut job = pending("FluxCapacitor");
    let silent = || AdapterError::new(AdapterErrorKind::Unreachable, "asking the controller (scontrol)");
    (job.limits, job.reservations) = (Err(silent()), Err(silent()));
    let desk = desk(job).await;
    let waits = waits(&desk).await;
    assert!(said(&waits)[0].contains("`FluxCapacitor`"), "{:?}", waits.causes);
    let expected = [
        "reservations and maintenance could not be read: asking the controller (scontrol): no answer",
        "limits of account and QOS could not be read: asking the controller (scontrol): no answer",
    ];
    assert_eq!(waits.unread, expected);
}

#[tokio::test]
async fn a_job_that_does_not_fit_its_partition_never_starts() {
    let mut job = pending("PartitionTimeLimit");
    job.sighting.time_limit = Some(WallTime::from_seconds(2 * 86_400));
    let desk = desk(job).await;
    let waits = waits(&desk).await;
    assert_eq!(said(&waits)[1], "partition `gpu` lets a job run for 1-00:00:00, and it asks for 2-00:00:00");
    assert!(waits.causes.iter().all(|cause| cause.class == PendingClass::Never));
}

/// What the cluster thinks of a script: half an hour starts at once, partition `other` in an hour, all else in ten.
fn by_script(script: &str) -> Estimate {
    let after = if script.contains("--time=00:30:00") {
        0
    } else if script.contains("--partition=other") {
        3_600
    } else {
        36_000
    };
    Estimate::StartsAt { at: at(NOW + after), said: String::new() }
}

#[tokio::test]
async fn what_would_start_sooner_is_asked_and_shown_soonest_first() {
    let desk = desk(pending("Resources")).await;
    desk.says().estimates = Some(by_script);
    let sooner = waits(&desk).await.sooner.expect("asked");
    let offer = |change, after| Offer { change, starts_at: at(NOW + after) };
    let expected = [
        offer(Change::Time(WallTime::from_seconds(1_800)), 0),
        offer(Change::Partition("other".parse().expect("a partition")), 3_600),
    ];
    assert_eq!((sooner.offers.as_slice(), sooner.unchanged_at), (expected.as_slice(), Some(at(NOW + 36_000))));
    assert_eq!((sooner.asked, desk.says().estimated.len()), (3, 3), "itself, a half and a partition");
}

#[tokio::test]
async fn when_the_scheduler_expects_it_to_start_is_told_as_long_as_that_is_still_to_come() {
    for (start, expected) in [(Some(500), Some(at(NOW + 500))), (Some(0), None), (Some(-500), None), (None, None)] {
        let mut job = pending("Priority");
        job.sighting.started_at = start.map(|after| at(NOW + after));
        let desk = desk(job).await;
        assert_eq!(waits(&desk).await.expected_start, expected, "{start:?}");
    }
}

fn in_half_an_hour(_: &str) -> Estimate {
    Estimate::StartsAt { at: at(NOW + 1_800), said: String::new() }
}

/// So close to what the job's own site says that it is not worth a change.
fn nine_minutes_sooner(_: &str) -> Estimate {
    Estimate::StartsAt { at: at(NOW + 36_000 - 540), said: String::new() }
}

#[tokio::test]
async fn another_site_that_would_start_it_sooner_is_offered_where_a_budget_pays_for_it() {
    let desk = desk(pending("Resources")).await;
    desk.says().estimates = Some(by_script);
    let other = Desk::new().await;
    let elsewhere = async |estimates: fn(&str) -> Estimate| {
        other.says().estimates = Some(estimates);
        let house = desk.house_at(&other, "otherland", "ada");
        let neighbour = Neighbour { site: house.here.clone(), house: Ok(house) };
        let reached = Reached(Mutex::new(vec![neighbour]));
        let found = Box::pin(why(&desk.house("ada"), "once", &reached)).await.expect("answered");
        let Standing::Pending(waits) = found.standing else { panic!("it waits") };
        let sooner = waits.sooner.expect("asked");
        let is_elsewhere = |offer: &Offer| matches!(offer.change, Change::Site(_));
        (sooner.offers.into_iter().filter(is_elsewhere).collect::<Vec<_>>(), sooner.notes)
    };
    let (offers, notes) = elsewhere(in_half_an_hour).await;
    assert_eq!((offers, notes.len()), (Vec::new(), 1), "nobody pays there: {notes:?}");
    grant_at(&desk, &other).await;
    let offer = Offer { change: Change::Site("otherland".parse().expect("a site")), starts_at: at(NOW + 1_800) };
    assert_eq!(elsewhere(in_half_an_hour).await, (vec![offer], Vec::new()));
    assert_eq!(elsewhere(nine_minutes_sooner).await, (Vec::new(), Vec::new()));
}

/// What the site does with the budget of the desk once it is used up.
async fn follows(desk: &Desk, policy: Policy) {
    let (unit, project) = ("testland:gpu".parse().expect("a unit"), "atlas".parse().expect("a project"));
    let zone = "Europe/Berlin".parse().expect("a zone");
    desk.post(&[Command::SetPolicy(SetPolicy { project, unit, policy, zone })]).await;
}

/// Half as much again as was granted was used, as the site's portal says.
async fn is_used_up(desk: &Desk) {
    let used = NewOpening {
        project: "atlas".parse().expect("a project"),
        unit: "testland:gpu".parse().expect("a unit"),
        used_before: Amount::from_milli(1500 * HOUR),
        since: None,
        as_of: at(NOW - DAY),
        note: "portal".to_owned(),
    };
    desk.post(&[Command::Opening(used)]).await;
}

/// Ways of a site with a budget that is used up.
pub(crate) fn stops() -> Policy {
    HardStop::default().into()
}

pub(crate) fn goes_on_behind_others() -> Policy {
    FixedTerm { used_up: UsedUp::LowPriority }.into()
}

/// A budget of which nothing is left, at a site with that way.
pub(crate) async fn use_up(desk: &Desk, policy: Policy) {
    follows(desk, policy).await;
    is_used_up(desk).await;
}

#[tokio::test]
async fn a_budget_that_is_used_up_says_what_the_site_does_with_the_job() {
    let why = || Reason::UsedUp { beyond: Amount::from_milli(500 * HOUR) };
    for (policy, expected) in [
        (stops(), Decision::Deny { why: why(), until: None }),
        (goes_on_behind_others(), Decision::LowPriority { why: why(), until: None }),
    ] {
        let desk = desk(pending("Priority")).await;
        follows(&desk, policy).await;
        let decision = async || waits(&desk).await.advice.expect("a budget pays for it").decision;
        assert_eq!(decision().await, Decision::Allow, "it is covered");
        is_used_up(&desk).await;
        assert_eq!(decision().await, expected);
    }
}

#[tokio::test]
async fn never_more_than_six_questions_are_asked() {
    let mut job = pending("Priority");
    job.reservations = Ok(vec![maintenance(2_800)]);
    job.all_partitions = Ok(["gpu", "other", "third"].map(partition).to_vec());
    let desk = desk(job).await;
    desk.says().estimates = Some(by_script);
    let neighbour = |house| Neighbour { site: "testland".parse().expect("a site"), house };
    let neighbours =
        [neighbour(Ok(desk.house("ada"))), neighbour(Err("no answer".to_owned())), neighbour(Ok(desk.house("ada")))];
    let reached = Reached(Mutex::new(neighbours.into()));
    let found = Box::pin(why(&desk.house("ada"), "once", &reached)).await.expect("answered");
    let Standing::Pending(waits) = found.standing else { panic!("it waits") };
    let sooner = waits.sooner.expect("asked");
    assert_eq!((sooner.asked, desk.says().estimated.len()), (MOST_QUESTIONS, MOST_QUESTIONS));
    let expected = ["testland was not reached: no answer", "testland was not asked: 6 questions are enough"];
    assert_eq!(sooner.notes, expected);
}

#[tokio::test]
async fn of_a_limit_no_estimate_promises_anything() {
    let desk = desk(pending("QOSMaxJobsPerUserLimit")).await;
    desk.says().estimates = Some(by_script);
    let sooner = waits(&desk).await.sooner.expect("asked");
    assert_eq!((sooner.asked, sooner.offers.len()), (1, 0));
}

#[tokio::test]
async fn a_job_that_pakt_did_not_submit_is_explained_to_its_owner_alone() {
    let desk = Desk::new().await;
    desk.says().queue.extend([waiting(101, "ada", NOW), waiting(102, "ben", NOW)]);
    desk.says().pending = Some(pending("Priority"));
    desk.says().estimates = Some(by_script);
    let Standing::Pending(waits) = asked(&desk, "101").await.standing else { panic!("it waits") };
    assert_eq!(said(&waits), ["other jobs come before it"]);
    let script = desk.says().estimated[0].clone();
    for line in ["--nodes=1", "--partition=gpu", "--account=hai", "--qos=normal", "--time=01:00:00", "--gres=gpu:1"] {
        assert!(script.contains(&format!("#SBATCH {line}\n")), "{line}: {script}");
    }
    let house = desk.house("ada");
    let Err(others) = why(&house, "102", &none()).await else { panic!("it is ben's") };
    assert!(others.why.contains("is of ben"), "{others}");
    let Err(nobodys) = why(&house, "103", &none()).await else { panic!("nobody has it") };
    assert!(nobodys.why.contains("the scheduler does not know it either"), "{nobodys}");
}

#[tokio::test]
async fn a_script_that_pakt_holds_says_so_and_one_that_was_let_go_is_its_owners() {
    let desk = Desk::new().await;
    let origin = Origin::Script { path: "train.sh".to_owned(), words: Vec::new() };
    let job = desk.job("ada", 1, NOW, origin).await;
    job.submitted(101, NOW, None).await;
    desk.says().queue.push(waiting(101, "ada", NOW));
    desk.says().pending = Some(pending("JobHeldUser"));
    let cause = |why: Why| match why.standing {
        Standing::Pending(waits) => waits.causes[0].what.clone(),
        _ => panic!("it waits"),
    };
    let held = "Pakt submitted it held, and was interrupted before it let it go";
    assert_eq!(cause(asked(&desk, "job-1").await), held);
    job.directory.put_released(&Released { at: at(NOW) }).await.expect("written");
    assert_eq!(cause(asked(&desk, "job-1").await), "its owner holds it");
}

#[tokio::test]
async fn a_job_that_runs_or_is_over_does_not_wait() {
    let desk = desk(pending("Priority")).await;
    let mut running = waiting(101, "ada", NOW);
    running.state = JobState::of(BaseState::Running);
    desk.says().queue = vec![running.clone()];
    assert!(matches!(asked(&desk, "once").await.standing, Standing::Running(_)));
    running.state = JobState::of(BaseState::Completed);
    desk.says().queue = vec![running];
    assert!(matches!(asked(&desk, "once").await.standing, Standing::Ended(_)));
    desk.says().queue = Vec::new();
    assert!(matches!(asked(&desk, "once").await.standing, Standing::Unknown { .. }));
}

#[tokio::test]
async fn a_queue_that_does_not_answer_is_a_failure_and_no_reason() {
    let desk = desk(pending("Priority")).await;
    desk.says().fails = Some(("pending", AdapterErrorKind::Unreachable));
    let Err(error) = why(&desk.house("ada"), "once", &none()).await else { panic!("nobody answered") };
    assert_eq!(error.gravity, jobs::Gravity::Unreachable);
}
