//! A day at a laptop: every verb through ssh, and the ledger on the laptop.

use crate::{
    laptop::Laptop,
    real_jupiter::{scheduler_job, text},
};
use lab::{User, wait_until};
use serde_json::{Value, json};
use std::{fs, os::unix::fs::PermissionsExt, time::Duration};

/// A laptop with a ledger that grants hours, and an open connection.
pub(crate) fn connected() -> Laptop {
    connect(Laptop::new())
}

/// The same of a laptop that is there.
pub(crate) fn connect(laptop: Laptop) -> Laptop {
    laptop.open_as_told();
    laptop.pakt(&["ledger", "init"]).expect(0);
    let grant =
        ["ledger", "grant", "atlas", "1000", "--unit", "jupiter:gh200", "--account", "atlas", "--policy", "hard-stop"];
    laptop.pakt(&grant).expect(0);
    laptop
}

pub(crate) fn entries(laptop: &Laptop, kind: &str) -> Vec<Value> {
    let exported = laptop.pakt(&["ledger", "export"]).expect(0).stdout;
    let lines = exported.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON lines"));
    lines.filter(|line| line["kind"] == kind).collect()
}

/// Settles until nothing is held any more: accounting tells the end of a job when it does.
pub(crate) fn await_all_settled(laptop: &Laptop) {
    let settled = || {
        laptop.json(&["settle"]);
        (laptop.json(&["balance", "--offline", "atlas"])["balances"][0]["committed"] == 0).then_some(())
    };
    wait_until("the end of every hold", Duration::from_mins(2), settled).expect("accounting tells it");
}

#[test]
fn real_a_job_goes_from_the_laptop_through_the_site_into_the_ledger() {
    let laptop = connected();
    let file = laptop
        .job("through-ssh", "until [ -e go ]; do sleep 0.1; done; sleep 1.5; hostname >it-ran; echo $SLURM_JOB_ID");
    laptop.pakt(&["check", &file]).expect(0);
    let planned = laptop.json(&["plan", &file]);
    assert_eq!(planned["hold"]["amount"], 4 * 360 * 1000);
    let submitted = laptop.json(&["submit", &file]);
    let (id, slurm) = (text(&submitted["id"]).to_owned(), scheduler_job(&submitted));
    let again = laptop.json(&["submit", &file]);
    fs::write(laptop.at_site().join("go"), "").expect("root writes anywhere");
    laptop.cluster.await_accounted(&slurm).expect("it ends");
    assert_eq!(again["id"], submitted["id"], "the same file is the same job");
    laptop.json(&["watch", &id]);
    assert!(laptop.at_site().join("project/pakt-ada/pakt").is_dir(), "where a `pakt` at the site keeps them, too");
    assert!(laptop.at_site().join("it-ran").is_file());
    assert_eq!(laptop.pakt(&["logs", &id]).expect(0).stdout.lines().last(), Some(slurm.as_str()));
    await_all_settled(&laptop);
    let settled = entries(&laptop, "settle");
    let is_of_it = |entry: &&Value| scheduler_job(&entry["links"]["run"]) == slurm;
    assert_eq!((entries(&laptop, "hold").len(), settled.iter().filter(is_of_it).count()), (1, 1));
    let shown = laptop.json(&["show", &id]);
    assert_eq!(shown["hold"]["closing"]["reason"], "finished");
    assert_eq!(shown["intent"]["principal"]["user"], "pakt-ada", "who one is at the site");
    let listed = laptop.json(&["jobs"]);
    assert!(listed.to_string().contains(&id));
    assert_eq!(laptop.json(&["ledger", "verify"])["is_consistent"], true);
    assert_eq!(laptop.node.logins().expect("a log"), 1, "one connection for all of it");
}

#[test]
fn real_a_job_is_cancelled_and_a_script_submitted_from_the_laptop() {
    let laptop = connected();
    let file = laptop.job("to-cancel", "sleep 600");
    let submitted = laptop.json(&["submit", &file]);
    laptop.json(&["cancel", text(&submitted["id"])]);
    laptop.pakt(&["watch", "to-cancel"]).expect(6);
    await_all_settled(&laptop);

    // Where the person stands at the site is their home there.
    let home = laptop.cluster.home(User::Ada);
    let script = tempfile::Builder::new().prefix("script-").tempfile_in(&home).expect("root writes anywhere");
    let ran = laptop.at_site().join("script-ran");
    fs::write(script.path(), format!("#!/bin/sh\npwd >{}\n", ran.display())).expect("ours");
    fs::set_permissions(script.path(), fs::Permissions::from_mode(0o755)).expect("ours");
    let name = script.path().file_name().and_then(|name| name.to_str()).expect("text");
    let options = ["sbatch", "--account=atlas", "--gres=gpu:4", "--nodes=1", "--time=00:05:00", name];
    let submitted = laptop.json(&options);
    laptop.cluster.await_accounted(&scheduler_job(&submitted)).expect("it ends");
    assert_eq!(fs::read_to_string(ran).expect("it ran").trim(), home.display().to_string());
}

#[test]
fn real_without_a_connection_the_ledger_goes_on_and_everything_else_says_what_to_type() {
    let laptop = Laptop::new();
    let file = laptop.job("unsent", "true");
    let refused = laptop.pakt(&["submit", &file]).expect(3);
    assert!(refused.stderr.contains("open a connection: `ssh -M -N -f"), "{}", refused.stderr);
    laptop.pakt(&["check", &file]).expect(0);
    laptop.pakt(&["doctor"]).expect(3);
    assert_eq!(laptop.node.attempts().expect("a log"), 0, "nothing connects by itself");

    laptop.open_as_told();
    let told = laptop.pakt(&["doctor"]);
    assert!(told.stdout.contains("connection     open to jupiter-login"), "{}", told.stdout);
    assert!(told.stdout.contains("it closes 08:00:00 after its last use"), "{}", told.stdout);
    laptop.pakt(&["ledger", "init"]).expect(0);
    let mut closing = std::process::Command::new("pkill");
    closing.args(["-KILL", "-f", &format!("ControlPath={}", laptop.home().with_file_name("pakt-ssh").display())]);
    assert!(closing.status().expect("it starts").success());
    laptop.pakt(&["balance", "--offline"]).expect(0);
    laptop.pakt(&["ledger", "verify"]).expect(0);
    let refused = laptop.pakt(&["jobs"]).expect(3);
    assert!(refused.stderr.contains("open a connection: `ssh -M -N -f"), "{}", refused.stderr);
}

#[test]
fn real_a_site_that_wants_a_person_takes_no_job_from_cron() {
    let laptop = connected();
    let file = laptop.job("by-night", "true");
    let refused = laptop.pakt_unattended(&["submit", &file]).expect(4);
    assert!(refused.stderr.contains("this process has no terminal"), "{}", refused.stderr);
    let refused = laptop.pakt_unattended(&["sbatch", "--account=atlas", "--time=5", "by-night.sh"]).expect(4);
    assert!(refused.stderr.contains("this process has no terminal"), "{}", refused.stderr);
    assert_eq!(entries(&laptop, "hold").len(), 0);
    // What only reads goes on.
    laptop.pakt_unattended(&["settle"]).expect(0);
}

#[test]
fn real_a_submission_killed_on_the_laptop_becomes_one_job() {
    let laptop = connected();
    for step in ["Sending", "Sent"] {
        let name = format!("killed-{}", step.to_lowercase());
        let file = laptop.job(&name, &format!("echo ran >>{name}.ran"));
        let killed = laptop.pakt_killed_after(step, &["submit", &file]);
        assert!(!killed.status.success(), "{step}: {killed:?}");
        let submitted = laptop.json(&["submit", &file]);
        laptop.cluster.await_accounted(&scheduler_job(&submitted)).expect("it ends");
        let ran = fs::read_to_string(laptop.at_site().join(format!("{name}.ran"))).expect("it ran");
        assert_eq!(ran.lines().count(), 1, "{step}");
    }
    assert_eq!(entries(&laptop, "hold").len(), 2);
}

#[test]
fn real_a_shell_is_opened_on_the_terminal_of_the_laptop_and_charged() {
    let laptop = connected();
    let wish = ["shell", "--gpus-per-node", "4", "--time", "00:05:00", "--account", "atlas", "--"];
    let shell = laptop.pakt(&[&wish[..], &["sh", "-c", "echo \"in $SLURM_JOB_ID\"; sleep 2; exit 7"]].concat());
    let shell = shell.expect(7);
    let id = shell.stdout.lines().find_map(|line| line.trim().strip_prefix("in ")).expect("it ran").to_owned();
    assert!(shell.stdout.contains(&format!(" as {id} is over (held ")), "{}", shell.stdout);
    laptop.cluster.await_accounted(&id).expect("it ended");
    await_all_settled(&laptop);
    let settled = entries(&laptop, "settle");
    assert_eq!(settled.iter().filter(|entry| scheduler_job(&entry["links"]["run"]) == id).count(), 1);
    assert_eq!(entries(&laptop, "hold").len(), 1);
    // Nobody sits at a terminal there.
    let refused = laptop.pakt_unattended(&wish).expect(4);
    assert!(refused.stderr.contains("this process has no terminal"), "{}", refused.stderr);
}

#[test]
fn real_a_job_that_was_submitted_at_the_site_is_taken_over_from_the_laptop() {
    let laptop = connected();
    let mut command = laptop.cluster.command_as(User::Ada, "sbatch");
    command.args(["--parsable", "--account=atlas", "--nodes=1", "--time=5", "--output=/dev/null", "--wrap=sleep 600"]);
    let output = command.output().expect("sbatch starts");
    let id = String::from_utf8(output.stdout).expect("text").trim().to_owned();
    let adopted = laptop.json(&["adopt", &id]);
    assert_eq!((scheduler_job(&adopted), adopted["was_known"].as_bool()), (id.clone(), Some(false)));
    assert_eq!(laptop.json(&["adopt", &id])["id"], adopted["id"], "once");
    assert!(laptop.json(&["jobs", "--open"]).to_string().contains(text(&adopted["id"])));
    laptop.json(&["cancel", text(&adopted["id"])]);
    laptop.pakt(&["watch", text(&adopted["id"])]).expect(6);
    await_all_settled(&laptop);
    assert_eq!(entries(&laptop, "hold").len(), 1);
}

#[test]
fn real_the_library_of_slurm_is_spoken_to_through_ssh_and_its_absence_is_told() {
    let laptop = connected();
    let library = laptop.at_site().join("pakt-slurm");
    laptop.add_to_site(&format!("slurm_helper: {}", library.display()));
    let doctor = laptop.pakt(&["doctor"]);
    let told = "slurm library  warning: Slurm's own library is not used, and its commands do all";
    assert!(doctor.stdout.contains(told) && doctor.stdout.contains("by slurm commands"), "{}", doctor.stdout);
    fs::copy(crate::real_many::helper(), &library).expect("root writes anywhere");
    let doctor = laptop.pakt(&["doctor"]);
    assert!(doctor.stdout.contains("by slurm's library (pakt-slurm "), "{}", doctor.stdout);
    assert!(!doctor.stdout.contains(told), "{}", doctor.stdout);
    let submitted = laptop.json(&["submit", &laptop.job("by-library", "true")]);
    let id = scheduler_job(&submitted);
    laptop.cluster.await_accounted(&id).expect("it ends");
    laptop.json(&["watch", text(&submitted["id"])]);
}

#[test]
fn real_a_ledger_at_the_site_beside_the_one_of_the_laptop_is_told() {
    let laptop = connected();
    let unsaid = |ran: &str| assert!(!ran.contains("another ledger holds"), "{ran}");
    let submitted = laptop.pakt(&["submit", &laptop.job("first", "true")]).expect(0);
    unsaid(&submitted.stderr);
    let marks = laptop.at_site().join("project/pakt-ada/pakt/ledgers");
    let own = fs::read_dir(&marks).expect("left from afar").next().expect("one").expect("read").path();
    let mark = fs::read_to_string(&own).expect("root reads it");
    let mut mark: Value = serde_json::from_str(&mark).expect("JSON");
    assert_eq!(mark["principal"]["user"], "pakt-ada");
    unsaid(&laptop.pakt(&["balance"]).expect(0).stderr);
    (mark["ledger"], mark["place"]) = ("pakt-ledger/0123456789abcdef".into(), "/at/site/ledger.sqlite".into());
    fs::write(marks.join("pakt-ledger-0123456789abcdef.json"), mark.to_string()).expect("root writes there");
    let second = laptop.job("second", "true");
    for words in [&["submit", &second][..], &["balance"], &["doctor"]] {
        let ran = laptop.pakt(words).expect(0);
        let said = if words[0] == "doctor" { &ran.stdout } else { &ran.stderr };
        for part in
            ["another ledger holds for jobs here as well", "/at/site/ledger.sqlite on ", "PAKT_LEDGER", "ledger merge"]
        {
            assert!(said.contains(part), "{words:?}: {part}: {said}");
        }
    }
    unsaid(&laptop.pakt(&["balance", "--offline"]).expect(0).stderr);
}

#[test]
fn real_a_call_of_many_jobs_goes_as_an_array_from_the_laptop() {
    let laptop = connected();
    let ran = laptop.at_site().join("sweep.ran");
    let site = laptop.at_site().display().to_string();
    let gate = format!("until [ -e {site}/go ] || [ ! -d {site} ]; do sleep 0.1; done");
    let run = |number: usize| format!("{gate}; echo {number} >>{}", ran.display());
    let documents = (1..=6).map(|number| format!("---\n{}", laptop.document(&format!("sweep-{number}"), &run(number))));
    let file = laptop.write("sweep.yaml", &documents.collect::<String>());
    let call = ["submit", "--at-once", "2", file.as_str()];
    let killed = laptop.pakt_killed_after("Sending", &call);
    assert!(!killed.status.success(), "{killed:?}");
    let submitted = laptop.json(&call);
    let array = scheduler_job(&submitted["arrays"][0]);
    let jobs = submitted["jobs"].as_array().expect("a list");
    let ids: Vec<String> = jobs.iter().map(|job| scheduler_job(&job["job"])).collect();
    assert_eq!(ids, (0..6).map(|task| format!("{array}_{task}")).collect::<Vec<_>>(), "{submitted}");

    // Two of them run at once, so that these wait.
    assert_eq!(laptop.json(&["cancel", "sweep-6"])["cancelled"]["scheduler_jobs"], json!([ids[5]]));
    let cancelled = laptop.json(&["cancel", "sweep-4", "sweep-5"]);
    let ended: Vec<&Value> =
        cancelled["jobs"].as_array().expect("a list").iter().map(|job| &job["cancelled"]["scheduler_jobs"]).collect();
    assert_eq!(ended, [&json!([ids[3]]), &json!([ids[4]])], "{cancelled}");
    fs::write(laptop.at_site().join("go"), "").expect("root writes anywhere");
    laptop.cluster.await_accounted(&array).expect("all of it ends");
    for (number, code) in [(1, 0), (2, 0), (3, 0), (4, 6), (5, 6), (6, 6)] {
        laptop.pakt(&["watch", &format!("sweep-{number}")]).expect(code);
    }
    let ran = fs::read_to_string(ran).expect("they ran");
    let mut ran: Vec<&str> = ran.lines().collect();
    ran.sort_unstable();
    assert_eq!(ran, ["1", "2", "3"], "each worked once");
    await_all_settled(&laptop);
    assert_eq!(entries(&laptop, "hold").len(), 6);
    assert_eq!(laptop.json(&["ledger", "verify"])["is_consistent"], true);
    assert_eq!(laptop.node.logins().expect("a log"), 1, "one connection for all of it");
}

#[test]
fn real_what_only_asks_works_from_the_laptop() {
    let laptop = connected();
    let ran = scheduler_job(&laptop.json(&["submit", &laptop.job("ran", "sleep 1.2")]));
    let later = laptop.document("held", "true").replace("{ account: atlas }", "{ account: atlas, begin: now+1hour }");
    let held = scheduler_job(&laptop.json(&["submit", &laptop.write("held.yaml", &later)]));
    let mut scontrol = laptop.cluster.command_as(User::Ada, "scontrol");
    assert!(scontrol.args(["hold", &held]).status().expect("it starts").success());
    let why = laptop.json(&["why", "held"]);
    let pending = &why["pending"];
    assert_eq!((&pending["reason"], &pending["causes"][0]["class"]), (&"JobHeldUser".into(), &"held".into()), "{why}");
    assert_eq!(pending["unread"], json!([]), "{why}");
    laptop.cluster.await_accounted(&ran).expect("it ends");

    let usage = laptop.json(&["usage", "--mine"]);
    let rows = usage["usage"]["rows"].as_array().expect("rows");
    let atlas = rows.iter().find(|row| row["account"] == "atlas" && row["state"] == "COMPLETED");
    assert!(atlas.is_some_and(|row| row["gpu"]["amount"].as_i64() >= Some(4_000)), "{usage}");
    let examined = laptop.json(&["sites", "doctor"]);
    let drift = examined["drift"].as_array().expect("a list");
    assert!(drift.iter().any(|drift| drift["field"] == "partitions.booster.limits.nodes"), "{examined}");

    let charges = || {
        let settled = entries(&laptop, "settle");
        settled.iter().filter(|entry| scheduler_job(&entry["links"]["run"]) == ran).count()
    };
    assert_eq!(charges(), 0, "nothing was settled yet");
    // What other tests left running may be told beside it.
    let imported = laptop.pakt(&["--json", "ledger", "import", "--from", "slurm", "--since", "2026-01-01"]).expect(0);
    let imported: Value = serde_json::from_str(&imported.stdout).expect("JSON");
    assert!(imported["imported"]["new"].as_u64() >= Some(1), "{imported}");
    assert_eq!(charges(), 1);
    laptop.json(&["settle"]);
    assert_eq!(charges(), 1, "a settlement reads the same run");
    laptop.json(&["cancel", "held"]);
    assert_eq!(laptop.node.logins().expect("a log"), 1, "one connection for all of it");
}

#[test]
fn real_a_site_that_wants_logins_rarely_is_left_alone_for_as_long_as_its_profile_says() {
    let mut laptop = Laptop::new();
    laptop.add_to_site("opened_by: pakt");
    let profile = laptop.pakt(&["sites", "show", "jupiter"]).expect(0).stdout;
    let pause = profile.lines().find(|line| line.starts_with("login_pause_seconds:")).expect("the profile has one");
    let longer = "login_pause_seconds: { value: 3600, source: assumed, confidence: guess }";
    fs::create_dir(laptop.home().join("sites")).expect("fresh");
    fs::write(laptop.home().join("sites/jupiter.yaml"), profile.replacen(pause, longer, 1)).expect("ours");
    laptop.node.stop();
    let refused = laptop.pakt(&["jobs"]).expect(3).stderr;
    assert!(!refused.contains("try again in"), "the first attempt is made: {refused}");
    let refused = laptop.pakt(&["jobs"]).expect(3).stderr;
    let left = refused.split("try again in ").nth(1).and_then(|rest| rest.split(' ').next()?.parse::<u32>().ok());
    assert!(left.is_some_and(|seconds| (3_000..=3_600).contains(&seconds)), "{refused}");
}
