//! Answers that the processes of a person share: however many look, a site is asked once an interval.

use super::{
    cost::{forget_peak, peak_mib},
    native::with_script,
};
use crate::{
    stages::{
        double::{Double, stage_and_double},
        rest::FakeRest,
    },
    suite::{Size, Stage, SystemClock, long_ago},
};
use model::{Clock, SchedulerJobId, Timestamp};
use reach::Retry;
use scheduler_adapters::{
    AdapterErrorKind, Freshness, Look, LookedFor, RestConfiguration, Scheduler, SlurmCommands, TokenSource, Whose,
};
use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::PermissionsExt,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
};

/// The most memory of any command of ours.
const MEMORY_LIMIT_MIB: u64 = 95;

/// The system's clock, moved on.
#[derive(Default)]
struct Moved(AtomicI64);

impl Moved {
    fn on(&self, seconds: i64) {
        self.0.fetch_add(seconds, Ordering::Relaxed);
    }
}

impl Clock for Moved {
    fn now(&self) -> Timestamp {
        SystemClock.now().plus_seconds(self.0.load(Ordering::Relaxed))
    }
}

/// A double with a job that runs, and the clock of all processes.
struct Site {
    stage: Stage,
    double: Double,
    clock: Arc<Moved>,
    job: SchedulerJobId,
}

impl Site {
    async fn new() -> Self {
        let (stage, double) = stage_and_double(true);
        let job = stage.submit(&stage.gated("watched", Size::Small)).await;
        stage.running(job).await;
        Self { stage, double, clock: Arc::default(), job }
    }

    fn process(&self) -> SlurmCommands {
        self.double.process(Arc::clone(&self.clock) as Arc<dyn Clock>)
    }

    /// Questions to the queue and to accounting since the last time.
    fn asked(&self) -> (usize, usize) {
        let helps = self.double.calls_of("squeue --help");
        let asked = (self.double.calls_of("squeue") - helps, self.double.calls_of("sacct"));
        self.double.set("calls", "");
        asked
    }

    /// Rights to ask that lie about.
    fn claims(&self) -> Vec<String> {
        let entries = fs::read_dir(self.double.file("answers")).expect("a folder").flatten();
        let names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
        names.filter(|name| name.contains("asked") || name.ends_with("tmp")).collect()
    }

    async fn look(&self, jobs: &[SchedulerJobId]) -> Look {
        self.process().look(&known(jobs), Freshness::Shared).await.expect("it answers")
    }
}

/// Jobs that have been known for long.
fn known(jobs: &[SchedulerJobId]) -> LookedFor {
    LookedFor { jobs: jobs.iter().map(|job| (*job, long_ago())).collect(), since: long_ago() }
}

#[tokio::test]
async fn many_processes_ask_once_an_interval() {
    let site = Site::new().await;
    site.asked();
    for round in 0..3 {
        let looks: Vec<_> = (0..16)
            .map(|_| {
                let (process, wanted) = (site.process(), known(&[site.job]));
                tokio::spawn(async move { process.look(&wanted, Freshness::Shared).await })
            })
            .collect();
        let mut observed = Vec::new();
        for look in looks {
            let look = look.await.expect("no panic").expect("it answers");
            assert!(look.states[&site.job].state.is_running() && look.notes.is_empty(), "{look:?}");
            observed.push(look.observed_at);
        }
        observed.dedup();
        assert_eq!((site.asked(), observed.len()), ((1, 0), 1), "round {round}");
        site.look(&[site.job]).await;
        assert_eq!(site.asked(), (0, 0), "the answer is young");
        site.clock.on(31);
    }
    assert_eq!(site.claims(), [""; 0]);
}

#[tokio::test]
async fn ten_thousand_jobs_cost_what_ten_cost() {
    let mut asked = Vec::new();
    for count in [10, 10_000] {
        let site = Site::new().await;
        site.double.set("crowd", &count.to_string());
        site.asked();
        let jobs: Vec<_> = (2_000_001..=2_000_000 + count).map(SchedulerJobId::new).collect();
        let process = site.process();
        forget_peak();
        let look = process.look(&known(&jobs), Freshness::Shared).await.expect("it answers");
        assert_eq!(look.states.len(), jobs.len());
        let bytes = fs::metadata(site.double.file("answers/queue")).expect("ours").len();
        println!("{count} jobs: {} MiB at most, {bytes} bytes shared", peak_mib());
        assert!(peak_mib() < MEMORY_LIMIT_MIB, "{} MiB", peak_mib());
        let questions: Vec<_> = process.costs().into_iter().map(|cost| (cost.source, cost.questions)).collect();
        assert_eq!(questions, [("squeue", 1)]);
        let again = site.look(&jobs).await;
        assert_eq!(again.states, look.states, "what was shared is what was told");
        asked.push(site.asked());
    }
    assert_eq!(asked, [(1, 0), (1, 0)]);
}

#[tokio::test]
async fn a_job_that_the_answer_cannot_know_is_asked_for() {
    let site = Site::new().await;
    site.look(&[site.job]).await;
    site.asked();
    let later = site.stage.submit(&site.stage.gated("later", Size::Small)).await;
    let wanted = LookedFor { jobs: BTreeMap::from([(later, site.clock.now())]), since: long_ago() };
    let look = site.process().look(&wanted, Freshness::Shared).await.expect("it answers");
    assert!(look.states.contains_key(&later));
    assert_eq!(site.asked(), (1, 0));
}

#[tokio::test]
async fn who_wants_a_fresh_answer_gets_one_after_the_least_pause() {
    let site = Site::new().await;
    let process = site.process();
    site.asked();
    for (moved, asked) in [(0, 1), (3, 0), (3, 1)] {
        site.clock.on(moved);
        process.look(&known(&[site.job]), Freshness::Fresh).await.expect("it answers");
        assert_eq!(site.asked(), (asked, 0), "{moved} s later");
    }
}

#[tokio::test]
async fn jobs_that_left_the_queue_are_asked_for_together() {
    let (stage, double) = stage_and_double(true);
    let mut jobs = Vec::new();
    for name in ["one", "two"] {
        let job = stage.submit(&stage.submission(name, Size::Small, "true")).await;
        stage.ended(job).await;
        jobs.push(job);
    }
    let gone = SchedulerJobId::new(4711);
    let site = Site { stage, double, clock: Arc::default(), job: jobs[0] };
    site.look(&[gone]).await;
    site.asked();
    let look = site.look(&jobs).await;
    assert!(jobs.iter().all(|job| look.states[job].state.is_final()), "{look:?}");
    assert_eq!(site.asked(), (0, 1));
    assert!(site.look(&[gone]).await.states.is_empty());
    site.look(&jobs[1..]).await;
    assert_eq!(site.asked(), (0, 0));
    site.clock.on(31);
    site.look(&jobs).await;
    assert_eq!(site.asked(), (1, 1));
    assert!(site.look(&[gone]).await.states.is_empty());
    assert_eq!(site.asked(), (0, 0), "what others asked for was asked for along with it");
}

#[tokio::test]
async fn a_source_that_does_not_answer_is_left_alone_by_everybody_for_a_while() {
    let site = Site::new().await;
    site.look(&[site.job]).await;
    site.clock.on(31);
    site.asked();
    site.double.fails("squeue", "down always");
    let failed = |error: scheduler_adapters::AdapterError| {
        assert_eq!((&error.kind, error.retry), (&AdapterErrorKind::Unreachable, Retry::Later));
        error.to_string()
    };
    let first = failed(site.process().look(&known(&[site.job]), Freshness::Shared).await.expect_err("it is down"));
    assert!(first.contains("Unable to contact slurm controller") && !first.contains("not asked"), "{first}");
    for freshness in [Freshness::Shared, Freshness::Fresh] {
        let error = failed(site.process().look(&known(&[site.job]), freshness).await.expect_err("it is left alone"));
        assert!(error.contains("not asked again until: 2") && error.contains("Unable to contact"), "{error}");
    }
    assert_eq!(site.asked(), (1, 0));
    let waits = |state: scheduler_adapters::SharedState| {
        state.waits.into_iter().map(|wait| (wait.source, wait.failures)).collect::<Vec<_>>()
    };
    let state = async || waits(site.process().shared_state().await.expect("it shares"));
    assert_eq!(state().await, [("controller".to_owned(), 1)]);
    // Behind the wait one asks, and the next wait is longer.
    site.clock.on(11);
    failed(site.process().look(&known(&[site.job]), Freshness::Shared).await.expect_err("still down"));
    assert_eq!((site.asked(), state().await), ((1, 0), vec![("controller".to_owned(), 2)]));
    site.double.fails("squeue", "none");
    site.clock.on(31);
    site.look(&[site.job]).await;
    assert_eq!((site.asked(), state().await), ((1, 0), Vec::new()), "an answer ends it");
}

#[tokio::test]
async fn what_decides_is_never_answered_by_what_is_shared_nor_held_back() {
    let site = Site::new().await;
    let submission = site.stage.gated("decided", Size::Small);
    let job = site.stage.submit(&submission).await;
    site.look(&[job]).await;
    site.asked();
    let process = site.process();
    process.states(&[job], long_ago()).await.expect("it answers");
    process.find(&Stage::search(&submission)).await.expect("it answers");
    process.read_back(job).await.expect("it answers");
    process.queue(&Whose::mine()).await.expect("it answers");
    assert_eq!(site.asked().0, 4);
    // A write that is not answered holds looks back, and no look that fails holds a write back.
    site.double.fails("scancel", "down");
    process.cancel(job).await.expect_err("it is down");
    let error = site.process().look(&known(&[job]), Freshness::Shared).await.expect_err("left alone");
    assert!(error.to_string().contains("not asked again until"), "{error}");
    process.states(&[job], long_ago()).await.expect("whoever decides asks");
    process.cancel(job).await.expect("whoever acts acts");
    assert_eq!(site.asked().0, 1);
}

#[tokio::test]
async fn what_cannot_be_believed_costs_a_question_and_a_note() {
    let site = Site::new().await;
    site.look(&[site.job]).await;
    for text in ["{", "{\"version\":9}"] {
        fs::write(site.double.file("answers/queue"), text).expect("ours");
        site.asked();
        let look = site.look(&[site.job]).await;
        assert!(look.states[&site.job].state.is_running());
        assert!(look.notes[0].contains("set aside"), "{:?}", look.notes);
        assert_eq!(site.asked(), (1, 0));
    }
}

#[tokio::test]
async fn a_question_whose_asker_was_killed_is_asked_by_the_next() {
    let site = Site::new().await;
    site.look(&[site.job]).await;
    let answer = fs::read_to_string(site.double.file("answers/queue")).expect("ours");
    let token = answer.split("\"token\":\"").nth(1).and_then(|rest| rest.split('"').next()).expect("a token");
    let left = r#"{"process":{"id":1,"start_ticks":1,"boot":"of another host"},"at":0}"#;
    fs::write(site.double.file(&format!("answers/queue.asked.{token}.0")), left).expect("ours");
    site.clock.on(31);
    site.asked();
    site.look(&[site.job]).await;
    assert_eq!(site.asked(), (1, 0));
    assert_eq!(site.claims(), [""; 0], "what was left behind is gone");
}

#[tokio::test]
async fn a_server_that_is_asked_too_often_is_left_alone_as_long_as_it_wants() {
    let site = Site::new().await;
    let jobs = "/slurm/v0.0.44/jobs";
    for (status, least) in [(429, 119), (503, 4), (0, 4)] {
        let rest = FakeRest::offering(44);
        rest.gives(jobs, status, "");
        let process = || site.process().with_rest(rest.configuration());
        process().queue(&Whose::visible()).await.expect("the commands answer");
        assert_eq!(rest.count(&format!("GET {jobs}")), 1);
        let state = process().shared_state().await.expect("it shares");
        assert_eq!((state.waits.len(), state.waits[0].source.as_str()), (1, "slurmrestd"), "{state:?}");
        let left = state.waits[0].until.seconds_since(site.clock.now());
        assert!((least..=120).contains(&left), "{status}: {left} s");
        // Every other process asks the commands meanwhile, and says so.
        let other = process();
        other.queue(&Whose::visible()).await.expect("the commands answer");
        assert_eq!(rest.count("GET "), 2, "nothing but its description and the first question");
        assert!(other.unused_ways()[0].why.contains("not asked again until 2"), "{:?}", other.unused_ways());
        site.clock.on(121);
        rest.gives(jobs, 200, "{\"jobs\": []}");
        process().queue(&Whose::visible()).await.expect("it answers");
        let state = process().shared_state().await.expect("it shares");
        assert_eq!((rest.count(&format!("GET {jobs}")), state.waits.len()), (2, 0), "{status}");
    }
}

/// The calls of `squeue` since the last time: its help, states alone, and all.
fn kinds(site: &Site) -> [usize; 3] {
    let of = |words: &str| site.double.calls_of(words);
    let (help, alone) = (of("squeue --help"), of("squeue --only-job-state"));
    let all = of("squeue") - help - alone;
    site.double.set("calls", "");
    [help, alone, all]
}

#[tokio::test]
async fn where_no_state_has_changed_states_alone_are_asked_for() {
    let site = Site::new().await;
    site.double.set("light", "");
    let first = site.look(&[site.job]).await;
    kinds(&site);
    for (what, calls) in [("the help is read once", [1, 1, 0]), ("and remembered", [0, 1, 0])] {
        site.clock.on(31);
        let look = site.look(&[site.job]).await;
        assert_eq!(kinds(&site), calls, "{what}");
        let (before, now) = (&first.states[&site.job], &look.states[&site.job]);
        assert!(now.observed_at > before.observed_at && now.elapsed > before.elapsed, "{before:?} {now:?}");
        assert_eq!((now.state.clone(), now.submitted_at), (before.state.clone(), before.submitted_at));
    }
    // A person who wants it fresh, and whoever has a job that the last whole answer cannot know, asks for all.
    site.clock.on(31);
    site.process().look(&known(&[site.job]), Freshness::Fresh).await.expect("it answers");
    let later = site.stage.submit(&site.stage.gated("later", Size::Small)).await;
    kinds(&site);
    site.clock.on(31);
    let wanted = LookedFor { jobs: BTreeMap::from([(later, site.clock.now())]), since: long_ago() };
    site.process().look(&wanted, Freshness::Shared).await.expect("it answers");
    assert_eq!(kinds(&site), [0, 0, 1]);
    // A state that has changed is shown, with all that belongs to it.
    site.stage.scheduler.cancel(later).await.expect("it is cancelled");
    site.stage.ended(later).await;
    kinds(&site);
    site.clock.on(31);
    let look = site.look(&[later]).await;
    assert!(look.states[&later].state.is_final());
    assert_eq!(kinds(&site), [0, 1, 1]);
    // Reasons change without a state: after ten intervals all is asked for.
    site.clock.on(301);
    site.look(&[site.job]).await;
    assert_eq!(kinds(&site), [0, 0, 1]);
}

#[tokio::test]
async fn beside_the_library_states_alone_are_asked_of_squeue_and_all_of_the_library() {
    let site = Site::new().await;
    site.double.set("light", "");
    let (job, user, asked) = (site.job, &site.stage.user, site.stage.folder.join("asked"));
    let submitted = site.double.get(&format!("jobs/{job}/submit")).expect("told");
    let script = format!(
        "row = ['{job}', '{job}', 'jupiter', '{user}', 'atlas', 'booster', 'normal', 'RUNNING', 'None', '{submitted}', '{submitted}', \
         'N/A', '1:00:00', '0:10', '1', 'cpu=1,node=1', '/w', '/w/out', '', 'named']\n\
         say(hello)\nwhile hear():\n    open({asked:?}, 'a').write('x')\n    say(dict(rows=[row]))\n    say('end')"
    );
    let program = with_script(&site.stage, &script);
    let look = async || {
        let process = site.process().with_helper(program.clone());
        let look = process.look(&known(&[job]), Freshness::Shared).await.expect("it answers");
        assert!(look.states.contains_key(&job) && process.unused_ways().is_empty(), "{:?}", process.unused_ways());
        (kinds(&site), fs::read(&asked).expect("it was asked").len())
    };
    kinds(&site);
    assert_eq!(look().await, ([0, 0, 0], 1), "the library tells all");
    site.clock.on(31);
    assert_eq!(look().await, ([1, 1, 0], 1), "nothing has changed");
    site.stage.scheduler.cancel(job).await.expect("it is cancelled");
    site.stage.ended(job).await;
    kinds(&site);
    site.clock.on(31);
    assert_eq!(look().await, ([0, 1, 0], 2), "a state has");
}

#[tokio::test]
async fn beside_a_server_a_persons_jobs_and_their_states_alone_are_asked_of_squeue() {
    let site = Site::new().await;
    site.double.set("light", "");
    let rest = FakeRest::offering(44);
    kinds(&site);
    for calls in [[0, 0, 1], [1, 1, 0]] {
        let process = site.process().with_rest(rest.configuration());
        process.look(&known(&[site.job]), Freshness::Shared).await.expect("it answers");
        assert_eq!((kinds(&site), rest.count("GET /slurm/")), (calls, 0));
        site.clock.on(31);
    }
}

#[tokio::test]
async fn a_squeue_that_cannot_tell_states_alone_is_asked_for_all_for_good() {
    for (light, kind) in [
        (None, [1, 0, 1]),
        (Some("poor"), [1, 1, 1]),
        (Some("fatal: --only-job-state cannot be used with --states"), [1, 1, 1]),
    ] {
        let site = Site::new().await;
        if let Some(light) = light {
            site.double.set("light", light);
        }
        site.look(&[site.job]).await;
        kinds(&site);
        for calls in [kind, [0, 0, 1]] {
            site.clock.on(31);
            let look = site.look(&[site.job]).await;
            assert!(look.states[&site.job].state.is_running());
            assert_eq!(kinds(&site), calls, "{light:?}");
        }
        let state = site.process().shared_state().await.expect("it shares");
        assert_eq!((state.asks_states_alone, state.waits.len()), (Some(false), 0), "{light:?}: nobody is left alone");
    }
}

#[tokio::test]
async fn a_controller_that_is_silent_is_not_asked_for_all_after_that() {
    let site = Site::new().await;
    site.double.set("light", "");
    site.look(&[site.job]).await;
    site.clock.on(31);
    site.look(&[site.job]).await;
    kinds(&site);
    site.clock.on(31);
    site.double.fails("squeue", "down");
    site.process().look(&known(&[site.job]), Freshness::Shared).await.expect_err("it is down");
    assert_eq!(kinds(&site), [0, 1, 0]);
}

#[tokio::test]
async fn a_token_that_is_not_good_is_no_sign_of_a_silent_server() {
    let site = Site::new().await;
    let rest = FakeRest::offering(44);
    rest.gives("/slurm/v0.0.44/jobs", 200, "{\"jobs\": []}");
    let RestConfiguration { token: Some(TokenSource::File(token)), .. } = rest.configuration() else {
        panic!("a file")
    };
    for mode in [0o640, 0o600] {
        fs::set_permissions(&token, fs::Permissions::from_mode(mode)).expect("ours");
        let process = site.process().with_rest(rest.configuration());
        process.queue(&Whose::visible()).await.expect("the commands answer, or the server");
        let state = process.shared_state().await.expect("it shares");
        assert_eq!((state.waits.len(), rest.count("GET /slurm/")), (0, usize::from(mode == 0o600)), "{mode:o}");
    }
}
