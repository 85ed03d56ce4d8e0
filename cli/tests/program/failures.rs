//! Why a job failed, as its person is told.

use crate::desk::Desk;
use std::{fs, time::Duration};

#[test]
fn what_the_log_tells_of_a_failure_is_told_with_what_to_do() {
    let desk = Desk::with_grant("10");
    let python = "Traceback (most recent call last):\n  File \"train.py\", line 3, in <module>\n";
    for (name, text, class, why, next) in [
        (
            "oom",
            "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB.",
            "gpu-oom",
            "its log says: torch.OutOfMemoryError",
            "`pakt logs oom`",
        ),
        ("full", "OSError: [Errno 28] No space left on device", "io", "No space left on device", "`pakt logs full`"),
        (
            "mine",
            "ValueError: the vocabulary is empty",
            "user-code",
            "its program ended with exit code 3; its log says: ValueError",
            "`pakt logs mine`",
        ),
    ] {
        desk.write("said", &format!("step 1 loss=2.3\n{python}{text}\n"));
        let file = desk.job(name, "cat said >&2; exit 3");
        desk.pakt(&["submit", "--watch", &file]).expect(6);
        let shown = desk.json(&["show", name]);
        assert_eq!(shown["failure"]["class"], class, "{shown}");
        let told = |field: &str| shown["end"][field].as_str().unwrap_or_default().to_owned();
        assert!(told("why").contains(why) && told("next").contains(next), "{shown}");
    }
    let file = desk.job("well", "cat said >&2");
    desk.pakt(&["submit", "--watch", &file]).expect(0);
    assert!(desk.json(&["show", "well"])["failure"].is_null(), "a log alone is no failure");
}

#[test]
fn a_chain_whose_kind_of_failure_may_not_come_again_is_over_with_the_first() {
    let desk = Desk::with_grant("10");
    let file = desk.job("lm", "echo 'ValueError: the vocabulary is empty' >&2; exit 3");
    let text = fs::read_to_string(desk.work().join(&file)).expect("written");
    let policy = "chain: { until: marker }\non_failure: { communication: 5, user_code: 0 }\n";
    desk.write(&file, &format!("{text}{policy}"));
    desk.pakt(&["submit", "--watch", &file]).expect(6);
    let shown = desk.json(&["show", "lm"]);
    let over = &shown["over"];
    assert_eq!(
        (&over["why"], &over["failure"], &over["link"]),
        (&"failures".into(), &"user-code".into(), &1.into()),
        "{shown}"
    );
    assert_eq!(
        (&shown["attempts"][0]["failure"], &shown["failure"]["class"]),
        (&"user-code".into(), &"user-code".into())
    );
    let why = shown["end"]["why"].as_str().unwrap_or_default();
    assert!(
        why.contains("failures of the kind `user-code` came more often than `on_failure` allows; its program ended"),
        "{why}"
    );
    let told = desk.pakt(&["show", "lm"]).expect(0).stdout;
    assert!(told.contains(", exit code 3; it failed by user-code\n"), "{told}");
}

#[test]
fn what_becomes_of_failures_is_for_chains_alone_and_its_mistakes_are_told() {
    let desk = Desk::with_grant("10");
    let file = desk.job("lm", "true");
    let text = fs::read_to_string(desk.work().join(&file)).expect("written");
    desk.write(&file, &format!("{text}on_failure: {{ usercode: 1, io: 501, hung_after: 10s }}\n"));
    let told = desk.pakt(&["check", &file]).expect(2).stderr;
    for mistake in [
        "a job that ends at its limit is not started again after a failure",
        "`user_code`",
        "501 is more than 500",
        "is shorter than a program may be silent",
    ] {
        assert!(told.contains(mistake), "{mistake}: {told}");
    }
}

/// The times of its files are set back, as if that were long ago.
#[test]
fn a_job_that_runs_and_of_which_nothing_is_seen_is_told() {
    let desk = Desk::with_grant("10");
    let file = desk.job("lm", "touch ready; until [ -e over ]; do sleep 0.02; done");
    desk.pakt(&["submit", &file]).expect(0);
    let ready = || desk.work().join("ready").exists().then_some(());
    lab::wait_until("the program runs", Duration::from_mins(1), ready).expect("it runs");
    let shown = desk.json(&["show", "lm"]);
    assert!(shown["silence"].is_null(), "{shown}");
    let (log, directory) = (shown["log"].as_str().expect("a path"), shown["directory"].as_str().expect("a path"));
    let attempt = desk.tool(&["sh", "-c", &format!("ls -d {directory}/links/1/attempts/*")]);
    let attempt = attempt.trim();
    let started = format!("{attempt}/started");
    let text = fs::read_to_string(&started).expect("a marker");
    let long_ago = text.lines().map(|line| match line.split_once('=') {
        Some(("epoch_seconds", seconds)) => {
            format!("epoch_seconds={}\n", seconds.parse::<u64>().expect("seconds") - 4000)
        }
        _ => format!("{line}\n"),
    });
    let long_ago: String = long_ago.collect();
    fs::write(&started, long_ago).expect("ours");
    desk.tool(&["touch", "-d", "-1 hour", log]);
    let told = desk.pakt(&["jobs"]).expect(0).stdout;
    assert!(told.contains("RUNNING, silent for 01:0"), "{told}");
    desk.tool(&["touch", "-d", "-1 hour", &format!("{attempt}/heartbeat")]);
    let shown = desk.json(&["show", "lm"]);
    assert_eq!(shown["silence"]["of"], "script", "{shown}");
    let told = desk.pakt(&["show", "lm"]).expect(0).stdout;
    assert!(told.contains("silent     no heartbeat for 01:0") && told.contains("`pakt cancel lm`"), "{told}");
    desk.write("over", "");
    desk.pakt(&["watch", "lm"]).expect(0);
    assert!(desk.json(&["show", "lm"])["silence"].is_null());
}
