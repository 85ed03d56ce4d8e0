//! Real servers that stop, real filters, and what one person of the lab sees of another.

use crate::{
    stages::{
        real::{jupiter, native, raven, rest, scheduler_as},
        wrapped::{Wrapped, as_user},
    },
    suite::{Size, Stage, SystemClock, fresh_stamp, long_ago, until},
};
use lab::User;
use model::{Clock, EvidenceClass, LinkNumber, PartitionName, SchedulerJobId, Stamp, Window};
use reach::{Command, Local, Retry};
use scheduler_adapters::{
    AdapterErrorKind, Estimate, JobForm, RunWindow, Scheduler, SlurmCommands, StampSearch, Submission, Users, Whose,
};
use std::{os::unix::fs::PermissionsExt, sync::Arc};

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

#[tokio::test]
async fn real_authentication_that_fails_is_no_refusal_and_no_empty_answer() {
    let stage = jupiter();
    let cluster = lab::attach("jupiter").expect("the lab is up");
    // As where munged is down: nobody can prove who asks.
    let conf = std::fs::read_to_string(&cluster.slurm_conf).expect("root reads it");
    let conf = conf.replace("/munge.socket", "/no-such.socket");
    let path = stage.folder.join("slurm.conf");
    std::fs::write(&path, conf).expect("ours");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).expect("ours");
    let conf = path.display().to_string();
    let as_ada = move |command: &Command| as_user(command, User::Ada.name()).variable("SLURM_CONF", &conf);
    let reach = Wrapped(as_ada, Local);
    let scheduler = SlurmCommands::new(Arc::new(reach), Arc::new(SystemClock));
    let submission = stage.submission("unproven", Size::Small, "true");
    let error = scheduler.submit(&submission).await.expect_err("nobody can prove who asks");
    assert_eq!((&error.kind, error.retry), (&AdapterErrorKind::OutcomeUnknown, Retry::LookFirst), "{error}");
    let later = (AdapterErrorKind::Unreachable, Retry::Later);
    let error = scheduler.find(&Stage::search(&submission)).await.expect_err("nobody was asked");
    assert_eq!((error.kind.clone(), error.retry), later, "{error}");
    let error = scheduler.estimate(&submission).await.expect_err("nobody was asked");
    assert_eq!((error.kind.clone(), error.retry), later, "{error}");
    for error in [
        scheduler.cancel(SchedulerJobId::new(66_000_001)).await.expect_err("nobody was asked"),
        scheduler.release(SchedulerJobId::new(66_000_001)).await.expect_err("nobody was asked"),
        scheduler.cluster_name().await.expect_err("nobody was asked"),
    ] {
        assert_eq!((error.kind.clone(), error.retry), later, "{error}");
    }
    assert_eq!(stage.scheduler.find(&Stage::search(&submission)).await, Ok(vec![]), "it never came");
}

#[tokio::test]
async fn real_variables_of_the_caller_reach_a_job_of_the_library_whatever_their_bytes_but_for_a_token() {
    let cluster = lab::attach("jupiter").expect("the lab is up");
    let stage = native(jupiter(), "jupiter");
    let token = cluster.token(User::Ada, 600).expect("a token");
    // The helper with two variables more.
    let (helper, own) = (stage.folder.join("pakt-slurm"), stage.folder.join("pakt-slurm.own"));
    std::fs::rename(&helper, &own).expect("ours");
    let wrapper =
        format!("#!/bin/bash\nexport PLACE=$'M\\xfcnchen' SLURM_JWT={token}\nexec {} \"$@\"\n", own.display());
    std::fs::write(&helper, wrapper).expect("ours");
    std::fs::set_permissions(&helper, std::fs::Permissions::from_mode(0o755)).expect("ours");
    let seen = stage.folder.join("seen");
    let submission = stage.submission("variables", Size::Small, &format!("env -0 >{}", seen.display()));
    let id = stage.submit(&submission).await;
    stage.ended(id).await;
    let seen = std::fs::read(&seen).expect("the job wrote it");
    let variables: Vec<&[u8]> = seen.split(|byte| *byte == 0).collect();
    assert!(variables.contains(&&b"PLACE=M\xfcnchen"[..]), "{}", String::from_utf8_lossy(&seen));
    assert!(!variables.iter().any(|variable| variable.starts_with(b"SLURM_JWT")));
}

/// A partition that is shown to nobody who does not ask for it, as long as this lives.
struct HiddenPartition {
    cluster: Arc<lab::Cluster>,
    name: String,
}

impl HiddenPartition {
    fn new(name: &str) -> Self {
        let cluster = Arc::new(lab::attach("jupiter").expect("the lab is up"));
        let hidden = Self { cluster, name: format!("{name}-{}", std::process::id()) };
        let name = format!("PartitionName={}", hidden.name);
        hidden.cluster.scontrol(["create", &name, "Nodes=ALL", "Hidden=YES", "MaxTime=5"]).expect("created");
        hidden
    }
}

impl Drop for HiddenPartition {
    fn drop(&mut self) {
        let deleted = self.cluster.scontrol(["delete", &format!("PartitionName={}", self.name)]);
        if !std::thread::panicking() {
            deleted.expect("its job has ended");
        }
    }
}

#[tokio::test]
async fn real_jobs_in_a_hidden_partition_are_in_the_queue_by_the_commands_and_by_the_library() {
    for (name, stage) in [("dark", jupiter()), ("darker", native(jupiter(), "jupiter"))] {
        let hidden = HiddenPartition::new(name);
        let mut submission = stage.submission("hidden", Size::Small, "true");
        submission.options = vec![format!("--partition={}", hidden.name), "--hold".to_owned()];
        let id = stage.submit(&submission).await;
        let queue = stage.scheduler.queue(&Whose::mine()).await.expect("it answers");
        stage.scheduler.cancel(id).await.expect("cancelled");
        stage.ended(id).await;
        let seen = queue.jobs.iter().find(|job| job.id == id).expect("one's own job is shown");
        assert_eq!(seen.partition.as_ref().map(PartitionName::as_str), Some(hidden.name.as_str()));
    }
}

#[tokio::test]
async fn real_users_that_cannot_be_looked_up_have_no_empty_queue() {
    let cluster = lab::attach("jupiter").expect("the lab is up");
    let scheduler = scheduler_as(&cluster, User::Ada);
    let whose = StampSearch { user: Some("nosuch".parse().expect("a name")), ..search(fresh_stamp()) };
    // squeue of 22.05 prints an empty table for them and exits 0.
    let error = scheduler.find(&whose).await.expect_err("who is that?");
    assert_eq!((&error.kind, error.retry), (&AdapterErrorKind::Unreachable, Retry::Later), "{error}");
}

#[tokio::test]
async fn real_submit_filters_change_jobs_and_refuse_them() {
    let stage = raven();
    a_filter_changes_jobs(&stage).await;
    let error = stage.scheduler.submit(&refused_by_filter(&stage)).await.expect_err("the filter says no");
    let AdapterErrorKind::Refused { said } = &error.kind else { panic!("{error:?}") };
    assert!(said.contains("GPU jobs need --constraint=gpu"), "{said}");
    a_filter_refuses_when_asked(&stage).await;
}

/// `slurm.ERROR` of a filter is the number -1 to the library, which writes the filter's words to its log.
#[tokio::test]
async fn real_what_a_submit_filter_says_to_the_library_is_in_its_log() {
    let stage = native(raven(), "raven");
    a_filter_changes_jobs(&stage).await;
    let error = stage.scheduler.submit(&refused_by_filter(&stage)).await.expect_err("the filter says no");
    let said = "error: GPU jobs need --constraint=gpu\nUnspecified error".to_owned();
    assert_eq!((error.kind, error.retry), (AdapterErrorKind::Refused { said }, Retry::Never));
    a_filter_refuses_when_asked(&stage).await;
}

/// slurmrestd tells the number -1 alone, which it says of a call without an answer, too; the filter's words are `sbatch`'s. Nothing is
/// sent again, and what was to be is looked up.
#[tokio::test]
async fn real_what_a_submit_filter_refuses_slurmrestd_is_looked_up() {
    let stage = rest(raven(), "raven");
    a_filter_changes_jobs(&stage).await;
    let refused = refused_by_filter(&stage);
    let error = stage.scheduler.submit(&refused).await.expect_err("the filter says no");
    assert_eq!((&error.kind, error.retry), (&AdapterErrorKind::OutcomeUnknown, Retry::LookFirst), "{error:?}");
    assert!(error.is_without_reason(), "{error:?}");
    assert!(stage.scheduler.find(&Stage::search(&refused)).await.expect("both answer").is_empty());
    let said = stage.scheduler.filters_refusal(&refused).await.expect("the filter says no");
    assert!(said.contains("GPU jobs need --constraint=gpu"), "{said}");
    let taken = stage.gated("taken", Size::Small);
    assert_eq!(stage.scheduler.filters_refusal(&taken).await, None);
    a_filter_refuses_when_asked(&stage).await;
}

async fn a_filter_changes_jobs(stage: &Stage) {
    let submission = stage.gated("filtered", Size::Small);
    let id = stage.submit(&submission).await;
    let facts = stage.scheduler.read_back(id).await.expect("it is there");
    assert_eq!(facts.sighting.partition.as_ref().map(PartitionName::as_str), Some("gpu"), "none was asked for");
    stage.open(&submission);
    stage.ended(id).await;
}

fn refused_by_filter(stage: &Stage) -> Submission {
    let script = stage.folder.join("no-constraint.sh");
    std::fs::write(&script, "#!/bin/bash\n#SBATCH --gres=gpu:1 --time=5\ntrue\n").expect("ours");
    let mut refused = stage.submission("refused", Size::Small, "true");
    refused.script = scheduler_adapters::ScriptSource::File(script.display().to_string());
    refused
}

async fn a_filter_refuses_when_asked(stage: &Stage) {
    let estimate = stage.scheduler.estimate(&refused_by_filter(stage)).await.expect("it answers");
    let Estimate::Refused { said } = &estimate else { panic!("{estimate:?}") };
    assert!(said.contains("GPU jobs need --constraint=gpu"), "{said}");
}

#[tokio::test]
async fn real_heterogeneous_jobs_are_one_submission() {
    let stage = jupiter();
    let script = stage.folder.join("het.sh");
    let mut submission = stage.submission("het", Size::Small, "true");
    let component = format!("#SBATCH --account=atlas --nodes=1 --time=5 --comment={}", submission.stamp);
    std::fs::write(&script, format!("#!/bin/bash\n{component}\n#SBATCH hetjob\n{component}\ntrue\n")).expect("ours");
    submission.script = scheduler_adapters::ScriptSource::File(script.display().to_string());
    let id = stage.submit(&submission).await;
    let facts = stage.scheduler.read_back(id).await.expect("it is there");
    assert_eq!((facts.sighting.form, facts.sighting.leader, facts.tasks), (JobForm::Heterogeneous, id, 2));
    stage.ended(id).await;
    let found = stage.scheduler.find(&Stage::search(&submission)).await.expect("both answer");
    assert_eq!(found.iter().map(|job| job.sighting.id).collect::<Vec<_>>(), [id], "one submission");
}
