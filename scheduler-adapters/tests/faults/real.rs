//! Real servers that stop, real filters, and what one person of the lab sees of another.

use crate::{
    stages::real::{jupiter, scheduler_as},
    suite::{Size, Stage, SystemClock, fresh_stamp, long_ago, until},
};
use lab::User;
use model::{Clock, EvidenceClass, LinkNumber, SchedulerJobId, Stamp, Window};
use reach::Retry;
use scheduler_adapters::{AdapterErrorKind, RunWindow, Scheduler, StampSearch, Users, Whose};

fn search(stamp: Stamp) -> StampSearch {
    StampSearch { stamp, job_name: format!("x.{stamp}"), user: None, since: SystemClock.now() }
}

#[tokio::test]
async fn real_servers_that_are_down_are_no_empty_answers() {
    let cluster = lab::attach_exclusive("jupiter").expect("the lab is up");
    let scheduler = scheduler_as(&cluster, User::Ada);
    let search = search(fresh_stamp());
    cluster.stop_slurmdbd().expect("it stops");
    let error = scheduler.find(&search).await.expect_err("accounting is down");
    assert_eq!((error.kind, error.retry), (AdapterErrorKind::AccountingDown, Retry::Later));
    let facts = scheduler.describe().await.expect("the controller answers");
    assert!(facts.accounting.is_none() && !facts.partitions.is_empty());
    cluster.start_slurmdbd().expect("it starts");
    cluster.stop_slurmctld().expect("it stops");
    let error = scheduler.find(&search).await.expect_err("the controller is down");
    assert_eq!((error.kind, error.retry), (AdapterErrorKind::Unreachable, Retry::Later));
    let error = scheduler.states(&[SchedulerJobId::new(66_000_001)], long_ago()).await.expect_err("nobody can say");
    assert_eq!(error.kind, AdapterErrorKind::Unreachable);
    cluster.start_slurmctld().expect("it starts");
    assert!(scheduler.find(&search).await.expect("both answer").is_empty());
}

#[tokio::test]
async fn real_runs_of_others_are_read_by_a_coordinator() {
    let stage = jupiter();
    let submission = stage.submission("read", Size::Small, "true");
    let id = stage.submit(&submission).await;
    stage.ended(id).await;
    // The stage holds the cluster together with this second hold of the same kind.
    let cluster = lab::attach("jupiter").expect("the lab is up");
    let cleo = scheduler_as(&cluster, User::Cleo);
    let now = SystemClock.now();
    let whose = Whose { users: Users::Visible, accounts: vec!["atlas".parse().expect("an account")] };
    let window = Window { from: now.plus_seconds(-3600), to: now.plus_seconds(60) };
    let window = RunWindow { site: stage.site.clone(), window, whose };
    // Accounting lags behind the queue.
    let seen = until(async || {
        let batch = cleo.runs(&window).await.expect("accounting answers");
        assert_eq!(batch.coverage.asked_by.as_str(), User::Cleo.name());
        batch.runs.into_iter().find(|run| run.key.scheduler_job == id)
    });
    let run = seen.await.expect("a coordinator sees it");
    assert_eq!((run.evidence, &run.user), (EvidenceClass::CoordinatorRead, &stage.user));
    let error = cleo.cancel(id).await;
    assert_eq!(error, Ok(()), "it has ended, so there is nothing to refuse");
}

#[tokio::test]
async fn real_jobs_of_others_are_not_ours_to_cancel() {
    let stage = jupiter();
    let submission = stage.gated("theirs", Size::Small);
    let id = stage.submit(&submission).await;
    stage.running(id).await;
    let cluster = lab::attach("jupiter").expect("the lab is up");
    let error = scheduler_as(&cluster, User::Ben).cancel(id).await.expect_err("it is ada's");
    assert_eq!((error.kind, error.retry), (AdapterErrorKind::NotPermitted, Retry::Never));
    let other = Stamp { link: LinkNumber::new(2).expect("not zero"), ..submission.stamp };
    assert!(
        stage
            .scheduler
            .find(&StampSearch { stamp: other, ..Stage::search(&submission) })
            .await
            .is_ok_and(|jobs| jobs.is_empty())
    );
    stage.open(&submission);
    stage.ended(id).await;
}
