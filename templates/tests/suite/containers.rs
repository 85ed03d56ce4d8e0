//! Containers in real bash: how each runtime is called, what the container is shown, which variables reach it.

use crate::{
    common::{job, stamp},
    sites::{self, containers, with_containers},
    stage::{Stage, Start, errors},
};
use model::{
    ContainerRules, ContainerRuntime, EnvironmentSetting, GpuVendor, Images, JobSpec, Launch, LauncherRules, NodeShare,
    Placement,
};
use std::{collections::BTreeMap, fs, os::unix::fs::PermissionsExt, process::Output};
use templates::{BatchScript, Dialect, exit_code, render};

/// Runs the job as if it had not run before.
fn run(stage: &Stage, spec: &JobSpec, placement: &Placement, variables: &[(&'static str, &str)]) -> Output {
    let _none_before = fs::remove_dir_all(stage.path("job/links"));
    let script = stage.script("script", spec, placement, Dialect::Slurm);
    let variables = variables.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
    stage.run(&script, &Start { variables, ..Start::slurm(41) })
}

/// A job inside an image, which is there where it is a file of the home.
fn inside(stage: &Stage, launch: Launch, text: &str, image: &str) -> JobSpec {
    if let Some(name) = image.strip_prefix("~/") {
        fs::write(stage.path("home").join(name), "").expect("an image");
    }
    let mut spec = job(launch, text);
    spec.environment.container = Some(Images::One(image.to_owned()));
    spec
}

/// A double of a container runtime: it notes its words and what it is to bind, and runs the program as if inside.
fn runtime(stage: &Stage, name: &str) {
    let text = "echo \"$*|$APPTAINER_BIND|$SINGULARITY_BIND\" >>\"$STAGE/containers\"\n\
                while [[ \"$1\" != *.sif && \"$1\" != *://* ]]; do shift; done\nshift\nINSIDE=yes exec \"$@\"";
    stage.double(name, text);
}

fn with_rules(placement: Placement, rules: ContainerRules) -> Placement {
    let launcher = LauncherRules { container: Some(Box::new(rules)), ..placement.launcher };
    Placement { launcher, ..placement }
}

/// One node of two GPUs of a maker.
fn of(vendor: Option<GpuVendor>) -> Placement {
    let gpus = if vendor.is_some() { 2 } else { 0 };
    Placement { gpu_vendor: vendor, share: NodeShare { gpus, cpus: 8 }, ..sites::local() }
}

#[test]
fn gpus_are_asked_for_as_their_maker_wants_it() {
    for (runtime_word, of_runtime) in
        [("apptainer", ContainerRuntime::Apptainer), ("singularity", ContainerRuntime::Singularity)]
    {
        for (vendor, wanted) in [
            (Some(GpuVendor::Nvidia), "exec --nv --writable-tmpfs "),
            (Some(GpuVendor::Amd), "exec --rocm --writable-tmpfs "),
            (Some(GpuVendor::Intel), "exec --writable-tmpfs "),
            (None, "exec --writable-tmpfs "),
        ] {
            let stage = Stage::new();
            runtime(&stage, runtime_word);
            let rules = ContainerRules { options: vec!["--writable-tmpfs".to_owned()], ..containers(of_runtime) };
            let spec = inside(&stage, Launch::Command, "echo \"inside: $INSIDE\"", "~/a.sif");
            let output = run(&stage, &spec, &with_rules(of(vendor), rules), &[]);
            assert_eq!(String::from_utf8_lossy(&output.stdout), "inside: yes\n", "{}", errors(&output));
            let words = stage.read("containers");
            assert!(words.starts_with(&format!("{wanted}{}/a.sif ", stage.path("home").display())), "{words}");
        }
    }
    // The partition has GPUs, and the job none of them.
    let (stage, placement) = (Stage::new(), of(Some(GpuVendor::Nvidia)));
    runtime(&stage, "apptainer");
    let placement = Placement { share: NodeShare { gpus: 0, cpus: 8 }, ..placement };
    let spec = inside(&stage, Launch::Command, "true", "~/a.sif");
    run(&stage, &spec, &with_containers(placement, ContainerRuntime::Apptainer), &[]);
    assert!(!stage.read("containers").contains("--nv"));
}

#[test]
fn the_storage_that_a_node_has_is_shown_once() {
    let stage = Stage::new();
    runtime(&stage, "apptainer");
    for folder in ["p", "p/project", "scratch", "shown", "shown/below", "runs"] {
        fs::create_dir(stage.path(folder)).expect("a folder");
    }
    let path = |name: &str| stage.path(name).display().to_string();
    let own = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let rules = ContainerRules {
        binds: [
            own(&["$PROJECT", "$SCRATCH", "$GONE", "$UNSET/x"]),
            vec![path("p"), path("shown/below"), path("none")],
        ]
        .concat(),
        bound: vec![path("shown")],
        ..containers(ContainerRuntime::Apptainer)
    };
    let mut spec = inside(&stage, Launch::Command, "true", "~/a.sif");
    spec.workdir = path("runs");
    let variables: [(&'static str, String); 5] = [
        ("PROJECT", path("p/project")),
        ("SCRATCH", format!("{}/", path("scratch"))),
        ("GONE", path("gone")),
        ("APPTAINER_BIND", "/opt:/opt:ro".to_owned()),
        ("SINGULARITY_BIND", "/other".to_owned()),
    ];
    let variables: Vec<(&'static str, &str)> = variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let output = run(&stage, &spec, &with_rules(sites::local(), rules.clone()), &variables);
    assert!(output.status.success(), "{}", errors(&output));
    let bound = stage.read("containers");
    let (_, bound) = bound.trim().split_once('|').expect("binds");
    let wanted = ["/opt:/opt:ro".to_owned(), path("p/project"), path("scratch"), path("p"), path("job"), path("runs")];
    assert_eq!(bound, format!("{0}|{0}", wanted.join(",")));
    // Below what is shown, the directories of the job need not be.
    fs::remove_file(stage.path("containers")).expect("ours");
    spec.workdir = path("p/project");
    let above = stage.path("job").parent().expect("the stage").display().to_string();
    let output =
        run(&stage, &spec, &with_rules(sites::local(), ContainerRules { binds: vec![above.clone()], ..rules }), &[]);
    assert!(output.status.success(), "{}", errors(&output));
    assert!(stage.read("containers").ends_with(&format!("|{above}|{above}\n")), "{}", stage.read("containers"));
}

#[test]
fn the_jobs_own_binds_are_kept_and_a_clean_environment_is_not() {
    let stage = Stage::new();
    stage.double("apptainer", "env >\"$STAGE/seen\"");
    let mut spec = inside(&stage, Launch::Command, "true", "~/a.sif");
    spec.environment.variables = BTreeMap::from([("APPTAINER_BIND".to_owned(), "/opt".to_owned())]);
    let placement = with_containers(sites::local(), ContainerRuntime::Apptainer);
    let login = [("APPTAINER_CLEANENV", "1"), ("SINGULARITY_CONTAINALL", "1")];
    let output = run(&stage, &spec, &placement, &login);
    assert!(output.status.success(), "{}", errors(&output));
    let seen = stage.read("seen");
    let bound = format!("APPTAINER_BIND=/opt,{}", stage.path("job").display());
    assert!(seen.lines().any(|line| line == bound), "{seen}");
    assert!(seen.contains("PAKT_PROGRESS=") && !seen.contains("CLEANENV") && !seen.contains("CONTAINALL"), "{seen}");
    // What the job itself wants, it has.
    spec.environment.variables.insert("APPTAINER_CLEANENV".to_owned(), "1".to_owned());
    assert!(run(&stage, &spec, &placement, &login).status.success());
    assert!(stage.read("seen").lines().any(|line| line == "APPTAINER_CLEANENV=1"));
}

#[test]
fn what_is_fetched_is_kept_and_unpacked_where_there_is_room() {
    let stage = Stage::new();
    stage.double("singularity", "env >\"$STAGE/seen\"; [ -d \"$APPTAINER_TMPDIR\" ]");
    fs::create_dir(stage.path("scratch")).expect("a folder");
    let scratch = stage.path("scratch").display().to_string();
    let placement = Placement { cache_area: Some("$SCRATCH".to_owned()), ..sites::local() };
    let placement = with_containers(placement, ContainerRuntime::Singularity);
    let spec = inside(&stage, Launch::Command, "true", "docker://ubuntu:24.04");
    let output = run(&stage, &spec, &placement, &[("SCRATCH", &scratch)]);
    assert!(output.status.success(), "{}", errors(&output));
    let seen = stage.read("seen");
    for (name, folder) in [("CACHEDIR", "apptainer"), ("TMPDIR", "apptainer/tmp")] {
        for program in ["APPTAINER", "SINGULARITY"] {
            let wanted = format!("{program}_{name}={scratch}/.cache-ada/{folder}");
            assert!(seen.lines().any(|line| line == wanted), "{wanted}: {seen}");
        }
    }
}

#[test]
fn a_runtime_that_is_a_module_is_loaded_unless_the_job_has_it() {
    let stage = Stage::new();
    runtime(&stage, "apptainer");
    fs::create_dir_all(stage.path("lmod/init")).expect("a folder");
    fs::write(stage.path("lmod/init/bash"), "module() { echo \"$*\"; }\n").expect("a module system");
    let lmod = stage.path("lmod").display().to_string();
    let rules =
        ContainerRules { modules: vec!["apptainer/1.4.3".to_owned()], ..containers(ContainerRuntime::Apptainer) };
    let placement = with_rules(sites::local(), rules);
    for (modules, wanted) in [
        (&[][..], "load apptainer/1.4.3\n"),
        (&["CUDA/13"], "load CUDA/13\nload apptainer/1.4.3\n"),
        (&["apptainer/1.5.2", "CUDA/13"], "load apptainer/1.5.2\nload CUDA/13\n"),
    ] {
        let mut spec = inside(&stage, Launch::Command, "true", "~/a.sif");
        spec.environment.modules = modules.iter().map(|name| (*name).to_owned()).collect();
        let output = run(&stage, &spec, &placement, &[("LMOD_PKG", &lmod)]);
        assert_eq!(String::from_utf8_lossy(&output.stdout), wanted, "{}", errors(&output));
    }
    let output = run(&stage, &job(Launch::Command, "true"), &placement, &[("LMOD_PKG", &lmod)]);
    assert!(output.status.success() && output.stdout.is_empty(), "without a container it is not loaded");
}

/// `srun` with pyxis: what it starts sees other programs, none of them Slurm's.
fn pyxis(stage: &Stage) {
    fs::create_dir(stage.path("inside")).expect("a folder");
    for (name, text) in [
        ("scontrol", "touch \"$STAGE/asked\"; exit 1"),
        ("getent", "touch \"$STAGE/asked\"; exit 1"),
        ("prog", "printf '%s|' \"$INSIDE\" \"$PWD\" \"$@\" >>\"$STAGE/seen\"; echo >>\"$STAGE/seen\""),
        ("torchrun", "printf '%s|' \"$INSIDE\" \"$@\" >>\"$STAGE/torchrun.calls\"; echo >>\"$STAGE/torchrun.calls\""),
    ] {
        let file = stage.path("inside").join(name);
        fs::write(&file, format!("#!/bin/bash\n{text}\n")).expect("a double");
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).expect("executable");
    }
    stage.double(
        "srun",
        r#"nodes=1 per_node=1
printf '%s\n' "$@" >>"$STAGE/srun.words"
while [[ "$1" = --* ]]; do
  case "$1" in
  --nodes=*) nodes=${1#*=} ;;
  --ntasks-per-node=*) per_node=${1#*=} ;;
  --container-image=*) export INSIDE="${1#*=}" PATH="$STAGE/inside:/usr/bin:/bin" ;;
  --container-workdir=*) cd "${1#*=}" ;;
  esac
  shift
done
for ((node = 0; node < nodes; node++)); do
  for ((task = 0; task < per_node; task++)); do
    SLURM_NODEID=$node SLURMD_NODENAME=n$((node + 1)) "$@" || exit
  done
done"#,
    );
}

/// The words of `srun` that begin so, each once.
fn words(stage: &Stage, start: &str) -> Vec<String> {
    let mut words: Vec<String> =
        stage.read("srun.words").lines().filter(|word| word.starts_with(start)).map(str::to_owned).collect();
    words.dedup();
    words
}

#[test]
fn pyxis_starts_each_launcher_inside() {
    for (launch, text, times) in [
        (Launch::Srun, "prog 'a b'", 4),
        (Launch::Mpi, "prog 'a b'", 4),
        (Launch::Command, "[ \"$INSIDE\" ] || exit 9\nprog 'a b'", 1),
    ] {
        let stage = Stage::new();
        pyxis(&stage);
        fs::create_dir(stage.path("scratch")).expect("a folder");
        let scratch = stage.path("scratch").display().to_string();
        let mut placement = Placement { nodes: 2, share: NodeShare { gpus: 2, cpus: 8 }, ..sites::local() };
        let setting = |name: &str| EnvironmentSetting {
            name: name.to_owned(),
            value: "1".to_owned(),
            when_set: None,
            reason: "A reason.".to_owned(),
        };
        placement.environment = vec![setting("NCCL_NET")];
        let rules = ContainerRules {
            options: vec!["--no-container-entrypoint".to_owned()],
            binds: vec!["$SCRATCH".to_owned()],
            ..containers(ContainerRuntime::Pyxis)
        };
        let mut spec = inside(&stage, launch, text, "~/a b.sqsh");
        spec.workdir = stage.path("home").display().to_string();
        spec.environment.variables.insert("DATA".to_owned(), "x".to_owned());
        let output = run(&stage, &spec, &with_rules(placement, rules), &[("SCRATCH", &scratch)]);
        assert!(output.status.success(), "{launch:?}: {}", errors(&output));
        let home = stage.path("home").display().to_string();
        let seen = stage.read("seen");
        assert_eq!(seen, format!("{home}/a b.sqsh|{home}|a b|\n").repeat(times), "{launch:?}");
        let job = stage.path("job").display().to_string();
        assert_eq!(
            words(&stage, "--container"),
            [
                format!("--container-image={home}/a b.sqsh"),
                format!("--container-mounts={scratch}:{scratch},{job}:{job},{home}:{home}"),
                format!("--container-workdir={home}"),
                "--container-env=NCCL_NET,DATA".to_owned(),
            ],
            "{launch:?}"
        );
        assert_eq!(words(&stage, "--no-container"), ["--no-container-entrypoint"]);
        assert!(!stage.exists("asked"), "{launch:?}");
    }
}

#[test]
fn torchrun_on_several_nodes_meets_inside_of_pyxis_without_asking_slurm() {
    let stage = Stage::new();
    pyxis(&stage);
    fs::write(stage.path("hosts"), "n1i 10.0.0.1\nn2i 10.0.0.2\n").expect("a name service");
    let placement = Placement { cache_area: None, ..sites::site("juwels-booster") };
    let spec = inside(&stage, Launch::Torchrun, "train.py", "docker://nvcr.io/nvidia/pytorch:25.08-py3");
    let output = run(&stage, &spec, &with_containers(placement, ContainerRuntime::Pyxis), &[]);
    assert!(output.status.success(), "{}", errors(&output));
    let calls = stage.read("torchrun.calls");
    let told: Vec<Vec<&str>> = calls.lines().map(|call| call.split('|').collect()).collect();
    assert_eq!(told.len(), 2, "{calls}");
    for (call, (is_host, address)) in told.iter().zip([("true", "10.0.0.1"), ("false", "10.0.0.2")]) {
        assert_eq!(call[0], "nvcr.io#nvidia/pytorch:25.08-py3");
        assert!(call.contains(&format!("--rdzv_conf=is_host={is_host}").as_str()), "{call:?}");
        assert!(call.contains(&format!("--local_addr={address}").as_str()), "{call:?}");
        assert!(call.contains(&"--rdzv_endpoint=10.0.0.1:10041"), "{call:?}");
    }
    assert!(!stage.exists("asked"), "inside there is no Slurm to ask");
}

#[test]
fn ranks_that_mpiexec_starts_are_not_inside_of_pyxis() {
    let mut spec = job(Launch::Mpi, "x");
    spec.environment.container = Some(Images::One("/a.sqsh".to_owned()));
    let placement = with_containers(sites::site("supermuc-ng-2"), ContainerRuntime::Pyxis);
    let (stamp, dialect) = (stamp(), Dialect::Slurm);
    let script = BatchScript {
        is_array: false,
        stamp,
        spec: &spec,
        placement: &placement,
        job_directory: "/job",
        dialect,
        code: None,
        failure_patterns: &[],
        made_by: "pakt 0.1.0",
    };
    let error = render(&script).expect_err("refused").to_string();
    assert_eq!(error, "pyxis starts containers as a part of `srun`, and `mpiexec` starts its ranks without it");
}

#[test]
fn of_several_images_the_one_that_was_chosen_runs() {
    let stage = Stage::new();
    runtime(&stage, "apptainer");
    let mut spec = inside(&stage, Launch::Command, "echo in", "~/arm.sif");
    let images = [("aarch64", "~/arm.sif"), ("x86_64", "~/intel.sif")];
    let images = images.map(|(key, image)| (key.parse().expect("a key"), image.to_owned()));
    spec.environment.container = Some(Images::ByNode(BTreeMap::from(images)));
    let chosen = |image: Option<&str>| {
        let placement = with_containers(sites::local(), ContainerRuntime::Apptainer);
        Placement { image: image.map(str::to_owned), ..placement }
    };
    let output = run(&stage, &spec, &chosen(Some("~/arm.sif")), &[]);
    assert_eq!(String::from_utf8_lossy(&output.stdout), "in\n", "{}", errors(&output));
    let output = run(&stage, &spec, &chosen(Some("~/intel.sif")), &[]);
    assert_eq!(output.status.code(), Some(i32::from(exit_code::NO_INPUT)), "{}", errors(&output));
    let placement = chosen(None);
    let (stamp, dialect) = (stamp(), Dialect::Slurm);
    let script = BatchScript {
        is_array: false,
        stamp,
        spec: &spec,
        placement: &placement,
        job_directory: "/job",
        dialect,
        code: None,
        failure_patterns: &[],
        made_by: "pakt 0.1.0",
    };
    let error = render(&script).expect_err("refused").to_string();
    assert!(error.contains("none of the images of `environment.container` was chosen for `local`"), "{error}");
}

#[test]
fn a_placement_of_before_there_were_rules_is_still_written_as_it_was() {
    let stage = Stage::new();
    runtime(&stage, "apptainer");
    let spec = inside(&stage, Launch::Command, "echo in", "~/a.sif");
    let mut placement = sites::local();
    placement.launcher.container_launcher = ["apptainer", "exec", "--nv", "--bind", "/e"].map(str::to_owned).to_vec();
    let output = run(&stage, &spec, &placement, &[]);
    assert_eq!(String::from_utf8_lossy(&output.stdout), "in\n", "{}", errors(&output));
    assert!(stage.read("containers").starts_with("exec --nv --bind /e "), "{}", stage.read("containers"));
}
