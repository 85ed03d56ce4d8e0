//! The `code` part: whether the job runs what lay there when it was submitted, and which repositories it uses.

use super::{fields::Fields, paths, reference};
use model::Code;
use std::path::Path;

/// The most repositories that a job file names.
const MOST_REPOSITORIES: usize = 16;

/// Reads `code`: a word, or fields.
pub(super) fn read(job: &Fields<'_>, directory: &Path) -> Code {
    if job.is_scalar("code") {
        let is_frozen = job.word("code", &[("live", false), ("frozen", true)]).unwrap_or_default();
        return Code { is_frozen, repositories: Vec::new() };
    }
    let fields = job.below("code");
    fields.only(&reference::names_below("code"));
    let is_frozen = fields.word("freeze", &[("true", true), ("false", false)]).unwrap_or_default();
    Code { is_frozen, repositories: repositories(&fields, directory) }
}

fn repositories(fields: &Fields<'_>, directory: &Path) -> Vec<String> {
    const NAME: &str = "repositories";
    let texts = fields.texts(NAME);
    if texts.len() > MOST_REPOSITORIES {
        let what = format!("{} repositories are more than {MOST_REPOSITORIES}", texts.len());
        fields.mistake(NAME, what, "name those whose code the job runs");
        return Vec::new();
    }
    let mut repositories: Vec<String> = Vec::new();
    for (place, text) in texts.iter().enumerate() {
        let report = |what: String, next: &str| fields.item_mistake(NAME, place, what, next);
        let Some(path) = paths::text_on_node(text, NAME, directory, &report) else { continue };
        if !repositories.contains(&path) {
            repositories.push(path);
        }
    }
    repositories
}
