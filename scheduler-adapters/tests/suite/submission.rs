//! Submitting once, and finding out whether.

use super::{Size, Stage, SystemClock, fresh_stamp, until};
use model::Clock;
use reach::Retry;
use scheduler_adapters::{AdapterErrorKind, Estimate, StampSearch};

pub(crate) async fn a_stamp_is_found_in_every_state(stage: &Stage) {
    let submission = stage.gated("found", Size::Small);
    let search = Stage::search(&submission);
    assert_eq!(stage.scheduler.find(&search).await.expect("both answer"), [], "nothing was submitted yet");
    let id = stage.submit(&submission).await;
    for wanted in ["waiting or running", "running", "ended"] {
        let found = stage.scheduler.find(&search).await.expect("both answer");
        let [job] = found.as_slice() else { panic!("{wanted}: {found:?}") };
        assert_eq!((job.sighting.id, job.sighting.stamp), (id, Some(submission.stamp)), "{wanted}");
        assert_eq!(job.sighting.user, stage.user);
        if wanted == "running" {
            stage.open(&submission);
            stage.ended(id).await;
        } else if wanted != "ended" {
            stage.running(id).await;
        }
    }
    let other = StampSearch { stamp: fresh_stamp(), ..search.clone() };
    assert_eq!(stage.scheduler.find(&other).await.expect("both answer"), []);
    let later = StampSearch { since: SystemClock.now().plus_seconds(30 * 86_400), ..search };
    assert_eq!(stage.scheduler.find(&later).await.expect("both answer"), [], "submitted long before the intent");
}

pub(crate) async fn a_stamp_used_twice_is_found_twice(stage: &Stage) {
    let submission = stage.submission("twice", Size::Small, "true");
    let mut ids = [stage.submit(&submission).await, stage.submit(&submission).await];
    ids.sort_unstable();
    let found = stage.scheduler.find(&Stage::search(&submission)).await.expect("both answer");
    let mut found: Vec<_> = found.iter().map(|job| job.sighting.id).collect();
    found.sort_unstable();
    assert_eq!(found, ids);
    for id in ids {
        stage.ended(id).await;
    }
}

pub(crate) async fn what_cannot_run_is_refused(stage: &Stage) {
    let submission = stage.submission("impossible", Size::Impossible, "true");
    let error = stage.scheduler.submit(&submission).await.expect_err("there is not so much");
    let AdapterErrorKind::Refused { said } = &error.kind else { panic!("{error:?}") };
    assert!(!said.is_empty());
    assert_eq!(stage.scheduler.find(&Stage::search(&submission)).await.expect("both answer"), []);
    let estimate = stage.scheduler.estimate(&submission).await.expect("it answers");
    assert!(matches!(estimate, Estimate::Refused { .. }), "{estimate:?}");
}

pub(crate) async fn more_jobs_than_a_limit_lets_wait_are_refused_and_taken_later(stage: &Stage) {
    let waiting = || {
        let mut submission = stage.submission("limited", Size::Small, "true");
        submission.options = vec!["--qos=few".to_owned(), "--hold".to_owned()];
        submission
    };
    // The QOS lets one job of a person wait; that may be another test's at first.
    let taken = || until(async || stage.scheduler.submit(&waiting()).await.ok());
    let first = taken().await.expect("there is room for one").id;
    let refused = waiting();
    let error = stage.scheduler.submit(&refused).await.expect_err("there is room for one");
    let AdapterErrorKind::Refused { said } = &error.kind else { panic!("{error:?}") };
    assert!(said.contains("Job violates accounting/QOS policy"), "{said}");
    assert_eq!(error.retry, Retry::Later);
    assert_eq!(stage.scheduler.find(&Stage::search(&refused)).await.expect("both answer"), [], "nothing was sent");
    stage.scheduler.cancel(first).await.expect("it makes room");
    let later = taken().await.expect("there is room again").id;
    stage.scheduler.cancel(later).await.expect("taken back");
}

pub(crate) async fn a_start_is_estimated(stage: &Stage) {
    let submission = stage.submission("estimated", Size::Small, "true");
    let now = SystemClock.now();
    match stage.scheduler.estimate(&submission).await.expect("it answers") {
        Estimate::StartsAt { at, said } => assert!(at >= now.plus_seconds(-60), "{said}"),
        other => panic!("{other:?}"),
    }
    assert_eq!(stage.scheduler.find(&Stage::search(&submission)).await.expect("both answer"), []);
}

pub(crate) async fn the_cluster_describes_itself(stage: &Stage) {
    let facts = stage.scheduler.describe().await.expect("it answers");
    assert_eq!(facts.cluster, stage.runs().await.cluster);
    assert_eq!(stage.scheduler.cluster_name().await.as_ref(), Ok(&facts.cluster));
    assert!(!facts.version.is_empty());
    assert!(facts.tracks_gpus);
    let partition = facts.partitions.first().expect("one at least");
    assert!(partition.is_up && partition.nodes > 0 && !partition.groups.is_empty(), "{partition:?}");
    let accounting = facts.accounting.expect("accounting answers");
    assert!(accounting.associations.iter().any(|found| found.user.as_ref() == Some(&stage.user)), "{accounting:?}");
    assert_eq!(stage.scheduler.capabilities().keeps_comments, Some(facts.stores_comments));
}
