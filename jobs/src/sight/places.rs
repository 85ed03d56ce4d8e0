//! The directory, the virtual environment and the image of a job: whether they are there.

use crate::house::House;
use model::{Finding, JobSpec};
use sites::{SchedulerKind, Site, WantedImage};
use std::path::{Path, PathBuf};
use templates::quote;

/// Where each machine has files of its own (hier(7)): what is missing here may be there.
const OF_EACH_MACHINE: [&str; 4] = ["/dev", "/run", "/tmp", "/var"];

/// What is to be there.
struct Wanted<'a> {
    field: &'a str,
    noun: &'static str,
    text: &'a str,
    /// What in it must be there; empty for itself.
    inside: &'static str,
    /// What makes it, before its path.
    made_by: Option<&'static str>,
}

/// A finding for each that is missing.
pub(super) async fn missing(
    (house, home): (&House, Option<&str>),
    site: &Site,
    spec: &JobSpec,
    image: Option<&WantedImage>,
) -> Vec<Finding> {
    let environment = &spec.environment;
    let image = image.filter(|wanted| !wanted.is_address);
    let wanted = [
        // Code that the job brings is looked at when it is packed.
        Some(&*spec.workdir)
            .filter(|_| !spec.code.is_frozen)
            .map(|text| ("workdir", "workdir", text, "", Some("mkdir -p"))),
        environment
            .venv
            .as_deref()
            .map(|text| ("environment.venv", "virtual environment", text, "bin/activate", Some("python3 -m venv"))),
        image.map(|wanted| (&*wanted.field, "container image", &*wanted.image, "", None)),
    ];
    let mut findings = Vec::new();
    for (field, noun, text, inside, made_by) in wanted.into_iter().flatten() {
        let wanted = Wanted { field, noun, text, inside, made_by };
        findings.extend(finding((house, home), site, spec, &wanted).await);
    }
    findings
}

async fn finding(
    (house, home): (&House, Option<&str>),
    site: &Site,
    spec: &JobSpec,
    wanted: &Wanted<'_>,
) -> Option<Finding> {
    let Wanted { field, noun, text, inside, made_by } = wanted;
    let path = on_disk(home, text)?;
    let above = nearest(house, &path.join(inside)).await?;
    if above == path.join(inside) {
        return None;
    }
    let is_here = site.scheduler == SchedulerKind::Local;
    let is_shared = is_here || !OF_EACH_MACHINE.iter().any(|folder| path.starts_with(folder));
    // A folder right below the root may be a place where nodes have something mounted, and this machine has not.
    let is_visible = is_here || above.components().count() > 2;
    // A home may be another one on the nodes, and an earlier job may make what this one needs.
    let is_certain = is_shared && is_visible && !text.starts_with('~') && spec.scheduler.after.is_none();
    let make = made_by.map(|words| format!("make it: `{words} {}`, or ", quoted(text))).unwrap_or_default();
    Some(if is_certain {
        let what = if above.starts_with(&path) {
            format!("`{}` is no {noun}: there is no {inside} in it", path.display())
        } else {
            format!("the {noun} `{}` is not there; `{}` is", path.display(), above.display())
        };
        Finding::error(*field, what, format!("{make}correct the path"))
    } else {
        let (place, unless) = if text.starts_with('~') {
            ("is not in your home here", "the nodes have another home")
        } else {
            ("cannot be seen from here", "only the nodes see it, or an earlier job makes it")
        };
        let what = format!("the {noun} `{text}` {place}");
        Finding::warning(*field, what, format!("{make}correct the path, unless {unless}"))
    })
}

/// Where a path of a job leads, with the home here; none where only the node can tell, because a variable is in it.
pub(crate) fn on_disk(home: Option<&str>, text: &str) -> Option<PathBuf> {
    let path = quote::without_variables(text)?;
    match path.strip_prefix('~') {
        Some(rest) => home.map(|home| Path::new(home).join(rest.trim_start_matches('/'))),
        None => path.starts_with('/').then(|| PathBuf::from(path)),
    }
}

/// The path, or the nearest folder above it that is there; none where nobody may look.
pub(super) async fn nearest(house: &House, path: &Path) -> Option<PathBuf> {
    for above in path.ancestors() {
        match house.files.modified_at(above).await {
            Ok(Some(_)) => return Some(above.to_path_buf()),
            Ok(None) => {}
            Err(_) => return None,
        }
    }
    None
}

/// As a person types it: `~` stays for the shell.
fn quoted(text: &str) -> String {
    match text.strip_prefix("~/") {
        Some(rest) => format!("~/{}", quote::word(rest)),
        None => quote::word(&quote::without_variables(text).unwrap_or_else(|| text.to_owned())),
    }
}
