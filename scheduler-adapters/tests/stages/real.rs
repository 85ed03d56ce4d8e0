//! The lab's clusters, used by an ordinary user.

use crate::{
    stages::wrapped::{Wrapped, as_user},
    suite::{Deed, Size, Stage, SystemClock},
};
use lab::User;
use model::{SchedulerJobId, WallTime};
use reach::{Command, Local, Reach, http::HttpPlace};
use scheduler_adapters::{RestConfiguration, SlurmCommands, TokenSource};
use std::{
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    sync::Arc,
};

/// The way to a cluster for one of its users.
pub(crate) fn reach_as(cluster: &lab::Cluster, user: User) -> impl Reach + use<> {
    Wrapped(way_of(cluster, user), Local)
}

/// What becomes of a command on its way.
fn way_of(cluster: &lab::Cluster, user: User) -> impl Fn(&Command) -> Command + Send + Sync + use<> {
    let slurm_conf = cluster.slurm_conf.display().to_string();
    let home = cluster.home(user).display().to_string();
    move |command: &Command| {
        as_user(command, user.name())
            .variable("SLURM_CONF", &slurm_conf)
            .variable("HOME", &home)
            .variable("USER", user.name())
            .variable("LOGNAME", user.name())
    }
}

/// The adapter for one of a cluster's users.
pub(crate) fn scheduler_as(cluster: &lab::Cluster, user: User) -> SlurmCommands {
    SlurmCommands::new(Arc::new(reach_as(cluster, user)), Arc::new(SystemClock))
}

/// Lets a job that is back in the queue begin in a moment, and not at once: a node that still cleans up after the first start
/// fails the second. As long as that first start is being cleaned up, the time would be set once more behind ours.
fn begin_soon(cluster: &lab::Cluster, id: &str) {
    let waits = || cluster.scontrol(["show", "job", id]).is_ok_and(|job| job.contains("JobState=PENDING"));
    let limit = std::time::Duration::from_mins(1);
    lab::wait_until("the job is back in the queue", limit, || waits().then_some(())).expect("it waits");
    cluster.scontrol(["update", &format!("JobId={id}"), "StartTime=now+5"]).expect("altered");
}

/// What an administrator does.
fn administrator(cluster: &lab::Cluster, deed: Deed, id: SchedulerJobId) {
    let id = id.to_string();
    let did = |words: &[&str]| cluster.scontrol(words).map(drop);
    match deed {
        Deed::Suspend => did(&["suspend", &id]).expect("suspended"),
        Deed::Resume => did(&["resume", &id]).expect("resumed"),
        Deed::Requeue => {
            did(&["requeue", &id]).expect("requeued");
            begin_soon(cluster, &id);
        }
        Deed::BeginSoon => begin_soon(cluster, &id),
        Deed::Shrink => did(&["update", &format!("JobId={id}"), "NumNodes=1"]).expect("it gives nodes back"),
        Deed::FailNode => {
            let job = cluster.scontrol(["--oneliner", "show", "job", &id]).expect("it runs");
            let node = job.split_whitespace().find_map(|word| word.strip_prefix("BatchHost=")).expect("somewhere");
            let node = format!("NodeName={node}");
            did(&["update", &node, "State=DOWN", "Reason=pakt"]).expect("it fails");
            // It comes back by itself where it reports in between (slurm.conf(5), ReturnToService).
            let is_back = || {
                let shown = cluster.scontrol(["--oneliner", "show", "node", node.trim_start_matches("NodeName=")]);
                let is_down = shown.is_ok_and(|shown| shown.contains("State=DOWN"));
                (!is_down || did(&["update", &node, "State=RESUME"]).is_ok()).then_some(())
            };
            lab::wait_until("the node is back", std::time::Duration::from_mins(1), is_back).expect("it is back");
        }
    }
}

/// A reservation of a node, as long as this lives.
struct Reservation {
    cluster: Arc<lab::Cluster>,
    name: String,
}

impl Reservation {
    fn new(cluster: &Arc<lab::Cluster>, name: &str) -> Self {
        let name = format!("ReservationName={name}");
        let user = format!("Users={}", User::Ada.name());
        // Running jobs of other tests may stay on it.
        // The other partitions with GPUs are the default ones.
        let partition = if cluster.name == "raven" { "PartitionName=gpu" } else { "" };
        let words = ["create", "reservation", &name, &user, "StartTime=now", "Duration=10", "NodeCnt=1"];
        let words = words.into_iter().chain(["Flags=IGNORE_JOBS", partition]).filter(|word| !word.is_empty());
        cluster.scontrol(words).expect("reserved");
        Self { cluster: Arc::clone(cluster), name }
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        let deleted = self.cluster.scontrol(["delete", &self.name]);
        if !std::thread::panicking() {
            deleted.expect("its job has ended");
        }
    }
}

fn stage(name: &str, directives: fn(Size) -> Vec<String>) -> Stage {
    let cluster = Arc::new(lab::attach(name).expect("the lab is up"));
    let (hands, owner) = (Arc::clone(&cluster), Arc::clone(&cluster));
    let folder = tempfile::Builder::new().prefix("conformance").tempdir().expect("a folder");
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o777)).expect("ours");
    Stage {
        hands: Box::new(move |deed, id| administrator(&hands, deed, id)),
        reserve: Box::new(move |name| Box::new(Reservation::new(&owner, name))),
        scheduler: Arc::new(scheduler_as(&cluster, User::Ada)),
        site: name.parse().expect("a site"),
        user: User::Ada.name().parse().expect("a user"),
        folder: folder.path().to_owned(),
        directives,
        resources: |_| (0, 0),
        shortest_limit: WallTime::from_seconds(60),
        kept: vec![Box::new(folder), Box::new(cluster)],
    }
}

/// The program `pakt-slurm` of this build, where everybody may run it.
pub(super) fn helper_in(folder: &Path) -> PathBuf {
    let tests = std::env::current_exe().expect("a test has a file");
    let target = tests.ancestors().nth(3).expect("target/debug/deps");
    let built = ["helper/pakt-slurm", "debug/pakt-slurm"].map(|place| target.join(place));
    let built = built.into_iter().find(|built| built.exists()).expect("build it first: cargo build -p pakt-slurm");
    let program = folder.join("pakt-slurm");
    std::fs::copy(built, &program).expect("the folder is ours");
    program
}

/// Whether the queue is asked why a job waits, which only `squeue` tells.
fn asks_for_priority(command: &Command) -> bool {
    command.arguments.iter().any(|word| word.contains("PriorityLong:"))
}

/// What the commands do whatever the way: an array of ours is submitted, tasks of one are cancelled, and a heterogeneous job is
/// submitted.
fn is_left_to_commands(command: &Command) -> bool {
    let is_of_array = |word: &String| {
        ["--comment=pakt-array-", "--comment=pakt-links-"].iter().any(|mark| word.starts_with(mark))
            || word.contains("_[")
    };
    let is_task = |word: &String| word.parse().is_ok_and(|id: SchedulerJobId| id.task().is_some());
    command.arguments.iter().any(|word| is_of_array(word) || is_task(word) || has_several_parts(word))
}

/// Whether a word names a script of a heterogeneous job.
fn has_several_parts(word: &str) -> bool {
    is_script(word) && std::fs::read_to_string(word).is_ok_and(|text| text.contains("#SBATCH hetjob\n"))
}

fn is_script(word: &str) -> bool {
    Path::new(word).extension().is_some_and(|kind| kind == "sh")
}

/// A command as it is, or in place of one that the library does one that fails.
pub(super) fn without_what_the_library_does(command: &Command) -> Command {
    let has = |wanted: &str| command.arguments.iter().any(|word| word == wanted);
    let is_replaced = match command.program.as_str() {
        "sbatch" => !has("--test-only") && !is_left_to_commands(command),
        "scontrol" => has("partition"),
        "sacctmgr" => has("qos") || has("assoc"),
        "squeue" => !asks_for_priority(command),
        "scancel" => !is_left_to_commands(command),
        program => program == "sacct",
    };
    if is_replaced { Command::new("false") } else { command.clone() }
}

/// The same stage, spoken to by Slurm's own library. The commands that it takes the place of fail here, so that nothing is
/// done by them unnoticed.
pub(crate) fn native(stage: Stage, name: &str) -> Stage {
    let cluster = lab::attach(name).expect("the lab is up");
    let as_ada = way_of(&cluster, User::Ada);
    let reach = Wrapped(move |command: &Command| as_ada(&without_what_the_library_does(command)), Local);
    let scheduler = SlurmCommands::new(Arc::new(reach), Arc::new(SystemClock)).with_helper(helper_in(&stage.folder));
    Stage { scheduler: Arc::new(scheduler), ..stage }
}

/// The same stage, spoken to by slurmrestd. What it takes the place of fails here, as far as this release can be asked for it;
/// `squeue` is not there, without which the server is asked for a person's jobs, too.
pub(crate) fn rest(stage: Stage, name: &str) -> Stage {
    let cluster = lab::attach(name).expect("the lab is up");
    let token = stage.folder.join("token");
    std::fs::write(&token, cluster.token(User::Ada, 3600).expect("a token")).expect("the folder is ours");
    std::fs::set_permissions(&token, std::fs::Permissions::from_mode(0o600)).expect("ours");
    let (port, socket) = cluster.rest().expect("it runs");
    // One of the clusters is asked over a port, the others on their sockets.
    let place = if name == "jupiter" { port } else { format!("unix:{}", socket.display()) };
    let place = HttpPlace::parse(&place).expect("a place");
    let as_ada = way_of(&cluster, User::Ada);
    let change = move |command: &Command| {
        let asks_for_jobs = command.arguments.iter().any(|word| word.starts_with("--jobs="));
        let is_replaced = match command.program.as_str() {
            "sacct" => asks_for_jobs,
            // Words behind the script are sbatch's alone in v0.0.38.
            "sbatch" => {
                let is_test = command.arguments.iter().any(|word| word == "--test-only");
                !is_test
                    && !is_left_to_commands(command)
                    && command.arguments.last().is_some_and(|word| is_script(word))
            }
            "squeue" if !asks_for_priority(command) => return Command::new("/nowhere/squeue"),
            program => program == "scancel" && !is_left_to_commands(command),
        };
        as_ada(&if is_replaced { Command::new("false") } else { command.clone() })
    };
    let reach = Wrapped(change, Local);
    let configuration = RestConfiguration { place, token: Some(TokenSource::File(token)) };
    let scheduler = SlurmCommands::new(Arc::new(reach), Arc::new(SystemClock)).with_rest(configuration);
    Stage { scheduler: Arc::new(scheduler), ..stage }
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

pub(crate) fn jupiter() -> Stage {
    stage("jupiter", |size| match size {
        Size::Small => words(&["--account=atlas", "--partition=booster", "--nodes=1", "--gpus-per-node=1"]),
        Size::Everything => words(&["--account=atlas", "--partition=booster", "--nodes=4", "--gpus-per-node=4"]),
        Size::Impossible => words(&["--account=atlas", "--partition=booster", "--nodes=1", "--gpus-per-node=64"]),
    })
}

pub(crate) fn horeka() -> Stage {
    stage("horeka", |size| match size {
        Size::Small => words(&["--account=hk-project-atlas", "--partition=accelerated", "--nodes=1", "--gres=gpu:1"]),
        Size::Everything => {
            words(&["--account=hk-project-atlas", "--partition=accelerated", "--nodes=2", "--gres=gpu:4"])
        }
        Size::Impossible => {
            words(&["--account=hk-project-atlas", "--partition=accelerated", "--nodes=1", "--gres=gpu:64"])
        }
    })
}

pub(crate) fn raven() -> Stage {
    stage("raven", |size| match size {
        Size::Small => words(&["--constraint=gpu", "--nodes=1", "--gres=gpu:a100:1", "--mem=1000"]),
        Size::Everything => words(&["--constraint=gpu", "--nodes=2", "--gres=gpu:a100:4", "--mem=0"]),
        Size::Impossible => words(&["--constraint=gpu", "--nodes=1", "--gres=gpu:a100:64", "--mem=1000"]),
    })
}
