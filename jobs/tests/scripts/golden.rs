//! Golden files: the script of every site and launcher, as it is given to the scheduler, from the built-in profiles.
//!
//! `PAKT_UPDATE_GOLDEN=1 cargo nextest run -p jobs golden` writes them anew; look at the difference before committing it.

use crate::support::{LAUNCHERS, catalogue, environment, job, script, site, starts};
use model::{
    Chain, Evaluation, EvaluationStart, FailureClass, Harness, Images, JobSpec, Launch, LinkNumber, OnFailure, Serve,
    StopSignal, Sweep, Until, WallTime,
};
use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

fn chain(until: Until, signal: Option<StopSignal>) -> Chain {
    let max_links = LinkNumber::new(12).expect("not 0");
    Chain { until, max_links, max_gpu_hours: None, ahead: 2, stalled_links: 3, lead: None, signal }
}

fn sweep(side_by_side: u32) -> Sweep {
    let cell = |seed: u32| vec!["1e-4".to_owned(), seed.to_string()];
    Sweep {
        parameters: ["lr", "seed"].map(|name| name.parse().expect("a name")).into(),
        cells: (0..20).map(cell).collect(),
        pack: 8,
        side_by_side,
        at_once: None,
        evaluation: None,
        follows: None,
        continues: None,
    }
}

fn evaluation() -> Sweep {
    let start = |step: u64| EvaluationStart { model: "$PROJECT/7b", step: Some(step), tasks: vec!["sums", "words"] };
    Sweep {
        parameters: ["PAKT_MODEL", "PAKT_STEP", "PAKT_TASKS"].map(|name| name.parse().expect("a name")).into(),
        cells: (1..=8).map(|step| start(step).values()).collect(),
        evaluation: Some(Evaluation { harness: Harness::LmEval, serve: None }),
        ..sweep(4)
    }
}

fn serve() -> Serve {
    let run = "vllm serve \"$PAKT_MODEL\" --port \"$PAKT_PORT\"".to_owned();
    Serve { run, health: "/health".to_owned(), ready_within: WallTime::from_seconds(1_800) }
}

fn policy() -> OnFailure {
    let retries = [(FailureClass::UserCode, 0), (FailureClass::Communication, 5)];
    OnFailure { retries: retries.into(), hung_after: Some(WallTime::from_seconds(1800)), exclude_for: None }
}

/// The scripts by the names of their files: each site and launcher, and one in a container where a runtime is known.
fn all() -> Vec<(String, String)> {
    let mut scripts = Vec::new();
    for site in catalogue().iter() {
        for (launch, name) in LAUNCHERS.into_iter().filter(|(launch, _)| starts(site, *launch)) {
            scripts.push((format!("{}-{name}", site.name()), script(site, &job(site, launch))));
        }
        if !site.partitions[0].containers.is_empty() {
            let mut spec = job(site, Launch::Torchrun);
            spec.environment = environment(true);
            scripts.push((format!("{}-container", site.name()), script(site, &spec)));
        }
    }
    // Enroot's files, where its Slurm plug-in is.
    for (launch, name) in LAUNCHERS {
        let mut spec = job(site("horeka"), launch);
        spec.environment = environment(true);
        spec.environment.container = Some(Images::One("$PROJECT/images/torch.sqsh".to_owned()));
        scripts.push((format!("horeka-pyxis-{name}"), script(site("horeka"), &spec)));
    }
    for (name, launch, until, signal) in [
        ("jupiter", Launch::Torchrun, Until::Steps(Some(20_000)), None),
        ("raven", Launch::Srun, Until::Time(WallTime::from_seconds(259_200)), Some(StopSignal::Usr1)),
        ("local", Launch::Command, Until::Marker, None),
    ] {
        let site = catalogue().get(&name.parse().expect("a site")).expect("built in");
        let on_failure = (name == "jupiter").then(policy);
        let spec = JobSpec { chain: Some(chain(until, signal)), on_failure, ..job(site, launch) };
        scripts.push((format!("{name}-chain"), script(site, &spec)));
    }
    for (name, launch, side_by_side) in
        [("jupiter", Launch::Torchrun, 1), ("horeka", Launch::Command, 4), ("local", Launch::Command, 1)]
    {
        let site = catalogue().get(&name.parse().expect("a site")).expect("built in");
        let spec = JobSpec { sweep: Some(sweep(side_by_side)), ..job(site, launch) };
        scripts.push((format!("{name}-sweep"), script(site, &spec)));
    }
    let horeka = site("horeka");
    let spec = JobSpec { sweep: Some(evaluation()), ..job(horeka, Launch::Command) };
    scripts.push(("horeka-evaluation".to_owned(), script(horeka, &spec)));
    let mut sweep = evaluation();
    sweep.evaluation = Some(Evaluation { harness: Harness::Command, serve: Some(serve()) });
    let mut spec = JobSpec { sweep: Some(sweep), ..job(horeka, Launch::Command) };
    scripts.push(("horeka-served".to_owned(), script(horeka, &spec)));
    spec.environment = environment(true);
    scripts.push(("horeka-served-container".to_owned(), script(horeka, &spec)));
    scripts
}

/// The script's program, as bash will write it out.
pub(crate) fn program(script: &str) -> &str {
    let (_, behind) = script.split_once("<<'PAKT_PROGRAM'\n").expect("a program");
    behind.split_once("\nPAKT_PROGRAM\n").expect("its end").0
}

#[test]
fn scripts_are_as_their_golden_files_say() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let is_update = std::env::var_os("PAKT_UPDATE_GOLDEN").is_some();
    let mut different = Vec::new();
    let scripts = all();
    for (name, text) in &scripts {
        let file = folder.join(format!("{name}.sh"));
        if is_update {
            fs::write(&file, text).expect("golden file");
        } else if fs::read_to_string(&file).ok().as_ref() != Some(text) {
            different.push(name.clone());
        }
    }
    assert!(different.is_empty(), "differ from tests/golden: {different:?}; PAKT_UPDATE_GOLDEN=1 writes them anew");
    let files = fs::read_dir(&folder).expect("golden folder").count();
    assert_eq!(files, scripts.len(), "a golden file that no script belongs to");
}

#[test]
fn scripts_and_programs_are_clean_for_bash_and_shellcheck() {
    let both = |(name, text): (String, String)| {
        let program = (format!("{name}.program"), program(&text).to_owned());
        [(name, text), program]
    };
    assert_clean(all().into_iter().flat_map(both));
}

/// Looks at each different text with `bash -n` and shellcheck.
pub(crate) fn assert_clean(scripts: impl IntoIterator<Item = (String, String)>) {
    let folder = tempfile::tempdir().expect("a folder");
    let mut files: Vec<PathBuf> = Vec::new();
    let mut seen = BTreeSet::new();
    for (name, text) in scripts {
        if !seen.insert(text.clone()) {
            continue; // Sites often have the same program.
        }
        let file = folder.path().join(format!("{name}.sh"));
        fs::write(&file, format!("{text}\n")).expect("a script");
        let bash = Command::new("bash").arg("-n").arg(&file).output().expect("bash");
        assert!(bash.status.success(), "{name}: {}", String::from_utf8_lossy(&bash.stderr));
        files.push(file);
    }
    let check = Command::new("shellcheck")
        .args(["--severity=style", "--color=never", "--format=gcc"])
        .args(&files)
        .output()
        .expect("shellcheck is not installed: on Debian, `apt-get install shellcheck`");
    assert!(check.status.success(), "{}", String::from_utf8_lossy(&check.stdout));
}

#[test]
fn nothing_of_the_users_paths_is_expanded_before_the_node() {
    for (name, text) in all() {
        assert!(text.contains("local directory=\"$PROJECT/tiny lm\""), "{name}");
        let mut options = text.lines().filter(|line| line.starts_with("#SBATCH"));
        assert!(options.all(|line| !line.contains('$')), "{name}: Slurm expands no variable");
    }
}
