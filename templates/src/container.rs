//! How a job is put into a container: words in front of the program, or options of `srun`, and the directories that it is
//! shown.

use crate::{BatchScript, TemplateError, quote};
use model::{ContainerRules, ContainerRuntime, GpuVendor, Launch, Placement};
use serde::Serialize;

/// What the script says of the container.
#[derive(Debug, Serialize)]
pub(crate) struct ContainerWords {
    /// The image, quoted.
    image: String,
    /// Whether it is to be looked for on the node.
    is_file: bool,
    /// Whether Enroot starts it, by `srun`.
    pub(crate) is_pyxis: bool,
    /// What the runtime shows by itself, quoted, with a comma behind each.
    bound: String,
    /// What is shown where the node has it, quoted.
    binds: Vec<String>,
    /// What stands in front of the program, quoted, with a blank behind; empty where `srun` starts the container.
    pub(crate) front: String,
    /// Further options of `srun`, quoted, with a blank behind; empty where the container is started in front of the program.
    pub(crate) srun: String,
}

impl ContainerWords {
    /// The words of a job that wants a container; none of one that wants none.
    pub(crate) fn of(script: &BatchScript<'_>) -> Result<Option<Self>, TemplateError> {
        if script.spec.environment.container.is_none() {
            return Ok(None);
        }
        let placement = script.placement;
        let partition = || (placement.site.clone(), placement.profile_partition.clone());
        let Some(image) = placement.image_of(script.spec) else {
            let (site, partition) = partition();
            return Err(TemplateError::NoImage { site, partition });
        };
        let launcher = &placement.launcher;
        let words = match &launcher.container {
            Some(rules) => Self::by_rules(script, rules, image)?,
            None if launcher.container_launcher.is_empty() => {
                let (site, partition) = partition();
                return Err(TemplateError::NoContainerLauncher { site, partition });
            }
            None => Self::in_front(&launcher.container_launcher, image),
        };
        Ok(Some(words))
    }

    fn by_rules(script: &BatchScript<'_>, rules: &ContainerRules, image: &str) -> Result<Self, TemplateError> {
        let mut words = match rules.runtime {
            ContainerRuntime::Pyxis => Self::by_srun(script, rules, image)?,
            runtime => {
                let mut all = vec![runtime.word().to_owned(), "exec".to_owned()];
                all.extend(gpu_option(script.placement).map(str::to_owned));
                all.extend(rules.options.iter().cloned());
                Self::in_front(&all, image)
            }
        };
        words.binds = rules.binds.iter().map(|path| quote::value_if_set(path)).collect();
        words.bound = rules.bound.iter().map(|path| format!("{},", quote::value_if_set(path))).collect();
        Ok(words)
    }

    fn in_front(launcher: &[String], image: &str) -> Self {
        let words: Vec<String> = launcher.iter().map(|text| quote::value(text)).collect();
        let front = format!("{} {} ", words.join(" "), quote::path(image));
        Self { front, ..Self::without_words(image) }
    }

    /// Enroot's Slurm plug-in (<https://github.com/NVIDIA/pyxis>, "Usage"). What the image sets goes before the job's
    /// variables there, unless they are named.
    fn by_srun(script: &BatchScript<'_>, rules: &ContainerRules, image: &str) -> Result<Self, TemplateError> {
        let launcher = script.placement.launcher.mpi_launcher.first().filter(|first| *first != "srun");
        if let (Launch::Mpi, Some(launcher)) = (script.spec.launch, launcher) {
            return Err(TemplateError::NotByPyxis(launcher.clone()));
        }
        let mut words = vec![
            format!("--container-image={}", quote::path(&enroot_name(image))),
            "--container-mounts=\"$PAKT_MOUNTS\"".to_owned(),
            "--container-workdir=\"$PWD\"".to_owned(),
        ];
        let settings = script.placement.environment.iter().map(|setting| setting.name.as_str());
        let parameters = script.spec.sweep.iter().flat_map(|sweep| &sweep.parameters).map(model::ParameterName::as_str);
        let names = settings.chain(script.spec.environment.variables.keys().map(String::as_str)).chain(parameters);
        let names = names.collect::<Vec<_>>().join(",");
        words.extend((!names.is_empty()).then(|| format!("--container-env={names}")));
        words.extend(rules.options.iter().map(|text| quote::value(text)));
        Ok(Self { is_pyxis: true, srun: format!("{} ", words.join(" ")), ..Self::without_words(image) })
    }

    fn without_words(image: &str) -> Self {
        Self {
            image: quote::path(image),
            is_file: !image.contains("://"),
            is_pyxis: false,
            bound: String::new(),
            binds: Vec::new(),
            front: String::new(),
            srun: String::new(),
        }
    }
}

/// What a runtime is told so that the program finds the GPUs (apptainer-exec(1), `--nv`, `--rocm`). Of Intel's there is no
/// such option: their devices are there, and their libraries have to be in the image.
fn gpu_option(placement: &Placement) -> Option<&'static str> {
    match placement.gpu_vendor.filter(|_| placement.share.gpus > 0)? {
        GpuVendor::Nvidia => Some("--nv"),
        GpuVendor::Amd => Some("--rocm"),
        GpuVendor::Intel => None,
    }
}

/// An image as pyxis wants it: `[REGISTRY#]IMAGE[:TAG]`, where a Docker address has a slash behind the registry. The first
/// part of an address is a registry if it has a dot or a port, or is `localhost`
/// (<https://github.com/distribution/reference>, `splitDockerDomain`).
fn enroot_name(image: &str) -> String {
    let Some(name) = image.strip_prefix("docker://") else { return image.to_owned() };
    match name.split_once('/') {
        Some((registry, rest)) if !name.contains('#') && (registry.contains(['.', ':']) || registry == "localhost") => {
            format!("{registry}#{rest}")
        }
        _ => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::enroot_name;

    #[test]
    fn a_registry_is_told_from_the_name() {
        for (image, wanted) in [
            ("docker://ubuntu:24.04", "ubuntu:24.04"),
            ("docker://rocm/pytorch", "rocm/pytorch"),
            ("docker://nvcr.io/nvidia/pytorch:25.08-py3", "nvcr.io#nvidia/pytorch:25.08-py3"),
            ("docker://localhost:5000/a", "localhost:5000#a"),
            ("docker://nvcr.io#nvidia/pytorch", "nvcr.io#nvidia/pytorch"),
            ("$PROJECT/a.sqsh", "$PROJECT/a.sqsh"),
        ] {
            assert_eq!(enroot_name(image), wanted, "{image}");
        }
    }
}
