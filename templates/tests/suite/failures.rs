//! Why a program failed, as its script finds it, and what the chain does then.

use crate::{
    common::{job, stamp},
    sites,
    stage::{ATTEMPT, Stage, Start, errors},
};
use model::{Chain, FailureClass, JobSpec, Launch, LinkNumber, OnFailure, Stamp, Until, WallTime};
use std::{collections::BTreeMap, fs, process::Output};
use templates::Dialect;

fn spec(policy: OnFailure, run: &str) -> JobSpec {
    let chain = Chain {
        until: Until::Steps(Some(200)),
        max_links: LinkNumber::new(10).expect("not 0"),
        max_gpu_hours: None,
        ahead: 2,
        stalled_links: 3,
        lead: Some(WallTime::from_seconds(30)),
        signal: None,
    };
    JobSpec { chain: Some(chain), on_failure: Some(policy), ..job(Launch::Command, run) }
}

fn budget(kind: FailureClass, retries: u32) -> OnFailure {
    OnFailure { retries: [(kind, retries)].into(), ..OnFailure::default() }
}

/// Runs a link with a log, as the scheduler job 40 places behind it.
fn link(stage: &Stage, number: u32, spec: &JobSpec) -> Output {
    let stamp = Stamp { link: LinkNumber::new(number).expect("not 0"), ..stamp() };
    let script = stage.script_of(stamp, &format!("script.{number}"), spec, &sites::local(), Dialect::Slurm);
    let log = fs::File::options().create(true).append(true).open(stage.path("log")).expect("a log");
    // Where it is to save, it has the time.
    let patience = if stage.exists("patient") { "60" } else { "0" };
    let variables = vec![("PAKT_HEARTBEAT_SECONDS", "0.05".to_owned()), ("PAKT_KILL_SECONDS", patience.to_owned())];
    let start = Start { variables, ..Start::slurm(40 + u64::from(number)) };
    let errors = log.try_clone().expect("the same");
    stage.command(&script, &start).stdout(log).stderr(errors).output().expect("an end")
}

/// What each start of the chain failed by.
fn failures(stage: &Stage) -> Vec<String> {
    let journal = stage.read("job/chain");
    let ended = journal.lines().filter(|line| line.starts_with("ended "));
    ended.map(|line| line.split(' ').nth(9).expect("why").to_owned()).collect()
}

fn over(stage: &Stage) -> Option<String> {
    let text = stage.exists("job/over").then(|| stage.read("job/over"))?;
    text.lines().find_map(|line| line.strip_prefix("why=")).map(str::to_owned)
}

#[test]
fn causes_go_before_consequences_and_the_programs_own_mistakes_before_lost_peers() {
    for (says, code, failure) in [
        ("", 0, "-"),
        ("step 1", 3, "user-code"),
        ("", 137, "unknown"),
        ("ValueError: no such shape", 1, "user-code"),
        ("[rank3]: model.layers.OwnError", 1, "user-code"),
        ("the ValueError: is none", 143, "unknown"),
        ("NCCL WARN lost a peer", 1, "communication"),
        ("NCCL WARN lost a peer\nValueError: no such shape", 1, "user-code"),
        ("torch.distributed.elastic.multiprocessing.errors.ChildFailedError: \nNCCL WARN lost", 1, "communication"),
        ("ModuleNotFoundError: No module named x", 1, "setup"),
        ("NCCL WARN lost a peer\nRuntimeError: CUDA out of memory", 1, "gpu-oom"),
        (r"RuntimeError: \033[31mCUDA out of\033[0m memory", 1, "gpu-oom"),
        (r"10%\rError: CUDA out of memory\r", 1, "gpu-oom"),
        ("Error: CUDA out of memory\nGPU has fallen off the bus", 1, "node-fault"),
        (" 3: ValueError: no such shape\nNCCL WARN lost a peer", 1, "user-code"),
        ("[default3]:ValueError: no such shape\nNCCL WARN lost a peer", 1, "user-code"),
    ] {
        let stage = Stage::new();
        fs::write(stage.path("log"), "of an earlier start: GPU has fallen off the bus\n").expect("ours");
        let says = says.replace('\n', r"\n");
        let output = link(&stage, 1, &spec(OnFailure::default(), &format!("printf '%b\\n' '{says}'; exit {code}")));
        assert_eq!(output.status.code(), Some(code), "{says}: {}", stage.read("log"));
        assert_eq!(
            (failures(&stage), stage.marker("ended", "failure").as_str()),
            (vec![failure.to_owned()], failure),
            "{says}"
        );
    }
}

/// A log that is no file cannot be read again.
#[test]
fn without_a_log_the_code_tells() {
    let stage = Stage::new();
    let run = "echo 'Error: CUDA out of memory'; exit 1";
    let script = stage.script("script", &spec(OnFailure::default(), run), &sites::local(), Dialect::Slurm);
    let output = stage.run(&script, &Start::slurm(41));
    assert_eq!(failures(&stage), ["user-code"], "{}", errors(&output));
}

#[test]
fn each_kind_has_a_budget_of_its_own_that_a_newer_checkpoint_fills_again() {
    let stage = Stage::new();
    let policy = budget(FailureClass::GpuOom, 1);
    let oom = "echo 'Error: CUDA out of memory'; exit 1";
    let saves = "echo \"7 $STAGE/job\" >>\"$PAKT_CHECKPOINTS\"; exit 2";
    for (number, run) in [(1, oom), (2, saves), (3, oom), (4, "exit 2")] {
        link(&stage, number, &spec(policy.clone(), run));
        assert_eq!(over(&stage), None, "{number}: {}", stage.read("log"));
    }
    link(&stage, 5, &spec(policy, oom));
    assert_eq!(over(&stage).as_deref(), Some("failures"), "{}", stage.read("log"));
    assert_eq!(failures(&stage), ["gpu-oom", "user-code", "gpu-oom", "user-code", "gpu-oom"]);
}

/// Between two starts that were killed with no word there is a newer checkpoint.
#[test]
fn a_start_that_was_killed_behind_a_newer_checkpoint_counts_anew() {
    let stage = Stage::new();
    fs::write(stage.path("job/checkpoints"), format!("7 {}\n", stage.path("job").display())).expect("ours");
    fs::write(stage.path("job/chain"), "started 1 40 0 1000 0\nstarted 2 39 0 2000 5\n").expect("ours");
    link(&stage, 3, &spec(budget(FailureClass::Unknown, 1), "touch \"$STAGE/worked\""));
    assert!(stage.exists("worked"), "{}", stage.read("log"));
}

/// A start that was killed with no word: nobody can tell why.
#[test]
fn a_start_that_was_killed_counts_as_unknown() {
    let stage = Stage::new();
    fs::write(stage.path("job/chain"), "started 1 41 0 1000 0\n").expect("ours");
    link(&stage, 2, &spec(budget(FailureClass::Unknown, 0), "touch \"$STAGE/worked\""));
    assert_eq!((over(&stage).as_deref(), stage.exists("worked")), (Some("failures"), false), "{}", stage.read("log"));
}

#[test]
fn failures_of_the_machine_do_not_count_as_links_without_progress_and_may_have_a_budget() {
    let fault = "echo 'GPU has fallen off the bus'; exit 1";
    let (free, counted) = (Stage::new(), Stage::new());
    for number in 1..=4 {
        link(&free, number, &spec(budget(FailureClass::UserCode, 0), fault));
        assert_eq!(over(&free), None, "{number}: {}", free.read("log"));
    }
    for (number, why) in [(1, None), (2, None), (3, Some("failures"))] {
        link(&counted, number, &spec(budget(FailureClass::NodeFault, 2), fault));
        assert_eq!(over(&counted).as_deref(), why, "{number}");
    }
}

/// A minute, which a program does not wait for: it sets the times of its files back.
fn hung_after_a_minute() -> OnFailure {
    OnFailure {
        retries: [(FailureClass::Hung, 0)].into(),
        hung_after: Some(WallTime::from_seconds(60)),
        ..OnFailure::default()
    }
}

/// Nothing was seen of the program for very long.
const SILENT: &str = "touch -d @1 \"$STAGE/job/links/1/attempts/41-0/started\" \"$STAGE/log\"";
const FOR_EVER: &str = "exec {idle}<> <(:); while :; do read -r -t 0.05 -u $idle _; done";

#[test]
fn a_program_of_which_nothing_is_seen_is_told_to_end_and_killed_where_it_does_not() {
    let stage = Stage::new();
    let deaf = format!(
        "trap '' TERM\n(echo \"$BASHPID\" >\"$STAGE/below\"; {FOR_EVER}) &\nuntil [ -s \"$STAGE/below\" ]; do read -r -t 0.01 _ <> <(:); done\n{SILENT}\n{FOR_EVER}"
    );
    link(&stage, 1, &spec(hung_after_a_minute(), &deaf));
    assert_eq!((failures(&stage), over(&stage).as_deref()), (vec!["hung".to_owned()], Some("failures")));
    assert_eq!((stage.marker("ended", "told"), stage.marker("ended", "class")), ("hung".into(), "failed".into()));
    assert!(stage.read("log").contains("nothing was seen of the program for 60 s"), "{}", stage.read("log"));
    let below = stage.read("below");
    stage.wait_until("what it started is gone, too", |_| {
        let status = fs::read_to_string(format!("/proc/{}/status", below.trim())).unwrap_or_default();
        status.is_empty() || status.contains("State:\tZ")
    });
}

/// A child of another thread than the first is found, too.
#[test]
fn what_a_thread_started_is_killed_with_the_program() {
    let stage = Stage::new();
    let code = "import os, signal, subprocess, threading, time\n\
                signal.signal(signal.SIGTERM, signal.SIG_IGN)\n\
                def work():\n    child = subprocess.Popen(['sleep', '1000'])\n    open(os.environ['STAGE'] + '/below', 'w').write(str(child.pid))\n    \
                time.sleep(1000)\n\
                threading.Thread(target=work, daemon=True).start()\n\
                while not os.path.exists(os.environ['STAGE'] + '/below'): time.sleep(0.01)\n\
                for name in '/job/links/1/attempts/41-0/started', '/log': os.utime(os.environ['STAGE'] + name, (1, 1))\n\
                time.sleep(1000)\n";
    fs::write(stage.path("deaf.py"), code).expect("ours");
    link(&stage, 1, &spec(hung_after_a_minute(), "trap '' TERM; python3 \"$STAGE/deaf.py\""));
    assert_eq!(failures(&stage), ["hung"], "{}", stage.read("log"));
    let below = stage.read("below");
    stage.wait_until("what it started is gone, too", |_| {
        let status = fs::read_to_string(format!("/proc/{}/status", below.trim())).unwrap_or_default();
        status.is_empty() || status.contains("State:\tZ")
    });
}

#[test]
fn what_saved_when_it_was_found_hung_goes_on() {
    let stage = Stage::new();
    fs::write(stage.path("patient"), "").expect("ours");
    let run = format!("trap 'echo \"7 $STAGE/job\" >>\"$PAKT_CHECKPOINTS\"; exit 75' TERM\n{SILENT}\n{FOR_EVER}");
    link(&stage, 1, &spec(hung_after_a_minute(), &run));
    assert_eq!((failures(&stage), over(&stage)), (vec!["-".to_owned()], None), "{}", stage.read("log"));
    assert_eq!((stage.marker("ended", "told"), stage.marker("ended", "class")), ("hung".into(), "checkpointed".into()));
}

#[test]
fn a_program_of_which_something_is_seen_is_left_alone() {
    for seen in ["$PAKT_CHECKPOINTS", "$PAKT_PROGRESS", "$STAGE/log"] {
        let stage = Stage::new();
        // Seen in an hour, as far as the script can tell; then it watches the heart beat.
        let silent = if seen.ends_with("log") { SILENT.replace(" \"$STAGE/log\"", "") } else { SILENT.to_owned() };
        let run = format!(
            "touch -d '+1 hour' \"{seen}\"; {silent}\nfor beat in 1 2 3; do touch -d @1 \"$STAGE/{ATTEMPT}/heartbeat\"\n\
             until [ \"$(stat -c %Y \"$STAGE/{ATTEMPT}/heartbeat\")\" -gt 1 ]; do read -r -t 0.01 _ <> <(:); done; done; true"
        );
        link(&stage, 1, &spec(hung_after_a_minute(), &run));
        assert_eq!(
            (failures(&stage), stage.marker("ended", "told")),
            (vec!["-".to_owned()], "none".into()),
            "{seen}: {}",
            stage.read("log")
        );
    }
}

fn user_id() -> String {
    let output = std::process::Command::new("id").arg("-u").output().expect("id");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// Slurm's part: which nodes the job has, and what is updated; the job 41 was ended by its machine.
fn nodes(stage: &Stage) {
    stage.double(
        "scontrol",
        "case \"$*\" in 'show hostnames '*) cat \"$STAGE/hostnames\" ;; '--oneliner show job 41') echo 'JobId=41 JobState=NODE_FAIL Reason=None' ;;\n\
         'update '*) echo \"$*\" >>\"$STAGE/updates\" ;; *) exit 1 ;; esac",
    );
    stage.double(
        "sinfo",
        "echo \"$*\" >>\"$STAGE/sinfo.calls\"; case \"$*\" in *--partition=*) cat \"$STAGE/partition\" ;; *) cat \"$STAGE/nodes\" ;; esac",
    );
    fs::write(stage.path("hostnames"), "n1\nn2\n").expect("ours");
    fs::write(stage.path("partition"), "30 idle\n20 mix\n50 down*\n").expect("ours");
}

/// The nodes that are left out, each with why.
fn bad(stage: &Stage) -> Vec<String> {
    let text = fs::read_to_string(stage.path("job/bad-nodes")).unwrap_or_default();
    text.lines().map(|line| line.split_once(' ').expect("an instant").1.to_owned()).collect()
}

#[test]
fn a_node_that_the_log_blames_by_name_is_left_out_of_the_links_behind() {
    let report = "Root Cause (first observed failure):\\n[0]:\\n  time      : today\\n  host      : n2.cluster\\n  rank      : 5 (local_rank: 1)\\n";
    for (hostnames, says, left_out) in [
        ("n1\nn2\n", "n2: GPU has fallen off the bus", vec!["n2 node-fault"]),
        ("n1\nn2\n", "GPU has fallen off the bus at n20", vec![]),
        ("n1\nn2\n", "GPU has fallen off the bus", vec![]),
        ("n1\nn2\n", &format!("[rank5]: GPU has fallen off the bus\\n{report}"), vec!["n2 node-fault"]),
        ("n1\nn2\n", &format!("[rank6]: GPU has fallen off the bus\\n{report}"), vec![]),
        ("n1\n", "GPU has fallen off the bus", vec!["n1 node-fault"]),
        ("n1\n", "the GPUs are not ready", vec![]),
        ("n1\n", "n1: Error: CUDA out of memory", vec![]),
    ] {
        let stage = Stage::new();
        nodes(&stage);
        fs::write(stage.path("hostnames"), hostnames).expect("ours");
        fs::create_dir_all(stage.path("job/links/2")).expect("ours");
        let mut spec = spec(OnFailure::default(), &format!("printf '%b\\n' '{says}'; exit 1"));
        spec.scheduler.exclude = Some("n[7-9]".to_owned());
        link(&stage, 1, &spec);
        assert_eq!(bad(&stage), left_out, "{says}: {}", stage.read("log"));
        let updates = fs::read_to_string(stage.path("updates")).unwrap_or_default();
        let name = Stamp { link: LinkNumber::new(2).expect("not 0"), ..stamp() }.job_name(&spec.name);
        let node = left_out.first().and_then(|line| line.split(' ').next());
        let expected =
            node.map(|node| format!("update JobName={name} UserID={} ExcNodeList=n[7-9],{node}\n", user_id()));
        assert_eq!(updates, expected.unwrap_or_default(), "{says}");
    }
}

/// A start that died with no word is a failure of nobody knows what, unless the machine ended it.
#[test]
fn what_the_machine_ended_spends_no_budget_also_where_accounting_alone_knows_it() {
    for (state, works) in [("PREEMPTED", true), ("NODE_FAIL", true), ("FAILED", false)] {
        let stage = Stage::new();
        nodes(&stage);
        stage.double("scontrol", "case \"$*\" in 'show hostnames '*) cat \"$STAGE/hostnames\" ;; *) exit 1 ;; esac");
        stage.double("sacct", &format!("echo {state}"));
        fs::create_dir_all(stage.path("job/links/1/attempts/41-0")).expect("ours");
        fs::write(stage.path("job/links/1/attempts/41-0/started"), "node_list=n[1-2]\n").expect("ours");
        fs::write(stage.path("job/chain"), "started 1 41 0 1000 0\n").expect("ours");
        fs::write(stage.path("nodes"), "n1 idle\nn2 down*\n").expect("ours");
        let retries = BTreeMap::from([(FailureClass::Unknown, 0)]);
        let output = link(&stage, 2, &spec(OnFailure { retries, ..OnFailure::default() }, "touch \"$STAGE/worked\""));
        assert_eq!(stage.exists("worked"), works, "{state}: {}", errors(&output));
        let left_out: &[&str] = if state == "NODE_FAIL" { &["n2 NODE_FAIL"] } else { &[] };
        assert_eq!(bad(&stage), left_out, "{state}");
    }
}

/// Slurm says of which nodes it has lost sight, where they are the fewer: all at once are no bad nodes.
#[test]
fn a_node_that_slurm_lost_is_left_out_by_the_next_start() {
    for (states, left_out) in [
        ("n1 idle\nn2 down*\n", vec!["n2 NODE_FAIL"]),
        ("n1 allocated\nn2 draining\nn2 draining\n", vec!["n2 NODE_FAIL"]),
        ("n1 idle\nn2 idle\n", vec![]),
        ("n1 down\nn2 down\n", vec![]),
        ("n1 down\n", vec!["n1 NODE_FAIL"]),
        ("", vec![]),
    ] {
        let stage = Stage::new();
        nodes(&stage);
        fs::create_dir_all(stage.path("job/links/1/attempts/41-0")).expect("ours");
        fs::write(stage.path("job/links/1/attempts/41-0/started"), "node_list=n[1-2]\n").expect("ours");
        fs::write(stage.path("job/chain"), "started 1 41 0 1000 0\n").expect("ours");
        fs::write(stage.path("nodes"), states).expect("ours");
        link(&stage, 2, &spec(OnFailure::default(), "true"));
        assert_eq!(bad(&stage), left_out, "{states}: {}", stage.read("log"));
        assert!(stage.read("sinfo.calls").contains("--nodes=n[1-2] "), "{}", stage.read("sinfo.calls"));
    }
}

#[test]
fn nodes_are_left_out_for_their_time_and_never_more_than_sixteen() {
    let stage = Stage::new();
    nodes(&stage);
    fs::create_dir_all(stage.path("job/links/3")).expect("ours");
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970").as_secs();
    let many: String = (10..30).map(|node| format!("{now} n{node} node-fault\n")).collect();
    fs::write(stage.path("job/bad-nodes"), format!("{} n9 node-fault\n{many}{now} n[1-9] x\n", now - 86_401))
        .expect("ours");
    link(&stage, 1, &spec(OnFailure::default(), "echo 'n1: GPU has fallen off the bus'; exit 1"));
    let updates = stage.read("updates");
    // At its beginning those that were known, and at its end one more.
    assert_eq!(updates.lines().count(), 2, "{updates}");
    let (_, list) = updates.trim().rsplit_once("ExcNodeList=").expect("a list");
    let list: Vec<&str> = list.split(',').collect();
    assert_eq!((list.len(), list[0], list[1], list[15]), (16, "n1", "n29", "n15"), "{updates}");

    for (partition, left_out) in [("2 idle\n", 1), ("1 idle\n5 drain\n", 0), ("", 0)] {
        let stage = Stage::new();
        nodes(&stage);
        fs::write(stage.path("partition"), partition).expect("ours");
        link(&stage, 1, &spec(OnFailure::default(), "echo 'n1: GPU has fallen off the bus'; exit 1"));
        assert_eq!(bad(&stage).len(), left_out, "{partition}: {}", stage.read("log"));
    }

    let never = OnFailure { exclude_for: Some(WallTime::from_seconds(0)), ..OnFailure::default() };
    let stage = Stage::new();
    nodes(&stage);
    link(&stage, 1, &spec(never, "echo 'n1: GPU has fallen off the bus'; exit 1"));
    assert_eq!((bad(&stage).len(), failures(&stage)), (0, vec!["node-fault".to_owned()]));
}
