//! Paths of a job file. What a person writes is for the node to expand; what is put in front of it comes from a file system
//! and is taken as it is.

use super::fields::Fields;
use std::path::{Component, Path};

/// A path as the node will read it: `~/` and `$NAME` stay for the node to expand, what is relative starts at the file.
/// None and a mistake where no node could read it.
pub(super) fn on_node(fields: &Fields<'_>, name: &str, directory: &Path) -> Option<String> {
    let text = written(fields, name)?;
    if text.starts_with('~') && text != "~" && !text.starts_with("~/") {
        let what = format!("`{text}` is not expanded: only `~` and `~/` mean a home directory, your own");
        fields.mistake(name, what, format!("write the path in full; `./{text}` is a directory of that name"));
        return None;
    }
    if text.starts_with(['/', '~', '$']) {
        return Some(text);
    }
    Some(below(&beside_the_file(fields, name, directory)?, &text))
}

/// The directory of the file itself, as the node will read it: to the node, two dollars are one.
pub(super) fn beside_the_file(fields: &Fields<'_>, name: &str, directory: &Path) -> Option<String> {
    base(fields, name, directory).map(|base| base.replace('$', "$$"))
}

/// The path of the log, which the scheduler itself opens: it knows `%j` and the like, and neither variables nor `~`
/// (sbatch(1), "Filename pattern").
pub(super) fn of_log(fields: &Fields<'_>, name: &str, directory: &Path) -> Option<String> {
    let text = written(fields, name)?;
    if text.contains('$') || text.starts_with('~') {
        let what =
            format!("`{text}` would be taken literally: the scheduler opens the log, and expands neither `$` nor `~`");
        let next = "write the path in full, or from this file on, such as `logs/%j.txt`; `%j` is the scheduler's own";
        fields.mistake(name, what, next);
        return None;
    }
    if text.starts_with('/') {
        return Some(text);
    }
    Some(below(base(fields, name, directory)?, &text))
}

/// A field's text, where it can be a path at all.
fn written(fields: &Fields<'_>, name: &str) -> Option<String> {
    let text = fields.text(name)?;
    if text.is_empty() {
        fields.mistake(name, format!("`{name}` is empty"), "write a path, or take the field out");
        return None;
    }
    if text.chars().any(char::is_control) {
        let what = "a path with line breaks or control characters is not supported";
        fields.mistake(name, what, "choose another name");
        return None;
    }
    Some(text)
}

/// The directory in which the file lies, as text.
fn base<'a>(fields: &Fields<'_>, name: &str, directory: &'a Path) -> Option<&'a str> {
    let text = directory.to_str();
    if text.is_none_or(|text| text.chars().any(char::is_control)) {
        let what = format!("the job file lies in {}, a name that cannot be written into a script", directory.display());
        fields.mistake(name, what, "move it to a directory whose name is plain text, or write the path in full");
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
