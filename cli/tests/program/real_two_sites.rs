//! `site: any` where two sites answer: the budget and each site's own estimate choose, and the other one gets no job.

use crate::{
    desk::Desk,
    laptop::{Laptop, SECOND_FACTOR},
    output::Ran,
    real_jupiter::text,
    real_ssh::entries,
    second_site::{ACCOUNT, SecondSite, scheduler_jobs},
};
use lab::{Cluster, User, wait_until};
use serde_json::Value;
use std::{fs, process::Command, rc::Rc, time::Duration};

/// What one of the jobs may use, in milli-seconds of the unit: four GPUs for six minutes.
const ONE: i64 = 4 * 360 * 1000;
const NODE: &str = "{ nodes: 1, gpus_per_node: 4, time: \"00:06:00\" }";

/// The words that give `atlas` so many GPU-hours of a site, and that enforce them.
fn granted(unit: &'static str, hours: &'static str) -> [Vec<&'static str>; 2] {
    let account = if unit.starts_with("horeka") { ACCOUNT } else { "atlas" };
    let grant = ["ledger", "grant", "atlas", hours, "--unit", unit, "--account", account, "--policy", "hard-stop"];
    [grant.into(), vec!["ledger", "enforce", "atlas", "--unit", unit]]
}

/// What was found of each site.
fn sites(answer: &Value) -> &Vec<Value> {
    answer["sites"].as_array().unwrap_or_else(|| panic!("no sites: {answer}"))
}

/// What was found of a site.
fn found<'a>(answer: &'a Value, site: &str) -> &'a Value {
    let found = sites(answer).iter().find(|found| found["site"] == site);
    found.unwrap_or_else(|| panic!("{site} was not asked: {answer}"))
}

/// The one site that was chosen.
fn chosen(answer: &Value) -> &str {
    let chosen: Vec<&str> =
        sites(answer).iter().filter(|found| found["is_chosen"] == true).map(|found| text(&found["site"])).collect();
    let [only] = chosen[..] else { panic!("not one is chosen: {answer}") };
    only
}

/// When a site would start the job, as it estimates.
fn start(answer: &Value, site: &str) -> i64 {
    found(answer, site)["starts_at"].as_i64().unwrap_or_else(|| panic!("{site} has no estimate: {answer}"))
}

/// How many scheduler jobs each of two clusters has of a job.
fn counts(clusters: [&Cluster; 2], answer: &Value) -> [usize; 2] {
    clusters.map(|cluster| scheduler_jobs(cluster, text(&answer["id"])))
}

#[test]
fn real_of_jupiter_and_horeka_behind_ssh_the_one_that_starts_first_is_chosen_while_its_budget_lasts() {
    let laptop = Laptop::new();
    let horeka = SecondSite::behind_ssh(lab::attach_exclusive("horeka").expect("the lab is up"), Some(SECOND_FACTOR));
    laptop.reach(&horeka.named(""));
    for site in ["jupiter", "horeka"] {
        laptop.open_as_told_to(site);
    }
    let of_ledger = |words: &[&str]| laptop.pakt(&[&["--site", "jupiter"], words].concat()).expect(0);
    of_ledger(&["ledger", "init"]);
    // It covers one of the jobs, and not two.
    for words in [granted("jupiter:gh200", "0.5"), granted("horeka:a100", "100")].as_flattened() {
        of_ledger(words);
    }
    let busy_until = horeka.fill();
    let files = ["first", "second"].map(|name| {
        let gate = format!("until [ -e go ] || [ ! -d {} ]; do sleep 0.1; done", laptop.at_site().display());
        let document = laptop.document(name, &format!("{gate}; sleep 1.2; echo ran >>{name}.ran"));
        let any = document.replace("site: jupiter", "site: any").replace("scheduler: { account: atlas }\n", "");
        laptop.write(&format!("{name}.yaml"), &any)
    });
    let clusters = [&*laptop.cluster, &horeka.cluster];

    let told = laptop.pakt(&["plan", "--no-script", &files[0]]).expect(0).stdout;
    for line in ["site       horeka: starts about ", "site       jupiter: chosen: starts about "] {
        assert!(told.contains(line), "{told}");
    }
    let first = laptop.json(&["submit", &files[0]]);
    assert_eq!(chosen(&first), "jupiter");
    assert!(start(&first, "jupiter") < busy_until && start(&first, "horeka") >= busy_until, "{busy_until}: {first}");
    assert_eq!(counts(clusters, &first), [1, 0], "the other site has no job");

    let told = laptop.pakt(&["plan", "--no-script", &files[1]]).expect(0).stdout;
    let lines = ["horeka: chosen: starts about ", "jupiter: no budget: its budget does not cover it\n"];
    assert!(lines.iter().all(|line| told.contains(&format!("site       {line}"))), "{told}");
    let second = laptop.json(&["submit", &files[1]]);
    assert_eq!((chosen(&second), &found(&second, "jupiter")["verdict"]), ("horeka", &"no-budget".into()));
    assert_eq!(counts(clusters, &second), [0, 1], "the first one's site has no second job");
    let held: Vec<(Value, Value, Value)> = entries(&laptop, "hold")
        .iter()
        .map(|entry| (entry["links"]["hold"].clone(), entry["unit"].clone(), entry["amount"].clone()))
        .collect();
    let expected = [(&first, "jupiter:gh200"), (&second, "horeka:a100")];
    assert_eq!(held, expected.map(|(job, unit)| (job["id"].clone(), unit.into(), ONE.into())));

    // Each stays where it was sent.
    for (file, submitted) in files.iter().zip([&first, &second]) {
        let again = laptop.json(&["submit", file]);
        assert_eq!((&again["id"], &again["outcome"]), (&submitted["id"], &"already".into()));
        assert_eq!(chosen(&again), chosen(submitted));
    }
    laptop.json(&["--site", "jupiter", "cancel", "first"]);
    fs::write(laptop.at_site().join("go"), "").expect("root writes anywhere");
    horeka.empty();
    laptop.pakt(&["--site", "horeka", "watch", "second"]).expect(0);
    assert_eq!(fs::read_to_string(laptop.at_site().join("second.ran")).expect("it ran"), "ran\n");
    let settled = wait_until("the end of its hold", Duration::from_mins(2), || {
        laptop.json(&["--site", "horeka", "settle"]);
        let settled = entries(&laptop, "settle");
        settled.into_iter().find(|entry| entry["links"]["hold"] == second["id"])
    });
    assert_eq!(settled.expect("accounting has it")["unit"], "horeka:a100", "it is charged where it ran");
}

/// The program as cron calls it.
fn unattended(desk: &Desk, words: &[&str]) -> Ran {
    let command = desk.command(words);
    let mut detached = Command::new("setsid");
    detached.arg("--wait").arg(command.get_program()).args(command.get_args()).current_dir(desk.work());
    detached.env_clear().envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    desk.finish(words, detached)
}

/// A login node of jupiter that reaches horeka, with a ledger in which `atlas` may spend at both what one job may use; and horeka.
fn login_node() -> (Rc<Cluster>, Desk, SecondSite) {
    let jupiter = Rc::new(lab::attach("jupiter").expect("the lab is up"));
    let horeka = SecondSite::behind_ssh(lab::attach("horeka").expect("the lab is up"), None);
    let desk = Desk::at(&jupiter, User::Ada);
    desk.configure(&format!("site: jupiter\nproject: atlas\nssh: {{ {} }}\n", horeka.named(", opened_by: pakt")));
    desk.pakt(&["ledger", "init"]).expect(0);
    for words in [granted("jupiter:gh200", "0.5"), granted("horeka:a100", "0.5")].as_flattened() {
        desk.pakt(words).expect(0);
    }
    (jupiter, desk, horeka)
}

#[test]
fn real_cron_on_a_login_node_of_jupiter_does_not_choose_horeka_that_wants_a_person() {
    let (jupiter, desk, horeka) = login_node();
    let file = desk.job_at("any", "by-cron", NODE, "sleep 300");
    let told = unattended(&desk, &["plan", "--no-script", &file]).expect(0).stdout;
    let line = "site       horeka: not from here: `horeka` wants a person behind what is done over its connection";
    assert!(told.contains(line), "{told}");
    let submitted = unattended(&desk, &["--json", "submit", &file]).json();
    assert_eq!((chosen(&submitted), &found(&submitted, "horeka")["verdict"]), ("jupiter", &"needs-person".into()));
    assert_eq!(counts([&jupiter, &horeka.cluster], &submitted), [1, 0]);
    desk.json(&["cancel", "by-cron"]);
}

#[test]
fn real_the_own_jupiter_of_a_login_node_and_horeka_behind_ssh_take_jobs_while_their_budgets_last() {
    let (jupiter, desk, horeka) = login_node();
    // As at a site that lets in whoever has a key.
    let profile = desk.pakt(&["sites", "show", "horeka"]).expect(0).stdout;
    let lets_in = profile.replace("human_in_the_loop: true", "human_in_the_loop: false");
    assert_ne!(lets_in, profile);
    fs::create_dir_all(desk.home().join("sites")).expect("ours");
    fs::write(desk.home().join("sites/horeka.yaml"), lets_in).expect("ours");
    let clusters = [&*jupiter, &horeka.cluster];
    let submitted = |name| {
        let file = desk.job_at("any", name, NODE, "sleep 300");
        let submitted = unattended(&desk, &["--json", "submit", &file]).json();
        let counted = counts(clusters, &submitted);
        (submitted, counted)
    };

    let (first, counted) = submitted("first");
    // The own site goes before where both start at once.
    let is_own = start(&first, "jupiter") <= start(&first, "horeka");
    let (best, other) = if is_own { ("jupiter", "horeka") } else { ("horeka", "jupiter") };
    assert_eq!((chosen(&first), counted), (best, if is_own { [1, 0] } else { [0, 1] }), "{first}");
    let (second, counted) = submitted("second");
    assert_eq!((chosen(&second), counted), (other, if is_own { [0, 1] } else { [1, 0] }), "{second}");
    assert_eq!(found(&second, best)["why"], "no budget: its budget does not cover it");

    let third = desk.job_at("any", "third", NODE, "sleep 300");
    let refused = unattended(&desk, &["submit", &third]).expect(4).stderr;
    let why =
        "why:   jupiter: no budget: its budget does not cover it; horeka: no budget: its budget does not cover it\n";
    assert!(refused.contains(why), "{refused}");
    assert_eq!(desk.entries_of_kind("hold"), 2);
    for (name, site) in [("first", best), ("second", other)] {
        desk.json(&["--site", site, "cancel", name]);
    }
}
