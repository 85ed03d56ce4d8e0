//! The line to a site breaks while `sbatch` runs there: what comes of that call is the job, and there is no second one.

use crate::{
    laptop::Laptop,
    real_jupiter::{scheduler_job, text},
    real_ssh::{connect, entries},
};
use lab::{User, wait_until};
use serde_json::Value;
use std::{fs, os::unix::fs::PermissionsExt, path::Path, time::Duration};

const LIMIT: Duration = Duration::from_mins(1);

/// A site's own `sbatch`: it says that it was called, waits until it may go on, and says that the job is there.
const GATED: &str = "#!/bin/sh
echo called >>~/called
until [ -e ~/go ]; do [ -d ~ ] || exit 1; sleep 0.1; done
/usr/bin/sbatch \"$@\"
code=$?
echo submitted >>~/submitted
exit $code
";

/// Says that processes were asked for, as who waits for an `sbatch` does again and again.
const COUNTED: &str = "#!/bin/sh\necho asked >>~/asked\nexec /usr/bin/ps \"$@\"\n";

fn lines(path: &Path) -> usize {
    fs::read_to_string(path).map_or(0, |text| text.lines().count())
}

fn await_file(path: &Path) {
    wait_until(&path.display().to_string(), LIMIT, || path.exists().then_some(())).expect("it is written");
}

/// A laptop whose line broke when its submission had called `sbatch`; the job file.
fn cut_off() -> (Laptop, String) {
    let mut laptop = connect(Laptop::with_profile("PATH=\"$HOME/bin:$PATH\"\n"));
    let site = laptop.at_site();
    fs::create_dir(site.join("bin")).expect("root writes anywhere");
    for (name, script) in [("sbatch", GATED), ("ps", COUNTED)] {
        let program = site.join("bin").join(name);
        fs::write(&program, script).expect("root writes anywhere");
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).expect("ours");
    }
    let gate = format!("until [ -e end ] || [ ! -d {} ]; do sleep 0.1; done", site.display());
    let file = laptop.job("cut-off", &format!("{gate}; echo ran >>ran"));
    let words = ["submit", file.as_str()];
    let submission = laptop.pakt_begun(&words);
    await_file(&site.join("called"));
    laptop.node.cut();
    let cut = laptop.finish(&words, submission).expect(3);
    assert!(cut.stderr.contains("run the same command again"), "{}", cut.stderr);
    assert_eq!(lines(&site.join("submitted")), 0, "`sbatch` has not ended");
    wait_until("the end of the connection", LIMIT, || (laptop.pakt(&["doctor"]).code == Some(3)).then_some(()))
        .expect("it ends");
    (laptop, file)
}

/// The site answers again, and the person opens a connection.
fn reopen(laptop: &mut Laptop) {
    laptop.node.start_again().expect("it starts");
    laptop.open_as_told();
}

/// One call of `sbatch` made one scheduler job, which does the work, with one hold.
fn is_one(laptop: &Laptop, submitted: &Value) {
    let stamp = format!("pakt-{}", text(&submitted["id"]));
    let mut queue = laptop.cluster.command_as(User::Ada, "squeue");
    queue.args(["--noheader", "--format=%k", "--states=all"]);
    let shown = String::from_utf8(queue.output().expect("it runs").stdout).expect("text");
    assert_eq!(shown.lines().filter(|line| line.starts_with(&stamp)).count(), 1, "{shown}");
    assert_eq!(lines(&laptop.at_site().join("called")), 1, "one call");
    fs::write(laptop.at_site().join("end"), "").expect("root writes anywhere");
    laptop.cluster.await_accounted(&scheduler_job(submitted)).expect("it ends");
    laptop.json(&["watch", "cut-off"]);
    assert_eq!(lines(&laptop.at_site().join("ran")), 1);
    assert_eq!(entries(laptop, "hold").len(), 1);
    assert_eq!(laptop.json(&["ledger", "verify"])["is_consistent"], true);
}

#[test]
fn real_a_job_that_came_to_be_behind_a_broken_line_is_found() {
    let (mut laptop, file) = cut_off();
    fs::write(laptop.at_site().join("go"), "").expect("root writes anywhere");
    await_file(&laptop.at_site().join("submitted"));
    reopen(&mut laptop);
    let submitted = laptop.json(&["submit", &file]);
    assert_eq!(submitted["outcome"], "resumed", "{submitted}");
    is_one(&laptop, &submitted);
}

#[test]
fn real_a_call_that_goes_on_behind_a_broken_line_is_waited_for() {
    let (mut laptop, file) = cut_off();
    reopen(&mut laptop);
    let words = ["--json", "submit", file.as_str()];
    let again = laptop.pakt_begun(&words);
    let site = laptop.at_site();
    let goes_on = || (lines(&site.join("asked")) > 2 || lines(&site.join("called")) > 1).then_some(());
    wait_until("the second call", LIMIT, goes_on).expect("it waits, or calls by itself");
    fs::write(site.join("go"), "").expect("root writes anywhere");
    let submitted = laptop.finish(&words, again).json();
    is_one(&laptop, &submitted);
}
