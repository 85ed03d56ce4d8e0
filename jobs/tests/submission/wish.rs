//! What the tests submit, and short ways to say what came of it.

use crate::{
    cluster::waiting,
    desk::{Desk, HOUR, NOW, at},
    handed::KilledAfter,
};
use jobs::{
    JobsError, Step,
    directory::{Intent, JobDirectory},
    job_file::{JobFile, SourceFile},
    submit::{Submission, SubmitAnswer, submit},
};
use ledger::{Book, Command, Enforce, Hold, HoldId};
use model::{JobId, LinkNumber, Stamp};
use std::{path::PathBuf, sync::Arc};

/// A job of one GPU for one hour.
pub(crate) const ONE_GPU: &str = "name: once\nkind: command\nproject: atlas\nsite: testland\n\
    resources: { nodes: 1, gpus_per_node: 1, time: \"01:00:00\" }\nlaunch: command\nrun: \"true\"\nworkdir: ~\n";

/// The request of a job file.
pub(crate) fn wish(text: &str) -> Submission {
    let source = SourceFile {
        path: PathBuf::from("once.yaml"),
        directory: PathBuf::from("/tmp"),
        text: text.to_owned(),
        lines_before: 0,
    };
    let file = JobFile::read(source).unwrap_or_else(|mistakes| panic!("{mistakes:?}"));
    Submission { file, again: false, anyway: None, checkpoint: None }
}

/// Submits the job of one GPU as ada.
pub(crate) async fn once(desk: &Desk) -> Result<SubmitAnswer, JobsError> {
    submit(&desk.house("ada"), wish(ONE_GPU)).await
}

/// The failure of a submission.
pub(crate) async fn fails(desk: &Desk) -> JobsError {
    match once(desk).await {
        Ok(answer) => panic!("it was submitted as {}", answer.scheduler_job),
        Err(error) => error,
    }
}

/// Submits the job of one GPU by a process that is killed behind a step, or in a call where the cluster says so.
pub(crate) async fn killed(desk: &Desk, after: Option<Step>) {
    let mut house = desk.house("ada");
    if let Some(step) = after {
        house.steps = Arc::new(KilledAfter(step));
    }
    let ended = tokio::spawn(async move { submit(&house, wish(ONE_GPU)).await.map(drop) }).await;
    assert!(ended.is_err(), "it was not killed behind {after:?}");
}

/// The only job of ada's.
pub(crate) async fn only_job(desk: &Desk) -> (JobDirectory, Intent) {
    let state = desk.house("ada").state;
    let ids = state.ids().await.expect("listed");
    assert_eq!(ids.len(), 1, "{ids:?}");
    let directory = state.job(ids[0]);
    let intent = directory.intent().await.expect("read").expect("written");
    (directory, intent)
}

/// The hold of ada's only job.
pub(crate) async fn only_hold(desk: &Desk) -> Option<Hold> {
    let (_, intent) = only_job(desk).await;
    desk.book().hold(HoldId(intent.id)).await.expect("read")
}

/// How many hours are held open for ada's only job.
pub(crate) async fn held_hours(desk: &Desk) -> i64 {
    only_hold(desk).await.filter(Hold::is_open).map_or(0, |hold| hold.ceiling.milli() / HOUR)
}

/// How often the scheduler was handed a job.
pub(crate) fn sent(desk: &Desk) -> usize {
    desk.says().handed.sent.len()
}

/// The jobs that were taken back.
pub(crate) fn cancelled(desk: &Desk) -> Vec<u64> {
    desk.says().handed.cancelled.iter().map(|id| id.raw()).collect()
}

/// From now on the budget refuses what it does not cover, or it only advises.
pub(crate) async fn enforce(desk: &Desk, is_enforced: bool) {
    let enforce = Enforce {
        project: "atlas".parse().expect("a project"),
        unit: "testland:gpu".parse().expect("a unit"),
        is_enforced,
    };
    desk.post(&[Command::SetEnforce(enforce)]).await;
}

/// Whose a number is that the scheduler gave away again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Another {
    /// The next job of the same person, with a stamp of its own.
    OfAda,
    /// A job of somebody else, without a stamp.
    OfBob,
}

/// The scheduler forgot what it was handed, and gave the number 101 to another job, which is held and of four GPUs.
pub(crate) fn forgets(desk: &Desk, whose: Another) {
    let user = if whose == Another::OfAda { "ada" } else { "bob" };
    let mut other = waiting(101, user, NOW);
    let stamp = Stamp { job: JobId::from_parts(at(NOW), 7), link: LinkNumber::FIRST };
    (other.reason, other.stamp) = ("JobHeldUser".to_owned(), (whose == Another::OfAda).then_some(stamp));
    other.requested = model::Tres::read("cpu=8,gres/gpu=4,node=1").expect("a list");
    desk.says().queue = vec![other];
}
