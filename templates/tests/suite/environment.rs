//! The environment of the program: what is set, in which order, and what is said where something is not there.

use crate::{
    common::job,
    sites,
    stage::{ATTEMPT, Stage, Start, errors},
};
use model::{ContainerRuntime, EnvironmentSetting, GpuVendor, Images, JobSpec, Launch, Placement};
use std::{collections::BTreeMap, fs, process::Output};
use templates::{Dialect, exit_code};

/// A job that tells some of its variables, each as `NAME=value`.
fn telling(names: &str) -> JobSpec {
    job(Launch::Command, &format!("for name in {names}; do echo \"$name=${{!name-(unset)}}\"; done; pwd"))
}

/// Runs the job as if it had not run before: a start that came to a good end is not done again.
fn run(stage: &Stage, spec: &JobSpec, placement: &Placement, variables: &[(&'static str, &str)]) -> Output {
    let _none_before = fs::remove_dir_all(stage.path("job/links"));
    let script = stage.script("script", spec, placement, Dialect::Slurm);
    let variables = variables.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
    stage.run(&script, &Start { variables, ..Start::slurm(41) })
}

fn told(output: &Output) -> BTreeMap<String, String> {
    assert!(output.status.success(), "{}", errors(output));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.lines()
        .filter_map(|line| line.split_once('='))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

fn code(output: &Output) -> u8 {
    u8::try_from(output.status.code().expect("a code")).expect("a small code")
}

#[test]
fn a_token_that_the_submission_was_made_with_is_not_in_the_programs_environment() {
    let stage = Stage::new();
    let variables = [("SLURM_JWT", "eyJhbGciOi"), ("SLURM_CONF", "/etc/slurm/slurm.conf")];
    let seen = told(&run(&stage, &telling("SLURM_JWT SLURM_CONF"), &sites::local(), &variables));
    assert_eq!((seen["SLURM_JWT"].as_str(), seen["SLURM_CONF"].as_str()), ("(unset)", "/etc/slurm/slurm.conf"));
}

#[test]
fn the_partitions_settings_come_first_and_the_jobs_own_win() {
    let stage = Stage::new();
    let mut placement = sites::local();
    let setting = |name: &str, value: &str| EnvironmentSetting {
        name: name.to_owned(),
        value: value.to_owned(),
        when_set: None,
        reason: "A reason\nof two lines; $(touch \"$STAGE/run\")".to_owned(),
    };
    placement.environment = vec![setting("A", "of $SITE"), setting("B", "of the partition")];
    placement.rendezvous.nccl_interface = Some("ib0".to_owned());
    let mut spec = telling("A B C D NCCL_SOCKET_IFNAME GLOO_SOCKET_IFNAME");
    spec.environment.variables = [("B", "of the job, $A"), ("C", "$$A `id` $(id) it's \"x\""), ("D", "x:$D")]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
    let seen = told(&run(&stage, &spec, &placement, &[("SITE", "the site")]));
    assert_eq!(seen["A"], "of the site");
    assert_eq!(seen["B"], "of the job, of the site");
    assert_eq!(seen["C"], "$A `id` $(id) it's \"x\"");
    assert_eq!(seen["D"], "x:");
    assert_eq!((seen["NCCL_SOCKET_IFNAME"].as_str(), seen["GLOO_SOCKET_IFNAME"].as_str()), ("ib0", "(unset)"));
    assert!(!stage.exists("run"), "a reason is a comment");
}

#[test]
fn a_setting_that_needs_another_variable_waits_for_it() {
    let mut placement = sites::local();
    let setting = |name: &str, value: &str, when_set: &str| EnvironmentSetting {
        name: name.to_owned(),
        value: value.to_owned(),
        when_set: Some(when_set.to_owned()),
        reason: "the login node's value is of no use".to_owned(),
    };
    placement.environment =
        vec![setting("PROJECT", "$EXAPROJECT", "EXAPROJECT"), setting("DATA", "$EXADATA", "EXADATA")];
    let stage = Stage::new();
    let given = [("PROJECT", "/p/x"), ("EXAPROJECT", "/e/x"), ("DATA", "/p/d"), ("EXADATA", "")];
    let seen = told(&run(&stage, &telling("PROJECT DATA"), &placement, &given));
    assert_eq!((seen["PROJECT"].as_str(), seen["DATA"].as_str()), ("/e/x", "/p/d"));
    let stage = Stage::new();
    let seen = told(&run(&stage, &telling("PROJECT DATA"), &placement, &[("PROJECT", "/p/x")]));
    assert_eq!((seen["PROJECT"].as_str(), seen["DATA"].as_str()), ("/p/x", "(unset)"));
}

#[test]
fn a_variable_that_the_node_does_not_have_ends_the_job_by_name() {
    let stage = Stage::new();
    let mut spec = job(Launch::Command, "touch \"$STAGE/work\"");
    spec.environment.variables.insert("DATA".to_owned(), "$PROJECT/data".to_owned());
    let output = run(&stage, &spec, &sites::local(), &[]);
    assert_ne!(output.status.code(), Some(0));
    assert!(errors(&output).contains("PROJECT"), "{}", errors(&output));
    assert!(!stage.exists("work"));
    assert_ne!(stage.marker("ended", "exit_code"), "0");
}

/// Makes a job want something that is not there.
type Spoil = fn(&mut JobSpec);

#[test]
fn what_is_missing_on_the_node_is_named() {
    let stage = Stage::new();
    let cases: [(Spoil, u8, &str); 4] = [
        (|spec| spec.workdir = "$HOME/no where".to_owned(), exit_code::NO_INPUT, "home/no where is not there on"),
        (
            |spec| spec.environment.venv = Some("~/venvs/x".to_owned()),
            exit_code::NO_INPUT,
            "home/venvs/x is not there on",
        ),
        (
            |spec| spec.environment.container = Some(Images::One("~/a.sif".to_owned())),
            exit_code::NO_INPUT,
            "the container image",
        ),
        (|spec| spec.environment.modules = vec!["CUDA/13".to_owned()], exit_code::NO_MODULE, "has no `module` command"),
    ];
    let placement = sites::with_containers(sites::local(), ContainerRuntime::Apptainer);
    for (spoil, wanted, words) in cases {
        let mut spec = job(Launch::Command, "touch \"$STAGE/work\"");
        spoil(&mut spec);
        let output = run(&stage, &spec, &placement, &[("LMOD_PKG", "/none"), ("MODULESHOME", "/none")]);
        assert_eq!(code(&output), wanted, "{}", errors(&output));
        assert!(errors(&output).contains(words), "{}", errors(&output));
        assert_eq!(stage.marker("ended", "exit_code"), wanted.to_string());
        assert!(!stage.exists("work"));
    }
}

#[test]
fn modules_are_found_and_loaded_in_order() {
    let stage = Stage::new();
    fs::create_dir_all(stage.path("lmod/init")).expect("a folder");
    let init = "module() { [ \"$2\" != Gone/1 ] || return 1; LOADED=\"${LOADED-}$1 $2;\"; export LOADED; }\n: \"$NEVER_SET\"\n";
    fs::write(stage.path("lmod/init/bash"), init).expect("a module system");
    let lmod = stage.path("lmod").display().to_string();
    let mut spec = telling("LOADED");
    spec.environment.modules = vec!["Stages/2026".to_owned(), "CUDA/13".to_owned()];
    let output = run(&stage, &spec, &sites::local(), &[("LMOD_PKG", &lmod)]);
    assert_eq!(told(&output)["LOADED"], "load Stages/2026;load CUDA/13;");
    spec.environment.modules.push("Gone/1".to_owned());
    let output = run(&stage, &spec, &sites::local(), &[("LMOD_PKG", &lmod)]);
    assert_eq!(code(&output), exit_code::NO_MODULE);
    assert!(errors(&output).contains("the module Gone/1 cannot be loaded"), "{}", errors(&output));
}

#[test]
fn a_virtual_environment_is_activated_and_the_working_directory_entered() {
    let stage = Stage::new();
    fs::create_dir_all(stage.path("home/a b/bin")).expect("a folder");
    let activate = "[ -z \"$ZSH_VERSION\" ] && export VIRTUAL_ENV=\"$HOME/a b\" PATH=\"$HOME/a b/bin:$PATH\"\n";
    fs::write(stage.path("home/a b/bin/activate"), activate).expect("a virtual environment");
    let mut spec = telling("VIRTUAL_ENV");
    spec.environment.venv = Some("~/a b".to_owned());
    spec.workdir = "~/a b".to_owned();
    let output = run(&stage, &spec, &sites::local(), &[]);
    let place = stage.path("home/a b").display().to_string();
    assert_eq!(told(&output)["VIRTUAL_ENV"], place);
    assert!(String::from_utf8_lossy(&output.stdout).ends_with(&format!("{place}\n")));
}

const CACHES: &str = "XDG_CACHE_HOME TRITON_CACHE_DIR HF_HOME HF_HUB_CACHE HF_TOKEN_PATH MIOPEN_USER_DB_PATH";

fn caching() -> Placement {
    Placement { cache_area: Some("$SCRATCH".to_owned()), ..sites::local() }
}

#[test]
fn caches_go_where_there_is_room_and_agree_with_each_other() {
    let stage = Stage::new();
    let scratch = stage.path("home").display().to_string();
    let seen = told(&run(&stage, &telling(CACHES), &caching(), &[("SCRATCH", &scratch)]));
    let cache = format!("{scratch}/.cache-ada");
    assert_eq!(seen["XDG_CACHE_HOME"], cache);
    assert_eq!(seen["TRITON_CACHE_DIR"], format!("{cache}/triton"));
    assert_eq!(seen["HF_HOME"], format!("{cache}/huggingface"));
    assert_eq!(seen["HF_HUB_CACHE"], format!("{cache}/huggingface/hub"));
    assert_eq!((seen["MIOPEN_USER_DB_PATH"].as_str(), seen["HF_TOKEN_PATH"].as_str()), ("(unset)", "(unset)"));
    assert!(stage.exists("home/.cache-ada"));

    for (vendor, database) in
        [(GpuVendor::Amd, "/tmp/miopen-41"), (GpuVendor::Nvidia, "(unset)"), (GpuVendor::Intel, "(unset)")]
    {
        let placement = Placement { gpu_vendor: Some(vendor), ..caching() };
        let seen = told(&run(&stage, &telling(CACHES), &placement, &[("SCRATCH", &scratch)]));
        assert_eq!(seen["MIOPEN_USER_DB_PATH"], database, "{vendor:?}: a library of AMD's alone");
    }

    let variables = [("SCRATCH", scratch.as_str()), ("HF_HOME", "/mine"), ("TRITON_CACHE_DIR", "/t")];
    let seen = told(&run(&stage, &telling(CACHES), &caching(), &variables));
    assert_eq!((seen["HF_HOME"].as_str(), seen["HF_HUB_CACHE"].as_str()), ("/mine", "/mine/hub"));
    assert_eq!(seen["TRITON_CACHE_DIR"], "/t");

    let mut own = telling(CACHES);
    own.environment.variables.insert("HF_HOME".to_owned(), "/of/the/job".to_owned());
    let seen = told(&run(&stage, &own, &caching(), &[("SCRATCH", &scratch)]));
    assert_eq!((seen["HF_HOME"].as_str(), seen["HF_HUB_CACHE"].as_str()), ("/of/the/job", "(unset)"));
}

#[test]
fn models_fetched_into_the_home_beforehand_are_found_offline() {
    let stage = Stage::new();
    fs::create_dir_all(stage.path("home/.cache/huggingface/hub")).expect("a folder");
    fs::write(stage.path("home/.cache/huggingface/token"), "x").expect("a token");
    fs::create_dir(stage.path("scratch")).expect("a folder");
    let scratch = stage.path("scratch").display().to_string();
    let home = stage.path("home/.cache/huggingface").display().to_string();
    let offline = Placement { has_internet: false, ..caching() };
    let seen = told(&run(&stage, &telling(CACHES), &offline, &[("SCRATCH", &scratch)]));
    assert_eq!((&seen["HF_HOME"], &seen["HF_HUB_CACHE"]), (&home, &format!("{home}/hub")));
    let seen = told(&run(&stage, &telling(CACHES), &caching(), &[("SCRATCH", &scratch)]));
    assert_eq!(seen["HF_HOME"], format!("{scratch}/.cache-ada/huggingface"));
    assert_eq!(seen["HF_TOKEN_PATH"], format!("{home}/token"));
}

#[test]
fn a_cache_area_that_is_not_there_is_named_and_the_attempt_keeps_its_own() {
    for (area, variables, named) in [
        ("$SCRATCH", &[][..], "$SCRATCH"),
        ("$SCRATCH", &[("SCRATCH", "/no/such/place")], "$SCRATCH"),
        // Half of the path is there, and is not what was meant.
        ("/tmp/$GROUP_OF_MINE", &[], "/tmp/$GROUP_OF_MINE"),
    ] {
        let stage = Stage::new();
        let placement = Placement { cache_area: Some(area.to_owned()), ..caching() };
        let output = run(&stage, &telling(CACHES), &placement, variables);
        assert!(errors(&output).contains(&format!("no caches can be kept in {named} on ")), "{}", errors(&output));
        let own = stage.path(ATTEMPT).join("cache").display().to_string();
        assert_eq!(told(&output)["XDG_CACHE_HOME"], own);
        assert!(!errors(&output).contains("unbound variable"), "{}", errors(&output));
        assert!(!stage.exists(&format!("{ATTEMPT}/cache")), "nothing used it");
        let stage = Stage::new();
        run(&stage, &job(Launch::Command, "touch \"$XDG_CACHE_HOME/used\""), &placement, variables);
        assert!(stage.exists(&format!("{ATTEMPT}/cache/used")));
    }
}

#[test]
fn a_container_sees_the_caches_wherever_they_are() {
    for (has_scratch, wanted) in [(true, "home/.cache-ada"), (false, "job/links/1/attempts/41-0/cache")] {
        let stage = Stage::new();
        stage.double("apptainer", "echo \"$APPTAINER_BIND|$SINGULARITY_BIND\" >\"$STAGE/bound\"");
        fs::write(stage.path("home/a.sif"), "").expect("an image");
        let mut spec = job(Launch::Command, "true");
        spec.environment.container = Some(Images::One("~/a.sif".to_owned()));
        let placement = sites::with_containers(caching(), ContainerRuntime::Apptainer);
        let scratch = stage.path("home").display().to_string();
        let variables = [("SCRATCH", scratch.as_str())];
        let output = run(&stage, &spec, &placement, if has_scratch { &variables } else { &[] });
        assert!(output.status.success(), "{}", errors(&output));
        let bound = stage.read("bound");
        let (apptainer, singularity) = bound.trim().split_once('|').expect("both");
        let wanted = stage.path(wanted).display().to_string();
        let mut directories = vec![stage.path("job").display().to_string()];
        // What lies in the job directory is seen already, and the working directory is `/`, which a container has itself.
        directories.extend(has_scratch.then_some(wanted));
        assert_eq!(apptainer.split(',').collect::<Vec<_>>(), directories);
        assert_eq!(apptainer, singularity);
    }
}

#[test]
fn a_directory_that_a_container_cannot_be_shown_ends_the_job_with_the_reason() {
    let stage = Stage::new();
    stage.double("apptainer", "touch \"$STAGE/work\"");
    fs::write(stage.path("home/a.sif"), "").expect("an image");
    fs::create_dir(stage.path("a,b")).expect("a folder");
    let mut spec = job(Launch::Command, "true");
    spec.environment.container = Some(Images::One("~/a.sif".to_owned()));
    spec.workdir = "$PLACE".to_owned();
    let placement = sites::with_containers(sites::local(), ContainerRuntime::Apptainer);
    let place = stage.path("a,b").display().to_string();
    let output = run(&stage, &spec, &placement, &[("PLACE", &place)]);
    assert_eq!(code(&output), exit_code::NO_INPUT);
    assert!(errors(&output).contains("cannot be shown to a container"), "{}", errors(&output));
    assert!(!stage.exists("work"));
}

#[test]
fn libraries_work_offline_where_the_nodes_do() {
    let names = "HF_HUB_OFFLINE TRANSFORMERS_OFFLINE HF_DATASETS_OFFLINE WANDB_MODE";
    let stage = Stage::new();
    let offline = Placement { has_internet: false, ..sites::local() };
    let seen = told(&run(&stage, &telling(names), &offline, &[("WANDB_MODE", "disabled")]));
    let values: Vec<&str> = seen.values().map(String::as_str).collect();
    assert_eq!(values, ["1", "1", "1", "disabled"]);
    let seen = told(&run(&stage, &telling(names), &sites::local(), &[]));
    assert!(seen.values().all(|value| value == "(unset)"), "{seen:?}");
}

#[test]
fn nothing_the_job_sets_disturbs_the_markers() {
    let stage = Stage::new();
    let mut spec = job(Launch::Command, "exit 4");
    spec.environment.variables.insert("PATH".to_owned(), "/nowhere".to_owned());
    let output = run(&stage, &spec, &sites::local(), &[]);
    assert_eq!(output.status.code(), Some(4), "{}", errors(&output));
    assert_eq!(stage.marker("ended", "exit_code"), "4");
}
