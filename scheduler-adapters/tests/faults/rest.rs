//! A slurmrestd that is not there, is another server, refuses, lies or is cut off in the middle; Slurm is the double of its
//! commands, which do what the server does not.

use super::submission::all_at_once;
use crate::{
    stages::{
        double::{Double, stage_and_double},
        rest::{FakeRest, TOKEN},
    },
    suite::{Size, Stage, long_ago},
};
use model::{SchedulerJobId, Timestamp, Window};
use reach::Retry;
use scheduler_adapters::{
    AdapterErrorKind, RestConfiguration, RunWindow, Scheduler, SlurmCommands, TokenSource, Way, Whose,
};
use serde_json::{Value, json};
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

fn with_rest(double: &Double, rest: &FakeRest) -> SlurmCommands {
    double.scheduler(None).with_rest(rest.configuration())
}

fn recorded() -> (Value, Value) {
    let read = |text: &str| serde_json::from_str(text).expect("as recorded");
    let queue = read(include_str!("../fixtures/slurm-25.11/squeue.json"));
    (queue, read(include_str!("../fixtures/slurm-25.11/sacct-X-D.json")))
}

/// The one way that was not gone.
fn why_not(slurm: &SlurmCommands) -> String {
    let unused = slurm.unused_ways();
    assert!(unused.len() == 1 && unused[0].way == Way::Rest, "{unused:?}");
    unused[0].why.clone()
}

#[tokio::test]
async fn what_is_no_answer_leaves_all_to_the_commands_and_says_why() {
    let (stage, double) = stage_and_double(true);
    let id = stage.submit(&stage.gated("waits", Size::Small)).await;
    let jobs = "/slurm/v0.0.44/jobs";
    let error = |text: &str| json!({"errors": [{"error_number": -1, "error": text}], "jobs": []}).to_string();
    for (path, status, text, why) in [
        ("/openapi/v3", 401, "UNAUTHORIZED".to_owned(), "it does not take the token"),
        ("/openapi/v3", 307, String::new(), "sends on to another place, and no token goes there"),
        ("/openapi/v3", 200, "{}".to_owned(), "its description: missing field `paths`"),
        ("/openapi/v3", 200, "<html>".to_owned(), "its description: expected value"),
        ("/openapi/v3", 200, "{\"paths\": {\"/slurm/v0.0.36/jobs\": {\"get\": {}}}}".to_owned(), "offers no version"),
        ("/openapi/v3", 0, String::new(), "connection closed before message completed"),
        (jobs, 404, "no".to_owned(), "it answers 404: there is no such page"),
        (jobs, 401, String::new(), "it does not take the token"),
        (jobs, 500, error("Unspecified error"), "of a token that is not good"),
        (jobs, 200, error("Protocol authentication error"), "of a token that is not good"),
        (
            jobs,
            500,
            error("Unable to contact slurm controller (connect failure)"),
            "Unable to contact slurm controller",
        ),
        (jobs, 200, "{\"jobs\": [{\"job_id\": 7}".to_owned(), "it is not JSON"),
        (jobs, 200, "{\"jobs\": [[]]}".to_owned(), "it is not JSON"),
        (jobs, 200, format!("{{\"jobs\": [{}", "[".repeat(100)), "it is deeper than 64"),
        (jobs, 0, String::new(), "connection closed before message completed"),
    ] {
        let rest = FakeRest::offering(44);
        rest.gives(path, status, &text);
        let slurm = with_rest(&double, &rest);
        assert!(!slurm.submits_by_command(), "a server leaves no process that could be looked for");
        let queue = slurm.queue(&Whose::visible()).await.expect("the commands answer");
        assert!(queue.jobs.iter().any(|job| job.id == id) && queue.rejected.is_empty(), "{path} {text}: {queue:?}");
        let told = why_not(&slurm);
        assert!(told.contains(why) && told.contains(&rest.address) && !told.contains(TOKEN), "{path} {text}: {told}");
    }
    let rest = FakeRest::silent();
    let nobody = RestConfiguration {
        place: reach::http::HttpPlace::parse("http://127.0.0.1:1").expect("a place"),
        ..rest.configuration()
    };
    let slurm = double.scheduler(None).with_rest(nobody);
    assert!(slurm.queue(&Whose::visible()).await.expect("the commands answer").jobs.iter().any(|job| job.id == id));
    assert!(why_not(&slurm).contains("connection refused"), "{}", why_not(&slurm));
}

#[tokio::test]
async fn a_server_is_not_asked_with_a_token_that_others_may_have_read() {
    let (_stage, double) = stage_and_double(true);
    let rest = FakeRest::offering(44);
    let RestConfiguration { token: Some(TokenSource::File(token)), .. } = rest.configuration() else {
        panic!("a file")
    };
    std::fs::set_permissions(&token, std::os::unix::fs::PermissionsExt::from_mode(0o640)).expect("ours");
    let slurm = with_rest(&double, &rest);
    slurm.queue(&Whose::visible()).await.expect("the commands answer");
    assert!(why_not(&slurm).contains("chmod 600"), "{}", why_not(&slurm));
    assert_eq!(rest.asked(), [""; 0]);
}

#[tokio::test]
async fn recorded_answers_of_a_newer_release_are_read_and_the_commands_not_asked() {
    let (stage, double) = stage_and_double(true);
    let rest = FakeRest::offering(44);
    let (queue, runs) = recorded();
    rest.gives("/slurm/v0.0.44/jobs", 200, &queue.to_string());
    rest.gives("/slurm/v0.0.44/job/11", 200, &queue.to_string());
    rest.gives("/slurmdb/v0.0.44/jobs", 200, &runs.to_string());
    let slurm = with_rest(&double, &rest);
    let seen = slurm.queue(&Whose::visible()).await.expect("an answer");
    let names: Vec<&str> = seen.jobs.iter().map(|job| job.name.as_str()).collect();
    assert_eq!(names, ["requeued", "timeout", "suspended", "depends"]);
    let id = SchedulerJobId::new(11);
    let facts = slurm.read_back(id).await.expect("it is there");
    assert_eq!((facts.sighting.id, facts.tasks, facts.sighting.name.as_str()), (id, 1, "requeued"));
    let window =
        Window { from: Timestamp::from_epoch_seconds(1_795_330_000), to: Timestamp::from_epoch_seconds(1_795_340_000) };
    let window = RunWindow { site: stage.site.clone(), window, whose: Whose::visible() };
    let answer = slurm.runs(&window).await.expect("an answer");
    assert_eq!((answer.runs.len(), answer.rejected.len()), (21, 0));
    assert_eq!(answer.runs.iter().filter(|run| run.name == "requeued").count(), 2, "both starts");
    assert_eq!(answer.runs.iter().filter(|run| run.exit.code == 3).count(), 1);
    let asked = rest.asked();
    let question =
        asked.iter().find(|request| request.starts_with("GET /slurmdb/v0.0.44/jobs?")).expect("it was asked");
    for part in [
        "cluster=",
        "&start%5Ftime=",
        "start_time=uts1795330000",
        "end_time=uts1795339999",
        "skip_steps=true",
        "show_duplicates=true",
        "disable_truncate_usage_time=true",
    ] {
        assert!(question.contains(part) != part.contains("%5F"), "{part}: {question}");
    }
    assert!(asked.iter().all(|request| request.contains(&format!("x-slurm-user-token: {TOKEN}\r\n"))));
    assert_eq!(["squeue", "sacct"].map(|program| double.calls_of(program)), [0, 0]);
    assert!(slurm.unused_ways().is_empty(), "{:?}", slurm.unused_ways());
}

#[tokio::test]
async fn what_a_version_tells_wrongly_or_cannot_choose_is_asked_of_the_commands() {
    let (stage, double) = stage_and_double(true);
    let id = stage.submit(&stage.submission("ends", Size::Small, "exit 3")).await;
    stage.ended(id).await;
    let rest = FakeRest::offering(38);
    rest.gives("/slurmdb/v0.0.38/jobs", 200, "{\"jobs\": []}");
    let unknown = "{\"errors\": [{\"error_number\": 2017, \"error\": \"Invalid job id specified\"}], \"jobs\": []}";
    rest.gives("/slurm/v0.0.38/job/77", 500, unknown);
    let slurm = with_rest(&double, &rest);
    let now = Timestamp::from_epoch_seconds(crate::suite::long_ago().epoch_seconds() + 90_000);
    let window =
        RunWindow { site: stage.site.clone(), window: Window { from: long_ago(), to: now }, whose: Whose::mine() };
    let runs = slurm.runs(&window).await.expect("sacct answers").runs;
    assert!(runs.iter().any(|run| run.key.scheduler_job == id && run.exit.code == 3), "{runs:?}");
    assert_eq!(rest.count("GET /slurmdb"), 0, "v0.0.38 says 0 of whatever code a job ended with");
    // Of jobs that are named it can be asked.
    let states = slurm.states(&[SchedulerJobId::new(77)], long_ago()).await.expect("both answer");
    assert!(states.is_empty());
    assert_eq!(rest.count("GET /slurmdb/v0.0.38/jobs?cluster="), 1);
    assert!(slurm.unused_ways().is_empty());
}

#[tokio::test]
async fn a_record_that_cannot_be_read_is_handed_back_and_never_drops_another() {
    let (stage, double) = stage_and_double(true);
    let rest = FakeRest::offering(44);
    let (queue, _) = recorded();
    let mut text = queue.to_string();
    let first = text.find("\"submit_time\":{").expect("a time");
    text.replace_range(first..first + 15, "\"no_time\":{\"x\":1,");
    let rotten = text.find("\"time_limit\"").expect("a limit");
    text.insert_str(rotten, "\"x\":Infinity,");
    for (text, readable) in [(text, 3), (queue.to_string(), 4)] {
        rest.gives("/slurm/v0.0.44/jobs", 200, &text);
        let slurm = with_rest(&double, &rest);
        let seen = slurm.queue(&Whose::visible()).await.expect("an answer");
        assert_eq!((seen.jobs.len(), seen.rejected.len()), (readable, 4 - readable), "{:?}", seen.rejected);
    }
    drop(stage);
}

#[tokio::test]
async fn an_accounting_that_is_cut_off_in_the_middle_is_an_error_and_the_next_question_goes_to_sacct() {
    let (stage, double) = stage_and_double(true);
    let rest = FakeRest::offering(44);
    let (_, runs) = recorded();
    let text = runs.to_string();
    rest.gives("/slurmdb/v0.0.44/jobs", 200, &text[..text.len() / 2]);
    let slurm = with_rest(&double, &rest);
    let now = Timestamp::from_epoch_seconds(long_ago().epoch_seconds() + 90_000);
    let window =
        RunWindow { site: stage.site.clone(), window: Window { from: long_ago(), to: now }, whose: Whose::mine() };
    let error = slurm.runs(&window).await.expect_err("a part is no answer");
    assert_eq!((&error.kind, error.retry), (&AdapterErrorKind::AccountingDown, Retry::Later), "{error}");
    slurm.runs(&window).await.expect("sacct answers");
    assert_eq!(double.calls_of("sacct -X"), 1);
}

#[tokio::test]
async fn a_cancelling_that_the_server_does_not_do_the_command_does() {
    let (stage, double) = stage_and_double(true);
    let rest = FakeRest::offering(44);
    let id = stage.submit(&stage.gated("cancelled", Size::Small)).await;
    let path = format!("/slurm/v0.0.44/job/{id}");
    for (status, number, calls) in [(200, 0, 0), (500, 2017, 0), (500, 2021, 0), (500, 2002, 1), (0, 0, 2)] {
        let error = json!({"errors": [{"error_number": number, "error": "Access/permission denied"}]}).to_string();
        rest.gives(&path, status, if status == 200 { "{\"errors\": []}" } else { &error });
        with_rest(&double, &rest).cancel(id).await.expect("cancelled");
        assert_eq!(double.calls_of("scancel"), calls, "{status} {number}");
    }
    assert_eq!(rest.count(&format!("DELETE {path} ")), 5);
    assert!(Stage::state(&stage, id).await.is_some_and(|job| job.state.is_final()));
}

#[tokio::test]
async fn a_submission_is_sent_once_and_looked_up_where_nobody_knows() {
    let (stage, double) = stage_and_double(true);
    let refused = |text: &str| json!({"errors": [{"error_number": 2045, "error": text}]}).to_string();
    let submit = "/slurm/v0.0.44/job/submit";
    for (status, text, kind, retry) in [
        (0, String::new(), "OutcomeUnknown", Retry::LookFirst),
        (200, "{\"errors\": []}".to_owned(), "OutcomeUnknown", Retry::LookFirst),
        (200, "gone".to_owned(), "OutcomeUnknown", Retry::LookFirst),
        (500, refused("Unspecified error"), "OutcomeUnknown", Retry::LookFirst),
        (500, refused("Socket timed out on send/recv operation"), "OutcomeUnknown", Retry::LookFirst),
        (504, String::new(), "OutcomeUnknown", Retry::LookFirst),
        (408, String::new(), "OutcomeUnknown", Retry::LookFirst),
        (307, String::new(), "OutcomeUnknown", Retry::LookFirst),
        (403, String::new(), "OutcomeUnknown", Retry::LookFirst),
        (500, refused("Invalid account or account/partition combination specified"), "Refused", Retry::Never),
        (500, refused("System submissions disabled"), "Refused", Retry::Later),
    ] {
        let rest = FakeRest::offering(44);
        rest.gives(submit, status, &text);
        let slurm = with_rest(&double, &rest);
        let submission = stage.submission("once", Size::Small, "true");
        let error = slurm.submit(&submission).await.expect_err("no job");
        assert!(format!("{:?}", error.kind).starts_with(kind) && error.retry == retry, "{status} {text}: {error:?}");
        assert!(!error.to_string().contains(TOKEN));
        assert_eq!((rest.count("POST"), double.calls_of("sbatch")), (1, 0), "{status} {text}: sent once, by one way");
        assert!(slurm.find(&Stage::search(&submission)).await.expect("the commands look").is_empty());
    }
}

#[tokio::test]
async fn what_the_server_does_not_take_sbatch_submits() {
    let (stage, double) = stage_and_double(true);
    let submit = "/slurm/v0.0.44/job/submit";
    for (calls, (status, text, why)) in (1..).zip([
        (
            400,
            "{\"errors\": [{\"error_number\": 9001, \"error\": \"Failure during parsing\"}]}",
            "Failure during parsing",
        ),
        (401, "UNAUTHORIZED", "does not take the token"),
        (404, "", "no such page"),
        // The table of jobs is full: sbatch tries for two minutes.
        (
            500,
            "{\"errors\": [{\"error_number\": 11, \"error\": \"Resource temporarily unavailable\"}]}",
            "sbatch submitted: it says `Resource temporarily unavailable`",
        ),
    ]) {
        let rest = FakeRest::offering(44);
        rest.gives(submit, status, text);
        let slurm = with_rest(&double, &rest);
        slurm.submit(&stage.submission("other", Size::Small, "true")).await.expect("sbatch does it");
        assert_eq!((rest.count("POST"), double.calls_of("sbatch")), (1, calls), "{status}");
        assert!(why_not(&slurm).contains(why), "{}", why_not(&slurm));
    }
    // What is not understood, or would end this version's server, is not sent.
    let rest = FakeRest::offering(38);
    let slurm = with_rest(&double, &rest);
    let mut submission = stage.submission("switches", Size::Small, "true");
    submission.options = vec!["--switches=1".to_owned()];
    slurm.submit(&submission).await.expect_err("the double's sbatch does not know it either");
    assert!(why_not(&slurm).contains("it is not told `--switches=1`"), "{}", why_not(&slurm));
    slurm.submit(&stage.gated("arguments", Size::Small)).await.expect("sbatch does it");
    assert_eq!((rest.count("POST"), double.calls_of("sbatch")), (0, 6));
}

#[tokio::test]
async fn at_a_site_whose_additions_run_in_sbatch_or_cannot_be_told_sbatch_submits() {
    let (stage, double) = stage_and_double(true);
    let list = double.file("state/plugstack.conf").display().to_string();
    let mut calls = 0;
    for (name, text, why) in [
        ("plugstack.conf", "required /usr/lib/limits.so\n", format!("the site's plugins ({list}) run in sbatch, too")),
        ("plugins", "/nowhere/list", "the site's list of plugins (/nowhere/list) is not here".to_owned()),
        ("cli-filter", "lua", "the site's filter of the command line (lua) runs in sbatch alone".to_owned()),
        ("configless", "", "no list of plugins beside it".to_owned()),
    ] {
        let rest = FakeRest::offering(44);
        rest.gives("/slurm/v0.0.44/job/submit", 200, "{\"job_id\": 77, \"errors\": []}");
        double.set("plugstack.conf", "# none\n");
        let submission = stage.submission("added", Size::Small, "true");
        let by_server = with_rest(&double, &rest).submit(&submission).await.expect("the server takes it");
        assert_eq!((by_server.id, double.calls_of("sbatch")), (SchedulerJobId::new(77), calls), "before {name}");
        double.set(name, text);
        if name == "configless" {
            std::fs::remove_file(double.file("state/slurm.conf")).expect("it was made");
        }
        let slurm = with_rest(&double, &rest);
        slurm.submit(&submission).await.expect("sbatch does it");
        calls += 1;
        assert_eq!((rest.count("POST"), double.calls_of("sbatch")), (1, calls), "{name}");
        assert!(why_not(&slurm).contains(&why), "{name}: {}", why_not(&slurm));
        std::fs::remove_file(double.file("state").join(name)).expect("ours");
    }
}

#[tokio::test]
async fn a_job_is_sent_with_the_callers_variables_but_for_a_token() {
    let (stage, double) = stage_and_double(true);
    let rest = FakeRest::offering(44);
    rest.gives("/slurm/v0.0.44/job/submit", 200, "{\"job_id\": 77, \"errors\": []}");
    let slurm = double.scheduler_with("SLURM_JWT", "not-for-jobs").with_rest(rest.configuration());
    slurm.submit(&stage.submission("token", Size::Small, "true")).await.expect("a job");
    let asked = rest.asked();
    let body = asked.last().and_then(|request| request.split_once("\r\n\r\n")).expect("a body").1;
    assert!(body.contains("\"PATH=") && !body.contains("not-for-jobs"), "{body}");
}

#[tokio::test]
async fn a_submission_says_what_sbatch_would_say() {
    let (stage, double) = stage_and_double(true);
    let rest = FakeRest::offering(44);
    rest.gives(
        "/slurm/v0.0.44/job/submit",
        200,
        "{\"job_id\": 77, \"job_submit_user_msg\": \"hello\", \"errors\": []}",
    );
    let slurm = double.scheduler_with("MY_OWN", "two\nlines").with_rest(rest.configuration());
    let mut submission = stage.submission("said", Size::Small, "true");
    submission.options = vec!["--time=2:00:00".to_owned()];
    let submitted = slurm.submit(&submission).await.expect("a job");
    assert_eq!((submitted.id, submitted.chatter.as_str()), (SchedulerJobId::new(77), "hello"));
    // As 22.05 answers of a job that begins held.
    let held = "{\"job_id\": 78, \"errors\": [{\"error_code\": 2042, \"error\": \"Job is in held state\"}]}";
    rest.gives("/slurm/v0.0.44/job/submit", 200, held);
    let held = slurm.submit(&submission).await.expect("an id means a job");
    assert_eq!((held.id, held.chatter.as_str()), (SchedulerJobId::new(78), "Job is in held state"));
    let asked = rest.asked();
    let body = asked.last().and_then(|request| request.split_once("\r\n\r\n")).expect("a body").1;
    let job: Value = serde_json::from_str(body).map(|body: Value| body["job"].clone()).expect("JSON");
    let texts = ["name", "comment", "standard_output", "current_working_directory", "tres_per_node", "script"];
    let [name, comment, output, directory, resources, script] =
        texts.map(|name| job[name].as_str().unwrap_or_default());
    assert_eq!((name, comment), (submission.job_name.as_str(), submission.stamp.to_string().as_str()));
    assert_eq!((Some(output), Some(directory)), (submission.output.as_deref(), submission.directory.as_deref()));
    assert_eq!((resources, &job["time_limit"], &job["minimum_nodes"]), ("gres/gpu:1", &json!(120), &json!(1)));
    assert!(script.starts_with("#!/bin/bash\n#SBATCH --nodes=1"), "{script}");
    let variables: Vec<&str> =
        job["environment"].as_array().expect("a list").iter().filter_map(Value::as_str).collect();
    let has = |begin: &str| variables.iter().any(|pair| pair.starts_with(begin));
    assert!(
        has("MY_OWN=two\nlines") && has("PATH=") && has("SLURM_UMASK=0") && has("SLURM_SUBMIT_DIR=/"),
        "{variables:?}"
    );
    assert!(!variables.iter().any(|pair| pair.contains(TOKEN)));
    assert!(slurm.unused_ways().is_empty(), "{:?}", slurm.unused_ways());
}

#[tokio::test]
async fn what_all_submissions_of_a_process_share_is_asked_once() {
    let (stage, double) = stage_and_double(true);
    let rest = FakeRest::offering(44);
    rest.gives("/slurm/v0.0.44/job/submit", 200, "{\"job_id\": 77, \"errors\": []}");
    let shells = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&shells);
    let slurm = double.scheduler_through(move |command| {
        counted.fetch_add(usize::from(command.program == "sh"), Ordering::Relaxed);
        command
    });
    let slurm = Arc::new(slurm.with_rest(rest.configuration()));
    all_at_once(&slurm, &stage, 64).await;
    assert_eq!(rest.count("POST "), 64);
    assert_eq!((double.calls_of("scontrol"), shells.load(Ordering::Relaxed)), (1, 1));
    assert_eq!((double.calls_of("sbatch"), slurm.unused_ways().len()), (0, 0));
}

#[tokio::test]
async fn the_server_is_asked_for_one_job_or_for_all_and_a_persons_jobs_are_asked_of_the_commands() {
    let (stage, double) = stage_and_double(true);
    let id = stage.submit(&stage.gated("waits", Size::Small)).await;
    let rest = FakeRest::offering(44);
    let (queue, _) = recorded();
    rest.gives("/slurm/v0.0.44/jobs", 200, &queue.to_string());
    rest.gives("/slurm/v0.0.44/job/11", 200, &queue.to_string());
    rest.gives("/slurmdb/v0.0.44/jobs", 200, "{\"jobs\": []}");
    let few: Vec<SchedulerJobId> = (id.raw()..id.raw() + 20).map(SchedulerJobId::new).collect();
    let many: Vec<SchedulerJobId> = (id.raw()..id.raw() + 10_000).map(SchedulerJobId::new).collect();
    for (what, one, all, squeues) in [
        ("read back", 1, 0, 0),
        ("states of one", 1, 0, 0),
        ("states of few", 0, 0, 1),
        ("states of many", 0, 0, 1),
        ("own queue", 0, 0, 1),
        ("find", 0, 0, 1),
        ("whole queue", 0, 1, 0),
    ] {
        let slurm = with_rest(&double, &rest);
        let counts = || {
            [rest.count("GET /slurm/v0.0.44/job/"), rest.count("GET /slurm/v0.0.44/jobs"), double.calls_of("squeue")]
        };
        let before = counts();
        match what {
            "read back" => drop(slurm.read_back(SchedulerJobId::new(11)).await.expect(what)),
            "states of one" => drop(slurm.states(&[SchedulerJobId::new(11)], long_ago()).await.expect(what)),
            "states of few" => drop(slurm.states(&few, long_ago()).await.expect(what)),
            "states of many" => drop(slurm.states(&many, long_ago()).await.expect(what)),
            "own queue" => drop(slurm.queue(&Whose::mine()).await.expect(what)),
            "find" => {
                let search = Stage::search(&stage.submission("sought", Size::Small, "true"));
                assert!(slurm.find(&search).await.expect(what).is_empty());
            }
            _ => drop(slurm.queue(&Whose::visible()).await.expect(what)),
        }
        let after = counts();
        let asked: [usize; 3] = std::array::from_fn(|at| after[at] - before[at]);
        assert_eq!(asked, [one, all, squeues], "{what}");
    }
    // Where there is no squeue, all that the server has are read.
    std::fs::remove_file(double.file("bin/squeue")).expect("ours");
    let asked = rest.count("GET /slurm/v0.0.44/jobs");
    let seen = with_rest(&double, &rest).queue(&Whose::mine()).await.expect("the server answers");
    assert_eq!(rest.count("GET /slurm/v0.0.44/jobs"), asked + 1);
    // They are `root`'s in that recording.
    assert_eq!(seen.jobs.len(), if stage.user.as_str() == "root" { 4 } else { 0 });
}
