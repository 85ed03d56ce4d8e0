//! What a site's submit filter made of a job: every difference is shown, and the hold follows the price.

use crate::{
    desk::{Desk, HOUR, NOW, at},
    stage::away::Away,
    wish::{Another, ONE_GPU, forgets, held_hours, killed, once, only_hold, only_job, wish},
};
use jobs::{Step, submit::submit};
use ledger::{Binding, Command, NewGrant};
use model::{Amount, Tres, WallTime, Window};
use scheduler_adapters::{AdapterErrorKind, JobSighting};
use std::sync::Arc;

/// A submit filter, what is shown of its work, and the hours held then.
type Case = (fn(&mut JobSighting), &'static [&'static str], i64);

fn asks_for(job: &mut JobSighting, tres: &str) {
    job.requested = Tres::read(tres).expect("a list");
}

/// Submits with each filter, and compares what is shown and held. `nodes: 1` of the job file is replaced by `asked`.
async fn expect(desk: impl AsyncFn() -> Desk, text: &str, cases: &[Case]) {
    for (number, (filter, drift, hours)) in cases.iter().enumerate() {
        let desk = desk().await;
        desk.says().handed.filter = Some(*filter);
        let answer =
            Box::pin(submit(&desk.house("ada"), wish(text))).await.unwrap_or_else(|error| panic!("{number}: {error}"));
        assert_eq!((&answer.drift[..], &answer.notes[..]), (&drift.map_to_text()[..], &[][..]), "case {number}");
        assert_eq!(held_hours(&desk).await, *hours, "case {number}");
        let shown = answer.hold.map(|(_, amount)| amount.milli() / HOUR);
        assert_eq!(shown, Some(*hours), "case {number}");
        let factors = answer.factors.expect("told");
        let product = u64::from(factors.tasks) * factors.nodes * factors.milli_per_node * factors.seconds;
        assert_eq!(i64::try_from(product).expect("fits"), hours * HOUR, "case {number}: {factors:?}");
        // Read back once: another submission changes and posts nothing.
        let entries = desk.entries().await.len();
        let again =
            Box::pin(submit(&desk.house("ada"), wish(text))).await.unwrap_or_else(|error| panic!("{number}: {error}"));
        assert_eq!((again.drift, desk.entries().await.len()), (answer.drift, entries), "case {number}");
    }
}

trait MapToText {
    fn map_to_text(&self) -> Vec<String>;
}

impl MapToText for &[&str] {
    fn map_to_text(&self) -> Vec<String> {
        self.iter().map(|text| (*text).to_owned()).collect()
    }
}

#[tokio::test]
async fn every_difference_is_shown_and_the_hold_follows_the_price() {
    let desk = async || {
        let mut desk = Desk::new().await;
        desk.profile_knows(&["gpu", "big"]);
        desk
    };
    let cases: [Case; 11] = [
        (|_| {}, &[], 1),
        (
            |job| job.partition = Some("big".parse().expect("a name")),
            &["partition: asked for gpu, the scheduler keeps big"],
            1,
        ),
        (
            |job| job.account = Some("other".parse().expect("a name")),
            &["account: asked for hai, the scheduler keeps other"],
            1,
        ),
        (|job| job.account = Some("HAI".parse().expect("a name")), &[], 1),
        (
            |job| job.time_limit = Some(WallTime::from_seconds(7_200)),
            &["time limit: asked for 01:00:00, the scheduler keeps 02:00:00"],
            2,
        ),
        (
            |job| asks_for(job, "cpu=16,gres/gpu=2,node=2"),
            &["nodes: asked for 1, the scheduler keeps 2", "GPUs: asked for 1, the scheduler keeps 2"],
            2,
        ),
        // The GPUs of more nodes follow from the nodes where the scheduler counts none.
        (
            |job| asks_for(job, "cpu=24,node=3"),
            &["nodes: asked for 1, the scheduler keeps 3", "GPUs: asked for 1, the scheduler keeps 3"],
            3,
        ),
        (|job| asks_for(job, "cpu=8,gres/gpu=4,node=1"), &["GPUs: asked for 1, the scheduler keeps 4"], 4),
        (|job| asks_for(job, "cpu=8,gres/gpu:h100=4,node=1"), &["GPUs: asked for 1, the scheduler keeps 4"], 4),
        (|job| asks_for(job, "cpu=8,node=1"), &[], 1),
        // It was asked for no QOS, and this site does not charge CPUs.
        (
            |job| {
                job.qos = Some("low".parse().expect("a name"));
                asks_for(job, "cpu=32,gres/gpu=1,node=1");
            },
            &[],
            1,
        ),
    ];
    expect(desk, ONE_GPU, &cases).await;
}

#[tokio::test]
async fn another_qos_than_was_asked_for_is_shown() {
    let text = format!("{ONE_GPU}scheduler: {{ qos: normal }}\n");
    let cases: [Case; 3] = [
        (|job| job.qos = Some("NORMAL".parse().expect("a name")), &[], 1),
        (|job| job.qos = Some("low".parse().expect("a name")), &["QOS: asked for normal, the scheduler keeps low"], 1),
        (|job| job.qos = None, &[], 1),
    ];
    expect(Desk::new, &text, &cases).await;
}

#[tokio::test]
async fn on_whole_nodes_all_gpus_are_priced_whatever_is_asked_for() {
    let exclusive = async || {
        let mut desk = Desk::new().await;
        desk.profile_says("sharing: shared", "sharing: exclusive");
        desk
    };
    let cases: [Case; 2] = [
        (|_| {}, &[], 4),
        (
            |job| asks_for(job, "cpu=16,gres/gpu=2,node=2"),
            &["nodes: asked for 1, the scheduler keeps 2", "GPUs: asked for 4, the scheduler keeps 8"],
            8,
        ),
    ];
    expect(exclusive, ONE_GPU, &cases).await;
    let text = format!("{ONE_GPU}scheduler: {{ extra: [--exclusive] }}\n");
    expect(Desk::new, &text, &[(|_| {}, &[], 4)]).await;
}

#[tokio::test]
async fn where_cpus_are_charged_more_of_them_are_shown_and_priced() {
    let slices = async || {
        let mut desk = Desk::new().await;
        let charge = "charge: { largest: [{ gpus: 1000 }, { cpus: 125 }] }, class: slice";
        desk.profile_says("charge: { gpus: 1000 }, class: gpu", charge);
        let unit: model::Unit = "testland:slice".parse().expect("a unit");
        let grant = Command::Grant(NewGrant {
            key: "g2".to_owned(),
            project: "atlas".parse().expect("a project"),
            programme: "GCS".parse().expect("a programme"),
            unit: unit.clone(),
            amount: Amount::from_milli(10 * HOUR),
            window: Window { from: at(NOW - 100), to: at(NOW + 1_000_000) },
            reference: "GCS-2026-18".to_owned(),
            lots: Vec::new(),
        });
        let bind = Command::Bind(Binding {
            site: "testland".parse().expect("a site"),
            account: Some("slices".parse().expect("an account")),
            partition: None,
            user: None,
            work_directory: None,
            name: None,
            unit,
            project: "atlas".parse().expect("a project"),
            from: at(0),
            to: None,
        });
        desk.post(&[grant, bind]).await;
        desk
    };
    let text = format!("{ONE_GPU}scheduler: {{ account: slices }}\n");
    // The scheduler may count the CPUs that come with a GPU only when it gives them: fewer are no difference.
    let cases: [Case; 2] = [
        (
            |job| {
                job.account = Some("slices".parse().expect("a name"));
                asks_for(job, "cpu=16,gres/gpu=1,node=1");
            },
            &["CPUs: asked for 8, the scheduler keeps 16"],
            2,
        ),
        (
            |job| {
                job.account = Some("slices".parse().expect("a name"));
                asks_for(job, "cpu=1,gres/gpu=1,node=1");
            },
            &[],
            1,
        ),
    ];
    expect(slices, &text, &cases).await;
}

#[tokio::test]
async fn a_job_that_is_not_read_back_is_read_by_the_next_submission() {
    let desk = Desk::new().await;
    desk.says().handed.filter = Some(|job| asks_for(job, "cpu=8,gres/gpu=4,node=1"));
    desk.says().fails = Some(("read back", AdapterErrorKind::Unreachable));
    let answer = once(&desk).await.expect("submitted");
    assert_eq!((answer.drift.len(), answer.notes.len(), held_hours(&desk).await), (0, 1, 1));
    let answer = once(&desk).await.expect("read");
    assert_eq!((answer.drift.len(), answer.notes.len(), held_hours(&desk).await), (1, 0, 4));
}

#[tokio::test]
async fn another_job_with_its_number_is_not_read_as_it() {
    for whose in [Another::OfAda, Another::OfBob] {
        let desk = Desk::new().await;
        killed(&desk, Some(Step::Submitted)).await;
        forgets(&desk, whose);
        let answer = once(&desk).await.expect("it was submitted");
        assert!(answer.notes.len() == 1 && answer.notes[0].contains("another job's by now"), "{:?}", answer.notes);
        assert_eq!((answer.drift, held_hours(&desk).await), (vec![], 1), "{whose:?}");
        let (directory, _) = only_job(&desk).await;
        assert!(directory.read_back().await.expect("read").is_none());
    }
}

#[tokio::test]
async fn a_hold_that_is_entered_later_is_of_what_the_scheduler_keeps() {
    for is_away_from_the_start in [true, false] {
        let desk = Desk::new().await;
        desk.says().handed.filter = Some(|job| asks_for(job, "cpu=8,gres/gpu=4,node=1"));
        if !is_away_from_the_start {
            killed(&desk, Some(Step::Scripted)).await;
        }
        let mut house = desk.house("ada");
        house.books = Arc::new(Away);
        let answer = submit(&house, wish(ONE_GPU)).await.map(|answer| (answer.notes, answer.no_hold.is_some()));
        assert_eq!(answer.expect("submitted"), (vec![], true));
        assert!(only_hold(&desk).await.is_none());
        let (directory, _) = only_job(&desk).await;
        assert!(directory.read_back().await.expect("read").is_some());
        desk.settle("ada").await;
        assert_eq!(held_hours(&desk).await, 4, "{is_away_from_the_start}");
    }
}
