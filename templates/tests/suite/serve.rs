//! A start of an evaluation has a model server of its own: begun before its program, asked whether it is ready, ended behind it.

use crate::{
    sites,
    stage::{Stage, signal},
    sweep::{array, evaluation, record, task},
};
use model::{Evaluation, Harness, JobSpec, Launch, Serve, Sweep, WallTime};
use std::{fs, process::Output};
use templates::exit_code::NO_SERVER;

/// A server in Python, which is not ready before it was asked twice, counts what it is told, and has a child that sleeps.
const SERVER: &str = r##"
import http.server, os, subprocess, sys

class Handler(http.server.BaseHTTPRequestHandler):
    asked = told = 0

    def answer(self, code, text):
        self.send_response(code)
        self.end_headers()
        self.wfile.write(text.encode())

    def do_GET(self):
        if self.path == "/ready":
            Handler.asked += 1
            self.answer(200 if Handler.asked > 2 else 503, "so")
        elif self.path == "/metrics":
            lines = ["# TYPE vllm:prompt_tokens counter", f'vllm:prompt_tokens_total{{engine="0"}} {Handler.told / 1e3}e+03',
                     f'vllm:prompt_tokens_total{{engine="1"}} 1.0', "vllm:generation_tokens_total 7.0", "vllm:prompt_tokens_created 1.7e9", ""]
            self.answer(200, "\n".join(lines))
        else:
            Handler.told += 40
            self.answer(200, f"it is {sys.argv[1]}")

    def log_message(self, *words):
        print("asked for", self.path, flush=True)

child = subprocess.Popen(["sleep", "100"])
with open(os.path.join(os.environ["STAGE"], "pids." + os.environ["PAKT_CELL"]), "w") as pids:
    print(os.getpid(), child.pid, file=pids)
http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[2])), Handler).serve_forever()
"##;

/// What evaluates: it asks the server once.
const ASK: &str = "exec {web}<>\"/dev/tcp/127.0.0.1/$PAKT_PORT\"; printf 'GET /v1 HTTP/1.0\\r\\n\\r\\n' >&\"$web\"; cat <&\"$web\" >\"$PAKT_RESULTS/answer\"";

fn serve(run: &str) -> Serve {
    Serve { run: run.to_owned(), health: "/ready".to_owned(), ready_within: WallTime::from_seconds(30) }
}

fn spec(sweep: Sweep, serve: Serve, run: &str) -> JobSpec {
    let evaluation = Some(Evaluation { harness: Harness::Command, serve: Some(serve) });
    JobSpec { sweep: Some(Sweep { evaluation, ..sweep }), ..crate::common::job(Launch::Command, run) }
}

fn stage() -> Stage {
    let stage = Stage::new();
    fs::write(stage.path("server.py"), SERVER).expect("ours");
    stage
}

fn run(stage: &Stage, spec: &JobSpec, gpus: u32) -> Output {
    let mut placement = sites::local();
    placement.share.gpus = gpus;
    placement.gpu_vendor = (gpus > 0).then_some(model::GpuVendor::Nvidia);
    let script = array(stage, spec, &placement, 1);
    stage.run(&script, &task(0, 0))
}

/// The processes of a start's server, and whether any is left.
fn is_anything_left(stage: &Stage, start: u32) -> bool {
    let pids = stage.read(&format!("pids.{start}"));
    let pids: Vec<&str> = pids.split_whitespace().collect();
    assert_eq!(pids.len(), 2, "{pids:?}");
    // A process that its parent has not waited for yet is over.
    let lives = |pid: &&str| {
        fs::read_to_string(format!("/proc/{pid}/stat"))
            .is_ok_and(|stat| !stat.rsplit(") ").next().unwrap_or("").starts_with('Z'))
    };
    pids.iter().any(lives)
}

/// What was written down of the servers, without the instants.
fn served(stage: &Stage) -> Vec<String> {
    let text = stage.read("job/links/1/attempts/41_0-0/served");
    let told = |line: &str| {
        let words: Vec<&str> = line.split(' ').collect();
        let instants: Vec<Option<u64>> = words[2..5].iter().map(|word| word.parse().ok()).collect();
        assert!(instants[0] <= instants[2] && instants[1].is_none_or(|ready| Some(ready) <= instants[2]), "{line}");
        format!(
            "{} {} {} {}",
            words[1],
            if instants[1].is_some() { "ready" } else { "never" },
            words[5],
            words[6..].join(" ")
        )
    };
    text.lines().map(told).collect()
}

const RUN: &str = "python3 \"$STAGE/server.py\" \"$PAKT_MODEL\" \"$PAKT_PORT\"";

#[test]
fn a_server_is_waited_for_asked_counted_and_ended_with_all_that_it_started() {
    for (gpus, side_by_side, of_each) in [(0, 1, 0), (4, 1, 4), (4, 2, 2)] {
        let stage = stage();
        let models = [("a b", None), ("c", Some(7))];
        let sweep = Sweep { side_by_side, ..evaluation(&models, 2) };
        let output = run(&stage, &spec(sweep, serve(RUN), ASK), gpus);
        let log = || fs::read_to_string(stage.path("job/links/1/log")).unwrap_or_default();
        assert_eq!(output.status.code(), Some(0), "{}", log());
        for (start, model) in [(1, "a b"), (2, "c")] {
            let answer = stage.read(&format!("job/results/{start}/answer"));
            assert!(answer.starts_with("HTTP/1.0 200") && answer.ends_with(&format!("it is {model}")), "{answer}");
            assert!(!is_anything_left(&stage, start), "{start}: {}", log());
            let said = stage.read(&format!("job/links/1/log.{start}.server"));
            assert!(said.matches("asked for /ready").count() == 3 && said.contains("asked for /v1"), "{said}");
        }
        let mut told = served(&stage);
        told.sort_unstable();
        assert_eq!(told, [1, 2].map(|start| format!("{start} ready {of_each} 41 7")));
        let attempt = fs::read_dir(stage.path("job/links/1/attempts/41_0-0")).expect("an attempt");
        let names: Vec<String> = attempt.map(|entry| entry.expect("one").file_name().display().to_string()).collect();
        assert!(!names.iter().any(|name| name.starts_with("answer")), "{names:?}");
    }
}

#[test]
fn without_a_server_that_is_ready_nothing_is_evaluated_and_the_log_says_why() {
    for (run_of_server, within, said) in [
        (
            "echo 'no such model' >&2; exit 3",
            30,
            "pakt: the server ended by itself; the last that it said:\nno such model\n",
        ),
        (
            "echo waiting; exec sleep 100",
            1,
            "pakt: the server is not ready after 1 s: it does not answer /ready with 200; the last that it said:\nwaiting\n",
        ),
    ] {
        let stage = stage();
        let serve = Serve { ready_within: WallTime::from_seconds(within), ..serve(run_of_server) };
        let output = run(&stage, &spec(evaluation(&[("a", None)], 1), serve, "touch \"$STAGE/ran\""), 0);
        let log = stage.read("job/links/1/log");
        assert_eq!(output.status.code(), Some(i32::from(NO_SERVER)), "{log}");
        assert!(log.contains(said) && !stage.exists("ran"), "{log}");
        assert_eq!(record(&stage, 1, "41_0-0"), ["started 1", "ended 1 76"]);
        assert_eq!(served(&stage), ["1 never 0 - -"]);
    }
}

#[test]
fn a_signal_ends_the_server_too_at_whichever_point_it_comes() {
    for (is_ready, run_of_server) in [(true, RUN.to_owned()), (false, RUN.replace("server.py", "mute.py"))] {
        let stage = stage();
        fs::write(stage.path("mute.py"), SERVER.replace("Handler.asked > 2", "False")).expect("ours");
        stage.sleeper();
        let spec = spec(
            evaluation(&[("a", None), ("b", None)], 2),
            serve(&run_of_server),
            "sleeper \"$STAGE/ready\"; echo not me",
        );
        let script = array(&stage, &spec, &sites::local(), 1);
        let child = stage.start(&script, &task(0, 0));
        let point = if is_ready { "ready" } else { "pids.1" };
        stage.wait_until("it is there", |stage| {
            stage.exists(point) && stage.read("pids.1").split_whitespace().count() == 2
        });
        signal("TERM", &child.id().to_string());
        let output = child.wait_with_output().expect("an end");
        let log = stage.read("job/links/1/log");
        assert_eq!(output.status.code(), Some(143), "{log}");
        assert!(!is_anything_left(&stage, 1) && !stage.exists("pids.2") && !log.contains("not me"), "{log}");
        assert_eq!(served(&stage), [if is_ready { "1 ready 0 1 7" } else { "1 never 0 1 7" }], "{log}");
    }
}
