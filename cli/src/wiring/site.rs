//! Which sites are known, and which one this is.

use crate::{arguments::General, configuration::Configuration, failure::Failure};
use model::{SiteChoice, SiteName};
use sites::{Catalogue, Detection, LocalMachine, Site, Surroundings};
use std::path::Path;

/// The embedded profiles with the user's own on top.
pub(super) fn catalogue(configuration: &Configuration) -> Result<Catalogue, Failure> {
    let mut catalogue = Catalogue::builtin().map_err(|error| Failure::bug("no site is known", error.to_string()))?;
    for (file, text) in &configuration.site_files {
        catalogue = catalogue.with_override(file, text).map_err(|error| {
            let next = "mend the file, or move it away; `pakt sites show SITE` prints a good one";
            Failure::usage(format!("`{file}` was not understood"), error.to_string(), next)
        })?;
    }
    Ok(catalogue)
}

/// The site of this machine: as asked for, as configured, as detected; `local` where there is no scheduler either.
pub(super) fn here(
    catalogue: &Catalogue,
    general: &General,
    configuration: &Configuration,
) -> Result<SiteName, Failure> {
    if let Some(named) = general.site.as_deref().or(configuration.file.site.as_deref()) {
        return named_site(catalogue, named);
    }
    let host_name = rustix::system::uname().nodename().to_string_lossy().into_owned();
    let surroundings = Surroundings { variables: &configuration.variables, host_name: &host_name };
    match sites::detect(catalogue, &surroundings) {
        Detection::Found(site) => Ok(site),
        Detection::Ambiguous(sites) => {
            let names = sites.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
            Err(unclear(format!("this looks like any of: {names}")))
        }
        Detection::None if !configuration.file.ssh.is_empty() => only_behind_ssh(catalogue, configuration),
        Detection::None if has_program(configuration, "sbatch") => {
            Err(unclear(format!("there is a Slurm, and nothing known of host `{host_name}`")))
        }
        Detection::None => Ok(local()),
    }
}

/// A laptop is of no site, and is taken to be of the one that it reaches.
fn only_behind_ssh(catalogue: &Catalogue, configuration: &Configuration) -> Result<SiteName, Failure> {
    let names: Vec<&str> = configuration.file.ssh.keys().map(String::as_str).collect();
    match names.as_slice() {
        [only] => named_site(catalogue, only),
        several => Err(unclear(format!("several are reached through ssh: {}", several.join(", ")))),
    }
}

/// As [`here`], for a job that names sites: of those that are reached through ssh the first one that it names, where it
/// cannot run here and no site was asked for.
pub(super) fn here_for(
    catalogue: &Catalogue,
    general: &General,
    configuration: &Configuration,
    wanted: &SiteChoice,
) -> Result<SiteName, Failure> {
    let found = here(catalogue, general, configuration);
    let SiteChoice::OneOf(names) = wanted else { return found };
    if general.site.is_some() || found.as_ref().is_ok_and(|here| names.contains(here)) {
        return found;
    }
    for name in configuration.file.ssh.keys() {
        let reached = named_site(catalogue, name)?;
        if names.contains(&reached) {
            return Ok(reached);
        }
    }
    found
}

/// The sites that a job which may run anywhere can go to from here: this machine's own first, then those behind ssh by name.
/// Where a site was asked for, that one alone.
pub(super) fn reachable(
    catalogue: &Catalogue,
    general: &General,
    configuration: &Configuration,
) -> Result<Vec<SiteName>, Failure> {
    if let Some(named) = &general.site {
        return Ok(vec![named_site(catalogue, named)?]);
    }
    let is_of_none = || {
        let host_name = rustix::system::uname().nodename().to_string_lossy().into_owned();
        let surroundings = Surroundings { variables: &configuration.variables, host_name: &host_name };
        matches!(sites::detect(catalogue, &surroundings), Detection::None)
    };
    let is_outside = configuration.file.site.is_none() && !configuration.file.ssh.is_empty() && is_of_none();
    let own = if is_outside { None } else { Some(here(catalogue, general, configuration)?) };
    let behind = behind_ssh(catalogue, configuration, own.as_ref())?;
    Ok(own.into_iter().chain(behind).collect())
}

/// The sites that are reached through ssh, in the order of their names, but for one.
pub(super) fn behind_ssh(
    catalogue: &Catalogue,
    configuration: &Configuration,
    but_for: Option<&SiteName>,
) -> Result<Vec<SiteName>, Failure> {
    let names = configuration.file.ssh.keys().map(|name| named_site(catalogue, name));
    let mut names: Vec<SiteName> = names.collect::<Result<_, _>>()?;
    names.retain(|name| but_for != Some(name));
    names.sort();
    names.dedup();
    Ok(names)
}

fn unclear(why: String) -> Failure {
    let next = "say which with `--site NAME`, or for good with `site: NAME` in config.yaml; `pakt sites` lists them, and \
                `local` runs jobs on this machine";
    Failure::usage("it is not clear which site this is", why, next)
}

/// A site by its name or alias, in any case of letters.
pub(super) fn named_site(catalogue: &Catalogue, text: &str) -> Result<SiteName, Failure> {
    let unknown = |why: String| {
        let next = catalogue.nearest(text).map_or_else(
            || "`pakt sites` lists them".to_owned(),
            |near| format!("did you mean `{near}`? `pakt sites` lists them all"),
        );
        Failure::usage(format!("`{text}` is no known site"), why, next)
    };
    if let Some(site) = catalogue.by_alias(text) {
        return Ok(site.name().clone());
    }
    let name: SiteName = text.parse().map_err(|error: model::NameError| unknown(error.to_string()))?;
    let known = catalogue.get(&name).ok_or_else(|| unknown("there is no profile of that name".to_owned()))?;
    Ok(known.name().clone())
}

/// This machine without a scheduler.
pub(super) fn local() -> SiteName {
    "local".parse().expect("`local` is a site name")
}

/// Where the site's profile wants job directories.
pub(super) fn state_area(site: &Site) -> Option<&str> {
    site.state_area.as_ref().map(|area| area.value.as_str())
}

/// What this machine has: as configured, else its CPUs, and its GPUs as the driver lists them.
pub(super) fn machine(configuration: &Configuration) -> LocalMachine {
    let cpus = std::thread::available_parallelism().map_or(1, |count| u32::try_from(count.get()).unwrap_or(1));
    let listed = std::fs::read_dir("/proc/driver/nvidia/gpus").map_or(0, Iterator::count);
    let machine = configuration.file.machine;
    LocalMachine {
        cpus: machine.cpus.unwrap_or(cpus),
        gpus: machine.gpus.unwrap_or_else(|| u32::try_from(listed).unwrap_or(0)),
    }
}

fn has_program(configuration: &Configuration, name: &str) -> bool {
    let path = configuration.variables.get("PATH").map_or("", String::as_str);
    path.split(':').any(|folder| Path::new(folder).join(name).is_file())
}
