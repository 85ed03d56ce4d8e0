//! A helper for Slurm's own library that is not there, does not fit, fails in the middle or says nothing. The helpers here are
//! scripts that play one fault each; Slurm is the double of its commands.

use crate::{
    stages::double::{Double, stage_and_double},
    suite::{Size, Stage, SystemClock, long_ago, until},
};
use lab::{LoginNode, Sshd};
use model::{SchedulerJobId, Timestamp, Window};
use reach::{Local, OpenSsh, Opening, Retry, SshSettings};
use scheduler_adapters::{AdapterErrorKind, RunWindow, Scheduler, SlurmCommands, Whose};
use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

/// What every script begins with: how messages are written and read.
const FRAMES: &str = r#"#!/usr/bin/env python3
import json, struct, sys, time
def say(message):
    text = json.dumps(message).encode()
    sys.stdout.buffer.write(struct.pack("<I", len(text)) + text)
    sys.stdout.buffer.flush()
def hear():
    head = sys.stdin.buffer.read(4)
    return json.loads(sys.stdin.buffer.read(struct.unpack("<I", head)[0])) if len(head) == 4 else sys.exit(0)
jobs = "JobID JobArrayID Cluster UserName Account Partition QOS State Reason SubmitTime StartTime EndTime TimeLimit TimeUsed \
NumNodes tres-alloc WorkDir STDOUT Comment Name".split()
runs = "JobIDRaw JobID Cluster User UID Account Partition QOS State ExitCode Submit Start End ElapsedRaw TimelimitRaw AllocNodes \
ReqNodes AllocTRES ReqTRES Reason WorkDir Comment SubmitLine JobName".split()
hello = dict(protocol=1, helper="0.0.0", headers="22.05.8", library=38, cluster="jupiter", job_columns=jobs, run_columns=runs, submits_not=None)
"#;

/// The double of Slurm with a helper that does this.
fn with_helper((stage, double): &(Stage, Double), script: &str) -> SlurmCommands {
    with_program(double, with_script(stage, script))
}

/// A helper that does this.
pub(super) fn with_script(stage: &Stage, script: &str) -> PathBuf {
    let program = stage.folder.join("pakt-slurm");
    fs::write(&program, format!("{FRAMES}{script}\n")).expect("ours");
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).expect("ours");
    program
}

fn with_program(double: &Double, program: PathBuf) -> SlurmCommands {
    double.scheduler(None).with_helper(program).waiting_for_helper(Duration::from_secs(2))
}

#[tokio::test]
async fn a_helper_that_is_absent_or_does_not_fit_leaves_all_to_the_commands_and_says_why() {
    let place = stage_and_double(true);
    let stage = &place.0;
    let id = stage.submit(&stage.gated("waits", Size::Small)).await;
    for (script, why) in [
        ("sys.exit('slurm.conf is not there')", "it ended; it said: slurm.conf is not there"),
        ("say(dict(hello, protocol=2)); hear()", "it speaks version 2 of the messages, and this program 1"),
        ("say(dict(hello, job_columns=['JobID'])); hear()", "its columns of the queue are not those of this program"),
        ("say(dict(hello, run_columns=['JobIDRaw'])); hear()", "it lacks columns of accounting"),
        ("say({'hi': 1}); hear()", "not a message of this kind"),
        ("sys.stdout.buffer.write(b'Welcome to the cluster'); sys.stdout.flush(); hear()", "a message of"),
        ("time.sleep(600)", "no answer within 2 s"),
        ("say(hello); hear(); sys.exit('a bug')", "it ended; it said: a bug"),
        ("say(hello); hear(); say({'rows': [['1', '2']]}); sys.exit(0)", "it ended"),
        ("say(hello); hear(); time.sleep(600)", "no answer within 2 s"),
    ] {
        let slurm = with_helper(&place, script);
        let queue = slurm.queue(&Whose::mine()).await.expect("the commands answer");
        assert!(queue.jobs.iter().any(|job| job.id == id) && queue.rejected.is_empty(), "{script}: {queue:?}");
        let notes = slurm.unused_ways();
        assert!(notes.len() == 1 && notes[0].why.contains(why), "{script}: {notes:?}");
        // It is not tried again.
        slurm.queue(&Whose::mine()).await.expect("the commands answer");
        assert_eq!(slurm.unused_ways(), notes);
    }
    let absent = with_program(&place.1, stage.folder.join("nowhere"));
    assert!(absent.queue(&Whose::mine()).await.expect("the commands answer").jobs.iter().any(|job| job.id == id));
    assert!(absent.unused_ways()[0].why.contains("nowhere"), "{:?}", absent.unused_ways());
}

#[tokio::test]
async fn a_submission_whose_helper_is_lost_is_not_repeated() {
    let place = stage_and_double(true);
    let (stage, double) = &place;
    for script in ["say(hello); hear(); sys.exit(1)", "say(hello); hear(); say('done')"] {
        let slurm = with_helper(&place, script);
        let submission = stage.submission("once", Size::Small, "true");
        let error = slurm.submit(&submission).await.expect_err("nobody knows");
        assert_eq!((&error.kind, error.retry), (&AdapterErrorKind::OutcomeUnknown, Retry::LookFirst), "{script}");
        let search = Stage::search(&submission);
        assert!(slurm.find(&search).await.expect("the commands look").is_empty());
        assert_eq!(double.calls_of("sbatch"), 0, "{script}");
    }
}

#[tokio::test]
async fn what_the_helper_leaves_alone_the_commands_submit_and_a_refusal_is_one() {
    let place = stage_and_double(true);
    let (stage, double) = &place;
    let failed = |kind: &str, text: &str, logged: &str| {
        let failure = format!("dict(kind='{kind}', doing='x', number=2045, text='{text}', logged='{logged}')");
        format!("say(hello)\nwhile hear(): say(dict(failed={failure}))")
    };
    let left = with_helper(&place, &failed("not_here", "sbatch may understand `--switches=1`", ""));
    let submission = stage.submission("left", Size::Small, "true");
    left.submit(&submission).await.expect("sbatch does it");
    assert!(left.unused_ways().is_empty(), "that is no failure: {:?}", left.unused_ways());
    assert_eq!(double.calls_of("sbatch"), 1);
    let filter = "pakt-slurm: error: jobs need --mem\\n";
    for (text, logged, kind, retry) in [
        ("Invalid account or account/partition combination specified", "", "Refused", Retry::Never),
        ("System submissions disabled", "", "Refused", Retry::Later),
        ("Unable to contact slurm controller (connect failure)", "", "Unreachable", Retry::Later),
        ("Socket timed out on send/recv operation", filter, "OutcomeUnknown", Retry::LookFirst),
        ("Unspecified error", "", "OutcomeUnknown", Retry::LookFirst),
        ("Unspecified error", filter, "Refused { said: \"error: jobs need --mem\\nUnspecified error\" }", Retry::Never),
    ] {
        let slurm = with_helper(&place, &failed("slurm", text, logged));
        let error = slurm.submit(&stage.submission("refused", Size::Small, "true")).await.expect_err(text);
        assert!(format!("{:?}", error.kind).starts_with(kind) && error.retry == retry, "{text}: {error:?}");
    }
    assert_eq!(double.calls_of("sbatch"), 1, "none of them was tried again");
}

/// Asks until the helper has written a file, and drops the question there.
async fn dropped_at<T>(asked: impl Future<Output = T>, file: &Path) {
    let came = until(async || file.exists().then_some(()));
    tokio::select! {
        _ = asked => panic!("there is no whole answer"),
        came = came => came.expect("it is asked"),
    }
}

#[tokio::test]
async fn the_rest_of_an_answer_that_nobody_waited_for_is_not_given_to_the_next_question() {
    let place = stage_and_double(true);
    let half = place.0.folder.join("half");
    let script = format!(
        "import os\n\
         def row(id): return [id, id, 'jupiter', {:?}, 'atlas', 'booster', 'normal', 'RUNNING', 'None', '1772323200', '1772323200', \
         '1772326800', '1:00:00', '0:10', '1', 'cpu=1,node=1', '/w', '/w/out', '', 'named']\n\
         say(hello)\n\
         is_first = not os.path.exists({half:?})\n\
         hear()\n\
         say(dict(rows=[row('7' if is_first else '8')]))\n\
         if is_first:\n    open({half:?}, 'w').close()\n    hear()\n\
         say('end')\nhear()",
        place.0.user.as_str()
    );
    let slurm = with_helper(&place, &script);
    dropped_at(slurm.queue(&Whose::mine()), &half).await;
    let queue = slurm.queue(&Whose::mine()).await.expect("another helper answers");
    assert_eq!(queue.jobs.iter().map(|job| job.id).collect::<Vec<_>>(), [SchedulerJobId::new(8)]);
    assert!(queue.rejected.is_empty() && slurm.unused_ways().is_empty(), "{queue:?} {:?}", slurm.unused_ways());
    assert_eq!(place.1.calls_of("squeue"), 0);
}

#[tokio::test]
async fn a_helper_in_the_middle_of_a_submission_is_not_killed_when_nobody_waits_for_it_any_more() {
    let place = stage_and_double(true);
    let file = |name: &str| place.0.folder.join(name);
    let (asked, gate, sent) = (file("asked"), file("gate"), file("sent"));
    let script = format!(
        "import os\nsay(hello)\nhear()\nopen({asked:?}, 'w').close()\n\
         while os.path.exists({asked:?}) and not os.path.exists({gate:?}): time.sleep(0.01)\nopen({sent:?}, 'w').close()"
    );
    let slurm = with_helper(&place, &script);
    dropped_at(slurm.submit(&place.0.submission("dropped", Size::Small, "true")), &asked).await;
    fs::write(&gate, "").expect("ours");
    until(async || sent.exists().then_some(())).await.expect("it goes on to the end");
    assert_eq!(place.1.calls_of("sbatch"), 0);
}

#[tokio::test]
async fn a_helper_that_hears_a_submission_and_stays_silent_is_left_alone_and_nothing_is_repeated() {
    let place = stage_and_double(true);
    let (stage, double) = &place;
    let file = |name: &str| stage.folder.join(name);
    let (asked, gate, sent) = (file("asked"), file("gate"), file("sent"));
    let script = format!(
        "import os\nsay(hello)\nhear()\nopen({asked:?}, 'w').close()\n\
         while os.path.exists({asked:?}) and not os.path.exists({gate:?}): time.sleep(0.01)\nopen({sent:?}, 'w').close()"
    );
    let slurm = with_helper(&place, &script).waiting_for_helper_to_submit(Duration::from_secs(1));
    let submission = stage.submission("silent", Size::Small, "true");
    let error = slurm.submit(&submission).await.expect_err("nobody knows");
    assert_eq!((&error.kind, error.retry), (&AdapterErrorKind::OutcomeUnknown, Retry::LookFirst), "{error}");
    assert!(asked.exists() && slurm.find(&Stage::search(&submission)).await.expect("the commands look").is_empty());
    // It was not killed: it comes to its end when it is let.
    fs::write(&gate, "").expect("ours");
    until(async || sent.exists().then_some(())).await.expect("it goes on to the end");
    assert_eq!(double.calls_of("sbatch"), 0);
}

#[tokio::test]
async fn a_helper_that_ends_in_the_middle_of_accounting_is_an_error_and_the_next_question_goes_to_sacct() {
    let place = stage_and_double(true);
    let (stage, double) = &place;
    let slurm = with_helper(&place, "say(hello); hear(); say(dict(rows=[['1'] * len(runs)])); sys.exit('a bug')");
    let now = Timestamp::from_epoch_seconds(long_ago().epoch_seconds() + 90_000);
    let window =
        RunWindow { site: stage.site.clone(), window: Window { from: long_ago(), to: now }, whose: Whose::mine() };
    let error = slurm.runs(&window).await.expect_err("a part is no answer");
    assert!(error.to_string().contains("a bug") && double.calls_of("sacct -X") == 0, "{error}");
    slurm.runs(&window).await.expect("sacct answers");
    assert_eq!((double.calls_of("sacct -X"), slurm.unused_ways().len()), (1, 1));
}

#[tokio::test]
async fn a_cancelling_whose_helper_is_lost_is_repeated_by_the_command() {
    let place = stage_and_double(true);
    let (stage, double) = &place;
    let id = stage.submit(&stage.gated("cancelled", Size::Small)).await;
    let slurm = with_helper(&place, "say(hello); hear(); sys.exit('a bug')");
    slurm.cancel(id).await.expect("cancelled");
    assert_eq!(double.calls_of("scancel"), 1);
    let notes = slurm.unused_ways();
    assert!(notes.len() == 1 && notes[0].why.contains("it ended; it said: a bug"), "{notes:?}");
    assert!(Stage::state(stage, id).await.is_some_and(|job| job.state.is_final()));
}

#[tokio::test]
async fn where_two_hundred_jobs_stand_is_one_question_to_the_library() {
    let place = stage_and_double(true);
    let asked = place.0.folder.join("asked");
    let script = format!(
        "def row(id): return [id, id, 'jupiter', {:?}, 'atlas', 'booster', 'normal', 'RUNNING', 'None', '1772323200', '1772323200', \
         '1772326800', '1:00:00', '0:10', '1', 'cpu=1,node=1', '/w', '/w/out', '', 'named']\n\
         say(hello)\n\
         while hear():\n    open({asked:?}, 'a').write('x')\n    say(dict(rows=[row(str(id)) for id in range(1, 201)]))\n    say('end')",
        place.0.user.as_str()
    );
    let slurm = with_helper(&place, &script);
    let ids: Vec<SchedulerJobId> = (1..=200).map(SchedulerJobId::new).collect();
    let states = slurm.states(&ids, Timestamp::from_epoch_seconds(1_772_323_200)).await.expect("the library answers");
    assert_eq!((states.len(), fs::read(&asked).expect("written").len()), (200, 1));
    assert_eq!((place.1.calls_of("squeue"), place.1.calls_of("sacct")), (0, 0));
}

#[tokio::test]
async fn a_full_table_of_jobs_is_left_to_sbatch_which_tries_again_by_itself() {
    let place = stage_and_double(true);
    let (stage, double) = &place;
    for (calls, text) in (1..).zip([
        "Resource temporarily unavailable",
        "MaxJobCount limit reached, see slurm.conf",
        "Unable to create job record, try again",
    ]) {
        let script = format!(
            "say(hello)\nwhile hear(): say(dict(failed=dict(kind='slurm', doing='x', number=11, text='{text}')))"
        );
        let slurm = with_helper(&place, &script);
        double.fails("sbatch", "retrying");
        let sent = slurm.submit(&stage.submission("full", Size::Small, "true")).await.expect("sbatch gets through");
        assert!(sent.chatter.contains("temporarily unable to accept job"), "{text}: {sent:?}");
        assert_eq!((double.calls_of("sbatch"), slurm.unused_ways().len()), (calls, 0), "{text}");
    }
}

#[tokio::test]
async fn a_helper_without_a_place_to_run_is_no_failure_of_the_commands() {
    let slurm = SlurmCommands::new(Arc::new(Local), Arc::new(SystemClock)).with_helper("/nowhere/pakt-slurm");
    assert!(slurm.way().await.contains("slurm commands"));
    assert_eq!(slurm.unused_ways().len(), 1);
    assert!(!slurm.submits_by_command(), "the library leaves no process that could be looked for");
    let (stage, _double) = stage_and_double(true);
    let mut submission = stage.submission("one", Size::Small, "true");
    assert!(!slurm.goes_by_command(&submission));
    submission.keeps_environment_options = true;
    assert!(slurm.goes_by_command(&submission), "a person's own script is sbatch's to submit");
    assert!(SlurmCommands::new(Arc::new(Local), Arc::new(SystemClock)).submits_by_command());
}

/// A helper that submits in a moment, and writes a letter when it starts.
fn counted(started: &std::path::Path) -> String {
    format!(
        "open({:?}, 'a').write('x')\nsay(hello)\nnumber = 0\nwhile hear():\n    number += 1\n    time.sleep(0.02)\n    \
         say(dict(submitted=dict(job=number, said='')))",
        started.display().to_string()
    )
}

/// Submits so many jobs at once, all of them by the library.
async fn submit_at_once(stage: &Stage, slurm: &Arc<SlurmCommands>, count: usize) {
    let mut submissions = tokio::task::JoinSet::new();
    for number in 0..count {
        let submission = stage.submission(&format!("job-{number}"), Size::Small, "true");
        let slurm = Arc::clone(slurm);
        submissions.spawn(async move { slurm.submit(&submission).await });
    }
    for answer in submissions.join_all().await {
        assert!(answer.as_ref().is_ok_and(|sent| sent.cluster.is_some()), "{answer:?}");
    }
    assert_eq!(slurm.unused_ways().len(), 0, "{:?}", slurm.unused_ways());
}

#[tokio::test]
async fn many_submissions_are_made_by_several_helpers_and_few_by_one() {
    let place = stage_and_double(true);
    let (stage, double) = &place;
    let started = stage.folder.join("started");
    for (count, helpers) in [(3, 1), (64, 4)] {
        fs::write(&started, "").expect("ours");
        submit_at_once(stage, &Arc::new(with_helper(&place, &counted(&started))), count).await;
        assert_eq!(fs::read(&started).expect("written").len(), helpers, "{count} submissions");
        assert_eq!(double.calls_of("sbatch"), 0);
    }
}

#[tokio::test]
async fn real_over_a_connection_one_helper_makes_all_submissions() {
    let (stage, double) = stage_and_double(true);
    let started = stage.folder.join("started");
    let program = with_script(&stage, &counted(&started));
    let node = Sshd::start(stage.user.as_str(), &LoginNode::default()).expect("sshd starts");
    let sockets = tempfile::tempdir().expect("a folder");
    let configuration = stage.folder.join("ssh_config");
    fs::write(&configuration, node.host_block("login", "")).expect("ours");
    let place = OpenSsh::new(SshSettings {
        hosts: vec!["login".to_owned()],
        jump: None,
        opening: Opening::ByUs,
        pause: Duration::ZERO,
        folder: sockets.path().join("sockets"),
        user: None,
        configuration: Some(configuration),
    });
    let slurm = Arc::new(SlurmCommands::new(Arc::new(place), Arc::new(SystemClock)).with_helper(program));
    submit_at_once(&stage, &slurm, 64).await;
    assert_eq!(fs::read(&started).expect("written").len(), 1, "the others would take the sessions of commands");
    assert_eq!(double.calls_of("sbatch"), 0);
}
