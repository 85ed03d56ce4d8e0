//! For which machines a container image is built: read before the job waits for nodes that could not start it.

use crate::{
    house::House,
    image::{self, BuiltFor, HEAD_BYTES, ImageFile},
};
use model::{EnvironmentSetting, Finding, StorageContext};
use reach::EntryKind;
use sites::{Confidence, Site, WantedImage};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};
use templates::quote;

/// Programs that an image has, of which the first that is a file of its own is read: a link may lead out of the image.
const PROGRAMS: [&str; 6] = ["bash", "busybox", "coreutils", "dash", "env", "sh"];
/// Where they lie.
const FOLDERS: [&str; 2] = ["usr/bin", "bin"];

/// What was found out about an image.
enum Found {
    /// It is built for these machines.
    BuiltFor(BuiltFor),
    /// It is an image that does not say, with the reason.
    Silent(&'static str),
    /// It is none.
    NoImage,
    /// It could not be read.
    Unread(String),
}

/// A mistake where the image is built for other machines than the job's nodes, a doubt where that cannot be told.
pub(super) async fn foreign(
    house: &House,
    variables: &BTreeMap<String, String>,
    site: &Site,
    wanted: &WantedImage,
) -> Option<Finding> {
    let variables = on_nodes(variables, &wanted.settings);
    let path =
        quote::expanded(&wanted.image, |name| variables.get(name).cloned()).filter(|path| path.starts_with('/'))?;
    let found = look(house, Path::new(&path)).await?;
    let (own, field) = (wanted.architecture.value, wanted.field.as_str());
    let doubt = |what: String, next: String| Some(Finding::warning(field, what, next));
    match found {
        Found::BuiltFor(built_for) if built_for.runs_on(own) => None,
        Found::BuiltFor(built_for) => {
            let what =
                format!("the image `{path}` is built for {built_for}, and nodes of `{}` are {own}", wanted.partition);
            let next = format!(
                "name one that is built for {own}; for both: `container: {{ {own}: …, {built_for}: … }}` ({})",
                wanted.architecture.citation()
            );
            let is_certain = means_the_same(site, wanted) && wanted.architecture.confidence() != Confidence::Guess;
            Some(if is_certain { Finding::error(field, what, next) } else { Finding::warning(field, what, next) })
        }
        Found::Silent(_) if wanted.says_architecture => None,
        Found::Silent(why) => doubt(
            format!("whether `{path}` is built for {own} is not known: {why}"),
            format!("if it is, say so: `container: {{ {own}: … }}`, or by its name"),
        ),
        Found::NoImage => doubt(
            format!("`{path}` is no image that Pakt knows: neither SIF nor squashfs nor a folder with programs"),
            "see whether it is whole, and whether the path is right".to_owned(),
        ),
        Found::Unread(why) => doubt(
            format!("for which machines `{path}` is built was not read: {why}"),
            format!("see that you may read it; nodes of `{}` are {own}", wanted.partition),
        ),
    }
}

/// The variables as a job's nodes have them, as far as that is known here.
fn on_nodes(variables: &BTreeMap<String, String>, settings: &[EnvironmentSetting]) -> BTreeMap<String, String> {
    let mut known = variables.clone();
    for setting in settings {
        let is_set = |name: &String| known.get(name).is_some_and(|value| !value.is_empty());
        if setting.when_set.as_ref().is_none_or(is_set) {
            match quote::expanded(&setting.value, |name| known.get(name).cloned()) {
                Some(value) => known.insert(setting.name.clone(), value),
                None => known.remove(&setting.name),
            };
        }
    }
    known
}

/// Whether the path means the same place on the nodes: every variable in it is one that the site has there, too.
fn means_the_same(site: &Site, wanted: &WantedImage) -> bool {
    let areas = site.storage.iter().filter_map(|area| area.value.variables.get(&StorageContext::Compute));
    let known: BTreeSet<&str> =
        areas.map(String::as_str).chain(wanted.settings.iter().map(|setting| setting.name.as_str())).collect();
    quote::variables(&wanted.image).iter().all(|name| known.contains(name.as_str()) || name == "HOME")
        || site.scheduler == sites::SchedulerKind::Local
}

/// None where nothing is there; whether something should be is another check.
async fn look(house: &House, path: &Path) -> Option<Found> {
    match house.files.read_part(path, 0, HEAD_BYTES).await {
        Ok(None) => None,
        Ok(Some(part)) => Some(match ImageFile::read(&part.bytes) {
            ImageFile::Sif(Some(built_for)) => Found::BuiltFor(built_for),
            ImageFile::Sif(None) => Found::Silent("it does not say"),
            ImageFile::Squashfs => Found::Silent("a squashfs file does not say"),
            ImageFile::Strange => Found::NoImage,
        }),
        Err(error) => Some(match house.files.list(path).await {
            Ok(Some(_)) => sandbox(house, path).await,
            Ok(None) | Err(_) => Found::Unread(error.to_string()),
        }),
    }
}

/// Reads a program of an image that is a folder.
async fn sandbox(house: &House, path: &Path) -> Found {
    match program(house, path).await {
        None => Found::NoImage,
        Some(program) => match house.files.read_part(&program, 0, 64).await {
            Ok(part) => match part.and_then(|part| image::program(&part.bytes)) {
                Some(built_for) => Found::BuiltFor(built_for),
                None => Found::Silent("its programs do not say"),
            },
            Err(error) => Found::Unread(error.to_string()),
        },
    }
}

async fn program(house: &House, path: &Path) -> Option<PathBuf> {
    for folder in FOLDERS.map(|folder| path.join(folder)) {
        let Ok(Some(entries)) = house.files.list(&folder).await else { continue };
        let is_program = |name: &str| PROGRAMS.contains(&name);
        let found = entries.iter().find(|entry| entry.kind == EntryKind::File && is_program(&entry.name));
        if let Some(entry) = found {
            return Some(folder.join(&entry.name));
        }
    }
    None
}
