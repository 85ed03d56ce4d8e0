//! `scheduler.extra`: goes to sbatch as it is, but for the options that Pakt gives itself. sbatch(1) of Slurm 25.11
//! lists them; it also takes unambiguous beginnings of long options and several short ones in one word.

use crate::{
    partition::Partition,
    profile::{SchedulerKind, Site},
};
use model::{Finding, JobSpec};

/// Long option, its letter, and what does the same in a job file.
const OWNED: [(&str, Option<char>, &str); 46] = [
    ("account", Some('A'), "`scheduler.account`"),
    ("array", Some('a'), "one job file a task: `pakt submit` of many sends those that are alike as an array"),
    ("begin", Some('b'), "`scheduler.begin`"),
    ("chdir", Some('D'), "`workdir`"),
    ("cluster-constraint", None, "`site`"),
    ("clusters", Some('M'), "`site`"),
    ("comment", None, "nothing: Pakt marks its jobs there"),
    ("constraint", Some('C'), "`scheduler.constraint`"),
    ("cpus-per-gpu", None, "`resources.cpus`"),
    ("cpus-per-task", Some('c'), "`resources.cpus`"),
    ("dependency", Some('d'), "`scheduler.after`"),
    ("exclude", Some('x'), "`scheduler.exclude`"),
    ("gid", None, "nothing: jobs run as you"),
    ("gpus", Some('G'), "`resources.gpus`"),
    ("gpus-per-node", None, "`resources.gpus_per_node`"),
    ("gpus-per-socket", None, "`resources.gpus_per_node`"),
    ("gpus-per-task", None, "`launch` with `resources.gpus_per_node`"),
    ("gres", None, "`resources.gpus_per_node`; the type of GPU follows from `scheduler.partition`"),
    ("help", Some('h'), "nothing"),
    ("job-name", Some('J'), "`name`"),
    ("kill-on-invalid-dep", None, "nothing: Pakt gives it with `scheduler.after`"),
    ("mail-type", None, "`notify.when`"),
    ("mail-user", None, "`notify.mail`"),
    ("mem", None, "`resources.memory`"),
    ("mem-per-cpu", None, "`resources.memory`"),
    ("mem-per-gpu", None, "`resources.memory`"),
    ("nodes", Some('N'), "`resources.nodes`"),
    ("ntasks", Some('n'), "`launch`: one task a node or one a GPU"),
    ("ntasks-per-gpu", None, "`launch`: one task a node or one a GPU"),
    ("ntasks-per-node", None, "`launch`: one task a node or one a GPU"),
    ("open-mode", None, "nothing: logs are appended to"),
    ("output", Some('o'), "`output`"),
    ("parsable", None, "nothing: Pakt reads the answer"),
    ("partition", Some('p'), "`scheduler.partition`"),
    ("qos", Some('q'), "`scheduler.qos`"),
    ("quiet", Some('Q'), "nothing: Pakt reads the answer"),
    ("reservation", None, "`scheduler.reservation`"),
    ("tasks-per-node", None, "`launch`: one task a node or one a GPU"),
    ("test-only", None, "`pakt plan`, which asks for the start estimate"),
    ("time", Some('t'), "`resources.time`"),
    ("uid", None, "nothing: jobs run as you"),
    ("usage", None, "nothing"),
    ("verbose", Some('v'), "nothing: Pakt reads the answer"),
    ("version", Some('V'), "nothing"),
    ("wait", Some('W'), "`pakt submit --watch`"),
    ("wrap", None, "`run`"),
];

/// Letters of sbatch that take no value, so that another letter may follow in the same word.
const FLAG_LETTERS: [char; 9] = ['H', 'h', 'k', 'O', 'Q', 's', 'v', 'V', 'W'];

/// Long options of sbatch that take no value, or only behind `=`, so that a word behind them is not theirs.
const FLAG_OPTIONS: [&str; 16] = [
    "contiguous",
    "exclusive",
    "get-user-env",
    "hold",
    "ignore-pbs",
    "nice",
    "no-bell",
    "no-kill",
    "no-requeue",
    "overcommit",
    "oversubscribe",
    "reboot",
    "requeue",
    "share",
    "spread-job",
    "use-min-nodes",
];

/// Whether the job asks for nodes of its own where it would not get them otherwise. `--exclusive=user` and its like still
/// share.
pub(super) fn asks_for_whole_nodes(spec: &JobSpec) -> bool {
    spec.scheduler.extra.iter().any(|word| word == "--exclusive")
}

/// Refuses what Pakt gives itself, what the batch script could not live with, and words that sbatch would take for the
/// script.
pub(super) fn check(site: &Site, spec: &JobSpec, findings: &mut Vec<Finding>) {
    let words = &spec.scheduler.extra;
    if site.scheduler == SchedulerKind::Local && !words.is_empty() {
        let what = format!("{} has no scheduler that takes options", site.title);
        findings.push(Finding::error("scheduler.extra", what, "take `extra` out for this site"));
        return;
    }
    let mut takes_next = false;
    for (index, word) in words.iter().enumerate() {
        let field = format!("scheduler.extra[{index}]");
        let expects_value = std::mem::take(&mut takes_next);
        if word.chars().any(char::is_control) {
            let next = "write each option as one word";
            findings.push(Finding::error(field, "an option with line breaks or control characters is refused", next));
        } else if let Some(long) = word.strip_prefix("--").filter(|long| !long.is_empty()) {
            let (name, value) = long.split_once('=').map_or((long, None), |(name, value)| (name, Some(value)));
            takes_next = value.is_none() && !FLAG_OPTIONS.contains(&name);
            let value = value.or_else(|| words.get(index + 1).map(String::as_str)).unwrap_or_default();
            findings.extend(owned_long(&field, name).or_else(|| without_environment(&field, name, value)));
        } else if word.starts_with('-') && word.len() > 1 && !word.starts_with("--") {
            takes_next = ends_with_open_letter(word);
            findings.extend(owned_letter(&field, word));
        } else if !expects_value {
            let what = format!("`{word}` is no option: sbatch would take it for the script");
            findings.push(Finding::error(field, what, "write options as `--name=value`; arguments belong to `run`"));
        }
    }
}

/// Refuses what Pakt gives at this partition only: options of the profile, and `--exclusive` where it asks for it itself.
pub(super) fn check_given(partition: &Partition, spec: &JobSpec, gives_exclusive: bool, findings: &mut Vec<Finding>) {
    for (index, word) in spec.scheduler.extra.iter().enumerate() {
        let Some(name) = word.strip_prefix("--").map(|long| long.split('=').next().unwrap_or(long)) else { continue };
        let field = format!("scheduler.extra[{index}]");
        if name == "exclusive" && gives_exclusive {
            findings.push(refused(&field, "--exclusive", "nothing: all GPUs of each node are asked for"));
        }
        if let Some(own) = partition.directives.iter().find(|directive| directive.value.option == name) {
            let what = format!("`--{name}` is given by Pakt itself on `{}`", partition.name);
            findings.push(Finding::error(field, what, format!("take it out ({})", own.citation())));
        }
    }
}

/// Refuses an environment in which the batch script cannot work. It needs `HOME`, `PATH` and the site's variables for
/// storage: those of the login node (`ALL`), or new ones that Slurm makes on the node (`NONE`, which implies
/// `--get-user-env`). A list by itself, `NIL` or a file leaves it without (sbatch(1), `--export`).
fn without_environment(field: &str, name: &str, value: &str) -> Option<Finding> {
    let is_whole = value == "NONE" || value.split(',').any(|part| part == "ALL");
    if name != "export-file" && (name != "export" || is_whole) {
        return None;
    }
    let what =
        format!("`--{name}={value}` leaves the batch script without `HOME`, `PATH` and the site's own variables");
    let next = "write `--export=ALL,NAME=VALUE` or `--export=NONE`; variables for the program belong into \
                `environment.variables`";
    Some(Finding::error(field, what, next))
}

fn owned_long(field: &str, name: &str) -> Option<Finding> {
    if let Some((long, _, instead)) = OWNED.iter().find(|(long, ..)| *long == name) {
        return Some(refused(field, &format!("--{long}"), instead));
    }
    let (long, ..) = OWNED.iter().find(|(long, ..)| long.starts_with(name))?;
    let what = format!("sbatch may read `--{name}` as `--{long}`, which Pakt gives itself");
    Some(Finding::error(field, what, "write the option in full"))
}

/// The owned letter of a word such as `-N4` or `-HA`, where letters without value may stand in front.
fn owned_letter(field: &str, word: &str) -> Option<Finding> {
    for letter in word.chars().skip(1) {
        if let Some((long, _, instead)) = OWNED.iter().find(|(_, own, _)| *own == Some(letter)) {
            return Some(refused(field, &format!("-{letter} (--{long})"), instead));
        }
        if !FLAG_LETTERS.contains(&letter) {
            return None;
        }
    }
    None
}

/// Whether the last letter takes its value from the next word.
fn ends_with_open_letter(word: &str) -> bool {
    let letters: Vec<char> = word.chars().skip(1).collect();
    let first_with_value = letters.iter().position(|letter| !FLAG_LETTERS.contains(letter));
    first_with_value.is_some_and(|position| position + 1 == letters.len())
}

fn refused(field: &str, option: &str, instead: &str) -> Finding {
    let what = format!("`{option}` is given by Pakt itself");
    let next = match instead.strip_prefix("nothing") {
        None => format!("take it out; what does it in a job file is {instead}"),
        Some(reason) => format!("take it out{}", reason.replacen(':', ";", 1)),
    };
    Finding::error(field, what, next)
}
