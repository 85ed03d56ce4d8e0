//! Which image a job runs inside, by which runtime, and everything that speaks against it as far as names tell.

use super::{image_name, launch::has_internet, partition, placed::LocalMachine, placed::judged};
use crate::{
    containers::{Containers, ImageForm},
    partition::Partition,
    profile::{SchedulerKind, Site},
    provenance::Confidence,
    sourced::Sourced,
};
use model::{
    Architecture, ChosenImage, ContainerRules, ContainerRuntime, EnvironmentSetting, Finding, GpuRequest, GpuVendor,
    ImageGpus, Images, JobSpec, Launch, StorageContext, StorageRole,
};

/// Settings of a runtime by which a container starts without the variables of the job (apptainer-exec(1), `--cleanenv`,
/// `--containall`).
const CLEAN: [&str; 4] =
    ["APPTAINER_CLEANENV", "APPTAINER_CONTAINALL", "SINGULARITY_CLEANENV", "SINGULARITY_CONTAINALL"];

/// The image that a job runs inside at a site, and for which nodes it has to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WantedImage {
    /// The field of the job file in which it stands.
    pub field: String,
    /// A path, or an address.
    pub image: String,
    /// Whether it is an address, and no file.
    pub is_address: bool,
    /// Whether the job file itself says for which architecture it is.
    pub says_architecture: bool,
    /// The partition's name in the profile.
    pub partition: String,
    /// The architecture of its nodes.
    pub architecture: Sourced<Architecture>,
    /// The variables that jobs get there, in order.
    pub settings: Vec<EnvironmentSetting>,
}

/// The image that a job takes at a site; none without a container, and where none of its images is for the nodes there.
pub fn wanted_image(site: &Site, spec: &JobSpec, machine: Option<LocalMachine>) -> Option<WantedImage> {
    let images = spec.environment.container.as_ref()?;
    let partition = partition::choose(site, spec, machine, &mut Vec::new())?;
    let chosen = chosen(images, &partition, spec)?;
    Some(WantedImage {
        field: chosen.field(),
        image: chosen.image.to_owned(),
        is_address: chosen.scheme().is_some(),
        says_architecture: chosen.key.is_some() || image_name::architecture(chosen.image).is_some(),
        partition: partition.name.clone(),
        architecture: partition.architecture,
        settings: partition.environment.into_iter().map(|setting| setting.value).collect(),
    })
}

/// The image for a partition's nodes and the GPUs that the job has there.
pub(super) fn chosen<'a>(images: &'a Images, partition: &Partition, spec: &JobSpec) -> Option<ChosenImage<'a>> {
    images.choose(partition.architecture.value, vendor(partition, spec))
}

/// Who makes the GPUs that the job has; none where it has none.
fn vendor(partition: &Partition, spec: &JobSpec) -> Option<GpuVendor> {
    let is_none = matches!(spec.resources.gpus, GpuRequest::None | GpuRequest::PerNode(0) | GpuRequest::Total(0));
    partition.gpus.as_ref().filter(|_| !is_none).map(|gpus| gpus.value.vendor)
}

/// Checks image and runtime, where the job wants a container.
pub(super) fn check(site: &Site, partition: &Partition, spec: &JobSpec, findings: &mut Vec<Finding>) {
    let Some(images) = &spec.environment.container else { return };
    check_surroundings(spec, findings);
    let Some(image) = chosen(images, partition, spec) else {
        findings.push(no_image(images, partition, spec));
        return;
    };
    check_runtime(partition, spec, &image, findings);
    check_address(partition, spec, &image, findings);
    check_architecture_name(partition, &image, findings);
    check_vendor_name(site, partition, spec, &image, findings);
}

/// The directory and the variables that no container would be shown.
fn check_surroundings(spec: &JobSpec, findings: &mut Vec<Finding>) {
    if spec.workdir.contains([',', ':']) {
        let what =
            format!("`{}` cannot be shown to a container: `,` and `:` part the directories it is told", spec.workdir);
        findings.push(Finding::error("workdir", what, "choose a directory without them, or use `venv`"));
    }
    for name in CLEAN.into_iter().filter(|name| spec.environment.variables.contains_key(*name)) {
        let what = format!("with `{name}` the container is told no variable of the job, not even `PAKT_PROGRESS`");
        let field = format!("environment.variables.{name}");
        findings.push(Finding::warning(field, what, "take it out, unless the program reads none of them"));
    }
}

fn no_image(images: &Images, partition: &Partition, spec: &JobSpec) -> Finding {
    let keys: Vec<String> = images.each().iter().filter_map(|image| image.key).map(|key| format!("`{key}`")).collect();
    let (architecture, gpus) = (partition.architecture.value, vendor(partition, spec));
    let jobs = gpus.map_or("and the job has no GPUs".to_owned(), |of| format!("with GPUs of {}", of.title()));
    let what = format!(
        "no image is for nodes of `{}`, which are {architecture}, {jobs}: there is one for {}",
        partition.name,
        keys.join(", ")
    );
    let suffix = gpus.map_or("cpu", GpuVendor::word);
    let next = format!("add `{architecture}: IMAGE`, or `{architecture}-{suffix}: IMAGE` for these alone");
    Finding::error("environment.container", what, next)
}

/// The runtime that starts an image: the usual one, or the first that can. A file of Enroot's is its own runtime's.
fn runtime<'a>(partition: &'a Partition, image: &ChosenImage<'_>) -> Option<&'a Sourced<Containers>> {
    let form = ImageForm::of(image);
    let own = |containers: &&Sourced<Containers>| {
        form == ImageForm::Squashfs && containers.value.runtime == ContainerRuntime::Pyxis
    };
    let able = || partition.containers.iter().filter(|containers| containers.value.starts(form));
    able().find(own).or_else(|| able().next())
}

fn check_runtime(partition: &Partition, spec: &JobSpec, image: &ChosenImage<'_>, findings: &mut Vec<Finding>) {
    if partition.containers.is_empty() {
        let what = format!("no container runtime is known for `{}`", partition.name);
        let next = "use `venv` or modules, or write `containers` into a site file of your own (`docs/containers.md`)";
        findings.push(Finding::error("environment.container", what, next));
        return;
    }
    let Some(runtime) = runtime(partition, image) else {
        let (what, next) = match ImageForm::of(image) {
            ImageForm::Strange => {
                let scheme = image.scheme().unwrap_or_default();
                (
                    format!("no container runtime fetches `{scheme}://`"),
                    "one of: `docker://`, `library://`, `oras://`, `https://`",
                )
            }
            _ => (
                format!("`{}` has pyxis alone, which starts no image of this form", partition.name),
                "make a squashfs file of it: `enroot import -o IMAGE.sqsh docker://…`, and name that",
            ),
        };
        findings.push(Finding::error(image.field(), what, next));
        return;
    };
    if runtime.is_guess() {
        let word = runtime.value.runtime.word();
        let what = format!("that {word} starts containers on `{}` is a guess", partition.name);
        let next = "see whether it is there; a site file in your configuration corrects it (`docs/containers.md`)";
        findings.push(Finding::warning(image.field(), what, next));
    }
    let launcher = partition.launchers.value.mpi_launcher.first().filter(|first| *first != "srun");
    if let (ContainerRuntime::Pyxis, Launch::Mpi, Some(launcher)) = (runtime.value.runtime, spec.launch, launcher) {
        let what = format!("pyxis is a part of `srun`, and `{launcher}` starts its ranks without it");
        let next = format!("`launch: srun`, or a SIF file where there is Apptainer ({})", runtime.citation());
        findings.push(Finding::error("launch", what, next));
    }
}

/// What holds for an image that is fetched when the job starts.
fn check_address(partition: &Partition, spec: &JobSpec, image: &ChosenImage<'_>, findings: &mut Vec<Finding>) {
    let Some(scheme) = image.scheme().filter(|_| ImageForm::of(image) != ImageForm::Strange) else { return };
    let runtime = runtime(partition, image).map(|containers| containers.value.runtime);
    let fetch = match runtime {
        Some(ContainerRuntime::Pyxis) => "enroot import -o IMAGE.sqsh",
        Some(ContainerRuntime::Singularity) => "singularity pull IMAGE.sif",
        _ => "apptainer pull IMAGE.sif",
    };
    let architecture = partition.architecture.value;
    if has_internet(partition, spec) {
        let what = format!("each start fetches it, and whether it is for {architecture} is not known before");
        let next = format!("fetch it once, on {architecture}: `{fetch} {}`, and name the file", image.image);
        findings.push(Finding::warning(image.field(), what, next));
    } else {
        let what = format!(
            "nodes of `{}` reach no internet, so that nothing of `{scheme}://` can be fetched there",
            partition.name
        );
        let next = format!(
            "fetch it before, on {architecture}: `{fetch} {}`, and name the file ({})",
            image.image,
            partition.internet.citation()
        );
        findings.push(judged(partition.internet.confidence(), &image.field(), what, next));
    }
}

/// What the image's name says against the nodes' processors; the image itself is read elsewhere.
fn check_architecture_name(partition: &Partition, image: &ChosenImage<'_>, findings: &mut Vec<Finding>) {
    let own = partition.architecture.value;
    if let Some(named) = image_name::architecture(image.image).filter(|named| *named != own) {
        let what = format!("the image's name says {named}, and `{}` is {own}", partition.name);
        let next = format!("use an image built for {own}, or rename it if its name misleads");
        findings.push(Finding::warning(image.field(), what, next));
    }
}

/// What the image's name says against the job's GPUs, unless the job file says for which it is.
fn check_vendor_name(
    site: &Site,
    partition: &Partition,
    spec: &JobSpec,
    image: &ChosenImage<'_>,
    findings: &mut Vec<Finding>,
) {
    let (Some(own), Some(gpus)) = (vendor(partition, spec), &partition.gpus) else { return };
    let is_said = image.key.is_some_and(|key| key.gpus == Some(ImageGpus::Of(own)));
    if let Some(named) = image_name::vendor(image.image).filter(|named| *named != own && !is_said) {
        let what = format!(
            "the image's name says GPUs of {}, and `{}` has GPUs of {}",
            named.title(),
            partition.name,
            own.title()
        );
        let next = format!(
            "use one for {}; if its name misleads, rename it, or say so: `container: {{ {}-{}: … }}` ({})",
            own.title(),
            partition.architecture.value,
            own.word(),
            gpus.citation()
        );
        // Of this machine's own GPUs only their number is known for sure.
        let is_sure = site.scheduler != SchedulerKind::Local;
        let confidence = if is_sure { gpus.confidence() } else { Confidence::Guess };
        findings.push(judged(confidence, &image.field(), what, next));
    }
}

/// How the runtime is called for the job; none where it wants no container.
pub(super) fn rules(site: &Site, partition: &Partition, spec: &JobSpec) -> Option<ContainerRules> {
    let image = chosen(spec.environment.container.as_ref()?, partition, spec)?;
    let Containers { runtime, modules, options, binds, bound } = runtime(partition, &image)?.value.clone();
    let mut shown: Vec<String> = Vec::new();
    for directory in binds.into_iter().chain(areas(site, runtime)) {
        let is_below = |above: &String| directory == *above || directory.starts_with(&format!("{above}/"));
        if !shown.iter().chain(&bound).any(is_below) {
            shown.push(directory);
        }
    }
    Some(ContainerRules { runtime, modules, options, binds: shown, bound })
}

/// The storage areas that compute nodes see, by their paths where they are known. Apptainer shows the home by itself
/// (apptainer-exec(1), `--no-home`), and pyxis does not.
fn areas(site: &Site, runtime: ContainerRuntime) -> impl Iterator<Item = String> {
    let compute = StorageContext::Compute;
    site.storage.iter().map(|area| &area.value).filter_map(move |area| {
        let variable = area.variables.get(&compute).map(|name| format!("${name}"));
        match area.role {
            StorageRole::Home if runtime == ContainerRuntime::Pyxis => variable,
            StorageRole::Home => None,
            _ => area.paths.get(&compute).cloned().or(variable),
        }
    })
}
