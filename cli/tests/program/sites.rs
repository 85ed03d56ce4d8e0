//! `pakt sites` and `pakt doctor`, also where it is not clear which site this is.

use crate::{desk::Desk, output::Ran};
use insta::assert_snapshot;
use std::{fs, os::unix::fs::PermissionsExt};

/// A desk on a machine with a Slurm of which no profile knows anything.
fn desk_of_an_unknown_cluster() -> Desk {
    let desk = Desk::new();
    desk.configure("project: atlas\n");
    let sbatch = desk.write("sbatch", "#!/bin/sh\nexit 1\n");
    fs::set_permissions(sbatch, fs::Permissions::from_mode(0o755)).expect("ours");
    desk
}

/// Runs the program where that `sbatch` is in the PATH.
fn run(desk: &Desk, words: &[&str]) -> Ran {
    let mut command = desk.command(words);
    command.env("PATH", desk.work());
    desk.finish(words, command)
}

/// The text without the name of the host that the test runs on.
fn without_host(ran: &Ran) -> String {
    let host = fs::read_to_string("/proc/sys/kernel/hostname").expect("a host has a name");
    ran.shown().replace(&format!("host `{}`", host.trim()), "host `<host>`")
}

#[test]
fn sites_are_listed_where_the_site_is_not_clear() {
    let desk = desk_of_an_unknown_cluster();
    let listed = run(&desk, &["sites"]).expect(0);
    assert!(listed.stdout.contains("jupiter") && !listed.stdout.contains("(here)"), "{}", listed.stdout);
    assert!(
        listed.stderr.contains("no site was detected here") && listed.stderr.contains("--site NAME"),
        "{}",
        listed.stderr
    );
    // A site that is typed wrongly is a mistake; one in the configuration does not keep the list from who looks for it.
    desk.configure("site: jupitr\n");
    let listed = run(&desk, &["sites"]).expect(0);
    assert!(listed.stderr.contains("did you mean `jupiter`?"), "{}", listed.stderr);
    run(&desk, &["--site", "jupitr", "sites"]).expect(2);
}

#[test]
fn what_only_reads_the_ledger_needs_no_site() {
    let (desk, keeper) = (desk_of_an_unknown_cluster(), Desk::with_grant("10"));
    desk.configure(&format!("ledger: {}\n", keeper.home().join("state/ledger.sqlite").display()));
    for words in [
        &["balance", "--offline"][..],
        &["usage"],
        &["ledger", "statement", "atlas"],
        &["ledger", "coverage"],
        &["ledger", "covered"],
        &["ledger", "unattributed"],
        &["ledger", "bindings"],
        &["ledger", "decisions"],
        &["ledger", "imports"],
        &["ledger", "agree"],
        &["ledger", "policy", "atlas", "--unit", "local:core"],
        &["ledger", "backup", "copy.sqlite"],
        &["ledger", "verify"],
    ] {
        run(&desk, words).expect(0);
    }
    // What is entered says at which site.
    for words in [
        &["ledger", "grant", "atlas", "1", "--unit", "local:core", "--reference", "2"][..],
        &["ledger", "policy", "atlas", "--unit", "local:core", "--policy", "hard-stop"],
        &["balance"],
    ] {
        assert!(run(&desk, words).expect(2).stderr.contains("it is not clear which site this is"), "{words:?}");
    }
}

#[test]
fn a_job_file_is_written_for_no_site_that_was_not_meant() {
    let desk = desk_of_an_unknown_cluster();
    assert_snapshot!(desk.pakt(&["--site", "jupitr", "init", "typed.yaml"]).shown(), @"
    exit 2
    --- stderr
    error: `jupitr` is no known site
    why:   there is no profile of that name
    next:  did you mean `jupiter`? `pakt sites` lists them all
    ");
    let file = desk.job("tiny", "true");
    desk.pakt(&["--site", "jupitr", "check", &file]).expect(2);
    let guessed = run(&desk, &["init", "guessed.yaml"]);
    assert_snapshot!(without_host(&guessed), @"
    exit 0
    --- stdout
    wrote guessed.yaml for local
    next: edit it, then `pakt check guessed.yaml` and `pakt plan guessed.yaml`
    --- stderr
    note: it is not clear which site this is: there is a Slurm, and nothing known of host `<host>`; this is for `local`, and `--site NAME` is for another site
    ");
    run(&desk, &["check", &file]).expect(0);
    desk.configure("site: jupitr\n");
    run(&desk, &["init", "configured.yaml"]).expect(2);
    run(&desk, &["check", &file]).expect(2);
    for name in ["typed.yaml", "configured.yaml"] {
        assert!(!desk.work().join(name).exists(), "{name}");
    }
}

#[test]
fn doctor_says_as_one_finding_that_the_site_is_not_clear() {
    let desk = desk_of_an_unknown_cluster();
    assert_snapshot!(without_host(&run(&desk, &["doctor"])), @"
    exit 2
    --- stdout
    version        pakt 0.1.0
    configuration  <home>/config.yaml
    site           error: it is not clear which site this is: there is a Slurm, and nothing known of host `<host>`
                   next: say which with `--site NAME`, or for good with `site: NAME` in config.yaml; `pakt sites` lists them, and `local` runs jobs on this machine
    jobs           not looked at before the site is known
    ledger         not looked at before the site is known
    scheduler      not looked at before the site is known
    ");
    let json: serde_json::Value =
        serde_json::from_str(&run(&desk, &["--json", "doctor"]).expect(2).stdout).expect("JSON");
    let findings = json["findings"].as_array().expect("findings");
    assert_eq!((findings.len(), &findings[0]["name"], &findings[0]["kind"]), (1, &"site".into(), &"usage".into()));
    assert!(!run(&desk, &["--quiet", "doctor"]).expect(2).stdout.is_empty(), "bad news are told in cron, too");
}

#[test]
fn doctor_ends_as_what_it_found_demands() {
    let desk = Desk::new();
    assert_snapshot!(desk.pakt(&["doctor"]).shown(), @"
    exit 0
    --- stdout
    version        pakt 0.1.0
    configuration  <home>/config.yaml
    site           local
    who            <somebody>
    jobs           <home>/state
    ledger         warning: none: <home>/state/ledger.sqlite
                   next: `pakt ledger init` makes one, where hours are to be counted
    scheduler      local local 0.1.0 by local: GPUs tracked, comments stored
    ");
    desk.pakt(&["ledger", "init"]).expect(0);
    assert!(desk.pakt(&["doctor"]).expect(0).stdout.contains("ledger.sqlite: sound"));
    // Slurm's commands are not there: the PATH has to be mended, or the configuration.
    desk.configure("site: jupiter\n");
    let looked = |path: &str| {
        let mut command = desk.command(["doctor"]);
        command.env("PATH", path);
        desk.finish(&["doctor"], command)
    };
    let ran = looked("/nonexistent").expect(2);
    assert!(ran.stdout.contains("next: load what puts Slurm's commands into the PATH"), "{}", ran.stdout);
    // Slurm does not answer: that may pass.
    let silent = "#!/bin/sh\necho 'slurm_load_ctl_conf error: Unable to contact slurm controller' >&2\nexit 1\n";
    for tool in ["scontrol", "sinfo", "sacctmgr"] {
        fs::set_permissions(desk.write(tool, silent), fs::Permissions::from_mode(0o755)).expect("ours");
    }
    let ran = looked(&desk.work().display().to_string()).expect(3);
    assert!(ran.stdout.contains("error: the scheduler does not answer"), "{}", ran.stdout);
    // What has to be mended goes before what may pass.
    desk.configure("site: jupiter\nledger: $NOWHERE/ledger.sqlite\n");
    let ran = looked(&desk.work().display().to_string()).expect(2);
    assert!(ran.stdout.contains("`$NOWHERE` is not set here"), "{}", ran.stdout);
    desk.configure("site: local\n");
    fs::write(desk.home().join("state/ledger.sqlite"), "these are my notes\n").expect("ours");
    let ran = desk.pakt(&["doctor"]).expect(2);
    assert!(ran.stdout.contains("error: the ledger was not opened"), "{}", ran.stdout);
    fs::remove_dir_all(desk.home().join("state")).expect("ours");
    fs::write(desk.home().join("state"), "a file\n").expect("ours");
    let ran = desk.pakt(&["doctor"]).expect(2);
    assert!(ran.stdout.contains("is a file, not a folder"), "{}", ran.stdout);
}

#[test]
fn the_list_of_sites_fits_a_terminal() {
    let desk = Desk::with_grant("100000");
    desk.pakt(&[
        "ledger",
        "grant",
        "atlas",
        "250000",
        "--unit",
        "juwels-booster:a100",
        "--account",
        "a",
        "--policy",
        "hard-stop",
    ])
    .expect(0);
    desk.pakt(&["ledger", "grant", "meteora", "1000", "--unit", "juwels-booster:a100", "--account", "m"]).expect(0);
    let listed = desk.pakt(&["sites"]).expect(0).stdout;
    assert!(listed.lines().all(|line| line.chars().count() <= 100), "{listed}");
    assert_snapshot!(listed, @"
    site            partitions                                free
    local (here)    local                                     atlas: at most 100000.000 core-h
    dais            gpu                                       -
    grete           grete, grete-80gb, grete-shared, +7       -
    haicore         normal, advanced                          -
    horeka          accelerated, accelerated-h100, +7         -
    jupiter         booster                                   -
    jureca-dc       dc-gpu, dc-gpu-devel, dc-gh, dc-h100, +4  -
    juwels-booster  booster, develbooster, largebooster       atlas: at most 250000.000 GPU-h, +1
    levante         gpu, gpu-a100-40, compute, shared, +1     -
    raven           gpu, gpu-bw, no-gpu-bw, gpudev, cpu       -
    supermuc-ng-2   general, test                             -
    viper-gpu       apu, apudev                               -
    accounts here    local
    idle nodes here  local 1
    ");
}

#[test]
fn each_site_has_the_balances_of_its_own_units() {
    let desk = Desk::with_grant("10");
    for (project, hours, unit) in
        [("atlas", "7", "jupiter:gh200"), ("meteora", "5", "jupiter:gh200"), ("atlas", "3", "juwels-booster:a100")]
    {
        let terms = ["--unit", unit, "--account", project, "--policy", "hard-stop"];
        desk.pakt(&[&["ledger", "grant", project, hours][..], &terms].concat()).expect(0);
    }
    let file = desk.job("held", "true");
    desk.json(&["submit", &file]);
    let listed = desk.json(&["sites"]);
    for row in listed["sites"].as_array().expect("sites") {
        let balances = row["balances"].as_array().expect("balances").iter();
        let shown: Vec<String> = balances
            .map(|balance| {
                format!("{} {} {}", balance["project"], balance["unit"], balance["granted"]).replace('"', "")
            })
            .collect();
        let wanted: &[&str] = match row["site"].as_str().expect("a name") {
            "local" => &["atlas local:core 36000000"],
            "jupiter" => &["atlas jupiter:gh200 25200000", "meteora jupiter:gh200 18000000"],
            "juwels-booster" => &["atlas juwels-booster:a100 10800000"],
            _ => &[],
        };
        assert_eq!(shown, wanted, "{}", row["site"]);
    }
    // What a job holds is not free.
    let here = &listed["sites"][0]["balances"][0];
    assert_eq!((&listed["sites"][0]["site"], &here["committed"]), (&"local".into(), &600_000.into()));
    let table = desk.pakt(&["sites"]).expect(0).stdout;
    assert!(table.contains("atlas: at most 9.833 core-h"), "{table}");
    assert!(table.contains("atlas: at most 7.000 GPU-h, +1"), "{table}");
}

#[test]
fn names_of_sites_and_units_are_read_in_any_case() {
    let desk = Desk::with_grant("10");
    desk.pakt(&["ledger", "grant", "atlas", "5", "--unit", "Jupiter:GH200", "--account", "a"]).expect(0);
    assert_eq!(desk.json(&["balance", "--offline"])["balances"][0]["unit"], "jupiter:gh200");
    assert_eq!(desk.json(&["sites", "show", "JUPITER"])["site"], "jupiter");
    let lower = desk.job_at("local", "tiny", "{ nodes: 1, cpus: 1, time: 10m }", "true");
    let first = desk.json(&["submit", &lower]);
    let upper = desk.job_at("LOCAL", "tiny", "{ nodes: 1, cpus: 1, time: 10m }", "true");
    assert_eq!(desk.json(&["check", &upper])["sites"][0]["site"], "local");
    desk.json(&["watch", first["id"].as_str().expect("an id")]);
    desk.json(&["submit", &upper]);
    desk.write("near.yaml", "site: JUPITR\n");
    let near = desk.pakt(&["check", "near.yaml"]).expect(2);
    desk.write("near.yaml", &fs::read_to_string(desk.work().join(&lower)).expect("ours").replace("LOCAL", "JUPITR"));
    let near = format!("{}{}", near.stderr, desk.pakt(&["check", "near.yaml"]).expect(2).stderr);
    assert!(near.contains("did you mean `jupiter`?"), "{near}");
}

#[test]
fn of_several_sites_each_doubt_names_its_own() {
    let desk = Desk::new();
    let one_gpu = "{ nodes: 1, gpus_per_node: 1, time: 10m }";
    let file = desk.job_at("any", "tiny", one_gpu, "true");
    let text = fs::read_to_string(desk.work().join(&file)).expect("ours");
    desk.write(&file, &format!("{text}scheduler: {{ account: atlas }}\n"));
    let ran = desk.pakt(&["check", &file]).expect(0);
    let doubts: Vec<&str> = ran.stderr.lines().filter(|line| line.contains(": warning: ")).collect();
    assert!(doubts.iter().any(|line| line.contains("warning: at `jupiter`: ")), "{}", ran.stderr);
    assert!(doubts.iter().all(|line| line.contains("warning: at `")), "{}", ran.stderr);
    let two = desk.job_at("[jupiter, juwels-booster]", "two", "{ nodes: 1, gpus_per_node: 9, time: 10m }", "true");
    let ran = desk.pakt(&["check", &two]).expect(2);
    assert!(ran.stderr.contains("error: at `juwels-booster`: 9 GPUs a node"), "{}", ran.stderr);
}
