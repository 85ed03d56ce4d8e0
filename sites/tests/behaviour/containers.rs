//! Containers at each site: which image, by which runtime, with what shown; and what is said against it.

use crate::support::{AT, catalogue, job_for, placed, refused, site};
use model::{ContainerRules, ContainerRuntime, Finding, GpuRequest, Images, JobSpec, Launch, Severity};
use sites::{Catalogue, Site, place};
use std::collections::BTreeMap;

/// One node with a GPU, or none, inside an image.
fn inside(site: &Site, gpus: GpuRequest, image: &str) -> JobSpec {
    let mut spec = job_for(site, Some(1), gpus);
    spec.environment.container = Some(Images::One(image.to_owned()));
    spec
}

fn several(keys: &[&str]) -> Images {
    let image = |key: &&str| (key.parse().expect("a key"), format!("/images/{key}.img"));
    Images::ByNode(keys.iter().map(image).collect::<BTreeMap<_, _>>())
}

/// What is said of the container, in one line each.
fn said(site: &Site, spec: &JobSpec) -> Vec<String> {
    let found = match place(site, spec, None, AT) {
        Ok(placed) => placed.warnings,
        Err(findings) => findings,
    };
    let is_of_it = |finding: &&Finding| {
        (finding.field.starts_with("environment") || finding.field == "launch") && !finding.what.ends_with("is a guess")
    };
    let line = |finding: &Finding| {
        let severity = if finding.severity == Severity::Error { "error" } else { "doubt" };
        format!("{severity} {}: {}; {}", finding.field, finding.what, finding.next)
    };
    found.iter().filter(is_of_it).map(line).collect()
}

fn rules(site: &Site, spec: &JobSpec) -> ContainerRules {
    *placed(site, spec).placement.launcher.container.expect("rules")
}

#[test]
fn each_site_shows_what_its_nodes_see_and_no_directory_twice() {
    let catalogue = catalogue();
    for (name, runtime, binds) in [
        (
            "jupiter",
            ContainerRuntime::Apptainer,
            "/e $EXAPROJECT $EXASCRATCH $EXAFSCRATCH $EXADATA $PROJECT $SCRATCH $FSCRATCH $DATA",
        ),
        ("juwels-booster", ContainerRuntime::Singularity, "/p/project1 /p/scratch $LOCALSCRATCH"),
        ("jureca-dc", ContainerRuntime::Apptainer, "/p/project1 /p/scratch"),
        ("horeka", ContainerRuntime::Apptainer, "$PROJECT /hkfs/work/workspace/scratch $TMPDIR"),
        ("raven", ContainerRuntime::Apptainer, "/ptmp $JOB_TMPDIR"),
        ("viper-gpu", ContainerRuntime::Apptainer, "/viper/ptmp2"),
        ("dais", ContainerRuntime::Apptainer, "/dais/fs/scratch"),
        ("levante", ContainerRuntime::Apptainer, "/work /scratch"),
        ("grete", ContainerRuntime::Apptainer, "/mnt/vast-nhr/projects /mnt/lustre-grete/workspaces"),
        ("haicore", ContainerRuntime::Apptainer, "$TMPDIR"),
        ("local", ContainerRuntime::Apptainer, ""),
    ] {
        let site = site(catalogue, name);
        let rules = rules(site, &inside(site, GpuRequest::PerNode(1), "~/a.sif"));
        assert_eq!((rules.runtime, rules.binds.join(" ").as_str()), (runtime, binds), "{name}");
    }
    let with_containers = catalogue.iter().filter(|site| !site.partitions[0].containers.is_empty()).count();
    assert_eq!(with_containers, 11, "a row for every site that has containers");
}

#[test]
fn what_a_site_shows_by_itself_is_not_shown_again() {
    let mut jureca = site(catalogue(), "jureca-dc").clone();
    for partition in &mut jureca.partitions {
        partition.containers[0].value.bound = vec!["/p/project1".to_owned()];
        partition.containers[0].value.binds = vec!["/p/project1/below".to_owned(), "/p/project10".to_owned()];
    }
    let rules = rules(&jureca, &inside(&jureca, GpuRequest::PerNode(1), "~/a.sif"));
    assert_eq!(
        (rules.binds.join(" "), rules.bound.join(" ")),
        ("/p/project10 /p/scratch".to_owned(), "/p/project1".to_owned())
    );
}

#[test]
fn the_image_follows_from_the_nodes_and_the_jobs_gpus() {
    let catalogue = catalogue();
    let one = GpuRequest::PerNode(1);
    for (name, gpus, keys, chosen) in [
        ("jupiter", one, &["aarch64", "x86_64"][..], Some("aarch64")),
        ("horeka", one, &["aarch64", "x86_64"], Some("x86_64")),
        ("viper-gpu", one, &["x86_64", "x86_64-amd"], Some("x86_64-amd")),
        ("horeka", one, &["x86_64", "x86_64-amd"], Some("x86_64")),
        ("horeka", GpuRequest::None, &["x86_64-nvidia", "x86_64-cpu"], Some("x86_64-cpu")),
        ("jupiter", GpuRequest::None, &["aarch64-nvidia"], None),
        ("jupiter", one, &["x86_64", "x86_64-nvidia"], None),
        ("horeka", one, &["x86_64-amd"], None),
    ] {
        let site = site(catalogue, name);
        let mut spec = job_for(site, Some(1), gpus);
        spec.environment.container = Some(several(keys));
        let image = place(site, &spec, None, AT).ok().and_then(|placed| placed.placement.image);
        assert_eq!(image, chosen.map(|key| format!("/images/{key}.img")), "{name} {keys:?}");
        if chosen.is_none() {
            let fields: Vec<String> = refused(site, &spec).into_iter().map(|finding| finding.field).collect();
            assert!(fields.contains(&"environment.container".to_owned()), "{name} {keys:?}: {fields:?}");
        }
    }
}

#[test]
fn images_for_other_nodes_are_refused_with_the_key_to_add() {
    let catalogue = catalogue();
    let jupiter = site(catalogue, "jupiter");
    let mut spec = job_for(jupiter, Some(1), GpuRequest::PerNode(4));
    spec.environment.container = Some(several(&["x86_64", "x86_64-amd"]));
    assert_eq!(
        said(jupiter, &spec),
        [
            "error environment.container: no image is for nodes of `booster`, which are aarch64, with GPUs of NVIDIA: there is one for \
          `x86_64`, `x86_64-amd`; add `aarch64: IMAGE`, or `aarch64-nvidia: IMAGE` for these alone"
        ]
    );
    spec.resources.gpus = GpuRequest::None;
    let said = said(jupiter, &spec);
    assert!(
        said[0].contains("which are aarch64, and the job has no GPUs") && said[0].contains("`aarch64-cpu: IMAGE`"),
        "{said:?}"
    );
}

#[test]
fn a_name_for_other_gpus_is_refused_unless_the_file_says_whose_they_are() {
    let catalogue = catalogue();
    let (horeka, viper) = (site(catalogue, "horeka"), site(catalogue, "viper-gpu"));
    for (site, gpus, image, is_refused) in [
        (horeka, 1, "/i/torch-rocm6.sif", true),
        (horeka, 1, "/i/torch-cuda13.sif", false),
        (horeka, 1, "/i/torch-rocm6-cuda13.sif", false),
        (viper, 1, "/i/torch-cuda13.sif", true),
        (horeka, 0, "/i/torch-rocm6.sif", false),
    ] {
        let gpus = if gpus == 0 { GpuRequest::None } else { GpuRequest::PerNode(gpus) };
        let mut spec = inside(site, gpus, image);
        let of_names = said(site, &spec);
        assert_eq!(!of_names.is_empty(), is_refused, "{image}: {of_names:?}");
        let key = if site.name().as_str() == "horeka" { "x86_64-nvidia" } else { "x86_64-amd" };
        let both = [key, "x86_64"].map(|key| (key.parse().expect("a key"), image.to_owned()));
        spec.environment.container = Some(Images::ByNode(BTreeMap::from(both)));
        assert_eq!(said(site, &spec), [""; 0], "{image}: the file says it");
    }
    let said = said(horeka, &inside(horeka, GpuRequest::PerNode(1), "/i/torch-rocm6.sif"));
    assert!(
        said[0].starts_with(
            "error environment.container: the image's name says GPUs of AMD, and `accelerated` has GPUs of NVIDIA; use one for NVIDIA; \
             if its name misleads, rename it, or say so: `container: { x86_64-nvidia: … }`"
        ),
        "{said:?}"
    );
}

#[test]
fn whose_the_gpus_of_this_machine_are_is_a_guess() {
    let local = site(catalogue(), "local");
    let placed = placed(local, &inside(local, GpuRequest::PerNode(1), "/i/torch-rocm6.sif"));
    let said: Vec<&str> = placed.warnings.iter().map(|finding| finding.what.as_str()).collect();
    assert_eq!(said, ["the image's name says GPUs of AMD, and `local` has GPUs of NVIDIA"]);
}

#[test]
fn an_address_is_refused_without_internet_and_doubted_with_it() {
    let catalogue = catalogue();
    for (name, constraint, wanted) in [
        (
            "jupiter",
            None,
            "error environment.container: nodes of `booster` reach no internet, so that nothing of `docker://` can be fetched there; \
             fetch it before, on aarch64: `apptainer pull IMAGE.sif docker://ubuntu`, and name the file (",
        ),
        (
            "juwels-booster",
            None,
            "error environment.container: nodes of `booster` reach no internet, so that nothing of `docker://` can be fetched there; \
             fetch it before, on x86_64: `singularity pull IMAGE.sif docker://ubuntu`, and name the file (",
        ),
        (
            "dais",
            None,
            "doubt environment.container: each start fetches it, and whether it is for x86_64 is not known before; fetch it once, on \
             x86_64: `apptainer pull IMAGE.sif docker://ubuntu`, and name the file",
        ),
        (
            "grete",
            Some("inet"),
            "doubt environment.container: each start fetches it, and whether it is for x86_64 is not known before; fetch it once, on \
             x86_64: `apptainer pull IMAGE.sif docker://ubuntu`, and name the file",
        ),
    ] {
        let site = site(catalogue, name);
        let mut spec = inside(site, GpuRequest::PerNode(1), "docker://ubuntu");
        spec.scheduler.constraint = constraint.map(str::to_owned);
        let said = said(site, &spec);
        assert!(said.len() == 1 && said[0].starts_with(wanted), "{name}: {said:?}");
    }
    let dais = site(catalogue, "dais");
    let said = said(dais, &inside(dais, GpuRequest::PerNode(1), "dokcer://ubuntu"));
    assert!(said[0].starts_with("error environment.container: no container runtime fetches `dokcer://`"), "{said:?}");
}

/// `HoreKa` with one runtime alone, and `mpiexec` for ranks.
fn alone(catalogue: &Catalogue, runtime: ContainerRuntime) -> Site {
    let mut horeka = site(catalogue, "horeka").clone();
    for partition in &mut horeka.partitions {
        partition.containers.retain(|containers| containers.value.runtime == runtime);
        partition.launchers.value.mpi_launcher = vec!["mpiexec".to_owned()];
    }
    horeka
}

#[test]
fn a_squashfs_file_is_started_by_enroot_where_it_is() {
    let catalogue = catalogue();
    let horeka = site(catalogue, "horeka");
    for (image, runtime) in [
        ("~/a.sqsh", ContainerRuntime::Pyxis),
        ("~/a.sif", ContainerRuntime::Apptainer),
        ("~/sandbox", ContainerRuntime::Apptainer),
        ("docker://ubuntu", ContainerRuntime::Apptainer),
    ] {
        assert_eq!(rules(horeka, &inside(horeka, GpuRequest::PerNode(1), image)).runtime, runtime, "{image}");
    }
    let with_pyxis = rules(horeka, &inside(horeka, GpuRequest::PerNode(1), "~/a.sqsh"));
    let wanted = "/etc/slurm/task_prolog.hk /scratch $HOME $PROJECT /hkfs/work/workspace/scratch $TMPDIR";
    assert_eq!(with_pyxis.binds.join(" "), wanted, "it does not show the home by itself");
    let raven = site(catalogue, "raven");
    let of_raven = rules(raven, &inside(raven, GpuRequest::PerNode(1), "~/a.sqsh"));
    assert_eq!(of_raven.runtime, ContainerRuntime::Apptainer, "which reads such files too");
}

#[test]
fn pyxis_says_what_it_cannot_start() {
    let horeka = alone(catalogue(), ContainerRuntime::Pyxis);
    let one = GpuRequest::PerNode(1);
    let said_of = |image: &str, launch: Launch| {
        let mut spec = inside(&horeka, one, image);
        spec.launch = launch;
        said(&horeka, &spec)
    };
    assert_eq!(
        said_of("~/a.sif", Launch::Srun),
        [
            "error environment.container: `accelerated` has pyxis alone, which starts no image of this form; make a squashfs file of it: \
          `enroot import -o IMAGE.sqsh docker://…`, and name that"
        ]
    );
    for launch in [Launch::Srun, Launch::Torchrun, Launch::Command] {
        assert_eq!(said_of("~/a.sqsh", launch), [""; 0], "{launch:?}");
    }
    let of_mpi = said_of("~/a.sqsh", Launch::Mpi);
    assert!(
        of_mpi[0].starts_with("error launch: pyxis is a part of `srun`, and `mpiexec` starts its ranks without it"),
        "{of_mpi:?}"
    );
    let apptainer = alone(catalogue(), ContainerRuntime::Apptainer);
    let mut spec = inside(&apptainer, one, "~/a.sqsh");
    spec.launch = Launch::Mpi;
    assert_eq!(said(&apptainer, &spec), [""; 0]);
}

#[test]
fn where_no_runtime_is_known_a_container_is_refused() {
    let supermuc = site(catalogue(), "supermuc-ng-2");
    let said = said(supermuc, &inside(supermuc, GpuRequest::PerNode(4), "~/a.sif"));
    assert!(
        said[0].starts_with("error environment.container: no container runtime is known for `general`"),
        "{said:?}"
    );
}

#[test]
fn a_runtime_that_is_a_guess_is_doubted_and_one_that_is_a_module_is_loaded() {
    let catalogue = catalogue();
    for (name, image, guess, modules) in [
        ("jupiter", "/e/a.sif", None, ""),
        ("raven", "/ptmp/a.sif", None, "apptainer/1.4.3"),
        ("viper-gpu", "/viper/ptmp2/a.sif", None, "apptainer/1.4.3"),
        ("dais", "/dais/fs/scratch/a.sif", None, "apptainer/1.5.2"),
        ("horeka", "$PROJECT/a.sif", Some("that apptainer starts containers on `accelerated` is a guess"), ""),
        ("horeka", "$PROJECT/a.sqsh", Some("that pyxis starts containers on `accelerated` is a guess"), ""),
    ] {
        let site = site(catalogue, name);
        let placed = placed(site, &inside(site, GpuRequest::PerNode(1), image));
        let found = placed.warnings.iter().find(|finding| finding.field == "environment.container");
        assert_eq!(found.map(|finding| finding.what.as_str()), guess, "{name} {image}");
        let rules = placed.placement.launcher.container.expect("rules");
        assert_eq!(rules.modules.join(" "), modules, "{name} {image}");
    }
}

#[test]
fn a_clean_environment_is_doubted() {
    let jupiter = site(catalogue(), "jupiter");
    let mut spec = inside(jupiter, GpuRequest::PerNode(4), "/e/a.sif");
    spec.environment.variables.insert("APPTAINER_CLEANENV".to_owned(), "1".to_owned());
    let said = said(jupiter, &spec);
    assert!(
        said[0].starts_with("doubt environment.variables.APPTAINER_CLEANENV: with `APPTAINER_CLEANENV` the container"),
        "{said:?}"
    );
}

#[test]
fn what_an_image_has_to_be_for_is_told_before_a_site_takes_the_job() {
    let jupiter = site(catalogue(), "jupiter");
    let mut spec = inside(jupiter, GpuRequest::PerNode(4), "$PROJECT/torch.sif");
    let wanted = sites::wanted_image(jupiter, &spec, None).expect("an image");
    assert_eq!((wanted.field.as_str(), wanted.partition.as_str()), ("environment.container", "booster"));
    assert_eq!((wanted.architecture.value.to_string(), wanted.says_architecture), ("aarch64".to_owned(), false));
    assert!(wanted.settings.iter().any(|setting| setting.name == "PROJECT"), "what makes $PROJECT another place");
    spec.environment.container = Some(several(&["aarch64"]));
    let wanted = sites::wanted_image(jupiter, &spec, None).expect("an image");
    assert_eq!((wanted.field.as_str(), wanted.says_architecture), ("environment.container.aarch64", true));
    spec.environment.container = Some(several(&["x86_64"]));
    assert_eq!(sites::wanted_image(jupiter, &spec, None), None);
}
