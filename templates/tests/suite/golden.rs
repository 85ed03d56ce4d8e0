//! Golden files: the script of every site and launcher, as it is given to the scheduler.
//!
//! `PAKT_UPDATE_GOLDEN=1 cargo test -p templates golden` writes them anew; look at the difference before committing it.

use crate::{
    common::{job, stamp},
    sites::{self, SITES},
};
use model::{Environment, JobSpec, Launch, Placement, RunLine};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::Command,
};
use templates::{BatchScript, Dialect, render};

const LAUNCHERS: [(Launch, &str); 4] =
    [(Launch::Torchrun, "torchrun"), (Launch::Srun, "srun"), (Launch::Mpi, "mpi"), (Launch::Command, "command")];

/// A job with what the launcher makes interesting: quotes within quotes, several lines, words that need quoting.
fn spec(launch: Launch, has_container: bool) -> JobSpec {
    let mut spec = job(launch, "");
    "$PROJECT/tiny lm".clone_into(&mut spec.workdir);
    spec.run = match launch {
        Launch::Torchrun => RunLine::Shell("train.py --steps 200 --note 'it is \"quoted\"'".to_owned()),
        Launch::Srun => RunLine::Shell("python train.py --out \"$PROJECT/out\"".to_owned()),
        Launch::Mpi => RunLine::Words(["./solver", "--title", "it's; 5 > 4", "-n=3"].map(str::to_owned).to_vec()),
        Launch::Command => RunLine::Shell("for part in 1 2; do\n  echo \"part $part\"\ndone\n".to_owned()),
    };
    let variables = [("DATA", "$PROJECT/data"), ("GREETING", "it's \"$5\" `now`"), ("PYTHONPATH", "lib:$PYTHONPATH")];
    spec.environment = Environment {
        modules: vec!["Stages/2026".to_owned(), "CUDA/13".to_owned()],
        venv: (!has_container).then(|| "~/venvs/torch".to_owned()),
        container: has_container.then(|| "$PROJECT/images/torch.sif".to_owned()),
        variables: variables
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into_iter()
            .collect::<BTreeMap<_, _>>(),
    };
    spec
}

fn script(placement: &Placement, launch: Launch, dialect: Dialect) -> String {
    // A container where the site's rule for it is known from its users, a virtual environment elsewhere.
    let has_container = matches!(placement.site.as_str(), "jureca-dc" | "viper-gpu") && launch != Launch::Mpi;
    let job_directory = if dialect == Dialect::Local { "~/.local/state/pakt/job" } else { "$SCRATCH/pakt/job" };
    let spec = spec(launch, has_container);
    let script = BatchScript { stamp: stamp(), spec: &spec, placement, job_directory, dialect, made_by: "pakt 0.1.0" };
    render(&script).expect("a script")
}

fn all() -> Vec<(String, String)> {
    let mut scripts = Vec::new();
    for site in SITES {
        for (launch, name) in LAUNCHERS {
            scripts.push((format!("{site}-{name}"), script(&sites::site(site), launch, Dialect::Slurm)));
        }
    }
    for (launch, name) in LAUNCHERS {
        scripts.push((format!("local-{name}"), script(&sites::local(), launch, Dialect::Local)));
    }
    scripts
}

/// The script's program, as bash will write it out.
fn program(script: &str) -> &str {
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
    let folder = tempfile::tempdir().expect("a folder");
    let mut files: Vec<PathBuf> = Vec::new();
    let mut seen = BTreeSet::new();
    for (name, text) in all() {
        for (name, text) in [(name.clone(), text.as_str()), (format!("{name}.program"), program(&text))] {
            if !seen.insert(text.to_owned()) {
                continue; // Sites often have the same program.
            }
            let file = folder.path().join(format!("{name}.sh"));
            fs::write(&file, format!("{text}\n")).expect("a script");
            let bash = Command::new("bash").arg("-n").arg(&file).output().expect("bash");
            assert!(bash.status.success(), "{name}: {}", String::from_utf8_lossy(&bash.stderr));
            files.push(file);
        }
    }
    let check = Command::new("shellcheck")
        .args(["--severity=style", "--color=never", "--format=gcc"])
        .args(&files)
        .output()
        .expect("shellcheck is not installed: on Debian, `apt-get install shellcheck`");
    assert!(check.status.success(), "{}", String::from_utf8_lossy(&check.stdout));
}

#[test]
fn the_suffix_of_the_fast_network_is_never_lost_to_a_lookup_of_the_plain_name() {
    // A public launcher appended `i` at JUWELS and JURECA and then overwrote the result by looking up the plain name.
    for site in ["juwels-booster", "jureca-dc"] {
        let text = script(&sites::site(site), Launch::Torchrun, Dialect::Slurm);
        assert_eq!(text.matches("name=\"$1\"i\n").count(), 2, "{site}: batch script and node program add the suffix");
        for line in text.lines().filter(|line| line.contains("getent")) {
            assert!(line.contains("getent ahostsv4 \"$name\""), "{site}: {line}");
        }
        assert_eq!(text.matches("MASTER_ADDR=").count(), 1, "{site}: set once");
        assert!(!text.contains("NodeAddr"), "{site}: Slurm's own address is of another network");
    }
}

#[test]
fn nothing_of_the_users_paths_is_expanded_before_the_node() {
    for site in SITES {
        for (launch, name) in LAUNCHERS {
            let text = script(&sites::site(site), launch, Dialect::Slurm);
            assert!(text.contains("local directory=\"$PROJECT/tiny lm\""), "{site} {name}");
            let options = text.lines().filter(|line| line.starts_with("#SBATCH"));
            assert!(options.clone().count() >= 3, "{site} {name}");
            assert!(options.into_iter().all(|line| !line.contains('$')), "{site} {name}: Slurm expands no variable");
        }
    }
}
