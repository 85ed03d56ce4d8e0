//! What each command asks of Slurm, as docs/for-admins.md promises it to administrators: the page's table is the
//! expectation, counted by wrappers that stand in the PATH before Slurm's own programs.

use crate::{
    desk::Desk,
    real_jupiter::{job, scheduler_job},
};
use lab::User;
use std::{collections::BTreeMap, fs, os::unix::fs::PermissionsExt, path::Path, rc::Rc};

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/for-admins.md");
/// Slurm's programs, in the order of the page's columns.
pub(crate) const PROGRAMS: [&str; 7] = ["sbatch", "squeue", "sacct", "scancel", "scontrol", "sinfo", "sacctmgr"];

/// How often a program may be started: `1`, or `0-1`.
#[derive(Debug)]
pub(crate) struct Range(u32, u32);

impl Range {
    pub(crate) fn has(&self, count: usize) -> bool {
        u32::try_from(count).is_ok_and(|count| (self.0..=self.1).contains(&count))
    }
}

/// The page's table: for each command the ranges of its programs.
pub(crate) fn promised() -> BTreeMap<String, Vec<Range>> {
    let page = fs::read_to_string(PAGE).expect("the page");
    let header = format!("| command | `{}` |", PROGRAMS.join("` | `"));
    let rows = page.lines().skip_while(|line| **line != *header).skip(2).take_while(|line| line.starts_with('|'));
    let mut promised = BTreeMap::new();
    for row in rows {
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        let range = |cell: &&str| {
            let (least, most) = cell.split_once('-').unwrap_or((*cell, *cell));
            Range(least.parse().expect("a count"), most.parse().expect("a count"))
        };
        for command in cells[0].split(", ") {
            promised.insert(command.replace('`', ""), cells[1..].iter().map(range).collect());
        }
    }
    assert!(promised.len() > 10, "the page has another shape now: {promised:?}");
    promised
}

/// Programs that note that they were started, and start the real ones.
fn counting(folder: &Path) -> String {
    for program in PROGRAMS {
        let wrapper = folder.join(program);
        let log = folder.join("started");
        let text = format!("#!/bin/sh\necho {program} >>'{}'\nexec /usr/bin/{program} \"$@\"\n", log.display());
        fs::write(&wrapper, text).expect("ours");
        fs::set_permissions(&wrapper, fs::Permissions::from_mode(0o755)).expect("ours");
    }
    fs::write(folder.join("started"), "").expect("ours");
    fs::set_permissions(folder.join("started"), fs::Permissions::from_mode(0o666)).expect("ours");
    format!("{}:/usr/local/bin:/usr/bin:/bin", folder.display())
}

/// Twenty jobs that wait for an hour.
fn twenty(name: &str) -> String {
    let document = |number: usize| {
        format!(
            "---\nname: {name}-{number}\nkind: command\nproject: atlas\nsite: jupiter\n\
             scheduler: {{ begin: now+1hour }}\n\
             resources: {{ nodes: 1, gpus_per_node: 4, time: \"00:05:00\" }}\nlaunch: command\nrun: \"true\"\n"
        )
    };
    (1..=20).map(document).collect()
}

#[test]
fn real_no_command_asks_more_of_slurm_than_administrators_were_told() {
    let cluster = Rc::new(lab::attach("jupiter").expect("the lab is up"));
    let desk = Desk::at_with_grant(&cluster, User::Ada, "atlas", "jupiter:gh200", "1000");
    let folder = tempfile::tempdir().expect("a folder");
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).expect("ours");
    let path = counting(folder.path());
    let promised = promised();
    let file = job(&desk, "counted", "{ nodes: 1, gpus_per_node: 4, time: \"00:05:00\" }", "sleep 30");
    let script = "#!/bin/bash\n#SBATCH --account=atlas --nodes=1 --time=00:05:00 --begin=now+1hour\ntrue\n";
    desk.write("script.sh", script);
    desk.write("plain.sh", &script.replace("true", "date"));
    desk.write("alike.yaml", &twenty("alike"));
    desk.write("single.yaml", &twenty("single"));
    // Each is there when it is cancelled, however free the nodes are.
    let anywhere = desk.job_at("any", "anywhere", "{ nodes: 1, gpus_per_node: 4, time: \"00:05:00\" }", "sleep 30");
    let foreign = desk.tool(&["sbatch", "--parsable", "--account=atlas", "--begin=now+1hour", "--wrap=true"]);
    let mut wrong = Vec::new();
    let mut run = |name: &str, words: &[&str]| {
        let log = folder.path().join("started");
        fs::write(&log, "").expect("ours");
        let mut command = desk.command(words);
        command.env("PATH", &path);
        let ran = desk.finish(words, command);
        assert_eq!(ran.code, Some(0), "pakt {}: {}", ran.words, ran.stderr);
        let started = fs::read_to_string(&log).expect("ours");
        let ranges = promised.get(name).unwrap_or_else(|| panic!("the page does not speak of `{name}`"));
        for (program, range) in PROGRAMS.iter().zip(ranges) {
            let count = started.lines().filter(|line| line == program).count();
            if !range.has(count) {
                wrong.push(format!("`{name}` starts {count} {program}, promised are {} to {}", range.0, range.1));
            }
        }
        ran
    };
    run("check", &["check", &file]);
    run("init", &["init", "fresh.yaml"]);
    run("plan", &["plan", &file]);
    let submitted = run("submit", &["--json", "submit", &file]);
    let slurm = scheduler_job(&serde_json::from_str(&submitted.stdout).expect("JSON"));
    for (name, words) in [
        ("jobs", &["jobs"][..]),
        ("show", &["show", "counted"]),
        ("settle", &["settle"]),
        ("balance", &["balance"]),
        ("balance --offline", &["balance", "--offline"]),
        ("usage", &["usage", "--mine"]),
        ("ledger", &["ledger", "statement", "atlas"]),
        ("sites", &["sites"]),
        ("sites doctor", &["sites", "doctor"]),
        ("doctor", &["doctor"]),
        ("adopt", &["adopt", &foreign]),
        ("sbatch", &["sbatch", "script.sh"]),
        ("sbatch --as-is", &["sbatch", "--as-is", "plain.sh"]),
        ("why", &["why", "script"]),
        ("shell", &["shell", "--gpus-per-node", "4", "--time", "00:05:00", "--account", "atlas", "--", "true"]),
        ("cancel", &["cancel", "counted"]),
        ("cancel", &["cancel", "script"]),
        ("cancel", &["cancel", "plain"]),
        ("cancel", &["cancel", &foreign]),
    ] {
        run(name, words);
    }
    for (name, words) in [
        ("submit of 20 alike jobs", &["--json", "submit", "alike.yaml"][..]),
        ("submit --no-array of 20 jobs", &["--json", "submit", "--no-array", "single.yaml"]),
    ] {
        let many: serde_json::Value = serde_json::from_str(&run(name, words).stdout).expect("JSON");
        for job in many["jobs"].as_array().expect("a list") {
            desk.tool(&["scancel", &scheduler_job(&job["job"])]);
        }
    }
    // One site more, which is not connected: it costs Slurm nothing.
    let own = fs::read_to_string(desk.home().join("config.yaml")).expect("written");
    desk.configure(&format!("{own}ssh: {{ horeka: {{ hosts: [nowhere.invalid] }} }}\n"));
    run("submit with site: any", &["submit", &anywhere]);
    run("cancel", &["--site", "jupiter", "cancel", "anywhere"]);
    cluster.await_accounted(&slurm).expect("it ends");
    run("settle", &["settle"]);
    run("jobs", &["jobs"]);
    assert!(wrong.is_empty(), "{wrong:#?}");
}
