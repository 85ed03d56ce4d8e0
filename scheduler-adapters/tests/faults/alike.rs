//! What Slurm's own library tells beside what the commands tell of the same jobs: a difference would be a correction in the books
//! whenever a person changes the way.

use crate::{
    stages::real::{horeka, jupiter, native, raven},
    suite::{Deed, Size, Stage, SystemClock, long_ago, until},
};
use model::{ArrayStamp, Clock, Run, RunKey, SchedulerJobId, Stamp, Timestamp, WallTime, Window};
use scheduler_adapters::{
    ArrayTasks, ClusterFacts, JobFacts, JobForm, JobSighting, RunBatch, RunWindow, Scheduler, Submission, Whose,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Debug,
    sync::Arc,
};

/// So often both are asked anew where something changes between two questions.
const ROUNDS: usize = 50;

/// A cluster's jobs, told by both.
struct Both {
    /// Spoken to by the library, and by the commands for what only they do.
    stage: Stage,
    commands: Arc<dyn Scheduler>,
    has_parts: bool,
}

impl Both {
    fn of(stage: Stage, name: &str) -> Self {
        let commands = Arc::clone(&stage.scheduler);
        Self { stage: native(stage, name), commands, has_parts: name == "jupiter" }
    }

    /// Asks the commands, the library and the commands again; where those tell the same twice, so does the library.
    async fn tell_alike<Told: PartialEq + Debug>(&self, what: &str, ask: impl AsyncFn(&dyn Scheduler) -> Told) {
        for _ in 0..ROUNDS {
            let before = ask(self.commands.as_ref()).await;
            let library = ask(self.stage.scheduler.as_ref()).await;
            if before == ask(self.commands.as_ref()).await {
                assert_eq!(library, before, "{what}: the library's on the left, the commands' on the right");
                return;
            }
        }
        panic!("{what} never stood still")
    }

    /// Submits by `sbatch`, which takes every option.
    async fn put(&self, submission: &Submission) -> SchedulerJobId {
        self.commands.submit(submission).await.expect("submitted").id
    }

    /// A job of two parts.
    fn of_parts(&self, options: &[&str]) -> Submission {
        let directives: String =
            (self.stage.directives)(Size::Small).iter().map(|option| format!("#SBATCH {option}\n")).collect();
        let body = format!("#SBATCH hetjob\n{directives}#SBATCH --time=00:05:00\ntrue");
        with(self.stage.submission("parts", Size::Small, &body), options)
    }

    /// Jobs that wait, each for another reason, and one that runs.
    async fn standing(&self) -> (BTreeSet<SchedulerJobId>, Submission) {
        let stage = &self.stage;
        let waiting = |options: &[&str]| with(stage.submission("waits", Size::Small, "true"), options);
        let runs = stage.gated("runs", Size::Small);
        let runs_id = stage.submit(&runs).await;
        stage.running(runs_id).await;
        let after = format!("--dependency=afterok:{runs_id}");
        let mut submissions = vec![
            waiting(&["--hold"]),
            waiting(&["--hold", "--array=1-7:2%2", "--nice=5"]),
            waiting(&["--begin=now+1hour", "--mail-type=NONE"]),
            waiting(&[&after]),
        ];
        if self.has_parts {
            submissions.push(self.of_parts(&["--hold"]));
        }
        let mut ids = BTreeSet::from([runs_id]);
        for submission in submissions {
            ids.insert(self.put(&submission).await);
        }
        (ids, runs)
    }

    /// An array of ours that waits, and of which a task was cancelled.
    async fn array_of_ours(&self) -> SchedulerJobId {
        let submission = with(self.stage.submission("tasks", Size::Small, "true"), &["--hold"]);
        let stamp = ArrayStamp::of(submission.stamp.job);
        let array = ArrayTasks { stamp, indexes: BTreeSet::from([0, 1, 2, 4, 9]), at_once: None };
        let id = self.put(&Submission { job_name: format!("tasks.{stamp}"), array: Some(array), ..submission }).await;
        self.commands.cancel(id.with_task(4)).await.expect("cancelled");
        id
    }

    /// Jobs that ended in several ways; the marks of all, and how many runs that makes.
    async fn ended(&self) -> (BTreeSet<Stamp>, usize) {
        let stage = &self.stage;
        let ending = |body: &str, options: &[&str]| with(stage.submission("ends", Size::Small, body), options);
        let [again, cut] = ["again", "cut"].map(|name| stage.gated(name, Size::Small));
        let (again_id, cut_id) = (stage.submit(&again).await, stage.submit(&cut).await);
        let first = stage.running(again_id).await;
        (stage.hands)(Deed::Requeue, again_id);
        let mut others = vec![
            ending("exit 3", &[]),
            ending("kill -9 $$", &[]),
            ending("exit $SLURM_ARRAY_TASK_ID", &["--array=0-1"]),
        ];
        let mut runs = 2 + 1 + 1 + 1 + 2;
        if self.has_parts {
            others.push(self.of_parts(&[]));
            runs += 2;
        }
        let mut ids = vec![again_id, cut_id];
        for submission in &others {
            ids.push(self.put(submission).await);
        }
        stage.running(cut_id).await;
        // A run that takes no time would be told from none by nothing.
        let is_older = async || {
            let started_at = stage.state(cut_id).await?.started_at?;
            (SystemClock.now().seconds_since(started_at) > 1).then_some(())
        };
        until(is_older).await.expect("time passes");
        stage.scheduler.cancel(cut_id).await.expect("cancelled");
        let is_second = |job: &JobSighting| job.state.is_running() && job.submitted_at > first.submitted_at;
        stage.until(again_id, "running again", is_second).await;
        stage.open(&again);
        for id in ids {
            stage.ended(id).await;
        }
        (others.iter().chain([&again, &cut]).map(|submission| submission.stamp).collect(), runs)
    }

    /// The runs of the hours before an instant, as somebody tells them.
    async fn runs(&self, scheduler: &dyn Scheduler, now: Timestamp) -> RunBatch {
        let window = Window { from: now.plus_seconds(-6 * 3600), to: now.plus_seconds(60) };
        let window = RunWindow { site: self.stage.site.clone(), window, whose: Whose::mine() };
        scheduler.runs(&window).await.expect("accounting answers")
    }

    /// Waits until accounting has all of these runs, with their ends.
    async fn accounted(&self, stamps: &BTreeSet<Stamp>, wanted: usize) {
        let is_ours = |run: &&Run| run.ended_at.is_some() && run.stamp.is_some_and(|stamp| stamps.contains(&stamp));
        let all = until(async || {
            let batch = self.runs(self.commands.as_ref(), SystemClock.now()).await;
            (batch.runs.iter().filter(is_ours).count() == wanted).then_some(())
        });
        all.await.expect("accounting has all of them");
    }

    /// Compares every run that has ended and does not change between two questions, so many at least, and value by value its raw
    /// row.
    async fn runs_are_alike(&self, wanted: usize) {
        let now = SystemClock.now();
        let before = self.runs(self.commands.as_ref(), now).await;
        let library = self.runs(self.stage.scheduler.as_ref(), now).await;
        let after = self.runs(self.commands.as_ref(), now).await;
        assert_eq!((&library.rejected, &library.cluster), (&before.rejected, &before.cluster));
        assert_eq!(library.fields, before.fields, "raw rows have the same values");
        let [before, library, after] = [before, library, after].map(by_key);
        let is_settled = |(key, (run, values)): &(&RunKey, &Told)| {
            run.ended_at.is_some() && after.get(*key).is_some_and(|later| later.0 == *run && later.1 == *values)
        };
        let settled: Vec<_> = before.iter().filter(is_settled).collect();
        assert!(settled.len() >= wanted, "{} of {} rows stand still", settled.len(), before.len());
        let mut differences = Vec::new();
        for (key, (run, values)) in settled {
            let Some((theirs, their_values)) = library.get(key) else {
                differences.push(format!("{key}: the library does not tell it"));
                continue;
            };
            if run != theirs {
                differences.push(format!("{key}: the commands say {run:?}, and the library {theirs:?}"));
            }
            for (field, value) in values {
                let their = &their_values[field];
                if their != value {
                    differences.push(format!("{key} {field}: the commands say `{value}`, and the library `{their}`"));
                }
            }
        }
        let unknown = library.iter().filter(|(key, (run, _))| run.ended_at.is_some() && !after.contains_key(*key));
        differences.extend(unknown.map(|(key, _)| format!("{key}: the library alone tells it")));
        let count = differences.len();
        differences.truncate(20);
        assert!(differences.is_empty(), "{count} differences:\n{}", differences.join("\n"));
    }
}

/// A run without what is different in each reading, and its raw row by column.
type Told = (Run, BTreeMap<String, String>);

fn by_key(batch: RunBatch) -> BTreeMap<RunKey, Told> {
    let RunBatch { runs, fields, .. } = batch;
    let told = |run: Run| {
        let values = run.raw.split('\u{1f}').map(str::to_owned);
        let values = fields.iter().cloned().zip(values).collect();
        (run.key.clone(), (Run { observed_at: EPOCH, raw: String::new(), ..run }, values))
    };
    runs.into_iter().map(told).collect()
}

const EPOCH: Timestamp = Timestamp::from_epoch_seconds(0);

fn with(submission: Submission, options: &[&str]) -> Submission {
    Submission { options: options.iter().map(|option| (*option).to_owned()).collect(), ..submission }
}

/// What the cluster says of itself, but for what is idle just now.
async fn described(scheduler: &dyn Scheduler) -> ClusterFacts {
    let mut facts = scheduler.describe().await.expect("it answers");
    facts.observed_at = EPOCH;
    for group in facts.partitions.iter_mut().flat_map(|partition| &mut partition.groups) {
        group.idle_nodes = 0;
    }
    facts
}

fn timeless(job: JobSighting) -> JobSighting {
    JobSighting { observed_at: EPOCH, elapsed: WallTime::from_seconds(0), ..job }
}

/// The rows of the whole queue that belong to these jobs.
async fn queued(scheduler: &dyn Scheduler, ids: &BTreeSet<SchedulerJobId>) -> Vec<JobSighting> {
    let queue = scheduler.queue(&Whose::visible()).await.expect("it answers");
    assert_eq!(queue.rejected, []);
    let mut rows: Vec<_> = queue.jobs.into_iter().filter(|job| ids.contains(&job.leader)).map(timeless).collect();
    rows.sort_by(|left, right| left.shown_id.cmp(&right.shown_id));
    rows
}

async fn read_back(scheduler: &dyn Scheduler, id: SchedulerJobId) -> JobFacts {
    let facts = scheduler.read_back(id).await.expect("it is there");
    JobFacts { sighting: timeless(facts.sighting), ..facts }
}

async fn everything_is_told_alike(stage: Stage, name: &str) {
    let both = Both::of(stage, name);
    both.tell_alike("the cluster", described).await;
    let accounting = described(both.commands.as_ref()).await.accounting.expect("accounting answers");
    let is_limited = match name {
        "jupiter" => accounting.qos.iter().any(|qos| qos.max_submitted_jobs_per_user.is_some()),
        "horeka" => accounting.associations.iter().any(|found| !found.group_tres_minutes.is_empty()),
        _ => accounting.qos.iter().any(|qos| qos.max_jobs_per_user.is_some()),
    };
    assert!(is_limited, "there are limits to compare: {accounting:?}");

    let (ids, runs) = both.standing().await;
    let rows = queued(both.commands.as_ref(), &ids).await;
    let forms: BTreeSet<JobForm> = rows.iter().map(|row| row.form).collect();
    assert_eq!(forms.len(), if both.has_parts { 3 } else { 2 }, "{rows:?}");
    both.tell_alike("the queue", async |scheduler: &dyn Scheduler| queued(scheduler, &ids).await).await;
    for id in &ids {
        both.tell_alike("one job", async |scheduler: &dyn Scheduler| read_back(scheduler, *id).await).await;
    }
    both.stage.open(&runs);
    for id in &ids {
        both.stage.scheduler.cancel(*id).await.expect("it has no more use");
    }

    let array = both.array_of_ours().await;
    let (stamps, wanted) = both.ended().await;
    both.accounted(&stamps, wanted).await;
    both.runs_are_alike(wanted).await;
    // Accounting has what came before these: it is asked for tasks that are not in the queue, and has a row of those that are.
    let gone = [array.with_task(3), array.with_task(4)];
    let looked_for = async |scheduler: &dyn Scheduler| {
        let seen = scheduler.states(&gone, long_ago()).await.expect("both answer");
        seen.into_iter().map(|(id, job)| (id, timeless(job))).collect::<Vec<_>>()
    };
    both.tell_alike("tasks that are not there", looked_for).await;
    both.commands.cancel(array).await.expect("it has no more use");
}

#[tokio::test]
async fn real_what_the_library_tells_is_what_the_commands_tell_at_jupiter() {
    everything_is_told_alike(jupiter(), "jupiter").await;
}

#[tokio::test]
async fn real_what_the_library_tells_is_what_the_commands_tell_at_horeka() {
    everything_is_told_alike(horeka(), "horeka").await;
}

#[tokio::test]
async fn real_what_the_library_tells_is_what_the_commands_tell_at_raven() {
    everything_is_told_alike(raven(), "raven").await;
}

/// A QOS of this test alone, which goes away again.
struct LaterQos(lab::Cluster);

impl LaterQos {
    const OF_ADA: [&str; 6] = ["modify", "user", "where", "account=atlas", "cluster=jupiter", "set"];

    fn of_ada(change: &str) -> Vec<String> {
        let [modify, user, rest @ ..] = Self::OF_ADA;
        let words = [modify, user, lab::User::Ada.name()].into_iter().chain(rest).chain([change]);
        words.map(str::to_owned).collect()
    }

    fn made() -> Self {
        let cluster = lab::attach("jupiter").expect("the lab is up");
        cluster.sacctmgr(["add", "qos", "later"]).expect("made");
        cluster.sacctmgr(Self::of_ada("qos+=later")).expect("allowed");
        Self(cluster)
    }
}

impl Drop for LaterQos {
    fn drop(&mut self) {
        let _taken = self.0.sacctmgr(Self::of_ada("qos-=later"));
        let _gone = self.0.sacctmgr(["delete", "qos", "later"]);
    }
}

#[tokio::test]
async fn real_a_qos_that_is_made_while_the_helper_lives_is_named() {
    let both = Both::of(jupiter(), "jupiter");
    // The names are learned with the first question.
    both.stage.runs().await;
    let qos = LaterQos::made();
    let id = both.put(&with(both.stage.submission("later", Size::Small, "true"), &["--qos=later"])).await;
    let named = until(async || {
        let runs = both.stage.runs().await.runs;
        runs.into_iter().find(|run| run.key.scheduler_job == id && run.ended_at.is_some()).map(|run| run.qos)
    });
    let named = named.await.expect("accounting has it").map(|name| name.to_string());
    assert_eq!(named.as_deref(), Some("later"));

    // It keeps its name for its runs when it is deleted: of a helper that lives, and of one that begins behind that.
    drop(qos);
    for helper in [both, Both::of(jupiter(), "jupiter")] {
        let runs = helper.stage.runs().await.runs;
        let run = runs.into_iter().find(|run| run.key.scheduler_job == id).expect("accounting has it");
        assert_eq!(run.qos.map(|name| name.to_string()).as_deref(), Some("later"));
    }
}
