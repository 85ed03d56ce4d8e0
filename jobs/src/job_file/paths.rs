//! Paths of a job file. What a person writes is for the node to expand; what is put in front of it comes from a file system
//! and is taken as it is.

use super::fields::Fields;
use std::path::{Component, Path, PathBuf};

/// Takes what is wrong with a path, and what to do about it.
pub(super) type Report<'a> = dyn Fn(String, &str) + 'a;

/// A path as the node will read it: `~/` and `$NAME` stay for the node to expand, what is relative starts at the file.
/// None and a mistake where no node could read it.
pub(super) fn on_node(fields: &Fields<'_>, name: &str, directory: &Path) -> Option<String> {
    text_on_node(&fields.text(name)?, name, directory, &|what, next| fields.mistake(name, what, next))
}

/// The same of a text that stands in a list, say.
pub(super) fn text_on_node(text: &str, name: &str, directory: &Path, report: &Report<'_>) -> Option<String> {
    let text = written(text, name, report)?;
    if text.starts_with('~') && text != "~" && !text.starts_with("~/") {
        let what = format!("`{text}` is not expanded: only `~` and `~/` mean a home directory, your own");
        report(what, &format!("write the path in full; `./{text}` is a directory of that name"));
        return None;
    }
    if text.starts_with(['/', '~', '$']) {
        return Some(text.to_owned());
    }
    Some(below(&base(directory, report)?.replace('$', "$$"), text))
}

/// The directory of the file itself, as the node will read it: to the node, two dollars are one.
pub(super) fn beside_the_file(fields: &Fields<'_>, name: &str, directory: &Path) -> Option<String> {
    let base = base(directory, &|what, next| fields.mistake(name, what, next));
    base.map(|base| base.replace('$', "$$"))
}

/// The path of the log, which the scheduler itself opens: it knows `%j` and the like, and neither variables nor `~`
/// (sbatch(1), "Filename pattern").
pub(super) fn of_log(fields: &Fields<'_>, name: &str, directory: &Path) -> Option<String> {
    let report = |what: String, next: &str| fields.mistake(name, what, next);
    let text = fields.text(name)?;
    let text = written(&text, name, &report)?;
    if text.contains('$') || text.starts_with('~') {
        let what =
            format!("`{text}` would be taken literally: the scheduler opens the log, and expands neither `$` nor `~`");
        let next = "write the path in full, or from this file on, such as `logs/%j.txt`; `%j` is the scheduler's own";
        report(what, next);
        return None;
    }
    if text.starts_with('/') {
        return Some(text.to_owned());
    }
    Some(below(base(directory, &report)?, text))
}

/// The path of a file that is read here and now: relative to the job file, and nothing in it is expanded.
pub(super) fn here(fields: &Fields<'_>, name: &str, directory: &Path) -> Option<PathBuf> {
    let report = |what: String, next: &str| fields.mistake(name, what, next);
    let text = fields.text(name)?;
    let text = written(&text, name, &report)?;
    if text.starts_with(['~', '$']) {
        let what = format!("`{text}` is read here and now, and neither `~` nor `$` is expanded");
        report(what, "write the path in full, or from this file on");
        return None;
    }
    Some(directory.join(text))
}

/// A path of this machine as it is written here, from the root on.
pub(super) fn absolute(text: &str, name: &str, directory: &Path, report: &Report<'_>) -> Option<String> {
    let text = written(text, name, report)?;
    Some(if text.starts_with('/') { below("", text) } else { below(base(directory, report)?, text) })
}

/// A text, where it can be a path at all.
pub(super) fn written<'a>(text: &'a str, name: &str, report: &Report<'_>) -> Option<&'a str> {
    if text.is_empty() {
        report(format!("`{name}` is empty"), "write a path, or take the field out");
        return None;
    }
    if text.chars().any(char::is_control) {
        let what = "a path with line breaks or control characters is not supported";
        report(what.to_owned(), "choose another name");
        return None;
    }
    Some(text)
}

/// The directory in which the file lies, as text.
fn base<'a>(directory: &'a Path, report: &Report<'_>) -> Option<&'a str> {
    let text = directory.to_str();
    if text.is_none_or(|text| text.chars().any(char::is_control)) {
        let what = format!("the job file lies in {}, a name that cannot be written into a script", directory.display());
        report(what, "move it to a directory whose name is plain text, or write the path in full");
        return None;
    }
    text
}

/// A relative path below a directory, `..` and all.
fn below(base: &str, relative: &str) -> String {
    let mut parts: Vec<&str> = base.split('/').filter(|part| !part.is_empty()).collect();
    for part in Path::new(relative).components() {
        match part {
            Component::ParentDir => drop(parts.pop()),
            Component::Normal(name) => parts.extend(name.to_str()),
            Component::CurDir | Component::RootDir | Component::Prefix(_) => {}
        }
    }
    format!("/{}", parts.join("/"))
}
