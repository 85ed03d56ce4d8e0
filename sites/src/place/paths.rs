//! Whether compute nodes can see what the job names: its directory, environment, image and log.

use super::{container::WantedImage, placed::judged};
use crate::profile::Site;
use crate::sourced::Sourced;
use model::{Finding, JobSpec, StorageArea, StorageContext, StorageRole};

/// Checks every path of the job against the storage areas that the profile knows; what lies in none passes. `image` is the
/// one that the job takes here.
pub(super) fn check(site: &Site, spec: &JobSpec, image: Option<&WantedImage>, findings: &mut Vec<Finding>) {
    let paths = [
        ("workdir", Some(&spec.workdir)),
        ("environment.venv", spec.environment.venv.as_ref()),
        ("output", spec.output.as_ref()),
    ];
    let paths = paths.into_iter().filter_map(|(field, path)| Some((field, path?)));
    for (field, path) in paths.chain(image.map(|wanted| (wanted.field.as_str(), &wanted.image))) {
        let found = if path.starts_with('$') { by_variable(site, path) } else { by_prefix(site, path) };
        let Some((area, named)) = found else { continue };
        if !named.sees_compute {
            let what = format!("`{path}` lies on `{}`, which compute nodes of {} do not see", named.name, site.title);
            let next = format!("{} ({})", elsewhere(site, field), area.citation());
            findings.push(judged(area.confidence(), field, what, next));
        } else if area.value.role == StorageRole::NodeLocal {
            let what =
                format!("`{path}` lies on `{}`, which each node has for itself and loses with the job", named.name);
            findings.push(Finding::warning(field, what, elsewhere(site, field)));
        }
    }
}

/// What of an area a path named.
struct Named {
    name: String,
    sees_compute: bool,
}

/// The area whose path prefix fits best. One prefix may be that of several contexts; compute is enough.
fn by_prefix<'a>(site: &'a Site, path: &str) -> Option<(&'a Sourced<StorageArea>, Named)> {
    let mut best: Option<(&Sourced<StorageArea>, Named)> = None;
    for area in &site.storage {
        for (context, prefix) in area.value.paths.iter().filter(|(_, prefix)| is_below(path, prefix)) {
            let sees_compute = *context == StorageContext::Compute;
            let is_better = best.as_ref().is_none_or(|(_, named)| {
                prefix.len() > named.name.len()
                    || (prefix.len() == named.name.len() && sees_compute && !named.sees_compute)
            });
            if is_better {
                best = Some((area, Named { name: prefix.clone(), sees_compute }));
            }
        }
    }
    best
}

fn by_variable<'a>(site: &'a Site, path: &str) -> Option<(&'a Sourced<StorageArea>, Named)> {
    let bare = path.trim_start_matches('$').trim_start_matches('{');
    let end = bare.find(|letter: char| !(letter.is_ascii_alphanumeric() || letter == '_')).unwrap_or(bare.len());
    let variable = &bare[..end];
    let area = site.storage.iter().find(|area| area.value.variables.values().any(|name| name == variable))?;
    let on_compute = area.value.variables.get(&StorageContext::Compute);
    let sees_compute = on_compute.is_some_and(|name| name == variable);
    Some((area, Named { name: format!("${variable}"), sees_compute }))
}

fn is_below(path: &str, prefix: &str) -> bool {
    let prefix = prefix.trim_end_matches('/');
    path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Where the site's users put such things instead. The log's name is read by Slurm, which expands no variable.
fn elsewhere(site: &Site, field: &str) -> String {
    let compute = StorageContext::Compute;
    let seen_name = |area: &Sourced<StorageArea>| {
        let variable = area.value.variables.get(&compute).filter(|_| field != "output");
        let variable = variable.map(|name| format!("`${name}`"));
        variable.or_else(|| area.value.paths.get(&compute).map(|path| format!("`{path}`")))
    };
    let first_of = |role| site.storage.iter().filter(|area| area.value.role == role).find_map(seen_name);
    let names: Vec<String> = [StorageRole::Project, StorageRole::Scratch].into_iter().filter_map(first_of).collect();
    if names.is_empty() {
        "put it where compute nodes see it".to_owned()
    } else {
        format!("put it on {}", names.join(" or "))
    }
}
