//! The running lab behaves as the sites do that it stands for. These tests need `lab up jupiter horeka raven`.

use std::os::unix::fs::PermissionsExt;
use std::process::Output;
use std::time::Duration;

use lab::{Cluster, LabError, User, attach, attach_exclusive, wait_until};

/// How long a state may take to come on a busy machine.
const LIMIT: Duration = Duration::from_mins(2);

fn output_as(cluster: &Cluster, user: User, words: &[&str]) -> Output {
    cluster.command_as(user, words[0]).args(&words[1..]).output().expect("the command starts")
}

/// What the command printed; it must end with 0.
fn ask(cluster: &Cluster, user: User, words: &[&str]) -> String {
    let output = output_as(cluster, user, words);
    assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text").trim().to_owned()
}

/// What the command complained of; it must not end with 0.
fn refusal(cluster: &Cluster, user: User, words: &[&str]) -> String {
    let output = output_as(cluster, user, words);
    assert!(!output.status.success(), "{words:?} was accepted: {}", String::from_utf8_lossy(&output.stdout));
    String::from_utf8(output.stderr).expect("text")
}

/// A submitted job, cancelled at the end of the test however it ends.
struct Job<'cluster> {
    cluster: &'cluster Cluster,
    user: User,
    id: String,
}

impl<'cluster> Job<'cluster> {
    fn submit(cluster: &'cluster Cluster, user: User, options: &[&str], command: &str) -> Self {
        let wrap = format!("--wrap={command}");
        let id = ask(cluster, user, &[&["sbatch", "--parsable", "--output=/dev/null"], options, &[&wrap]].concat());
        Self { cluster, user, id }
    }

    /// A field of its row in the accounting database, once the job has ended there.
    fn settled(&self, field: &str) -> String {
        self.cluster.await_accounted(&self.id).expect("the job is accounted");
        let format = format!("--format={field}");
        let call = ["sacct", "--noheader", "--allocations", "--parsable2", &format, "--jobs", &self.id];
        ask(self.cluster, self.user, &call)
    }

    /// A field of the queue, as in `%r`, once it is as wanted.
    fn queued(&self, format: &str, wanted: impl Fn(&str) -> bool) -> String {
        let call = ["squeue", "--noheader", "--states=all", "--format", format, "--jobs", &self.id];
        let mut last = String::new();
        wait_until(&format!("job {} in the queue", self.id), LIMIT, || {
            last = ask(self.cluster, self.user, &call);
            wanted(&last).then(|| last.clone())
        })
        .unwrap_or_else(|error| panic!("{error}; last seen: {last}"))
    }
}

impl Drop for Job<'_> {
    fn drop(&mut self) {
        drop(self.cluster.command_as(self.user, "scancel").arg(&self.id).output());
    }
}

/// The count of a resource in a TRES string.
fn count<'text>(resources: &'text str, name: &str) -> Option<&'text str> {
    resources.split(',').find_map(|resource| resource.strip_prefix(name)?.strip_prefix('='))
}

#[test]
fn real_jupiter_charges_whole_nodes() {
    let jupiter = attach("jupiter").unwrap();
    let job = Job::submit(&jupiter, User::Ada, &["--account=atlas", "--gres=gpu:1", "--cpus-per-task=72"], "true");
    let allocated = job.settled("AllocTRES");
    assert_eq!(count(&allocated, "gres/gpu"), Some("4"), "{allocated}");
    assert_eq!(count(&allocated, "gres/gpu:gh200"), Some("4"), "{allocated}");
    assert_eq!(count(&allocated, "cpu"), Some("288"), "{allocated}");
    let requested = job.settled("ReqTRES");
    assert_eq!(count(&requested, "gres/gpu"), Some("1"), "{requested}");
}

#[test]
fn real_jupiter_adds_all_gpus_where_none_is_asked_for() {
    let jupiter = attach("jupiter").unwrap();
    let job = Job::submit(&jupiter, User::Ada, &["--account=atlas", "--nodes=2"], "true");
    assert_eq!(count(&job.settled("ReqTRES"), "gres/gpu"), Some("8"));
}

#[test]
fn real_jupiter_refuses_jobs_without_an_account() {
    let jupiter = attach("jupiter").unwrap();
    let said = refusal(&jupiter, User::Ada, &["sbatch", "--wrap=true"]);
    assert!(said.contains("Invalid account or account/partition combination specified"), "{said}");
    let said = refusal(&jupiter, User::Ada, &["sbatch", "--account=borealis", "--wrap=true"]);
    assert!(said.contains("Invalid account"), "Ada charged an account of others: {said}");
    Job::submit(&jupiter, User::Ben, &["--account=borealis", "--hold"], "true");
}

#[test]
fn real_jupiter_limits_the_wall_time_in_the_qos() {
    let jupiter = attach("jupiter").unwrap();
    let partition = ask(&jupiter, User::Ada, &["scontrol", "show", "partition", "booster"]);
    assert!(partition.contains(" MaxTime=UNLIMITED"), "{partition}");
    assert!(partition.contains("OverSubscribe=EXCLUSIVE"), "{partition}");
    let job = Job::submit(&jupiter, User::Ada, &["--account=atlas", "--time=13:00:00"], "true");
    job.queued("%r", |reason| reason == "QOSMaxWallDurationPerJobLimit");
}

#[test]
fn real_comments_are_stored_where_the_site_stores_them() {
    for (name, options, stored) in [
        ("jupiter", &["--account=atlas", "--comment=stamp"][..], "stamp"),
        ("horeka", &["--account=hk-project-atlas", "--comment=stamp"], ""),
        ("raven", &["--mem=1000", "--comment=stamp"], "stamp"),
    ] {
        let cluster = attach(name).unwrap();
        let job = Job::submit(&cluster, User::Ada, options, "true");
        assert_eq!(job.settled("Comment"), stored, "{name}");
        assert!(job.settled("SubmitLine").contains("--comment=stamp"), "{name}");
    }
}

#[test]
fn real_horeka_shares_its_nodes() {
    let horeka = attach("horeka").unwrap();
    let options = ["--account=hk-project-atlas", "--partition=accelerated-h100", "--gres=gpu:1", "--time=5"];
    let job = Job::submit(&horeka, User::Ada, &options, "true");
    let allocated = job.settled("AllocTRES");
    assert_eq!(count(&allocated, "gres/gpu"), Some("1"), "{allocated}");
    assert_eq!(count(&allocated, "cpu"), Some("2"), "a core has two threads, and a thread is a CPU: {allocated}");
}

#[test]
fn real_horeka_holds_back_who_has_used_up_the_grant() {
    // Alone, because the limit is everybody's.
    let horeka = attach_exclusive("horeka").unwrap();
    let job = Job::submit(&horeka, User::Ada, &["--account=hk-project-small", "--gres=gpu:1", "--time=10"], "true");
    job.queued("%r", |reason| reason == "AssocGrpGRESMinutes");
    horeka.set_gpu_minutes_limit("hk-project-small", Some(100_000)).unwrap();
    job.settled("AllocTRES");
    horeka.set_gpu_minutes_limit("hk-project-small", Some(1)).unwrap();
}

#[test]
fn real_horeka_hides_jobs_of_others() {
    let horeka = attach("horeka").unwrap();
    let job = Job::submit(&horeka, User::Ben, &["--account=hk-project-atlas", "--gres=gpu:1", "--time=5"], "true");
    job.settled("User");
    let rows =
        ["sacct", "--noheader", "--allusers", "--allocations", "--parsable2", "--format=User", "--jobs", &job.id];
    assert_eq!(ask(&horeka, User::Ada, &rows), "", "Ada sees Ben's job");
    assert_eq!(ask(&horeka, User::Cleo, &rows), "pakt-ben", "the coordinator does not see it");
    let waiting = Job::submit(&horeka, User::Ben, &["--account=hk-project-atlas", "--hold"], "true");
    let queue = ["squeue", "--noheader", "--all", "--format=%i"];
    let sees = |user: User| ask(&horeka, user, &queue).lines().any(|id| id == waiting.id);
    assert!(!sees(User::Ada), "Ada sees Ben's job in the queue");
    assert!(sees(User::Ben) && sees(User::Cleo), "Ben and the coordinator see it");
}

#[test]
fn real_raven_chooses_the_partition_by_the_constraint() {
    let raven = attach("raven").unwrap();
    let part = ["--constraint=gpu", "--gres=gpu:a100:1", "--cpus-per-task=18", "--mem=125000"];
    let job = Job::submit(&raven, User::Ada, &part, "true");
    job.queued("%P %a", |found| found == "gpu mpg");
    let allocated = job.settled("AllocTRES");
    assert_eq!(count(&allocated, "gres/gpu"), Some("1"), "{allocated}");
    assert_eq!(count(&allocated, "cpu"), Some("18"), "a CPU is a core: {allocated}");
    assert_eq!(count(&allocated, "mem"), Some("125000M"), "{allocated}");

    let whole = Job::submit(&raven, User::Ada, &["--constraint=gpu", "--gres=gpu:a100:4"], "true");
    assert_eq!(count(&whole.settled("AllocTRES"), "cpu"), Some("72"), "four GPUs are a whole node");

    let without = Job::submit(&raven, User::Ada, &["--mem=1000"], "true");
    without.queued("%P", |partition| partition == "general");
}

#[test]
fn real_raven_refuses_incomplete_requests() {
    let raven = attach("raven").unwrap();
    let said = refusal(&raven, User::Ada, &["sbatch", "--gres=gpu:a100:1", "--mem=1000", "--wrap=true"]);
    assert!(said.contains("need --constraint=gpu"), "{said}");
    let said = refusal(&raven, User::Ada, &["sbatch", "--gres=gpu:a100:1", "--constraint=gpu", "--wrap=true"]);
    assert!(said.contains("need --mem"), "{said}");
}

#[test]
fn real_slurmdbd_stops_and_starts() {
    let raven = attach_exclusive("raven").unwrap();
    raven.stop_slurmdbd().unwrap();
    refusal(&raven, User::Ada, &["sacct"]);
    let job = Job::submit(&raven, User::Ada, &["--mem=1000"], "true");
    raven.start_slurmdbd().unwrap();
    job.settled("User");
}

#[test]
fn real_slurmctld_stops_and_starts() {
    let raven = attach_exclusive("raven").unwrap();
    let job = Job::submit(&raven, User::Ada, &["--mem=1000"], "sleep 600");
    job.queued("%T", |state| state == "RUNNING");
    raven.stop_slurmctld().unwrap();
    refusal(&raven, User::Ada, &["squeue"]);
    raven.start_slurmctld().unwrap();
    job.queued("%T", |state| state == "RUNNING");
}

#[test]
fn real_stopped_servers_come_back_with_the_end_of_the_test() {
    let raven = attach_exclusive("raven").unwrap();
    raven.stop_slurmdbd().unwrap();
    drop(raven);
    let raven = attach("raven").expect("its slurmdbd runs again");
    ask(&raven, User::Ada, &["sacct"]);
}

#[test]
fn real_servers_are_not_stopped_under_other_tests() {
    let raven = attach("raven").unwrap();
    assert!(matches!(raven.stop_slurmdbd(), Err(LabError::Shared { .. })));
    assert!(matches!(raven.stop_slurmctld(), Err(LabError::Shared { .. })));
    ask(&raven, User::Ada, &["squeue"]);
}

#[test]
fn real_nodes_are_drained_and_resumed() {
    let jupiter = attach_exclusive("jupiter").unwrap();
    let node_state = || ask(&jupiter, User::Ada, &["sinfo", "--noheader", "--nodes=jpbo-001-04", "--format=%T"]);
    jupiter.drain("jpbo-001-04").unwrap();
    assert!(node_state().starts_with("drain"), "{}", node_state());
    jupiter.resume("jpbo-001-04").unwrap();
    assert!(!node_state().starts_with("drain"), "{}", node_state());
}

#[test]
fn real_users_are_ordinary_and_share_one_folder() {
    let jupiter = attach("jupiter").unwrap();
    assert_eq!(ask(&jupiter, User::Ada, &["id", "--user"]), jupiter.ids(User::Ada).unwrap().0.to_string());
    assert_ne!(ask(&jupiter, User::Ada, &["id", "--user"]), "0");
    assert_eq!(ask(&jupiter, User::Ada, &["pwd"]), jupiter.home(User::Ada).display().to_string());
    refusal(&jupiter, User::Ben, &["ls", &jupiter.home(User::Ada).display().to_string()]);

    let file = tempfile::Builder::new().prefix("from-ada-").tempfile_in(jupiter.shared_directory()).unwrap();
    let path = file.path().display().to_string();
    drop(file);
    ask(&jupiter, User::Ada, &["bash", "-c", "umask 002; echo hello > \"$0\"", &path]);
    ask(&jupiter, User::Ben, &["bash", "-c", "echo world >> \"$0\"", &path]);
    assert_eq!(ask(&jupiter, User::Ada, &["cat", &path]), "hello\nworld");
    refusal(&jupiter, User::Cleo, &["cat", &path]);
    std::fs::remove_file(path).unwrap();
}

#[test]
fn real_programs_out_of_reach_are_shared() {
    let jupiter = attach("jupiter").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("lab-test-program");
    std::fs::write(&program, "#!/bin/sh\necho from the copy\n").unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o700)).unwrap();
    refusal(&jupiter, User::Ada, &[&program.display().to_string()]);
    let copy = jupiter.share(&program).unwrap();
    assert_eq!(ask(&jupiter, User::Ada, &["lab-test-program"]), "from the copy");
    std::fs::remove_file(copy).unwrap();
}
