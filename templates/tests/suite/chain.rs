//! A chain: the program is told in time, what it saved is gone on from, and the chain ends where it has to.

use crate::{
    common::{job, stamp},
    sites,
    stage::{ATTEMPT, Stage, Start, errors, signal},
};
use model::{Chain, JobSpec, Launch, LinkNumber, Stamp, StopSignal, Until, WallTime};
use std::{
    fs,
    process::{Child, Output},
};
use templates::Dialect;

/// The limit of the stage's jobs, in seconds.
const LIMIT: u64 = 600;

/// A chain of ten links, whose program is told at the very beginning.
fn chain(until: Until) -> Chain {
    Chain {
        until,
        max_links: LinkNumber::new(10).expect("not 0"),
        max_gpu_hours: None,
        ahead: 2,
        stalled_links: 3,
        lead: Some(WallTime::from_seconds(LIMIT)),
        signal: None,
    }
}

/// One whose program is not told while a test lasts.
fn untold(until: Until) -> Chain {
    Chain { lead: Some(WallTime::from_seconds(30)), ..chain(until) }
}

fn spec(chain: &Chain, run: &str) -> JobSpec {
    JobSpec { chain: Some(chain.clone()), ..job(Launch::Command, run) }
}

fn start(stage: &Stage, chain: &Chain, link: u32, run: &str, start: &Start<'_>) -> Child {
    let stamp = Stamp { link: LinkNumber::new(link).expect("not 0"), ..stamp() };
    let name = format!("script.{link}");
    let script = stage.script_of(stamp, &name, &spec(chain, run), &sites::local(), Dialect::Slurm);
    stage.start(&script, start)
}

/// Runs a link, as the scheduler job 40 places behind it.
fn link(stage: &Stage, chain: &Chain, number: u32, run: &str) -> Output {
    let as_job = Start::slurm(40 + u64::from(number));
    start(stage, chain, number, run, &as_job).wait_with_output().expect("an end")
}

fn value(text: &str, key: &str) -> Option<String> {
    text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('=')).map(str::to_owned)
}

/// Why the chain is over; none where it goes on.
fn over(stage: &Stage) -> Option<String> {
    stage.exists("job/over").then(|| value(&stage.read("job/over"), "why").expect("a reason"))
}

/// How each start of the chain ended.
fn classes(stage: &Stage) -> Vec<String> {
    let journal = stage.read("job/chain");
    let ended = journal.lines().filter(|line| line.starts_with("ended "));
    ended.map(|line| line.split(' ').nth(6).expect("a class").to_owned()).collect()
}

/// Saves a checkpoint of a step.
fn save(step: u32) -> String {
    format!("mkdir -p \"$STAGE/ckpt-{step}\"; echo \"{step} $STAGE/ckpt-{step}\" >>\"$PAKT_CHECKPOINTS\"")
}

/// Waits until it is told.
const WAIT: &str = "exec {idle}<> <(:); until [ -e \"$PAKT_STOP\" ]; do read -r -t 0.01 -u $idle _; done";

const STEPS: Until = Until::Steps(Some(200));

#[test]
fn what_saved_when_it_was_told_is_no_failure_and_the_next_link_goes_on_from_there() {
    let stage = Stage::new();
    let first = link(&stage, &chain(STEPS), 1, &format!("{WAIT}; {}; exit 75", save(100)));
    assert_eq!(first.status.code(), Some(0), "{}", errors(&first));
    assert_eq!(stage.marker("ended", "exit_code"), "75");
    assert_eq!(
        (stage.marker("ended", "class"), stage.marker("ended", "told")),
        ("checkpointed".into(), "limit".into())
    );
    assert_eq!(over(&stage), None);
    let tells = "printf '%s|' \"$PAKT_LINK\" \"$PAKT_RESUME_STEP\" \"$PAKT_RESUME\" >\"$STAGE/second\"";
    let second = link(&stage, &chain(STEPS), 2, &format!("{tells}; {}", save(200)));
    assert_eq!(second.status.code(), Some(0), "{}", errors(&second));
    assert_eq!(stage.read("second"), format!("2|100|{}|", stage.path("ckpt-100").display()));
    assert_eq!(over(&stage).as_deref(), Some("done"));
    let record = stage.read("job/over");
    assert_eq!((value(&record, "link"), value(&record, "step")), (Some("2".into()), Some("200".into())));
    assert_eq!(value(&record, "by").as_deref(), Some("42"));
}

#[test]
fn a_link_behind_the_end_ends_without_work_and_leaves_no_claim() {
    let stage = Stage::new();
    for (number, run) in [(1, "touch \"$PAKT_DONE\""), (2, "touch \"$STAGE/worked\"")] {
        let output = link(&stage, &untold(Until::Marker), number, run);
        assert_eq!(output.status.code(), Some(0), "{number}: {}", errors(&output));
    }
    assert_eq!(over(&stage).as_deref(), Some("done"));
    assert!(!stage.exists("worked") && !stage.exists("job/links/2/claim"));
    assert!(stage.exists("job/links/2/duplicates/42/owner") && !stage.exists("job/links/2/attempts/42-0/started"));
}

/// The first link was killed between making the file and its end: the next one sees that all is done.
#[test]
fn what_a_killed_link_left_undecided_the_next_one_decides() {
    let stage = Stage::new();
    let mut child =
        start(&stage, &untold(Until::Marker), 1, "touch \"$PAKT_DONE\" \"$STAGE/ready\"; sleep 100", &Start::slurm(41));
    stage.wait_until("the program is done", |stage| stage.exists("ready"));
    signal("KILL", &format!("-{}", child.id()));
    child.wait().expect("an end");
    assert_eq!(over(&stage), None);
    let second = link(&stage, &untold(Until::Marker), 2, "touch \"$STAGE/worked\"");
    assert_eq!((second.status.code(), over(&stage).as_deref()), (Some(0), Some("done")), "{}", errors(&second));
    assert!(!stage.exists("worked"), "{}", errors(&second));
}

#[test]
fn so_many_links_without_a_newer_checkpoint_end_the_chain_and_one_between_them_starts_the_count_anew() {
    let stage = Stage::new();
    let crash = "exit 3".to_owned();
    let runs = [&crash, &crash, &format!("{}; exit 3", save(10)), &crash, &crash];
    for (place, run) in runs.into_iter().enumerate() {
        let output = link(&stage, &untold(STEPS), u32::try_from(place + 1).expect("few"), run);
        assert_eq!((output.status.code(), over(&stage)), (Some(3), None), "{place}: {}", errors(&output));
    }
    let sixth = link(&stage, &untold(STEPS), 6, &crash);
    assert_eq!((sixth.status.code(), over(&stage).as_deref()), (Some(3), Some("stalled")), "{}", errors(&sixth));
    assert_eq!(classes(&stage), ["failed"; 6]);
}

/// The scheduler ended it early, as for a preemption: that is nobody's fault.
#[test]
fn links_that_the_scheduler_ended_early_do_not_count_as_stalled() {
    let stage = Stage::new();
    stage.sleeper();
    for number in 1..=4 {
        let run = "exec sleeper \"$STAGE/ready.$PAKT_LINK\"";
        let child = start(&stage, &untold(STEPS), number, run, &Start::slurm(40 + u64::from(number)));
        stage.wait_until("the program runs", |stage| stage.exists(&format!("ready.{number}")));
        signal("TERM", &child.id().to_string());
        let output = child.wait_with_output().expect("an end");
        assert_eq!(output.status.code(), Some(143), "{}", errors(&output));
    }
    assert_eq!(
        (classes(&stage), over(&stage)),
        (vec!["interrupted".to_owned(); 4], None),
        "{}",
        stage.read("job/chain")
    );
    assert_eq!(stage.read(&format!("{ATTEMPT}/stop")).split(' ').next(), Some("TERM"), "the program could see it");
}

/// How a program ends, whether it was told, whether it saved after that, and what the attempt is called.
#[test]
fn an_attempt_is_called_by_how_it_ended() {
    let after = format!("{WAIT}; {}; exit 1", save(1));
    for (is_told, run, class, code) in [
        (false, "true", "finished", 0),
        (false, "exit 1", "failed", 1),
        (false, "exit 75", "checkpointed", 0),
        (true, &format!("{WAIT}; exit 0"), "checkpointed", 0),
        (true, &format!("{WAIT}; exit 75"), "checkpointed", 0),
        (true, &format!("{WAIT}; exit 1"), "told", 1),
        // A launcher that has its own code: what was saved after it was told is believed.
        (true, &after, "checkpointed", 0),
    ] {
        let stage = Stage::new();
        // What was saved before it was told is not believed for that.
        fs::write(stage.path("job/checkpoints"), format!("1 {}\n", stage.path("job").display())).expect("ours");
        let which = if is_told { chain(STEPS) } else { untold(STEPS) };
        let output = link(&stage, &which, 1, run);
        let ended = (output.status.code(), classes(&stage));
        assert_eq!(ended, (Some(code), vec![class.to_owned()]), "{run}: {}", errors(&output));
    }
    let stage = Stage::new();
    let mut spec = spec(&untold(STEPS), "true");
    spec.workdir = "/nowhere".to_owned();
    let script = stage.script("script", &spec, &sites::local(), Dialect::Slurm);
    let output = stage.run(&script, &Start::slurm(41));
    assert_eq!((output.status.code(), classes(&stage)), (Some(66), vec!["setup".to_owned()]), "{}", errors(&output));
}

/// What a program that ends by itself with 0 means.
#[test]
fn a_program_that_ends_by_itself_is_done_where_nothing_says_otherwise() {
    let saves = save(100);
    for (until, run, why) in [
        (Until::Steps(None), saves.as_str(), Some("done")),
        (Until::Steps(Some(100)), &saves, Some("done")),
        // It saved and stopped early, as a trainer does with a limit of its own.
        (Until::Steps(Some(101)), &saves, None),
        // It never saved anything: it may have failed behind a pipe.
        (Until::Steps(Some(101)), "true", None),
        (Until::Time(WallTime::from_seconds(3600)), &saves, None),
        (Until::Time(WallTime::from_seconds(3600)), "true", None),
        (Until::Marker, "true", None),
        (Until::Marker, "touch \"$PAKT_DONE\"", Some("done")),
        (Until::Steps(None), "touch \"$PAKT_DONE\"; exit 75", Some("done")),
    ] {
        let stage = Stage::new();
        let output = link(&stage, &untold(until), 1, run);
        assert_eq!(
            (output.status.code(), over(&stage).as_deref()),
            (Some(0), why),
            "{until:?} {run}: {}",
            errors(&output)
        );
    }
}

#[test]
fn behind_its_last_link_the_chain_is_over_unless_the_scheduler_may_start_that_again() {
    let last = Chain { max_links: LinkNumber::FIRST, ..untold(STEPS) };
    let stage = Stage::new();
    link(&stage, &last, 1, "exit 1");
    assert_eq!(over(&stage).as_deref(), Some("links"));

    let stage = Stage::new();
    stage.sleeper();
    let child = start(&stage, &last, 1, "exec sleeper \"$STAGE/ready\"", &Start::slurm(41));
    stage.wait_until("the program runs", |stage| stage.exists("ready"));
    signal("TERM", &child.id().to_string());
    child.wait_with_output().expect("an end");
    assert_eq!(over(&stage), None);
    let again = Start { restart: 1, ..Start::slurm(41) };
    let output = start(&stage, &last, 1, &format!("{}; exit 75", save(5)), &again).wait_with_output().expect("an end");
    assert_eq!((output.status.code(), over(&stage).as_deref()), (Some(0), Some("links")), "{}", errors(&output));
}

#[test]
fn the_time_at_work_is_counted_over_all_links_and_tells_the_program() {
    let stage = Stage::new();
    let time = untold(Until::Time(WallTime::from_seconds(100)));
    fs::create_dir_all(stage.path("job/links/1/attempts/41-0")).expect("ours");
    fs::write(stage.path("job/links/1/attempts/41-0/heartbeat"), "").expect("ours");
    // 60 s with an end; then one that was killed with no word, whose heartbeat says that it lived until now.
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970").as_secs();
    let journal =
        format!("started 1 40 0 1000 0\nended 1 40 0 1060 0 checkpointed 75 limit\nstarted 1 41 0 {} 0\n", now - 39);
    fs::write(stage.path("job/chain"), journal).expect("ours");
    let output = link(&stage, &time, 2, &format!("{WAIT}; {}; exit 0", save(7)));
    assert_eq!(output.status.code(), Some(0), "{}", errors(&output));
    assert!(stage.read("job/links/2/attempts/42-0/stop").starts_with("time "), "after a second or none");
    assert_eq!(over(&stage).as_deref(), Some("done"));
}

/// What traps USR1, unless it was told before it could.
const TRAINER: &str = "exec {idle}<> <(:); trap 'touch \"$STAGE/told\"; exit 75' USR1\n[ ! -e \"$PAKT_STOP\" ] || exit 99\ntouch \"$STAGE/ready\"\n\
                       while :; do read -r -t 0.01 -u $idle _; done";

#[test]
fn a_signal_tells_the_program_where_the_job_asks_for_it() {
    // A machine that is slow to start it has longer the next time.
    let told = [1, 4, 16].into_iter().map(|seconds| {
        let stage = Stage::new();
        stage.double("trainer", TRAINER);
        let lead = Some(WallTime::from_seconds(LIMIT - seconds));
        let which = Chain { signal: Some(StopSignal::Usr1), lead, ..chain(STEPS) };
        let output = start(&stage, &which, 1, "exec trainer", &Start::slurm(41)).wait_with_output().expect("an end");
        (stage, output)
    });
    let (stage, output) =
        told.into_iter().find(|(_, output)| output.status.code() != Some(99)).expect("it was told in time");
    assert_eq!((output.status.code(), stage.exists("told")), (Some(0), true), "{}", errors(&output));
    assert_eq!(stage.marker("ended", "told"), "limit");
}

#[test]
fn a_signal_of_the_sites_is_handed_on_and_makes_the_file() {
    let stage = Stage::new();
    stage.double("trainer", TRAINER);
    let child = start(&stage, &untold(STEPS), 1, "exec trainer", &Start::slurm(41));
    stage.wait_until("the program runs", |stage| stage.exists("ready"));
    signal("USR1", &child.id().to_string());
    let output = child.wait_with_output().expect("an end");
    assert_eq!((output.status.code(), stage.exists("told")), (Some(0), true), "{}", errors(&output));
    assert_eq!((stage.marker("ended", "told"), stage.marker("ended", "class")), ("USR1".into(), "checkpointed".into()));
}

/// Slurm 22.05 is asked for the limit, from 23.02 on it says it in the environment; else the limit that was asked for counts.
#[test]
fn the_instant_to_stop_at_follows_what_the_scheduler_says() {
    let tells = "echo \"$PAKT_STOP_AT\" >\"$STAGE/at\"";
    let at = |stage: &Stage| stage.read("at").trim().parse::<u64>().expect("seconds");
    let stage = Stage::new();
    fs::write(stage.path("ends"), "2100-01-01T00:00:00\n").expect("ours");
    link(&stage, &untold(STEPS), 1, tells);
    assert_eq!(at(&stage), 4_102_444_770, "30 s before that, in UTC");

    // What is past, and what is no time, is not believed.
    for ends in ["2001-01-01T00:00:00", "Unknown", "N/A", "Mon 13:00"] {
        let stage = Stage::new();
        fs::write(stage.path("ends"), format!("{ends}\n")).expect("ours");
        link(&stage, &untold(STEPS), 1, tells);
        let started: u64 = stage.marker("started", "epoch_seconds").parse().expect("seconds");
        assert!(at(&stage).abs_diff(started + LIMIT - 30) <= 5, "{ends}: {} {started}", at(&stage));
    }

    let stage = Stage::new();
    let said = Start { variables: vec![("SLURM_JOB_END_TIME", "4102444800".to_owned())], ..Start::slurm(41) };
    start(&stage, &untold(STEPS), 1, tells, &said).wait_with_output().expect("an end");
    assert_eq!(at(&stage), 4_102_444_770);

    let stage = Stage::new();
    link(&stage, &untold(STEPS), 1, tells);
    let started: u64 = stage.marker("started", "epoch_seconds").parse().expect("seconds");
    assert!(at(&stage).abs_diff(started + LIMIT - 30) <= 5, "{} {started}", at(&stage));
}

#[test]
fn the_journal_outlives_a_line_that_was_cut_and_lines_that_are_none() {
    let stage = Stage::new();
    fs::create_dir_all(stage.path("job")).expect("ours");
    let journal = "started 1 40 0 1000 0\nended 1 40 0 1060 0 failed 1 none\n$(touch x) a[$(touch x)] 0 0 0 0\nstarted 2 $(x) 0 a[0 0\nstar";
    fs::write(stage.path("job/chain"), journal).expect("ours");
    let output = link(&stage, &untold(STEPS), 2, "exit 1");
    assert_eq!((output.status.code(), errors(&output)), (Some(1), String::new()));
    let written = stage.read("job/chain");
    assert!(written.starts_with(&format!("{journal}\nstarted 2 42 0 ")), "{written}");
    assert_eq!(link(&stage, &untold(STEPS), 3, "exit 1").status.code(), Some(1));
    assert_eq!(over(&stage).as_deref(), Some("stalled"), "of the first, the second and the third link");
}

/// A job without a chain has nothing of all this.
#[test]
fn a_job_without_a_chain_is_told_nothing_of_one() {
    let stage = Stage::new();
    let output = stage.run_command(&job(Launch::Command, "env >\"$STAGE/env\"; exit 75"));
    assert_eq!(output.status.code(), Some(75), "its own code");
    let told = stage.read("env");
    for name in ["PAKT_STOP=", "PAKT_STOP_AT=", "PAKT_DONE=", "PAKT_RESUME="] {
        assert!(!told.contains(name), "{name}");
    }
    assert!(!stage.exists("job/chain") && !stage.exists("job/over"));
}

#[test]
fn an_earlier_link_that_is_started_again_leaves_the_work_to_the_later_one() {
    let stage = Stage::new();
    link(&stage, &untold(STEPS), 1, "exit 1");
    link(&stage, &untold(STEPS), 2, "exit 1");
    let again = Start { restart: 1, ..Start::slurm(41) };
    let output =
        start(&stage, &untold(STEPS), 1, "touch \"$STAGE/worked\"", &again).wait_with_output().expect("an end");
    assert_eq!((output.status.code(), stage.exists("worked")), (Some(0), false));
    assert!(errors(&output).contains("has gone on in a later link"), "{}", errors(&output));
}

/// It had more steps to do than there were: started once more, it saves nothing newer.
#[test]
fn a_program_that_ends_at_the_checkpoint_that_it_began_at_had_no_more_to_do() {
    for until in [Until::Steps(Some(101)), Until::Time(WallTime::from_seconds(3600))] {
        let stage = Stage::new();
        link(&stage, &untold(until), 1, &save(100));
        assert_eq!(over(&stage), None, "{until:?}");
        link(&stage, &untold(until), 2, "true");
        assert_eq!(over(&stage).as_deref(), Some("done"), "{until:?}");
    }
}

/// The scheduler may start it again, whether it saved before it was ended or not.
#[test]
fn what_saved_when_the_scheduler_ended_it_goes_on_when_it_is_started_again() {
    let last = Chain { max_links: LinkNumber::FIRST, ..untold(STEPS) };
    let stage = Stage::new();
    let run = format!(
        "exec {{idle}}<> <(:); trap '{}; exit 75' TERM; touch \"$STAGE/ready\"; while :; do read -r -t 0.01 -u $idle _; done",
        save(5)
    );
    stage.double("trainer", &run);
    let child = start(&stage, &last, 1, "exec trainer", &Start::slurm(41));
    stage.wait_until("the program runs", |stage| stage.exists("ready"));
    signal("TERM", &child.id().to_string());
    let output = child.wait_with_output().expect("an end");
    assert_eq!((output.status.code(), over(&stage)), (Some(0), None), "{}", errors(&output));
    let again = Start { restart: 1, ..Start::slurm(41) };
    let tells = format!("echo \"$PAKT_RESUME_STEP\" >\"$STAGE/again\"; {}", save(200));
    start(&stage, &last, 1, &tells, &again).wait_with_output().expect("an end");
    assert_eq!((stage.read("again").as_str(), over(&stage).as_deref()), ("5\n", Some("done")));
    // And a start behind the end leaves the claim under which the work was done.
    let late = Start { restart: 2, ..Start::slurm(41) };
    let output = start(&stage, &last, 1, "touch \"$STAGE/worked\"", &late).wait_with_output().expect("an end");
    assert_eq!((output.status.code(), stage.exists("worked")), (Some(0), false));
    assert!(stage.exists("job/links/1/claim/owner") && !stage.exists("job/links/1/duplicates/41"));
}

/// slurmctld was killed before it had saved this start, and starts it again under the same number and count.
#[test]
fn the_same_start_again_is_not_told_by_what_was_left_of_it_and_does_not_repeat_what_it_saved() {
    let stage = Stage::new();
    let attempt = stage.path(ATTEMPT);
    fs::create_dir_all(&attempt).expect("ours");
    for (name, text) in
        [("stop", "TERM 0\n"), ("launched", ""), ("started", ""), ("ended", "exit_code=143\nclass=interrupted\n")]
    {
        fs::write(attempt.join(name), text).expect("ours");
    }
    let output = link(&stage, &untold(STEPS), 1, &format!("[ ! -e \"$PAKT_STOP\" ] && {} && exit 75", save(9)));
    assert_eq!(
        (output.status.code(), classes(&stage)),
        (Some(0), vec!["checkpointed".to_owned()]),
        "{}",
        errors(&output)
    );
    let output = link(&stage, &untold(STEPS), 1, "touch \"$STAGE/worked\"");
    assert_eq!((output.status.code(), stage.exists("worked")), (Some(0), false), "{}", errors(&output));
}

/// A file system that is not there now is no first start.
#[test]
fn a_list_of_which_no_checkpoint_can_be_seen_begins_nothing() {
    let stage = Stage::new();
    for number in 1..=3 {
        fs::write(stage.path("job/checkpoints"), "100 /nowhere/100\n").expect("ours");
        let output = link(&stage, &untold(STEPS), number, "touch \"$STAGE/worked\"");
        assert_eq!((output.status.code(), stage.exists("worked")), (Some(66), false), "{}", errors(&output));
        assert!(errors(&output).contains("can be seen from"), "{}", errors(&output));
    }
    assert_eq!((classes(&stage), over(&stage).as_deref()), (vec!["setup".to_owned(); 3], Some("stalled")));
}

/// Pakt took the claim in nobody's name, because the controller had forgotten the link.
#[test]
fn a_link_that_was_given_up_as_forgotten_ends_at_its_claim() {
    let stage = Stage::new();
    fs::create_dir_all(stage.path("job/links/2/claim")).expect("ours");
    fs::write(stage.path("job/links/2/claim/owner"), "scheduler_job=forgotten\n").expect("ours");
    let late = link(&stage, &untold(STEPS), 2, "touch \"$STAGE/worked\"");
    assert_eq!(late.status.code(), Some(0), "{}", errors(&late));
    assert!(errors(&late).contains("scheduler job forgotten holds the claim"), "{}", errors(&late));
    assert!(!stage.exists("worked") && stage.exists("job/links/2/duplicates/42/owner"));
    // The one before it works all the same: nothing has gone on.
    let first = link(&stage, &untold(STEPS), 1, "touch \"$STAGE/worked\"");
    assert!(stage.exists("worked"), "{}", errors(&first));
}

/// The second link was taken away, the third one worked: an administrator starts the first one again.
#[test]
fn an_earlier_link_that_is_started_again_sees_any_later_one() {
    let stage = Stage::new();
    for (number, file) in [(3, "third"), (1, "first")] {
        let output = link(&stage, &untold(STEPS), number, &format!("touch \"$STAGE/{file}\""));
        assert_eq!(output.status.code(), Some(0), "{number}: {}", errors(&output));
    }
    assert!(stage.exists("third") && !stage.exists("first"));
}

#[test]
fn whoever_ends_the_chain_takes_back_the_links_that_wait_behind_it_by_their_stamps() {
    let stage = Stage::new();
    stage.double("scancel", "printf '%s\\n' \"$*\" >>\"$STAGE/taken-back\"");
    fs::create_dir_all(stage.path("job/links/2")).expect("ours");
    let output = link(&stage, &untold(Until::Marker), 1, "touch \"$PAKT_DONE\"");
    assert_eq!((output.status.code(), over(&stage).as_deref()), (Some(0), Some("done")), "{}", errors(&output));
    let taken_back = stage.read("taken-back");
    let (name, user) = (Stamp { link: LinkNumber::new(2).expect("not 0"), ..stamp() }, "--user=");
    assert!(taken_back.contains(&format!(".{name}\n")) && taken_back.contains(user), "{taken_back}");
    assert!(taken_back.contains("--state=PENDING") && taken_back.lines().count() == 1, "{taken_back}");
}

#[test]
fn a_start_that_the_machine_ended_does_not_count_as_stalled_and_one_that_was_killed_otherwise_does() {
    for (state, is_forgotten, is_stalled, end) in [
        ("NODE_FAIL", false, " interrupted - NODE_FAIL -"),
        ("PREEMPTED", false, " interrupted - PREEMPTED -"),
        ("CANCELLED", true, " interrupted - CANCELLED -"),
        ("TIMEOUT", true, " told - limit -"),
        ("OUT_OF_MEMORY", true, " failed - none host-oom"),
        ("FAILED", true, ""),
    ]
    .into_iter()
    .flat_map(|(state, is_stalled, end)| [false, true].map(|is_forgotten| (state, is_forgotten, is_stalled, end)))
    {
        let stage = Stage::new();
        if is_forgotten {
            // Minutes later slurmctld knows nothing of it, and accounting still does.
            stage.double("scontrol", "exit 1");
            let by = if state == "CANCELLED" { " by 1001" } else { "" };
            stage.double(
                "sacct",
                &format!("echo \"${{*: -1}}\" >>\"$STAGE/sacct.calls\"; printf 'REQUEUED\\n{state}{by}\\n'"),
            );
        } else {
            stage.double(
                "scontrol",
                &format!("printf 'JobId=%s JobName=x JobState={state} Reason=None\\n' \"${{*: -1}}\""),
            );
        }
        let two = Chain { stalled_links: 2, ..untold(STEPS) };
        for number in 1..=2 {
            let run = format!("touch \"$STAGE/ready.{number}\"; sleep 100");
            let mut child = start(&stage, &two, number, &run, &Start::slurm(40 + u64::from(number)));
            stage.wait_until("the program is at work", |stage| stage.exists(&format!("ready.{number}")));
            signal("KILL", &format!("-{}", child.id()));
            child.wait().expect("an end");
        }
        let third = link(&stage, &two, 3, "touch \"$STAGE/worked\"");
        assert_eq!(stage.exists("worked"), !is_stalled, "{state}: {}", errors(&third));
        let journal = stage.read("job/chain");
        let buried = journal.lines().filter(|line| line.starts_with("ended ") && line.ends_with(end)).count();
        let by_the_next = if end.is_empty() { 0 } else { 2 };
        assert!(buried >= by_the_next && (by_the_next > 0 || buried <= 1), "{state}: {journal}");
        if is_forgotten {
            assert_eq!(stage.read("sacct.calls"), "--jobs=41\n--jobs=42\n", "each is asked for once");
        }
    }
}

#[test]
fn lines_that_name_no_checkpoint_are_told_and_what_says_that_it_saved_did_not() {
    for lines in ["5 relative/5.pt", "five /tmp"] {
        let stage = Stage::new();
        let run = format!("echo '{lines}' >>\"$PAKT_CHECKPOINTS\"; {WAIT}; exit 75");
        let output = link(&stage, &chain(STEPS), 1, &run);
        assert_eq!(output.status.code(), Some(75), "{}", errors(&output));
        assert_eq!(stage.marker("ended", "class"), "told");
        let told = format!("a line is STEP, one space, and a path from the root; the last one says: {lines}");
        assert!(errors(&output).contains(&told), "{}", errors(&output));
    }
    // A newer one that is there is enough.
    let stage = Stage::new();
    let output =
        link(&stage, &chain(STEPS), 1, &format!("{}; echo x >>\"$PAKT_CHECKPOINTS\"; {WAIT}; exit 75", save(10)));
    assert_eq!((output.status.code(), stage.marker("ended", "class").as_str()), (Some(0), "checkpointed"));
}
